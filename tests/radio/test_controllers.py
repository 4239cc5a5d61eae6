"""Controllers earn what theory says, and the reference of each id beats doing nothing."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.radio.transforms import two_channel_throughput

IDS = [
    card.id
    for card in gym_suite.catalogue().values()
    if card.family == "radio" and card.entry_point
]
PAIRS = [(id, name) for id in IDS for name in gym_suite.card(id).controllers]


def returns(id, name, *, rows=20, seed=100, **keywords):
    envs = gymnasium.make_vec(id, num_envs=rows, **keywords)
    controller = gym_suite.make_controller(envs, name)
    observation, _ = envs.reset(seed=seed)
    state, total = None, np.zeros(rows)
    for _ in range(envs.unwrapped.setup.horizon):
        action, state = controller.predict(observation, state)
        observation, reward, _, _, _ = envs.step(action)
        total += reward
    return total


@pytest.mark.parametrize(("id", "name"), PAIRS, ids=str)
def test_controllers_act_in_the_action_space_and_explain_themselves(id, name):
    env = gymnasium.make(id)
    controller = gym_suite.make_controller(env, name)
    observation, _ = env.reset(seed=0)
    state = None
    for _ in range(20):
        action, state = controller.predict(observation, state)
        assert env.action_space.contains(np.int64(action))
        observation, *_ = env.step(action)
    assert controller.describe()["name"] == name


@pytest.mark.parametrize("id", IDS)
def test_the_reference_beats_nothing_and_chance_on_every_seed(id):
    reference = returns(id, next(iter(gym_suite.card(id).controllers)))
    assert (reference > returns(id, "zero")).all()
    assert (reference > returns(id, "random")).all()


@pytest.mark.parametrize(("p01", "p11"), [(0.2, 0.8), (0.1, 0.6), (0.8, 0.3)])
@pytest.mark.parametrize("name", ["myopic", "whittle"])
def test_myopic_and_whittle_reach_the_optimum_of_two_channels(name, p01, p11):
    steps, rows = 1000, 200
    total = returns(
        "radio/GilbertElliott-v0", name, rows=rows, channels=2, p01=p01, p11=p11, steps=steps
    )
    error = total.std() / steps / np.sqrt(rows)
    assert abs(total.mean() / steps - two_channel_throughput(p01, p11)) < 3.0 * error + 1e-3


def test_bandits_learn_the_best_channel_only_and_lose_to_beliefs():
    keywords = {"p01": 0.1, "p11": 0.9, "steps": 500}
    myopic = returns("radio/GilbertElliott-v0", "myopic", rows=100, **keywords).mean()
    ucb = returns("radio/GilbertElliott-v0", "ucb1", rows=100, **keywords).mean()
    random = returns("radio/GilbertElliott-v0", "hopper", rows=100, **keywords).mean()
    assert random < ucb < myopic
    assert abs(random / 500 - 0.5) < 0.02


def test_ucb_finds_the_good_channel():
    keywords = {"p01": [0.1, 0.9, 0.1], "p11": [0.1, 0.9, 0.1], "channels": 3, "steps": 1000}
    for name in ("ucb1", "sw_ucb", "thompson", "exp3"):
        assert returns("radio/GilbertElliott-v0", name, **keywords).mean() > 550, name


def test_the_uniform_hopper_has_the_value_of_the_game():
    keywords = {"jammer": {"kind": "random_jammer", "width": 3}, "reward": "throughput"}
    total = returns("radio/AntiJamming-v0", "hopper", rows=200, **keywords)
    assert abs(total.mean() / 200 - 0.7) < 3.0 * np.sqrt(0.21 / 40_000)


def test_a_pattern_table_learns_what_the_papers_scenario_2_needs_memory_for():
    keywords = {"scenario": "paper_s2"}
    envs = gymnasium.make_vec("radio/Jamming-v0", num_envs=1, **keywords)
    one = gym_suite.make_controller(envs, "table", memory=1)
    two = gym_suite.make_controller(envs, "table", memory=2)
    earned = []
    for controller in (one, two):
        observation, _ = envs.reset(seed=0)
        state, total = None, 0.0
        for _ in range(100):
            action, state = controller.predict(observation, state)
            observation, reward, *_ = envs.step(action)
            total += reward[0]
        earned.append(total)
    assert earned[0] <= 40
    assert earned[1] > 90
