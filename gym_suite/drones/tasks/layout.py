"""Where things stand: the task's parameters, a drone's columns after the physical ones, metrics, scales."""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.drones import parameters as pm
from gym_suite.drones.dynamics import BODY_SIZE

TASK_HOVER, TASK_TRACK, TASK_FORMATION = range(3)
TASKS = ("hover", "track", "formation")
ACTION_ROTORS, ACTION_RATES, ACTION_VELOCITY, ACTION_POSITION = range(4)
ACTIONS = ("rotors", "rates", "velocity", "position")
PATH_CIRCLE, PATH_LEMNISCATE, PATH_HELIX, PATH_TABLE = range(4)
PATHS = ("circle", "lemniscate", "helix", "table")

TASK_PARAMETERS = Columns(
    Column("ratio", "1", 1, math.inf, "physics steps per control period"),
    Column("task", "1", 0, 2, "0 hover, 1 track, 2 formation"),
    Column("action", "1", 0, 3, "0 rotor speeds, 1 thrust and body rates, 2 velocity, 3 position"),
    Column("action_range", "*", 0, math.inf, "what an action of 1 stands for"),
    Column("yaw_range", "rad/s", 0, math.inf, "yaw rate of an action of 1"),
    Column("path", "1", 0, 3, "0 circle, 1 lemniscate, 2 helix, 3 table"),
    Column("path_size", "m", 0, math.inf, "radius or half-width"),
    Column("path_period", "s", 0, math.inf, "time of one round"),
    Column("path_rise", "m", 0, math.inf, "helix: height of one round; else vertical amplitude"),
    Column("spacing", "m", 0, math.inf, "distance of several drones' targets from the centre"),
    Column("swap_period", "s", 0, math.inf, "time between two swaps; 0: never"),
    Column("start_position", "m", 0, math.inf, "largest offset at reset, each axis"),
    Column("start_velocity", "m/s", 0, math.inf, "largest velocity at reset, each axis"),
    Column("start_tilt", "rad", 0, math.inf, "largest tilt at reset, each axis"),
    Column("bound", "m", 0, math.inf, "distance from the target at which an episode ends"),
    Column("neighbour_radius", "m", 0, math.inf, "distance within which neighbours are seen"),
    Column("neighbours", "1", 0, math.inf, "nearest drones that are seen"),
    Column("history", "1", 1, math.inf, "last actions observed"),
    Column("error_scale", "m", 0, math.inf, "distance that earns nothing"),
    Column("weight_position", "1", 0, math.inf, "weight of nearness"),
    Column("weight_rates", "1", 0, math.inf, "weight of squared body rates"),
    Column("weight_effort", "1", 0, math.inf, "weight of the squared action"),
    Column("weight_smoothness", "1", 0, math.inf, "weight of the squared change of the action"),
    Column("penalty_crash", "1", 0, math.inf, "penalty of a crash or of leaving"),
    Column("gain_position", "1/s^2", 0, math.inf, "inner loop: position"),
    Column("gain_velocity", "1/s", 0, math.inf, "inner loop: velocity"),
    Column("gain_attitude", "1/s^2", 0, math.inf, "inner loop: attitude"),
    Column("gain_rate", "1/s", 0, math.inf, "inner loop: body rate"),
    Column("gain_lag", "s", 0, math.inf, "inner loop: lag left of the rotors"),
    Column("drones", "1", 1, math.inf, "drones in a world"),
)
(
    P_RATIO,
    P_TASK,
    P_ACTION,
    P_ACTION_RANGE,
    P_YAW_RANGE,
    P_PATH,
    P_PATH_SIZE,
    P_PATH_PERIOD,
    P_PATH_RISE,
    P_SPACING,
    P_SWAP_PERIOD,
    P_START_POSITION,
    P_START_VELOCITY,
    P_START_TILT,
    P_BOUND,
    P_NEIGHBOUR_RADIUS,
    P_NEIGHBOURS,
    P_HISTORY,
    P_ERROR_SCALE,
    P_W_POSITION,
    P_W_RATES,
    P_W_EFFORT,
    P_W_SMOOTHNESS,
    P_PENALTY,
    P_GAINS,
) = range(len(pm.PHYSICS), len(pm.PHYSICS) + len(TASK_PARAMETERS) - 5)

#: Columns of a drone after the physical ones: target position, velocity, acceleration; clipped; last actions.
TARGET, TARGET_VELOCITY, TARGET_ACCELERATION = BODY_SIZE, BODY_SIZE + 3, BODY_SIZE + 6
CLIPPED, HISTORY = BODY_SIZE + 9, BODY_SIZE + 10
HEIGHT = 1.0  # m, of targets and of paths' centres
#: Full scale of observed distances (m), speeds (m/s), accelerations (m/s^2) and body rates (rad/s).
SCALES = (1.0, 2.0, 10.0, 10.0)
OBSERVATION_BOUND = 5.0
STREAM_START, STREAM_PATH, STREAM_FORCE = 0, 1 << 16, 1 << 17
#: Metrics: the reward terms, what all share, then some for each drone.
TERMS, SHARED, PER_DRONE = 5, 3, 12
