"""PI control of the currents and their operating points, as functions over one row of numbers.

The same functions are the inner loop of the drive under torque control and the heart of the reference controllers'
``predict`` (:mod:`gym_suite.motors.controllers.cascade`). The law row holds the nominal parameters and, behind them,
the gains: what reads a parameter row reads it.
"""

from __future__ import annotations

import math

from gym_suite.controllers.pid import pi_output, pi_update
from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.dc_points import dc_currents_for
from gym_suite.motors.controllers.movements import part_from_circle, part_within
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.converters import chopper_range
from gym_suite.motors.electrical import dc_field, excited_axis
from gym_suite.motors.iron import with_flux
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
)
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.machines.spline import linkages
from gym_suite.motors.observer import LEAST_FLUX, slip
from gym_suite.motors.quantities import AXES, FRAME_ABC, PARAMETERS, P
from gym_suite.motors.transforms import (
    SQRT3,
    hexagon_factor,
    rotate,
    stars_of,
    turn,
)


def _axes(name: str, unit: str, meaning: str) -> Columns:
    return Columns(*(Column(f"{name}_{k}", unit, meaning=meaning) for k in range(AXES)))


#: Columns of the law: the nominal parameters, then its own. Axes are d and q, then what else a machine has.
LAW = (
    PARAMETERS
    + _axes("kp", "V/A", "proportional gain of an axis")
    + _axes("ki", "V/(A s)", "integral gain of an axis")
    + _axes("back_gain", "1/s", "gain of back-calculation of an axis")
    + Columns(
        Column("decoupling", "1", meaning="1 with what rotation and other windings induce, else 0"),
        Column("anti_windup", "1", meaning="kind as in gym_suite.controllers.pid"),
        Column("dt", "s", meaning="sampling period of the speed control"),
        Column("kp_speed", "N m s/rad", meaning="proportional gain of the speed"),
        Column("ki_speed", "N m/rad", meaning="integral gain of the speed"),
        Column("back_gain_speed", "1/s", meaning="gain of back-calculation of the speed"),
        Column("prefilter", "s", meaning="time constant of the filter of the speed reference"),
        Column("error_lag", "s", 0, meaning="time constant of the filter of the speed's error"),
        Column("inertia", "kg m^2", meaning="of the shaft; 0: no feedforward"),
        Column("friction", "N m", meaning="Coulomb friction, for feedforward"),
        Column("viscous", "N m s", meaning="viscous friction, for feedforward"),
        Column("drag", "N m s^2", meaning="quadratic drag, for feedforward"),
        Column("u_max", "V", meaning="voltage that operating points may use"),
        Column("kp_position", "1/s", meaning="proportional gain of the position"),
        Column("braking", "rad/s^2", meaning="deceleration that the position law reckons with"),
        Column("omega_max", "rad/s", meaning="largest speed that the position law asks for"),
        Column("i_max", "A", meaning="stator current that operating points may use"),
        Column("feedback", "1", 0, meaning="gain of the feedback of the demanded voltage; 0: none"),
        Column(
            "least_field", "A", 0, meaning="excitation that is kept where a machine has its own"
        ),
    )
)
L = LAW.places
#: Where the flux map of a machine that saturates begins in its law's row: behind these columns.
FLUX_MAP = len(LAW)

#: Part of the current limit within which the fast movement of a doubly fed machine's currents keeps while the slow one
#: has not come to its end. A design value: what is left holds the overshoot under one more period of delay.
WITHIN = 0.92

#: What the laws see, in SI.
SEEN = (
    _axes("current", "A", "measured current of an axis")
    + Columns(
        Column("omega", "rad/s", meaning="mechanical speed"),
        Column("position", "rad", meaning="angle that the shaft has turned by"),
        Column("sine", "1", meaning="sine of the angle of the frame"),
        Column("cosine", "1", meaning="cosine of the angle of the frame"),
        Column("flux", "Vs", meaning="flux that the drive estimates"),
    )
    + _axes("reference", "*", "reference of a tracked quantity")
)
S = SEEN.places

#: What the laws remember.
MEMORY = _axes("integral", "V", "integral term of an axis") + Columns(
    Column("integral_speed", "N m", meaning="integral term of the speed law"),
    Column("lag", "rad/s", meaning="what the filter of the speed's reference leaves of its steps"),
    Column("reference", "rad/s", meaning="reference of the speed at the last sample"),
    Column("error_speed", "rad/s", meaning="filtered error of the speed"),
    Column("started", "1", meaning="1 after the first sample of the speed"),
    Column("weakening", "1", 0, 1, "part of their voltage that operating points leave free"),
)
M = MEMORY.places


