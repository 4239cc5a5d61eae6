"""The keyword arguments of the family's environments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from gym_suite.agv.maps import LAYOUTS
from gym_suite.agv.parameters import VEHICLES, WEIGHTS, Rules
from gym_suite.core.options import OptionSet, PlantOptions, option

#: The weights of ``reward="dense"``; with "sparse" all are 0.
DENSE: Mapping[str, float] = MappingProxyType(
    {name: value for name, (_, value, _) in WEIGHTS.items()}
)
ENGINES = ("compiled", "bullet")
_RULES = {field.name: field for field in fields(Rules)}


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _rule(name: str) -> Any:
    """Return the option of a number that :class:`gym_suite.agv.parameters.Rules` declares."""
    about = _RULES[name].metadata
    unit = "" if about["unit"] == "1" else about["unit"]
    return option(_RULES[name].default, takes=unit, meaning=about["meaning"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(PlantOptions):
    """The keyword arguments of the family's environments and their defaults."""

    vehicle: Any = option(
        "MiR100",
        takes=", ".join(f'"{name}"' for name in VEHICLES)
        + ", a mapping of overrides or a `Vehicle`",
        meaning="the vehicle",
    )
    lidar: Any = option(
        None,
        takes="a number of beams, a mapping of overrides or a `Lidar`",
        meaning="the lidar; by default of 108 beams",
    )
    layout: Any = option(
        "simple",
        takes=_quoted(LAYOUTS) + ", a drawing, a file, a mapping or a `Layout`",
        meaning="the map",
    )
    cell: float = _rule("cell")
    starts: Any = option(
        None, takes="poses (x, y, heading)", meaning="where starts are drawn; by default the map's"
    )
    goals: Any = option(
        None, takes="poses (x, y, heading)", meaning="where targets are drawn; by default the map's"
    )
    least_distance: float = _rule("least_distance")
    moving_target: bool = option(False, meaning="whether targets walk about")
    moving_obstacles: int | bool = option(
        0, takes="a number, or True for 4", meaning="number of obstacles that walk about"
    )
    obstacle_radius: float = _rule("obstacle_radius")
    obstacle_speed: float = _rule("obstacle_speed")
    target_speed: float = _rule("target_speed")
    goal_radius: float = _rule("goal_radius")
    dock: bool = option(False, meaning="whether targets are poses to be reached within tolerances")
    goal_angle: float = _rule("goal_angle")
    goal_speed: float = _rule("goal_speed")
    payload: Any = option(
        None,
        takes="kg, or (lowest, highest)",
        meaning="the payload, drawn at each reset; by default up to the vehicle's limit",
    )
    action: str = option(
        "twist",
        takes='"twist" or "wheels"',
        meaning="whether an action is speed and yaw rate or the speeds of both wheels",
    )
    localization: str = option(
        "truth", takes='"truth" or "odometry"', meaning="how observations know the pose"
    )
    reward: str = option("sparse", takes='"sparse" or "dense"', meaning="the weights of the reward")
    weights: Mapping[str, float] | None = option(
        None,
        takes="a mapping from " + ", ".join(f"`{name}`" for name in DENSE) + " to numbers",
        meaning='weights that differ from those of `reward`, which with "dense" are '
        + ", ".join(f"{value:g} for {name}" for name, value in DENSE.items())
        + ', with "sparse" 0',
    )
    agents: int = option(1, takes="2 to 50", meaning="number of vehicles")
    dt: float = _rule("dt")
    substeps: int = _rule("substeps")
    engine: str = option("compiled", takes='"compiled"', meaning="who moves the vehicles")


#: What an id of one vehicle takes, and one of several.
ONE = OptionSet(Options, without=("agents",))
SEVERAL = OptionSet(Options)
