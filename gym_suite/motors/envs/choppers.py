"""Choppers of DC machines as a user names them."""

from __future__ import annotations

from collections.abc import Mapping

from gym_suite.core.parameters import check_keywords, check_option
from gym_suite.motors.envs.options import Options
from gym_suite.motors.machines import Machine

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
