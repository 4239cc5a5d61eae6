"""What agents came to on the same episodes, and where such values lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Sample", "as_matrix", "iqm", "location"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What one agent came to, trainings by episodes; all agents of a page have the same episodes in the same order.

    Attributes:
        values: (trainings, episodes).
        full: entries that no trimming may leave out, such as failures, (trainings, episodes).
    """

    values: Array
    full: NDArray[np.bool_]

    @classmethod
    def of(cls, values: ArrayLike, full: ArrayLike | bool = False) -> Sample:
        """Check values, (episodes,) or (trainings, episodes), and mark what counts in full.

        Raises:
            ValueError: empty, NaN, or of another number of dimensions.
        """
        matrix = as_matrix(values)
        flags = np.broadcast_to(np.asarray(full, dtype=np.bool_), matrix.shape)
        return cls(matrix, flags)

    @property
    def trainings(self) -> int:
        """Number of rows."""
        return self.values.shape[0]

    @property
    def episodes(self) -> int:
        """Number of columns."""
        return self.values.shape[1]

    @property
    def location(self) -> float:
        """The :func:`location` of all entries."""
        return float(location(self.values.ravel(), self.full.ravel()))


def iqm(values: ArrayLike) -> Array:
    """Interquartile mean: the mean of what is left without the lowest and the highest quarter.

    Cuts `int(n / 4)` values at each end, as `scipy.stats.trim_mean(values, 0.25)` does.

    Args:
        values: (..., n).

    Returns:
        (...,), taken over the last axis.
    """
    array = np.asarray(values, dtype=np.float64)
    count = array.shape[-1]
    cut = count // 4
    kept = np.sort(array, axis=-1)[..., cut : count - cut]
    # Between two infinities of one sign the mean is that infinity, which np.mean gets right.
    return np.mean(kept, axis=-1)


def location(values: ArrayLike, full: ArrayLike) -> Array:
    """Interquartile mean that trims no failure.

    With n entries of which f count in full, it is ``((n - f) iqm(the others) + sum(those)) / n``.

    Args:
        values: (..., n), finite.
        full: (..., n) bool, which entries count in full.

    Returns:
        (...,), taken over the last axis.
    """
    array = np.asarray(values, dtype=np.float64)
    counted = np.broadcast_to(np.asarray(full, dtype=np.bool_), array.shape)
    if not counted.any():
        return iqm(array)
    count = array.shape[-1]
    failed = np.sum(array, axis=-1, where=counted)
    sound = count - np.count_nonzero(counted, axis=-1)
    # The sound entries come first in order, so that their middle is a difference of partial sums.
    ordered = np.sort(np.where(counted, np.inf, array), axis=-1)
    ordered = np.where(np.isinf(ordered), 0.0, ordered)
    sums = np.concatenate([np.zeros((*array.shape[:-1], 1)), np.cumsum(ordered, axis=-1)], axis=-1)
    cut = sound // 4
    upper = np.take_along_axis(sums, np.asarray(sound - cut)[..., None], axis=-1)[..., 0]
    lower = np.take_along_axis(sums, np.asarray(cut)[..., None], axis=-1)[..., 0]
    middle = (upper - lower) / np.maximum(sound - 2 * cut, 1)
    return (sound * middle + failed) / count


def as_matrix(scores: ArrayLike) -> Array:
    """Scores as (trainings, episodes), checked.

    Args:
        scores: (episodes,) or (trainings, episodes).

    Raises:
        ValueError: empty, NaN, or of another number of dimensions.
    """
    array = np.asarray(scores, dtype=np.float64)
    array = array[None, :] if array.ndim == 1 else array
    if array.ndim != 2 or array.size == 0:
        raise ValueError(
            f"scores have shape {np.shape(scores)}, expected (episodes,) or (trainings, episodes)"
        )
    if np.isnan(array).any():
        row, column = np.argwhere(np.isnan(array))[0]
        raise ValueError(f"scores hold NaN (training {row}, episode {column})")
    return array
