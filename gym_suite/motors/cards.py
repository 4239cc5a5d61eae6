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


_WORDS = {
    "PMSM": "a permanent-magnet synchronous machine",
    "SynRM": "a synchronous reluctance machine",
    "EESM": "an electrically excited synchronous machine",
    "SCIM": "a squirrel-cage induction machine",
    "DFIM": "a doubly fed induction machine",
    "SixPhasePMSM": "a six-phase permanent-magnet machine",
}
_LEARNED = {"PMSM": ("ppo",)}


def _cards(machine: str) -> tuple[Card, ...]:
    """Return the ids of a machine: its currents, its torque and its speed."""
    words, tag = _WORDS[machine], machine.lower()
    return (
        _drive(
            machine,
            machine,
            "current",
            "CurrentControl",
            f"current control of {words} by its voltage",
            max_episode_steps=2000,
            tags=("current", tag),
            learned=_LEARNED.get(machine, ()),
        ),
        _drive(
            f"{machine}-Torque",
            machine,
            "torque",
            "TorqueControl",
            f"torque control of {words} by its voltage",
            max_episode_steps=2000,
            tags=("torque", tag),
        ),
        _drive(
            f"{machine}-Speed",
            machine,
            "speed",
            "SpeedControl",
            f"speed control of {words} by its voltage",
            tags=("speed", tag),
        ),
    )


CARDS = (
    *(card for machine in _WORDS for card in _cards(machine)),
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
