"""What is asked of the vehicles: starts, targets, rewards, ends, observations. No physics."""

from __future__ import annotations

import math

from gym_suite.agv.columns import (
    ARRIVED,
    COLLIDED,
    DRIVING,
    LEFT_ARRIVED,
    OB,
    OBSTACLE_SIZE,
    QUANTITY_SIZE,
    STREAM_GOAL,
    STREAM_LAYOUT,
    STREAM_ODOMETRY,
    STREAM_PLACE,
    STREAM_START,
    STREAM_TARGET,
    T_GRID,
    T_OBSERVED,
    T_ROOM,
    T_SHOWN,
    T_SPANS,
    T_SPOTS,
    TRIES,
    VEHICLE_SIZE,
    VIEW,
    WORLD_SIZE,
    Q,
    W,
    X,
    first_vehicle,
)
from gym_suite.agv.geometry import disc_hits_grid, disc_meets_map, wrap
from gym_suite.agv.lidar import measured_range
from gym_suite.agv.maps.floor import SPAN
from gym_suite.agv.parameters import P
from gym_suite.core.columns import Column, Columns, Term
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform, uniform4

#: Distance of a wall from the vehicle below which closeness costs, m.
CLOSE = 0.5
#: How far apart vehicles start besides their reaches, m.
GAP = 0.2

TERMS = (
    Term("reward_goal", "1 in the step in which the target is reached", low=0.0),
    Term("reward_collision", "-1 in the step in which the vehicle hits something", high=0.0),
    Term(
        "reward_progress",
        "weight * (distance to the target before the step - after it), in m",
        "progress",
    ),
    Term("reward_clearance", "-weight * max(0, 1 - clearance / 0.5 m)", "clearance", high=0.0),
    Term("reward_smoothness", "-weight * squared change of the action", "smoothness", high=0.0),
    Term("reward_time", "-weight", "time", high=0.0),
)
#: Metrics of every world; those of a lone vehicle follow, see ``SHOWN``.
METRICS = Columns(
    *(term.column for term in TERMS),
    Column("arrived", "1", 0, meaning="vehicles that have arrived"),
    Column("violation", "1", 0, 1, "1 if a vehicle hit something in this step"),
    Column("clearance", "m", 0, meaning="least range seen, less half the width"),
    Column("goal_distance", "m", 0, meaning="distance to the target (mean over vehicles)"),
    Column("clipped", "1", 0, meaning="elements of the action outside [-1, 1]"),
)
#: Quantities of a lone vehicle that are metrics too.
SHOWN = (
    "x", "y", "theta", "v", "omega", "goal_x", "goal_y", "goal_theta", "payload", "slip",
    "odometry_error", "goal_angle",
)  # fmt: skip
M = METRICS.places
_METRICS = len(METRICS)
_TERMS = len(TERMS)


# --------------------------------------------------------------------------------------------------------------- starts


@kernel
def distance_apart(length, width):
    """Return how far apart vehicles start: their reaches and GAP."""
    return math.hypot(length, width) + GAP


@kernel
def _gap(x, first, upto, column, px, py):
    """Return the distance of a place to those in ``column`` and the next of the vehicles before ``upto``."""
    gap = 1e30
    for k in range(upto):
        j = first + VEHICLE_SIZE * k + column
        gap = min(gap, math.hypot(px - x[j], py - x[j + 1]))
    return gap


@called_kernel
def _draw_spot(x, i, key, p, tables, goal):
    """Put vehicle i (with ``goal``, its target) on one of the layout's spots; where they are paired, both.

    Vehicles keep apart by their reach and a target by the least distance from its start; of TRIES draws the first
    that satisfies both is taken, else the one that comes nearest to it.
    """
    spots, spans, layout = tables[T_SPOTS], tables[T_SPANS], int(x[W.layout])
    first, column, stream = first_vehicle(p), X.x, STREAM_START + TRIES * i
    low, high, least = spans[layout, SPAN.first_start], spans[layout, SPAN.end_starts], 0.0
    if goal:
        column, stream = X.goal_x, STREAM_GOAL + TRIES * i
        low, high = spans[layout, SPAN.first_goal], spans[layout, SPAN.end_goals]
        least = p[P.least_distance]
    # From a start to the target that goes with it; 0 where they are drawn one after the other.
    other = spans[layout, SPAN.first_goal] - low if p[P.paired] != 0.0 else 0
    a = first + VEHICLE_SIZE * i
    apart = distance_apart(p[P.length], p[P.width])
    best, best_merit, turn = low, -1e30, 0.0
    count = high - low
    begin = int(uniform4(key, 0, stream)[2] * count)
    for k in range(TRIES):
        draw, angle, _, _ = uniform4(key, 0, stream + k)
        # Few spots are tried one after the other from a random one on, so that none is missed.
        spot = low + ((begin + k) % count if count <= TRIES else int(draw * count))
        px, py = spots[spot, 0], spots[spot, 1]
        merit = min(_gap(x, first, i, column, px, py) / apart, 1.0)
        if other != 0:
            qx, qy = spots[spot + other, 0], spots[spot + other, 1]
            merit = min(merit, _gap(x, first, i, X.goal_x, qx, qy) / apart)
            if p[P.least_distance] > 0.0:
                merit = min(merit, math.hypot(px - qx, py - qy) / p[P.least_distance])
        elif least > 0.0:
            merit = min(merit, math.hypot(px - x[a + X.x], py - x[a + X.y]) / least)
        if merit > best_merit:
            best, best_merit, turn = spot, merit, angle
        if merit >= 1.0:
            break
    if best_merit < 1.0:
        # Chance found none: where there is one that keeps apart from the others, take it.
        for k in range(count):
            spot = low + (begin + k) % count
            if _gap(x, first, i, column, spots[spot, 0], spots[spot, 1]) >= apart:
                if _gap(x, first, i, column, spots[best, 0], spots[best, 1]) < apart:
                    best = spot
                break
    _put(x, a + column, spots[best, 0], spots[best, 1], spots[best, 2], turn)
    if other != 0:
        best += other
        _put(x, a + X.goal_x, spots[best, 0], spots[best, 1], spots[best, 2], turn)


