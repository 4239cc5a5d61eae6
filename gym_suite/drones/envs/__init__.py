"""The environments of the family: one class per id, whose docstring is the id's page."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "DroneEnv": "base",
    "FormationEnv": "formation",
    "FormationParallelEnv": "formation",
    "FormationVectorEnv": "formation",
    "HoverEnv": "hover",
    "HoverVectorEnv": "hover",
    "MultiHoverEnv": "multi_hover",
    "MultiHoverParallelEnv": "multi_hover",
    "MultiHoverVectorEnv": "multi_hover",
    "TrackEnv": "track",
    "TrackVectorEnv": "track",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
