"""The named columns of a setup: action, observation, state, metrics, parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.drones import dynamics, tasks
from gym_suite.drones import parameters as pm
from gym_suite.drones.envs.options import ACTION_NAMES, Options

PARAMETERS = pm.PHYSICS + tasks.TASK_PARAMETERS
UNITS = {"rotors": "1", "rates": "rad/s", "velocity": "m/s", "position": "m"}


def action_columns(options: Options, values: Mapping[str, float]) -> Columns:
    """Return the columns of one drone's action."""
    columns = []
    for name in ACTION_NAMES[options.action]:
        unit, scale = UNITS[options.action], values["action_range"]
        if name == "action_thrust":
            unit, scale = "1", 0.8
        elif name == "action_yaw_rate":
            scale = values["yaw_range"]
        label = name.removeprefix("action_").replace("_", " ")
        columns.append(Column(name, unit, -1, 1, f"{label} command; 0 hovers", scale=scale))
    return Columns(*columns)


def observation_columns(task: str, options: Options, values: Mapping[str, float]) -> Columns:
    """Return the columns of one drone's observation."""
    b = tasks.OBSERVATION_BOUND
    metre, speed, acceleration, rate = tasks.SCALES
    columns = [Column(f"error_{a}", "m", -b, b, f"target minus position {a}", metre) for a in "xyz"]
    columns += [Column(f"velocity_{a}", "m/s", -b, b, f"velocity {a}", speed) for a in "xyz"]
    columns += [
        Column(f"rotation_{row}{column}", "1", -1, 1, "element of the rotation matrix")
        for row in "xyz"
        for column in "xyz"
    ]
    columns += [Column(f"body_rate_{a}", "rad/s", -b, b, f"body rate {a}", rate) for a in "xyz"]
    columns.append(Column("height", "m", -b, b, "height", metre))
    if task in ("track", "formation"):
        columns += [
            Column(f"target_velocity_{a}", "m/s", -b, b, f"target velocity {a}", speed)
            for a in "xyz"
        ]
        columns += [
            Column(
                f"target_acceleration_{a}", "m/s^2", -b, b, f"target acceleration {a}", acceleration
            )
            for a in "xyz"
        ]
    for k in range(int(values["history"])):
        for action in action_columns(options, values):
            ago = f"_{k}" if k else ""
            name, meaning = f"last_{action.name}{ago}", f"action {k + 1} periods ago"
            columns.append(Column(name, action.unit, -1, 1, meaning, action.scale))
    for k in range(1, int(values["neighbours"]) + 1):
        near = "the nearest neighbour" if k == 1 else f"neighbour {k} by distance"
        columns += [
            Column(f"neighbour_{k}_{a}", "m", -b, b, f"{near}, relative {a}", metre) for a in "xyz"
        ]
        columns += [
            Column(f"neighbour_{k}_velocity_{a}", "m/s", -b, b, "its relative velocity", speed)
            for a in "xyz"
        ]
    return Columns(*columns)


def state_columns(suffixes: list[str], history: int) -> Columns:
    """Return the columns of a world: each drone's one after the other."""
    columns = []
    for s in suffixes:
        columns += [Column(f"{c.name}{s}", c.unit, c.low, c.high, c.meaning) for c in dynamics.BODY]
        for what, unit in (("", "m"), ("velocity_", "m/s"), ("acceleration_", "m/s^2")):
            columns += [Column(f"target_{what}{a}{s}", unit, meaning="reference") for a in "xyz"]
        columns.append(Column(f"clipped{s}", "1", 0, 4, "elements of the action outside [-1, 1]"))
        columns += [Column(f"last_{k}{s}", "1", -1, 1, "last actions") for k in range(history)]
    return Columns(*columns)


def metric_columns(suffixes: list[str]) -> Columns:
    """Return the columns of ``info``."""
    inf = np.inf
    columns = [
        Column("reward_position", "1", 0, inf, "nearness to the target"),
        Column("reward_rates", "1", -inf, 0, "squared body rates"),
        Column("reward_effort", "1", -inf, 0, "squared action"),
        Column("reward_smoothness", "1", -inf, 0, "squared change of the action"),
        Column("reward_crash", "1", -inf, 0, "penalty of a crash or of leaving"),
        Column("violation", "1", 0, 1, "1 if a drone crashed or left"),
        Column("clipped", "1", 0, inf, "elements of the action that were outside [-1, 1]"),
        Column("distance", "m", 0, inf, "of the drone farthest from its target"),
    ]
    for s in suffixes:
        columns += [Column(f"{a}{s}", "m", meaning=f"position {a}") for a in "xyz"]
        columns += [Column(f"target_{a}{s}", "m", meaning=f"target {a}") for a in "xyz"]
        columns.append(Column(f"target_distance{s}", "m", 0, inf, "distance from the target"))
        columns.append(Column(f"speed{s}", "m/s", 0, inf, "speed"))
        columns += [Column(f"command_{i}{s}", "rpm", 0, inf, "rotor command") for i in range(4)]
    return Columns(*columns)


def parameter_columns(vehicle: pm.Vehicle, model: pm.Model) -> Columns:
    """Return the parameter columns with the sources of this vehicle's and model's numbers."""
    columns = []
    for c in PARAMETERS:
        source = ""
        if c.name == "k_m" and pm.ratio_holds(vehicle, model):
            source = pm.model_source(model, "yaw_ratio")
        elif c.name in pm.Vehicle.__slots__:
            source = pm.vehicle_source(vehicle, c.name)
        elif c.name in pm.Model.__slots__ and c.name != "identified":
            source = pm.model_source(model, c.name)
        columns.append(Column(c.name, c.unit, c.low, c.high, c.meaning, 1.0, source))
    return Columns(*columns)
