"""What befalls a drone besides flight: wind with gusts and turbulence, a payload off its centre, a failing rotor.

All of it is a force and a torque that are set anew at each physics step, so flight itself knows nothing of it. The
numbers of an episode are drawn between the bounds of the table ``adversity`` by the episode's key.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2, uniform, uniform4
from gym_suite.drones.columns import ADVERSITY, BODY, ROTOR
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import lift, rotor_drag, spun
from gym_suite.drones.transforms import cross, rotation, rotor_moments, turn, turn_back
from gym_suite.drones.vehicles import RPM

X, P, A, R = BODY.places, PHYSICS.places, ADVERSITY.places, ROTOR.places

STREAM_ADVERSITY, STREAM_GUST, STREAM_TURBULENCE = 1 << 18, 1 << 19, 1 << 20
#: m, length that MIL-F-8785C's filters have at least; m/s, air speed at which they are passed at least.
LOWEST_LENGTH, SLOWEST = 3.048, 1.0
_FOOT = 0.3048


@called_kernel
def draw(key, table, numbers):
    """Fill the episode's numbers, between the bounds of the table (2, columns)."""
    for k in range(numbers.shape[0]):
        low, high = table[0, k], table[1, k]
        part = uniform(key, 0, STREAM_ADVERSITY + k) if low < high else 0.0
        numbers[k] = low + (high - low) * part


@called_kernel
def begin(agents, key, numbers):
    """Draw what drones have from the start: turbulence in its steady state, and the charge taken from the battery."""
    taken = numbers[A.taken]
    for j in range(agents.shape[0]):
        a, at = agents[j], STREAM_TURBULENCE + 3 * j
        u, p_v = normal2(key, 0, at)
        q_v, p_w = normal2(key, 0, at + 1)
        q_w, _ = normal2(key, 0, at + 2)
        a[X.turbulence_0], a[X.turbulence_1], a[X.turbulence_3] = u, p_v, p_w
        # in the steady state the second of a pair has variance 1/2, half of it shared with the first
        a[X.turbulence_2], a[X.turbulence_4] = 0.5 * p_v + 0.5 * q_v, 0.5 * p_w + 0.5 * q_w
        a[X.charge] = taken


@kernel
def _lengths(height):
    """Return the lengths L_u, L_w (m) and the ratio sigma_u / sigma_w of MIL-F-8785C below 1000 feet."""
    feet = max(height, LOWEST_LENGTH) / _FOOT
    base = 0.177 + 0.000823 * feet
    return feet * _FOOT / base**1.2, feet * _FOOT, 1.0 / base**0.4


@kernel
def _filtered(p, q, tau, n, m):
    """Return the pair of a double pole after tau of its time constants, exactly, by two normal numbers.

    dp = -p dt + noise, dq = (p - q) dt with E p^2 = 1: in the steady state E pq = E q^2 = 1/2.
    """
    e = math.exp(-tau)
    first = 1.0 - e * e
    mixed = 0.5 - e * e * (tau + 0.5)
    second = 0.5 - e * e * (tau * tau + tau + 0.5)
    l_11 = math.sqrt(first)
    l_21 = mixed / l_11
    l_22 = math.sqrt(max(second - l_21 * l_21, 0.0))
    return e * p + l_11 * n, e * q + tau * e * p + l_21 * n + l_22 * m


@called_kernel
def stir(agents, key, step, dt, numbers):
    """Move the turbulence about every drone on by one control period dt.

    Dryden's spectra by MIL-F-8785C: the longitudinal part has one pole, the others have two and a zero,
    w = sigma / sqrt(2) (sqrt(3) p + (1 - sqrt(3)) q) of :func:`_filtered`. Held within a control period.
    """
    if numbers[A.turbulence] <= 0.0:
        return
    mean_x, mean_y = numbers[A.wind_x], numbers[A.wind_y]
    speed = max(math.sqrt(mean_x * mean_x + mean_y * mean_y), SLOWEST)
    for j in range(agents.shape[0]):
        a, at = agents[j], STREAM_TURBULENCE + 3 * j
        length_u, length_w, _ = _lengths(a[X.position_z])
        n_0, n_1 = normal2(key, step + 1, at)
        n_2, n_3 = normal2(key, step + 1, at + 1)
        n_4, _ = normal2(key, step + 1, at + 2)
        e = math.exp(-dt * speed / length_u)
        a[X.turbulence_0] = e * a[X.turbulence_0] + math.sqrt(1.0 - e * e) * n_0
        a[X.turbulence_1], a[X.turbulence_2] = _filtered(
            a[X.turbulence_1], a[X.turbulence_2], dt * speed / length_u, n_1, n_2
        )
        a[X.turbulence_3], a[X.turbulence_4] = _filtered(
            a[X.turbulence_3], a[X.turbulence_4], dt * speed / length_w, n_3, n_4
        )


