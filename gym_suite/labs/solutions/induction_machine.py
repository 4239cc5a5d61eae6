"""Answers of lab 4.

The shaft turns (1 - s) f / p times a second. With r_s neglected the stator's flux is given by the line, and the torque
is largest where r_r / s = sigma l_r omega (Leonhard, Control of Electrical Drives, section 10). In the frame of the
rotor's flux 0 = r_r / l_r (psi - l_m i) + dpsi/dt + j slip psi, so in steady state slip = r_r i_q / (l_r i_d). A drive
that takes r_r for the true k r_r makes this slip all the same; the true flux is then l_m i / (1 + j slip l_r / (k
r_r)), and the torque goes with the imaginary part of conj(psi) i. A larger k makes the lag smaller: the flux is longer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.induction_machine import L_M, LAB, PAIRS, L


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    r_r, frequency = numbers["r_r"], numbers["frequency"]
    leakage = 1.0 - L_M**2 / L**2
    current = complex(numbers["i_d"], numbers["i_q"])
    slip_speed = r_r * current.imag / (L * current.real)

    def torque(resistance: float) -> float:
        flux = L_M * current / (1.0 + 1j * slip_speed * L / resistance)
        return (flux.conjugate() * current).imag

    return {
        "turns": 60.0 * frequency / PAIRS * (1.0 - numbers["slip"] / 100.0),
        "breakdown": 100.0 * r_r / (2.0 * math.pi * frequency * leakage * L),
        "cable": numbers["voltage"] ** 2 / 100.0,
        "slip_speed": slip_speed,
        "torque": 100.0 * torque(numbers["warm"] * r_r) / torque(r_r),
        "flux": LAB.question("flux").choices[1],
        "doubled": LAB.question("doubled").choices[2],
    }
