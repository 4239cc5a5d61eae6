"""What a kernel works on while it is followed: expressions of C, known numbers, and rows of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.columns import Columns

#: How tightly C's operators bind.
TERNARY, OR, AND, EQUAL, LESS, SUM, PRODUCT, UNARY, ATOM = range(9)


@dataclass(frozen=True, slots=True)
class Value:
    """An expression of C.

    Attributes:
        text: The expression.
        kind: "float" or "int".
        reads: Names that it reads.
        level: How tightly its outermost operator binds.
        scaled: What it is times which constant, for a value that is observed in parts of its full scale.
        added: Which remembered number it is with what added to it, for a sum of that kind.
    """

    text: str
    kind: str
    reads: frozenset[str]
    level: int = ATOM
    scaled: tuple[Value, Named] | None = None
    added: tuple[str, Any] | None = None

    def within(self, level: int) -> str:
        """Return the expression as an operand of an operator that binds so tightly."""
        return self.text if self.level >= level else f"({self.text})"


class Named(float):
    """A number of the law that is a constant of the exported file.

    Attributes:
        name: Its name there.
        meaning: What is said of it there.
    """

    name: str
    meaning: str

    def __new__(cls, value: float, name: str, meaning: str) -> Named:
        """Make the number with its name and meaning."""
        made = super().__new__(cls, value)
        made.name, made.meaning = name, meaning
        return made


@dataclass(frozen=True, slots=True)
class Numbers:
    """A row of known numbers with columns; behind them may stand more, which are read at known places too.

    Attributes:
        values: (n,).
        columns: Of the first of them.
    """

    values: NDArray[np.float64]
    columns: Columns


@dataclass(frozen=True, slots=True)
class Table:
    """A known table, (rows, columns), in which a law looks up.

    Attributes:
        values: The table.
        name: Its name in C.
        meaning: What is said of it there.
    """

    values: NDArray[np.float64]
    name: str
    meaning: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.values.shape


@dataclass(slots=True)
class Slots:
    """A row whose elements are read and replaced: what is seen, remembered or commanded."""

    names: Sequence[str]
    held: list[Any]

    @property
    def shape(self) -> tuple[int]:
        """Number of elements."""
        return (len(self.held),)


@dataclass(frozen=True, slots=True)
class Batch:
    """The one row that a function over rows is followed with."""

    row: Slots

    @property
    def shape(self) -> tuple[int, int]:
        """One row, and its elements."""
        return 1, len(self.row.held)


def is_known(value: Any) -> bool:
    """Return whether a value is a number that the law fixes, or a tuple of such."""
    if isinstance(value, tuple):
        return all(map(is_known, value))
    return not isinstance(value, Value)


def same(a: Any, b: Any) -> bool:
    """Return whether two values are one."""
    if isinstance(a, Value) or isinstance(b, Value):
        return isinstance(a, Value) and isinstance(b, Value) and a.text == b.text
    return bool(a is b or (type(a) is type(b) and a == b) or _equal_numbers(a, b))


def _equal_numbers(a: Any, b: Any) -> bool:
    numbers = int, float, np.integer, np.floating
    return isinstance(a, numbers) and isinstance(b, numbers) and a == b


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number."""
    if isinstance(value, Value):
        return value.kind == "int"
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def unchanged(sign: str, one: Any, two: Any) -> Any:
    """Return what a sum with zero and a product with zero or one is, None for others."""
    a, b = (None if isinstance(value, Value) else float(value) for value in (one, two))
    if sign in "+-" and b == 0.0:
        return one
    if sign == "+" and a == 0.0:
        return two
    if sign == "*" and 0.0 in (a, b):
        return 0.0
    if sign in "*/" and b == 1.0:
        return one
    if sign == "*" and a == 1.0:
        return two
    return None
