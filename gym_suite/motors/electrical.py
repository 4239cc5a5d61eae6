"""The machines' equations, a group at a time: coefficients, derivative, one period under held voltages.

A group is one set of equations for all its machines. Its state is a tuple of scalars, which never leaves the
registers. The voltage that the converter holds is part of that state: held in the stator's frame it turns in the
rotor's, du_d/dt = omega_e u_q and du_q/dt = -omega_e u_d, so that no sine or cosine stands in a Runge-Kutta stage.
The last element is the electrical angle that passes.

======================  ==============================================================
group                   state
======================  ==============================================================
SYNCHRONOUS             omega, i_sd, i_sq, u_sd, u_sq, angle
EXCITED                 omega, i_sd, i_sq, i_e, u_sd, u_sq, u_e, angle
======================  ==============================================================
"""

from __future__ import annotations

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel
from gym_suite.motors.loads import acceleration
from gym_suite.motors.machines.base import EXCITED
from gym_suite.motors.quantities import P, X

# --------------------------------------------------------------------------------------------- synchronous machines


@kernel
def synchronous_coefficients(p):
    """Return (pairs, r_s, l_d, l_q, psi_p, 1 / l_d, 1 / l_q)."""
    l_d, l_q = p[P.l_d], p[P.l_q]
    return p[P.p], p[P.r_s], l_d, l_q, p[P.psi_p], 1.0 / l_d, 1.0 / l_q


@kernel
def synchronous_derivative(x, k, load, spin):
    """Return d/dt of a synchronous machine's state; Schroeder 2015, section 16, in the rotor's frame."""
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
def excited_axis(p):
    """Return l_d, l_m and l_e of an electrically excited machine, which share the iron of the d axis."""
    iron = p[P.iron_d]
    return iron * p[P.l_d], iron * p[P.l_m], iron * p[P.l_e]


@kernel
def excited_coefficients(p):
    """Return (pairs, r_s, r_e, l_d, l_q, l_m), the inverse of ((l_d, l_m), (3/2 l_m, l_e)) by rows, and 1 / l_q."""
    l_d, l_m, l_e = excited_axis(p)
    l_q, inverse = p[P.l_q], 1.0 / (l_d * l_e - 1.5 * l_m * l_m)
    rows = l_e * inverse, -l_m * inverse, -1.5 * l_m * inverse, l_d * inverse
    return p[P.p], p[P.r_s], p[P.r_e], l_d, l_q, l_m, rows[0], rows[1], rows[2], rows[3], 1.0 / l_q


@kernel
def excited_derivative(x, k, load, spin):
    """Return d/dt of an electrically excited machine's state in the rotor's frame.

    psi_d = l_d i_d + l_m i_e and psi_e = 3/2 l_m i_d + l_e i_e, of which each voltage is the derivative besides its
    drop and what rotation induces; Schroeder 2015, section 16.
    """
    omega, i_d, i_q, i_e, u_d, u_q, u_e, _ = x
    pairs, r_s, r_e, l_d, l_q, l_m, dd, de, ed, ee, inverse_q = k
    omega_e = pairs * omega
    psi_d, psi_q = l_d * i_d + l_m * i_e, l_q * i_q
    dpsi_d, dpsi_e = u_d - r_s * i_d + omega_e * psi_q, u_e - r_e * i_e
    return (
        acceleration(omega, 1.5 * pairs * (psi_d * i_q - psi_q * i_d), load),
        dd * dpsi_d + de * dpsi_e,
        (u_q - r_s * i_q - omega_e * psi_d) * inverse_q,
        ed * dpsi_d + ee * dpsi_e,
        spin * omega_e * u_q,
        -spin * omega_e * u_d,
        0.0,
        omega_e,
    )


# --------------------------------------------------------------------------------------------------- any group


@kernel
def coefficients(group, p):
    """Return what the derivative of a group reads of a parameter row."""
    kind = len(group)
    if kind == EXCITED:
        return excited_coefficients(p)
    return synchronous_coefficients(p)


@kernel
def derivative(group, x, k, load, spin):
    """Return d/dt of a group's state.

    Args:
        group: The group.
        x: The state; speed in rad/s, A, V, Vs, electrical angle in rad.
        k: Of :func:`coefficients`.
        load: Of :func:`gym_suite.motors.loads.shaft`.
        spin: 1 where voltages are held in the frame of their winding, as converters do; 0 where they are held in the
            frame of the state.
    """
    kind = len(group)
    if kind == EXCITED:
        return excited_derivative(x, k, load, spin)
    return synchronous_derivative(x, k, load, spin)


@kernel
def period(group, x, k, load, spin, h, steps):
    """Move a group's state over the time h by Runge-Kutta steps of fourth order."""
    d = h / steps
    for _ in range(steps):
        k1 = derivative(group, x, k, load, spin)
        k2 = derivative(group, combine(x, 0.5 * d, k1), k, load, spin)
        k3 = derivative(group, combine(x, 0.5 * d, k2), k, load, spin)
        k4 = derivative(group, combine(x, d, k3), k, load, spin)
        x = combine_rk4(x, d, k1, k2, k3, k4)
    return x


@kernel
def axis_currents(group, x):
    """Return the currents of a state row in the frame of the drive's controller, four axes of which some are unused."""
    kind = len(group)
    if kind == EXCITED:
        return x[X.i_sd], x[X.i_sq], x[X.i_e], 0.0
    return x[X.i_sd], x[X.i_sq], 0.0, 0.0


@kernel
def torque_of(group, i, p):
    """Return the air-gap torque, N m.

    T = 3/2 p (psi_d i_q - psi_q i_d); Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed.,
    Springer 2015, section 16.

    Args:
        group: The group.
        i: Currents as :func:`axis_currents` returns them, A.
        p: Parameter row.
    """
    kind = len(group)
    psi, l_d = p[P.psi_p], p[P.l_d]
    if kind == EXCITED:
        l_d, l_m, _ = excited_axis(p)
        psi = l_m * i[2]
    return 1.5 * p[P.p] * (psi + (l_d - p[P.l_q]) * i[0]) * i[1]


@kernel
def loss_of(group, i, p):
    """Return the copper loss as a part of that at the current limits.

    Args:
        group: The group.
        i: Currents as :func:`axis_currents` returns them, A.
        p: Parameter row.
    """
    kind = len(group)
    loss = 1.5 * p[P.r_s] * (i[0] * i[0] + i[1] * i[1])
    most = 1.5 * p[P.r_s] * p[P.i_limit] * p[P.i_limit]
    if kind == EXCITED:
        loss += p[P.r_e] * i[2] * i[2]
        most += p[P.r_e] * p[P.i_e_limit] * p[P.i_e_limit]
    return loss / most


@kernel
def over_limit(group, x, p):
    """Return whether a current exceeds its limit; one that is no number does too."""
    kind = len(group)
    limit = p[P.i_limit]
    over = not x[X.i_sd] * x[X.i_sd] + x[X.i_sq] * x[X.i_sq] <= limit * limit
    if kind == EXCITED:
        over = over or not abs(x[X.i_e]) <= p[P.i_e_limit]
    return over
