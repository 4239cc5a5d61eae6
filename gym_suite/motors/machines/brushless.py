"""Brushless DC machines: their numbers and where these come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from gym_suite.core.parameters import parameter
from gym_suite.motors.machines.base import (
    RPM,
    MachineSet,
    current_limit,
    inductance,
    link_voltage,
    nominal_current,
    nominal_speed,
    pole_pairs,
    resistance,
    rotor_inertia,
    speed_limit,
)
from gym_suite.motors.machines.dc import MAGNETS, DcMachine, magnet_speeds


@dataclass(frozen=True, slots=True, kw_only=True)
class BLDC(DcMachine):
    """A machine with magnets on its rotor and a star of three windings, commutated by Hall sensors in six steps.

    At any time two windings in series carry the current, so that a drive sees a DC machine of twice their resistance
    and inductance, and controls it as such. What the windings do besides is in :mod:`gym_suite.motors.commutated`.

    Raises:
        ValueError: If a number is out of bounds, the nominal current exceeds the limit, or there are no magnets.
    """

    excitation: ClassVar[int] = MAGNETS
    commutated: ClassVar[bool] = True
    words: ClassVar[str] = "brushless DC machine"
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "l_s", "psi_p")
    derived: ClassVar[tuple[str, ...]] = ("r_a", "l_a", "psi_e")
    states: ClassVar[tuple[str, ...]] = ("i_sd", "i_sq")
    currents: ClassVar[Mapping[str, str]] = {"i": "i_limit"}
    slots: ClassVar[Mapping[str, str]] = {"i": "i_a", "u": "u_a"}
    direction: ClassVar[tuple[str, ...]] = ("sin_epsilon", "cos_epsilon")
    angles: ClassVar[tuple[str, ...]] = ("epsilon",)
    loss: ClassVar[str] = "i^2 / i_limit^2"
    friction: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 1e-5)
    period: ClassVar[float] = 2e-5

    p: int = pole_pairs(8)
    r_s: float = resistance(0.5 * 0.573, "phase")
    l_s: float = inductance(0.5 * 0.301e-3, "phase, self less mutual,")
    psi_p: float = parameter(
        40.4e-3 / 16.0,
        unit="Vs",
        meaning="voltage induced in a phase at the top of its trapezoid, per electrical speed",
        low=0.0,
    )
    flat: float = parameter(
        2.0 * math.pi / 3.0,
        unit="rad",
        meaning="length of the trapezoid's top, electrical",
        low=0.0,
        high=math.pi,
    )
    j_rotor: float = rotor_inertia(181e-7)
    i_nominal: float = nominal_current(3.29)
    i_limit: float = current_limit(10.0)
    omega_nominal: float = nominal_speed(4750.0 * RPM)
    omega_limit: float = speed_limit(6000.0 * RPM)
    u_dc: float = link_voltage(24.0)

    @property
    def r_a(self) -> float:
        """Resistance of the two windings that carry current, Ohm."""
        return 2.0 * self.r_s

    @property
    def l_a(self) -> float:
        """Inductance of these, H."""
        return 2.0 * self.l_s

    @property
    def psi_e(self) -> float:
        """Voltage induced in these, both at their tops, per mechanical speed, Vs."""
        return 2.0 * self.p * self.psi_p

    @property
    def pairs(self) -> float:
        """Electrical angle per angle of the shaft."""
        return float(self.p)

    def check(self) -> None:
        """Refuse a machine without magnets."""
        if self.psi_p == 0.0:
            raise ValueError("a BLDC with psi_p = 0 gives no torque")

    def speeds(self) -> tuple[float, float]:
        """Return the speeds at which the voltage outweighs what the magnets induce: usual and largest, rad/s."""
        return magnet_speeds(self, self.psi_e)

    def circuits(self) -> list[tuple[float, float]]:
        """Return inductance (H) and resistance (Ohm) of the two windings in series."""
        return [(self.l_a, self.r_a)]

    def largest_torque(self, part: float) -> float:
        """Return the torque at a part of the current limit, N m."""
        return self.psi_e * part * self.i_limit


SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        "BLDC": MachineSet(
            BLDC(),
            "maxon motor catalogue, EC 45 flat, 70 W, 24 V, with Hall sensors: 0.573 Ohm and 0.301 mH between two "
            "terminals, 40.4 mN m/A in block commutation",
            {
                "flat": "ideal trapezoid of textbooks: the catalogue does not say the shape",
                "i_limit": "design value: three times the nominal current",
                "omega_limit": "design value: about the speed at which the magnets induce the link's voltage",
            },
        ),
    }
)
