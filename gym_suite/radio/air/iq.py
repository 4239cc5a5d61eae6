"""Samples of the band: every channel at its own rate, as a bank of filters would deliver them.

A channel of bandwidth B is sampled at B, complex, so that N samples of it are what an energy detector
averages (its noise has exactly 2 N degrees of freedom) and the channels side by side are the spectrum
of the band. Carriers, symbols and chirps run on one clock from the episode's start, so that they go on
without a jump from step to step. Powers are over the nominal noise power of a channel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import philox, uniform
from gym_suite.radio.air.emission import EDGE, LAYERS, PHASES, SPAN, TAPS
from gym_suite.radio.air.link import channel_of, fading_gain, power_on, span_on
from gym_suite.radio.columns import (
    AGENT,
    STREAM_PHASE,
    STREAM_SAMPLES,
    STREAM_WAVE,
    E,
    T,
    spans_of,
)
from gym_suite.radio.parameters import WAVE_FMCW, WAVE_NOISE, WAVE_TONE, P
from gym_suite.radio.scenario.kinds import K

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = (np.uint64(k) for k in (30, 27, 31, 11))
_LAYER = np.uint64(LAYERS - 1)
_UNIT = 2.0**-53
_TURN = 2.0 * math.pi


def work_size(samples: int) -> int:
    """Return the scratch that the samples of one channel need."""
    return 4 * samples + 4 * (TAPS + 2)


# ---------------------------------------------------------------------------------------------- words


@kernel
def word(seed, k):
    """Return the k-th 64-bit word of a stream.

    SplitMix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = seed + np.uint64(k) * _GOLDEN
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@kernel
def _fraction(bits):
    return float(bits >> _11) * _UNIT


@called_kernel
def _edge_normal(seed, k, layers):
    """Return a normal number where the k-th word missed its layer's inside."""
    place = k + (1 << 32)  # words that no sample uses as its first
    bits = word(seed, k)
    while True:
        i = int(bits & _LAYER)
        u = 2.0 * _fraction(bits) - 1.0
        if abs(u) < layers[i, 1]:
            return u * layers[i, 0]
        if i == 0:  # the tail: Marsaglia 1964
            while True:
                x = -math.log(1.0 - _fraction(word(seed, place))) / EDGE
                y = -math.log(1.0 - _fraction(word(seed, place + (1 << 32))))
                place += 1 << 34
                if y + y > x * x:
                    return -EDGE - x if u < 0.0 else EDGE + x
        x = u * layers[i, 0]
        below = math.exp(-0.5 * (layers[i, 0] ** 2 - x * x))
        above = math.exp(-0.5 * (layers[i + 1, 0] ** 2 - x * x))
        if above + _fraction(word(seed, place)) * (below - above) < 1.0:
            return x
        bits = word(seed, place + (1 << 32))
        place += 1 << 34


@kernel
def _normal(seed, k, layers):
    """Return the k-th standard normal number of a stream."""
    bits = word(seed, k)
    i = int(bits & _LAYER)
    u = 2.0 * _fraction(bits) - 1.0
    if abs(u) < layers[i, 1]:
        return u * layers[i, 0]
    return _edge_normal(seed, k, layers)


# -------------------------------------------------------------------------------------------- samples


@called_kernel
def _add_noise(re, im, seed, sigma, layers):
    for j in range(re.shape[0]):
        re[j] += sigma * _normal(seed, 2 * j, layers)
        im[j] += sigma * _normal(seed, 2 * j + 1, layers)


