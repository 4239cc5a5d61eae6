"""The keyword arguments of the family's ids: each declared once, and which of them a task takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gym_suite.core.options import OptionSet, PlantOptions, option


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(PlantOptions):
    """The keyword arguments of all ids; each takes those of its task."""

    scenario: Any = option(
        None,
        takes="a shipped name, a path, a mapping or a `Scenario`",
        meaning="who is in the band and what the agents are to do",
    )
    channels: int = option(10, takes="1 to 256", meaning="channels of the band")
    p01: Any = option(
        0.2,
        takes="one number, or one per channel",
        meaning="chance that a busy channel becomes idle",
    )
    p11: Any = option(
        0.8,
        takes="one number, or one per channel",
        meaning="chance that an idle channel stays idle",
    )
    jammer: Any = option(
        "follower",
        takes='a kind, or a mapping with "kind" and keys of an `Entity`',
        meaning="who jams",
    )
    values: Any = option(
        (1.0, 0.8, 0.6, 0.4, 0.2),
        takes="2 to 64 positive numbers",
        meaning="what each channel is worth to the transmitter; as many as there are channels",
    )
    jammers: int = option(1, takes="1 to 16", meaning="jammers, each on one channel")
    steps: int = option(200, takes="1 to 1,000,000", meaning="steps of an episode")
    snr: float = option(
        0.0, takes="dB", meaning="received power of the entities over the noise of a channel"
    )
    observation: Any = option(
        None,
        takes='`"detect"` or `"classify"`',
        meaning="whether a channel is seen as idle or busy, or who is on it; by default the scenario's",
    )
    physics: str = option(
        "perfect",
        takes='`"perfect"`, `"statistical"` or `"iq"`',
        meaning="how channels are sensed: truly, or by an energy detector on drawn statistics or on samples",
    )
    sensing: str = option(
        "all",
        takes='`"all"` or `"own"`',
        meaning="which channels are sensed: all, or the one that was used",
    )
    reward: str = option(
        "peer",
        takes='`"peer"`, `"throughput"` or `"goodput"`',
        meaning="what a transmission earns: +1 or -1, 1 or 0, or 1 or 0 by chance of the link",
    )
    history: int = option(4, takes="1 to 64", meaning="steps that an observation goes back")
    switching_cost: float = option(
        0.0, meaning="cost of transmitting on another channel than in the step before"
    )
    tolerance: float = option(
        0.0,
        takes="0 to 0.999999",
        meaning="part of a step that may be interfered with before it is lost",
    )
    samples: int = option(100, meaning="complex samples of a channel that the detector averages")
    false_alarm: float = option(
        0.01,
        takes="above 0, to 0.999999",
        meaning="the detector's probability of false alarm at nominal noise",
    )
    link: Any = option(None, takes="a mapping", meaning="what departs from the scenario's `Link`")


_SENSED = (
    *("physics", "sensing", "reward", "history", "switching_cost"),
    *("tolerance", "samples", "false_alarm", "link"),
)


def _takes(*names: str, **defaults: Any) -> OptionSet[Options]:
    """Return the set of the named options, besides those of all plants."""
    plant = [f.name for f in fields(PlantOptions)]
    without = [f.name for f in fields(Options) if f.name not in (*names, *plant)]
    return OptionSet(Options, without=without, defaults=defaults)


#: The tasks of the family's ids, and the keyword arguments that each takes.
TASKS: Mapping[str, OptionSet[Options]] = {
    "access": _takes("scenario", "observation", *_SENSED, scenario="shared_band"),
    "jamming": _takes("scenario", "observation", *_SENSED, scenario="jam_fixed_w_hop_classify"),
    "gilbert_elliott": _takes(
        *("channels", "p01", "p11", "steps", "snr"),
        *_SENSED,
        channels=5,
        sensing="own",
        reward="throughput",
        history=8,
    ),
    "anti_jamming": _takes("channels", "jammer", "steps", "snr", *_SENSED),
    "multi_access": _takes("scenario", "history", scenario="marl_23"),
    "jamming_game": _takes("values", "jammers", "steps", "history"),
}
