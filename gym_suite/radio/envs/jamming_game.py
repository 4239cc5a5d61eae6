"""The game of a transmitter against jammers: from keywords to a setup, and the id's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.family import Kernels, Mark, Setup
from gym_suite.core.ids import IdEnv, IdParallelEnv
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords, check_number
from gym_suite.radio.bounds.games import jamming_game
from gym_suite.radio.envs.setup import DT
from gym_suite.radio.games import jamming
from gym_suite.radio.parameters import MAX_STEPS
from gym_suite.radio.scenario import whole

KERNELS = Kernels(
    step=jamming.step_batch,
    reset=jamming.reset_batch,
    observe=jamming.observe_batch,
    advance=jamming.advance_batch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of ``radio/JammingGame-v0``.

    Attributes:
        values: What each channel is worth to the transmitter, positive; its length is the band's.
        jammers: Jammers, each on one channel, 1 to 16.
        steps: Steps of an episode.
        history: Steps that an observation goes back, 1 to 64.
        noise: Without effect: what was played is seen without noise.
        mismatch: Without effect: no parameter of the plant can depart from nominal.
        delay: Steps by which actions are late.
        disturbance: None; there are no channels to disturb.
    """

    values: Any = (1.0, 0.8, 0.6, 0.4, 0.2)
    jammers: int = 1
    steps: int = 200
    history: int = 4
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


def configure(id: str, **keywords: Any) -> Setup:
    """Return the setup of a transmitter against jammers.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """
    check_keywords(keywords, [f.name for f in fields(Options)], f"keyword of {id}")
    options = Options(**keywords)
    values = _worth(options.values)
    channels = len(values)
    jammers = whole("jammers", options.jammers, 1, 16)
    history = whole("history", options.history, 1, 64)
    steps = whole("steps", options.steps, 1, MAX_STEPS)
    observations = jamming.observation_columns(jammers, channels, history)
    read_disturbance(options.disturbance, ())
    first = jamming.X_PLAYED
    resolved = {f.name: getattr(options, f.name) for f in fields(options)}
    return Setup(
        id=id,
        family="radio",
        kernels=KERNELS,
        dt=DT,
        state_columns=jamming.state_columns(jammers, channels, history),
        action_columns=Columns(),
        observation_columns=observations,
        metric_columns=jamming.metric_columns(),
        parameter_columns=jamming.PARAMETERS,
        row=np.array([channels, jammers, history], dtype=np.float64),
        tables=(np.array([values], dtype=np.float64),),
        horizon=steps,
        agents=jamming.agent_names(jammers),
        actions=channels + 1,
        idle_action=0,
        mismatch=read_mismatch(options.mismatch, jamming.PARAMETERS, ()),
        noise=read_noise(options.noise, observations, ()),
        delay=read_delay(options.delay),
        renderer="gym_suite.radio.games.render:GameRenderer",
        info_arrays=(("played", first, first + 1 + jammers),),
        keywords=resolved | {"values": list(values)},
        marks=partial(game_marks, values, jammers),
    )


def _worth(given: Any) -> tuple[float, ...]:
    if isinstance(given, str | Mapping) or not hasattr(given, "__iter__"):
        raise TypeError(f"values must be numbers, one a channel, got {given!r}")
    values = list(given)
    if not 2 <= len(values) <= 64:
        raise ValueError(f"values must be 2 to 64 numbers, one a channel, got {len(values)}")
    return tuple(
        check_number(f"values[{c}]", value, above=0.0, high=1e6) for c, value in enumerate(values)
    )


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


class JammingGameEnv(IdEnv):
    """radio/JammingGame-v0: a transmitter against jammers, zero-sum.

    ## Description

    Each step the transmitter picks one of C channels and each of m jammers one, all at the same time. Channel i is
    worth v_i to the transmitter unless it is jammed, and the jammers lose what it earns. Matching pennies on a
    band: whoever can be foretold loses.

    The value of a step is the largest of (k - m) / sum of 1/v_i over the best k channels; with equal worth it is
    1 - m/C. The transmitter is sure of it by picking the best k with probabilities in proportion to 1/v_i, the
    jammers by jamming channel i with probability 1 - value/v_i (`gym_suite.radio.bounds.jamming_game`). What a
    strategy concedes to its best answer is its exploitability (`conceded`, `granted`).

    ## Action Space

    `Discrete(6)` for each agent: 0 is silence, k is channel k - 1.

    ## Observation Space

    `Box(float32)` of shape (46,) for each agent: what was played in the last 4 steps, newest first
    (`transmitter_<steps ago>_<action>` one-hot, `jammed_<steps ago>_<channel>`), zeros before the episode, and
    who the agent is (`is_transmitter`, `is_jammer_0`, ...).

    `info` holds, besides the reward terms, `channel` (of the transmitter, -1: silent), `earned`, `jammed`, and the
    whole-number array `played` (channels of transmitter and jammers, -1: silent, -2: nothing yet).

    ## Rewards

    The transmitter earns the worth of its channel unless a jammer is there; each jammer loses the m-th part of it,
    so the rewards of all agents sum to zero. The terms in `info` are parts of the agents' mean, which is zero:

    | Term                 | Formula                       |
    |----------------------|-------------------------------|
    | `reward_transmitter` | what was earned / (1 + m)     |
    | `reward_jammers`     | -what was earned / (1 + m)    |

    ## Starting State

    Nothing was played. The game itself draws no numbers; all chance is the players'.

    ## Episode End

    Truncation after `steps` (200); nothing terminates an episode.

    ## Arguments

    `gym_suite.parallel_env` takes:

    | Name          | Default                     | Meaning                                             |
    |---------------|-----------------------------|-----------------------------------------------------|
    | `render_mode` | `None`                      | `None`, `"rgb_array"` or `"human"`                  |
    | `values`      | `(1.0, 0.8, 0.6, 0.4, 0.2)` | worth of each channel, 2 to 64 positive numbers     |
    | `jammers`     | `1`                         | jammers, 1 to 16                                    |
    | `steps`       | `200`                       | steps of an episode                                 |
    | `history`     | `4`                         | steps that an observation goes back, 1 to 64        |
    | `noise`       | `None`                      | without effect: what was played is seen as it was   |
    | `mismatch`    | `None`                      | without effect: nothing can depart from nominal     |
    | `delay`       | `0`                         | steps by which actions are late                     |
    | `disturbance` | `None`                      | there are no channels to disturb                    |

    ## Reference Controllers

    `minimax` (plays its side of the solution; the jammers agree on distinct channels) and `fictitious` (answers
    what the other side has played so far).

    ## Parameters and Sources

    The game and its value: a zero-sum game, von Neumann 1928; as anti-jamming game Wu, Wang, Liu and Clancy, IEEE
    JSAC 30(1), 2012. Fictitious play: Brown 1951.

    ## Version History

    * v0: first version.
    """

    id = "radio/JammingGame-v0"

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, **keywords)


class JammingGameParallelEnv(IdParallelEnv):
    """:class:`JammingGameEnv` as a PettingZoo ParallelEnv."""

    single = JammingGameEnv
