"""From keyword arguments to a setup: the scenario of each task, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.family import Setup
from gym_suite.core.parameters import check_option
from gym_suite.radio import loops, tasks
from gym_suite.radio.air.iq import work_size
from gym_suite.radio.bounds.marks import scenario_marks
from gym_suite.radio.bounds.sharing import sharing_marks
from gym_suite.radio.envs import columns
from gym_suite.radio.envs.options import TASKS, Options
from gym_suite.radio.envs.own_laws import engine_of
from gym_suite.radio.parameters import OBSERVATIONS, PARAMETERS, PLANT_PARAMETERS
from gym_suite.radio.scenario import bands
from gym_suite.radio.scenario.kinds import KIND
from gym_suite.radio.scenario.mapping import read_link, read_mapping
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.scenario.reading import read_scenario
from gym_suite.radio.tables import Band, band_of

DT = 0.01  # s, one step: the slot of IEEE 802.22 frames
_IDS = {"access": "radio/Access-v0", "jam": "radio/Jamming-v0"}


def one_agent(id: str, task: str, options: Options) -> Setup:
    """Return the setup of one agent in a band.

    Args:
        id: For errors.
        task: One of those of :data:`BANDS`.
        options: As a user gave them.

    Raises:
        ValueError: For an unknown value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        FileNotFoundError: For a scenario file that does not exist.
    """
    scenario = _linked(BANDS[task](id, options), options.link)
    if options.reward == "goodput" and scenario.goal == "jam":
        raise ValueError(f"reward 'goodput' is of the agent's own packets, which {id} has not")
    band = band_of(
        scenario,
        history=options.history,
        physics=options.physics,
        sensing=options.sensing,
        reward=options.reward,
        switching_cost=options.switching_cost,
        tolerance=options.tolerance,
        samples=options.samples,
        false_alarm=options.false_alarm,
    )
    terms = columns.reward_terms(band, options.reward)
    told, shown = columns.metrics(terms)
    keywords = _plain(TASKS[task].as_given(options)) | {"link": scenario.link.to_dict()}
    if "scenario" in keywords:
        keywords["scenario"] = scenario.to_dict()
    scratch = work_size(int(options.samples)) if options.physics == "iq" else 0
    return _setup(
        id,
        band,
        options,
        shown,
        kernels=loops.PERFECT if options.physics == "perfect" else loops.DETECTING,
        metric_columns=told,
        terms=terms,
        plant_parameters=PLANT_PARAMETERS,
        violation="primary" if scenario.goal == "access" else "",
        avoidable=False,
        work_size=max(tasks.work_size(1), scratch),
        renderer="gym_suite.radio.render:RadioRenderer",
        keywords=keywords,
        marks=partial(scenario_marks, scenario, keywords, [term.name for term in terms]),
    )


def several_agents(id: str, task: str, options: Options) -> Setup:
    """Return the setup of several agents in one band, each with a task of its own.

    Args:
        id: For errors.
        task: The task.
        options: As a user gave them.

    Raises:
        ValueError: For an unknown value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        FileNotFoundError: For a scenario file that does not exist.
    """
    scenario = read_scenario(options.scenario)
    if not scenario.agents:
        raise ValueError(f"{id} takes scenarios of several agents; {scenario.name!r} has one")
    for entity in scenario.entities:
        if KIND[entity.kind].tracks and len(scenario.agents) > 1:
            raise ValueError(
                f"scenario.entities.{entity.name}.kind: a {entity.kind} goes after the only agent; where "
                "there are several a simple_jammer goes after whoever transmits alone"
            )
    band = band_of(scenario, history=options.history)
    told, shown = columns.team_metrics(band.agents)
    keywords = TASKS[task].as_given(options) | {"scenario": scenario.to_dict()}
    return _setup(
        id,
        band,
        options,
        shown,
        kernels=loops.PERFECT,
        metric_columns=told,
        terms=(columns.SERVICE,),
        agents=band.agents,
        work_size=tasks.work_size(len(band.roles)),
        renderer="gym_suite.radio.render:TeamRenderer",
        keywords=keywords,
        marks=partial(sharing_marks, scenario),
    )


def _setup(id: str, band: Band, options: Options, shown: np.ndarray, **own: Any) -> Setup:
    """Return a setup with what follows from the band alone."""
    scenario, history = band.scenario, int(options.history)
    seen = columns.observations(band, history)
    sensed = seen.names[: history * scenario.channels]
    physical = own.get("plant_parameters", ())
    return Setup(
        id=id,
        family="radio",
        dt=DT,
        state_columns=band.columns,
        action_columns=Columns(),
        observation_columns=seen,
        parameter_columns=PARAMETERS,
        row=band.row,
        tables=band.tables(shown),
        measured=sensed,
        horizon=scenario.steps,
        actions=scenario.channels + 1,
        info_arrays=_info_arrays(band),
        engine=engine_of(scenario, band.columns.names),
        **own,
        **options.read(seen, sensed, PARAMETERS, physical, ()).setup,
    )


def _info_arrays(band: Band) -> tuple[tuple[str, int, int], ...]:
    """Return the runs of state columns that ``info`` shows as arrays of whole numbers."""
    scenario = band.scenario
    runs = {
        "entity_actions": ("action_", len(scenario.entities)),
        "agent_actions": ("channel_", len(band.agents)),
        "occupancy": ("occupancy_", scenario.channels),
        "peer_observation": ("peer_", scenario.channels),
    }
    del runs["peer_observation" if band.agents else "agent_actions"]
    names = {
        "action_": [entity.name for entity in scenario.entities],
        "channel_": list(band.agents),
    }
    result = []
    for name, (prefix, count) in runs.items():
        first = names.get(prefix, ["0"])
        start = band.columns.index(prefix + first[0]) if count else 0
        result.append((name, start, start + count))
    return tuple(result)


def _plain(keywords: Mapping[str, Any]) -> dict[str, Any]:
    return {k: dict(v) if isinstance(v, Mapping) else v for k, v in keywords.items()}


# ------------------------------------------------------------------------------------------ scenarios


def _linked(scenario: Scenario, link: Any) -> Scenario:
    """Return the scenario with the link as the keyword changes it."""
    if link is None:
        return scenario
    if isinstance(link, Mapping):
        before = scenario.link.to_dict()
        if "snr" in link and "power" not in link:  # what arrives is said, so what is sent is not
            before = {k: v for k, v in before.items() if k not in ("power", "distance")}
        link = before | dict(link)
    return replace(scenario, link=read_link("link", link))


def _read(goal: str, id: str, options: Options) -> Scenario:
    """Return the scenario that the user names, with the observation that the keywords ask for."""
    scenario = read_scenario(options.scenario)
    if scenario.agents:
        raise ValueError(
            f"{id} has one agent; {scenario.name!r} has {len(scenario.agents)} and belongs to "
            "radio/MultiAccess-v0"
        )
    if scenario.goal != goal:
        raise ValueError(
            f"{id} takes scenarios whose goal is {goal!r}; {scenario.name!r} has goal "
            f"{scenario.goal!r} and belongs to {_IDS[scenario.goal]}"
        )
    given = options.observation
    if given is not None:
        check_option("observation", given, OBSERVATIONS)
    if options.physics != "perfect":
        if given == "classify":
            raise ValueError("observation='classify' needs physics='perfect': energy has no name")
        given = "detect"
    if given is None or given == scenario.observation:
        return scenario
    return read_mapping(scenario.to_dict() | {"observation": given})


def _gilbert_elliott(id: str, options: Options) -> Scenario:
    return bands.gilbert_elliott(
        channels=options.channels,
        p01=options.p01,
        p11=options.p11,
        steps=options.steps,
        snr=options.snr,
    )


def _anti_jamming(id: str, options: Options) -> Scenario:
    return bands.anti_jamming(
        channels=options.channels, jammer=options.jammer, steps=options.steps, snr=options.snr
    )


#: The band of each task of one agent.
BANDS: Mapping[str, Callable[[str, Options], Scenario]] = {
    "access": partial(_read, "access"),
    "jamming": partial(_read, "jam"),
    "gilbert_elliott": _gilbert_elliott,
    "anti_jamming": _anti_jamming,
}
