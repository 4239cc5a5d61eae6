"""Maps as kernels read them: where vehicles can stand, how far it is to walls, what scanners see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gym_suite.agv.maps.layouts import Layout
from gym_suite.core.columns import Column, Columns

#: Maps whose walls have more sides are scanned through the grid.
MOST_EDGES = 1024


SPANS = Columns(
    Column("first_start", meaning="place of the layout's first start among the spots", whole=True),
    Column("end_starts", meaning="place behind its last start", whole=True),
    Column("first_goal", meaning="place of the layout's first target among the spots", whole=True),
    Column("end_goals", meaning="place behind its last target", whole=True),
    Column("edges", meaning="number of its walls' sides; 0: too many are not kept", whole=True),
)
SPAN = SPANS.places


def clear(grid: np.ndarray, cell: float, radius: float) -> np.ndarray:
    """Return where a disc of a radius (m) in the middle of a cell touches nothing, bool (rows, columns).

    Outside of the grid all is occupied.
    """
    reach = math.ceil(radius / cell)  # rows above and below that the disc may touch
    walled = np.pad(np.asarray(grid, dtype=bool), reach, constant_values=True)
    rows, columns = np.shape(grid)
    # How many cells of a row are occupied up to a column: a difference tells of a run of cells.
    counts = np.pad(np.cumsum(walled, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
    touched = np.zeros((rows, columns), dtype=bool)
    for k in range(-reach, reach + 1):
        across = max(abs(k) - 0.5, 0.0) * cell
        if across > radius:
            continue
        beside = min(int(math.sqrt(radius * radius - across * across) / cell + 0.5), reach)
        line = counts[reach + k : reach + k + rows]
        first, last = reach - beside, reach + beside + 1
        touched |= line[:, last : last + columns] > line[:, first : first + columns]
    return ~touched


def room(grid: np.ndarray) -> np.ndarray:
    """Return each cell's Chebyshev distance to the nearest occupied one, at most 255, uint8."""
    from scipy.ndimage import distance_transform_cdt

    walled = np.pad(np.asarray(grid, dtype=bool), 1, constant_values=True)
    distance = np.asarray(distance_transform_cdt(~walled, metric="chessboard"))[1:-1, 1:-1]
    return np.minimum(distance, 255).astype(np.uint8)


def edges(grid: np.ndarray, cell: float) -> np.ndarray:
    """Return the sides of the occupied cells that face free ones, in pieces as long as can be.

    Returns:
        float64 (k, 4): x, y of the ends (m), the first on the right for who looks at it from the free side.
    """
    full = np.pad(np.asarray(grid, dtype=bool), 1, constant_values=True)
    found: list[tuple[float, float, float, float]] = []
    for turned, cells in ((False, full), (True, full.T)):
        # Between line r - 1 and line r of the cells: which side is free, 1 above, -1 below, 0 both or none.
        facing = cells[:-1].astype(int) - cells[1:].astype(int)
        for r, line in enumerate(facing):
            starts = np.flatnonzero(np.diff(line, prepend=0, append=0))
            for first, last in pairwise(starts.tolist()):
                if not line[first]:
                    continue
                low, high, at = (first - 1) * cell, (last - 1) * cell, r * cell
                if (line[first] > 0) == turned:
                    low, high = high, low
                found.append((at, low, at, high) if turned else (low, at, high, at))
    return np.array(found, dtype=np.float64).reshape(-1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The maps of a setup as kernels read them.

    Attributes:
        grid: uint8 (layouts, rows, columns).
        room: uint8 (layouts, rows, columns).
        spots: Places, float64 (k, 3): x, y, heading (NaN: any).
        edges: Sides of the walls as segments, float64 (layouts, k, 4): x, y of the ends.
        spans: Which spots and edges are a layout's, ``SPANS``, int64 (layouts, 5).
    """

    grid: np.ndarray
    room: np.ndarray
    edges: np.ndarray
    spots: np.ndarray
    spans: np.ndarray


def prepare(layouts: list[Layout], *, cell: float, reach: float, dock: bool = False) -> Floor:
    """Return the maps as kernels read them.

    Starts and targets are the middles of cells in which the vehicle can turn on the spot, all in the largest part
    of the map that hangs together for a disc about the vehicle, or the cells that the map marks.

    Args:
        layouts: The maps.
        cell: Size of a cell, m.
        reach: Distance from the vehicle's centre to its corner, m.
        dock: Whether targets are the map's docks.

    Raises:
        ValueError: If a map has nowhere to start or go, or no free path between marked cells, naming them.
    """
    from scipy.ndimage import label

    shape = np.max([layout.grid.shape for layout in layouts], axis=0)
    grid = np.ones((len(layouts), *shape), dtype=np.uint8)
    rooms = np.zeros_like(grid)
    spots: list[tuple[float, float, float]] = []
    spans = np.zeros((len(layouts), len(SPANS)), dtype=np.int64)
    for k, layout in enumerate(layouts):
        rows, columns = layout.grid.shape
        grid[k, :rows, :columns] = layout.grid
        rooms[k] = room(grid[k])
        free = clear(layout.grid, cell, reach)
        found: Any = label(free)
        parts, count = found
        if not count:
            raise ValueError(
                f"map {layout.name!r} has no free path: in no cell of {cell:g} m can a vehicle of "
                f"{2 * reach:.2f} m from corner to corner turn"
            )
        largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
        cells = [tuple(c) for c in np.argwhere(parts == largest).tolist()]
        starts = _marked(layout, layout.starts, cells, parts, "start")
        part = parts[int(starts[0][0]), int(starts[0][1])]
        goals = layout.goals if dock else tuple(goal[:2] for goal in layout.goals)
        if dock and not goals:
            raise ValueError(f"map {layout.name!r} has no dock (> ^ < v)")
        if not dock:
            goals = _marked(layout, goals, cells, parts, "goal")
            for goal in goals:
                if parts[int(goal[0]), int(goal[1])] != part:
                    raise ValueError(
                        f"map {layout.name!r} has no free path from start cell {starts[0]} to goal "
                        f"cell {goal} for a vehicle of {2 * reach:.2f} m"
                    )
        for first, end, places in (
            (SPAN.first_start, SPAN.end_starts, starts),
            (SPAN.first_goal, SPAN.end_goals, goals),
        ):
            spans[k, first] = len(spots)
            place: Any
            for place in places:
                heading = place[2] if len(place) > 2 else np.nan
                spots.append(((place[1] + 0.5) * cell, (place[0] + 0.5) * cell, heading))
            spans[k, end] = len(spots)
    sides = [edges(grid[k], cell) for k in range(len(grid))]
    kept = [side if len(side) <= MOST_EDGES else side[:0] for side in sides]
    walls = np.zeros((len(layouts), max(1, *map(len, kept)), 4))
    for k, side in enumerate(kept):
        walls[k, : len(side)], spans[k, SPAN.edges] = side, len(side)
    grid.setflags(write=False)  # as the tables are, or kernels would be compiled twice
    return Floor(grid=grid, room=rooms, edges=walls, spots=np.array(spots), spans=spans)


def _marked(layout: Layout, marked: Any, cells: Any, parts: np.ndarray, what: str) -> Any:
    """Return the marked cells, or all free ones where none is marked."""
    for cell in marked:
        if not parts[int(cell[0]), int(cell[1])]:
            raise ValueError(
                f"{what} cell (row {int(cell[0])}, column {int(cell[1])}) of map {layout.name!r} "
                "leaves the vehicle no room to turn"
            )
    return tuple(marked) or tuple(cells)
