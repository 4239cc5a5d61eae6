"""Physics of the floor: vehicles with limits, lag, traction and odometry, and obstacles that walk about.

A vehicle's speed loops move its wheels within limits of speed, acceleration and jerk. The wheels carry the
vehicle along as long as friction can give the force that takes; beyond that they slide (Coulomb), and odometry,
which counts wheel turns, drifts away. Over each sub-step the pose follows the exact arc of the mean twist.
"""

from __future__ import annotations

import math

from gym_suite.agv.columns import (
    ARRIVED,
    COLLIDED,
    DRIVING,
    LEFT_ARRIVED,
    OB,
    OBSTACLE_SIZE,
    STREAM_SIGNAL,
    STREAM_TURN,
    T_GRID,
    T_ROOM,
    T_SIGNAL_TABLES,
    T_SIGNALS,
    VEHICLE_SIZE,
    WORLD_SIZE,
    B,
    W,
    first_vehicle,
)
from gym_suite.agv.geometry import (
    box_circle_overlap,
    box_hits_grid,
    boxes_overlap,
    disc_meets_map,
    near_walls,
    wrap,
)
from gym_suite.agv.parameters import P
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform
from gym_suite.core.signals import signal_value

GRAVITY = 9.80665
#: How near a moving obstacle comes to a vehicle of its own accord, m.
COURTESY = 0.3


# ------------------------------------------------------------------------------------------------------------ a vehicle


@called_kernel
def arc(x, y, theta, v, v_lateral, omega, h):
    """Return the pose after following a constant twist for a time h, exactly.

    The chord of the arc lies half the turn ahead and has the length v h sin(a)/a, a = omega h / 2.
    """
    half = 0.5 * omega * h
    part = h * (1.0 - half * half / 6.0) if abs(half) < 1e-4 else h * math.sin(half) / half
    c, s = math.cos(theta + half), math.sin(theta + half)
    return (
        x + part * (v * c - v_lateral * s),
        y + part * (v * s + v_lateral * c),
        wrap(theta + omega * h),
    )


@kernel
def command(u0, u1, p):
    """Return speed and yaw rate that an action asks for, within the limits, its curvature kept."""
    half_track, rim = p[P.half_track], p[P.wheel_radius] * p[P.wheel_limit]
    if p[P.wheels] != 0.0:
        v, omega = 0.5 * (u0 + u1) * rim, 0.5 * (u1 - u0) * rim / half_track
    else:
        v, omega = u0 * p[P.v_limit], u1 * p[P.omega_limit]
    over = max(abs(v) / p[P.v_limit], abs(omega) / p[P.omega_limit])
    over = max(1.0, over, (abs(v) + abs(omega) * half_track) / rim)
    return v / over, omega / over


@kernel
def speed_loop(now, rate, wanted, speed_up, slow_down, jerk, gain, h):
    """Return a wheel speed and its rate after a sub-step of a loop with limits.

    The rate is the error times ``gain``, within the limits of acceleration. With a limit of jerk it is no more
    than what can be taken back in time: rates of n + f, n - 1 + f, ..., f times jerk h cover the error exactly for
    n (n + 1) / 2 + (n + 1) f = error / (jerk h^2), so the speed does not overshoot.
    """
    error = wanted - now
    limit = slow_down if error * now < 0.0 else speed_up
    asked = min(gain * abs(error), limit)
    if jerk > 0.0:
        whole = abs(error) / (jerk * h * h)
        n = math.floor(0.5 * (math.sqrt(1.0 + 8.0 * whole) - 1.0))
        asked = min(asked, (n + (whole - 0.5 * n * (n + 1.0)) / (n + 1.0)) * jerk * h)
        asked = min(max(math.copysign(asked, error), rate - jerk * h), rate + jerk * h)
    else:
        asked = math.copysign(asked, error)
    return now + asked * h, asked


@called_kernel
def traction(v, v_lateral, omega, wheel_v, wheel_omega, mass, inertia, half_track, capacity, h):
    """Return the twist (v, v_lateral, omega) after a sub-step: that of the wheels, or as far as friction goes.

    Each wheel can give a force within a circle of radius ``capacity`` (N), along and across together.
    """
    along = mass * ((wheel_v - v) / h - omega * v_lateral)
    across = 0.5 * mass * (omega * v - v_lateral / h)
    moment = inertia * (wheel_omega - omega) / h
    left = 0.5 * (along - moment / half_track)
    right = 0.5 * (along + moment / half_track)
    left_all, right_all = math.hypot(left, across), math.hypot(right, across)
    if left_all <= capacity and right_all <= capacity:
        return wheel_v, 0.0, wheel_omega
    left_part = min(1.0, capacity / left_all) if left_all > 0.0 else 1.0
    right_part = min(1.0, capacity / right_all) if right_all > 0.0 else 1.0
    left, right = left * left_part, right * right_part
    across = across * (left_part + right_part)
    return (
        v + h * ((left + right) / mass + omega * v_lateral),
        v_lateral + h * (across / mass - omega * v),
        omega + h * half_track * (right - left) / inertia,
    )


