"""The environments of the family: the class of an id is made from its card when somebody first asks for it."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from gym_suite.registration import class_named

    return class_named(__name__, name)


def __dir__() -> list[str]:
    from gym_suite.registration import classes_of

    return classes_of(__name__)
