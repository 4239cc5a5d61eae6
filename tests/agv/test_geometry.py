"""Exact geometry: overlaps against polygons, lidar against brute force over every wall, box and circle."""

import math

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv import geometry, maps
from gym_suite.agv.columns import T_SPANS
from gym_suite.agv.controllers.planning import a_star
from gym_suite.agv.lidar import meet_edge, true_ranges


def corners(x, y, heading, half_length, half_width):
    c, s = math.cos(heading), math.sin(heading)
    box = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (half_length, half_width)
    return box @ np.array([[c, s], [-s, c]]) + (x, y)


def polygon_gap(one, other):
    """Return the distance of two convex polygons by all pairs of corners and sides; 0 where they overlap."""

    def inside(points, hull):
        edges = np.roll(hull, -1, axis=0) - hull
        away = points[:, None] - hull[None]
        return ((edges[:, 0] * away[..., 1] - edges[:, 1] * away[..., 0]) >= 0).all(axis=1).any()

    def crossing(a, b, c, d):
        def side(p, q, r):
            return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

        return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0

    pairs = [
        (one[i], one[i - 1], other[k], other[k - 1])
        for i in range(len(one))
        for k in range(len(other))
    ]
    if inside(one, other) or inside(other, one) or any(crossing(*pair) for pair in pairs):
        return 0.0
    gaps = [geometry.point_segment_distance(*p, *c, *d) for p in one for _, _, c, d in pairs]
    gaps += [geometry.point_segment_distance(*p, *a, *b) for p in other for a, b, _, _ in pairs]
    return min(gaps)


def test_boxes_overlap_exactly_when_their_polygons_do():
    generator = np.random.default_rng(0)
    seen = set()
    for _ in range(400):
        one = (
            *generator.uniform(0, 2, 2),
            *generator.uniform(-4, 4, 1),
            *generator.uniform(0.1, 1, 2),
        )
        two = (
            *generator.uniform(0, 3, 2),
            *generator.uniform(-4, 4, 1),
            *generator.uniform(0.1, 1, 2),
        )
        gap = polygon_gap(corners(*one), corners(*two))
        assert geometry.boxes_overlap(*one, *two) == (gap == 0.0)
        assert geometry.boxes_overlap(*two, *one) == (gap == 0.0)
        seen.add(gap == 0.0)
    assert seen == {True, False}


def test_box_circle_and_segment():
    generator = np.random.default_rng(1)
    for _ in range(300):
        box = (
            *generator.uniform(0, 2, 2),
            *generator.uniform(-4, 4, 1),
            *generator.uniform(0.1, 1, 2),
        )
        a, b = generator.uniform(-1, 3, (2, 2))
        gap = polygon_gap(corners(*box), np.array([a, b]))
        assert geometry.box_segment_overlap(*box, *a, *b) == (gap == 0.0)
        hull = corners(*box)
        inside = polygon_gap(hull, np.array([a, a + 1e-9])) == 0.0
        sides = [geometry.point_segment_distance(*a, *hull[i], *hull[i - 1]) for i in range(4)]
        distance = 0.0 if inside else min(sides)
        assert geometry.box_point_distance(*box, *a) == pytest.approx(distance, abs=1e-8)
        radius = generator.uniform(0.05, 1.0)
        if abs(distance - radius) > 1e-6:
            assert geometry.box_circle_overlap(*box, *a, radius) == (distance < radius)


def brute_force(origin, direction, rectangles, circles, reach):
    """Return the least distance along a ray to any of all rectangles (as four sides each) and circles."""
    best = reach
    for hull in rectangles:
        for i in range(4):
            a, side = hull[i], hull[i] - hull[i - 1]
            matrix = np.array([direction, side]).T
            if abs(np.linalg.det(matrix)) < 1e-14:
                continue
            t, u = np.linalg.solve(matrix, a - origin)
            if t >= 0 and -1e-12 <= u <= 1 + 1e-12:
                best = min(best, t)
    for x, y, radius in circles:
        roots = np.roots(
            [
                1.0,
                -2 * ((x - origin[0]) * direction[0] + (y - origin[1]) * direction[1]),
                (x - origin[0]) ** 2 + (y - origin[1]) ** 2 - radius**2,
            ]
        )
        real = roots[np.isreal(roots)].real
        if len(real) and real.min() >= 0:
            best = min(best, real.min())
    return best


