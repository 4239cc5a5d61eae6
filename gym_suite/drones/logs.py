"""Logs of real flights: a CSV file read into SI units, with what is wrong in it said plainly.

The columns are those of :data:`COLUMNS`; others are left alone. A file may be compressed (``.csv.gz``).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.tables import read_columns
from gym_suite.core.parameters import nearest

#: Columns of a log and what they hold.
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "t": "time, s",
        **{f"p{a}": f"position {a}, m" for a in "xyz"},
        **{f"q{a}": f"attitude, {a} part of the quaternion from body to world" for a in "xyzw"},
        **{f"v{a}": f"velocity {a}, m/s" for a in "xyz"},
        **{f"acc_{a}": f"specific force in the body along {a}, g" for a in "xyz"},
        **{f"gyro_{a}": f"body rate about {a}, rad/s" for a in "xyz"},
        **{f"m{k}": f"pulse width of motor {k}, 0 to 65535" for k in range(1, 5)},
        "vbat": "voltage of the battery, V",
    }
)
FULL_WIDTH = 65535.0
STANDARD_GRAVITY = 9.80665
#: A step of time so many times the usual one is a jump; dropped packets of a radio link are shorter.
MOST_SKIPPED = 20.0
#: Columns of another file that a message names at most.
MOST_SHOWN = 10
#: s, over which accelerations are averaged to compare them; their ratio from which on units differ; microseconds of a
#: servo's pulse at full speed.
AVERAGE, _FAST, SERVO = 0.2, 10.0, (900.0, 2500.0)
#: s, what a log lasts at least: a window of prediction between its beginning and its end.
SHORTEST = 7.2

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One flight in SI units; n samples, body x forward, y left, z up.

    Attributes:
        name: Name of the file.
        t: Time, s, (n,).
        position: m, (n, 3).
        quaternion: (x, y, z, w), body to world, (n, 4), of length 1.
        velocity: m/s, world, (n, 3).
        force: Specific force in the body, m/s^2, (n, 3).
        rate: Body rates, rad/s, (n, 3).
        width: Pulse widths of the motors, 0 to 1, (n, 4).
        voltage: Voltage of the battery, V, (n,).
    """

    name: str
    t: Array
    position: Array
    quaternion: Array
    velocity: Array
    force: Array
    rate: Array
    width: Array
    voltage: Array


def read_log(path: str | Path) -> Log:
    """Return the flight of a CSV file with the columns of :data:`COLUMNS`.

    Raises:
        ValueError: For a file that cannot be read, a missing column, what is no number, time that stands, runs back
            or jumps, wrong units, or a flight that is too short; says which, where, and what was expected.
    """
    name = Path(path)
    table, _ = read_columns(name, COLUMNS)
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise ValueError(_lacking(name.name, missing, table))
    groups = {
        "position": ("px", "py", "pz"),
        "quaternion": ("qx", "qy", "qz", "qw"),
        "velocity": ("vx", "vy", "vz"),
        "force": ("acc_x", "acc_y", "acc_z"),
        "rate": ("gyro_x", "gyro_y", "gyro_z"),
        "width": ("m1", "m2", "m3", "m4"),
    }
    values = {key: np.stack([table[c] for c in names], axis=1) for key, names in groups.items()}
    log = Log(name=name.name, t=table["t"], voltage=table["vbat"], **values)
    _check_time(log)
    length = np.linalg.norm(log.quaternion, axis=1)
    if np.abs(length - 1.0).max() > 0.02:
        row = int(np.abs(length - 1.0).argmax())
        raise ValueError(
            f"{log.name}: the quaternion in row {row} has length {length[row]:.3g}, not 1"
        )
    _check_units(log)
    values["quaternion"] = log.quaternion / length[:, None]
    values["force"] = log.force * STANDARD_GRAVITY
    values["width"] = log.width / FULL_WIDTH
    return Log(name=log.name, t=log.t - log.t[0], voltage=log.voltage, **values)


def _lacking(name: str, missing: Sequence[str], there: Iterable[str]) -> str:
    """Return the sentence about a file without some columns of a flight: which, what there is, what may be meant."""
    there = [column for column in there if column not in COLUMNS]
    found = {column: nearest(column, there) for column in missing}
    meant = [f"{other!r} may be meant for {column!r}" for column, other in found.items() if other]
    shown = ", ".join(there[:MOST_SHOWN]) + (", ..." if len(there) > MOST_SHOWN else "")
    about = "; ".join(meant) or (f"it has {shown} instead" if there else "it has no other")
    lacked = "every column" if len(missing) == len(COLUMNS) else ", ".join(missing)
    return f"{name} lacks {lacked} of a flight's log, which are {', '.join(COLUMNS)}; {about}"


