"""Hovering, following a path, hovering together."""

from __future__ import annotations

from typing import Any, ClassVar

from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.drones.envs.base import DroneEnv, DroneVectorEnv
from gym_suite.drones.envs.setup import configure


class HoverEnv(DroneEnv):
    """A quadcopter flies from a random start to a point and stays there, drones/Hover-v0."""

    id = "drones/Hover-v0"
    task = "hover"


class HoverVectorEnv(DroneVectorEnv):
    """Many :class:`HoverEnv`."""

    single = HoverEnv


class TrackEnv(DroneEnv):
    """A quadcopter follows a circle, a lemniscate, a helix or a table, drones/Track-v0."""

    id = "drones/Track-v0"
    task = "track"


class TrackVectorEnv(DroneVectorEnv):
    """Many :class:`TrackEnv`."""

    single = TrackEnv


class MultiHoverEnv(DroneEnv):
    """Several quadcopters hover side by side, drones/MultiHover-v0, in the joint form."""

    id = "drones/MultiHover-v0"
    task = "multi_hover"


class MultiHoverVectorEnv(DroneVectorEnv):
    """Many :class:`MultiHoverEnv`."""

    single = MultiHoverEnv


class MultiHoverParallelEnv(KernelParallelEnv):
    """Several quadcopters hover side by side, drones/MultiHover-v0, as a PettingZoo ParallelEnv.

    Args:
        max_episode_steps: Steps after which an episode is truncated.
        render_mode: None, "rgb_array" or "human".
        **keywords: As for :class:`MultiHoverEnv`.

    Raises:
        ValueError: As for :class:`gym_suite.drones.envs.base.DroneEnv`.
        TypeError: As for :class:`gym_suite.drones.envs.base.DroneEnv`.
        ImportError: As for :class:`gym_suite.drones.envs.base.DroneEnv`.
    """

    id: ClassVar[str] = MultiHoverEnv.id

    def __init__(
        self,
        *,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        setup = configure(self.id, MultiHoverEnv.task, **keywords)
        super().__init__(setup, max_episode_steps=max_episode_steps, render_mode=render_mode)
