"""Flux maps: the flux linkages of a saturated machine over its d and q currents, measured or computed.

Whatever their form, maps become a spline of the co-energy (:mod:`gym_suite.motors.machines.spline`), so that the
machine is reciprocal and passive also where the measurement is not quite.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.parameters import check_keywords, nearest, unknown_error
from gym_suite.motors.machines.search import golden
from gym_suite.motors.machines.spline import coenergy_rows, fit, linkages_rows

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shipped:
    """A map that comes with the package.

    Attributes:
        file: Its file in the family's ``data``.
        reach: As :attr:`FluxMap.reach`, said here so that a machine is checked without reading and fitting the map.
    """

    file: str
    reach: tuple[float, float, float]


#: Maps that come with the package, by the name that a machine gives.
SHIPPED: Mapping[str, Shipped] = {
    "ECS101M0H7EF4": Shipped("ecs101m0h7ef4_flux_map.csv", (-20.0, 20.0, 26.0))
}
ENDING = ".csv"
COLUMNS = ("i_d", "i_q", "psi_d", "psi_q")

LEAST_POINTS, MOST_POINTS = 4, 400  # of an axis
MOST_CELLS = 40  # of the spline along an axis; a finer map is smoothed
#: Distance of the fitted fluxes from the given ones, rms as a part of the largest, above which a map is none of a
#: machine: measured ones stay below 0.1 %.
MOST_DEPARTURE = 0.02
#: Part of the largest incremental inductance below which the least one counts as none.
LEAST_INDUCTANCE = 1e-6
_BETWEEN = 4  # points of a cell along an axis at which passivity is looked at
_NEWTON_STEPS, _LONGEST = 100, 0.25  # of the inverse: at most, and as a part of the map's width
_ANGLES = np.linspace(0.0, math.pi, 181)  # of the current, among which the best is looked for first


@dataclass(frozen=True, slots=True)
class FluxMap:
    """Flux linkages over a grid of d and q currents; d along the magnets, or along the larger inductance.

    A map of the half with i_q from 0 on is mirrored: psi_d is even in i_q, psi_q odd. A map of both halves is made so.

    Args:
        i_d: d currents of the grid, increasing, A (amplitude).
        i_q: q currents, increasing, from 0 on or as many below as above it, A.
        psi_d: d flux linkages, a row for each d current, Vs.
        psi_q: q flux linkages, likewise.

    Raises:
        ValueError: If the shapes do not fit, a number is not finite, or there is no machine with such fluxes: not
            reciprocal by more than measurements are, or not passive; with the numbers.
    """

    i_d: tuple[float, ...]
    i_q: tuple[float, ...]
    psi_d: tuple[tuple[float, ...], ...]
    psi_q: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        for name in ("i_d", "i_q"):
            object.__setattr__(self, name, _axis(name, getattr(self, name)))
        shape = len(self.i_d), len(self.i_q)
        for name in ("psi_d", "psi_q"):
            object.__setattr__(self, name, _plane(name, getattr(self, name), shape))
        row, departure = _fitted(self)
        largest = max(np.abs(self.psi_d).max(), np.abs(self.psi_q).max())
        if not departure <= MOST_DEPARTURE * largest:
            raise ValueError(
                "the flux map is not reciprocal: d psi_d / d i_q and d psi_q / d i_d must agree, psi_d be even and "
                f"psi_q odd in i_q; the nearest such map is {departure:.3g} Vs rms away, "
                f"{100.0 * departure / largest:.3g} % of the largest flux, and {100.0 * MOST_DEPARTURE:g} % are allowed"
            )
        _check_passive(row)

    @classmethod
    def of(cls, value: object) -> FluxMap:
        """Return a map from a name of :data:`SHIPPED`, a CSV file, a mapping of the arrays, or a map.

        Raises:
            ValueError: For an unknown name or file, naming the nearest, and as the class.
            TypeError: For anything else.
        """
        if isinstance(value, FluxMap):
            return value
        if isinstance(value, Mapping):
            given = dict(value)
            check_keywords(given, COLUMNS, "array of a flux map")
            missing = [name for name in COLUMNS if name not in given]
            if missing:
                raise ValueError(
                    f"a flux map needs {', '.join(COLUMNS)}; missing: {', '.join(missing)}"
                )
            return cls(**given)
        if not isinstance(value, str | Path):
            raise TypeError(
                f"flux_map must be a name, a CSV file, a mapping of arrays or a FluxMap, got {type(value).__name__}"
            )
        if str(value) in SHIPPED:
            return _shipped(str(value))
        if not str(value).casefold().endswith(ENDING):
            raise unknown_error("flux map", str(value), SHIPPED)
        return cls.from_csv(value)

    @classmethod
    def from_csv(cls, path: str | Path) -> FluxMap:
        """Return a map from a CSV file with the columns i_d, i_q (A), psi_d, psi_q (Vs), a point of the grid a row.

        Raises:
            ValueError: If there is no such file, a column or a point of the grid is missing, or a point comes twice.
        """
        file = Path(path)
        if not file.is_file():
            beside = sorted(other.name for other in file.parent.glob(f"*{ENDING}"))
            near = nearest(file.name, beside)
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"there is no flux map {str(file)!r}{hint}")
        try:
            text = file.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"the flux map {str(file)!r} is no text: {error}") from None
        return cls._read(text, str(file))

    @classmethod
    def _read(cls, text: str, name: str) -> FluxMap:
        reader = csv.DictReader(text.splitlines())
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(
                f"the flux map {name!r} needs the columns {', '.join(COLUMNS)} (A, Vs); missing: {', '.join(missing)}"
            )
        points: dict[tuple[float, float], tuple[float, float]] = {}
        for line, row in enumerate(reader, start=2):
            try:
                i_d, i_q, psi_d, psi_q = (float(row[column]) for column in COLUMNS)
            except (TypeError, ValueError):
                raise ValueError(f"the flux map {name!r}, line {line}: not four numbers") from None
            if (i_d, i_q) in points:
                raise ValueError(
                    f"the flux map {name!r}, line {line}: i_d = {i_d:g} A, i_q = {i_q:g} A comes twice"
                )
            points[i_d, i_q] = psi_d, psi_q
        d, q = sorted({p[0] for p in points}), sorted({p[1] for p in points})
        for point in ((a, b) for a in d for b in q):
            if point not in points:
                raise ValueError(
                    f"the flux map {name!r} must be a full grid of currents: i_d = {point[0]:g} A, "
                    f"i_q = {point[1]:g} A is missing"
                )
        psi = np.array([[points[a, b] for b in q] for a in d]).reshape(len(d), len(q), 2)
        return cls.from_arrays(d, q, psi[:, :, 0], psi[:, :, 1])

    @classmethod
    def from_arrays(
        cls, i_d: ArrayLike, i_q: ArrayLike, psi_d: ArrayLike, psi_q: ArrayLike
    ) -> FluxMap:
        """Return a map from arrays; arguments as the class."""
        one, two, three, four = (
            np.asarray(part, np.float64).tolist() for part in (i_d, i_q, psi_d, psi_q)
        )
        return cls(one, two, three, four)

    @classmethod
    def sampled(
        cls,
        model: Callable[[Values, Values], tuple[ArrayLike, ArrayLike]],
        *,
        i_d: ArrayLike,
        i_q: ArrayLike,
    ) -> FluxMap:
        """Return the map of an algebraic model.

        Args:
            model: Returns (psi_d, psi_q), Vs, of arrays of d and q currents, A.
            i_d: d currents of the grid, A.
            i_q: q currents of the grid, A.
        """
        d, q = np.asarray(i_d, np.float64), np.asarray(i_q, np.float64)
        one, two = np.meshgrid(d, q, indexing="ij")
        psi_d, psi_q = model(one, two)
        return cls.from_arrays(
            d, q, np.broadcast_to(psi_d, one.shape), np.broadcast_to(psi_q, one.shape)
        )

    @property
    def row(self) -> Values:
        """The spline of the co-energy, as kernels read it; read-only."""
        return _fitted(self)[0]

    @property
    def departure(self) -> float:
        """Distance of the spline's fluxes from the given ones, Vs rms: what reciprocity, symmetry, smoothing take."""
        return _fitted(self)[1]

    @property
    def reach(self) -> tuple[float, float, float]:
        """The lowest and highest d current and the highest q current, A."""
        return self.i_d[0], self.i_d[-1], self.i_q[-1]

    def linkages(self, i_d: ArrayLike, i_q: ArrayLike) -> tuple[Values, Values]:
        """Return the d and q flux linkages at currents, Vs."""
        psi_d, psi_q, *_ = self._evaluated(i_d, i_q)
        return psi_d, psi_q

    def inductances(self, i_d: ArrayLike, i_q: ArrayLike) -> tuple[Values, Values, Values]:
        """Return the incremental inductances l_dd, l_dq = l_qd and l_qq at currents, H."""
        _, _, *inductances = self._evaluated(i_d, i_q)
        return inductances[0], inductances[1], inductances[2]

    def energy(self, i_d: ArrayLike, i_q: ArrayLike) -> Values:
        """Return the energy that three phases hold more than without current, within the map, J."""
        one, two = np.broadcast_arrays(np.asarray(i_d, np.float64), np.asarray(i_q, np.float64))
        points = np.append(_pairs(one, two), np.zeros((1, 2)), axis=0)
        coenergy = np.empty(len(points))
        coenergy_rows(points, self.row, coenergy)
        psi_d, psi_q = self.linkages(one, two)
        own = (coenergy[:-1] - coenergy[-1]).reshape(one.shape)
        return 1.5 * (psi_d * one + psi_q * two - own)

    def currents(self, psi_d: ArrayLike, psi_q: ArrayLike) -> tuple[Values, Values]:
        """Return the d and q currents at flux linkages, A, by Newton's method on the convex co-energy."""
        one, two = np.broadcast_arrays(np.asarray(psi_d, np.float64), np.asarray(psi_q, np.float64))
        i_d, i_q, damping = np.zeros(one.shape), np.zeros(one.shape), np.ones(one.shape)
        own_d, own_q, l_dd, l_dq, l_qq = self._evaluated(i_d, i_q)
        longest = _LONGEST * (self.i_d[-1] - self.i_d[0])
        for _ in range(_NEWTON_STEPS):
            short_d, short_q = one - own_d, two - own_q
            inverse = 1.0 / (l_dd * l_qq - l_dq * l_dq)
            step_d = inverse * (l_qq * short_d - l_dq * short_q)
            step_q = inverse * (l_dd * short_q - l_dq * short_d)
            size = np.hypot(step_d, step_q)
            if not np.any(size > 1e-12 * longest):
                break
            part = damping * np.minimum(1.0, longest / np.maximum(size, 1e-300))
            new_d, new_q = i_d + part * step_d, i_q + part * step_q
            new = self._evaluated(new_d, new_q)
            # A step that leads away from the fluxes is not made but halved.
            short = np.hypot(short_d, short_q)
            nearer = np.hypot(one - new[0], two - new[1]) < short
            done = size <= 1e-12 * longest
            damping = np.where(nearer | done, 1.0, 0.5 * damping)
            i_d, i_q = np.where(nearer, new_d, i_d), np.where(nearer, new_q, i_q)
            own_d, own_q, l_dd, l_dq, l_qq = (
                np.where(nearer, fresh, old)
                for fresh, old in zip(new, (own_d, own_q, l_dd, l_dq, l_qq), strict=True)
            )
        return i_d, i_q

    def strongest(self, magnitude: ArrayLike) -> tuple[Values, Values]:
        """Return the d and q currents, i_q >= 0, of most torque per ampere at magnitudes of the current, A."""
        size = np.asarray(magnitude, np.float64)

        def torque(angle: Values) -> Values:
            i_d, i_q = size * np.cos(angle), size * np.sin(angle)
            psi_d, psi_q = self.linkages(i_d, i_q)
            return psi_d * i_q - psi_q * i_d

        best = _ANGLES[np.argmax([torque(np.full(size.shape, a)) for a in _ANGLES], axis=0)]
        step = _ANGLES[1]
        angle = golden(torque, np.maximum(best - step, 0.0), np.minimum(best + step, math.pi))
        return size * np.cos(angle), size * np.sin(angle)

    def _evaluated(self, i_d: ArrayLike, i_q: ArrayLike) -> tuple[Values, ...]:
        """Return fluxes and inductances at currents, in the shape of these."""
        one, two = np.broadcast_arrays(np.asarray(i_d, np.float64), np.asarray(i_q, np.float64))
        out = np.empty((one.size, 5))
        linkages_rows(_pairs(one, two), self.row, out)
        return tuple(part.reshape(one.shape) for part in out.T)


