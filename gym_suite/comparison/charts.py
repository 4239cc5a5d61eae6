"""Charts as inline SVG that follow the page's style: colours are CSS classes, so dark mode works.

A small writer of our own instead of a plotting library: the report needs three kinds of chart, text
that stays text, and a page of well under three megabytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Figure",
    "Line",
    "Mark",
    "interval_glyph",
    "line_chart",
    "thin",
    "ticks",
]

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 880.0, 64.0, 14.0, 10.0, 40.0
CHARACTER = 6.8
"""Width of a character, generously: nothing here can measure text."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its words.

    Attributes:
        title: above it.
        svg: the chart.
        caption: below it.
    """

    title: str
    svg: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart.

    Attributes:
        x: (k,).
        y: (k,); NaN breaks the line.
        style: CSS classes, such as "s1" or "reference".
        label: shown as a tooltip.
        low: lower edge of a band around it, (k,), or None.
        high: upper edge.
    """

    x: Array
    y: Array
    style: str
    label: str = ""
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A straight line across a chart with a word beside it.

    Attributes:
        at: where, in data units.
        text: the word.
        vertical: across the whole height; else across the whole width.
        style: CSS class.
        side: where the word of a vertical line stands: "middle", "start" (after it) or "end".
    """

    at: float
    text: str = ""
    vertical: bool = False
    style: str = "mark"
    side: str = "middle"


@dataclass(frozen=True, slots=True)
class Scale:
    """Data to pixels along one axis."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, values: ArrayLike) -> Array:
        v = np.asarray(values, dtype=np.float64)
        low, high = self.low, self.high
        if self.log:
            v, low, high = np.log10(v), math.log10(low), math.log10(high)
        return self.start + (v - low) / (high - low) * (self.stop - self.start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between two ends: steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [0.0 if i == 0 else i * step for i in range(first, last + 1)]


def number(value: float, step: float | None = None) -> str:
    """A tick's label: as many digits as its step needs, a true minus sign."""
    if step is None or not math.isfinite(step) or step == 0.0:
        text = f"{value:.3g}"
    else:
        digits = max(0, -math.floor(math.log10(abs(step)) + 1e-9))
        if abs(step / 10**-digits - round(step / 10**-digits)) > 1e-6:
            digits += 1  # a step of 2.5
        text = f"{value:.{digits}f}" if abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")


def thin(x: Array, y: Array, pixels: int = 700) -> tuple[Array, Array]:
    """Keep the lowest and the highest point of each bin, so that no peak is lost.

    Args:
        x: ascending, (k,).
        y: (k,).
        pixels: number of bins.

    Returns:
        At most 2 * pixels + 2 points, or all where there are no more.
    """
    if x.size <= 2 * pixels:
        return x, y
    edges = np.linspace(0, x.size, pixels + 1).astype(int)
    bins = np.repeat(np.arange(pixels), np.diff(edges))
    keep = [np.array([0, x.size - 1])]
    for extreme in (np.fmin, np.fmax):
        # Comparisons with NaN are false, so that a bin of nothing else keeps no point.
        held = np.flatnonzero(y == extreme.reduceat(y, edges[:-1])[bins])
        keep.append(held[np.unique(bins[held], return_index=True)[1]])
    index = np.unique(np.concatenate(keep))
    return x[index], y[index]


def line_chart(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    title: str,
    height: float = 230.0,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    x_log: bool = False,
    y_log: bool = False,
    marks: Sequence[Mark] = (),
    y_ticks: Sequence[float] | None = None,
) -> str:
    """Lines over one pair of axes.

    Args:
        lines: what to draw, the last on top.
        x_label: words under the axis, unit included.
        y_label: words above the axis, unit included.
        title: for readers that do not see the picture.
        height: in pixels of an 880 pixel wide chart.
        x_range: ends of the axis; None takes the data's.
        y_range: ends of the axis; None takes the data's and some room.
        x_log: logarithmic axis.
        y_log: logarithmic axis.
        marks: straight lines.
        y_ticks: where the y axis has ticks; None chooses.

    Returns:
        The SVG element.
    """
    x_low, x_high = x_range or _extent([line.x for line in lines])
    y_low, y_high = y_range or _padded(_extent([line.y for line in lines]))
    # The words of vertical marks have a row of their own above the frame.
    top = TOP + (28.0 if any(mark.vertical and mark.text for mark in marks) else 14.0)
    sx = Scale(x_low, x_high, LEFT, WIDTH - RIGHT, x_log)
    sy = Scale(y_low, y_high, height - BOTTOM, top, y_log)
    clip, defined = clip_path(sx, sy, title, [line.y for line in lines])
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}">',
        defined,
        grid(sx, sy, y_ticks),
        axis_words(x_label, y_label, sx, sy),
    ]
    parts += [_mark(mark, sx, sy) for mark in marks]
    parts.append(f'<g clip-path="url(#{clip})">')
    for line in lines:
        inside = (line.x >= x_low) & (line.x <= x_high)
        if line.low is not None and line.high is not None:
            parts.append(_band(line.x, line.low, line.high, line.style, sx, sy))
        if inside.any():
            parts.append(_path(line, inside, sx, sy))
    parts.append("</g></svg>")
    return "".join(parts)


