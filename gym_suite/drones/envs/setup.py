"""From keyword arguments to a setup: checks, parameters of a row, columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.core.family import Setup
from gym_suite.core.marks import Tracked
from gym_suite.core.observations import Image
from gym_suite.core.options import OptionSet
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.signals import Signal, pack
from gym_suite.drones import loops, together
from gym_suite.drones import parameters as pm
from gym_suite.drones.camera import PICTURES, images
from gym_suite.drones.columns import (
    DISTURBANCES,
    PARAMETERS,
    SENSORS,
    TABLES,
    further_commands,
    scratch_size,
)
from gym_suite.drones.controllers.gains import POWERS, authority_scale, geometric_gains
from gym_suite.drones.envs.adversity import (
    check_hover,
    check_wind,
    loaded,
    read_adversity,
    with_battery,
)
from gym_suite.drones.envs.aims import check_field, read_aim
from gym_suite.drones.envs.columns import (
    action_columns,
    follow_injected,
    followers,
    metric_columns,
    observation_columns,
    observed_table,
    parameter_columns,
    state_columns,
    terms,
)
from gym_suite.drones.envs.groups import group_values, read_group, ring_values
from gym_suite.drones.envs.headings import read_yaw
from gym_suite.drones.envs.options import (
    ACTION_RANGES,
    THRUST_RANGE,
    YAW_RANGE,
    Options,
    action_names,
)
from gym_suite.drones.envs.paths import FARTHEST, read_path
from gym_suite.drones.envs.sensors import read_sensors
from gym_suite.drones.envs.tasks import WEIGHTS, Task
from gym_suite.drones.linear import hover_plant
from gym_suite.drones.passes import (
    Followed,
    see_batch,
    sensing,
    sensing_size,
    tell_batch,
    turn_batch,
    turn_earning_batch,
)
from gym_suite.drones.references import HEIGHT
from gym_suite.drones.rotors import rotor_table
from gym_suite.drones.tracks import as_mapping, build_track
from gym_suite.drones.vehicles import FEWEST

ENGINES, AUTOPILOTS = ("bullet", "compiled"), ("betaflight", "compiled")
OBSERVATIONS = ("state", *PICTURES)
#: What pictures of an episode show; :mod:`gym_suite.drones.render` draws it.
VIEWS = ("charts", "room", "chase")
MOST_DRONES = 100
LEAST_GRAVITY = 0.1  # m/s^2
INNER_SHARE = 1.0  # of the hovering speed, by which inner loops may depart from it


def build(id: str, task: Task, takes: OptionSet[Options], options: Options) -> Setup:
    """Return the setup for an id's task and options.

    Args:
        id: The environment's id.
        task: What its drones are to do.
        takes: The keyword arguments that the id takes.
        options: Their values.

    Raises:
        ValueError: For an unknown value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        ImportError: For engine="bullet" without PyBullet.
    """
    check_option("engine", options.engine, AUTOPILOTS if task.sticks else ENGINES)
    check_option("action", options.action, pm.ACTIONS)
    if task.sticks:
        options = replace(options, action="sticks")
    check_option("integrator", options.integrator, pm.INTEGRATORS)
    read_view(options.view)
    vehicle = pm.build_vehicle(options.vehicle)
    model = with_battery(pm.build_model(options.model), options.battery)
    if options.integrator == "rk4" and (options.engine == "bullet" or not model.identified):
        raise ValueError("integrator='rk4' is for engine='compiled' and an identified model")
    pm.check_battery(vehicle, model)
    if task.sticks and not vehicle.usual:
        raise ValueError(
            "the autopilot mixes for four rotors in layout 'x' or '+'; this vehicle has "
            f"{vehicle.count} in layout {vehicle.arrangement!r}"
        )
    if model.gravity < LEAST_GRAVITY:
        raise ValueError(
            "actions are commanded about the rotor speed that carries the weight, so Model.gravity must be at "
            f"least {LEAST_GRAVITY:g} m/s^2 here, got {model.gravity:g}"
        )
    if task.aim == "field":
        check_field(options, vehicle)
    dt, ratio = _timing(options)
    physics = pm.physics_values(
        vehicle,
        model,
        pm.read_effects(options.aerodynamics),
        integrator=options.integrator,
        dt=dt,
        substeps=1,
    )
    path, table = read_path(options.path, strongest=pm.strongest(physics, vehicle.count))
    count = 1
    if task.drones > 1:
        count = int(check_number("drones", options.drones, low=2, high=MOST_DRONES, integer=True))
    size = len(action_names(options.action, vehicle.count))
    values = physics | _task_values(task, options, ratio, path) | {"action_size": size}
    _check_velocity(task, values, pm.strongest(physics, vehicle.count))
    ring = group_values if task.group else ring_values
    values |= ring(task, options, count, vehicle, values)
    names = tuple(f"drone_{j}" for j in range(count)) if count > 1 else ()
    suffixes = [f"_{j}" for j in range(count)] if count > 1 else [""]
    sensors = read_sensors(options.sensors)
    late = int(sensors[0, SENSORS.places.latency]) if len(sensors) else 0
    state = state_columns(suffixes, task, options, values, rotors=vehicle.count, latency=late)
    metrics = metric_columns(suffixes, task, options, vehicle.count)
    further = count * len(further_commands(vehicle.count))
    rotors = rotor_table(
        vehicle,
        physics,
        first=state.index(f"rotor_{FEWEST}{suffixes[0]}") if further else 0,
        shown=len(metrics) - further,
    )
    able = authority_scale(np.array(list(physics.values())), INNER_SHARE, rotors)
    for name, gain in geometric_gains()._asdict().items():
        values[f"gain_{name}"] = gain * able ** POWERS.get(name, 0)
    row = np.array([values[name] for name in PARAMETERS.names], dtype=np.float64)
    row.setflags(write=False)
    observations = observation_columns(task, options, values, vehicle.count)
    # what is known of a target is exact unless it is another one's motion
    known = ("target_heading_", "target_yaw_") if task.group in ("lead", "chase") else ("target_",)
    measured = [n for n in observations.names if not n.startswith(("last_", *known))]
    adversity = read_adversity(options, vehicle.count)
    aim, gates = read_aim(task, options, vehicle)
    check_wind(physics, adversity)
    plant_row, carried = loaded(row, vehicle, options.payload)
    check_hover(vehicle, np.array(list(physics.values())), adversity, options.payload)
    tables = {"path": table, "observed": observed_table(task), "nominal": row[None]}
    tables |= {"aim": aim, "gates": gates, "rotors": rotors}
    strongest = pm.strongest(physics, vehicle.count)
    tables["group"], tables["places"] = read_group(
        task, options, count, vehicle, values | {"strongest": strongest}, table
    )
    told = options.yaw is not None
    tables["yaw"], tables["yaw_rows"] = read_yaw(
        options.yaw,
        task,
        path=options.path,
        action=options.action,
        place=state.index(f"target_yaw{suffixes[0]}") if told else 0,
        shown=metrics.index(f"yaw_error{suffixes[0]}") if told else 0,
    )
    observed, pictures = _observed(options)
    varied = pm.PLANT_PARAMETERS
    if isinstance(options.mismatch, Mapping):
        varied += pm.NAMED_PARAMETERS
        pm.check_named(options.mismatch, physics, engine=options.engine)
    disturbed = options.read(observations, measured, PARAMETERS, varied, DISTURBANCES)
    _check_mismatch(disturbed.mismatch)
    forces = list(disturbed.signals)
    plain = count == 1 and options.action == "rotors" and options.integrator == "bullet"
    plain = plain and not forces and options.engine == "compiled" and not model.battery_voltage
    plain = plain and not len(adversity) and not len(sensors) and not told and not task.tells
    kernels = loops.AIMED if task.aim else loops.PLAIN if plain else loops.ANY
    kernels = together.TOGETHER if task.group else kernels
    turn = turn_earning_batch if task.earning else turn_batch
    passes = (turn,) if told else (tell_batch,) if task.tells else ()
    if isinstance(kernels, loops.DroneKernels):
        passes += (sensing(kernels),) if len(sensors) else ()
        passes += (see_batch,) if task.aim == "field" else ()  # the camera sees what is there
        kernels = Followed(kernels, passes).kernels if passes else kernels
    following = followers(suffixes, task, late)
    beside = tables["places"][: count if task.group == "lead" else 0]
    work = scratch_size(count)
    work += sensing_size(len(state), len(metrics)) if len(sensors) else 0
    departures = disturbed.setup
    departures["mismatch"] = np.concatenate([disturbed.mismatch, carried])
    engine = None
    if options.engine == "bullet":
        from gym_suite.drones.bullet import Engine, load_pybullet

        load_pybullet()
        engine = Engine
    elif options.engine == "betaflight":
        from gym_suite.drones.firmware import check_mixer
        from gym_suite.drones.lockstep import Lockstep, check_rate

        check_rate(dt)
        try:
            check_mixer(vehicle.arrangement, vehicle.count)
        except ValueError as error:
            raise ValueError(
                f"{error}. engine='compiled' flies a model of its angle mode in layout '+' too"
            ) from None
        engine = Lockstep
    return Setup(
        id=id,
        family="drones",
        kernels=kernels,
        dt=dt * ratio,
        state_columns=state,
        action_columns=action_columns(options, values),
        observation_columns=observations,
        images=pictures,
        flat="state" in observed,
        metric_columns=metrics,
        terms=terms(task, options, values),
        parameter_columns=parameter_columns(vehicle, model),
        row=row,
        plant_row=plant_row,
        tables=_tables(tables, forces, adversity, sensors),
        nominal_tables=_tables(tables, [], adversity[:0], sensors[:0]),
        disturbances=DISTURBANCES,
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=tuple(measured),
        tracking=_tracking(task, suffixes),
        effort=tuple(f"command_{i}{s}" for s in suffixes for i in range(vehicle.count)),
        effort_scale=(float(values["max_rpm"]),) * (vehicle.count * count),
        violation="violation",
        success=task.own.success if task.own else "",
        follow=partial(follow_injected, state, following, beside)
        if following or task.group
        else None,
        agents=names,
        idle_action=np.zeros(size),
        work_size=work,
        **departures,
        plant=hover_plant(vehicle, physics, HEIGHT),
        renderer="gym_suite.drones.render:DroneRenderer",
        keywords=_resolved(takes, options, vehicle, model),
        engine=engine,
    )


def _tracking(task: Task, suffixes: list[str]) -> tuple[Tracked, ...]:
    """Return what is to follow what."""
    if task.aim == "velocity":
        names = [f"velocity_{a}" for a in "xyz"]
        return tuple(
            Tracked(name, f"target_{name}", 1.0, "m/s", name.replace("_", " ")) for name in names
        )
    return tuple(
        Tracked(f"{a}{s}", f"target_{a}{s}", 1.0, "m", f"{a}{s.replace('_', ' of drone ')}")
        for s in suffixes
        for a in "xyz"
    )


def _tables(
    tables: Mapping[str, np.ndarray],
    forces: list[Signal],
    adversity: np.ndarray,
    sensors: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Return the tables in their order, with those of disturbing forces, of what befalls drones and of sensors."""
    signals, samples = pack(forces)
    named = {**tables, "signals": signals, "samples": samples}
    named |= {"adversity": adversity, "sensors": sensors}
    return tuple(named[name] for name in TABLES.names)


