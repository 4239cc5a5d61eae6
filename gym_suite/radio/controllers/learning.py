"""Q-learning, which goes on while it acts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.baselines import hash_rows
from gym_suite.core.parameters import check_number
from gym_suite.core.rows import Rows
from gym_suite.radio.controllers.common import Array, RandomizedController

PRACTISED_TOGETHER = 20  # worlds in which it practises at a time


class QLearning(RandomizedController):
    """Tabular Q-learning with memory, which goes on learning while it acts.

    Watkins and Dayan, Machine Learning 8, 1992. A context is what was sensed in the last ``memory``
    steps and the own last action, hashed into the rows of a table; only the acknowledgement teaches.
    Before its first episode it practises in the nominal model, exploring at random; without practice
    it begins each episode with the hope that every action earns. What it learns in an episode it
    forgets with it, so that episodes can be told apart.

    Args:
        memory: Sensed vectors that make a context; at most the history of the observation.
        practice: Episodes of the nominal model played before, a whole number of at least 0.
        learning_rate: Weight of a new experience.
        discount: Discount per step.
        exploration: Share of random actions during practice; while it acts a tenth of it.
        size: Rows of the table.
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "q_learning"

    def __init__(
        self,
        *,
        memory: int = 2,
        practice: int = 200,
        learning_rate: float = 0.2,
        discount: float = 0.5,
        exploration: float = 0.1,
        size: int = 2048,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self.memory = memory
        self.practice = practice
        self.learning_rate = learning_rate
        self.discount = discount
        self.exploration = exploration
        self.size = size

    def _prepare(self, nominal: Any) -> None:
        values = nominal.parameters
        self._memory = _whole("memory", self.memory, 1, self.history_)
        self._size = _whole("size", self.size, 1, 65536)
        practice = _whole("practice", self.practice, 0, 100_000)
        self._rate = check_number("learning_rate", self.learning_rate, above=0.0, high=1.0)
        self._discount = check_number("discount", self.discount, low=0.0, high=0.999)
        explore = check_number("exploration", self.exploration, low=0.0, high=1.0)
        self._losing = 0.0 if values["reward"] else 1.0
        self._switching = float(values["switching_cost"])
        self._actions = self.channels_ + 1
        self.own_size = 2 + self._size * self._actions
        self.information = "model" if practice else "observation"
        # Every action in every context is worth trying once.
        self.table_ = np.full((self._size, self._actions), 1.0)
        if practice:
            self._practise(nominal, practice, explore)
        self._explore = 0.1 * explore

    def _practise(self, nominal: Any, episodes: int, explore: float) -> None:
        """Play episodes of the nominal model, some side by side, all with one table."""
        generator = np.random.default_rng(self.seed)
        n = min(PRACTISED_TOGETHER, episodes)
        rows, every = Rows(nominal.setup, n), np.ones(n, dtype=np.bool_)
        for _ in range(-(-episodes // n)):
            rows.reset(every, generator.integers(0, 2**63, n, dtype=np.uint64))
            observation = rows.seen.astype(np.float64)
            context = self._context(observation)
            for _ in range(nominal.setup.horizon or 1000):
                action = self.table_[context].argmax(axis=1)
                tried = generator.random(n) < explore
                action[tried] = generator.integers(0, self._actions, n)[tried]
                before = self._last_channel(observation)
                rows.u[:, 0] = action
                rows.advance()
                observation = rows.seen.astype(np.float64)
                ahead = self._context(observation)
                wrong = self._worth(observation, before) - self.table_[context, action]
                wrong += self._discount * self.table_[ahead].max(axis=1)
                share = np.zeros_like(self.table_)
                np.add.at(share, (context, action), 1.0)
                step = self._rate * wrong / share[context, action]
                np.add.at(self.table_, (context, action), step)
                context = ahead

    def _context(self, observation: Array) -> NDArray[np.intp]:
        """Return the row of the table for each observation, (n,)."""
        sensed = self._sensed_of(observation, self._memory)
        own = self._last_channel(observation)[:, None].astype(np.float64)
        return (hash_rows(np.hstack([sensed, own])) % np.uint64(self._size)).astype(np.intp)

    def _worth(self, observation: Array, before: NDArray[np.int64]) -> Array:
        """Return what the last action earned, (n,), as the acknowledgement tells."""
        ack, channel = self._ack(observation), self._last_channel(observation)
        switched = (channel >= 0) & (before >= 0) & (channel != before)
        earned = np.where(ack < 0.0, -self._losing, ack)
        return earned - self._switching * switched

    def _restart(self, state: Array, rows: NDArray[np.bool_], observation: Array) -> None:
        super()._restart(state, rows, observation)
        state[rows, 5:] = self.table_.ravel()

    def _law(self, observation: Array, state: Array) -> Array:
        n = len(observation)
        every = np.arange(n)
        table = state[:, 5:].reshape(n, self._size, self._actions)
        context = self._context(observation)
        past, before = state[:, 3].astype(np.intp) - 1, state[:, 4].astype(np.int64) - 1
        action = self._last_channel(observation) + 1
        live = np.flatnonzero(past >= 0)  # a fresh row has no past to learn from
        ahead = table[every, context].max(axis=1)
        target = self._worth(observation, before) + self._discount * ahead
        known = table[live, past[live], action[live]]
        table[live, past[live], action[live]] += self._rate * (target[live] - known)
        draws = self._uniform(state, 2)
        best = table[every, context].argmax(axis=1)
        tried = np.floor(draws[:, 1] * self._actions)
        state[:, 3] = context + 1.0
        state[:, 4] = action
        return np.where(draws[:, 0] < self._explore, tried, best)[:, None]


def _whole(name: str, value: Any, low: int, high: int) -> int:
    return int(check_number(name, value, low=low, high=high, integer=True))