def interval_glyph(
    estimate: float,
    low: float,
    high: float,
    *,
    view: tuple[float, float],
    anchors: Sequence[float],
    style: str,
    others: Sequence[float] = (),
    width: float = 120.0,
) -> str:
    """An estimate with its interval on a scale shared by the rows of a table.

    What lies outside the view is drawn as an arrow at its edge.

    Args:
        estimate: where the dot goes.
        low: lower end.
        high: upper end.
        view: ends of the scale.
        anchors: where to draw reference lines.
        style: CSS class.
        others: further estimates, drawn as small hollow dots.
        width: in pixels.
    """
    height = 22.0
    scale = Scale(*view, 8.0, width - 8.0)
    parts = [f'<svg class="glyph" viewBox="0 0 {width:g} {height:g}" width="{width:g}">']
    for anchor in anchors:
        x = float(scale(anchor))
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height:g}"/>')
    middle = height / 2
    for other in others:
        if view[0] <= other <= view[1]:
            at = f'cx="{float(scale(other)):.1f}" cy="{middle:g}" r="2.5"'
            parts.append(f'<circle class="hollow {style}" {at}/>')
        else:
            parts.append(_arrow(other < view[0], width, middle, f"hollow {style}", size=3.5))
    if estimate < view[0] or estimate > view[1]:
        parts.append(_arrow(estimate < view[0], width, middle, f"dot {style}", size=5.0))
        return "".join([*parts, "</svg>"])
    a, b = (float(scale(min(max(end, view[0]), view[1]))) for end in (low, high))
    x = float(scale(estimate))
    parts.append(
        f'<line class="bar {style}" x1="{a:.1f}" x2="{b:.1f}" y1="{middle:g}" y2="{middle:g}"/>'
        f'<circle class="dot {style}" cx="{x:.1f}" cy="{middle:g}" r="4"/></svg>'
    )
    return "".join(parts)


def _arrow(left: bool, width: float, middle: float, style: str, size: float) -> str:
    """An arrow at an edge of a glyph, for what lies beyond it."""
    tip, back = (1.0, 9.0) if left else (width - 1.0, width - 9.0)
    corners = f"M{tip:g} {middle:g}L{back:g} {middle - size:g}L{back:g} {middle + size:g}Z"
    return f'<path class="{style}" d="{corners}"/>'


def clip_path(sx: Scale, sy: Scale, title: str, drawn: Sequence[Array]) -> tuple[str, str]:
    """Name and definition of what cuts off lines at the frame."""
    content = b"".join(np.ascontiguousarray(values).tobytes() for values in drawn)
    name = f"clip-{crc32(content + title.encode() + repr((sx.low, sx.high)).encode())}"
    return name, (
        f'<clipPath id="{name}"><rect x="{sx.start:g}" y="{sy.stop - 3:g}" '
        f'width="{sx.stop - sx.start:g}" height="{sy.start - sy.stop + 6:g}"/></clipPath>'
    )


def axis_words(x_label: str, y_label: str, sx: Scale, sy: Scale) -> str:
    """The words at the two axes."""
    return (
        f'<text class="axis" x="{sx.start:g}" y="{TOP + 4:g}">{escape(y_label)}</text>'
        f'<text class="axis" x="{sx.stop:g}" y="{sy.start + BOTTOM - 6:g}" text-anchor="end">'
        f"{escape(x_label)}</text>"
    )


