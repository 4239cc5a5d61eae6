"""Field-oriented PI control of the currents, and speed control above it, as row functions over one row of numbers.

The same functions are the inner loop of the drive under torque control and the heart of the reference controllers'
``predict``; the law row holds their gains and the nominal model.
"""

from __future__ import annotations

import math

from gym_suite.controllers.pid import pi_output, pi_update
from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.transforms import (
    SQRT3,
    hexagon_factor,
    inverse_clarke,
    rotate,
    torque_of,
    turn,
)

#: Columns of the law.
LAW = Columns(
    Column("p", "1", meaning="pole pairs"),
    Column("l_d", "H", meaning="d inductance"),
    Column("l_q", "H", meaning="q inductance"),
    Column("psi_p", "Vs", meaning="magnet flux"),
    Column("u_dc", "V", meaning="DC-link voltage"),
    Column("tau", "s", meaning="sampling period of the current control"),
    Column("dead_time", "1", meaning="1 with one sample of dead time, else 0"),
    Column("decoupling", "1", meaning="1 with the voltages that the rotation induces, else 0"),
    Column("anti_windup", "1", meaning="kind as in gym_suite.controllers.pid"),
    Column("kp_d", "V/A", meaning="proportional gain d"),
    Column("ki_d", "V/(A s)", meaning="integral gain d"),
    Column("back_gain_d", "1/s", meaning="gain of back-calculation d"),
    Column("kp_q", "V/A", meaning="proportional gain q"),
    Column("ki_q", "V/(A s)", meaning="integral gain q"),
    Column("back_gain_q", "1/s", meaning="gain of back-calculation q"),
    Column("phases", "1", meaning="1: actions are phase voltages, 0: d and q voltages"),
    Column("dt", "s", meaning="sampling period of the speed control"),
    Column("kp_speed", "N m s/rad", meaning="proportional gain of the speed"),
    Column("ki_speed", "N m/rad", meaning="integral gain of the speed"),
    Column("back_gain_speed", "1/s", meaning="gain of back-calculation of the speed"),
    Column("prefilter", "s", meaning="time constant of the filter of the speed reference"),
    Column("inertia", "kg m^2", meaning="of the shaft; 0: no feedforward"),
    Column("friction", "N m", meaning="Coulomb friction, for feedforward"),
    Column("viscous", "N m s", meaning="viscous friction, for feedforward"),
    Column("drag", "N m s^2", meaning="quadratic drag, for feedforward"),
    Column("u_max", "V", meaning="voltage that operating points may use"),
    Column(
        "torque_limit", "N m", meaning="largest torque, and the torque command of an action of 1"
    ),
)
L = LAW.places

#: What the laws see, in SI.
SEEN = Columns(
    Column("i_sd", "A", meaning="d current"),
    Column("i_sq", "A", meaning="q current"),
    Column("omega", "rad/s", meaning="mechanical speed"),
    Column("sin_epsilon", "1", meaning="sine of the electrical angle"),
    Column("cos_epsilon", "1", meaning="cosine of the electrical angle"),
    Column("reference", "*", meaning="of the first tracked quantity"),
    Column("second_reference", "*", meaning="of the second tracked quantity"),
)
S = SEEN.places

#: What the laws remember.
MEMORY = Columns(
    Column("integral_d", "V", meaning="integral term of the d law"),
    Column("integral_q", "V", meaning="integral term of the q law"),
    Column("integral_speed", "N m", meaning="integral term of the speed law"),
    Column("target", "rad/s", meaning="filtered reference of the speed"),
    Column("started", "1", meaning="1 if there is an earlier target to take a difference from"),
)
M = MEMORY.places


@kernel
def current_control_one(
    i_d, i_q, i_d_ref, i_q_ref, omega_e, cosine, sine, integral_d, integral_q, law, u_dc
):
    """One sample of two PI laws in rotor coordinates with decoupling and hexagon limitation.

    The decoupling adds the voltages -omega_e L_q i_q and omega_e (L_d i_d + psi_p) that the rotation
    induces (Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed., Springer
    2015, section 16); the voltage is turned ahead by the angle that the rotor moves until the middle
    of the period in which it acts, 1.5 or 0.5 omega_e tau with or without dead time.

    Args:
        i_d: Measured d current, A.
        i_q: Measured q current, A.
        i_d_ref: Reference of i_d, A.
        i_q_ref: Reference of i_q, A.
        omega_e: Electrical speed, rad/s.
        cosine: Cosine of the electrical angle.
        sine: Its sine.
        integral_d: Integral term of the d law, V.
        integral_q: Integral term of the q law, V.
        law: Row of :data:`LAW`.
        u_dc: DC-link voltage, V.

    Returns:
        u_d, u_q (V, within the hexagon, and within u_dc / sqrt(3) where that is the action's range),
        alpha, beta (V, within the hexagon) and the two new integral terms.
    """
    error_d, error_q = i_d_ref - i_d, i_q_ref - i_q
    induced = law[L.decoupling] * omega_e
    u_d = pi_output(error_d, integral_d, law[L.kp_d]) - induced * law[L.l_q] * i_q
    u_q = pi_output(error_q, integral_q, law[L.kp_q])
    u_q += induced * (law[L.l_d] * i_d + law[L.psi_p])
    ahead_cosine, ahead_sine = turn((law[L.dead_time] + 0.5) * omega_e * law[L.tau])
    cosine, sine = rotate(cosine, sine, ahead_cosine, ahead_sine)
    alpha, beta = rotate(u_d, u_q, cosine, sine)
    factor = hexagon_factor(alpha, beta, u_dc)
    u_axis = math.inf if law[L.phases] > 0.0 else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    kind, tau = int(law[L.anti_windup]), law[L.tau]
    integral_d = pi_update(
        error_d, integral_d, law[L.ki_d], tau, u_d, real_d, kind, law[L.back_gain_d]
    )
    integral_q = pi_update(
        error_q, integral_q, law[L.ki_q], tau, u_q, real_q, kind, law[L.back_gain_q]
    )
    return real_d, real_q, factor * alpha, factor * beta, integral_d, integral_q