@kernel
def _learned(k, error, integral, demanded, realised, law):
    """Return the integral term of axis k after a sample."""
    return pi_update(
        error,
        integral,
        law[L.ki_0 + k],
        law[P.tau],
        demanded,
        realised,
        int(law[L.anti_windup]),
        law[L.back_gain_0 + k],
    )


@kernel
def _learn(k, error, demanded, realised, memory, first, law):
    """Update the integral term of axis k."""
    memory[first + k] = _learned(k, error, memory[first + k], demanded, realised, law)


@kernel
def dc_current_control_one(i, references, omega, memory, first, law, u_dc):
    """One sample of a PI law for each current of a DC machine, with what the rotation induces fed forward.

    Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed., Springer 2015, section 7. Arguments and
    what it returns as :func:`current_control_one`, the axes being armature and excitation.
    """
    magnets, series, mutual = dc_field(law)
    induced = (magnets + series * i[0] + mutual * i[1]) * omega
    error = references[0] - i[0]
    u_a = pi_output(error, memory[first], law[L.kp_0]) + law[L.decoupling] * induced
    low, high = chopper_range(law[P.quadrants_a], u_dc)
    real_a, real_e = min(max(u_a, low), high), 0.0
    _learn(0, error, u_a, real_a, memory, first, law)
    if int(law[P.excitation]) == SEPARATE:
        error = references[1] - i[1]
        u_e = pi_output(error, memory[first + 1], law[L.kp_1])
        low, high = chopper_range(law[P.quadrants_e], u_dc)
        real_e = min(max(u_e, low), high)
        _learn(1, error, u_e, real_e, memory, first, law)
    voltages = real_a, real_e, 0.0, 0.0
    return voltages, voltages, 0.0


@kernel
def angle_ahead(omega_frame, law):
    """Return the angle that the frame moves until the middle of the period in which a voltage acts, rad."""
    return (law[P.dead_time] + 0.5) * omega_frame * law[P.tau]


@kernel
def frame_ahead(cosine, sine, omega_frame, law):
    """Return cosine and sine of the frame in the middle of the period in which a voltage acts."""
    ahead_cosine, ahead_sine = turn(angle_ahead(omega_frame, law))
    return rotate(cosine, sine, ahead_cosine, ahead_sine)


@kernel
def single_windings(i, references, omega, ahead, integrals, law, u_dc):
    """One sample of the control of d and q windings that do not share a flux; see :func:`current_control_one`.

    Args:
        i: Measured currents (d, q), A.
        references: Their references, A.
        omega: Mechanical speed, rad/s.
        ahead: Of :func:`frame_ahead`.
        integrals: Integral terms, V.
        law: Row of :data:`LAW`.
        u_dc: DC-link voltage, V.

    Returns:
        As :func:`current_control_one`, of voltages the first two, and the integral terms after the sample.
    """
    omega_e = law[P.p] * omega
    decoupling = law[L.decoupling]
    error_d, error_q = references[0] - i[0], references[1] - i[1]
    share_d = law[L.kp_0] * error_d
    u_d = share_d + integrals[0] - decoupling * omega_e * law[P.l_q] * i[1]
    psi_d = law[P.l_d] * i[0] + law[P.psi_p]
    u_q = pi_output(error_q, integrals[1], law[L.kp_1]) + decoupling * omega_e * psi_d

    alpha, beta = rotate(u_d, u_q, ahead[0], ahead[1])
    factor = hexagon_factor(alpha, beta, u_dc)
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    learned = (
        _learned(0, error_d, integrals[0], u_d, real_d, law),
        _learned(1, error_q, integrals[1], u_q, real_q, law),
    )
    modulation = math.sqrt(u_d * u_d + u_q * u_q) * SQRT3 / u_dc
    return (real_d, real_q), (factor * alpha, factor * beta), modulation, learned


@kernel
def _single_windings(i, references, seen, memory, first, law, u_dc):
    """Do as :func:`single_windings` with the memory of a row; see :func:`current_control_one`."""
    omega, cosine, sine, _ = seen
    ahead = frame_ahead(cosine, sine, law[P.p] * omega, law)
    integrals = memory[first], memory[first + 1]
    real, held, modulation, learned = single_windings(
        (i[0], i[1]), references, omega, ahead, integrals, law, u_dc
    )
    memory[first], memory[first + 1] = learned
    return (real[0], real[1], 0.0, 0.0), (held[0], held[1], 0.0, 0.0), modulation


