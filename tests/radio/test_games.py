"""Bands with several agents: the peer's rules, the game's value, and who earns more than whom."""

import json

import numpy as np
import pytest

import gym_suite
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.radio import import_rfrl, read_scenario, shipped
from gym_suite.radio.bounds import conceded, jamming_game

MARL = [name for name in shipped() if name.startswith("marl_")]
SHARING, GAME = "radio/MultiAccess-v0", "radio/JammingGame-v0"


def play(id, sides, *, worlds=1, steps=None, seed=0, **keywords):
    """Return each agent's return per world, (worlds, agents); ``sides``: names by agent or one for all."""
    if steps is not None and id == GAME:
        keywords["steps"] = steps
    env = gym_suite.parallel_env(id, **keywords)
    setup, agents = env.setup, env.possible_agents
    envs = KernelVectorEnv(setup, num_envs=worlds)
    if isinstance(sides, str):
        sides = dict.fromkeys(agents, sides)
    # One controller for all agents of a side, as rows: so a team shares what it draws.
    teams = {name: [agents.index(a) for a in agents if sides[a] == name] for name in sides.values()}
    laws = {name: gym_suite.make_controller(env, name) for name in teams}
    states = dict.fromkeys(teams)
    observation, _ = envs.reset(seed=seed)
    total = np.zeros((worlds, len(agents)))
    for _ in range(steps or setup.horizon):
        rows = observation.reshape(worlds, len(agents), -1)
        actions = np.zeros((worlds, len(agents)), dtype=np.int64)
        for name, members in teams.items():
            given = rows[:, members].reshape(worlds * len(members), -1)
            action, states[name] = laws[name].predict(given, states[name])
            actions[:, members] = np.reshape(action, (worlds, len(members)))
        observation, *_ = envs.step(actions)
        total += envs._rows.reward
    return total


# ------------------------------------------------------------------------------------- sharing


def step_of(env, **actions):
    return env.step({agent: actions.get(agent, 0) for agent in env.agents})


@pytest.fixture
def two_and_a_jammer():
    scenario = {
        "channels": 4,
        "steps": 20,
        "entities": {
            "tv": {"kind": "constant", "channels": [0]},
            "hop": {"kind": "hopper", "channels": [1, 0]},
        },
        "agents": {
            "a": {"goal": "access"},
            "b": {"goal": "access", "observation": "classify"},
            "j": {"goal": "jam", "target": "hop", "observation": "classify"},
        },
    }
    env = gym_suite.parallel_env(SHARING, scenario=scenario, history=1)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("actions", "rewards"),
    [
        # Step 1: tv and hop are both on channel 0.
        ({}, (0, 0, 0)),
        ({"a": 3, "b": 4}, (1, 1, 0)),  # each alone
        ({"a": 3, "b": 3}, (-1, -1, 0)),  # with each other
        ({"a": 1, "b": 3}, (-1, 1, 0)),  # on an entity
        ({"j": 1}, (0, 0, 1)),  # the target, though another entity is there
        ({"j": 2}, (0, 0, -1)),  # where the target was a step ago
        ({"a": 2, "j": 2}, (-1, 0, -1)),  # an agent that jams is no better company
        ({"a": 1, "j": 1}, (-1, 0, 1)),  # a hit counts whoever else is there
    ],
)
def test_rewards_for_several_agents_are_the_peer_s(two_and_a_jammer, actions, rewards):
    _, got, terminated, truncated, infos = step_of(two_and_a_jammer, **actions)
    assert tuple(got.values()) == rewards
    assert not any(terminated.values())
    assert not any(truncated.values())
    assert infos["a"]["reward_service"] == pytest.approx(np.mean(rewards))
    assert infos["a"]["delivered"] == sum(reward > 0 for reward in rewards)


def test_agents_hear_entities_and_each_other(two_and_a_jammer):
    observations, _, _, _, infos = step_of(two_and_a_jammer, a=3, b=4, j=4)
    # Entities 1 and 2 meet on channel 0; agents are 3, 4, 5; several are 6.
    assert infos["b"]["occupancy"].tolist() == [6, 0, 3, 6]
    assert infos["a"]["agent_actions"].tolist() == [2, 3, 3]
    assert infos["a"]["entity_actions"].tolist() == [0, 0]
    assert infos["a"]["collided"] == 2
    assert observations["a"][:4].tolist() == [1, 0, 1, 1]
    np.testing.assert_allclose(observations["b"][:4] * 6, [6, 0, 3, 6], rtol=1e-6)
    assert observations["j"][4:9].tolist() == [0, 0, 0, 0, 1]  # own last action
    assert [o[9] for o in observations.values()] == [1, -1, -1]  # acknowledgement
    assert [o[10:].tolist() for o in observations.values()] == np.eye(3).tolist()


