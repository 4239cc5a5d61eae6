"""The environments of the family: the classes of its ids are made from their cards when somebody asks for one."""

from __future__ import annotations

from typing import Any

from gym_suite.radio.envs.base import RadioEnv, RadioVectorEnv

__all__ = ["RadioEnv", "RadioVectorEnv"]


def __getattr__(name: str) -> Any:
    from gym_suite.registration import class_named

    return class_named(__name__, name)


def __dir__() -> list[str]:
    from gym_suite.registration import classes_of

    return [*__all__, *classes_of(__name__)]
