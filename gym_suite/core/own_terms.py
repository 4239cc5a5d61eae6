"""Reward terms and observed quantities of a user's own: formulas or functions of named columns.

They are reckoned by NumPy after the compiled step, for all worlds at once: :class:`gym_suite.core.rows.Rows` calls
them, so that every face has them. Terms are metrics like the id's own, quantities stand behind its observation columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_suite.core.columns import Column, Columns, Term
from gym_suite.core.expressions import Formula
from gym_suite.core.parameters import check_keywords, check_number

if TYPE_CHECKING:
    from gym_suite.core.family import Setup
    from gym_suite.core.marks import Mark

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


@dataclass(frozen=True, slots=True)
class OwnQuantity:
    """An observed quantity of a user's own.

    Attributes:
        name: Of its observation column.
        value: Function of the columns by name, each (n,), that returns the quantity, (n,) or a number.
        low: Smallest value that is observed; what is below counts as it.
        high: Largest value that is observed.
    """

    name: str
    value: Callable[[Mapping[str, np.ndarray]], Any]
    low: float
    high: float


class Named(Mapping[str, np.ndarray]):
    """The columns of some worlds by name, each (n,): metrics, else the action that arrived, else the state.

    Args:
        places: Which array and which column of it each name means, as :func:`places_by_name` says.
        m: Metrics, (n, metrics).
        u: Actions, (n, nu).
        x: States, (n, nx).
    """

    __slots__ = ("_arrays", "_places")

    def __init__(
        self,
        places: Mapping[str, tuple[int, int]],
        m: np.ndarray,
        u: np.ndarray,
        x: np.ndarray,
    ) -> None:
        self._arrays = m, u, x
        self._places = places

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
        value, meaning = _read("reward_terms", f"reward term {name!r}", name, given, places)
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


def _read(
    keyword: str, what: str, name: str, given: Any, places: Mapping[str, tuple[int, int]]
) -> tuple[Callable[[Mapping[str, np.ndarray]], Any], str]:
    """Return the function that a formula, a number or a function means, and what it is for the page.

    Raises:
        TypeError: For anything else.
        ValueError: For a formula that is none.
    """
    if isinstance(given, int | float):  # as a command line reads "-1"
        given = repr(float(given))
    if isinstance(given, str):
        return Formula(given, places, what), f"own: `{given}`"
    if callable(given):
        return given, f"own: {getattr(given, '__name__', type(given).__name__)}"
    raise TypeError(
        f"{keyword}: {name!r} must be a formula or a function of the columns by name, got {given!r}"
    )


def with_own_quantities(setup: Setup, quantities: Any) -> Setup:
    """Return a setup whose agents observe quantities of a user's own behind the id's columns.

    A ceiling is the best of agents that observe what the id shows, so ceilings are left out then; optima and bounds
    that nobody can pass stay.

    Args:
        setup: As the family made it.
        quantities: Name to formula or function of the columns by name, or to a mapping with it as "value" and bounds as
            "low" and "high"; None for none.

    Raises:
        TypeError: If it is no mapping, or a quantity neither a formula nor a function.
        ValueError: For a name that cannot be or that is observed already, a formula that is none, bounds that are none,
            or an id whose observation is a picture alone.
    """
    if not quantities:
        return setup
    if not isinstance(quantities, Mapping):
        raise TypeError(f"observed_quantities must map names to formulas, got {quantities!r}")
    if not setup.flat:
        raise ValueError(
            f"observed_quantities need columns to stand behind; {setup.id} observes pictures alone here"
        )
    # An action is no part of a snapshot, so a quantity that names one could not be observed again after a restore.
    places = {name: at for name, at in places_by_name(setup).items() if at[0] != 1}
    own, columns = [], []
    for name, given in quantities.items():
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"observed_quantities: a name is letters, digits and _, got {name!r}")
        if name in setup.observation_columns:
            raise ValueError(f"observed_quantities: {setup.id} observes {name!r} already")
        if not isinstance(given, Mapping):
            given = {"value": given}
        check_keywords(given, ("value", "low", "high"), f"part of the observed quantity {name!r}")
        what = f"observed quantity {name!r}"
        low, high = (
            check_number(f"{end} of the {what}", given[end]) if end in given else unbounded
            for end, unbounded in (("low", -np.inf), ("high", np.inf))
        )
        if not low < high:
            raise ValueError(f"{what}: low must be below high, got {low:g} and {high:g}")
        value, meaning = _read("observed_quantities", what, name, given.get("value"), places)
        own.append(OwnQuantity(name, value, low, high))
        columns.append(Column(name, "1", low, high, meaning))
    return replace(
        setup,
        observation_columns=Columns(*setup.observation_columns, *columns),
        own_observed=tuple(own),
        seen_columns=places,
        marks=None if setup.marks is None else _WithoutCeilings(setup.marks),
    )


@dataclass(frozen=True, slots=True)
class _WithoutCeilings:
    """The figures that returns are put beside, without those of agents that observe less."""

    marks: Callable[[int], tuple[Mark, ...]]

    def __call__(self, steps: int) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks(steps) if mark.kind != "ceiling")


def _one_a_world(name: str, value: Any, n: int) -> np.ndarray:
    """Return what a function of a user's own gave for n worlds, (n,).

    Raises:
        ValueError: If it is not finite, or is no number a world.
    """
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in ((), (n,)):
        raise ValueError(f"{name} must have shape ({n},), got {values.shape}")
    every = np.broadcast_to(values, n)
    if not np.isfinite(values).all():
        world = int(np.argmin(np.isfinite(every)))
        raise ValueError(f"{name} is {every[world]} in world {world}; it must be finite")
    return every


def show(setup: Setup, m: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return a user's own observed quantities of some worlds, float32 (n, quantities), within their bounds.

    Args:
        setup: Of the worlds.
        m: Metrics, (n, metrics).
        x: States, (n, nx).

    Raises:
        ValueError: If a quantity is not finite, or is no number a world.
    """
    shown = np.empty((len(m), len(setup.own_observed)), dtype=np.float32)
    columns = Named(setup.seen_columns, m, m, x)
    largest = float(np.finfo(np.float32).max)
    with np.errstate(all="ignore"):  # what is not finite is told below, with its name
        for k, quantity in enumerate(setup.own_observed):
            value = _one_a_world(quantity.name, quantity.value(columns), len(m))
            low, high = max(quantity.low, -largest), min(quantity.high, largest)
            shown[:, k] = np.clip(value, low, high)
    return shown


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
    columns, n = Named(setup.own_columns, m, u, x), len(m)
    first = m.shape[1] - len(setup.own_terms)
    with np.errstate(all="ignore"):  # what is not finite is told below, with its name
        for k, term in enumerate(setup.own_terms):
            m[:, first + k] = _one_a_world(term.name, term.value(columns), n)
            reward += m[:, first + k, None]
