"""Electric drives: permanent-magnet synchronous machines with inverter, load and control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.motors.simulation import simulate as simulate

__all__ = ["simulate"]


def __getattr__(name: str) -> Any:
    if name == "simulate":
        from gym_suite.motors.simulation import simulate

        return simulate
    raise AttributeError(f"module 'gym_suite.motors' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
