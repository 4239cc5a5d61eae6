"""Controllers that act on what was sensed: sense-and-avoid, a learned Markov model, hopping."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.baselines import hash_rows
from gym_suite.core.parameters import check_number
from gym_suite.radio.columns import E, T
from gym_suite.radio.controllers.common import Array, ChannelController, RandomizedController
from gym_suite.radio.transforms import stationary_idle, whittle_index


class SenseAndAvoid(RandomizedController):
    """Go where it looked good one step ago: an idle channel, or the target's.

    Among several it draws one. Where nothing looked good it stays silent. Always one step late, so
    it loses to whoever predicts.

    Args:
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "sense_avoid"

    def _law(self, observation: Array, state: Array) -> Array:
        good = self._good(observation)
        count = good.sum(axis=1)
        place = np.floor(self._uniform(state, 1)[:, 0] * count)
        chosen = (np.cumsum(good, axis=1) > place[:, None]).argmax(axis=1)
        return np.where(count > 0, chosen + 1.0, 0.0)[:, None]


class UniformHopper(RandomizedController):
    """A channel at random each step: the minimax strategy against a jammer of one channel.

    With C equal channels and m of them jammed, 1 - m/C of the steps get through whatever the jammer
    does, and no strategy can be sure of more (the value of the zero-sum game).

    Args:
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "hopper"

    def _law(self, observation: Array, state: Array) -> Array:
        return 1.0 + np.floor(self._uniform(state, 1) * self.channels_)


class Evader(RandomizedController):
    """A random channel that was not used in the last steps: a follower comes too late.

    Where a jammer follows within ``memory`` steps it never meets the agent; against one that does
    not look it is as good as any other strategy.

    Args:
        memory: Steps for which a channel is left alone, at least 1.
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "evader"

    def __init__(self, *, memory: int = 2, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.memory = memory

    def _prepare(self, nominal: Any) -> None:
        memory = int(check_number("memory", self.memory, low=1, high=1000, integer=True))
        self.own_size = min(memory, self.channels_ - 1)

    def _law(self, observation: Array, state: Array) -> Array:
        used = state[:, 3:]  # channels from 1, newest first; 0: none
        channels = np.arange(1, self.channels_ + 1)
        free = ~(used[:, :, None] == channels).any(axis=1)
        place = np.floor(self._uniform(state, 1)[:, 0] * free.sum(axis=1))
        chosen = (np.cumsum(free, axis=1) > place[:, None]).argmax(axis=1) + 1.0
        if self.own_size:
            used[:, 1:] = used[:, :-1].copy()
            used[:, 0] = chosen
        return chosen[:, None]


class PatternTable(ChannelController):
    """Count what follows what: a table from the last sensed vectors to each channel's next state.

    Sensing shows what every action would have earned, so all channels are learned at once and
    nothing has to be tried. Contexts are hashed into ``size`` rows. It acts where the channel is
    more likely good than not, and assumes that nobody reacts to it.

    Args:
        memory: Sensed vectors that make a context; at most the history of the observation.
        size: Rows of the table.
    """

    name: ClassVar[str] = "table"

    def __init__(self, *, memory: int = 1, size: int = 512) -> None:
        self.memory = memory
        self.size = size

    def _set_up(self, nominal: Any) -> None:
        top = self.history_
        self._memory = int(check_number("memory", self.memory, low=1, high=top, integer=True))
        self._size = int(check_number("size", self.size, low=1, high=65536, integer=True))
        self._losing = 0.0 if nominal.parameters["reward"] else 1.0
        self.state_size = 1 + 2 * self._size * self.channels_

    def _law(self, observation: Array, state: Array) -> Array:
        c = self.channels_
        n = len(observation)
        good = self._good(observation)
        counts = state[:, 1:].reshape(n, self._size, 2, c)  # bad, good
        rows, before = np.arange(n), state[:, 0].astype(np.int64)  # context from 1; 0: none
        live = np.flatnonzero(before > 0)
        counts[live, before[live] - 1, 0] += ~good[live]
        counts[live, before[live] - 1, 1] += good[live]
        context = hash_rows(self._sensed_of(observation, self._memory)) % np.uint64(self._size)
        state[:, 0] = context + 1.0
        seen = counts.sum(axis=1)
        base = (seen[:, 1] + 0.5) / (seen.sum(axis=1) + 1.0)
        here = counts[rows, context.astype(np.int64)]
        chance = (here[:, 1] + 0.5 * base) / (here.sum(axis=1) + 0.5)
        best = chance.argmax(axis=1)
        silent = chance.max(axis=1) <= 0.5 * self._losing
        return np.where(silent, 0.0, best + 1.0)[:, None]


class MarkovPredictor(ChannelController):
    """Learn for each channel how idle follows busy and idle, and use the one most likely good.

    Each channel is taken for a two-state chain whose transition probabilities are the posterior
    means of what was seen in this episode, from a uniform prior. A jammer takes the target's
    presence for the good state.
    """

    name: ClassVar[str] = "markov"

    def _set_up(self, nominal: Any) -> None:
        self.state_size = 1 + 5 * self.channels_
        self._losing = 0.0 if nominal.parameters["reward"] else 1.0

    def _law(self, observation: Array, state: Array) -> Array:
        c = self.channels_
        sensed = self._sensed(observation)
        known = sensed >= 0.0
        good = self._good(observation)
        counts = state[:, 1 : 1 + 4 * c].reshape(-1, 2, 2, c)  # from bad or good, to bad or good
        before = state[:, 1 + 4 * c :]  # 0: unknown, 1: bad, 2: good
        for origin in (0, 1):
            came = known & (before == origin + 1.0) & (state[:, :1] > 0.0)
            counts[:, origin, 0] += came & ~good
            counts[:, origin, 1] += came & good
        before[:] = np.where(known, 1.0 + good, before)
        state[:, 0] = 1.0
        chance = (counts[:, :, 1] + 1.0) / (counts.sum(axis=2) + 2.0)
        ahead = np.where(before == 2.0, chance[:, 1], chance[:, 0])
        ahead = np.where(before == 0.0, 0.5, ahead)
        best = ahead.argmax(axis=1)
        silent = ahead.max(axis=1) < 0.5 * self._losing
        return np.where(silent, 0.0, best + 1.0)[:, None]


class Myopic(ChannelController):
    """Use the Gilbert-Elliott channel that is most likely idle, from beliefs by the nominal model.

    Optimal for equal channels with p11 >= p01, and for two or three of them with p11 < p01 (Ahmad,
    Liu, Javidi, Zhao and Krishnamachari, IEEE T-IT 55(9), 2009).
    """

    name: ClassVar[str] = "myopic"
    information = "model"

    def _set_up(self, nominal: Any) -> None:
        entities = nominal.tables[T.entities]
        self.p01_, self.p11_ = entities[:, E.p01].copy(), entities[:, E.p11].copy()
        pairs = zip(self.p01_, self.p11_, strict=True)
        self._start = np.array([stationary_idle(p01, p11) for p01, p11 in pairs])
        self.state_size = self.channels_
        self._losing = 0.0 if nominal.parameters["reward"] else 1.0

    def _restart(self, state: Array, rows: NDArray[np.bool_], observation: Array) -> None:
        state[rows] = self._start

    def _beliefs(self, observation: Array, state: Array) -> Array:
        """Return the beliefs for the step to come, (n, channels), and keep them."""
        sensed = self._sensed(observation)
        now = np.where(sensed < 0.0, state, np.where(sensed == 0.0, 1.0, 0.0))
        state[:] = now * self.p11_ + (1.0 - now) * self.p01_
        return state

    def _law(self, observation: Array, state: Array) -> Array:
        beliefs = self._beliefs(observation, state)
        return self._choose(beliefs, beliefs)

    def _choose(self, beliefs: Array, index: Array) -> Array:
        best = index.argmax(axis=1)
        chance = np.take_along_axis(beliefs, best[:, None], axis=1)
        return np.where(chance < 0.5 * self._losing, 0.0, best[:, None] + 1.0)


class Whittle(Myopic):
    """Use the Gilbert-Elliott channel with the highest Whittle index (Liu and Zhao 2010)."""

    name: ClassVar[str] = "whittle"

    def _law(self, observation: Array, state: Array) -> Array:
        beliefs = self._beliefs(observation, state)
        index = np.empty_like(beliefs)
        for c in range(self.channels_):
            p01, p11 = float(self.p01_[c]), float(self.p11_[c])
            index[:, c] = [whittle_index(w, p01, p11) for w in beliefs[:, c].tolist()]
        return self._choose(beliefs, index)
