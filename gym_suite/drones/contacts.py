"""Contacts of the compiled engine by penalty: the floor z = 0 and drones with each other.

A spring and damper act where bodies overlap (Hunt and Crossley, 1975, with a linear spring), tangential
forces follow Coulomb's law made smooth at rest. Forces between drones are equal, opposite and in one point,
so momentum and angular momentum are conserved.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones import parameters as pm
from gym_suite.drones.transforms import cross, rotation, turn

_RIM = 8  # points on the rim of each end of the cylinder
# Scratch per drone: force and torque, state at the beginning of a step, its slope, a weighted sum of slopes,
# then what is near it. After all drones' come numbers of the world.
WRENCH, START, SLOPE, SUM, TOUCHING, ORDER, FOUND, NEAR = 0, 6, 19, 32, 45, 46, 47, 48
#: Drones after it along x that a drone may have within reach and :data:`SKIN`; more are not looked at.
NEIGHBOURS = 16
WORK_SIZE = NEAR + NEIGHBOURS
LEFT, READY, PAIRS = 0, 1, 2
WORLD_SIZE = 3
#: m; neighbours are listed anew when two drones may have come nearer by this (Verlet, 1967).
SKIN = 0.1

_SLIP = 1e-3  # m/s, speed below which friction is proportional to speed
_TURN = 1e-2  # rad/s, the same for rolling and spinning
_COSINES = tuple(math.cos(2.0 * math.pi * i / _RIM) for i in range(_RIM))
_SINES = tuple(math.sin(2.0 * math.pi * i / _RIM) for i in range(_RIM))


@kernel
def _reach(p):
    return math.sqrt(p[pm.P_RADIUS] ** 2 + 0.25 * p[pm.P_HEIGHT] ** 2)


@called_kernel
def _list_neighbours(agents, p, work):
    """List for each drone the ones after it along x that are within reach and :data:`SKIN`."""
    count = agents.shape[0]
    if work[count * WORK_SIZE + READY] == 0.0:
        work[count * WORK_SIZE + READY] = 1.0
        for j in range(count):
            work[j * WORK_SIZE + ORDER] = j
    for k in range(1, count):  # nearly sorted from the last time
        j = int(work[k * WORK_SIZE + ORDER])
        x = agents[j, 0]
        at = k
        while at > 0 and agents[int(work[(at - 1) * WORK_SIZE + ORDER]), 0] > x:
            work[at * WORK_SIZE + ORDER] = work[(at - 1) * WORK_SIZE + ORDER]
            at -= 1
        work[at * WORK_SIZE + ORDER] = j
    reach = 2.0 * _reach(p) + SKIN
    pairs = 0
    for k in range(count):
        j = int(work[k * WORK_SIZE + ORDER])
        found = 0
        for after in range(k + 1, count):
            i = int(work[after * WORK_SIZE + ORDER])
            dx = agents[i, 0] - agents[j, 0]
            if dx >= reach or found == NEIGHBOURS:
                break
            dy, dz = agents[i, 1] - agents[j, 1], agents[i, 2] - agents[j, 2]
            if dx * dx + dy * dy + dz * dz < reach * reach:
                work[j * WORK_SIZE + NEAR + found] = i
                found += 1
        work[j * WORK_SIZE + FOUND] = found
        pairs += found
    work[count * WORK_SIZE + PAIRS] = pairs


@kernel
def _closing(agents):
    """Return a bound of the speed at which any two drones approach each other, m/s."""
    square = 0.0
    for c in range(7, 10):
        low = high = agents[0, c]
        for j in range(1, agents.shape[0]):
            low, high = min(low, agents[j, c]), max(high, agents[j, c])
        square += (high - low) ** 2
    return math.sqrt(square)


@kernel
def _may_land(a, p, dt):
    """Return whether the lowest point of a drone may reach the floor within dt."""
    r = rotation(a[3], a[4], a[5], a[6])
    radius = p[pm.P_RADIUS]
    reach = radius * math.sqrt(max(1.0 - r[8] * r[8], 0.0)) + 0.5 * p[pm.P_HEIGHT] * abs(r[8])
    sweep = radius * math.sqrt(a[10] ** 2 + a[11] ** 2 + a[12] ** 2)
    return a[2] - reach + (min(a[9], 0.0) - sweep - p[pm.P_GRAVITY] * dt) * dt < 0.0


@kernel
def mark_touching(agents, p, dt, work):
    """Mark the drones that may touch the floor or another drone within dt; return whether there are any.

    Where there are none the marks stay as they were: nobody looks at them then.
    """
    count = agents.shape[0]
    reach = _reach(p)
    lowest = reach + p[pm.P_GRAVITY] * dt * dt
    some = False
    for j in range(count):
        some |= agents[j, 2] + min(agents[j, 9], 0.0) * dt < lowest
    pairs = 0
    if count > 1:
        # Two drones come nearer by at most this within the step; a rotorcraft's acceleration adds little.
        approach = (_closing(agents) + 20.0 * p[pm.P_GRAVITY] * dt) * dt
        left = count * WORK_SIZE + LEFT
        work[left] -= approach
        if work[left] <= 0.0:
            _list_neighbours(agents, p, work)
            work[left] = SKIN - approach
        pairs = int(work[count * WORK_SIZE + PAIRS])
    if not (some or pairs):
        return False
    touching = False
    for j in range(count):
        low = agents[j, 2] + min(agents[j, 9], 0.0) * dt < lowest and _may_land(agents[j], p, dt)
        work[j * WORK_SIZE + TOUCHING] = 1.0 if low else 0.0
        touching |= low
    for j in range(count if pairs else 0):
        for k in range(int(work[j * WORK_SIZE + FOUND])):
            i = int(work[j * WORK_SIZE + NEAR + k])
            apart, near = 0.0, 2.0 * reach
            for c in range(3):
                apart += (agents[j, c] - agents[i, c]) ** 2
                near += abs(agents[j, 7 + c] - agents[i, 7 + c]) * dt
            if apart < near * near:
                work[j * WORK_SIZE + TOUCHING] = work[i * WORK_SIZE + TOUCHING] = 1.0
                touching = True
    return touching


@kernel
def _constants(p):
    """Return stiffness (N/m) and damping (N s/m) of a contact that carries a drone's weight."""
    m = p[pm.P_MASS]
    stiffness = m * max(p[pm.P_GRAVITY], 1.0) / p[pm.P_SINK]
    return stiffness, 2.0 * p[pm.P_CONTACT_DAMPING] * math.sqrt(stiffness * m)


