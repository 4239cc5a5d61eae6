"""The family's compiled functions: loops over the rows; see :class:`gym_suite.core.family.Kernels`.

Each is compiled when it is first called, so that nobody compiles what his setup does not need: the plain ones serve
drones that are alone, are given rotor speeds and are disturbed by nothing; the last ones serve another engine.
"""

from __future__ import annotations

from gym_suite.core.family import Kernels, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.drones.columns import PARAMETERS, TABLES
from gym_suite.drones.dynamics import advance_one, advance_plain_one, prepare, wrenches
from gym_suite.drones.references import refer_one
from gym_suite.drones.tasks import LAST, act_one, judge_one, reset_one, see_neighbours, show_one

P, T = PARAMETERS.places, TABLES.places


@kernel
def _count(p):
    """Return the number of drones in a world."""
    return int(p[0, P.drones])


@kernel
def _action_size(x, p):
    """Return how many numbers a drone's action has: it keeps one more of its last actions than are observed."""
    return (x.shape[1] // _count(p) - LAST) // (int(p[0, P.history]) + 1)


@kernel
def _begin_metrics(m):
    """Set all metrics of a world to 0."""
    for k in range(m.shape[0]):
        m[k] = 0.0


# ---------------------------------------------------------------------------------------------------- any setup


@kernel
def _show_all(agents, size, p, tables, work, m, o):
    show_one(agents, size, p, tables[T.observed], work, m, o)
    see_neighbours(agents, p, o)


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    count = _count(p)
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0])
        advance_one(agents, key[i], step[i], row, tables, work[i])
        step[i] += 1
        refer_one(agents, key[i], step[i], row, tables[T.path])
        judge_one(agents, size, row, m[:, i], reward[i], terminated[i])
        _show_all(agents, size, row, tables, work[i], m[:, i], o[i])
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    count = _count(p)
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            reset_one(worlds[i], key[i], row, tables[T.path])
            _begin_metrics(m[:, i])
            _show_all(worlds[i], size, row, tables, work[i], m[:, i], o[i])


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    count = _count(p)
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            _begin_metrics(m[:, i])
            _show_all(worlds[i], size, p[parameter_row(p, i)], tables, work[i], m[:, i], o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Physics alone; see :class:`gym_suite.core.family.Kernels`."""
    count = _count(p)
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0])
        advance_one(agents, key[i], step[i], row, tables, work[i])


# ------------------------------------------------------------------------------------------------- a plain setup


@kernel
def step_plain_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Do as :func:`step_batch` does for drones that are alone, given rotor speeds and disturbed by nothing."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0])
        advance_plain_one(agents[0], row, work[i])
        step[i] += 1
        refer_one(agents, key[i], step[i], row, tables[T.path])
        judge_one(agents, size, row, m[:, i], reward[i], terminated[i])
        show_one(agents, size, row, tables[T.observed], work[i], m[:, i], o[i])
    return -1


@kernel
def reset_plain_batch(x, key, p, tables, work, m, o, mask):
    """Do as :func:`reset_batch` does."""
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            reset_one(worlds[i], key[i], row, tables[T.path])
            _begin_metrics(m[:, i])
            show_one(worlds[i], size, row, tables[T.observed], work[i], m[:, i], o[i])


@kernel
def observe_plain_batch(x, key, step, p, tables, work, m, o, mask):
    """Do as :func:`observe_batch` does."""
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            _begin_metrics(m[:, i])
            show_one(worlds[i], size, row, tables[T.observed], work[i], m[:, i], o[i])


@kernel
def advance_plain_batch(x, key, step, u, p, tables, work):
    """Do as :func:`advance_batch` does."""
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0])
        advance_plain_one(agents[0], row, work[i])


ANY = Kernels(step=step_batch, reset=reset_batch, observe=observe_batch, advance=advance_batch)
PLAIN = Kernels(
    step=step_plain_batch,
    reset=reset_plain_batch,
    observe=observe_plain_batch,
    advance=advance_plain_batch,
)

# ------------------------------------------------------------------------------------------------ another engine


@kernel
def begin_batch(x, u, p, tables, skip):
    """Take the actions of all rows not skipped, for another engine; return as :func:`step_batch`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    count = _count(p)
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            act_one(worlds[i], size, u[i], p[parameter_row(p, i)], tables[T.nominal][0])
    return -1


@kernel
def forces_batch(x, key, step, tick, p, tables, work, out, skip):
    """Fill force and torque of every drone, (worlds, drones, 6), for another engine, of all rows not skipped.

    ``tick`` counts the physics steps within the control period.
    """
    count = _count(p)
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            prepare(worlds[i], key[i], step[i], tick, row, tables, work[i])
            wrenches(worlds[i], row, work[i], out[i])


@kernel
def finish_batch(x, key, step, p, tables, work, m, o, reward, terminated, skip):
    """Count, judge and observe all rows not skipped after another engine has moved them."""
    count = _count(p)
    size, worlds = _action_size(x, p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row, agents = p[parameter_row(p, i)], worlds[i]
            step[i] += 1
            refer_one(agents, key[i], step[i], row, tables[T.path])
            judge_one(agents, size, row, m[:, i], reward[i], terminated[i])
            _show_all(agents, size, row, tables, work[i], m[:, i], o[i])