@kernel
def _put(x, place, px, py, heading, turn):
    """Write a pose; a spot without a heading of its own gets the one that was drawn."""
    if not heading < 1e3:
        heading = math.pi * (2.0 * turn - 1.0)
    x[place], x[place + 1], x[place + 2] = px, py, heading


@called_kernel
def reset_alone(x, key, p, tables):
    """Start a world in which no obstacles move: layout, starts, targets, payloads."""
    x[:] = 0.0
    x[W.layout] = math.floor(uniform(key, 0, STREAM_LAYOUT) * p[P.layouts])
    count, first = int(p[P.agents]), first_vehicle(p)
    draws = count if p[P.paired] != 0.0 else 2 * count
    for k in range(draws):  # all starts, then all targets
        _draw_spot(x, k % count, key, p, tables, k >= count)
    for i in range(count):
        j = first + VEHICLE_SIZE * i
        a = x[j : j + VEHICLE_SIZE]
        a[X.odometry_x], a[X.odometry_y], a[X.odometry_theta] = a[X.x], a[X.y], a[X.theta]
        one, two, three, _ = uniform4(key, 0, STREAM_ODOMETRY + i)
        a[X.error_v] = p[P.odometry_error] * (2.0 * one - 1.0)
        a[X.error_omega] = p[P.odometry_error] * (2.0 * two - 1.0)
        a[X.payload] = p[P.payload_low] + (p[P.payload_high] - p[P.payload_low]) * three
        a[X.distance_before] = math.hypot(a[X.goal_x] - a[X.x], a[X.goal_y] - a[X.y])


