"""Pictures of the floor: the map, footprints, lidar, planned target, trails, and a heat map of visits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.agv.columns import (
    COLLIDED,
    DRIVING,
    OB,
    OBSTACLE_SIZE,
    T_BEAMS,
    T_GRID,
    VEHICLE_SIZE,
    WORLD_SIZE,
    W,
    X,
)
from gym_suite.agv.lidar import true_ranges
from gym_suite.rendering import Body, Box, EpisodeRenderer, Panel, Series, Space, Stage, style
from gym_suite.rendering.canvas import Canvas

__all__ = ["FloorRenderer", "heat_map", "value_map"]

#: In a fleet each vehicle, its trail and its target have a colour; trails are of the last steps only.
_FLEET = (*(style.COLORS[name] for name in ("blue", "orange", "purple", "green", "sky")), style.INK)
_FLEET_TRAIL = 80
#: m, how high walls and vehicles stand in the replay; the physics is flat.
_WALL_HEIGHT, _VEHICLE_HEIGHT = 0.8, 0.3
_CIRCLE = np.linspace(0.0, 2.0 * math.pi, 25)


class FloorRenderer(EpisodeRenderer):
    """The floor plan filling the sheet, with a line of text above.

    A vehicle is drawn with its heading, its trail, its target and a line to it; the first one with what its lidar
    sees. :meth:`show_path` adds a planned way.
    """

    keeps_states = True

    def __init__(
        self, setup: Any, *, size: tuple[int, int] = (960, 540), whole: bool = False
    ) -> None:
        super().__init__(setup, size=size, whole=whole)
        self._values = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
        self._obstacles = int(self._values["obstacles"])
        self._world = WORLD_SIZE + OBSTACLE_SIZE * self._obstacles
        self._row = 0
        self._layout = -1
        self._path: NDArray[np.float64] | None = None

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        return ("goal_distance", "clearance", "arrived", "violation")

    def append(
        self, row: int, step: int, metrics: NDArray[np.float64], state: NDArray[np.float64]
    ) -> None:
        """Note the metrics and the state after a reset or step."""
        super().append(row, step, metrics, state)
        if step == 0:
            self._path = None

    def frame(self, row: int = 0) -> NDArray[np.uint8]:
        """Return the picture of a row as fresh memory (height, width, 3)."""
        self._row = row
        return super().frame(row)

    def show_path(self, path: ArrayLike | None) -> None:
        """Draw a planned way (k, 2) in m from now on, until None or the next reset.

        Raises:
            ValueError: If it is not an array of points.
        """
        points = None if path is None else np.asarray(path, dtype=np.float64)
        if points is not None and (points.ndim != 2 or points.shape[1] != 2):
            raise ValueError(f"a path has the shape (k, 2), got {points.shape}")
        self._path = points

    def stage(self, row: int = 0) -> Stage:
        """Return what an interactive replay shows of a row's episode: the hall, from above at first."""
        time, values = self._episode(row)
        _, rows = self._states[row].rows()
        values = {**values, "speed": rows[:, self._world + X.v]}
        fleet = len(self.setup.agents) > 1
        panels = [
            Panel(
                title="arrived" if fleet else "distance from the target",
                unit="" if fleet else "m",
                series=[Series(name=name, label=name.replace("_", " "))],
                span=1.0,
            )
            for name in ["arrived" if fleet else "goal_distance"]
        ]
        panels += [
            Panel(
                title="least clearance" if fleet else "clearance",
                unit="m",
                series=[Series(name="clearance", label="clearance")],
                span=0.2,
            ),
            Panel(
                title="speed of vehicle 0" if fleet else "speed",
                unit="m/s",
                series=[Series(name="speed", label="speed")],
                span=0.2,
            ),
        ]
        alarm = values["violation"]
        return Stage(
            dt=self.setup.dt,
            time=time,
            values=values,
            panels=panels,
            views=[self._hall(rows)],
            alarm=alarm,
            alarm_text="collision",
        )

    def watched(self) -> tuple[str, ...]:
        """Return the state columns of which the floor plan with the ways is made."""
        own = [f"{agent}_" for agent in self.setup.agents] or [""]
        seen = ("x", "y", "theta", "status", "goal_x", "goal_y")
        vehicles = [f"{prefix}{name}" for prefix in own for name in seen]
        walkers = [f"obstacle_{k}_{name}" for k in range(self._obstacles) for name in ("x", "y")]
        return ("layout", *walkers, *vehicles)

    def overview(self, columns: Mapping[str, NDArray[np.float64]]) -> Space:
        """Return the hall with the ways of an episode's vehicles."""
        return self._hall(self._states_of(columns))

    def _hall(self, rows: NDArray[np.float64]) -> Space:
        """Return walls, vehicles and moving obstacles of states (k, nx)."""
        grid = self.setup.tables[T_GRID][int(rows[-1, W.layout])]
        cell, height = self._values["cell"], _WALL_HEIGHT
        boxes = []
        for y0, y1, x0, x1 in _rectangles(grid):
            middle = (0.5 * (x0 + x1) * cell, 0.5 * (y0 + y1) * cell, 0.5 * height)
            half = (0.5 * (x1 - x0) * cell, 0.5 * (y1 - y0) * cell, 0.5 * height)
            boxes.append((*middle, *half))
        return Space(
            bodies=[*self._vehicles(rows), *self._walkers(rows)],
            floor=(0.0, 0.0, grid.shape[1] * cell, grid.shape[0] * cell),
            boxes=np.array(boxes).reshape(-1, 6),
            above=True,
        )

    def _vehicles(self, rows: NDArray[np.float64]) -> list[Body]:
        """Return the vehicles of states (k, nx); one that has left is not there."""
        agents = rows[:, self._world :].reshape(len(rows), -1, VEHICLE_SIZE)
        count, height = agents.shape[1], _VEHICLE_HEIGHT
        bodies = []
        for k in range(count):
            a = agents[:, k]
            flat = np.zeros(len(a))
            bodies.append(
                Body(
                    name=f"vehicle {k}" if count > 1 else "vehicle",
                    color=_FLEET[k % len(_FLEET)],
                    position=np.column_stack([a[:, X.x], a[:, X.y], flat + 0.5 * height]),
                    quaternion=_upright(a[:, X.theta]),
                    size=(self._values["length"], self._values["width"], height),
                    target=np.column_stack([a[:, X.goal_x], a[:, X.goal_y], flat]),
                    present=(a[:, X.status] <= COLLIDED).astype(np.float64),
                )
            )
        return bodies

    def _walkers(self, rows: NDArray[np.float64]) -> list[Body]:
        """Return the moving obstacles of states (k, nx), as boxes of their diameter."""
        places = rows[:, WORLD_SIZE : self._world].reshape(len(rows), -1, OBSTACLE_SIZE)
        side, height = 2.0 * self._values["obstacle_radius"], _WALL_HEIGHT
        return [
            Body(
                name=f"obstacle {k}",
                color=style.MUTED,
                position=np.column_stack(
                    [places[:, k, OB.x], places[:, k, OB.y], np.full(len(rows), 0.5 * height)]
                ),
                quaternion=_upright(places[:, k, OB.theta]),
                size=(side, side, height),
            )
            for k in range(self._obstacles)
        ]

    def build(self, canvas: Canvas) -> None:
        """Put the floor plan on a fresh sheet."""
        from matplotlib.collections import LineCollection, PolyCollection

        top = canvas.height - 34.0
        self._axes = canvas.axes(Box(40.0, 24.0, canvas.width - 56.0, top - 28.0))
        self._axes.set_aspect("equal", adjustable="box")
        self._axes.grid(False)
        for axis in (self._axes.xaxis, self._axes.yaxis):
            axis.set_major_formatter("{x:g} m")
        self._map: Any = None
        self._layout = -1
        self._canvas_of_map = canvas
        color = style.COLORS
        with style.context():
            self._rays = LineCollection(
                [], colors=color["sky"], linewidths=0.5, alpha=0.45, zorder=2
            )
            self._trails = LineCollection(
                [], colors=color["blue"], linewidths=1.2, alpha=0.6, zorder=3
            )
            self._wishes = LineCollection(
                [], colors=color["green"], linewidths=0.7, linestyles=":", zorder=3
            )
            self._things = PolyCollection(
                [], facecolors=color["orange"], edgecolors="white", linewidths=0.8, zorder=4
            )
            self._bodies = PolyCollection([], edgecolors="white", linewidths=0.8, zorder=6)
            self._noses = LineCollection([], colors="white", linewidths=1.4, zorder=7)
            collections = (
                self._rays, self._trails, self._wishes, self._things, self._bodies, self._noses,
            )  # fmt: skip
            for collection in collections:
                self._axes.add_collection(collection, autolim=False)
            self._goals = self._axes.scatter(
                [], [], s=80, facecolors="none", edgecolors=color["green"], linewidths=1.8, zorder=5
            )
            (self._way,) = self._axes.plot([], [], color=color["purple"], lw=1.4, zorder=3.5)
        canvas.moving(*collections, self._goals, self._way)
        canvas.text(14.0, canvas.height - 21.0, self.setup.id, fontsize=11, fontweight="bold")
        self._clock = canvas.text(
            canvas.width - 14.0, canvas.height - 21.0, fontsize=10, color=style.MUTED, ha="right"
        )
        canvas.moving(self._clock)

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        _, rows = self._states[self._row].rows()
        now = rows[-1]
        self._show_map(int(now[W.layout]))
        trail = rows[:, self._world :].reshape(len(rows), -1, VEHICLE_SIZE)
        agents = trail[-1]
        here = agents[:, X.status] <= COLLIDED
        fleet = len(agents) > 1
        own = np.array([_FLEET[k % len(_FLEET)] for k in range(len(agents))])
        since = -_FLEET_TRAIL if fleet else 0
        self._trails.set_segments(
            [trail[since:, k, X.x : X.y + 1] for k in np.flatnonzero(here | (not fleet))]
        )
        self._trails.set_color(own[here].tolist() if fleet else style.COLORS["blue"])
        length, width = self._values["length"], self._values["width"]
        bodies = [_corners(a[X.x], a[X.y], a[X.theta], length, width) for a in agents[here]]
        self._bodies.set_verts(bodies)
        colors = [_body_color(a[X.status], own[k]) for k, a in enumerate(agents) if here[k]]
        self._bodies.set_facecolor(colors or ["none"])
        self._noses.set_segments([_nose(a, length) for a in agents[here]])
        driving = agents[agents[:, X.status] == DRIVING]
        self._goals.set_offsets(driving[:, [X.goal_x, X.goal_y]])
        green = [style.COLORS["green"]]
        goals = own[agents[:, X.status] == DRIVING].tolist() if fleet else green
        self._goals.set_edgecolor(goals)
        self._wishes.set_color(goals)
        wishes = [[(a[X.x], a[X.y]), (a[X.goal_x], a[X.goal_y])] for a in driving]
        if self._values["dock"]:
            wishes += [_arrow(a) for a in driving]
        self._wishes.set_segments(wishes)
        self._rays.set_segments(self._beams(now, agents[0]) if here[0] else [])
        self._things.set_verts(self._circles(now))
        self._way.set_data(*([], []) if self._path is None else self._path.T)
        self._clock.set_text(self._line(time[-1], values, len(agents)))

    def _show_map(self, layout: int) -> None:
        """Draw the map, where it is another than before."""
        if layout == self._layout:
            return
        grid, cell = self.setup.tables[T_GRID][layout], self._values["cell"]
        rows, columns = grid.shape
        with style.context():
            if self._map is not None:
                self._map.remove()
            self._map = self._axes.imshow(
                grid, origin="lower", extent=(0.0, columns * cell, 0.0, rows * cell), cmap="Greys",
                vmin=0.0, vmax=1.8, interpolation="nearest", zorder=1,
            )  # fmt: skip
        self._layout = layout
        self._canvas_of_map.redraw()

    def _beams(self, state: NDArray[np.float64], a: NDArray[np.float64]) -> list[Any]:
        """Return what the first vehicle's lidar sees, as lines."""
        ranges = true_ranges(self.setup, state)[0]
        beams, c, s = self.setup.tables[T_BEAMS], math.cos(a[X.theta]), math.sin(a[X.theta])
        ends = a[X.x : X.y + 1] + ranges[:, None] * (beams.T @ np.array([[c, s], [-s, c]]))
        return [np.array([a[X.x : X.y + 1], end]) for end in ends]

    def _circles(self, state: NDArray[np.float64]) -> list[Any]:
        radius = self._values["obstacle_radius"]
        round_ = radius * np.column_stack([np.cos(_CIRCLE), np.sin(_CIRCLE)])
        places = state[WORLD_SIZE : self._world].reshape(-1, OBSTACLE_SIZE)
        return [place[OB.x : OB.y + 1] + round_ for place in places]

    def _line(self, now: float, values: dict[str, NDArray[np.float64]], count: int) -> str:
        """Return the text above the plan."""
        text = f"t = {now:.1f} s"
        if count > 1:
            return f"arrived {values['arrived'][-1]:.0f} of {count}     {text}"
        if values["violation"][-1]:
            return f"collision     {text}"
        if values["arrived"][-1]:
            return f"arrived     {text}"
        return f"{values['goal_distance'][-1]:.2f} m to go     {text}"


