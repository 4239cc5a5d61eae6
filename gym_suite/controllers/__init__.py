"""Controllers that know no family: the protocol, PI and PID, cascades and tuning rules."""

from __future__ import annotations

from typing import Any

_HOME = {
    "Agent": "protocol",
    "Controller": "protocol",
    "Loop": "protocol",
    "nominal_of": "protocol",
    "Hyperparameter": "hyperparameters",
    "DoNothing": "baselines",
    "RandomAgent": "baselines",
    "PI": "pid",
    "PID": "pid",
    "Cascade": "pid",
    "Gains": "gains",
    "magnitude_optimum": "tuning",
    "symmetrical_optimum": "tuning",
    "simc": "tuning",
    "pole_placement_first_order": "tuning",
    "pole_placement_double_integrator": "tuning",
    "ziegler_nichols_ultimate": "experiments",
    "ziegler_nichols_step": "experiments",
    "chien_hrones_reswick": "experiments",
    "StateFeedback": "state_feedback",
    "lqr": "state_feedback",
}

__all__ = list(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Resolve public names on first use, so that importing a part does not compile the rest."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
