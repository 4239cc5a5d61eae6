"""Shortest ways on a map: A* on the cells in which a vehicle fits, in kernels and for many rows at once."""

from __future__ import annotations

import math

from gym_suite.agv.geometry import INFINITY, disc_hits_grid
from gym_suite.core.kernel import called_kernel, kernel

_SQRT2 = math.sqrt(2.0)


@kernel
def _octile(row, column, goal_row, goal_column):
    """Return the length of the shortest way over empty cells: A*'s consistent estimate."""
    a, b = abs(row - goal_row), abs(column - goal_column)
    return max(a, b) + (_SQRT2 - 1.0) * min(a, b)


@kernel
def push(heap, order, size, value, merit):
    """Put a cell into the heap (its merits in ``order``) and return the new size."""
    k = size
    while k > 0:
        parent = (k - 1) // 2
        if order[parent] <= merit:
            break
        heap[k], order[k] = heap[parent], order[parent]
        k = parent
    heap[k], order[k] = value, merit
    return size + 1


@kernel
def pop(heap, order, size):
    """Take the cell of the least merit out of the heap; return it and the new size."""
    result, size = heap[0], size - 1
    value, merit = heap[size], order[size]
    k = 0
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and order[child + 1] < order[child]:
            child += 1
        if merit <= order[child]:
            break
        heap[k], order[k] = heap[child], order[child]
        k = child
    heap[k], order[k] = value, merit
    return result, size


@called_kernel
def a_star(cost, start, goal, way, best, parent, heap, order):
    """Find the cheapest way over cells by A* (Hart, Nilsson, Raphael, 1968), eight neighbours, no cut corners.

    Args:
        cost: Cost of a cell per cell length, >= 1; INFINITY where closed, float64 (rows, columns).
        start: Number of the start cell, row * columns + column; may be closed.
        goal: Number of the target cell; may be closed.
        way: Filled with the cells from start to goal.
        best: Scratch, float64 (cells,).
        parent: Scratch, int64 (cells,).
        heap: Scratch, int64 (8 cells,).
        order: Scratch, float64 (8 cells,).

    Returns:
        The number of cells of the way, 0 where there is none.
    """
    rows, columns = cost.shape
    for k in range(rows * columns):
        best[k], parent[k] = INFINITY, -1
    goal_row, goal_column = goal // columns, goal % columns
    best[start] = 0.0
    estimate = _octile(start // columns, start % columns, goal_row, goal_column)
    size = push(heap, order, 0, start, estimate)
    while size > 0:
        merit = order[0]
        cell, size = pop(heap, order, size)
        if cell == goal:
            break
        row, column = cell // columns, cell % columns
        if merit > best[cell] + _octile(row, column, goal_row, goal_column) + 1e-9:
            continue
        for k in range(9):
            i, j = row + k // 3 - 1, column + k % 3 - 1
            if k == 4 or i < 0 or j < 0 or i >= rows or j >= columns:
                continue
            there = i * columns + j
            price = cost[i, j]
            if price >= INFINITY and there != goal:
                continue
            price = min(price, 1e6)
            diagonal = i != row and j != column
            if diagonal and (cost[i, column] >= INFINITY or cost[row, j] >= INFINITY):
                continue
            total = best[cell] + price * (_SQRT2 if diagonal else 1.0)
            if total < best[there] - 1e-12:
                best[there], parent[there] = total, cell
                merit_there = total + _octile(i, j, goal_row, goal_column)
                size = push(heap, order, size, there, merit_there)
    if parent[goal] < 0 and goal != start:
        return 0
    count, cell = 1, goal
    while cell != start:
        cell = parent[cell]
        count += 1
    cell = goal
    for k in range(count):
        way[count - 1 - k] = cell
        cell = parent[cell]
    return count


@called_kernel
def cost_to_go(cost, goal, value, heap, order):
    """Fill value (rows, columns) with the cost of the cheapest way from each cell to the goal (Dijkstra, 1959)."""
    rows, columns = cost.shape
    for i in range(rows):
        for j in range(columns):
            value[i, j] = INFINITY
    value[goal // columns, goal % columns] = 0.0
    size = push(heap, order, 0, goal, 0.0)
    while size > 0:
        merit = order[0]
        cell, size = pop(heap, order, size)
        row, column = cell // columns, cell % columns
        if merit > value[row, column]:
            continue
        for k in range(9):
            i, j = row + k // 3 - 1, column + k % 3 - 1
            if k == 4 or i < 0 or j < 0 or i >= rows or j >= columns or cost[i, j] >= INFINITY:
                continue
            diagonal = i != row and j != column
            if diagonal and (cost[i, column] >= INFINITY or cost[row, j] >= INFINITY):
                continue
            total = merit + cost[i, j] * (_SQRT2 if diagonal else 1.0)
            if total < value[i, j] - 1e-12:
                value[i, j] = total
                size = push(heap, order, size, i * columns + j, total)


@kernel
def in_sight(cost, grid, cell, radius, ax, ay, bx, by):
    """Return whether a disc can go straight from a to b over open cells, looked at every 0.15 m."""
    length = math.hypot(bx - ax, by - ay)
    steps = int(length / 0.15) + 1
    for k in range(1, steps + 1):
        px, py = ax + (bx - ax) * k / steps, ay + (by - ay) * k / steps
        i, j = math.floor(py / cell), math.floor(px / cell)
        if i < 0 or j < 0 or i >= cost.shape[0] or j >= cost.shape[1]:
            return False
        if cost[i, j] >= INFINITY or disc_hits_grid(px, py, radius, grid, cell):
            return False
    return True
