"""What can be said of finished results, in numbers; nothing here draws or writes.

An agent's worth on an episode is what it earned, or where there is a goal to reach the time that it took, which is the
whole time limit where the goal was missed: a sparse reward would count every arrival alike. A run that raised an error
is worth what doing nothing is worth on that seed, and counts as failed; so does one of which nothing came back. An
agent all of whose runs raise is so worth exactly what doing nothing is, and scores 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.budgets import over_budget
from gym_suite.comparison.experiments import Experiment
from gym_suite.comparison.known_marks import known_marks
from gym_suite.comparison.measures import MEASURES, MORE_IS_BETTER, interval_of, mean
from gym_suite.comparison.outcomes import AgentSummary, Scale, Standing
from gym_suite.comparison.results import Results
from gym_suite.comparison.samples import Sample
from gym_suite.comparison.scales import doubt
from gym_suite.comparison.settings import NOMINAL
from gym_suite.comparison.statistics import (
    Interval,
    bootstrap,
    contrast,
    paired_difference,
    probability_of_improvement,
    score,
    share,
    total_score,
)
from gym_suite.comparison.text import digits, span
from gym_suite.comparison.verdicts import (
    Claim,
    Overall,
    Verdict,
    holm,
    judge,
    over_settings,
    p_value,
)
from gym_suite.comparison.worlds import make
from gym_suite.core.marks import Mark, tightest
from gym_suite.core.parameters import check_option

UNKNOWN = "no result came back"
"""What is told of a run that has none."""

CEILINGS = ("optimum", "bound")
"""Kinds of figures that nobody can pass, to which returns can be put in proportion."""


@dataclass(eq=False)
class Summary:
    """Finished results and what can be said about them.

    Args:
        experiments: what was run.
        results: what came out.
        idle: by id, the settings that were asked for and not run there, with the reason.
    """

    experiments: tuple[Experiment, ...]
    results: Results
    idle: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kept: dict[tuple[Any, ...], Any] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.ids)}: {len(self.records)} runs)"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that were run, each once."""
        return tuple(dict.fromkeys(experiment.id for experiment in self.experiments))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The ids that were asked for and not run, because none of the settings is left there."""
        return tuple(id for id in self.idle if id not in self.ids)

    def of(self, id: str) -> tuple[Experiment, ...]:
        """The experiments of one id, one per setting."""
        return tuple(experiment for experiment in self.experiments if experiment.id == id)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """One record per run, in the order of the experiments."""
        return [
            record
            for experiment in self.experiments
            for agent in experiment.agents
            for run in experiment.runs(agent)
            if (record := self.results.get(run.digest())) is not None
        ]

    @property
    def failed_runs(self) -> int:
        """Number of runs that raised an error, or of which nothing came back."""
        runs = sum(len(e.agents) * len(e.seeds) for e in self.experiments)
        return runs - sum(record["status"] == "done" for record in self.records)

    # -------------------------------------------------------------------------------- single results

    def trajectory(
        self, experiment: Experiment | str, agent: AgentSpec | str, seed: int | None = None
    ) -> Any:
        """The recorded episode of an agent, or None if it failed or was not kept.

        Args:
            experiment: one of :attr:`experiments`, or an id: its first setting.
            agent: one of the experiment's agents, or its name: its first training.
            seed: of the episode; None for the first.

        Raises:
            ValueError: nothing of the kind was run.
        """
        if isinstance(experiment, str):
            chosen = {entry.id: entry for entry in reversed(self.experiments)}
            experiment = chosen[check_option("id", experiment, chosen)]
        if isinstance(agent, str):
            named = {spec.name: spec for spec in reversed(experiment.agents)}
            agent = named[check_option("agent", agent, named)]
        wanted = experiment.seeds[0] if seed is None else seed
        if wanted not in experiment.seeds:
            raise ValueError(
                f"seed {wanted} was not run; those of {experiment.id} are {span(experiment.seeds)}"
            )
        run = next(run for run in experiment.runs(agent) if run.seed == wanted)
        return self.results.trajectory(run.digest())

    def matrix(
        self, experiment: Experiment, name: str, metric: str
    ) -> tuple[tuple[int, ...], NDArray[np.float64]]:
        """A metric of one agent on the seeds on which all its trainings finished.

        Args:
            experiment: one of :attr:`experiments`.
            name: an agent's name.
            metric: name of a metric of the results.

        Returns:
            The episode seeds and the values, (trainings, episodes).
        """
        values = self._values(experiment, name, metric)
        returns = self._values(experiment, name, "return")
        done = [i for i in range(len(experiment.seeds)) if not np.isnan(returns[:, i]).any()]
        return tuple(experiment.seeds[i] for i in done), values[:, done]

    def _values(self, experiment: Experiment, name: str, metric: str) -> NDArray[np.float64]:
        """A metric on all seeds, (trainings, episodes); NaN where the run failed or it does not apply."""
        key = (id(experiment), name, metric)
        if key not in self._kept:
            rows = [
                [
                    record["metrics"].get(metric, math.nan)
                    if (record := self.results.get(run.digest())) is not None
                    and record["status"] == "done"
                    else math.nan
                    for run in experiment.runs(spec)
                ]
                for spec in experiment.trainings(name)
            ]
            self._kept[key] = np.array(rows, dtype=np.float64)
        return self._kept[key]

    def sample(self, experiment: Experiment, name: str, metric: str | None = None) -> Sample | None:
        """What an agent's episodes are worth, larger being better, failures marked; failed runs count as do-nothing.

        Args:
            experiment: one of :attr:`experiments`.
            name: an agent's name.
            metric: one of :data:`MEASURES`; None for the worth of :attr:`Scale.quantity`.

        Returns:
            None where do-nothing itself has failed runs, so that nothing can stand in for others'.
        """
        key = (id(experiment), name, metric, "sample")
        if key not in self._kept:
            self._kept[key] = self._sample(experiment, name, metric or self._quantity(experiment))
        return self._kept[key]

    def _quantity(self, experiment: Experiment) -> str:
        agents = isinstance(experiment.low, str) and isinstance(experiment.high, str)
        return "TimeToGoal" if experiment.world.success and agents else "return"

    def _sample(self, experiment: Experiment, name: str, metric: str) -> Sample | None:
        """As :meth:`sample`, without looking whether it is known already."""
        sign = 1.0 if metric in MORE_IS_BETTER else -1.0
        values = sign * self._values(experiment, name, metric)
        failed = self._failures(experiment, name)
        raised = np.isnan(self._values(experiment, name, "return"))
        if raised.any():
            idle = None
            if not isinstance(experiment.low, str):
                idle = Sample.of(np.full(values.shape[1], sign * experiment.low))
            elif name != experiment.low:
                idle = self.sample(experiment, experiment.low, metric)
            if idle is None:
                return None  # nothing can stand in for the runs of do-nothing itself
            values = np.where(raised, idle.values.mean(axis=0), values)
            if raised.all():  # there is nothing that trimming could hide them among
                failed = np.broadcast_to(idle.full.any(axis=0), failed.shape)
        if np.isnan(values).any():
            return None
        # An optimum is an expected value: what is put in proportion to it is a mean.
        full = failed | (self._ceiling(experiment) is not None)
        return Sample.of(values, full)

    # ------------------------------------------------------------------------------------- the scale

    def marks(self, experiment: Experiment) -> tuple[Mark, ...]:
        """The figures that returns of an experiment are put beside; none for most ids.

        Args:
            experiment: one of :attr:`experiments`.
        """
        key = (id(experiment), "marks")
        if key not in self._kept:
            env = make(experiment.id, experiment.setting.keywords, experiment.horizon)
            try:
                self._kept[key] = known_marks(env, experiment.horizon)
            finally:
                env.close()
        return self._kept[key]

    def _ceiling(self, experiment: Experiment) -> Mark | None:
        """The computed figure that nobody can pass, to which returns are put in proportion."""
        if experiment.world.success or experiment.own_anchors:
            return None
        return tightest(mark for mark in self.marks(experiment) if mark.kind in CEILINGS)

    def scale(self, experiment: Experiment) -> Scale | None:
        """What the score is reckoned from; None if the results that anchor it are missing.

        Args:
            experiment: one of :attr:`experiments`.
        """
        key = (id(experiment), "scale")
        if key not in self._kept:
            self._kept[key] = self._scale(experiment)
        return self._kept[key]

    def _scale(self, experiment: Experiment) -> Scale | None:
        """As :meth:`scale`, without looking whether it is known already."""
        ceiling = self._ceiling(experiment)
        low, bottom = self._anchor(experiment, experiment.low)
        high, top = self._anchor(experiment, experiment.high)
        if ceiling is not None and ceiling.value is not None:
            high, top = ceiling.value, f"the {ceiling.name}, {digits(ceiling.value, 4)}"
        if low is None or high is None:
            return None
        gap, _ = contrast((high, low), lambda one, zero: one - zero)
        ends = [end.location if isinstance(end, Sample) else end for end in (low, high)]
        scored = gap.estimate > 1e-9 * max(map(abs, ends))  # not by rounding alone
        problem, few = f"There is no score: {top} is no better than {bottom} here.", False
        if scored:
            problem, few = doubt(gap, (low, high), bottom, top)
        quantity = MEASURES[self._quantity(experiment)]
        return Scale(low, high, bottom, top, quantity, gap, problem, scored, few)

    def _anchor(self, experiment: Experiment, anchor: str | float) -> tuple[Any, str]:
        """One end of the scale and its name."""
        if not isinstance(anchor, str):
            return float(anchor), f"a return of {digits(anchor, 4)}"
        if anchor == "zero":
            return self.sample(experiment, anchor), "do-nothing"
        named = f"the reference controller {anchor}"
        return self.sample(experiment, anchor), anchor if experiment.own_anchors else named

    def scores(self, experiment: Experiment, name: str) -> NDArray[np.float64] | None:
        """Scores of one agent's episodes, (trainings, episodes): 0 is the lower anchor, 1 the upper one.

        Args:
            experiment: one of :attr:`experiments`.
            name: an agent's name.
        """
        scale = self.scale(experiment)
        if name not in experiment.names or scale is None or not scale.scored:
            return None
        sample = self.sample(experiment, name)
        if sample is None:
            return None
        low = scale.low.location if isinstance(scale.low, Sample) else scale.low
        return (sample.values - low) / scale.gap.estimate

    # ------------------------------------------------------------------------------------- summaries

    def summary(self) -> list[AgentSummary]:
        """One entry per agent, setting and id."""
        return list(self._summary)

    @cached_property
    def _summary(self) -> tuple[AgentSummary, ...]:
        return tuple(
            self._summarise(experiment, name)
            for experiment in self.experiments
            for name in experiment.names
        )

    @cached_property
    def verdicts(self) -> Mapping[tuple[str, str, str], Verdict]:
        """By id, setting and agent, what may be said of it beside the reference; corrected for their number."""
        pairs: dict[tuple[str, str, str], tuple[Sample, Sample]] = {}
        more: dict[tuple[str, str, str], bool] = {}
        for experiment in self.experiments:
            other = experiment.reference
            reference = self.sample(experiment, other) if other is not None else None
            if other is None or reference is None:
                continue
            for name in experiment.names:
                baseline = experiment.trainings(name)[0].kind == "baseline"
                sample = self.sample(experiment, name)
                if baseline or name == other or sample is None:
                    continue
                key = (experiment.id, experiment.setting.name, name)
                pairs[key] = (sample, reference)
                failures = [self._failures(experiment, one).mean() for one in (name, other)]
                more[key] = bool(failures[0] > failures[1])
        found = [p_value(*pair) for pair in pairs.values()]
        return {
            key: judge(agent, other, p, corrected, fails_more=more[key])
            for (key, (agent, other)), p, corrected in zip(
                pairs.items(), found, holm(found), strict=True
            )
        }

    def _failures(self, experiment: Experiment, name: str) -> NDArray[np.bool_]:
        """Which episodes failed, (trainings, episodes)."""
        raised = np.isnan(self._values(experiment, name, "return"))
        return raised | (self._values(experiment, name, "failed") > 0.0)

    def trusted(self, id: str) -> list[str]:
        """Names of the settings of an id whose scale can be trusted.

        Args:
            id: one of :attr:`ids`.
        """
        scales = {e.setting.name: self.scale(e) for e in self.of(id)}
        return [name for name, scale in scales.items() if scale is not None and not scale.problem]

    def standings(self, id: str) -> list[Standing]:
        """How the agents stand on an id over all its settings, in the order of its agents.

        Args:
            id: one of :attr:`ids`.
        """
        rows = [row for row in self.summary() if row.id == id]
        scales = {e.setting.name: self.scale(e) for e in self.of(id)}
        shown = [name for name, s in scales.items() if s is not None and (s.few or not s.problem)]
        found = []
        for name in dict.fromkeys(row.name for row in rows):
            own = tuple(row for row in rows if row.name == name)
            scored = [row for row in own if row.score is not None and row.setting in shown]
            worst = min(scored, key=_estimate, default=None)
            frailest = max(own, key=lambda row: row.failures.estimate)
            found.append(Standing(name, own, worst, frailest, self._over_settings(own)))
        return found

    def _over_settings(self, rows: Sequence[AgentSummary]) -> Overall | None:
        """What may be said of an agent beside the reference, of its rows of all settings of an id."""
        experiments = {e.setting.name: e for e in self.of(rows[0].id)}
        judged = [(row, row.verdict) for row in rows if row.verdict is not None]
        more = [
            row.failures.estimate > self._failures(experiment, experiment.reference).mean()
            for row, _ in judged
            if (experiment := experiments[row.setting]).reference is not None
        ]
        claims: list[Claim] = [verdict.claim for _, verdict in judged]
        return over_settings(claims, fails_more=any(more)) if claims else None

    def _summarise(self, experiment: Experiment, name: str) -> AgentSummary:
        specs = experiment.trainings(name)
        records = [self.results.get(r.digest()) for spec in specs for r in experiment.runs(spec)]
        done = [record for record in records if record and record["status"] == "done"]
        errors = [r["error"] if r else UNKNOWN for r in records if not r or r["status"] != "done"]
        metrics = {
            metric: self._interval(experiment, name, metric)
            for metric in dict.fromkeys(key for record in done for key in record["metrics"])
        }
        scale, sample = self.scale(experiment), self.sample(experiment, name)
        improvement, difference = self._against_reference(experiment, name)
        times = [record["time_per_action"] for record in done if record["time_per_action"]]
        scored = scale is not None and scale.scored and sample is not None
        return AgentSummary(
            id=experiment.id,
            setting=experiment.setting.name,
            name=name,
            kind=specs[0].kind,
            rank=specs[0].rank,
            information=done[0]["agent"]["information"] if done else "undeclared",
            trainings=sum(spec.kind == "learned" for spec in specs),
            episodes=len(experiment.seeds),
            failed=len(errors),
            errors=tuple(dict.fromkeys(errors)),
            score=score(sample, scale.low, scale.high) if scored else None,  # type: ignore[union-attr]
            improvement=improvement,
            difference=difference,
            failures=share(self._failures(experiment, name)),
            verdict=self.verdicts.get((experiment.id, experiment.setting.name, name)),
            regret=self._regret(experiment, name),
            measures=self._measures(experiment, name),
            metrics={key: value for key, value in metrics.items() if value is not None},
            time_per_action=float(np.median(times)) if times else math.nan,
            over_budget=over_budget(experiment.id, specs),
            doubts=tuple(dict.fromkeys(spec.doubt for spec in specs if spec.doubt)),
        )

    def _against_reference(
        self, experiment: Experiment, name: str
    ) -> tuple[Interval | None, Interval | None]:
        """Probability of improvement over the reference and difference to it, paired."""
        if experiment.reference is None or name == experiment.reference:
            return None, None
        own, other = self.sample(experiment, name), self.sample(experiment, experiment.reference)
        if own is None or other is None:
            return None, None
        return probability_of_improvement(own.values, other.values), paired_difference(own, other)

    def _regret(self, experiment: Experiment, name: str) -> dict[str, Interval]:
        """How far the mean return of an agent is from each bounding figure, the tightest first."""
        _, returns = self.matrix(experiment, name, "return")
        if not returns.size or experiment.world.success:
            return {}
        marks = self.marks(experiment)
        first = tightest(marks)
        return {
            mark.name: bootstrap(mark.value - returns, statistic=mean)
            for mark in sorted(marks, key=lambda mark: mark is not first)
            if mark.bounds and mark.value is not None
        }

    def _measures(self, experiment: Experiment, name: str) -> dict[str, float]:
        """The score that each measure would give, between the same two agents."""
        if not isinstance(experiment.low, str) or not isinstance(experiment.high, str):
            return {}
        ends = (experiment.low, experiment.high)
        found = {}
        for metric in MEASURES:
            if metric == "return" and experiment.world.success:
                continue  # the time to the goal says the same and more
            samples = [self.sample(experiment, agent, metric) for agent in (name, *ends)]
            if any(s is None or not np.isfinite(s.values).all() for s in samples):
                continue
            own, low, high = (s.location for s in samples if s is not None)
            if high > low:
                found[metric] = (own - low) / (high - low)
        return found if len(found) > 1 else {}

    def _interval(self, experiment: Experiment, name: str, metric: str) -> Interval | None:
        """Interval of a metric over the episodes to which it applies."""
        return interval_of(metric, self.matrix(experiment, name, metric)[1])

    def overall(self) -> list[tuple[str, Interval]]:
        """Scores over all ids and settings together, of the agents that have one everywhere.

        Each id under each setting is a stratum of its own; those whose scale cannot be trusted are left out.
        """
        trusted = [e for e in self.experiments if e.setting.name in self.trusted(e.id)]
        together = []
        for name in dict.fromkeys(name for e in trusted for name in e.names):
            parts = []
            for experiment in trusted:
                scale = self.scale(experiment)
                sample = self.sample(experiment, name) if name in experiment.names else None
                if scale is not None and sample is not None:
                    parts.append((sample, scale.low, scale.high))
            if len(parts) == len(trusted):
                together.append((name, total_score(parts)))
        return together

    def unchanged(self, experiment: Experiment) -> bool:
        """Whether every agent came to exactly what it came to in the nominal setting.

        Args:
            experiment: one of :attr:`experiments`.
        """
        nominal = [e for e in self.of(experiment.id) if e.setting.name == NOMINAL]
        if not nominal or experiment.setting.name == NOMINAL:
            return False
        return all(
            np.array_equal(
                self._values(experiment, name, "return"),
                self._values(nominal[0], name, "return"),
                equal_nan=True,
            )
            for name in experiment.names
            if name in nominal[0].names
        )


def _estimate(row: AgentSummary) -> float:
    return row.score.estimate if row.score is not None else math.inf
