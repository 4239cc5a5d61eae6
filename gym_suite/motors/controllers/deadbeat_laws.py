"""Deadbeat control of the currents of any drive, as row functions: the model's map of a period, solved for its voltage.

The map is that of :mod:`gym_suite.motors.controllers.deadbeat_model`; where iron saturates, Newton's method finds the
voltage from its slopes. A law whose voltage acts one period late first predicts the currents at the time at which it
will begin to act, from the voltage that acts meanwhile. Sources: :mod:`gym_suite.motors.controllers.prediction`, which
does the same for two currents. Where the converters cannot give the voltage, predictive control searches for another,
:mod:`gym_suite.motors.controllers.rollout`.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.cascade import (
    fill_phases,
    speed_references,
    weaken,
    within_circle,
)
from gym_suite.motors.controllers.deadbeat_model import (
    NOTHING,
    added,
    along,
    among,
    bounded,
    controlled,
    flowing,
    free_coefficients,
    held_voltages,
    leakage_part,
    moved_by,
    one_period,
    solved,
)
from gym_suite.motors.controllers.kept_field import currents_in_kept_field
from gym_suite.motors.controllers.laws import MEMORY, L, M, S, currents_for, frame_ahead
from gym_suite.motors.controllers.prediction import MOST_DELAYS, choose_delay
from gym_suite.motors.controllers.rollout import Z, rolled_out
from gym_suite.motors.converters import chopper_range
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SATURATED, SIX_PHASE
from gym_suite.motors.observer import slip
from gym_suite.motors.quantities import AXES, FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3, rotate, turn

#: Numbers of the law, one row.
DEADBEAT = Columns(
    Column("step", "1", 0, 1, "part of the way to the references that a period is to bring"),
    Column("observer", "1", 0, 1, "part of an error of the prediction that the observer learns"),
    Column("filter", "1", 0, 1, "part of an error of the prediction that corrects the currents"),
    Column("delays", "1", 0, meaning="further periods of delay that are reckoned with, at most"),
)
N = DEADBEAT.places


def _axes(name: str, unit: str, meaning: str) -> Columns:
    return Columns(*(Column(f"{name}_{k}", unit, meaning=meaning) for k in range(AXES)))


def _for_delays(name: str, unit: str, meaning: str) -> Columns:
    """Return columns of four axes for each number of further periods of delay."""
    return Columns(
        *(
            Column(f"{name}_{delay}_{k}", unit, meaning=meaning)
            for delay in range(MOST_DELAYS + 1)
            for k in range(AXES)
        )
    )


#: What the law remembers: what the laws above it do, then its own.
RECALLED = (
    MEMORY
    + _for_delays("expected", "A", "current of an axis that was predicted for now")
    + _for_delays("past", "V", "voltage of an axis that was commanded, the last one first")
    + _axes("held", "V", "voltage that was commanded last, as converters hold it")
    + _axes("offset", "A", "what the prediction of an axis' current lacks in a period")
    + Columns(
        *(
            Column(f"missed_{delay}", "1", meaning="squared errors of the prediction, forgetting")
            for delay in range(MOST_DELAYS + 1)
        ),
        Column("delay", "1", 0, MOST_DELAYS, "further periods by which actions seem to be late"),
        Column("predicted", "1", 0, 1, "1 if there is a prediction for now"),
    )
)
R = RECALLED.places

#: Newton steps for the voltage of a machine whose iron saturates, and the part of the link's voltage over which slopes
#: are taken.
_NEWTON, _SLOPE = 3, 0.05
#: Forgetting of errors of the prediction in a period, and the error that tells nothing of the delay, as a part of the
#: current limits.
_FORGETTING, _SMALL = 0.99, 0.01
#: Part of a current's limit by which it is at most taken to be another than it is measured: twice the usual noise.
_DOUBT = 0.02
#: Part of a limit within which the current of a DC machine is led, were it to move by this part more than is believed
#: in the periods that no sample has told of yet: a few periods of full voltage bring it to its limit. Design values.
_LED, _MORE = 0.95, 0.5
#: Part of the voltage that moves the currents which counts as demanded where the field is to be weakened: what a PI law
#: by the magnitude optimum has of it, a gain of L / (3 tau) in place of L / tau.
_DEMANDED = 1.0 / 3.0


# ----------------------------------------------------------------------------------------------- the law


@kernel
def _recalled(memory, first):
    """Return four numbers that are remembered."""
    return memory[first], memory[first + 1], memory[first + 2], memory[first + 3]


@kernel
def _remember(memory, first, values):
    """Remember four numbers."""
    for k in range(4):
        memory[first + k] = values[k]


@kernel
def _limits(group, law):
    """Return the reciprocal of the limit of each axis' current, 1/A."""
    kind, own = len(group), 1.0 / law[P.i_limit]
    if kind == DC:
        return own, 1.0 / law[P.i_e_limit] if law[P.i_e_limit] > 0.0 else 0.0, 0.0, 0.0
    if kind == EXCITED:
        return own, own, 1.0 / law[P.i_e_limit], 0.0
    return own, own, own, own


