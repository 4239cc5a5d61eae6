"""Scenarios of RFRL Gym (vtnsiSDD/rfrl-gym) read into the package's own form.

What a file says is checked, never executed. Its modems become waveforms; keys that only concern its
pictures or its detector are accepted and have no effect here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number, check_option, unknown_error
from gym_suite.radio.parameters import MAX_CHANNELS, MAX_ENTITIES, MAX_STEPS, OBSERVATIONS
from gym_suite.radio.scenario.files import load_mapping
from gym_suite.radio.scenario.kinds import KIND, KINDS
from gym_suite.radio.scenario.mapping import read_roles, read_waveform
from gym_suite.radio.scenario.model import ORDERS, Entity, Scenario, Waveform
from gym_suite.radio.scenario.values import (
    FOREVER,
    channel_list,
    clock,
    mapping,
    probabilities,
    truth,
    whole,
)

#: What RFRL Gym calls the kinds.
TYPES = {kind.rfrl: kind.name for kind in KINDS if kind.rfrl}
_TOP = ("environment", "entities", "render")
_ENVIRONMENT = (
    "num_channels",
    "max_steps",
    "observation_mode",
    "reward_mode",
    "target_entity",
    "detector",
    "comments",
)
_SEVERAL = ("num_channels", "max_steps", "detector", "comments", "agents")
_AGENT = ("observation_mode", "reward_mode", "target_entity")
_ENTITY = (
    "type",
    "channels",
    "onoff",
    "start",
    "stop",
    "rand_hop",
    "channel_weights",
    "percent_on",
    "avoid_repeats",
    "modem_params",
)
_GOALS = {"dsa": "access", "jam": "jam"}


def import_rfrl(source: str | Path | Mapping[str, Any], *, name: str | None = None) -> Scenario:
    """Return the scenario of an RFRL Gym file or mapping.

    It behaves as RFRL Gym does, step by step. A hop pattern stands as written: RFRL Gym shuffles it
    once, from a generator that cannot be seeded, unless ``rand_hop`` is 0; any order it could have
    drawn can be written down instead. A recorded run (a mapping with "scenario_as_run" and its
    "entities") is taken with the hop orders that it lists.

    A scenario with "agents" is one of several agents, for ``radio/MultiAccess-v0``.

    Args:
        source: A shipped name, a path, or the mapping.
        name: Name of the scenario; the file's by default.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
        TypeError: If the source is no name, path or mapping.
    """
    if isinstance(source, str | Path):
        name = name or Path(source).stem
        given: Mapping[str, Any] = load_mapping(source)
    elif isinstance(source, Mapping):
        given = source
    else:
        raise TypeError(f"expected a name, a path or a mapping, got {type(source).__name__}")
    resolved: dict[str, Any] = {}
    if "scenario_as_run" in given:
        name = name or given.get("name")
        for entity in given.get("entities", ()):
            if not isinstance(entity, Mapping) or "label" not in entity:
                raise ValueError(f"entities: each needs a label, got {entity!r}")
            resolved[entity["label"]] = entity.get("resolved_channels")
        given = mapping("scenario_as_run", given["scenario_as_run"])
    check_keywords(given, _TOP, "key of an RFRL Gym scenario")
    environment = mapping("environment", given.get("environment"))
    several = "agents" in environment
    if several and not environment["agents"]:
        raise ValueError(
            "environment.agents is empty; one agent's task stands in environment itself"
        )
    check_keywords(environment, _SEVERAL if several else _ENVIRONMENT, "key of environment")
    for key in (
        ("num_channels",) if several else ("num_channels", "reward_mode", "observation_mode")
    ):
        if key not in environment:
            raise ValueError(f"environment.{key} is missing")
    channels = whole("environment.num_channels", environment["num_channels"], 1, MAX_CHANNELS)
    listed = mapping("entities", given.get("entities"))
    if len(listed) > MAX_ENTITIES:
        raise ValueError(f"entities: {len(listed)} are given, at most {MAX_ENTITIES} allowed")
    entities = tuple(
        _entity(f"entities.{label}", label, value, channels, resolved.get(label))
        for label, value in listed.items()
    )
    names = [entity.name for entity in entities]
    steps = environment.get("max_steps", 100)
    frame = {
        "channels": channels,
        "steps": whole("environment.max_steps", steps, 1, MAX_STEPS),
        "entities": entities,
        "name": name or "scenario",
    }
    if several:
        listed = mapping("environment.agents", environment["agents"])
        tasks = {
            label: _task(
                f"environment.agents.{label}", mapping(f"environment.agents.{label}", task), names
            )
            for label, task in listed.items()
        }
        return Scenario(**frame, agents=read_roles("environment.agents", tasks, names))
    return Scenario(**frame, **_task("environment", environment, names))


def _task(path: str, given: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return goal, observation and target under the package's names."""
    if path != "environment":
        check_keywords(given, _AGENT, f"key of {path}")
        for key in ("reward_mode", "observation_mode"):
            if key not in given:
                raise ValueError(f"{path}.{key} is missing")
    goal = _GOALS[check_option(f"{path}.reward_mode", given["reward_mode"], _GOALS)]
    target = given.get("target_entity")
    if goal == "jam" and target not in names:
        raise unknown_error(f"{path}.target_entity", target, names)
    seen = check_option(f"{path}.observation_mode", given["observation_mode"], OBSERVATIONS)
    return {"goal": goal, "observation": seen, "target": target if goal == "jam" else None}


