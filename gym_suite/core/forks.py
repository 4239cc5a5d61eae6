"""What a forked process does not take over: threads do not live in it, and processes of its parent are not its own.

``os.fork`` copies the objects all the same, and Linux's ``multiprocessing`` forks by default up to Python 3.13.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """What is told when it finds itself in a forked process."""

    def begin_in_fork(self) -> None:
        """Let go of what belongs to the process from which this one was forked."""


_LISTENING: WeakSet[Forked] = WeakSet()


def tell_of_forks(one: Forked) -> None:
    """Have an object's ``begin_in_fork`` called in every process that is forked from this one, as long as it lives.

    Args:
        one: The object; it is not kept alive.
    """
    _listen()
    _LISTENING.add(one)


@cache
def _listen() -> None:
    if hasattr(os, "register_at_fork"):  # where there is no fork there is nothing to tell
        os.register_at_fork(after_in_child=_tell)


def _tell() -> None:
    for one in list(_LISTENING):
        one.begin_in_fork()
