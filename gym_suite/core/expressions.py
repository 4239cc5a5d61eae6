"""Formulas over named columns, as a user writes them: read by their syntax tree, nothing in them is executed as Python.

``"-0.1 * abs(torque) if omega > 100 else 0"`` becomes a function of arrays by name. There are numbers, names, the four
operations, powers, comparisons, ``and``, ``or``, ``not``, ``a if b else c``, and the functions of :data:`FUNCTIONS`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.core.parameters import unknown_error

#: Longest formula, characters: far above what anybody writes, far below what a parser stumbles over.
LONGEST = 500

FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int]] = MappingProxyType(
    {
        "abs": (np.abs, 1),
        "sqrt": (np.sqrt, 1),
        "exp": (np.exp, 1),
        "log": (np.log, 1),
        "sin": (np.sin, 1),
        "cos": (np.cos, 1),
        "tan": (np.tan, 1),
        "tanh": (np.tanh, 1),
        "sign": (np.sign, 1),
        "floor": (np.floor, 1),
        "mod": (np.mod, 2),
        "arctan2": (np.arctan2, 2),
        "hypot": (np.hypot, 2),
        "min": (np.minimum, 2),
        "max": (np.maximum, 2),
        "clip": (np.clip, 3),
    }
)
"""Names of functions with what computes them and how many arguments they take."""

_CONSTANTS = {"pi": np.pi}
_OPERATIONS: Mapping[type, Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    ast.Not: np.logical_not,
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}

#: A function of the columns by name, each (n,).
Value = Callable[[Mapping[str, np.ndarray]], Any]


class Formula:
    """A formula as a function of the columns by name, each (n,); it pickles by its text.

    Args:
        text: The formula.
        names: Columns that it may name.
        what: For errors, such as "reward term 'effort'".

    Raises:
        ValueError: For a formula that is none, an unknown column or function (naming the nearest), or anything else
            than arithmetic.
    """

    def __init__(self, text: str, names: Iterable[str], what: str) -> None:
        self._given = text, tuple(names), what
        if len(text) > LONGEST:
            raise ValueError(
                f"{what}: a formula has at most {LONGEST} characters, this one has {len(text)}"
            )
        try:
            tree = ast.parse(text.strip(), mode="eval")
            self._value = _Reader(self._given[1], what, text).read(tree.body)
        except (SyntaxError, RecursionError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
            raise ValueError(f"{what}: {text!r} is no formula: {reason}") from None

    def __call__(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Return the value, (n,) or a number."""
        return self._value(columns)

    def __reduce__(self) -> Any:
        return Formula, self._given


class _Reader:
    """Turns the nodes of one formula into functions of the columns."""

    def __init__(self, names: tuple[str, ...], what: str, text: str) -> None:
        self.names, self.what, self.text = names, what, text

    def read(self, node: ast.expr) -> Value:
        """Return the function of one node."""
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                number = np.float64(value)
                return lambda columns: number
            case ast.Name(id=name):
                return self._column(name)
            case ast.BinOp(left=left, op=op, right=right):
                return self._apply(op, left, right)
            case ast.UnaryOp(op=op, operand=operand):
                return self._apply(op, operand)
            case ast.BoolOp(op=op, values=values):
                return self._joined(op, [self.read(value) for value in values])
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                pairs = zip(ops, sides, sides[1:], strict=False)
                return self._joined(ast.And(), [self._apply(op, a, b) for op, a, b in pairs])
            case ast.IfExp(test=test, body=body, orelse=other):
                parts = [self.read(part) for part in (test, body, other)]
                return lambda columns: np.where(*(part(columns) for part in parts))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        part = ast.get_source_segment(self.text.strip(), node) or self.text
        raise ValueError(
            f"{self.what}: {part!r} is none of what a formula is made of: numbers, columns, + - * / **, comparisons, "
            f"and, or, not, 'a if b else c', and {', '.join(FUNCTIONS)}"
        )

    def _column(self, name: str) -> Value:
        if name in self.names:
            return lambda columns: columns[name]
        if name in _CONSTANTS:
            value = np.float64(_CONSTANTS[name])
            return lambda columns: value
        raise unknown_error(f"column of {self.what}", name, [*self.names, *_CONSTANTS])

    def _apply(self, op: ast.AST, *operands: ast.expr) -> Value:
        function = _OPERATIONS.get(type(op))
        if function is None:
            raise ValueError(f"{self.what}: {self.text!r} has an operation that no formula knows")
        parts = [self.read(operand) for operand in operands]
        return lambda columns: function(*(part(columns) for part in parts))

    def _joined(self, op: ast.AST, parts: list[Value]) -> Value:
        function = _OPERATIONS[type(op)]

        def joined(columns: Mapping[str, np.ndarray]) -> Any:
            value = parts[0](columns)
            for part in parts[1:]:
                value = function(value, part(columns))
            return value

        return joined

    def _call(self, name: str, arguments: list[ast.expr]) -> Value:
        if name not in FUNCTIONS:
            raise unknown_error(f"function of {self.what}", name, FUNCTIONS)
        function, count = FUNCTIONS[name]
        if len(arguments) != count:
            raise ValueError(
                f"{self.what}: {name} takes {count} argument{'s' * (count > 1)}, got {len(arguments)}"
            )
        parts = [self.read(argument) for argument in arguments]
        return lambda columns: function(*(part(columns) for part in parts))
