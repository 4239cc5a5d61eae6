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
#: Title to the test files whose promises are on physics or mathematics.
CHAPTERS = {
    "Electric drives": (
        "motors/test_dynamics.py",
        "motors/test_simulation.py",
        "motors/test_machines.py",
        "motors/test_dc_machines.py",
        "motors/test_predictive.py",
        "motors/test_controllers.py",
    ),
    "Quadcopters": (
        "drones/test_peer_equations.py",
        "drones/test_simulation.py",
        "drones/test_linear.py",
        "drones/test_controllers.py",
        "drones/test_formation.py",
    ),
    "Radio": (
        "radio/test_formulas.py",
        "radio/test_playback.py",
        "radio/test_peer.py",
        "radio/test_signals.py",
        "radio/test_bounds.py",
        "radio/test_games.py",
    ),
    "Warehouse vehicles": (
        "agv/test_dynamics.py",
        "agv/test_geometry.py",
        "agv/test_reciprocal.py",
        "agv/test_controllers.py",
    ),
    "Analysis and control laws": (
        "analysis/test_linear.py",
        "analysis/test_frequency.py",
        "analysis/test_response.py",
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
    """Return all promises as Markdown, a section a chapter.

    Raises:
        FileNotFoundError: If a file that a chapter names is not there.
    """
    parts = []
    for title, files in CHAPTERS.items():
        rows = ["| what holds | relative tolerance | absolute tolerance |", "|---|---|---|"]
        for name in files:
            for promise in promises(TESTS / name):
                cells = (promise.sentence, _listed(promise.relative), _listed(promise.absolute))
                rows.append("| " + " | ".join(cells) + " |")
        sources = ", ".join(f"`tests/{name}`" for name in files)
        parts.append(f"### {title}\n\nFrom {sources}.\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _listed(tolerances: tuple[str, ...]) -> str:
    """Return the tightest and the widest of some tolerances."""
    return " to ".join(dict.fromkeys((*tolerances[:1], *tolerances[-1:])))
