"""Recorded random draws, injected into one world or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gym_suite.core.family import Setup
from gym_suite.core.rows import Rows
from gym_suite.core.snapshots import SAME
from gym_suite.radio.scenario.draws import read_draws
from gym_suite.radio.scenario.mapping import read_mapping

#: Step to the entity's place to the channel drawn, -1 for silence.
Draws = Mapping[int, Mapping[int, float]]


class InjectedDraws:
    """The draws still to come in each of some worlds.

    Args:
        setup: Of the worlds.
        rows: The worlds.
    """

    def __init__(self, setup: Setup, rows: Rows) -> None:
        self._setup, self._rows = setup, rows
        self.worlds: list[Draws] = [{}] * rows.n
        names = setup.state_columns.names
        drawn = [i for i, name in enumerate(names) if name.startswith("draw_")]
        self._columns = slice(drawn[0], drawn[-1] + 1) if drawn else slice(0)

    def read(self, given: Any) -> list[Draws]:
        """Return the draws of each world.

        Args:
            given: In the recordings' form, a list of draws for all worlds, or a list of such lists,
                one a world; None or empty for none.

        Raises:
            ValueError: For a draw that cannot be, naming its place, or an id without a scenario.
        """
        if not given:
            return [{}] * self._rows.n
        if "scenario" not in self._setup.keywords:
            raise ValueError(
                f"reset option 'draws': {self._setup.id} has no scenario whose draws could be injected"
            )
        scenario = read_mapping(self._setup.keywords["scenario"])
        if not isinstance(given, Sequence) or not all(isinstance(one, list) for one in given):
            return [read_draws(given, scenario)] * self._rows.n
        if len(given) != self._rows.n:
            raise ValueError(
                f"draws must be one list, or one a world, {self._rows.n}, got {len(given)}"
            )
        return [read_draws(one, scenario) if one else {} for one in given]

    def kept(self, given: Any) -> list[Draws]:
        """Return the draws of each world that a snapshot has kept.

        Args:
            given: As a snapshot has them.

        Raises:
            ValueError: If they are not those of as many worlds.
        """
        mappings = isinstance(given, Sequence) and all(isinstance(one, Mapping) for one in given)
        if not mappings or len(given) != self._rows.n:
            raise ValueError(
                f"the snapshot's draws must be {self._rows.n} mappings, one a world: {SAME}"
            )
        return list(given)

    def store(
        self, draws: Sequence[Draws], steps: np.ndarray, mask: np.ndarray
    ) -> np.ndarray | None:
        """Put the channels drawn in a step where the entities look for them.

        Args:
            draws: Of each world.
            steps: The step of each world that is to come, (n,).
            mask: Which worlds, bool (n,).

        Returns:
            What stood there before, for :meth:`restore`; None where nothing was stored.
        """
        if not any(draws):
            return None
        columns = self._rows.x[:, self._columns]
        before = columns.copy()
        for i in np.flatnonzero(mask).tolist():
            columns[i] = 0.0  # none
            for place, channel in draws[i].get(int(steps[i]), {}).items():
                columns[i, place] = channel + 2.0
        return before

    def restore(self, before: np.ndarray | None) -> None:
        """Undo :meth:`store`, where a step or reset was refused."""
        if before is not None:
            self._rows.x[:, self._columns] = before
