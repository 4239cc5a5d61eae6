"""What a lab is, as data, and which labs there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from pathlib import Path

from gym_suite.core.parameters import unknown_error

#: Names of the labs in the order of their numbers; each is a module of ``lessons``, ``solutions`` and ``notebooks``.
NAMES = (
    "pi_current_control",
    "speed_and_field",
    "switching_and_averaging",
    "induction_machine",
    "saturation_and_efficiency",
    "quadcopter_lqr",
    "downwash_formation",
    "energy_detector",
    "gilbert_elliott",
    "jamming_game",
    "pursuit_and_mppi",
    "exploration",
    "honest_comparison",
    "first_policy",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A number that differs from student to student.

    Attributes:
        name: By which texts and solutions know it.
        low: Smallest value.
        high: Largest value.
        step: Distance of two values, so that the numbers are round.
        unit: Of the value; empty for a plain number.
        meaning: What it is.
    """

    name: str
    low: float
    high: float
    step: float
    unit: str = ""
    meaning: str

    def value(self, lab: str, student: int) -> float:
        """Return the number of a student: the same on every machine and in every version of Python.

        Args:
            lab: Name of the lab.
            student: The student's number.
        """
        digest = hashlib.sha256(f"{lab} {student} {self.name}".encode()).digest()
        count = round((self.high - self.low) / self.step) + 1
        chosen = int.from_bytes(digest[:8], "big") % count
        return round(self.low + chosen * self.step, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that is graded.

    Attributes:
        key: Its name; the solution has the answer under it.
        text: The question in Markdown; ``{name}`` is a number of the student's.
        unit: Of a number that is asked for; empty for a plain one.
        tolerance: How far a number may be off, relative to the right one.
        choices: What to choose from; empty where a number is asked for.
        hint: Said when the answer is wrong; it leads on and gives nothing away.
    """

    key: str
    text: str
    unit: str = ""
    tolerance: float = 0.02
    choices: tuple[str, ...] = ()
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A lab.

    Attributes:
        number: By which it is called in a course.
        name: Of its modules.
        title: What it is about.
        minutes: Time for a student who has what it takes for granted.
        version: Raised when questions or numbers change, so that an older copy of the notebook is noticed.
        prerequisites: What it takes for granted.
        extras: Extras of the package that it needs besides ``lab``.
        draws: The student's numbers.
        questions: In order.
    """

    number: int
    name: str
    title: str
    minutes: int
    version: int = 1
    prerequisites: str
    extras: tuple[str, ...] = ()
    draws: tuple[Draw, ...]
    questions: tuple[Question, ...]

    @property
    def notebook(self) -> Path:
        """The notebook's file."""
        return Path(str(resources.files("gym_suite.labs").joinpath(f"notebooks/{self.name}.py")))

    def numbers(self, student: int) -> dict[str, float]:
        """Return a student's numbers by name.

        Args:
            student: The student's number.
        """
        return {draw.name: draw.value(self.name, student) for draw in self.draws}

    def question(self, key: str) -> Question:
        """Return a question by its key.

        Raises:
            ValueError: If there is none, naming the nearest.
        """
        found: Mapping[str, Question] = {question.key: question for question in self.questions}
        if key not in found:
            raise unknown_error(f"question of the lab {self.name}", key, found)
        return found[key]


@cache
def labs() -> tuple[Lab, ...]:
    """Return all labs, by their numbers."""
    found = (import_module(f"gym_suite.labs.lessons.{name}").LAB for name in NAMES)
    return tuple(sorted(found, key=lambda lab: lab.number))


def lab_named(name: str | int) -> Lab:
    """Return a lab by its number or name.

    Args:
        name: Such as 1, "1" or "pi_current_control"; "pi-current-control" too.

    Raises:
        ValueError: If there is none, naming the nearest.
    """
    wanted = str(name).replace("-", "_")
    for lab in labs():
        if wanted in (lab.name, str(lab.number)):
            return lab
    known = {lab.name: lab for lab in labs()}
    if wanted.isdigit():
        numbers = ", ".join(str(lab.number) for lab in labs())
        raise ValueError(f"there is no lab {wanted}; there are {numbers}")
    raise unknown_error("lab", str(name), known)
