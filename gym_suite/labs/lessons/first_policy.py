"""Train a first policy with PPO, and put it beside the PI controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "gem/PMSM-v0"
ROWS, ROLLOUT = 128, 16
EPISODES, STEPS, FIRST_SEED = 16, 200, 5_000

LAB = Lab(
    number=14,
    name="first_policy",
    title="Your first policy, beside the PI controller",
    minutes=60,
    prerequisites="the idea of a return and of a policy; lab 13 is a good companion",
    extras=("rl",),
    draws=(
        Draw(name="discount", low=0.80, high=0.96, step=0.01, meaning="discount"),
        Draw(name="rows", low=64, high=256, step=32, meaning="environments side by side"),
        Draw(name="rollout", low=8, high=32, step=4, meaning="steps of each before an update"),
        Draw(
            name="total", low=0.2, high=2.0, step=0.1, unit="million", meaning="steps of a training"
        ),
        Draw(name="clip", low=0.10, high=0.28, step=0.02, meaning="clip range of PPO"),
        Draw(name="ratio", low=1.35, high=1.70, step=0.05, meaning="new over old probability"),
        Draw(name="earned", low=150.0, high=180.0, step=1.0, meaning="return of a policy"),
    ),
    questions=(
        Question(
            key="horizon",
            text="With the discount {discount:g} a constant reward of 1 a step is worth how much in all?",
            tolerance=0.01,
            hint="A geometric series.",
        ),
        Question(
            key="milliseconds",
            text="A step lasts 0.1 ms. After how many milliseconds has the weight of a reward fallen to 1/e?",
            unit="ms",
            tolerance=0.02,
            hint="Solve discount^k = 1/e for k, and multiply.",
        ),
        Question(
            key="updates",
            text="{rows:g} environments run side by side, {rollout:g} steps each before an update. How many "
            "updates has a training of {total:g} million steps?",
            tolerance=0.01,
            hint="How many steps does one update use?",
        ),
        Question(
            key="clip",
            text="PPO keeps the ratio of the new to the old probability within {clip:g} of 1. An action has the "
            "advantage 1 and the ratio {ratio:g}. What does it contribute to the objective?",
            tolerance=0.005,
            hint="The smaller of the clipped and the unclipped product.",
        ),
        Question(
            key="score",
            text="Doing nothing returns 100, the PI controller 184, your policy {earned:g}. Which score has your "
            "policy?",
            tolerance=0.005,
            hint="0 is doing nothing, 1 the reference controller; linear between and beyond.",
        ),
        Question(
            key="judged",
            text="Why is the policy judged on episodes that it has not trained on, and on the same ones as the "
            "controller?",
            choices=(
                "Because the training's episodes are no longer available.",
                "New ones show what it does in general; the same ones take the luck of the draw out of the "
                "difference.",
                "So that the policy has a small advantage over the controller.",
            ),
            hint="Two reasons: one for new, one for the same.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to.

    Attributes:
        steps: Steps trained at each point of the curve, (k,).
        scores: Score at each, 0 do-nothing and 1 the controller, (k,).
        time: s, of the episode that is shown, (n,).
        reference: q current wanted, A, (n,).
        policy: q current under the policy, A, (n,).
        controller: Under the controller, A, (n,).
    """

    steps: NDArray[np.float64]
    scores: NDArray[np.float64]
    time: NDArray[np.float64]
    reference: NDArray[np.float64]
    policy: NDArray[np.float64]
    controller: NDArray[np.float64]


def train(*, steps: int, discount: float, learning_rate: float, seed: int) -> Trained:
    """Train with PPO, judge at five points on the way, and return what came of it.

    Args:
        steps: Environment steps.
        discount: Of rewards.
        learning_rate: Of the optimiser.
        seed: Of the training.

    Raises:
        ModuleNotFoundError: Stable-Baselines3 is not installed.
    """
    from gym_suite.learning import make_sb3_vec

    envs = make_sb3_vec(ID, ROWS, metrics=False)
    import torch
    from stable_baselines3 import PPO

    torch.set_num_threads(1)
    model = PPO(
        "MlpPolicy",
        envs,
        n_steps=ROLLOUT,
        batch_size=ROWS * ROLLOUT // 2,
        n_epochs=4,
        gamma=discount,
        gae_lambda=0.9,
        learning_rate=learning_rate,
        policy_kwargs={"log_std_init": -0.5},
        device="cpu",
        seed=seed,
    )
    import gymnasium

    import gym_suite

    judge = gymnasium.make_vec(ID, num_envs=EPISODES)
    pi = gym_suite.make_controller(judge, "pi")
    nothing = gym_suite.make_controller(judge, "zero")
    low, high = _earned(judge, nothing), _earned(judge, pi)
    points, scores = [0.0], [(_earned(judge, model) - low) / (high - low)]
    for _ in range(5):
        model.learn(max(ROWS * ROLLOUT, steps // 5), reset_num_timesteps=False)
        points.append(float(model.num_timesteps))
        scores.append((_earned(judge, model) - low) / (high - low))
    shown = [_shown(agent) for agent in (model, pi)]
    judge.close()
    envs.close()
    time: NDArray[np.float64] = 1e-4 * np.arange(len(shown[0]), dtype=np.float64)
    return Trained(
        steps=np.array(points),
        scores=np.array(scores),
        time=time,
        reference=shown[1][:, 0],
        policy=shown[0][:, 1],
        controller=shown[1][:, 1],
    )


def _earned(envs: Any, agent: Any) -> float:
    """Return the mean return of the judging episodes; a row that ends early earns nothing more."""
    observations, _ = envs.reset(seed=FIRST_SEED)
    states, total = None, np.zeros(EPISODES)
    running = np.ones(EPISODES, np.bool_)
    for _ in range(STEPS):
        actions, states = agent.predict(observations, states, deterministic=True)
        observations, rewards, terminated, truncated, _ = envs.step(actions)
        total += np.where(running, rewards, 0.0)
        running &= ~(terminated | truncated)
    return float(total.mean())


def _shown(agent: Any) -> NDArray[np.float64]:
    """Return wanted and true q current of one judging episode, (STEPS + 1, 2); held from an early end on."""
    import gymnasium

    env = gymnasium.make(ID)
    observation, info = env.reset(seed=FIRST_SEED)
    state, rows = None, [(info["i_sq_ref"], info["i_sq"])]
    ended = False
    for _ in range(STEPS):
        if not ended:
            action, state = agent.predict(observation, state, deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            ended = terminated or truncated
        rows.append((info["i_sq_ref"], info["i_sq"]))
    env.close()
    return np.array(rows, dtype=np.float64)
