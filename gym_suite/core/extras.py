"""The line that installs an extra, said alike wherever something is missing."""

from __future__ import annotations

from pathlib import Path

#: The name under which the package is distributed.
DISTRIBUTION = "gym-suite"


def install_line(extra: str) -> str:
    """Return the line that installs an extra: from the clone where the package runs from one, else from the index.

    Args:
        extra: Its name, such as "rl".
    """
    clone = (Path(__file__).resolve().parents[2] / "pyproject.toml").is_file()
    return f"pip install -e '.[{extra}]'" if clone else f"pip install '{DISTRIBUTION}[{extra}]'"
