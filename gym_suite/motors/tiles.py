"""The step of many synchronous machines at once: tiles of rows, column by column, so that the compiler vectorises.

A row's step is a chain in which each operation waits for the one before, and its branches are the same for all rows of
a plain setup. Here a tile of :data:`TILE` rows goes through the step stage by stage: what a stage reads lies in columns
of scratch, one number per row side by side, and the stage is a loop over them without calls and branches, four or eight
rows in an instruction. The formulas are those of the rows, called here as there, and floating point is strict, so the
numbers are the same bit for bit. What is not plain (:func:`is_plain`) goes row by row.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from typing import Any

import numpy as np
from numba.extending import overload

from gym_suite.core.caches import MANY_ROWS, NUMBERS, fetch, store_past
from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import first_not_finite
from gym_suite.core.kernel import kernel
from gym_suite.motors.converters import stator_voltage
from gym_suite.motors.electrical import coefficients, exceeds, loss_of, runge_kutta, torque_of
from gym_suite.motors.loads import load_torque, shaft
from gym_suite.motors.loops import KERNELS
from gym_suite.motors.machines.base import SYNCHRONOUS, group_of
from gym_suite.motors.overmodulation import HEXAGON
from gym_suite.motors.parameters import CONSTANT_SPEED, POLYNOMIAL_STATIC
from gym_suite.motors.quantities import (
    CONTROL_TORQUE,
    PARAMETERS,
    QUANTITIES,
    REFERENCE_CYCLE,
    SIGNAL_DISTURBANCE,
    TOUCHED,
    K,
    P,
    T,
    X,
)
from gym_suite.motors.references import holds
from gym_suite.motors.tasks import bounded, earned, refer_one
from gym_suite.motors.transforms import (
    SMALL_ANGLE,
    rotate,
    small_turn,
    turn,
    turned_on,
    wrap,
)

TILE = 64  # rows; their scratch fits the first cache
_PARTS = 4  # in which the next tile's rows are asked for
_GROUP = group_of(SYNCHRONOUS)
_TOUCHED = len(TOUCHED)

#: What a tile keeps of its rows within a step: the quantities, and what is only needed on the way.
SCRATCH = QUANTITIES + Columns(
    Column("change", meaning="mean squared change of the last action"),
    Column("held_0", "V", meaning="voltage that waits for the next period"),
    Column("held_1", "V", meaning="voltage that waits for the next period"),
    Column("u_0", "V", meaning="d voltage at the beginning of the period"),
    Column("u_1", "V", meaning="q voltage at the beginning of the period"),
    Column("angle", "rad", meaning="an angle that passes"),
    Column("cosine", "1", meaning="its cosine"),
    Column("sine", "1", meaning="its sine"),
    Column("reward", "1", meaning="reward of the step"),
)
#: Where each of these columns begins in a tile's scratch.
W: Any = namedtuple("W", SCRATCH.names)(*range(0, TILE * len(SCRATCH), TILE))


def constants_of(row: Any) -> Any:
    """Return a parameter row as a tuple: what is computed of it alone the compiler takes out of the loops."""
    return tuple(row)


@overload(constants_of)
def _constants_of(row):
    terms = "".join(f"row[{k}], " for k in range(len(PARAMETERS)))
    scope: dict[str, Any] = {}
    exec(f"def written_out(row):\n    return ({terms})", scope)
    return scope["written_out"]


def is_plain(row: np.ndarray, signals: int, own_rows: bool) -> bool:
    """Return whether :data:`TILED_KERNELS` move a synchronous machine of these parameters.

    Args:
        row: Parameter row.
        signals: Rows of the table of signals.
        own_rows: Whether each world has parameters of its own.
    """
    return not (
        own_rows
        or signals > SIGNAL_DISTURBANCE
        or row[P.control] == CONTROL_TORQUE
        or row[P.load_kind] not in (CONSTANT_SPEED, POLYNOMIAL_STATIC)
        or row[P.reference_kind] == REFERENCE_CYCLE
        or row[P.constrained] > 0
        or row[P.preview] > 0
    )


# ------------------------------------------------------------------------------------------------ stages of the physics


@kernel
def _take(x, u, skip, w, p, count):
    """Read the rows of a tile and their actions, which are clipped."""
    for k in range(count):
        row = x[k]
        w[W.omega + k] = row[X.omega]
        w[W.epsilon + k] = row[X.epsilon]
        w[W.cos_epsilon + k] = row[X.cos_epsilon]
        w[W.sin_epsilon + k] = row[X.sin_epsilon]
        w[W.i_sd + k] = row[X.i_sd]
        w[W.i_sq + k] = row[X.i_sq]
        w[W.position + k] = row[X.position]
        w[W.torque_load + k] = row[X.torque_load]
        w[W.held_0 + k] = row[X.held_0]
        w[W.held_1 + k] = row[X.held_1]
    for k in range(count):
        w[W.violation + k] = w[W.clipped + k] = w[W.change + k] = 0.0
    for j in range(int(p[P.actions])):
        last = W.action_0 + TILE * j
        for k in range(count):
            w[last + k], w[W.angle + k] = x[k, X.action_0 + j], u[k, j]
        beyond = 0
        for k in range(count):
            asked = w[W.angle + k]
            action = bounded(asked, 1.0)
            difference = action - w[last + k]
            w[last + k] = action
            w[W.change + k] += difference * difference
            w[W.clipped + k] += 1.0 if action != asked else 0.0
            beyond += action != asked
        if beyond > 0:
            for k in range(count):
                if not skip[k]:
                    u[k, j] = w[last + k]
    for k in range(count):
        w[W.change + k] = w[W.change + k] / p[P.actions]


@kernel
def turn_all(w, angle, cosine, sine, count):
    """Fill cosine and sine of the angles of a tile, columns of its scratch that begin at these places."""
    large = 0
    for k in range(count):
        large += not abs(w[angle + k]) < SMALL_ANGLE
    if large == 0:
        for k in range(count):
            w[cosine + k], w[sine + k] = small_turn(w[angle + k])
    else:
        for k in range(count):
            w[cosine + k], w[sine + k] = turn(w[angle + k])


@kernel
def _command(w, p, count):
    """From actions to the voltages in the rotor's frame, those that have waited where there is a dead time."""
    for k in range(count):
        w[W.angle + k] = 0.5 * (p[P.p] * w[W.omega + k]) * p[P.tau]
    turn_all(w, W.angle, W.cosine, W.sine, count)
    late = p[P.dead_time] > 0.0
    for k in range(count):
        cosine, sine = w[W.cos_epsilon + k], w[W.sin_epsilon + k]
        half_cosine, half_sine = w[W.cosine + k], w[W.sine + k]
        u = w[W.action_0 + k], w[W.action_1 + k], w[W.action_2 + k]
        alpha, beta = stator_voltage(HEXAGON, u, cosine, sine, half_cosine, half_sine, p)
        held = w[W.held_0 + k], w[W.held_1 + k]
        w[W.held_0 + k] = alpha if late else held[0]
        w[W.held_1 + k] = beta if late else held[1]
        alpha, beta = held[0] if late else alpha, held[1] if late else beta
        u_d, u_q = rotate(alpha, beta, cosine, -sine)
        w[W.u_sd + k], w[W.u_sq + k] = rotate(u_d, u_q, half_cosine, -half_sine)
        w[W.u_0 + k], w[W.u_1 + k] = u_d, u_q
        w[W.angle + k] = 0.0


