"""From what a user names to something that acts.

An agent may be given as the name of a controller of the id ("pi", "zero", "random"), the name of
its shipped policies ("ppo": all training seeds, each a policy of its own), a policy file (.npz of
ours, .zip of Stable-Baselines3), a file of tuned gains (.json), "file.py:factory", any object with
`predict`, or a class with `for_env`.

A specification is light, can be sent to another process, and has an identity: a digest of what
decides its behaviour (the content of its file, the pickle of the object), by which a resumed
comparison knows it again.

Two of the agents, or numbers in their place, anchor the score: for ids of this package do-nothing and the reference
controller.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from gym_suite.comparison.sources import (
    ControllerSource,
    FactorySource,
    ObjectSource,
    PolicySource,
    Sb3Source,
    Source,
    file_digest,
    object_digest,
)
from gym_suite.comparison.text import visible
from gym_suite.comparison.worlds import known_id
from gym_suite.core.parameters import nearest
from gym_suite.registration import catalogue
from gym_suite.teams import as_team, seat_of

__all__ = ["BASELINES", "AgentSpec", "Lineup", "default_agents", "line_up", "resolve"]

Kind = Literal["controller", "learned", "baseline", "custom"]

BASELINES = ("zero", "random")


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent of a comparison; one specification per training seed.

    Attributes:
        name: for tables; trainings of one method share it.
        kind: "controller", "learned", "baseline" or "custom".
        source: how to get it.
        training_seed: of a learned policy, else None.
        identity: digest of what decides its behaviour.
        rank: what it is on the id's ladder, of :data:`gym_suite.core.cards.RANKS`; empty for a user's own.
        trials: trainings or evaluations that were tried to find its hyper-parameters or gains; None: not recorded.
        steps: environment steps that its training took or its search was given; None: neither, or not recorded.
        as_rule: name of the controller that it is all the same, because its search found nothing better than the rule.
        made_on: first and last episode seed that it was trained or its gains were searched on, None where nothing is
            told.
        doubt: what is to be said of the behaviour of the id that it was made on; empty where that is the one here.
        batched: whether `predict` is known to take many rows at once; None means that it is tried.
    """

    name: str
    kind: Kind
    source: Source
    training_seed: int | None = None
    identity: str = ""
    batched: bool | None = None
    rank: str = ""
    trials: int | None = None
    made_on: tuple[int, int] | None = None
    doubt: str = ""
    steps: int | None = None
    as_rule: str = ""

    @property
    def from_file(self) -> bool:
        """Whether it is a learned policy read from a file."""
        return isinstance(self.source, PolicySource | Sb3Source)

    @property
    def runs_code(self) -> bool:
        """Whether loading it can run code of whoever made its file."""
        return isinstance(self.source, Sb3Source)

    def load(self, env: Any) -> Any:
        """Return the agent for an environment.

        Raises:
            TypeError: what the source gave has no `predict`.
            ValueError: a user's code ended the process, as ``sys.exit`` does, instead of building the agent.
        """
        try:
            agent = self.source.load(seat_of(env))
        except SystemExit as error:
            raise ValueError(
                f"agent {self.name!r} ended the process when it was built: SystemExit: {error}"
            ) from error
        if not callable(getattr(agent, "predict", None)):
            raise TypeError(
                f"agent {self.name!r} is a {type(agent).__name__} without predict(observation, "
                "state=None, episode_start=None, deterministic=True) -> (action, state)"
            )
        return as_team(agent, env)


@dataclass(frozen=True, slots=True)
class Lineup:
    """Who takes part, and what a score is reckoned from.

    Attributes:
        agents: one specification per agent and training seed; the anchors first, the upper one before the lower.
        low: name of the agent whose score is 0, or the return that is.
        high: name of the agent whose score is 1, or the return that is.
    """

    agents: tuple[AgentSpec, ...]
    low: str | float
    high: str | float


def default_agents(id: str, setting: str = "nominal") -> list[str]:
    """Reference controller, do-nothing, random, tuned gains, strong controllers, and the policies shipped for an id."""
    entry = catalogue().get(id)
    if entry is None:
        return list(BASELINES)
    learned = [name for name in entry.learned if _shipped(id, name, setting)]
    return [entry.reference, *BASELINES, *entry.tuned, *entry.strong, *learned]


def resolve(
    agents: Iterable[Any] | Mapping[str, Any] | Any | None, id: str, setting: str = "nominal"
) -> tuple[AgentSpec, ...]:
    """The agents of :func:`line_up` with the id's own anchors: its reference controller comes first."""
    return line_up(agents, id, setting).agents


