"""What identification refuses: a log in other units, numbers far from what is known, what does not explain the log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gym_suite.motors.identification.balances import Balance
from gym_suite.motors.identification.logs import SPEEDS, Log
from gym_suite.motors.machines import Machine

#: Part of the unexplained that stays under another unit of time or speed from which that unit is the likelier one.
LIKELIER = 0.4
#: Electrical time constant, s, above which t is more likely to be in milliseconds.
SLOWEST_CURRENT = 3.0
#: Times the limits of a plate that a log may reach, and from which thousandths are the likelier unit.
BEYOND, THOUSANDTHS = 3.0, 30.0
#: Times a number that the user gave, either way, that what was found may be.
FARTHEST = 30.0
#: Part of a signal that may stay unexplained, rms; of good logs it is a hundredth or two.
UNEXPLAINED = 0.2


def largest_of(log: Log, machine: Machine) -> dict[str, float]:
    """Return the largest current, speed (rad/s) and voltage of a log by the plate's numbers that they are to be within.

    Args:
        log: The log.
        machine: Says which u_dc a voltage needs.
    """
    own = [values for name, values in log.currents.items() if name != "i_e"]
    current = float(np.sqrt(sum(values**2 for values in own)).max())
    excited = float(np.abs(log.currents["i_e"]).max()) if "i_e" in log.currents else 0.0
    speed = float(np.abs(log.omega).max())
    size = np.linalg.norm(log.voltages[:, : len(own)], axis=1)
    return {
        **dict.fromkeys(("i_nominal", "i_limit"), current),
        **dict.fromkeys(("i_e_nominal", "i_e_limit"), excited),
        **dict.fromkeys(("omega_nominal", "omega_limit"), speed),
        "u_dc": float(size.max()) * machine.voltage_divisor,
    }


def check_plate(log: Log, machine: Machine, given: Mapping[str, Any]) -> None:
    """Refuse a log whose currents or voltages are far beyond the plate that the user gave.

    Args:
        log: The log.
        machine: The machine that the user gave.
        given: Those of its numbers that the user gave.

    Raises:
        ValueError: Naming the unit that is likely.
    """
    largest = largest_of(log, machine)
    for name, what, unit, words in (
        ("i_limit", "its current reaches", "A", "currents"),
        ("i_e_limit", "its excitation current reaches", "A", "currents"),
        ("u_dc", "its voltage needs a DC link of", "V", "voltages"),
    ):
        if name not in given or largest[name] <= BEYOND * given[name]:
            continue
        ratio = largest[name] / given[name]
        likely = f"check the units of the {words}, which are in {unit}, and {name}"
        if ratio > THOUSANDTHS:
            likely = f"the {words} look like m{unit}; they are in {unit}"
        raise ValueError(
            f"{log.name}: {what} {largest[name]:.4g} {unit}, {ratio:.3g} times the {name} of {given[name]:g} {unit} "
            f"that machine= says: {likely}"
        )


def check_excited(log: Log, names: tuple[str, ...]) -> None:
    """Refuse a log in which no current ever flows, or one never does while its voltage is not 0.

    Args:
        log: The log.
        names: The numbers that are to be found.

    Raises:
        ValueError: Naming the numbers that cannot be seen, or the current.
    """
    still = [name for name, values in log.currents.items() if not values.any()]
    if len(still) == len(log.currents):
        raise ValueError(
            f"{log.name} excites the machine too little: all its currents are 0 throughout, so {', '.join(names)} "
            "cannot be seen"
        )
    last = log.voltages.shape[1] - 1  # one voltage feeds both windings of a shunt machine
    for k, name in enumerate(log.currents):
        if name in still and log.voltages[:, min(k, last)].any():
            raise ValueError(
                f"{log.name}: {name} is 0 throughout while its voltage is not; check that column"
            )


def check_units(log: Log, base: Machine, balance: Balance) -> None:
    """Refuse a log that another unit of speed or time explains much better.

    The voltage equations hold twice over where a turning frame or a slipping rotor enters them: how currents rise and
    what the speed induces say the same inductances only in the right units.

    Args:
        log: The log.
        base: For its pole pairs.
        balance: The kind's equations.

    Raises:
        ValueError: Naming the unit that fits.
    """
    plain = balance.misfit(log, base)
    if plain <= 1e-6:
        return
    others = {f"omega looks like {name}; it is in rad/s": (1.0, s) for name, s in SPEEDS.items()}
    others["t looks like milliseconds; it is in s"] = (1e-3, 1.0)
    if base.pairs > 1.0:
        words = f"omega looks like the electrical speed; it is that of the shaft, and p is {base.pairs:g}"
        others[words] = (1.0, 1.0 / base.pairs)
    left = {}
    for words, (time, speed) in others.items():
        scaled = replace(log, t=log.t * time, omega=log.omega * speed)
        left[words] = balance.misfit(scaled, base)
    likeliest = min(left, key=lambda words: left[words])
    if left[likeliest] < LIKELIER * plain:
        raise ValueError(
            f"{log.name}: units are mixed up: {likeliest}. So taken, {left[likeliest] / plain:.2g} of what the voltage "
            "equations leave unexplained stays"
        )


def check_explained(log: Log, unexplained: Mapping[str, float]) -> None:
    """Refuse a machine that leaves much of what was measured unexplained.

    Currents of the axes of one winding are counted together, for that along an axis may be kept at none.

    Args:
        log: What was fitted.
        unexplained: What of each signal stays unexplained, rms.

    Raises:
        ValueError: Naming the signal.
    """
    axes = [name for name in log.currents if name.startswith("i_s")]
    signals = {**log.currents, "omega": log.omega}
    parts = [axes, *([name] for name in signals if name not in axes)]
    for names in parts:
        told = [name for name in names if name in unexplained]
        left = math.hypot(*(unexplained[name] for name in told))
        size = math.sqrt(sum(float(np.mean(signals[name] ** 2)) for name in told))
        if (
            left > UNEXPLAINED * size > 0.0
        ):  # what is none throughout shows nothing, which is said elsewhere
            unit = "rad/s" if told == ["omega"] else "A"
            raise ValueError(
                f"this model does not explain {log.name}: of {' and '.join(told)}, {size:.3g} {unit} rms, "
                f"{left:.3g} {unit} stay unexplained; check the axes and signs, p, the units and the kind"
            )


def check_numbers(
    log: Log,
    values: Mapping[str, tuple[float, float, float]],
    given: Mapping[str, Any],
    found: Machine,
) -> None:
    """Refuse numbers that no machine has, or that are a unit's factor of what the user knows of them.

    Args:
        log: What was fitted.
        values: Name to estimate, lowest and highest.
        given: The numbers that the user gave.
        found: The machine that was found.

    Raises:
        ValueError: Naming the unit that is likely.
    """
    decay = max(found.decays())
    if 0.0 < decay < 1.0 / SLOWEST_CURRENT:
        raise ValueError(
            f"{log.name}: its currents would decay with a time constant of {1.0 / decay:.3g} s, which is none of a "
            "machine's; t looks like milliseconds, and is in s"
        )
    for name, (value, *_) in values.items():
        if not name.startswith(("r_", "l_", "psi_")) or not given.get(name):
            continue
        ratio = value / given[name]
        said = f"{log.name}: {name} comes out {ratio:.3g} times what machine= says of it"
        for words, size in SPEEDS.items():
            if name.startswith("psi_") and abs(ratio / size - 1.0) < 0.1:
                raise ValueError(f"{said}: omega looks like {words}; it is in rad/s")
        if not 1.0 / FARTHEST < ratio < FARTHEST:
            raise ValueError(
                f"{said}: check the units of the currents, in A, and of the voltages, in V, and that of {name}"
            )
