"""A scenario: the band, who is in it and what the agent is to do, as data.

A scenario is a :class:`Scenario`, a mapping, or a JSON or TOML file of the form that :func:`schema`
publishes; nothing in it is executed. Files and mappings of RFRL Gym are read by
:func:`gym_suite.radio.rfrl.import_rfrl`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number, check_option, unknown_error
from gym_suite.radio.parameters import (
    GOALS,
    JAMMERS,
    KINDS,
    MAX_CHANNELS,
    MAX_ENTITIES,
    MAX_REACTION,
    MAX_STEPS,
    OBSERVATIONS,
)

FOREVER = 10**9
MAX_AGENTS = 32
#: What each kind needs or allows besides the common keys: key, whether it must be given.
OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "constant": ("channels",),
    "hopper": ("channels",),
    "stochastic_hopper": ("channels", "weights"),
    "stochastic_constant": ("channels", "probability"),
    "agile": ("channels",),
    "simple_jammer": ("avoid_repeats",),
    "gilbert_elliott": ("channels", "p01", "p11"),
    "follower": ("reaction",),
    "sweep": ("width",),
    "random_jammer": ("width",),
    "barrage": (),
}
_COMMON = ("kind", "on_off", "start", "stop", "snr", "primary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Somebody in the band besides the agent.

    Attributes:
        name: Its name in the scenario.
        kind: One of :data:`gym_suite.radio.parameters.KINDS`.
        channels: Its channels, from 0; a hopper's are its pattern, in order.
        on_off: Starts on (1) or off (0); steps on; steps off (0: never off).
        start: First step in which it is active.
        stop: Last step in which it is active; outside it is silent and its on/off clock stands.
        weights: Probabilities of a stochastic hopper's channels; empty: equal.
        probability: Chance that a stochastic constant transmits in a step.
        avoid_repeats: Whether a simple jammer prefers channels that it does not jam yet.
        p01: Gilbert-Elliott: chance that a busy channel becomes idle.
        p11: Gilbert-Elliott: chance that an idle channel stays idle.
        reaction: Follower: steps from the start of the agent's step until it is jammed.
        width: Sweep and random jammer: adjacent channels jammed at once.
        snr: Received power over the noise of a channel, dB.
        primary: Whether it is a primary user, which must not be disturbed; None: unless it is a jammer.
    """

    name: str
    kind: str
    channels: tuple[int, ...] = ()
    on_off: tuple[int, int, int] = (1, 1, 0)
    start: int = 0
    stop: int = FOREVER
    weights: tuple[float, ...] = ()
    probability: float = 1.0
    avoid_repeats: bool = True
    p01: float = 0.2
    p11: float = 0.8
    reaction: float = 1.0
    width: int = 1
    snr: float = 0.0
    primary: bool | None = None

    @property
    def is_primary(self) -> bool:
        """Whether it must not be disturbed."""
        return self.kind not in JAMMERS if self.primary is None else self.primary


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A band with its entities and the agent's task.

    Attributes:
        channels: Number of channels.
        steps: Steps of an episode.
        goal: "access" (transmit where nobody is) or "jam" (where the target is alone).
        observation: "detect" (idle or busy) or "classify" (who).
        target: Name of the entity to be jammed; None for access.
        entities: Who is there; their numbers are their places, from 1.
        name: For tables.
        agents: Several agents that share the band, each with a task of its own in place of goal,
            observation and target; empty for one agent.
    """

    channels: int
    steps: int = 100
    goal: str = "access"
    observation: str = "detect"
    target: str | None = None
    entities: tuple[Entity, ...] = ()
    name: str = "scenario"
    agents: tuple[Role, ...] = ()

    @property
    def target_number(self) -> int:
        """The target's number, from 1; 0 without one."""
        names = [entity.name for entity in self.entities]
        return names.index(self.target) + 1 if self.target in names else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as a mapping that :func:`read_scenario` reads and JSON can hold."""
        plain_fields = [f.name for f in fields(self) if f.name not in ("entities", "agents")]
        result = {name: getattr(self, name) for name in plain_fields}
        result["entities"] = {}
        for entity in self.entities:
            given = asdict(entity)
            keys = [k for k in (*_COMMON, *OWN_KEYS[entity.kind]) if given[k] not in (None, ())]
            plain = {k: list(v) if isinstance(v := given[k], tuple) else v for k in keys}
            result["entities"][entity.name] = plain
        if self.agents:
            result["agents"] = {
                role.name: {k: v for k, v in asdict(role).items() if k != "name"}
                for role in self.agents
            }
        return result


# -------------------------------------------------------------------------------------------- reading


def shipped() -> tuple[str, ...]:
    """Return the names of the shipped scenarios."""
    folder = resources.files("gym_suite.radio").joinpath("scenarios")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(n.removesuffix(".json") for n in names if n.endswith(".json")))


def load_mapping(source: str | Path) -> dict[str, Any]:
    """Return the mapping in a shipped scenario (by name) or a JSON or TOML file (by path).

    Raises:
        ValueError: For an unknown name (naming the nearest), or a file that is no JSON or TOML object.
        FileNotFoundError: For a path that does not exist.
    """
    text, label = _text(source)
    try:
        if label.endswith(".toml"):
            return tomllib.loads(text)
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{label} is not a valid scenario file: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{label} must hold one object, got {type(value).__name__}")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _text(source: str | Path) -> tuple[str, str]:
    name = str(source)
    if isinstance(source, str) and not name.endswith((".json", ".toml")):
        if name not in shipped():
            raise unknown_error("scenario", source, shipped())
        file = resources.files("gym_suite.radio").joinpath(f"scenarios/{name}.json")
        return file.read_text("utf-8"), name
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"there is no scenario file {name!r}")
    try:
        return path.read_text("utf-8"), name
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not a text file: {error}") from None


def read_scenario(value: object) -> Scenario:
    """Return the scenario for a shipped name, a path, a mapping or a :class:`Scenario`.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
        TypeError: For anything else.
    """
    from gym_suite.radio.rfrl import import_rfrl

    if isinstance(value, Scenario):
        return read_mapping(value.to_dict())
    name = None
    if isinstance(value, str | Path):
        name = Path(value).stem
        value = load_mapping(value)
    if not isinstance(value, Mapping):
        raise TypeError(
            f"scenario must be a name, a path, a mapping or a Scenario, got {type(value).__name__}"
        )
    if "environment" in value:
        return import_rfrl(value, name=name)
    return read_mapping(value if name is None else {"name": name} | dict(value))


def read_mapping(value: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a mapping in the package's own form; see :func:`schema`.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    check_keywords(value, [f.name for f in fields(Scenario)], "key of scenario")
    if "channels" not in value:
        raise ValueError("scenario.channels is missing: the number of channels")
    channels = whole("scenario.channels", value["channels"], 1, MAX_CHANNELS)
    given = value.get("entities", {})
    if not isinstance(given, Mapping):
        raise ValueError(f"scenario.entities must map names to entities, got {given!r}")
    if len(given) > MAX_ENTITIES:
        raise ValueError(f"scenario.entities has {len(given)} entities, at most {MAX_ENTITIES}")
    entities = tuple(
        read_entity(f"scenario.entities.{name}", str(name), entity, channels)
        for name, entity in given.items()
    )
    names = [entity.name for entity in entities]
    goal, target = _task("scenario", value, names)
    label = value.get("name", "scenario")
    if not isinstance(label, str):
        raise ValueError(f"scenario.name must be a text, got {label!r}")
    return Scenario(
        channels=channels,
        steps=whole("scenario.steps", value.get("steps", 100), 1, MAX_STEPS),
        goal=goal,
        observation=check_option(
            "scenario.observation", value.get("observation", "detect"), OBSERVATIONS
        ),
        target=target,
        entities=entities,
        name=label,
        agents=read_roles("scenario.agents", value.get("agents", {}), names),
    )


def _task(path: str, value: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str | None]:
    """Return goal and target, of the scenario or of one agent."""
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
        goal, target = _task(f"{path}.{name}", given, names)
        seen = given.get("observation", "detect")
        observation = check_option(f"{path}.{name}.observation", seen, OBSERVATIONS)
        roles.append(Role(name=str(name), goal=goal, observation=observation, target=target))
    return tuple(roles)


def read_entity(path: str, name: str, value: object, channels: int) -> Entity:
    """Return one entity.

    Args:
        path: Where it stands, for errors.
        name: Its name.
        value: The mapping.
        channels: Number of channels of the band.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be an object, got {value!r}")
    if "kind" not in value:
        raise ValueError(f"{path}.kind is missing; one of {', '.join(KINDS)}")
    kind = check_option(f"{path}.kind", value["kind"], KINDS)
    check_keywords(value, (*_COMMON, *OWN_KEYS[kind]), f"key of {path} (a {kind})")
    given: dict[str, Any] = {"name": name, "kind": kind}
    if "channels" in OWN_KEYS[kind]:
        given["channels"] = channel_list(f"{path}.channels", value.get("channels"), channels)
    if value.get("weights"):
        count = len(given["channels"])
        given["weights"] = probabilities(f"{path}.weights", value["weights"], count)
    for key in ("probability", "p01", "p11"):
        if key in value:
            given[key] = check_number(f"{path}.{key}", value[key], low=0.0, high=1.0)
    if "on_off" in value:
        given["on_off"] = clock(f"{path}.on_off", value["on_off"])
    for key, low in (("start", 0), ("stop", -1)):
        if key in value:
            given[key] = whole(f"{path}.{key}", value[key], low, FOREVER)
    if "width" in value:
        given["width"] = whole(f"{path}.width", value["width"], 1, channels)
    if "reaction" in value:
        given["reaction"] = check_number(
            f"{path}.reaction", value["reaction"], low=0.0, high=MAX_REACTION
        )
    if "snr" in value:
        given["snr"] = check_number(f"{path}.snr", value["snr"], low=-200.0, high=200.0)
    for key in ("avoid_repeats", "primary"):
        if key in value:
            given[key] = truth(f"{path}.{key}", value[key])
    return Entity(**given)


