"""Guidance from waypoint to waypoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.indi import INDI


class Guided(INDI):
    """Velocity guidance above incremental nonlinear dynamic inversion: straight on, slower before a turn.

    The wanted velocity points to the waypoint. Its size is what a constant deceleration brings down to the speed of the
    turn by the time the waypoint is reached, v^2 = v_c^2 + 2 a s, and the speed of the turn is the largest one times
    (1 + cos) / 2 of the angle by which the way to the waypoint after it departs from straight on.

    Args:
        position_scale: Factor on the position's bandwidth, by which velocities are held too.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: As :class:`gym_suite.drones.controllers.indi.INDI` has it.
        torque_filter: The same.
        fastest: Largest wanted speed, m/s.
        deceleration: m/s^2.
    """

    name = "guided"
    hyperparameters = (
        *INDI.hyperparameters,
        Hyperparameter(name="fastest", low=0.5, high=10.0),
        Hyperparameter(name="deceleration", low=1.0, high=10.0),
    )

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        fastest: float = 2.0,
        deceleration: float = 2.0,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
        )
        self.fastest = fastest
        self.deceleration = deceleration

    def _tune(self, nominal: object) -> None:
        super()._tune(nominal)
        check_number("fastest", self.fastest, above=0.0)
        check_number("deceleration", self.deceleration, above=0.0)
        if "next_x" not in self._columns:
            raise ValueError(
                "guided control needs to see the waypoint after the next one; "
                "it flies drones/Waypoints-v0"
            )

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        way, after = self._seen(o, "error"), self._seen(o, "next")
        after -= way
        length = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        onward = np.maximum(np.linalg.norm(after, axis=1, keepdims=True), 1e-9)
        ahead = way / length
        straight = (ahead * after).sum(axis=1, keepdims=True) / onward
        turn = self.fastest * 0.5 * (1.0 + straight)
        speed = np.minimum(np.sqrt(turn**2 + 2.0 * self.deceleration * length), self.fastest)
        velocity = speed * ahead
        return np.zeros_like(way), velocity, self._drag * velocity
