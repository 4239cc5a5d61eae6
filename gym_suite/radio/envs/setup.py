"""From keyword arguments to a setup: checks, tables of entities, parameters of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Kernels, Setup
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords, check_number, check_option, unknown_error
from gym_suite.radio import dynamics, iq, layout, tasks
from gym_suite.radio import parameters as pm
from gym_suite.radio.bounds.marks import scenario_marks
from gym_suite.radio.emission import hazard_table, read_link
from gym_suite.radio.scenario import Entity, Scenario, read_mapping, read_scenario
from gym_suite.radio.transforms import detector_threshold
from gym_suite.radio.values import FOREVER, whole

KERNELS = Kernels(
    step=tasks.step_batch,
    reset=tasks.reset_batch,
    observe=tasks.observe_batch,
    advance=dynamics.advance_batch,
)
DT = 0.01  # s, one step: the slot of IEEE 802.22 frames

MAX_IQ_SAMPLES = 100_000  # of a channel in a step
JAMMER_KINDS = ("follower", "sweep", "random_jammer", "barrage")
_SHARED = (
    "physics",
    "sensing",
    "reward",
    "history",
    "switching_cost",
    "tolerance",
    "samples",
    "false_alarm",
    "link",
    "noise",
    "mismatch",
    "delay",
    "disturbance",
)
#: Keywords of each task besides the shared ones.
_OWN = {
    "access": ("scenario", "observation"),
    "jamming": ("scenario", "observation"),
    "gilbert_elliott": ("channels", "p01", "p11", "steps", "snr"),
    "anti_jamming": ("channels", "jammer", "steps", "snr"),
}
TASKS = tuple(_OWN)
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "access": {"scenario": "shared_band"},
    "jamming": {"scenario": "jam_fixed_w_hop_classify"},
    "gilbert_elliott": {
        "channels": 5,
        "sensing": "own",
        "reward": "throughput",
        "steps": 200,
        "history": 8,
    },
    "anti_jamming": {"channels": 10, "steps": 200},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of all ids; each id takes those of its task.

    Attributes:
        scenario: A shipped name, a path, a mapping or a :class:`Scenario`.
        observation: "detect" or "classify"; None: the scenario's.
        physics: "perfect" sensing, "statistical": an energy detector with exact statistics, or "iq": the
            same detector on synthesised samples of every channel.
        sensing: "all" channels, or the "own" one only.
        reward: "peer": +1, 0 or -1; "throughput": 1 for what is delivered, else 0; "goodput": the same,
            where chance decides by the SINR whether a packet arrives.
        history: Steps that an observation goes back, 1 to 64.
        switching_cost: Cost of transmitting on another channel than in the step before.
        tolerance: Part of a step that may be interfered with before it is lost, in [0, 1).
        samples: Complex samples of a channel that the energy detector averages in a step.
        false_alarm: Its probability of false alarm at the nominal noise power, in (0, 1).
        link: What departs from the scenario's :class:`gym_suite.radio.emission.Link`, as a mapping.
        channels: Number of channels.
        p01: Chance that a busy channel becomes idle, one number or one per channel.
        p11: Chance that an idle channel stays idle, one number or one per channel.
        jammer: Kind of jammer, or a mapping with "kind" and its keys (see :class:`Entity`).
        steps: Steps of an episode.
        snr: Received power of the entities over the noise of a channel, dB.
        noise: Standard deviation added to the sensed channels.
        mismatch: How the plant's parameters depart from nominal.
        delay: Steps by which actions are late.
        disturbance: None; there are no channels to disturb.
    """

    scenario: Any = None
    observation: str | None = None
    physics: str = "perfect"
    sensing: str = "all"
    reward: str = "peer"
    history: int = 4
    switching_cost: float = 0.0
    tolerance: float = 0.0
    samples: int = 100
    false_alarm: float = 0.01
    link: Any = None
    channels: int = 10
    p01: Any = 0.2
    p11: Any = 0.8
    jammer: Any = "follower"
    steps: int = 100
    snr: float = 0.0
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


def keyword_names(task: str) -> tuple[str, ...]:
    """Return the keywords that a task takes."""
    return _OWN[task] + _SHARED


