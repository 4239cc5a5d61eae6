"""The report: one self-contained page from finished results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gym_suite.comparison import figures
from gym_suite.comparison.agents import BASELINES, AgentSpec
from gym_suite.comparison.charts import Figure
from gym_suite.comparison.coverage import COVERAGE, FALSE_PAGES, TRAININGS
from gym_suite.comparison.curves import exploration_curves, learning_curves
from gym_suite.comparison.experiments import Experiment
from gym_suite.comparison.headline import glyph, headline_row, without_interval
from gym_suite.comparison.measures import MEASURES
from gym_suite.comparison.outcomes import AgentSummary, Standing
from gym_suite.comparison.overviews import overviews
from gym_suite.comparison.results import write_whole
from gym_suite.comparison.sentences import (
    by_protocol,
    findings,
    limits,
    not_run,
    notes,
    winners,
)
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.tables import CONTROL, effort_columns, metric_table, parts
from gym_suite.comparison.text import MISSING, digits, seconds, span, visible
from gym_suite.comparison.verdicts import LEVEL
from gym_suite.comparison.worlds import make
from gym_suite.core.marks import Mark
from gym_suite.learning.gains import OwnGains
from gym_suite.registration import catalogue

__all__ = ["write_report"]

FEW = 3
"""Ids that a title names one by one."""


def write_report(summary: Summary, path: Path) -> Path:
    """Write the page.

    Args:
        summary: finished.
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
    page = templates.get_template("report.html.j2").render(_page(summary))
    write_whole(path, page)
    return path


def _page(summary: Summary) -> dict[str, Any]:
    """Everything that the template shows."""
    styles = figures.agent_styles(summary.experiments)
    overall = summary.overall() if len(summary.ids) > 1 else []
    if all(name in BASELINES for name, _ in overall):
        overall = []  # baselines among themselves say nothing
    provenance = summary.records[-1]["provenance"] if summary.records else {}
    return {
        "title": _title(summary.ids),
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "sections": [_section(summary, id, styles, n) for n, id in enumerate(summary.ids)],
        "overall": [
            {"name": n, "style": styles[n], "glyph": glyph(i, styles[n]), "score": parts(i)}
            for n, i in overall
        ],
        "left_out": [(id, " ".join(not_run(summary.idle[id]))) for id in summary.left_out],
        "runs": len(summary.records),
        "failed": summary.failed_runs,
        "seeds": span(next(iter(summary.experiments)).seeds),
        "comparisons": len(summary.verdicts),
        "level": f"{100 * LEVEL:g}",
        "provenance": {k: visible(str(v)) for k, v in provenance.items() if k != "date"},
        "coverage": _coverage(),
        "false_pages": [
            (name, [f"{100 * value:.0f} %" for value in found])
            for name, found in FALSE_PAGES.items()
        ],
        "learned": any(row.trainings > 1 for row in summary.summary()),
        "trainings": TRAININGS,
        "notes": notes(summary),
    }


def _title(ids: Sequence[str]) -> str:
    """The ids where they are few; of many what they have in common."""
    if len(ids) <= FEW:
        return ", ".join(ids)
    spaces = list(dict.fromkeys(id.rpartition("/")[0] or id for id in ids))
    return f"{', '.join(spaces)}: {len(ids)} environments"


def _section(summary: Summary, id: str, styles: Mapping[str, str], number: int) -> dict[str, Any]:
    """One id under all its settings."""
    experiments = summary.of(id)
    standings = sorted(summary.standings(id), key=lambda standing: standing.place)
    first = experiments[0]
    world = first.world
    settings = [experiment.setting.name for experiment in experiments]
    trusted = summary.trusted(id)
    section = {
        "anchor": f"e{number}",
        "id": id,
        "summary": catalogue()[id].summary
        if id in catalogue()
        else "an environment of another package",
        "clock": _clock(first),
        "seeds": span(first.seeds),
        "quantities": [
            f"{t.label} (full scale {digits(t.scale)} {t.unit})" for t in world.tracking
        ],
        "goal": bool(world.success),
        "protocol": by_protocol(summary, id),
        "findings": findings(summary, id),
        "limits": limits(summary, id),
        "failures": _raised(standings),
        "settings": settings,
        "scales": _scales(summary, experiments),
        "standings": [headline_row(s, settings, trusted, styles) for s in standings],
        "measures": _measures(summary, id, styles),
        "details": [
            _detail(summary, experiment, styles, f"e{number}s{k}", brief=k > 0)
            for k, experiment in enumerate(experiments)
        ],
    }
    return section | _once(first, styles)


