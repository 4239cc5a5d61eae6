"""From keyword arguments to a setup: checks, parameters of a row, maps, columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from gym_suite.agv import dynamics, maps, tasks
from gym_suite.agv import parameters as pm
from gym_suite.agv.geometry import box_hits_grid, boxes_overlap
from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Kernels, Mark, Setup
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_flag, check_keywords, check_number, check_option
from gym_suite.core.signals import pack

KERNELS = Kernels(
    step=tasks.step_batch,
    reset=tasks.reset_batch,
    observe=tasks.observe_batch,
    advance=dynamics.advance_batch,
)
ENGINES = ("compiled", "bullet")
#: The weights of ``reward="dense"``; with "sparse" all are 0.
DENSE = {"progress": 0.05, "clearance": 0.002, "smoothness": 0.0005, "time": 0.0005}
MOST_AGENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of the family's environments and their defaults.

    Attributes:
        vehicle: Preset, mapping of overrides, or :class:`gym_suite.agv.parameters.Vehicle`.
        lidar: Number of beams, mapping of overrides, or :class:`gym_suite.agv.parameters.Lidar`.
        layout: What :func:`gym_suite.agv.maps.build_layouts` takes.
        cell: Size of a map cell, m.
        starts: Poses (x, y, heading) from which starts are drawn; None: the map's.
        goals: Poses (x, y, heading) from which targets are drawn; None: the map's.
        least_distance: Least distance from start to target, m.
        moving_target: Whether targets walk about.
        moving_obstacles: Number of obstacles that walk about; True: 4.
        obstacle_radius: Their radius, m.
        obstacle_speed: Their speed, m/s.
        target_speed: Speed of a moving target, m/s.
        goal_radius: Distance at which a target counts as reached, m.
        dock: Whether targets are poses to be reached within tolerances.
        goal_angle: Heading error allowed at a dock, rad.
        goal_speed: Sum of speed (m/s) and yaw rate (rad/s) allowed at a dock.
        payload: A number or (lowest, highest) drawn at each reset, kg; None: up to the vehicle's limit.
        action: "twist" (speed, yaw rate) or "wheels" (left, right).
        localization: "truth" or "odometry": how observations know the pose.
        reward: "sparse" or "dense".
        weights: Weights of progress, clearance, smoothness and time; overrides those of ``reward``.
        agents: Number of vehicles.
        dt: Control period, s.
        substeps: Steps of the physics in a control period.
        engine: "compiled".
        noise: Standard deviations of measured observations.
        mismatch: Departure of the plant's parameters from nominal.
        delay: Control periods by which actions are late.
        disturbance: Signals added to the speed ("v", m/s) and yaw rate ("omega", rad/s) asked of the drives.
    """

    vehicle: Any = "MiR100"
    lidar: Any = None
    layout: Any = "simple"
    cell: float = 0.5
    starts: Any = None
    goals: Any = None
    least_distance: float = 4.0
    moving_target: bool = False
    moving_obstacles: int | bool = 0
    obstacle_radius: float = 0.3
    obstacle_speed: float = 0.4
    target_speed: float = 0.3
    goal_radius: float = 0.5
    dock: bool = False
    goal_angle: float = 0.05
    goal_speed: float = 0.05
    payload: Any = None
    action: str = "twist"
    localization: str = "truth"
    reward: str = "sparse"
    weights: Mapping[str, float] | None = None
    agents: int = 1
    dt: float = 0.1
    substeps: int = 4
    engine: str = "compiled"
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


