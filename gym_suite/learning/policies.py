"""Learned policies as small files that NumPy can run: no torch, no Stable-Baselines3.

A policy file is an ``.npz`` archive. ``meta`` holds a JSON text (format, id, algorithm, training
seed, column names, network description, provenance, checksum); the arrays are

- ``w0, b0, w1, b1, ...``: weights (inputs, outputs) and biases of the network, float32;
- ``low, high``: the bounds of the action space, float32; none where actions are choices;
- ``log_std`` (PPO, A2C), ``noise_std`` (the same with noise that lasts) or ``w_std, b_std`` (SAC): the spread of the
  stochastic policy, float32; TD3, DDPG and DQN have none;
- ``mean, std``: the running observation statistics of ``VecNormalize``, float64, where it was used.

A policy that was trained on a stack of observations (``history`` above 1 in ``meta``) keeps the last ones in the state
that ``predict`` takes and returns, oldest first, and zeros for those before an episode's start.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.learning.shelf import shipped
from gym_suite.learning.told import check_told

#: The format that is written, and those that are read: the first has no histories.
FORMAT, READABLE = 2, (1, 2)
#: Bytes to which a policy file may unpack; those that ship have some hundred thousand.
LARGEST = 1 << 28

# Stable-Baselines3 keeps SAC's log standard deviation in here (its sac/policies.py).
NOISE_FLOOR = np.float32(1e-6)  # added to the variance by Stable-Baselines3
SAC_LOG_STD_RANGE = (np.float32(-20.0), np.float32(2.0))


def _relu(x: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    np.maximum(x, np.float32(0.0), out=out)


_NOTHING = np.empty(0, np.float32)

ACTIVATIONS: dict[str, Callable[..., Any]] = {"tanh": np.tanh, "relu": _relu}


class ExportedPolicy:
    """A learned policy that runs in NumPy; obtained by :func:`load_policy`.

    It has the signature of a Stable-Baselines3 policy and returns the same deterministic actions
    to 1e-5. Rows are evaluated together; BLAS may round a row differently (some 1e-7) in batches
    of another size. An instance reuses its scratch memory: do not share it between threads.

    Attributes:
        id: Environment id it was trained on.
        algo: Training algorithm, such as ``"ppo"``.
        history: Number of the last observations that it decides by.
        training_seed: Seed of the training run.
        information: ``"observation"``; a learned policy sees nothing else.
        observation_columns: Names of the observation columns, in order.
        action_columns: Names of the action columns, in order.
        provenance: How it was trained: steps, command, versions, keywords of the environment, behaviour of the id,
            tuning trials, seeds.
        path: The file it came from, or None.
    """

    information = "observation"

    def __init__(
        self,
        meta: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        path: Path | None = None,
        seed: int = 0,
    ):
        self.id: str = meta["id"]
        self.algo: str = meta["algo"]
        self.training_seed: int | None = meta["training_seed"]
        self.observation_columns = tuple(meta["observation_columns"])
        self.action_columns = tuple(meta["action_columns"])
        self.provenance: dict[str, Any] = dict(meta["provenance"])
        self.path = path
        self._meta, self._arrays = dict(meta), dict(arrays)
        layers = meta["layers"]
        self._weights = [(arrays[f"w{k}"], arrays[f"b{k}"]) for k in range(layers)]
        self._activation_name: str = meta["activation"]
        self._squash: bool = meta["squash"]
        self._choices: int | None = meta.get("choices")
        self._exploration: float = meta.get("exploration", 0.0)
        self.history: int = meta.get("history", 1)
        self._frames_scaled: bool = meta.get("frames_scaled", False)
        self._low, self._high = arrays.get("low", _NOTHING), arrays.get("high", _NOTHING)
        self._clip_observation: float | None = meta["clip_observation"]
        self._scratch_shape: tuple[int, ...] | None = None
        self.seed(seed)
        self._check_shapes()

    @classmethod
    def for_env(cls, env: Any, path: str | os.PathLike[str] | None = None) -> ExportedPolicy:
        """Load a policy for an environment and check that it belongs there.

        Args:
            env: Environment, single or vector, of the id that the policy was trained on.
            path: Policy file; by default the first policy shipped for the id.

        Raises:
            ValueError: No policy is shipped for the id, or the file is damaged, for another id or
                for other columns.
        """
        setup = env.unwrapped.setup
        if path is None:
            files = shipped(setup.id)
            if not files:
                raise ValueError(
                    f"no learned policy is shipped for {setup.id!r}; train one and give its path"
                )
            path = files[0]
        return load_policy(
            path,
            setup.id,
            observation_columns=setup.joint_names(setup.observation_columns),
            action_columns=setup.joint_names(setup.action_columns),
        )

    def seed(self, seed: int) -> None:
        """Restart the generator of the stochastic policy (``deterministic=False``)."""
        self._generator = np.random.default_rng(seed)

    def predict(
        self,
        observation: ArrayLike,
        state: Any = None,
        episode_start: ArrayLike | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Choose actions.

        Args:
            observation: Observations (columns,) or (rows, columns).
            state: What the previous call returned, or None for a fresh start; not changed. Only a policy with a
                history has one.
            episode_start: bool or (rows,) bool; rows that begin a new episode forget their state.
            deterministic: False draws from the policy's distribution, by its own generator.

        Returns:
            Actions (actions,) or (rows, actions), float32 inside the action space, or for choices a
            whole number or (rows,) of them, and the state.

        Raises:
            ValueError: The observation has another number of columns.
        """
        observation = np.asarray(observation)
        if observation.ndim not in (1, 2) or observation.shape[-1] != len(self.observation_columns):
            raise ValueError(
                f"expected observations of shape {(len(self.observation_columns),)} or "
                f"(rows, {len(self.observation_columns)}), got {observation.shape}"
            )
        return self._act(observation, state, episode_start, deterministic)

    def _act(
        self,
        observation: NDArray[Any],
        state: Any,
        episode_start: ArrayLike | None,
        deterministic: bool,
    ) -> tuple[NDArray[np.float32], Any]:
        if self.history > 1:
            observation = state = self._remember(observation, state, episode_start)
        if observation.shape != self._scratch_shape:
            self._allocate(observation.shape)
        features = self._hidden(observation)
        weight, bias = self._weights[-1]
        action = np.matmul(features, weight)
        action += bias
        if self._choices is not None:
            return self._choose(action, deterministic), state
        if not deterministic and self._spreads:
            action += self._spread(features) * self._generator.standard_normal(
                action.shape, np.float32
            )
        if self._squash:
            np.tanh(action, out=action)
            return self._low + np.float32(0.5) * (action + np.float32(1.0)) * (
                self._high - self._low
            ), state
        np.maximum(action, self._low, out=action)
        np.minimum(action, self._high, out=action)
        return action, state

    def _remember(
        self, observation: NDArray[Any], state: ArrayLike | None, episode_start: ArrayLike | None
    ) -> NDArray[np.float32]:
        """Return the last observations of every row with this one behind them, (..., history * columns)."""
        width = len(self.observation_columns)
        shape = (*observation.shape[:-1], self.history * width)
        newest = observation.astype(np.float32)
        if self._frames_scaled:
            newest = self._scaled(observation, np.empty(observation.shape)).astype(np.float32)
        stack = np.empty(shape, np.float32)
        if state is None:
            stack[...] = 0.0
        else:
            before = np.asarray(state, np.float32)
            if before.shape != shape:
                raise ValueError(
                    f"state must have shape {shape} for these observations, got {before.shape}; pass what the "
                    "previous predict returned, or None for a fresh start"
                )
            stack[..., :-width] = before[..., width:]
            begins = np.asarray(False if episode_start is None else episode_start, np.bool_)
            if begins.shape not in ((), shape[:-1]) or begins.any():
                stack[np.broadcast_to(begins, shape[:-1])] = 0.0
        stack[..., -width:] = newest
        return stack

    def _choose(self, logits: NDArray[np.float32], deterministic: bool) -> Any:
        """The best choice, or one drawn: by its probability (the Gumbel-max trick), or now and then any (DQN)."""
        if not deterministic and self.algo == "dqn":
            best = logits.argmax(axis=-1)
            any_one = self._generator.integers(0, self._choices, np.shape(best))
            draw = self._generator.random(np.shape(best))
            return np.where(draw < self._exploration, any_one, best)[()]
        if not deterministic:
            return (logits + self._generator.gumbel(size=logits.shape)).argmax(axis=-1)
        return logits.argmax(axis=-1)

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the file's ``meta`` says, read-only."""
        return MappingProxyType(self._meta)

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """The file's arrays by name, read-only; the module's docstring says what each is."""
        return MappingProxyType(self._arrays)

    def describe(self) -> dict[str, Any]:
        """What the policy is and where it comes from, as plain data."""
        return {
            "kind": "learned policy",
            "id": self.id,
            "algo": self.algo,
            "training_seed": self.training_seed,
            "information": self.information,
            "network": [self._weights[0][0].shape[0], *(len(bias) for _, bias in self._weights)],
            "activation": self._activation_name,
            "parameters": int(sum(w.size + b.size for w, b in self._weights)),
            "observation_normalised": "mean" in self._arrays,
            "history": self.history,
            "observation_columns": list(self.observation_columns),
            "action_columns": list(self.action_columns),
            "provenance": dict(self.provenance),
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the policy file; an existing one is replaced at once, never half written."""
        return _write(Path(path), self._meta, self._arrays)

    def __repr__(self) -> str:
        seed = self.training_seed
        return f"ExportedPolicy(id={self.id!r}, algo={self.algo!r}, training_seed={seed!r})"

    def _check_shapes(self) -> None:
        """Refuse arrays that do not fit together or hold non-finite numbers."""
        sizes = [len(self.observation_columns) * self.history]
        for weight, bias in self._weights:
            if weight.ndim != 2 or weight.shape[0] != sizes[-1] or bias.shape != weight.shape[1:]:
                raise ValueError(
                    f"layer {len(sizes) - 1} of the network has the wrong shape: {weight.shape}"
                )
            sizes.append(weight.shape[1])
        actions = (len(self.action_columns),)
        outputs, bounds = (actions, actions) if self._choices is None else ((self._choices,), (0,))
        if (sizes[-1],) != outputs or self._low.shape != bounds or self._high.shape != bounds:
            raise ValueError(f"expected {outputs[0]} actions, the network gives {sizes[-1]}")
        if self._activation_name not in ACTIVATIONS:
            raise ValueError(
                f"unknown activation {self._activation_name!r}, known: {sorted(ACTIVATIONS)}"
            )
        for name, array in self._arrays.items():
            if name not in ("low", "high") and not np.isfinite(array).all():
                raise ValueError(f"array {name!r} holds NaN or infinity")

    def _allocate(self, shape: tuple[int, ...]) -> None:
        rows = shape[:-1]
        self._scratch_shape = shape
        self._wide = np.empty(shape, np.float64)
        self._input = np.empty(shape, np.float32)
        sizes = [bias.shape[-1] for _, bias in self._weights[:-1]]
        self._layers = [np.empty((*rows, size), np.float32) for size in sizes]

    def _hidden(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """The network up to its last hidden layer, in the scratch memory."""
        features = self._input
        if self._clip_observation is not None and not self._frames_scaled:
            features[...] = self._scaled(observation, self._wide)
        else:
            features[...] = observation
        activation = ACTIVATIONS[self._activation_name]
        for (weight, bias), out in zip(self._weights, self._layers, strict=False):
            np.matmul(features, weight, out=out)
            np.add(out, bias, out=out)
            activation(out, out)
            features = out
        return features

    def _scaled(self, observation: NDArray[Any], out: NDArray[np.float64]) -> NDArray[np.float64]:
        """Observations by their running statistics, in ``out``.

        In float64, as ``VecNormalize`` does: float32 loses digits in columns that hardly vary.
        """
        clip = self._clip_observation
        assert clip is not None
        np.subtract(observation, self._arrays["mean"], out=out)
        np.divide(out, self._arrays["std"], out=out)
        np.maximum(out, -clip, out=out)
        np.minimum(out, clip, out=out)
        return out

    @property
    def _spreads(self) -> bool:
        """Whether the stochastic policy differs from the deterministic one."""
        return not {"noise_std", "log_std", "w_std"}.isdisjoint(self._arrays)

    def _spread(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standard deviation of the action distribution."""
        if "noise_std" in self._arrays:  # noise as a function of the features, arXiv:2005.05719
            variance = features**2 @ self._arrays["noise_std"] ** 2
            return np.sqrt(variance + NOISE_FLOOR)
        if "log_std" in self._arrays:
            return np.exp(self._arrays["log_std"])
        log_std = features @ self._arrays["w_std"] + self._arrays["b_std"]
        return np.exp(np.clip(log_std, *SAC_LOG_STD_RANGE))


def load_policy(
    path: str | os.PathLike[str],
    id: str | None = None,
    *,
    observation_columns: Sequence[str] | None = None,
    action_columns: Sequence[str] | None = None,
    seed: int = 0,
) -> ExportedPolicy:
    """Read a policy file.

    Args:
        path: File written by :func:`gym_suite.learning.export_policy`.
        id: Environment id it must be for.
        observation_columns: Names of the observation columns that it must expect.
        action_columns: Names of the action columns that it must give.
        seed: Seed of the generator for ``deterministic=False``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated, damaged or not a policy, tells of its making in another form than pages
            take it, or is for another id or for other columns.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no policy file {path}")
    if zipfile.is_zipfile(path):
        _check_size(path)
    else:
        raise ValueError(
            f"{path} is not a usable policy file (truncated or damaged, or something else); "
            "policies are written by gym-suite train and export_policy"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta = json.loads(str(arrays.pop("meta")))
        if meta.pop("checksum") != _checksum(meta, arrays):
            raise ValueError("its checksum does not match its content")
        if meta["format"] not in READABLE:
            raise ValueError(f"it has format {meta['format']}, this version reads {READABLE}")
        policy = ExportedPolicy(meta, arrays, path=path, seed=seed)
        check_told(policy.provenance, ("steps", "tuning_trials"))
        if type(policy.training_seed) not in (int, type(None)):
            raise ValueError(f"training_seed must be a whole number, got {policy.training_seed!r}")
    except (
        Exception
    ) as e:  # a damaged archive makes zipfile, zlib, json and NumPy raise almost anything
        raise ValueError(
            f"{path} is not a usable policy file (truncated or damaged?): {type(e).__name__}: {e}"
        ) from e
    _check_belongs(policy, path, id, observation_columns, action_columns)
    return policy


def _check_belongs(
    policy: ExportedPolicy,
    path: Path,
    id: str | None,
    observation_columns: Sequence[str] | None,
    action_columns: Sequence[str] | None,
) -> None:
    if id is not None and policy.id != id:
        raise ValueError(f"{path} was trained on {policy.id!r}, not on {id!r}")
    for kind, has, wanted in (
        ("observation", policy.observation_columns, observation_columns),
        ("action", policy.action_columns, action_columns),
    ):
        if wanted is not None and tuple(wanted) != has:
            missing, extra = (
                [c for c in wanted if c not in has],
                [c for c in has if c not in wanted],
            )
            differs = [f"lacks {', '.join(missing)}"] if missing else []
            differs += [f"expects {', '.join(extra)} besides"] if extra else []
            if not differs:
                place = next(k for k, (a, b) in enumerate(zip(has, wanted, strict=True)) if a != b)
                differs = [f"has {has[place]} in the place of {wanted[place]}"]
            raise ValueError(
                f"{path} was trained with other {kind} columns, {len(has)} of them where there are "
                f"{len(wanted)} here: it {' and '.join(differs)}"
            )


def _checksum(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _check_size(path: Path) -> None:
    """Refuse an archive that unpacks to more than any policy of ours holds, before it is unpacked.

    Raises:
        ValueError: It does, or its table of contents is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{path} is not a usable policy file (truncated or damaged?): {error}"
        ) from None
    if size > LARGEST:
        raise ValueError(
            f"{path} is not a usable policy file: it unpacks to {size / 2**20:,.0f} MiB, "
            f"a policy to at most {LARGEST / 2**20:,.0f} MiB"
        )


def _write(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Path:
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
    text = json.dumps({**meta, "checksum": _checksum(meta, arrays)})
    # Beside the target, so that the final rename cannot cross file systems.
    handle, temporary = tempfile.mkstemp(suffix=".npz", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **{"meta": np.array(text), **arrays})  # pyright: ignore[reportArgumentType]
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
