"""Exploration: a reward that is hardly ever met, bonuses for what is new, and what trainings with them came to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

#: The scenes, from the easiest to the hardest, with the part of the name that students read.
SCENES = {
    "a bay": "agv/SimpleStatic-v0",
    "a bay, walking target": "agv/SimpleDynamic-v0",
    "racks": "agv/ComplexStatic-v0",
    "racks, walking target": "agv/ComplexDynamic-v0",
}
METHODS = ("ppo", "ppo-rnd", "ppo-count")
WORLDS = 64

LAB = Lab(
    number=12,
    name="exploration",
    title="Exploration: finding a reward that is hardly ever met",
    minutes=40,
    prerequisites="the geometric distribution, and what a discounted return is",
    draws=(
        Draw(
            name="chance",
            low=0.2,
            high=2.0,
            step=0.1,
            unit="%",
            meaning="random episodes that arrive",
        ),
        Draw(name="episodes", low=50, high=300, step=10, meaning="episodes of random actions"),
        Draw(name="away", low=300, high=900, step=50, unit="steps", meaning="to the target"),
        Draw(name="visits", low=9, high=64, step=1, meaning="visits of a cell"),
        Draw(name="bonus", low=0.05, high=0.30, step=0.01, meaning="weight of the bonus"),
    ),
    questions=(
        Question(
            key="wait",
            text="Random actions arrive in {chance:g} % of the episodes. How many episodes pass on average until "
            "the first arrives, that one included?",
            tolerance=0.01,
            hint="The number of tries until the first success has a geometric distribution.",
        ),
        Question(
            key="none",
            text="With which probability does none of {episodes:g} episodes arrive?",
            tolerance=0.02,
            hint="Every one of them has to miss.",
        ),
        Question(
            key="left",
            text="The target is {away:g} steps away and the discount is 0.99. Which part of its reward is left "
            "at the start?",
            tolerance=0.05,
            hint="A power of the discount.",
        ),
        Question(
            key="count",
            text="A bonus for novelty is {bonus:g} divided by the square root of the visits. How large is it in "
            "a cell that was visited {visits:g} times?",
            tolerance=0.01,
            hint="Take the root first.",
        ),
        Question(
            key="distillation",
            text="Random network distillation takes the error with which a network predicts the output of "
            "another, random one. Why is that a measure of novelty?",
            choices=(
                "Because the random network knows where the target is.",
                "Because the prediction has been trained on what was visited, and errs where nobody has been.",
                "Because the error is the same everywhere.",
            ),
            hint="On which data was the predicting network trained?",
        ),
        Question(
            key="seeds",
            text="One training out of five found the target early, the others late or never. What should a paper "
            "report?",
            choices=(
                "The best one, since it shows what the method can do.",
                "The mean return of the last step alone.",
                "All five: a median with its range, and how many never found it.",
            ),
            hint="What would somebody get who trains once more?",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Learned:
    """What the trainings of a method on a scene came to, as recorded.

    Attributes:
        steps: Environment steps, in millions, (points,).
        success: Episodes of the evaluation that arrived: a row a training, (trainings, points).
        coverage: Cells visited in training, (trainings, points).
        first: Steps until the first arrival in training, in millions; infinite where there was none, (trainings,).
    """

    steps: NDArray[np.float64]
    success: NDArray[np.float64]
    coverage: NDArray[np.float64]
    first: NDArray[np.float64]


def learned(scene: str) -> dict[str, Learned]:
    """Return what the shipped trainings of a scene came to, by method.

    Args:
        scene: A key of :data:`SCENES`.
    """
    from gym_suite.learning.records import read_curves
    from gym_suite.learning.shelf import folder_of

    rows = read_curves(folder_of(SCENES[scene]))
    found = {}
    for method in METHODS:
        mine = [row for row in rows if row["algo"] == method]
        seeds = sorted({row["seed"] for row in mine}, key=int)
        if not seeds:
            continue
        each = [[row for row in mine if row["seed"] == seed] for seed in seeds]
        points = min(map(len, each))
        found[method] = Learned(
            steps=np.array([float(row["step"]) / 1e6 for row in each[0][:points]]),
            success=_table(each, "evaluation_success", points),
            coverage=_table(each, "coverage", points),
            first=np.array([float(run[-1]["first_success"] or np.inf) / 1e6 for run in each]),
        )
    return found


def _table(runs: list[list[dict[str, str]]], column: str, points: int) -> NDArray[np.float64]:
    return np.array([[float(row[column] or np.nan) for row in run[:points]] for run in runs])


def visits(scene: str, hold: int, steps: int = 600, seed: int = 0) -> NDArray[np.float64]:
    """Return where random actions lead: positions of all vehicles at all times.

    Args:
        scene: A key of :data:`SCENES`.
        hold: Steps for which a random action is held.
        steps: Length of an episode.
        seed: Of the episodes and actions.

    Returns:
        (positions, 2): x and y in m.
    """
    import gymnasium

    envs = gymnasium.make_vec(SCENES[scene], num_envs=WORLDS)
    envs.reset(seed=seed)
    generator = np.random.default_rng(seed)
    action, places = np.zeros((WORLDS, 2)), []
    for step in range(steps):
        if step % hold == 0:
            action = generator.uniform(-1.0, 1.0, (WORLDS, 2))
        _, _, _, _, infos = envs.step(action)
        places.append(np.column_stack([infos["x"], infos["y"]]))
    envs.close()
    return np.concatenate(places)
