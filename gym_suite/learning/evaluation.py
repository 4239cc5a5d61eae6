"""Deterministic evaluation on fixed seeds that no training and no comparison uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.protocol import Controller, columns_of
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


class SideBySide:
    """Controllers that act in the rows of one environment, each in as many as the others.

    Args:
        controllers: The controllers, of which the first has the first rows.
    """

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self.controllers = tuple(controllers)

    def predict(
        self, observation: Any, state: Any, start: NDArray[np.bool_], deterministic: bool = True
    ) -> tuple[NDArray[Any], list[Any]]:
        """Return the actions of all rows and the controllers' states."""
        observed, count = columns_of(observation), len(self.controllers)
        rows = len(observed) // count
        states = [None] * count if state is None else state
        actions, after = [], []
        for k, controller in enumerate(self.controllers):
            part = slice(k * rows, (k + 1) * rows)
            action, its = controller.predict(
                observed[part], states[k], start[part], deterministic=deterministic
            )
            actions.append(action)
            after.append(its)
        return np.concatenate(actions), after


class Evaluation:
    """Episodes with fixed seeds on which agents are scored; of an id for several agents only, one acts for all.

    Args:
        id: Environment id.
        episodes: Number of episodes, run side by side.
        seed: Seed of the first episode; episode i has seed + i.
        keywords: Keyword arguments of the environment.
        times: How often the same episodes stand beside each other, for so many controllers at once.
    """

    def __init__(
        self,
        id: str,
        *,
        episodes: int = 20,
        seed: int = EVALUATION_SEED,
        keywords: dict[str, Any] | None = None,
        times: int = 1,
    ):
        rows = episodes * times
        self.envs: Any = gymnasium.make_vec(team_id(id), num_envs=rows, **(keywords or {}))
        self.episodes = episodes
        #: What an agent is built for.
        self.seat = seat_of(self.envs)
        self.setup = self.seat.unwrapped.setup
        self.seeds = [seed + k for k in range(episodes)] * times
        spec = self.envs.spec
        given = (keywords or {}).get("max_episode_steps", spec.max_episode_steps)
        limits = [limit for limit in (self.setup.horizon, given) if limit]
        #: Control periods of an episode that nothing ends early; None: there is no limit.
        self.horizon: int | None = min(limits, default=None)

    def score(self, agent: Any) -> Score:
        """Run one episode per row with an agent, deterministically."""
        (score,) = self._scores(agent, 1)
        return score

    def scores(self, controllers: Sequence[Controller]) -> list[Score]:
        """Run the same episodes with each of some controllers at once; what each gets is what it gets alone.

        Args:
            controllers: As many as the episodes stand beside each other.

        Raises:
            ValueError: If one of them gives no numbers.
        """
        return self._scores(SideBySide(controllers), len(controllers))

    def _scores(self, agent: Any, count: int) -> list[Score]:
        n = self.envs.num_envs
        agent = as_team(agent, self.envs)
        show_world(agent, self.envs)
        observation, _ = self.envs.reset(seed=self.seeds)
        alive, tripped, arrived = np.ones(n, bool), np.zeros(n, bool), np.zeros(n, bool)
        errors, returns, lengths = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
        start, going_on = np.ones(n, bool), np.zeros(n, bool)
        state, goal = None, self.setup.success
        least = least_success(self.envs)
        while alive.any():
            action, state = agent.predict(observation, state, start, deterministic=True)
            observation, rewards, terminated, truncated, infos = self.envs.step(action)
            start = going_on
            errors += np.where(alive, self._error(infos), 0.0)
            returns += np.where(alive, rewards, 0.0)
            lengths += alive
            reached = infos[goal] > least if goal else going_on
            arrived |= alive & terminated & reached
            tripped |= alive & terminated & ~reached
            alive &= ~(terminated | truncated)
        horizon = self.horizon or lengths.max()
        errors += np.where(tripped, horizon - lengths, 0)
        lived = np.where(tripped, horizon, lengths)
        parts = np.split(np.arange(n), count)
        return [
            Score(
                error=float((errors[k] / lived[k]).mean()) if self.setup.tracking else None,
                episode_return=float(returns[k].mean()),
                length=float(lengths[k].mean()),
                trips=float(tripped[k].mean()),
                success=float(arrived[k].mean()) if goal else None,
            )
            for k in parts
        ]

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    def _error(self, infos: dict[str, Any]) -> NDArray[np.float64]:
        """Normalised tracking error of every row, (n,); 0 where nothing is tracked."""
        if not self.setup.tracking:
            return np.zeros(self.envs.num_envs)
        total = np.zeros(self.envs.num_envs)
        for tracked in self.setup.tracking:
            total += np.abs(infos[tracked.value] - infos[tracked.reference]) / tracked.scale
        return total / len(self.setup.tracking)