@called_kernel
def _add_symbols(re, im, first, amplitude, turn, entity, seed, tables, symbols):
    """Add shaped symbols to samples ``first`` and on, with a complex amplitude and turns per sample."""
    n = re.shape[0]
    rate, order = int(entity[E.rate]), int(entity[E.order])
    points, pulses = tables[T.symbols], tables[T.pulses]
    row, start = int(entity[E.pulse]), int(entity[E.symbols])
    lowest = (first * rate) // PHASES - (SPAN - 1)
    count = ((first + n - 1) * rate) // PHASES + SPAN - lowest + 1
    mask = np.uint64(order - 1)
    for k in range(count):  # before the episode's start the stream has no words
        point = start + int(word(seed, lowest + k + TAPS) & mask)
        a, b = points[point, 0], points[point, 1]
        symbols[2 * k] = amplitude[0] * a - amplitude[1] * b
        symbols[2 * k + 1] = amplitude[0] * b + amplitude[1] * a
    for j in range(n):
        position = (first + j) * rate
        k = 2 * (position // PHASES - (SPAN - 1) - lowest)
        taps = row + position % PHASES
        a, b = 0.0, 0.0
        for i in range(TAPS):
            a += pulses[taps, i] * symbols[k + 2 * i]
            b += pulses[taps, i] * symbols[k + 2 * i + 1]
        if turn != 0.0:
            turns = (first + j) * turn
            angle = _TURN * (turns - math.floor(turns))
            c, s = math.cos(angle), math.sin(angle)
            a, b = a * c - b * s, a * s + b * c
        re[j] += a
        im[j] += b


@called_kernel
def _add_carrier(re, im, first, amplitude, turn, entity):
    """Add a tone, or chirps across the bandwidth whose phase returns to where it was."""
    chirp = int(entity[E.chirp])
    width = entity[E.rate] if int(entity[E.wave]) == WAVE_FMCW else 0.0
    for j in range(re.shape[0]):
        k = (first + j) % chirp
        turns = (first + j) * turn
        angle = _TURN * (turns - math.floor(turns) + 0.5 * width * k * (k / chirp - 1.0))
        c, s = math.cos(angle), math.sin(angle)
        re[j] += amplitude[0] * c - amplitude[1] * s
        im[j] += amplitude[0] * s + amplitude[1] * c


@kernel
def _add_transmitter(
    re, im, key, step, first, power, transmitter, part, entity, p, tables, symbols
):
    """Add what one transmitter sends on a channel, ``re`` and ``im``, which begin with its sample ``first``.

    ``part`` tells apart the channels that it fills.
    """
    a, b = fading_gain(key, step, transmitter, p[P.fading])
    angle = _TURN * uniform(key, 0, STREAM_PHASE + transmitter)
    root = math.sqrt(power)
    c, s = root * math.cos(angle), root * math.sin(angle)
    amplitude = (a * c - b * s, a * s + b * c)
    kind = int(entity[E.wave])
    stream = STREAM_WAVE + 256 * transmitter + part
    if kind == WAVE_NOISE:
        sigma = math.sqrt(0.5 * (amplitude[0] ** 2 + amplitude[1] ** 2))
        _add_noise(re, im, philox(key, step, stream)[0], sigma, tables[T.ziggurat])
    elif kind in (WAVE_TONE, WAVE_FMCW):
        _add_carrier(re, im, first, amplitude, entity[E.offset], entity)
    else:
        seed = philox(key, 0, stream)[0]
        _add_symbols(re, im, first, amplitude, entity[E.offset], entity, seed, tables, symbols)


@called_kernel
def fill_channel(x, key, step, c, p, tables, work, agent):
    """Fill the scratch with the samples of a channel in a step: real parts, then imaginary ones.

    Args:
        x: The row.
        key: The row's key.
        step: The step that the state is of.
        c: The channel.
        p: The row's parameters.
        tables: Of the setup.
        work: Scratch, (>= work_size(samples),).
        agent: Whether the agent's own signal is heard.
    """
    samples = int(p[P.samples])
    s = spans_of(p)
    n = s.entities
    entities, playback = tables[T.entities], tables[T.playback]
    re, im, symbols = work[:samples], work[samples : 2 * samples], work[2 * samples :]
    for j in range(2 * samples):
        work[j] = 0.0
    seed = philox(key, step, STREAM_SAMPLES + c)[0]
    _add_noise(re, im, seed, math.sqrt(0.5 * p[P.noise_power]), tables[T.ziggurat])
    for e in range(n + 1):
        own = e == n  # the agent, behind the entities: one call for all compiles once
        entity = tables[T.agent][0] if own else entities[e]
        transmitter, part, power = e, c, 0.0
        start, end = 0, samples
        if not own:
            kind = int(entity[E.kind])
            if kind == K.playback:
                power = p[P.power] * power_on(x, e, entities, c, playback, s)
            else:
                begins, ends = span_on(x, e, entities, c, playback, s)
                start, end = round(begins * samples), round(ends * samples)
                power = p[P.power] * entity[E.snr] if end > start else 0.0
                # A hopper takes its symbols along.
                part = 0 if kind == K.follower else (c - int(x[s.actions + e])) % s.channels
        elif agent and channel_of(x, 0, 0, s) == c:
            transmitter, part, power = AGENT, 0, entity[E.snr]
        if power > 0.0:
            first = step * samples + start
            sent = re[start:end], im[start:end]
            _add_transmitter(
                *sent, key, step, first, power, transmitter, part, entity, p, tables, symbols
            )


@kernel
def channel_energy(x, key, step, c, p, tables, work):
    """Return the mean of |y|^2 over the samples of a channel, without the agent's own signal."""
    fill_channel(x, key, step, c, p, tables, work, False)
    samples = int(p[P.samples])
    total = 0.0
    for j in range(2 * samples):
        total += work[j] * work[j]
    return total / samples


def band_samples(
    x: NDArray[np.float64],
    key: int,
    step: int,
    p: NDArray[np.float64],
    tables: tuple[NDArray[np.float64], ...],
    *,
    agent: bool = True,
) -> NDArray[np.complex128]:
    """Return the samples of all channels in the step that a state is of, (channels, samples).

    The same numbers that the detector of ``physics="iq"`` averages, except for the agent's own signal,
    which it does not hear. Powers are over the nominal noise power of a channel.

    Args:
        x: A row of the state.
        key: The row's key.
        step: Its step.
        p: Its parameters.
        tables: Of the setup.
        agent: Whether the agent's own signal is heard.
    """
    samples, channels = int(p[P.samples]), int(p[P.channels])
    work = np.zeros(work_size(samples))
    result = np.empty((channels, samples), dtype=np.complex128)
    for c in range(channels):
        fill_channel(x, np.uint64(key), step, c, p, tables, work, agent)
        result[c] = work[:samples] + 1j * work[samples : 2 * samples]
    return result
