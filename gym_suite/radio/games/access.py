"""Several agents in one band: who is heard where, what each earns and sees.

On the air an agent is a transmitter like the entities behind whose numbers its own stands, so that
whoever reacts to others reacts to agents too. Entities and agents move at the same time. Rewards are
those of RFRL Gym for several agents (arXiv 2410.21521): access is served where nobody else is, a jammer
hits on its target's channel, whoever else is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import first_not_finite, parameter_row
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.radio import layout
from gym_suite.radio.dynamics import move_entities, start_entities
from gym_suite.radio.layout import (
    SILENT,
    UNKNOWN,
    X_ACTIONS,
    clear_history,
    copy_history,
    draw_at,
    newest_at,
    occupancy_at,
    turn_history,
)
from gym_suite.radio.link import is_on
from gym_suite.radio.parameters import (
    CLASSIFY,
    GOAL_JAM,
    P_CHANNELS,
    P_ENTITIES,
    P_HISTORY,
    T_ENTITIES,
    T_PLAYBACK,
)

# The last table: a row for each agent.
T_ROLES = -1
R_GOAL, R_TARGET, R_OBSERVATION = range(3)

# Metric columns; behind them channel and acknowledgement of each agent.
M_REWARD, M_DELIVERED, M_COLLIDED, M_AGENTS = range(4)


def state_columns(
    entities: tuple[str, ...],
    places: Sequence[tuple[int, int]],
    agents: tuple[str, ...],
    channels: int,
    history: int,
) -> Columns:
    """Return the columns of a row: those of a band with the agents on air, and what each got."""
    acks = [Column(f"ack_{name}", "1", -1, 1, f"1: {name} was served") for name in agents]
    return layout.state_columns(
        entities + agents, [*places, *((0, 0) for _ in agents)], channels, history
    ) + Columns(*acks)


@kernel
def _places(x, p, tables):
    """Return the number of entities, the first column of the agents' actions, and of their acks."""
    agents = tables[T_ROLES].shape[0]
    n = int(p[P_ENTITIES])
    return n - agents, X_ACTIONS + n - agents, x.shape[0] - agents


@called_kernel
def advance_one(x, key, step, u, p, tables, work):
    """Move one row by one step; u[j] is agent j's action: 0 is silence, k is channel k - 1."""
    n, channels = int(p[P_ENTITIES]), int(p[P_CHANNELS])
    others, _, _ = _places(x, p, tables)
    draws = draw_at(n, channels)
    # An agent's action takes the way of a recorded draw: the channel + 2, 1 for silence.
    for j in range(n - others):
        x[draws + others + j] = u[j] + 1.0
    move_entities(x, key, step + 1, SILENT, p, tables, work)


@kernel
def _good(x, j, channel, p, tables):
    """Return whether agent j's transmission on a channel earns +1."""
    n = int(p[P_ENTITIES])
    others, _, _ = _places(x, p, tables)
    role = tables[T_ROLES][j]
    if int(role[R_GOAL]) != GOAL_JAM:
        return x[occupancy_at(n) + int(channel)] == others + j + 1.0
    target = int(role[R_TARGET]) - 1
    entity = tables[T_ENTITIES][target]
    return is_on(x, target, entity, channel, n, int(p[P_CHANNELS]), tables[T_PLAYBACK])


@kernel
def judge_one(x, p, tables, reward):
    """Fill the agents' rewards and acknowledgements."""
    _, actions, acks = _places(x, p, tables)
    for j in range(tables[T_ROLES].shape[0]):
        channel = x[actions + j]
        ack = 0.0
        if channel != SILENT:
            ack = 1.0 if _good(x, j, channel, p, tables) else -1.0
        x[acks + j] = ack
        reward[j] = ack


@kernel
def measure_one(x, p, tables, m):
    """Fill the metrics from the state; the reward term is the mean of the acknowledgements."""
    _, actions, acks = _places(x, p, tables)
    count = tables[T_ROLES].shape[0]
    for k in range(M_AGENTS):
        m[k] = 0.0
    for j in range(count):
        channel, ack = x[actions + j], x[acks + j]
        m[M_REWARD] += ack
        if ack > 0.0:
            m[M_DELIVERED] += 1.0
        for i in range(count):
            if i != j and channel != SILENT and x[actions + i] == channel:
                m[M_COLLIDED] += 1.0
                break
        m[M_AGENTS + j] = channel
        m[M_AGENTS + count + j] = ack
    m[M_REWARD] /= count


@kernel
def remember(x, p, tables):
    """Move the history on by one step; its newest entry is the occupancy."""
    n, channels, history = int(p[P_ENTITIES]), int(p[P_CHANNELS]), int(p[P_HISTORY])
    turn_history(x, history)
    occupancy, newest = occupancy_at(n), newest_at(x, n, channels)
    for c in range(channels):
        x[newest + c] = x[occupancy + c]
        x[occupancy + channels + c] = x[occupancy + c]


@kernel
def observe_one(x, j, p, tables, o):
    """Fill agent j's observation: sensed channels, own last action, acknowledgement, who it is."""
    n, channels, history = int(p[P_ENTITIES]), int(p[P_CHANNELS]), int(p[P_HISTORY])
    _, actions, acks = _places(x, p, tables)
    count = tables[T_ROLES].shape[0]
    size = history * channels
    copy_history(x, n, channels, history, 1.0, o)
    classify = int(tables[T_ROLES][j, R_OBSERVATION]) == CLASSIFY
    for k in range(size):
        if o[k] != UNKNOWN:
            o[k] = o[k] / (n + 1.0) if classify else min(o[k], 1.0)
    for k in range(channels + 1 + 1 + count):
        o[size + k] = 0.0
    o[size + 1 + int(x[actions + j])] = 1.0
    o[size + channels + 1] = x[acks + j]
    o[size + channels + 2 + j] = 1.0


@kernel
def observe_all(x, p, tables, o):
    """Fill the observations of all agents, side by side."""
    count = tables[T_ROLES].shape[0]
    size = o.shape[0] // count
    for j in range(count):
        observe_one(x, j, p, tables, o[j * size : (j + 1) * size])


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
        judge_one(x[i], row, tables, reward[i])
        remember(x[i], row, tables)
        terminated[i, :] = False
        step[i] += 1
        measure_one(x[i], row, tables, m[:, i])
        observe_all(x[i], row, tables, o[i])
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows: step 0 is played with all agents silent."""
    for i in range(x.shape[0]):
        if not mask[i]:
            continue
        row = p[parameter_row(p, i)]
        n, channels = int(row[P_ENTITIES]), int(row[P_CHANNELS])
        for j in range(x.shape[1]):
            x[i, j] = 0.0
        start_entities(x[i], key[i], row, tables, work[i])
        clear_history(x[i], n, channels, int(row[P_HISTORY]))
        remember(x[i], row, tables)
        measure_one(x[i], row, tables, m[:, i])
        observe_all(x[i], row, tables, o[i])


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; the reward term is 0."""
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            measure_one(x[i], row, tables, m[:, i])
            m[M_REWARD, i] = 0.0
            observe_all(x[i], row, tables, o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Move all rows by one step; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables, work[i])
