"""What tasks there are, as data: what drones start from, are to do and earn, and the defaults of keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gym_suite.core.columns import Columns
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

#: Weights of the reward terms by default.
WEIGHTS = {"position": 1.0, "rates": 0.02, "effort": 0.0, "smoothness": 0.0}
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
