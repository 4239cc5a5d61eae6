"""Pictures of a flight: trails seen from above and from the side, error and rotor speeds over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones.columns import AIM, TABLES
from gym_suite.drones.references import TABLE
from gym_suite.rendering import Box, EpisodeRenderer, Panel, PlanePlot, Series, StripChart, style
from gym_suite.rendering.canvas import Canvas

__all__ = ["DroneRenderer"]

T, A = TABLES.places, AIM.places

_TRAIL = 2.0  # s
_MOST_DRONES = 6
_SIDE = 420.0  # pixels of the planes


class DroneRenderer(EpisodeRenderer):
    """Two views of every drone with its trail and target on the right, strip charts on the left."""

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        drawn = [f"{a}{s}" for s in self._suffixes() for a in ("x", "y", "z")]
        drawn += [f"target_{name}" for name in drawn]
        drawn += [name for panel in self._panels() for name in panel.names]
        return tuple(dict.fromkeys([*drawn, self.setup.violation]))

    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet."""
        right = canvas.width - _SIDE
        top = canvas.height - 34.0
        self._chart = StripChart(
            canvas, self._panels(), box=Box(56.0, 4.0, right - 72.0, top - 4.0), span=self.span
        )
        above = Box(right, 0.36 * top, _SIDE - 12.0, 0.64 * top)
        beside = Box(right + 70.0, 4.0, _SIDE - 152.0, 0.36 * top - 8.0)
        extent = self._extent()
        self._above, self._beside = [], []
        for k in range(len(self._suffixes())):
            title = "from above (m)" if k == 0 else ""
            colour = style.PALETTE[k % len(style.PALETTE)]
            self._above.append(
                PlanePlot(
                    canvas,
                    box=above,
                    title=title,
                    labels=("$x$", "$y$"),
                    extent=extent,
                    color=colour,
                    reference_color=colour if len(self._suffixes()) > 1 else style.INK,
                )
            )
            title = "from the side, height about 1 m (m)" if k == 0 else ""
            self._beside.append(
                PlanePlot(
                    canvas,
                    box=beside,
                    title=title,
                    labels=("$x$", "$z - 1$"),
                    extent=extent,
                    color=colour,
                    reference_color=colour if len(self._suffixes()) > 1 else style.INK,
                )
            )
            if k:
                # One view, several drones: the later axes lie on the first and show their lines only.
                for plane in (self._above[-1], self._beside[-1]):
                    plane.axes.set_axis_off()
        head = canvas.height - 21.0
        canvas.text(14.0, head, self.setup.id, fontsize=11, fontweight="bold")
        self._clock = canvas.text(
            canvas.width - 14.0, head, fontsize=10, color=style.MUTED, ha="right"
        )
        self._alarm = canvas.text(
            right - 20.0, head, "crash", fontsize=10, color=style.WARNING, ha="right"
        )
        canvas.moving(self._clock, self._alarm)

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        self._chart.update(time, values)
        recent = slice(int(np.searchsorted(time, time[-1] - _TRAIL)), None)
        for suffix, above, beside in zip(self._suffixes(), self._above, self._beside, strict=True):
            x, y, z = (values[f"{a}{suffix}"][recent] for a in "xyz")
            tx, ty, tz = (values[f"target_{a}{suffix}"][-1] for a in "xyz")
            above.update(x, y, reference=(tx, ty))
            beside.update(x, z - 1.0, reference=(tx, tz - 1.0))
        self._clock.set_text(f"t = {time[-1]:.2f} s")
        self._alarm.set_visible(bool(values[self.setup.violation][-1] > 0.0))

    def _suffixes(self) -> list[str]:
        count = len(self.setup.agents)
        return [f"_{j}" for j in range(min(count, _MOST_DRONES))] if count else [""]

    def _extent(self) -> float:
        """Return half the width of the views, m."""
        columns, row = self.setup.parameter_columns, self.setup.row
        at = {name: float(row[columns.index(name)]) for name in columns.names}
        farthest = at["path_size"]
        if at["reference"] == TABLE:
            farthest = float(np.abs(self.setup.tables[T.path][:, 1:3]).max())
        if len(self.setup.tables[T.aim]):
            farthest = float(self.setup.tables[T.aim][0, A.extent])
        return 1.3 * (farthest + at["spacing"] + at["start_position"]) + 0.2

    def _panels(self) -> list[Panel]:
        suffixes = self._suffixes()
        distances = [
            Series(
                name=f"target_distance{s}",
                label="distance" if not s else f"drone {k}",
                color=style.PALETTE[k % len(style.PALETTE)],
            )
            for k, s in enumerate(suffixes)
        ]
        first = suffixes[0]
        rotors = [Series(name=f"command_{i}{first}", label=f"rotor {i}") for i in range(4)]
        height = [Series(name=f"z{first}", label="$z$", reference=f"target_z{first}")]
        of = " of drone 0" if first else ""
        title = "distance" if first else "distance from the target"  # many names stand beside it
        upper = Panel(title=title, unit="m", series=distances, span=0.1)
        if (
            self.setup.tracking[0].unit == "m/s"
        ):  # who is told a velocity has no place to be near to
            follow = [
                Series(name=t.value, label=f"${t.value[-1]}$", reference=t.reference)
                for t in self.setup.tracking
            ]
            upper = Panel(title="velocity", unit="m/s", series=follow, span=0.5)
        return [
            upper,
            Panel(title=f"height{of}", unit="m", series=height, span=0.2),
            Panel(title=f"rotors{of}", unit="krpm", series=rotors, span=2.0, scale=1e-3),
        ]
