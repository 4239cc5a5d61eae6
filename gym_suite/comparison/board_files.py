"""The files of a leaderboard's folder that say what it is: how they are read, and what is told of a damaged one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from gym_suite.comparison.results import slug, write_whole
from gym_suite.comparison.rows import check_row
from gym_suite.comparison.shapes import check_shape
from gym_suite.registration import catalogue

__all__ = [
    "FORMAT",
    "Entry",
    "check_extent",
    "read_about",
    "read_entry",
    "read_row",
    "write_json",
]

FORMAT = 2

_ABOUT = {
    "format": int,
    "version": str,
    "sources": {str: str},
    "protocol": bool,
    "episodes": int,
    "steps": (int, None),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody's policies or controller on an id, beside the agents of its ladder.

    Attributes:
        id: environment id.
        name: for tables.
        files: policies, one per training, or the one file of a controller: gains (.json) or a factory's (.py).
        by: who made it.
        factory: name of the function that builds the controller, empty for policies and gains.
        accepted: of an accepted entry, the digests of the files with which it was, by name; None where nothing is told.
    """

    id: str
    name: str
    files: tuple[Path, ...]
    by: str = ""
    factory: str = ""
    accepted: Mapping[str, str] | None = None

    @property
    def digests(self) -> dict[str, str | None]:
        """Digests of its files by name as they are now; None of one that is missing."""
        return {
            file.name: sha256(file.read_bytes()).hexdigest() if file.is_file() else None
            for file in self.files
        }

    def check(self) -> None:
        """Refuse files that are not those with which the entry was accepted.

        Raises:
            ValueError: one is damaged, changed or missing.
        """
        now = self.digests
        for name, digest in (self.accepted or now).items():
            if digest is None or now.get(name) != digest:
                folder = self.files[0].parent
                raise ValueError(
                    f"{folder / name} is not what was accepted of the entry {self.name!r}: hand the entry in again as "
                    f"it was, or remove {folder}"
                )

    @property
    def agent(self) -> str | list[str]:
        """The entry as :func:`gym_suite.comparison.compare` takes an agent."""
        if self.factory:
            return f"{self.files[0]}:{self.factory}"
        if self.files[0].suffix == ".json":
            return str(self.files[0])
        return [str(path) for path in self.files]


def check_extent(protocol: bool, episodes: Any, steps: Any) -> None:
    """Refuse numbers of episodes and steps with which no leaderboard is run.

    Args:
        protocol: whether the protocols are run whole, which then decide both.
        episodes: of each agent, where they are not.
        steps: control periods after which episodes are cut then, None for the protocol's.

    Raises:
        ValueError: numbers that are not positive, or steps beside the protocol.
    """
    if protocol and steps is not None:
        raise ValueError("a protocol decides steps: leave out steps or the protocol")
    for name, value in (("episodes", episodes), ("steps", steps)):
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        if not whole and not (value is None and name == "steps"):
            raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")


def read_about(folder: Path) -> dict[str, Any] | None:
    """Read about.json; None where there is none.

    Args:
        folder: of the leaderboard.

    Raises:
        ValueError: it is damaged.
    """

    def check(about: Any) -> None:
        check_shape(about, _ABOUT)
        if about["format"] != FORMAT:
            raise ValueError("another format")
        protocol, episodes = about["protocol"], about["episodes"]
        if protocol and episodes:
            raise ValueError(f"a protocol decides episodes, got {episodes}")
        check_extent(protocol, 1 if protocol else episodes, about["steps"])

    path = folder / "about.json"
    return _read(path, check, "choose another folder") if path.is_file() else None


def read_row(path: Path) -> dict[str, Any]:
    """Read the row of an id.

    Args:
        path: of its file, which has the id's name.

    Raises:
        ValueError: it is damaged.
    """
    id = next((id for id in catalogue() if slug(id) == path.stem), "")

    def check(row: Any) -> None:
        check_row(row)
        if slug(row["id"]) != path.stem:
            raise ValueError(f"it is of {row['id']}")

    remedy = "remove it"
    if id:
        remedy += f", or run gym-suite leaderboard with {id}, which writes it anew of the results that are there"
    return _read(path, check, remedy)


def read_entry(path: Path) -> Entry:
    """Read the submission.json of an accepted entry.

    Args:
        path: of the file.

    Raises:
        ValueError: it is damaged.
    """

    def check(told: Any) -> None:
        check_shape(told, {"id": str, "name": str})
        check_shape(told, {"controller": str} if "controller" in told else {"policies": [str]})
        check_shape({"by": "", "files": {}} | told, {"by": str, "files": {str: str}})
        names = _names(told)
        if not names or not all(name and Path(name).name == name for name in names):
            raise ValueError("it names no files beside it")

    told = _read(path, check, f"remove {path.parent} and hand the entry in again")
    files = tuple(path.parent / name for name in _names(told))
    factory = told.get("controller", "").partition(":")[2]
    return Entry(told["id"], told["name"], files, told.get("by", ""), factory, told.get("files"))


def _names(told: Mapping[str, Any]) -> list[str]:
    """The names of an entry's files."""
    return [told["controller"].partition(":")[0]] if "controller" in told else told["policies"]


def write_json(path: Path, data: Any) -> None:
    """Write data as JSON, whole.

    Args:
        path: of the file.
        data: that JSON can hold.
    """
    write_whole(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def _read(path: Path, check: Callable[[Any], None], remedy: str) -> dict[str, Any]:
    """Read an object and look at it.

    Raises:
        ValueError: it is damaged.
    """
    try:
        told = json.loads(path.read_text("utf-8"))
        check(told)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}): {remedy}") from None
    return told
