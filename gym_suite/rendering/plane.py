"""A plane of two quantities, such as the dq plane: where a point is, was, and should be."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from gym_suite.rendering import style
from gym_suite.rendering.canvas import Box, Canvas

__all__ = ["PlanePlot"]

_TRAIL = 8  # pieces into which a trail is cut to let it fade
_HEAD = 20.0  # above the axes, for the title
_FOOT = 32.0  # below
_SIDE = 46.0  # left of the axes, for the labels


class PlanePlot:
    """An x-y plane with equal scales: point, arrow, fading trail, reference, limits.

    Args:
        canvas: Sheet to draw on.
        box: Room for all of it, labels included; the plane is the largest square that fits.
        title: What is drawn.
        labels: Axis labels of x and y.
        extent: The view reaches from -extent to extent on both axes.
        color: Colour of point and trail.
        reference_color: Colour of the cross that marks the reference.
        arrow: Draw an arrow from the origin to the point.

    Raises:
        ValueError: The extent is not positive and finite.
    """

    def __init__(
        self,
        canvas: Canvas,
        *,
        box: Box,
        title: str,
        labels: tuple[str, str],
        extent: float,
        color: str = style.PALETTE[0],
        reference_color: str = style.INK,
        arrow: bool = False,
    ) -> None:
        if not (math.isfinite(extent) and extent > 0.0):
            raise ValueError(f"extent= must be positive and finite, got {extent}")
        self._canvas = canvas
        self._color = color
        side = min(box.width - _SIDE, box.height - _HEAD - _FOOT)
        left = box.left + _SIDE + 0.5 * (box.width - _SIDE - side)
        bottom = box.bottom + box.height - _HEAD - side
        self.axes = canvas.axes(Box(left, bottom, side, side))
        with style.context():
            self._dress(title, labels, extent)
            self._trail = self._new_trail()
            (self._arrow,) = self.axes.plot([], [], color=color, lw=1.8, zorder=4.5)
            (self._reference,) = self.axes.plot(
                [], [], ls="", marker="+", ms=11, mew=1.4, color=reference_color, zorder=6
            )
            (self._point,) = self.axes.plot(
                [], [], ls="", marker="o", ms=7, mfc=color, mec="white", mew=1.2, zorder=5
            )
        self._arrow.set_visible(arrow)
        canvas.moving(self._trail, self._arrow, self._reference, self._point)

    def circle(self, radius: float, *, label: str = "", warning: bool = False) -> None:
        """Draw a circle about the origin that stands still, with a label on it.

        Args:
            radius: In the axes' unit.
            label: Text at its top.
            warning: Whether to draw it in the warning colour.
        """
        self.ellipse((radius, radius), label=label, warning=warning)

    def ellipse(
        self,
        radii: tuple[float, float],
        *,
        center: tuple[float, float] = (0.0, 0.0),
        label: str = "",
        warning: bool = False,
    ) -> None:
        """Draw an ellipse with axes along x and y that stands still.

        Args:
            radii: Half axes along x and y, in the axes' unit.
            center: Its centre.
            label: Text at its top.
            warning: Whether to draw it in the warning colour.
        """
        angle = np.linspace(0.0, 2.0 * np.pi, 181)
        points = np.column_stack(
            [center[0] + radii[0] * np.cos(angle), center[1] + radii[1] * np.sin(angle)]
        )
        self._outline(points, warning=warning)
        if label:
            self.note(center[0], center[1] + radii[1], label, warning=warning)

    def polygon(self, corners: ArrayLike, *, warning: bool = False) -> None:
        """Draw a closed polygon with ``corners`` (k, 2) that stands still.

        Args:
            corners: (k, 2).
            warning: Whether to draw it in the warning colour.
        """
        corners = np.asarray(corners, float)
        self._outline(np.vstack([corners, corners[:1]]), warning=warning)

    def moving_polygon(self) -> MovingPolygon:
        """Return a closed polygon whose corners may change with every frame."""
        return MovingPolygon(self)

    def note(self, x: float, y: float, text: str, *, warning: bool = False) -> None:
        """Write a small text just inside the point (x, y) of the plane.

        Args:
            x: Position along x.
            y: Position along y.
            text: What to write.
            warning: Whether to draw it in the warning colour.
        """
        color = style.WARNING if warning else style.MUTED
        with style.context():
            self.axes.annotate(
                text, (x, y), xytext=(0, -3), textcoords="offset points", ha="center", va="top",
                fontsize=7, color=color, zorder=3,
            )  # fmt: skip
        self._canvas.redraw()

    def update(
        self, x: ArrayLike, y: ArrayLike, *, reference: tuple[float, float] | None = None
    ) -> None:
        """Show new data.

        Args:
            x: Trail along x (k,), the point last, at least one value.
            y: Trail along y (k,).
            reference: Where the point should be; None hides the marker.
        """
        points = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
        now = points[-1]
        self._point.set_data(now[:1], now[1:])
        self._arrow.set_data([0.0, now[0]], [0.0, now[1]])
        cuts = np.linspace(0, len(points) - 1, _TRAIL + 1).astype(int)
        # Each piece starts where the one before ended, or the trail would show gaps.
        self._trail.set_segments([points[a : b + 1] for a, b in pairwise(cuts)])
        target = ([], []) if reference is None else ([reference[0]], [reference[1]])
        self._reference.set_data(*target)

    def _dress(self, title: str, labels: tuple[str, str], extent: float) -> None:
        from matplotlib.ticker import MaxNLocator

        self.axes.set_title(title)
        self.axes.set_xlabel(labels[0], labelpad=1.0)
        self.axes.set_ylabel(labels[1], labelpad=1.0)
        self.axes.set_xlim(-extent, extent)
        self.axes.set_ylim(-extent, extent)
        for axis in (self.axes.xaxis, self.axes.yaxis):
            axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        self.axes.axhline(0.0, color=style.FAINT, lw=0.8, zorder=1.0)
        self.axes.axvline(0.0, color=style.FAINT, lw=0.8, zorder=1.0)

    def _new_trail(self):
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgba

        shades = [to_rgba(self._color, 0.15 + 0.65 * (k + 1) / _TRAIL) for k in range(_TRAIL)]
        trail = LineCollection([], colors=shades, linewidths=1.2, capstyle="butt", zorder=4.0)
        self.axes.add_collection(trail, autolim=False)
        return trail

    def _outline(self, points: np.ndarray, *, warning: bool) -> None:
        color, alpha = (style.WARNING, 0.6) if warning else (style.MUTED, 0.55)
        with style.context():
            self.axes.plot(*points.T, color=color, alpha=alpha, lw=0.9, zorder=2.0)
        self._canvas.redraw()


class MovingPolygon:
    """A closed outline in a plane that may change with every frame; made by the plane."""

    def __init__(self, plane: PlanePlot) -> None:
        with style.context():
            (self._line,) = plane.axes.plot(
                [], [], color=style.MUTED, lw=0.8, alpha=0.7, zorder=2.5
            )
        plane._canvas.moving(self._line)

    def update(self, corners: ArrayLike) -> None:
        """Show the outline through ``corners`` (k, 2)."""
        corners = np.asarray(corners, float)
        self._line.set_data(*np.vstack([corners, corners[:1]]).T)
