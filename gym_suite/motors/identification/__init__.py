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
from gym_suite.motors.identification.balances import BALANCES
from gym_suite.motors.identification.checks import (
    check_excited,
    check_explained,
    check_numbers,
    check_plate,
    check_scale,
    check_seen,
    check_units,
    largest_of,
    units_assumed,
)
from gym_suite.motors.identification.fit import SHAFT, first_row, fit_log, substeps_of
from gym_suite.motors.identification.friction import friction_of
from gym_suite.motors.identification.logs import FEWEST, Log, at_rest, columns_of, read_log
from gym_suite.motors.identification.result import Identified
from gym_suite.motors.machines import KINDS, Machine, build_machine
from gym_suite.motors.machines.base import BOUNDED
from gym_suite.motors.machines.files import is_machine_file, read_machine_file
from gym_suite.motors.parameters import PolynomialStatic
from gym_suite.motors.simulation import replay

__all__ = ["Identified", "columns_of", "identify"]

#: Who turns the shaft: the machine's own torque, or something else.
SHAFTS = ("free", "driven")
#: Part of the log that is fitted where no other log judges; the rest judges.
FITTED = 2.0 / 3.0
PLATE = (*(name for pair in BOUNDED for name in pair), "u_dc")


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
            does, such as a dynamometer, and they are not. A shaft whose speed cannot be told from noise
            around none counts as driven.
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
    for one in (recorded, judged):
        check_plate(one, base, given)
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
    fitted, judged = at_rest(fitted), at_rest(judged)
    driven = shaft == "driven" or float(np.ptp(fitted.omega)) == 0.0
    if set(held) >= {*balance.names, *(() if driven else SHAFT)}:
        raise ValueError(f"all numbers are known, so nothing of {recorded.name} is to be fitted")
    check_excited(fitted, tuple(name for name in balance.names if name not in held))
    check_units(fitted, base, balance)
    fit = fit_log(fitted, base, balance, held, driven)
    check_explained(fitted, fit.left())
    check_seen(fitted, fit.names, fit.own_slopes())
    fit.check_settled()
    values = fit.values()
    found, load = fit.machine, fit.load
    check_numbers(fitted, values, given, found)
    check_scale(recorded, found, given)
    plate, assumed = _plate(recorded, found, given)
    found = replace(found, **plate)  # type: ignore[type-var]
    assumed += [sentence.format(**asdict(found)) for sentence in balance.assumed]
    assumed += units_assumed(recorded, found, {**given, **held})
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
    told = machine
    if isinstance(told, Mapping) and "base" not in told:
        told = _paired(told)
    built = build_machine(told, default=kind or "PMSM", kind=kind)
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


def _paired(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping in which a nominal value stands for the limit that it lacks, and the other way round.

    The default machine's would be another machine's, and contradict it.
    """
    paired = dict(machine)
    for one, other in (*BOUNDED, *((limit, nominal) for nominal, limit in BOUNDED)):
        if one in machine and other not in machine:
            paired[other] = machine[one]
    return paired


def _known(
    given: Mapping[str, float] | None, base: Machine, names: Sequence[str]
) -> dict[str, float]:
    given = dict(given or {})
    check_keywords(given, names, f"number of a {type(base).__name__} that is known")
    return {name: check_number(f"known {name}", value, low=0.0) for name, value in given.items()}


def _errors(log: Log, machine: Machine, load: PolynomialStatic, driven: bool) -> dict[str, float]:
    """Return the rms errors of predictions over a log from its first row; none where the log is too coarse for them.

    What of the first row's state no column measures, a rotor's flux, is for each machine what suits it best.
    """
    try:
        steps = substeps_of(log, machine, moving=not driven)
        first = first_row(log, machine, load, steps, driven=driven)
    except ValueError:
        return {}
    told = replay(
        machine,
        load,
        first,
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
    largest = largest_of(log, machine)
    plate = {
        name: largest[name]
        for name in PLATE
        if name not in given and hasattr(machine, name) and largest[name] > 0.0
    }
    if not plate:
        return {}, []
    # What is given bounds what is not: a nominal value lies within its limit.
    for nominal, limit in BOUNDED:
        if nominal in plate and limit in given:
            plate[nominal] = min(plate[nominal], given[limit])
        if limit in plate and nominal in given:
            plate[limit] = max(plate[limit], given[nominal])
    told = ", ".join(f"{name} = {value:.4g}" for name, value in plate.items())
    return plate, [f"{told}: the largest values in the log, for its plate was not given"]
