"""Model predictive path integral control with the compiled model itself."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.columns import COLLIDED, T_BEAMS, WORLD_SIZE, S, W, X
from gym_suite.agv.controllers.planning import cost_to_go
from gym_suite.agv.controllers.seen import (
    cell_of,
    check_twist,
    layout_of,
    pose_of,
    speeds_of,
    travel_cost,
)
from gym_suite.agv.geometry import INFINITY
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller
from gym_suite.core.crew import Crew
from gym_suite.core.kernel import kernel

#: Targets whose costs to go are kept.
FIELDS = 256


@kernel
def to_go(value, cell, x, y, goal_x, goal_y):
    """Return the cost to go (m), linear between the middles of cells; near the target as the crow flies.

    Args:
        value: Cost to go from each cell, m, (rows, columns); at least 1000 cells' lengths where there is no way.
        cell: Length of a cell, m.
        x: Place, m.
        y: Place, m.
        goal_x: Target, m.
        goal_y: Target, m.
    """
    rows, columns = value.shape
    c = min(max(x / cell - 0.5, 0.0), columns - 1.001)
    r = min(max(y / cell - 0.5, 0.0), rows - 1.001)
    j, i = int(c), int(r)
    u, w = c - j, r - i
    shut = 1e3 * cell
    dearest = -1.0
    for k in range(4):
        corner = value[i + k // 2, j + k % 2]
        if corner < shut:
            dearest = max(dearest, corner)
    # Closed cells stand for a little more than the dearest open neighbour.
    closed = 100.0 if dearest < 0.0 else dearest + 4.0 * cell
    far = 0.0
    for k in range(4):
        corner = value[i + k // 2, j + k % 2]
        if corner >= shut:
            corner = closed
        far += corner * ((u if k % 2 else 1 - u) * (w if k // 2 else 1 - w))
    distance = math.hypot(x - goal_x, y - goal_y)
    return min(distance, far + cell) if distance < 2.0 * cell else far


@kernel
def closeness(x, y, seen, keep):
    """Return the penalty of a place near what the lidar sees besides the map.

    Args:
        x: Place, m.
        y: Place, m.
        seen: Places of its returns, m, (k, 2).
        keep: Distance from which there is none, m.
    """
    nearest = math.inf
    for k in range(seen.shape[0]):
        across, along = x - seen[k, 0], y - seen[k, 1]
        nearest = min(nearest, across * across + along * along)
    # Squares tell what is near with a rounding of their own; the distance itself is only taken of what may be nearest.
    if nearest > keep * keep * (1.0 + 1e-9):
        return 0.0
    gap = math.inf
    for k in range(seen.shape[0]):
        across, along = x - seen[k, 0], y - seen[k, 1]
        if across * across + along * along <= nearest * (1.0 + 1e-9):
            gap = min(gap, math.hypot(across, along))
    return 20.0 * max(0.0, 1.0 - gap / keep)


@kernel
def add_costs(x, first, value, cell, goal_x, goal_y, seen, keep, left, cost):
    """Add what it costs sampled vehicles to be where they are.

    Args:
        x: States, (samples, nx).
        first: Place of the vehicle's columns in them.
        value: As of :func:`to_go`.
        cell: Length of a cell, m.
        goal_x: Target, m.
        goal_y: Target, m.
        seen: As of :func:`closeness`.
        keep: As of :func:`closeness`, m.
        left: Filled with the costs to go, m, (samples,).
        cost: Added to, (samples,).
    """
    for i in range(x.shape[0]):
        a, b = x[i, first + X.x], x[i, first + X.y]
        if x[i, first + X.status] == COLLIDED:
            cost[i] += 100.0
        if seen.shape[0] > 0:
            cost[i] += closeness(a, b, seen, keep)
        left[i] = to_go(value, cell, a, b, goal_x, goal_y)
        cost[i] += 0.2 * left[i]


class MPPI(Controller):
    """Samples action sequences, moves copies of the vehicle with the nominal model, and averages by their costs.

    The information-theoretic form of Williams et al., "Information theoretic MPC for model-based reinforcement
    learning", ICRA 2017. The cost of a sequence is the cost to go from where it ends, by Dijkstra's algorithm on the
    map, with penalties for hitting the map and for coming close to lidar returns that the map does not know.

    Args:
        samples: Sequences a step.
        horizon: Their length in control periods.
        deviation: Standard deviation of the sampled actions.
        temperature: Of the average, in m of cost to go.
        caution: Extra cost of cells near obstacles.
        seed: Of the samples; the same at every step and row.
        threads: Threads that share the samples, or "auto": as many as there are cores where that pays. The numbers
            are those of one.
    """

    name: ClassVar[str] = "mppi"
    hyperparameters = (
        Hyperparameter(name="horizon", low=5, high=40, whole=True),
        Hyperparameter(name="deviation", low=0.1, high=2.0),
        Hyperparameter(name="temperature", low=0.01, high=1.0, unit="m"),
        Hyperparameter(name="caution", low=0.0, high=6.0, scale="linear"),
    )
    information = "model"

    def __init__(
        self,
        *,
        samples: int = 128,
        horizon: int = 15,
        deviation: float = 0.6,
        temperature: float = 0.1,
        caution: float = 3.0,
        seed: int = 0,
        threads: int | str = 1,
    ) -> None:
        self.samples = samples
        self.horizon = horizon
        self.deviation = deviation
        self.temperature = temperature
        self.caution = caution
        self.seed = seed
        self.threads = threads

    def _tune(self, nominal: Any) -> None:
        check_twist(nominal, "MPPI")
        if nominal.setup.agents:
            raise ValueError(f"MPPI drives one vehicle, {nominal.setup.id} has several")
        self._nominal = nominal
        self._values = dict(nominal.parameters)
        self._fields: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._cost = travel_cost(nominal, margin=0.0, caution=self.caution)
        self.state_size = 2 * self.horizon
        generator = np.random.default_rng(self.seed)
        # Sampled actions hang together over time, or they would cancel out.
        noise = generator.standard_normal((self.samples, self.horizon, 2))
        for t in range(1, self.horizon):
            noise[:, t] = 0.8 * noise[:, t - 1] + 0.6 * noise[:, t]
        noise[0] = 0.0
        self._noise = self.deviation * noise
        self._crew = Crew(self.threads, self.samples)
        self._offset = nominal.setup.state_columns.index("x")
        self.gains_ = {"temperature": self.temperature, "deviation": self.deviation}
        self.gain_units_ = {"temperature": "m", "deviation": "1"}

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.empty((len(observation), 2))
        for i, o in enumerate(observation):
            plan = self._plan(o, state[i].reshape(self.horizon, 2))
            action[i] = plan[0]
            state[i] = np.vstack([plan[1:], plan[-1:]]).ravel()
        return action

    def _plan(self, o: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the new sequence of actions, (horizon, 2)."""
        p, k = self._nominal.row, self._offset
        pose = pose_of(o, p)
        layout = layout_of(o, p)
        value = self._field(layout, pose)
        x = np.tile(self._state(o, pose, layout), (self.samples, 1))
        actions = np.clip(before + self._noise, -1.0, 1.0)
        seen = self._surprises(o, pose)
        keep = 0.5 * math.hypot(self._values["length"], self._values["width"]) + 0.25
        cost, left = np.zeros(self.samples), np.zeros(self.samples)
        for t in range(self.horizon):
            x = self._advance(x, actions[:, t])
            add_costs(x, k, value, self._values["cell"], pose[3], pose[4], seen, keep, left, cost)
        cost += 2.0 * left
        weights = np.exp(-(cost - cost.min()) / self.temperature)
        return np.einsum("i,itj->tj", weights / weights.sum(), actions)

    def _advance(self, x: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return all samples a control period later, each thread's by a call of its own."""
        if self._crew.count == 1:
            return self._nominal.advance(x, u)
        moved = np.empty_like(x)

        def share(first: int, stop: int) -> None:
            moved[first:stop] = self._nominal.advance(x[first:stop], u[first:stop])

        self._crew.split(share, timed=True)
        return moved

    def _state(
        self, o: NDArray[np.float64], pose: tuple[float, ...], layout: int
    ) -> NDArray[np.float64]:
        """Return a state row with the vehicle as observed, its target out of reach, nothing else moving."""
        setup, values, k = self._nominal.setup, self._values, self._offset
        row = np.zeros(len(setup.state_columns))
        row[W.layout] = layout
        # Obstacles are known by the lidar only: those of the model stand outside of the map.
        row[WORLD_SIZE:k] = -1e3
        row[k + X.x], row[k + X.y], row[k + X.theta] = pose[:3]
        v, omega = speeds_of(o, self._nominal.row)
        row[k + X.v] = row[k + X.wheel_v] = v
        row[k + X.omega] = row[k + X.wheel_omega] = omega
        row[k + X.payload] = o[int(values["lidar_beams"]) + S.payload] * values["payload_limit"]
        return row

    def _field(self, layout: int, pose: tuple[float, ...]) -> NDArray[np.float64]:
        """Return the cost to go (m) from each cell to the target."""
        cost, cell = self._cost[layout], self._values["cell"]
        rows, columns = cost.shape
        goal = cell_of(pose[3], pose[4], cell, rows, columns)
        if (layout, goal) not in self._fields:
            value = np.empty(cost.shape)
            size = 8 * cost.size
            cost_to_go(cost, goal, value, np.empty(size, np.int64), np.empty(size))
            if len(self._fields) >= FIELDS:
                self._fields.clear()
            self._fields[layout, goal] = np.minimum(value, 1e3) * cell
        return self._fields[layout, goal]

    def _surprises(self, o: NDArray[np.float64], pose: tuple[float, ...]) -> NDArray[np.float64]:
        """Return the lidar's returns (k, 2) that lie well away from the map's walls."""
        values = self._values
        count, reach, cell = int(values["lidar_beams"]), values["lidar_range"], values["cell"]
        ranges = o[:count] * reach
        beams = self._nominal.tables[T_BEAMS]
        c, s = math.cos(pose[2]), math.sin(pose[2])
        ends = ranges[:, None] * (beams.T @ np.array([[c, s], [-s, c]])) + pose[:2]
        ends = ends[ranges < min(reach - 1e-6, 4.0)]
        cells = np.floor(ends / cell).astype(np.int64)
        closed = self._cost[layout_of(o, self._nominal.row)] >= INFINITY
        rows, columns = closed.shape
        inside = closed[np.clip(cells[:, 1], 0, rows - 1), np.clip(cells[:, 0], 0, columns - 1)]
        return ends[~inside]


class TunedMPPI(MPPI):
    """The same law with numbers for short times: it looks further ahead, dares more, and keeps less away from walls.

    The cost and its averaging are those of :class:`MPPI`. Its numbers were picked among few variants by the time to the
    target on the scene with racks in the nominal plant; what they keep elsewhere a comparison tells.

    Args:
        samples: Sequences a step.
        horizon: Their length in control periods.
        deviation: Standard deviation of the sampled actions.
        temperature: Of the average, in m of cost to go.
        caution: Extra cost of cells near obstacles.
        seed: Of the samples; the same at every step and row.
        threads: Threads that share the samples, or "auto": as many as there are cores where that pays. The numbers
            are those of one.
    """

    name: ClassVar[str] = "mppi-tuned"

    def __init__(
        self,
        *,
        samples: int = 128,
        horizon: int = 20,
        deviation: float = 0.8,
        temperature: float = 0.05,
        caution: float = 1.0,
        seed: int = 0,
        threads: int | str = 1,
    ) -> None:
        super().__init__(
            samples=samples,
            horizon=horizon,
            deviation=deviation,
            temperature=temperature,
            caution=caution,
            seed=seed,
            threads=threads,
        )
