"""Gilbert-Elliott channels: beliefs, the myopic policy and its neighbours, and a real channel that is none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "radio/GilbertElliott-v0"
#: From the bottom of the ladder to its top.
AGENTS = ("hopper", "ucb1", "myopic", "whittle", "clairvoyant")
EPISODES, STEPS = 64, 200
CHANNELS = 5  # of the id itself, for which policies ship
#: Slots over which the real channel is compared with a chain.
LONGEST = 60

LAB = Lab(
    number=9,
    name="gilbert_elliott",
    title="Gilbert-Elliott channels: when to stay and when to go",
    minutes=60,
    version=2,
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
        Draw(
            name="burst",
            low=5.0,
            high=9.0,
            step=0.5,
            unit="slots",
            meaning="mean length of a busy run",
        ),
        Draw(name="longer", low=20, high=36, step=2, unit="slots", meaning="length of a long run"),
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
        Question(
            key="long_run",
            text="The busy runs of a chain last {burst:g} slots on average. Which part of them lasts longer than "
            "{longer:g} slots?",
            unit="%",
            hint="Each slot of a run is its last one with the same probability; so many times it must not be.",
        ),
        Question(
            key="trace",
            text="Set the threshold to -85 dBm. How do the busy runs of the library differ from those of the chain "
            "that has its p11 and p01?",
            choices=(
                "More of them are of about the mean length.",
                "They are shorter on average, and so are its idle runs.",
                "More of them are very short, and more are very long.",
            ),
            hint="Both have the same mean. Compare the two lines at one or two slots, and then far to the right.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Ladder:
    """What agents get through, a slot; of policies the mean over all trainings that ship.

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

    Policies learned by PPO, at p11 = 0.8 and p01 = 0.2, join where the band has as many channels as theirs had.

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
    agents = {name: [gym_suite.make_controller(envs, name)] for name in AGENTS}
    if channels == CHANNELS:
        agents["ppo"] = policies()
    means, errors = [], []
    for trainings in agents.values():
        rate = np.mean([_rate(envs, agent, seed) for agent in trainings], axis=0)
        means.append(rate.mean())
        errors.append(rate.std(ddof=1) / np.sqrt(EPISODES))
    envs.close()
    return Ladder(tuple(agents), np.array(means), np.array(errors))


def policies() -> list[Any]:
    """Return the policies that ship for the id, one a training seed."""
    from gym_suite.core.page_tables import policy_folders
    from gym_suite.learning import load_policy
    from gym_suite.registration import card

    folder = dict(policy_folders(card(ID)))["nominal"]
    return [load_policy(path, ID) for path in sorted(folder.glob("ppo-*.npz"))]


def _rate(envs: Any, agent: Any, seed: int) -> NDArray[np.float64]:
    """Return what an agent gets through, a slot, in each episode."""
    observations, _ = envs.reset(seed=seed)
    states, total = None, np.zeros(EPISODES)
    for _ in range(STEPS):
        actions, states = agent.predict(observations, states)
        observations, rewards, *_ = envs.step(actions)
        total += rewards
    return total / STEPS


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


@dataclass(frozen=True, slots=True)
class Trace:
    """A real channel beside the chain of two states that changes as often.

    Attributes:
        p11: Part of the idle slots that an idle one follows.
        p01: Part of the busy slots that an idle one follows.
        busy: Part of all slots that are busy.
        longer: Part of the busy runs that last longer than 0, 1, ... slots, (slots,).
        longer_chain: The same of the chain, (slots,).
        belief: Part of idle slots 1, 2, ... slots after an idle one, (slots,).
        belief_chain: The same of the chain, (slots,).
    """

    p11: float
    p01: float
    busy: float
    longer: NDArray[np.float64]
    longer_chain: NDArray[np.float64]
    belief: NDArray[np.float64]
    belief_chain: NDArray[np.float64]


@cache
def readings() -> NDArray[np.int64]:
    """Return a minute of noise on one channel in a library full of wireless networks, dBm, (60000,).

    One reading a millisecond (TinyOS, meyer-heavy; Lee, Cerpa and Levis, "Improving Wireless Simulation Through Noise
    Modeling", IPSN 2007; the period is the paper's, the file tells none).
    """
    path = resources.files("gym_suite.labs").joinpath("recordings/library_noise.csv.gz")
    with resources.as_file(path) as file:
        return np.loadtxt(file, dtype=np.int64, skiprows=1)


def against_chain(idle: NDArray[np.bool_], slots: int = LONGEST) -> Trace:
    """Compare a channel with the chain of two states that has its frequencies of change.

    Args:
        idle: Whether each slot is idle; both states occur, and no run is all of it.
        slots: Over how many slots.

    Raises:
        ValueError: If the channel is always idle or always busy, so that it shows no change from one of the states.
    """
    before, after = idle[:-1], idle[1:]
    if before.all() or not before.any():
        raise ValueError("the channel is always in one state, so there is nothing to compare")
    p11, p01 = float(after[before].mean()), float(after[~before].mean())
    edges = np.flatnonzero(before != after)
    lengths, begins_busy = np.diff(edges), ~after[edges[:-1]]
    runs = lengths[begins_busy]
    counts = range(slots)
    belief = [idle[k:][idle[:-k]].mean() for k in range(1, slots + 1)]
    return Trace(
        p11=p11,
        p01=p01,
        busy=float(1.0 - idle.mean()),
        longer=np.array([np.mean(runs > k) for k in counts], dtype=np.float64),
        longer_chain=np.array([(1.0 - p01) ** k for k in counts], dtype=np.float64),
        belief=np.array(belief, dtype=np.float64),
        belief_chain=beliefs(p11, p01, slots)[0],
    )
