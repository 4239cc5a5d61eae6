"""Machines with a commutator: their numbers and where these come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from gym_suite.core.parameters import parameter
from gym_suite.motors.machines.base import (
    DC,
    RPM,
    Machine,
    MachineSet,
    current_limit,
    inductance,
    link_voltage,
    magnet_flux,
    nominal_current,
    nominal_speed,
    resistance,
    rotor_inertia,
    speed_limit,
)

#: How the field is excited: by magnets, by the armature's current, by the armature's voltage, by a voltage of its own.
MAGNETS, SERIES, SHUNT, SEPARATE = range(4)

#: Part of the speed at which a machine gets out of hand that episodes usually start with: where the plant's numbers are
#: off by 30 % that speed is 0.7 / 1.3 of its nominal value.
_USUAL = 0.5

_TERMINALS = {"u": "u"}
_ONE_CURRENT, _TWO_CURRENTS = {"i": "i_limit"}, {"i_a": "i_limit", "i_e": "i_e_limit"}


def rotation_inductance(default: float) -> float:
    """Declare the induced voltage per speed and excitation current."""
    return parameter(
        default, unit="H", meaning="induced voltage per speed and excitation current", above=0.0
    )


class DcMachine(Machine):
    """What machines with a commutator have in common."""

    __slots__ = ()

    group: ClassVar[int] = DC
    #: How the field is excited.
    excitation: ClassVar[int]
    currents: ClassVar[Mapping[str, str]] = _TWO_CURRENTS
    voltages: ClassVar[Mapping[str, str]] = _TERMINALS
    held: ClassVar[tuple[str, ...]] = ("u_next",)
    phases: ClassVar[tuple[str, ...]] = ("u",)
    direction: ClassVar[tuple[str, ...]] = ()
    angles: ClassVar[tuple[str, ...]] = ()
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {"terminals": ("u",)}
    voltage_divisor: ClassVar[float] = 1.0
    current_margin: ClassVar[float] = 0.75
    current_share: ClassVar[float] = current_margin
    period: ClassVar[float] = 2e-5
    switching_period: ClassVar[float] = 5e-6

    def numbers(self) -> dict[str, float]:
        """Return the numbers that kernels read, by name."""
        return {**Machine.numbers(self), "excitation": self.excitation}

    @abstractmethod
    def circuits(self) -> list[tuple[float, float]]:
        """Return inductance (H) and resistance (Ohm) of each circuit, those of the controlled currents first."""

    def decays(self) -> list[float]:
        """Return how fast its currents decay, 1/s."""
        return [resistance / inductance for inductance, resistance in self.circuits()]

    def slew(self) -> float:
        """Return the time in which the voltage moves the armature's current by its nominal value, s."""
        return self.circuits()[0][0] * self.i_nominal / self.u_dc

    @abstractmethod
    def largest_torque(self, part: float) -> float:
        """Return the largest torque that a part of the current limits gives, N m."""


def magnet_speeds(machine: DcMachine, psi_e: float) -> tuple[float, float]:
    """Return the speeds at which the voltage outweighs what magnets induce: usual and largest, rad/s.

    Args:
        machine: With one armature current.
        psi_e: Voltage induced per mechanical speed, Vs.
    """
    most = machine.u_dc / psi_e
    return min(machine.omega_nominal, _USUAL * most), min(machine.omega_limit, most)