def _pairs(one: Values, two: Values) -> Values:
    return np.column_stack([one.ravel(), two.ravel()])


def _axis(name: str, given: Any) -> tuple[float, ...]:
    """Return the currents of an axis of a map."""
    values = np.asarray(given, np.float64)
    if values.ndim != 1 or not LEAST_POINTS <= len(values) <= MOST_POINTS:
        raise ValueError(
            f"a flux map's {name} must be {LEAST_POINTS} to {MOST_POINTS} currents, got shape {values.shape}"
        )
    if not np.all(np.isfinite(values)) or not np.all(np.diff(values) > 0.0):
        raise ValueError(
            f"a flux map's {name} must be finite and increasing, got {values.tolist()}"
        )
    if name == "i_q" and values[0] != 0.0 and np.any(np.abs(values + values[::-1]) > 1e-9):
        raise ValueError(
            "a flux map's i_q must begin with 0 or be as far below as above it, "
            f"got {values[0]:g} to {values[-1]:g} A"
        )
    return tuple(values.tolist())


def _plane(name: str, given: Any, shape: tuple[int, int]) -> tuple[tuple[float, ...], ...]:
    """Return the fluxes of an axis over the grid."""
    try:
        values = np.asarray(given, np.float64)
    except ValueError:
        raise ValueError(f"a flux map's {name} must be numbers of shape {shape}") from None
    if values.shape != shape:
        raise ValueError(
            f"a flux map's {name} must have a row for each i_d and a column for each i_q, {shape}, got {values.shape}"
        )
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        raise ValueError(f"a flux map's {name}[{wrong[0][0]}, {wrong[0][1]}] is not finite")
    return tuple(tuple(row) for row in values.tolist())


