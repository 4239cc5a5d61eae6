"""Flux maps: the flux linkages of a saturated machine over its d and q currents, measured or computed.

Whatever their form, maps become a spline of the co-energy (:mod:`gym_suite.motors.machines.spline`), so that the
machine is reciprocal and passive also where the measurement is not quite.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.parameters import check_keywords, unknown_error
from gym_suite.motors.machines.map_files import COLUMNS, CSV, NPZ, read_csv, read_npz, read_text
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

LEAST_POINTS, MOST_POINTS = 4, 400  # of an axis
MOST_CELLS = 40  # of the spline along an axis; a finer map is smoothed
#: Distance of the fitted fluxes from the given ones, rms as a part of the largest, above which a map is none of a
#: machine: measured ones stay below 0.1 %.
MOST_DEPARTURE = 0.02
#: The same from which it is told.
TOLD_DEPARTURE = 2e-3
#: What a current may lie outside a map by rounding, as a part of the map's width.
_EDGE = 1e-9
#: What is put in place of a torque outside the map, times one and the amperes by which it is outside.
_FAR = -1e12
#: Part of the largest incremental inductance below which the least one counts as none.
LEAST_INDUCTANCE = 1e-6
_BETWEEN = 4  # points of a cell along an axis at which passivity is looked at
_NEWTON_STEPS, _LONGEST = 100, 0.25  # of the inverse: at most, and as a part of the map's width
_ANGLES = np.linspace(0.0, math.pi, 181)  # of the current, among which the best is looked for first


@dataclass(frozen=True, slots=True)
class FluxMap:
    """Flux linkages over a grid of d and q currents; d along the magnets, or along the larger inductance.

    A map of the half with i_q from 0 on is mirrored: psi_d is even in i_q, psi_q odd. A map of both halves is made so.
    What that and reciprocity take from the given fluxes is :attr:`departure`; a warning tells where it, or an offset of
    psi_q, is above 0.2 % of the largest flux.

    What it says of a current outside the grid nobody has measured: its methods refuse it. Who wants to go on along the
    inductances of the edge, as a simulated machine does within the step in which its current exceeds a limit, says
    ``beyond=True``.

    Args:
        i_d: d currents of the grid, increasing, A (amplitude).
        i_q: q currents, increasing, from 0 on or as many below as above it, A.
        psi_d: d flux linkages, a row for each d current, Vs.
        psi_q: q flux linkages, likewise.

    Raises:
        ValueError: If the shapes do not fit, something is no number, complex, masked or not finite, or there is no
            machine with such fluxes: not reciprocal by more than measurements are, or not passive; with the numbers.
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
        self._tell_of(departure, float(largest))

    def _tell_of(self, departure: float, largest: float) -> None:
        """Warn of a map that is not quite that of a machine."""
        psi_q = np.array(self.psi_q)
        odd = psi_q[:, 0] if self.i_q[0] == 0.0 else 0.5 * (psi_q + psi_q[:, ::-1])
        offset, least = float(np.mean(odd)), TOLD_DEPARTURE * largest
        if max(departure, abs(offset)) <= least:
            return
        hint = ""
        if abs(offset) > least:
            hint = f"; psi_q has an offset of {offset:.3g} Vs, and without i_q it must be 0"
        warnings.warn(
            f"the flux map is {departure:.3g} Vs rms ({100.0 * departure / largest:.2g} % of its largest flux) away "
            "from the nearest one that is smooth, reciprocal, and even and odd in i_q, which is taken in its place"
            f"{hint}",
            UserWarning,
            stacklevel=4,
        )

    @classmethod
    def of(cls, value: object) -> FluxMap:
        """Return a map from a name of :data:`SHIPPED`, a file, a mapping of the arrays, or a map.

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
                "flux_map must be a name, a CSV file or an archive of NumPy (.npz), a mapping of arrays or a FluxMap, "
                f"got {type(value).__name__}"
            )
        if str(value) in SHIPPED:
            return _shipped(str(value))
        ending = Path(value).suffix.casefold()
        if ending not in (CSV, NPZ):
            raise unknown_error("flux map", str(value), SHIPPED)
        return cls.from_csv(value) if ending == CSV else cls.from_npz(value)

    @classmethod
    def from_csv(cls, path: str | Path) -> FluxMap:
        """Return a map from a CSV file with the columns i_d, i_q (A), psi_d, psi_q (Vs), a point of the grid a row.

        A header may say the unit, as i_d [A], i_d (A) or i_d_A.

        Raises:
            ValueError: If there is no such file, a column or a point of the grid is missing, a column or a point comes
                twice, or a unit is another.
        """
        return cls(**read_csv(path))

    @classmethod
    def from_npz(cls, path: str | Path) -> FluxMap:
        """Return a map from an archive of NumPy with the arrays i_d, i_q, psi_d, psi_q.

        Complex arrays i_s_dq and psi_s_dq over the grid, as the examples of motulator have them, are taken as well.

        Raises:
            ValueError: If there is no such file, or an array is missing.
        """
        return cls(**read_npz(path))

    @classmethod
    def from_arrays(
        cls, i_d: ArrayLike, i_q: ArrayLike, psi_d: ArrayLike, psi_q: ArrayLike
    ) -> FluxMap:
        """Return a map from arrays; arguments as the class."""
        given: tuple[Any, ...] = i_d, i_q, psi_d, psi_q
        return cls(*given)

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
        d, q = _numbers("i_d", i_d), _numbers("i_q", i_q)
        one, two = np.meshgrid(d, q, indexing="ij")
        psi_d, psi_q = model(one, two)
        fluxes = (
            np.broadcast_to(_numbers(name, psi), one.shape)
            for name, psi in (("psi_d", psi_d), ("psi_q", psi_q))
        )
        return cls.from_arrays(d, q, *fluxes)

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

    def excess(self, i_d: ArrayLike, i_q: ArrayLike) -> Values:
        """Return by how much currents are outside the map, A; below 0 inside."""
        low, high, most = self.reach
        one, two = np.asarray(i_d, np.float64), np.asarray(i_q, np.float64)
        return np.maximum(np.maximum(low - one, one - high), np.abs(two) - most)

    def holds(self, i_d: ArrayLike, i_q: ArrayLike) -> NDArray[np.bool_]:
        """Return whether currents are in the map; those that are no numbers are not."""
        return self.excess(i_d, i_q) <= _EDGE * (self.i_d[-1] - self.i_d[0])

    def linkages(
        self, i_d: ArrayLike, i_q: ArrayLike, *, beyond: bool = False
    ) -> tuple[Values, Values]:
        """Return the d and q flux linkages at currents, Vs.

        Args:
            i_d: d currents, A.
            i_q: q currents, A.
            beyond: Whether to go on along the inductances of the edge outside the map, which nobody has measured.

        Raises:
            ValueError: If a current is outside the map, or no number; with the numbers.
        """
        psi_d, psi_q, *_ = self._evaluated(i_d, i_q, beyond)
        return psi_d, psi_q

    def inductances(
        self, i_d: ArrayLike, i_q: ArrayLike, *, beyond: bool = False
    ) -> tuple[Values, Values, Values]:
        """Return the incremental inductances l_dd, l_dq = l_qd and l_qq at currents, H.

        Arguments and errors as :meth:`linkages`.
        """
        _, _, *inductances = self._evaluated(i_d, i_q, beyond)
        return inductances[0], inductances[1], inductances[2]

    def energy(self, i_d: ArrayLike, i_q: ArrayLike) -> Values:
        """Return the energy that three phases hold more than without current, J.

        Raises:
            ValueError: As :meth:`linkages`.
        """
        one, two = np.broadcast_arrays(np.asarray(i_d, np.float64), np.asarray(i_q, np.float64))
        psi_d, psi_q = self.linkages(one, two)
        points = np.append(_pairs(one, two), np.zeros((1, 2)), axis=0)
        coenergy = np.empty(len(points))
        coenergy_rows(points, self.row, coenergy)
        own = (coenergy[:-1] - coenergy[-1]).reshape(one.shape)
        return 1.5 * (psi_d * one + psi_q * two - own)

    def currents(
        self, psi_d: ArrayLike, psi_q: ArrayLike, *, beyond: bool = False
    ) -> tuple[Values, Values]:
        """Return the d and q currents at flux linkages, A, by Newton's method on the convex co-energy.

        Args:
            psi_d: d flux linkages, Vs.
            psi_q: q flux linkages, Vs.
            beyond: As :meth:`linkages` has it.

        Raises:
            ValueError: If a flux has its currents outside the map, or is no number; with the numbers.
        """
        one, two = np.broadcast_arrays(np.asarray(psi_d, np.float64), np.asarray(psi_q, np.float64))
        if beyond:
            return self._newton(one, two)
        number = np.isfinite(one) & np.isfinite(two)
        i_d, i_q = self._newton(np.where(number, one, 0.0), np.where(number, two, 0.0))
        wrong = np.argwhere(~(number & self.holds(i_d, i_q)))
        if len(wrong):
            k = tuple(wrong[0])
            raise ValueError(
                f"the flux linkages psi_d = {one[k]:.4g} Vs, psi_q = {two[k]:.4g} Vs are those of no current in "
                f"{self._held()}"
            )
        return i_d, i_q

    def _newton(self, one: Values, two: Values) -> tuple[Values, Values]:
        """Return the currents at flux linkages, inside the map or beyond it."""
        i_d, i_q, damping = np.zeros(one.shape), np.zeros(one.shape), np.ones(one.shape)
        own_d, own_q, l_dd, l_dq, l_qq = self._evaluated(i_d, i_q, True)
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
            new = self._evaluated(new_d, new_q, True)
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
        """Return the d and q currents, i_q >= 0, of most torque per ampere at magnitudes of the current, A.

        They are looked for inside the map.

        Raises:
            ValueError: If no current of a magnitude is inside the map.
        """
        size = np.asarray(magnitude, np.float64)
        edge = _EDGE * (self.i_d[-1] - self.i_d[0])

        def torque(angle: Values) -> Values:
            i_d, i_q = size * np.cos(angle), size * np.sin(angle)
            psi_d, psi_q = self.linkages(i_d, i_q, beyond=True)
            over = self.excess(i_d, i_q)
            return np.where(over <= edge, psi_d * i_q - psi_q * i_d, _FAR * (1.0 + over))

        torques = [torque(np.full(size.shape, a)) for a in _ANGLES]
        outside = np.argwhere(~(np.max(torques, axis=0) > _FAR))
        if len(outside):
            raise ValueError(f"no current of {size[tuple(outside[0])]:g} A is in {self._held()}")
        best = _ANGLES[np.argmax(torques, axis=0)]
        step = _ANGLES[1]
        angle = golden(torque, np.maximum(best - step, 0.0), np.minimum(best + step, math.pi))
        return size * np.cos(angle), size * np.sin(angle)

    def _held(self) -> str:
        """Return the map's reach in words."""
        low, high, most = self.reach
        return f"the flux map, which holds i_d from {low:g} to {high:g} A and i_q from {-most:g} to {most:g} A"

    def _evaluated(self, i_d: ArrayLike, i_q: ArrayLike, beyond: bool) -> tuple[Values, ...]:
        """Return fluxes and inductances at currents, in the shape of these."""
        one, two = np.broadcast_arrays(np.asarray(i_d, np.float64), np.asarray(i_q, np.float64))
        outside = [] if beyond else np.argwhere(~self.holds(one, two))
        if len(outside):
            k = tuple(outside[0])
            raise ValueError(
                f"the currents i_d = {one[k]:.4g} A, i_q = {two[k]:.4g} A are outside {self._held()}: what the fluxes "
                "are there was never measured"
            )
        out = np.empty((one.size, 5))
        linkages_rows(_pairs(one, two), self.row, out)
        return tuple(part.reshape(one.shape) for part in out.T)


