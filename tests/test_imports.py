"""Who may import whom, read from the sources, and what `import gym_suite` leaves alone."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import gym_suite
from gym_suite.core.kernel import _AFTER

PACKAGE = Path(gym_suite.__file__).parent

# A module may import what stands on a lower rung, and its own subpackage;
# two names on one rung do not know each other. "" is the package itself, which is there before any
# of its modules; a public name that it resolves later counts as the module that the name is from.
RUNGS = {
    "": 0,
    "version": 0,
    "code_pages": 0,
    "sheets": 0,
    "shipped": 0,
    "core": 1,
    "provenance": 1,
    "registration": 2,
    "workers": 2,
    "behaviour": 3,
    "registered": 3,
    "controllers": 3,
    "teams": 4,
    "rendering": 5,
    "analysis": 5,
    "learning": 6,
    "comparison": 7,
    "bench": 8,
    "ladders": 8,
    "show": 8,
    "step_responses": 8,
    "testing": 8,
    "arguments": 9,
    "doctor": 9,
    "examples": 9,
    "handbook": 9,
    "labs": 10,
    "commands": 11,
    "cli": 12,
    "__main__": 13,
}
FAMILIES = ("motors", "drones", "radio", "agv")
# Lessons are about the families' own ids and formulas; nothing of a family knows a lesson.
TEACHES = "labs"
FAMILY_MAY_IMPORT = {"version", "core", "registration", "controllers", "rendering", "analysis"}
# The rooms of each family by floors, from the bottom: a room may import those of lower floors, inside functions too;
# rooms on one floor do not know each other. A room that is not named here has no place: add it to its family.
FLOORS = {
    "motors": (
        "settings",
        "cards constraints counterparts parameters supplies machines transforms",
        "losses thermal",
        "datasheet efficiency quantities",
        "loads observer overmodulation",
        "iron trapezoid idle_leg",
        "electrical converters switches",
        "carrier",
        "controllers",
        "references plant dynamics link dissipation",
        "rows",
        "switching three_level",
        "disposition",
        "modulated lossy",
        "tasks",
        "sensors flexible commutated",
        "loops",
        "tiles passes pulses",
        "pattern cascade_tiles",
        "diagrams simulation render",
        "identification",
        "envs",
    ),
    "drones": (
        "sticks",
        "packets tables",
        "cards files firmware logs tracks trajectories",
        "vehicles",
        "parameters",
        "columns",
        "rotors transforms",
        "references aerodynamics adversity contacts propulsion sensors",
        "motion obstacles",
        "camera controllers",
        "dynamics",
        "linear tasks",
        "aims groups headings",
        "loops",
        "together",
        "passes",
        "bullet lockstep",
        "simulation replay",
        "autopilot benchmarks render validation",
        "identification",
        "envs",
    ),
    "radio": (
        "cards parameters transforms",
        "scenario",
        "columns sigmf",
        "air game",
        "tables dynamics",
        "tasks",
        "loops",
        "simulation",
        "bounds montecarlo",
        "controllers render",
        "envs",
    ),
    "agv": (
        "cards parameters geometry maps",
        "columns",
        "dynamics",
        "lidar",
        "tasks",
        "loops",
        "bounds controllers render",
        "envs",
    ),
}
# What a room must not import although it stands above it.
WALLS = {"controllers": {"tasks", "loops", "simulation"}, "render": {"tasks", "loops"}}
HEAVY_EXTRAS = {
    "torch",
    "stable_baselines3",
    "cmaes",
    "pybullet",
    "control",
    "ray",
    "sigmf",
    "sbx",
    "jax",
    "flax",
}


@dataclass(frozen=True)
class Import:
    importer: str
    imported: str
    line: int
    at_import: bool  # runs when the module is imported, not inside a function

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def module_name(path: Path) -> str:
    parts = ("gym_suite", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports_of(name: str) -> Iterator[Import]:
    """Yield the imports that are ever executed (not those for the type checker only)."""
    is_package = SOURCES[name].name == "__init__.py"

    def targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = node.module or ""
        if node.level:
            parts = name.split(".")
            parts = parts[: len(parts) - node.level + is_package]
            base = ".".join([*parts, base] if base else parts)
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            resolved = getattr(getattr(gym_suite, alias.name, None), "__module__", base)
            yield inner if inner in SOURCES else resolved if base == "gym_suite" else base

    def walk(node: ast.AST, at_import: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                for target in targets(child):
                    yield Import(name, target, child.lineno, at_import)
            elif is_type_checking(child):
                for other in child.orelse:
                    yield from walk(other, at_import)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, at_import and not inside)

    yield from walk(ast.parse(SOURCES[name].read_text("utf-8")), True)


IMPORTS = [found for name in SOURCES for found in imports_of(name)]


def part(name: str) -> str:
    """Return the first name below the package, "" for the package itself."""
    return name.removeprefix("gym_suite").lstrip(".").split(".")[0]


def test_the_walk_sees_the_imports_it_judges():
    seen = {(found.importer, found.imported) for found in IMPORTS}
    assert ("gym_suite.core.columns", "gym_suite.core.parameters") in seen
    assert any(found.imported == "numpy" and found.at_import for found in IMPORTS)


def test_every_module_has_a_place():
    unknown = {part(name) for name in SOURCES} - {*RUNGS, *FAMILIES}
    assert not unknown, f"say in RUNGS who may import {sorted(unknown)}"


def test_shared_code_imports_upwards_only():
    broken = []
    for found in IMPORTS:
        importer, imported = part(found.importer), part(found.imported)
        if not found.imported.startswith("gym_suite") or importer not in RUNGS or not importer:
            continue
        if importer == TEACHES and imported in FAMILIES:
            continue
        if imported != importer and RUNGS.get(imported, 99) >= RUNGS[importer]:
            broken.append(str(found))
    assert not broken, "\n".join(broken)


def test_families_know_the_shared_code_and_never_each_other():
    broken = [
        str(found)
        for found in IMPORTS
        if part(found.importer) in FAMILIES
        and found.imported.startswith("gym_suite")
        and part(found.imported) not in {*FAMILY_MAY_IMPORT, part(found.importer)}
    ]
    assert not broken, "\n".join(broken)


def room(name: str) -> str:
    """Return the room of a family that a module stands in, "" for the family's own ``__init__``."""
    return f"{name}..".split(".")[2]


