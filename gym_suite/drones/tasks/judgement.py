"""Reward, end and metrics of a world."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.drones import parameters as pm
from gym_suite.drones.dynamics import COMMAND, POSITION, RATE, VELOCITY, attitude
from gym_suite.drones.tasks.layout import (
    CLIPPED,
    HISTORY,
    P_BOUND,
    P_ERROR_SCALE,
    P_PENALTY,
    P_W_EFFORT,
    P_W_POSITION,
    P_W_RATES,
    P_W_SMOOTHNESS,
    PER_DRONE,
    SCALES,
    SHARED,
    TARGET,
    TERMS,
)


@kernel
def _crashed(agents, j, p):
    """Return whether a drone touches the floor or another one, or is too far from its target."""
    a = agents[j]
    r = attitude(a)
    tilt_sine = math.sqrt(max(1.0 - r[8] * r[8], 0.0))
    lowest = a[POSITION + 2] - p[pm.P_RADIUS] * tilt_sine - 0.5 * p[pm.P_HEIGHT] * abs(r[8])
    if lowest < 1e-3:
        return True
    far = 0.0
    for c in range(3):
        far += (a[POSITION + c] - a[TARGET + c]) ** 2
    if not far < p[P_BOUND] ** 2:
        return True
    for i in range(agents.shape[0]):
        if i != j:
            apart = 0.0
            for c in range(3):
                apart += (a[POSITION + c] - agents[i, POSITION + c]) ** 2
            if apart < (2.0 * p[pm.P_RADIUS]) ** 2:
                return True
    return False


@kernel
def distance(a):
    """Return how far a drone is from its target, m."""
    dx = a[TARGET] - a[POSITION]
    dy = a[TARGET + 1] - a[POSITION + 1]
    dz = a[TARGET + 2] - a[POSITION + 2]
    return math.sqrt(dx * dx + dy * dy + dz * dz)


@kernel
def measure_one(agents, p, m):
    """Fill the metrics that follow from the state."""
    clipped, farthest = 0.0, 0.0
    for j in range(agents.shape[0]):
        a, at = agents[j], TERMS + SHARED + j * PER_DRONE
        clipped += a[CLIPPED]
        for c in range(3):
            m[at + c] = a[POSITION + c]
            m[at + 3 + c] = a[TARGET + c]
        gap = distance(a)
        farthest = max(farthest, gap)
        m[at + 6] = gap
        m[at + 7] = math.sqrt(a[VELOCITY] ** 2 + a[VELOCITY + 1] ** 2 + a[VELOCITY + 2] ** 2)
        for c in range(4):
            m[at + 8 + c] = a[COMMAND + c]
    m[TERMS + 1] = clipped
    m[TERMS + 2] = farthest


@kernel
def judge_one(agents, before, size, p, m, reward, terminated):
    """Fill reward and end of each drone, and their mean terms in the metrics.

    Args:
        agents: The drones after the step.
        before: Work row; ``before[j, k]`` is the action before this one.
        size: Numbers in an action.
        p: Parameters.
        m: Metrics.
        reward: (drones,).
        terminated: (drones,).
    """
    count = agents.shape[0]
    for k in range(TERMS + 1):
        m[k] = 0.0
    for j in range(count):
        a = agents[j]
        near = p[P_W_POSITION] * max(1.0 - distance(a) / p[P_ERROR_SCALE], 0.0)
        square = (a[RATE] ** 2 + a[RATE + 1] ** 2 + a[RATE + 2] ** 2) / SCALES[3] ** 2
        effort, change = 0.0, 0.0
        for k in range(size):
            effort += a[HISTORY + k] ** 2 / size
            change += (a[HISTORY + k] - before[j * size + k]) ** 2 / size
        ended = _crashed(agents, j, p)
        rates = -p[P_W_RATES] * min(square, 10.0)
        crash = -p[P_PENALTY] if ended else 0.0
        effort *= -p[P_W_EFFORT]
        change *= -p[P_W_SMOOTHNESS]
        reward[j] = near + rates + effort + change + crash
        terminated[j] = ended
        m[0] += near / count
        m[1] += rates / count
        m[2] += effort / count
        m[3] += change / count
        m[4] += crash / count
        if ended:
            m[TERMS] = 1.0
