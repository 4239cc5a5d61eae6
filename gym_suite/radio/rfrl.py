"""Scenarios of RFRL Gym (vtnsiSDD/rfrl-gym) read into the package's own form.

What a file says is checked, never executed. Its modems become waveforms; keys that only concern its
pictures or its detector are accepted and have no effect here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number, check_option, unknown_error
from gym_suite.radio import scenario as own
from gym_suite.radio.emission import ORDERS, Waveform, read_waveform

TYPES = {
    "ConstantFreq": "constant",
    "FixedHopFreq": "hopper",
    "StochasticHopFreq": "stochastic_hopper",
    "StochasticConstantFreq": "stochastic_constant",
    "AgileFreq": "agile",
    "SimpleJammer": "simple_jammer",
}
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
#: Kinds whose recorded draws can be injected: those of RFRL Gym that draw.
INJECTED = ("stochastic_hopper", "stochastic_constant", "agile", "simple_jammer")
_GOALS = {"dsa": "access", "jam": "jam"}


def import_rfrl(source: str | Path | Mapping[str, Any], *, name: str | None = None) -> own.Scenario:
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
        given: Mapping[str, Any] = own.load_mapping(source)
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
        given = _mapping("scenario_as_run", given["scenario_as_run"])
    check_keywords(given, _TOP, "key of an RFRL Gym scenario")
    environment = _mapping("environment", given.get("environment"))
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
    channels = own.whole(
        "environment.num_channels", environment["num_channels"], 1, own.MAX_CHANNELS
    )
    listed = _mapping("entities", given.get("entities"))
    if len(listed) > own.MAX_ENTITIES:
        raise ValueError(f"entities: {len(listed)} are given, at most {own.MAX_ENTITIES} allowed")
    entities = tuple(
        _entity(f"entities.{label}", label, value, channels, resolved.get(label))
        for label, value in listed.items()
    )
    names = [entity.name for entity in entities]
    steps = environment.get("max_steps", 100)
    frame = {
        "channels": channels,
        "steps": own.whole("environment.max_steps", steps, 1, own.MAX_STEPS),
        "entities": entities,
        "name": name or "scenario",
    }
    if several:
        listed = _mapping("environment.agents", environment["agents"])
        tasks = {
            label: _task(
                f"environment.agents.{label}", _mapping(f"environment.agents.{label}", task), names
            )
            for label, task in listed.items()
        }
        return own.Scenario(**frame, agents=own.read_roles("environment.agents", tasks, names))
    return own.Scenario(**frame, **_task("environment", environment, names))


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
    seen = check_option(f"{path}.observation_mode", given["observation_mode"], own.OBSERVATIONS)
    return {"goal": goal, "observation": seen, "target": target if goal == "jam" else None}


def _mapping(path: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be an object, got {value!r}")
    return value


def _entity(
    path: str, label: str, value: object, channels: int, resolved: object = None
) -> own.Entity:
    given = _mapping(path, value)
    check_keywords(given, _ENTITY, f"key of {path}")
    if "type" not in given:
        raise ValueError(f"{path}.type is missing; one of {', '.join(TYPES)}")
    kind = TYPES[check_option(f"{path}.type", given["type"], TYPES)]
    written = given.get("channels") if resolved is None else resolved
    listed = own.channel_list(f"{path}.channels", written, channels)
    result: dict[str, Any] = {"name": label, "kind": kind}
    if kind != "simple_jammer":  # which looks at all channels, whatever is listed
        result["channels"] = listed
    if given.get("onoff") is not None and kind != "stochastic_constant":
        result["on_off"] = own.clock(f"{path}.onoff", given["onoff"])
    for key, low in (("start", 0), ("stop", -1)):
        if given.get(key) is not None:
            result[key] = own.whole(f"{path}.{key}", given[key], low, own.FOREVER)
    if "rand_hop" in given:
        own.truth(f"{path}.rand_hop", given["rand_hop"])
    if given.get("channel_weights") is not None:
        weights = given["channel_weights"]
        result["weights"] = own.probabilities(f"{path}.channel_weights", weights, len(listed))
    if "percent_on" in given:
        result["probability"] = check_number(
            f"{path}.percent_on", given["percent_on"], low=0.0, high=1.0
        )
    if "avoid_repeats" in given:
        result["avoid_repeats"] = own.truth(f"{path}.avoid_repeats", given["avoid_repeats"])
    if given.get("modem_params") is not None:
        result["waveform"] = _waveform(f"{path}.modem_params", given["modem_params"])
    if kind != "stochastic_hopper":
        result.pop("weights", None)
    return own.Entity(**result)


_MODEMS = {"psk": "psk", "qam": "qam", "ask": "ask", "n_fmcw": "fmcw", "p_fmcw": "fmcw"}
_FILTERS = {"RRC": "rrc", "RC": "rc", "SQR": "rect"}
_MODEM_KEYS = ("type", "order", "filter", "center_frequency", "bandwidth", "start", "duration")


def _waveform(path: str, value: object) -> Waveform:
    """Return the waveform of modem parameters.

    A carrier whose offset RFRL Gym draws anew for every burst stands in the middle of its range, moved
    inwards where the signal would leave its channel; bursts last the whole step.
    """
    given = _mapping(path, value)
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
    return read_waveform(path, result)


def read_draws(draws: object, scenario: own.Scenario) -> dict[int, dict[int, float]]:
    """Return recorded random draws as step -> entity's place -> channel drawn (-1: silent).

    Args:
        draws: The recordings' form: a list of mappings with "step" (a whole number, or "reset" for
            the draw of an initial channel), "entity" (its name) and "chosen", and where "chosen" is
            no channel "candidates".
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
        missing = [key for key in ("step", "entity", "chosen") if key not in draw]
        if missing:
            raise ValueError(f"{path}.{missing[0]} is missing")
        label = draw["entity"]
        if label not in places:
            raise unknown_error(f"{path}.entity", label, places)
        step = (
            0
            if draw["step"] == "reset"
            else own.whole(f"{path}.step", draw["step"], 0, own.FOREVER)
        )
        entity = scenario.entities[places[label]]
        result.setdefault(step, {})[places[label]] = _chosen(path, draw, entity, scenario.channels)
    return result


def _chosen(path: str, draw: Mapping[str, Any], entity: own.Entity, channels: int) -> float:
    chosen = draw["chosen"]
    if isinstance(chosen, list) and len(chosen) == 1:
        chosen = chosen[0]
    if entity.kind not in INJECTED:
        raise ValueError(
            f"{path}.entity: {entity.name!r} is a {entity.kind}, which takes no recorded draws; "
            f"those of {', '.join(INJECTED)} can be injected"
        )
    if entity.kind != "stochastic_constant":
        channel = own.whole(f"{path}.chosen", chosen, 0, channels - 1)
        if entity.kind == "stochastic_hopper" and channel not in entity.channels:
            raise ValueError(
                f"{path}.chosen must be a channel of {entity.name!r}, {list(entity.channels)}, got {channel}"
            )
        return float(channel)
    # Whether to transmit: a channel or -1, a truth value, or a uniform number below the probability.
    on, candidates = entity.channels[0], draw.get("candidates") or ()
    if chosen == -1 or -1 in candidates:
        return float(own.whole(f"{path}.chosen", chosen, -1, channels - 1))
    if isinstance(chosen, float):
        number = check_number(f"{path}.chosen", chosen, low=0.0, high=1.0)
        return float(on) if number < entity.probability else -1.0
    return float(on) if own.truth(f"{path}.chosen", chosen) else -1.0
