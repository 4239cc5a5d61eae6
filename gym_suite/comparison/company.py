"""Jobs of a comparison beside each other: agents of one id under several settings, in as few calls as they allow."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gym_suite.comparison.abreast import Abreast
from gym_suite.comparison.rollouts import Job, Outcome, execute, failed_records, outcome_of
from gym_suite.comparison.seats import Seat, Tick, TooLong, part_of, roll
from gym_suite.comparison.worlds import World, make, make_many
from gym_suite.teams import Team

__all__ = ["batches_of", "execute_all"]

ROWS = 1024
"""Most rows that the episodes of several agents fill together."""

CELLS = 4_000_000
"""Most periods of all rows together: each keeps some numbers until its episode is judged."""

BATCHES = 2
"""Batches that each worker is to have, where there are agents enough: at the end the others wait for the last."""


# ----------------------------------------------------------------------------------------------- who shares


def batches_of(jobs: Sequence[Job], workers: int) -> list[tuple[Job, ...]]:
    """Jobs in batches that :func:`execute_all` takes; few are shared out, so that every worker has some.

    A batch holds each of its agents under each of its settings, agent by agent.

    Args:
        jobs: what to run.
        workers: how many work at once.
    """
    groups = [part for alike in _alike(jobs) for part in _bounded(alike)]
    parts = 1 if workers == 1 else -(-BATCHES * workers // max(1, len(groups)))
    batches: list[tuple[Job, ...]] = []
    for agents in groups:
        most = max(1, ROWS // _rows(agents[0]))
        count = max(-(-len(agents) // most), min(parts, len(agents)))
        cuts = [len(agents) * i // count for i in range(count + 1)]
        batches += [
            tuple(job for own in agents[begin:end] for job in own) for begin, end in pairwise(cuts)
        ]
    return batches


def _alike(jobs: Sequence[Job]) -> list[list[list[Job]]]:
    """Return groups of agents that are to run under the same settings; of each agent its jobs, by these."""
    found: dict[Any, dict[Any, list[Job]]] = {}
    for job in jobs:
        shared = (job.id, job.horizon, job.seeds) if job.shares else id(job)
        agent = job.agent.name, job.agent.training_seed, job.agent.identity
        found.setdefault(shared, {}).setdefault(agent, []).append(job)
    groups: list[list[list[Job]]] = []
    for agents in found.values():
        by_settings: dict[tuple[str, ...], list[list[Job]]] = {}
        for own in agents.values():
            by_settings.setdefault(tuple(_told(job) for job in own), []).append(own)
        groups += by_settings.values()
    return groups


def _bounded(agents: list[list[Job]]) -> list[list[list[Job]]]:
    """Return a group as it is, or setting by setting where all settings of an agent are too many rows."""
    if _rows(agents[0]) <= ROWS:
        return [agents]
    return [[[job] for job in of_setting] for of_setting in zip(*agents, strict=True)]


def _rows(jobs: Sequence[Job]) -> int:
    return sum(len(job.seeds) for job in jobs)


def _told(job: Job) -> str:
    return json.dumps(job.setting.as_dict(), sort_keys=True, default=repr)


# ----------------------------------------------------------------------------------------------- what they do


def execute_all(jobs: tuple[Job, ...], tick: Tick | None = None) -> list[Outcome]:
    """Run jobs of one id, horizon and seeds, beside each other where they share; the results are the same.

    Args:
        jobs: what to run, one of :func:`batches_of`.
        tick: told the share of them that is done, now and then.

    Raises:
        TooLong: what is told says so.
    """
    tick = tick or (lambda share: None)
    if len(jobs) > 1:
        try:
            if jobs[0].refusal:
                return [Outcome(failed_records(job, job.refusal)) for job in jobs]
            return _execute_beside(jobs, tick)
        except TooLong:
            raise
        except Exception:  # whose fault it is shows when each runs by itself
            pass
    return _one_by_one(jobs, tick)


def _one_by_one(jobs: Sequence[Job], tick: Tick) -> list[Outcome]:
    return [execute(job, part_of(tick, done, len(jobs))) for done, job in enumerate(jobs)]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where jobs of one setting run: a single environment, and what a comparison has to know of it."""

    env: Any
    world: World

    @classmethod
    def of(cls, job: Job) -> _Place:
        env = make(job.id, job.setting.keywords, job.horizon)
        return cls(env, World.of(env, job.horizon))

    @property
    def moved_elsewhere(self) -> bool:
        """Whether another engine than the kernels moves the worlds, so many of which would fill the memory."""
        return getattr(getattr(self.env.unwrapped, "setup", None), "engine", None) is not None


