"""From options to a setup: checks, parameters of a row, tables."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np

from gym_suite.agv import columns as cs
from gym_suite.agv import loops, maps
from gym_suite.agv import parameters as pm
from gym_suite.agv.bounds import mean_least_time
from gym_suite.agv.envs import columns
from gym_suite.agv.envs.options import DENSE, ENGINES, ONE, SEVERAL, Options
from gym_suite.agv.envs.placement import placed
from gym_suite.agv.tasks import TERMS
from gym_suite.core.columns import Term
from gym_suite.core.family import Setup
from gym_suite.core.marks import Mark
from gym_suite.core.parameters import check_flag, check_keywords, check_number, check_option
from gym_suite.core.signals import pack

MOST_AGENTS = 50


def build(id: str, options: Options, *, several: bool) -> Setup:
    """Return the setup for an id's options.

    Args:
        id: The environment's id.
        options: The keyword arguments.
        several: Whether the id has several vehicles.

    Raises:
        ValueError: For an unknown value, naming the nearest; one out of bounds; or a map or start that cannot be,
            naming the cell or key.
        TypeError: For a value of the wrong kind.
    """
    if check_option("engine", options.engine, ENGINES) == "bullet":
        raise ValueError(f"{id} has no engine='bullet' yet; use engine='compiled'")
    vehicle, lidar = pm.build_vehicle(options.vehicle), pm.build_lidar(options.lidar)
    rules = pm.read_rules(options)
    given = maps.build_layouts(options.layout)
    layouts = [layout.resampled(rules["cell"]) for layout in given]
    agents = _agents(options, several)
    dock = check_flag("dock", options.dock)
    if check_flag("moving_target", options.moving_target) and dock:
        raise ValueError("dock=True and moving_target=True do not go together: docks stand")
    cell = rules["cell"]
    floor = maps.prepare(layouts, cell=cell, reach=vehicle.reach + 0.01, dock=dock)
    floor = placed(
        floor,
        layouts,
        vehicle,
        cell,
        given={"starts": options.starts, "goals": options.goals},
        vehicles=len(agents) or 1,
        least_distance=rules["least_distance"],
    )
    weights = _weights(options)
    values = _values(options, rules, weights, vehicle, lidar, floor, len(agents) or 1)
    _check_motion(values, floor)
    observations = columns.observation_columns(values)
    measured = (*(f"lidar_{j}" for j in range(int(values["lidar_beams"]))), "v", "omega")
    plant = options.read(
        observations, measured, pm.PARAMETERS, pm.PLANT_PARAMETERS, cs.DISTURBANCES
    )
    tables, undisturbed = (
        _tables(floor, lidar, values, signals) for signals in (list(plant.signals), [])
    )
    alone = _alone(values, floor) and not plant.signals
    setup = Setup(
        id=id,
        family="agv",
        kernels=loops.ALONE if alone else loops.TOGETHER,
        dt=values["dt"],
        state_columns=columns.state_columns(values, agents),
        follow=partial(columns.follow_injected, agents),
        action_columns=columns.action_columns(values),
        observation_columns=observations,
        metric_columns=columns.metric_columns(len(agents) or 1),
        terms=tuple(_weighted(term, weights) for term in TERMS),
        parameter_columns=columns.parameter_columns(vehicle),
        row=np.array([values[name] for name in pm.PARAMETERS.names], dtype=np.float64),
        tables=tables,
        nominal_tables=undisturbed,
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=measured,
        effort=() if agents else ("v", "omega"),
        effort_scale=() if agents else (vehicle.v_limit, vehicle.omega_limit),
        violation="violation",
        totals=columns.totals(len(agents) or 1),
        success="arrived",
        disturbances=cs.DISTURBANCES,
        agents=agents,
        idle_action=np.zeros(2),
        work_size=(len(agents) or 1) * (int(lidar.beams) + cs.QUANTITY_SIZE),
        renderer="gym_suite.agv.render:FloorRenderer",
        keywords=_resolved(options, given, vehicle, lidar, several),
        **plant.setup,
    )  # fmt: skip
    return setup if any(weights.values()) else replace(setup, marks=partial(_sparse_marks, setup))


# ---------------------------------------------------------------------------------------------------- pieces of a setup


def _agents(options: Options, several: bool) -> tuple[str, ...]:
    if not several:
        return ()
    count = int(check_number("agents", options.agents, low=2, high=MOST_AGENTS, integer=True))
    return tuple(f"agv_{k}" for k in range(count))


def _tables(
    floor: maps.Floor, lidar: pm.Lidar, values: Mapping[str, float], signals: list[Any]
) -> tuple[np.ndarray, ...]:
    """Return the arrays that all rows share, in the order of ``TABLES``."""
    rows, own = pack(signals)
    arrays = {
        "grid": floor.grid,
        "room": floor.room,
        "edges": floor.edges,
        "spots": floor.spots,
        "spans": floor.spans,
        "beams": _beams(lidar),
        "observed": columns.observed_table(values),
        "shown": columns.shown_table(),
        "signals": rows,
        "signal_tables": own,
    }
    return tuple(arrays[name] for name in cs.TABLES.names)


def _beams(lidar: pm.Lidar) -> np.ndarray:
    """Return the beams' unit directions in the vehicle's frame, (2, beams)."""
    count = int(lidar.beams)
    angle = (np.arange(count) + 0.5) * lidar.fov / count - 0.5 * lidar.fov
    return np.array([np.cos(angle), np.sin(angle)])


def _alone(values: Mapping[str, float], floor: maps.Floor) -> bool:
    """Return whether a lidar that does not err sees nothing move, see :mod:`gym_suite.agv.loops`."""
    moving = values["agents"] > 1 or values["obstacles"]
    erring = values["lidar_noise"] or values["lidar_dropout"]
    return not (moving or erring) and bool(floor.spans[:, maps.SPAN.edges].all())


def _values(
    options: Options,
    rules: Mapping[str, float],
    weights: Mapping[str, float],
    vehicle: pm.Vehicle,
    lidar: pm.Lidar,
    floor: maps.Floor,
    agents: int,
) -> dict[str, float]:
    """Return every parameter of a row by name."""
    layouts, rows, columns = floor.grid.shape
    cell = rules["cell"]
    low, high = _payload(options.payload, vehicle)
    return {
        **asdict(vehicle),
        **{f"lidar_{name}": value for name, value in asdict(lidar).items()},
        **rules,
        "target_speed": rules["target_speed"] * options.moving_target,
        "payload_low": low,
        "payload_high": high,
        "wheels": float(check_option("action", options.action, ("twist", "wheels")) == "wheels"),
        "layouts": layouts,
        "paired": float(floor.paired),
        "agents": agents,
        "obstacles": _obstacles(options.moving_obstacles),
        "dock": float(options.dock),
        "odometry": float(
            check_option("localization", options.localization, ("truth", "odometry")) == "odometry"
        ),
        "reward_goal": 1.0,
        "reward_collision": 1.0,
        **{f"weight_{name}": value for name, value in weights.items()},
        "scale_x": 0.5 * max(rows, columns) * cell,
        "scale_goal": math.hypot(rows, columns) * cell,
        "map_x": 0.5 * columns * cell,
        "map_y": 0.5 * rows * cell,
        "last_layout": layouts - 1.0,
    }


def _obstacles(value: Any) -> float:
    """Return how many obstacles move."""
    if isinstance(value, bool):
        return 4.0 if value else 0.0
    return check_number("moving_obstacles", value, low=0, high=1000, integer=True)


def _check_motion(values: Mapping[str, float], floor: maps.Floor) -> None:
    """Refuse steps in which something could pass a wall unseen, and obstacles without a place."""
    most = 0.5 * values["cell"]
    obstacles = values["obstacle_speed"] if values["obstacles"] else 0.0
    for what, speed, time, mend in (
        ("the vehicle", values["v_limit"], values["dt"] / values["substeps"], "raise substeps"),
        ("an obstacle", obstacles, values["dt"], "lower obstacle_speed or dt"),
        ("a target", values["target_speed"], values["dt"], "lower target_speed or dt"),
    ):
        if speed * time > most * (1.0 + 1e-9):
            raise ValueError(
                f"{what} moves {speed * time:g} m between two tests for collisions, more than half "
                f"a cell of {values['cell']:g} m: it could pass a wall; {mend}"
            )
    if values["obstacles"]:
        _check_obstacles(values, floor)


def _check_obstacles(values: Mapping[str, float], floor: maps.Floor) -> None:
    """Refuse obstacles without a place on which they touch no vehicle that starts."""
    radius, cell = values["obstacle_radius"], values["cell"]
    touching = radius + 0.5 * math.hypot(values["length"], values["width"])
    for grid, span in zip(floor.grid, floor.spans, strict=True):
        places = (np.argwhere(maps.clear(grid, cell, radius))[:, ::-1] + 0.5) * cell
        if not len(places):
            raise ValueError(
                f"obstacle_radius: the map has no place for a disc of radius {radius:g} m"
            )
        # The place farthest from a start is one of those farthest out in some direction.
        angles = np.arange(0.0, 2.0 * math.pi, math.pi / 16.0)
        out = places[np.argmax(places @ np.array([np.cos(angles), np.sin(angles)]), axis=0)]
        starts = floor.spots[span[maps.SPAN.first_start] : span[maps.SPAN.end_starts], :2]
        away = np.hypot(*(starts[:, None] - out[None]).T).max(axis=0)
        if away.min() <= touching:
            x, y = starts[int(away.argmin())]
            raise ValueError(
                f"obstacle_radius: a disc of radius {radius:g} m has no place that keeps it off a vehicle "
                f"that starts at ({x:g}, {y:g})"
            )


def _payload(value: Any, vehicle: pm.Vehicle) -> tuple[float, float]:
    if value is None:
        return 0.0, vehicle.payload_limit
    several = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
    pair = tuple(value) if several else (value, value)
    if len(pair) != 2:
        raise ValueError(f"payload takes a number or (lowest, highest), got {value!r}")
    low, high = (check_number("payload", p, low=0.0, high=vehicle.payload_limit) for p in pair)
    if low > high:
        raise ValueError(f"payload: lowest {low:g} is above highest {high:g}")
    return low, high


def _sparse_marks(setup: Setup, steps: int) -> tuple[Mark, ...]:
    """Return the bound of an episode's return with the sparse reward, however many steps it has.

    Where the target stands its meaning says how soon the nominal vehicle can be there at best, too.
    """
    meaning = "the reward of the target, which ends an episode"
    if setup.agent_count == 1 and setup.row[pm.P.target_speed] == 0.0:
        time, error = mean_least_time(setup)
        meaning += (
            f"; in the nominal plant nobody is there before {time:.1f} s on average over episodes as they are drawn "
            f"(standard error {error:.1f} s): the shortest way round the walls at the highest speed, turning at once"
        )
    return (Mark("target", 1.0, "bound", meaning),)


def _weighted(term: Term, weights: Mapping[str, float]) -> Term:
    """Return a reward term with the weight that it has in this setup."""
    return replace(term, weight=weights[term.weight]) if isinstance(term.weight, str) else term


def _weights(options: Options) -> dict[str, float]:
    kind = check_option("reward", options.reward, ("sparse", "dense"))
    weights = dict(DENSE) if kind == "dense" else dict.fromkeys(DENSE, 0.0)
    if options.weights is not None and not isinstance(options.weights, Mapping):
        raise TypeError(f"weights must map terms to numbers, got {options.weights!r}")
    given = dict(options.weights or {})
    check_keywords(given, DENSE, "weight")
    return weights | {k: check_number(f"weight {k!r}", v, low=0.0) for k, v in given.items()}


def _resolved(
    options: Options,
    layouts: list[maps.Layout],
    vehicle: pm.Vehicle,
    lidar: pm.Lidar,
    several: bool,
) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    resolved = (SEVERAL if several else ONE).as_given(options)
    if isinstance(options.layout, maps.Layout):
        drawn = {"kind": "ascii", "text": layouts[0].text, "name": layouts[0].name}
        own = {} if layouts[0].resolution is None else {"resolution": layouts[0].resolution}
        resolved["layout"] = drawn | own
    elif isinstance(options.layout, os.PathLike):
        resolved["layout"] = os.fspath(options.layout)
    elif isinstance(options.layout, Mapping):
        resolved["layout"] = {
            key: os.fspath(value) if isinstance(value, os.PathLike) else value
            for key, value in options.layout.items()
        }
    for name in ("starts", "goals", "payload"):
        if resolved[name] is not None:
            resolved[name] = np.asarray(resolved[name]).tolist()
    return resolved | {"vehicle": asdict(vehicle), "lidar": asdict(lidar)}
