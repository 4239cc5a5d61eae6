"""The catalogue: every id as data, and its way into Gymnasium's and PettingZoo's registries.

Only strings and numbers here: nothing of a family is imported before an environment is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import gymnasium

from gym_suite.core.parameters import unknown_error

DO_NOTHING = "gym_suite.controllers.baselines:DoNothing"
RANDOM = "gym_suite.controllers.baselines:RandomAgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One id of the catalogue.

    Attributes:
        id: The environment's id.
        family: The family's name.
        summary: One line.
        entry_point: ``"module:Class"`` of the single environment; empty for ids of several agents only.
        vector_entry_point: ``"module:Class"`` of the native vector environment.
        parallel_entry_point: ``"module:Class"`` of the PettingZoo environment, where there are several agents.
        keywords: Keyword arguments that make the id out of its class, where that class serves several ids.
        max_episode_steps: Time limit; None where the id truncates by itself.
        tags: For filtering.
        controllers: Name to ``"module:Class"``; the first is the reference.
        learned: Names of the methods of which policies ship.
        settings: Named keywords under which the id is judged too, besides its defaults ("nominal").
    """

    id: str
    family: str
    summary: str
    entry_point: str = ""
    vector_entry_point: str = ""
    parallel_entry_point: str = ""
    keywords: Mapping[str, Any] = field(default_factory=dict)
    max_episode_steps: int | None = None
    tags: tuple[str, ...] = ()
    controllers: Mapping[str, str] = field(default_factory=dict)
    learned: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def setting(self, name: str) -> Mapping[str, Any]:
        """Return the keywords of one of the id's own settings.

        Args:
            name: Of the setting; "nominal" has no keywords.

        Raises:
            ValueError: If there is no such setting, naming the nearest.
        """
        own = {"nominal": {}, **self.settings}
        if name not in own:
            raise unknown_error(f"setting of {self.id}", name, own)
        return own[name]


def _drive(name: str, drive: str, law: str, summary: str, **more: Any) -> Card:
    reference = f"gym_suite.motors.controllers.field_oriented:{law}"
    return Card(
        id=f"gem/{name}",
        family="motors",
        summary=summary,
        entry_point=f"gym_suite.motors.envs:{drive}Env",
        vector_entry_point=f"gym_suite.motors.envs:{drive}VectorEnv",
        controllers={"pi": reference, "zero": DO_NOTHING, "random": RANDOM},
        **more,
    )


def _drone(name: str, env: str, summary: str, **more: Any) -> Card:
    home = "gym_suite.drones.controllers"
    laws = {
        "geometric": f"{home}.geometric:Geometric",
        "lqr": f"{home}.lqr:HoverLQR",
        "pid": f"{home}.pid:PeerPID",
        "zero": DO_NOTHING,
        "random": RANDOM,
    }
    return Card(
        id=f"drones/{name}",
        family="drones",
        summary=summary,
        entry_point=f"gym_suite.drones.envs:{env}Env",
        vector_entry_point=f"gym_suite.drones.envs:{env}VectorEnv",
        max_episode_steps=480,
        settings={"compiled": {"engine": "compiled"}},
        controllers=more.pop("controllers", laws),
        **more,
    )


def _band(name: str, env: str, reference: str, summary: str, *more: str, **fields: Any) -> Card:
    home = "gym_suite.radio.controllers"
    laws = {
        "sense_avoid": f"{home}.sensing:SenseAndAvoid",
        "markov": f"{home}.sensing:MarkovPredictor",
        "table": f"{home}.sensing:PatternTable",
        "evader": f"{home}.sensing:Evader",
        "hopper": f"{home}.sensing:UniformHopper",
        "ucb1": f"{home}.bandits:UCB1",
        "sw_ucb": f"{home}.bandits:SlidingWindowUCB",
        "thompson": f"{home}.bandits:Thompson",
        "exp3": f"{home}.bandits:EXP3",
        "myopic": f"{home}.sensing:Myopic",
        "whittle": f"{home}.sensing:Whittle",
        "q_learning": f"{home}.learning:QLearning",
        "clairvoyant": f"{home}.clairvoyant:Clairvoyant",
    }
    names = (reference, *(name for name in more if name != reference))
    return Card(
        id=f"radio/{name}",
        family="radio",
        summary=summary,
        entry_point=f"gym_suite.radio.envs:{env}Env",
        vector_entry_point=f"gym_suite.radio.envs:{env}VectorEnv",
        controllers={n: laws[n] for n in names} | {"zero": DO_NOTHING, "random": RANDOM},
        **fields,
    )


def _shared_band(name: str, summary: str, laws: Mapping[str, str], tag: str) -> Card:
    home = "gym_suite.radio.controllers.games"
    return Card(
        id=f"radio/{name}-v0",
        family="radio",
        summary=summary,
        parallel_entry_point=f"gym_suite.radio.envs:{name}ParallelEnv",
        tags=(tag, "multi-agent"),
        controllers={key: f"{home}:{law}" for key, law in laws.items()}
        | {"zero": DO_NOTHING, "random": RANDOM},
    )