def read_view(given: Any) -> tuple[str, ...]:
    """Return what pictures show, charts first.

    Raises:
        ValueError: For an unknown view, naming the nearest, or for a pair that is not charts and a view of the room.
    """
    several = isinstance(given, list | tuple)
    names = tuple(given) if several else (given,)
    for name in names:
        check_option("view", name, VIEWS)
    if not (len(names) == 1 or (len(names) == 2 and names.count(VIEWS[0]) == 1)):
        raise ValueError(
            f"view must be one of {', '.join(VIEWS)}, or 'charts' and one of the others, got {given!r}"
        )
    return tuple(sorted(names, key=VIEWS.index))


def _observed(options: Options) -> tuple[tuple[str, ...], tuple[Image, ...]]:
    """Return the names of what is observed and the pictures among it."""
    given = options.observation
    names = (given,) if isinstance(given, str) else tuple(given or ())
    for name in names:
        check_option("observation", name, OBSERVATIONS)
    if not names:
        raise ValueError(f"observation is empty; it takes some of {', '.join(OBSERVATIONS)}")
    size = options.image_size
    if not isinstance(size, Sequence) or isinstance(size, str) or len(size) != 2:
        raise ValueError(f"image_size must be (width, height), got {size!r}")
    width, height = (
        int(check_number(f"image_size, {side}", value, low=1, high=4096, integer=True))
        for side, value in zip(("width", "height"), size, strict=True)
    )
    check_number("field_of_view", options.field_of_view, above=0.0, high=3.0)
    kinds = tuple(name for name in names if name != "state")
    if kinds and options.engine != "bullet":
        raise ValueError(
            f"observation {kinds[0]!r} needs engine='bullet', whose cameras draw it; "
            f"engine={options.engine!r} sees 'state' only"
        )
    return names, images(kinds, width, height)


