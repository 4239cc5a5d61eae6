"""Parameter sets of machines, loads and vehicles, and the layout of a row of parameters.

Every number has its unit, bounds and source beside it; ``gym-suite show`` prints them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from gym_suite.core.columns import Column, Columns
from gym_suite.core.parameters import (
    build,
    check_keywords,
    check_number,
    parameter,
    unknown_error,
    validate,
)

# ---------------------------------------------------------------------------------------------------------- machines

_PEER = (
    "gym-electric-motor 3.0.3 default PMSM, after doi:10.1109/TPEL.2020.3006779 and "
    "doi:10.1109/IEMDC.2019.8785122"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PMSM:
    """A permanent-magnet synchronous machine with constant inductances, and the DC link it is meant for.

    Raises:
        ValueError: If a number is out of bounds, or the nominal current exceeds the limit.
    """

    p: int = parameter(3, meaning="pole pairs", low=1, integer=True, source=_PEER)
    r_s: float = parameter(18e-3, unit="Ohm", meaning="stator resistance", low=0.0, source=_PEER)
    l_d: float = parameter(0.37e-3, unit="H", meaning="d inductance", above=0.0, source=_PEER)
    l_q: float = parameter(1.2e-3, unit="H", meaning="q inductance", above=0.0, source=_PEER)
    psi_p: float = parameter(66e-3, unit="Vs", meaning="magnet flux", low=0.0, source=_PEER)
    j_rotor: float = parameter(
        0.03883, unit="kg m^2", meaning="rotor inertia", above=0.0, source=_PEER
    )
    i_nominal: float = parameter(
        240.0, unit="A", meaning="nominal current (amplitude)", above=0.0, source=_PEER
    )
    i_limit: float = parameter(
        400.0,
        unit="A",
        meaning="current at which the drive trips (amplitude)",
        above=0.0,
        source=_PEER,
    )
    omega_nominal: float = parameter(
        3000.0 * math.pi / 30.0,
        unit="rad/s",
        meaning="nominal speed",
        above=0.0,
        source=_PEER,
    )
    omega_limit: float = parameter(
        4000.0 * math.pi / 30.0, unit="rad/s", meaning="highest speed", above=0.0, source=_PEER
    )
    u_dc: float = parameter(300.0, unit="V", meaning="DC-link voltage", above=0.0, source=_PEER)

    def __post_init__(self) -> None:
        validate(self)
        if self.i_nominal > self.i_limit:
            raise ValueError(
                f"PMSM.i_nominal must not exceed i_limit, got {self.i_nominal:g} > {self.i_limit:g}"
            )
        if self.psi_p == 0.0 and self.l_d == self.l_q:
            raise ValueError("a PMSM with psi_p = 0 and l_d = l_q gives no torque")


_BRUSA = "Brusa HSM16.17.12-C01 data as used in the peer's published DDPG example"
MACHINES: Mapping[str, PMSM] = MappingProxyType(
    {
        "PMSM": PMSM(),
        "HSM16.17.12-C01": PMSM(
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
    }
)

# Where each set's numbers come from, "" standing for all that are not named.
MACHINE_SOURCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "PMSM": {"": _PEER},
        "HSM16.17.12-C01": {
            "": _BRUSA,
            "j_rotor": "not published for this machine; the peer's default PMSM value",
        },
    }
)


def build_machine(value: object, *, default: str = "PMSM") -> PMSM:
    """Return a machine from a set's name, a mapping of overrides, or a :class:`PMSM`.

    A mapping may say ``"kind": "PMSM"`` and, under "base", the set that it overrides, which is the
    default one otherwise.

    Raises:
        ValueError: For an unknown set, kind or parameter (naming the nearest) or a value out of bounds.
        TypeError: For anything else.
    """
    if isinstance(value, Mapping):
        value = dict(value)
        kind = value.pop("kind", "PMSM")
        if kind != "PMSM":
            raise unknown_error("machine kind", kind, ["PMSM"])
    return build(PMSM, value, sets=MACHINES, default=default, what="machine")


def machine_source(machine: PMSM, name: str) -> str:
    """Return where a number of a machine comes from: the source of the set it is nearest to, or "user"."""

    def agreement(known: str) -> int:
        names = (field.name for field in fields(PMSM))
        return sum(getattr(machine, n) == getattr(MACHINES[known], n) for n in names)

    nearest_set = max(MACHINES, key=agreement)
    if getattr(machine, name) != getattr(MACHINES[nearest_set], name):
        return "user"
    sources = MACHINE_SOURCES[nearest_set]
    return sources.get(name, sources[""])


# ------------------------------------------------------------------------------------------------------------- loads

CONSTANT_SPEED, POLYNOMIAL_STATIC, VEHICLE = range(3)
LOAD_KINDS = ("constant_speed", "polynomial_static", "vehicle")

_GEM_LOAD = "gym-electric-motor 3.0.3, PolynomialStaticLoad of its AC speed-control environments"
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
        1e-3, unit="s", meaning="time constant at standstill", above=0.0, source=_GEM_LOAD
    )
    j_load: float = parameter(
        1e-5, unit="kg m^2", meaning="inertia of the load", low=0.0, source=_GEM_LOAD
    )

    def __post_init__(self) -> None:
        validate(self)


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


Load = ConstantSpeed | PolynomialStatic | Vehicle
_LOAD_CLASSES = {
    "constant_speed": ConstantSpeed,
    "polynomial_static": PolynomialStatic,
    "vehicle": Vehicle,
}


def build_load(value: object, *, default: str, j_rotor: float) -> Load:
    """Return a load from its kind's name, a mapping with "kind" and overrides, or a load.

    For a polynomial load "j_total" (rotor plus load) may be given instead of "j_load".

    Raises:
        ValueError: For an unknown kind or parameter, naming the nearest, or a value out of bounds.
        TypeError: For anything else.
    """
    if value is None:
        value = default
    if isinstance(value, ConstantSpeed | PolynomialStatic | Vehicle):
        return value
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        raise TypeError(f"load must be a name, a mapping or a load, got {type(value).__name__}")
    given: dict[str, Any] = dict(value)
    kind = given.pop("kind", default)
    if kind not in _LOAD_CLASSES:
        raise unknown_error("load kind", kind, _LOAD_CLASSES)
    cls = _LOAD_CLASSES[kind]
    names = [field.name for field in fields(cls)]
    if cls is PolynomialStatic and "j_total" in given:
        if "j_load" in given:
            raise ValueError("a load takes j_total or j_load, not both")
        total = check_number("j_total", given.pop("j_total"))
        if total < j_rotor * (1.0 - 1e-9):
            raise ValueError(
                f"j_total includes the rotor: it must be at least j_rotor = {j_rotor:g}, got {total:g}"
            )
        given["j_load"] = max(total - j_rotor, 0.0)
    check_keywords(given, [*names, "j_total"], f"parameter of the load {kind!r}")
    return cls(**given)


def load_kind(load: Load) -> int:
    """Return the number under which kernels know a load's kind."""
    return list(_LOAD_CLASSES.values()).index(type(load))


