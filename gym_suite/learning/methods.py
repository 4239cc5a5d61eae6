"""The methods that learn: their hyper-parameters, checked when they are read, and the untrained models they make."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Any, ClassVar

from gym_suite.learning.hyperparameters import Settings
from gym_suite.learning.replay import DDPGSettings, SACSettings, TD3Settings


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
        told: Whether a teacher that remembers its commands is told what the pupil did.
    """

    teacher: str
    rounds: int
    round_steps: int
    fits: int
    fit_batch: int
    fit_rate: float
    critic_rollouts: int
    told: bool

    def __post_init__(self):
        PPOSettings.__post_init__(self)
        lessons = self.rounds * self.round_steps * self.rows
        if lessons > self.steps:
            raise ValueError(
                f"rounds x round_steps x rows, {lessons:,}, is more than steps, {self.steps:,}: nothing "
                "would be left for PPO; raise steps, or lower rounds or round_steps"
            )

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
            told=self.told,
            seen=env.observation_space.shape[-1] // self.history,
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
