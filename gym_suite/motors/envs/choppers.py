"""Choppers of DC machines as a user names them, and how fast a machine's currents may be for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gym_suite.core.parameters import check_keywords, check_option
from gym_suite.motors.envs.options import Options
from gym_suite.motors.machines import Machine


def check_circuits(machine: Any, tau: float, substeps: float) -> None:
    """Refuse a period that Runge-Kutta steps do not follow the decay of a current over."""
    for inductance, resistance in machine.circuits():
        decay = resistance / inductance * tau
        if decay > 2.5 * substeps:
            raise ValueError(
                f"tau = {tau:g} s is too long: a current of the machine decays by exp(-{decay:.3g}) in a period, which "
                f"Runge-Kutta steps follow up to exp(-2.5); raise substeps to {math.ceil(decay / 2.5)} or lower tau to "
                f"{2.5 * substeps * inductance / resistance:.3g} s"
            )


#: Choppers by the name that a user gives: quadrants of voltage and current.
_CHOPPERS = {"1QC": 1, "2QC": 2, "4QC": 4}


def read_choppers(options: Options, machine: Machine) -> dict[str, int]:
    """Return the quadrants of a DC machine's choppers."""
    given = options.converter
    terminals = list(machine.voltages)
    if not isinstance(given, Mapping):
        given = dict.fromkeys(terminals, given)
    check_keywords(given, terminals, "terminal voltage in converter")
    names = [
        check_option(f"converter of {name}", given.get(name, "4QC"), _CHOPPERS)
        for name in terminals
    ]
    return {f"quadrants_{axis}": _CHOPPERS[name] for axis, name in zip("ae", names, strict=False)}
