"""What can be earned in a band at best: ceilings of a scenario, the game's value, the best time to sense."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.radio.bounds.bands import Ceilings as Ceilings
    from gym_suite.radio.bounds.bands import ceilings as ceilings
    from gym_suite.radio.bounds.games import Game as Game
    from gym_suite.radio.bounds.games import conceded as conceded
    from gym_suite.radio.bounds.games import granted as granted
    from gym_suite.radio.bounds.games import jamming_game as jamming_game
    from gym_suite.radio.bounds.planning import Rules as Rules
    from gym_suite.radio.bounds.sensing import SensingTime as SensingTime
    from gym_suite.radio.bounds.sensing import best_sensing_time as best_sensing_time
    from gym_suite.radio.bounds.sensing import normalized_throughput as normalized_throughput

_ROOMS = {
    "Ceilings": "bands",
    "Game": "games",
    "Rules": "planning",
    "SensingTime": "sensing",
    "best_sensing_time": "sensing",
    "ceilings": "bands",
    "conceded": "games",
    "granted": "games",
    "jamming_game": "games",
    "normalized_throughput": "sensing",
}
__all__ = [
    "Ceilings",
    "Game",
    "Rules",
    "SensingTime",
    "best_sensing_time",
    "ceilings",
    "conceded",
    "granted",
    "jamming_game",
    "normalized_throughput",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