def _pairs(one: Values, two: Values) -> Values:
    return np.column_stack([one.ravel(), two.ravel()])


def _numbers(name: str, given: Any) -> Values:
    """Return an array of a map as real numbers.

    Raises:
        ValueError: For what is none, complex, or masked in places; with the array's name.
    """
    if np.ma.is_masked(given):
        raise ValueError(f"a flux map's {name} is masked in places: give the numbers there")
    try:
        values = np.asarray(given)
        if values.dtype.kind != "c":
            return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a flux map's {name} must be an array of numbers: {error}") from None
    raise ValueError(f"a flux map's {name} is complex: give real and imaginary part apart")


def _axis(name: str, given: Any) -> tuple[float, ...]:
    """Return the currents of an axis of a map."""
    values = _numbers(name, given) + 0.0  # no currents of -0 A
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
    values = _numbers(name, given)
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
    return FluxMap(**read_text(text, name))


@cache
def _fitted(known: FluxMap) -> tuple[Values, float]:
    """Return the spline of a map, and the rms distance of its fluxes from the given ones, Vs."""
    i_d, i_q = np.array(known.i_d), np.array(known.i_q)
    given = np.array([known.psi_d, known.psi_q])
    if i_q[0] == 0.0:
        i_q = np.concatenate([-i_q[:0:-1], i_q])
        below = given[:, :, :0:-1] * np.array([1.0, -1.0])[:, None, None]
        given = np.concatenate([below, given], axis=2)
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
