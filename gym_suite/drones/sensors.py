"""What sensors make of a state: an inertial unit with noise and bias, motion capture with noise and latency.

They touch only what is observed: flight, reward, end, metrics and inner loops know the state as it is. Capture gives
position and velocity, ``latency`` control periods old, the inertial unit attitude and body rates of now. Biases and,
between their bounds, all numbers are drawn at the beginning of an episode by its key.
"""

from __future__ import annotations

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2, uniform, uniform4
from gym_suite.drones.columns import BODY, CAPTURED, SENSORS
from gym_suite.drones.transforms import rotation, turn, turn_back, turned

X, S = BODY.places, SENSORS.places

STREAM_SENSORS, STREAM_BIAS, STREAM_READING = 1 << 22, 1 << 23, 1 << 24
#: Draws of one drone: of each of four vectors two.
_DRAWS = 8
#: Numbers of one entry of what capture remembers: position and velocity.
ENTRY = len(CAPTURED)


@kernel
def _three(key, step, stream):
    """Return three independent standard normal numbers."""
    x, y = normal2(key, step, stream)
    z, _ = normal2(key, step, stream + 1)
    return x, y, z


@kernel
def remember(a, first, latency, anew):
    """Put position and velocity in front of what capture remembers, or in all its places.

    Args:
        a: A drone.
        first: Where that begins: entries of :data:`gym_suite.drones.columns.CAPTURED`, the newest first.
        latency: Control periods; there is one entry more.
        anew: Whether an episode begins.
    """
    for k in range(first + ENTRY * (latency + 1) - 1, first + ENTRY - 1, -1):
        a[k] = a[k - ENTRY]
    for k in range(latency + 1 if anew else 1):
        for c in range(3):
            a[first + ENTRY * k + c] = a[X.position_x + c]
            a[first + ENTRY * k + 3 + c] = a[X.velocity_x + c]


@called_kernel
def measure(agents, key, step, first, table, numbers, seen):
    """Fill a copy of a world with what its sensors show in place of the state.

    Args:
        agents: The drones.
        key: The episode's key.
        step: Control periods since reset.
        first: Where a drone's memory of capture begins, as of :func:`remember`.
        table: Lowest and highest numbers of :data:`gym_suite.drones.columns.SENSORS`, (2, columns).
        numbers: Scratch for those of the episode.
        seen: The copy, of the shape of ``agents``.
    """
    for k in range(numbers.shape[0]):
        low, high = table[0, k], table[1, k]
        part = uniform(key, 0, STREAM_SENSORS + k) if low < high else 0.0
        numbers[k] = low + (high - low) * part
    latency = int(numbers[S.latency])
    for j in range(agents.shape[0]):
        a, b, stream = agents[j], seen[j], _DRAWS * j
        for c in range(a.shape[0]):
            b[c] = a[c]
        if latency > 0:
            for c in range(3):
                b[X.position_x + c] = a[first + ENTRY * latency + c]
                b[X.velocity_x + c] = a[first + ENTRY * latency + 3 + c]
        _disturb_capture(b, key, step, STREAM_READING + stream, numbers)
        _disturb_inertial(b, key, step, stream, numbers)


@kernel
def _disturb_capture(b, key, step, stream, numbers):
    """Add noise to position and velocity."""
    x, y, z = _three(key, step, stream)
    b[X.position_x] += numbers[S.position_noise] * x
    b[X.position_y] += numbers[S.position_noise] * y
    b[X.position_z] += numbers[S.position_noise] * z
    x, y, z = _three(key, step, stream + 2)
    b[X.velocity_x] += numbers[S.velocity_noise] * x
    b[X.velocity_y] += numbers[S.velocity_noise] * y
    b[X.velocity_z] += numbers[S.velocity_noise] * z


@kernel
def _disturb_inertial(b, key, step, stream, numbers):
    """Turn the attitude by a small angle about the body's axes and add to the body rates: noise and bias of each."""
    qx, qy = b[X.quaternion_x], b[X.quaternion_y]
    qz, qw = b[X.quaternion_z], b[X.quaternion_w]
    r = rotation(qx, qy, qz, qw)
    wx, wy, wz = turn_back(
        r, b[X.angular_velocity_x], b[X.angular_velocity_y], b[X.angular_velocity_z]
    )
    size, noise = numbers[S.attitude_bias], numbers[S.attitude_noise]
    ux, uy, uz, _ = uniform4(key, 0, STREAM_BIAS + stream)
    x, y, z = _three(key, step, STREAM_READING + stream + 4)
    ox, oy, oz = turn(
        r,
        size * (2.0 * ux - 1.0) + noise * x,
        size * (2.0 * uy - 1.0) + noise * y,
        size * (2.0 * uz - 1.0) + noise * z,
    )
    qx, qy, qz, qw = turned(qx, qy, qz, qw, ox, oy, oz, 1.0)
    b[X.quaternion_x], b[X.quaternion_y], b[X.quaternion_z], b[X.quaternion_w] = qx, qy, qz, qw
    size, noise = numbers[S.rate_bias], numbers[S.rate_noise]
    ux, uy, uz, _ = uniform4(key, 0, STREAM_BIAS + stream + 1)
    x, y, z = _three(key, step, STREAM_READING + stream + 6)
    wx, wy, wz = turn(
        rotation(qx, qy, qz, qw),
        wx + size * (2.0 * ux - 1.0) + noise * x,
        wy + size * (2.0 * uy - 1.0) + noise * y,
        wz + size * (2.0 * uz - 1.0) + noise * z,
    )
    b[X.angular_velocity_x], b[X.angular_velocity_y], b[X.angular_velocity_z] = wx, wy, wz