def heat_map(
    setup: Any, x: ArrayLike, y: ArrayLike, *, layout: int = 0, size: tuple[int, int] = (960, 540)
) -> NDArray[np.uint8]:
    """Return a picture of how often places were visited, on the floor plan.

    Args:
        setup: The environment's setup.
        x: Positions, m, of any shape.
        y: Positions, m, of the same shape.
        layout: Number of the layout.
        size: Width and height in pixels.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: If x and y differ in shape.
    """
    if np.shape(x) != np.shape(y):
        raise ValueError(f"x and y differ in shape: {np.shape(x)} and {np.shape(y)}")
    grid = setup.tables[T_GRID][layout]
    cell = float(setup.row[setup.parameter_columns.index("cell")])
    edges = tuple(np.arange(count + 1) * cell for count in grid.shape)
    visits = np.histogram2d(np.ravel(y), np.ravel(x), bins=edges)[0]
    covered = np.count_nonzero(visits[grid == 0]) / np.count_nonzero(grid == 0)
    text = f"{100 * covered:.0f} % of the free cells visited"
    return _cells(setup, layout, np.where(visits > 0, visits, np.nan), "visits", text, size)


def value_map(
    setup: Any,
    values: ArrayLike,
    *,
    label: str,
    text: str = "",
    layout: int = 0,
    size: tuple[int, int] = (960, 540),
) -> NDArray[np.uint8]:
    """Return a picture of a positive number for each cell of the floor plan, on a logarithmic scale.

    Args:
        setup: The environment's setup.
        values: The numbers, (rows, columns) of the map; NaN where there is none.
        label: What they are, for the scale.
        text: A remark above the plan.
        layout: Number of the layout.
        size: Width and height in pixels.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: If the values have another shape than the map, or one is not positive.
    """
    numbers = np.asarray(values, dtype=np.float64)
    shape = setup.tables[T_GRID][layout].shape
    if numbers.shape != shape:
        raise ValueError(f"values must have the map's shape {shape}, got {numbers.shape}")
    if (numbers <= 0.0).any():
        raise ValueError(f"values must be positive, got {np.nanmin(numbers):g}")
    return _cells(setup, layout, numbers, label, text, size)


