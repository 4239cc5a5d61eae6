"""Where the classes of ids that were registered from outside are found by name, see :func:`gym_suite.register`."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from gym_suite.registration import class_named

    return class_named(__name__, name)
