"""Maps in the files of others: ROS occupancy grids, MovingAI maps and scenarios, RWARE layouts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.agv.maps.layouts import MOST_CELLS, Layout, from_ascii, from_moving_ai
from gym_suite.core.parameters import check_number

#: Endings of the files that are maps, and the kind of map that they are.
ENDINGS: Mapping[str, str] = {
    ".map": "moving_ai",
    ".scen": "moving_ai",
    ".yaml": "ros",
    ".yml": "ros",
    ".pgm": "ros",
    ".png": "ros",
    ".txt": "drawing",
}
# What map_server takes where a file does not say: http://wiki.ros.org/map_server#YAML_format
_ROS = {"negate": 0.0, "occupied_thresh": 0.65, "free_thresh": 0.196}


def read_text(path: Path, what: str = "map file") -> str:
    """Return the text of a file.

    Raises:
        ValueError: If it cannot be read, naming it.
    """
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the {what} {str(path)!r} cannot be read: {error}") from None


def from_drawing(path: Path) -> Layout:
    """Return the map of a text file that holds a drawing; see :func:`gym_suite.agv.maps.from_ascii`."""
    return from_ascii(read_text(path), name=path.name)


# ----------------------------------------------------------------------------------------------------------- MovingAI


def read_moving_ai(path: Path, scenario: Path | None = None) -> Layout:
    """Return a MovingAI map, with the starts and targets of a scenario where there is one.

    Args:
        path: The map, ``*.map``, or a scenario, ``*.scen``, that names it.
        scenario: The scenario.

    Raises:
        ValueError: For a file that cannot be read or is malformed, naming line and key, or a scenario of another map.
    """
    if path.suffix.lower() == ".scen":
        rows = _scenario(path)
        near = path.parent / Path(rows[0][0]).name
        return _with_pairs(read_moving_ai(near), rows, path.name)
    text = read_text(path)
    first = text.split("\n", 1)[0].strip()
    if first.isdigit():
        layout = _from_numbers(text, path.name)
    else:
        layout = from_moving_ai(text, name=path.name)
    if scenario is None:
        return layout
    return _with_pairs(layout, _scenario(scenario), scenario.name)


def _from_numbers(text: str, name: str) -> Layout:
    """Return the map of a file of numbers: rows, columns, then 1 for each occupied cell and 0 for each free one."""
    words = text.split()
    try:
        rows, columns, *cells = map(int, words)
    except ValueError:
        raise ValueError(f"{name!r} begins with a number, but not all of it are numbers") from None
    if rows < 1 or columns < 1 or len(cells) != rows * columns or not set(cells) <= {0, 1}:
        raise ValueError(f"{name!r} says {rows} x {columns} cells of 0 and 1, got {len(cells)}")
    grid = np.array(cells, dtype=bool).reshape(rows, columns)
    return Layout(name=name, grid=grid[::-1])


_Pair = tuple[str, int, int, int, int, int, int]  # map, its width and height, start, target


def _scenario(path: Path) -> list[_Pair]:
    """Return the lines of a MovingAI scenario file, version 1; columns and rows count from the upper left."""
    name, rows = path.name, []
    lines = read_text(path, "scenario").split("\n")
    if not lines[0].strip().startswith("version"):
        raise ValueError(f"line 1 of {name!r} must be 'version 1', got {lines[0].strip()!r}")
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip():
            continue
        if len(fields) != 9:
            raise ValueError(
                f"line {number} of {name!r} has {len(fields)} columns, expected 9: bucket, map, width, "
                "height, start x and y, goal x and y, length"
            )
        try:
            rows.append((fields[1], *(int(field) for field in fields[2:8])))
        except ValueError:
            raise ValueError(f"line {number} of {name!r}: sizes and cells are numbers") from None
    if not rows:
        raise ValueError(f"{name!r} has no start and target")
    return rows


def _with_pairs(layout: Layout, rows: list[_Pair], name: str) -> Layout:
    height, width = layout.grid.shape
    starts, goals = [], []
    for number, (_, wide, high, x, y, goal_x, goal_y) in enumerate(rows, 2):
        if (wide, high) != (width, height):
            raise ValueError(
                f"line {number} of {name!r} is for a map of {wide} x {high} cells, {layout.name!r} has "
                f"{width} x {height}"
            )
        starts.append((height - 1 - y, x))
        goals.append((height - 1 - goal_y, goal_x))
    return replace(layout, starts=tuple(starts), goals=tuple(goals), paired=True)


# ---------------------------------------------------------------------------------------------------------------- ROS


def read_ros(path: Path, resolution: float | None = None) -> Layout:
    """Return the map of an occupancy grid as ROS's map_server writes it: a picture and a YAML file.

    Darker is more likely occupied; what is neither free nor occupied by the file's thresholds is unknown, and counts as
    occupied. Positions count from the lower left corner of the picture: those of ROS less the file's origin.

    Args:
        path: The YAML file, or the picture, beside which a YAML file of the same name is looked for.
        resolution: Size of a pixel where no file says it, m.

    Raises:
        ValueError: For a file that cannot be read or is malformed, or a map that is turned, naming the key.
    """
    about: dict[str, Any] = {}
    picture = path
    if path.suffix.lower() in (".yaml", ".yml"):
        about = _flat_yaml(read_text(path), path.name)
        if not isinstance(about.get("image"), str):
            raise ValueError(f"{path.name!r} lacks the key 'image'")
        picture = path.parent / about["image"]
    else:
        beside = next((p for p in map(path.with_suffix, (".yaml", ".yml")) if p.is_file()), None)
        if beside is not None:
            return read_ros(beside, resolution)
    where = f"of {path.name!r}"
    values = {
        key: check_number(f"key {key!r} {where}", about.get(key, default), low=0.0)
        for key, default in _ROS.items()
    }
    origin = about.get("origin", [0.0, 0.0, 0.0])
    if not isinstance(origin, list) or len(origin) != 3:
        raise ValueError(f"key 'origin' {where} must be [x, y, yaw], got {origin!r}")
    if check_number(f"yaw of key 'origin' {where}", origin[2]) != 0.0:
        raise ValueError(f"key 'origin' {where} turns the map by {origin[2]} rad; turn the picture")
    shades, said = _picture(picture)
    size = about.get("resolution", said if resolution is None else resolution)
    if size is None:
        raise ValueError(
            f"the picture {picture.name!r} does not say how large a pixel is: give its .yaml file, or a "
            "layout of kind 'ros' with the key 'resolution' (m)"
        )
    occupied = shades if values["negate"] else 1.0 - shades
    free = occupied < values["free_thresh"]
    return Layout(
        name=path.name,
        grid=~free[::-1],
        resolution=check_number(f"key 'resolution' {where}", size, above=0.0),
    )


def _flat_yaml(text: str, name: str) -> dict[str, Any]:
    """Return the keys of a YAML file as map_server writes it: numbers, words, and lists of numbers."""
    found: dict[str, Any] = {}
    key = ""
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.split(" #")[0].strip()
        if not bare or bare.startswith(("#", "---")):
            continue
        if bare.startswith("- ") and key:
            if not isinstance(found[key], list):
                found[key] = []
            found[key].append(_scalar(bare[2:]))
            continue
        key, colon, value = bare.partition(":")
        key, value = key.strip(), value.strip()
        if not colon:
            raise ValueError(f"line {number} of {name!r} is no 'key: value': {bare!r}")
        if value.startswith("["):
            found[key] = [_scalar(part) for part in value.strip("[]").split(",") if part.strip()]
        else:
            found[key] = _scalar(value)
    return found


def _scalar(text: str) -> Any:
    bare = text.strip().strip("\"'")
    try:
        return float(bare)
    except ValueError:
        return bare


def _picture(path: Path) -> tuple[np.ndarray, float | None]:
    """Return the shades of a picture, 0 black to 1 white, and its resolution (m) where a comment says it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"the picture {str(path)!r} cannot be read: {error}") from None
    if data[:2] in (b"P2", b"P5"):
        return _pgm(data, path.name)
    import matplotlib.image

    try:
        pixels = np.asarray(matplotlib.image.imread(path))
    except Exception as error:  # the reader of each format raises what it likes
        raise ValueError(f"the picture {str(path)!r} cannot be read: {error}") from None
    # Readers give whole numbers up to their type's largest, or parts of 1.
    full = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    if pixels.ndim == 3:
        pixels = pixels[..., : 3 if pixels.shape[2] >= 3 else 1].mean(axis=2)  # without opacity
    return pixels / full, None


