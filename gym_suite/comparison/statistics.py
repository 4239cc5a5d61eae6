"""Interval estimates for small numbers of runs.

The interquartile mean, bootstrap intervals, the probability of improvement and performance
profiles, after Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021 (arXiv 2108.13264). Two things are done differently here, because every
method runs on the same episode seeds:

* differences and probabilities of improvement are *paired* on the episode seed by default;
* scores form a matrix, training seeds by episode seeds (one row for a method that is not trained).
  A resample draws rows and columns independently with replacement, the two-way bootstrap of Owen,
  "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007, which is never narrower than
  resampling the entries. Resampling episodes alone would hide that one lucky training run is no
  method.

Several tasks are strata: each is resampled by itself. Every function that draws takes a seed or a
`numpy.random.Generator`; nothing touches the global random state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Interval",
    "Profile",
    "bootstrap",
    "iqm",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
]

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Seed = int | np.random.Generator


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its percentile bootstrap interval.

    Attributes:
        estimate: the statistic of the data.
        low: lower end.
        high: upper end.
        confidence: nominal coverage, 0.95 by default.
    """

    estimate: float
    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Profile:
    """Share of runs that score above each threshold, with a pointwise interval.

    Attributes:
        thresholds: scores, (m,).
        share: share of runs above each threshold, (m,).
        low: lower ends, (m,).
        high: upper ends, (m,).
    """

    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def iqm(values: ArrayLike) -> NDArray[np.float64]:
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


