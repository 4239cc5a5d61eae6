"""What the shaft carries: the load's torque and inertia, for physics and for control."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.motors.parameters import (
    P_A,
    P_AREA,
    P_B,
    P_C,
    P_C_D,
    P_C_R,
    P_GEAR_RATIO,
    P_GRAVITY,
    P_J_LOAD,
    P_J_ROTOR,
    P_LOAD_KIND,
    P_MASS,
    P_RHO,
    P_TAU_DECAY,
    P_WHEEL_RADIUS,
    VEHICLE,
)


@kernel
def load_coefficients(p):
    """Return (a, b, c, inertia, speed below which Coulomb friction is linear) at the shaft.

    A vehicle is reduced to the shaft through its gear: force times lever, mass times lever squared.
    """
    if int(p[P_LOAD_KIND]) == VEHICLE:
        lever = p[P_WHEEL_RADIUS] / p[P_GEAR_RATIO]
        a = p[P_MASS] * p[P_GRAVITY] * p[P_C_R] * lever
        c = 0.5 * p[P_RHO] * p[P_C_D] * p[P_AREA] * lever * lever * lever
        inertia = p[P_J_ROTOR] + p[P_MASS] * lever * lever
        # Rolling resistance fades in over the tyre's first 0.1 m/s.
        return a, 0.0, c, inertia, 0.1 / lever
    inertia = p[P_J_ROTOR] + p[P_J_LOAD]
    return p[P_A], p[P_B], p[P_C], inertia, p[P_A] * p[P_TAU_DECAY] / inertia


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
