"""From keyword arguments to a setup: checks, parameters of a row, tables."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from typing import Any

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.family import Setup, Tracked
from gym_suite.core.keywords import read_mismatch
from gym_suite.core.options import OptionSet
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.signals import Signal, pack
from gym_suite.motors.controllers.field_oriented import (
    axis_plants,
    current_gains,
    current_law,
    sampled_delay,
)
from gym_suite.motors.controllers.laws import LAW, L
from gym_suite.motors.controllers.operating_points import max_torque, operating_points
from gym_suite.motors.dynamics import follow_angle
from gym_suite.motors.envs import columns
from gym_suite.motors.envs.choppers import read_choppers
from gym_suite.motors.envs.constraints import read_constraints, with_constraints
from gym_suite.motors.envs.cycles import build_cycle
from gym_suite.motors.envs.options import TASKS, Options, Task, action_names
from gym_suite.motors.envs.signals import check_reach, read_references, rows_of
from gym_suite.motors.envs.supplies import (
    link_columns,
    open_circuit_table,
    physical_numbers,
    read_supply,
    supply_numbers,
)
from gym_suite.motors.envs.switched import read_interlocking, read_modulation, read_switches
from gym_suite.motors.loads import load_coefficients
from gym_suite.motors.loops import KERNELS, modulated_kernels, switched_kernels
from gym_suite.motors.machines import (
    DC,
    KINDS,
    SATURATED,
    SYNCHRONOUS,
    Machine,
    build_machine,
)
from gym_suite.motors.machines.base import check_substeps
from gym_suite.motors.parameters import (
    LOADS,
    ConstantSpeed,
    Load,
    OrnsteinUhlenbeck,
    PolynomialStatic,
    SpeedProfile,
    Vehicle,
    build_load,
    lever_of,
    load_kind,
    loads_of,
    moves,
)
from gym_suite.motors.plant import plant_of
from gym_suite.motors.quantities import (
    CONTROLS,
    FRAMES,
    PARAMETERS,
    QUANTITIES,
    REFERENCE_CURRENTS,
    REFERENCE_CYCLE,
    REFERENCE_SIGNALS,
    REFERENCE_STEPS,
    REFERENCE_TORQUE,
    SIGNAL_SWITCHED,
    K,
)
from gym_suite.motors.references import REFERENCE_MARGIN, VOLTAGE_MARGIN
from gym_suite.motors.supplies import SUPPLIES, Supply, supply_kind
from gym_suite.motors.tiles import SCRATCH, TILE, TILED_KERNELS, is_plain

MOST_TURNS = 1000.0  # of a random position
SHORTEST = 1e-9  # s, of an inverter period; nothing switches faster
MOST_PERIODS = 10_000  # inverter periods in one control period
UNLIMITED_STEPS = 2000  # that a trip's penalty reckons with where an episode has no end of its own


def build_setup(
    id: str,
    kind: str,
    task_name: str,
    allowed: OptionSet[Options],
    options: Options,
    *,
    finite: bool = False,
) -> Setup:
    """Return the setup of an id for its options.

    Args:
        id: The environment's id.
        kind: The machine's.
        task_name: The task's.
        allowed: The options that the id takes.
        options: Their values.
        finite: Whether an action is a switching state of the converter.

    Raises:
        ValueError: For an unknown value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """
    usual = allowed.defaults["machine"]
    machine = build_machine(
        options.machine, default=usual if isinstance(usual, str) else kind, kind=kind
    )
    a, b, j_load = machine.friction
    load = build_load(
        options.load,
        default=TASKS[task_name].defaults["load"],
        j_rotor=machine.j_rotor,
        usual=PolynomialStatic(a=a, b=b, j_load=j_load),
    )
    supply = read_supply(options, machine)
    link = link_columns(supply)
    if options.load == TASKS[task_name].defaults["load"] and isinstance(load, PolynomialStatic):
        _tell_of_a_heavy_load(id, machine, load)
    task = TASKS[task_name].of(machine)
    if finite:
        task = replace(task, costs=tuple(name for name in task.costs if name != "effort"))
    torque_control = options.control == "torque"
    points = np.zeros((1, 1))
    if task.follows != "current" or machine.estimates:
        points = operating_points(machine, machine.current_margin)

    cycle = np.zeros((1, 2))
    if task.follows == "cycle":
        cycle = _driven_cycle(options, machine, load)
    values = _numbers(machine, load)
    physical = (*machine.circuit, "j_rotor", *_PHYSICAL_LOAD, *physical_numbers(supply))
    values |= _timing(task, options, machine, physical)
    values |= supply_numbers(supply, machine, values)
    if machine.group == DC:
        values |= read_choppers(options, machine)
    switches = read_switches(machine, values) if finite else None
    if finite:
        kernels = switched_kernels(machine.group, bool(link))
    else:
        modulated = read_modulation(options)
        kernels = modulated_kernels(machine.group, bool(link), modulated is not None)
        values["zero_sequence"] = modulated or 0.0
    if switches is not None:
        values |= {"interlocking": read_interlocking(options), "actions": switches.places}
    values |= _course(task, options, machine, load, cycle, values)
    weights = _weights(task, options)
    horizon = _horizon(task, options, values)
    values |= _costs(task, options, weights, horizon or UNLIMITED_STEPS)
    references, switched = read_references(task, options)
    if references:
        values["reference_kind"] = REFERENCE_SIGNALS

    scales = {name: getattr(machine, limit) for name, limit in machine.currents.items()}
    scales |= {"omega": machine.omega_limit, "v": lever_of(load) * machine.omega_limit}
    scales |= {"torque": values["torque_limit"], "position": 2.0 * values["reference_high"]}
    scales |= {name: getattr(machine, limit) for name, limit in machine.estimates.items()}
    limits = {name: scale for name, scale in scales.items() if name != "position" and scale > 0.0}
    if references:
        units = {name: QUANTITIES[machine.slot(name)].unit for name in task.tracked}
        check_reach(task, references, switched, limits, units)
    error_scale = task.error_scale
    if options.error_scale is not None:
        error_scale = check_number("error_scale", options.error_scale, above=0.0)
    errors = {name: error_scale or scales[name] for name in task.tracked}
    actions = Columns()
    if switches is None:
        actions = columns.action_columns(options, machine, values)
    last = switches.legs if switches else [(column, k) for k, column in enumerate(actions)]
    seen = columns.observed(task, options, machine, last, scales, errors)
    told = columns.metrics(task, options, machine, link)
    quantities = {column.name: name for column, name in told if not name.startswith("reward_")}
    constrained = read_constraints(options.constraints, quantities, limits)
    values |= {"observed": len(seen), "told": len(told), "tracked": len(task.tracked)}
    values["constrained"] = len(constrained)
    row = _row(values)
    observations = columns.observation_columns(
        seen, task, int(values["preview"]), values["preview_ticks"] * values["tau"]
    )
    measured = [n for n in (*machine.currents, "omega", *task.seen, "error") if n in observations]
    channels = ("torque_load", *machine.voltages)
    held = not moves(load)
    if held and "torque_load" in (options.disturbance or ()):
        raise ValueError(
            "disturbance 'torque_load' needs a shaft that turns freely: this load holds its speed"
        )
    disturbed = options.read(observations, measured, PARAMETERS, physical, channels)
    plant_row = row.copy()
    if disturbed.noise is not None and torque_control:
        for k, name in enumerate(machine.currents):
            sigma = disturbed.noise[observations.index(name)]
            plant_row[PARAMETERS.index(f"noise_{k}")] = sigma * scales[name]

    table = columns.task_table(seen, told, task, machine, weights, errors)
    table = with_constraints(table, constrained)
    place = SIGNAL_SWITCHED
    for k, among in enumerate(switched):
        table[k, K.switched], table[k, K.switched_first] = len(among.signals), place
        table[k, K.switched_ticks] = max(1, round(among.hold / values["tau"]))
        place += len(among.signals)
    dictated = [load.omega] if isinstance(load, SpeedProfile) else []
    inside = torque_control or machine.estimates
    law = _inner_law(machine, row, values) if inside else np.zeros((1, len(LAW)))
    flux = machine.flux_row()[None]
    plant, nominal = (
        (
            table,
            *pack(rows_of(references, dictated, signals, switched)),
            cycle,
            law,
            points,
            flux,
            open_circuit_table(supply),
        )
        for signals in (list(disturbed.signals), list[Signal]())
    )
    tiled = (
        machine.group == SYNCHRONOUS
        and kernels is KERNELS[SYNCHRONOUS]
        and is_plain(plant_row, len(plant[1]), len(disturbed.setup["mismatch"]) > 0)
    )
    return Setup(
        id=id,
        family="motors",
        kernels=TILED_KERNELS if tiled else kernels,
        dt=values["tau"] * values["ratio"],
        state_columns=columns.state_columns(
            task, machine, last, torque_control, len(switches.choices) if switches else 0, link
        ),
        action_columns=actions,
        observation_columns=observations,
        metric_columns=columns.columns_of(told),
        terms=columns.terms(task, machine, weights, switched=finite),
        parameter_columns=columns.parameter_columns(machine, load, supply),
        row=row,
        plant_row=plant_row,
        tables=plant,
        nominal_tables=nominal,
        plant_parameters=physical,
        measured=tuple(measured),
        tracking=tuple(
            Tracked(name, f"{name}_ref", scales[name], quantity.unit, quantity.meaning)
            for name in task.tracked
            for quantity in (QUANTITIES[machine.slot(name)],)
        ),
        effort=("torque_ref",) if torque_control else tuple(machine.voltages),
        effort_scale=(values["torque_limit"],)
        if torque_control
        else tuple(columns.voltage_scales(machine).values()),
        violation="violation",
        disturbances=channels[held:],
        follow=follow_angle,
        horizon=horizon,
        actions=switches.actions if switches else None,
        echo=switches.shown if switches else (),
        idle_action=switches.idle if switches else np.zeros(len(actions)),
        work_size=len(SCRATCH) if tiled else len(QUANTITIES),
        work_rows=TILE if tiled else 1,
        plant=plant_of(machine),
        renderer="gym_suite.motors.render:MotorRenderer",
        keywords=_resolved(allowed, options, machine, load, supply),
        **disturbed.setup,
    )


# ------------------------------------------------------------------------------------ pieces of a setup


def _tell_of_a_heavy_load(id: str, machine: Machine, load: PolynomialStatic) -> None:
    """Warn where the load that nobody has chosen takes more torque at nominal speed than the machine has at all."""
    speed = machine.omega_nominal
    taken = load.a + load.b * speed + load.c * speed**2
    most = max_torque(machine, 1.0)
    if taken > most:
        warnings.warn(
            f"{id}: the default load takes {taken:.3g} N m at the nominal speed of {speed:.4g} rad/s and the machine "
            f"gives at most {most:.3g} N m, so it will not get there; give a load, such as load={{'a': 0.0, 'b': 0.0}}",
            UserWarning,
            stacklevel=2,
        )


#: Parameters of the loads that ``mismatch=`` may touch.
_PHYSICAL_LOAD = ("a", "b", "c", "j_load", "mass", "c_r", "c_d", "area")


def _row(values: Mapping[str, Any]) -> np.ndarray:
    """Return the parameter row of numbers by name, 0 for those that are not given."""
    return np.array([values.get(name, 0.0) for name in PARAMETERS.names], dtype=np.float64)


def _numbers(machine: Machine, load: Load) -> dict[str, Any]:
    """Return the parameters of machine and load by name."""
    values: dict[str, Any] = machine.numbers()
    values["machine"] = list(KINDS.values()).index(type(machine))
    for part in loads_of(load):
        values |= asdict(part)
    return values | {"load_kind": load_kind(load)}


def _switch(name: str, value: object) -> float:
    """Return 1 or 0 for True or False, which JSON and NumPy may also give as numbers."""
    if not isinstance(value, bool | int | float | np.bool_) or value not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return float(value)


def _timing(task: Task, options: Options, machine: Any, physical: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of converter, periods and action."""
    control = check_option("control", options.control, CONTROLS)
    frame = check_option("frame", options.frame, FRAMES)
    if control == "torque" and frame != "dq":
        raise ValueError("frame is for control='voltage'; a torque command has none")
    tau = check_number("tau", options.tau, low=SHORTEST)
    substeps = check_substeps(
        machine, tau, options.substeps, spread=_spread(options.mismatch, physical)
    )
    ratio = _ratio(task, options, tau)
    interval = tau * ratio if options.preview_interval is None else options.preview_interval
    interval = check_number("preview_interval", interval, low=tau * ratio * (1 - 1e-9))
    return {
        "tau": tau,
        "ratio": ratio,
        "substeps": substeps,
        "dead_time": _switch("dead_time", options.dead_time),
        "frame": FRAMES.index(frame),
        "control": CONTROLS.index(control),
        "actions": len(action_names(options, machine)),
        "torque_limit": 0.0
        if task.follows == "current"
        else max_torque(machine, machine.current_margin),
        "preview": check_number("preview", options.preview, low=0, high=1000, integer=True),
        "preview_ticks": round(interval / tau),
    }


