"""The folder of a comparison: results.jsonl, results.csv and the shown trajectories.

Results are appended as they finish, a line each, and reach the disk before the next job starts. A
line torn by a kill is cut off when the folder is opened again, and its run is done again.
"""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Results", "check_writable", "decode", "encode"]


def check_writable(folder: Path) -> None:
    """Create a folder and prove that it can be written.

    Raises:
        OSError: it cannot; the message names the folder and the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(
            error.errno, f"the output folder cannot be written ({error.strerror})", str(folder)
        ) from None


def encode(record: Mapping[str, Any]) -> str:
    """One line of JSON. Not applicable (NaN) becomes null, never reached (infinite) "Infinity"."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, float) and not math.isfinite(value):
            return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return value

    return json.dumps(plain(record), allow_nan=False)


def decode(line: str) -> dict[str, Any]:
    """A record from its line.

    Raises:
        ValueError: not a record.
    """
    record = json.loads(line)
    if not isinstance(record, dict) or not {"run", "status", "metrics"} <= record.keys():
        raise ValueError("not a record")
    record["metrics"] = {
        name: math.nan if value is None else float(value)
        for name, value in record["metrics"].items()
    }
    return record


class Results:
    """Records by run digest and trajectories, in memory and, with a folder, on disk.

    Args:
        folder: where to keep them; None keeps them in memory.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._records: dict[str, dict[str, Any]] = {}
        self._trajectories: dict[str, Any] = {}
        if folder is not None:
            check_writable(folder)
            self._read()

    @property
    def file(self) -> Path | None:
        """The file of records."""
        return self.folder / "results.jsonl" if self.folder else None

    def get(self, run: str) -> dict[str, Any] | None:
        """The newest record of a run."""
        return self._records.get(run)

    def trajectory(self, run: str) -> Any:
        """The trajectory kept for a run, or None."""
        if run not in self._trajectories and self.folder:
            from gym_suite.core.trajectory import Trajectory

            try:
                self._trajectories[run] = Trajectory.load(self._trajectory_file(run))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                return None  # never written, or torn by a kill: the run is then done again
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
            except (ValueError, TypeError, AttributeError):
                continue  # damaged: its run is done again
            self._records[record["run"]] = record


def write_csv(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write records as a table, a row each, in one piece: a reader never sees half a file."""
    records = list(records)
    names = list(dict.fromkeys(name for record in records for name in record["metrics"]))
    head = ["id", "setting", "agent", "kind", "information", "training_seed", "seed", "status"]
    handle, temporary = tempfile.mkstemp(suffix=".csv", dir=path.parent)
    with os.fdopen(handle, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*head, "time_per_action", *names, "error", "run"])
        for record in records:
            agent = record["agent"]
            cells = [record["id"], record["setting"]["name"], agent["name"], agent["kind"]]
            cells += [agent["information"], agent["training_seed"], record["seed"]]
            cells += [record["status"], record["time_per_action"]]
            cells += [record["metrics"].get(name, "") for name in names]
            writer.writerow([*cells, record["error"], record["run"]])
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
