"""The methods that learn: their hyper-parameters, checked when they are read, and the untrained models they make."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.learning.policies import ACTIVATIONS
from gym_suite.learning.randomised import check_randomise

# Numbers that need not be positive, or that have an upper bound.
BOUNDS: dict[str, dict[str, float]] = {
    "discount": {"low": 0.0, "high": 1.0},
    "gae_lambda": {"low": 0.0, "high": 1.0},
    "polyak": {"low": 0.0, "high": 1.0},
    "learning_rate_final": {"low": 0.0},
    "entropy": {"low": 0.0},
    "noise_std": {"low": 0.0},
    "target_noise": {"low": 0.0},
    "learning_starts": {"low": 0.0},
    "log_std": {"low": -20.0, "high": 2.0},
    "log_std_final": {"low": -20.0, "high": 2.0},
    "bonus_weight": {"low": 0.0},
    "reward_weight": {"low": 0.0},
    "bonus_discount": {"low": 0.0, "high": 1.0},
    "warm_up": {"low": 0.0},
    "time_limit": {"low": 0.0},
    "noise_steps": {"low": 0.0},
    "rounds": {"low": 0.0},
    "critic_rollouts": {"low": 0.0},
    "predictor_share": {"above": 0.0, "high": 1.0},
    "cells": {"above": 0.0, "high": 4096.0},
    "novelty_cells": {"above": 0.0, "high": 4096.0},
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ABC):
    """What every algorithm needs to know.

    Attributes:
        steps: Environment steps of one training run, over all rows.
        rows: Environments stepped together.
        network: Widths of the hidden layers, of the policy and of the critic alike.
        activation: ``"tanh"`` or ``"relu"``.
        normalize: Whether observations and rewards are scaled by running statistics.
        discount: Discount per control period.
        learning_rate: Step size of Adam at the start.
        learning_rate_final: Step size at the end; it falls linearly.
        batch: Transitions per gradient step.
        evaluations: Number of evaluations spread over the run.
        visited: Observation columns that tell where the agent is; the cells that it has visited
            are then counted and go into the curves. Empty: not counted.
        cells: Cells along each of these columns.
        time_limit: Steps after which an episode of training is cut short, which is no end: the rest
            is estimated. Where most episodes bring nothing more starts are seen so. 0: the id's own.
        randomise: Plant keywords (noise, mismatch, delay, disturbance) to a value or a list of values; rows are spread
            evenly over all combinations. Empty: the plant is the nominal one.
        adam_epsilon: Of the class: what Adam adds to the root of the squared gradients' average; the library's own.
        continuous: Of the class: whether the algorithm gives numbers only, no choices.
        history: Number of the last observations that the policy decides by. Where actions arrive late by a number
            of periods that nobody tells, what was done and seen before is what tells it.
    """

    continuous: ClassVar[bool] = False
    adam_epsilon: ClassVar[float] = 1e-8

    steps: int
    rows: int
    network: tuple[int, ...]
    activation: str
    normalize: bool
    discount: float
    learning_rate: float
    learning_rate_final: float
    batch: int
    evaluations: int
    visited: tuple[str, ...] = ()
    cells: int = 32
    time_limit: int = 0
    randomise: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    history: int = 1

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise unknown_error("activation", self.activation, ACTIVATIONS)
        widths = self.network
        if not isinstance(widths, list | tuple) or not all(
            type(w) is int and w > 0 for w in widths
        ):
            raise ValueError(f"network must be a list of positive whole numbers, got {widths!r}")
        object.__setattr__(self, "network", tuple(widths))
        object.__setattr__(self, "randomise", check_randomise(self.randomise))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "bool" and not isinstance(value, bool):
                raise ValueError(f"{field.name} must be true or false, got {value!r}")
            if field.type == "str" and not isinstance(value, str):
                raise ValueError(f"{field.name} must be a name, got {value!r}")
            if field.type == "tuple[str, ...]":
                if not isinstance(value, list | tuple) or not all(
                    isinstance(v, str) for v in value
                ):
                    raise ValueError(f"{field.name} must be a list of names, got {value!r}")
                object.__setattr__(self, field.name, tuple(value))
            if field.type in ("int", "float"):
                bounds = BOUNDS.get(field.name, {"above": 0.0})
                whole = field.type == "int"
                number = check_number(
                    field.name, getattr(self, field.name), integer=whole, **bounds
                )
                object.__setattr__(self, field.name, int(number) if whole else number)
        if self.history > 1 and self.by_column:
            raise ValueError(
                f"history must be 1 where single columns of the observation are looked at ({self.by_column}), "
                f"got {self.history}"
            )

    @property
    def by_column(self) -> str:
        """The setting that looks at single columns of an observation or at all of a single one; empty: none."""
        return "visited" if self.visited else ""

    def learning_rate_at(self) -> Callable[[float], float]:
        """The learning rate by the remaining progress (1 at the start, 0 at the end)."""
        first, last = self.learning_rate, self.learning_rate_final
        return lambda remaining: last + (first - last) * remaining

    def network_keywords(self) -> dict[str, Any]:
        """The network as Stable-Baselines3's ``policy_kwargs``."""
        import torch

        from gym_suite.learning.updates import tanh_layer

        activation = tanh_layer() if self.activation == "tanh" else torch.nn.ReLU
        return {
            "net_arch": list(self.network),
            "activation_fn": activation,
            "optimizer_kwargs": {"eps": self.adam_epsilon, "fused": True},
        }

    @abstractmethod
    def build(self, env: Any, seed: int) -> Any:
        """The untrained Stable-Baselines3 model."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PPOSettings(Settings):
    """Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347).

    Attributes:
        rollout: Steps per row between updates.
        epochs: Passes over a rollout.
        gae_lambda: Decay of generalised advantage estimation (arXiv:1506.02438).
        clip_range: Bound of the probability ratio.
        entropy: Weight of the entropy bonus.
        value_weight: Weight of the value loss.
        max_gradient: Bound of the gradient's norm.
        log_std: Log standard deviation of the exploration at the start.
        log_std_final: Its value at the end, reached linearly. The spread follows this schedule
            and is not learned: how precise the policy gets is then no matter of luck. Choices
            have no spread; there ``entropy`` keeps the exploration up. With ``noise_steps`` it is
            that of each hidden feature's part in the noise.
        noise_steps: Steps for which a draw of the exploration noise, then a function of the state,
            is kept (generalised state-dependent exploration, Raffin et al. 2021, arXiv:2005.05719):
            an agent then goes somewhere, where noise of every step shakes it in its place. 0: every
            step has noise of its own.
    """

    adam_epsilon: ClassVar[float] = 1e-5

    rollout: int
    epochs: int
    gae_lambda: float
    clip_range: float
    entropy: float
    value_weight: float
    max_gradient: float
    log_std: float
    log_std_final: float
    noise_steps: int = 0

    def __post_init__(self):
        Settings.__post_init__(self)
        if self.rows * self.rollout % self.batch:
            raise ValueError(
                f"rows x rollout must be a multiple of batch, got {self.rows} x {self.rollout} "
                f"and {self.batch}"
            )

    def build(self, env: Any, seed: int) -> Any:
        """The untrained Stable-Baselines3 model."""
        from gym_suite.learning.updates import lean_ppo

        return self.build_as(lean_ppo(), env, seed)

    def build_as(self, cls: Any, env: Any, seed: int, **more: Any) -> Any:
        """The untrained model of a subclass of PPO."""
        model = cls(
            "MlpPolicy",
            env,
            n_steps=self.rollout,
            batch_size=self.batch,
            n_epochs=self.epochs,
            gamma=self.discount,
            gae_lambda=self.gae_lambda,
            learning_rate=self.learning_rate_at(),
            clip_range=self.clip_range,
            ent_coef=self.entropy,
            vf_coef=self.value_weight,
            max_grad_norm=self.max_gradient,
            policy_kwargs={**self.network_keywords(), "log_std_init": self.log_std},
            use_sde=self.noise_steps > 0,
            sde_sample_freq=self.noise_steps or -1,
            seed=seed,
            device="cpu",
            **more,
        )
        if hasattr(model.policy, "log_std"):
            model.policy.log_std.requires_grad_(False)
        return model


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BonusSettings(PPOSettings):
    """PPO with a bonus for novelty, see :class:`gym_suite.learning.rnd.BonusPPO`.

    Attributes:
        bonus_weight: Weight of the bonus's advantage; at 0 this is PPO.
        reward_weight: Weight of the reward's advantage.
        bonus_discount: Discount of the bonus per control period.
        bonus_episodic: Whether the bonus's stream ends with the episode.
        warm_up: Rollouts in which the bonus only gets to know the scale of the states.
        novelty: Observation columns in which novelty is sought; empty for all. Few, exact and
            bounded ones are best: noise in them stays novel for ever.
    """

    bonus_weight: float
    reward_weight: float
    bonus_discount: float
    bonus_episodic: bool
    warm_up: int
    novelty: tuple[str, ...]

    @property
    def by_column(self) -> str:
        """The setting that looks at single columns of an observation."""
        return "novelty"

    def build(self, env: Any, seed: int) -> Any:
        """The untrained model."""
        from gym_suite.learning.rnd import bonus_ppo

        columns, bonus = self.bonus(env, seed)
        return self.build_as(
            bonus_ppo(),
            env,
            seed,
            bonus=bonus,
            columns=columns,
            weight=self.bonus_weight,
            reward_weight=self.reward_weight,
            bonus_discount=self.bonus_discount,
            episodic=self.bonus_episodic,
            warm_up=self.warm_up,
        )

    @abstractmethod
    def bonus(self, env: Any, seed: int) -> tuple[list[int], Any]:
        """The observation columns that the bonus looks at, and the bonus."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RNDSettings(BonusSettings):
    """PPO with random network distillation (Burda et al. 2018, arXiv:1810.12894).

    Attributes:
        features: Outputs of target and predictor.
        width: Width of their hidden layers.
        fourier: Random Fourier features that they see of the state.
        bandwidth: Standard deviation of the features' frequencies.
        predictor_rate: Step size of the predictor's Adam.
        predictor_share: Part of a rollout that the predictor is trained on in each of ``epochs``.
        predictor_batch: States per gradient step of the predictor.
    """

    features: int
    width: int
    fourier: int
    bandwidth: float
    predictor_rate: float
    predictor_share: float
    predictor_batch: int

    def bonus(self, env: Any, seed: int) -> tuple[list[int], Any]:
        """The observation columns that the bonus looks at, and the bonus."""
        from gym_suite.learning.novelty import columns_of
        from gym_suite.learning.rnd import RandomNetworkDistillation

        space = env.observation_space
        columns = columns_of(space, self.novelty)
        return columns, RandomNetworkDistillation(
            space.low[columns],
            space.high[columns],
            features=self.features,
            width=self.width,
            fourier=self.fourier,
            bandwidth=self.bandwidth,
            rate=self.predictor_rate,
            share=self.predictor_share,
            epochs=self.epochs,
            batch=self.predictor_batch,
            seed=seed,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CountSettings(BonusSettings):
    """PPO with the bonus 1 / sqrt(visits) of the cells of the columns ``novelty``, counted exactly.

    Attributes:
        novelty_cells: Cells along each of these columns.
    """

    novelty_cells: int

    def bonus(self, env: Any, seed: int) -> tuple[list[int], Any]:
        """The observation columns that the bonus looks at, and the bonus."""
        from gym_suite.learning.novelty import CountBonus, Visits, columns_of

        space = env.observation_space
        columns = columns_of(space, self.novelty)
        low, high = space.low[columns], space.high[columns]
        return columns, CountBonus(Visits(low, high, self.novelty_cells))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DaggerSettings(PPOSettings):
    """PPO after imitation of a controller, see :class:`gym_suite.learning.imitation.DaggerPPO`.

    ``steps`` counts the rounds of imitation too, and so do the schedules of step size and spread.

    Attributes:
        teacher: Name of the controller that is imitated; empty for the id's reference controller.
        rounds: Rounds of imitation; with 0 this is PPO.
        round_steps: Steps of each row in a round.
        fits: Gradient steps after each round.
        fit_batch: States per gradient step.
        fit_rate: Step size of Adam at the start of a round.
        critic_rollouts: Rollouts after the rounds in which only the critic learns.
    """

    teacher: str
    rounds: int
    round_steps: int
    fits: int
    fit_batch: int
    fit_rate: float
    critic_rollouts: int

    def __post_init__(self):
        PPOSettings.__post_init__(self)
        lessons = self.rounds * self.round_steps * self.rows
        if lessons > self.steps:
            raise ValueError(
                f"rounds x round_steps x rows, {lessons:,}, is more than steps, {self.steps:,}: nothing "
                "would be left for PPO; raise steps, or lower rounds or round_steps"
            )

    @property
    def by_column(self) -> str:
        """The setting that needs a single observation as it is: a teacher reads it."""
        return "rounds" if self.rounds else "visited" if self.visited else ""

    def build(self, env: Any, seed: int) -> Any:
        """The untrained model.

        Raises:
            ValueError: The id has no such teacher.
        """
        from gym_suite.learning.imitation import dagger_ppo
        from gym_suite.registration import make_controller

        return self.build_as(
            dagger_ppo(),
            env,
            seed,
            teacher=make_controller(env.unwrapped.envs, self.teacher or None),
            rounds=self.rounds,
            round_steps=self.round_steps,
            fits=self.fits,
            fit_batch=self.fit_batch,
            fit_rate=self.fit_rate,
            critic_rollouts=self.critic_rollouts,
        )


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


ALGORITHMS: dict[str, type[Settings]] = {
    "ppo": PPOSettings,
    "ppo-nominal": PPOSettings,
    "ppo-rnd": RNDSettings,
    "ppo-count": CountSettings,
    "ppo-dagger": DaggerSettings,
    "sac": SACSettings,
    "ddpg": DDPGSettings,
    "td3": TD3Settings,
}
#: Algorithms that share another one's entries, over which their own are laid.
BASES = {"ppo-nominal": "ppo", "ppo-rnd": "ppo", "ppo-count": "ppo", "ppo-dagger": "ppo"}
