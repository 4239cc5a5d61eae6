"""The explicit loops over rows, made for each group of machines; see :class:`gym_suite.core.family.Kernels`.

A loop is compiled when it is first called, for its group alone, and for averaged or for switched converters.
"""

from __future__ import annotations

from functools import cache

from gym_suite.core.family import Kernels, clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.motors.carrier import AVERAGED, DISPOSED
from gym_suite.motors.dissipation import measure_powers, start_warm
from gym_suite.motors.dynamics import advance_one
from gym_suite.motors.link import FED_LINK, IDEAL_LINK, measure_link, start_link
from gym_suite.motors.lossy import advance_lossy_one
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    SYNCHRONOUS,
    group_of,
)
from gym_suite.motors.modulated import advance_modulated_one
from gym_suite.motors.overmodulation import HEXAGON
from gym_suite.motors.quantities import X
from gym_suite.motors.switching import advance_switched_one, switch_off
from gym_suite.motors.tasks import (
    forget_earnings,
    judge_one,
    measure_one,
    observe_one,
    refer_one,
    reset_one,
    tell_one,
)
from gym_suite.motors.three_level import (
    THREE_LEVEL,
    TWO_LEVEL,
    advance_three_level_one,
    measure_neutral,
    start_at_neutral,
)


@kernel
def first_of(skip):
    """Return the first row that is not skipped, 0 if there is none.

    Its scratch serves for all rows of a call, so that it stays in the cache. Threads move rows of their own, so each
    has another.
    """
    for i in range(skip.shape[0]):
        if not skip[i]:
            return i
    return 0


@kernel
def next_of(mask, i):
    """Return the first masked row from i on, the number of rows if there is none."""
    while i < mask.shape[0] and not mask[i]:
        i += 1
    return i


@kernel
def judge_moved(group, i, x, key, step, p, tables, q, m, o, reward, terminated):
    """Judge and observe row i, which has moved by a period that is still to be counted."""
    own, row = p[parameter_row(p, i)], x[i]
    step[i] += 1
    refer_one(group, row, key[i], step[i], own, tables)
    measure_one(group, row, own, tables, q)
    reward[i, 0], terminated[i, 0] = judge_one(group, row, own, tables, q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, row, key[i], step[i], own, tables, q, o[i])


@kernel
def _step(group, i, x, key, step, u, p, tables, q, m, o, reward, terminated):
    """Advance, judge and observe row i: state, reference, metrics and observation belong to the same instant."""
    row = x[i]
    row[X.clipped] = clip_action(u[i])
    advance_one(group, row, key[i], step[i], u[i], p[parameter_row(p, i)], tables)
    judge_moved(group, i, x, key, step, p, tables, q, m, o, reward, terminated)


@kernel
def _step_modulated(
    group,
    supply,
    carrier,
    levels,
    reach,
    i,
    x,
    key,
    step,
    u,
    p,
    tables,
    q,
    m,
    o,
    reward,
    terminated,
):
    """Do as :func:`_step` with a supply whose voltage moves, legs that follow a carrier, or over-modulation."""
    own, row = p[parameter_row(p, i)], x[i]
    row[X.clipped] = clip_action(u[i])
    advance_modulated_one(group, supply, carrier, reach, row, key[i], step[i], u[i], own, tables)
    step[i] += 1
    refer_one(group, row, key[i], step[i], own, tables)
    measure_one(group, row, own, tables, q)
    measure_link(supply, row, q)
    measure_neutral(levels, row, q)
    reward[i, 0], terminated[i, 0] = judge_one(group, row, own, tables, q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, row, key[i], step[i], own, tables, q, o[i])


@kernel
def _advance_switched(group, supply, levels, x, key, step, u, p, tables):
    """Move a row with a switched converter of two or of three levels by one period."""
    if len(levels) > 0:
        advance_three_level_one(group, x, key, step, u, p, tables)
    else:
        advance_switched_one(group, supply, x, key, step, u, p, tables)