def line_up(
    agents: Iterable[Any] | Mapping[str, Any] | Any | None,
    id: str,
    setting: str = "nominal",
    anchors: Sequence[Any] | None = None,
) -> Lineup:
    """Turn what a user gave into specifications.

    The agents that anchor the score are added where they are missing.

    Args:
        agents: names, paths, "file.py:factory", objects with `predict`, classes with `for_env`, or
            a mapping of your own names to any of these or to a list of policy files, the trainings of one
            method; None takes :func:`default_agents`, "all"
            every controller of the id besides.
        id: environment id.
        setting: name of the setting; policies trained under it go before those of the id.
        anchors: what scores 0 and what scores 1, each an agent or a return; None for do-nothing and the reference
            controller.

    Raises:
        ValueError: an unknown name (the nearest is told), a damaged policy file, or one for another
            id; no anchors for an id that is not of this package.
        FileNotFoundError: no such file.
        TypeError: an object without `predict`.
    """
    given = _anchors(id, anchors)
    found: list[AgentSpec] = []
    ends: list[str | float] = []
    for anchor in reversed(given):
        if isinstance(anchor, int | float):
            if not math.isfinite(anchor):
                raise ValueError(f"{id}: an anchor of the score is a finite return, got {anchor!r}")
            ends.append(float(anchor))
        else:
            ends.append(_join(_one(anchor, id, setting), found))
    for name, agent in _named(agents, id, setting):
        _join([replace(s, name=name) if name else s for s in _one(agent, id, setting)], found)
    high, low = ends
    if low == high:
        raise ValueError(f"{id}: the two anchors of the score are the same, {low!r}")
    if isinstance(low, float) and isinstance(high, float) and high < low:
        raise ValueError(
            f"{id}: the second anchor of the score, which scores 1, must be above the first, got {low:g} and {high:g}"
        )
    return Lineup(tuple(found), low, high)


def _anchors(id: str, anchors: Sequence[Any] | None) -> Sequence[Any]:
    """The two anchors of an id."""
    if anchors is None:
        entry = catalogue().get(known_id(id))
        if entry is None:
            raise ValueError(
                f"{id} is not of this package and has no reference: give two anchors of the score, each an agent "
                'or a return, such as anchors=("random", 500.0), on the shell --anchors random 500'
            )
        return ("zero", entry.reference)
    if isinstance(anchors, str) or len(anchors) != 2:
        raise ValueError(f"anchors are two, what scores 0 and what scores 1, got {anchors!r}")
    return anchors


def _named(
    agents: Iterable[Any] | Mapping[str, Any] | Any | None, id: str, setting: str
) -> list[tuple[str | None, Any]]:
    """What was given, each with the user's own name for it or None."""
    if agents is None:
        agents = default_agents(id, setting)
    elif (
        isinstance(agents, str | Path)
        or callable(getattr(agents, "predict", None))
        or not isinstance(agents, Iterable)
    ):
        agents = [agents]
    if isinstance(agents, Mapping):
        return [(visible(str(name)) or "agent", agent) for name, agent in agents.items()]
    entry = catalogue().get(id)
    everyone = [*(entry.controllers if entry else ()), *default_agents(id, setting)]
    found: list[tuple[str | None, Any]] = []
    for agent in agents:
        if isinstance(agent, Mapping):
            found += _named(agent, id, setting)
        else:
            found += [(None, one) for one in (everyone if _is_all(agent) else [agent])]
    return found


def _join(specs: list[AgentSpec], found: list[AgentSpec]) -> str:
    """Add an agent that is not there yet and return the name it goes by."""
    known = {(spec.name, spec.identity) for spec in found}
    if (specs[0].name, specs[0].identity) not in known:
        specs = _distinct(specs, found)
        found += specs
    return specs[0].name


def _one(agent: Any, id: str, setting: str) -> list[AgentSpec]:
    """The specifications of one thing that a user gave."""
    if isinstance(agent, AgentSpec):
        return [agent]
    if isinstance(agent, Path) or (isinstance(agent, str) and _is_path(agent)):
        return [_from_file(str(agent), id)]
    if isinstance(agent, list | tuple):
        return _trainings(agent, id)
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
    source = ObjectSource(agent)
    return [AgentSpec(visible(name), "custom", source, identity=object_digest(agent))]


def _trainings(files: Sequence[Any], id: str) -> list[AgentSpec]:
    """Policy files that are trainings of one method.

    Raises:
        ValueError: something else than policy files, or the same training twice.
    """
    specs = [spec for file in files for spec in _one(file, id, "nominal")]
    if not specs or not all(spec.from_file for spec in specs):
        raise ValueError(f"the trainings of a method are policy files (.npz, .zip), got {files!r}")
    known = [(spec.training_seed, spec.identity) for spec in specs]
    for part, what in enumerate(("training seed", "content")):
        values = [one[part] for one in known if one[part] is not None]
        if len(set(values)) < len(values):
            raise ValueError(f"two trainings of a method have the same {what}: {files!r}")
    return [replace(spec, name=specs[0].name) for spec in specs]


def _is_all(agent: Any) -> bool:
    return isinstance(agent, str) and agent == "all"


def _is_path(text: str) -> bool:
    return text.endswith((".npz", ".zip", ".json", ".py")) or ".py:" in text


