"""The machines of the family: kinds, named sets of numbers, and how a user's words become one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from gym_suite.core.parameters import build, check_option, unknown_error
from gym_suite.motors.machines import brushless, dc, induction, saturated, six_phase, synchronous
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    SYNCHRONOUS,
    TRAPEZOIDAL,
    Group,
    Machine,
    MachineSet,
    group_of,
)
from gym_suite.motors.machines.brushless import BLDC
from gym_suite.motors.machines.dc import ExtExDc, PermExDc, SeriesDc, ShuntDc
from gym_suite.motors.machines.files import is_machine_file, read_machine_file
from gym_suite.motors.machines.flux_maps import FluxMap
from gym_suite.motors.machines.induction import DFIM, SCIM
from gym_suite.motors.machines.saturated import SaturatedPMSM
from gym_suite.motors.machines.six_phase import SixPhasePMSM
from gym_suite.motors.machines.synchronous import EESM, PMSM, SynRM

__all__ = [
    "BLDC",
    "DC",
    "DFIM",
    "DOUBLY_FED",
    "EESM",
    "EXCITED",
    "INDUCTION",
    "KINDS",
    "PMSM",
    "SATURATED",
    "SCIM",
    "SETS",
    "SIX_PHASE",
    "SYNCHRONOUS",
    "TRAPEZOIDAL",
    "ExtExDc",
    "FluxMap",
    "Group",
    "Machine",
    "MachineSet",
    "PermExDc",
    "SaturatedPMSM",
    "SeriesDc",
    "ShuntDc",
    "SixPhasePMSM",
    "SynRM",
    "build_machine",
    "group_of",
    "kind_of",
    "machine_source",
]

#: Every kind of machine by its name, which is also that of its default set; its place is its number in kernels.
KINDS: Mapping[str, type[Machine]] = MappingProxyType(
    {
        cls.__name__: cls
        for cls in (
            *(PMSM, SynRM, EESM),
            *(PermExDc, SeriesDc, ShuntDc, ExtExDc),
            *(SCIM, DFIM, SixPhasePMSM, SaturatedPMSM, BLDC),
        )
    }
)

#: All named sets of numbers.
SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        **synchronous.SETS,
        **dc.SETS,
        **induction.SETS,
        **six_phase.SETS,
        **saturated.SETS,
        **brushless.SETS,
    }
)


def build_machine(value: object, *, default: str = "PMSM", kind: str | None = None) -> Machine:
    """Return a machine from a set's name, a mapping of overrides, a file of such a mapping, or a machine.

    A file's name ends in .toml; :mod:`gym_suite.motors.machines.files` says what it holds. A mapping may say ``"kind"``
    and, under "base", the set that it overrides; without either it overrides the default set.

    Args:
        value: What the user gave; None stands for the default set.
        default: Name of the default set.
        kind: The kind that is wanted, where only one will do.

    Raises:
        ValueError: For an unknown set, kind, parameter or file (naming the nearest), a value out of bounds, or a
            machine of another kind than the one wanted.
        TypeError: For anything else.
    """
    wanted = kind or kind_of(default)
    if is_machine_file(value):
        value = read_machine_file(value)
    if isinstance(value, Machine):
        wanted = type(value).__name__
    elif isinstance(value, str) and value in SETS:
        wanted = kind_of(value)
    elif isinstance(value, Mapping):
        value = dict(value)
        base = value.get("base", "")
        known = isinstance(base, str) and base in SETS
        wanted = value.pop("kind", kind_of(base) if known else wanted)
    check_option("machine kind", wanted, KINDS)
    if kind is not None and wanted != kind:
        raise ValueError(f"the machine must be of kind {kind}, got one of kind {wanted}: {value!r}")
    if isinstance(value, dict):
        value = _own_names(KINDS[wanted], value)
    if isinstance(value, str) and kind is None and value not in SETS:
        raise unknown_error("machine", value, SETS)
    sets = {name: known.machine for name, known in SETS.items() if kind_of(name) == wanted}
    base = default if default in sets else wanted
    return build(KINDS[wanted], value, sets=sets, default=base, what="machine")


def _own_names(cls: type[Machine], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of overrides with the names of other parameter lists replaced."""
    named = {cls.aliases.get(name, name): value for name, value in given.items()}
    return {name: value for name, value in named.items() if name}


def kind_of(name: str) -> str:
    """Return the kind of the machine of a named set."""
    return type(SETS[name].machine).__name__


def machine_source(machine: Machine, name: str) -> str:
    """Return where a number of a machine comes from: the source of the set it is nearest to, or "user"."""

    def agreement(known: MachineSet) -> int:
        names = (field.name for field in fields(machine))  # type: ignore[arg-type]
        return sum(getattr(machine, n) == getattr(known.machine, n) for n in names)

    nearest = max((k for k in SETS.values() if type(k.machine) is type(machine)), key=agreement)
    if getattr(machine, name) != getattr(nearest.machine, name):
        return "user"
    return nearest.others.get(name, nearest.source)
