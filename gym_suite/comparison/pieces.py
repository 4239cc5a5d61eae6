"""Pieces of work that take too long, in parts: by agents, by settings, by trainings, and at last by episodes.

How long a batch of jobs takes is not known before some of its control periods have been run: it is watched while it
runs, and ended early where it would take more than :data:`MOST` and parts of it would not be more work. Cheap agents
stay together; a planner by sampling ends up in parts of a few episodes. What comes out is the same, for a result
depends on its episode alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from gym_suite.comparison.rollouts import Job
from gym_suite.comparison.seats import Tick, TooLong
from gym_suite.comparison.worlds import World, make

__all__ = ["MOST", "Cost", "Watch", "parts_of"]

MOST = 20.0
"""Seconds that a piece of work is to take at most; it takes longer where parts of it would be more work."""

LOOK = 0.3
"""Seconds of stepping after which it is told how long a piece of work takes: lost where it is then done in parts."""

CALL = 2e-4
"""Seconds that a control period of a piece takes however few rows it has. Measured with 10 rows of cheap agents on a
busy machine: 0.07 to 0.25 ms, of an idle one less."""

GROWTH = 0.05
"""Share by which the work may grow where it is done in parts."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a piece of work takes.

    Attributes:
        setup: seconds before its first control period, which every part of it may take anew.
        stepping: seconds of all its control periods.
        steps: control periods of an episode.
    """

    setup: float
    stepping: float
    steps: int

    @property
    def seconds(self) -> float:
        """Seconds of all of it."""
        return self.setup + self.stepping

    @property
    def parts(self) -> int:
        """In how many parts it is to be done."""
        again = self.setup + CALL * self.steps
        affordable = 1 + int(GROWTH * self.seconds / again)
        return max(1, min(affordable, math.ceil(self.seconds / MOST)))


def parts_of(jobs: Sequence[Job], count: int) -> list[tuple[Job, ...]]:
    """Jobs in parts: agents apart, of one agent its settings, then its trainings, and of one job its episodes.

    Only what differs first is told apart: each part may be done in parts again. Jobs keep their order, in which
    :func:`gym_suite.comparison.company.execute_all` takes them.

    Args:
        jobs: of a batch, agent by agent.
        count: most parts.
    """
    for differs in (_name, _setting, _training):
        kinds = list(dict.fromkeys(map(differs, jobs)))
        if len(kinds) > 1:
            return [
                tuple(job for job in jobs if differs(job) in kinds[begin:end])
                for begin, end in _cuts(len(kinds), count)
            ]
    (job,) = jobs
    return [(_of_seeds(job, job.seeds[a:b]),) for a, b in _cuts(len(job.seeds), count)]


def _name(job: Job) -> str:
    return job.agent.name


def _setting(job: Job) -> str:
    return repr(job.setting)


def _training(job: Job) -> tuple[Any, ...]:
    return job.agent.training_seed, job.agent.identity


def _cuts(items: int, count: int) -> list[tuple[int, int]]:
    """Begin and end of each of at most so many parts of some items."""
    parts = max(1, min(items, count))
    return list(pairwise(items * k // parts for k in range(parts + 1)))


def _of_seeds(job: Job, seeds: tuple[int, ...]) -> Job:
    """A job with some of its seeds."""
    kept = tuple(seed for seed in job.kept if seed in seeds)
    shown = job.shown if job.shown in seeds else None
    return replace(job, seeds=seeds, kept=kept, shown=shown)


class Watch:
    """Told how far a piece of work is, ends one that is to be done in parts, early and once.

    Args:
        jobs: of the piece.
        tick: is told too.
    """

    def __init__(self, jobs: Sequence[Job], tick: Tick | None) -> None:
        self._jobs, self._tick = jobs, tick or (lambda share: None)
        self._begin, self._first = time.perf_counter(), (0.0, 0.0)
        self._looks: Callable[[float], None] = self._look_first

    def __call__(self, share: float) -> None:
        """Take the share that is done.

        Raises:
            TooLong: the piece is to be done in parts.
        """
        self._tick(share)
        self._looks(share)

    def _look_first(self, share: float) -> None:
        """Begin to reckon behind the first control periods, which compile what is not compiled."""
        self._first = time.perf_counter(), share
        self._looks = self._look

    def _look(self, share: float) -> None:
        begin, before = self._first
        passed = time.perf_counter() - begin
        if passed < LOOK or share <= before:
            return
        self._looks = lambda share: None
        setup, stepping = begin - self._begin, passed / (share - before)
        if setup + stepping <= MOST:
            return
        cost = Cost(setup, stepping, _steps(self._jobs[0]))
        parts = parts_of(self._jobs, cost.parts)
        if len(parts) > 1:
            raise TooLong(parts)


def _steps(job: Job) -> int:
    """Control periods of an episode of a job."""
    with closing(make(job.id, job.setting.keywords, job.horizon)) as env:
        return World.of(env, job.horizon).limit
