"""References: a place, a path that the time since reset and the episode's key decide, a ring of places."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform4
from gym_suite.drones import parameters as pm
from gym_suite.drones.tasks.layout import (
    HEIGHT,
    P_PATH,
    P_PATH_PERIOD,
    P_PATH_RISE,
    P_PATH_SIZE,
    P_RATIO,
    P_SPACING,
    P_SWAP_PERIOD,
    P_TASK,
    PATH_HELIX,
    PATH_LEMNISCATE,
    PATH_TABLE,
    STREAM_PATH,
    TARGET,
    TASK_HOVER,
)


@kernel
def _start_of_path(key, p):
    return uniform4(key, 0, STREAM_PATH)[0] * p[P_PATH_PERIOD]


@kernel
def _table_reference(t, table):
    """Return position and velocity at time t of (rows of time, x, y, z), held after its end."""
    last = table.shape[0] - 1
    if t >= table[last, 0]:
        return table[last, 1], table[last, 2], table[last, 3], 0.0, 0.0, 0.0
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, 0] <= t:
            low = middle
        else:
            high = middle
    span = table[high, 0] - table[low, 0]
    part = max(t - table[low, 0], 0.0) / span
    vx = (table[high, 1] - table[low, 1]) / span
    vy = (table[high, 2] - table[low, 2]) / span
    vz = (table[high, 3] - table[low, 3]) / span
    s = part * span
    return table[low, 1] + s * vx, table[low, 2] + s * vy, table[low, 3] + s * vz, vx, vy, vz


@kernel
def _follow_path(a, key, t, p, tables):
    """Write where the path is at time t, and its derivatives, into the target's columns."""
    path = int(p[P_PATH])
    if path == PATH_TABLE:
        values = _table_reference(t, tables[0])
        for c in range(6):
            a[TARGET + c] = values[c]
        return
    size, w = p[P_PATH_SIZE], 2.0 * math.pi / p[P_PATH_PERIOD]
    angle = w * (t + _start_of_path(key, p))
    sine, cosine = math.sin(angle), math.cos(angle)
    rise = p[P_PATH_RISE]
    if path == PATH_HELIX:
        a[TARGET + 2] += rise * t / p[P_PATH_PERIOD]
        a[TARGET + 5] = rise / p[P_PATH_PERIOD]
    else:
        a[TARGET + 2] += rise * sine
        a[TARGET + 5] = rise * w * cosine
        a[TARGET + 8] = -rise * w * w * sine
    if path == PATH_LEMNISCATE:  # of Gerono
        double_sine, double_cosine = 2.0 * sine * cosine, cosine * cosine - sine * sine
        a[TARGET], a[TARGET + 1] = size * sine, 0.5 * size * double_sine
        a[TARGET + 3], a[TARGET + 4] = size * w * cosine, size * w * double_cosine
        a[TARGET + 6] = -size * w * w * sine
        a[TARGET + 7] = -2.0 * size * w * w * double_sine
        return
    a[TARGET], a[TARGET + 1] = size * cosine, size * sine
    a[TARGET + 3], a[TARGET + 4] = -size * w * sine, size * w * cosine
    a[TARGET + 6], a[TARGET + 7] = -size * w * w * cosine, -size * w * w * sine


@kernel
def refer(a, j, count, key, step, p, tables):
    """Write the reference of drone j at control period ``step`` into its columns."""
    for c in range(9):
        a[TARGET + c] = 0.0
    a[TARGET + 2] = HEIGHT
    t = step * p[P_RATIO] * p[pm.P_DT]
    if int(p[P_TASK]) != TASK_HOVER:
        _follow_path(a, key, t, p, tables)
    if count > 1:
        angle = 2.0 * math.pi * slot(j, count, t, p) / count
        a[TARGET] += p[P_SPACING] * math.cos(angle)
        a[TARGET + 1] += p[P_SPACING] * math.sin(angle)


@kernel
def slot(j, count, t, p):
    """Return which place on the ring is drone j's at time t: every swap sends it to the opposite one."""
    if p[P_SWAP_PERIOD] <= 0.0:
        return j
    swaps = math.floor(t / p[P_SWAP_PERIOD] + 0.75 + 1e-9)  # the first after a quarter of a period
    return (j + int(swaps) * (count // 2)) % count
