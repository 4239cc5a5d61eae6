"""The generators of many worlds as arrays: seeding and drawing for all of them in one compiled loop.

Each world has the generator that :func:`gymnasium.utils.seeding.np_random` would give it for its seed: NumPy's
``SeedSequence`` (O'Neill, "Developing a seed_seq alternative", 2015) and PCG64 (O'Neill, "PCG: A family of simple fast
space-efficient statistically good algorithms for random number generation", HMC-CS-2014-0905, 2014), equal word for
word. Making 65,536 of NumPy's objects takes over a second; the arrays take a hundredth of that. The objects are made
when somebody asks for them, and are then the ones that are drawn from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from gym_suite.core.kernel import kernel
from gym_suite.core.snapshots import as_kept

_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SHIFT = np.uint64(16)
_INIT_A, _MULT_A = np.uint64(0x43B0D7E5), np.uint64(0x931E8875)
_INIT_B, _MULT_B = np.uint64(0x8B51F9DD), np.uint64(0x58F38DED)
_MIX_L, _MIX_R = np.uint64(0xCA01F9DD), np.uint64(0x4973F715)
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_MULT_HIGH, _MULT_LOW = np.uint64(_MULTIPLIER >> 64), np.uint64(_MULTIPLIER & (2**64 - 1))
_ONE, _BITS, _ROTATE = np.uint64(1), np.uint64(63), np.uint64(58)


@kernel
def _hashed(value, constant):
    """Return (hashed word, next constant), both of 32 bits: SeedSequence's hashmix."""
    value = (value ^ constant) & _WORD
    constant = (constant * _MULT_A) & _WORD
    value = (value * constant) & _WORD
    return value ^ (value >> _SHIFT), constant


@kernel
def _mixed(x, y):
    """Return one word of two: SeedSequence's mix."""
    value = (_MIX_L * x - _MIX_R * y) & _WORD
    return value ^ (value >> _SHIFT)


@kernel
def _product_high(a, b):
    """Return the upper 64 bits of a product of two 64-bit numbers."""
    a_low, a_high, b_low, b_high = a & _WORD, a >> _HALF, b & _WORD, b >> _HALF
    low = a_low * b_low
    first = a_high * b_low + (low >> _HALF)
    second = a_low * b_high + (first & _WORD)
    return a_high * b_high + (first >> _HALF) + (second >> _HALF)


@kernel
def _step(high, low, inc_high, inc_low):
    """Return the next 128-bit state, times the multiplier plus the increment."""
    new_low = low * _MULT_LOW
    new_high = _product_high(low, _MULT_LOW) + high * _MULT_LOW + low * _MULT_HIGH
    total = new_low + inc_low
    carry = _ONE if total < new_low else np.uint64(0)
    return new_high + inc_high + carry, total


@kernel
def _seed_rows(seeds, states, pool, words):
    """Fill states, (n, 4): upper and lower half of state and increment, for seeds, (n,).

    pool, (4,), and words, (8,), are scratch.
    """
    for i in range(seeds.shape[0]):
        constant = _INIT_A
        for k in range(4):
            word = np.uint64(0)
            if k == 0:
                word = seeds[i] & _WORD
            elif k == 1:
                word = seeds[i] >> _HALF
            pool[k], constant = _hashed(word, constant)
        for source in range(4):
            for target in range(4):
                if source != target:
                    value, constant = _hashed(pool[source], constant)
                    pool[target] = _mixed(pool[target], value)
        constant = _INIT_B
        for k in range(8):
            value = (pool[k % 4] ^ constant) & _WORD
            constant = (constant * _MULT_B) & _WORD
            value = (value * constant) & _WORD
            words[k] = value ^ (value >> _SHIFT)
        high, low = words[0] | (words[1] << _HALF), words[2] | (words[3] << _HALF)
        inc_high, inc_low = words[4] | (words[5] << _HALF), words[6] | (words[7] << _HALF)
        inc_high = (inc_high << _ONE) | (inc_low >> _BITS)
        inc_low = (inc_low << _ONE) | _ONE
        # One step from zero gives the increment; the seed is added and one more step is made.
        total = inc_low + low
        carry = _ONE if total < low else np.uint64(0)
        state = _step(inc_high + high + carry, total, inc_high, inc_low)
        states[i, 0], states[i, 1], states[i, 2], states[i, 3] = (
            state[0],
            state[1],
            inc_high,
            inc_low,
        )


@kernel
def _draw_rows(states, rows, out):
    """Fill out with the next raw number of each of some rows: XSL-RR of the next state."""
    for j in range(rows.shape[0]):
        i = rows[j]
        inc_high, inc_low = states[i, 2], states[i, 3]
        high, low = _step(states[i, 0], states[i, 1], inc_high, inc_low)
        states[i, 0], states[i, 1] = high, low
        value, turn = high ^ low, high >> _ROTATE
        out[j] = (value >> turn) | (value << ((np.uint64(64) - turn) & _BITS))


