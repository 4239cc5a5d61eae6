"""Episodes of an agent in rows, which several tests of controllers judge."""

from typing import Any

import gymnasium
import numpy as np

import gym_suite

#: Episode seeds that the choice of the laws' numbers has not seen.
SEEDS = list(range(61_000, 61_004))


def episodes(id, agent, steps=None, seeds=SEEDS, options=None, **keywords):
    """Return the returns of an agent's episodes, (seeds,), how many tripped, and what the law remembers at the end.

    The agent is a controller's name, with options of its own, or its class. None of steps: until all have ended.
    """
    envs: Any = gymnasium.make_vec(id, num_envs=len(seeds), **keywords)
    if isinstance(agent, str):
        law = gym_suite.make_controller(envs, agent, **(options or {}))
    else:
        law = agent.for_env(envs)
    observation, _ = envs.reset(seed=seeds)
    total, alive, state = np.zeros(len(seeds)), np.ones(len(seeds), bool), None
    trips = done = 0
    while alive.any() and (steps is None or done < steps):
        action, state = law.predict(observation, state)
        observation, reward, terminated, truncated, _ = envs.step(action)
        total += np.where(alive, reward, 0.0)
        trips += int((alive & terminated).sum())
        alive &= ~(terminated | truncated)
        done += 1
    return total, trips, state