@kernel
def _saturated_windings(i, references, seen, memory, first, law, u_dc):
    """Current control of d and q windings whose flux is a map, which stands behind the law's own columns.

    What rotation induces is taken from the map. The proportional part goes with its incremental inductances at the
    measured current, so that each current moves for itself, and everywhere as where the gains were set for. Where the
    voltage does not suffice both move more slowly by the same factor, while what holds them keeps its voltage: were it
    shortened too, the currents would leave the inductances that they were in. Arguments and what it returns as
    :func:`current_control_one`.
    """
    omega, cosine, sine, _ = seen
    omega_e, decoupling = law[P.p] * omega, law[L.decoupling]
    psi_d, psi_q, l_dd, l_dq, l_qq = linkages(i[0], i[1], law, FLUX_MAP)
    error_d, error_q = references[0] - i[0], references[1] - i[1]
    own_d, own_q = law[L.kp_0] / law[P.l_d] * error_d, law[L.kp_1] / law[P.l_q] * error_q
    base_d = memory[first] - decoupling * omega_e * psi_q
    base_q = memory[first + 1] + decoupling * omega_e * psi_d
    change_d, change_q = l_dd * own_d + l_dq * own_q, l_dq * own_d + l_qq * own_q
    modulation = math.hypot(base_d + change_d, base_q + change_q) * SQRT3 / u_dc
    part = part_within(base_d, base_q, change_d, change_q, u_dc / SQRT3)
    u_d, u_q = base_d + part * change_d, base_q + part * change_q

    cosine, sine = frame_ahead(cosine, sine, omega_e, law)
    alpha, beta = rotate(u_d, u_q, cosine, sine)
    factor = hexagon_factor(alpha, beta, u_dc)
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    _learn(0, part * error_d, u_d, real_d, memory, first, law)
    _learn(1, part * error_q, u_q, real_q, memory, first, law)
    return (real_d, real_q, 0.0, 0.0), (factor * alpha, factor * beta, 0.0, 0.0), modulation


@kernel
def _excited_windings(group, i, references, seen, memory, first, law, u_dc):
    """Current control of d, q and excitation windings, of which two share a flux; see :func:`current_control_one`.

    With the full matrix of inductances in place of three single ones each current moves as if it were alone. Where the
    voltages do not suffice all three currents move more slowly by the same factor: were one converter at its limit and
    the other not, the common flux would drive the current of the winding whose voltage is short.
    """
    omega, cosine, sine, _ = seen
    omega_e = law[P.p] * omega
    decoupling = law[L.decoupling]
    error_d, error_q, error_e = references[0] - i[0], references[1] - i[1], references[2] - i[2]
    own_d, own_q, own_e = law[L.kp_0] * error_d, law[L.kp_1] * error_q, law[L.kp_2] * error_e
    # What holds the currents, and what moves them.
    l_d, l_m, l_e = excited_axis(law)
    psi_d, psi_q = l_d * i[0] + l_m * i[2], law[P.l_q] * i[1]
    base_d = memory[first] - decoupling * omega_e * psi_q
    base_q = memory[first + 1] + decoupling * omega_e * psi_d
    base_e = memory[first + 2]
    to_stator, to_exciter = decoupling * l_m / l_e, decoupling * 1.5 * l_m / l_d
    change_d, change_e = own_d + to_stator * own_e, own_e + to_exciter * own_d
    part = min(
        part_within(base_d, base_q, change_d, own_q, u_dc / SQRT3),
        part_within(base_e, 0.0, change_e, 0.0, u_dc),
    )
    u_d, u_q = base_d + change_d, base_q + own_q
    modulation = math.sqrt(u_d * u_d + u_q * u_q) * SQRT3 / u_dc
    u_d, u_q = base_d + part * change_d, base_q + part * own_q

    cosine, sine = frame_ahead(cosine, sine, omega_e, law)
    alpha, beta = rotate(u_d, u_q, cosine, sine)
    factor = hexagon_factor(alpha, beta, u_dc)
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    # Whatever the stator's flux really does, the excitation current is to move as it should.
    sigma = 1.0 - to_stator * to_exciter
    u_e = base_e + to_exciter * (real_d - base_d) + part * sigma * own_e
    real_e = min(max(u_e, -u_dc), u_dc)
    # Integrals learn from references that could be followed (conditioning; Hanus, Kinnaert and Henrotte, "Conditioning
    # technique, a general anti-windup and bumpless transfer method", Automatica 23(6), 1987).
    _learn(0, part * error_d, u_d, real_d, memory, first, law)
    _learn(1, part * error_q, u_q, real_q, memory, first, law)
    _learn(2, part * error_e, u_e, real_e, memory, first, law)
    held = factor * alpha, factor * beta, real_e, 0.0
    return (real_d, real_q, real_e, 0.0), held, modulation


