"""Friction from a log without voltages: the torque that a known machine gives at steady speeds."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.identification.balances import BALANCES
from gym_suite.motors.identification.checks import ADVICE
from gym_suite.motors.identification.fit import QUANTILE, long_run, memory_of
from gym_suite.motors.identification.logs import FEWEST, Log
from gym_suite.motors.identification.result import Identified
from gym_suite.motors.machines import Machine
from gym_suite.motors.simulation import torque_at

Array = NDArray[np.float64]

#: Part of the largest speed by which rows at steady speed may differ from those beside them, and that they exceed.
STEADY = 0.05
#: Rows on either side that a row at steady speed agrees with.
BESIDE = 5


def friction_of(log: Log, judged: Log, over: str, base: Machine, *, told: bool) -> Identified:
    """Return Coulomb and viscous friction, from the machine's torque at steady speeds.

    Args:
        log: What is fitted; its voltages are not looked at.
        judged: What is predicted.
        over: What that is, in words.
        base: The machine, whose torque follows from its currents.
        told: Whether the user gave the machine.

    Raises:
        ValueError: If the machine is not given, its torque does not follow from its currents, or speeds are too few.
    """
    name = type(base).__name__
    if not told or any(not state.startswith("i") for state in base.states):
        raise ValueError(
            f"{log.name} has no voltages, so {', '.join(BALANCES[name].names)} cannot be seen; from currents and speed "
            "friction alone can be found, of a machine given by machine= whose torque its currents say"
        )
    speed, torque = _steady(log, base)
    spread = float(np.ptp(np.abs(speed))) if len(speed) else 0.0
    if len(speed) < FEWEST or spread < 0.2 * float(np.abs(speed).max()):
        raise ValueError(
            f"{log.name} excites the machine too little: a, b cannot be told apart from {len(speed)} rows at steady "
            "speeds "
            f"that differ by {spread:.3g} rad/s. {ADVICE['a']}"
        )
    columns = np.column_stack([np.sign(speed), speed])
    found = np.linalg.lstsq(columns, torque, rcond=None)[0]
    left = torque - columns @ found
    inverse = np.linalg.inv(columns.T @ columns)
    covariance = inverse @ long_run(columns.T * left, memory_of(left[None])) @ inverse
    white = np.diag(inverse) * float(left @ left) / (len(left) - 2)
    widths = QUANTILE * np.sqrt(np.maximum(np.diag(covariance), white))
    values = {
        key: (max(float(v), 0.0), max(float(v - w), 0.0), max(float(v + w), 0.0))
        for key, v, w in zip(("a", "b"), found, widths, strict=True)
    }
    a, b = values["a"][0], values["b"][0]
    seen_speed, seen = _steady(judged, base)
    if not len(seen):
        raise ValueError(f"{judged.name} has no rows at steady speed to judge by")

    def error(coulomb: float, viscous: float) -> dict[str, float]:
        wrong = seen - np.sign(seen_speed) * coulomb - seen_speed * viscous
        return {"torque": float(np.sqrt(np.mean(wrong**2)))}

    assumed = [
        "the machine's own numbers as they were given: a log without voltages does not show them",
        "its inertia too: rows at steady speed do not show it",
    ]
    if _unsigned(log, base):
        assumed.append("the sign of the current, which the log lacks: that of the speed")
    return Identified(
        kind=name,
        values=MappingProxyType(values),
        residuals=MappingProxyType({"torque": float(np.sqrt(np.mean(left**2)))}),
        before=MappingProxyType(error(*base.friction[:2])),
        after=MappingProxyType(error(a, b)),
        machine=MappingProxyType({"kind": name, **asdict(base)}),  # type: ignore[call-overload]
        load=MappingProxyType({"kind": "polynomial_static", "a": a, "b": b, "j_load": 0.0}),
        assumed=tuple(assumed),
        log=log.name,
        judged=f"the steady rows of {over}",
    )


def _steady(log: Log, base: Machine) -> tuple[Array, Array]:
    """Return speed and torque of the rows at steady speed."""
    most = STEADY * float(np.abs(log.omega).max())
    calm = np.abs(log.omega) > most
    for shift in range(1, BESIDE + 1):
        for beside in (np.roll(log.omega, shift), np.roll(log.omega, -shift)):
            calm &= np.abs(beside - log.omega) <= most
    calm[:BESIDE] = calm[len(calm) - BESIDE :] = False
    torque = torque_at(base, log.currents)
    if _unsigned(log, base):
        torque = np.abs(torque) * np.sign(log.omega)
    return log.omega[calm], torque[calm]


def _unsigned(log: Log, base: Machine) -> bool:
    """Return whether the currents were logged without their sign: the torque has one although the speed has both."""
    torque = torque_at(base, log.currents)
    return float(torque.min()) >= 0.0 and float(log.omega.min()) < 0.0 < float(log.omega.max())
