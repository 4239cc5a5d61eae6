"""What the renderers of all families share: histories by row, frames, the window."""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.rendering.canvas import Canvas, check_size
from gym_suite.rendering.charts import Panel, Series
from gym_suite.rendering.history import History
from gym_suite.rendering.stage import Raster, Space, Stage
from gym_suite.rendering.window import Pace, Window

__all__ = ["EpisodeRenderer", "overviewer"]


class EpisodeRenderer(ABC):
    """Draws a row's episode from the metrics that the env hands over; it never steps the env.

    A family says which metric columns it draws (`names`), builds its plots once (`build`) and
    updates them (`update`). One sheet serves all rows; each row has its own bounded history.

    Args:
        setup: What the env is: ``id``, ``dt``, ``horizon`` and ``metric_columns`` are read here.
        size: Width and height of the frames in pixels.
        whole: Whether to keep of an episode all that :meth:`stage` shows, states too.

    Raises:
        ValueError: The size is not two sensible whole numbers.
    """

    #: Most points kept of an episode: more than a chart is wide.
    capacity = 2048
    #: Length of the time axis, in steps, of an id without a fixed horizon.
    default_steps = 2000
    #: Whether frames need the states of the past too.
    keeps_states = False

    def __init__(
        self, setup: Any, *, size: tuple[int, int] = (960, 540), whole: bool = False
    ) -> None:
        self.setup = setup
        self.whole = whole
        self.size = check_size(size)
        self.columns = self.names()
        self._indices = np.array([setup.metric_columns.index(name) for name in self.columns])
        self._histories: dict[int, History] = {}
        self._states: dict[int, History] = {}
        self._canvas: Canvas | None = None
        self._window: Window | None = None
        self.horizon = setup.horizon or _registered_horizon(setup.id)
        #: Steps between two that are kept.
        self.stride = math.ceil((self.horizon or 1) / self.capacity)
        self._pace = Pace(setup.dt, self.horizon)

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""

    @abstractmethod
    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet.

        Args:
            canvas: The sheet.
        """

    @abstractmethod
    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now.

        Args:
            time: Seconds since the reset (k,), k >= 1.
            values: For each of `columns` its SI values (k,).
        """

    @property
    def span(self) -> float:
        """Length of the time axis in seconds."""
        return self.setup.dt * (self.horizon or self.default_steps)

    def append(
        self, row: int, step: int, metrics: NDArray[np.float64], state: NDArray[np.float64]
    ) -> None:
        """Note the metrics after a reset (step 0, which forgets the row's last episode) or step.

        Args:
            row: Which world.
            step: Control periods since its reset.
            metrics: Values of the metric columns (nm,).
            state: Values of the state columns (nx,); for families that draw bodies.
        """
        self._keep(self._histories, row, step, metrics[self._indices])
        if self.keeps_states or self.whole:
            self._keep(self._states, row, step, state)

    def _keep(
        self, histories: dict[int, History], row: int, step: int, values: NDArray[np.float64]
    ) -> None:
        """Add values to a row's history, which begins anew at step 0."""
        history = histories.get(row)
        if history is None:
            history = History(len(values), capacity=self.capacity, stride=self.stride)
            histories[row] = history
        if step == 0:
            history.clear()
        history.append(step, values)

    # Not abstract: most families draw from metrics and state alone.
    def note(self, row: int, key: int, parameters: NDArray[np.float64]) -> None:  # noqa: B027
        """Note what tells apart two rows of equal state; called before each `append`.

        Args:
            row: Which world.
            key: Its episode's key, from which its chance follows.
            parameters: Parameters of its plant (np,); only to be read during the call.
        """

    def text(self, row: int = 0) -> str:
        """Return the picture of a row for a terminal (``render_mode="ansi"``): what is drawn, as numbers.

        Raises:
            RuntimeError: The row was not reset yet.
        """
        history = self._started(row)
        columns = self.setup.metric_columns
        last = history.newest()
        width = max(map(len, self.columns), default=0)
        lines = [f"{self.setup.id}  step {history.step}  t = {history.step * self.setup.dt:.6g} s"]
        for name, index, value in zip(self.columns, self._indices, last, strict=True):
            unit = columns[index].unit
            lines.append(f"  {name:<{width}} {value:>13.6g}{'' if unit == '1' else ' ' + unit}")
        return "\n".join(lines) + "\n"

    def stage(self, row: int = 0) -> Stage:
        """Return what an interactive replay shows of a row's episode: here a chart for each column that is drawn.

        Only a renderer that was made with ``whole=True`` has kept all that it needs.

        Raises:
            RuntimeError: The row was not reset yet.
        """
        time, values = self._episode(row)
        columns = self.setup.metric_columns
        panels = [
            Panel(
                title=name,
                unit="" if columns[name].unit == "1" else columns[name].unit,
                series=[Series(name=name, label=name)],
            )
            for name in self.columns
        ]
        return Stage(dt=self.setup.dt, time=time, values=values, panels=panels)

    def watched(self) -> tuple[str, ...]:
        """Return the columns, metrics or states, of which :meth:`overview` is made; none where there is none."""
        return ()

    # Not abstract: what is a course over time and nothing else has no picture from outside.
    def overview(self, columns: Mapping[str, NDArray[np.float64]]) -> Space | Raster | None:
        """Return a whole episode as seen from outside, to be put beside those of other agents.

        Args:
            columns: For each of :meth:`watched` its values at the reset and after each step, (k,).

        Returns:
            Bodies in space, of which those with a target are the agent's, or a raster; None where nothing is watched.
        """
        return None

    def _states_of(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the states (k, nx) of what was watched; columns that were not are 0."""
        known = self.setup.state_columns
        rows = np.zeros((len(next(iter(columns.values()))), len(known)))
        for name in set(columns) & set(known.names):
            rows[:, known.index(name)] = columns[name]
        return rows

    def _episode(self, row: int) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Return the times (k,) of a row's episode and the values (k,) of each of `columns`."""
        steps, rows = self._started(row).rows()
        return steps * self.setup.dt, dict(zip(self.columns, rows.T, strict=True))

    def _started(self, row: int) -> History:
        history = self._histories.get(row)
        if history is None or history.step < 0:
            raise RuntimeError(f"nothing to render in row {row}: call reset() first")
        return history

    def frame(self, row: int = 0) -> NDArray[np.uint8]:
        """Return the picture of a row as fresh memory (height, width, 3).

        Raises:
            RuntimeError: The row was not reset yet.
        """
        time, values = self._episode(row)
        if self._canvas is None:
            self._canvas = Canvas(self.size)
            self.build(self._canvas)
        self.update(time, values)
        return self._canvas.frame()

    def show(self, row: int = 0) -> None:
        """Show a row in a window, at a pace that a person can follow.

        Short episodes run in slow motion, and steps between two frames are not drawn; see `Pace`.

        Raises:
            RuntimeError: There is no display or no GUI toolkit, or the row was not reset yet.
        """
        if self._window is None:
            self._window = Window(self.setup.id)
        if self._window.closed:
            return
        history = self._histories.get(row)
        if history is None or self._pace.due(history.step):
            self._window.show(self.frame(row))

    def close(self) -> None:
        """Close the window and let go of the sheet; more than once does no harm."""
        if self._window is not None:
            self._window.close()
        self._window = None
        self._canvas = None


def overviewer(setup: Any) -> EpisodeRenderer | None:
    """Return what shows whole episodes of a setup from outside, or None where nothing of it is watched.

    Args:
        setup: What an env is; the renderer that its family hands over is looked up in it.
    """
    module, _, name = getattr(setup, "renderer", "").partition(":")
    if not name:
        return None
    renderer = getattr(importlib.import_module(module), name)(setup)
    if not isinstance(renderer, EpisodeRenderer) or not renderer.watched():
        return None
    return renderer


def _registered_horizon(env_id: str) -> int | None:
    """Return the time limit that Gymnasium puts around an id, None if there is none."""
    import gymnasium

    spec = gymnasium.registry.get(env_id)
    return None if spec is None else spec.max_episode_steps
