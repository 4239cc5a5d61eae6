"""Rows of agents must carry what as many PettingZoo environments say, time limits included."""

import numpy as np
import pytest
from stable_baselines3 import PPO
from two_carts import AGENTS, two_carts

from gym_suite.learning import agents_as_batch


def parallel_run(seed, actions):
    """One world by PettingZoo's rules, started anew when no agent is left."""
    env = two_carts()
    observations, _ = env.reset(seed=seed)
    for step in actions:
        given = {agent: step[AGENTS.index(agent)] for agent in env.agents}
        alive = list(env.agents)
        last, rewards, terminations, truncations, infos = env.step(given)
        ended = not env.agents
        observations = env.reset()[0] if ended else last
        yield alive, last, observations, rewards, terminations, truncations, infos


def test_equal_to_parallel_environments():
    worlds, steps = 3, 400
    generator = np.random.default_rng(1)
    actions = generator.uniform(-1, 1, (steps, worlds, 2, 1)).astype(np.float32)
    actions[:, 1] *= 0.02  # a world that often lives to its time limit
    rows = agents_as_batch(two_carts(), worlds, seed=5)
    rows.reset()
    runs = [parallel_run(5 + w, actions[:, w]) for w in range(worlds)]
    seen = {"terminated": 0, "truncated": 0, "waiting": 0}
    for k in range(steps):
        observation, rewards, dones, infos = rows.step(actions[k].reshape(-1, 1))
        for w, run in enumerate(runs):
            alive, last, following, their_rewards, ended, late, their_infos = next(run)
            for a, agent in enumerate(AGENTS):
                i = 2 * w + a
                if agent not in alive:
                    assert dones[i] and rewards[i] == 0.0 and infos[i]["waiting"]
                    assert "episode" not in infos[i]
                    seen["waiting"] += 1
                    continue
                terminated, truncated = ended[agent], late[agent]
                assert rewards[i] == np.float32(their_rewards[agent])
                assert dones[i] == (terminated or truncated)
                assert infos[i]["TimeLimit.truncated"] == (truncated and not terminated)
                assert {n: infos[i][n] for n in their_infos[agent]} == their_infos[agent]
                if dones[i]:
                    assert np.array_equal(infos[i]["terminal_observation"], last[agent])
                    assert infos[i]["episode"]["l"] == infos[i]["count"]
                if agent in following:
                    assert np.array_equal(observation[i], following[agent])
                seen["terminated"] += terminated
                seen["truncated"] += truncated and not terminated
    assert all(count > 5 for count in seen.values()), seen


def test_an_agent_that_waits_does_nothing_to_its_world():
    rows = agents_as_batch(two_carts(max_episode_steps=1000), 1, seed=0)
    rows.reset()
    ended = False
    for _ in range(60):
        _, _, dones, infos = rows.step(np.array([[1.0], [0.0]]))
        ended |= dones[0]
        if ended and dones[1]:
            break
    assert infos[0]["left"] < 3.0  # twenty more full pushes would have taken it to 8


def test_ppo_learns_from_all_agents():
    rows = agents_as_batch(two_carts(), 4, seed=0, metrics=False)
    model = PPO("MlpPolicy", rows, n_steps=64, batch_size=128, n_epochs=1, device="cpu").learn(1024)
    assert len(model.ep_info_buffer) > 20
    assert min(episode["l"] for episode in model.ep_info_buffer) >= 1


def test_bad_input_is_refused_and_nothing_moves():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        agents_as_batch(two_carts(), 0)
    with pytest.raises(ValueError, match="give its id"):
        agents_as_batch(two_carts(), 1, mass=2.0)
    rows = agents_as_batch(two_carts(), 2, seed=0)
    rows.reset()
    twin = agents_as_batch(two_carts(), 2, seed=0)
    twin.reset()
    for wrong in (np.zeros((3, 1)), np.full((4, 1), np.nan), np.full((4, 1), "a")):
        with pytest.raises(ValueError, match="action"):
            rows.step(wrong)
    push = np.full((4, 1), 0.1)
    assert np.array_equal(rows.step(push)[0], twin.step(push)[0])
