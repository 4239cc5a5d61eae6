"""The libraries that learn: Stable-Baselines3 on PyTorch, "sb3", and Stable-Baselines Jax, "sbx"."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from gym_suite.core.parameters import check_option
from gym_suite.learning import sbx_models
from gym_suite.learning.hyperparameters import Settings
from gym_suite.learning.vec_env import require_sb3

LEARNERS = ("sb3", "sbx")
#: Whose versions decide what a training comes to. Rollouts of Stable-Baselines Jax lie in PyTorch's tensors.
_DECIDE = {
    "sb3": ("stable-baselines3", "torch"),
    "sbx": ("stable-baselines3", "torch", "sbx-rl", "jax", "jaxlib", "flax", "optax"),
}


def check_learner(learner: str, algo: str, settings: Settings) -> None:
    """Refuse, before anything runs, a library that is not there or has no such method.

    Args:
        learner: One of :data:`LEARNERS`.
        algo: Algorithm, a key of :data:`gym_suite.learning.methods.ALGORITHMS`.
        settings: Its hyper-parameters.

    Raises:
        ValueError: Unknown learner (the nearest one is named), or the library lacks the algorithm or a
            hyper-parameter's value.
        ModuleNotFoundError: The library is not installed; the message names the extra.
    """
    check_option("learner", learner, LEARNERS)
    if learner == "sbx":
        sbx_models.check_method(algo, settings)
        sbx_models.require_sbx()
    else:
        require_sb3()


def build(learner: str, settings: Settings, env: Any, seed: int) -> Any:
    """Return the untrained model.

    Args:
        learner: One of :data:`LEARNERS`.
        settings: Hyper-parameters, checked by :func:`check_learner`.
        env: A Stable-Baselines3 ``VecEnv``.
        seed: Of the training.
    """
    return sbx_models.build(settings, env, seed) if learner == "sbx" else settings.build(env, seed)


def place(learner: str) -> AbstractContextManager[Any]:
    """Return a context in which a library computes on the processor, as the records of a training say."""
    return sbx_models.on_processor() if learner == "sbx" else nullcontext()


def set_log_std(model: Any, value: float) -> None:
    """Set the log standard deviation of PPO's exploration; choices have none.

    Args:
        model: Of either library.
        value: The same for all actions.
    """
    if sbx_models.is_sbx(model):
        sbx_models.set_log_std(model, value)
        return
    spread: Any = getattr(model.policy, "log_std", None)
    if spread is not None:
        spread.data.fill_(value)


def packages(learner: str) -> tuple[str, ...]:
    """Return the names of the distributions that decide how a library learns.

    Args:
        learner: One of :data:`LEARNERS`.
    """
    return _DECIDE[learner]