def _pgm(data: bytes, name: str) -> tuple[np.ndarray, float | None]:
    """Return the shades of a PGM picture (http://netpbm.sourceforge.net/doc/pgm.html) and its resolution."""
    header = re.match(rb"(P[25])((?:\s+|#[^\n]*\n)+)" + rb"(\d+)((?:\s+|#[^\n]*\n)+)" * 3, data)
    if header is None:
        raise ValueError(f"{name!r} is no PGM picture: its header is damaged")
    width, height, full = (int(header[k]) for k in (3, 5, 7))
    if not 0 < width * height <= MOST_CELLS or not 0 < full < 65536:
        raise ValueError(
            f"{name!r} has {width} x {height} pixels of {full} shades; {MOST_CELLS:,} pixels are allowed"
        )
    comment = re.search(rb"#[^\n]*?([\d.]+) m/pix", header[0])
    resolution = float(comment[1]) if comment else None
    if header[1] == b"P2":
        values = np.array(data[header.start(8) :].split(), dtype=np.float64)
    else:
        kind = ">u2" if full > 255 else "u1"
        begin = header.start(8) + 1  # a single blank ends the header
        values = np.frombuffer(data[begin:], dtype=kind).astype(np.float64)
    if len(values) < width * height:
        raise ValueError(f"{name!r} ends after {len(values)} of {width * height} pixels")
    return values[: width * height].reshape(height, width) / full, resolution


