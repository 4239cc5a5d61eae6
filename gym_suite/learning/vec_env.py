"""The native vector environments as Stable-Baselines3 ``VecEnv``."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from gym_suite.core.extras import install_line
from gym_suite.core.parameters import check_number
from gym_suite.learning.seeds import first_row_seed
from gym_suite.registration import catalogue

TRUNCATED = "TimeLimit.truncated"


def require_sb3() -> Any:
    """Import Stable-Baselines3.

    Raises:
        ModuleNotFoundError: It is not installed; the message names the extra.
    """
    try:
        import stable_baselines3
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError(
            f"this needs Stable-Baselines3: {install_line('rl')}", name=e.name
        ) from e
    return stable_baselines3


def make_sb3_vec(
    id: str,
    n: int = 1,
    *,
    seed: int | None = None,
    monitor: bool = True,
    metrics: bool = True,
    **keywords: Any,
) -> Any:
    """Make a Stable-Baselines3 ``VecEnv`` over the native vector environment of an id.

    It gives what ``DummyVecEnv`` over n single environments gives (observations, rewards, dones,
    infos, terminal observations, reset infos) at the speed of the compiled batch.

    Args:
        id: Environment id; one without a native vector environment runs in a ``SyncVectorEnv``.
        n: Number of rows.
        seed: Row i starts from episode seed + i at the first reset, as a single environment would; None for fresh
            entropy. A training needs none: what a model seeds the rows with is a seed of its training, see
            :meth:`VectorRows.seed`.
        monitor: Add ``info["episode"]`` (return, length, time) where an episode ends, as
            ``Monitor`` does.
        metrics: Put the metrics into the info of every step. Without, only the infos of rows
            that end are filled, which is all that PPO and SAC look at, and cheaper.
        **keywords: Keyword arguments of the environment.

    Raises:
        ValueError: n is not positive or seed negative, or a keyword is not the environment's.
        ModuleNotFoundError: Stable-Baselines3 is not installed.
    """
    require_sb3()
    n, seed = _numbers(n, seed)
    entry = catalogue().get(id)
    if entry is not None and not entry.entry_point:
        raise ValueError(
            f"{id} has several agents: take their actions one by one with "
            f"gym_suite.learning.agents_as_batch({id!r})"
        )
    mode = AutoresetMode.SAME_STEP
    if gymnasium.spec(id).vector_entry_point is None:
        envs = gymnasium.make_vec(
            id, n, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **keywords
        )
    else:
        envs = gymnasium.make_vec(id, n, autoreset_mode=mode, **keywords)
    return _seeded(_with_sb3_base(VectorRows)(envs, monitor=monitor, metrics=metrics), seed)


def agents_as_batch(
    env: Any,
    n: int = 1,
    *,
    seed: int | None = None,
    monitor: bool = True,
    metrics: bool = True,
    **keywords: Any,
) -> Any:
    """Make a Stable-Baselines3 ``VecEnv`` whose rows are the agents of n worlds.

    One policy then learns from all agents. Row ``w * agents + a`` is agent a of world w; what
    happens to an agent that ends before its world is said in
    :class:`gym_suite.learning.agents.AgentVectorEnv`. A time limit is marked as truncation, so
    PPO bootstraps there.

    Args:
        env: Id of an environment with several agents, or one made by ``gym_suite.parallel_env``.
        n: Number of worlds.
        seed: World w starts from episode seed + w at the first reset; None for fresh entropy.
        monitor: Add ``info["episode"]`` where an agent's episode ends.
        metrics: Put the metrics of the world into the info of every step.
        **keywords: Keyword arguments of the environment, where an id is given.

    Raises:
        ValueError: n is not positive or seed negative, the id has one agent, or a keyword is not the environment's.
        ModuleNotFoundError: Stable-Baselines3 is not installed.
    """
    import gym_suite
    from gym_suite.learning.agents import AgentVectorEnv

    require_sb3()
    n, seed = _numbers(n, seed)
    if isinstance(env, str):
        env = gym_suite.parallel_env(env, **keywords)
    elif keywords:
        raise ValueError(f"keywords {list(keywords)} go to the environment: give its id")
    rows = _with_sb3_base(VectorRows)(AgentVectorEnv(env, n), monitor=monitor, metrics=metrics)
    return _seeded(rows, seed)


def _numbers(n: Any, seed: Any) -> tuple[int, int | None]:
    """Return how many rows there are to be and the first one's seed, checked.

    Raises:
        ValueError: One of them is not whole, or too small.
    """
    count = int(check_number("n", n, low=1, integer=True))
    if seed is None:
        return count, None
    check_number("seed", seed, low=0, integer=True)
    return count, int(seed)  # not by way of a float, which holds 53 bits


class TrainingSeeds:
    """What an SB3 ``VecEnv`` makes of the seed of a training; a base class in front of ``VecEnv``."""

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Let row i start from an episode seed for trainings + i at the next reset.

        Models of Stable-Baselines3 call this with their own ``seed``. Episodes 0, 1, ... are those of comparisons, so a
        seed below a million is taken as that of a training, whose rows start from
        :func:`gym_suite.learning.seeds.training_seed`; one from a million on is an episode seed already.

        Args:
            seed: Of the training; None for one by chance.

        Returns:
            The episode seed of every row.
        """
        base: Any = super()
        return base.seed(first_row_seed(base.seed(seed)[0]))


