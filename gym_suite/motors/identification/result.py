"""What an identification finds, told and saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gym_suite.motors.machines import KINDS
from gym_suite.motors.machines.files import write_machine_file

LEVEL = 0.95
_SHAFT = MappingProxyType({"j_total": "kg m^2", "a": "N m", "b": "N m s"})
_SIGNALS = MappingProxyType({"omega": "rad/s", "torque": "N m"})


@dataclass(frozen=True, slots=True)
class Identified:
    """What a log says of a drive.

    Attributes:
        kind: The machine's kind.
        values: Name to (estimate, lowest, highest), the last two at 95 %: the machine's own numbers, and of a shaft
            that turns freely ``j_total`` (kg m^2, rotor with what it carries), ``a`` (N m, Coulomb) and ``b`` (N m s,
            viscous friction).
        residuals: Signal to what of it stays unexplained in the fitted part, rms: A, rad/s, or N m of
            a torque.
        before: Signal to rms error of prediction over what was not fitted, with the machine as it was given.
        after: The same with what was identified.
        machine: Numbers for ``machine=``.
        load: Numbers for ``load=``: friction; the inertia is the machine's, except where it is the load's in part.
        assumed: What the log does not say and what was taken instead, a sentence each.
        log: Name of the log.
        judged: What the errors of prediction are of.
    """

    kind: str
    values: Mapping[str, tuple[float, float, float]]
    residuals: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    machine: Mapping[str, Any]
    load: Mapping[str, Any]
    assumed: tuple[str, ...]
    log: str
    judged: str

    def save(self, path: str | Path) -> None:
        """Write the machine file that ``machine=`` takes, with all that is known of it in its head."""
        write_machine_file(path, str(self), self.machine)

    def __str__(self) -> str:
        lines = [f"{self.kind} identified from {self.log}; intervals at {LEVEL:.0%}."]
        units = _units(self.kind)
        for name, (value, low, high) in self.values.items():
            lines.append(f"{name} = {value:.5g} [{low:.5g}, {high:.5g}] {units[name]}")
        told = [f"{name} {_amount(name, rms)}" for name, rms in self.residuals.items()]
        lines.append(f"unexplained (rms): {', '.join(told)}")
        for name, after in self.after.items():
            before = _amount(name, self.before[name]) if name in self.before else "not computed"
            lines.append(
                f"error of prediction over {self.judged}, {name}: before {before}, after {_amount(name, after)}"
            )
        lines += [f"assumed: {sentence}" for sentence in self.assumed]
        if self.load:
            told = ", ".join(f'"{k}": {_literal(v)}' for k, v in self.load.items())
            lines.append(f"load={{{told}}}")
        return "\n".join(lines)


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:.5g}"


def _amount(signal: str, value: float) -> str:
    return f"{value:.4g} {_SIGNALS.get(signal, 'A')}"


def _units(kind: str) -> dict[str, str]:
    own = {field.name: field.metadata.get("unit", "") for field in fields(KINDS[kind])}  # type: ignore[arg-type]
    return own | dict(_SHAFT)
