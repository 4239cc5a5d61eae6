"""Vehicle files: TOML with the tables ``[vehicle]`` and ``[model]``, which ``vehicle=`` and ``model=`` take."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords

TABLES = ("vehicle", "model")


def is_file(value: object) -> bool:
    """Return whether a value names a vehicle file."""
    return isinstance(value, Path) or (
        isinstance(value, str) and value.casefold().endswith(".toml")
    )


def read_file(path: object, table: str) -> dict[str, Any]:
    """Return a table of a vehicle file, which :func:`gym_suite.analysis.identify` writes, or people do.

    Args:
        path: Path of the file.
        table: "vehicle" or "model"; a file without it gives an empty table.

    Raises:
        ValueError: If there is no such file, it is not TOML or holds other tables.
    """
    name = Path(str(path))
    try:
        content = tomllib.loads(name.read_text("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"the vehicle file {name} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the vehicle file {name} is not TOML: {error}") from None
    check_keywords(content, TABLES, f"table of {name.name}")
    if not content:
        raise ValueError(
            f"the vehicle file {name} is empty: it holds a table, {' or '.join(TABLES)}"
        )
    for name_of, values in content.items():
        if not isinstance(values, dict):
            raise ValueError(f"the vehicle file {name}: {name_of} must be a table, got {values!r}")
    return dict(content.get(table, {}))


def departures(built: Any, sets: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping that gives a parameter set again: under "base" the nearest named one, and what differs from it.

    Args:
        built: A dataclass of parameters.
        sets: The named sets, of its class.
    """

    def beside(base: Any) -> dict[str, Any]:
        own = {f.name: getattr(built, f.name) for f in fields(built)}
        return {name: value for name, value in own.items() if value != getattr(base, name)}

    name = min(sets, key=lambda known: len(beside(sets[known])))
    return {"base": name, **beside(sets[name])}


def write_file(path: str | Path, comment: str, **tables: Mapping[str, Any]) -> None:
    """Write a vehicle file.

    Args:
        path: Path of the file.
        comment: Lines to stand at its head, without the sign of a comment.
        tables: Numbers, truth values, names and lists of these by table, "vehicle" and "model".
    """
    lines = [f"# {line}" for line in comment.splitlines()]
    for table, values in tables.items():
        lines += ["", f"[{table}]"]
        for name, value in values.items():
            plain = isinstance(value, bool | str | list | tuple)
            # All digits of a number: what is read again is what was written.
            text = json.dumps(value, ensure_ascii=False) if plain else repr(float(value))
            lines.append(f"{name} = {text}")
    Path(path).write_text("\n".join(lines) + "\n", "utf-8")
