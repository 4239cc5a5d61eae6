"""Headings of drones: from the keyword argument to numbers and a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_option
from gym_suite.drones.columns import YAW
from gym_suite.drones.envs.adversity import bounds_of
from gym_suite.drones.envs.paths import FARTHEST, read_headings
from gym_suite.drones.envs.tasks import Task
from gym_suite.drones.headings import FIXED, ROWS, YAWS

#: rad; a heading may be given as any angle within some turns.
MOST_YAW = 200.0 * math.pi
_NONE = np.zeros((1, 2))


def read_yaw(
    given: Any, task: Task, *, path: Any, action: str, place: int, shown: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tables ``yaw``, one row or none where nothing was asked for, and ``yaw_rows``, (n, 2).

    Args:
        given: None, an angle in rad, a pair of bounds, "velocity", "path", or rows of time and angle.
        task: What the drones are to do.
        path: The target's, as the user gave it; None: it has none.
        action: The kind of action.
        place: Where in a drone's row its heading stands.
        shown: Where the errors stand among the metrics.

    Raises:
        ValueError: For another name, an angle out of bounds, times that do not grow, a target that neither moves nor
            lies ahead, a path without a heading, or actions whose inner loop keeps the nose along x.
    """
    if given is None:
        return np.zeros((0, len(YAW))), _NONE
    if action not in ("rotors", "rates"):
        raise ValueError(
            f"yaw= is for action='rotors' or 'rates'; the inner loop of action={action!r} keeps the nose along x"
        )
    kind, low, high, rows = ROWS, 0.0, 0.0, _NONE
    if isinstance(given, str):
        check_option("yaw", given, ("velocity", "path"))
        if given == "path":
            if path is None:
                raise ValueError(
                    "yaw='path' needs a path with a heading of its own; this target has no path"
                )
            rows = _read_rows(read_headings(path))
        elif not task.heads:
            raise ValueError(f"yaw={given!r} needs a target that moves; this one stays")
        else:
            kind = YAWS.index(task.heads)
    elif isinstance(given, Sequence | np.ndarray) and np.ndim(given[0] if len(given) else 0) == 1:
        rows = _read_rows(given)
    else:
        kind = FIXED
        low, high = bounds_of("yaw", given, low=-MOST_YAW, high=MOST_YAW)
    return np.array([[kind, low, high, place, shown]], dtype=np.float64), rows


def _read_rows(given: Any) -> np.ndarray:
    try:
        rows = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("yaw as a table takes rows of (t, yaw) in s and rad") from None
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(
            f"yaw as a table takes rows of (t, yaw) in s and rad, got shape {rows.shape}"
        )
    if not np.isfinite(rows).all() or not (np.diff(rows[:, 0]) > 0.0).all():
        raise ValueError("yaw as a table must be finite and its times must grow")
    if np.abs(rows[:, 0]).max() > FARTHEST or np.abs(rows[:, 1]).max() > MOST_YAW:
        raise ValueError(
            f"yaw as a table must stay within {FARTHEST:g} s and {MOST_YAW:.4g} rad of zero"
        )
    return rows
