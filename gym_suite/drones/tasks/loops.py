"""The family's compiled functions: loops over the rows; see :class:`gym_suite.core.family.Kernels`."""

from __future__ import annotations

from gym_suite.core.family import first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.drones.contacts import WORK_SIZE, WORLD_SIZE
from gym_suite.drones.dynamics import fly, integration_step, inverses, rotor_memory, wrenches
from gym_suite.drones.tasks.commands import keep_action, prepare
from gym_suite.drones.tasks.judgement import judge_one, measure_one
from gym_suite.drones.tasks.layout import HISTORY, P_HISTORY, P_RATIO
from gym_suite.drones.tasks.observation import observe_one
from gym_suite.drones.tasks.reference import refer
from gym_suite.drones.tasks.start import reset_one


@kernel
def begin_one(agents, u, p, work):
    """Take the action of one world; keep the one before in ``work`` behind the physics' scratch."""
    count = agents.shape[0]
    size = u.shape[0] // count
    at = count * WORK_SIZE + WORLD_SIZE
    for j in range(count):
        for k in range(size):
            work[at + j * size + k] = agents[j, HISTORY + k]
        keep_action(agents[j], u[j * size : (j + 1) * size], p)


@kernel
def finish_one(agents, size, key, step, p, tables, work, m, o, reward, terminated):
    """Refer, judge, measure and observe one world at control period ``step``."""
    count = agents.shape[0]
    for j in range(count):
        refer(agents[j], j, count, key, step, p, tables)
    judge_one(agents, work[count * WORK_SIZE + WORLD_SIZE :], size, p, m, reward, terminated)
    measure_one(agents, p, m)
    _observe_all(agents, size, p, o)


@kernel
def _observe_all(agents, size, p, o):
    count = agents.shape[0]
    columns = o.shape[0] // count
    for j in range(count):
        observe_one(agents, j, size, p, o[j * columns : (j + 1) * columns])


@kernel
def advance_one(agents, key, step, u, p, tables, work):
    """Move one world by one control period."""
    begin_one(agents, u, p, work)
    inverse, kept = inverses(p), rotor_memory(p, integration_step(p))
    for k in range(int(p[P_RATIO])):
        prepare(agents, key, step, k, p, tables)
        fly(agents, p, inverse, kept, work)


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    count = reward.shape[1]
    size = u.shape[1] // count
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row = p[parameter_row(p, i)]
        agents = drones[i]
        advance_one(agents, key[i], step[i], u[i], row, tables, work[i])
        step[i] += 1
        finish_one(
            agents,
            size,
            key[i],
            step[i],
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
def begin_batch(x, u, p, work, skip, count):
    """Take the actions of all rows not skipped, for another engine; return as :func:`step_batch`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            begin_one(drones[i], u[i], row, work[i])
    return -1


@kernel
def finish_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Count, judge and observe all rows not skipped after another engine has moved them."""
    count = reward.shape[1]
    size = u.shape[1] // count
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            step[i] += 1
            finish_one(
                drones[i],
                size,
                key[i],
                step[i],
                row,
                tables,
                work[i],
                m[:, i],
                o[i],
                reward[i],
                terminated[i],
            )


@kernel
def _count(p):
    return int(p[0, p.shape[1] - 1])


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    count = _count(p)
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            agents = drones[i]
            reset_one(agents, key[i], row, tables, work[i])
            _show(agents, row, m[:, i], o[i])


@kernel
def _show(agents, p, m, o):
    m[:] = 0.0
    measure_one(agents, p, m)
    width = agents.shape[1] - HISTORY
    _observe_all(agents, width // int(p[P_HISTORY]), p, o)


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    count = _count(p)
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            _show(drones[i], row, m[:, i], o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Physics alone; see :class:`gym_suite.core.family.Kernels`."""
    count = _count(p)
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        row = p[parameter_row(p, i)]
        advance_one(drones[i], key[i], step[i], u[i], row, tables, work[i])


@kernel
def forces_batch(x, key, step, tick, p, tables, work, out, skip):
    """Fill force and torque of every drone, (worlds, drones, 6), for another engine, of all rows not skipped.

    ``tick`` counts the physics steps within the control period.
    """
    count = out.shape[1]
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            prepare(drones[i], key[i], step[i], tick, row, tables)
            wrenches(drones[i], row, work[i], out[i])