def _cells(
    setup: Any,
    layout: int,
    values: NDArray[np.float64],
    label: str,
    text: str,
    size: tuple[int, int],
) -> NDArray[np.uint8]:
    """Return the floor plan with a number in each free cell."""
    grid = setup.tables[T_GRID][layout]
    cell = float(setup.row[setup.parameter_columns.index("cell")])
    rows, columns = grid.shape
    extent = (0.0, columns * cell, 0.0, rows * cell)
    canvas = Canvas(size)
    axes = canvas.axes(Box(40.0, 24.0, canvas.width - 120.0, canvas.height - 62.0))
    with style.context():
        axes.set_aspect("equal", adjustable="box")
        axes.grid(False)
        axes.imshow(grid, origin="lower", extent=extent, cmap="Greys", vmin=0.0, vmax=1.8)
        shown = np.ma.masked_where((grid != 0) | np.isnan(values), values)
        picture = axes.imshow(
            shown,
            origin="lower",
            extent=extent,
            cmap="viridis",
            norm="log",
            interpolation="nearest",
        )
        if shown.count():
            bar = axes.figure.colorbar(picture, ax=axes, label=label, shrink=0.8)
            bar.ax.yaxis.set_major_formatter("{x:g}")
            if shown.max() < 10.0 * shown.min():  # no power of ten may be among the ticks
                bar.ax.yaxis.set_minor_formatter("{x:g}")
    canvas.text(14.0, canvas.height - 21.0, setup.id, fontsize=11, fontweight="bold")
    canvas.text(
        canvas.width - 14.0, canvas.height - 21.0, text, fontsize=10, color=style.MUTED, ha="right"
    )
    return canvas.frame()


