"""Parameter sets of the models, and the layout of a row of parameters; vehicles have a module of their own.

Every number has its unit, bounds and source beside it; ``gym-suite show`` prints them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType

from gym_suite.core.columns import Column, Columns
from gym_suite.core.parameters import build, parameter, unknown_error, validate
from gym_suite.drones.files import is_file, read_file
from gym_suite.drones.vehicles import LAYOUTS as LAYOUTS
from gym_suite.drones.vehicles import LEAST_SHARE as LEAST_SHARE
from gym_suite.drones.vehicles import LISTED, RINGS, is_crazyflie_s
from gym_suite.drones.vehicles import VEHICLES as VEHICLES
from gym_suite.drones.vehicles import Vehicle as Vehicle
from gym_suite.drones.vehicles import build_vehicle as build_vehicle
from gym_suite.drones.vehicles import level_shares as level_shares
from gym_suite.drones.vehicles import vehicle_source as vehicle_source

# ------------------------------------------------------------------------------------------------------------ models

_BULLET = "Bullet 3.25, btMultiBody's default damping, which gym-pybullet-drones leaves on"
_PEER_MODEL = "gym-pybullet-drones 2.1.0"
_OWN = "choice of this package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What flight is made of besides the vehicle. The defaults are the identified model.

    Attributes:
        identified: Whether drag acts in the body's frame and downwash is bounded; else the peer's laws
            and its one-step-old frame hold.

    Raises:
        ValueError: If a number is out of bounds.
    """

    identified: bool = True
    gravity: float = parameter(
        9.80665, unit="m/s^2", meaning="gravity", low=0.0, high=100.0, source="ISO 80000-3"
    )
    damping: float = parameter(
        0.0,
        unit="1/s",
        meaning="artificial damping a = -d v (1 + speed)",
        low=0.0,
        high=100.0,
        source="none",
    )
    yaw_ratio: float = parameter(
        0.0074,
        unit="m",
        meaning="rotor torque per thrust, in place of the sets' k_m; 0: the vehicle's k_m",
        low=0.0,
        high=10.0,
        source="Crazyflie 2.x identification of crazyflow 0.1 (Schuck et al. 2025)",
    )
    thrust_constant: float = parameter(
        0.0,
        unit="N/rpm^2",
        meaning="thrust constant in place of the sets' k_f; 0: the vehicle's k_f",
        low=0.0,
        high=1.0,
        source="none",
    )
    body_drag_xy: float = parameter(
        0.0,
        unit="N s^2/m",
        meaning="drag in place of the sets' drag_xy; 0: the vehicle's drag_xy",
        low=0.0,
        high=1.0,
        source="none",
    )
    body_drag_z: float = parameter(
        0.0,
        unit="N s^2/m",
        meaning="drag in place of the sets' drag_z; 0: the vehicle's drag_z",
        low=0.0,
        high=1.0,
        source="none",
    )
    battery_voltage: float = parameter(
        0.0,
        unit="V",
        meaning="voltage of the full battery without load; 0: no battery limits the rotors",
        low=0.0,
        high=100.0,
        source="none",
    )
    battery_resistance: float = parameter(
        0.0, unit="Ohm", meaning="sag of the battery per current", low=0.0, high=10.0, source="none"
    )
    battery_fade: float = parameter(
        0.0,
        unit="V/(A s)",
        meaning="fall of the battery's voltage per charge taken",
        low=0.0,
        high=1.0,
        source="none",
    )
    motor_lag: float = parameter(
        0.072,
        unit="s",
        meaning="time constant of the rotors",
        low=0.0,
        high=10.0,
        source="Crazyflie of rotorpy 2.1.2 (Folk, Paulos and Kumar, arXiv:2306.04485)",
    )
    friction: float = parameter(
        0.5,
        meaning="Coulomb friction of contacts",
        low=0.0,
        high=100.0,
        source="Bullet 3.25 default",
    )
    rolling_friction: float = parameter(
        1e-3,
        unit="m",
        meaning="rolling friction",
        low=0.0,
        high=1.0,
        source=_OWN + ": landed drones rest",
    )
    spinning_friction: float = parameter(
        1e-3,
        unit="m",
        meaning="spinning friction",
        low=0.0,
        high=1.0,
        source=_OWN + ": landed drones rest",
    )
    contact_sink: float = parameter(
        1e-4,
        unit="m",
        meaning="penetration of a resting drone (compiled)",
        above=0.0,
        low=1e-6,
        high=1.0,
        source=_OWN,
    )
    contact_damping: float = parameter(
        1.0, meaning="damping ratio of a contact (compiled)", low=0.0, high=100.0, source=_OWN
    )

    def __post_init__(self) -> None:
        if not isinstance(self.identified, bool):
            raise ValueError(f"Model.identified must be True or False, got {self.identified!r}")
        validate(self)


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "identified": Model(),
        "bullet-parity": Model(
            identified=False,
            gravity=9.8,
            damping=0.04,
            yaw_ratio=0.0,
            motor_lag=0.0,
            rolling_friction=0.0,
            spinning_friction=0.0,
        ),
        "measured": Model(
            thrust_constant=2.432e-10,
            body_drag_xy=1.963e-6,
            body_drag_z=1.704e-6,
            battery_voltage=4.15,
            battery_resistance=0.25,
            battery_fade=1.05e-3,
        ),
    }
)
_STAND = 'Bitcraze, "PWM to Thrust", 2015: thrust stand of the Crazyflie 2.0, 16 points, rms 1.9 mN'
_SET_L250 = "drone-models 0.1.0, set cf2x_L250 (31.9 g): its drag matrix at hovering speed"
_BATTERY = "full-battery flights of a Crazyflie 2.0, R. Craciun, TU Iasi: step at take-off and slope after it"
#: Where the numbers of "measured" are from that the other models lack.
_MEASURED_SOURCES = {
    "thrust_constant": _STAND,
    "body_drag_xy": _SET_L250,
    "body_drag_z": _SET_L250,
    "battery_voltage": _BATTERY,
    "battery_resistance": _BATTERY,
    "battery_fade": _BATTERY,
}
#: Numbers of a model that stand in place of a set's number, and that number.
IN_PLACE = {
    "thrust_constant": "k_f",
    "body_drag_xy": "drag_xy",
    "body_drag_z": "drag_z",
}
_PARITY_SOURCES = {"gravity": _PEER_MODEL, "damping": _BULLET}
EFFECTS = ("ground", "drag", "downwash")
INTEGRATORS = ("bullet", "rk4")


