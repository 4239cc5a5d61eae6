"""From keyword arguments to a setup: checks, parameters of a row, tables."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from typing import Any

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.family import Setup
from gym_suite.core.marks import Tracked
from gym_suite.core.options import OptionSet
from gym_suite.core.parameters import check_number
from gym_suite.core.signals import Signal, pack
from gym_suite.motors.cascade_tiles import (
    CASCADE_KERNELS,
    WORK_ROWS,
    WORK_SIZE,
    is_cascaded,
)
from gym_suite.motors.controllers.field_oriented import (
    axis_plants,
    current_gains,
    current_law,
    sampled_delay,
)
from gym_suite.motors.controllers.laws import LAW, L
from gym_suite.motors.controllers.operating_points import max_torque, operating_points
from gym_suite.motors.envs import columns
from gym_suite.motors.envs.choppers import read_choppers
from gym_suite.motors.envs.constraints import read_constraints, with_constraints
from gym_suite.motors.envs.course import course, driven_cycle, horizon_of
from gym_suite.motors.envs.dissipation import check_heat, read_dissipation
from gym_suite.motors.envs.modulation import read_modulation
from gym_suite.motors.envs.options import TASKS, Options
from gym_suite.motors.envs.physics import read_physics
from gym_suite.motors.envs.reach import check_drawn, check_held, check_reach, check_together
from gym_suite.motors.envs.rewards import costs_of, weights_of
from gym_suite.motors.envs.sensors import (
    check_sensorless,
    ideal_sensors,
    plain_sensors,
    read_sensors,
)
from gym_suite.motors.envs.signals import read_references, rows_of
from gym_suite.motors.envs.supplies import (
    link_columns,
    open_circuit_table,
    physical_numbers,
    read_supply,
    supply_numbers,
)
from gym_suite.motors.envs.timing import timing
from gym_suite.motors.loops import KERNELS
from gym_suite.motors.machines import (
    DC,
    KINDS,
    SYNCHRONOUS,
    Machine,
    build_machine,
)
from gym_suite.motors.machines.saturated import tell_of_one_side
from gym_suite.motors.parameters import (
    LOADS,
    Load,
    PolynomialStatic,
    SpeedProfile,
    TwoMass,
    build_load,
    lever_of,
    load_kind,
    loads_of,
    moves,
)
from gym_suite.motors.passes import SENSING_SIZE, sensed_kernels
from gym_suite.motors.plant import plant_of
from gym_suite.motors.quantities import (
    PARAMETERS,
    QUANTITIES,
    REFERENCE_SIGNALS,
    ROW_LENGTHS,
    SENSORS,
    SIGNAL_SWITCHED,
    K,
)
from gym_suite.motors.references import VOLTAGE_MARGIN
from gym_suite.motors.supplies import SUPPLIES, Supply, supply_kind
from gym_suite.motors.tiles import SCRATCH, TILE, TILED_KERNELS, is_plain

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
    tell_of_one_side(machine)
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
        cycle = driven_cycle(options, machine, load)
    values = _numbers(machine, load)
    modulation = None if finite else read_modulation(options, machine)
    dissipation = read_dissipation(
        options,
        machine,
        fed=bool(link),
        shaped=modulation is not None and modulation.shaped,
        flexible=isinstance(load, TwoMass),
    )
    lost = dissipation.physical if dissipation else ()
    check_heat(task, dissipation)
    shaken = _PHYSICAL_SHAFT if isinstance(load, TwoMass) else ()
    physical = (*machine.circuit, "j_rotor", *_PHYSICAL_LOAD, *physical_numbers(supply))
    physical = (*physical, *shaken, *lost)
    values |= timing(task, options, machine, physical)
    values |= supply_numbers(supply, machine, values)
    if dissipation:
        values |= dissipation.numbers(machine, values)
    if machine.group == DC:
        values |= read_choppers(options, machine)
    sensors = read_sensors(options.sensors, machine, shaft=not task.sensorless)
    if task.sensorless:
        check_sensorless(options, machine)
    encoder = bool(np.any(sensors[:, SENSORS.index("encoder_lines")]))
    physics = read_physics(
        options, task, machine, load, link, modulation, dissipation, encoder, values
    )
    kernels, switches = physics.kernels, physics.switches
    values |= course(task, options, machine, load, cycle, values)
    weights = weights_of(task, options)
    horizon = horizon_of(task, options, values)
    values |= costs_of(task, options, weights, horizon or UNLIMITED_STEPS)
    references, switched = read_references(task, options)
    if references:
        values["reference_kind"] = REFERENCE_SIGNALS

    scales = {name: getattr(machine, limit) for name, limit in machine.currents.items()}
    if task.sensorless:
        scales |= dict.fromkeys(columns.STATOR_CURRENTS, machine.i_limit)
    scales |= {"omega": machine.omega_limit, "v": lever_of(load) * machine.omega_limit}
    scales["omega_load"] = machine.omega_limit
    scales |= {"torque": values["torque_limit"], "position": 2.0 * values["reference_high"]}
    scales |= {name: getattr(machine, limit) for name, limit in machine.estimates.items()}
    scales |= physics.scales
    limits = {name: scale for name, scale in scales.items() if name != "position" and scale > 0.0}
    if dissipation:
        limits |= dissipation.limits
        scales |= dissipation.scales
    error_scale = task.error_scale
    if options.error_scale is not None:
        error_scale = check_number("error_scale", options.error_scale, above=0.0)
    errors = {name: error_scale or scales[name] for name in task.tracked}
    actions = Columns()
    if switches is None:
        actions = columns.action_columns(options, machine, values)
    last = switches.legs if switches else [(column, k) for k, column in enumerate(actions)]
    seen = columns.observed(task, options, machine, last, scales, errors, physics.observed)
    told = columns.metrics(task, options, machine, physics.told)
    quantities = {column.name: name for column, name in told if not name.startswith("reward_")}
    constrained = read_constraints(options.constraints, quantities, limits)
    values |= {"observed": len(seen), "told": len(told), "tracked": len(task.tracked)}
    values["constrained"] = len(constrained)
    row = columns.parameter_row(values)
    if references:
        units = {name: QUANTITIES[machine.slot(name)].unit for name in task.tracked}
        check_reach(task, references, switched, limits, units)
        check_together(task, references, switched, machine)
        fastest = machine.speeds()[1]
        speeds = (values["speed_low"], values["speed_high"])
        speeds = (-fastest, fastest) if moves(load) else speeds
        check_held(task, references, switched, machine, row, speeds)
    elif task.follows == "current":
        check_drawn(machine, values["reference_high"])
    observations = columns.observation_columns(
        seen, task, int(values["preview"]), values["preview_ticks"] * values["tau"]
    )
    measured = [
        name
        for name in (
            *columns.observed_currents(task, machine),
            "omega",
            *physics.observed,
            *task.seen,
            "error",
        )
        if name in observations
    ]
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
            shown,
        )
        for signals, shown in (
            (list(disturbed.signals), sensors),
            (list[Signal](), ideal_sensors(shaft=not task.sensorless)),
        )
    )
    tiled = kernels is KERNELS[SYNCHRONOUS] and is_plain(
        plant_row, len(plant[1]), len(disturbed.setup["mismatch"]) > 0
    )
    cascaded = kernels is KERNELS[SYNCHRONOUS] and is_cascaded(plant_row)
    spare = kernels is KERNELS[SYNCHRONOUS] and not len(sensors)
    work_size, work_rows = len(QUANTITIES), 1
    if len(sensors):
        kernels, work_size = sensed_kernels(kernels, machine.group), SENSING_SIZE
    elif tiled:
        kernels, work_size, work_rows = TILED_KERNELS, len(SCRATCH), TILE
    elif cascaded:
        kernels, work_size, work_rows = CASCADE_KERNELS, WORK_SIZE, WORK_ROWS
    states = columns.state_columns(
        task,
        machine,
        last,
        torque_control,
        len(switches.choices) if switches else 0,
        physics.kept,
        physics.pulsing,
    )
    if spare:
        # Many worlds are as fast as the memory that their rows take: what is never used is left out.
        used = 1 + max(k for k, column in enumerate(states) if not column.spare)
        length = next((most for most in ROW_LENGTHS if used <= most), len(states))
        states = Columns(*tuple(states)[:length])
    return Setup(
        id=id,
        family="motors",
        kernels=kernels,
        dt=values["tau"] * values["ratio"],
        state_columns=dissipation.bounded(states) if dissipation else states,
        action_columns=actions,
        observation_columns=observations,
        metric_columns=columns.columns_of(told),
        terms=columns.terms(task, machine, weights, switched=finite),
        parameter_columns=columns.parameter_columns(
            machine, load, supply, dissipation.sources(machine) if dissipation else {}
        ),
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
        effort=(columns.command_of(task),) if torque_control else tuple(machine.voltages),
        effort_scale=(values["torque_limit"],)
        if torque_control
        else tuple(columns.voltage_scales(machine).values()),
        violation="violation",
        disturbances=channels[held:],
        follow=physics.follow,
        horizon=horizon,
        totals=dissipation.totals if dissipation and task.overloads else (),
        actions=switches.actions if switches else None,
        echo=switches.shown if switches else (),
        idle_action=switches.idle if switches else np.zeros(len(actions)),
        work_size=work_size,
        work_rows=work_rows,
        plant=plant_of(machine),
        renderer="gym_suite.motors.render:MotorRenderer",
        keywords=_resolved(allowed, options, machine, load, supply)
        | (dissipation.resolved if dissipation else {}),
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
#: Those of a load behind an elastic shaft, besides.
_PHYSICAL_SHAFT = ("stiffness", "damping", "backlash")


def _numbers(machine: Machine, load: Load) -> dict[str, Any]:
    """Return the parameters of machine and load by name."""
    values: dict[str, Any] = machine.numbers()
    values["machine"] = list(KINDS.values()).index(type(machine))
    for part in loads_of(load):
        values |= asdict(part)
    return values | {"load_kind": load_kind(load)}


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
    resolved["sensors"] = plain_sensors(options.sensors)
    resolved["supply"] = {"kind": list(SUPPLIES)[supply_kind(supply)]} | asdict(supply)
    return resolved


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
