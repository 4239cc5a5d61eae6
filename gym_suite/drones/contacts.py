"""Contacts of the compiled engine by penalty: the floor z = 0 and drones with each other.

A spring and damper act where bodies overlap (Hunt and Crossley, 1975, with a linear spring), tangential
forces follow Coulomb's law made smooth at rest. Forces between drones are equal, opposite and in one point,
so momentum and angular momentum are conserved.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones.columns import BODY, NEIGHBOURS, RIGID, SCRATCH, WORLD_SCRATCH
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.transforms import cross, rotation, turn

X, W, WORLD = BODY.places, SCRATCH.places, WORLD_SCRATCH.places
P, DRONE_SCRATCH = PHYSICS.places, len(SCRATCH)

#: Integration steps per integration step of free flight while a drone may touch something.
CONTACT_STEPS = 16
#: What the mark of a drone says: it lies still, touches nothing, may touch the floor, may touch another drone.
RESTING, FREE, ON_THE_FLOOR, WITH_OTHERS = -1.0, 0.0, 1.0, 2.0
#: m; neighbours are listed anew when two drones may have come nearer by this (Verlet, 1967).
SKIN = 0.1
#: Drones up to which all pairs are looked at before any list is made.
FEW = 8

_RIM = 8  # points on the rim of each end of the cylinder
_SLIP = 1e-3  # m/s, speed below which friction is proportional to speed
_TURN = 1e-2  # rad/s, the same for rolling and spinning
# A drone lies still below these speeds (m/s; rad/s), while the contact carries its load up to this part of its
# weight, and while these parts of what would make it slip and of what would tip it are not reached.
_STILL, _UNTURNED, _CARRIED, _SLIPPING, _TIPPING = 1e-3, 1e-2, 0.02, 0.9, 0.1
_COSINES = tuple(math.cos(2.0 * math.pi * i / _RIM) for i in range(_RIM))
_SINES = tuple(math.sin(2.0 * math.pi * i / _RIM) for i in range(_RIM))


@kernel
def _reach(p):
    return math.sqrt(p[P.radius] ** 2 + 0.25 * p[P.height] ** 2)


@kernel
def forget_neighbours(agents, work):
    """Begin without lists of neighbours: scratch is not to outlive a control period."""
    world = agents.shape[0] * DRONE_SCRATCH
    work[world + WORLD.left] = work[world + WORLD.sorted] = 0.0


@kernel
def _none_are_near(agents, p):
    """Return whether all of a few drones are out of reach of each other, :data:`SKIN` included."""
    count, nearest = agents.shape[0], math.inf
    for j in range(count):
        for i in range(j):
            dx = agents[i, X.position_x] - agents[j, X.position_x]
            dy = agents[i, X.position_y] - agents[j, X.position_y]
            dz = agents[i, X.position_z] - agents[j, X.position_z]
            nearest = min(nearest, dx * dx + dy * dy + dz * dz)
    return nearest >= (2.0 * _reach(p) + SKIN) ** 2


@called_kernel
def _list_neighbours(agents, p, work):
    """List for each drone those after it along x that are within reach and :data:`SKIN`; return how many."""
    count = agents.shape[0]
    if work[count * DRONE_SCRATCH + WORLD.sorted] == 0.0:
        work[count * DRONE_SCRATCH + WORLD.sorted] = 1.0
        for j in range(count):
            work[j * DRONE_SCRATCH + W.order] = j
    for k in range(1, count):  # nearly sorted from the last time
        j = int(work[k * DRONE_SCRATCH + W.order])
        x = agents[j, X.position_x]
        at = k
        while at > 0:
            i = int(work[(at - 1) * DRONE_SCRATCH + W.order])
            if agents[i, X.position_x] <= x:
                break
            work[at * DRONE_SCRATCH + W.order] = i
            at -= 1
        work[at * DRONE_SCRATCH + W.order] = j
    reach = 2.0 * _reach(p) + SKIN
    pairs = 0
    for k in range(count):
        j = int(work[k * DRONE_SCRATCH + W.order])
        found = 0
        for after in range(k + 1, count):
            i = int(work[after * DRONE_SCRATCH + W.order])
            dx = agents[i, X.position_x] - agents[j, X.position_x]
            if dx >= reach or found == NEIGHBOURS:
                break
            dy = agents[i, X.position_y] - agents[j, X.position_y]
            dz = agents[i, X.position_z] - agents[j, X.position_z]
            if dx * dx + dy * dy + dz * dz < reach * reach:
                work[j * DRONE_SCRATCH + W.near_0 + found] = i
                found += 1
        work[j * DRONE_SCRATCH + W.found] = found
        pairs += found
    return pairs


@kernel
def _count_pairs(agents, p, dt, work):
    """Return how many pairs of drones may touch within dt, from lists that are renewed where need be."""
    count = agents.shape[0]
    # A bound of the speed at which any two drones approach each other, m/s.
    square = 0.0
    for c in range(X.velocity_x, X.velocity_x + 3):
        low = high = agents[0, c]
        for j in range(1, count):
            low, high = min(low, agents[j, c]), max(high, agents[j, c])
        square += (high - low) ** 2
    # Two drones come nearer by at most this within the step; a rotorcraft's acceleration adds little.
    approach = (math.sqrt(square) + 20.0 * p[P.gravity] * dt) * dt
    world = count * DRONE_SCRATCH
    work[world + WORLD.left] -= approach
    if work[world + WORLD.left] <= 0.0:
        alone = count <= FEW and _none_are_near(agents, p)
        pairs = 0 if alone else _list_neighbours(agents, p, work)
        work[world + WORLD.pairs], work[world + WORLD.left] = pairs, SKIN - approach
    return int(work[world + WORLD.pairs])


@called_kernel
def _may_land(a, p, dt):
    """Return whether the lowest point of a drone may reach the floor within dt."""
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    radius = p[P.radius]
    reach = radius * math.sqrt(max(1.0 - r[8] * r[8], 0.0)) + 0.5 * p[P.height] * abs(r[8])
    wx, wy, wz = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    sweep = radius * math.sqrt(wx**2 + wy**2 + wz**2)
    fall = min(a[X.velocity_z], 0.0) - sweep - p[P.gravity] * dt
    return a[X.position_z] - reach + fall * dt < 0.0


@kernel
def _is_low(height, speed, p, dt):
    """Return whether a drone at a height with a vertical speed may be within reach of the floor within dt."""
    return height + min(speed, 0.0) * dt < _reach(p) + p[P.gravity] * dt * dt


@kernel
def near_floor(a, p, dt):
    """Return whether a drone may touch the floor within dt."""
    return _is_low(a[X.position_z], a[X.velocity_z], p, dt) and _may_land(a, p, dt)


@kernel
def mark_touching(agents, p, dt, work):
    """Mark the drones that may touch the floor or another drone within dt; return whether there are any.

    Where there are none the marks stay as they were: nobody looks at them then.
    """
    count = agents.shape[0]
    low = False
    for j in range(count):
        low |= _is_low(agents[j, X.position_z], agents[j, X.velocity_z], p, dt)
    pairs = _count_pairs(agents, p, dt, work) if count > 1 else 0
    return _mark(agents, p, dt, pairs, work) if low or pairs > 0 else False


@called_kernel
def _mark(agents, p, dt, pairs, work):
    """Mark the drones that may touch something within dt; return whether there are any."""
    count = agents.shape[0]
    touching = False
    for j in range(count):
        low = near_floor(agents[j], p, dt)
        work[j * DRONE_SCRATCH + W.touching] = ON_THE_FLOOR if low else FREE
        touching |= low
    for j in range(count if pairs > 0 else 0):
        for k in range(int(work[j * DRONE_SCRATCH + W.found])):
            i = int(work[j * DRONE_SCRATCH + W.near_0 + k])
            apart, near = 0.0, 2.0 * _reach(p)
            for c in range(3):
                x, v = X.position_x + c, X.velocity_x + c
                apart += (agents[j, x] - agents[i, x]) ** 2
                near += abs(agents[j, v] - agents[i, v]) * dt
            if apart < near * near:
                work[j * DRONE_SCRATCH + W.touching] = WITH_OTHERS
                work[i * DRONE_SCRATCH + W.touching] = WITH_OTHERS
                touching = True
    return touching


@kernel
def _constants(p):
    """Return stiffness (N/m) and damping (N s/m) of a contact that carries a drone's weight.

    Neither is more than what explicit steps can integrate: the least mass that either of them may move is that
    of the drone or, at the rim, its moment of inertia over half the radius squared.
    """
    m = p[P.mass]
    stiffness = m * max(p[P.gravity], 1.0) / p[P.contact_sink]
    damping = 2.0 * p[P.contact_damping] * math.sqrt(stiffness * m)
    arm = 0.5 * (p[P.radius] ** 2 + p[P.height] ** 2)
    least = min(m, min(min(p[P.i_xx], p[P.i_yy]), p[P.i_zz]) / arm)
    rate = p[P.substeps] * CONTACT_STEPS / p[P.dt]
    return min(stiffness, least * rate * rate), min(damping, least * rate)


@kernel
def _add(work, k, fx, fy, fz, tx, ty, tz):
    work[k] += fx
    work[k + 1] += fy
    work[k + 2] += fz
    work[k + 3] += tx
    work[k + 4] += ty
    work[k + 5] += tz


@called_kernel
def add_floor(a, p, work, k):
    """Add the floor's forces on the rim points of one drone."""
    if a[X.position_z] > _reach(p):
        return
    stiffness, damping = _constants(p)
    stiffness /= _RIM
    damping /= _RIM
    radius, half = p[P.radius], 0.5 * p[P.height]
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    wx, wy, wz = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    pressed = 0.0
    for i in range(2 * _RIM):
        end = half if i >= _RIM else -half
        x, y, z = turn(r, radius * _COSINES[i % _RIM], radius * _SINES[i % _RIM], end)
        depth = -(a[X.position_z] + z)
        if depth <= 0.0:
            continue
        ux, uy, uz = cross(wx, wy, wz, x, y, z)
        vx, vy, vz = a[X.velocity_x] + ux, a[X.velocity_y] + uy, a[X.velocity_z] + uz
        normal = max(stiffness * depth - damping * vz, 0.0)
        pressed += normal
        slip = math.sqrt(vx * vx + vy * vy)
        # never more than what would stop the point within a step or so: friction must not push back
        drag = p[P.friction] * normal / max(slip, _SLIP)
        drag = min(drag, 0.5 * damping)
        fx, fy, fz = -drag * vx, -drag * vy, normal
        tx, ty, tz = cross(x, y, z, fx, fy, fz)
        _add(work, k, fx, fy, fz, tx, ty, tz)
    if pressed > 0.0:
        # A lever longer than this would feed on the speed of the rim that it brakes.
        longest = 0.5 * radius
        rolling = min(p[P.rolling_friction], longest) * pressed
        spinning = min(p[P.spinning_friction], longest) * pressed
        turning = max(math.sqrt(wx**2 + wy**2), _TURN)
        tx, ty = -rolling * wx / turning, -rolling * wy / turning
        _add(work, k, 0.0, 0.0, 0.0, tx, ty, -spinning * wz / max(abs(wz), _TURN))


