"""A transmitter against a team of jammers, zero-sum: who met whom, what it was worth, what both saw.

Each step the transmitter picks a channel and every jammer one, at the same time. A channel has a worth,
which the transmitter earns unless it is jammed there; the jammers lose it together. Both sides see
afterwards what was played. Nothing is in the air but the players, so the game has row functions and loops
of its own.
"""

from __future__ import annotations

from collections import namedtuple

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Kernels, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel

SILENT = -1.0
UNKNOWN = -2.0  # before the episode
MOST_CHANNELS, MOST_JAMMERS = 64, 16

PARAMETERS = Columns(
    Column("channels", "1", 2, MOST_CHANNELS, "channels of the band"),
    Column("jammers", "1", 1, MOST_JAMMERS, "jammers, each on one channel"),
    Column("history", "1", 1, 64, "steps that an observation goes back"),
)
METRICS = Columns(
    Column("reward_transmitter", "1", 0, meaning="what was earned / (1 + jammers)"),
    Column("reward_jammers", "1", high=0, meaning="-what was earned / (1 + jammers)"),
    Column("channel", "1", -1, MOST_CHANNELS, "channel of the transmitter, -1: silent"),
    Column("earned", "1", 0, meaning="worth of the channel, 0 if jammed or silent"),
    Column("jammed", "1", 0, 1, "1 if the transmitter was jammed"),
)
#: The only table: one row, the worth of each channel.
T = namedtuple("Tables", "worth")(0)
# State: what the transmitter earned, then for each step of the history, newest first, the channels of
# the transmitter and of the jammers.
X = namedtuple("State", "earned played")(0, 1)
P, M = PARAMETERS.places, METRICS.places


def agent_names(jammers: int) -> tuple[str, ...]:
    """Return the agents: the transmitter, then the jammers."""
    return ("transmitter", *(f"jammer_{j}" for j in range(jammers)))


def state_columns(jammers: int, channels: int, history: int) -> Columns:
    """Return the columns of a row."""
    played = [
        Column(
            f"{name}_{k}",
            "1",
            UNKNOWN,
            channels - 1,
            f"channel of {name}, {k} steps ago",
            whole=True,
        )
        for k in range(history)
        for name in agent_names(jammers)
    ]
    return Columns(Column("earned", "1", 0, meaning="what the transmitter earned"), *played)


@kernel
def advance_one(x, key, step, u, p, tables, work):
    """Play one step: u[0] is the transmitter's action, then the jammers'; 0 is silence."""
    players = 1 + int(p[P.jammers])
    for j in range(x.shape[0] - 1, X.played + players - 1, -1):
        x[j] = x[j - players]
    for j in range(players):
        x[X.played + j] = u[j] - 1.0
    x[X.earned] = 0.0
    channel = x[X.played]
    if channel >= 0.0 and not _jammed(x, players):
        x[X.earned] = tables[T.worth][0, int(channel)]


@kernel
def _jammed(x, players):
    """Return whether a jammer was on the transmitter's channel in the last step."""
    met = False
    for j in range(1, players):
        met = met or (x[X.played] >= 0.0 and x[X.played + j] == x[X.played])
    return met


@kernel
def judge_one(x, p, reward):
    """Fill the rewards: what the transmitter earns is what the jammers lose, in equal parts."""
    jammers = int(p[P.jammers])
    reward[0] = x[X.earned]
    for j in range(1, jammers + 1):
        reward[j] = -x[X.earned] / jammers


@kernel
def measure_one(x, p, m):
    """Fill the metrics from the state; the reward terms are parts of the agents' mean."""
    players = 1 + int(p[P.jammers])
    m[M.reward_transmitter] = x[X.earned] / players
    m[M.reward_jammers] = -x[X.earned] / players
    m[M.channel] = max(x[X.played], SILENT)
    m[M.earned] = x[X.earned]
    m[M.jammed] = 1.0 if _jammed(x, players) else 0.0


@kernel
def observe_all(x, p, o):
    """Fill the observations of all agents, side by side: what was played, and who each is."""
    channels, history = int(p[P.channels]), int(p[P.history])
    players = 1 + int(p[P.jammers])
    size = history * (2 * channels + 1) + players
    for j in range(players * size):
        o[j] = 0.0
    for i in range(players):
        base = i * size
        for k in range(history):
            played = X.played + k * players
            if x[played] == UNKNOWN:
                break
            at = base + k * (2 * channels + 1)
            o[at + 1 + int(x[played])] = 1.0
            for j in range(1, players):
                if x[played + j] >= 0.0:
                    o[at + channels + 1 + int(x[played + j])] = 1.0
        o[base + size - players + i] = 1.0


# --------------------------------------------------------------------------------- loops over the rows


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one step; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row = p[parameter_row(p, i)]
        advance_one(x[i], key[i], step[i], u[i], row, tables, work[i])
        judge_one(x[i], row, reward[i])
        for j in range(terminated.shape[1]):
            terminated[i, j] = False
        step[i] += 1
        measure_one(x[i], row, m[:, i])
        observe_all(x[i], row, o[i])
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows: nothing was played."""
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            for j in range(x.shape[1]):
                x[i, j] = UNKNOWN
            x[i, X.earned] = 0.0
            measure_one(x[i], row, m[:, i])
            observe_all(x[i], row, o[i])


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            measure_one(x[i], row, m[:, i])
            m[M.reward_transmitter, i] = 0.0
            m[M.reward_jammers, i] = 0.0
            observe_all(x[i], row, o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Move all rows by one step; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables, work[i])


KERNELS = Kernels(step=step_batch, reset=reset_batch, observe=observe_batch, advance=advance_batch)