def _corners(x: float, y: float, theta: float, length: float, width: float) -> NDArray[np.float64]:
    c, s = math.cos(theta), math.sin(theta)
    box = 0.5 * np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (length, width)
    return box @ np.array([[c, s], [-s, c]]) + (x, y)


def _upright(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quaternions (x, y, z, w), (k, 4), of headings (k,), rad."""
    half, flat = 0.5 * theta, np.zeros(len(theta))
    return np.column_stack([flat, flat, np.sin(half), np.cos(half)])


def _rectangles(grid: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    """Return rectangles (first row, end row, first column, end column) that cover a map's occupied cells once."""
    left = np.asarray(grid) != 0
    found = []
    while left.any():
        y0, x0 = (int(places[0]) for places in np.nonzero(left))
        x1 = x0 + 1
        while x1 < left.shape[1] and left[y0, x1]:
            x1 += 1
        y1 = y0 + 1
        while y1 < left.shape[0] and left[y1, x0:x1].all():
            y1 += 1
        left[y0:y1, x0:x1] = False
        found.append((y0, y1, x0, x1))
    return found


def _nose(a: NDArray[np.float64], length: float) -> list[Any]:
    """Return a line from a vehicle's middle to its front."""
    reach = 0.4 * length
    tip = (a[X.x] + reach * math.cos(a[X.theta]), a[X.y] + reach * math.sin(a[X.theta]))
    return [(a[X.x], a[X.y]), tip]


def _arrow(a: NDArray[np.float64]) -> list[Any]:
    """Return a line at a dock along the heading asked for."""
    tip = (
        a[X.goal_x] + 0.5 * math.cos(a[X.goal_theta]),
        a[X.goal_y] + 0.5 * math.sin(a[X.goal_theta]),
    )
    return [(a[X.goal_x], a[X.goal_y]), tip]


def _body_color(status: float, own: str) -> str:
    if status == COLLIDED:
        return style.WARNING
    return own if status == DRIVING else style.COLORS["green"]
