"""Episodes as seen from outside: ways on a plan, bands over time. What is drawn the family's renderer says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.charts import (
    BOTTOM,
    RIGHT,
    TOP,
    WIDTH,
    Figure,
    Line,
    Scale,
    axis_words,
    clip_path,
    drawn_line,
    grid,
    point_pairs,
    short,
    ticks,
)
from gym_suite.comparison.experiments import Experiment
from gym_suite.comparison.figures import COLOURS, baselines_first
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.worlds import make
from gym_suite.rendering import Raster, Space, overviewer

__all__ = ["Spot", "overviews", "plan_chart", "raster_chart"]

SMALL = (460.0, 320.0)
"""Width and height of one picture of several, in pixels."""

LEFT = 44.0
"""Room for the numbers of the vertical axis, in pixels."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a plan.

    Attributes:
        x: where, in data units.
        y: where.
        style: CSS classes.
        shape: "dot", "ring", "square" or "cross".
    """

    x: float
    y: float
    style: str
    shape: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """One agent's episode from outside.

    Attributes:
        name: of the agent.
        baseline: whether it does nothing that makes sense.
        failed: whether the episode failed.
        view: what is seen.
    """

    name: str
    baseline: bool
    failed: bool
    view: Any


def overviews(summary: Summary, experiment: Experiment, styles: Mapping[str, str]) -> list[Figure]:
    """The first seed's episodes as seen from outside, drawn as the family's renderer tells: a plan or a raster.

    Args:
        summary: where the trajectories are.
        experiment: which one to draw.
        styles: CSS class by agent name.
    """
    watched = experiment.world.watched
    if not watched:
        return []
    env = make(experiment.id, experiment.setting.keywords, experiment.horizon)
    renderer = overviewer(env.unwrapped.setup)
    env.close()
    spaces: list[_Seen] = []
    rasters: list[_Seen] = []
    for agent in baselines_first(experiment.agents, experiment.reference):
        trajectory = summary.trajectory(experiment, agent)
        if renderer is None or trajectory is None or not set(watched) <= set(trajectory.names):
            continue
        view = renderer.overview({name: trajectory[name] for name in watched})
        failed = _failed(summary, experiment, agent)
        seen = _Seen(agent.name, agent.kind == "baseline", failed, view)
        if isinstance(view, Space) and _ways(view):
            spaces.append(seen)
        elif isinstance(view, Raster) and view.classes:
            rasters.append(seen)
    seed = experiment.seeds[0]
    return [*_plans(spaces, seed, styles), *_bands(rasters, seed)]


def _plans(seen: Sequence[_Seen], seed: int, styles: Mapping[str, str]) -> list[Figure]:
    """All agents on one plan; where an agent moves several bodies, a plan for each agent."""
    if not seen:
        return []
    last = seen[-1]
    told = (
        f"Seed {seed}. Squares are starts, rings targets. A dot ends a way that went well, a cross one whose episode "
        "failed."
    )
    if any(np.ptp(target, axis=0).any() for _, target in _ways(last.view)):
        told += " Dashed: where the target was."
    if any(body.target is None for body in last.view.bodies):
        told += f" Dotted: where moving obstacles went in the episode of {last.name}."
    names = [body.name for body in last.view.bodies if body.target is not None]
    lone = len(names) == 1
    if not lone:
        told += f" A colour each for {names[0]} to {names[-1]}."
    views = [("From above", (0, 1))]
    if not last.view.above:
        views.append(("From the side", (0, 2)))
    figures = []
    for title, axes in views:
        ends = _extent(seen, axes)
        if lone:
            chart = _plan(seen, [[styles[one.name]] for one in seen], axes, ends, title)
        else:
            numbered = [f"s{k % COLOURS}" for k in range(len(names))]
            chart = _side_by_side(
                [
                    (one.name, _plan([one], [numbered], axes, ends, title, SMALL))
                    for one in _first_trainings(seen)
                ]
            )
        figures.append(Figure(title, chart, told))
        told = ""
    return figures


def _plan(
    seen: Sequence[_Seen],
    styles: Sequence[Sequence[str]],
    axes: tuple[int, int],
    ends: tuple[tuple[float, float], tuple[float, float]],
    title: str,
    size: tuple[float, float] = (WIDTH, 480.0),
) -> str:
    """The ways of some agents, a style for each of their bodies."""
    across, up = axes
    lines, spots = [], []
    # What moves by itself is shown as the last agent, the reference controller, met it.
    shown = seen[-1].view
    lines += [
        Line(body.position[:, across], body.position[:, up], "passer", body.name)
        for body in shown.bodies
        if body.target is None
    ]
    for _, target in _ways(shown):
        x, y = target[:, across], target[:, up]
        if np.ptp(x) + np.ptp(y) > 0.0:
            lines.append(Line(x, np.where(_jumps(target), np.nan, y), "reference", "target"))
        else:
            spots.append(Spot(float(x[0]), float(y[0]), "target", "ring"))
    for one, own in zip(seen, styles, strict=True):
        for (way, _), style in zip(_ways(one.view), own, strict=True):
            lines.append(Line(way[:, across], way[:, up], f"trace {style}", one.name))
            end = "cross" if one.failed else "dot"
            for place, shape in ((way[0], "square"), (way[-1], end)):
                spots.append(Spot(float(place[across]), float(place[up]), style, shape))
    boxes = np.column_stack(
        [shown.boxes[:, i] + sign * shown.boxes[:, 3 + i] for i in axes for sign in (-1, 1)]
    )
    return plan_chart(
        lines,
        labels=(f"{'xyz'[across]} in m", f"{'xyz'[up]} in m"),
        title=title.lower(),
        x_range=ends[0],
        y_range=ends[1],
        boxes=boxes,
        outlines=[line[:, axes] for line in shown.lines],
        spots=spots,
        size=size,
    )


def _bands(seen: Sequence[_Seen], seed: int) -> list[Figure]:
    """The same raster for each agent, with one legend."""
    if not seen:
        return []
    first: Raster = seen[0].view
    height = min(SMALL[1], max(150.0, 74.0 + 12.0 * first.groups))
    charts = [
        (
            one.name,
            raster_chart(
                np.asarray(one.view.values, dtype=np.int64),
                [color for _, color in one.view.classes],
                labels=("step", one.view.label),
                title=f"{one.view.title}, {one.name}",
                size=(SMALL[0], height),
            ),
        )
        for one in _first_trainings(seen)
    ]
    there = {0}.union(*(np.unique(one.view.values).astype(int).tolist() for one in seen))
    keys = "".join(
        f'<span class="key"><span class="swatch cell" style="--c:{escape(color)}"></span>'
        f"{escape(name)}</span>"
        for number, (name, color) in enumerate(first.classes)
        if number in there
    )
    legend = f'<p class="legend">{keys}</p>'
    words = f"The first {len(first.values) - 1} steps on seed {seed}."
    title = first.title[:1].upper() + first.title[1:]
    return [Figure(title, legend + _side_by_side(charts), words)]


def _first_trainings(seen: Sequence[_Seen]) -> list[_Seen]:
    """The first of each agent's name."""
    return list({one.name: one for one in reversed(seen)}.values())[::-1]


