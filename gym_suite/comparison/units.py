"""The metrics of one episode in words: numbers as a comparison's tables show them, each with its unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gym_suite.comparison.tables import CONTROL, EFFORT
from gym_suite.core.page_tables import number

__all__ = ["in_words"]

PERCENT = {
    **{column.metric: column.unit for column in (*CONTROL, *EFFORT) if column.factor == 100.0},
    "RMSE": "% of full scale",
    "MAE": "% of full scale",
    "SteadyStateError": "% of full scale",
    "SteadyStateValue": "% of the step",
}
"""Shares in the records, with the unit in which they are told."""

FLAGS = ("terminated", "failed", "success")
"""0 or 1 in the record of an episode."""

UNITS = {
    **{column.metric: column.unit for column in CONTROL if column.unit in ("s", "s²")},
    "TimeToGoal": "s",
    "Overshoot": "% of the step",
    "length": "control periods",
    "violations": "control periods",
}

OWN = {"IAE": "{} s", "ISE": "{} s", "ITAE": "{} s²"}
"""Units of a tracked quantity's integrals, made of its own."""


class Tracked(Protocol):
    """What is to be known of a tracked quantity."""

    @property
    def label(self) -> str:
        """Its name in the metrics."""
        ...

    @property
    def unit(self) -> str:
        """Its SI unit."""
        ...


def in_words(metrics: Mapping[str, float], tracking: Sequence[Tracked]) -> list[tuple[str, str]]:
    """Name of each metric of an episode, and its value with the unit.

    Args:
        metrics: of a record, by name; those of a single quantity as "label/RMSE".
        tracking: the tracked quantities of the environment.
    """
    units = {tracked.label: tracked.unit for tracked in tracking}
    return [(name, _value(name, value, units)) for name, value in metrics.items()]


def _value(name: str, value: float, units: Mapping[str, str]) -> str:
    label, slash, metric = name.rpartition("/")
    own = units.get(label)
    if own is not None and metric in ("RMSE", "MAE", "SteadyStateError", *OWN):
        if metric == "ISE":
            own = f"{own}²" if own.isalpha() else f"({own})²"
        return f"{number(value)} {OWN.get(metric, '{}').format(own)}"
    if not slash and metric in FLAGS:
        return "yes" if value else "no"
    if metric in PERCENT:
        return f"{number(100.0 * value)} {PERCENT[metric]}"
    return f"{number(value)} {UNITS.get(metric, '')}".rstrip()
