"""The energy detector: whether a channel counts as busy, by exact statistics or by samples of it."""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2, uniform
from gym_suite.radio.air.iq import channel_energy
from gym_suite.radio.air.link import fading_power, power_on
from gym_suite.radio.columns import STREAM_DETECTOR, UNKNOWN, E, T, spans_of
from gym_suite.radio.parameters import IQ, WAVE_NOISE, P

DRAWS = 64  # streams of the detector per channel


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
    s = spans_of(p)
    entities = tables[T.entities]
    signal, noise = 0.0, p[P.noise_power]
    for e in range(s.entities):
        power = p[P.power] * power_on(x, e, entities, c, tables[T.playback], s)
        if power > 0.0:
            power *= fading_power(key, step, e, p[P.fading])
            if int(entities[e, E.wave]) == WAVE_NOISE:
                noise += power
            else:
                signal += power
    return energy_statistic(signal, p[P.samples], noise, key, step, STREAM_DETECTOR + c * DRAWS)


@called_kernel
def detect(x, first, key, step, p, tables, work):
    """Put the energy detector's decisions in the place of what was sensed truly.

    Args:
        x: The row.
        first: Column of the first channel in the vector of what was sensed last; UNKNOWN stands where
            nothing is looked at.
        key: The row's key.
        step: The step just played.
        p: The row's parameters.
        tables: Of the setup.
        work: Scratch.
    """
    for c in range(int(p[P.channels])):
        if x[first + c] == UNKNOWN:
            continue
        if int(p[P.physics]) == IQ:
            energy = channel_energy(x, key, step, c, p, tables, work)
        else:
            energy = drawn_energy(x, key, step, c, p, tables)
        x[first + c] = 1.0 if energy > p[P.threshold] else 0.0
