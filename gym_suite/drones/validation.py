"""Judged by reality: recorded flights replayed through the engines, with prediction error against horizon.

``gym-suite validate drones`` prints what is computed here, and ``--page`` writes `docs/validation/drones.md` from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps as as_text
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones import parameters as pm
from gym_suite.drones import replay
from gym_suite.drones.logs import FULL_WIDTH, STANDARD_GRAVITY, Log, is_flight, read_log
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places
Array = NDArray[np.float64]

#: Excerpts of recorded flights that the package brings; THIRD_PARTY.md names their origin and licence.
MEASUREMENTS = Path(__file__).with_name("measurements")
#: s: windows begin so long after the start, every so often, and last so long before the end.
FIRST, EVERY, LAST = 3.0, 0.1, 3.6
#: s, horizons at which predictions are judged.
HORIZONS = (0.1, 0.5)
#: The constant thrust to beat, in standard gravity, and its drag, 1/s.
CONSTANT_THRUST, CONSTANT_DRAG = 1.004, 0.47


@dataclass(frozen=True, slots=True)
class Score:
    """Mean errors of one way of predicting one flight.

    Attributes:
        file: Name of the log.
        predictor: How it was predicted.
        position: Mean distance, m, at each of :data:`HORIZONS`.
        velocity: Mean difference of velocity, m/s, at each of them.
    """

    file: str
    predictor: str
    position: tuple[float, ...]
    velocity: tuple[float, ...]


def windows(
    log: Log, first: float = FIRST, last: float | None = None
) -> tuple[NDArray[np.int64], int]:
    """Return the samples at which windows begin and how many samples the longest horizon takes.

    Args:
        log: The flight.
        first: Time of the first window, s.
        last: Time after which none begins, s; by default :data:`LAST` before the end.
    """
    step = float(np.median(np.diff(log.t)))
    begins = np.arange(first, (log.t[-1] - LAST if last is None else last) + 1e-9, EVERY)
    steps = round(max(HORIZONS) / step)
    starts = np.searchsorted(log.t, begins - 1e-6)
    return starts[starts + steps < len(log.t)], steps


def judge(log: Log, predictor: str, predicted: Array, starts: NDArray[np.int64]) -> Score:
    """Return the mean errors of predictions, (windows, steps, 6)."""
    step = float(np.median(np.diff(log.t)))
    position, velocity = [], []
    for horizon in HORIZONS:
        h = round(horizon / step)
        at = starts + h
        error = predicted[:, h - 1]
        position.append(float(np.linalg.norm(error[:, :3] - log.position[at], axis=1).mean()))
        velocity.append(float(np.linalg.norm(error[:, 3:] - log.velocity[at], axis=1).mean()))
    return Score(log.name, predictor, tuple(position), tuple(velocity))


def constant_velocity(log: Log, starts: NDArray[np.int64], steps: int) -> Array:
    """Return predictions of a body on which nothing acts."""
    later = log.t[starts[:, None] + np.arange(1, steps + 1)] - log.t[starts, None]
    out = np.empty((len(starts), steps, 6))
    out[..., :3] = log.position[starts, None] + later[..., None] * log.velocity[starts, None]
    out[..., 3:] = log.velocity[starts, None]
    return out


def scores(log: Log, engines: Sequence[str] = ("compiled",)) -> list[Score]:
    """Return how well a flight is predicted: by the measured model in each engine, then by what is to be beaten.

    The last but one is the model without anything observed from the flight's past: with the scale of five flights.

    Raises:
        ValueError: For a log that is too short for a window, or has no flight before the last of them.
    """
    starts, steps = windows(log)
    if not len(starts):
        raise ValueError(f"{log.name} has no window: it lasts {log.t[-1]:.3g} s")
    if not replay.airborne(log)[: starts[-1]].any():
        raise ValueError(replay.never_flies(log))
    measured = replay.understand(log)
    blind = replay.understand(log, observed=False)
    constant = replay.constant_thrust(log, CONSTANT_THRUST, CONSTANT_DRAG)
    told = [
        (f"measured, {engine}", replay.predict(log, measured, starts, steps, engine=engine))
        for engine in engines
    ]
    told += [
        ("constant velocity", constant_velocity(log, starts, steps)),
        ("constant thrust", replay.predict(log, constant, starts, steps)),
        (
            "constant thrust, observed tilt",
            _tilted_constant(log, measured, constant, starts, steps),
        ),
        ("measured, nothing observed", replay.predict(log, blind, starts, steps)),
    ]
    return [judge(log, name, predicted, starts) for name, predicted in told]


def _tilted_constant(
    log: Log,
    measured: replay.Inputs,
    constant: replay.Inputs,
    starts: NDArray[np.int64],
    steps: int,
) -> Array:
    """Return the constant thrust along the direction that is observed for the measured model."""
    believed = constant.believed.copy()
    believed[:, :2] = measured.believed[:, :2]
    inputs = replay.Inputs(constant.row, constant.commands, constant.rotors, believed)
    return replay.predict(log, inputs, starts, steps)


def thrust_scale(logs: Sequence[Log]) -> float:
    """Return the thrust over the model's that carries flights: the mean of what is observed at their windows."""
    means = []
    for log in logs:
        starts, _ = windows(log)
        means.append(replay.understand(log).believed[starts, 2].mean())
    return float(np.mean(means))


