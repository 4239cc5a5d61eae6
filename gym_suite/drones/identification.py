"""A vehicle's numbers from a log of its flight: thrust or mass, drag and rotor lag, with intervals.

In flight the specific force in the body, R'(dv/dt + g), is the thrust along z less the drag. With the thrust of the
model, its lag being one of a row of values, the other numbers are linear in it and found by least squares; the lag is
the one that leaves the least. Torques are not identified: in closed loop at a log's rate they cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number
from gym_suite.drones import parameters as pm
from gym_suite.drones import replay, validation
from gym_suite.drones.files import departures, write_file
from gym_suite.drones.logs import STANDARD_GRAVITY, Log, read_log
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.transforms import rotation, turn_back
from gym_suite.drones.vehicles import RPM

P = PHYSICS.places
Array = NDArray[np.float64]

#: s, rotor lags that are tried.
LAGS = np.arange(0.01, 0.2501, 0.01)
#: s, over which force and thrust are averaged alike, so that noise of differences is small and lags stay.
AVERAGE = 0.1
#: s, length of the blocks of which resampled flights are made: errors within them are not independent.
BLOCK = 1.0
RESAMPLED, LEVEL = 400, 0.95
#: Part of the flight that is fitted; the rest judges.
FITTED = 2.0 / 3.0
#: Blocks that a fit takes at least.
FEWEST = 6
#: Thrust over the model's that a fit may come to; a mass over the vehicle's that looks like grams.
SCALES, GRAMS = (0.2, 5.0), (300.0, 3000.0)


@dataclass(frozen=True, slots=True)
class Identified:
    """What a log says of a vehicle.

    Attributes:
        values: Name to (estimate, lowest, highest), the last two at 95 %: ``thrust_scale`` (over the model's thrust
            at the model's mass), ``mass`` (kg; with the model's thrust, or as given), ``drag_xy`` and ``drag_z`` (1/s),
            ``motor_lag`` (s).
        tilt: Of the thrust against the measured body frame, about x and y, rad.
        before: Errors of prediction over the last third of the flight with the model as it is.
        after: The same with what was identified from the first two thirds.
        vehicle: For ``vehicle=``: all numbers of the vehicle that the fit began with, as a named set and what differs
            from it, with the fitted ones over them.
        model: The same for ``model=``.
        log: Name of the log.
    """

    values: Mapping[str, tuple[float, float, float]]
    tilt: tuple[float, float]
    before: validation.Score
    after: validation.Score
    vehicle: Mapping[str, Any]
    model: Mapping[str, Any]
    log: str

    def save(self, path: str | Path) -> None:
        """Write the vehicle file that ``vehicle=`` and ``model=`` take."""
        write_file(path, str(self), vehicle=self.vehicle, model=self.model)

    def __str__(self) -> str:
        units = {"mass": " kg", "drag_xy": " 1/s", "drag_z": " 1/s", "motor_lag": " s"}
        lines = [f"Identified from {self.log}; intervals at {LEVEL:.0%}."]
        for name, (value, low, high) in self.values.items():
            lines.append(f"{name} = {value:.4g} [{low:.4g}, {high:.4g}]{units.get(name, '')}")
        for what, score in (("before", self.before), ("after", self.after)):
            lines.append(
                f"prediction after 0.5 s {what}: {score.position[-1]:.4f} m, {score.velocity[-1]:.4f} m/s"
            )
        return "\n".join(lines)


def identify(
    log: str | Path,
    *,
    mass: float | None = None,
    vehicle: object = None,
    model: object = "measured",
    seed: int = 0,
) -> Identified:
    """Return thrust or mass, drag and rotor lag that explain a log.

    Only the ratio of thrust to mass can be told from a flight. With a mass that was weighed the thrust constant
    follows; without one the mass, if the rotors push as the model says.

    Args:
        log: CSV file with the columns of :data:`gym_suite.drones.logs.COLUMNS`.
        mass: Mass of the vehicle with all that it carried, kg, where it is known.
        vehicle: What to begin with; by default a CF2X of 31.9 g.
        model: What to begin with.
        seed: Of the resampling that gives the intervals.

    Raises:
        ValueError: For a log that cannot be used, does not fly long enough or takes a thrust far from the model's, or a
            mass out of bounds.
    """
    flight = read_log(log)
    base = {"mass": replay.MASS} if vehicle is None else vehicle
    row = replay.physics_row(base, model)
    if mass is not None:
        mass = check_number("mass", mass, low=1e-3, high=1e3)
        if GRAMS[0] < mass / float(row[P.mass]) < GRAMS[1]:
            raise ValueError(
                f"mass = {mass:g} kg is {mass / float(row[P.mass]):.3g} times the {row[P.mass]:g} kg of the vehicle to "
                "begin with, which looks like grams; it is in kg"
            )
    tilt = replay.resting_tilt(flight)
    tables = _Tables.of(flight, row, tilt)
    train = tables.fitted()
    lag, fit = tables.solve(np.ones(len(train)), train)
    if not SCALES[0] <= fit[0] <= SCALES[1]:
        raise ValueError(
            f"{flight.name} would take {fit[0]:.3g} times the thrust of a vehicle of {row[P.mass]:g} kg with this "
            f"model; what is identified lies within {SCALES[0]:g} and {SCALES[1]:g} times. Units of the log, or the "
            "vehicle to begin with, are others than expected"
        )
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(RESAMPLED):
        weights = np.bincount(rng.integers(len(train), size=len(train)), minlength=len(train))
        drawn_lag, drawn = tables.solve(weights.astype(float), train)
        draws.append([*drawn, drawn_lag])
    spread = np.quantile(draws, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)

    def told(k: int) -> tuple[float, float, float]:
        value = float(np.append(fit, lag)[k])
        return value, float(min(spread[0, k], value)), float(max(spread[1, k], value))

    scale = told(0)
    own = float(row[P.mass])
    carried = (
        (mass, mass, mass) if mass is not None else (own / scale[0], own / scale[2], own / scale[1])
    )
    values = {
        "thrust_scale": scale,
        "mass": carried,
        "drag_xy": told(1),
        "drag_z": told(2),
        "motor_lag": told(5),
    }
    turning = tables.turning
    numbers = {
        "mass": carried[0],
        "k_f": float(row[P.k_f]) * scale[0] * carried[0] / own,
        "drag_xy": max(values["drag_xy"][0], 0.0) * carried[0] / turning,
        "drag_z": max(values["drag_z"][0], 0.0) * carried[0] / turning,
    }
    built, law = pm.build_vehicle(base), pm.build_model(model)
    if not pm.ratio_holds(built, law):  # the torque per thrust is the vehicle's own, and stays
        numbers["k_m"] = built.k_m * numbers["k_f"] / float(row[P.k_f])
    chosen = departures(built, pm.VEHICLES) | numbers
    laws = departures(law, pm.MODELS) | {"motor_lag": lag}
    sideways = (
        float(tilt[0] - fit[4] / STANDARD_GRAVITY),
        float(tilt[1] + fit[3] / STANDARD_GRAVITY),
    )
    return Identified(
        values=MappingProxyType(values),
        tilt=sideways,
        before=_judge(flight, base, model, tilt[:2], "before"),
        after=_judge(flight, chosen, laws, np.array(sideways), "after"),
        vehicle=MappingProxyType(chosen),
        model=MappingProxyType(laws),
        log=flight.name,
    )


def _judge(log: Log, vehicle: object, model: object, tilt: Array, what: str) -> validation.Score:
    """Return the errors of prediction over the part of a flight that was not fitted."""
    inputs = replay.understand(log, vehicle, model, scale=1.0, observed=False)
    inputs.believed[:, :2] = tilt
    begin, end = _judged(log)
    starts, steps = validation.windows(log, begin, end - max(validation.HORIZONS))
    if not len(starts):
        raise ValueError(f"{log.name} has too little flight after {begin:.3g} s to judge a fit")
    return validation.judge(log, what, replay.predict(log, inputs, starts, steps), starts)


def _judged(log: Log) -> tuple[float, float]:
    """Return between which times a flight judges what was fitted before them, s."""
    flown = log.t[replay.airborne(log)]
    if not len(flown):
        raise ValueError(replay.never_flies(log))
    return float(flown[0] + FITTED * (flown[-1] - flown[0])), float(flown[-1])


@dataclass(frozen=True, slots=True)
class _Tables:
    """Normal equations of each block of a flight at each lag.

    Attributes:
        square: (lags, blocks, 5, 5), products of the regressors: thrust, drag sideways, drag upwards, two tilts.
        product: (lags, blocks, 5), regressors times force.
        force: (blocks,), squared force.
        begins: Time at which each block begins, s.
        log: The flight.
        turning: Sum of the rotors' mean speeds, rad/s.
    """

    square: Array
    product: Array
    force: Array
    begins: Array
    log: Log
    turning: float

    @classmethod
    def of(cls, log: Log, row: Array, tilt: Array) -> _Tables:
        """Return the tables of a flight."""
        step = float(np.median(np.diff(log.t)))
        width = max(round(AVERAGE / step), 1)
        force, speed = _body_force(log, tilt)
        flying, until = replay.airborne(log), _judged(log)[0]
        per = max(round(BLOCK / step), width)
        begins = [k for k in range(0, len(log.t) - per, per) if flying[k : k + per].all()]
        fitted = [k for k in begins if log.t[k] + BLOCK <= until]
        if len(fitted) < FEWEST:
            raise ValueError(
                f"{log.name} has {len(fitted) * BLOCK:g} s of flight to fit; identification needs "
                f"{FEWEST * BLOCK / FITTED:g} s above {replay.AIRBORNE:g} m, or of running motors where the log begins "
                "in flight"
            )
        shape = (len(LAGS), len(begins))
        square, product = np.zeros((*shape, 5, 5)), np.zeros((*shape, 5))
        size = np.zeros(len(begins))
        rotors, commands = np.empty_like(log.width), np.empty_like(log.width)
        vx, vy, vz = (_averaged(speed[:, k], width) for k in range(3))
        fx, fy, fz = (_averaged(force[:, k], width) for k in range(3))
        one, zero = np.ones(len(log.t)), np.zeros(len(log.t))
        turning = 0.0
        for i, lag in enumerate(LAGS):
            replay.turn_motors(log.t, log.width, log.voltage, float(lag), commands, rotors)
            thrust = _averaged((row[P.k_f] * rotors**2).sum(axis=1) / row[P.mass], width)
            turning = float(rotors[flying].mean() * 4.0 * RPM)
            columns = np.array(
                [
                    [zero, -vx, zero, one, zero],
                    [zero, -vy, zero, zero, one],
                    [thrust, zero, -vz, zero, zero],
                ]
            )
            target = np.array([fx, fy, fz])
            for b, k in enumerate(begins):
                a, y = columns[..., k : k + per], target[:, k : k + per]
                square[i, b] = np.einsum("apk,aqk->pq", a, a)
                product[i, b] = np.einsum("apk,ak->p", a, y)
                size[b] = (y**2).sum()
        return cls(square, product, size, log.t[begins], log, turning)

    def fitted(self) -> NDArray[np.int64]:
        """Return the blocks that are fitted."""
        return np.flatnonzero(self.begins + BLOCK <= _judged(self.log)[0])

    def solve(self, weights: Array, blocks: NDArray[np.int64]) -> tuple[float, Array]:
        """Return lag and numbers that leave the least of the weighted blocks' force unexplained."""
        square = np.einsum("b,lbpq->lpq", weights, self.square[:, blocks])
        product = np.einsum("b,lbp->lp", weights, self.product[:, blocks])
        found = np.linalg.solve(square + 1e-12 * np.eye(5), product[..., None])[..., 0]
        left = -(product * found).sum(axis=1)
        k = int(np.argmin(left))
        lag = float(LAGS[k])
        if 0 < k < len(LAGS) - 1:  # between the values that were tried, by a parabola
            before, here, after = left[k - 1 : k + 2]
            bend = before - 2.0 * here + after
            lag += 0.5 * (before - after) / bend * (LAGS[1] - LAGS[0]) if bend > 0.0 else 0.0
        return lag, found[k]


def _averaged(values: Array, width: int) -> Array:
    """Return moving averages."""
    return np.convolve(values, np.ones(width) / width, mode="same")


def _body_force(log: Log, tilt: Array) -> tuple[Array, Array]:
    """Return specific force, m/s^2, and velocity, m/s, in the body, (n, 3) each."""
    slope = np.gradient(log.velocity, log.t, axis=0)
    slope[:, 2] += STANDARD_GRAVITY
    force, speed = np.empty_like(slope), np.empty_like(slope)
    for k in range(len(log.t)):
        q = replay.tilted(log.quaternion[k], *tilt)
        r = rotation(*q)
        force[k] = turn_back(r, *slope[k])
        speed[k] = turn_back(r, *log.velocity[k])
    return force, speed