@kernel
def _believe(group, i, memory, choice, law):
    """Find by how many further periods actions are late: the delay with which the currents were predicted best."""
    limits, small = _limits(group, law), _SMALL * _SMALL
    for delay in range(int(choice[N.delays]) + 1):
        error = along(i, -1.0, _recalled(memory, R.expected_0_0 + AXES * delay))
        missed = _FORGETTING * memory[R.missed_0 + delay]
        for k in range(AXES):
            part = limits[k] * error[k]
            missed += part * part
        memory[R.missed_0 + delay] = missed
    choose_delay(memory, R.missed_0, R.delay, int(choice[N.delays]), small)


@kernel
def _doubted(correction, limit):
    """Return a correction of a measured current (A) within bounds; ``limit`` is the reciprocal of its limit, 1/A."""
    if limit == 0.0:
        return correction
    bound = _DOUBT / limit
    return min(max(correction, -bound), bound)


@kernel
def _observed(group, i, memory, choice, law):
    """Return the currents to act on, A; learn from the error of their prediction."""
    if memory[R.predicted] == 0.0:
        return i
    if choice[N.delays] > 0.0:
        _believe(group, i, memory, choice, law)
    expected = _recalled(memory, R.expected_0_0 + AXES * int(memory[R.delay]))
    error = along(i, -1.0, expected)
    offset = along(_recalled(memory, R.offset_0), choice[N.observer], error)
    _remember(memory, R.offset_0, offset)
    # Between prediction and measurement, but not far from what is measured: so large an error is no noise.
    limits, distrust = _limits(group, law), choice[N.filter] - 1.0
    return (
        i[0] + _doubted(distrust * error[0], limits[0]),
        i[1] + _doubted(distrust * error[1], limits[1]),
        i[2] + _doubted(distrust * error[2], limits[2]),
        i[3] + _doubted(distrust * error[3], limits[3]),
    )


@kernel
def _acting(group, memory, j, delay, angle, law):
    """Return the voltages that converters hold by the command of j + 1 periods ago, where it acts at this angle.

    The last command is held as it was reckoned, unless it is believed to be late.
    """
    if j == 0 and delay == 0:
        return _recalled(memory, R.held_0)
    past = _recalled(memory, R.past_0_0 + AXES * j)
    if int(law[P.frame]) == FRAME_ABC:
        return past
    return held_voltages(group, past, angle, law)


@kernel
def _remember_command(group, u, angle, j, memory, law):
    """Remember the voltages of axes that were commanded j periods before the last command, and how they are held."""
    held = held_voltages(group, u, angle, law)
    _remember(memory, R.held_0, held)
    _remember(memory, R.past_0_0 + AXES * j, held if int(law[P.frame]) == FRAME_ABC else u)


@kernel
def _fill_action(group, u, held, law, action):
    """Fill the action for voltages of axes and as they are held, V."""
    kind, u_dc = len(group), law[P.u_dc]
    if kind == DC:
        for k in range(action.shape[0]):
            action[k] = u[k] / u_dc
    elif int(law[P.frame]) == FRAME_ABC:
        fill_phases(held[0], held[1], u_dc, action, 0)
        if kind == EXCITED:
            action[3] = u[2] / u_dc
        if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
            fill_phases(held[2], held[3], u_dc, action, 3)
    else:
        action[0], action[1] = u[0] * SQRT3 / u_dc, u[1] * SQRT3 / u_dc
        if kind == EXCITED:
            action[2] = u[2] / u_dc
        if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
            action[2], action[3] = u[2] * SQRT3 / u_dc, u[3] * SQRT3 / u_dc


@kernel
def _frame_speed(group, seen, law):
    """Return the electrical speed of the drive's frame, rad/s, as the drive knows it."""
    omega = law[P.p] * seen[S.omega]
    if len(group) == INDUCTION:
        omega += slip(seen[S.current_1], seen[S.flux], law)
    return omega


@kernel
def _step_of_slopes(group, law):
    """Return the change of a voltage that slopes are taken over, V: large where the map is affine."""
    return _SLOPE * law[P.u_dc] if len(group) == SATURATED else law[P.u_dc]


