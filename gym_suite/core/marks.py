"""What an id says of how its episodes are judged: what follows what, figures of an episode, bounds of its return."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Tracked:
    """A metric column that is to follow another one.

    Attributes:
        value: Metric column of the value.
        reference: Metric column of its reference.
        scale: What counts as full scale (the limit), in the unit.
        unit: SI unit.
        label: For plots and tables.
    """

    value: str
    reference: str
    scale: float
    unit: str
    label: str


@dataclass(frozen=True, slots=True)
class Total:
    """A figure of a whole episode by which agents that reach the same goal can still be told apart.

    Where a setup has a goal, only episodes that came to it have the figure: who stands still goes no detours.

    Attributes:
        name: Among the metrics of results, such as "PathLength".
        columns: Metric columns of which it is made.
        how: "way", the length of the way through the columns' values; "least" and "most", the smallest and the largest
            value; or "share", the sum of the first column's sizes as a part of that of all the others together.
        unit: SI unit.
        label: For tables.
        meaning: One line, for tables.
        lower: Whether less is better.
    """

    name: str
    columns: tuple[str, ...]
    how: Literal["way", "least", "most", "share"]
    unit: str
    label: str
    meaning: str
    lower: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure that the return of an episode is put beside.

    Attributes:
        name: For tables, such as "clairvoyant bound".
        value: Return of an episode; None: not computed.
        kind: "ceiling" (best of a class of agents), "optimum", "bound" (nobody can do better) or
            "published" (somebody else's result, which bounds nothing).
        meaning: How it was computed, or where it was published.
    """

    name: str
    value: float | None
    kind: Literal["ceiling", "optimum", "bound", "published"]
    meaning: str

    @property
    def bounds(self) -> bool:
        """Whether falling short of it is a regret."""
        return self.kind != "published" and self.value is not None


def tightest(marks: Iterable[Mark]) -> Mark | None:
    """Return the figure to which regret is reckoned first: the lowest bound, without one the highest ceiling."""
    bounding = [mark for mark in marks if mark.bounds]
    bounds = [mark for mark in bounding if mark.kind != "ceiling"]
    if bounds:
        return min(bounds, key=lambda mark: mark.value or 0.0)
    return max(bounding, key=lambda mark: mark.value or 0.0, default=None)
