"""What runs behind the loops of a setup that asks for more: each pass over the rows is compiled for those alone.

A pass is a compiled loop of the form ``pass(x, key, step, p, tables, work, m, o, reward, terminated, mask, when)`` over
the masked rows, after they have moved, begun or been observed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_suite.core.family import parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.drones import tables as T
from gym_suite.drones.adversity import tell_health
from gym_suite.drones.columns import (
    ADVERSITY,
    AIM,
    GROUP,
    PARAMETERS,
    SCRATCH,
    SENSORS,
    WORLD_SCRATCH,
    YAW,
)
from gym_suite.drones.groups import LEAD, follow_leader
from gym_suite.drones.headings import (
    judge_earning_one,
    judge_heading_one,
    point,
    show_heading_one,
)
from gym_suite.drones.loops import (
    AIMED,
    DroneKernels,
    action_size,
    drone_count,
    show_aimed,
    show_all,
)
from gym_suite.drones.obstacles import look
from gym_suite.drones.sensors import measure, remember
from gym_suite.drones.tasks import LAST
from gym_suite.drones.together import TOGETHER, show_together

P, S, A, G, Y = PARAMETERS.places, SENSORS.places, AIM.places, GROUP.places, YAW.places
_NUMBERS = len(SENSORS)
#: Where in the scratch of a drone that is alone an episode's numbers of :data:`ADVERSITY` stand, and how many.
_DRAWN, _DRAWN_SIZE = len(SCRATCH) + WORLD_SCRATCH.places.drawn_0, len(ADVERSITY)

#: When a pass runs: rows have been moved by one control period, begun, or only observed.
MOVED, BEGUN, SHOWN = range(3)

Pass = Callable[..., None]


@dataclass(frozen=True)
class Followed:
    """The loops of a setup with passes behind them.

    Attributes:
        loops: The loops.
        passes: In the order in which they run.
    """

    loops: DroneKernels
    passes: tuple[Pass, ...]

    @property
    def kernels(self) -> DroneKernels:
        """The functions of a setup."""
        return DroneKernels(
            step=self.step,
            reset=self.reset,
            observe=self.observe,
            advance=self.loops.advance,
            begin=self.loops.begin,
            finish=self.finish,
        )

    def step(self, *given: Any) -> int:
        """Do as :attr:`gym_suite.core.family.Kernels.step`."""
        x, key, step, _, p, tables, work, m, o, reward, terminated, skip = given
        wrong = self.loops.step(*given)
        if wrong < 0:
            moved = x, key, step, p, tables, work, m, o, reward, terminated, ~skip, MOVED
            for run in self.passes:
                run(*moved)
        return wrong

    def finish(self, *given: Any) -> None:
        """Do as :attr:`gym_suite.drones.loops.DroneKernels.finish`."""
        *others, skip = given
        self.loops.finish(*given)
        for run in self.passes:
            run(*others, ~skip, MOVED)

    def reset(self, *given: Any) -> None:
        """Do as :attr:`gym_suite.core.family.Kernels.reset`."""
        x, key, *others, mask = given
        self.loops.reset(*given)
        self._show(x, key, np.zeros(len(x), np.int64), *others, mask, when=BEGUN)

    def observe(self, *given: Any) -> None:
        """Do as :attr:`gym_suite.core.family.Kernels.observe`."""
        self.loops.observe(*given)
        self._show(*given, when=SHOWN)

    def _show(self, *given: Any, when: int) -> None:
        """Run the passes where nothing is judged."""
        x, key, step, p, tables, work, m, o, mask = given
        earned = np.zeros((len(x), int(p[0, P.drones])))
        for run in self.passes:
            run(x, key, step, p, tables, work, m, o, earned, earned > 0.0, mask, when)


# ---------------------------------------------------------------------------------------------------- headings


@kernel
def _point_all(agents, key, step, p, tables):
    """Say where the drones of a world are to head."""
    t = step * p[P.ratio] * p[P.dt]
    for j in range(agents.shape[0]):
        point(agents[j], key, t, tables[T.yaw][0], tables[T.yaw_rows])


@kernel
def _show_headings(agents, size, p, tables, m, o):
    """Show where the drones of a world are to head, and by how much they do not."""
    at = tables[T.observed].shape[0] + int(p[P.history]) * size
    show_heading_one(agents, tables[T.yaw][0], at, m, o)


@kernel
def turn_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Say where the drones of the masked rows are to head, pay for it and show it."""
    count, size, place = drone_count(p), action_size(p), int(tables[T.yaw][0, Y.place])
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row, agents = p[parameter_row(p, i)], worlds[i]
            if when != SHOWN:
                _point_all(agents, key[i], step[i], row, tables)
            if when == MOVED:
                judge_heading_one(agents, place, size, row, m[:, i], reward[i])
            _show_headings(agents, size, row, tables, m[:, i], o[i])


