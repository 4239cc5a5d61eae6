"""Plants that differ from row to row: what a policy or a set of gains has to survive.

``randomise = {"noise": [0.0, 0.01], "mismatch": 0.3, "delay": [0, 1]}`` says which keywords of the environment vary.
Noise and delay belong to an environment as a whole, so rows come in blocks, one for every combination of the values,
each a native vector environment of its own; a mismatch is drawn anew for each row at each reset anyway.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.family import PLANT_KEYWORDS
from gym_suite.core.parameters import check_keywords
from gym_suite.learning.vec_env import TrainingSeeds


def check_randomise(randomise: object) -> dict[str, Any]:
    """Return what is to vary, as a mapping that is known to be sound.

    Raises:
        ValueError: If it is no mapping, names another keyword than those of every plant, or lists no values.
    """
    if not isinstance(randomise, Mapping):
        raise ValueError(f"randomise must map plant keywords to values, got {randomise!r}")
    check_keywords(randomise, PLANT_KEYWORDS, "keyword to randomise")
    for name, values in randomise.items():
        if isinstance(values, list | tuple) and not values:
            raise ValueError(f"randomise: {name} needs at least one value")
    return {
        name: list(values) if isinstance(values, tuple) else values
        for name, values in randomise.items()
    }


def blocks_of(
    randomise: Mapping[str, Any], keywords: Mapping[str, Any] = {}
) -> list[dict[str, Any]]:
    """Return the environment's keywords of each block: one for every combination of the values.

    Args:
        randomise: Values, or lists of them, by plant keyword.
        keywords: The environment's other keywords; one that is named here is not varied.
    """
    varied = {name: values for name, values in randomise.items() if name not in keywords}
    lists = [v if isinstance(v, list | tuple) else [v] for v in varied.values()]
    return [
        dict(keywords) | dict(zip(varied, combination, strict=True))
        for combination in itertools.product(*lists)
    ]


def shares(rows: int, blocks: int) -> list[int]:
    """Return how many rows each block gets: as equally many as can be, the first ones more.

    Raises:
        ValueError: If there are fewer rows than blocks.
    """
    if rows < blocks:
        raise ValueError(
            f"{rows} rows are too few for {blocks} combinations of what is randomised: raise rows, or vary less"
        )
    part, more = divmod(rows, blocks)
    return [part + (k < more) for k in range(blocks)]


class SideBySide(TrainingSeeds):
    """Several Stable-Baselines3 ``VecEnv`` of the same spaces as one, row after row.

    The base class ``VecEnv`` is added by :func:`side_by_side`, so that this module can be imported without
    Stable-Baselines3.

    Args:
        parts: Made by :func:`gym_suite.learning.make_sb3_vec`.
    """

    num_envs: int
    reset_infos: list[dict[str, Any]]
    _seeds: list[int | None]

    def __init__(self, parts: Sequence[Any]):
        self.parts = list(parts)
        self._starts = np.cumsum([0, *(part.num_envs for part in parts)])
        first = self.parts[0]
        super().__init__(int(self._starts[-1]), first.observation_space, first.action_space)  # type: ignore[call-arg]

    @property
    def envs(self) -> Any:
        """The first block's vector environment, which tells what controllers may know of all."""
        return self.parts[0].envs

    def reset(self) -> NDArray[Any]:
        """Start new episodes in all rows; seeds given before are used once."""
        observations = []
        for part, start in zip(self.parts, self._starts, strict=False):
            part._seeds = self._seeds[start : start + part.num_envs]
            observations.append(part.reset())
        self.reset_infos = [info for part in self.parts for info in part.reset_infos]
        self._reset_seeds()  # type: ignore[attr-defined]
        return np.concatenate(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for :meth:`step_wait`."""
        for part, start in zip(self.parts, self._starts, strict=False):
            part.step_async(actions[start : start + part.num_envs])

    def step_wait(
        self,
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all rows; a row that ends starts anew in the same step."""
        steps = [part.step_wait() for part in self.parts]
        observations, rewards, dones, infos = zip(*steps, strict=True)
        self.reset_infos = [info for part in self.parts for info in part.reset_infos]
        together = (np.concatenate(observations), np.concatenate(rewards), np.concatenate(dones))
        return *together, [info for part in infos for info in part]

    def close(self) -> None:
        """Close all blocks."""
        for part in self.parts:
            part.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the rows."""
        return [
            self.parts[block].get_attr(attr_name, [row])[0] for block, row in self._places(indices)
        ]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute in all rows.

        Raises:
            ValueError: Only some rows are named; those of a block share one compiled environment.
        """
        self._refuse_some("set_attr", indices)
        for part in self.parts:
            part.set_attr(attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of every row.

        Raises:
            ValueError: Only some rows are named; those of a block share one compiled environment.
        """
        self._refuse_some("env_method", indices)
        return [
            result
            for part in self.parts
            for result in part.env_method(method_name, *method_args, **method_kwargs)
        ]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Whether rows are wrapped."""
        return [
            self.parts[block].env_is_wrapped(wrapper_class, [row])[0]
            for block, row in self._places(indices)
        ]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One frame per row (``render_mode="rgb_array"``)."""
        return [image for part in self.parts for image in part.get_images()]

    def _places(self, indices: Any) -> list[tuple[int, int]]:
        """Return block and row within it of each index."""
        wanted = np.fromiter(self._get_indices(indices), np.int64)  # type: ignore[attr-defined]
        blocks = np.searchsorted(self._starts, wanted, side="right") - 1
        return [(int(b), int(i - self._starts[b])) for b, i in zip(blocks, wanted, strict=True)]

    def _refuse_some(self, method: str, indices: Any) -> None:
        if len(list(self._get_indices(indices))) != self.num_envs:  # type: ignore[attr-defined]
            raise ValueError(f"{method} acts on all rows together, got indices={indices}")


def side_by_side(parts: Sequence[Any]) -> Any:
    """Return several ``VecEnv`` as one; a single one as it is."""
    return parts[0] if len(parts) == 1 else _with_sb3_base()(parts)


@functools.cache
def _with_sb3_base() -> type:
    """The class :class:`SideBySide` with Stable-Baselines3's ``VecEnv`` as its base."""
    from stable_baselines3.common.vec_env import VecEnv

    about = {"__doc__": SideBySide.__doc__, "__module__": __name__}
    return type(SideBySide.__name__, (SideBySide, VecEnv), about)
