"""Tasks in a radio world: what is sensed, what an access or a hit earns, what is seen.

No physics of who transmits here: see :mod:`gym_suite.radio.dynamics`.
"""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.family import first_not_finite, parameter_row
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2, uniform
from gym_suite.radio.dynamics import advance_one, start_entities
from gym_suite.radio.iq import channel_energy
from gym_suite.radio.layout import (
    SILENT,
    STREAM_DETECTOR,
    STREAM_PACKET,
    UNKNOWN,
    X_ACK,
    X_BLOCKED,
    X_CHANNEL,
    X_PRIMARY,
    X_SINR,
    X_SUCCESS,
    X_SWITCHED,
    clear_history,
    copy_history,
    newest_at,
    occupancy_at,
    turn_history,
)
from gym_suite.radio.link import fading_power, power_on
from gym_suite.radio.parameters import (
    CLASSIFY,
    E_WAVE,
    GOAL_JAM,
    IQ,
    P_CHANNELS,
    P_ENTITIES,
    P_FADING,
    P_GOAL,
    P_HISTORY,
    P_NOISE_POWER,
    P_OBSERVATION,
    P_PAYLOAD,
    P_PHYSICS,
    P_POWER,
    P_REWARD,
    P_SAMPLES,
    P_SENSING,
    P_SWITCHING_COST,
    P_TARGET,
    P_THRESHOLD,
    P_TOLERANCE,
    PERFECT,
    REWARD_GOODPUT,
    REWARD_PEER,
    SENSE_OWN,
    T_ENTITIES,
    T_PLAYBACK,
    W_NOISE,
)

DRAWS = 64  # streams of the detector per channel

# Metric columns: the two reward terms first.
(
    M_REWARD_ACCESS,
    M_REWARD_SWITCHING,
    M_CHANNEL,
    M_ACK,
    M_DELIVERED,
    M_BLOCKED,
    M_PRIMARY,
    M_SWITCHED,
    M_SINR,
    M_GOODPUT,
    METRICS,
) = range(11)


# ------------------------------------------------------------------------------------------- sensing


@kernel
def gamma_variate(shape, key, step, stream):
    """Return a Gamma(shape, 1) number, shape >= 1.

    Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000.
    Acceptance is above 0.95 a try; draws are taken from the streams ``stream`` to ``stream + 62``.
    """
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    for k in range(0, 62, 2):
        z = normal2(key, step, stream + k)[0]
        v = 1.0 + c * z
        if v <= 0.0:
            continue
        v = v * v * v
        if math.log(
            1.0 - uniform(key, step, stream + k + 1)
        ) < 0.5 * z * z + d - d * v + d * math.log(v):
            return d * v
    return d  # the mode's neighbourhood; reached with probability below 0.05^31


@kernel
def energy_statistic(snr, samples, noise, key, step, stream):
    """Return the mean of |y|^2 over N complex samples, in nominal noise powers.

    Exact: 2 N T / noise is noncentral chi-square with 2 N degrees of freedom and noncentrality
    2 N snr / noise (Urkowitz 1967; Digham, Alouini and Simon 2007), drawn as one shifted normal
    squared, one normal squared and a Gamma for the other 2 N - 2.

    Args:
        snr: Mean power of the signals, in nominal noise powers.
        samples: N, a whole number.
        noise: Noise power over its nominal value.
        key: The row's key.
        step: The step.
        stream: First of 64 streams.
    """
    a, b = normal2(key, step, stream + 63)
    a += math.sqrt(2.0 * samples * snr / noise)
    total = a * a + b * b
    if samples > 1.0:
        total += 2.0 * gamma_variate(samples - 1.0, key, step, stream)
    return noise * total / (2.0 * samples)


@kernel
def drawn_energy(x, key, step, c, p, tables):
    """Return a draw of the mean of |y|^2 of a channel.

    Signals of several entities add up in power; what is itself Gaussian noise adds to the noise.
    """
    n, channels = int(p[P_ENTITIES]), int(p[P_CHANNELS])
    entities, playback = tables[T_ENTITIES], tables[T_PLAYBACK]
    signal, noise = 0.0, p[P_NOISE_POWER]
    for e in range(n):
        power = p[P_POWER] * power_on(x, e, entities[e], c, n, channels, playback)
        if power > 0.0:
            power *= fading_power(key, step, e, p[P_FADING])
            if int(entities[e, E_WAVE]) == W_NOISE:
                noise += power
            else:
                signal += power
    return energy_statistic(signal, p[P_SAMPLES], noise, key, step, STREAM_DETECTOR + c * DRAWS)


@called_kernel
def detect(x, key, step, p, tables, work):
    """Overwrite the newest entry of the history by what the energy detector decides.

    Args:
        x: The row, whose newest entry is UNKNOWN where nothing is looked at.
        key: The row's key.
        step: The step just played.
        p: The row's parameters.
        tables: Of the setup.
        work: Scratch.
    """
    channels = int(p[P_CHANNELS])
    first = newest_at(x, int(p[P_ENTITIES]), channels)
    for c in range(channels):
        if x[first + c] == UNKNOWN:
            continue
        if int(p[P_PHYSICS]) == IQ:
            energy = channel_energy(x, key, step, c, p, tables, work)
        else:
            energy = drawn_energy(x, key, step, c, p, tables)
        x[first + c] = 1.0 if energy > p[P_THRESHOLD] else 0.0


