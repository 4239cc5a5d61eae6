"""One class for everything that was recorded over time, indexed by column name."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.core.parameters import unknown_error


class Trajectory:
    """Named columns over equally spaced time.

    Args:
        columns: Name to array; all of shape (T,), (T, n) for n rows, or (T, n, ...) with the same T.
        dt: Time between two rows, s.
        units: Name to SI unit.
        meta: Anything worth keeping with it; must be JSON-able for :meth:`save`.

    Raises:
        ValueError: If the arrays do not have the same number of rows, or dt is not positive.
    """

    __slots__ = ("_columns", "dt", "meta", "units")

    def __init__(
        self,
        columns: Mapping[str, np.ndarray],
        *,
        dt: float,
        units: Mapping[str, str] | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self._columns = {name: np.asarray(values) for name, values in columns.items()}
        lengths = {values.shape[0] if values.ndim else -1 for values in self._columns.values()}
        if len(lengths) > 1 or -1 in lengths:
            raise ValueError(f"columns must be arrays of one length, got lengths {sorted(lengths)}")
        if not dt > 0:
            raise ValueError(f"dt must be positive, got {dt!r}")
        self.dt = float(dt)
        self.units = MappingProxyType(dict(units or {}))
        self.meta = MappingProxyType(dict(meta or {}))

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(self._columns)

    @property
    def time(self) -> np.ndarray:
        """Time of each row, s, shape (T,)."""
        return np.arange(len(self)) * self.dt

    def __len__(self) -> int:
        return next((values.shape[0] for values in self._columns.values()), 0)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._columns[name]
        except (KeyError, TypeError):
            raise unknown_error("column", name, self.names) from None

    def __repr__(self) -> str:
        return f"Trajectory({len(self)} rows, dt={self.dt:g} s: {', '.join(self.names)})"

    def __reduce__(self) -> Any:
        return _rebuilt, (self._columns, self.dt, dict(self.units), dict(self.meta))

    def select(self, names: Iterable[str]) -> Trajectory:
        """Return a trajectory of some of the columns.

        Args:
            names: Columns to keep, in this order.
        """
        names = list(names)
        units = {name: self.units[name] for name in names if name in self.units}
        return Trajectory({n: self[n] for n in names}, dt=self.dt, units=units, meta=self.meta)

    def row(self, index: int) -> Trajectory:
        """Return the trajectory of one of n rows (worlds).

        Args:
            index: Which row.
        """
        columns = {n: v[:, index] if v.ndim > 1 else v for n, v in self._columns.items()}
        return Trajectory(columns, dt=self.dt, units=self.units, meta=self.meta)

    def to_csv(self, path: str | Path) -> None:
        """Write time and all columns, which must be one-dimensional, as text with a header "name [unit]".

        Args:
            path: File to write.

        Raises:
            ValueError: If a column has more than one dimension; take a :meth:`row` first.
        """
        for name, values in self._columns.items():
            if values.ndim != 1:
                raise ValueError(
                    f"column {name!r} has shape {values.shape}; write one row: .row(i).to_csv(path)"
                )
        header = ["time [s]", *(f"{n} [{self.units.get(n, '1')}]" for n in self.names)]
        with Path(path).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(
                zip(self.time.tolist(), *(self[n].tolist() for n in self.names), strict=True)
            )

    def save(self, path: str | Path) -> None:
        """Write everything to a compressed .npz file that :meth:`load` reads back.

        Args:
            path: File to write; its folder must exist.
        """
        head = {"dt": self.dt, "units": dict(self.units), "meta": dict(self.meta)}
        columns = {f"column/{name}": values for name, values in self._columns.items()}
        np.savez_compressed(path, head=np.array(json.dumps(head)), **columns)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path) -> Trajectory:
        """Read what :meth:`save` wrote.

        Args:
            path: File that :meth:`save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, or another kind of file; the file is named.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no trajectory file {path}")
        try:
            with np.load(path, allow_pickle=False) as file:
                head = json.loads(str(file["head"]))
                columns = {
                    key.removeprefix("column/"): file[key] for key in file.files if key != "head"
                }
            return cls(columns, dt=head["dt"], units=head["units"], meta=head["meta"])
        except (
            Exception
        ) as error:  # a damaged archive makes zipfile, zlib, json and NumPy raise almost anything
            raise ValueError(
                f"{path} is no trajectory that Trajectory.save wrote (empty, truncated, damaged, or another kind of "
                f"file): {type(error).__name__}"
            ) from error


def _rebuilt(columns: dict, dt: float, units: dict, meta: dict) -> Trajectory:
    """Construct a trajectory from plain data (read-only mappings do not pickle)."""
    return Trajectory(columns, dt=dt, units=units, meta=meta)
