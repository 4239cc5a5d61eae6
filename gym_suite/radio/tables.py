"""A scenario as numbers: the tables that kernels read, the parameters of a row, the columns of the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.parameters import check_number, check_option
from gym_suite.radio import parameters as pm
from gym_suite.radio.air.emission import (
    hazard_table,
    pulse_taps,
    symbol_table,
    wave_columns,
    ziggurat_table,
)
from gym_suite.radio.columns import ENTITY, GIVEN, ROLES, state_columns
from gym_suite.radio.parameters import GOAL_ACCESS, GOAL_HIT, GOAL_JAM, PARAMETERS
from gym_suite.radio.scenario.kinds import KIND, K
from gym_suite.radio.scenario.model import Entity, Role, Scenario
from gym_suite.radio.scenario.values import FOREVER, whole
from gym_suite.radio.transforms import detector_threshold

MAX_IQ_SAMPLES = 100_000  # of a channel in a step

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Band:
    """A scenario and what follows from it and from how it is sensed and rewarded.

    Attributes:
        scenario: Who is there.
        roles: The agents' tasks; one where the scenario names no agents.
        row: Parameters of a row, (np,).
        columns: Columns of the state.
    """

    scenario: Scenario
    roles: tuple[Role, ...]
    row: Array
    columns: Columns

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of several agents; empty for one that the scenario does not name."""
        return tuple(role.name for role in self.scenario.agents)

    @property
    def heard(self) -> int:
        """How many transmitters are heard."""
        return int(self.row[pm.P.heard])

    def tables(self, shown: Array) -> tuple[Array, ...]:
        """Return all tables, in the order of :data:`gym_suite.radio.columns.T`.

        Args:
            shown: What makes each metric, (nm, 3); see :data:`gym_suite.radio.columns.SHOWN`.
        """
        goodput = int(self.row[pm.P.reward]) == pm.REWARD_GOODPUT
        tables = (*_air_tables(self.scenario, goodput), _roles_table(self), shown)
        for table in tables:  # to the compiler arrays that can be written are of another type
            table.setflags(write=False)
        return tables


def band_of(
    scenario: Scenario,
    *,
    history: object = 4,
    physics: object = "perfect",
    sensing: object = "all",
    reward: object = "peer",
    switching_cost: object = 0.0,
    tolerance: object = 0.0,
    samples: object = 100,
    false_alarm: object = 0.01,
) -> Band:
    """Return the numbers of a scenario.

    Args:
        scenario: Who is there, and what the agents are to do.
        history: Steps that an observation goes back.
        physics: One of :data:`gym_suite.radio.parameters.PHYSICS`.
        sensing: One of :data:`gym_suite.radio.parameters.SENSING`.
        reward: One of :data:`gym_suite.radio.parameters.REWARDS`.
        switching_cost: Cost of transmitting on another channel than in the step before.
        tolerance: Part of a step that may be interfered with before it is lost.
        samples: Complex samples of a channel that the detector averages.
        false_alarm: Its probability of false alarm at the nominal noise power.

    Raises:
        ValueError: For a value out of bounds, or an unknown name, naming the nearest.
    """
    physics = check_option("physics", physics, pm.PHYSICS)
    count = whole("samples", samples, 1, MAX_IQ_SAMPLES if physics == "iq" else 10_000_000)
    alarm = check_number("false_alarm", false_alarm, above=0.0, high=0.999999)
    goal, n, agents = scenario.goal, len(scenario.entities), len(scenario.agents)
    steps = whole("history", history, 1, pm.MAX_HISTORY)
    heard = n + agents if agents > 1 else n
    late = [int(e.reaction) + 1 for e in scenario.entities if e.kind == "follower"]
    late += [e.window - 1 for e in scenario.entities if e.kind == "predictor"]
    past = max(late, default=0)
    values: Mapping[str, float] = {
        "channels": scenario.channels,
        "entities": n,
        "agents": max(1, agents),
        "heard": heard,
        "past": past,
        "history": steps,
        "physics": pm.PHYSICS.index(physics),
        "sensing": pm.SENSING.index(check_option("sensing", sensing, pm.SENSING)),
        "reward": pm.REWARDS.index(check_option("reward", reward, pm.REWARDS)),
        "switching_cost": check_number("switching_cost", switching_cost, low=0.0),
        "tolerance": check_number("tolerance", tolerance, low=0.0, high=0.999999),
        "samples": count,
        "threshold": detector_threshold(alarm, count) if physics != "perfect" else 0.0,
        "noise_power": 1.0,
        "power": 1.0,
        "partial": scenario.has_bursts
        or any(KIND[entity.kind].partial for entity in scenario.entities),
        "receives": agents < 2,
        "fading": pm.FADINGS.index(scenario.link.fading),
        "link_snr": scenario.link.received,
        "payload": scenario.link.packet if goal == "access" else 0.0,
        "packet": scenario.link.packet,
    }
    roles = scenario.agents or (
        Role(name="agent", goal=goal, observation=scenario.observation, target=scenario.target),
    )
    return Band(
        scenario=scenario,
        roles=roles,
        row=np.array([values[name] for name in PARAMETERS.names], dtype=np.float64),
        columns=state_columns(
            tuple(entity.name for entity in scenario.entities),
            tuple(role.name for role in scenario.agents),
            pointer_bounds(scenario),
            channels=scenario.channels,
            heard=heard,
            past=past,
            history=steps,
        ),
    )


