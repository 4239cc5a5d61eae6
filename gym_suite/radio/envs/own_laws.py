"""Jammers and emitters whose law is a user's own: formulas or functions of the state by name, outside the kernels.

Before every compiled step the laws say on which channel their entities are to transmit; the channels are put where
recorded draws are injected, so that air, sensing, tasks and metrics are those of every other entity. What a law
remembers is a state column, so snapshots and copies hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gym_suite.core.expressions import Formula
from gym_suite.core.family import Setup, first_not_finite
from gym_suite.core.kernel import kernel
from gym_suite.core.own_terms import Named
from gym_suite.core.random import uniform
from gym_suite.core.rows import Rows
from gym_suite.radio.columns import DRAW_SILENT, SILENT
from gym_suite.radio.scenario.kinds import MEMORY
from gym_suite.radio.scenario.model import Entity, Scenario

#: What laws may name besides the columns of the state: the step that is to be played, the number of channels, a number
#: uniform in [0, 1) that the episode's key decides for every step, and what the law remembered last.
EXTRA = ("step", "channels", "chance", "memory")

Value = Callable[[Mapping[str, np.ndarray]], Any]


@dataclass(frozen=True, slots=True)
class OwnLaw:
    """The law of one entity.

    Attributes:
        name: The entity's.
        number: Its place among the entities, which is the stream of its chance.
        channel: Function of the columns by name that returns its channels, -1 for silence.
        memory: Function that returns what is remembered, or None: what was.
        draw: State column in which its channel is injected.
        pointer: State column of its memory.
    """

    name: str
    number: int
    channel: Value
    memory: Value | None
    draw: int
    pointer: int


def engine_of(scenario: Scenario, columns: Sequence[str]) -> Callable[[Setup, int], Any] | None:
    """Return what moves the rows of a scenario in which somebody has a law of a user's own; None for the kernels alone.

    Args:
        scenario: Who is there.
        columns: Names of the state's columns.

    Raises:
        ValueError: For a formula that is none, naming the entity.
        TypeError: For a law that is neither a formula nor a function.
    """
    names = list(columns)
    laws = [
        OwnLaw(
            entity.name,
            number,
            _read(entity, "law", names),
            _read(entity, "memory", names) if entity.memory else None,
            names.index(f"draw_{entity.name}"),
            names.index(f"pointer_{entity.name}"),
        )
        for number, entity in enumerate(scenario.entities)
        if entity.kind == "own"
    ]
    if not laws:
        return None
    places = {name: (2, column) for column, name in enumerate(names)}
    return partial(OwnLaws, tuple(laws), places, scenario.channels)


def _read(entity: Entity, key: str, names: Sequence[str]) -> Value:
    given = getattr(entity, key)
    what = f"{key} of the entity {entity.name!r}"
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = repr(float(given))
    if isinstance(given, str):
        return Formula(given, (*EXTRA, *names), what)
    if callable(given):
        return given
    raise TypeError(f"{what} must be a formula or a function of the columns by name, got {given!r}")


class OwnLaws:
    """Moves rows by the compiled step after the laws have spoken; see :class:`gym_suite.core.family.Advance`.

    Args:
        laws: Of the entities that have one.
        places: Column of the state of each name, as :class:`gym_suite.core.own_terms.Named` takes them.
        channels: Of the band.
        setup: Of the rows.
        n: Number of rows.
    """

    def __init__(
        self,
        laws: tuple[OwnLaw, ...],
        places: Mapping[str, tuple[int, int]],
        channels: int,
        setup: Setup,
        n: int,
    ) -> None:
        self._laws, self._channels = laws, channels
        self._places = {**places, **{name: (0, k) for k, name in enumerate(EXTRA)}}
        self._extra = np.zeros((n, len(EXTRA)))
        self._extra[:, EXTRA.index("channels")] = channels

    def reset(self, rows: Rows, mask: np.ndarray) -> None:
        """Leave the rows as the kernels have started them: in step 0 nobody with a law of its own transmits."""

    def step(self, rows: Rows, skip: np.ndarray) -> int:
        """Move all rows not skipped by one step; return -1 or the index of an action that is not finite.

        Raises:
            ValueError: If a law gives no channel that there is; nothing has moved then.
        """
        wrong = first_not_finite(rows.u, skip)
        if wrong >= 0:
            return wrong
        live = ~skip
        told = [(law, *self._ask(law, rows, live)) for law in self._laws]
        for law, channel, memory in told:
            rows.x[live, law.draw] = channel + (DRAW_SILENT - SILENT)
            rows.x[live, law.pointer] = memory
        setup = rows.setup
        return setup.kernels.step(
            rows.x,
            rows.key,
            rows.step,
            rows.u,
            rows.p,
            setup.tables,
            rows.work,
            rows.metrics,
            rows.o,
            rows.reward,
            rows.terminated,
            skip,
        )

    def _ask(self, law: OwnLaw, rows: Rows, live: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return channel and memory of an entity in the coming step of the live rows, each (live,)."""
        extra = self._extra[: int(live.sum())]
        _fill(extra, rows.key[live], rows.step[live] + 1, law.number)
        x = rows.x[live]
        extra[:, EXTRA.index("memory")] = x[:, law.pointer]
        columns = Named(self._places, extra, extra, x)
        with np.errstate(all="ignore"):  # what is not finite is told below
            channel = self._whole(law, "law", law.channel(columns), len(x), -1, self._channels - 1)
            if law.memory is None:
                return channel, x[:, law.pointer]
            return channel, self._whole(law, "memory", law.memory(columns), len(x), 0, MEMORY)

    def _whole(self, law: OwnLaw, key: str, value: Any, n: int, low: int, high: int) -> np.ndarray:
        values = np.asarray(value, dtype=np.float64)
        if values.shape not in ((), (n,)):
            raise ValueError(
                f"{key} of the entity {law.name!r} must have shape ({n},), got {values.shape}"
            )
        every = np.broadcast_to(values, n)
        allowed = (every >= low) & (every <= high) & (every == np.floor(every))
        if not allowed.all():
            world = int(np.argmin(allowed))
            raise ValueError(
                f"{key} of the entity {law.name!r} must be a whole number from {low} to {high}, got "
                f"{every[world]:g} in world {world}"
            )
        return every

    def capture(self, rows: Rows, mask: np.ndarray) -> None:
        """Draw nothing: a band has no pictures."""

    def get_state(self) -> None:
        """Return nothing: all that a law remembers is in the rows."""

    def set_state(self, rows: Rows, state: Any) -> None:
        """Restore nothing."""

    def close(self) -> None:
        """Free nothing."""


@kernel
def _fill(extra, key, step, stream):
    """Fill step and chance of each row of extra, (n, 4)."""
    for i in range(extra.shape[0]):
        extra[i, 0] = step[i]
        extra[i, 2] = uniform(key[i], step[i], stream)