@pytest.mark.parametrize("layout", ["simple", "complex", "procedural"])
@pytest.mark.parametrize("fov", [2 * math.pi, 1.5 * math.pi])
def test_lidar_agrees_with_brute_force(layout, fov):
    env = gymnasium.make(
        "agv/SimpleStatic-v0", layout=layout, moving_obstacles=5, lidar={"fov": fov, "beams": 40}
    ).unwrapped
    for seed in range(6):
        env.reset(seed=seed)
        state = {name: value[0] for name, value in env.state().items()}
        grid, cell = env.nominal.tables[0][int(state["layout"])], 0.5
        walls = [
            corners((c + 0.5) * cell, (r + 0.5) * cell, 0.0, 0.25, 0.25)
            for r, c in np.argwhere(grid)
        ]
        circles = [(state[f"obstacle_{k}_x"], state[f"obstacle_{k}_y"], 0.3) for k in range(5)]
        ranges = true_ranges(env.setup, env.get_state()["rows"]["x"][0])[0]
        for j in range(0, 40, 3):
            angle = state["theta"] + (j + 0.5) * fov / 40 - 0.5 * fov
            direction = np.array([math.cos(angle), math.sin(angle)])
            near = [
                w for w in walls if np.abs(w.mean(axis=0) - (state["x"], state["y"])).max() < 11
            ]
            expected = brute_force((state["x"], state["y"]), direction, near, circles, 10.0)
            assert ranges[j] == pytest.approx(expected, abs=1e-9)


def pillars(count):
    """Return a hall with so many pillars, drawn; each has four sides."""
    generator = np.random.default_rng(count)
    grid = np.zeros((60, 60), dtype=bool)
    places = [(r, c) for r in range(6, 58, 2) for c in range(2, 58, 2)]
    for k in generator.choice(len(places), count, replace=False):
        grid[places[k]] = True
    grid[[0, -1]] = grid[:, [0, -1]] = True
    return maps.Layout(name="pillars", grid=grid)


@pytest.mark.parametrize("count", [100, 400])
def test_lidar_agrees_with_brute_force_whether_edges_are_kept_or_not(count):
    layout = pillars(count)
    env = gymnasium.make(
        "agv/SimpleStatic-v0", layout=layout, vehicle={"length": 0.3, "width": 0.3}, lidar=90
    ).unwrapped
    kept = env.setup.tables[T_SPANS][0, maps.SPAN.edges]
    assert kept == (4 * count + 4 if count == 100 else 0)
    for seed in range(3):
        env.reset(seed=seed)
        x, y, theta = (float(env.state()[name][0]) for name in ("x", "y", "theta"))
        walls = [
            corners((c + 0.5) * 0.5, (r + 0.5) * 0.5, 0.0, 0.25, 0.25)
            for r, c in np.argwhere(layout.grid)
            if max(abs((c + 0.5) * 0.5 - x), abs((r + 0.5) * 0.5 - y)) < 11
        ]
        ranges = true_ranges(env.setup, env.get_state()["rows"]["x"][0])[0]
        for j in range(0, 90, 4):
            angle = theta + (j + 0.5) * math.tau / 90 - math.pi
            direction = np.array([math.cos(angle), math.sin(angle)])
            expected = brute_force((x, y), direction, walls, [], 10.0)
            assert ranges[j] == pytest.approx(expected, abs=1e-9)


def test_no_beam_slips_through_a_corner():
    """Beams aimed at the corners of a closed polygon about them, as exactly as floating point can."""
    generator = np.random.default_rng(5)
    for _ in range(60):
        angles = np.sort(generator.uniform(-math.pi, math.pi, 7))
        if np.diff(angles, append=angles[0] + math.tau).max() > 3.0:
            continue
        hull = generator.uniform(0.5, 5.0, 7) * np.array([np.cos(angles), np.sin(angles)])
        for k in range(7):
            count = 20_000  # all look at the corner; which of them are tried goes by their numbers
            beams = np.tile(hull[:, k : k + 1] / np.hypot(*hull[:, k]), (1, count))
            ranges = np.full(count, 10.0)
            for j in range(7):
                a, b = hull[:, j], hull[:, (j + 1) % 7]
                meet_edge(ranges, beams, *a.tolist(), *b.tolist(), math.tau)
            nearest = (math.atan2(hull[1, k], hull[0, k]) + math.pi) / math.tau * count - 0.5
            assert ranges[round(nearest) % count] == pytest.approx(np.hypot(*hull[:, k]), rel=1e-9)


