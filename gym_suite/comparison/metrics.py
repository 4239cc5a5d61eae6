"""Control metrics of recorded episodes, all rows (episodes) at once.

Rows of time: row 0 is the state after reset, row i the state after action i - 1, each with the
reference of the same instant, so an episode of L control periods has rows 0..L. Integrals are sums
over rows 1..L times the control period; each row after an action stands for one period. A reference
that differs from row i - 1 to row i has stepped at the time of row i, where the agent first sees it.

Step metrics use the names and definitions of python-control's `step_info` (10 to 90 % rise, 2 %
settling band, overshoot in percent), with the new reference as the final value, so that an agent
that never arrives cannot look fast. A piecewise constant reference is cut at its steps, each step
is judged by itself from the old reference (at the start of an episode: from the initial value) to
the new one, and the episode gets the median over its steps. What a step is depends on the reference
alone, so all agents are judged on the same steps. A quantity is NaN where it does not apply (the
reference has no step) and infinite where it was never reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "INTEGRAL_METRICS",
    "STEP_METRICS",
    "Steps",
    "effort_metrics",
    "episode_metrics",
    "find_steps",
    "integral_metrics",
    "step_metrics",
]

INTEGRAL_METRICS = ("RMSE", "MAE", "IAE", "ISE", "ITAE")
STEP_METRICS = ("RiseTime", "SettlingTime", "Overshoot", "SteadyStateValue", "SteadyStateError")

SMALLEST_STEP = 0.05
"""Steps below this share of the tracked quantity's scale are not judged: there the response to
other inputs and noise outweighs the response to the step."""

SHORTEST_HOLD = 10
"""A step is judged if the reference then stays for at least this many control periods."""

SATURATED = 0.99
"""Share of full scale above which an actuating quantity counts as saturated."""

Array = NDArray[np.float64]


class Tracking(Protocol):
    """What the metrics need to know of a tracked quantity."""

    @property
    def value(self) -> str:
        """Column name of the quantity."""
        ...

    @property
    def reference(self) -> str:
        """Column name of its reference."""
        ...

    @property
    def scale(self) -> float:
        """The value, in SI units, that counts as 1 in the sums over quantities."""
        ...

    @property
    def label(self) -> str:
        """Name for tables and axes."""
        ...


class Table(Protocol):
    """Anything indexed by column name, such as a trajectory."""

    def __getitem__(self, name: str, /) -> Array: ...


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a reference, one entry per step over all rows.

    Attributes:
        row: the episode a step belongs to, (k,).
        start: time index at which the reference steps, (k,).
        stop: one past the last time index with the new reference, (k,).
        before: the value that the step leaves, (k,).
        size: signed size, (k,).
    """

    row: NDArray[np.intp]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    before: Array
    size: Array


def find_steps(
    value: ArrayLike,
    reference: ArrayLike,
    *,
    smallest: float,
    lengths: ArrayLike | None = None,
    shortest: int = SHORTEST_HOLD,
) -> Steps:
    """Find where a reference steps and then stays.

    Args:
        value: (T,) or (T, n); its first row is where the first step starts from.
        reference: same shape.
        smallest: smallest size of a step, in the units of the reference.
        lengths: control periods of each episode, (n,); None means T - 1.
        shortest: least number of time indices for which the reference stays.

    Raises:
        ValueError: the shapes differ.
    """
    y, r, ends = _columns(value, reference, lengths)
    parts: list[tuple[Array, ...]] = []
    for row in range(y.shape[1]):
        held = r[: ends[row] + 1, row]
        changes = np.flatnonzero(np.diff(held)) + 1
        start = np.concatenate(([0], changes))
        stop = np.concatenate((changes, [held.size]))
        before = np.concatenate(([y[0, row]], held[changes - 1]))
        size = held[start] - before
        kept = (stop - start >= shortest) & (np.abs(size) >= smallest) & (size != 0.0)
        which = np.full(np.count_nonzero(kept), row)
        parts.append((which, start[kept], stop[kept], before[kept], size[kept]))
    row, start, stop, before, size = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Steps(row.astype(np.intp), start.astype(np.intp), stop.astype(np.intp), before, size)