def files_of(folder: str | Path | None = None) -> tuple[list[Path], list[Path]]:
    """Return the logs of flights in a folder and its other tables: files .csv and .csv.gz in the order of their names.

    Args:
        folder: The folder; None for the excerpts that the package brings.

    Raises:
        ValueError: For a folder that is none or holds no log.
    """
    place = MEASUREMENTS / "flights" if folder is None else Path(folder)
    if not place.is_dir():
        raise ValueError(f"{place} is no folder of logs")
    files = sorted([*place.glob("*.csv"), *place.glob("*.csv.gz")])
    if not files:
        raise ValueError(f"{place} holds no log: no file .csv or .csv.gz")
    logs = [file for file in files if is_flight(file)]
    # Where no file means to be a log, the first says what it lacks.
    return (logs, [file for file in files if file not in logs]) if logs else (files, [])


def read_flights(folder: str | Path | None = None) -> list[Log]:
    """Return the flights of a folder.

    Args:
        folder: As for :func:`files_of`.

    Raises:
        ValueError: As :func:`files_of`, and for a log that cannot be used.
    """
    return [read_log(file) for file in files_of(folder)[0]]


def validate(
    *,
    data: str | Path | None = None,
    json: str | Path | None = None,
    page: str | Path | None = None,
    engines: Sequence[str] | None = None,
) -> str:
    """Replay flights and return what came of it as Markdown.

    Args:
        data: Folder of logs; by default the excerpts that the package brings.
        json: File for the scores of the measured model: a list of objects with ``file``, ``p_0.1``, ``p_0.5``,
            ``v_0.1`` and ``v_0.5``, in m and m/s.
        page: File for a page with these scores, the thrust stand and the hovering flights.
        engines: "compiled", "bullet" or both; by default both where PyBullet is installed. The first counts.

    Raises:
        ValueError: For logs that cannot be used; says which and why.
    """
    logs = read_flights(data)
    chosen = _engines() if engines is None else tuple(engines)
    found = [scores(log, chosen) for log in logs]
    if json is not None:
        told = [as_record(flight[0]) for flight in found]
        Path(json).write_text(as_text(told, indent=1) + "\n", "utf-8")
    if page is not None:
        Path(page).write_text(page_of(found, excerpts=data is None), "utf-8")
    others = [file.name for file in files_of(data)[1]]
    left_out = (
        f"\n\nLeft out, for they are no logs of flights: {', '.join(others)}." if others else ""
    )
    return report(found) + left_out


def as_record(score: Score) -> dict[str, str | float]:
    """Return a score as plain data."""
    record: dict[str, str | float] = {"file": score.file}
    for kind, values in (("p", score.position), ("v", score.velocity)):
        record |= {f"{kind}_{h:g}": value for h, value in zip(HORIZONS, values, strict=True)}
    return record


