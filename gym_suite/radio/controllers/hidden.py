"""The filter of hidden Markov users: who may be where, from what a detector that errs has said."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.bounds.chains import chain_of
from gym_suite.radio.bounds.independent import separate
from gym_suite.radio.columns import E, T
from gym_suite.radio.controllers.common import Array, ChannelController
from gym_suite.radio.scenario.bands import scenario_of
from gym_suite.radio.transforms import detection_probability, false_alarm_probability


class HiddenMarkov(ChannelController):
    """Filter each channel's user by Bayes' rule and use the channel that is most likely idle.

    The forward recursion of a hidden Markov model (Rabiner, Proceedings of the IEEE 77(2), 1989) with the chain of the
    user and the detector's probabilities of false alarm and of detection. Where all channels are sensed nothing that
    the agent does changes what it learns, so without costs of switching the best guess in each step is the best that
    can be done from what is sensed; with ``sensing="own"`` it is the myopic policy. It stays silent where a loss is
    likelier. It does not know of actions that are late.

    Raises:
        ValueError: Where a channel has not at most one user, with a chain of its own and always active, or where
            signals fade.
    """

    name: ClassVar[str] = "hmm"
    information = "model"

    def _set_up(self, nominal: Any) -> None:
        scenario = scenario_of(nominal.setup.keywords)
        values = nominal.parameters
        faded = values["fading"] != 0.0 and nominal.setup.keywords["physics"] != "perfect"
        if not separate(scenario) or faded or scenario.goal != "access":
            raise ValueError(
                f"hmm filters bands in which each channel has at most one user with a chain of its own, always active "
                f"and without fading; this setup of {nominal.setup.id} is another one"
            )
        users = {entity.channels[0]: entity for entity in scenario.entities}
        numbers = {entity.name: k for k, entity in enumerate(scenario.entities)}
        count = max(len(chain_of(entity)[0]) for entity in users.values())
        c = self.channels_
        # A channel without a user has one state, idle.
        self._start, self._busy = np.zeros((c, count)), np.zeros((c, count), dtype=np.bool_)
        self._start[:, 0] = 1.0
        self._move = np.tile(np.eye(count), (c, 1, 1))
        self._alarm = np.zeros((c, count))  # chance that a state is sensed as busy
        threshold, samples = values["threshold"], int(values["samples"])
        perfect = nominal.setup.keywords["physics"] == "perfect"
        self._alarm[:] = 0.0 if perfect else false_alarm_probability(threshold, samples)
        for channel, entity in users.items():
            start, move, busy = chain_of(entity)
            k = len(start)
            self._start[channel, :k], self._busy[channel, :k] = start, busy
            self._move[channel, :k, :k] = move
            snr = float(nominal.tables[T.entities][numbers[entity.name], E.snr])
            found = 1.0 if perfect else detection_probability(snr, threshold, samples)
            self._alarm[channel, self._busy[channel]] = found
        self.state_size = c * count
        self._losing = 0.0 if values["reward"] else 1.0

    def _restart(self, state: Array, rows: NDArray[np.bool_], observation: Array) -> None:
        state[rows] = self._start.ravel()

    def _law(self, observation: Array, state: Array) -> Array:
        sensed = self._sensed(observation)[:, :, None]
        belief = state.reshape(len(state), *self._start.shape)
        said = np.where(sensed > 0.0, self._alarm, 1.0 - self._alarm)
        likely = belief * np.where(sensed < 0.0, 1.0, said)
        total = likely.sum(axis=2, keepdims=True)
        # What contradicts every state, as noise on what is sensed may, tells nothing.
        now = np.where(total > 0.0, likely / np.where(total > 0.0, total, 1.0), belief)
        after = np.einsum("nck,ckj->ncj", now, self._move)
        state[:] = after.reshape(state.shape)
        idle = 1.0 - (after * self._busy).sum(axis=2)
        best = idle.argmax(axis=1)
        silent = idle.max(axis=1) < 0.5 * self._losing
        return np.where(silent, 0.0, best + 1.0)[:, None]
