"""The step of many synchronous machines that drive a vehicle at once: tiles of rows, period by period.

Under torque control a step of a drive cycle is a hundred periods of the inverter, in each of which the current
controller samples and the machine moves. As in :mod:`gym_suite.motors.tiles` a tile of rows goes through a period stage
by stage, in loops that the compiler vectorises; the formulas are those of the rows, and the numbers the same bit for
bit. What is done once a step, and what is drawn or looked up in a period, goes row by row.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from typing import Any

import numpy as np
from numba.extending import overload

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.core.random import normal2
from gym_suite.motors.controllers.laws import LAW, angle_ahead, single_windings
from gym_suite.motors.dynamics import (
    STREAM_SENSOR,
    carried,
    command_currents,
    disturbance_of,
    remember_action,
)
from gym_suite.motors.electrical import coefficients, exceeds, runge_kutta
from gym_suite.motors.loads import load_torque
from gym_suite.motors.loops import KERNELS, judge_moved
from gym_suite.motors.machines.base import SYNCHRONOUS, group_of
from gym_suite.motors.parameters import VEHICLE
from gym_suite.motors.quantities import CONTROL_TORQUE, QUANTITIES, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.tiles import TILE, constants_of, turn_all
from gym_suite.motors.transforms import rotate, turned_on, wrap

_GROUP = group_of(SYNCHRONOUS)
#: Numbers that the machine's and the shaft's equations read of a row; the first is the number of pole pairs.
_MACHINE, _SHAFT = 7, 6

#: What a tile keeps of its rows within a step: what the state holds, and what is only needed on the way.
SCRATCH = Columns(
    Column("omega", "rad/s"),
    Column("epsilon", "rad"),
    Column("cos_epsilon", "1"),
    Column("sin_epsilon", "1"),
    Column("i_sd", "A"),
    Column("i_sq", "A"),
    Column("position", "rad"),
    Column("torque_load", "N m"),
    Column("held_0", "V"),
    Column("held_1", "V"),
    Column("integral_0", "V"),
    Column("integral_1", "V"),
    Column("command_0", "A"),
    Column("command_1", "A"),
    Column("u_sd", "V"),
    Column("u_sq", "V"),
    Column("tripped", "1"),
    Column("measured_0", "A", meaning="d current that the controller sees"),
    Column("measured_1", "A", meaning="q current that the controller sees"),
    Column("u_0", "V", meaning="d voltage at the beginning of the period"),
    Column("u_1", "V", meaning="q voltage at the beginning of the period"),
    Column("angle", "rad", meaning="an angle that passes"),
    Column("cosine", "1", meaning="its cosine"),
    Column("sine", "1", meaning="its sine"),
    Column("i_limit", "A"),
    Column("u_dc", "V"),
    *(Column(f"machine_{k}", meaning="what its equations read") for k in range(_MACHINE)),
    *(Column(f"shaft_{k}", meaning="what its equations read") for k in range(_SHAFT)),
)
#: Where each of these columns begins in a tile's scratch.
W: Any = namedtuple("W", SCRATCH.names)(*range(0, TILE * len(SCRATCH), TILE))
_END, _QUANTITIES = TILE * len(SCRATCH), len(QUANTITIES)
#: Columns that the state keeps, with their places there.
_KEPT = tuple((getattr(W, name), getattr(X, name)) for name in SCRATCH.names[:12])
#: Numbers of scratch of a row, and rows of it: behind the columns of a tile are the quantities of one row.
WORK_SIZE, WORK_ROWS = max(len(SCRATCH), len(QUANTITIES)), TILE + 1


def law_constants_of(row: Any) -> Any:
    """Return a law's row as a tuple; see :func:`gym_suite.motors.tiles.constants_of`."""
    return tuple(row)


@overload(law_constants_of)
def _law_constants_of(row):
    terms = "".join(f"row[{k}], " for k in range(len(LAW)))
    scope: dict[str, Any] = {}
    exec(f"def written_out(row):\n    return ({terms})", scope)
    return scope["written_out"]


def is_cascaded(row: np.ndarray) -> bool:
    """Return whether :data:`CASCADE_KERNELS` move a synchronous machine of these parameters.

    Args:
        row: Parameter row.
    """
    return row[P.control] == CONTROL_TORQUE and row[P.load_kind] == VEHICLE


# ------------------------------------------------------------------------------------------------- what a row brings