@kernel
def sense(x, p):
    """Move the history on by one step and fill its newest entry; fill the peer's observation.

    What is sensed is the truth; :func:`detect` then puts a detector's decisions in its place.
    """
    n, channels, history = int(p[P_ENTITIES]), int(p[P_CHANNELS]), int(p[P_HISTORY])
    classify = int(p[P_OBSERVATION]) == CLASSIFY
    # Views whose places count from 0: the compiler then turns each loop into block moves.
    turn_history(x, history)
    first, newest = occupancy_at(n), newest_at(x, n, channels)
    occupancy, peer = x[first : first + channels], x[first + channels : first + 2 * channels]
    sensed = x[newest : newest + channels]
    for c in range(channels):
        seen = occupancy[c] if classify else min(occupancy[c], 1.0)
        peer[c] = seen
        sensed[c] = seen
    if int(p[P_SENSING]) == SENSE_OWN:
        for c in range(channels):
            if x[X_CHANNEL] != c:
                sensed[c] = UNKNOWN


# --------------------------------------------------------------------------------------------- judge


@kernel
def judge_one(x, key, step, u, p, tables, work, m):
    """Fill the reward terms and return the reward of one row.

    Access is +1 where at most ``tolerance`` of the step is interfered with, else -1; a jammer earns
    +1 where the target is alone, else -1. Silence earns 0. With reward "throughput" nothing is lost;
    with "goodput" neither, and chance decides by the SINR whether the packet arrives.
    """
    n = int(p[P_ENTITIES])
    channel = x[X_CHANNEL]
    x[X_ACK] = 0.0
    if channel != SILENT:
        if int(p[P_GOAL]) == GOAL_JAM:
            good = x[occupancy_at(n) + int(channel)] == p[P_TARGET]
        elif int(p[P_REWARD]) == REWARD_GOODPUT:
            good = uniform(key, step + 1, STREAM_PACKET) < x[X_SUCCESS]
        else:
            good = x[X_BLOCKED] <= p[P_TOLERANCE]
        x[X_ACK] = 1.0 if good else -1.0
    m[M_REWARD_ACCESS] = x[X_ACK] if int(p[P_REWARD]) == REWARD_PEER else max(x[X_ACK], 0.0)
    m[M_REWARD_SWITCHING] = -p[P_SWITCHING_COST] * x[X_SWITCHED]
    return m[M_REWARD_ACCESS] + m[M_REWARD_SWITCHING]


@kernel
def measure_one(x, p, m):
    """Fill the metrics that are no reward terms from the state."""
    m[M_CHANNEL] = x[X_CHANNEL]
    m[M_ACK] = x[X_ACK]
    m[M_DELIVERED] = 1.0 if x[X_ACK] > 0.0 else 0.0
    m[M_BLOCKED] = x[X_BLOCKED]
    m[M_PRIMARY] = x[X_PRIMARY]
    m[M_SWITCHED] = x[X_SWITCHED]
    m[M_SINR] = x[X_SINR]
    m[M_GOODPUT] = p[P_PAYLOAD] * m[M_DELIVERED]


@kernel
def observe_one(x, p, o):
    """Fill the observation: sensed channels, newest step first, own last action, acknowledgement."""
    n, channels, history = int(p[P_ENTITIES]), int(p[P_CHANNELS]), int(p[P_HISTORY])
    size = history * channels
    part = 1.0 / (n + 1.0) if int(p[P_OBSERVATION]) == CLASSIFY else 1.0
    copy_history(x, n, channels, history, part, o)
    action = o[size : size + channels + 1]
    for k in range(channels + 1):
        action[k] = 0.0
    action[1 + int(x[X_CHANNEL])] = 1.0
    o[size + channels + 1] = x[X_ACK]


# --------------------------------------------------------------------------------- loops over the rows


@kernel
def step_one(x, key, step, u, p, tables, work, m):
    """Advance, judge and look around in one row; return the reward. :func:`detect` is still to come."""
    advance_one(x, key, step, u, p, tables, work)
    reward = judge_one(x, key, step, u, p, tables, work, m)
    sense(x, p)
    measure_one(x, p, m)
    return reward


@kernel
def reset_one(x, key, p, tables, work):
    """Put one row at the start of an episode: step 0 is played, the agent silent. Then :func:`detect`."""
    start_entities(x, key, p, tables, work)
    clear_history(x, int(p[P_ENTITIES]), int(p[P_CHANNELS]), int(p[P_HISTORY]))
    sense(x, p)


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
        reward[i, 0] = step_one(x[i], key[i], step[i], u[i], row, tables, work[i], m[:, i])
        terminated[i, 0] = False
        step[i] += 1
        # Called from here, not from further down: each function on the way would compile it again.
        if int(row[P_PHYSICS]) != PERFECT:
            detect(x[i], key[i], step[i], row, tables, work[i])
        observe_one(x[i], row, o[i])
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            reset_one(x[i], key[i], row, tables, work[i])
            if int(row[P_PHYSICS]) != PERFECT:
                detect(x[i], key[i], np.int64(0), row, tables, work[i])
            m[:, i] = 0.0
            measure_one(x[i], row, m[:, i])
            observe_one(x[i], row, o[i])


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            m[:, i] = 0.0
            measure_one(x[i], row, m[:, i])
            observe_one(x[i], row, o[i])
