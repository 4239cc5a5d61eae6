"""A whole law as C: what it reads, what it remembers, and what it commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_source import CLaw
from gym_suite.analysis.c_translation.statements import live, written
from gym_suite.analysis.c_translation.translation import Translation
from gym_suite.analysis.c_translation.values import (
    ATOM,
    PRODUCT,
    Named,
    Slots,
    Value,
    is_known,
    same,
)
from gym_suite.core.columns import Columns


@dataclass(frozen=True, slots=True)
class Sampled:
    """What is done at each sample.

    Attributes:
        follow: Follows the kernels: called with the translation and the rows of what is seen, remembered and answered,
            of which it replaces the last two.
        seen: Columns of what is seen.
        memory: Columns of what is remembered, zeros at a fresh start.
        take: Which column of the observation stands for each column that is seen.
        scale: Scale of each column that is seen.
        answers: Number of answers.
        single: As :class:`gym_suite.analysis.c_translation.translation.Translation` has it.
    """

    follow: Callable[[Translation, Slots, Slots, Slots], None]
    seen: Columns
    memory: Columns
    take: Sequence[tuple[int, int]]
    scale: NDArray[np.float64]
    answers: int
    single: Mapping[Any, Sequence[str]] = field(default_factory=dict)


def law_of(law: Sampled) -> CLaw:
    """Return what is done at each sample as C.

    What it remembers and never changes is known to be zero, which is only seen once it has been followed: so it is
    followed until nothing more is known.

    Args:
        law: What is done.

    Raises:
        ValueError: If something stands in it that is not written in C.
    """
    still: set[int] = set()
    while True:
        made, unchanged = _followed(law, still)
        if unchanged == still:
            return made
        still = unchanged


def _followed(law: Sampled, still: set[int]) -> tuple[CLaw, set[int]]:
    """Return a law in C whose memory stands still in places, and the places in which it then does."""
    told = Translation(law.single)
    seen = told.row(Slots(law.seen.names, [0.0] * len(law.seen)))
    for k, j in law.take:
        column = law.seen[k]
        scale = Named(float(law.scale[k]), f"{column.name}_scale", f"{column.unit}, an observed 1")
        observed = Value(f"observation[{j}]", "float", frozenset())
        if scale == 1.0:
            seen.held[k] = observed
            continue
        factor = told.value(scale)
        value = Value(
            f"{observed.text} * {factor.text}",
            "float",
            factor.reads,
            PRODUCT,
            scaled=(observed, scale),
        )
        seen.held[k] = told.bind(column.name, value)
    names = law.memory.names
    before: list[Any] = [
        0.0
        if k in still
        else Value(f"memory->{name}", "float", frozenset({f"memory->{name}"}), added=(name, 0.0))
        for k, name in enumerate(names)
    ]
    memory = told.row(Slots(names, list(before)))
    action = told.row(Slots([f"action_{k}" for k in range(law.answers)], [0.0] * law.answers))
    law.follow(told, seen, memory, action)

    unchanged = {
        k
        for k, (first, last) in enumerate(zip(before, memory.held, strict=True))
        if same(first, last) or (k in still and is_known(last) and last == 0.0)
        or (is_known(last) and last == 0.0)
    }  # fmt: skip
    done = [told.value(one) for one in action.held]
    kept: dict[str, Value] = {}  # what is remembered, or what is added to it
    while True:
        wanted = set().union(*(one.reads for one in done), *(one.reads for one in kept.values()))
        block, needed = live(told.block, wanted)
        used = needed | wanted
        lasting = {
            name: told.value(_change_of(name, memory.held[k]))
            for k, name in enumerate(names)
            if f"memory->{name}" in used and k not in unchanged
        }
        if lasting.keys() == kept.keys():
            break
        kept = lasting
    sums = {name for k, name in enumerate(names) if name in kept and _is_sum(name, memory.held[k])}
    body = written(block)
    body += [f"action[{k}] = {one.text};" for k, one in enumerate(done)]
    # Everything that is remembered is overwritten after the last of it has been read.
    for name, value in kept.items():
        if name in sums:
            body += [
                f"const float {name}_more = {value.text} + memory->{name}_rest;",
                f"const float {name}_sum = memory->{name} + {name}_more;",
            ]
        elif value.level < ATOM or "memory->" in value.text:
            body.append(f"const float {name}_next = {value.text};")
            kept[name] = Value(f"{name}_next", "float", frozenset())
    meanings: dict[str, str] = {}
    for name, value in kept.items():
        column = law.memory[name]
        unit = "" if column.unit == "1" else f"{column.unit}, "
        meanings[name] = f"{unit}{column.meaning}"
        if name in sums:
            meanings[f"{name}_rest"] = f"{unit}what of its sum single precision has no place for"
            body += [
                f"memory->{name}_rest = {name}_more - ({name}_sum - memory->{name});",
                f"memory->{name} = {name}_sum;",
            ]
        else:
            body.append(f"memory->{name} = {value.text};")
    constants = {name: of for name, of in told.constants.items() if name in used}
    tables = {name: of for name, of in told.tables.items() if name in used}
    return CLaw(constants, meanings, body, tables), unchanged


def _is_sum(name: str, value: Any) -> bool:
    """Return whether a number is the remembered one of a name with something added to it."""
    return isinstance(value, Value) and value.added is not None and value.added[0] == name


def _change_of(name: str, value: Any) -> Any:
    """Return what is added to a remembered number, or what takes its place."""
    return value.added[1] if _is_sum(name, value) else value
