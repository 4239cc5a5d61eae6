"""A* with regulated pure pursuit, and the dynamic window approach along the same way."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.columns import T_BEAMS, T_GRID, T_ROOM
from gym_suite.agv.controllers.planning import a_star, in_sight
from gym_suite.agv.controllers.seen import (
    cell_of,
    check_twist,
    layout_of,
    pose_of,
    speeds_of,
    travel_cost,
)
from gym_suite.agv.dynamics import arc
from gym_suite.agv.geometry import INFINITY, ray_grid, wrap
from gym_suite.agv.parameters import P
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller
from gym_suite.core.kernel import called_kernel, kernel

#: A range shorter than the map's by more than this is something that moves, m.
SURPRISE = 0.25
#: Places of the gains of pure pursuit, by the names of the controller's arguments.
_GAINS = ("turn", "bend", "gap", "brake", "heading")
G = namedtuple("Gains", _GAINS)(*range(len(_GAINS)))


@kernel
def pursuit_curvature(along, across):
    """Return the curvature of the arc that starts along x and runs through (along, across), 1/m.

    kappa = 2 across / (along^2 + across^2): Coulter, "Implementation of the Pure Pursuit Path Tracking Algorithm",
    CMU-RI-TR-92-01, 1992.
    """
    return 2.0 * across / (along * along + across * across)


@called_kernel
def _shut_moving(o, x, y, theta, layout, p, tables, cost, radius):
    """Close the cells around what the lidar sees and the map does not know; return the nearest such thing, m."""
    grid, room, beams = tables[T_GRID][layout], tables[T_ROOM][layout], tables[T_BEAMS]
    cell, reach = p[P.cell], p[P.lidar_range]
    nearest = INFINITY
    c, s = math.cos(theta), math.sin(theta)
    for j in range(int(p[P.lidar_beams])):
        seen = o[j] * reach
        dx, dy = beams[0, j] * c - beams[1, j] * s, beams[0, j] * s + beams[1, j] * c
        if seen >= reach or seen > 5.0:
            continue
        if ray_grid(x, y, dx, dy, reach, grid, room, cell) - seen < SURPRISE:
            continue
        nearest = min(nearest, seen)
        px, py = x + seen * dx, y + seen * dy
        k = int(radius / cell) + 1
        row, column = math.floor(py / cell), math.floor(px / cell)
        for i in range(max(row - k, 0), min(row + k + 1, cost.shape[0])):
            for q in range(max(column - k, 0), min(column + k + 1, cost.shape[1])):
                if math.hypot((q + 0.5) * cell - px, (i + 0.5) * cell - py) < radius:
                    cost[i, q] = INFINITY
    return nearest


@called_kernel
def point_ahead(way, count, cost, grid, p, x, y, goal_x, goal_y, lookahead):
    """Return the last point of a way within the lookahead distance that the vehicle can reach straight on."""
    cell, disc, columns = p[P.cell], 0.5 * p[P.width] + 0.1, cost.shape[1]
    px, py = goal_x, goal_y
    if count > 2 or math.hypot(goal_x - x, goal_y - y) > lookahead:
        px = (way[min(1, count - 1)] % columns + 0.5) * cell
        py = (way[min(1, count - 1)] // columns + 0.5) * cell
        for k in range(1, count):
            qx, qy = (way[k] % columns + 0.5) * cell, (way[k] // columns + 0.5) * cell
            if k == count - 1:
                qx, qy = goal_x, goal_y
            if math.hypot(qx - x, qy - y) > lookahead + cell:
                break
            if in_sight(cost, grid, cell, disc, x, y, qx, qy):
                px, py = qx, qy
    return px, py


@called_kernel
def carrot_one(
    o, p, tables, base, radius, lookahead, cost, way, best, parent, heap, order
):  # fmt: skip
    """Plan a way and return the point of it to steer for, and whether there is a way.

    The point is the last one of the way within the lookahead distance that the vehicle can reach straight on.

    Returns:
        x, y of the point (m), the length of the way (m, INFINITY without one), the nearest moving thing (m).
    """
    x, y, theta, goal_x, goal_y = pose_of(o, p)
    layout, cell = layout_of(o, p), p[P.cell]
    rows, columns = cost.shape
    for i in range(rows):
        for j in range(columns):
            cost[i, j] = base[layout, i, j]
    nearest = _shut_moving(o, x, y, theta, layout, p, tables, cost, radius)
    start, goal = cell_of(x, y, cell, rows, columns), cell_of(goal_x, goal_y, cell, rows, columns)
    count = a_star(cost, start, goal, way, best, parent, heap, order)
    if count == 0:
        return x, y, INFINITY, nearest
    px, py = point_ahead(
        way, count, cost, tables[T_GRID][layout], p, x, y, goal_x, goal_y, lookahead
    )
    return px, py, count * cell, nearest


@kernel
def _gap_ahead(o, p, tables, half, sign):
    """Return the free way (m) straight ahead (sign 1) or back (-1) of a corridor of half width ``half``."""
    beams = tables[T_BEAMS]
    gap = INFINITY
    for j in range(int(p[P.lidar_beams])):
        seen = o[j] * p[P.lidar_range]
        along, across = sign * seen * beams[0, j], seen * beams[1, j]
        if along > 0.0 and abs(across) < half:
            gap = min(gap, along - 0.5 * p[P.length])
    return gap


@called_kernel
def pursue_one(o, p, tables, cx, cy, length, nearest, gains):
    """Return speed and yaw rate of regulated pure pursuit.

    The speed is reduced in bends, near obstacles and so that the vehicle can stop before what is ahead: Macenski,
    Singh, Martin, Gines, "Regulated pure pursuit for robot path tracking", Autonomous Robots 47, 2023.

    Args:
        o: Observation.
        p: Nominal parameters.
        tables: The setup's tables.
        cx: Point to steer for, x.
        cy: Point to steer for, y.
        length: Length of the way, m; INFINITY without one.
        nearest: Nearest moving thing, m.
        gains: Those of :class:`Pursuit`, in the order of ``G``.
    """
    x, y, theta, _, _ = pose_of(o, p)
    turn, bend, keep = gains[G.turn], gains[G.bend], gains[G.gap]
    brake, heading = gains[G.brake], gains[G.heading]
    if length >= INFINITY:
        return 0.0, 0.0
    bearing = wrap(math.atan2(cy - y, cx - x) - theta)
    distance = math.hypot(cx - x, cy - y)
    if distance < 1e-6:
        return 0.0, 0.0
    spin = min(max(heading * bearing, -p[P.omega_limit]), p[P.omega_limit])
    if abs(bearing) > turn:
        return 0.0, spin
    kappa = pursuit_curvature(distance * math.cos(bearing), distance * math.sin(bearing))
    v = p[P.v_limit]
    if abs(kappa) * bend > 1.0:
        v /= abs(kappa) * bend
    v = min(v, 0.9 * p[P.omega_limit] / max(abs(kappa), 1e-9))
    gap = _gap_ahead(o, p, tables, 0.5 * p[P.width] + 0.1, 1.0) - keep
    if nearest < INFINITY:
        gap = min(gap, nearest - 0.5 * p[P.length] - 0.6)
    v = min(v, math.sqrt(max(0.0, 2.0 * brake * p[P.deceleration] * gap)))
    if v < 0.02:
        return 0.0, spin
    return v, v * kappa


@kernel
def pursue_rows(
    o, p, tables, base, radius, lookahead, gains, action, cost, way, best, parent, heap, order
):
    """Fill the actions (n, 2) of all rows."""
    for i in range(o.shape[0]):
        cx, cy, length, nearest = carrot_one(
            o[i], p, tables, base, radius, lookahead, cost, way, best, parent, heap, order
        )
        v, omega = pursue_one(o[i], p, tables, cx, cy, length, nearest, gains)
        action[i, 0], action[i, 1] = v / p[P.v_limit], omega / p[P.omega_limit]


@called_kernel
def window_one(o, p, tables, cx, cy, length, horizon, keep):
    """Return speed and yaw rate by the dynamic window approach (Fox, Burgard, Thrun, IEEE RAM 4(1), 1997).

    Of the speeds that can be reached within half a second (yaw rates within 0.8 s), that one is taken whose arc over
    the horizon comes nearest to the point to steer for, fast and clear of every lidar return; arcs that meet one are
    left out.
    """
    x, y, theta, _, _ = pose_of(o, p)
    v_now, omega_now = speeds_of(o, p)
    if length >= INFINITY:
        return 0.0, 0.0
    reach, beams = p[P.lidar_range], tables[T_BEAMS]
    c, s = math.cos(theta), math.sin(theta)
    gx, gy = (cx - x) * c + (cy - y) * s, (cy - y) * c - (cx - x) * s
    low_v, high_v = max(0.0, v_now - 0.5 * p[P.deceleration]), v_now + 0.5 * p[P.acceleration]
    high_v = min(high_v, p[P.v_limit])
    low_w = max(-p[P.omega_limit], omega_now - 0.8 * p[P.alpha])
    high_w = min(p[P.omega_limit], omega_now + 0.8 * p[P.alpha])
    half_length, half_width = 0.5 * p[P.length] + keep, 0.5 * p[P.width] + keep
    best, best_v, best_w = -INFINITY, 0.0, 0.0
    steps = 6
    for a in range(9):
        v = low_v + (high_v - low_v) * a / 8.0
        for b in range(17):
            w = low_w + (high_w - low_w) * b / 16.0
            clearance, near = 0.6, INFINITY
            for t in range(1, steps + 1):
                px, py, turned = arc(0.0, 0.0, 0.0, v, 0.0, w, horizon * t / steps)
                ct, st = math.cos(turned), math.sin(turned)
                near = min(near, math.hypot(gx - px, gy - py))
                for k in range(int(p[P.lidar_beams])):
                    seen = o[k] * reach
                    if seen > 3.0:
                        continue
                    dx, dy = seen * beams[0, k] - px, seen * beams[1, k] - py
                    along = abs(dx * ct + dy * st) - half_length
                    across = abs(dy * ct - dx * st) - half_width
                    clearance = min(clearance, max(along, across))
                if clearance <= 0.0:
                    break
            if clearance <= 0.0:
                continue
            _, _, turned = arc(0.0, 0.0, 0.0, v, 0.0, w, 0.5 * horizon)
            px, py, _ = arc(0.0, 0.0, 0.0, v, 0.0, w, 0.5 * horizon)
            aim = abs(wrap(math.atan2(gy - py, gx - px) - turned))
            merit = -1.2 * near - 0.5 * aim + 0.3 * v / p[P.v_limit] + 0.4 * clearance
            if merit > best:
                best, best_v, best_w = merit, v, w
    if best == -INFINITY:
        spin = math.atan2(gy, gx)
        return 0.0, min(max(spin, -p[P.omega_limit]), p[P.omega_limit])
    return best_v, best_w


@kernel
def window_rows(
    o,
    p,
    tables,
    base,
    radius,
    lookahead,
    horizon,
    keep,
    action,
    cost,
    way,
    best,
    parent,
    heap,
    order,
):
    """Fill the actions (n, 2) of all rows."""
    for i in range(o.shape[0]):
        cx, cy, length, _ = carrot_one(
            o[i], p, tables, base, radius, lookahead, cost, way, best, parent, heap, order
        )
        v, omega = window_one(o[i], p, tables, cx, cy, length, horizon, keep)
        action[i, 0], action[i, 1] = v / p[P.v_limit], omega / p[P.omega_limit]


class _AlongTheWay(Controller):
    """What pursuit and dynamic window share: a way planned anew at every step, and a point of it ahead."""

    information = "model"
    lookahead: float
    margin: float
    caution: float

    def _tune(self, nominal: Any) -> None:
        check_twist(nominal, type(self).__name__)
        values = nominal.parameters
        self._row, self._tables = nominal.row.copy(), nominal.tables
        self._cost = travel_cost(nominal, margin=self.margin, caution=self.caution)
        reach = 0.5 * math.hypot(values["length"], values["width"])
        self.gains_ = {"lookahead": self.lookahead, "closed_radius": reach + 0.35}
        self._radius = self.gains_["closed_radius"]
        self.gain_units_ = {"lookahead": "m", "closed_radius": "m"}

    def _scratch(self) -> tuple[NDArray[Any], ...]:
        shape = self._cost.shape[1:]
        cells = shape[0] * shape[1]
        return (
            np.empty(shape),
            np.empty(cells, dtype=np.int64),
            np.empty(cells),
            np.empty(cells, dtype=np.int64),
            np.empty(8 * cells, dtype=np.int64),
            np.empty(8 * cells),
        )


class Pursuit(_AlongTheWay):
    """Plans by A* on the map and what the lidar sees besides, and follows by regulated pure pursuit.

    Args:
        lookahead: Distance of the point to steer for, m.
        margin: Distance that ways keep from obstacles beyond the vehicle's corner, m.
        caution: Extra cost of cells near obstacles.
        turn: Bearing from which the vehicle turns on the spot, rad.
        bend: Radius of bends below which it slows down, m.
        gap: Distance kept from what is ahead, m.
        brake: Part of the deceleration that it plans with.
        heading: Gain of turning on the spot, 1/s.
    """

    name: ClassVar[str] = "a_star"
    hyperparameters = (
        Hyperparameter(name="lookahead", low=0.3, high=3.0, unit="m"),
        Hyperparameter(name="margin", low=0.0, high=0.3, scale="linear", unit="m"),
        Hyperparameter(name="caution", low=0.0, high=6.0, scale="linear"),
        Hyperparameter(name="turn", low=0.2, high=1.5, unit="rad"),
        Hyperparameter(name="bend", low=0.2, high=3.0, unit="m"),
        Hyperparameter(name="gap", low=0.05, high=0.6, unit="m"),
        Hyperparameter(name="brake", low=0.1, high=1.0),
        Hyperparameter(name="heading", low=0.5, high=8.0, unit="1/s"),
    )

    def __init__(
        self,
        *,
        lookahead: float = 1.0,
        margin: float = 0.0,
        caution: float = 3.0,
        turn: float = 0.7,
        bend: float = 0.9,
        gap: float = 0.15,
        brake: float = 0.4,
        heading: float = 2.0,
    ) -> None:
        self.lookahead = lookahead
        self.margin = margin
        self.caution = caution
        self.turn = turn
        self.bend = bend
        self.gap = gap
        self.brake = brake
        self.heading = heading

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.zeros((len(observation), 2))
        gains = np.array([getattr(self, name) for name in _GAINS])
        pursue_rows(
            observation, self._row, self._tables, self._cost, self._radius, self.lookahead, gains,
            action, *self._scratch(),
        )  # fmt: skip
        return np.clip(action, -1.0, 1.0)


class DynamicWindow(_AlongTheWay):
    """The dynamic window approach towards a point of the A* way ahead.

    Args:
        lookahead: Distance of the point to steer for, m.
        margin: Distance that ways keep from obstacles beyond the vehicle's corner, m.
        caution: Extra cost of cells near obstacles.
        horizon: Time over which arcs are looked at, s.
        gap: Distance kept from every lidar return, m.
    """

    name: ClassVar[str] = "dwa"
    hyperparameters = (
        Hyperparameter(name="lookahead", low=0.3, high=3.0, unit="m"),
        Hyperparameter(name="margin", low=0.0, high=0.3, scale="linear", unit="m"),
        Hyperparameter(name="caution", low=0.0, high=6.0, scale="linear"),
        Hyperparameter(name="horizon", low=0.4, high=4.0, unit="s"),
        Hyperparameter(name="gap", low=0.02, high=0.4, unit="m"),
    )

    def __init__(
        self,
        *,
        lookahead: float = 1.2,
        margin: float = 0.0,
        caution: float = 3.0,
        horizon: float = 1.5,
        gap: float = 0.08,
    ) -> None:
        self.lookahead = lookahead
        self.margin = margin
        self.caution = caution
        self.horizon = horizon
        self.gap = gap

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.zeros((len(observation), 2))
        window_rows(
            observation, self._row, self._tables, self._cost, self._radius, self.lookahead,
            self.horizon, self.gap, action, *self._scratch(),
        )  # fmt: skip
        return np.clip(action, -1.0, 1.0)
