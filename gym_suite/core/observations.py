"""What agents observe: flat columns, pictures, or a Dict of both; for one agent, several side by side, many rows.

The columns are float32 beside each other. A picture is an array of its own that an engine draws. A setup with
pictures and columns gives a Dict whose key for the columns is :data:`STATE`; with one picture alone, that picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

if TYPE_CHECKING:
    from gym_suite.core.family import Setup
    from gym_suite.core.rows import Rows

#: Key of the flat columns in a Dict observation.
STATE = "state"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that every agent observes.

    Attributes:
        name: Key in a Dict observation.
        shape: (height, width, channels).
        dtype: NumPy's name of the type, such as "uint8".
        low: Smallest value that can occur.
        high: Largest value that can occur.
        unit: SI unit of the values, "1" where they have none.
        meaning: One line for the documentation.
    """

    name: str
    shape: tuple[int, int, int]
    dtype: str = "uint8"
    low: float = 0.0
    high: float = 255.0
    unit: str = "1"
    meaning: str = ""

    def space(self, count: int = 1) -> spaces.Box:
        """Return the space of the pictures of several agents side by side, from left to right."""
        height, width, channels = self.shape
        shape = (height, count * width, channels)
        return spaces.Box(self.low, self.high, shape, np.dtype(self.dtype).type)

    def allocate(self, rows: int, agents: int) -> np.ndarray:
        """Return memory for the pictures of all agents of some rows, (rows, agents, *shape)."""
        return np.zeros((rows, agents, *self.shape), dtype=self.dtype)


def observation_space(setup: Setup, count: int = 1) -> spaces.Space:
    """Return the observation space of one agent, or of several side by side."""
    parts: dict[str, spaces.Space] = {}
    if setup.flat:
        columns = setup.observation_columns
        low, high = np.tile(columns.low, count), np.tile(columns.high, count)
        parts[STATE] = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
    parts |= {image.name: image.space(count) for image in setup.images}
    return next(iter(parts.values())) if len(parts) == 1 else spaces.Dict(parts)


def joint_observations(rows: Rows) -> Any:
    """Return the observations of all rows, those of a row's agents side by side."""
    if not rows.setup.images:
        return rows.seen
    parts: dict[str, Any] = {STATE: rows.seen} if rows.setup.flat else {}
    for name, pictures in rows.pictures.items():
        n, agents, height, width, channels = pictures.shape
        beside = pictures.transpose(0, 2, 1, 3, 4).reshape(n, height, agents * width, channels)
        parts[name] = beside
    return _bare(parts)


def row_of(observations: Any, i: int) -> Any:
    """Return the observation of row i of :func:`joint_observations`."""
    if isinstance(observations, dict):
        return {name: part[i] for name, part in observations.items()}
    return observations[i]


def copy_of(observation: Any) -> Any:
    """Return the same observation in memory of its own."""
    if isinstance(observation, dict):
        return {name: part.copy() for name, part in observation.items()}
    return observation.copy()


def agent_observations(rows: Rows, i: int) -> list[Any]:
    """Return what each agent of row i observes, in memory of its own."""
    setup = rows.setup
    flat = rows.seen[i].reshape(setup.agent_count, -1).copy()
    if not setup.images:
        return list(flat)
    seen = []
    for j in range(setup.agent_count):
        parts = {STATE: flat[j]} if setup.flat else {}
        parts |= {name: pictures[i, j].copy() for name, pictures in rows.pictures.items()}
        seen.append(_bare(parts))
    return seen


def _bare(parts: dict[str, np.ndarray]) -> Any:
    return next(iter(parts.values())) if len(parts) == 1 else parts
