"""How soon a vehicle can be at its target at best: a bound on the time that nobody beats.

The problem is relaxed until it can be solved exactly. The vehicle is a disc that fits into its footprint, turns at once
and never brakes: its centre keeps off the walls, its way is no shorter than the shortest one round them, and along it
it gains speed with its highest acceleration up to its highest speed (a hybrid A* search, Dolgov et al. 2010, would
find a way that can be driven, and no bound). Shortest ways among polygons lead over their corners (Lozano-Perez and
Wesley, CACM 22(10), 1979); the walls grow by squares within the disc, so that they stay polygons and become no larger
than they are.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.columns import T_GRID, W, X, first_vehicle
from gym_suite.agv.parameters import P
from gym_suite.core.rows import Rows

Array = NDArray[np.float64]
#: Worlds that are started for the mean of an id.
WORLDS = 60


def boxes(grid: NDArray[Any], cell: float) -> Array:
    """Return the occupied cells as boxes, (k, 4): least x and y, largest x and y, m. What lies outside is free.

    Args:
        grid: 1 where a cell is occupied, (rows, columns).
        cell: Size of a cell, m.
    """
    found: list[list[int]] = []
    growing: dict[tuple[int, int], list[int]] = {}
    for row, line in enumerate(np.asarray(grid, dtype=bool)):
        ends = np.flatnonzero(np.diff(line.astype(int), prepend=0, append=0)).tolist()
        runs = set(zip(ends[::2], ends[1::2], strict=True))
        growing = {run: growing.get(run) or [run[0], row, run[1], row + 1] for run in runs}
        for box in growing.values():
            box[3] = row + 1
            if not any(box is known for known in found):
                found.append(box)
    return np.array(found, dtype=np.float64).reshape(-1, 4) * cell


def shortest_way(walls: Array, start: Array, goal: Array) -> float:
    """Return the length of the shortest way of a point round boxes that it may touch, m; infinite without one.

    Args:
        walls: Boxes, (k, 4).
        start: x and y, m.
        goal: x and y, m.
    """
    corners = walls[:, [[0, 1], [0, 3], [2, 1], [2, 3]]].reshape(-1, 2)
    inside = (
        (corners[:, None] > walls[:, :2] + 1e-9) & (corners[:, None] < walls[:, 2:] - 1e-9)
    ).all(axis=2)
    points = np.vstack([start, goal, corners[~np.any(inside, axis=1)]])
    length = np.full(len(points), np.inf)
    length[0] = 0.0
    done = np.zeros(len(points), dtype=bool)
    while True:  # Dijkstra; what a point sees is looked up when it is reached
        k = int(np.where(done, np.inf, length).argmin())
        if done[k] or not np.isfinite(length[k]) or k == 1:
            return float(length[1])
        done[k] = True
        other = np.flatnonzero(~done)
        other = other[_sees(points[k], points[other], walls)]
        reached = length[k] + np.hypot(*(points[other] - points[k]).T)
        length[other] = np.minimum(length[other], reached)


def _sees(a: Array, b: Array, walls: Array) -> NDArray[np.bool_]:
    """Return to which points b, (n, 2), a straight way leads from a without passing through a box."""
    step = (b - a)[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (walls[:, :2] + 1e-9 - a) / step
        last = (walls[:, 2:] - 1e-9 - a) / step
    # A way along an axis is within a box's span of the other axis, or is not, all along.
    beside = (walls[:, :2] + 1e-9 < a) & (a < walls[:, 2:] - 1e-9)
    still = step == 0.0
    enters = np.where(still, np.where(beside, -np.inf, np.inf), np.minimum(first, last))
    leaves = np.where(still, np.where(beside, np.inf, -np.inf), np.maximum(first, last))
    enters, leaves = enters.max(axis=2), leaves.min(axis=2)
    through = (enters < leaves) & (leaves > 0.0) & (enters < 1.0)
    return ~through.any(axis=1)


def driving_time(length: float, speed: float, acceleration: float) -> float:
    """Return the least time in which a length (m) is covered from rest, s.

    Args:
        length: m.
        speed: Highest speed, m/s.
        acceleration: Highest acceleration, m/s^2.
    """
    run_up = 0.5 * speed * speed / acceleration
    if length <= run_up:
        return math.sqrt(2.0 * max(length, 0.0) / acceleration)
    return speed / acceleration + (length - run_up) / speed


def least_times(x: Array, row: Array, grids: NDArray[Any]) -> Array:
    """Return a bound on the time from each start to the target, s: no control of the nominal vehicle is sooner there.

    Of worlds whose targets stand, whose floor does not disturb them and in which the first vehicle is at rest. Times
    are whole control periods, as episodes are judged.

    Args:
        x: States at the start, (n, nx).
        row: Nominal parameters, (np,).
        grids: Occupied cells of the layouts, (layouts, rows, columns).
    """
    cell, radius = float(row[P.cell]), float(row[P.goal_radius])
    fits = (
        0.5 * min(row[P.length], row[P.width]) / math.sqrt(2.0)
    )  # half the square within the disc
    turns = 0.5 * math.hypot(row[P.length], row[P.width])  # no wall is that near to a target
    near = max(0.0, min(fits, (turns - radius) / math.sqrt(2.0)))
    quick = min(row[P.acceleration], row[P.drive_force] / row[P.mass])
    speed = min(float(row[P.v_limit]), float(row[P.wheel_radius] * row[P.wheel_limit]))
    place = first_vehicle(row)
    layouts = [boxes(grid, cell) for grid in grids]
    outward = np.array([-1.0, -1.0, 1.0, 1.0])
    times = np.zeros(len(x))
    for i, world in enumerate(x):
        start, goal = world[[place + X.x, place + X.y]], world[[place + X.goal_x, place + X.goal_y]]
        walls = layouts[int(world[W.layout])]
        # A target counts as reached from some way off: no wall may stand between there and the target.
        gap = np.maximum(np.maximum(walls[:, :2] - goal, goal - walls[:, 2:]) - fits, 0.0)
        grows = np.where(np.hypot(*gap.T) < radius, near, fits)
        way = shortest_way(walls + grows[:, None] * outward, start, goal)
        exact = driving_time(way - radius, speed, float(quick))
        times[i] = math.ceil(exact / row[P.dt] - 1e-9) * row[P.dt]
    return times


def mean_least_time(setup: Any) -> tuple[float, float]:
    """Return the mean of :func:`least_times` over worlds as they are drawn at a reset, and its standard error, s.

    Args:
        setup: Nominal setup of one vehicle whose target stands.
    """
    rows = Rows(setup.nominal(), WORLDS)
    rows.reset(np.ones(WORLDS, dtype=np.bool_), np.arange(1, WORLDS + 1, dtype=np.uint64))
    grids = np.asarray(setup.nominal_tables[T_GRID])
    return _mean(rows.x.tobytes(), rows.x.shape, setup.row.tobytes(), grids.tobytes(), grids.shape)


@lru_cache(maxsize=32)
def _mean(
    x: bytes, shape: tuple[int, ...], row: bytes, grids: bytes, size: tuple[int, ...]
) -> tuple[float, float]:
    """Keep what settings of an id have in common."""
    times = least_times(
        np.frombuffer(x).reshape(shape),
        np.frombuffer(row),
        np.frombuffer(grids, dtype=np.uint8).reshape(size),
    )
    return float(times.mean()), float(times.std(ddof=1) / math.sqrt(len(times)))
