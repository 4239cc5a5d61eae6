"""What is new: visits counted, running scales, and advantages that run on past the ends of episodes. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.parameters import unknown_error

Array = NDArray[np.float64]


class RunningMoments:
    """Mean and variance over all samples seen so far, per column.

    Batches are merged by Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", STAN-CS-79-773, 1979.

    Attributes:
        count: Samples so far.
        mean: Their mean, (k,).
        variance: Their variance, (k,); 1 before there are any.
    """

    def __init__(self, size: int):
        self.count = 0
        self.mean: Array = np.zeros(size)
        self.variance: Array = np.ones(size)

    def update(self, samples: ArrayLike) -> None:
        """Take in samples, (n, k)."""
        new = np.asarray(samples, np.float64)
        if not len(new):
            return
        mean, variance = new.mean(axis=0), new.var(axis=0)
        total = self.count + len(new)
        gap = mean - self.mean
        spread = variance * len(new) + gap**2 * self.count * len(new) / total
        self.variance = (self.variance * self.count + spread) / total
        self.mean = self.mean + gap * len(new) / total
        self.count = total


class DiscountedScale:
    """The scale of a reward stream: the standard deviation of its discounted sums through time.

    Each row keeps the sum R <- discount R + r, which runs on through time and past the ends of episodes; rewards are
    divided by the standard deviation of all sums so far, without a shift (Burda et al. 2018, arXiv:1810.12894, 2.4).

    Args:
        rows: Rows stepped together.
        discount: Discount per step.
    """

    def __init__(self, rows: int, discount: float):
        self.discount = discount
        self._sums: Array = np.zeros(rows)
        self._moments = RunningMoments(1)

    def update(self, rewards: Array) -> None:
        """Take in the rewards of one rollout, (steps, rows), in the order of time."""
        sums = np.empty_like(rewards)
        for t, reward in enumerate(rewards):
            self._sums = self.discount * self._sums + reward
            sums[t] = self._sums
        self._moments.update(sums.reshape(-1, 1))

    @property
    def value(self) -> float:
        """The scale; 1 while all sums are alike."""
        deviation = float(np.sqrt(self._moments.variance[0]))
        return deviation if self._moments.count and deviation > 1e-8 else 1.0


def advantages(
    rewards: Array,
    values: Array,
    last_values: Array,
    *,
    discount: float,
    gae_lambda: float,
    ends: NDArray[np.bool_] | None = None,
) -> Array:
    """Return generalised advantage estimates (Schulman et al. 2015, arXiv:1506.02438).

    Args:
        rewards: (steps, rows).
        values: Values of the states in which the steps were taken, (steps, rows).
        last_values: Values of the states after the last step, (rows,).
        discount: Discount per step.
        gae_lambda: Decay of the estimates.
        ends: Whether an episode ended with a step, (steps, rows); None lets the stream run on past all ends.
    """
    result = np.zeros_like(rewards)
    follow, tail = last_values, np.zeros_like(last_values)
    for t in range(len(rewards) - 1, -1, -1):
        on = 1.0 if ends is None else 1.0 - ends[t]
        delta = rewards[t] + discount * on * follow - values[t]
        tail = delta + discount * gae_lambda * on * tail
        result[t], follow = tail, values[t]
    return result


class Visits:
    """Counts visits of the cells into which bounded numbers are divided.

    Args:
        low: Lower bounds, (k,), finite.
        high: Upper bounds, (k,).
        cells: Cells along each number.

    Attributes:
        counts: Visits of each cell, int64 (cells,) * k.

    Raises:
        ValueError: A bound is not finite, or the cells are more than ten millions.
    """

    def __init__(self, low: ArrayLike, high: ArrayLike, cells: int):
        self.low, self.high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        if not (np.isfinite(self.low) & np.isfinite(self.high) & (self.low < self.high)).all():
            raise ValueError(f"visits are counted between finite bounds, got {low} and {high}")
        if cells ** len(self.low) > 10_000_000:
            raise ValueError(f"{cells} cells along each of {len(self.low)} numbers are too many")
        self.cells = cells
        self.counts: NDArray[np.int64] = np.zeros((cells,) * len(self.low), np.int64)

    def cells_of(self, states: ArrayLike) -> NDArray[np.intp]:
        """Return the cells of states, (n, k), as flat numbers, (n,)."""
        part = (np.asarray(states, np.float64) - self.low) / (self.high - self.low)
        place = np.clip((part * self.cells).astype(np.intp), 0, self.cells - 1)
        return np.asarray(np.ravel_multi_index(tuple(place.T), self.counts.shape))

    def add(self, states: ArrayLike) -> NDArray[np.int64]:
        """Count states, (n, k), one after the other; return how often each one's cell has been visited by then."""
        cells = self.cells_of(states)
        flat = self.counts.reshape(-1)
        order = np.argsort(cells, kind="stable")
        _, first, many = np.unique(cells[order], return_index=True, return_counts=True)
        before = np.empty(len(cells), np.int64)
        before[order] = np.arange(len(cells)) - np.repeat(first, many)  # alike ones before it
        result = flat[cells] + before + 1
        np.add.at(flat, cells, 1)
        return result

    @property
    def coverage(self) -> int:
        """Number of cells visited."""
        return int(np.count_nonzero(self.counts))


