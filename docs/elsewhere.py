"""Policies of quadcopters where they have not learned: in Bullet, in wind, and on the measured model.

``theory/elsewhere.json`` is written by this file, never by hand::

    python docs/elsewhere.py

with ids as arguments only for those; the others stay as they are. It needs PyBullet and takes some minutes an id.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium

from gym_suite.behaviour import recorded as behaviours
from gym_suite.learning.shelf import files_of, methods
from gym_suite.registration import card, catalogue

FILE = Path(__file__).parent / "theory" / "elsewhere.json"
#: Wind as it is drawn anew in each episode: level, gusts, and light turbulence.
WIND = {
    "mean": [[-2.0, 2.0], [-2.0, 2.0], 0.0],
    "gust": [0.0, 2.0],
    "turbulence": [0.0, 7.72],
}
#: What is flown in, by its name on the page; policies learned in the first.
PLACES: Mapping[str, Mapping[str, Any]] = {
    "compiled": {"engine": "compiled"},
    "Bullet": {"engine": "bullet"},
    "wind": {"engine": "compiled", "wind": WIND},
    "measured": {"engine": "compiled", "model": "measured"},
}
EPISODES = 20


def ids() -> list[str]:
    """Return the quadcopters' ids with policies."""
    return [
        entry.id for entry in catalogue().values() if entry.family == "drones" and entry.learned
    ]


def agents_of(id: str) -> list[str]:
    """Return the reference of an id and the kinds of policies that ship for it."""
    return [card(id).reference, *methods(id)]


def places_of(id: str) -> list[str]:
    """Return the names of :data:`PLACES` that an id's vehicle can be flown in: what was measured is a Crazyflie."""
    found = []
    for place, keywords in PLACES.items():
        try:
            gymnasium.make(id, **keywords).close()
        except ValueError:
            continue
        found.append(place)
    return found


def judge(id: str, place: str, agents: Sequence[str]) -> dict[str, list[float]]:
    """Return for each agent the interquartile mean of the return, and the share of episodes that failed.

    Args:
        id: Environment id.
        place: A name of :data:`PLACES`.
        agents: Names of agents.
    """
    from gym_suite.comparison import compare

    found = compare(
        id,
        agents=agents,
        seeds=card(id).protocol.seeds[:EPISODES],
        settings=("nominal",),
        keywords=dict(PLACES[place]),
        progress=False,
    )
    told = {}
    for standing in found.standings(id):
        row = standing.rows[0]
        told[standing.name] = [row.metrics["return"].estimate, row.failures.estimate]
    return {name: [round(value, 4) for value in told[name]] for name in agents}


def record(wanted: Sequence[str] = ()) -> None:
    """Judge the policies of ids and write the file after each.

    Args:
        wanted: Ids; by default all with policies.
    """
    for id in wanted or ids():
        entry = {
            "behaviour": behaviours()[id],
            "files": files_of(id),
            "places": {place: judge(id, place, agents_of(id)) for place in places_of(id)},
        }
        table = results() | {id: entry}
        text = ",\n".join(f"{json.dumps(key)}: {json.dumps(table[key])}" for key in sorted(table))
        FILE.write_text(f"{{\n{text}\n}}\n", "utf-8")


def results() -> dict[str, Any]:
    """Return what has been recorded, by id."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def table() -> str:
    """Return it as Markdown: a row for each id and agent, a column for each place."""
    lines = [
        f"Interquartile mean of the return over {EPISODES} episodes and, where trained, five trainings; in brackets "
        "the share of episodes that failed; a dash where the measured model is not that of the id's vehicle.",
        "",
        "| Id | Agent | " + " | ".join(PLACES) + " |",
        "|---|---|" + "---|" * len(PLACES),
    ]
    for id, entry in results().items():
        for agent in entry["places"]["compiled"]:
            cells = []
            for place in PLACES:
                if place not in entry["places"]:
                    cells.append("–")
                    continue
                earned, failed = entry["places"][place][agent]
                cells.append(f"{earned:.3g}" + (f" ({100.0 * failed:.0f} %)" if failed else ""))
            lines.append(f"| {id} | {agent} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    record([card(id).id for id in sys.argv[1:]])
