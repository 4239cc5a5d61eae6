"""What the numbers of a row are called for a machine and a task: columns, and the tables that kernels gather by.

Each list of columns is written once, as pairs of a column and the quantity that it shows, so that what is said of an
observation or a metric and what a kernel puts there cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from gym_suite.core.columns import Column, Columns, Term
from gym_suite.motors.envs.options import Options, Task, action_names
from gym_suite.motors.machines import Machine, machine_source
from gym_suite.motors.parameters import Load, TwoMass, usual_two_mass
from gym_suite.motors.quantities import PARAMETERS, QUANTITIES, STATES, TASK, K
from gym_suite.motors.supplies import SUPPLIES, Supply, supply_kind, usual_supply
from gym_suite.motors.tasks import OBSERVATION_BOUND
from gym_suite.motors.transforms import SQRT3

#: Currents of a stator as its phases carry them.
STATOR_CURRENTS = ("i_salpha", "i_sbeta")

#: A column, and the quantity that stands in it.
Shown = tuple[Column, str]


def columns_of(shown: Iterable[Shown]) -> Columns:
    """Return the columns alone."""
    return Columns(*(column for column, _ in shown))


def _quantity(name: str, quantity: str = "", **about: object) -> Shown:
    """Return a quantity under a name, which is its own one by default."""
    column = QUANTITIES[quantity or name]
    changed: Any = about
    return replace(column, name=name, **changed), column.name


# ------------------------------------------------------------------------------------------------------------- action


def action_columns(options: Options, machine: Machine, values: Mapping[str, float]) -> Columns:
    """Return the columns of one action: normalised, with the SI value of 1 as scale."""
    names = action_names(options, machine)
    if options.control == "torque":
        column = Column(
            names[0], "N m", -1, 1, "torque command", scale=float(values["torque_limit"])
        )
        return Columns(column)
    scales = dict.fromkeys(names, 0.5 * values["u_dc"])
    scales |= {f"action_{axis}": scale for axis, scale in voltage_scales(machine).items()}
    return Columns(
        *(
            Column(n, "V", -1, 1, f"{n.removeprefix('action_')} voltage command", scale=scales[n])
            for n in names
        )
    )


def voltage_scales(machine: Machine) -> dict[str, float]:
    """Return the voltage that an action of 1 commands on each axis, V."""
    whole = dict.fromkeys("aeu", machine.u_dc)
    return {axis: whole.get(axis, machine.u_dc / SQRT3) for axis in machine.voltages.values()}


# -------------------------------------------------------------------------------------------------------- observation


def observed_currents(task: Task, machine: Machine) -> tuple[str, ...]:
    """Return the names of the currents that are observed: without an angle those of the stator's frame."""
    return STATOR_CURRENTS if task.sensorless else tuple(machine.currents)


def observed(
    task: Task,
    options: Options,
    machine: Machine,
    last: Iterable[tuple[Column, int]],
    scales: Mapping[str, float],
    errors: Mapping[str, float],
    neutral: Sequence[str] = (),
) -> list[Shown]:
    """Return what is observed now, the references last; a preview repeats those.

    Args:
        task: The task.
        options: The keyword arguments.
        machine: The machine.
        last: What is shown of the last action, with the places that the state keeps it in.
        scales: Full scale of each quantity that is a column of its own.
        errors: Error that earns nothing, of each tracked quantity.
        neutral: What is observed of a neutral point.
    """
    bounds: dict[str, Any] = {"low": -OBSERVATION_BOUND, "high": OBSERVATION_BOUND}
    shown = [
        _quantity(name, machine.slot(name), scale=scales[name], **bounds)
        for name in (*observed_currents(task, machine), *(() if task.sensorless else ("omega",)))
    ]
    shown += [_quantity(name, scale=scales[name], **bounds) for name in machine.estimates]
    if options.control == "voltage" and not task.sensorless:
        shown += [_quantity(name) for name in machine.direction]
    shown += [
        _quantity(f"last_{action.name}", f"action_{k}", unit=action.unit, scale=action.scale)
        for action, k in last
    ]
    shown += [_quantity(name, scale=scales[name], **bounds) for name in (*neutral, *task.seen)]
    if task.shows_error:
        name = task.tracked[0]
        unit = QUANTITIES[machine.slot(name)].unit
        shown.append(_quantity("error", "error_0", unit=unit, scale=errors[name], **bounds))
    shown += [
        _quantity(
            f"{name}_ref",
            f"reference_{k}",
            unit=QUANTITIES[machine.slot(name)].unit,
            meaning="reference",
            scale=scales[name],
            **bounds,
        )
        for k, name in enumerate(task.tracked)
    ]
    return shown