def _engines() -> tuple[str, ...]:
    from importlib.util import find_spec

    return replay.ENGINES if find_spec("pybullet") else replay.ENGINES[:1]


def report(found: Sequence[Sequence[Score]]) -> str:
    """Return the scores of all flights as a Markdown text."""
    heads = [f"{kind} after {h:g} s" for kind in ("position", "velocity") for h in HORIZONS]
    lines = [f"| flight | prediction | {' | '.join(heads)} |", "|---|---|" + "---|" * len(heads)]
    for flight in found:
        for score in flight:
            numbers = [f"{v * 100:.2f} cm" for v in score.position]
            numbers += [f"{v * 100:.1f} cm/s" for v in score.velocity]
            lines.append(f"| {_short(score.file)} | {score.predictor} | {' | '.join(numbers)} |")
    lines += ["", _summary(found)]
    return "\n".join(lines)


def _summary(found: Sequence[Sequence[Score]]) -> str:
    """Return in a sentence how the measured model stands to the constant thrust."""
    ratios = []
    for flight in found:
        mark = next(score for score in flight if score.predictor == "constant thrust")
        model = flight[0]
        ratios.append(
            np.array(model.position + model.velocity) / np.array(mark.position + mark.velocity)
        )
    table = np.array(ratios)
    parts = [
        f"{name} after {h:g} s {table[:, k].mean():.2f} (worst flight {table[:, k].max():.2f})"
        for k, (name, h) in enumerate((n, h) for n in ("position", "velocity") for h in HORIZONS)
    ]
    return (
        "Error of the measured model over that of the constant thrust, mean over "
        f"{len(table)} flights: {', '.join(parts)}."
    )


def _short(file: str) -> str:
    return file.removesuffix(".gz").removesuffix(".csv")


# ------------------------------------------------------------------------------------------------- stand and hovering


def stand_errors() -> dict[str, tuple[float, float]]:
    """Return rms error of a rotor's thrust, N, and mean excess, on the thrust stand: by thrust constant."""
    rpm, grams = np.loadtxt(
        MEASUREMENTS / "thrust_stand.csv", delimiter=",", skiprows=1, usecols=(4, 1), unpack=True
    )
    measured = grams * 1e-3 * STANDARD_GRAVITY / 4.0
    errors = {}
    for name, constant in (
        ("measured", pm.MODELS["measured"].thrust_constant),
        ("peer", pm.VEHICLES["cf2x"].k_f),
    ):
        error = constant * rpm**2 - measured
        turning = measured > 0.0
        excess = float(np.mean(error[turning] / measured[turning]))
        errors[name] = (float(np.sqrt(np.mean(error**2))), excess)
    return errors


@dataclass(frozen=True, slots=True)
class Hover:
    """What the measured model says of a hovering flight.

    Attributes:
        file: Name of the log.
        weight: Mass that the stand's thrust would carry, kg: the scale is 1.
        drift: Weight in the second half of the hovering over the first's, less 1; the battery falls meanwhile.
        sag: Fall of the battery's voltage between them, V.
    """

    file: str
    weight: float
    drift: float
    sag: float


#: s of flight after take-off and before landing that are no hovering.
TAKE_OFF, LANDING = 2.0, 2.0


def hovers() -> list[Hover]:
    """Return what the measured model says of the hovering flights that the package brings."""
    found = []
    row = replay.physics_row({"mass": replay.MASS}, "measured")
    for path in sorted((MEASUREMENTS / "hover").glob("*.csv.gz")):
        table = np.loadtxt(path, delimiter=",", skiprows=1)
        t, width, voltage = table[:, 0], table[:, 1:5] / FULL_WIDTH, table[:, 5].copy()
        commands, rotors = np.empty_like(width), np.empty_like(width)
        replay.turn_motors(t, width, voltage, float(row[P.motor_lag]), commands, rotors)
        aloft = width.mean(axis=1) > replay.FLYING_WIDTH
        flying = np.array([aloft[(t > now - TAKE_OFF) & (t < now + LANDING)].all() for now in t])
        carried = (row[P.k_f] * rotors**2).sum(axis=1)[flying] / STANDARD_GRAVITY
        halves = [part.mean() for part in np.array_split(carried, 2)]
        volts = [part.mean() for part in np.array_split(voltage[flying], 2)]
        found.append(
            Hover(
                path.name,
                float(carried.mean()),
                float(halves[1] / halves[0] - 1.0),
                float(volts[0] - volts[1]),
            )
        )
    return found