def floor(family: str, name: str) -> int:
    return next(k for k, rooms in enumerate(FLOORS[family]) if name in rooms.split())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_room_of_a_family_has_its_floor(family):
    rooms = {room(name) for name in SOURCES if part(name) == family} - {""}
    known = " ".join(FLOORS[family]).split()
    assert len(known) == len(set(known))
    assert rooms <= set(known), f"say in FLOORS where {sorted(rooms - set(known))} stand"


@pytest.mark.parametrize("family", FAMILIES)
def test_rooms_of_a_family_import_downwards_only(family):
    """A package's own ``__init__`` resolves its public names lazily and stands above all."""
    broken = []
    for found in IMPORTS:
        if {part(found.importer), part(found.imported)} != {family}:
            continue
        importer, imported = room(found.importer), room(found.imported)
        if not importer or importer == imported:
            continue
        upwards = not imported or floor(family, imported) >= floor(family, importer)
        if upwards or imported in WALLS.get(importer, ()):
            broken.append(str(found))
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    "package", ["radio", "radio.envs", "radio.bounds", "radio.scenario.reading"]
)
def test_packages_are_lazy(package):
    """What reads scenarios and names public things compiles nothing and needs no numerical library but NumPy."""
    code = (
        f"import sys, gym_suite.{package}; print(sorted({{'numba', 'scipy'}} & sys.modules.keys()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout.strip() == "[]"


def documentation(tree: ast.Module) -> set[int]:
    """Return the identities of the string constants that are docstrings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def test_shared_code_never_names_a_family():
    """Neither its module nor one of its ids, in code or in a string; only the catalogue and lessons do."""
    broken = []
    for name, path in SOURCES.items():
        if part(name) in {"", "registration", TEACHES, *FAMILIES}:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = documentation(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = "" if id(node) in docstrings else node.value
            elif isinstance(node, ast.Name):
                text = node.id
            elif isinstance(node, ast.Attribute):
                text = node.attr
            else:
                continue
            words = set(text.replace(".", "/").replace(":", "/").split("/"))
            if words & {"gem", *FAMILIES}:
                broken.append(f"{name}:{node.lineno} says {text!r}")
    assert not broken, "\n".join(broken)


def test_what_only_shows_results_is_imported_by_nothing_that_makes_them():
    """An edit of it leaves results valid, so nothing that decides one may depend on it."""
    shown = {f"gym_suite.comparison.{name}" for name in _AFTER.split()}
    makers = [f"gym_suite.comparison.{name}" for name in ("rollouts", "execution", "metrics")]
    reached: set[str] = set()
    while makers:
        name = makers.pop()
        if name not in reached:
            reached.add(name)
            makers += [
                i.imported for i in IMPORTS if i.importer == name and "comparison." in i.imported
            ]
    assert not reached & shown


def test_heavy_extras_are_imported_inside_functions():
    broken = [
        str(found)
        for found in IMPORTS
        if found.at_import and found.imported.split(".")[0] in HEAVY_EXTRAS
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("statement", ["import gym_suite", "import gym_suite.cli"])
def test_importing_the_package_leaves_heavy_libraries_alone(statement):
    heavy = {"numba", "matplotlib", "scipy", "jinja2", *HEAVY_EXTRAS}
    code = f"import sys; {statement}; print(sorted({heavy!r} & sys.modules.keys()))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout.strip() == "[]"
