"""All ids by their protocols in one folder: run once, resumed, told in rows of plain data.

The folder of a leaderboard has

- ``about.json``: version, sources and how it is run; a folder of another version is refused, never mixed;
- ``runs/<id>/results.jsonl``: the results of an id, as :func:`gym_suite.comparison.compare` keeps them;
- ``rows/<id>.json``: what came out for an id, from which the page is made; it is written anew whenever the id is run;
- ``submissions/<name>/``: accepted entries, see :mod:`gym_suite.comparison.submissions`;
- ``leaderboard.json`` and ``index.html``: all rows of this version and of the sources that are here, as data and as a
  page, and why others are left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gym_suite.comparison.board_files import (
    FORMAT,
    Entry,
    check_extent,
    read_about,
    read_entry,
    read_row,
    write_json,
)
from gym_suite.comparison.execution import check_executor, progress_bar, run_jobs
from gym_suite.comparison.experiments import Experiment
from gym_suite.comparison.leaderboard_page import write_page
from gym_suite.comparison.planning import experiments_of, lineups_of, missing_jobs, settings_of
from gym_suite.comparison.results import Results, locked, slug
from gym_suite.comparison.rollouts import Job
from gym_suite.comparison.rows import row_of, with_claims
from gym_suite.comparison.settings import Chosen
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.text import listed, number, visible
from gym_suite.comparison.worlds import source_of
from gym_suite.core.kernel import source_digest
from gym_suite.learning.records import folder_named
from gym_suite.registration import card, catalogue
from gym_suite.version import __version__

__all__ = ["EPISODES", "Board", "Entry", "leaderboard"]

EPISODES = 5
"""Episodes of each agent where the protocols are not run whole."""


@dataclass(frozen=True)
class Board:
    """A folder of a leaderboard and how it is run.

    Attributes:
        folder: where everything lies.
        protocol: whether the protocols are run whole; otherwise their first episodes.
        episodes: of each agent, where the protocols are not run whole.
        steps: control periods after which episodes are cut then, None for the protocol's.
    """

    folder: Path
    protocol: bool = False
    episodes: int = EPISODES
    steps: int | None = None

    @classmethod
    def ordered(
        cls, folder: Path, *, protocol: bool, episodes: int = EPISODES, steps: int | None = None
    ) -> Board:
        """A leaderboard as somebody wants it.

        Args:
            folder: where everything is to lie.
            protocol: whether the protocols are run whole.
            episodes: of each agent, where they are not.
            steps: control periods after which episodes are cut then, None for the protocol's.

        Raises:
            ValueError: numbers that are not positive, or steps beside the protocol.
        """
        check_extent(protocol, episodes, steps)
        return cls(folder, protocol, 0 if protocol else episodes, steps)

    @classmethod
    def open(cls, folder: Path) -> Board:
        """Open a leaderboard that is there.

        Raises:
            ValueError: there is none, or it is damaged.
        """
        about = read_about(folder)
        if about is None:
            raise ValueError(f"{folder} holds no leaderboard; run gym-suite leaderboard first")
        return cls(folder, *(about[name] for name in ("protocol", "episodes", "steps")))

    def check(self, ids: Sequence[str]) -> dict[str, Any]:
        """Look whether what the folder holds was run as this is, and can be read; nothing is changed.

        Args:
            ids: that are to be run.

        Returns:
            What is to stand in about.json.

        Raises:
            ValueError: it was run by another version, from other sources, or otherwise, or a file that is not written
                anew with these ids is damaged.
        """
        here = {source_of(id): source_digest(source_of(id)) for id in ids}
        plan = {"protocol": self.protocol, "episodes": self.episodes, "steps": self.steps}
        about = read_about(self.folder)
        if about is None:
            left = [
                name for name in ("rows", "runs", "submissions") if (self.folder / name).exists()
            ]
            if left:
                raise ValueError(
                    f"{self.folder} holds {listed(left)} of a leaderboard and no about.json, so nothing tells of which "
                    "version they are: choose another folder"
                )
            about = {"format": FORMAT, "version": __version__, "sources": {}, **plan}
        if about["version"] != __version__:
            raise ValueError(
                f"{self.folder} holds results of gym_suite {about['version']}, this is {__version__}; results of two "
                "versions are not put side by side: choose another folder"
            )
        changed = [
            name for name, digest in here.items() if about["sources"].get(name, digest) != digest
        ]
        if changed:
            raise ValueError(
                f"{self.folder} holds results of other sources of {', '.join(changed)} than are here, which may behave "
                "otherwise: choose another folder"
            )
        other = [f"{name} {about[name]!r}" for name, value in plan.items() if about[name] != value]
        if other:
            raise ValueError(
                f"{self.folder} holds a leaderboard that was run with {', '.join(other)}: choose another folder, or "
                "run this one as it was"
            )
        self.rows(anew=ids)
        _ = self._entries
        return about | {"sources": about["sources"] | here}

    def prepare(self, ids: Sequence[str]) -> dict[str, Any]:
        """Begin the folder, or go on in one that :meth:`check` has nothing against.

        Args:
            ids: that are to be run.

        Returns:
            What stands in about.json.

        Raises:
            ValueError: it has; nothing is changed then.
            OSError: it cannot be written.
        """
        about = self.check(ids)
        write_json(self.folder / "about.json", about)
        return about

    @property
    def extent(self) -> str:
        """What it runs in place of the protocols, in words; empty where these are run whole."""
        if self.protocol:
            return ""
        cut = "" if self.steps is None else f" of at most {number(self.steps, 'control period')}"
        return f"{number(self.episodes, 'episode')}{cut}"

    def seeds(self, id: str) -> tuple[int, ...]:
        """The episode seeds that an id is run on.

        Args:
            id: environment id.

        Raises:
            ValueError: there are not as many.
        """
        protocol = card(id).protocol
        if self.protocol:
            return tuple(protocol.seeds)
        if self.episodes > protocol.episodes:
            raise ValueError(
                f"the protocol of {id} has {protocol.episodes} episodes, got episodes={self.episodes}: ask for at most "
                "as many, or for the protocol"
            )
        return tuple(protocol.seeds)[: self.episodes]

    def results(self, id: str) -> Results:
        """Open the results of an id; close them again.

        Args:
            id: environment id.
        """
        return Results(self.folder / "runs" / slug(id))

    def rows(self, anew: Collection[str] = ()) -> list[dict[str, Any]]:
        """The rows that are there, by id.

        Args:
            anew: ids whose rows are left out, since they are to be written anew.

        Raises:
            ValueError: one is damaged.
        """
        later = {slug(id) for id in anew}
        files = sorted((self.folder / "rows").glob("*.json"))
        return [read_row(file) for file in files if file.stem not in later]

    def entries(self, id: str) -> list[Entry]:
        """The accepted entries of an id.

        Args:
            id: environment id.
        """
        return [entry for entry in self._entries if entry.id == id]

    def entry(self, name: str) -> Entry | None:
        """The accepted entry of a name, of whichever id; None where there is none.

        Args:
            name: of the entry.
        """
        return next((entry for entry in self._entries if entry.name == name), None)

    @cached_property
    def _entries(self) -> list[Entry]:
        files = sorted((self.folder / "submissions").glob("*/submission.json"))
        return [read_entry(file) for file in files]


@dataclass(slots=True)
class Field:
    """An id of a leaderboard with everything that is to be run on it.

    Attributes:
        id: environment id.
        chosen: its settings.
        experiments: one per setting.
        entries: outsiders' entries.
    """

    id: str
    chosen: Chosen
    experiments: tuple[Experiment, ...]
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, board: Board, id: str, entries: Sequence[Entry], *, ladder: bool = True) -> Field:
        """Read an id's card, settings and agents; each policy has been loaded once when this returns.

        Args:
            board: how the leaderboard is run.
            id: environment id.
            entries: outsiders' entries on the id.
            ladder: whether the agents of the id take part; the two that anchor the score always do.

        Raises:
            ValueError: the id has fewer episodes than are asked for, an agent does not fit, or a file of an entry is
                not the one that was accepted.
        """
        protocol = card(id).protocol
        for entry in entries:
            entry.check()
        chosen = settings_of(protocol.settings, [id], {})[id]
        seeds = board.seeds(id)
        agents: list[Any] = ["all"] if ladder else []
        agents += [{entry.name: entry.agent} for entry in entries]
        lineups = lineups_of(id, chosen, agents, seeds)
        experiments = experiments_of(
            id,
            chosen,
            lineups,
            seeds,
            horizon=protocol.horizon if board.steps is None else board.steps,
            protocol=protocol,
        )
        return cls(id, chosen, tuple(experiments), tuple(entries))

    def missing(self, results: Results) -> list[Job]:
        """The jobs that are not done yet.

        Args:
            results: of the id.
        """
        return [job for experiment in self.experiments for job in missing_jobs(experiment, results)]

    def row(self, results: Results) -> dict[str, Any]:
        """What came out, as plain data.

        Args:
            results: of the id, finished.
        """
        summary = Summary(self.experiments, results, {self.id: dict(self.chosen.idle)})
        return row_of(summary, self.id, {entry.name: entry.by for entry in self.entries})


def leaderboard(
    out: str | Path,
    *,
    ids: Sequence[str],
    protocol: bool = False,
    episodes: int = EPISODES,
    steps: int | None = None,
    workers: int = 1,
    executor: str = "local",
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Run ids by their protocols with every agent of their ladders and the policies that ship, and write the page.

    What is done is not done again, and ids that were run before stay on the page: a leaderboard grows.

    Args:
        out: folder of the leaderboard; created if need be.
        ids: environment ids of this package.
        protocol: whether each protocol is run whole. Otherwise its first episodes give a first look that the page says
            is none.
        episodes: of each agent, where the protocols are not run whole.
        steps: control periods after which episodes are cut then; None for the protocol's.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Returns:
        The rows of the page.

    Raises:
        ValueError: unknown id, numbers that are not positive, more episodes than a protocol has, or a folder of another
            version or run otherwise.
        ConnectionError: no Ray cluster answers where RAY_ADDRESS says.
        OSError: the folder cannot be written, or another leaderboard is writing there. Like all of these, before
            anything runs.
    """
    board = Board.ordered(
        folder_named("out", out), protocol=protocol, episodes=episodes, steps=steps
    )
    names = [card(id).id for id in ids]
    for id in names:
        board.seeds(id)  # refuses more than there are
    check_executor(executor, workers, [])
    with closing(locked(board.folder, "leaderboard")):
        return write_board(board, names, workers=workers, executor=executor, progress=progress)


