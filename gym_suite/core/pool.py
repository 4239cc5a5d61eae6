"""Worlds of another physics engine in several processes: each holds a part of the rows, the numbers are the same.

An engine such as Bullet lives in one process, where its worlds move one after the other and take memory. Here this
process and each worker have an engine of their own for their rows. Rows go there and come back through memory that all
of them share; messages only say what is to be done. A worker ends when its pipe does, so none outlives the process that
started it, however that ends, and the shared memory has no name that could be left behind.
"""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count, pairwise
from multiprocessing import connection, get_context
from multiprocessing import process as processes
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_suite.core.family import Setup, first_not_finite
from gym_suite.core.forks import tell_of_forks
from gym_suite.core.parameters import check_number

if TYPE_CHECKING:
    from gym_suite.core.rows import Rows

#: Seconds that a worker gets to end by itself.
PATIENCE = 5.0
#: What goes to the workers, at a start and at a step, and what comes back from a step.
BEGUN = ("x", "key", "step", "u", "p")
SENT = ("x", "key", "step", "u")
RETURNED = ("x", "step", "u", "o", "reward", "terminated")
#: The message of a step: one byte, where others are told in more words.
STEP = b"s"


def read_workers(value: int) -> int:
    """Return a number of processes.

    Raises:
        TypeError: For anything that is no number.
        ValueError: For a number that is not whole or below one.
    """
    return int(check_number("workers", value, low=1, high=1024, integer=True))


