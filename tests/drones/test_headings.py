"""Headings: the reference is what was asked for, is observed and paid for, and the laws keep it."""

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import gym_suite

HOVER, TRACK, PURSUIT = "drones/Hover-v0", "drones/Track-v0", "drones/Pursuit-v0"
#: Tasks with an aim, and the laws that fly them.
AIMED = {
    "drones/Waypoints-v0": "guided",
    "drones/Gates-v0": "racing",
    "drones/Velocity-v0": "indi",
    "drones/Landing-v0": "descent",
    "drones/TakeOff-v0": "indi",
}
EARNING = AIMED | {PURSUIT: "pursuing"}
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


@pytest.mark.parametrize("id", EARNING)
def test_aims_and_pursuers_fly_and_see_the_same_with_it_and_earn_by_it(id):
    """The same actions: all else is as without it, and the first term is its closed form of that without it."""
    keywords = {"engine": "compiled", "num_envs": 6}
    plain = gymnasium.make_vec(id, **keywords)
    turned = gymnasium.make_vec(id, yaw=2.5, **keywords)
    law = gym_suite.make_controller(plain, EARNING[id])
    names, columns = (e.unwrapped.setup.observation_columns for e in (plain, turned))
    count = turned.unwrapped.setup.agent_count
    o, _ = plain.reset(seed=0)
    seen, _ = turned.reset(seed=0)
    state, up, places = None, np.ones(6, bool), [columns.index(name) for name in names.names]
    told = [columns.index(f"target_{name}") for name in ("heading_x", "heading_y", "yaw_rate")]
    positive = 0
    for _ in range(150):
        one, other = o.reshape(6, count, -1), seen.reshape(6, count, -1)
        np.testing.assert_array_equal(other[up][..., places], one[up])
        np.testing.assert_allclose(
            other[up][..., told],
            np.broadcast_to([np.cos(2.5), np.sin(2.5), 0.0], (up.sum(), count, 3)),
            atol=1e-6,
        )
        action, state = law.predict(o, state)
        o, paid, ended, _, _ = plain.step(action)
        seen, earned, also, _, _ = turned.step(action)
        x, m, n = turned.unwrapped.state(), turned.unwrapped.metrics(), plain.unwrapped.metrics()
        np.testing.assert_array_equal(also[up], ended[up])
        for name, values in plain.unwrapped.state().items():
            np.testing.assert_array_equal(x[name][up], values[up])
        first, *others = (name for name in n if name.startswith("reward_"))
        for name in set(n) - {first}:
            np.testing.assert_array_equal(m[name][up], n[name][up])
        for j in range(count):
            suffix = f"_{j}" if count > 1 else ""
            own = {k: x[f"{k}{suffix}"] for k in (f"quaternion_{a}" for a in "xyzw")}
            error = wrapped(2.5 - yaw_of(own))
            np.testing.assert_allclose(m[f"yaw_error{suffix}"][up], error[up], atol=1e-9)
            if count == 1:
                share = np.where(n[first] > 0.0, 0.5 * (1.0 + np.cos(error)), 1.0)
                np.testing.assert_allclose(m[first][up], (share * n[first])[up], atol=1e-12)
        positive += (n[first][up] > 0.0).sum()
        terms = sum(m[name] for name in (first, *others))
        np.testing.assert_allclose(earned[up], terms[up], atol=1e-12)
        assert (earned[up] <= paid[up] + 1e-12).all()
        up &= ~ended
    assert positive
    plain.close()
    turned.close()


def test_each_pursuer_earns_by_its_own_heading_and_loses_whatever_it_is():
    env = gym_suite.parallel_env(PURSUIT, engine="compiled", yaw=0.5, weights={"rates": 0.0})
    plain = gym_suite.parallel_env(PURSUIT, engine="compiled", weights={"rates": 0.0})
    env.reset(seed=3)
    plain.reset(seed=3)
    columns = env.unwrapped.setup.observation_columns
    rng, signs = np.random.default_rng(0), set()
    while env.agents:
        actions = {a: rng.uniform(-0.3, 0.3, 4).astype(np.float32) for a in env.agents}
        seen, earned, *_ = env.step(actions)
        _, paid, *_ = plain.step(actions)
        for agent in env.agents:  # who has not crashed
            x, y = (seen[agent][columns.index(f"rotation_{a}x")] for a in "xy")
            share = 0.5 * (1.0 + np.cos(0.5 - np.arctan2(y, x)))
            expected = paid[agent] * (share if paid[agent] > 0.0 else 1.0)
            assert earned[agent] == pytest.approx(expected, abs=1e-6)  # observed as float32
            signs.add(paid[agent] > 0.0)
    assert signs == {True, False}


@pytest.mark.parametrize("id", ["drones/Waypoints-v0", "drones/Gates-v0"])
def test_along_the_way_it_points_to_the_aim_until_that_is_near(id):
    x, m, *_ = flown(id, AIMED[id], steps=300, yaw="velocity")
    way = [x[f"target_{a}"] - x[f"position_{a}"] for a in "xy"]
    far = np.hypot(*way) > 0.3
    assert far.any() and not far.all() and m["passed"].max() > 1.0
    np.testing.assert_allclose(
        wrapped(x["target_yaw"] - np.arctan2(*way[::-1]))[far], 0.0, atol=1e-12
    )
    stays = ~far[1:]
    np.testing.assert_array_equal(x["target_yaw"][1:][stays], x["target_yaw"][:-1][stays])
    assert (x["target_yaw_rate"][~far] == 0.0).all()
    same = far[1:] & far[:-1] & (m["passed"][1:] == m["passed"][:-1])
    turned = wrapped(np.diff(x["target_yaw"], axis=0)) * 60.0
    mean = 0.5 * (x["target_yaw_rate"][1:] + x["target_yaw_rate"][:-1])
    np.testing.assert_allclose(mean[same], turned[same], atol=0.1)


