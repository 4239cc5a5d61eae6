"""Headings: the reference is what was asked for, is observed and paid for, and the laws keep it."""

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import gym_suite

HOVER, TRACK = "drones/Hover-v0", "drones/Track-v0"
TABLE = [(1.0, -0.5), (2.0, 0.5), (2.5, 4.0)]


def flown(id, law="zero", *, steps=120, seeds=4, engine="compiled", **keywords):
    """Return states, metrics, observations and rewards of a law's flights, each (steps, seeds, ...), and who is up."""
    envs = gymnasium.make_vec(id, num_envs=seeds, engine=engine, **keywords)
    controller = gym_suite.make_controller(envs, law)
    o, _ = envs.reset(seed=0)
    state, alive, told = None, np.ones(seeds, bool), []
    for _ in range(steps):
        action, state = controller.predict(o, state)
        o, reward, terminated, _, _ = envs.step(action)
        alive &= ~terminated
        world = envs.unwrapped
        told.append((world.state(), world.metrics(), o, reward))
    columns = envs.unwrapped.setup.observation_columns
    envs.close()
    states, metrics, seen, earned = zip(*told, strict=True)
    several = [
        {name: np.array([one[name] for one in rows]) for name in rows[0]}
        for rows in (states, metrics)
    ]
    return *several, np.array(seen), np.array(earned), columns, alive


def yaw_of(states):
    q = np.stack([states[f"quaternion_{a}"] for a in "xyzw"], axis=-1)
    nose = Rotation.from_quat(q.reshape(-1, 4)).apply([1.0, 0.0, 0.0])
    return np.arctan2(nose[:, 1], nose[:, 0]).reshape(q.shape[:-1])


def wrapped(angle):
    return np.angle(np.exp(1j * angle))


def test_a_heading_that_stays_is_drawn_between_its_bounds_for_each_episode():
    states, *_ = flown(HOVER, steps=3, seeds=512, yaw=(-0.5, 1.5))
    drawn = states["target_yaw"]
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert drawn.min() >= -0.5 and drawn.max() < 1.5
    assert drawn.mean() == pytest.approx(0.5, abs=0.08)
    assert drawn.std() == pytest.approx(2.0 / np.sqrt(12.0), rel=0.07)
    states, *_ = flown(HOVER, steps=3, yaw=2.0)
    np.testing.assert_array_equal(states["target_yaw"], 2.0)


@pytest.mark.parametrize("path", ["circle", "lemniscate"])
def test_along_the_velocity_it_is_the_direction_of_the_target_s_motion(path):
    states, *_ = flown(TRACK, "geometric", yaw="velocity", path=path)
    place = [states[f"target_{a}"] for a in "xy"]
    moved = np.arctan2(*(np.diff(c, axis=0)[:, :] for c in place[::-1]))
    middle = 0.5 * wrapped(states["target_yaw"][1:] - states["target_yaw"][:-1])
    ahead = wrapped(moved - states["target_yaw"][:-1])
    np.testing.assert_allclose(ahead, middle, atol=2e-3)
    rate = wrapped(np.diff(states["target_yaw"], axis=0)) * 60.0
    mean = 0.5 * (states["target_yaw_rate"][1:] + states["target_yaw_rate"][:-1])
    np.testing.assert_allclose(mean, rate, atol=0.02)


def test_a_table_is_linear_between_its_rows_and_held_outside():
    states, *_ = flown(HOVER, "geometric", steps=200, yaw=TABLE)
    t = np.arange(1, 201) / 60.0
    expected = np.interp(t, *np.transpose(TABLE))
    np.testing.assert_allclose(states["target_yaw"][:, 0], expected, atol=1e-12)
    slopes = np.select([t < 1.0 - 1e-9, t < 2.0 - 1e-9, t < 2.5 - 1e-9], [0.0, 1.0, 7.0], 0.0)
    np.testing.assert_allclose(states["target_yaw_rate"][:, 0], slopes, atol=1e-9)


