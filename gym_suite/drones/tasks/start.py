"""The starting state of a world."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform4
from gym_suite.drones import parameters as pm
from gym_suite.drones.contacts import WORK_SIZE, WORLD_SIZE
from gym_suite.drones.dynamics import COMMAND, OLD, POSITION, QUATERNION, ROTOR, VELOCITY
from gym_suite.drones.tasks.commands import hover_speed
from gym_suite.drones.tasks.layout import (
    P_START_POSITION,
    P_START_TILT,
    P_START_VELOCITY,
    STREAM_START,
    TARGET,
    TARGET_VELOCITY,
)
from gym_suite.drones.tasks.reference import refer


@kernel
def reset_one(agents, key, p, tables, work):
    """Draw the starting state of a world."""
    count = agents.shape[0]
    for k in range(WORLD_SIZE):
        work[count * WORK_SIZE + k] = 0.0
    for j in range(count):
        a = agents[j]
        a[:] = 0.0
        refer(a, j, count, key, 0, p, tables)
        first = uniform4(key, 0, STREAM_START + 4 * j)
        second = uniform4(key, 0, STREAM_START + 4 * j + 1)
        third = uniform4(key, 0, STREAM_START + 4 * j + 2)
        for c in range(3):
            offset = p[P_START_POSITION] * (2.0 * first[c] - 1.0)
            a[POSITION + c] = a[TARGET + c] + offset
            speed = p[P_START_VELOCITY] * (2.0 * second[c] - 1.0)
            a[VELOCITY + c] = a[TARGET_VELOCITY + c] + speed
        # never started in the floor, however low a path of the user's is
        a[POSITION + 2] = max(a[POSITION + 2], 2.0 * p[pm.P_RADIUS])
        roll = 0.5 * p[P_START_TILT] * (2.0 * third[0] - 1.0)
        pitch = 0.5 * p[P_START_TILT] * (2.0 * third[1] - 1.0)
        yaw = 0.5 * p[P_START_TILT] * (2.0 * third[2] - 1.0)
        length = math.sqrt(1.0 + roll * roll + pitch * pitch + yaw * yaw)
        a[QUATERNION], a[QUATERNION + 1] = roll / length, pitch / length
        a[QUATERNION + 2], a[QUATERNION + 3] = yaw / length, 1.0 / length
        for c in range(4):
            a[OLD + c] = a[QUATERNION + c]
            a[ROTOR + c] = a[COMMAND + c] = hover_speed(tables[1])
