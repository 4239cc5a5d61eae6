"""Landing on a pad that moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.base import parts
from gym_suite.drones.controllers.geometric import Geometric


class Descent(Geometric):
    """Geometric control that flies over the pad and lets its height fall while it is over it.

    The target is a point above the pad, whose velocity is fed forward. Its height begins where the drone is and falls
    at a steady rate while the drone is within a cone that stands on the pad; outside it waits. (Such a cone is common
    practice, e.g. S. Saripalli, J. F. Montgomery and G. S. Sukhatme, IEEE Trans. Robotics and Automation 19(3), 2003,
    doi:10.1109/TRA.2003.810239, who descend once they are above the target.)

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        descent: Rate at which the height falls, m/s.
        nearest: Radius of the cone on the pad, m.
        slope: By which it widens per metre of height.
    """

    name = "descent"
    memory = parts(rotors=4, integrals=3, motion=6)
    hyperparameters = (
        Hyperparameter(name="descent", low=0.1, high=0.5),
        Hyperparameter(name="nearest", low=0.02, high=0.2),
        Hyperparameter(name="slope", low=0.02, high=1.0),
    )

    def __init__(
        self,
        *,
        position_scale: float = 1.0,
        attitude_scale: float = 1.0,
        descent: float = 0.35,
        nearest: float = 0.1,
        slope: float = 0.3,
    ) -> None:
        super().__init__(position_scale=position_scale, attitude_scale=attitude_scale)
        self.descent = descent
        self.nearest = nearest
        self.slope = slope

    def _tune(self, nominal: object) -> None:
        super()._tune(nominal)
        for name in ("descent", "nearest", "slope"):
            check_number(name, getattr(self, name), above=0.0)

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        known = memory[:, 3].copy() > 0.0
        error, velocity, acceleration = super()._targets(o, memory)
        away = self._seen(o, "error")
        height, level = -away[:, 2], np.hypot(away[:, 0], away[:, 1])
        wanted = np.where(known, memory[:, 4], height)
        falls = level < self.nearest + self.slope * np.maximum(height, 0.0)
        wanted -= np.where(falls, self.descent * self._dt, 0.0)
        memory[:, 4] = wanted
        error[:, 2] += wanted
        velocity[:, 2] -= np.where(falls, self.descent, 0.0)
        return error, velocity, acceleration