@called_kernel
def drive(a, v_wanted, omega_wanted, p, grid, room):
    """Move one vehicle by a control period.

    Args:
        a: Its block of columns.
        v_wanted: Speed asked of the drives, m/s.
        omega_wanted: Yaw rate asked of the drives, rad/s.
        p: Parameters.
        grid: Occupied cells of its layout, uint8 (rows, columns).
        room: Cells to the nearest occupied one, uint8 (rows, columns).

    Returns:
        Whether it hit the map.
    """
    steps = int(p[P.substeps])
    h = p[P.dt] / steps
    half_length, half_width = 0.5 * p[P.length], 0.5 * p[P.width]
    reach = math.hypot(half_length, half_width)
    half_track, cell = p[P.half_track], p[P.cell]
    mass = p[P.mass] + a[B.payload]
    inertia = mass * (p[P.length] * p[P.length] + p[P.width] * p[P.width]) / 12.0  # of an even box
    capacity = 0.5 * p[P.mu] * GRAVITY * p[P.drive_share] * mass
    force = p[P.drive_force]
    speed_up, slow_down = min(p[P.acceleration], force / mass), min(p[P.deceleration], force / mass)
    alpha = min(p[P.alpha], force * half_track / inertia)
    jerk = p[P.jerk]
    jerk_omega = jerk * alpha / speed_up
    gain = (1.0 - math.exp(-h / p[P.lag])) / h if p[P.lag] > 0.0 else 1.0 / h
    x, y, theta = a[B.x], a[B.y], a[B.theta]
    v, v_lateral, omega = a[B.v], a[B.v_lateral], a[B.omega]
    wheel_v, wheel_omega = a[B.wheel_v], a[B.wheel_omega]
    rate, rate_omega = a[B.wheel_a], a[B.wheel_alpha]
    hit = False
    for _ in range(steps):
        next_v, rate = speed_loop(wheel_v, rate, v_wanted, speed_up, slow_down, jerk, gain, h)
        next_omega, rate_omega = speed_loop(
            wheel_omega, rate_omega, omega_wanted, alpha, alpha, jerk_omega, gain, h
        )
        a[B.odometry_x], a[B.odometry_y], a[B.odometry_theta] = arc(
            a[B.odometry_x], a[B.odometry_y], a[B.odometry_theta],
            0.5 * (wheel_v + next_v) * (1.0 + a[B.error_v]), 0.0,
            0.5 * (wheel_omega + next_omega) * (1.0 + a[B.error_omega]), h,
        )  # fmt: skip
        wheel_v, wheel_omega = next_v, next_omega
        v1, lateral1, omega1 = traction(
            v, v_lateral, omega, wheel_v, wheel_omega, mass, inertia, half_track, capacity, h
        )
        x, y, theta = arc(
            x, y, theta, 0.5 * (v + v1), 0.5 * (v_lateral + lateral1), 0.5 * (omega + omega1), h
        )
        v, v_lateral, omega = v1, lateral1, omega1
        if near_walls(x, y, reach, grid, room, cell) and box_hits_grid(
            x, y, theta, half_length, half_width, grid, cell
        ):
            hit = True
            break
    a[B.x], a[B.y], a[B.theta] = x, y, theta
    a[B.v], a[B.v_lateral], a[B.omega] = v, v_lateral, omega
    a[B.wheel_v], a[B.wheel_omega] = wheel_v, wheel_omega
    a[B.wheel_a], a[B.wheel_alpha] = rate, rate_omega
    a[B.slip] = math.hypot(abs(wheel_v - v) + half_track * abs(wheel_omega - omega), v_lateral)
    return hit


@called_kernel
def move_vehicle(a, u0, u1, added_v, added_omega, p, grid, room):
    """Move one vehicle (its block of columns) by a control period with an action and what disturbs it.

    One that has arrived or collided before is taken off the floor instead.
    """
    if a[B.status] == DRIVING:
        v, omega = command(u0, u1, p)
        if drive(a, v + added_v, omega + added_omega, p, grid, room):
            a[B.status] = COLLIDED
    elif a[B.status] < LEFT_ARRIVED:
        a[B.status] += LEFT_ARRIVED - ARRIVED


# ------------------------------------------------------------------------------------------------------ what else moves


@kernel
def on_floor(status):
    """Return whether a vehicle of this status is still there."""
    return status < LEFT_ARRIVED and status != ARRIVED


