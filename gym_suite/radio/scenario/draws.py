"""Recorded random draws of RFRL Gym, read for a scenario, to be injected in place of the worlds' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.radio.scenario.kinds import KIND, KINDS
from gym_suite.radio.scenario.model import Entity, Scenario
from gym_suite.radio.scenario.values import FOREVER, truth, whole


def read_draws(draws: object, scenario: Scenario) -> dict[int, dict[int, float]]:
    """Return recorded random draws as step -> entity's place -> channel drawn (-1: silent).

    Args:
        draws: The recordings' form: a list of mappings with "step" (a whole number, or "reset" for
            the draw of an initial channel), "entity" (its name) and "chosen", and where "chosen" is
            no channel "candidates"; or "fn": "uniform" and its "value", where an entity transmits if that number
            is below its probability.
        scenario: Whose entities drew.

    Raises:
        ValueError: Naming the place in the list, the value and what is allowed.
    """
    if isinstance(draws, str | Mapping) or not isinstance(draws, Sequence):
        raise ValueError(f"draws must be a list of draws, got {draws!r}")
    places = {entity.name: i for i, entity in enumerate(scenario.entities)}
    result: dict[int, dict[int, float]] = {}
    for i, draw in enumerate(draws):
        path = f"draws[{i}]"
        if not isinstance(draw, Mapping):
            raise ValueError(f"{path} must be an object, got {draw!r}")
        drawn = "value" if draw.get("fn") == "uniform" else "chosen"
        missing = [key for key in ("step", "entity", drawn) if key not in draw]
        if missing:
            raise ValueError(f"{path}.{missing[0]} is missing")
        label = draw["entity"]
        if label not in places:
            raise unknown_error(f"{path}.entity", label, places)
        step = 0 if draw["step"] == "reset" else whole(f"{path}.step", draw["step"], 0, FOREVER)
        entity = scenario.entities[places[label]]
        result.setdefault(step, {})[places[label]] = _chosen(path, draw, entity, scenario.channels)
    return result


def _chosen(path: str, draw: Mapping[str, Any], entity: Entity, channels: int) -> float:
    uniform = draw.get("fn") == "uniform"
    chosen = draw["value"] if uniform else draw["chosen"]
    if isinstance(chosen, list) and len(chosen) == 1:
        chosen = chosen[0]
    if not KIND[entity.kind].injected:
        able = ", ".join(kind.name for kind in KINDS if kind.injected)
        raise ValueError(
            f"{path}.entity: {entity.name!r} is a {entity.kind}, which takes no recorded draws; "
            f"those of {able} can be injected"
        )
    if uniform and entity.kind != "stochastic_constant":
        raise ValueError(
            f"{path}.fn: a {entity.kind} draws a channel, not a uniform number; "
            'give "chosen" and the channel'
        )
    if entity.kind != "stochastic_constant":
        channel = whole(f"{path}.chosen", chosen, 0, channels - 1)
        if entity.kind == "stochastic_hopper" and channel not in entity.channels:
            raise ValueError(
                f"{path}.chosen must be a channel of {entity.name!r}, {list(entity.channels)}, got {channel}"
            )
        return float(channel)
    # Whether to transmit: a channel or -1, a truth value, or a uniform number below the probability.
    on, candidates = entity.channels[0], draw.get("candidates") or ()
    if chosen == -1 or -1 in candidates:
        return float(whole(f"{path}.chosen", chosen, -1, channels - 1))
    if uniform or isinstance(chosen, float):
        name = "value" if uniform else "chosen"
        number = check_number(f"{path}.{name}", chosen, low=0.0, high=1.0)
        return float(on) if number < entity.probability else -1.0
    return float(on) if truth(f"{path}.chosen", chosen) else -1.0
