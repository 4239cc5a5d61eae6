"""The kinds of transmitters that may be in a band: what is true of each, said once.

From these records follow which keys a scenario takes, the JSON Schema, the numbers that kernels switch by, which kinds
the bounds can foresee, and what RFRL Gym calls them. A new kind is a record here and a branch of
:func:`gym_suite.radio.dynamics.act`; where its exact bounds are wanted, a chain in
:mod:`gym_suite.radio.bounds.chains`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: Largest number that a law of one's own remembers.
MEMORY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is true of every transmitter of a kind.

    Attributes:
        name: As scenarios call it.
        meaning: One line.
        keys: Attributes of an :class:`gym_suite.radio.scenario.Entity` that it takes besides those that all take.
        needs: Those of them that must be given.
        jams: Whether it means to disturb: it sends noise and is no primary user, unless its entity says otherwise.
        pursues: Whether it may be the jammer of ``radio/AntiJamming-v0``.
        scheduled: Whether its actions are a function of the step alone.
        forgetful: Whether what it draws does not depend on the past.
        reacts: Whether it looks at what the agents do.
        tracks: Whether where the agent was is all that it goes by.
        wide: Whether it may be on all channels at once.
        partial: Whether it may be on a channel for a part of a step, or below the level that counts as occupied.
        clocked: Whether its on/off clock says more than whether it transmits.
        pointer: Up to what its pointer counts: a number, the last channel, its list of channels, or its table.
        rfrl: Type of the kind in RFRL Gym, whose code it follows step by step; "" where there is none.
    """

    name: str
    meaning: str
    keys: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    jams: bool = False
    pursues: bool = False
    scheduled: bool = False
    forgetful: bool = False
    reacts: bool = False
    tracks: bool = False
    wide: bool = False
    partial: bool = False
    clocked: bool = False
    pointer: int | Literal["channel", "channels", "table"] = 0
    rfrl: str = ""

    @property
    def injected(self) -> bool:
        """Whether draws that RFRL Gym has recorded can take the place of its own."""
        return bool(self.rfrl) and not self.scheduled


KINDS = (
    Kind(
        name="constant",
        meaning="always on its channel",
        keys=("channels",),
        needs=("channels",),
        scheduled=True,
        rfrl="ConstantFreq",
    ),
    Kind(
        name="hopper",
        meaning="goes through its channels in order, one for each time that it is on",
        keys=("channels",),
        needs=("channels",),
        scheduled=True,
        clocked=True,
        pointer="channels",
        rfrl="FixedHopFreq",
    ),
    Kind(
        name="stochastic_hopper",
        meaning="draws one of its channels in each step",
        keys=("channels", "weights"),
        needs=("channels",),
        forgetful=True,
        rfrl="StochasticHopFreq",
    ),
    Kind(
        name="stochastic_constant",
        meaning="on its channel by chance",
        keys=("channels", "probability"),
        needs=("channels",),
        forgetful=True,
        rfrl="StochasticConstantFreq",
    ),
    Kind(
        name="agile",
        meaning="stays on a channel until somebody else is there, then goes to one that was free",
        keys=("channels",),
        needs=("channels",),
        reacts=True,
        pointer="channel",
        rfrl="AgileFreq",
    ),
    Kind(
        name="simple_jammer",
        meaning="goes where one other was alone a step ago",
        keys=("avoid_repeats",),
        jams=True,
        reacts=True,
        rfrl="SimpleJammer",
    ),
    Kind(
        name="gilbert_elliott",
        meaning="on its channel while a chain of two states is bad (Gilbert 1960, Elliott 1963)",
        keys=("channels", "p01", "p11"),
        needs=("channels",),
        pointer=2,  # 0: not yet drawn, 1: good, 2: bad
    ),
    Kind(
        name="follower",
        meaning="goes where the agent was, some time later (Torrieri, Principles of Secure "
        "Communication Systems, ch. 3)",
        keys=("reaction",),
        jams=True,
        pursues=True,
        reacts=True,
        tracks=True,
        partial=True,
        pointer=1,  # 1 while it transmits
    ),
    Kind(
        name="sweep",
        meaning="moves over the band, some adjacent channels at a time",
        keys=("width",),
        jams=True,
        pursues=True,
        scheduled=True,
        pointer="channel",
    ),
    Kind(
        name="random_jammer",
        meaning="draws some adjacent channels in each step",
        keys=("width",),
        jams=True,
        pursues=True,
        forgetful=True,
    ),
    Kind(
        name="barrage",
        meaning="on all channels",
        jams=True,
        pursues=True,
        scheduled=True,
        wide=True,
    ),
    Kind(
        name="playback",
        meaning="plays back a table of received powers",
        keys=("table", "level", "repeat"),
        needs=("table",),
        scheduled=True,
        wide=True,
        partial=True,
        pointer="table",
    ),
    Kind(
        name="bursty",
        meaning="on its channel in bursts whose lengths, as those of the gaps, mix short and long ones",
        keys=(
            *("channels", "short_gap", "long_gap", "long_gaps"),
            *("short_burst", "long_burst", "long_bursts"),
        ),
        needs=("channels",),
        pointer=4,  # 0: not yet drawn, 1 and 2: in a short or long gap, 3 and 4: in a short or long burst
    ),
    Kind(
        name="predictor",
        meaning="goes where the agent's habits lead: draws one of the channels that it chose lately, or chose lately "
        "after the one that it is on",
        keys=("window", "succession"),
        jams=True,
        pursues=True,
        reacts=True,
        tracks=True,
    ),
    Kind(
        name="own",
        meaning="goes where a law of one's own says, which is asked outside the kernels before every step",
        keys=("law", "memory"),
        needs=("law",),
        jams=True,
        pursues=True,
        reacts=True,
        pointer=MEMORY,
    ),
)
NAMES = tuple(kind.name for kind in KINDS)
KIND: Mapping[str, Kind] = dict(zip(NAMES, KINDS, strict=True))
#: The number of each kind: kernels compare with ``K.follower``.
K: Any = namedtuple("Numbers", NAMES)(*range(len(KINDS)))
