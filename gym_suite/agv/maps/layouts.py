"""A map, and maps from drawings and MovingAI files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_number

#: Docks: a target pose in the middle of the cell, with this heading.
HEADINGS = {">": 0.0, "^": 0.5 * np.pi, "<": np.pi, "v": -0.5 * np.pi}
FREE, OCCUPIED = ". SG", "#@"
# E: where tasks begin and end in the maps of the League of Robot Runners.
_MOVING_AI_FREE, _MOVING_AI_OCCUPIED = ".GSE", "@OTW"
MOST_CELLS = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """A map.

    Attributes:
        name: For tables and errors.
        grid: True where occupied, bool (rows, columns), row 0 at y = 0.
        starts: Cells (row, column) to which starts are confined; empty for all.
        goals: Cells, or (row, column, heading), to which targets are confined; empty for all.
        resolution: Size of a cell where the map has one of its own, m; None: as large as wanted.
        paired: Whether each start has a target of its own, at the same place among ``goals``.

    Raises:
        ValueError: If the grid is empty or has no free cell, or a marked cell is occupied or outside.
    """

    name: str
    grid: np.ndarray
    starts: tuple[tuple[int, int], ...] = ()
    goals: tuple[tuple[float, ...], ...] = ()
    resolution: float | None = None
    paired: bool = False

    def __post_init__(self) -> None:
        grid = np.array(self.grid, dtype=bool)
        if grid.ndim != 2 or not grid.size:
            raise ValueError(
                f"map {self.name!r} has the shape {grid.shape}, expected rows, columns"
            )
        if grid.size > MOST_CELLS:
            raise ValueError(f"map {self.name!r} has {grid.size} cells, at most {MOST_CELLS}")
        if grid.all():
            raise ValueError(f"map {self.name!r} has no free cell")
        for what, cells in (("start", self.starts), ("goal", self.goals)):
            for cell in cells:
                row, column = int(cell[0]), int(cell[1])
                inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
                if not inside or grid[row, column]:
                    raise ValueError(
                        f"{what} cell (row {row}, column {column}) of map {self.name!r} is "
                        f"{'occupied' if inside else 'outside'}"
                    )
        grid.setflags(write=False)
        object.__setattr__(self, "grid", grid)

    def resampled(self, cell: float) -> Layout:
        """Return the map in cells of a size (m), occupied where any of its own cells in them is.

        Raises:
            ValueError: If it is a map with a resolution and marked cells, or no cell is free then.
        """
        if self.resolution is None or self.resolution == cell:
            return self
        if self.starts or self.goals:
            raise ValueError(
                f"the marked cells of map {self.name!r} are {self.resolution:g} m large"
            )
        full = self.grid
        for axis in (0, 1):
            full = _any_in(full, self.resolution, cell, axis)
        if full.all():
            raise ValueError(
                f"map {self.name!r} has no free cell of {cell:g} m; its own are {self.resolution:g} m"
            )
        return Layout(name=self.name, grid=full, resolution=cell)

    @property
    def text(self) -> str:
        """The map as a drawing, the highest row first."""
        rows = [["#" if full else "." for full in row] for row in self.grid]
        signs = {angle: sign for sign, angle in HEADINGS.items()}
        for row, column in self.starts:
            rows[row][column] = "S"
        goal: Any
        for goal in self.goals:
            sign = signs[goal[2]] if len(goal) > 2 else "G"
            rows[int(goal[0])][int(goal[1])] = sign
        return "\n".join("".join(row) for row in reversed(rows))


def _any_in(full: np.ndarray, old: float, new: float, axis: int) -> np.ndarray:
    """Return whether any of the cells along an axis that lie in a new one, or beyond the map, is occupied."""
    count = full.shape[axis]
    size = math.ceil(count * old / new - 1e-9)
    edges = np.arange(size + 1) * new / old
    first = np.floor(edges[:-1] + 1e-9).astype(int)
    last = np.ceil(edges[1:] - 1e-9).astype(int)
    walled = np.moveaxis(full, axis, 0)
    beyond = np.ones((max(int(last.max()) - count, 0), *walled.shape[1:]), dtype=bool)
    total = np.cumsum(np.concatenate([walled, beyond]), axis=0, dtype=np.int64)
    total = np.concatenate([np.zeros_like(total[:1]), total])
    return np.moveaxis(total[last] > total[first], 0, axis)


def from_ascii(text: str, *, name: str = "drawing") -> Layout:
    """Return the map of a drawing.

    ``#`` and ``@`` are occupied, ``.`` and blank free, ``S`` starts, ``G`` targets, ``> ^ < v`` docks with the
    heading of the arrow.

    Raises:
        ValueError: For an unknown sign, naming line and column, or lines of different length.
    """
    lines = [line.rstrip("\r") for line in text.strip("\n").split("\n")]
    starts, goals = [], []
    grid = np.zeros((len(lines), len(lines[0])), dtype=bool)
    for number, line in enumerate(lines):
        if len(line) != len(lines[0]):
            raise ValueError(
                f"line {number + 1} of map {name!r} has {len(line)} cells, the first {len(lines[0])}"
            )
        row = len(lines) - 1 - number
        for column, sign in enumerate(line):
            if sign in OCCUPIED:
                grid[row, column] = True
            elif sign in HEADINGS:
                goals.append((row, column, HEADINGS[sign]))
            elif sign not in FREE:
                raise ValueError(
                    f"line {number + 1}, column {column + 1} of map {name!r} is {sign!r}; "
                    f"known: {OCCUPIED + FREE + ''.join(HEADINGS)!r}"
                )
            elif sign == "S":
                starts.append((row, column))
            elif sign == "G":
                goals.append((row, column))
    return Layout(name=name, grid=grid, starts=tuple(starts), goals=tuple(goals))


def from_moving_ai(text: str, *, name: str = "MovingAI map") -> Layout:
    """Return the map of a MovingAI grid file (Sturtevant, IEEE Trans. Comput. Intell. AI Games 4(2), 2012).

    ``. G S E`` are free, ``@ O T W`` occupied.

    Raises:
        ValueError: For a malformed header, naming the key, or cells, naming line and column.
    """
    lines = [line.rstrip("\r") for line in text.rstrip("\n").split("\n")]
    header: dict[str, str] = {}
    first = 0
    for first, line in enumerate(lines):
        if line.strip() == "map":
            break
        key, _, value = line.strip().partition(" ")
        if key not in ("type", "height", "width"):
            raise ValueError(f"line {first + 1} of {name!r}: unknown key {key!r} before 'map'")
        header[key] = value
    else:
        raise ValueError(f"{name!r} has no line 'map'")
    for key in ("type", "height", "width"):
        if key not in header:
            raise ValueError(f"{name!r} lacks the key {key!r}")
    if header["type"] != "octile":
        raise ValueError(f"key 'type' of {name!r} is {header['type']!r}, expected 'octile'")
    height, width = (
        int(check_number(f"key {key!r} of {name!r}", _number(header[key]), low=1, integer=True))
        for key in ("height", "width")
    )
    rows = lines[first + 1 :]
    if len(rows) != height:
        raise ValueError(f"key 'height' of {name!r} is {height}, but there are {len(rows)} lines")
    grid = np.zeros((height, width), dtype=bool)
    for number, line in enumerate(rows):
        where = f"line {first + 2 + number} of {name!r}"
        if len(line) != width:
            raise ValueError(f"{where} has {len(line)} cells, key 'width' is {width}")
        for column, sign in enumerate(line):
            if sign not in _MOVING_AI_FREE + _MOVING_AI_OCCUPIED:
                raise ValueError(f"{where}, column {column + 1}, is {sign!r}")
            grid[height - 1 - number, column] = sign in _MOVING_AI_OCCUPIED
    return Layout(name=name, grid=grid)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
