"""Answers of lab 1.

The plant of an axis is 1/(r_s + l s), behind T_sigma = 1.5 periods. The magnitude optimum (Kessler 1955) cancels the
pole and sets k_p = l / (2 T_sigma). The open loop is then exp(-s T_sigma) / (2 T_sigma s): it crosses 1 at 1 / (2
T_sigma), where the dead time has turned the phase by half a radian, so the margin is 90 degrees less 0.5 rad.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.controllers.tuning import SAMPLED_DELAY
from gym_suite.labs.lessons.pi_current_control import LAB, TAU


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    delay = SAMPLED_DELAY * TAU
    inductance, resistance = numbers["l_q"] * 1e-3, numbers["r_s"] * 1e-3
    return {
        "delay": delay * 1e6,
        "kp": inductance / (2.0 * delay),
        "reset_time": 1e3 * inductance / resistance,
        "margin": 90.0 - math.degrees(0.5),
        "decoupling": LAB.question("decoupling").choices[1],
        "windup": LAB.question("windup").choices[0],
    }
