"""Several drones: from keyword arguments to the numbers of their ring of places, or of what they do together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gym_suite.core.parameters import check_number, check_option
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import GROUP, PLACES
from gym_suite.drones.envs.options import Options
from gym_suite.drones.envs.tasks import Task
from gym_suite.drones.groups import ARENA_FLOOR, GROUPS, LOWEST_LINE, START_LOW
from gym_suite.drones.references import HEIGHT, TABLE

FORMATIONS = ("hold", "swap")
#: m, height from one line to the next by default, of vehicles that are not larger.
APART = 0.4
#: m, at which an evader is caught by vehicles that are not larger.
CATCH_RADIUS = 0.2
#: Angle of the wedge's arms from straight behind.
_WEDGE = math.radians(45.0)


def _neighbours(options: Options, count: int) -> float:
    """Return how many others each of some drones sees."""
    given = count - 1 if options.neighbours is None else options.neighbours
    return check_number("neighbours", given, low=0, high=count - 1, integer=True)


def _room(vehicle: pm.Vehicle, known: Mapping[str, float]) -> float:
    """Return how far two places are apart, m, so that no two drones start in each other.

    Starts are offset along both horizontal axes, so two neighbours may be nearer by twice that along a diagonal. Half a
    vehicle is left for what they overshoot.
    """
    return 3.0 * vehicle.radius + 2.0 * math.sqrt(2.0) * known["start_position"]


def ring_values(
    task: Task, options: Options, count: int, vehicle: pm.Vehicle, known: Mapping[str, float]
) -> dict[str, float]:
    """Return the numbers of several drones' ring of places and of what they see of each other.

    Raises:
        ValueError: For a number out of bounds, a spacing with which drones touch, or a swap that ends the episode.
    """
    values = {"spacing": 0.0, "swap_period": 0.0, "neighbours": 0.0, "drones": float(count)}
    if count == 1:
        return values
    spacing = options.spacing
    if spacing is None:
        spacing = _fitting(task, options, count, vehicle, known)
    spacing = check_number("spacing", spacing, low=0.0, high=100.0)
    apart = 2.0 * spacing * np.sin(np.pi / count)
    if apart <= 2.0 * vehicle.radius:
        raise ValueError(
            f"spacing = {spacing:g} m puts {count} drones {apart:.3g} m from each other; "
            f"they touch at {2.0 * vehicle.radius:g} m"
        )
    values["spacing"] = spacing
    values["neighbours"] = _neighbours(options, count)
    if task.swaps and check_option("formation", options.formation, FORMATIONS) == "swap":
        values["swap_period"] = check_number(
            "swap_period", options.swap_period, above=0.0, low=0.01
        )
        way = 2.0 * spacing * np.sin(np.pi * (count // 2) / count)
        if way >= options.bound:
            raise ValueError(
                f"a swap is {way:g} m long, from which bound = {options.bound:g} m ends the episode"
            )
    return values


def _fitting(
    task: Task, options: Options, count: int, vehicle: pm.Vehicle, known: Mapping[str, float]
) -> float:
    """Return the radius of a ring, m, on which no two drones start in each other, if such a ring can be crossed.

    Where drones swap, the way across is to end no episode; of many some then may start in each other.
    """
    fitting = _room(vehicle, known) / (2.0 * math.sin(math.pi / count))
    if task.swaps and options.formation == "swap":
        fitting = min(fitting, 0.45 * known["bound"] / math.sin(math.pi * (count // 2) / count))
    return max(fitting, task.spacing)


def group_values(
    task: Task, options: Options, count: int, vehicle: pm.Vehicle, known: Mapping[str, float]
) -> dict[str, float]:
    """Return the parameters of a group: its spacing, and what its drones see of each other.

    Raises:
        ValueError: For a number out of bounds, or a spacing with which drones touch.
    """
    values = {"spacing": 0.0, "swap_period": 0.0, "drones": float(count)}
    values["neighbours"] = _neighbours(options, count)
    if task.group == "cross" or options.offsets is not None:
        return values
    room = _room(vehicle, known)
    chord = 2.0 * math.sin(math.pi / count) if task.group == "chase" else 1.0
    spacing = options.spacing
    if spacing is None:
        spacing = max(room / chord, task.spacing)
    spacing = check_number("spacing", spacing, low=0.0, high=100.0)
    if spacing * chord <= 2.0 * vehicle.radius:
        raise ValueError(
            f"spacing = {spacing:g} m puts {count} drones {spacing * chord:.3g} m from each other; they touch at "
            f"{2.0 * vehicle.radius:g} m; give more than {2.0 * vehicle.radius / chord:.3g} m"
        )
    return values | {"spacing": spacing}


def read_group(
    task: Task,
    options: Options,
    count: int,
    vehicle: pm.Vehicle,
    known: Mapping[str, float],
    path: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the table ``group`` (one row, none without a group) and the table ``places``.

    Args:
        task: The task.
        options: Keyword arguments.
        count: Drones in a world.
        vehicle: The vehicle.
        known: Parameters by name, and the largest specific thrust, m/s^2, as "strongest".
        path: The path of the kind "table".

    Raises:
        ValueError: For a number out of bounds, places that touch or lie in the floor, lines that ask for more than the
            vehicle has, or an evader that pursuers cannot catch.
    """
    if not task.group:
        return np.zeros((0, len(GROUP))), np.zeros((0, len(PLACES)))
    values = dict.fromkeys(GROUP.names, 0.0) | {"kind": float(GROUPS.index(task.group))}
    if task.group == "lead":
        places = _beside(options, count, vehicle, known)
        _check_floor(places, vehicle, known, path)
        farthest = known["path_size"]
        if known["reference"] == TABLE:
            farthest = float(np.abs(path[:, 1:3]).max())
        values["extent"] = farthest + float(np.abs(places[:, :2]).max())
    elif task.group == "cross":
        values |= _lines(options, known)
        places = _directions(options, count, vehicle, known)
        values["extent"] = values["way"]
    else:
        values |= _evader(options, vehicle, known)
        places, values["extent"] = np.zeros((count, len(PLACES))), values["arena"]
    return np.array([[values[name] for name in GROUP.names]]), places


