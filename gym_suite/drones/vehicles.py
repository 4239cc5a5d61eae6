"""Parameter sets of quadcopters: every number with its unit, bounds and source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gym_suite.core.parameters import build, check_option, parameter, validate
from gym_suite.drones.files import is_file, read_file

_GPD = (
    "Bitcraze Crazyflie 2.0 as in gym-pybullet-drones 2.1.0 (Panerati et al., IROS 2021, arXiv:2103.02142), "
    "after Foerster, ETH Zurich 2015, and Luis and Le Ny, Polytechnique Montreal 2016"
)
_CF2P = "Crazyflie 2.0 in plus configuration as in gym-pybullet-drones 2.1.0"
LAYOUTS = ("x", "+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A quadcopter: a rigid body with four rotors whose thrust and torque grow with the square of their speed.

    Rotor 0 to 3 stand, seen from above with x forward and y left, front right, back right, back left, front left
    ("x"), or front, left, back, right ("+"); 1 and 3 turn so that their drag torque is positive.

    Attributes:
        layout: "x" or "+".

    Raises:
        ValueError: If a number is out of bounds or the inertia is not that of a rigid body.
    """

    layout: str = "x"
    mass: float = parameter(
        0.027, unit="kg", meaning="mass", above=0.0, low=1e-3, high=1e3, source=_GPD
    )
    i_xx: float = parameter(
        1.4e-5,
        unit="kg m^2",
        meaning="moment of inertia about x",
        above=0.0,
        low=1e-9,
        high=1e3,
        source=_GPD,
    )
    i_yy: float = parameter(
        1.4e-5,
        unit="kg m^2",
        meaning="moment of inertia about y",
        above=0.0,
        low=1e-9,
        high=1e3,
        source=_GPD,
    )
    i_zz: float = parameter(
        2.17e-5,
        unit="kg m^2",
        meaning="moment of inertia about z",
        above=0.0,
        low=1e-9,
        high=1e3,
        source=_GPD,
    )
    k_f: float = parameter(
        3.16e-10,
        unit="N/rpm^2",
        meaning="thrust constant",
        above=0.0,
        low=1e-14,
        high=1.0,
        source=_GPD,
    )
    k_m: float = parameter(
        7.94e-12, unit="N m/rpm^2", meaning="torque constant", low=0.0, high=10.0, source=_GPD
    )
    lever: float = parameter(
        0.028,
        unit="m",
        meaning="rotor offset along x and y, or arm",
        above=0.0,
        low=1e-3,
        high=10.0,
        source=_GPD,
    )
    thrust_to_weight: float = parameter(
        2.25, meaning="largest thrust per weight", above=1.0, high=100.0, source=_GPD
    )
    prop_radius: float = parameter(
        0.0231348, unit="m", meaning="propeller radius", above=0.0, low=1e-3, high=10.0, source=_GPD
    )
    ground_coefficient: float = parameter(
        11.36859, meaning="ground effect; 0 off", low=0.0, high=1e3, source=_GPD
    )
    drag_xy: float = parameter(
        9.1785e-7, unit="N s^2/m", meaning="rotor drag x, y; 0 off", low=0.0, high=1.0, source=_GPD
    )
    drag_z: float = parameter(
        10.311e-7, unit="N s^2/m", meaning="rotor drag z; 0 off", low=0.0, high=1.0, source=_GPD
    )
    downwash_1: float = parameter(
        2267.18, unit="N", meaning="downwash strength; 0 off", low=0.0, high=1e6, source=_GPD
    )
    downwash_2: float = parameter(
        0.16, meaning="downwash spread", low=-10.0, high=10.0, source=_GPD
    )
    downwash_3: float = parameter(
        -0.11, unit="m", meaning="downwash width", low=-10.0, high=10.0, source=_GPD
    )
    radius: float = parameter(
        0.06, unit="m", meaning="collision radius", above=0.0, low=1e-3, high=10.0, source=_GPD
    )
    rotor_lag: float = parameter(
        0.0,
        unit="s",
        meaning="time constant of its rotors in place of the model's; 0: the model's",
        low=0.0,
        high=10.0,
        source="none",
    )
    height: float = parameter(
        0.025, unit="m", meaning="collision height", above=0.0, low=1e-3, high=10.0, source=_GPD
    )

    def __post_init__(self) -> None:
        check_option("Vehicle.layout", self.layout, LAYOUTS)
        validate(self)
        smallest, middle, largest = sorted((self.i_xx, self.i_yy, self.i_zz))
        if largest > (smallest + middle) * (1.0 + 1e-9):
            raise ValueError(
                "a rigid body's largest moment of inertia is at most the sum of the other two, got "
                f"i_xx={self.i_xx:g}, i_yy={self.i_yy:g}, i_zz={self.i_zz:g}"
            )


