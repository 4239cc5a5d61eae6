"""Where agents come from: controllers, policy files, files with a factory, objects.

A source is light and can be sent to another process; :meth:`load` makes the agent there, for an environment.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import pickle
import sys
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, Protocol

import numpy as np

from gym_suite.core.cards import BASELINES, load
from gym_suite.core.extras import install_line
from gym_suite.core.parameters import nearest
from gym_suite.learning.seeds import first_and_last

__all__ = [
    "ControllerSource",
    "FactorySource",
    "FileSource",
    "ObjectSource",
    "PolicySource",
    "Sb3Source",
    "Source",
    "file_digest",
    "object_digest",
]

SB3_MARKS = {
    "PPO": "clip_range",
    "SAC": "target_entropy",
    "TD3": "target_policy_noise",
    "DQN": "exploration_fraction",
    "A2C": "normalize_advantage",
}
"""Keys of the hyper-parameters in a Stable-Baselines3 file that only one algorithm has."""

RUNS_CODE = (
    "a .zip of Stable-Baselines3 holds pickled objects and can run any code when it is loaded: "
    "load only what you trust, or export it with gym_suite.learning.export_policy to an .npz, which holds numbers only"
)
"""What whoever gives a .zip should know."""


class Source(Protocol):
    """Where an agent comes from."""

    def load(self, env: Any) -> Any:
        """Return an object with `predict` for an environment."""
        ...


@dataclass(frozen=True, slots=True)
class ControllerSource:
    """A controller of the id, by name; the baselines also of an environment that is not of this package."""

    name: str

    def load(self, env: Any) -> Any:
        """Build and tune it from the nominal model."""
        import gym_suite

        if self.name in BASELINES and not hasattr(env.unwrapped, "setup"):
            return load(BASELINES[self.name]).for_env(env)
        return gym_suite.make_controller(env, self.name)


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file from which an agent is made.

    Attributes:
        path: of the file.
    """

    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read, in one folder."""
        return (self.path,)


@dataclass(frozen=True, slots=True)
class PolicySource(FileSource):
    """A policy file of ours."""

    def load(self, env: Any) -> Any:
        """Read it; refuse a damaged file or one for another id or other columns."""
        from gym_suite.learning.policies import ExportedPolicy, load_policy

        if hasattr(env.unwrapped, "setup"):
            return ExportedPolicy.for_env(env, self.path)
        return load_policy(self.path, env.spec.id)


@dataclass(frozen=True, slots=True)
class Sb3Source(FileSource):
    """A policy saved by Stable-Baselines3, with the statistics of its ``VecNormalize`` beside it where it has any."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The policy, and its statistics where there are any."""
        found = self.statistics
        return (self.path,) if found is None else (self.path, found)

    @property
    def statistics(self) -> Path | None:
        """The file of a ``VecNormalize`` that belongs to the policy: named after it, or alone in its folder."""
        names = (f"{self.path.stem}_vecnormalize.pkl", "vecnormalize.pkl")
        return next((p for name in names if (p := self.path.with_name(name)).is_file()), None)

    def digest(self) -> str:
        """Digest of the policy and of its statistics."""
        found = self.statistics
        return file_digest(self.path) + (f"+{file_digest(found)}" if found else "")

    def load(self, env: Any) -> Any:
        """Load it on the CPU; refuse a damaged file, one with other spaces, or one whose statistics are missing."""
        algorithm = self.algorithm()
        try:
            import stable_baselines3
        except ImportError as error:
            raise ImportError(
                f"{self.path} is a Stable-Baselines3 policy and needs torch and stable-baselines3: "
                f"{install_line('rl')}"
            ) from error
        model = getattr(stable_baselines3, algorithm).load(self.path, device="cpu")
        self._check_origin(model, env)
        for kind in ("observation_space", "action_space"):
            ours, theirs = _row_space(env, kind), getattr(model, kind)
            if ours.shape != theirs.shape or type(ours) is not type(theirs):
                raise ValueError(
                    f"{self.path} was trained with another {kind}: {theirs}, this id has {ours}"
                )
        if self.statistics is None:
            self._check_normalized(model, algorithm)
            return model
        return NormalizedPolicy(model, self._read_statistics(model))

    def _check_origin(self, model: Any, env: Any) -> None:
        """Refuse a policy whose space says that it is of another id or has other columns."""
        origin = getattr(model.observation_space, "origin", None)
        setup = getattr(env.unwrapped, "setup", None)
        if not origin or setup is None:
            return
        if origin["id"] != setup.id:
            raise ValueError(f"{self.path} is for {origin['id']}, not for {setup.id}")
        columns = setup.joint_names(setup.observation_columns)
        if origin["columns"] != columns:
            raise ValueError(
                f"{self.path} observes {', '.join(origin['columns'])}; "
                f"this environment gives {', '.join(columns)}"
            )

    def _check_normalized(self, model: Any, algorithm: str) -> None:
        """Refuse a policy that saw normalised observations in training.

        Stable-Baselines3 saves the last observation before normalisation: PPO and A2C only where there was one, the
        others always, equal to the last observation where there was none.
        """
        original, last = getattr(model, "_last_original_obs", None), model._last_obs
        if original is None:
            return
        if algorithm not in ("PPO", "A2C") and _same(original, last):
            return
        raise ValueError(
            f"{self.path} was trained under VecNormalize and sees observations as that showed them: put its "
            "statistics beside it as vecnormalize.pkl (VecNormalize.save), or export it with "
            "gym_suite.learning.export_policy, which takes them along"
        )

    def _read_statistics(self, model: Any) -> Any:
        """The ``VecNormalize`` beside the policy; refuse one that is damaged or of other observations."""
        path = self.statistics
        assert path is not None
        try:
            statistics = pickle.loads(path.read_bytes())
            mean, clip = statistics.obs_rms.mean, float(statistics.clip_obs)
        except Exception as error:  # a damaged pickle raises almost anything
            raise ValueError(
                f"{path} holds no usable statistics of a VecNormalize: {type(error).__name__}: {error}"
            ) from error
        if np.shape(mean) != model.observation_space.shape or not clip > 0.0:
            raise ValueError(
                f"{path} holds statistics of {np.shape(mean)} numbers, {self.path} observes "
                f"{model.observation_space.shape}"
            )
        return statistics

    def algorithm(self) -> str:
        """The algorithm's name, from the hyper-parameters in the file.

        Raises:
            ValueError: not a Stable-Baselines3 file, truncated, or of an unknown algorithm.
        """
        data = self._data()
        for algorithm, mark in SB3_MARKS.items():
            if mark in data:
                return algorithm
        raise ValueError(
            f"{self.path} holds an algorithm other than {', '.join(SB3_MARKS)}; "
            "load it yourself and pass the object"
        )

    def seeds(self) -> tuple[int, int] | None:
        """The first and the last episode seed of its training, None where the file does not tell; no code is run.

        Raises:
            ValueError: it tells them in another form, or is no Stable-Baselines3 file.
        """
        space = self._data().get("observation_space")
        origin = space.get("origin") if isinstance(space, dict) else None
        if not isinstance(origin, dict) or "seeds" not in origin:
            return None
        try:
            return first_and_last(origin["seeds"])
        except ValueError as error:
            raise ValueError(f"{self.path} is damaged: {error}") from None

    def _data(self) -> dict[str, Any]:
        """What the file says in JSON.

        Raises:
            ValueError: not a Stable-Baselines3 file, or truncated.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                broken = archive.testzip()
                data = json.loads(archive.read("data"))
        except (zipfile.BadZipFile, KeyError, json.JSONDecodeError, OSError, EOFError) as error:
            raise ValueError(
                f"{self.path} is not a usable Stable-Baselines3 file (truncated or damaged?): "
                f"{error}"
            ) from error
        if broken:
            raise ValueError(f"{self.path} is damaged: {broken} inside does not match its checksum")
        if not isinstance(data, dict):
            raise ValueError(
                f"{self.path} is not a usable Stable-Baselines3 file: its data is no object"
            )
        return data


class NormalizedPolicy:
    """A policy that sees observations as its ``VecNormalize`` showed them in training.

    Args:
        model: with ``predict``.
        statistics: with ``obs_rms.mean``, ``obs_rms.var``, ``epsilon`` and ``clip_obs``; ``norm_obs`` says whether
            observations were normalised at all.
    """

    information = "observation"

    def __init__(self, model: Any, statistics: Any) -> None:
        self.model = model
        self._clip = float(statistics.clip_obs)
        self._mean = np.asarray(statistics.obs_rms.mean)
        self._std = np.sqrt(np.asarray(statistics.obs_rms.var) + statistics.epsilon)
        self._normalized = bool(statistics.norm_obs)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Any]:
        """Choose actions, as the model does for the normalised observations."""
        if self._normalized:
            scaled = (np.asarray(observation) - self._mean) / self._std
            observation = np.clip(scaled, -self._clip, self._clip).astype(np.float32)
        return self.model.predict(observation, state, episode_start, deterministic)


@dataclass(frozen=True, slots=True)
class FactorySource(FileSource):
    """A function in a file: `factory(env)` returns an object with `predict`.

    Attributes:
        function: its name.
    """

    function: str

    def load(self, env: Any) -> Any:
        """Import the file and call the function."""
        factory = self.find()
        with _cached_apart(_module_name(self.path, file_digest(self.path))):
            agent = factory(env)
        if not callable(getattr(agent, "predict", None)):
            raise TypeError(
                f"{self.path}:{self.function} returned a {type(agent).__name__} without predict"
            )
        return agent

    def find(self) -> Any:
        """Return the function.

        The file becomes a module whose name follows from its content, and what Numba compiles of it is kept in a folder
        of that name: it remembers the module by name, which so stays the same wherever the file is moved or copied, and
        neither meets nor leaves behind what the user's own programs keep beside the file under other names.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file cannot be imported or has no such function; the nearest is told.
        """
        if not self.path.is_file():
            raise FileNotFoundError(f"no file {self.path} (expected 'file.py:factory')")
        module = _imported(self.path, file_digest(self.path))
        function = getattr(module, self.function, None)
        if not callable(function):
            options = [name for name, value in vars(module).items() if inspect.isroutine(value)]
            hint = nearest(self.function, options)
            raise ValueError(
                f"{self.path} has no function {self.function!r}"
                + (f"; did you mean {hint!r}?" if hint else f"; it has {options}")
            )
        return function


class _AsItIs(SourceFileLoader):
    """Reads the file itself, never what Python has kept of one with the same time and size."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@cache
