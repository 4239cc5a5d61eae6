"""Periods of converter and control, the integrator's steps within them, and what an action commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gym_suite.core.keywords import read_mismatch
from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.controllers.operating_points import max_torque
from gym_suite.motors.envs.options import Options, Task, action_names
from gym_suite.motors.machines.base import check_substeps
from gym_suite.motors.quantities import (
    CONTROLS,
    FRAMES,
    PARAMETERS,
)

SHORTEST = 1e-9  # s, of an inverter period; nothing switches faster
MOST_PERIODS = 10_000  # inverter periods in one control period


def timing(task: Task, options: Options, machine: Any, physical: Sequence[str]) -> dict[str, Any]:
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


def _switch(name: str, value: object) -> float:
    """Return 1 or 0 for True or False, which JSON and NumPy may also give as numbers."""
    if not isinstance(value, bool | int | float | np.bool_) or value not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return float(value)


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
        period = task.control_period
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
