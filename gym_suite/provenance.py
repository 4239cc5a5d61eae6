"""Where a number comes from: the commit, the machine and the versions that produced it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gym_suite.version import __version__

_ROOT = Path(__file__).resolve().parent.parent
#: Variables by which the numeric libraries are told how many threads to use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@cache
def commit() -> str | None:
    """Return the commit of the checkout that the package runs from, None where it is installed.

    "+changes" follows where the package's sources differ from the commit.
    """
    if not (_ROOT / ".git").exists():
        return None
    found = _git("rev-parse", "HEAD")
    if found is None:
        return None
    changed = _git("status", "--porcelain", "--", "gym_suite")
    return found + ("+changes" if changed else "")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def machine() -> dict[str, str | int]:
    """Return CPU, operating system and the threads that numeric libraries may use.

    Two machines need not round alike: a training repeats bit for bit on one machine and source, elsewhere only
    statistically.
    """
    threads = next((os.environ[name] for name in THREADS if os.environ.get(name)), "")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "os": platform.platform(),
        "threads": int(threads) if threads.isdecimal() else os.cpu_count() or 1,
    }


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not a Linux
    return platform.processor() or platform.machine()


def versions(packages: Iterable[str] = ("numpy", "numba", "gymnasium")) -> dict[str, str]:
    """Return the versions of the package, of Python and of those packages that are installed.

    Args:
        packages: Names of distributions. The version of torch names its build, such as "2.13.0+cpu".
    """
    found = {"gym_suite": __version__, "python": platform.python_version()}
    return found | {name: own for name in packages if (own := _version(name)) is not None}


@cache
def _version(name: str) -> str | None:
    """Return the version of a distribution, None where it is not installed; read once, for every result asks."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
