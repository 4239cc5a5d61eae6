"""Several agents in one band: from keywords to a setup, and the id's page."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Kernels, Setup
from gym_suite.core.ids import IdEnv, IdParallelEnv
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords
from gym_suite.radio import parameters as pm
from gym_suite.radio.bounds.sharing import sharing_marks
from gym_suite.radio.envs.setup import DT, entity_tables, pointer_bounds
from gym_suite.radio.games import access
from gym_suite.radio.layout import X_ACTIONS
from gym_suite.radio.scenario import Entity, Scenario, read_scenario, whole

KERNELS = Kernels(
    step=access.step_batch,
    reset=access.reset_batch,
    observe=access.observe_batch,
    advance=access.advance_batch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of ``radio/MultiAccess-v0``.

    Attributes:
        scenario: A shipped name, a path, a mapping or a :class:`Scenario`, with agents.
        history: Steps that an observation goes back, 1 to 64.
        noise: Standard deviation added to the sensed channels.
        mismatch: Without effect: no parameter of the plant can depart from nominal.
        delay: Steps by which actions are late.
        disturbance: None; there are no channels to disturb.
    """

    scenario: Any = "marl_23"
    history: int = 4
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


def configure(id: str, **keywords: Any) -> Setup:
    """Return the setup of several agents in one band.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        FileNotFoundError: For a scenario file that does not exist.
    """
    check_keywords(keywords, [f.name for f in fields(Options)], f"keyword of {id}")
    options = Options(**keywords)
    scenario = _shared(id, read_scenario(options.scenario))
    history = whole("history", options.history, 1, 64)
    entities = tuple(entity.name for entity in scenario.entities)
    agents = tuple(role.name for role in scenario.agents)
    count, channels = len(entities) + len(agents), scenario.channels
    observations = _sensed(scenario, history)
    sensed = observations.names[: history * channels]
    read_disturbance(options.disturbance, ())
    first = X_ACTIONS
    spans = {
        "entity_actions": (first, first + len(entities)),
        "agent_actions": (first + len(entities), first + count),
        "occupancy": (first + count, first + count + channels),
    }
    given = {"channels": channels, "entities": count, "history": history}
    values = dict.fromkeys(pm.PARAMETERS.names, 0.0) | given | {"noise_power": 1.0, "power": 1.0}
    resolved = {f.name: getattr(options, f.name) for f in fields(options)}
    return Setup(
        id=id,
        family="radio",
        kernels=KERNELS,
        dt=DT,
        state_columns=access.state_columns(
            entities, pointer_bounds(scenario), agents, channels, history
        ),
        action_columns=Columns(),
        observation_columns=observations,
        metric_columns=_metrics(agents),
        parameter_columns=pm.PARAMETERS,
        row=np.array(list(values.values()), dtype=np.float64),
        tables=_tables(scenario),
        measured=sensed,
        horizon=scenario.steps,
        agents=agents,
        actions=channels + 1,
        idle_action=0,
        work_size=count,
        mismatch=read_mismatch(options.mismatch, pm.PARAMETERS, ()),
        noise=read_noise(options.noise, observations, sensed),
        delay=read_delay(options.delay),
        renderer="gym_suite.radio.games.render:AccessRenderer",
        info_arrays=tuple((name, *span) for name, span in spans.items()),
        keywords=resolved | {"scenario": scenario.to_dict()},
        marks=partial(sharing_marks, scenario),
    )


def _shared(id: str, scenario: Scenario) -> Scenario:
    """Return a scenario with at least two agents, none of whose entities follows one agent alone."""
    if len(scenario.agents) < 2:
        raise ValueError(
            f"{id} takes scenarios of several agents; {scenario.name!r} has "
            f"{len(scenario.agents) or 'one'}"
        )
    for entity in scenario.entities:
        if entity.kind == "follower":
            raise ValueError(
                f"scenario.entities.{entity.name}.kind: a follower follows the only agent; where "
                "there are several a simple_jammer goes after whoever transmits alone"
            )
    return scenario


def on_air(scenario: Scenario) -> Scenario:
    """Return the scenario with each agent as a transmitter behind the entities.

    Each is of a kind whose draws can be injected, and silent unless they are.
    """
    agents = (
        Entity(name=role.name, kind="stochastic_constant", channels=(0,), probability=0.0)
        for role in scenario.agents
    )
    return replace(scenario, entities=(*scenario.entities, *agents), agents=())


def _tables(scenario: Scenario) -> tuple[np.ndarray, ...]:
    names = [entity.name for entity in scenario.entities]
    roles = [
        (
            pm.GOALS.index(role.goal),
            names.index(role.target) + 1 if role.target is not None else 0,
            pm.OBSERVATIONS.index(role.observation),
        )
        for role in scenario.agents
    ]
    return (*entity_tables(on_air(scenario), goodput=False), np.array(roles, dtype=np.float64))


