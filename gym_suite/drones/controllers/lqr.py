"""Linear-quadratic regulator about hovering, with integral action and the target's motion fed forward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.linear import linearize, operating_point
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.state_feedback import lqr
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.base import RotorController, euler_angles, parts
from gym_suite.drones.controllers.gains import overridden
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places

_STATES = 12  # before the rotors
_BRYSON = "A. E. Bryson and Y.-C. Ho, Applied Optimal Control, Hemisphere 1975, section 5.2"


class HoverLQR(RotorController):
    """Linear-quadratic regulator about hovering, from the linearised plant with the rotors' lag.

    The plant is linearised where its rotors carry it (:func:`gym_suite.analysis.linearize`), taken over one
    control period exactly, and weighted by Bryson's rule: each state and input by its largest acceptable
    deviation. Integrators of the position make it hold under wrong parameters. The heading's own axes are
    used, so yaw need not be small. A target's motion sets the velocity, tilt, body rate and thrust to be kept; far
    targets count as nearer, so that the drone stays in the linear range.

    Args:
        position: Acceptable deviation of each coordinate, m.
        velocity: Of each velocity, m/s.
        tilt: Of roll and pitch, rad.
        yaw: Of yaw, rad.
        rate: Of each body rate, rad/s.
        integral: Of the integral of each coordinate, m s.
        command: Of a rotor's command, as a share of the hover speed.
        reach: Position errors beyond this many times ``position`` count as that much.
        feed_forward: Whether the target's velocity, acceleration and jerk are used, and drag is made up for.
        gains: Gains to use in place of the computed ones: "k", (rotors, states), and "k_i", (rotors, 3).
    """

    name = "lqr"
    hyperparameters = (
        Hyperparameter(name="position", low=0.01, high=1.0, unit="m"),
        Hyperparameter(name="velocity", low=0.03, high=3.0, unit="m/s"),
        Hyperparameter(name="tilt", low=0.02, high=1.0, unit="rad"),
        Hyperparameter(name="yaw", low=0.03, high=3.0, unit="rad"),
        Hyperparameter(name="rate", low=0.2, high=15.0, unit="rad/s"),
        Hyperparameter(name="integral", low=0.02, high=1.5, unit="m s"),
        Hyperparameter(name="command", low=0.02, high=1.0),
        Hyperparameter(name="reach", low=1.0, high=20.0),
    )
    information = "observation"
    memory = parts(rotors=4, integrals=3, motion=4)
    vectors = ("integrals",)

    def __init__(
        self,
        *,
        position: float = 0.1,
        velocity: float = 0.3,
        tilt: float = 0.15,
        yaw: float = 0.3,
        rate: float = 1.5,
        integral: float = 0.15,
        command: float = 0.15,
        reach: float = 4.0,
        feed_forward: bool = True,
        gains: Mapping[str, Any] | None = None,
    ) -> None:
        self.position = position
        self.velocity = velocity
        self.tilt = tilt
        self.yaw = yaw
        self.rate = rate
        self.integral = integral
        self.command = command
        self.reach = reach
        self.feed_forward = feed_forward
        self.gains = gains

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        guess = nominal.plant.guess
        place = dict(zip(("x", "y", "z"), guess, strict=False)) | {"yaw": 0.0}
        self._point = point = operating_point(nominal, states=place)
        self._model = model = linearize(nominal, point)
        self.feedback_ = lqr(
            model.Ad,
            model.Bd,
            self._state_weights(len(point.x)),
            np.full(self._count, 1.0 / (self._positive("command") * self._hover) ** 2),
            dt=self._dt,
            integral=np.eye(3, len(point.x)),
        )
        feedback = {"k": self.feedback_.k, "k_i": self.feedback_.k_i}
        self.gains_ = overridden(feedback, self.gains, "the regulator")
        self.gain_units_ = {"k": "rpm per unit of state", "k_i": "rpm/(m s)"}
        self._k, self._k_i = self.gains_["k"], self.gains_["k_i"]
        self._trim = point.u
        self._lags = len(point.x) > _STATES
        self._reach = self._positive("reach") * self.position
        # Rotor speed per vertical acceleration, about hovering: 2 n dn / n^2 = a / g.
        self._lift = 0.5 * self._hover / self._row[P.gravity]
        self.rule_ = f"{self.feedback_.rule}, weights by Bryson's rule"
        self.source_ = f"{self.feedback_.source}; {_BRYSON}"

    def _positive(self, name: str) -> float:
        return check_number(name, getattr(self, name), above=0.0)

    def _state_weights(self, size: int) -> NDArray[np.float64]:
        """Return the weights of states and integrators; the rotors' own speeds cost nothing."""
        largest = [self._positive("position")] * 3
        largest += [self._positive("tilt")] * 2 + [self._positive("yaw")]
        largest += [self._positive("velocity")] * 3 + [self._positive("rate")] * 3
        weights = np.zeros(size + 3)
        weights[:_STATES] = 1.0 / np.square(largest)
        weights[size:] = 1.0 / self._positive("integral") ** 2
        return weights

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        kept, deviation = self._departure(o, state)
        return kept + self._feedback(deviation, kept)

    def _feedback(
        self, deviation: NDArray[np.float64], kept: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what is commanded on top of what is kept, rpm, (n, rotors).

        Args:
            deviation: States and integrals as they depart from what is to be kept, (n, states + 3).
            kept: Rotor speeds, rpm, that keep the target's motion, (n, rotors).
        """
        states = self._k.shape[1]
        integrals = deviation[:, states:]
        return -_times(self._k, deviation[:, :states]) - _times(self._k_i, integrals)

    def _departure(
        self, o: NDArray[np.float64], state: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the rotors keep and how far all is from it, as :meth:`_feedback` takes it; move integrals on."""
        angles = euler_angles(self._rotation(o))
        heading = angles[:, 2]
        error = -np.clip(self._seen(o, "error"), -self._reach, self._reach)
        deviation = np.zeros((len(o), self._k.shape[1]))
        deviation[:, 0:3] = _headed(error, heading)
        deviation[:, 3:6] = angles
        believed, integrals, memory = (
            state[:, self.memory[name]] for name in ("rotors", "integrals", "motion")
        )
        motion = self._motion(o, memory)
        use = 1.0 if self.feed_forward else 0.0
        velocity, wanted, jerk = (use * _headed(vector, heading) for vector in motion)
        deviation[:, 6:9] = _headed(self._seen(o, "velocity"), heading) - velocity
        deviation[:, 9:12] = self._seen(o, "body_rate")
        # A level acceleration takes a tilt: x'' = g pitch, y'' = -g roll; a jerk takes a body rate.
        for at, vector in ((3, wanted), (9, jerk)):
            deviation[:, at] += vector[:, 1] / self._row[P.gravity]
            deviation[:, at + 1] -= vector[:, 0] / self._row[P.gravity]
        lift = self._lift * wanted[:, 2:3]
        if self._lags:
            deviation[:, _STATES:] = believed + (self._even - self._trim) - lift
        departure = np.hstack([deviation, _headed(integrals, heading)])
        # The integrators wait while the error is cut off.
        integrals += self._dt * np.where(np.abs(error) < self._reach, error, 0.0)
        return self._trim + lift, departure

    def _after(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        self._follow_rotors(action, state)


def _times(matrix: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix times each row, (n, k): summed alike however many rows there are, as BLAS does not."""
    return (rows[:, None, :] * matrix).sum(axis=2)


def _headed(vector: NDArray[np.float64], heading: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors, (n, 3), in the axes that a heading turns about the vertical."""
    cosine, sine = np.cos(heading), np.sin(heading)
    x = cosine * vector[:, 0] + sine * vector[:, 1]
    y = cosine * vector[:, 1] - sine * vector[:, 0]
    return np.stack([x, y, vector[:, 2]], axis=1)
