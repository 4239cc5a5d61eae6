"""compare(): run agents on the same seeds and judge them by the same numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.agents import AgentSpec, resolve
from gym_suite.comparison.execution import check_executor, progress_bar, run_jobs
from gym_suite.comparison.experiments import (
    Experiment,
    Setting,
    read_seeds,
    read_settings,
)
from gym_suite.comparison.results import Results, check_writable, write_csv
from gym_suite.comparison.rollouts import Job
from gym_suite.comparison.statistics import (
    Interval,
    bootstrap,
    iqm,
    paired_difference,
    probability_of_improvement,
)
from gym_suite.core.family import Mark, tightest

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["AgentSummary", "Comparison", "compare"]

MEANS = ("violations", "terminated", "completed", "success", "Saturation")
"""Metrics of which the mean is given: an interquartile mean would hide what happens in less than a
quarter of the episodes."""


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """How one agent did under one setting of one id.

    Intervals are of the interquartile mean over episodes (and trainings), of the mean for counts
    and shares (:data:`MEANS`), at 95 %.

    Attributes:
        id: environment id.
        setting: name of the setting.
        name: of the agent.
        kind: "controller", "learned", "baseline" or "custom".
        information: what it may look at.
        trainings: number of training seeds, 0 for a method that is not trained.
        episodes: number of episode seeds on which all its trainings finished.
        failed: number of failed runs.
        errors: what went wrong in them.
        score: (return - do-nothing) / (reference - do-nothing), None where it cannot be formed.
        improvement: probability of a higher return than the reference's on the same episode seed.
        difference: return minus the reference's, paired on the episode seed.
        regret: of the mean return to each figure that bounds it, by the figure's name.
        metrics: by name; those that apply to no episode are missing.
        time_per_action: median over the runs, s.
    """

    id: str
    setting: str
    name: str
    kind: str
    information: str
    trainings: int
    episodes: int
    failed: int
    errors: tuple[str, ...]
    score: Interval | None
    improvement: Interval | None
    difference: Interval | None
    regret: Mapping[str, Interval]
    metrics: Mapping[str, Interval]
    time_per_action: float


class Comparison:
    """Finished results and what can be said about them.

    Args:
        experiments: what was run.
        results: what came out.
    """

    def __init__(self, experiments: Sequence[Experiment], results: Results) -> None:
        self.experiments = tuple(experiments)
        self._results = results
        self._marks: dict[int, tuple[Mark, ...]] = {}

    def __repr__(self) -> str:
        ids = ", ".join(dict.fromkeys(e.id for e in self.experiments))
        return f"Comparison({ids}: {len(self.records)} runs)"

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """One record per run, in the order of the experiments."""
        return [
            record
            for experiment in self.experiments
            for agent in experiment.agents
            for run in experiment.runs(agent)
            if (record := self._results.get(run.digest())) is not None
        ]

    def trajectory(self, experiment: Experiment, agent: AgentSpec) -> Any:
        """The recorded episode of an agent on the first seed, or None if it failed.

        Args:
            experiment: One of :attr:`experiments`.
            agent: One of the experiment's agents.
        """
        return self._results.trajectory(next(experiment.runs(agent)).digest())

    def matrix(
        self, experiment: Experiment, name: str, metric: str
    ) -> tuple[tuple[int, ...], NDArray[np.float64]]:
        """A metric of one agent on the seeds on which all its trainings finished.

        Args:
            experiment: One of :attr:`experiments`.
            name: An agent's name.
            metric: Name of a metric of the results.

        Returns:
            The episode seeds and the values, (trainings, episodes).
        """
        specs = [agent for agent in experiment.agents if agent.name == name]
        rows = [[self._results.get(r.digest()) for r in experiment.runs(s)] for s in specs]
        done = [
            i
            for i in range(len(experiment.seeds))
            if all(row[i] is not None and row[i]["status"] == "done" for row in rows)  # type: ignore[index]
        ]
        values = [[row[i]["metrics"].get(metric, math.nan) for i in done] for row in rows]  # type: ignore[index]
        seeds = tuple(experiment.seeds[i] for i in done)
        return seeds, np.array(values, dtype=np.float64).reshape(len(specs), len(done))

    def anchors(self, experiment: Experiment) -> tuple[float, float] | None:
        """Interquartile mean returns of do-nothing and of the reference controller.

        Args:
            experiment: One of :attr:`experiments`.

        Returns:
            None if either has no finished run or the reference does not beat do-nothing.
        """
        reference = experiment.agents[0].name
        low, high = (
            self.matrix(experiment, name, "return")[1].ravel() for name in ("zero", reference)
        )
        if not low.size or not high.size:
            return None
        anchors = float(iqm(low)), float(iqm(high))
        return anchors if anchors[1] > anchors[0] else None

    def marks(self, experiment: Experiment) -> tuple[Mark, ...]:
        """The figures that returns of an experiment are put beside; none for most ids.

        Args:
            experiment: One of :attr:`experiments`.
        """
        place = self.experiments.index(experiment)
        if place not in self._marks:
            self._marks[place] = _marks(experiment)
        return self._marks[place]

    def _regret(self, experiment: Experiment, name: str) -> dict[str, Interval]:
        """How far the mean return of an agent is from each bounding figure, the tightest first."""
        _, returns = self.matrix(experiment, name, "return")
        if not returns.size:
            return {}
        marks = self.marks(experiment)
        first = tightest(marks)
        return {
            mark.name: bootstrap(mark.value - returns, statistic=_mean)
            for mark in sorted(marks, key=lambda mark: mark is not first)
            if mark.bounds and mark.value is not None
        }

    def scores(self, experiment: Experiment, name: str) -> NDArray[np.float64] | None:
        """Scores of one agent, (trainings, episodes): 0 is do-nothing, 1 the reference.

        Args:
            experiment: One of :attr:`experiments`.
            name: An agent's name.
        """
        anchors = self.anchors(experiment)
        if name not in {agent.name for agent in experiment.agents}:
            return None
        _, returns = self.matrix(experiment, name, "return")
        if anchors is None or not returns.size:
            return None
        return (returns - anchors[0]) / (anchors[1] - anchors[0])

    def summary(self) -> list[AgentSummary]:
        """One entry per agent, setting and id."""
        return list(self._summary)

    @cached_property
    def _summary(self) -> tuple[AgentSummary, ...]:
        return tuple(
            self._summarise(experiment, name)
            for experiment in self.experiments
            for name in dict.fromkeys(agent.name for agent in experiment.agents)
        )

    def _summarise(self, experiment: Experiment, name: str) -> AgentSummary:
        specs = [agent for agent in experiment.agents if agent.name == name]
        records = [
            record
            for spec in specs
            for run in experiment.runs(spec)
            if (record := self._results.get(run.digest())) is not None
        ]
        done = [record for record in records if record["status"] == "done"]
        failed = [record for record in records if record["status"] != "done"]
        seeds, _ = self.matrix(experiment, name, "return")
        scores = self.scores(experiment, name)
        improvement, difference = self._against_reference(experiment, name)
        # Those of single quantities ("i_sq/RMSE") stay in the records: tables show them together.
        names = dict.fromkeys(key for r in done for key in r["metrics"] if "/" not in key)
        metrics = {key: self._interval(experiment, name, key) for key in names}
        times = [record["time_per_action"] for record in done if record["time_per_action"]]
        return AgentSummary(
            id=experiment.id,
            setting=experiment.setting.name,
            name=name,
            kind=specs[0].kind,
            information=done[0]["agent"]["information"] if done else "undeclared",
            trainings=sum(spec.training_seed is not None for spec in specs),
            episodes=len(seeds),
            failed=len(failed),
            errors=tuple(dict.fromkeys(record["error"] for record in failed)),
            score=bootstrap(scores) if scores is not None else None,
            improvement=improvement,
            difference=difference,
            regret=self._regret(experiment, name),
            metrics={key: value for key, value in metrics.items() if value is not None},
            time_per_action=float(np.median(times)) if times else math.nan,
        )

    def _against_reference(
        self, experiment: Experiment, name: str
    ) -> tuple[Interval | None, Interval | None]:
        """Probability of improvement over the reference and difference to it, paired."""
        reference = experiment.agents[0].name
        own_seeds, own = self.matrix(experiment, name, "return")
        other_seeds, other = self.matrix(experiment, reference, "return")
        common = [seed for seed in own_seeds if seed in other_seeds]
        if name == reference or not common:
            return None, None
        own = own[:, [own_seeds.index(seed) for seed in common]]
        other = other[:, [other_seeds.index(seed) for seed in common]]
        return probability_of_improvement(own, other), paired_difference(own, other)

    def _interval(self, experiment: Experiment, name: str, metric: str) -> Interval | None:
        """Interval of a metric over the episodes to which it applies."""
        _, values = self.matrix(experiment, name, metric)
        applies = ~np.isnan(values).any(axis=0)
        if not applies.any():
            return None
        return bootstrap(values[:, applies], statistic=_mean if metric in MEANS else iqm)

    def overall(self) -> list[tuple[str, Interval]]:
        """Scores over all ids and settings together, of the agents that have one everywhere.

        Each id under each setting is a stratum of its own.
        """
        together = []
        for name in dict.fromkeys(agent.name for e in self.experiments for agent in e.agents):
            scores = [self.scores(experiment, name) for experiment in self.experiments]
            if all(score is not None for score in scores):
                together.append((name, bootstrap(scores)))  # type: ignore[arg-type]
        return together

    def table(self) -> Table:
        """The main numbers as a table for the terminal."""
        from gym_suite.comparison.terminal import table

        return table(self)

    def report(self, folder: str | Path) -> Path:
        """Write the report: one self-contained page, and the results beside it.

        Args:
            folder: created if need be.

        Returns:
            The path of index.html.

        Raises:
            OSError: the folder cannot be written.
        """
        from gym_suite.comparison.report import write_report

        folder = Path(folder)
        check_writable(folder)
        self.save(folder)
        return write_report(self, folder / "index.html")

    def save(self, folder: str | Path) -> None:
        """Write results.csv, and results.jsonl if it is not already kept there.

        Args:
            folder: Where to write; created if need be.
        """
        from gym_suite.comparison.results import encode

        folder = Path(folder)
        own = self._results.folder
        if own is None or own.resolve() != folder.resolve():
            check_writable(folder)
            lines = "".join(encode(record) + "\n" for record in self.records)
            (folder / "results.jsonl").write_text(lines, encoding="utf-8")
        write_csv(folder / "results.csv", self.records)


def compare(
    ids: str | Sequence[str],
    *,
    agents: Iterable[Any] | Mapping[str, Any] | Any | None = None,
    seeds: int | Sequence[int] = 20,
    settings: str | Iterable[str | Setting] | Mapping[str, Mapping[str, Any]] = ("nominal",),
    keywords: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    horizon: int | None = None,
    workers: int = 1,
    executor: str = "local",
    progress: bool = True,
) -> Comparison:
    """Run agents on the same episode seeds and compare them.

    The reference controller and do-nothing of each id always take part: they anchor the score.

    Args:
        ids: environment ids.
        agents: names of controllers or shipped policies, policy files (.npz, or .zip of
            Stable-Baselines3), "file.py:factory", objects with `predict`, classes with `for_env`,
            or a mapping of your own names to any of these. None takes the reference controller,
            do-nothing, random, and all shipped policies; "all" every controller besides.
        seeds: episode seeds, or their number.
        settings: names among "nominal", "noise", "mismatch", "delay" and the ids' own settings,
            "all" for nominal and all own ones, or a mapping of name to environment keywords.
        keywords: environment keywords laid over those of every setting.
        out: folder for results; what an earlier, perhaps killed, comparison finished there is not
            done again. None keeps everything in memory.
        horizon: control periods after which episodes are cut; None for each id's own limit.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Raises:
        ValueError: unknown id, agent, setting or executor (the nearest is told), or a policy file
            that is damaged or for another id.
        FileNotFoundError: no such policy file.
        OSError: the folder cannot be written. Like all of these, before anything runs.
    """
    from gym_suite.registration import card

    names = [ids] if isinstance(ids, str) else list(ids)
    if not names:
        raise ValueError("no environment id; expected at least one")
    if horizon is not None and (not isinstance(horizon, int) or horizon < 1):
        raise ValueError(f"horizon must be a whole number >= 1, got {horizon!r}")
    names = list(dict.fromkeys(card(id).id for id in names))
    read, asked = read_seeds(seeds), read_settings(settings, names, keywords)
    shared = list(agents) if isinstance(agents, Iterator) else agents
    experiments = [
        Experiment(id, setting, read, horizon, resolve(shared, id, setting.name))
        for id in names
        for setting in asked.get(id, ())
    ]
    results = Results(Path(out) if out is not None else None)
    jobs = [job for experiment in experiments for job in _missing(experiment, results)]
    check_executor(executor, workers, jobs)
    _check_environments(jobs)
    with progress_bar(jobs, shown=progress) as update:
        for job, outcome in run_jobs(jobs, executor=executor, workers=workers, progress=update):
            kept = {}
            if outcome.trajectory is not None and job.shown is not None:
                kept[job.run(job.shown).digest()] = outcome.trajectory
            results.add(outcome.records, kept)
    comparison = Comparison(experiments, results)
    if out is not None:
        comparison.save(out)
    return comparison


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.mean(values, axis=-1)


def _marks(experiment: Experiment) -> tuple[Mark, ...]:
    import gymnasium

    from gym_suite.comparison.rollouts import limit_of

    env = gymnasium.make(experiment.id, **experiment.setting.keywords)
    setup = env.unwrapped.setup  # type: ignore[attr-defined]
    try:
        return setup.marks(limit_of(env, experiment.horizon)) if setup.marks else ()
    finally:
        env.close()


def _missing(experiment: Experiment, results: Results) -> list[Job]:
    """The jobs whose runs are not done yet; failed ones are tried again."""
    jobs = []
    for agent in experiment.agents:
        runs = list(experiment.runs(agent))
        seeds = []
        for i, run in enumerate(runs):
            digest = run.digest()
            record = results.get(digest)
            done = record is not None and record["status"] == "done"
            if not done or (i == 0 and results.trajectory(digest) is None):
                seeds.append(run.seed)
        if seeds:
            first = runs[0].seed
            shown = first if first in seeds else None
            jobs.append(
                Job(
                    experiment.id,
                    experiment.setting,
                    experiment.horizon,
                    agent,
                    tuple(seeds),
                    shown,
                )
            )
    return jobs


def _check_environments(jobs: Sequence[Job]) -> None:
    """Build each environment and load each policy once, so that what does not fit is told first."""
    import gymnasium

    envs = {repr((job.id, job.setting)): job for job in jobs}
    for case, first in envs.items():
        env = gymnasium.make(first.id, **first.setting.keywords)
        for job in jobs:
            if repr((job.id, job.setting)) == case and job.agent.from_file:
                job.agent.load(env)
        env.close()