def build_model(value: object) -> Model:
    """Return a model from its name, a mapping of overrides (with "base"), a vehicle file or a :class:`Model`.

    The names are "identified", "bullet-parity" and "measured"; of a vehicle file (.toml) the table ``[model]`` is read.

    Raises:
        ValueError: For an unknown model or number (naming the nearest) or a value out of bounds.
        TypeError: For anything else.
    """
    if is_file(value):
        value = read_file(value, "model")
    return build(Model, value, sets=MODELS, default="identified", what="model")


def model_source(model: Model, name: str) -> str:
    """Return where a number of a model comes from."""
    if name in _MEASURED_SOURCES and getattr(model, name) == getattr(MODELS["measured"], name):
        return _MEASURED_SOURCES[name]
    if not model.identified and getattr(model, name) == getattr(MODELS["bullet-parity"], name):
        return _PARITY_SOURCES.get(name, _PEER_MODEL)
    field = Model.__dataclass_fields__[name]
    return field.metadata["source"] if getattr(model, name) == field.default else "user"


def read_effects(value: object) -> tuple[str, ...]:
    """Return the aerodynamic effects asked for.

    Raises:
        ValueError: For an unknown one, naming the nearest.
        TypeError: If it is neither None, a name nor a sequence of names.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, Iterable):
        raise TypeError(f"aerodynamics must be a sequence of names, got {type(value).__name__}")
    names = tuple(value)
    for name in names:
        if name not in EFFECTS:
            raise unknown_error("aerodynamic effect", name, EFFECTS)
    return names


def installed(vehicle: Vehicle, model: Model) -> Vehicle:
    """Return the vehicle with a model's measured numbers in place of those of the sets; what a user gave stays."""
    own = {
        name: getattr(model, measured)
        for measured, name in IN_PLACE.items()
        if getattr(model, measured) > 0.0 and is_crazyflie_s(vehicle, name)
    }
    if ratio_holds(vehicle, model):
        own["k_m"] = model.yaw_ratio * own.get("k_f", vehicle.k_f)
    return replace(vehicle, **own)


#: Thrust constants, N/rpm^2, of rotors like a Crazyflie's, whose motors and cell the measured battery is of.
_SMALL_ROTORS = (1e-10, 1e-9)


