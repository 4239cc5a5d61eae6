"""What can be earned in a scenario at best: the ceilings beside which results are reported.

Both ceilings are computed by playing the entities with the agent silent, so they hold where nobody
reacts to the agent. Where somebody does (agile users, jammers that follow) they are not computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.family import Rows
from gym_suite.radio.envs.setup import configure
from gym_suite.radio.scenario import Scenario, read_scenario

REACTIVE = frozenset({"agile", "simple_jammer", "follower"})
_RANDOM = frozenset(
    {"stochastic_hopper", "stochastic_constant", "gilbert_elliott", "random_jammer"}
)
_IDS = {"access": ("radio/Access-v0", "access"), "jam": ("radio/Jamming-v0", "jamming")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The best returns of an episode; None where they are not computed.

    Attributes:
        memoryless: Of the best map from RFRL Gym's observation to an action.
        clairvoyant: Of an agent that knows who transmits where in the coming step.
        exact: Whether the scenario is deterministic; else both are means over ``episodes``, and the
            memoryless one, fitted to these, is slightly too high.
        episodes: Episodes played.
    """

    memoryless: float | None
    clairvoyant: float | None
    exact: bool
    episodes: int

    def __str__(self) -> str:
        def show(value: float | None) -> str:
            return "not computed" if value is None else f"{value:.4g}"

        return f"memoryless {show(self.memoryless)}, clairvoyant {show(self.clairvoyant)}"


def ceilings(scenario: Any, *, episodes: int = 200) -> Ceilings:
    """Return the ceilings of a scenario under the reward +1, 0, -1.

    Args:
        scenario: A shipped name, a path, a mapping or a :class:`Scenario`.
        episodes: Episodes of a scenario in which chance plays a part.

    Raises:
        ValueError: For a scenario that is none.
    """
    read = read_scenario(scenario)
    kinds = {entity.kind for entity in read.entities}
    exact = not kinds & _RANDOM
    if kinds & REACTIVE:
        return Ceilings(memoryless=None, clairvoyant=None, exact=False, episodes=0)
    count = 1 if exact else episodes
    seen, gain = _play(read, count)
    best = np.maximum(gain.max(axis=2), 0.0)
    contexts, place = np.unique(seen.reshape(-1, seen.shape[2]), axis=0, return_inverse=True)
    total = np.zeros((len(contexts), gain.shape[2]))
    np.add.at(total, place.ravel(), gain.reshape(-1, gain.shape[2]))
    memoryless = np.maximum(total.max(axis=1), 0.0).sum() / count
    return Ceilings(
        memoryless=float(memoryless),
        clairvoyant=float(best.sum() / count),
        exact=exact,
        episodes=count,
    )


def _play(scenario: Scenario, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return observations before each step (T, n, C) and what each channel earns in it (T, n, C)."""
    setup = configure(*_IDS[scenario.goal], scenario=scenario)
    spans = {name: slice(first, stop) for name, first, stop in setup.info_arrays}
    rows = Rows(setup, count)
    keys = np.random.Generator(np.random.PCG64(0)).integers(0, 2**63, count, dtype=np.uint64)
    rows.reset(np.ones(count, dtype=np.bool_), keys)
    seen, gain = [], []
    wanted = float(scenario.target_number)
    for _ in range(scenario.steps):
        seen.append(rows.x[:, spans["peer_observation"]].copy())
        rows.u[:] = 0.0
        rows.advance()
        good = rows.x[:, spans["occupancy"]] == wanted
        gain.append(np.where(good, 1.0, -1.0))
    return np.array(seen), np.array(gain)
