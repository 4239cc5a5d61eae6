"""What exported C costs: its operations, counted in the source itself, and the cycles that a core takes for them.

The sources that this package writes are read as the compiler reads them: functions, declarations, assignments, ``if``,
and ``for`` over a number of turns that is written there or handed over. Of the two sides of a branch each kind of
operation is counted where there are more of it, so no sample takes more than is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: Kinds of operations that are of floating point.
FLOPS = "addition", "multiplication", "division", "comparison", "sign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A processor's core.

    Attributes:
        name: What it is called.
        clock: Frequency at which it is taken to run, Hz.
        cycles: Kind of operation to cycles.
    """

    name: str
    clock: float
    cycles: Mapping[str, int]


#: Cycles of instructions: Arm, "Cortex-M4 Processor Technical Reference Manual", r0p1, tables 3-1 and 7-1, and the
#: notes to the latter: an arithmetic result that the next instruction takes costs a cycle more (``wait``), so that a
#: product with its sum takes the 3 of a multiply-accumulate; a branch is taken with the longest refill of the pipeline;
#: a comparison is VCMP and VMRS. The library's functions are assumptions: operations of the longest ordinary path
#: through newlib's sf_tanh.c with sf_expm1.c, and sf_fmax.c, counted by hand with the same numbers and rounded up.
#: Clock: the highest of the STM32F405 and F407 (ST, data sheet DS8626).
CORTEX_M4F = Core(
    name="ARM Cortex-M4F",
    clock=168e6,
    cycles=MappingProxyType(
        {
            "addition": 1,
            "multiplication": 1,
            "division": 14,
            "comparison": 2,
            "sign": 1,
            "conversion": 1,
            "wait": 1,
            "load": 2,
            "store": 2,
            "whole": 1,
            "branch": 4,
            "tanhf": 220,
            "fmaxf": 40,
            "fminf": 40,
        }
    ),
)

#: Functions of C's library that are an instruction, and what it counts as; others count by their own name.
_INSTRUCTIONS = {"sqrtf": "division", "fabsf": "sign", "copysignf": "sign"}
#: How tightly C's binary operators bind, and what they count as for floating-point numbers.
_BINDS = {"||": 1, "&&": 2, "&": 3, "==": 4, "!=": 4, "<": 5, ">": 5, "<=": 5, ">=": 5}
_BINDS |= {"+": 6, "-": 6, "*": 7, "/": 7}
_ARITHMETIC = {"+": "addition", "-": "addition", "*": "multiplication", "/": "division"}
_TOKEN = re.compile(
    r"(?P<number>\d[\d.]*(?:e[-+]?\d+)?f?)|\w+|->|\+\+|&&|\|\||[-+<>=!]=|[-+*/<>=!&?:;,(){}\[\]]"
)
_TYPES = "float", "int", "void"


@dataclass(frozen=True, slots=True)
class _Part:
    """An expression.

    Attributes:
        count: Operations that its value takes, without reading it where it lies in memory.
        kind: "float", "int", or "array" for what is handed over by its place.
        stored: Whether it lies in memory.
        fresh: Whether it is the result of arithmetic that nothing has been done with.
        number: What it is, of a whole number that is known.
    """

    count: Counter[str]
    kind: str
    stored: bool = False
    fresh: bool = False
    number: int | None = None

    @property
    def read(self) -> Counter[str]:
        """Operations that its value takes."""
        return self.count + Counter(load=1) if self.stored else self.count


