"""The report's tables of metrics: which columns there are, in which units, and who is best."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gym_suite.comparison.outcomes import AgentSummary
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.text import seconds, with_interval
from gym_suite.comparison.worlds import World

__all__ = ["CONTROL", "EFFORT", "Column", "effort_columns", "metric_table", "parts"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of metrics.

    Attributes:
        metric: its name in the records.
        head: words.
        unit: of the numbers as shown.
        factor: from the record to what is shown.
        hint: what it means.
        lower: whether lower is better, None if neither.
    """

    metric: str
    head: str
    unit: str
    factor: float
    hint: str
    lower: bool | None = True


CONTROL = (
    Column("RMSE", "RMSE", "%", 100.0, "root mean square error, of full scale"),
    Column("IAE", "IAE", "s", 1.0, "integral of the absolute error over full scale"),
    Column("ISE", "ISE", "s", 1.0, "integral of the squared error over full scale squared"),
    Column("ITAE", "ITAE", "s²", 1.0, "integral of time since the step times absolute error"),
    Column("RiseTime", "Rise", "s", 1.0, "10 to 90 % of the step, median over the steps"),
    Column("SettlingTime", "Settling", "s", 1.0, "to stay within 2 % of the step, median"),
    Column("Overshoot", "Overshoot", "%", 1.0, "of the step, median over the steps"),
    Column("SteadyStateError", "Steady error", "%", 100.0, "end of the steps, of full scale"),
)
EFFORT = (
    Column("success", "Goal reached", "% of episodes", 100.0, "before the time limit", False),
    Column(
        "TimeToGoal",
        "Time to goal",
        "s",
        1.0,
        "mean; a goal that was missed counts as the time limit",
    ),
    Column("violations", "Violations", "per episode", 1.0, "control periods beyond a limit"),
    Column("terminated", "Ended early", "% of episodes", 100.0, "by termination"),
    Column("completed", "Completed", "% of the horizon", 100.0, "before the end", False),
    Column("EffortRMS", "Effort RMS", "% of range", 100.0, "of the actuating quantities", None),
    Column("EffortVariation", "Effort change", "% per period", 100.0, "mean absolute", None),
    Column("Saturation", "Saturated", "% of time", 100.0, "at 99 % of the range or above", None),
)


def effort_columns(world: World) -> tuple[Column, ...]:
    """The table of effort and violations, with a world's own figures of whole episodes behind the time to the goal.

    Args:
        world: what was judged.
    """
    own = [Column(t.name, t.label, t.unit, 1.0, t.meaning, t.lower) for t in world.totals]
    return (*EFFORT[:2], *own, *EFFORT[2:])


def parts(
    interval: Interval | None, factor: float = 1.0, decimals: int | None = None
) -> tuple[str, str]:
    """The estimate and its interval, to be set apart.

    Args:
        interval: of a quantity; None where it does not apply.
        factor: from the quantity to what is shown.
        decimals: of the numbers; None for as many as the interval deserves.
    """
    text = with_interval(interval, factor, decimals)
    estimate, bracket, ends = text.partition(" [")
    return estimate, f"[{ends}" if bracket else ""


def metric_table(
    rows: Sequence[AgentSummary],
    columns: Sequence[Column],
    styles: Mapping[str, str],
    *,
    time: bool = False,
) -> dict[str, Any]:
    """Cells with the best of each column marked; columns that apply to no agent are left out.

    Args:
        rows: one per agent.
        columns: what may be shown.
        styles: CSS class by agent name.
        time: whether the time per action is shown too.
    """
    used = [c for c in columns if any(c.metric in row.metrics for row in rows)]
    body = [{"name": row.name, "style": styles[row.name], "cells": []} for row in rows]
    heads = []
    for column in used:
        values = [row.metrics.get(column.metric) for row in rows]
        factor, unit = _readable(column, values)
        heads.append((column.head, unit, column.hint))
        best = _best(column, rows)
        for i, value in enumerate(values):
            text = parts(value, factor)
            body[i]["cells"].append((*text, rows[i].name in best))  # type: ignore[attr-defined]
    if time:
        heads.append(("Time per action", "", "one row, Python call included; median"))
        for i, row in enumerate(rows):
            body[i]["cells"].append((seconds(row.time_per_action), "", False))  # type: ignore[attr-defined]
    return {"heads": heads, "rows": body}


def _readable(column: Column, values: Sequence[Interval | None]) -> tuple[float, str]:
    """Times in s, ms or µs, whichever suits the middle of what there is to show."""
    shown = [v.estimate for v in values if v is not None and 0.0 < v.estimate < math.inf]
    if column.unit not in ("s", "s²") or not shown:
        return column.factor, column.unit
    power = len(column.unit)
    middle = math.sqrt(min(shown) * max(shown))
    scales = ((1.0, ""), (1e3, "m"), (1e6, "µ"))
    suits = (scale for scale in scales if middle * scale[0] ** power >= 0.5)
    factor, prefix = next(suits, scales[-1])
    return factor**power, prefix + column.unit


def _best(column: Column, rows: Sequence[AgentSummary]) -> set[str]:
    """Names of the agents with the best estimate; baselines do not compete."""
    if column.lower is None:
        return set()
    values = {
        row.name: row.metrics[column.metric].estimate
        for row in rows
        if row.kind != "baseline" and column.metric in row.metrics and _arrives(row, column)
    }
    pick: Callable[..., float] = min if column.lower else max
    finite = [value for value in values.values() if math.isfinite(value)]
    if len(values) < 2 or not finite or len(set(values.values())) == 1:
        return set()
    best = pick(finite)
    return {name for name, value in values.items() if value == best}


def _arrives(row: AgentSummary, column: Column) -> bool:
    """No overshoot is no merit where the reference is never reached."""
    rise = row.metrics.get("RiseTime")
    return column.metric != "Overshoot" or (rise is not None and math.isfinite(rise.estimate))
