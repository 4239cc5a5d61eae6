"""From keyword arguments to a setup: checks, parameters of a row, signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from gym_suite.controllers.tuning import magnitude_optimum
from gym_suite.core.family import Kernels, Plant, Setup, Tracked
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.signals import Signal, as_signal, pack
from gym_suite.motors import dynamics, tasks
from gym_suite.motors import parameters as pm
from gym_suite.motors.controllers.operating_points import max_torque
from gym_suite.motors.envs.columns import (
    action_columns,
    metric_columns,
    observation_columns,
    parameter_columns,
)
from gym_suite.motors.envs.options import TASKS, Options, Task, action_names
from gym_suite.motors.transforms import SQRT3

KERNELS = Kernels(
    step=tasks.step_batch,
    reset=tasks.reset_batch,
    observe=tasks.observe_batch,
    advance=dynamics.advance_batch,
)


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


MOST_PERIODS = 10_000  # inverter periods in one control period


def configure(id: str, name: str, /, **keywords: Any) -> Setup:
    """Return the setup for an id's task and a user's keyword arguments.

    Args:
        id: The environment's id.
        name: The task's: "current", "speed" or "drive_cycle".
        **keywords: Attributes of :class:`Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """
    check_option("task", name, TASKS)
    task = TASKS[name]
    check_keywords(keywords, task.keywords, f"keyword of {id}")
    given = {**task.defaults, **keywords}
    if given.get("control") == "voltage" and "control_period" not in keywords:
        given["control_period"] = None  # the default is the torque command's
    options = Options(**given)
    machine = pm.build_machine(options.machine, default=task.defaults["machine"])
    load = pm.build_load(
        options.load if options.load is not None else task.defaults["load"],
        default=task.defaults["load"],
        j_rotor=machine.j_rotor,
    )
    values = _values(task, options, machine, load)
    row = np.array([values[name] for name in pm.PARAMETERS.names], dtype=np.float64)
    signals, reference_given = _signals(task, options)
    if isinstance(load, pm.ConstantSpeed) and "torque_load" in (options.disturbance or ()):
        raise ValueError(
            "disturbance 'torque_load' needs a shaft that turns freely: this load holds its speed"
        )
    rows, own_tables = pack(signals)
    full_scale = task.full_scale(machine, _lever(load))
    observations = observation_columns(task, options, values, full_scale)
    measured = [n for n in ("i_sd", "i_sq", "omega", "error") if n in observations]
    cycle = drive_cycle() if name == "drive_cycle" else np.zeros((1, 2))
    known_rows, known_tables = pack(signals[:2] if reference_given else [])
    if reference_given:
        row[pm.P_REFERENCE_KIND] = pm.REFERENCE_SIGNALS
    noise = read_noise(options.noise, observations, measured)
    plant_row = row.copy()
    if noise is not None and options.control == "torque":
        plant_row[pm.P_NOISE_I_D] = noise[observations.index("i_sd")] * machine.i_limit
        plant_row[pm.P_NOISE_I_Q] = noise[observations.index("i_sq")] * machine.i_limit
    torque_control = options.control == "torque"
    return Setup(
        id=id,
        family="motors",
        kernels=KERNELS,
        dt=values["tau"] * values["ratio"],
        state_columns=dynamics.STATES,
        action_columns=action_columns(options, values),
        observation_columns=observations,
        metric_columns=metric_columns(task, options),
        parameter_columns=parameter_columns(machine, load),
        row=row,
        plant_row=plant_row,
        tables=(cycle, rows, own_tables),
        nominal_tables=(cycle, known_rows, known_tables),
        plant_parameters=pm.PLANT_PARAMETERS,
        measured=tuple(measured),
        tracking=tuple(
            Tracked(name, f"{name}_ref", full_scale, task.unit, label)
            for name, label in task.tracked.items()
        ),
        effort=("torque_ref",) if torque_control else ("u_sd", "u_sq"),
        effort_scale=(values["torque_limit"],) if torque_control else (machine.u_dc / SQRT3,) * 2,
        violation="violation",
        disturbances=tuple(
            name
            for name in dynamics.DISTURBANCES
            if name != "torque_load" or not isinstance(load, pm.ConstantSpeed)
        ),
        horizon=_horizon(task, options, values),
        idle_action=np.zeros(len(action_names(options))),
        mismatch=read_mismatch(options.mismatch, pm.PARAMETERS, pm.PLANT_PARAMETERS),
        noise=noise,
        delay=read_delay(options.delay),
        plant=Plant(
            *dynamics.plant_columns(machine),
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


def _switch(name: str, value: object) -> float:
    """Return 1 or 0 for True or False, which JSON and NumPy may also give as numbers."""
    if not isinstance(value, bool | int | float | np.bool_) or value not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return float(value)


def _horizon(task: Task, options: Options, values: Mapping[str, float]) -> int | None:
    dt = values["tau"] * values["ratio"]
    if task.name == "current" or (task.name == "speed" and options.duration is None):
        return None
    length = values["window"]
    if task.name == "speed":
        length = check_number("duration", options.duration, above=0.0, high=1e6)
    return max(1, round(length / dt))


def _values(task: Task, options: Options, machine: pm.PMSM, load: pm.Load) -> dict[str, float]:
    """Return every parameter of a row by name."""
    check_option("control", options.control, pm.CONTROLS)
    check_option("frame", options.frame, pm.FRAMES)
    if options.control == "torque" and options.frame != "dq":
        raise ValueError("frame is for control='voltage'; a torque command has none")
    tau = check_number("tau", options.tau, above=0.0)
    turn = machine.p * machine.omega_limit * tau
    if turn > 2.5 * check_number("substeps", options.substeps, low=1, high=1000, integer=True):
        raise ValueError(
            f"tau = {tau:g} s is too long: at its highest speed the machine turns by {turn:.3g} rad in "
            "a period, which Runge-Kutta steps of more than 2.5 rad do not follow; raise substeps"
        )
    ratio = _ratio(task, options, tau)
    own = pm.PolynomialStatic(a=0.0, b=0.0, j_load=0.0)
    polynomial = load if isinstance(load, pm.PolynomialStatic) else own
    vehicle = load if isinstance(load, pm.Vehicle) else pm.Vehicle()
    if task.name == "drive_cycle" and not isinstance(load, pm.Vehicle):
        raise ValueError(f"a drive cycle needs a vehicle as its load, got {load!r}")
    speed_low, speed_high = _speeds(task, options, machine, load)
    window, start = _window(task, options)
    error_scale = task.error_scale or task.full_scale(machine, _lever(load))
    if options.error_scale is not None:
        error_scale = check_number("error_scale", options.error_scale, above=0.0)
    reference_range = machine.i_nominal if task.name == "current" else 0.6 * machine.omega_nominal
    if options.reference_range is not None:
        highest = 0.95 * machine.i_limit if task.name == "current" else machine.omega_limit
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
        "dead_time": _switch("dead_time", options.dead_time),
        "frame": pm.FRAMES.index(options.frame),
        "control": pm.CONTROLS.index(options.control),
        "task": pm.TASKS.index(task.name),
        "reference_kind": pm.REFERENCE_CYCLE if task.name == "drive_cycle" else pm.REFERENCE_STEPS,
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
        "noise_i_d": 0.0,
        "noise_i_q": 0.0,
    }
    values |= _reward(task, options, values)
    return values


def _ratio(task: Task, options: Options, tau: float) -> int:
    """Return the inverter periods per control period."""
    if options.control == "voltage":
        if options.control_period is not None:
            raise ValueError(
                "control_period is for control='torque'; a voltage command acts at tau"
            )
        return 1
    period = 1e-3 if options.control_period is None else options.control_period
    period = check_number("control_period", period, above=0.0)
    ratio = round(period / tau)
    if ratio > MOST_PERIODS:
        raise ValueError(
            f"control_period = {period:g} s holds {ratio} periods of tau = {tau:g} s; "
            f"at most {MOST_PERIODS} are allowed"
        )
    if ratio < 1 or abs(ratio * tau - period) > 1e-9 * period:
        raise ValueError(
            f"control_period must be a whole number of tau = {tau:g} s, got {period:g} s"
        )
    return ratio


def _preview_interval(options: Options, dt: float) -> float:
    interval = dt if options.preview_interval is None else options.preview_interval
    return check_number("preview_interval", interval, low=dt * (1 - 1e-9))


def _speeds(task: Task, options: Options, machine: pm.PMSM, load: pm.Load) -> tuple[float, float]:
    """Return the range from which a reset draws the speed."""
    if isinstance(load, pm.ConstantSpeed) and task.name == "speed":
        raise ValueError("speed control needs a shaft that turns: load='constant_speed' holds it")
    given = options.speed
    if task.name != "current":
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


def _window(task: Task, options: Options) -> tuple[float, float]:
    """Return length and start (-1: drawn) of the window of the drive cycle."""
    if task.name != "drive_cycle":
        return 0.0, 0.0
    total = float(drive_cycle()[-1, 0])
    window = total if options.window == "full" else options.window
    window = check_number("window (s, or 'full')", window, above=0.0, high=total)
    if options.start is None:
        return window, 0.0 if window == total else -1.0
    return window, check_number("start", options.start, low=0.0, high=total - window)


def _reward(task: Task, options: Options, values: Mapping[str, float]) -> dict[str, float]:
    """Return the weights of the reward terms and the penalty of a trip.

    The tracking terms are never negative. The default penalty exceeds all that effort, smoothness
    and loss could cost until the end, so that an early end never pays.
    """
    names = task.weights
    given = {} if options.weights is None else options.weights
    if not isinstance(given, Mapping):
        raise TypeError(
            f"weights must map reward terms ({', '.join(names)}) to numbers, got {given!r}"
        )
    check_keywords(given, names, f"weight of task {task.name!r}")
    weights = [
        check_number(f"weight {name!r}", given.get(name, default), low=0.0)
        for name, default in names.items()
    ]
    horizon = _horizon(task, options, values) or 2000
    costs = weights[2] + 4.0 * weights[3] + (weights[1] if task.name != "current" else 0.0)
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


def _signals(task: Task, options: Options) -> tuple[list[Signal], bool]:
    """Return the rows of the signal table (two references, then disturbances) and if there are references."""
    disturbances = read_disturbance(options.disturbance, dynamics.DISTURBANCES)
    names = tuple(task.tracked)
    references = [Signal(kind="none")] * 2
    given = options.reference
    if given is not None:
        if not isinstance(given, Mapping):
            if len(names) != 1:
                raise TypeError(
                    f"reference must map {names} to signals, got {type(given).__name__}"
                )
            given = {names[0]: given}
        check_keywords(given, names, f"reference of task {task.name!r}")
        for i, name in enumerate(names):
            references[i] = as_signal(given.get(name, 0.0), f"reference {name!r}")
    if given is None and not disturbances:
        return [], False
    return references + disturbances, given is not None


def _resolved(task: Task, options: Options, machine: pm.PMSM, load: pm.Load) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    resolved = {name: _plain(getattr(options, name)) for name in task.keywords}
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
