"""An honest comparison: how a single run misleads, what pairing and more seeds buy, and what an interval is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "gem/PMSM-v0"
EPISODES, STEPS = 40, 200
SCORES = tuple("abcdefgh")
#: Draws of which the lab shows the scatter.
RESAMPLES = 2000

LAB = Lab(
    number=13,
    name="honest_comparison",
    title="An honest comparison",
    minutes=45,
    prerequisites="mean, variance, correlation and the idea of a confidence interval",
    draws=(
        *(
            Draw(name=name, low=0.30, high=1.10, step=0.01, meaning=f"score of episode {name}")
            for name in SCORES
        ),
        Draw(name="tries", low=6, high=20, step=1, meaning="settings that somebody tries"),
        Draw(
            name="rho", low=0.50, high=0.96, step=0.02, meaning="correlation of two agents' returns"
        ),
        Draw(name="n", low=8, high=30, step=1, meaning="episodes of a pilot study"),
    ),
    questions=(
        Question(
            key="iqm",
            text="Eight episodes gave the scores {a:g}, {b:g}, {c:g}, {d:g}, {e:g}, {f:g}, {g:g}, {h:g}. How "
            "large is their interquartile mean?",
            tolerance=0.002,
            hint="Sort them, leave out the lowest and the highest quarter, and take the mean of the rest.",
        ),
        Question(
            key="found",
            text="Somebody tries {tries:g} settings, none of which is better than the reference, and tests each "
            "at the level of 5 %. With which probability does at least one look better or worse than it is? (The "
            "tests are independent.)",
            tolerance=0.01,
            hint="Ask for the probability that none of them does.",
        ),
        Question(
            key="pairing",
            text="Two agents' returns have the same variance and the correlation {rho:g}. By which factor is the "
            "standard error of the mean difference smaller if both run on the same episodes, instead of on "
            "different ones? (Give paired over unpaired.)",
            tolerance=0.01,
            hint="Write the variance of a difference with and without its covariance, and take the root.",
        ),
        Question(
            key="more",
            text="A pilot study of {n:g} episodes gave an interval that is twice as wide as you want. How many "
            "episodes do you need in all?",
            tolerance=0.001,
            hint="The standard error falls with the root of the number.",
        ),
        Question(
            key="trainings",
            text="A learned method was trained once and run on 10,000 episodes. What does a narrow interval of "
            "its mean return say?",
            choices=(
                "How good the method is.",
                "How good this one policy is; what another training would give it does not say.",
                "Nothing, because 10,000 episodes are too few.",
            ),
            hint="What was drawn at random once, and what 10,000 times?",
        ),
        Question(
            key="budget",
            text="A policy was trained with six million steps and a search of its settings; the PI controller "
            "has gains by a rule of thumb. What is missing for a comparison of the two methods?",
            choices=(
                "Nothing: a controller needs no training.",
                "The controller has to be made slower.",
                "The controller's gains are to be tuned with the same number of steps on the same plants.",
            ),
            hint="Who was allowed to look at the reward, and how often?",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Returns:
    """What agents earned on the same episodes.

    Attributes:
        controller: Return of each episode of the reference controller, (episodes,).
        policy: Return of each training's policy, (trainings, episodes).
    """

    controller: NDArray[np.float64]
    policy: NDArray[np.float64]


def returns(student: int) -> Returns:
    """Return what the reference controller and the shipped policies earn on a student's episodes, under noise.

    Args:
        student: The student's number, which decides the episodes.
    """
    import gymnasium

    import gym_suite
    from gym_suite.learning import load_policy, shipped

    envs = gymnasium.make_vec(ID, num_envs=EPISODES, noise=0.01, mismatch=0.2)
    seed = 1_000 * (student % 1_000_000)
    controller = gym_suite.make_controller(envs)
    policies = [load_policy(path) for path in shipped(ID, "ppo")]
    earned = [_play(envs, agent, seed) for agent in (controller, *policies)]
    envs.close()
    return Returns(earned[0], np.array(earned[1:]))


def _play(envs, agent, seed: int) -> NDArray[np.float64]:
    """Return the sum of rewards of each row's first episode, cut after :data:`STEPS`."""
    observations, _ = envs.reset(seed=seed)
    states, total = None, np.zeros(EPISODES)
    running = np.ones(EPISODES, np.bool_)
    for _ in range(STEPS):
        actions, states = agent.predict(observations, states)
        observations, rewards, terminated, truncated, _ = envs.step(actions)
        total += np.where(running, rewards, 0.0)
        running &= ~(terminated | truncated)
    return total


@dataclass(frozen=True, slots=True)
class Scatter:
    """Mean differences, policy less controller, of many small studies.

    Attributes:
        paired: Both on the same episodes, (RESAMPLES,).
        unpaired: Each on episodes of its own, (RESAMPLES,).
        misled: Share of the paired studies whose sign is not that of all data.
        whole: The difference of all data.
    """

    paired: NDArray[np.float64]
    unpaired: NDArray[np.float64]
    misled: float
    whole: float


def scatter(found: Returns, *, trainings: int, episodes: int, seed: int = 0) -> Scatter:
    """Return what studies with few trainings and episodes would have found.

    Args:
        found: All data.
        trainings: Trainings of a study.
        episodes: Episodes of a study.
        seed: Of the draw.
    """
    generator = np.random.default_rng(seed)
    count, length = found.policy.shape
    rows = generator.integers(count, size=(RESAMPLES, trainings))
    columns = generator.integers(length, size=(RESAMPLES, episodes))
    others = generator.integers(length, size=(RESAMPLES, episodes))
    policy = found.policy[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    paired = policy - found.controller[columns].mean(axis=1)
    whole = float(found.policy.mean() - found.controller.mean())
    return Scatter(
        paired=paired,
        unpaired=policy - found.controller[others].mean(axis=1),
        misled=float(np.mean(np.sign(paired) != np.sign(whole))),
        whole=whole,
    )


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the middle 95 % of some values.

    Args:
        values: Any number of them.
    """
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def drawn_scores(numbers: Mapping[str, float]) -> list[float]:
    """Return the eight scores of the first question.

    Args:
        numbers: The student's numbers.
    """
    return [numbers[name] for name in SCORES]
