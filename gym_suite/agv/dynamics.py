"""Physics of the floor: vehicles with limits, lag, traction and odometry; moving obstacles and targets.

A vehicle's speed loops move its wheels within limits of speed, acceleration and jerk. The wheels carry the
vehicle along as long as friction can give the force that takes; beyond that they slide (Coulomb), and odometry,
which counts wheel turns, drifts away. Over each sub-step the pose follows the exact arc of the mean twist.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gym_suite.agv.geometry import (
    box_circle_overlap,
    box_hits_grid,
    boxes_overlap,
    disc_hits_grid,
    wrap,
)
from gym_suite.agv.parameters import (
    P_ACCELERATION,
    P_AGENTS,
    P_ALPHA,
    P_CELL,
    P_DECELERATION,
    P_DRIVE_FORCE,
    P_DRIVE_SHARE,
    P_DT,
    P_HALF_TRACK,
    P_JERK,
    P_LAG,
    P_LENGTH,
    P_MASS,
    P_MU,
    P_OBSTACLE_RADIUS,
    P_OBSTACLE_SPEED,
    P_OBSTACLES,
    P_OMEGA_LIMIT,
    P_SUBSTEPS,
    P_TARGET_SPEED,
    P_V_LIMIT,
    P_WHEEL_LIMIT,
    P_WHEEL_RADIUS,
    P_WHEELS,
    P_WIDTH,
)
from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import parameter_row
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform
from gym_suite.core.signals import signal_value

GRAVITY = 9.80665
#: How near a moving obstacle comes to a vehicle of its own accord, m.
COURTESY = 0.3

T_GRID, T_ROOM, T_EDGES, T_SPOTS, T_RANGES, T_BEAMS, T_SIGNALS, T_SIGNAL_TABLES = range(8)
DISTURBANCES = ("v", "omega")

STREAM_START, STREAM_GOAL, STREAM_ODOMETRY, STREAM_PLACE = 0, 1 << 20, 2 << 20, 3 << 20
STREAM_TURN, STREAM_TARGET, STREAM_SIGNAL, STREAM_LIDAR = 4 << 20, 5 << 20, 6 << 20, 7 << 20

# The last two are off the floor: nothing sees or meets them.
DRIVING, ARRIVED, COLLIDED, LEFT_ARRIVED, LEFT_COLLIDED = range(5)
W_LAYOUT, W_OBSTACLES = 0, 1
OBSTACLE_SIZE = 3

VEHICLE_STATES = Columns(
    Column("x", "m", meaning="position of the drive axle's centre"),
    Column("y", "m", meaning="position of the drive axle's centre"),
    Column("theta", "rad", meaning="heading"),
    Column("v", "m/s", meaning="speed along the heading"),
    Column("omega", "rad/s", meaning="yaw rate"),
    Column("v_lateral", "m/s", meaning="speed across the heading (sliding)"),
    Column("wheel_v", "m/s", meaning="speed that the wheels roll"),
    Column("wheel_omega", "rad/s", meaning="yaw rate that the wheels roll"),
    Column("wheel_a", "m/s^2", meaning="acceleration of the wheels"),
    Column("wheel_alpha", "rad/s^2", meaning="yaw acceleration of the wheels"),
    Column("odometry_x", "m", meaning="position by odometry"),
    Column("odometry_y", "m", meaning="position by odometry"),
    Column("odometry_theta", "rad", meaning="heading by odometry"),
    Column("error_v", "1", meaning="relative error of odometry's speed"),
    Column("error_omega", "1", meaning="relative error of odometry's yaw rate"),
    Column("payload", "kg", meaning="payload"),
    Column("goal_x", "m", meaning="target position"),
    Column("goal_y", "m", meaning="target position"),
    Column("goal_theta", "rad", meaning="target heading, or where a moving target goes"),
    Column("action_0", "1", -1, 1, "first element of the last action"),
    Column("action_1", "1", -1, 1, "second element of the last action"),
    Column("change", "1", meaning="squared change of the action"),
    Column("distance_before", "m", meaning="distance to the target before the step"),
    Column(
        "status",
        "1",
        0,
        4,
        "0 driving, 1 arrived, 2 collided; 3, 4: the same, and gone",
        whole=True,
    ),
    Column("clipped", "1", meaning="elements of the action that were outside [-1, 1]"),
    Column("slip", "m/s", meaning="speed of the wheels' contact over the floor"),
)
(
    X, Y, THETA, V, OMEGA, V_LATERAL, WHEEL_V, WHEEL_OMEGA, WHEEL_A, WHEEL_ALPHA, ODOMETRY_X,
    ODOMETRY_Y, ODOMETRY_THETA, ERROR_V, ERROR_OMEGA, PAYLOAD, GOAL_X, GOAL_Y, GOAL_THETA,
    ACTION_0, ACTION_1, CHANGE, DISTANCE_BEFORE, STATUS, CLIPPED, SLIP,
) = range(len(VEHICLE_STATES))  # fmt: skip
NX = len(VEHICLE_STATES)
#: Columns that follow another one where only that is written by hand.
FOLLOWERS = (
    (X, ODOMETRY_X),
    (Y, ODOMETRY_Y),
    (THETA, ODOMETRY_THETA),
    (V, WHEEL_V),
    (OMEGA, WHEEL_OMEGA),
)


def state_columns(
    obstacles: int,
    agents: tuple[str, ...] = (),
    *,
    layouts: int = 1,
    width: float = math.inf,
    height: float = math.inf,
    payload: float = math.inf,
) -> Columns:
    """Return the columns of a row: the world's, then a block per vehicle.

    Args:
        obstacles: Number of moving obstacles.
        agents: Names of the vehicles; empty for a lone one.
        layouts: Number of maps.
        width: Of the maps, m.
        height: Of the maps, m.
        payload: Largest payload, kg.
    """
    world = [Column("layout", "1", 0, layouts - 1, "number of the layout", whole=True)]
    for k in range(obstacles):
        world += [
            Column(f"obstacle_{k}_x", "m", 0, width, "position of a moving obstacle"),
            Column(f"obstacle_{k}_y", "m", 0, height, "position of a moving obstacle"),
            Column(f"obstacle_{k}_theta", "rad", meaning="where a moving obstacle goes"),
        ]
    low: dict[str, float] = dict.fromkeys(("x", "y", "goal_x", "goal_y", "payload"), 0.0)
    high = {"x": width, "y": height, "goal_x": width, "goal_y": height, "payload": payload}
    for agent in agents or ("",):
        prefix = f"{agent}_" if agent else ""
        world += [
            replace(
                c, name=prefix + c.name, low=low.get(c.name, c.low), high=high.get(c.name, c.high)
            )
            for c in VEHICLE_STATES
        ]
    return Columns(*world)


def follow_injected(
    agents: tuple[str, ...], x: np.ndarray, mask: np.ndarray, names: set[str]
) -> None:
    """Let odometry follow a pose that was written into the state, and wheels a speed, unless they were named too.

    Args:
        agents: Names of the vehicles; empty for a lone one.
        x: States, (rows, columns).
        mask: Rows that were written into.
        names: Columns that were written.
    """
    count = max(1, len(agents))
    for i in range(count):
        prefix = f"{agents[i]}_" if agents else ""
        first = x.shape[1] - (count - i) * NX
        for leader, follower in FOLLOWERS:
            one, other = (prefix + VEHICLE_STATES.names[k] for k in (leader, follower))
            if one in names and other not in names:
                x[mask, first + follower] = x[mask, first + leader]


@kernel
def world_size(p):
    """Return the number of the world's own columns."""
    return W_OBSTACLES + OBSTACLE_SIZE * int(p[P_OBSTACLES])