def _check_mismatch(mismatch: np.ndarray) -> None:
    """Refuse factors far outside of what a mismatch is: the plant's numbers would leave all bounds."""
    for column, low, high in mismatch:
        for factor in (low, high):
            check_number(
                f"mismatch of {PARAMETERS.names[int(column)]!r}",
                factor,
                low=1.0 / MOST_MISMATCH,
                high=MOST_MISMATCH,
            )


MOST_MISMATCH = 100.0
MOST_STEPS = 10_000  # physics steps in one control period


def _timing(options: Options) -> tuple[float, int]:
    """Return the physics step and how many make a control period."""
    physics = check_number(
        "physics_frequency", options.physics_frequency, above=0.0, low=10.0, high=1e5
    )
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


MOST_WEIGHT = 1e6  # of a reward term


def _task_values(
    task: Task, options: Options, ratio: int, path: Mapping[str, float]
) -> dict[str, float]:
    span = options.action_range
    span = ACTION_RANGES[options.action] if span is None else span
    highest = 1.0 if options.action == "rotors" else 100.0
    values: dict[str, float] = {
        "ratio": ratio,
        "action": pm.KINDS.index(options.action),
        "action_range": check_number("action_range", span, above=0.0, high=highest),
        "thrust_range": THRUST_RANGE,
        "yaw_range": YAW_RANGE,
        **path,
        "start_tilt": check_number("start_tilt", options.start_tilt, low=0.0, high=1.5),
        "history": check_number("history", options.history, low=1, high=100, integer=True),
    }
    for name in ("start_position", "start_velocity"):
        value = getattr(options, name)  # None where the task does not take it
        value = getattr(task, name) if value is None else value
        values[name] = check_number(name, value, low=0.0, high=100.0)
    given = {name: getattr(options, name) for name in ("bound", "neighbour_radius", "error_scale")}
    if given["error_scale"] is None:
        given["error_scale"] = task.error_scale
    for name, value in given.items():
        values[name] = check_number(name, value, above=0.0, high=FARTHEST)
    _check_start(task, values["start_position"], values["bound"])
    given = dict(options.weights or {})
    check_keywords(given, task.weights, "weight")
    for column, (name, default) in zip(WEIGHTS, task.weights.items(), strict=True):
        values[f"weight_{column}"] = check_number(
            f"weight {name!r}", given.get(name, default), low=0.0, high=MOST_WEIGHT
        )
    # Costs of a calm flight until the end; an early end must not pay.
    costs = values["weight_effort"] + 4.0 * values["weight_smoothness"]
    penalty = 1.0 + task.horizon * (costs + values["weight_rates"])
    if options.penalty_crash is not None:
        penalty = check_number(
            "penalty_crash", options.penalty_crash, low=0.0, high=task.horizon * MOST_WEIGHT
        )
    values["penalty_crash"] = penalty
    return values


