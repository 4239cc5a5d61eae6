"""One floor and many: what the environments of all ids share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gym_suite.agv.envs.setup import configure
from gym_suite.core.env import KernelEnv
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.vector_env import KernelVectorEnv


class AGVEnv(KernelEnv):
    """One vehicle on one floor. The class of each id says which and documents it.

    Args:
        render_mode: None, "rgb_array" or "human".
        **keywords: Attributes of :class:`gym_suite.agv.envs.setup.Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """

    id: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        setup = configure(self.id, self.defaults, **keywords)
        super().__init__(setup, render_mode=render_mode, rebuild=keywords)


class AGVVectorEnv(KernelVectorEnv):
    """Many floors in one compiled loop; takes the keywords of the single environment and the core's.

    Args:
        num_envs: Number of worlds, >= 1.
        max_episode_steps: Steps after which an episode is truncated.
        autoreset_mode: A member, name or value of :class:`gymnasium.vector.AutoresetMode`.
        render_mode: None, "rgb_array" or "human" (shows the first world).
        **keywords: Attributes of :class:`gym_suite.agv.envs.setup.Options`.

    Raises:
        ValueError: As for :class:`AGVEnv`, and for a number of worlds below one or an unknown mode.
        TypeError: As for :class:`AGVEnv`.
    """

    single: ClassVar[type[AGVEnv]]

    def __init__(
        self,
        *,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: Any = "NextStep",
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        faces = {
            "num_envs": num_envs,
            "max_episode_steps": max_episode_steps,
            "autoreset_mode": autoreset_mode,
            "render_mode": render_mode,
        }
        setup = configure(self.single.id, self.single.defaults, **keywords)
        super().__init__(setup, **faces, rebuild=keywords | faces)


class AGVParallelEnv(KernelParallelEnv):
    """Several vehicles on one floor as a PettingZoo ParallelEnv.

    Args:
        max_episode_steps: Steps after which the episode is truncated.
        render_mode: None, "rgb_array" or "human".
        **keywords: Attributes of :class:`gym_suite.agv.envs.setup.Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """

    id: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        *,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        setup = configure(self.id, self.defaults, **keywords)
        super().__init__(setup, max_episode_steps=max_episode_steps, render_mode=render_mode)
