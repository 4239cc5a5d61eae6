"""The optimum of Gilbert-Elliott channels of which one is used, and thereby sensed, in a step.

One and two channels are a partially observed decision process whose beliefs can be counted: a channel
was last seen busy or idle some steps ago, or never. More channels are solved where theory says that
the myopic policy is optimal; it is then simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.transforms import next_belief, stationary_idle

#: A belief this close to the stationary one counts as it.
FORGOTTEN = 1e-10
#: Pairs of beliefs times steps at most: about a second.
WORK = 100_000_000
EPISODES = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The best expected return of an episode.

    Attributes:
        value: The return.
        error: Its standard error; 0 where it is computed and not simulated.
    """

    value: float
    error: float = 0.0


def optimum(
    p01: Sequence[float], p11: Sequence[float], *, steps: int, lost: float = 0.0
) -> Optimum | None:
    """Return the optimum of an episode in which only the used channel is sensed.

    One or two channels: backward induction over the beliefs, silence allowed. Three equal ones, and
    any number of equal ones with p11 >= p01: the myopic policy (Ahmad, Liu, Javidi, Zhao and
    Krishnamachari, IEEE T-IT 55(9), 2009), where nothing is lost by transmitting. Otherwise None.

    Args:
        p01: Chance that a busy channel becomes idle, one for each channel.
        p11: Chance that an idle channel stays idle.
        steps: Steps of an episode.
        lost: What a transmission on a busy channel earns: 0 or -1.
    """
    if len(p01) <= 2:
        value = _plan(p01, p11, steps, lost)
        return None if value is None else Optimum(value=value)
    equal = len(set(p01)) == 1 and len(set(p11)) == 1
    if not equal or lost != 0.0 or not (p11[0] >= p01[0] or len(p01) == 3):
        return None
    earned = simulate_myopic(len(p01), p01[0], p11[0], steps=steps)
    error = earned.std(ddof=1) / np.sqrt(len(earned))
    return Optimum(value=float(earned.mean()), error=float(error))


def _beliefs(p01: float, p11: float, steps: int) -> NDArray[np.float64]:
    """Return the beliefs of a channel: never seen, then seen busy 1, 2, ... ago, then seen idle."""
    memory = abs(p11 - p01)
    ages = 1
    while ages < steps and memory**ages > FORGOTTEN:
        ages += 1
    seen = [[next_belief(o, p01, p11, k) for k in range(1, ages + 1)] for o in (0.0, 1.0)]
    return np.array([stationary_idle(p01, p11), *seen[0], *seen[1]])


def _older(count: int) -> NDArray[np.intp]:
    """Return the place of each belief a step later, if the channel is not looked at."""
    ages = (count - 1) // 2
    result = np.arange(1, count + 1)
    result[[0, ages, 2 * ages]] = 0
    return result


def _plan(p01: Sequence[float], p11: Sequence[float], steps: int, lost: float) -> float | None:
    beliefs = [_beliefs(a, b, steps) for a, b in zip(p01, p11, strict=True)]
    if len(beliefs) == 1:  # a second channel that is never idle changes nothing
        beliefs.append(np.zeros(3))
    first, second = beliefs
    if len(first) * len(second) * steps > WORK:
        return None
    i, j = _older(len(first)), _older(len(second))
    busy, idle = 1, [(len(b) - 1) // 2 + 1 for b in beliefs]
    earn = [b + lost * (1.0 - b) for b in beliefs]
    value = np.zeros((len(first), len(second)))
    for _ in range(steps):
        silent = value[i][:, j]
        on_first = (
            earn[0] + np.outer(value[idle[0], j], first) + np.outer(value[busy, j], 1 - first)
        )
        on_second = (
            earn[1] + np.outer(value[i, idle[1]], second) + np.outer(value[i, busy], 1 - second)
        )
        value = np.maximum(silent, np.maximum(on_first.T, on_second))
    return float(value[0, 0])


def simulate_myopic(
    channels: int, p01: float, p11: float, *, steps: int, episodes: int = EPISODES, seed: int = 0
) -> NDArray[np.float64]:
    """Return what the myopic policy delivers in each episode, (episodes,).

    Args:
        channels: Equal channels.
        p01: Chance that a busy channel becomes idle.
        p11: Chance that an idle channel stays idle.
        steps: Steps of an episode.
        episodes: How many.
        seed: Seed of the draws.
    """
    generator = np.random.default_rng(seed)
    rows = np.arange(episodes)
    base = stationary_idle(p01, p11)
    idle = generator.random((episodes, channels)) < base
    belief = np.full((episodes, channels), base)
    earned = np.zeros(episodes)
    for _ in range(steps):
        idle = generator.random((episodes, channels)) < np.where(idle, p11, p01)
        best = belief.argmax(axis=1)
        good = idle[rows, best]
        earned += good
        belief[rows, best] = good
        belief = belief * p11 + (1.0 - belief) * p01
    return earned
