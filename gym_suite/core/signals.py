"""References and disturbances as data: a signal is one row of numbers and a pure function of time.

Every kind is evaluated from (row, key, stream, time) alone, random walk and PRBS included: nothing has to be
stepped, so a preview is an evaluation at a later time, and rows replay exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.random import normal, philox

KINDS = (
    "none",
    "constant",
    "step",
    "ramp",
    "sine",
    "triangle",
    "sawtooth",
    "random_walk",
    "prbs",
    "table",
)
NONE, CONSTANT, STEP, RAMP, SINE, TRIANGLE, SAWTOOTH, RANDOM_WALK, PRBS, TABLE = range(len(KINDS))

WIDTH = 8  # columns of a signal row
S_KIND, S_OFFSET, S_AMPLITUDE, S_PERIOD, S_PHASE, S_START, S_LOW, S_HIGH = range(WIDTH)

_WALK_LEVELS = 40  # a walk is resolved down to period / 2^_WALK_DEPTH around the time asked for
_WALK_DEPTH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One reference or disturbance over time, in the SI unit of what it drives.

    Attributes:
        kind: One of :data:`KINDS`.
        offset: Value before ``start``, and the mean of periodic signals.
        amplitude: Height of a step, final rise of a ramp, half the peak-to-peak of periodic signals and of a PRBS,
            standard deviation that a random walk gains over one ``period``; factor on a table's values.
        period: Period of periodic signals, duration of a ramp, hold time of a PRBS, reference time of a random
            walk, length after which a table repeats (0: it holds its last value), s.
        phase: Phase in periods, in [0, 1).
        start: Time at which the signal begins, s.
        low: Lower bound of the value; a random walk is reflected there, the others are clipped.
        high: Upper bound of the value.
        table: For "table": pairs (time, value), times ascending; linear between them.
    """

    kind: str = "constant"
    offset: float = 0.0
    amplitude: float = 0.0
    period: float = 1.0
    phase: float = 0.0
    start: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    table: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        check_option("signal kind", self.kind, KINDS)
        for name in ("offset", "amplitude", "phase", "start"):
            check_number(f"signal {name}", getattr(self, name))
        least = 0.0 if self.kind == "table" else None
        if least is None:
            check_number("signal period", self.period, above=0.0)
        else:
            check_number("signal period", self.period, low=least)
        if not self.low < self.high:
            raise ValueError(f"signal low must be below high, got [{self.low:g}, {self.high:g}]")
        if self.kind == "random_walk" and math.isfinite(self.low) != math.isfinite(self.high):
            raise ValueError("a random walk has two finite bounds or none")
        if (self.kind == "table") != bool(self.table):
            raise ValueError("a signal has a table exactly if its kind is 'table'")
        if self.table:
            times = [time for time, _ in _pairs(self.table)]
            if not (np.diff(times) > 0).all():
                raise ValueError("the times of a signal's table must ascend")

    def row(self) -> np.ndarray:
        """Return the signal as float64 of shape (WIDTH,)."""
        head = (KINDS.index(self.kind), self.offset, self.amplitude, self.period)
        return np.array([*head, self.phase, self.start, self.low, self.high], dtype=np.float64)


def _pairs(table: Any) -> tuple[tuple[float, float], ...]:
    """Return a signal's table as pairs of floats.

    Raises:
        ValueError: If it holds anything but finite pairs (time, value).
    """
    values: np.ndarray
    try:
        values = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.ndim != 2 or values.shape[1] != 2 or not np.isfinite(values).all():
        raise ValueError(f"a signal's table holds finite pairs (time, value), got {table!r:.80}")
    return tuple((time, value) for time, value in values.tolist())


def as_signal(value: object, what: str = "signal") -> Signal:
    """Return a signal from a number (constant), a mapping of its attributes, or a Signal.

    Args:
        value: The number, mapping or Signal.
        what: What it drives, for errors.

    Raises:
        ValueError: For unknown attributes or kinds, naming the nearest.
        TypeError: For anything else.
    """
    if isinstance(value, Signal):
        return value
    if isinstance(value, Mapping):
        check_keywords(value, [field.name for field in fields(Signal)], f"attribute of {what}")
        given: dict[str, Any] = dict(value)
        if "table" in given:
            given["table"] = _pairs(given["table"])
            given.setdefault("kind", "table")
        if given.get("kind") == "table":
            given.setdefault("amplitude", 1.0)
            given.setdefault("period", 0.0)
        return Signal(**given)
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return Signal(kind="constant", offset=check_number(what, value))
    raise TypeError(f"{what} must be a number, a mapping or a Signal, got {type(value).__name__}")


