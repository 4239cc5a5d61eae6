"""Driving cycles: those of the regulations by name, or a file of the user's, with the road's grade."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import numpy as np

from gym_suite.core.parameters import check_keywords, nearest, unknown_error
from gym_suite.motors.machines import Machine
from gym_suite.motors.parameters import Load, lever_of

#: File of each cycle. WLTC: class 3b, UN GTR No. 15; UDDS and US06: 40 CFR part 86, appendix I; HWFET: 40 CFR part 600,
#: appendix I; WMTC: parts 1 to 3, UN GTR No. 2.
CYCLES: Mapping[str, str] = MappingProxyType(
    {
        "WLTC": "wltc_class3b.csv",
        "UDDS": "udds.csv",
        "HWFET": "hwfet.csv",
        "US06": "us06.csv",
        "WMTC": "wmtc.csv",
    }
)
#: Columns of a file and what makes SI units of them.
_TIME, _SPEEDS, _GRADE = "time_s", {"speed_mps": 1.0, "speed_km_h": 1.0 / 3.6}, "grade"
STEEPEST = 1.0  # rise over run that is still a road


@cache
def drive_cycle(name: str = "WLTC") -> np.ndarray:
    """Return a cycle of the regulations as read-only float64 of shape (n, 2): time (s), speed (m/s).

    Args:
        name: One of :data:`CYCLES`.
    """
    text = resources.files("gym_suite.motors").joinpath("data", CYCLES[name]).read_text("utf-8")
    table = read_cycle(text, CYCLES[name])
    table.setflags(write=False)
    return table


def read_cycle(text: str, what: str) -> np.ndarray:
    """Return the cycle in a text, (n, 2) or with the road's grade (n, 3): time (s), speed (m/s), rise over run.

    Args:
        text: Lines of numbers under a line of names, "time_s", "speed_mps" or "speed_km_h", and perhaps "grade"; lines
            that begin with # are left out.
        what: For errors.

    Raises:
        ValueError: For unknown or missing names (naming the nearest), a line that is no numbers, times that do not
            ascend from 0, a speed below 0 or a grade that is none.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(lines))
    names = [name.strip() for name in rows[0]] if rows else []
    check_keywords(names, (_TIME, *_SPEEDS, _GRADE), f"column of {what}")
    speeds = [name for name in names if name in _SPEEDS]
    if _TIME not in names or len(speeds) != 1 or len(set(names)) < len(names):
        raise ValueError(
            f"{what} needs the columns {_TIME} and one of {', '.join(_SPEEDS)}, got {', '.join(names) or 'none'}"
        )
    try:
        values = np.array(rows[1:], dtype=np.float64).reshape(len(rows) - 1, len(names))
    except ValueError:
        wrong = next(k for k, row in enumerate(rows[1:], 1) if not _numbers(row, len(names)))
        raise ValueError(
            f"{what}: line {wrong} below the names is not {len(names)} numbers: {lines[wrong]!r:.60}"
        ) from None
    time, speed = values[:, names.index(_TIME)], values[:, names.index(speeds[0])]
    columns = [time, speed * _SPEEDS[speeds[0]]]
    if _GRADE in names:
        columns.append(values[:, names.index(_GRADE)])
    table = np.ascontiguousarray(np.column_stack(columns))
    _check(table, what)
    return table


def _numbers(row: list[str], count: int) -> bool:
    try:
        return len([float(cell) for cell in row]) == count
    except ValueError:
        return False


def _check(table: np.ndarray, what: str) -> None:
    if len(table) < 2 or not np.isfinite(table).all():
        raise ValueError(f"{what} needs at least two lines of finite numbers, got {len(table)}")
    if table[0, 0] != 0.0 or (np.diff(table[:, 0]) <= 0.0).any():
        raise ValueError(f"{what}: times must ascend from 0 s")
    if table[:, 1].min() < 0.0:
        raise ValueError(f"{what}: a speed is {table[:, 1].min():g} m/s; it must not be below 0")
    if table.shape[1] > 2 and abs(table[:, 2]).max() > STEEPEST:
        raise ValueError(
            f"{what}: a grade is {table[np.abs(table[:, 2]).argmax(), 2]:g}; it is rise over run, within "
            f"[-{STEEPEST:g}, {STEEPEST:g}]"
        )


def build_cycle(given: object, machine: Machine, load: Load) -> np.ndarray:
    """Return the cycle that a user named, as :func:`read_cycle` does, if the machine can turn that fast.

    Args:
        given: A name of :data:`CYCLES`, or a file whose name ends in .csv.
        machine: The machine.
        load: The vehicle.

    Raises:
        ValueError: For an unknown name or file, naming the nearest, what :func:`read_cycle` refuses, or a speed beyond
            the machine's limit.
        TypeError: For anything else.
    """
    if not isinstance(given, str | Path):
        raise TypeError(f"cycle must be a name or a CSV file, got {type(given).__name__}")
    if str(given).casefold().endswith(".csv"):
        file = Path(given)
        if not file.is_file():
            near = nearest(file.name, sorted(other.name for other in file.parent.glob("*.csv")))
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"there is no cycle file {str(file)!r}{hint}")
        try:
            text = file.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"the cycle file {str(file)!r} is no text: {error}") from None
        table = read_cycle(text, f"the cycle file {str(file)!r}")
    elif given in CYCLES:
        table = drive_cycle(str(given))
    else:
        raise unknown_error("cycle", given, CYCLES)
    fastest, most = table[:, 1].max(), lever_of(load) * machine.speeds()[1]
    if fastest > most:
        raise ValueError(
            f"cycle {str(given)!r} reaches {fastest:.4g} m/s; with this gear the machine turns up to {most:.4g} m/s. "
            "Take a smaller gear_ratio or another machine"
        )
    return table