@kernel
def _voltage_action(seen, i_d_ref, i_q_ref, state, law, action):
    """Run current control on one row; fill the voltage action, update the integrals."""
    u_dc = law[L.u_dc]
    u_d, u_q, alpha, beta, state[M.integral_d], state[M.integral_q] = current_control_one(
        seen[S.i_sd],
        seen[S.i_sq],
        i_d_ref,
        i_q_ref,
        law[L.p] * seen[S.omega],
        seen[S.cos_epsilon],
        seen[S.sin_epsilon],
        state[M.integral_d],
        state[M.integral_q],
        law,
        u_dc,
    )
    if law[L.phases] > 0.0:
        # The common part between the extremes makes the whole hexagon reachable with limited legs.
        a, b, c = inverse_clarke(alpha, beta)
        common = 0.5 * (max(a, b, c) + min(a, b, c))
        action[0] = 2.0 * (a - common) / u_dc
        action[1] = 2.0 * (b - common) / u_dc
        action[2] = 2.0 * (c - common) / u_dc
    else:
        action[0] = u_d * SQRT3 / u_dc
        action[1] = u_q * SQRT3 / u_dc


@kernel
def current_control_batch(seen, state, law, action):
    """Fill the actions of rows of current control.

    Args:
        seen: Rows of :data:`SEEN`, (n, 7).
        state: Rows of :data:`MEMORY`, of which the integrals of d and q are used and updated.
        law: Row of :data:`LAW`.
        action: (n, 2) dq or (n, 3) abc, filled.
    """
    for i in range(seen.shape[0]):
        first, second = seen[i, S.reference], seen[i, S.second_reference]
        _voltage_action(seen[i], first, second, state[i], law, action[i])


@kernel
def _speed_law(seen, state, law, points):
    """Run the speed controller on one row; return current references and the torque they give."""
    omega, reference, earlier = seen[S.omega], seen[S.reference], state[M.target]
    dt = law[L.dt]
    target = reference
    if law[L.prefilter] > 0.0:
        target = earlier + (reference - earlier) * (1.0 - math.exp(-dt / law[L.prefilter]))
    state[M.target] = target
    error = target - omega
    demanded = pi_output(error, state[M.integral_speed], law[L.kp_speed])
    if law[L.inertia] > 0.0:
        # What the nominal shaft needs to follow the reference as it moves.
        if state[M.started] > 0.0:
            demanded += law[L.inertia] * (target - earlier) / dt
        if abs(target) > 1e-3:
            demanded += math.copysign(law[L.friction], target)
        demanded += (law[L.viscous] + law[L.drag] * abs(target)) * target
        state[M.started] = 1.0
    limit = law[L.torque_limit]
    torque = min(max(demanded, -limit), limit)
    i_d, i_q = currents_for_torque(torque, law[L.p] * omega, law[L.u_max], points)
    realised = torque_of(i_d, i_q, law[L.p], law[L.l_d], law[L.l_q], law[L.psi_p])
    state[M.integral_speed] = pi_update(
        error,
        state[M.integral_speed],
        law[L.ki_speed],
        dt,
        demanded,
        realised,
        int(law[L.anti_windup]),
        law[L.back_gain_speed],
    )
    return i_d, i_q, realised


@kernel
def speed_control_batch(seen, state, law, points, action):
    """Fill the voltage actions of rows of cascaded speed control.

    Args:
        seen: Rows of :data:`SEEN`, (n, 7).
        state: Rows of :data:`MEMORY`, (n, 5), updated.
        law: Row of :data:`LAW`.
        points: Of :func:`gym_suite.motors.controllers.operating_points.operating_points`.
        action: (n, 2) dq or (n, 3) abc, filled.
    """
    for i in range(seen.shape[0]):
        i_d, i_q, _ = _speed_law(seen[i], state[i], law, points)
        _voltage_action(seen[i], i_d, i_q, state[i], law, action[i])


@kernel
def torque_command_batch(seen, state, law, points, action):
    """Fill the torque actions (n, 1) of rows of speed control above the drive's own current loop."""
    for i in range(seen.shape[0]):
        _, _, torque = _speed_law(seen[i], state[i], law, points)
        action[i, 0] = torque / law[L.torque_limit]