@cache
def _shipped(name: str) -> FluxMap:
    text = files("gym_suite.motors").joinpath("data", SHIPPED[name].file).read_text("utf-8")
    return FluxMap._read(text, name)


@cache
def _fitted(known: FluxMap) -> tuple[Values, float]:
    """Return the spline of a map, and the rms distance of its fluxes from the given ones, Vs."""
    i_d, i_q = np.array(known.i_d), np.array(known.i_q)
    given = np.array([known.psi_d, known.psi_q])
    if i_q[0] == 0.0:
        i_q = np.concatenate([-i_q[:0:-1], i_q])
        below = given[:, :, :0:-1] * np.array([1.0, -1.0])[:, None, None]
        psi = given = np.concatenate([below, given], axis=2)
    else:
        mirrored = given[:, :, ::-1] * np.array([1.0, -1.0])[:, None, None]
        psi = 0.5 * (given + mirrored)
    cells = min(len(i_d) - 1, MOST_CELLS), min(len(i_q) - 1, 2 * MOST_CELLS)
    row = fit(i_d, i_q, psi[0], psi[1], cells)
    row.setflags(write=False)
    one, two = np.meshgrid(i_d, i_q, indexing="ij")
    out = np.empty((one.size, 5))
    linkages_rows(_pairs(one, two), row, out)
    short = out[:, :2].T.reshape(given.shape) - given
    return row, float(np.sqrt(np.mean(np.sum(short**2, axis=0))))


