"""Ceilings where nobody reacts and there are too many states to count: means over episodes that are played."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.bounds.planning import Rules
from gym_suite.radio.columns import R, T
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.simulation import Worlds
from gym_suite.radio.tables import band_of


def simulated(scenario: Scenario, rules: Rules, count: int) -> tuple[float, float]:
    """Return the memoryless ceiling and the clairvoyant bound over episodes without anybody reacting.

    Args:
        scenario: The band.
        rules: How an episode is judged.
        count: Episodes.
    """
    seen, good = _play(scenario, count)
    gain = np.where(good, 1.0, rules.lost)
    best = np.maximum(gain.max(axis=2), 0.0)
    contexts, place = np.unique(seen.reshape(-1, seen.shape[2]), axis=0, return_inverse=True)
    total = np.zeros((len(contexts), gain.shape[2]))
    np.add.at(total, place.ravel(), gain.reshape(-1, gain.shape[2]))
    fitted = np.maximum(total.max(axis=1), 0.0).sum() / count
    return float(fitted), float(best.sum() / count)


def _play(scenario: Scenario, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return observations before each step and which channels are good in it, both (T, n, C)."""
    keys = np.random.Generator(np.random.PCG64(0)).integers(0, 2**63, count, dtype=np.uint64)
    worlds = Worlds(band_of(scenario), keys)
    most = worlds.tables[T.roles][0, R.most]
    seen, good = [], []
    for _ in range(scenario.steps):
        seen.append(np.minimum(worlds.occupancy, most))
        worlds.advance(0.0)
        good.append(worlds.occupancy == scenario.target_number)
    return np.array(seen), np.array(good)
