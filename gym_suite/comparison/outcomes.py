"""What is known of one agent: under one setting, and over all settings of an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gym_suite.comparison.samples import Sample
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.verdicts import Overall, Verdict

__all__ = ["OVER_BUDGET", "SHOWN_RANKS", "AgentSummary", "Scale", "Standing"]


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What a score of an experiment is reckoned from.

    Attributes:
        low: what is 0.
        high: what is 1.
        bottom: the lower anchor in words.
        top: the upper anchor in words.
        quantity: what is scored: "return" or "time to the goal".
        gap: how far apart the two are; its interval says how well the scale is known.
        problem: why there is no score, or why it is not to be trusted; empty where it is.
        scored: whether there is a score at all.
        few: whether the score is not to be trusted for want of episodes only; what it comes to can still be shown.
    """

    low: Sample | float
    high: Sample | float
    bottom: str
    top: str
    quantity: str
    gap: Interval
    problem: str
    scored: bool
    few: bool


SHOWN_RANKS = ("reference", "strong")
"""Ranks that are told beside an agent's name; the other names speak for themselves."""

OVER_BUDGET = "over budget"
"""What is told beside the name of an agent that had more steps than the protocol gives."""


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """How one agent did under one setting of one id.

    Intervals are at 95 %: of the interquartile mean that trims no failure for scores, of the mean for shares and
    counts, of the interquartile mean for all other metrics.

    Attributes:
        id: environment id.
        setting: name of the setting.
        name: of the agent.
        kind: "controller", "learned", "baseline" or "custom".
        rank: what it is on the id's ladder, of :data:`gym_suite.core.cards.RANKS`; empty for a user's own.
        information: what it may look at.
        trainings: number of trainings, 0 for a method that is not trained.
        episodes: number of episode seeds.
        failed: number of runs that raised an error, or of which nothing came back.
        errors: what went wrong in them.
        score: 0 is do-nothing, 1 the upper anchor; None where there is no scale.
        improvement: probability of a higher worth than the reference's on the same episode seed.
        difference: worth minus the reference's, paired on the episode seed.
        failures: share of the episodes that failed: ended by a crash, a trip or a collision, missed their goal, or
            raised an error.
        verdict: beside the reference; None for the reference and the baselines.
        regret: of the mean return to each figure that bounds it, by the figure's name.
        measures: by metric of :data:`MEASURES`, the score that it gives; empty where there is a single one.
        metrics: by name, over the runs that finished; those that apply to no episode are missing.
        time_per_action: median over the runs, s.
        over_budget: whether its training or search had more environment steps than the id's protocol gives one.
        doubts: what is to be said of the behaviours of the id that its policies or gains were made on; empty where
            that is the one here.
    """

    id: str
    setting: str
    name: str
    kind: str
    rank: str
    information: str
    trainings: int
    episodes: int
    failed: int
    errors: tuple[str, ...]
    score: Interval | None
    improvement: Interval | None
    difference: Interval | None
    failures: Interval
    verdict: Verdict | None
    regret: Mapping[str, Interval]
    measures: Mapping[str, float]
    metrics: Mapping[str, Interval]
    time_per_action: float
    over_budget: bool
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one agent stands on an id over all its settings.

    Attributes:
        name: of the agent.
        rows: one summary per setting, the nominal one first where there is one.
        worst: the row with the lowest score whose scale can be trusted, or could with more episodes; None without a
            score.
        frailest: the row with the largest share of failures.
        verdict: beside the reference over all settings; None for the reference and the baselines.
    """

    name: str
    rows: tuple[AgentSummary, ...]
    worst: AgentSummary | None
    frailest: AgentSummary
    verdict: Overall | None

    @property
    def place(self) -> tuple[bool, float]:
        """By which agents are put in order: who does best where it does worst first, without a score last."""
        score = (self.worst or self.first).score
        return score is None, 0.0 if score is None else -score.estimate

    @property
    def doubts(self) -> tuple[str, ...]:
        """Those of all settings."""
        return tuple(dict.fromkeys(words for row in self.rows for words in row.doubts))

    @property
    def first(self) -> AgentSummary:
        """The row of the first setting."""
        return self.rows[0]
