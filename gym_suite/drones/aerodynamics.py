"""Forces and torques of flight: thrust and torque of the rotors, ground effect, rotor drag, downwash.

They follow gym-pybullet-drones (Panerati et al., arXiv:2103.02142; drag and ground effect after Foerster 2015 and
Shi et al. 2019) with ``identified`` = 0, and its corrections with ``identified`` = 1; see
:class:`gym_suite.drones.parameters.Model`.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones.columns import BODY, ROTOR, SCRATCH
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import lift, rotor_drag, spun
from gym_suite.drones.transforms import cross, rotation, rotor_moments, turn, turn_back
from gym_suite.drones.vehicles import RPM

X, W, P, R = BODY.places, SCRATCH.places, PHYSICS.places, ROTOR.places
DRONE_SCRATCH = len(SCRATCH)

# The identified downwash is the peer's law down to the height difference at which its width would fall
# below NARROWEST; nearer it stays as it is there, and fades out within one diameter.
_NARROWEST = 0.05
# The peer's downwash grows beyond all bounds as two drones come to one height: nearer than _NEAREST (m) it
# stays as it is there, and it never exceeds _MOST_PUSH (N).
_NEAREST, _MOST_PUSH = 1e-6, 1e6


@kernel
def attitude(a):
    """Return the rotation matrix of a drone."""
    return rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])


@kernel
def _ground(a, r, f, p):
    """Return the four extra thrusts near the floor as a tuple."""
    if not r[8] > 0.0:  # rolled or pitched by 90 degrees or more
        return 0.0, 0.0, 0.0, 0.0
    lever, lowest = p[P.lever], p[P.ground_height]
    gain = p[P.ground_coefficient] * (0.25 * p[P.prop_radius]) ** 2
    z = a[X.position_z]
    dx, dy = lever * r[6], lever * r[7]
    if p[P.layout] > 0.5:
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


@kernel
def _ground_of(a, r, column, p, rotors):
    """Return the extra thrust near the floor of all rotors and its moments, as :func:`gym_suite.drones.rotors.lift`."""
    thrust, mx, my = 0.0, 0.0, 0.0
    if not r[8] > 0.0:  # rolled or pitched by 90 degrees or more
        return thrust, mx, my
    gain = p[P.ground_coefficient] * (0.25 * p[P.prop_radius]) ** 2
    for c in range(rotors.shape[0]):
        x, y, n = rotors[c, R.x], rotors[c, R.y], a[int(rotors[c, column])]
        h = max(a[X.position_z] + r[6] * x + r[7] * y, p[P.ground_height])
        f = p[P.k_f] * n * n * gain / (h * h)
        thrust += f
        mx += x * f
        my += y * f
    return thrust, mx, my


@called_kernel
def downwash(agents, j, p, rotors):
    """Return the downwash on drone j from all drones above it, N."""
    identified = p[P.identified] > 0.5
    strength = p[P.downwash_1] * (0.25 * p[P.prop_radius]) ** 2
    spread, width = p[P.downwash_2], p[P.downwash_3]
    nearest = (_NARROWEST - width) / spread if identified and spread > 0.0 else 0.0
    x, y, z = agents[j, X.position_x], agents[j, X.position_y], agents[j, X.position_z]
    total = 0.0
    for i in range(agents.shape[0]):
        dz = agents[i, X.position_z] - z
        if not dz > 0.0:
            continue
        dx, dy = agents[i, X.position_x] - x, agents[i, X.position_y] - y
        square = dx * dx + dy * dy
        height = max(dz, nearest, _NEAREST)
        beta = spread * height + width
        # exp(-50) is below any force that matters here; the peer's law also divides by a width of 0
        if square >= min(100.0 * beta * beta, 100.0) and square > 0.0:
            continue
        share = 1.0
        if identified:
            share = min(dz / (2.0 * p[P.radius]), 1.0)
            speeds = 0.0
            if rotors.ndim == 1:
                for k in range(X.rotor_0, X.rotor_0 + 4):
                    speeds += agents[i, k] * agents[i, k]
            else:
                for c in range(rotors.shape[0]):
                    speeds += agents[i, int(rotors[c, R.speed])] ** 2
            share *= p[P.k_f] * speeds / (p[P.mass] * max(p[P.gravity], 1.0))
        inside = 0.5 * square / (beta * beta) if square > 0.0 else 0.0
        total += share * strength / (height * height) * math.exp(-inside)
    return min(total, _MOST_PUSH)


@kernel
def wrench(a, r, push, p, rotors):
    """Return force and torque of flight, world coordinates, under a downwash; without gravity.

    Args:
        a: The drone.
        r: Its rotation matrix.
        push: Downwash on it, N.
        p: Parameters.
        rotors: Table of the rotors.
    """
    identified = p[P.identified] > 0.5
    stale, after = r, r
    column, lever = R.speed if identified else R.command, p[P.lever]
    if not identified:
        stale = rotation(
            a[X.old_quaternion_x],
            a[X.old_quaternion_y],
            a[X.old_quaternion_z],
            a[X.old_quaternion_w],
        )
        # Where it computes the ground effect the peer reads the link poses, which refreshes Bullet's
        # frames for all that follows.
        after = r if p[P.ground_coefficient] > 0.0 else stale
    if rotors.ndim == 1:
        k_f = p[P.k_f]
        n0, n1, n2, n3 = a[X.rotor_0], a[X.rotor_1], a[X.rotor_2], a[X.rotor_3]
        turning = RPM * (n0 + n1 + n2 + n3)
        if not identified:
            n0, n1, n2, n3 = a[X.command_0], a[X.command_1], a[X.command_2], a[X.command_3]
        s0, s1, s2, s3 = n0 * n0, n1 * n1, n2 * n2, n3 * n3
        f = (k_f * s0, k_f * s1, k_f * s2, k_f * s3)
        thrust = f[0] + f[1] + f[2] + f[3]
        mx, my = rotor_moments(p[P.layout], f[0], f[1], f[2], f[3])
        mx, my = lever * mx, lever * my
        yaw = p[P.k_m] * (s1 - s0 + s3 - s2)
    else:
        f = (0.0, 0.0, 0.0, 0.0)
        turning = spun(a, rotors)
        thrust, mx, my, yaw = lift(a, column, p, rotors)
    fx = thrust * stale[2] + a[X.force_x]
    fy = thrust * stale[5] + a[X.force_y]
    fz = thrust * stale[8] + a[X.force_z]
    # Bullet applies the thrusts where the rotors are, along where they pointed one step ago.
    ax, ay, az = turn(r, mx, my, 0.0)
    tx, ty, tz = cross(ax, ay, az, stale[2], stale[5], stale[8])
    tx += yaw * stale[2] + a[X.torque_x]
    ty += yaw * stale[5] + a[X.torque_y]
    tz += yaw * stale[8] + a[X.torque_z]
    if p[P.ground_coefficient] > 0.0:
        if rotors.ndim == 1:
            g = _ground(a, r, f, p)
            extra = g[0] + g[1] + g[2] + g[3]
            mx, my = rotor_moments(p[P.layout], g[0], g[1], g[2], g[3])
            mx, my = lever * mx, lever * my
        else:
            extra, mx, my = _ground_of(a, r, column, p, rotors)
        fx += extra * r[2]
        fy += extra * r[5]
        fz += extra * r[8]
        ax, ay, az = turn(r, mx, my, 0.0)
        gx, gy, gz = cross(ax, ay, az, r[2], r[5], r[8])
        tx += gx
        ty += gy
        tz += gz
    if p[P.drag_xy] > 0.0 or p[P.drag_z] > 0.0:
        across, along = rotor_drag(turning, p)
        vx, vy, vz = a[X.velocity_x], a[X.velocity_y], a[X.velocity_z]
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


@called_kernel
def store_wrench(a, push, p, rotors, work, k):
    """Write force and torque of flight on a drone to ``work[k]`` and the five numbers after it."""
    fx, fy, fz, tx, ty, tz = wrench(a, attitude(a), push, p, rotors)
    work[k], work[k + 1], work[k + 2] = fx, fy, fz
    work[k + 3], work[k + 4], work[k + 5] = tx, ty, tz


@kernel
def store_wrench_of(agents, j, p, rotors, work):
    """Write force and torque of flight on drone j of a world to its scratch."""
    push = 0.0
    if p[P.downwash_1] > 0.0 and agents.shape[0] > 1:
        push = downwash(agents, j, p, rotors)
    store_wrench(agents[j], push, p, rotors, work, j * DRONE_SCRATCH + W.wrench_0)