def test_lidar_sees_other_vehicles_as_boxes():
    env = gym_suite.parallel_env("agv/Fleet-v0", agents=8, layout="simple", least_distance=0.0)
    for seed in range(4):
        env.reset(seed=seed)
        names = env.setup.state_columns.names
        state = dict(zip(names, env.state(), strict=True))
        poses = [[state[f"agv_{k}_{n}"] for n in ("x", "y", "theta")] for k in range(8)]
        boxes = [corners(*pose, 0.445, 0.29) for pose in poses]
        grid = env.nominal.tables[0][0]
        walls = [
            corners((c + 0.5) * 0.5, (r + 0.5) * 0.5, 0.0, 0.25, 0.25) for r, c in np.argwhere(grid)
        ]
        ranges = true_ranges(env.setup, env.state())
        for k in range(8):
            x, y, theta = poses[k]
            for j in range(0, 108, 9):
                angle = theta + (j + 0.5) * math.tau / 108 - math.pi
                direction = np.array([math.cos(angle), math.sin(angle)])
                others = walls + boxes[:k] + boxes[k + 1 :]
                expected = brute_force((x, y), direction, others, [], 10.0)
                assert ranges[k, j] == pytest.approx(expected, abs=1e-9)


def test_vehicle_hits_exactly_what_its_box_touches():
    grid = maps.build_layouts("complex")[0].grid.astype(np.uint8)
    generator = np.random.default_rng(3)
    for _ in range(200):
        x, y = generator.uniform(1, 20, 2) * (1, 0.7)
        box = (x, y, generator.uniform(-3, 3), 0.445, 0.29)
        near = [
            corners((c + 0.5) * 0.5, (r + 0.5) * 0.5, 0.0, 0.25, 0.25)
            for r, c in np.argwhere(grid)
            if abs((c + 0.5) * 0.5 - x) < 1.2 and abs((r + 0.5) * 0.5 - y) < 1.2
        ]
        touching = any(polygon_gap(corners(*box), wall) == 0.0 for wall in near)
        assert geometry.box_hits_grid(*box, grid, 0.5) == touching


def test_a_star_finds_ways_as_short_as_dijkstra():
    """Against scipy's shortest paths over the same graph."""
    from scipy.sparse import lil_matrix
    from scipy.sparse.csgraph import dijkstra

    layout = maps.procedural(3, rows=20, columns=24)
    cost = np.where(layout.grid, geometry.INFINITY, 1.0)
    rows, columns = cost.shape
    graph = lil_matrix((rows * columns, rows * columns))
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    free = not (layout.grid[i, j] or layout.grid[i + di, j + dj])
                    cut = layout.grid[i + di, j] or layout.grid[i, j + dj]
                    if free and (di or dj) and not (di and dj and cut):
                        there = (i + di) * columns + j + dj
                        graph[i * columns + j, there] = math.hypot(di, dj)
    free = np.flatnonzero(~layout.grid.ravel())
    start = int(free[3])
    distance = dijkstra(graph.tocsr(), indices=start)
    cells = rows * columns
    scratch = (np.empty(cells, np.int64), np.empty(cells), np.empty(cells, np.int64))
    heap = (np.empty(8 * cells, np.int64), np.empty(8 * cells))
    for goal in free[::7]:
        count = a_star(cost, start, int(goal), *scratch, *heap)
        way = np.array(np.unravel_index(scratch[0][:count], cost.shape)).T
        if not np.isfinite(distance[goal]):
            assert count == 0
            continue
        length = np.hypot(*np.diff(way, axis=0).T).sum()
        assert length == pytest.approx(distance[goal], abs=1e-9)
        assert not layout.grid[tuple(way.T)].any()
