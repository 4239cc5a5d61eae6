"""Constraints that are functions of the user's: what no limit and no sum of squares says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

import gymnasium

from gym_suite.core.parameters import check_number

#: The reward term of what a constraint costs, beside those of the environment in ``info``.
TERM = "reward_constraint"


class CustomConstraint(gymnasium.Wrapper):
    """A drive with one more constraint, which is a function of ``info``.

    The function says to which degree the constraint is violated: 0 not at all, 1 so much that the episode ends. What is
    between costs its part of the penalty in every step, so a lasting part costs more than an end does: let the penalty
    be as large as what is lost by an early end. The cost is a reward term of its own, ``info["reward_constraint"]``, so
    that the reward stays the sum of its terms.

    The function runs in Python after each step, outside the compiled kernels. A step of one world took 5.6 microseconds
    instead of 4.5 with a short function; worlds of ``make_vec`` have to be copies of a wrapped one
    (``vectorization_mode="sync", wrappers=[...]``), each of which took 22 microseconds where the native batch takes
    0.1. Limits and sums of squares are for the keyword argument ``constraints``, of which three quantities cost a step
    6 nanoseconds::

        env = CustomConstraint(env, lambda info: max(0.0, abs(info["torque"]) - 50.0) / 10.0)

    Args:
        env: The environment.
        degree: Function of ``info`` that returns a number from 0, or a truth value; from 1 on the episode ends.
        penalty: What a full violation costs.

    Raises:
        TypeError: If the degree is no function.
        ValueError: If the penalty is negative; in a step, if the degree is below 0 or no number.
    """

    def __init__(
        self,
        env: gymnasium.Env,
        degree: Callable[[Mapping[str, Any]], SupportsFloat],
        *,
        penalty: float = 1.0,
    ) -> None:
        super().__init__(env)
        if not callable(degree):
            raise TypeError(f"degree must be a function of info, got {degree!r}")
        self._degree = degree
        self._penalty = check_number("penalty", penalty, low=0.0)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step, and end the episode where the constraint is fully violated.

        Args:
            action: The action.
        """
        observation, reward, terminated, truncated, info = self.env.step(action)
        degree = check_number("degree of a constraint", float(self._degree(info)), low=0.0)
        cost = -self._penalty * min(degree, 1.0)
        violated = degree >= 1.0
        info = {**info, TERM: info.get(TERM, 0.0) + cost}
        if violated:
            info["violation"] = 1.0
        return observation, float(reward) + cost, terminated or violated, truncated, info

    def reset(self, **keywords: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode, in which nothing has cost anything yet.

        Args:
            **keywords: What the environment's ``reset`` takes.
        """
        observation, info = self.env.reset(**keywords)
        return observation, {**info, TERM: 0.0}
