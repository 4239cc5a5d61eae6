"""Operating points and linear models of a plant's compiled derivative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.controllers.protocol import nominal_of
from gym_suite.core.extras import import_extra, install_line
from gym_suite.core.parameters import unknown_error

Vector = NDArray[np.float64]

#: Central differences balance truncation and rounding at the cube root of the machine's precision.
_RELATIVE_STEP = float(np.finfo(np.float64).eps) ** (1.0 / 3.0)

#: A derivative counts as zero if a relative change of the unknowns this small would make it so.
_TOLERANCE = 1e-8

#: Further starts of the search for an operating point.
_STARTS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperatingPoint:
    """A state and input at which the plant rests.

    Attributes:
        x: State (nx,), SI.
        u: Input (nu,), SI.
        y: Output (ny,), SI.
        names: Names of the states, inputs and outputs, in this order.
    """

    x: Vector
    u: Vector
    y: Vector
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

    def as_dict(self) -> dict[str, float]:
        """Return the values of states, inputs and outputs by name."""
        values = (self.y, self.u, self.x)  # a state that is also an output appears once
        return {
            name: float(value)
            for names, row in zip(reversed(self.names), values, strict=True)
            for name, value in zip(names, row, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Mode:
    """An eigenvalue of a linear model in the terms of the field.

    Attributes:
        pole: Eigenvalue in 1/s.
        frequency: Natural frequency in rad/s.
        damping: Damping ratio; 1 for a stable real pole, -1 for an unstable one, NaN at the origin.
        time_constant: -1 / Re(pole) in s; infinite on the imaginary axis, negative if unstable.
    """

    pole: complex
    frequency: float
    damping: float
    time_constant: float

    def __str__(self) -> str:
        """Return the mode in a line, with units."""
        if self.frequency == 0.0:
            return "pole at 0: an integral"
        turning = f" {self.pole.imag:+.4g}j" if self.pole.imag else ""
        return (
            f"pole at {self.pole.real:.4g}{turning} 1/s: {self.frequency:.4g} rad/s, damping {self.damping:.3g}, "
            f"time constant {self.time_constant:.3g} s"
        )


class Plant:
    """The nominal plant as two plain functions of state and input."""

    def __init__(self, env: Any) -> None:
        nominal = nominal_of(env)
        self._plant = nominal.plant
        if self._plant is None:
            raise TypeError(
                "this environment has no continuous-time plant to analyse (setup.plant is None)"
            )
        self._row = np.array(nominal.row, dtype=np.float64)
        self.dt = float(nominal.dt)
        self.states = self._plant.states
        self.inputs = self._plant.inputs
        self.outputs = self._plant.outputs

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Names of the states, inputs and outputs."""
        return tuple(self.states.names), tuple(self.inputs.names), tuple(self.outputs.names)

    @property
    def guess(self) -> dict[str, float]:
        """The state, and inputs, from which operating points are to be looked for, by name."""
        names = (*self.states.names, *self.inputs.names)
        return dict(zip(names, getattr(self._plant, "guess", ()), strict=False))

    def derivative(self, x: Vector, u: Vector) -> Vector:
        """Return dx/dt (nx,)."""
        dx = np.zeros(len(self.states))
        self._plant.derivative(np.ascontiguousarray(x), np.ascontiguousarray(u), self._row, dx)
        return dx

    def output(self, x: Vector, u: Vector) -> Vector:
        """Return y (ny,)."""
        y = np.zeros(len(self.outputs))
        self._plant.output(np.ascontiguousarray(x), np.ascontiguousarray(u), self._row, y)
        return y

    def point(self, x: Vector, u: Vector) -> OperatingPoint:
        """Return the point with its output."""
        return OperatingPoint(x=x.copy(), u=u.copy(), y=self.output(x, u), names=self.names)


def column_scale(columns: Any) -> Vector:
    """Return a typical size of each column: half its range where that is bounded, else 1."""
    low, high = columns.low, columns.high
    bounded = np.isfinite(low) & np.isfinite(high) & (high > low)
    return np.where(bounded, 0.5 * (np.where(bounded, high, 1) - np.where(bounded, low, -1)), 1.0)


def named_vector(columns: Any, values: Mapping[str, float] | ArrayLike | None, kind: str) -> Vector:
    """Return a row from values by name (others zero), from an array, or zeros for None.

    Raises:
        ValueError: For an unknown name (names the nearest), a wrong length, or values that are
            not finite.
    """
    if values is None:
        return np.zeros(len(columns))
    if isinstance(values, Mapping):
        row = np.zeros(len(columns))
        for name, value in values.items():
            row[_index(columns, name, kind)] = value
    else:
        row = np.array(values, dtype=np.float64)
        if row.shape != (len(columns),):
            raise ValueError(f"{kind}s must have shape ({len(columns)},), got {row.shape}")
    if not np.isfinite(row).all():
        raise ValueError(f"{kind}s must be finite, got {row!r}")
    return row


