"""What can be earned in a scenario at best: the figures beside which results are reported.

- The memoryless ceiling: the best map from RFRL Gym's occupancy vector to an action.
- The optimum: of the best agent that knows who is where and what the entities remember, but not what
  will be drawn. Where only the used channel is sensed, of the best agent that does so.
- The clairvoyant bound: of an agent that knows also who transmits where in the coming step.

Where entities react to the agent the last two come from dynamic programming over the full state.
All are exact where the states can be counted within seconds; else they are simulated, or not computed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gym_suite.radio.bounds.chains import Chain, Uncounted
from gym_suite.radio.bounds.independent import independent
from gym_suite.radio.bounds.planning import WORK, Rules, memoryless, plan
from gym_suite.radio.bounds.simulated import simulated
from gym_suite.radio.scenario.kinds import KIND
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.scenario.reading import read_scenario


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
    played = any(entity.table for entity in read.entities)  # on several channels at once
    chain = None if played else _chain(read)
    values = chain and plan(chain, rules, work=work)
    if chain and values:
        return Ceilings(
            memoryless=_rounded(memoryless(chain, rules, work=work)),
            optimum=_rounded(values.informed),
            clairvoyant=_rounded(values.clairvoyant),
        )
    alone = independent(read, rules)
    if alone:
        found, values = alone
        return Ceilings(
            memoryless=_rounded(found),
            optimum=_rounded(values.informed),
            clairvoyant=_rounded(values.clairvoyant),
        )
    in_part = (
        read.has_bursts and rules.tolerance > 0.0
    )  # which an occupancy that is played does not tell
    reacts = any(KIND[entity.kind].reacts for entity in read.entities)
    if reacts or in_part or rules.switching_cost > 0.0:
        return Ceilings(memoryless=None, clairvoyant=None, exact=False)
    found, best = simulated(read, rules, episodes)
    return Ceilings(memoryless=found, clairvoyant=best, exact=False, episodes=episodes)


def _chain(scenario: Scenario) -> Chain | None:
    with suppress(Uncounted):
        return Chain(scenario)
    return None


def _rounded(value: float | None) -> float | None:
    """Return a sum of probabilities without its rounding errors."""
    return None if value is None else round(value, 9)


def unseen(scenario: Scenario) -> bool:
    """Return whether entities remember what is not on air, so that the full state may be unknown."""
    kinds = [KIND[entity.kind] for entity in scenario.entities]
    return any(not (kind.scheduled or kind.forgetful or kind.tracks) for kind in kinds)
