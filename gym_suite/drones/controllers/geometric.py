"""Geometric control on SE(3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.protocol import Loop
from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.base import RotorController, cascade_loops, parts
from gym_suite.drones.controllers.gains import (
    POLES,
    POLES_SOURCE,
    authority_scale,
    geometric_gains,
    integral_gains,
    overridden,
)
from gym_suite.drones.controllers.laws import (
    Gains,
    attitude_torque,
    command_rotors,
    wanted_force,
)
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places

_UNITS = {
    "position": "1/s^2",
    "velocity": "1/s",
    "attitude": "1/s^2",
    "rate": "1/s",
    "lag": "s",
    "integral": "1/s^3",
}
#: Errors beyond this are not integrated any faster, m; largest acceleration from the integral, of gravity.
_ERROR_BOUND, _INTEGRAL_BOUND = 0.2, 0.5


class Geometric(RotorController):
    """Geometric tracking control on SE(3), with a model of the rotors' lag and a lead against it.

    Lee, Leok and McClamroch, CDC 2010, doi:10.1109/CDC.2010.5717652, with the bounded integral action of Goodarzi,
    Lee and Leok, ECC 2013, arXiv:1304.6765: without it a drone whose mass is 30 % off hangs 20 cm away. Gains by
    pole placement, see :func:`gym_suite.drones.controllers.gains.geometric_gains`; they can be scaled or given.

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth; both are lowered where the rotors lack the torque.
        feed_forward: Whether the target's velocity, acceleration and jerk are used, and drag is made up for.
        integral: Whether the position's error is integrated.
        gains: Gains to use in place of the computed ones, by the names in ``gains_``.
    """

    name = "geometric"
    information = "observation"
    #: Level distances beyond this count as that much, m: tilt would otherwise cost the thrust that holds height.
    longest_way: ClassVar[float] = 0.3
    memory = parts(rotors=4, integrals=3, motion=4)
    vectors = ("integrals",)

    def __init__(
        self,
        *,
        position_scale: float = 1.0,
        attitude_scale: float = 1.0,
        feed_forward: bool = True,
        integral: bool = True,
        gains: Mapping[str, Any] | None = None,
    ) -> None:
        self.position_scale = position_scale
        self.attitude_scale = attitude_scale
        self.feed_forward = feed_forward
        self.integral = integral
        self.gains = gains

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        slow = check_number("position_scale", self.position_scale, above=0.0)
        fast = check_number("attitude_scale", self.attitude_scale, above=0.0)
        able = authority_scale(self._row, self._range, self._rotor_table)
        slow, fast = able * slow, able * fast
        gains = geometric_gains()._asdict() | {"integral": 0.0}
        if self.integral:
            gains["position"], gains["integral"] = integral_gains(gains["velocity"])
        gains["position"] *= slow**2
        gains["velocity"] *= slow
        gains["integral"] *= slow**3
        gains["attitude"] *= fast**2
        gains["rate"] *= fast
        self.gains_ = overridden(gains, self.gains, "geometric control")
        self.gain_units_ = dict(_UNITS)
        self._gains = Gains(*(float(self.gains_[name]) for name in Gains._fields))
        self._integral = float(self.gains_["integral"])
        self._ahead = float(self.gains_["rate"] / self.gains_["attitude"]) + self._dt
        bound = _INTEGRAL_BOUND * self._row[P.gravity]
        self._most = bound / self._integral if self._integral > 0.0 else 0.0
        self.rule_ = POLES
        self.source_ = f"{POLES_SOURCE}; law: Lee, Leok and McClamroch, CDC 2010"
        if self._integral > 0.0:
            self.source_ += "; integral action: Goodarzi, Lee and Leok, ECC 2013"

    def _near_error(self, o: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the position's error, m, (n, 3), its level part at most :attr:`longest_way` long."""
        error = self._seen(o, "error")
        level = np.linalg.norm(error[:, 0:2], axis=1, keepdims=True)
        error[:, 0:2] *= np.minimum(1.0, self.longest_way / np.maximum(level, 1e-9))
        return error

    def _integrated(
        self, error: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the acceleration, m/s^2, (n, 3), by the bounded integral of the position's error.

        Args:
            error: m, (n, 3).
            state: What the law remembers; its "integrals" are updated.
        """
        gone = state[:, self.memory["integrals"]]
        gone += self._dt * np.clip(error, -_ERROR_BOUND, _ERROR_BOUND)
        gone[:] = np.clip(gone, -self._most, self._most)
        return self._integral * gone

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        """Return position error and wanted velocity and acceleration, each (n, 3); memory as in :meth:`_motion`."""
        error = self._near_error(o)
        velocity, acceleration, jerk = self._motion(o, memory)
        # Advanced by the time by which the attitude follows its reference: k_o / k_R and one sample.
        # To first order that is the feed-forward of the attitude's rate.
        acceleration += self._ahead * jerk
        use = 1.0 if self.feed_forward else 0.0
        return error, use * velocity, use * acceleration

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        error, velocity, acceleration = self._targets(o, state[:, self.memory["motion"]])
        rotors = np.empty((len(o), self._count))
        _geometric(
            error,
            self._seen(o, "velocity"),
            self._rotation(o),
            self._seen(o, "body_rate"),
            velocity,
            acceleration + self._integrated(error, state),
            state[:, self.memory["rotors"]] + self._even,
            self._row,
            self._gains,
            (1.0 - self._range) * self._hover,
            self._rotor_table,
            rotors,
        )
        return rotors

    def loops(self) -> list[Loop]:
        """Return the open loops of attitude, position and height about hovering."""
        self._check_tuned()
        values = {name: float(self.gains_[name]) for name in _UNITS}
        outer = [values["velocity"], values["position"], values["integral"]]
        lag = min(float(self._row[P.motor_lag]), values["lag"])
        attitude = [values["rate"], values["attitude"]]
        return cascade_loops(attitude, outer, outer, lag=lag, dt=self._dt)

    def _after(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        self._follow_rotors(action, state)


@kernel
def _geometric(error, velocity, rotation, rate, v_ref, a_ref, rotor, p, gains, least, rotors, out):
    """Fill rotor commands (n, rotors) from errors, velocities and so on, each (n, 3), and rotations (n, 9)."""
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
        thrust, tx, ty, tz = attitude_torque(p, gains, rotation[i], w[0], w[1], w[2], fx, fy, fz)
        command_rotors(thrust, tx, ty, tz, rotor[i], least, p, gains, rotors, out[i])
