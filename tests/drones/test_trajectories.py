"""Polynomial trajectories: files of crazyswarm, minimum snap, splines, and the reference that follows them."""

import json

import gymnasium
import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy.interpolate import BPoly

import gym_suite
from gym_suite.drones.trajectories import CRAZYSWARM, minimum_snap, read_crazyswarm, splined

ID = "drones/Track-v0"
POINTS = np.array([[0, 0, 1], [1, 0.5, 1.5], [0.5, 1.5, 1.2], [-0.5, 0.5, 1.0]])
SPANS = np.array([1.5, 1.0, 2.0])


def write(path, pieces, header=CRAZYSWARM, comma=","):
    lines = [",".join(header) + comma] if header else []
    lines += [",".join(f"{value:.12g}" for value in piece) + comma for piece in pieces]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def two_pieces():
    rng = np.random.default_rng(2)
    return np.column_stack(
        [[1.5, 2.5], rng.uniform(-0.2, 0.2, (2, 32)) / 3.0 ** (np.arange(32) % 8)]
    )


@pytest.mark.parametrize(("header", "comma"), [(CRAZYSWARM, ","), (CRAZYSWARM, ""), ((), "")])
def test_files_of_crazyswarm_are_read_with_and_without_header(tmp_path, header, comma):
    rows = two_pieces()
    pieces = read_crazyswarm(write(tmp_path / "t.csv", rows, header, comma))
    for t, piece, since in ((0.4, 0, 0.4), (1.4, 0, 1.4), (3.2, 1, 1.7)):
        for axis in range(3):
            poly = Polynomial(rows[piece, 1 + 8 * axis : 9 + 8 * axis])
            for k in range(3):
                exact = poly.deriv(k)(since) if k else poly(since)
                assert pieces.at(t, k)[axis] == pytest.approx(exact, abs=1e-9)


def test_one_piece_of_least_snap_is_the_known_polynomial():
    """From rest to rest in unit time: 35 s^4 - 84 s^5 + 70 s^6 - 20 s^7 (the 8th derivative is 0)."""
    pieces = minimum_snap([[0, 0, 0], [2, -1, 0.5]], [3.0])
    s = np.linspace(0, 1, 21)
    share = 35 * s**4 - 84 * s**5 + 70 * s**6 - 20 * s**7
    np.testing.assert_allclose(pieces.at(3.0 * s), np.outer(share, [2, -1, 0.5]), atol=1e-10)


def hermite(derivatives):
    """Return SciPy's polynomial of degree 7 that has place, velocity, acceleration and jerk at every point."""
    return BPoly.from_derivatives(np.concatenate([[0.0], np.cumsum(SPANS)]), derivatives)


def snap_cost(curve):
    t = np.linspace(0.0, SPANS.sum(), 4001)
    return np.trapezoid((curve.derivative(4)(t) ** 2).sum(axis=1), t)


def test_minimum_snap_meets_points_smoothly_and_nothing_near_it_is_better():
    pieces = minimum_snap(POINTS, SPANS)
    ends = np.concatenate([[0.0], np.cumsum(SPANS)])
    np.testing.assert_allclose(pieces.at(ends), POINTS, atol=1e-9)
    for k in (1, 2, 3):
        np.testing.assert_allclose(pieces.at(ends[[0, -1]], k), 0.0, atol=1e-7)
    for k in range(1, 7):
        jump = pieces.at(ends[1:-1] + 1e-9, k) - pieces.at(ends[1:-1] - 1e-9, k)
        np.testing.assert_allclose(jump, 0.0, atol=1e-4 * max(1, np.abs(pieces.at(ends, k)).max()))
    # Every other smooth curve of this degree has another velocity, acceleration or jerk at an inner point.
    derivatives = np.stack([pieces.at(ends, k) for k in range(4)], axis=1)
    t = np.linspace(0.0, ends[-1], 200)
    np.testing.assert_allclose(hermite(derivatives)(t), pieces.at(t), atol=1e-8)
    best = snap_cost(hermite(derivatives))
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = derivatives.copy()
        other[1:-1, 1:] += rng.normal(0, 0.02, other[1:-1, 1:].shape) * [[1.0], [5.0], [25.0]]
        assert snap_cost(hermite(other)) > best


def test_the_reference_follows_the_polynomials_and_a_controller_the_reference():
    path = {"kind": "points", "points": POINTS.tolist(), "durations": SPANS.tolist()}
    env = gymnasium.make(ID, engine="compiled", path=path)
    json.dumps(env.spec.kwargs)
    pieces = minimum_snap(POINTS, SPANS)
    controller = gym_suite.make_controller(env)
    observation, info = env.reset(seed=0)
    state, start, gaps = None, True, []
    names = env.unwrapped.setup.state_columns.names
    for k in range(1, 330):
        action, state = controller.predict(observation, state, start)
        observation, _, terminated, _, info = env.step(action)
        start = False
        assert not terminated
        row = env.unwrapped._rows.x[0]
        for prefix, order in (("target", 0), ("target_velocity", 1), ("target_acceleration", 2)):
            got = [row[names.index(f"{prefix}_{axis}")] for axis in "xyz"]
            if k / 60 < SPANS.sum():
                exact = pieces.at(k / 60, order)
                np.testing.assert_allclose(got, exact, atol=(1e-7, 1e-5, 1e-2)[order])
        gaps.append(info["target_distance"])
    assert np.mean(gaps[60:]) < 0.03
    np.testing.assert_allclose([info["target_x"], info["target_z"]], POINTS[-1, [0, 2]], atol=1e-12)


