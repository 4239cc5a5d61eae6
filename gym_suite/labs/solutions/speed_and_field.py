"""Answers of lab 2.

The symmetrical optimum (Kessler 1958) has the margin atan((a^2 - 1) / (2 a)) and T_n = a^2 T_sigma. Without current
the voltage is p omega psi_p. With the resistance neglected the voltage is omega_e times the flux, so at k times the
base speed the flux has to be psi_p / k, and the ellipse shrinks towards -psi_p / l_d (Schroeder, Elektrische
Antriebe, section 16).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.speed_and_field import LAB, PAIRS, U_DC


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    a, flux, inductance = numbers["a"], numbers["psi_p"] * 1e-3, numbers["l_d"] * 1e-3
    centre = -flux / inductance
    return {
        "margin": math.degrees(math.atan((a * a - 1.0) / (2.0 * a))),
        "reset_time": a * a * numbers["sigma"],
        "base": U_DC / math.sqrt(3.0) / (PAIRS * flux),
        "weaken": centre * (1.0 - 1.0 / numbers["over"]),
        "centre": centre,
        "reluctance": LAB.question("reluctance").choices[1],
    }
