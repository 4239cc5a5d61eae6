"""Threads that share the rows of a batch: each moves its own, so the numbers are those of one thread, bit for bit.

Compiled kernels release Python's lock. Each thread calls the same kernel on the same arrays and is told to skip the
rows of the others, so nothing is compiled again and nothing is copied.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import numpy as np

from gym_suite.core.forks import tell_of_forks
from gym_suite.core.parameters import check_number

#: Rows below which "auto" does not try more than one thread.
FEWEST = 512
#: Calls of each kind that "auto" times, and after how many it looks again.
TRIES, AGAIN = 6, 2000
#: Most threads that are taken.
MOST = 1024
#: Packages whose lines a user has not written, though they lead from the user to here.
BETWEEN = ("gym_suite", "gymnasium", "tyro")


def cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def read_threads(value: int | str) -> tuple[int, bool]:
    """Return a number of threads, and whether it is only to be used where it pays.

    More threads than cores are said by a RuntimeWarning at the line of the user's that asked for them.

    Args:
        value: A whole number from 1 on, or "auto".

    Raises:
        ValueError: For anything else.
    """
    count, choose = _counted(value)
    if not choose and count > cores():
        warnings.warn(
            f"threads={count}, but this process may use {cores()} cores: more threads than cores only wait",
            RuntimeWarning,
            stacklevel=_level_of_user(),
        )
    return count, choose


def _counted(value: int | str) -> tuple[int, bool]:
    if isinstance(value, str) and value == "auto":
        return cores(), True
    if isinstance(value, str | bool):
        raise ValueError(f"threads must be a whole number or 'auto', got {value!r}")
    return int(check_number("threads", value, low=1, high=MOST, integer=True)), False


def _level_of_user() -> int:
    """Return the ``stacklevel`` by which the caller's warning names the innermost line that is the user's."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _package_of(frame) in BETWEEN:
        frame, level = frame.f_back, level + 1
    return level


def _package_of(frame: Any) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


