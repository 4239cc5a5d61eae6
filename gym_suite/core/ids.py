"""The classes behind registered ids: an id and a user's keywords become a setup and its faces.

A family derives its single environment from :class:`IdEnv`, writes ``configure`` once, and names an
id in each subclass; the vector and the parallel class of an id only say whose worlds they hold.
"""

from __future__ import annotations

from typing import Any, ClassVar

from gymnasium.vector import AutoresetMode

from gym_suite.core.env import KernelEnv
from gym_suite.core.family import Setup
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.vector_env import KernelVectorEnv


class IdEnv(KernelEnv):
    """One world of an id. The class of each id documents it.

    Args:
        render_mode: None, "rgb_array", "ansi" or "human".
        **keywords: The options of the id's family.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        ImportError: For an engine that is not installed.
    """

    id: ClassVar[str]

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        raise NotImplementedError(f"{cls.__name__} does not say how keywords become a setup")

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        setup = self.configure(**keywords)
        super().__init__(setup, render_mode=render_mode, rebuild=keywords)


class IdVectorEnv(KernelVectorEnv):
    """Many worlds of an id; takes the keywords of the single environment and the core's.

    Args:
        num_envs: Number of worlds, >= 1.
        max_episode_steps: Steps after which an episode is truncated, on top of the setup's own horizon.
        autoreset_mode: A member, name or value of :class:`gymnasium.vector.AutoresetMode`.
        render_mode: None, "rgb_array", "ansi" or "human" (shows the first world).
        **keywords: As for the single environment.

    Raises:
        ValueError: As for the single environment, and for a number of worlds that cannot be or an unknown mode.
        TypeError: As for the single environment.
        ImportError: As for the single environment.
    """

    single: ClassVar[type[IdEnv]]

    def __init__(
        self,
        *,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = "NextStep",
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        faces = {
            "num_envs": num_envs,
            "max_episode_steps": max_episode_steps,
            "autoreset_mode": autoreset_mode,
            "render_mode": render_mode,
        }
        setup = self.single.configure(**keywords)
        super().__init__(setup, **faces, rebuild=keywords | faces)


class IdParallelEnv(KernelParallelEnv):
    """One world of an id with several agents, as a PettingZoo ParallelEnv.

    Args:
        max_episode_steps: Steps after which the episode is truncated, on top of the setup's own horizon.
        render_mode: None, "rgb_array", "ansi" or "human".
        **keywords: As for the single environment.

    Raises:
        ValueError: As for the single environment.
        TypeError: As for the single environment.
        ImportError: As for the single environment.
    """

    single: ClassVar[type[IdEnv]]

    def __init__(
        self,
        *,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        faces = {"max_episode_steps": max_episode_steps, "render_mode": render_mode}
        setup = self.single.configure(**keywords)
        super().__init__(setup, **faces, rebuild=keywords | faces)
