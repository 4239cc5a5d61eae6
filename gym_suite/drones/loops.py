"""The family's compiled functions: loops over the rows; see :class:`gym_suite.core.family.Kernels`.

Each is compiled when it is first called, so that nobody compiles what his setup does not need: the plain ones serve
drones that are alone, are given rotor speeds and are disturbed by nothing; others serve another engine, and drones with
aims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gym_suite.core.family import Kernels, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.drones import tables as T
from gym_suite.drones.aims import judge_aim_one, reset_aim_one, show_aim_one
from gym_suite.drones.columns import PARAMETERS
from gym_suite.drones.contacts import forget_neighbours
from gym_suite.drones.dynamics import advance_one, advance_plain_one, fly, prepare, wrenches
from gym_suite.drones.motion import constants
from gym_suite.drones.references import refer_one
from gym_suite.drones.tasks import act_one, judge_one, reset_one, see_neighbours, show_one

P = PARAMETERS.places


@kernel
def drone_count(p):
    """Return the number of drones in a world."""
    return int(p[0, P.drones])


@kernel
def action_size(p):
    """Return how many numbers a drone's action has."""
    return int(p[0, P.action_size])


@kernel
def begin_metrics(m):
    """Set all metrics of a world to 0."""
    for k in range(m.shape[0]):
        m[k] = 0.0


# ---------------------------------------------------------------------------------------------------- any setup