@called_kernel
def _place_obstacles(x, key, p, tables):
    """Put the moving obstacles on free floor, away from the vehicles' starts.

    Where chance finds no place at which none touches a vehicle, the first free cell that is one is taken.
    """
    grid = tables[T_GRID][int(x[W.layout])]
    cell, radius, columns = p[P.cell], p[P.obstacle_radius], grid.shape[1]
    touching = radius + 0.5 * math.hypot(p[P.length], p[P.width])
    cells = grid.shape[0] * columns
    for k in range(int(p[P.obstacles])):
        j = WORLD_SIZE + OBSTACLE_SIZE * k
        best, begin, theta = -1.0, 0, 0.0
        for t in range(TRIES + cells):
            if t < TRIES:
                a, b, c, _ = uniform4(key, 0, STREAM_PLACE + TRIES * k + t)
                px, py, theta = (
                    a * columns * cell,
                    b * grid.shape[0] * cell,
                    math.pi * (2.0 * c - 1.0),
                )
                begin = int(a * cells)
            else:
                if best > touching:
                    break
                spot = (begin + t) % cells
                px, py = (spot % columns + 0.5) * cell, (spot // columns + 0.5) * cell
            if disc_hits_grid(px, py, radius, grid, cell):
                continue
            gap = min(_gap(x, first_vehicle(p), int(p[P.agents]), X.x, px, py), touching + 1.0)
            if gap > best:
                x[j + OB.x], x[j + OB.y], x[j + OB.theta], best = px, py, theta, gap
            if gap >= touching + 1.0:
                break


@kernel
def reset_one(x, key, p, tables):
    """Start a world: as :func:`reset_alone`, and the moving obstacles."""
    reset_alone(x, key, p, tables)
    _place_obstacles(x, key, p, tables)


# ------------------------------------------------------------------------------------------------------ before a period


@called_kernel
def take_actions(x, u, p):
    """Clip the actions, and note what they change and how far the targets are, before anything moves."""
    first = first_vehicle(p)
    for i in range(int(p[P.agents])):
        j = first + VEHICLE_SIZE * i
        a, clipped, change = x[j : j + VEHICLE_SIZE], 0.0, 0.0
        for k in range(2):
            asked = u[2 * i + k]
            u[2 * i + k] = min(max(asked, -1.0), 1.0)
            clipped += 1.0 if u[2 * i + k] != asked else 0.0
        a[X.clipped] = clipped
        if a[X.status] == DRIVING:
            for k in range(2):
                step = u[2 * i + k] - a[X.action_0 + k]
                change += step * step
                a[X.action_0 + k] = u[2 * i + k]
            a[X.distance_before] = math.hypot(a[X.goal_x] - a[X.x], a[X.goal_y] - a[X.y])
        a[X.change] = change


@called_kernel
def move_targets(x, key, step, p, tables):
    """Let the targets of driving vehicles walk straight on, and turn at random in front of walls."""
    stride = p[P.target_speed] * p[P.dt]
    if stride == 0.0:
        return
    radius, first, layout = (
        0.5 * math.hypot(p[P.length], p[P.width]),
        first_vehicle(p),
        int(x[W.layout]),
    )
    grid, room = tables[T_GRID][layout], tables[T_ROOM][layout]
    for i in range(int(p[P.agents])):
        j = first + VEHICLE_SIZE * i
        a = x[j : j + VEHICLE_SIZE]
        if a[X.status] != DRIVING:
            continue
        qx = a[X.goal_x] + stride * math.cos(a[X.goal_theta])
        qy = a[X.goal_y] + stride * math.sin(a[X.goal_theta])
        if disc_meets_map(qx, qy, radius, grid, room, p[P.cell]):
            a[X.goal_theta] = math.pi * (2.0 * uniform(key, step, STREAM_TARGET + i) - 1.0)
        else:
            a[X.goal_x], a[X.goal_y] = qx, qy


# ------------------------------------------------------------------------------------------------------- after a period


@kernel
def _least(ranges):
    """Return the least of the ranges; four chains, for each comparison has to wait for the one before."""
    a, b, c, d = ranges[0], ranges[0], ranges[0], ranges[0]
    count = ranges.shape[0]
    whole = count - count % 4
    for j in range(0, whole, 4):
        a, b = min(a, ranges[j]), min(b, ranges[j + 1])
        c, d = min(c, ranges[j + 2]), min(d, ranges[j + 3])
    for j in range(whole, count):
        a = min(a, ranges[j])
    return min(min(a, b), min(c, d))


@kernel
def _describe(x, j, ranges, p, q):
    """Fill the quantities of the vehicle whose block of columns begins at j, and whose lidar has these ranges."""
    for k in range(VEHICLE_SIZE):
        q[k] = x[j + k]
    q[Q.layout] = x[W.layout]
    q[Q.clearance] = max(_least(ranges) - 0.5 * p[P.width], 0.0)
    q[Q.goal_distance] = math.hypot(q[Q.goal_x] - q[Q.x], q[Q.goal_y] - q[Q.y])
    q[Q.goal_angle] = wrap(q[Q.goal_theta] - q[Q.theta])
    q[Q.odometry_error] = math.hypot(q[Q.odometry_x] - q[Q.x], q[Q.odometry_y] - q[Q.y])
    px, py, theta = q[Q.x], q[Q.y], q[Q.theta]
    if p[P.odometry] != 0.0:
        px, py, theta = q[Q.odometry_x], q[Q.odometry_y], q[Q.odometry_theta]
    dx, dy = q[Q.goal_x] - px, q[Q.goal_y] - py
    bearing, turn = math.atan2(dy, dx) - theta, q[Q.goal_theta] - theta
    q[Q.seen_x], q[Q.seen_y], q[Q.seen_distance] = px, py, math.hypot(dx, dy)
    q[Q.seen_bearing_cos], q[Q.seen_bearing_sin] = math.cos(bearing), math.sin(bearing)
    q[Q.seen_heading_cos], q[Q.seen_heading_sin] = math.cos(theta), math.sin(theta)
    q[Q.seen_turn_cos], q[Q.seen_turn_sin] = math.cos(turn), math.sin(turn)


@kernel
def scratch_size(p):
    """Return the scratch of a vehicle: its true ranges, then its quantities."""
    return int(p[P.lidar_beams]) + QUANTITY_SIZE


@called_kernel
def describe_one(x, p, work):
    """Fill the quantities of all vehicles of a world into ``work``, each behind the ranges that stand there."""
    beams, first = int(p[P.lidar_beams]), first_vehicle(p)
    for i in range(int(p[P.agents])):
        at = scratch_size(p) * i
        q = work[at + beams : at + beams + QUANTITY_SIZE]
        _describe(x, first + VEHICLE_SIZE * i, work[at : at + beams], p, q)


@kernel
def _at_goal(q, p):
    """Return whether a vehicle is at its target, within the tolerances."""
    if q[Q.goal_distance] > p[P.goal_radius]:
        return False
    if p[P.dock] == 0.0:
        return True
    turned = abs(wrap(q[Q.theta] - q[Q.goal_theta])) <= p[P.goal_angle]
    return turned and abs(q[Q.v]) + abs(q[Q.omega]) <= p[P.goal_speed]


@called_kernel
def judge_one(x, p, work, m, reward, terminated):
    """Fill reward terms, rewards and ends after a step; a vehicle at its target becomes one that has arrived.

    With several vehicles the terms are means.

    Args:
        x: The row.
        p: Parameters.
        work: As :func:`describe_one` has left it.
        m: Metrics of the world, of which the terms are filled.
        reward: Filled, one for each vehicle.
        terminated: Filled, one for each vehicle.
    """
    count, beams, first = int(p[P.agents]), int(p[P.lidar_beams]), first_vehicle(p)
    for k in range(_TERMS):
        m[k] = 0.0
    for i in range(count):
        at, status = scratch_size(p) * i + beams, first + VEHICLE_SIZE * i + X.status
        q = work[at : at + QUANTITY_SIZE]
        if x[status] >= LEFT_ARRIVED:
            reward[i], terminated[i] = 0.0, True
            continue
        if x[status] == DRIVING and _at_goal(q, p):
            x[status] = ARRIVED
        goal = p[P.reward_goal] if x[status] == ARRIVED else 0.0
        collision = -p[P.reward_collision] if x[status] == COLLIDED else 0.0
        progress = p[P.weight_progress] * (q[Q.distance_before] - q[Q.goal_distance])
        closeness = -p[P.weight_clearance] * max(0.0, 1.0 - q[Q.clearance] / CLOSE)
        smoothness, time = -p[P.weight_smoothness] * q[Q.change], -p[P.weight_time]
        reward[i] = goal + collision + progress + closeness + smoothness + time
        terminated[i] = x[status] != DRIVING
        m[M.reward_goal] += goal / count
        m[M.reward_collision] += collision / count
        m[M.reward_progress] += progress / count
        m[M.reward_clearance] += closeness / count
        m[M.reward_smoothness] += smoothness / count
        m[M.reward_time] += time / count


@called_kernel
def observe_one(x, p, tables, work, m, o):
    """Fill the metrics besides the reward terms, and the observations of all vehicles side by side.

    The ranges are observed without what the sensor adds to them, see :func:`blur_ranges`.
    """
    count, beams, first = int(p[P.agents]), int(p[P.lidar_beams]), first_vehicle(p)
    views, shown = tables[T_OBSERVED], tables[T_SHOWN]
    width, reach = o.shape[0] // count, p[P.lidar_range]
    for k in range(_TERMS, _METRICS):
        m[k] = 0.0
    m[M.clearance] = 1e30
    for i in range(count):
        at, j, status = scratch_size(p) * i, width * i, x[first + VEHICLE_SIZE * i + X.status]
        true, seen = work[at : at + beams], o[j : j + width]
        for k in range(beams):
            seen[k] = true[k] / reach
        q = work[at + beams : at + beams + QUANTITY_SIZE]
        for k in range(views.shape[0]):
            part = (q[int(views[k, VIEW.quantity])] - views[k, VIEW.middle]) / views[k, VIEW.scale]
            seen[beams + k] = min(max(part, views[k, VIEW.low]), views[k, VIEW.high])
        m[M.arrived] += 1.0 if status == ARRIVED else 0.0
        m[M.arrived] += 1.0 if status == LEFT_ARRIVED else 0.0
        m[M.violation] = 1.0 if status == COLLIDED else m[M.violation]
        m[M.clearance] = min(m[M.clearance], q[Q.clearance])
        m[M.goal_distance] += q[Q.goal_distance] / count
        m[M.clipped] += q[Q.clipped]
        if count == 1:
            for k in range(shown.shape[0]):
                m[_METRICS + k] = q[shown[k]]


@called_kernel
def blur_ranges(key, step, p, work, o):
    """Overwrite the observed ranges by what the sensors report, where they have noise or drop out."""
    if p[P.lidar_noise] == 0.0 and p[P.lidar_dropout] == 0.0:
        return
    count, beams, reach = int(p[P.agents]), int(p[P.lidar_beams]), p[P.lidar_range]
    width = o.shape[0] // count
    for i in range(count):
        for k in range(beams):
            true = work[scratch_size(p) * i + k]
            o[width * i + k] = measured_range(true, beams * i + k, key, step, p) / reach