def _entity(path: str, label: str, value: object, channels: int, resolved: object = None) -> Entity:
    given = mapping(path, value)
    check_keywords(given, _ENTITY, f"key of {path}")
    if "type" not in given:
        raise ValueError(f"{path}.type is missing; one of {', '.join(TYPES)}")
    kind = TYPES[check_option(f"{path}.type", given["type"], TYPES)]
    written = given.get("channels") if resolved is None else resolved
    listed = channel_list(f"{path}.channels", written, channels)
    result: dict[str, Any] = {"name": label, "kind": kind}
    if "channels" in KIND[kind].keys:  # a jammer looks at all channels, whatever is listed
        result["channels"] = listed
    if given.get("onoff") is not None and kind != "stochastic_constant":
        result["on_off"] = clock(f"{path}.onoff", given["onoff"])
    for key, low in (("start", 0), ("stop", -1)):
        if given.get(key) is not None:
            result[key] = whole(f"{path}.{key}", given[key], low, FOREVER)
    if "rand_hop" in given:
        truth(f"{path}.rand_hop", given["rand_hop"])
    if given.get("channel_weights") is not None:
        weights = given["channel_weights"]
        result["weights"] = probabilities(f"{path}.channel_weights", weights, len(listed))
    if "percent_on" in given:
        result["probability"] = check_number(
            f"{path}.percent_on", given["percent_on"], low=0.0, high=1.0
        )
    if "avoid_repeats" in given:
        result["avoid_repeats"] = truth(f"{path}.avoid_repeats", given["avoid_repeats"])
    if given.get("modem_params") is not None:
        result["waveform"] = _waveform(f"{path}.modem_params", given["modem_params"])
    if "weights" not in KIND[kind].keys:
        result.pop("weights", None)
    return Entity(**result)


_MODEMS = {"psk": "psk", "qam": "qam", "ask": "ask", "n_fmcw": "fmcw", "p_fmcw": "fmcw"}
_FILTERS = {"RRC": "rrc", "RC": "rc", "SQR": "rect"}
_MODEM_KEYS = ("type", "order", "filter", "center_frequency", "bandwidth", "start", "duration")


def _waveform(path: str, value: object) -> Waveform:
    """Return the waveform of modem parameters.

    A carrier whose offset RFRL Gym draws anew for every burst stands in the middle of its range, moved
    inwards where the signal would leave its channel. A burst takes the part of every step that "start" and "duration"
    say; one that would outlast the step ends with it.
    """
    given = mapping(path, value)
    check_keywords(given, _MODEM_KEYS, f"key of {path}")
    kind = given.get("type", "tone")
    if not isinstance(kind, str):
        raise ValueError(f"{path}.type must be a name, got {kind!r}")
    result: dict[str, Any] = {"kind": _MODEMS.get(kind, "tone"), "falling": kind == "n_fmcw"}
    if result["kind"] in ORDERS and given.get("order") is not None:
        result["order"] = given["order"]
    if result["kind"] in ORDERS and given.get("filter") is not None:
        result["pulse"] = _FILTERS[check_option(f"{path}.filter", given["filter"], _FILTERS)]
    width = check_number(f"{path}.bandwidth", given.get("bandwidth", 0.8), low=0.01, high=1.0)
    result["bandwidth"] = width
    offsets = given.get("center_frequency", (0.0, 0.0))
    offsets = offsets if isinstance(offsets, list | tuple) else (offsets, offsets)
    if len(offsets) != 2:
        raise ValueError(f"{path}.center_frequency must be two numbers, got {offsets!r}")
    low, high = (check_number(f"{path}.center_frequency", v, low=-0.5, high=0.5) for v in offsets)
    room = 0.5 if result["kind"] == "tone" else 0.5 - 0.5 * width
    result["offset"] = min(max(0.5 * (low + high), -room), room)
    start = check_number(f"{path}.start", given.get("start", 0.0), low=0.0, high=0.999)
    lasts = check_number(f"{path}.duration", given.get("duration", 1.0), low=0.001, high=1.0)
    result |= {"start": start, "duration": min(lasts, 1.0 - start)}
    return read_waveform(path, result)
