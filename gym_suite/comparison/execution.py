"""The jobs of a comparison, run where :mod:`gym_suite.workers` can; and what is shown meanwhile.

A job whose worker has died twice becomes failed records.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gym_suite.comparison.company import batches_of
from gym_suite.comparison.parcels import Parcel, execute_parcel
from gym_suite.comparison.rollouts import Job, Outcome, failed_records
from gym_suite.comparison.settings import NOMINAL
from gym_suite.workers import EXECUTORS, Lost, check_workers, run_tasks

__all__ = ["EXECUTORS", "check_executor", "progress_bar", "run_jobs"]

Progress = Callable[[Job, float], None]


def check_executor(executor: str, workers: int, jobs: Sequence[Job]) -> None:
    """Refuse, before anything runs, what could not run.

    Raises:
        ValueError: unknown executor, fewer than one worker, or an agent that cannot be sent to
            another process.
        ImportError: Ray is not installed.
        ConnectionError: the Ray cluster does not answer.
    """
    check_workers(executor, workers, ((f"agent {job.agent.name!r}", job.agent) for job in jobs))


def run_jobs(
    jobs: Sequence[Job], *, executor: str, workers: int, progress: Progress
) -> Generator[tuple[Job, Outcome], None, None]:
    """Run jobs and yield each with its outcome as it finishes; what shares its worlds finishes together.

    A job that takes too long may be run in parts, each of which is a job of some of its episodes.

    Args:
        jobs: what to run.
        executor: "local" or "ray".
        workers: processes of the local executor; 1 runs here.
        progress: told how far a job is, from 0 to 1.
    """
    # On a cluster nobody knows how many would have to share: each agent is a piece of work there at first.
    batches = batches_of(jobs, workers if executor == "local" else len(jobs))
    lost: list[Job] = []
    where = {"executor": executor, "workers": workers, "progress": progress}
    yield from _run_batches(batches, lost.extend, **where)
    # Each by itself, so that only those at fault fail.
    yield from _run_batches([(job,) for job in lost], lambda batch: None, **where)


def _run_batches(
    batches: Sequence[tuple[Job, ...]],
    lose: Callable[[tuple[Job, ...]], None],
    *,
    executor: str,
    workers: int,
    progress: Progress,
) -> Generator[tuple[Job, Outcome], None, None]:
    """Run batches; one of several jobs whose worker died twice is handed to `lose`, one of one has failed."""

    def told(parcel: Parcel, share: float) -> None:
        for job in parcel.jobs:
            progress(job, min(share, 0.99))  # 1 is said once, when its results are there

    # Processes on this machine read the files of agents themselves.
    wrapped = Parcel.packed if executor == "ray" else Parcel
    finished = run_tasks(
        execute_parcel,
        [wrapped(batch) for batch in batches],
        executor=executor,
        workers=workers,
        told=told,
    )
    try:
        for parcel, outcomes in finished:
            batch = parcel.jobs
            if isinstance(outcomes, Lost):
                if len(batch) > 1:
                    lose(batch)
                    continue
                outcomes = [Outcome(failed_records(job, outcomes.reason)) for job in batch]
            for job, outcome in zip(batch, outcomes, strict=True):
                progress(job, 1.0)
                yield job, outcome
    finally:
        finished.close()


# ----------------------------------------------------------------------------------------- progress


@contextmanager
def progress_bar(jobs: Sequence[Job], *, shown: bool) -> Iterator[Progress]:
    """A progress bar on a terminal, a line per finished job elsewhere; both on stderr.

    Args:
        jobs: what will run.
        shown: False shows nothing.
    """
    from rich.console import Console

    console = Console(stderr=True)
    total = sum(len(job.seeds) for job in jobs)
    if not shown or not jobs:
        yield lambda job, share: None
    elif console.is_terminal:
        with _bar(console, total) as update:
            yield update
    else:
        finished = 0

        def line(job: Job, share: float) -> None:
            nonlocal finished
            if share == 1.0:
                finished += len(job.seeds)
                console.print(f"[{finished}/{total} episodes] {label(job)}", markup=False)

        yield line


def label(job: Job) -> str:
    """A job in a few words."""
    training = job.agent.training_seed
    who = job.agent.name if training is None else f"{job.agent.name} (training seed {training})"
    where = "" if job.setting.name == NOMINAL else f", {job.setting.name}"
    return f"{job.id}{where}: {who}"


@contextmanager
def _bar(console: Any, total: int) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("episodes"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)
        shares: dict[
            int, tuple[float, Job]
        ] = {}  # with the jobs, so that no other gets the id of one

        def update(job: Job, share: float) -> None:
            shares[id(job)] = (share, job)
            done = sum(s * len(job.seeds) for s, job in shares.values())
            bar.update(task, completed=int(done + 1e-6), description=label(job))

        yield update
