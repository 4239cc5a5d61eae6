"""Jammers with a law of a user's own do what the formula says, in every face, and equal built-in kinds of that law."""

import copy
import json

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison import compare
from gym_suite.radio import schema

ID = "radio/AntiJamming-v0"


def play(steps=60, seed=3, **jammer):
    """Return observations and rewards of random actions against a jammer."""
    env = gymnasium.make(ID, channels=6, jammer=jammer, steps=steps)
    observation, _ = env.reset(seed=seed)
    env.action_space.seed(1)
    seen, rewards = [observation], []
    for _ in range(steps):
        observation, reward, *_ = env.step(env.action_space.sample())
        seen.append(observation)
        rewards.append(reward)
    return np.array(seen), rewards


@pytest.mark.parametrize(
    ("law", "kind"),
    [
        ("channel", {"kind": "follower", "reaction": 1.0}),
        ("floor(chance * channels)", {"kind": "random_jammer"}),
        (lambda columns: columns["channel"], {"kind": "follower", "reaction": 1.0}),
    ],
)
def test_a_law_written_anew_equals_the_kind_that_ships(law, kind):
    own, rewards = play(kind="own", law=law)
    built, expected = play(**kind)
    # Step 0, in which nobody with a law of its own transmits, leaves the observation with the history of four steps.
    assert rewards == expected and len(set(rewards)) > 1
    assert np.array_equal(own[5:], built[5:])


def test_a_law_sees_the_step_to_be_played_and_goes_silent():
    env = gymnasium.make(
        ID, channels=4, jammer={"kind": "own", "law": "-1 if step > 6 else mod(step, 4)"}
    )
    _, info = env.reset(seed=0)
    assert info["entity_actions"].tolist() == [-1]
    played = [env.step(0)[-1]["entity_actions"][0] for _ in range(9)]
    assert played == [1, 2, 3, 0, 1, 2, -1, -1, -1]


def test_many_worlds_copies_and_snapshots_play_as_one_world_does():
    law = {"kind": "own", "law": "memory", "memory": "mod(memory + 1 + (chance < 0.5), channels)"}
    keywords = {"channels": 5, "jammer": law, "steps": 12}
    envs = gymnasium.make_vec(ID, num_envs=3, **keywords)
    singles = [gymnasium.make(ID, **keywords) for _ in range(3)]
    envs.reset(seed=7)
    [env.reset(seed=7 + i) for i, env in enumerate(singles)]
    envs.action_space.seed(0)
    for step in range(12):
        action = envs.action_space.sample()
        _, reward, *_, infos = envs.step(action)
        for i, env in enumerate(singles):
            if step == 6:
                state = env.unwrapped.get_state()
                env.step(0), env.step(1)
                env.unwrapped.set_state(state)
                singles[i] = env = copy.deepcopy(env.unwrapped)
            _, single, *_, info = env.step(action[i])
            assert reward[i] == single
            assert infos["entity_actions"][i].tolist() == info["entity_actions"].tolist()
    assert len(np.unique(infos["entity_actions"])) > 1


def test_a_scenario_of_json_has_laws_too_and_other_entities_beside():
    scenario = {
        "channels": 4,
        "steps": 20,
        "entities": {
            "tower": {"kind": "constant", "channels": [0]},
            "shadow": {"kind": "own", "law": "action_tower + 1", "primary": True},
        },
    }
    env = gymnasium.make("radio/Access-v0", scenario=json.loads(json.dumps(scenario)))
    env.reset(seed=0)
    *_, info = env.step(2)
    assert info["entity_actions"].tolist() == [0, 1] and info["primary"] == 1.0
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    again.reset(seed=0)
    assert again.step(2)[-1]["entity_actions"].tolist() == [0, 1]
    assert '"law"' in json.dumps(schema())


def test_a_comparison_runs_against_it_without_bounds():
    jammer = {"jammer": {"kind": "own", "law": "mod(step, channels)"}}
    result = compare(
        ID, agents=["random"], keywords=jammer, seeds=2, settings="nominal", horizon=20, progress=False
    )  # fmt: skip
    assert not result.failed_runs
    assert not any(mark.bounds for mark in result.marks(result.experiments[0]))


@pytest.mark.parametrize(
    ("jammer", "error", "message"),
    [
        ({"kind": "own"}, ValueError, "jammer.law is missing"),
        ({"kind": "own", "law": "chanel"}, ValueError, "law of the entity 'jammer' 'chanel'.*'channel'"),
        ({"kind": "own", "law": "channel.__class__"}, ValueError, "is none of what a formula is made of"),
        ({"kind": "own", "law": [1]}, TypeError, "must be a formula or a function"),
        ({"kind": "own", "lav": "1"}, ValueError, "'law'"),
        ({"kind": "sweep", "law": "1"}, ValueError, "'law'"),
    ],
)  # fmt: skip
def test_laws_that_cannot_be_are_refused_when_the_environment_is_made(jammer, error, message):
    with pytest.raises(error, match=message):
        gymnasium.make(ID, jammer=jammer)


@pytest.mark.parametrize(
    ("jammer", "message"),
    [
        ({"law": "step + 0.5"}, "law of the entity 'jammer' must be a whole number from -1 to 9, got 1.5"),
        ({"law": "10"}, "from -1 to 9, got 10 in world 0"),
        ({"law": "0", "memory": "-1"}, "memory of the entity 'jammer' .* from 0 to 1000000, got -1"),
        ({"law": "log(-1)"}, "got nan in world 0"),
    ],
)  # fmt: skip
def test_a_law_that_gives_no_channel_is_named_and_nothing_moves(jammer, message):
    env = gymnasium.make(ID, jammer={"kind": "own", **jammer})
    env.reset(seed=0)
    before = env.unwrapped.state()
    with pytest.raises(ValueError, match=message):
        env.step(0)
    after = env.unwrapped.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_clairvoyant_does_not_pretend_to_foresee_it():
    scenario = {"channels": 3, "entities": {"mine": {"kind": "own", "law": "0"}}}
    env = gymnasium.make("radio/Access-v0", scenario=scenario)
    with pytest.raises(ValueError, match="knows nothing of a law of one's own"):
        gym_suite.make_controller(env, "clairvoyant")
