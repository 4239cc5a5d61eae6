"""The PID controller of gym-pybullet-drones, from its equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.protocol import Loop
from gym_suite.core.parameters import check_option
from gym_suite.drones.controllers.base import (
    RotorController,
    cascade_loops,
    euler_angles,
    parts,
)
from gym_suite.drones.controllers.gains import (
    LAG_LEFT,
    POLES,
    POLES_SOURCE,
    angular_acceleration,
    chain_gains,
    overridden,
)
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places

_PEER = "gym-pybullet-drones 2.1.0 (Panerati et al., IROS 2021, arXiv:2103.02142)"
# Gains of the Crazyflie 2.0, in N per m and in PWM counts, and bounds of the integrals (m s, s).
_PEER_GAINS = {
    "position_p": (0.4, 0.4, 1.25),
    "position_i": (0.05, 0.05, 0.05),
    "position_d": (0.2, 0.2, 0.5),
    "attitude_p": (70e3, 70e3, 60e3),
    "attitude_i": (0.0, 0.0, 500.0),
    "attitude_d": (20e3, 20e3, 12e3),
    "position_bound": (2.0, 2.0, 0.15),
    "attitude_bound": (1.0, 1.0, 1500.0),
}
_UNITS = {
    "position_p": "N/m",
    "position_i": "N/(m s)",
    "position_d": "N s/m",
    "attitude_p": "1",
    "attitude_i": "1/s",
    "attitude_d": "s",
    "position_bound": "m s",
    "attitude_bound": "s",
}
_TORQUE_MOST = 3200.0
_RPM_PER_PWM, _RPM_AT_0 = 0.2685, 4070.3
_PWM_LOW, _PWM_HIGH = 20_000.0, 65_535.0
_MIXERS = {
    0: np.array([[-0.5, -0.5, -1.0], [-0.5, 0.5, 1.0], [0.5, 0.5, -1.0], [0.5, -0.5, 1.0]]),
    1: np.array([[0.0, -1.0, -1.0], [1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]]),
}
_CRAZYFLIE_HOVER, _CRAZYFLIE_I_XX = 14_468.0, 1.4e-5  # rpm, kg m^2, of the peer's CF2X
_REACH = 0.2  # m; with gains by pole placement errors beyond this are not integrated any faster
TUNINGS = ("auto", "peer", "poles")


class PeerPID(RotorController):
    """The PID controller of gym-pybullet-drones: position, then attitude by rotation error, in PWM counts.

    Rates are differences of Euler angles, as there; the first call of an episode sees none, where there it
    sees a spike. The peer's gains are for rotors without lag (model="bullet-parity"): with the identified lag
    the attitude oscillates and the drone falls. There the same law gets gains by pole placement, see
    :func:`gym_suite.drones.controllers.gains.chain_gains`, geometric control's lead against the lag, and bounds of
    the wanted force, without which it turns over where it is well above its target. It does not turn an overturned
    drone back, for its commands are bounded as the peer's: geometric control does.

    Args:
        feed_forward: Whether the target's velocity is used; the peer's example leaves it out, which makes
            nine tenths of its error on a circle.
        tuning: "peer", "poles", or "auto": the peer's gains without a rotor lag, else by pole placement.
        gains: Gains to use in place of those, by the names in ``gains_``, each for x, y, z.
    """

    name = "pid"
    information = "observation"
    memory = parts(rotors=4, force=3, torque=3, angles=3, started=1)
    vectors, headings = ("force",), ("angles",)

    def __init__(
        self,
        *,
        feed_forward: bool = True,
        tuning: str = "auto",
        gains: Mapping[str, Any] | None = None,
    ) -> None:
        self.feed_forward = feed_forward
        self.tuning = tuning
        self.gains = gains

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        if self._rotor_table.ndim == 2:
            raise ValueError(
                "the PID mixes for four rotors in layout 'x' or '+'; this vehicle's rotors stand otherwise. "
                "Geometric control and INDI compute their mixer from the vehicle's rotors"
            )
        self._mixer = _MIXERS[int(self._row[P.layout])]
        tuning = check_option("tuning", self.tuning, TUNINGS)
        crazyflie = self._is_crazyflie()
        if tuning == "auto":
            tuning = "poles" if self._row[P.motor_lag] > 0.0 or not crazyflie else "peer"
        if tuning == "peer" and not crazyflie:
            raise ValueError(
                "the peer's gains are in the PWM counts of a Crazyflie 2.0, which hovers at "
                f"{_CRAZYFLIE_HOVER:g} rpm; this vehicle hovers at {self._hover:.0f} rpm with i_xx = "
                f"{self._row[P.i_xx]:.3g} kg m^2. Use tuning='poles'"
            )
        # Counts stand for the same shares of the hovering speed as a Crazyflie's.
        least = 0.0 if crazyflie else LAG_LEFT  # larger vehicles have less torque for their inertia
        share = 1.0 if crazyflie else self._hover / _CRAZYFLIE_HOVER
        self._per_pwm, self._at_0 = share * _RPM_PER_PWM, share * _RPM_AT_0
        self._bounded = self.keeps_torque = tuning == "poles"
        self._reach = _REACH if self._bounded else np.inf
        lag = float(self._row[P.motor_lag])
        self._lead = max(1.0, lag / LAG_LEFT) if tuning == "poles" else 1.0
        gains = _PEER_GAINS if tuning == "peer" else self._pole_gains(lag / self._lead or least)
        self.gains_ = overridden(dict(gains), self.gains, "the PID")
        self.gain_units_ = dict(_UNITS)
        self.rule_ = "published gains, tuned by hand" if tuning == "peer" else POLES
        self.source_ = _PEER if tuning == "peer" else f"{POLES_SOURCE}; law: {_PEER}"

    def _is_crazyflie(self) -> bool:
        """Return whether the vehicle is near enough to a Crazyflie 2.0 for its counts and gains."""
        speed, inertia = self._hover / _CRAZYFLIE_HOVER, self._row[P.i_xx] / _CRAZYFLIE_I_XX
        return bool(0.85 < speed < 1.2 and 0.5 < inertia < 2.5)

    def _pole_gains(self, lag: float) -> dict[str, NDArray[np.float64]]:
        """Return gains by :func:`chain_gains` for a rotor lag, converted to the law's newtons and counts."""
        # Held for one period and differenced over another: half a period of dead time each.
        a = chain_gains(lag + self._dt)
        mass, gravity = self._row[P.mass], self._row[P.gravity]
        per_count = angular_acceleration(self._row, self._per_pwm, self._mixer)
        integral = np.array([a["integral"], a["integral"], a["sum"]])
        attitude_i = np.array([0.0, 0.0, a["sum"]]) / (2.0 * per_count)
        return {
            "position_p": mass * np.array([a["position"], a["position"], a["value"]]),
            "position_i": mass * integral,
            "position_d": mass * np.array([a["velocity"], a["velocity"], a["slope"]]),
            # the law's rotation error is twice the angle
            "attitude_p": np.array([a["attitude"], a["attitude"], a["value"]]) / (2.0 * per_count),
            "attitude_i": attitude_i,
            "attitude_d": np.array([a["rate"], a["rate"], a["slope"]]) / per_count,
            "position_bound": np.array([0.3, 0.3, 0.5]) * gravity / integral,
            "attitude_bound": np.array([1.0, 1.0, 0.3 * _TORQUE_MOST / attitude_i[2]]),
        }

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        gains, dt = self.gains_, self._dt
        force_sum, torque_sum, last, started = (
            state[:, self.memory[name]] for name in ("force", "torque", "angles", "started")
        )
        rotation = self._rotation(o)
        turned = rotation.reshape(-1, 3, 3)
        error, velocity = self._seen(o, "error"), self._seen(o, "velocity")
        wanted_velocity = self._seen(o, "target_velocity") if self.feed_forward else 0.0
        _integrate(
            force_sum, np.clip(error, -self._reach, self._reach) * dt, gains["position_bound"]
        )
        force = gains["position_p"] * error + gains["position_i"] * force_sum
        force += gains["position_d"] * (wanted_velocity - velocity)
        force[:, 2] += self._row[P.mass] * self._row[P.gravity]
        if self._bounded:
            _keep_upright(force, float(self._row[P.mass] * self._row[P.gravity]))
        thrust = np.maximum((force * turned[:, :, 2]).sum(axis=1), 0.0)
        pwm = (np.sqrt(thrust / (4.0 * self._row[P.k_f])) - self._at_0) / self._per_pwm
        wanted = _attitude_along(force)
        angles = euler_angles(rotation)
        rates = np.where(started > 0.0, (angles - last + np.pi) % (2.0 * np.pi) - np.pi, 0.0) / dt
        last[:], started[:] = angles, 1.0
        skew = np.swapaxes(wanted, 1, 2) @ turned
        skew -= np.swapaxes(skew, 1, 2)
        tilt = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=1)
        _integrate(torque_sum, -tilt * dt, gains["attitude_bound"])
        torque = -gains["attitude_p"] * tilt - gains["attitude_d"] * rates
        torque += gains["attitude_i"] * torque_sum
        torque = np.clip(torque, -_TORQUE_MOST, _TORQUE_MOST)
        counts = np.clip(pwm[:, None] + torque @ self._mixer.T, _PWM_LOW, _PWM_HIGH)
        wanted_speed = self._per_pwm * counts + self._at_0
        rotor = state[:, self.memory["rotors"]] + self._hover
        return np.clip(rotor + self._lead * (wanted_speed - rotor), 0.0, self._row[P.max_rpm])

    def loops(self) -> list[Loop]:
        """Return the open loops of attitude (about x), position and height about hovering.

        Rates are differences, of half a period's age, which the loops leave out.
        """
        self._check_tuned()
        turning = angular_acceleration(self._row, self._per_pwm, self._mixer)[0]
        rate, angle = self.gains_["attitude_d"][0], 2.0 * self.gains_["attitude_p"][0]
        x, z = (
            [float(self.gains_[f"position_{term}"][axis] / self._row[P.mass]) for term in "dpi"]
            for axis in (0, 2)
        )
        return cascade_loops(
            [float(turning * rate), float(turning * angle)],
            x,
            z,
            lag=float(self._row[P.motor_lag]) / self._lead,
            dt=self._dt,
        )

    def _after(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        self._follow_rotors(action, state)


def _integrate(
    total: NDArray[np.float64], change: NDArray[np.float64], bound: NDArray[np.float64]
) -> None:
    """Add to an integral, (n, 3), in place, within its bounds."""
    total[:] = np.clip(total + change, -bound, bound)


def _keep_upright(force: NDArray[np.float64], weight: float) -> None:
    """Bound wanted forces, (n, 3), in place: 0.3 to 2.1 weights upwards, and a tilt of 30 degrees."""
    force[:, 2] = np.clip(force[:, 2], 0.3 * weight, 2.1 * weight)
    level = np.linalg.norm(force[:, 0:2], axis=1)
    most = np.tan(np.pi / 6.0) * force[:, 2]
    force[:, 0:2] *= np.minimum(1.0, most / np.maximum(level, 1e-12))[:, None]


def _attitude_along(force: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rotation matrices, (n, 3, 3), whose z is along the force and whose nose is along x."""
    z = force / np.linalg.norm(force, axis=1, keepdims=True)
    y = np.cross(z, [1.0, 0.0, 0.0])
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    return np.stack([np.cross(y, z), y, z], axis=2)
