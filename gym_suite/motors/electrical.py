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
DC                      omega, i_a, i_e, u_a, u_e, angle
INDUCTION               omega, i_salpha, i_sbeta, psi_ralpha, psi_rbeta, u_salpha, u_sbeta, angle
DOUBLY_FED              omega, i_salpha, i_sbeta, psi_ralpha, psi_rbeta, u_salpha, u_sbeta, u_ralpha, u_rbeta, angle
SIX_PHASE               omega, i_sd, i_sq, i_sx, i_sy, u_sd, u_sq, u_sx, u_sy, angle
SATURATED, TRAPEZOIDAL  as SYNCHRONOUS
======================  ==============================================================
"""

from __future__ import annotations

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel
from gym_suite.motors.iron import saturated_derivative, saturated_period
from gym_suite.motors.loads import acceleration
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    TRAPEZOIDAL,
)
from gym_suite.motors.machines.dc import MAGNETS, SEPARATE, SERIES, SHUNT
from gym_suite.motors.observer import flux_frame
from gym_suite.motors.quantities import P, X
from gym_suite.motors.transforms import rotate
from gym_suite.motors.trapezoid import trapezoidal_derivative

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


# ------------------------------------------------------------------------------------------- commutator machines


_NO_CURRENT = 1e-9  # A: below it a diode carries none, so that rounding does not open it


@kernel
def dc_field(p):
    """Return the flux of a DC machine, Vs, as (constant, per armature current, per excitation current)."""
    excitation = int(p[P.excitation])
    if excitation == MAGNETS:
        return p[P.psi_e], 0.0, 0.0
    if excitation == SERIES:
        return 0.0, p[P.l_e_prime], 0.0
    return 0.0, 0.0, p[P.l_e_prime]


@kernel
def dc_coefficients(p):
    """Return what the derivative of DC machines reads.

    It is (resistance and reciprocal inductance of the armature's circuit, those of a field circuit of its own, the
    flux by :func:`dc_field`, whether the field is in parallel, whether diodes block negative currents of the armature's
    and of the field's terminals).
    """
    excitation = int(p[P.excitation])
    r_a, l_a, r_e, inverse_e = p[P.r_a], p[P.l_a], 0.0, 0.0
    if excitation == SERIES:
        r_a, l_a = r_a + p[P.r_e], l_a + p[P.l_e]
    elif excitation != MAGNETS:
        r_e, inverse_e = p[P.r_e], 1.0 / p[P.l_e]
    magnets, series, mutual = dc_field(p)
    parallel = 1.0 if excitation == SHUNT else 0.0
    blocks_a = 1.0 if int(p[P.quadrants_a]) == 1 else 0.0
    blocks_e = 1.0 if excitation == SEPARATE and int(p[P.quadrants_e]) == 1 else 0.0
    return r_a, 1.0 / l_a, r_e, inverse_e, magnets, series, mutual, parallel, blocks_a, blocks_e


@kernel
def dc_derivative(x, k, load):
    """Return d/dt of a DC machine's state.

    l_a di_a/dt = u_a - r_a i_a - psi omega and l_e di_e/dt = u_e - r_e i_e, torque = psi i_a, with the windings and
    the flux psi that the excitation makes of them; Schroeder, "Elektrische Antriebe - Grundlagen", 5th ed., Springer
    2013, section 3. A chopper of one quadrant lets no current flow back: where it would, its diode blocks, and the
    terminals have the voltage at which the current stays zero.
    """
    omega, i_a, i_e, u_a, u_e, _ = x
    r_a, inverse_a, r_e, inverse_e, magnets, series, mutual, parallel, blocks_a, blocks_e = k
    psi = magnets + series * i_a + mutual * i_e
    di_a = (u_a - r_a * i_a - psi * omega) * inverse_a
    di_e = (u_e - r_e * i_e) * inverse_e
    if blocks_a > 0.0:
        flowing, change = i_a + parallel * i_e, di_a + parallel * di_e
        if flowing <= _NO_CURRENT and change < 0.0:
            part = change / (inverse_a + parallel * inverse_e)
            di_a -= part * inverse_a
            di_e -= parallel * part * inverse_e
    if blocks_e > 0.0 and i_e <= _NO_CURRENT and di_e < 0.0:
        di_e = 0.0
    return acceleration(omega, psi * i_a, load), di_a, di_e, 0.0, 0.0, omega


# ----------------------------------------------------------------------------------------------- induction machines


@kernel
def induction_coefficients(p):
    """Return (pairs, r_s, r_r, l_m, 1 / l_r, l_m / l_r, 1 / (sigma l_s))."""
    l_m = p[P.l_m]
    l_s, l_r = l_m + p[P.l_sigs], l_m + p[P.l_sigr]
    coupling = l_m / l_r
    return p[P.p], p[P.r_s], p[P.r_r], l_m, 1.0 / l_r, coupling, 1.0 / (l_s - coupling * l_m)


@kernel
def _induction_slopes(omega, i_a, i_b, psi_a, psi_b, u_a, u_b, v_a, v_b, k, load):
    """Return d/dt of (omega, i_salpha, i_sbeta, psi_ralpha, psi_rbeta) and omega_e; (v_a, v_b) is the rotor's voltage.

    With i_r = (psi_r - l_m i_s) / l_r, complex in the stator's frame: dpsi_r/dt = u_r - r_r i_r + j omega_e psi_r and
    sigma l_s di_s/dt = u_s - r_s i_s - l_m / l_r dpsi_r/dt; torque = 3/2 p l_m / l_r Im(conj(psi_r) i_s). Leonhard,
    "Control of Electrical Drives", 3rd ed., Springer 2001, section 10.
    """
    pairs, r_s, r_r, l_m, inverse_r, coupling, inverse_s = k
    omega_e = pairs * omega
    dpsi_a = v_a - r_r * inverse_r * (psi_a - l_m * i_a) - omega_e * psi_b
    dpsi_b = v_b - r_r * inverse_r * (psi_b - l_m * i_b) + omega_e * psi_a
    return (
        acceleration(omega, 1.5 * pairs * coupling * (psi_a * i_b - psi_b * i_a), load),
        (u_a - r_s * i_a - coupling * dpsi_a) * inverse_s,
        (u_b - r_s * i_b - coupling * dpsi_b) * inverse_s,
        dpsi_a,
        dpsi_b,
        omega_e,
    )


@kernel
def induction_derivative(x, k, load):
    """Return d/dt of a squirrel-cage machine's state; the stator's voltage is held where the state is."""
    omega, i_a, i_b, psi_a, psi_b, u_a, u_b, _ = x
    slopes = _induction_slopes(omega, i_a, i_b, psi_a, psi_b, u_a, u_b, 0.0, 0.0, k, load)
    return slopes[0], slopes[1], slopes[2], slopes[3], slopes[4], 0.0, 0.0, slopes[5]


@kernel
def doubly_fed_derivative(x, k, load, spin):
    """Return d/dt of a doubly fed machine's state; a rotor voltage held in the rotor's frame turns forward."""
    omega, i_a, i_b, psi_a, psi_b, u_a, u_b, v_a, v_b, _ = x
    slopes = _induction_slopes(omega, i_a, i_b, psi_a, psi_b, u_a, u_b, v_a, v_b, k, load)
    turning = spin * slopes[5]
    return (
        slopes[0],
        slopes[1],
        slopes[2],
        slopes[3],
        slopes[4],
        0.0,
        0.0,
        -turning * v_b,
        turning * v_a,
        slopes[5],
    )


# ----------------------------------------------------------------------------------------------- six-phase machines


@kernel
def six_phase_coefficients(p):
    """Return (pairs, r_s, l_d, l_q, l_x, l_y, psi_p, and the reciprocals of the four inductances)."""
    l_d, l_q, l_x, l_y = p[P.l_d], p[P.l_q], p[P.l_x], p[P.l_y]
    inverse = 1.0 / l_d, 1.0 / l_q, 1.0 / l_x, 1.0 / l_y
    return (p[P.p], p[P.r_s], l_d, l_q, l_x, l_y, p[P.psi_p], *inverse)


@kernel
def six_phase_torque(i_d, i_q, i_x, i_y, pairs, psi_d, psi_q, l_x, l_y):
    """Return the torque of both planes; in that of x and y, which turns backwards, saliency alone gives some."""
    return 1.5 * pairs * (psi_d * i_q - psi_q * i_d - (l_x - l_y) * i_x * i_y)


@kernel
def six_phase_derivative(x, k, load, spin):
    """Return d/dt of the state of a machine with two stars.

    d and q as in a machine with one star; u_x = r_s i_x + l_x di_x/dt + omega_e l_y i_y and
    u_y = r_s i_y + l_y di_y/dt - omega_e l_x i_x; Zhao and Lipo, IEEE Trans. Ind. Appl. 31(5), 1995,
    doi:10.1109/28.464525. Voltages held in the stators' frame turn backwards in d and q, forwards in x and y.
    """
    omega, i_d, i_q, i_x, i_y, u_d, u_q, u_x, u_y, _ = x
    pairs, r_s, l_d, l_q, l_x, l_y, psi_p, inverse_d, inverse_q, inverse_x, inverse_y = k
    omega_e = pairs * omega
    psi_d, psi_q = l_d * i_d + psi_p, l_q * i_q
    turning = spin * omega_e
    torque = six_phase_torque(i_d, i_q, i_x, i_y, pairs, psi_d, psi_q, l_x, l_y)
    return (
        acceleration(omega, torque, load),
        (u_d - r_s * i_d + omega_e * psi_q) * inverse_d,
        (u_q - r_s * i_q - omega_e * psi_d) * inverse_q,
        (u_x - r_s * i_x - omega_e * l_y * i_y) * inverse_x,
        (u_y - r_s * i_y + omega_e * l_x * i_x) * inverse_y,
        turning * u_q,
        -turning * u_d,
        -turning * u_y,
        turning * u_x,
        omega_e,
    )


# --------------------------------------------------------------------------------------------------- any group


@kernel
def coefficients(group, p):
    """Return what the derivative of a group reads of a parameter row.

    SATURATED needs the map too and TRAPEZOIDAL the angle.
    """
    kind = len(group)
    if kind == EXCITED:
        return excited_coefficients(p)
    if kind == DC:
        return dc_coefficients(p)
    if kind == INDUCTION:
        return induction_coefficients(p)
    if kind == DOUBLY_FED:
        return induction_coefficients(p)
    if kind == SIX_PHASE:
        return six_phase_coefficients(p)
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
    if kind == DC:
        return dc_derivative(x, k, load)
    if kind == INDUCTION:
        return induction_derivative(x, k, load)
    if kind == DOUBLY_FED:
        return doubly_fed_derivative(x, k, load, spin)
    if kind == SIX_PHASE:
        return six_phase_derivative(x, k, load, spin)
    if kind == SATURATED:
        return saturated_derivative(x, k, load, spin)
    if kind == TRAPEZOIDAL:
        return trapezoidal_derivative(x, k, load, spin)
    return synchronous_derivative(x, k, load, spin)


@kernel
def runge_kutta(group, x, k, load, spin, d):
    """Move a group's state by one Runge-Kutta step of fourth order over the time d."""
    k1 = derivative(group, x, k, load, spin)
    k2 = derivative(group, combine(x, 0.5 * d, k1), k, load, spin)
    k3 = derivative(group, combine(x, 0.5 * d, k2), k, load, spin)
    k4 = derivative(group, combine(x, d, k3), k, load, spin)
    return combine_rk4(x, d, k1, k2, k3, k4)


@kernel
def period(group, x, k, load, spin, h, steps):
    """Move a group's state over the time h by Runge-Kutta steps of fourth order."""
    if len(group) == SATURATED:
        return saturated_period(x, k, load, spin, h, steps)
    d = h / steps
    for _ in range(steps):
        x = runge_kutta(group, x, k, load, spin, d)
    return x


@kernel
def axis_currents(group, x, p):
    """Return the currents of a state row in the frame of the drive's controller, four axes of which some are unused.

    Of a squirrel-cage machine the last two are the flux of the rotor (Vs) in the frame of the drive's estimate.
    """
    kind = len(group)
    if kind == INDUCTION:
        cosine, sine, _ = flux_frame(x)
        i_d, i_q = rotate(x[X.i_salpha], x[X.i_sbeta], cosine, -sine)
        psi_d, psi_q = rotate(x[X.psi_ralpha], x[X.psi_rbeta], cosine, -sine)
        return i_d, i_q, psi_d, psi_q
    if kind == DOUBLY_FED:
        cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
        i_d, i_q = rotate(x[X.i_salpha], x[X.i_sbeta], cosine, -sine)
        psi_d, psi_q = rotate(x[X.psi_ralpha], x[X.psi_rbeta], cosine, -sine)
        l_m, inverse = p[P.l_m], 1.0 / (p[P.l_m] + p[P.l_sigr])
        return i_d, i_q, (psi_d - l_m * i_d) * inverse, (psi_q - l_m * i_q) * inverse
    if kind == SIX_PHASE:
        return x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy]
    if kind == EXCITED:
        return x[X.i_sd], x[X.i_sq], x[X.i_e], 0.0
    if kind == DC:
        return x[X.i_a], x[X.i_e], 0.0, 0.0
    return x[X.i_sd], x[X.i_sq], 0.0, 0.0


