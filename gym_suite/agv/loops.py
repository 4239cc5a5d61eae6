"""The explicit loops over rows, each compiled when it is first called; see :class:`gym_suite.core.family.Kernels`.

There are two sets of them. ``ALONE`` is for floors on which a lidar that does not err sees nothing move: one vehicle
and its target, undisturbed, on maps whose walls' sides are kept. They do what those of ``TOGETHER`` would do and
compile in half the time. ``TOGETHER`` is for all others.
"""

from __future__ import annotations

from gym_suite.agv.dynamics import advance_alone, advance_one
from gym_suite.agv.lidar import scan_alone, scan_one
from gym_suite.agv.parameters import P
from gym_suite.agv.tasks import (
    blur_ranges,
    describe_one,
    judge_one,
    move_targets,
    observe_one,
    reset_alone,
    reset_one,
    scratch_size,
    take_actions,
)
from gym_suite.core.family import Kernels, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel

# ---------------------------------------------------------------------------------------------------- one vehicle alone


@kernel
def _look_alone(x, p, tables, work):
    scan_alone(x, p, tables, work[: int(p[P.lidar_beams])])
    describe_one(x, p, work)


@kernel
def _step_alone(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        q, row, own, metrics = p[parameter_row(p, i)], x[i], work[i], m[:, i]
        take_actions(row, u[i], q)
        move_targets(row, key[i], step[i], q, tables)
        advance_alone(row, u[i], q, tables)
        _look_alone(row, q, tables, own)
        judge_one(row, q, own, metrics, reward[i], terminated[i])
        observe_one(row, q, tables, own, metrics, o[i])
        step[i] += 1
    return -1


@kernel
def _reset_alone(x, key, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            q, row, own, metrics = p[parameter_row(p, i)], x[i], work[i], m[:, i]
            reset_alone(row, key[i], q, tables)
            metrics[:] = 0.0
            _look_alone(row, q, tables, own)
            observe_one(row, q, tables, own, metrics, o[i])


@kernel
def _observe_alone(x, key, step, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            q, row, own, metrics = p[parameter_row(p, i)], x[i], work[i], m[:, i]
            metrics[:] = 0.0
            _look_alone(row, q, tables, own)
            observe_one(row, q, tables, own, metrics, o[i])


@kernel
def _advance_alone(x, key, step, u, p, tables, work):
    for i in range(x.shape[0]):
        advance_alone(x[i], u[i], p[parameter_row(p, i)], tables)


# --------------------------------------------------------------------------------------------------------- all together


@kernel
def _look(x, p, tables, work):
    beams = int(p[P.lidar_beams])
    for who in range(int(p[P.agents])):
        at = scratch_size(p) * who
        scan_one(x, who, p, tables, work[at : at + beams])
    describe_one(x, p, work)


@kernel
def _step(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        q, row, own, metrics = p[parameter_row(p, i)], x[i], work[i], m[:, i]
        take_actions(row, u[i], q)
        move_targets(row, key[i], step[i], q, tables)
        advance_one(row, key[i], step[i], u[i], q, tables)
        _look(row, q, tables, own)
        judge_one(row, q, own, metrics, reward[i], terminated[i])
        observe_one(row, q, tables, own, metrics, o[i])
        step[i] += 1
        blur_ranges(key[i], step[i], q, own, o[i])
    return -1


@kernel
def _reset(x, key, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            q, row, own, metrics = p[parameter_row(p, i)], x[i], work[i], m[:, i]
            reset_one(row, key[i], q, tables)
            metrics[:] = 0.0
            _look(row, q, tables, own)
            observe_one(row, q, tables, own, metrics, o[i])
            blur_ranges(key[i], 0, q, own, o[i])


@kernel
def _observe(x, key, step, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            q, row, own, metrics = p[parameter_row(p, i)], x[i], work[i], m[:, i]
            metrics[:] = 0.0
            _look(row, q, tables, own)
            observe_one(row, q, tables, own, metrics, o[i])
            blur_ranges(key[i], step[i], q, own, o[i])


@kernel
def _advance(x, key, step, u, p, tables, work):
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)


ALONE = Kernels(
    step=_step_alone, reset=_reset_alone, observe=_observe_alone, advance=_advance_alone
)
TOGETHER = Kernels(step=_step, reset=_reset, observe=_observe, advance=_advance)
