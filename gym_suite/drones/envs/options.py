"""What tasks there are, and what the keyword arguments and their defaults are, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from gym_suite.drones.columns import QUANTITIES


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What drones are to do, as data.

    Attributes:
        start_position: Largest offset at reset from the reference, each axis, m.
        start_velocity: Largest velocity at reset over the reference's, each axis, m/s.
        start_tilt: Largest tilt at reset, each axis, rad.
        error_scale: Distance from the reference that earns nothing, m.
        path: The reference is this path by default; None: a place that stays.
        drones: How many drones hold a ring of places about the reference by default; 1: one alone.
        spacing: Radius of the ring by default, m.
        swaps: Whether drones may swap their places on the ring.
    """

    start_position: float
    start_velocity: float
    start_tilt: float
    error_scale: float
    path: Mapping[str, Any] | None = None
    drones: int = 1
    spacing: float = 0.0
    swaps: bool = False

    @property
    def observed(self) -> tuple[str, ...]:
        """Names of the quantities that a drone observes; where the reference stays its motion would be zeros."""
        names = QUANTITIES.names
        return names if self.path else tuple(n for n in names if not n.startswith("target_"))


_CIRCLE = MappingProxyType({"kind": "circle", "rise": 0.1})
TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "hover": Task(
            start_position=0.6,
            start_velocity=0.5,
            start_tilt=0.3,
            error_scale=1.0,
        ),
        "track": Task(
            path=_CIRCLE,
            start_position=0.1,
            start_velocity=0.1,
            start_tilt=0.1,
            error_scale=0.3,
        ),
        "multi_hover": Task(
            drones=2,
            spacing=0.4,
            start_position=0.2,
            start_velocity=0.2,
            start_tilt=0.2,
            error_scale=0.4,
        ),
        "formation": Task(
            path=_CIRCLE,
            drones=4,
            spacing=0.5,
            swaps=True,
            start_position=0.1,
            start_velocity=0.1,
            start_tilt=0.1,
            error_scale=1.0,
        ),
    }
)
#: What an action of 1 stands for: a share of the hover speed, rad/s, m/s, m from the target.
ACTION_RANGES = {"rotors": 0.4, "rates": 6.0, "velocity": 2.0, "position": 0.5}
ACTION_NAMES = {
    "rotors": tuple(f"action_rotor_{i}" for i in range(4)),
    "rates": ("action_thrust", "action_roll_rate", "action_pitch_rate", "action_yaw_rate"),
    "velocity": ("action_velocity_x", "action_velocity_y", "action_velocity_z"),
    "position": ("action_position_x", "action_position_y", "action_position_z"),
}
UNITS = {"rotors": "1", "rates": "rad/s", "velocity": "m/s", "position": "m"}
#: What a setpoint's four elements are, with their units; the inner loops of velocity and position hold yaw at 0.
SETPOINTS = {
    "rotors": tuple((f"rotor_{i}", "rpm") for i in range(4)),
    "rates": (
        ("thrust", "N"),
        ("roll_rate", "rad/s"),
        ("pitch_rate", "rad/s"),
        ("yaw_rate", "rad/s"),
    ),
    "velocity": (*((f"velocity_{a}", "m/s") for a in "xyz"), ("yaw", "rad")),
    "position": (*((f"position_{a}", "m") for a in "xyz"), ("yaw", "rad")),
}
THRUST_RANGE = 0.8  # of the weight, over it and under it
YAW_RANGE = 2.0  # rad/s
WEIGHTS = {"position": 1.0, "rates": 0.02, "effort": 0.0, "smoothness": 0.0}
PATHS: dict[str, dict[str, float]] = {
    "circle": {"size": 0.5, "period": 5.0, "rise": 0.0},
    "lemniscate": {"size": 1.0, "period": 6.0, "rise": 0.0},
    "helix": {"size": 0.5, "period": 5.0, "rise": 0.25},
}


#: Keywords of tasks with several drones, and of tasks in which they swap places.
_SEVERAL = ("drones", "spacing", "neighbours", "neighbour_radius")
_SWAPS = ("formation", "swap_period")


def keyword_names(task: Task) -> tuple[str, ...]:
    """Return the keyword arguments that a task takes."""
    without = (
        (() if task.path else ("path",))
        + (() if task.drones > 1 else _SEVERAL)
        + (() if task.swaps else _SWAPS)
    )
    return tuple(f.name for f in fields(Options) if f.name not in without)


def read_options(task: Task, keywords: Mapping[str, Any]) -> Options:
    """Return the options of a task with a user's keyword arguments."""
    given = {f.name: getattr(task, f.name) for f in fields(task) if f.name != "swaps"}
    return Options(**(given | dict(keywords)))


def defaults(task: Task) -> dict[str, Any]:
    """Return the keyword arguments that a task takes with their default values."""
    options = read_options(task, {})
    return {name: getattr(options, name) for name in keyword_names(task)}
