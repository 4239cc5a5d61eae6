"""Many vehicles in one warehouse: ways by priority, and reciprocal avoidance on the way."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.columns import T_BEAMS, T_GRID
from gym_suite.agv.controllers.planning import a_star
from gym_suite.agv.controllers.pursuit import point_ahead
from gym_suite.agv.controllers.reciprocal import least_violation, way_out
from gym_suite.agv.controllers.seen import (
    cell_of,
    check_twist,
    layout_of,
    pose_of,
    speeds_of,
    travel_cost,
)
from gym_suite.agv.geometry import wrap
from gym_suite.agv.parameters import P
from gym_suite.controllers.protocol import Controller
from gym_suite.core.kernel import called_kernel, kernel

HARD = 36  # half-planes at most for what the lidar sees
TOLD = ("x", "y", "theta", "vx", "vy", "goal_x", "goal_y")
_GAINS = (
    "lookahead", "radius", "horizon", "wall_horizon", "ahead", "dear", "rule", "heading", "patience",
    "retreat",
)  # fmt: skip
_MEMORY = ("stood", "yielding", "tries")
#: Places of what the vehicles tell each other, of the gains, and of what a vehicle remembers.
F = namedtuple("Told", TOLD)(*range(len(TOLD)))
G = namedtuple("Gains", _GAINS)(*range(len(_GAINS)))
Y = namedtuple("Memory", _MEMORY)(*range(len(_MEMORY)))


@kernel
def tell(o, p, told):
    """Fill what a vehicle tells the others: pose, velocity, target."""
    x, y, theta, goal_x, goal_y = pose_of(o, p)
    v, _ = speeds_of(o, p)
    told[F.x], told[F.y], told[F.theta] = x, y, theta
    told[F.goal_x], told[F.goal_y] = goal_x, goal_y
    told[F.vx], told[F.vy] = v * math.cos(theta), v * math.sin(theta)


@called_kernel
def _make_dear(cost, x, y, radius, price, cell):
    """Raise the cost of the cells around a place."""
    k = int(radius / cell) + 1
    row, column = math.floor(y / cell), math.floor(x / cell)
    for i in range(max(row - k, 0), min(row + k + 1, cost.shape[0])):
        for j in range(max(column - k, 0), min(column + k + 1, cost.shape[1])):
            if math.hypot((j + 0.5) * cell - x, (i + 0.5) * cell - y) < radius:
                cost[i, j] += price


@called_kernel
def _walls(o, me, told, first, last, p, tables, radius, horizon, planes):
    """Fill the half-planes that keep a disc from what the lidar sees besides the other vehicles; return how many.

    Of neighbouring beams the nearest counts; a speed towards it up to its distance over the horizon is allowed, so
    that standing still always is.
    """
    beams, count = tables[T_BEAMS], int(p[P.lidar_beams])
    c, s = math.cos(told[me, F.theta]), math.sin(told[me, F.theta])
    corner = 0.5 * math.hypot(p[P.length], p[P.width]) + 0.15
    size, sectors = 0, min(HARD, count)
    for sector in range(sectors):
        nearest, nx, ny = 1e30, 0.0, 0.0
        for j in range(sector * count // sectors, (sector + 1) * count // sectors):
            seen = o[j] * p[P.lidar_range]
            if seen >= nearest or seen > 3.0:
                continue
            dx, dy = beams[0, j] * c - beams[1, j] * s, beams[0, j] * s + beams[1, j] * c
            px, py = told[me, F.x] + seen * dx, told[me, F.y] + seen * dy
            known = False
            for k in range(first, last):
                other = k != me and math.hypot(px - told[k, F.x], py - told[k, F.y]) < corner
                known = known or other
            if not known:
                nearest, nx, ny = seen, dx, dy
        if nearest < 3.0:
            planes[size, 0], planes[size, 1] = -nx, -ny
            planes[size, 2] = -max(nearest - radius, 0.0) / horizon
            size += 1
    return size


@called_kernel
def half_planes(o, me, told, first, last, p, tables, radius, horizon, wall_horizon, planes):
    """Fill the half-planes of velocities that are safe for a vehicle: for what the lidar sees, then for the others.

    Args:
        o: Its observation.
        me: Its row.
        told: What the vehicles tell each other.
        first: First row of its world.
        last: Last row of its world + 1.
        p: Nominal parameters.
        tables: The setup's tables.
        radius: Radius of the disc that stands for a vehicle, m.
        horizon: Time to look ahead for other vehicles, s.
        wall_horizon: Time to look ahead for walls, s.
        planes: Filled.

    Returns:
        How many always hold, and how many there are.
    """
    hard = _walls(o, me, told, first, last, p, tables, radius, wall_horizon, planes)
    size = hard
    for k in range(first, last):
        px, py = told[k, F.x] - told[me, F.x], told[k, F.y] - told[me, F.y]
        gap = math.hypot(px, py)
        if k == me or gap > 2.0 * p[P.v_limit] * horizon + 2.0 * radius:
            continue
        vx, vy = told[me, F.vx] - told[k, F.vx], told[me, F.vy] - told[k, F.vy]
        time = horizon if gap > 2.0 * radius else 0.5
        ux, uy, nx, ny = way_out(px, py, vx, vy, 2.0 * radius, time)
        planes[size, 0], planes[size, 1] = nx, ny
        planes[size, 2] = nx * (told[me, F.vx] + 0.5 * ux) + ny * (told[me, F.vy] + 0.5 * uy)
        size += 1
    return hard, size


@kernel
def steer(theta, vx, vy, wx, wy, p, gain):
    """Return speed and yaw rate that make a unicycle follow a velocity, backwards where that is nearer.

    While it is turning it goes as fast as its heading agrees; where it is to stand it turns to where it wants to go.
    """
    speed = math.hypot(vx, vy)
    if speed < 0.03:
        vx, vy, speed = wx, wy, 0.0
    error = wrap(math.atan2(vy, vx) - theta)
    sign = 1.0
    if abs(error) > 2.3 and speed > 0.0:
        error, sign = wrap(error + math.pi), -1.0
    omega = min(max(gain * error, -p[P.omega_limit]), p[P.omega_limit])
    return sign * speed * max(math.cos(error), 0.0) ** 3, omega


@kernel
def give_way(memory, i, first, last, told, radius, patience, retreat, wx, wy, limit):
    """Return a vehicle's wish: its own or, once it has stood beside another for too long, away from that one.

    ``memory`` holds the periods that it has stood, those for which it still gives way, and how often it has. Later
    vehicles lose patience first; each time the way out is tried at another angle.
    """
    nearest, ax, ay = 1e30, 0.0, 0.0
    for k in range(first, last):
        px, py = told[i, F.x] - told[k, F.x], told[i, F.y] - told[k, F.y]
        gap = math.hypot(px, py)
        if k != i and 1e-6 < gap < nearest:
            nearest, ax, ay = gap, px / gap, py / gap
    if memory[Y.yielding] > 0.0:
        memory[Y.yielding] -= 1.0
    elif nearest > 4.0 * radius or math.hypot(told[i, F.vx], told[i, F.vy]) > 0.05:
        memory[Y.stood] = 0.0
    else:
        memory[Y.stood] += 1.0
        if memory[Y.stood] > patience * (last - i):
            memory[Y.stood], memory[Y.yielding] = 0.0, retreat
            memory[Y.tries] += 1.0
    if memory[Y.yielding] == 0.0:
        return wx, wy
    turn = 2.399963 * (memory[Y.tries] - 1.0)  # the golden angle: no two tries alike
    c, s = math.cos(turn), math.sin(turn)
    return limit * (ax * c - ay * s), limit * (ax * s + ay * c)


@kernel
def fleet_rows(
    o,
    first,
    last,
    p,
    tables,
    base,
    numbers,
    action,
    memory,
    told,
    cost,
    ways,
    counts,
    planes,
    scratch,
    best,
    parent,
    heap,
    order,
):
    """Fill the actions (n, 2) of the rows from first to last, the vehicles of one world in order of priority."""
    lookahead, radius, horizon = numbers[G.lookahead], numbers[G.radius], numbers[G.horizon]
    ahead, dear, rule = int(numbers[G.ahead]), numbers[G.dear], numbers[G.rule]
    rows, columns = cost.shape
    cell = p[P.cell]
    for i in range(first, last):
        tell(o[i], p, told[i])
    for i in range(first, last):
        layout = layout_of(o[i], p)
        for r in range(rows):
            for c in range(columns):
                cost[r, c] = base[layout, r, c]
        x, y = told[i, F.x], told[i, F.y]
        for k in range(first, last):
            if k == i:
                continue
            standing = math.hypot(told[k, F.vx], told[k, F.vy]) < 0.1
            if standing:
                _make_dear(cost, told[k, F.x], told[k, F.y], 2.0 * radius, dear, cell)
            if k > i:
                continue
            for q in range(0, min(counts[k], ahead), 2):
                _make_dear(
                    cost, (ways[k, q] % columns + 0.5) * cell, (ways[k, q] // columns + 0.5) * cell,
                    1.5 * radius, dear / (1.0 + q), cell,
                )  # fmt: skip
        start = cell_of(x, y, cell, rows, columns)
        goal = cell_of(told[i, F.goal_x], told[i, F.goal_y], cell, rows, columns)
        counts[i] = a_star(cost, start, goal, ways[i], best, parent, heap, order)
        wx, wy = told[i, F.goal_x] - x, told[i, F.goal_y] - y
        if counts[i] > 0:
            cx, cy = point_ahead(
                ways[i], counts[i], cost, tables[T_GRID][layout], p, x, y,
                told[i, F.goal_x], told[i, F.goal_y], lookahead,
            )  # fmt: skip
            wx, wy = cx - x, cy - y
        far = max(math.hypot(wx, wy), 1e-9)
        wx, wy = wx / far * p[P.v_limit], wy / far * p[P.v_limit]
        hard, size = half_planes(
            o[i], i, told, first, last, p, tables, radius, horizon, numbers[G.wall_horizon], planes
        )
        wx, wy = give_way(
            memory[i], i, first, last, told, radius, numbers[G.patience], numbers[G.retreat], wx, wy,
            p[P.v_limit],
        )  # fmt: skip
        c, s = math.cos(rule), math.sin(rule)
        if size > hard:  # keep right: wishes that face each other would stand still
            wx, wy = wx * c + wy * s, wy * c - wx * s
        vx, vy, _ = least_violation(planes, hard, size, p[P.v_limit], wx, wy, scratch)
        v, omega = steer(told[i, F.theta], vx, vy, wx, wy, p, numbers[G.heading])
        action[i, 0], action[i, 1] = v / p[P.v_limit], omega / p[P.omega_limit]


class ReciprocalFleet(Controller):
    """ORCA for a fleet: each vehicle knows where the others are and how they move, and takes half of every detour.

    The vehicles of a world tell each other pose, velocity and way, as their fleet manager would; the rows given to
    ``predict`` are the vehicles of one world, or as many per world as the id has, world after world. A vehicle's way
    is planned by A*, around vehicles that stand and away from the next cells of the ways of those before it
    (prioritised planning: Erdmann, Lozano-Pérez, "On multiple moving objects", Algorithmica 2, 1987). The velocity
    along the way is then made safe by optimal reciprocal collision avoidance, with hard half-planes for what the lidar
    sees besides. That these vehicles cannot move sideways is met by a radius enlarged by ``margin``, the error with
    which they follow a velocity (Alonso-Mora et al., "Optimal reciprocal collision avoidance for multiple
    non-holonomic robots", DARS 2010).

    Args:
        lookahead: Distance of the point to steer for, m.
        margin: Enlargement of the radius, which is the distance from the centre to a corner, m.
        caution: Extra cost of cells near obstacles.
        horizon: Time to look ahead for other vehicles, s.
        wall_horizon: Time to look ahead for walls, s.
        ahead: Cells of a way from which those after it keep away.
        dear: Extra cost of a cell near a vehicle that stands; of a way before, the less the farther ahead.
        rule: Angle by which a wish is turned to the right where others are near, rad.
        heading: Gain of turning, 1/s.
        patience: Periods for which the last vehicle stands beside another before it gives way; the last but one
            twice as many, and so on.
        retreat: Periods for which it gives way.
    """

    name: ClassVar[str] = "orca"
    information = "model"
    #: Its rows act together: those of a world are given only as long as they are there.
    couples_rows: ClassVar[bool] = True
    state_size = len(_MEMORY)

    def __init__(
        self,
        *,
        lookahead: float = 1.0,
        margin: float = 0.05,
        caution: float = 3.0,
        horizon: float = 2.0,
        wall_horizon: float = 0.8,
        ahead: int = 16,
        dear: float = 20.0,
        rule: float = 0.15,
        heading: float = 2.5,
        patience: int = 10,
        retreat: int = 12,
    ) -> None:
        self.lookahead = lookahead
        self.margin = margin
        self.caution = caution
        self.horizon = horizon
        self.wall_horizon = wall_horizon
        self.ahead = ahead
        self.dear = dear
        self.rule = rule
        self.heading = heading
        self.patience = patience
        self.retreat = retreat

    def _tune(self, nominal: Any) -> None:
        check_twist(nominal, "ReciprocalFleet")
        values = nominal.parameters
        self._row, self._tables = nominal.row.copy(), nominal.tables
        self._cost = travel_cost(nominal, margin=0.0, caution=self.caution)
        self._agents = nominal.setup.agent_count
        self._radius = 0.5 * math.hypot(values["length"], values["width"]) + self.margin
        gains = {name: getattr(self, name) for name in _GAINS if name != "radius"}
        gains["radius"] = self._radius
        self._law_numbers = np.array([gains[name] for name in _GAINS], dtype=np.float64)
        self.gains_ = {"radius": self._radius, "horizon": self.horizon}
        self.gain_units_ = {"radius": "m", "horizon": "s"}

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        n, team = len(observation), self._agents
        if n > team and n % team:
            raise ValueError(
                f"expected at most {team} rows, the vehicles of a world, or a multiple of them, got {n}"
            )
        shape = self._cost.shape[1:]
        cells = shape[0] * shape[1]
        action, told = np.zeros((n, 2)), np.zeros((n, len(TOLD)))
        ways, counts = np.empty((n, cells), np.int64), np.zeros(n, np.int64)
        planes, scratch = np.empty((2, HARD + team, 3))
        for first in range(0, n, team):
            fleet_rows(
                observation, first, min(first + team, n), self._row, self._tables, self._cost,
                self._law_numbers, action, state, told, np.empty(shape), ways, counts, planes, scratch,
                np.empty(cells), np.empty(cells, np.int64), np.empty(8 * cells, np.int64),
                np.empty(8 * cells),
            )  # fmt: skip
        return np.clip(action, -1.0, 1.0)
