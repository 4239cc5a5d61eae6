"""Physics of the drive under a switched converter, moved by one period of switching at a time; it knows no task.

A period is integrated from one change of a leg to the next, so that voltages are constant in between and every event
lies where a Runge-Kutta step ends. While both switches of a leg are off (interlocking, or a state in which no switch is
closed) a diode holds its terminal at the lower rail if current flows out of the leg, at the upper one if it flows in;
where the current reaches zero both diodes block until the voltage of the terminal has left the link's range.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.dynamics import carried, disturbance_of, frame_speed
from gym_suite.motors.electrical import coefficients, over_limit, period
from gym_suite.motors.loads import load_torque
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SIX_PHASE
from gym_suite.motors.machines.dc import SEPARATE, SHUNT
from gym_suite.motors.observer import flux_frame, follow_flux
from gym_suite.motors.parameters import CONSTANT_SPEED, SPEED_PROFILE
from gym_suite.motors.quantities import SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.switches import (
    ALL_OFF,
    LEGS,
    leg_currents,
    legs_of,
    levels_of,
    under,
    winding_voltages,
)
from gym_suite.motors.transforms import rotate, star_axes, stars_of, turn, wrap

#: Current of a leg below which its diodes carry none, as a part of the current limit.
_NO_CURRENT = 1e-9
#: Sweeps over the legs without current, each of which takes the rest of an error away but for a quarter.
_SWEEPS = 40
#: Steps of a search for the moment in which a current is zero.
_SEARCH = 60
#: Events in a period, beyond its Runge-Kutta steps, that are looked for at most.
_EVENTS = 64


# -------------------------------------------------------------------------------------- the machine's state in a period


@kernel
def _electrical(group, x):
    """Return the state of a row as :mod:`gym_suite.motors.electrical` lays it out, without voltages."""
    kind = len(group)
    omega = x[X.omega]
    if kind == DC:
        return omega, x[X.i_a], x[X.i_e], 0.0, 0.0, 0.0
    if kind == INDUCTION:
        i_a, i_b, psi_a, psi_b = x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta]
        return omega, i_a, i_b, psi_a, psi_b, 0.0, 0.0, 0.0
    if kind == DOUBLY_FED:
        i_a, i_b, psi_a, psi_b = x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta]
        return omega, i_a, i_b, psi_a, psi_b, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == SIX_PHASE:
        return omega, x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy], 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == EXCITED:
        return omega, x[X.i_sd], x[X.i_sq], x[X.i_e], 0.0, 0.0, 0.0, 0.0
    return omega, x[X.i_sd], x[X.i_sq], 0.0, 0.0, 0.0


@kernel
def _keep(group, x, s, p):
    """Write the currents and fluxes of a state into a row."""
    kind = len(group)
    if kind == DC:
        i_a, i_e = s[1], s[2]
        # A diode that has begun to block within a Runge-Kutta step ends it without current.
        if int(p[P.quadrants_e]) == 1:
            i_e = max(i_e, 0.0)
        if int(p[P.quadrants_a]) == 1:
            i_a = max(i_a, -i_e if int(p[P.excitation]) == SHUNT else 0.0)
        x[X.i_a], x[X.i_e] = i_a, i_e
    elif kind == INDUCTION or kind == DOUBLY_FED:  # noqa: SIM109 - the compiler drops no branch on `in`
        x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta] = s[1], s[2], s[3], s[4]
    elif kind == SIX_PHASE:
        x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy] = s[1], s[2], s[3], s[4]
    elif kind == EXCITED:
        x[X.i_sd], x[X.i_sq], x[X.i_e] = s[1], s[2], s[3]
    else:
        x[X.i_sd], x[X.i_sq] = s[1], s[2]


@kernel
def _moved(group, s, levels, d, cosine, sine, k, load, h, steps, p):
    """Return the state after the time h under constant levels of the legs and the disturbing voltages d."""
    v = winding_voltages(group, levels, p)
    v = v[0] + d[0], v[1] + d[1], v[2] + d[2], v[3] + d[3]
    return period(group, under(group, s, v, cosine, sine), k, load, 1.0, h, steps)


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
def _plus(a, h, b):
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
def _attempt(group, s, levels, d, cosine, sine, k, load, h, p):
    """Return the state after one Runge-Kutta step, and the currents of the legs then."""
    after = _moved(group, s, levels, d, cosine, sine, k, load, h, 1, p)
    return after, leg_currents(group, after, cosine, sine, p)


@called_kernel
def drift(group, s, legs, d, cosine, sine, k, load, h, longest, p):
    """Move a machine over a time in which some legs have no switch closed.

    The level of such a leg is given by the sign of its current. Without a current it is the one in [0, 1] with which
    the current stays zero or, at a bound, flows as its diode lets it: a linear complementarity problem, solved by
    projected Gauss-Seidel sweeps (Cottle, Pang and Stone, "The Linear Complementarity Problem", Academic Press 1992,
    section 5.2). The moment in which a current reaches zero is found by the Illinois method (Dowell and Jarratt, BIT
    11, 1971, doi:10.1007/BF01934364).

    Args:
        group: The group.
        s: The machine's state.
        legs: Positions of the legs, 0 for those without a closed switch.
        d: Voltages that disturb the windings, V.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        h: The time, s.
        longest: The longest Runge-Kutta step, s.
        p: Parameter row.

    Returns:
        The state, and the integrals of the legs' levels over the time, s.
    """
    least = _NO_CURRENT * p[P.i_limit]
    total = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    left, event = h, 0
    while left > 0.0:
        event += 1
        step = min(left, longest)
        if left - step < 1e-6 * h:  # what is left over is no step of its own
            step = left
        now = leg_currents(group, s, cosine, sine, p)
        levels, resting = levels_of(legs), 0
        for m in range(LEGS):
            if legs[m] == 0.0:
                if now[m] > least:
                    levels = _replaced(levels, m, 0.0)
                elif now[m] < -least:
                    levels = _replaced(levels, m, 1.0)
                else:
                    resting += 1
        for _ in range(_SWEEPS if resting > 0 else 0):
            change = 0.0
            for m in range(LEGS):
                if legs[m] == 0.0 and abs(now[m]) <= least:
                    low = _replaced(levels, m, 0.0)
                    _, lower = _attempt(group, s, low, d, cosine, sine, k, load, step, p)
                    high = _replaced(levels, m, 1.0)
                    _, upper = _attempt(group, s, high, d, cosine, sine, k, load, step, p)
                    if upper[m] > lower[m]:
                        found = min(max(lower[m] / (lower[m] - upper[m]), 0.0), 1.0)
                        change = max(change, abs(found - levels[m]))
                        levels = _replaced(levels, m, found)
            if change < 1e-14 or resting == 1:
                break
        after, then = _attempt(group, s, levels, d, cosine, sine, k, load, step, p)
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
                after, then = _attempt(group, s, levels, d, cosine, sine, k, load, step, p)
                value = then[first]
                if abs(value) <= 0.5 * least:
                    break
                if value * value_step > 0.0:
                    late, value_step = step, value
                    value_before *= 0.5
                else:
                    before, value_before = late, value_step
                    late, value_step = step, value
        s, left = after, left - step
        total = _plus(total, step, levels)
    return s, total


@kernel
def _through(group, s, legs, d, cosine, sine, k, load, h, p):
    """Move a machine over a time in which no leg is switched; return as :func:`drift` does."""
    off = False
    for m in range(LEGS):
        off = off or legs[m] == 0.0
    longest = p[P.tau] / p[P.substeps]
    if off:
        return drift(group, s, legs, d, cosine, sine, k, load, h, longest, p)
    levels, steps = levels_of(legs), max(1, math.ceil(h / longest - 1e-9))
    s = _moved(group, s, levels, d, cosine, sine, k, load, h, steps, p)
    return s, _plus((0.0, 0.0, 0.0, 0.0, 0.0, 0.0), h, levels)


# ----------------------------------------------------------------------------------------------------------- one period


@kernel
def _disturbing(group, x, key, t, p, tables):
    """Return the voltages that disturb the windings in a period, as :func:`winding_voltages` lays them out, V.

    They are given in the frame of the currents at its beginning.
    """
    kind = len(group)
    if tables[T.signals].shape[0] <= SIGNAL_DISTURBANCE:
        return 0.0, 0.0, 0.0, 0.0
    first = disturbance_of(tables, 1, key, t)
    if kind == DC:
        if int(p[P.excitation]) == SEPARATE:
            return first, disturbance_of(tables, 2, key, t), 0.0, 0.0
        return first, first if int(p[P.excitation]) == SHUNT else 0.0, 0.0, 0.0
    second = disturbance_of(tables, 2, key, t)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    if kind == INDUCTION:
        cosine, sine, _ = flux_frame(x)
    if kind == SIX_PHASE:
        axes = first, second, disturbance_of(tables, 3, key, t), disturbance_of(tables, 4, key, t)
        return stars_of(axes, cosine, sine)
    alpha, beta = rotate(first, second, cosine, sine)
    if kind == EXCITED:
        return alpha, beta, disturbance_of(tables, 3, key, t), 0.0
    if kind == DOUBLY_FED:
        third, fourth = disturbance_of(tables, 3, key, t), disturbance_of(tables, 4, key, t)
        return alpha, beta, third, fourth
    return alpha, beta, 0.0, 0.0


@kernel
def _show_voltages(group, x, v, p, tables):
    """Write the mean voltages of a period into a row, in the frame of the currents in its middle."""
    kind = len(group)
    if kind == DC:
        x[X.u_a] = v[0]
        if int(p[P.excitation]) == SEPARATE:
            x[X.u_e] = v[1]
    else:
        half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
        cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
        if kind == INDUCTION:
            cosine, sine, _ = flux_frame(x)
        if kind == SIX_PHASE:
            u = star_axes(v, cosine, sine)
            x[X.u_sd], x[X.u_sq] = rotate(u[0], u[1], half_cosine, -half_sine)
            x[X.u_sx], x[X.u_sy] = rotate(u[2], u[3], half_cosine, half_sine)
        else:
            u_d, u_q = rotate(v[0], v[1], cosine, -sine)
            x[X.u_sd], x[X.u_sq] = rotate(u_d, u_q, half_cosine, -half_sine)
        if kind == EXCITED:
            x[X.u_e] = v[2]
        if kind == DOUBLY_FED:
            x[X.u_rd], x[X.u_rq] = v[2], v[3]


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
def advance_switched_one(group, x, key, step, u, p, tables):
    """Move one row by one period of switching.

    Args:
        group: The group.
        x: State row, changed in place.
        key: The row's key.
        step: Periods since reset.
        u: Action row: a switching state for each converter.
        p: Parameter row.
        tables: The family's tables.
    """
    kind, tau = len(group), p[P.tau]
    states, before = _command(group, x, u, p)
    extra = 0.0
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, step * tau)
    d = _disturbing(group, x, key, step * tau, p, tables)
    load, k = carried(x, key, step, extra, p, tables), coefficients(group, p)
    legs = legs_of(group, states[0], states[1], p)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    s, left = _electrical(group, x), tau
    total = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
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
        s, total = _through(group, s, passing, d, cosine, sine, k, load, p[P.interlocking], p)
    s, further = _through(group, s, legs, d, cosine, sine, k, load, left, p)
    v = winding_voltages(group, _plus(total, 1.0, further), p)
    v = v[0] / tau + d[0], v[1] / tau + d[1], v[2] / tau + d[2], v[3] / tau + d[3]
    _show_voltages(group, x, v, p, tables)
    currents = x[X.i_salpha], x[X.i_sbeta]
    _keep(group, x, s, p)
    turned = s[len(s) - 1]
    if kind == INDUCTION:
        follow_flux(x, currents, tables[T.law][0])
    if kind == DC:
        x[X.position] += turned
    else:
        x[X.epsilon] = wrap(x[X.epsilon] + turned)
        x[X.position] += turned / p[P.p]
        cosine, sine = rotate(cosine, sine, *turn(turned))
        # Rounding must not make the pair grow or shrink over the years.
        length = 1.5 - 0.5 * (cosine * cosine + sine * sine)
        x[X.cos_epsilon], x[X.sin_epsilon] = length * cosine, length * sine
    if int(p[P.load_kind]) != CONSTANT_SPEED:
        x[X.omega] = s[0]
        if int(p[P.load_kind]) < SPEED_PROFILE:
            a, b, c, linear, extra, _ = load
            x[X.torque_load] = load_torque(s[0], a, b, c, linear) + extra
    x[X.tripped] = 1.0 if over_limit(group, x, p) else 0.0
