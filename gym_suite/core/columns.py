"""Named columns: what each number of a row means, its unit and its bounds."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from gym_suite.core.parameters import unknown_error


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a row.

    Attributes:
        name: The field's standard term, without a unit.
        unit: SI unit of the value, "1" where it has none.
        low: Smallest value that can occur.
        high: Largest value that can occur.
        meaning: One line for the documentation.
        scale: SI value of a column value of 1 (observations and actions are normalised).
        source: Where the number comes from (parameters).
        whole: Whether only whole numbers can occur, such as places in tables.
        spare: Whether nothing is kept here: a place in a layout that others of the same family use.
    """

    name: str
    unit: str = "1"
    low: float = -np.inf
    high: float = np.inf
    meaning: str = ""
    scale: float = 1.0
    source: str = ""
    whole: bool = False
    spare: bool = False

    def allows(self, values: np.ndarray) -> bool:
        """Return whether values can occur in this column."""
        inside = ((values >= self.low) & (values <= self.high)).all()
        return bool(inside and (not self.whole or (values == np.floor(values)).all()))


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the reward, a metric column whose value is what the formula says.

    Attributes:
        name: Of the metric column; begins with "reward_".
        formula: How it is computed from ``info``, action and parameters, "weight" being the weight.
        weight: The weight's default value, or its name where it is a keyword of its own; None where there is none.
        low: Smallest value that can occur.
        high: Largest value that can occur.
    """

    name: str
    formula: str
    weight: float | str | None = None
    low: float = -np.inf
    high: float = np.inf

    @property
    def column(self) -> Column:
        """The metric column of the term."""
        return Column(self.name, "1", self.low, self.high, self.formula)


class Columns:
    """An ordered, immutable set of columns with access by position and by name.

    Kernels read columns by :attr:`places`: with ``P = PARAMETERS.places`` at module level ``p[P.r_s]`` is the
    stator resistance, to the compiler the same as the number written out.
    """

    __slots__ = ("_columns", "_index", "_places")

    def __init__(self, *columns: Column) -> None:
        self._columns = tuple(columns)
        self._index = {column.name: i for i, column in enumerate(columns)}
        if len(self._index) != len(columns):
            names = [column.name for column in columns]
            raise ValueError(f"column names must differ, got {names}")
        self._places: Any = None

    @classmethod
    def of(cls, parameters: type, prefix: str = "", only: Iterable[str] | None = None) -> Columns:
        """Return the columns of a parameter dataclass: what its fields declare is not said again.

        Args:
            parameters: A dataclass whose numbers are declared by :func:`gym_suite.core.parameters.parameter`.
            prefix: Put in front of each name.
            only: Names of the fields to take; all declared numbers by default.
        """
        declared = {f.name: f.metadata for f in fields(parameters) if "meaning" in f.metadata}
        chosen = declared if only is None else {name: declared[name] for name in only}
        return cls(
            *(
                Column(
                    prefix + name,
                    about["unit"],
                    about["low"] if about["above"] is None else about["above"],
                    about["high"],
                    about["meaning"],
                    source=about["source"],
                    whole=about["integer"],
                )
                for name, about in chosen.items()
            )
        )

    @property
    def places(self) -> Any:
        """The position of each column by its name, as a named tuple of whole numbers.

        Raises:
            ValueError: If a column's name is no identifier.
        """
        if self._places is None:
            self._places = namedtuple("Places", self.names)(*range(len(self)))
        return self._places

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(self._index)

    @property
    def used(self) -> Columns:
        """The columns in which something is kept."""
        return Columns(*(column for column in self._columns if not column.spare))

    @property
    def low(self) -> np.ndarray:
        """The lower bounds, float64 of shape (len,)."""
        return np.array([column.low for column in self._columns], dtype=np.float64)

    @property
    def high(self) -> np.ndarray:
        """The upper bounds, float64 of shape (len,)."""
        return np.array([column.high for column in self._columns], dtype=np.float64)

    def index(self, name: str) -> int:
        """Return the position of a name.

        Raises:
            ValueError: If there is no such column; the nearest name is told.
        """
        try:
            return self._index[name]
        except KeyError:
            raise unknown_error("column", name, self.names) from None

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __getitem__(self, key: int | str) -> Column:
        return self._columns[self.index(key) if isinstance(key, str) else key]

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __add__(self, other: Columns) -> Columns:
        return Columns(*self._columns, *other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Columns) and self._columns == other._columns

    def __hash__(self) -> int:
        return hash(self._columns)

    def __repr__(self) -> str:
        return f"Columns({', '.join(self.names)})"