def _clock(experiment: Experiment) -> str:
    """Control period and length of the episodes in words."""
    world = experiment.world
    if not world.timed:
        return f"episodes of at most {world.limit} steps"
    duration = seconds(world.dt * world.limit)
    return f"control period {seconds(world.dt)}, episodes of {duration} ({world.limit} periods)"


def _scales(summary: Summary, experiments: Sequence[Experiment]) -> list[str]:
    """What 0 and 1 are, once for settings that have it in common."""
    groups: dict[str, list[str]] = {}
    for experiment in experiments:
        scale = summary.scale(experiment)
        if scale is None:
            continue
        what = (
            "the time to the goal, of which a missed goal takes all"
            if scale.quantity == MEASURES["TimeToGoal"]
            else "the return"
        )
        words = f"The score is reckoned from {what}: 0 is {scale.bottom}, 1 is {scale.top}"
        groups.setdefault(words, []).append(experiment.setting.name)
    if len(groups) == 1:
        return [f"{next(iter(groups))}."]
    return [f"{words} ({', '.join(names)})." for words, names in groups.items()]


def _raised(standings: Sequence[Standing]) -> list[tuple[str, int, list[str]]]:
    """Agents with failed runs, their number and what went wrong."""
    found = []
    for standing in standings:
        count = sum(row.failed for row in standing.rows)
        errors = dict.fromkeys(error for row in standing.rows for error in row.errors)
        if count:
            found.append((standing.name, count, list(errors)[:3]))
    return found


def _measures(summary: Summary, id: str, styles: Mapping[str, str]) -> dict[str, Any]:
    """Scores of the first setting by each measure, the best of each marked."""
    setting = summary.of(id)[0].setting.name
    rows = [r for r in summary.summary() if (r.id, r.setting) == (id, setting) and r.measures]
    metrics = [m for m in MEASURES if any(m in row.measures for row in rows)]
    best = winners(summary, id)
    if len(metrics) < 2 or len(rows) < 3:
        return {"heads": [], "rows": []}
    body = [
        {
            "name": row.name,
            "style": styles[row.name],
            "cells": [
                (
                    f"{row.measures[m] + 0.0:.3f}".replace("-", "−")
                    if m in row.measures
                    else MISSING,
                    row.name in best.get(m, ()),
                )
                for m in metrics
            ],
        }
        for row in rows
    ]
    return {"heads": [MEASURES[m] for m in metrics], "rows": body}


def _detail(
    summary: Summary,
    experiment: Experiment,
    styles: Mapping[str, str],
    anchor: str,
    *,
    brief: bool,
) -> dict[str, Any]:
    """All about one setting."""
    name = experiment.setting.name
    rows = [r for r in summary.summary() if (r.id, r.setting) == (experiment.id, name)]
    trusted = name in summary.trusted(experiment.id)
    return {
        "anchor": anchor,
        "setting": name,
        "keywords": _keywords(experiment.setting.keywords),
        "pairs": [_pair(row, styles, experiment, trusted) for row in rows],
        "quantity": "time" if experiment.world.success else "return",
        "reference": experiment.reference,
        "legend": [(row.name, styles[row.name]) for row in rows],
        "drawn": [(row.name, styles[row.name]) for row in rows if row.failed < _runs(row)],
        "tracked": bool(experiment.world.tracking),
        "trajectories": figures.trajectories(summary, experiment, styles, brief=brief),
        "overviews": [] if brief else overviews(summary, experiment, styles),
        "control": metric_table(rows, CONTROL, styles),
        "effort": metric_table(rows, effort_columns(experiment.world), styles, time=not brief),
        "marks": _marks(summary.marks(experiment), rows, styles),
        "profile": figures.profile(summary, experiment, styles),
    }


def _runs(row: AgentSummary) -> int:
    return max(row.trainings, 1) * row.episodes


def _keywords(keywords: Mapping[str, Any]) -> str:
    """Keywords in words, the signals of a disturbance each in a bracket."""
    told = []
    for name, value in keywords.items():
        if isinstance(value, Mapping) and all(isinstance(v, Mapping) for v in value.values()):
            signals = (f"{channel} ({_signal(signal)})" for channel, signal in value.items())
            told.append(f"{name} on {', '.join(signals)}")
        else:
            told.append(f"{name} = {_words(value)}")
    return "; ".join(told)


def _signal(signal: Mapping[str, Any]) -> str:
    """A signal in words, its kind first."""
    rest = [f"{name} {_words(value)}" for name, value in signal.items() if name != "kind"]
    return ", ".join([str(signal.get("kind", "signal")), *rest])


