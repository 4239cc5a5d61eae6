"""What a drone observes."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.drones.dynamics import POSITION, RATE, VELOCITY, attitude
from gym_suite.drones.tasks.layout import (
    HISTORY,
    OBSERVATION_BOUND,
    P_HISTORY,
    P_NEIGHBOUR_RADIUS,
    P_NEIGHBOURS,
    P_TASK,
    SCALES,
    TARGET,
    TARGET_ACCELERATION,
    TARGET_VELOCITY,
    TASK_HOVER,
)
from gym_suite.drones.transforms import turn_back


@kernel
def _bounded(value):
    return min(max(value, -OBSERVATION_BOUND), OBSERVATION_BOUND)


@kernel
def observe_one(agents, j, size, p, o):
    """Fill the observation of drone j."""
    a = agents[j]
    r = attitude(a)
    wx, wy, wz = turn_back(r, a[RATE], a[RATE + 1], a[RATE + 2])
    for c in range(3):
        o[c] = _bounded((a[TARGET + c] - a[POSITION + c]) / SCALES[0])
        o[3 + c] = _bounded(a[VELOCITY + c] / SCALES[1])
    for c in range(9):
        o[6 + c] = min(max(r[c], -1.0), 1.0)
    o[15] = _bounded(wx / SCALES[3])
    o[16] = _bounded(wy / SCALES[3])
    o[17] = _bounded(wz / SCALES[3])
    o[18] = _bounded(a[POSITION + 2] / SCALES[0])
    at = 19
    if int(p[P_TASK]) != TASK_HOVER:
        for c in range(3):
            o[at + c] = _bounded(a[TARGET_VELOCITY + c] / SCALES[1])
            o[at + 3 + c] = _bounded(a[TARGET_ACCELERATION + c] / SCALES[2])
        at += 6
    for k in range(int(p[P_HISTORY]) * size):
        o[at + k] = a[HISTORY + k]
    at += int(p[P_HISTORY]) * size
    _observe_neighbours(agents, j, p, o, at)


@kernel
def _apart(a, b):
    dx, dy = b[POSITION] - a[POSITION], b[POSITION + 1] - a[POSITION + 1]
    dz = b[POSITION + 2] - a[POSITION + 2]
    return dx * dx + dy * dy + dz * dz


@kernel
def _observe_neighbours(agents, j, p, o, at):
    """Fill relative position and velocity of the nearest drones, nearest first; zeros where none is in reach."""
    count = agents.shape[0]
    last, last_at = -1.0, 0
    for _ in range(int(p[P_NEIGHBOURS])):
        # The next one in the order of (distance, drones counted on from j), without memory.
        nearest, found = math.inf, 0
        for k in range(1, count):
            apart = _apart(agents[j], agents[(j + k) % count])
            later = apart > last or (apart == last and k > last_at)
            if later and apart < nearest:
                nearest, found = apart, k
        last, last_at = nearest, found
        b, a = agents[(j + found) % count], agents[j]
        seen = 1.0 if found > 0 and nearest < p[P_NEIGHBOUR_RADIUS] ** 2 else 0.0
        for c in range(3):
            o[at + c] = seen * _bounded((b[POSITION + c] - a[POSITION + c]) / SCALES[0])
            o[at + 3 + c] = seen * _bounded((b[VELOCITY + c] - a[VELOCITY + c]) / SCALES[1])
        at += 6
