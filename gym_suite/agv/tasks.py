"""What is asked of the vehicles: starts, targets, rewards, ends, observations. No physics."""

from __future__ import annotations

import math

import numpy as np

from gym_suite.agv.dynamics import (
    ACTION_0,
    ACTION_1,
    ARRIVED,
    CHANGE,
    CLIPPED,
    COLLIDED,
    DISTANCE_BEFORE,
    DRIVING,
    ERROR_OMEGA,
    ERROR_V,
    GOAL_THETA,
    GOAL_X,
    GOAL_Y,
    LEFT_ARRIVED,
    NX,
    OBSTACLE_SIZE,
    ODOMETRY_THETA,
    ODOMETRY_X,
    ODOMETRY_Y,
    OMEGA,
    PAYLOAD,
    SLIP,
    STATUS,
    STREAM_GOAL,
    STREAM_ODOMETRY,
    STREAM_PLACE,
    STREAM_START,
    T_GRID,
    T_RANGES,
    T_SPOTS,
    THETA,
    W_LAYOUT,
    W_OBSTACLES,
    V,
    X,
    Y,
    advance_one,
    world_size,
)
from gym_suite.agv.geometry import disc_hits_grid, wrap
from gym_suite.agv.lidar import measured_ranges, scan_all
from gym_suite.agv.parameters import (
    P_AGENTS,
    P_BEAMS,
    P_CELL,
    P_DOCK,
    P_GOAL_ANGLE,
    P_GOAL_RADIUS,
    P_GOAL_SPEED,
    P_LAYOUTS,
    P_LEAST_DISTANCE,
    P_LENGTH,
    P_MAP_X,
    P_MAP_Y,
    P_OBSTACLE_RADIUS,
    P_OBSTACLES,
    P_ODOMETRY,
    P_ODOMETRY_ERROR,
    P_OMEGA_LIMIT,
    P_PAYLOAD_HIGH,
    P_PAYLOAD_LIMIT,
    P_PAYLOAD_LOW,
    P_REWARD_COLLISION,
    P_REWARD_GOAL,
    P_SCALE_GOAL,
    P_SCALE_X,
    P_V_LIMIT,
    P_WEIGHT_CLEARANCE,
    P_WEIGHT_PROGRESS,
    P_WEIGHT_SMOOTHNESS,
    P_WEIGHT_TIME,
    P_WIDTH,
)
from gym_suite.core.family import clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform, uniform4

TRIES = 64  # draws of a place before the best so far is taken
CLOSE = 0.5  # distance of a wall from the vehicle below which closeness costs, m
SPEED_BOUND = 1.5

(
    M_REWARD_GOAL, M_REWARD_COLLISION, M_REWARD_PROGRESS, M_REWARD_CLEARANCE, M_REWARD_SMOOTHNESS,
    M_REWARD_TIME, M_ARRIVED, M_VIOLATION, M_CLEARANCE, M_GOAL_DISTANCE, M_CLIPPED,
) = range(11)  # fmt: skip
COMMON_METRICS = 11
#: State columns of a lone vehicle that are metrics too, from COMMON_METRICS on.
SHOWN = (X, Y, THETA, V, OMEGA, GOAL_X, GOAL_Y, GOAL_THETA, PAYLOAD, SLIP)
M_ODOMETRY_ERROR = COMMON_METRICS + len(SHOWN)
M_GOAL_ANGLE = M_ODOMETRY_ERROR + 1


# ------------------------------------------------------------------------------------------------------------ starts


@kernel
def _gap(agents, upto, px, py, column):
    """Return the distance of a place to those in ``column`` and the next of the vehicles before ``upto``."""
    gap = 1e30
    for k in range(upto):
        gap = min(gap, math.hypot(px - agents[k, column], py - agents[k, column + 1]))
    return gap


@kernel
def distance_apart(length, width):
    """Return how far apart vehicles start: their reaches and 0.2 m."""
    return math.hypot(length, width) + 0.2


