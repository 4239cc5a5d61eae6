"""Scenario files: the shipped ones by name, JSON and TOML files by path. They are data and never executed."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import unknown_error


def shipped() -> tuple[str, ...]:
    """Return the names of the shipped scenarios."""
    folder = resources.files("gym_suite.radio").joinpath("scenarios")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(n.removesuffix(".json") for n in names if n.endswith(".json")))


def load_mapping(source: str | Path) -> dict[str, Any]:
    """Return the mapping in a shipped scenario (by name) or a JSON or TOML file (by path).

    Raises:
        ValueError: For an unknown name (naming the nearest), or a file that is no JSON or TOML object.
        FileNotFoundError: For a path that does not exist.
    """
    text, label = _text(source)
    try:
        if label.casefold().endswith(".toml"):
            return tomllib.loads(text)
        value = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{label} is not a valid scenario file: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{label} must hold one object, got {type(value).__name__}")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, which would else keep the last of what has one name."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return found


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _text(source: str | Path) -> tuple[str, str]:
    name = str(source)
    if isinstance(source, str) and not name.casefold().endswith((".json", ".toml")):
        if name not in shipped():
            raise unknown_error("scenario", source, shipped())
        file = resources.files("gym_suite.radio").joinpath(f"scenarios/{name}.json")
        return file.read_text("utf-8"), name
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"there is no scenario file {name!r}")
    try:
        return path.read_text("utf-8-sig"), name
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not a text file: {error}") from None
