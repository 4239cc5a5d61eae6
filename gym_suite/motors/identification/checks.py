"""What identification refuses: a log in other units, numbers far from what is known, what does not explain the log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.identification.balances import Balance
from gym_suite.motors.identification.logs import CHANCE, SPEEDS, Log
from gym_suite.motors.machines import Machine

Array = NDArray[np.float64]

#: Part of the unexplained that stays under another unit of time or speed from which that unit is the likelier one.
LIKELIER = 0.4
#: Electrical time constant, s, above which t is more likely to be in milliseconds.
SLOWEST_CURRENT = 3.0
#: Times the limits of a plate that a log may reach, and from which thousandths are the likelier unit.
BEYOND, THOUSANDTHS = 3.0, 30.0
#: Part of a plate's limit below which a log may be in thousands of a unit, and the drop of the resistance at the limit
#: of the current, over the DC link, beyond which it is: of machines it is a hundredth to a fifth.
BELOW, DROP = 1.0 / 200.0, (2e-3, 2.0)
#: What is rare: currents (A) and voltages (V) beyond, and resistances (Ohm) outside.
RARE_CURRENT, RARE_VOLTAGE, RARE_RESISTANCE = 3e3, 3e3, (2e-3, 200.0)
#: Times a number that the user gave, either way, that what was found may be.
FARTHEST = 30.0
#: Part of a signal that may stay unexplained beside white noise, rms; of good logs it is a hundredth or two.
UNEXPLAINED = 0.2
#: Relative uncertainty (one standard deviation) of a direction of the numbers from which it counts as unseen.
UNSEEN = 0.5
#: Part of a number in the unseen directions from which it is among them, and from which by itself.
SHARED, ALONE = 0.4, 0.9
_BOTH_SPEEDS = (
    "Let the shaft run steadily at a low and at a high speed; if something else turns it, say "
    "shaft='driven'."
)
ADVICE = {
    "r_s": "Let a steady current flow.",
    "r_a": "Let a steady current flow.",
    "r_e": "Let a steady excitation current flow.",
    "l_d": "Step the voltage along d.",
    "l_q": "Step the voltage along q.",
    "l_a": "Step the armature's voltage.",
    "psi_p": "Turn the rotor at more than one speed.",
    "psi_e": "Turn the rotor at more than one speed.",
    "l_e_prime": "Turn the rotor with the field excited.",
    "j_total": "Let the speed change under the machine's own torque.",
    "a": _BOTH_SPEEDS,
    "b": _BOTH_SPEEDS,
    "r_r": "Let the rotor slip.",
    "l_m": "Let the flux change.",
    "l_e": "Step the excitation voltage.",
    "l_sigs": "Step the voltage.",
}


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


def check_scale(log: Log, found: Machine, given: Mapping[str, Any]) -> None:
    """Refuse a log whose currents or voltages are far below the plate, and make a machine that does not fit it.

    A small current or voltage alone is a careful test: at a thousandth of the link's voltage a locked rotor shows the
    same resistance. In another unit the resistance is off as well.

    Args:
        log: The recording.
        found: The machine that was found.
        given: The numbers that the user gave.

    Raises:
        ValueError: Naming the unit that is likely.
    """
    largest = largest_of(log, found)
    main, current = _main_resistance(found), given.get("i_limit", given.get("i_nominal"))
    link = given.get("u_dc", largest["u_dc"])
    beside = [(main, "i_limit", current)]
    if hasattr(found, "r_e") and "i_e_limit" in given:
        beside.append(("r_e", "i_e_limit", given["i_e_limit"]))
    for name, limit, most in beside:
        resistance = getattr(found, name)
        if most is None or largest[limit] > BELOW * most or resistance * most < DROP[1] * link:
            continue
        raise ValueError(
            f"{log.name}: its current reaches {largest[limit]:.4g} A where machine= says {most:g} A, and {name} comes "
            f"out as {resistance:.4g} Ohm, which would take {resistance * most:.4g} V then: the currents look like kA; "
            f"they are in A{_unless('u_dc', given)}"
        )
    if "u_dc" not in given or largest["u_dc"] > BELOW * link:
        return
    most, resistance = current or largest["i_limit"], getattr(found, main)
    if resistance * most < DROP[0] * link:
        raise ValueError(
            f"{log.name}: its voltage needs a DC link of {largest['u_dc']:.4g} V where machine= says {link:g} V, and "
            f"{main} comes out as {resistance:.4g} Ohm, which would take {resistance * most:.4g} V at {most:.4g} A: "
            f"the voltages look like kV; they are in V{_unless('i_limit', given)}"
        )


def _unless(name: str, given: Mapping[str, Any]) -> str:
    """Return what to say of the plate where a test is meant to be that small; nothing where it has been said."""
    return (
        "" if name in given else f". If the test is meant to be that small, say {name} in machine="
    )


def units_assumed(log: Log, found: Machine, given: Mapping[str, Any]) -> list[str]:
    """Return a sentence on units that nothing which the user knows could check, and on what is rare in them.

    Args:
        log: The recording.
        found: The machine that was found.
        given: The numbers that the user gave, and those that were known.
    """
    if any(name.startswith(("r_", "l_", "psi_")) and given[name] for name in given):
        return []
    lacking = []
    if "i_limit" not in given and "i_nominal" not in given:
        lacking.append(("currents in A", "i_limit"))
    if "u_dc" not in given:
        lacking.append(("voltages in V", "u_dc"))
    if not lacking:
        return []
    what, plate = (" and ".join(words) for words in zip(*lacking, strict=True))
    largest, main = largest_of(log, found), _main_resistance(found)
    resistance, rare = getattr(found, main), []
    if "i_limit" in plate and largest["i_limit"] > RARE_CURRENT:
        rare.append(f"a current of {largest['i_limit']:.0f} A")
    if "u_dc" in plate and largest["u_dc"] > RARE_VOLTAGE:
        rare.append(f"a DC link of {largest['u_dc']:.0f} V")
    if not RARE_RESISTANCE[0] < resistance < RARE_RESISTANCE[1]:
        rare.append(f"{main} = {resistance:.4g} Ohm")
    warning = f" Check them: {' and '.join(rare)} would be rare." if rare else ""
    return [f"{what}, which {plate} in machine= would check.{warning}"]


def _main_resistance(machine: Machine) -> str:
    """Return the name of the resistance of the winding whose current i_limit limits."""
    return "r_s" if hasattr(machine, "r_s") else "r_a"


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


def check_explained(log: Log, left: Mapping[str, Array]) -> None:
    """Refuse a machine that leaves much of what was measured unexplained.

    Noise of the sensors says nothing about a machine, however large it is: what counts of a row is what it has in
    common with the row before, or with the voltage there. Currents of the axes of one winding are counted together, for
    that along an axis may be kept at none.

    Args:
        log: What was fitted.
        left: What of each signal stays unexplained, (n,).

    Raises:
        ValueError: Naming the signal.
    """
    axes = [name for name in log.currents if name.startswith("i_s")]
    signals = {**log.currents, "omega": log.omega}
    parts = [axes, *([name] for name in signals if name not in axes)]
    for names in parts:
        told = [name for name in names if name in left]
        caused = math.hypot(*(_caused(left[name], log.voltages) for name in told))
        size = _rms(*(signals[name] for name in told))
        # What is none throughout shows nothing, which is said elsewhere.
        if caused > UNEXPLAINED * size > 0.0:
            unit, also = "A", ""
            if told == ["omega"]:
                unit, also = (
                    "rad/s",
                    "; of a shaft that something else turns or holds say shaft='driven'",
                )
            raise ValueError(
                f"this model does not explain {log.name}: of {' and '.join(told)}, {size:.3g} {unit} rms, "
                f"{_rms(*(left[name] for name in told)):.3g} {unit} stay unexplained; check the axes and signs, p, the "
                f"units and the kind{also}"
            )


def _rms(*signals: Array) -> float:
    return math.sqrt(sum(float(np.mean(values**2)) for values in signals))


def _caused(left: Array, voltages: Array) -> float:
    """Return the rms of that part of what stays unexplained which is no white noise.

    Args:
        left: What stays unexplained, (n,).
        voltages: V, (n, number).
    """
    power, chance = float(np.mean(left**2)), CHANCE / math.sqrt(len(left))
    shared = [float(np.mean(left[1:] * left[:-1])), 0.0]
    least = [chance * power, 0.0]
    for u in voltages[:-1].T:
        along = float(np.mean(left[1:] * u)) ** 2
        shared.append(along / (float(np.mean(u**2)) or 1.0))
        least.append(chance**2 * power)
    return math.sqrt(max(part for part, by in zip(shared, least, strict=True) if part >= by))


def check_seen(log: Log, names: Sequence[str], slopes: Array) -> None:
    """Refuse a log that does not show some of the numbers.

    Args:
        log: What was fitted.
        names: The numbers.
        slopes: Derivatives of the residual by each, in parts of what stays unexplained, (numbers, residuals).

    Raises:
        ValueError: Naming the numbers that cannot be seen, or told apart, and the singular value that says so.
    """
    directions, sizes, _ = np.linalg.svd(slopes, full_matrices=False)
    if sizes[-1] * UNSEEN >= 1.0:
        return
    part = np.linalg.norm(directions[:, sizes * UNSEEN < 1.0], axis=1)
    shares = dict(zip(names, part, strict=True))
    unseen = [name for name, share in shares.items() if share > ALONE]
    mixed = [name for name, share in shares.items() if SHARED < share <= ALONE]
    if not unseen and len(mixed) < 2:
        unseen, mixed = [max(shares, key=lambda name: shares[name])], []
    what = [f"{', '.join(unseen)} cannot be seen"] if unseen else []
    what += [f"{', '.join(mixed)} cannot be told apart"] if len(mixed) > 1 else []
    advice = dict.fromkeys(ADVICE[name] for name in (*unseen, *mixed) if name in ADVICE)
    uncertain = 1.0 / sizes[-1] if sizes[-1] > 0.0 else math.inf
    first = (unseen or mixed)[0]
    raise ValueError(
        f"{log.name} excites the machine too little: {' and '.join(what)} in what is fitted (smallest singular value "
        f"of the sensitivity {sizes[-1]:.3g}, largest {sizes[0]:.3g}: the relative uncertainty is {uncertain:.2g}). "
        f'{" ".join(advice)} Or say what is known: known={{"{first}": ...}}'
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
