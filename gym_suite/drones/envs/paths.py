"""Paths of the target: from keyword arguments to numbers of a row and a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.drones.envs.options import PATHS
from gym_suite.drones.references import HEIGHT, REFERENCES
from gym_suite.drones.trajectories import Pieces, minimum_snap, read_crazyswarm, splined

FARTHEST, FASTEST = 1e6, 1e4  # s and m, m/s, of a table
#: Kinds whose reference is a table, with what each takes.
TABLES: Mapping[str, tuple[str, ...]] = {
    "table": ("table", "spline"),
    "points": ("points", "durations", "speed"),
    "polynomial": ("file", "durations", "coefficients", "offset"),
}
SPEED = 1.0  # m/s between points, where no durations are given
_GRAVITY = 9.80665


def read_path(given: Any, *, strongest: float) -> tuple[dict[str, float], np.ndarray]:
    """Return the path's numbers and its table: (rows, 4) of time and place, or (rows, 10) with two derivatives.

    Args:
        given: What the user gave.
        strongest: Largest specific thrust of the vehicle, m/s^2.

    Raises:
        ValueError: For an unknown name, naming the nearest, a number out of bounds, or a trajectory that asks for more
            thrust than there is.
        TypeError: For a path of the wrong kind.
    """
    none = {"reference": 0.0, "path_size": 0.0, "path_period": 1.0, "path_rise": 0.0}
    empty = np.zeros((1, 4))
    if given is None:
        return none, empty
    if isinstance(given, str):
        given = {"kind": given}
    if not isinstance(given, Mapping):
        raise TypeError(
            f"path must be a name or a mapping, got {type(given).__name__}; rows of (t, x, y, z) go into a mapping, "
            '{"table": rows}'
        )
    values: dict[str, Any] = dict(given)
    kind = check_option("path", values.pop("kind", _kind_of(values)), (*PATHS, *TABLES))
    if kind in TABLES:
        none["reference"] = REFERENCES.index("table")
        check_keywords(values, TABLES[kind], f"parameter of the path {kind!r}")
        return none, _checked(_table(kind, values), strongest)
    none["reference"] = REFERENCES.index(kind)
    check_keywords(values, PATHS[kind], f"parameter of the path {kind!r}")
    for name, default in PATHS[kind].items():
        low, above = (0.01, 0.0) if name == "period" else (0.0, 0.0)
        if name == "rise":
            above = None
        none[f"path_{name}"] = check_number(
            f"path {name}", values.get(name, default), low=low, above=above, high=1e4
        )
    return none, empty


def _kind_of(values: Mapping[str, Any]) -> str:
    """Return the kind that is meant where none is named: the one that alone takes one of the names, else a circle."""
    for kind, names in TABLES.items():
        others = {name for other, taken in TABLES.items() if other != kind for name in taken}
        if any(name in values for name in names if name not in others):
            return kind
    return "circle"


def _table(kind: str, values: Mapping[str, Any]) -> np.ndarray:
    """Return the table of a path that is one."""
    if kind == "table":
        table = _read_table(values.get("table"))
        if not values.get("spline", False):
            return table
        if table.shape[1] != 4:
            raise ValueError(
                "spline is for a table of (t, x, y, z); this one has velocities already"
            )
        return splined(table)
    if kind == "points":
        points = np.array(values.get("points", ()), dtype=np.float64)
        durations = values.get("durations")
        if durations is None:
            speed = check_number("path speed", values.get("speed", SPEED), above=0.0, high=FASTEST)
            if points.ndim != 2 or len(points) < 2:
                raise ValueError(
                    f"points must be two or more of (x, y, z), got shape {points.shape}"
                )
            durations = np.linalg.norm(np.diff(points, axis=0), axis=1) / speed
            if (durations == 0.0).any():
                raise ValueError(
                    "two points in a row are in one place; give durations to stay there"
                )
        return minimum_snap(points, durations).table()
    offset = np.array(values.get("offset", (0.0, 0.0, HEIGHT)), dtype=np.float64)
    if offset.shape != (3,) or not np.isfinite(offset).all():
        raise ValueError(f"offset must be (x, y, z), got {values.get('offset')!r}")
    if ("file" in values) == ("coefficients" in values):
        raise ValueError("a path 'polynomial' takes either file, or durations and coefficients")
    return _pieces(values).table(offset)


def read_headings(given: Any) -> np.ndarray:
    """Return the heading that a path has of its own, rows of time and angle, s and rad, (n, 2).

    Args:
        given: The path as the user gave it, which :func:`read_path` has accepted.

    Raises:
        ValueError: For a path that has none.
    """
    values = dict(given) if isinstance(given, Mapping) else {"kind": given}
    if values.get("kind", _kind_of(values)) != "polynomial":
        raise ValueError(
            "yaw='path' needs a path with a heading of its own, which 'polynomial' has: a file of crazyswarm, or "
            "coefficients of shape (pieces, 4, 8)"
        )
    return _pieces(values).headings()


def _pieces(values: Mapping[str, Any]) -> Pieces:
    """Return the pieces of a path 'polynomial'."""
    if "file" in values:
        return read_crazyswarm(values["file"])
    spans = np.array(values.get("durations", ()), dtype=np.float64)
    coefficients = np.array(values["coefficients"], dtype=np.float64)
    shapes = [(len(spans), axes, 8) for axes in (3, 4)]
    if not len(spans) or coefficients.shape not in shapes or not (spans > 0.0).all():
        raise ValueError(
            f"coefficients must have shape (pieces, 3, 8), or (pieces, 4, 8) with a heading, and durations, above 0, "
            f"one number a piece; got {coefficients.shape} and {spans.shape}"
        )
    return Pieces(
        spans, coefficients[:, :3], coefficients[:, 3] if coefficients.shape[1] == 4 else None
    )


def _read_table(given: Any) -> np.ndarray:
    table = np.array(given, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] not in (4, 10) or len(table) < 2:
        raise ValueError(
            "a path's table must have rows of (t, x, y, z), or of these with three velocities and three accelerations, "
            f"got shape {table.shape}"
        )
    if not np.isfinite(table).all() or not (np.diff(table[:, 0]) > 0.0).all():
        raise ValueError("a path's table must be finite and its times must grow")
    return table


def _checked(table: np.ndarray, strongest: float) -> np.ndarray:
    """Return a table whose numbers are in bounds and, where it has accelerations, within the vehicle's thrust."""
    if np.abs(table).max() > FARTHEST:
        raise ValueError(f"a path's table must stay within {FARTHEST:g} s and m of zero")
    with np.errstate(over="ignore"):
        speed = np.abs(np.diff(table[:, 1:4], axis=0) / np.diff(table[:, :1], axis=0)).max(axis=1)
    if speed.max() > FASTEST:
        row = int(np.argmax(speed))
        raise ValueError(
            f"a path's table asks for {speed[row]:.3g} m/s from row {row} to row {row + 1}; at most "
            f"{FASTEST:g} m/s are allowed"
        )
    if table.shape[1] > 4:
        thrust = np.linalg.norm(table[:, 7:10] + [0.0, 0.0, _GRAVITY], axis=1)
        if thrust.max() > strongest:
            row = int(np.argmax(thrust))
            raise ValueError(
                f"the path asks for a thrust of {thrust[row]:.3g} m/s^2 at {table[row, 0]:.3g} s; the vehicle has "
                f"{strongest:.3g} m/s^2. Give it more time"
            )
    return table