@pytest.mark.parametrize("id", [HOVER, "drones/MultiHover-v0"])
def test_it_is_observed_and_nearness_is_paid_by_it(id):
    states, metrics, seen, earned, columns, _ = flown(id, steps=40, yaw=2.5)
    count = 2 if id != HOVER else 1
    near = 0.0
    for j in range(count):
        suffix = f"_{j}" if count > 1 else ""
        own = {n.removesuffix(suffix): v for n, v in states.items() if n.endswith(suffix)}
        error = wrapped(own["target_yaw"] - yaw_of(own))
        np.testing.assert_allclose(metrics[f"yaw_error{suffix}"], error, atol=1e-9)
        gap = metrics[f"target_distance{suffix}"]
        scale = 1.0 if count == 1 else 0.4
        near = near + np.maximum(1.0 - gap / scale, 0.0) * 0.5 * (1.0 + np.cos(error)) / count
        o = seen[..., j * len(columns) : (j + 1) * len(columns)]
        for name, value in (
            ("target_heading_x", np.cos(2.5)),
            ("target_heading_y", np.sin(2.5)),
            ("target_yaw_rate", 0.0),
        ):
            np.testing.assert_allclose(o[..., columns.index(name)], value, atol=1e-6)
    np.testing.assert_allclose(metrics["reward_position"], near, atol=1e-12)
    terms = sum(v for name, v in metrics.items() if name.startswith("reward_"))
    np.testing.assert_allclose(earned, terms, atol=1e-12)


def test_flight_and_what_else_is_observed_are_those_without_it():
    states, _, seen, _, columns, _ = flown("drones/MultiHover-v0", yaw=1.0)
    plain, _, exact, _, names, _ = flown("drones/MultiHover-v0")
    for name, values in plain.items():
        np.testing.assert_array_equal(states[name], values)
    for j in range(2):
        for name in names.names:
            np.testing.assert_array_equal(
                seen[..., j * len(columns) + columns.index(name)],
                exact[..., j * len(names) + names.index(name)],
            )


@pytest.mark.parametrize("law", ["geometric", "lqr", "pid", "indi", "mpc", "mellinger"])
@pytest.mark.parametrize(("id", "yaw"), [(HOVER, (-np.pi, np.pi)), (TRACK, "velocity")])
def test_the_laws_turn_to_it_and_keep_it_where_they_keep_the_place(id, yaw, law):
    """Twenty seeds, from any heading: after 4 s within 3 degrees, a hundredth of that on average."""
    _, metrics, *_, alive = flown(id, law, steps=479, seeds=20, yaw=yaw)
    assert alive.all()
    error = np.abs(metrics["yaw_error"][240:])
    assert error.max() < np.radians(3.0)
    assert error.mean() < np.radians(0.5)
    if law != "pid":
        assert metrics["distance"][240:].mean() < 0.01


