"""The agents of many worlds as the rows of one vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from gym_suite.core.env import read_action
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.rows import Rows

WAITING = "waiting"


class AgentVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Worlds with several agents, one row per agent, world after world; one policy for all agents.

    It does what as many :class:`KernelParallelEnv` would do. An agent that has ended waits, with
    the idle action, until its world ends: its row then keeps reporting termination with reward 0
    and ``waiting`` in the final info, so that a learner couples nothing across that time.
    Ended worlds start anew in the same step.

    Args:
        env: An environment of the id; its setup is used, its own world is not touched.
        worlds: Number of worlds.

    Raises:
        ValueError: worlds is not positive.
    """

    def __init__(self, env: KernelParallelEnv, worlds: int):
        if worlds < 1:
            raise ValueError(f"expected at least one world, got {worlds}")
        self.setup, self.nominal = env.setup, env.nominal
        self.worlds, self.agents = worlds, env.setup.agent_count
        self.num_envs = worlds * self.agents
        self.render_mode = None
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}
        first = env.possible_agents[0]
        self.single_observation_space = env.observation_space(first)
        self.single_action_space = env.action_space(first)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._rows = Rows(env.setup, worlds)
        self._limit = env._limit
        self._gone = np.zeros((worlds, self.agents), np.bool_)
        self._generators: list[np.random.Generator] = []

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Any = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start all worlds.

        Args:
            seed: World w is seeded with seed + w; None goes on with the generators there are.
            options: None; there are none.

        Raises:
            ValueError: Options or one seed per row are given.
        """
        if options:
            raise ValueError(f"rows of agents take no reset options, got {options}")
        if seed is not None and not isinstance(seed, int | np.integer):
            raise ValueError("agents share their world: give one seed, not one per row")
        if seed is not None or not self._generators:
            starts = [None if seed is None else int(seed) + w for w in range(self.worlds)]
            self._generators = [seeding.np_random(start)[0] for start in starts]
        self._restart(np.ones(self.worlds, np.bool_), fresh=True)
        return self._observations(), self._infos(np.ones(self.num_envs, np.bool_))

    def step(
        self, actions: Any
    ) -> tuple[
        NDArray[np.float32], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
    ]:
        """Move all worlds by one control period.

        Args:
            actions: One per row, (rows, nu), or (rows,) for discrete actions.

        Raises:
            ValueError: For a wrong shape or dtype, NaN or infinity; nothing moves then.
        """
        shape = self.action_space.shape
        given = read_action(actions, shape, self.setup.actions, "actions")  # type: ignore[arg-type]
        joint = np.array(given, np.float64).reshape(self.worlds, self.agents, -1)
        joint[self._gone] = self.setup.idle_action
        self._rows.u[:] = joint.reshape(self._rows.u.shape)
        self._rows.advance()
        waiting = self._gone.copy()
        reward = np.where(waiting, 0.0, self._rows.reward)
        terminated = self._rows.terminated | waiting
        late = self._rows.step >= self._limit
        truncated = late[:, None] & ~waiting
        over = late | terminated.all(axis=1)
        self._gone = terminated.copy()
        ended = (terminated | truncated).ravel()
        finals = self._finals(ended, waiting.ravel()) if ended.any() else {}
        if over.any():
            self._restart(over, fresh=False)
        infos = self._infos(np.ones(self.num_envs, np.bool_)) | finals
        return self._observations(), reward.ravel(), terminated.ravel(), truncated.ravel(), infos

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute, once per row (rows share it)."""
        return (getattr(self, name),) * self.num_envs

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute for all rows."""
        setattr(self, name, values)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method; its result once per row."""
        return (getattr(self, name)(*args, **kwargs),) * self.num_envs

    def _restart(self, mask: NDArray[np.bool_], *, fresh: bool) -> None:
        keys = [self._generators[w].bit_generator.random_raw() for w in np.flatnonzero(mask)]
        self._rows.reset(mask, np.array(keys, np.uint64), fresh=fresh)
        self._gone[mask] = False

    def _observations(self) -> NDArray[np.float32]:
        return self._rows.seen.reshape(self.num_envs, -1)

    def _infos(self, present: NDArray[np.bool_]) -> dict[str, Any]:
        """The metrics of each row's world."""
        infos: dict[str, Any] = {}
        names = self.setup.metric_columns.names
        for name, values in zip(names, self._rows.m.T, strict=True):
            infos[name], infos[f"_{name}"] = np.repeat(values, self.agents), present
        return infos

    def _finals(self, ended: NDArray[np.bool_], waiting: NDArray[np.bool_]) -> dict[str, Any]:
        """Last observations and infos of the rows that ended, before their worlds start anew."""
        observations = np.full(self.num_envs, None, object)
        for i in np.flatnonzero(ended):
            observations[i] = self._observations()[i].copy()
        info = self._infos(ended)
        info |= {WAITING: waiting, f"_{WAITING}": ended & waiting}
        return {
            "final_obs": observations,
            "_final_obs": ended,
            "final_info": info,
            "_final_info": ended,
        }
