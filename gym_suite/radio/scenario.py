"""A scenario: the band, who is in it and what the agent is to do, as data.

A scenario is a :class:`Scenario`, a mapping, or a JSON or TOML file of the form that :func:`schema`
publishes; nothing in it is executed. Files and mappings of RFRL Gym are read by
:func:`gym_suite.radio.rfrl.import_rfrl`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number, check_option, unknown_error
from gym_suite.radio.emission import (
    DISTANCE,
    MAX_DBM,
    MIN_DBM,
    Link,
    Waveform,
    check_distance,
    read_link,
    read_table,
    read_waveform,
    schema_parts,
)
from gym_suite.radio.parameters import (
    JAMMERS,
    KINDS,
    MAX_CHANNELS,
    MAX_ENTITIES,
    MAX_REACTION,
    MAX_STEPS,
    OBSERVATIONS,
)
from gym_suite.radio.roles import Role, read_roles, read_task, roles_schema, task_schema
from gym_suite.radio.values import FOREVER, channel_list, clock, probabilities, truth, whole

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
    "playback": ("table", "level", "repeat"),
}
_POWER = ("snr", "power", "distance")  # which a table that is played back has no use for
_COMMON = ("kind", "on_off", "start", "stop", *_POWER, "primary", "waveform")


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
        power: Transmitted power, dBm, with ``distance`` in place of ``snr``; None: ``snr`` holds.
        distance: To the agent's receiver, m.
        waveform: What it sends; None: noise for a jammer, 4-PSK for others.
        table: Playback: received power in dBm, a row per step from ``start`` on, a column per channel.
        level: Playback: received power from which a channel counts as occupied, dBm.
        repeat: Playback: whether the table starts again at its end.
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
    power: float | None = None
    distance: float = DISTANCE
    waveform: Waveform | None = None
    table: tuple[tuple[float, ...], ...] = ()
    level: float = -100.0
    repeat: bool = False

    @property
    def sends(self) -> Waveform:
        """What it sends."""
        if self.waveform is not None:
            return self.waveform
        return Waveform(kind="noise" if self.kind in JAMMERS else "psk")

    @property
    def is_primary(self) -> bool:
        """Whether it must not be disturbed."""
        return self.kind not in JAMMERS if self.primary is None else self.primary


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
        link: The agent's link and the air around it.
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
    link: Link = field(default_factory=Link)
    agents: tuple[Role, ...] = ()

    @property
    def target_number(self) -> int:
        """The target's number, from 1; 0 without one."""
        names = [entity.name for entity in self.entities]
        return names.index(self.target) + 1 if self.target in names else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as a mapping that :func:`read_scenario` reads and JSON can hold."""
        apart = ("entities", "link", "agents")
        result = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        result["link"] = self.link.to_dict()
        result["entities"] = {}
        for entity in self.entities:
            given = asdict(entity) | {"table": [list(row) for row in entity.table]}
            keys = [k for k in _keys(entity.kind) if given[k] not in (None, ())]
            plain = {k: list(v) if isinstance(v := given[k], tuple) else v for k in keys}
            result["entities"][entity.name] = plain
        if self.agents:
            result["agents"] = {
                role.name: {k: v for k, v in asdict(role).items() if k != "name"}
                for role in self.agents
            }
        return result


def _keys(kind: str) -> tuple[str, ...]:
    """Return the keys that a kind of entity takes."""
    common = [key for key in _COMMON if kind != "playback" or key not in _POWER]
    return (*common, *OWN_KEYS[kind])


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


def read_mapping(value: Mapping[str, Any], *, folder: Path | None = None) -> Scenario:
    """Return the scenario of a mapping in the package's own form; see :func:`schema`.

    Args:
        value: The mapping.
        folder: From which relative names of files in it are meant; None: the current one.

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
        read_entity(f"scenario.entities.{name}", str(name), entity, channels, folder=folder)
        for name, entity in given.items()
    )
    names = [entity.name for entity in entities]
    goal, target = read_task("scenario", value, names)
    label = value.get("name", "scenario")
    if not isinstance(label, str):
        raise ValueError(f"scenario.name must be a text, got {label!r}")
    steps = whole("scenario.steps", value.get("steps", 100), 1, MAX_STEPS)
    for entity in entities:
        _check_length(entity, steps)
    return Scenario(
        channels=channels,
        steps=steps,
        goal=goal,
        observation=check_option(
            "scenario.observation", value.get("observation", "detect"), OBSERVATIONS
        ),
        target=target,
        entities=entities,
        name=label,
        link=read_link("scenario.link", value.get("link", {})),
        agents=read_roles("scenario.agents", value.get("agents", {}), names),
    )


def _check_length(entity: Entity, steps: int) -> None:
    needed = min(entity.stop, steps) - entity.start + 1
    if entity.kind == "playback" and not entity.repeat and len(entity.table) < needed:
        raise ValueError(
            f"scenario.entities.{entity.name}.table is truncated: it has {len(entity.table)} rows, "
            f"steps {entity.start} to {min(entity.stop, steps)} need {needed}; or set repeat to true"
        )


def read_entity(
    path: str, name: str, value: object, channels: int, *, folder: Path | None = None
) -> Entity:
    """Return one entity.

    Args:
        path: Where it stands, for errors.
        name: Its name.
        value: The mapping.
        channels: Number of channels of the band.
        folder: From which relative names of files are meant; None: the current one.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be an object, got {value!r}")
    if "kind" not in value:
        raise ValueError(f"{path}.kind is missing; one of {', '.join(KINDS)}")
    kind = check_option(f"{path}.kind", value["kind"], KINDS)
    check_keywords(value, _keys(kind), f"key of {path} (a {kind})")
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
    for key, low, high in (
        ("snr", -200.0, 200.0),
        ("power", MIN_DBM, MAX_DBM),
        ("distance", 1.0, 1e9),
        ("level", MIN_DBM, MAX_DBM),
    ):
        if key in value:
            given[key] = check_number(f"{path}.{key}", value[key], low=low, high=high)
    for key in ("avoid_repeats", "primary", "repeat"):
        if key in value:
            given[key] = truth(f"{path}.{key}", value[key])
    if "waveform" in value:
        given["waveform"] = read_waveform(f"{path}.waveform", value["waveform"])
    check_distance(path, given)
    if kind == "playback":
        given["table"] = read_table(f"{path}.table", value.get("table"), channels, folder)
    return Entity(**given)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file; the reader checks the same and more."""
    number = {"type": "number"}
    parts = schema_parts()
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
        "power": {"type": "number", "minimum": MIN_DBM, "maximum": MAX_DBM},
        "distance": {"type": "number", "minimum": 1, "maximum": 1e9},
        "level": {"type": "number", "minimum": MIN_DBM, "maximum": MAX_DBM},
        "repeat": {"type": "boolean"},
        "primary": {"type": "boolean"},
        "waveform": parts["waveform"],
        "table": parts["table"],
    }
    kinds = [
        {
            "type": "object",
            "properties": {"kind": {"const": kind}}
            | {key: properties[key] for key in _keys(kind) if key != "kind"},
            "required": ["kind", *(key for key in ("channels", "table") if key in own)],
            "additionalProperties": False,
        }
        for kind, own in OWN_KEYS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gym_suite radio scenario",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "channels": {"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS},
            "steps": {"type": "integer", "minimum": 1, "maximum": MAX_STEPS},
            **task_schema(),
            "link": parts["link"],
            "entities": {"type": "object", "additionalProperties": {"oneOf": kinds}},
            "agents": roles_schema(),
        },
        "required": ["channels"],
        "additionalProperties": False,
    }
