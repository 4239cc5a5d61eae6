"""What plain data from a file have to look like before anybody believes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["check_shape", "is_number"]

_WORDS = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
}


def check_shape(value: Any, shape: Any, where: str = "") -> None:
    """Refuse data that are of another shape than a file of this kind has.

    A shape is

    * ``str``, ``bool``, ``int`` or ``float``: a value of this kind. True and false are no numbers, a whole number is a
      number too, and a number is finite;
    * a frozenset: one of its values;
    * ``{"name": shape, ...}``: an object that has these names, and perhaps others;
    * ``{str: shape}``: an object all of whose values have a shape;
    * ``[shape]``: a list all of whose items have a shape;
    * ``[shape, shape, ...]``: a list of as many items;
    * ``(shape, None)``: null, or something of a shape.

    Args:
        value: as JSON gives it.
        shape: that it is to have.
        where: what it is part of, for the error.

    Raises:
        ValueError: something is missing or of another kind; the error names it.
    """
    if isinstance(shape, tuple):
        if value is not None:
            check_shape(value, shape[0], where)
    elif isinstance(shape, dict):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where or 'it'} is no object")
        inner = dict.fromkeys(value, shape[str]) if str in shape else shape
        for name, own in inner.items():
            place = f"{where}.{name}" if where else str(name)
            if name not in value:
                raise ValueError(f"{place} is missing")
            check_shape(value[name], own, place)
    elif isinstance(shape, list):
        if not isinstance(value, list) or (len(shape) > 1 and len(value) != len(shape)):
            many = f" of {len(shape)}" if len(shape) > 1 else ""
            raise ValueError(f"{where or 'it'} is no list{many}")
        for place, item in enumerate(value):
            check_shape(item, shape[place if len(shape) > 1 else 0], f"{where}[{place}]")
    elif isinstance(shape, frozenset):
        if not isinstance(value, str) or value not in shape:
            raise ValueError(f"{where} is none of {', '.join(sorted(shape))}")
    elif not _is_of(value, shape):
        raise ValueError(f"{where or 'it'} is not {_WORDS[shape]}")


def _is_of(value: Any, kind: type) -> bool:
    if kind is float:
        return is_number(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none, nor is what is larger than a float.

    Args:
        value: as JSON gives it.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of many digits
        return False
