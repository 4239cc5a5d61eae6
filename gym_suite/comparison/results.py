"""The folder of a comparison: results.jsonl, results.csv and the shown trajectories.

Results are appended as they finish, a line each, and reach the disk before the next job starts. A line carries a
checksum of what it says, so one that is torn, damaged or edited is not believed, nor is a damaged trajectory: its run
is done again, whole. One comparison at a time writes into a folder.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from gym_suite.comparison.shapes import check_shape
from gym_suite.learning.folders import LOCK, check_writable, locked

__all__ = [
    "LOCK",
    "Results",
    "check_writable",
    "decode",
    "encode",
    "locked",
    "slug",
    "write_csv",
    "write_whole",
]


def slug(id: str) -> str:
    """The name of an id's files.

    Args:
        id: environment id.
    """
    return id.replace("/", "-")


def write_whole(path: Path, text: str) -> None:
    """Replace a text file in one piece: a reader never sees half of it, and a full disk leaves nothing behind.

    Args:
        path: of the file; its folder exists.
        text: all that it is to hold.
    """
    handle, temporary = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def encode(record: Mapping[str, Any]) -> str:
    """One line of JSON with its checksum. Not applicable (NaN) becomes null, never reached (infinite) "Infinity"."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, float) and not math.isfinite(value):
            return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return value

    told = json.dumps(plain(record), allow_nan=False)
    return f'{told[:-1]}, "{CHECKSUM}": "{_checksum(told)}"}}'


def decode(line: str) -> dict[str, Any]:
    """A record from its line.

    Raises:
        ValueError: not a record, one that lacks something or has something of another kind, or one that says something
            else than what was written.
    """
    try:
        record = json.loads(line)
    except RecursionError:
        raise ValueError("not a record") from None
    check_shape(record, _RECORD)
    if record.pop(CHECKSUM) != _checksum(json.dumps(record)):
        raise ValueError("it does not match its checksum")
    metrics = {name: _metric(name, value) for name, value in record["metrics"].items()}
    if record["status"] == "done" and not math.isfinite(metrics.get("return", math.nan)):
        raise ValueError("a finished run has a finite return")
    return {**record, "metrics": metrics}


CHECKSUM = "checksum"
"""Name of a line's checksum in it."""


def _checksum(told: str) -> str:
    """The checksum of a record, as JSON without it."""
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _metric(name: str, value: Any) -> float:
    """A metric of a line as a number."""
    if value is None:
        return math.nan
    if value in ("Infinity", "-Infinity"):
        return float(value)
    check_shape(value, float, f"metrics.{name}")
    return float(value)


_RECORD = {
    "run": str,
    "status": frozenset({"done", "failed"}),
    "error": (str, None),
    "id": str,
    "setting": {"name": str},
    "seed": int,
    "horizon": (int, None),
    "agent": {"name": str, "kind": str, "information": str, "training_seed": (int, None)},
    "metrics": {},
    "time_per_action": (float, None),
    "provenance": {},
    CHECKSUM: str,
}


class Results:
    """Records by run digest and trajectories, in memory and, with a folder, on disk.

    Args:
        folder: where to keep them; None keeps them in memory.

    Raises:
        OSError: the folder cannot be written, or another comparison is writing there.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._records: dict[str, dict[str, Any]] = {}
        self._trajectories: dict[str, Any] = {}
        self._lock: IO[str] | None = None
        if folder is not None:
            self._lock = locked(folder)
            self._read()

    def close(self) -> None:
        """Let others write into the folder; reading goes on."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def file(self) -> Path | None:
        """The file of records."""
        return self.folder / "results.jsonl" if self.folder else None

    @property
    def records(self) -> list[dict[str, Any]]:
        """The newest record of every run, those that no comparison asks for now too."""
        return list(self._records.values())

    def get(self, run: str) -> dict[str, Any] | None:
        """The newest record of a run."""
        return self._records.get(run)

    def trajectory(self, run: str) -> Any:
        """The trajectory kept for a run, or None."""
        if run not in self._trajectories and self.folder:
            from gym_suite.core.trajectory import Trajectory

            path = self._trajectory_file(run)
            if not path.is_file():
                return None
            try:
                self._trajectories[run] = Trajectory.load(path)
            except (
                Exception
            ):  # a damaged archive makes zipfile, zlib, json and NumPy raise almost anything
                return None
        return self._trajectories.get(run)

    def add(self, records: Iterable[dict[str, Any]], trajectories: Mapping[str, Any]) -> None:
        """Keep finished records; on return they are on the disk.

        Args:
            records: of the finished runs.
            trajectories: by run digest.
        """
        records = list(records)
        for run, trajectory in trajectories.items():
            self._trajectories[run] = trajectory
            if self.folder:
                path = self._trajectory_file(run)
                path.parent.mkdir(exist_ok=True)
                trajectory.save(path)
        if self.file:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write("".join(encode(record) + "\n" for record in records))
                stream.flush()
                os.fsync(stream.fileno())
        self._records |= {record["run"]: record for record in records}

    def _trajectory_file(self, run: str) -> Path:
        assert self.folder is not None
        return self.folder / "trajectories" / f"{run}.npz"

    def _read(self) -> None:
        """Read what an earlier comparison left; cut off a torn last line."""
        assert self.file is not None
        if not self.file.exists():
            return
        content = self.file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self.file.open("r+b") as stream:
                stream.truncate(len(whole))
        for line in whole.decode("utf-8", errors="replace").splitlines():
            try:
                record = decode(line)
            except ValueError:
                continue  # damaged: its run is done again
            self._records[record["run"]] = record


def write_csv(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write records as a table, a row each.

    Args:
        path: of the file.
        records: as in results.jsonl.
    """
    records = list(records)
    names = list(dict.fromkeys(name for record in records for name in record["metrics"]))
    head = ["id", "setting", "agent", "kind", "information", "training_seed", "seed", "status"]

    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow([*head, "time_per_action", *names, "error", "run"])
    for record in records:
        agent = record["agent"]
        cells = [record["id"], record["setting"]["name"], agent["name"], agent["kind"]]
        cells += [agent["information"], agent["training_seed"], record["seed"]]
        cells += [record["status"], record["time_per_action"]]
        cells += [record["metrics"].get(name, "") for name in names]
        writer.writerow([*map(_harmless, cells), _harmless(record["error"]), record["run"]])
    write_whole(path, table.getvalue())


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell
