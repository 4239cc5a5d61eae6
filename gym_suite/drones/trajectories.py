"""Trajectories as polynomials in pieces: files of crazyswarm, minimum snap through points, splines through tables.

A trajectory becomes a table of time, position, velocity and acceleration; between its rows the reference is the quintic
that meets all three at both ends, which is a polynomial piece itself to far below a micrometre at :data:`EVERY`.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: Coefficients of a piece: degree 7, as crazyswarm's files and minimum snap have them.
COEFFICIENTS = 8
#: s between rows of the table of a trajectory; most rows that one may have.
EVERY, MOST_ROWS = 0.02, 100_000
#: Columns of crazyswarm's files: a piece's duration, then coefficients of x, y, z and yaw by rising power.
CRAZYSWARM = ("duration", *(f"{axis}^{k}" for axis in ("x", "y", "z", "yaw") for k in range(8)))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Polynomials one after the other, each in the time since its own beginning.

    Attributes:
        durations: s, (n,).
        coefficients: By rising power, (n, 3, 8), m/s^k.
        yaw: Of the heading alike, (n, 8), rad/s^k; None: there is none.
    """

    durations: Array
    coefficients: Array
    yaw: Array | None = None

    def at(self, t: ArrayLike, derivative: int = 0) -> Array:
        """Return a derivative of the position at times, (..., 3); before and after the ends it is held there."""
        ends = np.cumsum(self.durations)
        moments = np.clip(np.asarray(t, dtype=np.float64), 0.0, ends[-1])
        piece = np.minimum(np.searchsorted(ends, moments, side="right"), len(ends) - 1)
        since = moments - (ends - self.durations)[piece]
        # Horner's scheme, element by element: the same to the last bit, however many times are asked for at once.
        here, since = self.coefficients[piece], since[..., None]
        value = np.zeros(here.shape[:-1])
        for k in range(COEFFICIENTS - 1, derivative - 1, -1):
            value = value * since + math.perm(k, derivative) * here[..., k]
        return value

    def table(self, offset: ArrayLike = (0.0, 0.0, 0.0)) -> Array:
        """Return rows of time, position, velocity and acceleration, (rows, 10), with an offset of the position.

        Raises:
            ValueError: If that would be more than :data:`MOST_ROWS` rows.
        """
        t = self._times()
        parts = [self.at(t, k) for k in range(3)]
        return np.column_stack([t, parts[0] + np.asarray(offset), *parts[1:]])

    def headings(self) -> Array:
        """Return rows of time and heading, s and rad, (rows, 2), at the times of :meth:`table`.

        Raises:
            ValueError: If that would be more than :data:`MOST_ROWS` rows, or there is no heading.
        """
        if self.yaw is None:
            raise ValueError("the trajectory has no heading: its pieces hold x, y and z alone")
        t = self._times()
        return np.column_stack([t, Pieces(self.durations, self.yaw[:, None]).at(t)])

    def _times(self) -> Array:
        """Return the times of a table's rows, s: every :data:`EVERY`, and where a piece ends."""
        total = float(self.durations.sum())
        if total > EVERY * MOST_ROWS:
            raise ValueError(
                f"a trajectory may last {EVERY * MOST_ROWS:g} s, this one takes {total:g} s"
            )
        inner = np.arange(0.0, total - 0.5 * EVERY, EVERY)
        joints = np.cumsum(self.durations)
        t = np.unique(np.concatenate([inner, joints]))
        return t[np.append(True, np.diff(t) > 1e-6)]


def _derivatives(t: Array, order: int) -> Array:
    """Return a derivative of the powers of t up to degree 7, (..., 8)."""
    powers = np.arange(COEFFICIENTS)
    factors = np.ones(COEFFICIENTS)
    for k in range(order):
        factors *= np.maximum(powers - k, 0)
    return factors * np.power(t[..., None], np.maximum(powers - order, 0))


