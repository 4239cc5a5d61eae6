"""How a machine warms, as data: every number of its thermal network has its unit, bounds and source beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from gym_suite.core.parameters import check_keywords, parameter, unknown_error, validate
from gym_suite.motors.machines.base import Machine

#: What is colder than this or hotter is no electric drive, degrees Celsius.
COLDEST, HOTTEST = -60.0, 400.0
#: Of the coolant (the highest that IEC 60034-1 reckons with), and that to which a machine's numbers belong, degC.
AMBIENT, REFERENCE = 40.0, 20.0
#: Part by which the resistance of copper grows a kelvin at the latter, 1/K.
COPPER = 3.93e-3
#: Rises over the next node with the nominal current's copper loss at a winding of 140 degrees Celsius, K.
WINDING_RISE, HOUSING_RISE = 60.0, 40.0
#: How fast nodes follow the next one, s.
WINDING_TIME, MAGNET_TIME, HOUSING_TIME = 60.0, 600.0, 1200.0
#: Thermal resistance across the air gap, as a multiple of the winding's.
GAP = 4.0

_RISE = f"design value: with it the nominal current warms the winding by {WINDING_RISE:g} K over the housing"
_REACH = f"design value: with it the nominal current's copper loss warms the housing by {HOUSING_RISE:g} K"
_COPPER = "IEC 60028: annealed copper at 20 degC"


def _resistance(between: str, source: str) -> Any:
    meaning = f"thermal resistance between {between}"
    return parameter(unit="K/W", meaning=meaning, above=0.0, source=source)


def _capacity(of: str, seconds: float) -> Any:
    source = f"design value: a time constant of {seconds:g} s with its thermal resistance"
    return parameter(unit="J/K", meaning=f"thermal capacity of {of}", above=0.0, source=source)


def _temperature(default: float, meaning: str, source: str) -> Any:
    return parameter(
        default, unit="degC", meaning=meaning, low=COLDEST, high=HOTTEST, source=source
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalNetwork:
    """Winding, magnets (or a rotor without) and housing with the stator's iron, each a capacity of one temperature.

    Winding and magnets give their heat to the housing, and that to the ambient: a network of lumped parameters as in
    Wallscheid and Boecker, IEEE Trans. Energy Convers. 31(1), 2016, doi:10.1109/TEC.2015.2473673, with the fewest
    nodes that tell the three limits apart. Copper loss heats the winding, ``rotor_share`` of the iron loss the magnets,
    the rest and the friction the housing; the inverter has a heat sink of its own. Resistance and flux follow with
    r_s (1 + alpha_winding (T_winding - temperature_nominal)) and psi_p (1 + alpha_magnet (T_magnet -
    temperature_nominal)); the d flux of a flux map shifts by as much as the magnets' without current does.
    """

    rth_winding: float = _resistance("winding and housing", _RISE)
    rth_magnet: float = _resistance(
        "magnets and housing", f"design value: {GAP:g} times the winding's, across the air gap"
    )
    rth_housing: float = _resistance("housing and ambient", _REACH)
    c_winding: float = _capacity("the winding", WINDING_TIME)
    c_magnet: float = _capacity("the magnets", MAGNET_TIME)
    c_housing: float = _capacity("the housing with the stator's iron", HOUSING_TIME)
    ambient: float = _temperature(AMBIENT, "temperature of the coolant", "IEC 60034-1: its highest")
    temperature_low: float = _temperature(AMBIENT, "lowest temperature at reset", "the ambient's")
    temperature_high: float = _temperature(AMBIENT, "highest temperature at reset", "the ambient's")
    limit_winding: float = _temperature(
        155.0, "largest temperature of the winding", "IEC 60085: thermal class F"
    )
    limit_magnet: float = _temperature(
        150.0,
        "largest temperature of the magnets",
        "makers' data of NdFeB of the grades SH: 150 degC",
    )
    temperature_nominal: float = _temperature(
        REFERENCE, "temperature to which r_s and psi_p belong", _COPPER
    )
    alpha_winding: float = parameter(
        COPPER,
        unit="1/K",
        meaning="part by which the winding's resistance grows a kelvin",
        low=0.0,
        high=0.02,
        source=_COPPER,
    )
    alpha_magnet: float = parameter(
        -1e-3,
        unit="1/K",
        meaning="part by which the magnets' flux changes a kelvin",
        low=-5e-3,
        high=5e-3,
        source="makers' data of NdFeB: the remanence loses 0.09 to 0.13 % a kelvin",
    )
    rotor_share: float = parameter(
        0.1, meaning="part of the iron loss in the rotor", low=0.0, high=1.0, source="design value"
    )

    def __post_init__(self) -> None:
        validate(self)
        if self.temperature_low > self.temperature_high:
            raise ValueError(
                f"ThermalNetwork.temperature_low = {self.temperature_low:g} degC is above temperature_high = "
                f"{self.temperature_high:g} degC"
            )
        for name in ("limit_winding", "limit_magnet"):
            limit = getattr(self, name)
            if max(self.temperature_high, self.ambient) >= limit:
                raise ValueError(
                    f"ThermalNetwork.{name} = {limit:g} degC must be above what an episode starts with, "
                    f"temperature_high = {self.temperature_high:g} degC, and above the ambient's {self.ambient:g} degC"
                )
        coldest = min(self.temperature_low, self.ambient)
        for name, hottest in (
            ("alpha_winding", self.limit_winding),
            ("alpha_magnet", self.limit_magnet),
        ):
            for temperature in (coldest, hottest):
                factor = 1.0 + getattr(self, name) * (temperature - self.temperature_nominal)
                if factor <= 0.0:
                    raise ValueError(
                        f"ThermalNetwork.{name} = {getattr(self, name):g} 1/K would leave nothing at {temperature:g} "
                        f"degC: the factor 1 + {name} (T - temperature_nominal) is {factor:.3g}"
                    )

    def settled(self, copper: float, iron: float = 0.0, friction: float = 0.0) -> dict[str, float]:
        """Return the temperatures at which constant losses (W) let the nodes settle, degrees Celsius."""
        rotor = self.rotor_share * iron
        housing = self.ambient + self.rth_housing * (copper + iron + friction)
        return {
            "winding": housing + self.rth_winding * copper,
            "magnet": housing + self.rth_magnet * rotor,
            "housing": housing,
        }


def usual_network(machine: Machine) -> ThermalNetwork:
    """Return a network with which a machine bears its nominal current for ever, and not much more.

    Raises:
        ValueError: For a machine whose windings have no resistance, which nothing would warm.
    """
    r_s = float(getattr(machine, "r_s", 0.0))
    if r_s == 0.0:
        raise ValueError(
            "the usual thermal network follows from the copper loss at the nominal current, and r_s = 0 gives none: "
            "give every number of it by gym_suite.motors.thermal.ThermalNetwork"
        )
    hot = AMBIENT + WINDING_RISE + HOUSING_RISE
    copper = 1.5 * r_s * (1.0 + COPPER * (hot - REFERENCE)) * machine.i_nominal**2
    winding, housing = WINDING_RISE / copper, HOUSING_RISE / copper
    return ThermalNetwork(
        rth_winding=winding,
        rth_magnet=GAP * winding,
        rth_housing=housing,
        c_winding=WINDING_TIME / winding,
        c_magnet=MAGNET_TIME / (GAP * winding),
        c_housing=HOUSING_TIME / housing,
    )


def build_network(value: object, machine: Machine) -> ThermalNetwork | None:
    """Return a thermal network from the name "usual", a mapping of overrides of the usual one, or a network.

    Args:
        value: What the user gave; None stands for a machine whose temperature does not move.
        machine: The machine.

    Raises:
        ValueError: For another name or an unknown number, naming the nearest, or a value out of bounds.
        TypeError: For anything else.
    """
    if value is None or isinstance(value, ThermalNetwork):
        return value
    if isinstance(value, str):
        if value != "usual":
            raise unknown_error("thermal network", value, ("usual",))
        return usual_network(machine)
    if not isinstance(value, Mapping):
        raise TypeError(
            f'thermal must be "usual", a mapping of overrides or a ThermalNetwork, got {type(value).__name__}'
        )
    check_keywords(
        value, [f.name for f in fields(ThermalNetwork)], "parameter of the thermal network"
    )
    given = dict(value)
    if "ambient" in given:  # unless said otherwise, what has stood there has its temperature
        for name in ("temperature_low", "temperature_high"):
            given.setdefault(name, given["ambient"])
    if all(f.name in given for f in fields(ThermalNetwork) if f.default is MISSING):
        return ThermalNetwork(**given)
    return replace(usual_network(machine), **given)
