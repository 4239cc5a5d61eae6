"""Agents at their rows of a vector environment, and the episodes that they run there.

Rows that have ended go on with episodes that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.batching import each_part, first_state
from gym_suite.comparison.worlds import World
from gym_suite.core.observations import row_of

__all__ = ["TIMED_CALLS", "Episodes", "Seat", "Tick", "roll"]

TIMED_CALLS = 200
"""Calls of predict over which the time per action is measured, one row each."""

Tick = Callable[[float], None]


@dataclass(slots=True)
class Episodes:
    """Recorded rows: columns (T, n), lengths (n,), whether each ended by termination, and at its goal (n,).

    Of one row all that is watched is recorded too, (T,).
    """

    columns: dict[str, NDArray[np.float64]]
    lengths: NDArray[np.intp]
    terminated: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    observations: list[Any] = field(default_factory=list)
    watched: dict[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(slots=True)
class Seat:
    """An agent at its rows of a vector environment.

    Attributes:
        agent: as loaded.
        acting: what acts in its place on the rows, such that nobody's company matters.
        seeds: of its episodes, a row each.
        shown: place of the one that is to be shown among them, or None.
        action: what it did last.
        seen: first observations of its first row.
        watched: what is watched of its row that is to be shown, a row a period.
    """

    agent: Any
    acting: Any
    seeds: tuple[int, ...]
    shown: int | None = None
    state: Any = None
    action: Any = None
    seen: list[Any] = field(default_factory=list)
    watched: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        """Begin with the memory that its seeds give it."""
        self.state = first_state(self.acting, self.seeds)

    def act(self, observation: Any, start: NDArray[np.bool_]) -> Any:
        """Choose the actions of its rows."""
        action, self.state = self.acting.predict(observation, self.state, start, True)
        return action


def roll(envs: Any, seats: Sequence[Seat], world: World, tick: Tick) -> list[Episodes]:
    """Run one episode per row until the last has ended, and watch the row of each seat that is to be shown.

    The seats follow each other in the rows, each with as many as it has seeds, which are as many for all.

    Args:
        envs: vector environment of all rows.
        seats: who acts on them.
        world: what is recorded.
        tick: told the share of the steps that is done, now and then.
    """
    each = len(seats[0].seeds)
    names, limit, n = world.recorded, world.limit, each * len(seats)
    values = np.zeros((limit + 1, len(names), n))
    rewards = np.zeros((limit + 1, n))
    lengths = np.zeros(n, dtype=np.intp)
    terminated = np.zeros(n, dtype=np.bool_)
    reached = np.zeros(n, dtype=np.bool_)
    running = np.ones(n, dtype=np.bool_)
    start = np.ones(n, dtype=np.bool_)
    over = np.zeros(n, dtype=np.bool_)
    own = [slice(first, first + each) for first in range(0, n, each)]
    observation, infos = envs.reset(seed=[seed for seat in seats for seed in seat.seeds])
    for i, name in enumerate(names):
        values[0, i] = infos[name]
    shown = [
        (seat, rows.start + seat.shown)
        for seat, rows in zip(seats, own, strict=True)
        if seat.shown is not None
    ]
    for seat, rows in zip(seats, own, strict=True):
        seat.seen = [row_of(observation, rows.start)]
        seat.watched = np.zeros((limit + 1, len(world.watched)))
    for seat, row in shown:
        seat.watched[0] = _watch(envs, infos, world, row)
    report_every = max(limit // 50, 1)
    step = 0
    while running.any() and step < limit:
        step += 1
        observation, reward, ended, cut, infos = envs.step(
            _actions(seats, own, observation, start, running)
        )
        for i, name in enumerate(names):
            values[step, i] = infos[name]
        for seat, row in shown:
            if running[row]:
                seat.watched[step] = _watch(envs, infos, world, row)
        rewards[step] = reward
        lengths += running
        terminated |= ended & running
        if world.success:
            reached |= ended & running & (infos[world.success] > world.least_success)
        over, before = ended | cut, over
        running &= ~over
        # A row begins anew after its end or, where the next step resets it, one later; that matters to nobody else.
        start = over | before
        for seat, rows in zip(seats, own, strict=True):
            if len(seat.seen) < TIMED_CALLS and running[rows.start]:
                seat.seen.append(row_of(observation, rows.start))
        if step % report_every == 0:
            tick(step / limit)
    columns = {name: values[: step + 1, i] for i, name in enumerate(names)}
    columns["reward"] = rewards[: step + 1]
    return [
        Episodes(
            {name: column[:, rows] for name, column in columns.items()},
            lengths[rows],
            terminated[rows],
            reached[rows],
            seat.seen,
            dict(zip(world.watched, seat.watched[: step + 1].T, strict=True)),
        )
        for seat, rows in zip(seats, own, strict=True)
    ]


def _actions(
    seats: Sequence[Seat],
    own: Sequence[slice],
    observation: Any,
    start: NDArray[np.bool_],
    running: NDArray[np.bool_],
) -> Any:
    """What all rows do; a seat whose episodes have all ended does what it did last."""
    if len(seats) == 1:
        return seats[0].act(observation, start)
    parts = []
    for seat, rows in zip(seats, own, strict=True):
        if running[rows].any():
            seat.action = seat.act(
                each_part(observation, lambda part, r=rows: part[r]), start[rows]
            )
        parts.append(seat.action)
    return np.concatenate(parts)


def _watch(envs: Any, infos: Mapping[str, Any], world: World, row: int) -> list[float]:
    """What is watched of a row, in the order of its names."""
    if not world.watched:
        return []
    now = envs.unwrapped.state() | infos
    return [float(now[name][row]) for name in world.watched]
