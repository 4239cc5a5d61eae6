"""Answers of lab 14.

The sum of d^k is 1 / (1 - d), and d^k = 1/e at k = -1 / ln d. An update uses rows times rollout steps. The objective
of PPO is the smaller of ratio times advantage and clipped ratio times advantage (Schulman et al. 2017). The score is
linear between its anchors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.first_policy import LAB

PERIOD = 0.1  # ms
NOTHING, REFERENCE = 100.0, 184.0


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    return {
        "horizon": 1.0 / (1.0 - numbers["discount"]),
        "milliseconds": -PERIOD / math.log(numbers["discount"]),
        "updates": 1e6 * numbers["total"] / (numbers["rows"] * numbers["rollout"]),
        "clip": min(numbers["ratio"], 1.0 + numbers["clip"]),
        "score": (numbers["earned"] - NOTHING) / (REFERENCE - NOTHING),
        "judged": LAB.question("judged").choices[1],
    }
