"""Reward terms of a user's own: formulas or functions of named columns, added to what an id pays.

They are reckoned by NumPy after the compiled step, for all worlds at once, and are metrics like the id's own terms:
:class:`gym_suite.core.rows.Rows` calls them, so that every face has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_suite.core.columns import Column, Columns, Term
from gym_suite.core.expressions import Formula

if TYPE_CHECKING:
    from gym_suite.core.family import Setup

#: What the names of metrics that are reward terms begin with.
PREFIX = "reward_"


@dataclass(frozen=True, slots=True)
class OwnTerm:
    """A reward term of a user's own.

    Attributes:
        name: Of its metric.
        value: Function of the columns by name, each (n,), that returns the term, (n,) or a number.
    """

    name: str
    value: Callable[[Mapping[str, np.ndarray]], Any]


class Named(Mapping[str, np.ndarray]):
    """The columns of some worlds by name, each (n,): metrics, else the action that arrived, else the state.

    Args:
        setup: Of the worlds.
        m: Metrics, (n, metrics).
        u: Actions, (n, nu).
        x: States, (n, nx).
    """

    __slots__ = ("_arrays", "_places")

    def __init__(self, setup: Setup, m: np.ndarray, u: np.ndarray, x: np.ndarray) -> None:
        self._arrays = m, u, x
        self._places = setup.own_columns

    def __getitem__(self, name: str) -> np.ndarray:
        array, column = self._places[name]
        return self._arrays[array][:, column]

    def __iter__(self) -> Any:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def places_by_name(setup: Setup) -> dict[str, tuple[int, int]]:
    """Return which array and which column of it each name means: 0 the metrics, 1 the actions, 2 the state."""
    metrics = [name for name in setup.metric_columns.names if not name.startswith(PREFIX)]
    actions = () if setup.agents else setup.action_columns.names
    found: dict[str, tuple[int, int]] = {}
    for name in metrics:
        found.setdefault(name, (0, setup.metric_columns.index(name)))
    for column, name in enumerate(actions):
        found.setdefault(name, (1, column))
    for column, about in enumerate(setup.state_columns):
        if not about.spare:
            found.setdefault(about.name, (2, column))
    return found


def with_own_terms(setup: Setup, terms: Any) -> Setup:
    """Return a setup whose reward has terms of a user's own.

    Figures that returns are put beside are of the id's own reward, so they are left out then.

    Args:
        setup: As the family made it.
        terms: Name to formula or function of the columns by name; None for none.

    Raises:
        TypeError: If it is no mapping, or a term neither a formula nor a function.
        ValueError: For a name that cannot be or that the id has, or a formula that is none.
    """
    if not terms:
        return setup
    if not isinstance(terms, Mapping):
        raise TypeError(f"reward_terms must map names to formulas, got {terms!r}")
    places = places_by_name(setup)
    own, columns, described = [], [], []
    for name, given in terms.items():
        full = f"{PREFIX}{name}"
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"reward_terms: a name is letters, digits and _, got {name!r}")
        if full in setup.metric_columns:
            raise ValueError(f"reward_terms: {setup.id} has a term {name!r} already")
        if isinstance(given, int | float):  # as a command line reads "-1"
            given = repr(float(given))
        if isinstance(given, str):
            value, meaning = Formula(given, places, f"reward term {name!r}"), f"own: `{given}`"
        elif callable(given):
            value, meaning = given, f"own: {getattr(given, '__name__', type(given).__name__)}"
        else:
            raise TypeError(
                f"reward_terms: {name!r} must be a formula or a function of the columns by name, got {given!r}"
            )
        own.append(OwnTerm(full, value))
        columns.append(Column(full, "1", meaning=meaning))
        described.append(Term(full, meaning))
    return replace(
        setup,
        metric_columns=Columns(*setup.metric_columns, *columns),
        terms=(*setup.terms, *described) if setup.terms else (),
        own_terms=tuple(own),
        own_columns=places,
        marks=None,
    )


def pay(setup: Setup, m: np.ndarray, u: np.ndarray, x: np.ndarray, reward: np.ndarray) -> None:
    """Fill the metrics of a user's own terms after a step, and add them to the rewards of all agents.

    Args:
        setup: Of the worlds.
        m: Metrics, (n, metrics); those of the own terms are the last.
        u: Actions that arrived, (n, nu).
        x: States, (n, nx).
        reward: (n, agents).

    Raises:
        ValueError: If a term is not finite, or is no number a world.
    """
    columns, n = Named(setup, m, u, x), len(m)
    first = m.shape[1] - len(setup.own_terms)
    with np.errstate(all="ignore"):  # what is not finite is told below, with its name
        for k, term in enumerate(setup.own_terms):
            value = np.asarray(term.value(columns), dtype=np.float64)
            if value.shape not in ((), (n,)):
                raise ValueError(f"{term.name} must have shape ({n},), got {value.shape}")
            if not np.isfinite(value).all():
                every = np.broadcast_to(value, n)
                world = int(np.argmin(np.isfinite(every)))
                raise ValueError(
                    f"{term.name} is {every[world]} in world {world}; it must be finite"
                )
            m[:, first + k] = value
            reward += m[:, first + k, None]
