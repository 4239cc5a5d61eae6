"""What commands print: tables on standard output, progress on standard error; and the types of their arguments."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

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


def put(renderable: RenderableType) -> None:
    """Print a table, or what else rich draws, on standard output."""
    # Nothing of ours is written in rich's markup, which would swallow the brackets of "gym-suite[rl]".
    _Output(width=None if sys.stdout.isatty() else WIDE, markup=False).print(renderable)
