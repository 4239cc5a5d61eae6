"""What an interactive replay shows of an episode, as data: bodies in space, planes, rasters and charts.

A family's renderer says it (:meth:`gym_suite.rendering.EpisodeRenderer.stage`); the page of
:mod:`gym_suite.rendering.replay` draws it. All arrays have one row for each instant that was kept, k of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gym_suite.rendering.charts import Panel

__all__ = ["Body", "Plane", "Raster", "Space", "Stage"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Something that moves in space.

    Attributes:
        name: Its name.
        color: Its colour and its trail's, "#rrggbb".
        position: Where its centre is, m, (k, 3), z up.
        quaternion: How it is turned, (x, y, z, w), (k, 4).
        size: Length, width and height of its box, m; it looks along its length.
        rotors: Places of its rotors in the body, m, (x, y) each; without any it is a box.
        rotor_radius: Radius of the rotors' discs, m.
        target: Where it is to be, m, (k, 3); None: nowhere in particular.
        present: 1 where it is there, else 0, (k,); None: always.
    """

    name: str
    color: str
    position: Array
    quaternion: Array
    size: tuple[float, float, float]
    rotors: Sequence[tuple[float, float]] = ()
    rotor_radius: float = 0.0
    target: Array | None = None
    present: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Bodies in three dimensions, on a floor.

    Attributes:
        bodies: What moves.
        floor: Edges of the floor, m: least x and y, largest x and y.
        boxes: What stands still: middle and half the sides along the axes, m, (n, 6).
        lines: Closed lines that stand still, such as gates, m, (n, 3) each.
        pillars: Upright cylinders on the floor: place, radius and height, m, (n, 4).
        magnified: How many times as large as they are the bodies are drawn; the page says so.
        above: Whether one looks down at first.
    """

    bodies: Sequence[Body]
    floor: tuple[float, float, float, float]
    boxes: Array = field(default_factory=lambda: np.zeros((0, 6)))
    lines: Sequence[Array] = ()
    pillars: Array = field(default_factory=lambda: np.zeros((0, 4)))
    magnified: float = 1.0
    above: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A vector in its plane, with its trail.

    Attributes:
        title: What is drawn, with its unit.
        labels: Names of the two axes.
        values: Keys of the two components among :attr:`Stage.values`.
        extent: Half the width of what is seen.
        reference: Keys of the components that they should follow.
        circles: Radii and names of circles about the middle.
        corners: A polygon about the middle that moves, (k, corners, 2).
        trail: Seconds that the trail goes back.
    """

    title: str
    labels: tuple[str, str]
    values: tuple[str, str]
    extent: float
    reference: tuple[str, str] | None = None
    circles: Sequence[tuple[float, str]] = ()
    corners: Array | None = None
    trail: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """A picture that grows by a column each instant, such as a waterfall.

    Attributes:
        title: What is drawn.
        label: Name of the vertical axis, whose cells are ``groups`` numbers from 0 on.
        groups: Numbers on the vertical axis.
        values: Classes (whole numbers) or levels, (k, cells), lowest first.
        classes: Names and colours of the classes, of which the first is where nothing is; empty where the values
            are levels.
        bounds: Levels of the darkest and the brightest colour.
        unit: Unit of the levels.
    """

    title: str
    label: str
    groups: int
    values: NDArray[np.float64] | NDArray[np.int64]
    classes: Sequence[tuple[str, str]] = ()
    bounds: tuple[float, float] = (0.0, 1.0)
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that a replay shows of one episode.

    Attributes:
        dt: Control period, s.
        time: Seconds since the reset, (k,), ascending.
        values: Numbers by name, (k,) each.
        panels: Charts over time, of the values.
        views: What is seen beside the charts.
        alarm: 1 where something went wrong, (k,); None: that cannot be.
        alarm_text: What went wrong.
    """

    dt: float
    time: Array
    values: Mapping[str, Array]
    panels: Sequence[Panel]
    views: Sequence[Space | Plane | Raster] = ()
    alarm: Array | None = None
    alarm_text: str = "limit violated"
