"""Laps through gates that are as fast as a vehicle's rotors can fly them, by sequential linear programming.

A lap is a closed uniform spline in the share of the lap, flown in a time. Free are its control points, the time, and
the shares at which it crosses the gates. What bounds it is what the rotors are commanded, which follows from the lap by
:mod:`gym_suite.drones.controllers.flatness`, and the openings. Each step solves the linear programme of least time
about the lap so far, within a trust region, and is kept where time and violation together fall (R. Fletcher and
E. Sainz de la Maza, Mathematical Programming 43 (1989) 235-256, doi:10.1007/BF01582292).

The laps of the tracks that ship, for the default vehicle, lie in ``laps.json``, written by::

    python -m gym_suite.drones.controllers.time_optimal
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones.columns import GATES
from gym_suite.drones.controllers.flatness import DERIVATIVES, Craft, flight
from gym_suite.drones.trajectories import COEFFICIENTS, Pieces, minimum_snap

G = GATES.places
Array = NDArray[np.float64]

FILE = Path(__file__).with_name("laps.json")
#: Degree of the splines, that of :class:`Pieces`: rotor commands, of which the fifth derivative is a part, are smooth.
DEGREE = COEFFICIENTS - 1
#: Knots of a lap for each gate; moments for each knot at which commands are kept within bounds.
KNOTS, MOMENTS = 7, 3
#: Cosine of the largest tilt; least height of a lap, m; cosine of the largest angle to its way at which a gate is met.
LEVEL, LOWEST, ALONG = 0.2, 0.3, 0.3
#: s of lap time that a violation by 1 outweighs: of commands over hovering speed, of places in m.
WORTH = 20.0
#: Most steps; trust region at first, at most, and at which the search ends; gain of a step with which it ends, s.
STEPS, TRUST, WIDEST, NARROWEST, GAIN = 80, 0.3, 0.3, 1e-3, 1e-4
#: Part of what a step promised that it has to keep, or it is corrected, and the trust region does not grow.
KEPT = 0.6
#: Violation with which a lap is taken, in the same units.
TAKEN = 1e-3
#: Moments for each gate at which a lap is looked at for frames in its way; part of the mean way from gate to gate,
#: about the crossing of a gate, within which it is that crossing.
SAMPLES, OWN = 400, 0.1
_STEP = 1e-30  # of slopes along the imaginary axis, which lose no digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a lap keeps to.

    Attributes:
        lowest: Least commands of the rotors, rpm, (rotors,).
        highest: Largest commands of the rotors, rpm, (rotors,).
        least: Speed, rpm, at which rotors that would turn slower are continued in a straight line.
        hover: Speed in which commands are weighed, rpm.
        clear: Distance that the drone's centre keeps from the edges of the openings, m.
    """

    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    least: float
    hover: float
    clear: float


@dataclass(frozen=True, slots=True)
class Lap:
    """A lap.

    Attributes:
        points: Control points of the spline, m, (knots, 3).
        time: s.
        shares: Shares of the lap at which the gates are crossed, (gates,).
    """

    points: Array
    time: float
    shares: Array

    @property
    def pieces(self) -> Pieces:
        """The lap as polynomials, one from knot to knot."""
        n = len(self.points)
        spans = np.full(n, self.time / n)
        begins = np.arange(n) / n
        coefficients = [
            basis(n, begins, k) @ self.points / self.time**k / math.factorial(k)
            for k in range(COEFFICIENTS)
        ]
        return Pieces(spans, np.stack(coefficients, axis=2))

    @property
    def crossings(self) -> Array:
        """Times at which the gates are crossed, s, (gates,)."""
        return self.shares % 1.0 * self.time


def basis(count: int, shares: Array, derivative: int = 0) -> Array:
    """Return the weights of the control points of a closed uniform spline, (n, count), at shares of it from 0 to 1."""
    from scipy.interpolate import BSpline

    knots = np.arange(-DEGREE, count + DEGREE + 1) / count
    wrapped = np.eye(count)[np.arange(count + DEGREE) % count]
    return BSpline(knots, wrapped, DEGREE)(shares % 1.0, nu=derivative)