def _from_name(name: str, id: str, setting: str) -> list[AgentSpec]:
    entry = catalogue().get(id)
    controllers = entry.controllers if entry else BASELINES
    learned, tuned = (_methods(id, setting), entry.tuned) if entry else ((), ())
    rank = entry.rank(name) if entry else "baseline"
    if name in controllers:
        kind: Kind = "baseline" if name in BASELINES else "controller"
        source = ControllerSource(name)
        return [AgentSpec(name, kind, source, identity=name, batched=True, rank=rank)]
    if name in tuned:
        from gym_suite.learning.gains import shipped_gains

        return [replace(_from_gains(shipped_gains(id, name, setting), id), name=name, rank=rank)]
    if name in learned:
        paths = _shipped(id, name, setting)
        if not paths:
            raise ValueError(
                f"no {name!r} policies of {id} are installed; run: gym-suite train {id}"
            )
        from gym_suite.learning.settings import recorded_trials
        from gym_suite.learning.shelf import folder_of

        own = setting if paths[0].parent == folder_of(id, setting) else "nominal"
        trials = recorded_trials(id, name, setting=own)
        return [replace(_from_npz(path, id, name), rank="learned", trials=trials) for path in paths]
    from gym_suite.learning.methods import ALGORITHMS

    options = [*controllers, *tuned, *learned]
    hint = nearest(name, options)
    raise ValueError(
        f"unknown agent {name!r} for {id}."
        + (f" Did you mean {hint!r}?" if hint else "")
        + (f" No policies ship for {id}." if name in ALGORITHMS and not learned else "")
        + f" There are {', '.join(options)}, policy files (.npz, .zip), gains (.json) and 'file.py:factory'."
    )


def _methods(id: str, setting: str) -> tuple[str, ...]:
    """Names of methods: those that an id's card lines up, then all others of which policies ship."""
    from gym_suite.learning.shelf import methods

    return tuple(dict.fromkeys((*catalogue()[id].learned, *methods(id, setting), *methods(id))))


def _shipped(id: str, algo: str, setting: str) -> list[Path]:
    """Policies trained under the setting; without any, those of the id."""
    from gym_suite.learning.shelf import shipped

    return shipped(id, algo, setting) or shipped(id, algo)


def _from_file(text: str, id: str) -> AgentSpec:
    """A policy file or a factory."""
    file, colon, function = text.rpartition(":")
    if colon and file.endswith(".py"):
        factory = FactorySource(Path(file).resolve(), function)
        factory.find()
        identity = f"{file_digest(factory.path)}:{function}"
        name = visible(f"{factory.path.stem}:{function}")
        return AgentSpec(name, "custom", factory, identity=identity)
    path = Path(text).resolve()
    if path.suffix == ".py":
        raise ValueError(f"{text} names no function; write '{text}:factory'")
    if not path.is_file():
        raise FileNotFoundError(f"no policy file {path}")
    if path.suffix == ".npz":
        return _from_npz(path, id, visible(path.stem))
    if path.suffix == ".json":
        return _from_gains(path, id)
    source = Sb3Source(path)
    source.algorithm()
    return AgentSpec(
        visible(path.stem),
        "learned",
        source,
        identity=source.digest(),
        batched=True,
        made_on=source.seeds(),
        doubt=_unrecorded(id),
    )


def _from_npz(path: Path, id: str, name: str) -> AgentSpec:
    from gym_suite.learning.policies import load_policy
    from gym_suite.learning.told import seeds_of

    policy = load_policy(path, id)
    told = policy.provenance
    doubt = _changed(path, id, told) if told.get("behaviour") else _unrecorded(id)
    return AgentSpec(
        name,
        "learned",
        PolicySource(path),
        policy.training_seed,
        file_digest(path),
        batched=True,
        trials=told.get("tuning_trials"),
        steps=told.get("steps"),
        made_on=seeds_of(told),
        doubt=doubt,
    )


def _from_gains(path: Path, id: str) -> AgentSpec:
    """A controller with the gains of a file."""
    from gym_suite.learning.gains import load_gains

    gains = load_gains(path, id)
    return AgentSpec(
        visible(path.stem),
        "controller",
        gains,
        identity=file_digest(path),
        batched=True,
        trials=gains.about.get("trials"),
        made_on=gains.tuned_on,
        doubt=_changed(path, id, gains.about),
        steps=gains.about.get("budget", gains.about.get("steps")),
        as_rule=gains.agent if gains.as_rule else "",
    )


def _changed(path: Path, id: str, told: Mapping[str, Any]) -> str:
    """What is to be said of something that was made on another behaviour of the id, with a warning; else empty."""
    from gym_suite.learning.gains import changed_behaviour

    message = changed_behaviour(told, id)
    if message:
        warnings.warn(f"{path}: {message}", UserWarning, stacklevel=2)
    return message


def _unrecorded(id: str) -> str:
    """What is to be said of a policy that tells no behaviour; ids of other packages have none."""
    if id not in catalogue():
        return ""
    return f"it does not say on which behaviour of {id} it was trained, which may be another one than it is judged on"


def _distinct(specs: list[AgentSpec], found: list[AgentSpec]) -> list[AgentSpec]:
    """Give a name that another agent already has a number, so that no table mixes the two."""
    taken = {spec.name for spec in found}
    name, count = specs[0].name, 2
    while name in taken:
        name = f"{specs[0].name} {count}"
        count += 1
    return [replace(spec, name=name) for spec in specs]
