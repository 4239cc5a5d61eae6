"""What arrives at the agent's receiver: powers of the others, fading, SINR, the chance of a packet.

Powers are over the nominal noise power of a channel. Interference counts as Gaussian noise.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2
from gym_suite.radio.air.emission import HAZARD_COUNT, HAZARD_LOW, HAZARD_STEP
from gym_suite.radio.columns import AGENT, NO_SIGNAL, STREAM_FADING, B, E, T, block_of
from gym_suite.radio.parameters import REWARD_GOODPUT, P
from gym_suite.radio.scenario.kinds import K

_ROOT_HALF = math.sqrt(0.5)


# ------------------------------------------------------------------------------------- who is where


@kernel
def channel_of(x, j, ago, s):
    """Return the channel that agent j was on some steps ago, 0: in this one; -1: silent."""
    return x[s.actions + s.entities + j] if ago == 0 else x[block_of(j, s) + B.before_1 + ago - 1]


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
def played_row(x, e, entities, s):
    """Return the row of the table that an entity plays back in this step, or -1 while it is silent."""
    played = int(x[s.pointer + e])
    return int(entities[e, E.first]) + played - 1 if played > 0 else -1


@kernel
def span_on(x, e, entities, c, playback, s):
    """Return from which to which part of the step an entity is on channel c; (0, 0) if it is not.

    Whoever sends bursts is there while they last.
    A follower that reacts after k + f steps, 0 <= f < 1, spends the first part f of the step where the
    agent was k + 1 steps ago and the rest where it was k steps ago.
    """
    kind = int(entities[e, E.kind])
    if kind == K.follower:
        late = int(entities[e, E.reaction])
        part = entities[e, E.reaction] - late
        first = part > 0.0 and channel_of(x, 0, late + 1, s) == c
        last = x[s.actions + e] == c
        if x[s.pointer + e] == 0.0 or not (first or last):
            return 0.0, 0.0
        return 0.0 if first else part, 1.0 if last else part
    if kind == K.playback:
        row = played_row(x, e, entities, s)
        on = row >= 0 and playback[row, s.channels + int(c)] != 0.0
    else:
        on = covers(x[s.actions + e], c, entities[e, E.width], s.channels)
    if on:
        return entities[e, E.burst_start], entities[e, E.burst_end]
    return 0.0, 0.0


@kernel
def power_on(x, e, entities, c, playback, s):
    """Return the power that arrives from an entity on channel c, a mean over the step."""
    if int(entities[e, E.kind]) == K.playback:
        row = played_row(x, e, entities, s)
        return playback[row, int(c)] if row >= 0 else 0.0
    start, end = span_on(x, e, entities, c, playback, s)
    return entities[e, E.snr] * (end - start)


# ---------------------------------------------------------------------------------------- what arrives


@called_kernel
def _rayleigh(key, step, transmitter):
    """Return a complex Gaussian gain of unit mean power.

    Called, not inlined: the compiler would else draw it in advance, before it asks whether there is fading.
    """
    a, b = normal2(key, step, STREAM_FADING + transmitter)
    return a * _ROOT_HALF, b * _ROOT_HALF


@kernel
def fading_gain(key, step, transmitter, fading):
    """Return the complex gain of a transmitter in a step: 1, or of unit mean power (Rayleigh)."""
    if fading == 0.0:
        return 1.0, 0.0
    return _rayleigh(key, step, transmitter)


@kernel
def fading_power(key, step, transmitter, fading):
    """Return the squared magnitude of :func:`fading_gain`: 1, or exponential with mean 1."""
    a, b = fading_gain(key, step, transmitter, fading)
    return a * a + b * b


@kernel
def packet_hazard(table, sinr):
    """Return -ln of the chance that one bit is right at a SINR in dB."""
    place = (sinr - HAZARD_LOW) / HAZARD_STEP
    place = min(max(place, 0.0), HAZARD_COUNT - 1.000001)
    k = int(place)
    part = place - k
    return math.exp(table[k, 0] + part * (table[k + 1, 0] - table[k, 0]))


@kernel
def _interference(x, key, step, channel, start, p, entities, playback, s):
    """Return the entities' power on a channel from a part of the step on, and until which part it holds."""
    total, end = 0.0, 1.0
    for e in range(s.entities):
        power = 0.0
        if int(entities[e, E.kind]) == K.follower:
            late = int(entities[e, E.reaction])
            part = entities[e, E.reaction] - late
            there = x[s.actions + e]
            if start < part:
                end = part if part < end else end
                there = channel_of(x, 0, late + 1, s)
            if x[s.pointer + e] != 0.0 and there == channel:
                power = entities[e, E.snr]
        elif int(entities[e, E.kind]) == K.playback:
            power = power_on(x, e, entities, channel, playback, s)
        else:
            begins, ends = span_on(x, e, entities, channel, playback, s)
            if start < begins:
                end = begins if begins < end else end
            elif start < ends:
                power = entities[e, E.snr]
                end = ends if ends < end else end
        if power > 0.0:
            total += power * fading_power(key, step, e, p[P.fading])
    return p[P.power] * total, end


@kernel
def receive_one(x, key, step, channel, alone, p, tables, s):
    """Fill the SINR of the only agent's step and the chance that its packet arrives.

    The interference of followers and of bursts changes within the step; the SINR then is that of its mean, and the
    packet's bits are spread over the parts.

    Args:
        x: The row, after everybody has moved.
        key: The row's key.
        step: The step just played.
        channel: The agent's; it is not silent.
        alone: Whether nobody else is on the channel, not even in part.
        p: The row's parameters.
        tables: Of the setup.
        s: Where the row keeps what.
    """
    signal, noise = p[P.link_snr], p[P.noise_power]
    goodput = int(p[P.reward]) == REWARD_GOODPUT
    if p[P.fading] != 0.0:
        signal += 10.0 * math.log10(fading_power(key, step, AGENT, 1.0) + 1e-300)
    mean, hazard, start = 0.0, 0.0, 0.0
    while start < 1.0:
        power, end = 0.0, 1.0
        if not alone:
            power, end = _interference(
                x, key, step, channel, start, p, tables[T.entities], tables[T.playback], s
            )
        mean += (end - start) * power
        if goodput:
            sinr = signal - 10.0 * math.log10(noise + power)
            hazard += (end - start) * packet_hazard(tables[T.hazard], sinr)
        start = end
    quiet = mean == 0.0 and noise == 1.0
    sinr = signal if quiet else signal - 10.0 * math.log10(noise + mean)
    block = block_of(0, s)
    x[block + B.sinr] = sinr if sinr > NO_SIGNAL else NO_SIGNAL
    x[block + B.success] = math.exp(-p[P.packet] * hazard) if goodput else 1.0
