"""Tables for terminals, of any width."""

from __future__ import annotations

from collections.abc import Collection

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["PlainTable", "plain_table"]

NUMERIC = ("Num", "Min", "Max", "Value", "SI value of 1")
"""Headings of pages under which numbers stand."""

FIXED = ("id", "Name")
"""Headings under which a name keeps its line."""

_ANY_WIDTH = 10_000
"""Columns of a terminal that has room for everything."""


class PlainTable(Table):
    """A table that becomes a list where the terminal is too narrow for it: a name, and below it what else is known.

    Columns that are squeezed lose letters of names and break numbers.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table if every word has room in its column, else a paragraph for each row."""
        if (
            self.__rich_measure__(console, options.update(width=_ANY_WIDTH)).minimum
            <= options.max_width
        ):
            yield from super().__rich_console__(console, options)
            return
        if self.title:
            yield Text(str(self.title), style="bold")
        heads = [str(column.header) for column in self.columns]
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            name, *rest = (c if isinstance(c, Text) else console.render_str(str(c)) for c in cells)
            yield Text()
            yield Text.assemble(name, style="bold")
            for head, cell in zip(heads[1:], rest, strict=True):
                if cell.plain:
                    yield Padding(Text.assemble(f"{head}: ", cell), (0, 0, 0, 2))


def plain_table(
    *headings: str, title: str | None = None, numeric: Collection[str] = NUMERIC
) -> PlainTable:
    """Return an empty table in the look of all our tables.

    Args:
        headings: Of its columns.
        title: Above it.
        numeric: Those of the headings under which numbers stand, at the right.
    """
    table = PlainTable(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading in headings:
        side = "right" if heading in numeric else "left"
        table.add_column(heading, justify=side, no_wrap=heading in FIXED)
    return table
