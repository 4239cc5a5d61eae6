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
        ValueError: For a file that cannot be read or has no rows, a row without a number for each wanted column, or a
            number that is not finite; says where.
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
    header, told = [], {}
    for column in rows[0]:
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
    for i, row in enumerate(rows[1:]):
        try:
            table[i] = [float(row[k]) for k in used]
        except (IndexError, ValueError):
            raise ValueError(
                f"{file.name}: row {i} (line {numbered[i + 1][0]}) has no number for each column: {','.join(row)[:80]}"
            ) from None
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"{file.name}: {header[used[column]]} in row {row} is {table[row, column]}"
        )
    found = {header[k]: table[:, i].copy() for i, k in enumerate(used)}
    return {**dict.fromkeys((c for c in header if c not in wanted), np.empty(0)), **found}, told
