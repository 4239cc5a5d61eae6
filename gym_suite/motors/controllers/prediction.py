"""Current control with the model: an exact prediction, an observer of what it leaves out, and the voltage to choose.

Over one period of the inverter the speed is held, so the currents move by an affine map of currents and voltage,

    i(k + 1) = phi i(k) + gamma u(k) + c,

whose columns come from the machine's own equations (:func:`gym_suite.motors.electrical.period`): the model is as exact
as the plant. A law that acts one period late first predicts the currents at the time at which its voltage will begin to
act, from the voltage that acts meanwhile, which it observes as the last action.

The voltage that brings the currents to their references in one more period is deadbeat control (T. Kawabata, T.
Miyashita and Y. Yamamoto, "Dead beat control of three phase PWM inverter", IEEE Trans. Power Electronics 5(1), 1990;
with the delay compensated and an observer of the disturbance: H. T. Moon, H. S. Kim and M. J. Youn, "A discrete-time
predictive current control for PMSM", IEEE Trans. Power Electronics 18(1), 2003, doi:10.1109/TPEL.2002.807131). Where
the inverter cannot give that voltage, the way to the references takes several periods, and which way is best depends
on what it costs: :func:`_search` tries many first voltages and finishes each by three rules, as rollout does (D. P.
Bertsekas, Dynamic Programming and Optimal Control, vol. 1, 4th ed., Athena Scientific 2017, section 6.4).
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.controllers.laws import LAW, SEEN, currents_for
from gym_suite.motors.electrical import coefficients, period, torque_of
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3, clarke, inverse_clarke, rotate, turn

#: Numbers of the laws: those of PI control, whose parameters they share, then their own.
PREDICTIVE = LAW + Columns(
    Column("step", "1", 0, 1, "part of the way to the references that a period is to bring"),
    Column("observer", "1", 0, 1, "part of an error of the prediction that the observer learns"),
    Column("filter", "1", 0, 1, "part of an error of the prediction that corrects the currents"),
    Column("moves", "1", 0, meaning="first voltages that the search tries; 0: no search"),
    Column("horizon", "1", 0, meaning="periods over which the search predicts"),
    Column("exponent", "1", 0, meaning="of the error in what the search makes small"),
    Column("delays", "1", 0, meaning="further periods of delay that are reckoned with, at most"),
    Column("margin", "1", 0, 1, meaning="part of the current limit that a course may use"),
    Column("by_torque", "1", 0, 1, "1: the error of the search is the torque's, 0: the currents'"),
)
N = PREDICTIVE.places

#: What the laws see: that of PI control, then the voltages of the last action.
WATCHED = SEEN + Columns(
    *(Column(f"last_{k}", "V", meaning="last action, of an axis or a phase") for k in range(3))
)
W = WATCHED.places

MOST_DELAYS = 2  # further periods of delay that a law can reckon with
_VOLTAGES = 3  # elements of an action, at most


def _for_delays(name: str, axes: int, unit: str, meaning: str, first: int = 0) -> Columns:
    """Return columns for each number of further periods of delay, of so many axes."""
    return Columns(
        *(
            Column(f"{name}_{delay}_{axis}", unit, meaning=meaning)
            for delay in range(first, MOST_DELAYS + 1)
            for axis in range(axes)
        )
    )


#: What the laws remember.
RECALLED = (
    _for_delays("expected", 2, "A", "current that was predicted for now")
    + _for_delays("missed", 1, "A^2", "sum of squared errors of the prediction, with forgetting")
    + _for_delays("past", _VOLTAGES, "V", "an action before the last one", first=1)
    + Columns(
        Column("offset_0", "A", meaning="what the prediction of the d current lacks in a period"),
        Column("offset_1", "A", meaning="what the prediction of the q current lacks in a period"),
        Column("delay", "1", 0, MOST_DELAYS, "further periods by which actions seem to be late"),
        Column("started", "1", 0, 1, "1 if there is a prediction for now"),
    )
)
R = RECALLED.places

_FORGETTING = 0.99  # of errors of the prediction, in a period
_SURE = 0.5  # part of the present delay's errors at which another one is believed
_SMALL = (
    0.01  # error of the prediction that tells nothing of the delay, as a part of the current limit
)
_STILL = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # a shaft that keeps its speed
_BOTH, _D_FIRST, _Q_FIRST = range(3)  # which error a voltage that does not suffice makes smaller


# ------------------------------------------------------------------------------------------------------ the prediction


@kernel
def _moved(group, omega, i_d, i_q, u_d, u_q, k, tau, steps):
    """Return the currents after one period under a voltage given in the frame at its beginning."""
    after = period(group, (omega, i_d, i_q, u_d, u_q, 0.0), k, _STILL, 1.0, tau, steps)
    return after[1], after[2]


@called_kernel
def one_period(group, omega, law):
    """Return the map of one period at constant speed: phi by rows, gamma by rows, c.

    The voltage that gamma takes is that in the middle of the period, which is what a dq action commands.

    Args:
        group: The group, of synchronous machines with two currents.
        omega: Mechanical speed, rad/s.
        law: Row of :data:`PREDICTIVE`.
    """
    k, tau, steps = coefficients(group, law), law[P.tau], int(law[P.substeps])
    c_d, c_q = _moved(group, omega, 0.0, 0.0, 0.0, 0.0, k, tau, steps)
    a, b = _moved(group, omega, 1.0, 0.0, 0.0, 0.0, k, tau, steps)
    c, d = _moved(group, omega, 0.0, 1.0, 0.0, 0.0, k, tau, steps)
    phi = a - c_d, c - c_d, b - c_q, d - c_q
    a, b = _moved(group, omega, 0.0, 0.0, 1.0, 0.0, k, tau, steps)
    c, d = _moved(group, omega, 0.0, 0.0, 0.0, 1.0, k, tau, steps)
    # A voltage at the middle stands ahead of itself at the beginning, by half the angle that the frame turns.
    cosine, sine = turn(0.5 * law[P.p] * omega * tau)
    dd, dq = rotate(a - c_d, c - c_d, cosine, -sine)
    qd, qq = rotate(b - c_q, d - c_q, cosine, -sine)
    return phi, (dd, dq, qd, qq), (c_d, c_q)


@kernel
def currents_after(i, u, model):
    """Return the currents (d, q) after one period from currents and voltage (d, q)."""
    phi, gamma, c = model
    return (
        phi[0] * i[0] + phi[1] * i[1] + gamma[0] * u[0] + gamma[1] * u[1] + c[0],
        phi[2] * i[0] + phi[3] * i[1] + gamma[2] * u[0] + gamma[3] * u[1] + c[1],
    )


@kernel
def _voltage_for(i, target, model):
    """Return the voltage that brings the currents to a target in one period."""
    phi, gamma, c = model
    wanted_d = target[0] - phi[0] * i[0] - phi[1] * i[1] - c[0]
    wanted_q = target[1] - phi[2] * i[0] - phi[3] * i[1] - c[1]
    scale = 1.0 / (gamma[0] * gamma[3] - gamma[1] * gamma[2])
    return (
        scale * (gamma[3] * wanted_d - gamma[1] * wanted_q),
        scale * (gamma[0] * wanted_q - gamma[2] * wanted_d),
    )


# ---------------------------------------------------------------------------------------------- what can be commanded


@kernel
def strip(at, along, low, high, most):
    """Return the largest step, of at most ``most``, that keeps at + step * along between two bounds."""
    if along > 0.0:
        return max(min(most, (high - at) / along), 0.0)
    if along < 0.0:
        return max(min(most, (low - at) / along), 0.0)
    return most


@kernel
def hexagon_reach(u, v, u_dc, most):
    """Return the largest step, of at most ``most``, along v from a voltage u, both (alpha, beta), within the hexagon.

    The hexagon is three strips: no line-to-line voltage exceeds that of the DC link, u_dc.
    """
    a, b, c = inverse_clarke(u[0], u[1])
    x, y, z = inverse_clarke(v[0], v[1])
    most = strip(a - b, x - y, -u_dc, u_dc, most)
    most = strip(b - c, y - z, -u_dc, u_dc, most)
    return strip(c - a, z - x, -u_dc, u_dc, most)


@kernel
def square_reach(u, v, most, law):
    """Return the largest step, of at most ``most``, along v from a voltage u, both of two axes, within the action.

    An action of d and q has a square, each axis within u_dc / sqrt(3); one of phases has none besides the hexagon.
    """
    if int(law[P.frame]) == FRAME_ABC:
        return most
    bound = law[P.u_dc] / SQRT3
    most = strip(u[0], v[0], -bound, bound, most)
    return strip(u[1], v[1], -bound, bound, most)


@kernel
def bridge_reach(u, v, angle, most, law):
    """Return the largest step along v from a voltage u, both (d, q), that the inverter and the action can give.

    Args:
        u: Voltage from which the step departs, within the bounds, V.
        v: Direction, V.
        angle: (cosine, sine) of the frame in the middle of the period.
        most: Step that suffices.
        law: Row of :data:`PREDICTIVE`.
    """
    at = rotate(u[0], u[1], angle[0], angle[1])
    along = rotate(v[0], v[1], angle[0], angle[1])
    return square_reach(u, v, hexagon_reach(at, along, law[P.u_dc], most), law)


@kernel
def _bounded(wanted, hold, first, angle, law):
    """Return the voltage that can be given in place of the one that is wanted, and whether that is the wanted one.

    It departs from the voltage that would keep the currents as they are, so that what suffices not moves the
    currents in the right direction still.

    Args:
        wanted: Voltage (d, q), V.
        hold: Voltage that keeps the currents, V.
        first: Whether both errors shrink in proportion, or one before the other.
        angle: (cosine, sine) of the frame in the middle of the period.
        law: Row of :data:`PREDICTIVE`.
    """
    if bridge_reach((0.0, 0.0), wanted, angle, 1.0, law) >= 1.0:
        return wanted[0], wanted[1], True
    step = bridge_reach((0.0, 0.0), hold, angle, 1.0, law)
    u = step * hold[0], step * hold[1]
    if first == _BOTH:
        v = wanted[0] - u[0], wanted[1] - u[1]
        step = bridge_reach(u, v, angle, 1.0, law)
        return u[0] + step * v[0], u[1] + step * v[1], False
    d, q = (wanted[0] - u[0], 0.0), (0.0, wanted[1] - u[1])
    one, two = (d, q) if first == _D_FIRST else (q, d)
    step = bridge_reach(u, one, angle, 1.0, law)
    u = u[0] + step * one[0], u[1] + step * one[1]
    step = bridge_reach(u, two, angle, 1.0, law)
    return u[0] + step * two[0], u[1] + step * two[1], False


# ------------------------------------------------------------------------------------------------- multi-step search


@kernel
def _cost(group, i, references, torque, law):
    """Return what an error of the currents, or of their torque, costs in a period: as the reward reckons by default."""
    limit, exponent = law[P.i_limit], law[N.exponent]
    if law[N.by_torque] > 0.0:
        error = abs(torque - torque_of(group, (i[0], i[1], 0.0, 0.0), law)) / law[P.torque_limit]
        return min(error, 1.0) ** exponent
    d, q = abs(references[0] - i[0]) / limit, abs(references[1] - i[1]) / limit
    return 0.5 * (min(d, 1.0) ** exponent + min(q, 1.0) ** exponent)


@kernel
def _beyond(i, references, law):
    """Return whether currents are too near to the limit at which the drive trips, and beyond their references."""
    most = law[N.margin] * law[P.i_limit]
    wanted = references[0] * references[0] + references[1] * references[1]
    return i[0] * i[0] + i[1] * i[1] > max(most * most, wanted)


@called_kernel
def _tail(group, i, references, torque, first, angle, turned, model, best, law):
    """Return the cost of bringing the currents to their references by one rule; infinite if the drive would trip.

    Args:
        group: The group.
        i: Currents (d, q) when the rule begins, A.
        references: Of the currents (d, q), A.
        torque: Reference of the torque, N m, where that is what costs.
        first: The rule, see :func:`_bounded`.
        angle: (cosine, sine) of the frame in the middle of the period before.
        turned: (cosine, sine) of the angle that the frame turns in a period.
        model: Of :func:`one_period`.
        best: Cost from which on the rest is of no interest.
        law: Row of :data:`PREDICTIVE`.
    """
    total = 0.0
    for _ in range(int(law[N.horizon]) - 1):
        angle = rotate(angle[0], angle[1], turned[0], turned[1])
        wanted, hold = _voltage_for(i, references, model), _voltage_for(i, i, model)
        u_d, u_q, reached = _bounded(wanted, hold, first, angle, law)
        if reached:
            return total
        i = currents_after(i, (u_d, u_q), model)
        if _beyond(i, references, law):
            return math.inf
        total += _cost(group, i, references, torque, law)
        if total >= best:
            return total
    return total


@called_kernel
def _search(group, i, references, torque, angle, turned, model, law):
    """Return the voltage (d, q) that begins the cheapest of many ways from currents to references, V.

    Args:
        group: The group.
        i: Currents (d, q) when the voltage begins to act, A.
        references: Of the currents (d, q), A.
        torque: Reference of the torque, N m, where that is what costs.
        angle: (cosine, sine) of the frame in the middle of the period.
        turned: (cosine, sine) of the angle that the frame turns in a period.
        model: Of :func:`one_period`.
        law: Row of :data:`PREDICTIVE`.
    """
    wanted, hold = _voltage_for(i, references, model), _voltage_for(i, i, model)
    u_d, u_q, _ = _bounded(wanted, hold, _BOTH, angle, law)
    chosen, best = (u_d, u_q), math.inf
    moves = int(law[N.moves])
    for move in range(moves + 3):
        if move < 3:
            u_d, u_q, _ = _bounded(wanted, hold, move, angle, law)
        else:
            v = turn(2.0 * math.pi * (move - 3) / moves)
            size = law[P.u_dc] * bridge_reach(
                (0.0, 0.0), (law[P.u_dc] * v[0], law[P.u_dc] * v[1]), angle, 1.0, law
            )
            u_d, u_q = size * v[0], size * v[1]
        after = currents_after(i, (u_d, u_q), model)
        if _beyond(after, references, law):
            continue
        paid = _cost(group, after, references, torque, law)
        for first in range(3):
            if paid >= best:
                break
            total = paid + _tail(
                group, after, references, torque, first, angle, turned, model, best - paid, law
            )
            if total < best:
                chosen, best = (u_d, u_q), total
    return chosen


# ------------------------------------------------------------------------------------------------------- as controllers


@kernel
def given_voltage(a, b, c, angle, law):
    """Return the voltage (d, q) that an action (a, b, c), V, gives in a period with this angle in its middle."""
    if int(law[P.frame]) == FRAME_ABC:
        alpha, beta = clarke(a, b, c)
        return rotate(alpha, beta, angle[0], -angle[1])
    step = bridge_reach((0.0, 0.0), (a, b), angle, 1.0, law)
    return step * a, step * b


@kernel
def _under_way(seen, memory, j, angle, law):
    """Return the voltage (d, q) of the action given j + 1 periods ago, should it act with this angle."""
    if j == 0:
        return given_voltage(seen[W.last_0], seen[W.last_1], seen[W.last_2], angle, law)
    k = R.past_1_0 + _VOLTAGES * (j - 1)
    return given_voltage(memory[k], memory[k + 1], memory[k + 2], angle, law)


@kernel
def fill_command(u, angle, law, action):
    """Fill the voltage action for a voltage (d, q) in the middle of the period in which it acts."""
    u_dc = law[P.u_dc]
    if int(law[P.frame]) == FRAME_ABC:
        alpha, beta = rotate(u[0], u[1], angle[0], angle[1])
        a, b, c = inverse_clarke(alpha, beta)
        common = 0.5 * (max(a, b, c) + min(a, b, c))
        action[0] = 2.0 * (a - common) / u_dc
        action[1] = 2.0 * (b - common) / u_dc
        action[2] = 2.0 * (c - common) / u_dc
    else:
        action[0], action[1] = u[0] * SQRT3 / u_dc, u[1] * SQRT3 / u_dc


@kernel
def choose_delay(memory, missed, delay, most, small):
    """Believe in another delay where its errors are surely smaller than those of the present one.

    Args:
        memory: Row of what a law remembers, updated.
        missed: Place in it of the squared errors without a further delay; those of one more stand behind it each.
        delay: Place of the delay that is believed.
        most: The largest delay, in periods.
        small: Squared error that tells nothing.
    """
    for k in range(most + 1):
        present = memory[missed + int(memory[delay])]
        if memory[missed + k] + small < _SURE * (present + small):
            memory[delay] = k


@called_kernel
def _believe(i_d, i_q, memory, law):
    """Find by how many further periods actions are late: the delay with which the currents were predicted best.

    Args:
        i_d: Measured d current, A.
        i_q: Measured q current, A.
        memory: Row of :data:`RECALLED`, updated.
        law: Row of :data:`PREDICTIVE`.
    """
    small = _SMALL * law[P.i_limit] * _SMALL * law[P.i_limit]
    for delay in range(int(law[N.delays]) + 1):
        d = i_d - memory[R.expected_0_0 + 2 * delay]
        q = i_q - memory[R.expected_0_1 + 2 * delay]
        missed = _FORGETTING * memory[R.missed_0_0 + delay] + d * d + q * q
        memory[R.missed_0_0 + delay] = missed
    choose_delay(memory, R.missed_0_0, R.delay, int(law[N.delays]), small)


@kernel
def _observe(i, memory, law):
    """Return the currents (d, q) to act on; learn from the error of their prediction."""
    if memory[R.started] == 0.0:
        memory[R.started] = 1.0
        return i
    if law[N.delays] > 0.0:
        _believe(i[0], i[1], memory, law)
    k = R.expected_0_0 + 2 * int(memory[R.delay])
    d, q = i[0] - memory[k], i[1] - memory[k + 1]
    memory[R.offset_0] += law[N.observer] * d
    memory[R.offset_1] += law[N.observer] * q
    return memory[k] + law[N.filter] * d, memory[k + 1] + law[N.filter] * q


@kernel
def predictive_action(group, seen, references, torque, memory, law, action):
    """Run predictive control on one row; fill the voltage action, update what is remembered.

    Args:
        group: The group.
        seen: Row of :data:`WATCHED`.
        references: Of four currents, A.
        torque: Reference of the torque, N m, where the search is to judge by it.
        memory: Row that begins with :data:`RECALLED`, updated.
        law: Row of :data:`PREDICTIVE`.
        action: Row of the action, filled.
    """
    omega = seen[W.omega]
    half = turn(0.5 * law[P.p] * omega * law[P.tau])
    turned = rotate(half[0], half[1], half[0], half[1])
    now = rotate(seen[W.cosine], seen[W.sine], half[0], half[1])
    i = _observe((seen[W.current_0], seen[W.current_1]), memory, law)
    phi, gamma, c = one_period(group, omega, law)
    model = phi, gamma, (c[0] + memory[R.offset_0], c[1] + memory[R.offset_1])
    dead = int(law[P.dead_time])
    for delay in range(1 - dead, int(law[N.delays]) + 1):
        u = _under_way(seen, memory, delay + dead - 1, now, law)
        expected = currents_after(i, u, model)
        memory[R.expected_0_0 + 2 * delay], memory[R.expected_0_1 + 2 * delay] = expected
    # From now to the time at which the new voltage begins to act.
    then, angle = i, now
    for j in range(int(memory[R.delay]) + dead - 1, -1, -1):
        then = currents_after(then, _under_way(seen, memory, j, angle, law), model)
        angle = rotate(angle[0], angle[1], turned[0], turned[1])
    step = law[N.step]
    target = then[0] + step * (references[0] - then[0]), then[1] + step * (references[1] - then[1])
    wanted, hold = _voltage_for(then, target, model), _voltage_for(then, then, model)
    u_d, u_q, enough = _bounded(wanted, hold, _BOTH, angle, law)
    u = u_d, u_q
    if not enough and law[N.moves] > 0.0:
        u = _search(group, then, references, torque, angle, turned, model, law)
    if dead == 0:
        memory[R.expected_0_0], memory[R.expected_0_1] = currents_after(i, u, model)
    for k in range(_VOLTAGES):
        memory[R.past_2_0 + k] = memory[R.past_1_0 + k]
        memory[R.past_1_0 + k] = seen[W.last_0 + k]
    fill_command(u, angle, law, action)


@kernel
def predictive_current_rows(group, seen, memory, law, action):
    """Fill the actions of rows of predictive current control.

    Args:
        group: The group.
        seen: Rows of :data:`WATCHED`.
        memory: Rows of :data:`RECALLED`, updated.
        law: Row of :data:`PREDICTIVE`.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row = seen[i]
        references = row[W.reference_0], row[W.reference_1], 0.0, 0.0
        predictive_action(group, row, references, 0.0, memory[i], law, action[i])


@kernel
def predictive_torque_rows(group, seen, memory, law, points, action):
    """Fill the actions of rows of predictive torque control: the currents of least loss, and their control.

    Args:
        group: The group.
        seen: Rows of :data:`WATCHED`, the first reference a torque.
        memory: Rows of :data:`RECALLED`, updated.
        law: Row of :data:`PREDICTIVE`.
        points: Table of the machine's operating points.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row = seen[i]
        measured = row[W.current_0], row[W.current_1], 0.0, 0.0
        references = currents_for(
            group, row[W.reference_0], row[W.omega], measured, 0.0, law[N.u_max], law, points
        )
        predictive_action(group, row, references, row[W.reference_0], memory[i], law, action[i])