# -------------------------------------------------------------------------------------- single values


def whole(path: str, value: object, low: int, high: int) -> int:
    """Return a whole number within bounds."""
    return int(check_number(path, value, low=low, high=high, integer=True))


def truth(path: str, value: object) -> bool:
    """Return a truth value; 0 and 1 stand for false and true."""
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{path} must be true or false, got {value!r}")


def _sequence(path: str, value: object, what: str) -> Sequence[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence) or not value:
        raise ValueError(f"{path} must be a list of {what}, got {value!r}")
    if len(value) > 10_000:
        raise ValueError(f"{path} has {len(value)} elements, at most 10000 are allowed")
    return value


def channel_list(path: str, value: object, channels: int) -> tuple[int, ...]:
    """Return a list of channels that exist."""
    items = _sequence(path, value, f"channels in [0, {channels - 1}]")
    return tuple(whole(f"{path}[{i}]", c, 0, channels - 1) for i, c in enumerate(items))


def probabilities(path: str, value: object, count: int) -> tuple[float, ...]:
    """Return probabilities, one for each of ``count`` channels, that sum to 1 within 0.005."""
    items = _sequence(path, value, "probabilities")
    if len(items) != count:
        raise ValueError(f"{path} must have one probability per channel, {count}, got {len(items)}")
    numbers = [check_number(f"{path}[{i}]", v, low=0.0, high=1.0) for i, v in enumerate(items)]
    total = sum(numbers)
    if abs(total - 1.0) > 0.005:
        raise ValueError(f"{path} must sum to 1, got {items!r}, whose sum is {total:g}")
    return tuple(number / total for number in numbers)


