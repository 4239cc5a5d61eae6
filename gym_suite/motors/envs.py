"""The environments of the family: from keyword arguments to a setup."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from gym_suite.controllers.tuning import magnitude_optimum
from gym_suite.core.columns import Column, Columns
from gym_suite.core.env import KernelEnv
from gym_suite.core.family import Kernels, Plant, Setup, Tracked
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.signals import Signal, as_signal, pack
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.motors import dynamics, tasks
from gym_suite.motors import parameters as pm
from gym_suite.motors.controllers.operating_points import max_torque
from gym_suite.motors.transforms import SQRT3

KERNELS = Kernels(
    step=tasks.step_batch,
    reset=tasks.reset_batch,
    observe=tasks.observe_batch,
    advance=dynamics.advance_batch,
)

ACTION_NAMES = {
    "dq": ("action_d", "action_q"),
    "abc": ("action_a", "action_b", "action_c"),
    "torque": ("action_torque",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keyword arguments of the family's environments and their defaults."""

    machine: Any = None
    load: Any = None
    control: str = "voltage"
    frame: str = "dq"
    tau: float = 1e-4
    control_period: float | None = None
    substeps: int = 1
    dead_time: bool = True
    speed: tuple[float, float] | float | None = None
    reference: Any = None
    reference_hold: float = 0.02
    reference_range: float | None = None
    duration: float | None = None
    window: float | str = 60.0
    start: float | None = None
    preview: int = 0
    preview_interval: float | None = None
    weights: Mapping[str, float] | None = None
    error_scale: float | None = None
    error_exponent: float = 0.5
    penalty_trip: float | None = None
    noise: Any = None
    mismatch: Any = None
    delay: int = 0
    disturbance: Any = None


# What differs between the tasks; everything else is in Options.
DEFAULTS: dict[str, dict[str, Any]] = {
    "current": {"machine": "PMSM", "load": "constant_speed"},
    "speed": {
        "machine": "PMSM",
        "load": "polynomial_static",
        "reference_hold": 0.2,
        "duration": 0.6,
    },
    "drive_cycle": {
        "machine": "HSM16.17.12-C01",
        "load": "vehicle",
        "control": "torque",
        "control_period": 0.01,
    },
}
_NOT_FOR = {
    "current": ("duration", "window", "start", "control", "control_period"),
    "speed": ("window", "start", "speed"),
    "drive_cycle": ("duration", "reference", "reference_hold", "reference_range", "speed"),
}
WEIGHTS = {
    "current": {"i_sd": 0.5, "i_sq": 0.5, "effort": 0.0, "smoothness": 0.0},
    "speed": {"omega": 1.0, "loss": 0.0, "effort": 0.0, "smoothness": 0.0},
    "drive_cycle": {"v": 1.0, "loss": 0.0, "effort": 0.0, "smoothness": 0.0},
}
CYCLE_ERROR_SCALE = 5.0  # m/s


@cache
def drive_cycle() -> np.ndarray:
    """Return the WLTC class 3b as read-only float64 of shape (1801, 2): time (s), speed (m/s).

    Source: UN Global Technical Regulation No. 15, table of class 3b vehicles.
    """
    text = resources.files("gym_suite.motors").joinpath("data/wltc_class3b.csv").read_text()
    rows = [line.split(",") for line in text.splitlines() if line[:1].isdigit()]
    table = np.array(rows, dtype=np.float64)
    table[:, 1] /= 3.6
    table.setflags(write=False)
    return table


def keyword_names(task: str) -> tuple[str, ...]:
    """Return the keyword arguments that a task takes."""
    return tuple(f.name for f in fields(Options) if f.name not in _NOT_FOR[task])