@kernel
def on_floor(a):
    """Return whether a vehicle (its block of columns) is still there."""
    return a[STATUS] == DRIVING or a[STATUS] == COLLIDED


# ------------------------------------------------------------------------------------------------------- a vehicle


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
    half_track, rim = p[P_HALF_TRACK], p[P_WHEEL_RADIUS] * p[P_WHEEL_LIMIT]
    if p[P_WHEELS] != 0.0:
        v, omega = 0.5 * (u0 + u1) * rim, 0.5 * (u1 - u0) * rim / half_track
    else:
        v, omega = u0 * p[P_V_LIMIT], u1 * p[P_OMEGA_LIMIT]
    over = max(abs(v) / p[P_V_LIMIT], abs(omega) / p[P_OMEGA_LIMIT])
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


@kernel
def vehicle_inertia(p, mass):
    """Return the moment of inertia of a box of even density, kg m^2."""
    return mass * (p[P_LENGTH] ** 2 + p[P_WIDTH] ** 2) / 12.0


@called_kernel
def drive(a, v_wanted, omega_wanted, p, grid, room):
    """Move one vehicle (its block of columns) by a control period; return whether it hit the map."""
    steps = int(p[P_SUBSTEPS])
    h = p[P_DT] / steps
    half_length, half_width = 0.5 * p[P_LENGTH], 0.5 * p[P_WIDTH]
    reach = math.hypot(half_length, half_width)
    half_track, cell = p[P_HALF_TRACK], p[P_CELL]
    mass = p[P_MASS] + a[PAYLOAD]
    inertia = vehicle_inertia(p, mass)
    capacity = 0.5 * p[P_MU] * GRAVITY * p[P_DRIVE_SHARE] * mass
    force = p[P_DRIVE_FORCE]
    speed_up, slow_down = min(p[P_ACCELERATION], force / mass), min(p[P_DECELERATION], force / mass)
    alpha = min(p[P_ALPHA], force * half_track / inertia)
    jerk = p[P_JERK]
    jerk_omega = jerk * alpha / speed_up
    gain = (1.0 - math.exp(-h / p[P_LAG])) / h if p[P_LAG] > 0.0 else 1.0 / h
    x, y, theta = a[X], a[Y], a[THETA]
    v, v_lateral, omega = a[V], a[V_LATERAL], a[OMEGA]
    wheel_v, wheel_omega = a[WHEEL_V], a[WHEEL_OMEGA]
    rate, rate_omega = a[WHEEL_A], a[WHEEL_ALPHA]
    hit = False
    for _ in range(steps):
        next_v, rate = speed_loop(wheel_v, rate, v_wanted, speed_up, slow_down, jerk, gain, h)
        next_omega, rate_omega = speed_loop(
            wheel_omega, rate_omega, omega_wanted, alpha, alpha, jerk_omega, gain, h
        )
        a[ODOMETRY_X], a[ODOMETRY_Y], a[ODOMETRY_THETA] = arc(
            a[ODOMETRY_X], a[ODOMETRY_Y], a[ODOMETRY_THETA],
            0.5 * (wheel_v + next_v) * (1.0 + a[ERROR_V]), 0.0,
            0.5 * (wheel_omega + next_omega) * (1.0 + a[ERROR_OMEGA]), h,
        )  # fmt: skip
        wheel_v, wheel_omega = next_v, next_omega
        v1, lateral1, omega1 = traction(
            v, v_lateral, omega, wheel_v, wheel_omega, mass, inertia, half_track, capacity, h
        )
        x, y, theta = arc(
            x, y, theta, 0.5 * (v + v1), 0.5 * (v_lateral + lateral1), 0.5 * (omega + omega1), h
        )
        v, v_lateral, omega = v1, lateral1, omega1
        column, row = math.floor(x / cell), math.floor(y / cell)
        inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
        near = not inside or (int(room[row, column]) - 1) * cell <= reach
        if near and box_hits_grid(x, y, theta, half_length, half_width, grid, cell):
            hit = True
            break
    a[X], a[Y], a[THETA] = x, y, theta
    a[V], a[V_LATERAL], a[OMEGA] = v, v_lateral, omega
    a[WHEEL_V], a[WHEEL_OMEGA], a[WHEEL_A], a[WHEEL_ALPHA] = wheel_v, wheel_omega, rate, rate_omega
    a[SLIP] = math.hypot(abs(wheel_v - v) + half_track * abs(wheel_omega - omega), v_lateral)
    return hit


