"""Geometric control as row functions, for :meth:`predict` and for the inner loops of the environments.

Source: T. Lee, M. Leok, N. H. McClamroch, "Geometric tracking control of a quadrotor UAV on SE(3)", CDC 2010,
doi:10.1109/CDC.2010.5717652, without the feed-forward of the attitude's rate. Rotors with a lag T get a lead, so
that they answer like rotors with the shorter lag T': n_c = n + (n_d - n) T / T'.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gym_suite.core.kernel import kernel
from gym_suite.drones.columns import ROTOR
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import wanted_speed
from gym_suite.drones.transforms import rotor_speeds

P, R = PHYSICS.places, ROTOR.places

#: Vertical force, as a part of the weight, that is asked for at least.
LEAST_LIFT = 0.3
#: Level force, as a part of the vertical one, that is always allowed.
LEAST_LEVEL = 0.1


class Gains(NamedTuple):
    """Gains of geometric control.

    Attributes:
        position: 1/s^2.
        velocity: 1/s.
        attitude: 1/s^2.
        rate: 1/s.
        lag: Lag that a lead leaves of the rotors', s.
    """

    position: float
    velocity: float
    attitude: float
    rate: float
    lag: float


@kernel
def body_torque(p, k_r, k_o, ex, ey, ez, ox, oy, oz, wx, wy, wz):
    """Return J (-k_r e_R - k_o e_Omega) + Omega x J Omega for attitude error e, rate error o and rate w (body)."""
    i_xx, i_yy, i_zz = p[P.i_xx], p[P.i_yy], p[P.i_zz]
    return (
        -i_xx * (k_r * ex + k_o * ox) + wy * wz * (i_zz - i_yy),
        -i_yy * (k_r * ey + k_o * oy) + wz * wx * (i_xx - i_zz),
        -i_zz * (k_r * ez + k_o * oz) + wx * wy * (i_yy - i_xx),
    )


@kernel
def wanted_force(p, gains, ex, ey, ez, vx, vy, vz, ax, ay, az):
    """Return the force for position error and velocity error (reference minus value) and feed-forward, N."""
    m, kp, kv = p[P.mass], gains.position, gains.velocity
    fx, fy = m * (kp * ex + kv * vx + ax), m * (kp * ey + kv * vy + ay)
    fz = m * (kp * ez + kv * vz + az + p[P.gravity])
    weight = m * p[P.gravity]
    fz = min(max(fz, LEAST_LIFT * weight), 2.1 * weight)
    # Tilt stays below 45 degrees: height comes first.
    level = math.sqrt(fx * fx + fy * fy)
    if level > fz:
        fx, fy = fx * fz / level, fy * fz / level
    return fx, fy, fz


@kernel
def attitude_torque(p, gains, r, wx, wy, wz, fx, fy, fz):
    """Return thrust (N) and body torques (N m) that turn thrust into a wanted force with the nose along x (yaw 0).

    Args:
        p: Physical parameters of the nominal model.
        gains: Of the law.
        r: Rotation matrix.
        wx: Body rate about x, rad/s.
        wy: About y.
        wz: About z.
        fx: Wanted force in the world along x, N.
        fy: Along y.
        fz: Along z, > 0.
    """
    size = math.sqrt(fx * fx + fy * fy + fz * fz)
    zx, zy, zz = fx / size, fy / size, fz / size
    # y = z x (1, 0, 0), then x = y x z
    n = 1.0 / math.sqrt(zz * zz + zy * zy)
    yx, yy, yz = 0.0, zz * n, -zy * n
    xx, xy, xz = yy * zz - yz * zy, yz * zx - yx * zz, yx * zy - yy * zx
    # e_R = 1/2 (Rd' R - R' Rd)^vee, element by element
    ex = 0.5 * ((zx * r[1] + zy * r[4] + zz * r[7]) - (yx * r[2] + yy * r[5] + yz * r[8]))
    ey = 0.5 * ((xx * r[2] + xy * r[5] + xz * r[8]) - (zx * r[0] + zy * r[3] + zz * r[6]))
    ez = 0.5 * ((yx * r[0] + yy * r[3] + yz * r[6]) - (xx * r[1] + xy * r[4] + xz * r[7]))
    tx, ty, tz = body_torque(p, gains.attitude, gains.rate, ex, ey, ez, wx, wy, wz, wx, wy, wz)
    return max(fx * r[2] + fy * r[5] + fz * r[8], 0.0), tx, ty, tz


@kernel
def turning_thrust(p, least, thrust, tx, ty, tz, rotors):
    """Return the thrust, N, with which rotors that must keep a least speed give wanted torques where none is wanted.

    A drone turned by more than a right angle from the wanted force wants no thrust (Lee, Leok and McClamroch's max(F
    b_3, 0)). Rotors that cannot stop would then all turn at their least speed, without a torque, and the drone would
    stay overturned: all are raised alike, so that the slowest turns at the least speed.

    Args:
        p: Physical parameters of the nominal model.
        least: Least speed of the rotors, rpm.
        thrust: Wanted thrust, N; one above 0 is returned as it is.
        tx: Torque about x, N m.
        ty: About y.
        tz: About z.
        rotors: Table of the rotors.
    """
    if thrust > 0.0:
        return thrust
    if rotors.ndim == 2:
        for c in range(rotors.shape[0]):
            torques = (
                rotors[c, R.per_roll] * tx + rotors[c, R.per_pitch] * ty + rotors[c, R.per_yaw] * tz
            )
            thrust = max(thrust, (least * least - torques) / rotors[c, R.per_thrust])
        return thrust
    pairs = 2.0 if p[P.layout] > 0.5 else 1.0
    yaw = abs(tz) * p[P.k_f] / p[P.k_m] if p[P.k_m] > 0.0 else 0.0
    return 4.0 * p[P.k_f] * least * least + pairs * (abs(tx) + abs(ty)) / p[P.lever] + yaw


@kernel
def led(p, gains, wanted, rotor):
    """Return the command that makes a rotor with the model's lag answer with the law's shorter one, rpm."""
    lag = p[P.motor_lag]
    if lag <= gains.lag:
        return wanted
    return min(max(rotor + (wanted - rotor) * lag / gains.lag, 0.0), p[P.max_rpm])


@kernel
def rate_torque(p, gains, ox, oy, oz, wx, wy, wz):
    """Return body torques, N m, for wanted body rates o under body rates w, rad/s."""
    return body_torque(p, 0.0, gains.rate, 0.0, 0.0, 0.0, wx - ox, wy - oy, wz - oz, wx, wy, wz)


@kernel
def command_rotors(thrust, tx, ty, tz, rotor, least, p, gains, rotors, out):
    """Fill the commands of a drone's rotors, rpm, for a thrust (N) and body torques (N m).

    Args:
        thrust: Wanted thrust.
        tx: Torque about x.
        ty: About y.
        tz: About z.
        rotor: Speeds of the rotors, rpm.
        least: Least speed of the rotors, rpm; see :func:`turning_thrust`.
        p: Physical parameters of the nominal model.
        gains: Of the law.
        rotors: Table of the rotors.
        out: The commands.
    """
    thrust = turning_thrust(p, least, thrust, tx, ty, tz, rotors)
    if rotors.ndim == 1:
        wanted = rotor_speeds(thrust, tx, ty, tz, p)
        for k in range(4):
            out[k] = led(p, gains, wanted[k], rotor[k])
    else:
        for k in range(rotors.shape[0]):
            speed = wanted_speed(rotors, k, thrust, tx, ty, tz, p[P.max_rpm])
            out[k] = led(p, gains, speed, rotor[k])


@kernel
def affordable(fx, fy, fz, most):
    """Return a force within a size, its level part cut before its height, to a tenth of the height at least."""
    fz = min(fz, most)
    level, left = math.sqrt(fx * fx + fy * fy), math.sqrt(most * most - fz * fz)
    share = max(left, LEAST_LEVEL * fz)
    if level > share:
        fx, fy = fx * share / level, fy * share / level
    return fx, fy, fz


@kernel
def fill_demand(error, velocity, rotation, rate, v_ref, a_ref, left, p, gains, most, out):
    """Fill thrust and torques (n, 4) as geometric control does, for less angular acceleration by ``left``.

    Args:
        error: Error of position, m, (n, 3).
        velocity: m/s, (n, 3).
        rotation: Rotation matrices row by row, (n, 9).
        rate: Body rates, rad/s, (n, 3).
        v_ref: Wanted velocity, m/s, (n, 3).
        a_ref: Wanted acceleration, m/s^2, (n, 3).
        left: Angular accelerations in the body that are not asked of the rotors, rad/s^2, (n, 3).
        p: Physical parameters of the nominal model.
        gains: Of the law.
        most: Largest force, N; infinite for none.
        out: Thrust, N, and body torques, N m, (n, 4).
    """
    for i in range(error.shape[0]):
        e, v, w, b, c, d = error[i], velocity[i], rate[i], v_ref[i], a_ref[i], left[i]
        fx, fy, fz = wanted_force(
            p,
            gains,
            e[0],
            e[1],
            e[2],
            b[0] - v[0],
            b[1] - v[1],
            b[2] - v[2],
            c[0],
            c[1],
            c[2],
        )
        fx, fy, fz = affordable(fx, fy, fz, most)
        thrust, tx, ty, tz = attitude_torque(p, gains, rotation[i], w[0], w[1], w[2], fx, fy, fz)
        out[i, 0], out[i, 1] = thrust, tx - p[P.i_xx] * d[0]
        out[i, 2], out[i, 3] = ty - p[P.i_yy] * d[1], tz - p[P.i_zz] * d[2]


@kernel
def fill_rotors(demand, rotor, least, p, gains, rotors, out):
    """Fill rotor commands, rpm, (n, rotors), for thrust and torques (n, 4); see :func:`command_rotors`."""
    for i in range(demand.shape[0]):
        d = demand[i]
        command_rotors(d[0], d[1], d[2], d[3], rotor[i], least, p, gains, rotors, out[i])
