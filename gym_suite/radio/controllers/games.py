"""Controllers of bands with several agents; the rows of an observation are agents."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.baselines import hash_rows
from gym_suite.core.parameters import check_number
from gym_suite.radio import game
from gym_suite.radio.bounds.chains import HIDDEN, SILENT, Chain, chain_of
from gym_suite.radio.bounds.games import jamming_game
from gym_suite.radio.controllers.common import Array, RandomizedController
from gym_suite.radio.scenario.kinds import KIND
from gym_suite.radio.scenario.mapping import read_mapping


class _TeamController(RandomizedController):
    """A controller whose observation ends by who the agent is, one-hot."""

    def _tune(self, nominal: Any) -> None:
        self.agents_ = len(nominal.setup.agents)
        if not self.agents_:
            raise ValueError(f"{self.name} is for several agents, {nominal.setup.id} has one")
        super()._tune(nominal)

    def _who(self, observation: Array) -> NDArray[np.int64]:
        """Return the place of each row's agent, (n,)."""
        return observation[:, -self.agents_ :].argmax(axis=1)


# ------------------------------------------------------------------------------------------- sharing


class Schedule(_TeamController):
    """Go where the target will be; share the channels that will be free by rank.

    Knows the scenario: where scheduled entities will be, and how often the others are where. Agents
    with access take the free channels in the order of their names in the scenario, so that no two
    meet.

    Args:
        seed: Not used: nothing is drawn.
    """

    name: ClassVar[str] = "schedule"
    information = "model"

    def _prepare(self, nominal: Any) -> None:
        scenario = read_mapping(nominal.setup.keywords["scenario"])
        chain = Chain(scenario)
        names = [entity.name for entity in scenario.entities]
        busy = np.zeros((chain.steps + 1, chain.channels))
        likely = np.full((chain.steps + 1, len(names)), SILENT)
        for e in range(len(names)):
            chance = _presence(chain, e)
            busy = 1.0 - (1.0 - busy) * (1.0 - chance)
            sure = chance.max(axis=1) > 0.5
            likely[:, e] = np.where(sure, chance.argmax(axis=1), SILENT)
        self._plan = np.zeros((chain.steps + 1, self.agents_))
        rank = 0
        for j, role in enumerate(scenario.agents):
            if role.target is not None:
                self._plan[:, j] = likely[:, names.index(role.target)] + 1.0
                continue
            order = np.argsort(busy, axis=1, kind="stable")[:, rank % chain.channels]
            taken = np.take_along_axis(busy, order[:, None], axis=1)[:, 0]
            self._plan[:, j] = np.where(taken < 0.5, order + 1.0, 0.0)
            rank += 1
        self.own_size = 1

    def _law(self, observation: Array, state: Array) -> Array:
        state[:, 3] = np.minimum(state[:, 3] + 1.0, len(self._plan) - 1.0)
        return self._plan[state[:, 3].astype(np.intp), self._who(observation)][:, None]


def _presence(chain: Chain, e: int) -> Array:
    """Return the chance that an entity is on each channel in each step, (steps + 1, channels)."""
    entity = chain.scenario.entities[e]
    result = np.zeros((chain.steps + 1, chain.channels))
    steps = np.flatnonzero(chain.acting[:, e])
    if e not in chain.drawing:
        for step in steps.tolist():
            result[step, list(chain.covered(step, e, int(chain.scheduled[step, e])))] = 1.0
    elif KIND[entity.kind].forgetful:
        for chance, (_, channel) in chain.draw(e):
            for k in range(chain.width(e) if channel >= 0 else 0):
                result[steps, (channel + k) % chain.channels] += chance
    elif entity.kind in HIDDEN:
        start, _, busy = chain_of(entity)
        result[steps, entity.channels[0]] = start[busy].sum()
    return result


