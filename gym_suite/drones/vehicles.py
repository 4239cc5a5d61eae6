"""Parameter sets of vehicles: every number with its unit, bounds and source, and where their rotors are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.core.parameters import build, check_number, check_option, parameter, validate
from gym_suite.drones.files import is_file, read_file

_GPD = (
    "Bitcraze Crazyflie 2.0 as in gym-pybullet-drones 2.1.0 (Panerati et al., IROS 2021, arXiv:2103.02142), "
    "after Foerster, ETH Zurich 2015, and Luis and Le Ny, Polytechnique Montreal 2016"
)
_CF2P = "Crazyflie 2.0 in plus configuration as in gym-pybullet-drones 2.1.0"
#: Layouts of four rotors, for which flight, mixer and laws have formulas of their own.
LAYOUTS = ("x", "+")
#: Layouts of more rotors on one circle: their number, and the angle of the first from ahead to the left, degrees.
RINGS: Mapping[str, tuple[int, float]] = MappingProxyType(
    {"hexa_x": (6, 30.0), "hexa_+": (6, 0.0), "octo_x": (8, 22.5), "octo_+": (8, 0.0)}
)
#: What stands for the layout of a vehicle whose rotors are listed.
LISTED = "listed"
#: Fewest and most rotors of a vehicle.
FEWEST, MOST = 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A multicopter: a rigid body with rotors whose thrust and torque grow with the square of their speed.

    Of four rotors 0 to 3 stand, seen from above with x forward and y left, front right, back right, back left, front
    left ("x"), or front, left, back, right ("+"); 1 and 3 turn so that their drag torque is positive. Six and eight
    ("hexa_x", "hexa_+", "octo_x", "octo_+") stand on a circle of radius ``lever``, counted to the left from the first
    that is ahead, or left of ahead; those with odd numbers turn so that their drag torque is positive. All push along
    the body's z axis and lie in the plane of the centre of mass.

    Attributes:
        layout: One of these.
        rotors: In place of a layout and a lever each rotor's (x, y, turn): where it is, m, and 1 where its drag
            torque is positive, -1 where it is negative; four to eight.

    Raises:
        ValueError: If a number is out of bounds, the inertia is not that of a rigid body or the listed rotors cannot
            carry the vehicle level.
        TypeError: If the rotors are not listed in a sequence.
    """

    layout: str = "x"
    rotors: tuple[tuple[float, float, float], ...] = ()
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
        meaning="rotor offset along x and y in layout x, else arm",
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
        check_option("Vehicle.layout", self.layout, (*LAYOUTS, *RINGS))
        validate(self)
        object.__setattr__(self, "rotors", _read_rotors(self.rotors))
        smallest, middle, largest = sorted((self.i_xx, self.i_yy, self.i_zz))
        if largest > (smallest + middle) * (1.0 + 1e-9):
            raise ValueError(
                "a rigid body's largest moment of inertia is at most the sum of the other two, got "
                f"i_xx={self.i_xx:g}, i_yy={self.i_yy:g}, i_zz={self.i_zz:g}"
            )
        if self.rotors:
            _check_level(self)

    @property
    def usual(self) -> bool:
        """Whether it has four rotors in one of :data:`LAYOUTS`."""
        return not self.rotors and self.layout in LAYOUTS

    @property
    def arrangement(self) -> str:
        """Its layout, or :data:`LISTED`."""
        return LISTED if self.rotors else self.layout

    @property
    def places(self) -> tuple[tuple[float, float, float], ...]:
        """Each rotor's place in the body, x and y in m, and the sign of its drag torque about z."""
        if self.rotors:
            return self.rotors
        if self.layout in RINGS:
            count, first = RINGS[self.layout]
            angles = [math.radians(first + 360.0 * k / count) for k in range(count)]
            signs = [(math.cos(angle), math.sin(angle)) for angle in angles]
        elif self.layout == "x":
            signs = [(1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
        else:
            signs = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]
        turns = [1.0 if k % 2 else -1.0 for k in range(len(signs))]
        return tuple(
            (self.lever * x, self.lever * y, turn)
            for (x, y), turn in zip(signs, turns, strict=True)
        )

    @property
    def count(self) -> int:
        """Number of its rotors."""
        return len(self.places)


def _read_rotors(given: Any) -> tuple[tuple[float, float, float], ...]:
    """Return listed rotors as (x, y, turn)."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(
            "Vehicle.rotors must list (x, y, turn) of each rotor, in m and 1 or -1, "
            f"got {type(given).__name__}"
        )
    if given and not FEWEST <= len(given) <= MOST:
        raise ValueError(
            f"Vehicle.rotors must list {FEWEST} to {MOST} rotors, got {len(given)} of them"
        )
    rotors = []
    for k, rotor in enumerate(given):
        if not isinstance(rotor, Sequence) or isinstance(rotor, str) or len(rotor) != 3:
            raise ValueError(f"Vehicle.rotors[{k}] must be (x, y, turn), got {rotor!r}")
        x, y = (
            check_number(f"Vehicle.rotors[{k}], {axis}", value, low=-10.0, high=10.0)
            for axis, value in zip("xy", rotor, strict=False)
        )
        turn = check_number(f"Vehicle.rotors[{k}], turn", rotor[2], low=-1.0, high=1.0)
        if turn not in (-1.0, 1.0):
            raise ValueError(f"Vehicle.rotors[{k}], turn must be 1 or -1, got {turn:g}")
        rotors.append((x, y, turn))
    return tuple(rotors)


def level_shares(vehicle: Vehicle, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Return the least forces, over the weight, with which rotors carry a vehicle level and without torque, (rotors,).

    They are the pseudo-inverse's of thrust and torques; without a torque constant the rotors need not balance about z.

    Args:
        vehicle: The vehicle.
        centre: Where its centre of mass is, x and y in m.
    """
    x, y, turns = np.array(vehicle.places).T
    x, y = x - centre[0], y - centre[1]
    rows = [np.ones_like(x), y, -x] + ([turns] if vehicle.k_m > 0.0 else [])
    return np.linalg.pinv(np.array(rows))[:, 0]


#: Least part of the mean that a rotor carries of a level vehicle; m, least length of a lever that is one.
LEAST_SHARE, _LEAST_LEVER = 0.05, 1e-3


def _check_level(vehicle: Vehicle) -> None:
    """Refuse listed rotors that cannot carry the vehicle level, each pushing up, or cannot turn it about some axis."""
    x, y, turns = np.array(vehicle.places).T
    scale = max(float(np.abs([x, y]).max()), _LEAST_LEVER)
    sizes = np.linalg.svd(
        np.array([np.ones_like(x), y / scale, x / scale, turns]), compute_uv=False
    )
    if sizes[-1] < 1e-3 * sizes[0]:
        raise ValueError(
            "the listed rotors cannot give thrust and torques about x, y and z apart from each other: they "
            "must not stand in one line, nor all turn alike"
        )
    shares = level_shares(vehicle) * len(x)
    low, high = int(shares.argmin()), int(shares.argmax())
    if shares[low] < LEAST_SHARE:
        raise ValueError(
            f"level, rotor {low} would carry {shares[low]:.3g} times the mean of the listed rotors, at least "
            f"{LEAST_SHARE:g} is needed: their thrusts must balance about the centre of mass"
        )
    if shares[high] >= vehicle.thrust_to_weight:
        raise ValueError(
            f"level, rotor {high} carries {shares[high]:.3g} times the mean of the listed rotors, as much as "
            f"thrust_to_weight = {vehicle.thrust_to_weight:g} lets it"
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
        # As its source reckons: moments of inertia are those of a cylinder of the arm's length and the body's height,
        # torque per thrust is 0.07 times three radii of a propeller.
        "f550": Vehicle(
            layout="hexa_x",
            mass=2.0,
            i_xx=2.0 * (3.0 * 0.27**2 + 0.1**2) / 12.0,
            i_yy=2.0 * (3.0 * 0.27**2 + 0.1**2) / 12.0,
            i_zz=2.0 * 0.27**2 / 2.0,
            k_f=1.2216e-7,
            k_m=1.2216e-7 * 0.07 * 3.0 * 0.11,
            lever=0.27,
            thrust_to_weight=3.075,
            prop_radius=0.11,
            ground_coefficient=1.0,
            drag_xy=0.0,
            drag_z=0.0,
            downwash_1=0.0,
            radius=0.38,
            height=0.1,
            rotor_lag=0.03,
        ),
        "octorotor": Vehicle(
            layout="octo_+",
            mass=1.64,
            i_xx=0.044,
            i_yy=0.044,
            i_zz=0.088,
            k_f=1e-5 * RPM**2,
            k_m=3e-7 * RPM**2,
            lever=0.4,
            thrust_to_weight=3.0,
            prop_radius=0.127,
            ground_coefficient=1.0,
            drag_xy=0.0,
            drag_z=0.0,
            downwash_1=0.0,
            radius=0.53,
            height=0.1,
            rotor_lag=0.03,
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
        "f550": "DJI F550 of the MRS UAV system's simulator (Baca et al., J. Intelligent and Robotic Systems 102, "
        "2021, doi:10.1007/s10846-021-01383-5); ground effect: Cheeseman and Bennett 1955; rotor drag and downwash "
        "unknown and off",
        "octorotor": "star-shaped octorotor of V. G. Adir and A. M. Stoica, Integral LQR control of a star-shaped "
        "octorotor, INCAS Bulletin 4(2), 2012; largest thrust, rotor lag and size are choices of this package; ground "
        "effect: Cheeseman and Bennett 1955; drag and downwash unknown and off",
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
        if value == getattr(numbers, name) and vehicle.arrangement == numbers.arrangement:
            return VEHICLE_SOURCES[known]
    return _GPD if value == getattr(VEHICLES["cf2x"], name) else "user"


def is_crazyflie_s(vehicle: Vehicle, name: str) -> bool:
    """Return whether a number is that of a Crazyflie 2.0's set, in place of which a model's may stand."""
    return any(getattr(vehicle, name) == getattr(VEHICLES[known], name) for known in _CRAZYFLIES)
