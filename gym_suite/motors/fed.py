"""Physics of the drive under an averaged converter whose DC link gives way, moved by one control period at a time.

What a command asks for is held as parts of the link's voltage, so that the windings' voltages follow the link within
the period. Voltages that wait for their period, and those that disturb, are given at the link's nominal voltage.
"""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.converters import commanded
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
    FED_LINK,
    effective_time,
    keep_link,
    link_of,
    linked_period,
    mains_phase,
    measured_voltage,
)
from gym_suite.motors.machines.base import DC, SATURATED
from gym_suite.motors.machines.dc import SHUNT
from gym_suite.motors.quantities import CONTROL_TORQUE, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.rows import disturbing_voltages, electrical_state, finish
from gym_suite.motors.transforms import turn


@kernel
def _scaled(v, factor):
    """Return four voltages times a factor."""
    return factor * v[0], factor * v[1], factor * v[2], factor * v[3]


@kernel
def _coefficients(group, p, tables):
    """Return what the derivative of a group reads of a parameter row, and of the flux map where it has one."""
    if len(group) == SATURATED:
        return saturated_coefficients(p, tables[T.flux][0])
    return coefficients(group, p)


@kernel
def _move_fed(group, x, key, tick, v, p, tables):
    """Move machine and link by one inverter period under held parts of the link's voltage.

    Args:
        group: The group.
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
    second = v[1]
    if len(group) == DC and int(p[P.excitation]) == SHUNT:
        second = v[0]
    v = v[0] + d[0], second + d[1], v[2] + d[2], v[3] + d[3]
    load, k = carried(x, key, tick, extra, p, tables), _coefficients(group, p, tables)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    s, w, steps = electrical_state(group, x), link_of(FED_LINK, x), int(p[P.substeps])
    phase = mains_phase(FED_LINK, key, p)
    s, link = linked_period(group, s, w, v, cosine, sine, k, load, phase, t, tau, steps, p, tables)
    v = _scaled(v, effective_time(w, link, tau, p) / tau)
    finish(group, x, s, v, load, p, tables)
    if over_limit(group, x, p):
        x[X.tripped] = 1.0
    keep_link(x, link, p)


@kernel
def advance_fed_one(group, x, key, step, u, p, tables):
    """Move one row by one control period.

    The drive's own controller of torque commands measures the link at the beginning of each of its periods. A voltage
    action is a part of the link's voltage, whatever that is.

    Args:
        group: The group.
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
    ratio = int(p[P.ratio])
    if torque_control:
        command_currents(group, x, u, measured_voltage(FED_LINK, x, p), p, tables)
    for k in range(ratio):
        tick = step * ratio + k
        if torque_control:
            measured = measured_voltage(FED_LINK, x, p)
            v = inner_voltages(group, x, key, tick, measured, p, tables)
            v = _scaled(v, p[P.u_dc] / measured)
        else:
            half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
            v = commanded(group, x, u, half_cosine, half_sine, p)
        if p[P.dead_time] > 0.0:
            v = wait(group, x, v)
        _move_fed(group, x, key, tick, v, p, tables)
