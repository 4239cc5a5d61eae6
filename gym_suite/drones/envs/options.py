"""What tasks there are, and what the keyword arguments and their defaults are, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from gym_suite.core.columns import Columns
from gym_suite.core.options import OptionSet, PlantOptions, option
from gym_suite.drones.aims import LANDING
from gym_suite.drones.columns import (
    CHASE_METRICS,
    CHASE_OBSERVATIONS,
    COURSE_METRICS,
    CROSS_METRICS,
    FIELD_METRICS,
    GATE_OBSERVATIONS,
    LEAD_METRICS,
    LIFT_METRICS,
    LIFT_STATE,
    PAD_METRICS,
    QUANTITIES,
    VELOCITY_METRICS,
    WAYPOINT_OBSERVATIONS,
)
from gym_suite.drones.groups import CATCH


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


_NOTHING = Columns()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a task with aims, or of a group, has of its own, as data; see :mod:`gym_suite.drones.aims` and ``groups``.

    Attributes:
        earns: Name of the first reward term, in place of "position".
        formula: What it is.
        keywords: Keyword arguments that the aim takes.
        unseen: Beginnings of the names of quantities that are not observed, for they would be constant.
        metrics: What ``info`` has besides.
        observes: What is observed of the aim, behind the last actions.
        remembers: What a drone remembers of it besides, before :data:`gym_suite.drones.columns.AIM_STATE`.
        success: Metric that is 1 in the step that ends an episode because all is done; empty: none does.
        each: What ``info`` has besides of each drone.
        heads: What ``yaw="velocity"`` is along, by a name of :data:`gym_suite.drones.headings.YAWS`: the target's
            velocity or the way to it; empty: there is neither.
    """

    earns: str
    formula: str
    keywords: tuple[str, ...]
    unseen: tuple[str, ...]
    metrics: Columns
    observes: Columns
    remembers: Columns = _NOTHING
    success: str = ""
    each: Columns = _NOTHING
    heads: str = ""


