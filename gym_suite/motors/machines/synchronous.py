"""Synchronous machines: their numbers and where these come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from gym_suite.motors.machines.base import (
    EXCITED,
    RPM,
    SYNCHRONOUS,
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

_AXES = {"u_sd": "d", "u_sq": "q"}
_LIMITS = {"i_sd": "i_limit", "i_sq": "i_limit"}


class Synchronous(Machine):
    """What synchronous machines with a three-phase stator have in common."""

    __slots__ = ()

    group: ClassVar[int] = SYNCHRONOUS
    states: ClassVar[tuple[str, ...]] = ("i_sd", "i_sq")
    currents: ClassVar[Mapping[str, str]] = _LIMITS
    voltages: ClassVar[Mapping[str, str]] = _AXES
    held: ClassVar[tuple[str, ...]] = ("u_alpha", "u_beta")
    phases: ClassVar[tuple[str, ...]] = ("a", "b", "c")
    direction: ClassVar[tuple[str, ...]] = ("sin_epsilon", "cos_epsilon")
    loss: ClassVar[str] = "(i_sd^2 + i_sq^2) / i_limit^2"
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "dq": ("u_sd", "u_sq"),
        "abc": ("u_sa", "u_sb", "u_sc"),
    }

    r_s: float
    l_d: float
    l_q: float

    def decays(self) -> list[float]:
        """Return how fast its currents decay, 1/s."""
        return [self.r_s / self.l_d, self.r_s / self.l_q]


#: Part of the largest speed at which magnets leave a current that holds, up to which episodes usually start.
_USUAL = 0.9


def magnet_speed(psi_p: float, l_d: float, r_s: float, *, current: float, voltage: float) -> float:
    """Return the electrical speed below which a current against the magnets holds, rad/s.

    A current i along d leaves psi_p - l_d i of the magnets' flux and takes r_s i of the voltage u, so it holds up to
    sqrt(u^2 - (r_s i)^2) / (psi_p - l_d i), which is largest at i = l_d u^2 / (r_s^2 psi_p) or at the limit. (Morimoto,
    Takeda, Hirasa and Taniguchi, IEEE Trans. Ind. Appl. 26(5), 1990, doi:10.1109/28.60058.)

    Args:
        psi_p: Flux linkage of the magnets, V s.
        l_d: Inductance, H.
        r_s: Resistance, Ohm.
        current: Its limit, A.
        voltage: Largest length of a turning voltage, V.
    """
    if psi_p <= l_d * current and r_s * psi_p <= l_d * voltage:
        return math.inf
    i = current
    if r_s > 0.0 and psi_p > 0.0:
        i = min(i, l_d * voltage**2 / (r_s**2 * psi_p))
    return math.sqrt(max(voltage**2 - (r_s * i) ** 2, 0.0)) / (psi_p - l_d * i)


def within_speeds(machine: Any) -> tuple[float, float]:
    """Return nominal speed and limit of a machine with magnets, or the speeds at which its currents hold, rad/s."""
    most = magnet_speed(
        machine.psi_p,
        machine.l_d,
        machine.r_s,
        current=machine.i_limit,
        voltage=machine.u_dc / machine.voltage_divisor,
    )
    return speeds_below(machine, most)


def speeds_below(machine: Any, most: float) -> tuple[float, float]:
    """Return nominal speed and limit of a machine, or less where its currents hold below an electrical speed, rad/s."""
    return (
        min(machine.omega_nominal, _USUAL * most / machine.pairs),
        min(machine.omega_limit, most / machine.pairs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PMSM(Synchronous):
    """A permanent-magnet synchronous machine with constant inductances, and the DC link it is meant for.

    Raises:
        ValueError: If a number is out of bounds, the nominal current exceeds the limit, or nothing gives a torque.
    """

    words: ClassVar[str] = "permanent-magnet synchronous machine"
    voltage_feedback: ClassVar[float] = 0.4
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "l_d", "l_q", "psi_p")

    p: int = pole_pairs(3)
    r_s: float = resistance(18e-3, "stator")
    l_d: float = inductance(0.37e-3, "d")
    l_q: float = inductance(1.2e-3, "q")
    psi_p: float = magnet_flux(66e-3)
    j_rotor: float = rotor_inertia(0.03883)
    i_nominal: float = nominal_current(240.0)
    i_limit: float = current_limit(400.0)
    omega_nominal: float = nominal_speed(3000.0 * RPM)
    omega_limit: float = speed_limit(4000.0 * RPM)
    u_dc: float = link_voltage(300.0)

    def check(self) -> None:
        """Refuse a machine without saliency and without a magnet."""
        if self.psi_p == 0.0 and self.l_d == self.l_q:
            raise ValueError("a PMSM with psi_p = 0 and l_d = l_q gives no torque")

    def speeds(self) -> tuple[float, float]:
        """Return the speeds at which a current within the limit holds against the magnets: usual and largest, rad/s."""
        return within_speeds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SynRM(Synchronous):
    """A synchronous reluctance machine: torque from saliency alone, d along the larger inductance.

    Raises:
        ValueError: If a number is out of bounds, the nominal current exceeds the limit, or nothing gives a torque.
    """

    words: ClassVar[str] = "synchronous reluctance machine"
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "l_d", "l_q")

    p: int = pole_pairs(4)
    r_s: float = resistance(0.57, "stator")
    l_d: float = inductance(10.1e-3, "d")
    l_q: float = inductance(4.1e-3, "q")
    j_rotor: float = rotor_inertia(0.0008)
    i_nominal: float = nominal_current(10.0)
    i_limit: float = current_limit(18.0)
    omega_nominal: float = nominal_speed(3000.0 * RPM)
    omega_limit: float = speed_limit(4300.0 * RPM)
    u_dc: float = link_voltage(80.0)

    def check(self) -> None:
        """Refuse a machine whose d axis is not that of the larger inductance."""
        if self.l_d <= self.l_q:
            raise ValueError(
                "a SynRM has its larger inductance along d: "
                f"l_d must exceed l_q, got {self.l_d:g} and {self.l_q:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EESM(Synchronous):
    """An electrically excited synchronous machine: a winding on the rotor in place of magnets.

    All numbers of the excitation are as its terminals see them: psi_e = 3/2 l_m i_sd + l_e i_e.

    Raises:
        ValueError: If a number is out of bounds, a nominal current exceeds its limit, or the windings were coupled
            more than fully: l_d l_e must exceed 3/2 l_m^2, or currents would grow without a voltage.
    """

    group: ClassVar[int] = EXCITED
    words: ClassVar[str] = "electrically excited synchronous machine"
    # Inductances of the d axis share an iron path and change together; each for itself they need not be a machine.
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "r_e", "l_q", "iron_d")
    derived: ClassVar[tuple[str, ...]] = ("iron_d",)
    states: ClassVar[tuple[str, ...]] = ("i_sd", "i_sq", "i_e")
    currents: ClassVar[Mapping[str, str]] = {**_LIMITS, "i_e": "i_e_limit"}
    voltages: ClassVar[Mapping[str, str]] = {**_AXES, "u_e": "e"}
    held: ClassVar[tuple[str, ...]] = ("u_alpha", "u_beta", "u_exciter")
    phases: ClassVar[tuple[str, ...]] = ("a", "b", "c", "e")
    frames: ClassVar[Mapping[str, tuple[str, ...]]] = {
        frame: (*names, "u_e") for frame, names in Synchronous.frames.items()
    }
    loss: ClassVar[str] = (
        "(3/2 r_s (i_sd^2 + i_sq^2) + r_e i_e^2) / (3/2 r_s i_limit^2 + r_e i_e_limit^2)"
    )
    period: ClassVar[float] = 2e-5
    switching_period: ClassVar[float] = 5e-6
    # Where the voltage does not hold the flux the stator's current runs away.
    voltage_share: ClassVar[float] = 0.8
    voltage_feedback: ClassVar[float] = 0.4
    # The turns ratio cancels, and the others follow from it and the rest.
    aliases: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("k", "r_E", "l_M", "l_E", "i_k_rs", "sigma"), ""
    )

    p: int = pole_pairs(3)
    r_s: float = resistance(15.55e-3, "stator")
    r_e: float = resistance(7.2e-3 * 2.0 / 3.0, "excitation")
    l_d: float = inductance(1.66e-3, "d")
    l_q: float = inductance(0.35e-3, "q")
    l_m: float = inductance(1.589e-3 * 2.0 / 3.0, "mutual")
    l_e: float = inductance(1.74e-3 * 2.0 / 3.0, "excitation")
    j_rotor: float = rotor_inertia(0.3883)
    i_nominal: float = nominal_current(120.0)
    i_limit: float = current_limit(150.0)
    i_e_nominal: float = nominal_current(120.0, "excitation ")
    i_e_limit: float = current_limit(150.0, "excitation ")
    omega_nominal: float = nominal_speed(4300.0 * RPM)
    omega_limit: float = speed_limit(12000.0 * RPM)
    u_dc: float = link_voltage(320.0)

    @property
    def iron_d(self) -> float:
        """Factor of the inductances l_d, l_m and l_e: 1 for the machine as it is described."""
        return 1.0

    def decays(self) -> list[float]:
        """Return how fast its currents decay, 1/s."""
        inductance = [[self.l_d, self.l_m], [1.5 * self.l_m, self.l_e]]
        coupled = np.linalg.eigvals(np.linalg.solve(inductance, np.diag([self.r_s, self.r_e])))
        return [*map(float, coupled.real), self.r_s / self.l_q]

    def check(self) -> None:
        """Refuse windings that would give energy out of nothing."""
        sigma = 1.0 - 1.5 * self.l_m**2 / (self.l_d * self.l_e)
        if sigma <= 0.0:
            largest = math.sqrt(self.l_d * self.l_e / 1.5)
            raise ValueError(
                f"an EESM with l_d = {self.l_d:g}, l_e = {self.l_e:g} and l_m = {self.l_m:g} H has the leakage "
                f"factor {sigma:.3g}: not passive. l_m must be below sqrt(l_d l_e / 1.5) = {largest:.4g} H"
            )


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
                omega_nominal=6000.0 * RPM,
                omega_limit=6000.0 * RPM,
                u_dc=350.0,
            ),
            "Brusa HSM16.17.12-C01 data as used in the peer's published DDPG example",
            {"j_rotor": "not published for this machine; the peer's default PMSM value"},
        ),
        "SynRM": MachineSet(
            SynRM(),
            "gym-electric-motor 3.0.3 default SynRM, after doi:10.1109/AMC.2008.4516099",
        ),
        "SyRM-6.7kW": MachineSet(
            SynRM(
                p=2,
                r_s=0.54,
                l_d=41.5e-3,
                l_q=6.2e-3,
                j_rotor=0.015,
                i_nominal=21.92,
                i_limit=32.88,
                omega_nominal=332.4,
                omega_limit=4000.0 * RPM,
                u_dc=540.0,
            ),
            "6.7 kW synchronous reluctance machine (370 V, 15.5 A, 105.8 Hz, 20.1 N m) of Aalto University's examples "
            "of motulator, after doi:10.1109/TIA.2016.2644624; inductances of the operating point, without saturation",
            {
                "i_nominal": "sqrt(2) times the nominal current of 15.5 A",
                "i_limit": "design value: 1.5 times the nominal current",
                "omega_nominal": "2 pi times 105.8 Hz over the pole pairs",
                "omega_limit": "design value: about 1.25 times the nominal speed",
            },
        ),
        "EESM": MachineSet(
            EESM(),
            "gym-electric-motor 3.0.3 default EESM, after doi:10.1109/ICELMACH.2014.6960287, its rotor's numbers read "
            "as referred to the stator (times 2/3 at the rotor's terminals), for read otherwise they are not passive",
            {
                "i_e_nominal": "design value: as far below the limit as that of the stator; the peer's is "
                "the limit itself, which leaves a controller no room"
            },
        ),
    }
)
