"""Jamming as a game: mixed strategies, the value, and exploitability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "radio/JammingGame-v0"
STEPS = 400

LAB = Lab(
    number=10,
    name="jamming_game",
    title="Jamming as a game: who can be foretold loses",
    minutes=40,
    prerequisites="probability and expected values",
    draws=(
        Draw(name="first", low=0.9, high=1.0, step=0.02, meaning="worth of channel 1"),
        Draw(name="second", low=0.70, high=0.88, step=0.02, meaning="worth of channel 2"),
        Draw(name="third", low=0.56, high=0.68, step=0.02, meaning="worth of channel 3"),
        Draw(name="channels", low=6, high=12, step=1, meaning="channels of equal worth"),
        Draw(name="jammers", low=2, high=4, step=1, meaning="jammers on these"),
    ),
    questions=(
        Question(
            key="equal",
            text="{channels:g} channels are all worth 1, and {jammers:g} jammers each jam one. Which part of its "
            "transmissions gets through for sure, if the transmitter plays as well as it can?",
            tolerance=0.005,
            hint="Nobody prefers a channel. What does a uniform choice meet, whatever the jammers do?",
        ),
        Question(
            key="value",
            text="Three channels are worth {first:g}, {second:g} and {third:g}, one jammer jams one of them. "
            "What is the game worth for the transmitter, a step?",
            tolerance=0.005,
            hint="With all three in play the transmitter's probabilities make the jammer indifferent: they are "
            "in proportion to one over the worth.",
        ),
        Question(
            key="often",
            text="With which probability does the transmitter then use the channel that is worth most?",
            tolerance=0.005,
            hint="It is not the one that it uses most often.",
        ),
        Question(
            key="jammed",
            text="And with which probability does the jammer jam that channel?",
            tolerance=0.01,
            hint="The transmitter must not earn more on it than the value of the game.",
        ),
        Question(
            key="exploited",
            text="A transmitter chooses these three channels uniformly. By how much does it fall short of the "
            "value against the jammer's best answer?",
            tolerance=0.02,
            hint="The best answer jams the channel on which it earns most.",
        ),
        Question(
            key="answer",
            text="The jammer plays its minimax strategy. What is your best answer to it?",
            choices=(
                "Only the minimax strategy of the transmitter.",
                "The channel that is worth most, always.",
                "Any channel that is in play: all earn the same against it.",
            ),
            hint="Move the sliders and look what you earn against the minimax jammer.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Played:
    """What a transmitter's mixed strategy earns, a step.

    Attributes:
        strategy: Its probabilities, (3,).
        value: Of the game.
        optimal: The minimax strategy, (3,).
        jammed: The minimax jammer's probabilities, (3,).
        conceded: Against the best answer.
        against_minimax: Against the minimax jammer, in the mean.
        earned: Mean up to each step of an episode against the minimax jammer, (STEPS,).
    """

    strategy: NDArray[np.float64]
    value: float
    optimal: NDArray[np.float64]
    jammed: NDArray[np.float64]
    conceded: float
    against_minimax: float
    earned: NDArray[np.float64]


def worth(numbers: Mapping[str, float]) -> tuple[float, float, float]:
    """Return what the three channels are worth.

    Args:
        numbers: The student's numbers.
    """
    return numbers["first"], numbers["second"], numbers["third"]


def play(values: Sequence[float], weights: Sequence[float], seed: int = 0) -> Played:
    """Play an episode with a mixed strategy against the minimax jammer, and return what is to be said of it.

    Args:
        values: What each channel is worth.
        weights: Of the transmitter's channels, not all zero; in proportion to its probabilities.
        seed: Of the episode.
    """
    import gym_suite
    from gym_suite.radio.bounds import conceded, jamming_game

    total = float(sum(weights))
    strategy = np.array(weights, dtype=np.float64) / total if total > 0.0 else np.full(3, 1.0 / 3.0)
    game = jamming_game(values, 1)
    env = gym_suite.parallel_env(ID, values=tuple(values), jammers=1, steps=STEPS)
    minimax = gym_suite.make_controller(env, "minimax", seed=seed)
    observations, _ = env.reset(seed=seed)
    transmitter, *_ = env.agents
    generator = np.random.default_rng(seed)
    states, earned = None, []
    while env.agents:
        live = list(env.agents)
        actions, states = minimax.predict(np.array([observations[name] for name in live]), states)
        chosen = dict(zip(live, actions, strict=True))
        chosen[transmitter] = 1 + int(generator.choice(3, p=strategy))
        observations, rewards, *_ = env.step(chosen)
        earned.append(rewards[transmitter])
    env.close()
    mean: NDArray[np.float64] = np.cumsum(earned) / np.arange(1.0, len(earned) + 1.0)
    return Played(
        strategy=strategy,
        value=game.value,
        optimal=game.transmitter,
        jammed=game.jammers,
        conceded=conceded(values, 1, strategy.tolist()),
        against_minimax=float(strategy @ (np.array(values) * (1.0 - game.jammers))),
        earned=mean,
    )
