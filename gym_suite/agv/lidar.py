"""The laser scanner: exact ranges to the map, moving obstacles and other vehicles."""

from __future__ import annotations

import math

from gym_suite.agv.dynamics import (
    NX,
    OBSTACLE_SIZE,
    STREAM_LIDAR,
    T_BEAMS,
    T_GRID,
    T_ROOM,
    THETA,
    W_LAYOUT,
    W_OBSTACLES,
    X,
    Y,
    on_floor,
    world_size,
)
from gym_suite.agv.geometry import ray_box, ray_circle, ray_grid, wrap
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


@kernel
def _fan(bearing, spread, fov, beams):
    """Return the first and the last number of the beams within ``spread`` of a bearing, to be taken modulo.

    One beam more on either side guards against rounding. Beams are counted on beyond the seam only by a
    scanner that sees all around; for another, what reaches beyond its field may be met by any beam.
    """
    pitch = fov / beams
    first = math.floor((bearing - spread + 0.5 * fov) / pitch - 0.5) - 1
    last = math.ceil((bearing + spread + 0.5 * fov) / pitch - 0.5) + 1
    beyond = (first < 0 or last >= beams) and fov < 2.0 * math.pi
    if beyond or last - first >= beams:
        return 0, beams - 1
    return first, last


@called_kernel
def scan_one(x, agents, who, p, tables, ranges):
    """Fill the true ranges (m) of all beams of one vehicle.

    Beam j looks along theta + (j + 1/2) fov / beams - fov / 2. Round things touch few beams: only those
    within the angle that they subtend are tried.
    """
    layout = int(x[W_LAYOUT])
    grid, room, beams = tables[T_GRID][layout], tables[T_ROOM][layout], tables[T_BEAMS]
    ox, oy, theta = agents[who, X], agents[who, Y], agents[who, THETA]
    c, s = math.cos(theta), math.sin(theta)
    reach, cell, count, fov = p[P_RANGE], p[P_CELL], int(p[P_BEAMS]), p[P_FOV]
    for j in range(count):
        dx, dy = beams[j, 0] * c - beams[j, 1] * s, beams[j, 0] * s + beams[j, 1] * c
        ranges[j] = ray_grid(ox, oy, dx, dy, reach, grid, room, cell)
    radius = p[P_OBSTACLE_RADIUS]
    for k in range(int(p[P_OBSTACLES])):
        q = W_OBSTACLES + OBSTACLE_SIZE * k
        px, py = x[q] - ox, x[q + 1] - oy
        distance = math.hypot(px, py)
        if distance - radius > reach:
            continue
        spread = math.asin(radius / distance) if distance > radius else math.pi
        first, last = _fan(wrap(math.atan2(py, px) - theta), spread, fov, count)
        for i in range(first, last + 1):
            j = i % count
            dx, dy = beams[j, 0] * c - beams[j, 1] * s, beams[j, 0] * s + beams[j, 1] * c
            ranges[j] = min(ranges[j], ray_circle(ox, oy, dx, dy, x[q], x[q + 1], radius))
    half_length, half_width = 0.5 * p[P_LENGTH], 0.5 * p[P_WIDTH]
    corner = math.hypot(half_length, half_width)
    for k in range(agents.shape[0]):
        if k == who or not on_floor(agents[k]):
            continue
        px, py = agents[k, X] - ox, agents[k, Y] - oy
        distance = math.hypot(px, py)
        if distance - corner > reach:
            continue
        spread = math.asin(corner / distance) if distance > corner else math.pi
        first, last = _fan(wrap(math.atan2(py, px) - theta), spread, fov, count)
        cb, sb = math.cos(agents[k, THETA]), math.sin(agents[k, THETA])
        for i in range(first, last + 1):
            j = i % count
            dx, dy = beams[j, 0] * c - beams[j, 1] * s, beams[j, 0] * s + beams[j, 1] * c
            found = ray_box(
                ox, oy, dx, dy, agents[k, X], agents[k, Y], cb, sb, half_length, half_width
            )
            ranges[j] = min(ranges[j], found)


@called_kernel
def scan_all(x, p, tables, work):
    """Fill the true ranges of all vehicles of a world into ``work``, side by side."""
    count, beams = int(p[P_AGENTS]), int(p[P_BEAMS])
    agents = x[world_size(p) :].reshape(count, NX)
    for i in range(count):
        scan_one(x, agents, i, p, tables, work[i * beams : (i + 1) * beams])


@kernel
def measured_range(true, beam, key, step, p):
    """Return what a beam reports: the true range with noise, or the largest one where it drops out."""
    reach = p[P_RANGE]
    if p[P_DROPOUT] > 0.0 and uniform(key, step, STREAM_LIDAR + 2 * beam) < p[P_DROPOUT]:
        return reach
    if p[P_LIDAR_NOISE] > 0.0 and true < reach:
        true += p[P_LIDAR_NOISE] * normal2(key, step, STREAM_LIDAR + 2 * beam + 1)[0]
    return min(max(true, 0.0), reach)
