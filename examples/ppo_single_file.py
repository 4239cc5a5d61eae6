"""PPO in one file on the native vector environment, resets of the next-step mode masked.

In Gymnasium's default autoreset mode the step after an episode's end ignores the action and returns
the first observation of the next episode. That transition is not experience: here it gets zero
weight, and the value of the next episode never flows into the one before.

    python examples/ppo_single_file.py --steps 2000000
"""

import argparse
from dataclasses import dataclass
from time import perf_counter

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import flatdim
from torch import nn
from torch.distributions import Normal

import gym_suite  # noqa: F401 - registers the ids


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters."""

    id: str = "gem/PMSM-v0"
    envs: int = 64
    rollout: int = 128  # steps of each environment between two updates
    epochs: int = 5
    minibatch: int = 1024
    learning_rate: float = 1e-3
    gamma: float = 0.9
    gae_lambda: float = 0.9
    clip: float = 0.2
    value_weight: float = 0.5
    gradient_norm: float = 0.5
    seed: int = 1


class Agent(nn.Module):
    """A Gaussian policy and a value function."""

    def __init__(self, observations: int, actions: int) -> None:
        super().__init__()

        def network(outputs: int, gain: float) -> nn.Sequential:
            last = nn.Linear(64, outputs)
            nn.init.orthogonal_(last.weight, gain)
            nn.init.zeros_(last.bias)
            return nn.Sequential(
                nn.Linear(observations, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), last
            )

        self.mean = network(actions, 0.01)
        self.value = network(1, 1.0)
        self.log_std = nn.Parameter(torch.full((actions,), -0.5))

    def distribution(self, observation: torch.Tensor) -> Normal:
        """Return the distribution of the action, (n, actions)."""
        return Normal(self.mean(observation), self.log_std.exp())

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        """Return the mean action: the signature that `compare` and Stable-Baselines3 share."""
        with torch.no_grad():
            return self.mean(torch.as_tensor(np.asarray(observation))).clamp(-1, 1).numpy(), state


def collect(envs, agent, observation, resetting, settings):
    """Play one rollout.

    Args:
        envs: Vector environment in next-step mode.
        agent: The policy.
        observation: The observation to start from, (n, no).
        resetting: Whether the coming step of each environment is its reset, bool (n,).
        settings: Hyper-parameters.

    Returns:
        The rollout as tensors (rollout, n, ...), and observation and resetting to go on with.
    """
    names = ("observation", "action", "log_prob", "reward", "terminated", "done", "weight", "value")
    rows = {name: [] for name in names}
    for _ in range(settings.rollout):
        with torch.no_grad():
            seen = torch.as_tensor(observation)
            distribution = agent.distribution(seen)
            action = distribution.sample()
            rows["value"].append(agent.value(seen)[:, 0])
            rows["log_prob"].append(distribution.log_prob(action).sum(1))
        following, reward, terminated, truncated, _ = envs.step(action.clamp(-1, 1).numpy())
        rows["observation"].append(seen)
        rows["action"].append(action)
        rows["reward"].append(torch.as_tensor(reward, dtype=torch.float32))
        rows["terminated"].append(torch.as_tensor(terminated))
        rows["done"].append(torch.as_tensor(terminated | truncated))
        rows["weight"].append(torch.as_tensor(~resetting, dtype=torch.float32))
        observation, resetting = following, terminated | truncated
    return {name: torch.stack(values) for name, values in rows.items()}, observation, resetting


def advantages(rollout, last_value, settings):
    """Return generalised advantage estimates (arXiv 1506.02438), (rollout, n).

    The value after a step is that of the next observation, which in next-step mode is the true last
    one of the episode: a time limit is bootstrapped with it, a failure is worth nothing more. The
    estimate of a reset transition is not used by anyone, because the step before it was an end.
    """
    result = torch.zeros_like(rollout["reward"])
    following, value_after = torch.zeros_like(last_value), last_value
    for t in reversed(range(len(result))):
        alive, going_on = ~rollout["terminated"][t], ~rollout["done"][t]
        target = rollout["reward"][t] + settings.gamma * value_after * alive
        following = (
            target
            - rollout["value"][t]
            + (settings.gamma * settings.gae_lambda * following * going_on)
        )
        result[t], value_after = following, rollout["value"][t]
    return result


def update(agent, optimizer, rollout, advantage, settings, generator):
    """Improve the agent on one rollout, the reset transitions left out."""
    kept = rollout["weight"].flatten() > 0
    flat = {name: values.flatten(0, 1)[kept] for name, values in rollout.items()}
    gain = advantage.flatten()[kept]
    target = gain + flat["value"]
    gain = (gain - gain.mean()) / (gain.std() + 1e-8)
    for _ in range(settings.epochs):
        order = torch.randperm(len(gain), generator=generator)
        for rows in order.split(settings.minibatch):
            distribution = agent.distribution(flat["observation"][rows])
            log_prob = distribution.log_prob(flat["action"][rows]).sum(1)
            ratio = (log_prob - flat["log_prob"][rows]).exp()
            clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
            policy_loss = -torch.min(ratio * gain[rows], clipped * gain[rows]).mean()
            value_loss = (
                (agent.value(flat["observation"][rows])[:, 0] - target[rows]).square().mean()
            )
            optimizer.zero_grad()
            (policy_loss + settings.value_weight * value_loss).backward()
            nn.utils.clip_grad_norm_(agent.parameters(), settings.gradient_norm)
            optimizer.step()


def main(steps: int = 50_000, settings: Settings = Settings()) -> list[float]:
    """Train and return the mean reward per step of every rollout."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    envs = gymnasium.make_vec(settings.id, num_envs=settings.envs)
    agent = Agent(flatdim(envs.single_observation_space), flatdim(envs.single_action_space))
    optimizer = torch.optim.Adam(agent.parameters(), lr=settings.learning_rate)
    observation, _ = envs.reset(seed=settings.seed)
    resetting = np.zeros(settings.envs, dtype=bool)
    rewards = []
    start = perf_counter()
    for i in range(max(1, steps // (settings.envs * settings.rollout))):
        rollout, observation, resetting = collect(envs, agent, observation, resetting, settings)
        with torch.no_grad():
            last_value = agent.value(torch.as_tensor(observation))[:, 0]
        advantage = advantages(rollout, last_value, settings)
        update(agent, optimizer, rollout, advantage, settings, generator)
        weight = rollout["weight"]
        rewards.append(float((rollout["reward"] * weight).sum() / weight.sum()))
        done = (i + 1) * settings.envs * settings.rollout
        print(f"{done:9d} steps  {perf_counter() - start:6.1f} s  reward/step {rewards[-1]:.4f}")
    envs.close()
    return rewards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000_000)
    main(parser.parse_args().steps)
