"""Electric drives: ten machines with converter, load and control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.motors.counterparts import from_gem_id as from_gem_id
    from gym_suite.motors.simulation import simulate as simulate

__all__ = ["from_gem_id", "simulate"]


def __getattr__(name: str) -> Any:
    if name == "simulate":
        from gym_suite.motors.simulation import simulate

        return simulate
    if name == "from_gem_id":
        from gym_suite.motors.counterparts import from_gem_id

        return from_gem_id
    raise AttributeError(f"module 'gym_suite.motors' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
