"""A card says all that an id is, as data: strings and numbers, so that a catalogue costs no import.

A family's ids stand in its ``cards.py``; those that are a product (machines times tasks times kinds of action) are
written as one. The classes of an id are made from its card when somebody first asks, see :mod:`gym_suite.core.ids`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gym_suite.core.parameters import unknown_error

DO_NOTHING = "gym_suite.controllers.baselines:DoNothing"
RANDOM = "gym_suite.controllers.baselines:RandomAgent"
#: What stands at the foot of every ladder of controllers.
BASELINES: Mapping[str, str] = {"zero": DO_NOTHING, "random": RANDOM}
#: Where the classes of ids that are registered from outside are found.
OUTSIDE = "gym_suite.registered"
FACES = ("", "Vector", "Parallel")
#: What an agent is on an id's ladder, from the bottom.
RANKS: Mapping[str, str] = {
    "baseline": "does nothing, or anything",
    "reference": "a named rule, not tuned on the reward; its score is 1",
    "controller": "another law",
    "tuned": "a law of the id, with gains tuned on the reward",
    "strong": "made to earn most in the nominal plant; what it keeps in other settings the table says",
    "learned": "a policy trained on the reward",
}
#: What :attr:`Protocol.primary` may be.
PRIMARY: Mapping[str, str] = {
    "worst": "the lowest score over the settings",
    "nominal": "the score under the nominal setting",
}
#: Environment steps that one training, or one search of a controller's gains, may use where an id says nothing else.
BUDGET = 2_000_000
#: A training ends with the whole rollout in which its steps are reached: so much more than a budget is not over it.
ROUNDED = 0.01
_ID = re.compile(r"(?:(?P<space>[\w.-]+)/)?(?P<name>[\w.-]+?)-v(?P<version>\d+)")


def load(entry: str) -> Any:
    """Return the object of a ``"module:name"`` string."""
    import importlib

    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How an id is judged where results are to be compared across papers: ``compare ID --protocol`` runs exactly this.

    Attributes:
        first_seed: The first episode seed; no tuning or training of ours touches seeds below 100,000, and examples and
            defaults begin at 0.
        episodes: Number of episode seeds.
        horizon: Control periods of an episode; None: the id's own limit.
        settings: Names of the settings, of those that every id has or of the id's own.
        budget: Environment steps that one training, or one search of a controller's gains, may use: as many as the
            largest of ours was given.
        metrics: Names of the metrics to report besides the score.
        primary: The figure that ranks agents, of :data:`PRIMARY`.

    Raises:
        ValueError: For numbers that are not positive, no settings, or an unknown primary figure.
    """

    first_seed: int = 50_000
    episodes: int = 50
    horizon: int | None = None
    settings: tuple[str, ...] = ("nominal", "noise", "mismatch", "delay", "disturbance")
    budget: int = BUDGET
    metrics: tuple[str, ...] = ("return",)
    primary: str = "worst"

    def __post_init__(self) -> None:
        positive = {"episodes": self.episodes, "budget": self.budget, "horizon": self.horizon or 1}
        for name, value in positive.items():
            if value < 1:
                raise ValueError(f"{name} of a protocol must be at least 1, got {value!r}")
        if self.first_seed < 0:
            raise ValueError(f"first_seed must be at least 0, got {self.first_seed!r}")
        if not self.settings:
            raise ValueError("a protocol needs at least one setting, such as 'nominal'")
        if self.primary not in PRIMARY:
            raise unknown_error("primary figure of a protocol", self.primary, PRIMARY)

    @property
    def seeds(self) -> range:
        """The episode seeds."""
        return range(self.first_seed, self.first_seed + self.episodes)

    def exceeded_by(self, steps: float | None) -> bool:
        """Return whether so many environment steps are over the budget, by more than the rest of a rollout.

        Args:
            steps: Of one training or one search; None where nobody has told.
        """
        return steps is not None and steps > self.budget * (1.0 + ROUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One id of the catalogue.

    Attributes:
        id: The environment's id, "namespace/Name-v0".
        family: The family's name, a folder of the package; outside of it, the module that has the kernels.
        summary: One line, without a full stop.
        base: ``"module:Class"`` of the family's :class:`gym_suite.core.ids.IdEnv`.
        facets: What the id is made of, such as ``{"machine": "PMSM", "task": "current"}``. The base class says
            which there are; each names the fragment ``pages/<facet>_<value>.md`` of the id's page.
        keywords: Default values of keyword arguments that are the id's own.
        agents: "one"; "several": a PettingZoo environment only; "both": also the joint form.
        side: Where agents oppose each other, the one whose rewards are judged, with a reward term ``reward_<side>``;
            the reference controller plays the others.
        max_episode_steps: Time limit; None where the id truncates by itself.
        tags: For filtering.
        controllers: Name to ``"module:Class"``; the first is the reference.
        strong: Names of the controllers that are made to earn most in the nominal plant.
        tuned: Names of the files of gains tuned on the reward that ship, such as "pi-tuned".
        learned: Names of the methods of which policies ship.
        protocol: How the id is judged where results are to be compared across papers.
        settings: Named keywords under which the id is judged too, besides its defaults ("nominal").
        extra: Extra that the id's defaults need, in one world in real time; its setting "compiled" needs none. Empty
            where the defaults run everywhere.
        prose: Markdown of the id's own, in sections headed as on the page.
        history: Version to what it changed.
        module: Module in which the id's classes are found; the base's by default.
        entry_point: ``"module:Class"`` of the single environment; empty for ids of several agents only.
        vector_entry_point: ``"module:Class"`` of the native vector environment.
        parallel_entry_point: ``"module:Class"`` of the PettingZoo environment, where there are several agents.
    """

    id: str
    family: str
    summary: str
    base: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    agents: str = "one"
    side: str = ""
    max_episode_steps: int | None = None
    tags: tuple[str, ...] = ()
    controllers: Mapping[str, str] = field(default_factory=lambda: dict(BASELINES))
    strong: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    protocol: Protocol = field(default_factory=Protocol)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extra: str = ""
    prose: str = ""
    history: Mapping[str, str] = field(default_factory=lambda: {"v0": "first version"})
    module: str = ""
    entry_point: str = ""
    vector_entry_point: str = ""
    parallel_entry_point: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"an id reads namespace/Name-v0, got {self.id!r}")
        if self.extra and "compiled" not in self.settings:
            raise ValueError(
                f"{self.id} needs the extra {self.extra!r}, so it needs a setting 'compiled' that runs without it"
            )
        for name in self.strong:
            if name not in self.controllers:
                raise unknown_error(f"strong controller of {self.id}", name, self.controllers)
        if self.agents not in ("one", "several", "both"):
            raise unknown_error("number of agents", self.agents, ("one", "several", "both"))
        if not self.base:
            return
        module = self.module or self.base.partition(":")[0]
        object.__setattr__(self, "module", module)
        if self.agents != "several":
            object.__setattr__(self, "entry_point", f"{module}:{self.class_name('')}")
            object.__setattr__(self, "vector_entry_point", f"{module}:{self.class_name('Vector')}")
        if self.agents != "one":
            parallel = f"{module}:{self.class_name('Parallel')}"
            object.__setattr__(self, "parallel_entry_point", parallel)

    def class_name(self, face: str) -> str:
        """Return the name of one of the id's classes: gem/PMSM-Speed-v0 has PMSMSpeedEnv.

        Args:
            face: "" for the single environment, "Vector" or "Parallel".
        """
        found = _ID.fullmatch(self.id)
        assert found is not None
        space = re.sub(r"\W", "", found["space"] or "").title() if self.module == OUTSIDE else ""
        name = re.sub(r"\W", "", found["name"])
        version = "" if found["version"] == "0" else f"V{found['version']}"
        return f"{space}{name}{version}{face}Env"

    @property
    def reference(self) -> str:
        """Name of the reference controller."""
        return next(iter(self.controllers))

    def rank(self, name: str) -> str:
        """Return what an agent is on the ladder, of :data:`RANKS`; empty for one that is not of the id.

        Args:
            name: Of a controller, of tuned gains or of a method of which policies ship.
        """
        if name == self.reference:
            return "reference"
        own = {"baseline": BASELINES, "strong": self.strong, "tuned": self.tuned}
        own |= {"learned": self.learned, "controller": self.controllers}
        return next((rank for rank, names in own.items() if name in names), "")

    @property
    def anywhere(self) -> Mapping[str, Any]:
        """Keywords under which the id runs on every machine and in any number of worlds; none where its defaults do."""
        return self.settings["compiled"] if self.extra else {}

    @property
    def faces(self) -> tuple[str, ...]:
        """The kinds of class that the id has."""
        return {"one": FACES[:2], "several": FACES[2:], "both": FACES}[self.agents]

    @property
    def fragments(self) -> tuple[str, ...]:
        """Names of the fragments of the id's page, without the ending: the family's, then one a facet."""
        own = (
            f"{facet}_{re.sub(r'[^a-z0-9]+', '_', value.lower())}"
            for facet, value in self.facets.items()
        )
        return ("family", *own)

    def setting(self, name: str) -> Mapping[str, Any]:
        """Return the keywords of one of the id's own settings.

        Args:
            name: Of the setting; "nominal" has no keywords.

        Raises:
            ValueError: If there is no such setting, naming the nearest.
        """
        own = {"nominal": {}, **self.settings}
        if name not in own:
            raise unknown_error(f"setting of {self.id}", name, own)
        return own[name]
