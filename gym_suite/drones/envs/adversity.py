"""Wind, payload, failing rotors and the battery: from keyword arguments to bounds of an episode's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import ADVERSITY, PARAMETERS
from gym_suite.drones.envs.options import Options
from gym_suite.drones.propulsion import fastest_speed

#: Wind at 20 feet, m/s, of MIL-F-8785C's levels of turbulence: 15, 30 and 45 knots.
TURBULENCE = {"light": 7.72, "moderate": 15.43, "severe": 23.15}
#: m/s, most that a wind or a gust may be.
STRONGEST = 100.0
#: s, length of a gust and interval in which there is one, where only its speed is given.
GUST_LASTS, GUST_EVERY = 1.0, 4.0
#: A s of a full battery: 240 mAh, Bitcraze's data sheet of the Crazyflie 2.x.
CAPACITY = 864.0
_BATTERY = ("battery_voltage", "battery_resistance", "battery_fade")

Bounds = tuple[float, float]


def bounds_of(name: str, value: object, **limits: Any) -> Bounds:
    """Return a number as two equal bounds, or a pair of them."""
    pair = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value, value)
    if isinstance(value, str) or len(pair) != 2:
        raise ValueError(f"{name} takes a number or a pair of bounds, got {value!r}")
    low, high = (check_number(name, number, **limits) for number in pair)
    if low > high:
        raise ValueError(f"{name}: the lower bound {low:g} is above the upper one {high:g}")
    return low, high


def _vector(name: str, value: object, axes: str, **limits: Any) -> dict[str, Bounds]:
    """Return the bounds of each axis of a sequence."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence | np.ndarray):
        raise ValueError(f"{name} takes ({', '.join(axes)}), got {value!r}")
    if len(value) != len(axes):
        raise ValueError(f"{name} takes ({', '.join(axes)}), got {len(value)} numbers")
    return {
        axis: bounds_of(f"{name} {axis}", number, **limits)
        for axis, number in zip(axes, value, strict=True)
    }


def read_adversity(options: Options, rotors: int) -> np.ndarray:
    """Return the table ``adversity``: lowest and highest numbers of an episode, or no row where nothing was asked for.

    Args:
        options: Keyword arguments.
        rotors: How many the vehicle has.

    Raises:
        ValueError: For an unknown name, naming the nearest, or a number out of bounds.
    """
    bounds: dict[str, Bounds] = {"failed_rotor": (-1.0, -1.0), "effectiveness": (1.0, 1.0)}
    bounds |= {"gust_lasts": (1.0, 1.0), "gust_every": (1.0, 1.0)}
    asked = [options.wind, options.payload, options.failure, options.battery]
    if all(value is None for value in asked):
        return np.zeros((0, len(ADVERSITY)))
    bounds |= _read_wind(options.wind) | _read_offsets(options.payload)
    bounds |= _read_failure(options.failure, rotors)
    if options.battery is not None:
        low, high = bounds_of("battery", options.battery, low=0.1, high=1.0)
        bounds["taken"] = ((1.0 - high) * CAPACITY, (1.0 - low) * CAPACITY)
    return np.array([bounds.get(name, (0.0, 0.0)) for name in ADVERSITY.names]).T.copy()


def _read_wind(given: Any) -> dict[str, Bounds]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        given = {"mean": given}
    check_keywords(given, ("mean", "gust", "turbulence"), "part of wind")
    limits = {"low": -STRONGEST, "high": STRONGEST}
    mean = _vector("the mean wind", given.get("mean", (0.0, 0.0, 0.0)), "xyz", **limits)
    bounds = {f"wind_{axis}": pair for axis, pair in mean.items()}
    turbulence = given.get("turbulence", 0.0)
    if isinstance(turbulence, str):
        turbulence = TURBULENCE[check_option("turbulence", turbulence, TURBULENCE)]
    bounds["turbulence"] = bounds_of("turbulence", turbulence, low=0.0, high=STRONGEST)
    gust = given.get("gust", 0.0)
    if not isinstance(gust, Mapping):
        gust = {"speed": gust}
    check_keywords(gust, ("speed", "lasts", "every"), "part of a gust")
    bounds["gust"] = bounds_of("gust speed", gust.get("speed", 0.0), low=0.0, high=STRONGEST)
    for name, default in (("lasts", GUST_LASTS), ("every", GUST_EVERY)):
        bounds[f"gust_{name}"] = bounds_of(
            f"gust {name}", gust.get(name, default), low=0.01, high=1e4
        )
    return bounds


