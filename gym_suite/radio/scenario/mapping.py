"""Scenarios in the package's own form, read from mappings: every key is checked, errors name its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_option, unknown_error
from gym_suite.radio.parameters import (
    FADINGS,
    GOALS,
    MAX_AGENTS,
    MAX_CHANNELS,
    MAX_ENTITIES,
    MAX_STEPS,
    MODULATIONS,
    OBSERVATIONS,
    PULSES,
    WAVEFORMS,
)
from gym_suite.radio.scenario.kinds import KIND, NAMES
from gym_suite.radio.scenario.model import (
    DISTANCE,
    ORDERS,
    Entity,
    Link,
    Role,
    Scenario,
    Waveform,
    entity_keys,
)
from gym_suite.radio.scenario.playback import read_table
from gym_suite.radio.scenario.values import (
    channel_list,
    clock,
    mapping,
    probabilities,
    read_declared,
    whole,
)


def read_mapping(value: Mapping[str, Any], *, folder: Path | None = None) -> Scenario:
    """Return the scenario of a mapping in the package's own form; see :func:`gym_suite.radio.schema`.

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
        raise ValueError(
            "scenario.entities must map names to entities, such as "
            '{"wifi": {"type": "constant", "channels": [3]}}, '
            f"got {type(given).__name__}"
        )
    if len(given) > MAX_ENTITIES:
        raise ValueError(f"scenario.entities has {len(given)} entities, at most {MAX_ENTITIES}")
    entities = tuple(
        read_entity(f"scenario.entities.{name}", str(name), entity, channels, folder=folder)
        for name, entity in given.items()
    )
    names = [entity.name for entity in entities]
    goal, target = _read_task("scenario", value, names)
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


# ------------------------------------------------------------------------------------------- entities


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
    value = mapping(path, value)
    if "kind" not in value:
        raise ValueError(f"{path}.kind is missing; one of {', '.join(NAMES)}")
    kind = check_option(f"{path}.kind", value["kind"], NAMES)
    check_keywords(value, entity_keys(kind), f"key of {path} (a {kind})")
    given: dict[str, Any] = {"name": name, "kind": kind} | read_declared(path, value, Entity)
    if "width" in given:
        whole(f"{path}.width", given["width"], 1, channels)
    needs = KIND[kind].needs
    if "channels" in needs:
        given["channels"] = channel_list(f"{path}.channels", value.get("channels"), channels)
    if value.get("weights"):
        count = len(given["channels"])
        given["weights"] = probabilities(f"{path}.weights", value["weights"], count)
    if "on_off" in value:
        given["on_off"] = clock(f"{path}.on_off", value["on_off"])
    if "waveform" in value:
        sent = read_waveform(f"{path}.waveform", value["waveform"])
        if sent.is_burst and (KIND[kind].partial or "table" in KIND[kind].keys):
            raise ValueError(
                f"{path}.waveform.duration is 1 for a {kind}, whose place in a step follows from what it does"
            )
        given["waveform"] = sent
    _check_distance(path, given)
    if "table" in needs:
        given["table"] = read_table(f"{path}.table", value.get("table"), channels, folder)
    if "law" in needs:
        if value.get("law") in (None, ""):
            raise ValueError(f"{path}.law is missing: a formula such as 'mod(step, channels)'")
        given |= {key: value[key] for key in ("law", "memory") if key in value}
    return Entity(**given)


def _check_length(entity: Entity, steps: int) -> None:
    needed = min(entity.stop, steps) - entity.start + 1
    if entity.table and not entity.repeat and len(entity.table) < needed:
        raise ValueError(
            f"scenario.entities.{entity.name}.table is truncated: it has {len(entity.table)} rows, "
            f"steps {entity.start} to {min(entity.stop, steps)} need {needed}; or set repeat to true"
        )


def _check_distance(path: str, given: Mapping[str, Any]) -> None:
    """Refuse a distance that nothing would come of, for ``snr`` holds without a transmitted power."""
    if given.get("power") is None and given.get("distance", DISTANCE) != DISTANCE:
        raise ValueError(
            f"{path}.distance counts only beside {path}.power, the power transmitted in dBm; "
            f"without it {path}.snr says what arrives"
        )


# ----------------------------------------------------------------------------------- link and waveform


def read_link(path: str, value: object) -> Link:
    """Return the link of a mapping, or a :class:`Link` itself.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    value = mapping(path, value.to_dict() if isinstance(value, Link) else value)
    check_keywords(value, [f.name for f in fields(Link)], f"key of {path}")
    given = read_declared(path, value, Link)
    for key, valid in (("modulation", MODULATIONS), ("fading", FADINGS)):
        if key in value:
            given[key] = check_option(f"{path}.{key}", value[key], valid)
    _check_distance(path, given)
    return Link(**given)


def read_waveform(path: str, value: object) -> Waveform:
    """Return the waveform of a mapping, or of its kind alone.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    if isinstance(value, str):
        value = {"kind": value}
    if isinstance(value, Waveform):
        value = asdict(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be a kind or an object, got {value!r}")
    check_keywords(value, [f.name for f in fields(Waveform)], f"key of {path}")
    kind = check_option(f"{path}.kind", value.get("kind", "psk"), WAVEFORMS)
    given: dict[str, Any] = {"kind": kind} | read_declared(path, value, Waveform)
    if kind in ORDERS:
        order = whole(f"{path}.order", value.get("order", 4), 2, 256)
        if order not in ORDERS[kind]:
            allowed = ", ".join(map(str, ORDERS[kind]))
            raise ValueError(f"{path}.order of {kind} must be one of {allowed}, got {order}")
        given["order"] = order
    if "pulse" in value:
        given["pulse"] = check_option(f"{path}.pulse", value["pulse"], PULSES)
    result = Waveform(**given)
    half = 0.0 if kind == "tone" else 0.5 * result.bandwidth
    if kind != "noise" and abs(result.offset) + half > 0.5 + 1e-12:
        raise ValueError(
            f"{path}.offset {result.offset:g} moves a bandwidth of {2.0 * half:g} out of its channel"
        )
    if result.start + result.duration > 1.0 + 1e-9:
        raise ValueError(
            f"{path}: a burst from {result.start:g} on that lasts {result.duration:g} leaves its step; "
            f"its duration is at most {1.0 - result.start:g}"
        )
    return result


# ---------------------------------------------------------------------------------------------- tasks


def _read_task(path: str, value: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str | None]:
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
    for name, about in value.items():
        given = mapping(f"{path}.{name}", about)
        if name in names:
            raise ValueError(f"{path}.{name} bears the name of an entity")
        keys = [f.name for f in fields(Role) if f.name != "name"]
        check_keywords(given, keys, f"key of {path}.{name}")
        goal, target = _read_task(f"{path}.{name}", given, names)
        seen = given.get("observation", "detect")
        observation = check_option(f"{path}.{name}.observation", seen, OBSERVATIONS)
        roles.append(Role(name=str(name), goal=goal, observation=observation, target=target))
    return tuple(roles)
