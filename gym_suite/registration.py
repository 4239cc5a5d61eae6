"""The catalogue: every id as data, and its way into Gymnasium's and PettingZoo's registries.

The ids of the package stand in its families' ``cards.py``; :func:`register` adds those of others. Nothing of a family
is imported before an environment is made.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import gymnasium

from gym_suite.core.cards import BASELINES, OUTSIDE, Card, Protocol, load
from gym_suite.core.parameters import nearest, unknown_error

__all__ = [
    "AUTOPILOTS",
    "BENCHMARKS",
    "DATASHEETS",
    "IDENTIFICATIONS",
    "VALIDATIONS",
    "Card",
    "assumed",
    "card",
    "catalogue",
    "class_named",
    "load",
    "make_controller",
    "parallel_env",
    "register",
    "register_all",
]

#: Folders of the package whose ``cards.py`` say which ids there are.
FAMILIES = ("motors", "drones", "radio", "agv")


def _family_cards() -> list[Card]:
    """Return the cards of all families; importing them costs nothing."""
    modules = (importlib.import_module(f"gym_suite.{family}.cards") for family in FAMILIES)
    return [card for module in modules for card in module.CARDS]


_catalogue: dict[str, Card] = {card.id: card for card in _family_cards()}


#: Family to ``"module:function"`` of what it measures besides its environments; see :mod:`gym_suite.bench`.
BENCHMARKS: Mapping[str, str] = MappingProxyType({"drones": "gym_suite.drones.benchmarks:cases"})


#: Firmware to ``"module:function"`` that lets it fly, for ``gym-suite fly``.
AUTOPILOTS: Mapping[str, str] = MappingProxyType({"betaflight": "gym_suite.drones.autopilot:fly"})
#: Family to ``"module:function"`` that replays recordings of real hardware, for ``gym-suite validate``.
VALIDATIONS: Mapping[str, str] = MappingProxyType(
    {"drones": "gym_suite.drones.validation:validate"}
)
#: Family to ``"module:function"`` that finds parameters from a log; see :func:`gym_suite.analysis.identify`.
IDENTIFICATIONS: Mapping[str, str] = MappingProxyType(
    {
        "motors": "gym_suite.motors.identification:identify",
        "drones": "gym_suite.drones.identification:identify",
    }
)


#: Family to ``"module:function"`` that makes parameters of a maker's data sheet, for ``gym-suite datasheet``.
DATASHEETS: Mapping[str, str] = MappingProxyType(
    {"motors": "gym_suite.motors.datasheet:read_datasheet"}
)


def catalogue() -> Mapping[str, Card]:
    """Return all ids with their cards."""
    return MappingProxyType(_catalogue)


def card(id: str) -> Card:
    """Return the card of an id; a "gym_suite:" in front is allowed.

    Raises:
        ValueError: If there is no such id, naming the nearest; of another namespace how an own id is registered.
    """
    name = id.removeprefix("gym_suite:") if isinstance(id, str) else id
    if name not in _catalogue:
        raise _unknown_id(name)
    return _catalogue[name]


def _unknown_id(name: object) -> ValueError:
    """Return the error for an id that the catalogue does not have."""
    ours = list(dict.fromkeys(known.partition("/")[0] for known in _catalogue))
    namespace, slash, _ = str(name).partition("/")
    if slash and namespace not in ours and nearest(namespace, ours) is None:
        return ValueError(
            f"unknown id {name!r}: nobody has registered an id of the namespace {namespace!r}; there are "
            f"{', '.join(ours)}. gym_suite.register({name!r}, like=... or base=...) in a module that is imported first "
            "brings an environment of your own into the catalogue"
        )
    return unknown_error("id", name, _catalogue)


def class_named(module: str, name: str) -> Any:
    """Return a class of an id by the module and the name that its card gives it.

    The packages of the families' environments call it for names that they do not have (PEP 562), so that a class is
    made when it is first asked for.

    Raises:
        AttributeError: If no id has such a class.
    """
    if name.endswith("Env"):
        for entry in _catalogue.values():
            if entry.module != module:
                continue
            for face in ("", "Vector", "Parallel"):
                if entry.class_name(face) == name:
                    return _class(entry, face)
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def classes_of(module: str) -> list[str]:
    """Return the names of the classes that :func:`class_named` finds in a module."""
    return [
        entry.class_name(face)
        for entry in _catalogue.values()
        if entry.module == module
        for face in entry.faces
    ]


def _class(entry: Card, face: str = "") -> Any:
    from gym_suite.core.ids import id_class

    return id_class(entry, load(entry.base), face)


def id_class_of(id: str) -> Any:
    """Return the class of an id that documents it and makes its setups: ``configure``, ``option_set``.

    Args:
        id: An id of the catalogue; a "gym_suite:" in front is allowed.

    Raises:
        ValueError: If there is no such id, naming the nearest.
    """
    return _class(card(id))


def assumed(id: str, keywords: Mapping[str, Any], worlds: int = 1) -> dict[str, Any]:
    """Return keywords that an id assumes here where a user does not say them, such as an engine that is installed.

    Args:
        id: Of any environment; one that is not of the catalogue assumes nothing.
        keywords: What the user gave.
        worlds: How many worlds there are to be.
    """
    entry = _catalogue.get(id)
    assume = getattr(_class(entry), "assumed", None) if entry is not None and entry.base else None
    return assume(keywords, worlds) if assume else {}


def register(
    id: str,
    *,
    like: str | None = None,
    base: Any = None,
    summary: str | None = None,
    facets: Mapping[str, str] | None = None,
    agents: str | None = None,
    max_episode_steps: int | None = None,
    tags: Sequence[str] | None = None,
    controllers: Mapping[str, Any] | None = None,
    strong: Sequence[str] | None = None,
    protocol: Protocol | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    page: str = "",
    keywords: Mapping[str, Any] | None = None,
) -> Card:
    """Add an id of your own: make, make_vec, PettingZoo, show, compare and the conformance suite then know it.

    Call it at the import of a module of yours, so that other processes that import the module know the id too. Calling
    it again with the same arguments changes nothing.

    Args:
        id: The new id, such as "lab/MyDrive-v0".
        like: An id that the new one is made from; what is not given here is as there.
        base: Instead of ``like``, for a family of your own: its subclass of :class:`gym_suite.core.ids.IdEnv`, or
            ``"module:Class"``.
        summary: One line, without a full stop.
        facets: What the id is made of, where the base has facets; those of ``like`` that are not named stay.
        agents: "one", "several" (PettingZoo only) or "both".
        max_episode_steps: Time limit in control periods; None where the id truncates by itself.
        tags: For filtering.
        controllers: Name to class or ``"module:Class"``; the first is the reference. Do-nothing and random are added.
        strong: Names of those controllers that are made to earn most in the nominal plant.
        protocol: How the id is judged where results are to be compared; by default that of ``like``.
        settings: Named keywords under which the id is judged too.
        page: What only words can say of the id: Markdown in sections headed as on a page, or a path to such a file.
        keywords: Default values of keyword arguments, such as ``{"machine": "my_motor.toml"}``.

    Returns:
        The card.

    Raises:
        ValueError: If the id exists already, if neither or both of ``like`` and ``base`` are given, for an unknown
            facet or keyword (naming the nearest), an option without a meaning, or keywords that make no setup.
    """
    if (like is None) == (base is None):
        raise ValueError(
            "give like= (an id to start from) or base= (a family of your own), not both"
        )
    given: dict[str, Any] = {
        "summary": summary,
        "agents": agents,
        "max_episode_steps": max_episode_steps,
        "settings": settings,
        "tags": None if tags is None else tuple(tags),
        "prose": _read_page(page) or None,
        "controllers": _entries(controllers),
        "strong": tuple(strong or ()) if strong is not None or controllers is not None else None,
        "protocol": protocol,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if like is not None:
        old = card(like)
        given |= {
            "facets": {**old.facets, **(facets or {})},
            "keywords": {**old.keywords, **(keywords or {})},
            "learned": (),
            "tuned": (),
        }
        new = replace(old, id=id, module=OUTSIDE, entry_point="", **given)
    else:
        entry = _entry(base)
        new = Card(
            id=id,
            family=_family_named(entry),
            base=entry,
            module=OUTSIDE,
            facets=dict(facets or {}),
            keywords=dict(keywords or {}),
            **{"summary": id, **given},
        )
    if _catalogue.get(new.id) == new:
        return new
    if new.id in _catalogue or new.id in gymnasium.registry:
        raise ValueError(
            f"the id {new.id} exists already; choose another name or a new version of it"
        )
    _check(new)
    add(new)
    return new


def add(new: Card) -> None:
    """Put a card that has been checked into the catalogue and the registries, as workers of a comparison do.

    Args:
        new: The card.
    """
    _catalogue[new.id] = new
    _register(new)


def _check(new: Card) -> None:
    from gym_suite.core.ids import IdEnv, check_facets, id_class
    from gym_suite.core.page import compose

    base = load(new.base)
    if not (isinstance(base, type) and issubclass(base, IdEnv)):
        raise ValueError(f"{new.base} is no subclass of gym_suite.core.ids.IdEnv")
    check_facets(new, base)
    compose(id_class(new, base))


def _entry(thing: Any) -> str:
    """Return the ``"module:name"`` of a class; a string is one already."""
    if isinstance(thing, str):
        return thing
    name = getattr(thing, "__qualname__", "<locals>")
    if "<" in name:
        raise ValueError(
            f"{thing!r} cannot be found again by name: define it at the level of a module"
        )
    return f"{thing.__module__}:{name}"


def _entries(controllers: Mapping[str, Any] | None) -> dict[str, str] | None:
    if controllers is None:
        return None
    return {**{name: _entry(law) for name, law in controllers.items()}, **BASELINES}


def _family_named(entry: str) -> str:
    from gym_suite.core.kernel import family_of

    return family_of(entry.partition(":")[0])


def _read_page(page: str) -> str:
    from pathlib import Path

    text = str(page)
    if "\n" not in text and text.endswith(".md"):
        return Path(text).read_text("utf-8")
    return text


def families() -> list[str]:
    """Return the families that have ids."""
    return list(dict.fromkeys(entry.family for entry in _catalogue.values()))


def register_all() -> None:
    """Put every id into the registries; calling it again changes nothing."""
    for entry in list(_catalogue.values()):
        if entry.id not in gymnasium.registry:
            _register(entry)


def _register(entry: Card) -> None:
    single = entry.entry_point or "gym_suite.registration:refuse_single"
    gymnasium.register(
        entry.id,
        entry_point=single,
        vector_entry_point=entry.vector_entry_point
        or (None if entry.entry_point else "gym_suite.registration:refuse_several"),
        max_episode_steps=entry.max_episode_steps,
        # Not called "id": make() has an argument of that name.
        kwargs={} if entry.entry_point else {"of": entry.id},
    )
    if entry.parallel_entry_point:
        import pettingzoo

        pettingzoo.register(
            "parallel",
            entry.id,
            entry_point=entry.parallel_entry_point,
            max_cycles=entry.max_episode_steps,
        )


def refuse_single(*, of: str, **keywords: Any) -> None:
    """Stand in for the single environment of an id that exists only for several agents.

    Args:
        of: The id.
        **keywords: What was given besides.

    Raises:
        ValueError: Always; names what to call.
    """
    raise ValueError(
        f"{of} has several agents: make it with gym_suite.parallel_env({of!r}), a PettingZoo ParallelEnv"
    )


def refuse_several(*, of: str, num_envs: int = 1, **keywords: Any) -> None:
    """Stand in for the vector environment of such an id; arguments as for :func:`refuse_single`."""
    refuse_single(of=of)


def parallel_env(id: str, **keywords: Any) -> Any:
    """Return the PettingZoo ParallelEnv of an id with several agents.

    Args:
        id: An id of the catalogue; a "gym_suite:" in front is allowed.
        **keywords: The environment's keyword arguments.

    Raises:
        ValueError: If the id is unknown or has one agent.
    """
    entry = card(id)
    if not entry.parallel_entry_point:
        raise ValueError(f"{entry.id} has one agent: make it with gymnasium.make({entry.id!r})")
    given = dict(keywords)
    if entry.max_episode_steps is not None:
        given.setdefault("max_episode_steps", entry.max_episode_steps)
    return load(entry.parallel_entry_point)(**given)


def make_controller(env: Any, name: str | None = None, **overrides: Any) -> Any:
    """Return a tuned controller for an environment.

    Args:
        env: A single or vector environment of this package, wrapped or not.
        name: One of the id's controllers; the reference one by default.
        **overrides: The controller's own keyword arguments.

    Raises:
        ValueError: If the id has no such controller, naming the nearest.
        TypeError: If the environment is not of this package.
    """
    setup = getattr(getattr(env, "unwrapped", None), "setup", None)
    if setup is None:
        raise TypeError(f"controllers are for environments of this package, got {env!r}")
    entry = card(setup.id)
    if name is None:
        name = entry.reference
    if name not in entry.controllers:
        raise unknown_error(f"controller of {entry.id}", name, entry.controllers)
    return load(entry.controllers[name]).for_env(env, **overrides)
