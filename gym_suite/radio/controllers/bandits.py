"""Bandits: the channels are arms, and only the acknowledgement of the own transmission is used.

Auer, Cesa-Bianchi and Fischer (2002) UCB1; Garivier and Moulines (2011) sliding-window UCB; Thompson
(1933); Auer, Cesa-Bianchi, Freund and Schapire (2002) Exp3. A gain is 1 where the transmission was
delivered (or hit), else 0. Each learns the best single channel, not how channels change.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from gym_suite.core.parameters import check_number
from gym_suite.radio.controllers.common import Array, ChannelController, RandomizedController


def _add_gain(
    controller: ChannelController, observation: Array, count: Array, total: Array
) -> None:
    """Add the last transmission of each row to its arms."""
    channel = controller._last_channel(observation)
    rows = np.flatnonzero((channel >= 0) & (controller._ack(observation) != 0.0))
    count[rows, channel[rows]] += 1.0
    total[rows, channel[rows]] += controller._ack(observation)[rows] > 0.0


def _optimistic(count: Array, total: Array, time: Array) -> Array:
    """Return the arm (from 1) of the highest upper confidence bound; arms never tried come first."""
    tried = np.maximum(count, 1.0)
    bonus = np.sqrt(2.0 * np.log(np.maximum(time, 1.0)) / tried)
    bound = np.where(count > 0.0, total / tried + bonus, math.inf)
    return bound.argmax(axis=1)[:, None] + 1.0


class UCB1(ChannelController):
    """The channel with the highest mean gain plus sqrt(2 ln t / n)."""

    name: ClassVar[str] = "ucb1"

    def _set_up(self, nominal: Any) -> None:
        self.state_size = 2 * self.channels_

    def _law(self, observation: Array, state: Array) -> Array:
        count, total = state[:, : self.channels_], state[:, self.channels_ :]
        _add_gain(self, observation, count, total)
        return _optimistic(count, total, count.sum(axis=1, keepdims=True))


class SlidingWindowUCB(ChannelController):
    """UCB1 over the last ``window`` transmissions, for bands that change.

    Args:
        window: Transmissions that count, at least 1.
    """

    name: ClassVar[str] = "sw_ucb"

    def __init__(self, *, window: int = 50) -> None:
        self.window = window

    def _set_up(self, nominal: Any) -> None:
        self._window = int(check_number("window", self.window, low=1, high=10_000, integer=True))
        self.state_size = 1 + 2 * self._window

    def _law(self, observation: Array, state: Array) -> Array:
        w = self._window
        arms, gains = state[:, 1 : 1 + w], state[:, 1 + w :]  # arms from 1; 0: empty
        channel, ack = self._last_channel(observation), self._ack(observation)
        rows = np.flatnonzero((channel >= 0) & (ack != 0.0))
        place = state[rows, 0].astype(np.int64) % w
        arms[rows, place] = channel[rows] + 1.0
        gains[rows, place] = ack[rows] > 0.0
        state[rows, 0] += 1.0
        here = arms[:, None, :] == np.arange(1, self.channels_ + 1)[:, None]
        count = here.sum(axis=2).astype(np.float64)
        total = (here * gains[:, None, :]).sum(axis=2)
        return _optimistic(count, total, count.sum(axis=1, keepdims=True))


class Thompson(RandomizedController):
    """The channel with the highest gain drawn from its Beta posterior (uniform prior).

    Args:
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "thompson"

    def _prepare(self, nominal: Any) -> None:
        self.own_size = 2 * self.channels_

    def _law(self, observation: Array, state: Array) -> Array:
        from scipy.special import betaincinv

        count, total = state[:, 3 : 3 + self.channels_], state[:, 3 + self.channels_ :]
        _add_gain(self, observation, count, total)
        part = self._uniform(state, self.channels_)
        draws = betaincinv(1.0 + total, 1.0 + count - total, part)
        return draws.argmax(axis=1)[:, None] + 1.0


class EXP3(RandomizedController):
    """Exponential weights against an adversary.

    Args:
        gamma: Share of uniform exploration; None: the bound's optimum for the horizon of the id.
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "exp3"

    def __init__(self, *, gamma: float | None = None, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.gamma = gamma

    def _prepare(self, nominal: Any) -> None:
        arms = self.channels_
        steps = nominal.setup.horizon or 1000
        best = math.sqrt(arms * math.log(max(arms, 2)) / ((math.e - 1.0) * steps))
        given = self.gamma if self.gamma is not None else min(1.0, best)
        self.gains_ = {"gamma": check_number("gamma", given, above=0.0, high=1.0)}
        self.gain_units_ = {"gamma": "1"}
        self.own_size = arms + 1

    def _law(self, observation: Array, state: Array) -> Array:
        c, gamma = self.channels_, self.gains_["gamma"]
        weight, last = state[:, 3 : 3 + c], state[:, 3 + c]  # logarithms; last probability
        channel, ack = self._last_channel(observation), self._ack(observation)
        rows = np.flatnonzero((channel >= 0) & (ack > 0.0) & (last > 0.0))
        weight[rows, channel[rows]] += gamma / (c * last[rows])
        share = np.exp(weight - weight.max(axis=1, keepdims=True))
        chance = (1.0 - gamma) * share / share.sum(axis=1, keepdims=True) + gamma / c
        part = self._uniform(state, 1)
        chosen = np.minimum((np.cumsum(chance, axis=1) <= part).sum(axis=1), c - 1)
        state[:, 3 + c] = np.take_along_axis(chance, chosen[:, None], axis=1)[:, 0]
        return chosen[:, None] + 1.0
