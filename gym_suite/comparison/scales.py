"""How well the unit of a score is known: the lead of what scores 1 over what scores 0."""

from __future__ import annotations

from collections.abc import Sequence

from gym_suite.comparison.samples import Sample
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.text import number

__all__ = ["doubt"]

CLEAR = 0.2
"""A reference beats do-nothing clearly if the lower end of its lead is above this part of the lead."""

ENOUGH = 20
"""Episodes, or trainings of an anchor, of which an unclear lead says that it is small; of fewer it says that they are
few."""


def doubt(
    gap: Interval, anchors: Sequence[Sample | float], bottom: str, top: str
) -> tuple[str, bool]:
    """Why the unit of a score is not to be trusted, and whether that is for want of episodes only.

    Args:
        gap: the lead of the upper anchor, above 0; its lower end is minus infinity where nothing is known.
        anchors: what it was drawn from; a plain number is known exactly.
        bottom: the lower anchor in words.
        top: the upper anchor in words.

    Returns:
        Sentences, empty where the unit is known, and whether there are too few episodes or trainings to say more.
    """
    if gap.low >= CLEAR * gap.estimate:
        return "", False
    counts = [
        (count, name)
        for anchor in anchors
        if isinstance(anchor, Sample)
        for count, name in ((anchor.episodes, "episode"), (anchor.trainings, "training"))
        if name == "episode" or count > 1
    ]
    least, name = min(counts)
    if least < ENOUGH:
        verb = "is" if least == 1 else "are"
        return (
            f"{number(least, name)} {verb} too few to know how much better {top} is than {bottom} here, and so what a "
            "score of 1 is worth: no interval of a score is to be trusted, and it enters no total."
        ), True
    return (
        f"The score is not to be trusted: {top} is hardly better than {bottom} here, so that its unit is hardly known. "
        "It enters no total."
    ), False