@kernel
def _integrate(w, coefficient, load, p, count):
    """Move speed and currents by one period."""
    steps = int(p[P.substeps])
    h = p[P.tau] / steps
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
            after = runge_kutta(_GROUP, state, coefficient, load, 1.0, h)
            w[W.omega + k], w[W.i_sd + k], w[W.i_sq + k] = after[0], after[1], after[2]
            w[W.u_0 + k], w[W.u_1 + k], w[W.angle + k] = after[3], after[4], after[5]


@kernel
def _turn_on(w, p, count):
    """Move the angle by what has passed, and note where a current is beyond its limit."""
    turn_all(w, W.angle, W.cosine, W.sine, count)
    for k in range(count):
        turned = w[W.angle + k]
        w[W.epsilon + k] = wrap(w[W.epsilon + k] + turned)
        w[W.position + k] += turned / p[P.p]
        w[W.cos_epsilon + k], w[W.sin_epsilon + k] = turned_on(
            w[W.cos_epsilon + k], w[W.sin_epsilon + k], w[W.cosine + k], w[W.sine + k]
        )
        over = exceeds(w[W.i_sd + k], w[W.i_sq + k], p[P.i_limit])
        w[W.violation + k] = 1.0 if over else w[W.violation + k]


@kernel
def _move(w, p, count):
    """Move a tile by one inverter period, as :func:`gym_suite.motors.dynamics.advance_one` does with a row."""
    _command(w, p, count)
    coefficient = coefficients(_GROUP, p)
    if int(p[P.load_kind]) == CONSTANT_SPEED:
        _integrate(w, coefficient, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), p, count)
    else:
        load = shaft(p, 0.0)
        _integrate(w, coefficient, load, p, count)
        a, b, c, linear, extra, _ = load
        for k in range(count):
            w[W.torque_load + k] = load_torque(w[W.omega + k], a, b, c, linear) + extra
    _turn_on(w, p, count)


