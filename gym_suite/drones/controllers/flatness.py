"""Rotor speeds and commands that follow from a trajectory, by differential flatness.

A quadrotor's place and heading say all the rest: thrust from the acceleration, attitude from its direction, body rates
from the jerk, torques from the snap (D. Mellinger and V. Kumar, ICRA 2011, doi:10.1109/ICRA.2011.5980409; with the
drag of the rotors M. Faessler, A. Franchi and D. Scaramuzza, IEEE RA-L 3 (2018), doi:10.1109/LRA.2017.2776353), and the
commands of rotors with a lag from the fifth derivative. Nothing of it is differentiated by hand: quantities are Taylor
polynomials in time, (order + 1, ...), on which products, quotients and roots are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Derivatives of the place that a flight takes: from velocity to the fifth.
DERIVATIVES = 5


def product(a: Array, b: Array) -> Array:
    """Return the product of two Taylor polynomials of the same order."""
    return np.stack([sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(len(a))])


def quotient(a: Array, b: Array) -> Array:
    """Return the quotient of two Taylor polynomials of the same order."""
    q: list[Array] = []
    for k in range(len(a)):
        q.append((a[k] - sum(q[i] * b[k - i] for i in range(k))) / b[0])
    return np.stack(q)


def root(a: Array) -> Array:
    """Return the square root of a Taylor polynomial that begins above 0."""
    r = [np.sqrt(a[0])]
    for k in range(1, len(a)):
        r.append((a[k] - sum(r[i] * r[k - i] for i in range(1, k))) / (2.0 * r[0]))
    return np.stack(r)


def slope(a: Array) -> Array:
    """Return the derivative of a Taylor polynomial, of one order less."""
    return np.stack([k * a[k] for k in range(1, len(a))])


def _dot(a: Array, b: Array) -> Array:
    """Return the scalar product of vectors, (order + 1, 3, ...)."""
    return sum(product(a[:, c], b[:, c]) for c in range(3))  # type: ignore[return-value]


def _cross(a: Array, b: Array) -> Array:
    """Return the vector product of vectors, (order + 1, 3, ...)."""
    pairs = ((1, 2), (2, 0), (0, 1))
    parts = [product(a[:, i], b[:, j]) - product(a[:, j], b[:, i]) for i, j in pairs]
    return np.stack(parts, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Craft:
    """What of a vehicle its flight along a trajectory depends on.

    Attributes:
        mass: kg.
        gravity: m/s^2.
        drag: Of rotors at hovering speed over the mass along x, y and z, 1/s.
        inertia: About x, y and z, kg m^2.
        effects: Thrust, N, and body torques, N m, of each rotor's squared speed, rpm^2, (4, rotors).
        lag: Time constant of the rotors, s.
    """

    mass: float
    gravity: float
    drag: tuple[float, ...]
    inertia: tuple[float, ...]
    effects: tuple[tuple[float, ...], ...]
    lag: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What a vehicle does on a trajectory, at n moments.

    Attributes:
        force: Specific force of the rotors in the world, m/s^2, (3, n).
        axes: The body's axes in the world, (3, 3, n): the first index is the axis.
        rate: Body rates, rad/s, (3, n).
        rotors: Speeds of the rotors, rpm, (rotors, n).
        commands: What they are commanded, rpm, (rotors, n).
    """

    force: Array
    axes: Array
    rate: Array
    rotors: Array
    commands: Array


def attitude(force: Array) -> tuple[Array, Array, Array]:
    """Return the attitude of a body whose z axis points along a force, with its nose along x (yaw 0), and its rates.

    The nose's convention is that of :func:`gym_suite.drones.controllers.laws.attitude_torque`.

    Args:
        force: Specific force in the world, m/s^2, as Taylor polynomials, (order + 1, 3, n); order 1 at least.

    Returns:
        Size of the force, (order + 1, n), the body's axes in the world, (order + 1, 3, 3, n), of which the second index
        is the axis, and the body rates, rad/s, (order, 3, n), as Taylor polynomials.
    """
    size = root(_dot(force, force))
    z = np.stack([quotient(force[:, c], size) for c in range(3)], axis=1)
    # y = z x (1, 0, 0) of length 1, x = y x z
    level = root(product(z[:, 1], z[:, 1]) + product(z[:, 2], z[:, 2]))
    none = np.zeros_like(level)
    y = np.stack([none, quotient(z[:, 2], level), -quotient(z[:, 1], level)], axis=1)
    x = _cross(y, z)
    tipping = slope(z)
    w_x, w_y = -_dot(y[:-1], tipping), _dot(x[:-1], tipping)
    # y stays level with x of the world: its slope along it, w_x z_x - w_z x_x, is 0
    w_z = quotient(product(w_x, z[:-1, 0]), x[:-1, 0])
    return size, np.stack([x, y, z], axis=1), np.stack([w_x, w_y, w_z], axis=1)


def flight(craft: Craft, derivatives: Array, least: float) -> Flight:
    """Return what a vehicle does with its nose along x (yaw 0) where derivatives of its place are given.

    Its attitude is that of :func:`attitude`. Drag is taken to grow with the root of the thrust, as rotor speeds do, and
    to act along the world's axes.

    Args:
        craft: The vehicle.
        derivatives: Velocity to the fifth derivative of the place, m/s^k, (5, 3, n); complex ones are let through, so
            that slopes can be taken along the imaginary axis.
        least: Speed of the rotors, rpm, below which they are continued in a straight line; above 0.
    """
    factors = np.array([math.factorial(k) for k in range(4)])[:, None, None]
    v, f = derivatives[:4] / factors, derivatives[1:] / factors
    f[0, 2] += craft.gravity
    faster = root(root(_dot(f, f) / craft.gravity**2))
    f = f + np.stack([craft.drag[c] * product(faster, v[:, c]) for c in range(3)], axis=1)
    size, axes, w = attitude(f)
    spin = w * np.array(craft.inertia)[:, None]
    torque = slope(spin) + _cross(w[:2], spin[:2])
    demand = np.concatenate([craft.mass * size[:2, None], torque], axis=1)
    shares = np.linalg.pinv(np.array(craft.effects))
    # Summed alike however many moments there are, as BLAS does not.
    squares = (shares[None, :, :, None] * demand[:, None]).sum(axis=2)
    # A rotor cannot pull, and below ``least`` no vehicle here lets it turn: there the root goes on along its tangent,
    # outside all bounds, so that a search comes back from there.
    turning = squares[0].real > least**2
    speed = np.sqrt(np.where(turning, squares[0], least**2))
    rotors = np.where(turning, speed, 0.5 * (squares[0] / least + least))
    commands = rotors + craft.lag * squares[1] / (2.0 * speed)
    return Flight(
        force=f[0],
        axes=axes[0],
        rate=w[0],
        rotors=rotors,
        commands=commands,
    )
