"""What ``gym-suite doctor`` finds out about this machine, and what ``gym-suite warm`` does for it."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from rich.table import Table
from rich.text import Text

from gym_suite.core.extras import DISTRIBUTION, install_line
from gym_suite.core.kernel import CACHE_VARIABLE, Compilations, cache_folder, cache_root
from gym_suite.core.parameters import check_option
from gym_suite.registration import Card, catalogue, families, load, make_controller
from gym_suite.sheets import plain_table
from gym_suite.version import __version__

#: What each extra is for; a test compares the names with those that the package declares.
EXTRAS = {
    "rl": "training with Stable-Baselines3: gym-suite train",
    "jax": "training with Stable-Baselines Jax: gym-suite train --learner sbx",
    "control": "linear models for python-control: linearize(...).to_control()",
    "tune": "search of gains: gym-suite tune",
    "tensorboard": "learning curves while they grow: gym-suite train --tensorboard",
    "bullet": "quadcopters in PyBullet; without it they fly with engine='compiled'",
    "video": "videos as .mp4: gym-suite render --out flight.mp4",
    "lab": "teaching labs in the browser: gym-suite lab",
    "sitl": "Betaflight's firmware in the loop: gym-suite fly",
    "sigmf": "recordings in SigMF, from and to other radio software",
    "docs": "the documentation: make docs",
    "test": "the package's own tests",
}
State = Literal["ok", "missing", "note"]
_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("yes", "green"),
    "missing": ("no", "red"),
    "note": ("note", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        state: "ok", "missing" where a feature cannot be used, or "note" for what is worth knowing.
        about: What was found.
        remedy: The line that mends it, where one does.
    """

    what: str
    state: State
    about: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Return what this machine has and lacks: interpreter, libraries, extras, display, kernel cache."""
    return [*_interpreter(), *_extras(), _display(), *_cache()]


def as_table(findings: Iterable[Finding]) -> Table:
    """Return findings as a table for a terminal."""
    table = plain_table("", "here", "found", "what to do")
    for finding in findings:
        mark, style = _MARKS[finding.state]
        table.add_row(finding.what, Text(mark, style=style), finding.about, finding.remedy)
    return table


def _interpreter() -> Iterator[Finding]:
    yield Finding("gym_suite", "ok", f"{__version__} in {os.path.dirname(__file__)}")
    yield Finding(
        "Python",
        "ok",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    )
    names = ("numpy", "scipy", "gymnasium", "numba", "matplotlib", "pettingzoo")
    yield Finding("libraries", "ok", ", ".join(f"{name} {version(name)}" for name in names))


def _extras() -> Iterator[Finding]:
    """Compare what the package's extras ask for with what is installed."""
    try:
        needs = requirements()
    except PackageNotFoundError:
        yield Finding(
            "extras",
            "missing",
            "the package runs from its folder and is not installed, so what its extras ask for is not known",
            "pip install -e .",
        )
        return
    for extra, names in needs.items():
        missing = [name for name in names if not _installed(name)]
        about = EXTRAS.get(extra, extra)
        if missing:
            yield Finding(
                f"extra {extra}",
                "missing",
                f"{about} (lacks {', '.join(missing)})",
                install_line(extra),
            )
        else:
            yield Finding(f"extra {extra}", "ok", about)


def requirements() -> dict[str, list[str]]:
    """Return the packages that each extra asks for, by the extra's name; extras within extras are left out.

    Raises:
        PackageNotFoundError: If the package is not installed, only found on the path.
    """
    found: dict[str, list[str]] = {}
    about = metadata(DISTRIBUTION)
    for extra in about.get_all("Provides-Extra") or ():
        found[extra] = []
    for line in about.get_all("Requires-Dist") or ():
        named = re.search(r"""extra\s*==\s*["']([\w.-]+)["']""", line)
        name = re.match(r"[\w.-]+", line)
        if named and name and name[0] != DISTRIBUTION and named[1] in found:
            found[named[1]].append(name[0])
    return found


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _display() -> Finding:
    if sys.platform in ("win32", "darwin"):
        seen = True
    else:
        seen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if not seen:
        return Finding(
            "display",
            "note",
            "none: render_mode='human' cannot open a window, pictures and videos work",
            "gym-suite render ID --out episode.gif",
        )
    if find_spec("tkinter") is None:
        return Finding("display", "note", "there is one, but no tkinter to draw on it", "")
    return Finding("display", "ok", "windows can be opened: render_mode='human'")


def _cache() -> Iterator[Finding]:
    root = cache_root()
    yield Finding("kernel cache", "ok", f"{root} (another folder: {CACHE_VARIABLE})")
    cold = [family for family in families() if not any(cache_folder(family).rglob("*.nbc"))]
    if cold:
        yield Finding(
            "compiled kernels",
            "note",
            f"none yet for {', '.join(cold)}: their first start takes half a minute of compiling",
            "gym-suite warm",
        )
    else:
        yield Finding("compiled kernels", "ok", "there are some for every family")


def warm(
    family: str | None = None, *, tell: Callable[[str], None] = lambda line: None
) -> tuple[int, float]:
    """Compile ahead what the environments and their reference controllers need, so that later starts are quick.

    Args:
        family: Only this family.
        tell: Is given a line for each id.

    Returns:
        Number of functions compiled, and seconds taken.

    Raises:
        ValueError: For an unknown family, naming the nearest.
    """
    if family is not None:
        check_option("family", family, families())
    chosen = [c for c in catalogue().values() if family in (None, c.family)]
    start = time.perf_counter()
    with Compilations() as compiled:
        for k, entry in enumerate(chosen, 1):
            before, begun = compiled.count, time.perf_counter()
            problem = _touch(entry)
            seconds = time.perf_counter() - begun
            what = problem or f"{compiled.count - before} functions, {seconds:.1f} s"
            tell(f"{k} of {len(chosen)}  {entry.id}: {what}")
    return compiled.count, time.perf_counter() - start


def _touch(entry: Card) -> str:
    """Make an id in all forms that have kernels of their own, and step each once; return why one cannot be made."""
    import gymnasium

    engines = [k for k in entry.settings.values() if "engine" in k]
    problem = ""
    # What needs an extra runs in real time, on the kernels of its setting that needs none.
    for keywords in engines if entry.extra else ({}, *engines):
        try:
            if entry.entry_point:
                env: Any = gymnasium.make(entry.id, **keywords)
                law = make_controller(env)
                observation, _ = env.reset(seed=0)
                env.step(law.predict(observation)[0])
            else:
                env = load(entry.parallel_entry_point)(**keywords)
                env.reset(seed=0)
                spaces = {name: env.action_space(name) for name in env.agents}
                for space in spaces.values():
                    space.seed(0)
                env.step({name: np.asarray(space.sample()) for name, space in spaces.items()})
            env.close()
        except ImportError as error:
            problem = f"left out, {' '.join(str(error).split())}"
    return problem
