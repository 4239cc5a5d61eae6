"""A rigid body and its rotors over time: accelerations, Bullet's integration scheme, Runge-Kutta."""

from __future__ import annotations

import math
from typing import NamedTuple

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones.aerodynamics import attitude, store_wrench_of, wrench
from gym_suite.drones.columns import BODY, RIGID, ROTOR, SCRATCH
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.transforms import turn, turn_back, turned

X, W, P, R = BODY.places, SCRATCH.places, PHYSICS.places, ROTOR.places
DRONE_SCRATCH = len(SCRATCH)

#: Turn within a step, rad, up to which Bullet's explicit gyroscopic term may stay, see :func:`turns_hard`.
GENTLE_TURN = 0.5
#: Turn within a step, rad, beyond which Runge-Kutta's scheme is left for Bullet's: it would gain energy there.
STEADY_TURN = 1.0
#: m/s and rad/s, what a component of velocity and of angular velocity never exceeds, as in Bullet's worlds.
MOST_SPEED = 1e4


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
def spin_rotors(a, kept, rotors):
    """Let the rotors approach their commands: ``kept`` of the difference stays."""
    if rotors.ndim == 1:
        for c in range(4):
            command = a[X.command_0 + c]
            a[X.rotor_0 + c] = command + (a[X.rotor_0 + c] - command) * kept
    else:
        for c in range(rotors.shape[0]):
            k, command = int(rotors[c, R.speed]), a[int(rotors[c, R.command])]
            a[k] = command + (a[k] - command) * kept


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
    if d > 0.0:  # which may stop a drone within a step, never turn it round
        most = 1.0 / per.dt
        slow = min(d * (1.0 + math.sqrt(vx * vx + vy * vy + vz * vz)), most)
        brake = min(d * (1.0 + math.sqrt(bx * bx + by * by + bz * bz)), most)
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
def turns_hard(a, p, dt):
    """Return whether Bullet's explicit gyroscopic term would gain a drone energy that matters within dt.

    Its error grows with the turn within a step; beyond :data:`GENTLE_TURN`, 120 rad/s at 240 Hz, nothing is gained
    any more. Below that a body that is even about its axis keeps it, and so does every body of the peer's model.
    """
    x, y, z = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    square = dt * dt * (x * x + y * y + z * z)
    uneven = p[P.i_xx] != p[P.i_yy] and p[P.identified] > 0.5
    return uneven or not square < GENTLE_TURN * GENTLE_TURN


@called_kernel
def gyroscopic_correction(a, p, dt):
    """Return the torque (world) that makes of the explicit gyroscopic term one that keeps the energy of turning.

    Freely turning, the angular momentum L of a rigid body obeys dL/dt = L x grad H in its own axes, with
    H = L_x^2/2 (1/I_xx - 1/I_yy) + L_z^2/2 (1/I_zz - 1/I_yy), as the length of L is kept whatever happens. Each part
    alone turns L about an axis, so L is turned by half of the first, by the second and by the other half of the
    first (R. I. McLachlan, Phys. Rev. Lett. 71 (1993) 3043, doi:10.1103/PhysRevLett.71.3043): exactly where I_xx and
    I_yy are equal, to second order and in bounds for steps of any length else; then the energy is set to what it was.

    Args:
        a: The drone.
        p: Parameters.
        dt: Step, s.
    """
    r = attitude(a)
    bx, by, bz = turn_back(
        r, a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    )
    i_xx, i_yy, i_zz = p[P.i_xx], p[P.i_yy], p[P.i_zz]
    lx, ly, lz = i_xx * bx, i_yy * by, i_zz * bz
    first, second = 1.0 / i_xx - 1.0 / i_yy, 1.0 / i_zz - 1.0 / i_yy
    ly, lz = _turned_plane(ly, lz, 0.5 * dt * first * lx)
    lx, ly = _turned_plane(lx, ly, dt * second * lz)
    ly, lz = _turned_plane(ly, lz, 0.5 * dt * first * lx)
    energy = i_xx * bx * bx + i_yy * by * by + i_zz * bz * bz
    turned_energy = lx * lx / i_xx + ly * ly / i_yy + lz * lz / i_zz
    same = math.sqrt(energy / turned_energy) if turned_energy > 0.0 else 1.0
    return turn(
        r,
        (same * lx - i_xx * bx) / dt + by * bz * (i_zz - i_yy),
        (same * ly - i_yy * by) / dt + bz * bx * (i_xx - i_zz),
        (same * lz - i_zz * bz) / dt + bx * by * (i_yy - i_xx),
    )


