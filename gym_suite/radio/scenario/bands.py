"""The bands of the tasks whose keywords describe them, in place of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.radio.parameters import MAX_ENTITIES
from gym_suite.radio.scenario.kinds import KINDS
from gym_suite.radio.scenario.mapping import read_mapping
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.scenario.values import whole

#: Kinds of which one may be the jammer of an anti-jamming id.
PURSUERS = tuple(kind.name for kind in KINDS if kind.pursues)


def gilbert_elliott(
    *, channels: object, p01: object, p11: object, steps: object, snr: object
) -> Scenario:
    """Return a band whose every channel turns good and bad by itself.

    Args:
        channels: Number of channels.
        p01: Chance that a busy channel becomes idle, one number or one per channel.
        p11: Chance that an idle channel stays idle, one number or one per channel.
        steps: Steps of an episode.
        snr: Received power of the users over the noise of a channel, dB.

    Raises:
        ValueError: For a value out of bounds.
    """
    count = whole("channels", channels, 1, MAX_ENTITIES)
    to_idle, stays = _per_channel("p01", p01, count), _per_channel("p11", p11, count)
    users = {
        f"user_{c}": {"kind": "gilbert_elliott", "channels": [c], "snr": snr}
        | {"p01": to_idle[c], "p11": stays[c]}
        for c in range(count)
    }
    band = {"name": "gilbert_elliott", "channels": count, "steps": steps}
    return read_mapping(band | {"entities": users})


def anti_jamming(*, channels: object, jammer: object, steps: object, snr: object) -> Scenario:
    """Return a band with one jammer.

    Args:
        channels: Number of channels.
        jammer: One of :data:`PURSUERS`, or a mapping with "kind" and keys of an entity.
        steps: Steps of an episode.
        snr: Received power of the jammer over the noise of a channel, dB, unless the mapping says it.

    Raises:
        ValueError: For an unknown kind, naming the nearest, or a value out of bounds.
        TypeError: For a jammer that is neither.
    """
    given = {"kind": jammer} if isinstance(jammer, str) else jammer
    if not isinstance(given, Mapping):
        raise TypeError(f"jammer must be a kind or a mapping, got {type(jammer).__name__}")
    given = {"snr": snr} | dict(given)
    if given.get("kind") not in PURSUERS:
        raise unknown_error("jammer", given.get("kind"), PURSUERS)
    band = {"name": "anti_jamming", "channels": channels, "steps": steps}
    return read_mapping(band | {"entities": {"jammer": given}})


def scenario_of(keywords: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a setup of one agent from its resolved keywords, but for its link.

    Args:
        keywords: With a scenario as a mapping, with a jammer, or with the chances of each channel.
    """
    if "scenario" in keywords:
        return read_mapping(keywords["scenario"])
    shared = {name: keywords[name] for name in ("channels", "steps", "snr")}
    if "jammer" in keywords:
        return anti_jamming(jammer=keywords["jammer"], **shared)
    return gilbert_elliott(p01=keywords["p01"], p11=keywords["p11"], **shared)


def _per_channel(name: str, value: object, channels: int) -> list[float]:
    values = list(value) if isinstance(value, list | tuple) else [value] * channels
    if len(values) != channels:
        raise ValueError(f"{name} must be one number or {channels}, got {len(values)}")
    return [check_number(f"{name}[{c}]", v, low=0.0, high=1.0) for c, v in enumerate(values)]
