"""The policy of dynamic programming as an agent: it knows the chances of the band and filters what it senses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.bounds.chains import Air, Chain, Past, Uncounted
from gym_suite.radio.bounds.planning import Policy, Rules, policy
from gym_suite.radio.controllers.common import Array, ChannelController
from gym_suite.radio.scenario.bands import scenario_of

#: The states that the entities may be in, each with its probability.
Belief = tuple[tuple[Air, float], ...]
_STEP, _BELIEF, _PAST = range(3)  # columns of the state; the agent's channels + 1 follow


class Optimal(ChannelController):
    """Dynamic programming over the full state, weighted by the probability of each state.

    It keeps the exact probabilities of where the entities are and what they remember, from all that was sensed and all
    that it did, and takes the action that the backward induction of
    :func:`gym_suite.radio.bounds.planning.policy` values most on average over them (QMDP; Littman, Cassandra and
    Kaelbling, ICML 1995). Where what is sensed leaves no doubt of the state this is optimal: its expected return is the
    figure "optimum" beside theory. Elsewhere it acts as if all were known after the next step; nobody earns more than
    the figure "full state". What contradicts every state, as under noise, it passes over. Of equals it takes the lowest
    channel, and silence before all. It does not know of actions that are late.

    Raises:
        ValueError: Where not all channels are sensed perfectly, a link decides what arrives, or the states cannot be
            counted.
    """

    name: ClassVar[str] = "optimal"
    information = "model"

    @property
    def state_size(self) -> int:  # type: ignore[override]
        """Columns of the state row: step, place of the belief, and own channels as far as they matter."""
        return _PAST + self._policy.depth

    def _set_up(self, nominal: Any) -> None:
        setup, reason = nominal.setup, ""
        rules, found = Rules.of(setup.keywords), None
        chain: Chain | None = None
        if (setup.keywords["physics"], setup.keywords["sensing"]) != ("perfect", "all"):
            reason = "it takes all channels to be sensed perfectly"
        elif rules is None:
            reason = "the link decides what a transmission earns"
        else:
            with suppress(Uncounted):
                chain = Chain(scenario_of(setup.keywords))
            found = chain and policy(chain, rules)
            reason = "its states are too many to be counted within seconds, or of a kind whose chances are not known"
        if found is None or chain is None:
            raise ValueError(f"no optimal policy of this setup of {setup.id} is computed: {reason}")
        self._chain: Chain = chain
        self._policy: Policy = found
        self._beliefs: list[Belief] = []
        self._places: dict[Belief, int] = {}
        # What was decided once is looked up: (step, belief, own channels).
        self._decided: dict[tuple[int, int, Past], int] = {}
        self._updated: dict[tuple, int] = {}

    def _law(self, observation: Array, state: Array) -> Array:
        codes = np.round(self._sensed(observation) * self._parts[0]).astype(np.int64).tolist()
        used = self._last_channel(observation).tolist()
        action = np.zeros((len(observation), 1))
        for i, (seen, channel) in enumerate(zip(map(tuple, codes), used, strict=True)):
            step, before = int(state[i, _STEP]), int(state[i, _BELIEF])
            past = tuple((state[i, _PAST:] - 1.0).astype(np.int64).tolist())
            now = (channel, *past)[: self._policy.depth] if step else past
            belief = self._update(step, before, past, now, seen)
            action[i] = self._decide(step, belief, now)
            state[i, _STEP], state[i, _BELIEF] = step + 1, belief
            state[i, _PAST:] = np.array(now) + 1
        return action

    def _update(self, step: int, before: int, past: Past, now: Past, seen: tuple[int, ...]) -> int:
        """Return the place of the belief after what was sensed in a step."""
        key = step, before, past, now, seen
        if key not in self._updated:
            chances: Mapping[Air, float] = self._chain.begin()
            if step:
                chances = self._predict(step - 1, self._beliefs[before], past)
            likely = {air: p for air, p in chances.items() if self._shows(step, air, now) == seen}
            self._updated[key] = self._place(likely or chances)
        return self._updated[key]

    def _predict(self, step: int, belief: Belief, past: Past) -> Mapping[Air, float]:
        result: dict[Air, float] = defaultdict(float)
        for air, chance in belief:
            for after, part in self._chain.follow(step, air, past).items():
                result[after] += chance * part
        return result

    def _shows(self, step: int, air: Air, now: Past) -> tuple[int, ...]:
        """Return the occupancy that a state shows."""
        codes = self._chain.occupancy(step, self._chain.actions(step, air, now))
        if self._chain.scenario.observation == "classify":
            return tuple(codes)
        return tuple(min(code, 1) for code in codes)

    def _place(self, chances: Mapping[Air, float]) -> int:
        total = sum(chances.values())
        belief = tuple(sorted((air, round(p / total, 12)) for air, p in chances.items()))
        if belief not in self._places:
            self._places[belief] = len(self._beliefs)
            self._beliefs.append(belief)
        return self._places[belief]

    def _decide(self, step: int, belief: int, now: Past) -> int:
        key = step, belief, now
        if key not in self._decided:
            last = self._chain.steps - 1  # who is asked beyond the end acts as in the last step
            worth: NDArray[np.float64] = np.zeros(self.channels_ + 1)
            for air, chance in self._beliefs[belief]:
                worth += chance * self._policy.worth(min(step, last), air, now)
            self._decided[key] = int(worth.round(9).argmax())
        return self._decided[key]