def _execute_beside(jobs: Sequence[Job], tick: Tick) -> list[Outcome]:
    """Run jobs in a vector environment per setting, all of which are seen as one."""
    count = len({_told(job) for job in jobs})
    places = [_Place.of(job) for job in jobs[:count]]
    try:
        world = places[0].world
        if any(place.moved_elsewhere for place in places):
            return _one_by_one(jobs, tick)
        if count > 1 and any(place.world != world for place in places):
            return _in_parts(jobs, [range(k, len(jobs), count) for k in range(count)], tick)
        if len(jobs) > count and _rows(jobs) * world.limit > CELLS:
            half = count * (len(jobs) // count // 2)
            return _in_parts(jobs, [range(half), range(half, len(jobs))], tick)
        if count > 1 and _rows(jobs) * world.limit > CELLS:
            return _one_by_one(jobs, tick)
        return _execute_at(places, jobs, tick)
    finally:
        for place in places:
            place.env.close()


def _in_parts(jobs: Sequence[Job], parts: Sequence[range], tick: Tick) -> list[Outcome]:
    """Run jobs in parts, one after the other; the outcomes are in the order of the jobs."""
    outcomes: dict[int, Outcome] = {}
    for done, part in enumerate(parts):
        found = _execute_beside([jobs[k] for k in part], part_of(tick, done, len(parts)))
        outcomes |= dict(zip(part, found, strict=True))
    return [outcomes[k] for k in range(len(jobs))]


def _execute_at(places: Sequence[_Place], jobs: Sequence[Job], tick: Tick) -> list[Outcome]:
    """Run jobs, each agent's under all settings, whose places they are; who looks into the worlds runs by itself."""
    agents: list[Any] = []
    for first in range(0, len(jobs), len(places)):
        own = jobs[first : first + len(places)]
        agents += _alike_as_one(
            [job.agent.load(place.env) for job, place in zip(own, places, strict=True)]
        )
    seats: dict[int, Seat] = {}
    for k, (job, agent) in enumerate(zip(jobs, agents, strict=True)):
        if getattr(agent, "information", None) != "state" and not isinstance(agent, Team):
            seats[k] = job.seat(agent, batched=True)
    outcomes: dict[int, Outcome] = {}
    apart = [k for k in range(len(jobs)) if k not in seats]
    parts = len(apart) + bool(seats)
    if seats:
        first, each = jobs[0], len(jobs[0].seeds)
        rows = each * len(seats) // len(places)
        worlds = [
            make_many(first.id, rows, job.setting.keywords, first.horizon, resting=True)
            for job in jobs[: len(places)]
        ]
        with closing(worlds[0] if len(worlds) == 1 else Abreast(worlds, each)) as envs:
            found = roll(envs, list(seats.values()), places[0].world, part_of(tick, 0, parts))
        for (k, seat), episodes in zip(seats.items(), found, strict=True):
            outcomes[k] = outcome_of(jobs[k], seat, episodes, places[0].world, places[0].env)
    for done, k in enumerate(apart, bool(seats)):
        outcomes[k] = execute(jobs[k], part_of(tick, done, parts))
    return [outcomes[k] for k in range(len(jobs))]


def _alike_as_one(agents: Sequence[Any]) -> list[Any]:
    """Return the agents of several settings, those that are the same to the last bit as one object.

    Most controllers know the nominal plant alone, which is that of every setting.
    """
    known: dict[bytes, Any] = {}
    found: list[Any] = []
    for agent in agents:
        try:
            found.append(known.setdefault(pickle.dumps(agent), agent))
        except Exception:  # nothing says that it is the same
            found.append(agent)
    return found
