"""What feeds a drive's DC link, as data: every number has its unit, bounds and source beside it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from gym_suite.core.parameters import (
    check_keywords,
    check_number,
    parameter,
    unknown_error,
    validate,
)

_GEM = "gym-electric-motor 3.0.3, RC supply: 1 Ohm times 4 mF"
_SAG = "design value: the voltage sags by a twentieth when the current limit flows out of the link"
#: Part of the voltage that the source's resistance takes at the machine's current limit.
SAG = 0.05
#: Time constant of resistance and capacitor, s.
TIME_CONSTANT = 4e-3


def _source_voltage() -> Any:
    meaning = "voltage of the source; of rectified mains its peak"
    return parameter(unit="V", meaning=meaning, above=0.0, source="the DC link of the machine")


def _source_resistance() -> Any:
    return parameter(unit="Ohm", meaning="resistance of the source", above=0.0, source=_SAG)


def _capacitance() -> Any:
    return parameter(unit="F", meaning="capacitor of the DC link", above=0.0, source=_GEM)


def _brake() -> Any:
    return parameter(
        unit="V",
        meaning="voltage above which the braking resistor takes a current",
        above=0.0,
        source="design value: 15 % above the source",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdealSupply:
    """A link whose voltage is the machine's ``u_dc``, whatever flows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RcSupply:
    """A stiff source behind a resistance, and a capacitor across the link.

    c_link du/dt = (u_source - u) / r_source - i, with what the converter takes. Current flows back into the source too.
    """

    u_source: float = _source_voltage()
    r_source: float = _source_resistance()
    c_link: float = _capacitance()

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectifier:
    """Mains behind a full bridge of diodes, the resistance of lines and diodes, and a capacitor across the link.

    Of one phase the bridge gives u_source |sin|, of three the largest line-to-line voltage. Diodes let nothing flow
    back: what the machine gives back charges the capacitor until the braking resistor takes it. Where the mains are in
    their period is drawn at each reset.
    """

    u_source: float = _source_voltage()
    r_source: float = _source_resistance()
    c_link: float = _capacitance()
    mains_phases: int = parameter(3, meaning="phases of the mains, 1 or 3", low=1, integer=True)
    mains_frequency: float = parameter(
        50.0, unit="Hz", meaning="frequency of the mains", above=0.0, source="IEC 60038"
    )
    u_brake: float = _brake()

    def __post_init__(self) -> None:
        validate(self)
        if self.mains_phases not in (1, 3):
            raise ValueError(f"Rectifier.mains_phases must be 1 or 3, got {self.mains_phases}")
        if self.u_brake <= self.u_source:
            raise ValueError(
                f"Rectifier.u_brake = {self.u_brake:g} V must be above the peak that the mains give, "
                f"u_source = {self.u_source:g} V: the braking resistor would burn what the mains give"
            )


def _cell(charge: float) -> float:
    """Return the open-circuit voltage of a lithium-ion cell, V; Chen and Rincon-Mora, 2006, equation (2)."""
    cubic = 3.685 + charge * (0.2156 + charge * (-0.1178 + charge * 0.3201))
    return cubic - 1.031 * math.exp(-35.0 * charge)


