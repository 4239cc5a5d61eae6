"""Answers of lab 10.

With k channels in play and m jammers the value is (k - m) / sum of 1/v_i, the transmitter's probabilities are in
proportion to 1/v_i, and channel i is jammed with probability 1 - value / v_i (von Neumann 1928; Wu et al. 2012). With
the worths of this lab all three channels are in play. The uniform choice concedes the mean of the worths without the
best of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from gym_suite.labs.lessons.jamming_game import LAB, worth


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    values = worth(numbers)
    inverse = sum(1.0 / v for v in values)
    value = (len(values) - 1) / inverse
    uniform = (sum(values) - max(values)) / len(values)
    return {
        "equal": 1.0 - numbers["jammers"] / numbers["channels"],
        "value": value,
        "often": 1.0 / (values[0] * inverse),
        "jammed": 1.0 - value / values[0],
        "exploited": value - uniform,
        "answer": LAB.question("answer").choices[2],
    }
