"""Racing through gates on a planned lap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.columns import TABLES
from gym_suite.drones.controllers.base import parts
from gym_suite.drones.controllers.course import Course, centres, checked_gates
from gym_suite.drones.controllers.heading import turn_back
from gym_suite.drones.controllers.indi import INDI
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.trajectories import Pieces, minimum_snap

P, T = PHYSICS.places, TABLES.places

#: s, in which the pace on the lap rises from rest to that of the plan, and falls to rest.
RISE, FALL = 1.5, 0.5
#: Least pace, as a share of the plan's; part of the largest thrust that a slower lap may take.
SLOWEST, USABLE = 0.2, 0.95
#: Samples of a piece by which a lap is judged while it is planned.
_SAMPLES = 24
#: Largest level force over the vertical one, that of geometric control's 45 degrees with a tenth to spare.
_STEEPEST = 0.9


def lap_scale(lap: Pieces, *, thrust: float, gravity: float, rate: float) -> float:
    """Return the factor on the times of a lap with which it asks for no more than a vehicle is to give.

    Stretched by a factor k in time, accelerations are smaller by k^2 and jerks by k^3.

    Args:
        lap: The lap.
        thrust: Largest specific thrust, m/s^2.
        gravity: m/s^2.
        rate: Largest rate at which the thrust turns, rad/s: the jerk over the specific thrust.
    """
    shares = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    t = (np.cumsum(lap.durations) - lap.durations)[:, None] + shares * lap.durations[:, None]
    a, j = lap.at(t.ravel(), 2), np.linalg.norm(lap.at(t.ravel(), 3), axis=1)

    def allowed(k: float) -> bool:
        force = a / k**2 + np.array([0.0, 0.0, gravity])
        size = np.linalg.norm(force, axis=1)
        level = np.hypot(force[:, 0], force[:, 1])
        steep = (level > _STEEPEST * force[:, 2]).any()
        return not (steep or (size > thrust).any() or (j / k**3 > rate * size).any())

    low, high = 1e-3, 1.0
    while not allowed(high):
        low, high = high, 2.0 * high
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if allowed(middle) else (middle, high)
    return high


def plan_lap(points: NDArray[np.float64], *, thrust: float, gravity: float, rate: float) -> Pieces:
    """Return the closed minimum snap trajectory through points that is the fastest within bounds of a vehicle.

    The shares of the time that each piece has are found by Nelder and Mead's method from those of the distances.

    Args:
        points: In their order, m, (n, 3).
        thrust: As :func:`lap_scale` has it.
        gravity: The same.
        rate: The same.
    """
    from scipy.optimize import minimize

    closed = np.vstack([points, points[:1]])
    distances = np.linalg.norm(np.diff(closed, axis=0), axis=1)

    def durations(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = distances * np.exp(logs - logs.mean())
        return shares / shares.sum()

    def time(logs: NDArray[np.float64]) -> float:
        lap = minimum_snap(closed, durations(logs), closed=True)
        return lap_scale(lap, thrust=thrust, gravity=gravity, rate=rate)

    found = minimize(
        time, np.zeros(len(points)), method="Nelder-Mead", options={"maxiter": 60 * len(points)}
    )
    return minimum_snap(closed, durations(found.x) * found.fun, closed=True)


class Racer(INDI):
    """A planned lap, flown by incremental nonlinear dynamic inversion.

    The lap is a closed minimum snap trajectory through the middles of the gates (Mellinger and Kumar, ICRA 2011,
    doi:10.1109/ICRA.2011.5980409), whose times make it the fastest that a share of the nominal thrust and a rate of
    turning allow. The drone follows the lap in space, not in time: its place on the lap is the nearest one ahead of the
    gate that it sees, so that being late costs nothing. Where the measured accelerations say that it has less thrust
    for its mass than the model, it flies the lap slower: level accelerations grow with the square of the pace. Which
    gate it sees it knows from the way to the next one and the directions through both. It needs gates that are less
    than 5 m apart along each axis, the range of what is observed.

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: As :class:`gym_suite.drones.controllers.indi.INDI` has it.
        torque_filter: The same.
        thrust: Share of the nominal thrust that the lap takes.
        rate: Rate at which the thrust turns on the lap, rad/s.
    """

    name = "racing"
    information = "model"
    memory = parts(
        rotors=4,
        integrals=3,
        motion=5,
        before=4,
        velocity=3,
        rate=3,
        axis=3,
        force=3,
        torque=3,
        known=1,
    )
    hyperparameters = (
        *INDI.hyperparameters,
        Hyperparameter(name="thrust", low=0.5, high=1.0),
        Hyperparameter(name="rate", low=0.5, high=10.0),
    )

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        thrust: float = 0.85,
        rate: float = 2.5,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
        )
        self.thrust = thrust
        self.rate = rate

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        share = check_number("thrust", self.thrust, above=0.0, high=1.0)
        rate = check_number("rate", self.rate, above=0.0)
        gates = checked_gates(np.array(nominal.tables[T.gates]), self.name)
        gravity = float(self._row[P.gravity])
        top = self._hover * (1.0 + self._range)
        self._strongest = self._count * float(self._row[P.k_f]) * top**2 / float(self._row[P.mass])
        most = share * self._strongest
        if most <= gravity:
            raise ValueError(
                f"a lap with a share {share:g} of the thrust cannot be flown: that is {most:.3g} m/s^2, and weight "
                f"takes {gravity:.3g} m/s^2"
            )
        self._level = float(np.sqrt(most**2 - gravity**2))
        lap = plan_lap(centres(gates), thrust=most, gravity=gravity, rate=rate)
        # The lap begins at gate 0: piece k ends at gate k + 1.
        self._course = Course(gates, self._columns, lap, np.cumsum(lap.durations) - lap.durations)

    @property
    def lap_time_(self) -> float:
        """Time of the planned lap, s."""
        self._check_tuned()
        return self._course.total

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        # What the vertical acceleration lacks says which part of the nominal thrust per mass there is.
        gravity = float(self._row[P.gravity])
        lack = state[:, self.memory["force"]][:, 2]
        thrust = np.maximum(1.0 + lack / gravity, 0.0) * USABLE * self._strongest
        level = np.sqrt(np.maximum(thrust**2 - gravity**2, 0.0))
        pace = np.sqrt(level / self._level)
        state[:, self.memory["motion"]][:, 4] = np.clip(pace, SLOWEST, 1.0)
        return super()._rotors(o, state)

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        axes = None
        if self._frame is not None:  # the lap is planned in the world
            axes, o = self._frame.axes(o), self._frame.in_world(o)
        error = self._seen(o, "error")
        gate, place = self._course.find(o, error, self._seen(o, "next"))
        t, share, missed = self._course.follow(memory, gate, place, self._dt)
        lap = self._course.lap
        way = lap.at(t) - place
        velocity, acceleration, jerk = (lap.at(t, k) for k in (1, 2, 3))
        most = np.clip(memory[:, 4], share - self._dt / FALL, share + self._dt / RISE)
        paced = np.clip(most, 0.0, 1.0)
        memory[:, 2] = np.where(missed, 0.0, paced)
        gain = ((paced - share) / self._dt)[:, None] * velocity
        paced = paced[:, None]
        velocity *= paced
        acceleration = paced**2 * acceleration + gain + self._drag * velocity
        acceleration += paced**3 * self._ahead * jerk
        if axes is not None:
            for vector in (way, velocity, acceleration):
                turn_back(vector, 0, 1, axes)
        return way, velocity, acceleration
