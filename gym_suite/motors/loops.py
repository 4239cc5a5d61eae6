"""The explicit loops over rows, each compiled when it is first called.

What is known before a loop begins is a constant in it, so that the compiler drops the rest. :func:`step_plain` is for
machines in the rotor's frame under a voltage, at held speed, with random current references and nothing else in play
(measured on gem/PMSM-v0: a third faster); :func:`gym_suite.motors.envs.setup.kernels` chooses.
"""

from __future__ import annotations

from gym_suite.core.family import Kernels, clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.motors.dynamics import advance_one
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


@kernel
def _step(i, x, key, step, u, p, tables, work, m, o, reward, terminated, plain):
    """Advance, judge and observe row i: state, reference, metrics and observation belong to the same instant."""
    own, q, row = p[parameter_row(p, i)], work[i], x[i]
    row[X.clipped] = clip_action(u[i])
    advance_one(row, key[i], step[i], u[i], own, tables, plain)
    step[i] += 1
    refer_one(row, key[i], step[i], own, tables, plain)
    measure_one(row, own, tables, q)
    reward[i, 0], terminated[i, 0] = judge_one(row, own, tables, q)
    tell_one(own, tables, q, m[:, i])
    observe_one(row, key[i], step[i], own, tables, q, o[i], plain)


@kernel
def step_plain(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if not skip[i]:
            _step(i, x, key, step, u, p, tables, work, m, o, reward, terminated, True)
    return -1


@kernel
def step_synchronous(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if not skip[i]:
            _step(i, x, key, step, u, p, tables, work, m, o, reward, terminated, False)
    return -1


@kernel
def _look(i, x, key, step, p, tables, work, m, o):
    own, q = p[parameter_row(p, i)], work[i]
    measure_one(x[i], own, tables, q)
    forget_earnings(q)
    tell_one(own, tables, q, m[:, i])
    observe_one(x[i], key[i], step, own, tables, q, o[i], False)


@kernel
def reset_rows(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(x[i], key[i], p[parameter_row(p, i)], tables)
            _look(i, x, key, 0, p, tables, work, m, o)


@kernel
def observe_rows(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(i, x, key, step[i], p, tables, work, m, o)


@kernel
def advance_plain(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables, True)
        step[i] += 1


@kernel
def advance_synchronous(x, key, step, u, p, tables, work):
    """Move rows by one control period: the physics alone."""
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables, False)
        step[i] += 1


PLAIN = Kernels(step=step_plain, reset=reset_rows, observe=observe_rows, advance=advance_plain)
SYNCHRONOUS = Kernels(
    step=step_synchronous, reset=reset_rows, observe=observe_rows, advance=advance_synchronous
)
