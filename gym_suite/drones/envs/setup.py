"""From keyword arguments to a setup: checks, parameters of a row, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Kernels, Setup, Tracked
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.signals import pack
from gym_suite.drones import dynamics, tasks
from gym_suite.drones import parameters as pm
from gym_suite.drones.contacts import WORK_SIZE, WORLD_SIZE
from gym_suite.drones.controllers.gains import geometric_gains
from gym_suite.drones.envs.options import (
    ACTION_NAMES,
    ACTION_RANGES,
    DEFAULTS,
    PATHS,
    WEIGHTS,
    Options,
    keyword_names,
)

KERNELS = Kernels(
    step=tasks.step_batch,
    reset=tasks.reset_batch,
    observe=tasks.observe_batch,
    advance=tasks.advance_batch,
)
ENGINES = ("bullet", "compiled")
PARAMETERS = pm.PHYSICS + tasks.TASK_PARAMETERS
HORIZON = 480  # control periods that the default penalty reckons with
YAW_RANGE = 2.0  # rad/s
_UNITS = {"rotors": "1", "rates": "rad/s", "velocity": "m/s", "position": "m"}


def configure(id: str, task: str, /, **keywords: Any) -> Setup:
    """Return the setup for an id's task and a user's keyword arguments.

    Args:
        id: The environment's id.
        task: "hover", "track" or "multi_hover".
        **keywords: Attributes of :class:`gym_suite.drones.envs.options.Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        ImportError: For engine="bullet" without PyBullet.
    """
    check_keywords(keywords, keyword_names(task), f"keyword of {id}")
    options = Options(**(DEFAULTS[task] | keywords))
    check_option("engine", options.engine, ENGINES)
    check_option("action", options.action, tasks.ACTIONS)
    check_option("integrator", options.integrator, pm.INTEGRATORS)
    vehicle, model = pm.build_vehicle(options.vehicle), pm.build_model(options.model)
    if options.integrator == "rk4" and (options.engine == "bullet" or not model.identified):
        raise ValueError("integrator='rk4' is for engine='compiled' and an identified model")
    dt, ratio = _timing(options)
    physics = pm.physics_values(
        vehicle,
        model,
        pm.read_effects(options.aerodynamics),
        integrator=options.integrator,
        dt=dt,
        substeps=1,
    )
    path, table = _path(options.path)
    count = 1
    if task == "multi_hover":
        count = int(check_number("drones", options.drones, low=2, high=100, integer=True))
    values = physics | _task_values(task, options, ratio, path, count)
    values |= {f"gain_{name}": gain for name, gain in geometric_gains().items()}
    values["drones"] = count
    row = np.array([values[name] for name in PARAMETERS.names], dtype=np.float64)
    row.setflags(write=False)
    size = len(ACTION_NAMES[options.action])
    observations = _observation_columns(task, options, values, count)
    measured = [n for n in observations.names if not n.startswith(("last_", "target_"))]
    names = tuple(f"drone_{j}" for j in range(count)) if count > 1 else ()
    suffixes = [f"_{j}" for j in range(count)] if count > 1 else [""]
    nominal = np.array(list(physics.values()))
    channels = dynamics.DISTURBANCES
    engine = None
    if options.engine == "bullet":
        from gym_suite.drones.bullet import Engine, load_pybullet

        load_pybullet()
        engine = Engine
    return Setup(
        id=id,
        family="drones",
        kernels=KERNELS,
        dt=dt * ratio,
        state_columns=_state_columns(suffixes, int(values["history"]) * size),
        action_columns=_action_columns(options, values),
        observation_columns=observations,
        metric_columns=_metric_columns(suffixes),
        parameter_columns=_parameter_columns(vehicle, model),
        row=row,
        tables=(table, nominal, *pack(read_disturbance(options.disturbance, channels))),
        nominal_tables=(table, nominal, *pack([])),
        disturbances=channels,
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=tuple(measured),
        tracking=tuple(
            Tracked(f"{a}{s}", f"target_{a}{s}", 1.0, "m", f"{a}{s.replace('_', ' of drone ')}")
            for s in suffixes
            for a in "xyz"
        ),
        effort=tuple(f"command_{i}{s}" for s in suffixes for i in range(4)),
        effort_scale=(float(values["max_rpm"]),) * (4 * count),
        violation="violation",
        agents=names,
        idle_action=np.zeros(size),
        work_size=count * (WORK_SIZE + size) + WORLD_SIZE,
        mismatch=read_mismatch(options.mismatch, PARAMETERS, pm.PLANT_PARAMETERS),
        noise=read_noise(options.noise, observations, measured),
        delay=read_delay(options.delay),
        renderer="gym_suite.drones.render:DroneRenderer",
        keywords=_resolved(task, options, vehicle, model),
        engine=engine,
    )


MOST_STEPS = 10_000  # physics steps in one control period


def _timing(options: Options) -> tuple[float, int]:
    """Return the physics step and how many make a control period."""
    physics = check_number("physics_frequency", options.physics_frequency, above=0.0, high=1e5)
    control = check_number("control_frequency", options.control_frequency, above=0.0, high=1e5)
    if physics > MOST_STEPS * control:
        raise ValueError(
            f"control_frequency = {control:g} Hz holds {physics / control:g} physics steps of "
            f"physics_frequency = {physics:g} Hz; at most {MOST_STEPS} are allowed"
        )
    ratio = round(physics / control)
    if ratio < 1 or abs(ratio * control - physics) > 1e-9 * physics:
        raise ValueError(
            "physics_frequency must be a whole multiple of control_frequency, got "
            f"{physics:g} Hz and {control:g} Hz"
        )
    return 1.0 / physics, ratio


def _path(given: Any) -> tuple[dict[str, float], np.ndarray]:
    """Return the path's numbers and its table, (rows, 4) of time, x, y, z."""
    none = {"path": 0.0, "path_size": 0.0, "path_period": 1.0, "path_rise": 0.0}
    empty = np.zeros((1, 4))
    if given is None:
        return none, empty
    if isinstance(given, str):
        given = {"kind": given}
    if not isinstance(given, Mapping):
        raise TypeError(f"path must be a name or a mapping, got {type(given).__name__}")
    values: dict[str, Any] = dict(given)
    kind = check_option("path", values.pop("kind", "circle"), tasks.PATHS)
    none["path"] = tasks.PATHS.index(kind)
    if kind == "table":
        check_keywords(values, ("table",), "parameter of the path 'table'")
        return none, _read_table(values.get("table"))
    check_keywords(values, PATHS[kind], f"parameter of the path {kind!r}")
    for name, default in PATHS[kind].items():
        low, above = (0.0, None) if name == "rise" else (0.0, 0.0)
        none[f"path_{name}"] = check_number(
            f"path {name}", values.get(name, default), low=low, above=above, high=1e4
        )
    return none, empty


def _read_table(given: Any) -> np.ndarray:
    table = np.array(given, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 4 or len(table) < 2:
        raise ValueError(f"a path's table must have rows of (t, x, y, z), got shape {table.shape}")
    if not np.isfinite(table).all() or not (np.diff(table[:, 0]) > 0.0).all():
        raise ValueError("a path's table must be finite and its times must grow")
    return table


def _task_values(
    task: str, options: Options, ratio: int, path: Mapping[str, float], count: int
) -> dict[str, float]:
    span = options.action_range
    span = ACTION_RANGES[options.action] if span is None else span
    highest = 1.0 if options.action == "rotors" else 100.0
    values: dict[str, float] = {
        "ratio": ratio,
        "task": float(task == "track"),
        "action": tasks.ACTIONS.index(options.action),
        "action_range": check_number("action_range", span, above=0.0, high=highest),
        "yaw_range": YAW_RANGE,
        **path,
        "spacing": check_number("spacing", options.spacing, low=0.0, high=100.0),
        "start_tilt": check_number("start_tilt", options.start_tilt, low=0.0, high=1.5),
        "history": check_number("history", options.history, low=1, high=100, integer=True),
    }
    for name in ("start_position", "start_velocity"):
        values[name] = check_number(name, getattr(options, name), low=0.0, high=100.0)
    for name in ("bound", "neighbour_radius", "error_scale"):
        values[name] = check_number(name, getattr(options, name), above=0.0)
    given = dict(options.weights or {})
    check_keywords(given, WEIGHTS, "weight")
    for name, default in WEIGHTS.items():
        values[f"weight_{name}"] = check_number(
            f"weight {name!r}", given.get(name, default), low=0.0
        )
    # Costs of a calm flight until the end; an early end must not pay.
    costs = values["weight_effort"] + 4.0 * values["weight_smoothness"]
    penalty = 1.0 + HORIZON * (costs + values["weight_rates"])
    if options.penalty_crash is not None:
        penalty = check_number("penalty_crash", options.penalty_crash, low=0.0)
    values["penalty_crash"] = penalty
    return values


# ------------------------------------------------------------------------------------------------------------ columns


def _action_columns(options: Options, values: Mapping[str, float]) -> Columns:
    columns = []
    for name in ACTION_NAMES[options.action]:
        unit, scale = _UNITS[options.action], values["action_range"]
        if name == "action_thrust":
            unit, scale = "1", 0.8
        elif name == "action_yaw_rate":
            scale = values["yaw_range"]
        label = name.removeprefix("action_").replace("_", " ")
        columns.append(Column(name, unit, -1, 1, f"{label} command; 0 hovers", scale=scale))
    return Columns(*columns)


def _observation_columns(
    task: str, options: Options, values: Mapping[str, float], count: int
) -> Columns:
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
    if task == "track":
        columns += [
            Column(f"target_velocity_{a}", "m/s", -b, b, f"target velocity {a}", speed)
            for a in "xyz"
        ]
        columns += [
            Column(f"target_acceleration_{a}", "m/s^2", -b, b, f"{a}", acceleration) for a in "xyz"
        ]
    for k in range(int(values["history"])):
        for action in _action_columns(options, values):
            ago = f"_{k}" if k else ""
            name, meaning = f"last_{action.name}{ago}", f"action {k + 1} periods ago"
            columns.append(Column(name, action.unit, -1, 1, meaning, action.scale))
    for k in range(1, count):
        columns += [
            Column(f"neighbour_{k}_{a}", "m", -b, b, f"neighbour's relative {a}", metre)
            for a in "xyz"
        ]
        columns += [
            Column(f"neighbour_{k}_velocity_{a}", "m/s", -b, b, "its relative velocity", speed)
            for a in "xyz"
        ]
    return Columns(*columns)


def _state_columns(suffixes: list[str], history: int) -> Columns:
    columns = []
    for s in suffixes:
        columns += [Column(f"{c.name}{s}", c.unit, c.low, c.high, c.meaning) for c in dynamics.BODY]
        for what, unit in (("", "m"), ("velocity_", "m/s"), ("acceleration_", "m/s^2")):
            columns += [Column(f"target_{what}{a}{s}", unit, meaning="reference") for a in "xyz"]
        columns.append(Column(f"clipped{s}", "1", 0, 4, "elements of the action outside [-1, 1]"))
        columns += [Column(f"last_{k}{s}", "1", -1, 1, "last actions") for k in range(history)]
    return Columns(*columns)


def _metric_columns(suffixes: list[str]) -> Columns:
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


def _parameter_columns(vehicle: pm.Vehicle, model: pm.Model) -> Columns:
    """Return the parameter columns with the sources of this vehicle's and model's numbers."""
    columns = []
    for c in PARAMETERS:
        source = ""
        if c.name == "k_m" and model.yaw_ratio:
            source = pm.model_source(model, "yaw_ratio")
        elif c.name in pm.Vehicle.__slots__:
            source = pm.vehicle_source(vehicle, c.name)
        elif c.name in pm.Model.__slots__ and c.name != "identified":
            source = pm.model_source(model, c.name)
        columns.append(Column(c.name, c.unit, c.low, c.high, c.meaning, 1.0, source))
    return Columns(*columns)


def _resolved(task: str, options: Options, vehicle: pm.Vehicle, model: pm.Model) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    resolved = {name: _plain(getattr(options, name)) for name in keyword_names(task)}
    resolved["vehicle"], resolved["model"] = asdict(vehicle), asdict(model)
    return resolved


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