@kernel
def _field_windings(i, references, seen, memory, first, law, u_dc):
    """Current control of an induction machine's stator in the frame of the rotor's flux; see the function below.

    In a frame that turns with the flux, at omega_s = omega_e + slip, the voltage of the stator is
    (r_s + (l_m/l_r)^2 r_r) i + sigma l_s (di/dt + j omega_s i) - l_m/l_r (r_r/l_r - j omega_e) psi_r; Leonhard,
    "Control of Electrical Drives", 3rd ed., Springer 2001, section 12.
    """
    omega, cosine, sine, flux = seen
    omega_e = law[P.p] * omega
    omega_s = omega_e + slip(i[1], flux, law)
    l_r = law[P.l_m] + law[P.l_sigr]
    coupling = law[P.l_m] / l_r
    leakage = law[P.l_m] + law[P.l_sigs] - coupling * law[P.l_m]
    error_d, error_q = references[0] - i[0], references[1] - i[1]
    decoupling = law[L.decoupling]
    u_d = pi_output(error_d, memory[first], law[L.kp_0])
    u_d -= decoupling * (omega_s * leakage * i[1] + coupling * law[P.r_r] / l_r * flux)
    u_q = pi_output(error_q, memory[first + 1], law[L.kp_1])
    u_q += decoupling * (omega_s * leakage * i[0] + coupling * omega_e * flux)

    cosine, sine = frame_ahead(cosine, sine, omega_s, law)
    alpha, beta = rotate(u_d, u_q, cosine, sine)
    factor = hexagon_factor(alpha, beta, u_dc)
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    _learn(0, error_d, u_d, real_d, memory, first, law)
    _learn(1, error_q, u_q, real_q, memory, first, law)
    modulation = math.sqrt(u_d * u_d + u_q * u_q) * SQRT3 / u_dc
    return (real_d, real_q, 0.0, 0.0), (factor * alpha, factor * beta, 0.0, 0.0), modulation


@kernel
def _way(rate, fast):
    """Return the error, A, that a gain answers with a rate, A/s; 0 of a gain that answers none."""
    return rate / fast if fast != 0.0 else 0.0