@pytest.mark.parametrize(
    "setting",
    [
        {"noise": 0.01},
        {"mismatch": 0.1},
        {"delay": 1},
        {"disturbance": {"force_x": 0.02}},
        {"sensors": {"attitude_bias": 0.02, "rate_noise": 0.05, "latency": 1}},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_geometric_control_keeps_it_in_every_setting(setting):
    _, metrics, *_, alive = flown(
        TRACK, "geometric", steps=479, seeds=20, yaw="velocity", **setting
    )
    assert alive.all()
    assert np.abs(metrics["yaw_error"][240:]).mean() < 0.05


def test_several_drones_keep_their_headings_while_they_swap_places():
    _, metrics, *_, alive = flown("drones/Formation-v0", "avoiding", steps=479, yaw="velocity")
    assert alive.all()
    for j in range(4):
        assert np.abs(metrics[f"yaw_error_{j}"][240:]).mean() < 0.05


@pytest.mark.bullet
def test_both_engines_head_alike():
    one, other = (
        flown(TRACK, "geometric", steps=60, yaw="velocity", engine=e)[1]["yaw_error"]
        for e in ("bullet", "compiled")
    )
    np.testing.assert_allclose(one, other, atol=0.02)


def test_one_world_is_told_what_many_are_and_a_snapshot_keeps_it():
    keywords = {"engine": "compiled", "yaw": (-1.0, 1.0), "sensors": {"latency": 2}}
    many, one = gymnasium.make_vec(HOVER, num_envs=3, **keywords), gymnasium.make(HOVER, **keywords)
    together, alone = many.reset(seed=4)[0], one.reset(seed=6)[0]
    action = np.array([0.1, -0.1, 0.1, -0.1], dtype=np.float32)
    for k in range(12):
        np.testing.assert_array_equal(together[2], alone)
        if k == 6:
            kept = one.unwrapped.get_state()
        together, earned, *_ = many.step(np.tile(action, (3, 1)))
        alone, paid, *_ = one.step(action)
        assert earned[2] == paid
    one.unwrapped.set_state(kept)
    for _ in range(6):
        again = one.step(action)[0]
    np.testing.assert_array_equal(again, alone)


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        (HOVER, {"yaw": "velocity"}, "yaw='velocity' needs a target that moves"),
        (TRACK, {"yaw": "velocit"}, "'velocity'"),
        (HOVER, {"yaw": (1.0, 0.0)}, "the lower bound 1 is above the upper one 0"),
        (HOVER, {"yaw": 1e4}, "yaw must lie in"),
        (HOVER, {"yaw": [(0.0, 0.0, 1.0)]}, r"rows of \(t, yaw\) in s and rad, got shape"),
        (HOVER, {"yaw": [(1.0, 0.0), (1.0, 1.0)]}, "its times must grow"),
        (HOVER, {"yaw": 1.0, "action": "position"}, "keeps the nose along x"),
        ("drones/Gates-v0", {"yaw": 1.0}, "yaw"),
    ],
)
def test_bad_input_is_said(id, keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(id, engine="compiled", **keywords)


def test_the_heading_of_a_crazyswarm_file_is_flown(tmp_path):
    """Two pieces of a file: the target's heading is their yaw polynomial, and the nose follows it."""
    rng = np.random.default_rng(4)
    durations = np.array([1.0, 1.5])
    pieces = np.zeros((2, 4, 8))
    pieces[:, :3, 3:6] = rng.uniform(-0.1, 0.1, (2, 3, 3))
    yaw = np.polynomial.Polynomial([0.0, 0.1, 0.3, -0.1])
    pieces[0, 3, :4] = yaw.coef
    pieces[1, 3, :2] = yaw(1.0), -0.4
    file = tmp_path / "turning.csv"
    rows = np.column_stack([durations, pieces.reshape(2, -1)])
    file.write_text("\n".join(",".join(f"{value:.17g}" for value in row) for row in rows))
    path = {"kind": "polynomial", "file": str(file)}
    states, *_, alive = flown(TRACK, "geometric", seeds=2, steps=140, path=path, yaw="path")
    t = np.arange(1, 141) / 60.0
    expected = np.where(t < 1.0, yaw(t), yaw(1.0) - 0.4 * (t - 1.0))
    # Linear between rows 0.02 s apart: within a h^2 / 8 of a parabola, a its second derivative.
    np.testing.assert_allclose(states["target_yaw"][:, 0], expected, atol=0.6 * 0.02**2 / 8.0)
    assert alive.all()
    assert np.abs(wrapped(yaw_of(states) - states["target_yaw"])).max() < 0.3
    own = {"durations": durations, "coefficients": pieces}
    again, *_ = flown(TRACK, "geometric", seeds=2, steps=140, path=own, yaw="path")
    np.testing.assert_array_equal(again["target_yaw"], states["target_yaw"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("circle", "needs a path with a heading of its own"),
        ({"durations": [1.0], "coefficients": np.zeros((1, 3, 8))}, "has no heading"),
    ],
)
def test_a_path_without_a_heading_says_so(path, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(TRACK, engine="compiled", path=path, yaw="path")
    with pytest.raises(ValueError, match="no path"):
        gymnasium.make(HOVER, engine="compiled", yaw="path")
