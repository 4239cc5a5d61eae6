"""Physics of the drive: inverter, machine and load, moved by one control period at a time.

The inverter holds the stator voltage over each of its periods, so in the rotor's frame the voltage
turns backwards by the electrical angle that passes; the integrator sees that. A command becomes
effective one period late (``dead_time``), as in real drives, and is turned ahead by the angle that
the rotor moves until the middle of the period in which it is effective.
"""

from __future__ import annotations

import math

from gym_suite.controllers.pid import CLAMPING
from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import parameter_row
from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel
from gym_suite.core.random import normal2
from gym_suite.core.signals import signal_value
from gym_suite.motors.controllers.current_control import current_control_one
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.parameters import (
    CONSTANT_SPEED,
    CONTROL_TORQUE,
    FRAME_ABC,
    P_CONTROL,
    P_DEAD_TIME,
    P_FRAME,
    P_I_LIMIT,
    P_KI_D,
    P_KI_Q,
    P_KP_D,
    P_KP_Q,
    P_L_D,
    P_L_Q,
    P_LOAD_KIND,
    P_MODEL_L_D,
    P_MODEL_L_Q,
    P_MODEL_P,
    P_MODEL_PSI_P,
    P_NOISE_I_D,
    P_NOISE_I_Q,
    P_P,
    P_PREVIEW,
    P_PSI_P,
    P_R_S,
    P_RATIO,
    P_REFERENCE_KIND,
    P_SUBSTEPS,
    P_TASK,
    P_TAU,
    P_TORQUE_LIMIT,
    P_U_DC,
    REFERENCE_STEPS,
    TASK_CURRENT,
)
from gym_suite.motors.shaft import load_coefficients, load_torque
from gym_suite.motors.transforms import (
    SQRT3,
    clarke,
    limit_to_hexagon,
    park,
    rotate,
    torque_of,
    wrap,
)

STATES = Columns(
    Column("omega", "rad/s", meaning="mechanical speed"),
    Column("i_sd", "A", meaning="d current"),
    Column("i_sq", "A", meaning="q current"),
    Column("epsilon", "rad", -math.pi, math.pi, "electrical rotor angle"),
    Column("u_alpha", "V", meaning="stator voltage that waits for the next period"),
    Column("u_beta", "V", meaning="stator voltage that waits for the next period"),
    Column("u_sd", "V", meaning="d voltage in the middle of the last period"),
    Column("u_sq", "V", meaning="q voltage in the middle of the last period"),
    Column("torque_load", "N m", meaning="load torque at the end of the last period"),
    Column("action_0", "1", -1, 1, "last action"),
    Column("action_1", "1", -1, 1, "last action"),
    Column("action_2", "1", -1, 1, "last action"),
    Column("change", "1", 0, math.inf, "mean squared change of the last action"),
    Column("clipped", "1", 0, 3, "elements of the last action that were outside [-1, 1]"),
    Column("reference_0", "*", meaning="reference of the first tracked quantity"),
    Column("reference_1", "*", meaning="reference of the second tracked quantity"),
    Column("start", "s", 0, math.inf, "start of the window of the drive cycle"),
    Column("integral_d", "V", meaning="integral term of the inner d controller"),
    Column("integral_q", "V", meaning="integral term of the inner q controller"),
    Column("i_sd_command", "A", meaning="reference of the inner d controller"),
    Column("i_sq_command", "A", meaning="reference of the inner q controller"),
    Column("tripped", "1", 0, 1, "1 if the current has exceeded its limit in the last step"),
)
(
    X_OMEGA,
    X_I_SD,
    X_I_SQ,
    X_EPSILON,
    X_U_ALPHA,
    X_U_BETA,
    X_U_SD,
    X_U_SQ,
    X_TORQUE_LOAD,
    X_ACTION,
    _,
    _,
    X_CHANGE,
    X_CLIPPED,
    X_REFERENCE,
    _,
    X_START,
    X_INTEGRAL_D,
    X_INTEGRAL_Q,
    X_COMMAND_D,
    X_COMMAND_Q,
    X_TRIPPED,
) = range(len(STATES))