def pack(signals: list[Signal]) -> tuple[np.ndarray, np.ndarray]:
    """Return signals as kernels read them.

    Returns:
        Rows, float64 of shape (k, WIDTH), and their tables one under the other, float64 of shape (m, 3) with the
        columns signal number, time and value (one row of zeros where there is none).
    """
    rows = np.array([signal.row() for signal in signals]).reshape(len(signals), WIDTH)
    parts = [
        np.column_stack([np.full(len(signal.table), float(i)), np.array(signal.table)])
        for i, signal in enumerate(signals)
        if signal.table
    ]
    tables = np.concatenate(parts) if parts else np.zeros((1, 3))
    return np.ascontiguousarray(rows), np.ascontiguousarray(tables)


@kernel
def interpolate(times, values, t):
    """Return the value at t, linear between ascending times and held outside them."""
    last = times.shape[0] - 1
    if t <= times[0]:
        return values[0]
    if t >= times[last]:
        return values[last]
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= t:
            low = middle
        else:
            high = middle
    part = (t - times[low]) / (times[high] - times[low])
    return values[low] + part * (values[high] - values[low])


@kernel
def reflect(value, low, high):
    """Fold a value into [low, high] by mirrors at both bounds."""
    width = high - low
    rest = (value - low) % (2.0 * width)
    return low + (rest if rest <= width else 2.0 * width - rest)


@called_kernel
def _draw(key, counter, stream):
    """Return one standard normal number; called, for a generator that is inlined four times compiles four times."""
    return normal(key, counter, stream)


@called_kernel
def _walk(key, stream, t):
    """Return a standard Brownian motion at time t >= 0 (in periods), by midpoint displacement.

    Levy's construction (1948): the value at the end of the dyadic interval [0, 2^k] that holds t is drawn first,
    then midpoints are filled in around t; each is a function of its own counter, so the path does not depend on
    the order of the questions.
    """
    if t <= 0.0:
        return 0.0
    level = 0
    right_value = _draw(key, 1, stream)
    right = 1.0
    left = 0.0
    left_value = 0.0
    while t > right and level < _WALK_LEVELS:
        level += 1
        left, left_value = right, right_value
        right_value = left_value + math.sqrt(left) * _draw(key, level + 1, stream)
        right = 2.0 * left
    node = 1
    for depth in range(_WALK_DEPTH):
        middle = 0.5 * (left + right)
        spread = math.sqrt(0.25 * (right - left))
        counter = ((level + 1) << 40) + (node << 6) + depth
        value = 0.5 * (left_value + right_value) + spread * _draw(key, counter, stream)
        if t < middle:
            right, right_value = middle, value
            node = 2 * node
        else:
            left, left_value = middle, value
            node = 2 * node + 1
    part = (t - left) / (right - left)
    return left_value + part * (right_value - left_value)


@kernel
def _table(index, tables, t, period):
    first, last = -1, -1
    for i in range(tables.shape[0]):
        if tables[i, 0] == index:
            if first < 0:
                first = i
            last = i
    if period > 0.0:
        t = t % period
    return interpolate(tables[first : last + 1, 1], tables[first : last + 1, 2], t)


@called_kernel
def _sign(key, counter, stream):
    """Return 1 or -1 at random."""
    return 1.0 if philox(key, counter, stream)[0] & np.uint64(1) == np.uint64(1) else -1.0


@kernel
def signal_value(rows, index, tables, key, stream, t):
    """Return the value of one signal at time t.

    Args:
        rows: Signals as :func:`pack` gives them, (k, WIDTH).
        index: Which one.
        tables: Their tables as :func:`pack` gives them.
        key: The row's key, for random kinds.
        stream: Stream of random numbers kept for this signal.
        t: Time within the episode, s.
    """
    kind = int(rows[index, S_KIND])
    offset, amplitude = rows[index, S_OFFSET], rows[index, S_AMPLITUDE]
    period, phase = rows[index, S_PERIOD], rows[index, S_PHASE]
    low, high = rows[index, S_LOW], rows[index, S_HIGH]
    t = t - rows[index, S_START]
    value = offset
    if kind == NONE:
        return 0.0
    if t >= 0.0 and kind != CONSTANT:
        cycle = t / period + phase if period > 0.0 else phase
        within = cycle - math.floor(cycle)
        if kind == STEP:
            value = offset + amplitude
        elif kind == RAMP:
            value = offset + amplitude * min(t / period, 1.0)
        elif kind == SINE:
            value = offset + amplitude * math.sin(2.0 * math.pi * cycle)
        elif kind == TRIANGLE:
            value = offset + amplitude * (1.0 - 4.0 * abs(((within + 0.25) % 1.0) - 0.5))
        elif kind == SAWTOOTH:
            value = offset + amplitude * (2.0 * within - 1.0)
        elif kind == RANDOM_WALK:
            value = offset + amplitude * _walk(key, stream, t / period)
            if low > -math.inf:
                return reflect(value, low, high)
        elif kind == PRBS:
            value = offset + amplitude * _sign(key, math.floor(cycle), stream)
        elif kind == TABLE:
            value = offset + amplitude * _table(index, tables, t, period)
    return min(max(value, low), high)