def configure(id: str, task: str, **keywords: Any) -> Setup:
    """Return the setup for an id's task and a user's keyword arguments.

    Args:
        id: The environment's id.
        task: "current", "speed" or "drive_cycle".
        **keywords: Attributes of :class:`Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """
    check_option("task", task, pm.TASKS)
    check_keywords(keywords, keyword_names(task), f"keyword of {id}")
    options = Options(**(DEFAULTS[task] | keywords))
    machine = pm.build_machine(options.machine)
    load = pm.build_load(
        options.load if options.load is not None else DEFAULTS[task]["load"],
        default=DEFAULTS[task]["load"],
        j_rotor=machine.j_rotor,
    )
    values = _values(task, options, machine, load)
    row = np.array([values[name] for name in pm.PARAMETERS.names], dtype=np.float64)
    row.setflags(write=False)
    signals, reference_given = _signals(task, options)
    rows, own_tables = pack(signals)
    observations = _observation_columns(task, options, values)
    measured = [n for n in ("i_sd", "i_sq", "omega", "error") if n in observations]
    cycle = drive_cycle() if task == "drive_cycle" else np.zeros((1, 2))
    if reference_given:
        row = row.copy()
        row[pm.P_REFERENCE_KIND] = pm.REFERENCE_SIGNALS
        row.setflags(write=False)
    noise = read_noise(options.noise, observations, measured)
    if noise is not None and options.control == "torque":
        row = row.copy()
        row[pm.P_NOISE_I] = noise[observations.index("i_sd")] * machine.i_limit
        row.setflags(write=False)
    torque_control = options.control == "torque"
    v_limit = _lever(load) * machine.omega_limit
    return Setup(
        id=id,
        family="motors",
        kernels=KERNELS,
        dt=values["tau"] * values["ratio"],
        state_columns=dynamics.STATES,
        action_columns=_action_columns(options, values),
        observation_columns=observations,
        metric_columns=_metric_columns(task, options),
        parameter_columns=_parameter_columns(machine, load),
        row=row,
        tables=(cycle, rows, own_tables),
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=tuple(measured),
        tracking=_tracking(task, machine, v_limit),
        effort=("torque_ref",) if torque_control else ("u_sd", "u_sq"),
        effort_scale=(values["torque_limit"],) if torque_control else (machine.u_dc / SQRT3,) * 2,
        violation="violation",
        horizon=_horizon(task, options, values),
        idle_action=np.zeros(len(_action_names(options))),
        mismatch=read_mismatch(options.mismatch, pm.PARAMETERS, pm.PLANT_PARAMETERS),
        noise=noise,
        delay=read_delay(options.delay),
        plant=Plant(
            states=dynamics.PLANT_STATES,
            inputs=dynamics.PLANT_INPUTS,
            outputs=dynamics.PLANT_OUTPUTS,
            derivative=dynamics.plant_derivative,
            output=dynamics.plant_output,
            guess=(0.5 * machine.omega_nominal, 0.0, 0.0),
        ),
        renderer="gym_suite.motors.render:MotorRenderer",
        keywords=_resolved(task, options, machine, load),
    )


# ------------------------------------------------------------------------------------ pieces of a setup


def _lever(load: pm.Load) -> float:
    return load.lever if isinstance(load, pm.Vehicle) else 1.0


def _action_names(options: Options) -> tuple[str, ...]:
    return ACTION_NAMES["torque" if options.control == "torque" else options.frame]


def _horizon(task: str, options: Options, values: Mapping[str, float]) -> int | None:
    dt = values["tau"] * values["ratio"]
    length = {"current": None, "speed": options.duration, "drive_cycle": values["window"]}[task]
    return None if length is None else max(1, round(length / dt))


