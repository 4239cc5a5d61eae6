"""Where jobs run: in this process, in others, or on a Ray cluster; and what is shown meanwhile.

A worker process ends with the process that started it, however that ends. A worker that dies takes one job with it at
most, which is tried once more and, if it brings down its worker again, becomes failed records.
"""

from __future__ import annotations

import importlib
import os
import pickle
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import Any

from gym_suite.comparison.rollouts import Job, Outcome, execute, failed_records
from gym_suite.comparison.settings import NOMINAL
from gym_suite.core.parameters import check_option

__all__ = ["EXECUTORS", "check_executor", "progress_bar", "run_jobs"]

EXECUTORS = ("local", "ray")

TRIES = 2
"""How often a job is started whose worker dies."""

REACH = 20.0
"""Seconds in which a named Ray cluster has to answer."""

Progress = Callable[[Job, float], None]


def check_executor(executor: str, workers: int, jobs: Sequence[Job]) -> None:
    """Refuse, before anything runs, what could not run.

    Raises:
        ValueError: unknown executor, fewer than one worker, or an agent that cannot be sent to
            another process.
        ImportError: Ray is not installed.
        ConnectionError: the Ray cluster does not answer.
    """
    check_option("executor", executor, EXECUTORS)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers must be a whole number >= 1, got {workers!r}")
    if executor == "ray":
        _ray()
        _check_cluster(os.environ.get("RAY_ADDRESS", ""))
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
) -> Generator[tuple[Job, Outcome], None, None]:
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
        yield from _in_processes(jobs, min(workers, len(jobs)), progress)


# ---------------------------------------------------------------------------------------- processes


@dataclass(slots=True)
class _Worker:
    """A process that runs one job after the other, and the job that it has."""

    process: Any
    pipe: connection.Connection
    job: Job | None = None
    tries: int = 0

    @classmethod
    def start(cls) -> _Worker:
        """Start one. Spawned, not forked: compiled code with threads does not survive a fork everywhere."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,))
        process.start()
        theirs.close()
        return cls(process, ours)

    def take(self, job: Job, tries: int) -> None:
        """Start a job; where the process has died already, its end is noticed when it is waited for."""
        self.job, self.tries = job, tries
        try:
            self.pipe.send(job)
        except OSError:
            self.process.kill()

    def stop(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


def _in_processes(
    jobs: Sequence[Job], count: int, progress: Progress
) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs in so many worker processes."""
    waiting = [(job, 1) for job in jobs]
    workers = [_Worker.start() for _ in range(count)]
    try:
        while waiting or any(worker.job for worker in workers):
            for worker in workers:
                if worker.job is None and waiting:
                    worker.take(*waiting.pop(0))
            ready = connection.wait([worker.pipe for worker in workers if worker.job])
            for place, worker in enumerate(workers):
                if worker.pipe not in ready or worker.job is None:
                    continue
                job = worker.job
                try:
                    told = worker.pipe.recv()
                except (EOFError, OSError):  # it has died
                    tries, code = worker.tries, _exit_code(worker)
                    worker.stop()
                    workers[place] = _Worker.start()
                    if tries < TRIES:
                        waiting.insert(0, (job, tries + 1))
                        continue
                    error = f"the process that ran it died (exit status {code}), {TRIES} times"
                    told = Outcome(failed_records(job, error))
                if isinstance(told, Outcome):
                    worker.job = None
                    progress(job, 1.0)
                    yield job, told
                else:
                    progress(job, min(told, 0.99))
    finally:
        for worker in workers:
            worker.stop()


def _exit_code(worker: _Worker) -> Any:
    worker.process.join(timeout=5.0)
    return worker.process.exitcode


def _work(pipe: connection.Connection) -> None:
    """Run jobs as they come, in a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            pipe.send(execute(job, pipe.send))
        except KeyboardInterrupt:
            return


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, by whatever signal."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


# ------------------------------------------------------------------------------------------ cluster


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ImportError(
            "executor='ray' needs Ray, best in an environment of its own: pip install ray"
        ) from error


def _check_cluster(address: str) -> None:
    """Refuse a cluster of which nobody answers; Ray itself would try for many minutes.

    Raises:
        ConnectionError: nobody answers at the address.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return  # a local cluster, or one that Ray finds by itself
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH).close()
    except OSError as error:
        raise ConnectionError(
            f"no Ray cluster answers at {address} (RAY_ADDRESS): {error.strerror or error}"
        ) from None


def _on_ray(jobs: Sequence[Job], progress: Progress) -> Iterator[tuple[Job, Outcome]]:
    """The same jobs on a Ray cluster: the one of RAY_ADDRESS, or a local one."""
    ray = _ray()
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    remote = ray.remote(max_retries=TRIES - 1)(execute)
    waiting = {remote.remote(job): job for job in jobs}
    while waiting:
        (done, *_), _ = ray.wait(list(waiting), num_returns=1)
        job = waiting.pop(done)
        try:
            outcome = ray.get(done)
        except ray.exceptions.RayError as error:
            words = f"the process that ran it died: {type(error).__name__}"
            outcome = Outcome(failed_records(job, words))
        progress(job, 1.0)
        yield job, outcome


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
        shares: dict[int, tuple[float, int]] = {}

        def update(job: Job, share: float) -> None:
            shares[id(job)] = (share, len(job.seeds))
            done = sum(s * count for s, count in shares.values())
            bar.update(task, completed=int(done + 1e-6), description=label(job))

        yield update
