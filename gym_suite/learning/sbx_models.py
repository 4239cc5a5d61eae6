"""Models of Stable-Baselines Jax, with the hyper-parameters of those of Stable-Baselines3.

The library (https://github.com/araffin/sbx, package ``sbx-rl``) compiles a whole gradient step by JAX. What it does
otherwise than Stable-Baselines3 with the same numbers: PPO bounds the gradients of policy and critic each by itself
where Stable-Baselines3 bounds them together, and layers start from LeCun's normal distribution where PPO's there start
from orthogonal matrices. Policies are therefore others, of the same kind.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.extras import install_line
from gym_suite.learning.hyperparameters import Settings
from gym_suite.learning.methods import PPOSettings
from gym_suite.learning.policies import ACTIVATIONS
from gym_suite.learning.replay import SACSettings

METHODS = ("ppo", "ppo-nominal", "sac")
#: A dense layer: weights (inputs, outputs) and biases (outputs,).
Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


def require_sbx() -> Any:
    """Import Stable-Baselines Jax.

    Raises:
        ModuleNotFoundError: It is not installed; the message names the extra.
    """
    try:
        import sbx  # type: ignore[import-not-found]
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError(
            f"learner 'sbx' needs Stable-Baselines Jax: {install_line('jax')}", name=e.name
        ) from e
    return sbx


def is_sbx(model: Any) -> bool:
    """Whether a model is one of Stable-Baselines Jax, or of a class derived from one."""
    return any(base.__module__.partition(".")[0] == "sbx" for base in type(model).__mro__)


def check_method(algo: str, settings: Settings) -> None:
    """Refuse what Stable-Baselines Jax does not have.

    Raises:
        ValueError: It lacks the algorithm, or exploration noise that depends on the state.
    """
    if algo not in METHODS:
        raise ValueError(
            f"learner 'sbx' has {', '.join(METHODS)}, not {algo}: train it with learner 'sb3'"
        )
    if isinstance(settings, PPOSettings) and settings.noise_steps > 0:
        raise ValueError(
            "learner 'sbx' has no exploration noise that depends on the state: noise_steps must be 0, got "
            f"{settings.noise_steps}; set it to 0 or train with learner 'sb3'"
        )


def build(settings: Settings, env: Any, seed: int) -> Any:
    """Return the untrained model.

    Args:
        settings: Hyper-parameters that :func:`check_method` has let pass.
        env: A Stable-Baselines3 ``VecEnv``.
        seed: Of the training.

    Raises:
        TypeError: Settings of another method.
    """
    if isinstance(settings, PPOSettings):
        return _ppo(settings, env, seed)
    if isinstance(settings, SACSettings):
        return _sac(settings, env, seed)
    raise TypeError(f"no model of Stable-Baselines Jax for {type(settings).__name__}")


def _ppo(settings: PPOSettings, env: Any, seed: int) -> Any:
    return require_sbx().PPO(
        "MlpPolicy",
        env,
        n_steps=settings.rollout,
        batch_size=settings.batch,
        n_epochs=settings.epochs,
        gamma=settings.discount,
        gae_lambda=settings.gae_lambda,
        learning_rate=settings.learning_rate_at(),
        clip_range=settings.clip_range,
        ent_coef=settings.entropy,
        vf_coef=settings.value_weight,
        max_grad_norm=settings.max_gradient,
        policy_kwargs={
            **_network(settings),
            "log_std_init": settings.log_std,
            "ortho_init": True,  # of the last layer: actions start small, as in Stable-Baselines3
            "actor_class": _actor_of_given_spread(),
        },
        seed=seed,
        device="cpu",
    )


def _sac(settings: SACSettings, env: Any, seed: int) -> Any:
    return require_sbx().SAC(
        "MlpPolicy",
        env,
        buffer_size=settings.buffer,
        learning_starts=settings.learning_starts,
        batch_size=settings.batch,
        tau=settings.polyak,
        gamma=settings.discount,
        gradient_steps=settings.gradient_steps,
        learning_rate=settings.learning_rate_at(),
        policy_kwargs=_network(settings),
        seed=seed,
        device="cpu",
    )


def _network(settings: Settings) -> dict[str, Any]:
    """Return the network as the library's ``policy_kwargs``."""
    import flax.linen  # type: ignore[import-not-found]

    function = getattr(flax.linen, settings.activation)
    return {"net_arch": list(settings.network), "activation_fn": function}


@cache
def _actor_of_given_spread() -> type:
    """Return PPO's actor with a spread that follows the schedule of the settings and is not learned."""
    import jax  # type: ignore[import-not-found]
    from sbx.ppo.policies import Actor  # type: ignore[import-not-found]

    class GivenSpread(Actor):
        def param(self, name: str, *args: Any, **keywords: Any) -> Any:
            value = super().param(name, *args, **keywords)
            # Without a gradient Adam leaves it alone, and it takes no part in the bound of the norm.
            return jax.lax.stop_gradient(value) if name == "log_std" else value

    return GivenSpread


def on_processor() -> AbstractContextManager[Any]:
    """Return a context in which JAX computes on the processor, also where it finds an accelerator."""
    import jax  # type: ignore[import-not-found]

    return jax.default_device(jax.devices("cpu")[0])


def set_log_std(model: Any, value: float) -> None:
    """Set the log standard deviation of PPO's exploration; choices have none.

    Args:
        model: PPO of this library.
        value: The same for all actions.
    """
    state = model.policy.actor_state
    inner = state.params["params"]
    if "log_std" not in inner:
        return
    spread = np.full(inner["log_std"].shape, value, np.float32)
    params = {**state.params, "params": {**inner, "log_std": spread}}
    model.policy.actor_state = state.replace(params=params)


def actor_layers(model: Any, algo: str) -> tuple[str, list[Layer], dict[str, NDArray[np.float32]]]:
    """Return the activation, the layers and the spread of a model's actor, for a policy file.

    Args:
        model: PPO or SAC of this library.
        algo: Which of them, "ppo" or "sac".

    Raises:
        ValueError: Another algorithm, other layers, or another activation than policy files know.
    """
    if algo not in ("ppo", "sac"):
        raise ValueError(
            f"of Stable-Baselines Jax policies of PPO and SAC are exported, not of {type(model).__name__}"
        )
    activation = getattr(model.policy.activation_fn, "__name__", "")
    if activation not in ACTIVATIONS:
        raise ValueError(f"expected one activation of {sorted(ACTIVATIONS)}, got {activation!r}")
    params = dict(model.policy.actor_state.params["params"])
    spread = {}
    if "log_std" in params:
        spread["log_std"] = np.array(params.pop("log_std"), np.float32)
    names = [f"Dense_{k}" for k in range(len(params))]
    if params.keys() != set(names):
        raise ValueError(f"expected dense layers only, got {sorted(params)}")
    layers = [
        (np.array(params[name]["kernel"], np.float32), np.array(params[name]["bias"], np.float32))
        for name in names
    ]
    if algo == "sac":  # the last two are mean and log standard deviation, side by side
        spread["w_std"], spread["b_std"] = layers.pop()
    return activation, layers, spread