def check_battery(vehicle: Vehicle, model: Model) -> None:
    """Refuse the Crazyflie's battery and motors on a vehicle of another kind.

    Raises:
        ValueError: If the model has a battery and the vehicle's rotors are not like a Crazyflie's, or not four.
    """
    low, high = _SMALL_ROTORS
    if model.battery_voltage > 0.0 and not vehicle.usual:
        raise ValueError(
            "the measured battery's current is that of four rotors in layout 'x' or '+'; this vehicle has "
            f"{vehicle.count} in layout {vehicle.arrangement!r}. Use model='identified' and no battery="
        )
    if model.battery_voltage > 0.0 and not low < vehicle.k_f < high:
        raise ValueError(
            "the measured battery and motors are a Crazyflie's, whose thrust constant is some 2e-10 N/rpm^2; "
            f"this vehicle's is {vehicle.k_f:.3g}. Use model='identified' and no battery="
        )


def max_rpm(vehicle: Vehicle) -> float:
    """Return the largest rotor speed, rpm: the peer's, for its gravity of 9.8 m/s^2."""
    weight = vehicle.mass * MODELS["bullet-parity"].gravity
    return math.sqrt(vehicle.thrust_to_weight * weight / (vehicle.count * vehicle.k_f))


def hover_rpm(vehicle: Vehicle, model: Model) -> float:
    """Return the rotor speed at which thrust equals weight, rpm; of listed rotors, of one that carries the mean."""
    return math.sqrt(vehicle.mass * model.gravity / (vehicle.count * vehicle.k_f))


def ratio_holds(vehicle: Vehicle, model: Model) -> bool:
    """Return whether the model's rotor torque per thrust holds, not a torque constant that the user gave."""
    return model.yaw_ratio > 0.0 and is_crazyflie_s(vehicle, "k_m")


#: m, below which no ground effect grows, however weak it is.
_LOWEST = 1e-4


def lowest_ground_height(vehicle: Vehicle) -> float:
    """Return the height below which the ground effect no longer grows, m: 4/15 of the largest thrust (peer)."""
    highest = max_rpm(vehicle)
    thrust = (
        4.0 * highest**2 * vehicle.k_f
    )  # of the peer's four; the number of rotors would cancel out
    ratio = 15.0 * highest**2 * vehicle.k_f * vehicle.ground_coefficient / thrust
    return max(0.25 * vehicle.prop_radius * math.sqrt(ratio), _LOWEST)


# --------------------------------------------------------------------------------------------------- the parameter row

ACTIONS = ("rotors", "rates", "velocity", "position")
ROTORS, RATES, VELOCITY, POSITION = range(len(ACTIONS))
#: Kinds of setpoint: what a user may choose, and the sticks of the ids that an autopilot flies.
KINDS = (*ACTIONS, "sticks")
STICKS = KINDS.index("sticks")


def _numbers(parameters: type, *without: str) -> Columns:
    """Return the columns of a dataclass's numbers, without those from which others have been computed."""
    declared = {f.name: f.metadata for f in fields(parameters) if "meaning" in f.metadata}
    columns = Columns.of(parameters, only=[name for name in declared if name not in without])
    return Columns(*(replace(c, low=max(c.low, declared[c.name]["low"])) for c in columns))


#: Layouts by their numbers in a row.
ARRANGEMENTS = (*LAYOUTS, *RINGS, LISTED)


def _listed(names: tuple[str, ...]) -> str:
    """Return what the numbers of names are."""
    return ", ".join(f"{k} {name}" for k, name in enumerate(names))


#: What moves a drone: the vehicle's and the model's numbers, then what follows from them and how time is cut.
PHYSICS = (
    _numbers(Vehicle, "thrust_to_weight", "rotor_lag")
    + _numbers(Model, "yaw_ratio", *IN_PLACE)
    + Columns(
        Column("layout", "1", 0, len(ARRANGEMENTS) - 1, _listed(ARRANGEMENTS)),
        Column("identified", "1", 0, 1, "1 the identified laws, 0 the peer's"),
        Column("max_rpm", "rpm", 0, math.inf, "largest rotor speed"),
        Column("hover_rpm", "rpm", 0, math.inf, "rotor speed that carries the nominal weight"),
        Column("ground_height", "m", 0, math.inf, "height below which the ground effect stays"),
        Column("integrator", "1", 0, 1, "0 Bullet's scheme, 1 Runge-Kutta"),
        Column("dt", "s", 0, math.inf, "physics step"),
        Column("substeps", "1", 1, math.inf, "integration steps per physics step"),
    )
)

