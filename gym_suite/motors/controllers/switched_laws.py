"""Hysteresis and finite-set predictive control of the currents of a switched converter, as row functions.

Above the currents stand the same laws of torque and speed as above PI control.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.controllers.cascade import speed_references
from gym_suite.motors.controllers.laws import L, S, currents_for
from gym_suite.motors.electrical import coefficients, period
from gym_suite.motors.loads import shaft
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SIX_PHASE
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.quantities import LEGS, P
from gym_suite.motors.switches import (
    BRIDGE_STATES,
    leg_currents,
    legs_of,
    under,
    winding_voltages,
)
from gym_suite.motors.transforms import rotate, turn

#: What is followed: currents, a torque or a speed.
FOLLOW_CURRENTS, FOLLOW_TORQUE, FOLLOW_SPEED = range(3)

#: Settings of the laws, one row.
CHOICE = Columns(
    Column("follows", meaning="what is followed", whole=True),
    *(Column(f"weight_{k}", "1/A^2", meaning="of a current's squared error") for k in range(4)),
    Column("horizon", meaning="periods that are looked ahead", whole=True),
    Column("switching", meaning="cost of switching one leg"),
    Column(
        "neutral", meaning="cost of the neutral point's voltage, as a part of the link's, squared"
    ),
    Column(
        "band", "1", meaning="half the width of the hysteresis, as a part of the current limits"
    ),
)
C = CHOICE.places

#: Part of a current's limit from which on a prediction is to be avoided, and what being beyond the limit costs.
_NEAR_LIMIT, BEYOND = 0.95, 1e4


@called_kernel
def wanted_currents(group, seen, memory, law, points, choice):
    """Return the references of the currents of four axes, A."""
    follows = int(choice[C.follows])
    if follows == FOLLOW_CURRENTS:
        return seen[S.reference_0], seen[S.reference_1], seen[S.reference_2], seen[S.reference_3]
    if follows == FOLLOW_SPEED:
        return speed_references(group, seen, memory, law, points)
    i = seen[S.current_0], seen[S.current_1], seen[S.current_2], seen[S.current_3]
    return currents_for(
        group, seen[S.reference_0], seen[S.omega], i, seen[S.flux], law[L.u_max], law, points
    )


@kernel
def state_with(group, i, omega, cosine, sine, flux, law):
    """Return the state of the machine that has the currents i in the frame of the drive, without voltages.

    Args:
        group: The group.
        i: Currents of four axes, A.
        omega: Mechanical speed, rad/s.
        cosine: Cosine of the angle of the frame.
        sine: Its sine.
        flux: Flux of the rotor of an induction machine, Vs.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    kind = len(group)
    if kind == DC:
        return omega, i[0], i[1], 0.0, 0.0, 0.0
    if kind == INDUCTION:
        i_a, i_b = rotate(i[0], i[1], cosine, sine)
        return omega, i_a, i_b, flux * cosine, flux * sine, 0.0, 0.0, 0.0
    if kind == DOUBLY_FED:
        l_m, l_r = law[P.l_m], law[P.l_m] + law[P.l_sigr]
        i_a, i_b = rotate(i[0], i[1], cosine, sine)
        psi_a, psi_b = rotate(l_m * i[0] + l_r * i[2], l_m * i[1] + l_r * i[3], cosine, sine)
        return omega, i_a, i_b, psi_a, psi_b, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == SIX_PHASE:
        return omega, i[0], i[1], i[2], i[3], 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == EXCITED:
        return omega, i[0], i[1], i[2], 0.0, 0.0, 0.0, 0.0
    return omega, i[0], i[1], 0.0, 0.0, 0.0


@kernel
def believed(group, i, seen, law):
    """Return the state of the machine that has the currents i, as :func:`state_with`, by a row of what is seen."""
    frame = seen[S.cosine], seen[S.sine]
    return state_with(group, i, seen[S.omega], frame[0], frame[1], seen[S.flux], law)