@kernel
def _begin(group, i, frame, middle, omega, memory, law):
    """Remember of a drive that is switched on that it has held what keeps its currents."""
    unit = _step_of_slopes(group, law)
    c, columns = one_period(group, i, NOTHING, unit, omega, frame, middle, law)
    hold = solved(columns, along(among(controlled(group, law), i), -1.0, c))
    hold, _ = bounded(group, hold, hold, NOTHING, columns, middle, law)
    for j in range(MOST_DELAYS + 1):
        _remember_command(group, hold, middle, j, memory, law)


@kernel
def foreseen(group, seen, memory, choice, law):
    """Return the currents now, those at the time at which a new voltage begins to act, and the frames.

    What is predicted for the next sample is remembered, for each number of further periods by which actions may be
    late. Arguments as :func:`deadbeat_action`.

    Returns:
        Currents of four axes now (A), the same when the voltage begins to act, and cosine, sine and flux (Vs) of the
        drive's frame then and when the drive takes the action.
    """
    omega, frame, dead = (
        seen[S.omega],
        (seen[S.cosine], seen[S.sine], seen[S.flux]),
        int(law[P.dead_time]),
    )
    half = turn(0.5 * _frame_speed(group, seen, law) * law[P.tau])
    measured = seen[S.current_0], seen[S.current_1], seen[S.current_2], seen[S.current_3]
    now = i = _observed(group, measured, memory, choice, law)
    k, offset = free_coefficients(group, law), _recalled(memory, R.offset_0)
    middle = rotate(frame[0], frame[1], half[0], half[1])
    if memory[R.predicted] == 0.0:
        _begin(group, i, frame, middle, omega, memory, law)
    for delay in range(1 - dead, int(choice[N.delays]) + 1):
        held = _acting(group, memory, delay + dead - 1, delay, middle, law)
        expected, _ = moved_by(group, i, held, omega, frame, k, law)
        expected = flowing(group, added(expected, offset), law)
        _remember(memory, R.expected_0_0 + AXES * delay, expected)
    delay, taken = int(memory[R.delay]), frame
    for j in range(delay + dead - 1, -1, -1):
        middle = rotate(frame[0], frame[1], half[0], half[1])
        held = _acting(group, memory, j, delay, middle, law)
        i, frame = moved_by(group, i, held, omega, frame, k, law)
        i = flowing(group, added(i, offset), law)
        if j == dead:
            taken = frame
    return now, i, frame, taken


@kernel
def _led(group, seen, references, change, i, law):
    """Return a change of the currents (A) after which a DC machine that is not quite the nominal one does not trip."""
    if len(group) != DC:
        return change
    measured = seen[S.current_0]
    bound = max(_LED * law[P.i_limit], abs(references[0]))
    low, high = _MORE * measured - bound, _MORE * measured + bound
    target = min(max(i[0] + change[0], low / (1.0 + _MORE)), high / (1.0 + _MORE))
    return target - i[0], change[1], change[2], change[3]


@kernel
def _exact(group, u, i, target, omega, frame, middle, law):
    """Return the voltage of a machine whose iron saturates that brings its currents to a target, by Newton's method."""
    unit = _step_of_slopes(group, law)
    for _ in range(_NEWTON):
        c, columns = one_period(group, i, u, unit, omega, frame, middle, law)
        better = added(u, solved(columns, along(target, -1.0, c)))
        u, _ = bounded(group, u, better, NOTHING, columns, middle, law)
    return u