def test_entities_react_to_agents():
    scenario = {
        "channels": 5,
        "steps": 50,
        "entities": {"jammer": {"kind": "simple_jammer"}},
        "agents": {"a": {}, "b": {}},
    }
    env = gym_suite.parallel_env(SHARING, scenario=scenario)
    env.reset(seed=0)
    step_of(env, a=3)
    _, rewards, *_, infos = step_of(env, a=3, b=5)
    assert infos["a"]["entity_actions"].tolist() == [2]  # one step late, where the agent was alone
    assert rewards == {"a": -1.0, "b": 1.0}


@pytest.mark.parametrize("name", MARL)
def test_the_shipped_scenarios_keep_the_file_s_agents_and_can_be_solved(name):
    scenario = read_scenario(name)
    assert read_scenario(json.loads(json.dumps(scenario.to_dict()))) == scenario
    env = gym_suite.parallel_env(SHARING, scenario=name)
    assert env.possible_agents == [role.name for role in scenario.agents]
    bound = next(mark for mark in env.setup.marks(500) if mark.name == "clairvoyant team")
    earned = play(SHARING, "schedule", scenario=name)
    assert earned.mean() == bound.value == 500.0


def test_published_results_stand_beside_100_steps_only():
    setup = gym_suite.parallel_env(SHARING, scenario="marl_8").setup
    assert [mark.kind for mark in setup.marks(500)] == ["bound"]
    found = {mark.name: mark.value for mark in setup.marks(100)}
    assert found["DQN (paper)"] == pytest.approx(96.1)  # 192.2 summed over two agents
    assert found["APPO (paper)"] < 0.0


def test_order_of_the_controllers_for_several_agents():
    means = {
        name: play(SHARING, name, worlds=20, steps=100).mean(axis=1)
        for name in ("schedule", "musical_chairs", "zero", "random")
    }
    assert (means["schedule"] > means["zero"]).all()
    assert (means["schedule"] > means["musical_chairs"]).all()
    assert (means["zero"] > means["random"]).all()
    assert means["musical_chairs"].mean() > means["random"].mean()


def test_musical_chairs_settle_where_nobody_hops():
    earned = play(SHARING, "musical_chairs", worlds=20, scenario="marl_20")
    assert earned.mean() > 490.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agents": {}}, "takes scenarios of several agents.*has one"),
        ({"agents": {"a": {"goal": "jam"}, "b": {}}}, r"scenario\.agents\.a\.target is missing"),
        (
            {"agents": {"a": {"goal": "jam", "target": "tw"}, "b": {}}},
            r"scenario\.agents\.a\.target.*'tv'",
        ),
        ({"agents": {"a": {"gaol": "jam"}, "b": {}}}, r"scenario\.agents\.a.*'goal'"),
        ({"agents": {"tv": {}, "b": {}}}, r"scenario\.agents\.tv bears the name of an entity"),
        ({"agents": {"a": 1, "b": {}}}, r"scenario\.agents\.a must be an object"),
        ({"agents": ["a", "b"]}, r"scenario\.agents must map"),
        ({"agents": {f"a{k}": {} for k in range(40)}}, "at most 32"),
        ({"entities": {"f": {"kind": "follower"}}}, r"scenario\.entities\.f\.kind: a follower"),
    ],
)
def test_scenarios_that_cannot_be_shared_are_refused(change, message):
    good = {
        "channels": 3,
        "entities": {"tv": {"kind": "constant", "channels": [0]}},
        "agents": {"a": {}, "b": {}},
    }
    gym_suite.parallel_env(SHARING, scenario=good)
    with pytest.raises(ValueError, match=message):
        gym_suite.parallel_env(SHARING, scenario=good | change)


