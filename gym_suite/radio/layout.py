"""Columns of a radio world's state, and the streams of its random numbers."""

from __future__ import annotations

from collections.abc import Sequence

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel

SILENT = -1.0
NO_SIGNAL = -200.0  # dB, while the agent is silent
UNKNOWN = -1.0  # a channel that was not looked at
PAST = 8  # channels that the agent used last, newest first

# Columns of the world; behind them, in this order: entity actions (N), occupancy (C), the peer's
# observation (C), then per entity: on (N), counter (N), pointer (N), injected draw (N), then what
# was sensed in the last steps (history x C), of which the vector at X_NEWEST is the newest and each
# one behind it, round the end, a step older: nothing has to be moved on.
X_ACK, X_BLOCKED, X_PRIMARY, X_SWITCHED, X_SINR, X_SUCCESS, X_NEWEST, X_CHANNEL = range(8)
X_ACTIONS = X_CHANNEL + PAST

# Injected draws are stored as channel + 2, so that zeros mean none.
DRAW_NONE, DRAW_SILENT = 0.0, 1.0

# Streams of random numbers; those of the entities' choices are their numbers, below 128.
STREAM_DETECTOR = 1 << 16  # 64 per channel
STREAM_FADING = 1 << 17  # one per entity; the agent's behind them
STREAM_PACKET = STREAM_FADING + 512
STREAM_PHASE = STREAM_FADING + 1024  # one per transmitter
STREAM_SAMPLES = 1 << 18  # one per channel
STREAM_WAVE = 1 << 19  # 256 per transmitter


@kernel
def occupancy_at(n):
    """Return the first column of the occupancy in a world of n entities."""
    return X_ACTIONS + n


@kernel
def on_at(n, channels):
    """Return the first column of what is 1 while an entity transmits."""
    return X_ACTIONS + n + 2 * channels


@kernel
def counter_at(n, channels):
    """Return the first column of the steps since an entity went on or off."""
    return on_at(n, channels) + n


@kernel
def pointer_at(n, channels):
    """Return the first column of the entities' places in their patterns."""
    return on_at(n, channels) + 2 * n


@kernel
def draw_at(n, channels):
    """Return the first column of the injected draws."""
    return on_at(n, channels) + 3 * n


@kernel
def sensed_at(n, channels):
    """Return the first column of what was sensed."""
    return on_at(n, channels) + 4 * n


@kernel
def newest_at(x, n, channels):
    """Return the first column of what was sensed last."""
    return sensed_at(n, channels) + int(x[X_NEWEST]) * channels


@kernel
def clear_history(x, n, channels, history):
    """Make what was sensed unknown; the vector that is written next, that of step 0, is the first one."""
    x[X_NEWEST] = 1.0 if history > 1 else 0.0
    first = sensed_at(n, channels)
    for j in range(first, first + history * channels):
        x[j] = UNKNOWN


@kernel
def turn_history(x, history):
    """Make the oldest vector of what was sensed the newest, to be written over."""
    place = x[X_NEWEST] - 1.0
    x[X_NEWEST] = place if place >= 0.0 else history - 1.0


@kernel
def copy_history(x, n, channels, history, part, o):
    """Write what was sensed times ``part`` to ``o``, newest step first."""
    size, first = history * channels, newest_at(x, n, channels)
    until_end = sensed_at(n, channels) + size - first
    newer, older = x[first : first + until_end], x[sensed_at(n, channels) : first]
    for j in range(until_end):
        o[j] = newer[j] * part
    rest = o[until_end:size]
    for j in range(size - until_end):
        rest[j] = older[j] * part


def state_columns(
    entities: tuple[str, ...], places: Sequence[tuple[int, int]], channels: int, history: int
) -> Columns:
    """Return the columns of a row for these entities, whose pointers stay within ``places``."""
    every, most = range(channels), len(entities) + 1
    columns = [
        Column("ack", "1", -1, 1, "1: delivered, -1: lost, 0: silent"),
        Column(
            "blocked", "1", 0, 1, "part of the step in which others were on the agent's channel"
        ),
        Column("primary", "1", 0, 1, "1 if the agent transmitted on a primary user"),
        Column("switched", "1", 0, 1, "1 if the agent transmitted on another channel than before"),
        Column("sinr", "dB", NO_SIGNAL, 500, "of the agent at its receiver; -200 while silent"),
        Column("success", "1", 0, 1, "chance that the packet of the step arrives, by the SINR"),
        _whole("newest", 0, history - 1, "which of the sensed vectors is the newest"),
        *(
            _whole(f"channel_{k}" if k else "channel", -1, channels - 1, f"agent, {k} ago")
            for k in range(PAST)
        ),
        *(_whole(f"action_{e}", -1, channels - 1, f"channel of {e}") for e in entities),
        *(_whole(f"occupancy_{c}", 0, most, "0, the entity's number, or several") for c in every),
        *(_whole(f"peer_{c}", 0, most, "as RFRL Gym shows") for c in every),
        *(_whole(f"on_{e}", 0, 1, "1 while the entity transmits") for e in entities),
        *(_whole(f"counter_{e}", 0, 1e9, "steps since it went on or off") for e in entities),
        *(
            _whole(f"pointer_{e}", *bounds, "place in the pattern, channel kept, or state")
            for e, bounds in zip(entities, places, strict=True)
        ),
        *(_whole(f"draw_{e}", 0, channels + 1, "injected draw of the next step") for e in entities),
        *(
            _whole(
                f"history_{k}_{c}", -1, most, f"what was sensed of channel {c}, {k} behind newest"
            )
            for k in range(history)
            for c in every
        ),
    ]
    return Columns(*columns)


def _whole(name: str, low: float, high: float, meaning: str) -> Column:
    return Column(name, "1", low, high, meaning, whole=True)
