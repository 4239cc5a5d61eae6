"""A* with regulated pure pursuit, and the dynamic window approach along the same way."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.controllers.planning import a_star, in_sight
from gym_suite.agv.dynamics import T_BEAMS, T_GRID, T_ROOM, arc
from gym_suite.agv.geometry import INFINITY, ray_grid, wrap
from gym_suite.agv.maps import clear
from gym_suite.agv.parameters import (
    P_ACCELERATION,
    P_ALPHA,
    P_BEAMS,
    P_CELL,
    P_DECELERATION,
    P_DOCK,
    P_LAYOUTS,
    P_LENGTH,
    P_MAP_X,
    P_MAP_Y,
    P_OMEGA_LIMIT,
    P_RANGE,
    P_SCALE_GOAL,
    P_SCALE_X,
    P_V_LIMIT,
    P_WIDTH,
)
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller
from gym_suite.core.kernel import called_kernel, kernel

#: A range shorter than the map's by more than this is something that moves, m.
SURPRISE = 0.25


@kernel
def pose_of(o, p):
    """Return pose and target (x, y, theta, goal_x, goal_y) as an observation tells them."""
    j = int(p[P_BEAMS])
    x, y = p[P_MAP_X] + o[j + 8] * p[P_SCALE_X], p[P_MAP_Y] + o[j + 9] * p[P_SCALE_X]
    theta = math.atan2(o[j + 11], o[j + 10])
    distance, bearing = o[j] * p[P_SCALE_GOAL], theta + math.atan2(o[j + 2], o[j + 1])
    return x, y, theta, x + distance * math.cos(bearing), y + distance * math.sin(bearing)


@kernel
def layout_of(o, p):
    """Return the number of the layout that an observation tells."""
    if p[P_LAYOUTS] < 1.5:
        return 0
    return int(o[int(p[P_BEAMS]) + 12 + 2 * int(p[P_DOCK])] * (p[P_LAYOUTS] - 1.0) + 0.5)


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
    cell, reach = p[P_CELL], p[P_RANGE]
    nearest = INFINITY
    c, s = math.cos(theta), math.sin(theta)
    for j in range(int(p[P_BEAMS])):
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
    cell, disc, columns = p[P_CELL], 0.5 * p[P_WIDTH] + 0.1, cost.shape[1]
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


@kernel
def cell_of(x, y, cell, rows, columns):
    """Return the number of the cell at a place, or of the nearest one of the map."""
    row = min(max(math.floor(y / cell), 0), rows - 1)
    return row * columns + min(max(math.floor(x / cell), 0), columns - 1)


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
    layout, cell = layout_of(o, p), p[P_CELL]
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
    for j in range(int(p[P_BEAMS])):
        seen = o[j] * p[P_RANGE]
        along, across = sign * seen * beams[0, j], seen * beams[1, j]
        if along > 0.0 and abs(across) < half:
            gap = min(gap, along - 0.5 * p[P_LENGTH])
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
        gains: turn (bearing from which it turns on the spot, rad), bend (radius at which it slows down, m), gap
            (distance kept, m), brake (part of the deceleration used), heading (gain of turning, 1/s).
    """
    x, y, theta, _, _ = pose_of(o, p)
    turn, bend, keep, brake, heading = gains[0], gains[1], gains[2], gains[3], gains[4]
    if length >= INFINITY:
        return 0.0, 0.0
    bearing = wrap(math.atan2(cy - y, cx - x) - theta)
    distance = math.hypot(cx - x, cy - y)
    if distance < 1e-6:
        return 0.0, 0.0
    spin = min(max(heading * bearing, -p[P_OMEGA_LIMIT]), p[P_OMEGA_LIMIT])
    if abs(bearing) > turn:
        return 0.0, spin
    kappa = pursuit_curvature(distance * math.cos(bearing), distance * math.sin(bearing))
    v = p[P_V_LIMIT]
    if abs(kappa) * bend > 1.0:
        v /= abs(kappa) * bend
    v = min(v, 0.9 * p[P_OMEGA_LIMIT] / max(abs(kappa), 1e-9))
    gap = _gap_ahead(o, p, tables, 0.5 * p[P_WIDTH] + 0.1, 1.0) - keep
    if nearest < INFINITY:
        gap = min(gap, nearest - 0.5 * p[P_LENGTH] - 0.6)
    v = min(v, math.sqrt(max(0.0, 2.0 * brake * p[P_DECELERATION] * gap)))
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
        action[i, 0], action[i, 1] = v / p[P_V_LIMIT], omega / p[P_OMEGA_LIMIT]


