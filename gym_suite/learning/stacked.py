"""Several learned policies of one shape, evaluated by one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.learning.policies import ExportedPolicy

#: Rows of the observations on which policies are tried together and alone.
_TRIED = 20
#: What must be the same of policies that are evaluated together.
_SAME = (
    "observation_columns",
    "action_columns",
    "history",
    "_activation_name",
    "_squash",
    "_choices",
    "_frames_scaled",
    "_clip_observation",
)


class PolicyStack(ExportedPolicy):
    """Policies whose networks have the same sizes, each with rows of its own; it only acts deterministically.

    Args:
        policies: At least one.

    Raises:
        ValueError: The policies differ in more than their numbers.
    """

    def __init__(self, policies: Sequence[ExportedPolicy]) -> None:
        first = policies[0]
        if any(shape_of(policy) != shape_of(first) for policy in policies[1:]):
            raise ValueError("policies that are evaluated together have networks of one shape")
        self.__dict__.update(first.__dict__)
        self.policies = tuple(policies)
        self._weights = [
            (np.stack([w for w, _ in layer]), np.stack([b for _, b in layer])[:, None])
            for layer in zip(*(policy._weights for policy in policies), strict=True)
        ]
        self._arrays = {
            name: np.stack([policy._arrays[name] for policy in policies])[:, None]
            for name in ("mean", "std")
            if name in first._arrays
        }
        self._low = np.stack([policy._low for policy in policies])[:, None]
        self._high = np.stack([policy._high for policy in policies])[:, None]
        self._scratch_shape = None

    def predict(
        self,
        observation: ArrayLike,
        state: Any = None,
        episode_start: ArrayLike | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Choose actions.

        Args:
            observation: (policies, rows, columns).
            state: What the previous call returned, or None for a fresh start; not changed.
            episode_start: (policies, rows) bool; rows that begin a new episode forget their state.
            deterministic: True.

        Returns:
            Actions (policies, rows, actions), or of choices (policies, rows), and the state.

        Raises:
            ValueError: Not deterministic, or another number of policies or columns.
        """
        observation = np.asarray(observation)
        wanted = len(self._weights[0][0]), len(self.observation_columns)
        if observation.ndim != 3 or (observation.shape[0], observation.shape[2]) != wanted:
            raise ValueError(
                f"expected observations of shape ({wanted[0]}, rows, {wanted[1]}), got {observation.shape}"
            )
        if not deterministic:
            raise ValueError("policies that are evaluated together do not draw")
        return self._act(observation, state, episode_start, True)


def stacked(policies: Sequence[Any]) -> PolicyStack | None:
    """Return policies as one, or None where a row would not be what it is alone, bit for bit.

    Args:
        policies: Agents.
    """
    if len(policies) < 2 or any(type(policy) is not ExportedPolicy for policy in policies):
        return None
    try:
        stack = PolicyStack(policies)
    except ValueError:
        return None
    columns = len(stack.observation_columns)
    rows = np.random.default_rng(0).uniform(-1.0, 1.0, (len(policies), _TRIED, columns))
    rows = rows.astype(np.float32)
    together = stack.predict(rows)[0]
    alone = [policy.predict(own)[0] for policy, own in zip(policies, rows, strict=True)]
    return stack if np.array_equal(together, np.array(alone)) else None


def shape_of(policy: Any) -> tuple[Any, ...] | None:
    """Return what is the same of policies that can be evaluated together; None for other agents.

    Args:
        policy: An agent.
    """
    if type(policy) is not ExportedPolicy:
        return None
    shapes = tuple((w.shape, b.shape, w.dtype) for w, b in policy._weights)
    return shapes, "mean" in policy._arrays, *(getattr(policy, name) for name in _SAME)
