"""A sheet of fixed pixel size that turns axes and artists into frames, with no display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gym_suite.rendering import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.text import Text

__all__ = ["Box", "Canvas", "check_size"]

_SMALLEST = (160, 120)
_LARGEST = 8192


class Box(NamedTuple):
    """A rectangle on the sheet, in layout units from the lower left corner."""

    left: float
    bottom: float
    width: float
    height: float


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return ``size`` as two ints.

    Raises:
        ValueError: It is not two whole numbers between 160 x 120 and 8192 x 8192.
    """
    problem = f"size= must be (width, height) in pixels, such as (960, 540), got {size!r}"
    try:
        width, height = (int(value) for value in size)
        exact = (width, height) == tuple(size)
    except (TypeError, ValueError) as error:
        raise ValueError(problem) from error
    if not exact or not (_SMALLEST[0] <= width <= _LARGEST and _SMALLEST[1] <= height <= _LARGEST):
        raise ValueError(
            f"{problem}; at least {_SMALLEST[0]} x {_SMALLEST[1]}, at most {_LARGEST} a side"
        )
    return width, height


class Canvas:
    """A Matplotlib figure drawn by Agg, quick to redraw.

    What stands still (axes, ticks, labels, limits) is drawn once and kept; only artists handed to
    `moving` are drawn for each frame. Whoever changes something that stands still calls `redraw`.

    Layout is in units of which a 960 x 540 sheet has 960 x 540. A larger sheet of the same shape
    has the same layout and more pixels for each unit, so text grows with it.

    Args:
        size: Width and height of the frames in pixels.

    Raises:
        ValueError: The size is not two sensible whole numbers.
    """

    def __init__(self, size: tuple[int, int] = (960, 540)) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.size = check_size(size)
        scale = min(self.size[0] / 960, self.size[1] / 540)
        self.width, self.height = self.size[0] / scale, self.size[1] / scale
        dpi = 100.0 * scale
        with style.context():
            # A hundredth of a pixel more: the backend cuts the product down to whole pixels.
            inches = [(pixels + 0.01) / dpi for pixels in self.size]
            self.figure = Figure(figsize=(inches[0], inches[1]), dpi=dpi)
        self._agg = FigureCanvasAgg(self.figure)
        self._moving: list[Artist] = []
        self._background = None

    def axes(self, box: Box) -> Axes:
        """Return new axes filling ``box`` (ticks and labels lie outside of it)."""
        rectangle = (
            box.left / self.width,
            box.bottom / self.height,
            box.width / self.width,
            box.height / self.height,
        )
        with style.context():
            return self.figure.add_axes(rectangle)

    def text(self, x: float, y: float, content: str = "", **properties: Any) -> Text:
        """Return a text at (x, y) in layout units; ``properties`` as Matplotlib's ``Text``.

        Args:
            x: From the left, layout units.
            y: From the bottom, layout units.
            content: What to write.
            **properties: As Matplotlib's ``Text``.
        """
        with style.context():
            return self.figure.text(x / self.width, y / self.height, content, **properties)

    def moving(self, *artists: Artist) -> None:
        """Declare artists that may change with every frame; drawn in order of their zorder."""
        for artist in artists:
            artist.set_animated(True)
        self._moving = sorted([*self._moving, *artists], key=lambda artist: artist.get_zorder())

    def redraw(self) -> None:
        """Draw everything anew at the next frame: something that stands still has changed."""
        self._background = None

    def frame(self) -> NDArray[np.uint8]:
        """Return the picture as fresh memory (height, width, 3)."""
        if self._background is None:
            with style.context():
                self._agg.draw()
            self._background = self._agg.copy_from_bbox(self.figure.bbox)
        else:
            self._agg.restore_region(self._background)
        for artist in self._moving:
            self.figure.draw_artist(artist)
        pixels = np.asarray(self._agg.buffer_rgba())
        picture = np.empty((*pixels.shape[:2], 3), np.uint8)
        for channel in range(3):  # six times as quick as copying pixels[:, :, :3] at once
            picture[:, :, channel] = pixels[:, :, channel]
        return picture
