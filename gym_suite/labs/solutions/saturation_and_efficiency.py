"""Answers of lab 5.

The torque is 3/2 p (psi_d i_q - psi_q i_d) with the fluxes of the map or of constant inductances. Along a circle of one
amplitude it is largest where its derivative by the angle vanishes; the map's curve is searched. Copper loss is 3/2 r
i^2. The efficiency at least loss is that of the drive's own losses (`gym_suite.motors.losses`): a larger angle weakens
the flux and with it the loss in the iron, which grows with the speed and its square, and costs little current where the
current is least. Iron saturates where the flux is large, so the slope of psi_q falls with the current.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gym_suite.labs.lessons.saturation_and_efficiency import (
    L_D,
    L_Q,
    LAB,
    PSI,
    R_S,
    hold,
    linkages,
    machine,
    torque,
)


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    i_d, i_q = np.array([numbers["i_d"]]), np.array([numbers["i_q"]])
    psi_d, psi_q = linkages(i_d, i_q)
    strongest = machine().map.strongest(np.array([numbers["current"]]))
    held = hold(numbers["torque"], numbers["rpm"])
    return {
        "true": float(torque(psi_d, psi_q, i_d, i_q)[0]),
        "linear": float(torque(PSI + L_D * i_d, L_Q * i_q, i_d, i_q)[0]),
        "further": 1e3 * float(np.diff(linkages(i_d, i_q + np.array([-1.0, 1.0]))[1])[0]) / 2.0,
        "empty": LAB.question("empty").choices[0],
        "angle": float(np.degrees(np.arctan2(strongest[1][0], strongest[0][0]))),
        "copper": 1.5 * R_S * numbers["current"] ** 2,
        "efficiency": 100.0 * held.shaft / held.link,
        "direction": LAB.question("direction").choices[0],
        "slow": LAB.question("slow").choices[0],
    }