def _pair(
    row: AgentSummary, styles: Mapping[str, str], experiment: Experiment, trusted: bool
) -> dict[str, Any]:
    """A row of an agent beside the reference in one setting."""
    verdict = row.verdict
    time = experiment.world.success and row.difference is not None
    return {
        "name": row.name,
        "style": styles[row.name],
        "failed": row.failed,
        "score": without_interval(parts(row.score), trusted),
        "trusted": trusted,
        "improvement": parts(row.improvement, decimals=2),
        # What is shown of times is how much longer it took.
        "difference": parts(_negative(row.difference) if time else row.difference),
        "value": parts(row.metrics.get("TimeToGoal" if experiment.world.success else "return")),
        "failures": parts(row.failures, 100.0, 0),
        "claim": verdict.claim if verdict else "",
        "p": digits(verdict.corrected, 2) if verdict else MISSING,
    }


def _negative(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    return Interval(-interval.estimate, -interval.high, -interval.low, interval.confidence)


def _marks(
    marks: Sequence[Mark], rows: Sequence[AgentSummary], styles: Mapping[str, str]
) -> dict[str, Any]:
    """What returns are put beside, and how far each agent is from it."""
    bounding = [mark.name for mark in marks if mark.bounds]
    regrets = [
        {
            "name": row.name,
            "style": styles[row.name],
            "cells": [parts(row.regret.get(name)) for name in bounding],
        }
        for row in rows
        if row.regret
    ]
    return {
        "told": [
            (m.name, "not computed" if m.value is None else digits(m.value, 4), m.kind, m.meaning)
            for m in marks
        ],
        "heads": bounding if regrets else [],
        "rows": regrets,
    }


def _once(experiment: Experiment, styles: Mapping[str, str]) -> dict[str, Any]:
    """What is the same under every setting of an id: learning curves and searches, Bode plots, gains."""
    curves, agents, loops = [], [], []
    shipped: dict[Path, dict[str, str]] = {}
    env = make(experiment.id, experiment.setting.keywords, experiment.horizon)
    for name in experiment.names:
        specs = experiment.trainings(name)
        spec = specs[0]
        folder = getattr(spec.source, "path", Path()).parent
        if spec.kind == "learned" and (curve := learning_curves(folder, name, styles[name])):
            curves.append(curve)
            shipped.setdefault(folder, {})[name] = styles[name]
        if isinstance(spec.source, OwnGains) and (found := _search(spec.source, styles[name])):
            curves.append(found)
        try:
            agent = spec.load(env)
        except Exception:  # its failure is already shown beside its runs
            continue
        if name == experiment.reference:
            loops = _loops(agent)
        agents.append(_description(name, styles[name], agent, specs))
    env.close()
    explored = [f for at, methods in shipped.items() for f in exploration_curves(at, methods)]
    methods = [pair for named in shipped.values() for pair in named.items()]
    return {
        "curves": curves,
        "explored": explored,
        "methods": methods,
        "bode": loops,
        "agents": [a for a in agents if a],
    }


def _search(gains: OwnGains, style: str) -> Figure | None:
    """How a search of gains went; None where its file does not say, or no curve lies beside it."""
    trials = gains.about.get("trials")
    if gains.path is None or not isinstance(trials, int):
        return None
    return learning_curves(
        gains.path.parent, gains.path.stem.rpartition("-")[0], style, trials=trials
    )


def _loops(controller: Any) -> list[Figure]:
    """Bode plots of a controller that offers its open loops."""
    if not callable(getattr(controller, "loops", None)):
        return []
    from gym_suite.analysis import open_loop

    return figures.bode(open_loop(controller))


def _description(
    name: str, style: str, agent: Any, specs: Sequence[AgentSpec]
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
    seeds = [str(s.training_seed) for s in specs if s.training_seed is not None]
    if seeds:
        facts.insert(0, ("training seeds", ", ".join(seeds)))
    if specs[0].kind == "learned" or isinstance(specs[0].source, OwnGains):
        trials = specs[0].trials
        # A search counts what it tries. Of a training's settings nobody knows all that were ever tried.
        least = "at least " if seeds else ""
        told_trials = "not recorded" if trials is None else f"{least}{trials:,}"
        facts.insert(0, ("trials that went into its numbers", told_trials))
        steps = [one.steps for one in specs if one.steps is not None]
        if steps:
            facts.insert(1, ("environment steps of a training or the search", f"{max(steps):,}"))
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
    # Docstrings mark code by two backticks, which a page need not show.
    return "" if value is None else visible(str(value)).replace("``", "")


def _coverage() -> list[tuple[str, list[str], list[str]]]:
    """How often intervals hold the truth, by simulation."""
    return [
        (
            name,
            [f"{100 * value:.0f} %" for value in found.trimmed],
            [f"{100 * value:.0f} %" for value in found.full],
        )
        for name, found in COVERAGE.items()
    ]
