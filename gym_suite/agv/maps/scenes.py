"""Scenes: files that say on which map vehicles drive, from where to where, what else moves, and what that changes.

A scene is a TOML file of keyword arguments of the family's environments. Its map is the name of one, a drawing of
several lines, or a table with the kind, as :func:`gym_suite.agv.maps.build_layouts` takes them; whatever it leaves out
is as always.
"""

from __future__ import annotations

import os
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import unknown_error

_FOLDER = resources.files("gym_suite.agv").joinpath("scenes")
#: Names of the scenes that come with the package.
SCENES = tuple(
    sorted(
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml")
    )
)


def read_scene(scene: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the keyword arguments of a scene.

    Args:
        scene: A name of :data:`SCENES`, or the path of a TOML file.

    Raises:
        ValueError: For an unknown name, naming the nearest, or a file that cannot be read or is no TOML.
    """
    if isinstance(scene, str) and not scene.casefold().endswith(".toml"):
        if scene not in SCENES:
            raise unknown_error("scene", scene, SCENES)
        return tomllib.loads(_FOLDER.joinpath(f"{scene}.toml").read_text("utf-8"))
    try:
        return tomllib.loads(Path(scene).read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the scene {os.fspath(scene)!r} cannot be read: {error}") from None
