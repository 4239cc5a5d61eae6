"""Aims: from keyword arguments to the numbers of a task with aims, and its gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_number
from gym_suite.drones import parameters as pm
from gym_suite.drones.aims import AIMS, FLOWN, PAD_SPAN
from gym_suite.drones.columns import AIM, GATES
from gym_suite.drones.envs.options import Options
from gym_suite.drones.envs.tasks import Task
from gym_suite.drones.obstacles import SIDE, STAND_OFF
from gym_suite.drones.references import HEIGHT
from gym_suite.drones.tracks import Gate, build_track

#: s, of flight that a picture of a pad or of commanded velocities has room for.
_SHOWN = 4.0
MOST_PILLARS, MOST_BEAMS, FARTHEST_SEEN, WIDEST = 64, 256, 20.0, 3.0
#: Part of the field that pillars may take, each blown up by half a gap: discs that are put one after the other where
#: there is room jam at 0.547 (J. Feder, J. Theoretical Biology 87(2), 1980), and find hardly any place before.
FULLEST = 0.35


def read_aim(task: Task, options: Options, vehicle: pm.Vehicle) -> tuple[np.ndarray, np.ndarray]:
    """Return the table ``aim`` (one row, none without an aim) and the table ``gates``.

    Raises:
        ValueError: For a number out of bounds, a track that is none, gates that the vehicle does not fit through, or a
            ``bound`` that ends the episode on the way to the next aim.
        TypeError: For a track of the wrong kind.
    """
    none = np.zeros((0, len(GATES)))
    if not task.aim:
        return np.zeros((0, len(AIM))), none
    values = dict.fromkeys(AIM.names, 0.0) | {"kind": float(AIMS.index(task.aim))}
    if task.aim == "gates":
        gates = build_track(options.track)
        _check_gates(gates, vehicle, options.bound)
        values["extent"] = max(max(abs(c) for c in gate.centre[:2]) for gate in gates)
        return _row(values), np.array([_numbers(gate) for gate in gates])
    if task.aim == "lift":
        return _row(_lift(values, task, options, vehicle)), none
    if task.aim == "field":
        return _row(values | _field(options)), none
    if task.aim == "waypoints":
        values["spread"] = check_number("spread", options.spread, above=0.0, high=100.0)
        values["reach"] = check_number("reach", options.reach, above=0.0, high=100.0)
        spread = values["spread"]
        if math.sqrt(9.0 * spread**2) >= options.bound:
            raise ValueError(
                f"waypoints are up to {3.0 * spread:.3g} m apart, from which bound = {options.bound:g} m ends the "
                "episode; give more"
            )
        values["extent"] = spread
        return _row(values), none
    values["speed"] = check_number("speed", options.speed, above=0.0, high=100.0)
    values["extent"] = _SHOWN * values["speed"] + PAD_SPAN
    if task.aim == "velocity":
        values["interval"] = check_number("interval", options.interval, above=0.0, high=1e4)
        values["extent"] = values["speed"] * min(values["interval"], _SHOWN) + HEIGHT
    else:
        values["pad_radius"] = check_number("pad_radius", options.pad_radius, above=0.0, high=100.0)
        values["touch_speed"] = check_number(
            "touch_speed", options.touch_speed, above=0.0, high=100.0
        )
    return _row(values), none


def _row(values: dict[str, float]) -> np.ndarray:
    return np.array([[values[name] for name in AIM.names]])


def _lift(
    values: dict[str, float], task: Task, options: Options, vehicle: pm.Vehicle
) -> dict[str, float]:
    """Return the numbers of a place to rise to, if a drone that stands on the floor is not there and may get there."""
    reach = check_number("reach", options.reach, above=0.0, high=100.0)
    least = 0.5 * vehicle.height + FLOWN + reach
    height = check_number("height", options.height, above=least, high=100.0)
    span = check_number("start_position", options.start_position, low=0.0, high=100.0)
    farthest = math.hypot(height, math.sqrt(2.0) * span)
    if farthest >= options.bound:
        raise ValueError(
            f"height = {height:g} m with start_position = {span:g} m starts drones up to {farthest:.3g} m from the "
            f"place, and bound = {options.bound:g} m ends the episode there; give a bound above {farthest:.3g} m"
        )
    hold = check_number("hold", options.hold, low=0.0, high=1e4)
    given = {"height": height, "reach": reach, "hold": hold, "periods": float(task.horizon)}
    return values | given | {"extent": 0.5}


def _pair(name: str, given: Any) -> tuple[float, float]:
    """Return two numbers above 0."""
    if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str) or len(given) != 2:
        raise ValueError(f"{name} must be a pair of numbers, got {given!r}")
    one, other = (
        check_number(f"{name}[{k}]", v, above=0.0, high=100.0) for k, v in enumerate(given)
    )
    return one, other


def _radii(given: Any) -> tuple[float, float]:
    """Return the bounds of the radius of a pillar, m."""
    several = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
    least, most = _pair("pillar_radius", given if several else (given, given))
    if least > most:
        raise ValueError(f"pillar_radius must be (least, largest), got {least:g} before {most:g}")
    return least, most


def _field(options: Options) -> dict[str, float]:
    """Return the numbers of a field that :func:`check_field` has let pass."""
    least, most = _radii(options.pillar_radius)
    length, width = _pair("field", options.field)
    names = ("reach", "pillars", "gap", "beams", "beam_angle", "sight")
    given = {name: float(getattr(options, name)) for name in names}
    given |= {"least_radius": least, "most_radius": most, "length": length, "width": width}
    return given | {"extent": 0.5 * length + STAND_OFF}


def check_field(options: Options, vehicle: pm.Vehicle) -> None:
    """Refuse a field that is none, that the vehicle cannot pass, or that has no room for its pillars.

    Raises:
        ValueError: With the number that was given and the nearest that would do.
    """
    count = check_number("pillars", options.pillars, low=1, high=MOST_PILLARS, integer=True)
    check_number("beams", options.beams, low=1, high=MOST_BEAMS, integer=True)
    check_number("beam_angle", options.beam_angle, above=0.0, high=WIDEST)
    check_number("sight", options.sight, above=0.0, high=FARTHEST_SEEN)
    check_number("reach", options.reach, above=0.0, high=STAND_OFF)
    own, gap = vehicle.radius, check_number("gap", options.gap, above=0.0, high=100.0)
    if gap <= 2.0 * own:
        raise ValueError(
            f"gap = {gap:g} m is no way through for a vehicle {2.0 * own:g} m wide; give more than {2.0 * own:g} m"
        )
    least, most = _radii(options.pillar_radius)
    length, width = _pair("field", options.field)
    if 2.0 * most + 2.0 * gap > width:
        raise ValueError(
            f"pillars up to {2.0 * most:g} m wide with gaps of {gap:g} m on both sides do not fit into a field "
            f"{width:g} m wide; give a width of at least {2.0 * (most + gap):g} m, or a smaller pillar_radius"
        )
    if 2.0 * most >= length:
        raise ValueError(
            f"pillars up to {2.0 * most:g} m wide do not fit into a field {length:g} m long; give a length above "
            f"{2.0 * most:g} m"
        )
    room = 0.5 * gap  # a disc's area is quadratic in a radius that is drawn evenly
    low, high = least + room, most + room
    each = math.pi * (low * low + low * high + high * high) / 3.0
    taken = (length + gap) * (width + low + high)  # axes stand up to the field's sides
    fitting = int(FULLEST * taken / each)
    if count > fitting:
        raise ValueError(
            f"pillars = {count:g} with gaps of {gap:g} m are too dense for a field of {length:g} m by {width:g} m; "
            f"at most {fitting} find room there, or give a larger field"
        )
    span = check_number("start_position", options.start_position, low=0.0, high=100.0)
    if own >= STAND_OFF:
        raise ValueError(
            f"a vehicle of radius {own:g} m cannot start {STAND_OFF:g} m before the field; take one of less than that"
        )
    if span + own >= STAND_OFF:
        raise ValueError(
            f"start_position = {span:g} m starts a vehicle of radius {own:g} m within the field, which begins "
            f"{STAND_OFF:g} m away; give less than {STAND_OFF - own:.3g} m"
        )
    side = 0.5 * SIDE * width + span + own
    if side >= 0.5 * width:
        raise ValueError(
            f"start_position = {span:g} m starts a vehicle of radius {own:g} m beside a field {width:g} m wide; give "
            f"a width above {2.0 * (span + own) / (1.0 - SIDE):.3g} m"
        )
    farthest = math.hypot(length + 2.0 * STAND_OFF + span, 0.5 * width)
    if farthest >= options.bound:
        raise ValueError(
            f"the goal is up to {farthest:.3g} m away, from which bound = {options.bound:g} m ends the episode; give "
            f"a bound above {farthest:.3g} m"
        )


def _numbers(gate: Gate) -> list[float]:
    """Return a gate as a row of the table."""
    return [*gate.centre, *gate.through, 0.5 * gate.width, 0.5 * gate.height, gate.frame]


def _check_gates(gates: tuple[Gate, ...], vehicle: pm.Vehicle, bound: float) -> None:
    """Refuse gates that the vehicle does not fit through, or that are farther apart than an episode allows."""
    for i, gate in enumerate(gates):
        if min(gate.width, gate.height) <= 2.0 * vehicle.radius:
            raise ValueError(
                f"gate {i} is {gate.width:g} m by {gate.height:g} m; the vehicle needs more than "
                f"{2.0 * vehicle.radius:g} m"
            )
        apart = math.dist(gate.centre, gates[i - 1].centre)
        if apart >= bound:
            raise ValueError(
                f"gate {i} is {apart:.3g} m from the one before it, from which bound = {bound:g} m ends the episode"
            )
