"""Worlds of a band without an environment around them, for bounds and for trying out detectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.radio import loops
from gym_suite.radio.air.iq import work_size
from gym_suite.radio.parameters import P
from gym_suite.radio.tables import Band
from gym_suite.radio.tasks import work_size as task_work_size


class Worlds:
    """Worlds at the start of an episode: step 0 was played with the agents silent. They sense truly.

    Args:
        band: Who is there.
        keys: Key of each world, uint64 (n,).

    Attributes:
        x: States, (n, nx).
        key: Keys, (n,).
        step: Steps since the start, (n,).
        p: Parameters, (1, np).
        tables: Of the band.
        work: Scratch, enough for the samples of a channel.
    """

    def __init__(self, band: Band, keys: ArrayLike) -> None:
        self.band = band
        self.key = np.array(keys, dtype=np.uint64)
        count, agents = len(self.key), len(band.roles)
        self.x = np.zeros((count, len(band.columns)))
        self.step = np.zeros(count, dtype=np.int64)
        self.p = band.row[None].copy()
        self.tables = band.tables(np.zeros((0, 3)))  # nothing is told of a step
        size = max(task_work_size(agents), work_size(int(band.row[P.samples])))
        self.work = np.zeros((count, size))
        seen = int(band.row[P.history] + 1) * band.scenario.channels + 2
        self._told = np.zeros((0, count)), np.zeros((count, agents * seen), dtype=np.float32)
        self._reward, self._ended = np.zeros((count, agents)), np.zeros((count, agents), np.bool_)
        self._none = np.zeros(count, dtype=np.bool_)
        loops.reset_batch(
            self.x, self.key, self.p, self.tables, self.work, *self._told, ~self._none
        )

    def advance(self, actions: ArrayLike) -> None:
        """Move all worlds by one step.

        Args:
            actions: Of the agents, (n, agents): 0 is silence, k is channel k - 1.
        """
        u = np.array(np.broadcast_to(actions, self._reward.shape), dtype=np.float64)
        loops.step_batch(
            *(self.x, self.key, self.step, u, self.p, self.tables, self.work),
            *(*self._told, self._reward, self._ended, self._none),
        )

    @property
    def occupancy(self) -> NDArray[np.float64]:
        """Per world and channel 0, the number of the only transmitter heard, or one more than the last, (n, C)."""
        first = self.band.columns.index("occupancy_0")
        return self.x[:, first : first + self.band.scenario.channels]