@kernel
def _fed_windings(i, references, seen, memory, first, law, u_dc):
    """Current control of a doubly fed machine in the frame of its rotor, where both windings' currents rest.

    There u_s = r_s i_s + dpsi_s/dt + j omega_e psi_s and u_r = r_r i_r + dpsi_r/dt. What both currents are to do is
    divided into what moves the leakage fluxes alone, i_s against i_r, and what moves the common flux with equal
    voltages of both windings. The first needs little voltage and has the first claim on it: were it slowed down with
    the second, parameters that are off would drive stator and rotor current against each other while a jump takes the
    whole voltage, and both would run away. Since it is so much faster it also keeps to what the slow one leaves of the
    circle in which the magnitude of each current has to stay.
    """
    omega, cosine, sine, _ = seen
    omega_e, decoupling, l_m = law[P.p] * omega, law[L.decoupling], law[P.l_m]
    sig_s, sig_r = law[P.l_sigs], law[P.l_sigr]
    l_s, l_r = l_m + sig_s, l_m + sig_r
    errors = references[0] - i[0], references[1] - i[1], references[2] - i[2], references[3] - i[3]
    psi_d, psi_q = l_s * i[0] + l_m * i[2], l_s * i[1] + l_m * i[3]
    base_d = memory[first] - decoupling * omega_e * psi_q
    base_q = memory[first + 1] + decoupling * omega_e * psi_d
    base_rd, base_rq = memory[first + 2], memory[first + 3]
    # How fast the currents are to move, A/s, and of that the part in which i_s + i_r rests.
    fast_d, fast_q = law[L.kp_0] / l_s, law[L.kp_1] / l_s
    fast_rd, fast_rq = law[L.kp_2] / l_r, law[L.kp_3] / l_r
    rate_d, rate_q = fast_d * errors[0], fast_q * errors[1]
    rate_rd, rate_rq = fast_rd * errors[2], fast_rq * errors[3]
    share_s = sig_r / (sig_s + sig_r) if sig_s + sig_r > 0.0 else 0.5
    both_d, both_q = rate_d + rate_rd, rate_q + rate_rq
    apart_d, apart_q = rate_d - share_s * both_d, rate_q - share_s * both_q
    # Within the circles.
    i_max = WITHIN * law[P.i_limit]
    to_d, to_q = _way(apart_d, fast_d), _way(apart_q, fast_q)
    reach = min(
        part_from_circle(i[0], i[1], to_d, to_q, references[0], references[1], i_max),
        part_from_circle(i[2], i[3], -to_d, -to_q, references[2], references[3], i_max),
    )
    radius = u_dc / SQRT3
    part = reach * min(
        part_within(base_d, base_q, reach * sig_s * apart_d, reach * sig_s * apart_q, radius),
        part_within(base_rd, base_rq, -reach * sig_r * apart_d, -reach * sig_r * apart_q, radius),
    )
    apart_d, apart_q = part * apart_d, part * apart_q
    common = l_m + share_s * sig_s
    slow = min(
        part_within(
            base_d + sig_s * apart_d,
            base_q + sig_s * apart_q,
            common * both_d,
            common * both_q,
            radius,
        ),
        part_within(
            base_rd - sig_r * apart_d,
            base_rq - sig_r * apart_q,
            common * both_d,
            common * both_q,
            radius,
        ),
    )
    u_d = base_d + l_s * rate_d + decoupling * l_m * rate_rd
    u_q = base_q + l_s * rate_q + decoupling * l_m * rate_rq
    modulation = math.sqrt(u_d * u_d + u_q * u_q) * SQRT3 / u_dc
    rate_d, rate_q = apart_d + slow * share_s * both_d, apart_q + slow * share_s * both_q
    rate_rd, rate_rq = slow * both_d - rate_d, slow * both_q - rate_q
    u_d = base_d + l_s * rate_d + decoupling * l_m * rate_rd
    u_q = base_q + l_s * rate_q + decoupling * l_m * rate_rq

    cosine, sine = frame_ahead(cosine, sine, omega_e, law)
    alpha, beta = rotate(u_d, u_q, cosine, sine)
    factor = hexagon_factor(alpha, beta, u_dc)
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    # Whatever the stator's flux really does, the rotor's current is to move as it should.
    to_rotor = decoupling * l_m / l_s
    leakage = l_r - to_rotor * decoupling * l_m
    u_rd = base_rd + to_rotor * (real_d - base_d) + leakage * rate_rd
    u_rq = base_rq + to_rotor * (real_q - base_q) + leakage * rate_rq
    factor_r = hexagon_factor(u_rd, u_rq, u_dc)
    real_rd = min(max(factor_r * u_rd, -u_axis), u_axis)
    real_rq = min(max(factor_r * u_rq, -u_axis), u_axis)
    # Integrals learn from errors that could be followed (conditioning).
    _learn(0, _way(rate_d, fast_d), u_d, real_d, memory, first, law)
    _learn(1, _way(rate_q, fast_q), u_q, real_q, memory, first, law)
    _learn(2, _way(rate_rd, fast_rd), u_rd, real_rd, memory, first, law)
    _learn(3, _way(rate_rq, fast_rq), u_rq, real_rq, memory, first, law)
    held = factor * alpha, factor * beta, factor_r * u_rd, factor_r * u_rq
    return (real_d, real_q, real_rd, real_rq), held, modulation


