"""How soon a vehicle can be at its target: ways against hand-made ones, and nobody sooner than the bound."""

import itertools
import math

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv import bounds
from gym_suite.agv.columns import T_GRID

BLOCK = np.array([[2.0, 1.0, 4.0, 3.0]])


@pytest.mark.parametrize(
    ("start", "goal", "length"),
    [
        ((0.0, 0.0), (6.0, 0.0), 6.0),
        ((0.0, 1.0), (6.0, 1.0), 6.0),  # along a side, which may be touched
        ((0.0, 2.0), (6.0, 2.0), 2.0 + 2.0 * math.sqrt(5.0)),
        ((3.0, 0.0), (3.0, 4.0), 2.0 + 2.0 * math.sqrt(2.0)),
        ((1.0, 1.5), (3.5, 4.0), math.hypot(1.0, 1.5) + math.hypot(1.5, 1.0)),
    ],
)
def test_ways_round_a_block(start, goal, length):
    found = bounds.shortest_way(BLOCK, np.array(start), np.array(goal))
    assert found == pytest.approx(length, abs=1e-6)
    assert bounds.shortest_way(BLOCK, np.array(goal), np.array(start)) == pytest.approx(found)


def test_boxes_cover_the_occupied_cells_and_no_others():
    grid = (np.random.default_rng(3).uniform(size=(12, 17)) < 0.4).astype(np.uint8)
    covered = np.zeros_like(grid, dtype=int)
    for left, low, right, high in np.rint(bounds.boxes(grid, 0.5) / 0.5).astype(int):
        covered[low:high, left:right] += 1
    np.testing.assert_array_equal(covered, grid)


def test_shortest_ways_are_those_of_a_fine_grid():
    """Dijkstra over a lattice of 32 directions, whose ways are at most 0.7 % longer than the shortest."""
    import heapq

    walls = np.array([[1.0, 0.0, 2.0, 3.0], [3.0, 1.0, 4.0, 5.0], [1.0, 4.0, 2.5, 4.5]])
    h, size = 0.125, 41
    moves = [(i, j) for i, j in itertools.product(range(-4, 5), repeat=2) if math.gcd(i, j) == 1]
    grown = walls + 1e-6 * np.array([1.0, 1.0, -1.0, -1.0])
    start, goal = (0, 8), (40, 16)
    best, heap = {start: 0.0}, [(0.0, start)]
    while heap:
        length, at = heapq.heappop(heap)
        if at == goal:
            break
        if length > best[at]:
            continue
        there = [(at[0] + i, at[1] + j) for i, j in moves]
        there = [k for k in there if 0 <= k[0] < size and 0 <= k[1] < size]
        along = np.linspace(0.0, 1.0, 33)[:, None, None]
        a, b = np.array(at) * h, np.array(there) * h
        points = a + along * (b - a)
        hit = ((points[..., None, :] > grown[:, :2]) & (points[..., None, :] < grown[:, 2:])).all(
            -1
        )
        for k, free in zip(there, ~hit.any(axis=(0, 2)), strict=True):
            total = length + h * math.dist(at, k)
            if free and total < best.get(k, math.inf) - 1e-12:
                best[k] = total
                heapq.heappush(heap, (total, k))
    exact = bounds.shortest_way(walls, np.array(start) * h, np.array(goal) * h)
    assert exact <= best[goal] + 1e-3
    assert exact > best[goal] / 1.02


def test_a_run_up_and_a_dash():
    assert bounds.driving_time(0.5, 2.0, 1.0) == pytest.approx(1.0)
    assert bounds.driving_time(2.0, 2.0, 1.0) == pytest.approx(2.0)
    assert bounds.driving_time(6.0, 2.0, 1.0) == pytest.approx(4.0)
    assert bounds.driving_time(-1.0, 2.0, 1.0) == 0.0


def arrivals(envs, law, observation, steps):
    """Return when each first episode reaches its target, s; infinite where it does not."""
    times, over, state = (
        np.full(len(observation), np.inf),
        np.zeros(len(observation), dtype=bool),
        None,
    )
    for step in range(steps):
        action, state = law.predict(observation, state)
        observation, reward, terminated, _, _ = envs.step(action)
        times[~over & terminated & (reward > 0.0)] = (step + 1) * envs.unwrapped.setup.dt
        over |= terminated
        if over.all():
            break
    return times


