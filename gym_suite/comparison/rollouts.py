"""Episodes of one agent: all seeds as rows of the native vector environment.

Rows of the vector environment equal single environments bit for bit, so an episode depends on which
others ran beside it only through its agent: matrix products of a learned policy may round otherwise
in batches of another size. Rows that have ended go on with episodes that nobody looks at.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.experiments import Run, Setting, provenance
from gym_suite.comparison.metrics import episode_metrics
from gym_suite.core.observations import row_of
from gym_suite.core.trajectory import Trajectory

__all__ = ["Job", "Outcome", "execute", "limit_of"]

TIMED_CALLS = 200
"""Calls of predict over which the time per action is measured, one row each."""

Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Job:
    """The runs of one agent under one setting, to be done in one place.

    Attributes:
        id: environment id.
        setting: keywords of the environment.
        horizon: control periods after which an episode is cut, None for the id's own limit.
        agent: who acts.
        seeds: episode seeds still to be run.
        shown: the seed whose trajectory is kept, None for none.
    """

    id: str
    setting: Setting
    horizon: int | None
    agent: AgentSpec
    seeds: tuple[int, ...]
    shown: int | None = None

    def run(self, seed: int) -> Run:
        """The run of one seed."""
        return Run(self.id, self.setting, seed, self.horizon, self.agent)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job gave.

    Attributes:
        records: one per seed, as in results.jsonl.
        trajectory: of the shown seed, if it was among them and did not fail.
    """

    records: list[dict[str, Any]]
    trajectory: Trajectory | None = None


@dataclass(slots=True)
class _Episodes:
    """Recorded rows: columns (T, n), lengths (n,), whether each ended by termination (n,)."""

    columns: dict[str, NDArray[np.float64]]
    lengths: NDArray[np.intp]
    terminated: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    observations: list[Any] = field(default_factory=list)


def execute(job: Job, tick: Tick | None = None) -> Outcome:
    """Run a job.

    An error of the agent or of the environment becomes failed records, not an exception. If the
    rows fail together, each seed is tried by itself, so that only the seeds at fault fail.

    Args:
        job: what to run.
        tick: told the share of the job that is done, now and then.
    """
    try:
        return _execute(job, tick)
    except Exception as error:  # whatever a user's agent raises must stay visible as its failure
        if len(job.seeds) == 1:
            return Outcome([_record(job, job.seeds[0], error=error)])
    alone = [execute(replace(job, seeds=(seed,))) for seed in job.seeds]
    shown = next((outcome.trajectory for outcome in alone if outcome.trajectory is not None), None)
    return Outcome([record for outcome in alone for record in outcome.records], shown)


def _execute(job: Job, tick: Tick | None) -> Outcome:
    import gymnasium

    import gym_suite  # noqa: F401 - registers the ids, also in a worker process

    keywords = dict(job.setting.keywords)
    if job.horizon is not None:
        keywords["max_episode_steps"] = job.horizon
    env = gymnasium.make(job.id, **keywords)
    setup = env.unwrapped.setup  # type: ignore[attr-defined]
    limit = limit_of(env, job.horizon)
    agent = job.agent.load(env)
    batched = job.agent.batched
    if batched is None:
        batched = _takes_rows(agent, env)
    groups = [job.seeds] if batched else [(seed,) for seed in job.seeds]
    acting = agent if batched else _OneByOne(agent)
    records: list[dict[str, Any]] = []
    trajectory = None
    for done, seeds in enumerate(groups):
        envs = gymnasium.make_vec(job.id, num_envs=len(seeds), **keywords)

        def step_tick(share: float, done: int = done) -> None:
            if tick is not None:
                tick((done + share) / len(groups))

        _show(agent, envs)
        episodes = _roll(envs, acting, seeds, setup, limit, step_tick)
        envs.close()
        metrics = episode_metrics(
            episodes.columns,
            dt=setup.dt,
            tracking=setup.tracking,
            effort=setup.effort,
            effort_scale=setup.effort_scale,
            violation=setup.violation or None,
            lengths=episodes.lengths,
            lost=np.where(episodes.failed, limit - episodes.lengths, 0),
        )
        # A goal that was reached ends an episode too: nothing is lost then.
        reached = episodes.terminated & ~episodes.failed
        metrics["terminated"] = episodes.failed.astype(np.float64)
        metrics["completed"] = np.where(reached, 1.0, episodes.lengths / limit)
        if setup.success:
            metrics["success"] = reached.astype(np.float64)
        seconds = _time_per_action(agent, episodes.observations, env)
        information = str(getattr(agent, "information", "undeclared"))
        for row, seed in enumerate(seeds):
            own = {name: float(values[row]) for name, values in metrics.items()}
            records.append(
                _record(job, seed, metrics=own, seconds=seconds, information=information)
            )
        if job.shown in seeds:
            trajectory = _trajectory(job, episodes, seeds.index(job.shown), setup)
    env.close()
    return Outcome(records, trajectory)


def limit_of(env: Any, horizon: int | None) -> int:
    """Control periods after which an episode is truncated.

    Args:
        env: as made by :func:`gymnasium.make`.
        horizon: asked for; None for the id's own limit.

    Raises:
        ValueError: there is no limit.
    """
    limits = [env.unwrapped.setup.horizon, horizon or env.spec.max_episode_steps]
    known = [limit for limit in limits if limit]
    if not known:
        raise ValueError(f"{env.unwrapped.setup.id} has no time limit; give horizon=")
    return min(known)


