"""The ids through Gymnasium: one function for one world and many, honest spaces, exact snapshots."""

import pickle
import warnings
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import gym_suite

IDS = [
    card.id
    for card in gym_suite.catalogue().values()
    if card.family == "radio" and card.entry_point
]
VARIANTS = [
    *((id, {}) for id in IDS),
    ("radio/Access-v0", {"physics": "statistical", "samples": 20}),
    ("radio/Access-v0", {"mismatch": 0.1, "noise": 0.05, "delay": 2, "physics": "statistical"}),
    ("radio/Access-v0", {"physics": "iq", "samples": 32, "link": {"fading": "rayleigh"}}),
    ("radio/Access-v0", {"physics": "iq", "samples": 16, "sensing": "own", "mismatch": 0.3}),
    ("radio/AntiJamming-v0", {"physics": "iq", "samples": 8, "reward": "goodput", "snr": 20.0}),
    ("radio/Jamming-v0", {"observation": "detect", "switching_cost": 0.1}),
    ("radio/AntiJamming-v0", {"jammer": {"kind": "sweep", "width": 3}}),
    ("radio/AntiJamming-v0", {"jammer": {"kind": "random_jammer", "width": 2}}),
    ("radio/AntiJamming-v0", {"jammer": {"kind": "follower", "reaction": 0.4}, "tolerance": 0.5}),
    ("radio/GilbertElliott-v0", {"p01": [0.1, 0.2], "p11": [0.9, 0.6], "channels": 2}),
]


@pytest.mark.parametrize("id", IDS)
def test_check_env_passes_without_warnings(id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(id).unwrapped, skip_render_check=True)


@pytest.mark.parametrize(("id", "keywords"), VARIANTS, ids=str)
def test_many_worlds_equal_single_ones(id, keywords):
    n = 3
    envs = gymnasium.make_vec(id, num_envs=n, **keywords)
    singles = [gymnasium.make(id, **keywords) for _ in range(n)]
    joint, infos = envs.reset(seed=5)
    for i, env in enumerate(singles):
        observation, info = env.reset(seed=5 + i)
        assert np.array_equal(observation, joint[i])
    generator = np.random.default_rng(0)
    for _ in range(60):
        actions = generator.integers(0, singles[0].action_space.n, n)
        joint, rewards, _, _, infos = envs.step(actions)
        for i, env in enumerate(singles):
            observation, reward, _, _, info = env.step(int(actions[i]))
            assert np.array_equal(observation, joint[i])
            assert reward == rewards[i]
            assert env.observation_space.contains(observation)
            for name in ("entity_actions", "occupancy", "peer_observation"):
                assert np.array_equal(info[name], infos[name][i])
            assert reward == info["reward_access"] + info["reward_switching"]


@pytest.mark.parametrize("id", IDS)
def test_no_observation_is_constant(id):
    envs = gymnasium.make_vec(id, num_envs=20)
    first = envs.reset(seed=0)[0]
    shape = (envs.unwrapped.setup.horizon, 20)
    actions = np.random.default_rng(0).integers(0, envs.single_action_space.n, shape)
    seen = np.concatenate([first, *(envs.step(action)[0] for action in actions)])
    names = envs.unwrapped.setup.observation_columns.names
    constant = [names[j] for j in np.flatnonzero(seen.min(axis=0) == seen.max(axis=0))]
    assert not constant


@pytest.mark.parametrize("id", IDS)
def test_snapshots_and_pickle_restore_exactly(id):
    env = gymnasium.make(id).unwrapped
    env.reset(seed=3)
    for k in range(10):
        env.step(k % 3)
    copy = pickle.loads(pickle.dumps(env))
    for k in range(20):
        one, two = env.step(k % 4), copy.step(k % 4)
        assert np.array_equal(one[0], two[0])
        assert one[1] == two[1]


def test_draws_injected_into_a_copy_are_its_own():
    entities = {"a": {"kind": "stochastic_constant", "channels": [0], "probability": 0.5}}
    env = gymnasium.make("radio/Access-v0", scenario={"channels": 2, "entities": entities})
    copy = pickle.loads(pickle.dumps(env))
    for on in (True, False):
        draws = [
            {"step": k, "entity": "a", "fn": "uniform", "value": 0.9 - 0.8 * on} for k in range(6)
        ]
        copy.reset(seed=0, options={"draws": draws})
        for _ in range(5):
            copy.step(0)
            assert (copy.unwrapped.state()["occupancy_0"][0] > 0) == on


def test_episodes_end_by_truncation_in_both_forms():
    env = gymnasium.make("radio/Access-v0", scenario="congested_test")
    envs = gymnasium.make_vec("radio/Access-v0", num_envs=2, scenario="congested_test")
    env.reset(seed=0)
    envs.reset(seed=0)
    for k in range(20):
        _, _, terminated, truncated, _ = env.step(0)
        _, _, many_terminated, many_truncated, _ = envs.step(np.zeros(2, dtype=int))
        assert not terminated
        assert not many_terminated.any()
        assert truncated == (k == 19) == many_truncated.all()


