"""The laser scanner: exact ranges to the map, moving obstacles and other vehicles.

Everything is looked at in the vehicle's frame, in which the beams' directions never change. Each thing meets only
the beams within the angle that it subtends, in a loop that the compiler vectorises.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gym_suite.agv.columns import (
    OB,
    OBSTACLE_SIZE,
    STREAM_LIDAR,
    T_BEAMS,
    T_EDGES,
    T_GRID,
    T_ROOM,
    T_SPANS,
    VEHICLE_SIZE,
    WORLD_SIZE,
    B,
    W,
    first_vehicle,
)
from gym_suite.agv.dynamics import on_floor
from gym_suite.agv.geometry import ray_grid
from gym_suite.agv.maps.floor import SPAN
from gym_suite.agv.parameters import P
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
    spread = part + (0.5 * math.pi - 1.0) * (part * part * part)  # at least asin(part)
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
    a, b = 1.0, 1.0
    for _ in range(4):  # clockwise, so that a side that faces the origin begins on the right
        next_a, next_b = b, -a
        meet_edge(
            ranges, beams, x + a * lx + b * wx, y + a * ly + b * wy,
            x + next_a * lx + next_b * wx, y + next_a * ly + next_b * wy, fov,
        )  # fmt: skip
        a, b = next_a, next_b


@called_kernel
def _meet_cells(ranges, ox, oy, c, s, layout, p, tables):
    """Set the ranges to what the map alone gives by stepping each beam through the grid."""
    grid, room, beams = tables[T_GRID][layout], tables[T_ROOM][layout], tables[T_BEAMS]
    for j in range(ranges.shape[0]):
        dx, dy = beams[0, j] * c - beams[1, j] * s, beams[0, j] * s + beams[1, j] * c
        ranges[j] = ray_grid(ox, oy, dx, dy, p[P.lidar_range], grid, room, p[P.cell])


@called_kernel
def _meet_edges(ranges, ox, oy, c, s, layout, p, tables):
    """Set the ranges to what the map alone gives by the sides of its walls, which are few on most maps."""
    grid, edges, beams = tables[T_GRID][layout], tables[T_EDGES][layout], tables[T_BEAMS]
    reach, cell, fov = p[P.lidar_range], p[P.cell], p[P.lidar_fov]
    column, row = math.floor(ox / cell), math.floor(oy / cell)
    inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
    ranges[:] = reach if inside and grid[row, column] == 0 else 0.0
    for k in range(tables[T_SPANS][layout, SPAN.edges]):
        ax, ay = edges[k, 0] - ox, edges[k, 1] - oy
        bx, by = edges[k, 2] - ox, edges[k, 3] - oy
        hidden = ax * by - ay * bx <= 0.0
        far_x = min(ax, bx) > reach or max(ax, bx) < -reach
        if hidden or far_x or min(ay, by) > reach or max(ay, by) < -reach:
            continue
        meet_edge(
            ranges, beams, ax * c + ay * s, ay * c - ax * s, bx * c + by * s, by * c - bx * s, fov
        )


# --------------------------------------------------------------------------------------------------- what is to be seen


@kernel
def _moving(x, who, ox, oy, c, s, p, tables, ranges):
    """Shorten the ranges of the beams that meet obstacles or other vehicles."""
    beams, fov, reach = tables[T_BEAMS], p[P.lidar_fov], p[P.lidar_range]
    radius = p[P.obstacle_radius]
    far = reach + radius
    for k in range(int(p[P.obstacles])):
        j = WORLD_SIZE + OBSTACLE_SIZE * k
        px, py = x[j + OB.x] - ox, x[j + OB.y] - oy
        if px * px + py * py < far * far:
            meet_disc(ranges, beams, px * c + py * s, py * c - px * s, radius, fov)
    half_length, half_width = 0.5 * p[P.length], 0.5 * p[P.width]
    far = reach + math.sqrt(half_length * half_length + half_width * half_width)
    first = first_vehicle(p)
    theta = x[first + VEHICLE_SIZE * who + B.theta]
    for k in range(int(p[P.agents])):
        j = first + VEHICLE_SIZE * k
        if k == who or not on_floor(x[j + B.status]):
            continue
        px, py = x[j + B.x] - ox, x[j + B.y] - oy
        if px * px + py * py < far * far:
            turn = x[j + B.theta] - theta
            _meet_box(
                ranges, beams, px * c + py * s, py * c - px * s,
                math.cos(turn), math.sin(turn), half_length, half_width, fov,
            )  # fmt: skip


@called_kernel
def scan_one(x, who, p, tables, ranges):
    """Fill the true ranges (m) of all beams of one vehicle.

    Beam j looks along theta + (j + 1/2) fov / beams - fov / 2.
    """
    layout, j = int(x[W.layout]), first_vehicle(p) + VEHICLE_SIZE * who
    ox, oy, c, s = x[j + B.x], x[j + B.y], math.cos(x[j + B.theta]), math.sin(x[j + B.theta])
    if tables[T_SPANS][layout, SPAN.edges] == 0:
        _meet_cells(ranges, ox, oy, c, s, layout, p, tables)
    else:
        _meet_edges(ranges, ox, oy, c, s, layout, p, tables)
    _moving(x, who, ox, oy, c, s, p, tables, ranges)


@kernel
def scan_alone(x, p, tables, ranges):
    """Fill the true ranges of a lone vehicle's beams where nothing else moves and the walls' sides are kept."""
    j = WORLD_SIZE
    _meet_edges(
        ranges, x[j + B.x], x[j + B.y], math.cos(x[j + B.theta]), math.sin(x[j + B.theta]),
        int(x[W.layout]), p, tables,
    )  # fmt: skip


def true_ranges(setup: Any, state: np.ndarray) -> np.ndarray:
    """Return what the lidars of all vehicles would measure without noise, m, (vehicles, beams).

    Args:
        setup: The environment's setup.
        state: A row of states.
    """
    ranges = np.empty((setup.agent_count, setup.tables[T_BEAMS].shape[1]))
    row = np.array(state, dtype=np.float64)
    for who in range(len(ranges)):
        scan_one(row, who, setup.row, setup.tables, ranges[who])
    return ranges


# ------------------------------------------------------------------------------------------------ what a sensor reports


@kernel
def measured_range(true, beam, key, step, p):
    """Return what a beam reports: the true range with noise, or the largest one where it drops out."""
    reach = p[P.lidar_range]
    if (
        p[P.lidar_dropout] > 0.0
        and uniform(key, step, STREAM_LIDAR + 2 * beam) < p[P.lidar_dropout]
    ):
        return reach
    if p[P.lidar_noise] > 0.0 and true < reach:
        true += p[P.lidar_noise] * normal2(key, step, STREAM_LIDAR + 2 * beam + 1)[0]
    return min(max(true, 0.0), reach)
