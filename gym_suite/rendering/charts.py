"""Strip charts: panels above each other that share one time axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from gym_suite.rendering import style
from gym_suite.rendering.canvas import Box, Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["Panel", "Series", "StripChart", "nice_limits", "time_unit"]

_GAP = 30.0  # layout units between two panels: room for the upper edge's title
_HEAD = 18.0  # above the first panel, for its title
_FOOT = 34.0  # below the last panel, for the time axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a panel.

    Attributes:
        name: Key of its values.
        label: Text in the legend; Matplotlib's mathtext is allowed.
        reference: Key of the values that it should follow, drawn dashed; None for none.
        color: Matplotlib colour; None takes the next of the palette.
    """

    name: str
    label: str
    reference: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot over time.

    Attributes:
        title: What is drawn.
        unit: Its unit; empty for none.
        series: Lines, the first on top.
        limits: Values at which a faint line is drawn when they lie within view.
        span: Least height of the view, so that noise about a constant does not fill the panel.
        scale: Factor from the values given to the values drawn (such as 3.6 for km/h).
        weight: Height in proportion to the other panels.
    """

    title: str
    unit: str
    series: Sequence[Series]
    limits: Sequence[float] = ()
    span: float = 0.0
    scale: float = 1.0
    weight: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of all values drawn, references included."""
        pairs = ((line.name, line.reference) for line in self.series)
        return tuple(name for pair in pairs for name in pair if name is not None)


def nice_limits(low: float, high: float, *, span: float = 0.0) -> tuple[float, float]:
    """Return round limits that hold [low, high] and change seldom as the data grows.

    Args:
        low: Least value.
        high: Greatest value.
        span: Least distance between the limits.

    Returns:
        Multiples of 1, 2 or 5 times a power of ten with about five such steps between them.
    """
    extent = max(high - low, span, 1e-12 * max(abs(low), abs(high)), 1e-12)
    middle = 0.5 * (low + high)
    low, high = min(low, middle - 0.5 * extent), max(high, middle + 0.5 * extent)
    raw = (high - low) / 5.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if raw <= factor * power * 1.001)
    # A little slack: a line that touches the frame of its panel looks cut off.
    slack = 0.04 * (high - low)
    return math.floor((low - slack) / step) * step, math.ceil((high + slack) / step) * step


def time_unit(span: float) -> tuple[float, str]:
    """Return factor and name of the unit that suits a time span given in seconds."""
    if span < 2e-3:
        return 1e6, "µs"
    if span < 2.0:
        return 1e3, "ms"
    return 1.0, "s"


class StripChart:
    """Panels over a shared time axis of fixed length.

    The axis starts at 0. When time runs past its end it moves on by quarters of its length, so that
    ticks and labels need redrawing only then.

    Args:
        canvas: Sheet to draw on.
        panels: What to draw, top to bottom.
        box: Room for all of it, labels included.
        span: Length of the time axis in seconds.

    Raises:
        ValueError: There is no panel, or the span is not positive and finite.
    """

    def __init__(self, canvas: Canvas, panels: Sequence[Panel], *, box: Box, span: float) -> None:
        if not panels:
            raise ValueError("a strip chart needs at least one panel, got none")
        if not (math.isfinite(span) and span > 0.0):
            raise ValueError(f"span= must be a positive number of seconds, got {span}")
        self._canvas = canvas
        self._panels = tuple(panels)
        self._span = span
        self._factor, self._unit = time_unit(span)
        self._start = 0.0
        with style.context():
            self._axes = [canvas.axes(part) for part in _stack(self._panels, box)]
            self._lines = [
                self._fill(axes, panel)
                for axes, panel in zip(self._axes, self._panels, strict=True)
            ]
            for axes in self._axes[:-1]:
                axes.tick_params(labelbottom=False)
            self._axes[-1].set_xlabel(f"time ({self._unit})", labelpad=2.0)
        self._limits: list[tuple[float, float]] = [(0.0, 0.0)] * len(self._panels)
        self._scroll(0.0)

    def update(self, time: ArrayLike, values: Mapping[str, ArrayLike]) -> None:
        """Show new data.

        Args:
            time: Seconds (k,), ascending, at least one.
            values: For each name in the panels its values (k,).
        """
        time = np.asarray(time, float)
        self._scroll(float(time[-1]))
        first = int(np.searchsorted(time, self._start))
        shown = time[first:] * self._factor
        for index, panel in enumerate(self._panels):
            arrays = {
                name: panel.scale * np.asarray(values[name], float)[first:] for name in panel.names
            }
            for name, line in self._lines[index].items():
                line.set_data(shown, arrays[name])
            self._fit(index, arrays.values())

    def _fill(self, axes: Axes, panel: Panel) -> dict[str, Line2D]:
        """Put lines, limits, title and legend into the axes of a panel."""
        from matplotlib.ticker import MaxNLocator

        lines: dict[str, Line2D] = {}
        several = len(panel.series) > 1
        for rank, series in enumerate(panel.series):
            color = series.color or style.PALETTE[rank % len(style.PALETTE)]
            order = 5.0 - 0.1 * rank
            (line,) = axes.plot([], [], color=color, label=series.label, zorder=order)
            lines[series.name] = line
            if series.reference is not None:
                label = "_" if several and rank else "reference"
                (dashed,) = axes.plot(
                    [], [], color=style.INK, lw=0.9, dashes=(4.0, 3.0), label=label, zorder=6.0
                )
                lines[series.reference] = dashed
        for limit in panel.limits:
            axes.axhline(limit * panel.scale, color=style.WARNING, lw=0.8, alpha=0.45, zorder=2.0)
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.set_title(f"{panel.title} ({panel.unit})" if panel.unit else panel.title)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.02),
            ncols=2 * len(panel.series),
            labelcolor=style.INK,
        )
        self._canvas.moving(*lines.values())
        return lines

    def _scroll(self, now: float) -> None:
        """Move the time axis so that it holds ``now``."""
        quarter = 0.25 * self._span
        beyond = now - self._span * (1.0 + 1e-9)
        start = quarter * math.ceil(beyond / quarter) if beyond > 0.0 else 0.0
        if start == self._start and self._axes[0].get_autoscalex_on() is False:
            return
        self._start = start
        for axes in self._axes:
            axes.set_xlim(start * self._factor, (start + self._span) * self._factor)
        self._canvas.redraw()

    def _fit(self, index: int, arrays: Iterable[np.ndarray]) -> None:
        """Choose the vertical view of a panel; redraw only if it changed."""
        finite = [part for array in arrays if (part := array[np.isfinite(array)]).size]
        low = min((part.min() for part in finite), default=0.0)
        high = max((part.max() for part in finite), default=0.0)
        panel = self._panels[index]
        bottom, top = nice_limits(float(low), float(high), span=panel.span * panel.scale)
        if bottom < 0.0 <= low:  # what is never negative has no axis below 0, but room for its line
            bottom = -0.04 * top
        limits = (bottom, top)
        if limits != self._limits[index]:
            self._limits[index] = limits
            self._axes[index].set_ylim(*limits)
            self._canvas.redraw()


def _stack(panels: Sequence[Panel], box: Box) -> list[Box]:
    """Return the axes' boxes, top to bottom, with room left for titles and the time axis."""
    free = box.height - _HEAD - _FOOT - _GAP * (len(panels) - 1)
    total = sum(panel.weight for panel in panels)
    boxes = []
    top = box.bottom + box.height - _HEAD
    for panel in panels:
        height = free * panel.weight / total
        boxes.append(Box(box.left, top - height, box.width, height))
        top -= height + _GAP
    return boxes
