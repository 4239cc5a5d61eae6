"""Outsiders' entries: policies or a controller with a claim, which is accepted only if it comes out here.

An entry is a folder with ``submission.json`` and the files that it names::

    {
      "id": "gem/PMSM-v0",
      "name": "my-method",
      "by": "who made it",
      "policies": ["policy-0.npz", "policy-1.npz"],
      "claim": {"nominal": 1.08, "noise": 1.05, "mismatch": 0.97, "delay": 0.9, "disturbance": 1.07},
      "command": "how the policies were made",
      "versions": {"gym_suite": "0.2.0", "torch": "2.13.0"},
      "seeds": [0, 9999]
    }

An entry is run and kept with the files that it names and nothing else: whatever a controller needs stands in its file.
The claim is the score under each setting of the id's protocol that the episodes of the leaderboard give: on one that
was run with ``--protocol``, what ``gym-suite compare ID --protocol`` gives. Fewer or shorter episodes give other
scores, so a claim by the protocol does not come out on a leaderboard that is only a first look, which says so. An
accepted entry is known by the digests of its files; where these are damaged later it can be handed in again as it was.
Policies are ``.npz`` files (:func:`gym_suite.learning.export_policy`), which hold numbers and can run no code. In place
of "policies" a "controller" may be named: a file of gains ("gains.json", from ``gym-suite tune``), which holds numbers
too, or "file.py:factory", a file with a function that takes the environment and returns an object with ``predict``.
Such a file runs code of whoever wrote it, so it is run only where ``run_code`` says so. "versions" and "seeds" may be
left out: what it was made with, and the first and last seed of the episodes that it was made with.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.board import Board, Entry, Field, write_board
from gym_suite.comparison.execution import check_executor, progress_bar, run_jobs
from gym_suite.comparison.results import locked, write_whole
from gym_suite.comparison.shapes import is_number
from gym_suite.comparison.sources import FactorySource
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.text import visible
from gym_suite.comparison.worlds import make
from gym_suite.core.parameters import check_keywords
from gym_suite.learning.records import folder_named
from gym_suite.learning.seeds import first_and_last
from gym_suite.registration import card
from gym_suite.version import __version__

__all__ = ["TOLERANCE", "Check", "Submission", "check", "submit"]

TOLERANCE = 0.01
"""How far a score may be from what is claimed. A policy repeats to rounding here; elsewhere rounding may grow in an
unstable loop, but not to a hundredth of the way from do-nothing to the reference."""

NAME = "submission.json"
NEEDED = ("id", "name", "claim", "command")
KINDS = ("policies", "controller")
FIELDS = (*NEEDED, *KINDS, "by", "versions", "seeds")


@dataclass(frozen=True, slots=True)
class Submission:
    """An entry as it was handed in.

    Attributes:
        folder: where it lies.
        entry: id, name and files.
        claim: score by setting.
        command: how the policies or the controller were made.
        versions: of what it was made with, by package.
        seeds: first and last seed of the episodes that it was made with, None where nothing is told.
    """

    folder: Path
    entry: Entry
    claim: Mapping[str, float]
    command: str
    versions: Mapping[str, str]
    seeds: tuple[int, int] | None

    @classmethod
    def read(cls, folder: Path) -> Submission:
        """Read an entry and look at everything that can be seen without running it.

        Args:
            folder: with submission.json.

        Raises:
            FileNotFoundError: there is no submission.json, or a file that it names is missing.
            ValueError: something is missing, unknown or of another kind, or a file is no policy and no gains of the id.
        """
        file = folder / NAME
        if not file.is_file():
            raise FileNotFoundError(f"{folder} holds no {NAME}")
        try:
            told = json.loads(file.read_text("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file} is no JSON: {error}") from None
        if not isinstance(told, dict):
            raise ValueError(f"{file} must hold an object, got {type(told).__name__}")
        check_keywords(told, FIELDS, "field of a submission")
        if missing := [name for name in NEEDED if not told.get(name)]:
            raise ValueError(f"{file} lacks {', '.join(missing)}")
        if len(kinds := [name for name in KINDS if told.get(name)]) != 1:
            raise ValueError(
                f"{file} names {' and '.join(kinds) or 'neither policies nor a controller'}; an entry is either"
            )
        id = card(str(told["id"])).id
        name = told["name"]
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
            raise ValueError(
                f"the name of a submission is up to 40 small letters, digits and hyphens, got {name!r}"
            )
        if name in _taken(id):
            raise ValueError(f"{name!r} is an agent of {id} already: choose another name")
        claim = told["claim"]
        wanted = card(id).protocol.settings
        if not isinstance(claim, dict) or not all(is_number(v) for v in claim.values()):
            raise ValueError(f"the claim is a finite score for each setting, got {claim!r:.80}")
        check_keywords(claim, wanted, f"setting of the protocol of {id}")
        by = str(told.get("by", ""))
        if kinds == ["policies"]:
            entry = Entry(id, name, _policies(folder, told["policies"], id), by)
        else:
            path, factory = _controller(folder, told["controller"], id)
            entry = Entry(id, name, (path,), by, factory)
        return cls(
            folder,
            entry,
            {k: float(v) for k, v in claim.items()},
            str(told["command"]),
            _versions(told.get("versions")),
            None if told.get("seeds") is None else first_and_last(told["seeds"]),
        )

    def copied(self, place: Path) -> Submission:
        """The entry with copies of the files that it names, beside which nothing else lies.

        Args:
            place: an empty folder.
        """
        files = [place / file.name for file in self.entry.files]
        for file, copy in zip(self.entry.files, files, strict=True):
            shutil.copyfile(file, copy)
        return replace(self, entry=replace(self.entry, files=tuple(files)))


def _policies(folder: Path, files: Any, id: str) -> tuple[Path, ...]:
    """The policy files of an entry, each looked at."""
    from gym_suite.learning.policies import load_policy

    if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
        raise ValueError(f"policies is a list of file names, got {files!r}")
    paths = []
    for one in files:
        path = folder / one
        if Path(one).name != one or path.suffix != ".npz":
            raise ValueError(f"a policy is an .npz file beside submission.json, got {one!r}")
        if not path.is_file():
            raise FileNotFoundError(f"no policy file {path}")
        load_policy(path, id)
        paths.append(path)
    return tuple(paths)


def _controller(folder: Path, given: Any, id: str) -> tuple[Path, str]:
    """The file of a controller and the name of its factory, empty for gains; no code is run."""
    from gym_suite.learning.gains import load_gains

    name, _, factory = given.partition(":") if isinstance(given, str) else ("", "", "")
    ending = Path(name).suffix
    fits = (ending == ".py" and factory.isidentifier()) or (ending == ".json" and not factory)
    if Path(name).name != name or not fits or name == NAME:
        raise ValueError(
            f"a controller is gains ('gains.json') or 'file.py:factory' beside {NAME}, got {given!r}"
        )
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"no file {path} of a controller")
    if not factory:
        load_gains(path, id)
    return path, factory


def _versions(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise ValueError(
            f"versions are texts by package, such as {{'gym_suite': '{__version__}'}}, got {given!r}"
        )
    return dict(given)


@dataclass(frozen=True, slots=True)
class Check:
    """What came out beside what was claimed.

    Attributes:
        claimed: score by setting.
        found: score by setting; None where there is none.
        made_with: version of this package that the entry was made with, empty where nothing is told.
        errors: by setting, what went wrong where runs failed.
        extent: what the leaderboard runs in place of the protocol, in words; empty where it runs that.
    """

    claimed: Mapping[str, float]
    found: Mapping[str, float | None]
    made_with: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    extent: str = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the entry is not accepted, a reason each; none where it is."""
        told = []
        of = (
            f" of {self.extent}, which this leaderboard runs in place of the protocol"
            if self.extent
            else ""
        )
        for setting, found in self.found.items():
            claimed = self.claimed.get(setting)
            if claimed is None:
                told.append(f"nothing is claimed under {setting}")
            elif found is None:
                error = self.errors.get(setting)
                why = f", for runs of it failed: {error}" if error else ""
                told.append(f"under {setting} no score came out{why}")
            elif self._is_off(setting):
                told.append(f"under {setting} {claimed:.4g} is claimed, {found:.4g} came out{of}")
        told += [
            f"there is no setting {name} here" for name in self.claimed if name not in self.found
        ]
        if told and self.made_with not in ("", __version__):
            told.append(f"it was made with gym_suite {self.made_with}, this is {__version__}")
        return tuple(told)

    @property
    def advice(self) -> str:
        """What to do about a claim that came out otherwise because the protocol was not run; empty elsewhere."""
        if not self.extent or not any(map(self._is_off, self.found)):
            return ""
        return (
            "a claim by the protocol comes out on a leaderboard that was run with --protocol: hand it in there, or "
            "claim what came out here"
        )

    def _is_off(self, setting: str) -> bool:
        """Whether a score came out that is not what is claimed; what is no number is far from all numbers."""
        claimed, found = self.claimed.get(setting), self.found[setting]
        if claimed is None or found is None:
            return False
        return not abs(found - claimed) <= TOLERANCE


