"""Answers of lab 13.

The interquartile mean of eight values is the mean of the middle four (Agarwal et al. 2021). Of k independent tests at
5 % none errs with 0.95^k. The variance of a difference of two means is 2 s^2 / n without and 2 s^2 (1 - rho) / n with
pairing. The standard error falls with 1/sqrt(n), so half of it takes four times as many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.comparison.samples import iqm
from gym_suite.labs.lessons.honest_comparison import LAB, drawn_scores


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    return {
        "iqm": float(iqm(drawn_scores(numbers))),
        "found": 1.0 - 0.95 ** numbers["tries"],
        "pairing": math.sqrt(1.0 - numbers["rho"]),
        "more": 4.0 * numbers["n"],
        "trainings": LAB.question("trainings").choices[1],
        "budget": LAB.question("budget").choices[2],
    }