class Shared:
    """Arrays by name in memory that processes share.

    Args:
        about: Name to shape and dtype.
        memory: Where they lie; None takes new memory.
    """

    def __init__(
        self, about: dict[str, tuple[tuple[int, ...], str]], memory: Any | None = None
    ) -> None:
        sizes = {
            name: int(np.prod(shape)) * np.dtype(kind).itemsize
            for name, (shape, kind) in about.items()
        }
        places = np.cumsum([0, *(-(-size // 64) * 64 for size in sizes.values())]).tolist()
        self.about = about
        self.memory = memory or get_context("spawn").RawArray("B", max(1, places[-1]))
        self.arrays = {
            name: np.frombuffer(
                self.memory, dtype=kind, count=int(np.prod(shape)), offset=place
            ).reshape(shape)
            for (name, (shape, kind)), place in zip(about.items(), places, strict=False)
        }


class Kept:
    """One row's share of what the workers keep of a snapshot; it is forgotten with the last reference to it.

    It does not outlive its pool: a copy in another process, or another engine, begins contacts anew.
    """

    def __init__(self, memory: _Memory | None, row: int) -> None:
        self.memory, self.row = memory, row

    def restore(self, world: Any) -> None:
        """Do nothing: a world of this process is none of the pool's."""

    def __eq__(self, other: object) -> bool:
        # What differs between two memories of one row is in the rows saved beside them.
        return isinstance(other, Kept) and self.row == other.row and self.pool is other.pool

    def __hash__(self) -> int:
        return hash((self.row, id(self.pool)))

    @property
    def pool(self) -> Pool | None:
        """Whose it is; None for a copy from another process."""
        return None if self.memory is None else self.memory.pool

    def __copy__(self) -> Kept:
        return self

    def __deepcopy__(self, memo: Any) -> Kept:
        return self

    def __reduce__(self) -> Any:
        return Kept, (None, self.row)


class _Memory:
    """A number under which all workers keep their engines' memory."""

    def __init__(self, pool: Pool, number: int) -> None:
        self.pool, self.number = pool, number

    def __del__(self) -> None:
        self.pool.forgotten.append(self.number)


class Pool:
    """Moves rows in this process and in workers; see :class:`gym_suite.core.family.Advance`.

    The first part of the rows is moved here, while the workers move theirs: who only waited would have to be woken, and
    would take the place of a worker where there are as many as cores. Workers belong to the process that started them:
    in one that is forked from it the pool refuses to move, and closing it there leaves them alone.

    Args:
        configure: Makes the setup again in a worker.
        workers: Number of processes, this one among them.
        setup: Of the rows.
        n: Number of rows.

    Raises:
        ValueError: What an engine refuses, such as too many worlds in a process.
        ImportError: For an engine that is not installed.
    """

    def __init__(self, configure: Callable[[], Setup], workers: int, setup: Setup, n: int) -> None:
        bounds = np.linspace(0, n, min(workers, n) + 1).astype(int).tolist()
        own, *others = pairwise(bounds)
        self._closed = self._forked = False
        self._numbers = count()
        self.forgotten: list[int] = []
        agents = setup.agent_count
        about: dict[str, tuple[tuple[int, ...], str]] = {
            "x": ((n, len(setup.state_columns)), "f8"),
            "key": ((n,), "u8"),
            "step": ((n,), "i8"),
            "u": ((n, agents * setup.action_size), "f8"),
            "p": ((n, len(setup.row)), "f8"),
            "m": ((n, len(setup.metric_columns)), "f8"),
            "o": ((n, agents * setup.filled_size), "f4"),
            "reward": ((n, agents), "f8"),
            "terminated": ((n, agents), "?"),
            "mask": ((n,), "?"),
        }
        for image in setup.images:
            about[f"picture {image.name}"] = ((n, agents, *image.shape), image.dtype)
        self._shared = Shared(about)
        self._pictures = [image.name for image in setup.images]
        context = get_context("spawn")
        self._workers: list[tuple[Any, connection.Connection]] = []
        self._share: Any = None
        tell_of_forks(self)
        try:
            for part in others:
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_work,
                    args=(theirs, configure, part, about, self._shared.memory),
                    daemon=True,
                )
                process.start()
                theirs.close()
                self._workers.append((process, ours))
            self._share = _Share(setup, own, self._shared)
            self._wait()
        except BaseException:
            self.close()
            raise

    def begin_in_fork(self) -> None:
        """Let go of the workers, which are another process's: this one holds no end of their pipes."""
        for process, pipe in self._workers:
            with suppress(OSError):
                pipe.close()
            # As multiprocessing does in its own children: it would end the workers as this process's when that ends.
            getattr(processes, "_children", set()).discard(process)
        self._workers, self._forked = [], True

    def _refuse_fork(self) -> None:
        if self._forked:
            raise RuntimeError(
                "the workers of these worlds belong to the process from which this one was forked; make the "
                "environment anew here, or start processes with multiprocessing.get_context('spawn')"
            )

    # ------------------------------------------------------------------------------------------ messages

    def _ask(self, what: str, number: int | None = None) -> None:
        """Tell all workers what to do and wait until it is done.

        Raises:
            RuntimeError: A worker has died; the environment is of no use any more. Or this process was forked from the
                one whose workers they are.
        """
        self._refuse_fork()
        message, own = STEP, self._share.step
        if what != "step":
            about = what, number, self.forgotten[:]
            del self.forgotten[: len(about[2])]
            message, own = pickle.dumps(about), partial(self._share.do, *about)
        try:
            for _, pipe in self._workers:
                pipe.send_bytes(message)
        except OSError:
            self._tell_of_death()
        try:
            own()
        finally:
            self._wait()

    def _wait(self) -> None:
        answers = []
        for _, pipe in self._workers:
            try:
                answers.append(pipe.recv_bytes())
            except (EOFError, OSError):
                self._tell_of_death()
        for answer in answers:
            if answer != STEP:
                raise pickle.loads(answer)

    def _tell_of_death(self) -> None:
        codes = []
        for process, _ in self._workers:
            process.join(timeout=0.2)
            if process.exitcode is not None:
                codes.append(process.exitcode)
        self.close()
        raise RuntimeError(
            f"a worker process of the physics engine has died (exit status {codes[0] if codes else 'unknown'}); "
            "make the environment again"
        ) from None

    def _send(self, rows: Rows, mask: np.ndarray, names: Sequence[str] = BEGUN) -> None:
        self._refuse_fork()  # the memory is shared with the other process, too
        arrays = self._shared.arrays
        for name in names:
            arrays[name][:] = getattr(rows, name)  # parameters that all rows share are repeated
        arrays["mask"][:] = mask

    # -------------------------------------------------------------------------------------------- engine

    def reset(self, rows: Rows, mask: np.ndarray) -> None:
        """Take over the masked rows as they are."""
        self._send(rows, mask)
        self._ask("reset")

    def step(self, rows: Rows, skip: np.ndarray) -> int:
        """Move all rows not skipped by one control period; return -1 or the index of a non-finite action."""
        wrong = first_not_finite(rows.u, skip)  # before any worker moves: all rows move or none
        if wrong >= 0:
            return wrong
        self._send(rows, skip, SENT)
        self._ask("step")
        arrays = self._shared.arrays
        moved: Any = ~skip if skip.any() else slice(None)  # all are copied in a tenth of the time
        for name in RETURNED:
            getattr(rows, name)[moved] = arrays[name][moved]
        rows.m[moved] = arrays["m"][moved]
        return -1

    def capture(self, rows: Rows, mask: np.ndarray) -> None:
        """Take the masked rows' pictures."""
        self._send(rows, mask)
        self._ask("capture")
        for name in self._pictures:
            rows.pictures[name][mask] = self._shared.arrays[f"picture {name}"][mask]

    def get_state(self) -> list[Kept]:
        """Return what stands for the workers' memory of each row."""
        memory = _Memory(self, next(self._numbers))
        self._ask("keep", memory.number)
        return [Kept(memory, row) for row in range(len(self._shared.arrays["mask"]))]

    def set_state(self, rows: Rows, state: Sequence[Any]) -> None:
        """Restore :meth:`get_state`; what another engine or process has kept is of no use, contacts begin anew."""
        memory = state[0].memory if len(state) and isinstance(state[0], Kept) else None
        own = memory if memory is not None and memory.pool is self else None
        self._send(rows, np.ones(rows.n, dtype=np.bool_))
        self._ask("restore", None if own is None else own.number)

    def close(self) -> None:
        """End the workers, where they are this process's; may be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._share is not None:
            self._share.close()
        for _, pipe in self._workers:
            with suppress(OSError):
                pipe.close()  # which ends a worker that waits
        for process, _ in self._workers:
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()

    def __del__(self) -> None:
        for _, pipe in getattr(self, "_workers", ()):
            with suppress(OSError):
                pipe.close()


# ---------------------------------------------------------------------------------------------- workers


def _work(
    pipe: connection.Connection,
    configure: Callable[[], Setup],
    part: tuple[int, int],
    about: dict[str, tuple[tuple[int, ...], str]],
    memory: Any,
) -> None:
    """Hold an engine for a part of the rows and do what is asked, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    try:
        share = _Share(configure(), part, Shared(about, memory))
    except Exception as error:  # whatever an engine refuses is for the one who asked
        with suppress(OSError):
            pipe.send_bytes(pickle.dumps(error))
        return
    done = STEP
    with suppress(EOFError, OSError):
        while True:
            pipe.send_bytes(done)
            message = pipe.recv_bytes()
            done = STEP
            try:
                if message == STEP:
                    share.step()
                else:
                    share.do(*pickle.loads(message))
            except Exception as error:
                done = pickle.dumps(error)
    share.close()


class _Share:
    """An engine for a part of the rows, which come from shared memory and go back there.

    Args:
        setup: Of the rows.
        part: First of them, and where they end.
        shared: The memory.

    Raises:
        ValueError: What the engine refuses.
        ImportError: It is not installed.
    """

    def __init__(self, setup: Setup, part: tuple[int, int], shared: Shared) -> None:
        from gym_suite.core.rows import Rows

        self._rows = Rows(setup, part[1] - part[0])
        self._arrays = {name: array[slice(*part)] for name, array in shared.arrays.items()}
        self._kept: dict[int, Any] = {}

    def step(self) -> None:
        """Move the rows by one control period."""
        rows, arrays = self._rows, self._arrays
        engine: Any = rows.engine
        for name in SENT:
            getattr(rows, name)[:] = arrays[name]
        engine.step(rows, arrays["mask"])
        for name in RETURNED:
            arrays[name][:] = getattr(rows, name)
        arrays["m"][:] = rows.m

    def do(self, what: str, number: int | None, forgotten: Sequence[int]) -> None:
        """Do with the rows what is no step.

        Args:
            what: "reset", "capture", "keep" or "restore".
            number: Under which the engine's memory is kept.
            forgotten: Numbers that nobody will ask for any more.
        """
        for one in forgotten:
            self._kept.pop(one, None)
        rows, arrays = self._rows, self._arrays
        engine: Any = rows.engine
        if what == "keep":
            self._kept[int(number or 0)] = engine.get_state()
            return
        for name in BEGUN:
            own = getattr(rows, name)
            own[:] = arrays[name][: len(own)]
        mask = arrays["mask"]
        if what == "reset":
            engine.reset(rows, mask)
        elif what == "restore":
            engine.set_state(rows, engine.get_state() if number is None else self._kept[number])
        elif what == "capture":
            engine.capture(rows, mask)
            for name, pictures in rows.pictures.items():
                arrays[f"picture {name}"][:] = pictures

    def close(self) -> None:
        """Free the engine."""
        self._rows.close()