def integral_metrics(
    value: ArrayLike,
    reference: ArrayLike,
    *,
    dt: float,
    lengths: ArrayLike | None = None,
    steps: Steps | None = None,
    lost: ArrayLike = 0,
    scale: float = 0.0,
) -> dict[str, Array]:
    """RMSE, MAE, IAE, ISE and ITAE of each episode.

    Time in ITAE runs from the last step of the reference (from the start where there is none):
    otherwise the steps late in an episode would count many times as much as the early ones.
    Periods that an episode lost by ending early count as an error of full scale: dying early must
    not look precise.

    Args:
        value: (T,) or (T, n).
        reference: same shape.
        dt: control period, s.
        lengths: control periods of each episode, (n,); None means T - 1.
        steps: where ITAE's clock starts anew; None never.
        lost: control periods lost by an early end, (n,).
        scale: error in a lost period.

    Returns:
        Name to (n,), NaN for an episode without a single period.
    """
    y, r, ends = _columns(value, reference, lengths)
    during = _during(y.shape, ends)
    error = np.where(during, np.abs(y - r), 0.0)
    age = np.arange(y.shape[0], dtype=np.float64)[:, None] * np.ones(y.shape[1])
    if steps is not None:
        started = np.zeros(y.shape)
        started[steps.start, steps.row] = steps.start
        age -= np.maximum.accumulate(started, axis=0)
    missing = np.broadcast_to(np.asarray(lost, dtype=np.float64), ends.shape)
    final_age = age[ends, np.arange(ends.size)]
    missing_age = missing * final_age + missing * (missing + 1) / 2
    absolute = np.sum(error, axis=0) + missing * scale
    square = np.sum(error**2, axis=0) + missing * scale**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "RMSE": np.sqrt(square / (ends + missing)),
            "MAE": absolute / (ends + missing),
            "IAE": absolute * dt,
            "ISE": square * dt,
            "ITAE": (np.sum(error * age, axis=0) + missing_age * scale) * dt**2,
        }