class Streams:
    """One generator per world.

    Args:
        n: Number of worlds.
    """

    __slots__ = ("_n", "_objects", "_seeds", "_states")

    def __init__(self, n: int) -> None:
        self._n = n
        self._states = np.zeros((n, 4), dtype=np.uint64)
        self._seeds: Sequence[int | None] = [None] * n
        self._objects: list[np.random.Generator] | None = None

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seed of each world's generator; None before the first one."""
        return tuple(self._seeds)

    @property
    def started(self) -> bool:
        """Whether all worlds have been seeded."""
        return self._n == 0 or self._seeds[0] is not None

    def seed(self, seeds: Any, mask: np.ndarray) -> None:
        """Seed the masked worlds that are given a seed; the first time a world without one gets a random one.

        Args:
            seeds: One per world: a sequence of whole numbers and None, a range or an array (n,).
            mask: Which worlds, bool (n,).

        Raises:
            ValueError: If a seed is no whole number from 0 on, or there is not one per world; nothing has changed then.
        """
        one_axis = seeds.ndim == 1 if isinstance(seeds, np.ndarray) else isinstance(seeds, Sequence)
        if not one_axis:
            raise ValueError(f"seed must be a whole number, one per world or None, got {seeds!r}")
        if len(seeds) != self._n:
            raise ValueError(f"seed has {len(seeds)} elements for {self._n} worlds")
        first = not self.started
        if first and all(one is None for one in seeds):
            seeds = np.frombuffer(os.urandom(8 * self._n), dtype=np.uint64)
        # Generators that somebody holds go on in the worlds that are not masked.
        if self._objects is None or mask.all():
            words = _as_words(seeds)
            if words is not None:
                self._seed_listed(words, mask | first)
                return
        told = list(self._seeds)
        changed = []
        for i, one in enumerate(seeds):
            if one is not None and (mask[i] or first):
                told[i] = _whole(one)
                changed.append(i)
            elif first:
                told[i] = int.from_bytes(os.urandom(8), "little")
                changed.append(i)
        self._seeds = told
        for i in changed:
            self._states[i] = _state_of(told[i])
            if self._objects is not None:
                self._objects[i] = self._generator(i)

    def _seed_listed(self, values: np.ndarray, mask: np.ndarray) -> None:
        """Seed the masked worlds, each with its own of the seeds, uint64 (n,)."""
        if mask.all():
            _seed_rows(values, self._states, *_scratch())
            self._seeds, self._objects = values.tolist(), None
            return
        chosen = np.flatnonzero(mask)
        states = np.empty((len(chosen), 4), dtype=np.uint64)
        _seed_rows(values[chosen], states, *_scratch())
        self._states[chosen] = states
        told = list(self._seeds)
        for i, value in zip(chosen.tolist(), values[chosen].tolist(), strict=True):
            told[i] = value
        self._seeds = told

    def draw(self, mask: np.ndarray) -> np.ndarray:
        """Return the next raw number of each masked world in order, uint64 (mask.sum(),)."""
        rows = np.flatnonzero(mask)
        if self._objects is not None:
            drawn = (self._objects[i].bit_generator.random_raw() for i in rows.tolist())
            return np.fromiter(drawn, dtype=np.uint64, count=len(rows))
        out = np.empty(len(rows), dtype=np.uint64)
        _draw_rows(self._states, rows, out)
        return out

    @property
    def generators(self) -> tuple[np.random.Generator, ...]:
        """NumPy's generators of all worlds; from here on they are the ones that are drawn from."""
        if self._objects is None:
            self._objects = [self._generator(i) for i in range(self._n)]
        return tuple(self._objects)

    def _generator(self, row: int) -> np.random.Generator:
        bits = np.random.PCG64(0)
        high, low, inc_high, inc_low = (int(part) for part in self._states[row])
        bits.state = {
            "bit_generator": "PCG64",
            "state": {"state": high << 64 | low, "inc": inc_high << 64 | inc_low},
            "has_uint32": 0,
            "uinteger": 0,
        }
        return np.random.Generator(bits)

    def get_state(self) -> np.ndarray:
        """Return upper and lower half of state and increment of each world's generator, uint64 (n, 4)."""
        if self._objects is not None:
            for i, generator in enumerate(self._objects):
                self._states[i] = _halves(generator.bit_generator.state)
        return self._states.copy()

    def set_state(self, states: np.ndarray) -> None:
        """Restore what :meth:`get_state` returned.

        Raises:
            ValueError: If it is of another number of worlds.
        """
        self._states[:] = as_kept("generators", states, self._states)
        for i, generator in enumerate(self._objects or ()):
            generator.bit_generator.state = self._generator(i).bit_generator.state


def _whole(seed: object) -> int:
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0:
        return int(seed)
    raise ValueError(f"a seed must be a whole number from 0 on, got {seed!r}")


def _as_words(seeds: Sequence[int | None] | np.ndarray) -> np.ndarray | None:
    """Return seeds, a sequence or an array (n,), as 64-bit words, or None where one is missing, wrong or longer."""
    if isinstance(seeds, np.ndarray):
        kind, least = seeds.dtype.kind, seeds.min(initial=0) if seeds.dtype.kind in "iu" else -1
        return seeds.astype(np.uint64) if kind in "iu" and least >= 0 else None
    if isinstance(seeds, range) and seeds:
        if min(seeds[0], seeds[-1]) < 0 or max(seeds[0], seeds[-1]) >= 2**64:
            return None
        # Words are counted modulo 2**64, so that a step may lead down as well.
        steps = np.arange(len(seeds), dtype=np.uint64) * np.uint64(seeds.step % 2**64)
        return np.uint64(seeds[0]) + steps
    if not all(type(one) is int and 0 <= one < 2**64 for one in seeds):
        return None
    return np.array(seeds, dtype=np.uint64)


def _scratch() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(4, dtype=np.uint64), np.zeros(8, dtype=np.uint64)


def _state_of(seed: int | None) -> tuple[int, int, int, int]:
    """Return upper and lower half of state and increment of NumPy's generator for a seed."""
    return _halves(np.random.PCG64(seed).state)


def _halves(state: Any) -> tuple[int, int, int, int]:
    whole, inc, low = int(state["state"]["state"]), int(state["state"]["inc"]), 2**64 - 1
    return whole >> 64, whole & low, inc >> 64, inc & low
