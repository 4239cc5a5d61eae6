"""Signs for code pages that lack ours: a minus stays a minus where a terminal or a file knows ASCII only."""

from __future__ import annotations

import codecs
import io
from typing import TextIO

__all__ = ["PLAIN", "write_plainly"]

PLAIN = {
    "−": "-",
    "–": "-",
    "—": "-",
    "─": "-",
    "━": "-",
    "│": "|",
    "┃": "|",
    "µ": "u",
    "μ": "u",
    "×": "x",
    "·": "*",
    "•": "*",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "→": "->",
    "…": "...",
    "°": " deg",
    "²": "2",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
"""What stands for a sign that a code page lacks; any other becomes a question mark."""

_HANDLER = "gym_suite.plain"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in signs), error.end


def write_plainly(stream: TextIO) -> None:
    """Let a stream write what its code page lacks as plain signs, so that no output ends a command or loses its sign.

    Args:
        stream: Such as standard output; one that has no encoding is left as it is.
    """
    codecs.register_error(_HANDLER, _replaced)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_HANDLER)
