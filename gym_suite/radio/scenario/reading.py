"""A scenario from whatever a user has: a shipped name, a path, a mapping of either form, or a :class:`Scenario`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gym_suite.radio.scenario.files import load_mapping
from gym_suite.radio.scenario.mapping import read_mapping
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.scenario.rfrl import import_rfrl


def read_scenario(value: object) -> Scenario:
    """Return the scenario for a shipped name, a path, a mapping or a :class:`Scenario`.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
        TypeError: For anything else.
    """
    if isinstance(value, Scenario):
        return read_mapping(value.to_dict())
    name = folder = None
    if isinstance(value, str | Path):
        name, folder = Path(value).stem, Path(value).parent
        value = load_mapping(value)
    if not isinstance(value, Mapping):
        raise TypeError(
            f"scenario must be a name, a path, a mapping or a Scenario, got {type(value).__name__}"
        )
    if "environment" in value:
        return import_rfrl(value, name=name)
    return read_mapping(value if name is None else {"name": name} | dict(value), folder=folder)
