"""What a scenario is made of: the band, its entities, what they send, the agents' tasks and their link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from gym_suite.core.parameters import parameter
from gym_suite.radio.parameters import MAX_CHANNELS, MAX_REACTION, MAX_WINDOW
from gym_suite.radio.scenario.kinds import KIND, KINDS
from gym_suite.radio.scenario.values import FOREVER, declared, switch
from gym_suite.radio.transforms import (
    free_space_path_loss_db,
    log_distance_path_loss_db,
    thermal_noise_dbm,
)

MIN_DBM, MAX_DBM = -300.0, 100.0
DISTANCE = 100.0  # m, to a receiver, where none is given
#: Points that a constellation may have.
ORDERS: Mapping[str, tuple[int, ...]] = {
    "psk": (2, 4, 8, 16),
    "qam": (4, 16, 64, 256),
    "ask": (2, 4, 8),
}
#: Constellation of each modulation of packets.
POINTS: Mapping[str, tuple[str, int]] = {
    "bpsk": ("psk", 2),
    "dbpsk": ("psk", 2),
    "qpsk": ("psk", 4),
    "psk8": ("psk", 8),
    "qam16": ("qam", 16),
    "qam64": ("qam", 64),
}
_POWER = ("snr", "power", "distance")  # which a table that is played back has no use for
_COMMON = ("kind", "on_off", "start", "stop", *_POWER, "primary", "waveform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """What an entity sends within its channel.

    Attributes:
        kind: "psk", "qam" or "ask" symbols, a "tone", "fmcw" chirps, or Gaussian "noise".
        order: Points of the constellation.
        pulse: Of the symbols: "rrc" and "rc" (root and raised cosine), or "rect".
    """

    kind: str = "psk"
    order: int = 4
    pulse: str = "rrc"
    rolloff: float = parameter(0.35, low=0.0, high=1.0, meaning="roll-off of the cosines")
    bandwidth: float = parameter(
        0.8,
        low=0.01,
        high=1.0,
        meaning="occupied part of the channel; symbols are (1 + rolloff) times slower",
    )
    offset: float = parameter(
        0.0,
        low=-0.5,
        high=0.5,
        meaning="the carrier's place from the channel's middle, as a part of the channel",
    )
    chirp: int = parameter(
        256, low=2, high=10_000_000, integer=True, meaning="samples of the channel in one chirp"
    )
    falling: bool = switch(False, meaning="whether chirps go down")
    start: float = parameter(
        0.0, low=0.0, high=0.999, meaning="when in a step the burst begins, as a part of the step"
    )
    duration: float = parameter(
        1.0, low=0.001, high=1.0, meaning="how long the burst lasts, as a part of the step"
    )

    @property
    def is_burst(self) -> bool:
        """Whether it fills less than the step."""
        return self.duration < 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The agent's link to its receiver, which also senses, and the air around it.

    Attributes:
        modulation: Of the agent's packets.
        fading: "none", or "rayleigh": a gain per transmitter and step, all independent.
    """

    bandwidth: float = parameter(
        1e6, unit="Hz", low=1.0, high=1e12, meaning="bandwidth of a channel"
    )
    frequency: float = parameter(
        2.4e9, unit="Hz", low=1.0, high=1e15, meaning="frequency of the band, for the path loss"
    )
    noise_figure: float = parameter(
        6.0,
        unit="dB",
        low=0.0,
        high=100.0,
        meaning="noise figure of the receiver, above the thermal noise at 290 K",
    )
    exponent: float = parameter(
        2.0, low=0.0, high=10.0, meaning="exponent of the path loss beyond 1 m; 2 is free space"
    )
    snr: float = parameter(
        15.0,
        unit="dB",
        low=-200.0,
        high=200.0,
        meaning="received power of the agent over the noise of a channel",
    )
    power: float | None = parameter(
        None,
        unit="dBm",
        low=MIN_DBM,
        high=MAX_DBM,
        meaning="transmitted power of the agent, with distance in place of snr; None: snr holds",
    )
    distance: float = parameter(
        DISTANCE, unit="m", low=1.0, high=1e9, meaning="from the agent to its receiver"
    )
    modulation: str = "qpsk"
    packet: int = parameter(
        1000, low=1, high=10**9, integer=True, meaning="bits of the packet sent in a step"
    )
    fading: str = "none"

    @property
    def noise(self) -> float:
        """Noise power of a channel, dBm."""
        return thermal_noise_dbm(self.bandwidth, noise_figure_db=self.noise_figure)

    @property
    def waveform(self) -> Waveform:
        """What the agent sends."""
        kind, order = POINTS[self.modulation]
        return Waveform(kind=kind, order=order)

    @property
    def received(self) -> float:
        """Received power of the agent over the noise of a channel, dB."""
        return self.snr if self.power is None else self.snr_from(self.power, self.distance)

    def snr_from(self, power: float, distance: float) -> float:
        """Return the signal-to-noise ratio in dB of dBm sent from a distance in m."""
        reference = free_space_path_loss_db(1.0, self.frequency)
        loss = log_distance_path_loss_db(
            distance, self.exponent, reference=1.0, reference_loss_db=reference
        )
        return power - loss - self.noise

    def to_dict(self) -> dict[str, Any]:
        """Return the link as a mapping that can be read again and JSON can hold."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Somebody in the band besides the agents.

    Attributes:
        name: Its name in the scenario.
        kind: Name of one of :data:`gym_suite.radio.scenario.kinds.KINDS`.
        channels: Its channels, from 0; a hopper's are its pattern, in order.
        on_off: Starts on (1) or off (0); steps on; steps off (0: never off).
        weights: Probabilities of a stochastic hopper's channels; empty: equal.
        waveform: What it sends; None: noise for a jammer, 4-PSK for others.
        table: Playback: received power in dBm, a row per step from ``start`` on, a column per channel.
        law: Of a kind of one's own: formula over the columns of the state by name, or function of them, that gives the
            channel of the coming step, -1 for silence.
        memory: Of the same: formula or function that gives what is remembered, a whole number that is 0 at first;
            empty: what was.
    """

    name: str
    kind: str
    channels: tuple[int, ...] = ()
    on_off: tuple[int, int, int] = (1, 1, 0)
    start: int = parameter(
        0, low=0, high=FOREVER, integer=True, meaning="first step in which it is active"
    )
    stop: int = parameter(
        FOREVER,
        low=-1,
        high=FOREVER,
        integer=True,
        meaning="last step in which it is active; outside it is silent and its on/off clock stands",
    )
    weights: tuple[float, ...] = ()
    probability: float = parameter(
        1.0, low=0.0, high=1.0, meaning="chance that a stochastic constant transmits in a step"
    )
    avoid_repeats: bool = switch(
        True, meaning="whether a simple jammer prefers channels that it does not jam yet"
    )
    p01: float = parameter(
        0.2, low=0.0, high=1.0, meaning="Gilbert-Elliott: chance that a busy channel becomes idle"
    )
    p11: float = parameter(
        0.8, low=0.0, high=1.0, meaning="Gilbert-Elliott: chance that an idle channel stays idle"
    )
    short_gap: float = parameter(
        1.61, low=1.0, high=1e6, meaning="bursty: mean length of its short gaps, steps"
    )
    long_gap: float = parameter(
        11.0, low=1.0, high=1e6, meaning="bursty: mean length of its long gaps, steps"
    )
    long_gaps: float = parameter(
        0.404, low=0.0, high=1.0, meaning="bursty: part of its gaps that are long"
    )
    short_burst: float = parameter(
        1.41, low=1.0, high=1e6, meaning="bursty: mean length of its short bursts, steps"
    )
    long_burst: float = parameter(
        11.9, low=1.0, high=1e6, meaning="bursty: mean length of its long bursts, steps"
    )
    long_bursts: float = parameter(
        0.546, low=0.0, high=1.0, meaning="bursty: part of its bursts that are long"
    )
    reaction: float = parameter(
        1.0,
        low=0.0,
        high=MAX_REACTION,
        meaning="follower: steps from the start of the agent's step until it is jammed",
    )
    window: int = parameter(
        6,
        low=1,
        high=MAX_WINDOW,
        integer=True,
        meaning="predictor: choices of the agent that it remembers",
    )
    succession: bool = switch(
        True,
        meaning="whether a predictor goes by what the agent chose after the channel that it is on, not by all choices",
    )
    width: int = parameter(
        1,
        low=1,
        high=MAX_CHANNELS,
        integer=True,
        meaning="sweep and random jammer: adjacent channels jammed at once",
    )
    snr: float = parameter(
        0.0,
        unit="dB",
        low=-200.0,
        high=200.0,
        meaning="received power over the noise of a channel",
    )
    primary: bool | None = switch(
        None,
        meaning="whether it is a primary user, which must not be disturbed; "
        "by default it is unless it is a jammer",
    )
    power: float | None = parameter(
        None,
        unit="dBm",
        low=MIN_DBM,
        high=MAX_DBM,
        meaning="transmitted power, with distance in place of snr; None: snr holds",
    )
    distance: float = parameter(
        DISTANCE, unit="m", low=1.0, high=1e9, meaning="to the agent's receiver"
    )
    waveform: Waveform | None = None
    table: tuple[tuple[float, ...], ...] = ()
    level: float = parameter(
        -100.0,
        unit="dBm",
        low=MIN_DBM,
        high=MAX_DBM,
        meaning="playback: received power from which a channel counts as occupied",
    )
    repeat: bool = switch(False, meaning="playback: whether the table starts again at its end")
    law: Any = ""
    memory: Any = ""

    @property
    def sends(self) -> Waveform:
        """What it sends."""
        if self.waveform is not None:
            return self.waveform
        return Waveform(kind="noise" if KIND[self.kind].jams else "psk")

    @property
    def is_primary(self) -> bool:
        """Whether it must not be disturbed."""
        return not KIND[self.kind].jams if self.primary is None else self.primary


