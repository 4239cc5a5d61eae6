"""Training with Stable-Baselines3, and learned policies that run in NumPy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.learning.export import export_policy
    from gym_suite.learning.policies import load_policy, shipped
    from gym_suite.learning.training import train
    from gym_suite.learning.vec_env import agents_as_batch, make_sb3_vec

__all__ = [
    "agents_as_batch",
    "export_policy",
    "load_policy",
    "make_sb3_vec",
    "shipped",
    "train",
]

_HOME = {
    "agents_as_batch": "vec_env",
    "export_policy": "export",
    "load_policy": "policies",
    "make_sb3_vec": "vec_env",
    "shipped": "policies",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
