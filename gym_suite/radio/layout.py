"""Columns of a radio world's state, and the streams of its random numbers."""

from __future__ import annotations

from gym_suite.core.columns import Column, Columns

SILENT = -1.0
NO_SIGNAL = -200.0  # dB, while the agent is silent
UNKNOWN = -1.0  # a channel that was not looked at
PAST = 8  # channels that the agent used last, newest first

# Columns of the world; behind them, in this order: entity actions (N), occupancy (C), the peer's
# observation (C), then per entity: on (N), counter (N), pointer (N), injected draw (N), then what
# was sensed in the last steps (history x C).
X_ACK, X_BLOCKED, X_PRIMARY, X_SWITCHED, X_SINR, X_SUCCESS, X_CHANNEL = range(7)
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


def state_columns(entities: tuple[str, ...], channels: int, history: int) -> Columns:
    """Return the columns of a row for these entities."""
    columns = [
        Column("ack", "1", -1, 1, "1: delivered, -1: lost, 0: silent"),
        Column(
            "blocked", "1", 0, 1, "part of the step in which others were on the agent's channel"
        ),
        Column("primary", "1", 0, 1, "1 if the agent transmitted on a primary user"),
        Column("switched", "1", 0, 1, "1 if the agent transmitted on another channel than before"),
        Column("sinr", "dB", NO_SIGNAL, 500, "of the agent at its receiver; -200 while silent"),
        Column("success", "1", 0, 1, "chance that the packet of the step arrives, by the SINR"),
        *(
            Column(f"channel_{k}" if k else "channel", "1", -1, channels - 1, f"agent, {k} ago")
            for k in range(PAST)
        ),
        *(Column(f"action_{e}", "1", -1, channels - 1, f"channel of {e}") for e in entities),
        *(
            Column(
                f"occupancy_{c}", "1", 0, len(entities) + 1, "0, the entity's number, or several"
            )
            for c in range(channels)
        ),
        *(
            Column(f"peer_{c}", "1", 0, len(entities) + 1, "as RFRL Gym shows")
            for c in range(channels)
        ),
    ]
    for what, meaning in (
        ("on", "1 while the entity transmits"),
        ("counter", "steps since the entity went on or off"),
        ("pointer", "place in the pattern, channel kept, or state"),
        ("draw", "injected draw of the next step"),
    ):
        columns += [Column(f"{what}_{e}", "1", meaning=meaning) for e in entities]
    columns += [
        Column(f"sensed_{k}_{c}", "1", -1, len(entities) + 1, f"channel {c}, {k} steps ago")
        for k in range(history)
        for c in range(channels)
    ]
    return Columns(*columns)
