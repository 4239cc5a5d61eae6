"""A window that shows frames, in whichever GUI toolkit this machine has."""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.rendering import style

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureManagerBase

__all__ = ["Pace", "Window"]

#: Matplotlib backends that open windows, the one with the lightest toolkit first.
_BACKENDS = ("tkagg", "qtagg", "macosx", "gtk4agg", "gtk3agg", "wxagg")
_ADVICE = (
    'Use render_mode="rgb_array" (frames as arrays, no window) or `gym-suite render` '
    "(writes .png, .gif or .mp4)"
)


class Window:
    """A window that shows frames; it opens with the first one.

    Closing it by hand stops the display, not the simulation.

    Args:
        title: Text of the title bar.
    """

    def __init__(self, title: str = "gym_suite") -> None:
        self._title = title
        self._manager: FigureManagerBase | None = None
        self._image: Any = None
        self._shape: tuple[int, ...] = ()
        self.closed = False

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame (height, width, 3) and let the window react to mouse and keys.

        Raises:
            RuntimeError: This machine has no display or no GUI toolkit; says what to do.
            ValueError: The frame has another shape than the one before.
        """
        if self.closed:
            return
        manager = self._manager or self._open(frame)
        if frame.shape != self._shape:
            raise ValueError(f"the window shows frames {self._shape}, got {frame.shape}")
        self._image.set_data(frame)
        canvas = manager.canvas
        canvas.draw()
        canvas.flush_events()

    def close(self) -> None:
        """Close the window; more than once does no harm."""
        self.closed = True
        manager, self._manager, self._image = self._manager, None, None
        if manager is not None:
            manager.destroy()

    def _open(self, frame: NDArray[np.uint8]) -> FigureManagerBase:
        height, width = frame.shape[:2]
        import matplotlib
        from matplotlib.figure import Figure

        with style.context(), matplotlib.rc_context({"toolbar": "None"}):
            figure = Figure(figsize=(width / 100.0, height / 100.0), dpi=100)
            axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
            axes.set_axis_off()
            # Exact at the frame's own size, smooth where screen or user make the window larger.
            self._image = axes.imshow(frame, interpolation="auto")
            manager = _new_manager(figure)
        manager.set_window_title(self._title)
        manager.canvas.mpl_connect("close_event", self._on_close)
        manager.show()
        self._manager, self._shape = manager, frame.shape
        return manager

    def _on_close(self, _event: object) -> None:
        self.closed = True
        self._manager = None


class Pace:
    """Decides which steps a window shows, and when, so that a person can follow.

    An episode longer than ``least`` seconds runs in real time; a shorter one in slow motion, so
    that it takes that long.

    Args:
        dt: Control period in seconds.
        horizon: Steps of an episode, None when it has no fixed end.
        least: Seconds that an episode takes at least.
        fps: Frames shown a second.
    """

    def __init__(
        self, dt: float, horizon: int | None, *, least: float = 10.0, fps: float = 25.0
    ) -> None:
        length = dt * (horizon or 2000)
        self.slowdown = max(1.0, least / length)
        self.stride = max(1, round(1.0 / (fps * dt * self.slowdown)))
        self._between = self.stride * dt * self.slowdown
        self._next = 0.0

    def due(self, step: int) -> bool:
        """Say whether ``step`` is to be shown; if so, wait until its time has come."""
        if step % self.stride:
            return False
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
            now = self._next
        self._next = now + self._between
        return True


def _new_manager(figure: Any) -> FigureManagerBase:
    """Open a window for the figure with the first backend that works."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not display:
        raise RuntimeError(
            'render_mode="human" needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set. '
            f"{_ADVICE}; or run under a virtual display: xvfb-run -a python ..."
        )
    failures = []
    for backend in _candidates():
        try:
            module = importlib.import_module(f"matplotlib.backends.backend_{backend}")
            return module.new_figure_manager_given_figure(1, figure)
        except Exception as error:  # each toolkit has its own way of saying that it cannot
            failures.append(f"  {backend}: {type(error).__name__}: {error}")
    if display and any("display" in failure.casefold() for failure in failures):
        raise RuntimeError(
            f'render_mode="human" cannot reach the display {display!r}: is its server running, and may you use it? '
            f"{_ADVICE}; or run under a virtual display: xvfb-run -a python ...\n"
            "Tried:\n" + "\n".join(failures)
        )
    raise RuntimeError(
        f'render_mode="human" found no working GUI toolkit. {_ADVICE}; or install one: '
        "tkinter (Debian and Ubuntu: apt install python3-tk), or `pip install PySide6`.\n"
        "Tried:\n" + "\n".join(failures)
    )


def _candidates() -> list[str]:
    """Return the backends to try: the one that the user asked Matplotlib for comes first."""
    wanted = os.environ.get("MPLBACKEND", "").lower()
    return sorted(_BACKENDS, key=lambda backend: backend != wanted)
