"""Families that the package does not know pass the public suite, in every form the core offers."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from toy_family import (
    AGENTS,
    CARTS,
    TRACK,
    CartsEnv,
    CartsParallelEnv,
    CartsVectorEnv,
    carts,
    kinetic_and_spring_energy,
    lift,
)

import gym_suite.testing as suite
from gym_suite.core.env import KernelEnv
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.vector_env import KernelVectorEnv

SETUPS = {
    "carts": carts(),
    "carts with all plant keywords": carts(noise=0.01, mismatch=0.2, delay=2, horizon=40),
    "lift": lift(),
    "late lift": lift(delay=2),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(name, check, id=f"{name}-{check.__name__}")
        for name, setup in SETUPS.items()
        for check in suite.checks_for(setup)
    ],
)
def test_conformance(name, check):
    check(SETUPS[name])


def test_check_family_runs_all():
    suite.check_family(SETUPS["lift"])


def test_joint_spaces_are_the_agents_side_by_side():
    single, parallel = CartsEnv(), CartsParallelEnv()
    assert single.action_space == gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    one = parallel.observation_space("left")
    np.testing.assert_array_equal(single.observation_space.low, np.tile(one.low, 2))
    assert KernelEnv(lift()).action_space == gymnasium.spaces.Discrete(3)
    many = KernelVectorEnv(lift(), num_envs=5)
    assert many.action_space == gymnasium.spaces.MultiDiscrete([3] * 5)


def test_native_vector_of_the_joint_form_equals_the_parallel_worlds():
    n, steps = 3, 60
    envs = CartsVectorEnv(num_envs=n, autoreset_mode=AutoresetMode.DISABLED)
    worlds = [CartsParallelEnv() for _ in range(n)]
    observations, _ = envs.reset(seed=20)
    for i, world in enumerate(worlds):
        first, _ = world.reset(seed=20 + i)
        np.testing.assert_array_equal(np.concatenate(list(first.values())), observations[i])
    for action in suite.random_actions(envs.action_space, steps):
        observations, rewards, terminated, _, infos = envs.step(action)
        for i, world in enumerate(worlds):
            given = dict(zip(AGENTS, action[i].reshape(2, 1), strict=True))
            seen, earned, ended, _, info = world.step(given)
            np.testing.assert_array_equal(np.concatenate(list(seen.values())), observations[i])
            assert np.mean(list(earned.values())) == rewards[i]
            assert any(ended.values()) == terminated[i]
            assert info["left"]["position_right"] == infos["position_right"][i]
        if terminated.any():
            return
    pytest.fail("no agent ended")


def test_agents_end_one_by_one():
    world = CartsParallelEnv(stiffness=0.0)
    world.reset(seed=1)
    right = []
    while world.agents == ["left", "right"]:
        world.step({"left": [-1.0], "right": [0.0]})
    assert world.agents == ["right"]
    assert world.state()[2] < -TRACK
    while world.agents and len(right) < 500:
        observations, rewards, *_ = world.step({"right": [1.0]})
        assert list(observations) == list(rewards) == ["right"]
        right.append(observations["right"][0])
    assert world.agents == []
    assert right[-1] > 1.0


def test_the_time_limit_truncates_whoever_is_left():
    world = CartsParallelEnv(max_episode_steps=5)
    world.reset(seed=0)
    for step in range(1, 6):
        _, _, terminated, truncated, _ = world.step({agent: [0.0] for agent in AGENTS})
        assert truncated == dict.fromkeys(AGENTS, step == 5)
        assert not any(terminated.values())
    assert world.agents == []
    world.reset(seed=0)
    assert world.agents == list(AGENTS)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copied_parallel_world_has_the_same_future(copied):
    world = CartsParallelEnv(mismatch=0.1)
    actions = suite.random_actions(world.action_space("left"), 20)
    world.reset(seed=3)
    twin = copied(world)
    for action in actions:
        given = dict.fromkeys(world.agents, action)
        suite.assert_same(twin.step(given), world.step(given), "step")
        if not world.agents:
            break
    suite.assert_same(twin.reset(), world.reset(), "reset")


def test_an_unknown_agent_is_refused_with_the_nearest():
    world = CartsParallelEnv()
    world.reset(seed=0)
    with pytest.raises(ValueError, match="'left'"):
        world.step({"left": [0.0], "right": [0.0], "lefd": [0.0]})


def test_a_missing_agent_moves_nothing():
    world = CartsParallelEnv()
    world.reset(seed=0)
    before = world.state()
    with pytest.raises(ValueError, match="right"):
        world.step({"left": [0.0]})
    np.testing.assert_array_equal(world.state(), before)


def test_the_parallel_form_needs_agents():
    with pytest.raises(ValueError, match=r"gymnasium\.make"):
        KernelParallelEnv(lift())


def test_the_spring_swings_as_its_closed_form():
    """An oracle for the toy's kernels and the Runge-Kutta helpers: no force, no gust."""
    setup = carts(gust=0.0)
    x = np.array([[1.0, 0.0, -0.7, 0.3, 0.6, -0.2]])
    energy = kinetic_and_spring_energy(x[0], setup.row)
    steps = np.zeros(1, np.int64)
    parameters, work = setup.row[None].copy(), np.zeros((1, 1))
    for _ in range(100):
        action = np.zeros((1, 2))
        CARTS.advance(x, np.zeros(1, np.uint64), steps, action, parameters, setup.tables, work)
    assert steps[0] == 100
    # Two equal masses on a spring: the distance swings with sqrt(2 k / m), the middle goes straight on.
    omega, t = np.sqrt(2.0 * 4.0 / 1.0), 100 * setup.dt
    stretch = 0.3 * np.cos(omega * t) - 0.5 / omega * np.sin(omega * t)
    assert x[0, 4] - x[0, 2] - 1.0 == pytest.approx(stretch, abs=1e-4)
    assert 0.5 * (x[0, 2] + x[0, 4]) == pytest.approx(-0.05 + 0.05 * t, abs=1e-12)
    assert kinetic_and_spring_energy(x[0], setup.row) == pytest.approx(energy, rel=1e-4)


