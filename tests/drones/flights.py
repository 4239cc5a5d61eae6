"""Agents judged side by side on the episodes that the protocol of a quadcopters' id keeps."""

import gymnasium
import numpy as np

from gym_suite.registration import card

#: Wind as an episode draws it; the policies that ship learned in calm air.
WIND = {"mean": ((-2.0, 2.0), (-2.0, 2.0), 0.0), "gust": (0.0, 2.0), "turbulence": "light"}
EPISODES = 20


def judged(id, agents, *, episodes=EPISODES, later=0, engine="compiled", **keywords):
    """Return returns, ends in a crash, landings and gates of agents, (agents, episodes), over the protocol's seeds."""
    envs = gymnasium.make_vec(id, num_envs=episodes, engine=engine, **keywords)
    found = []
    for agent in agents(envs):
        observation, _ = envs.reset(seed=card(id).protocol.first_seed + later)
        state, total, alive = None, np.zeros(episodes), np.ones(episodes, bool)
        lost, landed = np.zeros(episodes, bool), np.zeros(episodes, bool)
        passed = np.zeros(episodes)
        for _ in range(card(id).max_episode_steps):
            action, state = agent.predict(observation, state)
            observation, reward, terminated, truncated, info = envs.step(action)
            total += alive * reward
            lost |= alive & (info["violation"] > 0.0)
            landed |= alive & (info.get("landed", np.zeros(episodes)) > 0.0)
            passed = np.where(alive, info.get("passed", passed), passed)
            alive &= ~(terminated | truncated)
            if not alive.any():
                break
        found.append((total, lost, landed, passed))
    envs.close()
    return [np.array(each) for each in zip(*found, strict=True)]