#: rad/s of one revolution a minute.
RPM = 2.0 * math.pi / 60.0
VEHICLES: Mapping[str, Vehicle] = MappingProxyType(
    {
        "cf2x": Vehicle(),
        "cf2p": Vehicle(layout="+", i_xx=2.3951e-5, i_yy=2.3951e-5, i_zz=3.2347e-5, lever=0.0397),
        # Its thrust curve has a linear part; the constant is that of a parabola through the hovering point.
        "cf21": Vehicle(
            mass=0.0319,
            i_xx=1.68e-5,
            i_yy=1.68e-5,
            i_zz=2.98e-5,
            k_f=2.173e-10,
            k_m=2.173e-10 * 0.00735,
            lever=0.03253,
            thrust_to_weight=1.534,
            prop_radius=0.02355,
            drag_xy=1.852e-6,
            drag_z=1.608e-6,
        ),
        # Its arms, 75 mm ahead and 100 mm aside, are taken as their geometric mean both ways.
        "race": Vehicle(
            mass=0.752,
            i_xx=2.5e-3,
            i_yy=2.1e-3,
            i_zz=4.3e-3,
            k_f=1.562522e-6 * RPM**2,
            k_m=1.562522e-6 * RPM**2 * 0.022,
            lever=0.0866,
            thrust_to_weight=6.65,
            prop_radius=0.0648,
            ground_coefficient=1.0,
            drag_xy=1.19e-4,
            drag_z=2.32e-4,
            downwash_1=0.0,
            radius=0.19,
            height=0.08,
            rotor_lag=0.033,
        ),
        "x500": Vehicle(
            mass=2.0,
            i_xx=0.0216667,
            i_yy=0.0216667,
            i_zz=0.04,
            k_f=8.54858e-6 * RPM**2,
            k_m=8.54858e-6 * RPM**2 * 0.016,
            lever=0.174,
            thrust_to_weight=1.745,
            prop_radius=0.127,
            ground_coefficient=1.0,
            drag_xy=8.06428e-5,
            drag_z=0.0,
            downwash_1=0.0,
            radius=0.3,
            height=0.1,
            rotor_lag=0.0125,
        ),
    }
)
#: Where the numbers of each set are from.
VEHICLE_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "cf2x": _GPD,
        "cf2p": _CF2P,
        "cf21": "Crazyflie 2.1 identified: drone-models 0.1.0, set cf2x_L250; size as the Crazyflie 2.0",
        "race": "Agilicious (Foehn et al., Science Robotics 7, 2022, doi:10.1126/scirobotics.abl6259) as in rotorpy 2; "
        "ground effect: Cheeseman and Bennett 1955; downwash unknown and off",
        "x500": "Holybro X500 of PX4's Gazebo models (x500, x500_base); ground effect: Cheeseman and Bennett 1955; "
        "downwash unknown and off",
    }
)
#: Sets whose numbers the models' identified ones of the Crazyflie 2.0 stand in for.
_CRAZYFLIES = ("cf2x", "cf2p")


def build_vehicle(value: object) -> Vehicle:
    """Return a vehicle from a set's name, a mapping of overrides, a vehicle file or a :class:`Vehicle`.

    The names are those of :data:`VEHICLES`, in any case; of a vehicle file (.toml) the table ``[vehicle]`` is read.

    Raises:
        ValueError: For an unknown set or parameter (naming the nearest) or a value out of bounds.
        TypeError: For anything else.
    """
    if is_file(value):
        value = read_file(value, "vehicle")
    if isinstance(value, str):
        value = value.lower()
    if isinstance(value, Mapping) and isinstance(value.get("base"), str):
        value = {**value, "base": value["base"].lower()}
    return build(Vehicle, value, sets=VEHICLES, default="cf2x", what="vehicle")


def vehicle_source(vehicle: Vehicle, name: str) -> str:
    """Return where a number of a vehicle comes from, or "user" where it is in none of the sets."""
    value = getattr(vehicle, name)
    for known, numbers in VEHICLES.items():
        if value == getattr(numbers, name) and vehicle.layout == numbers.layout:
            return VEHICLE_SOURCES[known]
    return _GPD if value == getattr(VEHICLES["cf2x"], name) else "user"


def is_crazyflie_s(vehicle: Vehicle, name: str) -> bool:
    """Return whether a number is that of a Crazyflie 2.0's set, in place of which a model's may stand."""
    return any(getattr(vehicle, name) == getattr(VEHICLES[known], name) for known in _CRAZYFLIES)
