"""Ids for several agents where one agent is run at a time: the same worlds as PettingZoo's, with one acting for all."""

import copy
import csv
import pickle

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv.controllers.pursuit import Pursuit
from gym_suite.cli import main
from gym_suite.comparison import compare
from gym_suite.registration import catalogue
from gym_suite.teams import as_team, seat_of, team_id

FLEET, SHARED, GAME = "agv/Fleet-v0", "radio/MultiAccess-v0", "radio/JammingGame-v0"
SEVERAL = tuple(id for id, card in catalogue().items() if card.agents == "several")


def team_of(id, name=None, **keywords):
    """Return a team's environment and an agent of the id that acts for all."""
    env = gymnasium.make(team_id(id), **keywords)
    return env, as_team(gym_suite.make_controller(seat_of(env), name), env)


def played(env, agent, seed):
    """Return rewards and the last info of an episode."""
    observation, info = env.reset(seed=seed)
    rewards, state, over = [], None, False
    while not over:
        action, state = agent.predict(observation, state, not rewards)
        observation, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        over = terminated or truncated
    return rewards, info


def played_apart(id, seed, *controllers, **keywords):
    """Return the agents' rewards, (steps, agents), by PettingZoo's rules; agents that have left are asked nothing.

    Args:
        id: For several agents.
        seed: Episode seed.
        *controllers: A name for each agent, or one for all together.
        **keywords: Of the environment.
    """
    env = gym_suite.parallel_env(id, **keywords)
    names = env.possible_agents
    groups = [names] if len(controllers) == 1 else [[name] for name in names]
    laws = [gym_suite.make_controller(env, name) for name in controllers]
    memory = {}
    observations, _ = env.reset(seed=seed)
    rewards = []
    while env.agents:
        actions = {}
        for law, group in zip(laws, groups, strict=True):
            live = [name for name in group if name in env.agents]
            if not live:
                continue
            state = np.array([memory[n] for n in live]) if memory.keys() >= set(live) else None
            rows = np.array([observations[name] for name in live])
            chosen, after = law.predict(rows, state, np.full(len(live), not rewards))
            actions |= dict(zip(live, chosen, strict=True))
            memory |= dict(zip(live, after, strict=True))
        observations, earned, _, _, _ = env.step(actions)
        rewards.append([earned.get(name, 0.0) for name in names])
    return np.array(rewards)


@pytest.mark.parametrize(
    ("id", "name", "keywords"),
    [
        (FLEET, "orca", {"agents": 4}),
        (FLEET, "cooperative", {"agents": 3, "reward": "dense"}),
        (SHARED, "musical_chairs", {}),
    ],
)
def test_a_team_is_the_world_of_pettingzoo(id, name, keywords):
    """Vehicles that have arrived are gone for those that drive on; the reward is the mean of the agents'."""
    expected = played_apart(id, 1, name, **keywords)
    rewards, _ = played(*team_of(id, name, **keywords), seed=1)
    assert np.allclose(rewards, expected.mean(axis=1), rtol=0, atol=1e-12)


def test_the_episode_ends_with_the_last_agent_and_succeeds_if_all_arrive():
    env, agent = team_of(FLEET, agents=2)
    rewards, info = played(env, agent, seed=1)
    ends = np.flatnonzero(played_apart(FLEET, 1, "cooperative", agents=2).sum(axis=1))
    assert len(ends) == 2 and len(rewards) == ends[-1] + 1 and info["arrived"] == 2
    result = compare(
        FLEET, agents=["cooperative"], seeds=[1], settings="nominal", keywords={"agents": 2},
        progress=False,
    )  # fmt: skip
    by_name = {record["agent"]["name"]: record["metrics"] for record in result.records}
    assert by_name["cooperative"]["success"] == 1.0 and by_name["zero"]["success"] == 0.0
    short = compare(
        FLEET, agents=["cooperative"], seeds=[1], settings="nominal", keywords={"agents": 2},
        horizon=int(ends[0]) + 1, progress=False,
    )  # fmt: skip
    assert short.records[0]["metrics"]["success"] == 0.0, "one of two has arrived"


class Careless(Pursuit):
    """The second of two vehicles drives straight on."""

    name = "careless"

    def _law(self, observation, state):
        action = super()._law(observation, state)
        action[1::2] = 1.0, 0.0
        return action


def test_it_is_no_success_if_one_of_two_has_collided():
    env = gymnasium.make(team_id(FLEET), agents=2)
    rewards, info = played(env, as_team(Careless.for_env(seat_of(env)), env), seed=1)
    assert info["arrived"] == 1 and len(rewards) < 3000
    result = compare(
        FLEET, agents=[Careless], seeds=[1], settings="nominal", keywords={"agents": 2}, progress=False
    )  # fmt: skip
    (careless,) = [r["metrics"] for r in result.records if r["agent"]["name"] == "careless"]
    assert careless["success"] == 0.0 and careless["failed"] == 1.0


def test_of_opposed_sides_the_named_one_plays_against_the_reference():
    expected = played_apart(GAME, 3, "fictitious", "minimax", "minimax", jammers=2)[:, 0]
    rewards, _ = played(*team_of(GAME, "fictitious", jammers=2), seed=3)
    assert np.array_equal(rewards, expected) and expected.any()


