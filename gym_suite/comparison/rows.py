"""A row of the leaderboard: what came out on one id, as plain data that outlives the results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gym_suite.behaviour import recorded
from gym_suite.comparison.budgets import budgets
from gym_suite.comparison.experiments import Experiment, provenance
from gym_suite.comparison.outcomes import AgentSummary
from gym_suite.comparison.ranks import Ranking, ranking
from gym_suite.comparison.samples import Sample
from gym_suite.comparison.sentences import MARKS
from gym_suite.comparison.settings import NOMINAL
from gym_suite.comparison.shapes import check_shape
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.verdicts import LEVEL, holm, judge
from gym_suite.core.cards import PRIMARY
from gym_suite.learning.shelf import files_of
from gym_suite.registration import card

__all__ = ["check_row", "row_of", "with_claims"]

#: Information with which an agent knows more than any that could be used; it bounds the others and ranks with nobody.
CLAIRVOYANT = "state"

_INTERVAL = [(float, None), (float, None), (float, None)]
_CELL = {
    "score": (_INTERVAL, None),
    "failures": [float, (float, None), (float, None)],
    "failed_runs": int,
    "errors": [str],
    "rank": ([int, int, int], None),
    "p": (float, None),
    "claim_if_sure": (frozenset(MARKS), None),
}
_AGENT = {
    "name": str,
    "kind": str,
    "rank": str,
    "by": (str, None),
    "information": str,
    "trainings": int,
    "steps": (int, None),
    "trials": (int, None),
    "over_budget": bool,
    "time_per_action": (float, None),
    "primary": ({"score": [float, (float, None), (float, None)], "setting": str}, None),
    "settings": {str: _CELL},
}
_DUEL = {"policy": str, "law": str, "ahead": bool, "p": float, "p_of_others": [float]}
_ROW = {
    "id": str,
    "family": str,
    "summary": str,
    "episodes": int,
    "seeds": [int, int],
    "horizon": int,
    "budget": int,
    "budgets": [str],
    "primary": frozenset(PRIMARY),
    "settings": [str],
    "idle": {str: str},
    "problems": {str: str},
    "agents": [_AGENT],
    "learning": {str: (_DUEL, None)},
    "behaviour": (str, None),
    "files": str,
    "provenance": {"gym_suite": str, "source_digest": str, "commit": str},
}


def check_row(row: Any) -> None:
    """Refuse what is no row as :func:`row_of` makes them.

    Args:
        row: read from a file.

    Raises:
        ValueError: something is missing or of another kind; the error names it.
    """
    check_shape(row, _ROW)
    for setting, duel in row["learning"].items():
        there = {agent["name"] for agent in row["agents"] if setting in agent["settings"]}
        if duel is not None and not {duel["policy"], duel["law"]} <= there:
            raise ValueError(f"learning.{setting} is of agents that are not there")


def row_of(summary: Summary, id: str, by: Mapping[str, str]) -> dict[str, Any]:
    """What came out on an id.

    Args:
        summary: finished.
        id: one of its ids.
        by: name of each outsider's entry to who made it.
    """
    entry, experiments = card(id), summary.of(id)
    rankings = {e.setting.name: _ranking(summary, e) for e in experiments}
    names = experiments[0].names
    return {
        "id": id,
        "family": entry.family,
        "summary": entry.summary,
        "episodes": len(experiments[0].seeds),
        "seeds": [experiments[0].seeds[0], experiments[0].seeds[-1]],
        "horizon": experiments[0].world.limit,
        "budget": entry.protocol.budget,
        "budgets": budgets(id, experiments[0].agents),
        "primary": entry.protocol.primary,
        "settings": [e.setting.name for e in experiments],
        "idle": dict(summary.idle.get(id, {})),
        "problems": {
            e.setting.name: scale.problem
            if scale is not None
            else "Do-nothing or the reference has failed runs."
            for e in experiments
            if (scale := summary.scale(e)) is None or scale.problem
        },
        "agents": [_agent(summary, experiments, name, rankings, by) for name in names],
        "learning": {
            e.setting.name: _learning(e, summary, rankings[e.setting.name]) for e in experiments
        },
        "behaviour": recorded().get(id),
        "files": files_of(id),
        "provenance": provenance(id),
    }


def _ranking(summary: Summary, experiment: Experiment) -> Ranking:
    """The ranks of everybody who may compete."""
    rows = _rows(summary, experiment)
    samples: dict[str, Sample] = {}
    for name in experiment.names:
        sample = summary.sample(experiment, name)
        if sample is not None and rows[name].information != CLAIRVOYANT:
            samples[name] = sample
    return ranking(samples)


def _rows(summary: Summary, experiment: Experiment) -> dict[str, AgentSummary]:
    own = (experiment.id, experiment.setting.name)
    return {row.name: row for row in summary.summary() if (row.id, row.setting) == own}


def _agent(
    summary: Summary,
    experiments: Sequence[Experiment],
    name: str,
    rankings: Mapping[str, Ranking],
    by: Mapping[str, str],
) -> dict[str, Any]:
    """One agent under all settings."""
    rows = {e.setting.name: _rows(summary, e).get(name) for e in experiments}
    present = [row for row in rows.values() if row is not None]
    (standing,) = [s for s in summary.standings(experiments[0].id) if s.name == name]
    protocol = experiments[0].protocol
    assert protocol is not None
    primary = standing.worst if protocol.primary == "worst" else rows.get(NOMINAL)
    specs = experiments[0].trainings(name)
    return {
        "name": name,
        "kind": present[0].kind,
        "rank": present[0].rank,
        "by": by.get(name),
        "information": present[0].information,
        "trainings": present[0].trainings,
        "steps": max((spec.steps for spec in specs if spec.steps is not None), default=None),
        "over_budget": present[0].over_budget,
        "trials": specs[0].trials if specs else None,
        "time_per_action": _number(present[0].time_per_action),
        "primary": None
        if primary is None or primary.score is None
        else {"score": _interval(primary.score), "setting": primary.setting},
        "settings": {
            setting: _cell(summary, row, rankings[setting]) for setting, row in rows.items() if row
        },
    }


def _cell(summary: Summary, row: AgentSummary, ranked: Ranking) -> dict[str, Any]:
    rank = ranked.ranks.get(row.name)
    return {
        "score": _interval(row.score),
        "failures": _interval(row.failures),
        "failed_runs": row.failed,
        "errors": list(row.errors[:3]),
        "rank": None if rank is None else [rank.place, rank.best, rank.worst],
        "p": None if row.verdict is None else row.verdict.p,
        "claim_if_sure": None if row.verdict is None else _claim(summary, row),
    }


def _claim(summary: Summary, row: AgentSummary) -> str:
    """What would be said of an agent beside the reference if no other comparison were made."""
    (experiment,) = [e for e in summary.of(row.id) if e.setting.name == row.setting]
    reference = experiment.reference
    own = summary.sample(experiment, row.name)
    other = summary.sample(experiment, reference) if reference is not None else None
    if own is None or other is None or row.verdict is None:
        return "cannot tell"
    others = _rows(summary, experiment)[str(reference)]
    fails_more = row.failures.estimate > others.failures.estimate
    return judge(own, other, row.verdict.p, 0.0, fails_more=fails_more).claim


def _learning(experiment: Experiment, summary: Summary, ranked: Ranking) -> dict[str, Any] | None:
    """The best learned policies beside the best of the rest; None where there are none of either.

    Whoever picks the best of each kind has looked at all pairs of a policy and a law, so each of these counts as a
    comparison: :func:`with_claims` corrects for them all.
    """
    rows = _rows(summary, experiment)
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for name in ranked.ranks:
        if rows[name].kind != "baseline":
            kinds[rows[name].kind == "learned"].append(name)
    if not (kinds[True] and kinds[False]):
        return None
    policy, law = (
        min(kinds[learned], key=lambda name: ranked.ranks[name].place) for learned in (True, False)
    )
    return {
        "policy": policy,
        "law": law,
        "ahead": ranked.ranks[policy].place < ranked.ranks[law].place,
        "p": ranked.between(policy, law),
        "p_of_others": [
            ranked.between(one, other)
            for one in kinds[True]
            for other in kinds[False]
            if (one, other) != (policy, law)
        ],
    }


def _interval(interval: Interval | None) -> list[float | None] | None:
    if interval is None:
        return None
    return [_number(v) for v in (interval.estimate, interval.low, interval.high)]


def _number(value: float) -> float | None:
    """A number as JSON has it; None stands for one that is not finite: nothing is known on that side."""
    return float(value) if math.isfinite(value) else None


def with_claims(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with what may be claimed of them, corrected for the number of comparisons of all rows.

    Two families of comparisons are corrected, each by itself (Holm): every agent beside the reference of its id, and
    every learned policy beside every law of its id, under every setting. Neither a win of the best policy nor a loss is
    claimed where whoever earns more fails more often: that pair is mixed.

    Args:
        rows: of a whole leaderboard.
    """
    cells = [cell for row in rows for cell in _cells(row) if cell["p"] is not None]
    duels = [duel for row in rows for duel in row["learning"].values() if duel is not None]
    beside = _corrected(cells)
    against = _corrected(duels, [p for duel in duels for p in duel["p_of_others"]])

    def told(cell: Mapping[str, Any]) -> dict[str, Any]:
        p = beside.get(id(cell))
        claim = None
        if p is not None:
            claim = cell["claim_if_sure"] if p < LEVEL else "cannot tell"
        return {**cell, "p_corrected": p, "claim": claim}

    def decided(
        row: Mapping[str, Any], setting: str, duel: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        if duel is None:
            return None
        p = against[id(duel)]
        outcome = _outcome(row, setting, duel) if p < LEVEL else "ties"
        return {**duel, "p_corrected": p, "outcome": outcome}

    return [
        {
            **row,
            "agents": [
                {**agent, "settings": {name: told(c) for name, c in agent["settings"].items()}}
                for agent in row["agents"]
            ],
            "learning": {name: decided(row, name, duel) for name, duel in row["learning"].items()},
        }
        for row in rows
    ]


def _cells(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [cell for agent in row["agents"] for cell in agent["settings"].values()]


def _outcome(row: Mapping[str, Any], setting: str, duel: Mapping[str, Any]) -> str:
    """What is said of a policy beside a law that the episodes tell apart."""
    shares = {
        agent["name"]: agent["settings"][setting]["failures"][0]
        for agent in row["agents"]
        if agent["name"] in (duel["policy"], duel["law"])
    }
    more = shares[duel["policy"]] - shares[duel["law"]]
    if duel["ahead"]:
        return "mixed" if more > 0.0 else "wins"
    return "mixed" if more < 0.0 else "loses"


def _corrected(told: Sequence[Mapping[str, Any]], others: Sequence[float] = ()) -> dict[int, float]:
    """The corrected p of each, by identity, where further comparisons were made that are not told."""
    found = [*(one["p"] for one in told), *others]
    corrected = holm(found) if found else []
    return {id(one): p for one, p in zip(told, corrected, strict=False)}
