"""What the best agents earn: backward induction over the full state, and the best memoryless map.

Everything is exact where the states can be counted; ``WORK`` bounds how many, so that a bound takes
seconds or is not computed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.bounds.chains import SILENT, Air, Chain, Past, Uncounted, rewards

#: Transitions that are followed at most: some seconds.
WORK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How an episode is judged.

    Attributes:
        lost: What a transmission that fails earns: -1, or 0 under reward "throughput".
        tolerance: Part of a step that may be interfered with.
        switching_cost: Cost of transmitting on another channel than in the step before.
    """

    lost: float = -1.0
    tolerance: float = 0.0
    switching_cost: float = 0.0

    @classmethod
    def of(cls, keywords: Mapping[str, Any]) -> Rules | None:
        """Return the rules of a setup of one agent; None where the link decides what arrives.

        Args:
            keywords: The setup's resolved keyword arguments.
        """
        lost = {"peer": -1.0, "throughput": 0.0}.get(keywords["reward"])
        if lost is None:
            return None
        numbers = {name: float(keywords[name]) for name in ("tolerance", "switching_cost")}
        return cls(lost=lost, **numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Expected returns of an episode.

    Attributes:
        clairvoyant: Of the best agent that knows the full state and the draws of the coming step.
        informed: Of the best agent that knows the full state, but not what will be drawn.
    """

    clairvoyant: float
    informed: float


def plan(chain: Chain, rules: Rules, *, work: int = WORK) -> Values | None:
    """Return the values by dynamic programming over the full state; None where they cannot be counted.

    The full state is where the entities are, what they remember, and the agent's last channels as far
    as anybody looks back on them.
    """
    try:
        return _Planner(chain, rules, work).solve()
    except Uncounted:
        return None


def policy(chain: Chain, rules: Rules, *, work: int = WORK) -> Policy | None:
    """Return the policy whose expected return is :attr:`Values.informed`; None where it cannot be counted."""
    planner = _Planner(chain, rules, work)
    try:
        planner.solve()
    except Uncounted:
        return None
    return Policy(planner)


class Policy:
    """What each action is worth in every full state that an episode may come to.

    Attributes:
        depth: Of the agent's channels as many as matter, newest first.
    """

    def __init__(self, planner: _Planner) -> None:
        planner.left = math.inf  # the states are counted; asking for their values costs no more
        self._planner = planner
        self.depth = planner.depth

    def worth(self, step: int, air: Air, past: Past) -> NDArray[np.float64]:
        """Return the expected return of the rest of the episode for silence and each channel, (channels + 1,).

        Args:
            step: Step that the action follows, 0 .. steps - 1; it is played in the next.
            air: Where the drawing entities are in it.
            past: The agent's channels up to it, newest first, :attr:`depth` of them.
        """
        return self._planner.worth(step, air, past)


class _Planner:
    """Backward induction; see :func:`plan`."""

    def __init__(self, chain: Chain, rules: Rules, work: float) -> None:
        self.chain, self.rules, self.left = chain, rules, work
        #: Values of an agent that does not foresee, by the step behind which they are, from the last to the first.
        self._behind: list[dict[tuple[Air, Past], float]] = []
        # Bands repeat themselves: what follows and what it earns depends on the step by its phase only.
        self._chances: dict[tuple, dict[Air, float]] = {}
        self._gains: dict[tuple, NDArray[np.float64]] = {}
        self.depth = max(chain.depth, int(rules.switching_cost > 0.0))

    def solve(self) -> Values:
        """Return both values of an episode."""
        start = (SILENT,) * self.depth
        begin: dict[Air, float] = defaultdict(float)
        for air, chance in self.chain.begin().items():
            begin[self.chain.lasting(air)] += chance
        stages: list[tuple] = self._reach(begin, start)
        # Values at the end are zero; keys are states and the agent's channels.
        clairvoyant: dict[tuple[Air, Past], float] = defaultdict(float)
        informed: dict[tuple[Air, Past], float] = defaultdict(float)
        for step in range(self.chain.steps - 1, -1, -1):
            self._behind.append(informed)
            clairvoyant, informed = self._back(step, stages[step], clairvoyant, informed)
        return Values(
            clairvoyant=sum(p * clairvoyant[air, start] for air, p in begin.items()),
            informed=sum(p * informed[air, start] for air, p in begin.items()),
        )

    def worth(self, step: int, air: Air, past: Past) -> NDArray[np.float64]:
        """Return the worth of each action in a state; see :meth:`Policy.worth`."""
        behind = self._behind[self.chain.steps - 1 - step]
        total = np.zeros(self.chain.channels + 1)
        for after, chance in self._follow(step, air, past).items():
            total += chance * (self._gain(step + 1, after, past) + self._later(behind, after, past))
        return total

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Uncounted

    def _name(self, past: Past) -> Past:
        """Return the agent's channels as far as they matter; alike channels are numbered by age."""
        past = past[: self.depth]
        if not self.chain.alike:
            return past
        names: dict[int, int] = {SILENT: SILENT}
        return tuple(names.setdefault(c, len(names) - 1) for c in past)

    def _reach(self, begin: dict[Air, float], start: Past) -> list[tuple]:
        """Return per step the chances of what follows on each state, and the agent's channels before."""
        stages, airs, pasts = [], set(begin), {start}
        channels = range(SILENT, self.chain.channels)
        for step in range(self.chain.steps):
            # The entities do not ask what the agent did where none reacts.
            seen = pasts if self.chain.depth else {start}
            stage = {(air, past): self._follow(step, air, past) for air in airs for past in seen}
            stages.append((stage, pasts))
            airs = {self.chain.lasting(after) for chances in stage.values() for after in chances}
            if self.depth:
                pasts = {self._name((c, *past)) for past in pasts for c in channels}
        return stages

    def _follow(self, step: int, air: Air, past: Past) -> dict[Air, float]:
        """Return the chances of the states in the step after ``step``."""
        key = self.chain.phases[step], air, past
        if key not in self._chances:
            self._chances[key] = self.chain.follow(step, air, past)
            self._spend(10 + 5 * len(self._chances[key]))
        self._spend(1 + len(self._chances[key]))
        return self._chances[key]

    def _back(self, step: int, stage: tuple, clairvoyant: dict, informed: dict) -> tuple:
        """Return the values before a step from those behind it."""
        chances, pasts = stage
        ahead: dict[tuple[Air, Past], NDArray[np.float64]] = {}
        foreseen: dict[tuple[Air, Past], float] = {}
        values = defaultdict(float), defaultdict(float)
        for (air, seen), following in chances.items():
            for past in pasts if not self.chain.depth else (seen,):
                know = 0.0
                guess = np.zeros(self.chain.channels + 1)
                for after, chance in following.items():
                    key = after, past
                    if key not in ahead:
                        gain = self._gain(step + 1, after, past)
                        foreseen[key] = float((gain + self._later(clairvoyant, after, past)).max())
                        ahead[key] = gain + self._later(informed, after, past)
                    know += chance * foreseen[key]
                    guess += chance * ahead[key]
                values[0][air, past] = know
                values[1][air, past] = float(guess.max())
        return values

    def _gain(self, step: int, air: Air, past: Past) -> NDArray[np.float64]:
        """Return what each action earns in a step, (channels + 1,)."""
        key = self.chain.phases[step], air, past
        if key not in self._gains:
            self._spend(10 * self.chain.channels)
            self._gains[key] = self._earn(step, air, past)
        return self._gains[key]

    def _earn(self, step: int, air: Air, past: Past) -> NDArray[np.float64]:
        rules = self.rules
        gain = rewards(self.chain, step, air, past, lost=rules.lost, tolerance=rules.tolerance)
        if rules.switching_cost > 0.0 and past[0] >= 0:
            moved = np.arange(self.chain.channels) != past[0]
            gain[1:] -= rules.switching_cost * moved
        return gain

    def _later(self, values: dict, air: Air, past: Past) -> NDArray[np.float64]:
        """Return the values behind a step for each action in it, (channels + 1,)."""
        self._spend(10)
        air = self.chain.lasting(air)
        if not self.depth:
            return np.full(self.chain.channels + 1, values.get((air, ()), 0.0))
        channels = range(SILENT, self.chain.channels)
        return np.array([values.get((air, self._name((c, *past))), 0.0) for c in channels])


def memoryless(chain: Chain, rules: Rules, *, work: int = WORK) -> float | None:
    """Return what the best map from RFRL Gym's observation to an action earns in an episode.

    Exact: the chances of all pairs of successive states are summed for each observation. None where
    somebody reacts to the agent (the map would decide what is observed), where changing the channel
    costs, or where the states cannot be counted.
    """
    gains = observed_gains(chain, rules, work=work)
    return None if gains is None else float(sum(gain.max() for gain in gains.values()))


def observed_gains(
    chain: Chain, rules: Rules, *, work: int = WORK
) -> dict[tuple[int, ...], NDArray[np.float64]] | None:
    """Return what silence and each channel earn in an episode after each observation, (channels + 1,) each.

    The observation is RFRL Gym's, a code for each channel; the best of each is the best memoryless map. None where
    :func:`memoryless` is not defined.
    """
    if chain.depth or rules.switching_cost > 0.0:
        return None
    try:
        return _gains_of(chain, rules, work)
    except Uncounted:
        return None


def _gains_of(chain: Chain, rules: Rules, work: int) -> dict[tuple[int, ...], NDArray[np.float64]]:
    classify = chain.scenario.observation == "classify"
    total: dict[tuple[int, ...], NDArray[np.float64]] = {}
    chances = chain.begin()
    for step in range(chain.steps):
        behind: dict[Air, float] = defaultdict(float)
        gains: dict[Air, NDArray[np.float64]] = {}
        for air, chance in chances.items():
            codes = chain.occupancy(step, chain.actions(step, air, ()))
            seen = tuple(codes) if classify else tuple(int(code > 0) for code in codes)
            gain = total.setdefault(seen, np.zeros(chain.channels + 1))
            for after, part in chain.follow(step, air, ()).items():
                if after not in gains:
                    gains[after] = rewards(
                        chain, step + 1, after, (), lost=rules.lost, tolerance=rules.tolerance
                    )
                gain += chance * part * gains[after]
                behind[after] += chance * part
                work -= 1
            if work < 0:
                raise Uncounted
        chances = behind
    return total
