"""The table of the teaching labs, from their own data."""

from __future__ import annotations

from gym_suite.labs import labs


def table() -> str:
    """Return all labs in Markdown: a row a lab."""
    rows = [
        "| lab | what it is about | minutes | students need | extras |",
        "|---|---|---|---|---|",
    ]
    for lab in labs():
        extras = ", ".join(f"`{name}`" for name in ("lab", *lab.extras))
        cells = (
            f"{lab.number} `{lab.name}`",
            lab.title,
            str(lab.minutes),
            lab.prerequisites,
            extras,
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"
