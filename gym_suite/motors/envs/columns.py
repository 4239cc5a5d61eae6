"""What the numbers of a row mean: columns of action, observation, metrics and parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields

from gym_suite.core.columns import Column, Columns
from gym_suite.motors import parameters as pm
from gym_suite.motors import tasks
from gym_suite.motors.envs.options import Options, Task, action_names
from gym_suite.motors.transforms import SQRT3


def action_columns(options: Options, values: Mapping[str, float]) -> Columns:
    """Return the columns of one action: normalised, with the SI value of 1 as scale."""
    names = action_names(options)
    if options.control == "torque":
        column = Column(
            names[0], "N m", -1, 1, "torque command", scale=float(values["torque_limit"])
        )
        return Columns(column)
    scale = values["u_dc"] / SQRT3 if options.frame == "dq" else 0.5 * values["u_dc"]
    return Columns(*(Column(n, "V", -1, 1, f"{n[-1]} voltage command", scale=scale) for n in names))


def observation_columns(
    task: Task, options: Options, values: Mapping[str, float], full_scale: float
) -> Columns:
    """Return the columns of one observation."""
    bound = tasks.OBSERVATION_BOUND
    current, speed = values["i_limit"], values["omega_limit"]
    columns = [
        Column("i_sd", "A", -bound, bound, "d current", scale=current),
        Column("i_sq", "A", -bound, bound, "q current", scale=current),
        Column("omega", "rad/s", -bound, bound, "mechanical speed", scale=speed),
    ]
    if options.control == "voltage":
        columns += [
            Column("sin_epsilon", "1", -1, 1, "sine of the electrical angle"),
            Column("cos_epsilon", "1", -1, 1, "cosine of the electrical angle"),
        ]
    for action in action_columns(options, values):
        columns.append(
            Column(f"last_{action.name}", action.unit, -1, 1, "last action", scale=action.scale)
        )
    if task.name != "current":
        scale = values["error_scale"]
        columns.append(
            Column("error", task.unit, -bound, bound, "reference minus value", scale=scale)
        )
    for k in range(int(values["preview"]) + 1):
        ahead = f"reference {k * values['preview_interval']:g} s ahead" if k else "reference"
        for name in task.references:
            label = f"{name}_{k}" if k else name
            columns.append(Column(label, task.unit, -bound, bound, ahead, scale=full_scale))
    return Columns(*columns)


def metric_columns(task: Task, options: Options) -> Columns:
    """Return the columns of ``info``: the weighted reward terms, what every task has, then the task's own."""
    tracked, other = tuple(task.weights)[:2]
    second = (
        Column(f"reward_{other}", "1", 0, math.inf, f"tracking of {other}")
        if other in task.tracked
        else Column("reward_loss", "1", -math.inf, 0, "copper loss")
    )
    columns = [
        Column(f"reward_{tracked}", "1", 0, math.inf, f"tracking of {tracked}"),
        second,
        Column("reward_effort", "1", -math.inf, 0, "squared action"),
        Column("reward_smoothness", "1", -math.inf, 0, "squared change of the action"),
        Column("reward_trip", "1", -math.inf, 0, "penalty of a trip"),
        Column("omega", "rad/s", meaning="mechanical speed"),
        Column("i_sd", "A", meaning="d current"),
        Column("i_sq", "A", meaning="q current"),
        Column("epsilon", "rad", -math.pi, math.pi, "electrical angle"),
        Column("torque", "N m", meaning="air-gap torque"),
        Column("torque_load", "N m", meaning="load torque"),
        Column("u_sd", "V", meaning="d voltage in the middle of the last period"),
        Column("u_sq", "V", meaning="q voltage in the middle of the last period"),
        Column("violation", "1", 0, 1, "1 if the current limit is exceeded"),
        Column("clipped", "1", 0, 3, "elements of the action that were outside [-1, 1]"),
    ]
    columns += [
        Column(name, task.unit, meaning="reference at the same instant") for name in task.references
    ]
    if task.name == "drive_cycle":
        columns.append(Column("v", "m/s", meaning="vehicle speed"))
    if options.control == "torque":
        columns += [
            Column("torque_ref", "N m", meaning="torque command"),
            Column("i_sd_ref", "A", meaning="reference of the inner d controller"),
            Column("i_sq_ref", "A", meaning="reference of the inner q controller"),
        ]
    return Columns(*columns)


def parameter_columns(machine: pm.PMSM, load: pm.Load) -> Columns:
    """Return the parameter columns with the sources of this machine's and load's numbers."""
    machine_names = {field.name for field in fields(machine)}
    load_sources = {
        f.name: f.metadata.get("source", "") if getattr(load, f.name) == f.default else "user"
        for f in fields(load)
        if f.metadata
    }
    columns = []
    for column in pm.PARAMETERS:
        source = ""
        if column.name in machine_names:
            source = pm.machine_source(machine, column.name)
        elif column.name in load_sources:
            source = load_sources[column.name]
        elif column.name in ("kp_d", "ki_d", "kp_q", "ki_q"):
            source = "magnitude optimum, Kessler 1955"
        columns.append(
            Column(column.name, column.unit, column.low, column.high, column.meaning, 1.0, source)
        )
    return Columns(*columns)
