"""Logs as tables: the columns of a CSV file by name, with what is wrong in it said plainly."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: What other software writes between columns, with its name.
_OTHERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_HEADED = re.compile(r"(?P<name>[^\[\]]*?)\s*\[(?P<unit>[^\[\]]*)\]")


def read_columns(
    path: str | Path, wanted: Collection[str], *, units: bool = False
) -> tuple[dict[str, NDArray[np.float64]], dict[str, str]]:
    """Return the columns of a CSV file by name, and the units that its header says.

    Args:
        path: The file; it may be compressed (``.csv.gz``).
        wanted: Names of the columns that are read; others are left alone and come back empty.
        units: Whether the header may say the unit of a column, as ``name [unit]``; it is part of the name else.

    Raises:
        ValueError: For a file that cannot be read, whose columns are not separated by commas or that has no rows, a row
            with fewer or more fields than the header or without a number for each wanted column, or a number that is
            not finite; says where. Empty fields at the end of a line, as spreadsheets write them, do not count.
    """
    file = Path(path)
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            numbered = [(lines.line_num, row) for row in lines if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error) as error:
        raise ValueError(f"{file} cannot be read as CSV: {error}") from None
    rows = [row for _, row in numbered]
    if len(rows) < 2:
        raise ValueError(f"{file.name} has no rows below its header")
    _check_separator(file.name, ",".join(rows[0]))
    header, told = [], {}
    for column in _filled(rows[0]):
        headed = _HEADED.fullmatch(column.strip()) if units else None
        header.append(headed["name"] if headed else column.strip())
        if headed:
            told[headed["name"]] = headed["unit"].strip()
    used = [k for k, column in enumerate(header) if column in wanted]
    twice = next(
        (column for column in header if column in wanted and header.count(column) > 1), None
    )
    if twice is not None:
        raise ValueError(f"{file.name} has the column {twice} twice")
    table = np.empty((len(rows) - 1, len(used)))
    for i, (line, row) in enumerate(numbered[1:]):
        where = f"{file.name}: row {i} (line {line})"
        if len(row) != len(header) and len(row := _filled(row, len(header))) != len(header):
            raise ValueError(
                f"{where} has {len(row)} fields, the header has {len(header)}: {','.join(row)[:80]!r}. Numbers have a "
                "decimal point, and a comma stands between fields alone"
            )
        try:
            table[i] = [float(row[k]) for k in used]
        except ValueError:
            comma = any("," in row[k] for k in used)
            advice = "; numbers have a decimal point, not a comma" if comma else ""
            raise ValueError(
                f"{where} has no number for each column: {','.join(row)[:80]}{advice}"
            ) from None
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"{file.name}: {header[used[column]]} in row {row} is {table[row, column]}"
        )
    found = {header[k]: table[:, i].copy() for i, k in enumerate(used)}
    return {**dict.fromkeys((c for c in header if c not in wanted), np.empty(0)), **found}, told


def _filled(row: list[str], least: int = 0) -> list[str]:
    """Return a row without the empty fields at its end, of which a number of fields is kept."""
    end = len(row)
    while end > least and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _check_separator(file: str, header: str) -> None:
    """Refuse a header that something else than commas separates.

    Raises:
        ValueError: Naming it.
    """
    likely = max(_OTHERS, key=header.count)
    if header.count(likely) > header.count(","):
        raise ValueError(
            f"{file} separates its columns by {_OTHERS[likely]}; here commas separate columns and numbers have a "
            "decimal point: convert it"
        )