# Tables: the drive cycle (time, speed), the signals and the signals' own tables.
T_CYCLE, T_SIGNALS, T_SIGNAL_TABLES = range(3)

# Rows of the signal table: two references, then the disturbances.
SIGNAL_REFERENCE = 0
SIGNAL_TORQUE, SIGNAL_U_D, SIGNAL_U_Q = 2, 3, 4
DISTURBANCES = ("torque_load", "u_sd", "u_sq")

# Streams of random numbers below 16 belong to the tasks.
_STREAM_SENSOR = 16
_STREAM_SIGNAL = 32

VOLTAGE_MARGIN = 0.95  # part of the inscribed circle that operating points may use
CURRENT_MARGIN = 0.9  # part of the current limit that torque commands may use


# ---------------------------------------------------------------------------------------- machine


@kernel
def pmsm_derivative(x, constants):
    """Return d/dt of (omega, i_sd, i_sq, epsilon); Schroeder 2015, section 16, in the rotor's frame.

    Args:
        x: omega (rad/s), i_sd, i_sq (A), epsilon (rad, electrical).
        constants: pairs, r_s, l_d, l_q, psi_p, a, b, c, inertia (0: the speed is held), linear,
            extra load torque, held (1: the voltage is (alpha, beta), 0: it is (d, q)), u_1, u_2.
    """
    omega, i_d, i_q, epsilon = x
    pairs, r_s, l_d, l_q, psi_p, a, b, c, inertia, linear, extra, held, u_1, u_2 = constants
    if held > 0.0:
        u_d, u_q = park(u_1, u_2, epsilon)
    else:
        u_d, u_q = u_1, u_2
    omega_e = pairs * omega
    di_d = (u_d - r_s * i_d + omega_e * l_q * i_q) / l_d
    di_q = (u_q - r_s * i_q - omega_e * (l_d * i_d + psi_p)) / l_q
    domega = 0.0
    if inertia > 0.0:
        torque = torque_of(i_d, i_q, pairs, l_d, l_q, psi_p)
        domega = (torque - load_torque(omega, a, b, c, linear) - extra) / inertia
    return domega, di_d, di_q, omega_e


@kernel
def hold_free(x, h, steps, constants):
    """Move (omega, i_sd, i_sq, epsilon) over the time h by RK4 on :func:`pmsm_derivative`."""
    d = h / steps
    for _ in range(steps):
        k1 = pmsm_derivative(x, constants)
        k2 = pmsm_derivative(combine(x, 0.5 * d, k1), constants)
        k3 = pmsm_derivative(combine(x, 0.5 * d, k2), constants)
        k4 = pmsm_derivative(combine(x, d, k3), constants)
        x = combine_rk4(x, d, k1, k2, k3, k4)
    return x


@kernel
def hold_at_constant_speed(
    i_d, i_q, u_d, u_q, omega_e, h, steps, cosine, sine, r_s, l_d, l_q, psi_p
):
    """Move the currents over one period at held speed by RK4.

    The stator voltage is held: in the rotor's frame it starts at (u_d, u_q) and turns by
    -omega_e t. The same scheme as :func:`hold_free`, without its sines and cosines.
    ``cosine`` and ``sine`` are those of half the angle that passes in a sub-step, omega_e h / (2 steps).
    """
    d = h / steps
    half, sixth = 0.5 * d, d / 6.0
    # di_d/dt = b_d u_d + a_d i_d + c_d i_q and so on: no division within the steps.
    b_d, b_q = 1.0 / l_d, 1.0 / l_q
    a_d, c_d = -r_s * b_d, omega_e * l_q * b_d
    a_q, c_q, induced = -r_s * b_q, -omega_e * l_d * b_q, -omega_e * psi_p * b_q
    v_d, v_q = b_d * u_d, b_q * u_q
    for _ in range(steps):
        m_d, m_q = rotate(u_d, u_q, cosine, -sine)
        u_d, u_q = rotate(m_d, m_q, cosine, -sine)
        w_d, w_q = b_d * m_d, b_q * m_q + induced
        d1, q1 = v_d + a_d * i_d + c_d * i_q, v_q + induced + a_q * i_q + c_q * i_d
        j_d, j_q = i_d + half * d1, i_q + half * q1
        d2, q2 = w_d + a_d * j_d + c_d * j_q, w_q + a_q * j_q + c_q * j_d
        j_d, j_q = i_d + half * d2, i_q + half * q2
        d3, q3 = w_d + a_d * j_d + c_d * j_q, w_q + a_q * j_q + c_q * j_d
        j_d, j_q = i_d + d * d3, i_q + d * q3
        v_d, v_q = b_d * u_d, b_q * u_q
        d4, q4 = v_d + a_d * j_d + c_d * j_q, v_q + induced + a_q * j_q + c_q * j_d
        i_d += sixth * (d1 + 2.0 * (d2 + d3) + d4)
        i_q += sixth * (q1 + 2.0 * (q2 + q3) + q4)
    return i_d, i_q


