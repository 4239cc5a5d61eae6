"""The environments of the family: classes made from the cards when they are first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.agv.envs.base import AGVEnv as AGVEnv
    from gym_suite.agv.envs.options import Options as Options
    from gym_suite.agv.envs.setup import build as build

_HOMES = {"AGVEnv": "base", "Options": "options", "build": "setup"}


def __getattr__(name: str) -> Any:
    from gym_suite.core.cards import load
    from gym_suite.registration import class_named

    if name in _HOMES:
        return load(f"{__name__}.{_HOMES[name]}:{name}")
    return class_named(__name__, name)


def __dir__() -> list[str]:
    from gym_suite.registration import classes_of

    return [*globals(), *_HOMES, *classes_of(__name__)]
