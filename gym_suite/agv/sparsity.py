"""How sparse a reward is: how far the target is, how often random actions find it, and how much floor they see.

``python -m gym_suite.agv.sparsity`` prints the table that the pages of the scenes quote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium
import numpy as np

from gym_suite.agv.controllers.planning import a_star, in_sight
from gym_suite.agv.dynamics import T_GRID
from gym_suite.agv.geometry import INFINITY
from gym_suite.agv.maps import clear
from gym_suite.registration import make_controller

SCENES = ("SimpleStatic", "SimpleDynamic", "ComplexStatic", "ComplexDynamic")
EPISODES = 200


@dataclass(frozen=True, slots=True)
class Sparsity:
    """How sparse an id's reward is; means over episodes.

    Attributes:
        straight: Distance of start and target as the crow flies, m.
        way: Length of a short way on which the vehicle could turn anywhere, up to the target's radius, m.
        time: Time for that length at the limits of speed and acceleration from standstill, without bends, s.
        random_success: Part of the episodes that reach the target with uniformly random actions.
        random_collision: Part of those that end in a collision.
        random_length: Steps of an episode with random actions.
        random_coverage: Part of the cells in which it could turn that it visits in such an episode.
        reference_success: Part of the episodes in which the reference controller reaches the target.
        reference_time: Time that it takes then, s.
    """

    straight: float
    way: float
    time: float
    random_success: float
    random_collision: float
    random_length: float
    random_coverage: float
    reference_success: float
    reference_time: float


def sparsity(id: str, *, episodes: int = EPISODES, seed: int = 0, **keywords: Any) -> Sparsity:
    """Return how sparse the reward of an id with one vehicle is.

    The way is that of A* over the map's cells in which the vehicle can turn, with every detour cut short along which
    it can go straight: no longer than need be to a few per cent, and drivable, so an upper bound of the shortest. For
    targets that walk it is the way to where they begin.

    Args:
        id: The environment's id.
        episodes: Number of episodes; episode i has the seed + i.
        seed: Seed of the first.
        **keywords: Keyword arguments of the environment.

    Raises:
        ValueError: For an id with several vehicles, or no episodes.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {episodes}")
    envs: Any = gymnasium.make_vec(id, num_envs=episodes, **keywords)
    setup = envs.unwrapped.setup
    if setup.agents or setup.family != "agv":
        raise ValueError(f"{id} is not an environment of one vehicle")
    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    envs.reset(seed=seed)
    ways = _ways(setup, envs.unwrapped.state(), p)
    generator = np.random.default_rng(seed)

    def random(_: Any) -> np.ndarray:
        return generator.uniform(-1.0, 1.0, (episodes, 2)).astype(np.float32)

    found = _play(envs, random, seed)
    controller, state = make_controller(envs), None

    def reference(observation: Any) -> np.ndarray:
        nonlocal state
        action, state = controller.predict(observation, state)
        return action

    best = _play(envs, reference, seed)
    envs.close()
    speed, rate = p["v_limit"], min(p["acceleration"], p["deceleration"])
    way = np.maximum(ways[:, 1] - p["goal_radius"], 0.0)
    over = speed**2 / (2.0 * rate)  # the way on which it gets up to speed
    time = np.where(way > over, (way - over) / speed + speed / rate, np.sqrt(2.0 * way / rate))
    return Sparsity(
        straight=float(ways[:, 0].mean()),
        way=float(way.mean()),
        time=float(time.mean()),
        random_success=float(found.arrived.mean()),
        random_collision=float((found.ended & ~found.arrived).mean()),
        random_length=float(found.steps.mean()),
        random_coverage=found.coverage,
        reference_success=float(best.arrived.mean()),
        reference_time=float(best.steps[best.arrived].mean() * setup.dt)
        if best.arrived.any()
        else math.nan,
    )


@dataclass(slots=True)
class _Played:
    arrived: np.ndarray
    ended: np.ndarray
    steps: np.ndarray
    coverage: float


