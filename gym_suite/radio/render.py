"""Pictures of a band: who was on which channel when, what the agent did, and what it earned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.parameters import JAMMERS, KINDS
from gym_suite.rendering import Box, EpisodeRenderer, History, Panel, Series, StripChart, style
from gym_suite.rendering.canvas import Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RadioRenderer"]

#: Steps that the occupancy map goes back.
WINDOW = 100
_IDLE, _USER, _JAMMER, _SEVERAL, _DELIVERED, _LOST = range(6)
_LEGEND = ("idle", "user", "jammer", "several", "agent: delivered", "agent: lost")
_COLORS = (
    "#f4f6f8",
    style.COLORS["sky"],
    style.COLORS["orange"],
    style.COLORS["purple"],
    style.COLORS["green"],
    style.WARNING,
)


class RadioRenderer(EpisodeRenderer):
    """The occupancy map above the cumulated reward.

    A column of the map is a step, a row a channel. The agent's transmission covers what else was on
    its channel: green where it was delivered (or hit its target), red where it was lost.
    """

    def __init__(self, setup: Any, *, size: tuple[int, int] = (960, 540)) -> None:
        super().__init__(setup, size=size)
        spans = {name: slice(first, stop) for name, first, stop in setup.info_arrays}
        self._span = spans["occupancy"]
        self._bands: dict[int, History] = {}
        self._row = 0
        count = int(setup.row[setup.parameter_columns.index("entities")])
        kinds = [KINDS[int(kind)] for kind in setup.tables[0][:count, 0]]
        what = [_JAMMER if kind in JAMMERS else _USER for kind in kinds]
        self._classes = np.array([_IDLE, *what, _SEVERAL])

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        return ("channel", "ack", *self.setup.reward_terms)

    def append(
        self, row: int, step: int, metrics: NDArray[np.float64], state: NDArray[np.float64]
    ) -> None:
        """Note metrics and occupancy after a reset (step 0) or step."""
        super().append(row, step, metrics, state)
        channels = self._span.stop - self._span.start
        band = self._bands.setdefault(row, History(channels, capacity=WINDOW))
        if step == 0:
            band.clear()
        band.append(step, state[self._span])

    def frame(self, row: int = 0) -> NDArray[np.uint8]:
        """Return the picture of a row as fresh memory (height, width, 3)."""
        self._row = row
        return super().frame(row)

    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet."""
        from matplotlib.colors import to_rgb

        self._palette = np.array([to_rgb(color) for color in _COLORS])
        top = canvas.height - 60.0
        split = 0.32 * canvas.height
        width = canvas.width - 72.0
        self._map = canvas.axes(Box(56.0, split + 34.0, width, top - split - 34.0))
        channels = self._span.stop - self._span.start
        self._build_map(canvas, self._map, channels)
        panel = Panel(
            title="cumulated reward",
            unit="",
            series=[Series(name="total", label="reward")],
            span=10.0,
        )
        self._chart = StripChart(
            canvas, [panel], box=Box(56.0, 4.0, width, split - 4.0), span=self.span
        )
        canvas.text(14.0, canvas.height - 21.0, self.setup.id, fontsize=11, fontweight="bold")
        self._clock = canvas.text(
            canvas.width - 14.0, canvas.height - 21.0, fontsize=10, color=style.MUTED, ha="right"
        )
        x = 56.0
        for color, label in zip(_COLORS, _LEGEND, strict=True):
            canvas.text(x, canvas.height - 46.0, "■", fontsize=11, color=color)
            canvas.text(x + 14.0, canvas.height - 45.0, label, fontsize=8.5, color=style.MUTED)
            x += 32.0 + 6.2 * len(label)
        canvas.moving(self._image, self._clock)

    def _build_map(self, canvas: Canvas, axes: Axes, channels: int) -> None:
        blank = np.ones((channels, WINDOW, 3))
        self._image = axes.imshow(
            blank,
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            extent=(-WINDOW + 0.5, 0.5, -0.5, channels - 0.5),
        )
        axes.grid(visible=False)
        axes.set_ylabel("channel")
        axes.set_xlabel("steps ago")
        ticks = np.arange(0, WINDOW + 1, 20)
        axes.set_xticks(-ticks, [str(tick) for tick in ticks])
        axes.set_xlim(-WINDOW + 0.5, 0.5)
        stride = max(1, channels // 16)
        axes.set_yticks(range(0, channels, stride))

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        rewards = sum(values[name] for name in self.setup.reward_terms)
        self._chart.update(time, {"total": np.cumsum(rewards)})
        self._image.set_data(self._palette[self._picture(values)])
        self._clock.set_text(f"step {round(float(time[-1]) / self.setup.dt)}")

    def _picture(self, values: dict[str, NDArray[np.float64]]) -> NDArray[np.int64]:
        """Return the class of each channel and step, (channels, WINDOW), the newest step last."""
        _, rows = self._bands[self._row].rows()
        channels = rows.shape[1]
        picture = np.zeros((channels, WINDOW), dtype=np.int64)
        length = min(len(rows), WINDOW)
        picture[:, WINDOW - length :] = self._classes[rows[-length:].astype(np.int64)].T
        recent = min(length, len(values["channel"]))
        agent = values["channel"][-recent:].astype(np.int64)
        ack = values["ack"][-recent:]
        places = np.arange(WINDOW - recent, WINDOW)
        for outcome, sign in ((_DELIVERED, 1.0), (_LOST, -1.0)):
            there = (agent >= 0) & (ack == sign)
            picture[agent[there], places[there]] = outcome
        return picture
