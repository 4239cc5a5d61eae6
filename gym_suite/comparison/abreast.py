"""Vector environments of one id under several settings, which agents see as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Abreast", "Joined"]


class Abreast:
    """Vector environments with as many rows each, for the same agents, as one.

    Rows of an agent are next to each other: first those of the first setting, then those of the next.

    Args:
        envs: a vector environment per setting, whose observations are arrays; in each the rows of the agents follow
            each other.
        each: rows of an agent in each of them.
    """

    def __init__(self, envs: Sequence[Any], each: int) -> None:
        self._envs, self._each = envs, each

    @property
    def unwrapped(self) -> Abreast:
        """Itself, which has the states."""
        return self

    def reset(self, *, seed: Sequence[int]) -> tuple[NDArray[Any], Mapping[str, Any]]:
        """Begin episodes.

        Args:
            seed: of all rows.
        """
        parts = self._parts(np.asarray(seed, object))
        begun = [envs.reset(seed=own.tolist()) for envs, own in zip(self._envs, parts, strict=True)]
        return self._whole([seen for seen, _ in begun]), self._infos([info for _, info in begun])

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, Mapping[str, Any]]:
        """Let all rows act for a period."""
        steps = [envs.step(own) for envs, own in zip(self._envs, self._parts(actions), strict=True)]
        observation, reward, ended, cut = (
            self._whole([step[k] for step in steps]) for k in range(4)
        )
        return observation, reward, ended, cut, self._infos([step[4] for step in steps])

    def state(self, names: Sequence[str]) -> Mapping[str, Any]:
        """Return the named states of all rows."""
        return self._infos([envs.unwrapped.state(names) for envs in self._envs])

    def places(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """Return the environment and its row for each of some rows of all."""
        found = []
        for row in rows:
            block, place = divmod(row, self._each)
            agent, k = divmod(block, len(self._envs))
            found.append((k, agent * self._each + place))
        return found

    def close(self) -> None:
        """Close them all."""
        for envs in self._envs:
            envs.close()

    def _parts(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Return what each environment gets of values of all rows."""
        split = values.reshape(-1, len(self._envs), self._each, *values.shape[1:])
        return [split[:, k].reshape(-1, *values.shape[1:]) for k in range(len(self._envs))]

    def _whole(self, parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return values of all rows, of those of each environment."""
        split = [np.reshape(part, (-1, self._each, *np.shape(part)[1:])) for part in parts]
        return np.stack(split, axis=1).reshape(-1, *np.shape(parts[0])[1:])

    def _infos(self, infos: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        return Joined(infos, self._whole)


class Joined(Mapping[str, Any]):
    """Columns by name that several mappings have a part of each; joined when they are asked for."""

    def __init__(
        self, parts: Sequence[Mapping[str, Any]], join: Callable[[Sequence[Any]], Any]
    ) -> None:
        self._parts, self._join = parts, join

    def at(self, name: str, places: Sequence[tuple[int, int]]) -> list[Any]:
        """Return values of a column at some :meth:`Abreast.places`, without joining the others."""
        return [self._parts[k][name][row] for k, row in places]

    def __getitem__(self, name: str) -> Any:
        return self._join([part[name] for part in self._parts])

    def __contains__(self, name: object) -> bool:
        return name in self._parts[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts[0])

    def __len__(self) -> int:
        return len(self._parts[0])