# ----------------------------------------------------------------------------------- one control period


@kernel
def _stator_command(u, cosine, sine, half_cosine, half_sine, p):
    """Return the stator voltage (alpha, beta) that a voltage action asks for, within the hexagon.

    Args:
        u: Action row.
        cosine: Cosine of the angle at the beginning of the period.
        sine: Its sine.
        half_cosine: Cosine of half the angle that passes in a period.
        half_sine: Its sine.
        p: Parameter row.
    """
    u_dc = p[P_U_DC]
    if int(p[P_FRAME]) == FRAME_ABC:
        half = 0.5 * u_dc
        # Legs limited to half the DC link cannot leave the hexagon.
        return clarke(half * u[0], half * u[1], half * u[2])
    # Ahead by half a period, and by one more with dead time: the middle of where it is effective.
    cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
    if p[P_DEAD_TIME] > 0.0:
        cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
        cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
    scale = u_dc / SQRT3
    alpha, beta = rotate(scale * u[0], scale * u[1], cosine, sine)
    return limit_to_hexagon(alpha, beta, u_dc)


@kernel
def _inner_command(x, key, tick, p):
    """Run the inner current controller once; return its stator voltage, update its integrals."""
    omega, epsilon = x[X_OMEGA], x[X_EPSILON]
    i_d, i_q = x[X_I_SD], x[X_I_SQ]
    if p[P_NOISE_I_D] > 0.0 or p[P_NOISE_I_Q] > 0.0:
        noise_d, noise_q = normal2(key, tick, _STREAM_SENSOR)
        i_d += p[P_NOISE_I_D] * noise_d
        i_q += p[P_NOISE_I_Q] * noise_q
    _, _, alpha, beta, x[X_INTEGRAL_D], x[X_INTEGRAL_Q] = current_control_one(
        i_d,
        i_q,
        x[X_COMMAND_D],
        x[X_COMMAND_Q],
        p[P_MODEL_P] * omega,
        epsilon,
        x[X_INTEGRAL_D],
        x[X_INTEGRAL_Q],
        p[P_KP_D],
        p[P_KI_D],
        p[P_KP_Q],
        p[P_KI_Q],
        p[P_MODEL_L_D],
        p[P_MODEL_L_Q],
        p[P_MODEL_PSI_P],
        p[P_U_DC],
        p[P_TAU],
        p[P_DEAD_TIME],
        1.0,
        math.inf,
        CLAMPING,
        0.0,
        0.0,
    )
    return alpha, beta


@kernel
def _disturbance(tables, index, key, t):
    return signal_value(
        tables[T_SIGNALS], index, tables[T_SIGNAL_TABLES], key, _STREAM_SIGNAL + index, t
    )


