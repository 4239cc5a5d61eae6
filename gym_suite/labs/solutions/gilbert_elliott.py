"""Answers of lab 9.

The stationary probability of idle is w0 = p01 / (p01 + 1 - p11). After k slots without a look a belief has moved to
w0 + (w - w0) (p11 - p01)^k. Two equal channels give w0 + w0 (1 - w0) |p11 - p01| a slot at best (Zhao, Krishnamachari
and Liu 2008). A busy run is longer than k slots with the probability (1 - 1 / mean)^k.

The trace at -85 dBm: busy runs of 8.1 slots on average, of which 44 % last one or two slots (the chain: 23 %) and 2.1 %
more than 32 (the chain: 1.5 %). Two kinds of runs, short and long ones, describe it better: the emitter `bursty`, which
radio/BurstyAccess-v0 has.
"""

from __future__ import annotations

from collections.abc import Mapping

from gym_suite.labs.lessons.gilbert_elliott import LAB


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    p11, p01 = numbers["p11"], numbers["p01"]
    idle = p01 / (p01 + 1.0 - p11)
    return {
        "idle": idle,
        "dwell": 1.0 / (1.0 - p11),
        "belief": idle * (1.0 - (p11 - p01) ** numbers["wait"]),
        "optimum": idle + idle * (1.0 - idle) * abs(p11 - p01),
        "random": LAB.question("random").choices[0],
        "negative": LAB.question("negative").choices[2],
        "long_run": 100.0 * (1.0 - 1.0 / numbers["burst"]) ** numbers["longer"],
        "trace": LAB.question("trace").choices[2],
    }
