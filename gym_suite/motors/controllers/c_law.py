"""Control of currents, torque, speed and position as C: the functions over rows themselves, in single precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_source import CLaw
from gym_suite.analysis.c_translation import Batch, Numbers, Sampled, Slots, Table, law_of
from gym_suite.core.columns import Column, Columns
from gym_suite.motors.controllers.laws import LAW, MEMORY, SEEN
from gym_suite.motors.machines import SATURATED, Machine, group_of
from gym_suite.motors.observer import flux_frame, follow_flux
from gym_suite.motors.quantities import STATES, X
from gym_suite.motors.transforms import turn

#: Name and meaning of a table of operating points in the file.
_POINTS = "points", "bound of the flux (Vs), largest torque (N m), currents (A) for parts of it"
_AXES = "alpha", "beta"
#: What gives cosine and sine in single precision.
_SINGLE = {turn: ("cosine_of", "sine_of")}


def law_in_c(
    rows: Callable[..., None],
    machine: Machine,
    numbers: Sequence[NDArray[np.float64]],
    take: Sequence[tuple[int, int]],
    scale: NDArray[np.float64],
    setup: Any,
) -> CLaw:
    """Return a law of :mod:`gym_suite.motors.controllers.cascade` in C.

    Args:
        rows: The function over rows.
        machine: The nominal machine, which axes and parameters have their names and meanings from.
        numbers: Row of :data:`gym_suite.motors.controllers.laws.LAW`, and the table of operating points of laws that
            have one.
        take: Which column of the observation stands for which column of what the law sees.
        scale: Scale of each column that the law sees.
        setup: The id's setup, for the columns of observation and action.

    Raises:
        ValueError: For a machine whose iron saturates.
    """
    if machine.group == SATURATED:
        raise ValueError(
            f"control by the flux map of {type(machine).__name__} is not written in C: its inductances are second "
            "differences of a co-energy, for which single precision has too few digits"
        )
    law, *tables = numbers
    seen = list(SEEN)
    for k, j in take:
        seen[k] = setup.observation_columns[j]
    told = _numbers(machine, law), *(Table(one, *_POINTS) for one in tables)
    group = group_of(machine.group)

    def follow(translation: Any, seen: Slots, memory: Slots, action: Slots) -> None:
        translation.run(rows, group, Batch(seen), Batch(memory), *told, Batch(action))

    return law_of(
        Sampled(
            follow=follow,
            seen=Columns(*seen),
            memory=_named(MEMORY, machine),
            take=take,
            scale=scale,
            answers=len(setup.action_columns),
            single=_SINGLE,
        )
    )


def flux_observer_in_c(
    machine: Machine, law: NDArray[np.float64], frame: Sequence[Column]
) -> tuple[CLaw, Columns, Columns]:
    """Return the flux observer that the drive of an induction machine has, :mod:`gym_suite.motors.observer`, in C.

    The law sees the direction and the amplitude of a flux that nothing measures: firmware has to run this beside it,
    at each sample before the law, which then sees what it answers.

    Args:
        machine: The nominal machine.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        frame: Columns of the observation for sine and cosine of the direction, and the flux.

    Returns:
        The observer, the columns of what it measures, and those of what it answers, which are ``frame``.
    """
    measured = Columns(STATES["i_salpha"], STATES["i_sbeta"], STATES["omega"])
    memory = Columns(
        *(STATES[f"flux_{axis}"] for axis in _AXES),
        *(replace(STATES[f"i_s{axis}"], name=f"last_{axis}") for axis in _AXES),
    )

    def follow(translation: Any, seen: Slots, memory: Slots, answer: Slots) -> None:
        x = translation.row(Slots(STATES.names, [0.0] * len(STATES)))
        for name, value in zip(measured.names, seen.held, strict=True):
            x.held[STATES.index(name)] = value
        x.held[X.flux_alpha], x.held[X.flux_beta], *before = memory.held
        translation.run(follow_flux, x, tuple(before), _numbers(machine, law))
        cosine, sine, flux = translation.run(flux_frame, x)
        part = translation.reckon("/", flux, frame[2].scale)
        answer.held[:] = translation.bind("answer", (sine, cosine, part))
        memory.held[:] = x.held[X.flux_alpha], x.held[X.flux_beta], *seen.held[:2]

    count = len(measured)
    done = Sampled(
        follow=follow,
        seen=measured,
        memory=memory,
        take=[(k, k) for k in range(count)],
        scale=np.ones(count),
        answers=len(frame),
        single=_SINGLE,
    )
    return law_of(done), measured, Columns(*frame)


def _numbers(machine: Machine, law: NDArray[np.float64]) -> Numbers:
    return Numbers(law, _named(LAW, machine))


def _named(columns: Columns, machine: Machine) -> Columns:
    """Return columns with the names of a machine's axes, and its own meanings of its parameters."""
    axes = dict(enumerate(machine.currents))
    own = {f.name: f.metadata for f in fields(machine) if "meaning" in f.metadata}  # type: ignore[arg-type]
    made: list[Column] = []
    for column in columns:
        first, _, last = column.name.rpartition("_")
        if column.name in own:
            column = replace(column, meaning=own[column.name]["meaning"])
        elif last.isdigit() and int(last) in axes and column.meaning.endswith("of an axis"):
            axis = axes[int(last)]
            meaning = f"{column.meaning.removesuffix('an axis')}{axis}"
            column = replace(column, name=f"{first}_{axis}", meaning=meaning)
        made.append(column)
    return Columns(*made)
