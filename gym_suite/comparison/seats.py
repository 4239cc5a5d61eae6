"""Agents at their rows of a vector environment, and the episodes that they run there.

Rows that have ended rest where their environment knows how, and go on with episodes that nobody looks at elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.abreast import Abreast, Joined
from gym_suite.comparison.batching import FixedBatches, StackedBatches, each_part, first_state
from gym_suite.comparison.worlds import World
from gym_suite.controllers.protocol import keeps_to_its_rows
from gym_suite.core.observations import row_of
from gym_suite.learning.stacked import shape_of, stacked

__all__ = ["TIMED_CALLS", "Episodes", "Seat", "Tick", "TooLong", "part_of", "roll"]

TIMED_CALLS = 200
"""Calls of predict over which the time per action is measured, one row each."""

REPORT = 0.1
"""Seconds of stepping between two reports of how far it is."""

Tick = Callable[[float], None]


class TooLong(Exception):
    """Ends a piece of work that is to be done in parts; what is told how far it is may raise it.

    Args:
        parts: batches of jobs, in its place.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        super().__init__(f"to be done in {len(parts)} parts")
        self.parts = parts


def part_of(tick: Tick, done: int, count: int) -> Tick:
    """What one of several equal parts, done one after the other, tells how far it is.

    Args:
        tick: told the share of all parts that is done.
        done: parts before it.
        count: of parts.
    """
    return lambda share: tick((done + share) / count)


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
        state: memory of what acts, when it begins.
        seen: first observations of its first row.
    """

    agent: Any
    acting: Any
    seeds: tuple[int, ...]
    shown: int | None = None
    state: Any = None
    seen: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the memory that its seeds give it."""
        self.state = first_state(self.acting, self.seeds)


def roll(envs: Any, seats: Sequence[Seat], world: World, tick: Tick) -> list[Episodes]:
    """Run one episode per row until the last has ended, and watch the row of each seat that is to be shown.

    The seats follow each other in the rows, each with as many as it has seeds, which are as many for all.

    Args:
        envs: vector environment of all rows.
        seats: who acts on them.
        world: what is recorded.
        tick: told the share of the steps that is done, now and then.

    Raises:
        TooLong: what is told says so.
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
    benches = _benches_of(seats, own)
    observation, infos = envs.reset(seed=[seed for seat in seats for seed in seat.seeds])
    for i, name in enumerate(names):
        values[0, i] = infos[name]
    shown = {
        k: rows.start + seat.shown
        for k, (seat, rows) in enumerate(zip(seats, own, strict=True))
        if seat.shown is not None
    }
    watched = np.zeros((limit + 1, len(world.watched), len(shown)))
    places: list[Any] = list(shown.values())
    if isinstance(envs, Abreast):
        places = envs.places(places)
    for seat, rows in zip(seats, own, strict=True):
        seat.seen = [row_of(observation, rows.start)]
    _watch(envs, infos, world, places, watched[0])
    step, told = 0, time.perf_counter()
    while running.any() and step < limit:
        step += 1
        observation, reward, ended, cut, infos = envs.step(
            _actions(benches, observation, start, running)
        )
        for i, name in enumerate(names):
            values[step, i] = infos[name]
        _watch(envs, infos, world, places, watched[step])
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
        now = time.perf_counter()
        if now - told >= REPORT:
            told = now
            tick(step / limit)
    columns = {name: values[: step + 1, i] for i, name in enumerate(names)}
    columns["reward"] = rewards[: step + 1]
    seen_of = dict(zip(shown, np.moveaxis(watched[: step + 1], 2, 0), strict=True))
    return [
        Episodes(
            {name: column[:, rows] for name, column in columns.items()},
            lengths[rows],
            terminated[rows],
            reached[rows],
            seat.seen,
            dict(zip(world.watched, seen_of[k].T, strict=True)) if k in seen_of else {},
        )
        for k, (seat, rows) in enumerate(zip(seats, own, strict=True))
    ]


@dataclass(slots=True)
class _Bench:
    """Who acts by one call, on rows next to each other.

    Attributes:
        acting: what acts.
        rows: on which.
        state: its memory.
        apart: whether it keeps to its rows, so that it can be spared those whose episodes have ended.
        action: what it did last.
    """

    acting: Any
    rows: slice
    state: Any = None
    apart: bool = False
    action: Any = None

    def act(
        self, observation: Any, start: NDArray[np.bool_], running: NDArray[np.bool_]
    ) -> NDArray[Any]:
        """Choose the actions of its rows, of all observations; rows that have ended may do what they did last."""
        awake = running[self.rows]
        count = np.count_nonzero(awake)  # ten times as fast as any()
        if not count:
            return self.action
        seen, begins = each_part(observation, lambda part: part[self.rows]), start[self.rows]
        if isinstance(self.acting, StackedBatches) and count < len(awake):
            self.acting.attend(awake)
        if not self.apart or self.action is None or count == len(awake):
            self.action, self.state = self.acting.predict(seen, self.state, begins, True)
            return self.action
        action, state = self.acting.predict(
            each_part(seen, lambda part: part[awake]), self.state[awake], begins[awake], True
        )
        self.action, self.state = self.action.copy(), self.state.copy()
        self.action[awake], self.state[awake] = action, state
        return self.action


def _benches_of(seats: Sequence[Seat], own: Sequence[slice]) -> list[_Bench]:
    """Return the seats; those of one agent, or of policies of one shape, that follow each other as one."""
    benches: list[_Bench] = []
    pairs = list(zip(seats, own, strict=True))
    for _, group in groupby(pairs, key=lambda pair: _kind(pair[0])):
        run = list(group)
        first, rows = run[0][0], slice(run[0][1].start, run[-1][1].stop)
        stack = stacked([seat.agent for seat, _ in run])
        if first.acting is first.agent:
            benches.append(_Bench(first.acting, rows, first.state, keeps_to_its_rows(first.agent)))
        elif stack is None:
            benches += [_Bench(seat.acting, rows, seat.state) for seat, rows in run]
        else:
            benches.append(_Bench(StackedBatches(stack, first.seeds), rows))
    return benches


def _kind(seat: Seat) -> Any:
    """Return what seats that follow each other have the same if one call acts for all of them.

    An agent that draws tells rows apart that begin alike, as the same seeds under two settings do.
    """
    shape = shape_of(seat.agent) if isinstance(seat.acting, FixedBatches) else None
    own = seat.acting if seat.state is None else seat
    return id(own) if shape is None else shape


def _actions(
    benches: Sequence[_Bench],
    observation: Any,
    start: NDArray[np.bool_],
    running: NDArray[np.bool_],
) -> Any:
    """What all rows do."""
    parts = [bench.act(observation, start, running) for bench in benches]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _watch(
    envs: Any,
    infos: Mapping[str, Any],
    world: World,
    places: list[Any],
    out: NDArray[np.float64],
) -> None:
    """Put down what is watched of the rows that are shown, (names, rows), in the order of the names."""
    if not out.size:
        return
    missing = [name for name in world.watched if name not in infos]
    states = envs.unwrapped.state(missing) if missing else {}
    for k, name in enumerate(world.watched):
        found = states if name in missing else infos
        out[k] = found.at(name, places) if isinstance(found, Joined) else found[name][places]