@pytest.mark.parametrize("scene", ["SimpleStatic", "ComplexStatic"])
def test_nobody_is_sooner_than_the_bound(scene):
    """The reference on 30 seeds comes within half of it on average, and is never below it."""
    rows = 30
    envs = gymnasium.make_vec(f"agv/{scene}-v0", num_envs=rows)
    law = gym_suite.make_controller(envs, "a_star")
    observation, _ = envs.reset(seed=60_000)
    setup = envs.unwrapped.setup
    start = envs.unwrapped.get_state()["rows"]["x"]
    least = bounds.least_times(start, setup.row, np.asarray(setup.tables[T_GRID]))
    times = arrivals(envs, law, observation, 600)
    assert np.isfinite(times).all()
    assert (times >= least - 1e-9).all()
    assert times.mean() < 1.35 * least.mean()


def test_a_straight_dash_nearly_meets_the_bound():
    """Facing the target in an empty hall the bound is short by what jerk and lag take, a fifth of a second."""
    hall = "\n".join(["#" * 40, *["#" + "." * 38 + "#"] * 12, "#" * 40])
    env = gymnasium.make(
        "agv/SimpleStatic-v0",
        layout={"kind": "ascii", "text": hall},
        starts=[(1.5, 2.0, 0.0)],
        goals=[(8.5, 2.0, 0.0)],
    )
    env.reset(seed=0)
    setup = env.unwrapped.setup
    x = env.unwrapped.get_state()["rows"]["x"]
    least = bounds.least_times(x, setup.row, np.asarray(setup.tables[T_GRID]))[0]
    # 7 m less the radius of the target, at 1 m/s after a run-up of 1.5 m/s^2.
    assert least == pytest.approx(7.0 - 0.5 + 1.0 / 3.0, abs=setup.dt)
    steps = 1
    while not env.step(np.array([1.0, 0.0], dtype=np.float32))[2]:
        steps += 1
    assert least <= steps * setup.dt <= least + 0.35


def test_a_target_beside_a_wall_is_bounded_by_the_way_round_its_end():
    """The wall's end is passed as near as a target in reach of the wall's far side can be seen from.

    No wall is nearer to a target than a corner of the vehicle that turns there, and a target counts within its radius:
    what is left of the one after the other is a disc that no wall enters, and the half side of the square in it is what
    walls may grow by.
    """
    rows = ["#" + "." * 38 + "#"] * 3 + ["#" + "." * 19 + "#" + "." * 18 + "#"] * 9
    hall = "\n".join(["#" * 40, *rows, "#" * 40])  # the wall is from 10 to 10.5 m, and ends at 5 m
    env = gymnasium.make(
        "agv/SimpleStatic-v0",
        layout={"kind": "ascii", "text": hall},
        starts=[(5.0, 4.0, 0.0)],
        goals=[(11.1, 4.0, 0.0)],
    )
    env.reset(seed=0)
    setup = env.unwrapped.setup
    x = env.unwrapped.get_state()["rows"]["x"]
    least = bounds.least_times(x, setup.row, np.asarray(setup.tables[T_GRID]))[0]
    grown = (np.hypot(0.89, 0.58) / 2 - 0.5) / np.sqrt(
        2
    )  # of the MiR100, and the radius of the target
    first, last = (10.0 - grown, 5.0 + grown), (10.5 + grown, 5.0 + grown)
    way = math.dist((5.0, 4.0), first) + math.dist(first, last) + math.dist(last, (11.1, 4.0))
    # At 1 m/s after a run-up of 1.5 m/s^2, in whole periods.
    assert least == pytest.approx(math.ceil((way - 0.5 + 1.0 / 3.0) / 0.1) * 0.1)


def test_the_mark_says_how_soon():
    for scene, standing in (("ComplexStatic", True), ("ComplexDynamic", False)):
        setup = gymnasium.make(f"agv/{scene}-v0").unwrapped.setup
        (mark,) = setup.marks(3000)
        assert mark.value == 1.0
        assert ("nobody is there before" in mark.meaning) == standing
