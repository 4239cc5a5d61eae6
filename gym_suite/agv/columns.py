"""The row of a floor: the world's own columns, then a block for each vehicle; what is shown of it; the shared tables.

A row holds ``WORLD``, an ``OBSTACLE`` for each moving obstacle, then ``STATES`` for each vehicle, physics (``BODY``)
before the task's (``TASK_STATE``). At the end of a step each vehicle's block and what follows from it (``DERIVED``)
stand side by side in one row of SI quantities, from which observations and metrics are gathered by tables.
"""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass

from gym_suite.agv.parameters import P
from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel

# --------------------------------------------------------------------------------------------------------------- states

#: What a vehicle is about; the last two are off the floor: nothing sees or meets them.
DRIVING, ARRIVED, COLLIDED, LEFT_ARRIVED, LEFT_COLLIDED = range(5)

WORLD = Columns(Column("layout", "1", 0, meaning="number of the layout", whole=True))
OBSTACLE = Columns(
    Column("x", "m", 0, meaning="position of a moving obstacle"),
    Column("y", "m", 0, meaning="position of a moving obstacle"),
    Column("theta", "rad", meaning="where a moving obstacle goes"),
)
BODY = Columns(
    Column("x", "m", 0, meaning="position of the drive axle's centre"),
    Column("y", "m", 0, meaning="position of the drive axle's centre"),
    Column("theta", "rad", meaning="heading"),
    Column("v", "m/s", meaning="speed along the heading"),
    Column("omega", "rad/s", meaning="yaw rate"),
    Column("v_lateral", "m/s", meaning="speed across the heading (sliding)"),
    Column("wheel_v", "m/s", meaning="speed that the wheels roll"),
    Column("wheel_omega", "rad/s", meaning="yaw rate that the wheels roll"),
    Column("wheel_a", "m/s^2", meaning="acceleration of the wheels"),
    Column("wheel_alpha", "rad/s^2", meaning="yaw acceleration of the wheels"),
    Column("odometry_x", "m", meaning="position by odometry"),
    Column("odometry_y", "m", meaning="position by odometry"),
    Column("odometry_theta", "rad", meaning="heading by odometry"),
    Column("error_v", "1", meaning="relative error of odometry's speed"),
    Column("error_omega", "1", meaning="relative error of odometry's yaw rate"),
    Column("payload", "kg", 0, meaning="payload"),
    Column("slip", "m/s", meaning="speed of the wheels' contact over the floor"),
    Column(
        "status",
        "1",
        DRIVING,
        LEFT_COLLIDED,
        "0 driving, 1 arrived, 2 collided; 3, 4: the same, and gone",
        whole=True,
    ),
)
TASK_STATE = Columns(
    Column("goal_x", "m", 0, meaning="target position"),
    Column("goal_y", "m", 0, meaning="target position"),
    Column("goal_theta", "rad", meaning="target heading, or where a moving target goes"),
    Column("action_0", "1", -1, 1, "first element of the last action"),
    Column("action_1", "1", -1, 1, "second element of the last action"),
    Column("change", "1", meaning="squared change of the action"),
    Column("distance_before", "m", meaning="distance to the target before the step"),
    Column("clipped", "1", meaning="elements of the action that were outside [-1, 1]"),
)
STATES = BODY + TASK_STATE

W, OB, B, X = WORLD.places, OBSTACLE.places, BODY.places, STATES.places
#: Numbers of the world, of a moving obstacle and of a vehicle.
WORLD_SIZE, OBSTACLE_SIZE, VEHICLE_SIZE = len(WORLD), len(OBSTACLE), len(STATES)


@kernel
def first_vehicle(p):
    """Return the place of the first vehicle's block: behind the world's own columns and the obstacles."""
    return WORLD_SIZE + OBSTACLE_SIZE * int(p[P.obstacles])


# ------------------------------------------------------------------------------------------------- quantities and views

DERIVED = Columns(
    Column("clearance", "m", 0, meaning="least range seen, less half the width"),
    Column("goal_distance", "m", 0, meaning="distance to the target"),
    Column("goal_angle", "rad", -math.pi, math.pi, "turn to the target's heading"),
    Column("odometry_error", "m", 0, meaning="distance of odometry from the truth"),
    Column("seen_x", "m", meaning="position as the vehicle knows it"),
    Column("seen_y", "m", meaning="position as the vehicle knows it"),
    Column("seen_distance", "m", 0, meaning="distance to the target as the vehicle knows it"),
    Column("seen_bearing_cos", "1", -1, 1, "cosine of the target's bearing as it knows it"),
    Column("seen_bearing_sin", "1", -1, 1, "sine of the target's bearing as it knows it"),
    Column("seen_heading_cos", "1", -1, 1, "cosine of the heading as it knows it"),
    Column("seen_heading_sin", "1", -1, 1, "sine of the heading as it knows it"),
    Column("seen_turn_cos", "1", -1, 1, "cosine of the turn to the target's heading"),
    Column("seen_turn_sin", "1", -1, 1, "sine of the turn to the target's heading"),
    Column("layout", "1", 0, meaning="number of the layout", whole=True),
)
QUANTITIES = STATES + DERIVED
Q = QUANTITIES.places
QUANTITY_SIZE = len(QUANTITIES)