class Problem:
    """The bounds of a lap as numbers that must not be above 0, and their slopes.

    The unknowns are the control points axis by axis, the time, and the shares of the crossings.

    Args:
        gates: Table of the gates.
        craft: The vehicle.
        bounds: What the lap keeps to.
    """

    def __init__(self, gates: Array, craft: Craft, bounds: Bounds) -> None:
        self.gates, self.craft, self.bounds = gates, craft, bounds
        self.knots = KNOTS * len(gates)
        self.size = 3 * self.knots + 1 + len(gates)
        moments = MOMENTS * self.knots
        shares = (np.arange(moments) + 0.5) / moments
        self._bases = [basis(self.knots, shares, k) for k in range(DERIVATIVES + 1)]
        #: How many of the values are rotors' commands above their bounds; they come first.
        self.commanded = len(bounds.lowest) * moments

    def moved(self, lap: Lap, step: Array) -> Lap:
        """Return a lap moved by a step of the unknowns."""
        end = 3 * self.knots
        points = lap.points + step[:end].reshape(3, self.knots).T
        return Lap(points, lap.time + float(step[end]), lap.shares + step[end + 1 :])

    def _derivatives(self, lap: Lap) -> Array:
        """Return the derivatives of the place at the moments, (5, 3, moments)."""
        return np.stack(
            [(b @ lap.points).T / lap.time**k for k, b in enumerate(self._bases) if k > 0]
        )

    def _flown(self, derivatives: Array) -> Array:
        """Return what commands and tilt are beyond their bounds, (2 rotors + 1, moments)."""
        flown, bounds = flight(self.craft, derivatives, self.bounds.least), self.bounds
        over = (flown.commands - np.array(bounds.highest)[:, None]) / bounds.hover
        under = (np.array(bounds.lowest)[:, None] - flown.commands) / bounds.hover
        return np.concatenate([over, under, LEVEL - flown.axes[2, 2:3]])

    def commands(self, lap: Lap) -> float:
        """Return by how much commands and tilt are beyond their bounds at most."""
        return float(self._flown(self._derivatives(lap)).max())

    def values(self, lap: Lap) -> Array:
        """Return all numbers that must not be above 0."""
        flown = self._flown(self._derivatives(lap)).ravel()
        low = LOWEST - self._bases[0] @ lap.points[:, 2]
        return np.concatenate([flown, low, *(values for values, _ in self._crossed(lap))])

    def slopes(self, lap: Lap) -> Array:
        """Return the slopes of :meth:`values` along the unknowns, (values, unknowns)."""
        derivatives = self._derivatives(lap)
        flown = np.zeros((2 * len(self.bounds.lowest) + 1, derivatives.shape[2], self.size))
        for k in range(DERIVATIVES):
            for c in range(3):
                aside = derivatives.astype(complex)
                aside[k, c] += 1j * _STEP
                slope = self._flown(aside).imag / _STEP
                flown += slope[:, :, None] * self._along(lap, k + 1, c)
        low = -self._along(lap, 0, 2)
        crossed = [slopes for _, slopes in self._crossed(lap)]
        return np.vstack([flown.reshape(-1, self.size), low, *crossed])

    def _along(self, lap: Lap, k: int, axis: int) -> Array:
        """Return the slopes of a derivative of a coordinate at the moments along the unknowns, (moments, unknowns)."""
        slopes = np.zeros((len(self._bases[k]), self.size))
        here = self._bases[k] / lap.time**k
        slopes[:, axis * self.knots : (axis + 1) * self.knots] = here
        slopes[:, 3 * self.knots] = -k / lap.time * (here @ lap.points[:, axis])
        return slopes

    def guarded(self, lap: Lap) -> Array:
        """Return the slopes of what may change by the trust region at most: accelerations over gravity."""
        return np.vstack([self._along(lap, 2, c) for c in range(3)]) / self.craft.gravity

    def _crossed(self, lap: Lap) -> list[tuple[Array, Array]]:
        """Return values and slopes of what crossings are bound to: the gate's plane, its opening, its direction."""
        gates, n, count = self.gates, self.knots, len(self.gates)
        places, ways, bends = (basis(n, lap.shares, k) for k in range(3))
        middle = gates[:, G.centre_x : G.centre_z + 1]
        x, y, none = gates[:, G.through_x], gates[:, G.through_y], np.zeros(count)
        rooms = [gates[:, at] - self.bounds.clear for at in (G.half_width, G.half_height)]
        result = []

        def row(directions: Array, weights: Array, slopes: Array) -> Array:
            made = np.zeros((count, self.size))
            for c in range(3):
                made[:, c * n : (c + 1) * n] = directions[c][:, None] * weights
            made[np.arange(count), 3 * n + 1 + np.arange(count)] = slopes
            return made

        through, aside, up = np.array([[x, y, none], [-y, x, none], [none, none, none + 1.0]])
        for directions, room in ((through, none), (aside, rooms[0]), (up, rooms[1])):
            value = (directions.T * (places @ lap.points - middle)).sum(axis=1)
            made = row(directions, places, (directions.T * (ways @ lap.points)).sum(axis=1))
            result += [(value - room, made), (-value - room, -made)]
        speed = np.linalg.norm(ways @ lap.points, axis=1)[:, None]
        unit = ways @ lap.points / speed
        met = (through.T * unit).sum(axis=1, keepdims=True)
        turned = (through.T - met * unit) / speed
        bent = (turned * (bends @ lap.points)).sum(axis=1)
        result.append((ALONG - met[:, 0], -row(turned.T, ways, bent)))
        return result


