"""The leaderboard of this version, taken from the folder in which ``gym-suite leaderboard`` has run it.

``leaderboard.json`` is written by this script, never by hand::

    gym-suite leaderboard --episodes 10 --jobs 2 --out build/leaderboard
    python docs/boards.py build/leaderboard

Rows of ids that the folder lacks stay as they are. What may be claimed is corrected for all comparisons of all rows
when the pages are made.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from environments import file_name

from gym_suite.comparison.board import Board
from gym_suite.comparison.leaderboard_page import OUTCOMES, how, line, write_page
from gym_suite.comparison.rows import with_claims
from gym_suite.comparison.text import number
from gym_suite.version import __version__

FILE = Path(__file__).with_name("leaderboard.json")
#: Name of the page with everything, beside the pages of Sphinx.
WHOLE = "leaderboard-whole.html"


def recorded() -> dict[str, Any]:
    """Return what is recorded: "about", how it was run, and "rows" by id."""
    return json.loads(FILE.read_text("utf-8"))


def take(folder: Path) -> None:
    """Take the rows of a leaderboard's folder.

    Args:
        folder: In which `gym-suite leaderboard` has run.

    Raises:
        ValueError: There is none, or the rows that are here were run otherwise.
    """
    board = Board.open(folder)
    about = {
        "version": __version__,
        "protocol": board.protocol,
        "episodes": board.episodes,
        "steps": board.steps,
    }
    rows: dict[str, Any] = {}
    if FILE.is_file():
        old = recorded()
        if old["about"] != about:
            raise ValueError(f"the rows here were run with {old['about']}, {folder} with {about}")
        rows = old["rows"]
    rows |= {row["id"]: _short(row) for row in board.rows()}
    told = (f"{json.dumps(id)}: {json.dumps(rows[id])}" for id in sorted(rows))
    body = ",\n".join(told)
    FILE.write_text(f'{{"about": {json.dumps(about)},\n"rows": {{\n{body}\n}}}}\n', "utf-8")


def _short(data: Any) -> Any:
    """Return data with numbers of six digits, which is more than any page shows."""
    if isinstance(data, Mapping):
        return {name: _short(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_short(value) for value in data]
    return float(f"{data:.6g}") if isinstance(data, float) else data


def table() -> str:
    """Return as Markdown how it was run, what came out, and who leads on each id."""
    found = recorded()
    rows = sorted(found["rows"].values(), key=lambda row: (row["family"], row["id"]))
    outcomes = Counter(
        cell["outcome"] for row in rows for cell in row["learning"].values() if cell is not None
    )
    told = ", ".join(f"{name} {outcomes[name]} times" for name in OUTCOMES)
    days = sorted({row["provenance"]["date"] for row in rows})
    parts = [
        f"{number(len(rows), 'environment')}, run {' to '.join(dict.fromkeys((days[0], days[-1])))} with gym_suite "
        f"{found['about']['version']}. {how(found['about'])}",
        "Each setting of each environment for which policies ship counts once: beside the best that was not learned, "
        f"the best learned policy {told}.",
    ]
    for family, own in groupby(rows, key=lambda row: row["family"]):
        head = f"| {family} | first | score | learning |\n|---|---|---|---|"
        parts.append("\n".join([head, *map(_row, own)]))
    return "\n\n".join(parts) + "\n"


def _row(row: Mapping[str, Any]) -> str:
    """A row of the table: who is first by what ranks, and how learning fares."""
    told = line(row, ())
    first = told["first"]
    link = f"[`{row['id']}`](environments/{file_name(row['id'])}.md)"
    name, score = (
        ("", "") if first is None else (first["name"], f"{first['score']}, {first['setting']}")
    )
    return f"| {link} | {name} | {score} | {told['learning']} |"


def whole(folder: Path) -> None:
    """Write the page with everything.

    Args:
        folder: Of the site.
    """
    found = recorded()
    write_page(with_claims(list(found["rows"].values())), found["about"], folder / WHOLE)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/boards.py FOLDER")
    take(Path(sys.argv[1]))
