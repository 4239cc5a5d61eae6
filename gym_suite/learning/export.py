"""From a trained model of Stable-Baselines3, or of Stable-Baselines Jax, to a policy file that NumPy can run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.learning import sbx_models
from gym_suite.learning.policies import ACTIVATIONS, FORMAT, ExportedPolicy
from gym_suite.learning.sbx_models import Layer


def export_policy(
    model: Any,
    path: str | os.PathLike[str],
    *,
    id: str,
    training_seed: int | None,
    observation_columns: Sequence[str],
    action_columns: Sequence[str],
    provenance: Mapping[str, Any] | None = None,
) -> ExportedPolicy:
    """Write a Stable-Baselines3 model as a policy file: PPO, A2C, SAC, TD3, DDPG or DQN, or a class derived from one.

    PPO and SAC of Stable-Baselines Jax are written too.

    What the model was trained under goes along: the observation statistics of ``VecNormalize`` and the stack of
    ``VecFrameStack``, in either order. Other wrappers that change what is observed or done are refused by name.

    Args:
        model: With an ``MlpPolicy``. A model that was loaded from a file has lost its wrappers: give them back by
            ``model.set_env(...)`` first.
        path: File to write, ``.npz``.
        id: Environment id that it was trained on.
        training_seed: Seed of the training run.
        observation_columns: Names of the observation columns, in order.
        action_columns: Names of the action columns, in order.
        provenance: JSON data about the training, kept in the file. "behaviour" says on which behaviour of the id it
            was trained (:func:`gym_suite.behaviour.behaviour_of`) and "keywords" with which keywords, "seeds" with the
            first and the last of the "episodes", "tuning_trials" how many trainings were tried. Seeds that the rows of
            :func:`gym_suite.learning.make_sb3_vec` were given are added.

    Returns:
        The policy as :func:`gym_suite.learning.load_policy` would return it.

    Raises:
        ValueError: The model is of another kind (another algorithm, images, other layers, SAC with gSDE, lists of
            choices), or a wrapper cannot be taken along.
    """
    policy = as_numpy(
        model,
        id=id,
        training_seed=training_seed,
        observation_columns=observation_columns,
        action_columns=action_columns,
        provenance=_seeds_told(model) | dict(provenance or {}),
    )
    policy.path = policy.save(path)
    return policy


def _seeds_told(model: Any) -> dict[str, Any]:
    """The episode seeds that a model's environment has kept, as a policy file tells them."""
    seeds = getattr(model.observation_space, "origin", {}).get("seeds")
    return {} if seeds is None else {"seeds": {"episodes": list(seeds)}}


def as_numpy(
    model: Any,
    *,
    id: str,
    training_seed: int | None,
    observation_columns: Sequence[str],
    action_columns: Sequence[str],
    provenance: Mapping[str, Any] | None = None,
) -> ExportedPolicy:
    """The policy of a model in NumPy, without a file; arguments as :func:`export_policy`."""
    bases = (base.__name__.lower() for base in type(model).__mro__)
    algo = next((name for name in bases if name in _LAYERS), None)
    if algo is None:
        raise ValueError(
            f"policies of {', '.join(sorted(name.upper() for name in _LAYERS))} are exported, "
            f"not of {type(model).__name__}"
        )
    space = model.action_space
    kind, observed = type(space).__name__, model.observation_space
    flat = kind == "Discrete" or (kind == "Box" and len(space.shape) == 1)
    if not flat or observed.shape is None or len(observed.shape) != 1:
        raise ValueError(f"expected flat Box spaces or choices, got {observed} and {space}")
    wrapped = _wrappers(model.get_env())
    activation, layers, spread = _actor(model, algo)
    arrays: dict[str, NDArray[Any]] = dict(spread)
    for k, (weights, biases) in enumerate(layers):
        arrays[f"w{k}"], arrays[f"b{k}"] = weights, biases
    if kind == "Box":
        arrays["low"], arrays["high"] = space.low.astype(np.float32), space.high.astype(np.float32)
    normalize = wrapped.normalize
    clip = None
    if normalize is not None and normalize.norm_obs:
        clip = float(normalize.clip_obs)
        arrays["mean"] = np.asarray(normalize.obs_rms.mean, np.float64)
        arrays["std"] = np.sqrt(np.asarray(normalize.obs_rms.var, np.float64) + normalize.epsilon)
    meta = {
        "format": FORMAT,
        "id": id,
        "algo": algo,
        "training_seed": training_seed,
        "observation_columns": list(observation_columns),
        "action_columns": list(action_columns),
        "layers": len(layers),
        "activation": activation,
        "squash": algo in ("sac", "td3", "ddpg"),
        "choices": int(space.n) if kind == "Discrete" else None,
        "exploration": float(model.exploration_rate) if algo == "dqn" else 0.0,
        "clip_observation": clip,
        "history": wrapped.history,
        "frames_scaled": wrapped.frames_scaled and clip is not None,
        "provenance": dict(provenance or {}),
    }
    return ExportedPolicy(meta, arrays)


@dataclasses.dataclass(frozen=True, slots=True)
class _Wrapped:
    """What stands between the environment and the model: statistics, a stack, and which of them comes first."""

    normalize: Any = None
    history: int = 1
    frames_scaled: bool = False