def _values(task: str, options: Options, machine: pm.PMSM, load: pm.Load) -> dict[str, float]:
    """Return every parameter of a row by name."""
    check_option("control", options.control, pm.CONTROLS)
    check_option("frame", options.frame, pm.FRAMES)
    if options.control == "torque" and options.frame != "dq":
        raise ValueError("frame is for control='voltage'; a torque command has none")
    tau = check_number("tau", options.tau, above=0.0)
    ratio = _ratio(task, options, tau)
    own = pm.PolynomialStatic(a=0.0, b=0.0, j_load=0.0)
    polynomial = load if isinstance(load, pm.PolynomialStatic) else own
    vehicle = load if isinstance(load, pm.Vehicle) else pm.Vehicle()
    if task == "drive_cycle" and not isinstance(load, pm.Vehicle):
        raise ValueError(f"a drive cycle needs a vehicle as its load, got {load!r}")
    speed_low, speed_high = _speeds(task, options, machine, load)
    window, start = _window(task, options)
    error_scale = {
        "current": machine.i_limit,
        "speed": machine.omega_limit,
        "drive_cycle": CYCLE_ERROR_SCALE,
    }[task]
    if options.error_scale is not None:
        error_scale = check_number("error_scale", options.error_scale, above=0.0)
    reference_range = machine.i_nominal if task == "current" else 0.6 * machine.omega_nominal
    if options.reference_range is not None:
        highest = 0.95 * machine.i_limit if task == "current" else machine.omega_limit
        reference_range = check_number(
            "reference_range", options.reference_range, above=0.0, high=highest
        )
    delay = 1.5 * tau if options.dead_time else 0.5 * tau
    gains = {
        axis: magnitude_optimum(1.0 / machine.r_s, inductance / machine.r_s, delay=delay)
        if machine.r_s > 0.0
        else None
        for axis, inductance in (("d", machine.l_d), ("q", machine.l_q))
    }
    torque_limit = max_torque(
        dynamics.CURRENT_MARGIN * machine.i_limit,
        machine.p,
        machine.l_d,
        machine.l_q,
        machine.psi_p,
    )
    values: dict[str, float] = {
        **asdict(machine),
        "load_kind": pm.load_kind(load),
        "a": polynomial.a,
        "b": polynomial.b,
        "c": polynomial.c,
        "tau_decay": polynomial.tau_decay,
        "j_load": polynomial.j_load,
        **asdict(vehicle),
        "tau": tau,
        "ratio": ratio,
        "substeps": check_number("substeps", options.substeps, low=1, high=1000, integer=True),
        "dead_time": float(bool(options.dead_time)),
        "frame": pm.FRAMES.index(options.frame),
        "control": pm.CONTROLS.index(options.control),
        "task": pm.TASKS.index(task),
        "reference_kind": pm.REFERENCE_CYCLE if task == "drive_cycle" else pm.REFERENCE_STEPS,
        "reference_ticks": max(
            1, round(check_number("reference_hold", options.reference_hold, above=0.0) / tau)
        ),
        "reference_range": reference_range,
        "preview": check_number("preview", options.preview, low=0, high=1000, integer=True),
        "preview_interval": _preview_interval(options, tau * ratio),
        "speed_low": speed_low,
        "speed_high": speed_high,
        "window": window,
        "window_start": start,
        "error_scale": error_scale,
        "error_exponent": check_number(
            "error_exponent", options.error_exponent, above=0.0, high=10.0
        ),
        "model_p": machine.p,
        "model_l_d": machine.l_d,
        "model_l_q": machine.l_q,
        "model_psi_p": machine.psi_p,
        "kp_d": gains["d"].kp if gains["d"] else machine.l_d / (2.0 * delay),
        "ki_d": gains["d"].ki if gains["d"] else 0.0,
        "kp_q": gains["q"].kp if gains["q"] else machine.l_q / (2.0 * delay),
        "ki_q": gains["q"].ki if gains["q"] else 0.0,
        "torque_limit": torque_limit,
        "noise_i": 0.0,
    }
    values |= _reward(task, options, values)
    return values