@kernel
def turn_earning_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Do as :func:`turn_batch` does for drones with an aim and for pursuers, who earn by more than nearness."""
    count, size, place = drone_count(p), action_size(p), int(tables[T.yaw][0, Y.place])
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row, agents = p[parameter_row(p, i)], worlds[i]
            if when != SHOWN:
                _point_all(agents, key[i], step[i], row, tables)
            if when == MOVED:
                judge_earning_one(agents, place, size, row, m[:, i], reward[i])
            _show_headings(agents, size, row, tables, m[:, i], o[i])


@kernel
def tell_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Show the drones of the masked rows, each alone, which of their rotors has lost how much."""
    size = action_size(p)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            at = tables[T.observed].shape[0] + int(row[P.history]) * size
            t = step[i] * row[P.ratio] * row[P.dt]
            numbers = work[i][_DRAWN : _DRAWN + _DRAWN_SIZE]
            tell_health(key[i], t, tables[T.adversity], tables[T.rotors], numbers, o[i], at)


# ------------------------------------------------------------------------------------------------ the depth camera


@kernel
def see_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Show the drones of the masked rows, each alone, what a row of its depth camera sees of the field."""
    aim = tables[T.aim][0]
    at = o.shape[1] - int(aim[A.beams])
    for i in range(x.shape[0]):
        if mask[i]:
            look(x[i], p[parameter_row(p, i)], aim, o[i], at)


# ---------------------------------------------------------------------------------------------------- the sensors


def sensing_size(columns: int, metrics: int) -> int:
    """Return how many numbers of scratch the sensors take behind a world's own: metrics, their numbers, a state."""
    return metrics + _NUMBERS + columns


@kernel
def _look(agents, key, step, size, p, tables, work, m, when):
    """Return the copy of a world that its sensors show, and where in the scratch its metrics are kept meanwhile."""
    sensors, count, width = tables[T.sensors], agents.shape[0], agents.shape[1]
    first = LAST + (int(p[P.history]) + 1) * size
    latency = int(sensors[0, S.latency])
    if latency > 0 and when != SHOWN:
        for j in range(count):
            remember(agents[j], first, latency, when == BEGUN)
    begin = work.shape[0] - count * width
    seen, numbers = work[begin:].reshape(count, width), work[begin - _NUMBERS : begin]
    measure(agents, key, step, first, sensors, numbers, seen)
    kept = begin - _NUMBERS - m.shape[0]
    for k in range(m.shape[0]):
        work[kept + k] = m[k]
    return seen, kept


@kernel
def _put_back(work, kept, m):
    """Give a world the metrics of its true state back."""
    for k in range(m.shape[0]):
        m[k] = work[kept + k]


@kernel
def sense_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Observe the masked rows anew as their sensors show them."""
    if tables[T.sensors].shape[0] == 0:
        return
    count, size = drone_count(p), action_size(p)
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            seen, kept = _look(
                worlds[i], key[i], step[i], size, row, tables, work[i], m[:, i], when
            )
            show_all(seen, size, row, tables, work[i], m[:, i], o[i])
            _put_back(work[i], kept, m[:, i])


@kernel
def sense_aimed_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Do as :func:`sense_batch` does for drones with an aim."""
    if tables[T.sensors].shape[0] == 0:
        return
    size, worlds = action_size(p), x.reshape(x.shape[0], 1, x.shape[1])
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            seen, kept = _look(
                worlds[i], key[i], step[i], size, row, tables, work[i], m[:, i], when
            )
            show_aimed(seen, key[i], size, row, tables, work[i], m[:, i], o[i])
            _put_back(work[i], kept, m[:, i])


@kernel
def sense_together_batch(x, key, step, p, tables, work, m, o, reward, terminated, mask, when):
    """Do as :func:`sense_batch` does for a group, whose followers see their leader through its sensors too."""
    if tables[T.sensors].shape[0] == 0:
        return
    count, size = drone_count(p), action_size(p)
    worlds = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            seen, kept = _look(
                worlds[i], key[i], step[i], size, row, tables, work[i], m[:, i], when
            )
            if int(tables[T.group][0, G.kind]) == LEAD:
                follow_leader(seen, tables[T.places])
            show_together(seen, size, row, tables, work[i], m[:, i], o[i])
            _put_back(work[i], kept, m[:, i])


def sensing(loops: DroneKernels) -> Pass:
    """Return the pass of the sensors behind some loops."""
    if loops is TOGETHER:
        return sense_together_batch
    return sense_aimed_batch if loops is AIMED else sense_batch