class _Hand:
    """A thread that makes calls one after the other: what a pool's futures cost a call was most of its overhead."""

    def __init__(self) -> None:
        self._given, self._done = SimpleQueue[Any](), SimpleQueue[Any]()
        self._last = 0  # number of the call that was given last
        self._thread = Thread(
            target=_work, args=(self._given, self._done), name="gym_suite rows", daemon=True
        )
        self._thread.start()
        self.dismiss = weakref.finalize(self, self._given.put, None)

    def give(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Let it make a call."""
        self._last += 1
        self._given.put((self._last, call, arguments))

    def take(self) -> BaseException | None:
        """Wait for the call that was given last, and return what it raised.

        Whoever was interrupted while it waited has left an older answer here.
        """
        number, error = self._done.get()
        while number != self._last:
            number, error = self._done.get()
        return error

    def leave(self) -> None:
        """Let it end, and wait for that; may be called twice."""
        self.dismiss()
        self._thread.join()


def _work(given: SimpleQueue[Any], done: SimpleQueue[Any]) -> None:
    while (wanted := given.get()) is not None:
        number, call, arguments = wanted
        error = None
        try:
            call(*arguments)
        except BaseException as raised:  # whatever it is, who gave the call gets it
            error = raised
        done.put((number, error))
        del wanted, call, arguments, error  # nothing is kept alive while there is nothing to do


class Crew:
    """Calls kernels on parts of the rows, side by side; whoever calls while another's call lasts waits for its end.

    A copy, and a crew in a forked process, starts threads of its own with its first call.

    Args:
        threads: As for :func:`read_threads`.
        n: Number of rows.

    Raises:
        ValueError: As for :func:`read_threads`.
    """

    def __init__(self, threads: int | str, n: int) -> None:
        read_threads(threads)
        self._prepare(threads, n)
        self._start()

    def _prepare(self, threads: int | str, n: int) -> None:
        self._asked = threads, n
        count, self._choose = _counted(threads)
        self.count = 1 if self._choose and n < FEWEST else min(count, n)
        self._bounds = bounds = np.linspace(0, n, self.count + 1).astype(int)
        self._others = np.ones((self.count, n), dtype=np.bool_)
        for k, (first, stop) in enumerate(pairwise(bounds)):
            self._others[k, first:stop] = False
        self._calls, self._alone = 0, False
        self._best = {True: np.inf, False: np.inf}
        self.begin_in_fork()
        tell_of_forks(self)

    def begin_in_fork(self) -> None:
        """Forget threads that are another process's, and what they were doing."""
        self._hands: list[_Hand] = []
        self._turn = Lock()

    def _start(self) -> None:
        self._hands = [_Hand() for _ in range(self.count - 1)]

    def __getstate__(self) -> tuple[int | str, int]:
        return self._asked

    def __setstate__(self, state: tuple[int | str, int]) -> None:
        self._prepare(*state)

    def __call__(self, call: Callable[..., Any], skip: np.ndarray, *others: np.ndarray) -> None:
        """Make a call for all rows that are not skipped.

        Args:
            call: Is given the number of the thread, from 0 on, which rows to leave alone, bool (n,), and of each other
                mask the thread's own.
            skip: Rows that nobody moves, bool (n,).
            *others: Masks of rows with which something else is to be done, bool (n,).
        """
        masks = skip, *others
        if self.count == 1:
            call(0, *masks)
        elif not self._choose:
            self._together(call, masks)
        else:
            self._try(partial(call, 0, *masks), partial(self._together, call, masks))

    def _try(self, alone: Callable[[], Any], together: Callable[[], Any]) -> None:
        """Do the same alone or together, whichever has taken less time of some calls of each."""
        place = self._calls % AGAIN
        self._calls += 1
        if place == 0:
            self._best = {True: np.inf, False: np.inf}
        if place >= 2 * TRIES:
            (alone if self._alone else together)()
            return
        by_oneself = place % 2 == 0
        start = time.perf_counter()
        (alone if by_oneself else together)()
        self._best[by_oneself] = min(self._best[by_oneself], time.perf_counter() - start)
        self._alone = self._best[True] <= 1.05 * self._best[False]

    def share(self, call: Callable[[int, np.ndarray], Any], skip: np.ndarray) -> None:
        """Make a call as :meth:`__call__` does, by as many threads as have shown to pay; nothing is timed.

        Args:
            call: As there.
            skip: As there.
        """
        if self.count == 1 or (self._choose and self._alone):
            call(0, skip)
        else:
            self._together(call, (skip,))

    def split(self, call: Callable[[int, int], Any], *, timed: bool = False) -> None:
        """Make a call for each thread's rows, as :meth:`share` does.

        Args:
            call: Is given the first of its rows and the one behind the last.
            timed: Whether "auto" learns from these calls what pays: where the crew makes no others.
        """
        bounds: list[int] = self._bounds.tolist()
        alone = partial(call, bounds[0], bounds[-1])
        together = partial(self._side_by_side, call, list(pairwise(bounds)))
        if self.count > 1 and self._choose and timed:
            self._try(alone, together)
        elif self.count == 1 or (self._choose and self._alone):
            alone()
        else:
            together()

    def _together(self, call: Callable[..., Any], masks: Sequence[np.ndarray]) -> None:
        skip, *others = masks
        parts = self._others | skip if skip.any() else self._others
        own = [mask & ~self._others for mask in others]
        self._side_by_side(call, list(zip(range(self.count), parts, *own, strict=True)))

    def _side_by_side(self, call: Callable[..., Any], parts: Sequence[tuple[Any, ...]]) -> None:
        """Make a call for each thread's part, the first here; raise what one of them raised when all have ended."""
        with self._turn:
            if not self._hands:
                self._start()
            for hand, part in zip(self._hands, parts[1:], strict=True):
                hand.give(call, *part)
            try:
                call(*parts[0])
            finally:
                errors = [hand.take() for hand in self._hands]
        for error in errors:
            if error is not None:
                raise error

    def close(self) -> None:
        """Send the threads home; may be called twice. Who calls then is alone."""
        self.count = 1
        for hand in self._hands:
            hand.leave()
        self._hands = []
