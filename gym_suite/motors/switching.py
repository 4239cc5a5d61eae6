"""Physics of the drive under a switched converter, moved by one period of switching at a time; it knows no task.

A period is integrated from one change of a leg to the next, so that voltages are constant in between and every event
lies where a Runge-Kutta step ends. While both switches of a leg are off (interlocking, or a state in which no switch is
closed) a diode holds its terminal at the lower rail if current flows out of the leg, at the upper one if it flows in;
where the current reaches zero both diodes block until the voltage of the terminal has left the link's range.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.dynamics import carried, disturbance_of
from gym_suite.motors.electrical import coefficients, over_limit
from gym_suite.motors.link import effective_time, keep_link, link_of, linked_period, mains_phase
from gym_suite.motors.quantities import LEGS, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.rows import disturbing_voltages, electrical_state, finish
from gym_suite.motors.switches import (
    ALL_OFF,
    leg_currents,
    legs_of,
    levels_of,
    winding_voltages,
)

#: Current of a leg below which its diodes carry none, as a part of the current limit.
_NO_CURRENT = 1e-9
#: Sweeps over the legs without current, each of which takes the rest of an error away but for a quarter.
_SWEEPS = 40
#: Times that the levels of such legs are found anew from the currents that those found before have led to.
_CORRECTIONS = 3
#: Steps of a search for the moment in which a current is zero.
_SEARCH = 60
#: Events in a period, beyond its Runge-Kutta steps, that are looked for at most.
_EVENTS = 64

NOTHING = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


@kernel
def _moved(group, s, w, levels, d, cosine, sine, k, load, phase, t, h, steps, p, tables):
    """Return machine and link after the time h under constant levels of the legs and the disturbing voltages d."""
    v = winding_voltages(group, levels, p)
    v = v[0] + d[0], v[1] + d[1], v[2] + d[2], v[3] + d[3]
    return linked_period(group, s, w, v, cosine, sine, k, load, phase, t, h, steps, p, tables)


# ------------------------------------------------------------------------------------------ legs that are switched off


@kernel
def _replaced(values, k, value):
    """Return six values of which one is another."""
    return (
        value if k == 0 else values[0],
        value if k == 1 else values[1],
        value if k == 2 else values[2],
        value if k == 3 else values[3],
        value if k == 4 else values[4],
        value if k == 5 else values[5],
    )


@kernel
def plus(a, h, b):
    """Return a + h b of six values each."""
    return (
        a[0] + h * b[0],
        a[1] + h * b[1],
        a[2] + h * b[2],
        a[3] + h * b[3],
        a[4] + h * b[4],
        a[5] + h * b[5],
    )


@called_kernel
def _attempt(group, s, w, levels, d, cosine, sine, k, load, phase, t, h, p, tables):
    """Return machine and link after one Runge-Kutta step, and the currents of the legs then."""
    after, then = _moved(group, s, w, levels, d, cosine, sine, k, load, phase, t, h, 1, p, tables)
    return after, then, leg_currents(group, after, cosine, sine, p)


@kernel
def _without_current(legs, now, least, k):
    """Return whether leg k has neither a closed switch nor a current."""
    return legs[k] == 0.0 and abs(now[k]) <= least


@called_kernel
def _resting_levels(
    group, s, w, legs, now, least, levels, d, cosine, sine, k, load, phase, t, h, p, tables
):
    """Return the levels with those of legs without current at which these stay without, or conduct through a diode.

    Currents after a step are a linear function of the levels where the speed stands still, and nearly one else. The
    function is taken from a step for each such leg; projected Gauss-Seidel sweeps over it (Cottle, Pang and Stone, "The
    Linear Complementarity Problem", Academic Press 1992, section 5.2) then cost no step.

    Args:
        group: The group.
        s: The machine's state.
        w: The link's.
        legs: Positions of the legs.
        now: Currents of the legs, A.
        least: Current below which a leg carries none, A.
        levels: Levels of the legs, from which the sweeps begin.
        d: Voltages that disturb the windings, V.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        phase: Phase of the mains at reset, rad.
        t: Time since reset at the beginning, s.
        h: The step, s.
        p: Parameter row.
        tables: The family's tables.
    """
    _, _, i = _attempt(group, s, w, levels, d, cosine, sine, k, load, phase, t, h, p, tables)
    by = NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING  # A of every leg per level of each
    resting = 0
    for m in range(LEGS):
        if _without_current(legs, now, least, m):
            resting += 1
            other = _replaced(levels, m, levels[m] + 0.5)
            _, _, moved = _attempt(
                group, s, w, other, d, cosine, sine, k, load, phase, t, h, p, tables
            )
            by = _replaced(by, m, plus(plus(moved, 1.0, moved), -2.0, i))
    for _ in range(_CORRECTIONS):
        for _ in range(_SWEEPS):
            change = 0.0
            for m in range(LEGS):
                own = by[m]
                if own[m] > 0.0:
                    found = min(max(levels[m] - i[m] / own[m], 0.0), 1.0)
                    step = found - levels[m]
                    change = max(change, abs(step))
                    levels, i = _replaced(levels, m, found), plus(i, step, own)
            if change < 1e-14 or resting == 1:
                break
        _, _, i = _attempt(group, s, w, levels, d, cosine, sine, k, load, phase, t, h, p, tables)
        left = 0.0
        for m in range(LEGS):
            if by[m][m] > 0.0 and 0.0 < levels[m] < 1.0:
                left = max(left, abs(i[m]))
        if left <= 0.1 * least:
            break
    return levels


@called_kernel
def drift(group, s, w, legs, d, cosine, sine, k, load, phase, t, h, longest, p, tables):
    """Move a machine over a time in which some legs have no switch closed.

    The level of such a leg is given by the sign of its current. Without a current it is the one in [0, 1] with which
    the current stays zero or, at a bound, flows as its diode lets it: a linear complementarity problem. The moment in
    which a current reaches zero is found by the Illinois method (Dowell and Jarratt, BIT 11, 1971,
    doi:10.1007/BF01934364).

    Args:
        group: The group.
        s: The machine's state.
        w: The link's, empty where it is ideal.
        legs: Positions of the legs, 0 for those without a closed switch.
        d: Voltages that disturb the windings, V.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        phase: Phase of the mains at reset, rad.
        t: Time since reset at the beginning, s.
        h: The time, s.
        longest: The longest Runge-Kutta step, s.
        p: Parameter row.
        tables: The family's tables.

    Returns:
        Both states, and the integrals of the legs' levels over the time as :func:`effective_time` counts it, s.
    """
    least = _NO_CURRENT * p[P.i_limit]
    total = NOTHING
    left, event = h, 0
    while left > 0.0:
        event += 1
        step, at = min(left, longest), t + h - left
        if left - step < 1e-6 * h:  # what is left over is no step of its own
            step = left
        now = leg_currents(group, s, cosine, sine, p)
        levels, rests = levels_of(legs), False
        for m in range(LEGS):
            if legs[m] == 0.0:
                if now[m] > least:
                    levels = _replaced(levels, m, 0.0)
                elif now[m] < -least:
                    levels = _replaced(levels, m, 1.0)
                else:
                    rests = True
        if rests:
            levels = _resting_levels(
                group,
                s,
                w,
                legs,
                now,
                least,
                levels,
                d,
                cosine,
                sine,
                k,
                load,
                phase,
                at,
                step,
                p,
                tables,
            )
        after, link, then = _attempt(
            group, s, w, levels, d, cosine, sine, k, load, phase, at, step, p, tables
        )
        for _ in range(LEGS if event < _EVENTS + h / longest else 0):
            first, part = -1, 1.0
            for m in range(LEGS):
                carries = legs[m] == 0.0 and abs(now[m]) > least
                if carries and abs(then[m]) > least and now[m] * then[m] < 0.0:
                    fraction = now[m] / (now[m] - then[m])
                    if fraction < part:
                        first, part = m, fraction
            if first < 0:
                break
            before, value_before, value_step = 0.0, now[first], then[first]
            late = step
            for _ in range(_SEARCH):
                step = before + (late - before) * value_before / (value_before - value_step)
                after, link, then = _attempt(
                    group, s, w, levels, d, cosine, sine, k, load, phase, at, step, p, tables
                )
                value = then[first]
                if abs(value) <= 0.5 * least:
                    break
                if value * value_step > 0.0:
                    late, value_step = step, value
                    value_before *= 0.5
                else:
                    before, value_before = late, value_step
                    late, value_step = step, value
        total = plus(total, effective_time(w, link, step, p), levels)
        s, w, left = after, link, left - step
    return s, w, total


@kernel
def closed(group, s, w, legs, d, cosine, sine, k, load, phase, t, h, p, tables):
    """Move a machine over a time in which each leg has one switch closed; return as :func:`drift` does."""
    levels, steps = levels_of(legs), max(1, math.ceil(h / (p[P.tau] / p[P.substeps]) - 1e-9))
    s, link = _moved(group, s, w, levels, d, cosine, sine, k, load, phase, t, h, steps, p, tables)
    return s, link, plus(NOTHING, effective_time(w, link, h, p), levels)


@kernel
def through(group, s, w, legs, d, cosine, sine, k, load, phase, t, h, p, tables):
    """Move a machine over a time in which no leg is switched; return as :func:`drift` does."""
    off = False
    for m in range(LEGS):
        off = off or legs[m] == 0.0
    if off:
        longest = p[P.tau] / p[P.substeps]
        return drift(group, s, w, legs, d, cosine, sine, k, load, phase, t, h, longest, p, tables)
    return closed(group, s, w, legs, d, cosine, sine, k, load, phase, t, h, p, tables)


# ----------------------------------------------------------------------------------------------------------- one period


@kernel
def _command(group, x, u, p):
    """Take a switching state as the last action; return the states that act now, and those that have acted before."""
    first, second = u[0], u[1] if u.shape[0] > 1 else 0.0
    legs, size, change = legs_of(group, first, second, p), int(p[P.actions]), 0.0
    for k in range(size):
        difference = legs[k] - x[X.action_0 + k]
        change += difference * difference
        x[X.action_0 + k] = legs[k]
    x[X.change] = change / size
    if p[P.dead_time] > 0.0:
        first, x[X.waiting_0] = x[X.waiting_0], first
        second, x[X.waiting_1] = x[X.waiting_1], second
    before = x[X.switched_0], x[X.switched_1]
    x[X.switched_0], x[X.switched_1] = first, second
    return (first, second), before


@kernel
def switch_off(x):
    """Begin an episode with all switches open, until the first command acts."""
    x[X.waiting_0] = x[X.waiting_1] = x[X.switched_0] = x[X.switched_1] = ALL_OFF


@kernel
def advance_switched_one(group, supply, x, key, step, u, p, tables):
    """Move one row by one period of switching.

    Args:
        group: The group.
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        x: State row, changed in place.
        key: The row's key.
        step: Periods since reset.
        u: Action row: a switching state for each converter.
        p: Parameter row.
        tables: The family's tables.
    """
    tau, t = p[P.tau], step * p[P.tau]
    states, before = _command(group, x, u, p)
    extra = 0.0
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, t)
    d = disturbing_voltages(group, x, key, t, p, tables)
    load, k = carried(x, key, step, extra, p, tables), coefficients(group, p)
    legs = legs_of(group, states[0], states[1], p)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    s, w, left = electrical_state(group, x), link_of(supply, x), tau
    phase, total = mains_phase(supply, key, p), NOTHING
    old = legs_of(group, before[0], before[1], p)
    if p[P.interlocking] > 0.0 and legs != old:
        left -= p[P.interlocking]
        passing = (
            legs[0] if legs[0] == old[0] else 0.0,
            legs[1] if legs[1] == old[1] else 0.0,
            legs[2] if legs[2] == old[2] else 0.0,
            legs[3] if legs[3] == old[3] else 0.0,
            legs[4] if legs[4] == old[4] else 0.0,
            legs[5] if legs[5] == old[5] else 0.0,
        )
        h = p[P.interlocking]
        s, w, total = through(
            group, s, w, passing, d, cosine, sine, k, load, phase, t, h, p, tables
        )
    s, w, further = through(
        group, s, w, legs, d, cosine, sine, k, load, phase, t + tau - left, left, p, tables
    )
    v = winding_voltages(group, plus(total, 1.0, further), p)
    v = v[0] / tau + d[0], v[1] / tau + d[1], v[2] / tau + d[2], v[3] / tau + d[3]
    finish(group, x, s, v, load, p, tables)
    x[X.tripped] = 1.0 if over_limit(group, x, p) else 0.0
    keep_link(x, w, p)
