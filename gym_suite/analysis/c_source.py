"""Control laws as C99 source: the frame that all of them share, whoever writes their equations.

A law is code in single precision without a loop or an allocation, so the time of a sample is bounded, and gives the
same bits at every level of optimisation of a compiler that keeps to the standard (without -ffast-math, and without
contracting a * b + c, which ISO mode of gcc does not). Of the library it calls, if anything, sqrtf, fabsf and
copysignf, whose results IEEE 754 fixes to the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_names import reserved
from gym_suite.core.columns import Columns

#: Words that nothing in an exported file is called: C99 (ISO/IEC 9899:1999, 6.4.1), and what the files define or call.
TAKEN = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    main layer tanh tanhf fmax fmaxf fmin fminf sqrtf fabsf copysignf observation action memory
    larger smaller turned sine_of cosine_of
    """.split()  # noqa: SIM905 (read as a text, the words are C's own)
)


def check_name(name: str) -> str:
    """Return a name that functions of an exported file can have.

    Args:
        name: What the user wants.

    Raises:
        ValueError: If it is no identifier of C, or taken by C, its library, or what exported files define.
    """
    said = f"the file's name becomes that of the function, and {name!r} cannot be one in C: "
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise ValueError(f"{said}use letters, digits and underscores, such as policy.c")
    taken = reserved(name) or ("a word of C or of exported files" if name in TAKEN else None)
    if taken is not None:
        raise ValueError(f"{said}it is {taken}; take another, such as policy.c")
    return name


def literal(value: float) -> str:
    """Return a number as a constant of C in single precision, which reads back exactly.

    Args:
        value: The number.

    Raises:
        ValueError: If it is not finite in single precision.
    """
    with np.errstate(over="ignore"):
        fits = np.isfinite(np.float32(value))
    if not fits:
        raise ValueError(f"a law with the number {value} has no C source in single precision")
    number = np.float32(value)
    plain = np.format_float_positional(number, trim="0")
    power = np.format_float_scientific(number, trim="0", exp_digits=1)
    return f"{min(plain, power, key=len)}f"


@dataclass(frozen=True, slots=True)
class CLaw:
    """A control law in C.

    Attributes:
        constants: Name to value and meaning with unit.
        memory: Name to meaning with unit of what it remembers; zeros are a fresh start.
        body: Statements from ``observation`` and ``memory`` to ``action``; constants by their names.
        tables: Name to numbers, (rows, columns), and meaning of what it looks up in.
    """

    constants: Mapping[str, tuple[float, str]]
    memory: Mapping[str, str]
    body: Sequence[str]
    tables: Mapping[str, tuple[NDArray[np.float64], str]] = field(default_factory=dict)

    @property
    def constant_bytes(self) -> int:
        """Bytes of constants and tables."""
        return 4 * (len(self.constants) + sum(values.size for values, _ in self.tables.values()))

    @property
    def memory_bytes(self) -> int:
        """Bytes that the caller keeps."""
        return 4 * max(len(self.memory), 1)


#: Functions of C that laws may call, by name, each with those that it calls before it.
HELPERS = {
    "larger": """\
static float larger(float a, float b)
{
    return b > a ? b : a;
}
""",
    "smaller": """\
static float smaller(float a, float b)
{
    return b < a ? b : a;
}
""",
    "turned": """\
/* Sine of an angle and some quarters of a turn: of what is left beside the nearest quarter, by its series. */
static float turned(float angle, int quarters)
{
    const float of_turn = angle * 0.636619772f;
    const int nearest = (int)(of_turn < 0.0f ? of_turn - 0.5f : of_turn + 0.5f);
    const float n = (float)nearest;
    /* pi / 2 in three parts, of which the products with n are exact or negligible */
    const float x = ((angle - n * 1.5703125f) - n * 0.000483751297f) - n * 7.54978995e-8f;
    const float z = -x * x;
    const int quarter = (nearest + quarters) & 3;
    const float value = quarter & 1
        ? 1.0f + z * (0.5f + z * (0.0416666667f + z * (0.00138888889f + z * 2.48015873e-5f)))
        : x + x * z * (0.166666667f + z * (0.00833333333f + z * (0.000198412698f + z * 2.75573192e-6f)));
    return quarter & 2 ? -value : value;
}
""",
    "sine_of": """\
static float sine_of(float angle)
{
    return turned(angle, 0);
}
""",
    "cosine_of": """\
static float cosine_of(float angle)
{
    return turned(angle, 1);
}
""",
}
_NEEDS = {"sine_of": "turned", "cosine_of": "turned"}
#: What of <math.h> laws use.
_LIBRARY = "sqrtf(", "fabsf(", "copysignf(", "INFINITY"


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
    law: CLaw,
    name: str,
    about: str,
    dt: float,
    observation: Columns,
    action: Columns,
    *,
    given: str = "observation",
    answered: str = "action, from -1 to 1",
) -> str:
    """Return the header of a law: its memory, its functions, and what observation and action hold.

    Args:
        law: The law.
        name: First part of all names.
        about: What it is, a sentence.
        dt: Time between two samples, s.
        observation: Columns of the observation.
        action: Columns of the action.
        given: What the observation is.
        answered: What the action is.
    """
    guard = f"{name.upper()}_H"
    told = [
        about,
        f"Call {name}_step every {dt:.9g} s, and {name}_reset before the first time.",
        "",
        f"{given}:",
        *listed(observation),
        f"{answered}:",
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
    called = {word for word in HELPERS if f"{word}(" in text}
    called |= {_NEEDS[word] for word in called if word in _NEEDS}
    helpers = [code for word, code in HELPERS.items() if word in called]
    library = any(word in text for word in _LIBRARY)
    constants = [
        f"static const float {constant} = {literal(value)}; /* {meaning} */"
        for constant, (value, meaning) in law.constants.items()
    ]
    constants += [_table(table, *held) for table, held in law.tables.items()]
    kept = law.memory or {"nothing": ""}
    zeros = "".join(f"    memory->{field} = 0.0f;\n" for field in kept)
    unused = "" if law.memory else "    (void)memory;\n"
    body = "".join(f"    {line}\n" for line in law.body)
    return "\n".join(
        [
            *(["#include <math.h>\n"] if library else []),
            f'#include "{name}.h"\n',
            "\n".join(constants) + "\n",
            *helpers,
            f"void {name}_reset({name}_memory *memory)\n{{\n{zeros}}}\n",
            f"void {name}_step({name}_memory *memory, const float observation[{len(observation)}], "
            f"float action[{len(action)}])\n{{\n{unused}{body}}}\n",
        ]
    )


def _table(name: str, values: NDArray[np.float64], meaning: str) -> str:
    """Return a table as a constant."""
    rows = ",\n".join(f"    {{{', '.join(map(literal, row))}}}" for row in values)
    shape = "".join(f"[{count}]" for count in values.shape)
    return f"static const float {name}{shape} = {{ /* {meaning} */\n{rows}\n}};"
