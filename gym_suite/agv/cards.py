"""The ids of the family: who drives where, and what drives it."""

from __future__ import annotations

from typing import Any

from gym_suite.core.cards import BASELINES, Card, Protocol

_HOME = "gym_suite.agv.controllers"
_DRIVERS = {
    "a_star": f"{_HOME}.pursuit:Pursuit",
    "dwa": f"{_HOME}.pursuit:DynamicWindow",
    "mppi": f"{_HOME}.mppi:MPPI",
    "mppi-tuned": f"{_HOME}.mppi:TunedMPPI",
}
#: What was trained in the four scenes: the experiment of ``examples/exploration.py``.
EXPLORERS = ("ppo", "ppo-rnd", "ppo-count", "ppo-dagger")


def _vehicle(
    name: str, steps: int, summary: str, *, task: str, scene: str, laws: dict[str, str], **more: Any
) -> Card:
    return Card(
        id=f"agv/{name}-v0",
        family="agv",
        summary=summary,
        base="gym_suite.agv.envs.base:AGVEnv",
        module="gym_suite.agv.envs",
        facets={"task": task, "scene": scene},
        max_episode_steps=steps,
        controllers={**laws, **BASELINES},
        strong=("mppi-tuned",) if "mppi-tuned" in laws else (),
        protocol=Protocol(metrics=("success", "TimeToGoal", "violations")),
        **more,
    )


def _scene(name: str, steps: int, summary: str, where: str, learned: tuple[str, ...] = ()) -> Card:
    return _vehicle(
        name.title().replace("_", ""),
        steps,
        summary,
        task="target",
        scene=name,
        laws=_DRIVERS,
        tags=("navigation",),
        learned=learned,
        prose=f"## Description\n\n{where}",
    )


_YIN = (
    "That there are four scenes (simple or complex, static or dynamic), continuous actions and positions, a sparse "
    'reward and a cap of so many steps is Yin et al., "Random Network Distillation Based Deep Reinforcement Learning '
    'for AGV Path Planning", arXiv:2404.12594, of which only abstract and summaries could be read; map, vehicle, '
    "sensor, control period and all numbers are ours."
)
_BAY = f"The floor is a walled bay of 12 m x 11.5 m with one block in its middle. {_YIN}"
_RACKS = (
    "The floor is a hall of 25.5 m x 17.5 m with twelve racks, aisles that are shut and a dead end. "
    f"{_YIN}"
)
CARDS = (
    _scene(
        "simple_static", 2000, "a vehicle with lidar drives to a target in a bay", _BAY, EXPLORERS
    ),
    _scene(
        "simple_dynamic",
        2000,
        "a vehicle with lidar catches a walking target in a bay",
        _BAY,
        EXPLORERS,
    ),
    _scene(
        "complex_static",
        3000,
        "a vehicle with lidar drives to a target among racks",
        _RACKS,
        EXPLORERS,
    ),
    _scene(
        "complex_dynamic",
        4000,
        "a vehicle with lidar catches a walking target among racks",
        _RACKS,
        EXPLORERS,
    ),
    _vehicle(
        "Dock",
        1000,
        "a vehicle docks within 5 cm and 3 degrees",
        task="dock",
        scene="dock",
        laws={"move_to_pose": f"{_HOME}.docking:MoveToPose"},
        tags=("docking",),
    ),
    _vehicle(
        "Fleet",
        3000,
        "vehicles with targets of their own share a warehouse (PettingZoo)",
        task="fleet",
        scene="fleet",
        laws={
            "cooperative": f"{_HOME}.cooperative:CooperativeFleet",
            "orca": f"{_HOME}.fleet:ReciprocalFleet",
            "a_star": _DRIVERS["a_star"],
        },
        agents="several",
        tags=("navigation", "multi-agent"),
    ),
)
