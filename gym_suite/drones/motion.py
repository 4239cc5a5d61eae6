"""A rigid body and its rotors over time: accelerations, Bullet's integration scheme, Runge-Kutta."""

from __future__ import annotations

import math
from typing import NamedTuple

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones.aerodynamics import attitude, store_wrench_of, wrench
from gym_suite.drones.columns import BODY, RIGID, SCRATCH
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.transforms import turn, turn_back, turned

X, W, P = BODY.places, SCRATCH.places, PHYSICS.places
DRONE_SCRATCH = len(SCRATCH)


class Constants(NamedTuple):
    """What follows from the parameters and is the same in all steps.

    Attributes:
        dt: Time by which the state is moved at once, s.
        kept: Part of a rotor's difference from its command that is left after it.
        per_mass: Inverse of the mass, 1/kg.
        per_i_xx: Inverse of the moment of inertia about x, 1/(kg m^2).
        per_i_yy: About y.
        per_i_zz: About z.
    """

    dt: float
    kept: float
    per_mass: float
    per_i_xx: float
    per_i_yy: float
    per_i_zz: float


@kernel
def constants(p):
    """Return the :class:`Constants` of a parameter row."""
    dt = p[P.dt] / p[P.substeps]
    kept = rotor_memory(p, dt)
    return Constants(dt, kept, 1.0 / p[P.mass], 1.0 / p[P.i_xx], 1.0 / p[P.i_yy], 1.0 / p[P.i_zz])


@kernel
def rotor_memory(p, dt):
    """Return which part of the difference from the command is left after dt."""
    lag = p[P.motor_lag]
    return math.exp(-dt / lag) if lag > 0.0 else 0.0


@kernel
def spin_rotors(a, kept):
    """Let the rotors approach their commands: ``kept`` of the difference stays."""
    for c in range(4):
        command = a[X.command_0 + c]
        a[X.rotor_0 + c] = command + (a[X.rotor_0 + c] - command) * kept


@kernel
def acceleration(a, r, p, per, fx, fy, fz, tx, ty, tz):
    """Return linear and angular acceleration (world) under a force and torque (world), gravity added.

    Args:
        a: The drone.
        r: Its rotation matrix.
        p: Parameters.
        per: Their :class:`Constants`.
        fx: Force along x, N.
        fy: Along y.
        fz: Along z.
        tx: Torque about x, N m.
        ty: About y.
        tz: About z.
    """
    vx, vy, vz = a[X.velocity_x], a[X.velocity_y], a[X.velocity_z]
    ox, oy, oz = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    bx, by, bz = turn_back(r, ox, oy, oz)
    ux, uy, uz = turn_back(r, tx, ty, tz)
    i_xx, i_yy, i_zz = p[P.i_xx], p[P.i_yy], p[P.i_zz]
    alpha_x = (ux - by * bz * (i_zz - i_yy)) * per.per_i_xx
    alpha_y = (uy - bz * bx * (i_xx - i_zz)) * per.per_i_yy
    alpha_z = (uz - bx * by * (i_yy - i_xx)) * per.per_i_zz
    light, d = per.per_mass, p[P.damping]
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
        fz * light - p[P.gravity] - slow * vz,
        wx,
        wy,
        wz,
    )


@kernel
def bullet_step(a, r, p, per, dt, fx, fy, fz, tx, ty, tz):
    """Move a drone by dt as Bullet does: velocities first, then the pose with the new ones."""
    # All is computed before anything is written: with the rest inlined, each number is read once.
    ax, ay, az, bx, by, bz = acceleration(a, r, p, per, fx, fy, fz, tx, ty, tz)
    vx, vy, vz = a[X.velocity_x] + dt * ax, a[X.velocity_y] + dt * ay, a[X.velocity_z] + dt * az
    ox = a[X.angular_velocity_x] + dt * bx
    oy = a[X.angular_velocity_y] + dt * by
    oz = a[X.angular_velocity_z] + dt * bz
    x, y, z = a[X.position_x] + dt * vx, a[X.position_y] + dt * vy, a[X.position_z] + dt * vz
    qx, qy, qz, qw = turned(
        a[X.quaternion_x],
        a[X.quaternion_y],
        a[X.quaternion_z],
        a[X.quaternion_w],
        ox,
        oy,
        oz,
        dt,
    )
    a[X.position_x], a[X.position_y], a[X.position_z] = x, y, z
    a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w] = qx, qy, qz, qw
    a[X.velocity_x], a[X.velocity_y], a[X.velocity_z] = vx, vy, vz
    a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z] = ox, oy, oz


