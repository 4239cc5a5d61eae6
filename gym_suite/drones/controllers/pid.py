"""The PID controller of gym-pybullet-drones, from its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones import parameters as pm
from gym_suite.drones.controllers.base import RotorController

# Gains of the Crazyflie 2.0, in N per m and in PWM counts (gym-pybullet-drones 2.1.0).
_FORCE_P, _FORCE_I, _FORCE_D = (0.4, 0.4, 1.25), (0.05, 0.05, 0.05), (0.2, 0.2, 0.5)
_TORQUE_P, _TORQUE_I, _TORQUE_D = (70e3, 70e3, 60e3), (0.0, 0.0, 500.0), (20e3, 20e3, 12e3)
_FORCE_BOUND, _TORQUE_BOUND = np.array([2.0, 2.0, 0.15]), np.array([1.0, 1.0, 1500.0])
_TORQUE_MOST = 3200.0
_RPM_PER_PWM, _RPM_AT_0 = 0.2685, 4070.3
_PWM_LOW, _PWM_HIGH = 20_000.0, 65_535.0
_MIXERS = {
    0: np.array([[-0.5, -0.5, -1.0], [-0.5, 0.5, 1.0], [0.5, 0.5, -1.0], [0.5, -0.5, 1.0]]),
    1: np.array([[0.0, -1.0, -1.0], [1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]]),
}
_GRAVITY = 9.8


class PeerPID(RotorController):
    """The PID controller of gym-pybullet-drones: position, then attitude by rotation error, in PWM counts.

    Rates are differences of Euler angles, as there; the first call of an episode sees none, where there it
    sees a spike. Its gains are for the Crazyflie 2.0 without motor lag: model="bullet-parity".

    Args:
        feed_forward: Whether the target's velocity is used; the peer's example leaves it out, which makes
            nine tenths of its error on a circle.
    """

    name = "pid"
    information = "observation"
    drone_state_size = 10

    def __init__(self, *, feed_forward: bool = True) -> None:
        self.feed_forward = feed_forward

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        self._mixer = _MIXERS[int(self._row[pm.P_LAYOUT])]
        self.gains_ = {
            "position_p": _FORCE_P,
            "position_i": _FORCE_I,
            "position_d": _FORCE_D,
            "attitude_p": _TORQUE_P,
            "attitude_i": _TORQUE_I,
            "attitude_d": _TORQUE_D,
        }
        self.gain_units_ = {
            "position_p": "N/m",
            "position_i": "N/(m s)",
            "position_d": "N s/m",
            "attitude_p": "1",
            "attitude_i": "1/s",
            "attitude_d": "s",
        }

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        dt = self._dt
        force_sum, torque_sum = state[:, 0:3], state[:, 3:6]
        last, started = state[:, 6:9], state[:, 9:10]
        at = self._columns.index("rotation_xx")
        turned = o[:, at : at + 9].reshape(-1, 3, 3)
        error, velocity = self._seen(o, "error"), self._seen(o, "velocity")
        wanted_velocity = self._seen(o, "target_velocity") if self.feed_forward else 0.0
        force_sum[:] = np.clip(force_sum + error * dt, -_FORCE_BOUND, _FORCE_BOUND)
        force = _FORCE_P * error + _FORCE_I * force_sum + _FORCE_D * (wanted_velocity - velocity)
        force[:, 2] += self._row[pm.P_MASS] * _GRAVITY
        thrust = np.maximum((force * turned[:, :, 2]).sum(axis=1), 0.0)
        pwm = (np.sqrt(thrust / (4.0 * self._row[pm.P_K_F])) - _RPM_AT_0) / _RPM_PER_PWM
        wanted = _attitude_along(force)
        angles = _euler(turned)
        rates = np.where(started > 0.0, (angles - last + np.pi) % (2.0 * np.pi) - np.pi, 0.0) / dt
        last[:], started[:] = angles, 1.0
        skew = np.swapaxes(wanted, 1, 2) @ turned
        skew -= np.swapaxes(skew, 1, 2)
        tilt = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=1)
        torque_sum[:] = np.clip(torque_sum - tilt * dt, -_TORQUE_BOUND, _TORQUE_BOUND)
        torque = -np.array(_TORQUE_P) * tilt - _TORQUE_D * rates + np.array(_TORQUE_I) * torque_sum
        torque = np.clip(torque, -_TORQUE_MOST, _TORQUE_MOST)
        counts = np.clip(pwm[:, None] + torque @ self._mixer.T, _PWM_LOW, _PWM_HIGH)
        return _RPM_PER_PWM * counts + _RPM_AT_0


def _attitude_along(force: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rotation matrices, (n, 3, 3), whose z is along the force and whose nose is along x."""
    z = force / np.linalg.norm(force, axis=1, keepdims=True)
    y = np.cross(z, [1.0, 0.0, 0.0])
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    return np.stack([np.cross(y, z), y, z], axis=2)


def _euler(r: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return roll, pitch, yaw, (n, 3)."""
    return np.stack(
        [
            np.arctan2(r[:, 2, 1], r[:, 2, 2]),
            np.arcsin(np.clip(-r[:, 2, 0], -1.0, 1.0)),
            np.arctan2(r[:, 1, 0], r[:, 0, 0]),
        ],
        axis=1,
    )
