"""The JSON Schema of a scenario, from the records and dataclasses that the reader checks by."""

from __future__ import annotations

from typing import Any

from gym_suite.radio.parameters import (
    FADINGS,
    GOALS,
    MAX_AGENTS,
    MAX_CHANNELS,
    MAX_STEPS,
    MODULATIONS,
    OBSERVATIONS,
    PULSES,
    WAVEFORMS,
)
from gym_suite.radio.scenario.kinds import KINDS
from gym_suite.radio.scenario.model import (
    MAX_DBM,
    MIN_DBM,
    ORDERS,
    Entity,
    Link,
    Waveform,
    entity_keys,
)
from gym_suite.radio.scenario.values import declared_schema


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file; the reader checks the same and more."""
    keys = _entity_keys()
    kinds = [
        {
            "type": "object",
            "description": kind.meaning,
            "properties": {"kind": {"const": kind.name}}
            | {key: keys[key] for key in entity_keys(kind.name) if key != "kind"},
            "required": ["kind", *kind.needs],
            "additionalProperties": False,
        }
        for kind in KINDS
    ]
    task: dict[str, Any] = {
        "goal": {"enum": list(GOALS)},
        "observation": {"enum": list(OBSERVATIONS)},
        "target": {"type": ["string", "null"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gym_suite radio scenario",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "channels": {"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS},
            "steps": {"type": "integer", "minimum": 1, "maximum": MAX_STEPS},
            **task,
            "link": _closed(
                declared_schema(Link)
                | {"modulation": {"enum": list(MODULATIONS)}, "fading": {"enum": list(FADINGS)}}
            ),
            "entities": {"type": "object", "additionalProperties": {"oneOf": kinds}},
            "agents": {
                "type": "object",
                "additionalProperties": _closed(task),
                "maxProperties": MAX_AGENTS,
            },
        },
        "required": ["channels"],
        "additionalProperties": False,
    }


def _entity_keys() -> dict[str, Any]:
    """Return the schema of each key that an entity of some kind takes."""
    channel = {"type": "integer", "minimum": 0, "maximum": MAX_CHANNELS - 1}
    powers = {
        "type": "array",
        "items": {"type": "number", "minimum": MIN_DBM, "maximum": MAX_DBM},
        "minItems": 1,
    }
    waveform = declared_schema(Waveform) | {
        "kind": {"enum": list(WAVEFORMS)},
        "order": {"enum": sorted({order for orders in ORDERS.values() for order in orders})},
        "pulse": {"enum": list(PULSES)},
    }
    return declared_schema(Entity) | {
        "channels": {"type": "array", "items": channel, "minItems": 1},
        "on_off": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
        "weights": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}},
        "waveform": {"anyOf": [{"enum": list(WAVEFORMS)}, _closed(waveform)]},
        "law": {"type": ["string", "number"]},
        "memory": {"type": ["string", "number"]},
        "table": {"anyOf": [{"type": "string"}, {"type": "array", "items": powers, "minItems": 1}]},
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}
