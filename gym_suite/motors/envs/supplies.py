"""Supplies as a setup knows them: what a user gave, checked against the machine and the period."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from gym_suite.motors.envs.options import Options
from gym_suite.motors.machines import DC, Machine
from gym_suite.motors.machines.base import LONGEST_STEP, USUAL_SUBSTEPS
from gym_suite.motors.supplies import (
    Battery,
    IdealSupply,
    Rectifier,
    Supply,
    build_supply,
    supply_kind,
)

#: Voltages of a source that a machine may have, as parts of the DC-link voltage that it is meant for, and the highest
#: at which the braking resistor may begin to take what the machine gives back.
_LEAST_VOLTAGE, _MOST_VOLTAGE, _MOST_BRAKE = 0.5, 1.5, 2.0


def read_supply(options: Options, machine: Machine) -> Supply:
    """Return the supply of a drive.

    Raises:
        ValueError: If it gives another voltage than the machine is meant for, at any state of charge that an episode
            starts with or braking leads to, or less power than the machine needs; with the numbers.
    """
    supply = build_supply(options.supply, u_dc=machine.u_dc, i_limit=machine.i_limit)
    if isinstance(supply, IdealSupply):
        return supply
    low, high = _LEAST_VOLTAGE * machine.u_dc, _MOST_VOLTAGE * machine.u_dc
    if not low <= supply.u_source <= high:
        raise ValueError(
            f"the supply's voltage of {supply.u_source:g} V does not fit the machine's DC link of {machine.u_dc:g} V: "
            f"it must lie in [{low:g}, {high:g}] V; give the machine another u_dc, or the supply another voltage"
        )
    if isinstance(supply, Battery):
        full = supply.open_circuit[-1][1]
        if full > high:
            raise ValueError(
                f"the battery's open_circuit rises to {full:g} V at charge 1, where a machine that brakes can bring "
                f"it, and does not fit the machine's DC link of {machine.u_dc:g} V: from charge_low = "
                f"{supply.charge_low:g} on it must lie in [{low:g}, {high:g}] V; give the machine another u_dc, or the "
                "battery another curve"
            )
    if isinstance(supply, Rectifier) and supply.u_brake > _MOST_BRAKE * machine.u_dc:
        raise ValueError(
            f"u_brake = {supply.u_brake:g} V lets a machine that brakes raise its DC link of {machine.u_dc:g} V too "
            f"far: it may be {_MOST_BRAKE * machine.u_dc:g} V at most"
        )
    phases = 1.0 if machine.group == DC else 1.5
    needed = phases * machine.u_dc / machine.voltage_divisor * machine.i_nominal
    most = supply.u_source**2 / (4.0 * supply.r_source)
    if most < needed:
        raise ValueError(
            f"behind r_source = {supply.r_source:g} Ohm a source of {supply.u_source:g} V gives {most:.4g} W at most, "
            f"and the machine takes {needed:.4g} W at its nominal current: lower r_source to "
            f"{supply.u_source**2 / (4.0 * needed):.4g} Ohm"
        )
    return supply


def supply_numbers(supply: Supply, machine: Machine, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a supply, and the Runge-Kutta steps per period that follow its fastest motion too.

    Args:
        supply: The supply.
        machine: The machine.
        values: Parameters of the drive, of which the period and its steps are read.

    Raises:
        ValueError: If the capacitor or the mains move too fast for the period, with what does not.
    """
    numbers = asdict(supply) | {"supply_kind": supply_kind(supply)}
    if isinstance(supply, IdealSupply | Battery):
        return numbers
    conductance = (2.0 if isinstance(supply, Rectifier) else 1.0) / supply.r_source
    inductance = min(v for name, v in machine.numbers().items() if name.startswith("l_"))
    # Of the capacitor with the source's resistance, and with the machine's smallest inductance.
    decay = conductance / supply.c_link
    rate = max(decay, 1.0 / math.sqrt(inductance * supply.c_link))
    needed = max(1, math.ceil(rate * values["tau"] / LONGEST_STEP - 1e-9))
    most = max(USUAL_SUBSTEPS, int(values["substeps"]))
    if needed > most:
        slowest = most * LONGEST_STEP / values["tau"]
        least = max(conductance / slowest, 1.0 / (inductance * slowest**2))
        raise ValueError(
            f"the link's voltage moves with a time constant of {1.0 / rate:.3g} s, too fast for "
            f"tau = {values['tau']:g} s: raise c_link = {supply.c_link:g} F to {least:.3g} F or lower tau"
        )
    steps = max(needed, int(values["substeps"]))
    if isinstance(supply, Rectifier):
        fastest = steps * LONGEST_STEP / (2.0 * math.pi * values["tau"])
        if supply.mains_frequency > fastest:
            raise ValueError(
                f"mains_frequency = {supply.mains_frequency:g} Hz is too fast for tau = {values['tau']:g} s in "
                f"{steps} steps: it may be {fastest:.4g} Hz at most"
            )
    return numbers | {"substeps": steps}


def open_circuit_table(supply: Supply) -> np.ndarray:
    """Return a battery's voltage by its state of charge; of other supplies a table that nobody reads."""
    return np.array(supply.open_circuit) if isinstance(supply, Battery) else np.zeros((1, 2))


def link_columns(supply: Supply) -> tuple[str, ...]:
    """Return what a drive's state and its metrics have of the link."""
    if isinstance(supply, IdealSupply):
        return ()
    charge = ("charge",) if isinstance(supply, Battery) else ()
    brake = ("energy_brake",) if isinstance(supply, Battery | Rectifier) else ()
    return ("u_dc", *charge, "energy_dc", "energy_source", *brake)


def physical_numbers(supply: Supply) -> tuple[str, ...]:
    """Return the parameters of a supply that ``mismatch=`` may touch."""
    if isinstance(supply, IdealSupply):
        return ("u_dc",)
    names = {f.name for f in fields(supply)}
    return tuple(name for name in ("u_source", "r_source", "c_link") if name in names)
