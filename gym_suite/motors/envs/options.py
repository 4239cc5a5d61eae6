"""What the tasks ask, and what keyword arguments there are with their defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from gym_suite.motors.parameters import PMSM

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked of a drive: all that differs from task to task outside the compiled functions.

    Attributes:
        name: One of :data:`gym_suite.motors.parameters.TASKS`.
        tracked: Metric columns that are to follow references, with words for them.
        unit: Of the tracked quantities.
        full_scale: The tracked quantities' full scale of a machine and of metres of travel per radian.
        error_scale: Error at which tracking earns nothing; None: the full scale.
        weights: Reward terms by name with their default weights: two of the task's own, then effort and smoothness.
        without: Keyword arguments that the task does not take.
        defaults: Keyword arguments whose defaults are not those of :class:`Options`.
    """

    name: str
    tracked: Mapping[str, str]
    unit: str
    full_scale: Callable[[PMSM, float], float]
    error_scale: float | None = None
    weights: Mapping[str, float]
    without: tuple[str, ...]
    defaults: Mapping[str, Any]

    @property
    def references(self) -> tuple[str, ...]:
        """Metric columns of the references."""
        return tuple(f"{name}_ref" for name in self.tracked)

    @property
    def keywords(self) -> tuple[str, ...]:
        """Names of the keyword arguments that the task takes."""
        return tuple(f.name for f in fields(Options) if f.name not in self.without)


def _weights(first: str, second: str, share: tuple[float, float]) -> dict[str, float]:
    return {first: share[0], second: share[1], "effort": 0.0, "smoothness": 0.0}


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="current",
            tracked={"i_sd": "d current", "i_sq": "q current"},
            unit="A",
            full_scale=lambda machine, _: machine.i_limit,
            weights=_weights("i_sd", "i_sq", (0.5, 0.5)),
            without=("duration", "window", "start", "control", "control_period"),
            defaults={"machine": "PMSM", "load": "constant_speed"},
        ),
        Task(
            name="speed",
            tracked={"omega": "speed"},
            unit="rad/s",
            full_scale=lambda machine, _: machine.omega_limit,
            weights=_weights("omega", "loss", (1.0, 0.0)),
            without=("window", "start", "speed"),
            defaults={
                "machine": "PMSM",
                "load": "polynomial_static",
                "reference_hold": 0.2,
                "duration": 0.6,
            },
        ),
        Task(
            name="drive_cycle",
            tracked={"v": "vehicle speed"},
            unit="m/s",
            full_scale=lambda machine, lever: lever * machine.omega_limit,
            error_scale=5.0,
            weights=_weights("v", "loss", (1.0, 0.0)),
            without=("duration", "reference", "reference_hold", "reference_range", "speed"),
            defaults={
                "machine": "HSM16.17.12-C01",
                "load": "vehicle",
                "control": "torque",
                "control_period": 0.01,
            },
        ),
    )
}


def defaults(task: str) -> dict[str, Any]:
    """Return the keyword arguments that a task takes with their default values."""
    given = Options(**TASKS[task].defaults)
    return {name: getattr(given, name) for name in TASKS[task].keywords}


def action_names(options: Options) -> tuple[str, ...]:
    """Return the names of the action's elements."""
    return ACTION_NAMES["torque" if options.control == "torque" else options.frame]
