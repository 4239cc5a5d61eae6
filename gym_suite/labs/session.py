"""One student at one lab: numbers of their own, questions, and verdicts that do not show the solution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from gym_suite.core.parameters import check_number
from gym_suite.labs.course import Lab, Question, lab_named

#: Student numbers are below this.
MOST_STUDENTS = 10_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an answer.

    Attributes:
        passed: Whether it is right.
        answered: Whether there is one.
        message: What to tell the student.
    """

    passed: bool
    answered: bool
    message: str


class Session:
    """A student at a lab.

    Args:
        lab: Number or name of the lab, or the lab.
        student: The student's number, a whole number of at least 0; it decides the numbers of the lab.
        version: Version of the lab for which the caller was made.

    Raises:
        ValueError: If there is no such lab, or the student's number is none.

    Attributes:
        lab: The lab.
        student: The student's number.
        numbers: The student's numbers by name.
        outdated: What to say where the notebook is of another version than the lab; empty otherwise.
    """

    def __init__(
        self, lab: str | int | Lab, *, student: int = 0, version: int | None = None
    ) -> None:
        self.lab = lab if isinstance(lab, Lab) else lab_named(lab)
        check_number("the student's number", student, low=0, high=MOST_STUDENTS)
        if int(student) != student:
            raise ValueError(f"the student's number must be a whole number, got {student!r}")
        self.student = int(student)
        self.numbers: Mapping[str, float] = self.lab.numbers(self.student)
        self.outdated = ""
        if version is not None and version != self.lab.version:
            self.outdated = (
                f"This notebook was made for version {version} of the lab, the package has version {self.lab.version}: "
                f"copy it anew with gym-suite lab {self.lab.number} --copy FOLDER."
            )

    def text(self, key: str) -> str:
        """Return the text of a question with the student's numbers.

        Args:
            key: Of the question.

        Raises:
            ValueError: If there is no such question.
        """
        return self.lab.question(key).text.format_map(self.numbers)

    def check(self, key: str, answer: Any) -> Verdict:
        """Grade an answer.

        Args:
            key: Of the question.
            answer: A number, a text with one (a comma is read as the decimal point), or one of the choices; None or an
                empty text where there is no answer yet.

        Returns:
            The verdict; it never contains the solution.

        Raises:
            ValueError: If there is no such question.
        """
        question = self.lab.question(key)
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            return Verdict(False, False, "Not answered yet.")
        solution = self._solutions[key]
        if question.choices:
            passed = answer == solution
        else:
            number = read_number(answer)
            if number is None:
                unit = f" in {question.unit}" if question.unit else ""
                return Verdict(
                    False, True, f"{answer!r} is not a number; a number{unit} is asked for."
                )
            passed = _near(number, float(solution), question)
        return Verdict(passed, True, "Right." if passed else f"Not yet. {question.hint}")

    def solution(self, key: str) -> float | str:
        """Return the answer to a question, for teachers.

        Args:
            key: Of the question.

        Raises:
            ValueError: If there is no such question.
        """
        return self._solutions[self.lab.question(key).key]

    @cached_property
    def _solutions(self) -> Mapping[str, float | str]:
        solve = import_module(f"gym_suite.labs.solutions.{self.lab.name}").solve
        return solve(dict(self.numbers))


def _near(number: float, solution: float, question: Question) -> bool:
    """Whether a number is within the tolerance; a hair's breadth more, so that its end is included."""
    return abs(number - solution) <= question.tolerance * abs(solution) * (1.0 + 1e-9) + 1e-12


def read_number(answer: Any) -> float | None:
    """Return the finite number that an answer says, or None.

    Args:
        answer: A number or a text such as "1.5", "1,5" or "1.5e-3".
    """
    text = str(answer).strip().replace("\u2212", "-")
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
