"""The line that installs an extra, said alike wherever something is missing."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

#: The name under which the package is distributed.
DISTRIBUTION = "gym-suite"


def install_line(extra: str) -> str:
    """Return the line that installs an extra: from the clone where the package runs from one, else from the index.

    Args:
        extra: Its name, such as "rl".
    """
    clone = (Path(__file__).resolve().parents[2] / "pyproject.toml").is_file()
    return f"pip install -e '.[{extra}]'" if clone else f"pip install '{DISTRIBUTION}[{extra}]'"


def import_extra(name: str, missing: str) -> Any:
    """Return the module of a package that an extra installs.

    Python takes a folder of that name beside a user's files for a package too, one without a single line.

    Args:
        name: Of the module.
        missing: What to say where it is not installed.

    Raises:
        ImportError: If it is not installed; naming the folder that was found in its place.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ImportError(missing) from error
    if getattr(module, "__file__", None) is None:
        folders = ", ".join(getattr(module, "__path__", ()))
        raise ImportError(f"{missing}; the folder {folders} of that name is not the package")
    return module