@kernel
def _give(x, skip, w, p, count):
    """Write what has changed into the rows that are not skipped."""
    for k in range(count):
        if skip[k]:
            continue
        row = x[k]
        row[X.epsilon] = w[W.epsilon + k]
        row[X.cos_epsilon] = w[W.cos_epsilon + k]
        row[X.sin_epsilon] = w[W.sin_epsilon + k]
        row[X.i_sd] = w[W.i_sd + k]
        row[X.i_sq] = w[W.i_sq + k]
        row[X.position] = w[W.position + k]
        row[X.held_0] = w[W.held_0 + k]
        row[X.held_1] = w[W.held_1 + k]
        row[X.u_sd] = w[W.u_sd + k]
        row[X.u_sq] = w[W.u_sq + k]
        row[X.tripped] = w[W.violation + k]
        row[X.change] = w[W.change + k]
        row[X.clipped] = w[W.clipped + k]
        for j in range(int(p[P.actions])):
            row[X.action_0 + j] = w[W.action_0 + TILE * j + k]
    if int(p[P.load_kind]) != CONSTANT_SPEED:
        for k in range(count):
            if not skip[k]:
                x[k, X.omega], x[k, X.torque_load] = w[W.omega + k], w[W.torque_load + k]


# --------------------------------------------------------------------------------------------------- stages of the task


@kernel
def _earn(value, reference, error, gain, reward, factor, weight, exponent):
    """Fill the error of one tracked quantity and what it earns, and add that to the reward."""
    for k in range(value.shape[0]):
        error[k] = reference[k] - value[k]
        gain[k] = weight * earned(abs(error[k]) * factor, exponent)
        reward[k] += gain[k]


@kernel
def _judge(w, p, tables, count):
    """Fill the quantities that follow from the state, and the reward, as judge_one does with a row."""
    task = tables[T.task]
    for k in range(count):
        w[W.torque + k] = torque_of(_GROUP, (w[W.i_sd + k], w[W.i_sq + k], 0.0, 0.0), p)
        w[W.reward + k] = 0.0
    exponent, reward = p[P.error_exponent], w[W.reward : W.reward + count]
    for j in range(int(p[P.tracked])):
        place = TILE * int(task[j, K.tracked])
        value = w[place : place + count]
        place = W.reference_0 + TILE * j
        reference = w[place : place + count]
        place = W.error_0 + TILE * j
        error = w[place : place + count]
        place = W.earned_0 + TILE * j
        gain = w[place : place + count]
        factor, weight = task[j, K.tracked_factor], task[j, K.tracked_weight]
        # Told apart here, because a power is a call that the compiler does not vectorise.
        if exponent == 0.5:
            _earn(value, reference, error, gain, reward, factor, weight, 0.5)
        elif exponent == 1.0:
            _earn(value, reference, error, gain, reward, factor, weight, 1.0)
        else:
            _earn(value, reference, error, gain, reward, factor, weight, exponent)
    if p[P.weight_effort] > 0.0:
        for k in range(count):
            w[W.reward_effort + k] = 0.0
        for j in range(int(p[P.actions])):
            for k in range(count):
                action = w[W.action_0 + TILE * j + k]
                w[W.reward_effort + k] += action * action
    for k in range(count):
        loss = effort = 0.0
        if p[P.weight_loss] > 0.0:
            i = w[W.i_sd + k], w[W.i_sq + k], 0.0, 0.0
            loss = -p[P.weight_loss] * loss_of(_GROUP, i, p)
        if p[P.weight_effort] > 0.0:
            effort = -p[P.weight_effort] * w[W.reward_effort + k] / p[P.actions]
        smoothness = -p[P.weight_smoothness] * w[W.change + k]
        trip = -p[P.penalty_trip] if w[W.violation + k] > 0.0 else 0.0
        w[W.reward_loss + k], w[W.reward_effort + k] = loss, effort
        w[W.reward_smoothness + k], w[W.reward_trip + k] = smoothness, trip
        w[W.reward + k] = w[W.reward + k] + loss + effort + smoothness + trip


