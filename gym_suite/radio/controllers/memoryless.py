"""The best map from what was sensed last to an action, by exact chances of what follows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

import numpy as np

from gym_suite.radio.bounds.chains import Chain, Uncounted
from gym_suite.radio.bounds.planning import Rules, observed_gains
from gym_suite.radio.controllers.common import Array, ChannelController
from gym_suite.radio.scenario.bands import scenario_of


class BestMap(ChannelController):
    """The best memoryless map: for each occupancy of the channels the action that earns most on average.

    For every pair of successive states of the entities, with its chance, what each action would earn is added up under
    the occupancy that is observed before it; of each the best is taken. No agent that looks only at the last
    occupancy earns more: its return is the figure "memoryless" beside theory. An occupancy that cannot occur, as under
    noise, is answered by what earns most over all.

    Raises:
        ValueError: Where somebody reacts to the agent, changing the channel costs, not all channels are sensed
            perfectly, or the states cannot be counted.
    """

    name: ClassVar[str] = "best-map"
    information = "model"

    def _set_up(self, nominal: Any) -> None:
        gains, rules = None, Rules.of(nominal.setup.keywords)
        if rules is not None:
            with suppress(Uncounted):
                gains = observed_gains(Chain(scenario_of(nominal.setup.keywords)), rules)
        if gains is None:
            raise ValueError(
                f"there is no best memoryless map for this setup of {nominal.setup.id}: it takes perfect sensing of "
                "all channels, a reward by transmissions, nobody who reacts, and states that can be counted"
            )
        self._otherwise = int(sum(gains.values()).argmax())  # type: ignore[union-attr]
        self._answers = {seen: int(gain.argmax()) for seen, gain in gains.items()}

    def _law(self, observation: Array, state: Array) -> Array:
        codes = np.round(self._sensed(observation) * self._parts[0]).astype(np.int64)
        answers = [self._answers.get(tuple(row), self._otherwise) for row in codes.tolist()]
        return np.array(answers, dtype=np.float64)[:, None]
