"""Charts of an id that brings no drawing of its own: what is tracked, then its other metrics, over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.rendering.canvas import Box, Canvas
from gym_suite.rendering.charts import Panel, Series, StripChart
from gym_suite.rendering.renderer import EpisodeRenderer

__all__ = ["PlainRenderer"]

_MOST_PANELS = 5


class PlainRenderer(EpisodeRenderer):
    """Strip charts of the metrics: a panel for each tracked value with its reference, then for each other metric."""

    def _panels(self) -> list[Panel]:
        setup, columns = self.setup, self.setup.metric_columns
        panels = [
            Panel(
                title=t.label,
                unit=t.unit,
                series=(Series(name=t.value, label=t.value, reference=t.reference),),
            )
            for t in setup.tracking
        ]
        shown = {name for panel in panels for name in panel.names}
        others = [c for c in columns if c.name not in shown and c.name not in setup.reward_terms]
        panels += [
            Panel(title=c.name, unit=c.unit, series=(Series(name=c.name, label=c.name),))
            for c in others
        ]
        return panels[:_MOST_PANELS]

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        return tuple(dict.fromkeys(name for panel in self._panels() for name in panel.names))

    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet."""
        box = Box(64.0, 4.0, canvas.width - 80.0, canvas.height - 38.0)
        self._chart = StripChart(canvas, self._panels(), box=box, span=self.span)
        canvas.text(16.0, canvas.height - 20.0, self.setup.id)

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        self._chart.update(time, values)