@pytest.mark.parametrize(
    "make", [CartsEnv, lambda **k: CartsVectorEnv(num_envs=2, **k)], ids=["single", "vector"]
)
def test_pickle_and_deepcopy_keep_the_future(make):
    env = make(noise=0.01, mismatch=0.1, delay=1)
    actions = suite.random_actions(env.action_space, 20)
    env.reset(seed=3)
    for action in actions[:5]:
        env.step(action)
    twins = [pickle.loads(pickle.dumps(env)), copy.deepcopy(env)]
    future = [env.step(action) for action in actions[5:]]
    for twin in twins:
        suite.assert_same([twin.step(action) for action in actions[5:]], future, "future")


@pytest.mark.parametrize("wrong", [3, -1, 0.5, np.nan, "up", None, [1]])
def test_a_choice_that_does_not_exist_is_refused(wrong):
    env = KernelEnv(lift())
    env.reset(seed=0)
    before = env.state()
    with pytest.raises(ValueError, match="action"):
        env.step(wrong)
    suite.assert_same(env.state(), before, "state")
    for good in (1, np.int8(1), 1.0, np.array(1), True):
        env.step(good)


def test_a_snapshot_of_another_number_of_worlds_is_refused():
    envs, others = CartsVectorEnv(num_envs=2), CartsVectorEnv(num_envs=3)
    envs.reset(seed=0)
    others.reset(seed=0)
    before = envs.state()
    with pytest.raises(ValueError, match="shape"):
        envs.set_state(others.get_state())
    suite.assert_same(envs.state(), before, "state")


def test_the_nominal_model_advances_copies():
    env = CartsEnv()
    env.reset(seed=0)
    nominal, x = env.nominal, env._rows.x.copy()
    moved = nominal.advance(x, np.zeros((1, 2)))
    np.testing.assert_array_equal(env._rows.x, x)
    assert not np.array_equal(moved, x)
    with pytest.raises(TypeError):
        nominal.parameters["mass"] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        nominal.row[0] = 2.0


@pytest.mark.parametrize("number", [0, -1, 1.5, "two", None])
def test_a_wrong_number_of_worlds_is_refused(number):
    with pytest.raises(ValueError, match="num_envs"):
        CartsVectorEnv(num_envs=number)


def test_an_unknown_autoreset_mode_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="NextStep"):
        CartsVectorEnv(num_envs=1, autoreset_mode="NxtStep")
    for mode in AutoresetMode:
        for given in (mode, mode.value, mode.name):
            envs = CartsVectorEnv(num_envs=1, autoreset_mode=given)
            assert envs.metadata["autoreset_mode"] is mode


def test_call_and_attributes_over_worlds():
    envs = CartsVectorEnv(num_envs=3)
    assert envs.get_attr("dt") == (0.05,) * 3
    assert len(envs.call("state")) == 3
    envs.set_attr("label", ["a"] * 3)
    assert envs.get_attr("label") == ("a",) * 3
    with pytest.raises(ValueError, match="label"):
        envs.set_attr("label", ["a", "b", "c"])
