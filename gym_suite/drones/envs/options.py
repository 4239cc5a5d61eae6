"""What the keyword arguments are, and which of them each task takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gym_suite.core.options import OptionSet, PlantOptions, option
from gym_suite.drones.envs.tasks import AIMS, GROUPS, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(PlantOptions):
    """The keyword arguments of the family's environments."""

    vehicle: Any = option(
        "cf2x",
        takes='"cf2x", "cf2p", "cf21", "race", "x500", "f550" (six rotors), "octorotor" (eight), a mapping (with '
        '"base"), a vehicle file (.toml) or a `Vehicle`',
        meaning="the vehicle",
    )
    engine: str = option(
        "bullet",
        takes='"bullet" or "compiled"; with an autopilot "betaflight" or "compiled"',
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
        takes='a mapping with "rotor", "effectiveness", "time", "yaw_drag"',
        meaning="a rotor that loses thrust, and the torque of the air per rate about the body's axis, N m s/rad",
    )
    battery: Any = option(
        None,
        takes="a share from 0.1 to 1, or a pair of bounds",
        meaning="charge of the battery at the start; `None`: as the model has it, full",
    )
    sensors: Any = option(
        None,
        takes='a mapping with "position_noise", "velocity_noise", "latency", "attitude_noise", "attitude_bias", '
        '"rate_noise", "rate_bias"',
        meaning="noise and bias of inertial unit and motion capture, and by how many periods that is late",
    )
    view: Any = option(
        "charts",
        takes='"charts", "room" or "chase", or "charts" and one of them',
        meaning="what pictures show: charts, the drones seen from a corner of the room or from behind the first",
    )
    track: Any = option(
        "oval",
        takes='"oval", "eight", a track file (.toml) or a mapping',
        meaning="the gates",
    )
    spread: float = option(
        1.0, takes="m", meaning="half the width of the box of waypoints, and its height"
    )
    reach: float = option(
        0.15, takes="m", meaning="distance at which a waypoint, a place or a goal is reached"
    )
    speed: float = option(
        1.0, takes="m/s", meaning="largest level speed that is commanded, or of the pad"
    )
    interval: float = option(2.0, takes="s", meaning="time for which a velocity is commanded")
    pad_radius: float = option(0.2, takes="m", meaning="radius of the pad")
    touch_speed: float = option(
        0.6, takes="m/s", meaning="speed over the pad from which coming down is a crash"
    )
    height: float = option(1.0, takes="m", meaning="height of the place that is to be risen to")
    hold: float = option(1.0, takes="s", meaning="time for which that place is to be held")
    pillars: int = option(8, takes="1 to 64", meaning="pillars in the field")
    pillar_radius: Any = option(
        (0.12, 0.25), takes="m, or a pair of bounds", meaning="radius of a pillar, drawn for each"
    )
    field: Any = option(
        (4.0, 3.0), takes="(length, width) in m", meaning="where pillars stand and drones may fly"
    )
    gap: float = option(0.45, takes="m", meaning="least free way between two pillars")
    beams: int = option(16, takes="1 to 256", meaning="rays of the depth camera that are observed")
    beam_angle: float = option(
        2.1, takes="rad, up to 3", meaning="level angle between the first ray and the last"
    )
    sight: float = option(3.0, takes="m, up to 20", meaning="how far these rays see")
    path: Any = option(None, takes='a kind, or a mapping with "kind"', meaning="way of the target")
    yaw: Any = option(
        None,
        takes='rad, a pair of bounds, "velocity", "path", or rows of (t, yaw)',
        meaning="heading that is wanted; `None`: none is, and none is observed or paid for",
    )
    drones: int = option(2, takes="2 to 100", meaning="number of drones")
    spacing: float | None = option(
        None,
        takes="m",
        meaning="distance of the targets from their centre, or of a follower from the one before it; `None`: so far "
        "that no two start in each other",
    )
    offsets: Any = option(
        None,
        takes="m, rows of (x, y, z), one for each follower",
        meaning="places of the followers beside the leader; `None`: a wedge behind it",
    )
    way: float = option(0.6, takes="m", meaning="half the length of the lines")
    period: float = option(6.0, takes="s", meaning="time of flying to and fro once")
    apart: float | None = option(
        None, takes="m", meaning="height from one line to the next; `None`: by the vehicle's size"
    )
    arena: float = option(3.0, takes="m", meaning="radius of the evader's arena, and its height")
    evader_speed: float = option(1.5, takes="m/s", meaning="largest speed of the evader")
    evader_acceleration: float = option(
        4.0, takes="m/s^2", meaning="largest acceleration of the evader"
    )
    catch: float | None = option(
        None,
        takes="m",
        meaning="distance at which the evader is caught; `None`: by the vehicle's size",
    )
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
    error_scale: float | None = option(None, takes="m or m/s", meaning="error that earns nothing")
    weights: Mapping[str, float] | None = option(
        None,
        takes="a mapping from the names of the reward terms, without the crash, to numbers",
        meaning="weights of the reward terms; those not named keep their default",
    )
    penalty_crash: float | None = option(
        None, takes="a number from 0", meaning="cost of a crash; `None`: see Rewards"
    )


