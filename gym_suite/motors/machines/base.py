"""What every machine has in common: its place in the family, the numbers of its plate, and where numbers come from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number, parameter, validate

# Groups: machines with the same equations. A kernel is told the group by a tuple as long as the group's number, which
# is a type of its own: it is compiled apart for each group, and what another group needs is not compiled at all. Inside
# a kernel ``kind = len(group)`` is a constant.
SYNCHRONOUS, EXCITED = range(1, 3)
INDUCTION, DOUBLY_FED, SIX_PHASE, SATURATED, TRAPEZOIDAL = range(3, 8)
DC = 8
Group = tuple[int, ...]

#: Runge-Kutta steps in a period: at most, and at most without being asked for. A period that needs more is none in
#: which a drive could be controlled.
MOST_SUBSTEPS, USUAL_SUBSTEPS = 1000, 16

RPM = math.pi / 30.0  # rad/s

#: Numbers of the plate that bound each other: what is nominal does not exceed its limit.
BOUNDED = (
    ("i_nominal", "i_limit"),
    ("i_e_nominal", "i_e_limit"),
    ("omega_nominal", "omega_limit"),
)


def group_of(number: int) -> Group:
    """Return what kernels take for the group of a number."""
    return (0,) * number


class Machine(ABC):
    """Base of the machines' dataclasses: names of what a machine uses of the family's one layout.

    A machine is numbers with units, bounds and meanings, and the names below. The equations of its group are in
    :mod:`gym_suite.motors.electrical`.
    """

    __slots__ = ()

    #: Number of its group, whose equations it obeys.
    group: ClassVar[int]
    #: Whether Hall sensors switch its windings, so that a drive sees a DC machine: its windings then obey the
    #: equations of the group TRAPEZOIDAL, its drive, task and controllers reckon with those of its group.
    commutated: ClassVar[bool] = False
    #: What it is, for a sentence.
    words: ClassVar[str]
    #: Parameters of its circuit, which ``mismatch=`` may touch.
    circuit: ClassVar[tuple[str, ...]]
    #: Properties that stand in the parameter row beside its numbers, because equations and ``mismatch=`` need them.
    derived: ClassVar[tuple[str, ...]] = ()
    #: Its electrical state.
    states: ClassVar[tuple[str, ...]]
    #: Its currents as a drive measures them, which the current task tracks, with the parameter that is their limit.
    currents: ClassVar[Mapping[str, str]]
    #: Its terminal voltages in the frame of its currents, an axis of the controller each, with the axis' name.
    voltages: ClassVar[Mapping[str, str]]
    #: Its terminal voltages as the converter holds them.
    held: ClassVar[tuple[str, ...]]
    #: Axes of actions that are phases or terminals.
    phases: ClassVar[tuple[str, ...]]
    #: What a drive knows of the direction of its frame.
    direction: ClassVar[tuple[str, ...]]
    #: What else a drive estimates and shows, with the property that is its full scale.
    estimates: ClassVar[Mapping[str, str]] = {}
    #: Electrical angles that are told.
    angles: ClassVar[tuple[str, ...]] = ("epsilon",)
    #: Formula of the copper loss as a part of that at the limits.
    loss: ClassVar[str]
    #: Frames in which voltages may be given to :func:`gym_suite.motors.simulate`, the first is the frame of the state.
    frames: ClassVar[Mapping[str, tuple[str, ...]]]
    #: Those of the currents that its voltages control, an axis each; None: all of them.
    controlled: ClassVar[tuple[str, ...] | None] = None
    #: Names of columns of the family's layout for those of its quantities that have other names.
    slots: ClassVar[Mapping[str, str]] = {}
    #: u_dc over the voltage that its converter can hold in any direction.
    voltage_divisor: ClassVar[float] = math.sqrt(3.0)
    #: Part of the current limits that torque commands may use: what is left holds overshoots of the current control.
    current_margin: ClassVar[float] = 0.9
    #: Whether its torque can have either sign in the steady state.
    reversible: ClassVar[bool] = True
    #: Period of averaged control, s: within it the full voltage changes no current by much of its limit.
    period: ClassVar[float] = 1e-4
    #: Period of a switched converter, s: shorter, since it changes the currents by all that it has.
    switching_period: ClassVar[float] = 1e-5
    #: Parts of voltage and current limit that operating points of the reference controller may use; the rest is room
    #: for transients and for a machine that is not quite the one believed.
    voltage_share: ClassVar[float] = 0.95
    current_share: ClassVar[float] = 0.9
    #: Periods of delay more than the nominal ones that the current loops of torque control are tuned for.
    spare_periods: ClassVar[float] = 0.0
    #: The same of control of the currents themselves.
    spare_periods_of_currents: ClassVar[float] = 0.0
    #: Gain with which the reference controller weakens the field where more voltage is demanded than there is; 0: not.
    #: It is for machines whose flux stays when the stator's current goes: without voltage that flux drives currents.
    voltage_feedback: ClassVar[float] = 0.0
    #: Friction a (N m) and b (N m s) of the load in tasks with a free shaft, and its inertia (kg m^2).
    friction: ClassVar[tuple[float, float, float]] = (0.01, 0.01, 1e-5)
    #: Names of other parameter lists: of a parameter, or "" for one from which nothing follows.
    aliases: ClassVar[Mapping[str, str]] = {}

    # The plate, which each machine declares with its own numbers.
    j_rotor: float
    i_nominal: float
    i_limit: float
    omega_nominal: float
    omega_limit: float
    u_dc: float

    def __post_init__(self) -> None:
        validate(self)
        for nominal, limit in BOUNDED:
            if getattr(self, nominal, 0.0) > getattr(self, limit, 0.0):
                raise ValueError(
                    f"{type(self).__name__}.{nominal} must not exceed {limit}, "
                    f"got {getattr(self, nominal):g} > {getattr(self, limit):g}"
                )
        self.check()

    def check(self) -> None:  # noqa: B027 - most kinds have nothing more to refuse
        """Refuse numbers that are each within bounds and together describe no such machine.

        Raises:
            ValueError: Saying what does not fit.
        """

    def numbers(self) -> dict[str, float]:
        """Return the numbers that kernels read, by name."""
        own = asdict(self)  # type: ignore[call-overload]
        return own | {name: getattr(self, name) for name in self.derived}

    def known_currents(self) -> dict[str, tuple[float, float]]:
        """Return the bounds of currents outside of which the machine is not known, A; empty where there are none."""
        return {}

    def flux_row(self) -> NDArray[np.float64]:
        """Return what kernels read of its flux map; nothing where inductances are constant."""
        return np.zeros(1)

    def speeds(self) -> tuple[float, float]:
        """Return the largest speed that an episode usually starts with, and the largest it may start with, rad/s."""
        return self.omega_nominal, self.omega_limit

    def slot(self, name: str) -> str:
        """Return the name that one of its quantities has in the family's layout."""
        return self.slots.get(name, name)

    @property
    def followed(self) -> tuple[str, ...]:
        """The currents that its voltages control, an axis each."""
        return tuple(self.currents) if self.controlled is None else self.controlled

    @abstractmethod
    def decays(self) -> list[float]:
        """Return how fast its currents decay at standstill with shorted windings, 1/s; coupled ones together."""

    @property
    def pairs(self) -> float:
        """Electrical angle per angle of the shaft."""
        return float(getattr(self, "p", 1.0))


