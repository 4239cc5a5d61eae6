"""Regret of bandits, belief-based laws and chance on Gilbert-Elliott channels, against the optimum.

Bandits take what a channel gave for what it gives, and are late when it turns. The myopic law and
Whittle's index know how channels change and keep to the optimum.

python examples/regret_over_time.py --out regret.png
"""

import argparse
from pathlib import Path

import gymnasium
import matplotlib.pyplot as plt
import numpy as np

import gym_suite

ID = "radio/GilbertElliott-v0"
LAWS = ("hopper", "ucb1", "sw_ucb", "thompson", "exp3", "markov", "myopic", "whittle")


def earned(name: str, *, episodes: int, **keywords) -> np.ndarray:
    """Return what a controller has earned by each step of each episode, (episodes, steps + 1)."""
    envs = gymnasium.make_vec(ID, num_envs=episodes, **keywords)
    controller = gym_suite.make_controller(envs, name)
    observation, _ = envs.reset(seed=0)  # all controllers meet the same channels
    state, rewards = None, [np.zeros(episodes)]
    for _ in range(envs.unwrapped.setup.horizon):
        action, state = controller.predict(observation, state)
        observation, reward, *_ = envs.step(action)
        rewards.append(reward)
    envs.close()
    return np.cumsum(rewards, axis=0).T


def main(out: str | None = None, episodes: int = 100):
    """Draw the regret with 95 % bands and return the mean regret of an episode by controller."""
    keywords = {"channels": 5, "p01": 0.1, "p11": 0.9, "steps": 400}
    setup = gymnasium.make(ID, **keywords).unwrapped.setup
    optimum = next(mark for mark in setup.marks(400) if mark.kind == "optimum")
    print(f"optimum {optimum.value:.1f} an episode: {optimum.meaning}")
    rate = optimum.value / 400
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    regrets, steps = {}, np.arange(401)
    for k, name in enumerate(LAWS):
        regret = rate * steps - earned(name, episodes=episodes, **keywords)
        mean = regret.mean(axis=0)
        half = 1.96 * regret.std(axis=0, ddof=1) / np.sqrt(episodes)
        style = "--" if k >= 6 else "-"
        axes.plot(steps, mean, style, color=f"C{k}", label=f"{name} ({mean[-1]:.0f})")
        axes.fill_between(steps, mean - half, mean + half, color=f"C{k}", alpha=0.2, lw=0)
        regrets[name] = float(mean[-1])
        print(f"{name:9s} regret {mean[-1]:6.1f} +- {half[-1]:.1f}")
    axes.axhline(0.0, color="black", lw=0.8)
    axes.set(xlabel="step", ylabel="regret to the optimum", xlim=(0, 400))
    axes.set_title(f"{episodes} episodes, means with 95 % bands, five channels, p01 0.1, p11 0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    if out:
        figure.savefig(Path(out), dpi=120)
    plt.close(figure)
    return regrets


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="regret.png")
    main(parser.parse_args().out)