def grid(
    sx: Scale,
    sy: Scale,
    y_ticks: Sequence[float] | None,
    x_ticks: Sequence[float] | None = None,
    *,
    lines: bool = True,
) -> str:
    """Grid lines and their numbers, or the numbers alone."""
    parts = []
    wanted = max(2, int((sy.start - sy.stop) / 38))
    at_y = list(y_ticks) if y_ticks is not None else _marks_of(sy, wanted)
    for value, word in zip(at_y, _labels(at_y, sy), strict=True):
        y = float(sy(value))
        if lines:
            parts.append(
                f'<line class="grid" x1="{sx.start:g}" x2="{sx.stop:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        parts.append(f'<text x="{sx.start - 8:g}" y="{y + 4:.1f}" text-anchor="end">{word}</text>')
    at_x = x_ticks if x_ticks is not None else _decades(sx) if sx.log else _marks_of(sx, 8)
    words = [_power(value) for value in at_x] if sx.log else _labels(at_x, sx)
    for value, word in zip(at_x, words, strict=True):
        x = float(sx(value))
        # A long number at the right edge would be cut off if it stood in the middle of its line.
        cut = x > sx.stop - 12 and len(word) > 4
        anchor, at = ("end", sx.stop + RIGHT) if cut and not sx.log else ("middle", x)
        if lines:
            parts.append(
                f'<line class="grid faint" x1="{x:.1f}" x2="{x:.1f}" y1="{sy.stop:g}" '
                f'y2="{sy.start:g}"/>'
            )
        parts.append(
            f'<text x="{at:.1f}" y="{sy.start + 16:g}" text-anchor="{anchor}">{word}</text>'
        )
    return "".join(parts)


def _marks_of(scale: Scale, count: int) -> list[float]:
    """Round numbers along an axis; 1, 2 and 5 times the powers of ten on a logarithmic one."""
    if not scale.log:
        return ticks(scale.low, scale.high, count)
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    values = [m * 10.0**i for i in range(first, last + 1) for m in (1, 2, 5)]
    inside = [value for value in values if scale.low <= value <= scale.high]
    return inside if len(inside) <= 2 * count else _decades(scale)


def _decades(scale: Scale) -> list[float]:
    first, last = math.ceil(math.log10(scale.low)), math.floor(math.log10(scale.high))
    return [10.0**i for i in range(first, last + 1)]


def _labels(values: Sequence[float], scale: Scale) -> list[str]:
    step = values[1] - values[0] if len(values) > 1 and not scale.log else None
    return [number(value, step) for value in values]


def _power(value: float) -> str:
    return f'10<tspan dy="-5" font-size="9">{_superscript(value)}</tspan>'


def _superscript(value: float) -> str:
    return f"{round(math.log10(value))}".replace("-", "−")


def _mark(mark: Mark, sx: Scale, sy: Scale) -> str:
    text = escape(mark.text)
    if mark.vertical:
        if not sx.low <= mark.at <= sx.high:
            return ""
        x = float(sx(mark.at))
        at = x + {"start": -4.0, "end": 4.0}.get(mark.side, 0.0)
        share = {"start": 1.0, "middle": 0.5, "end": 0.0}[mark.side]
        at = min(at, WIDTH - share * CHARACTER * len(mark.text))
        return (
            f'<line class="{mark.style}" x1="{x:.1f}" x2="{x:.1f}" y1="{sy.stop:g}" '
            f'y2="{sy.start:g}"/><text class="note" x="{at:.1f}" '
            f'y="{sy.stop - 4:g}" text-anchor="{mark.side}">{text}</text>'
        )
    if not sy.low <= mark.at <= sy.high:
        return ""
    y = float(sy(mark.at))
    return (
        f'<line class="{mark.style}" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" '
        f'y2="{y:.1f}"/><text class="note" x="{LEFT + 6:g}" y="{y - 5:.1f}">{text}</text>'
    )


def _path(line: Line, inside: NDArray[np.bool_], sx: Scale, sy: Scale) -> str:
    # One point beyond each end, so that the line reaches the frame.
    first, last = np.flatnonzero(inside)[[0, -1]]
    part = slice(max(first - 1, 0), last + 2)
    x, y = thin(line.x[part], line.y[part])
    # Far outside the frame the exact place does not matter; huge coordinates break renderers.
    return drawn_line(sx(x), np.clip(sy(y), -2000, 3000), line)


def drawn_line(px: Array, py: Array, line: Line) -> str:
    """A line through pixels; NaN lifts the pen."""
    pieces, pen_up = [], True
    for a, b in zip(px, py, strict=True):
        if not math.isfinite(b):
            pen_up = True
            continue
        pieces.append(f"{'M' if pen_up else 'L'}{short(a)} {short(b)}")
        pen_up = False
    title = f"<title>{escape(line.label)}</title>" if line.label else ""
    return f'<path class="line {line.style}" d="{"".join(pieces)}">{title}</path>'


def _band(x: Array, low: Array, high: Array, style: str, sx: Scale, sy: Scale) -> str:
    upper, lower = point_pairs(sx(x), sy(high)), point_pairs(sx(x), sy(low))
    return f'<path class="band {style}" d="M{"L".join([*upper, *lower[::-1]])}Z"/>'


def point_pairs(px: Array, py: Array) -> list[str]:
    """Return points in pixels as a path of SVG has them, "x y" each."""
    return [f"{short(a)} {short(b)}" for a, b in zip(px, py, strict=True)]


def short(value: float) -> str:
    """Return a number of pixels to a tenth, without a zero behind the point."""
    return f"{value:.1f}".removesuffix(".0")


def _extent(arrays: Sequence[Array]) -> tuple[float, float]:
    """Lowest and highest finite value."""
    finite = [array[np.isfinite(array)] for array in arrays]
    finite = [array for array in finite if array.size]
    if not finite:
        return 0.0, 1.0
    low, high = min(a.min() for a in finite), max(a.max() for a in finite)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(high) + 0.5)


def _padded(extent: tuple[float, float]) -> tuple[float, float]:
    room = 0.06 * (extent[1] - extent[0])
    return extent[0] - room, extent[1] + room
