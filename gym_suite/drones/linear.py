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
from gym_suite.drones.aerodynamics import attitude, wrench
from gym_suite.drones.columns import BODY
from gym_suite.drones.motion import acceleration, constants
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.transforms import turn, turn_back

#: Columns of the state without the rotors, which are states only where they have a lag.
STATES = Columns(
    *(Column(a, "m", meaning=f"position {a}") for a in "xyz"),
    Column("roll", "rad", -math.pi, math.pi, "attitude: about x, last"),
    Column("pitch", "rad", -0.5 * math.pi, 0.5 * math.pi, "attitude: about y, second"),
    Column("yaw", "rad", -math.pi, math.pi, "attitude: about z, first"),
    *(Column(f"velocity_{a}", "m/s", meaning=f"velocity {a}") for a in "xyz"),
    *(Column(f"body_rate_{a}", "rad/s", meaning=f"body rate {a}") for a in "xyz"),
)
#: Position, Euler angles, velocity and thrust.
OUTPUTS = Columns(
    *(column for column in STATES if not column.name.startswith("body_rate")),
    Column("thrust", "N", 0, meaning="of all rotors"),
)
X, P, S, Y = BODY.places, PHYSICS.places, STATES.places, OUTPUTS.places
ROTORS = len(STATES)


def hover_plant(physics: Mapping[str, float], height: float) -> Plant:
    """Return the plant of one drone, with hovering at a height above the origin as the guess.

    Args:
        physics: Physical parameters by name, see :data:`gym_suite.drones.parameters.PHYSICS`.
        height: Where it hovers, m.
    """
    top, hover = physics["max_rpm"], _hover_speed(physics, height)
    rotors = Columns(*(Column(f"rotor_{i}", "rpm", 0, top, f"speed of {i}") for i in range(4)))
    inputs = Columns(*(Column(f"command_{i}", "rpm", 0, top, f"of rotor {i}") for i in range(4)))
    states, guess = STATES, [0.0, 0.0, height] + [0.0] * (len(STATES) - 3)
    if physics["motor_lag"] > 0.0:
        states, guess = states + rotors, guess + [hover] * 4
    return Plant(
        states=states,
        inputs=inputs,
        outputs=OUTPUTS,
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
    _derivative(x, v, p, np.zeros(len(BODY)), dx)


def output(
    x: NDArray[np.float64], v: NDArray[np.float64], p: NDArray[np.float64], y: NDArray[np.float64]
) -> None:
    """Fill y with position, Euler angles, velocity and thrust."""
    y[: Y.thrust] = x[: Y.thrust]
    rotors = x[ROTORS:] if x.size > ROTORS else v
    y[Y.thrust] = p[P.k_f] * (rotors**2).sum()


@kernel
def _derivative(x, v, p, a, dx):
    roll, pitch, yaw = x[S.roll], x[S.pitch], x[S.yaw]
    cr, sr = math.cos(0.5 * roll), math.sin(0.5 * roll)
    cp, sp = math.cos(0.5 * pitch), math.sin(0.5 * pitch)
    cy, sy = math.cos(0.5 * yaw), math.sin(0.5 * yaw)
    a[X.quaternion_x] = sr * cp * cy - cr * sp * sy
    a[X.quaternion_y] = cr * sp * cy + sr * cp * sy
    a[X.quaternion_z] = cr * cp * sy - sr * sp * cy
    a[X.quaternion_w] = cr * cp * cy + sr * sp * sy
    for c in range(4):
        a[X.old_quaternion_x + c] = a[X.quaternion_x + c]
        a[X.command_0 + c] = v[c]
        a[X.rotor_0 + c] = v[c]
        if x.shape[0] > ROTORS:
            a[X.rotor_0 + c] = x[ROTORS + c]
            dx[ROTORS + c] = (v[c] - x[ROTORS + c]) / p[P.motor_lag]
    for c in range(3):
        a[X.position_x + c] = x[S.x + c]
        a[X.velocity_x + c] = x[S.velocity_x + c]
        dx[S.x + c] = x[S.velocity_x + c]
    wx, wy, wz = x[S.body_rate_x], x[S.body_rate_y], x[S.body_rate_z]
    r = attitude(a)
    ox, oy, oz = turn(r, wx, wy, wz)
    a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z] = ox, oy, oz
    # Euler angles from body rates: B. L. Stevens, F. L. Lewis, E. N. Johnson, Aircraft Control and
    # Simulation, 3rd ed., Wiley 2016, eq. 1.4-4.
    along = math.sin(roll) * wy + math.cos(roll) * wz
    dx[S.roll] = wx + math.tan(pitch) * along
    dx[S.pitch] = math.cos(roll) * wy - math.sin(roll) * wz
    dx[S.yaw] = along / math.cos(pitch)
    fx, fy, fz, tx, ty, tz = wrench(a, r, 0.0, p)
    ax, ay, az, bx, by, bz = acceleration(a, r, p, constants(p), fx, fy, fz, tx, ty, tz)
    dx[S.velocity_x], dx[S.velocity_y], dx[S.velocity_z] = ax, ay, az
    # d(R w)/dt = R dw/dt, as w x w = 0
    dx[S.body_rate_x], dx[S.body_rate_y], dx[S.body_rate_z] = turn_back(r, bx, by, bz)
