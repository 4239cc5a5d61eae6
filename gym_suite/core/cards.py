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
_ID = re.compile(r"(?:(?P<space>[\w.-]+)/)?(?P<name>[\w.-]+?)-v(?P<version>\d+)")


def load(entry: str) -> Any:
    """Return the object of a ``"module:name"`` string."""
    import importlib

    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


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
        max_episode_steps: Time limit; None where the id truncates by itself.
        tags: For filtering.
        controllers: Name to ``"module:Class"``; the first is the reference.
        learned: Names of the methods of which policies ship.
        settings: Named keywords under which the id is judged too, besides its defaults ("nominal").
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
    max_episode_steps: int | None = None
    tags: tuple[str, ...] = ()
    controllers: Mapping[str, str] = field(default_factory=lambda: dict(BASELINES))
    learned: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prose: str = ""
    history: Mapping[str, str] = field(default_factory=lambda: {"v0": "first version"})
    module: str = ""
    entry_point: str = ""
    vector_entry_point: str = ""
    parallel_entry_point: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"an id reads namespace/Name-v0, got {self.id!r}")
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
