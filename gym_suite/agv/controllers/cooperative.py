"""Many vehicles that plan in space and time: priority decides who waits, and where."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.columns import T_GRID
from gym_suite.agv.controllers.fleet import HARD, TOLD, F, give_way, half_planes, steer, tell
from gym_suite.agv.controllers.planning import cost_to_go, in_sight, pop, push
from gym_suite.agv.controllers.reciprocal import least_violation
from gym_suite.agv.controllers.seen import cell_of, check_twist, layout_of, travel_cost
from gym_suite.agv.geometry import INFINITY
from gym_suite.agv.parameters import P
from gym_suite.controllers.protocol import Controller
from gym_suite.core.kernel import called_kernel, kernel

#: Cells of a plan that a vehicle remembers from one plan to the next.
KEPT = 8
#: Price of a step through a place that another vehicle has reserved, for who stands there already, and steps to leave.
_CROWDED, _GRACE = 20.0, 8
#: That price where no order leaves a plan to all: less than waiting, for avoidance finds a way past that plans do not.
_PRESSED = 0.5
_GAINS = (
    "radius", "apart", "period", "horizon", "wall_horizon", "heading", "every", "patience", "retreat",
)  # fmt: skip
_MEMORY = ("rank", "age", "stood", "yielding", "tries")
G = namedtuple("Gains", _GAINS)(*range(len(_GAINS)))
Y = namedtuple("Memory", _MEMORY)(*range(len(_MEMORY)))


@called_kernel
def reserve(plan, blocked, columns, apart):
    """Close the cells around a plan for the others, a step before and after too, for nobody keeps time exactly.

    Args:
        plan: Cells at each step, int64 (steps,).
        blocked: uint8 (steps, cells), 1 where closed.
        columns: Columns of the map.
        apart: Distance of two vehicles, cells.
    """
    steps, cells = blocked.shape
    k = int(apart) + 1
    for t in range(steps):
        for near in range(max(t - 1, 0), min(t + 2, steps)):
            row, column = plan[near] // columns, plan[near] % columns
            for i in range(max(row - k, 0), min(row + k + 1, cells // columns)):
                for j in range(max(column - k, 0), min(column + k + 1, columns)):
                    if math.hypot(i - row, j - column) < apart:
                        blocked[t, i * columns + j] = 1


@called_kernel
def plan_in_time(
    cost, value, blocked, start, goal, grace, crowded, plan, best, parent, heap, order
):
    """Find the cheapest plan over cells and steps by A*: moves to the eight neighbours, or waiting.

    The window ends after a number of steps; what is left from there costs what it would without the others (Silver,
    "Cooperative pathfinding", AIIDE 2005).

    Args:
        cost: Cost of a cell, >= 1; INFINITY where closed, (rows, columns).
        value: Cost to go from each cell to the target, (rows, columns).
        blocked: What the others have reserved, uint8 (steps, cells).
        start: Cell of the vehicle.
        goal: Cell of the target, where the vehicle leaves the floor.
        grace: Steps for which it may go through what is reserved, at a price.
        crowded: The price of each of these steps.
        plan: Filled with the cells at each step, (steps,).
        best: Scratch, (steps * cells,).
        parent: Scratch, int64 (steps * cells,).
        heap: Scratch, int64.
        order: Scratch, of the same length.

    Returns:
        Whether there is a plan.
    """
    steps, cells = blocked.shape
    columns = cost.shape[1]
    for k in range(steps * cells):
        best[k] = INFINITY
    best[start], parent[start] = 0.0, -1
    size, end = push(heap, order, 0, start, value[start // columns, start % columns]), -1
    while size > 0 and end < 0:
        merit = order[0]
        state, size = pop(heap, order, size)
        t, cell = state // cells, state % cells
        row, column = cell // columns, cell % columns
        if merit > best[state] + value[row, column] + 1e-9:
            continue
        if t == steps - 1 or cell == goal:
            end = state
            continue
        for k in range(9):
            i, j = row + k // 3 - 1, column + k % 3 - 1
            if i < 0 or j < 0 or i >= cost.shape[0] or j >= columns:
                continue
            there = i * columns + j
            price = min(cost[i, j], 1e6) if k != 4 else 1.0
            if k != 4 and cost[i, j] >= INFINITY and there != goal:
                continue
            if i != row and j != column:
                if cost[i, column] >= INFINITY or cost[row, j] >= INFINITY:
                    continue
                price *= math.sqrt(2.0)
            if blocked[t + 1, there]:
                if t >= grace:
                    continue
                price += crowded
            reached, total = (t + 1) * cells + there, best[state] + price
            if total < best[reached] - 1e-12 and size < heap.shape[0]:
                best[reached], parent[reached] = total, state
                size = push(heap, order, size, reached, total + value[i, j])
    if end < 0:
        return False
    for t in range(end // cells, steps):
        plan[t] = end % cells
    state = end
    while state >= 0:
        plan[state // cells] = state % cells
        state = parent[state]
    return True


@called_kernel
def plan_fleet(
    told,
    first,
    last,
    cost,
    ranks,
    kept,
    values,
    blocked,
    plans,
    best,
    parent,
    heap,
    order,
    cell,
    apart,
):
    """Plan for the vehicles of one world, one after the other by rank; who finds no plan goes to the head.

    Ranks are changed in place where that helps. Where no order of those that are tried leaves a plan to all, the first
    one holds, and who has none may go through what the others have reserved, which avoidance then sorts out.
    """
    rows, columns = cost.shape
    for i in range(first, last):
        goal = cell_of(told[i, F.goal_x], told[i, F.goal_y], cell, rows, columns)
        cost_to_go(cost, goal, values[i], heap, order)
    count = last - first
    for i in range(first, last):
        kept[i] = ranks[i]
    for attempt in range(count + 1):
        soft = attempt == count
        if soft:
            for i in range(first, last):
                ranks[i] = kept[i]
        blocked[:] = 0
        failed, before, least = -1, -1e300, 1e300
        for _ in range(count):
            who = -1
            for i in range(first, last):  # the next in rank; there are few
                least = min(least, ranks[i])
                if ranks[i] > before and (who < 0 or ranks[i] < ranks[who]):
                    who = i
            before = ranks[who]
            start = cell_of(told[who, F.x], told[who, F.y], cell, rows, columns)
            goal = cell_of(told[who, F.goal_x], told[who, F.goal_y], cell, rows, columns)
            grace = blocked.shape[0] if soft else _GRACE * int(blocked[0, start])
            crowded = _PRESSED if soft else _CROWDED
            found = plan_in_time(
                cost,
                values[who],
                blocked,
                start,
                goal,
                grace,
                crowded,
                plans[who],
                best,
                parent,
                heap,
                order,
            )
            if not found:
                plans[who, :] = start
                failed = who
                if not soft:
                    break
            reserve(plans[who], blocked, columns, apart)
        if failed < 0:
            return
        ranks[failed] = least - 1.0


@kernel
def cooperative_rows(
    o, first, last, p, tables, base, gains, action, memory, kept, told, ranks, old, values, blocked, plans,
    best, parent, heap, order, planes, scratch,
):  # fmt: skip
    """Fill the actions (n, 2) of the rows from first to last, the vehicles of one world."""
    cell, radius, period = p[P.cell], gains[G.radius], gains[G.period]
    layout = layout_of(o[first], p)
    cost, grid = base[layout], tables[T_GRID][layout]
    rows, columns = cost.shape
    due = False
    for i in range(first, last):
        tell(o[i], p, told[i])
        due = due or memory[i, Y.age] % gains[G.every] == 0.0
        if memory[i, Y.age] == 0.0:
            memory[i, Y.rank] = i - first
        ranks[i] = memory[i, Y.rank] + 1e-3 * (i - first)  # no two alike
    if due:
        plan_fleet(
            told, first, last, cost, ranks, old, values, blocked, plans, best, parent, heap, order, cell,
            gains[G.apart] / cell,
        )  # fmt: skip
    for i in range(first, last):
        if due:
            memory[i, Y.rank], memory[i, Y.age] = ranks[i] - 1e-3 * (i - first), gains[G.every]
            for k in range(KEPT):
                kept[i, k] = plans[i, min(k, plans.shape[1] - 1)]
        late = (memory[i, Y.age] - gains[G.every]) * p[P.dt] / period
        memory[i, Y.age] += 1.0
        ahead = min(int(late) + 2, KEPT - 1)
        x, y = told[i, F.x], told[i, F.y]
        tx, ty = x, y
        for k in range(
            ahead, 0, -1
        ):  # the farthest of the next cells that can be reached straight on
            spot = int(kept[i, k])
            tx, ty = (spot % columns + 0.5) * cell, (spot // columns + 0.5) * cell
            goal = cell_of(told[i, F.goal_x], told[i, F.goal_y], cell, rows, columns)
            if spot == goal:
                tx, ty = told[i, F.goal_x], told[i, F.goal_y]
            if k == 1 or in_sight(cost, grid, cell, 0.5 * p[P.width] + 0.1, x, y, tx, ty):
                ahead = k
                break
        wx, wy = (tx - x) / period, (ty - y) / period
        if ahead > 1:
            wx, wy = wx / max(ahead - late, 1.0), wy / max(ahead - late, 1.0)
        speed = math.hypot(wx, wy)
        if speed > p[P.v_limit]:
            wx, wy = wx / speed * p[P.v_limit], wy / speed * p[P.v_limit]
        wx, wy = give_way(
            memory[i, Y.stood :], i, first, last, told, radius, gains[G.patience], gains[G.retreat],
            wx, wy, p[P.v_limit],
        )  # fmt: skip
        hard, size = half_planes(
            o[i], i, told, first, last, p, tables, radius, gains[G.horizon], gains[G.wall_horizon],
            planes,
        )  # fmt: skip
        vx, vy, _ = least_violation(planes, hard, size, p[P.v_limit], wx, wy, scratch)
        v, omega = steer(told[i, F.theta], vx, vy, wx, wy, p, gains[G.heading])
        action[i, 0], action[i, 1] = v / p[P.v_limit], omega / p[P.omega_limit]


class CooperativeFleet(Controller):
    """Plans all vehicles in space and time by priority: who comes later waits or makes room; ORCA keeps them apart.

    The vehicles of a world tell each other pose, velocity and way, as their fleet manager would; the rows given to
    ``predict`` are the vehicles of one world, or as many per world as the id has, world after world. Plans over cells
    and steps are found one after the other by A* around those before it, within a window of time (Silver, "Cooperative
    pathfinding", AIIDE 2005); a vehicle for which there is none goes to the head of the order, much as in PIBT (Okumura
    et al., "Priority inheritance with backtracking", IJCAI 2019). The velocity along the plan is made safe by optimal
    reciprocal collision avoidance, as that of :class:`gym_suite.agv.controllers.fleet.ReciprocalFleet`.

    Args:
        margin: Enlargement of the radius, which is the distance from the centre to a corner, m.
        caution: Extra cost of cells near obstacles.
        window: Steps of a plan, each the time in which a vehicle crosses a cell along its diagonal.
        every: Control periods after which plans are made anew.
        horizon: Time to look ahead for other vehicles, s.
        wall_horizon: Time to look ahead for walls, s.
        heading: Gain of turning, 1/s.
        patience: Control periods for which a vehicle stands beside another before it makes room, times its place.
        retreat: Control periods for which it then does.
    """

    name: ClassVar[str] = "cooperative"
    information = "model"
    #: Its rows act together: those of a world are given only as long as they are there.
    couples_rows: ClassVar[bool] = True
    state_size = len(_MEMORY) + KEPT

    def __init__(
        self,
        *,
        margin: float = 0.05,
        caution: float = 3.0,
        window: int = 48,
        every: int = 4,
        horizon: float = 1.0,
        wall_horizon: float = 0.8,
        heading: float = 2.5,
        patience: int = 40,
        retreat: int = 12,
    ) -> None:
        self.margin = margin
        self.caution = caution
        self.window = window
        self.every = every
        self.horizon = horizon
        self.wall_horizon = wall_horizon
        self.heading = heading
        self.patience = patience
        self.retreat = retreat

    def _tune(self, nominal: Any) -> None:
        check_twist(nominal, "CooperativeFleet")
        values = nominal.parameters
        self._row, self._tables = nominal.row.copy(), nominal.tables
        self._cost = travel_cost(nominal, margin=0.0, caution=self.caution)
        self._agents = nominal.setup.agent_count
        radius = 0.5 * math.hypot(values["length"], values["width"]) + self.margin
        period = math.sqrt(2.0) * values["cell"] / values["v_limit"]
        own = {name: getattr(self, name) for name in _GAINS if hasattr(self, name)}
        self.gains_ = own | {"radius": radius, "apart": 2.0 * radius, "period": period}
        units = {"radius": "m", "apart": "m", "heading": "1/s", "every": "1"}
        self.gain_units_ = {name: units.get(name, "s") for name in self.gains_}
        self._gains = np.array([self.gains_[name] for name in _GAINS], dtype=np.float64)

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        n, team, steps = len(observation), self._agents, self.window
        if n > team and n % team:
            raise ValueError(
                f"expected at most {team} rows, the vehicles of a world, or a multiple of them, got {n}"
            )
        shape = self._cost.shape[1:]
        cells = shape[0] * shape[1]
        action, told = np.zeros((n, 2)), np.zeros((n, len(TOLD)))
        memory, kept = state[:, : len(_MEMORY)], state[:, len(_MEMORY) :]
        planes, scratch = np.empty((2, HARD + team, 3))
        room = max(steps, 8) * cells
        work = (
            np.zeros(n), np.zeros(n), np.empty((n, *shape)), np.empty((steps, cells), np.uint8),
            np.zeros((n, steps), np.int64), np.empty(steps * cells),
            np.empty(steps * cells, np.int64), np.empty(2 * room, np.int64), np.empty(2 * room),
        )  # fmt: skip
        for first in range(0, n, team):
            cooperative_rows(
                observation, first, min(first + team, n), self._row, self._tables, self._cost,
                self._gains, action, memory, kept, told, *work, planes, scratch,
            )  # fmt: skip
        return np.clip(action, -1.0, 1.0)