# ---------------------------------------------------------------------------------------------------- what else moves


@kernel
def _crowded(px, py, qx, qy, distance, agents):
    """Return whether going from p to q comes nearer than ``distance`` to a vehicle that is driving."""
    for k in range(agents.shape[0]):
        if agents[k, STATUS] == DRIVING:
            before = (px - agents[k, X]) ** 2 + (py - agents[k, Y]) ** 2
            after = (qx - agents[k, X]) ** 2 + (qy - agents[k, Y]) ** 2
            if after < distance * distance and after < before:
                return True
    return False


@kernel
def _shut(x, y, radius, grid, room, cell):
    """Return whether a disc touches the map; where the map is far away one look tells."""
    column, row = math.floor(x / cell), math.floor(y / cell)
    inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
    if inside and (int(room[row, column]) - 1) * cell > radius:
        return False
    return disc_hits_grid(x, y, radius, grid, cell)


@called_kernel
def move_obstacles(x, agents, key, step, p, grid, room):
    """Let each obstacle walk straight on; where a wall or a vehicle is in its way it turns at random."""
    radius, cell = p[P_OBSTACLE_RADIUS], p[P_CELL]
    stride = p[P_OBSTACLE_SPEED] * p[P_DT]
    distance = radius + 0.5 * math.hypot(p[P_LENGTH], p[P_WIDTH]) + COURTESY
    for k in range(int(p[P_OBSTACLES])):
        j = W_OBSTACLES + OBSTACLE_SIZE * k
        qx, qy = x[j] + stride * math.cos(x[j + 2]), x[j + 1] + stride * math.sin(x[j + 2])
        if _shut(qx, qy, radius, grid, room, cell) or _crowded(
            x[j], x[j + 1], qx, qy, distance, agents
        ):
            x[j + 2] = math.pi * (2.0 * uniform(key, step, STREAM_TURN + k) - 1.0)
        else:
            x[j], x[j + 1] = qx, qy