@kernel
def deadbeat_action(group, seen, then, references, torque, memory, choice, law, search, action):
    """Fill the voltage action of one row by deadbeat control, update what is remembered.

    Args:
        group: The group.
        seen: Row of :data:`gym_suite.motors.controllers.laws.SEEN`.
        then: Of :func:`foreseen`.
        references: Of the currents of four axes, A.
        torque: Reference of the torque, N m, where that is what a search makes small.
        memory: Row of :data:`RECALLED`, updated.
        choice: Row of :data:`DEADBEAT`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        search: Row of :data:`gym_suite.motors.controllers.rollout.ROLLOUT`, or an empty tuple for no search.
        action: Row of the action, filled.

    Returns:
        The amplitude of the stator's demanded voltage as a part of u_dc / sqrt(3), before any limitation.
    """
    now, i, frame, taken = then
    kind, used, u_dc, omega = len(group), controlled(group, law), law[P.u_dc], seen[S.omega]
    offset = _recalled(memory, R.offset_0)
    middle = frame_ahead(taken[0], taken[1], _frame_speed(group, seen, law), law)
    unit = _step_of_slopes(group, law)
    c, columns = one_period(group, i, NOTHING, unit, omega, frame, middle, law)
    c = added(c, among(used, offset))
    change = among(used, along(NOTHING, choice[N.step], along(references, -1.0, i)))
    change = _led(group, seen, references, change, i, law)
    hold = solved(columns, along(among(used, i), -1.0, c))
    change_u = solved(columns, change)
    wanted, fast = added(hold, change_u), NOTHING
    if kind == DOUBLY_FED:
        fast = solved(columns, leakage_part(group, i, references, change, law))
    u, enough = bounded(group, hold, wanted, fast, columns, middle, law)
    if kind == DC and not enough and used[1] > 0.0:
        # Whatever the field really does, the armature's current is to move as it should.
        own = wanted[0] + columns[1][0] / columns[0][0] * (wanted[1] - u[1])
        low, high = chopper_range(law[P.quadrants_a], u_dc)
        u = min(max(own, low), high), u[1], 0.0, 0.0
    if kind == SATURATED and enough:
        target = along(added(i, change), -1.0, offset)
        u = _exact(group, u, i, among(used, target), omega, frame, middle, law)
    if len(search) > 0 and kind != DC and not enough:
        turned = turn(_frame_speed(group, seen, law) * law[P.tau])
        where = omega, frame, middle, turned
        u = rolled_out(group, i, references, torque, u, hold, columns, offset, where, law, search)
    if law[P.dead_time] == 0.0:
        held = held_voltages(group, u, middle, law)
        seen_frame, k = (seen[S.cosine], seen[S.sine], seen[S.flux]), free_coefficients(group, law)
        expected, _ = moved_by(group, now, held, omega, seen_frame, k, law)
        _remember(memory, R.expected_0_0, flowing(group, added(expected, offset), law))
    for j in range(MOST_DELAYS - 1, -1, -1):
        _remember(memory, R.past_0_0 + AXES * (j + 1), _recalled(memory, R.past_0_0 + AXES * j))
    _remember_command(group, u, middle, 0, memory, law)
    memory[R.predicted] = 1.0
    _fill_action(group, u, _recalled(memory, R.held_0), law, action)
    if kind == DC:
        return 0.0
    demanded = along(hold, _DEMANDED, change_u)
    return math.sqrt(demanded[0] * demanded[0] + demanded[1] * demanded[1]) * SQRT3 / u_dc


@kernel
def deadbeat_current_rows(group, seen, memory, choice, law, search, action):
    """Fill the actions of rows of deadbeat current control; arguments as :func:`deadbeat_action`, in rows."""
    for j in range(seen.shape[0]):
        row = seen[j]
        references = row[S.reference_0], row[S.reference_1], row[S.reference_2], row[S.reference_3]
        then = foreseen(group, row, memory[j], choice, law)
        deadbeat_action(
            group, row, then, references, 0.0, memory[j], choice, law, search, action[j]
        )


@kernel
def deadbeat_torque_rows(group, seen, memory, choice, law, points, search, action):
    """Fill the actions of rows of deadbeat torque control: the currents of least loss, and their control.

    A slow field is the one that is foreseen. Arguments as :func:`deadbeat_action`, in rows, and the table of the
    machine's operating points behind the law.
    """
    for j in range(seen.shape[0]):
        row = seen[j]
        then = foreseen(group, row, memory[j], choice, law)
        u_max = (1.0 - memory[j, M.weakening]) * law[L.u_max]
        torque, omega, i, flux = row[S.reference_0], row[S.omega], then[1], then[2][2]
        if len(search) > 0:
            kept = search[Z.kept]
            references = currents_in_kept_field(
                group, torque, omega, i, flux, u_max, kept, law, points
            )
        else:
            references = currents_for(group, torque, omega, i, flux, u_max, law, points)
        modulation = deadbeat_action(
            group, row, then, references, torque, memory[j], choice, law, search, action[j]
        )
        weaken(modulation, memory[j], law, points)


@kernel
def deadbeat_speed_rows(group, seen, memory, choice, law, points, search, action):
    """Fill the actions of rows of speed control above deadbeat control; arguments as :func:`deadbeat_torque_rows`."""
    for j in range(seen.shape[0]):
        row = seen[j]
        wanted = speed_references(group, row, memory[j], law, points)
        references = within_circle(group, wanted, row, law[L.i_max])
        torque = torque_of(group, references, law) if len(search) > 0 else 0.0
        then = foreseen(group, row, memory[j], choice, law)
        modulation = deadbeat_action(
            group, row, then, references, torque, memory[j], choice, law, search, action[j]
        )
        weaken(modulation, memory[j], law, points)
