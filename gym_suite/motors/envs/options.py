"""What the keyword arguments are and their defaults, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

ACTION_NAMES = {
    "dq": ("action_d", "action_q"),
    "abc": ("action_a", "action_b", "action_c"),
    "torque": ("action_torque",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of the family's environments and their defaults."""

    machine: Any = None
    load: Any = None
    control: str = "voltage"
    frame: str = "dq"
    tau: float = 1e-4
    control_period: float | None = None
    substeps: int = 1
    dead_time: bool = True
    speed: tuple[float, float] | float | None = None
    reference: Any = None
    reference_hold: float = 0.02
    reference_range: float | None = None
    duration: float | None = None
    window: float | str = 60.0
    start: float | None = None
    preview: int = 0
    preview_interval: float | None = None
    weights: Mapping[str, float] | None = None
    error_scale: float | None = None
    error_exponent: float = 0.5
    penalty_trip: float | None = None
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


# What differs between the tasks; everything else is in Options.
DEFAULTS: dict[str, dict[str, Any]] = {
    "current": {"machine": "PMSM", "load": "constant_speed"},
    "speed": {
        "machine": "PMSM",
        "load": "polynomial_static",
        "reference_hold": 0.2,
        "duration": 0.6,
    },
    "drive_cycle": {
        "machine": "HSM16.17.12-C01",
        "load": "vehicle",
        "control": "torque",
        "control_period": 0.01,
    },
}
_NOT_FOR = {
    "current": ("duration", "window", "start", "control", "control_period"),
    "speed": ("window", "start", "speed"),
    "drive_cycle": ("duration", "reference", "reference_hold", "reference_range", "speed"),
}
WEIGHTS = {
    "current": {"i_sd": 0.5, "i_sq": 0.5, "effort": 0.0, "smoothness": 0.0},
    "speed": {"omega": 1.0, "loss": 0.0, "effort": 0.0, "smoothness": 0.0},
    "drive_cycle": {"v": 1.0, "loss": 0.0, "effort": 0.0, "smoothness": 0.0},
}


def keyword_names(task: str) -> tuple[str, ...]:
    """Return the keyword arguments that a task takes."""
    return tuple(f.name for f in fields(Options) if f.name not in _NOT_FOR[task])


def defaults(task: str) -> dict[str, Any]:
    """Return the keyword arguments that a task takes with their default values."""
    given = Options(**DEFAULTS[task])
    return {name: getattr(given, name) for name in keyword_names(task)}


def action_names(options: Options) -> tuple[str, ...]:
    """Return the names of the action's elements."""
    return ACTION_NAMES["torque" if options.control == "torque" else options.frame]
