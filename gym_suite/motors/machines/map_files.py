"""Files of flux maps: CSV and NumPy archives, with what is wrong in them said plainly."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import nearest

#: The arrays of a map, and in which units they are, as a file may write them.
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("i_d", "i_q"), ("A",)),
        **dict.fromkeys(("psi_d", "psi_q"), ("Vs", "V s", "Wb")),
    }
)
#: Complex arrays over the grid, i_d + j i_q and psi_d + j psi_q, which the examples of motulator keep.
COMPLEX = "i_s_dq", "psi_s_dq"
CSV, NPZ = ".csv", ".npz"
ENDINGS = CSV, NPZ
#: A column's name, and perhaps its unit: i_d, i_d [A], i_d (A), i_d_A.
_HEADED = re.compile(
    rf"({'|'.join(COLUMNS)})(?:\s*\[([^\]]*)\]|\s*\(([^)]*)\)|_([A-Za-z]+))?", re.ASCII
)


def read_csv(path: str | Path) -> dict[str, Any]:
    """Return the arrays of a flux map in a CSV file by the names of :data:`COLUMNS`.

    Args:
        path: The file: a point of the grid a row, below a header with the four names, each perhaps with its unit.

    Raises:
        ValueError: If there is no such file, it cannot be read, a column or a point of the grid is missing, a column or
            a point comes twice, or a unit is another.
    """
    file = _existing(path)
    try:
        return read_text(file.read_text("utf-8-sig"), str(file))
    except UnicodeDecodeError as error:
        raise ValueError(f"the flux map {str(file)!r} is no text: {error}") from None


def read_text(text: str, name: str) -> dict[str, Any]:
    """Return the arrays of a flux map in CSV.

    Args:
        text: The file's content.
        name: What errors call it.

    Raises:
        ValueError: As :func:`read_csv`.
    """
    reader = csv.reader(text.splitlines())
    places = _places(next(reader, []), name)
    points: dict[tuple[float, float], tuple[float, float]] = {}
    for row in reader:
        if not any(map(str.strip, row)):
            continue
        line = reader.line_num
        try:
            i_d, i_q, psi_d, psi_q = (float(row[place]) for place in places)
        except (IndexError, ValueError):
            raise ValueError(f"the flux map {name!r}, line {line}: not four numbers") from None
        if (i_d, i_q) in points:
            raise ValueError(
                f"the flux map {name!r}, line {line}: i_d = {i_d:g} A, i_q = {i_q:g} A comes twice"
            )
        points[i_d, i_q] = psi_d, psi_q
    d, q = sorted({p[0] for p in points}), sorted({p[1] for p in points})
    for point in ((a, b) for a in d for b in q):
        if point not in points:
            raise ValueError(
                f"the flux map {name!r} must be a full grid of currents: i_d = {point[0]:g} A, "
                f"i_q = {point[1]:g} A is missing"
            )
    psi = np.array([[points[a, b] for b in q] for a in d]).reshape(len(d), len(q), 2)
    return {"i_d": d, "i_q": q, "psi_d": psi[:, :, 0], "psi_q": psi[:, :, 1]}


def _existing(path: str | Path) -> Path:
    """Return the path of a file that is there."""
    file = Path(path)
    if not file.is_file():
        beside = sorted(other.name for end in ENDINGS for other in file.parent.glob(f"*{end}"))
        near = nearest(file.name, beside)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"there is no flux map {str(file)!r}{hint}")
    return file


def _places(header: list[str], name: str) -> list[int]:
    """Return where the columns of a map stand in a file."""
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        headed = _HEADED.fullmatch(cell.strip())
        if headed is None:
            continue
        column, *units = headed.groups()
        unit = next((unit.strip() for unit in units if unit is not None), None)
        if unit is not None and unit not in COLUMNS[column]:
            raise ValueError(
                f"the flux map {name!r}: the column {column} is in {unit!r}; a map is in {COLUMNS[column][0]}: "
                "convert it"
            )
        if column in places:
            raise ValueError(f"the flux map {name!r} has the column {column} twice")
        places[column] = place
    missing = [column for column in COLUMNS if column not in places]
    if missing:
        raise ValueError(
            f"the flux map {name!r} needs the columns {', '.join(COLUMNS)} (A, Vs); missing: {', '.join(missing)}; "
            f"its header has {', '.join(map(str.strip, header)) or 'nothing'}"
        )
    return [places[column] for column in COLUMNS]


def read_npz(path: str | Path) -> dict[str, Any]:
    """Return the arrays of a flux map in an archive of NumPy by the names of :data:`COLUMNS`.

    Args:
        path: The file: the four arrays, or the two of :data:`COMPLEX`.

    Raises:
        ValueError: If there is no such file, it cannot be read, an array is missing, or the complex currents are no
            grid.
    """
    file = _existing(path)
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"the flux map {str(file)!r} is no archive of NumPy arrays: {error}"
        ) from None
    if all(name in arrays for name in COMPLEX):
        current, flux = (arrays[name] for name in COMPLEX)
        return _apart(current, flux, str(file))
    missing = [column for column in COLUMNS if column not in arrays]
    if missing:
        raise ValueError(
            f"the flux map {str(file)!r} needs the arrays {', '.join(COLUMNS)}, or {' and '.join(COMPLEX)}; missing: "
            f"{', '.join(missing)}; it has {', '.join(arrays) or 'nothing'}"
        )
    return {column: arrays[column] for column in COLUMNS}


def _apart(
    current: NDArray[np.complex128], flux: NDArray[np.complex128], name: str
) -> dict[str, Any]:
    """Return the arrays of a map whose currents and fluxes are complex."""
    if current.ndim == 2 and current.size and current.shape == flux.shape:
        i_d, i_q = current.real[:, 0], current.imag[0]
        if np.array_equal(current, i_d[:, None] + 1j * i_q):
            return {"i_d": i_d, "i_q": i_q, "psi_d": flux.real, "psi_q": flux.imag}
    raise ValueError(
        f"the flux map {name!r} must be a full grid of currents: {COMPLEX[0]} must have a row for each d current, a "
        f"column for each q current, and the shape of {COMPLEX[1]}"
    )
