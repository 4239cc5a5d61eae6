"""Keyword arguments as data: each is declared once, with its default, what it takes and what it means.

A family declares its options in one frozen dataclass derived from :class:`PlantOptions`; an id takes some of them, with
defaults of its own, which is an :class:`OptionSet`. From it come the check of a user's keywords and the table of
arguments on the id's page::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(PlantOptions):
        tau: float = option(1e-4, takes="s", meaning="period of inverter and control")

    HERE = OptionSet(Options, without=("window",), defaults={"tau": 5e-5})
    HERE.read("gem/PMSM-v0", {"tau": 1e-3}).tau
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import check_keywords
from gym_suite.core.signals import Signal

Declared = TypeVar("Declared", bound="PlantOptions")


def option(default: Any = MISSING, *, meaning: str, takes: str = "") -> Any:
    """Declare a keyword argument of a family's environments.

    Args:
        default: Its default value.
        meaning: One line for the page, without a full stop.
        takes: What may be given, or the unit: "Hz", "a name, a mapping or a `Vehicle`".

    Raises:
        ValueError: If the meaning is empty.
    """
    if not meaning.strip():
        raise ValueError("an option needs a meaning: it is all that a user reads about it")
    keywords = {} if default is MISSING else {"default": default}
    return field(**keywords, metadata={"meaning": meaning, "takes": takes})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantOptions:
    """What every environment takes: departures of the plant from what controllers know, own terms and quantities."""

    noise: Any = option(
        None,
        takes="a fraction, or a mapping from name to SI value",
        meaning="standard deviation of the white noise on what is measured",
    )
    mismatch: Any = option(
        None,
        takes="a fraction, or a mapping from name to a factor or a pair of factors",
        meaning="how parameters of the plant depart from nominal, drawn at each reset",
    )
    delay: int = option(
        0,
        takes="control periods",
        meaning="by how much actions are late, on top of the plant's own delay",
    )
    disturbance: Any = option(
        None,
        takes="a mapping from channel to signal",
        meaning="what acts on the plant besides the action",
    )
    reward_terms: Any = option(
        None,
        takes="a mapping from name to formula, or to a function of the columns by name",
        meaning="terms of your own, added to the reward: over metrics, actions and states by their names",
    )
    observed_quantities: Any = option(
        None,
        takes="a mapping from name to formula or function, or to a mapping with it as `value`, `low` and `high`",
        meaning="quantities of your own, observed behind the id's: over metrics and states by their names",
    )

    def read(
        self,
        observations: Columns,
        measured: Sequence[str],
        parameters: Columns,
        physical: Sequence[str],
        channels: Sequence[str],
    ) -> Disturbed:
        """Return the four keywords as numbers.

        Args:
            observations: Observation columns.
            measured: Names of those that ``noise=`` may touch.
            parameters: Parameter columns.
            physical: Names of those that ``mismatch=`` may touch.
            channels: What ``disturbance=`` may drive.

        Raises:
            ValueError: For an unknown name, naming the nearest, or a number out of bounds.
            TypeError: For a value of the wrong kind.
        """
        return Disturbed(
            noise=read_noise(self.noise, observations, measured),
            mismatch=read_mismatch(self.mismatch, parameters, physical),
            delay=read_delay(self.delay),
            signals=tuple(read_disturbance(self.disturbance, channels)),
        )


@dataclass(frozen=True, slots=True)
class Disturbed:
    """The four keywords of :class:`PlantOptions`, read.

    Attributes:
        noise: Standard deviation of each observation column in its own units, (no,); None without noise.
        mismatch: (k, 3): parameter column, lowest and highest factor.
        delay: Control periods by which actions are late.
        signals: One signal per channel, or none at all.
    """

    noise: np.ndarray | None
    mismatch: np.ndarray
    delay: int
    signals: tuple[Signal, ...]

    @property
    def setup(self) -> dict[str, Any]:
        """The fields of a :class:`gym_suite.core.family.Setup` that follow."""
        return {"noise": self.noise, "mismatch": self.mismatch, "delay": self.delay}


@dataclass(frozen=True, slots=True)
class Argument:
    """A keyword argument of an id as its page shows it.

    Attributes:
        name: Of the keyword.
        default: Its default value for this id.
        takes: What may be given, or the unit.
        meaning: One line.
    """

    name: str
    default: Any
    takes: str
    meaning: str


class OptionSet(Generic[Declared]):
    """The options that an id takes, with its own defaults.

    Args:
        declared: The family's dataclass of options.
        without: Names that this id does not take.
        defaults: Values that differ from the declared ones; later mappings win.

    Raises:
        ValueError: If an option has no meaning, or a name is none of the options.
    """

    __slots__ = ("arguments", "declared", "defaults", "names")

    def __init__(
        self,
        declared: type[Declared],
        *,
        without: Sequence[str] = (),
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        fields = {f.name: f for f in dataclasses.fields(declared)}
        silent = [name for name, f in fields.items() if not f.metadata.get("meaning")]
        if silent:
            raise ValueError(
                f"{declared.__name__}.{silent[0]} has no meaning; declare it by option(default, meaning=...)"
            )
        check_keywords(without, fields, "option left out")
        shared = [f.name for f in dataclasses.fields(PlantOptions)]
        own = [name for name in fields if name not in shared]
        self.declared = declared
        self.names = tuple(name for name in (*own, *shared) if name not in without)
        check_keywords(defaults, self.names, "option with a default of its own")
        self.defaults: Mapping[str, Any] = MappingProxyType(
            {name: defaults.get(name, fields[name].default) for name in self.names}
        )
        self.arguments = tuple(
            Argument(name, self.defaults[name], about["takes"], about["meaning"])
            for name in self.names
            for about in (fields[name].metadata,)
        )

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def read(self, id: str, keywords: Mapping[str, Any]) -> Declared:
        """Return the options for a user's keywords.

        Args:
            id: For the error.
            keywords: What the user gave.

        Raises:
            ValueError: For a keyword that the id does not take, naming the nearest.
        """
        check_keywords(keywords, self.names, f"keyword of {id}")
        return self.declared(**(dict(self.defaults) | dict(keywords)))

    def as_given(self, options: Declared) -> dict[str, Any]:
        """Return the values of the options that the id takes, by name."""
        return {name: getattr(options, name) for name in self.names}

    def replaced(self, defaults: Mapping[str, Any]) -> OptionSet[Declared]:
        """Return the same set with other defaults laid over its own."""
        every = [f.name for f in dataclasses.fields(self.declared)]
        return OptionSet(
            self.declared,
            without=[name for name in every if name not in self.names],
            defaults=dict(self.defaults) | dict(defaults),
        )
