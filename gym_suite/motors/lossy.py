"""Physics of the drive whose losses are computed, moved by one control period at a time.

The voltages that are commanded are those of the inverter's legs without their drop; the link and its voltage are ideal.
"""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.converters import commanded
from gym_suite.motors.dissipation import (
    NO_ENERGY,
    keep_powers,
    loss_coefficients,
    lossy_coefficients,
    lossy_period,
    warm_up,
)
from gym_suite.motors.dynamics import (
    carried,
    command_currents,
    disturbance_of,
    frame_speed,
    inner_voltages,
    remember_action,
    wait,
)
from gym_suite.motors.electrical import over_limit
from gym_suite.motors.overmodulation import HEXAGON
from gym_suite.motors.quantities import CONTROL_TORQUE, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.rows import disturbing_voltages, electrical_state, finish
from gym_suite.motors.switches import under
from gym_suite.motors.transforms import turn


@kernel
def _move(group, x, key, tick, v, energies, k, d, p, tables):
    """Move the machine by one inverter period under held voltages; return what has gone each way, J.

    Args:
        group: The group.
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        v: The voltages that the inverter's legs hold, V.
        energies: What had gone each way before.
        k: Of :func:`gym_suite.motors.dissipation.lossy_coefficients`.
        d: Of :func:`gym_suite.motors.dissipation.loss_coefficients`.
        p: Parameter row.
        tables: The family's tables.
    """
    tau, extra = p[P.tau], 0.0
    t = tick * tau
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, t)
    other = disturbing_voltages(group, x, key, t, p, tables)
    v = v[0] + other[0], v[1] + other[1], 0.0, 0.0
    load = carried(x, key, tick, extra, p, tables)
    s = under(group, electrical_state(group, x), v, x[X.cos_epsilon], x[X.sin_epsilon])
    s, energies = lossy_period(group, s, energies, k, d, load, tau, int(p[P.substeps]))
    finish(group, x, s, v, load, p, tables)
    if over_limit(group, x, p):
        x[X.tripped] = 1.0
    return energies


@kernel
def advance_lossy_one(group, x, key, step, u, p, tables):
    """Move one row by one control period, over which its temperatures count as constant.

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
    ratio, law, energies = int(p[P.ratio]), tables[T.law][0], NO_ENERGY
    k, d = lossy_coefficients(group, x, p, tables), loss_coefficients(p)
    if torque_control:
        command_currents(group, x, u, p[P.u_dc], p, tables)
    for j in range(ratio):
        tick = step * ratio + j
        if torque_control:
            v = inner_voltages(group, x, key, tick, p[P.u_dc], p, law)
        else:
            half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
            v = commanded(group, HEXAGON, x, u, half_cosine, half_sine, p)
        if p[P.dead_time] > 0.0:
            v = wait(group, x, v)
        energies = _move(group, x, key, tick, v, energies, k, d, p, tables)
    time = ratio * p[P.tau]
    keep_powers(x, energies, time)
    warm_up(x, time, p)
