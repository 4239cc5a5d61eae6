"""What a training leaves behind: manifest and curves, written whole and read back to resume."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gym_suite import provenance
from gym_suite.learning.shelf import MANIFEST

CURVES = "curves.csv"
CURVE_COLUMNS = (
    "algo",
    "seed",
    "step",
    "wall_time",
    "cpu_time",
    "episode_return",
    "episode_length",
    "evaluation_error",
    "evaluation_return",
    "evaluation_trips",
    "evaluation_success",
    "reference_error",
    "reference_return",
    "successes",
    "first_success",
    "coverage",
)


def folder_named(name: str, given: str | os.PathLike[str]) -> Path:
    """The folder that an argument names.

    Args:
        name: Of the argument, for the error.
        given: What was given.

    Raises:
        ValueError: It is empty, which as a path would be the folder that one is in.
        NotADirectoryError: It is a file, or lies below one.
    """
    if not str(given):
        raise ValueError(f"{name} is empty: give a folder, or leave it out")
    folder = Path(given)
    for place in (folder, *folder.parents):
        if place.is_file():
            raise NotADirectoryError(
                f"{name} is to be a folder, and {place} is a file: give a folder, or a name that nothing has yet"
            )
    return folder


def prepare_folder(folder: Path) -> None:
    """Make the output folder and prove that it can be written.

    Raises:
        OSError: It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        raise OSError(f"cannot write policies into {folder}: {e.strerror or e}") from e


def write_text(path: Path, text: str) -> None:
    """Replace a file at once, so that a killed run never leaves half of one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def read_manifest(folder: Path, id: str) -> dict[str, Any]:
    """The manifest of a training folder, or a new one.

    Raises:
        ValueError: The folder holds policies of another id, or its manifest is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {"id": id, "runs": {}}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        other, _ = manifest["id"], manifest["runs"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"{path} is damaged: {e}") from e
    if other != id:
        raise ValueError(
            f"{folder} holds policies of {other!r}, not of {id!r}: choose another folder"
        )
    return manifest


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest."""
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def replace_curve(folder: Path, algo: str, seed: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put the learning curve of one run in the place of an older one of the same seed.

    Algorithms stay in the order in which they came, their curves in the order of the seeds, whichever ended first.
    """
    path = folder / CURVES
    kept = [r for r in read_curves(folder) if (r["algo"], r["seed"]) != (algo, str(seed))]
    both = [*kept, *rows]
    first = list(dict.fromkeys(row["algo"] for row in both))
    both.sort(key=lambda row: (first.index(row["algo"]), int(row["seed"])))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list[str](CURVE_COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(both)
    write_text(path, text.getvalue())


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What the trainings of one algorithm came to, a number for each training seed.

    Attributes:
        algo: The algorithm.
        steps: Environment steps.
        cpu_time: Processor seconds, evaluations included.
        success: Part of the last evaluation's episodes that reached their goal; empty where there is none.
        first_success: Steps until training reached a goal for the first time; infinite if never.
        coverage: Cells visited in training; empty where they were not counted.
    """

    algo: str
    steps: tuple[int, ...]
    cpu_time: tuple[float, ...]
    success: tuple[float, ...]
    first_success: tuple[float, ...]
    coverage: tuple[int, ...]


def read_curves(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's learning curves; none where there is none."""
    path = folder / CURVES
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcomes(folder: Path) -> dict[str, Outcome]:
    """What the trainings of a folder came to, by algorithm in the order of its curves."""
    last: dict[str, dict[str, dict[str, str]]] = {}
    for row in read_curves(folder):
        last.setdefault(row["algo"], {})[row["seed"]] = row
    found = {}
    for algo, rows in last.items():
        ends = [rows[seed] for seed in sorted(rows, key=int)]
        found[algo] = Outcome(
            algo=algo,
            steps=tuple(int(row["step"]) for row in ends),
            cpu_time=tuple(float(row["cpu_time"]) for row in ends),
            success=tuple(float(r["evaluation_success"]) for r in ends if r["evaluation_success"]),
            first_success=tuple(float(row["first_success"] or math.inf) for row in ends),
            coverage=tuple(int(row["coverage"]) for row in ends if row["coverage"]),
        )
    return found


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of everything that decides how a training runs; that of torch names its build.

    Args:
        packages: Names of the distributions of the library that learns.
    """
    return provenance.versions(("numpy", "numba", "gymnasium", *packages))
