"""What agents are to do: the tasks of several agents that share a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from gym_suite.core.parameters import check_keywords, check_option, unknown_error
from gym_suite.radio.parameters import GOALS, OBSERVATIONS

MAX_AGENTS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One of several agents that share a band.

    Attributes:
        name: Its name in the scenario.
        goal: "access" (transmit where it is alone) or "jam" (on the target's channel).
        observation: "detect" (idle or busy) or "classify" (who).
        target: Name of the entity to be jammed; None for access.
    """

    name: str
    goal: str = "access"
    observation: str = "detect"
    target: str | None = None


def read_task(path: str, value: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str | None]:
    """Return goal and target, of the scenario or of one agent.

    Args:
        path: Where they stand, for errors.
        value: The mapping with "goal" and "target".
        names: Names of the entities, which may be targets.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    goal = check_option(f"{path}.goal", value.get("goal", "access"), GOALS)
    if goal != "jam":
        return goal, None
    target = value.get("target")
    if target is None:
        raise ValueError(f"{path}.target is missing: a jammer needs the name of an entity")
    if target not in names:
        raise unknown_error(f"{path}.target", target, names)
    return goal, target


def read_roles(path: str, value: object, names: Sequence[str]) -> tuple[Role, ...]:
    """Return the agents that share a band.

    Args:
        path: Where they stand, for errors.
        value: The mapping of names to goal, observation and target.
        names: Names of the entities, which may be targets.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must map names to agents, got {value!r}")
    if len(value) > MAX_AGENTS:
        raise ValueError(f"{path} has {len(value)} agents, at most {MAX_AGENTS}")
    roles = []
    for name, given in value.items():
        if not isinstance(given, Mapping):
            raise ValueError(f"{path}.{name} must be an object, got {given!r}")
        if name in names:
            raise ValueError(f"{path}.{name} bears the name of an entity")
        keys = [f.name for f in fields(Role) if f.name != "name"]
        check_keywords(given, keys, f"key of {path}.{name}")
        goal, target = read_task(f"{path}.{name}", given, names)
        seen = given.get("observation", "detect")
        observation = check_option(f"{path}.{name}.observation", seen, OBSERVATIONS)
        roles.append(Role(name=str(name), goal=goal, observation=observation, target=target))
    return tuple(roles)


def task_schema() -> dict[str, Any]:
    """Return the JSON Schema of the keys of a task."""
    return {
        "goal": {"enum": list(GOALS)},
        "observation": {"enum": list(OBSERVATIONS)},
        "target": {"type": ["string", "null"]},
    }


def roles_schema() -> dict[str, Any]:
    """Return the JSON Schema of several agents."""
    role = {"type": "object", "properties": task_schema(), "additionalProperties": False}
    return {"type": "object", "additionalProperties": role, "maxProperties": MAX_AGENTS}