def clock(path: str, value: object) -> tuple[int, int, int]:
    """Return an on/off clock: starts on, steps on, steps off."""
    items = _sequence(path, value, "three whole numbers: starts on, steps on, steps off")
    if len(items) != 3:
        raise ValueError(f"{path} must have 3 numbers (starts on, on, off), got {len(items)}")
    first = whole(f"{path}[0]", int(items[0]) if isinstance(items[0], bool) else items[0], 0, 1)
    return (
        first,
        whole(f"{path}[1]", items[1], 0, MAX_STEPS),
        whole(f"{path}[2]", items[2], 0, MAX_STEPS),
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file; the reader checks the same and more."""
    number = {"type": "number"}
    chance = {"type": "number", "minimum": 0, "maximum": 1}
    steps = {"type": "integer", "minimum": -1, "maximum": FOREVER}
    channel = {"type": "integer", "minimum": 0, "maximum": MAX_CHANNELS - 1}
    properties = {
        "channels": {"type": "array", "items": channel, "minItems": 1},
        "on_off": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
        "start": steps,
        "stop": steps,
        "weights": {"type": "array", "items": chance},
        "probability": chance,
        "avoid_repeats": {"type": "boolean"},
        "p01": chance,
        "p11": chance,
        "reaction": {"type": "number", "minimum": 0, "maximum": MAX_REACTION},
        "width": {"type": "integer", "minimum": 1},
        "snr": number,
        "primary": {"type": "boolean"},
    }
    kinds = [
        {
            "type": "object",
            "properties": {"kind": {"const": kind}}
            | {key: properties[key] for key in (*_COMMON[1:], *own)},
            "required": ["kind", "channels"] if "channels" in own else ["kind"],
            "additionalProperties": False,
        }
        for kind, own in OWN_KEYS.items()
    ]
    task = {
        "goal": {"enum": list(GOALS)},
        "observation": {"enum": list(OBSERVATIONS)},
        "target": {"type": ["string", "null"]},
    }
    role = {"type": "object", "properties": task, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gym_suite radio scenario",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "channels": {"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS},
            "steps": {"type": "integer", "minimum": 1, "maximum": MAX_STEPS},
            **task,
            "entities": {"type": "object", "additionalProperties": {"oneOf": kinds}},
            "agents": {"type": "object", "additionalProperties": role, "maxProperties": MAX_AGENTS},
        },
        "required": ["channels"],
        "additionalProperties": False,
    }
