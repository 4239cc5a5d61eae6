"""What every method that learns needs to know: its hyper-parameters, checked when they are read."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.learning.policies import ACTIVATIONS
from gym_suite.learning.randomised import check_randomise

# Numbers that need not be positive, or that have an upper bound.
BOUNDS: dict[str, dict[str, float]] = {
    "discount": {"low": 0.0, "high": 1.0},
    "gae_lambda": {"low": 0.0, "high": 1.0},
    "polyak": {"low": 0.0, "high": 1.0},
    "learning_rate_final": {"low": 0.0},
    "entropy": {"low": 0.0},
    "noise_std": {"low": 0.0},
    "target_noise": {"low": 0.0},
    "learning_starts": {"low": 0.0},
    "log_std": {"low": -20.0, "high": 2.0},
    "log_std_final": {"low": -20.0, "high": 2.0},
    "bonus_weight": {"low": 0.0},
    "reward_weight": {"low": 0.0},
    "bonus_discount": {"low": 0.0, "high": 1.0},
    "warm_up": {"low": 0.0},
    "time_limit": {"low": 0.0},
    "noise_steps": {"low": 0.0},
    "rounds": {"low": 0.0},
    "critic_rollouts": {"low": 0.0},
    "predictor_share": {"above": 0.0, "high": 1.0},
    "cells": {"above": 0.0, "high": 4096.0},
    "novelty_cells": {"above": 0.0, "high": 4096.0},
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ABC):
    """What every algorithm needs to know.

    Attributes:
        steps: Environment steps of one training run, over all rows.
        rows: Environments stepped together.
        network: Widths of the hidden layers, of the policy and of the critic alike.
        activation: ``"tanh"`` or ``"relu"``.
        normalize: Whether observations and rewards are scaled by running statistics.
        discount: Discount per control period.
        learning_rate: Step size of Adam at the start.
        learning_rate_final: Step size at the end; it falls linearly.
        batch: Transitions per gradient step.
        evaluations: Number of evaluations spread over the run.
        visited: Observation columns that tell where the agent is; the cells that it has visited
            are then counted and go into the curves. Empty: not counted.
        cells: Cells along each of these columns.
        time_limit: Steps after which an episode of training is cut short, which is no end: the rest
            is estimated. Where most episodes bring nothing more starts are seen so. 0: the id's own.
        randomise: Plant keywords (noise, mismatch, delay, disturbance) to a value or a list of values; rows are spread
            evenly over all combinations. Empty: the plant is the nominal one.
        adam_epsilon: Of the class: what Adam adds to the root of the squared gradients' average; the library's own.
        continuous: Of the class: whether the algorithm gives numbers only, no choices.
        history: Number of the last observations that the policy decides by. Where actions arrive late by a number
            of periods that nobody tells, what was done and seen before is what tells it.
    """

    continuous: ClassVar[bool] = False
    adam_epsilon: ClassVar[float] = 1e-8

    steps: int
    rows: int
    network: tuple[int, ...]
    activation: str
    normalize: bool
    discount: float
    learning_rate: float
    learning_rate_final: float
    batch: int
    evaluations: int
    visited: tuple[str, ...] = ()
    cells: int = 32
    time_limit: int = 0
    randomise: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    history: int = 1

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise unknown_error("activation", self.activation, ACTIVATIONS)
        widths = self.network
        if not isinstance(widths, list | tuple) or not all(
            type(w) is int and w > 0 for w in widths
        ):
            raise ValueError(f"network must be a list of positive whole numbers, got {widths!r}")
        object.__setattr__(self, "network", tuple(widths))
        object.__setattr__(self, "randomise", check_randomise(self.randomise))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "bool" and not isinstance(value, bool):
                raise ValueError(f"{field.name} must be true or false, got {value!r}")
            if field.type == "str" and not isinstance(value, str):
                raise ValueError(f"{field.name} must be a name, got {value!r}")
            if field.type == "tuple[str, ...]":
                if not isinstance(value, list | tuple) or not all(
                    isinstance(v, str) for v in value
                ):
                    raise ValueError(f"{field.name} must be a list of names, got {value!r}")
                object.__setattr__(self, field.name, tuple(value))
            if field.type in ("int", "float"):
                bounds = BOUNDS.get(field.name, {"above": 0.0})
                whole = field.type == "int"
                number = check_number(
                    field.name, getattr(self, field.name), integer=whole, **bounds
                )
                object.__setattr__(self, field.name, int(number) if whole else number)
        if self.history > 1 and self.by_column:
            raise ValueError(
                f"history must be 1 where single columns of the observation are looked at ({self.by_column}), "
                f"got {self.history}"
            )

    @property
    def by_column(self) -> str:
        """The setting that looks at single columns of an observation or at all of a single one; empty: none."""
        return "visited" if self.visited else ""

    def learning_rate_at(self) -> Callable[[float], float]:
        """The learning rate by the remaining progress (1 at the start, 0 at the end)."""
        first, last = self.learning_rate, self.learning_rate_final
        return lambda remaining: last + (first - last) * remaining

    def network_keywords(self) -> dict[str, Any]:
        """The network as Stable-Baselines3's ``policy_kwargs``."""
        import torch

        from gym_suite.learning.updates import tanh_layer

        activation = tanh_layer() if self.activation == "tanh" else torch.nn.ReLU
        return {
            "net_arch": list(self.network),
            "activation_fn": activation,
            "optimizer_kwargs": {"eps": self.adam_epsilon, "fused": True},
        }

    @abstractmethod
    def build(self, env: Any, seed: int) -> Any:
        """The untrained Stable-Baselines3 model."""
