"""The physics of quadcopters: forces, Bullet's integration scheme or Runge-Kutta, rotors with lag.

A drone is a row of :data:`BODY` columns; a world is (drones, columns). Forces follow gym-pybullet-drones
(Panerati et al., arXiv:2103.02142; drag and ground effect after Foerster 2015 and Shi et al. 2019) with
``identified`` = 0, and its corrections with ``identified`` = 1; see :class:`gym_suite.drones.parameters.Model`.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones import parameters as pm
from gym_suite.drones.contacts import (
    SLOPE,
    START,
    SUM,
    TOUCHING,
    WORK_SIZE,
    WRENCH,
    add_contacts,
    mark_touching,
)
from gym_suite.drones.transforms import (
    cross,
    rotation,
    rotor_moments,
    turn,
    turn_back,
    turned,
)

BODY = Columns(
    *(Column(f"position_{a}", "m", meaning=f"position {a}") for a in "xyz"),
    *(Column(f"quaternion_{a}", "1", -1, 1, f"attitude, {a} part") for a in "xyzw"),
    *(Column(f"velocity_{a}", "m/s", meaning=f"velocity {a}") for a in "xyz"),
    *(Column(f"angular_velocity_{a}", "rad/s", meaning=f"world angular rate {a}") for a in "xyz"),
    *(Column(f"rotor_{i}", "rpm", 0, meaning=f"speed of rotor {i}") for i in range(4)),
    *(Column(f"old_quaternion_{a}", "1", -1, 1, f"one step ago, {a} part") for a in "xyzw"),
    *(Column(f"command_{i}", "rpm", 0, meaning=f"command of rotor {i}") for i in range(4)),
    *(Column(f"force_{a}", "N", meaning=f"disturbing force {a}") for a in "xyz"),
)
POSITION, QUATERNION, VELOCITY, RATE, ROTOR, OLD, COMMAND, FORCE = 0, 3, 7, 10, 13, 17, 21, 25
BODY_SIZE = len(BODY)

#: Channels of ``disturbance=``: forces on every drone, world frame, N.
DISTURBANCES = ("force_x", "force_y", "force_z")
#: Integration steps per physics step while a drone may touch something (compiled engine).
CONTACT_STEPS = 16

_RPM = 2.0 * math.pi / 60.0
# The identified downwash is the peer's law down to the height difference at which its width would fall
# below NARROWEST; nearer it stays as it is there, and fades out within one diameter.
_NARROWEST = 0.05


@kernel
def attitude(a):
    """Return the rotation matrix of a drone."""
    return rotation(a[QUATERNION], a[QUATERNION + 1], a[QUATERNION + 2], a[QUATERNION + 3])


@kernel
def _ground(a, r, f, p):
    """Return the four extra thrusts near the floor as a tuple."""
    if not r[8] > 0.0:  # rolled or pitched by 90 degrees or more
        return 0.0, 0.0, 0.0, 0.0
    lever, lowest = p[pm.P_LEVER], p[pm.P_GROUND_HEIGHT]
    gain = p[pm.P_GROUND] * (0.25 * p[pm.P_PROP_RADIUS]) ** 2
    z = a[POSITION + 2]
    dx, dy = lever * r[6], lever * r[7]
    if p[pm.P_LAYOUT] > 0.5:
        h0, h1, h2, h3 = z + dx, z + dy, z - dx, z - dy
    else:
        h0, h1, h2, h3 = z + dx - dy, z - dx - dy, z - dx + dy, z + dx + dy
    h0, h1, h2, h3 = max(h0, lowest), max(h1, lowest), max(h2, lowest), max(h3, lowest)
    return (
        f[0] * gain / (h0 * h0),
        f[1] * gain / (h1 * h1),
        f[2] * gain / (h2 * h2),
        f[3] * gain / (h3 * h3),
    )


@called_kernel
def _downwash(agents, j, p):
    """Return the downwash on drone j from all drones above it, N."""
    identified = p[pm.P_IDENTIFIED] > 0.5
    strength = p[pm.P_DOWNWASH_1] * (0.25 * p[pm.P_PROP_RADIUS]) ** 2
    spread, width = p[pm.P_DOWNWASH_2], p[pm.P_DOWNWASH_3]
    nearest = (_NARROWEST - width) / spread if identified and spread > 0.0 else 0.0
    x, y, z = agents[j, POSITION], agents[j, POSITION + 1], agents[j, POSITION + 2]
    total = 0.0
    for i in range(agents.shape[0]):
        dz = agents[i, POSITION + 2] - z
        if not dz > 0.0:
            continue
        dx, dy = agents[i, POSITION] - x, agents[i, POSITION + 1] - y
        square = dx * dx + dy * dy
        height = max(dz, nearest)
        beta = spread * height + width
        # exp(-50) is below any force that matters here; the peer's law also divides by a width of 0
        if square >= min(100.0 * beta * beta, 100.0) and square > 0.0:
            continue
        share = 1.0
        if identified:
            share = min(dz / (2.0 * p[pm.P_RADIUS]), 1.0)
            speeds = 0.0
            for k in range(4):
                speeds += agents[i, ROTOR + k] * agents[i, ROTOR + k]
            share *= p[pm.P_K_F] * speeds / (p[pm.P_MASS] * max(p[pm.P_GRAVITY], 1.0))
        inside = 0.5 * square / (beta * beta) if square > 0.0 else 0.0
        total += share * strength / (height * height) * math.exp(-inside)
    return total


@kernel
def _wrench(a, r, push, p):
    """Return force and torque of flight, world coordinates, under a downwash; without gravity."""
    identified = p[pm.P_IDENTIFIED] > 0.5
    k_f, lever = p[pm.P_K_F], p[pm.P_LEVER]
    stale, after = r, r
    n0, n1, n2, n3 = a[ROTOR], a[ROTOR + 1], a[ROTOR + 2], a[ROTOR + 3]
    if not identified:
        stale = rotation(a[OLD], a[OLD + 1], a[OLD + 2], a[OLD + 3])
        # Where it computes the ground effect the peer reads the link poses, which refreshes Bullet's
        # frames for all that follows.
        after = r if p[pm.P_GROUND] > 0.0 else stale
        n0, n1, n2, n3 = a[COMMAND], a[COMMAND + 1], a[COMMAND + 2], a[COMMAND + 3]
    s0, s1, s2, s3 = n0 * n0, n1 * n1, n2 * n2, n3 * n3
    f = (k_f * s0, k_f * s1, k_f * s2, k_f * s3)
    thrust = f[0] + f[1] + f[2] + f[3]
    fx = thrust * stale[2] + a[FORCE]
    fy = thrust * stale[5] + a[FORCE + 1]
    fz = thrust * stale[8] + a[FORCE + 2]
    # Bullet applies the thrusts where the rotors are, along where they pointed one step ago.
    mx, my = rotor_moments(p[pm.P_LAYOUT], f[0], f[1], f[2], f[3])
    ax, ay, az = turn(r, lever * mx, lever * my, 0.0)
    tx, ty, tz = cross(ax, ay, az, stale[2], stale[5], stale[8])
    yaw = p[pm.P_K_M] * (s1 - s0 + s3 - s2)
    tx += yaw * stale[2]
    ty += yaw * stale[5]
    tz += yaw * stale[8]
    if p[pm.P_GROUND] > 0.0:
        g = _ground(a, r, f, p)
        extra = g[0] + g[1] + g[2] + g[3]
        fx += extra * r[2]
        fy += extra * r[5]
        fz += extra * r[8]
        mx, my = rotor_moments(p[pm.P_LAYOUT], g[0], g[1], g[2], g[3])
        ax, ay, az = turn(r, lever * mx, lever * my, 0.0)
        gx, gy, gz = cross(ax, ay, az, r[2], r[5], r[8])
        tx += gx
        ty += gy
        tz += gz
    if p[pm.P_DRAG_XY] > 0.0 or p[pm.P_DRAG_Z] > 0.0:
        turning = _RPM * (a[ROTOR] + a[ROTOR + 1] + a[ROTOR + 2] + a[ROTOR + 3])
        across, along = p[pm.P_DRAG_XY] * turning, p[pm.P_DRAG_Z] * turning
        vx, vy, vz = a[VELOCITY], a[VELOCITY + 1], a[VELOCITY + 2]
        if identified:
            bx, by, bz = turn_back(r, vx, vy, vz)
            dx, dy, dz = turn(r, -across * bx, -across * by, -along * bz)
        else:
            bx, by, bz = turn_back(r, -across * vx, -across * vy, -along * vz)
            dx, dy, dz = turn(after, bx, by, bz)
        fx += dx
        fy += dy
        fz += dz
    if identified:
        fz -= push
    else:
        fx -= push * after[2]
        fy -= push * after[5]
        fz -= push * after[8]
    return fx, fy, fz, tx, ty, tz


@kernel
def add_wrench(agents, j, p, work):
    """Fill force and torque of flight on drone j, in world coordinates about its centre; without gravity."""
    a, k = agents[j], j * WORK_SIZE
    push = 0.0
    if p[pm.P_DOWNWASH_1] > 0.0 and agents.shape[0] > 1:
        push = _downwash(agents, j, p)
    fx, fy, fz, tx, ty, tz = _wrench(a, attitude(a), push, p)
    k += WRENCH
    work[k], work[k + 1], work[k + 2] = fx, fy, fz
    work[k + 3], work[k + 4], work[k + 5] = tx, ty, tz


@kernel
def acceleration(a, p, fx, fy, fz, tx, ty, tz):
    """Return linear and angular acceleration (world) under a force and torque (world), gravity added."""
    return _acceleration(a, attitude(a), p, inverses(p), fx, fy, fz, tx, ty, tz)


@kernel
def inverses(p):
    """Return what the accelerations divide by, inverted: mass, moments of inertia about x, y, z."""
    return 1.0 / p[pm.P_MASS], 1.0 / p[pm.P_I_XX], 1.0 / p[pm.P_I_YY], 1.0 / p[pm.P_I_ZZ]


@kernel
def _acceleration(a, r, p, inverse, fx, fy, fz, tx, ty, tz):
    vx, vy, vz = a[VELOCITY], a[VELOCITY + 1], a[VELOCITY + 2]
    ox, oy, oz = a[RATE], a[RATE + 1], a[RATE + 2]
    bx, by, bz = turn_back(r, ox, oy, oz)
    ux, uy, uz = turn_back(r, tx, ty, tz)
    i_xx, i_yy, i_zz = p[pm.P_I_XX], p[pm.P_I_YY], p[pm.P_I_ZZ]
    alpha_x = (ux - by * bz * (i_zz - i_yy)) * inverse[1]
    alpha_y = (uy - bz * bx * (i_xx - i_zz)) * inverse[2]
    alpha_z = (uz - bx * by * (i_yy - i_xx)) * inverse[3]
    light, d = inverse[0], p[pm.P_DAMPING]
    slow = 0.0
    if d > 0.0:
        slow = d * (1.0 + math.sqrt(vx * vx + vy * vy + vz * vz))
        brake = d * (1.0 + math.sqrt(bx * bx + by * by + bz * bz))
        alpha_x -= brake * bx
        alpha_y -= brake * by
        alpha_z -= brake * bz
    wx, wy, wz = turn(r, alpha_x, alpha_y, alpha_z)
    return (
        fx * light - slow * vx,
        fy * light - slow * vy,
        fz * light - p[pm.P_GRAVITY] - slow * vz,
        wx,
        wy,
        wz,
    )


@kernel
def _bullet_step(a, r, p, inverse, dt, fx, fy, fz, tx, ty, tz):
    """Move a drone by dt as Bullet does: velocities first, then the pose with the new ones."""
    # All is computed before anything is written: with the rest inlined, each number is read once.
    ax, ay, az, bx, by, bz = _acceleration(a, r, p, inverse, fx, fy, fz, tx, ty, tz)
    vx, vy, vz = a[VELOCITY] + dt * ax, a[VELOCITY + 1] + dt * ay, a[VELOCITY + 2] + dt * az
    ox, oy, oz = a[RATE] + dt * bx, a[RATE + 1] + dt * by, a[RATE + 2] + dt * bz
    x, y, z = a[POSITION] + dt * vx, a[POSITION + 1] + dt * vy, a[POSITION + 2] + dt * vz
    q = turned(a[3], a[4], a[5], a[6], ox, oy, oz, dt)
    a[POSITION], a[POSITION + 1], a[POSITION + 2] = x, y, z
    a[3], a[4], a[5], a[6] = q
    a[VELOCITY], a[VELOCITY + 1], a[VELOCITY + 2] = vx, vy, vz
    a[RATE], a[RATE + 1], a[RATE + 2] = ox, oy, oz


@kernel
def _spin_rotors(a, kept):
    """Let the rotors approach their commands: ``kept`` of the difference stays."""
    for c in range(4):
        a[ROTOR + c] = a[COMMAND + c] + (a[ROTOR + c] - a[COMMAND + c]) * kept


@kernel
def rotor_memory(p, dt):
    """Return which part of the difference from the command is left after dt."""
    lag = p[pm.P_MOTOR_LAG]
    return math.exp(-dt / lag) if lag > 0.0 else 0.0


@kernel
def integration_step(p):
    """Return the time by which the state is moved at once, s."""
    return p[pm.P_DT] / p[pm.P_SUBSTEPS]


@kernel
def _slope(agents, j, p, work):
    """Fill the time derivative of position, quaternion, velocity and angular velocity of drone j."""
    add_wrench(agents, j, p, work)
    a, k, s = agents[j], j * WORK_SIZE + WRENCH, j * WORK_SIZE + SLOPE
    for c in range(3):
        work[s + c] = a[VELOCITY + c]
    x, y, z, w = a[3], a[4], a[5], a[6]
    ox, oy, oz = 0.5 * a[RATE], 0.5 * a[RATE + 1], 0.5 * a[RATE + 2]
    work[s + 3] = ox * w + oy * z - oz * y
    work[s + 4] = -ox * z + oy * w + oz * x
    work[s + 5] = ox * y - oy * x + oz * w
    work[s + 6] = -ox * x - oy * y - oz * z
    slopes = acceleration(
        a, p, work[k], work[k + 1], work[k + 2], work[k + 3], work[k + 4], work[k + 5]
    )
    for c in range(6):
        work[s + 7 + c] = slopes[c]


@called_kernel
def _runge_kutta_step(agents, p, work, h):
    """Move all drones by h with the classical Runge-Kutta scheme (Kutta, 1901); the rotors' lag is exact."""
    count = agents.shape[0]
    half = rotor_memory(p, 0.5 * h)
    for j in range(count):
        k = j * WORK_SIZE
        for c in range(13):
            work[k + START + c] = agents[j, c]
            work[k + SUM + c] = 0.0
    for stage in range(4):
        for j in range(count):
            _slope(agents, j, p, work)
        weight = 1.0 if stage == 0 or stage == 3 else 2.0
        ahead = 0.5 * h if stage < 2 else h
        for j in range(count):
            a, k = agents[j], j * WORK_SIZE
            for c in range(13):
                work[k + SUM + c] += weight * work[k + SLOPE + c]
                if stage < 3:
                    a[c] = work[k + START + c] + ahead * work[k + SLOPE + c]
                else:
                    a[c] = work[k + START + c] + h / 6.0 * work[k + SUM + c]
            if stage == 0 or stage == 2:
                _spin_rotors(a, half)
    for j in range(count):
        a = agents[j]
        n = 1.0 / math.sqrt(a[3] * a[3] + a[4] * a[4] + a[5] * a[5] + a[6] * a[6])
        for c in range(QUATERNION, QUATERNION + 4):
            a[c] *= n


