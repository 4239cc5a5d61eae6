"""Gilbert-Elliott channels: beliefs, the myopic policy and its neighbours, and what can be reached at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "radio/GilbertElliott-v0"
#: From the bottom of the ladder to its top.
AGENTS = ("hopper", "ucb1", "myopic", "whittle", "clairvoyant")
EPISODES, STEPS = 64, 200

LAB = Lab(
    number=9,
    name="gilbert_elliott",
    title="Gilbert-Elliott channels: when to stay and when to go",
    minutes=45,
    prerequisites="Markov chains with two states and conditional probability",
    draws=(
        Draw(name="p11", low=0.70, high=0.95, step=0.01, meaning="p11, idle stays idle"),
        Draw(name="p01", low=0.05, high=0.40, step=0.01, meaning="p01, busy becomes idle"),
        Draw(
            name="wait",
            low=2,
            high=5,
            step=1,
            unit="slots",
            meaning="since a channel was seen busy",
        ),
    ),
    questions=(
        Question(
            key="idle",
            text="With p11 = {p11:g} and p01 = {p01:g}: which part of all slots is a channel idle?",
            tolerance=0.005,
            hint="In the long run as many slots lead from idle to busy as back.",
        ),
        Question(
            key="dwell",
            text="How many slots does an idle run last on average?",
            unit="slots",
            tolerance=0.005,
            hint="The number of slots until the first change has a geometric distribution.",
        ),
        Question(
            key="belief",
            text="A channel was seen busy {wait:g} slots ago and has not been looked at since. How probable is "
            "it that it is idle now?",
            tolerance=0.005,
            hint="Right after it was seen busy the belief is p01 for the next slot. Then move the belief slot by "
            "slot.",
        ),
        Question(
            key="optimum",
            text="There are two such channels, you use one of them a slot and learn its state alone. How much do "
            "you get through a slot at best, in the long run?",
            tolerance=0.005,
            hint="Stay on a good channel, leave a bad one. The other channel has then been left alone for a while.",
        ),
        Question(
            key="random",
            text="Somebody chooses a channel at random in every slot. Which figure is that equal to in the long run?",
            choices=(
                "The stationary probability of idle.",
                "One half, whatever the chains are.",
                "The probability p11 that idle stays idle.",
            ),
            hint="The choice knows nothing of the state.",
        ),
        Question(
            key="negative",
            text="Set p11 below p01, so that a good slot is followed by a bad one more often than not. What does "
            "the myopic policy do then after a good slot?",
            choices=(
                "It stays, as before.",
                "It transmits nothing any more.",
                "It goes to another channel.",
            ),
            hint="Compare the belief in the channel that was just good with that in one that was not looked at.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Ladder:
    """What agents get through, a slot.

    Attributes:
        names: Of the agents.
        means: Mean over the episodes, (agents,).
        errors: Standard error of it, (agents,).
    """

    names: tuple[str, ...]
    means: NDArray[np.float64]
    errors: NDArray[np.float64]


def ladder(p11: float, p01: float, *, channels: int, seed: int = 0) -> Ladder:
    """Play all agents on the same episodes.

    Args:
        p11: Probability that idle stays idle.
        p01: Probability that busy becomes idle.
        channels: Number of channels.
        seed: Of the first episode.
    """
    import gymnasium

    import gym_suite

    envs = gymnasium.make_vec(
        ID, num_envs=EPISODES, channels=channels, p11=p11, p01=p01, steps=STEPS
    )
    means, errors = [], []
    for name in AGENTS:
        agent = gym_suite.make_controller(envs, name)
        observations, _ = envs.reset(seed=seed)
        states, total = None, np.zeros(EPISODES)
        for _ in range(STEPS):
            actions, states = agent.predict(observations, states)
            observations, rewards, *_ = envs.step(actions)
            total += rewards
        rate = total / STEPS
        means.append(rate.mean())
        errors.append(rate.std(ddof=1) / np.sqrt(EPISODES))
    envs.close()
    return Ladder(AGENTS, np.array(means), np.array(errors))


def beliefs(p11: float, p01: float, slots: int = 12) -> tuple[NDArray[np.float64], ...]:
    """Return how the belief in idle moves while nobody looks: after an idle and after a busy slot.

    Args:
        p11: Probability that idle stays idle.
        p01: Probability that busy becomes idle.
        slots: How many.

    Returns:
        Two arrays (slots,); element k is the belief k + 1 slots later.
    """
    found = []
    for start in (1.0, 0.0):
        belief, moved = start, []
        for _ in range(slots):
            belief = belief * p11 + (1.0 - belief) * p01
            moved.append(belief)
        found.append(np.array(moved))
    return tuple(found)
