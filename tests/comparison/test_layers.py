"""The package is built from below: no module knows, at any time, one that knows it."""

import ast
from pathlib import Path

from gym_suite import comparison

HOME = Path(comparison.__file__).parent
MODULES = {path.stem: path for path in sorted(HOME.glob("*.py")) if path.stem != "__init__"}


def known(path):
    """Modules of the package that a file imports, inside functions and for the type checker too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(
            "gym_suite.comparison"
        ):
            continue
        inner = node.module.removeprefix("gym_suite.comparison").lstrip(".")
        yield from [inner] if inner else [alias.name for alias in node.names]


def test_no_module_imports_one_that_imports_it():
    graph = {name: set(known(path)) & MODULES.keys() for name, path in MODULES.items()}
    assert graph["report"] >= {"summary", "tables"} and "report" in graph["comparison"]
    while free := {name for name, others in graph.items() if not others}:
        graph = {name: others - free for name, others in graph.items() if name not in free}
    assert not graph, f"these import each other in a circle: {graph}"
