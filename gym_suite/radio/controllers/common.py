"""What the controllers of a band share: reading the observation, and reproducible random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.baselines import RandomAgent
from gym_suite.controllers.protocol import Controller
from gym_suite.radio.columns import R, T
from gym_suite.radio.parameters import GOAL_ACCESS

Array = NDArray[np.float64]


class ChannelController(Controller):
    """A controller that chooses a channel each step from what was sensed and acknowledged."""

    def _tune(self, nominal: Any) -> None:
        values = nominal.parameters
        self.channels_ = int(values["channels"])
        self.history_ = int(values["history"])
        if "heard" in values:  # a band in which channels are sensed
            roles = nominal.tables[T.roles]
            #: Of each agent: what it senses is a whole number of so many parts of 1, but for noise.
            self._parts = 1.0 / roles[:, R.unit]
            #: Of each agent: what it senses on a channel that is good to transmit on.
            target = np.minimum(roles[:, R.target], roles[:, R.most]) * roles[:, R.unit]
            self._wanted = np.where(roles[:, R.goal] == GOAL_ACCESS, 0.0, target)
        self._set_up(nominal)

    def _set_up(self, nominal: Any) -> None:
        """Prepare what is particular to the controller."""

    def _cast(self, action: Array) -> NDArray[np.int64]:
        return action[:, 0].astype(np.int64)

    def _who(self, observation: Array) -> NDArray[np.int64]:
        """Return the place of each row's agent, (n,)."""
        return np.zeros(len(observation), dtype=np.int64)

    def _sensed(self, observation: Array) -> Array:
        """Return what was sensed in the last step, (n, channels); negative where nobody looked."""
        return self._sensed_of(observation, 1)

    def _sensed_of(self, observation: Array, memory: int) -> Array:
        """Return what was sensed in the last steps, (n, memory * channels), rounded to what it can be."""
        parts = self._parts[self._who(observation)][:, None]
        return np.round(observation[:, : memory * self.channels_] * parts) / parts

    def _good(self, observation: Array) -> NDArray[np.bool_]:
        """Return which channels were good to transmit on in the last step, (n, channels)."""
        wanted = self._wanted[self._who(observation)][:, None]
        return np.abs(self._sensed(observation) - wanted) < 1e-5

    def _last_channel(self, observation: Array) -> NDArray[np.int64]:
        """Return the channel of the last action, -1 for silence, (n,)."""
        first = self.history_ * self.channels_
        return observation[:, first : first + self.channels_ + 1].argmax(axis=1) - 1

    def _ack(self, observation: Array) -> Array:
        """Return the acknowledgement of the last action, (n,)."""
        return observation[:, -1]


class RandomizedController(ChannelController):
    """A channel controller that draws random numbers, reproducibly.

    They come from the generator of :class:`gym_suite.controllers.baselines.RandomAgent`: a function
    of the seed, the number of the episode, its first observation and the step. The first three
    columns of the state belong to it.

    Args:
        seed: Seed of the controller, a whole number of at least 0.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    randomized = True
    #: Columns of the state behind those of the generator.
    own_size = 0

    @property
    def state_size(self) -> int:  # type: ignore[override]
        """Columns of the state row."""
        return 3 + self.own_size

    def _set_up(self, nominal: Any) -> None:
        self._random = RandomAgent(seed=self.seed).tune(nominal)
        self._prepare(nominal)

    def _prepare(self, nominal: Any) -> None:
        """Prepare what is particular to the controller."""

    def _restart(self, state: Array, rows: NDArray[np.bool_], observation: Array) -> None:
        generator = state[:, :3].copy()
        self._random._restart(generator, rows, observation)
        state[rows] = 0.0
        state[:, :3] = generator

    def _uniform(self, state: Array, count: int) -> Array:
        """Return numbers uniform in [0, 1), (n, count), and move the generator on."""
        generator = state[:, :3].copy()
        columns = self._random.uniform(generator, count)
        state[:, :3] = generator
        return columns
