"""PPO with a bonus: without weight it is PPO, with weight novelty is sought, and what is known pays little."""

import csv

import gymnasium
import numpy as np
import pytest

from gym_suite.learning import load_policy, train
from gym_suite.learning.novelty import CountBonus, Visits, columns_of, states_reached
from gym_suite.learning.rnd import RandomNetworkDistillation, bonus_ppo

torch = pytest.importorskip("torch")
sb3 = pytest.importorskip("stable_baselines3")

SMALL = {"n_steps": 32, "batch_size": 32, "n_epochs": 2, "seed": 5, "device": "cpu"}
BONUS = {"bonus_weight": 1.0, "warm_up": 1}
ID = "gem/PMSM-v0"
TINY = {"rows": 8, "rollout": 32, "batch": 128, "epochs": 1, "evaluations": 2, "network": [8]}


def pendulums(*, normalize=False):
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1", max_episode_steps=20)] * 2)
    return VecNormalize(env) if normalize else env


def rnd(bound=1.0, **keywords):
    return RandomNetworkDistillation(
        [-bound] * 3, [bound] * 3, features=8, width=16, fourier=16, **keywords
    )


def parameters_of(model):
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


@pytest.mark.parametrize("normalize", [False, True])
def test_without_weight_it_is_ppo_bit_for_bit(normalize):
    plain = sb3.PPO("MlpPolicy", pendulums(normalize=normalize), **SMALL).learn(320)
    bonus = bonus_ppo()(
        "MlpPolicy",
        pendulums(normalize=normalize),
        bonus=rnd(),
        columns=[0, 1, 2],
        weight=0.0,
        **SMALL,
    ).learn(320)
    expected, got = parameters_of(plain), parameters_of(bonus)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    assert np.array_equal(plain._last_obs, bonus._last_obs)


def test_with_weight_it_learns_something_else_and_repeats():
    def learned(weight):
        model = bonus_ppo()(
            "MlpPolicy", pendulums(), bonus=rnd(), columns=[0, 1, 2], weight=weight, **SMALL
        ).learn(320)
        return parameters_of(model)

    one, two, other = learned(1.0), learned(1.0), learned(0.5)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_bonus_falls_on_revisits_and_stays_elsewhere():
    generator = np.random.default_rng(0)
    bonus = rnd(seed=1, share=1.0, rate=1e-3, batch=50)
    here = generator.normal([0.6, 0.6, 0.6], 0.05, (4, 100, 3))
    there = generator.normal([-0.6, -0.6, -0.6], 0.05, (100, 3))
    before_here = bonus.rewards(here).mean()
    course = []
    for _ in range(60):
        course.append(bonus.rewards(here).mean())
        bonus.update(here)
    assert course[-1] < 0.1 * before_here
    assert all(
        later < earlier for earlier, later in zip(course[:40:10], course[10:41:10], strict=True)
    )
    assert bonus.novelty(there).mean() > 5.0 * course[-1]


def test_only_the_share_of_the_states_trains_the_predictor_and_the_target_stays():
    bonus = rnd(share=0.25, batch=10, epochs=3)
    target = [value.clone() for value in bonus.target.parameters()]
    steps = []
    inner = bonus._optimizer.step
    bonus._optimizer.step = lambda: (steps.append(1), inner())
    bonus.update(np.random.default_rng(0).normal(size=(10, 16, 3)))
    assert len(steps) == 12  # three times a quarter of 160 in batches of 10
    assert all(torch.equal(a, b) for a, b in zip(target, bonus.target.parameters(), strict=True))
    assert bonus.moments.count == 160


def test_bounds_are_the_scale_and_moments_where_there_are_none():
    """One place seen in the warm-up does not make the rest of a bounded floor all alike."""
    here, there = np.full((1, 50, 3), 0.1), np.array([[0.6, 0.0, 0.0], [0.9, 0.0, 0.0]])
    here += np.random.default_rng(0).normal(0.0, 0.01, here.shape)
    bounded, free = rnd(), rnd(bound=np.inf)
    for bonus in (bounded, free):
        bonus.warm_up(here)
    assert np.ptp(bounded.novelty(there)) > 1e-3
    assert np.ptp(free.novelty(there)) == 0.0  # both are clipped
    assert np.ptp(free.novelty(here[0])) > 1e-3


