"""What the shaft carries, as row functions: torque and inertia of a load, for physics and for control."""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2
from gym_suite.core.signals import signal_value
from gym_suite.motors.parameters import (
    CONSTANT_SPEED,
    ORNSTEIN_UHLENBECK,
    SPEED_PROFILE,
    VEHICLE,
)
from gym_suite.motors.quantities import SIGNAL_SPEED, P, T


@kernel
def load_coefficients(p):
    """Return (a, b, c, inertia, speed below which Coulomb friction is linear) at the shaft.

    A vehicle is reduced to the shaft through its gear: force times lever, mass times lever squared.
    """
    if int(p[P.load_kind]) == VEHICLE:
        lever = p[P.wheel_radius] / p[P.gear_ratio]
        a = p[P.mass] * p[P.gravity] * p[P.c_r] * lever
        c = 0.5 * p[P.rho] * p[P.c_d] * p[P.area] * lever * lever * lever
        inertia = p[P.j_rotor] + p[P.mass] * lever * lever
        # Rolling resistance fades in over the tyre's first 0.1 m/s.
        return a, 0.0, c, inertia, 0.1 / lever
    inertia = p[P.j_rotor] + p[P.j_load]
    return p[P.a], p[P.b], p[P.c], inertia, p[P.a] * p[P.tau_decay] / inertia


@kernel
def load_torque(omega, a, b, c, linear):
    """Return the torque that the load takes, N m: sign(omega) (a + c omega^2) + b omega.

    The Coulomb part grows linearly for abs(omega) < linear.
    """
    if abs(omega) < linear:
        coulomb = a * omega / linear
    else:
        coulomb = math.copysign(a, omega) if omega != 0.0 else 0.0
    return coulomb + (b + c * abs(omega)) * omega


@kernel
def shaft(p, extra):
    """Return the shaft as the machines' derivatives read it: (a, b, c, linear, extra torque, 1 / inertia).

    The reciprocal of the inertia is 0 where the load dictates the speed, whatever the torque; the extra torque is then
    the d omega/dt that it dictates, rad/s^2, here 0.

    Args:
        p: Parameter row.
        extra: Torque on the shaft besides the load's own, N m.
    """
    kind = int(p[P.load_kind])
    if kind == CONSTANT_SPEED or kind >= SPEED_PROFILE:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    a, b, c, inertia, linear = load_coefficients(p)
    return a, b, c, linear, extra, 1.0 / inertia


@kernel
def acceleration(omega, torque, load):
    """Return d omega/dt of a shaft as :func:`shaft` returns it, under the machine's torque."""
    a, b, c, linear, extra, mobility = load
    if mobility == 0.0:
        return extra
    return (torque - load_torque(omega, a, b, c, linear) - extra) * mobility


# -------------------------------------------------------------------------------------- loads that dictate the speed

_STREAM_SPEED = 20  # of random numbers


@called_kernel
def next_speed(omega, key, tick, p, tables):
    """Return the speed that a load dictates at the end of a period, rad/s; between periods it is linear in time.

    The random speed follows the exact transition of its process over a period; Gillespie, Physical Review E 54, 1996,
    doi:10.1103/PhysRevE.54.2084.

    Args:
        omega: Speed at the beginning of the period, rad/s.
        key: The row's key.
        tick: Which period, counted from reset; the one before the first, -1, ends with the speed at reset.
        p: Parameter row.
        tables: The family's tables.
    """
    kind = int(p[P.load_kind])
    if kind == SPEED_PROFILE:
        signals, own = tables[T.signals], tables[T.signal_tables]
        t = (tick + 1) * p[P.tau]
        omega = signal_value(signals, SIGNAL_SPEED, own, key, _STREAM_SPEED, t)
    elif kind == ORNSTEIN_UHLENBECK:
        kept = math.exp(-p[P.theta] * p[P.tau])
        spread = p[P.sigma] * math.sqrt((1.0 - kept * kept) / (2.0 * p[P.theta]))
        if tick < 0:  # drawn from what the speed is distributed like in the long run
            kept, spread = 0.0, p[P.sigma] / math.sqrt(2.0 * p[P.theta])
        noise, _ = normal2(key, tick + 1, _STREAM_SPEED)
        omega = p[P.mu] + (omega - p[P.mu]) * kept + spread * noise
    return min(max(omega, p[P.speed_low]), p[P.speed_high])
