"""Velocity obstacles and the linear programme of reciprocal avoidance, against brute force and SciPy."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from gym_suite.agv.controllers.reciprocal import least_violation, nearest_velocity, way_out


def least_gap(p, v, horizon):
    """Return how near the centres come within the horizon, by the closed form along the straight way."""
    t = np.clip(np.dot(p, v) / max(np.dot(v, v), 1e-300), 0.0, horizon)
    return np.hypot(*(p - v * t))


def test_the_way_out_ends_on_the_rim_and_is_the_shortest():
    generator = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 721)
    circle = np.array([np.cos(angles), np.sin(angles)]).T
    inside = 0
    for _ in range(300):
        p, v = generator.uniform(-4, 4, 2), generator.uniform(-2, 2, 2)
        radius, horizon = generator.uniform(0.3, 1.5), generator.uniform(0.5, 4.0)
        if np.hypot(*p) < 1.05 * radius:
            continue
        ux, uy, nx, ny = way_out(*p.tolist(), *v.tolist(), radius, horizon)
        u, n = np.array([ux, uy]), np.array([nx, ny])
        assert np.hypot(*n) == pytest.approx(1.0)
        assert least_gap(p, v + u, horizon) == pytest.approx(radius, abs=1e-6)
        assert (
            least_gap(p, v + u + 1e-4 * n, horizon)
            > radius
            > least_gap(p, v + u - 1e-4 * n, horizon)
        )
        hit = least_gap(p, v, horizon) < radius
        inside += hit
        assert (np.dot(u, n) > 0) == hit
        # No velocity nearer by than that is on the other side of the rim.
        for part in (0.5, 0.98):
            around = v + part * np.hypot(*u) * circle
            assert {least_gap(p, w, horizon) < radius for w in around} == {hit}
    assert 20 < inside < 280


def test_overlapping_discs_part_within_the_time_given():
    p, v = np.array([0.3, 0.1]), np.array([0.2, -0.1])
    ux, uy, nx, ny = way_out(*p, *v, 1.0, 0.5)
    after = p - 0.5 * (v + np.array([ux, uy]))
    assert np.hypot(*after) == pytest.approx(1.0)
    assert np.dot(after, (nx, ny)) == pytest.approx(-1.0)
    assert np.isfinite(way_out(0.5, 0.0, 1.0, 0.0, 1.0, 0.5)).all()  # in the very middle


def random_planes(generator, count, spread):
    angles = generator.uniform(-np.pi, np.pi, count)
    offsets = generator.normal(-0.4, spread, count)
    return np.column_stack([np.cos(angles), np.sin(angles), offsets])


def brute_nearest(planes, limit, wish):
    """Return the nearest point to the wish: itself, or a foot on a rim, or a corner; None where nothing is kept."""
    points = [np.asarray(wish, float)]
    if np.hypot(*wish) > 0:
        points.append(np.asarray(wish) * limit / np.hypot(*wish))
    for i, (nx, ny, b) in enumerate(planes):
        points.append(wish + (b - np.dot((nx, ny), wish)) * np.array([nx, ny]))
        if abs(b) <= limit:
            half = math.sqrt(limit**2 - b**2)
            points += [np.array([b * nx + s * half * ny, b * ny - s * half * nx]) for s in (-1, 1)]
        for mx, my, c in planes[:i]:
            matrix = np.array([[nx, ny], [mx, my]])
            if abs(np.linalg.det(matrix)) > 1e-9:
                points.append(np.linalg.solve(matrix, (b, c)))
    fit = [
        q
        for q in points
        if np.hypot(*q) <= limit + 1e-9 and (planes[:, :2] @ q >= planes[:, 2] - 1e-9).all()
    ]
    return min(fit, key=lambda q: np.hypot(*(q - wish)), default=None)


def test_the_nearest_velocity_against_all_corners_and_feet():
    generator = np.random.default_rng(1)
    seen = set()
    for _ in range(400):
        planes = random_planes(generator, int(generator.integers(1, 9)), 0.5)
        limit, wish = 1.2, generator.uniform(-1.5, 1.5, 2)
        expected = brute_nearest(planes, limit, wish)
        x, y, kept = nearest_velocity(planes, len(planes), limit, *wish.tolist(), 0)
        assert (kept == len(planes)) == (expected is not None)
        seen.add(expected is None)
        if expected is not None:
            assert (x, y) == pytest.approx(tuple(expected), abs=1e-7)
    assert seen == {True, False}


def test_the_least_violation_against_scipy():
    """SciPy's linear programme on the same half-planes, the speed limit as a polygon of many sides."""
    generator = np.random.default_rng(2)
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    limit, hard, tried = 1.0, 2, 0
    sides = np.column_stack([-np.cos(angles), -np.sin(angles), np.full(2000, -limit)])
    for _ in range(150):
        planes = random_planes(generator, 9, 1.0)
        planes[:hard, 2] = -np.abs(planes[:hard, 2])  # possible at standstill
        x, y, worst = least_violation(planes, hard, 9, limit, 0.3, -0.2, np.empty((9, 3)))
        slack = planes[:, 2] - planes[:, :2] @ (x, y)
        assert slack[:hard].max() < 1e-9 and np.hypot(x, y) < limit + 1e-9
        assert max(slack[hard:].max(), 0.0) == pytest.approx(worst, abs=1e-9)
        if worst == 0.0:
            assert (x, y) == pytest.approx(
                tuple(brute_nearest(planes, limit, (0.3, -0.2))), abs=1e-7
            )
            continue
        tried += 1
        soft = np.column_stack([-planes[hard:, :2], -np.ones(9 - hard)])
        rest = np.vstack([planes[:hard], sides])
        fixed = np.column_stack([-rest[:, :2], np.zeros(len(rest))])
        found = linprog(
            [0, 0, 1], A_ub=np.vstack([soft, fixed]), b_ub=np.concatenate([-planes[hard:, 2], -rest[:, 2]]),
            bounds=[(None, None), (None, None), (0, None)],
        )  # fmt: skip
        assert worst == pytest.approx(found.fun, abs=1e-5)
    assert tried > 30
