"""References: a place, a path that the time since reset and the episode's key decide, a ring of places about either."""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform4
from gym_suite.drones.columns import PARAMETERS, STATES

X, P = STATES.places, PARAMETERS.places

#: Kinds of references: a place that stays, and paths about it.
REFERENCES = ("place", "circle", "lemniscate", "helix", "table")
PLACE, CIRCLE, LEMNISCATE, HELIX, TABLE = range(len(REFERENCES))
HEIGHT = 1.0  # m, of places and of paths' centres
STREAM_PATH = 1 << 16


@kernel
def refer_one(agents, key, step, p, table):
    """Write the references of a world's drones at control period ``step`` into their columns.

    Args:
        agents: The drones.
        key: The episode's key.
        step: Control periods since reset.
        p: Parameters.
        table: The path of the kind "table", (rows, 4) of time, x, y, z, or (rows, 10) with two derivatives.
    """
    count = agents.shape[0]
    t = step * p[P.ratio] * p[P.dt]
    kind = int(p[P.reference])
    for j in range(count):
        a = agents[j]
        for c in range(9):
            a[X.target_x + c] = 0.0
        a[X.target_z] = HEIGHT
        if kind == TABLE:
            _follow_table(a, t, table)
        elif kind != PLACE:
            _follow_path(a, kind, key, t, p)
        if count > 1:
            angle = 2.0 * math.pi * slot(j, count, t, p) / count
            a[X.target_x] += p[P.spacing] * math.cos(angle)
            a[X.target_y] += p[P.spacing] * math.sin(angle)


@called_kernel
def _follow_table(a, t, table):
    """Write position and velocity at time t on a path of (rows of time, x, y, z), at rest before and after it.

    With velocities and accelerations in further columns it is smooth, and its acceleration is written too.
    """
    last = table.shape[0] - 1
    if t < table[0, 0] or t >= table[last, 0]:
        end = 0 if t < table[0, 0] else last
        for c in range(3):
            a[X.target_x + c] = table[end, 1 + c]
        return
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, 0] <= t:
            low = middle
        else:
            high = middle
    span = table[high, 0] - table[low, 0]
    if table.shape[1] > 4:
        _follow_quintic(a, (t - table[low, 0]) / span, span, table, low)
        return
    s = (t - table[low, 0]) / span * span
    for c in range(3):
        speed = (table[high, 1 + c] - table[low, 1 + c]) / span
        a[X.target_x + c] = table[low, 1 + c] + s * speed
        a[X.target_velocity_x + c] = speed


@kernel
def _follow_quintic(a, s, h, table, low):
    """Write the quintic that meets place, velocity and acceleration of two rows, h apart, at the share s of the way."""
    for c in range(3):
        p_0, p_1 = table[low, 1 + c], table[low + 1, 1 + c]
        v_0, v_1 = h * table[low, 4 + c], h * table[low + 1, 4 + c]
        a_0, a_1 = h * h * table[low, 7 + c], h * h * table[low + 1, 7 + c]
        way = p_1 - p_0
        k_3 = 10.0 * way - 6.0 * v_0 - 4.0 * v_1 - 1.5 * a_0 + 0.5 * a_1
        k_4 = -15.0 * way + 8.0 * v_0 + 7.0 * v_1 + 1.5 * a_0 - a_1
        k_5 = 6.0 * way - 3.0 * (v_0 + v_1) - 0.5 * (a_0 - a_1)
        a[X.target_x + c] = p_0 + s * (v_0 + s * (0.5 * a_0 + s * (k_3 + s * (k_4 + s * k_5))))
        slope = v_0 + s * (a_0 + s * (3.0 * k_3 + s * (4.0 * k_4 + s * 5.0 * k_5)))
        bend = a_0 + s * (6.0 * k_3 + s * (12.0 * k_4 + s * 20.0 * k_5))
        a[X.target_velocity_x + c] = slope / h
        a[X.target_acceleration_x + c] = bend / (h * h)


@called_kernel
def _follow_path(a, kind, key, t, p):
    """Write where a path is at time t, and its derivatives."""
    size, w = p[P.path_size], 2.0 * math.pi / p[P.path_period]
    begun = uniform4(key, 0, STREAM_PATH)[0] * p[P.path_period]
    angle = w * (t + begun)
    sine, cosine = math.sin(angle), math.cos(angle)
    rise = p[P.path_rise]
    if kind == HELIX:
        a[X.target_z] += rise * t / p[P.path_period]
        a[X.target_velocity_z] = rise / p[P.path_period]
    else:
        a[X.target_z] += rise * sine
        a[X.target_velocity_z] = rise * w * cosine
        a[X.target_acceleration_z] = -rise * w * w * sine
    if kind == LEMNISCATE:  # of Gerono
        double_sine, double_cosine = 2.0 * sine * cosine, cosine * cosine - sine * sine
        a[X.target_x], a[X.target_y] = size * sine, 0.5 * size * double_sine
        a[X.target_velocity_x] = size * w * cosine
        a[X.target_velocity_y] = size * w * double_cosine
        a[X.target_acceleration_x] = -size * w * w * sine
        a[X.target_acceleration_y] = -2.0 * size * w * w * double_sine
        return
    a[X.target_x], a[X.target_y] = size * cosine, size * sine
    a[X.target_velocity_x], a[X.target_velocity_y] = -size * w * sine, size * w * cosine
    a[X.target_acceleration_x] = -size * w * w * cosine
    a[X.target_acceleration_y] = -size * w * w * sine


@kernel
def slot(j, count, t, p):
    """Return which place on the ring is drone j's at time t: every swap sends it to the opposite one."""
    if p[P.swap_period] <= 0.0:
        return j
    swaps = math.floor(t / p[P.swap_period] + 0.75 + 1e-9)  # the first after a quarter of a period
    return (j + int(swaps) * (count // 2)) % count