def _side_by_side(charts: Sequence[tuple[str, str]]) -> str:
    """Pictures with the names of their agents, two in a row where there is room."""
    parts = [f'<div><p class="whose">{escape(name)}</p>{chart}</div>' for name, chart in charts]
    return f'<div class="multiples">{"".join(parts)}</div>'


def _failed(summary: Summary, experiment: Experiment, agent: Any) -> bool:
    """Whether an agent failed in the episode that is shown."""
    record = summary.results.get(next(experiment.runs(agent)).digest())
    return record is not None and record["metrics"].get("failed", 0.0) > 0.0


def _ways(space: Space) -> list[tuple[Array, Array]]:
    """Where each body that an agent moves was, and its target, (k, 3) each; those have a target.

    A body that has left is nowhere; its target, which may be drawn anew, counts no longer either.
    """
    ways = []
    for body in space.bodies:
        if body.target is not None:
            there = np.ones(len(body.target)) if body.present is None else body.present
            gone = np.flatnonzero(there <= 0.0)
            last = max(int(gone[0]), 1) if gone.size else len(there)
            ways.append((body.position[:last], body.target[:last]))
    return ways


def _jumps(target: Array) -> NDArray[np.bool_]:
    """Where a target (k, 3) has come without a way between, as when another one is meant: (k,)."""
    length = np.linalg.norm(np.diff(target, axis=0), axis=1)
    usual = np.quantile(length[length > 0.0], 0.9) if length.any() else 0.0
    return np.append(False, length > 10.0 * usual)