_BANDITS = ("ucb1", "sw_ucb", "thompson", "exp3", "hopper", "q_learning", "clairvoyant")


#: What was trained in the warehouse's scenes: the experiment of ``examples/exploration.py``.
EXPLORERS = ("ppo", "ppo-rnd", "ppo-count", "ppo-dagger")


def _vehicle(name: str, steps: int, summary: str, **more: Any) -> Card:
    laws = {
        "a_star": "gym_suite.agv.controllers.pursuit:Pursuit",
        "dwa": "gym_suite.agv.controllers.pursuit:DynamicWindow",
        "mppi": "gym_suite.agv.controllers.mppi:MPPI",
    }
    return Card(
        id=f"agv/{name}-v0",
        family="agv",
        summary=summary,
        entry_point=f"gym_suite.agv.envs:{name}Env",
        vector_entry_point=f"gym_suite.agv.envs:{name}VectorEnv",
        max_episode_steps=steps,
        **(
            {"tags": ("navigation",), "controllers": laws | {"zero": DO_NOTHING, "random": RANDOM}}
            | more
        ),
    )


_CARDS = (
    _drive(
        "PMSM-v0",
        "PMSM",
        "CurrentControl",
        "dq current control of a permanent-magnet synchronous machine at 10 kHz",
        max_episode_steps=2000,
        tags=("current", "pmsm"),
        learned=("ppo",),
    ),
    _drive(
        "PMSM-Speed-v0",
        "PMSMSpeed",
        "SpeedControl",
        "speed control of a permanent-magnet synchronous machine at 10 kHz",
        tags=("speed", "pmsm"),
    ),
    _drive(
        "PMSM-DriveCycle-v0",
        "PMSMDriveCycle",
        "SpeedControl",
        "an electric car follows the WLTC class 3b by torque commands at 100 Hz",
        tags=("speed", "pmsm", "vehicle"),
        learned=("ppo",),
    ),
    _band(
        "Access-v0",
        "Access",
        "table",
        "dynamic spectrum access: transmit where nobody will be",
        "markov",
        "sense_avoid",
        *_BANDITS,
        tags=("access",),
        learned=("ppo",),
        settings={"icmla_3": {"scenario": "paper_s3"}, "icmla_4": {"scenario": "paper_s4"}},
    ),
    _band(
        "Jamming-v0",
        "Jamming",
        "table",
        "jam a target: transmit where it will be alone",
        "markov",
        "sense_avoid",
        *_BANDITS,
        tags=("jamming",),
        learned=("ppo",),
        settings={"icmla_1": {"scenario": "paper_s1"}, "icmla_2": {"scenario": "paper_s2"}},
    ),
    _band(
        "GilbertElliott-v0",
        "GilbertElliott",
        "myopic",
        "use one of several channels that turn good and bad unseen",
        "whittle",
        "markov",
        *_BANDITS,
        tags=("access", "partial observation"),
        learned=("ppo",),
    ),
    _band(
        "AntiJamming-v0",
        "AntiJamming",
        "evader",
        "keep a link alive against a follower, sweep, random or barrage jammer",
        "sense_avoid",
        "markov",
        *_BANDITS,
        tags=("anti-jamming",),
        learned=("ppo",),
    ),
    _shared_band(
        "MultiAccess",
        "several agents share a band, each with access or a target (PettingZoo)",
        {"schedule": "Schedule", "musical_chairs": "MusicalChairs"},
        "access",
    ),
    _shared_band(
        "JammingGame",
        "a transmitter against jammers, a zero-sum game with a known value (PettingZoo)",
        {"minimax": "Minimax", "fictitious": "FictitiousPlay"},
        "anti-jamming",
    ),
    _vehicle(
        "SimpleStatic", 2000, "a vehicle with lidar drives to a target in a bay", learned=EXPLORERS
    ),
    _vehicle(
        "SimpleDynamic",
        2000,
        "a vehicle with lidar catches a walking target in a bay",
        learned=EXPLORERS,
    ),
    _vehicle(
        "ComplexStatic",
        3000,
        "a vehicle with lidar drives to a target among racks",
        learned=EXPLORERS,
    ),
    _vehicle(
        "ComplexDynamic",
        4000,
        "a vehicle with lidar catches a walking target among racks",
        learned=EXPLORERS,
    ),
    _vehicle(
        "Dock",
        1000,
        "a vehicle docks within 5 cm and 3 degrees",
        tags=("docking",),
        controllers={
            "move_to_pose": "gym_suite.agv.controllers.docking:MoveToPose",
            "zero": DO_NOTHING,
            "random": RANDOM,
        },
    ),
    Card(
        id="agv/Fleet-v0",
        family="agv",
        summary="vehicles with targets of their own share a warehouse (PettingZoo)",
        parallel_entry_point="gym_suite.agv.envs:FleetParallelEnv",
        max_episode_steps=3000,
        tags=("navigation", "multi-agent"),
        controllers={
            "orca": "gym_suite.agv.controllers.fleet:ReciprocalFleet",
            "a_star": "gym_suite.agv.controllers.pursuit:Pursuit",
            "zero": DO_NOTHING,
            "random": RANDOM,
        },
    ),
    _drone(
        "Hover-v0",
        "Hover",
        "a quadcopter flies from a random start to a point and stays there",
        tags=("hover", "quadcopter"),
        learned=("ppo",),
    ),
    _drone(
        "Track-v0",
        "Track",
        "a quadcopter follows a circle, a lemniscate, a helix or a table",
        tags=("tracking", "quadcopter"),
        learned=("ppo",),
    ),
    _drone(
        "MultiHover-v0",
        "MultiHover",
        "quadcopters hover side by side",
        parallel_entry_point="gym_suite.drones.envs:MultiHoverParallelEnv",
        tags=("hover", "quadcopter", "agents"),
        learned=("ppo",),
    ),
    _drone(
        "Formation-v0",
        "Formation",
        "quadcopters fly in a ring and swap places with the opposite one",
        parallel_entry_point="gym_suite.drones.envs:FormationParallelEnv",
        tags=("tracking", "quadcopter", "agents"),
        controllers={
            "avoiding": "gym_suite.drones.controllers.avoidance:Avoiding",
            "zero": DO_NOTHING,
            "random": RANDOM,
        },
    ),
)
_CATALOGUE = MappingProxyType({card.id: card for card in _CARDS})