# --------------------------------------------------------------------------------------------------- the parameter row

TASK_CURRENT, TASK_SPEED, TASK_CYCLE = range(3)
TASKS = ("current", "speed", "drive_cycle")
CONTROL_VOLTAGE, CONTROL_TORQUE = range(2)
CONTROLS = ("voltage", "torque")
FRAME_DQ, FRAME_ABC = range(2)
FRAMES = ("dq", "abc")
REFERENCE_STEPS, REFERENCE_SIGNALS, REFERENCE_CYCLE = range(3)

PARAMETERS = Columns(
    # the machine
    Column("p", "1", 1, math.inf, "pole pairs"),
    Column("r_s", "Ohm", 0, math.inf, "stator resistance"),
    Column("l_d", "H", 0, math.inf, "d inductance"),
    Column("l_q", "H", 0, math.inf, "q inductance"),
    Column("psi_p", "Vs", 0, math.inf, "magnet flux"),
    Column("j_rotor", "kg m^2", 0, math.inf, "rotor inertia"),
    Column("i_nominal", "A", 0, math.inf, "nominal current (amplitude)"),
    Column("i_limit", "A", 0, math.inf, "current at which the drive trips (amplitude)"),
    Column("omega_nominal", "rad/s", 0, math.inf, "nominal speed"),
    Column("omega_limit", "rad/s", 0, math.inf, "highest speed"),
    Column("u_dc", "V", 0, math.inf, "DC-link voltage"),
    # the load
    Column("load_kind", "1", 0, 2, "0 constant speed, 1 polynomial static, 2 vehicle"),
    Column("a", "N m", 0, math.inf, "Coulomb friction"),
    Column("b", "N m s", 0, math.inf, "viscous friction"),
    Column("c", "N m s^2", 0, math.inf, "quadratic drag"),
    Column("tau_decay", "s", 0, math.inf, "time constant of Coulomb friction at standstill"),
    Column("j_load", "kg m^2", 0, math.inf, "inertia of the load"),
    Column("mass", "kg", 0, math.inf, "vehicle mass"),
    Column("c_r", "1", 0, math.inf, "rolling resistance coefficient"),
    Column("c_d", "1", 0, math.inf, "drag coefficient"),
    Column("area", "m^2", 0, math.inf, "frontal area"),
    Column("gear_ratio", "1", 0, math.inf, "motor turns per wheel turn"),
    Column("wheel_radius", "m", 0, math.inf, "wheel radius"),
    Column("rho", "kg/m^3", 0, math.inf, "density of air"),
    Column("gravity", "m/s^2", 0, math.inf, "standard gravity"),
    # converter and timing
    Column("tau", "s", 0, math.inf, "period of the inverter and the inner controller"),
    Column("ratio", "1", 1, math.inf, "inverter periods per control period"),
    Column("substeps", "1", 1, math.inf, "Runge-Kutta steps per inverter period"),
    Column("dead_time", "1", 0, 1, "1: a command is applied one inverter period late"),
    Column("frame", "1", 0, 1, "of the action: 0 dq, 1 abc"),
    Column("control", "1", 0, 1, "the action is: 0 a voltage, 1 a torque"),
    # the task
    Column("task", "1", 0, 2, "0 current, 1 speed, 2 drive cycle"),
    Column("reference_kind", "1", 0, 2, "0 random steps, 1 signals, 2 drive cycle"),
    Column("reference_ticks", "1", 1, math.inf, "inverter periods between two random steps"),
    Column("reference_range", "*", 0, math.inf, "largest random reference (A or rad/s)"),
    Column("preview", "1", 0, math.inf, "future references observed"),
    Column("preview_interval", "s", 0, math.inf, "time between two of them"),
    Column("speed_low", "rad/s", -math.inf, math.inf, "lowest speed drawn at reset"),
    Column("speed_high", "rad/s", -math.inf, math.inf, "highest speed drawn at reset"),
    Column("window", "s", 0, math.inf, "length of the window of the drive cycle"),
    Column("window_start", "s", -1, math.inf, "its start; -1: drawn at reset"),
    Column("error_scale", "*", 0, math.inf, "error that earns nothing (A, rad/s or m/s)"),
    Column("error_exponent", "1", 0, math.inf, "exponent of the normalised error"),
    Column("weight_1", "1", 0, math.inf, "weight of the first tracked quantity"),
    Column("weight_2", "1", 0, math.inf, "weight of the second one, or of the copper loss"),
    Column("weight_effort", "1", 0, math.inf, "weight of the squared action"),
    Column("weight_smoothness", "1", 0, math.inf, "weight of the squared change of the action"),
    Column("penalty_trip", "1", 0, math.inf, "penalty of a trip"),
    # the inner current controller: nominal model and gains
    Column("model_p", "1", 1, math.inf, "pole pairs the inner controller believes"),
    Column("model_l_d", "H", 0, math.inf, "d inductance the inner controller believes"),
    Column("model_l_q", "H", 0, math.inf, "q inductance the inner controller believes"),
    Column("model_psi_p", "Vs", 0, math.inf, "magnet flux the inner controller believes"),
    Column("kp_d", "V/A", 0, math.inf, "proportional gain of the inner d controller"),
    Column("ki_d", "V/(A s)", 0, math.inf, "integral gain of the inner d controller"),
    Column("kp_q", "V/A", 0, math.inf, "proportional gain of the inner q controller"),
    Column("ki_q", "V/(A s)", 0, math.inf, "integral gain of the inner q controller"),
    Column("torque_limit", "N m", 0, math.inf, "torque command of an action of 1"),
    Column("noise_i_d", "A", 0, math.inf, "noise of i_sd as the inner controller measures it"),
    Column("noise_i_q", "A", 0, math.inf, "noise of i_sq as the inner controller measures it"),
)

