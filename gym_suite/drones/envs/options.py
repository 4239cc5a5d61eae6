"""What the keyword arguments are and their defaults, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of the family's environments and their defaults."""

    vehicle: Any = "cf2x"
    engine: str = "bullet"
    model: Any = "identified"
    aerodynamics: Any = ("ground", "drag", "downwash")
    integrator: str = "bullet"
    physics_frequency: int = 240
    control_frequency: int = 60
    action: str = "rotors"
    action_range: float | None = None
    observation: Any = "state"
    image_size: Any = (64, 48)
    field_of_view: float = 1.0
    history: int = 1
    path: Any = None
    drones: int = 2
    spacing: float = 0.4
    formation: str = "swap"
    swap_period: float = 4.0
    neighbours: int | None = None
    neighbour_radius: float = 10.0
    start_position: float | None = None
    start_velocity: float | None = None
    start_tilt: float | None = None
    bound: float = 2.0
    error_scale: float | None = None
    weights: Mapping[str, float] | None = None
    penalty_crash: float | None = None
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


#: Largest offsets at reset (m, m/s, rad) and the distance that earns nothing, m.
DEFAULTS: dict[str, dict[str, Any]] = {
    "hover": {
        "start_position": 0.6,
        "start_velocity": 0.5,
        "start_tilt": 0.3,
        "error_scale": 1.0,
    },
    "track": {
        "path": {"kind": "circle", "rise": 0.1},
        "start_position": 0.1,
        "start_velocity": 0.1,
        "start_tilt": 0.1,
        "error_scale": 0.3,
    },
    "multi_hover": {
        "start_position": 0.2,
        "start_velocity": 0.2,
        "start_tilt": 0.2,
        "error_scale": 0.4,
    },
    "formation": {
        "path": {"kind": "circle", "rise": 0.1},
        "drones": 4,
        "spacing": 0.5,
        "start_position": 0.1,
        "start_velocity": 0.1,
        "start_tilt": 0.1,
        "error_scale": 1.0,
    },
}
_FORMATION = ("formation", "swap_period")
_SEVERAL = ("drones", "spacing", "neighbours", "neighbour_radius")
_NOT_FOR = {
    "hover": ("path", *_SEVERAL, *_FORMATION),
    "track": (*_SEVERAL, *_FORMATION),
    "multi_hover": ("path", *_FORMATION),
    "formation": (),
}
#: What an action of 1 stands for: a share of the hover speed, rad/s, m/s, m from the target.
ACTION_RANGES = {"rotors": 0.4, "rates": 6.0, "velocity": 2.0, "position": 0.5}
ACTION_NAMES = {
    "rotors": tuple(f"action_rotor_{i}" for i in range(4)),
    "rates": ("action_thrust", "action_roll_rate", "action_pitch_rate", "action_yaw_rate"),
    "velocity": ("action_velocity_x", "action_velocity_y", "action_velocity_z"),
    "position": ("action_position_x", "action_position_y", "action_position_z"),
}
WEIGHTS = {"position": 1.0, "rates": 0.02, "effort": 0.0, "smoothness": 0.0}
PATHS: dict[str, dict[str, float]] = {
    "circle": {"size": 0.5, "period": 5.0, "rise": 0.0},
    "lemniscate": {"size": 1.0, "period": 6.0, "rise": 0.0},
    "helix": {"size": 0.5, "period": 5.0, "rise": 0.25},
}


def keyword_names(task: str) -> tuple[str, ...]:
    """Return the keyword arguments that a task takes."""
    return tuple(f.name for f in fields(Options) if f.name not in _NOT_FOR[task])


def defaults(task: str) -> dict[str, Any]:
    """Return the keyword arguments that a task takes with their default values."""
    given = Options(**DEFAULTS[task])
    return {name: getattr(given, name) for name in keyword_names(task)}