@kernel
def move_target(a, k, key, step, p, grid, room):
    """Let a vehicle's target walk straight on, and turn at random in front of walls."""
    stride = p[P_TARGET_SPEED] * p[P_DT]
    qx = a[GOAL_X] + stride * math.cos(a[GOAL_THETA])
    qy = a[GOAL_Y] + stride * math.sin(a[GOAL_THETA])
    radius = 0.5 * math.hypot(p[P_LENGTH], p[P_WIDTH])
    if _shut(qx, qy, radius, grid, room, p[P_CELL]):
        a[GOAL_THETA] = math.pi * (2.0 * uniform(key, step, STREAM_TARGET + k) - 1.0)
    else:
        a[GOAL_X], a[GOAL_Y] = qx, qy


@called_kernel
def collide(x, agents, p):
    """Mark the vehicles that touch an obstacle or each other."""
    half_length, half_width = 0.5 * p[P_LENGTH], 0.5 * p[P_WIDTH]
    reach, radius = math.hypot(half_length, half_width), p[P_OBSTACLE_RADIUS]
    count = agents.shape[0]
    for i in range(count):
        if not on_floor(agents[i]):
            continue
        ax, ay, heading = agents[i, X], agents[i, Y], agents[i, THETA]
        for k in range(int(p[P_OBSTACLES])):
            j = W_OBSTACLES + OBSTACLE_SIZE * k
            near = (x[j] - ax) ** 2 + (x[j + 1] - ay) ** 2 <= (reach + radius) ** 2
            if near and box_circle_overlap(
                ax, ay, heading, half_length, half_width, x[j], x[j + 1], radius
            ):
                agents[i, STATUS] = COLLIDED
        for k in range(i + 1, count):
            if not on_floor(agents[k]):
                continue
            if (agents[k, X] - ax) ** 2 + (agents[k, Y] - ay) ** 2 > (2.0 * reach) ** 2:
                continue
            if boxes_overlap(
                ax, ay, heading, half_length, half_width,
                agents[k, X], agents[k, Y], agents[k, THETA], half_length, half_width,
            ):  # fmt: skip
                agents[i, STATUS] = COLLIDED
                agents[k, STATUS] = COLLIDED


@called_kernel
def _disturbance(channel, key, t, tables):
    return signal_value(
        tables[T_SIGNALS], channel, tables[T_SIGNAL_TABLES], key, STREAM_SIGNAL + channel, t
    )


@called_kernel
def advance_one(x, key, step, u, p, tables, work):
    """Move one world by one control period; see :class:`gym_suite.core.family.Kernels`.

    Vehicles that have arrived or collided before are off the floor: nothing sees or meets them.
    """
    layout = int(x[W_LAYOUT])
    grid, room = tables[T_GRID][layout], tables[T_ROOM][layout]
    count = int(p[P_AGENTS])
    agents = x[world_size(p) :].reshape(count, NX)
    move_obstacles(x, agents, key, step, p, grid, room)
    added_v, added_omega = 0.0, 0.0
    if tables[T_SIGNALS].shape[0] == len(DISTURBANCES):
        for channel in range(len(DISTURBANCES)):
            added_v = added_omega
            added_omega = _disturbance(channel, key, step * p[P_DT], tables)
    for i in range(count):
        a = agents[i]
        if a[STATUS] != DRIVING:
            if a[STATUS] < LEFT_ARRIVED:
                a[STATUS] += LEFT_ARRIVED - ARRIVED
            a[CHANGE] = 0.0
            continue
        u0, u1 = u[2 * i], u[2 * i + 1]
        a[CHANGE] = (u0 - a[ACTION_0]) ** 2 + (u1 - a[ACTION_1]) ** 2
        a[ACTION_0], a[ACTION_1] = u0, u1
        a[DISTANCE_BEFORE] = math.hypot(a[GOAL_X] - a[X], a[GOAL_Y] - a[Y])
        v_wanted, omega_wanted = command(u0, u1, p)
        if drive(a, v_wanted + added_v, omega_wanted + added_omega, p, grid, room):
            a[STATUS] = COLLIDED
        if p[P_TARGET_SPEED] > 0.0:
            move_target(a, i, key, step, p, grid, room)
    collide(x, agents, p)


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Move all rows by the physics alone; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables, work[i])
