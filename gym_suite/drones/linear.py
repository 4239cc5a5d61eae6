"""The quadcopter as a continuous-time plant, for operating points, linear models and step responses.

The state is minimal: Euler angles stand in for the quaternion, whose length nothing can control. The plant is one
drone alone; in a world of several each is that plant, and the others' downwash a disturbance. What Bullet makes of
time, its scheme and its one-step-old frame, is no part of it; its artificial damping is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Plant
from gym_suite.core.kernel import kernel
from gym_suite.drones import parameters as pm
from gym_suite.drones.contacts import WORK_SIZE, WORLD_SIZE
from gym_suite.drones.dynamics import (
    BODY_SIZE,
    COMMAND,
    OLD,
    POSITION,
    QUATERNION,
    RATE,
    ROTOR,
    VELOCITY,
    acceleration,
    add_wrench,
    attitude,
)
from gym_suite.drones.transforms import turn, turn_back

#: Columns of the state; the rotors are states only where they have a lag.
PLACE, ANGLES, SPEED, BODY_RATE, ROTORS = 0, 3, 6, 9, 12


def hover_plant(physics: Mapping[str, float], height: float) -> Plant:
    """Return the plant of one drone, with hovering at a height above the origin as the guess.

    Args:
        physics: Physical parameters by name, see :data:`gym_suite.drones.parameters.PHYSICS`.
        height: Where it hovers, m.
    """
    top, hover = physics["max_rpm"], _hover_speed(physics, height)
    place = Columns(*(Column(a, "m", meaning=f"position {a}") for a in "xyz"))
    angles = Columns(
        Column("roll", "rad", -math.pi, math.pi, "attitude: about x, last"),
        Column("pitch", "rad", -0.5 * math.pi, 0.5 * math.pi, "attitude: about y, second"),
        Column("yaw", "rad", -math.pi, math.pi, "attitude: about z, first"),
    )
    speeds = Columns(*(Column(f"velocity_{a}", "m/s", meaning=f"velocity {a}") for a in "xyz"))
    rates = Columns(*(Column(f"body_rate_{a}", "rad/s", meaning=f"body rate {a}") for a in "xyz"))
    rotors = Columns(*(Column(f"rotor_{i}", "rpm", 0, top, f"speed of {i}") for i in range(4)))
    inputs = Columns(*(Column(f"command_{i}", "rpm", 0, top, f"of rotor {i}") for i in range(4)))
    states, guess = place + angles + speeds + rates, [0.0, 0.0, height] + [0.0] * 9
    if physics["motor_lag"] > 0.0:
        states, guess = states + rotors, guess + [hover] * 4
    return Plant(
        states=states,
        inputs=inputs,
        outputs=place
        + angles
        + speeds
        + Columns(Column("thrust", "N", 0, meaning="of all rotors")),
        derivative=derivative,
        output=output,
        guess=(*guess, *[hover] * 4),
    )


def _hover_speed(physics: Mapping[str, float], height: float) -> float:
    """Return the rotor speed, rpm, at which thrust and ground effect carry the drone, level at a height."""
    gain = physics["ground_coefficient"] * (0.25 * physics["prop_radius"]) ** 2
    share = 1.0 + gain / max(height, physics["ground_height"]) ** 2
    weight = physics["mass"] * physics["gravity"]
    return math.sqrt(0.25 * weight / (physics["k_f"] * share))


def derivative(
    x: NDArray[np.float64], v: NDArray[np.float64], p: NDArray[np.float64], dx: NDArray[np.float64]
) -> None:
    """Fill dx with d/dt of the state x, (16,) or without rotors (12,), under the rotor commands v, (4,)."""
    _derivative(x, v, p, np.zeros((1, BODY_SIZE)), np.zeros(WORK_SIZE + WORLD_SIZE), dx)


def output(
    x: NDArray[np.float64], v: NDArray[np.float64], p: NDArray[np.float64], y: NDArray[np.float64]
) -> None:
    """Fill y with position, Euler angles, velocity and thrust."""
    y[:BODY_RATE] = x[:BODY_RATE]
    rotors = x[ROTORS:] if x.size > ROTORS else v
    y[BODY_RATE] = p[pm.P_K_F] * (rotors**2).sum()


@kernel
def _derivative(x, v, p, agents, work, dx):
    a = agents[0]
    roll, pitch, yaw = x[ANGLES], x[ANGLES + 1], x[ANGLES + 2]
    cr, sr = math.cos(0.5 * roll), math.sin(0.5 * roll)
    cp, sp = math.cos(0.5 * pitch), math.sin(0.5 * pitch)
    cy, sy = math.cos(0.5 * yaw), math.sin(0.5 * yaw)
    a[QUATERNION] = sr * cp * cy - cr * sp * sy
    a[QUATERNION + 1] = cr * sp * cy + sr * cp * sy
    a[QUATERNION + 2] = cr * cp * sy - sr * sp * cy
    a[QUATERNION + 3] = cr * cp * cy + sr * sp * sy
    for c in range(4):
        a[OLD + c] = a[QUATERNION + c]
        a[COMMAND + c] = v[c]
        a[ROTOR + c] = v[c]
        if x.shape[0] > ROTORS:
            a[ROTOR + c] = x[ROTORS + c]
            dx[ROTORS + c] = (v[c] - x[ROTORS + c]) / p[pm.P_MOTOR_LAG]
    for c in range(3):
        a[POSITION + c] = x[PLACE + c]
        a[VELOCITY + c] = x[SPEED + c]
        dx[PLACE + c] = x[SPEED + c]
    wx, wy, wz = x[BODY_RATE], x[BODY_RATE + 1], x[BODY_RATE + 2]
    r = attitude(a)
    a[RATE], a[RATE + 1], a[RATE + 2] = turn(r, wx, wy, wz)
    # Euler angles from body rates: B. L. Stevens, F. L. Lewis, E. N. Johnson, Aircraft Control and
    # Simulation, 3rd ed., Wiley 2016, eq. 1.4-4.
    along = math.sin(roll) * wy + math.cos(roll) * wz
    dx[ANGLES] = wx + math.tan(pitch) * along
    dx[ANGLES + 1] = math.cos(roll) * wy - math.sin(roll) * wz
    dx[ANGLES + 2] = along / math.cos(pitch)
    add_wrench(agents, 0, p, work)
    ax, ay, az, bx, by, bz = acceleration(
        a, p, work[0], work[1], work[2], work[3], work[4], work[5]
    )
    dx[SPEED], dx[SPEED + 1], dx[SPEED + 2] = ax, ay, az
    # d(R w)/dt = R dw/dt, as w x w = 0
    dx[BODY_RATE], dx[BODY_RATE + 1], dx[BODY_RATE + 2] = turn_back(r, bx, by, bz)
