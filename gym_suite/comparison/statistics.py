"""Interval estimates for small numbers of runs.

After Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021
(arXiv 2108.13264): interquartile means, bootstrap intervals, the probability of improvement and performance
profiles. What is done differently, and why:

* **Failures are never trimmed.** An interquartile mean is blind to what happens in less than a quarter of the
  episodes. :func:`~gym_suite.comparison.samples.location` is the interquartile mean of the sound episodes, into which
  the failed ones enter with their full weight; without failures it is the interquartile mean, and of outcomes that are
  0 or 1 it is the mean.
* **All agents run on the same episode seeds**, so a resample draws the same episodes for everybody: differences,
  probabilities of improvement and scores are paired, and the score's two anchors are drawn anew with the agent.
* **Trainings are drawn too.** Values form a matrix, trainings by episodes (one row for a method that is not trained).
  Rows and columns are drawn independently with replacement, the two-way bootstrap of Owen, "The pigeonhole bootstrap",
  Annals of Applied Statistics 1(2), 2007, which is never narrower than resampling the entries.
* **Few are few.** A percentile interval of five trainings is too narrow: it covers as if the spread of five values
  were known. Its ends are moved outwards by what Student's t asks for and by the factor that the bootstrap's variance
  falls short (Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69(4), 2015,
  section 4: the expanded percentile interval), with one degree of freedom less than there are trainings or episodes,
  whichever are fewer. What that comes to is measured in :mod:`gym_suite.comparison.coverage`.

Several tasks are strata: each is resampled by itself. Every function that draws takes a seed or a
`numpy.random.Generator`; nothing touches the global random state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from gym_suite.comparison.samples import Sample, as_matrix, iqm, location

__all__ = [
    "Interval",
    "Profile",
    "bootstrap",
    "contrast",
    "fewest",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
    "score",
    "share",
    "t_factor",
    "total_score",
    "within",
]

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
Seed = int | np.random.Generator

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its bootstrap interval.

    Attributes:
        estimate: the statistic of the data.
        low: lower end; minus infinity where the data cannot tell, as of a single episode.
        high: upper end.
        confidence: nominal coverage, 0.95 by default.
    """

    estimate: float
    low: float
    high: float
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Profile:
    """Share of runs that score above each threshold, with a pointwise interval.

    Attributes:
        thresholds: scores, (m,).
        share: share of runs above each threshold, (m,).
        low: lower ends, (m,).
        high: upper ends, (m,).
    """

    thresholds: Array
    share: Array
    low: Array
    high: Array


def t_factor(*counts: int, confidence: float = CONFIDENCE) -> float:
    """By how much to widen a percentile interval that rests on so few trainings or episodes.

    Args:
        counts: numbers of trainings and of episodes that were drawn from; a number of 1 was not drawn from.
        confidence: nominal coverage.

    Returns:
        ``t / z * sqrt(n / (n - 1))`` of the smallest number n; infinite where nothing was drawn.
    """
    drawn = [count for count in counts if count > 1]
    if not drawn:
        return math.inf
    fewest = min(drawn)
    tail = 0.5 * (1.0 + confidence)
    return float(
        stdtrit(fewest - 1, tail) / ndtri(tail) * math.sqrt(fewest / (fewest - 1)),
    )


def fewest(trainings: int, episodes: int) -> int:
    """The smallest number that was drawn from, by which :func:`t_factor` widens.

    A method that is not trained has one row, from which nothing is drawn. Of a single episode nobody knows how others
    would have gone, however many trainings there are.

    Args:
        trainings: their number.
        episodes: their number.
    """
    return episodes if trainings == 1 else min(trainings, episodes)