def observation_columns(
    shown: list[Shown], task: Task, preview: int, preview_interval: float
) -> Columns:
    """Return the columns of one observation, those of a preview among them."""
    columns = [column for column, _ in shown]
    present = columns[len(columns) - len(task.tracked) :]
    for k in range(1, preview + 1):
        ahead = f"reference {k * preview_interval:g} s ahead"
        columns += [replace(c, name=f"{c.name}_{k}", meaning=ahead) for c in present]
    return Columns(*columns)


# ------------------------------------------------------------------------------------------------------------- metrics


def terms(
    task: Task, machine: Machine, weights: Mapping[str, float], *, switched: bool = False
) -> tuple[Term, ...]:
    """Return the reward terms with their formulas and weights, in the order of ``info``."""
    changing = "positions of the converter's legs" if switched else "action's elements"
    formulas = {
        "loss": f"-weight * {machine.loss}",
        "effort": "-weight * mean square of the action's elements",
        "smoothness": f"-weight * mean square of the change of the {changing}",
    }
    earned = "weight * (1 - min(abs({0}_ref - {0}) / error_scale, 1)^error_exponent)"
    told = [
        Term(f"reward_{name}", earned.format(name), weights[name], low=0.0) for name in task.tracked
    ]
    told += [Term(f"reward_{name}", formulas[name], weights[name], high=0.0) for name in task.costs]
    trip = Term("reward_trip", "-penalty_trip in the step that trips, else 0", high=0.0)
    return (*told, trip)


def command_of(task: Task) -> str:
    """Return the name of a torque command among the metrics, in which a demanded torque is `torque_ref`."""
    return "torque_command" if "torque" in task.tracked else "torque_ref"


def metrics(
    task: Task, options: Options, machine: Machine, link: Sequence[str] = ()
) -> list[Shown]:
    """Return what ``info`` tells: the weighted reward terms, what every task has, then the task's own.

    Args:
        task: The task.
        options: The keyword arguments.
        machine: The machine.
        link: What is told of the DC link, of losses and of heat.
    """
    shown = [
        _quantity(f"reward_{name}", f"earned_{k}", meaning=f"tracking of {name}")
        for k, name in enumerate(task.tracked)
    ]
    shown += [_quantity(f"reward_{name}") for name in (*task.costs, "trip")]
    common = ("omega", *machine.currents, *machine.angles, "torque", "torque_load")
    common = (*common, *machine.voltages, *machine.estimates)
    shown += [_quantity(name, machine.slot(name)) for name in (*common, "violation", "clipped")]
    shown += [
        _quantity(f"{name}_ref", f"reference_{k}", unit=QUANTITIES[machine.slot(name)].unit)
        for k, name in enumerate(task.tracked)
    ]
    shown += [_quantity(name) for name in link]
    told = {column.name for column, _ in shown}
    shown += [_quantity(name) for name in task.tracked if name not in told]
    if options.control == "torque":
        shown.append(_quantity(command_of(task), "torque_command"))
        shown += [
            _quantity(
                f"{name}_ref",
                f"command_{k}",
                meaning=f"reference of the inner {name[-1]} controller",
            )
            for k, name in enumerate(machine.followed)
        ]
    return shown


def task_table(
    seen: Sequence[Shown],
    told: Sequence[Shown],
    task: Task,
    machine: Machine,
    weights: Mapping[str, float],
    errors: Mapping[str, float],
) -> np.ndarray:
    """Return what kernels read of a task, columns of ``TASK``.

    Args:
        seen: What is observed now.
        told: The metrics.
        task: The task.
        machine: The machine.
        weights: Of the reward terms.
        errors: Error that earns nothing, of each tracked quantity.
    """
    table = np.zeros((max(len(seen), len(told)), len(TASK)))
    for row, (column, quantity) in zip(table, seen, strict=False):
        row[K.observed] = QUANTITIES.index(quantity)
        # The last action is in q as it was given: normalised.
        row[K.observed_factor] = 1.0 if quantity.startswith("action_") else 1.0 / column.scale
        row[K.observed_bound] = min(column.high, OBSERVATION_BOUND)
    for row, (_, quantity) in zip(table, told, strict=False):
        row[K.told] = QUANTITIES.index(quantity)
    for row, name in zip(table, task.tracked, strict=False):
        row[K.tracked] = QUANTITIES.index(machine.slot(name))
        row[K.tracked_factor], row[K.tracked_weight] = 1.0 / errors[name], weights[name]
    return table