@kernel
def _turned_plane(u, v, angle):
    """Return two components after turning them towards each other by an angle: dL/dt = (v, -u) dangle/dt."""
    sine, cosine = math.sin(angle), math.cos(angle)
    return cosine * u + sine * v, cosine * v - sine * u


@kernel
def _within(value):
    return max(min(value, MOST_SPEED), -MOST_SPEED)


@kernel
def bullet_step(a, r, p, per, dt, fx, fy, fz, tx, ty, tz):
    """Move a drone by dt as Bullet does: velocities first, then the pose with the new ones."""
    if turns_hard(a, p, dt):
        gx, gy, gz = gyroscopic_correction(a, p, dt)
        tx, ty, tz = tx + gx, ty + gy, tz + gz
    # All is computed before anything is written: with the rest inlined, each number is read once.
    ax, ay, az, bx, by, bz = acceleration(a, r, p, per, fx, fy, fz, tx, ty, tz)
    vx, vy, vz = a[X.velocity_x] + dt * ax, a[X.velocity_y] + dt * ay, a[X.velocity_z] + dt * az
    ox = a[X.angular_velocity_x] + dt * bx
    oy = a[X.angular_velocity_y] + dt * by
    oz = a[X.angular_velocity_z] + dt * bz
    if not abs(vx) + abs(vy) + abs(vz) + abs(ox) + abs(oy) + abs(oz) < MOST_SPEED:
        vx, vy, vz = _within(vx), _within(vy), _within(vz)
        ox, oy, oz = _within(ox), _within(oy), _within(oz)
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
def fly_free(a, push, p, per, rotors):
    """Move a drone that touches nothing by one integration step under a downwash, and its rotors."""
    x, y, z, w = a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w]
    r = attitude(a)
    fx, fy, fz, tx, ty, tz = wrench(a, r, push, p, rotors)
    bullet_step(a, r, p, per, per.dt, fx, fy, fz, tx, ty, tz)
    spin_rotors(a, per.kept, rotors)
    a[X.old_quaternion_x], a[X.old_quaternion_y] = x, y
    a[X.old_quaternion_z], a[X.old_quaternion_w] = z, w


@called_kernel
def pushed_step(a, p, per, dt, work, k):
    """Move a drone by dt as Bullet does under the force and torque that begin at ``work[k]``."""
    fx, fy, fz = work[k], work[k + 1], work[k + 2]
    tx, ty, tz = work[k + 3], work[k + 4], work[k + 5]
    bullet_step(a, attitude(a), p, per, dt, fx, fy, fz, tx, ty, tz)


@kernel
def turns_steadily(agents, dt):
    """Return whether all drones turn slowly enough for Runge-Kutta's scheme, which is left where one does not."""
    fastest = 0.0
    for j in range(agents.shape[0]):
        a = agents[j]
        x, y, z = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
        fastest = max(fastest, x * x + y * y + z * z)
    return dt * dt * fastest < STEADY_TURN * STEADY_TURN


@kernel
def remember_attitude(a):
    """Keep the attitude for the next step's one-step-old frame."""
    for c in range(4):
        a[X.old_quaternion_x + c] = a[X.quaternion_x + c]


@called_kernel
def _slope(agents, j, p, per, rotors, work):
    """Fill the time derivative of position, quaternion, velocity and angular velocity of drone j."""
    store_wrench_of(agents, j, p, rotors, work)
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
def runge_kutta_step(agents, p, per, rotors, work):
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
            _slope(agents, j, p, per, rotors, work)
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
                spin_rotors(a, half, rotors)
    for j in range(count):
        a, square = agents[j], 0.0
        for c in range(X.velocity_x, RIGID):
            a[c] = _within(a[c])
        for c in range(X.quaternion_x, X.quaternion_x + 4):
            square += a[c] * a[c]
        n = 1.0 / math.sqrt(square)
        for c in range(X.quaternion_x, X.quaternion_x + 4):
            a[c] *= n