def _check_start(task: Task, span: float, bound: float) -> None:
    """Refuse starts so far from the target that episodes end before any action has acted.

    Args:
        task: The task; where a velocity is the target no distance ends an episode.
        span: Largest offset at reset along each axis, m.
        bound: Distance from the target that ends an episode, m.
    """
    farthest = math.sqrt(3.0) * span
    if task.aim != "velocity" and farthest >= bound:
        raise ValueError(
            f"start_position = {span:g} m starts drones up to {farthest:.3g} m from their targets, and bound = "
            f"{bound:g} m ends the episode there; take a start_position below {bound / math.sqrt(3.0):.3g} m, or a "
            f"bound above {farthest:.3g} m"
        )


def _check_velocity(task: Task, values: Mapping[str, float], strongest: float) -> None:
    """Refuse starts so fast that no action stops them before their distance from the target ends the episode.

    All three axes may draw the largest velocity, v = sqrt(3) start_velocity, downwards: along it the rotors slow a
    drone by at most their whole specific thrust less g / sqrt(3), so that it moves on by at least v^2 / 2 over that.
    Drag is left out of account.

    Args:
        task: The task; where a velocity is the target no distance ends an episode.
        values: Parameters by name.
        strongest: Largest specific thrust, m/s^2.
    """
    if task.aim == "velocity":
        return
    span, bound = values["start_velocity"], values["bound"]
    braking = strongest - values["gravity"] / math.sqrt(3.0)
    way = 1.5 * span * span / braking
    if way >= bound:
        raise ValueError(
            f"start_velocity = {span:g} m/s on each axis moves drones away from their targets by at least {way:.3g} m "
            f"while all of their thrust brakes, and bound = {bound:g} m ends the episode there; take a start_velocity "
            f"below {math.sqrt(bound * braking / 1.5):.3g} m/s, or a bound above {way:.3g} m"
        )


def _resolved(
    takes: OptionSet[Options], options: Options, vehicle: pm.Vehicle, model: pm.Model
) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    resolved = {name: _plain(value) for name, value in takes.as_given(options).items()}
    resolved["vehicle"], resolved["model"] = asdict(vehicle), asdict(model)
    if "track" in resolved:
        resolved["track"] = as_mapping(build_track(options.track))
    return resolved


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