# ------------------------------------------------------------------------------------------------- state and parameters


def state_columns(
    task: Task,
    machine: Machine,
    last: Iterable[tuple[Column, int]],
    torque_control: bool,
    parts: int = 0,
    link: Sequence[str] = (),
    pulsing: int = 0,
) -> Columns:
    """Return the columns of the state under the names that they have for a machine and task.

    What neither uses is marked as spare. A current outside a flux map is out of bounds.

    Args:
        task: The task.
        machine: The machine.
        last: What the state keeps of the last action, with its places.
        torque_control: Whether the drive controls currents itself.
        parts: Of a switched converter, 0 for an averaged one.
        link: What the state keeps of the DC link, and whatever is further in the drive.
        pulsing: Legs whose duty cycles it keeps.
    """
    own = (*machine.states, *machine.voltages)
    if machine.estimates:
        own = (*own, "flux_alpha", "flux_beta")
    angle = ("epsilon",) if machine.direction else ()
    common = ("omega", *angle, "position", *own, "torque_load", "change", "clipped", "tripped")
    names = {machine.slot(name): name for name in common}
    if not parts:
        names |= {f"held_{k}": name for k, name in enumerate(machine.held)}
    names |= {
        f"{name}_{k}": f"{name}_{k}" for k in range(parts) for name in ("waiting", "switched")
    }
    names |= {f"action_{k}": f"action_{k}" for _, k in last}
    names |= {f"reference_{k}": f"{name}_ref" for k, name in enumerate(task.tracked)}
    if torque_control:
        names |= {f"command_{k}": f"{name}_command" for k, name in enumerate(machine.followed)}
        names |= {f"integral_{k}": f"{name}_integral" for k, name in enumerate(machine.followed)}
    names |= {name: name for name in link}
    names |= {f"duty_{k}": f"duty_{k}" for k in range(pulsing)}
    if task.follows == "cycle":
        names["start"] = "start"
    known = machine.known_currents()
    columns = []
    for column in STATES:
        name = names.get(column.name, "")
        low, high = known.get(name, (column.low, column.high))
        columns.append(
            replace(column, name=name or column.name, spare=not name, low=low, high=high)
        )
    return Columns(*columns)


def parameter_columns(
    machine: Machine, load: Load, supply: Supply, own: Mapping[str, str]
) -> Columns:
    """Return the parameter columns with the meanings and sources of the numbers of this machine, load and supply.

    Args:
        machine: The machine.
        load: The load.
        supply: The supply.
        own: Sources of further numbers, by name.
    """
    of_machine = Columns.of(type(machine))
    usual: dict[str, Any] = dict(zip(("a", "b", "j_load"), machine.friction, strict=True))
    if isinstance(load, TwoMass):
        rotor = machine.numbers()["j_rotor"]
        usual = asdict(usual_two_mass(rotor, load, load.j_load)) | usual | {"j_load": rotor}
    sources = {
        f.name: f.metadata.get("source", "")
        if getattr(load, f.name) == usual.get(f.name, f.default)
        else "user"
        for f in fields(load)
        if f.metadata
    }
    designed = usual_supply(list(SUPPLIES)[supply_kind(supply)], machine.u_dc, machine.i_limit)
    sources |= {
        f.name: f.metadata.get("source", "")
        if getattr(supply, f.name) == getattr(designed, f.name)
        else "user"
        for f in fields(supply)
        if f.metadata
    }
    sources |= own
    columns = []
    for column in PARAMETERS:
        if column.name in of_machine:
            source = machine_source(machine, column.name)
            columns.append(replace(of_machine[column.name], source=source))
        else:
            columns.append(replace(column, source=sources.get(column.name, "")))
    return Columns(*columns)


def parameter_row(values: Mapping[str, Any]) -> np.ndarray:
    """Return the parameter row of numbers by name, 0 for those that are not given."""
    return np.array([values.get(name, 0.0) for name in PARAMETERS.names], dtype=np.float64)