def write_board(
    board: Board, ids: Sequence[str], *, workers: int, executor: str, progress: bool
) -> list[dict[str, Any]]:
    """Run what is missing of some ids and write data and page, as :func:`leaderboard` does.

    Args:
        board: whose folder is locked.
        ids: environment ids.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Returns:
        The rows of the page.
    """
    about = board.prepare(ids)
    run_board(board, ids, workers=workers, executor=executor, progress=progress)
    everything = board.rows()
    left_out = {row["id"]: why for row in everything if (why := _why_left_out(row, about))}
    if progress:
        for id, why in left_out.items():
            print(f"gym_suite: {id} is left out: {why}.", file=sys.stderr)
    rows = with_claims([row for row in everything if row["id"] not in left_out])
    data = {"about": about, "rows": rows, "left_out": left_out}
    write_json(board.folder / "leaderboard.json", data)
    write_page(rows, about, board.folder / "index.html", left_out)
    return rows


def _why_left_out(row: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Why a row cannot stand beside those of now; empty where it can.

    Args:
        row: that is there.
        about: of the folder.
    """
    if row["id"] not in catalogue():
        return "it is no environment of this version"
    source, made_by = source_of(row["id"]), row["provenance"]
    now = source_digest(source)
    if made_by["gym_suite"] != __version__:
        return f"its row is of gym_suite {visible(made_by['gym_suite'])}, this is {__version__}"
    if not made_by["source_digest"] == about["sources"].get(source) == now:
        return f"its row is of other sources of {source} than are here, which may behave otherwise"
    return ""


def run_board(
    board: Board, ids: Sequence[str], *, workers: int, executor: str, progress: bool
) -> None:
    """Run what is missing of some ids and write their rows, each as soon as its last job is done.

    Args:
        board: prepared.
        ids: environment ids.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.
    """
    fields = {id: Field.of(board, id, board.entries(id)) for id in ids}
    jobs: list[Job] = []
    for id, field in fields.items():
        with closing(board.results(id)) as results:
            missing = field.missing(results)
            if not missing:
                _write_row(board, field, results)
        jobs += missing
    check_executor(executor, workers, jobs)
    left: Counter[str] = Counter()  # episodes, for a job may come in parts
    for job in jobs:
        left[job.id] += len(job.seeds)
    opened: dict[str, Results] = {}  # only of ids at work: the results of all would fill the memory
    try:
        with (
            progress_bar(jobs, shown=progress) as update,
            closing(
                run_jobs(jobs, executor=executor, workers=workers, progress=update)
            ) as finished,
        ):
            for job, outcome in finished:
                if job.id not in opened:
                    opened[job.id] = board.results(job.id)
                results = opened[job.id]
                kept = {job.run(s).digest(): t for s, t in outcome.trajectories.items()}
                results.add(outcome.records, kept)
                left[job.id] -= len(job.seeds)
                if not left[job.id]:
                    _write_row(board, fields[job.id], results)
                    opened.pop(job.id).close()
    finally:
        for results in opened.values():
            results.close()


def _write_row(board: Board, field: Field, results: Results) -> None:
    folder = board.folder / "rows"
    folder.mkdir(exist_ok=True)
    write_json(folder / f"{slug(field.id)}.json", field.row(results))
