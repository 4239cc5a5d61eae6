"""What tasks there are, and what the keyword arguments and their defaults are, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from gym_suite.core.options import OptionSet, PlantOptions, option
from gym_suite.drones.columns import QUANTITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(PlantOptions):
    """The keyword arguments of the family's environments."""

    vehicle: Any = option(
        "cf2x",
        takes='"cf2x", "cf2p", "cf21", "race", "x500", a mapping (with "base"), a vehicle file (.toml) or a `Vehicle`',
        meaning="the quadcopter",
    )
    engine: str = option(
        "bullet",
        takes='"bullet" or "compiled"',
        meaning="who moves the drones; where PyBullet is not installed and none is named, the compiled engine",
    )
    model: Any = option(
        "identified",
        takes='"identified", "bullet-parity", "measured", a mapping, a vehicle file or a `Model`',
        meaning="rotors and aerodynamics",
    )
    aerodynamics: Any = option(
        ("ground", "drag", "downwash"),
        takes='some of "ground", "drag", "downwash"',
        meaning="effects that are on",
    )
    integrator: str = option(
        "bullet",
        takes='"bullet", or "rk4" with the compiled engine',
        meaning="scheme of the physics steps",
    )
    physics_frequency: int = option(240, takes="Hz", meaning="physics steps a second")
    control_frequency: int = option(
        60, takes="Hz; divides `physics_frequency`", meaning="actions a second"
    )
    action: str = option(
        "rotors", takes='"rotors", "rates", "velocity" or "position"', meaning="what is commanded"
    )
    action_range: float | None = option(
        None, takes="a share, rad/s, m/s or m", meaning="what an action of 1 stands for"
    )
    observation: Any = option(
        "state",
        takes='"state", "rgb", "depth", "segmentation", or some of them',
        meaning="what is observed",
    )
    image_size: Any = option((64, 48), takes="(width, height)", meaning="pixels of the pictures")
    field_of_view: float = option(1.0, takes="rad", meaning="vertical angle of view of the camera")
    history: int = option(1, takes="1 to 100", meaning="last actions observed")
    wind: Any = option(
        None,
        takes='m/s as (x, y, z), or a mapping with "mean", "gust", "turbulence"',
        meaning="wind; any number may be a pair of bounds, drawn at each reset",
    )
    payload: Any = option(
        None,
        takes='kg, or a mapping with "mass", "offset" and "centre" in m',
        meaning="what the drone carries, where, and where its own centre of mass is",
    )
    failure: Any = option(
        None,
        takes='a mapping with "rotor", "effectiveness", "time"',
        meaning="a rotor that loses thrust",
    )
    battery: Any = option(
        None,
        takes="a share from 0.1 to 1, or a pair of bounds",
        meaning="charge of the battery at the start; `None`: as the model has it, full",
    )
    path: Any = option(None, takes='a kind, or a mapping with "kind"', meaning="way of the target")
    drones: int = option(2, takes="2 to 100", meaning="number of drones")
    spacing: float = option(0.4, takes="m", meaning="distance of the targets from their centre")
    formation: str = option("swap", takes='"swap" or "hold"', meaning="what becomes of the places")
    swap_period: float = option(4.0, takes="s", meaning="time between two swaps")
    neighbours: int | None = option(
        None, takes="a number", meaning="nearest drones observed; `None`: all others"
    )
    neighbour_radius: float = option(
        10.0, takes="m", meaning="distance within which neighbours are seen"
    )
    start_position: float | None = option(
        None, takes="m", meaning="largest offset at reset along each axis"
    )
    start_velocity: float | None = option(
        None, takes="m/s", meaning="largest velocity at reset along each axis"
    )
    start_tilt: float | None = option(
        None, takes="rad", meaning="largest tilt at reset about each axis"
    )
    bound: float = option(2.0, takes="m", meaning="distance from the target that ends the episode")
    error_scale: float | None = option(None, takes="m", meaning="distance that earns nothing")
    weights: Mapping[str, float] | None = option(
        None,
        takes="a mapping from `position`, `rates`, `effort`, `smoothness` to numbers",
        meaning="weights of the reward terms; those not named keep their default",
    )
    penalty_crash: float | None = option(
        None, takes="a number from 0", meaning="cost of a crash; `None`: see Rewards"
    )


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
#: What inner loops hold, with units; rotor speeds are commanded without one.
SETPOINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "rotors": (),
    "rates": (
        ("thrust", "N"),
        ("roll_rate", "rad/s"),
        ("pitch_rate", "rad/s"),
        ("yaw_rate", "rad/s"),
    ),
    "velocity": tuple((f"velocity_{a}", "m/s") for a in "xyz"),
    "position": tuple((f"position_{a}", "m") for a in "xyz"),
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


def option_set(task: Task) -> OptionSet[Options]:
    """Return the keyword arguments that a task takes, with its defaults."""
    without = (
        (() if task.path else ("path",))
        + (() if task.drones > 1 else _SEVERAL)
        + (() if task.swaps else _SWAPS)
    )
    own = {f.name: getattr(task, f.name) for f in fields(task) if f.name != "swaps"}
    own["path"] = dict(task.path) if task.path else None
    return OptionSet(
        Options,
        without=without,
        defaults={name: value for name, value in own.items() if name not in without},
    )