@kernel
def _tell(w, p, tables, first, m, o, reward, terminated, skip, count):
    """Hand out metrics, observations, rewards and flags of the rows from the first on."""
    task = tables[T.task]
    for j in range(int(p[P.told])):
        place = TILE * int(task[j, K.told])
        value, told = w[place : place + count], m[j][first : first + count]
        if m.shape[1] < MANY_ROWS:
            for k in range(count):
                told[k] = value[k]
        else:
            for k in range(count):
                store_past(told, k, value[k])
    for j in range(int(p[P.observed])):
        place = TILE * int(task[j, K.observed])
        value = w[place : place + count]
        factor, bound = task[j, K.observed_factor], task[j, K.observed_bound]
        for k in range(count):
            w[W.angle + k] = bounded(value[k] * factor, bound)
        for k in range(count):
            o[k, j] = w[W.angle + k]
    for k in range(count):
        if not skip[k]:
            reward[k, 0], terminated[k, 0] = w[W.reward + k], w[W.violation + k] > 0.0


@kernel
def _refer(x, key, step, skip, w, row, p, tables, count):
    """Count the step, and set the references that hold from here on."""
    steady = int(p[P.ratio]) == 1
    for k in range(count):
        moved = 0 if skip[k] else 1
        step[k] += moved
        same = steady and step[k] > 0 and holds(step[k], p)
        w[W.angle + k] = 0.0 if same else float(moved)
    for k in range(count):
        if w[W.angle + k] > 0.0:
            refer_one(_GROUP, x[k], key[k], step[k], row, tables)
    for j in range(int(p[P.tracked])):
        for k in range(count):
            w[W.reference_0 + TILE * j + k] = x[k, X.reference_0 + j]


@kernel
def _fetch_next(x, part, many):
    """Ask for a part of the next tile's rows: a few at a time, while the processor computes."""
    if many:
        first = TILE + part * (TILE // _PARTS)
        for k in range(first, first + TILE // _PARTS):
            for j in range(0, _TOUCHED, NUMBERS):
                fetch(x, k, j)


@kernel
def _step_tile(x, key, step, u, p, constants, tables, w, first, m, o, reward, terminated, skip):
    """Advance, judge and observe the rows of a tile.

    Those to be skipped go along, and nothing of theirs is written but metrics and observations, which nobody reads
    before such a row is reset.
    """
    count, many = x.shape[0], m.shape[1] >= MANY_ROWS
    _take(x, u, skip, w, constants, count)
    _fetch_next(x, 0, many)
    for _ in range(int(constants[P.ratio])):
        _move(w, constants, count)
    _fetch_next(x, 1, many)
    _give(x, skip, w, constants, count)
    _fetch_next(x, 2, many)
    _refer(x, key, step, skip, w, p, constants, tables, count)
    _fetch_next(x, 3, many)
    _judge(w, constants, tables, count)
    _tell(w, constants, tables, first, m, o, reward, terminated, skip, count)


@kernel
def step_tiled(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period, those of a tile at once.

    Tiles lie where cache lines do. Each begins and ends with a row that is not skipped: threads, of which each skips
    the others' rows, meet nowhere.
    """
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    w, constants = work.reshape(work.size), constants_of(p[0])
    a, n = 0, x.shape[0]
    while a < n:
        if skip[a]:
            a += 1
            continue
        b = min((a // TILE + 1) * TILE, n)
        while skip[b - 1]:
            b -= 1
        _step_tile(
            x[a:b],
            key[a:b],
            step[a:b],
            u[a:b],
            p[0],
            constants,
            tables,
            w,
            a,
            m,
            o[a:b],
            reward[a:b],
            terminated[a:b],
            skip[a:b],
        )
        a = b
    return wrong


#: The loops of plain synchronous machines.
TILED_KERNELS = replace(KERNELS[SYNCHRONOUS], step=step_tiled)