@kernel
def currents_of(group, s, cosine, sine, law):
    """Return the currents of four axes of a state, in the frame of the drive; the inverse of :func:`believed`.

    Args:
        group: The group.
        s: The state; its last element is the angle that the frame has passed.
        cosine: Cosine of the frame's angle before.
        sine: Its sine.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    kind = len(group)
    if kind == INDUCTION:
        flux = math.sqrt(s[3] * s[3] + s[4] * s[4])
        if flux == 0.0:
            return s[1], s[2], 0.0, 0.0
        i_d, i_q = rotate(s[1], s[2], s[3] / flux, -s[4] / flux)
        return i_d, i_q, 0.0, 0.0
    if kind == DOUBLY_FED:
        cosine, sine = rotate(cosine, sine, *turn(s[9]))
        i_d, i_q = rotate(s[1], s[2], cosine, -sine)
        psi_d, psi_q = rotate(s[3], s[4], cosine, -sine)
        l_m, inverse = law[P.l_m], 1.0 / (law[P.l_m] + law[P.l_sigr])
        return i_d, i_q, (psi_d - l_m * i_d) * inverse, (psi_q - l_m * i_q) * inverse
    if kind == SIX_PHASE:
        return s[1], s[2], s[3], s[4]
    if kind == EXCITED:
        return s[1], s[2], s[3], 0.0
    return s[1], s[2], 0.0, 0.0


@kernel
def _beyond(value, limit):
    """Return the square of what a current is beyond its limit, as a part of it; without a limit there is no current."""
    if limit == 0.0:
        return 0.0
    part = max(value / limit - _NEAR_LIMIT, 0.0)
    return part * part


@kernel
def danger(group, i, law):
    """Return what currents near their limits or beyond them cost."""
    kind, limit = len(group), law[P.i_limit]
    if kind == DC:
        return _beyond(abs(i[0]), limit) + _beyond(abs(i[1]), law[P.i_e_limit])
    square = i[0] * i[0] + i[1] * i[1]
    if kind == SIX_PHASE:
        return _beyond(math.sqrt(square + i[2] * i[2] + i[3] * i[3]), limit)
    danger = _beyond(math.sqrt(square), limit)
    if kind == EXCITED:
        return danger + _beyond(abs(i[2]), law[P.i_e_limit])
    if kind == DOUBLY_FED:
        return danger + _beyond(math.sqrt(i[2] * i[2] + i[3] * i[3]), limit)
    return danger


@kernel
def _two_parts(group, law):
    """Return the switching states of the first and of the second part of the converter."""
    kind = len(group)
    if kind == DC:
        first, second = _chopper_states(law[P.quadrants_a]), 1
        if int(law[P.excitation]) == SEPARATE:
            second = _chopper_states(law[P.quadrants_e])
        return first, second
    if kind == EXCITED:
        return BRIDGE_STATES, 4
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
        return BRIDGE_STATES, BRIDGE_STATES
    return BRIDGE_STATES, 1


@kernel
def _chopper_states(quadrants):
    """Return the switching states of a chopper: 2, 3 or 4 by its quadrants."""
    return 4 if int(quadrants) == 4 else int(quadrants) + 1


@kernel
def _level(position, current):
    """Return the level of a leg; where no switch is closed, the one at which a diode carries its current."""
    if position == 0.0:
        return 1.0 if current < 0.0 else 0.0
    return 0.5 + 0.5 * position


@called_kernel
def predicted(group, s, legs, cosine, sine, k, load, law):
    """Return a state one period later under positions of the legs, by one Runge-Kutta step of the nominal model."""
    now = leg_currents(group, s, cosine, sine, law)
    levels = (
        _level(legs[0], now[0]),
        _level(legs[1], now[1]),
        _level(legs[2], now[2]),
        _level(legs[3], now[3]),
        _level(legs[4], now[4]),
        _level(legs[5], now[5]),
    )
    v = winding_voltages(group, levels, law)
    return period(group, under(group, s, v, cosine, sine), k, load, 1.0, law[P.tau], 1)


@kernel
def positions(last):
    """Return the positions of the legs of a row."""
    return last[0], last[1], last[2], last[3], last[4], last[5]


@called_kernel
def _search(group, s, legs, wanted, cosine, sine, k, load, law, choice):
    """Return the first of the switching states that cost least over the horizon, by looking at all sequences."""
    first_count, second_count = _two_parts(group, law)
    count, horizon = first_count * second_count, int(choice[C.horizon])
    total = 1
    for _ in range(horizon):
        total *= count
    best, chosen, index = math.inf, 0, 0
    while index < total:
        rest, state, before, cost = index, s, legs, 0.0
        skipped = total
        for _ in range(horizon):
            skipped //= count
            code = rest // skipped
            rest -= code * skipped
            own = legs_of(group, float(code // second_count), float(code % second_count), law)
            for m in range(LEGS):
                if own[m] != before[m]:
                    cost += choice[C.switching]
            state = predicted(group, state, own, cosine, sine, k, load, law)
            i = currents_of(group, state, cosine, sine, law)
            for m in range(4):
                error = wanted[m] - i[m]
                cost += choice[C.weight_0 + m] * error * error
            cost += BEYOND * danger(group, i, law)
            before = own
            if cost >= best:
                break
        if cost < best:
            best, chosen = cost, index // (total // count)
        # All sequences that begin like one which costs too much already cost more still.
        index += skipped - index % skipped
    return chosen // second_count, chosen % second_count


@kernel
def finite_set_rows(group, seen, last, memory, law, points, choice, action):
    """Fill the switching states of rows by finite-set predictive control.

    J. Rodriguez and P. Cortes, "Predictive Control of Power Converters and Electrical Drives", Wiley 2012, chapters 2
    and 12: the model predicts what each switching state does, and the one that costs least is taken. With dead time
    the prediction begins where the state that was commanded last will have led.

    Args:
        group: The group.
        seen: Rows of :data:`gym_suite.motors.controllers.laws.SEEN`.
        last: Rows of the legs' positions that were commanded last, (n, 6).
        memory: Rows of :data:`gym_suite.motors.controllers.laws.MEMORY`, updated.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
        choice: Row of :data:`CHOICE`.
        action: Rows of switching states, filled.
    """
    load, k = shaft(law, 0.0), coefficients(group, law)
    for j in range(seen.shape[0]):
        row = seen[j]
        wanted = wanted_currents(group, row, memory[j], law, points, choice)
        i = row[S.current_0], row[S.current_1], row[S.current_2], row[S.current_3]
        s, legs = believed(group, i, row, law), positions(last[j])
        cosine, sine = row[S.cosine], row[S.sine]
        if law[P.dead_time] > 0.0:
            s = predicted(group, s, legs, cosine, sine, k, load, law)
        first, second = _search(group, s, legs, wanted, cosine, sine, k, load, law, choice)
        action[j, 0] = first
        if action.shape[1] > 1:
            action[j, 1] = second


@kernel
def _compared(error, band, position):
    """Return the position of a leg by the error of its current: as it was while the error is within the band."""
    if error > band:
        return 1.0
    if error < -band:
        return -1.0
    return position if position != 0.0 else -1.0


@kernel
def _bridge_code(a, b, c):
    """Return the switching state of a bridge by the positions of its legs."""
    return 2.0 * (a + 1.0) + (b + 1.0) + 0.5 * (c + 1.0)


@kernel
def _chopper_code(a, b, quadrants):
    """Return the switching state of a chopper by the positions of its legs."""
    kind = int(quadrants)
    if kind == 4:
        return 0.5 * (a + 1.0) + (b + 1.0)
    if kind == 1:
        return 1.0 if a > 0.0 else 0.0
    return 1.0 if a > 0.0 else 2.0


@kernel
def hysteresis_rows(group, seen, last, memory, law, points, choice, action):
    """Fill the switching states of rows by a hysteresis of each leg's current.

    A leg is switched to the upper rail when its current is below its reference by more than the band, to the lower one
    when it is above by more; Mohan, Undeland and Robbins, "Power Electronics", 3rd ed., Wiley 2003, section 8.6. Phases
    of a star disturb each other: an error may reach twice the band. Arguments as :func:`finite_set_rows`.
    """
    for j in range(seen.shape[0]):
        row = seen[j]
        wanted = wanted_currents(group, row, memory[j], law, points, choice)
        i = row[S.current_0], row[S.current_1], row[S.current_2], row[S.current_3]
        cosine, sine = row[S.cosine], row[S.sine]
        want = leg_currents(group, believed(group, wanted, row, law), cosine, sine, law)
        have = leg_currents(group, believed(group, i, row, law), cosine, sine, law)
        band, further = choice[C.band] * law[P.i_limit], choice[C.band] * law[P.i_limit]
        kind = len(group)
        if kind == DC or kind == EXCITED:  # noqa: SIM109 - the compiler drops no branch on `in`
            further = choice[C.band] * law[P.i_e_limit]
        a = _compared(want[0] - have[0], band, last[j, 0])
        b = _compared(want[1] - have[1], band, last[j, 1])
        if kind == DC:
            action[j, 0] = _chopper_code(a, b, law[P.quadrants_a])
            if action.shape[1] > 1:
                a = _compared(want[2] - have[2], further, last[j, 2])
                b = _compared(want[3] - have[3], further, last[j, 3])
                action[j, 1] = _chopper_code(a, b, law[P.quadrants_e])
        else:
            c = _compared(want[2] - have[2], band, last[j, 2])
            action[j, 0] = _bridge_code(a, b, c)
            if action.shape[1] > 1:
                a = _compared(want[3] - have[3], further, last[j, 3])
                b = _compared(want[4] - have[4], further, last[j, 4])
                if kind == EXCITED:
                    action[j, 1] = _chopper_code(a, b, 4)
                else:
                    c = _compared(want[5] - have[5], further, last[j, 5])
                    action[j, 1] = _bridge_code(a, b, c)
