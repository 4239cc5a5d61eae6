"""A room with moving bodies as part of a sheet, drawn by projection and the painter's algorithm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.rendering import style
from gym_suite.rendering.canvas import Box, Canvas
from gym_suite.rendering.stage import Body, Space

__all__ = ["SpacePlot", "project", "rotate"]

Array = NDArray[np.float64]

#: Focal length in heights of the picture: a vertical angle of view of 45 degrees.
FOCAL = 0.5 / math.tan(math.radians(22.5))
_NEAR = 0.02  # m
_CORNERS = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], dtype=np.float64)
_DISC = np.linspace(0.0, 2.0 * math.pi, 16, endpoint=False)
_SHADOW = (0.12, 0.16, 0.2, 0.15)
#: Colour of pillars, light and dark; one sees a little through them.
_LIT, _DARK = np.array([0.87, 0.80, 0.72, 0.8]), np.array([0.66, 0.55, 0.45, 0.8])
_SUN = math.radians(130.0)


def rotate(points: ArrayLike, quaternion: ArrayLike) -> Array:
    """Return points (n, 3) turned by a unit quaternion (x, y, z, w)."""
    p = np.atleast_2d(np.asarray(points, dtype=np.float64))
    q = np.asarray(quaternion, dtype=np.float64)
    t = 2.0 * np.cross(q[:3], p)
    return p + q[3] * t + np.cross(q[:3], t)


def project(points: ArrayLike, eye: ArrayLike, target: ArrayLike, height: float) -> Array:
    """Return where points are seen, with z up in the picture.

    Args:
        points: m, (n, 3).
        eye: Where one looks from, m, (3,).
        target: What is in the middle, m, (3,); not straight below or above the eye.
        height: Height of the picture.

    Returns:
        (n, 3): to the right and up of the picture's middle, in the unit of its height, and the depth in m.
    """
    eye, target = np.asarray(eye, float), np.asarray(target, float)
    ahead = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, ahead)
    seen = (np.atleast_2d(np.asarray(points, float)) - eye) @ np.column_stack([right, up, ahead])
    scale = FOCAL * height / np.maximum(seen[:, 2], _NEAR)
    return np.column_stack([scale * seen[:, 0], scale * seen[:, 1], seen[:, 2]])


class SpacePlot:
    """Bodies on a floor, seen from an eye that may move.

    Args:
        canvas: Sheet to draw on.
        box: Room for it.
    """

    def __init__(self, canvas: Canvas, *, box: Box) -> None:
        from matplotlib.collections import LineCollection, PolyCollection

        self.height = box.height
        self.axes = canvas.axes(box)
        self.axes.set_xlim(-0.5 * box.width, 0.5 * box.width)
        self.axes.set_ylim(-0.5 * box.height, 0.5 * box.height)
        self.axes.set_xticks([])
        self.axes.set_yticks([])
        with style.context():
            self._floor = LineCollection([], colors=style.FAINT, linewidths=0.6, zorder=1)
            self._lines = LineCollection([], colors=style.WARNING, linewidths=1.8, zorder=2)
            self._trails = LineCollection([], linewidths=1.4, alpha=0.75, zorder=2)
            self._faces = PolyCollection([], linewidths=0.5, zorder=3)
            self._arms = LineCollection([], colors=style.INK, linewidths=1.6, zorder=4)
            self._targets = LineCollection([], linewidths=1.4, zorder=5)
        parts = (self._floor, self._lines, self._trails, self._faces, self._arms, self._targets)
        for part in parts:
            self.axes.add_collection(part, autolim=False)
        canvas.moving(*parts)

    def update(self, space: Space, *, eye: ArrayLike, target: ArrayLike) -> None:
        """Show the last instant of a space, with the way of its bodies before it as trails.

        Args:
            space: What there is.
            eye: Where one looks from, m, (3,).
            target: What is in the middle, m, (3,).
        """

        def see(points: Any) -> Array:
            return project(points, eye, target, self.height)

        self._floor.set_segments(_visible(see(line) for line in _grid(space.floor)))
        self._lines.set_segments(_visible(see([*line, line[0]]) for line in space.lines))
        here = [body for body in space.bodies if body.present is None or body.present[-1] > 0.0]
        trails = [see(body.position) for body in here]
        self._trails.set_segments([trail[trail[:, 2] > _NEAR, :2] for trail in trails])
        self._trails.set_color([body.color for body in here])
        faces: list[tuple[float, Array, Any]] = []
        arms: list[Array] = []
        for corners, color in _pillar_faces(space.pillars, np.asarray(eye, dtype=np.float64)):
            faces.append((float(see(corners)[:, 2].mean()), see(corners), color))
        for body in here:
            for corners, color in _polygons(body, space.magnified):
                faces.append((float(see(corners)[:, 2].mean()), see(corners), color))
            place, turn = body.position[-1], body.quaternion[-1]
            for x, y in body.rotors:
                tip = place + space.magnified * rotate((x, y, 0.0), turn)[0]
                arms.append(see(np.array([place, tip])))
        faces.sort(key=lambda face: -face[0])
        shown = [face for face in faces if (face[1][:, 2] > _NEAR).all()]
        self._faces.set_verts([corners[:, :2] for _, corners, _ in shown])
        self._faces.set_facecolor([color for *_, color in shown] or ["none"])
        self._arms.set_segments(_visible(arms))
        aims = [(body, see(body.target[-1])[0]) for body in here if body.target is not None]
        aims = [(body, aim) for body, aim in aims if aim[2] > _NEAR]
        self._targets.set_segments([line for _, aim in aims for line in _cross(aim)])
        self._targets.set_color([body.color for body, _ in aims for _ in range(2)])


def _grid(floor: tuple[float, float, float, float]) -> list[Array]:
    """Return the lines of a floor, a tenth of its longer side apart."""
    x0, y0, x1, y1 = floor
    step = max(x1 - x0, y1 - y0) / 10.0
    across = np.arange(x0, x1 + 1e-9, step)
    along = np.arange(y0, y1 + 1e-9, step)
    lines = [np.array([(x, y0, 0.0), (x, y1, 0.0)]) for x in across]
    return lines + [np.array([(x0, y, 0.0), (x1, y, 0.0)]) for y in along]


def _visible(lines: Any) -> list[Array]:
    """Return the projected lines that are wholly before the eye, without their depth."""
    return [line[:, :2] for line in lines if (line[:, 2] > _NEAR).all()]


def _polygons(body: Body, magnified: float) -> list[tuple[Array, Any]]:
    """Return corners and colour of a body's shadow and of its rotors' discs, or of its box."""
    from matplotlib.colors import to_rgba

    place, turn = body.position[-1], body.quaternion[-1]
    if not body.rotors:
        half = 0.5 * np.array(body.size)
        found = []
        for axis in range(3):
            one, other = (axis + 1) % 3, (axis + 2) % 3
            for side in (-1.0, 1.0):
                corners = np.zeros((4, 3))
                corners[:, axis] = side
                corners[:, [one, other]] = _CORNERS
                found.append(
                    (place + magnified * rotate(corners * half, turn), to_rgba(body.color))
                )
        return found
    disc = np.column_stack([np.cos(_DISC), np.sin(_DISC), np.zeros(len(_DISC))])
    reach = magnified * float(np.hypot(*body.rotors[0]))
    found = [(np.array([place[0], place[1], 0.0]) + reach * disc, _SHADOW)]
    front = max(x for x, _ in body.rotors)
    for x, y in body.rotors:
        corners = body.rotor_radius * disc + (x, y, 0.0)
        color = to_rgba(body.color, 0.9 if x > front - 1e-6 else 0.45)
        found.append((place + magnified * rotate(corners, turn), color))
    return found


def _pillar_faces(pillars: Array, eye: Array) -> list[tuple[Array, Any]]:
    """Return corners and colour of the sides of pillars that face the eye, and of their tops."""
    found: list[tuple[Array, Any]] = []
    for x, y, radius, height in pillars:
        around = np.column_stack([x + radius * np.cos(_DISC), y + radius * np.sin(_DISC)])
        for k, angle in enumerate(_DISC + 0.5 * _DISC[1]):
            (ax, ay), (bx, by) = around[k], around[(k + 1) % len(around)]
            if math.cos(angle) * (eye[0] - ax) + math.sin(angle) * (eye[1] - ay) <= 0.0:
                continue
            corners = np.array([(ax, ay, 0.0), (bx, by, 0.0), (bx, by, height), (ax, ay, height)])
            share = 0.5 + 0.5 * math.cos(angle - _SUN)
            found.append((corners, tuple(_DARK + share * (_LIT - _DARK))))
        if eye[2] > height:
            found.append((np.column_stack([around, np.full(len(around), height)]), tuple(_LIT)))
    return found


def _cross(aim: Array) -> list[Array]:
    size = 7.0  # layout units
    x, y = aim[:2]
    return [np.array([(x - size, y), (x + size, y)]), np.array([(x, y - size), (x, y + size)])]
