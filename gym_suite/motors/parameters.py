"""What a shaft carries, as data: every number has its unit, bounds and source beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from gym_suite.core.parameters import (
    check_keywords,
    check_number,
    parameter,
    unknown_error,
    validate,
)
from gym_suite.core.signals import as_signal

_GEM_LOAD = "gym-electric-motor 3.0.3, PolynomialStaticLoad of its speed-control environments"
_DESIGN = "design value: a mean and a spread that the drives of the family can turn at"
_RESONANCE = (
    "design value: with the usual inertias a resonance at 20 Hz with a damping ratio of 0.1"
)
#: Resonance of a shaft between the rotor and a load of the same inertia, Hz, and its damping ratio, unless given.
USUAL_RESONANCE, USUAL_DAMPING = 20.0, 0.1
_I3 = "BMW i3 (60 Ah) technical data, BMW Group media information, 2013"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantSpeed:
    """A load that holds the shaft's speed, like a stiff dynamometer.

    Attributes:
        omega: The speed, rad/s; None where the task draws it at each reset.
    """

    omega: float | None = None

    def __post_init__(self) -> None:
        if self.omega is not None:
            check_number("ConstantSpeed.omega", self.omega)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolynomialStatic:
    """A rigid shaft with the load torque sign(omega) (a + c omega^2) + b omega.

    The Coulomb part a is linear for abs(omega) < a tau_decay / j_total, so that standstill is well defined.
    """

    a: float = parameter(0.01, unit="N m", meaning="Coulomb friction", low=0.0, source=_GEM_LOAD)
    b: float = parameter(0.01, unit="N m s", meaning="viscous friction", low=0.0, source=_GEM_LOAD)
    c: float = parameter(0.0, unit="N m s^2", meaning="quadratic drag", low=0.0, source=_GEM_LOAD)
    tau_decay: float = parameter(
        1e-3,
        unit="s",
        meaning="time constant of Coulomb friction at standstill",
        above=0.0,
        source=_GEM_LOAD,
    )
    j_load: float = parameter(
        1e-5, unit="kg m^2", meaning="inertia of the load", low=0.0, source=_GEM_LOAD
    )

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoMass(PolynomialStatic):
    """A load behind an elastic shaft with backlash: stiffness and damping between the rotor and the load's inertia.

    The load takes the torque of :class:`PolynomialStatic` at its own speed. Within the backlash gap nothing is
    transmitted; at either side of it the shaft pushes and does not pull. M. Nordin and P.-O. Gutman, "Controlling
    mechanical systems with backlash - a survey", Automatica 38, 2002, doi:10.1016/S0005-1098(02)00047-X.
    """

    stiffness: float = parameter(
        unit="N m/rad", meaning="stiffness of the shaft", above=0.0, source=_RESONANCE
    )
    damping: float = parameter(
        unit="N m s/rad", meaning="damping of the shaft", low=0.0, source=_RESONANCE
    )
    backlash: float = parameter(
        0.0, unit="rad", meaning="whole gap of the backlash", low=0.0, high=1.0, source="none"
    )

    def __post_init__(self) -> None:
        validate(self)
        if self.j_load <= 0.0:
            raise ValueError(
                f"TwoMass.j_load must be greater than 0, got {self.j_load:g}: the load's speed is its own"
            )

    def resonance(self, j_rotor: float) -> float:
        """Return the angular frequency at which both inertias swing against each other without damping, rad/s.

        Args:
            j_rotor: Inertia of the rotor, kg m^2.
        """
        return math.sqrt(self.stiffness * (1.0 / j_rotor + 1.0 / self.j_load))


def usual_two_mass(j_rotor: float, friction: PolynomialStatic, j_load: float) -> TwoMass:
    """Return a load behind a shaft that swings at :data:`USUAL_RESONANCE` with :data:`USUAL_DAMPING`.

    Args:
        j_rotor: Inertia of the rotor, kg m^2.
        friction: Whose friction the load has.
        j_load: Inertia of the load, kg m^2.
    """
    reduced, omega = j_rotor * j_load / (j_rotor + j_load), 2.0 * math.pi * USUAL_RESONANCE
    return TwoMass(
        a=friction.a,
        b=friction.b,
        c=friction.c,
        tau_decay=friction.tau_decay,
        j_load=j_load,
        stiffness=reduced * omega * omega,
        damping=2.0 * USUAL_DAMPING * reduced * omega,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A passenger car on the shaft: mass, rolling resistance and drag through one reduction gear.

    The gear ratio is a design value: with it the highest speed of WLTC class 3b, 131.3 km/h, is 95 % of the
    6,000 rpm of the HSM16.17.12-C01.
    """

    mass: float = parameter(
        1270.0, unit="kg", meaning="mass in running order (EU)", above=0.0, source=_I3
    )
    c_r: float = parameter(
        7.7e-3,
        meaning="rolling resistance coefficient",
        low=0.0,
        source="upper bound of tyre label class B, Regulation (EU) 2020/740, annex I",
    )
    c_d: float = parameter(0.29, meaning="drag coefficient", low=0.0, source=_I3)
    area: float = parameter(2.38, unit="m^2", meaning="frontal area", low=0.0, source=_I3)
    gear_ratio: float = parameter(
        5.72,
        meaning="motor turns per wheel turn",
        above=0.0,
        source="design value: 131.3 km/h at 95 % of 6,000 rpm",
    )
    wheel_radius: float = parameter(
        0.350,
        unit="m",
        meaning="wheel radius",
        above=0.0,
        source="tyre size 155/70 R19 of the BMW i3: 19 in / 2 + 0.70 * 155 mm",
    )
    rho: float = parameter(
        1.2,
        unit="kg/m^3",
        meaning="density of air",
        low=0.0,
        source="dry air at 20 degC and 1013 hPa, ideal gas, rounded",
    )
    gravity: float = parameter(
        9.80665, unit="m/s^2", meaning="standard gravity", low=0.0, source="ISO 80000-3"
    )

    def __post_init__(self) -> None:
        validate(self)

    @property
    def lever(self) -> float:
        """Vehicle speed per shaft speed, m."""
        return self.wheel_radius / self.gear_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedProfile:
    """A load that moves the shaft at a speed that changes over time, like a dynamometer that is told to.

    Attributes:
        omega: The speed, rad/s: a signal, a mapping of its attributes such as ``{"table": [[0, 0], [1, 100]]}``, or a
            number.
    """

    omega: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "omega", as_signal(self.omega, "SpeedProfile.omega"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrnsteinUhlenbeck:
    """A load that moves the shaft at a random speed, which keeps returning to its mean.

    d omega = theta (mu - omega) dt + sigma dW; Uhlenbeck and Ornstein, Physical Review 36, 1930,
    doi:10.1103/PhysRev.36.823. In the long run the speed spreads by sigma / sqrt(2 theta), with which it starts.
    """

    mu: float = parameter(100.0, unit="rad/s", meaning="mean of the speed", source=_DESIGN)
    theta: float = parameter(
        10.0, unit="1/s", meaning="rate of the speed's return", above=0.0, source=_DESIGN
    )
    sigma: float = parameter(
        100.0, unit="rad/s^1.5", meaning="strength of the speed's noise", low=0.0, source=_DESIGN
    )

    def __post_init__(self) -> None:
        validate(self)

    @property
    def spread(self) -> float:
        """Standard deviation of the speed in the long run, rad/s."""
        return self.sigma / math.sqrt(2.0 * self.theta)


Load = ConstantSpeed | PolynomialStatic | Vehicle | TwoMass | SpeedProfile | OrnsteinUhlenbeck

#: Every kind of load by the name that a user gives; its place is its number in kernels.
LOADS: Mapping[str, type[Load]] = {
    "constant_speed": ConstantSpeed,
    "polynomial_static": PolynomialStatic,
    "vehicle": Vehicle,
    "two_mass": TwoMass,
    "speed_profile": SpeedProfile,
    "ornstein_uhlenbeck": OrnsteinUhlenbeck,
}
CONSTANT_SPEED, POLYNOMIAL_STATIC, VEHICLE, TWO_MASS, SPEED_PROFILE, ORNSTEIN_UHLENBECK = range(
    len(LOADS)
)


def build_load(
    value: object,
    *,
    default: str,
    j_rotor: float,
    usual: PolynomialStatic | None = None,
) -> Load:
    """Return a load from its kind's name, a mapping with "kind" and overrides, or a load.

    For a polynomial load "j_total" (rotor plus load) may be given instead of "j_load", or with it where both agree.

    Args:
        value: What the user gave; None stands for the default.
        default: The default kind.
        j_rotor: Inertia of the rotor, kg m^2.
        usual: The polynomial load that a name stands for and a mapping overrides.

    Raises:
        ValueError: For an unknown kind or parameter, naming the nearest, or a value out of bounds.
        TypeError: For anything else.
    """
    if value is None:
        value = default
    if isinstance(value, Load):
        return value
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        raise TypeError(f"load must be a name, a mapping or a load, got {type(value).__name__}")
    given: dict[str, Any] = dict(value)
    kind = given.pop("kind", default)
    if kind not in LOADS:
        raise unknown_error("load kind", kind, LOADS)
    cls = LOADS[kind]
    names = [field.name for field in fields(cls)]
    if cls is PolynomialStatic and "j_total" in given:
        total = check_number("j_total", given.pop("j_total"))
        if total < j_rotor * (1.0 - 1e-9):
            raise ValueError(
                f"j_total includes the rotor: it must be at least j_rotor = {j_rotor:g}, got {total:g}"
            )
        rest = max(total - j_rotor, 0.0)
        own = check_number("j_load", given.get("j_load", rest))
        if abs(own - rest) > 1e-9 * total:
            raise ValueError(
                f"j_total = {total:g} is j_rotor = {j_rotor:g} and a load of {rest:g}, but j_load = {own:g}: give one"
            )
        given["j_load"] = own
    known = [*names, "j_total"] if cls is PolynomialStatic else names
    check_keywords(given, known, f"parameter of the load {kind!r}")
    if cls is PolynomialStatic and usual is not None:
        return replace(usual, **given)
    if cls is TwoMass:
        own = check_number("TwoMass.j_load", given.get("j_load", j_rotor), above=0.0)
        return replace(usual_two_mass(j_rotor, usual or PolynomialStatic(), own), **given)
    if cls is SpeedProfile and "omega" not in given:
        raise ValueError("a load of kind 'speed_profile' needs omega, the speed over time")
    return cls(**given)


def load_kind(load: Load) -> int:
    """Return the number under which kernels know a load's kind."""
    return list(LOADS.values()).index(type(load))


def moves(load: Load) -> bool:
    """Return whether a load lets the machine's torque move the shaft."""
    return isinstance(load, PolynomialStatic | Vehicle)


def lever_of(load: Load) -> float:
    """Return the metres that a vehicle moves per radian of the shaft, 1 where there is none."""
    return load.lever if isinstance(load, Vehicle) else 1.0


def loads_of(load: Load) -> tuple[PolynomialStatic, Vehicle, OrnsteinUhlenbeck]:
    """Return the numbers of every kind of load: those of the given one, and others that carry nothing."""
    nothing = PolynomialStatic(a=0.0, b=0.0, j_load=0.0)
    return (
        load if isinstance(load, PolynomialStatic) else nothing,
        load if isinstance(load, Vehicle) else Vehicle(),
        load if isinstance(load, OrnsteinUhlenbeck) else OrnsteinUhlenbeck(),
    )
