"""Vehicles and sensors as data, each number with its source, and the layout of a row of parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.parameters import build, check_number, parameter, validate

_MIR = "DFKI-NI/mir_robot, mir_description and mir_navigation"
_MIR_SIZE = "manufacturer's data sheet, quoted from memory and not checked again"
_OURS = "ours: no published figure"
_NEO = "neobotix-docs.de, MP-500, mechanical properties"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A differential-drive vehicle whose footprint is a box about its drive axle's centre.

    The default is the MiR100. ``drive_force`` bounds acceleration with a payload: (mass + payload) a.

    Raises:
        ValueError: If a number is out of bounds.
    """

    length: float = parameter(0.89, unit="m", meaning="length", above=0.0, source=_MIR_SIZE)
    width: float = parameter(0.58, unit="m", meaning="width", above=0.0, source=_MIR_SIZE)
    wheel_radius: float = parameter(
        0.0625, unit="m", meaning="drive wheel radius", above=0.0, source=_MIR
    )
    half_track: float = parameter(
        0.2226, unit="m", meaning="half the distance of the drive wheels", above=0.0, source=_MIR
    )
    mass: float = parameter(77.0, unit="kg", meaning="mass", above=0.0, source=_MIR)
    payload_limit: float = parameter(
        100.0, unit="kg", meaning="largest payload", above=0.0, source=_MIR_SIZE
    )
    v_limit: float = parameter(1.0, unit="m/s", meaning="highest speed", above=0.0, source=_MIR)
    omega_limit: float = parameter(
        1.5, unit="rad/s", meaning="highest yaw rate", above=0.0, source=_MIR
    )
    wheel_limit: float = parameter(
        24.0, unit="rad/s", meaning="highest wheel speed", above=0.0, source=_OURS
    )
    acceleration: float = parameter(
        1.5, unit="m/s^2", meaning="highest acceleration", above=0.0, source=_MIR
    )
    deceleration: float = parameter(
        2.0, unit="m/s^2", meaning="highest deceleration", above=0.0, source=_MIR
    )
    alpha: float = parameter(
        2.0, unit="rad/s^2", meaning="highest yaw acceleration", above=0.0, source=_MIR
    )
    jerk: float = parameter(
        30.0, unit="m/s^3", meaning="highest jerk (0: no limit)", low=0.0, source=_OURS
    )
    lag: float = parameter(
        0.05, unit="s", meaning="time constant of the speed loop", low=0.0, source=_OURS
    )
    drive_force: float = parameter(
        180.0, unit="N", meaning="largest force of the drive", above=0.0, source=_OURS
    )
    mu: float = parameter(
        0.6, unit="1", meaning="friction of the drive wheels on the floor", above=0.0, source=_OURS
    )
    drive_share: float = parameter(
        0.5,
        unit="1",
        meaning="part of the weight on the drive wheels",
        above=0.0,
        high=1.0,
        source=_OURS,
    )
    odometry_error: float = parameter(
        0.01,
        unit="1",
        meaning="largest relative error of wheel radii and track in odometry",
        low=0.0,
        high=0.5,
        source="order of magnitude of Borenstein, Feng, IEEE Trans. Robot. Autom. 12(6), 1996",
    )

    def __post_init__(self) -> None:
        validate(self)

    @property
    def reach(self) -> float:
        """Distance from the centre to a corner, m."""
        return 0.5 * math.hypot(self.length, self.width)