class VectorRows(TrainingSeeds):
    """A Gymnasium vector environment in SAME_STEP mode, with the methods of SB3's ``VecEnv``.

    The base class ``VecEnv`` is added by :func:`_with_sb3_base`, so that this module can be
    imported without Stable-Baselines3.
    """

    num_envs: int
    reset_infos: list[dict[str, Any]]
    _seeds: list[int | None]
    _options: list[dict[str, Any]]

    def __init__(self, envs: Any, *, monitor: bool, metrics: bool):
        mode = envs.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise ValueError(f"expected a vector environment in SAME_STEP mode, got {mode}")
        self.envs = envs
        self._metrics = metrics
        self._episodes = EpisodeRecord(envs.num_envs) if monitor else None
        space = copy.deepcopy(envs.single_observation_space)
        setup = getattr(envs.unwrapped, "setup", None)
        if setup is not None:
            # Stable-Baselines3 keeps the space in a saved model: it says then what the model is for.
            names = setup.joint_names(setup.observation_columns)
            if space.shape != (len(names),):  # a row is one agent
                names = setup.observation_columns.names
            space.origin = {"id": setup.id, "columns": names}  # type: ignore[attr-defined]
        super().__init__(envs.num_envs, space, envs.single_action_space)  # type: ignore[call-arg]

    def reset(self) -> NDArray[Any]:
        """Start new episodes in all rows; seeds and options given before are used once."""
        observation, infos = self.envs.reset(seed=_one_seed(self._seeds), options=self._option())
        self._record_seeds()
        self.reset_infos = info_rows(infos, np.arange(self.num_envs))
        self._reset_seeds()  # type: ignore[attr-defined]
        self._reset_options()  # type: ignore[attr-defined]
        if self._episodes is not None:
            self._episodes.restart()
        return observation

    def _record_seeds(self) -> None:
        """Let the space tell the first and the last episode seed, so that a saved model tells them too."""
        origin = getattr(self.observation_space, "origin", None)  # type: ignore[attr-defined]
        seeds = [seed for seed in self._seeds if seed is not None]
        if origin is not None and seeds:
            seeds += origin.get("seeds", [])
            origin["seeds"] = [min(seeds), max(seeds)]

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all rows; a row that ends starts anew in the same step."""
        observation, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        dones = terminated | truncated
        ended = np.flatnonzero(dones)
        if self._metrics:
            rows = info_rows(infos, np.arange(self.num_envs))
            for info in rows:
                info[TRUNCATED] = False
        else:
            rows = [{TRUNCATED: False} for _ in range(self.num_envs)]
        if self._episodes is not None:
            self._episodes.add(rewards)
        if ended.size:
            self._end(ended, rows, infos, truncated & ~terminated)
        return observation, rewards.astype(np.float32), dones, rows

    def _end(
        self,
        ended: NDArray[np.intp],
        rows: list[dict[str, Any]],
        infos: Mapping[str, Any],
        truncated: NDArray[np.bool_],
    ) -> None:
        """Put the last observation and info of the rows that ended in place of the reset infos."""
        reset_infos = info_rows(infos, ended)
        finals = info_rows(infos["final_info"], ended)
        for i, final, reset_info in zip(ended.tolist(), finals, reset_infos, strict=True):
            self.reset_infos[i] = reset_info
            final[TRUNCATED] = bool(truncated[i])
            final["terminal_observation"] = infos["final_obs"][i]
            if self._episodes is not None:
                record = self._episodes.end(i)
                if "waiting" not in final:  # an agent that waits for its world to end has none
                    final["episode"] = record
            rows[i] = final

    def close(self) -> None:
        """Close the environment."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the rows."""
        if attr_name == "render_mode":
            values: Sequence[Any] = [self.envs.render_mode] * self.envs.num_envs
        else:
            values = self.envs.get_attr(attr_name)
        return [values[i] for i in self._get_indices(indices)]  # type: ignore[attr-defined]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute in all rows.

        Raises:
            ValueError: Only some rows are named; they share one compiled environment.
        """
        self._refuse_some("set_attr", indices)
        self.envs.set_attr(attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of every row.

        Raises:
            ValueError: Only some rows are named; they share one compiled environment.
        """
        self._refuse_some("env_method", indices)
        return list(self.envs.call(method_name, *method_args, **method_kwargs))

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Whether rows are wrapped; with ``monitor=True`` they count as wrapped in ``Monitor``."""
        from stable_baselines3.common.monitor import Monitor

        wrapped = self._episodes is not None and issubclass(wrapper_class, Monitor)
        return [wrapped for _ in self._get_indices(indices)]  # type: ignore[attr-defined]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One frame per row (``render_mode="rgb_array"``)."""
        return self.envs.render()

    def _refuse_some(self, method: str, indices: Any) -> None:
        if len(list(self._get_indices(indices))) != self.num_envs:  # type: ignore[attr-defined]
            raise ValueError(f"{method} acts on all rows together, got indices={indices}")

    def _option(self) -> dict[str, Any] | None:
        """The options of the next reset, which all rows must share."""
        if any(options != self._options[0] for options in self._options):
            raise ValueError("rows of one vector environment take the same reset options")
        return self._options[0] or None


