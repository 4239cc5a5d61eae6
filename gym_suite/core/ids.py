"""The classes behind registered ids: an id and a user's keywords become a setup and its faces.

A family derives one class from :class:`IdEnv`, which says how keywords become a setup. The classes of an id are made
from its card when somebody first asks for them, by :func:`id_class`; they are found by name in the module that the card
names, so that they pickle and specs survive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

from gymnasium.vector import AutoresetMode

from gym_suite.core.cards import Card
from gym_suite.core.env import KernelEnv
from gym_suite.core.family import Setup
from gym_suite.core.options import OptionSet
from gym_suite.core.own_terms import with_own_quantities, with_own_terms
from gym_suite.core.page import PageText
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.parameters import unknown_error
from gym_suite.core.vector_env import KernelVectorEnv


class IdEnv(KernelEnv):
    """One world of an id. The page of each id, ``help`` of its class, documents it.

    A family derives from it: it says which facets its ids have, which options an id takes, and how options become a
    setup.

    Args:
        render_mode: None, "rgb_array", "ansi" or "human".
        **keywords: The options of the id's family.

    Raises:
        ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
        TypeError: For a value of the wrong kind.
        ImportError: For an engine that is not installed.
    """

    id: ClassVar[str]
    card: ClassVar[Card]
    #: Facets of the family's ids: name to the values that there are.
    facets: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType({})

    @classmethod
    def options(cls) -> OptionSet[Any]:
        """Return the keyword arguments that this id takes, with its defaults before those of its card."""
        raise NotImplementedError(f"{cls.__name__} does not say which keywords it takes")

    @classmethod
    def build(cls, options: Any) -> Setup:
        """Return the setup of this id for its options.

        Args:
            options: An instance of the dataclass that :meth:`options` declares.
        """
        raise NotImplementedError(f"{cls.__name__} does not say how keywords become a setup")

    @classmethod
    def option_set(cls) -> OptionSet[Any]:
        """Return the keyword arguments of this id, with the defaults of its card."""
        return cls.options().replaced(cls.card.keywords) if cls.card.keywords else cls.options()

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords.

        Raises:
            ValueError: For an unknown keyword or value, naming the nearest, or one out of bounds.
            TypeError: For a value of the wrong kind.
        """
        options = cls.option_set().read(cls.id, keywords)
        setup = with_own_terms(cls.build(options), options.reward_terms)
        return with_own_quantities(setup, options.observed_quantities)

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        setup = self.configure(**keywords)
        super().__init__(setup, render_mode=render_mode, rebuild=keywords)


class IdVectorEnv(KernelVectorEnv):
    """Many worlds of an id; takes the keywords of the single environment and the core's.

    Args:
        num_envs: Number of worlds, >= 1.
        max_episode_steps: Steps after which an episode is truncated, on top of the setup's own horizon.
        autoreset_mode: A member, name or value of :class:`gymnasium.vector.AutoresetMode`.
        render_mode: None, "rgb_array", "ansi" or "human" (shows the first world).
        threads: Threads that share the worlds, or "auto": as many as there are cores where that pays. The numbers are
            the same with any number.
        workers: Processes that share the worlds of another engine than the compiled one, such as Bullet, each with its
            memory and its pictures. The numbers are the same with any number.
        **keywords: As for the single environment.

    Raises:
        ValueError: As for the single environment, and for a number of worlds that cannot be or an unknown mode.
        TypeError: As for the single environment.
        ImportError: As for the single environment.
    """

    single: ClassVar[type[IdEnv]]

    def __init__(
        self,
        *,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = "NextStep",
        render_mode: str | None = None,
        threads: int | str = 1,
        workers: int = 1,
        **keywords: Any,
    ) -> None:
        faces = {
            "num_envs": num_envs,
            "max_episode_steps": max_episode_steps,
            "autoreset_mode": autoreset_mode,
            "render_mode": render_mode,
            "threads": threads,
            "workers": workers,
        }
        configure = partial(self.single.configure, **keywords)
        super().__init__(configure(), **faces, configure=configure, rebuild=keywords | faces)


class IdParallelEnv(KernelParallelEnv):
    """One world of an id with several agents, as a PettingZoo ParallelEnv.

    Args:
        max_episode_steps: Steps after which the episode is truncated, on top of the setup's own horizon.
        render_mode: None, "rgb_array", "ansi" or "human".
        **keywords: As for the single environment.

    Raises:
        ValueError: As for the single environment.
        TypeError: As for the single environment.
        ImportError: As for the single environment.
    """

    single: ClassVar[type[IdEnv]]

    def __init__(
        self,
        *,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        faces = {"max_episode_steps": max_episode_steps, "render_mode": render_mode}
        setup = self.single.configure(**keywords)
        super().__init__(setup, **faces, rebuild=keywords | faces)


# A family whose environments do more (show samples, say) gives its own classes for these faces.
IdEnv.vector_face = IdVectorEnv  # type: ignore[attr-defined]
IdEnv.parallel_face = IdParallelEnv  # type: ignore[attr-defined]

_made: dict[tuple[str, str], type] = {}


def id_class(card: Card, base: type[IdEnv], face: str = "") -> Any:
    """Return a class of an id, made from its card at the first call.

    Args:
        card: The id's card.
        base: The class that the card names as its base.
        face: "" for the single environment, "Vector" or "Parallel".
    """
    found = _made.get((card.id, face))
    if found is None or getattr(found, "card", card) != card:
        check_facets(card, base)
        name = card.class_name(face)
        about = {"__module__": card.module, "__qualname__": name, "card": card}
        if face:
            single = id_class(card, base)
            family: Any = base
            faces = {"Vector": family.vector_face, "Parallel": family.parallel_face}
            many = {"Vector": "Many worlds", "Parallel": "One world with several agents"}[face]
            summary = f"{many} of :class:`{single.__name__}`, with the same keywords."
            found = type(name, (faces[face],), {**about, "single": single, "__doc__": summary})
        else:
            found = type(name, (base,), {**about, "id": card.id, "__doc__": PageText()})
        _made[card.id, face] = found
    return found


def check_facets(card: Card, base: type[IdEnv]) -> None:
    """Refuse facets that the base class does not have.

    Raises:
        ValueError: For an unknown facet or value, naming the nearest; or a facet that is missing.
    """
    for facet, value in card.facets.items():
        if facet not in base.facets:
            raise unknown_error(f"facet of {card.id}", facet, base.facets)
        if value not in base.facets[facet]:
            raise unknown_error(f"{facet} of {card.id}", value, base.facets[facet])
    missing = [facet for facet in base.facets if facet not in card.facets]
    if missing:
        raise ValueError(
            f"{card.id} does not say its {missing[0]}: one of {list(base.facets[missing[0]])}"
        )
