"""Logs of a drive on its bench: a CSV file read into SI units, with what is wrong in it said plainly.

A log has the columns ``t`` (s) and ``omega`` (speed of the shaft, rad/s), the voltages and currents of the machine by
the names that :func:`gym_suite.motors.simulate` gives them, such as ``u_sd`` (V) and ``i_sd`` (A), and perhaps
``epsilon`` (electrical angle, rad). Voltages and currents of three phases may stand in the place of those of two axes,
amplitudes as they are: ``u_sa``, ``u_sb``, ``u_sc``, ``i_sa``, ``i_sb``, ``i_sc``; a synchronous machine then needs
``epsilon``. A voltage is held from its row to the next. A header may say its unit, ``i_sd [A]``; one in another unit is
refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.tables import read_columns
from gym_suite.core.parameters import unknown_error
from gym_suite.motors.machines import INDUCTION, Machine

Array = NDArray[np.float64]

#: Rows that a log has at least.
FEWEST = 30
#: Usual time between two rows, s, from which it is more likely to be in milliseconds.
SLOWEST = 0.5
#: Rows that may be lacking in one place, and on how many on either side a row's usual time is looked up.
MOST_LACKING, AROUND = 20, 5
#: Standard errors within which a mean is none and a correlation that of white noise.
CHANCE = 4.0
#: Names that the column ``t`` may have besides: a trajectory's.
_TIME = ("t", "time")
#: What else than SI units bench software writes, with what it is.
_UNITS: Mapping[str, str] = MappingProxyType(
    {"t": "s", "u": "V", "i": "A", "omega": "rad/s", "epsilon": "rad"}
)
#: rad/s of one unit of speed in which other software writes.
SPEEDS: Mapping[str, float] = MappingProxyType(
    {
        "revolutions per minute": math.pi / 30.0,
        "degrees per second": math.pi / 180.0,
        "revolutions per second": 2.0 * math.pi,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One recording in SI units; n rows.

    Attributes:
        name: Name of the file.
        t: Time from the first row, s, (n,).
        omega: Speed of the shaft, rad/s, (n,).
        currents: Name of the machine's state to current, A, (n,).
        voltages: V, (n, number of voltages), in the frame of the machine's state; empty where the log has none.
    """

    name: str
    t: Array
    omega: Array
    currents: Mapping[str, Array]
    voltages: Array

    def part(self, begin: int, end: int) -> Log:
        """Return the rows from one to before another."""
        rows = slice(begin, end)
        return Log(
            name=self.name,
            t=self.t[rows],
            omega=self.omega[rows],
            currents={name: values[rows] for name, values in self.currents.items()},
            voltages=self.voltages[rows],
        )


def at_rest(log: Log) -> Log:
    """Return a log whose speed is none where it cannot be told from noise around none.

    A shaft that moves has inertia: its speed in a row is like that in the row before, as noise is not (that of an angle
    which was differenced is the opposite).
    """
    omega, n = log.omega, len(log.omega)
    power = float(np.mean(omega**2))
    still = abs(float(omega.mean())) <= CHANCE * math.sqrt(power / n)
    alike = float(np.mean(omega[1:] * omega[:-1]))
    if still and alike <= CHANCE / math.sqrt(n) * power:
        return replace(log, omega=np.zeros(n))
    return log


def columns_of(machine: type[Machine] | Machine) -> dict[str, str]:
    """Return the columns of a kind's log and what they hold.

    Args:
        machine: The kind.
    """
    volts, amps = _names(machine)
    return {
        "t": "time, s",
        "omega": "speed of the shaft, rad/s",
        **dict.fromkeys(volts, "voltage, V, held to the next row"),
        **dict.fromkeys(amps, "current, A"),
    }


def _names(machine: type[Machine] | Machine) -> tuple[list[str], list[str]]:
    """Return the names of a kind's voltages and currents."""
    frame = next(iter(machine.frames.values()))
    return list(frame), [name for name in machine.states if name.startswith("i")]