def _index(columns: Any, name: str, kind: str) -> int:
    names = tuple(columns.names)
    if name not in names:
        raise unknown_error(kind, name, names)
    return names.index(name)


def operating_point(
    env: Any,
    *,
    states: Mapping[str, float] | None = None,
    inputs: Mapping[str, float] | None = None,
    outputs: Mapping[str, float] | None = None,
    moving: Iterable[str] = (),
    guess: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> OperatingPoint:
    """Find states and inputs at which the plant's derivative is zero.

    States and inputs that are not given are unknown. With more unknowns than equations the solution
    that the solver reaches from the guess is returned; where the guess leads nowhere, further
    starts within the bounds are tried.

    Args:
        env: An env or its nominal model.
        states: Fixed states by name, SI.
        inputs: Fixed inputs by name, SI.
        outputs: Wanted outputs by name, SI.
        moving: States that may move steadily, such as the angle of a turning shaft.
        guess: Starting values of unknown states and inputs by name; otherwise the plant's own
            guess, or zero.
        bounds: Lowest and highest value of unknown states and inputs by name; otherwise the bounds
            of their columns.

    Raises:
        ValueError: For an unknown name (names the nearest), or if no such point exists; says which
            equation fails and which unknowns stand at their bounds.
    """
    plant = Plant(env)
    problem = _Equilibrium(plant, states or {}, inputs or {}, outputs or {}, moving)
    start = problem.start(plant.guess | dict(guess or {}))
    low, high = problem.bounds(bounds or {})
    solution = problem.solve(np.clip(start, low, high), low, high)
    problem.check(solution, low, high)
    return plant.point(*problem.split(solution))


class _Equilibrium:
    """The equations of a rest point, over the unknowns in units of their columns' range."""

    def __init__(
        self,
        plant: Plant,
        states: Mapping[str, float],
        inputs: Mapping[str, float],
        outputs: Mapping[str, float],
        moving: Iterable[str],
    ) -> None:
        self.plant = plant
        self.n = len(plant.states)
        fixed_x = [_index(plant.states, name, "state") for name in states]
        fixed_u = [self.n + _index(plant.inputs, name, "input") for name in inputs]
        self.point = np.concatenate(
            [
                named_vector(plant.states, states, "state"),
                named_vector(plant.inputs, inputs, "input"),
            ]
        )
        self.names = (*plant.states.names, *plant.inputs.names)
        self.scale = np.concatenate([column_scale(plant.states), column_scale(plant.inputs)])
        self.free = np.setdiff1d(np.arange(self.point.size), [*fixed_x, *fixed_u])
        moves = {_index(plant.states, name, "state") for name in moving}
        self.still = [i for i in range(self.n) if i not in moves]
        self.wanted = [_index(plant.outputs, name, "output") for name in outputs]
        self.targets = np.array([float(value) for value in outputs.values()])
        if not np.isfinite(self.targets).all():
            raise ValueError(f"outputs must be finite, got {dict(outputs)!r}")
        self.equations = [f"d({plant.states.names[i]})/dt" for i in self.still]
        self.equations += [f"{name} - {value:g}" for name, value in outputs.items()]

    def start(self, guess: Mapping[str, float]) -> Vector:
        """Return the scaled starting values of the unknowns."""
        for name, value in guess.items():
            place = self._place(name)
            if place in self.free:
                self.point[place] = value
        return self.point[self.free] / self.scale[self.free]

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise unknown_error("state or input", name, self.names)
        return self.names.index(name)

    def bounds(self, given: Mapping[str, tuple[float, float]]) -> tuple[Vector, Vector]:
        """Return the scaled bounds of the unknowns."""
        columns = (self.plant.states, self.plant.inputs)
        low = np.concatenate([c.low for c in columns], dtype=np.float64)
        high = np.concatenate([c.high for c in columns], dtype=np.float64)
        # A column pinned to one value would leave the solver no room.
        pinned = low >= high
        low[pinned], high[pinned] = -np.inf, np.inf
        for name, (lowest, highest) in given.items():
            if not lowest < highest:
                raise ValueError(f"bounds of {name!r} must be (low, high), got {given[name]!r}")
            low[self._place(name)], high[self._place(name)] = lowest, highest
        return (low / self.scale)[self.free], (high / self.scale)[self.free]

    def solve(self, start: Vector, low: Vector, high: Vector) -> Vector:
        """Return the unknowns that solve the equations, or come nearest to it.

        A search may end in a local minimum or at a bound, so it is repeated from further starts,
        drawn by a fixed seed, before the point is given up.
        """
        if start.size == 0:
            return start
        rng = np.random.default_rng(0)
        best = self._search(start, low, high)
        for trial in range(_STARTS):
            if self.error(best).max() <= _TOLERANCE:
                break
            reach = 10.0 ** (trial % 4)  # where a column has no range, its size is not known
            drawn = rng.uniform(np.maximum(low, start - reach), np.minimum(high, start + reach))
            found = self._search(drawn, low, high)
            if self.error(found).max() < self.error(best).max():
                best = found
        return best

    def _search(self, start: Vector, low: Vector, high: Vector) -> Vector:
        from scipy.optimize import least_squares

        sensitivity = self.sensitivity(start)
        weight = np.where(sensitivity > 0.0, sensitivity, 1.0)
        return least_squares(
            lambda z: self.residual(z) / weight,
            start,
            bounds=(low, high),
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=100 * start.size,
        ).x

    def error(self, z: Vector) -> Vector:
        """Return each equation's residual, relative to how much it changes over the ranges."""
        residual = self.residual(z)
        if residual.size == 0:
            return np.zeros(1)
        sensitivity = self.sensitivity(z)
        relative = np.abs(residual) / np.where(sensitivity > 0.0, sensitivity, 1.0)
        return np.where(np.isfinite(relative), relative, np.inf)

    def split(self, z: Vector) -> tuple[Vector, Vector]:
        """Return state and input for scaled unknowns."""
        point = self.point.copy()
        point[self.free] = z * self.scale[self.free]
        return point[: self.n], point[self.n :]

    def residual(self, z: Vector) -> Vector:
        """Return what should be zero."""
        x, u = self.split(z)
        errors = self.plant.output(x, u)[self.wanted] - self.targets
        return np.concatenate([self.plant.derivative(x, u)[self.still], errors])

    def sensitivity(self, z: Vector) -> Vector:
        """Return how much each equation changes over the columns' ranges, fixed ones included."""
        x, u = self.split(z)
        a, b, c, d = _jacobians(self.plant, x, u)
        rows = np.vstack([np.hstack([a, b])[self.still], np.hstack([c, d])[self.wanted]])
        return np.abs(rows) @ self.scale

    def check(self, z: Vector, low: Any, high: Any) -> None:
        """Refuse a point at which an equation does not hold.

        Raises:
            ValueError: Naming the equation that fails most and the unknowns at their bounds.
        """
        error = self.error(z)
        worst = int(np.argmax(error))
        if error[worst] <= _TOLERANCE:
            return
        left = self.residual(z)[worst]
        x, u = self.split(z)
        unknown = np.concatenate([x, u])[self.free]
        found = ", ".join(
            f"{self.names[i]}={value:.6g}" for i, value in zip(self.free, unknown, strict=True)
        )
        at_bound = np.isclose(z, low, atol=1e-6) | np.isclose(z, high, atol=1e-6)
        stuck = [self.names[i] for i in self.free[at_bound]]
        raise ValueError(
            f"no operating point: {self.equations[worst]} = {left:.6g} is left, nearest "
            f"with {found or 'nothing unknown'}"
            + (f"; at their bounds: {', '.join(stuck)}" if stuck else "")
        )


def _jacobians(plant: Plant, x: Vector, u: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    """Return A, B, C, D by central differences."""
    point = np.concatenate([x, u])
    scale = np.concatenate([column_scale(plant.states), column_scale(plant.inputs)])
    n = x.size
    dx = np.empty((n, point.size))
    dy = np.empty((len(plant.outputs), point.size))
    for j in range(point.size):
        step = _RELATIVE_STEP * max(abs(point[j]), scale[j])
        above, below = point.copy(), point.copy()
        above[j] += step
        below[j] -= step
        width = above[j] - below[j]  # what floating point made of two steps
        for matrix, function in ((dx, plant.derivative), (dy, plant.output)):
            difference = function(above[:n], above[n:]) - function(below[:n], below[n:])
            matrix[:, j] = difference / width
    return dx[:, :n], dx[:, n:], dy[:, :n], dy[:, n:]


def zero_order_hold(a: Vector, b: Vector, dt: float) -> tuple[Vector, Vector]:
    """Return the exact discrete pair of ``dx/dt = A x + B u`` with u held over ``dt``.

    By the exponential of the block matrix ``[[A, B], [0, 0]] dt`` (C. F. Van Loan, Computing
    integrals involving the matrix exponential, IEEE Trans. Automatic Control 23 (1978) 395-404);
    A may be singular.

    Args:
        a: (nx, nx).
        b: (nx, nu).
        dt: Holding time in s.
    """
    from scipy.linalg import expm

    n, m = b.shape
    block = np.zeros((n + m, n + m))
    block[:n, :n] = a
    block[:n, n:] = b
    exponential = np.asarray(expm(block * dt), dtype=np.float64)
    return exponential[:n, :n], exponential[:n, n:]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearModel:
    """A plant linearised about a point, in deviations from it, SI units.

    ``dx/dt = A x + B u``, ``y = C x + D u``; ``x[k+1] = Ad x[k] + Bd u[k]`` with u held over dt.

    Attributes:
        A: (nx, nx).
        B: (nx, nu).
        C: (ny, nx).
        D: (ny, nu).
        Ad: (nx, nx), exact for the zero-order hold.
        Bd: (nx, nu), exact for the zero-order hold.
        dt: Control period in s.
        state_names: Names of the states.
        input_names: Names of the inputs.
        output_names: Names of the outputs.
        point: The point of linearisation.
        drift: dx/dt at that point (nx,); zero at an operating point.
    """

    A: Vector
    B: Vector
    C: Vector
    D: Vector
    Ad: Vector
    Bd: Vector
    dt: float
    state_names: tuple[str, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    point: OperatingPoint
    drift: Vector

    def poles(self, *, discrete: bool = False) -> NDArray[np.complex128]:
        """Return the eigenvalues of A (1/s), or of Ad (1), slowest first.

        Args:
            discrete: Whether to take the zero-order-hold pair.
        """
        values = np.linalg.eigvals(self.Ad if discrete else self.A).astype(np.complex128)
        slowness = -np.abs(values) if discrete else np.abs(values)
        return values[np.lexsort((values.imag, slowness.round(9)))]

    def damping(self) -> tuple[Mode, ...]:
        """Return natural frequency, damping ratio and time constant of each pole, slowest first."""
        modes = []
        for pole in self.poles():
            size = abs(pole)
            ratio = -pole.real / size if size > 0.0 else np.nan
            constant = -1.0 / pole.real if pole.real != 0.0 else np.inf
            modes.append(Mode(complex(pole), float(size), float(ratio), float(constant)))
        return tuple(modes)

    def dc_gain(self) -> Vector:
        """Return the static gain (ny, nu); infinite or NaN where the plant integrates."""
        try:
            return self.D - self.C @ np.linalg.solve(self.A, self.B)
        except np.linalg.LinAlgError:
            return np.full_like(self.D, np.nan)

    def to_control(self, *, discrete: bool = False) -> Any:
        """Return a named ``control.StateSpace``, continuous or with the zero-order-hold pair.

        Args:
            discrete: Whether to hand over the zero-order-hold pair, with its dt.

        Raises:
            ImportError: If python-control is not installed; names the extra.
        """
        control = import_extra(
            "control", f"to_control() needs python-control: {install_line('control')}"
        )
        a, b = (self.Ad, self.Bd) if discrete else (self.A, self.B)
        return control.ss(
            a,
            b,
            self.C,
            self.D,
            self.dt if discrete else 0,
            states=list(self.state_names),
            inputs=list(self.input_names),
            outputs=list(self.output_names),
        )


def linearize(
    env: Any,
    x0: OperatingPoint | Mapping[str, float] | ArrayLike | None = None,
    u0: Mapping[str, float] | ArrayLike | None = None,
) -> LinearModel:
    """Linearise the nominal plant about a point, by central differences of its derivative.

    Args:
        env: An env or its nominal model.
        x0: State of the point, SI, by name (others zero) or (nx,); or an
            :class:`OperatingPoint`, which brings its input; None is zero.
        u0: Input of the point, SI, by name (others zero) or (nu,); None is zero, or the
            operating point's.

    Raises:
        ValueError: For unknown names, wrong lengths, or a derivative that is not finite there.
    """
    plant = Plant(env)
    if isinstance(x0, OperatingPoint):
        u0 = x0.u if u0 is None else u0
        x0 = x0.x
    x = named_vector(plant.states, x0, "state")
    u = named_vector(plant.inputs, u0, "input")
    a, b, c, d = _jacobians(plant, x, u)
    for name, matrix in (("derivative", np.hstack([a, b])), ("output", np.hstack([c, d]))):
        if not np.isfinite(matrix).all():
            raise ValueError(f"the plant's {name} is not finite around x={x!r}, u={u!r}")
    discrete_a, discrete_b = zero_order_hold(a, b, plant.dt)
    states, inputs, outputs = plant.names
    return LinearModel(
        A=a,
        B=b,
        C=c,
        D=d,
        Ad=discrete_a,
        Bd=discrete_b,
        dt=plant.dt,
        state_names=states,
        input_names=inputs,
        output_names=outputs,
        point=plant.point(x, u),
        drift=plant.derivative(x, u),
    )
