"""The headline of an id: a row for each agent, with what it is worth in every setting and over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gym_suite.comparison.charts import interval_glyph
from gym_suite.comparison.outcomes import OVER_BUDGET, SHOWN_RANKS, AgentSummary, Standing
from gym_suite.comparison.sentences import DOUBT, MARKS
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.tables import parts
from gym_suite.comparison.text import MISSING, digits, percent, visible

__all__ = ["glyph", "headline_row", "without_interval"]

INFORMATION = {
    "observation": "observation only",
    "model": "nominal model",
    "state": "true state (clairvoyant)",
    "undeclared": "undeclared",
}

SCORE_VIEW = (-0.2, 1.2)


def headline_row(
    standing: Standing,
    settings: Sequence[str],
    trusted: Sequence[str],
    styles: Mapping[str, str],
) -> dict[str, Any]:
    """A row of the headline: an agent's score and failures in every setting."""
    first, worst = standing.first, standing.worst
    rows = {row.setting: row for row in standing.rows}
    others = [r.score.estimate for r in standing.rows[1:] if r.score is not None]
    return {
        "name": standing.name,
        "style": styles[standing.name],
        "trainings": first.trainings,
        "verdict": standing.verdict or "",
        "doubt": DOUBT if standing.doubts else "",
        "doubts": "; ".join(standing.doubts),
        "rank": first.rank if first.rank in SHOWN_RANKS else "",
        "over": OVER_BUDGET if first.over_budget else "",
        "information": INFORMATION.get(first.information, visible(first.information)),
        "glyph": glyph(first.score, styles[standing.name], others, first.setting in trusted),
        "cells": [_cell(rows.get(name), name in trusted) for name in settings],
        "worst": _cell(worst, worst is None or worst.setting in trusted),
        "worst_setting": worst.setting if worst else "",
        "frailest": (
            percent(standing.frailest.failures),
            standing.frailest.setting if standing.frailest.failures.estimate > 0.0 else "",
        ),
    }


def _cell(row: AgentSummary | None, trusted: bool) -> dict[str, Any]:
    """A score with what is claimed and how often it failed."""
    if row is None:
        return dict.fromkeys(("mark", "hint", "failures", "success"), "") | {
            "score": (MISSING, ""),
            "trusted": True,
        }
    success = row.metrics.get("success")
    failed = row.failures.estimate > 0.0 and success is None
    return {
        "score": without_interval(parts(row.score, decimals=2), trusted),
        "trusted": trusted,
        "mark": MARKS[row.verdict.claim] if row.verdict else "",
        "hint": f"p = {digits(row.verdict.corrected, 2)}, corrected" if row.verdict else "",
        "failures": f"{percent(row.failures)} fail" if failed else "",
        "success": f"{percent(success)} arrive" if success is not None else "",
    }


def without_interval(score: tuple[str, str], trusted: bool) -> tuple[str, str]:
    """A score as :func:`parts` tells it, without its interval where the scale is not to be trusted."""
    return score if trusted else (score[0], "")


def glyph(
    score: Interval | None, style: str, others: Sequence[float] = (), trusted: bool = True
) -> str:
    """A score as a picture, empty without one.

    Args:
        score: with its interval.
        style: CSS class.
        others: the scores of other settings.
        trusted: whether the interval is shown.
    """
    if score is None:
        return ""
    middle = score.estimate
    ends = (middle, score.low, score.high) if trusted else (middle, middle, middle)
    return interval_glyph(*ends, view=SCORE_VIEW, anchors=(0, 1), style=style, others=others)