def _ratio(task: str, options: Options, tau: float) -> int:
    """Return the inverter periods per control period."""
    if options.control == "voltage":
        given = options.control_period
        if given is not None and given != DEFAULTS[task].get("control_period"):
            raise ValueError(
                "control_period is for control='torque'; a voltage command acts at tau"
            )
        return 1
    period = 1e-3 if options.control_period is None else options.control_period
    period = check_number("control_period", period, above=0.0)
    ratio = round(period / tau)
    if ratio < 1 or abs(ratio * tau - period) > 1e-9 * period:
        raise ValueError(
            f"control_period must be a whole number of tau = {tau:g} s, got {period:g} s"
        )
    return ratio


def _preview_interval(options: Options, dt: float) -> float:
    interval = dt if options.preview_interval is None else options.preview_interval
    return check_number("preview_interval", interval, low=dt * (1 - 1e-9))


def _speeds(task: str, options: Options, machine: pm.PMSM, load: pm.Load) -> tuple[float, float]:
    """Return the range from which a reset draws the speed."""
    if isinstance(load, pm.ConstantSpeed) and task == "speed":
        raise ValueError("speed control needs a shaft that turns: load='constant_speed' holds it")
    given = options.speed
    if task != "current":
        return 0.0, 0.0
    if isinstance(load, pm.ConstantSpeed) and load.omega is not None:
        if given is not None:
            raise ValueError("give the speed once: speed= or the load's omega, not both")
        given = load.omega
    if given is None:
        return 0.0, machine.omega_nominal
    pair = given if isinstance(given, tuple | list) else (given, given)
    if len(pair) != 2:
        raise ValueError(f"speed takes a number or (lowest, highest), got {given!r}")
    limit = machine.omega_limit
    low, high = (check_number("speed", s, low=-limit, high=limit) for s in pair)
    if low > high:
        raise ValueError(f"speed: lowest {low:g} is above highest {high:g}")
    return low, high


def _window(task: str, options: Options) -> tuple[float, float]:
    """Return length and start (-1: drawn) of the window of the drive cycle."""
    if task != "drive_cycle":
        return 0.0, 0.0
    total = float(drive_cycle()[-1, 0])
    window = total if options.window == "full" else options.window
    window = check_number("window (s, or 'full')", window, above=0.0, high=total)
    if options.start is None:
        return window, 0.0 if window == total else -1.0
    return window, check_number("start", options.start, low=0.0, high=total - window)


def _reward(task: str, options: Options, values: Mapping[str, float]) -> dict[str, float]:
    """Return the weights of the reward terms and the penalty of a trip.

    The tracking terms are never negative. The default penalty exceeds all that effort, smoothness
    and loss could cost until the end, so that an early end never pays.
    """
    names = WEIGHTS[task]
    given = dict(options.weights or {})
    check_keywords(given, names, f"weight of task {task!r}")
    weights = [
        check_number(f"weight {name!r}", given.get(name, default), low=0.0)
        for name, default in names.items()
    ]
    horizon = _horizon(task, options, values) or 2000
    costs = weights[2] + 4.0 * weights[3] + (weights[1] if task != "current" else 0.0)
    least = 1.0 + horizon * costs
    penalty = least
    if options.penalty_trip is not None:
        penalty = check_number("penalty_trip", options.penalty_trip, low=0.0)
        if penalty < horizon * costs:
            raise ValueError(
                f"penalty_trip = {penalty:g} would make an early end attractive: effort, smoothness "
                f"and loss can cost {horizon * costs:g} until the end of the episode"
            )
    return {
        "weight_1": weights[0],
        "weight_2": weights[1],
        "weight_effort": weights[2],
        "weight_smoothness": weights[3],
        "penalty_trip": penalty,
    }


