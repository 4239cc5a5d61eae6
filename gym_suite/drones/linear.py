"""The quadcopter as a continuous-time plant, for operating points, linear models and step responses.

The state is minimal: Euler angles stand in for the quaternion, whose length nothing can control. The plant is one
drone alone; in a world of several each is that plant, and the others' downwash a disturbance. What Bullet makes of
time, its scheme and its one-step-old frame, is no part of it; its artificial damping is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Plant
from gym_suite.core.kernel import kernel
from gym_suite.drones.aerodynamics import attitude, wrench
from gym_suite.drones.columns import BODY, ROTOR, USUAL
from gym_suite.drones.motion import acceleration, constants
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import rotor_count, rotor_table
from gym_suite.drones.transforms import turn, turn_back
from gym_suite.drones.vehicles import FEWEST, Vehicle

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
X, P, S, Y, R = BODY.places, PHYSICS.places, STATES.places, OUTPUTS.places, ROTOR.places
ROTORS = len(STATES)


def hover_plant(vehicle: Vehicle, physics: Mapping[str, float], height: float) -> Plant:
    """Return the plant of one drone, with hovering at a height above the origin as the guess.

    Args:
        vehicle: The vehicle.
        physics: Physical parameters by name, see :data:`gym_suite.drones.parameters.PHYSICS`.
        height: Where it hovers, m.
    """
    table = rotor_table(vehicle, physics, first=len(BODY))
    top, count = physics["max_rpm"], rotor_count(table)
    hover = _hover_speeds(physics, table, height)
    rotors = Columns(*(Column(f"rotor_{i}", "rpm", 0, top, f"speed of {i}") for i in range(count)))
    inputs = Columns(
        *(Column(f"command_{i}", "rpm", 0, top, f"of rotor {i}") for i in range(count))
    )
    states, guess = STATES, [0.0, 0.0, height] + [0.0] * (len(STATES) - 3)
    if physics["motor_lag"] > 0.0:
        states, guess = states + rotors, guess + hover
    return Plant(
        states=states,
        inputs=inputs,
        outputs=OUTPUTS,
        derivative=derivative if table.ndim == 1 else partial(derivative, rotors=table),
        output=output,
        guess=(*guess, *hover),
    )


def _hover_speeds(
    physics: Mapping[str, float], rotors: NDArray[np.float64], height: float
) -> list[float]:
    """Return the rotors' speeds, rpm, at which thrust and ground effect carry the drone, level at a height."""
    gain = physics["ground_coefficient"] * (0.25 * physics["prop_radius"]) ** 2
    share = 1.0 + gain / max(height, physics["ground_height"]) ** 2
    if rotors.ndim == 2:
        return (rotors[:, R.hover] / math.sqrt(share)).tolist()
    weight = physics["mass"] * physics["gravity"]
    return [math.sqrt(0.25 * weight / (physics["k_f"] * share))] * FEWEST


def derivative(
    x: NDArray[np.float64],
    v: NDArray[np.float64],
    p: NDArray[np.float64],
    dx: NDArray[np.float64],
    rotors: NDArray[np.float64] = USUAL,
) -> None:
    """Fill dx with d/dt of the state x, (12 + rotors,) or without their lag (12,), under commands v, (rotors,)."""
    a = np.zeros(len(BODY) + 2 * (rotor_count(rotors) - FEWEST))
    _derivative(x, v, p, rotors, a, dx)


def output(
    x: NDArray[np.float64], v: NDArray[np.float64], p: NDArray[np.float64], y: NDArray[np.float64]
) -> None:
    """Fill y with position, Euler angles, velocity and thrust."""
    y[: Y.thrust] = x[: Y.thrust]
    rotors = x[ROTORS:] if x.size > ROTORS else v
    y[Y.thrust] = p[P.k_f] * (rotors**2).sum()


@kernel
def _derivative(x, v, p, rotors, a, dx):
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
    for c in range(v.shape[0]):
        speed, command = X.rotor_0 + c, X.command_0 + c
        if rotors.ndim == 2:
            speed, command = int(rotors[c, R.speed]), int(rotors[c, R.command])
        a[command] = a[speed] = v[c]
        if x.shape[0] > ROTORS:
            a[speed] = x[ROTORS + c]
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
    fx, fy, fz, tx, ty, tz = wrench(a, r, 0.0, p, rotors)
    ax, ay, az, bx, by, bz = acceleration(a, r, p, constants(p), fx, fy, fz, tx, ty, tz)
    dx[S.velocity_x], dx[S.velocity_y], dx[S.velocity_z] = ax, ay, az
    # d(R w)/dt = R dw/dt, as w x w = 0
    dx[S.body_rate_x], dx[S.body_rate_y], dx[S.body_rate_z] = turn_back(r, bx, by, bz)