VEHICLES: Mapping[str, Vehicle] = MappingProxyType(
    {
        "MiR100": Vehicle(),
        "MiR250": Vehicle(
            length=0.8,
            width=0.58,
            wheel_radius=0.1,
            half_track=0.2015,
            mass=97.0,
            payload_limit=250.0,
            v_limit=2.0,
            omega_limit=1.5,
            wheel_limit=25.0,
            drive_force=350.0,
        ),
        "MP-500": Vehicle(
            length=0.823,
            width=0.592,
            wheel_radius=0.13,
            half_track=0.2535,
            mass=80.0,
            payload_limit=80.0,
            v_limit=1.5,
            omega_limit=1.5,
            wheel_limit=1800.0 / 12.0 * math.pi / 30.0,
            acceleration=2.4,
            deceleration=2.4,
            alpha=2.5,
            drive_force=2 * 2.85 * 12.0 / 0.13,
        ),
    }
)
_SOURCED = ("MiR100", "MiR250", "MP-500")  # presets whose sources vehicle_source tells
_MIR250_DATA = ("length", "width", "payload_limit", "v_limit")
_MP500_OURS = ("half_track", "mass", "omega_limit", "alpha")


def vehicle_source(vehicle: Vehicle, name: str) -> str:
    """Return where a number of a vehicle comes from."""
    declared = {field.name: field.metadata["source"] for field in fields(Vehicle)}
    names = list(declared)
    # The preset that it was built on is the one with which it has most numbers in common.
    alike = {
        key: sum(getattr(value, other) == getattr(vehicle, other) for other in names)
        for key, value in VEHICLES.items()
    }
    preset = max(alike, key=lambda key: alike[key])
    if getattr(vehicle, name) != getattr(VEHICLES[preset], name):
        return "user"
    if preset not in _SOURCED:
        raise LookupError(f"vehicle_source does not know where the numbers of {preset} come from")
    if preset == "MiR250" and name in _MIR250_DATA:
        return _MIR_SIZE
    if preset == "MP-500" and declared[name] != _OURS and name != "odometry_error":
        return f"{_OURS} or estimated" if name in _MP500_OURS else _NEO
    if preset == "MP-500" and name in ("wheel_limit", "drive_force"):
        return f"{_NEO}: motor 1800 rpm and 2.85 Nm, gear 8:1, belt 1.5:1"
    return declared[name]


