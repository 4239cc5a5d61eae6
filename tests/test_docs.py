"""Every public function says what its arguments are, by the names that they have."""

import ast
import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import gym_suite

PACKAGE = Path(gym_suite.__file__).parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Whose public names users call: packages with what their __all__ offers, and whole modules.
OFFERING = (
    "",
    "analysis",
    "comparison",
    "controllers",
    "labs",
    "learning",
    "motors",
    "rendering",
    "testing",
)
WHOLE_MODULES = (
    "controllers/experiments.py",
    "controllers/gains.py",
    "controllers/tuning.py",
    "core/env.py",
    "core/parallel_env.py",
    "core/signals.py",
    "core/trajectory.py",
    "core/vector_env.py",
    "learning/training.py",
    "motors/diagrams.py",
    "motors/envs/base.py",
    "motors/simulation.py",
    "registration.py",
    "rendering/clip.py",
    "rendering/recording.py",
)
# What Gymnasium, PettingZoo and Python decide; the class or the base class explains it.
INHERITED = {"call", "close", "close_extras", "get_attr", "render", "set_attr"}
# Not for users, though they stand in modules that are.
HELPERS = {
    "core/env.py:action_space",
    "core/env.py:rebuilt",
    "core/env.py:observation_space",
    "core/signals.py:interpolate",
    "registration.py:load",
    "registration.py:refuse_single",
}


@dataclass(frozen=True)
class Documented:
    """A public function or class with its docstring and its own arguments.

    The arguments of a class are those of its own ``__init__``, None where it has none.
    """

    where: str
    docstring: str
    arguments: tuple[str, ...] | None

    @property
    def explained(self) -> tuple[str, ...]:
        """Names in the Args section, in order, without stars."""
        return tuple(re.findall(r"^ {4}\*{0,2}(\w+)(?: \(.*?\))?:", self.section, re.MULTILINE))

    @property
    def section(self) -> str:
        found = re.search(r"^Args:\n((?: {4}.*\n|\n)*)", self.docstring + "\n", re.MULTILINE)
        return found[1] if found else ""


def signature(function, *, method=False):
    """Return the names of the arguments, of a method without the object or class."""
    spec = function.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    names += [a.arg for a in (spec.vararg, spec.kwarg) if a]
    static = any(ast.unparse(d) == "staticmethod" for d in function.decorator_list)
    return tuple(name for name in names[method and not static :] if name[0] != "_")


def is_overload_or_property(function):
    text = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any("overload" in name or name == "property" or ".setter" in name for name in text)


def public(path):
    """Yield what a module offers: functions, classes (with their __init__'s arguments), methods."""
    where = path.relative_to(PACKAGE).as_posix()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, FUNCTIONS) and node.name[0] != "_":
            if not is_overload_or_property(node):
                yield Documented(
                    f"{where}:{node.name}", ast.get_docstring(node) or "", signature(node)
                )
        elif isinstance(node, ast.ClassDef) and node.name[0] != "_":
            methods = [inner for inner in node.body if isinstance(inner, FUNCTIONS)]
            made = next((m for m in methods if m.name == "__init__"), None)
            yield Documented(
                f"{where}:{node.name}",
                ast.get_docstring(node) or "",
                signature(made, method=True) if made else None,
            )
            for method in methods:
                if method.name[0] != "_" and not is_overload_or_property(method):
                    yield Documented(
                        f"{where}:{node.name}.{method.name}",
                        ast.get_docstring(method) or "",
                        signature(method, method=True),
                    )


EVERYTHING = [found for path in sorted(PACKAGE.rglob("*.py")) for found in public(path)]


def is_for_users(found):
    file, _, name = found.where.partition(":")
    if found.where in HELPERS or name.rsplit(".", 1)[-1] in INHERITED:
        return False
    if file in WHOLE_MODULES:
        return True
    package = file.rpartition("/")[0]
    if package not in OFFERING:
        return False
    offered = importlib.import_module(f"gym_suite.{package}".rstrip(".")).__all__
    return name.split(".")[0] in offered


FOR_USERS = [found for found in EVERYTHING if is_for_users(found)]


def test_the_walk_finds_what_it_judges():
    names = {found.where for found in FOR_USERS}
    assert {
        "comparison/comparison.py:compare",
        "core/env.py:KernelEnv.reset",
        "learning/training.py:train",
        "motors/simulation.py:simulate",
        "rendering/clip.py:record",
    } <= names
    (simulate,) = [found for found in FOR_USERS if found.where == "motors/simulation.py:simulate"]
    assert simulate.explained == simulate.arguments


def test_everything_public_has_a_docstring():
    bare = [found.where for found in EVERYTHING if not found.docstring]
    assert not bare, "\n".join(bare)


def test_args_sections_name_the_arguments_there_are():
    wrong = [
        f"{found.where}: Args has {found.explained}, the signature {found.arguments}"
        for found in EVERYTHING
        if found.explained
        and found.arguments is not None
        and set(found.explained) != set(found.arguments)
    ]
    assert not wrong, "\n".join(wrong)


def refers(found):
    """Return whether the docstring sends the reader on for the arguments."""
    return re.search(r"as (?:in|for) :\w+:`|[Aa]rguments as ", found.docstring)


def test_functions_that_users_call_explain_every_argument():
    silent = []
    for found in FOR_USERS:
        if refers(found) or found.explained:
            continue
        # A single line may name its arguments in passing.
        words = set(re.findall(r"\w+", found.docstring))
        missing = [name for name in found.arguments or () if name not in words]
        if missing:
            silent.append(f"{found.where}: {', '.join(missing)}")
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("found", [f for f in FOR_USERS if f.explained], ids=lambda f: f.where)
def test_no_argument_is_explained_by_its_name_alone(found):
    for name in found.explained:
        text = re.search(
            rf"^ {{4}}\*{{0,2}}{name}(?: \(.*?\))?:(.*(?:\n {{5,}}.*)*)",
            found.section,
            re.MULTILINE,
        )
        assert len(text[1].strip()) > 3, name