# -------------------------------------------------------------------------------------------------------------- RWARE


def from_rware(text: str, *, name: str = "RWARE layout") -> Layout:
    """Return the map of a layout of the Multi-Robot Warehouse (Papoudakis et al., NeurIPS 2021, package rware).

    ``x`` are shelves and occupied, ``.`` corridors, ``g`` targets; blanks mean nothing.

    Raises:
        ValueError: For an unknown sign, naming line and column, or lines of different length.
    """
    signs = {"x": "#", ".": ".", "g": "G"}
    lines = text.strip().lower().replace(" ", "").split("\n")
    for number, line in enumerate(lines, 1):
        for column, sign in enumerate(line.rstrip("\r"), 1):
            if sign not in signs:
                raise ValueError(
                    f"line {number}, column {column} of {name!r} is {sign!r}; known: 'x.g'"
                )
    return from_ascii("\n".join(line.translate(str.maketrans(signs)) for line in lines), name=name)


def rware(
    *, shelf_columns: int = 3, column_height: int = 8, shelf_rows: int = 1, name: str = ""
) -> Layout:
    """Return the map that RWARE makes from its parameters; the defaults are rware-tiny's.

    Args:
        shelf_columns: Blocks of shelves side by side, an odd number.
        column_height: Shelves of a block along y.
        shelf_rows: Blocks one behind the other.
        name: For tables and errors.

    Raises:
        ValueError: If a number is not whole, below 1 or, of the columns, even.
    """
    given = {
        "shelf_columns": shelf_columns,
        "column_height": column_height,
        "shelf_rows": shelf_rows,
    }
    across, deep, blocks = (
        int(check_number(f"rware layout: {key}", value, low=1, high=1000, integer=True))
        for key, value in given.items()
    )
    if across % 2 == 0:
        raise ValueError(f"rware layout: shelf_columns must be odd, got {across}")
    rows, columns = (deep + 1) * blocks + 2, 3 * across + 1
    y, x = np.mgrid[:rows, :columns]
    middle = (x == columns // 2 - 1) | (x == columns // 2)
    corridor = (x % 3 == 0) | (y % (deep + 1) == 0) | (y == rows - 1)
    corridor |= (y > rows - (deep + 3)) & middle  # room to queue in front of the targets
    goals = tuple((0, column) for column in (columns // 2 - 1, columns // 2))
    return Layout(name=name or f"rware-{across}-{deep}-{blocks}", grid=~corridor[::-1], goals=goals)


def read_file(path: str | os.PathLike[str]) -> Layout:
    """Return the map of a file, whose ending says what it is; see :data:`ENDINGS`.

    Raises:
        ValueError: For an unknown ending, or a file that cannot be read or is malformed.
    """
    path = Path(path)
    kind = ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"the map file {str(path)!r} must end in one of {', '.join(ENDINGS)}")
    return {"moving_ai": read_moving_ai, "ros": read_ros, "drawing": from_drawing}[kind](path)
