"""Where policies and searched gains lie: those that ship, and what a training folder's manifest lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

__all__ = [
    "MANIFEST",
    "SHIPPED",
    "files_of",
    "folder_of",
    "listed",
    "methods",
    "runs_of",
    "shipped",
]

SHIPPED = Path(__file__).parent / "policies"
MANIFEST = "manifest.json"


def shipped(id: str, algo: str | None = None, setting: str = "nominal") -> list[Path]:
    """The policy files that come with the package for an id, as its manifest lists them.

    Args:
        id: Environment id.
        algo: Only those of this algorithm.
        setting: Only those trained under this setting of the id.

    Returns:
        Paths in order of algorithm and training seed; empty if none is shipped.
    """
    return listed(folder_of(id, setting), algo)


def methods(id: str, setting: str = "nominal") -> list[str]:
    """The algorithms of which policies come with the package for an id.

    Args:
        id: Environment id.
        setting: Only those trained under this setting of the id.
    """
    return sorted(runs_of(id, setting))


def runs_of(id: str, setting: str = "nominal") -> dict[str, Any]:
    """What the manifest tells of the trainings whose policies come with the package, by algorithm.

    Args:
        id: Environment id.
        setting: Only those trained under this setting of the id.
    """
    return _runs(folder_of(id, setting))


def listed(folder: Path, algo: str | None = None) -> list[Path]:
    """The finished policy files that a training folder's manifest lists."""
    return [
        folder / entry["file"]
        for name, run in sorted(_runs(folder).items())
        if algo in (None, name)
        for entry in sorted(run["policies"], key=lambda entry: entry["training_seed"])
    ]


def _runs(folder: Path) -> dict[str, Any]:
    """The trainings that a folder's manifest lists, by algorithm; none where there is no manifest."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return {}
    return dict(json.loads(manifest.read_text(encoding="utf-8"))["runs"])


def folder_of(id: str, setting: str = "nominal", *, root: Path = SHIPPED) -> Path:
    """Folder of an id's policies, by default of the shipped ones (``gem/PMSM-v0``: ``gem-PMSM-v0``).

    Those of a setting of the id lie in a folder of its name inside.
    """
    folder = root / id.replace("/", "-")
    return folder if setting == "nominal" else folder / setting


def files_of(id: str, *, without: Collection[str] = ()) -> str:
    """Return a digest of the policies and searched gains that ship for an id's nominal setting, "" where none do.

    Args:
        id: An id of the catalogue.
        without: Names of agents whose files are not looked at.
    """
    folder = folder_of(id)
    digest = hashlib.sha256()
    files = [
        path
        for path in sorted([*folder.glob("*.npz"), *folder.glob("*-tuned*.json")])
        if path.stem.rpartition("-")[0] not in without
    ]
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16] if files else ""
