"""Machines with two three-phase stars: their numbers and where these come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from gym_suite.motors.machines.base import (
    RPM,
    SIX_PHASE,
    Machine,
    MachineSet,
    current_limit,
    inductance,
    link_voltage,
    magnet_flux,
    nominal_current,
    nominal_speed,
    pole_pairs,
    resistance,
    rotor_inertia,
    speed_limit,
)
from gym_suite.motors.machines.synchronous import within_speeds

_AXES = ("u_sd", "u_sq", "u_sx", "u_sy")


@dataclass(frozen=True, slots=True, kw_only=True)
class SixPhasePMSM(Machine):
    """A permanent-magnet machine with two stars, 30 degrees apart, whose neutral points are not connected.

    Vector space decomposition (Zhao and Lipo, IEEE Trans. Ind. Appl. 31(5), 1995, doi:10.1109/28.464525): d and q are
    what both stars have in common, x and y (y counted the other way round) in what they differ. Voltages are half the
    sum and half the difference of those of the stars, currents sum and difference, so that power is 3/2 times
    voltage times current.

    Raises:
        ValueError: If a number is out of bounds, the nominal current exceeds the limit, or nothing gives a torque.
    """

    group: ClassVar[int] = SIX_PHASE
    words: ClassVar[str] = "six-phase permanent-magnet synchronous machine"
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "l_d", "l_q", "l_x", "l_y", "psi_p")
    states: ClassVar[tuple[str, ...]] = ("i_sd", "i_sq", "i_sx", "i_sy")
    currents: ClassVar[Mapping[str, str]] = dict.fromkeys(states, "i_limit")
    voltages: ClassVar[Mapping[str, str]] = {"u_sd": "d", "u_sq": "q", "u_sx": "x", "u_sy": "y"}
    held: ClassVar[tuple[str, ...]] = ("u_alpha_1", "u_beta_1", "u_alpha_2", "u_beta_2")
    phases: ClassVar[tuple[str, ...]] = ("a1", "b1", "c1", "a2", "b2", "c2")
    direction: ClassVar[tuple[str, ...]] = ("sin_epsilon", "cos_epsilon")
    loss: ClassVar[str] = "(i_sd^2 + i_sq^2 + i_sx^2 + i_sy^2) / i_limit^2"
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "dq": _AXES,
        "abc": ("u_sa1", "u_sb1", "u_sc1", "u_sa2", "u_sb2", "u_sc2"),
    }
    period: ClassVar[float] = 1e-5
    switching_period: ClassVar[float] = 5e-6
    aliases: ClassVar[Mapping[str, str]] = {"psi_PM": "psi_p"}

    p: int = pole_pairs(5)
    r_s: float = resistance(64.3e-3, "stator")
    l_d: float = inductance(125e-6, "d")
    l_q: float = inductance(126e-6, "q")
    l_x: float = inductance(39e-6, "x")
    l_y: float = inductance(35e-6, "y")
    psi_p: float = magnet_flux(4.7e-3)
    j_rotor: float = rotor_inertia(0.011)
    i_nominal: float = nominal_current(240.0)
    i_limit: float = current_limit(400.0)
    omega_nominal: float = nominal_speed(3000.0 * RPM)
    omega_limit: float = speed_limit(4000.0 * RPM)
    u_dc: float = link_voltage(300.0)

    def decays(self) -> list[float]:
        """Return how fast its currents decay, 1/s."""
        return [self.r_s / own for own in (self.l_d, self.l_q, self.l_x, self.l_y)]

    def check(self) -> None:
        """Refuse a machine without saliency and without a magnet."""
        if self.psi_p == 0.0 and self.l_d == self.l_q:
            raise ValueError("a SixPhasePMSM with psi_p = 0 and l_d = l_q gives no torque")

    def speeds(self) -> tuple[float, float]:
        """Return the speeds at which a current within the limit holds against the magnets: usual and largest, rad/s."""
        return within_speeds(self)


SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        "SixPhasePMSM": MachineSet(
            SixPhasePMSM(),
            "gym-electric-motor 3.0.3 default SixPhasePMSM, after doi:10.1109/EDPC60603.2023.10372153",
        ),
    }
)
