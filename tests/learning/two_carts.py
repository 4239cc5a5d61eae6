"""A two-agent family for the tests: carts pushed along a line, each may run off it."""

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Kernels, Setup, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.random import normal2

AGENTS = ("left", "right")
EDGE = 1.0


@kernel
def _observe_row(x, m, o, step):
    for a in range(2):
        o[2 * a], o[2 * a + 1] = x[a], x[1 - a]
    m[0], m[1], m[2] = x[0], x[1], step


@kernel
def _step(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        for a in range(2):
            x[i, a] += p[parameter_row(p, i), 0] * u[i, a] + 0.05 * normal2(key[i], step[i], a)[0]
            reward[i, a] = -x[i, a] * x[i, a]
            terminated[i, a] = abs(x[i, a]) > EDGE
        step[i] += 1
        _observe_row(x[i], m[:, i], o[i], step[i])
    return -1


@kernel
def _reset(x, key, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            x[i, 0], x[i, 1] = 0.3 * normal2(key[i], 0, 7)[0], 0.3 * normal2(key[i], 0, 8)[0]
            _observe_row(x[i], m[:, i], o[i], 0)


@kernel
def _observe(x, key, step, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            _observe_row(x[i], m[:, i], o[i], step[i])


@kernel
def _advance(x, key, step, u, p, tables, work):
    for i in range(x.shape[0]):
        for a in range(2):
            x[i, a] += p[parameter_row(p, i), 0] * u[i, a]


def two_carts(*, max_episode_steps=25):
    """The environment; both carts start near 0 and end beyond the edge."""
    setup = Setup(
        id="tests/TwoCarts-v0",
        family="tests",
        kernels=Kernels(step=_step, reset=_reset, observe=_observe, advance=_advance),
        dt=0.1,
        state_columns=Columns(Column("left"), Column("right")),
        action_columns=Columns(Column("push", low=-1.0, high=1.0)),
        observation_columns=Columns(Column("own", low=-3, high=3), Column("other", low=-3, high=3)),
        metric_columns=Columns(Column("left"), Column("right"), Column("count")),
        parameter_columns=Columns(Column("gain")),
        row=np.array([0.2]),
        tables=(),
        agents=AGENTS,
        idle_action=np.zeros(1),
    )
    return KernelParallelEnv(setup, max_episode_steps=max_episode_steps)
