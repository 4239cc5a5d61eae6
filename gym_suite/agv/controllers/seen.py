"""What a vehicle's observation tells, in SI values, and what every controller of vehicles asks of its nominal model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.columns import OBSERVED, OBSERVED_DOCK, T_GRID, S
from gym_suite.agv.geometry import INFINITY
from gym_suite.agv.maps import clear
from gym_suite.agv.parameters import P
from gym_suite.core.kernel import kernel

_COMMON, _DOCK = len(OBSERVED), len(OBSERVED_DOCK)


@kernel
def pose_of(o, p):
    """Return pose and target (x, y, theta, goal_x, goal_y) as an observation tells them."""
    j = int(p[P.lidar_beams])
    x = p[P.map_x] + o[j + S.pose_x] * p[P.scale_x]
    y = p[P.map_y] + o[j + S.pose_y] * p[P.scale_x]
    theta = math.atan2(o[j + S.heading_sin], o[j + S.heading_cos])
    distance = o[j + S.goal_distance] * p[P.scale_goal]
    bearing = theta + math.atan2(o[j + S.goal_sin], o[j + S.goal_cos])
    return x, y, theta, x + distance * math.cos(bearing), y + distance * math.sin(bearing)


@kernel
def speeds_of(o, p):
    """Return speed (m/s) and yaw rate (rad/s) as an observation tells them."""
    j = int(p[P.lidar_beams])
    return o[j + S.v] * p[P.v_limit], o[j + S.omega] * p[P.omega_limit]


@kernel
def dock_turn_of(o, p):
    """Return the turn to the dock's heading (rad) as an observation tells it."""
    j = int(p[P.lidar_beams])
    return math.atan2(o[j + S.dock_sin], o[j + S.dock_cos])


@kernel
def layout_of(o, p):
    """Return the number of the layout that an observation tells."""
    if p[P.layouts] < 1.5:
        return 0
    j = int(p[P.lidar_beams]) + _COMMON + (_DOCK if p[P.dock] != 0.0 else 0)
    return int(o[j] * p[P.last_layout] + 0.5)


@kernel
def cell_of(x, y, cell, rows, columns):
    """Return the number of the cell at a place, or of the nearest one of the map."""
    row = min(max(math.floor(y / cell), 0), rows - 1)
    return row * columns + min(max(math.floor(x / cell), 0), columns - 1)


def travel_cost(nominal: Any, *, margin: float, caution: float) -> NDArray[np.float64]:
    """Return the cost of each cell, (layouts, rows, columns).

    Cells in which the vehicle cannot turn are closed; those within half a metre more cost up to ``caution`` more.

    Args:
        nominal: The nominal model.
        margin: Distance kept beyond the vehicle's corner, m.
        caution: Cost of a cell right beside an obstacle on top of 1.
    """
    values = nominal.parameters
    reach = 0.5 * math.hypot(values["length"], values["width"]) + margin
    grids, cell = nominal.tables[T_GRID], values["cell"]
    cost = np.ones(grids.shape)
    for k, grid in enumerate(grids):
        for more in (0.2, 0.35, 0.5):
            cost[k] += caution / 3.0 * ~clear(grid, cell, reach + more)
        cost[k][~clear(grid, cell, reach)] = INFINITY
    return cost


def check_twist(nominal: Any, name: str) -> None:
    """Refuse setups whose action is not speed and yaw rate.

    Raises:
        ValueError: If it is not.
    """
    if nominal.parameters["wheels"]:
        raise ValueError(
            f"{name} commands speed and yaw rate; make the environment with action='twist'"
        )
