"""What of a controller may be searched, and gains of a user's own in place of a rule's.

A controller's numbers come from two places: keyword arguments of its constructor (``lookahead``), and gains that a
rule computes from the plant (``i_sd.kp``). Both are *hyper-parameters* once they have bounds: a class declares those
that are worth a search as a tuple ``hyperparameters`` of :class:`Hyperparameter`; where it declares none, they are
found from its gains, within factors of what the rule gave. :func:`gym_suite.learning.tune` searches them on the reward.
"""

from __future__ import annotations

import math
from collections import UserDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from gym_suite.controllers.gains import Gains
from gym_suite.core.parameters import check_number, check_option

SCALES = ("log", "linear")
#: Lowest and highest factor of a rule's gain within which it is searched, by term. Rules differ most about the integral
#: part: a disturbance that is to be forgotten soon takes tens of times what the response to the reference needs.
FACTORS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"kp": (0.1, 10.0), "ki": (0.01, 100.0), "kd": (0.1, 10.0), "prefilter": (0.1, 10.0)}
)
_TERMS = tuple(FACTORS)
_MEANINGS = {
    "kp": "proportional gain",
    "ki": "integral gain",
    "kd": "derivative gain",
    "prefilter": "time constant of the reference's filter",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One number of a controller with the range in which it is searched.

    Attributes:
        name: Of a constructor's keyword argument, or of a gain as :meth:`Controller.describe` names it ("i_sd.kp").
        low: Lowest value.
        high: Highest value.
        scale: "log" for numbers that are told apart by factors, or "linear".
        relative: Whether the bounds are factors of ``default``, which may then be a vector that is searched as a whole.
        whole: Whether only whole numbers make sense.
        default: Where a search starts; None takes what the controller has.
        unit: SI unit.
        meaning: One line, without a full stop.

    Raises:
        ValueError: For bounds that are not finite or not in order, an unknown scale, or a logarithm of what is not
            positive.
    """

    name: str
    low: float
    high: float
    scale: Literal["log", "linear"] = "log"
    relative: bool = False
    whole: bool = False
    default: Any = None
    unit: str = ""
    meaning: str = ""

    def __post_init__(self) -> None:
        check_option(f"scale of hyper-parameter {self.name!r}", self.scale, SCALES)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"hyper-parameter {self.name!r} has no bounds to search within: expected finite low < high, "
                f"got {self.low!r} and {self.high!r}"
            )
        if self.scale == "log" and self.low <= 0.0:
            raise ValueError(
                f"hyper-parameter {self.name!r} is searched by factors, so its bounds must be positive, "
                f"got {self.low!r}; use scale='linear' or relative=True"
            )

    def at(self, share: float) -> Any:
        """Return the value at a share of the range, from 0 at the lower bound to 1 at the upper one."""
        share = min(max(float(share), 0.0), 1.0)
        if self.scale == "log":
            number = self.low * (self.high / self.low) ** share
        else:
            number = self.low + (self.high - self.low) * share
        number = min(max(number, self.low), self.high)
        if self.relative:
            return (np.asarray(self.default, dtype=np.float64) * number).tolist()
        return round(number) if self.whole else number

    @property
    def start(self) -> float:
        """The share of the range at which ``default`` lies; one outside of the bounds counts as on them."""
        number = 1.0 if self.relative else float(self.default)
        number = min(max(number, self.low), self.high)
        if self.scale == "log":
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, fit for JSON."""
        names = ("low", "high", "scale", "relative", "whole", "default", "unit", "meaning")
        return {name: getattr(self, name) for name in names}


class GainTable(UserDict[str, Any]):
    """The gains of a controller while it is tuned: a rule's are put in, what counts comes out.

    Args:
        given: A user's own gains by name, which stand in for the rule's: "i_sd.kp" for a term of :class:`Gains`, the
            gain's name for a number or an array.

    Attributes:
        used: Names of ``given`` that a gain was found for.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = dict(given)
        self.used: set[str] = set()
        super().__init__()

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, Gains):
            self.data[name] = self._terms(name, value)
        elif name in self.given:
            self.used.add(name)
            self.data[name] = _alike(name, self.given[name], value)
        else:
            self.data[name] = value

    def __delitem__(self, name: str) -> None:
        del self.data[name]
        self.used = {full for full in self.used if full.partition(".")[0] != name}

    def _terms(self, name: str, rule: Gains) -> Gains:
        """Return gains with the given terms in place of the rule's.

        A term that the rule leaves out is not read by the law, so that it cannot be given either.
        """
        own = {}
        for term in _TERMS:
            full = f"{name}.{term}"
            if full in self.given and (term == "kp" or getattr(rule, term) != 0.0):
                self.used.add(full)
                own[term] = check_number(f"gain {full!r}", self.given[full])
        if not own:
            return rule
        told = f"{rule.rule}, {' and '.join(own)} given"
        return replace(rule, **own, rule=told, assumptions=dict(rule.assumptions))

    def units(self, units: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Return all gains as :func:`gain_entries` does, with a mark on those that were given."""
        entries = gain_entries(self.data, units)
        for name in self.used & entries.keys():
            entries[name]["given"] = True
        return entries


def _alike(name: str, given: Any, rule: Any) -> Any:
    """Return a user's gain in the shape of the rule's.

    Raises:
        ValueError: If it is not finite or of another shape.
    """
    if np.ndim(rule) == 0:
        number = check_number(f"gain {name!r}", given)
        return np.array(number) if isinstance(rule, np.ndarray) else number
    try:
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"gain {name!r} must be numbers, got {given!r}") from None
    if array.shape != np.shape(rule) or not np.isfinite(array).all():
        raise ValueError(
            f"gain {name!r} must be finite and of shape {np.shape(rule)}, got {given!r}"
        )
    return array


