"""Physics-backed Gymnasium environments, reference controllers and one honest comparison.

Importing the package registers every id with Gymnasium (and PettingZoo) and loads nothing heavy;
public names are resolved when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gym_suite.registration import (
    card,
    catalogue,
    make_controller,
    parallel_env,
    register,
    register_all,
)
from gym_suite.version import __version__

if TYPE_CHECKING:
    from gym_suite.comparison import compare as compare
    from gym_suite.core.trajectory import Trajectory as Trajectory

_LAZY = {
    "compare": "gym_suite.comparison:compare",
    "Trajectory": "gym_suite.core.trajectory:Trajectory",
}

__all__ = [
    "Trajectory",
    "__version__",
    "card",
    "catalogue",
    "compare",
    "make_controller",
    "parallel_env",
    "register",
]

register_all()


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from gym_suite.registration import load

        return load(_LAZY[name])
    import importlib

    if not name.startswith("_"):
        try:
            return importlib.import_module(f"gym_suite.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"gym_suite.{name}":
                raise
    raise AttributeError(f"module 'gym_suite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
