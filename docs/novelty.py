"""What was found when distillation and counts looked for novelty in the same columns.

``theory/novelty.json`` is ``results.json`` of ``examples/same_columns.py``, never written by hand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "theory" / "novelty.json"
#: Below it a corrected difference is called one.
LEVEL = 0.05


def results() -> dict[str, Any]:
    """Return what the experiment has written."""
    return json.loads(FILE.read_text("utf-8"))


def _way(condition: Mapping[str, Any]) -> str:
    """Return the columns, the weight and whether the bonus ends with the episode, in words."""
    if not condition["columns"]:
        return ""
    ends = "ends" if condition["episodic"] else "goes on"
    return f"{condition['columns']}, weight {condition['weight']:g}, {ends}"


def table() -> str:
    """Return what was swept, each training of what was judged, and the tests, as Markdown."""
    found = results()
    origin = found["origin"]
    lines = [
        f"Measured by `examples/same_columns.py` with gym_suite {origin['version']}, commit {origin['commit'][:7]}: "
        f"`agv/{found['judged'][0]['scene']}-v0`, {found['steps']:,} steps a training, {len(found['swept'])} ways to "
        f"give a bonus with {found['trials']} trainings each, and {found['seeds']} trainings, with other seeds, of "
        "what did best for either bonus on either columns.",
        "",
        "| Method | Columns, weight, with the episode | Mean success | on plants that differ | Each training |",
        "|---|---|---|---|---|",
    ]
    for way in found["judged"]:
        each = " ".join(f"{value:.2f}" for value in sorted(way["success"]))
        mean, elsewhere = (
            math.fsum(way[which]) / len(way[which]) for which in ("success", "elsewhere")
        )
        lines.append(f"| {way['method']} | {_way(way)} | {mean:.3f} | {elsewhere:.3f} | {each} |")
    lines += [
        "",
        "| | compared with | Difference | p | corrected | |",
        "|---|---|---|---|---|---|",
    ]
    for test in found["tests"]:
        says = "differs" if test["corrected"] < LEVEL else "no difference shown"
        lines.append(
            f"| {test['one']} | {test['other']} | {test['difference']:+.3f} | {test['p']:.2g} "
            f"| {test['corrected']:.2g} | {says} |"
        )
    swept = [
        f"{way['method']} {_way(way)} {math.fsum(way['success']) / len(way['success']):.2f}"
        for way in found["swept"]
    ]
    return "\n".join([*lines, "", f"Swept: {'; '.join(swept)}.", ""])