def _extent(
    seen: Sequence[_Seen], axes: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """What is to be seen: a hall as a whole, else where agents that try and targets are, with some room."""
    first: Space = seen[0].view
    if first.above:
        x0, y0, x1, y1 = first.floor
        return (x0, x1), (y0, y1)
    trying = [one for one in seen if not one.baseline]
    points = list(first.lines)
    for one in trying or seen:
        points += [places for way in _ways(one.view) for places in way]
    places = np.concatenate(points)[:, axes]
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.08 * float((high - low).max()) + 0.02
    (x0, y0), (x1, y1) = low - room, high + room
    return (float(x0), float(x1)), (float(y0), float(y1))


def plan_chart(
    lines: Sequence[Line],
    *,
    labels: tuple[str, str],
    title: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    boxes: Array | None = None,
    outlines: Sequence[Array] = (),
    spots: Sequence[Spot] = (),
    size: tuple[float, float] = (WIDTH, 480.0),
) -> str:
    """Ways on a plan, as long one way as the other.

    Args:
        lines: the ways, the last on top; a band or a logarithm has no place here.
        labels: words under and above the axes, unit included.
        title: for readers that do not see the picture.
        x_range: what of the first axis is seen.
        y_range: what of the second axis is seen.
        boxes: least and largest x, least and largest y of what stands there, (n, 4).
        outlines: closed lines, (k, 2) each.
        spots: places, over everything else.
        size: largest width and height in pixels.

    Returns:
        The SVG element.
    """
    wide, high = x_range[1] - x_range[0], y_range[1] - y_range[0]
    top = TOP + 14.0
    scale = min((size[0] - LEFT - RIGHT) / wide, (size[1] - top - BOTTOM) / high)
    width, height = LEFT + scale * wide + RIGHT, top + scale * high + BOTTOM
    sx = Scale(*x_range, LEFT, width - RIGHT)
    sy = Scale(*y_range, height - BOTTOM, top)
    # About as far apart one way as the other, but at least some numbers on either axis.
    step = max(wide, high) / 8.0
    at = [ticks(*ends, max(3, round((ends[1] - ends[0]) / step))) for ends in (y_range, x_range)]
    clip, defined = clip_path(sx, sy, title, [line.y for line in lines])
    parts = [_opened("plan", width, height, title), defined, grid(sx, sy, *at)]
    parts += [axis_words(*labels, sx, sy), f'<g clip-path="url(#{clip})">']
    for x0, x1, y0, y1 in np.zeros((0, 4)) if boxes is None else boxes:
        a, b, c, d = (float(v) for v in (*sx((x0, x1)), *sy((y1, y0))))
        parts.append(
            f'<rect class="wall" x="{a:.1f}" y="{c:.1f}" width="{b - a:.1f}" height="{d - c:.1f}"/>'
        )
    parts += [
        f'<path class="outline" d="M{"L".join(point_pairs(sx(o[:, 0]), sy(o[:, 1])))}Z"/>'
        for o in outlines
    ]
    for line in lines:
        px, py = np.clip(sx(line.x), -2000, 3000), np.clip(sy(line.y), -2000, 3000)
        # A point in the pixel of the one before adds nothing but bytes.
        places = np.round(np.column_stack([px, py]))
        kept = np.append(True, (places[1:] != places[:-1]).any(axis=1))
        parts.append(drawn_line(px[kept], py[kept], line))
    parts += [_spot(spot, float(sx(spot.x)), float(sy(spot.y))) for spot in spots]
    return "".join([*parts, "</g></svg>"])


def raster_chart(
    values: NDArray[np.int64],
    colors: Sequence[str],
    *,
    labels: tuple[str, str],
    title: str,
    size: tuple[float, float] = (WIDTH, 200.0),
) -> str:
    """A picture of classes, a column for each step from 0 on.

    Args:
        values: the classes, (steps, cells), the first cell at the bottom.
        colors: of the classes, of which the first is the ground.
        labels: words under and above the axes.
        title: for readers that do not see the picture.
        size: width and height in pixels.

    Returns:
        The SVG element.
    """
    steps, cells = values.shape
    sx = Scale(-0.5, steps - 0.5, LEFT, size[0] - RIGHT)
    sy = Scale(-0.5, cells - 0.5, size[1] - BOTTOM, TOP + 14.0)
    parts = [
        _opened("raster", *size, title),
        f'<rect class="ground" x="{sx.start:g}" y="{sy.stop:g}" width="{sx.stop - sx.start:g}" '
        f'height="{sy.start - sy.stop:g}"/>',
    ]
    tall = short(abs(float(sy(1.0) - sy(0.0))))
    for number, color in enumerate(colors[1:], start=1):
        runs = []
        for cell in range(cells):
            # Neighbours in time are one rectangle.
            there = np.diff(np.concatenate([[0], values[:, cell] == number, [0]]))
            ends = zip(np.flatnonzero(there > 0), np.flatnonzero(there < 0), strict=True)
            y = short(float(sy(cell + 0.5)))
            runs += [
                f"M{short(float(sx(a - 0.5)))} {y}"
                f"H{short(float(sx(b - 0.5)))}v{tall}H{short(float(sx(a - 0.5)))}Z"
                for a, b in ends
            ]
        parts.append(f'<path fill="{escape(color)}" d="{"".join(runs)}"/>')
    whole = [v for v in ticks(0, max(cells - 1, 1)) if float(v).is_integer() and v < cells]
    parts += [grid(sx, sy, whole, lines=False), axis_words(*labels, sx, sy)]
    return "".join([*parts, "</svg>"])


def _opened(kind: str, width: float, height: float, title: str) -> str:
    """The beginning of a picture that is not shown larger than it is drawn."""
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}" style="max-width:{width:.0f}px">'
    )


def _spot(spot: Spot, x: float, y: float) -> str:
    """A place as a shape of some nine pixels."""
    kind = f'class="spot {spot.shape} {spot.style}"'
    if spot.shape in ("dot", "ring"):
        return f'<circle {kind} cx="{x:.1f}" cy="{y:.1f}" r="{4 if spot.shape == "dot" else 6}"/>'
    if spot.shape == "square":
        return f'<rect {kind} x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    a, b, c, d = (f"{v:.1f}" for v in (x - 4.5, x + 4.5, y - 4.5, y + 4.5))
    return f'<path {kind} d="M{a} {c}L{b} {d}M{a} {d}L{b} {c}"/>'
