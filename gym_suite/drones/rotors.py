"""Rotors of a vehicle that has not four in a usual layout: their table, and the kernels that sum over them.

Kernels take the table as ``rotors``. Of a vehicle with four in a usual layout it is ``USUAL`` of
:mod:`gym_suite.drones.columns`, which has one dimension, and kernels are compiled apart for arrays of one dimension and
of two: of ``if rotors.ndim == 1`` and its ``else`` the compiler keeps one. So the formulas of four rotors cost what
they cost alone, and those of other vehicles are compiled when somebody makes one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel
from gym_suite.drones.columns import BODY, ROTOR, USUAL
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.vehicles import FEWEST, RPM, Vehicle, level_shares

X, P, R = BODY.places, PHYSICS.places, ROTOR.places


def rotor_count(rotors: NDArray[np.float64]) -> int:
    """Return how many rotors a vehicle with a table of rotors has."""
    return FEWEST if rotors.ndim == 1 else len(rotors)


def hover_speeds(row: NDArray[np.float64], rotors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the speed of each rotor, rpm, at which they carry the nominal weight, level and without torque.

    Args:
        row: Physical parameters.
        rotors: The table of the rotors.
    """
    if rotors.ndim == 1:
        return np.full(FEWEST, row[P.hover_rpm])
    return np.array(rotors[:, R.hover])


def effects(row: NDArray[np.float64], rotors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return thrust, N, and body torques, N m, of each rotor's squared speed, rpm^2, (4, rotors).

    Args:
        row: Physical parameters.
        rotors: The table of the rotors, not :data:`gym_suite.drones.columns.USUAL`.
    """
    x, y, turns = rotors[:, [R.x, R.y, R.turn]].T
    return np.array(
        [np.full(len(x), row[P.k_f]), row[P.k_f] * y, -row[P.k_f] * x, row[P.k_m] * turns]
    )


def rotor_table(
    vehicle: Vehicle, physics: Mapping[str, float], *, first: int, shown: int = 0
) -> NDArray[np.float64]:
    """Return the table of a vehicle's rotors: :data:`gym_suite.drones.columns.ROTOR`, (rotors, columns), or ``USUAL``.

    The squared speeds for thrust and torques are the pseudo-inverse of what squared speeds give, the least that do.

    Args:
        vehicle: The vehicle.
        physics: Its physical parameters by name, see :func:`gym_suite.drones.parameters.physics_values`.
        first: Where in a drone's row the columns of :func:`gym_suite.drones.columns.further_rotors` begin.
        shown: Where among the metrics those of :func:`gym_suite.drones.columns.further_commands` begin.
    """
    if vehicle.usual:
        return USUAL
    count, further = vehicle.count, vehicle.count - FEWEST
    table = np.zeros((count, len(ROTOR)))
    table[:, [R.x, R.y, R.turn]] = vehicle.places
    for k in range(count):
        beyond = first + k - FEWEST
        table[k, R.speed] = X.rotor_0 + k if k < FEWEST else beyond
        table[k, R.command] = X.command_0 + k if k < FEWEST else beyond + further
        table[k, R.shown] = shown + max(k - FEWEST, 0)
    weight = physics["mass"] * physics["gravity"]
    table[:, R.hover] = np.sqrt(level_shares(vehicle) * weight / physics["k_f"])
    row = np.array([physics[name] for name in PHYSICS.names])
    gives = effects(row, table)
    if physics["k_m"] == 0.0:
        gives = gives[:3]
    size = np.abs(gives).max(axis=1)
    inverse = np.linalg.pinv(gives / size[:, None]) / size
    table[:, R.per_thrust : R.per_thrust + len(gives)] = inverse
    table.setflags(write=False)
    return table


@kernel
def spun(a, rotors):
    """Return the sum of the rotors' speeds, rad/s."""
    total = 0.0
    for c in range(rotors.shape[0]):
        total += RPM * a[int(rotors[c, R.speed])]
    return total


@kernel
def lift(a, column, p, rotors):
    """Return what rotors give that turn as a column of the table says (``R.speed`` or ``R.command``), in the body.

    Thrust, N, the sums of its moments x f and y f, N m, and the drag torque about z, N m.
    """
    thrust, mx, my, yaw = 0.0, 0.0, 0.0, 0.0
    for c in range(rotors.shape[0]):
        n = a[int(rotors[c, column])]
        f = p[P.k_f] * n * n
        thrust += f
        mx += rotors[c, R.x] * f
        my += rotors[c, R.y] * f
        yaw += rotors[c, R.turn] * p[P.k_m] * n * n
    return thrust, mx, my, yaw


@kernel
def wanted_speed(rotors, c, thrust, tx, ty, tz, top):
    """Return the speed of rotor c, rpm, for a thrust (N) and body torques (N m), within 0 and a largest speed."""
    square = (
        rotors[c, R.per_thrust] * thrust
        + rotors[c, R.per_roll] * tx
        + rotors[c, R.per_pitch] * ty
        + rotors[c, R.per_yaw] * tz
    )
    return min(max(square, 0.0) ** 0.5, top)


@kernel
def rotor_drag(turning, p):
    """Return the drag of rotors over velocity, N s/m, across and along the body's z axis.

    It may stop a drone within an integration step, never turn it round.

    Args:
        turning: Sum of the rotors' speeds, rad/s.
        p: Parameters.
    """
    most = p[P.mass] * p[P.substeps] / p[P.dt]
    return min(p[P.drag_xy] * turning, most), min(p[P.drag_z] * turning, most)
