"""What every machine has in common: its place in the family, the numbers of its plate, and where numbers come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gym_suite.core.parameters import parameter, validate


class Machine:
    """Base of the machines' dataclasses: names of what a machine uses of the family's one layout.

    A machine is numbers with units, bounds and meanings, and the names below. The equations of its group are in
    :mod:`gym_suite.motors.electrical`.
    """

    __slots__ = ()

    #: Whose equations it obeys: one of the groups of :mod:`gym_suite.motors.quantities`.
    group: ClassVar[int]
    #: Parameters of its circuit, which ``mismatch=`` may touch.
    circuit: ClassVar[tuple[str, ...]]
    #: Its currents, which the current task tracks and a drive measures.
    currents: ClassVar[tuple[str, ...]]
    #: Its terminal voltages, in the frame of its currents.
    voltages: ClassVar[tuple[str, ...]]
    #: Its terminal voltages as the converter holds them, in the stator's frame.
    held: ClassVar[tuple[str, ...]]

    # The plate, which each machine declares with its own numbers.
    j_rotor: float
    i_nominal: float
    i_limit: float
    omega_nominal: float
    omega_limit: float
    u_dc: float

    def __post_init__(self) -> None:
        validate(self)
        if self.i_nominal > self.i_limit:
            raise ValueError(
                f"{type(self).__name__}.i_nominal must not exceed i_limit, "
                f"got {self.i_nominal:g} > {self.i_limit:g}"
            )
        self.check()

    def check(self) -> None:
        """Refuse numbers that are each within bounds and together describe no such machine.

        Raises:
            ValueError: Saying what does not fit.
        """


@dataclass(frozen=True, slots=True)
class MachineSet:
    """One machine with its sources.

    Attributes:
        machine: The numbers.
        source: Where they come from.
        others: The source of each number that has another one, by name.
    """

    machine: Any
    source: str
    others: Mapping[str, str] = field(default_factory=dict)


# The plate's numbers, declared once for all machines.


def pole_pairs(default: int) -> Any:
    """Declare the number of pole pairs."""
    return parameter(default, meaning="pole pairs", low=1, integer=True)


def stator_resistance(default: float) -> Any:
    """Declare the resistance of a stator phase."""
    return parameter(default, unit="Ohm", meaning="stator resistance", low=0.0)


def rotor_inertia(default: float) -> Any:
    """Declare the inertia of the rotor."""
    return parameter(default, unit="kg m^2", meaning="rotor inertia", above=0.0)


def nominal_current(default: float) -> Any:
    """Declare the amplitude of the current that the machine bears for ever."""
    return parameter(default, unit="A", meaning="nominal current (amplitude)", above=0.0)


def current_limit(default: float) -> Any:
    """Declare the amplitude of the current at which the drive trips."""
    return parameter(
        default, unit="A", meaning="current at which the drive trips (amplitude)", above=0.0
    )


def nominal_speed(default: float) -> Any:
    """Declare the nominal mechanical speed."""
    return parameter(default, unit="rad/s", meaning="nominal speed", above=0.0)


def speed_limit(default: float) -> Any:
    """Declare the highest mechanical speed."""
    return parameter(default, unit="rad/s", meaning="highest speed", above=0.0)


def link_voltage(default: float) -> Any:
    """Declare the DC-link voltage that the machine is meant for."""
    return parameter(default, unit="V", meaning="DC-link voltage", above=0.0)