#: What commands the rotors within a control period: the kind of a drone's setpoint and the gains of the inner loops.
CONTROL = Columns(
    Column("ratio", "1", 1, math.inf, "physics steps per control period"),
    Column(
        "action",
        "1",
        0,
        4,
        "0 rotor speeds, 1 thrust and body rates, 2 velocity, 3 position, 4 sticks",
    ),
    Column("gain_position", "1/s^2", 0, math.inf, "inner loop: position"),
    Column("gain_velocity", "1/s", 0, math.inf, "inner loop: velocity"),
    Column("gain_attitude", "1/s^2", 0, math.inf, "inner loop: attitude"),
    Column("gain_rate", "1/s", 0, math.inf, "inner loop: body rate"),
    Column("gain_lag", "s", 0, math.inf, "inner loop: lag left of the rotors"),
)

#: What ``mismatch=`` as a fraction touches.
PLANT_PARAMETERS = ("mass", "i_xx", "i_yy", "i_zz", "k_f", "k_m", "drag_xy", "drag_z", "motor_lag")
#: What it touches besides where a mapping names it. Nothing is computed of these beforehand but the height below which
#: the ground effect no longer grows, which stays; sizes of the body and numbers of contacts are not among them, for
#: Bullet is told them once.
NAMED_PARAMETERS = (
    "gravity",
    "damping",
    "lever",
    "ground_coefficient",
    "downwash_1",
    "downwash_2",
    "downwash_3",
    "battery_voltage",
    "battery_resistance",
    "battery_fade",
)
#: Those of them that other engines than the compiled one are told once.
_TOLD_ONCE = ("gravity", "damping")


def check_named(names: Iterable[str], physics: Mapping[str, float], *, engine: str) -> None:
    """Refuse a mismatch of numbers of :data:`NAMED_PARAMETERS` that would do nothing.

    Args:
        names: Names of what is to depart from nominal.
        physics: Physical parameters by name.
        engine: Who moves the drones.

    Raises:
        ValueError: For a number that is 0 here, one that the engine is told once, or the lever of a vehicle whose
            rotors have places of their own.
    """
    for name in names:
        if name not in NAMED_PARAMETERS:
            continue
        if physics[name] == 0.0:
            raise ValueError(
                f"mismatch of {name!r} would do nothing: it is 0 here, and factors leave it 0"
            )
        if name in _TOLD_ONCE and engine != "compiled":
            raise ValueError(
                f"mismatch of {name!r} needs engine='compiled': the engine {engine!r} is told it once"
            )
        if name == "lever" and ARRANGEMENTS[int(physics["layout"])] not in LAYOUTS:
            raise ValueError(
                "mismatch of 'lever' is for four rotors in layout 'x' or '+'; the places of this vehicle's rotors are "
                "listed one by one"
            )


def strongest(values: Mapping[str, float], rotors: int) -> float:
    """Return the largest specific thrust of a vehicle's physical numbers by name, m/s^2."""
    return rotors * values["k_f"] * values["max_rpm"] ** 2 / values["mass"]


def physics_values(
    vehicle: Vehicle,
    model: Model,
    effects: tuple[str, ...],
    *,
    integrator: str,
    dt: float,
    substeps: int,
) -> dict[str, float]:
    """Return the physical part of a parameter row by name."""
    vehicle = installed(vehicle, model)
    values: dict[str, float] = {**asdict(vehicle), **asdict(model)}
    values["layout"] = ARRANGEMENTS.index(vehicle.arrangement)
    values["max_rpm"] = max_rpm(vehicle)
    values["hover_rpm"] = hover_rpm(vehicle, model)
    values["ground_height"] = lowest_ground_height(vehicle)
    if "ground" not in effects:
        values["ground_coefficient"] = 0.0
    if "drag" not in effects:
        values["drag_xy"] = values["drag_z"] = 0.0
    if "downwash" not in effects:
        values["downwash_1"] = 0.0
    if vehicle.rotor_lag > 0.0 and 0.0 < model.motor_lag == MODELS["identified"].motor_lag:
        values["motor_lag"] = vehicle.rotor_lag
    values["integrator"] = INTEGRATORS.index(integrator)
    values["dt"] = dt
    values["substeps"] = substeps
    return {name: float(values[name]) for name in PHYSICS.names}