@kernel
def _hold(x, key, t, alpha, beta, cosine, sine, half_cosine, half_sine, p, tables, plain):
    """Move the machine and its shaft by one inverter period under a held stator voltage."""
    tau, pairs = p[P_TAU], p[P_P]
    r_s, l_d, l_q, psi_p = p[P_R_S], p[P_L_D], p[P_L_Q], p[P_PSI_P]
    omega, epsilon = x[X_OMEGA], x[X_EPSILON]
    omega_e = pairs * omega
    u_d, u_q = rotate(alpha, beta, cosine, -sine)
    extra = 0.0
    disturbed = not plain and tables[T_SIGNALS].shape[0] > SIGNAL_TORQUE
    if disturbed:
        extra = _disturbance(tables, SIGNAL_TORQUE, key, t)
        added_d = _disturbance(tables, SIGNAL_U_D, key, t)
        added_q = _disturbance(tables, SIGNAL_U_Q, key, t)
        u_d += added_d
        u_q += added_q
        more_alpha, more_beta = rotate(added_d, added_q, cosine, sine)
        alpha += more_alpha
        beta += more_beta
    x[X_U_SD], x[X_U_SQ] = rotate(u_d, u_q, half_cosine, -half_sine)
    steps = int(p[P_SUBSTEPS])
    if plain or int(p[P_LOAD_KIND]) == CONSTANT_SPEED:
        if steps > 1:
            quarter = 0.5 * omega_e * tau / steps
            half_cosine, half_sine = math.cos(quarter), math.sin(quarter)
        x[X_I_SD], x[X_I_SQ] = hold_at_constant_speed(
            x[X_I_SD],
            x[X_I_SQ],
            u_d,
            u_q,
            omega_e,
            tau,
            steps,
            half_cosine,
            half_sine,
            r_s,
            l_d,
            l_q,
            psi_p,
        )
        x[X_EPSILON] = wrap(epsilon + omega_e * tau)
        return
    a, b, c, inertia, linear = load_coefficients(p)
    state = (omega, x[X_I_SD], x[X_I_SQ], epsilon)
    constants = (
        pairs,
        r_s,
        l_d,
        l_q,
        psi_p,
        a,
        b,
        c,
        inertia,
        linear,
        extra,
        1.0,
        alpha,
        beta,
    )
    omega, i_d, i_q, epsilon = hold_free(state, tau, steps, constants)
    x[X_OMEGA], x[X_I_SD], x[X_I_SQ], x[X_EPSILON] = omega, i_d, i_q, wrap(epsilon)
    x[X_TORQUE_LOAD] = load_torque(omega, a, b, c, linear) + extra


@kernel
def _remember_action(x, u):
    size = u.shape[0]
    change = 0.0
    for j in range(size):
        difference = u[j] - x[X_ACTION + j]
        change += difference * difference
        x[X_ACTION + j] = u[j]
    x[X_CHANGE] = change / size


@kernel
def is_plain(p, tables):
    """Return whether nothing but a voltage, a held speed and random current references is in play.

    The same for all rows of a setup. The loops over rows call the row functions with the constant
    True then, and the compiler drops everything else from that loop: torque control, the free shaft,
    disturbances, signals and previews. Measured on gem/PMSM-v0: 112 ns a row instead of 225.
    """
    return (
        int(p[P_CONTROL]) != CONTROL_TORQUE
        and int(p[P_LOAD_KIND]) == CONSTANT_SPEED
        and int(p[P_TASK]) == TASK_CURRENT
        and int(p[P_REFERENCE_KIND]) == REFERENCE_STEPS
        and p[P_PREVIEW] == 0.0
        and tables[T_SIGNALS].shape[0] == 0
    )


