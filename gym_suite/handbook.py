"""The written pages of the documentation for a terminal: guides, theory, moving over, teaching, validation.

The pages of ids are ``gym-suite show ID --page``; pictures, tables that are made from the package and the API reference
are in the documentation that ``make docs`` builds in a clone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from gym_suite import shipped
from gym_suite.core.parameters import unknown_error

#: The first page of the site leads to the others by a menu that a terminal does not have.
_MENU = "index"
_DIRECTIVE = re.compile(r"^```\{(\w+)\}[^\n]*\n.*?^```\n?", re.M | re.S)
_LEFT_OUT = "(Here the built documentation has a table or a program: `make docs` in a clone.)\n"


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        name: Of the file below the documentation's folder, without ending, such as "guides/planning".
        title: Its heading.
        path: The file.
    """

    name: str
    title: str
    path: Path

    @property
    def text(self) -> str:
        """The page in Markdown; what only the built site has is left out and said."""
        return _DIRECTIVE.sub(
            lambda found: "" if found[1] == "toctree" else _LEFT_OUT, self.path.read_text("utf-8")
        )


def pages() -> list[Page]:
    """Return all pages by name.

    Raises:
        FileNotFoundError: If the package was installed without them.
    """
    found = [
        Page(name, path.read_text("utf-8").partition("\n")[0].lstrip("# "), path)
        for name, path in shipped.files("docs", ".md").items()
        if name != _MENU
    ]
    if not found:
        raise FileNotFoundError(
            "this installation has no pages: install the package's wheel, or take them from its repository"
        )
    return found


def named(name: str) -> Page:
    """Return a page.

    Args:
        name: Such as "guides/planning", or its last part where no other page ends in it.

    Raises:
        ValueError: If there is none or several, naming the nearest or all of them.
        FileNotFoundError: If the package was installed without pages.
    """
    known = {page.name: page for page in pages()}
    wanted = name.removesuffix(".md").strip("/")
    if wanted in known:
        return known[wanted]
    same = [page for page in known.values() if page.name.rpartition("/")[2] == wanted]
    if len(same) > 1:
        raise ValueError(
            f"{name!r} is the name of {len(same)} pages: "
            + ", ".join(page.name for page in same)
            + "; write the folder too"
        )
    if not same:
        raise unknown_error("page", name, known)
    return same[0]


def as_table() -> Table:
    """Return all pages as a table for a terminal."""
    from gym_suite.sheets import plain_table

    table = plain_table("name", "what it is about")
    for page in pages():
        table.add_row(page.name, page.title)
    return table
