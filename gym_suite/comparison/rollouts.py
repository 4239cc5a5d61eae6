"""Episodes of an agent: all seeds as rows of the vector environment.

Rows of the vector environment equal single environments bit for bit, and :mod:`gym_suite.comparison.batching` keeps
agents from acting otherwise beside others, so an episode's result depends on its seed alone.
"""

from __future__ import annotations

import math
import sysconfig
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.batching import FixedBatches, OneByOne
from gym_suite.comparison.experiments import Run, provenance, sources_of
from gym_suite.comparison.metrics import episode_metrics
from gym_suite.comparison.seats import (
    TIMED_CALLS,
    Episodes,
    Seat,
    Tick,
    TooLong,
    part_of,
    roll,
)
from gym_suite.comparison.settings import Setting
from gym_suite.comparison.sources import PolicySource
from gym_suite.comparison.text import visible
from gym_suite.comparison.worlds import World, make, make_many
from gym_suite.core.marks import Total
from gym_suite.core.trajectory import Trajectory
from gym_suite.registration import catalogue
from gym_suite.teams import show_world, takes_rows

__all__ = [
    "Job",
    "Outcome",
    "curve_stride",
    "execute",
    "failed_records",
    "outcome_of",
]

CURVE_POINTS = 400
"""Most points of a kept curve of what an episode has earned by a time."""


