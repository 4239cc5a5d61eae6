"""From what a user names to something that acts.

An agent may be given as the name of a controller of the id ("pi", "zero", "random"), the name of
its shipped policies ("ppo": all training seeds, each a policy of its own), a policy file (.npz of
ours, .zip of Stable-Baselines3), a file of tuned gains (.json), "file.py:factory", any object with
`predict`, or a class with `for_env`.

A specification is light, can be sent to another process, and has an identity: a digest of what
decides its behaviour (the content of its file, the pickle of the object), by which a resumed
comparison knows it again.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import pickle
import uuid
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from gym_suite.core.parameters import nearest

__all__ = ["BASELINES", "AgentSpec", "default_agents", "resolve"]

Kind = Literal["controller", "learned", "baseline", "custom"]

BASELINES = ("zero", "random")

# Keys of the hyper-parameters in a Stable-Baselines3 file that only one algorithm has.
SB3_MARKS = {
    "PPO": "clip_range",
    "SAC": "target_entropy",
    "TD3": "target_policy_noise",
    "DQN": "exploration_fraction",
    "A2C": "normalize_advantage",
}


class Source(Protocol):
    """Where an agent comes from."""

    def load(self, env: Any) -> Any:
        """Return an object with `predict` for an environment."""
        ...


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent of a comparison; one specification per training seed.

    Attributes:
        name: for tables; trainings of one method share it.
        kind: "controller", "learned", "baseline" or "custom".
        source: how to get it.
        training_seed: of a learned policy, else None.
        identity: digest of what decides its behaviour.
        batched: whether `predict` is known to take many rows at once; None means that it is tried.
    """

    name: str
    kind: Kind
    source: Source
    training_seed: int | None = None
    identity: str = ""
    batched: bool | None = None

    @property
    def from_file(self) -> bool:
        """Whether it is a learned policy read from a file."""
        return isinstance(self.source, PolicySource | Sb3Source)

    def load(self, env: Any) -> Any:
        """Return the agent for an environment.

        Raises:
            TypeError: what the source gave has no `predict`.
        """
        agent = self.source.load(env)
        if not callable(getattr(agent, "predict", None)):
            raise TypeError(
                f"agent {self.name!r} is a {type(agent).__name__} without predict(observation, "
                "state=None, episode_start=None, deterministic=True) -> (action, state)"
            )
        return agent


# ------------------------------------------------------------------------------------------ sources


@dataclass(frozen=True, slots=True)
class ControllerSource:
    """A controller of the id, by name."""

    name: str

    def load(self, env: Any) -> Any:
        """Build and tune it from the nominal model."""
        import gym_suite

        return gym_suite.make_controller(env, self.name)


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy file of ours."""

    path: Path

    def load(self, env: Any) -> Any:
        """Read it; refuse a damaged file or one for another id or other columns."""
        from gym_suite.learning.policies import ExportedPolicy

        return ExportedPolicy.for_env(env, self.path)


@dataclass(frozen=True, slots=True)
class Sb3Source:
    """A policy saved by Stable-Baselines3."""

    path: Path

    def load(self, env: Any) -> Any:
        """Load it on the CPU; refuse a damaged file or one with other spaces."""
        algorithm = self.algorithm()
        try:
            import stable_baselines3
        except ImportError as error:
            raise ImportError(
                f"{self.path} is a Stable-Baselines3 policy and needs torch and stable-baselines3: "
                "pip install 'gym-suite[rl]'"
            ) from error
        model = getattr(stable_baselines3, algorithm).load(self.path, device="cpu")
        origin, setup = getattr(model.observation_space, "origin", None), env.unwrapped.setup
        if origin and origin["id"] != setup.id:
            raise ValueError(f"{self.path} is for {origin['id']}, not for {setup.id}")
        if origin and origin["columns"] != setup.joint_names(setup.observation_columns):
            raise ValueError(
                f"{self.path} observes {', '.join(origin['columns'])}; "
                f"this environment gives {', '.join(setup.joint_names(setup.observation_columns))}"
            )
        for kind in ("observation_space", "action_space"):
            ours, theirs = _row_space(env, kind), getattr(model, kind)
            if ours.shape != theirs.shape or type(ours) is not type(theirs):
                raise ValueError(
                    f"{self.path} was trained with another {kind}: {theirs}, this id has {ours}"
                )
        return model

    def algorithm(self) -> str:
        """The algorithm's name, from the hyper-parameters in the file.

        Raises:
            ValueError: not a Stable-Baselines3 file, truncated, or of an unknown algorithm.
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
        for algorithm, mark in SB3_MARKS.items():
            if mark in data:
                return algorithm
        raise ValueError(
            f"{self.path} holds an algorithm other than {', '.join(SB3_MARKS)}; "
            "load it yourself and pass the object"
        )


