"""The pages of the programming interface: one for each package that offers names to users."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

FOLDER = "api"
#: Packages whose ``__all__`` is for users, and modules that are documented as a whole.
PACKAGES = (
    "gym_suite",
    "gym_suite.controllers",
    "gym_suite.analysis",
    "gym_suite.comparison",
    "gym_suite.learning",
    "gym_suite.rendering",
    "gym_suite.testing",
    "gym_suite.motors",
    "gym_suite.motors.machines",
    "gym_suite.radio",
    "gym_suite.radio.bounds",
    "gym_suite.agv.maps",
    "gym_suite.labs",
)
MODULES = (
    "gym_suite.core.cards",
    "gym_suite.core.columns",
    "gym_suite.core.env",
    "gym_suite.core.vector_env",
    "gym_suite.core.parallel_env",
    "gym_suite.core.family",
    "gym_suite.core.ids",
    "gym_suite.core.loops",
    "gym_suite.core.marks",
    "gym_suite.core.options",
    "gym_suite.core.signals",
    "gym_suite.core.trajectory",
)


def pages() -> Iterator[tuple[str, str]]:
    """Yield path and text of every page of this part."""
    names = (*PACKAGES, *MODULES)
    listed = "\n".join(f"{name} <{name}>" for name in names)
    rows = ["| module | what it is |", "|---|---|"]
    rows += [f"| [`{name}`]({name}.md) | {_first_line(name)} |" for name in names]
    yield (
        f"{FOLDER}/index.md",
        "# Programming interface\n\nMade from the docstrings.\n\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n",
    )
    seen: set[int] = set()
    for name in PACKAGES:
        yield f"{FOLDER}/{name}.md", _of_package(importlib.import_module(name), seen)
    for name in MODULES:
        yield f"{FOLDER}/{name}.md", _of_module(importlib.import_module(name), seen)


def _first_line(name: str) -> str:
    return (importlib.import_module(name).__doc__ or "").strip().partition("\n")[0]


def _of_package(module: ModuleType, seen: set[int]) -> str:
    return _page(module, list(getattr(module, "__all__", ())), seen)


def _of_module(module: ModuleType, seen: set[int]) -> str:
    own = [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
        if inspect.isclass(thing) or inspect.isfunction(thing)
    ]
    return _page(module, own, seen)


def _page(module: ModuleType, names: list[str], seen: set[int]) -> str:
    lines = [
        f"# {module.__name__}",
        "",
        inspect.cleandoc(module.__doc__ or "").partition("\n\n")[0],
    ]
    lines += ["", "```{eval-rst}"]
    for name in names:
        thing = getattr(module, name)
        directive = _directive(thing)
        if directive is None:
            continue
        lines.append(f".. {directive}:: {module.__name__}.{name}")
        if inspect.isclass(thing):
            lines.append("   :members:")
        if id(thing) in seen:  # described elsewhere already; the index leads there
            lines.append("   :no-index:")
        seen.add(id(thing))
        lines.append("")
    return "\n".join([*lines, "```", ""])


def _directive(thing: Any) -> str | None:
    if inspect.isclass(thing):
        return "autoexception" if issubclass(thing, BaseException) else "autoclass"
    return "autofunction" if callable(thing) else None
