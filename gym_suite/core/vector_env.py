"""Many worlds of one setup as a native :class:`gymnasium.vector.VectorEnv`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from gym_suite.core.env import Face, episode_limit, joint_action_space, read_action, rebuilt
from gym_suite.core.family import Setup
from gym_suite.core.observations import copy_of, joint_observations, observation_space, row_of
from gym_suite.core.parameters import unknown_error
from gym_suite.core.pool import Pool, read_workers
from gym_suite.core.snapshots import as_kept, check_entries
from gym_suite.core.streams import Streams


def read_autoreset_mode(value: AutoresetMode | str) -> AutoresetMode:
    """Return the mode for a member of :class:`gymnasium.vector.AutoresetMode`, its name or its value.

    Raises:
        ValueError: If there is no such mode, naming the nearest.
    """
    if isinstance(value, AutoresetMode):
        return value
    for mode in AutoresetMode:
        if value in (mode.value, mode.name):
            return mode
    raise unknown_error("autoreset_mode", value, [mode.value for mode in AutoresetMode])


def _pool(
    setup: Setup, workers: int, configure: Callable[[], Setup] | None
) -> Callable[[Setup, int], Any] | None:
    """Return what builds an engine in several processes; None where there is to be one.

    Raises:
        ValueError: The compiled engine moves the rows, or the setup cannot be made in another process.
    """
    if workers == 1:
        return None
    if setup.engine is None or configure is None:
        raise ValueError(
            f"workers={workers} share the worlds of another engine; {setup.id} is moved by compiled code here, whose "
            "worlds threads= shares"
        )
    return partial(Pool, configure, workers)


class KernelVectorEnv(Face, VectorEnv[np.ndarray, np.ndarray, np.ndarray]):  # type: ignore[misc]
    """Many worlds in one compiled loop; equal bit for bit to as many single environments.

    Args:
        setup: What the id and its keywords decide.
        num_envs: Number of worlds, >= 1.
        max_episode_steps: Steps after which an episode is truncated, on top of the setup's own horizon.
        autoreset_mode: NEXT_STEP (Gymnasium's default), SAME_STEP or DISABLED.
        render_mode: None, "rgb_array", "ansi" or "human" (shows the first world).
        threads: Threads that share the worlds, or "auto"; the numbers are the same with any number.
        workers: Processes that share the worlds of another engine than the compiled one; the numbers are the same with
            any number.
        configure: Makes the setup again in another process; only needed with workers.
        rebuild: Keyword arguments that construct the same environment again; used by pickle.

    Raises:
        ValueError: For a number of worlds or steps below one or an unknown mode.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        threads: int | str = 1,
        workers: int = 1,
        configure: Callable[[], Setup] | None = None,
        rebuild: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(num_envs, int | np.integer) or num_envs is True or num_envs < 1:
            raise ValueError(f"num_envs must be a whole number >= 1, got {num_envs!r}")
        limit = episode_limit(setup, max_episode_steps)
        try:
            self._prepare(
                setup,
                int(num_envs),
                render_mode,
                handed_out=True,
                threads=threads,
                engine=_pool(setup, read_workers(workers), configure),
            )
        except MemoryError as error:
            raise MemoryError(
                f"num_envs={num_envs} worlds of {setup.id} do not fit into memory: {error}"
            ) from None
        self._rebuild = dict(rebuild or {})
        self._mode = read_autoreset_mode(autoreset_mode)
        self.metadata["autoreset_mode"] = self._mode
        self.num_envs = int(num_envs)
        count = setup.agent_count
        self._joint = count > 1
        self.single_action_space = joint_action_space(setup)
        self.single_observation_space = observation_space(setup, count)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        # An array of the steps' own type: comparing with a Python number takes twice as long.
        self._limit = np.array(limit or np.iinfo(np.int64).max, dtype=np.int64)
        self._shape = self.action_space.shape
        self._streams = Streams(self.num_envs)
        self._masks = tuple(f"_{name}" for name in self._names)
        # Copying a dictionary of the right size and filling it is quicker than growing a new one.
        self._empty_info: dict[str, Any] = dict.fromkeys((*self._names, *self._masks))
        self._everybody = np.ones(self.num_envs, dtype=np.bool_)
        self._done = np.zeros(self.num_envs, dtype=np.bool_)
        self._finish()

    #: Whether worlds that have ended stay as they are, earn nothing and end no more, instead of starting anew; only
    #: looked at with the mode NEXT_STEP. For those who run one episode a world: what nobody looks at costs nothing.
    resting: bool = False

    #: The entries of a snapshot.
    _kept: ClassVar[tuple[str, ...]] = ("rows", "generators", "started", "done")
    _spaces = (
        "action_space",
        "observation_space",
        "single_action_space",
        "single_observation_space",
    )

    # --------------------------------------------------------------------------------------------------------- seeds

    @property
    def np_random_seed(self) -> tuple[int | None, ...]:  # type: ignore[override]
        """The seed of each world's generator."""
        return self._streams.seeds

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Each world's generator."""
        self._seed(None, np.ones(self.num_envs, dtype=np.bool_))
        return self._streams.generators

    def _seed(self, seed: int | Sequence[int | None] | None, mask: np.ndarray) -> None:
        """Seed the generators of the masked rows; where there is no seed an existing one goes on."""
        count = self.num_envs
        if seed is None:
            if self._streams.started:
                return
            seed = [None] * count
        elif isinstance(seed, int | np.integer):
            if seed < 0:
                raise ValueError(f"a seed must be a whole number from 0 on, got {seed}")
            seed = range(int(seed), int(seed) + count)
        self._streams.seed(seed, mask)

    def _keys(self, mask: np.ndarray) -> np.ndarray:
        return self._streams.draw(mask)

    # ------------------------------------------------------------------------------------------------- reset and step

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start all worlds, or those in ``options["reset_mask"]`` (bool, (num_envs,), at least one True).

        Args:
            seed: An int (world i gets seed + i), one per world, or None.
            options: May also hold ``{"state": {column: value or (num_envs,) values}}``.

        Returns:
            Observations, float32 of shape (num_envs, no) or as the space says, and the metrics
            by name with their masks.

        Raises:
            TypeError: If the mask is not a bool array.
            ValueError: If the mask has a wrong shape or no True element.
        """
        wanted = self._state_options(options)
        mask = self._mask(options)
        self._seed(seed, mask)
        self._rows.reset(mask, self._keys(mask))
        self._inject(wanted, mask)
        self._done[mask] = False
        self._started = True
        self._record(np.flatnonzero(mask))
        return joint_observations(self._rows), self._info(None if mask.all() else mask)

    def _mask(self, options: Mapping[str, Any] | None) -> np.ndarray:
        if not options or options.get("reset_mask") is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        mask = options["reset_mask"]
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"reset_mask must be a bool array, got {mask!r}")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"reset_mask must have shape ({self.num_envs},) and a True element, got {mask}"
            )
        if not self._started and not mask.all():
            raise gymnasium.error.ResetNeeded("the first reset() must start all worlds")
        return mask

    def step(
        self, actions: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Move all worlds by one control period.

        Args:
            actions: (num_envs, nu), or (num_envs,) for discrete actions.

        Returns:
            Observations (num_envs, no), rewards, terminations and truncations (num_envs,), metrics by name.

        Raises:
            ValueError: For a wrong shape or dtype, NaN or infinity; all worlds are then as they were.
        """
        rows = self._rows
        if not self._started:
            self._require_start()
        values = read_action(actions, self._shape, self.setup.actions, "actions")  # type: ignore[arg-type]
        rows.u[:] = values.reshape(rows.u.shape)
        if self._mode is AutoresetMode.NEXT_STEP:
            return self._step_then_reset_next(self._done)
        if self._mode is AutoresetMode.DISABLED and self._done.any():
            raise ValueError(
                f"worlds {np.flatnonzero(self._done).tolist()} have ended; with autoreset disabled call "
                "reset(options={'reset_mask': ...}) before the next step"
            )
        rows.advance()
        reward, terminated, truncated = self._judge()
        done = terminated | truncated
        self._done = done
        if self.render_mode is not None:
            self._record(range(self.num_envs))
        if self._mode is AutoresetMode.SAME_STEP and done.any():
            infos = self._restart(done)
            return joint_observations(rows), reward, terminated, truncated, infos
        return joint_observations(rows), reward, terminated, truncated, self._info()

    def _step_then_reset_next(self, ended: np.ndarray) -> Any:
        rows = self._rows
        if not np.count_nonzero(ended):  # ten times as fast as any()
            rows.advance()
            reward, terminated, truncated = self._judge()
        elif self.resting:
            rows.advance(ended, still=True)
            reward, terminated, truncated = self._judge()
            # What agents earn together follows from the metrics, which stay.
            reward = np.where(ended, 0.0, reward)
            terminated &= ~ended
            truncated &= ~ended
        else:
            rows.advance(ended, draw=lambda: self._keys(ended))
            reward, terminated, truncated = self._judge()
            truncated &= ~ended
        self._done = terminated | truncated
        if self.resting:
            self._done |= ended
        if self.render_mode is not None:
            self._record(range(self.num_envs))
        return joint_observations(rows), reward, terminated, truncated, self._info()

    def _restart(self, done: np.ndarray) -> dict[str, Any]:
        """Start ended worlds within the same step and keep their last observations and metrics in the infos."""
        rows = self._rows
        final_obs = np.full(self.num_envs, None, dtype=object)
        observations = joint_observations(rows)
        for i in np.flatnonzero(done):
            final_obs[i] = copy_of(row_of(observations, int(i)))
        final_info = self._info(done)
        rows.reset(done, self._keys(done), fresh=False)
        self._record(np.flatnonzero(done))
        self._done = np.zeros(self.num_envs, dtype=np.bool_)
        infos = self._info()
        infos |= {"final_obs": final_obs, "_final_obs": done.copy()}
        infos |= {"final_info": final_info, "_final_info": done.copy()}
        return infos

    def _judge(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = self._rows
        truncated = rows.step >= self._limit
        if self._joint:
            joint = self.setup.joint_reward(rows.m)
            return joint, np.any(rows.terminated, axis=1), truncated  # type: ignore[return-value]
        return rows.reward[:, 0], rows.terminated[:, 0], truncated

    def _info(self, mask: np.ndarray | None = None) -> dict[str, Any]:
        """Return the metrics of all rows, or of the masked ones with zeros elsewhere, in Gymnasium's form."""
        metrics, present = self._rows.m.T, self._everybody.copy()
        if mask is not None:
            metrics, present = np.where(mask, metrics, 0.0), mask.copy()
        infos = self._empty_info.copy()
        for name, values in zip(self._names, metrics, strict=True):
            infos[name] = values
        for name in self._masks:
            infos[name] = present
        if self._places:
            whole = self._rows.whole(self._arrays)
            if mask is not None:
                whole[~mask] = 0
            for name, place in self._places:
                infos[name] = whole[:, place]
                infos["_" + name] = present
        return infos

    # ------------------------------------------------------------------------------------------------------- the rest

    def render(self) -> tuple[np.ndarray, ...] | tuple[str, ...] | None:
        """Return one frame ("rgb_array") or text ("ansi") per world, or None in the other modes."""
        if self.render_mode not in ("rgb_array", "ansi"):
            return None
        self._require_start()
        return tuple(self._picture(i) for i in range(self.num_envs))

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return an attribute, or the result of a method, once per world."""
        value = getattr(self, name)
        if callable(value):
            value = value(*args, **kwargs)
        return (value,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute once per world (it is the same object: worlds share their setup)."""
        return (getattr(self, name),) * self.num_envs

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute for all worlds; they share it.

        Raises:
            ValueError: If the worlds are given different values.
        """
        many = isinstance(values, list | tuple)
        if many and any(value is not values[0] and value != values[0] for value in values):
            raise ValueError(f"worlds share their attributes; {name} cannot differ between them")
        setattr(self, name, values[0] if many else values)

    def close_extras(self, **kwargs: Any) -> None:
        """Free pictures and engines."""
        self._close_renderer()

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores all worlds exactly, random streams included."""
        return {
            "rows": self._rows.get_state(),
            "generators": self._streams.get_state(),
            "started": self._started,
            "done": self._done.copy(),
        }

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id, keywords and number of worlds.

        Raises:
            ValueError: If something is missing, or it is of another id, other keywords, another number of worlds or
                another face; all worlds are then as they were.
        """
        check_entries(snapshot, self._kept)
        self._rows.check_state(snapshot["rows"])
        done = as_kept("done", snapshot["done"], self._done)
        self._seed(None, np.ones(self.num_envs, dtype=np.bool_))
        self._streams.set_state(snapshot["generators"])
        self._rows.set_state(snapshot["rows"])
        self._started = snapshot["started"]
        self._done = done.copy()
        if self._started:
            self._record(range(self.num_envs))

    def __reduce__(self) -> Any:
        return rebuilt, (
            type(self),
            self._rebuild,
            self.spec,
            self.get_state(),
            self._carried(),
        )
