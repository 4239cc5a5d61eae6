"""What is said to Betaflight's simulator target: states of its sensors, and channels of its radio."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones.sticks import HALF_WAY, MIDDLE

__all__ = ["LEVEL", "State", "radio", "rotation"]

Array = NDArray[np.float64]

_STATE = struct.Struct("<18d")
_GRAVITY, _PRESSURE = 9.80665, 101325.0  # m/s^2, Pa


class State(NamedTuple):
    """What sensors are told, with x ahead, y to the left and z up.

    Attributes:
        rates: Body rates, rad/s, (3,).
        force: Specific force in the body, m/s^2, (3,); (0, 0, g) at rest.
        quaternion: (x, y, z, w) from body to world, (4,).
        position: m, (3,).
        velocity: m/s, world, (3,).
    """

    rates: Sequence[float] = (0.0, 0.0, 0.0)
    force: Sequence[float] = (0.0, 0.0, _GRAVITY)
    quaternion: Sequence[float] = (0.0, 0.0, 0.0, 1.0)
    position: Sequence[float] = (0.0, 0.0, 0.0)
    velocity: Sequence[float] = (0.0, 0.0, 0.0)

    @classmethod
    def of(
        cls,
        quaternion: Sequence[float],
        position: Array,
        velocity: Array,
        spin: Array,
        acceleration: Array,
        gravity: float,
    ) -> State:
        """Return what sensors of a body say.

        Args:
            quaternion: (x, y, z, w) from body to world, (4,).
            position: m, (3,).
            velocity: m/s, world, (3,).
            spin: Angular velocity, rad/s, world, (3,).
            acceleration: m/s^2, world, (3,).
            gravity: m/s^2.
        """
        back = rotation(quaternion).T
        force = back @ (acceleration + np.array([0.0, 0.0, gravity]))
        rates = (back @ spin).tolist()
        place, speed = position.tolist(), velocity.tolist()
        return cls(rates, force.tolist(), tuple(quaternion), place, speed)

    def pack(self, now: float) -> bytes:
        """Return the packet of the time ``now``, s: little-endian doubles.

        Rates have y to the right and z down, the force is negative, and so are y and z of the quaternion (w, x, y, z):
        the simulator target turns the sign of the pitch angle.
        """
        p, q, r = self.rates
        x, y, z, w = self.quaternion
        force = [-part for part in self.force]
        quaternion = (w, x, -y, -z)
        parts = (*force, *quaternion, *self.position, *self.velocity)
        return _STATE.pack(now, p, -q, -r, *parts, _PRESSURE)


#: Level and at rest.
LEVEL = State()


def radio(
    roll: float = 0.0,
    pitch: float = 0.0,
    throttle: float = 1000.0,
    yaw: float = 0.0,
    *,
    armed: bool = False,
) -> list[int]:
    """Return the sixteen channels, 1000 to 2000.

    Args:
        roll: Stick from -1 to 1, to the right.
        pitch: Stick from -1 to 1, ahead.
        throttle: 1000 to 2000.
        yaw: Stick from -1 to 1, to the right.
        armed: Whether the arming switch is on; levelling always is.
    """
    sticks = [round(MIDDLE + HALF_WAY * min(max(value, -1.0), 1.0)) for value in (roll, pitch, yaw)]
    level = round(min(max(throttle, 1000.0), 2000.0))
    return [*sticks[:2], level, sticks[2], 2000 if armed else 1000, 2000, *[1000] * 10]


def rotation(quaternion: Sequence[float]) -> Array:
    """Return the rotation matrix, body to world, (3, 3), of a unit quaternion (x, y, z, w)."""
    x, y, z, w = quaternion
    return np.array(
        [
            (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ]
    )
