"""Signals of a setup: what references follow, the speed that a load dictates, and disturbances, as rows for kernels."""

from __future__ import annotations

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


def _read_switched(given: Mapping[str, Any], what: str) -> Switched:
    """Return a switched reference from a mapping with "signals" and "hold"."""
    check_keywords(given, ("kind", "signals", "hold"), f"attribute of the switched {what}")
    listed = given.get("signals")
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError(f"the switched {what} needs a list of signals, got {listed!r}")
    signals = tuple(as_signal(one, f"signal {k} of {what}") for k, one in enumerate(listed))
    return Switched(signals, check_number(f"hold of {what}", given.get("hold"), above=0.0))
