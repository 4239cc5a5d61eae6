"""The zero-sum game of one transmitter against a team of jammers, and what a strategy concedes.

The transmitter picks one of C channels, the team jams m of them, and channel i is worth v_i unless it
is jammed. The jammers mix so that every channel worth more than the game is worth exactly that: channel
i is jammed with probability max(0, 1 - V / v_i), and these add up to m. The transmitter picks those
channels with probabilities in proportion to 1 / v_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Game:
    """The solution of the game.

    Attributes:
        value: What the transmitter earns in a step if both sides play well.
        transmitter: Its probabilities of the channels, (C,).
        jammers: Probability that each channel is jammed, (C,); they sum to the number of jammers.
    """

    value: float
    transmitter: NDArray[np.float64]
    jammers: NDArray[np.float64]


def jamming_game(values: Sequence[float], jammers: int = 1) -> Game:
    """Return value and minimax strategies of the game.

    With the values sorted downwards the value is the largest of (k - m) / sum of 1 / v_i over the best
    k channels: with equal values of 1 it is 1 - m / C.

    Args:
        values: What each channel is worth, all positive.
        jammers: Channels that are jammed at once, m.

    Raises:
        ValueError: For values that are not positive or a number of jammers below 1.
    """
    worth = np.asarray(values, dtype=np.float64)
    if worth.ndim != 1 or not len(worth) or not (np.isfinite(worth) & (worth > 0.0)).all():
        raise ValueError(f"values must be positive numbers, one a channel, got {values!r}")
    if int(jammers) != jammers or jammers < 1:
        raise ValueError(f"jammers must be a whole number of at least 1, got {jammers!r}")
    if jammers >= len(worth):
        return Game(0.0, np.full(len(worth), 1.0 / len(worth)), np.ones(len(worth)))
    best = np.sort(worth)[::-1]
    counts = np.arange(1, len(worth) + 1)
    candidates = (counts - jammers) / np.cumsum(1.0 / best)
    value = float(candidates.max())
    jammed = np.clip(1.0 - value / worth, 0.0, 1.0)
    used = np.where(worth > value * (1.0 + 1e-12), 1.0 / worth, 0.0)
    return Game(value, used / used.sum(), jammed * (jammers / jammed.sum()))


def conceded(values: Sequence[float], jammers: int, transmitter: Sequence[float]) -> float:
    """Return what a transmitter's mixed strategy earns a step against the best answer of the jammers.

    They jam the m channels of which it earns most. The game's value less this is its exploitability.

    Args:
        values: What each channel is worth, (C,).
        jammers: Channels jammed at once.
        transmitter: Probabilities of the channels, (C,), summing to at most 1 (the rest is silence).

    Raises:
        ValueError: If the strategy is no distribution over the channels.
    """
    earned = np.asarray(values, dtype=np.float64) * _strategy(transmitter, len(values))
    return float(np.sort(earned)[: max(0, len(earned) - jammers)].sum())


def granted(values: Sequence[float], jammed: Sequence[float]) -> float:
    """Return what the best answer to a team that jams each channel with some probability earns a step.

    Args:
        values: What each channel is worth, (C,).
        jammed: Probability that each channel is jammed, (C,).
    """
    free = 1.0 - np.asarray(jammed, dtype=np.float64)
    return float((np.asarray(values, dtype=np.float64) * free).max())


def _strategy(given: Sequence[float], channels: int) -> NDArray[np.float64]:
    strategy = np.asarray(given, dtype=np.float64)
    if strategy.shape != (channels,) or (strategy < 0.0).any() or strategy.sum() > 1.0 + 1e-9:
        raise ValueError(
            f"a strategy is {channels} probabilities that sum to at most 1, got {given!r}"
        )
    return strategy
