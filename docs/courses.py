"""The table of the teaching labs, from their own data."""

from __future__ import annotations

from collections.abc import Iterator

from conf import notebook_address

from gym_suite.labs import jupyter, labs

NOTEBOOKS = "notebooks"


def notebooks() -> Iterator[tuple[str, str]]:
    """Yield path and text of every lab as a notebook of Jupyter."""
    for lab in labs():
        yield f"{NOTEBOOKS}/{lab.name}.ipynb", jupyter.as_notebook(lab)


def table(address: str = notebook_address) -> str:
    """Return all labs in Markdown: a row a lab.

    Args:
        address: Where their notebooks can be opened; empty: nowhere, and no column says so.
    """
    heads = ["lab", "what it is about", "minutes", "students need", "extras", "for Jupyter"]
    if address:
        heads.append("in the browser")
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for lab in labs():
        extras = ", ".join(f"`{name}`" for name in ("lab", *lab.extras))
        cells = [
            f"{lab.number} `{lab.name}`",
            lab.title,
            str(lab.minutes),
            lab.prerequisites,
            extras,
            f"{{download}}`{lab.name}.ipynb <{NOTEBOOKS}/{lab.name}.ipynb>`",
        ]
        if address:
            cells.append(f"[open]({address}/{lab.name}.ipynb)")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"
