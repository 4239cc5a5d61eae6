"""Columns of a radio world: its state, the tables that describe who is in the band, and the streams of its numbers.

How many columns a state has follows from the band, so their places are counted: :func:`spans_of` says in the kernels
where each run of columns begins, in the order in which :func:`state_columns` names them.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import NamedTuple

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.radio.parameters import MAX_ENTITIES, P
from gym_suite.radio.scenario.kinds import KINDS
from gym_suite.radio.scenario.model import Entity, Waveform, own_numbers

SILENT = -1.0
NO_SIGNAL = -200.0  # dB, while an agent is silent
UNKNOWN = -1.0  # a channel that was not looked at

# Injected draws are stored as channel + 2, so that zeros mean none.
DRAW_NONE, DRAW_SILENT = 0.0, 1.0

# Streams of random numbers; those of the entities' choices are their numbers, below 128.
STREAM_DETECTOR = 1 << 16  # 64 per channel
STREAM_FADING = 1 << 17  # one per entity; the agent's behind them
STREAM_PACKET = STREAM_FADING + 512
STREAM_PHASE = STREAM_FADING + 1024  # one per transmitter
STREAM_SAMPLES = 1 << 18  # one per channel
STREAM_WAVE = 1 << 19  # 256 per transmitter
AGENT = MAX_ENTITIES  # the agent's number among the transmitters of the streams


# --------------------------------------------------------------------------------------------- tables

#: What kernels read of an entity as its scenario says it.
GIVEN = Columns.of(Entity, only=["start", "stop", *own_numbers()])
#: A row of the table of entities, and the one row of what the agent sends.
ENTITY = Columns(
    Column("kind", "1", 0, len(KINDS) - 1, "its kind", whole=True),
    *GIVEN,
    Column("on_first", "1", 0, 1, "1 if it starts on", whole=True),
    Column("on", "1", 0, meaning="steps on", whole=True),
    Column("off", "1", 0, meaning="steps off, 0: never off", whole=True),
    Column("first", "1", 0, meaning="first row of its channels or of its powers", whole=True),
    Column("rows", "1", 0, meaning="how many of them", whole=True),
    Column("primary", "1", 0, 1, "1 if it must not be disturbed", whole=True),
    Column("snr", "1", 0, meaning="received power over the noise of a channel"),
    Column("wave", "1", 0, meaning="kind of its waveform", whole=True),
    Column("symbols", "1", 0, meaning="first point of its constellation", whole=True),
    Column("order", "1", 1, meaning="points of it", whole=True),
    Column("pulse", "1", 0, meaning="first row of the taps of its pulse", whole=True),
    Column("rate", "1", meaning="symbols in 32 samples; bandwidth of chirps, in channels"),
    *Columns.of(Waveform, only=("offset", "chirp")),
    Column("burst_start", "1", 0, 1, "when in a step it begins to transmit, as a part of the step"),
    Column("burst_end", "1", 0, 1, "when it ends"),
    Column("steady", "1", 0, 1, "1 if it acts in every step and its clock says nothing"),
)
#: The channels of all entities, one after the other.
LISTS = Columns(
    Column("channel", "1", 0, meaning="a channel", whole=True),
    Column("weight", "1", 0, 1, "probability of it and of those before it in the list"),
)
#: The task of each agent, and how it sees what was sensed.
ROLES = Columns(
    Column("goal", "1", 0, 2, "0: access; 1: jam the target alone; 2: hit it", whole=True),
    Column("target", "1", 0, meaning="number of the target, from 1; 0 for none", whole=True),
    Column("observation", "1", 0, 1, "0: a channel is idle or busy; 1: who is on it", whole=True),
    Column("most", "1", 1, meaning="largest code that it tells apart", whole=True),
    Column("unit", "1", 0, 1, "what a code of 1 is observed as"),
    Column("unknown", "1", -1, 0, "what a channel is observed as that was not looked at"),
)
#: What makes each metric of several agents: a quantity of one, or of all together.
SHOWN = Columns(
    Column("quantity", "1", 0, meaning="place among the agents' quantities", whole=True),
    Column("agent", "1", -1, meaning="which agent's; -1: of all together", whole=True),
    Column("parts", "1", 1, meaning="what the sum over all is divided by", whole=True),
)
E, L, R, S = ENTITY.places, LISTS.places, ROLES.places, SHOWN.places
#: The tables of a setup, in their order. ``playback`` holds per row the received power over noise of each channel,
#: then 1 for each that counts as occupied, then the lowest of these or -1; ``hazard`` the logarithm of the packet
#: hazard over the SINR; then points of constellations, taps of pulses, layers of the ziggurat, what the agent sends.
T = namedtuple(
    "Tables",
    "entities lists playback hazard symbols pulses ziggurat agent roles shown",
)(*range(10))


# ---------------------------------------------------------------------------------------------- state

#: What a step was to one agent: what the air did to it (physics), and what it came to (task). A block of these for each
#: agent stands behind the first column, so that all that a step of one agent touches lies together.
_BLOCK = Columns(
    Column("blocked", "1", 0, 1, "part of the step in which others were on the agent's channel"),
    Column("primary", "1", 0, 1, "1 if the agent transmitted on a primary user"),
    Column("collided", "1", 0, 1, "1 if another agent was on the agent's channel"),
    Column("switched", "1", 0, 1, "1 if the agent transmitted on another channel than before"),
    Column("sinr", "dB", NO_SIGNAL, 500, "of the agent at its receiver; -200 while silent"),
    Column("success", "1", 0, 1, "chance that the packet of the step arrives, by the SINR"),
    Column("ack", "1", -1, 1, "1: delivered or hit, -1: lost, 0: silent"),
)
B = Columns(*_BLOCK, Column("before_1", meaning="channel one step ago; others follow")).places
#: The first column: of the vectors that were sensed, which is the newest; each one behind it, round the end, is older.
X_NEWEST = 0


class Spans(NamedTuple):
    """The sizes of a band, and where in a row each run of columns begins."""

    entities: int
    agents: int
    channels: int
    heard: int
    block: int  # columns of an agent's block
    actions: int  # entities, then agents
    occupancy: int  # 0, the number of the only transmitter heard, or heard + 1 for several
    on: int
    counter: int
    pointer: int
    draw: int
    peer: int  # here begins what the task remembers of the band
    sensed: int


@kernel
def spans_of(p):
    """Return the :class:`Spans` of a row of parameters."""
    n, a, c = int(p[P.entities]), int(p[P.agents]), int(p[P.channels])
    block = B.before_1 + int(p[P.past])
    actions = 1 + a * block
    occupancy = actions + n + a
    on = occupancy + c
    peer = on + 4 * n
    return Spans(
        n,
        a,
        c,
        int(p[P.heard]),
        block,
        actions,
        occupancy,
        on,
        on + n,
        on + 2 * n,
        on + 3 * n,
        peer,
        peer + c,
    )


@kernel
def block_of(j, s):
    """Return the first column of agent j's block."""
    return 1 + j * s.block


