"""One world and many, single and joint: what the environments of all ids share."""

from __future__ import annotations

from typing import Any, ClassVar

from gym_suite.core.env import KernelEnv
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.drones.envs.setup import configure


class DroneEnv(KernelEnv):
    """One world. The class of each id says which and documents it.

    Args:
        render_mode: None, "rgb_array" or "human".
        **keywords: Attributes of :class:`gym_suite.drones.envs.options.Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        ImportError: For engine="bullet" without PyBullet.
    """

    id: ClassVar[str]
    task: ClassVar[str]

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        setup = configure(self.id, self.task, **keywords)
        super().__init__(setup, render_mode=render_mode, rebuild=keywords)


class DroneVectorEnv(KernelVectorEnv):
    """Many worlds; takes the keywords of the single environment and the core's.

    Args:
        num_envs: Number of worlds, >= 1; at most 64 with engine="bullet".
        max_episode_steps: Steps after which an episode is truncated.
        autoreset_mode: A member, name or value of :class:`gymnasium.vector.AutoresetMode`.
        render_mode: None, "rgb_array" or "human" (shows the first world).
        **keywords: Attributes of :class:`gym_suite.drones.envs.options.Options`.

    Raises:
        ValueError: As for :class:`DroneEnv`, and for a number of worlds out of bounds or an unknown mode.
        TypeError: As for :class:`DroneEnv`.
        ImportError: As for :class:`DroneEnv`.
    """

    single: ClassVar[type[DroneEnv]]

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
        setup = configure(self.single.id, self.single.task, **keywords)
        super().__init__(setup, **faces, rebuild=keywords | faces)
