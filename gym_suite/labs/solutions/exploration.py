"""Answers of lab 12.

The mean of a geometric distribution is 1 / p, and n tries all miss with (1 - p)^n. A reward k steps away weighs
0.99^k. The bonus by counts is beta / sqrt(n) (Strehl and Littman 2008). The network that predicts is trained on
visited states (Burda et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.exploration import LAB

DISCOUNT = 0.99  # as the question says


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    chance = 1e-2 * numbers["chance"]
    return {
        "wait": 1.0 / chance,
        "none": (1.0 - chance) ** numbers["episodes"],
        "left": DISCOUNT ** numbers["away"],
        "count": numbers["bonus"] / math.sqrt(numbers["visits"]),
        "distillation": LAB.question("distillation").choices[1],
        "seeds": LAB.question("seeds").choices[2],
    }