@kernel
def torque_of(group, i, p):
    """Return the air-gap torque, N m.

    T = 3/2 p (psi_d i_q - psi_q i_d); Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed.,
    Springer 2015, section 16.

    Args:
        group: The group.
        i: Currents as :func:`axis_currents` returns them, A; of SATURATED with the fluxes of :func:`with_flux`.
        p: Parameter row.
    """
    kind = len(group)
    if kind == SATURATED:
        return 1.5 * p[P.p] * (i[2] * i[1] - i[3] * i[0])
    if kind == DC:
        magnets, series, mutual = dc_field(p)
        return (magnets + series * i[0] + mutual * i[1]) * i[0]
    if kind == INDUCTION:
        return 1.5 * p[P.p] * p[P.l_m] / (p[P.l_m] + p[P.l_sigr]) * (i[2] * i[1] - i[3] * i[0])
    if kind == DOUBLY_FED:
        return 1.5 * p[P.p] * p[P.l_m] * (i[2] * i[1] - i[3] * i[0])
    if kind == SIX_PHASE:
        psi_d, psi_q = p[P.l_d] * i[0] + p[P.psi_p], p[P.l_q] * i[1]
        return six_phase_torque(i[0], i[1], i[2], i[3], p[P.p], psi_d, psi_q, p[P.l_x], p[P.l_y])
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
    if kind == DC:
        loss, most = p[P.r_a] * i[0] * i[0], p[P.r_a] * p[P.i_limit] * p[P.i_limit]
        if int(p[P.excitation]) >= SHUNT:
            loss += p[P.r_e] * i[1] * i[1]
            most += p[P.r_e] * p[P.i_e_limit] * p[P.i_e_limit]
        # Through one current that flows in all windings the resistances cancel.
        return loss / most
    if kind == INDUCTION:
        coupling = p[P.l_m] / (p[P.l_m] + p[P.l_sigr])
        rotor_d = (i[2] / p[P.l_m] - i[0]) * coupling
        rotor_q = (i[3] / p[P.l_m] - i[1]) * coupling
        loss = p[P.r_s] * (i[0] * i[0] + i[1] * i[1])
        loss += p[P.r_r] * (rotor_d * rotor_d + rotor_q * rotor_q)
        most = p[P.r_s] + p[P.r_r] * coupling * coupling
        return loss / (most * p[P.i_limit] * p[P.i_limit])
    if kind == DOUBLY_FED:
        loss = p[P.r_s] * (i[0] * i[0] + i[1] * i[1]) + p[P.r_r] * (i[2] * i[2] + i[3] * i[3])
        return loss / ((p[P.r_s] + p[P.r_r]) * p[P.i_limit] * p[P.i_limit])
    if kind == SIX_PHASE:
        square = i[0] * i[0] + i[1] * i[1] + i[2] * i[2] + i[3] * i[3]
        return square / (p[P.i_limit] * p[P.i_limit])
    loss = 1.5 * p[P.r_s] * (i[0] * i[0] + i[1] * i[1])
    most = 1.5 * p[P.r_s] * p[P.i_limit] * p[P.i_limit]
    if kind == EXCITED:
        loss += p[P.r_e] * i[2] * i[2]
        most += p[P.r_e] * p[P.i_e_limit] * p[P.i_e_limit]
    return loss / most