def step_metrics(value: ArrayLike, steps: Steps, *, dt: float) -> dict[str, Array]:
    """RiseTime, SettlingTime, Overshoot, SteadyStateValue and SteadyStateError of each step.

    Args:
        value: (T,) or (T, n).
        steps: from :func:`find_steps`.
        dt: control period, s.

    Returns:
        Name to (k,), one entry per step. Times in s, infinite where the level was never reached
        (rise) or the value was outside the 2 % band at the end (settling). Overshoot in percent of
        the step. SteadyStateValue is the mean over the last tenth of the step, 1 being the
        reference and 0 the old one; SteadyStateError is its distance from 1 times the step, in the
        units of the value.
    """
    y = np.asarray(value, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    count = steps.stop - steps.start
    if count.size == 0:
        return {name: np.empty(0) for name in STEP_METRICS}
    age = np.arange(count.max())
    index = np.minimum(steps.start[:, None] + age, steps.stop[:, None] - 1)
    during = age < count[:, None]
    z = (y[index, steps.row[:, None]] - steps.before[:, None]) / steps.size[:, None]
    lower, upper = _first(z >= 0.1), _first(z >= 0.9)
    outside = (np.abs(z - 1.0) >= 0.02) & during
    settled = np.where(outside.any(axis=1), age.size - np.argmax(outside[:, ::-1], axis=1), 0)
    last = during & (age >= count[:, None] - np.maximum(count[:, None] // 10, 1))
    final = np.sum(np.where(last, z, 0.0), axis=1) / np.count_nonzero(last, axis=1)
    return {
        "RiseTime": (upper - np.where(np.isfinite(upper), lower, 0.0)) * dt,
        "SettlingTime": np.where(settled < count, settled * dt, np.inf),
        "Overshoot": 100.0 * np.maximum(z.max(axis=1) - 1.0, 0.0),
        "SteadyStateValue": final,
        "SteadyStateError": np.abs((final - 1.0) * steps.size),
    }


def effort_metrics(
    actuation: Sequence[ArrayLike], scale: Sequence[float], *, lengths: ArrayLike | None = None
) -> dict[str, Array]:
    """How hard the actuators work, as shares of full scale.

    Args:
        actuation: the actuating quantities, each (T,) or (T, n).
        scale: full scale of each, in its units.
        lengths: control periods of each episode, (n,); None means T - 1.

    Returns:
        Name to (n,). EffortRMS: root mean square over periods and quantities. EffortVariation: mean
        over periods and quantities of the absolute change. Saturation: share of
        periods in which any quantity is at 99 % of its full scale or above.
    """
    u = np.stack([_as_columns(a) / s for a, s in zip(actuation, scale, strict=True)], axis=-1)
    ends = _lengths(u.shape[:2], lengths)
    during = _during(u.shape[:2], ends)
    # Row 0 has no action yet, so the first change is from action 0 to action 1.
    changed = during & (np.arange(u.shape[0])[:, None] >= 2)
    change = np.abs(np.diff(u, axis=0, prepend=u[:1])).mean(axis=-1)
    saturated = np.abs(u).max(axis=-1) >= SATURATED
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "EffortRMS": np.sqrt(np.sum((u**2).mean(axis=-1), axis=0, where=during) / ends),
            "EffortVariation": np.sum(change, axis=0, where=changed) / np.maximum(ends - 1, 1),
            "Saturation": np.sum(saturated, axis=0, where=during) / ends,
        }


def episode_metrics(
    trajectory: Table,
    *,
    dt: float,
    tracking: Sequence[Tracking] = (),
    effort: Sequence[str] = (),
    effort_scale: Sequence[float] = (),
    violation: str | None = None,
    lengths: ArrayLike,
    lost: ArrayLike = 0,
) -> dict[str, Array]:
    """All metrics of n recorded episodes.

    Tracked quantities are put together as shares of their scales: squares are averaged (RMSE) or
    summed (ISE), absolute values averaged (MAE) or summed (IAE, ITAE), and step metrics are the
    median over the steps of all quantities. Where there are several, each also appears by itself in
    SI units as "label/RMSE".

    Args:
        trajectory: columns of shape (T, n) by name; "reward" must be among them.
        dt: control period, s.
        tracking: tracked quantities; none leaves their metrics out.
        effort: column names of the actuating quantities.
        effort_scale: full scale of each, in its units.
        violation: column that is 1 in each period in which a limit was violated.
        lengths: control periods of each episode, (n,).
        lost: control periods lost by an early end, (n,); the error in them is full scale.

    Returns:
        Name to (n,).
    """
    reward = np.asarray(trajectory["reward"], dtype=np.float64)
    ends = _lengths(reward.shape, lengths)
    during = _during(reward.shape, ends)
    metrics = {
        "return": np.sum(reward, axis=0, where=during),
        "length": ends.astype(np.float64),
    }
    if violation is not None:
        metrics["violations"] = np.sum(
            np.asarray(trajectory[violation], dtype=np.float64), axis=0, where=during
        )
    if tracking:
        metrics |= _tracking_metrics(trajectory, tracking, dt, ends, lost)
    if effort:
        metrics |= effort_metrics([trajectory[name] for name in effort], effort_scale, lengths=ends)
    return metrics


def _tracking_metrics(
    trajectory: Table,
    tracking: Sequence[Tracking],
    dt: float,
    ends: NDArray[np.intp],
    lost: ArrayLike,
) -> dict[str, Array]:
    """Metrics of each tracked quantity and of all together."""
    single: dict[str, Array] = {}
    shares: list[dict[str, Array]] = []
    judged: list[tuple[Steps, dict[str, Array]]] = []
    for tracked in tracking:
        value, reference = trajectory[tracked.value], trajectory[tracked.reference]
        smallest = SMALLEST_STEP * tracked.scale
        steps = find_steps(value, reference, smallest=smallest, lengths=ends)
        own = integral_metrics(
            value, reference, dt=dt, lengths=ends, steps=steps, lost=lost, scale=tracked.scale
        )
        by_step = step_metrics(value, steps, dt=dt)
        shares.append({k: v / tracked.scale ** (2 if k == "ISE" else 1) for k, v in own.items()})
        own |= _median_over_steps(steps.row, by_step, ends.size)
        single |= {f"{tracked.label}/{name}": v for name, v in own.items()}
        by_step["SteadyStateError"] = by_step["SteadyStateError"] / tracked.scale
        judged.append((steps, by_step))
    rows = np.concatenate([steps.row for steps, _ in judged])
    pooled = {k: np.concatenate([values[k] for _, values in judged]) for k in STEP_METRICS}
    together = {
        "RMSE": np.sqrt(np.mean([s["RMSE"] ** 2 for s in shares], axis=0)),
        "MAE": np.mean([s["MAE"] for s in shares], axis=0),
        **{k: np.sum([s[k] for s in shares], axis=0) for k in ("IAE", "ISE", "ITAE")},
        **_median_over_steps(rows, pooled, ends.size),
    }
    return together | (single if len(tracking) > 1 else {})


def _median_over_steps(
    rows: NDArray[np.intp], values: Mapping[str, Array], count: int
) -> dict[str, Array]:
    """The median of each episode's steps, NaN where it has none."""
    medians = {name: np.full(count, np.nan) for name in STEP_METRICS}
    for row in np.unique(rows):
        own = rows == row
        for name in STEP_METRICS:
            medians[name][row] = np.median(values[name][own])
    return medians


def _as_columns(values: ArrayLike) -> Array:
    """(T,) or (T, n) as (T, n)."""
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def _lengths(shape: tuple[int, ...], lengths: ArrayLike | None) -> NDArray[np.intp]:
    """Control periods of each episode, (n,)."""
    if lengths is None:
        return np.full(shape[1], shape[0] - 1, dtype=np.intp)
    ends = np.atleast_1d(np.asarray(lengths, dtype=np.intp))
    if ends.shape != (shape[1],) or ends.max() >= shape[0] or ends.min() < 0:
        raise ValueError(
            f"lengths have shape {ends.shape} and values {ends.min()} to {ends.max()}, "
            f"expected ({shape[1]},) and at most {shape[0] - 1}"
        )
    return ends


def _columns(
    value: ArrayLike, reference: ArrayLike, lengths: ArrayLike | None
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Value and reference as (T, n), with the episodes' lengths."""
    y, r = _as_columns(value), _as_columns(reference)
    if y.shape != r.shape:
        raise ValueError(f"value has shape {np.shape(value)}, reference {np.shape(reference)}")
    return y, r, _lengths(y.shape, lengths)


def _during(shape: tuple[int, ...], ends: NDArray[np.intp]) -> NDArray[np.bool_]:
    """True in the rows after an action of the episode, (T, n)."""
    time = np.arange(shape[0])[:, None]
    return (time >= 1) & (time <= ends)


def _first(condition: NDArray[np.bool_]) -> Array:
    """Index of the first True along the last axis, infinite where there is none."""
    return np.where(condition.any(axis=1), np.argmax(condition, axis=1), np.inf)
