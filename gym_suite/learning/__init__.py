"""Training with Stable-Baselines3, policies that run in NumPy, gains searched on the same reward."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.learning.c_export import export_folder
    from gym_suite.learning.c_source import export_c
    from gym_suite.learning.export import export_policy
    from gym_suite.learning.gains import load_gains
    from gym_suite.learning.policies import load_policy
    from gym_suite.learning.search import tune
    from gym_suite.learning.shelf import shipped
    from gym_suite.learning.training import train
    from gym_suite.learning.vec_env import agents_as_batch, make_sb3_vec

__all__ = [
    "agents_as_batch",
    "export_c",
    "export_folder",
    "export_policy",
    "load_gains",
    "load_policy",
    "make_sb3_vec",
    "shipped",
    "train",
    "tune",
]

_HOME = {
    "agents_as_batch": "vec_env",
    "export_c": "c_source",
    "export_folder": "c_export",
    "export_policy": "export",
    "load_gains": "gains",
    "load_policy": "policies",
    "make_sb3_vec": "vec_env",
    "shipped": "shelf",
    "train": "training",
    "tune": "search",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
