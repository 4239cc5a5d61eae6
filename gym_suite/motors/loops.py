"""The explicit loops over rows, four for each group of machines; see :class:`gym_suite.core.family.Kernels`.

A loop is compiled when it is first called, for its group alone.
"""

from __future__ import annotations

from gym_suite.core.family import Kernels, clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.motors.dynamics import advance_one
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SIX_PHASE,
    SYNCHRONOUS,
    group_of,
)
from gym_suite.motors.quantities import X
from gym_suite.motors.tasks import (
    forget_earnings,
    judge_one,
    measure_one,
    observe_one,
    refer_one,
    reset_one,
    tell_one,
)

_SYNCHRONOUS, _EXCITED = group_of(SYNCHRONOUS), group_of(EXCITED)
_DC = group_of(DC)
_INDUCTION = group_of(INDUCTION)
_DOUBLY_FED, _SIX_PHASE = group_of(DOUBLY_FED), group_of(SIX_PHASE)


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
def _step(group, i, x, key, step, u, p, tables, q, m, o, reward, terminated):
    """Advance, judge and observe row i: state, reference, metrics and observation belong to the same instant."""
    own, row = p[parameter_row(p, i)], x[i]
    row[X.clipped] = clip_action(u[i])
    advance_one(group, row, key[i], step[i], u[i], own, tables)
    step[i] += 1
    refer_one(group, row, key[i], step[i], own, tables)
    measure_one(group, row, own, tables, q)
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


# ------------------------------------------------------------------------------------- synchronous


@kernel
def step_synchronous(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period."""
    wrong = first_not_finite(u, skip)
    q = work[first_of(skip)]
    for i in range(x.shape[0] if wrong < 0 else 0):
        if not skip[i]:
            _step(_SYNCHRONOUS, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
    return wrong


@kernel
def reset_synchronous(x, key, p, tables, work, m, o, mask):
    """Start the masked rows."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(_SYNCHRONOUS, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(_SYNCHRONOUS, i, x, key, 0, p, tables, work[i], m, o)


@kernel
def observe_synchronous(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(_SYNCHRONOUS, i, x, key, step[i], p, tables, work[i], m, o)


@kernel
def advance_synchronous(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(_SYNCHRONOUS, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
        step[i] += 1


# ----------------------------------------------------------------------------------------- excited


@kernel
def step_excited(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period."""
    wrong = first_not_finite(u, skip)
    q = work[first_of(skip)]
    for i in range(x.shape[0] if wrong < 0 else 0):
        if not skip[i]:
            _step(_EXCITED, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
    return wrong


@kernel
def reset_excited(x, key, p, tables, work, m, o, mask):
    """Start the masked rows."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(_EXCITED, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(_EXCITED, i, x, key, 0, p, tables, work[i], m, o)


@kernel
def observe_excited(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(_EXCITED, i, x, key, step[i], p, tables, work[i], m, o)


@kernel
def advance_excited(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(_EXCITED, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
        step[i] += 1


# ---------------------------------------------------------------------------------------------- DC


@kernel
def step_dc(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period."""
    wrong = first_not_finite(u, skip)
    q = work[first_of(skip)]
    for i in range(x.shape[0] if wrong < 0 else 0):
        if not skip[i]:
            _step(_DC, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
    return wrong


@kernel
def reset_dc(x, key, p, tables, work, m, o, mask):
    """Start the masked rows."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(_DC, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(_DC, i, x, key, 0, p, tables, work[i], m, o)


@kernel
def observe_dc(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(_DC, i, x, key, step[i], p, tables, work[i], m, o)


@kernel
def advance_dc(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(_DC, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
        step[i] += 1


# --------------------------------------------------------------------------------------- induction


@kernel
def step_induction(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period."""
    wrong = first_not_finite(u, skip)
    q = work[first_of(skip)]
    for i in range(x.shape[0] if wrong < 0 else 0):
        if not skip[i]:
            _step(_INDUCTION, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
    return wrong


@kernel
def reset_induction(x, key, p, tables, work, m, o, mask):
    """Start the masked rows."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(_INDUCTION, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(_INDUCTION, i, x, key, 0, p, tables, work[i], m, o)


@kernel
def observe_induction(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(_INDUCTION, i, x, key, step[i], p, tables, work[i], m, o)


@kernel
def advance_induction(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(_INDUCTION, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
        step[i] += 1


# --------------------------------------------------------------------------------------- doubly fed


@kernel
def step_doubly_fed(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period."""
    wrong = first_not_finite(u, skip)
    q = work[first_of(skip)]
    for i in range(x.shape[0] if wrong < 0 else 0):
        if not skip[i]:
            _step(_DOUBLY_FED, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
    return wrong


@kernel
def reset_doubly_fed(x, key, p, tables, work, m, o, mask):
    """Start the masked rows."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(_DOUBLY_FED, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(_DOUBLY_FED, i, x, key, 0, p, tables, work[i], m, o)


@kernel
def observe_doubly_fed(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(_DOUBLY_FED, i, x, key, step[i], p, tables, work[i], m, o)


@kernel
def advance_doubly_fed(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(_DOUBLY_FED, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
        step[i] += 1


# --------------------------------------------------------------------------------------- six phase


@kernel
def step_six_phase(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period."""
    wrong = first_not_finite(u, skip)
    q = work[first_of(skip)]
    for i in range(x.shape[0] if wrong < 0 else 0):
        if not skip[i]:
            _step(_SIX_PHASE, i, x, key, step, u, p, tables, q, m, o, reward, terminated)
    return wrong


@kernel
def reset_six_phase(x, key, p, tables, work, m, o, mask):
    """Start the masked rows."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(_SIX_PHASE, x[i], key[i], p[parameter_row(p, i)], tables)
            _look(_SIX_PHASE, i, x, key, 0, p, tables, work[i], m, o)


@kernel
def observe_six_phase(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(_SIX_PHASE, i, x, key, step[i], p, tables, work[i], m, o)


@kernel
def advance_six_phase(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(_SIX_PHASE, x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)
        step[i] += 1


#: The loops of each group by its number.
KERNELS = {
    SYNCHRONOUS: Kernels(
        step=step_synchronous,
        reset=reset_synchronous,
        observe=observe_synchronous,
        advance=advance_synchronous,
    ),
    EXCITED: Kernels(
        step=step_excited,
        reset=reset_excited,
        observe=observe_excited,
        advance=advance_excited,
    ),
    DC: Kernels(
        step=step_dc,
        reset=reset_dc,
        observe=observe_dc,
        advance=advance_dc,
    ),
    INDUCTION: Kernels(
        step=step_induction,
        reset=reset_induction,
        observe=observe_induction,
        advance=advance_induction,
    ),
    DOUBLY_FED: Kernels(
        step=step_doubly_fed,
        reset=reset_doubly_fed,
        observe=observe_doubly_fed,
        advance=advance_doubly_fed,
    ),
    SIX_PHASE: Kernels(
        step=step_six_phase,
        reset=reset_six_phase,
        observe=observe_six_phase,
        advance=advance_six_phase,
    ),
}