def read_log(path: str | Path, machine: Machine) -> Log:
    """Return the recording of a CSV file.

    Args:
        path: The file, as the module's description says.
        machine: A machine of the kind that was recorded, with its pole pairs.

    Raises:
        ValueError: For a file that cannot be read, a missing column, a unit that is not SI, time that stands, runs back
            or jumps, or too few rows; says which, where, and what was expected.
    """
    file = Path(path)
    volts, amps = _names(machine)
    phases = {name: _phase_names(name) for name in (*volts, *amps) if name.endswith(("d", "alpha"))}
    known = {*_TIME, "omega", "epsilon", *volts, *amps, *(p for ps in phases.values() for p in ps)}
    table, units = read_columns(file, known, units=True)
    for name in table:
        _check_unit(file.name, name, units.get(name))
    if "t" not in table and "time" in table:
        table["t"] = table["time"]
    by_phases = _by_phases(table, phases)
    needed = ["t", "omega", *(name for name in amps if name not in by_phases)]
    has_voltages = any(name.startswith("u") and name in known for name in table)
    if has_voltages:
        needed += [name for name in volts if name not in by_phases]
    if by_phases and machine.group != INDUCTION:
        needed.append("epsilon")
    missing = [name for name in needed if name not in table]
    if missing:
        columns = ", ".join(columns_of(machine))
        words = f"{file.name} lacks {', '.join(missing)}; a log of a {type(machine).__name__} has {columns}"
        raise ValueError(f"{words}. {unknown_error('column', missing[0], tuple(table))}")
    _check_time(file.name, table["t"])
    if has_voltages:
        _check_gaps(file.name, table["t"])
    if "epsilon" in table:
        _check_angle(file.name, table, machine)
    table |= _axes(table, by_phases, machine)
    shape = (len(table["t"]), len(volts) if has_voltages else 0)
    voltages = np.column_stack([table[name] for name in volts]) if has_voltages else np.empty(shape)
    return Log(
        name=file.name,
        t=table["t"] - table["t"][0],
        omega=table["omega"],
        currents=MappingProxyType({name: table[name] for name in amps}),
        voltages=np.ascontiguousarray(voltages),
    )


def _phase_names(axis: str) -> tuple[str, ...]:
    """Return the columns of three phases that say what one of two axes does: u_sa, u_sb, u_sc of u_sd."""
    stem = axis.removesuffix("alpha").removesuffix("d")
    return tuple(f"{stem}{phase}" for phase in "abc")


