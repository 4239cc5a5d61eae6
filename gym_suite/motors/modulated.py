"""Physics of the drive whose DC link gives way or whose legs follow a carrier, moved by one control period at a time.

What a command asks for is held as parts of the link's voltage, so that the windings' voltages follow the link within
the period: as its mean, or leg by leg, from one edge of a carrier to the next. Voltages that wait for their period, and
those that disturb, are given at the link's nominal voltage.
"""

from __future__ import annotations

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.carrier import (
    duty_cycles,
    gated_legs_at,
    interlocked_duties,
    legs_at,
    next_edge,
    next_gating,
)
from gym_suite.motors.converters import commanded
from gym_suite.motors.disposition import disposed
from gym_suite.motors.dynamics import (
    carried,
    command_currents,
    disturbance_of,
    frame_speed,
    inner_voltages,
    remember_action,
    wait,
)
from gym_suite.motors.electrical import coefficients, over_limit
from gym_suite.motors.iron import saturated_coefficients
from gym_suite.motors.link import (
    effective_time,
    keep_link,
    link_of,
    linked_period,
    mains_phase,
    measured_voltage,
)
from gym_suite.motors.machines.base import DC, SATURATED
from gym_suite.motors.machines.dc import SHUNT
from gym_suite.motors.quantities import CONTROL_TORQUE, LEGS, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.rows import disturbing_voltages, electrical_state, finish
from gym_suite.motors.switches import winding_voltages
from gym_suite.motors.switching import NOTHING, closed, plus, through
from gym_suite.motors.transforms import turn


@kernel
def _scaled(v, factor):
    """Return four voltages times a factor."""
    return factor * v[0], factor * v[1], factor * v[2], factor * v[3]


@kernel
def _sum(v, d):
    """Return the sums of four voltages each."""
    return v[0] + d[0], v[1] + d[1], v[2] + d[2], v[3] + d[3]


@called_kernel
def _pulsed(group, carrier, s, w, v, before, d, cosine, sine, k, load, phase, t, p, tables):
    """Move machine and link from edge to edge of a carrier.

    Returns:
        What :func:`gym_suite.motors.switching.drift` does, and the duty cycles; ``before`` are those of the period
        before, which matter to interlocked legs.
    """
    tau, at, total = p[P.tau], 0.0, NOTHING
    if len(carrier) > 1:
        duties = interlocked_duties(group, v, p)
    else:
        duties = duty_cycles(group, v, p)
    while at < tau:
        if len(carrier) > 1:
            after = next_gating(duties, before, at, tau, p[P.interlocking])
            legs = gated_legs_at(group, duties, before, 0.5 * (at + after), tau, p)
        else:
            after = next_edge(duties, at, tau)
            legs = legs_at(group, duties, 0.5 * (at + after), tau, p)
        h = after - at
        if len(group) == DC or len(carrier) > 1:  # whose diodes may be all that conducts
            s, w, part = through(
                group, s, w, legs, d, cosine, sine, k, load, phase, t + at, h, p, tables
            )
        else:
            s, w, part = closed(
                group, s, w, legs, d, cosine, sine, k, load, phase, t + at, h, p, tables
            )
        total, at = plus(total, 1.0, part), after
    return s, w, total, duties


@kernel
def _last_duties(x):
    """Return the duty cycles that a row's legs had in its last period."""
    return x[X.duty_0], x[X.duty_1], x[X.duty_2], x[X.duty_3], x[X.duty_4], x[X.duty_5]


@kernel
def _coefficients(group, p, tables):
    """Return what the derivative of a group reads of a parameter row, and of the flux map where it has one."""
    if len(group) == SATURATED:
        return saturated_coefficients(p, tables[T.flux][0])
    return coefficients(group, p)


@kernel
def _move(group, supply, carrier, x, key, tick, v, p, tables):
    """Move machine and link by one inverter period under held parts of the link's voltage.

    Args:
        group: The group.
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        carrier: One of :data:`gym_suite.motors.carrier.AVERAGED` and those beside it.
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        v: The voltages that the converters hold at the link's nominal voltage, V.
        p: Parameter row.
        tables: The family's tables.
    """
    tau, extra = p[P.tau], 0.0
    t = tick * tau
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, t)
    d = disturbing_voltages(group, x, key, t, p, tables)
    load, k = carried(x, key, tick, extra, p, tables), _coefficients(group, p, tables)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    s, w, phase = electrical_state(group, x), link_of(supply, x), mains_phase(supply, key, p)
    if len(carrier) > 2:
        s, v = disposed(group, x, s, v, d, cosine, sine, k, load, p)
        link = w
    elif len(carrier) > 0:
        before = _last_duties(x)
        s, link, total, duties = _pulsed(
            group, carrier, s, w, v, before, d, cosine, sine, k, load, phase, t, p, tables
        )
        if len(carrier) > 1:
            for leg in range(LEGS):
                x[X.duty_0 + leg] = duties[leg]
        v = _sum(_scaled(winding_voltages(group, total, p), 1.0 / tau), d)
    else:
        second = v[1]
        if len(group) == DC and int(p[P.excitation]) == SHUNT:
            second = v[0]
        v = _sum((v[0], second, v[2], v[3]), d)
        steps = int(p[P.substeps])
        s, link = linked_period(
            group, s, w, v, cosine, sine, k, load, phase, t, tau, steps, p, tables
        )
        v = _scaled(v, effective_time(w, link, tau, p) / tau)
    finish(group, x, s, v, load, p, tables)
    if over_limit(group, x, p):
        x[X.tripped] = 1.0
    keep_link(x, link, p)


@kernel
def advance_modulated_one(group, supply, carrier, reach, x, key, step, u, p, tables):
    """Move one row by one control period.

    The drive's own controller of torque commands measures the link at the beginning of each of its periods. A voltage
    action is a part of the link's voltage, whatever that is.

    Args:
        group: The group.
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        carrier: One of :data:`gym_suite.motors.carrier.AVERAGED` and those beside it.
        reach: :data:`gym_suite.motors.overmodulation.HEXAGON` or :data:`gym_suite.motors.overmodulation.SIX_STEP`.
        x: State row, changed in place.
        key: The row's key.
        step: Control periods since reset.
        u: Action row within [-1, 1].
        p: Parameter row.
        tables: The family's tables.
    """
    remember_action(x, u)
    x[X.tripped] = 0.0
    torque_control = int(p[P.control]) == CONTROL_TORQUE
    ratio, law = int(p[P.ratio]), tables[T.law][0]
    if torque_control:
        command_currents(group, x, u, measured_voltage(supply, x, p), p, tables)
    for k in range(ratio):
        tick = step * ratio + k
        if torque_control:
            measured = measured_voltage(supply, x, p)
            v = inner_voltages(group, x, key, tick, measured, p, law)
            v = _scaled(v, p[P.u_dc] / measured)
        else:
            half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
            v = commanded(group, reach, x, u, half_cosine, half_sine, p)
        if p[P.dead_time] > 0.0:
            v = wait(group, x, v)
        _move(group, supply, carrier, x, key, tick, v, p, tables)
