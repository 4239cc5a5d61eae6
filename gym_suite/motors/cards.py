"""The ids of the family, as data."""

from __future__ import annotations

from typing import Any

from gym_suite.core.cards import BASELINES, Card

_LAWS = "gym_suite.motors.controllers.field_oriented"


def _drive(name: str, machine: str, task: str, law: str, summary: str, **more: Any) -> Card:
    return Card(
        id=f"gem/{name}-v0",
        family="motors",
        summary=summary,
        base="gym_suite.motors.envs.base:MotorEnv",
        module="gym_suite.motors.envs",
        facets={"machine": machine, "task": task, "converter": "averaged"},
        controllers={"pi": f"{_LAWS}:{law}", **BASELINES},
        **more,
    )


CARDS = (
    _drive(
        "PMSM",
        "PMSM",
        "current",
        "CurrentControl",
        "dq current control of a permanent-magnet synchronous machine at 10 kHz",
        max_episode_steps=2000,
        tags=("current", "pmsm"),
        learned=("ppo",),
    ),
    _drive(
        "PMSM-Speed",
        "PMSM",
        "speed",
        "SpeedControl",
        "speed control of a permanent-magnet synchronous machine at 10 kHz",
        tags=("speed", "pmsm"),
    ),
    _drive(
        "PMSM-DriveCycle",
        "PMSM",
        "drive_cycle",
        "SpeedControl",
        "an electric car follows the WLTC class 3b by torque commands at 100 Hz",
        keywords={"machine": "HSM16.17.12-C01"},
        tags=("speed", "pmsm", "vehicle"),
        learned=("ppo",),
    ),
)
