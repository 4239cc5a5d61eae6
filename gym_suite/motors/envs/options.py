"""What the tasks ask, as data, and the keyword arguments that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gym_suite.core.options import PlantOptions, option
from gym_suite.motors.machines import Machine
from gym_suite.motors.quantities import TEMPERATURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(PlantOptions):
    """The keyword arguments of the family's environments."""

    machine: Any = option(
        None,
        takes="a set's name, a mapping of overrides, a TOML file of them, or the machine's dataclass",
        meaning="the machine and the DC link that it is meant for",
    )
    load: Any = option(
        None,
        takes="a kind's name, a mapping with `kind`, or a load",
        meaning="what the shaft carries",
    )
    supply: Any = option(
        None,
        takes="a kind's name, a mapping with `kind`, or a supply",
        meaning="what feeds the DC link; `None`: ideal",
    )
    sensors: Any = option(
        None,
        takes='a mapping with "current_gain", "current_offset", "current_noise", "current_bits", "current_range", '
        '"encoder_lines", "encoder_offset", "resolver_first", "resolver_second"',
        meaning="what current sensors and the encoder or resolver are off by in what is observed; `None`: ideal",
    )
    losses: Any = option(
        None,
        takes='"usual", a mapping of overrides of the usual ones, or losses',
        meaning="losses of iron, inverter and bearings; `None`: not computed",
    )
    thermal: Any = option(
        None,
        takes='"usual", a mapping of overrides of the usual one, or a thermal network',
        meaning="how the machine warms, and with it resistance and flux; `None`: not at all",
    )
    control: str = option(
        "voltage", takes='"voltage" or "torque"', meaning="what an action commands"
    )
    converter: Any = option(
        "4QC",
        takes='choppers: "1QC", "2QC", "4QC", or a mapping from terminal voltage to one of them; a bridge that is '
        'switched or follows a carrier: "two-level", "npc", "t-type"',
        meaning="a chopper's quadrants of voltage and current, or a bridge's levels",
    )
    c_neutral: float | None = option(
        None,
        takes="F, above 0",
        meaning="each of the two capacitors about the neutral point of a bridge of three levels; `None`: in which the "
        "nominal current moves it by a hundredth of `u_dc` in 1 ms",
    )
    interlocking: float = option(
        0.0,
        takes="s, below `tau`; with a carrier below half of it",
        meaning="time for which both switches of a leg are off when it is switched",
    )
    modulation: str = option(
        "averaged",
        takes='"averaged" or "carrier"',
        meaning="voltages of a period: their mean, or pulses by a triangular carrier",
    )
    zero_sequence: str | None = option(
        None,
        takes='"space-vector", "none", "dpwm0" to "dpwm3", "dpwm-min", "dpwm-max" or, with three levels, "balancing"',
        meaning="what a carrier's duty cycles have in common; `None`: that of space vectors, with three levels what "
        "keeps the neutral point",
    )
    overmodulation: str = option(
        "hexagon",
        takes='"hexagon" or "six-step"',
        meaning="a dq voltage beyond the circle `u_dc/sqrt(3)`: cut off at the hexagon, or reached as a fundamental",
    )
    frame: str = option("dq", takes='"dq" or "abc"', meaning="frame of a voltage action")
    tau: float = option(
        1e-4, takes="s", meaning="period of the converter and of the current control"
    )
    control_period: float | None = option(
        None,
        takes="s, a whole number of `tau`",
        meaning="period of torque commands; `None`: 1e-3, on a driving cycle 0.01, in derating 0.1",
    )
    substeps: int | None = option(
        None,
        takes="a whole number",
        meaning="Runge-Kutta steps per period of the inverter; `None`: as many as the machine's time constants ask for",
    )
    dead_time: bool = option(
        True, takes="`True` or `False`", meaning="whether a voltage command acts one period late"
    )
    speed: tuple[float, float] | float | None = option(
        None,
        takes="rad/s, or (lowest, highest)",
        meaning="speed at the start; `None`: uniform in (0, omega_nominal)",
    )
    reference: Any = option(
        None,
        takes="a signal, or a mapping from tracked quantity to signal",
        meaning="what is to be followed instead of random steps (SI); a signal's numbers may be "
        "ranges, `(lowest, highest)`, from which each episode draws",
    )
    reference_hold: float = option(0.02, takes="s", meaning="time between two random references")
    reference_range: float | None = option(
        None,
        takes="A, N m, rad/s or rad",
        meaning="largest random reference; `None`: see Starting State",
    )
    duration: float | None = option(
        None, takes="s", meaning="length of an episode; `None`: until it is cut off from outside"
    )
    cycle: Any = option(
        "WLTC",
        takes='"WLTC", "UDDS", "HWFET", "US06", "WMTC", or a CSV file',
        meaning="the driving cycle",
    )
    window: float | str = option(
        60.0, takes='s, or "full"', meaning="length of the window of the driving cycle"
    )
    start: float | None = option(
        None, takes="s", meaning="where the window begins; `None`: drawn at each reset"
    )
    preview: int = option(0, takes="a whole number", meaning="future references observed")
    preview_interval: float | None = option(
        None, takes="s", meaning="time between two of them; `None`: one step"
    )
    weights: Mapping[str, float] | None = option(
        None,
        takes="a mapping from reward term to weight",
        meaning="weights of the reward terms; those not named keep their default",
    )
    error_scale: float | None = option(
        None,
        takes="A, N m, rad/s, rad or m/s",
        meaning="error that earns nothing; `None`: see Rewards",
    )
    error_exponent: float = option(
        0.5, takes="a number above 0", meaning="exponent of the normalised error"
    )
    constraints: Any = option(
        None,
        takes="a list of names, of lists of names, of mappings from names to limits",
        meaning="what besides a current beyond its limit is a trip: a quantity of `info` beyond its limit, several "
        "whose squares as parts of their limits sum to more than 1, or limits of your own",
    )
    penalty_trip: float | None = option(
        None, takes="a number from 0", meaning="cost of a trip; `None`: see Rewards"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked of a drive: all that differs from task to task outside the compiled functions.

    Attributes:
        name: The task's.
        follows: How its references are drawn, and with that what an episode starts with: "current", "torque", "speed",
            "position" or "cycle".
        tracked: Quantities that are to follow references; empty: the machine's currents.
        error_scale: Error at which tracking earns nothing; None: the full scale.
        seen: Quantities that are observed besides the currents and the speed.
        overloads: Whether random torques drive alone and go up to the largest, instead of to that of nominal currents
            on either side.
        control_period: Period of torque commands where none is given, s.
        shows_error: Whether the difference of reference and value is observed too.
        sensorless: Whether no angle nor speed is observed, and the currents in the stator's frame.
        least: Smallest random reference as a part of the largest, in one direction; None: both directions and 0.
        costs: Reward terms besides tracking, with their default weights.
        without: Keyword arguments that the task does not take.
        defaults: Keyword arguments whose defaults are not those of :class:`Options`.
    """

    name: str
    follows: Literal["current", "torque", "speed", "position", "cycle"]
    tracked: tuple[str, ...] = ()
    error_scale: float | None = None
    seen: tuple[str, ...] = ()
    overloads: bool = False
    control_period: float = 1e-3
    shows_error: bool = True
    sensorless: bool = False
    least: float | None = None
    costs: tuple[str, ...] = ("loss", "effort", "smoothness")
    without: tuple[str, ...]
    defaults: Mapping[str, Any]

    def of(self, machine: Machine) -> Task:
        """Return the task with the quantities that it tracks of a machine."""
        return replace(self, tracked=self.tracked or machine.followed)

    @property
    def weights(self) -> dict[str, float]:
        """The reward terms but that of a trip, with their default weights: a step without error earns 1."""
        shares = dict.fromkeys(self.tracked, 1.0 / max(len(self.tracked), 1))
        return shares | dict.fromkeys(self.costs, 0.0)


#: What of the usual thermal network is another where torque is to be derated: the coolant of a car's drive, a machine
#: that has worked before an episode begins, and a winding that may get as hot as the magnets.
DERATED: Mapping[str, float] = {
    "ambient": 65.0,
    "temperature_low": 65.0,
    "temperature_high": 110.0,
    "limit_winding": 150.0,
}

TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="current",
            follows="current",
            shows_error=False,
            costs=("effort", "smoothness"),
            without=("duration", "cycle", "window", "start", "control", "control_period"),
            defaults={"load": "constant_speed"},
        ),
        Task(
            name="torque",
            follows="torque",
            tracked=("torque",),
            shows_error=False,
            without=("duration", "cycle", "window", "start", "control", "control_period"),
            defaults={"load": "constant_speed"},
        ),
        Task(
            name="thermal",
            follows="torque",
            tracked=("torque",),
            seen=TEMPERATURES.names,
            overloads=True,
            control_period=0.1,
            shows_error=False,
            without=("cycle", "window", "start"),
            defaults={
                "load": "constant_speed",
                "control": "torque",
                "losses": "usual",
                "thermal": DERATED,
                "reference_hold": 5.0,
                "duration": 120.0,
                "preview": 30,
                "preview_interval": 1.0,
                "error_exponent": 1.0,
            },
        ),
        Task(
            name="speed",
            follows="speed",
            tracked=("omega",),
            without=("cycle", "window", "start", "speed"),
            defaults={"load": "polynomial_static", "reference_hold": 0.2, "duration": 0.6},
        ),
        Task(
            name="sensorless",
            follows="speed",
            tracked=("omega",),
            shows_error=False,
            sensorless=True,
            least=0.1,
            without=("cycle", "window", "start", "speed", "control", "control_period"),
            defaults={
                "load": "polynomial_static",
                "frame": "abc",
                "reference_hold": 0.6,
                "duration": 1.8,
            },
        ),
        Task(
            name="load_speed",
            follows="speed",
            tracked=("omega_load",),
            seen=("omega_load",),
            without=("cycle", "window", "start", "speed"),
            defaults={
                "load": "two_mass",
                "control": "torque",
                "reference_hold": 0.5,
                "duration": 1.5,
            },
        ),
        Task(
            name="position",
            follows="position",
            tracked=("position",),
            seen=("position",),
            without=("cycle", "window", "start", "speed"),
            defaults={
                "load": "polynomial_static",
                "control": "torque",
                "reference_hold": 0.4,
                "duration": 1.2,
            },
        ),
        Task(
            name="drive_cycle",
            follows="cycle",
            tracked=("v",),
            error_scale=5.0,
            control_period=0.01,
            without=("duration", "reference", "reference_hold", "reference_range", "speed"),
            defaults={"load": "vehicle", "control": "torque"},
        ),
    )
}


def action_names(options: Options, machine: Machine) -> tuple[str, ...]:
    """Return the names of the action's elements."""
    if options.control == "torque":
        return ("action_torque",)
    axes = machine.phases if options.frame == "abc" else machine.voltages.values()
    return tuple(f"action_{axis}" for axis in axes)