class MusicalChairs(_TeamController):
    """Stay where you were served; else sit down on another channel that looked good.

    Rosenski, Shamir and Szlak, "Multi-player bandits: a musical chairs approach", ICML 2016, with
    sensing: an agent with access tries idle channels, one that jams the target's, or where it cannot
    tell who is there any busy one.

    Args:
        seed: Seed of the controller, a whole number of at least 0.
    """

    name: ClassVar[str] = "musical_chairs"

    def _law(self, observation: Array, state: Array) -> Array:
        good = self._good(observation)
        count = good.sum(axis=1)
        place = np.floor(self._uniform(state, 1)[:, 0] * count)
        tried = (np.cumsum(good, axis=1) > place[:, None]).argmax(axis=1) + 1.0
        tried = np.where(count > 0, tried, 0.0)
        own = self.history_ * self.channels_
        served = observation[:, own + self.channels_ + 1] > 0.0
        return np.where(served, self._last_channel(observation) + 1.0, tried)[:, None]


# ------------------------------------------------------------------------------------------ the game


class _Player(_TeamController):
    """A player of the jamming game, of either side."""

    def _set_up(self, nominal: Any) -> None:
        self.worth_ = nominal.tables[game.T.worth][0].copy()
        self.jammers_ = int(nominal.parameters["jammers"])
        super()._set_up(nominal)


class Minimax(_Player):
    """Play the own side of the game's solution: nobody can do better against the best answer.

    The transmitter draws its channel. The jammers have to jam distinct channels with the right
    probabilities together: they draw one number, from what all have seen, and take the channels at
    equal distances in the cumulated probabilities (systematic sampling, Madow 1949).

    Args:
        seed: Seed of the controller, a whole number of at least 0; the jammers must share it.
    """

    name: ClassVar[str] = "minimax"
    information = "model"

    def _prepare(self, nominal: Any) -> None:
        solution = jamming_game(self.worth_, self.jammers_)
        self.gains_ = {
            "value": solution.value,
            "transmitter": solution.transmitter,
            "jammers": solution.jammers,
        }
        self.gain_units_ = dict.fromkeys(self.gains_, "1")
        self.own_size = 1

    def _law(self, observation: Array, state: Array) -> Array:
        who, last = self._who(observation), self.channels_ - 1
        mixed = np.cumsum(self.gains_["transmitter"])
        sent = (mixed <= self._uniform(state, 1)).sum(axis=1)
        # What was played is the same for all jammers, and never the same for long.
        played = np.column_stack([observation[:, : -self.agents_], state[:, 3]])
        played = np.column_stack([played, np.full(len(played), float(self.seed))])
        part = (hash_rows(played) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        cumulated = np.cumsum(self.gains_["jammers"])
        jammed = (cumulated <= (part + who - 1.0)[:, None]).sum(axis=1)
        state[:, 3] += 1.0
        chosen = np.where(who == 0, sent, jammed)
        return np.minimum(chosen, last)[:, None] + 1.0


class FictitiousPlay(_Player):
    """Answer best to what the other side has played so far (Brown 1951).

    The transmitter takes the channel that was worth most net of how often it was jammed, the jammers
    those on which the transmitter would have earned most; the j-th jammer the j-th best.

    Args:
        prior: Weight of the first guess, that all channels are used alike, in steps.
        seed: Not used: nothing is drawn.
    """

    name: ClassVar[str] = "fictitious"
    information = "model"

    def __init__(self, *, prior: float = 1.0, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.prior = prior

    def _prepare(self, nominal: Any) -> None:
        self._weight = check_number("prior", self.prior, above=0.0)
        self.own_size = 1 + 2 * self.channels_

    def _law(self, observation: Array, state: Array) -> Array:
        c, who = self.channels_, self._who(observation)
        steps, sent, jammed = state[:, 3:4], state[:, 4 : 4 + c], state[:, 4 + c :]
        sent += observation[:, 1 : c + 1]
        jammed += observation[:, c + 1 : 2 * c + 1]
        steps += observation[:, : 2 * c + 1].any(axis=1, keepdims=True)
        share = (jammed + self._weight * self.jammers_ / c) / (steps + self._weight)
        best = (self.worth_ * (1.0 - share)).argmax(axis=1)
        threat = np.argsort(-self.worth_ * (sent + self._weight / c), axis=1, kind="stable")
        jam = np.take_along_axis(threat, np.maximum(who - 1, 0)[:, None] % c, axis=1)[:, 0]
        return np.where(who == 0, best, jam)[:, None] + 1.0