#: What a Runge-Kutta step of fourth order may span, in time constants and in rad: it errs then by less than 1 % of what
#: is to decay, or turns by 0.01 rad too little.
LONGEST_STEP = 1.0


def check_substeps(
    machine: Machine, tau: float, asked: object, *, spread: float = 1.0, most: int = MOST_SUBSTEPS
) -> int:
    """Return the Runge-Kutta steps per period that follow a machine's fastest motion.

    Args:
        machine: The machine.
        tau: Length of a period, s.
        asked: What a user wants; None for as few as will do.
        spread: By how much the plant's time constants may be shorter than nominal.
        most: The largest number there may be.

    Raises:
        ValueError: If too few are asked for, or the period is too long for the most there may be; with what will do.
    """
    decay, turn = max(machine.decays()) * spread, machine.pairs * machine.omega_limit
    needed = max(1, math.ceil(max(decay, turn) * tau / LONGEST_STEP - 1e-9))
    number, most = needed, most if asked is not None else USUAL_SUBSTEPS
    if asked is not None:
        number = int(check_number("substeps", asked, low=1, high=most, integer=True))
    if needed <= number <= most:
        return number
    why = f"at its highest speed the machine turns by {turn * tau:.3g} rad in a period"
    if decay >= turn:
        of = "the machine" if spread == 1.0 else "a machine as mismatch= may make it"
        why = f"a current of {of} decays with a time constant of {1.0 / decay:.3g} s"
    longest = min(number, most) * LONGEST_STEP / max(decay, turn)
    more = f"raise substeps to {needed} or " if needed <= MOST_SUBSTEPS else ""
    raise ValueError(f"tau = {tau:g} s is too long: {why}; {more}lower tau to {longest:.3g} s")