def test_a_scenario_of_several_agents_is_refused_by_single_ids_and_the_other_way_round():
    import gymnasium

    with pytest.raises(ValueError, match="radio/MultiAccess-v0"):
        gymnasium.make("radio/Access-v0", scenario="marl_3")
    with pytest.raises(ValueError, match="several agents"):
        gym_suite.parallel_env(SHARING, scenario="paper_s1")


def test_files_of_the_peer_with_agents_are_checked():
    entities = {"tv": {"type": "ConstantFreq", "channels": [0]}}
    task = {"observation_mode": "detect", "reward_mode": "jam", "target_entity": "tv"}

    def read(environment):
        environment = {"num_channels": 3, "max_steps": 10} | environment
        return import_rfrl({"environment": environment, "entities": entities, "render": {}})

    scenario = read({"agents": {"a": task, "b": task | {"reward_mode": "dsa"}}})
    assert [(r.goal, r.target) for r in scenario.agents] == [("jam", "tv"), ("access", None)]
    for agents, message in (
        ({}, r"environment\.agents is empty"),
        ({"a": task | {"target_entity": "tx"}}, r"environment\.agents\.a\.target_entity.*'tv'"),
        ({"a": {"reward_mode": "dsa"}}, r"agents\.a\.observation_mode is missing"),
        ({"a": task | {"reward": 1}}, r"environment\.agents\.a"),
    ):
        with pytest.raises(ValueError, match=message):
            read({"agents": agents})
    with pytest.raises(ValueError, match="key of environment"):
        read({"agents": {"a": task}, "reward_mode": "jam"})


# ------------------------------------------------------------------------------------- the game

SIDES = ("minimax", "fictitious", "random", "zero")


def duel(transmitter, team, *, worlds=40, steps=500, **keywords):
    """Return what the transmitter earns a step, mean and standard error."""
    count = keywords.get("jammers", 1)
    sides = {"transmitter": transmitter} | {f"jammer_{j}": team for j in range(count)}
    total = play(GAME, sides, worlds=worlds, steps=steps, **keywords)
    np.testing.assert_allclose(total.sum(axis=1), 0.0, atol=1e-9)  # zero-sum
    earned = total[:, 0] / steps
    # Where the transmitter draws nothing all worlds are the same one.
    alone = worlds == 1 or transmitter in ("fictitious", "zero")
    error = 0.5 / np.sqrt(steps) if alone else earned.std(ddof=1) / np.sqrt(worlds)
    return earned.mean(), error


@pytest.mark.parametrize("keywords", [{}, {"jammers": 2}, {"values": [1.0] * 4}], ids=str)
def test_minimax_players_are_sure_of_the_value(keywords):
    env = gym_suite.parallel_env(GAME, **keywords)
    values, count = env.setup.keywords["values"], env.setup.keywords["jammers"]
    value = jamming_game(values, count).value
    mark = next(mark for mark in env.setup.marks(100) if mark.name == "minimax value")
    assert mark.value == pytest.approx(100 * value)
    for side in SIDES:
        mean, error = duel("minimax", side, **keywords)
        assert mean > value - 3.5 * error, f"the transmitter against {side}"
        mean, error = duel(side, "minimax", **keywords)
        assert mean < value + 3.5 * error, f"the jammers against {side}"
    mean, error = duel("minimax", "minimax", **keywords)
    assert abs(mean - value) < 3.5 * error


def test_order_of_the_players():
    """Against an opponent that learns, minimax loses least; silence earns nothing and concedes most."""
    earned = {side: duel(side, "fictitious")[0] for side in SIDES}
    assert earned["minimax"] > earned["random"] > earned["zero"] == 0.0
    lost = {side: duel("fictitious", side)[0] for side in SIDES}
    assert lost["minimax"] < lost["random"] < lost["zero"]
    assert lost["zero"] > 0.99  # the best channel, never jammed, but for the first steps
    # What a uniform choice among silence and the channels concedes is known.
    uniform = conceded((1.0, 0.8, 0.6, 0.4, 0.2), 1, [1 / 6] * 5)
    assert earned["random"] == pytest.approx(uniform, abs=0.02)


def test_fictitious_play_converges_to_the_value():
    assert duel("fictitious", "fictitious", worlds=1, steps=20_000)[0] == pytest.approx(
        jamming_game((1.0, 0.8, 0.6, 0.4, 0.2)).value, abs=0.01
    )


