"""Python functions as syntax trees, and what the names in them stand for."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any


@cache
def definition_of(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return the syntax tree of a function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    made = tree.body[0]
    assert isinstance(made, ast.FunctionDef)
    return made


@cache
def names_of(function: Any) -> Mapping[str, Any]:
    """Return what names that a function does not assign stand for."""
    enclosed = inspect.getclosurevars(function).nonlocals
    return {**vars(builtins), **function.__globals__, **enclosed}


def returns(statement: ast.stmt) -> bool:
    """Return whether a statement may leave its function."""
    return any(isinstance(part, ast.Return) for part in ast.walk(statement))


def plain_of(function: Any) -> Any:
    """Return the Python function that a kernel is compiled from."""
    return getattr(function, "py_func", function)


def loaded(target: ast.expr) -> ast.expr:
    """Return what is assigned to as an expression that is read."""
    made = ast.parse(ast.unparse(target), mode="eval")
    return made.body
