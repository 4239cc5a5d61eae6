"""Finite-set predictive control of the currents under a bridge of three levels, which balances its neutral point."""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.controllers.laws import S
from gym_suite.motors.controllers.switched_laws import (
    BEYOND,
    C,
    believed,
    currents_of,
    danger,
    wanted_currents,
)
from gym_suite.motors.electrical import coefficients, period
from gym_suite.motors.loads import shaft
from gym_suite.motors.quantities import P
from gym_suite.motors.switches import (
    THREE_LEVEL_STATES,
    at_neutral,
    leg_currents,
    levels_of,
    three_level_legs,
    under,
    winding_voltages,
)
from gym_suite.motors.transforms import clarke


@called_kernel
def _predicted(group, s, u_n, legs, cosine, sine, k, load, law):
    """Return machine and neutral point one period later, by one step in which that voltage stands still."""
    at = at_neutral(legs)
    alpha, beta = clarke(at[0], at[1], at[2])
    v = winding_voltages(group, levels_of((legs[0], legs[1], legs[2], -1.0, -1.0, -1.0)), law)
    v = v[0] + u_n * alpha, v[1] + u_n * beta, v[2], v[3]
    after = period(group, under(group, s, v, cosine, sine), k, load, 1.0, law[P.tau], 1)
    drawn = 0.0
    first, last = (
        leg_currents(group, s, cosine, sine, law),
        leg_currents(group, after, cosine, sine, law),
    )
    for m in range(3):
        drawn += 0.5 * at[m] * (first[m] + last[m])
    return after, u_n - 0.5 * law[P.tau] * drawn / law[P.c_neutral]


@called_kernel
def _best(group, s, u_n, legs, wanted, cosine, sine, k, load, law, choice):
    """Return the first of the switching states that cost least after a period."""
    best, chosen = math.inf, 0
    for code in range(THREE_LEVEL_STATES):
        own, cost = three_level_legs(float(code)), 0.0
        for m in range(3):
            cost += choice[C.switching] * abs(own[m] - legs[m])
        state, neutral = _predicted(group, s, u_n, own, cosine, sine, k, load, law)
        i = currents_of(group, state, cosine, sine, law)
        for m in range(4):
            error = wanted[m] - i[m]
            cost += choice[C.weight_0 + m] * error * error
        part = neutral / law[P.u_dc]
        cost += choice[C.neutral] * part * part + BEYOND * danger(group, i, law)
        if cost < best:
            best, chosen = cost, code
    return chosen


@kernel
def three_level_rows(group, seen, neutral, last, memory, law, points, choice, action):
    """Fill the switching states of rows by finite-set predictive control with a cost of the neutral point's voltage.

    As :func:`gym_suite.motors.controllers.switched_laws.finite_set_rows`, one period ahead; J. Rodriguez and P. Cortes,
    "Predictive Control of Power Converters and Electrical Drives", Wiley 2012, chapter 5. Of states with one voltage
    between the terminals those that draw current from the neutral point one way or the other keep it in the middle.

    Args:
        group: The group.
        seen: Rows of :data:`gym_suite.motors.controllers.laws.SEEN`.
        neutral: Measured voltages of the neutral point, V, (n,).
        last: Rows of the legs' positions that were commanded last, (n, 6).
        memory: Rows of :data:`gym_suite.motors.controllers.laws.MEMORY`, updated.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
        choice: Row of :data:`gym_suite.motors.controllers.switched_laws.CHOICE`.
        action: Rows of switching states, filled.
    """
    load, k = shaft(law, 0.0), coefficients(group, law)
    for j in range(seen.shape[0]):
        row, u_n = seen[j], neutral[j]
        wanted = wanted_currents(group, row, memory[j], law, points, choice)
        i = row[S.current_0], row[S.current_1], row[S.current_2], row[S.current_3]
        s, legs = believed(group, i, row, law), (last[j, 0], last[j, 1], last[j, 2])
        cosine, sine = row[S.cosine], row[S.sine]
        if law[P.dead_time] > 0.0:
            s, u_n = _predicted(group, s, u_n, legs, cosine, sine, k, load, law)
        action[j, 0] = _best(group, s, u_n, legs, wanted, cosine, sine, k, load, law, choice)