#: What an action of 1 stands for: a share of the hover speed, rad/s, m/s, m from the target.
ACTION_RANGES = {"rotors": 0.4, "rates": 6.0, "velocity": 2.0, "position": 0.5, "sticks": 1.0}
#: Names of the numbers in a drone's action; of rotor speeds there are as many as rotors, :func:`action_names`.
ACTION_NAMES = {
    "rates": ("action_thrust", "action_roll_rate", "action_pitch_rate", "action_yaw_rate"),
    "velocity": ("action_velocity_x", "action_velocity_y", "action_velocity_z"),
    "position": ("action_position_x", "action_position_y", "action_position_z"),
    "sticks": ("action_roll", "action_pitch", "action_yaw", "action_throttle"),
}


def action_names(action: str, rotors: int) -> tuple[str, ...]:
    """Return the names of the numbers in the action of a drone with so many rotors."""
    if action == "rotors":
        return tuple(f"action_rotor_{i}" for i in range(rotors))
    return ACTION_NAMES[action]


UNITS = {"rotors": "1", "rates": "rad/s", "velocity": "m/s", "position": "m", "sticks": "1"}
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
    "sticks": (
        ("roll_to_the_right", "rad"),
        ("pitch_ahead", "rad"),
        ("yaw_rate_to_the_right", "rad/s"),
        ("motor_output", "1"),
    ),
}
THRUST_RANGE = 0.8  # of the weight, over it and under it
YAW_RANGE = 2.0  # rad/s
PATHS: dict[str, dict[str, float]] = {
    "circle": {"size": 0.5, "period": 5.0, "rise": 0.0},
    "lemniscate": {"size": 1.0, "period": 6.0, "rise": 0.0},
    "helix": {"size": 0.5, "period": 5.0, "rise": 0.25},
}


#: Keywords of tasks with several drones, and of tasks in which they swap places.
_SEVERAL = ("drones", "spacing", "neighbours", "neighbour_radius")
_SWAPS = ("formation", "swap_period")
#: Keywords that only some aims take, or only some groups.
_AIMED = tuple(dict.fromkeys(name for aim in AIMS.values() for name in aim.keywords))
_GROUPED = tuple(dict.fromkeys(name for group in GROUPS.values() for name in group.keywords))


_NOT_KEYWORDS = ("swaps", "aim", "group", "tells", "sticks", "horizon", "keywords")
#: Keywords of what is commanded, which is the sticks where an autopilot flies, and of Bullet's pictures.
_COMMANDED = ("action", "action_range", "observation", "image_size", "field_of_view", "yaw")


def option_set(task: Task) -> OptionSet[Options]:
    """Return the keyword arguments that a task takes, with its defaults."""
    taken = task.own.keywords if task.own else ("error_scale", "spacing")
    without = (
        (() if task.path else ("path",))
        + (() if task.drones > 1 else _SEVERAL)
        + (() if task.swaps else _SWAPS)
        + tuple(name for name in (*_AIMED, *_GROUPED) if name not in taken)
        + (("bound",) if task.aim == "velocity" else ())
        + (("start_velocity",) if task.aim == "lift" else ())
        # the depth camera looks along the nose; without one of its rotors a drone gives its heading up
        + (("yaw",) if task.aim == "field" or task.tells else ())
        + (_COMMANDED if task.sticks else ())
    )
    own = {f.name: getattr(task, f.name) for f in fields(task) if f.name not in _NOT_KEYWORDS}
    own |= dict(task.keywords)
    own["path"] = dict(task.path) if task.path else None
    own["spacing"] = None  # which follows from the task's, the vehicle and the number of drones
    return OptionSet(
        Options,
        without=without,
        defaults={name: value for name, value in own.items() if name not in without},
    )