@called_kernel
def _draw_spot(x, agents, i, key, p, tables, ends):
    """Draw the start (or, with ``ends``, the target) of vehicle i among the layout's spots.

    Vehicles keep apart by their reach and a target by the least distance from its start; of TRIES draws the first
    that satisfies both is taken, else the one that comes nearest to it.
    """
    spots, ranges = tables[T_SPOTS], tables[T_RANGES]
    layout = int(x[W_LAYOUT])
    low, high = ranges[layout, 2 * ends], ranges[layout, 2 * ends + 1]
    apart = distance_apart(p[P_LENGTH], p[P_WIDTH])
    best, best_merit = low, -1e30
    stream = (STREAM_GOAL if ends else STREAM_START) + TRIES * i
    column = GOAL_X if ends else X
    turn = 0.0
    count = high - low
    first = int(uniform4(key, 0, stream)[2] * count)
    for k in range(TRIES):
        a, b, _, _ = uniform4(key, 0, stream + k)
        # Few spots are tried one after the other from a random one on, so that none is missed.
        spot = low + ((first + k) % count if count <= TRIES else int(a * count))
        px, py = spots[spot, 0], spots[spot, 1]
        merit = min(_gap(agents, i, px, py, column) / apart, 1.0)
        if ends and p[P_LEAST_DISTANCE] > 0.0:
            away = math.hypot(px - agents[i, X], py - agents[i, Y])
            merit = min(merit, away / p[P_LEAST_DISTANCE])
        if merit > best_merit:
            best, best_merit, turn = spot, merit, b
        if merit >= 1.0:
            break
    if best_merit < 1.0:
        # Chance found none: where there is one that keeps apart from the others, take it.
        for k in range(count):
            spot = low + (first + k) % count
            if _gap(agents, i, spots[spot, 0], spots[spot, 1], column) >= apart:
                if _gap(agents, i, spots[best, 0], spots[best, 1], column) < apart:
                    best = spot
                break
    heading = spots[best, 2]
    if not heading < 1e3:  # a spot without a heading of its own
        heading = math.pi * (2.0 * turn - 1.0)
    return spots[best, 0], spots[best, 1], heading


@called_kernel
def _place_obstacles(x, agents, key, p, tables):
    """Put the moving obstacles on free floor, away from the vehicles' starts."""
    grid = tables[T_GRID][int(x[W_LAYOUT])]
    cell, radius = p[P_CELL], p[P_OBSTACLE_RADIUS]
    apart = radius + 0.5 * math.hypot(p[P_LENGTH], p[P_WIDTH]) + 1.0
    column = np.int64(X)  # a constant would be a type of its own, compiled apart
    for k in range(int(p[P_OBSTACLES])):
        j = W_OBSTACLES + OBSTACLE_SIZE * k
        best = -1.0
        for t in range(TRIES):
            a, b, c, _ = uniform4(key, 0, STREAM_PLACE + TRIES * k + t)
            px, py = a * grid.shape[1] * cell, b * grid.shape[0] * cell
            if disc_hits_grid(px, py, radius, grid, cell):
                continue
            gap = min(_gap(agents, agents.shape[0], px, py, column), apart)
            if gap > best:
                x[j], x[j + 1], x[j + 2], best = px, py, math.pi * (2.0 * c - 1.0), gap
            if gap >= apart:
                break


@called_kernel
def reset_one(x, key, p, tables, work):
    """Start a world: layout, starts, targets, payloads, obstacles."""
    x[:] = 0.0
    x[W_LAYOUT] = math.floor(uniform(key, 0, STREAM_ODOMETRY - 1) * p[P_LAYOUTS])
    count = int(p[P_AGENTS])
    agents = x[world_size(p) :].reshape(count, NX)
    for ends in range(2):
        for i in range(count):
            place = agents[i, GOAL_X : GOAL_X + 3] if ends else agents[i, X : X + 3]
            place[0], place[1], place[2] = _draw_spot(x, agents, i, key, p, tables, ends)
    for i in range(count):
        a = agents[i]
        a[ODOMETRY_X], a[ODOMETRY_Y], a[ODOMETRY_THETA] = a[X], a[Y], a[THETA]
        one, two, three, _ = uniform4(key, 0, STREAM_ODOMETRY + i)
        a[ERROR_V] = p[P_ODOMETRY_ERROR] * (2.0 * one - 1.0)
        a[ERROR_OMEGA] = p[P_ODOMETRY_ERROR] * (2.0 * two - 1.0)
        a[PAYLOAD] = p[P_PAYLOAD_LOW] + (p[P_PAYLOAD_HIGH] - p[P_PAYLOAD_LOW]) * three
        a[DISTANCE_BEFORE] = math.hypot(a[GOAL_X] - a[X], a[GOAL_Y] - a[Y])
    _place_obstacles(x, agents, key, p, tables)