def build_vehicle(value: object) -> Vehicle:
    """Return a vehicle from a preset's name, a mapping of overrides, or a :class:`Vehicle`.

    Raises:
        ValueError: For an unknown preset or parameter (naming the nearest) or a value out of bounds.
        TypeError: For anything else.
    """
    return build(Vehicle, value, sets=VEHICLES, default="MiR100", what="vehicle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lidar:
    """A planar laser scanner in the vehicle's centre; the default is a thinned SICK S300.

    Raises:
        ValueError: If a number is out of bounds; zero beams are refused.
    """

    beams: int = parameter(
        108, unit="1", meaning="beams", low=1, high=4096, integer=True, source=_OURS
    )
    fov: float = parameter(
        2.0 * math.pi, unit="rad", meaning="field of view", above=0.0, high=2.0 * math.pi,
        source="two scanners at opposite corners see all around; " + _MIR,
    )  # fmt: skip
    range: float = parameter(10.0, unit="m", meaning="largest range", above=0.0, source=_OURS)
    noise: float = parameter(
        0.0, unit="m", meaning="standard deviation of a range", low=0.0,
        source=f"0.01 m in {_MIR}; off by default",
    )  # fmt: skip
    dropout: float = parameter(
        0.0, unit="1", meaning="probability that a beam reports its largest range", low=0.0,
        high=1.0, source=_OURS,
    )  # fmt: skip

    def __post_init__(self) -> None:
        validate(self)


def build_lidar(value: object) -> Lidar:
    """Return a lidar from None, a mapping of overrides, a number of beams, or a :class:`Lidar`.

    Raises:
        ValueError: For an unknown parameter (naming the nearest) or a value out of bounds.
        TypeError: For anything else.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        value = {"beams": value}
    return build(Lidar, value, sets={"default": Lidar()}, default="default", what="lidar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Numbers of a floor and of what is asked on it, each a keyword of its own."""

    cell: float = parameter(0.5, unit="m", meaning="size of a map cell", low=0.01)
    least_distance: float = parameter(
        4.0, unit="m", meaning="least distance from start to target", low=0.0
    )
    obstacle_radius: float = parameter(
        0.3, unit="m", meaning="radius of a moving obstacle", above=0.0
    )
    obstacle_speed: float = parameter(
        0.4, unit="m/s", meaning="speed of a moving obstacle", low=0.0
    )
    target_speed: float = parameter(0.3, unit="m/s", meaning="speed of a moving target", low=0.0)
    goal_radius: float = parameter(
        0.5, unit="m", meaning="distance at which a target counts as reached", above=0.0
    )
    goal_angle: float = parameter(
        0.05, unit="rad", meaning="heading error allowed at a dock", above=0.0, high=math.pi
    )
    goal_speed: float = parameter(
        0.05,
        unit="m/s",
        meaning="sum of speed and yaw rate (rad/s) allowed at a dock",
        above=0.0,
    )
    dt: float = parameter(0.1, unit="s", meaning="control period", above=0.0, high=1.0)
    substeps: int = parameter(
        4, meaning="steps of the physics in a control period", low=1, high=1000, integer=True
    )


def read_rules(given: Any) -> dict[str, float]:
    """Return the numbers of :class:`Rules` by name, read from an object that has them.

    Raises:
        ValueError: For one out of bounds, naming it.
    """
    return {
        field.name: check_number(
            field.name,
            getattr(given, field.name),
            **{key: field.metadata[key] for key in ("low", "high", "above", "integer")},
        )
        for field in fields(Rules)
    }


#: Weights of the reward: unit, value with ``reward="dense"`` (with "sparse" all are 0), meaning. A reward term is a row
#: here and a :class:`~gym_suite.core.columns.Term` with its value in :mod:`gym_suite.agv.tasks`.
WEIGHTS: Mapping[str, tuple[str, float, str]] = MappingProxyType(
    {
        "progress": ("1/m", 0.05, "weight of coming nearer"),
        "clearance": ("1", 0.002, "weight of coming close to obstacles"),
        "smoothness": ("1", 0.0005, "weight of the squared change of the action"),
        "time": ("1", 0.0005, "cost of a step"),
    }
)

_FLOOR = Columns(
    Column("payload_low", "kg", 0, meaning="lowest payload drawn at a reset"),
    Column("payload_high", "kg", 0, meaning="highest payload drawn at a reset"),
    Column("wheels", "1", 0, 1, "1: the action is two wheel speeds; 0: speed and yaw rate"),
    Column("layouts", "1", 1, meaning="number of layouts a reset draws from"),
    Column("paired", "1", 0, 1, "1: each start has a target of its own"),
    Column("agents", "1", 1, meaning="number of vehicles"),
    Column("obstacles", "1", 0, meaning="number of moving obstacles"),
    Column("dock", "1", 0, 1, "1: the target is a pose in front of a wall"),
    Column("odometry", "1", 0, 1, "1: observations tell the pose by odometry"),
    Column("reward_goal", "1", 0, meaning="reward of reaching the target"),
    Column("reward_collision", "1", 0, meaning="penalty of a collision"),
    *(
        Column(f"weight_{name}", unit, 0, meaning=about)
        for name, (unit, _, about) in WEIGHTS.items()
    ),
    Column("scale_x", "m", 0, meaning="half the map's larger side: full scale of positions"),
    Column("scale_goal", "m", 0, meaning="full scale of the distance to the target"),
    Column("map_x", "m", meaning="middle of the map along x"),
    Column("map_y", "m", meaning="middle of the map along y"),
    Column("last_layout", "1", 0, meaning="number of the last layout"),
)

PARAMETERS = Columns.of(Vehicle) + Columns.of(Lidar, "lidar_") + Columns.of(Rules) + _FLOOR
#: Places of the parameters in a row.
P = PARAMETERS.places
#: What ``mismatch=`` may touch; sizes are not among them, for a start must stay free.
PLANT_PARAMETERS = (
    "mass", "acceleration", "deceleration", "alpha", "lag", "drive_force", "mu",
)  # fmt: skip