def _payload(given: Any) -> dict[str, Any]:
    """Return what is said of a payload, by name."""
    parts = {"mass": 0.0, "offset": (0.0, 0.0, 0.0), "centre": (0.0, 0.0)}
    if given is None:
        return parts
    if not isinstance(given, Mapping):
        given = {"mass": given}
    check_keywords(given, parts, "part of payload")
    return parts | dict(given)


def _read_offsets(given: Any) -> dict[str, Bounds]:
    parts = _payload(given)
    limits = {"low": -1.0, "high": 1.0}
    offset = _vector("the payload's offset", parts["offset"], "xyz", **limits)
    centre = _vector("the centre of mass", parts["centre"], "xy", **limits)
    return {f"payload_{axis}": offset[axis] for axis in "xy"} | {
        f"centre_{axis}": pair for axis, pair in centre.items()
    }


def _read_failure(given: Any, rotors: int) -> dict[str, Bounds]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ValueError(
            f"failure takes a mapping with rotor, effectiveness, time, yaw_drag, got {given!r}"
        )
    check_keywords(given, ("rotor", "effectiveness", "time", "yaw_drag"), "part of failure")
    rotor = given.get("rotor")
    if rotor is None:  # any of them, drawn at each reset
        chosen = (0.0, float(rotors))
    else:
        number = check_number("failure rotor", rotor, low=0, high=rotors - 1, integer=True)
        chosen = (number, number)
    return {
        "failed_rotor": chosen,
        "effectiveness": bounds_of(
            "failure effectiveness", given.get("effectiveness", 0.0), low=0.0, high=1.0
        ),
        "yaw_drag": bounds_of("failure yaw_drag", given.get("yaw_drag", 0.0), low=0.0, high=1e3),
        "failure_time": bounds_of("failure time", given.get("time", 2.0), low=0.0, high=1e6),
    }


