"""Least squares of a drive's log: the machine run under the logged voltages against what was logged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.identification.balances import Balance, start_of
from gym_suite.motors.identification.logs import Log
from gym_suite.motors.machines import Machine
from gym_suite.motors.machines.base import MOST_SUBSTEPS
from gym_suite.motors.parameters import PolynomialStatic
from gym_suite.motors.simulation import replay

Array = NDArray[np.float64]

QUANTILE = 1.959964  # of a normal distribution, for intervals at 95 %
#: Part of the decay or the turn in one Runge-Kutta step of a replay: it errs then by less than 1e-5 of either.
STEP = 0.2
#: Part of the squares below which a step is the last one.
SETTLED = 1e-7
#: Part of a signal's size to which a noiseless log is explained.
FLOOR = 1e-7
#: Natural logarithm of a number (SI), either way, beyond which it is none of a machine's.
LARGEST = 200.0
#: Runge-Kutta steps that a fit may take: for a log, and for each of its rows. A log that shows a machine takes some
#: hundred for each row times those between two rows; one that does not may lead a search on and on.
MOST_STEPS, MOST_STEPS_OF_A_ROW = 10_000_000, 10_000
#: Parts of the log over which predictions run while a fit of a shaft is coarse.
HORIZONS = (0.02, 0.1)
#: What is found of a shaft: inertia (kg m^2) with all that it carries, Coulomb (N m) and viscous (N m s) friction.
SHAFT = ("j_total", "a", "b")


@dataclass(slots=True)
class Fit:
    """A least-squares fit under way: numbers on scales on which steps are of one size.

    Machine numbers and inertia are on logarithmic scales, friction in parts of a typical torque. The state of the first
    row is fitted too: what no column measures, such as a rotor's flux, in parts of a typical flux, what was measured by
    its difference from that in parts of the signals' size.

    Attributes:
        log: What is fitted.
        base: Where what is not fitted comes from.
        balance: The kind's equations.
        names: Of the numbers that are fitted.
        start: Their values on their scales, then the hidden and the measured states of the first row.
        driven: Whether something else turns the shaft.
        substeps: Runge-Kutta steps between two rows.
        torque: Typical torque, N m.
        weights: Signal to 1 over what of it stays unexplained.
        held: Numbers that are known.
        every: Rows after which predictions begin anew from what was measured; 0: never.
        measured: Name to array of what predictions begin anew from.
        spent: Runge-Kutta steps that it has taken.
    """

    log: Log
    base: Machine
    balance: Balance
    names: tuple[str, ...]
    start: Array
    driven: bool
    substeps: int
    torque: float
    weights: dict[str, float]
    held: dict[str, float]
    every: int = 0
    measured: Mapping[str, Array] | None = None
    spent: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether it has taken all the Runge-Kutta steps that it may: what was found need not be the least squares."""
        return self.spent > MOST_STEPS + MOST_STEPS_OF_A_ROW * len(self.log.t)

    @property
    def signals(self) -> dict[str, Array]:
        """What the log says of each signal that is fitted."""
        own = dict(self.log.currents)
        return own if self.driven else {**own, "omega": self.log.omega}

    def scale(self, name: str) -> float:
        """Return what a number of friction is counted in: of a torque, per speed."""
        return self.torque if name == "a" else self.torque / float(np.abs(self.log.omega).max())

    def numbers(self, at: Array) -> dict[str, float]:
        """Return the numbers at a point, fitted and known.

        Raises:
            ValueError: If one is beyond any machine's.
        """
        found = dict(self.held)
        for name, value in zip(self.names, at, strict=False):
            if name in ("a", "b"):
                found[name] = value * self.scale(name)
            elif abs(value) <= LARGEST:
                found[name] = math.exp(value)
            else:
                raise ValueError(f"{name} = exp({value:.4g}) is beyond any machine's")
        return found

    def build(self, at: Array) -> tuple[Machine, PolynomialStatic]:
        """Return machine and load at a point.

        Raises:
            ValueError: If no machine has these numbers.
        """
        numbers = self.numbers(at)
        load = PolynomialStatic(
            a=max(numbers.pop("a", 0.0), 0.0), b=max(numbers.pop("b", 0.0), 0.0), j_load=0.0
        )
        if "j_total" in numbers:
            numbers["j_rotor"] = numbers.pop("j_total")
        return self.balance.build(self.base, numbers), load

    @property
    def machine(self) -> Machine:
        """The machine that was found."""
        return self.build(self.start)[0]

    @property
    def load(self) -> PolynomialStatic:
        """The friction that was found."""
        return self.build(self.start)[1]

    def predicted(self, at: Array) -> dict[str, Array]:
        """Return what the model says of each signal."""
        machine, load = self.build(at)
        hidden = hidden_of(machine)
        own, beside = np.split(at[len(self.names) :], [len(hidden)])
        sizes = _sizes(self.signals)
        first = dict(zip(hidden, own * flux_of(self.log), strict=True))
        first |= {"omega": self.log.omega[0]}
        for part, (name, values) in zip(beside, self.signals.items(), strict=True):
            first[name] = values[0] + part * sizes[name]
        self.spent += self.substeps * len(self.log.t)
        return replay(
            machine,
            load,
            first,
            self.log.t,
            self.log.voltages,
            speeds=self.log.omega if self.driven else None,
            substeps=self.substeps,
            measured=self.measured,
            every=self.every,
        )

    def residual(self, at: Array) -> Array:
        """Return the weighted differences, (signals, n); None of them finite where there is no such machine."""
        try:
            told = self.predicted(at)
        except ValueError:
            return np.full((len(self.signals), len(self.log.t)), np.inf)
        with np.errstate(all="ignore"):  # of numbers far off, a prediction may grow without bounds
            rows = np.array(
                [
                    (told[name] - values) * self.weights[name]
                    for name, values in self.signals.items()
                ]
            )
            usable = math.isfinite(float((rows**2).sum()))
        return rows if usable else np.full_like(rows, np.inf)

    def cost(self) -> float:
        """Return the sum of the squared residuals."""
        return float((self.residual(self.start) ** 2).sum())

    def slopes(self, at: Array) -> Array:
        """Return the derivatives of the residual, (numbers, signals, n), by central differences."""
        rows = []
        for k in range(len(at)):
            step = np.zeros(len(at))
            friction = k < len(self.names) and self.names[k] in ("a", "b")
            step[k] = 1e-3 if friction else 1e-5  # Coulomb friction is smooth in the large alone
            high, low = at + step, at - step
            if friction:
                low[k] = max(low[k], 0.0)
            width = high[k] - low[k]
            with np.errstate(invalid="ignore"):
                rows.append((self.residual(high) - self.residual(low)) / width)
        return np.array(rows)

    def step(self, at: Array, square: Array, product: Array) -> Array:
        """Return the point that a step downhill leads to; friction that would fall below zero stays there.

        Args:
            at: Where it begins.
            square: The damped products of the slopes.
            product: The slopes times the residual.
        """
        friction = np.array([name in ("a", "b") for name in self.names], bool)
        bounded = np.concatenate([friction, np.zeros(len(at) - len(friction), bool)])
        moving = np.ones(len(at), bool)
        while True:
            own = np.flatnonzero(moving)
            step = np.zeros(len(at))
            step[own] = np.linalg.lstsq(square[own][:, own], -product[own], rcond=None)[0]
            below = bounded & moving & (at + step < 0.0)
            stuck = below & (at <= 0.0)
            if not stuck.any():
                return np.where(bounded, np.maximum(at + step, 0.0), at + step)
            moving &= ~stuck

    def improve(self, rounds: int = 40) -> None:
        """Move to the least squares by Levenberg and Marquardt's steps."""
        at, damping = self.start, 1e-3
        residual = self.residual(at)
        cost = float((residual**2).sum())
        for _ in range(rounds):
            if self.exhausted:
                break
            slopes = self.slopes(at).reshape(len(at), -1)
            with np.errstate(all="ignore"):  # where there is no such machine, nothing is finite
                square, product = slopes @ slopes.T, slopes @ residual.ravel()
                most = 1e8 * (np.abs(square).sum() + np.abs(product).sum())
            moved = False
            while damping < 1e8 and math.isfinite(most):
                damped = square + damping * np.diag(np.diag(square) + 1e-12 * np.trace(square))
                trial = self.step(at, damped, product)
                tried = self.residual(trial)
                left = float((tried**2).sum())
                if left < cost:
                    moved = cost - left > SETTLED * cost
                    at, residual, cost, damping = trial, tried, left, max(damping / 10.0, 1e-12)
                    break
                damping *= 10.0
            if not moved:
                break
        self.start = at

    def settle(self) -> None:
        """Fit, each signal weighted by what of it stays unexplained, until that changes little.

        Raises:
            ValueError: If its predictions grow without bounds.
        """
        self.check_bounded()
        for _ in range(6):
            self.improve()
            before = dict(self.weights)
            for name, rms in self.unexplained().items():
                self.weights[name] = 1.0 / max(rms, FLOOR * _sizes(self.signals)[name])
            if all(abs(before[n] / self.weights[n] - 1.0) < 0.02 for n in before):
                break

    def check_bounded(self) -> None:
        """Refuse a machine whose predictions grow without bounds.

        Raises:
            ValueError: Naming the kind and the log.
        """
        if not math.isfinite(self.cost()):
            raise _no_machine(self.log, self.base)

    def check_settled(self) -> None:
        """Refuse a fit that was given up before it was that of the least squares.

        Raises:
            ValueError: Saying what would be quicker.
        """
        if self.exhausted:
            raise ValueError(
                f"the fit of {self.log.name} has not settled within {self.spent:.2g} Runge-Kutta steps, "
                f"{self.substeps} between two rows; give fewer rows, or more of them in the time, or say what "
                "is known"
            )

    def left(self) -> dict[str, Array]:
        """Return what of each signal stays unexplained, by row."""
        told = self.predicted(self.start)
        return {name: values - told[name] for name, values in self.signals.items()}

    def unexplained(self) -> dict[str, float]:
        """Return what of each signal stays unexplained, rms."""
        own = len(self.start) / len(self.signals)
        free = max(len(self.log.t) - own, 1.0)
        return {
            name: math.sqrt(float((values**2).sum()) / free) for name, values in self.left().items()
        }

    def own_slopes(self) -> Array:
        """Return the derivatives by the numbers, what the first row's state would explain taken out, (numbers, -1).

        Raises:
            ValueError: If beside what was found there is no such machine.
        """
        slopes = self.slopes(self.start).reshape(len(self.start), -1)
        if not np.isfinite(slopes).all():
            raise _no_machine(self.log, self.base)
        own, first = slopes[: len(self.names)], slopes[len(self.names) :]
        return own - own @ np.linalg.pinv(first) @ first

    def values(self) -> dict[str, tuple[float, float, float]]:
        """Return estimate, lowest and highest of each number."""
        slopes = self.own_slopes()
        inverse = np.linalg.inv(slopes @ slopes.T)
        residual = self.residual(self.start)
        scores = slopes.reshape(len(self.names), *residual.shape) * residual
        scores = scores.sum(axis=1)
        covariance = inverse @ long_run(scores, memory_of(residual)) @ inverse
        spread = np.sqrt(np.maximum(np.diag(covariance), np.diag(inverse)))
        found = {}
        for k, name in enumerate(self.names):
            value, width = float(self.start[k]), QUANTILE * float(spread[k])
            if name in ("a", "b"):
                unit = self.scale(name)
                found[name] = (value * unit, max(value - width, 0.0) * unit, (value + width) * unit)
            else:
                low, high = math.exp(value - width), math.exp(min(value + width, 700.0))
                found[name] = (math.exp(value), low, high)
        return found