def first_lap(problem: Problem) -> Lap:
    """Return a lap of least snap through the middles of the gates, as slow as commands within bounds take.

    Raises:
        ValueError: If there is none however slow it is.
    """
    centres = problem.gates[:, G.centre_x : G.centre_z + 1]
    closed = np.vstack([centres, centres[:1]])
    distances = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    pieces = minimum_snap(closed, distances / distances.sum(), closed=True)
    n = problem.knots
    samples = np.arange(4 * n) / (4 * n)
    fitted = np.linalg.lstsq(basis(n, samples), pieces.at(samples), rcond=None)[0]
    points = fitted.astype(np.float64)
    shares = (np.cumsum(distances) - distances) / distances.sum()
    lap = Lap(points, float(distances.sum()), shares)

    def fits(time: float) -> bool:
        return problem.commands(replace(lap, time=time)) <= 0.0

    low, high = 1e-3, lap.time
    while not fits(high):
        low, high = high, 2.0 * high
        if high > 1e4 * lap.time:
            raise ValueError(
                "no lap fits the rotors' commands, however slow: within their bounds they cannot carry the vehicle"
            )
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if fits(middle) else (middle, high)
    return replace(lap, time=high)


def _step(problem: Problem, lap: Lap, values: Array, slopes: Array, trust: float) -> Array:
    """Return the step within the trust region, violation last, that promises most where values follow their slopes.

    Args:
        problem: The bounds.
        lap: Where the slopes were taken.
        values: Numbers that must not be above 0.
        slopes: Theirs along the unknowns.
        trust: By how much accelerations over gravity, commands over hovering speed and times over the lap's may change.

    Returns:
        The unknowns' changes and the largest violation that is left; nothing where no step is within the region.
    """
    from scipy.optimize import linprog

    end = 3 * problem.knots
    cost = np.zeros(problem.size + 1)
    cost[end], cost[-1] = 1.0, WORTH
    # Values far from 0 cannot be reached within the trust region.
    near = values > -(1.0 + 3.0 * trust)
    held = np.vstack([slopes[: problem.commanded], problem.guarded(lap)])
    held = np.hstack([held, np.zeros((len(held), 1))])
    limited = np.hstack([slopes[near], -np.ones((int(near.sum()), 1))])
    reach = np.full(problem.size, 0.5 * trust)
    reach[end], reach[end + 1 :] = trust * lap.time, 0.2 * trust
    found: Any = linprog(
        cost,
        A_ub=np.vstack([limited, held, -held]),
        b_ub=np.concatenate([-values[near], np.full(2 * len(held), trust)]),
        bounds=[*((-r, r) for r in reach), (0.0, None)],
        method="highs",
    )
    return found.x if found.success else np.zeros(0)


