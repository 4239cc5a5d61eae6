"""One drive and many: what the environments of all ids share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from gym_suite.core.env import KernelEnv
from gym_suite.core.family import Setup
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.motors.envs.setup import configure


class MotorEnv(KernelEnv):
    """One drive. The class of each id says which and documents it.

    A subclass names its id and its task, and may give the id defaults of its own, which a user's
    keywords override.

    Args:
        render_mode: None, "rgb_array" or "human".
        **keywords: Attributes of :class:`gym_suite.motors.envs.options.Options`.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
    """

    id: ClassVar[str]
    task: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, cls.task, **(dict(cls.defaults) | keywords))

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        setup = self.configure(**keywords)
        super().__init__(setup, render_mode=render_mode, rebuild=keywords)


class MotorVectorEnv(KernelVectorEnv):
    """Many drives in one compiled loop; takes the keywords of the single environment and the core's.

    Args:
        num_envs: Number of worlds, >= 1.
        max_episode_steps: Steps after which an episode is truncated, on top of the setup's own horizon.
        autoreset_mode: A member, name or value of :class:`gymnasium.vector.AutoresetMode`.
        render_mode: None, "rgb_array" or "human" (shows the first world).
        **keywords: Attributes of :class:`gym_suite.motors.envs.options.Options`.

    Raises:
        ValueError: As for :class:`MotorEnv`, and for a number of worlds below one or an unknown mode.
        TypeError: As for :class:`MotorEnv`.
    """

    single: ClassVar[type[MotorEnv]]

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
        setup = self.single.configure(**keywords)
        super().__init__(setup, **faces, rebuild=keywords | faces)