@pytest.mark.parametrize("action", [-1, 11, 2.5, np.nan, "1", None, [1], True])
def test_what_is_no_action_is_refused_and_nothing_moves(action):
    env = gymnasium.make("radio/Access-v0").unwrapped
    env.reset(seed=0)
    before = env.get_state()["rows"]["x"]
    if action is True:
        env.step(action)  # a truth value is a whole number to NumPy: channel 0
        return
    with pytest.raises(ValueError, match="action"):
        env.step(action)
    assert np.array_equal(before, env.get_state()["rows"]["x"])


def test_unknown_keywords_name_the_nearest():
    with pytest.raises(ValueError, match="'scenario'"):
        gymnasium.make("radio/Access-v0", scenaro="paper_s3")
    with pytest.raises(ValueError, match="'follower'"):
        gymnasium.make("radio/AntiJamming-v0", jammer="folower")
    with pytest.raises(ValueError, match="classify"):
        gymnasium.make("radio/Access-v0", observation="classify", physics="statistical")


@pytest.mark.parametrize(
    ("reaction", "blocked"), [(0.0, 1.0), (0.25, 0.75), (1.0, 1.0), (1.5, 1.0), (2.0, 1.0)]
)
def test_a_follower_jams_the_rest_of_the_dwell(reaction, blocked):
    """Who stays is jammed wholly in the end; who always leaves only from the reaction time on."""
    env = gymnasium.make("radio/AntiJamming-v0", jammer={"kind": "follower", "reaction": reaction})
    env.reset(seed=0)
    found = [env.step(1)[-1]["blocked"] for _ in range(6)]
    assert found[-1] == 1.0
    env.reset(seed=0)
    moving = [env.step(1 + k % 5)[-1]["blocked"] for k in range(10)]
    expected = 1.0 - reaction if reaction < 1.0 else 0.0
    assert moving[1:] == pytest.approx([expected] * 9)
    assert found[0] == pytest.approx(expected)
    assert blocked <= 1.0


def test_a_link_by_what_arrives_replaces_one_by_what_is_sent():
    sent = {"channels": 2, "steps": 5, "link": {"power": 30.0, "distance": 200.0}}
    env = gymnasium.make("radio/Access-v0", scenario=sent, link={"snr": 7.0})
    env.reset(seed=0)
    assert env.step(1)[-1]["sinr"] == pytest.approx(7.0)


def test_a_random_jammer_hits_each_channel_equally_often():
    envs = gymnasium.make_vec(
        "radio/AntiJamming-v0", num_envs=200, jammer={"kind": "random_jammer", "width": 3}
    )
    envs.reset(seed=0)
    busy = np.mean(
        [envs.step(np.zeros(200, dtype=int))[-1]["occupancy"] > 0 for _ in range(100)], axis=(0, 1)
    )
    assert np.all(np.abs(busy - 0.3) < 4.0 * np.sqrt(0.3 * 0.7 / 20_000))


@pytest.mark.parametrize("id", ["radio/Access-v0", "radio/Jamming-v0"])
def test_the_acknowledgement_is_observed_with_its_sign(id):
    """1 for what was delivered or hit, -1 for what was not, 0 for silence: as ``info`` tells of the same step."""
    env = gymnasium.make(id)
    place = env.unwrapped.setup.observation_columns.index("ack")
    env.reset(seed=0)
    env.action_space.seed(0)
    seen = set()
    for _ in range(100):
        observation, *_, info = env.step(env.action_space.sample())
        assert observation[place] == info["ack"]
        seen.add(info["ack"])
    assert {-1.0, 1.0} <= seen


def test_gilbert_elliott_users_have_their_chain():
    envs = gymnasium.make_vec("radio/GilbertElliott-v0", num_envs=200, p01=0.2, p11=0.9, steps=500)
    _, info = envs.reset(seed=0)
    infos = [info, *(envs.step(np.zeros(200, dtype=int))[-1] for _ in range(200))]
    states = np.array([info["occupancy"] == 0 for info in infos])
    before, after = states[:-1], states[1:]
    for origin, chance in ((True, 0.9), (False, 0.2)):
        came = after[before == origin]
        assert abs(came.mean() - chance) < 3.0 * np.sqrt(chance * (1 - chance) / came.size)
    assert abs(states[0].mean() - 2 / 3) < 3.0 * np.sqrt(2 / 9 / 1000)


def test_a_simple_jammer_that_avoids_repeats_leaves_a_victim_for_one_that_it_does_not_jam():
    for avoid in (True, False):
        users = {name: {"kind": "constant", "channels": [k]} for k, name in enumerate("ab")}
        jammer = {"kind": "simple_jammer", "avoid_repeats": avoid}
        band = {"channels": 4, "steps": 60, "entities": {**users, "jammer": jammer}}
        env = gymnasium.make("radio/Access-v0", scenario=band).unwrapped
        place = env.setup.state_columns.names.index("action_jammer")
        env.reset(seed=0)
        jammed = []
        for _ in range(50):
            env.step(0)  # silence: the agent is no victim
            jammed.append(env.get_state()["rows"]["x"][0, place])
        stays = [a == b for a, b in pairwise(jammed[2:])]
        assert any(stays) != avoid
