"""Which of our ids stand for those of gym-electric-motor, looked up in the catalogue when the pages are built."""

from __future__ import annotations

from environments import cards, file_name

from gym_suite.registration import id_class_of

#: Its machines as its ids name them; our facet ``machine`` has the same names.
MACHINES = (
    "PermExDc",
    "SeriesDc",
    "ShuntDc",
    "ExtExDc",
    "PMSM",
    "SynRM",
    "EESM",
    "SCIM",
    "DFIM",
    "SIXPMSM",
)
#: Its tasks, and ours by the facet ``task``.
TASKS = {"CC": "current", "TC": "torque", "SC": "speed"}


def table() -> str:
    """Return a table in Markdown: a row a machine and kind of action, a column a task."""
    ours = {}
    for card in reversed(cards()):
        if {"machine", "task"} <= card.facets.keys():
            kind = "Cont" if id_class_of(card.id).configure().actions is None else "Finite"
            ours[kind, card.facets["machine"].lower(), card.facets["task"]] = card.id
    rows = ["| gym-electric-motor | current (CC) | torque (TC) | speed (SC) |", "|---|---|---|---|"]
    for kind in ("Cont", "Finite"):
        for machine in MACHINES:
            found = [ours.get((kind, machine.lower(), task)) for task in TASKS.values()]
            cells = [f"`{kind}-...-{machine}-v0`"]
            cells += [
                f"[`{id}`](../environments/{file_name(id)}.md)" if id else "none" for id in found
            ]
            rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"