@kernel
def _step_switched(
    group, supply, levels, i, x, key, step, u, p, tables, q, m, o, reward, terminated
):
    """Do as :func:`_step` with a switched converter, whose switching states are whole numbers."""
    own, row = p[parameter_row(p, i)], x[i]
    _advance_switched(group, supply, levels, row, key[i], step[i], u[i], own, tables)
    step[i] += 1
    refer_one(group, row, key[i], step[i], own, tables)
    measure_one(group, row, own, tables, q)
    measure_link(supply, row, q)
    measure_neutral(levels, row, q)
    reward[i, 0], terminated[i, 0] = judge_one(group, row, own, tables, q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, row, key[i], step[i], own, tables, q, o[i])


@kernel
def _step_lossy(group, i, x, key, step, u, p, tables, q, m, o, reward, terminated):
    """Do as :func:`_step` with losses and heat."""
    own, row = p[parameter_row(p, i)], x[i]
    row[X.clipped] = clip_action(u[i])
    advance_lossy_one(group, row, key[i], step[i], u[i], own, tables)
    step[i] += 1
    refer_one(group, row, key[i], step[i], own, tables)
    measure_one(group, row, own, tables, q)
    measure_powers(row, own, tables, q)
    reward[i, 0], terminated[i, 0] = judge_one(group, row, own, tables, q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, row, key[i], step[i], own, tables, q, o[i])


@kernel
def _look(group, i, x, key, step, p, tables, q, m, o):
    """Observe row i where no step has been made."""
    own = p[parameter_row(p, i)]
    measure_one(group, x[i], own, tables, q)
    forget_earnings(q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, x[i], key[i], step, own, tables, q, o[i])


@kernel
def _look_linked(group, supply, levels, i, x, key, step, p, tables, q, m, o):
    """Do as :func:`_look` with the quantities of the link and of its neutral point."""
    own = p[parameter_row(p, i)]
    measure_one(group, x[i], own, tables, q)
    measure_link(supply, x[i], q)
    measure_neutral(levels, x[i], q)
    forget_earnings(q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, x[i], key[i], step, own, tables, q, o[i])


@kernel
def _look_lossy(group, i, x, key, step, p, tables, q, m, o):
    """Do as :func:`_look` with losses and temperatures."""
    own = p[parameter_row(p, i)]
    measure_one(group, x[i], own, tables, q)
    measure_powers(x[i], own, tables, q)
    forget_earnings(q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, x[i], key[i], step, own, tables, q, o[i])