def loaded(
    row: np.ndarray, vehicle: pm.Vehicle, payload: Any
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the plant's parameters with a payload, and what a range of its mass adds to the mismatch.

    The mass is the vehicle's and the payload's, the moments of inertia are about their common centre (Steiner), without
    products of inertia; over a range of masses those of its middle.

    Args:
        row: Nominal parameters.
        vehicle: The vehicle.
        payload: As the user gave it.

    Returns:
        The row, None without a payload, and rows of (column, lowest, highest factor).

    Raises:
        ValueError: For a payload that the rotors cannot lift.
    """
    none = np.zeros((0, 3))
    parts = _payload(payload)
    low, high = bounds_of("payload mass", parts["mass"], low=0.0, high=1e3)
    if high == 0.0:
        return None, none
    places, own = PARAMETERS.places, vehicle.mass
    strongest = vehicle.count * row[places.k_f] * row[places.max_rpm] ** 2 / row[places.gravity]
    if own + high >= strongest:
        raise ValueError(
            f"a payload of {high:g} kg on a vehicle of {own:g} kg is more than its rotors lift, {strongest:.3g} kg"
        )
    mean = 0.5 * (low + high)
    offset = _vector("the payload's offset", parts["offset"], "xyz", low=-1.0, high=1.0)
    x, y, z = (0.5 * sum(pair) for pair in offset.values())
    reduced = own * mean / (own + mean)
    plant = row.copy()
    plant[places.i_xx] += reduced * (y * y + z * z)
    plant[places.i_yy] += reduced * (x * x + z * z)
    plant[places.i_zz] += reduced * (x * x + y * y)
    if low == high:
        plant[places.mass] = own + mean
        return plant, none
    factors = (places.mass, (own + low) / own, (own + high) / own)
    return plant, np.array([factors])


def _shared(a: Bounds, b: Bounds) -> Bounds:
    """Return the bounds of the product of two numbers."""
    products = [one * other for one in a for other in b]
    return min(products), max(products)


def _nearest_centre(
    adversity: np.ndarray, vehicle: pm.Vehicle, payload: Any
) -> tuple[float, float]:
    """Return where an episode may have the centre of mass that is nearest to the rotors' middle, x and y in m."""
    if not len(adversity):
        return 0.0, 0.0
    low, high = bounds_of("payload mass", _payload(payload)["mass"], low=0.0, high=1e3)
    share = (low / (vehicle.mass + low), high / (vehicle.mass + high))
    nearest = []
    for axis in "xy":
        place, own = (
            tuple(adversity[:, ADVERSITY.index(f"{what}_{axis}")].tolist())
            for what in ("payload", "centre")
        )
        least, most = (sum(ends) for ends in zip(_shared(share, place), own, strict=True))
        nearest.append(min(max(0.0, least), most))
    return nearest[0], nearest[1]


def check_hover(
    vehicle: pm.Vehicle, physics: np.ndarray, adversity: np.ndarray, payload: Any
) -> None:
    """Refuse a vehicle that cannot hover level even in the lightest of its episodes, with the fullest battery.

    Args:
        vehicle: The vehicle.
        physics: Its physical parameters.
        adversity: Bounds of an episode's numbers, or no rows.
        payload: As the user gave it.

    Raises:
        ValueError: If the rotors would have to turn faster than they do, or the centre of mass lies so far aside that
            not every rotor would push upwards.
    """
    places = pm.PHYSICS.places
    low, _ = bounds_of("payload mass", _payload(payload)["mass"], low=0.0, high=1e3)
    carried = vehicle.mass + low
    top, limit = float(physics[places.max_rpm]), "they turn at {:.0f} rpm at most"
    if physics[places.battery_voltage] > 0.0:
        taken = float(adversity[0, ADVERSITY.places.taken]) if len(adversity) else 0.0
        turned = fastest_speed(physics, taken)
        if turned < top:
            top, limit = turned, "the battery's voltage, at its fullest, turns them at {:.0f} rpm"
    centre = _nearest_centre(adversity, vehicle, payload)
    away = f" with its centre of mass {centre[0]:.3g} m ahead and {centre[1]:.3g} m to the left"
    for at, where in (((0.0, 0.0), ""), (centre, away)):
        shares = pm.level_shares(vehicle, at)
        weight = carried * physics[places.gravity]
        needed = math.sqrt(max(shares.max(), 0.0) * weight / physics[places.k_f])
        if needed >= top:
            raise ValueError(
                f"the vehicle cannot hover: its rotors would have to turn at {needed:.0f} rpm to carry {carried:g} kg"
                f"{where}, and {limit.format(top)}"
            )
        if shares.min() * len(shares) < pm.LEAST_SHARE:
            raise ValueError(
                f"the vehicle cannot hover level{where}: a rotor would carry {shares.min() * len(shares):.3g} times "
                f"the mean of all, at least {pm.LEAST_SHARE:g} is needed"
            )


def check_wind(physics: Mapping[str, float], adversity: np.ndarray) -> None:
    """Refuse a wind that nothing of the vehicle feels: it acts through the drag.

    Args:
        physics: Physical parameters by name.
        adversity: Bounds of an episode's numbers, or no rows.

    Raises:
        ValueError: If there is no drag along the axes, of a level vehicle, along which there is wind.
    """

    def blows(*names: str) -> bool:
        return any(bool(adversity[:, ADVERSITY.index(name)].any()) for name in names)

    level, upright = blows("wind_x", "wind_y", "gust", "turbulence"), blows("wind_z", "turbulence")
    felt = (level and physics["drag_xy"] > 0.0) or (upright and physics["drag_z"] > 0.0)
    if (level or upright) and not felt:
        raise ValueError(
            f"this wind would do nothing: it acts through the drag, and here drag_xy = {physics['drag_xy']:g} and "
            f"drag_z = {physics['drag_z']:g}. aerodynamics= must have 'drag', and the vehicle a drag: "
            "vehicle={'base': ..., 'drag_xy': ..., 'drag_z': ...} in N s^2/m"
        )


def with_battery(model: pm.Model, battery: Any) -> pm.Model:
    """Return the model with the measured battery, if one is asked for and it has none."""
    if battery is None or model.battery_voltage > 0.0:
        return model
    measured = pm.MODELS["measured"]
    return replace(model, **{name: getattr(measured, name) for name in _BATTERY})