@called_kernel
def wind(a, key, t, numbers):
    """Return the wind at a drone at time t, m/s, in world coordinates: mean, gusts and turbulence."""
    x, y, z = numbers[A.wind_x], numbers[A.wind_y], numbers[A.wind_z]
    strength = numbers[A.turbulence]
    if strength > 0.0:
        level = math.sqrt(x * x + y * y)
        ahead_x, ahead_y = (x / level, y / level) if level > 0.0 else (1.0, 0.0)
        _, _, ratio = _lengths(a[X.position_z])
        sigma_w = 0.1 * strength
        root = math.sqrt(3.0)
        u = sigma_w * ratio * a[X.turbulence_0]
        share = math.sqrt(0.5)
        v = sigma_w * ratio * share * (root * a[X.turbulence_1] + (1.0 - root) * a[X.turbulence_2])
        w = sigma_w * share * (root * a[X.turbulence_3] + (1.0 - root) * a[X.turbulence_4])
        x, y, z = x + ahead_x * u - ahead_y * v, y + ahead_y * u + ahead_x * v, z + w
    gust, every = numbers[A.gust], numbers[A.gust_every]
    if gust > 0.0:
        # one gust in each interval, from where and when its number says: 1 - cos, MIL-F-8785C
        number = math.floor(t / every)
        when, heading, _, _ = uniform4(key, int(number), STREAM_GUST)
        lasts = min(numbers[A.gust_lasts], every)
        since = t - every * number - when * (every - lasts)
        if 0.0 < since < lasts:
            size = 0.5 * gust * (1.0 - math.cos(2.0 * math.pi * since / lasts))
            x += size * math.cos(2.0 * math.pi * heading)
            y += size * math.sin(2.0 * math.pi * heading)
    return x, y, z


@called_kernel
def endure(agents, key, t, p, rotors, nominal, numbers):
    """Add to every drone's disturbing force and torque what wind, payload and a failing rotor do at time t."""
    for j in range(agents.shape[0]):
        a = agents[j]
        r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
        _blow(a, r, key, t, p, rotors, numbers)
        _unbalance(a, r, t, p, rotors, nominal, numbers)


@called_kernel
def tell_health(key, t, table, rotors, numbers, o, at):
    """Fill what part of its thrust each rotor has at time t.

    Args:
        key: The episode's key.
        t: Time since reset, s.
        table: Bounds of an episode's numbers, (2, columns); without rows nothing fails.
        rotors: Table of the rotors.
        numbers: Scratch for these.
        o: Observation.
        at: Where in it that is.
    """
    count = 4 if rotors.ndim == 1 else rotors.shape[0]
    for c in range(count):
        o[at + c] = 1.0
    if table.shape[0] > 0:
        draw(key, table, numbers)
        failed = min(int(numbers[A.failed_rotor]), count - 1)
        if failed >= 0 and t >= numbers[A.failure_time]:
            o[at + failed] = numbers[A.effectiveness]


@kernel
def _blow(a, r, key, t, p, rotors, numbers):
    """Add the force of the wind: drag is linear in the velocity through the air, so it is that of the wind's part."""
    turning = 0.0
    if rotors.ndim == 1:
        for c in range(4):
            turning += RPM * a[X.rotor_0 + c]
    else:
        turning = spun(a, rotors)
    across, along = rotor_drag(turning, p)
    x, y, z = wind(a, key, t, numbers)
    if p[P.identified] > 0.5:
        x, y, z = turn_back(r, x, y, z)
        x, y, z = turn(r, across * x, across * y, along * z)
    else:
        x, y, z = across * x, across * y, along * z
    a[X.force_x] += x
    a[X.force_y] += y
    a[X.force_z] += z


@kernel
def _unbalance(a, r, t, p, rotors, nominal, numbers):
    """Add what a rotor that lost effectiveness lacks, and the torque of thrust beside the centre of mass."""
    count = 4 if rotors.ndim == 1 else rotors.shape[0]
    failed = int(numbers[A.failed_rotor])
    failed = min(failed, count - 1)
    lost = 1.0 - numbers[A.effectiveness]
    fails = failed >= 0 and lost > 0.0 and t >= numbers[A.failure_time]
    thrust, column = 0.0, R.speed if p[P.identified] > 0.5 else R.command
    speeds = X.rotor_0 if p[P.identified] > 0.5 else X.command_0
    if rotors.ndim == 1:
        for c in range(4):
            thrust += p[P.k_f] * a[speeds + c] ** 2
    else:
        thrust, _, _, _ = lift(a, column, p, rotors)
    tx, ty, tz = 0.0, 0.0, 0.0
    if fails:
        if rotors.ndim == 1:
            square = a[speeds + failed] ** 2
            lack = p[P.k_f] * square * lost
            f_0, f_1 = lack if failed == 0 else 0.0, lack if failed == 1 else 0.0
            f_2, f_3 = lack if failed == 2 else 0.0, lack if failed == 3 else 0.0
            mx, my = rotor_moments(p[P.layout], f_0, f_1, f_2, f_3)
            mx, my = p[P.lever] * mx, p[P.lever] * my
            sense = -1.0 if failed % 2 == 0 else 1.0
        else:
            square = a[int(rotors[failed, column])] ** 2
            lack = p[P.k_f] * square * lost
            mx, my = rotors[failed, R.x] * lack, rotors[failed, R.y] * lack
            sense = rotors[failed, R.turn]
        thrust -= lack
        tx, ty = -my, mx
        tz = -sense * p[P.k_m] * square * lost
        a[X.force_x] -= lack * r[2]
        a[X.force_y] -= lack * r[5]
        a[X.force_z] -= lack * r[8]
    if numbers[A.yaw_drag] > 0.0:
        _, _, turning = turn_back(
            r, a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
        )
        tz -= numbers[A.yaw_drag] * turning
    # The centre of mass is drawn towards the payload, and the rotors push past it.
    share = max(p[P.mass] - nominal[P.mass], 0.0) / p[P.mass]
    cx = share * numbers[A.payload_x] + numbers[A.centre_x]
    cy = share * numbers[A.payload_y] + numbers[A.centre_y]
    ox, oy, oz = cross(-cx, -cy, 0.0, 0.0, 0.0, thrust)
    x, y, z = turn(r, tx + ox, ty + oy, tz + oz)
    a[X.torque_x] += x
    a[X.torque_y] += y
    a[X.torque_z] += z