@dataclass(frozen=True, slots=True, kw_only=True)
class PermExDc(DcMachine):
    """A DC machine with permanent magnets, and the voltage that it is meant for.

    Raises:
        ValueError: If a number is out of bounds, or the nominal current exceeds the limit.
    """

    excitation: ClassVar[int] = MAGNETS
    words: ClassVar[str] = "DC machine with permanent magnets"
    circuit: ClassVar[tuple[str, ...]] = ("r_a", "l_a", "psi_e")
    states: ClassVar[tuple[str, ...]] = ("i",)
    currents: ClassVar[Mapping[str, str]] = _ONE_CURRENT
    slots: ClassVar[Mapping[str, str]] = {"i": "i_a", "u": "u_a"}
    loss: ClassVar[str] = "i^2 / i_limit^2"
    friction: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 1e-4)
    period: ClassVar[float] = 1e-5

    r_a: float = resistance(16e-3, "armature")
    l_a: float = inductance(19e-6, "armature")
    psi_e: float = magnet_flux(0.165)
    j_rotor: float = rotor_inertia(0.025)
    i_nominal: float = nominal_current(97.0)
    i_limit: float = current_limit(210.0)
    omega_nominal: float = nominal_speed(300.0)
    omega_limit: float = speed_limit(400.0)
    u_dc: float = link_voltage(60.0)

    def check(self) -> None:
        """Refuse a machine without magnets."""
        if self.psi_e == 0.0:
            raise ValueError("a PermExDc with psi_e = 0 gives no torque")

    def speeds(self) -> tuple[float, float]:
        """Return the speeds at which the voltage outweighs what the magnets induce: usual and largest, rad/s."""
        return magnet_speeds(self, self.psi_e)

    def circuits(self) -> list[tuple[float, float]]:
        """Return inductance (H) and resistance (Ohm) of the armature."""
        return [(self.l_a, self.r_a)]

    def largest_torque(self, part: float) -> float:
        """Return the torque at a part of the current limit, N m."""
        return self.psi_e * part * self.i_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDc(DcMachine):
    """A DC machine whose excitation winding carries the armature's current.

    Raises:
        ValueError: If a number is out of bounds, or the nominal current exceeds the limit.
    """

    excitation: ClassVar[int] = SERIES
    words: ClassVar[str] = "DC machine excited in series"
    circuit: ClassVar[tuple[str, ...]] = ("r_a", "r_e", "l_a", "l_e", "l_e_prime")
    states: ClassVar[tuple[str, ...]] = ("i",)
    currents: ClassVar[Mapping[str, str]] = _ONE_CURRENT
    slots: ClassVar[Mapping[str, str]] = {"i": "i_a", "u": "u_a"}
    reversible: ClassVar[bool] = False
    loss: ClassVar[str] = "i^2 / i_limit^2"
    friction: ClassVar[tuple[float, float, float]] = (0.01, 0.05, 1e-4)
    period: ClassVar[float] = 1e-4
    switching_period: ClassVar[float] = 2e-5

    r_a: float = resistance(16e-3, "armature")
    r_e: float = resistance(48e-3, "excitation")
    l_a: float = inductance(19e-6, "armature")
    l_e: float = inductance(5.4e-3, "excitation")
    l_e_prime: float = rotation_inductance(1.7e-3)
    j_rotor: float = rotor_inertia(0.0025)
    i_nominal: float = nominal_current(97.0)
    i_limit: float = current_limit(210.0)
    omega_nominal: float = nominal_speed(300.0)
    omega_limit: float = speed_limit(400.0)
    u_dc: float = link_voltage(60.0)

    def circuits(self) -> list[tuple[float, float]]:
        """Return inductance (H) and resistance (Ohm) of both windings in series."""
        return [(self.l_a + self.l_e, self.r_a + self.r_e)]

    def largest_torque(self, part: float) -> float:
        """Return the torque at a part of the current limit, N m."""
        return self.l_e_prime * (part * self.i_limit) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWindings(DcMachine):
    """What machines have in common whose excitation winding carries a current of its own."""

    circuit: ClassVar[tuple[str, ...]] = ("r_a", "r_e", "l_a", "l_e", "l_e_prime")
    states: ClassVar[tuple[str, ...]] = ("i_a", "i_e")
    # While a weak field grows the armature is asked for all its current for the slightest torque. Tuned for the nominal
    # delay its current then exceeds the limit where one period more passes, or where its inductance is less than
    # believed; tuned for that period it overshoots so little that more of the limit may be used.
    spare_periods: ClassVar[float] = 1.0
    current_share: ClassVar[float] = 0.8
    loss: ClassVar[str] = "(r_a i_a^2 + r_e i_e^2) / (r_a i_limit^2 + r_e i_e_limit^2)"

    r_a: float = resistance(16e-3, "armature")
    r_e: float
    l_a: float = inductance(19e-6, "armature")
    l_e: float = inductance(5.4e-3, "excitation")
    l_e_prime: float = rotation_inductance(1.7e-3)
    j_rotor: float = rotor_inertia(0.0025)
    i_nominal: float = nominal_current(97.0)
    i_limit: float = current_limit(210.0)
    i_e_nominal: float = nominal_current(97.0, "excitation ")
    i_e_limit: float = current_limit(210.0, "excitation ")
    omega_nominal: float = nominal_speed(300.0)
    omega_limit: float = speed_limit(400.0)
    u_dc: float = link_voltage(60.0)

    def circuits(self) -> list[tuple[float, float]]:
        """Return inductance (H) and resistance (Ohm) of the armature and of the excitation."""
        return [(self.l_a, self.r_a), (self.l_e, self.r_e)]

    def largest_torque(self, part: float) -> float:
        """Return the torque at a part of both current limits, as far as the voltage excites the field, N m."""
        excitation = min(part * self.i_e_limit, self.u_dc / self.r_e)
        return self.l_e_prime * part * self.i_limit * excitation