def bootstrap(
    scores: ArrayLike | Sequence[ArrayLike],
    *,
    statistic: Statistic = iqm,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: Seed = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic of all scores together.

    Args:
        scores: one task as (episodes,) or (trainings, episodes), or a list of such arrays, one per
            task (stratum). A list of plain numbers is one task.
        statistic: reduces the last axis; must be vectorised over the others.
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.

    Raises:
        ValueError: a task is empty or holds NaN, or the confidence is outside (0, 1).
    """
    strata = _strata(scores)
    rng = np.random.default_rng(seed)
    drawn = [_resample(stratum, resamples, rng).reshape(resamples, -1) for stratum in strata]
    everything = np.concatenate([stratum.ravel() for stratum in strata])
    return _interval(float(statistic(everything)), statistic(np.hstack(drawn)), confidence)


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    statistic: Statistic = iqm,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: Seed = 0,
) -> Interval:
    """Interval of a statistic of `first - second`, paired on the episode seed.

    Training seeds of two learned methods have nothing in common: every training of one meets every
    training of the other, always on the same episode seed.

    Args:
        first: (episodes,) or (trainings, episodes).
        second: (episodes,) or (other trainings, episodes), the same seeds in the same order.
        statistic: reduces the last axis; must be vectorised over the others.
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.

    Raises:
        ValueError: empty, NaN, or different numbers of episodes.
    """
    a, b = _pair(first, second)
    rng = np.random.default_rng(seed)
    rows_a = rng.integers(a.shape[0], size=(resamples, a.shape[0]))
    rows_b = rng.integers(b.shape[0], size=(resamples, b.shape[0]))
    columns = rng.integers(a.shape[1], size=(resamples, 1, a.shape[1]))
    drawn_a = a[rows_a[:, :, None], columns]
    drawn_b = b[rows_b[:, :, None], columns]
    drawn = (drawn_a[:, :, None, :] - drawn_b[:, None, :, :]).reshape(resamples, -1)
    data = (a[:, None, :] - b[None, :, :]).ravel()
    return _interval(float(statistic(data)), statistic(drawn), confidence)


def probability_of_improvement(
    first: ArrayLike,
    second: ArrayLike,
    *,
    paired: bool = True,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: Seed = 0,
) -> Interval:
    """Probability that a run of `first` scores higher than a run of `second`; ties count half.

    Where every comparison has the same outcome the bootstrap knows no doubt; the interval then ends
    at the exact binomial limit for as many outcomes as there are episodes (Clopper and Pearson,
    "The use of confidence or fiducial limits", Biometrika 26(4), 1934).

    Args:
        first: (episodes,) or (trainings, episodes).
        second: (episodes,) or (other trainings, episodes).
        paired: compare on the same episode seed (the columns must agree). False compares every run
            with every run, the Mann-Whitney statistic of Agarwal et al. (2021).
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.

    Raises:
        ValueError: empty, NaN, or paired with different numbers of episodes.
    """
    a, b = _pair(first, second) if paired else (_matrix(first), _matrix(second))
    rng = np.random.default_rng(seed)
    # A resample is a count per row and per column, so the comparisons are done only once.
    rows_a = _weights(a.shape[0], resamples, rng)
    rows_b = _weights(b.shape[0], resamples, rng)
    columns_a = _weights(a.shape[1], resamples, rng)
    if paired:
        wins = _wins(a[:, None, :], b[None, :, :])
        drawn = np.einsum("ijk,rk->rij", wins, columns_a, optimize=True)
    else:
        columns_b = _weights(b.shape[1], resamples, rng)
        wins = _wins(a[:, :, None, None], b[None, None, :, :])
        # One product per pair of trainings keeps the intermediate at (resamples, episodes).
        drawn = np.empty((resamples, a.shape[0], b.shape[0]))
        for i in range(a.shape[0]):
            for j in range(b.shape[0]):
                drawn[:, i, j] = np.sum((columns_a @ wins[i, :, j, :]) * columns_b, axis=1)
    drawn = np.einsum("rij,ri,rj->r", drawn, rows_a, rows_b)
    interval = _interval(float(np.mean(wins)), drawn, confidence)
    return _never_certain(interval, min(a.shape[1], b.shape[1]))


def performance_profile(
    scores: ArrayLike | Sequence[ArrayLike],
    thresholds: ArrayLike,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: Seed = 0,
) -> Profile:
    """Share of runs whose score exceeds each threshold, averaged over tasks.

    Args:
        scores: one task as (episodes,) or (trainings, episodes), or a list of such arrays.
        thresholds: (m,).
        resamples: number of bootstrap resamples.
        confidence: nominal pointwise coverage, between 0 and 1.
        seed: integer or generator.

    Raises:
        ValueError: a task is empty or holds NaN, or the confidence is outside (0, 1).
    """
    strata = _strata(scores)
    tau = np.asarray(thresholds, dtype=np.float64)
    rng = np.random.default_rng(seed)
    share = np.zeros(tau.size)
    drawn = np.zeros((resamples, tau.size))
    for stratum in strata:
        above = (stratum[:, :, None] > tau).astype(np.float64)
        rows = _weights(stratum.shape[0], resamples, rng)
        columns = _weights(stratum.shape[1], resamples, rng)
        share += above.mean(axis=(0, 1)) / len(strata)
        drawn += np.einsum("ijt,ri,rj->rt", above, rows, columns, optimize=True) / len(strata)
    low, high = _percentiles(drawn, confidence)
    return Profile(tau, share, low, high)


def _matrix(scores: ArrayLike) -> NDArray[np.float64]:
    """Scores as (trainings, episodes), checked."""
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


def _strata(scores: ArrayLike | Sequence[ArrayLike]) -> list[NDArray[np.float64]]:
    """The tasks, each as (trainings, episodes)."""
    if isinstance(scores, list | tuple) and scores and np.ndim(scores[0]) > 0:
        return [_matrix(task) for task in scores]
    return [_matrix(scores)]  # type: ignore[arg-type]


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[NDArray, NDArray]:
    """Two matrices on the same episode seeds."""
    a, b = _matrix(first), _matrix(second)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"paired scores need the same episode seeds, got {a.shape[1]} and {b.shape[1]} episodes"
        )
    return a, b


def _resample(
    stratum: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Rows and columns drawn with replacement: (resamples, trainings, episodes)."""
    trainings, episodes = stratum.shape
    rows = rng.integers(trainings, size=(resamples, trainings, 1))
    columns = rng.integers(episodes, size=(resamples, 1, episodes))
    return stratum[rows, columns]


def _weights(count: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each of `count` items is drawn, as shares that sum to 1: (resamples, count)."""
    return rng.multinomial(count, np.full(count, 1.0 / count), size=resamples) / count


def _wins(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where a is higher, 0.5 where equal, 0 where lower."""
    return (a > b) + 0.5 * (a == b)


def _never_certain(interval: Interval, count: int) -> Interval:
    """Widen an interval of a share that came out as exactly 0 or 1."""
    if interval.estimate not in (0.0, 1.0):
        return interval
    limit = (0.5 * (1.0 - interval.confidence)) ** (1.0 / count)
    if interval.estimate == 1.0:
        return Interval(1.0, limit, 1.0, interval.confidence)
    return Interval(0.0, 0.0, 1.0 - limit, interval.confidence)


def _percentiles(drawn: NDArray[np.float64], confidence: float) -> tuple[NDArray, NDArray]:
    """The two percentiles over the first axis."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}, expected a number between 0 and 1")
    tail = 50.0 * (1.0 - confidence)
    # Between infinite values there is nothing to interpolate.
    method = "linear" if np.isfinite(drawn).all() else "nearest"
    low, high = np.percentile(drawn, [tail, 100.0 - tail], axis=0, method=method)
    return low, high


def _interval(estimate: float, drawn: NDArray[np.float64], confidence: float) -> Interval:
    low, high = _percentiles(drawn, confidence)
    return Interval(estimate, float(low), float(high), confidence)
