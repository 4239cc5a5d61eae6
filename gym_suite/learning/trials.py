"""The trials of a search: each candidate with what it came to, their log on disk, and how the best got better."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_suite.learning.records import write_text

if TYPE_CHECKING:
    from gym_suite.learning.search import Search


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One candidate and how it did.

    Attributes:
        place: Shares of the ranges, one for each hyper-parameter.
        value: Mean return of an episode; None where the candidate could not run.
        length: Mean steps of an episode.
        steps: Environment steps that it took.
        wall_time: Seconds.
        cpu_time: Processor seconds.
        error: Why it could not run; empty where it did.
    """

    place: tuple[float, ...]
    value: float | None
    length: float
    steps: int
    wall_time: float
    cpu_time: float
    error: str = ""

    @property
    def worth(self) -> float:
        """What it is ranked by: its value, and least of all where it could not run."""
        return -math.inf if self.value is None else self.value


def other_parts(old: object, plan: Mapping[str, Any]) -> list[str]:
    """Return in words what of a search's plan is another in an older file; nothing where none is.

    Args:
        old: The plan that stands in the file, if one does.
        plan: That of the search.
    """
    if not isinstance(old, Mapping):
        return ["no plan of a search"]
    return [f"other {name}" for name in {**old, **plan} if old.get(name) != plan.get(name)]


class TrialLog:
    """The trials of a search on disk, a line each; those of an earlier call are read instead of run.

    Args:
        path: The file; its first line is the plan.
        plan: What the search is.

    Raises:
        ValueError: The file holds another search, or is damaged.
    """

    def __init__(self, path: Path, plan: Mapping[str, Any]):
        self.path = path
        self._known: list[Trial] = []
        if not path.is_file():
            write_text(path, json.dumps(plan) + "\n")
            return
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):  # a line torn by a kill
            with path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            head, *lines = whole.decode("utf-8").splitlines() or ["{}"]
            old = dict(json.loads(head))
            entries = [json.loads(line) for line in lines]
            known = [Trial(**entry | {"place": tuple(entry["place"])}) for entry in entries]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(
                f"{path} is damaged ({error}): choose another folder, or remove it"
            ) from None
        if other := other_parts(old, plan):
            raise ValueError(
                f"{path} holds another search ({', '.join(other)}): choose another folder or another seed, or move it "
                "away"
            )
        self._known += known

    @property
    def known(self) -> int:
        """How many trials of an earlier call are still to be taken over."""
        return len(self._known)

    def next(self, place: tuple[float, ...], run: Callable[[Any], Trial]) -> Trial:
        """Return the next trial: the one that was written, else a new one, written before it is returned.

        Raises:
            ValueError: Another one was written, by another version of cmaes or on another machine.
        """
        if self._known:
            trial = self._known.pop(0)
            if not np.allclose(trial.place, place, rtol=0.0, atol=1e-9):
                raise ValueError(
                    f"{self.path} was written by a search that draws other candidates; choose another folder"
                )
            return trial
        trial = run(place)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(trial)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return trial


class Course:
    """How a search has gone so far: its trials, the best of them, and the rows of its curve.

    Args:
        search: The search.
        name: Of the tuned controller.
        say: Gets one line of text at a time.
    """

    def __init__(self, search: Search, name: str, say: Callable[[str], None]):
        from gym_suite.registration import card, make_controller

        self.search, self.name, self.say = search, name, say
        self.trials: list[Trial] = []
        #: What the finalists came to on the last episodes, the rule's own gains first; empty without a final choice.
        self.last: list[Trial] = []
        self.rows: list[dict[str, Any]] = []
        self.best = Trial(search.start, -math.inf, 0.0, 0, 0.0, 0.0)
        self.score = self.rule_score = self.reference_score = search.curve.score(search.rule)
        if search.agent != card(search.id).reference:
            self.reference_score = search.curve.score(make_controller(search.curve.envs))
        self._note([])

    def add(self, generation: Sequence[Trial]) -> None:
        """Take in the trials of one population."""
        self.trials += generation
        before = self.best.place
        self.best = max(self.best, *generation, key=lambda trial: trial.worth)
        if self.best.place != before:
            self.score = self.search.curve.score(self.search.controller(self.best.place))
        self._note(generation)

    def settle(self, last: Sequence[Trial]) -> None:
        """Take in what the finalists came to, of which the best is what was found."""
        self.last += last
        self.best = max(last, key=lambda trial: trial.worth)
        self.score = self.search.curve.score(self.search.controller(self.best.place))
        self._note([])

    def _note(self, generation: Sequence[Trial]) -> None:
        """Add a row: how the best so far does, and how the last candidates did."""
        ran = [trial for trial in generation if trial.value is not None]
        score, reference = self.score, self.reference_score
        everything = [*self.trials, *self.last]
        self.rows.append(
            {
                "algo": self.name,
                "seed": self.search.seed,
                "step": sum(trial.steps for trial in everything),
                "wall_time": round(sum(trial.wall_time for trial in everything), 3),
                "cpu_time": round(sum(trial.cpu_time for trial in everything), 3),
                "episode_return": float(np.mean([t.worth for t in ran])) if ran else None,
                "episode_length": float(np.mean([t.length for t in ran])) if ran else None,
                "evaluation_error": score.error,
                "evaluation_return": score.episode_return,
                "evaluation_trips": score.trips,
                "evaluation_success": score.success,
                "reference_error": reference.error,
                "reference_return": reference.episode_return,
            }
        )
        self.say(
            f"{self.name}: {self.rows[-1]['step']:,} of {self.search.budget:,} steps, {len(self.trials)} trials, "
            f"best return {self.best.worth:.6g}, nominally {score.episode_return:.6g}"
        )