def _spread(mismatch: object, physical: Sequence[str]) -> float:
    """Return by how much a plant's time constants L / R may be shorter than nominal."""
    spread = 1.0
    drawn = read_mismatch(mismatch, PARAMETERS, physical)
    for begins, bound in (
        ("r_", drawn[:, 2]),
        ("l_", 1.0 / drawn[:, 1]),
        ("iron_", 1.0 / drawn[:, 1]),
        ("flux_", 1.0 / drawn[:, 1]),
    ):
        own = [PARAMETERS.names[int(k)].startswith(begins) for k in drawn[:, 0]]
        spread *= max(bound[own], default=1.0)
    return spread


def _ratio(task: Task, options: Options, tau: float) -> int:
    """Return the inverter periods per control period."""
    if options.control == "voltage":
        if options.control_period is not None:
            raise ValueError(
                "control_period is for control='torque'; a voltage command acts at tau"
            )
        return 1
    period = options.control_period
    if period is None:
        period = 1e-2 if task.follows == "cycle" else 1e-3
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


_REFERENCE_KINDS = {
    "current": REFERENCE_CURRENTS,
    "torque": REFERENCE_TORQUE,
    "speed": REFERENCE_STEPS,
    "position": REFERENCE_STEPS,
    "cycle": REFERENCE_CYCLE,
}


