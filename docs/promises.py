"""What the tests promise, read from the tests themselves, for the page on validation.

The name of a test is a sentence that says what holds; the tolerances are the literal numbers with which it compares.
So the page never says more than is tested.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
#: Title to the patterns of test files whose promises are on physics or mathematics; of a family all but what is in
#: :data:`OTHER`, so that a new file is on the page by itself.
CHAPTERS = {
    "Electric drives": ("motors/test_*.py", "real/test_drives.py"),
    "Quadcopters": ("drones/test_*.py", "real/test_drones.py"),
    "Radio": ("radio/test_*.py", "real/test_radio.py"),
    "Warehouse vehicles": ("agv/test_*.py", "real/test_agv.py"),
    "Analysis and control laws": (
        "analysis/test_*.py",
        "controllers/test_tuning.py",
        "core/test_integrators.py",
        "core/test_signals.py",
    ),
    "Statistics of a comparison": (
        "comparison/test_statistics.py",
        "comparison/test_metrics.py",
        "comparison/test_scores.py",
    ),
}
#: Files on how the package behaves and looks: pictures, pages, files, bad input, shipped policies.
OTHER = {
    f"test_{name}.py"
    for name in (
        "bad_input",
        "camera",
        "layout",
        "machine_files",
        "map_files",
        "pages",
        "parameters",
        "policies",
        "render",
        "scenario",
        "scenes",
        "sigmf",
        "soak",
    )
}
#: Keywords that say how closely two numbers have to agree.
_RELATIVE, _ABSOLUTE = {"rtol", "rel"}, {"atol", "abs"}


@dataclass(frozen=True, slots=True)
class Promise:
    """One test.

    Attributes:
        sentence: Its name as a sentence.
        relative: The tolerances relative to the value, smallest first, as in the source.
        absolute: The absolute ones, in the unit of what is compared.
    """

    sentence: str
    relative: tuple[str, ...]
    absolute: tuple[str, ...]


def promises(path: Path) -> Iterator[Promise]:
    """Yield the promises of a test file, in order.

    Args:
        path: Of the file.
    """
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            sentence = node.name.removeprefix("test_").replace("_", " ")
            yield Promise(sentence, _tolerances(node, _RELATIVE), _tolerances(node, _ABSOLUTE))


def _tolerances(function: ast.FunctionDef, names: set[str]) -> tuple[str, ...]:
    found: dict[float, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.keyword) and node.arg in names:
            text = ast.unparse(node.value)
            try:
                value = float(text)
            except ValueError:
                continue  # a tolerance that is computed; the test says how
            if value > 0.0:
                found[value] = f"{value:.3g}"
    return tuple(found[value] for value in sorted(found))


def table() -> str:
    """Return all promises as Markdown, a section a chapter."""
    parts = []
    for title, patterns in CHAPTERS.items():
        rows = ["| what holds | relative tolerance | absolute tolerance |", "|---|---|---|"]
        files = [
            path
            for pattern in patterns
            for path in sorted(TESTS.glob(pattern))
            if path.name not in OTHER
        ]
        for path in files:
            for promise in promises(path):
                cells = (promise.sentence, _listed(promise.relative), _listed(promise.absolute))
                rows.append("| " + " | ".join(cells) + " |")
        sources = ", ".join(f"`tests/{path.relative_to(TESTS).as_posix()}`" for path in files)
        parts.append(f"### {title}\n\nFrom {sources}.\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _listed(tolerances: tuple[str, ...]) -> str:
    """Return the tightest and the widest of some tolerances."""
    return " to ".join(dict.fromkeys((*tolerances[:1], *tolerances[-1:])))
