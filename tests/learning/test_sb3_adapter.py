"""The adapter must give Stable-Baselines3 exactly what ``DummyVecEnv`` over the same envs gives."""

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.learning import make_sb3_vec


class Walk(gymnasium.Env):
    """A random walk that terminates at 3 and carries an info entry only on some steps."""

    observation_space = gymnasium.spaces.Box(-10, 10, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, slope=1.0):
        self.slope = slope

    def _observe(self):
        return np.array([self.x, self.steps], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.steps = float(self.np_random.normal()), 0
        return self._observe(), {"x": self.x, "start": float((options or {}).get("start", 0.0))}

    def step(self, action):
        self.x += self.slope * float(action[0]) + 0.5 * float(self.np_random.normal())
        self.steps += 1
        info = {"x": self.x, "terms": {"cost": self.x**2}}
        if self.x < 0:
            info["negative"] = np.array([self.x, 1.0])
        return self._observe(), -(self.x**2), abs(self.x) > 3, False, info


gymnasium.register("learning-tests/Walk-v0", Walk, max_episode_steps=12)
IDS = ["learning-tests/Walk-v0", "Pendulum-v1", "gem/PMSM-v0"]
STEPS = dict(zip(IDS, (100, 450, 600), strict=True))  # enough for several ends


def assert_same_info(ours, theirs):
    """Equal keys at all levels and equal values, times apart."""
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, dict):
            assert_same_info(ours[key], value)
        elif key != "t":
            np.testing.assert_allclose(ours[key], value, rtol=0, atol=2e-6, err_msg=key)


@pytest.mark.parametrize("monitor", [False, True])
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("id", IDS)
def test_equal_to_dummy_vec_env(id, n, monitor):
    def single():
        env = gymnasium.make(id)
        return Monitor(env) if monitor else env

    theirs = DummyVecEnv([single] * n)
    ours = make_sb3_vec(id, n, monitor=monitor, seed=11)
    theirs.seed(11)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert np.array_equal(ours.reset(), theirs.reset())
    generator, ends = np.random.default_rng(0), 0
    for _ in range(STEPS[id]):
        actions = generator.uniform(-1, 1, (n, *ours.action_space.shape)).astype(np.float32)
        observation, rewards, dones, infos = ours.step(actions)
        expected, expected_rewards, expected_dones, expected_infos = theirs.step(actions)
        assert np.array_equal(observation, expected) and observation.dtype == expected.dtype
        assert np.array_equal(rewards, expected_rewards) and rewards.dtype == np.float32
        assert np.array_equal(dones, expected_dones)
        for info, expected_info in zip(infos, expected_infos, strict=True):
            assert_same_info(info, expected_info)
        for info, expected_info in zip(ours.reset_infos, theirs.reset_infos, strict=True):
            assert_same_info(info, expected_info)
        ends += dones.sum()
    assert ends > n


def test_without_metrics_the_ends_are_all_there():
    full, lean = (make_sb3_vec(IDS[0], 4, seed=5, metrics=m) for m in (True, False))
    assert np.array_equal(full.reset(), lean.reset())
    generator = np.random.default_rng(0)
    for _ in range(60):
        actions = generator.uniform(-1, 1, (4, 1))
        observation, rewards, dones, infos = full.step(actions)
        lean_observation, lean_rewards, lean_dones, lean_infos = lean.step(actions)
        assert np.array_equal(observation, lean_observation)
        assert np.array_equal(rewards, lean_rewards)
        assert np.array_equal(dones, lean_dones)
        for done, info, lean_info in zip(dones, infos, lean_infos, strict=True):
            if done:
                assert_same_info(lean_info, info)
            else:
                assert lean_info == {"TimeLimit.truncated": False}


def test_seeds_and_options_are_used_once():
    rows = make_sb3_vec(IDS[0], 3, seed=2)
    rows.set_options({"start": 4.0})
    first = rows.reset()
    assert [info["start"] for info in rows.reset_infos] == [4.0] * 3
    second = rows.reset()
    assert not np.array_equal(first, second)
    assert [info["start"] for info in rows.reset_infos] == [0.0] * 3
    rows.seed(0)
    trained = rows.reset()
    rows.seed(0)
    assert np.array_equal(rows.reset(), trained)
    assert not np.array_equal(rows.reset(), trained)
    rows.set_options([{"start": 1.0}, {}, {}])
    with pytest.raises(ValueError, match="same reset options"):
        rows.reset()


def test_attributes_and_methods_reach_the_rows():
    rows = make_sb3_vec(IDS[0], 3, slope=0.5)
    assert rows.get_attr("slope") == [0.5] * 3
    assert rows.get_attr("slope", indices=[1]) == [0.5]
    rows.set_attr("slope", 0.25)
    assert rows.get_attr("slope") == [0.25] * 3
    with pytest.raises(ValueError, match="all rows together"):
        rows.set_attr("slope", 0.1, indices=[0])
    with pytest.raises(AttributeError):
        rows.get_attr("no_such_thing")
    assert rows.env_is_wrapped(Monitor) == [True] * 3
    assert make_sb3_vec(IDS[0], 2, monitor=False).env_is_wrapped(Monitor) == [False] * 2
    rows.reset()
    assert len(rows.env_method("_observe")) == 3


@pytest.mark.filterwarnings("error")
def test_stable_baselines3_trains_and_evaluates_on_it():
    rows = make_sb3_vec("Pendulum-v1", 4, seed=0)
    model = PPO("MlpPolicy", rows, n_steps=128, batch_size=256, n_epochs=1, device="cpu").learn(
        1024
    )
    assert len(model.ep_info_buffer) == 4 * (1024 // 4 // 200)
    assert model.ep_info_buffer[0]["l"] == 200
    rewards, lengths = evaluate_policy(model, rows, 4, return_episode_rewards=True)
    assert lengths == [200] * 4 and max(rewards) < 0
    lean = VecNormalize(make_sb3_vec("Pendulum-v1", 2, seed=0, metrics=False))
    SAC("MlpPolicy", lean, learning_starts=20, device="cpu").learn(60)


def test_bad_input_is_refused():
    for n in (0, -1, 1.5, "4", None, True):
        with pytest.raises(ValueError, match=r"^n must"):
            make_sb3_vec(IDS[0], n)
    for seed in (-1, 0.5, "a", True, range(4), [1]):
        with pytest.raises(ValueError, match=r"^seed must"):
            make_sb3_vec(IDS[0], 1, seed=seed)
    with pytest.raises(gymnasium.error.NameNotFound, match="Walk"):
        make_sb3_vec("learning-tests/Wolk-v0", 1)
    with pytest.raises(TypeError, match="slop"):
        make_sb3_vec(IDS[0], 1, slop=2.0)


def test_a_seed_beyond_53_bits_is_that_seed():
    odd = (1 << 60) + 1
    first, second = (make_sb3_vec(IDS[0], 1, seed=seed).reset() for seed in (odd, odd - 1))
    assert not np.array_equal(first, second)
