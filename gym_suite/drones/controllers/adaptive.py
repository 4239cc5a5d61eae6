"""Adaptive control: what a rotor's thrust and the vehicle's mass are is learned in flight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.base import parts
from gym_suite.drones.controllers.indi import INDI
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places

_SOURCE = (
    "P. A. Ioannou and J. Sun, Robust Adaptive Control, Prentice Hall 1996, chapter 4 (normalised gradient with "
    "projection); adaptive terms beside geometric control: F. A. Goodarzi, D. Lee and T. Lee, Geometric adaptive "
    "tracking control of a quadrotor unmanned aerial vehicle on SE(3) for agile maneuvers, J. Dynamic Systems, "
    "Measurement, and Control 137(9), 2015, doi:10.1115/1.4030419"
)
#: Thrust per mass over the nominal one that is believed at least and at most.
_LEAST, _MOST = 0.4, 2.5


class Adaptive(INDI):
    """Incremental inversion that learns how much thrust per mass there is: payload, battery and worn rotors.

    :class:`INDI` undoes what the accelerations lack as a force, which is right for wind. What a payload takes or a flat
    battery lacks grows with the thrust, so a force that was learned at one thrust is wrong at the next. This law learns
    the factor: of the acceleration that is left over along the rotors' axis, the normalised gradient goes to the scale
    of the thrust, within bounds (projection), and what the scale does not explain is undone as a force. All that is
    asked of the nominal vehicle is divided by the scale.

    It stops working where :class:`INDI` does.

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: Part of a period's force that was left over which the next one believes.
        torque_filter: The same of the torque.
        adaptation: Part of a period's error of the thrust's scale which the next one corrects.
        feed_forward: Whether the target's velocity, acceleration and jerk are used, and drag is made up for.
        gains: Gains to use in place of the computed ones, by the names in ``gains_``.
    """

    name = "adaptive"
    hyperparameters = (
        *INDI.hyperparameters,
        Hyperparameter(name="adaptation", low=0.001, high=0.2),
    )
    memory = parts(**{name: part.stop - part.start for name, part in INDI.memory.items()}, scale=1)

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        adaptation: float = 0.02,
        feed_forward: bool = True,
        gains: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
            feed_forward=feed_forward,
            gains=gains,
        )
        self.adaptation = adaptation

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        check_number("adaptation", self.adaptation, above=0.0, high=1.0)
        self.source_ += f"; adaptation: {_SOURCE}"

    def _thrust_scale(self, state: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1.0 + state[:, self.memory["scale"]]

    def _learn(
        self,
        left: NDArray[np.float64],
        push: NDArray[np.float64],
        known: NDArray[np.bool_],
        state: NDArray[np.float64],
    ) -> None:
        beyond = state[:, self.memory["scale"]]
        # Hovering, the gradient is half the error: without thrust there is nothing to learn from.
        normal = push**2 + self._row[P.gravity] ** 2
        beyond += np.where(known, 2.0 * self.adaptation * left * push / normal, 0.0)
        np.clip(beyond, _LEAST - 1.0, _MOST - 1.0, out=beyond)

    def _asked(
        self,
        error: NDArray[np.float64],
        speed: NDArray[np.float64],
        velocity: NDArray[np.float64],
        acceleration: NDArray[np.float64],
        state: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], ...]:
        scale, weight = self._thrust_scale(state), np.array([0.0, 0.0, self._row[P.gravity]])
        # The force is the sum of these and the weight, and its size is what is divided.
        return (
            error / scale,
            speed / scale,
            velocity / scale,
            (acceleration + weight) / scale - weight,
        )