@kernel
def _add(work, k, fx, fy, fz, tx, ty, tz):
    work[k] += fx
    work[k + 1] += fy
    work[k + 2] += fz
    work[k + 3] += tx
    work[k + 4] += ty
    work[k + 5] += tz


@called_kernel
def _add_floor(a, p, work, k):
    """Add the floor's forces on the rim points of one drone."""
    if a[2] > _reach(p):
        return
    stiffness, damping = _constants(p)
    stiffness /= _RIM
    damping /= _RIM
    radius, half = p[pm.P_RADIUS], 0.5 * p[pm.P_HEIGHT]
    r = rotation(a[3], a[4], a[5], a[6])
    pressed = 0.0
    for i in range(2 * _RIM):
        end = half if i >= _RIM else -half
        x, y, z = turn(r, radius * _COSINES[i % _RIM], radius * _SINES[i % _RIM], end)
        depth = -(a[2] + z)
        if depth <= 0.0:
            continue
        ux, uy, uz = cross(a[10], a[11], a[12], x, y, z)
        vx, vy, vz = a[7] + ux, a[8] + uy, a[9] + uz
        normal = max(stiffness * depth - damping * vz, 0.0)
        pressed += normal
        slip = math.sqrt(vx * vx + vy * vy)
        # never more than what would stop the point within a step or so: friction must not push back
        drag = p[pm.P_FRICTION] * normal / max(slip, _SLIP)
        drag = min(drag, 0.5 * damping)
        fx, fy, fz = -drag * vx, -drag * vy, normal
        tx, ty, tz = cross(x, y, z, fx, fy, fz)
        _add(work, k, fx, fy, fz, tx, ty, tz)
    if pressed > 0.0:
        rolling, spinning = p[pm.P_ROLLING] * pressed, p[pm.P_SPINNING] * pressed
        turning = max(math.sqrt(a[10] ** 2 + a[11] ** 2), _TURN)
        _add(
            work,
            k,
            0.0,
            0.0,
            0.0,
            -rolling * a[10] / turning,
            -rolling * a[11] / turning,
            -spinning * a[12] / max(abs(a[12]), _TURN),
        )


@called_kernel
def _add_pair(a, b, p, work, ka, kb):
    """Add equal and opposite forces on two drones whose ellipsoids of revolution overlap."""
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    reach = 2.0 * p[pm.P_RADIUS]
    apart = math.sqrt(dx * dx + dy * dy + dz * dz)
    if apart >= reach:
        return
    # The common axis of two flat bodies: the mean of their own.
    ra, rb = rotation(a[3], a[4], a[5], a[6]), rotation(b[3], b[4], b[5], b[6])
    sign = 1.0 if ra[2] * rb[2] + ra[5] * rb[5] + ra[8] * rb[8] >= 0.0 else -1.0
    ex, ey, ez = ra[2] + sign * rb[2], ra[5] + sign * rb[5], ra[8] + sign * rb[8]
    size = math.sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / size, ey / size, ez / size
    along = dx * ex + dy * ey + dz * ez
    flat = p[pm.P_HEIGHT]
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
    closing = (a[7] - b[7]) * ux + (a[8] - b[8]) * uy + (a[9] - b[9]) * uz
    stiffness, damping = _constants(p)
    force = max(stiffness * depth - damping * closing, 0.0)
    _add(work, ka, force * ux, force * uy, force * uz, 0.0, 0.0, 0.0)
    _add(work, kb, -force * ux, -force * uy, -force * uz, 0.0, 0.0, 0.0)


@kernel
def add_contacts(agents, p, work, offset):
    """Add the forces and torques of the marked drones' contacts to six numbers per drone in ``work``."""
    count = agents.shape[0]
    for j in range(count):
        at = j * WORK_SIZE
        if work[at + TOUCHING] == 0.0:
            continue
        _add_floor(agents[j], p, work, at + offset)
        for k in range(int(work[at + FOUND]) if count > 1 else 0):
            i = int(work[at + NEAR + k])
            if work[i * WORK_SIZE + TOUCHING] > 0.0:
                _add_pair(agents[j], agents[i], p, work, at + offset, i * WORK_SIZE + offset)