class EpisodeRecord:
    """Return, length and time of the running episode of every row."""

    def __init__(self, rows: int):
        self._start = time.time()
        self._returns = np.zeros(rows)
        self._lengths = np.zeros(rows, np.int64)

    def restart(self) -> None:
        """Forget the running episodes."""
        self._returns[:] = 0.0
        self._lengths[:] = 0

    def add(self, rewards: NDArray[Any]) -> None:
        """Count one step of every row."""
        self._returns += rewards
        self._lengths += 1

    def end(self, row: int) -> dict[str, float]:
        """The record of an episode that just ended, under the names that SB3's ``Monitor`` uses."""
        record = {
            "r": round(float(self._returns[row]), 6),
            "l": int(self._lengths[row]),
            "t": round(time.time() - self._start, 6),
        }
        self._returns[row] = 0.0
        self._lengths[row] = 0
        return record


def info_rows(infos: Mapping[str, Any], rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    """Turn the infos of a vector environment into one dict per row.

    Args:
        infos: Arrays by name, each with a mask ``_name`` that says which rows have the entry; an
            entry may itself be such a mapping.
        rows: Rows wanted.

    Returns:
        Dicts of plain values in the order of ``rows``, without the ends of episodes.
    """
    whole: dict[str, Iterable[Any]] = {}
    partial: list[tuple[str, NDArray[np.bool_], Any]] = []
    looked_at: dict[int, tuple[NDArray[np.bool_], bool]] = {}  # our metrics share one mask
    for name, values in infos.items():
        if name in ("final_obs", "final_info") or _is_mask(name, infos):
            continue
        mask = infos.get(f"_{name}")
        if id(mask) not in looked_at:
            present = np.ones(len(rows), bool) if mask is None else mask[rows]
            looked_at[id(mask)] = present, bool(present.all())
        present, everywhere = looked_at[id(mask)]
        plain = isinstance(values, np.ndarray)
        entries = _values(values[rows]) if plain else info_rows(values, rows)
        if everywhere:
            whole[name] = entries
        else:
            partial.append((name, present, entries))
    names = tuple(whole)
    if names:
        dicts = [
            dict(zip(names, entry, strict=True)) for entry in zip(*whole.values(), strict=True)
        ]
    else:
        dicts = [{} for _ in rows]
    for name, present, entries in partial:
        for i in np.flatnonzero(present):
            dicts[i][name] = entries[i]
    return dicts


def _is_mask(name: str, infos: Mapping[str, Any]) -> bool:
    return name.startswith("_") and name[1:] in infos


def _values(array: NDArray[Any]) -> list[Any]:
    """Plain Python numbers of a column, or the row arrays of a wider one."""
    return array.tolist() if array.ndim == 1 else list(array)


def _one_seed(seeds: Sequence[int | None]) -> int | list[int | None] | None:
    """The seeds of all rows as Gymnasium takes them: one number where row i has seed + i."""
    first = seeds[0]
    if all(seed is None for seed in seeds):
        return None
    if first is not None and list(seeds) == list(range(first, first + len(seeds))):
        return first
    return list(seeds)


def _seeded(rows: Any, seed: int | None) -> Any:
    if seed is not None:
        rows._seeds = [seed + i for i in range(rows.num_envs)]
    return rows


@functools.cache
def _with_sb3_base(cls: type) -> type:
    """The class with Stable-Baselines3's ``VecEnv`` as its base."""
    from stable_baselines3.common.vec_env import VecEnv

    return type(cls.__name__, (cls, VecEnv), {"__doc__": cls.__doc__, "__module__": cls.__module__})
