"""Aims: from keyword arguments to the numbers of a task with aims, and its gates."""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.parameters import check_number
from gym_suite.drones import parameters as pm
from gym_suite.drones.aims import AIMS, PAD_SPAN
from gym_suite.drones.columns import AIM, GATES
from gym_suite.drones.envs.options import Options, Task
from gym_suite.drones.references import HEIGHT
from gym_suite.drones.tracks import Gate, build_track

#: s, of flight that a picture of a pad or of commanded velocities has room for.
_SHOWN = 4.0


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
