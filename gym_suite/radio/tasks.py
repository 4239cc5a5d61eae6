"""Tasks in a radio world: what is sensed, what an access or a hit earns, what is seen.

No physics of who transmits here: see :mod:`gym_suite.radio.dynamics`. One agent is the case of several in which the
agent is not heard; what an agent is to do and how it sees stands in its row of the table of roles.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform
from gym_suite.radio.air.link import channel_of, span_on
from gym_suite.radio.columns import (
    NO_SIGNAL,
    SILENT,
    STREAM_PACKET,
    UNKNOWN,
    X_NEWEST,
    B,
    R,
    S,
    T,
    block_of,
)
from gym_suite.radio.parameters import (
    GOAL_HIT,
    GOAL_JAM,
    MAX_CHANNELS,
    REWARD_GOODPUT,
    REWARD_PEER,
    SENSE_OWN,
    P,
)

#: What there is to tell of each agent in a step. Of one agent these are the metrics, but for the last; the table
#: ``shown`` makes those of several agents from them.
QUANTITIES = Columns(
    Column("reward_access", "1", -1, 1, "what the transmission earned"),
    Column("reward_switching", "1", high=0, meaning="cost of changing the channel"),
    Column("channel", "1", SILENT, MAX_CHANNELS, "channel of the agent, -1: silent"),
    Column("ack", "1", -1, 1, "1: delivered or hit, -1: lost, 0: silent"),
    Column("delivered", "1", 0, 1, "1 if delivered or hit"),
    Column("blocked", "1", 0, 1, "part of the step in which others were on the agent's channel"),
    Column("primary", "1", 0, 1, "1 if the agent transmitted on a primary user"),
    Column("switched", "1", 0, 1, "1 if the agent changed its channel"),
    Column("sinr", "dB", NO_SIGNAL, 500, "of the agent at its receiver; -200 while silent"),
    Column("goodput", "1", 0, math.inf, "bits of the packet delivered in the step"),
    Column("collided", "1", 0, 1, "1 if another agent was on the agent's channel"),
)
Q = QUANTITIES.places
_EACH = len(QUANTITIES)


def work_size(agents: int) -> int:
    """Return the scratch that the quantities of all agents need."""
    return agents * _EACH


# ------------------------------------------------------------------------------------------- sensing


@kernel
def newest_at(x, s):
    """Return the first column of the vector that was sensed last."""
    return s.sensed + int(x[X_NEWEST]) * s.channels


@kernel
def sense(x, p, tables, s):
    """Move the history on by one step and fill its newest vector; fill the peer's observation.

    What is sensed is the truth, a code per channel; a detector then puts its decisions in its place. A
    vector that is sensed on the own channel alone is the only agent's.
    """
    history = int(p[P.history])
    most = tables[T.roles][0, R.most]
    x[X_NEWEST] = x[X_NEWEST] - 1.0 if x[X_NEWEST] > 0.0 else history - 1.0
    # Views whose places count from 0: the compiler then turns the loop into block moves.
    first = newest_at(x, s)
    occupancy, peer = x[s.occupancy : s.occupancy + s.channels], x[s.peer : s.peer + s.channels]
    sensed = x[first : first + s.channels]
    for c in range(s.channels):
        peer[c] = occupancy[c] if occupancy[c] < most else most
        sensed[c] = occupancy[c]
    if int(p[P.sensing]) == SENSE_OWN:
        own = channel_of(x, 0, 0, s)
        for c in range(s.channels):
            if own != c:
                sensed[c] = UNKNOWN


@kernel
def reset_one(x, p, tables, s):
    """Begin what the task remembers; the entities have started, and step 0 is sensed."""
    history = int(p[P.history])
    for j in range(s.agents):
        x[block_of(j, s) + B.ack] = 0.0
    x[X_NEWEST] = 1.0 if history > 1 else 0.0  # the vector of step 0 is then the first one
    for i in range(s.sensed, s.sensed + history * s.channels):
        x[i] = UNKNOWN
    sense(x, p, tables, s)


# --------------------------------------------------------------------------------------------- judge


@kernel
def judge_one(x, key, step, p, tables, work, reward, s):
    """Fill the acknowledgements, the agents' rewards and the quantities that they consist of.

    Access is +1 where at most ``tolerance`` of the step is interfered with, else -1; a jammer earns
    +1 where the target is alone, or one of several where the target is, else -1. Silence earns 0. With
    reward "throughput" nothing is lost; with "goodput" neither, and chance decides by the SINR whether
    the packet arrives.
    """
    roles = tables[T.roles]
    kind = p[P.reward]
    for j in range(s.agents):
        block, channel, ack = block_of(j, s), channel_of(x, j, 0, s), 0.0
        if channel != SILENT:
            goal, target = roles[j, R.goal], roles[j, R.target]
            if goal == GOAL_JAM:
                good = x[s.occupancy + int(channel)] == target
            elif goal == GOAL_HIT:
                entities, playback = tables[T.entities], tables[T.playback]
                start, end = span_on(x, int(target) - 1, entities, channel, playback, s)
                good = end > start
            elif kind == REWARD_GOODPUT:
                good = uniform(key, step, STREAM_PACKET + j) < x[block + B.success]
            else:
                good = x[block + B.blocked] <= p[P.tolerance]
            ack = 1.0 if good else -1.0
        x[block_of(j, s) + B.ack] = ack
        access = ack if kind == REWARD_PEER or ack > 0.0 else 0.0
        switching = -p[P.switching_cost] * x[block + B.switched]
        reward[j] = access + switching
        work[j * _EACH + Q.reward_access] = access
        work[j * _EACH + Q.reward_switching] = switching


@kernel
def forget_rewards(work, s):
    """Make the reward terms 0: nothing has been earned at a reset."""
    for j in range(s.agents):
        work[j * _EACH + Q.reward_access] = 0.0
        work[j * _EACH + Q.reward_switching] = 0.0


@kernel
def _tell(x, j, access, switching, p, s, told):
    """Fill in agent j's quantities, but for the last."""
    block = block_of(j, s)
    ack = x[block + B.ack]
    delivered = 1.0 if ack > 0.0 else 0.0
    told[Q.reward_access] = access
    told[Q.reward_switching] = switching
    told[Q.channel] = channel_of(x, j, 0, s)
    told[Q.ack] = ack
    told[Q.delivered] = delivered
    told[Q.blocked] = x[block + B.blocked]
    told[Q.primary] = x[block + B.primary]
    told[Q.switched] = x[block + B.switched]
    told[Q.sinr] = x[block + B.sinr]
    told[Q.goodput] = p[P.payload] * delivered


