"""Experiments as data, rollouts, metrics, statistics and the report.

From the bottom up: text, samples, statistics, scales, verdicts, coverage and metrics know no environment; worlds,
settings, sources, agents, experiments and planning say what is run; batching, rollouts, parcels and execution run it;
results keeps it; outcomes, summary, ranks and rows say what can be said about it in numbers, sentences in words;
charts, curves, figures, tables, headline, report, leaderboard_page and terminal show it; comparison puts all of them
together for some ids, board for all, with plan for what that takes and submissions for outsiders' entries.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.comparison.board import leaderboard
    from gym_suite.comparison.comparison import AgentSummary, Comparison, compare
    from gym_suite.comparison.submissions import submit

_HOME = {
    "AgentSummary": "comparison",
    "Comparison": "comparison",
    "compare": "comparison",
    "leaderboard": "board",
    "submit": "submissions",
}

__all__ = ["AgentSummary", "Comparison", "compare", "leaderboard", "submit"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