@kernel
def _take(x, u, skip, w, p, tables):
    """Command the currents of the rows of a tile, and read their states and what the equations read of them."""
    for k in range(x.shape[0]):
        row, own = x[k], p[parameter_row(p, k)]
        if not skip[k]:
            row[X.clipped] = clip_action(u[k])
            remember_action(row, u[k])
            command_currents(_GROUP, row, u[k], own[P.u_dc], own, tables)
        for place, j in _KEPT:
            w[place + k] = row[j]
        w[W.command_0 + k], w[W.command_1 + k] = row[X.command_0], row[X.command_1]
        w[W.tripped + k] = 0.0
        w[W.i_limit + k], w[W.u_dc + k] = own[P.i_limit], own[P.u_dc]
        machine = coefficients(_GROUP, own)
        for j in range(_MACHINE):
            w[W.machine_0 + TILE * j + k] = machine[j]


@kernel
def _give(x, skip, w):
    """Write what has changed into the rows that are not skipped."""
    for k in range(x.shape[0]):
        if skip[k]:
            continue
        row = x[k]
        for place, j in _KEPT:
            row[j] = w[place + k]
        row[X.u_sd], row[X.u_sq] = w[W.u_sd + k], w[W.u_sq + k]
        row[X.tripped] = w[W.tripped + k]


# ------------------------------------------------------------------------------------------------ stages of a period


@kernel
def _measure(key, step, ratio, j, w, constants, count):
    """Fill the currents that the controllers see in period j of a step, with the noise of their sensors."""
    for k in range(count):
        w[W.measured_0 + k], w[W.measured_1 + k] = w[W.i_sd + k], w[W.i_sq + k]
    if constants[P.noise_0] > 0.0 or constants[P.noise_2] > 0.0:
        for k in range(count):
            first, second = normal2(key[k], step[k] * ratio + j, STREAM_SENSOR)
            w[W.measured_0 + k] = w[W.i_sd + k] + constants[P.noise_0] * first
            w[W.measured_1 + k] = w[W.i_sq + k] + constants[P.noise_1] * second


@kernel
def _control(w, constants, law, count):
    """Sample the current controllers, and fill the voltages in the rotor's frame that act now."""
    for k in range(count):
        w[W.angle + k] = angle_ahead(law[P.p] * w[W.omega + k], law)
    turn_all(w, W.angle, W.cosine, W.sine, count)
    late = constants[P.dead_time] > 0.0
    for k in range(count):
        cosine, sine = w[W.cos_epsilon + k], w[W.sin_epsilon + k]
        ahead = rotate(cosine, sine, w[W.cosine + k], w[W.sine + k])
        i = w[W.measured_0 + k], w[W.measured_1 + k]
        references = w[W.command_0 + k], w[W.command_1 + k]
        integrals = w[W.integral_0 + k], w[W.integral_1 + k]
        _, v, _, learned = single_windings(
            i, references, w[W.omega + k], ahead, integrals, law, w[W.u_dc + k]
        )
        w[W.integral_0 + k], w[W.integral_1 + k] = learned[0], learned[1]
        held = w[W.held_0 + k], w[W.held_1 + k]
        w[W.held_0 + k] = v[0] if late else held[0]
        w[W.held_1 + k] = v[1] if late else held[1]
        alpha, beta = held[0] if late else v[0], held[1] if late else v[1]
        w[W.u_0 + k], w[W.u_1 + k] = rotate(alpha, beta, cosine, -sine)


@kernel
def _load(x, key, step, ratio, j, w, p, tables, count):
    """Disturb voltages and shafts in period j of a step, and fill what the shafts' equations read."""
    disturbed = tables[T.signals].shape[0] > SIGNAL_DISTURBANCE
    for k in range(count):
        own, tick, extra = p[parameter_row(p, k)], step[k] * ratio + j, 0.0
        if disturbed:
            t = tick * own[P.tau]
            extra = disturbance_of(tables, 0, key[k], t)
            w[W.u_0 + k] += disturbance_of(tables, 1, key[k], t)
            w[W.u_1 + k] += disturbance_of(tables, 2, key[k], t)
        load = carried(x[k], key[k], tick, extra, own, tables)
        for place in range(_SHAFT):
            w[W.shaft_0 + TILE * place + k] = load[place]