def read_crazyswarm(path: str | Path) -> Pieces:
    """Return the trajectory of a crazyswarm file, heading included: CSV with the columns of :data:`CRAZYSWARM`.

    Raises:
        ValueError: For a file that cannot be read, has other columns, or numbers that are none; says where.
    """
    name = Path(path)
    try:
        with open(name, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the trajectory {name} cannot be read: {error}") from None
    if rows and not _is_number(rows[0][0]):
        header = [column.strip().lower() for column in rows.pop(0)]
        while header and not header[-1]:
            header.pop()
        wrong = [c for c, expected in zip(header, CRAZYSWARM, strict=False) if c != expected]
        if wrong or len(header) != len(CRAZYSWARM):
            told = wrong[0] if wrong else f"{len(header)} columns"
            raise ValueError(
                f"{name.name}: a trajectory has the columns duration, x^0 to x^7, y^0 to y^7, z^0 to z^7, "
                f"yaw^0 to yaw^7; got {told}"
            )
    if not rows:
        raise ValueError(f"{name.name} holds no piece of a trajectory")
    pieces = np.empty((len(rows), len(CRAZYSWARM)))
    for i, row in enumerate(rows):
        try:
            pieces[i] = [float(value) for value in row[: len(CRAZYSWARM)]]
        except ValueError:
            raise ValueError(
                f"{name.name}: piece {i} needs {len(CRAZYSWARM)} numbers, got {','.join(row)[:60]}"
            ) from None
    if not np.isfinite(pieces).all() or (pieces[:, 0] <= 0.0).any():
        raise ValueError(f"{name.name}: numbers must be finite and durations above 0")
    axes = pieces[:, 1:].reshape(-1, 4, COEFFICIENTS)
    return Pieces(pieces[:, 0], axes[:, :3], axes[:, 3])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def minimum_snap(points: ArrayLike, durations: ArrayLike, *, closed: bool = False) -> Pieces:
    """Return the trajectory through points, from rest to rest or closed, whose snap squared has the least integral.

    D. Mellinger and V. Kumar, ICRA 2011, doi:10.1109/ICRA.2011.5980409. With the times given, the best is the spline
    of degree 7 that is smooth up to its sixth derivative, at rest up to its jerk at both ends, or as smooth there as
    anywhere if it is closed: one linear system.

    Args:
        points: m, (n + 1, 3).
        durations: Between them, s, (n,).
        closed: Whether it goes on from the last point as it begins at the first, which must be the same.

    Raises:
        ValueError: For fewer than two points, points on one spot, wrong shapes, or durations that are not above 0.
    """
    places, spans = np.asarray(points, dtype=np.float64), np.asarray(durations, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 2:
        raise ValueError(f"points must be two or more of (x, y, z), got shape {places.shape}")
    if spans.shape != (len(places) - 1,):
        raise ValueError(f"{len(places)} points take {len(places) - 1} durations, got {spans.size}")
    if not np.isfinite(places).all() or not np.isfinite(spans).all() or (spans <= 0.0).any():
        raise ValueError("points and durations must be finite, durations above 0")
    if closed and not np.array_equal(places[0], places[-1]):
        raise ValueError(
            f"a closed trajectory ends where it begins, got {places[0]} and {places[-1]}"
        )
    count, size = len(spans), COEFFICIENTS
    # In each piece's own time from 0 to 1, so that the system is well conditioned.
    matrix, right = np.zeros((size * count, size * count)), np.zeros((size * count, 3))
    ends = [[_derivatives(np.array(s), k) for k in range(7)] for s in (0.0, 1.0)]
    row = 0
    for i in range(count):
        here = slice(size * i, size * (i + 1))
        for end in range(2):
            matrix[row, here], right[row] = ends[end][0], places[i + end]
            row += 1
    for k in () if closed else range(1, 4):
        matrix[row, :size] = ends[0][k]
        matrix[row + 1, -size:] = ends[1][k]
        row += 2
    for i in range(0 if closed else 1, count):
        j = (i - 1) % count
        before, after = slice(size * j, size * (j + 1)), slice(size * i, size * (i + 1))
        for k in range(1, 7):
            matrix[row, before] += ends[1][k] / spans[j] ** k
            matrix[row, after] -= ends[0][k] / spans[i] ** k
            matrix[row] /= np.abs(matrix[row]).max()
            row += 1
    scaled = np.linalg.solve(matrix, right).reshape(count, size, 3)
    powers = spans[:, None] ** np.arange(size)
    return Pieces(spans, np.swapaxes(scaled / powers[..., None], 1, 2))


def splined(table: ArrayLike) -> Array:
    """Return rows of time, position, velocity and acceleration, (rows, 10), of a cubic spline through (t, x, y, z).

    It begins and ends at rest (clamped).
    """
    from scipy.interpolate import CubicSpline

    rows = np.asarray(table, dtype=np.float64)
    spline: Any = CubicSpline(rows[:, 0], rows[:, 1:], bc_type="clamped")
    t = rows[:, 0]
    return np.column_stack([t, spline(t), spline(t, 1), spline(t, 2)])