def page_of(found: Sequence[Sequence[Score]], *, excerpts: bool) -> str:
    """Return the page on real flights: what was replayed, how, and what came of it.

    Args:
        found: Scores by flight.
        excerpts: Whether they are of the excerpts that the package brings.
    """
    stand, extent = stand_errors(), "the first 14 s of each" if excerpts else "whole flights"
    hovering = "\n".join(
        f"| {_short(h.file)} | {h.weight * 1e3:.1f} g | {h.drift * 100:+.1f} % | {h.sag * 1e3:.0f} mV |"
        for h in hovers()
    )
    return _PAGE.format(
        extent=extent,
        worse=sum(_blind_is_worse(flight) for flight in found),
        flights=len(found),
        table=report(found),
        scale=replay.THRUST_SCALE,
        mass=replay.MASS * 1e3,
        memory=replay.MEMORY,
        rms=stand["measured"][0] * 1e3,
        peer=stand["peer"][1] * 100,
        peer_rms=stand["peer"][0] * 1e3,
        hovering=hovering,
    )


def _blind_is_worse(flight: Sequence[Score]) -> bool:
    """Return whether the model that observes nothing of a flight errs more than the constant thrust at the end."""
    last = {score.predictor: score.velocity[-1] for score in flight}
    return last["measured, nothing observed"] > last["constant thrust"]


_PAGE = """# Quadcopters judged by real flights

*Written by `gym-suite validate drones --page`; the figures are computed, not typed.*

Flights of a Crazyflie 2.1 (NanoBench, motion capture, 100 Hz; {extent}) are replayed. Every 0.1 s, from 3 s after the
start to 3.6 s before the end, a window begins at the measured state. From there on the model is told the motors' pulse
widths, the battery's voltage and the body rates that the gyro measured, and predicts where the vehicle is and how fast.
Attitude is not judged and torques are not predicted: at 100 Hz in closed loop they cannot be told from these logs.

The model `"measured"` makes rotor speed of pulse width times smoothed voltage, thrust of rotor speed by the constant of
a thrust stand, with the rotors' lag and drag. One scale of the thrust, {scale:.3f} at {mass:.1f} g, was fitted on five
flights (circle, figure8, oval and star fast, trefoil medium). It says that the motors of these flights give less thrust
than the stand's at the same voltage, or carry more; which of the two cannot be told.

**What is observed from the flight itself, before each window and never after its start**: the tilt between the body
frame of the motion capture and the accelerometer while the vehicle rests, then tilt and size of the thrust over the
last {memory:.0f} s of flight. The motion capture's frame was set by hand and is off by up to 3 degrees; the thrust
differs by up to 4 % from battery to battery, which is more than what is asked of a model here. The row "measured,
nothing observed" shows the replay with the one scale alone, which after 0.5 s is worse than a constant thrust on
{worse} of {flights} flights. The row "constant thrust, observed tilt" shows how much of the gain is the tilt's.

{table}

"Constant thrust" is 1.004 g along the body's axis with a drag of 0.47/s, turned by the gyro.

## Thrust stand

On the 16 points of Bitcraze's thrust stand (2015) the measured thrust constant is off by {rms:.1f} mN rms a rotor. The
constant of gym-pybullet-drones, with which the sets `cf2x` and `cf2p` fly in the other models, is off by
{peer_rms:.1f} mN and over-predicts the thrust by {peer:.0f} % on average.

## Hovering

What the stand's thrust would carry in hovering flights of two other Crazyflies (CrazyPAD), by their motor commands and
voltage, and by how much that drifts from the first to the second half while the battery's voltage falls:

| flight | carried | drift | fall of the voltage |
|---|---|---|---|
{hovering}
"""