@dataclass(frozen=True, slots=True)
class FactorySource:
    """A function in a file: `factory(env)` returns an object with `predict`."""

    path: Path
    function: str

    def load(self, env: Any) -> Any:
        """Import the file and call the function."""
        agent = self.find()(env)
        if not callable(getattr(agent, "predict", None)):
            raise TypeError(
                f"{self.path}:{self.function} returned a {type(agent).__name__} without predict"
            )
        return agent

    def find(self) -> Any:
        """Return the function.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file cannot be imported or has no such function; the nearest is told.
        """
        if not self.path.is_file():
            raise FileNotFoundError(f"no file {self.path} (expected 'file.py:factory')")
        spec = importlib.util.spec_from_file_location(f"_gym_suite_{self.path.stem}", self.path)
        assert spec is not None and spec.loader is not None  # a file that ends in .py has both
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise ValueError(
                f"{self.path} cannot be imported: {type(error).__name__}: {error}"
            ) from error
        function = getattr(module, self.function, None)
        if not callable(function):
            options = [name for name, value in vars(module).items() if inspect.isroutine(value)]
            hint = nearest(self.function, options)
            raise ValueError(
                f"{self.path} has no function {self.function!r}"
                + (f"; did you mean {hint!r}?" if hint else f"; it has {options}")
            )
        return function


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """An object with `predict`, or a class with `for_env`."""

    agent: Any

    def load(self, env: Any) -> Any:
        """Return the object itself; a class is built for the environment."""
        build: Any = getattr(self.agent, "for_env", None) if inspect.isclass(self.agent) else None
        return build(env) if build else self.agent


# -------------------------------------------------------------------------------------- resolution


def default_agents(id: str, setting: str = "nominal") -> list[str]:
    """Reference controller, do-nothing, random, and what policies are shipped for an id."""
    from gym_suite.registration import card

    entry = card(id)
    learned = [name for name in entry.learned if _shipped(id, name, setting)]
    return [next(iter(entry.controllers)), *BASELINES, *learned]


def resolve(
    agents: Iterable[Any] | Mapping[str, Any] | Any | None, id: str, setting: str = "nominal"
) -> tuple[AgentSpec, ...]:
    """Turn what a user gave into specifications, the reference controller first.

    The reference controller and do-nothing anchor the score, so they are added where missing.

    Args:
        agents: names, paths, "file.py:factory", objects with `predict`, classes with `for_env`, or
            a mapping of your own names to any of these; None takes :func:`default_agents`, "all"
            every controller of the id besides.
        id: environment id.
        setting: name of the setting; policies trained under it go before those of the id.

    Raises:
        ValueError: an unknown name (the nearest is told), a damaged policy file, or one for another
            id.
        FileNotFoundError: no such file.
        TypeError: an object without `predict`.
    """
    from gym_suite.registration import card

    reference = next(iter(card(id).controllers))
    if agents is None:
        agents = default_agents(id, setting)
    elif (
        isinstance(agents, str | Path)
        or callable(getattr(agents, "predict", None))
        or not isinstance(agents, Iterable)
    ):
        agents = [agents]
    if not isinstance(agents, Mapping):
        everyone = [*card(id).controllers, *default_agents(id, setting)]
        listed = [everyone if _is_all(agent) else [agent] for agent in agents]
        agents = [agent for several in listed for agent in several]
    named = agents.items() if isinstance(agents, Mapping) else [(None, agent) for agent in agents]
    found: list[AgentSpec] = []
    for name, agent in [(None, reference), (None, "zero"), *named]:
        specs = [replace(s, name=name) if name else s for s in _one(agent, id, setting)]
        known = {(spec.name, spec.identity) for spec in found}
        if (specs[0].name, specs[0].identity) not in known:
            found += _distinct(specs, found)
    return tuple(found)


def _one(agent: Any, id: str, setting: str) -> list[AgentSpec]:
    """The specifications of one thing that a user gave."""
    if isinstance(agent, AgentSpec):
        return [agent]
    if isinstance(agent, Path) or (isinstance(agent, str) and _is_path(agent)):
        return [_from_file(str(agent), id)]
    if isinstance(agent, str):
        return _from_name(agent, id, setting)
    wanted = "for_env" if inspect.isclass(agent) else "predict"
    if not callable(getattr(agent, wanted, None)):
        raise TypeError(
            "an agent must be a name, a file, 'file.py:factory', an object with predict or a class "
            f"with for_env, got {agent!r}"
        )
    name = getattr(agent, "name", None)
    name = name if isinstance(name, str) else getattr(agent, "__name__", type(agent).__name__)
    return [AgentSpec(name, "custom", ObjectSource(agent), identity=_object_identity(agent))]