def fastest_lap(problem: Problem) -> Lap:
    """Return a lap of locally least time, by a sequence of linear programs within a trust region.

    The merit of a lap is its time and what its largest violation is worth. A step that keeps less than it promises,
    because values bend, is corrected to second order: the program is solved again with the values where it led to
    (R. Fletcher, Practical Methods of Optimization, 2nd ed., 1987, section 14.4).

    Raises:
        ValueError: If no lap within bounds was found; says by how much one is beyond them.
    """
    lap, trust = first_lap(problem), TRUST

    def merit(of: Lap, values: Array) -> float:
        return of.time + WORTH * max(float(values.max()), 0.0)

    values, slopes = problem.values(lap), problem.slopes(lap)
    for _ in range(STEPS):
        step = _step(problem, lap, values, slopes, trust)
        if not len(step):
            break
        here = merit(lap, values)
        promised = here - lap.time - float(step[3 * problem.knots]) - WORTH * float(step[-1])
        other = problem.moved(lap, step[:-1])
        others = problem.values(other)
        gained = here - merit(other, others)
        if gained < KEPT * promised:
            bent = others - slopes @ step[:-1]
            again = _step(problem, lap, bent, slopes, trust)
            if len(again):
                third = problem.moved(lap, again[:-1])
                thirds = problem.values(third)
                if here - merit(third, thirds) > gained:
                    other, others, gained = third, thirds, here - merit(third, thirds)
        if gained > 0.1 * promised:
            lap, values = other, others
            slopes = problem.slopes(lap)
            trust = min(1.5 * trust, WIDEST) if gained > KEPT * promised else trust
        else:
            trust *= 0.4
        if trust < NARROWEST or promised < GAIN:
            break
    if values.max() > TAKEN:
        raise ValueError(
            f"no lap was found within its bounds: the best is {values.max():.3g} m or hovering speeds beyond them"
        )
    return lap


def check_frames(lap: Lap, gates: Array, own: float) -> None:
    """Refuse a lap that strikes the frame of a gate which it does not pass just then.

    Args:
        lap: The lap.
        gates: Table of the gates.
        own: Distance that the drone's centre is to keep from frames, m.

    Raises:
        ValueError: If it does; names the gates.
    """
    t = np.linspace(0.0, lap.time, SAMPLES * len(gates) + 1)
    places = lap.pieces.at(t)
    for k, gate in enumerate(gates):
        x, y, z = (places - gate[G.centre_x : G.centre_z + 1]).T
        nx, ny = gate[G.through_x], gate[G.through_y]
        before = nx * x + ny * y < 0.0
        edge = gate[G.frame] + own
        near = np.abs(nx * y - ny * x) < gate[G.half_width] + edge
        near &= np.abs(z) < gate[G.half_height] + edge
        struck = np.flatnonzero((before[1:] != before[:-1]) & near[1:])
        apart = np.abs((t[struck] / lap.time - lap.shares[k] + 0.5) % 1.0 - 0.5)
        if (apart > OWN / len(gates)).any():
            raise ValueError(
                f"the fastest lap passes the frame of gate {k} on the way to another one; move the gate, or fly "
                "with agent 'racing'"
            )


def key_of(gates: Array, craft: Craft, bounds: Bounds) -> str:
    """Return what names a lap: a digest of all that it depends on, to nine digits."""
    numbers = [*gates.ravel(), craft.mass, craft.gravity, craft.lag, *craft.drag, *craft.inertia]
    numbers += [number for row in craft.effects for number in row]
    numbers += [*bounds.lowest, *bounds.highest, bounds.least, bounds.hover, bounds.clear]
    text = ",".join(f"{float(number):.9g}" for number in numbers)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """Return the laps that ship, by their keys, as plain data."""
    return json.loads(FILE.read_text("utf-8"))


@lru_cache(maxsize=32)
def _planned(gates: tuple[tuple[float, ...], ...], craft: Craft, bounds: Bounds) -> Lap:
    lap = fastest_lap(Problem(np.array(gates), craft, bounds))
    check_frames(lap, np.array(gates), bounds.clear)
    return lap


def lap_for(gates: Array, craft: Craft, bounds: Bounds) -> Lap:
    """Return the fastest lap: the one that ships, one that was planned before, or a new one, which takes seconds.

    Raises:
        ValueError: If there is none.
    """
    given = shipped().get(key_of(gates, craft, bounds))
    if given:
        return Lap(np.array(given["points"]), given["time"], np.array(given["shares"]))
    return _planned(tuple(map(tuple, gates.tolist())), craft, bounds)
