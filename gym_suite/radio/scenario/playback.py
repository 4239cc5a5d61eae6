"""Tables of received powers that an entity plays back: lists, CSV and NPZ files."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_number
from gym_suite.radio.scenario.model import MAX_DBM, MIN_DBM

MAX_CELLS = 1_000_000  # numbers in a table that is played back


def read_table(
    path: str, value: object, channels: int, folder: Path | None = None
) -> tuple[tuple[float, ...], ...]:
    """Return a table of received powers in dBm, a row per step and a column per channel.

    Args:
        path: Where it stands, for errors.
        value: Rows of numbers, an array (rows, channels), or the name of a CSV or NPZ file (its array "powers", or its
            only one).
        channels: Number of columns.
        folder: From which a relative name is meant; None: the current one.

    Raises:
        ValueError: Naming the key's path, the place, the value and what is allowed.
    """
    rows = _file(path, value, folder) if isinstance(value, str | Path) else value
    if isinstance(rows, np.ndarray):
        rows = _of_array(f"{path} is", rows)
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Sequence) or not rows:
        raise ValueError(f"{path} must be a list of rows of dBm or a file's name, got {rows!r}")
    if len(rows) * channels > MAX_CELLS:
        raise ValueError(f"{path} has {len(rows)} rows, at most {MAX_CELLS // channels} fit")
    return tuple(_row(f"{path}[{i}]", row, channels) for i, row in enumerate(rows))


def _row(path: str, row: object, channels: int) -> tuple[float, ...]:
    if isinstance(row, str | bytes | Mapping) or not isinstance(row, Sequence):
        raise ValueError(f"{path} must be a list of {channels} powers in dBm, got {row!r}")
    if len(row) != channels:
        raise ValueError(f"{path} must have one power per channel, {channels}, got {len(row)}")
    return tuple(
        check_number(f"{path}[{c}]", value, low=MIN_DBM, high=MAX_DBM)
        for c, value in enumerate(row)
    )


def _file(path: str, name: str | Path, folder: Path | None) -> list[Any]:
    file = Path(name) if folder is None else folder / name
    if file.suffix not in (".csv", ".npz"):
        raise ValueError(f"{path} must name a .csv or .npz file, got {str(name)!r}")
    if "\0" in str(file) or not file.is_file():
        raise ValueError(f"{path}: there is no file {str(name)!r}")
    return _npz(path, file) if file.suffix == ".npz" else _csv(path, file)


def _csv(path: str, file: Path) -> list[Any]:
    try:
        lines = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {file.name} is not a CSV file: {error}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line or line[0].lstrip().startswith("#"):
            continue
        try:
            rows.append([float(cell) for cell in line])
        except ValueError as error:
            raise ValueError(f"{path}: line {number} of {file.name}: {error}") from None
    return rows


def _npz(path: str, file: Path) -> list[Any]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names = arrays.files
            name = "powers" if "powers" in names else names[0] if len(names) == 1 else None
            if name is None:
                raise ValueError(f"it holds no array 'powers' but {', '.join(names) or 'nothing'}")
            table = arrays[name]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: {file.name} cannot be read: {error}") from None
    return _of_array(f"{path}: {file.name} holds", table)


def _of_array(what: str, table: np.ndarray) -> list[Any]:
    if table.ndim != 2 or table.dtype.kind not in "fiu":
        raise ValueError(
            f"{what} an array of shape {table.shape} and dtype {table.dtype}, "
            "expected real numbers, a row per step and a column per channel"
        )
    return table.astype(np.float64).tolist()
