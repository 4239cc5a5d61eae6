"""A kernel, read as Python source and followed with the numbers that are known."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_source import HELPERS, TAKEN, literal
from gym_suite.analysis.c_translation.calls import FOLDED, WRITTEN
from gym_suite.analysis.c_translation.reading import (
    definition_of,
    loaded,
    names_of,
    plain_of,
    returns,
)
from gym_suite.analysis.c_translation.statements import Choice, Note, Set
from gym_suite.analysis.c_translation.values import (
    AND,
    ATOM,
    EQUAL,
    LESS,
    OR,
    PRODUCT,
    SUM,
    UNARY,
    Batch,
    Named,
    Numbers,
    Slots,
    Table,
    Value,
    is_known,
    is_whole,
    same,
    unchanged,
)

_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_BINARY: dict[type, tuple[str, Callable[[Any, Any], Any], int]] = {
    ast.Add: ("+", operator.add, SUM),
    ast.Sub: ("-", operator.sub, SUM),
    ast.Mult: ("*", operator.mul, PRODUCT),
    ast.Div: ("/", np.divide, PRODUCT),
}
_COMPARED: dict[type, tuple[str, Callable[[Any, Any], Any], int]] = {
    ast.Lt: ("<", operator.lt, LESS),
    ast.LtE: ("<=", operator.le, LESS),
    ast.Gt: (">", operator.gt, LESS),
    ast.GtE: (">=", operator.ge, LESS),
    ast.Eq: ("==", operator.eq, EQUAL),
    ast.NotEq: ("!=", operator.ne, EQUAL),
}
_KNOWN_ONLY: dict[type, Callable[[Any, Any], Any]] = {
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


class Translation:
    """A kernel, followed with one law's numbers.

    Args:
        single: Kernel to the functions of :data:`gym_suite.analysis.c_source.HELPERS` that give its results in single
            precision, in place of its own series.
    """

    def __init__(self, single: Mapping[Any, Sequence[str]] | None = None) -> None:
        self._single = {plain_of(key): names for key, names in (single or {}).items()}
        self._taken = set(TAKEN) | set(HELPERS)
        self._rows: list[Slots] = []
        self._named: dict[tuple[str, float], str] = {}
        self.constants: dict[str, tuple[float, str]] = {}
        self.tables: dict[str, tuple[NDArray[np.float64], str]] = {}
        self._inside: list[str] = []  # functions that are followed
        self.block: list[Any] = []

    # --- what is written -------------------------------------------------------------------------

    def fresh(self, wanted: str) -> str:
        """Return a name that is not taken yet."""
        wanted = wanted.strip("_") or "value"
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name)
        return name

    def row(self, slots: Slots) -> Slots:
        """Take part in what branches change."""
        self._rows.append(slots)
        return slots

    def bind(self, wanted: str, value: Any) -> Any:
        """Give an expression a name, so that it is computed once."""
        if isinstance(value, tuple):
            return tuple(self.bind(f"{wanted}_{k}", one) for k, one in enumerate(value))
        if not isinstance(value, Value) or (value.level == ATOM and "(" not in value.text):
            return value
        name = self.fresh(wanted)
        self.block.append(Set(name, value, declared=True))
        return replace(value, text=name, reads=frozenset({name}), level=ATOM)

    def value(self, one: Any, kind: str = "float") -> Value:
        """Return a number as an expression."""
        if isinstance(one, Value):
            if one.kind == "int" and kind == "float":
                return Value(f"(float){one.within(UNARY)}", "float", one.reads, UNARY)
            return one
        if kind == "int":
            return Value(str(int(one)), "int", frozenset())
        if isinstance(one, Named):
            key = one.name, float(one)
            if key not in self._named:
                self._named[key] = self.fresh(one.name)
                self.constants[self._named[key]] = float(one), one.meaning
            name = self._named[key]
            return Value(name, "float", frozenset({name}))
        text = literal(float(one)) if not math.isinf(one) else f"{'-' * (one < 0.0)}INFINITY"
        return Value(text, "float", frozenset(), UNARY if text[0] == "-" else ATOM)

    def call(self, name: str, arguments: Iterable[Any]) -> Value:
        """Return the call of a function of C on numbers."""
        given = [self.value(one) for one in arguments]
        reads = frozenset().union(*(one.reads for one in given))
        return Value(f"{name}({', '.join(one.text for one in given)})", "float", reads)

    # --- functions and statements ------------------------------------------------------------------

    def run(self, function: Any, *arguments: Any) -> Any:
        """Follow a kernel with arguments; return what it returns.

        Raises:
            ValueError: If something stands in it that is not written in C.
        """
        function = plain_of(function)
        definition = definition_of(function)
        told = (ast.get_docstring(definition) or "").partition("\n")[0].rstrip(".")
        if told:
            self.block.append(Note(_ROLE.sub(r"\1", told).removeprefix("Return ")))
        names = [one.arg for one in definition.args.args]
        if len(names) != len(arguments):
            raise ValueError(f"{function.__name__} has defaults, which have no C source")
        frame = {name: self.bind(name, one) for name, one in zip(names, arguments, strict=True)}
        frame[""] = names_of(function)
        self._inside.append(definition.name)
        out = self._run(definition.body, frame)
        self._inside.pop()
        return None if out is None else out[0]

    def _run(self, statements: Sequence[ast.stmt], frame: dict[str, Any]) -> tuple[Any] | None:
        """Follow statements; return what is returned, in a tuple, or None where none of them returns."""
        for number, statement in enumerate(statements):
            if isinstance(statement, ast.Return):
                return (self._of(statement.value, frame) if statement.value else None,)
            if isinstance(statement, ast.If):
                test = self._of(statement.test, frame)
                if is_known(test):
                    out = self._run(statement.body if test else statement.orelse, frame)
                    if out is not None:
                        return out
                    continue
                rest = list(statements[number + 1 :])
                if returns(statement):
                    return self._choose(
                        test, [*statement.body, *rest], [*statement.orelse, *rest], frame
                    )
                self._choose(test, statement.body, statement.orelse, frame)
            elif isinstance(statement, ast.For):
                for one in self._of(statement.iter, frame):
                    self._assign(statement.target, one, frame)
                    if self._run(statement.body, frame) is not None:
                        raise ValueError("a return from within a loop has no C source")
            elif isinstance(statement, ast.Assign):
                made = self._of(statement.value, frame)
                for target in statement.targets:
                    self._assign(target, made, frame, statement.value)
            elif isinstance(statement, ast.AugAssign):
                now = self._of(loaded(statement.target), frame)
                made = self._binary(statement.op, now, self._of(statement.value, frame))
                self._assign(statement.target, made, frame)
            elif isinstance(statement, ast.Expr):
                if not isinstance(statement.value, ast.Constant):
                    self._of(statement.value, frame)
            else:
                raise ValueError(f"{type(statement).__name__.lower()} has no C source")
        return None

    def _assign(
        self, target: ast.expr, made: Any, frame: dict[str, Any], source: ast.expr | None = None
    ) -> None:
        if isinstance(target, ast.Tuple):
            sources = source.elts if isinstance(source, ast.Tuple) else [None] * len(target.elts)
            # All of the right side is there before the left side changes.
            for one, part, own in zip(target.elts, made, sources, strict=True):
                self._assign(one, part, frame, own)
        elif isinstance(target, ast.Name):
            frame[target.id] = self.bind(target.id, self._called(target.id, made, source))
        elif isinstance(target, ast.Subscript):
            row = self._of(target.value, frame)
            place = self._of(target.slice, frame)
            if isinstance(row, Batch):
                row, place = row.row, place[1]
            row.held[place] = self.bind(f"{row.names[place]}_next", made)
        else:
            raise ValueError(f"assigning to {ast.unparse(target)} has no C source")

    def _called(self, name: str, made: Any, source: ast.expr | None) -> Any:
        """Return a known number under the name that it is given, with how it is computed."""
        if source is None or isinstance(source, ast.Constant) or isinstance(made, Named):
            return made
        if isinstance(made, (float, np.floating)) and made not in (0.0, 1.0) and np.isfinite(made):
            return Named(float(made), name.strip("_"), ast.unparse(source))
        return made

    def _choose(
        self,
        test: Value,
        then: Sequence[ast.stmt],
        other: Sequence[ast.stmt],
        frame: dict[str, Any],
    ) -> tuple[Any] | None:
        """Follow both sides of a branch that a measured value decides, and join what they leave behind."""
        test = self.bind("test", test) if test.level < EQUAL else test
        outer, start, held = self.block, dict(frame), [list(row.held) for row in self._rows]
        sides = []
        for statements in (then, other):
            frame.clear()
            frame.update(start)
            for row, before in zip(self._rows, held, strict=True):
                row.held[:] = before
            self.block = []
            out = self._run(statements, frame)
            sides.append((self.block, dict(frame), [list(row.held) for row in self._rows], out))
        (block_1, frame_1, rows_1, out_1), (block_2, frame_2, rows_2, out_2) = sides
        self.block = outer
        variables: dict[str, str] = {}
        blocks = block_1, block_2
        returned = out_1 is not None or out_2 is not None
        joined: tuple[Any] | None = None
        if returned:
            one, two = (None if out is None else out[0] for out in (out_1, out_2))
            joined = (self._join(self._inside[-1], one, two, blocks, variables),)
        else:
            frame.clear()
            for name in (one for one in frame_1 if one in frame_2):
                frame[name] = self._join(name, frame_1[name], frame_2[name], blocks, variables)
        for row, first, second in zip(self._rows, rows_1, rows_2, strict=True):
            for k, name in enumerate(row.names):
                row.held[k] = self._join(f"{name}_next", first[k], second[k], blocks, variables)
        self.block.append(Choice(test, block_1, block_2, variables))
        return joined

    def _join(
        self,
        wanted: str,
        one: Any,
        two: Any,
        blocks: tuple[list[Any], list[Any]],
        variables: dict[str, str],
    ) -> Any:
        """Return what is one value after one side of a branch and another one after the other."""
        if same(one, two):
            return one
        if isinstance(one, tuple):
            return tuple(
                self._join(f"{wanted}_{k}", a, b, blocks, variables)
                for k, (a, b) in enumerate(zip(one, two, strict=True))
            )
        if one is None or two is None:
            raise ValueError("a function that returns a value on some ways only has no C source")
        whole = all(is_whole(value) for value in (one, two))
        kind = "int" if whole else "float"
        name = self.fresh(wanted)
        variables[name] = kind
        for block, made in zip(blocks, (one, two), strict=True):
            block.append(Set(name, self.value(made, kind), declared=False))
        added = None
        sums = [value.added for value in (one, two) if isinstance(value, Value) and value.added]
        if len(sums) == 2 and sums[0][0] == sums[1][0]:
            (slot, first), (_, second) = sums
            added = slot, self._join(f"{wanted}_change", first, second, blocks, variables)
        return Value(name, kind, frozenset({name}), added=added)

    # --- expressions -------------------------------------------------------------------------------

    def _of(self, node: ast.expr | None, frame: dict[str, Any]) -> Any:
        assert node is not None
        follow = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if follow is None:
            raise ValueError(f"{ast.unparse(node)} has no C source")
        return follow(node, frame)

    def _of_constant(self, node: ast.Constant, frame: dict[str, Any]) -> Any:
        return node.value

    def _of_name(self, node: ast.Name, frame: dict[str, Any]) -> Any:
        if node.id in frame:
            return frame[node.id]
        return frame[""][node.id]

    def _of_attribute(self, node: ast.Attribute, frame: dict[str, Any]) -> Any:
        return getattr(self._of(node.value, frame), node.attr)

    def _of_tuple(self, node: ast.Tuple, frame: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self._of(one, frame) for one in node.elts)

    def _of_subscript(self, node: ast.Subscript, frame: dict[str, Any]) -> Any:
        held, place = self._of(node.value, frame), self._of(node.slice, frame)
        if isinstance(held, Batch):
            return held.row if not isinstance(place, tuple) else held.row.held[place[1]]
        if isinstance(held, Slots):
            return held.held[place]
        if isinstance(held, Numbers):
            return self._number(held, place)
        if isinstance(held, Table):
            return self._entry(held, place)
        return held[place]

    def _number(self, numbers: Numbers, place: Any) -> Any:
        if not is_known(place):
            raise ValueError("a place in the law that is measured has no C source")
        number = float(numbers.values[place])
        if place >= len(numbers.columns) or number in (0.0, 1.0) or not math.isfinite(number):
            return number
        column = numbers.columns[int(place)]
        unit = "" if column.unit == "1" else f"{column.unit}, "
        return Named(number, column.name, f"{unit}{column.meaning or column.name}")

    def _entry(self, table: Table, place: tuple[Any, Any]) -> Any:
        if is_known(place):
            return float(table.values[place])
        self.tables[table.name] = table.values, table.meaning
        given = [self.value(one, "int") for one in place]
        reads = frozenset({table.name}).union(*(one.reads for one in given))
        inside = "".join(f"[{one.text}]" for one in given)
        return Value(f"{table.name}{inside}", "float", reads)

    def _of_unaryop(self, node: ast.UnaryOp, frame: dict[str, Any]) -> Any:
        made = self._of(node.operand, frame)
        if isinstance(node.op, ast.Not):
            if is_known(made):
                return not made
            return Value(f"!{made.within(UNARY)}", "int", made.reads, UNARY)
        return self._of_minus(made) if isinstance(node.op, ast.USub) else made

    def _of_minus(self, made: Any) -> Any:
        if is_known(made):
            return -made
        return Value(f"-{made.within(UNARY + 1)}", made.kind, made.reads, UNARY)

    def _of_binop(self, node: ast.BinOp, frame: dict[str, Any]) -> Any:
        return self._binary(node.op, self._of(node.left, frame), self._of(node.right, frame))

    def reckon(self, sign: str, one: Any, two: Any) -> Any:
        """Return the sum, difference, product or quotient of two numbers, by its sign."""
        return self._binary(next(kind() for kind in _BINARY if _BINARY[kind][0] == sign), one, two)

    def _binary(self, kind: ast.operator, one: Any, two: Any) -> Any:
        known = is_known(one) and is_known(two)
        if type(kind) not in _BINARY:
            if not known or type(kind) not in _KNOWN_ONLY:
                raise ValueError(f"{type(kind).__name__.lower()} has no C source")
            return _KNOWN_ONLY[type(kind)](one, two)
        sign, reckon, level = _BINARY[type(kind)]
        if known:
            with np.errstate(divide="ignore", invalid="ignore"):
                return reckon(one, two)
        plain = unchanged(sign, one, two)
        if plain is not None:
            return plain
        if sign == "-" and isinstance(one, Value) and isinstance(two, Value):
            difference = self._difference(one, two)
            if difference is not None:
                return difference
        whole = "int" if is_whole(one) and is_whole(two) and sign != "/" else "float"
        a, b = self.value(one, whole), self.value(two, whole)
        # The right side of equals is set apart: sums and products are not associative.
        text = f"{a.within(level)} {sign} {b.within(level + 1)}"
        added = None
        if a.added and sign in "+-":
            slot, change = a.added
            more = two if sign == "+" else self._of_minus(two)
            added = slot, self._binary(ast.Add(), change, more)
        return Value(text, whole, a.reads | b.reads, level, added=added)

    def _difference(self, one: Value, two: Value) -> Value | None:
        """Return the difference of two values that are observed in parts of one scale: exact before it is scaled."""
        if one.scaled is None or two.scaled is None or one.scaled[1] != two.scaled[1]:
            return None
        (first, scale), (second, _) = one.scaled, two.scaled
        factor = self.value(scale)
        return Value(
            f"({first.text} - {second.text}) * {factor.text}",
            "float",
            first.reads | second.reads | factor.reads,
            PRODUCT,
        )

    def _of_compare(self, node: ast.Compare, frame: dict[str, Any]) -> Any:
        left, parts = self._of(node.left, frame), []
        for kind, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._of(right_node, frame)
            parts.append(self._compared(kind, left, right))
            left = right
        return self._together(parts, "&&", AND)

    def _compared(self, kind: ast.cmpop, one: Any, two: Any) -> Any:
        if type(kind) in _KNOWN_ONLY:
            return _KNOWN_ONLY[type(kind)](one, two)
        sign, reckon, level = _COMPARED[type(kind)]
        if is_known(one) and is_known(two):
            return bool(reckon(one, two))
        whole = "int" if is_whole(one) and is_whole(two) else "float"
        a, b = self.value(one, whole), self.value(two, whole)
        text = f"{a.within(level + 1)} {sign} {b.within(level + 1)}"
        return Value(text, "int", a.reads | b.reads, level)

    def _of_boolop(self, node: ast.BoolOp, frame: dict[str, Any]) -> Any:
        both = isinstance(node.op, ast.And)
        parts = [self._of(one, frame) for one in node.values]
        known = [bool(one) for one in parts if is_known(one)]
        if known and (not all(known) if both else any(known)):
            return not both
        open_ones = [one for one in parts if not is_known(one)]
        return self._together(open_ones or [both], *(("&&", AND) if both else ("||", OR)))

    def _together(self, parts: list[Any], sign: str, level: int) -> Any:
        if all(map(is_known, parts)):
            return all(parts)
        if sign == "&&" and any(is_known(one) and not one for one in parts):
            return False
        parts = [one for one in parts if not is_known(one)]
        if len(parts) == 1:
            return parts[0]
        text = f" {sign} ".join(one.within(EQUAL) for one in parts)
        return Value(text, "int", frozenset().union(*(one.reads for one in parts)), level)

    def _of_ifexp(self, node: ast.IfExp, frame: dict[str, Any]) -> Any:
        test = self._of(node.test, frame)
        if is_known(test):
            return self._of(node.body if test else node.orelse, frame)
        then, other = ([ast.Return(value=one)] for one in (node.body, node.orelse))
        out = self._choose(test, then, other, dict(frame))
        assert out is not None
        return out[0]

    def _of_call(self, node: ast.Call, frame: dict[str, Any]) -> Any:
        function = self._of(node.func, frame)
        given = [self._of(one, frame) for one in node.args]
        if node.keywords:
            raise ValueError(f"{ast.unparse(node)} has no C source")
        if function in WRITTEN:
            return WRITTEN[function](self, *given)
        if plain_of(function) in self._single:
            names = self._single[plain_of(function)]
            return tuple(self.call(name, given) for name in names)
        if function in FOLDED and all(map(is_known, given)):
            return function(*given)
        if hasattr(plain_of(function), "__code__"):
            return self.run(function, *given)
        raise ValueError(f"{ast.unparse(node.func)} of a measured value has no C source")
