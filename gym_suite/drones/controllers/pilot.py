"""A pilot who moves the sticks of a craft that levels itself: a position loop above an autopilot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller
from gym_suite.core.parameters import check_number
from gym_suite.drones.sticks import ANGLE, HALF_WAY, IDLE, LOWEST, MIDDLE, YAW_RATE

Array = NDArray[np.float64]

#: Gains of the position loop, per error of position, velocity and their integral, and yaw rate per error of heading: it
#: is slower than the firmware's angle loop, about 5 rad/s at its defaults.
POSITION, SPEED, INTEGRAL, HEADING = 4.0, 3.0, 1.0, 2.0
_UNITS = {"position": "1/s^2", "speed": "1/s", "integral": "1/s^3", "heading": "1/s"}
#: The throttle acts at once where a tilt takes the angle loop's time, so that height is controlled by poles twice as
#: fast as those of the level axes: factors of the gains of velocity, position and integral.
HEIGHT_SPEED, HEIGHT_POSITION, HEIGHT_INTEGRAL = (np.array([1.0, 1.0, 2.0**k]) for k in (1, 2, 3))
_MOST_TILTING, _MOST_LIFTING = 5.0, 9.0  # m/s^2
#: What an integral of the error of position is at most, times its gain, m/s^2: what rotors lack whose thrust is less by
#: 30 % under a craft whose mass is more by 30 %.
MOST_INTEGRAL = 8.0


def sticks(wanted: Array, heading: Array, rate: Array, parameters: Mapping[str, float]) -> Array:
    """Return the sticks that give wanted accelerations: tilt and throttle of the thrust that does, and a yaw rate.

    Args:
        wanted: Accelerations in the world, m/s^2, (n, 3); they are bounded so that height comes first.
        heading: Of the nose, rad, (n,).
        rate: Wanted yaw rate to the right, rad/s, (n,).
        parameters: Nominal parameters of the craft by name.

    Returns:
        Roll to the right, pitch ahead, yaw to the right, throttle, -1 to 1, (n, 4).
    """
    wanted = wanted.copy()
    level = np.hypot(wanted[:, 0], wanted[:, 1])
    wanted[:, :2] *= np.minimum(1.0, _MOST_TILTING / np.maximum(level, 1e-9))[:, None]
    wanted[:, 2] = parameters["gravity"] + np.clip(wanted[:, 2], -_MOST_LIFTING, _MOST_LIFTING)
    c, s = np.cos(heading), np.sin(heading)
    ahead, left = c * wanted[:, 0] + s * wanted[:, 1], c * wanted[:, 1] - s * wanted[:, 0]
    pitch = np.degrees(np.arctan2(ahead, wanted[:, 2]))
    roll = np.degrees(np.arctan2(-left, np.hypot(ahead, wanted[:, 2])))
    thrust = parameters["mass"] * np.sqrt(np.square(wanted).sum(axis=1))
    output = np.sqrt(thrust / (4.0 * parameters["k_f"])) / parameters["max_rpm"]
    throttle = LOWEST + (2000.0 - LOWEST) * (output - IDLE) / (1.0 - IDLE)
    yaw = np.degrees(rate) / YAW_RATE
    moved = np.stack([roll / ANGLE, pitch / ANGLE, yaw, (throttle - MIDDLE) / HALF_WAY], axis=1)
    return np.clip(moved, -1.0, 1.0)


class Pilot(Controller):
    """A position loop that moves the sticks: wanted acceleration to tilt and throttle, error of heading to yaw rate.

    The wanted acceleration is the target's, and what errors of position and velocity and the integral of the former ask
    for. The nose is kept along x.

    Args:
        position: Acceleration per error of position.
        speed: Acceleration per error of velocity.
        integral: Acceleration per integral of the error of position.
        heading: Yaw rate per error of heading.
    """

    name = "pilot"
    hyperparameters = (
        Hyperparameter(name="position", low=1.0, high=12.0, unit="1/s^2"),
        Hyperparameter(name="speed", low=1.0, high=8.0, unit="1/s"),
        Hyperparameter(name="integral", low=0.05, high=4.0, unit="1/s^3"),
        Hyperparameter(name="heading", low=0.3, high=5.0, unit="1/s"),
    )
    state_size = 3

    def __init__(
        self,
        *,
        position: float = POSITION,
        speed: float = SPEED,
        integral: float = INTEGRAL,
        heading: float = HEADING,
    ) -> None:
        self.position = position
        self.speed = speed
        self.integral = integral
        self.heading = heading

    def _tune(self, nominal: Any) -> None:
        names = nominal.setup.action_columns.names
        if "action_throttle" not in names:
            raise ValueError(
                "the pilot moves the sticks of a craft that an autopilot flies, as in drones/Autopilot-v0; the "
                f"actions here are {', '.join(names)}"
            )
        self._columns = nominal.setup.observation_columns
        self._parameters = dict(nominal.parameters)
        self._dt = nominal.setup.dt
        self.gains_ |= {name: check_number(name, getattr(self, name), low=0.0) for name in _UNITS}
        self.gain_units_ = dict(_UNITS)

    def describe(self) -> dict[str, Any]:
        """Return name, rule, source, gains with units, hyper-parameters and information, as plain data."""
        rule = "position loop slower than the autopilot's angle loop, chosen by hand"
        return super().describe() | {"rule": rule, "source": "a choice of this package"}

    def _seen(self, o: Array, name: str) -> Array:
        """Return an observed vector in SI units, (n, 3)."""
        places = [self._columns.index(f"{name}_{a}") for a in "xyz"]
        return o[:, places] * [self._columns[k].scale for k in places]

    def _law(self, observation: Array, state: Array) -> Array:
        gains, error = self.gains_, self._seen(observation, "error")
        state += self._dt * gains["integral"] * HEIGHT_INTEGRAL * error
        np.clip(state, -MOST_INTEGRAL, MOST_INTEGRAL, out=state)
        slower = self._seen(observation, "target_velocity") - self._seen(observation, "velocity")
        wanted = self._seen(observation, "target_acceleration") + state
        wanted += gains["speed"] * HEIGHT_SPEED * slower
        wanted += gains["position"] * HEIGHT_POSITION * error
        nose = (self._columns.index(f"rotation_{row}x") for row in "yx")
        heading = np.arctan2(*(observation[:, k] for k in nose))
        return sticks(wanted, heading, gains["heading"] * heading, self._parameters)