class CountBonus:
    """The bonus 1 / sqrt(N) for the N-th visit of a cell, counted exactly.

    Strehl, Littman, "An analysis of model-based interval estimation for Markov decision processes", J. Comput. Syst.
    Sci. 74(8), 2008. Where the state is small enough to count this is what other novelty bonuses approximate.

    Args:
        visits: Where visits are counted.
    """

    def __init__(self, visits: Visits):
        self.visits = visits

    def rewards(self, states: Array) -> Array:
        """Return the bonuses of states, (steps, rows, k), counting them in the order of time."""
        return np.array([1.0 / np.sqrt(self.visits.add(state)) for state in states])

    def novelty(self, states: Array) -> Array:
        """Return the bonuses that states, (n, k), would get now, without counting them."""
        counts = self.visits.counts.reshape(-1)[self.visits.cells_of(states)]
        return 1.0 / np.sqrt(counts + 1.0)

    def update(self, states: Array) -> None:
        """Learn from the states of a rollout: counting has done so."""

    def warm_up(self, states: Array) -> None:
        """Count the states of a rollout, (steps, rows, k), that gets no bonus."""
        self.rewards(states)


class Exploration:
    """What a training has come to so far: goals, and cells if they are counted.

    Args:
        env: A Stable-Baselines3 ``VecEnv``.
        visited: Observation columns that tell where the agent is; empty: cells are not counted.
        cells: Cells along each of them.
        success: Metric that is above 0 where an episode ends at its goal; empty: there is none.

    Attributes:
        visits: The visits, or None.
        successes: Episodes that ended at the goal.
        first_success: Step at which the first one did, or None.

    Raises:
        ValueError: For an unknown column.
    """

    def __init__(
        self, env: Any, *, visited: Sequence[str] = (), cells: int = 32, success: str = ""
    ):
        self._env, self._success = env, success
        self.successes, self.first_success = 0, None
        self.visits: Visits | None = None
        if visited:
            space = env.observation_space
            self._columns = columns_of(space, visited)
            self.visits = Visits(space.low[self._columns], space.high[self._columns], cells)

    @classmethod
    def of(cls, env: Any, settings: Any) -> Exploration:
        """The record that a training's settings ask for."""
        success = env.get_attr("setup", [0])[0].success
        return cls(env, visited=settings.visited, cells=settings.cells, success=success)

    def note(self, names: Mapping[str, Any], step: int) -> None:
        """Take in a step of a Stable-Baselines3 rollout from its local variables."""
        if self.visits is not None:
            self.visits.add(states_reached(self._env, names, self._columns))
        for row in np.flatnonzero(names["dones"]) if self._success else ():
            if names["infos"][row].get(self._success, 0.0) > 0.0:
                self.successes += 1
                self.first_success = self.first_success or step

    def row(self) -> dict[str, Any]:
        """The columns of a learning curve."""
        return {
            "successes": self.successes if self._success else None,
            "first_success": self.first_success,
            "coverage": None if self.visits is None else self.visits.coverage,
        }


def columns_of(space: Any, names: Sequence[str]) -> list[int]:
    """Return where columns stand in the observations of a ``VecEnv`` of ours; all without names.

    Raises:
        ValueError: For an unknown column, naming the nearest.
    """
    known = list(getattr(space, "origin", {}).get("columns", ()))
    for name in names:
        if name not in known:
            raise unknown_error("observation column", name, known)
    return [known.index(name) for name in names] or list(range(int(np.prod(space.shape))))


def states_reached(env: Any, names: Mapping[str, Any], columns: Sequence[int]) -> Array:
    """Return columns of the unscaled observations that a step led to, (rows, k).

    Args:
        env: The ``VecEnv`` that was stepped, with or without ``VecNormalize``.
        names: Local variables of the rollout: ``new_obs``, ``dones`` and ``infos``.
        columns: The columns.
    """
    scaled = hasattr(env, "get_original_obs")
    states = np.array((env.get_original_obs() if scaled else names["new_obs"])[:, columns])
    for row in np.flatnonzero(names["dones"]):
        # Here the observation is already that of the next episode.
        last = names["infos"][row]["terminal_observation"]
        states[row] = (env.unnormalize_obs(last) if scaled else last)[columns]
    return states.astype(np.float64)
