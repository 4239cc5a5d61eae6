"""Answers of lab 7.

The downwash is the bell of gym-pybullet-drones (Panerati et al., arXiv:2103.02142), A / h^2 on its axis and down to a
share at r = w sqrt(2 ln(1 / share)). Thrust goes with the square of the rotors' speed: the lower drone needs
sqrt(1 + F / (m g)) of its hovering speed. A law without integral action is a spring: it sinks by F over its stiffness.
Neighbours on a ring of N are 2 R sin(pi / N) apart. Repulsion alone acts along the line between two drones, so two that
meet head-on stop each other (Chang et al., CDC 2003, doi:10.1109/CDC.2003.1272619, whose gyroscopic force is the way
out).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.downwash_formation import LAB, SPREAD, STRENGTH, WIDTH

GRAVITY = 9.80665  # m/s^2, ISO 80000-3


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    push = STRENGTH / numbers["height"] ** 2
    weight = numbers["mass"] * 1e-3 * GRAVITY
    width = SPREAD * numbers["height"] + WIDTH
    return {
        "push": 1e3 * push,
        "faster": 100.0 * (math.sqrt(1.0 + push / weight) - 1.0),
        "aside": 100.0 * width * math.sqrt(2.0 * math.log(100.0 / numbers["share"])),
        "sink": 100.0 * push / numbers["stiffness"],
        "ring": numbers["apart"] / (2.0 * math.sin(math.pi / numbers["drones"])),
        "side": LAB.question("side").choices[1],
    }