_unknown = {key for kind in KINDS for key in kind.keys} - {f.name for f in fields(Entity)}
if _unknown:
    raise TypeError(f"a kind takes {sorted(_unknown)}, of which an Entity knows nothing")


def own_numbers() -> list[str]:
    """Return the numbers that an entity may have by its kind, for kernels to read; a table is played as it stands."""
    keys = dict.fromkeys(key for kind in KINDS if "table" not in kind.keys for key in kind.keys)
    return [key for key in keys if key in declared(Entity)]


def entity_keys(kind: str) -> tuple[str, ...]:
    """Return the attributes that an entity of a kind may be given, besides its name."""
    own = KIND[kind].keys
    common = [key for key in _COMMON if "table" not in own or key not in _POWER]
    return (*common, *own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The task of one of several agents that share a band.

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
    def has_bursts(self) -> bool:
        """Whether an entity sends for a part of its steps."""
        return any(entity.sends.is_burst for entity in self.entities)

    def number_of(self, target: str | None) -> int:
        """Return the number of an entity, from 1; 0 for none."""
        names = [entity.name for entity in self.entities]
        return names.index(target) + 1 if target in names else 0

    @property
    def target_number(self) -> int:
        """The target's number, from 1; 0 without one."""
        return self.number_of(self.target)

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as a mapping that can be read again and JSON can hold."""
        apart = ("entities", "link", "agents")
        result = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        result["link"] = self.link.to_dict()
        result["entities"] = {}
        for entity in self.entities:
            given = asdict(entity) | {"table": [list(row) for row in entity.table]}
            keys = [k for k in entity_keys(entity.kind) if given[k] not in (None, ())]
            plain = {k: list(v) if isinstance(v := given[k], tuple) else v for k in keys}
            result["entities"][entity.name] = plain
        if self.agents:
            result["agents"] = {
                role.name: {k: v for k, v in asdict(role).items() if k != "name"}
                for role in self.agents
            }
        return result
