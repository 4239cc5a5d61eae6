"""Where pieces of work run: in this process, in processes of one thread each, or on a Ray cluster.

A worker process ends with the process that started it, however that ends. A worker that dies takes one piece of work
with it at most, which is begun once more and is lost if it brings down its worker again; the others go on.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import connection, get_context, parent_process
from tempfile import TemporaryFile
from typing import Any, Generic, TypeVar

from gym_suite.core.extras import import_extra
from gym_suite.core.parameters import check_option
from gym_suite.provenance import THREADS

__all__ = ["EXECUTORS", "Instead", "Lost", "at_once", "check_workers", "run_tasks"]

EXECUTORS = ("local", "ray")

TRIES = 2
"""How often a piece of work is started whose worker dies."""

UNGUARDED = (
    "a worker process failed before it had any work: each runs the script that started it again, and so what starts "
    "workers (workers= of compare, jobs= of train) has to stand below  if __name__ == '__main__':"
)
"""What is said where a script would start workers in its workers."""

REACH = 20.0
"""Seconds in which somebody has to answer at the address of a Ray cluster."""

GREETING = 60.0
"""Seconds in which it has to be Ray that answers; a busy cluster needs some to take somebody in."""

PROBE = """
import json, sys
address, sys.path[:] = json.loads(sys.argv[1])
import ray
ray.init(address=address, log_to_driver=False)
"""
"""Meets a cluster, in a process of its own: what goes on trying for many minutes can be ended there alone."""

Task = TypeVar("Task")
Result = TypeVar("Result")
Told = Callable[[Task, Any], None]


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands for the result of a piece of work that has none.

    Attributes:
        reason: Why, in words.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Instead(Generic[Task]):
    """Stands for the result of a piece of work that is to be done in parts.

    Attributes:
        tasks: The parts, which are done in its place.
    """

    tasks: tuple[Task, ...]


#: Does a piece of work; the second argument takes what is to be told on the way.
Function = Callable[[Task, Callable[[Any], None]], Result | Instead[Task]]


def at_once(tasks: int, cores: int) -> int:
    """Return how many equal pieces of work to do at once so that the last one ends soonest.

    Five on two cores, two at once, leave a core idle while the fifth is done; three at once share the cores, and both
    are busy until the end.

    Args:
        tasks: How many there are, >= 1.
        cores: How many can be done without slowing each other down, >= 1.
    """

    def time(count: int) -> float:
        """Return how long they take, where one alone takes 1."""
        waves, rest = divmod(tasks, count)
        return waves * max(1.0, count / cores) + (max(1.0, rest / cores) if rest else 0.0)

    return min(range(1, min(tasks, 2 * cores) + 1), key=time)


def check_workers(executor: str, workers: int, sent: Iterable[tuple[str, Any]]) -> None:
    """Refuse, before anything runs, what could not run.

    Args:
        executor: Where the work runs.
        workers: Processes of the local executor.
        sent: What is sent to other processes, each with words for it.

    Raises:
        ValueError: Unknown executor, fewer than one worker, or something that cannot be sent to another process.
        ImportError: Ray is not installed.
        ConnectionError: The Ray cluster does not answer.
    """
    check_option("executor", executor, EXECUTORS)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers must be a whole number >= 1, got {workers!r}")
    if executor == "ray":
        _ray()
        _check_cluster(os.environ.get("RAY_ADDRESS", ""))
    if executor == "ray" or workers > 1:
        for words, value in sent:
            try:
                pickle.dumps(value)
            except Exception as error:  # objects may raise anything when pickled
                raise ValueError(
                    f"{words} cannot be sent to another process ({error}); "
                    "use workers=1, or a file and factory"
                ) from error


def run_tasks(
    function: Function[Task, Result],
    tasks: Sequence[Task],
    *,
    executor: str = "local",
    workers: int = 1,
    told: Told[Task] = lambda task, what: None,
) -> Generator[tuple[Task, Result | Lost], None, None]:
    """Do pieces of work and yield each with its result as it finishes.

    One that gives :class:`Instead` is done in the parts that this names, which are yielded in its place.

    Args:
        function: Does one; of a module, so that other processes find it.
        tasks: The pieces of work.
        executor: "local" or "ray".
        workers: Processes of the local executor; with 1 the work is done here, and what it raises is raised.
        told: Gets what a piece of work tells on the way; Ray's do not tell.

    Raises:
        RuntimeError: The script that starts workers cannot be run again by them.
    """
    if executor == "ray":
        yield from _on_ray(function, tasks)
    elif workers == 1 or len(tasks) <= 1:
        for task in tasks:

            def tell(what: Any, task: Task = task) -> None:
                told(task, what)

            result = function(task, tell)
            if isinstance(result, Instead):
                parts = result.tasks
                yield from run_tasks(function, parts, workers=workers, told=told)
            else:
                yield task, result
    else:
        yield from _in_processes(function, tasks, workers, told)


# ---------------------------------------------------------------------------------------- processes


@dataclass(slots=True)
class _Worker(Generic[Task]):
    """A process that does one piece of work after the other, and the one that it has."""

    process: Any
    pipe: connection.Connection
    task: Task | None = None
    tries: int = 0
    ready: bool = False

    @classmethod
    def start(cls, function: Function[Task, Any]) -> _Worker[Task]:
        """Start one. Spawned, not forked: compiled code with threads does not survive a fork everywhere."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, function))
        with _one_thread():
            process.start()
        theirs.close()
        return cls(process, ours)

    def take(self, task: Task, tries: int) -> None:
        """Start a piece of work; where the process has died already, its end is noticed when it is waited for."""
        self.task, self.tries = task, tries
        try:
            self.pipe.send(task)
        except OSError:
            self.process.kill()

    def stop(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Give processes that are started meanwhile one thread, unless the user has said how many.

    The processes share the cores among themselves; more threads in each would only wait for each other.
    """
    added = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@dataclass(frozen=True, slots=True)
class _Finished:
    """What a worker sends when it is done, to be told from what is told on the way."""

    result: Any


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a worker sends first, when the script that started it has been run again as far as its functions need."""


def _in_processes(
    function: Function[Task, Result], tasks: Sequence[Task], count: int, told: Told[Task]
) -> Iterator[tuple[Task, Result | Lost]]:
    """Do the work in at most so many worker processes.

    Raises:
        RuntimeError: The script that starts workers cannot be run again by them.
    """
    waiting = [(task, 1) for task in tasks]
    workers: list[_Worker[Task]] = []
    try:
        while waiting or any(worker.task is not None for worker in workers):
            idle = sum(worker.task is None for worker in workers)
            more = min(count - len(workers), len(waiting) - idle)
            workers += [_Worker.start(function) for _ in range(more)]
            for worker in workers:
                if worker.task is None and waiting:
                    worker.take(*waiting.pop(0))
            ready = connection.wait([w.pipe for w in workers if w.task is not None])
            for place, worker in enumerate(workers):
                if worker.pipe not in ready or worker.task is None:
                    continue
                task = worker.task
                try:
                    what = worker.pipe.recv()
                except (EOFError, OSError):  # it has died
                    tries, code = worker.tries, _exit_code(worker)
                    if not worker.ready and code == 1:  # an exception of Python, printed above
                        raise RuntimeError(UNGUARDED) from None
                    worker.stop()
                    workers[place] = _Worker.start(function)
                    if tries < TRIES:
                        waiting.insert(0, (task, tries + 1))
                        continue
                    words = f"the process that ran it died (exit status {code}), {TRIES} times"
                    what = _Finished(Lost(words))
                if isinstance(what, _Ready):
                    worker.ready = True
                elif isinstance(what, _Finished):
                    worker.task = None
                    if isinstance(what.result, Instead):
                        waiting[:0] = [(part, 1) for part in what.result.tasks]
                    else:
                        yield task, what.result
                else:
                    told(task, what)
    finally:
        for worker in workers:
            worker.stop()


def _exit_code(worker: _Worker[Any]) -> Any:
    worker.process.join(timeout=5.0)
    return worker.process.exitcode


def _work(pipe: connection.Connection, function: Function[Any, Any]) -> None:
    """Do pieces of work as they come, in a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):
        pipe.send(_Ready())
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            result = function(task, pipe.send)
        except KeyboardInterrupt:
            return
        except Exception as error:  # whatever it is, the other pieces of work go on
            result = Lost(_words_of(error))
        pipe.send(_Finished(result))


def _words_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, by whatever signal."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


# ------------------------------------------------------------------------------------------ cluster


def _ray() -> Any:
    return import_extra(
        "ray", "executor='ray' needs Ray, best in an environment of its own: pip install ray"
    )


def _check_cluster(address: str) -> None:
    """Refuse a cluster that does not answer; Ray itself would try for many minutes.

    Args:
        address: as ``ray.init`` takes it; where it is empty or "local" Ray starts a cluster here.

    Raises:
        ConnectionError: Nobody answers at the address, or somebody who is no Ray.
    """
    if address in ("", "local"):
        return
    try:
        _meet(address)
    except OSError as error:
        raise ConnectionError(
            f"no Ray cluster answers at {address} (RAY_ADDRESS): {error.strerror or error}"
        ) from None


@cache
def _meet(address: str) -> None:
    """Meet a cluster, once.

    Raises:
        OSError: That failed; the next time it is tried again.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=REACH).close()
        except UnicodeError:  # a part of the name is empty or too long
            raise OSError("no host can have this name") from None
    given = json.dumps([address, [str(path) for path in sys.path]])
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        try:
            done = subprocess.run(
                [sys.executable, "-c", PROBE, given],
                stdout=subprocess.DEVNULL,
                stderr=told,
                timeout=GREETING,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"what listens there does not answer as Ray does, for {GREETING:g} s"
            ) from None
        told.seek(0)
        lines = [line.strip() for line in told if line.strip()]
    if done.returncode != 0:
        raise ConnectionError(lines[-1] if lines else f"exit status {done.returncode}")


def _silently(function: Function[Task, Result], task: Task) -> Result | Instead[Task]:
    """Do a piece of work that tells nothing on the way."""
    return function(task, lambda what: None)


def _on_ray(
    function: Function[Task, Result], tasks: Sequence[Task]
) -> Iterator[tuple[Task, Result | Lost]]:
    """The same work on a Ray cluster: the one of RAY_ADDRESS, or a local one."""
    ray = _ray()
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    remote = ray.remote(max_retries=TRIES - 1)(_silently)
    waiting = {remote.remote(function, task): task for task in tasks}
    while waiting:
        (done, *_), _ = ray.wait(list(waiting), num_returns=1)
        task = waiting.pop(done)
        try:
            result = ray.get(done)
        except ray.exceptions.RayTaskError as error:  # raised by the work itself
            yield task, Lost(_words_of(error.cause))
            continue
        except ray.exceptions.RayError as error:
            yield task, Lost(f"the process that ran it died: {type(error).__name__}")
            continue
        if isinstance(result, Instead):
            waiting |= {remote.remote(function, part): part for part in result.tasks}
        else:
            yield task, result
