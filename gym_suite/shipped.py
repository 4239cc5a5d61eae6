"""Files that the wheel puts beside the package: where they lie, be it in a clone or installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

#: Where the wheel puts them, below the prefix of the environment.
SHARED = "share/gym-suite"


def files(folder: str, ending: str) -> dict[str, Path]:
    """Return files by their names below a folder of the repository, without ending, in their order.

    Args:
        folder: "examples" or "docs".
        ending: Such as ".py".

    Returns:
        Names such as "guides/planning", and where the files lie; nothing if the package was installed without them.
    """
    root = Path(__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file():
        found = {
            path.relative_to(root / folder): path for path in (root / folder).rglob(f"*{ending}")
        }
    else:
        found = _installed(f"{SHARED}/{folder}/", ending)
    return {name.with_suffix("").as_posix(): found[name] for name in sorted(found)}


def _installed(below: str, ending: str) -> dict[Path, Path]:
    """Return the files that the wheel has put into this environment, by their names below a folder."""
    try:
        known = distribution("gym-suite").files or []
    except PackageNotFoundError:
        return {}
    own = [file for file in known if below in file.as_posix() and file.suffix == ending]
    return {
        Path(file.as_posix().partition(below)[2]): Path(str(file.locate())).resolve()
        for file in own
    }
