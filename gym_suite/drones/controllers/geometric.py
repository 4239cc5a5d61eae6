"""Geometric control on SE(3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_number
from gym_suite.drones import parameters as pm
from gym_suite.drones.controllers.base import RotorController
from gym_suite.drones.controllers.gains import geometric_gains
from gym_suite.drones.controllers.laws import attitude_rotors, led, wanted_force

_ROTATION = "rotation_xx"


class Geometric(RotorController):
    """Geometric tracking control on SE(3), with a model of the rotors' lag and a lead against it.

    Lee, Leok and McClamroch, CDC 2010, doi:10.1109/CDC.2010.5717652. Gains by pole placement, see
    :func:`gym_suite.drones.controllers.gains.geometric_gains`; they can be scaled.

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        feed_forward: Whether the target's velocity and acceleration are used.
    """

    name = "geometric"
    information = "observation"
    drone_state_size = 4

    def __init__(
        self,
        *,
        position_scale: float = 1.0,
        attitude_scale: float = 1.0,
        feed_forward: bool = True,
    ) -> None:
        self.position_scale = position_scale
        self.attitude_scale = attitude_scale
        self.feed_forward = feed_forward

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        slow = check_number("position_scale", self.position_scale, above=0.0)
        fast = check_number("attitude_scale", self.attitude_scale, above=0.0)
        gains = geometric_gains()
        gains["position"] *= slow**2
        gains["velocity"] *= slow
        gains["attitude"] *= fast**2
        gains["rate"] *= fast
        self.gains_ = dict(gains)
        units = ("1/s^2", "1/s", "1/s^2", "1/s", "s")
        self.gain_units_ = dict(zip(gains, units, strict=True))
        self._gains = tuple(float(gain) for gain in gains.values())
        lag = self._row[pm.P_MOTOR_LAG]
        self._kept = float(np.exp(-self._dt / lag)) if lag > 0.0 else 0.0

    def _targets(self, o: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return position error and wanted velocity and acceleration, each (n, 3)."""
        use = 1.0 if self.feed_forward else 0.0
        return (
            self._seen(o, "error"),
            use * self._seen(o, "target_velocity"),
            use * self._seen(o, "target_acceleration"),
        )

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        at = self._columns.index(_ROTATION)
        error, velocity, acceleration = self._targets(o)
        rotors = np.empty((len(o), 4))
        _geometric(
            error,
            self._seen(o, "velocity"),
            np.ascontiguousarray(o[:, at : at + 9]),
            self._seen(o, "body_rate"),
            velocity,
            acceleration,
            state + self._hover,
            self._row,
            self._gains,
            rotors,
        )
        return rotors

    def _after(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        # The state is how far the rotors are believed to be from hovering, rpm.
        wanted = action * self._range * self._hover
        state[:] = wanted + (state - wanted) * self._kept


@kernel
def _geometric(error, velocity, rotation, rate, v_ref, a_ref, rotor, p, gains, out):
    """Fill rotor commands (n, 4) from errors, velocities and so on, each (n, 3), and rotations (n, 9)."""
    for i in range(error.shape[0]):
        e, v, w, b, c = error[i], velocity[i], rate[i], v_ref[i], a_ref[i]
        fx, fy, fz = wanted_force(
            p,
            gains,
            e[0],
            e[1],
            e[2],
            b[0] - v[0],
            b[1] - v[1],
            b[2] - v[2],
            c[0],
            c[1],
            c[2],
        )
        wanted = attitude_rotors(p, gains, rotation[i], w[0], w[1], w[2], fx, fy, fz)
        for k in range(4):
            out[i, k] = led(p, gains, wanted[k], rotor[i, k])
