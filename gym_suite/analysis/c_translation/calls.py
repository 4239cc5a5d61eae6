"""Functions that kernels call and that have a form of their own in C."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gym_suite.analysis.c_translation.values import (
    LESS,
    SUM,
    TERNARY,
    UNARY,
    Value,
    is_known,
    is_whole,
)


def _extreme(name: str, reckon: Callable[..., Any], never: float) -> Callable[..., Any]:
    """Return what writes the larger or the smaller of numbers; one that never is it is left out."""

    def write(told: Any, *given: Any) -> Any:
        if all(map(is_known, given)):
            return reckon(given)
        given = tuple(one for one in given if isinstance(one, Value) or float(one) != never)
        made = given[0]
        for one in given[1:]:
            if is_whole(made) and is_whole(one):
                a, b = told.bind("whole", told.value(made, "int")), told.value(one, "int")
                sign = ">" if reckon is max else "<"
                text = f"{b.within(LESS)} {sign} {a.text} ? {b.text} : {a.text}"
                made = Value(text, "int", a.reads | b.reads, TERNARY)
            else:
                made = told.call(name, (made, one))
        return made

    return write


def _whole(told: Any, one: Any) -> Any:
    if is_known(one):
        return int(one)
    if one.kind == "int":
        return one
    return Value(f"(int){one.within(UNARY)}", "int", one.reads, UNARY)


def _written_as(name: str, reckon: Callable[..., Any]) -> Callable[..., Any]:
    def write(told: Any, *given: Any) -> Any:
        return reckon(*given) if all(map(is_known, given)) else told.call(name, given)

    return write


def _hypot(told: Any, one: Any, two: Any) -> Any:
    if is_known((one, two)):
        return math.hypot(one, two)
    one, two = told.bind("side", one), told.bind("side", two)
    a, b = told.value(one), told.value(two)
    text = f"{a.text} * {a.text} + {b.text} * {b.text}"
    return told.call("sqrtf", (Value(text, "float", a.reads | b.reads, SUM),))


WRITTEN: dict[Any, Callable[..., Any]] = {
    min: _extreme("smaller", min, math.inf),
    max: _extreme("larger", max, -math.inf),
    int: _whole,
    abs: _written_as("fabsf", abs),
    math.sqrt: _written_as("sqrtf", math.sqrt),
    math.copysign: _written_as("copysignf", math.copysign),
    math.cos: _written_as("cosine_of", math.cos),
    math.sin: _written_as("sine_of", math.sin),
    math.hypot: _hypot,
}
FOLDED = {len, range, float, math.exp}
