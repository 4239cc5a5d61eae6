"""Threads that share the rows of a batch: each moves its own, so the numbers are those of one thread, bit for bit.

Compiled kernels release Python's lock. Each thread calls the same kernel on the same arrays and is told to skip the
rows of the others, so nothing is compiled again and nothing is copied.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_number

#: Rows below which "auto" does not try more than one thread.
FEWEST = 512
#: Calls of each kind that "auto" times, and after how many it looks again.
TRIES, AGAIN = 6, 2000


def cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def read_threads(value: int | str) -> tuple[int, bool]:
    """Return a number of threads, and whether it is only to be used where it pays.

    Args:
        value: A whole number from 1 on, or "auto".

    Raises:
        ValueError: For anything else.
    """
    if value == "auto":
        return cores(), True
    if isinstance(value, str):
        raise ValueError(f"threads must be a whole number or 'auto', got {value!r}")
    count = int(check_number("threads", value, low=1, high=1024, integer=True))
    if count > cores():
        warnings.warn(
            f"threads={count}, but this process may use {cores()} cores: more threads than cores only wait",
            RuntimeWarning,
            stacklevel=4,
        )
    return count, False


class Crew:
    """Calls kernels on parts of the rows, side by side.

    Args:
        threads: As for :func:`read_threads`.
        n: Number of rows.
    """

    def __init__(self, threads: int | str, n: int) -> None:
        count, self._choose = read_threads(threads)
        self.count = min(count, n)
        if self._choose and n < FEWEST:
            self.count = 1
        self._bounds = bounds = np.linspace(0, n, self.count + 1).astype(int)
        self._others = np.ones((self.count, n), dtype=np.bool_)
        for k, (first, stop) in enumerate(pairwise(bounds)):
            self._others[k, first:stop] = False
        self._pool = ThreadPoolExecutor(self.count - 1) if self.count > 1 else None
        self._calls, self._alone = 0, False
        self._best = {True: np.inf, False: np.inf}

    def __call__(self, call: Callable[[np.ndarray, int], Any], skip: np.ndarray) -> None:
        """Make a call for all rows that are not skipped.

        Args:
            call: Is given which rows to leave alone, bool (n,), and the number of the thread, from 0 on.
            skip: Rows that nobody moves, bool (n,).
        """
        if self._pool is None:
            call(skip, 0)
            return
        if not self._choose:
            self._together(call, skip)
            return
        place = self._calls % AGAIN
        self._calls += 1
        if place == 0:
            self._best = {True: np.inf, False: np.inf}
        if place >= 2 * TRIES:
            (call(skip, 0) if self._alone else self._together(call, skip))
            return
        alone = place % 2 == 0
        start = time.perf_counter()
        (call(skip, 0) if alone else self._together(call, skip))
        self._best[alone] = min(self._best[alone], time.perf_counter() - start)
        self._alone = self._best[True] <= 1.05 * self._best[False]

    def share(self, call: Callable[[np.ndarray, int], Any], skip: np.ndarray) -> None:
        """Make a call as :meth:`__call__` does, by as many threads as have shown to pay; nothing is timed.

        Args:
            call: As there.
            skip: As there.
        """
        if self._pool is None or (self._choose and self._alone):
            call(skip, 0)
        else:
            self._together(call, skip)

    def split(self, call: Callable[[int, int], Any]) -> None:
        """Make a call for each thread's rows, as :meth:`share` does.

        Args:
            call: Is given the first of its rows and the one behind the last.
        """
        bounds = self._bounds
        if self._pool is None or (self._choose and self._alone):
            call(int(bounds[0]), int(bounds[-1]))
            return
        waiting = [self._pool.submit(call, *part) for part in pairwise(bounds[1:].tolist())]
        call(int(bounds[0]), int(bounds[1]))
        for one in waiting:
            one.result()

    def _together(self, call: Callable[[np.ndarray, int], Any], skip: np.ndarray) -> None:
        assert self._pool is not None
        parts = self._others | skip if skip.any() else self._others
        waiting = [self._pool.submit(call, part, k) for k, part in enumerate(parts[1:], 1)]
        call(parts[0], 0)
        for one in waiting:
            one.result()

    def close(self) -> None:
        """Send the threads home; may be called twice."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