# ------------------------------------------------------------------------------------------------------------ rewards


@kernel
def _at_goal(a, p):
    """Return whether a vehicle is at its target, within the tolerances."""
    if math.hypot(a[GOAL_X] - a[X], a[GOAL_Y] - a[Y]) > p[P_GOAL_RADIUS]:
        return False
    if p[P_DOCK] == 0.0:
        return True
    turned = abs(wrap(a[THETA] - a[GOAL_THETA])) <= p[P_GOAL_ANGLE]
    return turned and abs(a[V]) + abs(a[OMEGA]) <= p[P_GOAL_SPEED]


@kernel
def clearance_of(ranges, beams, p):
    """Return about how near the nearest thing is to the vehicle's side, by its true ranges, m."""
    a, b, c, d = ranges[0], ranges[0], ranges[0], ranges[0]  # four chains, for each has to wait
    whole = beams - beams % 4
    for j in range(0, whole, 4):
        a, b = min(a, ranges[j]), min(b, ranges[j + 1])
        c, d = min(c, ranges[j + 2]), min(d, ranges[j + 3])
    for j in range(whole, beams):
        a = min(a, ranges[j])
    least = min(min(a, b), min(c, d))
    return max(least - 0.5 * p[P_WIDTH], 0.0)


@called_kernel
def judge_one(x, p, work, m, reward, terminated):
    """Fill reward terms, rewards and ends after a step. With several vehicles the terms are means."""
    count, beams = int(p[P_AGENTS]), int(p[P_BEAMS])
    agents = x[world_size(p) :].reshape(count, NX)
    for j in range(M_REWARD_TIME + 1):
        m[j] = 0.0
    for i in range(count):
        a = agents[i]
        if a[STATUS] >= LEFT_ARRIVED:
            reward[i], terminated[i] = 0.0, True
            continue
        if a[STATUS] == DRIVING and _at_goal(a, p):
            a[STATUS] = ARRIVED
        goal = p[P_REWARD_GOAL] if a[STATUS] == ARRIVED else 0.0
        collision = -p[P_REWARD_COLLISION] if a[STATUS] == COLLIDED else 0.0
        now = math.hypot(a[GOAL_X] - a[X], a[GOAL_Y] - a[Y])
        progress = p[P_WEIGHT_PROGRESS] * (a[DISTANCE_BEFORE] - now)
        near = 0.0
        if p[P_WEIGHT_CLEARANCE] > 0.0:
            near = max(0.0, 1.0 - clearance_of(work[i * beams : (i + 1) * beams], beams, p) / CLOSE)
        closeness = -p[P_WEIGHT_CLEARANCE] * near
        smoothness, time = -p[P_WEIGHT_SMOOTHNESS] * a[CHANGE], -p[P_WEIGHT_TIME]
        reward[i] = goal + collision + progress + closeness + smoothness + time
        terminated[i] = a[STATUS] != DRIVING
        m[M_REWARD_GOAL] += goal / count
        m[M_REWARD_COLLISION] += collision / count
        m[M_REWARD_PROGRESS] += progress / count
        m[M_REWARD_CLEARANCE] += closeness / count
        m[M_REWARD_SMOOTHNESS] += smoothness / count
        m[M_REWARD_TIME] += time / count


@called_kernel
def measure_one(x, p, work, m):
    """Fill the metrics that follow from the state."""
    count, beams = int(p[P_AGENTS]), int(p[P_BEAMS])
    agents = x[world_size(p) :].reshape(count, NX)
    arrived, violation, clipped, distance, clearance = 0.0, 0.0, 0.0, 0.0, 1e30
    for i in range(count):
        a = agents[i]
        arrived += 1.0 if a[STATUS] in (ARRIVED, LEFT_ARRIVED) else 0.0
        violation = 1.0 if a[STATUS] == COLLIDED else violation
        clipped += a[CLIPPED]
        distance += math.hypot(a[GOAL_X] - a[X], a[GOAL_Y] - a[Y]) / count
        clearance = min(clearance, clearance_of(work[i * beams : (i + 1) * beams], beams, p))
    m[M_ARRIVED], m[M_VIOLATION], m[M_CLIPPED] = arrived, violation, clipped
    m[M_CLEARANCE], m[M_GOAL_DISTANCE] = clearance, distance
    if count == 1:
        a = agents[0]
        for k in range(len(SHOWN)):
            m[COMMON_METRICS + k] = a[SHOWN[k]]
        m[M_ODOMETRY_ERROR] = math.hypot(a[ODOMETRY_X] - a[X], a[ODOMETRY_Y] - a[Y])
        m[M_GOAL_ANGLE] = wrap(a[GOAL_THETA] - a[THETA])