def test_the_bonus_sees_what_a_step_led_to():
    """At the end of an episode the last observation, not the first one of the next; unscaled."""
    env = pendulums(normalize=True)
    env.seed(0)
    env.reset()
    plain = [gymnasium.make("Pendulum-v1", max_episode_steps=20) for _ in range(2)]
    for k, one in enumerate(plain):
        one.reset(seed=k)
    for t in range(20):
        new_obs, _, dones, infos = env.step(np.full((2, 1), 0.3, np.float32))
        expected = [one.step(np.array([0.3], np.float32))[0] for one in plain]
        names = {"new_obs": new_obs, "dones": dones, "infos": infos}
        np.testing.assert_allclose(
            states_reached(env, names, [0, 2]), np.array(expected)[:, [0, 2]], atol=1e-5
        )
        assert dones.all() == (t == 19)


def test_the_two_streams_are_added_with_their_weights():
    """The bonus of the only unvisited cell moves the advantages, the warm-up's does not."""
    bonus = CountBonus(Visits([-1.0, -1.0, -8.0], [1.0, 1.0, 8.0], 5))
    model = bonus_ppo()(
        "MlpPolicy", pendulums(), bonus=bonus, columns=[0, 1, 2], weight=0.7, reward_weight=3.0,
        warm_up=1, **SMALL,
    )  # fmt: skip
    _, callback = model._setup_learn(64, None)
    buffer = model.rollout_buffer
    for rollout in range(2):
        model.collect_rollouts(model.env, callback, buffer, 32)
        own = buffer.returns - buffer.values
        rest = buffer.advantages - 3.0 * own
        assert (np.abs(rest).max() < 1e-4) == (rollout == 0)
        assert (model._lesson is None) == (rollout == 0)


def test_saved_models_go_on(tmp_path):
    cls = bonus_ppo()
    model = cls("MlpPolicy", pendulums(), bonus=rnd(), columns=[0, 1, 2], weight=1.0, **SMALL)
    model.learn(256)
    model.save(tmp_path / "model.zip")
    again = cls.load(tmp_path / "model.zip", env=pendulums())
    states = np.random.default_rng(0).normal(size=(5, 3))
    assert np.array_equal(model.bonus.novelty(states), again.bonus.novelty(states))
    inputs = states.astype(np.float32)
    assert np.array_equal(model._values(inputs), again._values(inputs))
    assert again.bonus_scale.value == model.bonus_scale.value
    again.learn(64, reset_num_timesteps=False)


@pytest.mark.parametrize("algo", ["ppo-rnd", "ppo-count"])
def test_training_by_name_leaves_policy_curves_and_coverage(algo, tmp_path):
    settings = TINY | BONUS | {"visited": ["i_sd", "i_sq"], "cells": 10}
    settings["novelty"] = ["i_sd", "i_sq", "omega"]
    result = train(ID, algo=algo, seeds=1, steps=1200, settings=settings, out=tmp_path)
    policy = load_policy(tmp_path / f"{algo}-0.npz", ID)
    env = gymnasium.make(ID)
    assert env.action_space.contains(policy.predict(env.reset(seed=0)[0])[0])
    with (tmp_path / "curves.csv").open(newline="") as file:
        coverage = [int(row["coverage"]) for row in csv.DictReader(file)]
    assert coverage[0] == 0 < coverage[-1] <= 100 and coverage == sorted(coverage)
    assert result.runs[0].end.step >= 1200


def test_unknown_columns_are_refused_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'i_sd'"):
        settings = TINY | {"novelty": ["i_sdd"]}
        train(ID, algo="ppo-rnd", seeds=1, steps=600, settings=settings, out=tmp_path)
    with pytest.raises(ValueError, match="list of names"):
        train(ID, algo="ppo-rnd", settings={"novelty": "i_sd"}, out=tmp_path)
    with pytest.raises(ValueError, match="predictor_share"):
        train(ID, algo="ppo-rnd", settings={"predictor_share": 1.5}, out=tmp_path)
    with pytest.raises(ValueError, match="setting of ppo-count"):
        train(ID, algo="ppo-count", settings={"features": 8}, out=tmp_path)


def test_columns_by_name_and_by_default():
    space = pendulums().observation_space
    assert columns_of(space, []) == [0, 1, 2]
    with pytest.raises(ValueError, match="observation column 'x'"):
        columns_of(space, ["x"])
