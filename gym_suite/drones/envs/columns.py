"""The named columns of a setup: action, observation, state, metrics, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gym_suite.core.columns import Column, Columns, Term
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import (
    AIM_STATE,
    BODY,
    CHASE_STATE,
    DRONE_METRICS,
    METRICS,
    PARAMETERS,
    QUANTITIES,
    TASK_STATE,
    YAW_METRICS,
    YAW_OBSERVATIONS,
    YAW_STATE,
    beam_columns,
    captured_columns,
    further_commands,
    further_rotors,
    health_observations,
    neighbour_columns,
    pillar_columns,
)
from gym_suite.drones.envs.options import (
    SETPOINTS,
    UNITS,
    Options,
    action_names,
)
from gym_suite.drones.envs.tasks import WEIGHTS, Task


def action_columns(options: Options, values: Mapping[str, float]) -> Columns:
    """Return the columns of one drone's action."""
    columns = []
    for name in action_names(options.action, int(values["action_size"])):
        unit, scale = UNITS[options.action], values["action_range"]
        if name == "action_thrust":
            unit, scale = "1", values["thrust_range"]
        elif name == "action_yaw_rate":
            scale = values["yaw_range"]
        label = name.removeprefix("action_").replace("_", " ")
        meaning = "stick; 0 is its middle" if options.action == "sticks" else "command; 0 hovers"
        columns.append(Column(name, unit, -1, 1, f"{label} {meaning}", scale=scale))
    return Columns(*columns)


def _last_actions(options: Options, values: Mapping[str, float], periods: int) -> Columns:
    """Return the columns of one drone's last actions, the newest first."""
    columns = []
    for k in range(periods):
        for action in action_columns(options, values):
            ago = f"_{k}" if k else ""
            name, meaning = f"last_{action.name}{ago}", f"action {k + 1} periods ago"
            columns.append(Column(name, action.unit, -1, 1, meaning, action.scale))
    return Columns(*columns)


def observation_columns(
    task: Task, options: Options, values: Mapping[str, float], rotors: int
) -> Columns:
    """Return the columns of the observation of one drone with so many rotors."""
    columns = Columns(*(QUANTITIES[name] for name in task.observed))
    columns += _last_actions(options, values, int(values["history"]))
    columns += health_observations(rotors) if task.tells else Columns()
    columns += YAW_OBSERVATIONS if options.yaw is not None else Columns()
    if task.aim == "field":
        columns += beam_columns(int(options.beams), float(options.sight))
    columns += task.own.observes if task.own else Columns()  # one with an aim has no neighbours
    for k in range(1, int(values["neighbours"]) + 1):
        columns += neighbour_columns(k)
    return columns


def observed_table(task: Task) -> np.ndarray:
    """Return place, inverse of the full scale and bound of the observed quantities, (k, 3)."""
    columns = [QUANTITIES[name] for name in task.observed]
    return np.array([(QUANTITIES.index(c.name), 1.0 / c.scale, c.high) for c in columns])


def state_columns(
    suffixes: list[str],
    task: Task,
    options: Options,
    values: Mapping[str, float],
    *,
    rotors: int,
    latency: int = 0,
) -> Columns:
    """Return the columns of a world: each drone's one after the other; setpoints that no inner loop holds are spare.

    Args:
        suffixes: Of each drone's names.
        task: What drones are to do.
        options: Keyword arguments.
        values: Parameters by name.
        rotors: How many a drone has.
        latency: Control periods by which motion capture is late.
    """
    held = iter(SETPOINTS[options.action])
    columns = []
    for column in BODY:
        if column.name.startswith("setpoint_"):
            name, unit = next(held, ("", ""))
            told = replace(column, name=f"setpoint_{name}", unit=unit, meaning="what is to be held")
            columns.append(told if name else replace(column, spare=True))
        else:
            columns.append(column)
    last = _last_actions(options, values, int(values["history"]) + 1)
    seen = captured_columns(latency)
    own = YAW_STATE if options.yaw is not None else Columns()
    if task.aim and task.own:
        pillars = int(options.pillars) if task.aim == "field" else 0
        own += task.own.remembers + pillar_columns(pillars) + AIM_STATE
    elif task.group == "chase":
        own += CHASE_STATE
    drone = (*columns, *TASK_STATE, *last, *seen, *further_rotors(rotors), *own)
    return Columns(*(replace(c, name=f"{c.name}{s}") for s in suffixes for c in drone))


