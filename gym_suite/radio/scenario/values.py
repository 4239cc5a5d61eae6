"""Single values of a scenario, read and checked; errors name the key's path."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from gym_suite.core.parameters import check_number, parameter
from gym_suite.radio.parameters import MAX_STEPS

FOREVER = 10**9


def switch(default: bool | None, *, meaning: str) -> Any:
    """Declare a truth value of a dataclass with its meaning, as a number that is 0 or 1 where it becomes one."""
    declared = parameter(default, meaning=meaning, low=0.0, high=1.0, integer=True)
    metadata = {**declared.metadata, "switch": True}
    return dataclasses.field(default=default, metadata=metadata)


def declared(cls: type) -> dict[str, Any]:
    """Return the numbers and switches that a dataclass declares, by name."""
    return {f.name: f for f in dataclasses.fields(cls) if "meaning" in f.metadata}


def read_declared(path: str, value: Mapping[str, Any], cls: type) -> dict[str, Any]:
    """Return those values of a mapping that a dataclass declares, each within the bounds declared for it.

    Args:
        path: Where the mapping stands, for errors.
        value: The mapping; a declared value may be None where that is its default.
        cls: The dataclass.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    result: dict[str, Any] = {}
    for name, field in declared(cls).items():
        if name not in value or (value[name] is None and field.default is None):
            continue
        about = field.metadata
        if "switch" in about:
            result[name] = truth(f"{path}.{name}", value[name])
            continue
        bounds = {key: about[key] for key in ("low", "high", "above", "integer")}
        number = check_number(f"{path}.{name}", value[name], **bounds)
        result[name] = int(number) if about["integer"] else number
    return result


def declared_schema(cls: type) -> dict[str, Any]:
    """Return the JSON Schemas of the numbers and switches that a dataclass declares, by name."""
    result: dict[str, Any] = {}
    for name, field in declared(cls).items():
        about = field.metadata
        if "switch" in about:
            kind: dict[str, Any] = {"type": "boolean"}
        else:
            kind = {"type": "integer" if about["integer"] else "number"}
            bounds = {"minimum": about["low"], "maximum": about["high"]}
            kind |= {key: bound for key, bound in bounds.items() if math.isfinite(bound)}
        result[name] = kind | {"description": about["meaning"]}
    return result


def whole(path: str, value: object, low: int, high: int) -> int:
    """Return a whole number within bounds."""
    return int(check_number(path, value, low=low, high=high, integer=True))


def truth(path: str, value: object) -> bool:
    """Return a truth value; 0 and 1 stand for false and true."""
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{path} must be true or false, got {value!r}")


def mapping(path: str, value: object) -> Mapping[str, Any]:
    """Return a mapping."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be an object, got {value!r}")
    return value


def sequence(path: str, value: object, what: str) -> Sequence[Any]:
    """Return a list of one to 10,000 elements; ``what`` says of what, for errors."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence) or not value:
        raise ValueError(f"{path} must be a list of {what}, got {value!r}")
    if len(value) > 10_000:
        raise ValueError(f"{path} has {len(value)} elements, at most 10000 are allowed")
    return value


def channel_list(path: str, value: object, channels: int) -> tuple[int, ...]:
    """Return a list of channels that exist."""
    items = sequence(path, value, f"channels in [0, {channels - 1}]")
    return tuple(whole(f"{path}[{i}]", c, 0, channels - 1) for i, c in enumerate(items))


def probabilities(path: str, value: object, count: int) -> tuple[float, ...]:
    """Return probabilities, one for each of ``count`` channels, that sum to 1 within 0.005."""
    items = sequence(path, value, "probabilities")
    if len(items) != count:
        raise ValueError(f"{path} must have one probability per channel, {count}, got {len(items)}")
    numbers = [check_number(f"{path}[{i}]", v, low=0.0, high=1.0) for i, v in enumerate(items)]
    total = sum(numbers)
    if abs(total - 1.0) > 0.005:
        raise ValueError(f"{path} must sum to 1, got {items!r}, whose sum is {total:g}")
    return tuple(number / total for number in numbers)


def clock(path: str, value: object) -> tuple[int, int, int]:
    """Return an on/off clock: starts on, steps on, steps off."""
    items = sequence(path, value, "three whole numbers: starts on, steps on, steps off")
    if len(items) != 3:
        raise ValueError(f"{path} must have 3 numbers (starts on, on, off), got {len(items)}")
    first = whole(f"{path}[0]", int(items[0]) if isinstance(items[0], bool) else items[0], 0, 1)
    return (
        first,
        whole(f"{path}[1]", items[1], 0, MAX_STEPS),
        whole(f"{path}[2]", items[2], 0, MAX_STEPS),
    )
