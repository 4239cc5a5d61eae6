"""What commands print: tables on standard output, progress on standard error; and the types of their arguments."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

from rich.console import Console, RenderableType
from rich.markup import escape
from tyro.conf import Positional, UseAppendAction, arg

Id = Positional[Annotated[str, arg(metavar="ID")]]
Ids = Positional[Annotated[tuple[str, ...], arg(metavar="[ID ...]", help_behavior_hint="")]]
Assignments = Annotated[
    UseAppendAction[tuple[str, ...]], arg(name="set", metavar="KEY=VALUE", help_behavior_hint="")
]

AgentAssignments = Annotated[
    UseAppendAction[tuple[str, ...]],
    arg(name="agent-set", metavar="NAME=VALUE", help_behavior_hint=""),
]

FAILED = 1
WIDE = 160  # columns where there is no terminal to ask, so that a row stays on a line
HIGH = 25  # lines of a screen, of which nothing that is printed makes use
USUAL = 80  # where a terminal does not know its own
NARROWEST = 20  # where a terminal says that it has none, as some that are driven by programs do


def tell_line(line: str) -> None:
    """Tell how far something is, on stderr."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def status_line(
    *, shown: bool
) -> Iterator[tuple[Callable[[str], None], Callable[[str], None] | None]]:
    """Offer, on stderr, a way to tell lines and one to tell a line that takes the place of the one before.

    Args:
        shown: Whether there is the second; there is none where stderr is no terminal.
    """
    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield tell_line, None
        return
    with console.status("") as line:
        yield (
            lambda text: console.print(text, markup=False, highlight=False),
            lambda text: line.update(escape(text)),
        )


def as_json(data: Any) -> str:
    """Return data as the JSON that is printed."""
    return json.dumps(data, indent=2)


class _Output(Console):
    """Standard output; a reader that has gone is left to :func:`gym_suite.cli.main`."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def width_of(stream: TextIO) -> int:
    """Return the columns that there are to write into, of a terminal of any kind.

    Rich takes 80 for a terminal that calls itself dumb, however narrow it is.

    Args:
        stream: Such as standard output.
    """
    if not stream.isatty():
        return WIDE
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return max(int(asked), NARROWEST)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, NARROWEST)
    except OSError:
        return USUAL


def put(renderable: RenderableType) -> None:
    """Print a table, or what else rich draws, on standard output."""
    # Nothing of ours is written in rich's markup, which would swallow the brackets of "gym-suite[rl]".
    # Without a height rich would not believe the width of a dumb terminal.
    _Output(width=width_of(sys.stdout), height=HIGH, markup=False).print(renderable)
