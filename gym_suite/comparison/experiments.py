"""Experiments as data: what is run, under which setting, on which seeds, by whom.

A run is one agent (one training of it) on one episode seed. Its digest names everything that
decides its result, the package's sources included, so that a resumed comparison takes up exactly
the results that are still valid.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np

from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.settings import Setting
from gym_suite.comparison.worlds import World, source_of

__all__ = ["Experiment", "Run", "provenance", "read_seeds"]


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
            "sources": [_versions()["gym_suite"], source_digest(source_of(self.id))],
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
        agents: one specification per agent and training seed.
        low: name of the agent whose score is 0, or the return that is.
        high: name of the agent whose score is 1, or the return that is.
        own_anchors: whether the user named the two.
        world: what the environment is.
    """

    id: str
    setting: Setting
    seeds: tuple[int, ...]
    horizon: int | None
    agents: tuple[AgentSpec, ...]
    low: str | float
    high: str | float
    own_anchors: bool
    world: World

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the agents, each once."""
        return tuple(dict.fromkeys(agent.name for agent in self.agents))

    @property
    def reference(self) -> str | None:
        """Name of the agent whom the others are compared with; None where the upper anchor is a number."""
        return self.high if isinstance(self.high, str) else None

    @property
    def kept_seeds(self) -> tuple[int, ...]:
        """Seeds whose trajectory is kept: the first; all where only a mean over episodes says something."""
        if self.world.tracking:
            return self.seeds[:1]
        return () if self.world.success else self.seeds

    def trainings(self, name: str) -> tuple[AgentSpec, ...]:
        """The specifications of one agent, one per training."""
        return tuple(agent for agent in self.agents if agent.name == name)

    def runs(self, agent: AgentSpec) -> Iterator[Run]:
        """The runs of one agent, a seed each."""
        for seed in self.seeds:
            yield Run(self.id, self.setting, seed, self.horizon, agent)


def read_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Episode seeds from their number (0, 1, ...) or a sequence.

    Raises:
        ValueError: no seeds, or some that are negative, repeated or no whole numbers.
    """
    message = f"seeds must be a number >= 1 or different numbers >= 0, got {seeds!r}"
    if isinstance(seeds, bool) or not isinstance(seeds, int | np.integer | Sequence | np.ndarray):
        raise ValueError(message)
    read = tuple(range(seeds)) if isinstance(seeds, int | np.integer) else tuple(seeds)
    if not all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in read):
        raise ValueError(message)
    read = tuple(int(seed) for seed in read)
    if not read or min(read) < 0 or len(set(read)) != len(read):
        raise ValueError(message)
    return read


def provenance(id: str) -> dict[str, str]:
    """What produced a result of an id: versions, sources, machine, and the day."""
    from gym_suite.core.kernel import source_digest

    sources = {"source_digest": source_digest(source_of(id))}
    return {**_versions(), **sources, "date": datetime.now(UTC).date().isoformat()}


@cache
def _versions() -> Mapping[str, str]:
    from importlib.metadata import version

    from gym_suite.version import __version__

    return {
        "gym_suite": __version__,
        **{name: version(name) for name in ("numpy", "numba", "gymnasium")},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "threads": os.environ.get("OMP_NUM_THREADS", "not limited"),
    }


def _processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            named = [line for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0].partition(":")[2].strip() if named else platform.processor() or "unknown"
