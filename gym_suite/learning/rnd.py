"""PPO with a novelty bonus as a second stream, random network distillation above all.

Burda, Edwards, Storkey, Klimov, "Exploration by random network distillation", arXiv:1810.12894. The bonus has a
value function, a discount and advantages of its own, and runs on past the ends of episodes; the two advantages are
added with weights, and PPO does the rest. What belongs to the bonus has its own optimisers and random numbers, so
that without it (weight 0) nothing differs from Stable-Baselines3's PPO.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.learning.novelty import (
    Array,
    DiscountedScale,
    RunningMoments,
    advantages,
    states_reached,
)

CLIP = 5.0  # of the whitened novelty state, in standard deviations (arXiv:1810.12894, section 2.4)


class Bonus(Protocol):
    """What rewards novelty."""

    def rewards(self, states: Array) -> Array:
        """Return the bonuses, (steps, rows), of the states that a rollout came to, (steps, rows, k)."""
        ...

    def novelty(self, states: Array) -> Array:
        """Return the bonuses that states, (n, k), would get now."""
        ...

    def update(self, states: Array) -> None:
        """Learn from the states of a rollout, (steps, rows, k), after their bonuses were given."""

    def warm_up(self, states: Array) -> None:
        """Get to know the states of a rollout that gets no bonus."""


class RandomNetworkDistillation:
    """The error of a network that learns to predict a fixed random one on the states that are visited.

    Numbers of the state are whitened by their bounds, as if spread evenly between them, and those without bounds by
    running moments; then clipped. Where an agent starts in one place running moments would stretch that place over
    all there is, and clip the rest of the floor to a single point. Both networks see random Fourier features of the
    state (Rahimi, Recht, NIPS 2007): over a handful of smooth numbers a plain network would predict the target
    everywhere after a few updates, visited or not. The predictor has one hidden layer more than the target, and in
    each pass is trained on a random share of the visited states.

    Args:
        low: Lower bounds of the numbers in a state, (k,); infinite where there are none.
        high: Upper bounds, (k,).
        features: Outputs of both networks.
        width: Width of the hidden layers.
        fourier: Number of Fourier features, sines and cosines together.
        bandwidth: Standard deviation of their frequencies, in radians per standard deviation of the state.
        rate: Step size of Adam.
        share: Part of the states of a rollout that the predictor is trained on in a pass.
        epochs: Passes over a rollout.
        batch: States per gradient step.
        seed: Of networks, features and batches.
    """

    def __init__(
        self,
        low: ArrayLike,
        high: ArrayLike,
        *,
        features: int = 32,
        width: int = 64,
        fourier: int = 128,
        bandwidth: float = 3.0,
        rate: float = 3e-4,
        share: float = 0.25,
        epochs: int = 4,
        batch: int = 256,
        seed: int = 0,
    ):
        import torch

        self.share, self.epochs, self.batch = share, epochs, batch
        self.low, self.high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self._bounded = np.isfinite(self.low) & np.isfinite(self.high)
        size = len(self.low)
        self.moments = RunningMoments(size)
        self._generator = np.random.default_rng([1810, 12894, seed])
        waves = self._generator.normal(0.0, bandwidth, (size, fourier // 2))
        self._waves = torch.as_tensor(waves, dtype=torch.float32)
        count = 2 * (fourier // 2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._generator.integers(2**31)))
            self.target = network([count, width, features], torch.nn.ReLU)
            self.predictor = network([count, width, width, features], torch.nn.ReLU)
        self.target.requires_grad_(False)
        self._optimizer = torch.optim.Adam(self.predictor.parameters(), lr=rate)

    def _encode(self, states: Array) -> Any:
        import torch

        with np.errstate(invalid="ignore"):  # of infinite bounds
            middle, width = 0.5 * (self.low + self.high), self.high - self.low
        mean = np.where(self._bounded, middle, self.moments.mean)
        deviation = np.where(self._bounded, width / 12.0**0.5, np.sqrt(self.moments.variance))
        white = (states - mean) / np.where(deviation > 1e-6, deviation, 1.0)
        white = torch.as_tensor(np.clip(white, -CLIP, CLIP), dtype=torch.float32)
        angles = white @ self._waves
        return torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)

    def _errors(self, encoded: Any) -> Any:
        return ((self.predictor(encoded) - self.target(encoded)) ** 2).mean(dim=-1)

    def novelty(self, states: Array) -> Array:
        """Return the mean squared errors for states, (n, k)."""
        import torch

        with torch.no_grad():
            return self._errors(self._encode(states)).numpy().astype(np.float64)

    def rewards(self, states: Array) -> Array:
        """Return the mean squared errors for states, (steps, rows, k)."""
        steps, rows, size = states.shape
        return self.novelty(states.reshape(-1, size)).reshape(steps, rows)

    def update(self, states: Array) -> None:
        """Train the predictor, then take the states into the moments.

        The bonuses of a rollout were given with the moments from before it.
        """
        import torch

        flat = states.reshape(-1, states.shape[-1])
        encoded, count = self._encode(flat), max(1, round(self.share * len(flat)))
        for _ in range(self.epochs):
            chosen = torch.as_tensor(self._generator.permutation(len(flat))[:count])
            for part in chosen.split(self.batch):
                loss = self._errors(encoded[part]).mean()
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
        self.moments.update(flat)

    def warm_up(self, states: Array) -> None:
        """Take states into the moments only."""
        self.moments.update(states.reshape(-1, states.shape[-1]))


def network(widths: Sequence[int], activation: Any) -> Any:
    """A fully connected network, orthogonal with gain sqrt(2) as in arXiv:1810.12894, without a last activation."""
    import torch

    layers: list[Any] = []
    for k, (inner, outer) in enumerate(pairwise(widths)):
        layer = torch.nn.Linear(inner, outer)
        torch.nn.init.orthogonal_(layer.weight, 2.0**0.5)
        torch.nn.init.zeros_(layer.bias)
        layers += [layer, activation()] if k < len(widths) - 2 else [layer]
    return torch.nn.Sequential(*layers)


class BonusPPO:
    """Stable-Baselines3's PPO with a second stream of rewards for novelty.

    The base class ``PPO`` is added by :func:`bonus_ppo`, so that this module can be imported without
    Stable-Baselines3.

    Args:
        *args: Of ``PPO``.
        bonus: What rewards novelty.
        columns: Which numbers of the (unscaled) observation it looks at.
        weight: Weight of the bonus's advantage; at 0 this is PPO.
        reward_weight: Weight of the reward's advantage. Where advantages are normalised, as they are by default, only
            the ratio of the weights counts.
        bonus_discount: Discount of the bonus per step.
        episodic: Whether the bonus's stream ends with the episode.
        warm_up: Rollouts in which the bonus only gets to know the scale of the states.
        **keywords: Of ``PPO``.
    """

    def __init__(
        self,
        *args: Any,
        bonus: Any = None,
        columns: Sequence[int] = (),
        weight: float = 0.0,
        reward_weight: float = 2.0,
        bonus_discount: float = 0.99,
        episodic: bool = False,
        warm_up: int = 2,
        **keywords: Any,
    ):
        self.bonus, self.columns, self.bonus_weight = bonus, columns, weight
        self.reward_weight, self.episodic, self.warm_up = reward_weight, episodic, warm_up
        self.bonus_discount = bonus_discount
        self.bonus_scale: DiscountedScale | None = None
        super().__init__(*args, **keywords)

    def _setup_model(self) -> None:
        super()._setup_model()  # type: ignore[misc]
        if not self.bonus_weight:
            return
        import torch

        this: Any = self
        if self.bonus_scale is None:  # else a saved model is being loaded
            self.bonus_scale = DiscountedScale(this.n_envs, self.bonus_discount)
        self._bonus_generator = np.random.default_rng([2, 1810, 12894, this.seed or 0])
        widths = this.policy.mlp_extractor.value_net
        hidden = [layer.out_features for layer in widths if hasattr(layer, "out_features")]
        size = int(np.prod(this.observation_space.shape))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._bonus_generator.integers(2**31)))
            self.bonus_critic = network([size, *hidden, 1], this.policy.activation_fn)
            with torch.no_grad():
                self.bonus_critic[-1].weight *= 0.01  # values begin near 0
        self._bonus_optimizer = torch.optim.Adam(self.bonus_critic.parameters())

    def _excluded_save_params(self) -> list[str]:
        own = [
            "bonus_critic",
            "_bonus_optimizer",
            "_lesson",
        ]  # the first two are saved with the policy
        return [*super()._excluded_save_params(), *own]  # type: ignore[misc]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        states, tensors = super()._get_torch_save_params()  # type: ignore[misc]
        own = ["bonus_critic", "_bonus_optimizer"] if self.bonus_weight else []
        return [*states, *own], tensors

    def collect_rollouts(
        self, env: Any, callback: Any, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Collect a rollout as PPO does, and add the bonus's advantages to the reward's."""
        if not self.bonus_weight:
            return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)  # type: ignore[misc]
        witness = _Witness(callback, env, self.columns)
        going = super().collect_rollouts(env, witness, rollout_buffer, n_rollout_steps)  # type: ignore[misc]
        if going:
            self._add_bonus(rollout_buffer, np.array(witness.states), np.array(witness.ends))
        return going

    def _add_bonus(self, buffer: Any, states: Array, ends: NDArray[np.bool_]) -> None:
        this: Any = self
        buffer.advantages *= self.reward_weight
        self._lesson = None
        if self.warm_up > 0:
            self.warm_up -= 1
            self.bonus.warm_up(states)
            return
        rewards = self.bonus.rewards(states)
        self.bonus_scale.update(rewards)  # type: ignore[union-attr]
        scaled = rewards / self.bonus_scale.value  # type: ignore[union-attr]
        steps, rows = rewards.shape
        observations = buffer.observations.reshape(steps * rows, -1)
        values = self._values(observations).reshape(steps, rows)
        estimates = advantages(
            scaled,
            values,
            self._values(this._last_obs.reshape(rows, -1)),
            discount=self.bonus_discount,
            gae_lambda=this.gae_lambda,
            ends=ends if self.episodic else None,
        )
        buffer.advantages += (self.bonus_weight * estimates).astype(buffer.advantages.dtype)
        self._lesson = observations.copy(), (estimates + values).reshape(-1), states
        this.logger.record("bonus/mean", float(rewards.mean()))
        this.logger.record("bonus/scale", self.bonus_scale.value)  # type: ignore[union-attr]

    def _values(self, observations: Any) -> Array:
        import torch

        with torch.no_grad():
            found = self.bonus_critic(torch.as_tensor(observations, dtype=torch.float32))
        return found.numpy().reshape(-1).astype(np.float64)

    def train(self) -> None:
        """Update the policy as PPO does, then the bonus's critic and the bonus itself."""
        super().train()  # type: ignore[misc]
        if not self.bonus_weight or self._lesson is None:
            return
        import torch

        this: Any = self
        observations, returns, states = self._lesson
        inputs = torch.as_tensor(observations, dtype=torch.float32)
        wanted = torch.as_tensor(returns, dtype=torch.float32)
        for group in self._bonus_optimizer.param_groups:
            group["lr"] = this.lr_schedule(this._current_progress_remaining)
        for _ in range(this.n_epochs):
            order = torch.as_tensor(self._bonus_generator.permutation(len(wanted)))
            for batch in order.split(this.batch_size):
                loss = 0.5 * ((self.bonus_critic(inputs[batch])[:, 0] - wanted[batch]) ** 2).mean()
                self._bonus_optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.bonus_critic.parameters(), this.max_grad_norm)
                self._bonus_optimizer.step()
        self.bonus.update(states)
        self._lesson = None


class _Witness:
    """Stands in for the callback of a rollout and notes the states that its steps led to."""

    def __init__(self, callback: Any, env: Any, columns: Sequence[int]):
        self._callback, self._env, self._columns = callback, env, columns
        self.states: list[Array] = []
        self.ends: list[NDArray[np.bool_]] = []
        self.on_rollout_start = callback.on_rollout_start
        self.on_rollout_end = callback.on_rollout_end

    def update_locals(self, names: dict[str, Any]) -> None:
        self._names = names
        self._callback.update_locals(names)

    def on_step(self) -> bool:
        self.states.append(states_reached(self._env, self._names, self._columns))
        self.ends.append(self._names["dones"].copy())
        return self._callback.on_step()


@functools.cache
def bonus_ppo() -> type:
    """The class :class:`BonusPPO` with Stable-Baselines3's PPO as its base."""
    from gym_suite.learning.updates import lean_ppo

    return type(
        "BonusPPO", (BonusPPO, lean_ppo()), {"__doc__": BonusPPO.__doc__, "__module__": __name__}
    )
