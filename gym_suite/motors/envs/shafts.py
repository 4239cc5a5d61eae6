"""Elastic shafts as a setup knows them: what a user gave, checked against the machine, the period and the converter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gym_suite.motors.envs.options import Task
from gym_suite.motors.machines import Machine
from gym_suite.motors.machines.base import LONGEST_STEP, USUAL_SUBSTEPS
from gym_suite.motors.parameters import Load, TwoMass


def check_shaft(task: Task, load: Load, *, finite: bool, fed: bool, shaped: bool) -> None:
    """Refuse an elastic shaft where it is not computed, and a task of the load's own speed without one.

    Args:
        task: The task.
        load: What the shaft carries.
        finite: Whether the converter is switched.
        fed: Whether the supply's voltage moves.
        shaped: Whether the converter's legs follow a carrier, or go beyond the hexagon's circle.

    Raises:
        ValueError: Saying what does not go together.
    """
    if isinstance(load, TwoMass):
        reasons = {
            "a switched converter": finite,
            "a supply whose voltage moves": fed,
            "modulation='carrier' or overmodulation='six-step'": shaped,
        }
        for reason, true in reasons.items():
            if true:
                raise ValueError(
                    "load 'two_mass' is computed with averaged converters at an ideal supply, "
                    f"not with {reason}"
                )
    elif "omega_load" in task.tracked:
        raise ValueError(
            f"task {task.name!r} follows the speed of a load behind an elastic shaft: it needs "
            f"load='two_mass', got {load!r}"
        )


def shaft_numbers(load: TwoMass, machine: Machine, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Runge-Kutta steps per period that follow the shaft too.

    Args:
        load: The load behind its shaft.
        machine: The machine.
        values: Parameters of the drive, of which the period and its steps are read.

    Raises:
        ValueError: If the shaft moves too fast for the period, with the period that will do.
    """
    mobility = 1.0 / machine.numbers()["j_rotor"] + 1.0 / load.j_load
    rate = max(math.sqrt(load.stiffness * mobility), load.damping * mobility)
    needed = max(1, math.ceil(rate * values["tau"] / LONGEST_STEP - 1e-9))
    most = max(USUAL_SUBSTEPS, int(values["substeps"]))
    if needed > most:
        raise ValueError(
            f"the shaft swings or settles at {rate:.4g} 1/s, too fast for tau = {values['tau']:g} s: lower tau to "
            f"{most * LONGEST_STEP / rate:.3g} s, or stiffness = {load.stiffness:g} N m/rad and damping = "
            f"{load.damping:g} N m s/rad"
        )
    return {"substeps": max(needed, int(values["substeps"]))}
