"""Teaching labs: notebooks with sliders and live plots, questions that are graded, and a report to print.

``gym-suite lab`` lists them and opens one. A lab is three files of one name: ``notebooks/NAME.py``, a marimo notebook
that runs in a browser on the same machine; ``lessons/NAME.py``, its questions, the numbers that differ from student to
student and what the notebook computes; and ``solutions/NAME.py``, the answers, which no page contains. The extra is
``lab``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.labs.course import Draw as Draw
    from gym_suite.labs.course import Lab as Lab
    from gym_suite.labs.course import Question as Question
    from gym_suite.labs.course import lab_named as lab_named
    from gym_suite.labs.course import labs as labs
    from gym_suite.labs.report import report_page as report_page
    from gym_suite.labs.session import Session as Session
    from gym_suite.labs.session import Verdict as Verdict

_HOME = {
    "Draw": "course",
    "Lab": "course",
    "Question": "course",
    "Session": "session",
    "Verdict": "session",
    "lab_named": "course",
    "labs": "course",
    "report_page": "report",
}
__all__ = list(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
