"""Radio spectrum: who transmits where, sensing, access, jamming."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.radio.scenario.files import shipped as shipped
    from gym_suite.radio.scenario.model import Entity as Entity
    from gym_suite.radio.scenario.model import Scenario as Scenario
    from gym_suite.radio.scenario.reading import read_scenario as read_scenario
    from gym_suite.radio.scenario.rfrl import import_rfrl as import_rfrl
    from gym_suite.radio.scenario.schema import schema as schema

_ROOMS = {
    "Entity": "model",
    "Scenario": "model",
    "import_rfrl": "rfrl",
    "read_scenario": "reading",
    "schema": "schema",
    "shipped": "files",
}
__all__ = ["Entity", "Scenario", "import_rfrl", "read_scenario", "schema", "shipped"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.scenario.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
