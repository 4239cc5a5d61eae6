"""Rotations and the mixer, as row functions that physics and controllers share.

Quaternions are (x, y, z, w) and turn body coordinates into world coordinates.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.drones.parameters import PHYSICS

P = PHYSICS.places


@kernel
def rotation(x, y, z, w):
    """Return the nine elements of the rotation matrix, row by row, of a quaternion of any length but 0."""
    s = 2.0 / (x * x + y * y + z * z + w * w)
    return (
        1.0 - s * (y * y + z * z),
        s * (x * y - w * z),
        s * (x * z + w * y),
        s * (x * y + w * z),
        1.0 - s * (x * x + z * z),
        s * (y * z - w * x),
        s * (x * z - w * y),
        s * (y * z + w * x),
        1.0 - s * (x * x + y * y),
    )


@kernel
def turn(r, x, y, z):
    """Return R v."""
    return (
        r[0] * x + r[1] * y + r[2] * z,
        r[3] * x + r[4] * y + r[5] * z,
        r[6] * x + r[7] * y + r[8] * z,
    )


@kernel
def turn_back(r, x, y, z):
    """Return R' v."""
    return (
        r[0] * x + r[3] * y + r[6] * z,
        r[1] * x + r[4] * y + r[7] * z,
        r[2] * x + r[5] * y + r[8] * z,
    )


@kernel
def cross(ax, ay, az, bx, by, bz):
    """Return a x b."""
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


#: rad; Bullet turns a body by at most this in one step (``ANGULAR_MOTION_THRESHOLD``).
MOST_TURN = 0.25 * math.pi
# Taylor's series of sin(h)/h and cos(h) in h^2, exact to rounding up to half of MOST_TURN.
_SINC = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(8))
_COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(8))


@kernel
def turned(x, y, z, w, ox, oy, oz, dt):
    """Return the unit quaternion after turning with the world angular velocity o for dt: exp(o dt / 2) q.

    As Bullet does it, whose exponential map (Grassia, 1998) turns by at most :data:`MOST_TURN`: faster than
    188 rad/s at 240 Hz the attitude lags behind the angular velocity, in both engines alike.
    """
    h = min(0.25 * dt * dt * (ox * ox + oy * oy + oz * oz), 0.25 * MOST_TURN * MOST_TURN)
    h2, s, c = h * h, _SINC, _COSINE
    h4 = h2 * h2
    # Estrin's scheme: a step waits for these, and Horner's would wait for one term after the other.
    sinc = (s[0] + s[1] * h + (s[2] + s[3] * h) * h2) + (
        s[4] + s[5] * h + (s[6] + s[7] * h) * h2
    ) * h4
    aw = (c[0] + c[1] * h + (c[2] + c[3] * h) * h2) + (
        c[4] + c[5] * h + (c[6] + c[7] * h) * h2
    ) * h4
    k = 0.5 * dt * sinc
    ax, ay, az = ox * k, oy * k, oz * k
    nx = aw * x + ax * w + ay * z - az * y
    ny = aw * y - ax * z + ay * w + az * x
    nz = aw * z + ax * y - ay * x + az * w
    nw = aw * w - ax * x - ay * y - az * z
    n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + nw * nw)
    return nx * n, ny * n, nz * n, nw * n


@kernel
def rotor_moments(layout, f0, f1, f2, f3):
    """Return the sums of x f and of y f over the rotors, per lever."""
    if layout > 0.5:
        return f0 - f2, f1 - f3
    return f0 - f1 - f2 + f3, -f0 - f1 + f2 + f3


@kernel
def rotor_speeds(thrust, tx, ty, tz, p):
    """Return the four rotor speeds, rpm, that give a thrust (N) and body torques (N m), clipped to what rotors can."""
    k_f, k_m, lever = p[P.k_f], p[P.k_m], p[P.lever]
    base = 0.25 * thrust / k_f
    yaw = 0.25 * tz / k_m if k_m > 0.0 else 0.0
    if p[P.layout] > 0.5:
        roll, pitch = 0.5 * tx / (k_f * lever), 0.5 * ty / (k_f * lever)
        squares = (base - pitch - yaw, base + roll + yaw, base + pitch - yaw, base - roll + yaw)
    else:
        roll, pitch = 0.25 * tx / (k_f * lever), 0.25 * ty / (k_f * lever)
        squares = (
            base - roll - pitch - yaw,
            base - roll + pitch + yaw,
            base + roll + pitch - yaw,
            base + roll - pitch + yaw,
        )
    top = p[P.max_rpm]
    return (
        min(math.sqrt(max(squares[0], 0.0)), top),
        min(math.sqrt(max(squares[1], 0.0)), top),
        min(math.sqrt(max(squares[2], 0.0)), top),
        min(math.sqrt(max(squares[3], 0.0)), top),
    )