@kernel
def exceeds(i_a, i_b, limit):
    """Return whether the amplitude of two currents exceeds a limit; one that is no number does too."""
    return not i_a * i_a + i_b * i_b <= limit * limit


@kernel
def over_limit(group, x, p):
    """Return whether a current exceeds its limit; one that is no number does too."""
    kind = len(group)
    limit = p[P.i_limit]
    if kind == DC:
        over_a = not abs(x[X.i_a]) <= limit
        # Without a field circuit of its own there is neither such a current nor a limit of it.
        return over_a or not abs(x[X.i_e]) <= p[P.i_e_limit]
    if kind == INDUCTION:
        return exceeds(x[X.i_salpha], x[X.i_sbeta], limit)
    if kind == DOUBLY_FED:
        i = axis_currents(group, x, p)
        stator, rotor = i[0] * i[0] + i[1] * i[1], i[2] * i[2] + i[3] * i[3]
        return not max(stator, rotor) <= limit * limit
    if kind == SIX_PHASE:
        i = axis_currents(group, x, p)
        return not i[0] * i[0] + i[1] * i[1] + i[2] * i[2] + i[3] * i[3] <= limit * limit
    over = exceeds(x[X.i_sd], x[X.i_sq], limit)
    if kind == EXCITED:
        over = over or not abs(x[X.i_e]) <= p[P.i_e_limit]
    return over
