"""Pictures of bands with several agents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio import render
from gym_suite.radio.games import jamming
from gym_suite.radio.render import WINDOW, RadioRenderer
from gym_suite.rendering import EpisodeRenderer, History


class AccessRenderer(RadioRenderer):
    """The occupancy map with the transmissions of all agents above their mean cumulated reward."""

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        agents = self.setup.agents
        own = [f"{what}_{agent}" for what in ("channel", "ack") for agent in agents]
        return (*own, *self.setup.reward_terms)

    def _picture(self, values: dict[str, NDArray[np.float64]]) -> NDArray[np.int64]:
        """Return the class of each channel and step, (channels, WINDOW), the newest step last."""
        marks = [(values[f"channel_{a}"], values[f"ack_{a}"]) for a in self.setup.agents]
        return _painted(self._bands[self._row], self._classes, marks)


class GameRenderer(RadioRenderer):
    """The map of what was jammed, with the transmitter, above what it has earned."""

    def __init__(self, setup: Any, *, size: tuple[int, int] = (960, 540)) -> None:
        EpisodeRenderer.__init__(self, setup, size=size)
        self._span = slice(0, int(setup.row[jamming.P_CHANNELS]))
        self._players = slice(jamming.X_PLAYED + 1, jamming.X_PLAYED + len(setup.agents))
        self._bands: dict[int, History] = {}
        self._row = 0
        self._classes = np.array([render._IDLE, render._JAMMER])

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        return ("channel", "earned", *self.setup.reward_terms)

    def append(
        self, row: int, step: int, metrics: NDArray[np.float64], state: NDArray[np.float64]
    ) -> None:
        """Note metrics and the jammed channels after a reset (step 0) or step."""
        EpisodeRenderer.append(self, row, step, metrics, state)
        band = self._bands.setdefault(row, History(self._span.stop, capacity=WINDOW))
        if step == 0:
            band.clear()
        jammed = np.zeros(self._span.stop)
        played = state[self._players]
        jammed[played[played >= 0.0].astype(np.intp)] = 1.0
        band.append(step, jammed)

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now; the reward terms of a zero-sum game cancel, so what is earned."""
        shown = dict.fromkeys(self.setup.reward_terms, np.zeros_like(values["earned"]))
        shown[self.setup.reward_terms[0]] = values["earned"]
        super().update(time, values | shown)

    def _picture(self, values: dict[str, NDArray[np.float64]]) -> NDArray[np.int64]:
        """Return the class of each channel and step, (channels, WINDOW), the newest step last."""
        ack = np.where(values["earned"] > 0.0, 1.0, -1.0)
        return _painted(self._bands[self._row], self._classes, [(values["channel"], ack)])


def _painted(
    band: History, classes: NDArray[np.int64], marks: list[tuple[NDArray[np.float64], ...]]
) -> NDArray[np.int64]:
    """Return the map of a band's history with each agent's (channel, ack) on top."""
    _, rows = band.rows()
    picture = np.zeros((rows.shape[1], WINDOW), dtype=np.int64)
    length = min(len(rows), WINDOW)
    picture[:, WINDOW - length :] = classes[rows[-length:].astype(np.int64)].T
    for channels, acks in marks:
        recent = min(length, len(channels))
        places = np.arange(WINDOW - recent, WINDOW)
        channel, ack = channels[-recent:].astype(np.int64), acks[-recent:]
        for outcome, sign in ((render._DELIVERED, 1.0), (render._LOST, -1.0)):
            there = (channel >= 0) & (ack == sign)
            picture[channel[there], places[there]] = outcome
    return picture
