"""Quadcopters: rigid bodies with four rotors, in compiled physics and in Bullet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.drones.simulation import simulate as simulate

__all__ = ["simulate"]


def __getattr__(name: str) -> Any:
    if name == "simulate":
        from gym_suite.drones.simulation import simulate

        return simulate
    raise AttributeError(f"module 'gym_suite.drones' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