@kernel
def advance_one(x, key, step, u, p, tables, work, plain):
    """Move one row by one control period.

    Args:
        x: State row, changed in place.
        key: The row's key.
        step: Control periods since reset.
        u: Action row within [-1, 1].
        p: Parameter row.
        tables: Drive cycle, signals, the signals' tables.
        work: Not used.
        plain: True leaves out what :func:`is_plain` says is not in play.
    """
    _remember_action(x, u)
    x[X_TRIPPED] = 0.0
    torque_control = not plain and int(p[P_CONTROL]) == CONTROL_TORQUE
    ratio = 1 if plain else int(p[P_RATIO])
    if torque_control:
        x[X_COMMAND_D], x[X_COMMAND_Q] = currents_for_torque(
            u[0] * p[P_TORQUE_LIMIT],
            p[P_MODEL_P] * x[X_OMEGA],
            VOLTAGE_MARGIN * p[P_U_DC] / SQRT3,
            CURRENT_MARGIN * p[P_I_LIMIT],
            p[P_MODEL_P],
            p[P_MODEL_L_D],
            p[P_MODEL_L_Q],
            p[P_MODEL_PSI_P],
        )
    for k in range(ratio):
        tick = step * ratio + k
        cosine, sine = math.cos(x[X_EPSILON]), math.sin(x[X_EPSILON])
        half_turn = 0.5 * p[P_P] * x[X_OMEGA] * p[P_TAU]
        half_cosine, half_sine = math.cos(half_turn), math.sin(half_turn)
        if torque_control:
            alpha, beta = _inner_command(x, key, tick, p)
        else:
            alpha, beta = _stator_command(u, cosine, sine, half_cosine, half_sine, p)
        if p[P_DEAD_TIME] > 0.0:
            waiting = x[X_U_ALPHA], x[X_U_BETA]
            x[X_U_ALPHA], x[X_U_BETA] = alpha, beta
            alpha, beta = waiting
        t = tick * p[P_TAU]
        _hold(x, key, t, alpha, beta, cosine, sine, half_cosine, half_sine, p, tables, plain)
        square = x[X_I_SD] * x[X_I_SD] + x[X_I_SQ] * x[X_I_SQ]
        if not square <= p[P_I_LIMIT] * p[P_I_LIMIT]:  # a current that is no number trips too
            x[X_TRIPPED] = 1.0


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    if is_plain(p[0], tables):
        for i in range(x.shape[0]):
            own = p[parameter_row(p, i)]
            advance_one(x[i], key[i], step[i], u[i], own, tables, work[i], True)
            step[i] += 1
        return
    for i in range(x.shape[0]):
        own = p[parameter_row(p, i)]
        advance_one(x[i], key[i], step[i], u[i], own, tables, work[i], False)
        step[i] += 1


# ---------------------------------------------------------------------------- plant for analysis


def plant_columns(machine):
    """Return the columns of states, inputs and outputs of the plant, bounded by a machine's limits."""
    speed, current = machine.omega_limit, machine.i_limit
    voltage = machine.u_dc / SQRT3
    states = Columns(
        Column("omega", "rad/s", -speed, speed, "mechanical speed"),
        Column("i_sd", "A", -current, current, "d current"),
        Column("i_sq", "A", -current, current, "q current"),
    )
    inputs = Columns(
        Column("u_sd", "V", -voltage, voltage, "d voltage"),
        Column("u_sq", "V", -voltage, voltage, "q voltage"),
        Column("torque_load", "N m", meaning="torque on the shaft besides the load's own"),
    )
    return states, inputs, states + Columns(Column("torque", "N m", meaning="air-gap torque"))


@kernel
def plant_derivative(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq) for the inputs (u_sd, u_sq, torque_load)."""
    a, b, c, inertia, linear = load_coefficients(p)
    if int(p[P_LOAD_KIND]) == CONSTANT_SPEED:
        inertia = 0.0
    constants = (
        p[P_P],
        p[P_R_S],
        p[P_L_D],
        p[P_L_Q],
        p[P_PSI_P],
        a,
        b,
        c,
        inertia,
        linear,
        v[2],
        0.0,
        v[0],
        v[1],
    )
    domega, di_d, di_q, _ = pmsm_derivative((x[0], x[1], x[2], 0.0), constants)
    dx[0], dx[1], dx[2] = domega, di_d, di_q


@kernel
def plant_output(x, v, p, y):
    """Fill y with (omega, i_sd, i_sq, torque)."""
    y[0], y[1], y[2] = x[0], x[1], x[2]
    y[3] = torque_of(x[1], x[2], p[P_P], p[P_L_D], p[P_L_Q], p[P_PSI_P])
