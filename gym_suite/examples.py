"""The example programs: where they lie, be it in a clone or installed from a wheel, and what each shows."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from gym_suite import shipped
from gym_suite.core.parameters import unknown_error


@dataclass(frozen=True, slots=True)
class Example:
    """A program.

    Attributes:
        name: Of the file, without ending.
        path: The file.
        summary: What it shows, the first sentence of its docstring.
    """

    name: str
    path: Path
    summary: str


def examples() -> list[Example]:
    """Return all example programs by name.

    Raises:
        FileNotFoundError: If the package was installed without them.
    """
    paths = shipped.files("examples", ".py")
    found = [Example(name, path, _summary(path)) for name, path in paths.items()]
    if not found:
        raise FileNotFoundError(
            "this installation has no examples: install the package's wheel, or take them from its repository"
        )
    return found


def _summary(path: Path) -> str:
    told = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(told.partition("\n\n")[0].split())


def named(name: str) -> list[Example]:
    """Return the example of a name, alone in a list.

    Args:
        name: Such as "custom_controller"; "custom_controller.py" too.

    Raises:
        ValueError: If there is none, naming the nearest.
        FileNotFoundError: If the package was installed without examples.
    """
    known = {example.name: example for example in examples()}
    wanted = name.removesuffix(".py").replace("-", "_")
    if wanted not in known:
        raise unknown_error("example", name, known)
    return [known[wanted]]


def as_table() -> Table:
    """Return all examples as a table for a terminal."""
    from gym_suite.sheets import plain_table

    table = plain_table("name", "what it shows")
    for example in examples():
        table.add_row(example.name, example.summary)
    return table


def copied(chosen: Sequence[Example], folder: Path) -> list[Path]:
    """Copy examples into a folder and return where they are.

    Args:
        chosen: Which.
        folder: Where to; it is made if need be.

    Raises:
        ValueError: If the folder cannot be written, or has one of the files already; then nothing is copied.
    """
    targets = [folder / example.path.name for example in chosen]
    for target in targets:
        if target.exists():
            raise ValueError(f"{target} is there already: move it away, or choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for example, target in zip(chosen, targets, strict=True):
            target.write_text(example.path.read_text("utf-8"), "utf-8")
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be written ({error.strerror or error}): choose a folder of your own"
        ) from error
    return targets
