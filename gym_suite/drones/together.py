"""The compiled loops of several drones that do something together; see :mod:`gym_suite.drones.groups`.

They stand beside those of :mod:`gym_suite.drones.loops`, so that nobody else compiles them.
"""

from __future__ import annotations

from gym_suite.core.family import first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.drones import tables as T
from gym_suite.drones.columns import PARAMETERS, YAW_OBSERVATIONS
from gym_suite.drones.dynamics import advance_one
from gym_suite.drones.groups import judge_group_one, reset_group_one, show_group_one
from gym_suite.drones.loops import (
    DroneKernels,
    action_size,
    advance_batch,
    begin_batch,
    begin_metrics,
    drone_count,
    show_all,
)
from gym_suite.drones.tasks import FIRST_DRONE, PER_DRONE, act_one

P, HEADING_SIZE = PARAMETERS.places, len(YAW_OBSERVATIONS)


@kernel
def show_together(agents, size, p, tables, work, m, o):
    """Do as :func:`gym_suite.drones.loops.show_all` does for several drones that do something together."""
    show_all(agents, size, p, tables, work, m, o)
    first = FIRST_DRONE + agents.shape[0] * PER_DRONE
    # behind the last actions and the headings, where some are wanted
    at = tables[T.observed].shape[0] + int(p[P.history]) * size
    at += HEADING_SIZE * tables[T.yaw].shape[0]
    show_group_one(agents, at, p, tables[T.group][0], tables[T.rotors], first, m, o)


@kernel
def _finish_together(agents, key, step, size, p, tables, work, m, o, reward, terminated):
    """Judge and observe drones that have been moved."""
    judge_group_one(
        agents,
        size,
        key,
        step,
        p,
        tables[T.path],
        tables[T.group][0],
        tables[T.places],
        m,
        reward,
        terminated,
    )
    show_together(agents, size, p, tables, work, m, o)


@kernel
def step_together_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Do as :func:`gym_suite.drones.loops.step_batch` does."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0], tables[T.rotors])
        advance_one(agents, key[i], step[i], row, tables, work[i])
        step[i] += 1
        _finish_together(
            agents,
            key[i],
            step[i],
            size,
            row,
            tables,
            work[i],
            m[:, i],
            o[i],
            reward[i],
            terminated[i],
        )
    return -1


@kernel
def reset_together_batch(x, key, p, tables, work, m, o, mask):
    """Do as :func:`gym_suite.drones.loops.reset_batch` does."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            group, places = tables[T.group][0], tables[T.places]
            reset_group_one(worlds[i], key[i], row, tables[T.path], tables[T.rotors], group, places)
            begin_metrics(m[:, i])
            show_together(worlds[i], size, row, tables, work[i], m[:, i], o[i])


@kernel
def observe_together_batch(x, key, step, p, tables, work, m, o, mask):
    """Do as :func:`gym_suite.drones.loops.observe_batch` does."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            begin_metrics(m[:, i])
            show_together(worlds[i], size, row, tables, work[i], m[:, i], o[i])


@kernel
def finish_together_batch(x, key, step, p, tables, work, m, o, reward, terminated, skip):
    """Do as :func:`gym_suite.drones.loops.finish_batch` does."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            step[i] += 1
            _finish_together(
                worlds[i],
                key[i],
                step[i],
                size,
                row,
                tables,
                work[i],
                m[:, i],
                o[i],
                reward[i],
                terminated[i],
            )


TOGETHER = DroneKernels(
    step=step_together_batch,
    reset=reset_together_batch,
    observe=observe_together_batch,
    advance=advance_batch,
    begin=begin_batch,
    finish=finish_together_batch,
)
