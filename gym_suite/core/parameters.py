"""Parameters as frozen dataclasses: units, bounds and sources beside each value, and the way into a row of numbers."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

Parameters = TypeVar("Parameters")

#: Similarity (difflib's, of 1) from which a name is worth asking after, of names up to 4 letters and of longer ones:
#: with less the question only puzzles.
NEAR = (0.5, 0.65)


def nearest(name: object, options: Iterable[str]) -> str | None:
    """Return the option that is spelt most like the name, or None where nothing is near."""
    options = list(options)
    by_folded = {option.casefold(): option for option in reversed(options)}
    found = difflib.get_close_matches(
        str(name).casefold(), list(by_folded), n=1, cutoff=NEAR[len(str(name)) > 4]
    )
    return by_folded[found[0]] if found else None


def unknown_error(kind: str, got: object, options: Iterable[str]) -> ValueError:
    """Return the error for a name that is not among the options: what was got, what is near, what there is."""
    options = list(options)
    near = nearest(got, options)
    hint = f" Did you mean {near!r}?" if near else ""
    shown = ", ".join(map(str, options[:30])) + (", ..." if len(options) > 30 else "")
    return ValueError(f"unknown {kind} {got!r}.{hint} Valid: {shown or 'none'}")


def check_keywords(got: Iterable[str], valid: Iterable[str], what: str = "keyword") -> None:
    """Refuse keywords that are not valid.

    Raises:
        ValueError: For the first unknown one, naming the nearest valid one.
    """
    valid = list(valid)
    for name in got:
        if name not in valid:
            raise unknown_error(what, name, valid)


def check_flag(name: str, value: object) -> bool:
    """Return a truth value that a user gave.

    Raises:
        TypeError: If it is neither True nor False; a text such as "no" would else count as True.
    """
    if isinstance(value, bool):
        return value
    raise TypeError(f"{name} must be True or False, got {value!r}")


def check_option(what: str, got: object, valid: Iterable[str]) -> str:
    """Return the option if it is valid.

    Raises:
        ValueError: If it is not, naming the nearest valid one.
    """
    valid = list(valid)
    if not isinstance(got, str) or got not in valid:
        raise unknown_error(what, got, valid)
    return got


def check_number(
    name: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float | None = None,
    integer: bool = False,
) -> float:
    """Return a value as a finite float within bounds.

    Args:
        name: What the number is, for the error.
        value: What was given.
        low: Smallest value allowed.
        high: Largest value allowed.
        above: If given, the value must be larger than this.
        integer: Whether the value must be whole.

    Raises:
        ValueError: If it is not a finite number or lies outside the bounds.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if isinstance(value, str | bytes | bool) or not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    if integer and number != round(number):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if above is not None and number <= above:
        raise ValueError(f"{name} must be greater than {above:g}, got {number:g}")
    if number < low or number > high:
        allowed = limits_text(low, high)
        if above is not None and low < above:
            allowed = f"be greater than {above:g} and at most {high:g}"
        raise ValueError(f"{name} must {allowed}, got {number:g}")
    return number


def limits_text(low: float, high: float) -> str:
    """Return which numbers are allowed, such as "lie in [0, 1]" or "be at most 3", to go after "must".

    Args:
        low: Smallest value allowed.
        high: Largest value allowed.
    """
    if math.isinf(low):
        return "be finite" if math.isinf(high) else f"be at most {high:g}"
    return f"be at least {low:g}" if math.isinf(high) else f"lie in [{low:g}, {high:g}]"


def parameter(
    default: Any = MISSING,
    *,
    unit: str = "1",
    meaning: str,
    source: str = "",
    low: float = -math.inf,
    high: float = math.inf,
    above: float | None = None,
    integer: bool = False,
) -> Any:
    """Declare one number of a parameter dataclass with its unit, bounds, meaning and source."""
    keywords = {} if default is MISSING else {"default": default}
    metadata = {
        "unit": unit,
        "meaning": meaning,
        "source": source,
        "low": low,
        "high": high,
        "above": above,
        "integer": integer,
    }
    return dataclasses.field(**keywords, metadata=metadata)


def validate(instance: Any) -> None:
    """Check every declared number of a parameter dataclass; for use in ``__post_init__``.

    Raises:
        ValueError: Naming the class, the parameter, what was got and what is allowed.
    """
    for field in dataclasses.fields(instance):
        if "meaning" not in field.metadata:
            continue
        bounds = {key: field.metadata[key] for key in ("low", "high", "above", "integer")}
        name = f"{type(instance).__name__}.{field.name}"
        value = check_number(name, getattr(instance, field.name), **bounds)
        object.__setattr__(instance, field.name, value)


def build(
    cls: type[Parameters],
    value: object,
    *,
    sets: Mapping[str, Parameters],
    default: str,
    what: str,
) -> Parameters:
    """Turn what a user gives for a parameter set into its dataclass.

    Args:
        cls: The dataclass.
        value: None (the default set), a set's name, the dataclass itself, or a mapping of overrides; a mapping may
            name the set to start from under "base".
        sets: The named sets.
        default: Name of the set that a mapping overrides and None stands for.
        what: What is being built, for errors.

    Raises:
        ValueError: For an unknown set or parameter (naming the nearest) or a value out of bounds.
        TypeError: If the value is of none of these kinds.
    """
    if value is None:
        return sets[default]
    if isinstance(value, cls):
        return value
    if isinstance(value, str):
        if value not in sets:
            raise unknown_error(what, value, sets)
        return sets[value]
    if isinstance(value, Mapping):
        overrides = dict(value)
        base = build(cls, overrides.pop("base", default), sets=sets, default=default, what=what)
        names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        check_keywords(overrides, names, f"parameter of {what}")
        return dataclasses.replace(base, **overrides)  # type: ignore[type-var]
    raise TypeError(
        f"{what} must be a name, a mapping or a {cls.__name__}, got {type(value).__name__}"
    )