def check(
    submission: Submission,
    board: Board,
    *,
    workers: int = 1,
    executor: str = "local",
    progress: bool = True,
) -> Check:
    """Run an entry as the leaderboard runs its agents.

    Args:
        submission: what was handed in.
        board: whose episodes are run; what is there already is not run again, and what is new is kept among its
            results. Nothing else of it is changed.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Raises:
        ValueError: the entry was made with episodes on which it would be judged, or its controller cannot be built.
    """
    id = submission.entry.id
    board.check([id])
    if submission.seeds is not None:
        first, last = submission.seeds
        seen = [seed for seed in board.seeds(id) if first <= seed <= last]
        if seen:
            raise ValueError(
                f"{submission.entry.name!r} was made with episode seeds {first} to {last}, so it cannot be judged on "
                f"seed {seen[0]} of this leaderboard"
            )
    if submission.entry.factory:
        _build(submission.entry)
    judged = Field.of(board, id, [submission.entry], ladder=False)
    with closing(board.results(id)) as results:
        jobs = judged.missing(results)
        check_executor(executor, workers, jobs)
        with (
            progress_bar(jobs, shown=progress) as update,
            closing(
                run_jobs(jobs, executor=executor, workers=workers, progress=update)
            ) as finished,
        ):
            for job, outcome in finished:
                kept = {job.run(s).digest(): t for s, t in outcome.trajectories.items()}
                results.add(outcome.records, kept)
        summary = Summary(judged.experiments, results)
        rows = [row for row in summary.summary() if row.name == submission.entry.name]
    found = {
        row.setting: row.score.estimate if row.score is not None and not row.failed else None
        for row in rows
    }
    errors = {row.setting: row.errors[0] for row in rows if row.errors}
    made_with = submission.versions.get("gym_suite", "")
    return Check(submission.claim, found, made_with, errors, board.extent)


