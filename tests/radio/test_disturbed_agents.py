"""Measurement noise and delay reach what is measured and done, never what controllers know of the model."""

import gymnasium
import numpy as np
import pytest

import gym_suite

SEEDS = 20


def earned(id, law, **keywords):
    envs = gymnasium.make_vec(id, num_envs=SEEDS, **keywords)
    agent = gym_suite.make_controller(envs, law)
    observation, _ = envs.reset(seed=0)
    state, total = None, np.zeros(SEEDS)
    for _ in range(100):
        action, state = agent.predict(observation, state)
        observation, reward, *_ = envs.step(action)
        total += reward
    envs.close()
    return total.mean()


@pytest.mark.parametrize(
    ("id", "law"),
    [
        ("radio/Access-v0", "table"),
        ("radio/Access-v0", "markov"),
        ("radio/GilbertElliott-v0", "myopic"),
        ("radio/GilbertElliott-v0", "whittle"),
    ],
)
def test_one_percent_of_noise_costs_nothing(id, law):
    assert earned(id, law, noise=0.01) == earned(id, law) > 30.0


def test_practice_in_the_nominal_model_knows_nothing_of_the_plant():
    tables = []
    for keywords in ({}, {"noise": 0.05}, {"delay": 2}, {"mismatch": 0.2}):
        env = gymnasium.make("radio/Access-v0", scenario="paper_s3", **keywords)
        tables.append(gym_suite.make_controller(env, "q_learning", practice=4).table_)
    for table in tables[1:]:
        np.testing.assert_array_equal(table, tables[0])


def test_an_optimum_without_delay_is_no_optimum_with_it():
    def kinds(**keywords):
        setup = gymnasium.make("radio/GilbertElliott-v0", steps=20, **keywords).unwrapped.setup
        return {mark.kind for mark in setup.marks(20)}

    assert "optimum" in kinds() and "optimum" not in kinds(delay=1)


def test_an_imported_file_that_cannot_be_is_refused_by_its_place():
    with pytest.raises(ValueError, match="label"):
        gym_suite.radio.import_rfrl({"scenario_as_run": {}, "entities": [{}]})
