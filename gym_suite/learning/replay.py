"""Methods that learn from a buffer of what happened: SAC, DDPG and TD3."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from gym_suite.learning.hyperparameters import Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings(Settings):
    """A method for numbers that learns from a buffer of what happened, again and again.

    Attributes:
        buffer: Transitions kept.
        learning_starts: Transitions before the first gradient step.
        polyak: Weight of the newest networks in the targets' average.
        gradient_steps: Gradient steps per step of all rows.
    """

    continuous: ClassVar[bool] = True

    buffer: int
    learning_starts: int
    polyak: float
    gradient_steps: int

    def build_as(self, cls: Any, env: Any, seed: int, **more: Any) -> Any:
        """The untrained model of a class of Stable-Baselines3."""
        return cls(
            "MlpPolicy",
            env,
            buffer_size=self.buffer,
            learning_starts=self.learning_starts,
            batch_size=self.batch,
            tau=self.polyak,
            gamma=self.discount,
            gradient_steps=self.gradient_steps,
            learning_rate=self.learning_rate_at(),
            policy_kwargs=self.network_keywords(),
            seed=seed,
            device="cpu",
            **more,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SACSettings(ReplaySettings):
    """Soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905), entropy weight adapted."""

    def build(self, env: Any, seed: int) -> Any:
        """The untrained Stable-Baselines3 model."""
        from stable_baselines3 import SAC

        return self.build_as(SAC, env, seed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DDPGSettings(ReplaySettings):
    """Deep deterministic policy gradient (Lillicrap et al. 2015, arXiv:1509.02971).

    It explores by an Ornstein-Uhlenbeck process added to the action, as its authors do.

    Attributes:
        noise_std: Standard deviation that the process settles at, in parts of the action's range [-1, 1].
        noise_time: Time constant after which it has forgotten where it was, in control periods.
    """

    noise_std: float
    noise_time: float

    def build(self, env: Any, seed: int) -> Any:
        """The untrained Stable-Baselines3 model."""
        from stable_baselines3 import DDPG

        return self.build_as(DDPG, env, seed, action_noise=self.exploration(env))

    def exploration(self, env: Any) -> Any:
        """The process, one of its own for each row.

        Sampled every control period it is ``x' = x - theta x + sigma w`` with white w, whose variance settles at
        ``sigma^2 / (theta (2 - theta))``.
        """
        from stable_baselines3.common.noise import (
            OrnsteinUhlenbeckActionNoise,
            VectorizedActionNoise,
        )

        width = env.action_space.shape[0]
        theta = 1.0 / max(1.0, self.noise_time)
        sigma = self.noise_std * (theta * (2.0 - theta)) ** 0.5
        process = OrnsteinUhlenbeckActionNoise(
            np.zeros(width), np.full(width, sigma), theta=theta, dt=1.0
        )
        return VectorizedActionNoise(process, env.num_envs)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TD3Settings(DDPGSettings):
    """Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, arXiv:1802.09477).

    It explores as DDPG does here, so that the two differ by what TD3 adds alone.

    Attributes:
        policy_delay: Steps of the critics for one of the policy.
        target_noise: Standard deviation of the noise on the target's action.
        target_clip: Bound of that noise.
    """

    policy_delay: int
    target_noise: float
    target_clip: float

    def build(self, env: Any, seed: int) -> Any:
        """The untrained Stable-Baselines3 model."""
        from stable_baselines3 import TD3

        return self.build_as(
            TD3,
            env,
            seed,
            action_noise=self.exploration(env),
            policy_delay=self.policy_delay,
            target_policy_noise=self.target_noise,
            target_noise_clip=self.target_clip,
        )