@kernel
def _two_stars(i, references, seen, memory, first, law, u_dc):
    """Current control of two stars in the frame of the rotor: of what they share (d, q) and differ in (x, y)."""
    omega, cosine, sine, _ = seen
    omega_e = law[P.p] * omega
    turning = law[L.decoupling] * omega_e
    errors = references[0] - i[0], references[1] - i[1], references[2] - i[2], references[3] - i[3]
    psi_d = law[P.l_d] * i[0] + law[P.psi_p]
    u_d = pi_output(errors[0], memory[first], law[L.kp_0]) - turning * law[P.l_q] * i[1]
    u_q = pi_output(errors[1], memory[first + 1], law[L.kp_1]) + turning * psi_d
    u_x = pi_output(errors[2], memory[first + 2], law[L.kp_2]) + turning * law[P.l_y] * i[3]
    u_y = pi_output(errors[3], memory[first + 3], law[L.kp_3]) - turning * law[P.l_x] * i[2]

    cosine, sine = frame_ahead(cosine, sine, omega_e, law)
    stars = stars_of((u_d, u_q, u_x, u_y), cosine, sine)
    factor = min(hexagon_factor(stars[0], stars[1], u_dc), hexagon_factor(stars[2], stars[3], u_dc))
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    real_x = min(max(factor * u_x, -u_axis), u_axis)
    real_y = min(max(factor * u_y, -u_axis), u_axis)
    _learn(0, errors[0], u_d, real_d, memory, first, law)
    _learn(1, errors[1], u_q, real_q, memory, first, law)
    _learn(2, errors[2], u_x, real_x, memory, first, law)
    _learn(3, errors[3], u_y, real_y, memory, first, law)
    held = factor * stars[0], factor * stars[1], factor * stars[2], factor * stars[3]
    larger = max(
        stars[0] * stars[0] + stars[1] * stars[1], stars[2] * stars[2] + stars[3] * stars[3]
    )
    return (real_d, real_q, real_x, real_y), held, math.sqrt(larger) * SQRT3 / u_dc


@kernel
def current_control_one(group, i, references, seen, memory, first, law, u_dc):
    """One sample of a PI law for each axis with decoupling and limitation.

    The decoupling adds the voltages -omega_e psi_q and omega_e psi_d that the rotation induces (Schroeder, "Elektrische
    Antriebe - Regelung von Antriebssystemen", 4th ed., Springer 2015, section 16), and for coupled windings what one
    law's proportional part induces in the other's winding. The stator voltage is turned ahead by the angle that the
    frame moves until the middle of the period in which it acts, 1.5 or 0.5 omega_e tau with or without dead time.

    Args:
        group: The group.
        i: Measured currents of four axes, A.
        references: Their references, A.
        seen: Mechanical speed (rad/s), cosine and sine of the angle of the frame, estimated flux (Vs).
        memory: Row with the integral terms, V, updated.
        first: Place of the first of them.
        law: Row of :data:`LAW`.
        u_dc: DC-link voltage, V.

    Returns:
        The voltages of the axes (V, within what the converters can give, and within the range of the action), those to
        hold (V), four each, and the amplitude of the stator's demanded voltage as a part of u_dc / sqrt(3), the circle
        within the hexagon, before any limitation; 0 for a machine without a rotating field.
    """
    kind = len(group)
    if kind == DC:
        return dc_current_control_one(i, references, seen[0], memory, first, law, u_dc)
    if kind == EXCITED:
        return _excited_windings(group, i, references, seen, memory, first, law, u_dc)
    if kind == INDUCTION:
        return _field_windings(i, references, seen, memory, first, law, u_dc)
    if kind == DOUBLY_FED:
        return _fed_windings(i, references, seen, memory, first, law, u_dc)
    if kind == SIX_PHASE:
        return _two_stars(i, references, seen, memory, first, law, u_dc)
    if kind == SATURATED:
        return _saturated_windings(i, references, seen, memory, first, law, u_dc)
    return _single_windings(i, references, seen, memory, first, law, u_dc)


@kernel
def currents_for(group, torque, omega, i, flux, u_max, law, points):
    """Return the references of four axes for a torque, or for the largest that the limits allow.

    The flux of an induction machine follows its current slowly: what makes the torque meanwhile is the flux that there
    is, within the circle of the current. The third reference is then that flux.

    Args:
        group: The group.
        torque: Wanted torque, N m.
        omega: Mechanical speed, rad/s.
        i: Measured currents of four axes, A; machines with a slow field take the torque out of the field that there is.
        flux: Flux that the drive estimates, Vs.
        u_max: Voltage amplitude to stay below, V.
        law: Row of :data:`LAW`.
        points: Table of the machine's operating points.
    """
    kind = len(group)
    if kind == DC:
        return dc_currents_for(torque, omega, i, u_max, law, points[0, 0], law[L.least_field])
    wanted = currents_for_torque(group, torque, law[P.p] * omega, u_max, points)
    if kind == INDUCTION:
        i_d, i_max = wanted[0], law[L.i_max]
        least = LEAST_FLUX * law[P.l_m] * law[P.i_limit]
        i_q = wanted[1] * law[P.l_m] * i_d / max(flux, least)
        most = math.sqrt(max(i_max * i_max - i_d * i_d, 0.0))
        return i_d, min(max(i_q, -most), most), flux, 0.0
    if kind == SATURATED:
        return with_flux(wanted, 1.0, law, FLUX_MAP)
    return wanted