#: Family to ``"module:function"`` of what it measures besides its environments; see :mod:`gym_suite.bench`.
BENCHMARKS: Mapping[str, str] = MappingProxyType({"drones": "gym_suite.drones.benchmarks:cases"})


def catalogue() -> Mapping[str, Card]:
    """Return all ids with their cards."""
    return _CATALOGUE


def card(id: str) -> Card:
    """Return the card of an id; a "gym_suite:" in front is allowed.

    Raises:
        ValueError: If there is no such id, naming the nearest.
    """
    name = id.removeprefix("gym_suite:") if isinstance(id, str) else id
    if name not in _CATALOGUE:
        raise unknown_error("id", id, _CATALOGUE)
    return _CATALOGUE[name]


def register_all() -> None:
    """Put every id into the registries; calling it again changes nothing."""
    for entry in _CARDS:
        if entry.id in gymnasium.registry:
            continue
        single = entry.entry_point or "gym_suite.registration:refuse_single"
        gymnasium.register(
            entry.id,
            entry_point=single,
            vector_entry_point=entry.vector_entry_point or None,
            max_episode_steps=entry.max_episode_steps,
            kwargs=dict(entry.keywords) if entry.entry_point else {"id": entry.id},
        )
    parallel = [entry for entry in _CARDS if entry.parallel_entry_point]
    if parallel:
        import pettingzoo

        for entry in parallel:
            pettingzoo.register(
                "parallel",
                entry.id,
                entry_point=entry.parallel_entry_point,
                max_cycles=entry.max_episode_steps,
                **entry.keywords,
            )


def refuse_single(*, id: str, **keywords: Any) -> None:
    """Stand in for the single environment of an id that exists only for several agents.

    Raises:
        ValueError: Always; names what to call.
    """
    raise ValueError(
        f"{id} has several agents: make it with gym_suite.parallel_env({id!r}), a PettingZoo ParallelEnv"
    )


def load(entry: str) -> Any:
    """Return the object of a ``"module:name"`` string."""
    import importlib

    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


def parallel_env(id: str, **keywords: Any) -> Any:
    """Return the PettingZoo ParallelEnv of an id with several agents.

    Args:
        id: An id of the catalogue; a "gym_suite:" in front is allowed.
        **keywords: The environment's keyword arguments.

    Raises:
        ValueError: If the id is unknown or has one agent.
    """
    entry = card(id)
    if not entry.parallel_entry_point:
        raise ValueError(f"{entry.id} has one agent: make it with gymnasium.make({entry.id!r})")
    given = dict(entry.keywords) | keywords
    if entry.max_episode_steps is not None:
        given.setdefault("max_episode_steps", entry.max_episode_steps)
    return load(entry.parallel_entry_point)(**given)


def make_controller(env: Any, name: str | None = None, **overrides: Any) -> Any:
    """Return a tuned controller for an environment.

    Args:
        env: A single or vector environment of this package, wrapped or not.
        name: One of the id's controllers; the reference one by default.
        **overrides: The controller's own keyword arguments.

    Raises:
        ValueError: If the id has no such controller, naming the nearest.
        TypeError: If the environment is not of this package.
    """
    setup = getattr(getattr(env, "unwrapped", None), "setup", None)
    if setup is None:
        raise TypeError(f"controllers are for environments of this package, got {env!r}")
    entry = card(setup.id)
    if name is None:
        name = next(iter(entry.controllers))
    if name not in entry.controllers:
        raise unknown_error(f"controller of {entry.id}", name, entry.controllers)
    return load(entry.controllers[name]).for_env(env, **overrides)
