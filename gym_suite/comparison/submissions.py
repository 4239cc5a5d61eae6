"""Outsiders' entries: policies with a claim, which is accepted only if it comes out here.

An entry is a folder with ``submission.json`` and the policy files that it names::

    {
      "id": "gem/PMSM-v0",
      "name": "my-method",
      "by": "who made it",
      "policies": ["policy-0.npz", "policy-1.npz"],
      "claim": {"nominal": 1.08, "noise": 1.05, "mismatch": 0.97, "delay": 0.9, "disturbance": 1.07},
      "command": "how the policies were made"
    }

The claim is the score under each setting of the id's protocol, as ``gym-suite compare ID --protocol`` gives it.
Policies are ``.npz`` files (:func:`gym_suite.learning.export_policy`), which hold numbers and can run no code.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gym_suite.comparison.board import Board, Entry, Field, leaderboard
from gym_suite.comparison.execution import check_executor, progress_bar, run_jobs
from gym_suite.comparison.results import write_whole
from gym_suite.comparison.summary import Summary
from gym_suite.core.parameters import check_keywords
from gym_suite.learning.records import folder_named
from gym_suite.registration import card

__all__ = ["TOLERANCE", "Check", "Submission", "check", "submit"]

TOLERANCE = 0.01
"""How far a score may be from what is claimed. A policy repeats to rounding here; elsewhere rounding may grow in an
unstable loop, but not to a hundredth of the way from do-nothing to the reference."""

FIELDS = ("id", "name", "by", "policies", "claim", "command")
NEEDED = ("id", "name", "policies", "claim", "command")


@dataclass(frozen=True, slots=True)
class Submission:
    """An entry as it was handed in.

    Attributes:
        folder: where it lies.
        entry: id, name and policies.
        claim: score by setting.
        command: how the policies were made.
    """

    folder: Path
    entry: Entry
    claim: Mapping[str, float]
    command: str

    @classmethod
    def read(cls, folder: Path) -> Submission:
        """Read an entry and look at everything that can be seen without running it.

        Args:
            folder: with submission.json.

        Raises:
            FileNotFoundError: there is no submission.json, or a policy is missing.
            ValueError: something is missing, unknown or of another kind, or a file is no policy of the id.
        """
        from gym_suite.learning.policies import load_policy

        file = folder / "submission.json"
        if not file.is_file():
            raise FileNotFoundError(f"{folder} holds no submission.json")
        try:
            told = json.loads(file.read_text("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file} is no JSON: {error}") from None
        if not isinstance(told, dict):
            raise ValueError(f"{file} must hold an object, got {type(told).__name__}")
        check_keywords(told, FIELDS, "field of a submission")
        if missing := [name for name in NEEDED if not told.get(name)]:
            raise ValueError(f"{file} lacks {', '.join(missing)}")
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
        if not isinstance(claim, dict) or not all(_is_number(v) for v in claim.values()):
            raise ValueError(f"the claim is a score for each setting, got {claim!r}")
        check_keywords(claim, wanted, f"setting of the protocol of {id}")
        files = told["policies"]
        if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise ValueError(f"policies is a list of file names, got {files!r}")
        policies = []
        for one in files:
            path = folder / one
            if Path(one).name != one or path.suffix != ".npz":
                raise ValueError(f"a policy is an .npz file beside submission.json, got {one!r}")
            if not path.is_file():
                raise FileNotFoundError(f"no policy file {path}")
            load_policy(path, id)
            policies.append(path)
        entry = Entry(id, name, tuple(policies), str(told.get("by", "")))
        return cls(folder, entry, {k: float(v) for k, v in claim.items()}, str(told["command"]))


@dataclass(frozen=True, slots=True)
class Check:
    """What came out beside what was claimed.

    Attributes:
        claimed: score by setting.
        found: score by setting; None where there is none.
    """

    claimed: Mapping[str, float]
    found: Mapping[str, float | None]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the entry is not accepted, a reason each; none where it is."""
        told = []
        for setting, found in self.found.items():
            claimed = self.claimed.get(setting)
            if claimed is None:
                told.append(f"nothing is claimed under {setting}")
            elif found is None:
                told.append(f"under {setting} no score came out, for its runs failed")
            elif abs(found - claimed) > TOLERANCE:
                told.append(f"under {setting} {claimed:.4g} is claimed, {found:.4g} came out")
        told += [
            f"there is no setting {name} here" for name in self.claimed if name not in self.found
        ]
        return tuple(told)


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
        board: whose episodes are run; what is there already is not run again, and what is new is kept.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.
    """
    id = submission.entry.id
    board.prepare([id])
    field = Field.of(board, id, [submission.entry], ladder=False)
    with closing(board.results(id)) as results:
        jobs = field.missing(results)
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
        summary = Summary(field.experiments, results)
        found = {
            row.setting: row.score.estimate if row.score is not None and not row.failed else None
            for row in summary.summary()
            if row.name == submission.entry.name
        }
    return Check(submission.claim, found)


def submit(
    folder: str | Path,
    out: str | Path,
    *,
    workers: int = 1,
    executor: str = "local",
    progress: bool = True,
) -> Check:
    """Check an entry and, if it comes out as claimed, put it onto a leaderboard and write its page anew.

    Args:
        folder: of the entry; it is not changed.
        out: folder of the leaderboard.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Raises:
        ValueError: the entry is not complete, or its name is taken by another one.
        FileNotFoundError: a file is missing.
    """
    entry, place = folder_named("folder", folder), folder_named("out", out)
    submission, board = Submission.read(entry), Board.open(place)
    place = board.folder / "submissions" / submission.entry.name
    if place.exists() and not _same(submission, place):
        raise ValueError(
            f"there is an entry {submission.entry.name!r} on this leaderboard already: choose another name"
        )
    checked = check(submission, board, workers=workers, executor=executor, progress=progress)
    if checked.problems:
        return checked
    _accept(submission, place, checked)
    leaderboard(
        board.folder,
        ids=[submission.entry.id],
        protocol=board.protocol,
        episodes=board.episodes or 1,
        steps=board.steps,
        workers=workers,
        executor=executor,
        progress=progress,
    )
    return checked


def _accept(submission: Submission, place: Path, checked: Check) -> None:
    """Copy an entry; submission.json comes last, for with it the entry counts."""
    place.mkdir(parents=True, exist_ok=True)
    for policy in submission.entry.policies:
        shutil.copyfile(policy, place / policy.name)
    told = {
        "id": submission.entry.id,
        "name": submission.entry.name,
        "by": submission.entry.by,
        "policies": [policy.name for policy in submission.entry.policies],
        "claim": dict(submission.claim),
        "found": dict(checked.found),
        "command": submission.command,
    }
    text = json.dumps(told, indent=1) + "\n"
    write_whole(place / "submission.json", lambda stream: _write(stream, text))


def _same(submission: Submission, place: Path) -> bool:
    """Whether what was handed in is what has been accepted under the name before."""
    return all(
        (place / policy.name).is_file()
        and (place / policy.name).read_bytes() == policy.read_bytes()
        for policy in submission.entry.policies
    )


def _taken(id: str) -> set[str]:
    entry = card(id)
    return {*entry.controllers, *entry.tuned, *entry.learned}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _write(stream: Any, text: str) -> None:
    stream.write(text)
