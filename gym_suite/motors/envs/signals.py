"""Signals of a setup: what references follow, the speed that a load dictates, and disturbances, as rows for kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number
from gym_suite.core.signals import Signal, as_signal
from gym_suite.motors.envs.options import Options, Task
from gym_suite.motors.quantities import SIGNAL_SPEED, SIGNAL_SWITCHED


@dataclass(frozen=True, slots=True)
class Switched:
    """A reference that is switched among signals at random.

    Attributes:
        signals: The signals.
        hold: Time between two choices, s.
    """

    signals: tuple[Signal, ...] = ()
    hold: float = 1.0


def rows_of(
    references: list[Signal],
    dictated: list[Signal],
    disturbances: list[Signal],
    switched: list[Switched],
) -> list[Signal]:
    """Return the rows of the signals: references, a load's speed, disturbances, what references are switched among.

    Each of these parts but the last is as long as it can be, or left out where nothing follows.
    """
    none, among = Signal(kind="none"), [one for each in switched for one in each.signals]
    rows = list(references)
    if dictated or disturbances or among or rows:
        rows += [none] * (SIGNAL_SPEED - len(rows)) + (dictated or [none]) + disturbances
    if among:
        rows += [none] * (SIGNAL_SWITCHED - len(rows)) + among
    return rows


def read_references(task: Task, options: Options) -> tuple[list[Signal], list[Switched]]:
    """Return the signals of the references, one for each tracked quantity, and what each is switched among.

    Both are empty where references are drawn in steps.
    """
    given = options.reference
    if given is None:
        return [], []
    # A mapping with one of these is a signal itself: no tracked quantity is called so.
    single = isinstance(given, Mapping) and {"kind", "table"} & given.keys()
    if single or not isinstance(given, Mapping):
        if len(task.tracked) != 1:
            raise TypeError(
                f"reference must map {', '.join(task.tracked)} to a number or a signal each, such as "
                f'reference={{"{task.tracked[0]}": 0.0}}; got {given!r:.80}'
            )
        given = {task.tracked[0]: given}
    check_keywords(given, task.tracked, f"reference of task {task.name!r}")
    signals, switched = [], []
    for name in task.tracked:
        one, what = given.get(name, 0.0), f"reference {name!r}"
        among = Switched()
        if isinstance(one, Mapping) and one.get("kind") == "switched":
            among, one = _read_switched(one, what), 0.0
        signals.append(as_signal(one, what))
        switched.append(among)
    return signals, switched


def check_reach(
    task: Task,
    references: list[Signal],
    switched: list[Switched],
    scales: Mapping[str, float],
    units: Mapping[str, str],
) -> None:
    """Refuse references that leave what a quantity can reach at all: its limit.

    What voltage and current allow together is less, see :func:`check_together`; a walk without bounds of its own is
    not checked.

    Args:
        task: The task.
        references: Signals of the tracked quantities.
        switched: What each is switched among.
        scales: The limit of each tracked quantity that has one.
        units: Their units.

    Raises:
        ValueError: Saying which values the signal may have, and which are allowed.
    """
    for name, one, among in zip(task.tracked, references, switched, strict=True):
        for signal in among.signals or (one,):
            low, high = signal.span()
            limit = scales.get(name, math.inf)
            least, most = (0.0 if math.isinf(end) else end for end in (low, high))
            if max(-least, most) > limit * (1.0 + 1e-9):
                raise ValueError(
                    f"reference {name!r} goes from {least:g} to {most:g} {units[name]}, beyond the limit of "
                    f"{limit:g} {units[name]}; keep it within, or bound it by the signal's low and high"
                )


def check_together(
    task: Task,
    references: list[Signal],
    switched: list[Switched],
    machine: Any,
    speeds: tuple[float, float],
) -> None:
    """Refuse references of both currents of a field that their common limit, or the voltage at a held speed, forbids.

    References that change are refused where no pair of their values is within the limit. Constant ones at a constant
    speed need a constant voltage; none that turns is longer than 2 u_dc / pi, in six-step operation.

    Args:
        task: The task.
        references: Signals of the tracked quantities.
        switched: What each is switched among.
        machine: The machine.
        speeds: Lowest and highest speed of an episode's start, rad/s; equal where a speed is held.

    Raises:
        ValueError: With the nearest currents within the limit, or the voltage that is needed and the one there is.
    """
    given = dict(zip(task.tracked, references, strict=True))
    if not {"i_sd", "i_sq"} <= given.keys() or any(among.signals for among in switched):
        return
    spans = [given[name].span() for name in ("i_sd", "i_sq")]
    d, q = (0.0 if low <= 0.0 <= high else min(low, high, key=abs) for low, high in spans)
    limit = machine.i_limit
    if math.hypot(d, q) > limit * (1.0 + 1e-9):
        part = limit / math.hypot(d, q)
        raise ValueError(
            f"references of at least i_sd = {d:g} A and i_sq = {q:g} A are a current of {math.hypot(d, q):.4g} A, "
            f"beyond its limit of {limit:g} A; {part * d:.4g} and {part * q:.4g} A are within it"
        )
    constant = all(low == high for low, high in (*spans, speeds))
    if not constant or not hasattr(machine, "l_d") or hasattr(machine, "l_e"):
        return
    omega, psi_p = machine.pairs * speeds[0], getattr(machine, "psi_p", 0.0)
    u_d = machine.r_s * d - omega * machine.l_q * q
    u_q = machine.r_s * q + omega * (machine.l_d * d + psi_p)
    most = 2.0 / math.pi * machine.u_dc
    if math.hypot(u_d, u_q) > most:
        raise ValueError(
            f"references i_sd = {d:g} A and i_sq = {q:g} A need {math.hypot(u_d, u_q):.4g} V at {speeds[0]:g} rad/s, "
            f"and no voltage that turns is above 2 u_dc / pi = {most:.4g} V; take a smaller current or speed, or a "
            "higher u_dc"
        )


def _read_switched(given: Mapping[str, Any], what: str) -> Switched:
    """Return a switched reference from a mapping with "signals" and "hold"."""
    check_keywords(given, ("kind", "signals", "hold"), f"attribute of the switched {what}")
    listed = given.get("signals")
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError(f"the switched {what} needs a list of signals, got {listed!r}")
    signals = tuple(as_signal(one, f"signal {k} of {what}") for k, one in enumerate(listed))
    return Switched(signals, check_number(f"hold of {what}", given.get("hold"), above=0.0))
