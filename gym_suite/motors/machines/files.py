"""Machines in files of the user's: one TOML table of numbers by the names of the machine's parameters.

kind = "SeriesDc"
base = "SeriesDc"  # the set that it departs from; without it the kind's default set
r_a = 0.021        # Ohm
i_limit = 150.0    # A

The flux map of a machine that saturates is the name of one that comes with the package, or of a CSV file beside the
machine file: flux_map = "measured.csv".
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from gym_suite.core.parameters import nearest
from gym_suite.motors.machines.map_files import ENDINGS

ENDING = ".toml"
_WORDS = ("kind", "base", "flux_map")  # what is no number


def is_machine_file(value: object) -> TypeGuard[str | Path]:
    """Return whether a value names a machine file."""
    return isinstance(value, str | Path) and str(value).casefold().endswith(ENDING)


def read_machine_file(path: str | Path) -> dict[str, Any]:
    """Return the mapping in a machine file.

    Args:
        path: The file, relative to the working directory.

    Raises:
        ValueError: If there is no such file, naming the nearest beside it, or if it is no TOML of plain numbers.
    """
    file = Path(path)
    if not file.is_file():
        beside = sorted(other.name for other in file.parent.glob(f"*{ENDING}"))
        near = nearest(file.name, beside)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"there is no machine file {str(file)!r}{hint}")
    try:
        given = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the machine file {str(file)!r} is no TOML: {error}") from None
    if not given:
        raise ValueError(f"the machine file {str(file)!r} is empty: it holds a machine's numbers")
    for name, value in given.items():
        words = name in _WORDS
        if isinstance(value, bool) or not isinstance(value, str if words else int | float):
            wanted = "a name in quotation marks" if words else "a number"
            raise ValueError(
                f"the machine file {str(file)!r}: {name} must be {wanted}, got {value!r}"
            )
    if str(given.get("flux_map", "")).casefold().endswith(ENDINGS):  # beside the machine file
        given["flux_map"] = str(file.parent / given["flux_map"])
    return given


def write_machine_file(path: str | Path, comment: str, numbers: Mapping[str, Any]) -> None:
    """Write a machine file, which ``machine=`` takes.

    Args:
        path: Path of the file; it ends in .toml.
        comment: Lines to stand at its head, without the sign of a comment.
        numbers: The kind by "kind", and the machine's numbers by name.

    Raises:
        ValueError: If the name does not end in .toml.
        OSError: If the file cannot be written.
    """
    if not is_machine_file(str(path)):
        raise ValueError(f"a machine file ends in {ENDING}, got {str(path)!r}")
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    for name, value in numbers.items():
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else f"{value:.8g}"
        lines.append(f"{name} = {text}")
    Path(path).write_text("\n".join(lines) + "\n", "utf-8")
