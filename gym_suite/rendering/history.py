"""The last rows of an episode, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["History"]


class History:
    """A ring of the newest rows; a long episode keeps every ``stride``-th row and the newest one.

    Memory grows with what is stored and ends at ``capacity`` rows, however long the episode.

    Args:
        width: Number of values in a row.
        capacity: Most rows kept, at least 2.
        stride: Rows between two that are kept.
    """

    def __init__(self, width: int, *, capacity: int = 2048, stride: int = 1) -> None:
        if capacity < 2 or stride < 1:
            raise ValueError(
                f"a history needs capacity >= 2 and stride >= 1, got {capacity} and {stride}"
            )
        self.capacity = capacity
        self.stride = stride
        self._rows = np.empty((min(64, capacity), width))
        self._steps = np.empty(len(self._rows), np.int64)
        self._written = 0  # rows kept for good since the episode began
        self._last = -1  # step of the newest row, -1 when there is none

    def __len__(self) -> int:
        return min(self._written + self._pending, self.capacity)

    @property
    def step(self) -> int:
        """Step of the newest row, -1 when there is none."""
        return self._last

    @property
    def _pending(self) -> int:
        """1 when the newest row sits in a slot that the next row takes over, else 0."""
        return int(self._last >= 0 and self._last % self.stride != 0)

    def clear(self) -> None:
        """Forget every row."""
        self._written = 0
        self._last = -1

    def append(self, step: int, row: NDArray[np.float64]) -> None:
        """Add the row of ``step``; rows of this step and later ones are forgotten first.

        So an episode that goes on from a snapshot of its past shows what really came before.

        Args:
            step: Control periods since the reset.
            row: Values (width,), copied.
        """
        while self._written and step <= self._steps[(self._written - 1) % self.capacity]:
            self._written -= 1
        slot = self._written % self.capacity
        if slot == len(self._rows) and slot < self.capacity:
            self._grow()
        self._rows[slot] = row
        self._steps[slot] = step
        self._last = step
        if step % self.stride == 0:
            self._written += 1

    def newest(self) -> NDArray[np.float64]:
        """Return the newest row (width,)."""
        if self._last < 0:
            raise RuntimeError("the history is empty: call reset() first")
        return self._rows[(self._written - 1 + self._pending) % self.capacity].copy()

    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the steps (k,) and rows (k, width) kept, oldest first, as copies."""
        total = self._written + self._pending
        if total <= self.capacity:
            return self._steps[:total].copy(), self._rows[:total].copy()
        order = np.arange(total - self.capacity, total) % self.capacity
        return self._steps[order], self._rows[order]

    def _grow(self) -> None:
        length = min(2 * len(self._rows), self.capacity)
        rows = np.empty((length, self._rows.shape[1]))
        steps = np.empty(length, np.int64)
        rows[: len(self._rows)] = self._rows
        steps[: len(self._steps)] = self._steps
        self._rows, self._steps = rows, steps
