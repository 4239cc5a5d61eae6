"""Sensors: noise, bias and latency have the size that was asked for and touch only what is observed."""

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import gym_suite
from gym_suite.drones.columns import TABLES

ID = "drones/Hover-v0"
ALL = {
    "position_noise": (0.002, 0.01),
    "velocity_noise": 0.02,
    "latency": 2,
    "attitude_noise": 0.01,
    "attitude_bias": (0.0, 0.02),
    "rate_noise": 0.05,
    "rate_bias": 0.1,
}


def flown(id, steps, *, worlds=1, seed=0, engine="compiled", **keywords):
    """Return observed and true quantities of random flights, (steps + 1, worlds, ...), and what was earned."""
    envs = gymnasium.make_vec(id, num_envs=worlds, engine=engine, **keywords)
    columns = envs.unwrapped.setup.observation_columns
    rng = np.random.default_rng(1)
    seen, true, earned = [envs.reset(seed=seed)[0]], [envs.unwrapped.state()], []
    for _ in range(steps):
        action = rng.uniform(-0.05, 0.05, envs.action_space.shape).astype(np.float32)
        o, reward, _, _, info = envs.step(action)
        seen.append(o)
        true.append(envs.unwrapped.state())
        earned.append((reward, info.get("target_distance", reward)))
    scale = np.array([column.scale for column in columns])
    joint = np.tile(scale, seen[0].shape[-1] // len(scale))
    states = {name: np.array([state[name] for state in true]) for name in true[0]}
    envs.close()
    return columns, np.array(seen) * joint, states, np.array(earned)


def vector(states, name):
    return np.stack([states[f"{name}_{a}"] for a in "xyz"], axis=-1)


def attitude(states):
    q = np.stack([states[f"quaternion_{a}"] for a in "xyzw"], axis=-1)
    return Rotation.from_quat(q.reshape(-1, 4))


def read(columns, seen, name):
    return np.stack([seen[..., columns.index(f"{name}_{a}")] for a in "xyz"], axis=-1)


def errors(columns, seen, states):
    """Return what sensors are off by: position, velocity, attitude about the body's axes, body rates."""
    position = vector(states, "target") - read(columns, seen, "error") - vector(states, "position")
    velocity = read(columns, seen, "velocity") - vector(states, "velocity")
    at = columns.index("rotation_xx")
    shown = Rotation.from_matrix(seen[..., at : at + 9].reshape(-1, 3, 3))
    turned = (attitude(states).inv() * shown).as_rotvec().reshape(position.shape)
    rates = attitude(states).inv().apply(vector(states, "angular_velocity").reshape(-1, 3))
    return (
        position,
        velocity,
        turned,
        read(columns, seen, "body_rate") - rates.reshape(turned.shape),
    )


@pytest.mark.parametrize(
    ("name", "which", "size"),
    [
        ("position_noise", 0, 0.02),
        ("velocity_noise", 1, 0.05),
        ("attitude_noise", 2, 0.03),
        ("rate_noise", 3, 0.2),
    ],
)
def test_noise_has_the_deviation_asked_for_and_is_white(name, which, size):
    columns, seen, states, _ = flown(ID, 60, worlds=64, sensors={name: size})
    for k, off in enumerate(errors(columns, seen, states)):
        if k == which:
            np.testing.assert_allclose(off.reshape(-1, 3).std(axis=0), size, rtol=0.05)
            assert np.abs(off.mean(axis=(0, 1))).max() < 5.0 * size / np.sqrt(off[..., 0].size)
            after = (off[1:] * off[:-1]).mean() / size**2
            assert abs(after) < 0.05
            between = np.corrcoef(off.reshape(-1, 3).T)[np.triu_indices(3, 1)]
            assert np.abs(between).max() < 0.06
        else:
            assert np.abs(off).max() < 1e-5


@pytest.mark.parametrize(("name", "which"), [("attitude_bias", 2), ("rate_bias", 3)])
def test_a_bias_stays_for_an_episode_and_is_drawn_within_its_bounds(name, which):
    columns, seen, states, _ = flown(ID, 20, worlds=256, sensors={name: 0.2})
    off = errors(columns, seen, states)[which]
    assert np.abs(off - off[0]).max() < 1e-5
    drawn = off[0]
    assert np.abs(drawn).max() <= 0.2 + 1e-6
    np.testing.assert_allclose(drawn.std(axis=0), 0.2 / np.sqrt(3.0), rtol=0.1)
    assert np.abs(np.corrcoef(drawn.T)[np.triu_indices(3, 1)]).max() < 0.2


def test_noises_and_biases_of_all_sensors_are_drawn_apart():
    """Of twelve components no two have anything in common, nor have the biases of attitude and body rates."""
    noise = {"position_noise": 0.02, "velocity_noise": 0.05}
    noise |= {"attitude_noise": 0.03, "rate_noise": 0.2}
    columns, seen, states, _ = flown(ID, 60, worlds=64, sensors=noise)
    off = np.concatenate(errors(columns, seen, states), axis=-1).reshape(-1, 12)
    assert np.abs(np.corrcoef(off.T)[np.triu_indices(12, 1)]).max() < 0.06
    bias = {"attitude_bias": 0.02, "rate_bias": 0.2}
    columns, seen, states, _ = flown(ID, 0, worlds=512, sensors=bias)
    off = np.concatenate(errors(columns, seen, states)[2:], axis=-1).reshape(-1, 6)
    assert np.abs(np.corrcoef(off.T)[np.triu_indices(6, 1)]).max() < 0.2


def test_capture_is_late_and_the_inertial_unit_is_not():
    late = 3
    columns, seen, states, _ = flown(ID, 30, worlds=4, sensors={"latency": late})
    then = np.maximum(np.arange(31) - late, 0)
    shown = vector(states, "target") - read(columns, seen, "error")
    np.testing.assert_allclose(shown, vector(states, "position")[then], atol=1e-6)
    np.testing.assert_allclose(
        read(columns, seen, "velocity"), vector(states, "velocity")[then], atol=1e-6
    )
    np.testing.assert_allclose(
        seen[..., columns.index("height")], states["position_z"][then], atol=1e-6
    )
    *_, turned, rates = errors(columns, seen, states)
    assert max(np.abs(turned).max(), np.abs(rates).max()) < 1e-5


def test_what_is_observed_of_aims_and_of_neighbours_is_late_too():
    columns, seen, states, _ = flown("drones/Waypoints-v0", 10, sensors={"latency": 2})
    exact = flown("drones/Waypoints-v0", 10)[1]
    moved = vector(states, "position")
    then = moved[np.maximum(np.arange(11) - 2, 0)]
    np.testing.assert_allclose(
        read(columns, seen, "next"), read(columns, exact, "next") + moved - then, atol=1e-6
    )
    columns, seen, states, _ = flown(
        "drones/MultiHover-v0", 10, sensors={"latency": 2, "position_noise": 0.01}
    )
    width = len(columns)
    one, other = seen[..., :width], seen[..., width:]
    places = [
        np.stack([states[f"target_{a}_{j}"] for a in "xyz"], axis=-1) - read(columns, o, "error")
        for j, o in enumerate((one, other))
    ]
    np.testing.assert_allclose(read(columns, one, "neighbour_1"), places[1] - places[0], atol=1e-6)


@pytest.mark.parametrize(
    "id",
    ["drones/Hover-v0", "drones/Formation-v0", "drones/Gates-v0", "drones/Landing-v0"],
)
def test_they_touch_only_what_is_observed(id):
    _, seen, states, earned = flown(id, 40, worlds=3, sensors=ALL)
    _, exact, known, paid = flown(id, 40, worlds=3)
    for name, values in known.items():
        np.testing.assert_array_equal(states[name], values)
    np.testing.assert_array_equal(earned, paid)
    assert np.abs(seen - exact).max() > 0.01


@pytest.mark.bullet
def test_both_engines_see_alike():
    one, other = (flown(ID, 20, sensors=ALL, engine=engine)[1] for engine in ("bullet", "compiled"))
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_one_world_sees_what_many_see_and_a_snapshot_holds_what_is_late():
    many = gymnasium.make_vec(ID, num_envs=3, engine="compiled", sensors=ALL)
    one = gymnasium.make(ID, engine="compiled", sensors=ALL)
    together, alone = many.reset(seed=4)[0], one.reset(seed=6)[0]
    action = np.array([0.1, -0.1, 0.05, 0.0], dtype=np.float32)
    for k in range(12):
        np.testing.assert_array_equal(together[2], alone)
        if k == 6:
            kept = one.unwrapped.get_state()
        together = many.step(np.tile(action, (3, 1)))[0]
        alone = one.step(action)[0]
    one.unwrapped.set_state(kept)
    for _ in range(6):
        again = one.step(action)[0]
    np.testing.assert_array_equal(again, alone)


def test_a_drone_that_is_put_somewhere_is_seen_there_at_once():
    env = gymnasium.make(ID, engine="compiled", sensors={"latency": 3})
    columns = env.unwrapped.setup.observation_columns
    o, _ = env.reset(seed=0, options={"state": {"position_x": 0.25, "velocity_z": -0.5}})
    assert o[columns.index("error_x")] == pytest.approx(-0.25)
    assert o[columns.index("velocity_z")] * 2.0 == pytest.approx(-0.5)


def test_controllers_know_nothing_of_them_and_hold_the_drone():
    """Millimetres, a degree, and capture that is 1/30 s late: 20 seeds of 8 s each."""
    seeds = 20
    given = {
        "engine": "compiled",
        "sensors": {
            "position_noise": 0.002,
            "velocity_noise": 0.02,
            "latency": 2,
            "attitude_noise": 0.005,
            "attitude_bias": 0.01,
            "rate_noise": 0.02,
            "rate_bias": 0.02,
        },
    }
    envs = gymnasium.make_vec(ID, num_envs=seeds, **given)
    env = gymnasium.make(ID, **given)
    assert len(env.unwrapped.nominal.tables[TABLES.places.sensors]) == 0
    controller = gym_suite.make_controller(env, "geometric")
    observation, _ = envs.reset(seed=0)
    state, start = None, np.ones(seeds, bool)
    for _ in range(479):
        action, state = controller.predict(observation, state, start)
        start = np.zeros(seeds, bool)
        observation, _, terminated, _, info = envs.step(action)
        assert not terminated.any()
    assert info["target_distance"].max() < 0.1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.1, "sensors takes a mapping with position_noise"),
        ({"position_nois": 0.1}, "'position_noise'"),
        ({"rate_noise": -0.1}, "sensors rate_noise must lie in"),
        ({"attitude_bias": (0.2, 0.1)}, "the lower bound 0.2 is above the upper one 0.1"),
        ({"latency": 1.5}, "sensors latency must be"),
        ({"latency": 101}, "sensors latency must lie in"),
    ],
)
def test_bad_input_is_said(given, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", sensors=given)
