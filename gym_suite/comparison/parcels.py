"""Jobs on their way to another machine, with the files that their agents are read from."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from gym_suite.comparison.company import execute_all
from gym_suite.comparison.pieces import Watch
from gym_suite.comparison.rollouts import Job, Outcome
from gym_suite.comparison.seats import Tick, TooLong
from gym_suite.comparison.sources import FileSource
from gym_suite.workers import Instead

__all__ = ["Parcel", "execute_parcel"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch of jobs, and the files of its agents where it goes to a machine that may have none of them.

    Attributes:
        jobs: one of :func:`gym_suite.comparison.company.batches_of`, or a part of it.
        files: by the path that an agent is read from, the contents of its files by their names.
    """

    jobs: tuple[Job, ...]
    files: Mapping[Path, Mapping[str, bytes]] = field(
        default_factory=dict[Path, Mapping[str, bytes]]
    )

    @classmethod
    def packed(cls, jobs: tuple[Job, ...]) -> Parcel:
        """Take the files of the agents along.

        Args:
            jobs: of a batch.

        Raises:
            OSError: a file cannot be read.
        """
        sources = {job.agent.source for job in jobs if isinstance(job.agent.source, FileSource)}
        files = {one.path: {file.name: file.read_bytes() for file in one.files} for one in sources}
        return cls(jobs, files)

    def unpacked(self) -> tuple[Job, ...]:
        """The jobs, with agents that are read from copies here of the files that came along."""
        return tuple(self._here(job) for job in self.jobs)

    def _here(self, job: Job) -> Job:
        source = job.agent.source
        if not isinstance(source, FileSource) or source.path not in self.files:
            return job
        here = replace(source, path=_copied(self.files[source.path]) / source.path.name)
        return replace(job, agent=replace(job.agent, source=here))


def execute_parcel(parcel: Parcel, tick: Tick) -> list[Outcome] | Instead[Parcel]:
    """Run the jobs of a parcel, or say in which parts they are to be run, where they would take too long.

    Args:
        parcel: what to run.
        tick: told the share of it that is done, now and then.
    """
    try:
        return execute_all(parcel.unpacked(), Watch(parcel.jobs, tick))
    except TooLong as long:
        tick(0.0)
        return Instead(tuple(replace(parcel, jobs=part) for part in long.parts))


def _copied(files: Mapping[str, bytes]) -> Path:
    """A folder of this process with some files, beside which nothing else lies; the same for the same files."""
    content = hashlib.sha256()
    for name, data in files.items():
        content.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    place = _own_folder() / content.hexdigest()[:16]
    if not place.is_dir():
        begun = Path(tempfile.mkdtemp(dir=_own_folder()))
        for name, data in files.items():
            (begun / name).write_bytes(data)
        begun.rename(place)
    return place


@cache
def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gym_suite-agents-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
