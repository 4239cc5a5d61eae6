"""The ids of the family, as data."""

from __future__ import annotations

from typing import Any

from gym_suite.core.cards import BASELINES, Card

_LAWS = "gym_suite.motors.controllers.field_oriented"


def _drive(
    name: str,
    machine: str,
    task: str,
    law: str,
    summary: str,
    *,
    converter: str = "averaged",
    laws: str = _LAWS,
    **more: Any,
) -> Card:
    return Card(
        id=f"gem/{name}-v0",
        family="motors",
        summary=summary,
        base="gym_suite.motors.envs.base:MotorEnv",
        module="gym_suite.motors.envs",
        facets={"machine": machine, "task": task, "converter": converter},
        controllers={"pi": f"{laws}:{law}", **BASELINES},
        **more,
    )


_WORDS = {
    "PMSM": "a permanent-magnet synchronous machine",
    "SynRM": "a synchronous reluctance machine",
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


# ------------------------------------------------------------------------------------------------ DC machines

_DC_LAWS = "gym_suite.motors.controllers.dc_cascade"
_DC_WORDS = {
    "PermExDc": "a DC machine with permanent magnets",
    "SeriesDc": "a DC machine excited in series",
    "ShuntDc": "a DC machine excited in parallel",
    "ExtExDc": "an externally excited DC machine",
}
# How long references hold: some ten times what the voltage needs to move the current or the field.
_DC_HOLDS = {
    "PermExDc": {"current": 0.002, "torque": 0.002, "speed": 0.2},
    "SeriesDc": {"current": 0.05, "torque": 0.05, "speed": 0.4},
    "ShuntDc": {"current": 0.004, "torque": 0.1, "speed": 0.5},
    "ExtExDc": {"current": 0.02, "torque": 0.02, "speed": 0.2},
}
_DC_STEPS = {"ShuntDc": {"torque": 20_000}, "ExtExDc": {"current": 4000, "torque": 4000}}


def _dc_cards(machine: str) -> tuple[Card, ...]:
    """Return the ids of a DC machine: its currents, its torque and its speed."""
    words, tag, holds = _DC_WORDS[machine], machine.lower(), _DC_HOLDS[machine]

    def card(name: str, task: str, law: str, summary: str, **more: Any) -> Card:
        return _drive(
            name,
            machine,
            task,
            law,
            summary,
            converter="chopper",
            laws=_DC_LAWS,
            tags=(task, "dc", tag),
            **more,
        )

    def steps(task: str) -> int:
        return _DC_STEPS.get(machine, {}).get(task, 2000)

    # A speed moves in tenths of a second, currents of a small inductance in microseconds: between them the drive.
    speed: dict[str, Any] = {"reference_hold": holds["speed"], "duration": 3.0 * holds["speed"]}
    if machine != "SeriesDc":
        speed["control"] = "torque"
    return (
        card(
            machine,
            "current",
            "DcCurrentControl",
            f"current control of {words} by its voltage",
            max_episode_steps=steps("current"),
            keywords={"reference_hold": holds["current"]},
        ),
        card(
            f"{machine}-Torque",
            "torque",
            "DcTorqueControl",
            f"torque control of {words} by its voltage",
            max_episode_steps=steps("torque"),
            keywords={"reference_hold": holds["torque"]},
        ),
        card(
            f"{machine}-Speed",
            "speed",
            "DcSpeedControl",
            f"speed control of {words} by its {'torque' if 'control' in speed else 'voltage'}",
            keywords=speed,
        ),
    )


CARDS = (
    *(card for machine in _WORDS for card in _cards(machine)),
    *(card for machine in _DC_WORDS for card in _dc_cards(machine)),
    *(
        _drive(
            f"{machine}-Position",
            machine,
            "position",
            "DcPositionControl",
            f"position control of {_DC_WORDS[machine]} by its torque",
            converter="chopper",
            laws=_DC_LAWS,
            tags=("position", "dc", machine.lower()),
        )
        for machine in ("PermExDc", "ExtExDc")
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