def _roll(
    envs: Any, agent: Any, seeds: tuple[int, ...], setup: Any, limit: int, tick: Tick
) -> _Episodes:
    """Run one episode per row until the last has ended."""
    names = [name for t in setup.tracking for name in (t.value, t.reference)]
    names += [*setup.effort, *([setup.violation] if setup.violation else [])]
    names = list(dict.fromkeys(names))
    n = len(seeds)
    values = np.zeros((limit + 1, len(names), n))
    rewards = np.zeros((limit + 1, n))
    lengths = np.zeros(n, dtype=np.intp)
    terminated = np.zeros(n, dtype=np.bool_)
    failed = np.zeros(n, dtype=np.bool_)
    running = np.ones(n, dtype=np.bool_)
    start = np.ones(n, dtype=np.bool_)
    observation, infos = envs.reset(seed=list(seeds))
    seen = [row_of(observation, 0)]
    for i, name in enumerate(names):
        values[0, i] = infos[name]
    state = None
    report_every = max(limit // 50, 1)
    step = 0
    while running.any() and step < limit:
        step += 1
        action, state = agent.predict(observation, state, start, True)
        observation, reward, ended, cut, infos = envs.step(action)
        for i, name in enumerate(names):
            values[step, i] = infos[name]
        rewards[step] = reward
        lengths += running
        terminated |= ended & running
        reached = infos[setup.success] > 0.0 if setup.success else np.zeros(n, dtype=np.bool_)
        failed |= ended & running & ~reached
        running &= ~(ended | cut)
        start = ~running  # what an ended row goes on with matters to nobody
        if running[0]:
            seen.append(row_of(observation, 0))
        if step % report_every == 0:
            tick(step / limit)
    columns = {name: values[: step + 1, i] for i, name in enumerate(names)}
    columns["reward"] = rewards[: step + 1]
    return _Episodes(columns, lengths, terminated, failed, seen)


@dataclass(frozen=True, slots=True)
class _OneByOne:
    """An agent for single observations, acting on the only row of a vector environment."""

    agent: Any

    def predict(
        self, observation: Any, state: Any, episode_start: Any, deterministic: bool
    ) -> tuple[NDArray[Any], Any]:
        action, state = self.agent.predict(
            observation[0], state, bool(episode_start[0]), deterministic
        )
        return np.asarray(action)[None], state


def _takes_rows(agent: Any, env: Any) -> bool:
    """Whether an unknown object acts on three rows as it does on each alone.

    A user's object may be written for one observation only, or keep its state inside. It is tried
    on copies; where rows and single calls disagree, its episodes are run one after the other.
    """
    rng = np.random.default_rng(0)
    space = env.observation_space
    if not isinstance(space, spaces.Box):
        return False
    rows = rng.uniform(-1.0, 1.0, (3, *space.shape)).clip(space.low, space.high)
    rows = rows.astype(space.dtype)
    try:
        together, _ = deepcopy(agent).predict(rows, None, np.ones(3, dtype=bool), True)
        alone = [deepcopy(agent).predict(row, None, True, True)[0] for row in rows]
        return np.shape(together) == np.shape(alone) and np.allclose(together, alone, atol=1e-4)
    except Exception:  # it does not take rows, whatever it raises
        return False


def _show(agent: Any, env: Any) -> None:
    """Let an agent that may look at the state see the worlds that it acts in."""
    watch = getattr(agent, "watch", None)
    if callable(watch):
        watch(env)


def _time_per_action(agent: Any, observations: list[Any], env: Any) -> float:
    """Median time of predict on single rows, s, without the first call."""
    _show(agent, env)
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


def _trajectory(job: Job, episodes: _Episodes, row: int, setup: Any) -> Trajectory:
    """The recorded columns of one row up to its end, or where nothing is tracked the returns."""
    if not setup.tracking:
        return _returns(job, episodes, row, setup)
    stop = int(episodes.lengths[row]) + 1
    columns = {name: values[:stop, row].copy() for name, values in episodes.columns.items()}
    return Trajectory(
        columns,
        dt=setup.dt,
        units={c.name: c.unit for c in setup.metric_columns if c.name in columns},
        meta={"id": job.id, "agent": job.agent.name, "seed": job.seeds[row]},
    )


def _returns(job: Job, episodes: _Episodes, row: int, setup: Any) -> Trajectory:
    """What the episodes have earned by each period: their mean and its 95 % interval.

    An episode that has ended keeps what it has.
    """
    stop = int(episodes.lengths.max()) + 1
    on = np.arange(stop)[:, None] <= episodes.lengths
    earned = np.cumsum(np.where(on, episodes.columns["reward"][:stop], 0.0), axis=0)
    mean, n = earned.mean(axis=1), earned.shape[1]
    half = 1.96 * earned.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.zeros(stop)
    return Trajectory(
        {"return": mean, "return_low": mean - half, "return_high": mean + half},
        dt=setup.dt,
        meta={"id": job.id, "agent": job.agent.name, "seed": job.seeds[row], "episodes": n},
    )


def _record(
    job: Job,
    seed: int,
    *,
    metrics: dict[str, float] | None = None,
    seconds: float | None = None,
    information: str = "undeclared",
    error: BaseException | None = None,
) -> dict[str, Any]:
    """One line of results.jsonl."""
    return {
        "run": job.run(seed).digest(),
        "status": "failed" if error else "done",
        "error": f"{type(error).__name__}: {error}" if error else None,
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
        "provenance": provenance(job.id),
    }
