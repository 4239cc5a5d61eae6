"""Deterministic evaluation on fixed seeds that no training and no comparison uses."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gym_suite.learning.seeds import EVALUATION_SEED
from gym_suite.teams import as_team, least_success, seat_of, show_world, team_id


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """How an agent did in one evaluation, means over the episodes.

    Attributes:
        error: Tracking error as a fraction of the limit: mean absolute difference of the tracked
            values from their references over their scales. The steps that an episode lost by
            ending early count as error 1, so that dying early cannot look precise. None where
            nothing is tracked.
        episode_return: Sum of rewards.
        length: Steps.
        trips: Share of episodes that a failure ended.
        success: Share of episodes that reached their goal; None where there is none to reach.
    """

    error: float | None
    episode_return: float
    length: float
    trips: float
    success: float | None = None

    def reaches(self, other: Score) -> bool:
        """Whether this is without failures and at least as good: by error, else by return."""
        if self.error is not None and other.error is not None:
            return self.error <= other.error and self.trips == 0.0
        return self.episode_return >= other.episode_return


class Evaluation:
    """Episodes with fixed seeds on which agents are scored; of an id for several agents only, one acts for all.

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
        self.envs = gymnasium.make_vec(team_id(id), num_envs=episodes, **(keywords or {}))
        #: What an agent is built for.
        self.seat = seat_of(self.envs)
        self.setup = self.seat.unwrapped.setup
        self.seed = seed
        spec: Any = self.envs.spec
        given = (keywords or {}).get("max_episode_steps", spec.max_episode_steps)
        limits = [limit for limit in (self.setup.horizon, given) if limit]
        #: Control periods of an episode that nothing ends early; None: there is no limit.
        self.horizon: int | None = min(limits, default=None)

    def score(self, agent: Any) -> Score:
        """Run one episode per row with an agent, deterministically."""
        n = self.envs.num_envs
        agent = as_team(agent, self.envs)
        show_world(agent, self.envs)
        observation, _ = self.envs.reset(seed=self.seed)
        alive, tripped, arrived = np.ones(n, bool), np.zeros(n, bool), np.zeros(n, bool)
        errors, returns, lengths = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
        start, state, goal = np.ones(n, bool), None, self.setup.success
        least = least_success(self.envs)
        while alive.any():
            action, state = agent.predict(observation, state, start, deterministic=True)
            observation, rewards, terminated, truncated, infos = self.envs.step(action)
            start = np.zeros(n, bool)
            errors += np.where(alive, self._error(infos), 0.0)
            returns += np.where(alive, rewards, 0.0)
            lengths += alive
            reached = infos[goal] > least if goal else np.zeros(n, bool)
            arrived |= alive & terminated & reached
            tripped |= alive & terminated & ~reached
            alive &= ~(terminated | truncated)
        horizon = self.horizon or lengths.max()
        errors += np.where(tripped, horizon - lengths, 0)
        lived = np.where(tripped, horizon, lengths)
        return Score(
            error=float((errors / lived).mean()) if self.setup.tracking else None,
            episode_return=float(returns.mean()),
            length=float(lengths.mean()),
            trips=float(tripped.mean()),
            success=float(arrived.mean()) if goal else None,
        )

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    def _error(self, infos: dict[str, Any]) -> NDArray[np.float64]:
        """Normalised tracking error of every row, (n,); 0 where nothing is tracked."""
        if not self.setup.tracking:
            return np.zeros(self.envs.num_envs)
        parts = [
            np.abs(infos[tracked.value] - infos[tracked.reference]) / tracked.scale
            for tracked in self.setup.tracking
        ]
        return np.mean(parts, axis=0)