@kernel
def _contact_step(agents, p, inverse, work, dt):
    """Move the drones that may touch by dt in small steps; forces of flight stay as they are."""
    count = agents.shape[0]
    h = dt / CONTACT_STEPS
    for _ in range(CONTACT_STEPS):
        for j in range(count):
            k = j * WORK_SIZE
            for c in range(6):
                work[k + START + c] = work[k + WRENCH + c]
        add_contacts(agents, p, work, START)
        for j in range(count):
            k = j * WORK_SIZE + START
            if work[j * WORK_SIZE + TOUCHING] > 0.0:
                _bullet_step(
                    agents[j],
                    attitude(agents[j]),
                    p,
                    inverse,
                    h,
                    work[k],
                    work[k + 1],
                    work[k + 2],
                    work[k + 3],
                    work[k + 4],
                    work[k + 5],
                )


@kernel
def _free_step(a, push, p, inverse, dt, kept):
    """Move a drone that touches nothing by dt under a downwash, and its rotors."""
    r = attitude(a)
    x, y, z, w = a[3], a[4], a[5], a[6]
    fx, fy, fz, tx, ty, tz = _wrench(a, r, push, p)
    _bullet_step(a, r, p, inverse, dt, fx, fy, fz, tx, ty, tz)
    _spin_rotors(a, kept)
    a[OLD], a[OLD + 1], a[OLD + 2], a[OLD + 3] = x, y, z, w


