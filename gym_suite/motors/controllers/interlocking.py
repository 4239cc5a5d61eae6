"""Compensation of what interlocking takes from the voltage, by the sign of the commanded currents.

While both switches of a leg are off a diode conducts: a leg from which current flows is at the lower rail for that time
in each period, one into which it flows at the upper rail. In the mean its voltage is short by the link's voltage times
the time as a part of the period, against the current; S.-G. Jeong and M.-H. Park, "The analysis and compensation of
dead-time effects in PWM inverters", IEEE Trans. Ind. Electron. 38(2), 1991.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.controllers.laws import S
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3

Rows = NDArray[np.float64]


def compensate_interlocking(seen: Rows, law: Rows, action: Rows) -> None:
    """Add what interlocking takes to voltage actions, within [-1, 1].

    The sign is that of the commanded current of each phase in the middle of the period in which the voltage acts: the
    measured one changes often where a current is small.

    Args:
        seen: Rows of :data:`gym_suite.motors.controllers.laws.SEEN`, of a machine whose frame is that of its rotor.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        action: Rows of actions in the frame of the actions, (n, 2) or (n, 3), changed in place.
    """
    ahead = (law[P.dead_time] + 0.5) * law[P.tau] * law[P.p] * seen[:, S.omega]
    turned = (seen[:, S.cosine] + 1j * seen[:, S.sine]) * np.exp(1j * ahead)
    current = (seen[:, S.reference_0] + 1j * seen[:, S.reference_1]) * turned
    thirds = np.exp(-2j / 3.0 * np.pi * np.arange(3))
    signs = np.sign((current[:, None] * thirds).real)
    part = law[P.interlocking] / law[P.tau]
    if law[P.frame] == FRAME_ABC:
        action += 2.0 * part * signs
    else:
        vector = 2.0 / 3.0 * (signs * thirds.conj()).sum(axis=1) / turned
        action[:, 0] += SQRT3 * part * vector.real
        action[:, 1] += SQRT3 * part * vector.imag
    np.clip(action, -1.0, 1.0, out=action)