@kernel
def _integrate(w, constants, count):
    """Move speed and currents by one period."""
    for k in range(count):
        w[W.angle + k] = 0.5 * (w[W.machine_0 + k] * w[W.omega + k]) * constants[P.tau]
    turn_all(w, W.angle, W.cosine, W.sine, count)
    for k in range(count):
        w[W.u_sd + k], w[W.u_sq + k] = rotate(
            w[W.u_0 + k], w[W.u_1 + k], w[W.cosine + k], -w[W.sine + k]
        )
        w[W.angle + k] = 0.0
    steps = int(constants[P.substeps])
    h = constants[P.tau] / steps
    for _ in range(steps):
        for k in range(count):
            state = (
                w[W.omega + k],
                w[W.i_sd + k],
                w[W.i_sq + k],
                w[W.u_0 + k],
                w[W.u_1 + k],
                w[W.angle + k],
            )
            # Written out: the compiler vectorises no places that it has to add up.
            machine = (
                w[W.machine_0 + k],
                w[W.machine_1 + k],
                w[W.machine_2 + k],
                w[W.machine_3 + k],
                w[W.machine_4 + k],
                w[W.machine_5 + k],
                w[W.machine_6 + k],
            )
            load = (
                w[W.shaft_0 + k],
                w[W.shaft_1 + k],
                w[W.shaft_2 + k],
                w[W.shaft_3 + k],
                w[W.shaft_4 + k],
                w[W.shaft_5 + k],
            )
            after = runge_kutta(_GROUP, state, machine, load, 1.0, h)
            w[W.omega + k], w[W.i_sd + k], w[W.i_sq + k] = after[0], after[1], after[2]
            w[W.u_0 + k], w[W.u_1 + k], w[W.angle + k] = after[3], after[4], after[5]


@kernel
def _turn_on(w, count):
    """Move the angles by what has passed, and note loads, and where a current is beyond its limit."""
    turn_all(w, W.angle, W.cosine, W.sine, count)
    for k in range(count):
        turned = w[W.angle + k]
        w[W.epsilon + k] = wrap(w[W.epsilon + k] + turned)
        w[W.position + k] += turned / w[W.machine_0 + k]
        w[W.cos_epsilon + k], w[W.sin_epsilon + k] = turned_on(
            w[W.cos_epsilon + k], w[W.sin_epsilon + k], w[W.cosine + k], w[W.sine + k]
        )
        over = exceeds(w[W.i_sd + k], w[W.i_sq + k], w[W.i_limit + k])
        w[W.tripped + k] = 1.0 if over else w[W.tripped + k]
    for k in range(count):
        a, b, c, linear = (
            w[W.shaft_0 + k],
            w[W.shaft_1 + k],
            w[W.shaft_2 + k],
            w[W.shaft_3 + k],
        )
        w[W.torque_load + k] = load_torque(w[W.omega + k], a, b, c, linear) + w[W.shaft_4 + k]


# --------------------------------------------------------------------------------------------------------- the step


@kernel
def _advance(x, key, step, u, p, constants, law, tables, w, skip):
    """Move the rows of a tile by one control period; those to be skipped go along, and nothing of theirs is written."""
    count, ratio = x.shape[0], int(constants[P.ratio])
    _take(x, u, skip, w, p, tables)
    varied = tables[T.signals].shape[0] > SIGNAL_DISTURBANCE or tables[T.cycle].shape[1] > 2
    for j in range(ratio):
        _measure(key, step, ratio, j, w, constants, count)
        _control(w, constants, law, count)
        if varied or j == 0:
            _load(x, key, step, ratio, j, w, p, tables, count)
        _integrate(w, constants, count)
        _turn_on(w, count)
    _give(x, skip, w)


@kernel
def step_cascaded(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period, those of a tile at once, and judge them row by row."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    w = work.reshape(work.size)
    q = w[_END : _END + _QUANTITIES]
    constants, law = constants_of(p[0]), law_constants_of(tables[T.law][0])
    a, n = 0, x.shape[0]
    while a < n:
        if skip[a]:
            a += 1
            continue
        b = min((a // TILE + 1) * TILE, n)
        while skip[b - 1]:
            b -= 1
        own = p[a:b] if p.shape[0] > 1 else p
        _advance(x[a:b], key[a:b], step[a:b], u[a:b], own, constants, law, tables, w, skip[a:b])
        for i in range(a, b):
            if not skip[i]:
                judge_moved(_GROUP, i, x, key, step, p, tables, q, m, o, reward, terminated)
        a = b
    return wrong


#: The loops of synchronous machines that drive a vehicle under torque control.
CASCADE_KERNELS = replace(KERNELS[SYNCHRONOUS], step=step_cascaded)