def bootstrap(
    scores: ArrayLike | Sequence[ArrayLike],
    *,
    statistic: Statistic = iqm,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> Interval:
    """Expanded percentile interval of a statistic of all scores together.

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
    counts = [fewest(*stratum.shape) for stratum in strata]
    return _expanded(float(statistic(everything)), statistic(np.hstack(drawn)), counts, confidence)


def share(
    happened: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> Interval:
    """Share of the episodes in which something happened, between 0 and 1.

    Where it happened always or never the bootstrap knows no doubt; the interval then ends at the exact
    binomial limit for as many outcomes as there are episodes (Clopper and Pearson, "The use of confidence or
    fiducial limits", Biometrika 26(4), 1934).

    Args:
        happened: (episodes,) or (trainings, episodes) of 0 and 1.
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.
    """
    matrix = as_matrix(happened)
    interval = bootstrap(
        matrix, statistic=_mean, resamples=resamples, confidence=confidence, seed=seed
    )
    return within(_never_certain(interval, matrix.shape[1]), 0.0, 1.0)


def within(interval: Interval, lowest: float = -math.inf, highest: float = math.inf) -> Interval:
    """An interval cut off where its quantity ends.

    Args:
        interval: that may have been expanded beyond.
        lowest: what the quantity cannot fall below.
        highest: what it cannot exceed.
    """
    low, high = max(interval.low, lowest), min(interval.high, highest)
    return Interval(interval.estimate, low, high, interval.confidence)


def contrast(
    samples: Sequence[Sample | float],
    combine: Callable[..., Array],
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> tuple[Interval, float]:
    """Interval of a function of several agents' locations, all drawn on the same episodes.

    Args:
        samples: one per argument of ``combine``; a plain number is known exactly. The same sample given twice is
            drawn once.
        combine: of the locations, each a number or (resamples,).
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.

    Returns:
        The interval, and the standard deviation over the resamples corrected for few (infinite where nothing could be
        drawn). Of plain numbers alone both are exact.

    Raises:
        ValueError: the samples have different numbers of episodes.
    """
    found = _draw(samples, combine, resamples, np.random.default_rng(seed))
    if not found.counts:
        return Interval(found.estimate, found.estimate, found.estimate, confidence), 0.0
    least = min(found.counts)
    spread = float(np.std(found.values)) if np.isfinite(found.values).all() else math.inf
    spread = spread * math.sqrt(least / (least - 1)) if least > 1 else math.inf
    return _expanded(found.estimate, found.values, found.counts, confidence), spread


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A function of locations: of the data, of each resample (resamples,), and :func:`fewest` of each sample."""

    estimate: float
    values: Array
    counts: list[int]


def _draw(
    samples: Sequence[Sample | float],
    combine: Callable[..., Array],
    resamples: int,
    rng: np.random.Generator,
) -> _Drawn:
    """Draw all samples on the same episodes and combine their locations.

    Raises:
        ValueError: the samples have different numbers of episodes.
    """
    drawn_from = [sample for sample in samples if isinstance(sample, Sample)]
    episodes = {sample.episodes for sample in drawn_from}
    if len(episodes) > 1:
        raise ValueError(
            "paired scores need the same episode seeds, got "
            + " and ".join(str(sample.episodes) for sample in drawn_from)
            + " episodes"
        )
    columns = rng.integers(max(episodes), size=(resamples, 1, max(episodes))) if episodes else None
    known: dict[int, Array] = {}
    for sample in drawn_from:
        if id(sample) not in known:
            rows = rng.integers(sample.trainings, size=(resamples, sample.trainings, 1))
            values = sample.values[rows, columns].reshape(resamples, -1)
            full = sample.full[rows, columns].reshape(resamples, -1)
            known[id(sample)] = location(values, full)
    estimate = combine(*(np.float64(s.location if isinstance(s, Sample) else s) for s in samples))
    values = combine(*(known[id(s)] if isinstance(s, Sample) else np.float64(s) for s in samples))
    counts = [fewest(s.trainings, s.episodes) for s in drawn_from]
    return _Drawn(float(estimate), np.broadcast_to(values, (resamples,)), counts)


def score(
    agent: Sample,
    low: Sample | float,
    high: Sample | float,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> Interval:
    """Interval of (agent - low) / (high - low), the anchors drawn anew with the agent.

    Args:
        agent: what it came to.
        low: what do-nothing came to on the same episodes, or a number known exactly: score 0.
        high: what the reference came to, or a number: score 1.
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.
    """
    return total_score([(agent, low, high)], resamples=resamples, confidence=confidence, seed=seed)


def total_score(
    parts: Sequence[tuple[Sample, Sample | float, Sample | float]],
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> Interval:
    """Interval of the mean of several scores, each a stratum of its own.

    Args:
        parts: agent and its two anchors, as for :func:`score`.
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.
    """
    rng = np.random.default_rng(seed)
    drawn = [_draw(part, _score, resamples, rng) for part in parts]
    estimate = float(np.mean([d.estimate for d in drawn]))
    with np.errstate(invalid="ignore"):
        values = np.mean([d.values for d in drawn], axis=0)
    counts = [min(d.counts) for d in drawn]
    # Two strata whose scales have come apart in opposite directions say nothing together.
    return _expanded(
        estimate,
        np.nan_to_num(values, nan=np.inf, posinf=np.inf, neginf=-np.inf),
        counts,
        confidence,
    )


def _score(a: Array, zero: Array, one: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = (a - zero) / (one - zero)
    # A resample in which the anchors change places says nothing of the scale: it may be anywhere.
    return np.where(one > zero, quotient, np.where(a > zero, np.inf, -np.inf))


def paired_difference(
    first: ArrayLike | Sample,
    second: ArrayLike | Sample,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> Interval:
    """Interval of the difference of two locations, paired on the episode seed.

    Args:
        first: (episodes,) or (trainings, episodes).
        second: (episodes,) or (other trainings, episodes), the same seeds in the same order.
        resamples: number of bootstrap resamples.
        confidence: nominal coverage, between 0 and 1.
        seed: integer or generator.

    Raises:
        ValueError: empty, NaN, or different numbers of episodes.
    """
    pair = [s if isinstance(s, Sample) else Sample.of(s) for s in (first, second)]
    return contrast(
        pair, lambda a, b: a - b, resamples=resamples, confidence=confidence, seed=seed
    )[0]


def probability_of_improvement(
    first: ArrayLike,
    second: ArrayLike,
    *,
    paired: bool = True,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: Seed = 0,
) -> Interval:
    """Probability that a run of `first` scores higher than a run of `second`; ties count half.

    Where every comparison has the same outcome the interval ends at the exact binomial limit, as of :func:`share`.

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
    a, b = _pair(first, second) if paired else (as_matrix(first), as_matrix(second))
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
    counts = [fewest(*a.shape), fewest(*b.shape)]
    interval = _expanded(float(np.mean(wins)), drawn, counts, confidence)
    return within(_never_certain(interval, min(a.shape[1], b.shape[1])), 0.0, 1.0)


def performance_profile(
    scores: ArrayLike | Sequence[ArrayLike],
    thresholds: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
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
    above_all = np.zeros(tau.size)
    drawn = np.zeros((resamples, tau.size))
    for stratum in strata:
        above = (stratum[:, :, None] > tau).astype(np.float64)
        rows = _weights(stratum.shape[0], resamples, rng)
        columns = _weights(stratum.shape[1], resamples, rng)
        above_all += above.mean(axis=(0, 1)) / len(strata)
        drawn += np.einsum("ijt,ri,rj->rt", above, rows, columns, optimize=True) / len(strata)
    low, high = _percentiles(drawn, confidence)
    widest = t_factor(min(fewest(*stratum.shape) for stratum in strata), confidence=confidence)
    if math.isinf(widest):
        low, high = np.zeros(tau.size), np.ones(tau.size)
    else:
        low = np.clip(above_all + widest * (low - above_all), 0.0, 1.0)
        high = np.clip(above_all + widest * (high - above_all), 0.0, 1.0)
    return Profile(tau, above_all, low, high)


def _strata(scores: ArrayLike | Sequence[ArrayLike]) -> list[Array]:
    """The tasks, each as (trainings, episodes)."""
    if isinstance(scores, list | tuple) and scores and np.ndim(scores[0]) > 0:
        return [as_matrix(task) for task in scores]
    return [as_matrix(scores)]  # type: ignore[arg-type]


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    """Two matrices on the same episode seeds."""
    a, b = as_matrix(first), as_matrix(second)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"paired scores need the same episode seeds, got {a.shape[1]} and {b.shape[1]} episodes"
        )
    return a, b


def _resample(stratum: Array, resamples: int, rng: np.random.Generator) -> Array:
    """Rows and columns drawn with replacement: (resamples, trainings, episodes)."""
    trainings, episodes = stratum.shape
    rows = rng.integers(trainings, size=(resamples, trainings, 1))
    columns = rng.integers(episodes, size=(resamples, 1, episodes))
    return stratum[rows, columns]


def _weights(count: int, resamples: int, rng: np.random.Generator) -> Array:
    """How often each of `count` items is drawn, as shares that sum to 1: (resamples, count)."""
    return rng.multinomial(count, np.full(count, 1.0 / count), size=resamples) / count


def _wins(a: Array, b: Array) -> Array:
    """1 where a is higher, 0.5 where equal, 0 where lower."""
    return (a > b) + 0.5 * (a == b)


def _mean(values: Array) -> Array:
    return np.mean(values, axis=-1)


def _never_certain(interval: Interval, count: int) -> Interval:
    """Widen an interval of a share that came out as exactly 0 or 1."""
    if interval.estimate not in (0.0, 1.0):
        return interval
    limit = (0.5 * (1.0 - interval.confidence)) ** (1.0 / count)
    if interval.estimate == 1.0:
        return Interval(1.0, limit, 1.0, interval.confidence)
    return Interval(0.0, 0.0, 1.0 - limit, interval.confidence)


def _percentiles(drawn: Array, confidence: float) -> tuple[Array, Array]:
    """The two percentiles over the first axis."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}, expected a number between 0 and 1")
    tail = 50.0 * (1.0 - confidence)
    # Between infinite values there is nothing to interpolate.
    method = "linear" if np.isfinite(drawn).all() else "nearest"
    low, high = np.percentile(drawn, [tail, 100.0 - tail], axis=0, method=method)
    return low, high


def _expanded(estimate: float, drawn: Array, counts: Sequence[int], confidence: float) -> Interval:
    """The percentile interval, its ends moved outwards by :func:`t_factor`."""
    low, high = (float(end) for end in _percentiles(drawn, confidence))
    factor = t_factor(min(counts), confidence=confidence)
    if math.isinf(factor):
        return Interval(estimate, -math.inf, math.inf, confidence)
    if math.isfinite(estimate):
        low = estimate + factor * (low - estimate)
        high = estimate + factor * (high - estimate)
    return Interval(estimate, low, high, confidence)
