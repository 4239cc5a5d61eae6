"""All shipped policies trained anew, by one command that can be stopped and started again: ``make policies``.

What ships follows from the catalogue: the methods that an id's card names, under the nominal setting and under those of
the id's own that policies ship for, five trainings each; what an id needs besides stands with its hyper-parameters,
under "shipped". Every id and setting is a piece of work of its own, the longest first, in as many processes as are
given; trainings that are finished are skipped, as :func:`gym_suite.learning.train` does. The new policies lie in a
folder of their own until ``--install`` puts them in the place of the shipped ones.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from gym_suite.learning.methods import BASES
from gym_suite.learning.records import read_curves, replace_curve
from gym_suite.learning.settings import settings_for, shipped_for
from gym_suite.learning.shelf import MANIFEST, SHIPPED, folder_of
from gym_suite.registration import card, catalogue
from gym_suite.workers import Lost, run_tasks

SEEDS, PROCESSES = 5, 2
#: Processor seconds of an environment step where no training has been timed.
USUAL = 3e-5
#: How much longer a step takes on plants that differ, in blocks and with histories, than on one (measured).
VARIED = 1.5


@dataclass(frozen=True, slots=True)
class Work:
    """The trainings of one id under one setting.

    Attributes:
        id: Environment id.
        setting: Name of the setting.
        methods: Algorithms, one after the other.
        keywords: Keyword arguments of the environment.
    """

    id: str
    setting: str
    methods: tuple[str, ...]
    keywords: Mapping[str, Any]

    def folder(self, root: Path) -> Path:
        """Return where its policies go below a root."""
        return folder_of(self.id, self.setting, root=root)

    def left(self, root: Path) -> dict[str, int]:
        """Return how many trainings of each method are still to be done."""
        done = {
            name: len(run["policies"]) for name, run in _runs(self.folder(root) / MANIFEST).items()
        }
        return {method: max(0, SEEDS - done.get(method, 0)) for method in self.methods}

    def seconds(self, root: Path) -> float:
        """Return the processor seconds that what is left will take, by what such trainings have taken."""
        total = 0.0
        for method, count in self.left(root).items():
            steps = settings_for(self.id, method, setting=self.setting).steps
            total += count * steps * _pace(self, method, root)
        return total


def plan() -> list[Work]:
    """Return everything that is to be trained: what cards name, and what ships of their settings."""
    found: list[Work] = []
    for entry in catalogue().values():
        if not entry.learned:
            continue
        more = shipped_for(entry.id)
        methods = tuple(dict.fromkeys([*entry.learned, *more.get("also", ())]))
        found += [
            Work(entry.id, setting, _methods(more, setting, methods), more.get("keywords", {}))
            for setting in more.get("settings", ("nominal", *entry.settings))
            if "settings" in more
            or setting == "nominal"
            or (folder_of(entry.id, setting) / MANIFEST).is_file()
        ]
    return found


def _methods(more: Mapping[str, Any], setting: str, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of an id's methods that are trained under a setting."""
    return tuple(more.get("methods", {}).get(setting, methods))


def train_work(work: Work, root: Path, say: Callable[[str], None]) -> str:
    """Train what is left of a piece of work; return its id and setting.

    Args:
        work: What to train.
        root: Folder of all new policies.
        say: Gets one line of text at a time.
    """
    from gym_suite.learning.training import train

    for method in work.methods:
        train(
            work.id,
            algo=method,
            seeds=SEEDS,
            setting=work.setting,
            out=work.folder(root),
            progress=say,
            **work.keywords,
        )
    return f"{work.id} ({work.setting})"


def _train(task: tuple[Work, Path], tell: Callable[[str], None]) -> str | Lost:
    work, root = task
    try:
        return train_work(work, root, tell)
    except Exception as error:  # with one process too the others go on, whatever a training raises
        return Lost(f"{type(error).__name__}: {error}")


