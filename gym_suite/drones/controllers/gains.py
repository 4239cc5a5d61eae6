"""Gains of the drones' controllers by named rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords
from gym_suite.drones.columns import USUAL
from gym_suite.drones.controllers.laws import Gains
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import effects
from gym_suite.drones.transforms import rotor_moments

P = PHYSICS.places

#: Rotor lag that a lead leaves, s; bandwidths below follow from it.
LAG_LEFT = 0.02
#: Attitude bandwidth over position bandwidth.
SEPARATION = 5.0
#: How far the attitude's bandwidth is raised above that of three equal poles.
FASTER = 1.4
#: Fast poles of the PID cascade over its slow ones.
SPREAD = 3.0

#: How the gains grow with the bandwidth.
POWERS = {"position": 2, "velocity": 1, "attitude": 2, "rate": 1}
#: rad/s^2, angular acceleration about x and y that full bandwidths take: an error of some 50 degrees asks for it.
TURNED = 170.0

#: Signs of four rotors' torques about z.
TURNS = np.array([-1.0, 1.0, -1.0, 1.0])

POLES = "pole placement"
POLES_SOURCE = "K. J. Aström and R. M. Murray, Feedback Systems, 2nd ed., Princeton 2021, chapter 7"


def geometric_gains() -> Gains:
    """Return the gains of geometric control by pole placement, without integral action.

    With rotors of lag T the attitude's error obeys T s^3 + s^2 + k_o s + k_R; its three poles are put together
    at a = 1 / (3 T), so k_o = 3 a^2 T and k_R = a^3 T; then the bandwidth is raised by :data:`FASTER` at the same
    damping. The position's two poles are put together a factor :data:`SEPARATION` below a.
    """
    lag = LAG_LEFT
    pole = 1.0 / (3.0 * lag)
    slow = pole / SEPARATION
    return Gains(
        position=slow**2,
        velocity=2.0 * slow,
        attitude=FASTER**2 * pole**3 * lag,
        rate=FASTER * 3.0 * pole**2 * lag,
        lag=lag,
    )


def authority_scale(row: np.ndarray, share: float, rotors: np.ndarray = USUAL) -> float:
    """Return the factor on all bandwidths with which a vehicle's rotors can give the torque that the gains ask for.

    It is 1 where roll and pitch can be accelerated by :data:`TURNED` at hovering. Less torque for the inertia lowers
    the bandwidths in proportion, so that a larger error of attitude asks for all that there is.

    Args:
        row: Physical parameters.
        share: By which part of the hovering speed rotors may depart from it.
        rotors: Table of the rotors.
    """
    hover = float(row[P.hover_rpm])
    fastest = min((1.0 + share) * hover, float(row[P.max_rpm]))
    slowest = (1.0 - share) * hover
    if rotors.ndim == 2:
        # The rotors on one side of the axis fast and those on the other slow.
        levers = 0.5 * np.abs(effects(row, rotors)[1:3]).sum(axis=1)
        turned = levers * (fastest**2 - slowest**2) / row[[P.i_xx, P.i_yy]]
        return float(min(1.0, turned.min() / TURNED))
    pairs = 1.0 if row[P.layout] > 0.5 else 2.0
    torque = pairs * row[P.lever] * row[P.k_f] * (fastest**2 - slowest**2)
    return float(min(1.0, torque / max(row[P.i_xx], row[P.i_yy]) / TURNED))


def integral_gains(velocity: float) -> tuple[float, float]:
    """Return the position's gain (1/s^2) and integral gain (1/s^3) beside a velocity gain (1/s).

    The double integrator's three poles lie together where they have the sum of the two of the law
    without integral action, so that the velocity gain stays: (s + b)^3 with 3 b = ``velocity``.
    """
    pole = velocity / 3.0
    return 3.0 * pole**2, pole**3


def chain_gains(lag: float) -> dict[str, float]:
    """Return the gains of the PID cascade by pole placement.

    Behind a lag T stand torque, rate, attitude, velocity and position, and the integral of its error: six
    poles. Feedback cannot change their sum, -1/T; three are put together at c = 1 / (12 T) and three at
    :data:`SPREAD` c, which leaves more margin than six together would:
    s^3 (T s^3 + s^2 + k_o s + k_R) + k_R (k_v s^2 + k_p s + k_i) = T (s + 3 c)^3 (s + c)^3. Height and yaw, with an
    integral, have four: T s^4 + s^3 + k_d s^2 + k_p s + k_i = T (s + 3 b)^2 (s + b)^2 with b = 1 / (8 T).

    Args:
        lag: Sum of the small time constants in the loop, s.

    Returns:
        rate, attitude, velocity, position, integral of the horizontal cascade; slope, value, sum of height and yaw;
        in powers of 1/s.
    """
    slow = 1.0 / (3.0 * (1.0 + SPREAD) * lag)
    _, _, rate, attitude, *outer = lag * np.poly([-slow] * 3 + [-SPREAD * slow] * 3)
    slow = 1.0 / (2.0 * (1.0 + SPREAD) * lag)
    _, _, slope, value, total = lag * np.poly([-slow] * 2 + [-SPREAD * slow] * 2)
    names = ("velocity", "position", "integral")
    gains = {name: gain / attitude for name, gain in zip(names, outer, strict=True)}
    gains |= {"rate": rate, "attitude": attitude, "slope": slope, "value": value, "sum": total}
    return {name: float(gain) for name, gain in gains.items()}


def angular_acceleration(row: np.ndarray, speed_change: float, mixer: np.ndarray) -> np.ndarray:
    """Return the body's angular acceleration, (3,) in rad/s^2, per unit of each of a mixer's three inputs at hover.

    Args:
        row: Physical parameters.
        speed_change: Rotor speed, rpm, per unit at the mixer's output.
        mixer: (4, 3) from roll, pitch and yaw to the rotors.
    """
    per_unit = 2.0 * float(row[P.hover_rpm]) * speed_change
    thrust, torque = row[P.k_f] * per_unit, row[P.k_m] * per_unit
    layout, lever = row[P.layout], row[P.lever]
    torques = np.array(
        [
            lever * thrust * rotor_moments(layout, *mixer[:, 0])[1],
            -lever * thrust * rotor_moments(layout, *mixer[:, 1])[0],
            torque * (mixer[:, 2] @ TURNS),
        ]
    )
    return torques / row[[P.i_xx, P.i_yy, P.i_zz]]


def overridden(
    gains: dict[str, Any], given: Mapping[str, Any] | None, what: str
) -> dict[str, np.ndarray]:
    """Return gains with a user's own in place of some.

    Raises:
        ValueError: For an unknown name (naming the nearest), a wrong shape or numbers that are not finite.
        TypeError: If they are no mapping.
    """
    result = {name: np.array(value, dtype=np.float64) for name, value in gains.items()}
    if given is None:
        return result
    if not isinstance(given, Mapping):
        raise TypeError(f"gains must be a mapping by name, got {type(given).__name__}")
    check_keywords(given, tuple(gains), f"gain of {what}")
    for name, value in given.items():
        mine = np.array(value, dtype=np.float64)
        if mine.shape != result[name].shape or not np.isfinite(mine).all():
            raise ValueError(
                f"gain {name!r} must be finite and of shape {result[name].shape}, got {value!r}"
            )
        result[name] = mine
    return result
