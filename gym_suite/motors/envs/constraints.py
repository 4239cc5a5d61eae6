"""Constraints of the user's beside the current limits: squares of quantities, as parts of limits, sum to 1 at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.motors.quantities import QUANTITIES, TASK, K


@dataclass(frozen=True, slots=True)
class Constrained:
    """A quantity in a constraint.

    Attributes:
        quantity: Its name in the family's layout.
        limit: Its limit in SI units.
        constraint: The number of the constraint that it is in.
    """

    quantity: str
    limit: float
    constraint: int


def read_constraints(
    given: Any, quantities: Mapping[str, str], limits: Mapping[str, float]
) -> list[Constrained]:
    """Return what constraints are about.

    Each is a name, whose quantity must stay within its limit; several names, whose squares as parts of their limits
    must not sum to more than 1; or a mapping from names to limits other than the usual ones.

    Args:
        given: What the user gave; None for no constraint.
        quantities: The names that there are, with those that they have in the family's layout.
        limits: The usual limits, by name.

    Raises:
        ValueError: For an unknown name, naming the nearest, or one without a usual limit.
        TypeError: For anything else.
    """
    if given is None:
        return []
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise TypeError(
            "constraints are a list of names, of lists of names and of mappings from names to limits, "
            f"got {given!r}"
        )
    read = []
    for number, constraint in enumerate(given):
        names = (constraint,) if isinstance(constraint, str) else constraint
        if not isinstance(names, Iterable) or not names:
            raise TypeError(f"constraint {number} must name quantities, got {constraint!r}")
        for name in names:
            if name not in quantities:
                raise unknown_error(f"quantity of constraint {number}", name, quantities)
            limit = names[name] if isinstance(names, Mapping) else limits.get(name)
            if limit is None:
                raise ValueError(
                    f"constraint {number}: {name!r} has no limit of its own; give one, "
                    f"as in {{{name!r}: 1.0}}"
                )
            limit = check_number(f"limit of {name!r}", limit, above=0.0)
            read.append(Constrained(quantities[name], limit, number))
    return read


def with_constraints(table: np.ndarray, constrained: list[Constrained]) -> np.ndarray:
    """Return a task's table with its constraints, longer where that takes more rows.

    Args:
        table: The table, columns of ``TASK``.
        constrained: What the constraints are about.
    """
    if len(constrained) > len(table):
        table = np.vstack([table, np.zeros((len(constrained) - len(table), len(TASK)))])
    for row, one in zip(table, constrained, strict=False):
        row[K.constrained] = QUANTITIES.index(one.quantity)
        row[K.constrained_factor], row[K.constraint] = 1.0 / one.limit, one.constraint
    return table