def _by_phases(table: Mapping[str, Array], phases: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the axes that a log gives by phases: name of each axis to the stem of its phases."""
    found = {}
    for axis, names in phases.items():
        if axis not in table and any(name in table for name in names):
            lacking = [name for name in names if name not in table]
            if lacking:
                raise ValueError(f"the log has some of {', '.join(names)} but lacks {lacking[0]}")
            other = axis.removesuffix("alpha") + "beta" if axis.endswith("a") else axis[:-1] + "q"
            found[axis] = found[other] = names[0][:-1]
    return found


def _axes(
    table: Mapping[str, Array], by_phases: Mapping[str, str], machine: Machine
) -> dict[str, Array]:
    """Return the quantities of two axes of those that a log gives by phases, amplitude-invariant.

    A voltage of the stator is held over a row while the rotor turns, so it is seen at the angle in the row's middle.
    """
    found = {}
    stems = list(dict.fromkeys(by_phases.values()))
    for stem in stems:
        a, b, c = (table[f"{stem}{phase}"] for phase in "abc")
        vector = (2.0 / 3.0) * (a + b * np.exp(2j * np.pi / 3.0) + c * np.exp(-2j * np.pi / 3.0))
        names = [axis for axis, own in by_phases.items() if own == stem]
        if machine.group != INDUCTION:
            angle = np.unwrap(table["epsilon"])
            if stem.startswith("u"):
                angle = angle + 0.5 * np.gradient(angle)
            vector = vector * np.exp(-1j * angle)
        found |= dict(zip(names, (vector.real, vector.imag), strict=True))
    return found


def _check_unit(file: str, name: str, unit: str | None) -> None:
    """Refuse a column whose header says that it is in other units."""
    kind = "t" if name in _TIME else name if name in _UNITS else name[:1]
    expected = _UNITS.get(kind) if kind == name or name in _TIME or "_" in name[:2] else None
    if name in ("u", "i"):
        expected = _UNITS[name]
    if expected is not None and unit not in (None, expected):
        raise ValueError(
            f"{file}: the column {name} is in {unit!r}; a log is in {expected}: convert it"
        )


def _check_time(file: str, t: Array) -> None:
    if len(t) < FEWEST:
        raise ValueError(f"{file} has {len(t)} rows; identification needs {FEWEST}")
    step = np.diff(t)
    row = int(step.argmin())
    if step[row] <= 0.0:
        raise ValueError(
            f"{file}: time must grow; it goes from {t[row]:g} to {t[row + 1]:g} after row {row}"
        )
    usual = float(np.median(step))
    if usual >= SLOWEST:
        raise ValueError(
            f"{file}: t grows by {usual:g} a row, which looks like milliseconds; t is in s"
        )


def _check_gaps(file: str, t: Array) -> None:
    """Refuse time that jumps over many rows, over which nobody knows the voltages.

    What a row usually takes is looked up around it, for a log may be fast in one part and slow in another.
    """
    step = np.diff(t)
    beside = np.lib.stride_tricks.sliding_window_view(
        np.pad(step, AROUND, mode="reflect"), 2 * AROUND + 1
    )
    usual = np.median(beside, axis=1)
    row = int((step / usual).argmax())
    if step[row] > (MOST_LACKING + 1.5) * usual[row]:
        raise ValueError(
            f"{file}: time jumps from {t[row]:g} to {t[row + 1]:g} s after row {row}, where a row usually takes "
            f"{usual[row]:.3g} s: what the voltages did in the {step[row]:.3g} s between is not known. Give the part "
            "of the log before the gap or behind it"
        )


def _check_angle(file: str, table: Mapping[str, Array], machine: Machine) -> None:
    """Refuse a speed or an angle that is a known factor of what the other says."""
    t, angle = table["t"], table["epsilon"]
    turned = float(np.ptp(angle))
    if turned > 30.0 and np.abs(angle).max() <= 360.0 and np.abs(np.diff(angle)).max() > 180.0:
        raise ValueError(f"{file}: epsilon looks like degrees: it spans {turned:.3g}; it is in rad")
    turning = np.gradient(np.unwrap(angle), t)
    much = np.abs(turning) >= np.quantile(np.abs(turning), 0.9)
    size = float(np.median(np.abs(turning[much])))
    if size * float(t[-1] - t[0]) < 2.0 * math.pi:  # hardly a turn: encoder noise weighs too much
        return
    ratio = float(np.median(table["omega"][much] / turning[much])) * machine.pairs
    others = {name: 1.0 / size for name, size in SPEEDS.items()}
    if machine.pairs > 1.0:
        others["the electrical speed"] = machine.pairs
    for name, factor in others.items():
        if abs(ratio / factor - 1.0) < 0.1:
            raise ValueError(
                f"{file}: omega looks like {name}: it is {ratio:.3g} times what epsilon and p = "
                f"{machine.pairs:g} say; it is the mechanical speed in rad/s"
            )
    if not 0.8 < ratio < 1.25:
        raise ValueError(
            f"{file}: omega is {ratio:.3g} times what epsilon and p = {machine.pairs:g} say; "
            "check the number of pole pairs, the signs and the units"
        )
