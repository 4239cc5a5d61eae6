"""Golden rollouts: what every id did when it was registered. An id's behaviour is frozen.

Regenerate one, or all without names, after a deliberate change of behaviour (which needs a new version of
the id), or for a new id::

    python tests/golden/golden_rollouts.py gem/PMSM-v0

Each file holds the seed, the actions, and per step the observations, rewards, flags and metrics of three worlds.
"""

import sys
from pathlib import Path

import gymnasium
import numpy as np

from gym_suite.core.cards import OUTSIDE
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.registration import catalogue, parallel_env
from gym_suite.testing import random_actions

FOLDER = Path(__file__).parent / "rollouts"
WORLDS, STEPS, SEED = 3, 60, 1

# Rollouts beyond the defaults of each id: file name to id and keywords.
VARIANTS = {
    "gem/PMSM-v0 on every plant keyword": (
        "gem/PMSM-v0",
        {
            "frame": "abc",
            "noise": 0.01,
            "mismatch": 0.2,
            "delay": 1,
            "disturbance": {"u_sd": {"kind": "random_walk", "amplitude": 50.0, "period": 1e-3}},
        },
    )
}

# The package's own ids; those that an example or a test has registered have no rollouts.
CARDS = {card.id: card for card in catalogue().values() if card.module != OUTSIDE}
# Ids for several agents only: played in the joint form, with each agent's reward.
SEVERAL = tuple(card.id for card in CARDS.values() if not card.entry_point)

# Keywords under which random actions earn something.
TELLING = {"agv": {"reward": "dense"}}
TELLING_TOGETHER = {"agv": {"reward": "dense", "lidar": 24}}


def cases():
    """Return every rollout: name to id and keywords."""
    single = [card for card in CARDS.values() if card.entry_point]
    alone = {c.id: (c.id, {**TELLING.get(c.family, {}), **c.anywhere}) for c in single}
    together = {id: (id, TELLING_TOGETHER.get(CARDS[id].family, {})) for id in SEVERAL}
    return alone | together | VARIANTS


def make(id, worlds, keywords):
    """Return the native vector environment, the joint form where an id is for several agents only."""
    if id in SEVERAL:
        return KernelVectorEnv(parallel_env(id, **keywords).setup, num_envs=worlds)
    return gymnasium.make_vec(id, num_envs=worlds, **keywords)


def path_of(name):
    return FOLDER / (name.replace("/", "-").replace(" ", "-") + ".npz")


def play(id, keywords, *, seed, actions):
    """Return the arrays of one rollout."""
    envs = make(id, actions.shape[1], keywords)
    names = envs.unwrapped.setup.metric_columns.names
    observation, infos = envs.reset(seed=seed)
    several = len(envs.unwrapped.setup.agents) > 0 and id in SEVERAL
    shape = (envs.num_envs, len(envs.unwrapped.setup.agents)) if several else envs.num_envs
    reward, done = np.zeros(shape), np.zeros(envs.num_envs, dtype=bool)
    steps = [(observation, reward, done, _table(infos, names))]
    for action in actions:
        observation, reward, terminated, truncated, infos = envs.step(action)
        if several:
            reward = envs.unwrapped._rows.reward.copy()
        steps.append((observation, reward, terminated | truncated, _table(infos, names)))
    envs.close()
    observations, rewards, done, metrics = map(np.array, zip(*steps, strict=True))
    return {
        "observations": observations,
        "rewards": rewards,
        "done": done,
        "metrics": metrics,
        "names": np.array(names),
    }


def _table(infos, names):
    return np.column_stack([infos[name] for name in names])


def main(names):
    """Write the named rollouts, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or cases():
        id, keywords = cases()[name]
        envs = make(id, WORLDS, keywords)
        actions = random_actions(envs.action_space, STEPS, seed=SEED)
        envs.close()
        arrays = play(id, keywords, seed=SEED, actions=actions)
        np.savez_compressed(path_of(name), seed=SEED, actions=actions, **arrays)


if __name__ == "__main__":
    main(sys.argv[1:])