def configure(id: str, defaults: Mapping[str, Any], /, **keywords: Any) -> Setup:
    """Return the setup for an id's defaults and a user's keyword arguments.

    Args:
        id: The environment's id.
        defaults: What differs from :class:`Options`.
        **keywords: Attributes of :class:`Options`; ``agents`` only where the id has several vehicles.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest; one out of bounds; or a map or start
            that cannot be, naming the cell or key.
        TypeError: For a value of the wrong kind.
    """
    several = "agents" in defaults
    names = [f.name for f in fields(Options) if several or f.name != "agents"]
    check_keywords(keywords, names, f"keyword of {id}")
    options = Options(**(dict(defaults) | keywords))
    check_option("engine", options.engine, ENGINES)
    if options.engine == "bullet":
        raise ValueError(f"{id} has no engine='bullet' yet; use engine='compiled'")
    vehicle, lidar = pm.build_vehicle(options.vehicle), pm.build_lidar(options.lidar)
    cell = check_number("cell", options.cell, above=0.0)
    layouts = maps.build_layouts(options.layout)
    agents = _agents(options, several)
    dock = check_flag("dock", options.dock)
    if check_flag("moving_target", options.moving_target) and dock:
        raise ValueError("dock=True and moving_target=True do not go together: docks stand")
    floor = maps.prepare(layouts, cell=cell, reach=vehicle.reach + 0.01, dock=dock)
    floor = _placed(options, floor, layouts, vehicle, cell, agents)
    values = _values(options, vehicle, lidar, floor, cell, len(agents) or 1)
    disturbances = read_disturbance(options.disturbance, dynamics.DISTURBANCES)
    signals, signal_tables = pack(disturbances)
    row = np.array([values[name] for name in pm.PARAMETERS.names], dtype=np.float64)
    observations = observation_columns(lidar, vehicle, values)
    measured = (*(f"lidar_{j}" for j in range(int(lidar.beams))), "v", "omega")
    obstacles = int(values["obstacles"])
    tables = (floor.grid, floor.room, floor.edges, floor.spots, floor.ranges, _beams(lidar))
    return Setup(
        id=id,
        family="agv",
        kernels=KERNELS,
        dt=values["dt"],
        state_columns=dynamics.state_columns(
            obstacles,
            agents,
            layouts=len(floor.grid),
            width=2.0 * values["map_x"],
            height=2.0 * values["map_y"],
            payload=vehicle.payload_limit,
        ),
        follow=partial(dynamics.follow_injected, agents),
        action_columns=_action_columns(options, vehicle),
        observation_columns=observations,
        metric_columns=_metric_columns(len(agents) or 1),
        parameter_columns=_parameter_columns(vehicle),
        row=row,
        tables=(*tables, signals, signal_tables),
        nominal_tables=(*tables, *pack([])),
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=measured,
        effort=() if agents else ("v", "omega"),
        effort_scale=() if agents else (vehicle.v_limit, vehicle.omega_limit),
        violation="violation",
        success="arrived",
        disturbances=dynamics.DISTURBANCES,
        agents=agents,
        idle_action=np.zeros(2),
        work_size=max(1, len(agents)) * int(lidar.beams),
        mismatch=read_mismatch(options.mismatch, pm.PARAMETERS, pm.PLANT_PARAMETERS),
        noise=read_noise(options.noise, observations, measured),
        delay=read_delay(options.delay),
        renderer="gym_suite.agv.render:FloorRenderer",
        marks=None if any(_weights(options).values()) else _sparse_marks,
        keywords=_resolved(options, layouts, vehicle, lidar, several),
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------- pieces of a setup


def _agents(options: Options, several: bool) -> tuple[str, ...]:
    if not several:
        return ()
    count = int(check_number("agents", options.agents, low=2, high=MOST_AGENTS, integer=True))
    return tuple(f"agv_{k}" for k in range(count))


def _beams(lidar: pm.Lidar) -> np.ndarray:
    """Return the beams' unit directions in the vehicle's frame, (2, beams)."""
    count = int(lidar.beams)
    angle = (np.arange(count) + 0.5) * lidar.fov / count - 0.5 * lidar.fov
    return np.array([np.cos(angle), np.sin(angle)])


def _values(
    options: Options,
    vehicle: pm.Vehicle,
    lidar: pm.Lidar,
    floor: maps.Floor,
    cell: float,
    agents: int,
) -> dict[str, float]:
    """Return every parameter of a row by name."""
    rows, columns = floor.grid.shape[1:]
    low, high = _payload(options.payload, vehicle)
    weights = _weights(options)
    values = {
        **asdict(vehicle),
        **{f"lidar_{name}": value for name, value in asdict(lidar).items()},
        "payload_low": low,
        "payload_high": high,
        "dt": check_number("dt", options.dt, above=0.0, high=1.0),
        "substeps": check_number("substeps", options.substeps, low=1, high=1000, integer=True),
        "wheels": float(check_option("action", options.action, ("twist", "wheels")) == "wheels"),
        "cell": cell,
        "layouts": len(floor.grid),
        "agents": agents,
        "obstacles": _obstacles(options.moving_obstacles),
        "obstacle_radius": check_number("obstacle_radius", options.obstacle_radius, above=0.0),
        "obstacle_speed": check_number("obstacle_speed", options.obstacle_speed, low=0.0),
        "target_speed": check_number("target_speed", options.target_speed, low=0.0)
        * options.moving_target,
        "goal_radius": check_number("goal_radius", options.goal_radius, above=0.0),
        "goal_angle": check_number("goal_angle", options.goal_angle, above=0.0, high=math.pi),
        "goal_speed": check_number("goal_speed", options.goal_speed, above=0.0),
        "least_distance": check_number("least_distance", options.least_distance, low=0.0),
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
    }
    _check_motion(values, floor)
    return values


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
        radius = values["obstacle_radius"]
        free = [maps.clear(grid, values["cell"], radius).any() for grid in floor.grid]
        if not all(free):
            raise ValueError(
                f"obstacle_radius: the map has no place for a disc of radius {radius:g} m"
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


def _sparse_marks(steps: int) -> tuple[Mark, ...]:
    """Return the bound of an episode's return with the sparse reward, however many steps it has."""
    return (Mark("target", 1.0, "bound", "the reward of the target, which ends an episode"),)


def _weights(options: Options) -> dict[str, float]:
    kind = check_option("reward", options.reward, ("sparse", "dense"))
    weights = dict(DENSE) if kind == "dense" else dict.fromkeys(DENSE, 0.0)
    if options.weights is not None and not isinstance(options.weights, Mapping):
        raise TypeError(f"weights must map terms to numbers, got {options.weights!r}")
    given = dict(options.weights or {})
    check_keywords(given, DENSE, "weight")
    return weights | {k: check_number(f"weight {k!r}", v, low=0.0) for k, v in given.items()}


def _placed(
    options: Options,
    floor: maps.Floor,
    layouts: list[maps.Layout],
    vehicle: pm.Vehicle,
    cell: float,
    agents: tuple[str, ...],
) -> maps.Floor:
    """Replace starts and targets by those that the user gave, after checking them against the map."""
    count = len(agents) or 1
    spots, ranges = floor.spots, floor.ranges.copy()
    for what, given, j in (("starts", options.starts, 0), ("goals", options.goals, 2)):
        if given is None:
            least = int((ranges[:, j + 1] - ranges[:, j]).min())
            if least < count:
                raise ValueError(f"the map has room for {least} {what}, {count} vehicles need more")
            continue
        if len(layouts) > 1:
            raise ValueError(f"{what} can be given for one map, there are {len(layouts)}")
        poses = _poses(what, given)
        if len(poses) < count:
            raise ValueError(f"{what}: {len(poses)} poses for {count} vehicles")
        for pose in poses:
            _check_pose(what, pose, floor.grid[0], vehicle, cell)
        if count > 1:
            _check_apart(what, poses, vehicle)
        ranges[0, j], ranges[0, j + 1] = len(spots), len(spots) + len(poses)
        spots = np.vstack([spots, poses])
    placed = replace(floor, spots=spots, ranges=ranges)
    if count > 1:
        _check_room(placed, vehicle, count)
    if options.starts is None and options.goals is None:
        _check_distance(placed, check_number("least_distance", options.least_distance, low=0.0))
    return placed


def _check_room(floor: maps.Floor, vehicle: pm.Vehicle, count: int) -> None:
    """Refuse maps whose starts or targets cannot be as far from each other as vehicles have to be."""
    apart = tasks.distance_apart(vehicle.length, vehicle.width)
    for what, j in (("starts", 0), ("goals", 2)):
        for low, high in floor.ranges[:, j : j + 2].astype(int).tolist():
            found = np.empty((0, 2))
            for spot in floor.spots[low:high, :2]:
                if len(found) < count and (np.hypot(*(found - spot).T) >= apart).all():
                    found = np.vstack([found, spot])
            if len(found) < count:
                raise ValueError(
                    f"the map has room for {len(found)} {what} that are {apart:.2g} m apart, "
                    f"{count} vehicles need more"
                )


def _check_distance(floor: maps.Floor, least: float) -> None:
    """Refuse a least distance that no start and target of a map have."""
    for first, last, begin, end in floor.ranges[:, :4].astype(int).tolist():
        starts, goals = floor.spots[first:last, :2], floor.spots[begin:end, :2]
        corners = np.array([goals.min(axis=0), goals.max(axis=0)])
        # No farther than the farthest corner of the box around all targets.
        away = np.abs(starts[:, None] - corners[None]).max(axis=1)
        farthest = float(np.hypot(*away.T).max())
        if farthest < least:
            raise ValueError(
                f"least_distance is {least:g} m, but starts and targets are at most {farthest:.3g} m apart"
            )


def _poses(what: str, given: Any) -> np.ndarray:
    try:
        poses = np.array(given, dtype=np.float64, ndmin=2)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be poses (x, y, heading), got {given!r}") from None
    if poses.ndim != 2 or poses.shape[1] != 3 or not np.isfinite(poses).all():
        raise ValueError(f"{what} must be poses (x, y, heading), got {given!r}")
    return poses


def _check_apart(what: str, poses: np.ndarray, vehicle: pm.Vehicle) -> None:
    half = (0.5 * vehicle.length, 0.5 * vehicle.width)
    for i in range(len(poses)):
        for k in range(i):
            first: list[float] = [*poses[i].tolist(), *half, *poses[k].tolist(), *half]
            if boxes_overlap(*first):
                raise ValueError(f"{what}: the vehicles at poses {k} and {i} overlap")


def _check_pose(
    what: str, pose: np.ndarray, grid: np.ndarray, vehicle: pm.Vehicle, cell: float
) -> None:
    x, y, heading = (float(value) for value in pose)
    half_length, half_width = 0.5 * vehicle.length, 0.5 * vehicle.width
    if not box_hits_grid(x, y, heading, half_length, half_width, grid, cell):
        return
    reach = math.ceil(vehicle.reach / cell) + 1
    row, column = math.floor(y / cell), math.floor(x / cell)
    for r in range(max(row - reach, 0), min(row + reach + 1, grid.shape[0])):
        for c in range(max(column - reach, 0), min(column + reach + 1, grid.shape[1])):
            middle = ((c + 0.5) * cell, (r + 0.5) * cell)
            box = (x, y, heading, half_length, half_width)
            if grid[r, c] and boxes_overlap(*box, *middle, 0.0, 0.5 * cell, 0.5 * cell):
                raise ValueError(
                    f"{what}: the vehicle at ({x:g}, {y:g}) overlaps the occupied cell "
                    f"(row {r}, column {c})"
                )
    raise ValueError(f"{what}: the vehicle at ({x:g}, {y:g}) is outside of the map")


def _resolved(
    options: Options,
    layouts: list[maps.Layout],
    vehicle: pm.Vehicle,
    lidar: pm.Lidar,
    several: bool,
) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    resolved = {
        f.name: getattr(options, f.name) for f in fields(Options) if several or f.name != "agents"
    }
    if isinstance(options.layout, maps.Layout):
        resolved["layout"] = {"kind": "ascii", "text": layouts[0].text, "name": layouts[0].name}
    for name in ("starts", "goals", "payload"):
        if resolved[name] is not None:
            resolved[name] = np.asarray(resolved[name]).tolist()
    return resolved | {"vehicle": asdict(vehicle), "lidar": asdict(lidar)}


# ------------------------------------------------------------------------------------------------------------ columns


def observation_columns(
    lidar: pm.Lidar, vehicle: pm.Vehicle, values: Mapping[str, float]
) -> Columns:
    """Return the columns of one vehicle's observation."""
    bound = tasks.SPEED_BOUND
    columns = [
        Column(f"lidar_{j}", "m", 0, 1, "range of a beam, from the right rear on", lidar.range)
        for j in range(int(lidar.beams))
    ]
    columns += [
        Column("goal_distance", "m", 0, 1, "distance of the target", values["scale_goal"]),
        Column("goal_cos", "1", -1, 1, "cosine of the target's bearing"),
        Column("goal_sin", "1", -1, 1, "sine of the target's bearing"),
        Column("v", "m/s", -bound, bound, "speed", vehicle.v_limit),
        Column("omega", "rad/s", -bound, bound, "yaw rate", vehicle.omega_limit),
        Column("payload", "kg", 0, 1, "payload", vehicle.payload_limit),
        Column("last_0", "1", -1, 1, "first element of the last action"),
        Column("last_1", "1", -1, 1, "second element of the last action"),
        Column("pose_x", "m", -1, 1, "position from the map's middle", values["scale_x"]),
        Column("pose_y", "m", -1, 1, "position from the map's middle", values["scale_x"]),
        Column("heading_cos", "1", -1, 1, "cosine of the heading"),
        Column("heading_sin", "1", -1, 1, "sine of the heading"),
    ]
    if values["dock"]:
        columns += [
            Column("dock_cos", "1", -1, 1, "cosine of the turn to the dock's heading"),
            Column("dock_sin", "1", -1, 1, "sine of the turn to the dock's heading"),
        ]
    if values["layouts"] > 1:
        columns.append(
            Column("layout", "1", 0, 1, "number of the layout", scale=values["layouts"] - 1.0)
        )
    return Columns(*columns)


def _action_columns(options: Options, vehicle: pm.Vehicle) -> Columns:
    if options.action == "wheels":
        scale = vehicle.wheel_limit
        return Columns(
            Column("wheel_left", "rad/s", -1, 1, "speed of the left wheel", scale),
            Column("wheel_right", "rad/s", -1, 1, "speed of the right wheel", scale),
        )
    return Columns(
        Column("v", "m/s", -1, 1, "speed", vehicle.v_limit),
        Column("omega", "rad/s", -1, 1, "yaw rate", vehicle.omega_limit),
    )


def _metric_columns(agents: int) -> Columns:
    columns = [
        Column("reward_goal", "1", 0, math.inf, "reaching the target"),
        Column("reward_collision", "1", -math.inf, 0, "hitting something"),
        Column("reward_progress", "1", meaning="coming nearer to the target, as the crow flies"),
        Column("reward_clearance", "1", -math.inf, 0, "closeness to obstacles"),
        Column("reward_smoothness", "1", -math.inf, 0, "squared change of the action"),
        Column("reward_time", "1", -math.inf, 0, "time"),
        Column("arrived", "1", 0, agents, "vehicles that have arrived"),
        Column("violation", "1", 0, 1, "1 if a vehicle hit something in this step"),
        Column("clearance", "m", 0, math.inf, "least range seen, less half the width"),
        Column("goal_distance", "m", 0, math.inf, "distance to the target (mean over vehicles)"),
        Column("clipped", "1", 0, 2 * agents, "elements of the action outside [-1, 1]"),
    ]
    if agents == 1:
        columns += [dynamics.VEHICLE_STATES[k] for k in tasks.SHOWN]
        columns += [
            Column("odometry_error", "m", 0, math.inf, "distance of odometry from the truth"),
            Column("goal_angle", "rad", -math.pi, math.pi, "turn to the target's heading"),
        ]
    return Columns(*columns)


def _parameter_columns(vehicle: pm.Vehicle) -> Columns:
    """Return the parameter columns with the sources of this vehicle's numbers."""
    names = {field.name for field in fields(pm.Vehicle)}
    lidar = {f"lidar_{field.name}": field.metadata["source"] for field in fields(pm.Lidar)}
    columns = []
    for column in pm.PARAMETERS:
        source = lidar.get(column.name, "")
        if column.name in names:
            source = pm.vehicle_source(vehicle, column.name)
        columns.append(
            Column(column.name, column.unit, column.low, column.high, column.meaning, 1.0, source)
        )
    return Columns(*columns)
