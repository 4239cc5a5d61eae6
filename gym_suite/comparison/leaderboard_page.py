"""The leaderboard's page: one self-contained file made from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from gym_suite.comparison.outcomes import OVER_BUDGET
from gym_suite.comparison.results import slug, write_whole
from gym_suite.comparison.sentences import MARKS
from gym_suite.comparison.text import MISSING, digits, listed, number, seconds, visible
from gym_suite.comparison.verdicts import LEVEL
from gym_suite.core.cards import PRIMARY

__all__ = ["OUTCOMES", "how", "line", "write_page"]

INFORMATION = {
    "observation": "observation",
    "model": "nominal model",
    "state": "true state, does not rank",
    "undeclared": "undeclared",
}
TOLD = 3
"""Most agents that are named beside the first of a cell."""

OUTCOMES = ("wins", "ties", "loses", "mixed")
"""What the best learned policy may do beside the best law; in a mixed pair whoever earns more fails more often."""


def write_page(
    rows: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
    path: Path,
    left_out: Mapping[str, str],
) -> Path:
    """Write the page.

    Args:
        rows: with their claims.
        about: how the leaderboard was run.
        path: of the page; its folder exists.
        left_out: why an id that has a row has none on the page, by id.

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
    page = templates.get_template("leaderboard.html.j2").render(_page(rows, about, left_out))
    write_whole(path, page)
    return path


def _page(
    rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], left_out: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that the template shows."""
    ordered = sorted(rows, key=lambda row: row["family"])
    settings = list(dict.fromkeys(name for row in ordered for name in row["settings"]))
    outcomes = Counter(
        cell["outcome"] for row in rows for cell in row["learning"].values() if cell is not None
    )
    episodes = sum(
        row["episodes"] * len(agent["settings"]) * max(agent["trainings"], 1)
        for row in rows
        for agent in row["agents"]
    )
    return {
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": about["version"],
        "protocol": about["protocol"],
        "about": how(about),
        "left_out": [f"{visible(id)} is left out: {why}." for id, why in left_out.items()],
        "settings": settings,
        "families": [
            (family, [line(row, settings) for row in own])
            for family, own in groupby(ordered, key=lambda row: row["family"])
        ],
        "sections": [_section(row) for row in ordered],
        "outcomes": [(name, outcomes[name]) for name in OUTCOMES],
        "count": number(len(rows), "environment"),
        "episodes": f"{episodes:,}",
        "comparisons": sum(
            cell["p"] is not None
            for row in rows
            for agent in row["agents"]
            for cell in agent["settings"].values()
        ),
        "duels": sum(
            1 + len(duel["p_of_others"])
            for row in rows
            for duel in row["learning"].values()
            if duel is not None
        ),
        "level": f"{100 * LEVEL:g}",
    }


def how(about: Mapping[str, Any]) -> str:
    """How it was run, in words.

    Args:
        about: of a leaderboard.
    """
    if about["protocol"]:
        return "Every id is run by the whole of its protocol."
    cut = f", cut after {about['steps']} control periods" if about["steps"] else ""
    return (
        f"A first look, not the protocols: the first {number(about['episodes'], 'episode')} of each{cut}. "
        "Do not quote it."
    )


def line(row: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Who leads on an id: first of all by what ranks, and under each setting.

    Args:
        row: of the id.
        settings: a cell for each.
    """
    ranked = [a for a in row["agents"] if a["primary"] is not None and a["information"] != "state"]
    first = max(ranked, key=lambda agent: agent["primary"]["score"][0], default=None)
    outcomes = Counter(c["outcome"] for c in row["learning"].values() if c is not None)
    return {
        "id": row["id"],
        "anchor": slug(row["id"]),
        "summary": row["summary"],
        "first": None
        if first is None
        else {
            "name": visible(first["name"]),
            "score": _score(first["primary"]["score"]),
            "setting": first["primary"]["setting"],
        },
        "cells": [_leader(row, setting) for setting in settings],
        "learning": ", ".join(f"{name} {outcomes[name]}" for name in OUTCOMES if outcomes[name]),
    }


def _leader(row: Mapping[str, Any], setting: str) -> dict[str, Any]:
    """Who leads under a setting, and who may."""
    here = [a for a in row["agents"] if a["settings"].get(setting, {}).get("rank")]
    if setting not in row["settings"] or not here:
        return {"name": "", "hint": row["idle"].get(setting, "not a setting of this id")}
    first = min(here, key=lambda agent: agent["settings"][setting]["rank"][0])
    others = [a["name"] for a in here if a is not first and a["settings"][setting]["rank"][1] == 1]
    problem = row["problems"].get(setting, "")
    told = listed(map(visible, others), "or") if len(others) <= TOLD else f"{len(others)} others"
    return {
        "name": visible(first["name"]),
        "score": "" if problem else _score(first["settings"][setting]["score"]),
        "hint": problem,
        "others": f"or {told}" if others else "",
    }