def _sensed(scenario: Scenario, history: int) -> Columns:
    """Return the columns of one agent's observation; what a code means is up to its role."""
    entities, agents = len(scenario.entities), len(scenario.agents)
    top = entities + agents + 1
    what = f"busy, or number of who is there over {top}; -1: before the episode"
    sensed = [
        Column(f"sensed_{k}_{c}", "1", -1, 1, f"channel {c}, {k} steps ago; {what}")
        for k in range(history)
        for c in range(scenario.channels)
    ]
    actions = [
        Column(f"last_action_{k}", "1", 0, 1, f"1 if the last action was {k}")
        for k in range(scenario.channels + 1)
    ]
    ack = Column("ack", "1", -1, 1, "1: served or hit, -1: lost, 0: silent")
    who = [Column(f"is_{role.name}", "1", 0, 1, f"1 for {role.name}") for role in scenario.agents]
    return Columns(*sensed, *actions, ack, *who)


def _metrics(agents: tuple[str, ...]) -> Columns:
    return Columns(
        Column("reward_service", "1", -1, 1, "mean over the agents: served or hit +1, lost -1"),
        Column("delivered", "1", 0, len(agents), "agents that were served or hit"),
        Column("collided", "1", 0, len(agents), "agents that shared a channel with another agent"),
        *(Column(f"channel_{a}", "1", -1, pm.MAX_CHANNELS, f"channel of {a}") for a in agents),
        *(Column(f"ack_{a}", "1", -1, 1, f"1: {a} was served, -1: lost") for a in agents),
    )


class MultiAccessEnv(IdEnv):
    """radio/MultiAccess-v0: several agents share a band with other transmitters.

    ## Description

    Several agents transmit in one band with others, each with a task of its own: to find a channel for itself
    (access), or to hit an entity (jam). Agents and entities move at the same time, and whoever reacts to others
    (agile users, simple jammers) reacts to agents too.

    The rules are those of RFRL Gym for several agents (arXiv 2410.21521): on a channel that two share neither is
    served; a jammer hits on its target's channel, whoever else is there, so jammers do not disturb each other.
    The five scenarios of that paper and one more ship (`marl_3`, `marl_8`, `marl_20`, `marl_22`, `marl_23`,
    `marl_10`); `scenario=` takes a shipped name, a JSON or TOML file, a mapping or a `Scenario` with `agents`
    (`gym_suite.radio.schema()`), and files of RFRL Gym as they are. The agents keep the order of the file. What
    they hear includes what they send themselves.

    ## Action Space

    `Discrete(11)` for each agent: 0 is silence, k transmits on channel k - 1 for the whole step.

    ## Observation Space

    `Box(float32)` of shape (56,) for each agent: what was sensed in the last 4 steps, newest first (`sensed_<steps
    ago>_<channel>`), the own last action one-hot (`last_action_<k>`), its acknowledgement `ack` (1 served or hit,
    -1 lost, 0 silent), and who the agent is, one-hot (`is_<agent>`). A channel is 0 (idle) or 1 (busy) for agents
    that detect; for those that classify it is a code over entities + agents + 1 (9): 0 idle, i entity i alone,
    entities + j agent j alone, entities + agents + 1 several. -1: before the episode.

    `info` holds, besides the reward term, `delivered` (agents served), `collided` (agents that shared a channel
    with another agent), `channel_<agent>` (-1: silent), `ack_<agent>`, and whole-number arrays: `entity_actions`
    and `agent_actions` (channels, -1: silent) and `occupancy` (codes as above).

    ## Rewards

    An agent with access earns +1 where it is alone, -1 where it is not, 0 for silence. An agent that jams earns
    +1 on its target's channel, -1 elsewhere, 0 for silence. `info` holds the mean over the agents:

    | Term             | Formula                                |
    |------------------|----------------------------------------|
    | `reward_service` | mean over the agents of +1, 0 or -1    |

    ## Starting State

    Step 0 is played at the reset with all agents silent; all chance comes from the seed.

    ## Episode End

    Truncation after the scenario's `steps` (500); nothing terminates an episode.

    ## Arguments

    `gym_suite.parallel_env` takes:

    | Name          | Default     | Meaning                                                     |
    |---------------|-------------|-------------------------------------------------------------|
    | `render_mode` | `None`      | `None`, `"rgb_array"` or `"human"`                          |
    | `scenario`    | `"marl_23"` | shipped name, path, mapping or `Scenario`, with agents      |
    | `history`     | `4`         | steps that an observation goes back, 1 to 64                |
    | `noise`       | `None`      | standard deviation added to the sensed channels             |
    | `mismatch`    | `None`      | without effect: nothing can depart from nominal             |
    | `delay`       | `0`         | steps by which actions are late                             |
    | `disturbance` | `None`      | there are no channels to disturb                            |

    ## Reference Controllers

    `schedule` (knows the scenario: goes where the target will be, and shares the free channels by rank) and
    `musical_chairs` (uses observations only: stays where it was served, else tries another channel).

    ## Parameters and Sources

    RFRL Gym with several agents: arXiv 2410.21521 (CCNC 2025). Musical Chairs: Rosenski, Shamir and Szlak, ICML
    2016.

    ## Version History

    * v0: first version.
    """

    id = "radio/MultiAccess-v0"

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, **keywords)


class MultiAccessParallelEnv(IdParallelEnv):
    """:class:`MultiAccessEnv` as a PettingZoo ParallelEnv."""

    single = MultiAccessEnv
