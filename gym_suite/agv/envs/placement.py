"""Where vehicles start and go: what the user gave, checked against the map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gym_suite.agv.geometry import box_hits_grid, boxes_overlap
from gym_suite.agv.maps import SPAN, Floor, Layout
from gym_suite.agv.parameters import Vehicle
from gym_suite.agv.tasks import distance_apart

# What a user may give, and which of a layout's spots it replaces.
_KINDS = {
    "starts": (SPAN.first_start, SPAN.end_starts),
    "goals": (SPAN.first_goal, SPAN.end_goals),
}


def placed(
    floor: Floor,
    layouts: Sequence[Layout],
    vehicle: Vehicle,
    cell: float,
    *,
    given: Mapping[str, Any],
    vehicles: int,
    least_distance: float,
) -> Floor:
    """Return a floor with the starts and targets that the user gave, after checking them against the map.

    Args:
        floor: The floor, with the map's own.
        layouts: Its maps.
        vehicle: The vehicle.
        cell: Size of a cell, m.
        given: "starts" and "goals", poses (x, y, heading); None: the map's.
        vehicles: Number of vehicles.
        least_distance: Least distance from start to target, m.

    Raises:
        ValueError: If a pose is none, overlaps an occupied cell or another one, or if there is not room enough.
    """
    spots, spans = floor.spots, floor.spans.copy()
    for what, (first, end) in _KINDS.items():
        if given[what] is None:
            least = int((spans[:, end] - spans[:, first]).min())
            if least < vehicles:
                raise ValueError(
                    f"the map has room for {least} {what}, {vehicles} vehicles need more"
                )
            continue
        if len(layouts) > 1:
            raise ValueError(f"{what} can be given for one map, there are {len(layouts)}")
        poses = _poses(what, given[what])
        if len(poses) < vehicles:
            raise ValueError(f"{what}: {len(poses)} poses for {vehicles} vehicles")
        for pose in poses:
            _check_pose(what, pose, floor.grid[0], vehicle, cell)
        if vehicles > 1:
            _check_apart(what, poses, vehicle)
        spans[0, first], spans[0, end] = len(spots), len(spots) + len(poses)
        spots = np.vstack([spots, poses])
    found = replace(floor, spots=spots, spans=spans)
    if vehicles > 1:
        _check_room(found, vehicle, vehicles)
    if all(given[what] is None for what in _KINDS):
        _check_distance(found, least_distance)
    return found


def _spots_of(floor: Floor, what: str) -> Iterator[np.ndarray]:
    """Yield the places of each layout's starts or targets, (k, 2)."""
    first, end = _KINDS[what]
    for span in floor.spans:
        yield floor.spots[span[first] : span[end], :2]


def _check_room(floor: Floor, vehicle: Vehicle, vehicles: int) -> None:
    """Refuse maps whose starts or targets cannot be as far from each other as vehicles have to be."""
    apart = distance_apart(vehicle.length, vehicle.width)
    for what in _KINDS:
        for spots in _spots_of(floor, what):
            found = np.empty((0, 2))
            for spot in spots:
                if len(found) < vehicles and (np.hypot(*(found - spot).T) >= apart).all():
                    found = np.vstack([found, spot])
            if len(found) < vehicles:
                raise ValueError(
                    f"the map has room for {len(found)} {what} that are {apart:.2g} m apart, "
                    f"{vehicles} vehicles need more"
                )


def _check_distance(floor: Floor, least: float) -> None:
    """Refuse a least distance that no start and target of a map have."""
    for starts, goals in zip(_spots_of(floor, "starts"), _spots_of(floor, "goals"), strict=True):
        corners = np.array([goals.min(axis=0), goals.max(axis=0)])
        # No farther than the farthest corner of the box around all targets.
        away = np.abs(starts[:, None] - corners[None]).max(axis=1)
        farthest = float(np.hypot(*away.T).max())
        if farthest < least:
            raise ValueError(
                f"least_distance is {least:g} m, but starts and targets are at most {farthest:.3g} m apart"
            )


def _poses(what: str, given: Any) -> np.ndarray:
    try:
        poses = np.array(given, dtype=np.float64, ndmin=2)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be poses (x, y, heading), got {given!r}") from None
    if poses.ndim != 2 or poses.shape[1] != 3 or not np.isfinite(poses).all():
        raise ValueError(f"{what} must be poses (x, y, heading), got {given!r}")
    return poses


def _check_apart(what: str, poses: np.ndarray, vehicle: Vehicle) -> None:
    half = (0.5 * vehicle.length, 0.5 * vehicle.width)
    for i in range(len(poses)):
        for k in range(i):
            first: list[float] = [*poses[i].tolist(), *half, *poses[k].tolist(), *half]
            if boxes_overlap(*first):
                raise ValueError(f"{what}: the vehicles at poses {k} and {i} overlap")


def _check_pose(
    what: str, pose: np.ndarray, grid: np.ndarray, vehicle: Vehicle, cell: float
) -> None:
    x, y, heading = (float(value) for value in pose)
    half_length, half_width = 0.5 * vehicle.length, 0.5 * vehicle.width
    if not box_hits_grid(x, y, heading, half_length, half_width, grid, cell):
        return
    reach = math.ceil(vehicle.reach / cell) + 1
    row, column = math.floor(y / cell), math.floor(x / cell)
    for r in range(max(row - reach, 0), min(row + reach + 1, grid.shape[0])):
        for c in range(max(column - reach, 0), min(column + reach + 1, grid.shape[1])):
            middle = ((c + 0.5) * cell, (r + 0.5) * cell)
            box = (x, y, heading, half_length, half_width)
            if grid[r, c] and boxes_overlap(*box, *middle, 0.0, 0.5 * cell, 0.5 * cell):
                raise ValueError(
                    f"{what}: the vehicle at ({x:g}, {y:g}) overlaps the occupied cell "
                    f"(row {r}, column {c})"
                )
    raise ValueError(f"{what}: the vehicle at ({x:g}, {y:g}) is outside of the map")
