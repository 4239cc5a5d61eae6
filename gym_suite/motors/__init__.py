"""Electric drives: eleven machines with converter, load and control."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.motors.constraints import CustomConstraint as CustomConstraint
    from gym_suite.motors.counterparts import from_gem_id as from_gem_id
    from gym_suite.motors.simulation import simulate as simulate

__all__ = ["CustomConstraint", "from_gem_id", "simulate"]

_HOMES = {
    "CustomConstraint": "constraints",
    "from_gem_id": "counterparts",
    "simulate": "simulation",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gym_suite.motors' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
