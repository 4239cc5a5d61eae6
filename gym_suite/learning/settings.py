"""Hyper-parameters as data: what an id and an algorithm train with."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase as fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, unknown_error
from gym_suite.learning.hyperparameters import Settings
from gym_suite.learning.methods import ALGORITHMS, BASES
from gym_suite.learning.shelf import runs_of

DATA = Path(__file__).with_name("hyperparameters.toml")
#: What an entry may say besides hyper-parameters: how many trainings were tried to find them.
TRIALS = "trials"


def settings_for(
    id: str,
    algo: str,
    *,
    setting: str = "nominal",
    steps: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of an id and an algorithm.

    Args:
        id: Environment id; without an entry of its own it gets the default one.
        algo: A key of :data:`ALGORITHMS`.
        setting: Setting of the id, whose entry is laid over the id's.
        steps: Environment steps, in place of the entry's.
        overrides: Other values to replace.

    Raises:
        ValueError: Unknown algorithm or setting (the nearest one is named), or a bad value.
    """
    values = {name: value for layer in _layers(id, algo, setting) for name, value in layer.items()}
    values.pop(TRIALS, None)
    values |= overrides or {}
    if steps is not None:
        values["steps"] = steps
    names = [field.name for field in dataclasses.fields(ALGORITHMS[algo])]
    check_keywords(values, names, f"setting of {algo}")
    return ALGORITHMS[algo](**values)


def trials_for(id: str, algo: str, *, setting: str = "nominal") -> int | None:
    """Return how many trainings were tried to find an id's hyper-parameters; None where nobody counted.

    Args:
        id: Environment id.
        algo: A key of :data:`ALGORITHMS`.
        setting: Setting of the id.

    Raises:
        ValueError: Unknown algorithm (the nearest one is named).
    """
    counted = [layer[TRIALS] for layer in _layers(id, algo, setting) if TRIALS in layer]
    return sum(counted) if counted else None


def recorded_trials(id: str, algo: str, *, setting: str = "nominal") -> int | None:
    """Return how many trainings were tried before the policies that ship for an id were trained.

    It is what their manifest says; where nobody had counted when they were trained, what stands with the
    hyper-parameters now, see :func:`trials_for`. None where neither says anything.

    Args:
        id: Environment id.
        algo: A key of :data:`ALGORITHMS`.
        setting: Setting of the id under which they were trained.

    Raises:
        ValueError: Unknown algorithm (the nearest one is named).
    """
    counted = runs_of(id, setting).get(algo, {}).get("tuning_trials")
    return trials_for(id, algo, setting=setting) if counted is None else counted


def shipped_for(id: str) -> Mapping[str, Any]:
    """Return what the training of an id's shipped policies needs besides hyper-parameters.

    Args:
        id: Environment id.

    Returns:
        "keywords" of the environment, the methods trained "also" besides those that its card names, the "settings"
        under which, if not the nominal one, and the "methods" of a setting that has not all of them; empty: nothing.
    """
    return _data().get(id, {}).get("shipped", {})


def _layers(id: str, algo: str, setting: str) -> list[Mapping[str, Any]]:
    """Return the entries that make up an id's hyper-parameters, later ones over earlier ones."""
    if algo not in ALGORITHMS:
        raise unknown_error("algorithm", algo, ALGORITHMS)
    data = _data()
    entry = data.get(id, {})
    own = entry.get("setting", {}).get(setting, {})
    names = (BASES[algo], algo) if algo in BASES else (algo,)
    parts = (data["default"], _patterned(id) | entry, own)
    return [part.get(name, {}) for name in names for part in parts]


def _patterned(id: str) -> Mapping[str, Any]:
    """Return the entries of the patterns that an id matches, by algorithm; the first of each counts."""
    matching = [entry for name, entry in _data().items() if "*" in name and fnmatch(id, name)]
    return {algo: layer for entry in reversed(matching) for algo, layer in entry.items()}


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))
