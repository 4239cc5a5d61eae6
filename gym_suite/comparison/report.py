"""The report: one self-contained page from a finished comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gym_suite.comparison import figures
from gym_suite.comparison.agents import BASELINES
from gym_suite.comparison.charts import interval_glyph
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.terminal import digits, seconds, with_interval

if TYPE_CHECKING:
    from gym_suite.comparison.comparison import AgentSummary, Comparison
    from gym_suite.comparison.experiments import Experiment
    from gym_suite.core.family import Mark

__all__ = ["write_report"]

INFORMATION = {
    "observation": "observation only",
    "model": "nominal model",
    "state": "true state (clairvoyant)",
    "undeclared": "undeclared",
}

SCORE_VIEW = (-0.2, 1.2)


@dataclass(frozen=True, slots=True)
class _Column:
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
    _Column("RMSE", "RMSE", "%", 100.0, "root mean square error, of full scale"),
    _Column("IAE", "IAE", "s", 1.0, "integral of the absolute error over full scale"),
    _Column("ISE", "ISE", "s", 1.0, "integral of the squared error over full scale squared"),
    _Column("ITAE", "ITAE", "s²", 1.0, "integral of time since the step times absolute error"),
    _Column("RiseTime", "Rise", "s", 1.0, "10 to 90 % of the step, median over the steps"),
    _Column("SettlingTime", "Settling", "s", 1.0, "to stay within 2 % of the step, median"),
    _Column("Overshoot", "Overshoot", "%", 1.0, "of the step, median over the steps"),
    _Column("SteadyStateError", "Steady error", "%", 100.0, "end of the steps, of full scale"),
)
EFFORT = (
    _Column("success", "Goal reached", "% of episodes", 100.0, "before the time limit", False),
    _Column("violations", "Violations", "per episode", 1.0, "control periods beyond a limit"),
    _Column("terminated", "Ended early", "% of episodes", 100.0, "by termination"),
    _Column("completed", "Completed", "% of the horizon", 100.0, "before the end", False),
    _Column("EffortRMS", "Effort RMS", "% of range", 100.0, "of the actuating quantities", None),
    _Column("EffortVariation", "Effort change", "% per period", 100.0, "mean absolute", None),
    _Column("Saturation", "Saturated", "% of time", 100.0, "at 99 % of the range or above", None),
)


def write_report(comparison: Comparison, path: Path) -> Path:
    """Write the page.

    Args:
        comparison: finished.
        path: of the page; its folder exists.

    Returns:
        The path.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("gym_suite.comparison"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("report.html.j2").render(_page(comparison))
    path.write_text(page, encoding="utf-8")
    return path


def _page(comparison: Comparison) -> dict[str, Any]:
    """Everything that the template shows."""
    styles = figures.agent_styles(comparison.experiments)
    sections, seen = [], set()
    for number, experiment in enumerate(comparison.experiments):
        sections.append(
            _section(comparison, experiment, styles, number, first=experiment.id not in seen)
        )
        seen.add(experiment.id)
    overall = comparison.overall() if len(sections) > 1 else []
    if all(name in BASELINES for name, _ in overall):
        overall = []  # baselines among themselves say nothing
    provenance = comparison.records[-1]["provenance"] if comparison.records else {}
    return {
        "title": ", ".join(dict.fromkeys(e.id for e in comparison.experiments)),
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "sections": sections,
        "overall": [
            {"name": n, "style": styles[n], "glyph": _glyph(i, styles[n]), "score": _parts(i)}
            for n, i in overall
        ],
        "across": _across(comparison, styles),
        "runs": len(comparison.records),
        "failed": sum(record["status"] != "done" for record in comparison.records),
        "seeds": _seeds(comparison.experiments[0].seeds),
        "provenance": {k: v for k, v in provenance.items() if k != "date"},
        "notes": _notes(comparison),
    }


def _section(
    comparison: Comparison,
    experiment: Experiment,
    styles: Mapping[str, str],
    number: int,
    *,
    first: bool,
) -> dict[str, Any]:
    """One id under one setting."""
    import gymnasium

    from gym_suite.registration import card

    env = gymnasium.make(experiment.id, **experiment.setting.keywords)
    setup = env.unwrapped.setup  # type: ignore[attr-defined]
    rows = [
        row
        for row in comparison.summary()
        if (row.id, row.setting) == (experiment.id, experiment.setting.name)
    ]
    horizon = experiment.horizon or setup.horizon or (env.spec.max_episode_steps if env.spec else 0)
    section = {
        "anchor": f"e{number}",
        "id": experiment.id,
        "setting": experiment.setting.name,
        "keywords": dict(experiment.setting.keywords),
        "summary": card(experiment.id).summary,
        "period": seconds(setup.dt),
        "duration": seconds(setup.dt * horizon) if horizon else "no limit",
        "horizon": horizon,
        "seeds": _seeds(experiment.seeds),
        "quantities": [
            f"{t.label} (full scale {digits(t.scale)} {t.unit})" for t in setup.tracking
        ],
        "anchors": comparison.anchors(experiment),
        "verdict": _verdict(rows),
        "headline": [_headline(row, styles) for row in rows],
        "legend": [(name, styles[name]) for name in dict.fromkeys(r.name for r in rows)],
        "failures": [(row.name, row.failed, row.errors) for row in rows if row.failed],
        "trajectories": figures.trajectories(comparison, experiment, setup, styles),
        "drawn": _drawn(comparison, experiment, styles),
        "control": _metric_table(rows, CONTROL, styles),
        "effort": _metric_table(rows, EFFORT, styles, time=True),
        "marks": _marks(comparison.marks(experiment), rows, styles),
        "profile": figures.profile(comparison, experiment, styles),
        "curves": [],
        "explored": [],
        "methods": [],
        "bode": [],
        "agents": [],
    }
    if first:
        section |= _once(experiment, env, styles)
    env.close()
    return section


def _marks(
    marks: Sequence[Mark], rows: Sequence[AgentSummary], styles: Mapping[str, str]
) -> dict[str, Any]:
    """What returns are put beside, and how far each agent is from it."""
    bounding = [mark.name for mark in marks if mark.bounds]
    return {
        "told": [
            (m.name, "not computed" if m.value is None else digits(m.value, 4), m.kind, m.meaning)
            for m in marks
        ],
        "heads": bounding,
        "rows": [
            {
                "name": row.name,
                "style": styles[row.name],
                "cells": [_parts(row.regret.get(name)) for name in bounding],
            }
            for row in rows
        ],
    }


def _across(comparison: Comparison, styles: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each id that was run under several settings, the agents' scores and errors in each."""
    tables = []
    for id in dict.fromkeys(experiment.id for experiment in comparison.experiments):
        rows = [row for row in comparison.summary() if row.id == id]
        settings = list(dict.fromkeys(row.setting for row in rows))
        if len(settings) < 2:
            continue
        metric = "RMSE" if any("RMSE" in row.metrics for row in rows) else "return"
        factor = 100.0 if metric == "RMSE" else 1.0
        cells = {(row.name, row.setting): row for row in rows}
        body = []
        for name in dict.fromkeys(row.name for row in rows):
            found = [cells.get((name, setting)) for setting in settings]
            body.append(
                {
                    "name": name,
                    "style": styles[name],
                    "scores": [_parts(row.score if row else None) for row in found],
                    "costs": [
                        _parts(row.metrics.get(metric) if row else None, factor) for row in found
                    ],
                }
            )
        unit = "RMSE in % of full scale" if metric == "RMSE" else "return"
        tables.append({"id": id, "settings": settings, "rows": body, "metric": unit})
    return tables


def _drawn(
    comparison: Comparison, experiment: Experiment, styles: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Names and styles of the agents that have a trajectory."""
    names = [a.name for a in experiment.agents if comparison.trajectory(experiment, a) is not None]
    return [(name, styles[name]) for name in dict.fromkeys(names)]


def _once(experiment: Experiment, env: Any, styles: Mapping[str, str]) -> dict[str, Any]:
    """What is the same under every setting of an id: learning curves, Bode plots, gains."""
    curves, agents, loops = [], [], []
    shipped: dict[Path, dict[str, str]] = {}
    for name in dict.fromkeys(agent.name for agent in experiment.agents):
        specs = [agent for agent in experiment.agents if agent.name == name]
        spec = specs[0]
        folder = getattr(spec.source, "path", Path()).parent
        if spec.kind == "learned" and (
            curve := figures.learning_curves(folder, name, styles[name])
        ):
            curves.append(curve)
            shipped.setdefault(folder, {})[name] = styles[name]
        try:
            agent = spec.load(env)
        except Exception:  # its failure is already shown beside its runs
            continue
        if spec is experiment.agents[0]:
            loops = _loops(agent)
        agents.append(_description(name, styles[name], agent, [s.training_seed for s in specs]))
    explored = [
        f for at, methods in shipped.items() for f in figures.exploration_curves(at, methods)
    ]
    methods = [pair for named in shipped.values() for pair in named.items()]
    return {
        "curves": curves,
        "explored": explored,
        "methods": methods,
        "bode": loops,
        "agents": [a for a in agents if a],
    }


def _loops(controller: Any) -> list[figures.Figure]:
    """Bode plots of a controller that offers its open loops."""
    if not callable(getattr(controller, "loops", None)):
        return []
    from gym_suite.analysis import open_loop

    return figures.bode(open_loop(controller))


def _description(
    name: str, style: str, agent: Any, trainings: Sequence[int | None]
) -> dict[str, Any] | None:
    """What an agent says of itself, in the order in which a reader wants it."""
    if not callable(getattr(agent, "describe", None)):
        return None
    told = dict(agent.describe())
    gains = told.pop("gains", {})
    rows = []
    for gain, value in gains.items() if isinstance(gains, Mapping) else ():
        entry = value if isinstance(value, Mapping) else {"value": value, "unit": ""}
        number = entry["value"]
        text = digits(number, 4) if isinstance(number, int | float) else str(number)
        rows.append((gain, text, entry.get("unit", "")))
    for key in ("name", "class", "training_seed", "id"):
        told.pop(key, None)
    facts = [(key.replace("_", " "), _words(value)) for key, value in told.items()]
    seeds = [str(seed) for seed in trainings if seed is not None]
    if seeds:
        facts.insert(0, ("training seeds", ", ".join(seeds)))
    return {
        "name": name,
        "style": style,
        "facts": [(key, words) for key, words in facts if words],
        "gains": rows,
    }


def _words(value: Any) -> str:
    """Plain data as words."""
    if isinstance(value, Mapping):
        told = {key.replace("_", " "): _words(inner) for key, inner in value.items()}
        return "; ".join(f"{key}: {words}" for key, words in told.items() if words)
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return digits(value, 4)
    return "" if value is None else str(value)


def _headline(row: AgentSummary, styles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "style": styles[row.name],
        "kind": row.kind,
        "information": INFORMATION.get(row.information, row.information),
        "runs": f"{row.trainings} × {row.episodes}" if row.trainings > 1 else str(row.episodes),
        "failed": row.failed,
        "glyph": _glyph(row.score, styles[row.name]),
        "score": _parts(row.score),
        "improvement": _parts(row.improvement, decimals=2),
        "difference": _parts(row.difference),
        "return": _parts(row.metrics.get("return")),
    }


def _glyph(score: Interval | None, style: str) -> str:
    if score is None:
        return ""
    ends = score.estimate, score.low, score.high
    return interval_glyph(*ends, view=SCORE_VIEW, anchors=(0, 1), style=style)


def _parts(
    interval: Interval | None, factor: float = 1.0, decimals: int | None = None
) -> tuple[str, str]:
    """The estimate and its interval, to be set apart."""
    text = with_interval(interval, factor, decimals)
    estimate, bracket, ends = text.partition(" [")
    return estimate, f"[{ends}" if bracket else ""


def _metric_table(
    rows: Sequence[AgentSummary],
    columns: Sequence[_Column],
    styles: Mapping[str, str],
    *,
    time: bool = False,
) -> dict[str, Any]:
    """Cells with the best of each column marked; columns that apply to no agent are left out."""
    used = [c for c in columns if any(c.metric in row.metrics for row in rows)]
    body = [{"name": row.name, "style": styles[row.name], "cells": []} for row in rows]
    heads = []
    for column in used:
        values = [row.metrics.get(column.metric) for row in rows]
        factor, unit = _readable(column, values)
        heads.append((column.head, unit, column.hint))
        best = _best(column, rows)
        for i, value in enumerate(values):
            text = _parts(value, factor)
            body[i]["cells"].append((*text, rows[i].name in best))  # type: ignore[attr-defined]
    if time:
        heads.append(("Time per action", "", "one row, Python call included; median"))
        for i, row in enumerate(rows):
            body[i]["cells"].append((seconds(row.time_per_action), "", False))  # type: ignore[attr-defined]
    return {"heads": heads, "rows": body}


def _readable(column: _Column, values: Sequence[Interval | None]) -> tuple[float, str]:
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


def _best(column: _Column, rows: Sequence[AgentSummary]) -> set[str]:
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


def _arrives(row: AgentSummary, column: _Column) -> bool:
    """No overshoot is no merit where the reference is never reached."""
    rise = row.metrics.get("RiseTime")
    return column.metric != "Overshoot" or (rise is not None and math.isfinite(rise.estimate))


def _verdict(rows: Sequence[AgentSummary]) -> list[str]:
    """What the numbers say, in sentences, losers included."""
    reference = rows[0].name
    sentences = []
    for row in rows:
        if row.kind == "baseline" or row.name == reference or row.improvement is None:
            continue
        p = row.improvement
        if p.low > 0.5:
            claim = f"{row.name} beats the reference controller {reference}"
        elif p.high < 0.5:
            claim = f"{row.name} loses to the reference controller {reference}"
        else:
            few = f"{row.episodes} episode{'s' if row.episodes > 1 else ''}"
            claim = f"{few} cannot tell {row.name} from the reference controller {reference}"
        numbers = f"its return is higher with probability {with_interval(p, decimals=2)}"
        if row.score is not None:
            numbers += f", its score is {with_interval(row.score)}"
        sentences.append(f"{claim}: {numbers}.")
    return sentences


def _notes(comparison: Comparison) -> list[str]:
    """What a careful reader should know."""
    rows = comparison.summary()
    notes = [
        "Intervals are percentile bootstrap intervals at 95 % of the interquartile mean. With 20 "
        "episodes they cover the truth in about 93 to 94 % of cases. The uncertainty of the "
        "score's two anchors is not in them.",
        "An episode that ends early counts its lost control periods as errors of full scale, so "
        "that dying early cannot look precise. Rise, settling and overshoot are judged on the "
        "steps that were reached; “never” means that in more than a quarter of the episodes half "
        "of the steps did not get there.",
        "Trajectories show the first seed only; tables and profiles use all of them.",
        "Time per action is measured on this machine with one row per call, Python included; it "
        "ranks implementations, not algorithms.",
    ]
    few = sorted({row.trainings for row in rows if 1 < row.trainings < 10})
    if few:
        notes.append(
            f"With {few[0]} training seeds the intervals of learned methods are too narrow (about "
            "91 % coverage instead of 95 % in a trial): a training seed is drawn from few."
        )
    if any(row.trainings == 1 for row in rows):
        notes.append(
            "A learned agent with a single training seed says nothing about its method: its "
            "intervals hold for that one policy."
        )
    told = {row.information for row in rows}
    if len(told - {"undeclared"}) > 1:
        notes.append(
            "Agents with different information are not equals; the column “knows” says what each "
            "may look at."
        )
    return notes


def _seeds(seeds: Sequence[int]) -> str:
    """Seeds in a few words."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