def gain_entries(gains: Mapping[str, Any], units: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Flatten gains to ``{"loop.kp": {"value": ..., "unit": ...}}``, leaving out terms that are zero.

    Args:
        gains: :class:`Gains`, numbers or arrays by name.
        units: Units of those that are no :class:`Gains`.
    """
    entries: dict[str, dict[str, Any]] = {}
    for name, value in gains.items():
        if not isinstance(value, Gains):
            plain = np.asarray(value, dtype=np.float64).tolist()
            entries[name] = {"value": plain, "unit": units.get(name, "")}
            continue
        output, _, error = value.unit.partition("/")
        terms = {
            "kp": value.unit or "1",
            "ki": f"{output}/({error} s)" if error else f"{output or 1}/s",
            "kd": f"{output} s/{error}" if error else f"{output} s".strip(),
            "prefilter": "s",
        }
        for term, unit in terms.items():
            number = float(getattr(value, term))
            if number != 0.0 or term == "kp":
                entries[f"{name}.{term}"] = {"value": number, "unit": unit}
    return entries


def found_in(gains: Mapping[str, Any], units: Mapping[str, str]) -> dict[str, Hyperparameter]:
    """Return the hyper-parameters of a controller that declares none: its gains, within factors of the rule's.

    A vector is searched as a whole, by one factor. Matrices are left out, for their elements hang together: what they
    were computed from, such as the weights of a linear-quadratic regulator, is what to declare instead.

    Args:
        gains: :class:`Gains`, numbers or arrays by name.
        units: Units of those that are no :class:`Gains`.
    """
    found = {}
    for name, entry in gain_entries(gains, units).items():
        value = entry["value"]
        if np.ndim(value) > 1 or not np.any(value):
            continue
        term = name.rpartition(".")[2] if name not in gains else ""
        low, high = FACTORS.get(term, FACTORS["kp"])
        found[name] = Hyperparameter(
            name=name,
            low=low,
            high=high,
            relative=True,
            default=value,
            unit=entry["unit"],
            meaning=_MEANINGS.get(term, "gain"),
        )
    return found
