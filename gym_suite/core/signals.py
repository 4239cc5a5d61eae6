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
from gym_suite.core.random import normal, philox, uniform4

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
    "laplace_walk",
)
(
    NONE,
    CONSTANT,
    STEP,
    RAMP,
    SINE,
    TRIANGLE,
    SAWTOOTH,
    RANDOM_WALK,
    PRBS,
    TABLE,
    LAPLACE_WALK,
) = range(len(KINDS))

#: Attributes that a range may stand for, from which each episode draws.
DRAWN = ("offset", "amplitude", "period", "phase")

WIDTH = 14  # columns of a signal row
S_KIND, S_OFFSET, S_AMPLITUDE, S_PERIOD, S_PHASE, S_START, S_LOW, S_HIGH = range(8)
# Whether anything is drawn, the widths of the ranges (of a period: its logarithm's), and how long a draw holds.
S_DRAWN, S_OFFSET_WIDTH, S_AMPLITUDE_WIDTH, S_PERIOD_WIDTH, S_PHASE_WIDTH, S_REDRAW = range(
    8, WIDTH
)

_WALK_LEVELS = 40  # a walk is resolved down to period / 2^_WALK_DEPTH around the time asked for
_WALK_DEPTH = 24
_GAMMA_TRIES = 64  # of which each fails with a probability below 5 %
# Random numbers of one signal, apart from its path: what is drawn from ranges, and the clock of a Laplace walk.
_DRAW_STREAM, _CLOCK_STREAM, _REDRAW_STREAMS = 1 << 20, 1 << 21, 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One reference or disturbance over time, in the SI unit of what it drives.

    Offset, amplitude, period and phase may be pairs (lowest, highest): each episode then draws its own, uniformly, a
    period uniformly in its logarithm, so that slow and fast are equally frequent.

    Attributes:
        kind: One of :data:`KINDS`. A Laplace walk holds its value over a ``period`` and then moves by a random
            number of Laplace's distribution: seldom far, mostly hardly.
        offset: Value before ``start``, and the mean of periodic signals.
        amplitude: Height of a step, final rise of a ramp, half the peak-to-peak of periodic signals and of a PRBS,
            standard deviation that a walk gains over one ``period``; factor on a table's values.
        period: Period of periodic signals, duration of a ramp, hold time of a PRBS and of a Laplace walk, reference
            time of a random walk, length after which a table repeats (0: it holds its last value), s.
        phase: Phase in periods, in [0, 1).
        start: Time at which the signal begins, s.
        low: Lower bound of the value; a walk is reflected there, the others are clipped.
        high: Upper bound of the value.
        redraw: Time after which ranges are drawn anew and the signal begins again, s; 0: once an episode.
        table: For "table": pairs (time, value), times ascending; linear between them.
    """

    kind: str = "constant"
    offset: float | tuple[float, float] = 0.0
    amplitude: float | tuple[float, float] = 0.0
    period: float | tuple[float, float] = 1.0
    phase: float | tuple[float, float] = 0.0
    start: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    redraw: float = 0.0
    table: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        check_option("signal kind", self.kind, KINDS)
        for name in ("offset", "amplitude", "phase"):
            _bounds(name, getattr(self, name))
        check_number("signal start", self.start)
        check_number("signal redraw", self.redraw, low=0.0)
        if self.kind == "table":
            shortest, longest = _bounds("period", self.period, low=0.0)
            if shortest < longest:
                raise ValueError(
                    f"a table has one period, not a range of them, got {self.period!r}"
                )
        else:
            _bounds("period", self.period, above=0.0)
        if not self.low < self.high:
            raise ValueError(f"signal low must be below high, got [{self.low:g}, {self.high:g}]")
        walks = self.kind in ("random_walk", "laplace_walk")
        if walks and math.isfinite(self.low) != math.isfinite(self.high):
            raise ValueError(
                f"a {self.kind.replace('_', ' ')} has two finite bounds or none, "
                f"got [{self.low:g}, {self.high:g}]"
            )
        if (self.kind == "table") != bool(self.table):
            raise ValueError("a signal has a table exactly if its kind is 'table'")
        if self.table:
            times = [time for time, _ in _pairs(self.table)]
            if not (np.diff(times) > 0).all():
                raise ValueError("the times of a signal's table must ascend")

    def row(self) -> np.ndarray:
        """Return the signal as float64 of shape (WIDTH,)."""
        (offset, _), (amplitude, _), (period, longest), (phase, _) = bounds = [
            _bounds(name, getattr(self, name)) for name in DRAWN
        ]
        widths = [high - low for low, high in bounds]
        if longest > period:
            widths[DRAWN.index("period")] = math.log(longest / period)
        head = (KINDS.index(self.kind), offset, amplitude, period, phase)
        drawn = self.redraw > 0.0 or any(widths)
        fixed = (self.start, self.low, self.high)
        return np.array([*head, *fixed, drawn, *widths, self.redraw], dtype=np.float64)

    def span(self) -> tuple[float, float]:
        """Return the lowest and the highest value that the signal may ever have; a walk without bounds has none."""
        if self.kind == "none":
            return 0.0, 0.0
        (least, most), (smallest, largest) = (
            _bounds(name, getattr(self, name)) for name in ("offset", "amplitude")
        )
        endless = (-math.inf, math.inf)
        shapes = {
            "constant": (0.0,),
            "step": (1.0,),
            "ramp": (0.0, 1.0),
            "table": tuple(value for _, value in self.table),
            "random_walk": endless,
            "laplace_walk": endless,
        }
        shape = shapes.get(self.kind, (-1.0, 1.0))
        if self.start > 0.0:
            shape = (*shape, 0.0)  # before it begins
        reached = [part * a if a != 0.0 else 0.0 for part in shape for a in (smallest, largest)]
        return (
            min(max(least + min(reached), self.low), self.high),
            max(min(most + max(reached), self.high), self.low),
        )


def _bounds(
    name: str, value: Any, *, low: float = -math.inf, above: float | None = None
) -> tuple[float, float]:
    """Return the range that a number or a pair (lowest, highest) of an attribute means.

    Raises:
        ValueError: If a number is out of its limits, or the lowest above the highest.
        TypeError: If it is neither a number nor a pair of them.
    """
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"signal {name} is a number or (lowest, highest), got {value!r}")
    lowest, highest = (check_number(f"signal {name}", x, low=low, above=above) for x in pair)
    if lowest > highest:
        raise ValueError(f"signal {name}: lowest {lowest:g} is above highest {highest:g}")
    return lowest, highest


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
        ValueError: For unknown attributes or kinds, naming the nearest; for a mapping of a kind that moves by an
            amplitude of which it says nothing.
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
        kind = given.get("kind", "constant")
        if kind == "table":
            given.setdefault("amplitude", 1.0)
            given.setdefault("period", 0.0)
        for name in DRAWN:
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        signal = Signal(**given)
        if "amplitude" not in given and signal.kind not in ("none", "constant"):
            raise ValueError(
                f"{what} of the kind {signal.kind!r} would stand still: give its amplitude, such as "
                f'{{"kind": "{signal.kind}", "amplitude": 1.0}}'
            )
        return signal
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return Signal(kind="constant", offset=check_number(what, value))
    raise TypeError(
        f"{what} must be a number, a mapping or a Signal, got {type(value).__name__}; values over time go into a "
        'mapping with a table, {"table": ((0.0, 1.0), (0.5, 2.0))}, pairs of s and value'
    )


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
def _walk(key, stream, t, laplace):
    """Return a walk at time t >= 0 (in periods) that has a standard deviation of 1 after one period.

    Levy's construction (1948) of a Brownian motion: the value at the end of the dyadic interval [0, 2^k] that holds
    t is drawn first, then midpoints are filled in around t; each is a function of its own counter, so the path does
    not depend on the order of the questions.

    A number of Laplace's distribution is a normal one whose variance is drawn from the exponential distribution
    (Kotz, Kozubowski and Podgorski, The Laplace Distribution and Generalizations, 2001, proposition 2.2.1). A walk of
    such numbers is the same motion on a random clock (Madan and Seneta 1990): over n periods the clock advances by a
    gamma number of shape n (Marsaglia and Tsang 2000), of which the first half of them takes a share of the symmetric
    beta distribution (Avramidis, L'Ecuyer and Tremblay 2003), drawn as Ulrich (1984) does.

    Args:
        key: The row's key.
        stream: Stream of random numbers kept for this signal.
        t: Time, in periods; of a Laplace walk a whole number.
        laplace: Whether it is a Laplace walk, which is resolved down to a period.
    """
    if t <= 0.0:
        return 0.0
    level, growing = 0, True
    left, left_value, width = 0.0, 0.0, 1.0
    right, right_value, clock = 0.0, 0.0, 0.0
    while growing:
        clock, tries = width, 0
        while laplace and tries < _GAMMA_TRIES:
            a, b, c, _ = uniform4(key, level * _GAMMA_TRIES + tries, stream + _CLOCK_STREAM)
            x = math.sqrt(-2.0 * math.log(1.0 - a)) * math.cos(2.0 * math.pi * b)
            shape = width - 1.0 / 3.0
            cube = (1.0 + x / math.sqrt(9.0 * shape)) ** 3
            tries += 1
            if cube > 0.0 and math.log(1.0 - c) < 0.5 * x * x + shape * (
                1.0 - cube + math.log(cube)
            ):
                clock, tries = shape * cube, _GAMMA_TRIES
        right = left + width
        right_value = left_value + math.sqrt(clock) * _draw(key, level + 1, stream)
        growing = t > right and level < _WALK_LEVELS
        if growing:
            level += 1
            left, left_value, width = right, right_value, right
    node = 1
    for depth in range(_WALK_DEPTH):
        if laplace and right - left <= 1.0:
            break
        middle = 0.5 * (left + right)
        counter = ((level + 1) << 40) + (node << 6) + depth
        share = 0.5
        if laplace:
            a, b, _, _ = uniform4(key, counter, stream + _CLOCK_STREAM)
            reach = math.sqrt(1.0 - a ** (2.0 / (right - left - 1.0)))
            share = 0.5 * (1.0 + reach * math.cos(2.0 * math.pi * b))
        spread = math.sqrt(share * (1.0 - share) * clock)
        value = (1.0 - share) * left_value + share * right_value
        value += spread * _draw(key, counter, stream)
        if t < middle:
            right, right_value = middle, value
            clock *= share
            node = 2 * node
        else:
            left, left_value = middle, value
            clock *= 1.0 - share
            node = 2 * node + 1
    part = (t - left) / (right - left)
    return left_value + part * (right_value - left_value)


@called_kernel
def _sign(key, counter, stream):
    """Return 1 or -1 at random."""
    return 1.0 if philox(key, counter, stream)[0] & np.uint64(1) == np.uint64(1) else -1.0


@called_kernel
def _drawn(rows, index, key, stretch, stream):
    """Return offset, amplitude, period and phase of a signal, drawn for a stretch of time."""
    a, b, c, d = uniform4(key, stretch, stream + _DRAW_STREAM)
    row = rows[index]
    return (
        row[S_OFFSET] + row[S_OFFSET_WIDTH] * a,
        row[S_AMPLITUDE] + row[S_AMPLITUDE_WIDTH] * b,
        row[S_PERIOD] * math.exp(row[S_PERIOD_WIDTH] * c),
        row[S_PHASE] + row[S_PHASE_WIDTH] * d,
    )


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
    if kind == NONE:
        return 0.0
    if t >= 0.0 and rows[index, S_DRAWN] > 0.0:
        stretch, redraw = 0, rows[index, S_REDRAW]
        if redraw > 0.0:
            stretch = math.floor(t / redraw)
            t = t - stretch * redraw
        offset, amplitude, period, phase = _drawn(rows, index, key, stretch, stream)
        stream = stream + stretch * _REDRAW_STREAMS
    value = offset
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
        elif kind in (RANDOM_WALK, LAPLACE_WALK):
            laplace = kind == LAPLACE_WALK
            periods = math.floor(t / period) if laplace else t / period
            value = offset + amplitude * _walk(key, stream, float(periods), laplace)
            if low > -math.inf:
                return reflect(value, low, high)
        elif kind == PRBS:
            value = offset + amplitude * _sign(key, math.floor(cycle), stream)
        elif kind == TABLE:
            first, last = -1, -1
            for i in range(tables.shape[0]):
                if tables[i, 0] == index:
                    if first < 0:
                        first = i
                    last = i
            if period > 0.0:
                t = t % period
            times, values = tables[first : last + 1, 1], tables[first : last + 1, 2]
            value = offset + amplitude * interpolate(times, values, t)
    return min(max(value, low), high)