@called_kernel
def rests(a, p, work, k):
    """Return whether a drone lies still on the floor and will do so under the wrench that begins at ``work[k]``.

    It lies flat on either face, the contact carries what it weighs under that wrench, and friction and weight hold
    it: then nothing moves, and there is nothing to integrate.
    """
    vx, vy, vz = a[X.velocity_x], a[X.velocity_y], a[X.velocity_z]
    wx, wy, wz = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    if not vx * vx + vy * vy + vz * vz < _STILL * _STILL:
        return False
    if not wx * wx + wy * wy + wz * wz < _UNTURNED * _UNTURNED:
        return False
    radius, weight = p[P.radius], p[P.mass] * p[P.gravity]
    load = weight - work[k + 2]
    stiffness, _ = _constants(p)
    sink = 0.5 * p[P.height] - a[X.position_z]
    if not (load > 0.0 and abs(stiffness * sink - load) < _CARRIED * weight):
        return False
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    if not r[6] * r[6] + r[7] * r[7] < (0.5 * sink / radius) ** 2:
        return False
    level = math.sqrt(work[k] ** 2 + work[k + 1] ** 2)
    tip = math.sqrt(work[k + 3] ** 2 + work[k + 4] ** 2)
    slip = level + abs(work[k + 5]) / radius
    return slip < _SLIPPING * p[P.friction] * load and tip < _TIPPING * radius * load


