"""Numbers and names as words, for the terminal and for the page."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gym_suite.comparison.statistics import Interval

__all__ = [
    "MISSING",
    "digits",
    "listed",
    "number",
    "percent",
    "quantity",
    "seconds",
    "span",
    "visible",
    "with_interval",
]

MISSING = "–"

PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def visible(text: str) -> str:
    """A text without what a terminal would obey: control characters and marks of writing direction.

    Names, errors and descriptions come from users' files and go to terminals, tables and pages. New lines and tabs
    become spaces, everything else of the kind the replacement character.
    """
    if text.isprintable():
        return text
    words = " ".join(text.split())
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c
        for c in words
    )


def digits(value: float, significant: int = 3) -> str:
    """A number to some significant digits without an exponent where that is readable."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "never" if value > 0 else "−∞"
    if value == 0.0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{significant - 1}e}".replace("-", "−")
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def seconds(value: float) -> str:
    """A time with its prefix."""
    return quantity(value, "s")


def quantity(value: float, unit: str) -> str:
    """A value with its unit and the prefix that makes it readable."""
    if not math.isfinite(value) or value == 0.0:
        return digits(value)
    factor, prefix = next((p for p in PREFIXES if abs(value) >= p[0]), PREFIXES[-1])
    return f"{digits(value / factor)} {prefix}{unit}"


def with_interval(
    interval: Interval | None, scale: float = 1.0, decimals: int | None = None
) -> str:
    """An estimate with its ends; they get as many decimals as their distance deserves."""
    if interval is None:
        return MISSING
    values = [v * scale for v in (interval.estimate, interval.low, interval.high)]
    if not all(map(math.isfinite, values)) or values[1] == values[2]:
        if decimals is None or not math.isfinite(values[0]):
            return digits(values[0])
        return f"{round(values[0], decimals) + 0.0:.{decimals}f}".replace("-", "−")
    if decimals is None:
        width = max(values[2] - values[1], abs(values[0]) * 0.02)
        decimals = max(0, 1 - math.floor(math.log10(width)))
    if decimals > 4:
        return "< 0.0001" if max(map(abs, values)) < 1e-4 else digits(values[0], 2)
    # Rounding first, and adding 0, leaves no minus sign before a zero.
    text = [f"{round(v, decimals) + 0.0:.{decimals}f}".replace("-", "−") for v in values]
    return text[0] if text[0] == text[1] == text[2] else f"{text[0]} [{text[1]}, {text[2]}]"


def percent(interval: Interval | None) -> str:
    """A share in whole percent, in tenths where it is small or nearly all."""
    if interval is None:
        return MISSING
    value = 100.0 * interval.estimate
    decimals = 1 if 0.0 < value < 1.0 or 99.0 < value < 100.0 else 0
    return f"{value:.{decimals}f} %"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Words as a sentence lists them: "a, b and c"."""
    found = list(words)
    return f"{', '.join(found[:-1])} {last} {found[-1]}" if len(found) > 1 else "".join(found)


def number(count: int, thing: str) -> str:
    """So many things: "1 run", "2 runs"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def span(seeds: Sequence[int]) -> str:
    """Whole numbers in a few words: "0 to 19"."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
