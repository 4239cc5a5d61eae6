"""Experiments as data: what is run, under which setting, on which seeds, by whom.

A run is one agent (one training of it) on one episode seed. Its digest names everything that
decides its result, the package's sources included, so that a resumed comparison takes up exactly
the results that are still valid.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gym_suite import provenance as origin
from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.settings import Setting
from gym_suite.comparison.worlds import World, source_of
from gym_suite.core.cards import Protocol
from gym_suite.version import __version__

__all__ = ["Experiment", "Run", "check_unseen", "provenance", "read_seeds", "sources_of"]


@dataclass(frozen=True, slots=True)
class Run:
    """One agent on one episode seed.

    Attributes:
        id: environment id.
        setting: keywords of the environment.
        seed: episode seed.
        horizon: control periods after which the episode is cut, None for the id's own limit.
        agent: who acts.
        sources: of the package by which it is run, as :func:`sources_of` tells them.
    """

    id: str
    setting: Setting
    seed: int
    horizon: int | None
    agent: AgentSpec
    sources: tuple[str, ...]

    def digest(self) -> str:
        """Hexadecimal digest of everything that decides the result."""
        content = {
            "id": self.id,
            "keywords": dict(self.setting.keywords),
            "setting": self.setting.name,
            "seed": self.seed,
            "horizon": self.horizon,
            "agent": [self.agent.name, self.agent.training_seed, self.agent.identity],
            "sources": self.sources,
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
        protocol: the id's protocol, of which this is a part; None where the user chose seeds and settings.
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
    protocol: Protocol | None = None

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
        if self.world.success:
            return self.seeds[:1] if self.world.watched else ()
        return self.seeds

    def trainings(self, name: str) -> tuple[AgentSpec, ...]:
        """The specifications of one agent, one per training."""
        return tuple(agent for agent in self.agents if agent.name == name)

    def runs(self, agent: AgentSpec) -> Iterator[Run]:
        """The runs of one agent, a seed each."""
        sources = sources_of(self.id)
        for seed in self.seeds:
            yield Run(self.id, self.setting, seed, self.horizon, agent, sources)


def read_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Episode seeds from their number (0, 1, ...) or a sequence.

    Raises:
        ValueError: no seeds, or some that are negative, repeated or no whole numbers.
    """
    message = f"seeds must be a number >= 1 or different numbers >= 0, got {seeds!r}"
    if isinstance(seeds, bool) or not isinstance(seeds, int | np.integer | Sequence | np.ndarray):
        raise ValueError(message)
    if isinstance(seeds, np.ndarray) and seeds.ndim != 1:
        raise ValueError(message)
    read = tuple(range(seeds)) if isinstance(seeds, int | np.integer) else tuple(seeds)
    if not all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in read):
        raise ValueError(message)
    read = tuple(int(seed) for seed in read)
    if not read or min(read) < 0 or len(set(read)) != len(read):
        raise ValueError(message)
    return read


def check_unseen(id: str, seeds: Iterable[int], agents: Iterable[AgentSpec]) -> None:
    """Refuse to judge agents on episodes that they may have been made with.

    Args:
        id: environment id.
        seeds: episode seeds of the comparison.
        agents: whom it compares.

    Raises:
        ValueError: an agent was trained, or its gains were tuned, on one of the seeds, or on seeds of its kind.
    """
    from gym_suite.learning.seeds import EVALUATION_SEED, purpose_of

    asked = sorted(seeds)
    for agent in agents:
        if agent.made_on is not None:
            first, last = agent.made_on
            seen = [seed for seed in asked if first <= seed <= last]
            made = "was trained" if agent.from_file else "has gains that were tuned"
            if seen:
                raise ValueError(
                    f"{id}: {agent.name!r} {made} on episode seeds {first} to {last}, so it cannot be judged on seed "
                    f"{seen[0]}; take other seeds"
                )
        if (agent.from_file or agent.made_on is not None) and asked[-1] >= EVALUATION_SEED:
            seed = next(seed for seed in asked if seed >= EVALUATION_SEED)
            raise ValueError(
                f"{id}: episode seed {seed} is of those for {purpose_of(seed)}, which {agent.name!r} may have been "
                f"made with; take seeds below {EVALUATION_SEED:,}"
            )


def sources_of(id: str) -> tuple[str, ...]:
    """Version of the package here and digest of all that decides the results of an id."""
    from gym_suite.core.kernel import source_digest

    return __version__, source_digest(source_of(id))


def provenance(id: str) -> dict[str, Any]:
    """What produced a result of an id: versions, commit, sources, machine, and the day."""
    return {
        **origin.versions(("numpy", "numba", "gymnasium", "torch")),
        "commit": origin.commit() or "not of a checkout",
        "source_digest": sources_of(id)[1],
        **origin.machine(),
        "date": datetime.now(UTC).date().isoformat(),
    }