_CELL = "Chen and Rincon-Mora, IEEE Trans. Energy Convers. 21(2), 2006, doi:10.1109/TEC.2006.874229"
#: Capacity times resistance over voltage of that cell, s: 0.85 Ah and 0.07446 Ohm.
_CELL_SECONDS = 0.85 * 3600.0 * 0.07446 / _cell(0.5)
_CHARGES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, *(0.1 * k for k in range(2, 11)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A battery: its open-circuit voltage by the state of charge, behind its resistance.

    The usual curve is that of a lithium-ion cell (Chen and Rincon-Mora, 2006), scaled to the machine's link at half
    charge.

    Into the battery flows ``i_charge`` at most, and nothing when it is full: what the machine gives back beyond that a
    braking resistor takes. An empty battery trips the drive.
    """

    open_circuit: Any
    r_source: float = _source_resistance()
    charge_capacity: float = parameter(
        unit="A s", meaning="capacity of the battery", above=0.0, source=_CELL
    )
    charge_low: float = parameter(
        0.3, meaning="lowest state of charge at reset", above=0.0, high=1.0, source="design value"
    )
    charge_high: float = parameter(
        0.9, meaning="highest state of charge at reset", above=0.0, high=1.0, source="design value"
    )
    i_charge: float = parameter(
        unit="A",
        meaning="largest current into the battery",
        low=0.0,
        source="design value: its capacity in an hour",
    )

    def __post_init__(self) -> None:
        validate(self)
        object.__setattr__(self, "open_circuit", _read_curve(self.open_circuit))
        if self.charge_low > self.charge_high:
            raise ValueError(
                f"Battery.charge_low = {self.charge_low:g} is above charge_high = {self.charge_high:g}"
            )

    @property
    def u_source(self) -> float:
        """Open-circuit voltage at the lowest state of charge with which an episode starts, V."""
        charges, voltages = zip(*self.open_circuit, strict=True)
        return float(np.interp(self.charge_low, charges, voltages))


def _read_curve(value: Any) -> tuple[tuple[float, float], ...]:
    """Return the open-circuit voltage by the state of charge as pairs.

    Raises:
        ValueError: If it is none, or does not lead from 0 to 1 by voltages that do not fall.
    """
    try:
        pairs = tuple((float(charge), float(voltage)) for charge, voltage in value)
    except (TypeError, ValueError):
        pairs = ()
    if len(pairs) < 2:
        raise ValueError(
            f"Battery.open_circuit takes pairs of (state of charge, V), two at least, got {value!r}"
        )
    rises = all(a[0] < b[0] and a[1] <= b[1] for a, b in itertools.pairwise(pairs))
    (empty, least), (full, most) = pairs[0], pairs[-1]
    if not rises or empty != 0.0 or full != 1.0 or not 0.0 < least <= most < math.inf:
        raise ValueError(
            "Battery.open_circuit must lead from charge 0 to 1 by voltages above 0 that do not fall, "
            f"got charges from {empty:g} to {full:g} and voltages from {least:g} to {most:g} V"
        )
    return pairs


Supply = IdealSupply | RcSupply | Rectifier | Battery

#: Every kind of supply by the name that a user gives; its place is its number in kernels.
SUPPLIES: Mapping[str, type[Supply]] = {
    "ideal": IdealSupply,
    "rc": RcSupply,
    "rectifier": Rectifier,
    "battery": Battery,
}
IDEAL, RC, RECTIFIER, BATTERY = range(len(SUPPLIES))


def usual_supply(kind: str, u_dc: float, i_limit: float) -> Supply:
    """Return the supply of a kind that is meant for a machine.

    Args:
        kind: Name of the kind.
        u_dc: The machine's DC-link voltage, V.
        i_limit: Its current limit, A.
    """
    resistance = SAG * u_dc / i_limit
    capacitance = TIME_CONSTANT / resistance
    if kind == "rc":
        return RcSupply(u_source=u_dc, r_source=resistance, c_link=capacitance)
    if kind == "rectifier":
        return Rectifier(
            u_source=u_dc, r_source=resistance, c_link=capacitance, u_brake=1.15 * u_dc
        )
    if kind == "battery":
        capacity = _CELL_SECONDS * u_dc / resistance
        return Battery(
            open_circuit=[(charge, _cell(charge) / _cell(0.5) * u_dc) for charge in _CHARGES],
            r_source=resistance,
            charge_capacity=capacity,
            i_charge=capacity / 3600.0,
        )
    return IdealSupply()


def build_supply(value: object, *, u_dc: float, i_limit: float) -> Supply:
    """Return a supply from its kind's name, a mapping with "kind" and overrides, or a supply.

    Args:
        value: What the user gave; None stands for the ideal one.
        u_dc: The machine's DC-link voltage, V.
        i_limit: Its current limit, A.

    Raises:
        ValueError: For an unknown kind or parameter, naming the nearest, or a value out of bounds.
        TypeError: For anything else.
    """
    if value is None:
        return IdealSupply()
    if isinstance(value, Supply):
        return value
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        raise TypeError(f"supply must be a name, a mapping or a supply, got {type(value).__name__}")
    given: dict[str, Any] = dict(value)
    kind = given.pop("kind", None)
    if kind not in SUPPLIES:
        raise unknown_error("supply kind", kind, SUPPLIES)
    names = [f.name for f in fields(SUPPLIES[kind])]
    check_keywords(given, names, f"parameter of the supply {kind!r}")
    if kind == "rectifier" and "u_source" in given and "u_brake" not in given:
        given["u_brake"] = 1.15 * check_number("u_source", given["u_source"], above=0.0)
    return replace(usual_supply(kind, u_dc, i_limit), **given)


def supply_kind(supply: Supply) -> int:
    """Return the number under which kernels know a supply's kind."""
    return list(SUPPLIES.values()).index(type(supply))