def least_inductance(row: Values) -> tuple[float, float, float, float]:
    """Return the least and the largest eigenvalue of a map's incremental inductances, H, and where the least is, A."""
    axes = []
    for first in (0, 3):
        low, per, cells = row[first : first + 3]
        axes.append(np.linspace(low, low + cells / per, _BETWEEN * int(cells) + 1))
    one, two = np.meshgrid(*axes, indexing="ij")
    points = _pairs(one, two)
    out = np.empty((len(points), 5))
    linkages_rows(points, row, out)
    l_dd, l_dq, l_qq = out[:, 2], out[:, 3], out[:, 4]
    middle, half = 0.5 * (l_dd + l_qq), np.hypot(0.5 * (l_dd - l_qq), l_dq)
    k = int(np.argmin(middle - half))
    largest = float((middle + half).max())
    return float(middle[k] - half[k]), largest, float(points[k, 0]), float(points[k, 1])


def _check_passive(row: Values) -> None:
    """Refuse a map that could give energy, or whose currents a flux does not decide."""
    least, largest, i_d, i_q = least_inductance(row)
    if not least > LEAST_INDUCTANCE * largest:
        what = "not passive" if least < -LEAST_INDUCTANCE * largest else "singular"
        raise ValueError(
            f"the flux map is {what}: at i_d = {i_d:.4g} A, i_q = {i_q:.4g} A the least eigenvalue of the incremental "
            f"inductances d psi / d i is {least:.3g} H; it must be above 0 everywhere, at least "
            f"{LEAST_INDUCTANCE * largest:.2g} H"
        )