def is_flight(path: Path) -> bool:
    """Return whether a file means to be a log of a flight: it has half of the columns, if perhaps not all.

    Args:
        path: A CSV file.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return True  # what it is reading it will tell
    known = {column.strip() for column in header} & set(COLUMNS)
    return 2 * len(known) >= len(COLUMNS)


def _check_time(log: Log) -> None:
    step = np.diff(log.t)
    if not len(step) or step.min() <= 0.0:
        row = int(step.argmin()) if len(step) else 0
        raise ValueError(
            f"{log.name}: time must grow; it goes from {log.t[row]:g} to {log.t[min(row + 1, len(log.t) - 1)]:g} "
            f"after row {row}"
        )
    usual = float(np.median(step))
    if usual >= 0.5:
        raise ValueError(
            f"{log.name}: t grows by {usual:g} a row, which looks like milliseconds; t is in s"
        )
    row = int(step.argmax())
    if step[row] > MOST_SKIPPED * usual:
        raise ValueError(
            f"{log.name}: the time stamps jump from {log.t[row]:g} s to {log.t[row + 1]:g} s after row {row}; "
            f"a row usually takes {usual:g} s. Cut the log there or fill the gap"
        )
    if log.t[-1] - log.t[0] < SHORTEST:
        raise ValueError(
            f"{log.name} lasts {log.t[-1] - log.t[0]:.3g} s; windows of prediction need {SHORTEST:g} s"
        )


def _check_units(log: Log) -> None:
    """Refuse what is plainly in other units than a log's, judged by the other columns."""
    turned = turn_rates(log.t, log.quaternion)
    _check_ratio(
        log, "gyro_x to gyro_z", log.rate, turned, "degrees per second", np.degrees(1.0), "rad/s"
    )
    moved = np.gradient(log.position, log.t, axis=0)
    if not np.ptp(log.velocity, axis=0).any() and np.ptp(log.position, axis=0).any():
        raise ValueError(f"{log.name}: vx to vz never change, while px to pz do")
    _check_ratio(log, "px to pz", moved, log.velocity, "millimetres", 1000.0, "m")
    _check_ratio(log, "vx to vz", log.velocity, moved, "millimetres a second", 1000.0, "m/s")
    force = float(np.median(np.linalg.norm(log.force, axis=1)))
    if not 0.3 < force < 3.0:
        guess = ", which looks like m/s^2" if 5.0 < force < 20.0 else ""
        raise ValueError(
            f"{log.name}: the median of acc_x to acc_z is {force:.3g} long{guess}; they are in g"
        )
    gained = _acceleration_scale(log)
    if gained > _FAST:
        raise ValueError(
            f"{log.name}: vx to vz change {gained:.3g} times as fast as the accelerometer says; px to vz look like "
            "millimetres, m and m/s are expected"
        )
    widest = float(log.width.max())
    if SERVO[0] <= widest <= SERVO[1]:
        raise ValueError(
            f"{log.name}: m1 to m4 go up to {widest:g}, which looks like microseconds of a servo's pulse; pulse widths "
            "go from 0 to 65535"
        )
    if log.width.min() < 0.0 or widest > FULL_WIDTH or (0.0 < widest <= 255.0):
        raise ValueError(
            f"{log.name}: m1 to m4 lie in [{log.width.min():g}, {widest:g}]; pulse widths go from 0 to 65535"
        )
    volts = float(np.median(log.voltage))
    if not 2.0 < volts < 30.0:
        guess = ", which looks like mV" if 2000.0 < volts < 30000.0 else ""
        raise ValueError(f"{log.name}: the median of vbat is {volts:.4g}{guess}; it is in V")


def _acceleration_scale(log: Log) -> float:
    """Return the factor by which the velocity's slope is what the accelerometer says, by least squares.

    dv/dt is compared with R f - g, both over :data:`AVERAGE`: about 1 in units of a log, or less where the
    accelerometer feels more vibration than motion.
    """
    x, y, z, w = log.quaternion.T
    body = log.force * STANDARD_GRAVITY
    r = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    felt = np.einsum("abn,nb->na", r, body) - [0.0, 0.0, STANDARD_GRAVITY]
    width = max(round(AVERAGE / float(np.median(np.diff(log.t)))), 1)
    # Means over some samples of the slope are differences over them.
    slope = (log.velocity[width:] - log.velocity[:-width]) / (log.t[width:] - log.t[:-width])[
        :, None
    ]
    sums = np.cumsum(felt, axis=0)
    mean = (sums[width:] - sums[:-width]) / width
    return float((slope * mean).sum() / max((mean * mean).sum(), 1e-9))


def _check_ratio(
    log: Log, what: str, given: Array, expected: Array, other: str, factor: float, unit: str
) -> None:
    """Refuse a quantity that is a known factor of what other columns say, over the moments of much of it."""
    size = np.linalg.norm(expected, axis=1)
    much = size > np.quantile(size, 0.9)
    ratio = float(np.median(np.linalg.norm(given[much], axis=1) / np.maximum(size[much], 1e-9)))
    if 0.3 * factor < ratio < 3.0 * factor:
        raise ValueError(
            f"{log.name}: {what} look like {other}: they are {ratio:.3g} times what other columns say; "
            f"{unit} is expected"
        )


def turn_rates(t: Array, quaternion: Array) -> Array:
    """Return the body rates, rad/s, (n, 3), that a sequence of attitudes (n, 4) implies."""
    q = quaternion.copy()
    flips = np.cumprod(np.where((q[1:] * q[:-1]).sum(axis=1) < 0.0, -1.0, 1.0))
    q[1:] *= flips[:, None]
    slope = np.gradient(q, t, axis=0)
    v, w, dv, dw = q[:, :3], q[:, 3:], slope[:, :3], slope[:, 3:]
    # omega = 2 q* dq/dt
    return 2.0 * (w * dv - dw * v - np.cross(v, dv))