(
    P_P,
    P_R_S,
    P_L_D,
    P_L_Q,
    P_PSI_P,
    P_J_ROTOR,
    P_I_NOMINAL,
    P_I_LIMIT,
    P_OMEGA_NOMINAL,
    P_OMEGA_LIMIT,
    P_U_DC,
    P_LOAD_KIND,
    P_A,
    P_B,
    P_C,
    P_TAU_DECAY,
    P_J_LOAD,
    P_MASS,
    P_C_R,
    P_C_D,
    P_AREA,
    P_GEAR_RATIO,
    P_WHEEL_RADIUS,
    P_RHO,
    P_GRAVITY,
    P_TAU,
    P_RATIO,
    P_SUBSTEPS,
    P_DEAD_TIME,
    P_FRAME,
    P_CONTROL,
    P_TASK,
    P_REFERENCE_KIND,
    P_REFERENCE_TICKS,
    P_REFERENCE_RANGE,
    P_PREVIEW,
    P_PREVIEW_INTERVAL,
    P_SPEED_LOW,
    P_SPEED_HIGH,
    P_WINDOW,
    P_WINDOW_START,
    P_ERROR_SCALE,
    P_ERROR_EXPONENT,
    P_WEIGHT_1,
    P_WEIGHT_2,
    P_WEIGHT_EFFORT,
    P_WEIGHT_SMOOTHNESS,
    P_PENALTY_TRIP,
    P_MODEL_P,
    P_MODEL_L_D,
    P_MODEL_L_Q,
    P_MODEL_PSI_P,
    P_KP_D,
    P_KI_D,
    P_KP_Q,
    P_KI_Q,
    P_TORQUE_LIMIT,
    P_NOISE_I_D,
    P_NOISE_I_Q,
) = range(len(PARAMETERS))

PLANT_PARAMETERS = (
    "r_s",
    "l_d",
    "l_q",
    "psi_p",
    "j_rotor",
    "a",
    "b",
    "c",
    "j_load",
    "mass",
    "c_r",
    "c_d",
    "area",
    "u_dc",
)