def _driven_cycle(options: Options, machine: Machine, load: Load) -> np.ndarray:
    """Return the table of the driving cycle."""
    if not isinstance(load, Vehicle):
        raise ValueError(f"a drive cycle needs a vehicle as its load, got {load!r}")
    return build_cycle(options.cycle, machine, load)


def _course(
    task: Task,
    options: Options,
    machine: Machine,
    load: Load,
    cycle: np.ndarray,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the parameters of references and of the start of an episode."""
    chopped = values.get("quadrants_a", 4) < 4
    speed_low, speed_high = _speeds(task, options, machine, load, chopped)
    if speed_low < 0.0 and chopped:
        raise ValueError(
            f"a speed of {speed_low:g} rad/s needs negative voltages, which a chopper of "
            f"{values['quadrants_a']} quadrants does not give; take converter='4QC' or a speed from 0"
        )
    window, start = _window(task, options, cycle)
    # What random references may reach, and do by default.
    hold = check_number("reference_hold", options.reference_hold, above=0.0)
    usual, highest = machine.speeds()
    usual = min(0.6 * machine.omega_nominal, usual)
    if task.follows == "current":
        highest, usual = REFERENCE_MARGIN * machine.i_limit, machine.i_nominal
    elif task.follows == "torque":
        highest = values["torque_limit"]
        usual = max_torque(
            machine, min(machine.current_margin, machine.i_nominal / machine.i_limit)
        )
    elif task.follows == "speed":
        # From one end to the other within the time for which a reference holds.
        inertia = load_coefficients(_row(values))[3]
        usual = min(usual, 0.5 * hold * values["torque_limit"] / inertia)
    elif task.follows == "position":
        # From standstill within half the time for which a reference holds, speeding up and braking.
        inertia = load_coefficients(_row(values))[3]
        usual = 0.5 * values["torque_limit"] / inertia * (0.25 * hold) ** 2
        highest = MOST_TURNS * math.tau
    if options.reference_range is not None:
        usual = check_number("reference_range", options.reference_range, above=0.0, high=highest)
    one_way = chopped and task.follows in ("speed", "position")
    both = task.follows == "current" or (machine.reversible and not one_way)
    if task.follows == "position" and not both:
        raise ValueError(
            f"position control turns the shaft back: it needs a torque of either sign and choppers of four quadrants, "
            f"got a {machine.words} with converter={options.converter!r}"
        )
    return {
        "reference_kind": _REFERENCE_KINDS[task.follows],
        "reference_ticks": max(1, round(hold / options.tau)),
        "reference_low": -usual if both else 0.0,
        "reference_high": usual,
        "speed_low": speed_low,
        "speed_high": speed_high,
        "caught": _is_caught(machine, max(abs(speed_low), abs(speed_high)), values),
        "window": window,
        "window_start": start,
    }


def _is_caught(machine: Any, omega: float, values: Mapping[str, Any]) -> bool:
    """Return whether a first period without voltage would drive the currents beyond half their limit."""
    if machine.group not in (SYNCHRONOUS, SATURATED) or not values["dead_time"]:
        return False
    induced = machine.pairs * omega * getattr(machine, "psi_p", 0.0)
    return bool(induced * values["tau"] / min(machine.l_d, machine.l_q) > 0.5 * machine.i_limit)


def _speeds(
    task: Task, options: Options, machine: Any, load: Load, one_way: bool
) -> tuple[float, float]:
    """Return the range from which a reset draws the speed, or within which a load dictates it."""
    if not moves(load) and task.follows in ("speed", "position"):
        kind = list(LOADS)[load_kind(load)]
        raise ValueError(
            f"{task.name} control needs a shaft that turns freely: load={kind!r} holds it"
        )
    given = options.speed
    usual, limit = machine.speeds()
    if "speed" in task.without:
        return 0.0, 0.0
    if isinstance(load, SpeedProfile | OrnsteinUhlenbeck):
        if given is not None:
            raise ValueError("give the speed once: speed= or a load that dictates it, not both")
        return 0.0 if one_way else -limit, limit
    if isinstance(load, ConstantSpeed) and load.omega is not None:
        if given is not None:
            raise ValueError("give the speed once: speed= or the load's omega, not both")
        given = load.omega
    if given is None:
        return 0.0, usual
    numbers: Any = given
    pair = tuple(numbers) if np.ndim(numbers) == 1 else (numbers, numbers)
    if len(pair) != 2:
        raise ValueError(f"speed takes a number or (lowest, highest), got {given!r}")
    low, high = (check_number("speed", s, low=-limit, high=limit) for s in pair)
    if low > high:
        raise ValueError(f"speed: lowest {low:g} is above highest {high:g}")
    return low, high


def _window(task: Task, options: Options, cycle: np.ndarray) -> tuple[float, float]:
    """Return length and start (-1: drawn) of the window of the drive cycle."""
    if task.follows != "cycle":
        return 0.0, 0.0
    total = float(cycle[-1, 0])
    window = total if options.window == "full" else options.window
    window = check_number("window (s, or 'full')", window, above=0.0, high=total)
    if options.start is None:
        return window, 0.0 if window == total else -1.0
    return window, check_number("start", options.start, low=0.0, high=total - window)


def _horizon(task: Task, options: Options, values: Mapping[str, float]) -> int | None:
    length = values["window"]
    if task.follows != "cycle":
        if options.duration is None:
            return None
        length = check_number("duration", options.duration, above=0.0, high=1e6)
    return max(1, round(length / (values["tau"] * values["ratio"])))


def _weights(task: Task, options: Options) -> dict[str, float]:
    """Return the weights of the reward terms but that of a trip."""
    names = task.weights
    given = {} if options.weights is None else options.weights
    if not isinstance(given, Mapping):
        raise TypeError(
            f"weights must map reward terms ({', '.join(names)}) to numbers, got {given!r}"
        )
    check_keywords(given, names, f"weight of task {task.name!r}")
    return {
        name: check_number(f"weight {name!r}", given.get(name, default), low=0.0)
        for name, default in names.items()
    }


def _costs(
    task: Task, options: Options, weights: Mapping[str, float], horizon: int
) -> dict[str, float]:
    """Return the parameters of what lowers the reward, and of the errors' exponent.

    The tracking terms are never negative. The default penalty exceeds all that effort, smoothness
    and loss could cost until the end, so that an early end never pays.
    """
    # The change of an action within [-1, 1] is at most 2, its square 4.
    largest = {"loss": 1.0, "effort": 1.0, "smoothness": 4.0}
    costs = horizon * sum(largest[name] * weights[name] for name in task.costs)
    penalty = 1.0 + costs
    if options.penalty_trip is not None:
        penalty = check_number("penalty_trip", options.penalty_trip, low=0.0)
        if penalty < costs:
            raise ValueError(
                f"penalty_trip = {penalty:g} would make an early end attractive: effort, smoothness "
                f"and loss can cost {costs:g} until the end of the episode"
            )
    exponent = check_number("error_exponent", options.error_exponent, above=0.0, high=10.0)
    own = {f"weight_{name}": weights[name] for name in task.costs}
    return {"error_exponent": exponent, "penalty_trip": penalty} | own


def _inner_law(machine: Machine, row: np.ndarray, values: Mapping[str, Any]) -> np.ndarray:
    """Return the law of the drive's own current controller under torque commands, one row."""
    delay = sampled_delay(values)
    gains = [current_gains(*plant, delay) for plant in axis_plants(machine)]
    law = current_law(row, gains, machine)
    law[L.u_max] = VOLTAGE_MARGIN * values["u_dc"] / machine.voltage_divisor
    law[L.i_max] = machine.current_margin * machine.i_limit
    return law[None]


def _resolved(
    allowed: OptionSet[Options], options: Options, machine: Any, load: Load, supply: Supply
) -> dict[str, Any]:
    """Return the keyword arguments in a form that JSON can hold and that gives the same setup."""
    resolved = {name: _plain(value) for name, value in allowed.as_given(options).items()}
    resolved["machine"] = asdict(machine)
    resolved["load"] = {"kind": list(LOADS)[load_kind(load)]} | asdict(load)
    resolved["supply"] = {"kind": list(SUPPLIES)[supply_kind(supply)]} | asdict(supply)
    return resolved


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
