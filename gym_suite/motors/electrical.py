"""The machines' equations, a group at a time: coefficients, derivative, one period under held voltages.

A group is one set of equations for all its machines. Its state is a tuple of scalars, which never leaves the
registers. The voltage that the converter holds is part of that state: held in the stator's frame it turns in the
rotor's, du_d/dt = omega_e u_q and du_q/dt = -omega_e u_d, so that no sine or cosine stands in a Runge-Kutta stage.
"""

from __future__ import annotations

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel
from gym_suite.motors.loads import acceleration
from gym_suite.motors.quantities import P

# --------------------------------------------------------------------------------------------- synchronous machines


@kernel
def synchronous_coefficients(p):
    """Return (pairs, r_s, l_d, l_q, psi_p, 1 / l_d, 1 / l_q)."""
    l_d, l_q = p[P.l_d], p[P.l_q]
    return p[P.p], p[P.r_s], l_d, l_q, p[P.psi_p], 1.0 / l_d, 1.0 / l_q


@kernel
def synchronous_derivative(x, k, load, spin):
    """Return d/dt of (omega, i_sd, i_sq, u_sd, u_sq, angle); Schroeder 2015, section 16, in the rotor's frame.

    Args:
        x: Speed (rad/s), currents (A), voltages (V), electrical angle (rad).
        k: Of :func:`synchronous_coefficients`.
        load: Of :func:`gym_suite.motors.loads.shaft`.
        spin: 1 where the voltage is held in the stator's frame, 0 where it is held in the rotor's.
    """
    omega, i_d, i_q, u_d, u_q, _ = x
    pairs, r_s, l_d, l_q, psi_p, inverse_d, inverse_q = k
    omega_e = pairs * omega
    psi_d, psi_q = l_d * i_d + psi_p, l_q * i_q
    return (
        acceleration(omega, 1.5 * pairs * (psi_d * i_q - psi_q * i_d), load),
        (u_d - r_s * i_d + omega_e * psi_q) * inverse_d,
        (u_q - r_s * i_q - omega_e * psi_d) * inverse_q,
        spin * omega_e * u_q,
        -spin * omega_e * u_d,
        omega_e,
    )


@kernel
def synchronous_period(x, k, load, spin, h, steps):
    """Move the state of :func:`synchronous_derivative` over the time h by RK4."""
    d = h / steps
    for _ in range(steps):
        k1 = synchronous_derivative(x, k, load, spin)
        k2 = synchronous_derivative(combine(x, 0.5 * d, k1), k, load, spin)
        k3 = synchronous_derivative(combine(x, 0.5 * d, k2), k, load, spin)
        k4 = synchronous_derivative(combine(x, d, k3), k, load, spin)
        x = combine_rk4(x, d, k1, k2, k3, k4)
    return x