@dataclass(slots=True)
class _Function:
    """A function that is being counted.

    Attributes:
        tokens: Those of its body, and behind them an empty one.
        functions: Every function of the file by name: parameters and tokens.
        names: Kind of each variable that is known here; constants of the file are in memory.
        numbers: Whole numbers that were handed over.
        at: Which token comes next.
    """

    tokens: list[str]
    functions: Mapping[str, tuple[list[tuple[str, str]], list[str]]]
    names: dict[str, _Part]
    numbers: dict[str, int] = field(default_factory=dict)
    at: int = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if wanted and token not in wanted:
            raise ValueError(f"cannot count C at {token!r}: expected {' or '.join(wanted)}")
        self.at += 1
        return token

    # --- statements ---------------------------------------------------------------------------------

    def block(self, end: str) -> Counter[str]:
        """Return the operations of statements until a token, which is taken too."""
        count: Counter[str] = Counter()
        while self.peek() != end:
            count += self.statement()
        self.take(end)
        return count

    def statement(self) -> Counter[str]:
        token = self.peek()
        if token == "{":
            self.take()
            return self.block("}")
        if token == "if":
            return self._branch()
        if token == "for":
            return self._loop()
        if token == "return":
            self.take()
            count = Counter() if self.peek() == ";" else self.expression().read
        elif token == "const" or token in _TYPES:
            count = self._declaration()
        else:
            count = self._assignment()
        self.take(";")
        return count

    def _branch(self) -> Counter[str]:
        self.take("if")
        self.take("(")
        count = self.expression().read + Counter(branch=1)
        self.take(")")
        then, other = self.statement(), Counter[str]()
        if self.peek() == "else":
            self.take()
            other = self.statement()
        return count + (then | other)

    def _loop(self) -> Counter[str]:
        for token in ("for", "(", "int"):
            self.take(token)
        name = self.take()
        self.names[name] = _Part(Counter(), "int")
        for token in ("=", "0", ";", name, "<"):
            self.take(token)
        turns = self.expression().number
        if turns is None:
            raise ValueError("cannot count a loop of C whose turns are not known")
        for token in (";", name, "++", ")"):
            self.take(token)
        turn = self.statement() + Counter(whole=2, branch=1)
        return Counter({kind: turns * count for kind, count in turn.items()})

    def _declaration(self) -> Counter[str]:
        if self.peek() == "const":
            self.take()
        kind, count = self.take(*_TYPES), Counter[str]()
        while True:
            name = self.take()
            if self.peek() == "[":
                while self.take() != "]":
                    pass
                self.names[name] = _Part(Counter(), "array")
            else:
                self.names[name] = _Part(Counter(), kind)
                if self.peek() == "=":
                    self.take()
                    count += self.expression().read
            if self.peek() != ",":
                return count
            self.take()

    def _assignment(self) -> Counter[str]:
        target = self._unary()
        if self.peek() not in ("=", "+="):
            return target.count
        sum_ = self.take() == "+="
        value = self.expression()
        if sum_:
            value = _arithmetic("+", target, value)
        count = value.read if sum_ else target.count + value.read
        return count + (Counter(store=1) if target.stored else Counter(whole=target.kind == "int"))

    # --- expressions --------------------------------------------------------------------------------

    def expression(self) -> _Part:
        test = self._binary(0)
        if self.peek() != "?":
            return test
        self.take("?")
        one = self.expression()
        self.take(":")
        two = self.expression()
        return _Part(test.read + Counter(branch=1) + (one.read | two.read), one.kind)

    def _binary(self, level: int) -> _Part:
        made = self._unary()
        while _BINDS.get(self.peek(), 0) > level:
            sign = self.take()
            made = _arithmetic(sign, made, self._binary(_BINDS[sign]))
        return made

    def _unary(self) -> _Part:
        if self.peek() in ("-", "!"):
            self.take()
            if self.peek()[0].isdigit():  # a constant with its sign
                return self._named()
            made = self._unary()
            return _Part(made.read + Counter([_whole_or(made, "sign")]), made.kind)
        if self.peek() == "(" and self.peek(1) in _TYPES:
            self.take()
            kind = self.take()
            self.take(")")
            made = self._unary()
            return _Part(made.read + Counter(conversion=kind != "void"), kind)
        if self.peek() == "(":
            self.take()
            made = self.expression()
            self.take(")")
            return made
        return self._named()

    def _named(self) -> _Part:
        name = self.take()
        if name[0].isdigit():
            if name.isdigit():
                return _Part(Counter(), "int", number=int(name))
            return _Part(Counter(), "float", stored=True)
        if self.peek() == "(":
            return self._call(name)
        if self.peek() == "->":
            self.take()
            self.take()
            return _Part(Counter(), "float", stored=True)
        if self.peek() == "[":
            count: Counter[str] = Counter()
            while self.peek() == "[":
                self.take()
                place = self.expression()
                count += place.read + Counter(whole=place.number is None)
                self.take("]")
            return _Part(count, "float", stored=True)
        if name in self.numbers:
            return _Part(Counter(), "int", number=self.numbers[name])
        if name not in self.names:  # a macro, such as INFINITY
            return _Part(Counter(), "float", stored=True)
        return self.names[name]

    def _call(self, name: str) -> _Part:
        self.take("(")
        given: list[_Part] = []
        while self.peek() != ")":
            given.append(self.expression())
            if self.peek() == ",":
                self.take()
        self.take(")")
        count = sum((one.read for one in given), Counter[str]())
        if name not in self.functions:
            kind = _INSTRUCTIONS.get(name, name)
            waits = name in _INSTRUCTIONS and any(one.fresh for one in given)
            return _Part(
                count + Counter({kind: 1, "wait": waits}), "float", fresh=kind == "division"
            )
        return _Part(count + _counted(name, self.functions, self.names, given), "float")


