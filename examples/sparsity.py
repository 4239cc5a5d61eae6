"""How sparse is a reward? How far the target is, how often random actions find it, and how much floor they see.

The four scenes with the sparse reward, each over 200 episodes:

    python examples/sparsity.py 200
"""

import math
from typing import Any

import gymnasium
import numpy as np

import gym_suite

SCENES = ("SimpleStatic", "SimpleDynamic", "ComplexStatic", "ComplexDynamic")


def free_cells(setup):
    """Return the cells in whose middle the vehicle can turn, bool (layouts, rows, columns)."""
    from gym_suite.agv.maps import clear

    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    reach = 0.5 * math.hypot(p["length"], p["width"]) + 0.01
    return np.array([clear(grid, p["cell"], reach) for grid in setup.tables[0]])


def shortest_ways(setup, state):
    """Return for each row the way as the crow flies and a short one with room to turn, m, (n, 2).

    The latter is A*'s over the map's cells with every detour cut short along which the vehicle can go straight: no
    longer than need be to a few per cent, and drivable, so an upper bound. For targets that walk it leads to where they
    begin.
    """
    from gym_suite.agv.controllers.planning import a_star, in_sight
    from gym_suite.agv.geometry import INFINITY

    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    free, cell, radius = free_cells(setup), p["cell"], 0.5 * math.hypot(p["length"], p["width"])
    rows, columns = free.shape[1:]
    size = rows * columns
    scratch = (np.empty(size, np.int64), np.empty(size), np.empty(size, np.int64))
    heap = (np.empty(8 * size, np.int64), np.empty(8 * size))
    found = []
    for i, layout in enumerate(state["layout"].astype(int)):
        cost = np.where(free[layout], 1.0, INFINITY)
        ends = [(float(state[f"{w}x"][i]), float(state[f"{w}y"][i])) for w in ("", "goal_")]
        start, goal = (int(y // cell) * columns + int(x // cell) for x, y in ends)
        way = scratch[0][: a_star(cost, start, goal, *scratch, *heap)].tolist()
        points = [((c % columns + 0.5) * cell, (c // columns + 0.5) * cell) for c in way[1:-1]]
        points = [ends[0], *points, ends[1]]
        length, at = 0.0, 0
        while at < len(points) - 1:  # to the last point in sight
            ahead = range(len(points) - 1, at, -1)
            near = (cost, setup.tables[0][layout], cell, radius, *points[at])
            to = next((k for k in ahead if in_sight(*near, *points[k])), at + 1)
            length += math.dist(points[at], points[to])
            at = to
        found.append((math.dist(*ends), length))
    return np.array(found)


def play(envs, act, seed):
    """Play an episode in each row; return who arrived, who ended, the steps, and the part of the floor seen."""
    setup, n = envs.unwrapped.setup, envs.num_envs
    cell, free = setup.row[setup.parameter_columns.index("cell")], free_cells(setup)
    observation, _ = envs.reset(seed=seed)
    known = free[envs.unwrapped.state()["layout"].astype(int)]
    seen = np.zeros_like(known)
    arrived, ended, live = np.zeros((3, n), dtype=bool)
    live[:], steps = True, np.zeros(n, dtype=np.int64)
    while live.any():
        observation, _, terminated, truncated, info = envs.step(act(observation))
        steps += live
        places = np.floor([info["y"] / cell, info["x"] / cell]).astype(int)
        row, column = np.clip(places.T, 0, np.subtract(free.shape[1:], 1)).T
        seen[live, row[live], column[live]] = True
        arrived |= live & (info["arrived"] > 0)
        ended |= live & terminated
        live &= ~(terminated | truncated)
    covered = (seen & known).sum(axis=(1, 2)) / known.sum(axis=(1, 2))
    return arrived, ended, steps, covered.mean()


def sparsity(id, *, episodes=200, seed=0, **keywords):
    """Return how sparse the reward of an id with one vehicle is: figures by name, means over episodes."""
    envs: Any = gymnasium.make_vec(id, num_envs=episodes, **keywords)
    setup = envs.unwrapped.setup
    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    envs.reset(seed=seed)
    straight, way = shortest_ways(setup, envs.unwrapped.state()).T
    generator, controller = np.random.default_rng(seed), gym_suite.make_controller(envs)
    arrived, ended, steps, covered = play(
        envs, lambda _: generator.uniform(-1, 1, (episodes, 2)).astype(np.float32), seed
    )
    reached, _, taken, _ = play(envs, lambda o: controller.predict(o)[0], seed)
    envs.close()
    speed, rate = p["v_limit"], min(p["acceleration"], p["deceleration"])
    way = np.maximum(way - p["goal_radius"], 0.0)
    over = speed**2 / (2.0 * rate)  # the way on which it gets up to speed
    time = np.where(way > over, (way - over) / speed + speed / rate, np.sqrt(2.0 * way / rate))
    return {
        "straight, m": straight.mean(),
        "way, m": way.mean(),
        "time at the limits, s": time.mean(),
        "random arrives": arrived.mean(),
        "random collides": (ended & ~arrived).mean(),
        "random, steps": steps.mean(),
        "random sees": covered,
        "a_star arrives": reached.mean(),
        "a_star, s": taken[reached].mean() * setup.dt if reached.any() else math.nan,
    }


def main(episodes: int = 20, scenes: tuple[str, ...] = SCENES[:1]):
    """Print the figures of some scenes and return them by scene."""
    found = {scene: sparsity(f"agv/{scene}-v0", episodes=episodes) for scene in scenes}
    for name in next(iter(found.values())):
        print(f"{name:24}" + "".join(f"{found[scene][name]:16.4g}" for scene in scenes))
    return found


if __name__ == "__main__":
    import sys

    main(*map(int, sys.argv[1:2]), scenes=SCENES)