@dataclass(frozen=True, slots=True, kw_only=True)
class ShuntDc(TwoWindings):
    """A DC machine whose excitation winding lies at the armature's voltage.

    Raises:
        ValueError: If a number is out of bounds, or a nominal current exceeds its limit.
    """

    excitation: ClassVar[int] = SHUNT
    words: ClassVar[str] = "DC machine excited in parallel"
    controlled: ClassVar[tuple[str, ...] | None] = ("i_a",)
    slots: ClassVar[Mapping[str, str]] = {"u": "u_a"}
    reversible: ClassVar[bool] = False
    friction: ClassVar[tuple[float, float, float]] = (0.05, 0.01, 1e-4)
    switching_period: ClassVar[float] = 2e-6

    r_e: float = resistance(0.4, "excitation")

    def speeds(self) -> tuple[float, float]:
        """Return the speeds below which one voltage holds both currents: usual and largest, rad/s.

        At r_e / l_e_prime the machine excites itself: a constant armature current then lets the field grow.
        """
        critical = self.r_e / self.l_e_prime
        return min(self.omega_nominal, _USUAL * critical), min(self.omega_limit, 0.95 * critical)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtExDc(TwoWindings):
    """A DC machine whose excitation winding has a converter of its own.

    Raises:
        ValueError: If a number is out of bounds, or a nominal current exceeds its limit.
    """

    excitation: ClassVar[int] = SEPARATE
    words: ClassVar[str] = "externally excited DC machine"
    voltages: ClassVar[Mapping[str, str]] = {"u_a": "a", "u_e": "e"}
    held: ClassVar[tuple[str, ...]] = ("u_a_next", "u_e_next")
    phases: ClassVar[tuple[str, ...]] = ("a", "e")
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {"terminals": ("u_a", "u_e")}
    friction: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 1e-4)

    r_e: float = resistance(0.16, "excitation")


_DEFAULT = "gym-electric-motor 3.0.3 default {}, after the Heinzmann PMG 132, slightly adapted"

SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        **{
            cls.__name__: MachineSet(cls(), _DEFAULT.format(cls.__name__))
            for cls in (PermExDc, SeriesDc, ShuntDc, ExtExDc)
        },
        "RE40-148867": MachineSet(
            PermExDc(
                r_a=0.299,
                l_a=82e-6,
                psi_e=30.2e-3,
                j_rotor=142e-7,
                i_nominal=6.0,
                i_limit=15.0,
                omega_nominal=6940.0 * RPM,
                omega_limit=12000.0 * RPM,
                u_dc=24.0,
            ),
            "maxon motor catalogue, RE 40, graphite brushes, 150 W, 24 V winding, order number 148867",
            {"i_limit": "largest current of the servo controller maxon ESCON 50/5"},
        ),
    }
)