@kernel
def _crowded(x, px, py, qx, qy, distance, p):
    """Return whether going from p to q comes nearer than ``distance`` to a vehicle that is driving."""
    first = first_vehicle(p)
    for k in range(int(p[P.agents])):
        j = first + VEHICLE_SIZE * k
        if x[j + B.status] == DRIVING:
            ax, ay = x[j + B.x], x[j + B.y]
            before = (px - ax) * (px - ax) + (py - ay) * (py - ay)
            after = (qx - ax) * (qx - ax) + (qy - ay) * (qy - ay)
            if after < distance * distance and after < before:
                return True
    return False


@called_kernel
def move_obstacles(x, key, step, p, grid, room):
    """Let each obstacle walk straight on; where a wall or a vehicle is in its way it turns at random."""
    radius, cell = p[P.obstacle_radius], p[P.cell]
    stride = p[P.obstacle_speed] * p[P.dt]
    distance = radius + 0.5 * math.hypot(p[P.length], p[P.width]) + COURTESY
    for k in range(int(p[P.obstacles])):
        j = WORLD_SIZE + OBSTACLE_SIZE * k
        px, py, theta = x[j + OB.x], x[j + OB.y], x[j + OB.theta]
        qx, qy = px + stride * math.cos(theta), py + stride * math.sin(theta)
        if disc_meets_map(qx, qy, radius, grid, room, cell) or _crowded(
            x, px, py, qx, qy, distance, p
        ):
            x[j + OB.theta] = math.pi * (2.0 * uniform(key, step, STREAM_TURN + k) - 1.0)
        else:
            x[j + OB.x], x[j + OB.y] = qx, qy


@called_kernel
def collide(x, p):
    """Mark the vehicles that touch an obstacle or each other."""
    half_length, half_width = 0.5 * p[P.length], 0.5 * p[P.width]
    reach, radius = math.hypot(half_length, half_width), p[P.obstacle_radius]
    count, first = int(p[P.agents]), first_vehicle(p)
    for i in range(count):
        a = first + VEHICLE_SIZE * i
        if not on_floor(x[a + B.status]):
            continue
        ax, ay, heading = x[a + B.x], x[a + B.y], x[a + B.theta]
        for k in range(int(p[P.obstacles])):
            j = WORLD_SIZE + OBSTACLE_SIZE * k
            dx, dy = x[j + OB.x] - ax, x[j + OB.y] - ay
            near = dx * dx + dy * dy <= (reach + radius) * (reach + radius)
            if near and box_circle_overlap(
                ax, ay, heading, half_length, half_width, x[j + OB.x], x[j + OB.y], radius
            ):
                x[a + B.status] = COLLIDED
        for k in range(i + 1, count):
            b = first + VEHICLE_SIZE * k
            if not on_floor(x[b + B.status]):
                continue
            bx, by = x[b + B.x], x[b + B.y]
            if (bx - ax) * (bx - ax) + (by - ay) * (by - ay) > 4.0 * reach * reach:
                continue
            if boxes_overlap(
                ax, ay, heading, half_length, half_width,
                bx, by, x[b + B.theta], half_length, half_width,
            ):  # fmt: skip
                x[a + B.status] = COLLIDED
                x[b + B.status] = COLLIDED


@kernel
def _disturbance(channel, key, step, p, tables):
    signals, own = tables[T_SIGNALS], tables[T_SIGNAL_TABLES]
    if channel >= signals.shape[0]:
        return 0.0
    return signal_value(signals, channel, own, key, STREAM_SIGNAL + channel, step * p[P.dt])


# ------------------------------------------------------------------------------------------------------------- a period


@called_kernel
def advance_one(x, key, step, u, p, tables):
    """Move one world by one control period: obstacles first, then vehicles, then who touches whom.

    Args:
        x: The row.
        key: The episode's key.
        step: Control periods since the reset.
        u: Actions of all vehicles side by side, within [-1, 1].
        p: Parameters.
        tables: The shared tables.
    """
    layout, first = int(x[W.layout]), first_vehicle(p)
    grid, room = tables[T_GRID][layout], tables[T_ROOM][layout]
    move_obstacles(x, key, step, p, grid, room)
    added_v = _disturbance(0, key, step, p, tables)
    added_omega = _disturbance(1, key, step, p, tables)
    for i in range(int(p[P.agents])):
        j = first + VEHICLE_SIZE * i
        a = x[j : j + VEHICLE_SIZE]
        move_vehicle(a, u[2 * i], u[2 * i + 1], added_v, added_omega, p, grid, room)
    collide(x, p)


@kernel
def advance_alone(x, u, p, tables):
    """Move a world in which one vehicle moves and nothing else, undisturbed; as :func:`advance_one` does."""
    layout = int(x[W.layout])
    grid, room = tables[T_GRID][layout], tables[T_ROOM][layout]
    move_vehicle(x[WORLD_SIZE:], u[0], u[1], 0.0, 0.0, p, grid, room)