@pytest.mark.parametrize("id", SEVERAL)
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_many_worlds_equal_single_ones(id, mode):
    """Agents leave at different times, worlds start anew; actions of those that have left change nothing."""
    keywords = {"agents": 3} if id == FLEET else {}
    envs = gymnasium.make_vec(
        team_id(id), num_envs=3, max_episode_steps=60, autoreset_mode=mode, **keywords
    )
    envs.action_space.seed(2)
    actions = [envs.action_space.sample() for _ in range(150)]
    if id == FLEET:  # straight on, into walls
        actions = [np.abs(action) for action in actions]
    singles = [
        gymnasium.make(team_id(id), max_episode_steps=60, **keywords) for _ in range(envs.num_envs)
    ]
    seen = np.array([env.reset(seed=5 + i)[0] for i, env in enumerate(singles)])
    assert np.array_equal(envs.reset(seed=5)[0], seen)
    over = np.zeros(3, bool)
    for action in actions:
        observation, reward, terminated, truncated, _ = envs.step(action)
        for i, env in enumerate(singles):
            if over[i] and mode == "NextStep":
                over[i] = False
                assert np.array_equal(observation[i], env.reset()[0])
                continue
            own = env.step(action[i])
            assert (reward[i], terminated[i], truncated[i]) == own[1:4]
            over[i] = own[2] or own[3]
            shown = env.reset()[0] if over[i] and mode == "SameStep" else own[0]
            assert np.array_equal(observation[i], shown)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_go_on_as_the_original(twin):
    """Also where an agent has left."""
    env = gymnasium.make(team_id(FLEET), agents=3).unwrapped
    env.reset(seed=1)
    env.note = "kept"
    straight = np.ones(6, np.float32)
    while not env.gone.any():
        env.step(straight)
    other = twin(env)
    assert other.note == "kept" and np.array_equal(other.gone, env.gone)
    for _ in range(30):
        ours, theirs = env.step(straight), other.step(straight)
        assert np.array_equal(ours[0], theirs[0]) and ours[1:4] == theirs[1:4]


class Counter:
    """Acts on one observation and keeps to itself how often it has been asked."""

    name = "counter"

    def __init__(self):
        self.calls = 0

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        assert np.ndim(observation) == 1
        self.calls += 1
        return np.int64(self.calls % 3), state


def test_an_agent_for_one_observation_is_copied_for_each():
    env = gymnasium.make(team_id(SHARED))
    agent = as_team(Counter(), env)
    observation, _ = env.reset(seed=0)
    state = None
    for step in range(1, 5):
        action, state = agent.predict(observation, state, step == 1)
        assert action.tolist() == [step % 3] * env.unwrapped.setup.agent_count


@pytest.mark.parametrize(
    ("id", "agents"), [(SHARED, ["random", "musical_chairs"]), (GAME, ["random", "fictitious"])]
)
def test_a_result_does_not_depend_on_its_company(id, agents):
    def returns(seeds):
        result = compare(
            id, agents=agents, seeds=seeds, settings="nominal", horizon=40, progress=False
        )
        assert not result.failed_runs
        return {(r["agent"]["name"], r["seed"]): r["metrics"]["return"] for r in result.records}

    together = returns([0, 1, 2, 7])
    assert {key: value for key, value in together.items() if key[1] == 7} == returns([7])


@pytest.mark.parametrize("id", SEVERAL)
def test_the_shell_runs_renders_and_writes_every_id(id, tmp_path, capsys):
    table, picture = tmp_path / "episode.csv", tmp_path / "last.png"
    assert main(["run", id, "--agent", "random", "--steps", "5", "--csv", str(table)]) == 0
    assert main(["render", id, "--out", str(picture), "--steps", "5"]) == 0
    assert picture.stat().st_size > 1000 and "return" in capsys.readouterr().out
    rows = list(csv.reader(table.open()))
    assert len(rows) == 7 and len({len(row) for row in rows}) == 1
    agents = gym_suite.parallel_env(id).possible_agents
    assert all(any(name.startswith(f"{agent}/") for name in rows[0]) for agent in agents)


def test_arrays_of_info_are_columns_and_a_file_that_cannot_be_is_refused_first(tmp_path, capsys):
    table = tmp_path / "episode.csv"
    assert main(["run", "radio/Access-v0", "--steps", "3", "--csv", str(table)]) == 0
    assert "occupancy_0 [1]" in next(csv.reader(table.open()))
    capsys.readouterr()
    assert main(["run", "radio/Access-v0", "--csv", str(tmp_path / "no" / "e.csv")]) == 2
    told = capsys.readouterr()
    assert "there is no folder" in told.err and not told.out


def test_one_policy_is_trained_for_all_agents_and_judged(tmp_path):
    from gym_suite.learning import train

    training = train(SHARED, algo="ppo-nominal", seeds=1, steps=2000, out=tmp_path)
    path = training.runs[0].path
    result = compare(SHARED, agents=[path], seeds=2, settings="nominal", horizon=20, progress=False)
    assert not result.failed_runs and path.stem in {r["agent"]["name"] for r in result.records}
    with pytest.raises(ValueError, match="sides that oppose each other"):
        train(GAME, out=tmp_path)


@pytest.mark.parametrize("many", [False, True])
def test_the_side_that_is_played_sees_its_own_reward_terms_and_they_are_its_reward(many):
    own = {"reward_terms": {"moved": "0.25 * channel"}}
    for keywords in ({}, own):
        env = team_of(GAME, **keywords)[0]
        if many:
            env = gymnasium.make_vec(team_id(GAME), num_envs=3, **keywords)
        names = env.unwrapped.setup.reward_terms
        env.reset(seed=0)
        env.action_space.seed(0)
        met = 0
        for _ in range(40):
            _, reward, _, _, info = env.step(env.action_space.sample())
            earned = info["earned"] + (0.25 * info["channel"] if keywords else 0.0)
            np.testing.assert_allclose(reward, earned, rtol=1e-12)
            np.testing.assert_array_equal(sum(info[name] for name in names), reward)
            np.testing.assert_array_equal(info["reward_jammers"], 0.0)
            met += np.count_nonzero(info["earned"])
        assert met