def install(works: Sequence[Work], root: Path, shipped: Path = SHIPPED) -> list[Path]:
    """Put new policies in the place of the shipped ones, id by id; gains that were searched stay, with their curves.

    Args:
        works: What was to be trained.
        root: Folder of the new policies.
        shipped: Folder of the shipped ones.

    Returns:
        The folders that were replaced.

    Raises:
        ValueError: Some trainings are not finished; nothing is replaced then.
    """
    unfinished = [work for work in works if any(work.left(root).values())]
    if unfinished:
        first = unfinished[0]
        raise ValueError(
            f"{len(unfinished)} of {len(works)} pieces of work are not finished, such as {first.id} "
            f"({first.setting}); train them first"
        )
    replaced = []
    for work in works:
        target = work.folder(shipped)
        target.mkdir(parents=True, exist_ok=True)
        old = _runs(target / MANIFEST)
        searches = [row for row in read_curves(target) if row["algo"] not in old]
        for run in old.values():
            for policy in run["policies"]:
                (target / policy["file"]).unlink(missing_ok=True)
        for new in work.folder(root).glob("*"):
            if new.is_file():  # folders are those of the id's settings
                shutil.copy2(new, target)
        for (algo, seed), rows in groupby(searches, lambda row: (row["algo"], int(row["seed"]))):
            replace_curve(target, algo, seed, rows)
        replaced.append(target)
    return replaced


def _runs(manifest: Path) -> dict[str, Any]:
    """Return the runs of a manifest by method; none where there is none."""
    if not manifest.is_file():
        return {}
    return dict(json.loads(manifest.read_text("utf-8"))["runs"])


def _pace(work: Work, method: str, root: Path) -> float:
    """Return the processor seconds of a step, as the same or a like training took."""
    varied = bool(settings_for(work.id, method, setting=work.setting).randomise)
    for folder in (work.folder(root), folder_of(work.id, work.setting)):
        runs = _runs(folder / MANIFEST)
        for name in (method, BASES.get(method, method)):
            run = runs.get(name, {"policies": ()})
            if run["policies"]:
                pace = max(entry["cpu_time"] / entry["steps"] for entry in run["policies"])
                as_varied = bool(run["hyper_parameters"].get("randomise"))
                return pace * (VARIED if varied and not as_varied else 1.0)
    return USUAL


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status: 1 where a piece of work failed.

    Args:
        arguments: Those of the process by default.
    """
    parser = argparse.ArgumentParser(description="Train all shipped policies anew; resumable.")
    parser.add_argument("--out", type=Path, default=Path("policies"), help="folder of the new ones")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--only", nargs="*", metavar="ID", help="these ids instead of all")
    parser.add_argument("--plan", action="store_true", help="say what there is to do, and end")
    parser.add_argument("--install", action="store_true", help="replace the shipped policies")
    given = parser.parse_args(arguments)
    if given.processes < 1:
        parser.error(f"--processes: expected at least 1, got {given.processes}")
    wanted = {card(id).id for id in given.only or ()}
    works = [work for work in plan() if not wanted or work.id in wanted]
    if given.install:
        for folder in install(works, given.out):
            print(folder)
        return 0
    works.sort(key=lambda work: -work.seconds(given.out))
    seconds = sum(work.seconds(given.out) for work in works)
    trainings = sum(sum(work.left(given.out).values()) for work in works)
    _say(
        f"{trainings} trainings to do: about {seconds / 3600.0:.1f} hours of processor time, "
        f"{seconds / 3600.0 / given.processes:.1f} hours in {given.processes} processes"
    )
    for work in works:
        left = ", ".join(f"{n} {name}" for name, n in work.left(given.out).items() if n)
        _say(f"  {work.id} ({work.setting}): {left or 'finished'}")
    return 0 if given.plan else _train_all(works, given.out, given.processes)


def _train_all(works: Sequence[Work], root: Path, processes: int) -> int:
    """Train in processes that end with this one; what fails is told and leaves the others alone."""
    tasks = [(work, root) for work in works if any(work.left(root).values())]
    failed = 0
    done = run_tasks(
        _train, tasks, workers=processes, told=lambda task, line: _say(f"{task[0].id}: {line}")
    )
    for (work, _), result in done:
        if isinstance(result, Lost):
            failed += 1
            _say(f"failed: {work.id} ({work.setting}): {result.reason}")
        else:
            _say(f"finished: {result}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
