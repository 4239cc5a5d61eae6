"""Deterministic evaluation on fixed seeds that no training and no comparison uses."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

# Comparisons take their episode seeds from 0 upwards, training runs from TRAINING_SEEDS upwards.
EVALUATION_SEED = 100_000
TRAINING_SEEDS = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """How an agent did in one evaluation, means over the episodes.

    Attributes:
        error: Tracking error as a fraction of the limit: mean absolute difference of the tracked
            values from their references over their scales. The steps that an episode lost by
            ending early count as error 1, so that dying early cannot look precise.
        episode_return: Sum of rewards.
        length: Steps.
        trips: Share of episodes that ended by termination.
    """

    error: float
    episode_return: float
    length: float
    trips: float


class Evaluation:
    """Episodes with fixed seeds on which agents are scored.

    Args:
        id: Environment id.
        episodes: Number of episodes, run side by side.
        seed: Seed of the first episode; episode i has seed + i.
        keywords: Keyword arguments of the environment.
    """

    def __init__(
        self,
        id: str,
        *,
        episodes: int = 20,
        seed: int = EVALUATION_SEED,
        keywords: dict[str, Any] | None = None,
    ):
        self.envs = gymnasium.make_vec(id, num_envs=episodes, **(keywords or {}))
        self.setup = self.envs.unwrapped.setup  # type: ignore[attr-defined]
        self.seed = seed
        spec: Any = self.envs.spec
        limits = [limit for limit in (self.setup.horizon, spec.max_episode_steps) if limit]
        self._horizon = min(limits, default=None)

    def score(self, agent: Any) -> Score:
        """Run one episode per row with an agent, deterministically."""
        n = self.envs.num_envs
        observation, _ = self.envs.reset(seed=self.seed)
        alive, tripped = np.ones(n, bool), np.zeros(n, bool)
        errors, returns, lengths = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
        start, state = np.ones(n, bool), None
        while alive.any():
            action, state = agent.predict(observation, state, start, deterministic=True)
            observation, rewards, terminated, truncated, infos = self.envs.step(action)
            start = np.zeros(n, bool)
            errors += np.where(alive, self._error(infos), 0.0)
            returns += np.where(alive, rewards, 0.0)
            lengths += alive
            tripped |= alive & terminated
            alive &= ~(terminated | truncated)
        horizon = self._horizon or lengths.max()
        errors += np.where(tripped, horizon - lengths, 0)
        lived = np.where(tripped, horizon, lengths)
        return Score(
            error=float((errors / lived).mean()),
            episode_return=float(returns.mean()),
            length=float(lengths.mean()),
            trips=float(tripped.mean()),
        )

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    def _error(self, infos: dict[str, Any]) -> NDArray[np.float64]:
        """Normalised tracking error of every row, (n,)."""
        parts = [
            np.abs(infos[tracked.value] - infos[tracked.reference]) / tracked.scale
            for tracked in self.setup.tracking
        ]
        return np.mean(parts, axis=0)