@dataclass(frozen=True, slots=True)
class MachineSet:
    """One machine with its sources.

    Attributes:
        machine: The numbers.
        source: Where they come from.
        others: The source of each number that has another one, by name.
    """

    machine: Any
    source: str
    others: Mapping[str, str] = field(default_factory=dict)


# The plate's numbers, and what several machines have, declared once.

#: Of currents (A), speeds (rad/s) and voltages (V): what is beyond is no machine, and its powers are not finite.
LARGEST = 1e9


def pole_pairs(default: int) -> Any:
    """Declare the number of pole pairs."""
    return parameter(default, meaning="pole pairs", low=1, integer=True)


def resistance(default: float, winding: str) -> Any:
    """Declare a resistance."""
    return parameter(default, unit="Ohm", meaning=f"{winding} resistance", low=0.0)


def inductance(default: float, what: str) -> Any:
    """Declare an inductance."""
    return parameter(default, unit="H", meaning=f"{what} inductance", above=0.0)


def magnet_flux(default: float) -> Any:
    """Declare the flux of permanent magnets."""
    return parameter(default, unit="Vs", meaning="magnet flux", low=0.0)


def rotor_inertia(default: float) -> Any:
    """Declare the inertia of the rotor."""
    return parameter(default, unit="kg m^2", meaning="rotor inertia", above=0.0)


def nominal_current(default: float, which: str = "") -> Any:
    """Declare the amplitude of the current that the machine bears for ever."""
    meaning = f"nominal {which}current (amplitude)"
    return parameter(default, unit="A", meaning=meaning, above=0.0, high=LARGEST)


def current_limit(default: float, which: str = "") -> Any:
    """Declare the amplitude of the current at which the drive trips."""
    meaning = f"{which}current at which the drive trips (amplitude)"
    return parameter(default, unit="A", meaning=meaning, above=0.0, high=LARGEST)


def nominal_speed(default: float) -> Any:
    """Declare the nominal mechanical speed."""
    return parameter(default, unit="rad/s", meaning="nominal speed", above=0.0, high=LARGEST)


def speed_limit(default: float) -> Any:
    """Declare the highest mechanical speed."""
    return parameter(default, unit="rad/s", meaning="highest speed", above=0.0, high=LARGEST)


def link_voltage(default: float) -> Any:
    """Declare the DC-link voltage that the machine is meant for."""
    return parameter(default, unit="V", meaning="DC-link voltage", above=0.0, high=LARGEST)