def state_columns(
    entities: tuple[str, ...],
    agents: tuple[str, ...],
    pointers: Sequence[tuple[int, int]],
    *,
    channels: int,
    heard: int,
    past: int,
    history: int,
) -> Columns:
    """Return the columns of a row: the agents' blocks, who is on the air, what was sensed.

    Args:
        entities: Their names.
        agents: Names of several agents; empty for one.
        pointers: Between what each entity's pointer stays.
        channels: Of the band.
        heard: Transmitters that are heard.
        past: Channels that an agent used before this one, as far as they are remembered.
        history: Steps that are remembered.
    """
    every, last, ends = range(channels), channels - 1, [f"_{name}" for name in agents] or [""]
    return Columns(
        _whole("newest", 0, history - 1, "which of the sensed vectors is the newest"),
        *(
            column
            for end in ends
            for column in (
                *(Column(c.name + end, c.unit, c.low, c.high, c.meaning) for c in _BLOCK),
                *(
                    _whole(f"before_{k}{end}", -1, last, f"channel of the agent, {k} ago")
                    for k in range(1, past + 1)
                ),
            )
        ),
        *(_whole(f"action_{e}", -1, last, f"channel of {e}") for e in entities),
        *(_whole(f"channel{end}", -1, last, "channel of the agent") for end in ends),
        *(_whole(f"occupancy_{c}", 0, heard + 1, "0, the number, or several") for c in every),
        *(_whole(f"on_{e}", 0, 1, "1 while the entity transmits") for e in entities),
        *(_whole(f"counter_{e}", 0, 1e9, "steps since it went on or off") for e in entities),
        *(
            _whole(f"pointer_{e}", *bounds, "place in the pattern, channel kept, or state")
            for e, bounds in zip(entities, pointers, strict=True)
        ),
        *(_whole(f"draw_{e}", 0, channels + 1, "injected draw of the next step") for e in entities),
        *(_whole(f"peer_{c}", 0, heard + 1, "as RFRL Gym shows") for c in every),
        *(
            _whole(f"history_{k}_{c}", -1, heard + 1, f"channel {c} sensed, {k} behind newest")
            for k in range(history)
            for c in every
        ),
    )


def _whole(name: str, low: float, high: float, meaning: str) -> Column:
    return Column(name, "1", low, high, meaning, whole=True)