@kernel
def fly_free(a, push, p, per):
    """Move a drone that touches nothing by one integration step under a downwash, and its rotors."""
    x, y, z, w = a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w]
    r = attitude(a)
    fx, fy, fz, tx, ty, tz = wrench(a, r, push, p)
    bullet_step(a, r, p, per, per.dt, fx, fy, fz, tx, ty, tz)
    spin_rotors(a, per.kept)
    a[X.old_quaternion_x], a[X.old_quaternion_y] = x, y
    a[X.old_quaternion_z], a[X.old_quaternion_w] = z, w


@called_kernel
def pushed_step(a, p, per, dt, work, k):
    """Move a drone by dt as Bullet does under the force and torque that begin at ``work[k]``."""
    fx, fy, fz = work[k], work[k + 1], work[k + 2]
    tx, ty, tz = work[k + 3], work[k + 4], work[k + 5]
    bullet_step(a, attitude(a), p, per, dt, fx, fy, fz, tx, ty, tz)


@kernel
def remember_attitude(a):
    """Keep the attitude for the next step's one-step-old frame."""
    for c in range(4):
        a[X.old_quaternion_x + c] = a[X.quaternion_x + c]


@called_kernel
def _slope(agents, j, p, per, work):
    """Fill the time derivative of position, quaternion, velocity and angular velocity of drone j."""
    store_wrench_of(agents, j, p, work)
    a, k = agents[j], j * DRONE_SCRATCH + W.wrench_0
    s = j * DRONE_SCRATCH + W.slope_0
    for c in range(3):
        work[s + X.position_x + c] = a[X.velocity_x + c]
    x, y, z, w = a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w]
    ox = 0.5 * a[X.angular_velocity_x]
    oy = 0.5 * a[X.angular_velocity_y]
    oz = 0.5 * a[X.angular_velocity_z]
    work[s + X.quaternion_x] = ox * w + oy * z - oz * y
    work[s + X.quaternion_y] = -ox * z + oy * w + oz * x
    work[s + X.quaternion_z] = ox * y - oy * x + oz * w
    work[s + X.quaternion_w] = -ox * x - oy * y - oz * z
    fx, fy, fz = work[k], work[k + 1], work[k + 2]
    tx, ty, tz = work[k + 3], work[k + 4], work[k + 5]
    ax, ay, az, bx, by, bz = acceleration(a, attitude(a), p, per, fx, fy, fz, tx, ty, tz)
    work[s + X.velocity_x], work[s + X.velocity_y], work[s + X.velocity_z] = ax, ay, az
    s += X.angular_velocity_x
    work[s], work[s + 1], work[s + 2] = bx, by, bz


@called_kernel
def runge_kutta_step(agents, p, per, work):
    """Move all drones with the classical Runge-Kutta scheme (Kutta, 1901); the rotors' lag is exact."""
    count, h = agents.shape[0], per.dt
    half = rotor_memory(p, 0.5 * h)
    for j in range(count):
        k = j * DRONE_SCRATCH
        for c in range(RIGID):
            work[k + W.start_0 + c] = agents[j, c]
            work[k + W.sum_0 + c] = 0.0
    for stage in range(4):
        for j in range(count):
            _slope(agents, j, p, per, work)
        weight = 1.0 if stage == 0 or stage == 3 else 2.0
        ahead = 0.5 * h if stage < 2 else h
        for j in range(count):
            a, k = agents[j], j * DRONE_SCRATCH
            for c in range(RIGID):
                slope, start = work[k + W.slope_0 + c], work[k + W.start_0 + c]
                work[k + W.sum_0 + c] += weight * slope
                if stage < 3:
                    a[c] = start + ahead * slope
                else:
                    a[c] = start + h / 6.0 * work[k + W.sum_0 + c]
            if stage == 0 or stage == 2:
                spin_rotors(a, half)
    for j in range(count):
        a, square = agents[j], 0.0
        for c in range(X.quaternion_x, X.quaternion_x + 4):
            square += a[c] * a[c]
        n = 1.0 / math.sqrt(square)
        for c in range(X.quaternion_x, X.quaternion_x + 4):
            a[c] *= n