@kernel
def measure_one(x, p, tables, work, m, s):
    """Fill the metrics: the only agent's quantities, or what the table makes of those of several."""
    shown = tables[T.shown]
    if shown.shape[0] == 0:
        _tell(x, 0, work[Q.reward_access], work[Q.reward_switching], p, s, m)
        return
    for j in range(s.agents):
        own = work[j * _EACH : (j + 1) * _EACH]
        _tell(x, j, own[Q.reward_access], own[Q.reward_switching], p, s, own)
        own[Q.collided] = x[block_of(j, s) + B.collided]
    for k in range(shown.shape[0]):
        quantity, agent = int(shown[k, S.quantity]), int(shown[k, S.agent])
        if agent >= 0:
            m[k] = work[agent * _EACH + quantity]
            continue
        total = 0.0
        for j in range(s.agents):
            total += work[j * _EACH + quantity]
        m[k] = total / shown[k, S.parts]


# ------------------------------------------------------------------------------------------- observe


@kernel
def _see(x, j, size, roles, s, o):
    """Fill agent j's observation, of which ``size`` columns are what was sensed."""
    first = newest_at(x, s)
    until_end = s.sensed + size - first
    newer, older = x[first : first + until_end], x[s.sensed : first]
    most, unit, unknown = roles[j, R.most], roles[j, R.unit], roles[j, R.unknown]
    for i in range(until_end):
        code = newer[i] if newer[i] < most else most
        o[i] = code * unit if code >= 0.0 else unknown
    rest = o[until_end:size]
    for i in range(size - until_end):
        code = older[i] if older[i] < most else most
        rest[i] = code * unit if code >= 0.0 else unknown
    tail = o[size : o.shape[0]]
    for i in range(tail.shape[0]):
        tail[i] = 0.0
    tail[1 + int(channel_of(x, j, 0, s))] = 1.0
    tail[s.channels + 1] = x[block_of(j, s) + B.ack]
    if tail.shape[0] > s.channels + 2:
        tail[s.channels + 2 + j] = 1.0


@kernel
def observe_one(x, p, tables, o, s):
    """Fill the observations of all agents, side by side.

    Each is what was sensed, newest step first, the own last action, the acknowledgement, and where there
    are several agents which one it is.
    """
    roles, size = tables[T.roles], int(p[P.history]) * s.channels
    if s.agents == 1:
        _see(x, 0, size, roles, s, o)
        return
    wide = o.shape[0] // s.agents
    for j in range(s.agents):
        _see(x, j, size, roles, s, o[j * wide : (j + 1) * wide])
