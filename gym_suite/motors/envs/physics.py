"""What moves a drive: the loops that converter, losses and shaft ask for, and what these add to state and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gym_suite.core.family import Kernels
from gym_suite.motors.carrier import DISPOSED
from gym_suite.motors.commutated import commutated_kernels, follow_commutated
from gym_suite.motors.dynamics import follow_angle
from gym_suite.motors.envs.dissipation import Dissipation
from gym_suite.motors.envs.modulation import Modulation, read_interlocking
from gym_suite.motors.envs.options import Options, Task
from gym_suite.motors.envs.shafts import check_shaft, shaft_numbers
from gym_suite.motors.envs.switched import Switches, check_jump, read_neutral, read_switches
from gym_suite.motors.flexible import flexible_kernels, follow_load
from gym_suite.motors.loops import lossy_kernels, modulated_kernels, switched_kernels
from gym_suite.motors.machines import SYNCHRONOUS, Machine
from gym_suite.motors.parameters import Load, TwoMass
from gym_suite.motors.quantities import COUNTED, LEG_MEANS, SHAFT
from gym_suite.motors.sensors import follow_shaft
from gym_suite.motors.three_level import NEUTRAL_LIMIT, THREE_LEVEL, TWO_LEVEL


@dataclass(frozen=True, slots=True)
class Physics:
    """What moves a drive, and what that adds to the usual columns.

    Attributes:
        kernels: The loops.
        switches: What an action switches; None for means of a period.
        observed: Further quantities that are observed.
        kept: Further columns of the state.
        told: Further metrics.
        scales: Full scale of further quantities.
        pulsing: Legs whose duty cycles the state keeps.
        follow: What makes the state of a row whole that a user has overwritten.
    """

    kernels: Kernels
    switches: Switches | None
    observed: tuple[str, ...]
    kept: tuple[str, ...]
    told: tuple[str, ...]
    scales: dict[str, float]
    pulsing: int
    follow: Callable[..., Any]


def read_physics(
    options: Options,
    task: Task,
    machine: Machine,
    load: Load,
    link: tuple[str, ...],
    modulation: Modulation | None,
    dissipation: Dissipation | None,
    encoder: bool,
    values: dict[str, Any],
) -> Physics:
    """Return what moves a drive.

    Args:
        options: The keyword arguments.
        task: The task.
        machine: The machine.
        load: What the shaft carries.
        link: What the state keeps of the DC link.
        modulation: What becomes of commanded voltages; None where an action is a switching state.
        dissipation: Losses and heat; None where they are not computed.
        encoder: Whether an encoder is read.
        values: Parameters so far, to which those of converter and shaft are added.

    Raises:
        ValueError: For an unknown name, naming the nearest, numbers out of bounds, and what does not go together.
    """
    fed, group, period = bool(link), machine.group, values["tau"] * values["ratio"]
    check_shaft(
        task,
        load,
        finite=modulation is None,
        fed=fed,
        shaped=modulation is not None and modulation.shaped,
    )
    follow: Callable[..., Any] = partial(follow_shaft, period) if encoder else follow_angle
    kept, told = (*link,), (*link,)
    kept = (*kept, *(COUNTED.names if encoder else ()))
    if modulation is None:
        check_jump(machine, values["tau"])
        levels = TWO_LEVEL
        if group == SYNCHRONOUS:
            values["c_neutral"] = read_neutral(options, machine, fed)
            levels = THREE_LEVEL if values["c_neutral"] > 0.0 else TWO_LEVEL
        switches = read_switches(machine, values)
        values |= {"interlocking": read_interlocking(options), "actions": switches.places}
        neutral = ("u_n",) if levels == THREE_LEVEL else ()
        return Physics(
            kernels=switched_kernels(group, fed, levels),
            switches=switches,
            observed=neutral,
            kept=(*kept, *neutral),
            told=(*told, *neutral),
            scales=dict.fromkeys(neutral, NEUTRAL_LIMIT * values["u_dc"]),
            pulsing=0,
            follow=follow,
        )
    if machine.commutated:
        return Physics(
            kernels=commutated_kernels(fed),
            switches=None,
            observed=(),
            kept=(*kept, "i_a"),
            told=(*told, "i_salpha", "i_sbeta"),
            scales={},
            pulsing=0,
            follow=partial(follow_commutated, follow),
        )
    kernels = modulated_kernels(group, fed, modulation.carrier, modulation.reach)
    values |= modulation.numbers
    if group == SYNCHRONOUS:
        values["c_neutral"] = read_neutral(options, machine, fed)
    if modulation.carrier == DISPOSED:
        neutral = ("u_n", *LEG_MEANS.names)
        kept, told = (*kept, *neutral), (*told, *neutral)
    if dissipation:
        kernels = lossy_kernels(group)
        kept, told = (*kept, *dissipation.kept), (*told, *dissipation.told)
    if isinstance(load, TwoMass):
        values |= shaft_numbers(load, machine, values)
        kernels, follow = flexible_kernels(group), partial(follow_load, follow)
        kept, told = (*kept, *SHAFT.names), (*told, *SHAFT.names, "torque_shaft")
    return Physics(
        kernels=kernels,
        switches=None,
        observed=(),
        kept=kept,
        told=told,
        scales={},
        pulsing=modulation.remembered(machine, values),
        follow=follow,
    )