@dataclass(frozen=True, slots=True)
class Job:
    """The runs of one agent under one setting, to be done in one place.

    Attributes:
        id: environment id.
        setting: keywords of the environment.
        horizon: control periods after which an episode is cut, None for the id's own limit.
        agent: who acts.
        seeds: episode seeds still to be run.
        kept: those whose trajectory is kept.
        shown: the one of these that is kept with all that is watched of an episode, or None.
        sources: of the package by which its results are known, those here where it is made: a machine with others
            does not run it.
    """

    id: str
    setting: Setting
    horizon: int | None
    agent: AgentSpec
    seeds: tuple[int, ...]
    kept: tuple[int, ...] = ()
    shown: int | None = None
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.sources:
            object.__setattr__(self, "sources", sources_of(self.id))

    def run(self, seed: int) -> Run:
        """The run of one seed."""
        return Run(self.id, self.setting, seed, self.horizon, self.agent, self.sources)

    @property
    def refusal(self) -> str:
        """Why it is not run here, in words: what came out would be of other sources; empty where it is run."""
        here = sources_of(self.id)
        if self.sources == here:
            return ""
        versions = "" if self.sources[0] == here[0] else f" ({here[0]} and {self.sources[0]})"
        return (
            f"the package, Python or Numba is another here than where the comparison was ordered{versions}: install "
            "the same"
        )

    def seat(self, agent: Any, batched: bool) -> Seat:
        """A place at rows of a vector environment for the agent, as loaded.

        Args:
            agent: of the job.
            batched: whether it takes several rows at once.
        """
        ours = self.agent.kind in ("controller", "baseline")
        acting: Any = OneByOne(agent)
        if batched and (ours or getattr(agent, "information", None) == "state"):
            acting = agent  # whoever looks at the worlds needs as many rows as there are worlds
        elif batched:
            acting = FixedBatches(agent, self.seeds)
        shown = self.seeds.index(self.shown) if self.shown in self.seeds else None
        return Seat(agent, acting, self.seeds, shown)

    @property
    def shares(self) -> bool:
        """Whether its rows may stand beside those of others.

        So may those of the package's own controllers and policies of the one agent of an environment, which act on
        their rows alone. Whatever a user brings runs by itself, and so does who would look into the worlds.
        """
        own = catalogue().get(self.id)
        if own is None or own.agents != "one":
            return False
        return self.agent.kind in ("controller", "baseline") or isinstance(
            self.agent.source, PolicySource
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job gave.

    Attributes:
        records: one per seed, as in results.jsonl.
        trajectories: of the kept seeds that did not fail.
    """

    records: list[dict[str, Any]]
    trajectories: Mapping[int, Trajectory] = field(default_factory=dict)


def execute(job: Job, tick: Tick | None = None) -> Outcome:
    """Run a job.

    An error of the agent or of the environment becomes failed records, not an exception, and so does a package of
    other sources than those of who ordered it. If the rows fail together, each seed is tried by itself, so that only
    the seeds at fault fail.

    Args:
        job: what to run.
        tick: told the share of the job that is done, now and then.

    Raises:
        TooLong: what is told says so.
    """
    try:
        if job.refusal:
            return Outcome(failed_records(job, job.refusal))
        return _execute(job, tick or (lambda share: None))
    except TooLong:
        raise
    except (Exception, SystemExit) as error:  # whatever an agent raises must be seen as its failure
        if len(job.seeds) == 1:
            return Outcome(failed_records(job, _told(error)))
    return _joined([execute(replace(job, seeds=(seed,))) for seed in job.seeds])


def failed_records(job: Job, error: str) -> list[dict[str, Any]]:
    """Records of a job all of whose runs failed.

    Args:
        job: what was run.
        error: what went wrong, in words.
    """
    return [_record(job, seed, error=visible(error)) for seed in job.seeds]


def _execute(job: Job, tick: Tick) -> Outcome:
    env = make(job.id, job.setting.keywords, job.horizon)
    world = World.of(env, job.horizon)
    agent = job.agent.load(env)
    batched = job.agent.batched
    if batched is None:
        batched = takes_rows(agent, env)
    groups = [job.seeds] if batched else [(seed,) for seed in job.seeds]
    parts: list[Outcome] = []
    for done, seeds in enumerate(groups):
        part = replace(job, seeds=seeds)
        with closing(
            make_many(job.id, len(seeds), job.setting.keywords, job.horizon, resting=True)
        ) as envs:
            show_world(agent, envs)
            seat = part.seat(agent, batched)
            (episodes,) = roll(envs, [seat], world, part_of(tick, done, len(groups)))
        parts.append(outcome_of(part, seat, episodes, world, env))
    env.close()
    return _joined(parts)


def outcome_of(job: Job, seat: Seat, episodes: Episodes, world: World, env: Any) -> Outcome:
    """Judge the episodes that a job's agent ran at its seat.

    Args:
        job: what was run.
        seat: where.
        episodes: what came of it.
        world: of the job.
        env: a single environment of the job, on which actions are timed.
    """
    metrics = _metrics(episodes, world)
    seconds = _time_per_action(seat.agent, episodes.observations, env)
    information = str(getattr(seat.agent, "information", "undeclared"))
    records: list[dict[str, Any]] = []
    trajectories: dict[int, Trajectory] = {}
    for row, seed in enumerate(job.seeds):
        own = {name: float(values[row]) for name, values in metrics.items()}
        if not np.isfinite(own["return"]):
            records.append(_record(job, seed, error=f"the return is {own['return']}"))
            continue
        records.append(_record(job, seed, metrics=own, seconds=seconds, information=information))
        if seed in job.kept:
            trajectories[seed] = _trajectory(job, episodes, row, seed, world, row == seat.shown)
    return Outcome(records, trajectories)


def _joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of a job's parts as one."""
    kept = {seed: t for part in parts for seed, t in part.trajectories.items()}
    return Outcome([record for part in parts for record in part.records], kept)


def _metrics(episodes: Episodes, world: World) -> dict[str, NDArray[np.float64]]:
    """All metrics of the rows, (n,) each.

    Each row is judged by itself and only up to its end: sums over several rows, or over what comes after, are rounded
    otherwise.
    """
    failed = episodes.terminated & ~episodes.reached & world.judged
    rows = [
        episode_metrics(
            {
                name: np.ascontiguousarray(values[: length + 1, row : row + 1])
                for name, values in episodes.columns.items()
            },
            dt=world.dt,
            tracking=world.tracking,
            effort=world.effort,
            effort_scale=world.effort_scale,
            violation=world.violation or None,
            lengths=[length],
            lost=[world.limit - length if failed[row] else 0],
        )
        for row, length in enumerate(episodes.lengths.tolist())
    ]
    metrics = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    ended = failed if world.judged else episodes.terminated
    metrics["terminated"] = ended.astype(np.float64)
    # A goal that was reached ends an episode too: nothing is lost then.
    metrics["completed"] = np.where(episodes.reached, 1.0, episodes.lengths / world.limit)
    if world.success:
        metrics["success"] = episodes.reached.astype(np.float64)
        spent = np.where(episodes.reached, episodes.lengths, world.limit)
        metrics["TimeToGoal"] = world.dt * spent
        failed = ~episodes.reached
    metrics["failed"] = failed.astype(np.float64)
    for total in world.totals:
        counts = episodes.reached if world.success else np.ones(episodes.lengths.size, np.bool_)
        values = [_total(total, episodes, row) for row in range(counts.size)]
        metrics[total.name] = np.where(counts, values, math.nan)
    return metrics


def _total(total: Total, episodes: Episodes, row: int) -> float:
    """A figure of a row's whole episode."""
    stop = int(episodes.lengths[row]) + 1
    values = np.stack([episodes.columns[name][:stop, row] for name in total.columns])
    if total.how == "least":
        return float(values.min())
    if total.how == "most":
        return float(values.max())
    if total.how == "share":
        sums = np.abs(values[:, 1:]).sum(axis=1)  # what was before the first step earned nothing
        whole = float(sums[1:].sum())
        return float(sums[0]) / whole if whole > 0.0 else math.nan
    return float(np.linalg.norm(np.diff(values, axis=1), axis=0).sum())


def _time_per_action(agent: Any, observations: list[Any], env: Any) -> float:
    """Median time of predict on single rows, s, without the first call."""
    show_world(agent, env)
    if getattr(agent, "information", None) == "state":
        env.reset(seed=0)  # what it looks at has to be one world
    times = []
    state = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call, observation in enumerate(observations[:TIMED_CALLS]):
            begin = time.perf_counter()
            _, state = agent.predict(observation, state, call == 0, True)
            times.append(time.perf_counter() - begin)
    return float(np.median(times[1:] or times))


def _trajectory(
    job: Job, episodes: Episodes, row: int, seed: int, world: World, shown: bool
) -> Trajectory:
    """The recorded columns of one row up to its end, or where nothing is tracked what it has earned by a time.

    Of the row that is shown all that is watched too.
    """
    meta = {"id": job.id, "agent": job.agent.name, "seed": seed}
    stop = int(episodes.lengths[row]) + 1
    if world.tracking:
        columns = {name: values[:stop, row].copy() for name, values in episodes.columns.items()}
    else:
        columns = {"return": np.cumsum(episodes.columns["reward"][:stop, row])}
    if shown:
        columns |= {name: values[:stop].copy() for name, values in episodes.watched.items()}
    if world.tracking or (shown and world.watched):
        units = {name: unit for name, unit in world.units.items() if name in columns}
        return Trajectory(columns, dt=world.dt, units=units, meta=meta)
    # One curve of many; after its end an episode keeps what it has.
    stride = curve_stride(world)
    places = np.minimum(np.arange(0, world.limit + 1, stride), stop - 1)
    return Trajectory({"return": columns["return"][places]}, dt=stride * world.dt, meta=meta)


def curve_stride(world: World) -> int:
    """Control periods between two points of a kept curve."""
    return -(-world.limit // CURVE_POINTS)


def _told(error: BaseException) -> str:
    """An error in words, with the place in the user's own code where there is one."""
    others = (str(Path(__file__).resolve().parent.parent), *sysconfig.get_paths().values())
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((*others, "<"))
    ]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"


def _record(
    job: Job,
    seed: int,
    *,
    metrics: dict[str, float] | None = None,
    seconds: float | None = None,
    information: str = "undeclared",
    error: str | None = None,
) -> dict[str, Any]:
    """One line of results.jsonl."""
    return {
        "run": job.run(seed).digest(),
        "status": "failed" if error else "done",
        "error": error,
        "id": job.id,
        "setting": job.setting.as_dict(),
        "seed": seed,
        "horizon": job.horizon,
        "agent": {
            "name": job.agent.name,
            "training_seed": job.agent.training_seed,
            "information": information,
            "kind": job.agent.kind,
        },
        "metrics": metrics or {},
        "time_per_action": seconds,
        "provenance": {**provenance(job.id), "tuning_trials": job.agent.trials},
    }