def test_jammers_that_share_a_seed_jam_distinct_channels():
    env = gym_suite.parallel_env(GAME, jammers=3, values=[1.0, 0.9, 0.8, 0.7, 0.6])
    law = gym_suite.make_controller(env, "minimax", seed=5)
    observations, _ = env.reset(seed=0)
    state, counts = None, np.zeros(5)
    for _ in range(200):
        action, state = law.predict(np.array(list(observations.values())), state)
        assert len(set(action[1:])) == 3
        counts[action[1:] - 1] += 1
        observations, *_ = env.step(dict(zip(env.agents, action, strict=True)))
    np.testing.assert_allclose(counts / 200, law.gains_["jammers"], atol=0.12)


def test_both_sides_see_what_was_played():
    env = gym_suite.parallel_env(GAME, jammers=2, values=[1.0, 0.5, 0.2], history=2)
    observations, _ = env.reset(seed=0)
    assert all(o[:-3].sum() == 0 for o in observations.values())
    observations, rewards, *_, infos = env.step({"transmitter": 1, "jammer_0": 3, "jammer_1": 0})
    assert rewards == {"transmitter": 1.0, "jammer_0": -0.5, "jammer_1": -0.5}
    assert infos["transmitter"]["played"].tolist() == [0, 2, -1]
    assert observations["jammer_0"][:7].tolist() == [0, 1, 0, 0, 0, 0, 1]
    observations, rewards, *_, infos = env.step({"transmitter": 2, "jammer_0": 2, "jammer_1": 2})
    assert set(rewards.values()) == {0.0}
    assert infos["transmitter"]["jammed"] == 1.0
    assert observations["transmitter"][:7].tolist() == [0, 0, 1, 0, 0, 1, 0]
    assert observations["transmitter"][7:14].tolist() == [0, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"values": [1.0]}, ValueError, "2 to 64"),
        ({"values": [1.0, 0.0]}, ValueError, r"values\[1\]"),
        ({"values": 3}, TypeError, "values must be numbers"),
        ({"jammers": 0}, ValueError, "jammers"),
        ({"jamers": 1}, ValueError, "'jammers'"),
    ],
)
def test_bad_games_are_refused(keywords, error, message):
    with pytest.raises(error, match=message):
        gym_suite.parallel_env(GAME, **keywords)


def test_controllers_of_several_agents_refuse_one():
    import gymnasium

    from gym_suite.radio.controllers.games import MusicalChairs

    with pytest.raises(ValueError, match="several agents"):
        MusicalChairs.for_env(gymnasium.make("radio/Access-v0"))


# ------------------------------------------------------------------------------------- one step for all


def one_agent_of(name, **changes):
    """Return a band as one of a single agent that the scenario names, and as that of radio/Access-v0."""
    alone = read_scenario(name).to_dict() | changes
    role = {"goal": alone["goal"], "observation": alone["observation"], "target": alone["target"]}
    return alone | {"agents": {"only": role}}, alone


JAMMED = {
    "entities": {
        "follower": {"kind": "follower", "reaction": 1.5},
        "jammer": {"kind": "simple_jammer"},
        "user": {"kind": "agile", "channels": [0, 1, 2]},
    }
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("shared_band", {}),
        ("shared_band", {"observation": "classify"}),
        ("shared_band", JAMMED),
        ("paper_s4", {}),
    ],
    ids=["band", "classified", "jammed", "paper"],
)
def test_several_agents_are_one_agent_where_there_is_one(name, changes):
    """The same kernels: what one agent observes and earns is bit for bit that of radio/Access-v0."""
    import gymnasium

    named, alone = one_agent_of(name, **changes)
    several = KernelVectorEnv(gym_suite.parallel_env(SHARING, scenario=named).setup, num_envs=8)
    single = gymnasium.make_vec("radio/Access-v0", num_envs=8, scenario=alone)
    assert several.setup.kernels is single.unwrapped.setup.kernels
    a, b = several.reset(seed=5)[0], single.reset(seed=5)[0]
    generator = np.random.default_rng(0)
    for _ in range(80):
        np.testing.assert_array_equal(a[:, :-1], b)  # the last column says which agent it is
        actions = generator.integers(0, alone["channels"] + 1, 8)
        a, *_ = several.step(actions)
        b, reward, *_ = single.step(actions)
        np.testing.assert_array_equal(several._rows.reward[:, 0], reward)