def configure(id: str, task: str, /, **keywords: Any) -> Setup:
    """Return the setup for an id's task and a user's keyword arguments.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        FileNotFoundError: For a scenario file that does not exist.
    """
    check_option("task", task, TASKS)
    check_keywords(keywords, keyword_names(task), f"keyword of {id}")
    options = Options(**(dict(DEFAULTS[task]) | keywords))
    scenario = _scenario(id, task, options)
    values = _values(id, scenario, options)
    names = tuple(entity.name for entity in scenario.entities)
    history, count = int(values["history"]), scenario.channels
    observations = observation_columns(scenario, history)
    sensed = observations.names[: history * count]
    read_disturbance(options.disturbance, ())
    first = layout.X_ACTIONS
    scratch = iq.work_size(int(values["samples"])) if options.physics == "iq" else 0
    split = (first, first + len(names), first + len(names) + count, first + len(names) + 2 * count)
    arrays = ("entity_actions", "occupancy", "peer_observation")
    resolved = _resolved(task, options, scenario)
    return Setup(
        id=id,
        family="radio",
        kernels=KERNELS,
        dt=DT,
        state_columns=layout.state_columns(names, pointer_bounds(scenario), count, history),
        action_columns=Columns(),
        observation_columns=observations,
        metric_columns=metric_columns(),
        parameter_columns=pm.PARAMETERS,
        row=np.array([values[name] for name in pm.PARAMETERS.names], dtype=np.float64),
        tables=entity_tables(scenario, goodput=options.reward == "goodput"),
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=sensed,
        violation="primary" if scenario.goal == "access" else "",
        avoidable=False,
        horizon=scenario.steps,
        actions=count + 1,
        idle_action=0,
        work_size=max(1, len(names), scratch),
        mismatch=read_mismatch(options.mismatch, pm.PARAMETERS, pm.PLANT_PARAMETERS),
        noise=read_noise(options.noise, observations, sensed),
        delay=read_delay(options.delay),
        renderer="gym_suite.radio.render:RadioRenderer",
        info_arrays=tuple((arrays[k], split[k], split[k + 1]) for k in range(3)),
        keywords=resolved,
        marks=partial(scenario_marks, scenario, resolved),
    )


# ------------------------------------------------------------------------------------------- columns


def observation_columns(scenario: Scenario, history: int) -> Columns:
    """Return the columns of one observation: sensed channels, own last action, acknowledgement."""
    count = len(scenario.entities)
    classify = scenario.observation == "classify"
    scale = count + 1.0 if classify else 1.0
    what = f"0: idle, 1..{count}: who, {count + 1}: several" if classify else "0: idle, 1: busy"
    sensed = [
        Column(
            f"sensed_{k}_{c}",
            "1",
            -1.0 / scale,
            1,
            f"channel {c}, {k} steps ago; {what}; -1: not sensed",
            scale=scale,
        )
        for k in range(history)
        for c in range(scenario.channels)
    ]
    actions = [
        Column(f"last_action_{k}", "1", 0, 1, f"1 if the last action was {k}")
        for k in range(scenario.channels + 1)
    ]
    ack = Column("ack", "1", -1, 1, "1: delivered, -1: lost, 0: silent")
    return Columns(*sensed, *actions, ack)


def metric_columns() -> Columns:
    """Return the columns of ``info`` besides its arrays."""
    return Columns(
        Column("reward_access", "1", -1, 1, "delivered or hit: +1, silent: 0, else -1 (or 0)"),
        Column("reward_switching", "1", -np.inf, 0, "cost of changing the channel"),
        Column("channel", "1", -1, pm.MAX_CHANNELS, "channel of the agent, -1: silent"),
        Column("ack", "1", -1, 1, "1: delivered, -1: lost, 0: silent"),
        Column("delivered", "1", 0, 1, "1 if delivered"),
        Column(
            "blocked", "1", 0, 1, "part of the step in which others were on the agent's channel"
        ),
        Column("primary", "1", 0, 1, "1 if the agent transmitted on a primary user"),
        Column("switched", "1", 0, 1, "1 if the agent changed its channel"),
        Column(
            "sinr", "dB", layout.NO_SIGNAL, 500, "of the agent at its receiver; -200 while silent"
        ),
        Column("goodput", "1", 0, np.inf, "bits of the packet delivered in the step"),
    )


# -------------------------------------------------------------------------------------------- pieces


def _scenario(id: str, task: str, options: Options) -> Scenario:
    """Return the scenario of a task, with the link as the keyword changes it."""
    scenario = _band(id, task, options)
    if options.link is None:
        return scenario
    link = options.link
    if isinstance(link, Mapping):
        before = scenario.link.to_dict()
        if "snr" in link and "power" not in link:  # what arrives is said, so what is sent is not
            before = {
                key: value for key, value in before.items() if key not in ("power", "distance")
            }
        link = before | dict(link)
    return replace(scenario, link=read_link("link", link))


