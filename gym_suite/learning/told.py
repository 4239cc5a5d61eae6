"""What the files of policies and of gains tell of their making, checked when they are read.

A file may leave out any of it. What is there in another form than comparisons and pages take it is refused at once: it
would otherwise be met when all runs are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gym_suite.learning.seeds import first_and_last

__all__ = ["check_told", "seeds_of"]

OBJECTS = ("keywords", "seeds")
"""Keywords of the environment, and seeds by what they were for: "episodes", the first and the last one."""


def check_told(told: Mapping[str, Any], counts: Sequence[str]) -> None:
    """Refuse what a file tells in another form.

    Args:
        told: What it tells of its making.
        counts: Names of the numbers among it; None stands for one that nobody has counted.

    Raises:
        ValueError: If keywords or seeds are no object, the seeds of episodes no first and last one, a behaviour no text
            or a number none.
    """
    for name in OBJECTS:
        if not isinstance(told.get(name, {}), dict):
            raise ValueError(f"{name} must be an object, got {told[name]!r:.80}")
    seeds_of(told)
    behaviour = told.get("behaviour")
    if not isinstance(behaviour, str | None):
        raise ValueError(f"behaviour must be a text, got {behaviour!r:.80}")
    for name in counts:
        count = told.get(name)
        if count is not None and (type(count) is not int or count < 0):
            raise ValueError(f"{name} must be a whole number >= 0, got {count!r:.80}")


def seeds_of(told: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the first and the last episode seed that something was made with, None where nothing is told.

    Args:
        told: What its file tells of its making.

    Raises:
        ValueError: If these are not two whole numbers, the second not below the first.
    """
    seeds = told.get("seeds", {})
    return first_and_last(seeds["episodes"]) if "episodes" in seeds else None