def loops_of_group(number: int) -> Kernels:
    """Return the loops of a group: the same four functions, in which the group is a constant.

    Args:
        number: The group's.
    """
    group = group_of(number)

    @kernel
    def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
        """Move all rows not skipped by one control period."""
        wrong = first_not_finite(u, skip)
        q = work[first_of(skip)]
        for i in range(x.shape[0] if wrong < 0 else 0):
            if not skip[i]:
                _step(group, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
        return wrong

    @kernel
    def reset_batch(x, key, p, tables, work, m, o, mask):
        """Start the masked rows."""
        i = next_of(mask, 0)
        while i < x.shape[0]:
            reset_one(group, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(group, i, x, key, 0, p, tables, work[i], m, o)
            i = next_of(mask, i + 1)

    @kernel
    def observe_batch(x, key, step, p, tables, work, m, o, mask):
        """Fill observations and metrics of the masked rows from their states."""
        for i in range(x.shape[0]):
            if mask[i]:
                _look(group, i, x, key, step[i], p, tables, work[i], m, o)

    @kernel
    def advance_batch(x, key, step, u, p, tables, work):
        """Move rows by one control period: the physics alone."""
        for i in range(x.shape[0]):
            advance_one(group, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
            step[i] += 1

    return Kernels(step=step_batch, reset=reset_batch, observe=observe_batch, advance=advance_batch)


def modulated_loops_of_group(
    number: int, supply: tuple[int, ...], carrier: tuple[int, ...], reach: tuple[int, ...]
) -> Kernels:
    """Return the loops of a group whose supply's voltage moves, or whose converter does more than give a mean.

    Args:
        number: The group's.
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        carrier: One of :data:`gym_suite.motors.carrier.AVERAGED` and those beside it.
        reach: :data:`gym_suite.motors.overmodulation.HEXAGON` or :data:`gym_suite.motors.overmodulation.SIX_STEP`.
    """
    group = group_of(number)
    levels = THREE_LEVEL if carrier == DISPOSED else TWO_LEVEL

    @kernel
    def step_modulated(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
        """Move all rows not skipped by one control period."""
        wrong = first_not_finite(u, skip)
        q = work[first_of(skip)]
        for i in range(x.shape[0] if wrong < 0 else 0):
            if not skip[i]:
                _step_modulated(
                    group,
                    supply,
                    carrier,
                    levels,
                    reach,
                    i,
                    x,
                    key,
                    step,
                    u,
                    p,
                    tables,
                    q,
                    m,
                    o,
                    reward,
                    terminated,
                )
        return wrong

    @kernel
    def reset_modulated(x, key, p, tables, work, m, o, mask):
        """Start the masked rows."""
        for i in range(x.shape[0]):
            if mask[i]:
                reset_one(group, x[i], key[i], p[parameter_row(p, i)], tables)
                start_link(supply, x[i], key[i], p[parameter_row(p, i)], tables)
                _look_linked(group, supply, levels, i, x, key, 0, p, tables, work[i], m, o)

    @kernel
    def observe_modulated(x, key, step, p, tables, work, m, o, mask):
        """Fill observations and metrics of the masked rows from their states."""
        for i in range(x.shape[0]):
            if mask[i]:
                _look_linked(group, supply, levels, i, x, key, step[i], p, tables, work[i], m, o)

    @kernel
    def advance_modulated(x, key, step, u, p, tables, work):
        """Move rows by one control period: the physics alone."""
        for i in range(x.shape[0]):
            advance_modulated_one(
                group,
                supply,
                carrier,
                reach,
                x[i],
                key[i],
                step[i],
                u[i],
                p[parameter_row(p, i)],
                tables,
            )
            step[i] += 1

    return Kernels(
        step=step_modulated,
        reset=reset_modulated,
        observe=observe_modulated,
        advance=advance_modulated,
    )


def switched_loops_of_group(
    number: int, supply: tuple[int, ...], levels: tuple[int, ...]
) -> Kernels:
    """Return the loops of a group whose converters are switched.

    Args:
        number: The group's.
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        levels: :data:`gym_suite.motors.three_level.TWO_LEVEL` or :data:`gym_suite.motors.three_level.THREE_LEVEL`.
    """
    group = group_of(number)

    @kernel
    def step_switched(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
        """Move all rows not skipped by one period."""
        wrong = first_not_finite(u, skip)
        q = work[first_of(skip)]
        for i in range(x.shape[0] if wrong < 0 else 0):
            if not skip[i]:
                _step_switched(
                    group,
                    supply,
                    levels,
                    i,
                    x,
                    key,
                    step,
                    u,
                    p,
                    tables,
                    q,
                    m,
                    o,
                    reward,
                    terminated,
                )
        return wrong

    @kernel
    def reset_switched(x, key, p, tables, work, m, o, mask):
        """Start the masked rows."""
        for i in range(x.shape[0]):
            if mask[i]:
                reset_one(group, x[i], key[i], p[parameter_row(p, i)], tables)
                switch_off(x[i])
                start_at_neutral(levels, x[i])
                start_link(supply, x[i], key[i], p[parameter_row(p, i)], tables)
                _look_linked(group, supply, levels, i, x, key, 0, p, tables, work[i], m, o)

    @kernel
    def observe_switched(x, key, step, p, tables, work, m, o, mask):
        """Fill observations and metrics of the masked rows from their states."""
        for i in range(x.shape[0]):
            if mask[i]:
                _look_linked(group, supply, levels, i, x, key, step[i], p, tables, work[i], m, o)

    @kernel
    def advance_switched(x, key, step, u, p, tables, work):
        """Move rows by one period: the physics alone."""
        for i in range(x.shape[0]):
            own = p[parameter_row(p, i)]
            _advance_switched(group, supply, levels, x[i], key[i], step[i], u[i], own, tables)
            step[i] += 1

    return Kernels(
        step=step_switched,
        reset=reset_switched,
        observe=observe_switched,
        advance=advance_switched,
    )


def lossy_loops_of_group(number: int) -> Kernels:
    """Return the loops of a group whose losses are computed and whose machines warm.

    Args:
        number: The group's, of a synchronous machine with one winding.
    """
    group = group_of(number)

    @kernel
    def step_lossy(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
        """Move all rows not skipped by one control period."""
        wrong = first_not_finite(u, skip)
        q = work[first_of(skip)]
        for i in range(x.shape[0] if wrong < 0 else 0):
            if not skip[i]:
                _step_lossy(group, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
        return wrong

    @kernel
    def reset_lossy(x, key, p, tables, work, m, o, mask):
        """Start the masked rows."""
        for i in range(x.shape[0]):
            if mask[i]:
                reset_one(group, x[i], key[i], p[parameter_row(p, i)], tables)
                start_warm(x[i], key[i], p[parameter_row(p, i)])
                _look_lossy(group, i, x, key, 0, p, tables, work[i], m, o)

    @kernel
    def observe_lossy(x, key, step, p, tables, work, m, o, mask):
        """Fill observations and metrics of the masked rows from their states."""
        for i in range(x.shape[0]):
            if mask[i]:
                _look_lossy(group, i, x, key, step[i], p, tables, work[i], m, o)

    @kernel
    def advance_lossy(x, key, step, u, p, tables, work):
        """Move rows by one control period: the physics alone."""
        for i in range(x.shape[0]):
            own = p[parameter_row(p, i)]
            advance_lossy_one(group, x[i], key[i], step[i], u[i], own, tables)
            step[i] += 1

    return Kernels(step=step_lossy, reset=reset_lossy, observe=observe_lossy, advance=advance_lossy)


_GROUPS = (SYNCHRONOUS, EXCITED, DC, INDUCTION, DOUBLY_FED, SIX_PHASE, SATURATED)
#: The loops of each group by its number, of averaged converters at an ideal supply.
KERNELS = {number: loops_of_group(number) for number in _GROUPS}


@cache
def switched_kernels(number: int, fed: bool, levels: tuple[int, ...] = TWO_LEVEL) -> Kernels:
    """Return the loops of a group's switched converters; they are made when somebody first asks for them.

    Args:
        number: The group's.
        fed: Whether the supply's voltage moves.
        levels: :data:`gym_suite.motors.three_level.TWO_LEVEL` or :data:`gym_suite.motors.three_level.THREE_LEVEL`.
    """
    return switched_loops_of_group(number, FED_LINK if fed else IDEAL_LINK, levels)


@cache
def modulated_kernels(
    number: int, fed: bool, carrier: tuple[int, ...], reach: tuple[int, ...]
) -> Kernels:
    """Return the loops of a group whose voltages are commanded; they are made when somebody first asks for them.

    Args:
        number: The group's.
        fed: Whether the supply's voltage moves.
        carrier: One of :data:`gym_suite.motors.carrier.AVERAGED` and those beside it.
        reach: :data:`gym_suite.motors.overmodulation.HEXAGON` or :data:`gym_suite.motors.overmodulation.SIX_STEP`.
    """
    if not fed and carrier == AVERAGED and reach == HEXAGON:
        return KERNELS[number]
    return modulated_loops_of_group(number, FED_LINK if fed else IDEAL_LINK, carrier, reach)


@cache
def lossy_kernels(number: int) -> Kernels:
    """Return the loops of a group whose losses are computed; they are made when somebody first asks for them.

    Args:
        number: The group's, of a synchronous machine with one winding.
    """
    return lossy_loops_of_group(number)
