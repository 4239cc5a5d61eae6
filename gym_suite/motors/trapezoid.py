"""Equations of a brushless machine whose magnets induce trapezoids: phase a has the flux psi_p at the angle 0.

The three phases form a star of like windings without saliency, so that v = r_s i + l_s di/dt + e in each against the
star point, with e = omega_e psi_p f of the phase. P. Pillay and R. Krishnan, "Modeling, simulation, and analysis of
permanent-magnet motor drives, part II: the brushless DC motor drive", IEEE Trans. Ind. Appl. 25(2), 1989,
doi:10.1109/28.25542. A state is that of the group SYNCHRONOUS in :mod:`gym_suite.motors.electrical`.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.loads import acceleration
from gym_suite.motors.quantities import P
from gym_suite.motors.transforms import clarke, rotate, wrap

_THIRD = 2.0 * math.pi / 3.0


@kernel
def trapezoid(angle, flat):
    """Return an odd trapezoid of amplitude 1, at its top for the angle ``flat`` about pi / 2.

    Args:
        angle: Electrical angle, rad.
        flat: Length of the top, rad, up to pi.
    """
    angle = wrap(angle)
    aside = abs(abs(angle) - 0.5 * math.pi)
    if aside <= 0.5 * flat:
        return math.copysign(1.0, angle)
    return math.copysign((math.pi - 2.0 * aside) / (math.pi - flat), angle)


@kernel
def phase_shapes(epsilon, flat):
    """Return what the magnets induce in the three phases, as parts of omega_e psi_p."""
    return (
        -trapezoid(epsilon, flat),
        -trapezoid(epsilon - _THIRD, flat),
        -trapezoid(epsilon + _THIRD, flat),
    )


@called_kernel
def shape_axes(epsilon, flat):
    """Return these parts along d and q of the rotor; what all phases have in common drives no current."""
    a, b, c = phase_shapes(epsilon, flat)
    alpha, beta = clarke(a, b, c)
    return rotate(alpha, beta, math.cos(epsilon), -math.sin(epsilon))


@kernel
def trapezoidal_coefficients(epsilon, p):
    """Return (pairs, r_s, l_s, 1 / l_s, psi_p, flat, the electrical angle at which the angle passed is 0)."""
    return p[P.p], p[P.r_s], p[P.l_s], 1.0 / p[P.l_s], p[P.psi_p], p[P.flat], epsilon


@kernel
def trapezoidal_torque(epsilon, i_d, i_q, p):
    """Return the air-gap torque, N m: the power into what the magnets induce, over the speed."""
    f_d, f_q = shape_axes(epsilon, p[P.flat])
    return 1.5 * p[P.p] * p[P.psi_p] * (f_d * i_d + f_q * i_q)


@kernel
def trapezoidal_derivative(x, k, load, spin):
    """Return d/dt of the state, in the rotor's frame."""
    omega, i_d, i_q, u_d, u_q, angle = x
    pairs, r_s, l_s, inverse, psi_p, flat, epsilon = k
    omega_e = pairs * omega
    f_d, f_q = shape_axes(epsilon + angle, flat)
    return (
        acceleration(omega, 1.5 * pairs * psi_p * (f_d * i_d + f_q * i_q), load),
        (u_d - r_s * i_d + omega_e * (l_s * i_q - psi_p * f_d)) * inverse,
        (u_q - r_s * i_q - omega_e * (l_s * i_d + psi_p * f_q)) * inverse,
        spin * omega_e * u_q,
        -spin * omega_e * u_d,
        omega_e,
    )
