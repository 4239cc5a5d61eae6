"""Laws that keep the nose along x, made to keep any heading: they see the world in axes that turn with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.columns import Columns

#: rad; a heading further off counts as this far, or the torque about the vertical would take all that the rotors have.
FARTHEST = 0.3
#: Numbers that are remembered of a drone: the heading of the axes in the last period, and whether there was one.
MEMORY = 2


class HeadingFrame:
    """Level axes whose x points where a drone's nose is to point, or at most :data:`FARTHEST` from where it points.

    Where no heading is observed that is wanted, the nose is to point along the world's x.

    In them the law's own heading, along x, is the one that is wanted; body rates are over the rate of the axes, which
    is its feed-forward.

    Args:
        columns: Of one drone's observation.
        dt: Control period, s.
    """

    def __init__(self, columns: Columns, dt: float) -> None:
        names = set(columns.names)
        pairs = [
            (name, f"{name[:-1]}y")
            for name in columns.names
            if name.endswith("_x") and not name.startswith(("body_rate", "target_heading", "last_"))
        ]
        pairs += [(f"rotation_x{axis}", f"rotation_y{axis}") for axis in "xyz"]
        self._pairs = [(columns.index(x), columns.index(y)) for x, y in pairs if {x, y} <= names]
        self._rotation = columns.index("rotation_xx")
        self._told = "target_heading_x" in names
        if self._told:
            self._target = columns.index("target_heading_x")
            self._rate = columns.index("target_yaw_rate")
            self._rate_scale = columns[self._rate].scale
        self._body = columns.index("body_rate_x")
        self._body_scale = columns[self._body].scale
        self._dt = dt

    def seen(
        self,
        o: NDArray[np.float64],
        memory: NDArray[np.float64],
        vectors: Sequence[int],
        angles: Sequence[int],
    ) -> NDArray[np.float64]:
        """Return observations, (n, no), in the axes, and turn what a law remembers into them.

        The direction in which the nose is to point becomes that of the axes, in the world.

        Args:
            o: Observations.
            memory: What the law remembers of each drone, its last :data:`MEMORY` numbers these axes'; updated.
            vectors: Where in it vectors of the world begin.
            angles: Where in it headings stand.
        """
        at = self._rotation
        heading = np.arctan2(o[:, at + 3], o[:, at])
        wanted, rate = np.zeros(len(o)), np.zeros(len(o))
        if self._told:
            wanted = np.arctan2(o[:, self._target + 1], o[:, self._target])
            rate = o[:, self._rate] * self._rate_scale
        off = np.remainder(wanted - heading + np.pi, 2.0 * np.pi) - np.pi
        axes = heading + np.clip(off, -FARTHEST, FARTHEST)
        last, known = memory[:, -2], memory[:, -1]
        step = np.where(known > 0.0, axes - last, 0.0)
        for k in vectors:
            turn_back(memory, k, k + 1, step)
        for k in angles:
            memory[:, k] -= step - rate * self._dt
        memory[:, -2], memory[:, -1] = axes, 1.0
        result = o.copy()
        for x, y in self._pairs:
            turn_back(result, x, y, axes)
        # The rate of the axes about the vertical, in the body's: the last row of the rotation matrix.
        over = o[:, at + 6 : at + 9] * rate[:, None] / self._body_scale
        result[:, self._body : self._body + 3] -= over
        if self._told:
            result[:, self._target] = np.cos(axes)
            result[:, self._target + 1] = np.sin(axes)
        return result

    def axes(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the heading of the axes, rad, (n,), from observations in them."""
        return np.arctan2(seen[:, self._target + 1], seen[:, self._target])

    def in_world(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return observations as they were before they were seen in the axes, their body rates apart."""
        result, axes = seen.copy(), self.axes(seen)
        for x, y in self._pairs:
            turn_back(result, x, y, -axes)
        return result


def turn_back(rows: NDArray[np.float64], x: int, y: int, angle: NDArray[np.float64]) -> None:
    """Give the level vectors in columns x and y of rows, (n, k), in axes that are turned by angles, in place."""
    cosine, sine = np.cos(angle), np.sin(angle)
    one, other = rows[:, x].copy(), rows[:, y].copy()
    rows[:, x] = cosine * one + sine * other
    rows[:, y] = cosine * other - sine * one