def _band(id: str, task: str, options: Options) -> Scenario:
    if task == "gilbert_elliott":
        return _gilbert_elliott(options)
    if task == "anti_jamming":
        return _anti_jamming(options)
    scenario = read_scenario(options.scenario)
    if scenario.agents:
        raise ValueError(
            f"{id} has one agent; {scenario.name!r} has {len(scenario.agents)} and belongs to "
            "radio/MultiAccess-v0"
        )
    goal = {"access": "access", "jamming": "jam"}[task]
    if scenario.goal != goal:
        other = {"access": "radio/Access-v0", "jam": "radio/Jamming-v0"}[scenario.goal]
        raise ValueError(
            f"{id} takes scenarios whose goal is {goal!r}; {scenario.name!r} has goal "
            f"{scenario.goal!r} and belongs to {other}"
        )
    given = options.observation
    if given is not None:
        check_option("observation", given, pm.OBSERVATIONS)
    if options.physics != "perfect":
        if given == "classify":
            raise ValueError("observation='classify' needs physics='perfect': energy has no name")
        given = "detect"
    if given is None or given == scenario.observation:
        return scenario
    return read_mapping(scenario.to_dict() | {"observation": given})


def _per_channel(name: str, value: object, channels: int) -> list[float]:
    values = list(value) if isinstance(value, list | tuple) else [value] * channels
    if len(values) != channels:
        raise ValueError(f"{name} must be one number or {channels}, got {len(values)}")
    return [check_number(f"{name}[{c}]", v, low=0.0, high=1.0) for c, v in enumerate(values)]


def _gilbert_elliott(options: Options) -> Scenario:
    channels = whole("channels", options.channels, 1, pm.MAX_ENTITIES)
    p01 = _per_channel("p01", options.p01, channels)
    p11 = _per_channel("p11", options.p11, channels)
    entities = {
        f"user_{c}": {
            "kind": "gilbert_elliott",
            "channels": [c],
            "p01": p01[c],
            "p11": p11[c],
            "snr": options.snr,
        }
        for c in range(channels)
    }
    return read_mapping(
        {
            "name": "gilbert_elliott",
            "channels": channels,
            "steps": options.steps,
            "entities": entities,
        }
    )


def _anti_jamming(options: Options) -> Scenario:
    given = options.jammer
    jammer = {"kind": given} if isinstance(given, str) else given
    if not isinstance(jammer, Mapping):
        raise TypeError(f"jammer must be a kind or a mapping, got {type(given).__name__}")
    jammer = {"snr": options.snr} | dict(jammer)
    if jammer.get("kind") not in JAMMER_KINDS:
        raise unknown_error("jammer", jammer.get("kind"), JAMMER_KINDS)
    return read_mapping(
        {
            "name": "anti_jamming",
            "channels": options.channels,
            "steps": options.steps,
            "entities": {"jammer": jammer},
        }
    )


def entity_tables(scenario: Scenario, *, goodput: bool = True) -> tuple[np.ndarray, ...]:
    """Return the tables that :data:`gym_suite.radio.parameters.T_ENTITIES` and its neighbours name.

    Args:
        scenario: Who is there.
        goodput: Whether packets are lost by the SINR, for which a table of their hazard is needed.
    """
    channels = scenario.channels
    entities = np.zeros((max(1, len(scenario.entities)), pm.ENTITY_WIDTH))
    lists: list[tuple[float, float]] = []
    played: list[np.ndarray] = [np.zeros((1, 2 * channels + 1))]
    symbols, first = iq.symbol_table()
    pulses: dict[tuple[str, float], int] = {}
    for row, entity in zip(entities, scenario.entities, strict=False):
        count, place = len(entity.channels), len(lists)
        weights = entity.weights or (1.0 / max(1, count),) * count
        if entity.kind == "playback":
            place = sum(map(len, played))
            played.append(_playback(entity, channels, scenario.link.noise))
            count = len(entity.table)
        value, second = _values_of(entity)
        wide = entity.kind in ("barrage", "playback")
        snr = entity.snr
        if entity.power is not None:
            snr = scenario.link.snr_from(entity.power, entity.distance)
        row[:] = (
            pm.KINDS.index(entity.kind),
            entity.start,
            entity.stop,
            *entity.on_off,
            place,
            count,
            value,
            second,
            channels if wide else entity.width,
            entity.is_primary,
            10.0 ** (snr / 10.0),
            *iq.wave_columns(entity.sends, first, pulses),
            _is_steady(entity),
        )
        lists += zip(entity.channels, np.cumsum(weights).tolist(), strict=True)
    agent = np.zeros(pm.ENTITY_WIDTH)
    agent[pm.E_SNR] = 10.0 ** (scenario.link.received / 10.0)
    agent[pm.E_WAVE : pm.E_STEADY] = iq.wave_columns(scenario.link.waveform, first, pulses)
    taps = [iq.pulse_taps(*pulse) for pulse in pulses]
    return (
        entities,
        np.array(lists, dtype=np.float64).reshape(len(lists), 2),
        np.concatenate(played),
        hazard_table(scenario.link.modulation) if goodput else np.zeros((1, 1)),
        symbols,
        np.concatenate(taps),
        iq.ziggurat_table(),
        agent[None],
    )