def _sizes(signals: Mapping[str, Array]) -> dict[str, float]:
    return {name: float(np.abs(values).max()) or 1.0 for name, values in signals.items()}


def memory_of(residual: Array) -> int:
    """Return over how many rows what stays unexplained is like itself, at least Newey and West's rule."""
    n = residual.shape[1]
    most = max(n // 10, 1)
    longest = 0
    for row in residual:
        centred = row - row.mean()
        power = float(centred @ centred)
        if power <= 0.0:
            continue
        size = 1 << (2 * n - 1).bit_length()
        spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
        correlation = np.fft.irfft(spectrum, size)[:most] / power
        alike = np.flatnonzero(correlation < max(0.1, 2.0 / math.sqrt(n)))
        longest = max(longest, int(alike[0]) if len(alike) else most)
    return min(most, max(2 * longest, int(4.0 * (n / 100.0) ** (2.0 / 9.0))))


def long_run(scores: Array, memory: int) -> Array:
    """Return the covariance of the sum of scores (numbers, n) whose neighbours are alike (Newey and West 1987)."""
    total = scores @ scores.T
    for lag in range(1, memory + 1):
        part = scores[:, lag:] @ scores[:, :-lag].T
        total += (1.0 - lag / (memory + 1.0)) * (part + part.T)
    return total


def fit_log(
    log: Log, base: Machine, balance: Balance, held: Mapping[str, float], driven: bool
) -> Fit:
    """Return the fit of a log: of the circuit at the logged speed first, then of all that can be found."""
    circuit = {k: v for k, v in held.items() if k in balance.names}
    names = tuple(name for name in balance.names if name not in held)
    fits = []
    for numbers in start_of(balance, log, base):
        numbers |= circuit
        try:
            machine = balance.build(base, numbers)
            steps = substeps_of(log, machine, moving=False)
            hidden = first_row(log, machine, PolynomialStatic(), steps, driven=True)
        except ValueError:
            continue
        point = [math.log(numbers[n]) for n in names]
        point += [hidden[name] / flux_of(log) for name in hidden_of(machine)]
        point = np.array([*point, *np.zeros(len(log.currents))])
        weights = {name: 1.0 / size for name, size in _sizes(log.currents).items()}
        fits.append(Fit(log, base, balance, names, point, True, steps, 1.0, weights, circuit))
    if not fits:
        raise _no_machine(log, base)
    fits.sort(key=Fit.cost)
    best = fits[0]
    best.check_bounded()
    best.improve()
    if driven:
        best.settle()
        return best
    return _with_shaft(best, held)


def hidden_of(machine: Machine) -> tuple[str, ...]:
    """Return the states of a machine that no column of a log measures."""
    return tuple(name for name in machine.states if not name.startswith("i"))


def flux_of(log: Log) -> float:
    """Return a typical flux, Vs: the span of the integrated voltages."""
    integrals = np.cumsum(log.voltages[:-1] * np.diff(log.t)[:, None], axis=0)
    return float(np.ptp(integrals, axis=0).max()) or 1.0


def first_row(
    log: Log, machine: Machine, load: PolynomialStatic, substeps: int, *, driven: bool
) -> dict[str, float]:
    """Return the state of a log's first row: as measured, and what no column measures as it explains the log best.

    At the logged speed currents are linear in it, so there a search begins also where the shaft turns freely.

    Args:
        log: The log.
        machine: The machine.
        load: What its shaft carries.
        substeps: Runge-Kutta steps between two rows.
        driven: Whether something else turns the shaft.

    Raises:
        ValueError: If its predictions grow without bounds.
    """
    from scipy.optimize import least_squares

    signals = {**log.currents, "omega": log.omega}
    sizes = _sizes(signals)
    first = {name: float(values[0]) for name, values in signals.items()}
    hidden = hidden_of(machine)
    if not hidden:
        return first
    flux = flux_of(log)

    def state(at: Array) -> dict[str, float]:
        return {
            **first,
            **{name: float(part) * flux for name, part in zip(hidden, at, strict=True)},
        }

    def residual(at: Array, speeds: Array | None) -> Array:
        told = replay(
            machine, load, state(at), log.t, log.voltages, speeds=speeds, substeps=substeps
        )
        return np.concatenate([(told[n] - values) / sizes[n] for n, values in signals.items()])

    at = np.zeros(len(hidden))
    for speeds in (log.omega,) if driven else (log.omega, None):
        at = least_squares(residual, at, args=(speeds,)).x
    return state(at)


def _no_machine(log: Log, base: Machine) -> ValueError:
    return ValueError(f"no {type(base).__name__} explains {log.name}: check its units and the kind")


def _with_shaft(fit: Fit, held: Mapping[str, float]) -> Fit:
    """Return the fit of machine and shaft together, begun from a fit of the machine at the logged speed."""
    log = fit.log
    told = fit.predicted(fit.start)
    torque = told["torque"]
    typical = float(np.sqrt(np.mean(torque**2))) or 1.0
    machine = fit.machine
    start = _shaft_start(log, torque, machine.j_rotor)
    own = tuple(name for name in SHAFT if name not in held)
    whole = replace(
        fit,
        names=(*fit.names, *own),
        driven=False,
        substeps=substeps_of(log, machine, moving=True),
        torque=typical,
        held={**fit.held, **{name: held[name] for name in SHAFT if name in held}},
        weights={**fit.weights, "omega": 1.0 / float(np.abs(log.omega).max())},
    )
    shaft = [start[n] / whole.scale(n) if n in ("a", "b") else math.log(start[n]) for n in own]
    circuit, first = np.split(fit.start, [len(fit.names)])
    whole.start = np.array([*circuit, *shaft, *first, 0.0])
    # A long prediction leads to the right numbers only from near them, a short one from far.
    whole.measured = {**told, **log.currents, "omega": log.omega}
    for part in HORIZONS:
        whole.every = max(int(part * len(log.t)), 2)
        whole.improve()
    whole.every = 0
    whole.settle()
    return whole


def _shaft_start(log: Log, torque: Array, inertia: float) -> dict[str, float]:
    """Return inertia and friction of the integrated equation of motion, in which they are linear."""
    from scipy.optimize import nnls

    terms = [np.gradient(log.omega), np.sign(log.omega) * _steps(log), log.omega * _steps(log)]
    sums = np.array([np.cumsum(term) for term in [*terms, torque * _steps(log)]])
    size = np.abs(sums[:3]).max(axis=1)
    size[size == 0.0] = 1.0
    found = nnls((sums[:3] / size[:, None]).T, sums[3])[0] / size
    swing = float(np.ptp(log.omega))
    least = 1e-3 * float(np.abs(sums[3]).max()) / swing
    inertia = max(float(found[0]), least) or inertia  # where no torque says one
    return {"j_total": inertia, "a": float(found[1]), "b": float(found[2])}


def _steps(log: Log) -> Array:
    return np.gradient(log.t)


def substeps_of(log: Log, machine: Machine, *, moving: bool) -> int:
    """Return the Runge-Kutta steps between two rows that follow a machine.

    Raises:
        ValueError: If they were too many: the log is too coarse for the machine's currents.
    """
    speed = machine.pairs * float(np.abs(log.omega).max())
    rate = max(*machine.decays(), speed, 1.0 / PolynomialStatic().tau_decay if moving else 0.0)
    needed = math.ceil(rate * float(np.diff(log.t).max()) / STEP)
    if needed > MOST_SUBSTEPS:
        raise ValueError(f"{log.name} is too coarse for currents that decay at {rate:.3g} 1/s")
    return max(needed, 1)
