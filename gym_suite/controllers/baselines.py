"""The two baselines that every id has: doing nothing, and acting at random."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.controllers.protocol import Controller, columns_of


def _single_space(env: Any, kind: str) -> Any:
    """Return the space of one row ("observation" or "action"), or None for a bare nominal model."""
    space = getattr(env, f"single_{kind}_space", None)
    if space is None:
        space = getattr(env, f"{kind}_space", None)
    if not callable(space):
        return space
    # PettingZoo: a space per agent; rows are agents, so the agents must be alike.
    spaces = [space(agent) for agent in env.possible_agents]
    if any(other != spaces[0] for other in spaces):
        raise ValueError(f"the agents' {kind} spaces differ; build one baseline per agent")
    return spaces[0]


class _Baseline(Controller):
    """What the baselines share: they need the spaces of an env and nothing of its plant."""

    _low: NDArray[np.float64]
    _high: NDArray[np.float64]
    _dtype: np.dtype[Any]
    _action_shape: tuple[int, ...]
    _observation_shape: tuple[int, ...]

    def tune(self, env: Any) -> Self:
        """Read the spaces of any Gymnasium or PettingZoo env, or of a nominal model."""
        self._open_gains()
        space: Any = _single_space(env, "action")
        if space is None:  # a bare nominal model
            from gym_suite.core.env import action_space

            space = action_space(env.setup)
            self._observation_shape = (len(env.setup.observation_columns),)
        else:
            self._observation_shape = tuple(columns_of(_single_space(env, "observation")).shape)
        self._low, self._high = (np.ravel(bound).astype(np.float64) for bound in _bounds(space))
        self._dtype = np.dtype(space.dtype)
        self._action_shape = tuple(space.shape)
        self._set_up(env)
        self._seal_gains()
        return self

    def _set_up(self, env: Any) -> None:
        """Prepare what is particular to the baseline."""

    def _rows(self, observation: ArrayLike) -> tuple[NDArray[np.float64], bool]:
        array = np.asarray(observation, dtype=np.float64)
        wanted = self._observation_shape
        single = array.shape == wanted
        if not single and array.shape[1:] != wanted:
            raise ValueError(
                f"observation must have shape {wanted} or {('n', *wanted)}, got {array.shape}"
            )
        rows = array.reshape(1 if single else array.shape[0], -1)
        return np.ascontiguousarray(rows), single

    def _cast(self, action: NDArray[np.float64]) -> NDArray[Any]:
        return action.reshape(-1, *self._action_shape).astype(self._dtype)


def _bounds(space: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the lowest and the highest action of a Box or a discrete space."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        return space.low, space.high
    if isinstance(space, spaces.Discrete):
        return np.asarray(space.start), np.asarray(space.start + space.n - 1)
    if isinstance(space, spaces.MultiDiscrete):
        return space.start, space.start + space.nvec - 1
    if isinstance(space, spaces.MultiBinary):
        return np.zeros(space.shape, dtype=np.int8), np.ones(space.shape, dtype=np.int8)
    raise TypeError(f"the baselines act in Box and discrete spaces, got {space!r}")


class DoNothing(_Baseline):
    """Always the idle action: the lower anchor of every score.

    Args:
        idle: The action to take; None takes the id's own idle action (``setup.idle_action``) where
            it declares one, else zero, or the action nearest to zero where zero is not allowed.
    """

    name: ClassVar[str] = "zero"

    def __init__(self, *, idle: ArrayLike | None = None) -> None:
        self.idle = idle

    def _set_up(self, env: Any) -> None:
        idle = self.idle
        if idle is None:
            setup: Any = getattr(getattr(env, "unwrapped", env), "setup", None)
            idle = getattr(setup, "idle_action", None)
            if idle is not None and setup.agents and self._low.size > setup.action_size:
                idle = setup.idle_actions  # the joint form: each agent does nothing
        if idle is None:
            idle = np.clip(np.zeros_like(self._low), self._low, self._high)
        action = np.ravel(np.asarray(idle, dtype=np.float64))
        if (
            action.shape != self._low.shape
            or not ((action >= self._low) & (action <= self._high)).all()
        ):
            raise ValueError(f"idle={idle!r} is not in the action space of shape {self._low.shape}")
        self._idle = action

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return np.tile(self._idle, (observation.shape[0], 1))


class RandomAgent(_Baseline):
    """Uniformly random in the action space, and reproducible.

    An episode's actions come from a counter-based generator (SplitMix64: G. L. Steele, D. Lea and
    C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014) on a key made of the
    agent's seed, the number of the episode and the episode's first observation. So a row acts the
    same alone, in a batch of any size, and in a resumed run; and other episodes act otherwise.
    Rows of one call that begin with equal observations are told apart by their order.

    Args:
        seed: Seed of the agent, a whole number of at least 0.
    """

    name: ClassVar[str] = "random"
    randomized: ClassVar[bool] = True
    #: Key, number of the episode, number of the step; all whole numbers below 2**53.
    state_size = 3

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def _set_up(self, env: Any) -> None:
        if int(self.seed) != self.seed or self.seed < 0:
            raise ValueError(f"seed must be a whole number of at least 0, got {self.seed!r}")
        if not (np.isfinite(self._low) & np.isfinite(self._high)).all():
            raise ValueError("a random agent needs a bounded action space")

    def _restart(
        self,
        state: NDArray[np.float64],
        rows: NDArray[np.bool_],
        observation: NDArray[np.float64],
    ) -> None:
        # A fresh row of zeros becomes episode 1, so that no episode shares the key of its past.
        episode = state[rows, 1] + 1.0
        keys = hash_rows(observation[rows]) ^ _mix(episode.astype(np.uint64))
        keys = _mix(keys + _mix(np.full(1, self.seed % 2**64, dtype=np.uint64)))
        state[rows, 0] = (_mix(keys + _occurrence(keys)) >> np.uint64(11)).astype(np.float64)
        state[rows, 1] = episode
        state[rows, 2] = 0.0

    @staticmethod
    def uniform(state: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return numbers uniform in [0, 1), (n, count), for other controllers that draw as well.

        Args:
            state: The agent's state rows (n, 3), moved on in place; always draw the same ``count``.
            count: Numbers a row.
        """
        columns = np.arange(1, count + 1, dtype=np.uint64)
        counter = state[:, 2:3].astype(np.uint64) * np.uint64(count) + columns
        bits = _mix(_mix(state[:, 0:1].astype(np.uint64)) + counter * _GOLDEN)
        state[:, 2] += 1.0
        return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        uniform = self.uniform(state, self._low.size)
        if self._dtype.kind == "f":
            return self._low + (self._high - self._low) * uniform
        return self._low + np.floor((self._high - self._low + 1.0) * uniform)


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64's finaliser of each element (arithmetic modulo 2**64)."""
    value = value + _GOLDEN
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def hash_rows(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return one number per row from the bits of its elements and their places."""
    bits = np.ascontiguousarray(rows + 0.0).view(np.uint64)  # + 0.0: minus zero hashes as zero
    places = np.arange(rows.shape[1], dtype=np.uint64) * _GOLDEN
    return _mix(_mix(bits + places).sum(axis=1, dtype=np.uint64))


def _occurrence(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return how many equal keys precede each one."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.searchsorted(ordered, ordered, side="left")
    count = np.empty(keys.size, dtype=np.uint64)
    count[order] = np.arange(keys.size) - first
    return count