@pytest.mark.parametrize("id", ["drones/Velocity-v0", "drones/Landing-v0", PURSUIT])
def test_along_the_velocity_of_what_a_drone_is_to_follow(id):
    x, *_ = flown(id, EARNING[id], steps=40, yaw="velocity")
    suffix = "_1" if id == PURSUIT else ""
    v = [x[f"target_velocity_{a}{suffix}"] for a in "xy"]
    quick = np.hypot(*v) > 0.05
    off = wrapped(x[f"target_yaw{suffix}"] - np.arctan2(*v[::-1]))[quick]
    np.testing.assert_allclose(off, 0.0, atol=1e-12)
    assert quick.sum() > 40


def test_drones_that_cross_head_along_their_lines():
    x, *_ = flown("drones/Crossing-v0", "geometric", steps=60, yaw="velocity")
    v = [x[f"target_velocity_{a}_1"] for a in "xy"]
    quick = np.hypot(*v) > 0.05
    np.testing.assert_allclose(
        wrapped(x["target_yaw_1"] - np.arctan2(*v[::-1]))[quick], 0.0, atol=1e-12
    )


def kept(id, yaw, *, steps=480, seeds=10, engine="compiled", **keywords):
    """Return how many episodes are lost, how many done, and the mean error of the heading after a second, rad."""
    envs = gymnasium.make_vec(id, num_envs=seeds, engine=engine, yaw=yaw, **keywords)
    law = gym_suite.make_controller(envs, EARNING[id])
    o, _ = envs.reset(seed=0)
    state, up, lost, done, errors = None, np.ones(seeds, bool), 0, 0, []
    for k in range(steps):
        action, state = law.predict(o, state)
        o, _, ended, _, _ = envs.step(action)
        m = envs.unwrapped.metrics()
        failed = m["violation"] > 0.0
        lost, done = lost + (up & failed).sum(), done + (up & ended & ~failed).sum()
        if k >= 60:
            errors += [np.abs(m[n][up]) for n in m if n.startswith("yaw_error")]
        up &= ~ended
    envs.close()
    return lost, done, np.concatenate(errors).mean() if errors else 0.0


@pytest.mark.parametrize("yaw", [1.0, (-np.pi, np.pi), [(0.0, 0.0), (4.0, 4.0)]], ids=str)
@pytest.mark.parametrize("id", EARNING)
def test_the_laws_of_aims_keep_it_and_lose_nobody(id, yaw):
    """Ten seeds; after a second within ten degrees on average, where drones fly at their limits all the time."""
    lost, done, error = kept(id, yaw)
    assert lost == 0
    assert done == (10 if id in ("drones/Landing-v0", "drones/TakeOff-v0", PURSUIT) else 0)
    if np.ndim(yaw) != 1 or id not in (
        PURSUIT,
        "drones/Landing-v0",
    ):  # which are over while they turn
        assert error < np.radians(10.0)


@pytest.mark.bullet
@pytest.mark.parametrize("id", EARNING)
def test_the_laws_of_aims_keep_it_in_bullet(id):
    lost, _, error = kept(id, 1.0, seeds=3, steps=240, engine="bullet")
    assert lost == 0
    assert error < np.radians(12.0)


@pytest.mark.parametrize("id", EARNING)
def test_sensors_leave_what_is_told_of_it(id):
    """Sensors that are silent show the same as none, and late ones the same heading."""
    plain, seen = (
        flown(id, "zero", steps=20, yaw=(-2.0, 2.0), **more)
        for more in ({}, {"sensors": {"position_noise": 0.0}})
    )
    np.testing.assert_allclose(seen[2], plain[2], atol=1e-12)
    _, metrics, late, _, columns, _ = flown(
        id, "zero", steps=20, yaw=(-2.0, 2.0), sensors={"latency": 2, "rate_noise": 0.1}
    )
    for name, values in plain[1].items():
        np.testing.assert_array_equal(metrics[name], values)
    width, at = len(columns), columns.index("target_heading_x")
    for j in range(late.shape[-1] // width):
        one = slice(j * width + at, j * width + at + 3)
        np.testing.assert_array_equal(late[..., one], plain[2][..., one])


def test_planning_ahead_with_the_nose_along_x_is_refused():
    env = gymnasium.make("drones/Gates-v0", engine="compiled", yaw=1.0)
    with pytest.raises(ValueError, match="nose along x; racing control"):
        gym_suite.make_controller(env, "time-optimal")


def test_pages_say_what_the_heading_is_worth():
    shown = gymnasium.make("drones/Gates-v0", engine="compiled", yaw=1.0).unwrapped.setup.terms[0]
    assert shown.formula.endswith("come nearer, times (1 + cos(yaw_error)) / 2 where it is above 0")


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


@pytest.mark.parametrize("id", [HOVER, "drones/Gates-v0", "drones/TakeOff-v0"])
def test_one_world_is_told_what_many_are_and_a_snapshot_keeps_it(id):
    keywords = {"engine": "compiled", "yaw": (-1.0, 1.0), "sensors": {"latency": 2}}
    many, one = gymnasium.make_vec(id, num_envs=3, **keywords), gymnasium.make(id, **keywords)
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
        ("drones/Gates-v0", {"yaw": 1.0, "action": "velocity"}, "keeps the nose along x"),
        ("drones/TakeOff-v0", {"yaw": "velocity"}, "needs a target that moves"),
        ("drones/Waypoints-v0", {"yaw": "path"}, "this target has no path"),
        ("drones/Obstacles-v0", {"yaw": 1.0}, "yaw"),
        ("drones/RotorFailure-v0", {"yaw": 1.0}, "yaw"),
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
