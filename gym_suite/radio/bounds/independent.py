"""Exact ceilings of a band in which each channel has a user of its own that nobody touches, however many there are.

The states of all channels together are too many to be counted; but they are independent, so the distribution of the
best of them follows from the product of their distribution functions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.bounds.chains import HIDDEN, chain_of
from gym_suite.radio.bounds.planning import Rules, Values
from gym_suite.radio.scenario.model import Scenario

#: What a channel may be worth, and the chance of each worth.
Worth = tuple[NDArray[np.float64], NDArray[np.float64]]


def separate(scenario: Scenario) -> bool:
    """Return whether each user is of a hidden kind, always active, and alone on a channel of its own."""
    users = scenario.entities
    own = [entity.channels[:1] for entity in users]
    return (
        bool(users)
        and len(set(own)) == len(own)
        and all(
            entity.kind in HIDDEN
            and entity.on_off[0] == 1
            and entity.on_off[2] == 0
            and entity.start == 0
            and entity.stop >= scenario.steps
            for entity in users
        )
    )


def independent(scenario: Scenario, rules: Rules) -> tuple[float, Values] | None:
    """Return the memoryless ceiling and the values of an episode; None where channels are not independent.

    Args:
        scenario: The band.
        rules: How an episode is judged.
    """
    partly = scenario.has_bursts and rules.tolerance > 0.0
    if scenario.goal != "access" or rules.switching_cost > 0.0 or partly:
        return None
    if not separate(scenario):
        return None
    known, seen, idle = [], [], []
    for entity in scenario.entities:
        start, move, busy = chain_of(entity)
        gain = move @ np.where(busy, rules.lost, 1.0)
        known.append((gain, start))
        chances = np.array([start[~busy].sum(), start[busy].sum()])
        means = np.array([start[part] @ gain[part] for part in (~busy, busy)])
        seen.append((means / np.where(chances > 0.0, chances, 1.0), chances))
        idle.append(chances[0])
    if len(known) < scenario.channels:  # a channel without a user
        always = np.ones(1), np.ones(1)
        known, seen, idle = [*known, always], [*seen, always], [*idle, 1.0]
    clairvoyant = scenario.steps * float(1.0 - np.prod(1.0 - np.array(idle)))
    informed = scenario.steps * _best(known)
    return scenario.steps * _best(seen), Values(clairvoyant=clairvoyant, informed=informed)


def _best(channels: list[Worth]) -> float:
    """Return the mean of the best of independent channels and of silence, which is worth nothing."""
    values = np.unique(np.concatenate([[0.0], *(worth for worth, _ in channels)]))
    below = np.ones(len(values))
    for worth, chances in channels:
        below *= [chances[worth <= value].sum() for value in values]
    below[values < 0.0] = 0.0
    return float(np.diff(below, prepend=0.0) @ values)
