"""Equations of synchronous machines whose iron saturates: their flux linkages are a map of both currents.

A state is that of the group SYNCHRONOUS in :mod:`gym_suite.motors.electrical`. The map is a row as
:mod:`gym_suite.motors.machines.spline` describes it, a table that all rows of worlds share.
"""

from __future__ import annotations

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel
from gym_suite.motors.loads import acceleration
from gym_suite.motors.machines.spline import linkages
from gym_suite.motors.quantities import P


@kernel
def saturated_coefficients(p, flux):
    """Return (pairs, r_s, factor of the map's fluxes, the map's row)."""
    return p[P.p], p[P.r_s], p[P.flux_scale], flux


@kernel
def saturated_derivative(x, k, load, spin):
    """Return d/dt of the state of a machine whose iron saturates, in the rotor's frame.

    dpsi/dt = u - r_s i - j omega_e psi with psi(i) of the map, so that L di/dt = dpsi/dt with the matrix L of the
    incremental inductances; Schroeder 2015, section 16, for cross-saturation Vagati, Pastorelli, Scapino and
    Franceschini, IEEE Trans. Ind. Appl. 36(4), 2000.
    """
    omega, i_d, i_q, u_d, u_q, _ = x
    pairs, r_s, scale, flux = k
    omega_e = pairs * omega
    psi_d, psi_q, l_dd, l_dq, l_qq = linkages(i_d, i_q, flux, 0)
    psi_d, psi_q = scale * psi_d, scale * psi_q
    dpsi_d, dpsi_q = u_d - r_s * i_d + omega_e * psi_q, u_q - r_s * i_q - omega_e * psi_d
    inverse = 1.0 / (scale * (l_dd * l_qq - l_dq * l_dq))
    return (
        acceleration(omega, 1.5 * pairs * (psi_d * i_q - psi_q * i_d), load),
        inverse * (l_qq * dpsi_d - l_dq * dpsi_q),
        inverse * (l_dd * dpsi_q - l_dq * dpsi_d),
        spin * omega_e * u_q,
        -spin * omega_e * u_d,
        omega_e,
    )


@kernel
def _flux_slopes(y, iron, k, load, spin):
    """Return d/dt of (omega, psi_d, psi_q, u_d, u_q, angle) beside the currents of :func:`follow_iron`."""
    omega, psi_d, psi_q, u_d, u_q, _ = y
    pairs, r_s, _, _ = k
    omega_e, i_d, i_q = pairs * omega, iron[0], iron[1]
    return (
        acceleration(omega, 1.5 * pairs * (psi_d * i_q - psi_q * i_d), load),
        u_d - r_s * i_d + omega_e * psi_q,
        u_q - r_s * i_q - omega_e * psi_d,
        spin * omega_e * u_q,
        -spin * omega_e * u_d,
        omega_e,
    )


@kernel
def follow_iron(y, iron, k):
    """Return the currents at flux linkages, the inverse of the incremental inductances near them, and these fluxes.

    A step of Newton's method from where the inductances of the last point lead to.

    Args:
        y: A state with the flux linkages, Vs.
        iron: What was returned for the last point.
        k: Of :func:`saturated_coefficients`.
    """
    i_d, i_q, dd, dq, qq, from_d, from_q = iron
    i_d += dd * (y[1] - from_d) + dq * (y[2] - from_q)
    i_q += dq * (y[1] - from_d) + qq * (y[2] - from_q)
    scale = k[2]
    psi_d, psi_q, l_dd, l_dq, l_qq = linkages(i_d, i_q, k[3], 0)
    inverse = 1.0 / (scale * (l_dd * l_qq - l_dq * l_dq))
    dd, dq, qq = inverse * l_qq, -inverse * l_dq, inverse * l_dd
    short_d, short_q = y[1] - scale * psi_d, y[2] - scale * psi_q
    i_d += dd * short_d + dq * short_q
    i_q += dq * short_d + qq * short_q
    return i_d, i_q, dd, dq, qq, y[1], y[2]


@kernel
def iron_at(i_d, i_q, k):
    """Return what :func:`follow_iron` follows, at the currents (A) themselves."""
    psi_d, psi_q, l_dd, l_dq, l_qq = linkages(i_d, i_q, k[3], 0)
    psi_d, psi_q = k[2] * psi_d, k[2] * psi_q
    inverse = 1.0 / (k[2] * (l_dd * l_qq - l_dq * l_dq))
    return i_d, i_q, inverse * l_qq, -inverse * l_dq, inverse * l_dd, psi_d, psi_q


@kernel
def saturated_period(x, k, load, spin, h, steps) -> tuple[float, ...]:
    """Move the state of a machine whose iron saturates over the time h by Runge-Kutta steps of fourth order.

    They are steps of the flux linkages, which move smoothly: the inductances of a spline have kinks, over which steps
    of the currents would lose their order.
    """
    omega, i_d, i_q, u_d, u_q, angle = x
    iron = iron_at(i_d, i_q, k)
    y, d = (omega, iron[5], iron[6], u_d, u_q, angle), h / steps
    for _ in range(steps):
        k1 = _flux_slopes(y, iron, k, load, spin)
        middle = combine(y, 0.5 * d, k1)
        iron = follow_iron(middle, iron, k)
        k2 = _flux_slopes(middle, iron, k, load, spin)
        middle = combine(y, 0.5 * d, k2)
        iron = follow_iron(middle, iron, k)
        k3 = _flux_slopes(middle, iron, k, load, spin)
        end = combine(y, d, k3)
        iron = follow_iron(end, iron, k)
        y = combine_rk4(y, d, k1, k2, k3, _flux_slopes(end, iron, k, load, spin))
        iron = follow_iron(y, iron, k)
    return y[0], iron[0], iron[1], y[3], y[4], y[5]


@kernel
def with_flux(i, scale, flux, first):
    """Return the d and q currents of four axes with their flux linkages (Vs) in the last two places.

    Args:
        i: Currents of four axes, A.
        scale: Factor of the map's fluxes.
        flux: A row in which the flux map stands.
        first: Its place there.
    """
    psi_d, psi_q, _, _, _ = linkages(i[0], i[1], flux, first)
    return i[0], i[1], scale * psi_d, scale * psi_q
