"""A world of several agents as one environment, for whoever runs one agent at a time: compare, run, render, train.

Ids that exist for several agents only are PettingZoo environments. Here such a world has the face of a Gymnasium
environment whose action is that of all agents side by side, and an agent made for one of them acts for all, each on
what it observes itself. Where sides oppose each other it plays one side, and the id's reference controller the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from gym_suite.controllers.protocol import Controller
from gym_suite.core.env import KernelEnv, action_space, joint_action_space, read_action
from gym_suite.core.observations import observation_space
from gym_suite.core.snapshots import as_kept, check_entries
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.registration import card, catalogue, id_class_of, make_controller

__all__ = [
    "Seat",
    "Team",
    "TeamEnv",
    "TeamVectorEnv",
    "as_team",
    "least_success",
    "seat_of",
    "show_world",
    "takes_rows",
    "team_id",
]


def team_id(id: Any) -> Any:
    """Return what ``gymnasium.make`` and ``make_vec`` take for an id: the id, or a team's specification.

    Args:
        id: Of any Gymnasium environment; one of ours for several agents only gives the specification of its team.
    """
    entry = catalogue().get(id.removeprefix("gym_suite:")) if isinstance(id, str) else None
    if entry is None or entry.agents != "several":
        return id
    return EnvSpec(
        entry.id,
        entry_point="gym_suite.teams:TeamEnv",
        vector_entry_point="gym_suite.teams:TeamVectorEnv",
        max_episode_steps=entry.max_episode_steps,
        kwargs={"of": entry.id},
    )


class _Team:
    """What one world and many have in common: who is still there, and whose reward counts."""

    setup: Any
    _rows: Any

    def _gather(self) -> None:
        setup = self.setup
        if setup.images or not setup.agents:
            raise ValueError(f"{setup.id} has no agents that observe numbers")
        side = card(setup.id).side
        self._side = setup.agents.index(side) if side else None
        # The terms of all sides are shares of the agents' mean; here the one of the side that is played is its reward.
        self._terms = len(setup.reward_terms) - len(setup.own_terms)
        self._term = setup.metric_columns.index(f"reward_{side}") if side else None
        self._gone = np.zeros((self._rows.n, setup.agent_count), dtype=np.bool_)

    @property
    def gone(self) -> NDArray[np.bool_]:
        """Who has left, (n, agents)."""
        return self._gone & (self._rows.step > 0)[:, None]

    def _without_the_gone(self, actions: Any, shape: Any) -> NDArray[Any]:
        """Return the actions with the idle one for agents that have left."""
        given = np.array(read_action(actions, shape, self.setup.actions, "actions"))
        self._gone = self.gone
        given.reshape(*self._gone.shape, -1)[self._gone] = self.setup.idle_action
        return given

    def _of_side(self, gone: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the rewards of the side that is played, (n,), and make its terms alone the metrics: they are its sum.

        Args:
            gone: In which worlds it had left before the step, (n,).
        """
        m, setup = self._rows.m, self.setup
        given = m[
            :, m.shape[1] - len(setup.own_terms) :
        ]  # a user's own terms, which every agent earns
        given[gone] = 0.0
        m[:, : self._terms] = 0.0
        earned = np.where(gone, 0.0, self._rows.reward[:, self._side])
        m[:, self._term] = earned - given.sum(axis=1)
        return setup.joint_reward(m)

    def _outcome(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the rewards and the ends of all worlds after a step, (n,) each."""
        rows = self._rows
        if self._side is None:
            reward = self.setup.joint_reward(rows.m)
        else:
            reward = self._of_side(self._gone[:, self._side])
        self._gone |= rows.terminated
        self._gone = self.gone
        everybody: NDArray[np.bool_] = np.logical_and.reduce(self._gone, axis=1)
        return reward, everybody


class TeamEnv(_Team, KernelEnv):
    """One world of several agents as a :class:`gymnasium.Env`.

    Actions and observations are those of all agents side by side. The reward is the mean of the agents', or that of
    the side that the id's card names, whose term alone is then among the reward terms. The episode ends when no agent
    is left.

    Args:
        of: An id for several agents.
        render_mode: None, "rgb_array", "ansi" or "human".
        **keywords: The id's keyword arguments.

    Raises:
        ValueError: For an unknown keyword or value, or agents that observe pictures.
    """

    _kept = (*KernelEnv._kept, "gone")

    def __init__(self, *, of: str, render_mode: str | None = None, **keywords: Any) -> None:
        setup = id_class_of(of).configure(**keywords)
        super().__init__(setup, render_mode=render_mode, rebuild={"of": of, **keywords})
        self._gather()
        self._finish()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move by one control period; as for one agent, but the world goes on until no agent is left."""
        if not self._started:
            self._require_start()
        given = self._without_the_gone(action, self._shape)
        observation, _, _, truncated, info = super().step(given)
        (reward,), (terminated,) = self._outcome()
        if self._side is not None:
            info = self._info()
        return observation, float(reward), bool(terminated), truncated, info

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores the world exactly."""
        return super().get_state() | {"gone": self._gone.copy()}

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id and keywords."""
        check_entries(snapshot, self._kept)
        gone = as_kept("gone", snapshot["gone"], self._gone)
        super().set_state(snapshot)
        self._gone[:] = gone


class TeamVectorEnv(_Team, KernelVectorEnv):
    """Many worlds of several agents; as many :class:`TeamEnv` give the same numbers.

    Args:
        of: An id for several agents.
        num_envs: Number of worlds, >= 1.
        **keywords: Those of :class:`gym_suite.core.vector_env.KernelVectorEnv` and the id's.

    Raises:
        ValueError: As for one world.
    """

    _kept = (*KernelVectorEnv._kept, "gone")

    def __init__(self, *, of: str, num_envs: int = 1, **keywords: Any) -> None:
        names = ("max_episode_steps", "autoreset_mode", "render_mode", "threads")
        faces = {name: keywords[name] for name in names if name in keywords}
        own = {name: value for name, value in keywords.items() if name not in names}
        setup = id_class_of(of).configure(**own)
        rebuild = {"of": of, "num_envs": num_envs, **keywords}
        super().__init__(setup, num_envs=num_envs, rebuild=rebuild, **faces)
        self._gather()
        self._finish()

    def step(
        self, actions: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Move all worlds by one control period."""
        if not self._started:
            self._require_start()
        return super().step(self._without_the_gone(actions, self._shape))

    def _judge(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        reward, terminated = self._outcome()
        return reward, terminated, self._rows.step >= self._limit

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores all worlds exactly."""
        return super().get_state() | {"gone": self._gone.copy()}

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id, keywords and number of worlds."""
        check_entries(snapshot, self._kept)
        gone = as_kept("gone", snapshot["gone"], self._gone)
        super().set_state(snapshot)
        self._gone[:] = gone


class Seat:
    """One agent's place in a team's world, as those see it who build an agent: its spaces, setup and nominal model.

    Attributes:
        setup: Of the world, with the columns of one agent alone.
        nominal: What controllers may know, of the world with all its agents.
        spec: Of the team's environment.
        observation_space: Of one agent.
        action_space: Of one agent.
    """

    def __init__(self, env: Any) -> None:
        world = env.unwrapped
        self.setup = replace(world.setup, agents=())
        self.nominal, self.spec = world.nominal, env.spec
        self.observation_space = observation_space(self.setup)
        self.action_space = action_space(self.setup)

    @property
    def unwrapped(self) -> Seat:
        """The seat itself."""
        return self

    @property
    def dt(self) -> float:
        """Control period, s."""
        return self.setup.dt


def least_success(env: Any) -> float:
    """Return the number above which the column of success says that an episode ended at its goal.

    Args:
        env: In a team's world, where the column counts, all have to arrive.
    """
    world = env.unwrapped
    return world.setup.agent_count - 1.0 if isinstance(world, _Team) else 0.0


def seat_of(env: Any) -> Any:
    """Return what an agent is built for: a seat in a team's world, any other environment as it is."""
    return Seat(env) if isinstance(env.unwrapped, _Team) else env


def as_team(agent: Any, env: Any) -> Any:
    """Return an agent that was built for :func:`seat_of` an environment such that it can act there.

    Args:
        agent: With ``predict``.
        env: The environment; in one that is no team's world, or for a team, the agent is returned as it is.
    """
    if isinstance(agent, Team):
        return agent
    return Team(agent, env) if isinstance(env.unwrapped, _Team) else agent


class Team:
    """One agent acting for all of a world, each on its own observation.

    Where sides oppose each other it plays the side that the id's card names; the others are played by the reference
    controller. An agent that takes one observation only is copied for each. One that declares ``couples_rows``, for its
    rows are the agents of one world who act together, is given only those that are still there, world by world.

    Args:
        agent: With ``predict``, for one agent's observations.
        env: A team's environment, single or vector.
    """

    def __init__(self, agent: Any, env: Any) -> None:
        seat, setup = Seat(env), env.unwrapped.setup
        self.agent = agent
        self._agents = setup.agent_count
        self._size = len(setup.observation_columns)
        self._idle = np.broadcast_to(setup.idle_action, setup.action_size)
        self._dtype = joint_action_space(setup).dtype
        side = card(setup.id).side
        played = [setup.agents.index(side)] if side else range(self._agents)
        self._played = np.array(played)
        self._others = np.setdiff1d(np.arange(self._agents), self._played)
        self._opponent = make_controller(seat) if self._others.size else None
        #: Whether it takes the observations of several worlds in one call.
        self.takes_rows = takes_rows(agent, seat)
        self._copies = [] if self.takes_rows else [deepcopy(agent) for _ in played]
        self._coupled = bool(getattr(agent, "couples_rows", False))
        self._world: Any = env.unwrapped

    def __getattr__(self, name: str) -> Any:
        # What it is called, what it looks at, how it describes itself. Not while a copy is being made.
        if name.startswith("__") or name == "agent":
            raise AttributeError(name)
        return getattr(self.agent, name)

    def watch(self, env: Any) -> None:
        """Show it the worlds that it is to act in, and who has left them."""
        self._world = env.unwrapped
        show_world(self.agent, env)

    def first_state(self, seeds: Sequence[int], start: Any) -> Any:
        """Return the memory with which episodes begin, or None.

        Args:
            seeds: Of the episodes.
            start: ``start(agent, seeds)`` returns the memory of an agent whose rows have these seeds, or None.
        """
        own = start(self.agent, np.repeat(seeds, self._played.size).tolist())
        theirs = None
        if self._opponent is not None:
            theirs = start(self._opponent, np.repeat(seeds, self._others.size).tolist())
        return None if own is None and theirs is None else (own, theirs)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Choose the actions of all agents.

        Args:
            observation: Those of all agents side by side, (agents * columns,) or (n, agents * columns).
            state: What the previous call returned, or None for a fresh start.
            episode_start: bool or (n,) bool.
            deterministic: For the agent.

        Returns:
            Actions side by side, (agents * numbers,) or (n, agents * numbers), and the memory.
        """
        given = np.asarray(observation)
        seen = given.reshape(-1, self._agents, self._size)
        n = len(seen)
        start = np.broadcast_to(True if episode_start is None else episode_start, n)
        own, theirs = (None, None) if state is None else state
        gone = self._world.gone if self._coupled else None
        if gone is not None and gone.shape[0] == n and gone.any():
            action, own = self._together(seen, own, start, ~gone, deterministic)
        elif self._copies:
            action, own = self._one_by_one(seen, own, start, deterministic)
        else:
            action, own = _act(self.agent, seen[:, self._played], own, start, deterministic)
        joint = np.zeros((n, self._agents, action.shape[-1]), self._dtype)
        joint[:, self._played] = action
        if self._opponent is not None:
            action, theirs = _act(self._opponent, seen[:, self._others], theirs, start, True)
            joint[:, self._others] = action
        return joint.reshape(*given.shape[:-1], -1), (own, theirs)

    def _together(
        self,
        seen: NDArray[Any],
        state: Any,
        start: NDArray[np.bool_],
        there: NDArray[np.bool_],
        deterministic: bool,
    ) -> tuple[NDArray[Any], Any]:
        """Let those that are still there act together, world by world."""
        n, size = len(seen), self.agent.state_size
        before = np.zeros((n, self._agents, size)) if state is None else state
        before, after = before.reshape(n, self._agents, size), np.zeros((n, self._agents, size))
        action = np.zeros((n, self._agents, self._idle.size), self._dtype)
        action[:] = self._idle
        for world, live in enumerate(there):
            if not live.any():
                continue
            begins = np.full(int(live.sum()), start[world] or state is None)
            action[world, live], after[world, live] = self.agent.predict(
                seen[world, live], before[world, live], begins, deterministic
            )
        return action, after.reshape(n * self._agents, size)

    def _one_by_one(
        self, seen: NDArray[Any], states: Any, start: NDArray[np.bool_], deterministic: bool
    ) -> tuple[NDArray[Any], Any]:
        if len(seen) != 1:
            raise ValueError(f"{type(self.agent).__name__} acts on one observation at a time")
        if states is None:
            states = [None] * len(self._copies)
        told = [
            copy.predict(seen[0, place], state, bool(start[0]), deterministic)
            for copy, place, state in zip(self._copies, self._played, states, strict=True)
        ]
        actions = np.array([np.ravel(action) for action, _ in told])
        return actions[None], [state for _, state in told]


def _act(
    agent: Any, seen: NDArray[Any], state: Any, start: NDArray[np.bool_], deterministic: bool
) -> tuple[NDArray[Any], Any]:
    """Let an agent act on (n, agents, columns); its rows are the agents, world after world."""
    n, agents, size = seen.shape
    rows = np.ascontiguousarray(seen).reshape(n * agents, size)
    action, state = agent.predict(rows, state, np.repeat(start, agents), deterministic)
    return np.asarray(action).reshape(n, agents, -1), state


def show_world(agent: Any, env: Any) -> None:
    """Let an agent that may look at the state, or has to know who is there, see the worlds that it acts in.

    Args:
        agent: With ``predict``; whoever runs it calls this before its first action.
        env: Single or vector environment.
    """
    watch = getattr(agent, "watch", None)
    if callable(watch):
        watch(env)


def takes_rows(agent: Any, env: Any) -> bool:
    """Whether an unknown object acts on three rows as it does on each alone.

    A user's object may be written for one observation only, or keep its state inside. It is tried
    on copies; where rows and single calls disagree, its episodes are run one after the other.

    Args:
        agent: With ``predict``.
        env: Single environment, or anything with its observation space.
    """
    if isinstance(agent, Controller):
        return True
    if isinstance(agent, Team):
        return agent.takes_rows
    rng = np.random.default_rng(0)
    space = env.observation_space
    if not isinstance(space, spaces.Box):
        return False
    rows = rng.uniform(-1.0, 1.0, (3, *space.shape)).clip(space.low, space.high)
    rows = rows.astype(space.dtype)
    try:
        together, _ = deepcopy(agent).predict(rows, None, np.ones(3, dtype=bool), True)
        alone = [deepcopy(agent).predict(row, None, True, True)[0] for row in rows]
        return np.shape(together) == np.shape(alone) and np.allclose(together, alone, atol=1e-4)
    except Exception:  # it does not take rows, whatever it raises
        return False
