"""Experiments as data: what is run, under which setting, on which seeds, by whom.

A run is one agent (one training of it) on one episode seed. Its digest names everything that
decides its result, the package's sources included, so that a resumed comparison takes up exactly
the results that are still valid.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.comparison.agents import AgentSpec
from gym_suite.core.parameters import unknown_error
from gym_suite.registration import card

__all__ = ["SETTINGS", "Experiment", "Run", "Setting", "provenance", "read_seeds", "read_settings"]

SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "nominal": {},
        "noise": {"noise": 0.01},
        "mismatch": {"mismatch": 0.3},
        "delay": {"delay": 1},
    }
)
"""Settings that go by their names: nothing; measurement noise of 1 % of full scale; every plant
parameter off by up to 30 %, drawn per episode; actions late by one more control period."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A named set of environment keywords.

    Attributes:
        name: for tables.
        keywords: keyword arguments of the environment, JSON-able.
    """

    name: str
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The setting as plain data."""
        return {"name": self.name, "keywords": dict(self.keywords)}


@dataclass(frozen=True, slots=True)
class Run:
    """One agent on one episode seed.

    Attributes:
        id: environment id.
        setting: keywords of the environment.
        seed: episode seed.
        horizon: control periods after which the episode is cut, None for the id's own limit.
        agent: who acts.
    """

    id: str
    setting: Setting
    seed: int
    horizon: int | None
    agent: AgentSpec

    def digest(self) -> str:
        """Hexadecimal digest of everything that decides the result."""
        from gym_suite.core.kernel import source_digest

        content = {
            "id": self.id,
            "keywords": dict(self.setting.keywords),
            "setting": self.setting.name,
            "seed": self.seed,
            "horizon": self.horizon,
            "agent": [self.agent.name, self.agent.training_seed, self.agent.identity],
            "sources": [_versions()["gym_suite"], source_digest(card(self.id).family)],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Experiment:
    """All agents on one environment under one setting, on the same episode seeds.

    Attributes:
        id: environment id.
        setting: keywords of the environment.
        seeds: episode seeds.
        horizon: control periods after which an episode is cut, None for the id's own limit.
        agents: one specification per agent and training seed; the first is the reference.
    """

    id: str
    setting: Setting
    seeds: tuple[int, ...]
    horizon: int | None
    agents: tuple[AgentSpec, ...]

    def runs(self, agent: AgentSpec) -> Iterator[Run]:
        """The runs of one agent, a seed each."""
        for seed in self.seeds:
            yield Run(self.id, self.setting, seed, self.horizon, agent)


def read_settings(
    settings: str | Iterable[str | Setting] | Mapping[str, Mapping[str, Any]],
    ids: Sequence[str],
    keywords: Mapping[str, Any] | None = None,
) -> dict[str, tuple[Setting, ...]]:
    """The settings under which each id is run.

    Args:
        settings: Names of :data:`SETTINGS` or of the ids' own settings, "all" for the nominal and
            all own ones, or a mapping of name to environment keywords.
        ids: Environment ids; one that has no setting of a name that another id has is run under
            the others.
        keywords: Laid over those of every setting.

    Returns:
        The settings of each id that has any.

    Raises:
        ValueError: a name is unknown to all ids (the nearest is told), keywords are not plain
            data, or there is no setting.
    """
    own = {id: card(id).settings for id in ids}
    if isinstance(settings, Mapping):
        named = [Setting(str(name), dict(words)) for name, words in settings.items()]
        read = {id: tuple(named) for id in ids}
    else:
        given = [settings] if isinstance(settings, str) else list(settings)
        known = dict.fromkeys([*SETTINGS, "all", *(name for id in ids for name in own[id])])
        for name in given:
            if not isinstance(name, Setting) and name not in known:
                raise unknown_error("setting", name, known)
        read = {id: tuple(_settings_of(given, own[id])) for id in ids}
    more = dict(keywords or {})
    read = {
        id: tuple(Setting(one.name, {**one.keywords, **more}) for one in found)
        for id, found in read.items()
        if found
    }
    if not read:
        raise ValueError("no settings; expected at least one, such as 'nominal'")
    for setting in (setting for found in read.values() for setting in found):
        try:
            json.dumps(dict(setting.keywords))
        except TypeError as error:
            raise ValueError(
                f"keywords of setting {setting.name!r} must be plain data: {error}"
            ) from None
    return read


def _settings_of(
    given: Sequence[str | Setting], own: Mapping[str, Mapping[str, Any]]
) -> Iterator[Setting]:
    """The given settings that an id with these own ones has."""
    known = {**SETTINGS, **own}
    names = ["nominal", *own]
    asked = [one for name in given for one in (names if name == "all" else [name])]
    for name in dict.fromkeys(asked):
        if isinstance(name, Setting):
            yield name
        elif name in known:
            yield Setting(name, dict(known[name]))


def read_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Episode seeds from their number (0, 1, ...) or a sequence.

    Raises:
        ValueError: no seeds, or some that are negative, repeated or no whole numbers.
    """
    read = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    whole = all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in read)
    read = tuple(int(seed) for seed in read) if whole and not isinstance(seeds, bool) else ()
    if not read or min(read) < 0 or len(set(read)) != len(read):
        raise ValueError(f"seeds must be a number >= 1 or different numbers >= 0, got {seeds!r}")
    return read


def provenance(id: str) -> dict[str, str]:
    """Versions of everything that produced a result of an id, and the day."""
    from gym_suite.core.kernel import source_digest

    sources = {"source_digest": source_digest(card(id).family)}
    return {**_versions(), **sources, "date": datetime.now(UTC).date().isoformat()}


@cache
def _versions() -> Mapping[str, str]:
    import platform
    from importlib.metadata import version

    from gym_suite.version import __version__

    return {
        "gym_suite": __version__,
        **{name: version(name) for name in ("numpy", "numba", "gymnasium")},
        "python": platform.python_version(),
    }