def _imported(path: Path, content: str) -> Any:
    """The module of a file with this content (its digest), which runs once."""
    name = _module_name(path, content)
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsItIs(name, str(path)))
    assert spec is not None and spec.loader is not None  # a file that ends in .py has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with _cached_apart(spec.name):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script may end with sys.exit
        del sys.modules[spec.name]
        raise ValueError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _module_name(path: Path, content: str) -> str:
    return f"_gym_suite_{path.stem}_{content}"


@contextmanager
def _cached_apart(module: str) -> Iterator[None]:
    """Let functions that are given to Numba meanwhile keep their machine code in a folder of a module's own."""
    from numba.core import config

    from gym_suite.core.kernel import cache_root

    settings: Any = config  # its names are made at run time
    previous = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_root() / "factories" / module)
    try:
        yield
    finally:
        settings.CACHE_DIR = previous


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """An object with `predict`, or a class with `for_env`."""

    agent: Any

    def load(self, env: Any) -> Any:
        """Return the object itself; a class is built for the environment."""
        build: Any = getattr(self.agent, "for_env", None) if inspect.isclass(self.agent) else None
        return build(env) if build else self.agent


def file_digest(path: Path) -> str:
    """Digest of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def object_digest(agent: Any) -> str:
    """Digest of an object's pickle; one that cannot be pickled is never known again."""
    try:
        return hashlib.sha256(pickle.dumps(agent)).hexdigest()[:16]
    except Exception:  # objects may raise anything when pickled
        return uuid.uuid4().hex[:16]


def _same(a: Any, b: Any) -> bool:
    """Whether two observations, arrays or several by name, are equal."""
    if isinstance(a, dict):
        return isinstance(b, dict) and all(_same(a[name], b.get(name)) for name in a)
    return np.array_equal(a, b)


def _row_space(env: Any, kind: str) -> Any:
    """The space of one row of a single or a vector environment."""
    return getattr(env, f"single_{kind}", None) or getattr(env, kind)
