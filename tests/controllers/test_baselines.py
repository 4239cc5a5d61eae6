"""The baselines: idle actions inside the space; random ones uniform, reproducible, never shared."""

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from scipy import stats

from gym_suite.controllers.baselines import DoNothing, RandomAgent
from gym_suite.controllers.protocol import Agent

SPACES = {
    "box": spaces.Box(-1.0, 1.0, (2,), np.float32),
    "offset": spaces.Box(np.float32(0.5), np.float32(2.0), (3,), np.float32),
    "image": spaces.Box(0, 255, (2, 2), np.uint8),
    "discrete": spaces.Discrete(5),
    "shifted": spaces.Discrete(4, start=3),
    "multi": spaces.MultiDiscrete([2, 7]),
    "bits": spaces.MultiBinary(3),
}


def env_with(space, observation=None):
    observation = observation or spaces.Box(-np.inf, np.inf, (2,), np.float32)
    return SimpleNamespace(action_space=space, observation_space=observation)


def rollout(agent, observations, steps, state=None, start=None):
    actions = []
    for step in range(steps):
        action, state = agent.predict(observations, state, start if step == 0 else None)
        actions.append(action)
    return np.array(actions), state


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", [DoNothing, RandomAgent])
def test_actions_lie_in_the_space(kind, name):
    space = SPACES[name]
    agent = kind.for_env(env_with(space))
    assert isinstance(agent, Agent)
    state = None
    for _ in range(50):
        action, state = agent.predict(np.zeros(2), state)
        assert space.contains(action), action
    batch, _ = agent.predict(np.zeros((4, 2)))
    assert all(space.contains(row) for row in batch)


def test_do_nothing_takes_zero_the_nearest_or_the_ids_own():
    assert DoNothing.for_env(env_with(SPACES["discrete"])).predict(np.zeros(2))[0] == 0
    assert DoNothing.for_env(env_with(SPACES["shifted"])).predict(np.zeros(2))[0] == 3
    np.testing.assert_array_equal(
        DoNothing.for_env(env_with(SPACES["offset"])).predict(np.zeros(2))[0], np.float32(0.5)
    )
    env = env_with(SPACES["discrete"])
    env.setup = SimpleNamespace(idle_action=2, agents=())
    assert DoNothing.for_env(env).predict(np.zeros(2))[0] == 2
    assert DoNothing.for_env(env, idle=4).predict(np.zeros(2))[0] == 4
    with pytest.raises(ValueError, match="idle"):
        DoNothing.for_env(env, idle=9)


@pytest.mark.parametrize("name", ["box", "offset"])
def test_random_boxes_are_uniform(name):
    space = SPACES[name]
    observations = np.random.default_rng(0).normal(size=(200, 2))
    actions, _ = rollout(RandomAgent.for_env(env_with(space)), observations, 50)
    for column in range(space.shape[0]):
        low, high = space.low[column], space.high[column]
        unit = (actions[..., column].ravel() - low) / (high - low)
        assert stats.kstest(unit, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(actions[..., 0].ravel(), actions[..., 1].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(actions[:-1, :, 0].ravel(), actions[1:, :, 0].ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("name", ["discrete", "shifted"])
def test_random_discrete_actions_are_equally_likely(name):
    space = SPACES[name]
    observations = np.random.default_rng(1).normal(size=(100, 2))
    actions, _ = rollout(RandomAgent.for_env(env_with(space)), observations, 100)
    counts = np.bincount(actions.ravel() - space.start, minlength=space.n)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_random_is_reproducible_and_the_same_alone_as_in_a_batch():
    agent = RandomAgent.for_env(env_with(SPACES["box"]), seed=5)
    observations = np.random.default_rng(2).normal(size=(4, 2))
    batch, _ = rollout(agent, observations, 10)
    np.testing.assert_array_equal(batch, rollout(agent, observations, 10)[0])
    for row in range(4):
        alone, _ = rollout(agent.clone().tune(env_with(SPACES["box"])), observations[row], 10)
        np.testing.assert_array_equal(alone, batch[:, row])


def test_random_differs_by_seed_episode_and_row():
    env = env_with(SPACES["box"])
    observations = np.zeros((3, 2))
    first, state = rollout(RandomAgent.for_env(env), observations, 10)
    other, _ = rollout(RandomAgent.for_env(env, seed=1), observations, 10)
    second, _ = rollout(RandomAgent.for_env(env), observations, 10, state, np.ones(3, bool))
    streams = np.concatenate([first, other, second], axis=1)
    for i in range(streams.shape[1]):
        for j in range(i):
            assert not np.array_equal(streams[:, i], streams[:, j]), (i, j)


def test_random_restarts_only_the_marked_rows():
    agent = RandomAgent.for_env(env_with(SPACES["box"]))
    observations = np.random.default_rng(3).normal(size=(2, 2))
    _, state = agent.predict(observations)
    free, _ = agent.predict(observations, state)
    marked, _ = agent.predict(observations, state, np.array([True, False]))
    np.testing.assert_array_equal(free[1], marked[1])
    assert not np.array_equal(free[0], marked[0])


def test_baselines_run_on_gymnasiums_own_envs():
    env = gymnasium.make("CartPole-v1")
    vector = gymnasium.make_vec("CartPole-v1", num_envs=3)
    for kind in (DoNothing, RandomAgent):
        action, _ = kind.for_env(env).predict(env.reset(seed=0)[0])
        assert env.action_space.contains(action)
        actions, _ = kind.for_env(vector).predict(vector.reset(seed=0)[0])
        assert vector.action_space.contains(actions)


def test_baselines_take_images_and_agents():
    image = spaces.Box(0, 255, (4, 4, 3), np.uint8)
    agent = RandomAgent.for_env(env_with(SPACES["discrete"], image))
    assert agent.predict(np.zeros((4, 4, 3), np.uint8))[0].shape == ()
    assert agent.predict(np.zeros((6, 4, 4, 3), np.uint8))[0].shape == (6,)
    several = SimpleNamespace(
        possible_agents=["a", "b"],
        action_space=lambda agent: SPACES["box"],
        observation_space=lambda agent: spaces.Box(-1.0, 1.0, (2,)),
    )
    assert RandomAgent.for_env(several).predict(np.zeros((2, 2)))[0].shape == (2, 2)
    several.action_space = {"a": SPACES["box"], "b": SPACES["discrete"]}.get
    with pytest.raises(ValueError, match="differ"):
        RandomAgent.for_env(several)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: RandomAgent.for_env(env_with(spaces.Box(-np.inf, np.inf, (1,)))), ValueError, "b"),
        (lambda: RandomAgent.for_env(env_with(SPACES["box"]), seed=-1), ValueError, "seed"),
        (lambda: RandomAgent.for_env(env_with(SPACES["box"]), sed=1), ValueError, "seed"),
        (lambda: DoNothing.for_env(env_with(spaces.Text(3))), TypeError, "discrete"),
    ],
)
def test_bad_input_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_wrong_observation_shape_is_refused():
    with pytest.raises(ValueError, match="observation must have shape"):
        DoNothing.for_env(env_with(SPACES["box"])).predict(np.zeros(3))
