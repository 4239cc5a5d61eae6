"""Incremental nonlinear dynamic inversion above geometric control's error feedback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.columns import USUAL
from gym_suite.drones.controllers.base import parts
from gym_suite.drones.controllers.gains import TURNS
from gym_suite.drones.controllers.geometric import Geometric
from gym_suite.drones.controllers.laws import fill_demand, fill_rotors
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import effects
from gym_suite.drones.transforms import rotor_moments

P = PHYSICS.places

_USABLE = 0.95  # part of the largest thrust that a force may take, so that the rotors can still turn the drone
_SOURCE = (
    "E. J. J. Smeur, Q. P. Chu and G. C. H. E. de Croon, Adaptive incremental nonlinear dynamic inversion for attitude "
    "control of micro air vehicles, J. Guidance, Control, and Dynamics 39(3), 2016, doi:10.2514/1.G001490; "
    "E. Tal and S. Karaman, Accurate tracking of aggressive quadrotor trajectories using incremental nonlinear dynamic "
    "inversion and differential flatness, IEEE Trans. Control Systems Technology 29(3), 2021"
)


def rotor_levers(
    row: NDArray[np.float64], rotors: NDArray[np.float64] = USUAL
) -> NDArray[np.float64]:
    """Return the body torques, N m, of each rotor's squared speed, rpm^2, (3, rotors).

    Args:
        row: Physical parameters.
        rotors: Table of the rotors.
    """
    if rotors.ndim == 2:
        return effects(row, rotors)[1:]
    moments = np.array([rotor_moments(row[P.layout], *unit) for unit in np.eye(4)])
    lift = row[P.k_f] * row[P.lever]
    return np.stack([lift * moments[:, 1], -lift * moments[:, 0], row[P.k_m] * TURNS])


class INDI(Geometric):
    """Incremental nonlinear dynamic inversion: force and torque are changed by what the accelerations lack.

    The error feedback is geometric control's, which wants an acceleration and an angular acceleration. What
    force and torque give is not taken from the model but measured: the change of velocity and body rate in the
    last period, beside the thrust and torque of the rotors in it, with the model of their lag. What is left
    over, wind, a wrong mass or a wrong thrust, is undone in the next period, low-pass filtered alike on both
    sides, so that no integral is needed (Smeur, Chu and de Croon 2016, doi:10.2514/1.G001490; for force and
    torque together Tal and Karaman 2021).

    A force beyond the rotors' means gives up its level part first. It stops working where the rotors cannot carry the
    drone with a twentieth of their thrust to spare.

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: Part of a period's force that was left over which the next one believes.
        torque_filter: The same of the torque.
        feed_forward: Whether the target's velocity, acceleration and jerk are used, and drag is made up for.
        gains: Gains to use in place of the computed ones, by the names in ``gains_``.
    """

    name = "indi"
    hyperparameters = (
        Hyperparameter(name="position_scale", low=0.3, high=3.0),
        Hyperparameter(name="attitude_scale", low=0.3, high=2.0),
        Hyperparameter(name="force_filter", low=0.01, high=1.0),
        Hyperparameter(name="torque_filter", low=0.01, high=1.0),
    )
    memory = parts(
        rotors=4,
        integrals=3,
        motion=4,
        before=4,
        velocity=3,
        rate=3,
        axis=3,
        force=3,
        torque=3,
        known=1,
    )
    vectors = (*Geometric.vectors, "velocity", "axis", "force")

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        feed_forward: bool = True,
        gains: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            feed_forward=feed_forward,
            integral=False,
            gains=gains,
        )
        self.force_filter = force_filter
        self.torque_filter = torque_filter

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        for name in ("force_filter", "torque_filter"):
            check_number(name, getattr(self, name), above=0.0, high=1.0)
        top = self._hover * (1.0 + self._range)
        self._most = _USABLE * self._count * float(self._row[P.k_f]) * top**2
        self._levers = rotor_levers(self._row, self._rotor_table)
        self._inertia = self._row[[P.i_xx, P.i_yy, P.i_zz]]
        self.source_ += f"; inversion: {_SOURCE}"

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        error, velocity, acceleration = self._targets(o, state[:, self.memory["motion"]])
        rotation, rate = self._rotation(o), self._seen(o, "body_rate")
        speed = self._seen(o, "velocity")
        self._measure(rotation[:, [2, 5, 8]], speed, rate, state)
        acceleration = acceleration - state[:, self.memory["force"]]
        error, speed, velocity, acceleration = self._asked(
            error, speed, velocity, acceleration, state
        )
        demand = np.empty((len(o), 4))
        fill_demand(
            error,
            speed,
            rotation,
            rate,
            velocity,
            acceleration,
            np.ascontiguousarray(state[:, self.memory["torque"]]),
            self._row,
            self._gains,
            self._most,
            demand,
        )
        return self._shared(o, demand, state[:, self.memory["rotors"]] + self._even)

    def _shared(
        self,
        o: NDArray[np.float64],
        demand: NDArray[np.float64],
        believed: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the commands of the rotors, rpm, (n, rotors), among which thrust and torques are shared.

        Args:
            o: Observations.
            demand: Thrust, N, and body torques, N m, (n, 4).
            believed: Speeds of the rotors, rpm, (n, rotors).
        """
        rotors = np.empty_like(believed)
        least = (1.0 - self._range) * self._hover
        fill_rotors(demand, believed, least, self._row, self._gains, self._rotor_table, rotors)
        return rotors

    def _asked(
        self,
        error: NDArray[np.float64],
        speed: NDArray[np.float64],
        velocity: NDArray[np.float64],
        acceleration: NDArray[np.float64],
        state: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], ...]:
        """Return position's error, velocity, wanted velocity and acceleration as the nominal vehicle is asked for them.

        A law that believes in another vehicle changes them.

        Args:
            error: m, (n, 3).
            speed: m/s, (n, 3).
            velocity: m/s, (n, 3).
            acceleration: m/s^2, (n, 3).
            state: What the law remembers.
        """
        return error, speed, velocity, acceleration

    def _thrust_scale(self, state: NDArray[np.float64]) -> Any:
        """Return thrust per mass over the nominal one, (n, 1) or a number, as the law believes."""
        return 1.0

    def _learn(
        self,
        left: NDArray[np.float64],
        push: NDArray[np.float64],
        known: NDArray[np.bool_],
        state: NDArray[np.float64],
    ) -> None:
        """Learn from a period's acceleration that thrust, drag and gravity do not explain; here nothing is.

        Args:
            left: That acceleration along the body's z axis, m/s^2, (n, 1).
            push: Nominal specific thrust, m/s^2, (n, 1).
            known: Whether there was a period before, (n, 1).
            state: What the law remembers; updated in place.
        """

    def _measure(
        self,
        axis: NDArray[np.float64],
        speed: NDArray[np.float64],
        rate: NDArray[np.float64],
        state: NDArray[np.float64],
    ) -> None:
        """Update what the rotors do not explain of the accelerations, m/s^2 and rad/s^2.

        Args:
            axis: The body's z axis in the world, (n, 3).
            speed: Velocity, m/s.
            rate: Body rate, rad/s.
            state: What the law remembers.
        """
        last = {name: state[:, place] for name, place in self.memory.items()}
        known = last["known"] > 0.0
        now, before = last["rotors"] + self._even, last["before"] + self._even
        squares = 0.5 * (now**2 + before**2)
        torque = (squares[:, None, :] * self._levers).sum(axis=2)
        middle = 0.5 * (rate + last["rate"])
        torque -= np.cross(middle, self._inertia * middle)
        push = self._row[P.k_f] / self._row[P.mass] * squares.sum(axis=1, keepdims=True)
        along = 0.5 * (axis + last["axis"])
        thrust = along * (push * self._thrust_scale(state))
        force = thrust - self._drag * 0.5 * (speed + last["velocity"])
        force[:, 2] -= self._row[P.gravity]
        beyond = ((speed - last["velocity"]) / self._dt - force) * along
        self._learn(beyond.sum(axis=1, keepdims=True), push, known, state)
        for name, change, explained, share in (
            ("force", speed - last["velocity"], force, self.force_filter),
            ("torque", rate - last["rate"], torque / self._inertia, self.torque_filter),
        ):
            left = change / self._dt - explained
            last[name] += np.where(known, share * (left - last[name]), 0.0)
        last["axis"][:], last["velocity"][:], last["rate"][:] = axis, speed, rate
        last["before"][:], last["known"][:] = last["rotors"], 1.0
