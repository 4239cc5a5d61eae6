"""The laser scanner: exact ranges to the map, moving obstacles and other vehicles.

Everything is looked at in the vehicle's frame, in which the beams' directions never change. Each thing meets only
the beams within the angle that it subtends, in a loop that the compiler vectorises.
"""

from __future__ import annotations

import math

from gym_suite.agv.dynamics import (
    NX,
    OBSTACLE_SIZE,
    STREAM_LIDAR,
    T_BEAMS,
    T_EDGES,
    T_GRID,
    T_RANGES,
    T_ROOM,
    THETA,
    W_LAYOUT,
    W_OBSTACLES,
    X,
    Y,
    on_floor,
    world_size,
)
from gym_suite.agv.geometry import ray_grid
from gym_suite.agv.parameters import (
    P_AGENTS,
    P_BEAMS,
    P_CELL,
    P_DROPOUT,
    P_FOV,
    P_LENGTH,
    P_LIDAR_NOISE,
    P_OBSTACLE_RADIUS,
    P_OBSTACLES,
    P_RANGE,
    P_WIDTH,
)
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2, uniform

BEARING_ERROR = 0.004  # of _bearing, rad


@kernel
def _bearing(x, y):
    """Return the angle of a direction to within BEARING_ERROR, in [-pi, pi].

    Equation 9 of Rajan, Wang, Inkol, Joyal, "Efficient approximations for the arctangent function", IEEE Signal
    Processing Magazine 23(3), 2006; its error is at most 0.0038 rad. It only chooses which beams are tried.
    """
    ax, ay = abs(x), abs(y)
    z = min(ax, ay) / max(ax, ay)
    angle = z * (0.25 * math.pi + 0.273 * (1.0 - z))
    angle = 0.5 * math.pi - angle if ay > ax else angle
    angle = math.pi - angle if x < 0.0 else angle
    return -angle if y < 0.0 else angle


@kernel
def _fan(low, high, turns, fov, count):
    """Return the first of the beams between two angles and the last + 1, so many turns further on."""
    over = count / fov
    first = math.ceil((low - BEARING_ERROR + 2.0 * math.pi * turns + 0.5 * fov) * over - 0.5)
    last = math.floor((high + BEARING_ERROR + 2.0 * math.pi * turns + 0.5 * fov) * over - 0.5)
    first = min(max(first, 0), count)
    return first, max(min(last + 1, count), first)


@called_kernel
def meet_edge(ranges, beams, ax, ay, bx, by, fov):
    """Shorten the ranges of the beams that meet the segment a-b, seen from the origin with a on the right.

    A beam of direction d meets it where a x d >= 0 and d x b >= 0, at the distance (a x b) / (a x d + d x b). Two
    segments that share a corner work out the same product for it, so no beam slips through between them.
    """
    area = ax * by - ay * bx
    if not area > 0.0:
        return
    low, high = _bearing(ax, ay), _bearing(bx, by)
    if high < low:
        high += 2.0 * math.pi
    for turns in range(-1, 2):
        first, last = _fan(low, high, turns, fov, ranges.shape[0])
        if first == last:
            continue
        found, dx, dy = ranges[first:last], beams[0, first:last], beams[1, first:last]
        for j in range(found.shape[0]):
            one, two = ax * dy[j] - ay * dx[j], dx[j] * by - dy[j] * bx
            distance = area / (one + two)
            met = (one >= 0.0) & (two >= 0.0) & (distance < found[j])
            found[j] = distance if met else found[j]


@called_kernel
def meet_disc(ranges, beams, x, y, radius, fov):
    """Shorten the ranges of the beams that meet a disc about (x, y), to 0 from inside of it."""
    square = x * x + y * y
    if square <= radius * radius:
        ranges[:] = 0.0
        return
    part = radius / math.sqrt(square)
    spread = part + (0.5 * math.pi - 1.0) * part**3  # at least asin(part)
    middle = _bearing(x, y)
    for turns in range(-1, 2):
        first, last = _fan(middle - spread, middle + spread, turns, fov, ranges.shape[0])
        if first == last:
            continue
        found, dx, dy = ranges[first:last], beams[0, first:last], beams[1, first:last]
        for j in range(found.shape[0]):
            along, across = x * dx[j] + y * dy[j], x * dy[j] - y * dx[j]
            inside = radius * radius - across * across
            distance = along - math.sqrt(max(inside, 0.0))
            met = (along > 0.0) & (inside >= 0.0) & (distance < found[j])
            found[j] = distance if met else found[j]


@kernel
def _meet_box(ranges, beams, x, y, c, s, half_length, half_width, fov):
    """Shorten the ranges of the beams that meet a box whose heading has cosine c and sine s."""
    lx, ly, wx, wy = half_length * c, half_length * s, -half_width * s, half_width * c
    if abs(x * c + y * s) <= half_length and abs(y * c - x * s) <= half_width:
        ranges[:] = 0.0
        return
    # Clockwise, so that a is on the right of a side that faces the origin.
    for k in range(4):
        a, b = (1.0 if k < 2 else -1.0), (1.0 if k in (0, 3) else -1.0)
        ax, ay = x + a * lx + b * wx, y + a * ly + b * wy
        a, b = (1.0 if k in (0, 3) else -1.0), (-1.0 if k < 2 else 1.0)
        meet_edge(ranges, beams, ax, ay, x + a * lx + b * wx, y + a * ly + b * wy, fov)