def _signals(task: str, options: Options) -> tuple[list[Signal], bool]:
    """Return the rows of the signal table (two references, then disturbances) and if there are references."""
    disturbances = read_disturbance(options.disturbance, dynamics.DISTURBANCES)
    names = {"current": ("i_sd", "i_sq"), "speed": ("omega",), "drive_cycle": ()}[task]
    references = [Signal(kind="none")] * 2
    given = options.reference
    if given is not None:
        if not isinstance(given, Mapping):
            if len(names) != 1:
                raise TypeError(
                    f"reference must map {names} to signals, got {type(given).__name__}"
                )
            given = {names[0]: given}
        check_keywords(given, names, f"reference of task {task!r}")
        for i, name in enumerate(names):
            references[i] = as_signal(given.get(name, 0.0), f"reference {name!r}")
    if given is None and not disturbances:
        return [], False
    return references + disturbances, given is not None


def _tracking(task: str, machine: pm.PMSM, v_limit: float) -> tuple[Tracked, ...]:
    if task == "current":
        return tuple(
            Tracked(name, f"{name}_ref", machine.i_limit, "A", label)
            for name, label in (("i_sd", "d current"), ("i_sq", "q current"))
        )
    if task == "speed":
        return (Tracked("omega", "omega_ref", machine.omega_limit, "rad/s", "speed"),)
    return (Tracked("v", "v_ref", v_limit, "m/s", "vehicle speed"),)


def _action_columns(options: Options, values: Mapping[str, float]) -> Columns:
    names = _action_names(options)
    if options.control == "torque":
        column = Column(
            names[0], "N m", -1, 1, "torque command", scale=float(values["torque_limit"])
        )
        return Columns(column)
    scale = values["u_dc"] / SQRT3 if options.frame == "dq" else 0.5 * values["u_dc"]
    return Columns(*(Column(n, "V", -1, 1, f"{n[-1]} voltage command", scale=scale) for n in names))


def _reference_names(task: str) -> tuple[str, ...]:
    return {
        "current": ("i_sd_ref", "i_sq_ref"),
        "speed": ("omega_ref",),
        "drive_cycle": ("v_ref",),
    }[task]


def _observation_columns(task: str, options: Options, values: Mapping[str, float]) -> Columns:
    bound = tasks.OBSERVATION_BOUND
    current, speed = values["i_limit"], values["omega_limit"]
    v_limit = speed * values["wheel_radius"] / values["gear_ratio"]
    columns = [
        Column("i_sd", "A", -bound, bound, "d current", scale=current),
        Column("i_sq", "A", -bound, bound, "q current", scale=current),
        Column("omega", "rad/s", -bound, bound, "mechanical speed", scale=speed),
    ]
    if options.control == "voltage":
        columns += [
            Column("sin_epsilon", "1", -1, 1, "sine of the electrical angle"),
            Column("cos_epsilon", "1", -1, 1, "cosine of the electrical angle"),
        ]
    for action in _action_columns(options, values):
        columns.append(
            Column(f"last_{action.name}", action.unit, -1, 1, "last action", scale=action.scale)
        )
    if task != "current":
        unit = "rad/s" if task == "speed" else "m/s"
        scale = values["error_scale"]
        columns.append(Column("error", unit, -bound, bound, "reference minus value", scale=scale))
    unit, scale = {
        "current": ("A", current),
        "speed": ("rad/s", speed),
        "drive_cycle": ("m/s", v_limit),
    }[task]
    for k in range(int(values["preview"]) + 1):
        ahead = f"reference {k * values['preview_interval']:g} s ahead" if k else "reference"
        for name in _reference_names(task):
            label = f"{name}_{k}" if k else name
            columns.append(Column(label, unit, -bound, bound, ahead, scale=scale))
    return Columns(*columns)


