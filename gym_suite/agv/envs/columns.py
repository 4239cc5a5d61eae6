"""The columns of a setup: state, action, observation, metrics, parameters; and the tables that fill the last ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np

from gym_suite.agv.columns import (
    BODY,
    OBSERVED,
    OBSERVED_DOCK,
    OBSERVED_LAYOUT,
    OBSTACLE,
    QUANTITIES,
    STATES,
    VIEWS,
    WORLD,
    Observed,
)
from gym_suite.agv.parameters import PARAMETERS, Vehicle, vehicle_source
from gym_suite.agv.tasks import METRICS, SHOWN
from gym_suite.core.columns import Column, Columns
from gym_suite.core.marks import Total

#: Columns that follow another one where only that is written by hand.
FOLLOWERS = {
    "odometry_x": "x",
    "odometry_y": "y",
    "odometry_theta": "theta",
    "wheel_v": "v",
    "wheel_omega": "omega",
}


def state_columns(values: Mapping[str, float], agents: tuple[str, ...]) -> Columns:
    """Return the columns of a row: the world's, those of obstacles, then a block per vehicle.

    Args:
        values: The nominal parameters by name.
        agents: Names of the vehicles; empty for a lone one.
    """
    width, height = 2.0 * values["map_x"], 2.0 * values["map_y"]
    high = {"x": width, "y": height, "goal_x": width, "goal_y": height}
    high |= {"payload": values["payload_limit"], "layout": values["layouts"] - 1}

    def block(columns: Columns, prefix: str) -> list[Column]:
        return [replace(c, name=prefix + c.name, high=high.get(c.name, c.high)) for c in columns]

    found = block(WORLD, "")
    for k in range(int(values["obstacles"])):
        found += block(OBSTACLE, f"obstacle_{k}_")
    for agent in agents or ("",):
        found += block(STATES, f"{agent}_" if agent else "")
    return Columns(*found)


def follow_injected(
    agents: tuple[str, ...], x: np.ndarray, mask: np.ndarray, names: set[str]
) -> None:
    """Let odometry follow a pose that was written into the state, and wheels a speed, unless they were named too.

    Args:
        agents: Names of the vehicles; empty for a lone one.
        x: States, (rows, columns).
        mask: Rows that were written into.
        names: Columns that were written.
    """
    vehicles = agents or ("",)
    for i, agent in enumerate(vehicles):
        prefix = f"{agent}_" if agent else ""
        first = x.shape[1] - (len(vehicles) - i) * len(STATES)
        for follower, leader in FOLLOWERS.items():
            if prefix + leader in names and prefix + follower not in names:
                x[mask, first + BODY.index(follower)] = x[mask, first + BODY.index(leader)]


def observed(values: Mapping[str, float]) -> tuple[Observed, ...]:
    """Return what follows the lidar's ranges in an observation.

    Args:
        values: The nominal parameters by name.
    """
    dock = OBSERVED_DOCK if values["dock"] else ()
    return (*OBSERVED, *dock, *(OBSERVED_LAYOUT if values["layouts"] > 1 else ()))


def observation_columns(values: Mapping[str, float]) -> Columns:
    """Return the columns of one vehicle's observation.

    Args:
        values: The nominal parameters by name.
    """
    meaning, reach = "range of a beam, from the right rear on", values["lidar_range"]
    columns = [
        Column(f"lidar_{j}", "m", 0, 1, meaning, reach) for j in range(int(values["lidar_beams"]))
    ]
    columns += [
        Column(
            seen.name,
            QUANTITIES[seen.quantity].unit,
            *_bounds(seen),
            seen.meaning,
            values[seen.scale] if seen.scale else 1.0,
        )
        for seen in observed(values)
    ]
    return Columns(*columns)


def observed_table(values: Mapping[str, float]) -> np.ndarray:
    """Return how quantities become what follows the ranges in an observation, ``VIEWS``, (columns, 5).

    Args:
        values: The nominal parameters by name.
    """
    rows = [
        (
            QUANTITIES.index(seen.quantity),
            values[seen.middle] if seen.middle else 0.0,
            values[seen.scale] if seen.scale else 1.0,
            *_bounds(seen),
        )
        for seen in observed(values)
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, len(VIEWS))


def _bounds(seen: Observed) -> tuple[float, float]:
    return -seen.bound if seen.low is None else seen.low, seen.bound


def shown_table() -> np.ndarray:
    """Return the places of the quantities that are metrics of a lone vehicle, int64."""
    return np.array([QUANTITIES.index(name) for name in SHOWN], dtype=np.int64)


def action_columns(values: Mapping[str, float]) -> Columns:
    """Return the columns of one vehicle's action.

    Args:
        values: The nominal parameters by name.
    """
    if values["wheels"]:
        scale = values["wheel_limit"]
        return Columns(
            Column("wheel_left", "rad/s", -1, 1, "speed of the left wheel", scale),
            Column("wheel_right", "rad/s", -1, 1, "speed of the right wheel", scale),
        )
    return Columns(
        Column("v", "m/s", -1, 1, "speed", values["v_limit"]),
        Column("omega", "rad/s", -1, 1, "yaw rate", values["omega_limit"]),
    )


def metric_columns(agents: int) -> Columns:
    """Return the columns of ``info`` for a number of vehicles."""
    high = {"arrived": agents, "clipped": 2 * agents}
    shared = [replace(column, high=high.get(column.name, column.high)) for column in METRICS]
    if agents > 1:
        return Columns(*shared)
    return Columns(*shared, *(QUANTITIES[name] for name in SHOWN))


def totals(agents: int) -> tuple[Total, ...]:
    """Return the figures of a whole episode for a number of vehicles; a fleet's metrics do not say who is where."""
    clearance = Total(
        name="LeastClearance",
        columns=("clearance",),
        how="least",
        unit="m",
        label="Least clearance",
        meaning="smallest gap to anything; of the episodes that came to their goal",
        lower=False,
    )
    way = Total(
        name="PathLength",
        columns=("x", "y"),
        how="way",
        unit="m",
        label="Path length",
        meaning="of the episodes that came to their goal",
        lower=True,
    )
    return (clearance,) if agents > 1 else (way, clearance)


def parameter_columns(vehicle: Vehicle) -> Columns:
    """Return the parameter columns with the sources of this vehicle's numbers."""
    names = {field.name for field in fields(Vehicle)}
    return Columns(
        *(
            replace(c, source=vehicle_source(vehicle, c.name)) if c.name in names else c
            for c in PARAMETERS
        )
    )
