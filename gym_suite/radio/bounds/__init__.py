"""What can be earned in a scenario at best: the figures beside which results are reported.

- The memoryless ceiling: the best map from RFRL Gym's occupancy vector to an action.
- The optimum: of the best agent that knows who is where and what the entities remember, but not what
  will be drawn. Where only the used channel is sensed, of the best agent that does so.
- The clairvoyant bound: of an agent that knows also who transmits where in the coming step.

Where entities react to the agent the last two come from dynamic programming over the full state.
All are exact where the states can be counted within seconds; else they are simulated, or not computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.bounds import gilbert_elliott
from gym_suite.radio.bounds.chains import FORGETFUL, REACTIVE, SCHEDULED, Chain
from gym_suite.radio.bounds.games import Game, conceded, granted, jamming_game
from gym_suite.radio.bounds.planning import WORK, Rules, memoryless, plan
from gym_suite.radio.bounds.sensing import (
    SensingTime,
    best_sensing_time,
    normalized_throughput,
)
from gym_suite.radio.scenario import Scenario, read_scenario

__all__ = [
    "REACTIVE",
    "Ceilings",
    "Game",
    "Rules",
    "SensingTime",
    "best_sensing_time",
    "ceilings",
    "conceded",
    "gilbert_elliott",
    "granted",
    "jamming_game",
    "normalized_throughput",
]

_IDS = {"access": ("radio/Access-v0", "access"), "jam": ("radio/Jamming-v0", "jamming")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The best expected returns of an episode; None where they are not computed.

    Attributes:
        memoryless: Of the best map from RFRL Gym's observation to an action.
        optimum: Of an agent that knows who is where and what the entities remember, but not the draws
            to come. Nobody without foresight earns more.
        clairvoyant: Of an agent that knows besides who transmits where in the coming step.
        exact: Whether the values are computed; else they are means over ``episodes``, and the
            memoryless one, fitted to these, is slightly too high.
        episodes: Episodes played where the values are not computed.
    """

    memoryless: float | None
    optimum: float | None = None
    clairvoyant: float | None
    exact: bool = True
    episodes: int = 0

    def __str__(self) -> str:
        def show(value: float | None) -> str:
            return "not computed" if value is None else f"{value:.4g}"

        return (
            f"memoryless {show(self.memoryless)}, optimum {show(self.optimum)}, "
            f"clairvoyant {show(self.clairvoyant)}"
        )


def ceilings(
    scenario: Any, *, rules: Rules | None = None, episodes: int = 200, work: int = WORK
) -> Ceilings:
    """Return the ceilings of a scenario.

    Args:
        scenario: A shipped name, a path, a mapping or a :class:`Scenario`.
        rules: How an episode is judged; by default +1, 0, -1.
        episodes: Episodes that are played where there are too many states and nobody reacts.
        work: Transitions followed at most.

    Raises:
        ValueError: For a scenario that is none.
    """
    read, rules = read_scenario(scenario), rules or Rules()
    chain = Chain(read)
    played = any(entity.kind == "playback" for entity in read.entities)  # several channels at once
    values = None if played else plan(chain, rules, work=work)
    if values is not None:
        return Ceilings(
            memoryless=_rounded(memoryless(chain, rules, work=work)),
            optimum=_rounded(values.informed),
            clairvoyant=_rounded(values.clairvoyant),
        )
    if chain.depth or rules.switching_cost > 0.0:
        return Ceilings(memoryless=None, clairvoyant=None, exact=False)
    found, best = _simulated(read, rules, episodes)
    return Ceilings(memoryless=found, clairvoyant=best, exact=False, episodes=episodes)


def _rounded(value: float | None) -> float | None:
    """Return a sum of probabilities without its rounding errors."""
    return None if value is None else round(value, 9)


def unseen(scenario: Scenario) -> bool:
    """Return whether entities remember what is not on air, so that the full state may be unknown."""
    return any(
        entity.kind not in SCHEDULED | FORGETFUL | {"follower"} for entity in scenario.entities
    )


# ---------------------------------------------------------------------------------------- simulation


def _simulated(scenario: Scenario, rules: Rules, count: int) -> tuple[float, float]:
    """Return the memoryless ceiling and the clairvoyant bound over episodes without anybody reacting."""
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
    from gym_suite.core.rows import Rows
    from gym_suite.radio.envs.setup import configure

    setup = configure(*_IDS[scenario.goal], scenario=scenario)
    spans = {name: slice(first, stop) for name, first, stop in setup.info_arrays}
    rows = Rows(setup, count)
    keys = np.random.Generator(np.random.PCG64(0)).integers(0, 2**63, count, dtype=np.uint64)
    rows.reset(np.ones(count, dtype=np.bool_), keys)
    seen, good = [], []
    wanted = float(scenario.target_number)
    for _ in range(scenario.steps):
        seen.append(rows.x[:, spans["peer_observation"]].copy())
        rows.u[:] = 0.0
        rows.advance()
        good.append(rows.x[:, spans["occupancy"]] == wanted)
    return np.array(seen), np.array(good)
