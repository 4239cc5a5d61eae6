"""The tables on moving over from gym-electric-motor, made from the package's own mapping when the pages are built."""

from __future__ import annotations

import json

from environments import file_name

from gym_suite.motors.counterparts import DIFFERENCES, GEM_IDS, MACHINES, from_gem_id
from gym_suite.registration import catalogue


def table() -> str:
    """Return a table in Markdown: each of its names with our id and the keyword arguments of its circuit."""
    rows = ["| gym-electric-motor | gym_suite | keyword arguments |", "|---|---|---|"]
    for name in GEM_IDS:
        id, keywords = from_gem_id(name)
        link = f"[`{id}`](../environments/{file_name(id)}.md)" if id in catalogue() else "none"
        said = ", ".join(f"{key}={json.dumps(value)}" for key, value in keywords.items())
        said = said.replace("false", "False")
        rows.append(f"| `{name}` | {link} | `{said}` |")
    return "\n".join(rows) + "\n"


def differences() -> str:
    """Return a table in Markdown of what its machines do otherwise than ours."""
    rows = ["| machine | what differs |", "|---|---|"]
    rows += [f"| {name}, here `{ours}` | {DIFFERENCES[name]} |" for name, ours in MACHINES.items()]
    return "\n".join(rows) + "\n"
