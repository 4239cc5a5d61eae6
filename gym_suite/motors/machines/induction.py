"""Induction machines: their numbers and where these come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from gym_suite.motors.machines.base import (
    DOUBLY_FED,
    INDUCTION,
    RPM,
    Machine,
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

_STATOR = ("u_salpha", "u_sbeta")
_ROTOR = ("u_ralpha", "u_rbeta")


class Induction(Machine):
    """What induction machines have in common: T model, rotor quantities referred to the stator."""

    __slots__ = ()

    group: ClassVar[int] = INDUCTION
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "r_r", "l_m", "l_sigs", "l_sigr")
    states: ClassVar[tuple[str, ...]] = ("i_salpha", "i_sbeta", "psi_ralpha", "psi_rbeta")
    currents: ClassVar[Mapping[str, str]] = {"i_sd": "i_limit", "i_sq": "i_limit"}
    voltages: ClassVar[Mapping[str, str]] = {"u_sd": "d", "u_sq": "q"}
    held: ClassVar[tuple[str, ...]] = ("u_alpha", "u_beta")
    phases: ClassVar[tuple[str, ...]] = ("a", "b", "c")
    direction: ClassVar[tuple[str, ...]] = ("sin_rho", "cos_rho")
    estimates: ClassVar[Mapping[str, str]] = {"psi_rd": "psi_limit"}
    angles: ClassVar[tuple[str, ...]] = ("epsilon", "rho")
    loss: ClassVar[str] = "copper loss of stator and rotor / that of i_sq = i_limit"
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "alphabeta": _STATOR,
        "abc": ("u_sa", "u_sb", "u_sc"),
    }
    period: ClassVar[float] = 5e-5
    # Leakages are known least, and with them the gains.
    current_share: ClassVar[float] = 0.8

    r_s: float
    r_r: float
    l_m: float
    l_sigs: float
    l_sigr: float

    def decays(self) -> list[float]:
        """Return how fast its currents decay, 1/s."""
        inductance = [[self.l_s, self.l_m], [self.l_m, self.l_r]]
        coupled = np.linalg.eigvals(np.linalg.solve(inductance, np.diag([self.r_s, self.r_r])))
        return list(map(float, coupled.real))

    @property
    def l_s(self) -> float:
        """Inductance of the stator, H."""
        return self.l_m + self.l_sigs

    @property
    def l_r(self) -> float:
        """Inductance of the rotor, H."""
        return self.l_m + self.l_sigr

    @property
    def psi_limit(self) -> float:
        """Flux of the rotor that the current limit makes, Vs."""
        return self.l_m * self.i_limit

    @property
    def i_standing(self) -> float:
        """Magnetising current of a drive in waiting, A: that of most torque from the nominal current."""
        return self.i_nominal / math.sqrt(2.0)

    @property
    def sigma(self) -> float:
        """Leakage factor."""
        return 1.0 - self.l_m**2 / (self.l_s * self.l_r)


@dataclass(frozen=True, slots=True, kw_only=True)
class SCIM(Induction):
    """A squirrel-cage induction machine.

    Raises:
        ValueError: If a number is out of bounds or the nominal current exceeds the limit.
    """

    words: ClassVar[str] = "squirrel-cage induction machine"

    p: int = pole_pairs(2)
    r_s: float = resistance(2.9338, "stator")
    r_r: float = resistance(1.355, "rotor")
    l_m: float = inductance(143.75e-3, "magnetising")
    l_sigs: float = inductance(5.87e-3, "stator leakage")
    l_sigr: float = inductance(5.87e-3, "rotor leakage")
    j_rotor: float = rotor_inertia(0.0011)
    i_nominal: float = nominal_current(3.9)
    i_limit: float = current_limit(5.5)
    omega_nominal: float = nominal_speed(3000.0 * RPM)
    omega_limit: float = speed_limit(4000.0 * RPM)
    u_dc: float = link_voltage(560.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DFIM(Induction):
    """A doubly fed induction machine: a second inverter feeds the rotor through slip rings.

    Raises:
        ValueError: If a number is out of bounds or the nominal current exceeds the limit.
    """

    group: ClassVar[int] = DOUBLY_FED
    words: ClassVar[str] = "doubly fed induction machine"
    voltages: ClassVar[Mapping[str, str]] = {**Induction.voltages, "u_rd": "rd", "u_rq": "rq"}
    currents: ClassVar[Mapping[str, str]] = {
        **Induction.currents,
        "i_rd": "i_limit",
        "i_rq": "i_limit",
    }
    held: ClassVar[tuple[str, ...]] = (*Induction.held, "u_rotor_d", "u_rotor_q")
    direction: ClassVar[tuple[str, ...]] = ("sin_epsilon", "cos_epsilon")
    estimates: ClassVar[Mapping[str, str]] = {}
    angles: ClassVar[tuple[str, ...]] = ("epsilon",)
    loss: ClassVar[str] = "copper loss of stator and rotor / that of i_limit in both"
    phases: ClassVar[tuple[str, ...]] = ("sa", "sb", "sc", "ra", "rb", "rc")
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "alphabeta": (*_STATOR, *_ROTOR),
        "abc": ("u_sa", "u_sb", "u_sc", "u_ra", "u_rb", "u_rc"),
    }
    period: ClassVar[float] = 1e-4
    switching_period: ClassVar[float] = 2e-5
    # Where the voltage does not hold the flux the stator's current runs away.
    voltage_share: ClassVar[float] = 0.8
    voltage_feedback: ClassVar[float] = 0.4
    current_share: ClassVar[float] = 0.7
    # Against each other its currents are held by leakages alone, and the whole voltage moves them by a fifth of the
    # limit in a period: what overshoots under a further period of delay trips. Where currents are the references a
    # faster loop suffices, which rejects more of what parameters are off by.
    spare_periods: ClassVar[float] = 1.0
    spare_periods_of_currents: ClassVar[float] = 0.5

    p: int = pole_pairs(2)
    r_s: float = resistance(4.42, "stator")
    r_r: float = resistance(3.51, "rotor")
    l_m: float = inductance(297.5e-3, "magnetising")
    l_sigs: float = inductance(25.71e-3, "stator leakage")
    l_sigr: float = inductance(25.71e-3, "rotor leakage")
    j_rotor: float = rotor_inertia(0.013695)
    i_nominal: float = nominal_current(7.5)
    i_limit: float = current_limit(9.0)
    omega_nominal: float = nominal_speed(1650.0 * RPM)
    omega_limit: float = speed_limit(1800.0 * RPM)
    u_dc: float = link_voltage(720.0)


SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        "SCIM": MachineSet(
            SCIM(),
            "gym-electric-motor 3.0.3 default SCIM, after doi:10.1109/EPEPEMC.2018.8522008",
        ),
        "20HP-400V-50Hz": MachineSet(
            SCIM(
                p=2,
                r_s=0.2147,
                r_r=0.2205,
                l_m=64.19e-3,
                l_sigs=0.991e-3,
                l_sigr=0.991e-3,
                j_rotor=0.102,
                i_nominal=41.4,
                i_limit=82.8,
                omega_nominal=1460.0 * RPM,
                omega_limit=3000.0 * RPM,
                u_dc=565.7,
            ),
            "preset 20 HP (15 kW), 400 V, 50 Hz, 1460 rpm of Simscape Electrical's asynchronous machine, as the record "
            "IM_20HP_400V_50Hz of the Modelica Buildings library gives it",
            {
                "i_nominal": "amplitude of the current that the circuit draws at 400 V, 50 Hz and 1460 rpm",
                "i_limit": "design value: twice the nominal current",
                "omega_limit": "design value: about twice the nominal speed",
                "u_dc": "400 V, rectified: sqrt(2) times",
            },
        ),
        "DFIM": MachineSet(
            DFIM(),
            "gym-electric-motor 3.0.3 default DFIM, after doi:10.1016/j.jestch.2016.01.015",
        ),
    }
)
