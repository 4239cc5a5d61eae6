"""Settings: under which keywords of its environment an id is judged.

An agent is worth what it does in the setting that it likes least, so by default all of :data:`ROBUST` are run. A
setting that leaves an id as it is, such as a mismatch where the plant has no parameter, is not run; the page says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gym_suite.comparison.text import listed, visible
from gym_suite.core.parameters import unknown_error

__all__ = ["DISTURBANCES", "NOMINAL", "ROBUST", "SETTINGS", "Chosen", "Setting", "read_settings"]

NOMINAL = "nominal"

SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        NOMINAL: {},
        "noise": {"noise": 0.01},
        "mismatch": {"mismatch": 0.3},
        "delay": {"delay": 1},
    }
)
"""Settings that mean the same everywhere: nothing; measurement noise of 1 % of full scale; every plant parameter off
by up to 30 %, drawn per episode; actions late by one more control period."""

DISTURBANCES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "torque_load": {"kind": "prbs", "amplitude": 10.0, "period": 0.1},
        "u_sd": {"kind": "sine", "amplitude": 10.0, "period": 0.003},
        "u_sq": {"kind": "sine", "amplitude": 10.0, "period": 0.003, "phase": 0.25},
        "force_x": {"kind": "prbs", "amplitude": 0.01, "period": 0.5},
        "force_y": {"kind": "prbs", "amplitude": 0.01, "period": 0.5},
        "force_z": {"kind": "prbs", "amplitude": 0.01, "period": 0.5},
        "v": {"kind": "sine", "amplitude": 0.1, "period": 5.0},
        "omega": {"kind": "sine", "amplitude": 0.1, "period": 3.0},
    }
)
"""The setting "disturbance" of an id whose card names none: a signal (SI) for each channel that it has."""

ROBUST = (*SETTINGS, "disturbance")
"""What an id is judged under where nothing else is asked for."""

Changes = Callable[[str, Mapping[str, Any]], bool]


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
class Chosen:
    """The settings under which one id is run.

    Attributes:
        settings: those that change it, and the nominal one.
        idle: name of those that are not run, because they would change nothing or the id has none of that name, with
            the reason in words.
    """

    settings: tuple[Setting, ...]
    idle: Mapping[str, str]


def read_settings(
    settings: str | Iterable[str | Setting] | Mapping[str, Mapping[str, Any]] | None,
    own: Mapping[str, Mapping[str, Mapping[str, Any]]],
    keywords: Mapping[str, Any] | None = None,
    channels: Mapping[str, Sequence[str]] = MappingProxyType({}),
    changes: Changes = lambda id, keywords: True,
) -> dict[str, Chosen]:
    """The settings under which each id is run.

    Args:
        settings: names of :data:`ROBUST` or of the ids' own settings, "all" for both, or a mapping of name to
            environment keywords; None for :data:`ROBUST`.
        own: each id's own settings by name. An id that has no setting of a name that another id has is run under the
            others, and says so.
        keywords: laid over those of every setting.
        channels: by id, the names of what ``disturbance=`` may drive. An id that is missing here is not of this
            package and takes none of the keywords behind :data:`ROBUST`.
        changes: tells whether keywords make an id's environment another one; asked of :data:`ROBUST` only.

    Returns:
        The settings of each id; there may be none that is to be run, see :attr:`Chosen.idle`.

    Raises:
        ValueError: a name is unknown to all ids (the nearest is told), keywords are not plain data, or there is no
            setting.
    """
    more = dict(keywords or {})
    if isinstance(settings, Mapping):
        given: list[str | Setting] = [
            Setting(visible(str(name)), dict(words)) for name, words in settings.items()
        ]
    elif settings is None:
        given = list(ROBUST)
    else:
        given = [settings] if isinstance(settings, str) else list(settings)
    known = dict.fromkeys([*ROBUST, "all", *(name for names in own.values() for name in names)])
    for name in given:
        if not isinstance(name, Setting) and name not in known:
            raise unknown_error("setting", name, known)
    if not given:
        raise ValueError("no settings; expected at least one, such as 'nominal'")
    read = {
        id: _Reader(id, names, more, channels.get(id), changes).choose(given)
        for id, names in own.items()
    }
    for setting in (setting for chosen in read.values() for setting in chosen.settings):
        try:
            json.dumps(dict(setting.keywords))
        except TypeError as error:
            raise ValueError(
                f"keywords of setting {setting.name!r} must be plain data: {error}"
            ) from None
    return read


@dataclass(frozen=True, slots=True)
class _Reader:
    """What is needed to choose the settings of one id."""

    id: str
    own: Mapping[str, Mapping[str, Any]]
    more: Mapping[str, Any]
    channels: Sequence[str] | None
    changes: Changes

    def choose(self, given: Sequence[str | Setting]) -> Chosen:
        """The given settings that the id has, apart from those that change nothing; why the others are not run."""
        everything = dict.fromkeys((*ROBUST, *self.own))
        asked = [one for name in given for one in (everything if name == "all" else [name])]
        chosen: list[Setting] = []
        idle: dict[str, str] = {}
        seen: set[str] = set()
        for name in asked:
            key = name.name if isinstance(name, Setting) else name
            if key in seen:
                continue
            seen.add(key)
            if isinstance(name, Setting):
                chosen.append(self._laid_over(name.name, name.keywords))
            elif name in self.own or name == NOMINAL:
                chosen.append(self._laid_over(name, self.own.get(name, {})))
            elif name in ROBUST:
                setting = self._generic(name)
                if isinstance(setting, Setting):
                    chosen.append(setting)
                else:
                    idle[name] = setting
            else:
                idle[name] = f"{self.id} has no setting of that name"
        return Chosen(tuple(chosen), idle)

    def _laid_over(self, name: str, keywords: Mapping[str, Any]) -> Setting:
        return Setting(name, {**keywords, **self.more})

    def _generic(self, name: str) -> Setting | str:
        """One of :data:`ROBUST`, or why it would change nothing."""
        if self.channels is None:
            return f"{self.id} takes no keyword {name!r}"
        if name != "disturbance":
            setting = self._laid_over(name, SETTINGS[name])
        elif not self.channels:
            return "nothing but the action acts here"
        else:
            signals = {c: dict(DISTURBANCES[c]) for c in self.channels if c in DISTURBANCES}
            if not signals:
                return f"no signal is known for {listed(map(repr, self.channels))}; its card may name one"
            setting = self._laid_over(name, {"disturbance": signals})
        try:
            changed = self.changes(self.id, setting.keywords)
        except (TypeError, ValueError) as error:
            return f"the environment refuses it ({error})"
        return (
            setting if changed else "nothing here changes, the episodes stay the same, step by step"
        )
