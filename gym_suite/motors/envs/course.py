"""What an episode follows, from where it starts, and how long it lasts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.operating_points import max_torque
from gym_suite.motors.envs import columns
from gym_suite.motors.envs.cycles import build_cycle
from gym_suite.motors.envs.options import Options, Task
from gym_suite.motors.loads import load_coefficients
from gym_suite.motors.machines import (
    DC,
    SATURATED,
    SYNCHRONOUS,
    Machine,
)
from gym_suite.motors.parameters import (
    LOADS,
    ConstantSpeed,
    Load,
    OrnsteinUhlenbeck,
    SpeedProfile,
    Vehicle,
    load_kind,
    moves,
)
from gym_suite.motors.quantities import (
    REFERENCE_CURRENTS,
    REFERENCE_CYCLE,
    REFERENCE_STEPS,
    REFERENCE_TORQUE,
)
from gym_suite.motors.references import REFERENCE_MARGIN

MOST_TURNS = 1000.0  # of a random position
_LITTLE_TURN = 0.5  # electrical rad in an inverter period, at the usual speeds of a start

_REFERENCE_KINDS = {
    "current": REFERENCE_CURRENTS,
    "torque": REFERENCE_TORQUE,
    "speed": REFERENCE_STEPS,
    "position": REFERENCE_STEPS,
    "cycle": REFERENCE_CYCLE,
}


def driven_cycle(options: Options, machine: Machine, load: Load) -> np.ndarray:
    """Return the table of the driving cycle."""
    if not isinstance(load, Vehicle):
        raise ValueError(f"a drive cycle needs a vehicle as its load, got {load!r}")
    return build_cycle(options.cycle, machine, load)


def course(
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
    hold = check_number("reference_hold", options.reference_hold, low=options.tau)
    usual, highest = machine.speeds()
    usual = min((0.6 if task.least is None else 1.0) * machine.omega_nominal, usual)
    if task.follows == "current":
        highest, usual = REFERENCE_MARGIN * machine.i_limit, machine.i_nominal
    elif task.follows == "torque":
        highest = values["torque_limit"]
        part = min(machine.current_margin, machine.i_nominal / machine.i_limit)
        usual = highest if task.overloads else max_torque(machine, part)
    elif task.follows == "speed":
        # From one end to the other within the time for which a reference holds.
        inertia = load_coefficients(columns.parameter_row(values))[3]
        usual = min(usual, 0.5 * hold * values["torque_limit"] / inertia)
    elif task.follows == "position":
        # From standstill within half the time for which a reference holds, speeding up and braking.
        inertia = load_coefficients(columns.parameter_row(values))[3]
        usual = 0.5 * values["torque_limit"] / inertia * (0.25 * hold) ** 2
        highest = MOST_TURNS * math.tau
    if options.reference_range is not None:
        usual = check_number("reference_range", options.reference_range, above=0.0, high=highest)
    one_way = chopped and task.follows in ("speed", "position")
    one_way = one_way or task.overloads
    both = task.follows == "current" or (machine.reversible and not one_way)
    lowest = -usual if both else 0.0
    if task.least is not None:
        lowest = task.least * usual
    if task.follows == "position" and not both:
        raise ValueError(
            f"position control turns the shaft back: it needs a torque of either sign and choppers of four quadrants, "
            f"got a {machine.words} with converter={options.converter!r}"
        )
    return {
        "reference_kind": _REFERENCE_KINDS[task.follows],
        "reference_ticks": max(1, round(hold / options.tau)),
        "reference_low": lowest,
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
    if machine.group != DC:
        # Within a period the rotor turns unseen: little at the usual speeds of a start, half a turn at most.
        usual = min(usual, _LITTLE_TURN / (machine.pairs * options.tau))
        limit = min(limit, math.pi / (machine.pairs * options.tau))
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


def horizon_of(task: Task, options: Options, values: Mapping[str, float]) -> int | None:
    """Return the control periods of an episode; None where only the id limits them."""
    length = values["window"]
    if task.follows != "cycle":
        if options.duration is None:
            return None
        length = check_number("duration", options.duration, above=0.0, high=1e6)
    return max(1, round(length / (values["tau"] * values["ratio"])))