@kernel
def _meet_map(ranges, ox, oy, c, s, layout, p, tables):
    """Set the ranges to what the map alone gives.

    The edges of the map's walls are few on most maps; where they are not kept (see
    :func:`gym_suite.agv.maps.edges`), each beam steps through the grid.
    """
    grid, beams, edges = tables[T_GRID][layout], tables[T_BEAMS], tables[T_EDGES][layout]
    reach, cell, fov, count = p[P_RANGE], p[P_CELL], p[P_FOV], tables[T_RANGES][layout, 4]
    column, row = math.floor(ox / cell), math.floor(oy / cell)
    inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
    ranges[:] = reach if inside and grid[row, column] == 0 else 0.0
    if count == 0:
        room = tables[T_ROOM][layout]
        for j in range(ranges.shape[0]):
            dx, dy = beams[0, j] * c - beams[1, j] * s, beams[0, j] * s + beams[1, j] * c
            ranges[j] = ray_grid(ox, oy, dx, dy, reach, grid, room, cell)
        return
    for k in range(count):
        ax, ay = edges[k, 0] - ox, edges[k, 1] - oy
        bx, by = edges[k, 2] - ox, edges[k, 3] - oy
        hidden = ax * by - ay * bx <= 0.0
        far_x = min(ax, bx) > reach or max(ax, bx) < -reach
        if hidden or far_x or min(ay, by) > reach or max(ay, by) < -reach:
            continue
        meet_edge(
            ranges, beams, ax * c + ay * s, ay * c - ax * s, bx * c + by * s, by * c - bx * s, fov
        )


@called_kernel
def scan_one(x, agents, who, p, tables, ranges):
    """Fill the true ranges (m) of all beams of one vehicle.

    Beam j looks along theta + (j + 1/2) fov / beams - fov / 2.
    """
    beams, fov, reach = tables[T_BEAMS], p[P_FOV], p[P_RANGE]
    ox, oy, theta = agents[who, X], agents[who, Y], agents[who, THETA]
    c, s = math.cos(theta), math.sin(theta)
    _meet_map(ranges, ox, oy, c, s, int(x[W_LAYOUT]), p, tables)
    radius = p[P_OBSTACLE_RADIUS]
    for k in range(int(p[P_OBSTACLES])):
        q = W_OBSTACLES + OBSTACLE_SIZE * k
        px, py = x[q] - ox, x[q + 1] - oy
        if px * px + py * py < (reach + radius) ** 2:
            meet_disc(ranges, beams, px * c + py * s, py * c - px * s, radius, fov)
    half_length, half_width = 0.5 * p[P_LENGTH], 0.5 * p[P_WIDTH]
    far = reach + math.sqrt(half_length**2 + half_width**2)
    for k in range(agents.shape[0]):
        if k == who or not on_floor(agents[k]):
            continue
        px, py = agents[k, X] - ox, agents[k, Y] - oy
        if px * px + py * py < far * far:
            turn = agents[k, THETA] - theta
            _meet_box(
                ranges, beams, px * c + py * s, py * c - px * s,
                math.cos(turn), math.sin(turn), half_length, half_width, fov,
            )  # fmt: skip


@kernel
def scan_all(x, p, tables, work):
    """Fill the true ranges of all vehicles of a world into ``work``, side by side."""
    count, beams = int(p[P_AGENTS]), int(p[P_BEAMS])
    agents = x[world_size(p) :].reshape(count, NX)
    for i in range(count):
        scan_one(x, agents, i, p, tables, work[i * beams : (i + 1) * beams])


@kernel
def _measured_range(true, beam, key, step, p):
    """Return what a beam reports: the true range with noise, or the largest one where it drops out."""
    reach = p[P_RANGE]
    if p[P_DROPOUT] > 0.0 and uniform(key, step, STREAM_LIDAR + 2 * beam) < p[P_DROPOUT]:
        return reach
    if p[P_LIDAR_NOISE] > 0.0 and true < reach:
        true += p[P_LIDAR_NOISE] * normal2(key, step, STREAM_LIDAR + 2 * beam + 1)[0]
    return min(max(true, 0.0), reach)


@kernel
def measured_ranges(true, first, key, step, p, out):
    """Fill what the beams report as parts of the largest range; ``first`` is the number of the first beam."""
    reach = p[P_RANGE]
    if p[P_DROPOUT] == 0.0 and p[P_LIDAR_NOISE] == 0.0:
        for k in range(true.shape[0]):
            out[k] = true[k] / reach
        return
    for k in range(true.shape[0]):
        out[k] = _measured_range(true[k], first + k, key, step, p) / reach