@dataclass(frozen=True, slots=True)
class Observed:
    """One column of an observation: a quantity, shifted to a middle, as a part of its full scale, within bounds.

    Attributes:
        name: Name of the column.
        quantity: Which of ``QUANTITIES`` it shows.
        meaning: One line for the documentation.
        bound: Largest part of full scale that it shows; smaller ones than -bound are not shown either.
        scale: Parameter that is full scale; empty: 1.
        middle: Parameter that is shown as 0; empty: 0.
        low: Smallest part of full scale, where that is not -bound.
    """

    name: str
    quantity: str
    meaning: str
    bound: float = 1.0
    scale: str = ""
    middle: str = ""
    low: float | None = None


#: A speed may overshoot its limit by half of it before an observation is cut.
SPEED_BOUND = 1.5
#: What every vehicle observes behind its lidar's ranges.
OBSERVED = (
    Observed(
        "goal_distance", "seen_distance", "distance of the target", 1.0, "scale_goal", low=0.0
    ),
    Observed("goal_cos", "seen_bearing_cos", "cosine of the target's bearing"),
    Observed("goal_sin", "seen_bearing_sin", "sine of the target's bearing"),
    Observed("v", "v", "speed", SPEED_BOUND, "v_limit"),
    Observed("omega", "omega", "yaw rate", SPEED_BOUND, "omega_limit"),
    Observed("payload", "payload", "payload", 1.0, "payload_limit", low=0.0),
    Observed("last_action_0", "action_0", "first element of the last action"),
    Observed("last_action_1", "action_1", "second element of the last action"),
    Observed("pose_x", "seen_x", "position from the map's middle", 1.0, "scale_x", "map_x"),
    Observed("pose_y", "seen_y", "position from the map's middle", 1.0, "scale_x", "map_y"),
    Observed("heading_cos", "seen_heading_cos", "cosine of the heading"),
    Observed("heading_sin", "seen_heading_sin", "sine of the heading"),
)
#: What is appended where targets are docks, and then where there are several layouts.
OBSERVED_DOCK = (
    Observed("dock_cos", "seen_turn_cos", "cosine of the turn to the dock's heading"),
    Observed("dock_sin", "seen_turn_sin", "sine of the turn to the dock's heading"),
)
OBSERVED_LAYOUT = (
    Observed("layout", "layout", "number of the layout", 1.0, "last_layout", low=0.0),
)
#: Places behind the beams of what every vehicle observes, and of the dock's.
S = namedtuple("Seen", [seen.name for seen in (*OBSERVED, *OBSERVED_DOCK)])(
    *range(len(OBSERVED) + len(OBSERVED_DOCK))
)

# --------------------------------------------------------------------------------------------------- tables and streams

VIEWS = Columns(
    Column("quantity", meaning="place among the quantities", whole=True),
    Column("middle", meaning="value that is shown as 0"),
    Column("scale", meaning="what is shown as 1 more"),
    Column("low", meaning="smallest value shown"),
    Column("high", meaning="largest value shown"),
)
VIEW = VIEWS.places

#: The read-only arrays that all rows share, in their order.
TABLES = Columns(
    Column("grid", meaning="1 where a cell is occupied, uint8 (layouts, rows, columns)"),
    Column("room", meaning="cells to the nearest occupied one, uint8 (layouts, rows, columns)"),
    Column("edges", meaning="sides of the walls, a's and b's x and y, (layouts, sides, 4)"),
    Column("spots", meaning="places to start from or go to: x, y, heading (NaN: any), (spots, 3)"),
    Column("spans", meaning="which of them are a layout's, SPANS, int64 (layouts, 5)"),
    Column("beams", meaning="unit directions of the lidar's beams, (2, beams)"),
    Column("observed", meaning="what follows the ranges in an observation, VIEWS, (columns, 5)"),
    Column("shown", meaning="quantities that are metrics of a lone vehicle, int64 (metrics,)"),
    Column("signals", meaning="disturbances, one a channel; no rows where there are none"),
    Column("signal_tables", meaning="the tables of these signals"),
)
# Only a plain whole number can be a place in a tuple of unlike arrays, for each place has a type of its own.
T_GRID, T_ROOM, T_EDGES = map(TABLES.index, ("grid", "room", "edges"))
T_SPOTS, T_SPANS, T_BEAMS = map(TABLES.index, ("spots", "spans", "beams"))
T_OBSERVED, T_SHOWN = map(TABLES.index, ("observed", "shown"))
T_SIGNALS, T_SIGNAL_TABLES = map(TABLES.index, ("signals", "signal_tables"))

#: Channels that ``disturbance=`` drives: what is added to the speeds asked of the drives, m/s and rad/s.
DISTURBANCES = ("v", "omega")
#: Draws of a place before the best so far is taken.
TRIES = 64
#: Where the streams of random numbers begin; one number a thing, or TRIES.
STREAM_START, STREAM_GOAL, STREAM_ODOMETRY, STREAM_PLACE = 0, 1 << 20, 2 << 20, 3 << 20
STREAM_TURN, STREAM_TARGET, STREAM_SIGNAL, STREAM_LIDAR = 4 << 20, 5 << 20, 6 << 20, 7 << 20
STREAM_LAYOUT = STREAM_ODOMETRY - 1