@kernel
def fly(agents, p, inverse, kept, work):
    """Move the drones of a world, (drones, columns), by one physics step under their rotor commands.

    Args:
        agents: The drones.
        p: Parameters.
        inverse: :func:`inverses` of p.
        kept: :func:`rotor_memory` of p and one integration step, :func:`integration_step`.
        work: Scratch, :data:`WORK_SIZE` numbers per drone and :data:`WORLD_SIZE` more.
    """
    count = agents.shape[0]
    steps, h = int(p[pm.P_SUBSTEPS]), integration_step(p)
    blown = p[pm.P_DOWNWASH_1] > 0.0 and count > 1
    for _ in range(steps):
        touching = mark_touching(agents, p, h, work)
        if p[pm.P_INTEGRATOR] > 0.5 and not touching:
            _runge_kutta_step(agents, p, work, h)
        elif touching:
            _mixed_step(agents, p, inverse, work, h, kept)
        else:
            if blown:
                for j in range(count):
                    work[j * WORK_SIZE + WRENCH] = _downwash(agents, j, p)
            for j in range(count):
                push = work[j * WORK_SIZE + WRENCH] if blown else 0.0
                _free_step(agents[j], push, p, inverse, h, kept)


@called_kernel
def _mixed_step(agents, p, inverse, work, h, kept):
    """Move drones of which some may touch something by h."""
    count = agents.shape[0]
    for j in range(count):
        add_wrench(agents, j, p, work)
    remember(agents)
    _contact_step(agents, p, inverse, work, h)
    for j in range(count):
        k = j * WORK_SIZE + WRENCH
        if work[j * WORK_SIZE + TOUCHING] == 0.0:
            _bullet_step(
                agents[j],
                attitude(agents[j]),
                p,
                inverse,
                h,
                work[k],
                work[k + 1],
                work[k + 2],
                work[k + 3],
                work[k + 4],
                work[k + 5],
            )
        _spin_rotors(agents[j], kept)


@kernel
def remember(agents):
    """Keep the attitudes for the next step's one-step-old frame."""
    for j in range(agents.shape[0]):
        for c in range(4):
            agents[j, OLD + c] = agents[j, QUATERNION + c]


@kernel
def wrenches(agents, p, work, out):
    """Fill force and torque of each drone, (drones, 6), for another engine; then do what follows its step."""
    kept = rotor_memory(p, p[pm.P_DT])
    for j in range(agents.shape[0]):
        add_wrench(agents, j, p, work)
    for j in range(agents.shape[0]):
        for c in range(6):
            out[j, c] = work[j * WORK_SIZE + WRENCH + c]
        _spin_rotors(agents[j], kept)
    remember(agents)
