"""Losses of a drive besides those of its windings, as data: every number has its unit, bounds and source beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from gym_suite.core.parameters import check_keywords, parameter, unknown_error, validate
from gym_suite.motors.machines.base import Machine

# What the efficiency map of a 33 kW drive with permanent magnets (Siemens, of a VW Golf CitySTROMer; Mauracher,
# Aachener Beitraege des ISEA 17, 1996) gives by `gym_suite.analysis.fit_losses` at its 70 N m and 4,500 rpm, as parts
# of those 33 kW: what grows with the speed, what grows with its square; and the threshold of its semiconductors, from
# what grows with the torque, at its link of 130 V. A test fits the map anew.
HYSTERESIS_SHARE, EDDY_SHARE = 0.0089, 0.0071
THRESHOLD = 1.2  # V
#: Of what grows with the speed, the part that is friction: a map of the whole cannot tell it from hysteresis.
FRICTION_SHARE = 0.25
#: Energy of a leg's two commutations and the diode's recovery, per switched voltage and current, s.
SWITCHING_TIME = 170e-9
#: Current at which a semiconductor's characteristic leaves its origin, as a part of the nominal one.
KNEE = 0.01

_MAP = "efficiency map of a 33 kW drive (Mauracher 1996), fitted, scaled to the machine's nominal current and voltage"
_DESIGN = "design value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Losses in the iron, the inverter and the bearings; those of the windings follow from ``r_s``.

    With the flux linkage psi, the electrical speed omega_e and the amplitude of the current i:

    * iron: 3/2 (hysteresis abs(omega_e) + eddy omega_e^2) psi^2, which the rotor feels as a drag. The first grows as
      Steinmetz found (Proc. IEEE 72(2), 1984, doi:10.1109/PROC.1984.12842, reprint of 1892, with the square of the
      flux density for his power of 1.6); the second is a resistance of 1 / eddy across the induced voltage, as in
      Morimoto, Tong, Takeda and Hirasa, IEEE Trans. Ind. Electron. 41(5), 1994, doi:10.1109/41.315269;
    * conduction: 6/pi threshold i + 3/2 slope i^2, since the mean of a phase current's size is 2/pi of its amplitude;
      in each leg a transistor or a diode conducts, with alike characteristics;
    * switching: 6/pi e_switch i / i_nominal a period of the inverter, in which each leg commutates twice; both as in
      Mohan, Undeland and Robbins, "Power Electronics", 3rd ed., Wiley 2003, chapters 2 and 8;
    * friction: (bearing + windage omega^2) abs(omega), besides that of the load.
    """

    hysteresis: float = parameter(
        0.0,
        unit="1/H",
        meaning="iron loss per electrical speed and squared flux",
        low=0.0,
        source=f"{_MAP}, less what is taken for friction",
    )
    eddy: float = parameter(
        0.0,
        unit="S",
        meaning="conductance across the induced voltage that eddy currents amount to",
        low=0.0,
        source=_MAP,
    )
    threshold: float = parameter(
        0.0,
        unit="V",
        meaning="voltage from which on a semiconductor conducts",
        low=0.0,
        source="efficiency map of a 33 kW drive (Mauracher 1996), fitted",
    )
    slope: float = parameter(
        0.0,
        unit="Ohm",
        meaning="resistance of a semiconductor that conducts",
        low=0.0,
        source=f"{_DESIGN}: half the threshold at the nominal current",
    )
    i_knee: float = parameter(
        0.1,
        unit="A",
        meaning="amplitude of the current below which the threshold fades",
        above=0.0,
        source=f"{_DESIGN}: a hundredth of the nominal current",
    )
    e_switch: float = parameter(
        0.0,
        unit="J",
        meaning="energy of switching a leg on and off once at i_nominal",
        low=0.0,
        source=f"{_DESIGN}: {SWITCHING_TIME:g} s of the link's voltage and the nominal current",
    )
    bearing: float = parameter(
        0.0,
        unit="N m",
        meaning="friction besides the load's, whatever the speed",
        low=0.0,
        source=f"{_MAP}: a quarter of what grows with the speed",
    )
    windage: float = parameter(
        0.0, unit="N m s^2", meaning="drag of the rotor in its air", low=0.0, source=_DESIGN
    )

    def __post_init__(self) -> None:
        validate(self)

    def parts(self, machine: Machine, tau: float) -> dict[str, float]:
        """Return what each kind takes at the nominal current, speed and flux of a machine, W.

        The nominal flux is that which induces the largest voltage at the nominal speed.

        Args:
            machine: The machine.
            tau: Period of the inverter, s.
        """
        omega_e, i = machine.pairs * machine.omega_nominal, machine.i_nominal
        flux = _voltage(machine) / omega_e
        iron = 1.5 * (self.hysteresis + self.eddy * omega_e) * omega_e * flux**2
        conduction = 6.0 / math.pi * self.threshold * i + 1.5 * self.slope * i**2
        drag = self.bearing + self.windage * machine.omega_nominal**2
        return {
            "iron": iron,
            "conduction": conduction,
            "switching": 6.0 / math.pi * self.e_switch / tau,
            "friction": drag * machine.omega_nominal,
        }


def _voltage(machine: Machine) -> float:
    """Return the largest amplitude of the voltage without over-modulation, V."""
    return machine.u_dc / machine.voltage_divisor


def nominal_power(machine: Machine) -> float:
    """Return the power of an AC machine at its nominal current and largest voltage, W."""
    return 1.5 * _voltage(machine) * machine.i_nominal


def usual_losses(machine: Machine) -> Losses:
    """Return losses such as a drive of this machine's size has."""
    conductance = machine.i_nominal / _voltage(machine)
    omega_e = machine.pairs * machine.omega_nominal
    torque = nominal_power(machine) / machine.omega_nominal
    return Losses(
        hysteresis=(1.0 - FRICTION_SHARE) * HYSTERESIS_SHARE * conductance * omega_e,
        eddy=EDDY_SHARE * conductance,
        threshold=THRESHOLD,
        slope=0.5 * THRESHOLD / machine.i_nominal,
        i_knee=KNEE * machine.i_nominal,
        e_switch=SWITCHING_TIME * machine.u_dc * machine.i_nominal,
        bearing=FRICTION_SHARE * HYSTERESIS_SHARE * torque,
    )


def build_losses(value: object, machine: Machine) -> Losses | None:
    """Return losses from the name "usual", a mapping of overrides of the usual ones, or losses.

    Args:
        value: What the user gave; None stands for a drive whose losses are not computed.
        machine: The machine.

    Raises:
        ValueError: For another name or an unknown number, naming the nearest, or a value out of bounds.
        TypeError: For anything else.
    """
    if value is None or isinstance(value, Losses):
        return value
    if isinstance(value, str):
        if value != "usual":
            raise unknown_error("losses", value, ("usual",))
        return usual_losses(machine)
    if not isinstance(value, Mapping):
        raise TypeError(
            f'losses must be "usual", a mapping of overrides or Losses, got {type(value).__name__}'
        )
    check_keywords(value, [f.name for f in fields(Losses)], "parameter of the losses")
    return replace(usual_losses(machine), **value)