_PROGRESS = "weight * the metres by which the drone has come nearer"
#: By the names of :data:`gym_suite.drones.aims.AIMS`.
AIMS: Mapping[str, Aim] = MappingProxyType(
    {
        "waypoints": Aim(
            earns="progress",
            formula=_PROGRESS,
            keywords=("spread", "reach"),
            unseen=("target_",),
            metrics=Columns(*(c for c in COURSE_METRICS if c.name != "lap_time")),
            observes=WAYPOINT_OBSERVATIONS,
            heads="way",
        ),
        "gates": Aim(
            earns="progress",
            formula=_PROGRESS,
            keywords=("track",),
            unseen=("target_",),
            metrics=COURSE_METRICS,
            observes=GATE_OBSERVATIONS,
            heads="way",
        ),
        "velocity": Aim(
            earns="velocity",
            formula="weight * max(1 - |commanded velocity - velocity| / error_scale, 0)",
            keywords=("speed", "interval", "error_scale"),
            unseen=("error_", "target_acceleration_"),
            metrics=VELOCITY_METRICS,
            observes=Columns(),
            heads="velocity",
        ),
        "pad": Aim(
            earns="progress",
            formula=f"{_PROGRESS}, and {LANDING:g} metres more in the step that lands",
            keywords=("speed", "pad_radius", "touch_speed"),
            unseen=("target_acceleration_", "target_velocity_z"),
            metrics=PAD_METRICS,
            observes=Columns(),
            success="landed",
            heads="velocity",
        ),
        "lift": Aim(
            earns="position",
            formula=(
                "weight * max(1 - distance / error_scale, 0), and in the step that has held the place weight * the "
                "control periods that are left of the episode"
            ),
            keywords=("height", "reach", "hold", "error_scale"),
            unseen=("target_",),
            metrics=LIFT_METRICS,
            observes=Columns(),
            remembers=LIFT_STATE,
            success="reached",
        ),
        "field": Aim(
            earns="progress",
            formula=f"{_PROGRESS}, and {LANDING:g} metres more in the step that reaches the goal",
            keywords=(
                "reach",
                "pillars",
                "pillar_radius",
                "field",
                "gap",
                "beams",
                "beam_angle",
                "sight",
            ),
            unseen=("target_",),
            metrics=FIELD_METRICS,
            observes=Columns(),
            success="reached",
        ),
    }
)
_NEARNESS = "weight * max(1 - distance / error_scale, 0)"
#: By the names of :data:`gym_suite.drones.groups.GROUPS`.
GROUPS: Mapping[str, Aim] = MappingProxyType(
    {
        "lead": Aim(
            earns="position",
            formula=_NEARNESS,
            keywords=("spacing", "offsets", "error_scale"),
            unseen=("target_acceleration_",),
            metrics=LEAD_METRICS,
            observes=Columns(),
            heads="velocity",
        ),
        "cross": Aim(
            earns="position",
            formula=_NEARNESS,
            keywords=("way", "period", "apart", "error_scale"),
            unseen=("target_velocity_z", "target_acceleration_z"),
            metrics=Columns(),
            observes=Columns(),
            each=CROSS_METRICS,
            heads="velocity",
        ),
        "chase": Aim(
            earns="progress",
            formula="weight * the metres by which the drone has come nearer to the evader, and "
            f"{CATCH:g} metres more for each drone in the step in which one catches it",
            keywords=("spacing", "arena", "evader_speed", "evader_acceleration", "catch"),
            unseen=("target_acceleration_",),
            metrics=CHASE_METRICS,
            observes=CHASE_OBSERVATIONS,
            success="caught",
            heads="velocity",
        ),
    }
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
        spacing: Least radius of the ring by default, m; the vehicle's size and the number of drones may need more.
        swaps: Whether drones may swap their places on the ring.
        aim: What there is instead of a reference, by a name of :data:`AIMS`; empty: a reference.
        group: What several drones do together, by a name of :data:`GROUPS`; empty: nothing but hold their places.
        bound: Distance from the target that ends the episode by default, m.
        tells: Whether it is observed which rotor has lost how much.
        horizon: Control periods of an episode, with which the default penalty of a crash reckons.
        sticks: Whether actions are a transmitter's sticks, and an autopilot flies.
        keywords: Defaults of further keyword arguments, by name.
    """

    start_position: float
    start_velocity: float
    start_tilt: float
    error_scale: float = 1.0
    path: Mapping[str, Any] | None = None
    drones: int = 1
    spacing: float = 0.0
    swaps: bool = False
    aim: str = ""
    group: str = ""
    bound: float = 2.0
    tells: bool = False
    sticks: bool = False
    horizon: int = 480
    keywords: tuple[tuple[str, Any], ...] = ()

    @property
    def own(self) -> Aim | None:
        """What the task has of its own."""
        return AIMS[self.aim] if self.aim else GROUPS[self.group] if self.group else None

    @property
    def earning(self) -> bool:
        """Whether the first reward term is another one than nearness to a target of a path or a place."""
        return bool(self.aim) or self.group == "chase"

    @property
    def heads(self) -> str:
        """What ``yaw="velocity"`` is along, as :class:`Aim` has it."""
        return self.own.heads if self.own else "velocity" if self.path else ""

    @property
    def observed(self) -> tuple[str, ...]:
        """Names of the quantities that a drone observes; where the reference stays its motion would be zeros."""
        unseen = self.own.unseen if self.own else () if self.path else ("target_",)
        return tuple(name for name in QUANTITIES.names if not name.startswith(unseen))

    @property
    def weights(self) -> Mapping[str, float]:
        """Weights of the reward terms by default."""
        if self.own is None:
            return WEIGHTS
        first, *others = WEIGHTS.items()
        return dict([(self.own.earns, first[1]), *others])


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
        "leader_follower": Task(
            group="lead",
            path=MappingProxyType({"kind": "lemniscate", "period": 10.0, "rise": 0.1}),
            drones=3,
            spacing=0.5,
            start_position=0.1,
            start_velocity=0.1,
            start_tilt=0.1,
            error_scale=0.3,
        ),
        "crossing": Task(
            group="cross",
            drones=2,
            start_position=0.1,
            start_velocity=0.1,
            start_tilt=0.1,
            error_scale=0.3,
        ),
        "pursuit": Task(
            group="chase",
            drones=3,
            spacing=0.5,
            start_position=0.1,
            start_velocity=0.1,
            start_tilt=0.1,
            bound=8.0,
        ),
        "waypoints": Task(
            aim="waypoints", start_position=0.3, start_velocity=0.3, start_tilt=0.2, bound=4.0
        ),
        "gates": Task(
            aim="gates", start_position=0.1, start_velocity=0.1, start_tilt=0.1, bound=4.0
        ),
        "velocity": Task(aim="velocity", start_position=0.2, start_velocity=0.3, start_tilt=0.2),
        "landing": Task(
            aim="pad",
            start_position=0.4,
            start_velocity=0.3,
            start_tilt=0.2,
            bound=4.0,
            keywords=(("speed", 0.5),),
        ),
        "take_off": Task(
            aim="lift",
            start_position=0.3,
            start_velocity=0.0,
            start_tilt=1.0,
            error_scale=1.5,
        ),
        "obstacles": Task(
            aim="field",
            start_position=0.2,
            start_velocity=0.2,
            start_tilt=0.1,
            bound=8.0,
        ),
        "rotor_failure": Task(
            tells=True,
            horizon=1920,
            start_position=0.2,
            start_velocity=0.2,
            start_tilt=0.1,
            bound=4.0,
            keywords=(
                ("vehicle", "race"),
                ("control_frequency", 240),
                ("action_range", 1.0),
                ("failure", {"effectiveness": 0.0, "time": (0.0, 0.25), "yaw_drag": 2.5e-3}),
                ("weights", {"rates": 0.0}),
            ),
        ),
        "autopilot": Task(
            sticks=True,
            path=_CIRCLE,
            start_position=0.1,
            start_velocity=0.1,
            start_tilt=0.1,
            error_scale=0.3,
            keywords=(("vehicle", "race"), ("engine", "betaflight")),
        ),
    }
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
WEIGHTS = {"position": 1.0, "rates": 0.02, "effort": 0.0, "smoothness": 0.0}
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
