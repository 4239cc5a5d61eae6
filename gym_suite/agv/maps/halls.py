"""Maps by name and by parameters: racks, traps, procedural halls."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.agv.maps.layouts import MOST_CELLS, Layout, from_ascii, from_moving_ai
from gym_suite.core.parameters import check_keywords, check_number, unknown_error


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
        low = 0 if key == "apron" else 1
        check_number(f"rack warehouse: {key}", value, low=low, high=MOST_CELLS, integer=True)
    columns, rows, length, depth, aisle, apron = map(
        int, (columns, rows, length, depth, aisle, apron)
    )
    given = {"columns": columns, "rows": rows, "length": length, "depth": depth, "aisle": aisle}
    across = columns * length + (columns - 1) * aisle
    high, wide = 2 + aisle + rows * (depth + aisle), 2 + 2 * apron + across
    if high * wide > MOST_CELLS:
        raise ValueError(
            f"rack warehouse: {high} x {wide} cells are too many, {MOST_CELLS:,} are allowed"
        )
    grid = np.zeros((high, wide), dtype=bool)
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


_FOLDER = resources.files("gym_suite.agv").joinpath("maps")
#: Names of the maps that come with the package, a file each.
LAYOUTS = tuple(
    sorted(
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml")
    )
)


def _named(name: str) -> dict[str, Any]:
    """Return what a map of the package is made from."""
    about = tomllib.loads(_FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))
    return about if about["kind"] == "procedural" else {"name": name, **about}


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
        elif value not in LAYOUTS:
            raise unknown_error("layout", value, LAYOUTS)
        else:
            value = _named(value)
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
        seeds = given.pop("seeds", (0, 32))
        if not isinstance(seeds, Sequence) or isinstance(seeds, str) or len(seeds) != 2:
            raise ValueError(f"seeds must be (first, last + 1), got {seeds!r}")
        first, last = (
            int(check_number(f"seeds[{i}]", seed, low=0, integer=True))
            for i, seed in enumerate(seeds)
        )
        if not 0 <= first < last <= first + 1024:
            raise ValueError(f"seeds must be (first, last + 1), at most 1024, got {(first, last)}")
        return [procedural(seed, **given) for seed in range(first, last)]
    need = "text" if kind == "ascii" else "path"
    if need not in given:
        raise ValueError(f"a layout of kind {kind!r} lacks the key {need!r}")
    if not isinstance(given[need], str | os.PathLike if need == "path" else str):
        raise TypeError(
            f"{need!r} of a layout of kind {kind!r} must be a text, got {given[need]!r}"
        )
    if kind == "ascii":
        return [from_ascii(given["text"], name=given.get("name", "drawing"))]
    path = Path(given["path"])
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the map file {str(path)!r} cannot be read: {error}") from None
    return [from_moving_ai(text, name=path.name)]