def test_a_spline_lends_a_table_accelerations(tmp_path):
    rows = np.column_stack([[0.0, 1.0, 2.5, 4.0], POINTS])
    exact = splined(rows)
    for given in ({"table": rows.tolist(), "spline": True}, {"table": exact.tolist()}):
        env = gymnasium.make(ID, engine="compiled", path={"kind": "table", **given})
        env.reset(seed=0)
        for _ in range(60):
            _, _, _, _, info = env.step(np.zeros(4, dtype=np.float32))
        assert info["target_x"] == pytest.approx(1.0)
        names = env.unwrapped.setup.state_columns.names
        bend = env.unwrapped._rows.x[0, names.index("target_acceleration_x")]
        assert bend == pytest.approx(exact[1, 7], rel=1e-6)


@pytest.mark.parametrize("extra", [[], [0.5, 0.0, 0.0, 0.0, 0.0, 0.0]])
def test_a_table_stands_still_before_it_begins_and_after_its_end(extra):
    rows = [[1.0, 0.0, 0.0, 1.0, *extra], [2.0, 1.0, 0.0, 1.0, *extra]]
    env = gymnasium.make(ID, engine="compiled", path={"table": rows})  # which says its kind
    names = env.unwrapped.setup.state_columns.names
    places = [names.index(f"target{what}_x") for what in ("", "_velocity", "_acceleration")]
    env.reset(seed=0)
    for k in range(1, 150):
        env.step(np.zeros(4, dtype=np.float32))
        place, *motion = env.unwrapped._rows.x[0, places]
        if k / 60 < 1.0 or k / 60 >= 2.0:
            assert (place, *motion) == (0.0 if k / 60 < 1.0 else 1.0, 0.0, 0.0)
        else:
            assert motion[0] > 0.0


def test_the_offset_and_pieces_given_as_numbers(tmp_path):
    rows = two_pieces()
    file = write(tmp_path / "t.csv", rows)
    given = {
        "durations": rows[:, 0].tolist(),
        "coefficients": rows[:, 1:25].reshape(2, 3, 8).tolist(),
    }
    seen = []
    for path in ({"file": file}, given):
        env = gymnasium.make(
            ID, engine="compiled", path={"kind": "polynomial", "offset": (0, 1, 2), **path}
        )
        json.dumps(env.spec.kwargs, default=str)
        env.reset(seed=0)
        _, _, _, _, info = env.step(np.zeros(4, dtype=np.float32))
        seen.append([info[f"target_{axis}"] for axis in "xyz"])
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-10)
    place = read_crazyswarm(file).at(1 / 60)
    np.testing.assert_allclose(seen[1] - place, [0, 1, 2], atol=1e-9)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ({"kind": "points", "points": [[0, 0, 1]]}, "two or more of"),
        ({"kind": "points", "points": [[0, 0, 1], [0, 0, 1]]}, "give durations to stay there"),
        ({"kind": "points", "points": POINTS, "durations": [1, 1]}, "4 points take 3 durations"),
        ({"kind": "points", "points": POINTS, "durations": [0.2] * 3}, "asks for a thrust of"),
        ({"kind": "points", "point": POINTS}, "'points'"),
        ({"kind": "polynomial"}, "takes either file"),
        ({"kind": "polynomial", "file": "none.csv"}, "cannot be read"),
        ({"kind": "table", "table": [[0, 0, 0], [1, 0, 0]]}, "a path's table must have rows of"),
        ({"kind": "polynomail"}, "'polynomial'"),
        ({"points": [[0, 0, 1]]}, "two or more of"),
        ({"coefficients": [1.0]}, "coefficients must have shape"),
    ],
)
def test_what_is_wrong_with_a_path_is_said(path, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", path=path)


def test_other_columns_of_a_file_are_named(tmp_path):
    rows = two_pieces()
    with pytest.raises(ValueError, match="got 5 columns"):
        read_crazyswarm(write(tmp_path / "a.csv", rows, CRAZYSWARM[:5]))
    with pytest.raises(ValueError, match="piece 0 needs 33 numbers"):
        read_crazyswarm(write(tmp_path / "b.csv", rows[:, :9]))
    rows[0, 0] = -1.0
    with pytest.raises(ValueError, match="durations above 0"):
        read_crazyswarm(write(tmp_path / "c.csv", rows))
