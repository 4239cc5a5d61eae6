"""Answers of lab 6.

Hovering: four rotors, 4 k_f n^2 = m g. Linear in the tilt: acceleration g theta, and a lean of F / (m g) against a
force F. LQR of x'' = u with the weights 1/p^2 on x and 1/a^2 on u: the Riccati equation gives k_1 = a / p and k_2 =
sqrt(2 k_1), so the closed loop has the damping ratio 1/sqrt(2) whatever the weights are (Bryson and Ho 1975, section
5.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.quadcopter_lqr import ARMS, LAB, THRUST

GRAVITY = 9.80665  # m/s^2, ISO 80000-3


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    weight = numbers["mass"] * 1e-3 * GRAVITY
    return {
        "hover": math.sqrt(weight / (ARMS * THRUST)),
        "slide": GRAVITY * math.radians(numbers["tilt"]),
        "lean": math.degrees(numbers["wind"] * 1e-3 / weight),
        "gain": numbers["acceleration"] / numbers["deviation"],
        "damping": 1.0 / math.sqrt(2.0),
        "integral": LAB.question("integral").choices[0],
    }