def metric_columns(suffixes: list[str], task: Task, options: Options, rotors: int) -> Columns:
    """Return the columns of ``info``, drones having so many rotors."""
    world, drone, heading, further = (
        METRICS,
        *(
            Columns(*(replace(c, name=f"{c.name}{s}") for s in suffixes for c in columns))
            for columns in (DRONE_METRICS, YAW_METRICS, further_commands(rotors))
        ),
    )
    own = task.own
    further = heading + further if options.yaw is not None else further
    if own is None:
        return world + drone + further
    if own.earns != "position":
        world = Columns(Term(f"reward_{own.earns}", own.formula).column, *list(world)[1:])
    each = Columns(*(replace(c, name=f"{c.name}{s}") for s in suffixes for c in own.each))
    return world + drone + own.metrics + each + further


def terms(task: Task, options: Options, values: Mapping[str, float]) -> tuple[Term, ...]:
    """Return what the reward terms are, with their weights."""
    own = task.own
    first = own.formula if own else "weight * max(1 - distance / error_scale, 0)"
    if options.yaw is not None:
        share = "(1 + cos(yaw_error)) / 2"
        first += f", times {share} where it is above 0" if task.earning else f" * {share}"
    formulas = {
        own.earns if own else "position": first,
        "rates": "-weight * min(squared body rates / (10 rad/s)^2, 10)",
        "effort": "-weight * mean square of the action's elements",
        "smoothness": "-weight * mean square of the change of the action's elements",
    }
    weights = (values[f"weight_{name}"] for name in WEIGHTS)
    weighted = (
        Term(f"reward_{name}", formula, weight)
        for (name, formula), weight in zip(formulas.items(), weights, strict=True)
    )
    crash = Term("reward_crash", "-penalty_crash in the step that crashes or leaves, else 0")
    return (*weighted, crash)


def _measured(name: str, vehicle: pm.Vehicle, model: pm.Model) -> str | None:
    """Return the number of a model that stands in place of a vehicle's, if one does."""
    for measured, own in pm.IN_PLACE.items():
        if own == name and getattr(pm.installed(vehicle, model), name) != getattr(vehicle, name):
            return measured
    return None


def parameter_columns(vehicle: pm.Vehicle, model: pm.Model) -> Columns:
    """Return the parameter columns with the sources of this vehicle's and model's numbers."""
    columns = []
    for c in PARAMETERS:
        source = ""
        if c.name == "k_m" and pm.ratio_holds(vehicle, model):
            source = pm.model_source(model, "yaw_ratio")
        elif (measured := _measured(c.name, vehicle, model)) is not None:
            source = pm.model_source(model, measured)
        elif c.name in pm.Vehicle.__slots__:
            source = pm.vehicle_source(vehicle, c.name)
        elif c.name in pm.Model.__slots__ and c.name != "identified":
            source = pm.model_source(model, c.name)
        columns.append(Column(c.name, c.unit, c.low, c.high, c.meaning, 1.0, source))
    return Columns(*columns)


def followers(suffixes: list[str], task: Task, latency: int) -> Mapping[str, str]:
    """Return the columns of what is remembered of other columns, and which these are.

    Args:
        suffixes: Of each drone's names.
        task: What drones are to do.
        latency: Control periods by which motion capture is late.
    """
    pairs = (("before", "position"), ("velocity_before", "velocity")) if task.aim else ()
    names = {f"{follower}_{a}": f"{leader}_{a}" for follower, leader in pairs for a in "xyz"}
    names |= {name: name.rsplit("_", 2)[0] for name in captured_columns(latency).names}
    return {
        f"{follower}{s}": f"{leader}{s}" for s in suffixes for follower, leader in names.items()
    }


def follow_injected(
    columns: Columns,
    following: Mapping[str, str],
    places: np.ndarray,
    x: np.ndarray,
    mask: np.ndarray,
    names: set[str],
) -> None:
    """Let what is remembered of a state that was written in follow it, unless it was named too.

    Args:
        columns: Columns of the state.
        following: Of :func:`followers`.
        places: Offsets of drones that follow the first one, (drones, 3); no rows where none do.
        x: States, (rows, columns).
        mask: Rows that were written into.
        names: Columns that were written.
    """
    for follower, leader in following.items():
        if leader in names and follower not in names:
            x[mask, columns.index(follower)] = x[mask, columns.index(leader)]
    for j, offset in enumerate(places[1:], start=1):
        for k, a in enumerate("xyz"):
            for target, leader, more in (
                (f"target_{a}_{j}", f"position_{a}_0", offset[k]),
                (f"target_velocity_{a}_{j}", f"velocity_{a}_0", 0.0),
            ):
                if leader in names and target not in names:
                    x[mask, columns.index(target)] = x[mask, columns.index(leader)] + more
    for gap in (name for name in columns.names if name.split("_")[0] == "gap"):
        if gap in names:
            continue
        suffix = gap.removeprefix("gap")
        away = [
            x[mask, columns.index(f"target_{a}{suffix}")]
            - x[mask, columns.index(f"position_{a}{suffix}")]
            for a in "xyz"
        ]
        x[mask, columns.index(gap)] = np.sqrt(np.square(away).sum(axis=0))