@kernel
def hold(a):
    """Let a drone that lies still stand where it is."""
    for c in range(X.velocity_x, RIGID):
        a[c] = 0.0


@called_kernel
def _add_pair(a, b, p, work, ka, kb):
    """Add equal and opposite forces on two drones whose ellipsoids of revolution overlap."""
    dx = a[X.position_x] - b[X.position_x]
    dy = a[X.position_y] - b[X.position_y]
    dz = a[X.position_z] - b[X.position_z]
    reach = 2.0 * p[P.radius]
    apart = math.sqrt(dx * dx + dy * dy + dz * dz)
    if apart >= reach:
        return
    # The common axis of two flat bodies: the mean of their own.
    ra = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    rb = rotation(b[X.quaternion_x], b[X.quaternion_y], b[X.quaternion_z], b[X.quaternion_w])
    sign = 1.0 if ra[2] * rb[2] + ra[5] * rb[5] + ra[8] * rb[8] >= 0.0 else -1.0
    ex, ey, ez = ra[2] + sign * rb[2], ra[5] + sign * rb[5], ra[8] + sign * rb[8]
    size = math.sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / size, ey / size, ez / size
    along = dx * ex + dy * ey + dz * ez
    flat = p[P.height]
    # level = distance over the distance at which the ellipsoids touch, in this direction
    across = max(apart * apart - along * along, 0.0)
    level = math.sqrt(across / (reach * reach) + along * along / (flat * flat))
    if level >= 1.0:
        return
    ux, uy, uz = 0.0, 0.0, 1.0
    if apart > 1e-9:
        ux, uy, uz = dx / apart, dy / apart, dz / apart
        depth = apart * (1.0 / max(level, 1e-9) - 1.0)
    else:
        depth = flat
    closing = (
        (a[X.velocity_x] - b[X.velocity_x]) * ux
        + (a[X.velocity_y] - b[X.velocity_y]) * uy
        + (a[X.velocity_z] - b[X.velocity_z]) * uz
    )
    stiffness, damping = _constants(p)
    force = max(stiffness * depth - damping * closing, 0.0)
    _add(work, ka, force * ux, force * uy, force * uz, 0.0, 0.0, 0.0)
    _add(work, kb, -force * ux, -force * uy, -force * uz, 0.0, 0.0, 0.0)


@called_kernel
def add_contacts(agents, p, work):
    """Add the forces and torques of the marked drones' contacts to what pushes them, in ``work``."""
    count = agents.shape[0]
    listed = count > 1 and work[count * DRONE_SCRATCH + WORLD.pairs] > 0.0
    for j in range(count):
        at = j * DRONE_SCRATCH
        if work[at + W.touching] <= FREE:
            continue
        add_floor(agents[j], p, work, at + W.pushed_0)
        for k in range(int(work[at + W.found]) if listed else 0):
            i = int(work[at + W.near_0 + k])
            if work[i * DRONE_SCRATCH + W.touching] > 0.0:
                _add_pair(
                    agents[j], agents[i], p, work, at + W.pushed_0, i * DRONE_SCRATCH + W.pushed_0
                )
