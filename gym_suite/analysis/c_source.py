"""Control laws as C99 source: the frame that all of them share, whoever writes their equations.

A law is straight-line code in single precision: no loop, no allocation, no call, so it takes the same time at every
sample and gives the same bits at every level of optimisation of a compiler that keeps to the standard (without
-ffast-math, and without contracting a * b + c, which ISO mode of gcc does not).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gym_suite.core.columns import Columns

#: Words that are no name of a function: C99 (ISO/IEC 9899:1999, 6.4.1), and what exported files define or call.
TAKEN = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    main layer tanh tanhf fmax fmaxf fmin fminf within largest smallest
    """.split()  # noqa: SIM905 (read as a text, the words are C's own)
)


def check_name(name: str) -> str:
    """Return a name that functions of an exported file can have.

    Args:
        name: What the user wants.

    Raises:
        ValueError: If it is no identifier of C, or taken.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or name in TAKEN:
        raise ValueError(
            f"the file's name becomes that of the function, and {name!r} cannot be one in C: use letters, digits and "
            "underscores, such as policy.c"
        )
    return name


def literal(value: float) -> str:
    """Return a number as a constant of C in single precision, which reads back exactly.

    Args:
        value: The number.

    Raises:
        ValueError: If it is not finite.
    """
    if not np.isfinite(value):
        raise ValueError(f"a law with the number {value} has no C source")
    text = repr(float(np.float32(value)))
    shortest = np.format_float_scientific(np.float32(value), trim="0")
    return f"{min(text, shortest, key=len)}f"


@dataclass(frozen=True, slots=True)
class CLaw:
    """A control law in C.

    Attributes:
        constants: Name to value and meaning with unit.
        memory: Name to meaning with unit of what it remembers; zeros are a fresh start.
        body: Statements from ``observation`` and ``memory`` to ``action``; constants by their names.
    """

    constants: Mapping[str, tuple[float, str]]
    memory: Mapping[str, str]
    body: Sequence[str]

    @property
    def flops(self) -> int:
        """Additions, multiplications, divisions and comparisons that one sample takes at most."""
        text = " ".join(
            re.sub(r"\[[^\]]*\]|->|e[-+]\d", "", line.split("/*")[0]) for line in self.body
        )
        calls = text.count("within(") * 2 + (text.count("largest(") + text.count("smallest(")) * 2
        return len(re.findall(r"[-+*/]|<=|>=|[<>]", text)) + calls

    @property
    def constant_bytes(self) -> int:
        """Bytes of constants."""
        return 4 * len(self.constants)

    @property
    def memory_bytes(self) -> int:
        """Bytes that the caller keeps."""
        return 4 * max(len(self.memory), 1)


_HELPERS = {
    "within": """\
static float within(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}
""",
    "largest": """\
static float largest(float a, float b, float c)
{
    const float d = a > b ? a : b;
    return d > c ? d : c;
}
""",
    "smallest": """\
static float smallest(float a, float b, float c)
{
    const float d = a < b ? a : b;
    return d < c ? d : c;
}
""",
}


def listed(columns: Columns, names: Sequence[str] | None = None) -> list[str]:
    """Return lines that say what stands in each place of an observation or an action, with units and scaling.

    Args:
        columns: The columns.
        names: Their names where several agents have the same ones, one agent after the other.
    """
    lines = []
    for k, name in enumerate(columns.names if names is None else names):
        column = columns[k % len(columns)]
        lines.append(f"    [{k}] {name}: {column.meaning or column.name}")
        if column.unit != "1":
            lines.append(f"        in {column.unit} over {column.scale:.9g} {column.unit}")
    return lines


def comment(lines: Sequence[str]) -> str:
    """Return lines as a comment."""
    return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def header_of(
    law: CLaw, name: str, about: str, dt: float, observation: Columns, action: Columns
) -> str:
    """Return the header of a law: its memory, its functions, and what observation and action hold.

    Args:
        law: The law.
        name: First part of all names.
        about: What it is, a sentence.
        dt: Time between two samples, s.
        observation: Columns of the observation.
        action: Columns of the action.
    """
    guard = f"{name.upper()}_H"
    told = [
        about,
        f"Call {name}_step every {dt:.9g} s, and {name}_reset before the first time.",
        "",
        "observation:",
        *listed(observation),
        "action, from -1 to 1:",
        *listed(action),
    ]
    kept = law.memory or {"nothing": "the law has no memory"}
    fields = "".join(f"    float {field}; /* {meaning} */\n" for field, meaning in kept.items())
    return (
        f"#ifndef {guard}\n#define {guard}\n\n{comment(told)}\n"
        f"typedef struct {{\n{fields}}} {name}_memory;\n\n"
        f"void {name}_reset({name}_memory *memory);\n"
        f"void {name}_step({name}_memory *memory, const float observation[{len(observation)}], "
        f"float action[{len(action)}]);\n\n#endif\n"
    )


def source_of(law: CLaw, name: str, observation: Columns, action: Columns) -> str:
    """Return the source of a law.

    Args:
        law: The law.
        name: First part of all names, and that of the header.
        observation: Columns of the observation.
        action: Columns of the action.
    """
    text = "\n".join(law.body)
    helpers = [code for word, code in _HELPERS.items() if f"{word}(" in text]
    constants = [
        f"static const float {constant} = {literal(value)}; /* {meaning} */"
        for constant, (value, meaning) in law.constants.items()
    ]
    kept = law.memory or {"nothing": ""}
    zeros = "".join(f"    memory->{field} = 0.0f;\n" for field in kept)
    unused = "" if law.memory else "    (void)memory;\n"
    body = "".join(f"    {line}\n" for line in law.body)
    return "\n".join(
        [
            f'#include "{name}.h"\n',
            "\n".join(constants) + "\n",
            *helpers,
            f"void {name}_reset({name}_memory *memory)\n{{\n{zeros}}}\n",
            f"void {name}_step({name}_memory *memory, const float observation[{len(observation)}], "
            f"float action[{len(action)}])\n{{\n{unused}{body}}}\n",
        ]
    )