def _beside(
    options: Options, count: int, vehicle: pm.Vehicle, known: Mapping[str, float]
) -> np.ndarray:
    """Return the offsets of all drones from the leader, m, (drones, 3), whose own is none."""
    places = np.zeros((count, 3))
    if options.offsets is None:
        for j in range(1, count):
            far, side = (j + 1) // 2 * known["spacing"], 1.0 if j % 2 else -1.0
            places[j, :2] = -far * math.cos(_WEDGE), side * far * math.sin(_WEDGE)
        return places
    given = np.array(options.offsets, dtype=np.float64)
    if given.shape != (count - 1, 3):
        raise ValueError(
            f"offsets must be rows of (x, y, z), one for each of {count - 1} followers, got shape {given.shape}; "
            f"drones = {count} counts the leader too"
        )
    if not (np.abs(given) <= 100.0).all():
        raise ValueError("offsets must be numbers from -100 m to 100 m")
    places[1:] = given
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(count, np.inf))
    i, j = (int(k) for k in np.unravel_index(apart.argmin(), apart.shape))
    if apart[i, j] <= 2.0 * vehicle.radius:
        raise ValueError(
            f"offsets put drones {i} and {j} {apart[i, j]:.3g} m from each other; they touch at "
            f"{2.0 * vehicle.radius:g} m"
        )
    return places


