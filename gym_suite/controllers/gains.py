"""Gains of a PID law and where they come from, and what tuning rules refuse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """Gains of a P, PI, PD or PID law and where they come from.

    Attributes:
        kp: Proportional gain.
        ki: Integral gain, per second.
        kd: Derivative gain, in seconds.
        prefilter: Time constant in s of the first-order reference filter the rule asks for; 0 none.
        rule: Name of the rule.
        source: Where the rule is published.
        assumptions: What the rule took for granted, by name (numbers in SI).
        unit: Unit of ``kp`` (output per error, such as "V/A"); empty when not stated.
    """

    kp: float
    ki: float = 0.0
    kd: float = 0.0
    prefilter: float = 0.0
    rule: str
    source: str
    assumptions: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""

    def __post_init__(self) -> None:
        for name in ("kp", "ki", "kd", "prefilter"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} of {self.rule!r} is not finite: {getattr(self, name)!r}")
        object.__setattr__(self, "assumptions", MappingProxyType(dict(self.assumptions)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by value (a read-only mapping does not pickle by itself)."""
        return _rebuild_gains, (self.as_dict(),)

    @property
    def integral_time(self) -> float:
        """Ti = kp / ki in s; infinite without an integral part."""
        return self.kp / self.ki if self.ki != 0.0 else math.inf

    @property
    def derivative_time(self) -> float:
        """Td = kd / kp in s."""
        return self.kd / self.kp if self.kp != 0.0 else 0.0

    def with_unit(self, unit: str) -> Gains:
        """Return the same gains with the unit of ``kp``, such as "V/A"."""
        return replace(self, unit=unit, assumptions=dict(self.assumptions))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, fit for JSON."""
        names = ("kp", "ki", "kd", "prefilter", "rule", "source", "unit")
        return {name: getattr(self, name) for name in names} | {
            "assumptions": dict(self.assumptions)
        }


def _rebuild_gains(values: dict[str, Any]) -> Gains:
    return Gains(**values)


def check_finite(**values: float) -> None:
    """Refuse values, by their names, that are not finite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")


def check_positive(**values: float) -> None:
    """Refuse values, by their names, that are not positive."""
    check_finite(**values)
    for name, value in values.items():
        if value <= 0.0:
            raise ValueError(f"{name} must be positive, got {value!r}")


def check_not_negative(**values: float) -> None:
    """Refuse values, by their names, that are negative."""
    check_finite(**values)
    for name, value in values.items():
        if value < 0.0:
            raise ValueError(f"{name} must not be negative, got {value!r}")


def check_gain(gain: float) -> None:
    """Refuse a plant's gain that is zero or not finite."""
    check_finite(gain=gain)
    if gain == 0.0:
        raise ValueError("gain must not be zero: a plant without gain cannot be controlled")
