"""The game of a transmitter against jammers: from keyword arguments to a setup."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from gym_suite.core.columns import Column, Columns, Term
from gym_suite.core.family import Setup
from gym_suite.core.marks import Mark
from gym_suite.core.parameters import check_number
from gym_suite.radio import game
from gym_suite.radio.bounds.games import jamming_game
from gym_suite.radio.envs.options import TASKS, Options
from gym_suite.radio.envs.setup import DT
from gym_suite.radio.parameters import MAX_HISTORY, MAX_STEPS
from gym_suite.radio.scenario.values import whole


def jammed_transmitter(id: str, task: str, options: Options) -> Setup:
    """Return the setup of a transmitter against jammers.

    Args:
        id: For the setup.
        task: The task.
        options: As a user gave them.

    Raises:
        ValueError: For a value out of bounds.
        TypeError: For a value of the wrong kind.
    """
    values = _worth(options.values)
    channels = len(values)
    jammers = whole("jammers", options.jammers, 1, game.MOST_JAMMERS)
    history = whole("history", options.history, 1, MAX_HISTORY)
    steps = whole("steps", options.steps, 1, MAX_STEPS)
    seen = _observations(jammers, channels, history)
    played = game.X.played
    columns = game.METRICS
    terms = tuple(
        Term(c.name, c.meaning, low=c.low, high=c.high) for c in columns if "reward" in c.name
    )
    return Setup(
        id=id,
        family="radio",
        kernels=game.KERNELS,
        dt=DT,
        state_columns=game.state_columns(jammers, channels, history),
        action_columns=Columns(),
        observation_columns=seen,
        metric_columns=columns,
        terms=terms,
        parameter_columns=game.PARAMETERS,
        row=np.array([channels, jammers, history], dtype=np.float64),
        tables=(np.array([values], dtype=np.float64),),
        horizon=steps,
        agents=game.agent_names(jammers),
        actions=channels + 1,
        renderer="gym_suite.radio.render:GameRenderer",
        info_arrays=(("played", played, played + 1 + jammers),),
        keywords=TASKS[task].as_given(options) | {"values": list(values)},
        marks=partial(game_marks, values, jammers),
        **options.read(seen, (), game.PARAMETERS, (), ()).setup,
    )


def _worth(given: Any) -> tuple[float, ...]:
    if isinstance(given, str | Mapping) or not hasattr(given, "__iter__"):
        raise TypeError(f"values must be numbers, one a channel, got {given!r}")
    values = list(given)
    if not 2 <= len(values) <= game.MOST_CHANNELS:
        raise ValueError(f"values must be 2 to 64 numbers, one a channel, got {len(values)}")
    return tuple(
        check_number(f"values[{c}]", value, above=0.0, high=1e6) for c, value in enumerate(values)
    )


def _observations(jammers: int, channels: int, history: int) -> Columns:
    """Return the columns of one agent's observation."""
    seen = []
    for k in range(history):
        seen += [
            Column(f"transmitter_{k}_{a}", "1", 0, 1, f"1 for its action {k} steps ago, else 0")
            for a in range(channels + 1)
        ]
        seen += [
            Column(f"jammed_{k}_{c}", "1", 0, 1, f"1 for each channel jammed {k} steps ago")
            for c in range(channels)
        ]
    roles = [Column(f"is_{name}", "1", 0, 1, f"1 for {name}") for name in game.agent_names(jammers)]
    return Columns(*seen, *roles)


def game_marks(values: tuple[float, ...], jammers: int, steps: int) -> tuple[Mark, ...]:
    """Return the figures of the game; they are the transmitter's returns.

    Args:
        values: What each channel is worth.
        jammers: Jammers, each on one channel.
        steps: Steps of an episode.
    """
    value = jamming_game(values, jammers).value
    text = "what the transmitter earns if both sides play well; the jammers lose as much"
    return (
        Mark("minimax value", steps * value, "optimum", text),
        Mark("unjammed", steps * max(values), "bound", "the best channel, never jammed"),
    )
