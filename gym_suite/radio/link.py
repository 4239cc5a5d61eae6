"""What arrives at the agent's receiver: powers of the others, fading, SINR, the chance of a packet.

Powers are over the nominal noise power of a channel. Interference counts as Gaussian noise.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import normal2
from gym_suite.radio.emission import HAZARD_COUNT, HAZARD_LOW, HAZARD_STEP
from gym_suite.radio.layout import (
    NO_SIGNAL,
    STREAM_FADING,
    X_ACTIONS,
    X_CHANNEL,
    X_SINR,
    X_SUCCESS,
    pointer_at,
)
from gym_suite.radio.parameters import (
    E_KIND,
    E_LIST,
    E_SNR,
    E_VALUE,
    E_WIDTH,
    FOLLOWER,
    MAX_ENTITIES,
    P_CHANNELS,
    P_ENTITIES,
    P_FADING,
    P_IRREGULAR,
    P_LINK_SNR,
    P_NOISE_POWER,
    P_PACKET,
    P_POWER,
    P_REWARD,
    PLAYBACK,
    REWARD_GOODPUT,
    T_ENTITIES,
    T_HAZARD,
    T_PLAYBACK,
)

_ROOT_HALF = math.sqrt(0.5)


@kernel
def covers(action, c, width, channels):
    """Return whether an entity on channel ``action`` and the width - 1 above it, wrapping, is on c."""
    if action < 0.0:
        return False
    distance = c - action
    if distance < 0.0:
        distance += channels
    return distance < width


@kernel
def played_row(x, e, entity, n, channels):
    """Return the row of the table that an entity plays back in this step, or -1 while it is silent."""
    played = int(x[pointer_at(n, channels) + e])
    return int(entity[E_LIST]) + played - 1 if played > 0 else -1


@kernel
def is_on(x, e, entity, c, n, channels, playback):
    """Return whether an entity counts as being on channel c."""
    if int(entity[E_KIND]) == PLAYBACK:
        row = played_row(x, e, entity, n, channels)
        return row >= 0 and playback[row, channels + int(c)] != 0.0
    return covers(x[X_ACTIONS + e], c, entity[E_WIDTH], channels)


@kernel
def reaction_parts(entity):
    """Return the whole steps by which a follower is late, and the part of a step on top of them."""
    late = int(entity[E_VALUE])
    return late, entity[E_VALUE] - late


@kernel
def span_on(x, e, entity, c, n, channels):
    """Return from which to which part of the step an entity is on channel c; (0, 0) if it is not.

    A follower that reacts after k + f steps, 0 <= f < 1, spends the first part f of the step where the
    agent was k + 1 steps ago and the rest where it was k steps ago.
    """
    if int(entity[E_KIND]) != FOLLOWER:
        on = covers(x[X_ACTIONS + e], c, entity[E_WIDTH], channels)
        return 0.0, 1.0 if on else 0.0
    if x[pointer_at(n, channels) + e] == 0.0:
        return 0.0, 0.0
    late, part = reaction_parts(entity)
    first = part > 0.0 and x[X_CHANNEL + late + 1] == c
    last = x[X_ACTIONS + e] == c
    if not (first or last):
        return 0.0, 0.0
    return 0.0 if first else part, 1.0 if last else part


@kernel
def power_on(x, e, entity, c, n, channels, playback):
    """Return the power that arrives from an entity on channel c, a mean over the step."""
    if int(entity[E_KIND]) == PLAYBACK:
        row = played_row(x, e, entity, n, channels)
        return playback[row, int(c)] if row >= 0 else 0.0
    start, end = span_on(x, e, entity, c, n, channels)
    return entity[E_SNR] * (end - start)


@kernel
def fading_gain(key, step, transmitter, fading):
    """Return the complex gain of a transmitter in a step: 1, or of unit mean power (Rayleigh)."""
    if fading == 0.0:
        return 1.0, 0.0
    a, b = normal2(key, step, STREAM_FADING + transmitter)
    return a * _ROOT_HALF, b * _ROOT_HALF


@kernel
def fading_power(key, step, transmitter, fading):
    """Return the squared magnitude of :func:`fading_gain`: 1, or exponential with mean 1."""
    a, b = fading_gain(key, step, transmitter, fading)
    return a * a + b * b


@kernel
def _interference(x, key, step, channel, start, p, tables):
    """Return the others' power on a channel from a part of the step on, and until which part it holds."""
    n, channels = int(p[P_ENTITIES]), int(p[P_CHANNELS])
    entities, playback = tables[T_ENTITIES], tables[T_PLAYBACK]
    total, end = 0.0, 1.0
    for e in range(n):
        entity = entities[e]
        power = 0.0
        if int(entity[E_KIND]) == FOLLOWER:
            late, part = reaction_parts(entity)
            there = x[X_ACTIONS + e]
            if start < part:
                end = min(end, part)
                there = x[X_CHANNEL + late + 1]
            if x[pointer_at(n, channels) + e] != 0.0 and there == channel:
                power = entity[E_SNR]
        else:
            power = power_on(x, e, entity, channel, n, channels, playback)
        if power > 0.0:
            total += power * fading_power(key, step, e, p[P_FADING])
    return p[P_POWER] * total, end


@kernel
def packet_hazard(table, sinr):
    """Return -ln of the chance that one bit is right at a SINR in dB."""
    place = (sinr - HAZARD_LOW) / HAZARD_STEP
    place = min(max(place, 0.0), HAZARD_COUNT - 1.000001)
    k = int(place)
    part = place - k
    return math.exp(table[k, 0] + part * (table[k + 1, 0] - table[k, 0]))


@kernel
def receive_one(x, key, step, channel, code, p, tables):
    """Fill the SINR of a step and the chance that its packet arrives.

    A follower's interference may change within the step; the SINR then is that of its mean, and the
    packet's bits are spread over the parts.

    Args:
        x: The row, after everybody has moved.
        key: The row's key.
        step: The step just played.
        channel: The agent's, -1 for silence.
        code: Occupancy of the channel.
        p: The row's parameters.
        tables: Of the setup.
    """
    x[X_SINR] = NO_SIGNAL
    x[X_SUCCESS] = 0.0
    if channel < 0.0:
        return
    signal, noise = p[P_LINK_SNR], p[P_NOISE_POWER]
    goodput = int(p[P_REWARD]) == REWARD_GOODPUT
    faded = p[P_FADING] != 0.0
    alone = code == 0.0 and p[P_IRREGULAR] == 0.0
    if faded:
        signal += 10.0 * math.log10(fading_power(key, step, MAX_ENTITIES, 1.0) + 1e-300)
    mean, hazard, start = 0.0, 0.0, 0.0
    while start < 1.0:
        power, end = 0.0, 1.0
        if not alone:
            power, end = _interference(x, key, step, channel, start, p, tables)
        mean += (end - start) * power
        if goodput:
            sinr = signal - 10.0 * math.log10(noise + power)
            hazard += (end - start) * packet_hazard(tables[T_HAZARD], sinr)
        start = end
    quiet = mean == 0.0 and noise == 1.0
    x[X_SINR] = signal if quiet else signal - 10.0 * math.log10(noise + mean)
    x[X_SINR] = max(x[X_SINR], NO_SIGNAL)
    x[X_SUCCESS] = math.exp(-p[P_PACKET] * hazard) if goodput else 1.0