def _section(row: Mapping[str, Any]) -> dict[str, Any]:
    """Everything about an id."""
    agents = sorted(
        row["agents"],
        key=lambda a: -a["primary"]["score"][0] if a["primary"] is not None else float("inf"),
    )
    return {
        "id": row["id"],
        "anchor": slug(row["id"]),
        "summary": row["summary"],
        "how": f"{number(row['episodes'], 'episode')} (seeds {row['seeds'][0]} to {row['seeds'][1]}) of "
        f"{row['horizon']:,} control periods; what ranks is {PRIMARY[row['primary']]}; budget "
        f"{row['budget']:,} environment steps.",
        "settings": row["settings"],
        "idle": [f"{name}: {reason}" for name, reason in row["idle"].items()],
        "problems": [
            *(f"{name}: {problem}" for name, problem in row["problems"].items()),
            *row["budgets"],
        ],
        "learning": _learning(row),
        "agents": [_agent(agent, row["settings"]) for agent in agents],
        "errors": [
            f"{visible(agent['name'])}: {number(cell['failed_runs'], 'run')} under {name} failed: {visible(error)}"
            for agent in agents
            for name, cell in agent["settings"].items()
            for error in cell["errors"][:1]
        ],
        "sources": row["provenance"]["source_digest"],
        "commit": row["provenance"]["commit"],
    }


def _learning(row: Mapping[str, Any]) -> list[str]:
    """Sentences about learned policies beside laws, settings of which the same is to be said together."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for setting, cell in row["learning"].items():
        if cell is not None:
            key = (visible(cell["policy"]), _words(cell), visible(cell["law"]))
            groups.setdefault(key, []).append(setting)
    return [
        f"Under {listed(names)} {policy} {words} {law}, the best that was not learned."
        for (policy, words, law), names in groups.items()
    ]


def _words(duel: Mapping[str, Any]) -> str:
    """What a policy does beside a law."""
    if duel["outcome"] == "mixed":
        return (
            f"earns {'more and fails more' if duel['ahead'] else 'less and fails less'} often than"
        )
    return {"wins": "beats", "ties": "cannot be told from", "loses": "loses to"}[duel["outcome"]]


def _agent(agent: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A row of an id's table."""
    told = [INFORMATION.get(agent["information"], visible(agent["information"]))]
    if agent["trainings"]:
        told.append(number(agent["trainings"], "training"))
    if agent["steps"]:
        told.append(f"{agent['steps']:,} steps{' each' if agent['trainings'] else ''}")
    if agent["over_budget"]:
        told.append(OVER_BUDGET)
    if agent["trials"]:
        told.append(f"{agent['trials']} trials")
    if agent["by"] is not None:
        told.append(f"by {visible(agent['by'])}" if agent["by"] else "an outsider's entry")
    time = agent["time_per_action"]
    return {
        "name": visible(agent["name"]),
        "rank": agent["rank"],
        "told": "; ".join(told),
        "time": MISSING if time is None else seconds(time),
        "primary": None if agent["primary"] is None else _score(agent["primary"]["score"]),
        "cells": [_cell(agent["settings"].get(name)) for name in settings],
    }


def _cell(cell: Mapping[str, Any] | None) -> dict[str, str]:
    if cell is None:
        return dict.fromkeys(("score", "ends", "rank", "failures", "mark", "hint"), "")
    score, share = cell["score"], cell["failures"]
    ends = "" if score is None else f"[{_end(score[1])}, {_end(score[2])}]"
    rank = cell["rank"]
    if rank is not None:
        rank = f"{rank[1]}" if rank[1] == rank[2] else f"{rank[1]} to {rank[2]}"
    return {
        "score": _score(score),
        "ends": ends,
        "rank": f"place {rank}" if rank else "",
        "failures": f"{100.0 * share[0]:.0f} % fail" if share and share[0] else "",
        "mark": MARKS[cell["claim"]] if cell["claim"] else "",
        "hint": f"p = {digits(cell['p_corrected'], 2)}, corrected" if cell["claim"] else "",
    }


def _score(score: Sequence[float | None] | None) -> str:
    return MISSING if score is None or score[0] is None else _decimal(score[0])


def _end(value: float | None) -> str:
    """An end of an interval; one that is not finite says nothing."""
    return MISSING if value is None else _decimal(value)


def _decimal(value: float) -> str:
    """A score to hundredths, and where it is far from 1 to as much as can be read."""
    if abs(value) >= 1000.0:
        return digits(value, 2)
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