def _check_floor(
    places: np.ndarray, vehicle: pm.Vehicle, known: Mapping[str, float], path: np.ndarray
) -> None:
    """Refuse followers whose places come into the floor."""
    lowest = HEIGHT - known["path_rise"]
    if known["reference"] == TABLE:
        lowest = float(path[:, 3].min())
    j, least = int(places[:, 2].argmin()), float(places[:, 2].min())
    if least < 0.0 and lowest + least <= vehicle.radius:
        raise ValueError(
            f"offsets put drone {j} {-least:g} m below the leader, whose path comes down to {lowest:g} m; at most "
            f"{max(lowest - vehicle.radius, 0.0):.3g} m are left"
        )


def _lines(options: Options, known: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of the motion on the lines."""
    way = check_number("way", options.way, above=0.0, high=100.0)
    period = check_number("period", options.period, above=0.0, low=0.01, high=1e4)
    wanted = way * (2.0 * math.pi / period) ** 2
    able = _level(known)
    if wanted >= able:
        raise ValueError(
            f"way = {way:g} m and period = {period:g} s ask for {wanted:.3g} m/s^2 at the ends of the lines; the "
            f"vehicle has {able:.3g} m/s^2 beside its weight; take a period above "
            f"{2.0 * math.pi * math.sqrt(way / able):.3g} s"
        )
    return {"way": way, "period": period}


def _level(known: Mapping[str, float]) -> float:
    """Return the largest level acceleration of a vehicle that carries its weight, m/s^2."""
    return math.sqrt(max(known["strongest"] ** 2 - known["gravity"] ** 2, 0.0))


def _directions(
    options: Options, count: int, vehicle: pm.Vehicle, known: Mapping[str, float]
) -> np.ndarray:
    """Return the direction of each drone's line and its height, (drones, 3)."""
    least = 2.0 * vehicle.radius
    room = 3.0 * vehicle.radius + 2.0 * known["start_position"]
    given = max(APART, room) if options.apart is None else options.apart
    apart = check_number("apart", given, low=0.0, high=100.0)
    if apart <= least:
        raise ValueError(
            f"apart = {apart:g} m lets drones touch where they cross: they touch at {least:g} m; give more, "
            f"{max(APART, room):.3g} m is the default"
        )
    angle = math.pi * np.arange(count) / count
    return np.column_stack([np.cos(angle), np.sin(angle), LOWEST_LINE + apart * np.arange(count)])


def _evader(options: Options, vehicle: pm.Vehicle, known: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of the evader and its arena."""
    arena = check_number("arena", options.arena, above=0.0, low=0.5, high=100.0)
    speed = check_number("evader_speed", options.evader_speed, above=0.0, high=100.0)
    most = check_number("evader_acceleration", options.evader_acceleration, above=0.0, high=1000.0)
    given = max(CATCH_RADIUS, 2.0 * vehicle.radius) if options.catch is None else options.catch
    catch = check_number("catch", given, above=0.0, high=100.0)
    # from rest over the arena's radius, with all the thrust that does not carry the weight
    able = math.sqrt(2.0 * _level(known) * arena)
    if speed >= able:
        raise ValueError(
            f"evader_speed = {speed:g} m/s is not to be caught: a pursuer reaches at most {able:.3g} m/s over the "
            f"arena's radius of {arena:g} m; take less"
        )
    start = START_LOW * arena - known["spacing"] - math.sqrt(2.0) * known["start_position"]
    if start <= catch:
        raise ValueError(
            f"spacing = {known['spacing']:.3g} m lets pursuers start within {max(start, 0.0):.3g} m of the evader, "
            f"which is caught at catch = {catch:g} m; take an arena of more than "
            f"{(arena * START_LOW + catch - start) / START_LOW:.3g} m"
        )
    far = math.hypot(arena + max(arena, known["spacing"]), arena + ARENA_FLOOR)
    if far >= options.bound:
        raise ValueError(
            f"the evader may be {far:.3g} m from a pursuer in an arena of {arena:g} m, from which bound = "
            f"{options.bound:g} m ends the episode; give more"
        )
    return {"arena": arena, "speed": speed, "acceleration": most, "catch": catch}
