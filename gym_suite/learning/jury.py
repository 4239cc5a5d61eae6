"""How good a search's candidates are: the same episodes on every plant for each of them, side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gym_suite.controllers.protocol import keeps_to_its_rows
from gym_suite.learning.evaluation import Evaluation, Score
from gym_suite.learning.randomised import shares
from gym_suite.learning.trials import Trial

Place = tuple[float, ...]


class Jury:
    """Judges candidates by the mean return of the same episodes.

    Args:
        id: Environment id.
        plants: Keyword arguments of the environment, for each plant.
        seeds: Of the episodes, which are shared among the plants.
        cost: Environment steps of a candidate at most, which one that cannot run is charged with.
        build: Returns the controller at a place, or raises a ValueError.
    """

    def __init__(
        self,
        id: str,
        plants: Sequence[Mapping[str, Any]],
        seeds: range,
        cost: int,
        build: Callable[[Place], Any],
    ) -> None:
        self._id, self.cost, self._build = id, cost, build
        self._parts: list[dict[str, Any]] = []
        first = seeds.start
        for plant, episodes in zip(plants, shares(len(seeds), len(plants)), strict=True):
            self._parts.append({"episodes": episodes, "seed": first, "keywords": dict(plant)})
            first += episodes
        #: The episodes on each plant for so many candidates at once, by their number.
        self._seats: dict[int, list[Evaluation]] = {}

    def close(self) -> None:
        """Close the environments."""
        for evaluations in self._seats.values():
            for evaluation in evaluations:
                evaluation.close()

    def judge(self, places: Sequence[Place]) -> list[Trial]:
        """Judge candidates; side by side each comes to what it comes to alone, in less than half of the time.

        Args:
            places: Where they lie.
        """
        if len(places) > 1:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                agents = [self._build(place) for place in places]
                if self._single and all(keeps_to_its_rows(agent) for agent in agents):
                    found = [each.scores(agents) for each in self._seated(len(places))]
                    wall = (time.perf_counter() - wall) / len(places)
                    cpu = (time.process_time() - cpu) / len(places)
                    scores = zip(*found, strict=True)
                    return [
                        self._trial(place, its, wall, cpu)
                        for place, its in zip(places, scores, strict=True)
                    ]
            except ValueError:
                pass  # of one of them; alone they tell whose it is
        return [self._alone(place) for place in places]

    def _alone(self, place: Place) -> Trial:
        wall, cpu = time.perf_counter(), time.process_time()
        error, scores = "", []
        try:
            agent = self._build(place)
            scores = [each.score(agent) for each in self._seated(1)]
        except (
            ValueError
        ) as refusal:  # gains that make no controller, or actions that are no numbers
            error = str(refusal)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return self._trial(place, scores, wall, cpu, error)

    @property
    def _single(self) -> bool:
        """Whether a row is a world with one agent, not a team."""
        return all(each.seat is each.envs for each in self._seated(1))

    def _seated(self, count: int) -> list[Evaluation]:
        """Return the episodes on each plant, so many times beside each other."""
        if count not in self._seats:
            self._seats[count] = [Evaluation(self._id, times=count, **it) for it in self._parts]
        return self._seats[count]

    def _trial(
        self, place: Place, scores: Sequence[Score], wall: float, cpu: float, error: str = ""
    ) -> Trial:
        """Return what a candidate came to from its scores on the plants, none where there is an error."""
        wall, cpu = round(wall, 4), round(cpu, 4)
        counts = [part["episodes"] for part in self._parts]
        total, weighted = sum(counts), list(zip(counts, scores, strict=not error))
        value = math.nan if error else sum(n * s.episode_return for n, s in weighted) / total
        if not math.isfinite(value):
            return Trial(place, None, 0.0, self.cost, wall, cpu, error or "no finite return")
        length = sum(n * s.length for n, s in weighted) / total
        return Trial(place, value, length, round(total * length), wall, cpu)