def _is_all(agent: Any) -> bool:
    return isinstance(agent, str) and agent == "all"


def _is_path(text: str) -> bool:
    return text.endswith((".npz", ".zip", ".json", ".py")) or ".py:" in text


def _from_name(name: str, id: str, setting: str) -> list[AgentSpec]:
    from gym_suite.registration import card

    entry = card(id)
    if name in entry.controllers:
        kind: Kind = "baseline" if name in BASELINES else "controller"
        return [AgentSpec(name, kind, ControllerSource(name), identity=name, batched=True)]
    if name in entry.learned:
        paths = _shipped(id, name, setting)
        if not paths:
            raise ValueError(
                f"no {name!r} policies of {id} are installed; run: gym-suite train {id}"
            )
        return [_from_npz(path, id, name) for path in paths]
    options = [*entry.controllers, *entry.learned]
    hint = nearest(name, options)
    raise ValueError(
        f"unknown agent {name!r} for {id}"
        + (f"; did you mean {hint!r}?" if hint else "")
        + f" There are {', '.join(options)}, policy files (.npz, .zip), gains (.json) and 'file.py:factory'."
    )


def _shipped(id: str, algo: str, setting: str) -> list[Path]:
    """Policies trained under the setting; without any, those of the id."""
    from gym_suite.learning.policies import shipped

    return shipped(id, algo, setting) or shipped(id, algo)


def _from_file(text: str, id: str) -> AgentSpec:
    """A policy file or a factory."""
    file, colon, function = text.rpartition(":")
    if colon and file.endswith(".py"):
        factory = FactorySource(Path(file).resolve(), function)
        factory.find()
        identity = f"{_file_digest(factory.path)}:{function}"
        return AgentSpec(f"{factory.path.stem}:{function}", "custom", factory, identity=identity)
    path = Path(text).resolve()
    if path.suffix == ".py":
        raise ValueError(f"{text} names no function; write '{text}:factory'")
    if not path.is_file():
        raise FileNotFoundError(f"no policy file {path}")
    if path.suffix == ".npz":
        return _from_npz(path, id, path.stem)
    if path.suffix == ".json":
        return _from_gains(path, id)
    source = Sb3Source(path)
    source.algorithm()
    return AgentSpec(path.stem, "learned", source, identity=_file_digest(path), batched=True)


def _from_npz(path: Path, id: str, name: str) -> AgentSpec:
    from gym_suite.learning.policies import load_policy

    policy = load_policy(path, id)
    _warn_of_change(path, id, policy.provenance)
    return AgentSpec(
        name, "learned", PolicySource(path), policy.training_seed, _file_digest(path), batched=True
    )


def _from_gains(path: Path, id: str) -> AgentSpec:
    """A controller with the gains of a file."""
    from gym_suite.learning.gains import load_gains

    gains = load_gains(path, id)
    _warn_of_change(path, id, gains.about)
    digest = _file_digest(path)
    return AgentSpec(path.stem, "controller", gains, identity=digest, batched=True)


def _warn_of_change(path: Path, id: str, told: Mapping[str, Any]) -> None:
    """Warn of something that was made on another behaviour of the id."""
    from gym_suite.learning.gains import changed_behaviour

    if message := changed_behaviour(told, id):
        warnings.warn(f"{path}: {message}", UserWarning, stacklevel=2)


def _distinct(specs: list[AgentSpec], found: list[AgentSpec]) -> list[AgentSpec]:
    """Give a name that another agent already has a number, so that no table mixes the two."""
    taken = {spec.name for spec in found}
    name, count = specs[0].name, 2
    while name in taken:
        name = f"{specs[0].name} {count}"
        count += 1
    return [replace(spec, name=name) for spec in specs]


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _object_identity(agent: Any) -> str:
    """Digest of an object's pickle; one that cannot be pickled is never known again."""
    try:
        return hashlib.sha256(pickle.dumps(agent)).hexdigest()[:16]
    except Exception:  # objects may raise anything when pickled
        return uuid.uuid4().hex[:16]


def _row_space(env: Any, kind: str) -> Any:
    """The space of one row of a single or a vector environment."""
    return getattr(env, f"single_{kind}", None) or getattr(env, kind)
