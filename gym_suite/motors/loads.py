"""What the shaft carries, as row functions: torque and inertia of a load, for physics and for control."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.motors.parameters import CONSTANT_SPEED, VEHICLE
from gym_suite.motors.quantities import P


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

    The reciprocal of the inertia is 0 where the load holds the speed.

    Args:
        p: Parameter row.
        extra: Torque on the shaft besides the load's own, N m.
    """
    if int(p[P.load_kind]) == CONSTANT_SPEED:
        return 0.0, 0.0, 0.0, 0.0, extra, 0.0
    a, b, c, inertia, linear = load_coefficients(p)
    return a, b, c, linear, extra, 1.0 / inertia


@kernel
def acceleration(omega, torque, load):
    """Return d omega/dt of a shaft as :func:`shaft` returns it, under the machine's torque."""
    a, b, c, linear, extra, mobility = load
    if mobility == 0.0:
        return 0.0
    return (torque - load_torque(omega, a, b, c, linear) - extra) * mobility
