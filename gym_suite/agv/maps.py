"""Maps: drawings in ASCII, MovingAI files, racks by parameters, traps, procedural halls.

A map is a grid of square cells, each free or occupied, with the origin in its lower left corner; the last line of
a drawing is the row at y = 0. What lies outside is wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.agv.geometry import disc_hits_grid
from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_keywords, check_number, unknown_error

#: Docks: a target pose in the middle of the cell, with this heading.
HEADINGS = {">": 0.0, "^": 0.5 * np.pi, "<": np.pi, "v": -0.5 * np.pi}
FREE, OCCUPIED = ". SG", "#@"
_MOVING_AI_FREE, _MOVING_AI_OCCUPIED = ".GS", "@OTW"
_MOST_CELLS = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """A map.

    Attributes:
        name: For tables and errors.
        grid: True where occupied, bool (rows, columns), row 0 at y = 0.
        starts: Cells (row, column) to which starts are confined; empty for all.
        goals: Cells, or (row, column, heading), to which targets are confined; empty for all.

    Raises:
        ValueError: If the grid is empty or has no free cell, or a marked cell is occupied or outside.
    """

    name: str
    grid: np.ndarray
    starts: tuple[tuple[int, int], ...] = ()
    goals: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        grid = np.array(self.grid, dtype=bool)
        if grid.ndim != 2 or not grid.size:
            raise ValueError(
                f"map {self.name!r} has the shape {grid.shape}, expected rows, columns"
            )
        if grid.size > _MOST_CELLS:
            raise ValueError(f"map {self.name!r} has {grid.size} cells, at most {_MOST_CELLS}")
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

    ``. G S`` are free, ``@ O T W`` occupied.

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


def rack_warehouse(
    *,
    columns: int = 10,
    rows: int = 20,
    length: int = 10,
    depth: int = 2,
    aisle: int = 1,
    apron: int = 25,
    name: str = "",
) -> Layout:
    """Return a warehouse of racks in rows and columns between two aprons, walled.

    The defaults are the MAPF benchmark's warehouse-10-20-10-2-1 (Stern et al., SoCS 2019), 161 x 63 cells.

    Args:
        columns: Racks side by side.
        rows: Racks one behind the other.
        length: Cells of a rack along x.
        depth: Cells of a rack along y.
        aisle: Cells between racks.
        apron: Free cells on the left and the right.
        name: For tables and errors.

    Raises:
        ValueError: If a number is not a whole number of cells, naming the key.
    """
    given = {"columns": columns, "rows": rows, "length": length, "depth": depth, "aisle": aisle}
    for key, value in (given | {"apron": apron}).items():
        check_number(f"rack warehouse: {key}", value, low=0 if key == "apron" else 1, integer=True)
    across = columns * length + (columns - 1) * aisle
    grid = np.zeros((2 + aisle + rows * (depth + aisle), 2 + 2 * apron + across), dtype=bool)
    grid[[0, -1]] = grid[:, [0, -1]] = True
    for i in range(rows):
        low = 1 + aisle + i * (depth + aisle)
        for j in range(columns):
            left = 1 + apron + j * (length + aisle)
            grid[low : low + depth, left : left + length] = True
    name = name or "warehouse-" + "-".join(map(str, given.values()))
    return Layout(name=name, grid=grid)


def procedural(seed: int, *, rows: int = 30, columns: int = 40, name: str = "") -> Layout:
    """Return a hall with racks, walls and pillars drawn from a seed.

    Racks stand in rows with wide aisles; some are missing, some aisles are closed, and pillars stand about.

    Raises:
        ValueError: For a seed below 0 or a hall of less than 16 cells a side.
    """
    seed = int(check_number("layout seed", seed, low=0, integer=True))
    rows = int(check_number("procedural map: rows", rows, low=16, high=1024, integer=True))
    columns = int(check_number("procedural map: columns", columns, low=16, high=1024, integer=True))
    generator = np.random.default_rng([20240419, seed])
    grid = np.zeros((rows, columns), dtype=bool)
    depth, aisle = int(generator.integers(1, 3)), int(generator.integers(4, 6))
    length, gap = int(generator.integers(5, 10)), int(generator.integers(4, 6))
    for low in range(1 + aisle, rows - aisle - depth, depth + aisle):
        for left in range(1 + gap, columns - gap - length, length + gap):
            if generator.random() < 0.8:
                grid[low : low + depth, left : left + length] = True
            if generator.random() < 0.15:  # close the aisle above
                grid[low : low + depth + aisle, left] = True
    for _ in range(int(generator.integers(2, 6))):
        row, column = generator.integers(4, rows - 4), generator.integers(4, columns - 4)
        grid[row, column] = True
    grid[[0, -1]] = grid[:, [0, -1]] = True
    return Layout(name=name or f"procedural-{seed}", grid=grid)


SIMPLE = """
########################
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
#.........####.........#
#.........####.........#
#.........####.........#
#.........####.........#
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
#......................#
########################
"""
U_TRAP = """
############################
#..........................#
#..........................#
#..........................#
#.......###########........#
#.......###########........#
#................##........#
#................##........#
#................##........#
#..SSS...........##..GGG...#
#..SSS...........##..GGG...#
#..SSS...........##..GGG...#
#................##........#
#................##........#
#................##........#
#.......###########........#
#.......###########........#
#..........................#
#..........................#
#..........................#
############################
"""
BUG_TRAP = """
##############################
#............................#
#............................#
#............................#
#....##################......#
#....##..............##......#
#....##..............##......#
#....##..............##......#
#....##..............##......#
#....###########.....##..GG..#
#................SS..##..GG..#
#................SS..##..GG..#
#................SS..##..GG..#
#................SS..##..GG..#
#....###########.....##..GG..#
#....##..............##......#
#....##..............##......#
#....##..............##......#
#....##################......#
#....##################......#
#............................#
#............................#
#............................#
##############################
"""
DOCKS = """
####################
#..................#
#..................#
#................>.#
#..SSSSSSSS........#
#..SSSSSSSS........#
#..SSSSSSSS......>.#
#..SSSSSSSS........#
#..SSSSSSSS........#
#..SSSSSSSS......>.#
#..SSSSSSSS........#
#..SSSSSSSS........#
#................>.#
#..................#
#..................#
####################
"""


def _complex() -> Layout:
    """Racks with two closed aisles and a dead end: straight ways to a target are mostly shut."""
    hall = rack_warehouse(columns=3, rows=4, length=9, depth=2, aisle=5, apron=6)
    grid = hall.grid.copy()
    grid[13:20, 21:23] = True  # a wall between two rows of racks, and one across an aisle
    grid[20:27, 35:37] = True
    grid[6:13, 42] = True
    return Layout(name="complex", grid=grid)


def _named() -> dict[str, Any]:
    return {
        "simple": lambda: from_ascii(SIMPLE, name="simple"),
        "complex": _complex,
        "u_trap": lambda: from_ascii(U_TRAP, name="u_trap"),
        "bug_trap": lambda: from_ascii(BUG_TRAP, name="bug_trap"),
        "docks": lambda: from_ascii(DOCKS, name="docks"),
        "warehouse": lambda: rack_warehouse(
            columns=3, rows=4, length=8, depth=2, aisle=4, apron=6, name="warehouse"
        ),
        "warehouse-10-20-10-2-1": rack_warehouse,
    }


LAYOUTS = (*_named(), "procedural")


def build_layouts(value: object) -> list[Layout]:
    """Return the maps that a user asks for.

    Args:
        value: A name of :data:`LAYOUTS`, a drawing (a text of several lines), the path of a MovingAI file
            (``*.map``), a :class:`Layout`, or a mapping with "kind": "ascii" and "text", "moving_ai" and "path",
            "racks" and arguments of :func:`rack_warehouse`, or "procedural" and "seeds" (first, last + 1), "rows",
            "columns".

    Raises:
        ValueError: For an unknown name or key, naming the nearest, or a malformed map, naming the cell or key.
        TypeError: For anything else.
    """
    if isinstance(value, Layout):
        return [value]
    if isinstance(value, str):
        if "\n" in value:
            return [from_ascii(value)]
        if value.endswith(".map"):
            value = {"kind": "moving_ai", "path": value}
        elif value == "procedural":
            value = {"kind": "procedural"}
        elif value not in LAYOUTS:
            raise unknown_error("layout", value, LAYOUTS)
        else:
            return [_named()[value]()]
    if not isinstance(value, Mapping):
        raise TypeError(
            f"layout must be a name, text, mapping or Layout, got {type(value).__name__}"
        )
    given: dict[str, Any] = dict(value)
    kind = given.pop("kind", None)
    kinds = ("ascii", "moving_ai", "racks", "procedural")
    if kind not in kinds:
        raise unknown_error("layout kind", kind, kinds)
    keys = {
        "ascii": ("text", "name"),
        "moving_ai": ("path",),
        "racks": ("columns", "rows", "length", "depth", "aisle", "apron", "name"),
        "procedural": ("seeds", "rows", "columns"),
    }[kind]
    check_keywords(given, keys, f"key of a layout of kind {kind!r}")
    if kind == "racks":
        return [rack_warehouse(**given)]
    if kind == "procedural":
        first, last = given.pop("seeds", (0, 32))
        if not 0 <= first < last <= first + 1024:
            raise ValueError(f"seeds must be (first, last + 1), at most 1024, got {(first, last)}")
        return [procedural(seed, **given) for seed in range(first, last)]
    need = "text" if kind == "ascii" else "path"
    if need not in given:
        raise ValueError(f"a layout of kind {kind!r} lacks the key {need!r}")
    if kind == "ascii":
        return [from_ascii(given["text"], name=given.get("name", "drawing"))]
    path = Path(given["path"])
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the map file {str(path)!r} cannot be read: {error}") from None
    return [from_moving_ai(text, name=path.name)]


# ------------------------------------------------------------------------------------------------- what kernels read


@kernel
def clear_cells(grid, cell, radius, out):
    """Fill out (rows, columns) with 1 where a disc in the cell's middle touches nothing, else 0."""
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            hit = disc_hits_grid((column + 0.5) * cell, (row + 0.5) * cell, radius, grid, cell)
            out[row, column] = 0 if hit else 1


