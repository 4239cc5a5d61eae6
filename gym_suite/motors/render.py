"""Pictures of a motor's episode: what it tracks over time, and its vectors in the dq plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.quantities import TEMPERATURES
from gym_suite.motors.transforms import voltage_corners
from gym_suite.rendering import (
    Box,
    EpisodeRenderer,
    Panel,
    Plane,
    PlanePlot,
    Series,
    Stage,
    StripChart,
    style,
)
from gym_suite.rendering.canvas import Canvas
from gym_suite.rendering.plane import MovingPolygon

__all__ = ["MotorRenderer"]

_SYMBOLS = {
    "omega": r"$\omega$",
    "i_sd": "$i_d$",
    "i_sq": "$i_q$",
    "u_sd": "$u_d$",
    "u_sq": "$u_q$",
    "u_sx": "$u_x$",
    "u_sy": "$u_y$",
    "i": "$i$",
    "i_a": "$i_a$",
    "i_e": "$i_e$",
    "u": "$u$",
    "u_a": "$u_a$",
    "u_e": "$u_e$",
    "torque": "$T$",
    "position": r"$\varphi$",
    "v": "$v$",
    "temperature_winding": "winding",
    "temperature_magnet": "magnets",
    "temperature_housing": "housing",
}
#: What is charted besides the tracked values, while there is room: title, columns, references.
_GROUPS: dict[str, dict[str, str | None]] = {
    "temperature": dict.fromkeys(TEMPERATURES.names),
    # an inner loop's references: see the plane
    "current": {"i_sd": None, "i_sq": None, "i": None, "i_a": None, "i_e": None},
    "torque": {"torque": "torque_ref"},
    "voltage": {"u_sd": None, "u_sq": None, "u": None, "u_a": None, "u_e": None},
    "speed": {"omega": None},
}
_MOST_PANELS = 4
_CURRENTS = ("i_sd", "i_sq")


@dataclass(frozen=True, slots=True)
class _VoltagePlane:
    """A plane of voltages.

    Attributes:
        words: Its name.
        values: Columns of its two components.
        sense: Which way what stands still turns in it while the rotor turns forward.
    """

    words: str
    values: tuple[str, str]
    sense: float


#: The plane of d and q, and that in which two stars differ, whose y is counted the other way round.
_VOLTAGES = (
    _VoltagePlane("dq", ("u_sd", "u_sq"), -1.0),
    _VoltagePlane("xy", ("u_sx", "u_sy"), 1.0),
)
#: Parts of the time axis that the trails go back; voltages jump, and a long trail hides the point.
_CURRENT_TRAIL, _VOLTAGE_TRAIL = 0.15, 0.01
#: Widths of the planes' column, px: with one plane of voltages, and with two side by side.
_COLUMN, _WIDE_COLUMN = 330.0, 440.0


class MotorRenderer(EpisodeRenderer):
    """Strip charts on the left, the dq planes of current and voltage on the right, of two stars that of x and y too.

    It draws the metric columns that the setup has: each tracked value with its reference, then
    currents, torque and voltages. A machine without dq currents gets the charts alone.
    """

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        panels = self._panels()
        drawn = [name for panel in panels for name in panel.names]
        extra = (*_CURRENTS, "i_sd_ref", "i_sq_ref", "epsilon", "rho", "omega")
        voltages = [name for plane in _VOLTAGES for name in plane.values]
        extra = (*extra, *voltages, self.setup.violation)
        present = [name for name in extra if name in self.setup.metric_columns]
        return tuple(dict.fromkeys([*drawn, *present]))

    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet."""
        planes = all(name in self.columns for name in _CURRENTS)
        column = _WIDE_COLUMN if len(self._voltage_planes()) > 1 else _COLUMN
        right = canvas.width - column if planes else canvas.width - 16.0
        top = canvas.height - 34.0
        self._chart = StripChart(
            canvas,
            self._panels(),
            box=Box(56.0, 4.0, right - 56.0, top - 4.0),
            span=self.span,
        )
        self._current: PlanePlot | None = None
        self._voltages: list[tuple[_VoltagePlane, PlanePlot, MovingPolygon | None]] = []
        if planes:
            self._build_planes(canvas, right + 14.0, top)
        self._build_header(canvas, right)

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        self._chart.update(time, values)
        if self._current is not None:
            reference = None
            if "i_sd_ref" in values and "i_sq_ref" in values:
                reference = (values["i_sd_ref"][-1], values["i_sq_ref"][-1])
            recent = self._since(time, _CURRENT_TRAIL)
            self._current.update(
                values["i_sd"][recent], values["i_sq"][recent], reference=reference
            )
        recent = self._since(time, _VOLTAGE_TRAIL)
        now = {name: column[-1:] for name, column in values.items()}
        for plane, plot, polygon in self._voltages:
            plot.update(*(values[name][recent] for name in plane.values))
            if polygon is not None:
                polygon.update(self._corners(now, plane.sense)[0])
        self._write_header(time[-1], values)

    def stage(self, row: int = 0) -> Stage:
        """Return what an interactive replay shows of a row's episode: the charts, and the dq planes beside them."""
        time, values = self._episode(row)
        views = []
        span = float(time[-1])
        if all(name in values for name in _CURRENTS):
            limit = self._nominal("i_limit")
            known = math.isfinite(limit)
            wanted = ("i_sd_ref", "i_sq_ref")
            views.append(
                Plane(
                    title="current in the dq plane (A)",
                    labels=("$i_d$", "$i_q$"),
                    values=_CURRENTS,
                    extent=1.1 * limit if known else self.setup.metric_columns["i_sd"].high,
                    reference=wanted if all(name in values for name in wanted) else None,
                    circles=[(limit, f"limit {limit:g} A")] if known else (),
                    trail=_CURRENT_TRAIL * span,
                )
            )
        u_dc, voltages = self._nominal("u_dc"), self._voltage_planes()
        limit = "inverter's hexagon" if len(voltages) == 1 else "inverters' dodecagon"
        for plane in voltages if views else []:
            turns = self._angle() in values
            views.append(
                Plane(
                    title=f"voltage in the {plane.words} plane (V), within the {limit}",
                    labels=(_symbol(plane.values[0]), _symbol(plane.values[1])),
                    values=plane.values,
                    extent=1.1 * 2.0 / 3.0 * u_dc,
                    circles=self._linear_range(plane),
                    corners=self._corners(values, plane.sense) if turns else None,
                    trail=_VOLTAGE_TRAIL * span,
                )
            )
        return Stage(
            dt=self.setup.dt,
            time=time,
            values=values,
            panels=self._panels(),
            views=views,
            alarm=values.get(self.setup.violation),
        )

    def _since(self, time: NDArray[np.float64], part: float) -> slice:
        """Return the slice of the last ``part`` of the time axis."""
        return slice(int(np.searchsorted(time, time[-1] - part * self.span)), None)

    def _panels(self) -> list[Panel]:
        """Choose the charts from the columns that there are."""
        tracked = [item.value for item in self.setup.tracking]
        panels = [self._tracked_panel(item) for item in self.setup.tracking]
        turning = _VOLTAGES[0].values[0] in self.setup.metric_columns
        voltage = self._nominal("u_dc") / (math.sqrt(3.0) if turning else 1.0)
        bounds = {
            "temperature": (self._nominal("limit_winding"),),
            **{
                title: (-bound, bound)
                for title, bound in (("current", self._nominal("i_limit")), ("voltage", voltage))
            },
        }
        for title, references in _GROUPS.items():
            names = [name for name in references if name in self.setup.metric_columns]
            names = [name for name in names if name not in tracked]
            if names and len(panels) < _MOST_PANELS:
                panels.append(self._group_panel(title, names, bounds.get(title, (math.nan,))))
        return panels

    def _group_panel(self, title: str, names: list[str], bounds: tuple[float, ...]) -> Panel:
        """Return the chart of columns of one unit, with lines at bounds, of which the last is the largest."""
        columns = self.setup.metric_columns
        references = {name: ref for name, ref in _GROUPS[title].items() if ref in columns}
        bound = bounds[-1]
        known = math.isfinite(bound)
        # No speed trips, but a constant one needs a range too.
        extent = bound if known else self._nominal("omega_limit")
        return Panel(
            title=title,
            unit=columns[names[0]].unit,
            series=[
                Series(
                    name=name,
                    label=_symbol(name),
                    reference=references.get(name),
                    color=_color(name),
                )
                for name in names
            ],
            limits=bounds if known else (),
            span=0.1 * extent if math.isfinite(extent) else 0.0,
        )

    def _tracked_panel(self, item: Any) -> Panel:
        """Return the chart of a value that is to follow its reference."""
        fast = item.unit == "m/s"  # road speeds, which people and regulations know in km/h
        line = Series(
            name=item.value,
            label=_symbol(item.value),
            reference=item.reference,
            color=_color(item.value),
        )
        return Panel(
            title=item.label,
            unit="km/h" if fast else item.unit,
            series=[line],
            limits=(-item.scale, item.scale),
            span=0.05 * item.scale,
            scale=3.6 if fast else 1.0,
        )

    def _nominal(self, name: str) -> float:
        """Return a nominal parameter, NaN when this setup has none of that name."""
        columns = self.setup.parameter_columns
        return float(self.setup.row[columns.index(name)]) if name in columns else math.nan

    def _build_planes(self, canvas: Canvas, left: float, top: float) -> None:
        """Add the planes of current and, where it is known, voltage."""
        width = canvas.width - left - 12.0
        limit = self._nominal("i_limit")
        known = math.isfinite(limit)
        extent = 1.1 * limit if known else self.setup.metric_columns["i_sd"].high
        split = 0.45 * top
        self._current = PlanePlot(
            canvas,
            box=Box(left, split, width, top - split),
            title="current (A)",
            labels=("$i_d$", "$i_q$"),
            extent=extent,
        )
        if known:
            self._current.circle(limit, label=f"limit {limit:g} A", warning=True)
        voltages = self._voltage_planes()
        each = width / max(len(voltages), 1)
        for k, plane in enumerate(voltages):
            plot = PlanePlot(
                canvas,
                box=Box(left + k * each, 4.0, each, split - 8.0),
                title="voltage (V)",
                labels=(_symbol(plane.values[0]), _symbol(plane.values[1])),
                extent=1.1 * 2.0 / 3.0 * self._nominal("u_dc"),
                arrow=True,
            )
            for radius, _ in self._linear_range(plane):
                plot.circle(radius)
            turns = self._angle() in self.columns
            self._voltages.append((plane, plot, plot.moving_polygon() if turns else None))

    def _voltage_planes(self) -> list[_VoltagePlane]:
        """Return the planes of voltage that are drawn, none where the link's voltage is not known."""
        if not math.isfinite(self._nominal("u_dc")):
            return []
        known = self.setup.metric_columns
        return [plane for plane in _VOLTAGES if all(name in known for name in plane.values)]

    def _linear_range(self, plane: _VoltagePlane) -> list[tuple[float, str]]:
        """Return radius and label of the voltage that there is at every angle; for x and y it depends on d and q."""
        if plane is not _VOLTAGES[0]:
            return []
        return [(self._nominal("u_dc") / math.sqrt(3.0), "linear range")]

    def _angle(self) -> str:
        """Return the column of the angle of the dq frame: of the flux where the drive is oriented by one."""
        return "rho" if "rho" in self.setup.metric_columns else "epsilon"

    def _corners(self, values: dict[str, NDArray[np.float64]], sense: float) -> NDArray[np.float64]:
        """Return the corners of what two-level inverters can give, in a plane of voltages at each instant, (k, n, 2).

        The hexagon of one star or the dodecagon of two stands still in the stator frame, so the rotor sees it turn
        backwards in d and q and forwards in x and y. Voltages are those in the middle of the last inverter period, the
        angle is that at its end.
        """
        middle = values[self._angle()]
        if "omega" in values:
            turned = self._nominal("p") * values["omega"] * self._nominal("tau")
            middle = middle - 0.5 * np.where(np.isfinite(turned), turned, 0.0)
        still = np.array(voltage_corners(self._nominal("u_dc"), len(self._voltage_planes())))
        corners: Any = still * np.exp(1j * sense * middle[:, None])
        return np.stack([corners.real, corners.imag], axis=2)

    def _build_header(self, canvas: Canvas, right: float) -> None:
        top = canvas.height - 21.0
        canvas.text(14.0, top, self.setup.id, fontsize=11, fontweight="bold")
        self._clock = canvas.text(
            canvas.width - 14.0, top, fontsize=10, color=style.MUTED, ha="right"
        )
        self._alarm = canvas.text(
            right, top, "limit violated", fontsize=10, color=style.WARNING, ha="right"
        )
        canvas.moving(self._clock, self._alarm)

    def _write_header(self, now: float, values: dict[str, NDArray[np.float64]]) -> None:
        short = self.span < 2.0
        self._clock.set_text(f"t = {now * 1e3:.1f} ms" if short else f"t = {now:.2f} s")
        violation = values.get(self.setup.violation)
        self._alarm.set_visible(violation is not None and bool(violation[-1] > 0.0))


def _symbol(name: str) -> str:
    """Return a quantity's textbook symbol as mathtext, or its name."""
    return _SYMBOLS.get(name, name)


def _color(name: str) -> str:
    """Return a quantity's colour, the same in every chart and plane."""
    order = {"i_sd": "green", "i_sq": "blue", "u_sd": "green", "u_sq": "blue", "torque": "purple"}
    order |= {"i_e": "green", "u_e": "green"}
    order |= {"temperature_winding": "orange", "temperature_housing": "green"}
    return style.COLORS[order.get(name, "blue")]
