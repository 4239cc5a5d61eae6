"""Synchronous machines: their numbers and where these come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from gym_suite.core.parameters import parameter
from gym_suite.motors.machines.base import (
    Machine,
    MachineSet,
    current_limit,
    link_voltage,
    nominal_current,
    nominal_speed,
    pole_pairs,
    rotor_inertia,
    speed_limit,
    stator_resistance,
)

SYNCHRONOUS = 1  # the group's number; see gym_suite.motors.machines


@dataclass(frozen=True, slots=True, kw_only=True)
class PMSM(Machine):
    """A permanent-magnet synchronous machine with constant inductances, and the DC link it is meant for.

    Raises:
        ValueError: If a number is out of bounds, the nominal current exceeds the limit, or nothing gives a torque.
    """

    group: ClassVar[int] = SYNCHRONOUS
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "l_d", "l_q", "psi_p")
    currents: ClassVar[tuple[str, ...]] = ("i_sd", "i_sq")
    voltages: ClassVar[tuple[str, ...]] = ("u_sd", "u_sq")
    held: ClassVar[tuple[str, ...]] = ("u_alpha", "u_beta")

    p: int = pole_pairs(3)
    r_s: float = stator_resistance(18e-3)
    l_d: float = parameter(0.37e-3, unit="H", meaning="d inductance", above=0.0)
    l_q: float = parameter(1.2e-3, unit="H", meaning="q inductance", above=0.0)
    psi_p: float = parameter(66e-3, unit="Vs", meaning="magnet flux", low=0.0)
    j_rotor: float = rotor_inertia(0.03883)
    i_nominal: float = nominal_current(240.0)
    i_limit: float = current_limit(400.0)
    omega_nominal: float = nominal_speed(3000.0 * math.pi / 30.0)
    omega_limit: float = speed_limit(4000.0 * math.pi / 30.0)
    u_dc: float = link_voltage(300.0)

    def check(self) -> None:
        """Refuse a machine without saliency and without a magnet."""
        if self.psi_p == 0.0 and self.l_d == self.l_q:
            raise ValueError("a PMSM with psi_p = 0 and l_d = l_q gives no torque")


SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        "PMSM": MachineSet(
            PMSM(),
            "gym-electric-motor 3.0.3 default PMSM, after doi:10.1109/TPEL.2020.3006779 and "
            "doi:10.1109/IEMDC.2019.8785122",
        ),
        "HSM16.17.12-C01": MachineSet(
            PMSM(
                p=3,
                r_s=17.932e-3,
                l_d=0.37e-3,
                l_q=1.2e-3,
                psi_p=65.65e-3,
                j_rotor=0.03883,
                i_nominal=240.0,
                i_limit=288.0,
                omega_nominal=6000.0 * math.pi / 30.0,
                omega_limit=6000.0 * math.pi / 30.0,
                u_dc=350.0,
            ),
            "Brusa HSM16.17.12-C01 data as used in the peer's published DDPG example",
            {"j_rotor": "not published for this machine; the peer's default PMSM value"},
        ),
    }
)