def _build(entry: Entry) -> None:
    """Build an entry's controller once, so that what it lacks is told before anything runs.

    Raises:
        ValueError: it cannot be built.
    """
    env = make(entry.id, card(entry.id).anywhere)
    try:
        AgentSpec(entry.name, "custom", FactorySource(entry.files[0], entry.factory)).load(env)
    except Exception as error:  # an outsider's code may raise anything
        raise ValueError(
            f"the controller of {entry.name!r} cannot be built of what {NAME} names, {entry.files[0].name} alone: "
            f"{visible(str(error))}"
        ) from error
    finally:
        env.close()


def submit(
    folder: str | Path,
    out: str | Path,
    *,
    run_code: bool = False,
    workers: int = 1,
    executor: str = "local",
    progress: bool = True,
) -> Check:
    """Check an entry and, if it comes out as claimed, put it onto a leaderboard and write its page anew.

    Args:
        folder: of the entry; it is not changed.
        out: folder of the leaderboard.
        run_code: whether a controller's file of Python may be run.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Raises:
        ValueError: the entry is not complete, its name is taken by another one, it would run code without leave, or its
            controller needs more than its file.
        FileNotFoundError: a file is missing.
        OSError: the folder cannot be written, or another leaderboard is writing there.
    """
    entry, place = folder_named("folder", folder), folder_named("out", out)
    submission, board = Submission.read(entry), Board.open(place)
    how: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
    check_executor(executor, workers, [])
    with (
        closing(locked(place, "leaderboard")),
        TemporaryDirectory(prefix="gym_suite-entry-") as alone,
    ):
        _check_leave(submission.entry, board, run_code=run_code)
        submission = submission.copied(Path(alone))
        checked = check(submission, board, **how)
        if not checked.problems:
            _accept(submission, place / "submissions" / submission.entry.name, checked)
            write_board(Board.open(place), [submission.entry.id], **how)
    return checked


def _check_leave(entry: Entry, board: Board, *, run_code: bool) -> None:
    """Refuse an entry whose name is taken, or that would run code without leave.

    Raises:
        ValueError: it is one of these.
    """
    accepted = board.entry(entry.name)
    if accepted is not None and not _same(entry, accepted):
        raise ValueError(
            f"there is an entry {accepted.name!r} of {accepted.id} on this leaderboard already: choose another name"
        )
    if entry.factory and not run_code:
        raise ValueError(
            f"{entry.files[0]} runs code of whoever wrote it: read it, and allow it with run_code=True, on the shell "
            "--run-code"
        )


def _accept(submission: Submission, place: Path, checked: Check) -> None:
    """Copy an entry; submission.json comes last, for with it the entry counts."""
    if not (place / NAME).is_file():
        shutil.rmtree(place, ignore_errors=True)  # what a killed process has begun
    place.mkdir(parents=True, exist_ok=True)
    entry = submission.entry
    for file in entry.files:
        shutil.copyfile(file, place / file.name)
    told = {
        "id": entry.id,
        "name": entry.name,
        "by": entry.by,
        **_what(entry),
        "files": entry.digests,
        "claim": dict(submission.claim),
        "found": dict(checked.found),
        "command": submission.command,
        "versions": dict(submission.versions),
        "seeds": submission.seeds,
    }
    write_whole(place / NAME, json.dumps(told, indent=1) + "\n")


def _what(entry: Entry) -> dict[str, Any]:
    """What an entry consists of, as its file tells it."""
    names = [file.name for file in entry.files]
    if names[0].endswith(".npz"):
        return {"policies": names}
    return {"controller": f"{names[0]}:{entry.factory}" if entry.factory else names[0]}


def _same(entry: Entry, accepted: Entry) -> bool:
    """Whether an entry is the accepted one: of the same id, built alike of the files with which that was accepted."""
    files = accepted.accepted or accepted.digests
    return (entry.id, entry.factory, entry.digests) == (accepted.id, accepted.factory, files)


def _taken(id: str) -> set[str]:
    entry = card(id)
    return {*entry.controllers, *entry.tuned, *entry.learned}