@called_kernel
def window_one(o, p, tables, cx, cy, length, horizon, keep):
    """Return speed and yaw rate by the dynamic window approach (Fox, Burgard, Thrun, IEEE RAM 4(1), 1997).

    Of the speeds that can be reached within half a second (yaw rates within 0.8 s), that one is taken whose arc over
    the horizon comes nearest to the point to steer for, fast and clear of every lidar return; arcs that meet one are
    left out.
    """
    x, y, theta, _, _ = pose_of(o, p)
    j = int(p[P_BEAMS])
    v_now, omega_now = o[j + 3] * p[P_V_LIMIT], o[j + 4] * p[P_OMEGA_LIMIT]
    if length >= INFINITY:
        return 0.0, 0.0
    reach, beams = p[P_RANGE], tables[T_BEAMS]
    c, s = math.cos(theta), math.sin(theta)
    gx, gy = (cx - x) * c + (cy - y) * s, (cy - y) * c - (cx - x) * s
    low_v, high_v = max(0.0, v_now - 0.5 * p[P_DECELERATION]), v_now + 0.5 * p[P_ACCELERATION]
    high_v = min(high_v, p[P_V_LIMIT])
    low_w = max(-p[P_OMEGA_LIMIT], omega_now - 0.8 * p[P_ALPHA])
    high_w = min(p[P_OMEGA_LIMIT], omega_now + 0.8 * p[P_ALPHA])
    half_length, half_width = 0.5 * p[P_LENGTH] + keep, 0.5 * p[P_WIDTH] + keep
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
                for k in range(0, j):
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
            merit = -1.2 * near - 0.5 * aim + 0.3 * v / p[P_V_LIMIT] + 0.4 * clearance
            if merit > best:
                best, best_v, best_w = merit, v, w
    if best == -INFINITY:
        spin = math.atan2(gy, gx)
        return 0.0, min(max(spin, -p[P_OMEGA_LIMIT]), p[P_OMEGA_LIMIT])
    return best_v, best_w


@kernel
def window_rows(
    o, p, tables, base, radius, lookahead, gains, action, cost, way, best, parent, heap, order
):
    """Fill the actions (n, 2) of all rows; gains are horizon (s) and distance kept (m)."""
    for i in range(o.shape[0]):
        cx, cy, length, _ = carrot_one(
            o[i], p, tables, base, radius, lookahead, cost, way, best, parent, heap, order
        )
        v, omega = window_one(o[i], p, tables, cx, cy, length, gains[0], gains[1])
        action[i, 0], action[i, 1] = v / p[P_V_LIMIT], omega / p[P_OMEGA_LIMIT]


def travel_cost(nominal: Any, *, margin: float, caution: float) -> NDArray[np.float64]:
    """Return the cost of each cell, (layouts, rows, columns).

    Cells in which the vehicle cannot turn are closed; those within half a metre more cost up to ``caution`` more.

    Args:
        nominal: The nominal model.
        margin: Distance kept beyond the vehicle's corner, m.
        caution: Cost of a cell right beside an obstacle on top of 1.
    """
    values = nominal.parameters
    reach = 0.5 * math.hypot(values["length"], values["width"]) + margin
    grids, cell = nominal.tables[T_GRID], values["cell"]
    cost = np.ones(grids.shape)
    for k, grid in enumerate(grids):
        for more in (0.2, 0.35, 0.5):
            cost[k] += caution / 3.0 * ~clear(grid, cell, reach + more)
        cost[k][~clear(grid, cell, reach)] = INFINITY
    return cost


def check_twist(nominal: Any, name: str) -> None:
    """Refuse setups whose action is not speed and yaw rate.

    Raises:
        ValueError: If it is not.
    """
    if nominal.parameters["wheels"]:
        raise ValueError(
            f"{name} commands speed and yaw rate; make the environment with action='twist'"
        )


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
    """A* on the map with what the lidar sees besides, followed by regulated pure pursuit.

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
        gains = np.array([self.turn, self.bend, self.gap, self.brake, self.heading])
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
            np.array([self.horizon, self.gap]), action, *self._scratch(),
        )  # fmt: skip
        return np.clip(action, -1.0, 1.0)
