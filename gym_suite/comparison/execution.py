"""Where jobs run: in this process, in others, or on a Ray cluster; and what is shown meanwhile."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from gym_suite.comparison.rollouts import Job, Outcome, execute
from gym_suite.core.parameters import check_option

__all__ = ["EXECUTORS", "check_executor", "progress_bar", "run_jobs"]

EXECUTORS = ("local", "ray")

Progress = Callable[[Job, float], None]


def check_executor(executor: str, workers: int, jobs: Sequence[Job]) -> None:
    """Refuse, before anything runs, what could not run.

    Raises:
        ValueError: unknown executor, fewer than one worker, or an agent that cannot be sent to
            another process.
        ImportError: Ray is not installed.
    """
    check_option("executor", executor, EXECUTORS)
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers must be a whole number >= 1, got {workers!r}")
    if executor == "ray":
        _ray()
    if executor == "ray" or workers > 1:
        for job in jobs:
            try:
                pickle.dumps(job.agent)
            except Exception as error:  # objects may raise anything when pickled
                raise ValueError(
                    f"agent {job.agent.name!r} cannot be sent to another process ({error}); "
                    "use workers=1, or a file and factory"
                ) from error


def run_jobs(
    jobs: Sequence[Job], *, executor: str, workers: int, progress: Progress
) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs and yield each with its outcome as it finishes.

    Args:
        jobs: what to run.
        executor: "local" or "ray".
        workers: processes of the local executor; 1 runs here.
        progress: told how far a job is, from 0 to 1.
    """
    if executor == "ray":
        yield from _on_ray(jobs, progress)
    elif workers == 1 or len(jobs) <= 1:
        for job in jobs:

            def tick(share: float, job: Job = job) -> None:
                progress(job, min(share, 0.99))  # 1 is said once, when its results are there

            outcome = execute(job, tick)
            progress(job, 1.0)
            yield job, outcome
    else:
        # Spawned, not forked: compiled code with threads does not survive a fork everywhere.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            waiting = {pool.submit(execute, job): job for job in jobs}
            for future in as_completed(waiting):
                progress(waiting[future], 1.0)
                yield waiting[future], future.result()


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ImportError(
            "executor='ray' needs Ray, best in an environment of its own: pip install ray"
        ) from error


def _on_ray(jobs: Sequence[Job], progress: Progress) -> Iterator[tuple[Job, Outcome]]:
    """The same jobs on a Ray cluster: the one of RAY_ADDRESS, or a local one."""
    ray = _ray()
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    remote = ray.remote(execute)
    waiting = {remote.remote(job): job for job in jobs}
    while waiting:
        (done, *_), _ = ray.wait(list(waiting), num_returns=1)
        job = waiting.pop(done)
        progress(job, 1.0)
        yield job, ray.get(done)


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
    where = "" if job.setting.name == "nominal" else f", {job.setting.name}"
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
        shares: dict[int, tuple[float, int]] = {}

        def update(job: Job, share: float) -> None:
            shares[id(job)] = (share, len(job.seeds))
            done = sum(s * count for s, count in shares.values())
            bar.update(task, completed=int(done + 1e-6), description=label(job))

        yield update
