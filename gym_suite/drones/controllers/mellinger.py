"""Control of a trajectory by differential flatness, with wanted body rates from the jerk."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.drones.controllers.flatness import attitude
from gym_suite.drones.controllers.geometric import Geometric
from gym_suite.drones.controllers.laws import LEAST_LIFT, fill_demand, fill_rotors
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places

_SOURCE = (
    "D. Mellinger and V. Kumar, Minimum snap trajectory generation and control for quadrotors, ICRA 2011, "
    "doi:10.1109/ICRA.2011.5980409"
)


class Mellinger(Geometric):
    """Mellinger and Kumar's law: the body is to turn as the trajectory's jerk asks, not only to where its force points.

    Errors of position and velocity and the trajectory's acceleration give a force, whose direction and the wanted
    heading give the body's axes R_d; the torques are J (-k_R e_R - k_w e_w) + w x J w with the errors
    e_R = 1/2 vee(R_d' R - R' R_d) and e_w = w - w_d. The wanted rates w_d are those of a body that flies the trajectory
    itself, by differential flatness: they follow from its jerk (Mellinger and Kumar, ICRA 2011,
    doi:10.1109/ICRA.2011.5980409).

    :class:`gym_suite.drones.controllers.geometric.Geometric` has no w_d and advances the acceleration by the time that
    its attitude lags behind, which is the same to first order. Gains are by the same rule, scaled to the vehicle alike,
    and the term w x J w, the drag that is made up for, and the lead against the rotors' lag are those of that law. The
    integral of the position's error is that law's too: as published the law has none, and the Crazyflie's firmware adds
    one in its "controller_mellinger", bounded as here, with gains by hand.

    Its force is bounded as that law's: tilt stays below 45 degrees, and thrust gives way where the rotors cannot give
    both thrust and torque. It stops working where what the trajectory asks for leaves those bounds.

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth; both are lowered where the rotors lack the torque.
        feed_forward: Whether the target's velocity, acceleration and jerk are used, and drag is made up for.
        integral: Whether the position's error is integrated.
        gains: Gains to use in place of the computed ones, by the names in ``gains_``.
    """

    name = "mellinger"
    hyperparameters = (
        Hyperparameter(name="position_scale", low=0.3, high=3.0),
        Hyperparameter(name="attitude_scale", low=0.3, high=2.0),
    )

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        self.source_ += f"; wanted rates: {_SOURCE}"

    def _turning(
        self, acceleration: NDArray[np.float64], jerk: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the angular velocity in the world, rad/s, (n, 3), of a body that flies a trajectory.

        Args:
            acceleration: That the rotors are to give besides the weight, m/s^2, (n, 3).
            jerk: Its derivative, m/s^3, (n, 3).
        """
        force = np.stack([acceleration.T, jerk.T])
        # In free fall there would be no direction to point to.
        force[0, 2] = np.maximum(
            force[0, 2] + self._row[P.gravity], LEAST_LIFT * self._row[P.gravity]
        )
        _, axes, rates = attitude(force)
        return (axes[0] * rates[0][:, None]).sum(axis=0).T

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        error = self._near_error(o)
        velocity, acceleration, jerk = self._motion(o, state[:, self.memory["motion"]])
        rotation, rate = self._rotation(o), self._seen(o, "body_rate")
        if self.feed_forward:
            jerk += self._drag * self._seen(o, "target_acceleration")
            turning = self._turning(acceleration, jerk)
        else:
            velocity, acceleration, turning = (np.zeros_like(error) for _ in range(3))
        # The wanted rates in the body, which is not where the trajectory has it.
        wanted = (rotation.reshape(-1, 3, 3) * turning[:, :, None]).sum(axis=1)
        demand = np.empty((len(o), 4))
        fill_demand(
            error,
            self._seen(o, "velocity"),
            rotation,
            rate,
            velocity,
            acceleration + self._integrated(error, state),
            -self._gains.rate * wanted,
            self._row,
            self._gains,
            math.inf,
            demand,
        )
        rotors = np.empty((len(o), self._count))
        believed = state[:, self.memory["rotors"]] + self._even
        least = (1.0 - self._range) * self._hover
        fill_rotors(demand, believed, least, self._row, self._gains, self._rotor_table, rotors)
        return rotors
