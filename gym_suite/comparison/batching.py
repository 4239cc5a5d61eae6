"""Agents that act alike whoever acts beside them.

A result of an episode has to be the same alone, among twenty, or in a comparison that is resumed. Two things would make
it depend on its company:

* matrix products round otherwise in batches of another size, and at another place within a batch. The controllers of
  this package promise that a row acts as it would alone; any other agent that takes rows always gets :data:`SIZE` of
  them, and an episode's place among them follows from its seed;
* an agent that draws tells rows that begin alike apart by their order. So its generator is started with the episode's
  seed in the place of the number of the episode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.learning.stacked import PolicyStack
from gym_suite.teams import Team

__all__ = [
    "SIZE",
    "FixedBatches",
    "OneByOne",
    "StackedBatches",
    "each_part",
    "first_memory",
    "first_state",
]

SIZE = 20
"""Rows in every call of an agent that takes several: as many as there are seeds by default."""

_EPISODE = 1
"""Column of a drawing controller's state that holds the number of the episode, see
:class:`gym_suite.controllers.baselines.RandomAgent`."""

_LARGEST = 2**52
"""Numbers of episodes are exact in float64 up to here."""


def first_state(agent: Any, seeds: Sequence[int]) -> Any:
    """The memory with which an agent starts episodes: None, or for a controller that draws, one keyed by their seeds.

    Args:
        agent: acts on rows.
        seeds: of the episodes, one per row.
    """
    if isinstance(agent, Team):
        return agent.first_state(seeds, first_state)
    if not getattr(agent, "randomized", False):
        return None
    state = np.zeros((len(seeds), agent.state_size))
    state[:, _EPISODE] = [seed % _LARGEST for seed in seeds]
    return state


def first_memory(agent: Any, seed: int) -> Any:
    """The memory with which an agent starts one episode whose observations it is given without a row in front.

    Args:
        agent: acts on one observation.
        seed: of the episode.
    """
    memory = first_state(agent, (seed,))
    return memory if memory is None or isinstance(agent, Team) else memory[0]


class FixedBatches:
    """An agent that acts on n rows in batches of one size, each episode at the place that its seed gives it.

    Args:
        agent: acts on rows.
        seeds: of the episodes, one per row.
    """

    def __init__(self, agent: Any, seeds: Sequence[int]) -> None:
        self._batches = [
            _Batch(agent, block, rows, seeds) for block, rows in _blocks_of(seeds).items()
        ]

    def predict(
        self, observation: Any, state: Any, episode_start: Any, deterministic: bool
    ) -> tuple[NDArray[Any], None]:
        """Choose actions for all rows; the memory of the agent is kept here."""
        parts = [
            batch.predict(observation, episode_start, deterministic) for batch in self._batches
        ]
        actions = np.empty((len(episode_start), *parts[0].shape[1:]), parts[0].dtype)
        for batch, part in zip(self._batches, parts, strict=True):
            actions[batch.rows] = part
        return actions, None


class StackedBatches:
    """Several policies that act as :class:`FixedBatches` lets each, by one call for all that are attended to.

    Args:
        stack: of the policies, of :func:`gym_suite.learning.stacked.stacked`.
        seeds: of the episodes, one per row of each policy.
    """

    def __init__(self, stack: PolicyStack, seeds: Sequence[int]) -> None:
        self._stack, self._policies = stack, stack.policies
        self._places = [_Places(rows, seeds) for rows in _blocks_of(seeds).values()]
        self._states: list[Any] = [None] * len(self._places)
        self._who = np.arange(len(self._policies))
        self._actions: Any = None

    def attend(self, awake: NDArray[np.bool_]) -> None:
        """Let policies without a row that is awake act no more: they do for ever what they did last.

        Args:
            awake: which rows of all policies are.
        """
        acting: Any = awake.reshape(len(self._policies), -1).any(axis=1)
        kept = acting[self._who]
        if kept.all() or not kept.any():
            return
        self._who = self._who[kept]
        self._stack = PolicyStack([self._policies[k] for k in self._who])
        self._states = [None if state is None else state[kept] for state in self._states]

    def predict(
        self, observation: Any, state: Any, episode_start: Any, deterministic: bool
    ) -> tuple[NDArray[Any], None]:
        """Choose actions for the rows of all policies, those of each next to each other."""
        count, who = len(self._policies), self._who
        seen = np.reshape(observation, (count, -1, np.shape(observation)[-1]))[who]
        begins = np.reshape(episode_start, (count, -1))[who]
        actions: Any = None
        for k, own in enumerate(self._places):
            part, self._states[k] = self._stack.predict(
                seen[:, own.source], self._states[k], begins[:, own.source], deterministic
            )
            if actions is None:
                actions = np.empty((*begins.shape, *part.shape[2:]), part.dtype)
            actions[:, own.rows] = part[:, own.places]
        if len(who) < count:
            actions, own_actions = self._actions.copy(), actions
            actions[who] = own_actions
        self._actions = actions
        return actions.reshape(-1, *actions.shape[2:]), None


def _blocks_of(seeds: Sequence[int]) -> dict[int, list[int]]:
    """Return the rows of each block of :data:`SIZE` seeds."""
    blocks: dict[int, list[int]] = {}
    for row, seed in enumerate(seeds):
        blocks.setdefault(seed // SIZE, []).append(row)
    return blocks


class _Places:
    """Where the rows of a block act among :data:`SIZE`, by their seeds."""

    def __init__(self, rows: list[int], seeds: Sequence[int]) -> None:
        self.rows = np.array(rows)
        self.places = np.array([seeds[row] % SIZE for row in rows])
        # Places that no episode has repeat one that has one, so that nothing strange is computed there.
        self.source = np.full(SIZE, rows[0])
        self.source[self.places] = self.rows


class _Batch:
    """The rows whose seeds fall into one block of :data:`SIZE` numbers."""

    def __init__(self, agent: Any, block: int, rows: list[int], seeds: Sequence[int]) -> None:
        own = _Places(rows, seeds)
        self.rows, self._places, self._source = own.rows, own.places, own.source
        self._agent = agent
        self._state = first_state(agent, range(block * SIZE, (block + 1) * SIZE))

    def predict(self, observation: Any, episode_start: Any, deterministic: bool) -> NDArray[Any]:
        action, self._state = _pair(
            self._agent.predict(
                each_part(observation, lambda part: part[self._source]),
                self._state,
                np.asarray(episode_start)[self._source],
                deterministic,
            )
        )
        return np.asarray(action)[self._places]


class OneByOne:
    """An agent for single observations, acting on the only row of a vector environment.

    Args:
        agent: acts on one observation.
    """

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def predict(
        self, observation: Any, state: Any, episode_start: Any, deterministic: bool
    ) -> tuple[NDArray[Any], Any]:
        """Choose the action of the only row."""
        action, state = _pair(
            self._agent.predict(
                each_part(observation, lambda part: part[0]),
                state,
                bool(episode_start[0]),
                deterministic,
            )
        )
        return np.asarray(action)[None], state


def _pair(answer: Any) -> tuple[Any, Any]:
    """What an agent does and remembers.

    Raises:
        TypeError: it returned no pair; of two actions in a list the second would be taken for the memory.
    """
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise TypeError(f"predict must return (action, state), got {answer!r:.80}")
    return answer


def each_part(observation: Any, take: Callable[[Any], Any]) -> Any:
    """Apply a function to an observation, or to each part of one that has several.

    Args:
        observation: an array, or parts by name or by place.
        take: what is done with each array.
    """
    if isinstance(observation, Mapping):
        return {name: each_part(part, take) for name, part in observation.items()}
    if isinstance(observation, tuple):
        return tuple(each_part(part, take) for part in observation)
    return take(observation)
