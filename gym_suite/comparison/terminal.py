"""The comparison as a table for the terminal, and numbers as words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gym_suite.comparison.statistics import Interval

if TYPE_CHECKING:
    from gym_suite.comparison.comparison import AgentSummary, Comparison
    from gym_suite.core.family import Mark

__all__ = ["digits", "quantity", "seconds", "table", "with_interval"]

PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def digits(value: float, significant: int = 3) -> str:
    """A number to some significant digits without an exponent where that is readable."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never" if value > 0 else "−∞"
    if value == 0.0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{significant - 1}e}".replace("-", "−")
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def seconds(value: float) -> str:
    """A time with its prefix."""
    return quantity(value, "s")


def quantity(value: float, unit: str) -> str:
    """A value with its unit and the prefix that makes it readable."""
    if not math.isfinite(value) or value == 0.0:
        return digits(value)
    factor, prefix = next((p for p in PREFIXES if abs(value) >= p[0]), PREFIXES[-1])
    return f"{digits(value / factor)} {prefix}{unit}"


def with_interval(
    interval: Interval | None, scale: float = 1.0, decimals: int | None = None
) -> str:
    """An estimate with its ends; they get as many decimals as their distance deserves."""
    if interval is None:
        return "–"
    values = [v * scale for v in (interval.estimate, interval.low, interval.high)]
    if not all(map(math.isfinite, values)) or values[1] == values[2]:
        return digits(values[0])
    if decimals is None:
        width = max(values[2] - values[1], abs(values[0]) * 0.02)
        decimals = max(0, 1 - math.floor(math.log10(width)))
    if decimals > 4:
        return "< 0.0001" if max(map(abs, values)) < 1e-4 else digits(values[0], 2)
    # Rounding first, and adding 0, leaves no minus sign before a zero.
    text = [f"{round(v, decimals) + 0.0:.{decimals}f}".replace("-", "−") for v in values]
    return text[0] if text[0] == text[1] == text[2] else f"{text[0]} [{text[1]}, {text[2]}]"


def table(comparison: Comparison) -> Any:
    """A table per id and setting, one row per agent, that fits 80 columns; all in one grid."""
    from rich.table import Table
    from rich.text import Text

    rows = comparison.summary()
    shown = Table.grid()
    shown.add_row("Score: 0 is do-nothing, 1 the reference controller (IQM, 95 % interval).")
    for id, setting in dict.fromkeys((row.id, row.setting) for row in rows):
        suffix = "" if setting == "nominal" else f" ({setting})"
        shown.add_row(Text(f"\n{id}{suffix}", style="bold"))
        shown.add_row(_section([r for r in rows if (r.id, r.setting) == (id, setting)]))
    for experiment in comparison.experiments:
        if told := _marks(comparison.marks(experiment)):
            shown.add_row(Text(f"{experiment.id} ({experiment.setting.name}): {told}"))
    if failures := _failures(rows):
        shown.add_row(failures)
    return shown


def _section(rows: Sequence[AgentSummary]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    inner = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    inner.add_column("agent")
    names = _columns(rows)
    for name in names:
        inner.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        inner.add_row(*_cells(row, names))
    return inner


def _columns(rows: Sequence[AgentSummary]) -> list[str]:
    """The columns that say something here: errors where something is tracked, else returns."""
    tracked = any("RMSE" in row.metrics for row in rows)
    names = ["score", "P(better)", "RMSE" if tracked else "return"]
    names += ["regret"] if any(row.regret for row in rows) else []
    names += ["success"] if any("success" in row.metrics for row in rows) else []
    return [*names, "trips", "time"]


def _marks(marks: Sequence[Mark]) -> str:
    """The figures that returns are put beside, in a line."""
    told = [
        f"{mark.name} {'not computed' if mark.value is None else digits(mark.value)}"
        for mark in marks
    ]
    return ", ".join(told)


def _failures(rows: Sequence[AgentSummary]) -> Any:
    """What went wrong, in full: a table's cell is too narrow for it."""
    from rich.text import Text

    lines = [f"{row.id}, {row.name} failed: {error}" for row in rows for error in row.errors[:3]]
    return Text("\n".join(dict.fromkeys(lines)), style="red") if lines else None


def _cells(row: AgentSummary, names: Sequence[str]) -> list[Any]:
    from rich.text import Text

    name = row.name + (f" ×{row.trainings}" if row.trainings > 1 else "")
    label = Text(name)
    if row.failed:
        label.append(f" ({row.failed} failed)", style="red")
    if not row.episodes:
        return [label]
    told = {
        "score": with_interval(row.score, decimals=2),
        "P(better)": with_interval(row.improvement, decimals=2),
        "RMSE": _estimate(row, "RMSE", 100.0, "%"),
        "return": with_interval(row.metrics.get("return")),
        "regret": next((digits(r.estimate) for r in row.regret.values()), "–"),
        "success": _estimate(row, "success", 100.0, "%"),
        "trips": _estimate(row, "terminated", 100.0, "%"),
        "time": seconds(row.time_per_action),
    }
    return [label, *(told[name] for name in names)]


def _estimate(row: AgentSummary, metric: str, factor: float = 1.0, unit: str = "") -> str:
    interval = row.metrics.get(metric)
    return "–" if interval is None else f"{digits(interval.estimate * factor)}{unit}"