# ------------------------------------------------------------------------------------------------------- observations


@kernel
def _bounded(value, bound):
    return min(max(value, -bound), bound)


@called_kernel
def observe_one(x, key, step, p, tables, work, o):
    """Fill the observations of all vehicles of a world, side by side; ``work`` holds the true ranges."""
    count, beams = int(p[P_AGENTS]), int(p[P_BEAMS])
    agents = x[world_size(p) :].reshape(count, NX)
    width = o.shape[0] // count
    for i in range(count):
        a = agents[i]
        j = i * width
        true = work[i * beams : (i + 1) * beams]
        measured_ranges(true, i * beams, key, step, p, o[j : j + beams])
        j += beams
        px, py, theta = a[X], a[Y], a[THETA]
        if p[P_ODOMETRY] != 0.0:
            px, py, theta = a[ODOMETRY_X], a[ODOMETRY_Y], a[ODOMETRY_THETA]
        dx, dy = a[GOAL_X] - px, a[GOAL_Y] - py
        bearing = math.atan2(dy, dx) - theta
        o[j] = min(math.hypot(dx, dy) / p[P_SCALE_GOAL], 1.0)
        o[j + 1], o[j + 2] = math.cos(bearing), math.sin(bearing)
        o[j + 3] = _bounded(a[V] / p[P_V_LIMIT], SPEED_BOUND)
        o[j + 4] = _bounded(a[OMEGA] / p[P_OMEGA_LIMIT], SPEED_BOUND)
        o[j + 5] = a[PAYLOAD] / p[P_PAYLOAD_LIMIT]
        o[j + 6], o[j + 7] = a[ACTION_0], a[ACTION_1]
        o[j + 8] = _bounded((px - p[P_MAP_X]) / p[P_SCALE_X], 1.0)
        o[j + 9] = _bounded((py - p[P_MAP_Y]) / p[P_SCALE_X], 1.0)
        o[j + 10], o[j + 11] = math.cos(theta), math.sin(theta)
        j += 12
        if p[P_DOCK] != 0.0:
            turn = a[GOAL_THETA] - theta
            o[j], o[j + 1] = math.cos(turn), math.sin(turn)
            j += 2
        if p[P_LAYOUTS] > 1.0:
            o[j] = x[W_LAYOUT] / (p[P_LAYOUTS] - 1.0)


# -------------------------------------------------------------------------------------------------- loops over the rows


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        q = p[parameter_row(p, i)]
        agents = x[i, world_size(q) :].reshape(int(q[P_AGENTS]), NX)
        for k in range(agents.shape[0]):
            agents[k, CLIPPED] = clip_action(u[i, 2 * k : 2 * k + 2])
        advance_one(x[i], key[i], step[i], u[i], q, tables, work[i])
        scan_all(x[i], q, tables, work[i])
        judge_one(x[i], q, work[i], m[:, i], reward[i], terminated[i])
        measure_one(x[i], q, work[i], m[:, i])
        step[i] += 1
        observe_one(x[i], key[i], step[i], q, tables, work[i], o[i])
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        if mask[i]:
            q = p[parameter_row(p, i)]
            reset_one(x[i], key[i], q, tables, work[i])
            m[:, i] = 0.0
            scan_all(x[i], q, tables, work[i])
            measure_one(x[i], q, work[i], m[:, i])
            observe_one(x[i], key[i], np.int64(0), q, tables, work[i], o[i])


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    for i in range(x.shape[0]):
        if mask[i]:
            q = p[parameter_row(p, i)]
            m[:, i] = 0.0
            scan_all(x[i], q, tables, work[i])
            measure_one(x[i], q, work[i], m[:, i])
            observe_one(x[i], key[i], step[i], q, tables, work[i], o[i])