def clear(grid: np.ndarray, cell: float, radius: float) -> np.ndarray:
    """Return where a disc of a radius (m) in the middle of a cell touches nothing, bool (rows, columns)."""
    out = np.zeros(grid.shape, dtype=np.uint8)
    clear_cells(np.ascontiguousarray(grid, dtype=np.uint8), cell, radius, out)
    return out.astype(bool)


def room(grid: np.ndarray) -> np.ndarray:
    """Return each cell's Chebyshev distance to the nearest occupied one, at most 255, uint8."""
    from scipy.ndimage import distance_transform_cdt

    walled = np.pad(np.asarray(grid, dtype=bool), 1, constant_values=True)
    distance = np.asarray(distance_transform_cdt(~walled, metric="chessboard"))[1:-1, 1:-1]
    return np.minimum(distance, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The maps of a setup as kernels read them.

    Attributes:
        grid: uint8 (layouts, rows, columns).
        room: uint8 (layouts, rows, columns).
        spots: Places, float64 (k, 3): x, y, heading (NaN: any).
        ranges: First and last + 1 of a layout's starts, then of its targets, int64 (layouts, 4).
    """

    grid: np.ndarray
    room: np.ndarray
    spots: np.ndarray
    ranges: np.ndarray


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
    ranges = np.zeros((len(layouts), 4), dtype=np.int64)
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
        for j, places in ((0, starts), (2, goals)):
            ranges[k, j] = len(spots)
            place: Any
            for place in places:
                heading = place[2] if len(place) > 2 else np.nan
                spots.append(((place[1] + 0.5) * cell, (place[0] + 0.5) * cell, heading))
            ranges[k, j + 1] = len(spots)
    return Floor(grid=grid, room=rooms, spots=np.array(spots), ranges=ranges)


def _marked(layout: Layout, marked: Any, cells: Any, parts: np.ndarray, what: str) -> Any:
    """Return the marked cells, or all free ones where none is marked."""
    for cell in marked:
        if not parts[int(cell[0]), int(cell[1])]:
            raise ValueError(
                f"{what} cell (row {int(cell[0])}, column {int(cell[1])}) of map {layout.name!r} "
                "leaves the vehicle no room to turn"
            )
    return tuple(marked) or tuple(cells)
