"""One world with several agents as a PettingZoo ParallelEnv."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from gym_suite.core.env import (
    RENDER_MODES,
    Face,
    action_space,
    episode_limit,
    frame_rate,
    read_action,
    read_options,
    rebuilt,
)
from gym_suite.core.family import Setup
from gym_suite.core.observations import agent_observations, observation_space
from gym_suite.core.parameters import check_keywords
from gym_suite.core.snapshots import check_entries, restore_generator


class KernelParallelEnv(Face, ParallelEnv[str, np.ndarray, np.ndarray]):
    """One world of a setup with several agents.

    An agent that has ended leaves; the world ends when no agent is left, or at the time limit. What an agent that
    has left does to the world afterwards is the family's business: its action is the idle one.

    Args:
        setup: What the id and its keywords decide; must name agents.
        max_episode_steps: Steps after which the episode is truncated, on top of the setup's own horizon.
        render_mode: None, "rgb_array", "ansi" or "human".
        rebuild: Keyword arguments that construct the same environment again; used by pickle.

    Raises:
        ValueError: If the setup has no agents, or the number of steps is no whole number of at least 1.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        rebuild: Mapping[str, Any] | None = None,
    ) -> None:
        if not setup.agents:
            raise ValueError(f"{setup.id} has one agent; make it with gymnasium.make")
        limit = episode_limit(setup, max_episode_steps)
        self._prepare(setup, 1, render_mode)
        self._rebuild = dict(rebuild or {})
        self.metadata = {  # type: ignore[assignment] - one of its own, as Gymnasium's vector envs have
            "name": setup.id,
            "render_modes": list(RENDER_MODES),
            "render_fps": frame_rate(setup.dt),
            "is_parallelizable": True,
        }
        self.possible_agents = list(setup.agents)
        self.agents: list[str] = []
        self.action_spaces = {agent: action_space(setup) for agent in setup.agents}
        self.observation_spaces = {agent: observation_space(setup) for agent in setup.agents}
        self._limit = limit or np.iinfo(np.int64).max
        self._generator: np.random.Generator | None = None
        self._everything = np.ones(1, dtype=np.bool_)
        shape = self.action_spaces[setup.agents[0]].shape
        self._shape: tuple[int, ...] = () if shape is None else shape
        self._finish()

    _spaces = ("action_spaces", "observation_spaces")

    def observation_space(self, agent: str) -> gymnasium.spaces.Space:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Space:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    @property
    def np_random(self) -> np.random.Generator:
        """The generator from which episodes draw their keys."""
        if self._generator is None:
            self._generator, _ = seeding.np_random()
        return self._generator

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Start an episode with all agents; arguments as in :meth:`KernelEnv.reset`.

        Options other than "state" are ignored, as PettingZoo's conformance test demands.
        """
        wanted = self._state_options({"state": read_options(options).get("state")})
        if seed is not None:
            self._generator, _ = seeding.np_random(seed)
        key = np.array([self.np_random.bit_generator.random_raw()], dtype=np.uint64)
        self._rows.reset(self._everything, key)
        self._inject(wanted, self._everything)
        self._started = True
        self.agents = list(self.possible_agents)
        self._record((0,))
        return self._by_agent(agent_observations(self._rows, 0)), self._infos()

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Move the world by one control period.

        Args:
            actions: The action of every agent still there; those of agents that have left are ignored.

        Returns:
            Observations, rewards, terminations, truncations and infos of the agents there before the step.

        Raises:
            ValueError: If an agent is unknown, or its action is missing or wrong in shape, dtype or value;
                nothing moves then.
        """
        self._require_start()
        rows, setup = self._rows, self.setup
        joint = np.zeros((setup.agent_count, setup.action_size))
        joint[:] = setup.idle_action
        if not isinstance(actions, Mapping):
            raise ValueError(f"actions must map each live agent to its action, got {actions!r}")
        check_keywords(actions, self.possible_agents, "agent")
        missing = [agent for agent in self.agents if agent not in actions]
        if missing:
            raise ValueError(f"no action for {missing}; every live agent needs one")
        for i, agent in enumerate(self.possible_agents):
            if agent in self.agents:
                joint[i] = read_action(
                    actions[agent], self._shape, setup.actions, f"action of {agent}"
                )
                if not np.isfinite(joint[i]).all():
                    raise ValueError(
                        f"action of {agent} is {actions[agent]}; every element must be finite"
                    )
        rows.u[0] = joint.ravel()
        rows.advance()
        truncated = bool(rows.step[0] >= self._limit)
        terminated = self._by_agent(rows.terminated[0].tolist())
        rewards = self._by_agent(rows.reward[0].tolist())
        results = self._by_agent(agent_observations(self._rows, 0)), rewards, terminated
        infos = self._infos()
        truncations = dict.fromkeys(self.agents, truncated)
        self.agents = [] if truncated else [a for a in self.agents if not terminated[a]]
        if self.render_mode is not None:
            self._record((0,))
        return *results, truncations, infos

    def _by_agent(self, values: Any) -> dict[str, Any]:
        pairs = zip(self.possible_agents, values, strict=True)
        return {agent: value for agent, value in pairs if agent in self.agents}

    def _infos(self) -> dict[str, dict[str, Any]]:
        values = self._rows.m[0].tolist()
        infos = {agent: dict(zip(self._names, values, strict=True)) for agent in self.agents}
        for name, first, stop in self.setup.info_arrays:
            for info in infos.values():
                info[name] = self._rows.x[0, first:stop].astype(np.int32)
        return infos

    def state(self) -> np.ndarray:  # type: ignore[override]
        """Return the state of the whole world, float64 (nx,), for centralised critics."""
        return self._rows.x[0].copy()

    def render(self) -> np.ndarray | str | None:
        """Return a frame, uint8 of shape (height, width, 3), a text ("ansi"), or None in the other modes."""
        if self.render_mode not in ("rgb_array", "ansi"):
            return None
        self._require_start()
        return self._picture(0)

    def close(self) -> None:
        """Free pictures and engines; may be called twice."""
        self._close_renderer()

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores this world exactly."""
        return {
            "rows": self._rows.get_state(),
            "generators": [self.np_random.bit_generator.state],
            "started": self._started,
            "agents": list(self.agents),
        }

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id and keywords.

        Raises:
            ValueError: As for one agent; the world is then as it was.
        """
        check_entries(snapshot, ("rows", "generators", "started", "agents"))
        self._rows.check_state(snapshot["rows"])
        check_keywords(snapshot["agents"], self.possible_agents, "agent of the snapshot")
        restore_generator(self.np_random, snapshot["generators"])
        self._rows.set_state(snapshot["rows"])
        self._started = snapshot["started"]
        self.agents = list(snapshot["agents"])
        if self._started:
            self._record((0,))

    def __reduce__(self) -> Any:
        return rebuilt, (type(self), self._rebuild, None, self.get_state(), self._carried())