def _play(envs: Any, act: Any, seed: int) -> _Played:
    """Play one episode per row."""
    setup, n = envs.unwrapped.setup, envs.num_envs
    cell = float(setup.row[setup.parameter_columns.index("cell")])
    free = _free(setup)
    observation, _ = envs.reset(seed=seed)
    seen = np.zeros((n, *free.shape[1:]), dtype=bool)
    layout = envs.unwrapped.state()["layout"].astype(int)
    arrived, ended, live = np.zeros((3, n), dtype=bool)
    live[:] = True
    steps = np.zeros(n, dtype=np.int64)
    while live.any():
        observation, _, terminated, truncated, info = envs.step(act(observation))
        steps += live
        row, column = (np.floor(info[k] / cell).astype(int) for k in ("y", "x"))
        row, column = np.clip(row, 0, free.shape[1] - 1), np.clip(column, 0, free.shape[2] - 1)
        seen[live, row[live], column[live]] = True
        arrived |= live & (info["arrived"] > 0)
        ended |= live & terminated
        live &= ~(terminated | truncated)
    known = free[layout]
    covered = float(((seen & known).sum(axis=(1, 2)) / known.sum(axis=(1, 2))).mean())
    return _Played(arrived, ended, steps, covered)


def _free(setup: Any) -> np.ndarray:
    """Return the cells in whose middle the vehicle can turn, bool (layouts, rows, columns)."""
    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    reach = 0.5 * math.hypot(p["length"], p["width"]) + 0.01
    return np.array([clear(grid, p["cell"], reach) for grid in setup.tables[T_GRID]])


def _ways(setup: Any, state: dict[str, np.ndarray], p: dict[str, float]) -> np.ndarray:
    """Return for each row the distance as the crow flies and the length of the way, m, (n, 2)."""
    free, cell = _free(setup), p["cell"]
    rows, columns = free.shape[1:]
    size = rows * columns
    scratch = (np.empty(size, np.int64), np.empty(size), np.empty(size, np.int64))
    heap = (np.empty(8 * size, np.int64), np.empty(8 * size))
    lengths = []
    for i in range(len(state["x"])):
        layout = int(state["layout"][i])
        cost = np.where(free[layout], 1.0, INFINITY)
        ends = [(float(state[f"{w}x"][i]), float(state[f"{w}y"][i])) for w in ("", "goal_")]
        start, goal = (int(y // cell) * columns + int(x // cell) for x, y in ends)
        count = a_star(cost, start, goal, *scratch, *heap)
        cells = scratch[0][:count]
        points = [((c % columns + 0.5) * cell, (c // columns + 0.5) * cell) for c in cells.tolist()]
        points = [ends[0], *points[1:-1], ends[1]]
        grid = setup.tables[T_GRID][layout]
        radius = 0.5 * math.hypot(p["length"], p["width"])
        lengths.append((math.dist(*ends), _pulled(points, cost, grid, cell, radius)))
    return np.array(lengths)


def _pulled(
    points: Sequence[tuple[float, float]], cost: Any, grid: Any, cell: float, radius: float
) -> float:
    """Return the length of a way after each of its points goes straight to the last one in sight."""
    length, at = 0.0, 0
    while at < len(points) - 1:
        ahead = range(len(points) - 1, at, -1)
        sight = (k for k in ahead if in_sight(cost, grid, cell, radius, *points[at], *points[k]))
        to = next(sight, at + 1)
        length += math.dist(points[at], points[to])
        at = to
    return length


def table(episodes: int = EPISODES) -> str:
    """Return the sparsity of the four scenes as a table."""
    lines = ["| Scene | " + " | ".join(Sparsity.__slots__) + " |"]
    for scene in SCENES:
        values = asdict(sparsity(f"agv/{scene}-v0", episodes=episodes)).values()
        lines.append(f"| {scene} | " + " | ".join(f"{value:.4g}" for value in values) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    import sys

    sys.stdout.write(table() + "\n")


if __name__ == "__main__":
    main()