def _metric_columns(task: str, options: Options) -> Columns:
    tracked = {"current": "i_sd", "speed": "omega", "drive_cycle": "v"}[task]
    second = (
        Column("reward_i_sq", "1", 0, math.inf, "tracking of i_sq")
        if task == "current"
        else Column("reward_loss", "1", -math.inf, 0, "copper loss")
    )
    columns = [
        Column(f"reward_{tracked}", "1", 0, math.inf, f"tracking of {tracked}"),
        second,
        Column("reward_effort", "1", -math.inf, 0, "squared action"),
        Column("reward_smoothness", "1", -math.inf, 0, "squared change of the action"),
        Column("reward_trip", "1", -math.inf, 0, "penalty of a trip"),
        Column("omega", "rad/s", meaning="mechanical speed"),
        Column("i_sd", "A", meaning="d current"),
        Column("i_sq", "A", meaning="q current"),
        Column("epsilon", "rad", -math.pi, math.pi, "electrical angle"),
        Column("torque", "N m", meaning="air-gap torque"),
        Column("torque_load", "N m", meaning="load torque"),
        Column("u_sd", "V", meaning="d voltage in the middle of the last period"),
        Column("u_sq", "V", meaning="q voltage in the middle of the last period"),
        Column("violation", "1", 0, 1, "1 if the current limit is exceeded"),
        Column("clipped", "1", 0, 3, "elements of the action that were outside [-1, 1]"),
    ]
    unit = {"current": "A", "speed": "rad/s", "drive_cycle": "m/s"}[task]
    columns += [
        Column(name, unit, meaning="reference at the same instant")
        for name in _reference_names(task)
    ]
    if task == "drive_cycle":
        columns.append(Column("v", "m/s", meaning="vehicle speed"))
    if options.control == "torque":
        columns += [
            Column("torque_ref", "N m", meaning="torque command"),
            Column("i_sd_ref", "A", meaning="reference of the inner d controller"),
            Column("i_sq_ref", "A", meaning="reference of the inner q controller"),
        ]
    return Columns(*columns)


def _parameter_columns(machine: pm.PMSM, load: pm.Load) -> Columns:
    """Return the parameter columns with the sources of this machine's and load's numbers."""
    machine_names = {field.name for field in fields(machine)}
    load_sources = {
        f.name: f.metadata.get("source", "") if getattr(load, f.name) == f.default else "user"
        for f in fields(load)
        if f.metadata
    }
    columns = []
    for column in pm.PARAMETERS:
        source = ""
        if column.name in machine_names:
            source = pm.machine_source(machine, column.name)
        elif column.name in load_sources:
            source = load_sources[column.name]
        elif column.name in ("kp_d", "ki_d", "kp_q", "ki_q"):
            source = "magnitude optimum, Kessler 1955"
        columns.append(
            Column(column.name, column.unit, column.low, column.high, column.meaning, 1.0, source)
        )
    return Columns(*columns)


def _resolved(task: str, options: Options, machine: pm.PMSM, load: pm.Load) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    names = keyword_names(task)
    resolved = {name: _plain(getattr(options, name)) for name in names}
    kind = pm.LOAD_KINDS[pm.load_kind(load)]
    resolved["machine"] = asdict(machine)
    resolved["load"] = {"kind": kind} | asdict(load)
    return resolved


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


# ------------------------------------------------------------------------------------------ environments


class MotorEnv(KernelEnv):
    """One drive; see the catalogue entry of each id for its task.

    Args:
        id: The environment's id.
        task: "current", "speed" or "drive_cycle".
        render_mode: None, "rgb_array" or "human".
        **keywords: Attributes of :class:`Options`.
    """

    def __init__(
        self, *, id: str, task: str, render_mode: str | None = None, **keywords: Any
    ) -> None:
        rebuild = {"id": id, "task": task} | keywords
        super().__init__(configure(**rebuild), render_mode=render_mode, rebuild=rebuild)


class MotorVectorEnv(KernelVectorEnv):
    """Many drives in one compiled loop; arguments as :class:`MotorEnv`, and those of the core."""

    def __init__(
        self,
        *,
        id: str,
        task: str,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: Any = "NextStep",
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        own = {"id": id, "task": task} | keywords
        faces = {
            "num_envs": num_envs,
            "max_episode_steps": max_episode_steps,
            "autoreset_mode": autoreset_mode,
            "render_mode": render_mode,
        }
        super().__init__(configure(**own), **faces, rebuild=own | faces)