def pointer_bounds(scenario: Scenario) -> list[tuple[int, int]]:
    """Return between what each entity's pointer stays: places of patterns and tables, channels, or states."""
    bounds = []
    for entity in scenario.entities:
        most = {
            "channel": scenario.channels - 1,
            "channels": len(entity.channels),
            "table": len(entity.table),
        }
        pointer = KIND[entity.kind].pointer
        high = pointer if isinstance(pointer, int) else most[pointer]
        # Below 0 a table is played that is silent in this step.
        bounds.append((-len(entity.table), high))
    return bounds


# ---------------------------------------------------------------------------------------------- tables


def _air_tables(scenario: Scenario, goodput: bool) -> tuple[Array, ...]:
    """Return the tables of what is in the air, of the entities to the agent's link.

    Args:
        scenario: Who is there.
        goodput: Whether packets are lost by the SINR, for which a table of their hazard is needed.
    """
    link, channels = scenario.link, scenario.channels
    rows: list[dict[str, float]] = []
    lists: list[tuple[float, float]] = []
    played: list[Array] = [np.zeros((1, 2 * channels + 1))]
    symbols, first = symbol_table()
    pulses: dict[tuple[str, float], int] = {}
    for entity in scenario.entities:
        place, count = len(lists), len(entity.channels)
        if entity.table:
            place, count = sum(map(len, played)), len(entity.table)
            played.append(_powers_played(entity, channels, link.noise))
        waves = wave_columns(entity.sends, first, pulses)
        rows.append(_entity_row(entity, scenario) | waves | {"first": place, "rows": count})
        weights = entity.weights or (1.0 / max(1, count),) * len(entity.channels)
        lists += zip(entity.channels, np.cumsum(weights).tolist(), strict=True)
    agent = {"snr": 10.0 ** (link.received / 10.0)} | wave_columns(link.waveform, first, pulses)
    return (
        _rows(rows, ENTITY),
        np.array(lists, dtype=np.float64).reshape(len(lists), 2),
        np.concatenate(played),
        hazard_table(link.modulation) if goodput else np.zeros((1, 1)),
        symbols,
        np.concatenate([pulse_taps(*pulse) for pulse in pulses]),
        ziggurat_table(),
        _rows([agent], ENTITY),
    )


def _rows(given: Sequence[Mapping[str, Any]], columns: Columns) -> Array:
    """Return a table with a row for each mapping from column to number, at least one; what is not named is 0."""
    table = np.zeros((max(1, len(given)), len(columns)))
    for row, numbers in zip(table, given, strict=False):
        for name, number in numbers.items():
            row[columns.index(name)] = number
    return table


def _entity_row(entity: Entity, scenario: Scenario) -> dict[str, float]:
    """Return what the table of entities holds of one, but for its waveform and its list."""
    kind, snr = KIND[entity.kind], entity.snr
    if entity.power is not None:
        snr = scenario.link.snr_from(entity.power, entity.distance)
    first, on, off = entity.on_off
    return {name: float(getattr(entity, name)) for name in GIVEN.names} | {
        "kind": getattr(K, entity.kind),
        "on_first": first,
        "on": on,
        "off": off,
        "width": scenario.channels if kind.wide else entity.width,
        "primary": entity.is_primary,
        "snr": 10.0 ** (snr / 10.0),
        "steady": _is_steady(entity),
    }


def _is_steady(entity: Entity) -> bool:
    """Return whether an entity acts in every step and its on/off clock says nothing."""
    kind, (first, on, off) = KIND[entity.kind], entity.on_off
    always = entity.start <= 0 and entity.stop >= FOREVER and first == 1 and on > 0 and off == 0
    return always and not (kind.clocked and on > 1) and not kind.partial


def _powers_played(entity: Entity, channels: int, noise: float) -> Array:
    """Return what an entity plays back, as the table has it, from dBm and the noise power in dBm."""
    powers = np.array(entity.table)
    occupied = powers >= entity.level
    lowest = np.where(occupied.any(axis=1), occupied.argmax(axis=1), -1)
    return np.column_stack([10.0 ** ((powers - noise) / 10.0), occupied, lowest]).reshape(
        len(powers), 2 * channels + 1
    )


def _roles_table(band: Band) -> Array:
    """Return the agents' tasks, and how each sees what was sensed."""
    several = band.heard > len(band.scenario.entities)
    jam = GOAL_HIT if several else GOAL_JAM
    rows = []
    for role in band.roles:
        classifies = role.observation == "classify"
        most = band.heard + 1.0 if classifies else 1.0
        rows.append(
            {
                "goal": jam if role.goal == "jam" else GOAL_ACCESS,
                "target": band.scenario.number_of(role.target),
                "observation": pm.OBSERVATIONS.index(role.observation),
                "most": most,
                "unit": 1.0 / most,
                # Of one agent -1 is a code like the others; that of several was published as it is.
                "unknown": -1.0 if several else -1.0 / most,
            }
        )
    return _rows(rows, ROLES)
