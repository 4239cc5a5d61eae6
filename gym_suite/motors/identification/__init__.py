"""A machine's numbers from a log of its bench: resistances, inductances, flux, inertia and friction, with intervals.

The machine is run under the logged voltages and its currents and speed are compared with the logged ones (output-error
method: Ljung, "System Identification", 2nd ed., Prentice Hall 1999, section 4.3), so noise of the sensors biases
nothing. Where it begins follows from the machine's voltage equations, integrated over time and then linear in the
numbers; from there Levenberg and Marquardt's steps lead to the least squares, each signal weighted by what of it stays
unexplained.

Intervals are those of the linearised fit, widened where what stays unexplained is not white: by the covariance of Newey
and West, Econometrica 55(3), 1987, doi:10.2307/1913610. What cannot be seen in a log is refused: a direction of the
numbers, from the singular values of the sensitivity, in which they could as well be half as much again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.motors.identification.balances import BALANCES, Balance
from gym_suite.motors.identification.fit import SHAFT, fit_log, substeps_of
from gym_suite.motors.identification.friction import friction_of
from gym_suite.motors.identification.logs import FEWEST, SPEEDS, Log, columns_of, read_log
from gym_suite.motors.identification.result import Identified
from gym_suite.motors.machines import KINDS, Machine, build_machine
from gym_suite.motors.machines.files import is_machine_file, read_machine_file
from gym_suite.motors.parameters import PolynomialStatic
from gym_suite.motors.simulation import replay

__all__ = ["Identified", "columns_of", "identify"]

#: Who turns the shaft: the machine's own torque, or something else.
SHAFTS = ("free", "driven")
#: Part of the log that is fitted where no other log judges; the rest judges.
FITTED = 2.0 / 3.0
#: Part of the unexplained that stays under another unit of time or speed from which that unit is the likelier one.
LIKELIER = 0.4
#: Electrical time constant, s, above which t is more likely to be in milliseconds.
SLOWEST_CURRENT = 3.0
PLATE = ("i_nominal", "i_limit", "i_e_nominal", "i_e_limit", "omega_nominal", "omega_limit", "u_dc")


def identify(
    log: str | Path,
    *,
    kind: str | None = None,
    machine: object = None,
    shaft: str = "free",
    known: Mapping[str, float] | None = None,
    judge: str | Path | None = None,
) -> Identified:
    """Return a machine's numbers that explain a log.

    Args:
        log: CSV file with the columns of :mod:`gym_suite.motors.logs`, such as t, u_sd, u_sq, i_sd, i_sq and omega.
            From a log without voltages friction alone is found, and the machine's own numbers have to be given.
        kind: Kind of the machine; by default that of ``machine``, or a PMSM.
        machine: What is known of it, as for ``machine=`` of an environment: its pole pairs ``p``, which no log says,
            and its plate. What of the plate is not given is taken from the log.
        shaft: "free": the machine's own torque turns it, and inertia and friction are found. "driven": something else
            does, such as a dynamometer, and they are not. A shaft that never moves counts as driven.
        known: Numbers that are not to be fitted, by name.
        judge: A second log on which predictions are judged. Without it the first two thirds of the log are fitted and
            the rest judges.

    Raises:
        ValueError: For a kind that cannot be identified, a log that cannot be used or whose units do not fit together,
            or a number that the log does not show; says which and why.
    """
    base, given = _base(kind, machine)
    name = type(base).__name__
    check_option("machine kind to identify", name, BALANCES)
    check_option("shaft", shaft, SHAFTS)
    balance = BALANCES[name]
    recorded = read_log(log, base)
    held = _known(known, base, (*balance.names, *SHAFT))
    judged = recorded if judge is None else read_log(judge, base)
    fitted = recorded
    if judge is None:
        cut = int(FITTED * len(recorded.t))
        fitted, judged = recorded.part(0, cut), recorded.part(cut, len(recorded.t))
    if len(judged.t) < FEWEST // 3:
        raise ValueError(f"{judged.name} has {len(judged.t)} rows to judge a fit by; give more")
    over = f"the last third of {judged.name}" if judge is None else judged.name
    if not recorded.voltages.shape[1]:
        return friction_of(fitted, judged, over, base, told=machine is not None)
    if not judged.voltages.shape[1]:
        raise ValueError(f"{judged.name} has no voltages, by which predictions begin")
    driven = shaft == "driven" or float(np.ptp(recorded.omega)) == 0.0
    if set(held) >= {*balance.names, *(() if driven else SHAFT)}:
        raise ValueError(f"all numbers are known, so nothing of {recorded.name} is to be fitted")
    _check_units(fitted, base, balance)
    fit = fit_log(fitted, base, balance, held, driven)
    fit.check_seen()
    values = fit.values()
    found, load = fit.machine, fit.load
    _check_plausible(fitted, values, given, found)
    plate, assumed = _plate(recorded, found, given)
    found = replace(found, **plate)  # type: ignore[type-var]
    assumed += [sentence.format(**asdict(found)) for sentence in balance.assumed]
    if driven:
        assumed.append(f"j_rotor as it was given or in the set {name}: the log does not show it")
    friction = {"kind": "polynomial_static", "a": load.a, "b": load.b, "j_load": 0.0}
    usual = PolynomialStatic(a=base.friction[0], b=base.friction[1], j_load=base.friction[2])
    return Identified(
        kind=name,
        values=MappingProxyType(values),
        residuals=MappingProxyType(fit.unexplained()),
        before=MappingProxyType(_errors(judged, base, usual, driven)),
        after=MappingProxyType(_errors(judged, found, load, driven)),
        machine=MappingProxyType({"kind": name, **asdict(found)}),  # type: ignore[call-overload]
        load=MappingProxyType({} if driven else friction),
        assumed=tuple(assumed),
        log=recorded.name,
        judged=over,
    )


def _base(kind: str | None, machine: object) -> tuple[Machine, dict[str, Any]]:
    """Return the machine to begin with, and those of its numbers that the user gave."""
    if kind is not None:
        check_option("machine kind", kind, KINDS)
    if is_machine_file(machine):
        machine = read_machine_file(machine)
    built = build_machine(machine, default=kind or "PMSM", kind=kind)
    if built.commutated:
        raise ValueError(
            f"a log of a {built.words} in six-step commutation is not fitted: identify fits machines whose voltages "
            "are those of windings"
        )
    if machine is None:
        return built, {}
    if isinstance(machine, Mapping) and "base" not in machine:
        return built, {name: getattr(built, name) for name in machine if hasattr(built, name)}
    return built, asdict(built)  # type: ignore[call-overload]


def _known(
    given: Mapping[str, float] | None, base: Machine, names: Sequence[str]
) -> dict[str, float]:
    given = dict(given or {})
    check_keywords(given, names, f"number of a {type(base).__name__} that is known")
    return {name: check_number(f"known {name}", value, low=0.0) for name, value in given.items()}


def _errors(log: Log, machine: Machine, load: PolynomialStatic, driven: bool) -> dict[str, float]:
    """Return the rms errors of predictions over a log from its first row; none where the log is too coarse for them."""
    try:
        steps = substeps_of(log, machine, moving=not driven)
    except ValueError:
        return {}
    first = {name: float(values[0]) for name, values in log.currents.items()}
    told = replay(
        machine,
        load,
        {**first, "omega": float(log.omega[0])},
        log.t,
        log.voltages,
        speeds=log.omega if driven else None,
        substeps=steps,
    )
    signals = dict(log.currents) if driven else {**log.currents, "omega": log.omega}
    errors = {
        name: math.sqrt(float(np.mean((told[name] - values) ** 2)))
        for name, values in signals.items()
    }
    return errors if all(map(math.isfinite, errors.values())) else {}


def _plate(
    log: Log, machine: Machine, given: Mapping[str, Any]
) -> tuple[dict[str, float], list[str]]:
    """Return the numbers of the plate that nobody gave, from the log, and a sentence on them."""
    excited = float(np.abs(log.currents["i_e"]).max()) if "i_e" in log.currents else 0.0
    own = [values for name, values in log.currents.items() if name != "i_e"]
    current = float(np.sqrt(sum(values**2 for values in own)).max())
    speed = float(np.abs(log.omega).max())
    size = np.abs(log.voltages[:, : len(own)])
    volts = float(np.linalg.norm(size, axis=1).max()) * machine.voltage_divisor
    largest = {
        **dict.fromkeys(("i_nominal", "i_limit"), current),
        **dict.fromkeys(("i_e_nominal", "i_e_limit"), excited),
        **dict.fromkeys(("omega_nominal", "omega_limit"), speed),
        "u_dc": volts,
    }
    plate = {
        name: largest[name]
        for name in PLATE
        if name not in given and hasattr(machine, name) and largest[name] > 0.0
    }
    if not plate:
        return {}, []
    # What is given bounds what is not: a nominal value lies within its limit.
    for nominal, limit in (("i_nominal", "i_limit"), ("i_e_nominal", "i_e_limit")):
        if nominal in plate and limit in given:
            plate[nominal] = min(plate[nominal], given[limit])
        if limit in plate and nominal in given:
            plate[limit] = max(plate[limit], given[nominal])
    told = ", ".join(f"{name} = {value:.4g}" for name, value in plate.items())
    return plate, [f"{told}: the largest values in the log, for its plate was not given"]


def _check_units(log: Log, base: Machine, balance: Balance) -> None:
    """Refuse a log that another unit of speed or time explains much better.

    The voltage equations hold twice over where a turning frame or a slipping rotor enters them: how currents rise and
    what the speed induces say the same inductances only in the right units.

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


def _check_plausible(
    log: Log,
    values: Mapping[str, tuple[float, float, float]],
    given: Mapping[str, Any],
    found: Machine,
) -> None:
    """Refuse numbers that no machine has, or that are a unit's factor of what the user knows of them.

    Raises:
        ValueError: Naming the unit that is likely.
    """
    slowest = 1.0 / max(found.decays())
    if slowest > SLOWEST_CURRENT:
        raise ValueError(
            f"{log.name}: its currents would decay with a time constant of {slowest:.3g} s, which is none of a "
            "machine's; "
            "t looks like milliseconds, and is in s"
        )
    for name in ("psi_p", "psi_e"):
        if name not in values or not given.get(name):
            continue
        ratio = values[name][0] / given[name]
        for words, size in SPEEDS.items():
            if abs(ratio / size - 1.0) < 0.1:
                raise ValueError(
                    f"{log.name}: {name} comes out {ratio:.3g} times what machine= says of it: omega looks like "
                    f"{words}; "
                    "it is in rad/s"
                )