@kernel
def show_all(agents, size, p, tables, work, m, o):
    """Fill metrics and observations of a world."""
    show_one(agents, size, p, tables[T.observed], tables[T.rotors], work, m, o)
    see_neighbours(agents, p, o)


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
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
        refer_one(agents, key[i], step[i], row, tables[T.path])
        judge_one(agents, size, row, m[:, i], reward[i], terminated[i])
        show_all(agents, size, row, tables, work[i], m[:, i], o[i])
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            reset_one(worlds[i], key[i], row, tables[T.path], tables[T.rotors])
            begin_metrics(m[:, i])
            show_all(worlds[i], size, row, tables, work[i], m[:, i], o[i])


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            begin_metrics(m[:, i])
            show_all(worlds[i], size, p[parameter_row(p, i)], tables, work[i], m[:, i], o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Physics alone; see :class:`gym_suite.core.family.Kernels`."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0], tables[T.rotors])
        advance_one(agents, key[i], step[i], row, tables, work[i])


# ------------------------------------------------------------------------------------------------- a plain setup


@kernel
def step_plain_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Do as :func:`step_batch` does for drones that are alone, given rotor speeds and disturbed by nothing."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0], tables[T.rotors])
        advance_plain_one(agents[0], row, tables[T.rotors], work[i])
        step[i] += 1
        refer_one(agents, key[i], step[i], row, tables[T.path])
        judge_one(agents, size, row, m[:, i], reward[i], terminated[i])
        show_one(agents, size, row, tables[T.observed], tables[T.rotors], work[i], m[:, i], o[i])
    return -1


@kernel
def reset_plain_batch(x, key, p, tables, work, m, o, mask):
    """Do as :func:`reset_batch` does."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            reset_one(worlds[i], key[i], row, tables[T.path], tables[T.rotors])
            begin_metrics(m[:, i])
            agents = worlds[i]
            show_one(
                agents, size, row, tables[T.observed], tables[T.rotors], work[i], m[:, i], o[i]
            )


@kernel
def observe_plain_batch(x, key, step, p, tables, work, m, o, mask):
    """Do as :func:`observe_batch` does."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            begin_metrics(m[:, i])
            agents = worlds[i]
            show_one(
                agents, size, row, tables[T.observed], tables[T.rotors], work[i], m[:, i], o[i]
            )


@kernel
def advance_plain_batch(x, key, step, u, p, tables, work):
    """Do as :func:`advance_batch` does."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0], tables[T.rotors])
        advance_plain_one(agents[0], row, tables[T.rotors], work[i])


# ------------------------------------------------------------------------------------------------ another engine


@kernel
def begin_batch(x, u, p, tables, skip):
    """Take the actions of all rows not skipped, for another engine; return as :func:`step_batch`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            act_one(worlds[i], size, u[i], row, tables[T.nominal][0], tables[T.rotors])
    return -1


@kernel
def forces_batch(x, key, step, tick, p, tables, work, out, skip):
    """Fill force and torque of every drone, (worlds, drones, 6), for another engine, of all rows not skipped.

    ``tick`` counts the physics steps within the control period.
    """
    count = drone_count(p)
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            prepare(worlds[i], key[i], step[i], tick, row, tables, work[i])
            wrenches(worlds[i], row, tables[T.rotors], work[i], out[i])


@kernel
def fly_tick_batch(x, key, step, tick, p, tables, work, skip):
    """Fly physics step ``tick`` of a control period under rotor commands that another engine has set.

    The parameters are those of the rows, with rotor speeds as what is commanded.
    """
    count = drone_count(p)
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            forget_neighbours(worlds[i], work[i])
            prepare(worlds[i], key[i], step[i], tick, row, tables, work[i])
            fly(worlds[i], row, constants(row), tables[T.rotors], work[i])


@kernel
def finish_batch(x, key, step, p, tables, work, m, o, reward, terminated, skip):
    """Count, judge and observe all rows not skipped after another engine has moved them."""
    count = drone_count(p)
    size, worlds = action_size(p), x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row, agents = p[parameter_row(p, i)], worlds[i]
            step[i] += 1
            refer_one(agents, key[i], step[i], row, tables[T.path])
            judge_one(agents, size, row, m[:, i], reward[i], terminated[i])
            show_all(agents, size, row, tables, work[i], m[:, i], o[i])


# ---------------------------------------------------------------------------------------------- a drone with an aim


@kernel
def show_aimed(agents, key, size, p, tables, work, m, o):
    """Do as :func:`show_all` does for a drone with an aim."""
    show_one(agents, size, p, tables[T.observed], tables[T.rotors], work, m, o)
    show_aim_one(agents, key, p, tables[T.aim][0], tables[T.gates], m, o)


@kernel
def _finish_aimed(agents, key, step, size, p, tables, work, m, o, reward, terminated):
    """Judge and observe a drone that has been moved."""
    aim, gates = tables[T.aim][0], tables[T.gates]
    judge_aim_one(agents, size, key, step, p, aim, gates, m, reward, terminated)
    show_aimed(agents, key, size, p, tables, work, m, o)


@kernel
def step_aimed_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Do as :func:`step_batch` does for drones with an aim."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0], tables[T.rotors])
        advance_one(agents, key[i], step[i], row, tables, work[i])
        step[i] += 1
        _finish_aimed(
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
def reset_aimed_batch(x, key, p, tables, work, m, o, mask):
    """Do as :func:`reset_batch` does for drones with an aim."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            aim, gates = tables[T.aim][0], tables[T.gates]
            reset_aim_one(worlds[i], key[i], row, tables[T.path], tables[T.rotors], aim, gates)
            begin_metrics(m[:, i])
            show_aimed(worlds[i], key[i], size, row, tables, work[i], m[:, i], o[i])


@kernel
def observe_aimed_batch(x, key, step, p, tables, work, m, o, mask):
    """Do as :func:`observe_batch` does for drones with an aim."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            begin_metrics(m[:, i])
            show_aimed(worlds[i], key[i], size, row, tables, work[i], m[:, i], o[i])


@kernel
def advance_aimed_batch(x, key, step, u, p, tables, work):
    """Do as :func:`advance_batch` does for drones with an aim."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        row, agents = p[parameter_row(p, i)], worlds[i]
        act_one(agents, size, u[i], row, tables[T.nominal][0], tables[T.rotors])
        advance_one(agents, key[i], step[i], row, tables, work[i])


@kernel
def begin_aimed_batch(x, u, p, tables, skip):
    """Do as :func:`begin_batch` does for drones with an aim."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            act_one(worlds[i], size, u[i], row, tables[T.nominal][0], tables[T.rotors])
    return -1


@kernel
def finish_aimed_batch(x, key, step, p, tables, work, m, o, reward, terminated, skip):
    """Do as :func:`finish_batch` does for drones with an aim."""
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            step[i] += 1
            _finish_aimed(
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


# ---------------------------------------------------------------------------------------------- which there are


@dataclass(frozen=True, slots=True)
class DroneKernels(Kernels):
    """The functions of a setup, with those that another engine needs before and after it has moved the drones.

    Attributes:
        begin: Takes actions; see :func:`begin_batch`.
        finish: Judges and observes; see :func:`finish_batch`.
    """

    begin: Callable[..., int]
    finish: Callable[..., None]


ANY = DroneKernels(
    step=step_batch,
    reset=reset_batch,
    observe=observe_batch,
    advance=advance_batch,
    begin=begin_batch,
    finish=finish_batch,
)
PLAIN = Kernels(
    step=step_plain_batch,
    reset=reset_plain_batch,
    observe=observe_plain_batch,
    advance=advance_plain_batch,
)
AIMED = DroneKernels(
    step=step_aimed_batch,
    reset=reset_aimed_batch,
    observe=observe_aimed_batch,
    advance=advance_aimed_batch,
    begin=begin_aimed_batch,
    finish=finish_aimed_batch,
)
