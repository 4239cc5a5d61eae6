"""Following of a target whose acceleration nobody tells."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.base import parts, sizes
from gym_suite.drones.controllers.indi import INDI


class Following(INDI):
    """Incremental nonlinear dynamic inversion that feeds forward the acceleration which it sees of its target.

    A leader tells where it is and how fast, not what it is about to do. Its acceleration is the change of its velocity,
    through a first-order low-pass filter ("dirty derivative"; A. Visioli, Practical PID Control, Springer, 2006,
    chapter 2).

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: As :class:`gym_suite.drones.controllers.indi.INDI` has it.
        torque_filter: The same.
        smoothing: Time constant of the filter, s.
    """

    name = "following"
    hyperparameters = (
        *INDI.hyperparameters,
        Hyperparameter(name="smoothing", low=0.02, high=1.0),
    )
    #: "motion" holds the target's last velocity, whether there is one, and its acceleration.
    memory = parts(**(sizes(INDI.memory) | {"motion": 7}))

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        smoothing: float = 0.1,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
        )
        self.smoothing = smoothing

    def _tune(self, nominal: object) -> None:
        super()._tune(nominal)
        check_number("smoothing", self.smoothing, above=0.0)
        if "target_velocity_x" not in self._columns or "target_acceleration_x" in self._columns:
            raise ValueError(
                "following needs a target that moves and whose acceleration is not told; it flies "
                "drones/LeaderFollower-v0"
            )

    def _motion(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        velocity = self._seen(o, "target_velocity")
        change = (velocity - memory[:, 0:3]) * memory[:, 3:4] / self._dt
        acceleration = memory[:, 4:7]
        acceleration += (1.0 - math.exp(-self._dt / self.smoothing)) * (change - acceleration)
        memory[:, 0:3], memory[:, 3] = velocity, 1.0
        return velocity, acceleration + self._drag * velocity, np.zeros_like(velocity)
