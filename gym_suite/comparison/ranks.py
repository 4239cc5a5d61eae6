"""Ranks with intervals: between which places an agent may stand, given how its episodes scatter.

An agent stands below all that are surely better and above all that are surely worse; the places in between are its
interval. With all pairs corrected together (Holm), all intervals of a table hold at once with at least 95 %: the
construction of Mogstad, Romano, Shaikh and Wilhelm, "Inference for ranks with applications to mobility across
neighbourhoods and academic achievement across countries", Review of Economic Studies 91(1), 2024,
doi:10.1093/restud/rdad006.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from gym_suite.comparison.samples import Sample
from gym_suite.comparison.verdicts import LEVEL, holm, p_value

__all__ = ["Rank", "Ranking", "ranking"]


@dataclass(frozen=True, slots=True)
class Rank:
    """Where an agent stands among those of a table.

    Attributes:
        place: by the estimates alone, from 1; those that came to the same share one.
        best: the best place that the episodes allow.
        worst: the worst place that they allow.
    """

    place: int
    best: int
    worst: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranks of a table and what they follow from.

    Attributes:
        ranks: by agent.
        p: of each pair, by their names in the order of the table; not corrected.
    """

    ranks: Mapping[str, Rank]
    p: Mapping[tuple[str, str], float]

    def between(self, first: str, second: str) -> float:
        """The p of a pair, in whichever order its names are given, not corrected."""
        return self.p[(first, second) if (first, second) in self.p else (second, first)]


def ranking(samples: Mapping[str, Sample]) -> Ranking:
    """Rank agents on the same episodes.

    Args:
        samples: by agent, larger being better.
    """
    pairs = list(combinations(samples, 2))
    found = {(a, b): p_value(samples[a], samples[b]) for a, b in pairs}
    corrected = holm(list(found.values())) if pairs else []
    places = {name: sample.location for name, sample in samples.items()}
    better = [
        (a, b) if places[a] > places[b] else (b, a)
        for (a, b), p in zip(pairs, corrected, strict=True)
        if p < LEVEL
    ]
    ranks = {
        name: Rank(
            place=1 + sum(other > place for other in places.values()),
            best=1 + sum(worse == name for _, worse in better),
            worst=len(places) - sum(ahead == name for ahead, _ in better),
        )
        for name, place in places.items()
    }
    return Ranking(ranks, found)