def _whole_or(part: _Part, kind: str) -> str:
    return "whole" if part.kind == "int" else kind


def _arithmetic(sign: str, one: _Part, two: _Part) -> _Part:
    """Return what an operator makes of two expressions."""
    count = one.read + two.read
    if sign in ("&&", "||"):
        return _Part(count + Counter(branch=1), "int")
    whole = one.kind == two.kind == "int"
    if whole:
        return _Part(count + Counter(whole=1), "int")
    count += Counter(wait=one.fresh or two.fresh)
    kind = _ARITHMETIC.get(sign)
    if kind is None:
        return _Part(count + Counter(comparison=1), "int")
    return _Part(count + Counter([kind]), "float", fresh=True)


def _counted(
    name: str,
    functions: Mapping[str, tuple[list[tuple[str, str]], list[str]]],
    constants: Mapping[str, _Part],
    given: list[_Part],
) -> Counter[str]:
    """Return the operations of a function that is called with expressions, as if it stood in its caller."""
    parameters, tokens = functions[name]
    told = {own: _Part(Counter(), kind) for kind, own in parameters}
    numbers = {
        own: one.number
        for (_, own), one in zip(parameters, given, strict=True)
        if one.number is not None
    }
    return _Function(tokens, functions, {**constants, **told}, numbers).block("")


def operations_of(source: str, name: str) -> Counter[str]:
    """Return the operations of a call of a function, at most, by their kinds.

    Kinds are those of :data:`CORTEX_M4F`. Reads of constants, of observations and of what is remembered are loads,
    while what a function names itself is taken to stay in registers. Functions of the same file are taken to be
    compiled in place. A step of a loop is two operations on whole numbers and a branch, an element whose place is
    computed one more.

    Args:
        source: A file of C that this package has written, in single precision.
        name: The function.

    Raises:
        ValueError: If something stands in it that these files do not have.
    """
    text = re.sub(r"/\*.*?\*/|^#.*?$", "", source, flags=re.DOTALL | re.MULTILINE)
    constant = re.compile(r"^static const float (\w+)((?:\[\d+\])*) = [^;]*;", re.MULTILINE)
    constants = {
        own: _Part(Counter(), "array" if shape else "float", stored=not shape)
        for own, shape in constant.findall(text)
    }
    functions: dict[str, tuple[list[tuple[str, str]], list[str]]] = {}
    whole = re.compile(r"^(?:static )?\w+ (\w+)\(([^)]*)\)\s*\{(.*?)^\}", re.DOTALL | re.MULTILINE)
    for own, parameters, body in whole.findall(constant.sub("", text)):
        read = [_parameter(one) for one in parameters.split(",")]
        functions[own] = read, [*(match.group() for match in _TOKEN.finditer(body)), ""]
    if name not in functions:
        raise ValueError(f"there is no function {name!r} in this file of C")
    unknown = [_Part(Counter(), kind) for kind, _ in functions[name][0]]
    return _counted(name, functions, constants, unknown)


def _parameter(text: str) -> tuple[str, str]:
    """Return kind and name of a parameter."""
    own = re.sub(r"\[\d*\]", "", text).replace("*", " ").split()[-1]
    return ("array" if "*" in text or "[" in text else text.split()[-2]), own


def cycles_of(operations: Mapping[str, int], core: Core = CORTEX_M4F) -> int:
    """Return the cycles that a core takes for operations, about.

    Args:
        operations: Kind to count, as :func:`operations_of` returns them.
        core: The core.

    Raises:
        KeyError: For a kind that the core's table does not have.
    """
    return sum(count * core.cycles[kind] for kind, count in operations.items())


def flops_of(operations: Mapping[str, int]) -> int:
    """Return how many operations are of floating point.

    Args:
        operations: Kind to count, as :func:`operations_of` returns them.
    """
    return sum(operations.get(kind, 0) for kind in FLOPS)
