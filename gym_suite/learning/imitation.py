"""PPO that begins as the pupil of a controller: dataset aggregation first, reinforcement learning after it.

Ross, Gordon, Bagnell, "A reduction of imitation learning and structured prediction to no-regret online learning",
AISTATS 2011 (DAgger): the pupil acts, the teacher says what it would have done in each state that the pupil came to,
and the pupil is fitted to all that was said so far. A teacher that remembers what it commanded can be told what was
done instead (:meth:`gym_suite.controllers.protocol.Controller.overruled`): what it says is then right of the state that
the pupil has come to. A teacher that is not told takes the pupil for a disturbance and says more against what the pupil
does not correct. Where a reward is so sparse that chance never finds it, an agent that comes near the goal now and then
has something to improve. Only the first round is the teacher's own doing.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class DaggerPPO:
    """Stable-Baselines3's PPO after rounds of imitation.

    The base class ``PPO`` is added by :func:`dagger_ppo`, so that this module can be imported without
    Stable-Baselines3. Rounds of imitation count as rollouts: they take environment steps, callbacks see them.

    Args:
        *args: Of ``PPO``.
        teacher: A controller, or None where there are no rounds.
        rounds: Rounds of imitation; with 0 this is PPO.
        round_steps: Steps of each environment in a round.
        fits: Gradient steps after each round.
        fit_batch: States per gradient step.
        fit_rate: Step size of Adam at the start of a round, from which it falls to a hundredth.
        critic_rollouts: Rollouts after the rounds in which only the critic learns; a critic that knows nothing would
            make the pupil forget.
        told: Whether a teacher that remembers its commands is told what the pupil did.
        seen: Columns of an observation. Where the pupil decides by several, one behind the other, the teacher is shown
            the last, which is the newest; 0: all there are.
        **keywords: Of ``PPO``.
    """

    def __init__(
        self,
        *args: Any,
        teacher: Any = None,
        rounds: int = 0,
        round_steps: int = 1000,
        fits: int = 2000,
        fit_batch: int = 1024,
        fit_rate: float = 1e-3,
        critic_rollouts: int = 0,
        told: bool = True,
        seen: int = 0,
        **keywords: Any,
    ):
        self.teacher, self.rounds, self.round_steps = teacher, rounds, round_steps
        self.fits, self.fit_batch, self.fit_rate = fits, fit_batch, fit_rate
        self.critic_rollouts, self.told, self.seen = critic_rollouts, told, seen
        self._round = 0
        self._states: Array | None = None  # of all rounds, (rounds * round_steps * rows, columns)
        self._answers: NDArray[Any] | None = None
        self._count = 0  # states that are there
        self._memory: Any = None
        super().__init__(*args, **keywords)

    def _setup_model(self) -> None:
        super()._setup_model()  # type: ignore[misc]
        if not self.rounds:
            return
        import torch

        this: Any = self
        self._lesson_generator = np.random.default_rng([2011, this.seed or 0])
        self._lesson_optimizer = torch.optim.Adam(self._actor_parameters(), lr=self.fit_rate)

    def _actor_parameters(self) -> list[Any]:
        policy = self.policy  # type: ignore[attr-defined]
        return [*policy.mlp_extractor.policy_net.parameters(), *policy.action_net.parameters()]

    def _excluded_save_params(self) -> list[str]:
        own = ["teacher", "_memory", "_states", "_answers", "_lesson_optimizer"]
        return [*super()._excluded_save_params(), *own]  # type: ignore[misc]

    @property
    def imitating(self) -> bool:
        """Whether rounds of imitation are still to come."""
        return self._round < self.rounds

    @property
    def guided(self) -> bool:
        """Whether the teacher acts: in the first round."""
        return self.imitating and self._round == 0

    def collect_rollouts(
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Collect a rollout as PPO does, or in a round of imitation states and the teacher's answers."""
        if not self.imitating:
            return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)  # type: ignore[misc]
        this: Any = self
        if self.teacher is None:
            raise ValueError(
                "rounds of imitation need a teacher; a model that was saved before they ended has "
                "lost it and what it said"
            )
        this.policy.set_training_mode(False)
        scaled = hasattr(env, "get_original_obs")
        callback.on_rollout_start()
        for _ in range(self.round_steps):
            raw = np.array(env.get_original_obs() if scaled else this._last_obs, np.float32)
            answer, self._memory = self.teacher.predict(
                raw[:, -self.seen :], self._memory, this._last_episode_starts, deterministic=True
            )
            self._note(raw, np.array(answer))
            actions = answer
            if not self.guided:
                actions, _ = this.policy.predict(this._last_obs, deterministic=True)
                # A controller can be told; any agent may teach.
                if self.told and hasattr(self.teacher, "overruled"):
                    self._memory = self.teacher.overruled(self._memory, answer, actions)
            new_obs, rewards, dones, infos = env.step(actions)
            this.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            this._update_info_buffer(infos, dones)
            this._last_obs, this._last_episode_starts = new_obs, dones
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _note(self, states: Array, answers: NDArray[Any]) -> None:
        """Keep the states of a step and what the teacher says of them."""
        if self._states is None or self._answers is None:
            size = self.rounds * self.round_steps * len(states)
            self._states = np.empty((size, *states.shape[1:]), np.float32)
            self._answers = np.empty((size, *answers.shape[1:]), answers.dtype)
        end = self._count + len(states)
        self._states[self._count : end] = states
        self._answers[self._count : end] = answers
        self._count = end

    def train(self) -> None:
        """Fit the pupil to all answers after a round of imitation; else update as PPO does."""
        if self.imitating:
            self._fit()
            self._round += 1
            if not self.imitating:
                self._states, self._answers = None, None
            return
        held = self._actor_parameters() if self.rounds and self.critic_rollouts > 0 else []
        for parameter in held:
            parameter.requires_grad_(False)
        super().train()  # type: ignore[misc]
        for parameter in held:
            parameter.requires_grad_(True)
        self.critic_rollouts -= 1 if held else 0

    def _fit(self) -> None:
        import torch

        this: Any = self
        states: Any = self._states
        answers: Any = self._answers
        normalize = this.get_vec_normalize_env()
        choices = not hasattr(this.action_space, "low")
        kind = torch.int64 if choices else torch.float32
        loss_of = torch.nn.functional.cross_entropy if choices else torch.nn.functional.mse_loss
        this.policy.set_training_mode(True)
        loss: Any = None
        for k in range(self.fits):
            for group in self._lesson_optimizer.param_groups:
                group["lr"] = self.fit_rate * (1.0 - 0.99 * k / self.fits)
            batch = self._lesson_generator.integers(0, self._count, self.fit_batch)
            seen = states[batch] if normalize is None else normalize.normalize_obs(states[batch])
            inputs = torch.as_tensor(seen, dtype=torch.float32).flatten(1)
            answer = this.policy.action_net(this.policy.mlp_extractor.forward_actor(inputs))
            loss = loss_of(answer, torch.as_tensor(answers[batch], dtype=kind))
            self._lesson_optimizer.zero_grad()
            loss.backward()
            self._lesson_optimizer.step()
        this.logger.record("imitation/loss", loss.item())
        this.logger.record("imitation/states", self._count)


@functools.cache
def dagger_ppo() -> type:
    """The class :class:`DaggerPPO` with Stable-Baselines3's PPO as its base."""
    from gym_suite.learning.updates import lean_ppo

    return type(
        "DaggerPPO", (DaggerPPO, lean_ppo()), {"__doc__": DaggerPPO.__doc__, "__module__": __name__}
    )
