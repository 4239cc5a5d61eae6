"""Which of our ids stand for those of gym-electric-motor, looked up in the catalogue when the pages are built."""

from __future__ import annotations

from environments import cards, file_name

#: Its machines, by the names in its ids, and ours by the facet ``machine`` (in small letters).
MACHINES = {
    "PermExDc": ("permex", "permexdc", "permanently excited"),
    "SeriesDc": ("series", "seriesdc"),
    "ShuntDc": ("shunt", "shuntdc"),
    "ExtExDc": ("extex", "extexdc"),
    "PMSM": ("pmsm",),
    "SynRM": ("synrm",),
    "EESM": ("eesm",),
    "SCIM": ("scim",),
    "DFIM": ("dfim",),
    "SIXPMSM": ("sixpmsm",),
}
#: Its tasks, and ours by the facet ``task``.
TASKS = {"CC": "current", "TC": "torque", "SC": "speed"}


def table() -> str:
    """Return a table in Markdown: a row a machine, a column a task."""
    ours = {
        (card.facets["machine"].lower(), card.facets["task"]): card.id
        for card in reversed(cards())
        if {"machine", "task"} <= card.facets.keys()
        and card.facets.get("converter", "averaged") == "averaged"
    }
    rows = ["| gym-electric-motor | current (CC) | torque (TC) | speed (SC) |", "|---|---|---|---|"]
    for machine, names in MACHINES.items():
        cells = [f"`Cont-...-{machine}-v0`"]
        for task in TASKS.values():
            found = next((ours[name, task] for name in names if (name, task) in ours), None)
            cells.append(f"[`{found}`](../environments/{file_name(found)}.md)" if found else "none")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"
