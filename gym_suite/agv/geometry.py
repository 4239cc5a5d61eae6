"""Exact planar geometry in kernels: oriented boxes, circles, segments, and rays on a grid of cells.

A box is (x, y, heading, half length, half width). Grids are uint8 (rows, columns), 1 where occupied; the cell
(row, column) covers [column c, (column + 1) c] x [row c, (row + 1) c] for a cell size c.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel

INFINITY = 1e30


@kernel
def wrap(angle):
    """Return an angle in [-pi, pi)."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@kernel
def point_segment_distance(px, py, ax, ay, bx, by):
    """Return the distance of a point from the segment a-b."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    part = 0.0
    if square > 0.0:
        part = min(max(((px - ax) * dx + (py - ay) * dy) / square, 0.0), 1.0)
    return math.hypot(px - ax - part * dx, py - ay - part * dy)


@kernel
def box_point_distance(x, y, heading, half_length, half_width, px, py):
    """Return the distance of a point from an oriented box, 0 inside."""
    c, s = math.cos(heading), math.sin(heading)
    along = abs((px - x) * c + (py - y) * s) - half_length
    across = abs((py - y) * c - (px - x) * s) - half_width
    return math.hypot(max(along, 0.0), max(across, 0.0))


@kernel
def box_circle_overlap(x, y, heading, half_length, half_width, cx, cy, radius):
    """Return whether an oriented box and a disc share a point."""
    return box_point_distance(x, y, heading, half_length, half_width, cx, cy) <= radius


@kernel
def _separated(dx, dy, ax, ay, bx, by, half_length, half_width):
    """Return whether the projections on the axes of box a (unit axes a, b) leave a gap.

    (dx, dy) is the other box's centre; (ax, ay), (bx, by) its half extents as vectors. All in a's frame.
    """
    return abs(dx) > half_length + abs(ax) + abs(bx) or abs(dy) > half_width + abs(ay) + abs(by)


@called_kernel
def boxes_overlap(x1, y1, h1, l1, w1, x2, y2, h2, l2, w2):
    """Return whether two oriented boxes share a point, by the separating axis theorem.

    Source: Gottschalk, Lin, Manocha, "OBBTree", SIGGRAPH 1996, in two dimensions.
    """
    dx, dy = x2 - x1, y2 - y1
    c1, s1, c2, s2 = math.cos(h1), math.sin(h1), math.cos(h2), math.sin(h2)
    c, s = c1 * c2 + s1 * s2, c1 * s2 - s1 * c2  # the second box's heading in the first's frame
    if _separated(dx * c1 + dy * s1, dy * c1 - dx * s1, l2 * c, l2 * s, -w2 * s, w2 * c, l1, w1):
        return False
    return not _separated(
        dx * c2 + dy * s2, dy * c2 - dx * s2, l1 * c, -l1 * s, w1 * s, w1 * c, l2, w2
    )


@kernel
def box_segment_overlap(x, y, heading, half_length, half_width, ax, ay, bx, by):
    """Return whether an oriented box and a segment share a point: a box without width."""
    dx, dy = bx - ax, by - ay
    return boxes_overlap(
        x, y, heading, half_length, half_width,
        0.5 * (ax + bx), 0.5 * (ay + by), math.atan2(dy, dx), 0.5 * math.hypot(dx, dy), 0.0,
    )  # fmt: skip


@called_kernel
def box_hits_grid(x, y, heading, half_length, half_width, grid, cell):
    """Return whether an oriented box touches an occupied cell; outside of the grid all is occupied."""
    c, s = abs(math.cos(heading)), abs(math.sin(heading))
    reach_x, reach_y = half_length * c + half_width * s, half_length * s + half_width * c
    left, right = math.floor((x - reach_x) / cell), math.floor((x + reach_x) / cell)
    low, high = math.floor((y - reach_y) / cell), math.floor((y + reach_y) / cell)
    if left < 0 or low < 0 or right >= grid.shape[1] or high >= grid.shape[0]:
        return True
    half = 0.5 * cell
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            if grid[row, column] and boxes_overlap(
                x, y, heading, half_length, half_width,
                (column + 0.5) * cell, (row + 0.5) * cell, 0.0, half, half,
            ):  # fmt: skip
                return True
    return False


@called_kernel
def disc_hits_grid(x, y, radius, grid, cell):
    """Return whether a disc touches an occupied cell; outside of the grid all is occupied."""
    left, right = math.floor((x - radius) / cell), math.floor((x + radius) / cell)
    low, high = math.floor((y - radius) / cell), math.floor((y + radius) / cell)
    if left < 0 or low < 0 or right >= grid.shape[1] or high >= grid.shape[0]:
        return True
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            if grid[row, column]:
                dx = max(abs(x - (column + 0.5) * cell) - 0.5 * cell, 0.0)
                dy = max(abs(y - (row + 0.5) * cell) - 0.5 * cell, 0.0)
                if dx * dx + dy * dy <= radius * radius:
                    return True
    return False


@kernel
def near_walls(x, y, reach, grid, room, cell):
    """Return whether an occupied cell may be within reach of a place: one look tells where the map is far away.

    Args:
        x: The place, m.
        y: The place, m.
        reach: Distance of interest, m.
        grid: Occupied cells, uint8 (rows, columns).
        room: Chebyshev distance to the nearest occupied cell, uint8 (rows, columns).
        cell: Cell size, m.
    """
    column, row = math.floor(x / cell), math.floor(y / cell)
    if row < 0 or row >= grid.shape[0] or column < 0 or column >= grid.shape[1]:
        return True
    return (int(room[row, column]) - 1) * cell <= reach


@kernel
def disc_meets_map(x, y, radius, grid, room, cell):
    """Return whether a disc touches an occupied cell, as :func:`disc_hits_grid`, sooner where none is near."""
    return near_walls(x, y, radius, grid, room, cell) and disc_hits_grid(x, y, radius, grid, cell)


# ----------------------------------------------------------------------------------------------------------------- rays


@kernel
def ray_grid(ox, oy, dx, dy, reach, grid, room, cell):
    """Return the distance along a ray (unit direction) to the first occupied cell, at most ``reach``.

    Steps from cell to cell (Amanatides and Woo, Eurographics 1987), and leaps over the empty square around
    a cell: ``room[row, column]`` = k says that no cell within k - 1 rows and columns is occupied, 0 that the cell
    is. The leap ends where the ray leaves that square, so the result is that of single steps. Both coordinates are
    worked out by choice rather than by branch, for the direction of a step cannot be foreseen.

    Args:
        ox: Origin.
        oy: Origin.
        dx: Direction.
        dy: Direction.
        reach: Largest distance of interest, m.
        grid: Occupied cells, uint8 (rows, columns).
        room: Chebyshev distance to the nearest occupied cell, uint8 (rows, columns).
        cell: Cell size, m.
    """
    over = 1.0 / cell
    column, row = math.floor(ox * over), math.floor(oy * over)
    rows, columns = grid.shape
    over_x = 1.0 / dx if dx != 0.0 else INFINITY
    over_y = 1.0 / dy if dy != 0.0 else INFINITY
    way_x, way_y = 1 if dx >= 0.0 else -1, 1 if dy >= 0.0 else -1
    side_x, side_y = 1 if dx >= 0.0 else 0, 1 if dy >= 0.0 else 0
    distance = 0.0
    while 0 <= row < rows and 0 <= column < columns and distance < reach:
        free = int(room[row, column]) - 1
        if free < 0:
            break
        to_x = ((column + side_x + way_x * free) * cell - ox) * over_x
        to_y = ((row + side_y + way_y * free) * cell - oy) * over_y
        across = to_x < to_y
        distance = to_x if across else to_y
        # The other coordinate, kept within the square that was left in spite of rounding.
        near_row = min(max(int((oy + distance * dy) * over), row - free), row + free)
        near_column = min(max(int((ox + distance * dx) * over), column - free), column + free)
        row, column = (
            near_row if across else row + way_y * (free + 1),
            column + way_x * (free + 1) if across else near_column,
        )
    return min(distance, reach)
