"""Statements of C: which of them are needed, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gym_suite.analysis.c_translation.values import OR, Value


@dataclass(frozen=True, slots=True)
class Set:
    """A variable that is given a value.

    Attributes:
        name: Of the variable.
        value: What it is given.
        declared: Whether it is a constant that begins here; else both sides of a branch give it a value.
    """

    name: str
    value: Value
    declared: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A branch that a measured value decides.

    Attributes:
        test: What decides.
        then: Statements where it holds.
        other: Statements where it does not.
        variables: Name to kind of what both sides set.
    """

    test: Value
    then: list[Any]
    other: list[Any]
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Note:
    """What is said of the statements that follow.

    Attributes:
        text: A phrase.
    """

    text: str


def live(block: list[Any], wanted: set[str]) -> tuple[list[Any], set[str]]:
    """Return the statements of a block that what is wanted after it depends on, and what that is before it."""
    kept: list[Any] = []
    for statement in reversed(block):
        if isinstance(statement, Note):
            if kept and not isinstance(kept[-1], Note):
                kept.append(statement)
        elif isinstance(statement, Set):
            if statement.name in wanted:
                wanted = (wanted - {statement.name}) | statement.value.reads
                kept.append(statement)
        else:
            variables = {n: kind for n, kind in statement.variables.items() if n in wanted}
            then, before = live(statement.then, wanted)
            other, besides = live(statement.other, wanted)
            then, other = _direct(then), _direct(other)
            if any(not isinstance(part, Note) for part in (*then, *other)):
                wanted = (before | besides) - set(variables) | statement.test.reads
                kept.append(Choice(statement.test, then, other, variables))
    return kept[::-1], wanted


def _direct(block: list[Any]) -> list[Any]:
    """Return a side of a branch in which nothing is named only to be given to what both sides set."""
    counts: dict[str, int] = {}
    for statement in block:
        for name in _read_by(statement):
            counts[name] = counts.get(name, 0) + 1
    own = {part.name: part for part in block if isinstance(part, Set) and part.declared}
    made: list[Any] = []
    for statement in block:
        if isinstance(statement, Set) and not statement.declared:
            named = own.get(statement.value.text)
            if named is not None and counts[named.name] == 1:
                made.remove(named)
                statement = replace(statement, value=named.value)
        made.append(statement)
    return made


def _read_by(statement: Any) -> set[str]:
    if isinstance(statement, Set):
        return set(statement.value.reads)
    if isinstance(statement, Choice):
        inside = (_read_by(part) for part in (*statement.then, *statement.other))
        return set(statement.test.reads).union(*inside)
    return set()


def written(block: list[Any]) -> list[str]:
    """Return the lines of statements."""
    lines: list[str] = []
    for statement in block:
        if isinstance(statement, Note):
            lines.append(f"/* {statement.text} */")
        elif isinstance(statement, Set):
            before = f"const {statement.value.kind} " if statement.declared else ""
            lines.append(f"{before}{statement.name} = {statement.value.text};")
        else:
            lines += _chosen(statement)
    return lines


def _chosen(choice: Choice) -> list[str]:
    """Return an ``if``, or where both sides only give one variable a value, a conditional expression."""
    sides = [
        [part for part in side if not isinstance(part, Note)]
        for side in (choice.then, choice.other)
    ]
    if all(len(side) == 1 and isinstance(side[0], Set) for side in sides):
        (name, kind) = next(iter(choice.variables.items()))
        one, two = (side[0].value.within(OR) for side in sides)
        return [f"const {kind} {name} = {choice.test.within(OR)} ? {one} : {two};"]
    lines = [f"{kind} {name};" for name, kind in choice.variables.items()]
    then, other = (["    " + line for line in written(side)] for side in sides)
    test = choice.test.text
    if not then:
        then, other, test = other, [], f"!({test})"
    lines += [f"if ({test}) {{", *then]
    if other:
        lines += ["} else {", *other]
    return [*lines, "}"]
