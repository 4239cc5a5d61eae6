"""Counter-based random numbers: every draw is a function of (key, step, stream), so any row can be replayed.

The generator is Philox4x64-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC'11, doi:10.1145/2063384.2063405; its words equal those of ``numpy.random.Philox``. A row's episode has one
64-bit key; ``step`` and ``stream`` are the first two words of the counter, so no state has to be carried along.
"""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.kernel import kernel

_M0 = np.uint64(0xD2E7470EE14C6C93)
_M1 = np.uint64(0xCA5A826395121157)
_W0 = np.uint64(0x9E3779B97F4A7C15)
_W1 = np.uint64(0xBB67AE8584CAA73B)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_11 = np.uint64(11)
_ZERO = np.uint64(0)
_UNIT = 2.0**-53


@kernel
def _multiply(a, b):
    """Return the high and the low word of the 128-bit product of two 64-bit words."""
    a_low, a_high = a & _LOW, a >> _32
    b_low, b_high = b & _LOW, b >> _32
    cross = (a_low * b_low >> _32) + a_high * b_low
    middle = (cross & _LOW) + a_low * b_high
    return a_high * b_high + (cross >> _32) + (middle >> _32), a * b


@kernel
def philox(key, step, stream):
    """Return four random 64-bit words of the counter (step, stream, 0, 0) under the key (key, 0).

    Args:
        key: The row's key, uint64.
        step: First counter word, an integer >= 0.
        stream: Second counter word, an integer >= 0 that tells apart what is drawn in the same step.
    """
    c0, c1, c2, c3 = np.uint64(step), np.uint64(stream), _ZERO, _ZERO
    k0, k1 = np.uint64(key), _ZERO
    for _ in range(10):
        high0, low0 = _multiply(_M0, c0)
        high1, low1 = _multiply(_M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = k0 + _W0
        k1 = k1 + _W1
    return c0, c1, c2, c3


@kernel
def uniform(key, step, stream):
    """Return one number uniform in [0, 1)."""
    word = philox(key, step, stream)[0]
    return float(word >> _11) * _UNIT


@kernel
def uniform4(key, step, stream):
    """Return four independent numbers uniform in [0, 1)."""
    a, b, c, d = philox(key, step, stream)
    return (
        float(a >> _11) * _UNIT,
        float(b >> _11) * _UNIT,
        float(c >> _11) * _UNIT,
        float(d >> _11) * _UNIT,
    )


@kernel
def normal2(key, step, stream):
    """Return two independent standard normal numbers (Box and Muller, 1958)."""
    a, b, _, _ = philox(key, step, stream)
    radius = math.sqrt(-2.0 * math.log((float(a >> _11) + 1.0) * _UNIT))
    angle = 2.0 * math.pi * (float(b >> _11) * _UNIT)
    return radius * math.cos(angle), radius * math.sin(angle)


@kernel
def normal(key, step, stream):
    """Return one standard normal number."""
    return normal2(key, step, stream)[0]
