"""The comparison as a table for the terminal, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gym_suite.comparison.outcomes import OVER_BUDGET, SHOWN_RANKS, AgentSummary, Standing
from gym_suite.comparison.samples import Sample
from gym_suite.comparison.sentences import DOUBT, MARKS, by_protocol, doubts, limits, not_run
from gym_suite.comparison.settings import NOMINAL
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.text import (
    MISSING,
    digits,
    number,
    percent,
    seconds,
    visible,
    with_interval,
)
from gym_suite.comparison.verdicts import Overall
from gym_suite.core.marks import Mark

__all__ = ["table"]

NARROWEST = 10
"""Least width of the column of names, into which longer ones are folded."""

OVERALL: dict[Overall | None, str] = {
    "beats": "beats",
    "loses": "loses",
    "fails more": "fails more",
    "depends on the setting": "depends",
    "cannot tell": "",
    None: "",
}
"""Words for what is said of an agent beside the reference over all settings."""

Cells = list[str]


def table(summary: Summary) -> RenderableType:
    """A table per id, one row per agent.

    Args:
        summary: finished.
    """
    parts: list[RenderableType] = [
        Text(
            "Scores: 0 is do-nothing, 1 the reference controller or what the table says. Beside the reference, "
            f"corrected for {number(len(summary.verdicts), 'comparison')}: + beats it, − loses to it, "
            "! earns more but fails more often."
        )
    ]
    for id in summary.ids:
        parts.append(Text(f"\n{id}", style="bold"))
        several = len(summary.of(id)) > 1
        parts.append(_Section(_over_settings(summary, id) if several else _one(summary, id)))
        if words := by_protocol(summary, id):
            parts.append(Text(words))
        parts += [Text(words) for words in _theory(summary, id)]
        parts += [Text(sentence) for sentence in limits(summary, id)]
    for id in summary.left_out:
        parts += [Text(f"\n{id}", style="bold"), Text(" ".join(not_run(summary.idle[id])))]
    parts += [Text(sentence) for sentence in doubts(summary)]
    if failures := _failures(summary):
        parts.append(failures)
    return Group(*parts)


@dataclass(frozen=True, slots=True)
class _Layout:
    """One way to show a section: heads and rows; the first column holds names."""

    heads: Cells
    rows: list[Cells]

    def width(self) -> int:
        """Columns of the terminal that it takes."""
        widths = [
            max(len(cell) for cell in column) for column in zip(self.heads, *self.rows, strict=True)
        ]
        return sum(widths) + 2 * (len(widths) - 1)


@dataclass(frozen=True, slots=True)
class _Section:
    """The same section from wide to narrow; the terminal takes the widest that fits."""

    layouts: Sequence[_Layout]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        fitting = (layout for layout in self.layouts if layout.width() <= options.max_width)
        layout = next(fitting, self.layouts[-1])
        names = max(len(row[0]) for row in layout.rows)
        left = options.max_width - layout.width() + names
        shown = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
        shown.add_column(
            layout.heads[0], overflow="fold", min_width=min(names, max(left, NARROWEST))
        )
        for head in layout.heads[1:]:
            shown.add_column(head, justify="right", no_wrap=True)
        for row in layout.rows:
            shown.add_row(*(Text(visible(cell)) for cell in row))
        yield shown


def _over_settings(summary: Summary, id: str) -> list[_Layout]:
    """Scores by setting, where there are several."""
    standings = sorted(summary.standings(id), key=lambda standing: standing.place)
    trusted = summary.trusted(id)
    settings = [experiment.setting.name for experiment in summary.of(id)]
    goals = any("success" in s.first.metrics for s in standings)
    heads, rows = ["agent", *settings], []
    for standing in standings:
        by_setting = {
            row.setting: _score(row, trusted=row.setting in trusted) for row in standing.rows
        }
        rows.append([_name(standing), *(by_setting.get(name, MISSING) for name in settings)])
    worst = [_worst(standing, trusted) for standing in standings]
    failures = [_failed(standing) for standing in standings]
    times = [seconds(standing.first.time_per_action) for standing in standings]
    scores = _with(_Layout(heads, rows), {"worst": worst})
    overall = [OVERALL[standing.verdict] for standing in standings]
    judged = _with(scores, {"failed at worst": failures, "over all": overall})
    wide = _with(judged, {"time": times})
    if goals:
        reached = [percent(s.first.metrics.get("success")) for s in standings]
        wide = _with(wide, {"at goal": reached})
    short = [[row[0], by] for row, by in zip(rows, [r[1] for r in rows], strict=True)]
    narrow = _with(
        _Layout(["agent", settings[0]], short), {"worst": worst, "failed at worst": failures}
    )
    narrower = _with(_Layout(["agent", settings[0]], short), {"worst": worst})
    return [wide, judged, scores, narrow, narrower]


def _one(summary: Summary, id: str) -> list[_Layout]:
    """All that fits of a single setting."""
    (experiment,) = summary.of(id)
    rows = [row for row in summary.summary() if row.id == id]
    tracked = any("RMSE" in row.metrics for row in rows)
    trusted = bool(summary.trusted(id))
    columns: dict[str, Cells] = {
        "score": [_score(row, interval=trusted, trusted=trusted) for row in rows],
        "P(better)": [with_interval(row.improvement, decimals=2) for row in rows],
    }
    if tracked:
        columns["RMSE"] = [_estimate(row, "RMSE", 100.0, " %") for row in rows]
    elif experiment.world.success:
        columns["time to goal"] = [_estimate(row, "TimeToGoal", 1.0, " s") for row in rows]
        columns["at goal"] = [percent(row.metrics.get("success")) for row in rows]
    else:
        columns["return"] = [with_interval(row.metrics.get("return")) for row in rows]
    if any(row.regret for row in rows):
        columns["regret"] = [
            next((digits(r.estimate) for r in row.regret.values()), MISSING) for row in rows
        ]
    columns["failed"] = [percent(row.failures) for row in rows]
    columns["time"] = [seconds(row.time_per_action) for row in rows]
    names = [[_named(row, row.failed, doubtful=bool(row.doubts))] for row in rows]
    wide = _with(_Layout(["agent"], names), columns)
    columns["score"] = [_score(row, trusted=trusted) for row in rows]
    columns["P(better)"] = [
        MISSING if row.improvement is None else f"{row.improvement.estimate:.2f}" for row in rows
    ]
    narrow = _with(_Layout(["agent"], names), columns)
    few = {name: columns[name] for name in ("score", "failed")}
    return [wide, narrow, _with(_Layout(["agent"], names), few)]


def _with(layout: _Layout, columns: dict[str, Cells]) -> _Layout:
    """The same with columns added at the right."""
    added = zip(*columns.values(), strict=True)
    rows = [[*row, *more] for row, more in zip(layout.rows, added, strict=True)]
    return _Layout([*layout.heads, *columns], rows)


def _name(standing: Standing) -> str:
    failed = sum(row.failed for row in standing.rows)
    return _named(standing.first, failed, doubtful=bool(standing.doubts))


def _named(row: AgentSummary, failed: int, *, doubtful: bool) -> str:
    several = f" ×{row.trainings}" if row.trainings > 1 else ""
    doubt = f" {DOUBT}" if doubtful else ""
    rank = f" ({row.rank})" if row.rank in SHOWN_RANKS else ""
    lost = f" ({number(failed, 'run')} failed)" if failed else ""
    over = f" ({OVER_BUDGET})" if row.over_budget else ""
    return f"{row.name}{several}{doubt}{rank}{over}{lost}"


def _score(row: AgentSummary, *, interval: bool = False, trusted: bool = True) -> str:
    """The score with the sign of what is claimed, in brackets where its scale is not to be trusted."""
    if row.score is None:
        return MISSING
    number = with_interval(row.score, decimals=2) if interval else f"{row.score.estimate + 0.0:.2f}"
    if not trusted:
        number = f"({number})"
    sign = MARKS[row.verdict.claim] if row.verdict else ""
    return f"{number} {sign}".strip().replace("-", "−")


def _worst(standing: Standing, trusted: Sequence[str]) -> str:
    worst = standing.worst
    if worst is None:
        return MISSING
    return f"{_score(worst, trusted=worst.setting in trusted)} {worst.setting}"


def _failed(standing: Standing) -> str:
    """The largest share of failures, with its setting where it is not all the same."""
    worst = standing.frailest
    alike = all(row.failures.estimate == worst.failures.estimate for row in standing.rows)
    return percent(worst.failures) + ("" if alike else f" {worst.setting}")


def _estimate(row: AgentSummary, metric: str, factor: float = 1.0, unit: str = "") -> str:
    interval = row.metrics.get(metric)
    return MISSING if interval is None else f"{digits(interval.estimate * factor)}{unit}"


def _theory(summary: Summary, id: str) -> list[str]:
    """The figures that returns are put beside, once for settings that have them in common."""
    groups: dict[str, list[str]] = {}
    for experiment in summary.of(id):
        scale = summary.scale(experiment)
        words = _marks(summary.marks(experiment))
        if scale is not None and not isinstance(scale.high, Sample):
            words += f"{'; ' if words else ''}a score of 1 is {scale.top}"
        if words:
            groups.setdefault(words, []).append(experiment.setting.name)
    return [f"Returns in theory: {words} ({', '.join(names)})." for words, names in groups.items()]


def _marks(marks: Sequence[Mark]) -> str:
    """The figures that returns are put beside, in a line."""
    told = [
        f"{mark.name} {'not computed' if mark.value is None else digits(mark.value)}"
        for mark in marks
    ]
    return ", ".join(told)


def _failures(summary: Summary) -> Text | None:
    """What went wrong, in full: a table's cell is too narrow for it."""
    lines = []
    for row in summary.summary():
        if row.failed:
            where = row.id if row.setting == NOMINAL else f"{row.id}, {row.setting}"
            reasons = "; ".join(row.errors[:3])
            lines.append(
                visible(f"{where}: {row.name} failed in {number(row.failed, 'run')}: {reasons}")
            )
    return Text("\n".join(lines), style="red") if lines else None