def pointer_bounds(scenario: Scenario) -> list[tuple[int, int]]:
    """Return between what each entity's pointer stays: places of patterns and tables, channels, or states."""
    last = scenario.channels - 1
    known = {"agile": last, "sweep": last, "gilbert_elliott": 2, "follower": 1}
    bounds = []
    for e in scenario.entities:
        rows = len(e.table)
        high = {"hopper": len(e.channels), "playback": rows}.get(e.kind, known.get(e.kind, 0))
        bounds.append((-rows, high))  # below 0 a table is played that is silent in this step
    return bounds


def _is_steady(entity: Entity) -> bool:
    """Return whether an entity acts in every step and its on/off clock says nothing."""
    first, on, off = entity.on_off
    always = entity.start <= 0 and entity.stop >= FOREVER and first == 1 and on > 0 and off == 0
    dwells = entity.kind == "hopper" and on > 1
    return always and not dwells and entity.kind not in ("follower", "playback")


def _values_of(entity: Entity) -> tuple[float, float]:
    """Return the columns E_VALUE and E_VALUE_2 of an entity."""
    if entity.kind == "gilbert_elliott":
        return entity.p01, entity.p11
    value = {
        "stochastic_constant": entity.probability,
        "simple_jammer": float(entity.avoid_repeats),
        "follower": entity.reaction,
    }
    return value.get(entity.kind, 0.0), 0.0


def _playback(entity: Entity, channels: int, noise: float) -> np.ndarray:
    """Return what an entity plays back, as T_PLAYBACK has it, from dBm and the noise power in dBm."""
    powers = np.array(entity.table)
    occupied = powers >= entity.level
    lowest = np.where(occupied.any(axis=1), occupied.argmax(axis=1), -1)
    return np.column_stack([10.0 ** ((powers - noise) / 10.0), occupied, lowest]).reshape(
        len(powers), 2 * channels + 1
    )


def _values(id: str, scenario: Scenario, options: Options) -> dict[str, float]:
    """Return every parameter of a row by name."""
    physics = check_option("physics", options.physics, pm.PHYSICS)
    most = MAX_IQ_SAMPLES if physics == "iq" else 10_000_000
    samples = whole("samples", options.samples, 1, most)
    reward = check_option("reward", options.reward, pm.REWARDS)
    if reward == "goodput" and scenario.goal == "jam":
        raise ValueError(f"reward 'goodput' is of the agent's own packets, which {id} has not")
    false_alarm = check_number("false_alarm", options.false_alarm, above=0.0, high=0.999999)
    return {
        "channels": scenario.channels,
        "entities": len(scenario.entities),
        "history": whole("history", options.history, 1, 64),
        "goal": pm.GOALS.index(scenario.goal),
        "target": scenario.target_number,
        "observation": pm.OBSERVATIONS.index(scenario.observation),
        "physics": pm.PHYSICS.index(physics),
        "sensing": pm.SENSING.index(check_option("sensing", options.sensing, pm.SENSING)),
        "reward": pm.REWARDS.index(reward),
        "switching_cost": check_number("switching_cost", options.switching_cost, low=0.0),
        "tolerance": check_number("tolerance", options.tolerance, low=0.0, high=0.999999),
        "samples": samples,
        "threshold": detector_threshold(false_alarm, samples) if physics != "perfect" else 0.0,
        "noise_power": 1.0,
        "power": 1.0,
        "irregular": any(e.kind in ("follower", "playback") for e in scenario.entities),
        "fading": pm.FADINGS.index(scenario.link.fading),
        "link_snr": scenario.link.received,
        "payload": scenario.link.packet if scenario.goal == "access" else 0.0,
        "packet": scenario.link.packet,
    }


def _resolved(task: str, options: Options, scenario: Scenario) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    names = keyword_names(task)
    resolved = {f.name: getattr(options, f.name) for f in fields(Options) if f.name in names}
    for name, value in resolved.items():
        if isinstance(value, Mapping):
            resolved[name] = dict(value)
    resolved["link"] = scenario.link.to_dict()
    if "scenario" in names:
        resolved["scenario"] = scenario.to_dict()
    return resolved