def _wrappers(env: Any) -> _Wrapped:
    """Read the wrappers of a model's environment, from the outermost in; None: there are none.

    Raises:
        ValueError: One of them changes what is observed or done and cannot be taken along.
    """
    found = _Wrapped()
    while hasattr(env, "venv"):
        name = type(env).__name__
        if name == "VecNormalize" and found.normalize is None:
            found = dataclasses.replace(found, normalize=env, frames_scaled=found.history > 1)
        elif name == "VecFrameStack" and found.history == 1:
            found = dataclasses.replace(found, history=env.stacked_obs.n_stack)
        elif name not in ("VecMonitor", "VecCheckNan", "VecVideoRecorder"):
            raise ValueError(
                f"the model was trained under {name}, which cannot be exported with it; VecNormalize and "
                "VecFrameStack can, once each"
            )
        env = env.venv
    singles = getattr(env, "envs", None)
    for single in singles if isinstance(singles, list) else ():
        _check_single(single)
    return found


def _check_single(env: Any) -> None:
    """Refuse Gymnasium wrappers of one environment that change what is observed or done."""
    import gymnasium

    changing = (
        gymnasium.ObservationWrapper,
        gymnasium.ActionWrapper,
        gymnasium.wrappers.FrameStackObservation,
        gymnasium.wrappers.DelayObservation,
        gymnasium.wrappers.StickyAction,
    )
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, changing):
            raise ValueError(
                f"the model was trained under Gymnasium's {type(env).__name__}, which cannot be exported with it; "
                "use VecNormalize or VecFrameStack, or no wrapper"
            )
        env = env.env


def _actor(model: Any, algo: str) -> tuple[str, list[Layer], dict[str, NDArray[np.float32]]]:
    """Return the activation, the layers and the spread of a model's actor."""
    if sbx_models.is_sbx(model):
        return sbx_models.actor_layers(model, algo)
    activation, layers, spread = _LAYERS[algo](model)
    pairs = [(np.ascontiguousarray(_array(one.weight).T), _array(one.bias)) for one in layers]
    return activation, pairs, spread


def _ppo_layers(model: Any) -> tuple[str, list[Any], dict[str, NDArray[np.float32]]]:
    policy = model.policy
    if policy.squash_output:
        raise ValueError(f"{type(model).__name__} with squash_output=True cannot be exported")
    activation, layers = _linear_layers(policy.features_extractor, policy.mlp_extractor.policy_net)
    spread = {}
    if model.use_sde:
        spread["noise_std"] = _array(policy.action_dist.get_std(policy.log_std))
    elif hasattr(policy, "log_std"):
        spread["log_std"] = _array(policy.log_std)
    return activation, [*layers, policy.action_net], spread


def _sac_layers(model: Any) -> tuple[str, list[Any], dict[str, NDArray[np.float32]]]:
    actor = model.policy.actor
    if model.use_sde:
        raise ValueError("SAC with state-dependent exploration (use_sde=True) cannot be exported")
    activation, layers = _linear_layers(actor.features_extractor, actor.latent_pi)
    spread = {
        "w_std": np.ascontiguousarray(_array(actor.log_std.weight).T),
        "b_std": _array(actor.log_std.bias),
    }
    return activation, [*layers, actor.mu], spread


def _td3_layers(model: Any) -> tuple[str, list[Any], dict[str, NDArray[np.float32]]]:
    actor = model.policy.actor
    *network, squash = actor.mu
    if type(squash).__name__ != "Tanh":
        raise ValueError(f"expected an actor that ends in Tanh, got {type(squash).__name__}")
    *hidden, last = network
    activation, layers = _linear_layers(actor.features_extractor, hidden)
    return activation, [*layers, last], {}


def _dqn_layers(model: Any) -> tuple[str, list[Any], dict[str, NDArray[np.float32]]]:
    *hidden, last = model.policy.q_net.q_net
    activation, layers = _linear_layers(model.policy.q_net.features_extractor, hidden)
    return activation, [*layers, last], {}


_LAYERS = {
    "ppo": _ppo_layers,
    "a2c": _ppo_layers,
    "sac": _sac_layers,
    "td3": _td3_layers,
    "ddpg": _td3_layers,
    "dqn": _dqn_layers,
}


def _linear_layers(extractor: Any, network: Any) -> tuple[str, list[Any]]:
    """The layers of a ``Sequential(Linear, activation, ...)`` and the name of the activation."""
    if type(extractor).__name__ != "FlattenExtractor":
        raise ValueError(
            f"expected an MlpPolicy, got the features extractor {type(extractor).__name__}"
        )
    modules = list(network)
    layers, activations = modules[0::2], {type(m).__name__.lower() for m in modules[1::2]}
    if any(type(layer).__name__ != "Linear" for layer in layers) or len(modules) % 2:
        raise ValueError(f"expected alternating linear layers and activations, got {network}")
    if len(activations) > 1 or not activations <= set(ACTIVATIONS):
        raise ValueError(
            f"expected one activation of {sorted(ACTIVATIONS)}, got {sorted(activations)}"
        )
    return (activations.pop() if activations else "tanh"), layers


def _array(tensor: Any) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().astype(np.float32)
