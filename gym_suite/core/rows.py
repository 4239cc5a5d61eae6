"""The worlds of a setup: their state, and the only code that moves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gym_suite.core.caches import MANY_ROWS, lined_up
from gym_suite.core.crew import Crew, read_threads
from gym_suite.core.family import Setup, first_not_finite, take_whole
from gym_suite.core.kernel import announce_slow_compile, compiled_for, kernel
from gym_suite.core.own_terms import pay, show
from gym_suite.core.random import normal2, uniform
from gym_suite.core.snapshots import as_kept, check_entries

# Streams of random numbers from here on are the core's: families use streams below.
STREAM_MISMATCH = 1 << 32
STREAM_NOISE = 1 << 33
#: Rows to start, and numbers to convert, from which on threads share them.
MANY_RESETS, MANY_NUMBERS = 64, 1 << 16
#: The arrays of which a snapshot holds copies.
KEPT = ("x", "key", "step", "p", "queue")


class Rows:
    """The state of n worlds of one setup, and the only code that moves them.

    Args:
        setup: What the id and its keywords decide.
        n: Number of worlds.
        handed_out: Whether the caller hands out metrics, rewards and flags as arrays, so that each step
            must give them memory of its own. Where they leave as Python numbers it is used again, which
            saves a single environment a fifth of its step; observations are always fresh.
        threads: Threads that share the compiled step, or "auto": as many as there are cores where that pays. The
            numbers are the same with any number.
        engine: Builds the engine that moves the rows; None for what the setup says.

    Attributes:
        x: State, float64 (n, nx).
        key: Episode keys, uint64 (n,).
        step: Control periods since reset, int64 (n,).
        p: Parameters of each row's plant, float64 (n, np), or (1, np) where all rows share them.
        metrics: Metrics of the last step as kernels fill them, float64 (nm, n and some padding), fresh
            at each step; each metric of all rows lies together, as ``info`` hands it out.
        m: The same memory row by row, (n, nm).
        o: Columns observed after the last step as kernels fill them, float32 (n, agents * no); a fresh array at each
            step.
        seen: What agents observe: the same array, or one with a user's own quantities behind each agent's columns.
        pictures: Pictures after the last step by name, (n, agents, height, width, channels), fresh at each step.
        reward: float64 (n, agents), fresh at each step.
        terminated: bool (n, agents), fresh at each step.
    """

    __slots__ = (
        "_agents",
        "_all",
        "_clipped",
        "_cold",
        "_crew",
        "_echo",
        "_excess",
        "_handed_out",
        "_high",
        "_low",
        "_none",
        "_own",
        "_pictured",
        "_scratch",
        "_shapes",
        "_step_batch",
        "_tables",
        "engine",
        "key",
        "m",
        "metrics",
        "n",
        "o",
        "p",
        "pictures",
        "queue",
        "reward",
        "seen",
        "setup",
        "step",
        "terminated",
        "u",
        "work",
        "x",
    )

    def __init__(
        self,
        setup: Setup,
        n: int,
        *,
        handed_out: bool = True,
        threads: int | str = 1,
        engine: Callable[[Setup, int], Any] | None = None,
    ) -> None:
        agents = setup.agent_count
        self.setup = setup
        self._handed_out = handed_out
        self.n = n
        self.x = np.zeros((n, len(setup.state_columns)))
        self.key = np.zeros(n, dtype=np.uint64)
        self.step = np.zeros(n, dtype=np.int64)
        plant: np.ndarray = setup.row if setup.plant_row is None else setup.plant_row
        self.p = np.repeat(plant[None], n if len(setup.mismatch) else 1, axis=0)
        self.u = np.zeros((n, agents * setup.action_size))
        scratch = max(n, setup.work_rows), setup.work_size
        self.work = lined_up(scratch, np.zeros)
        self.queue = np.zeros((n, setup.delay, agents * setup.action_size))
        self._agents, self._pictured = agents, bool(setup.images)
        own = len(setup.own_observed)
        self._own = (n, agents, setup.filled_size + own) if own else None
        self._shapes = (len(setup.metric_columns), n + 8), (n, agents * setup.filled_size)
        self.pictures: dict[str, np.ndarray] = {}
        self._none = np.zeros(n, dtype=np.bool_)
        self._all = np.ones(n, dtype=np.bool_)
        self._low = setup.observation_columns.low[: setup.filled_size]
        self._high = setup.observation_columns.high[: setup.filled_size]
        self._cold = True
        self._echo, self._excess = setup.echoed, np.zeros(n)
        self._clipped = [
            columns.index("clipped") if "clipped" in columns else None
            for columns in (setup.metric_columns, setup.state_columns)
        ]
        self._step_batch, self._tables = setup.kernels.step, setup.tables
        build = engine or setup.engine
        if build is not None and read_threads(threads) != (1, False) and threads != "auto":
            raise ValueError(
                f"threads share the compiled step; {setup.id} is moved by another engine here"
            )
        self.engine = build(setup, n) if build else None
        crew = Crew(threads, n) if self.engine is None else None
        self._crew = crew if crew is not None and crew.count > 1 else None
        # Scratch is anybody's within a call, so each thread has its own.
        more = self._crew.count - 1 if self._crew is not None else 0
        self._scratch = [self.work, *(lined_up(scratch, np.zeros) for _ in range(more))]
        self._allocate()

    def _fresh(self) -> None:
        """Give this step memory of its own: what was handed out before stays as it is."""
        if self._handed_out:
            self._allocate()
        else:
            self._allocate_columns()
            if self.pictures:
                self._allocate_pictures()

    def _allocate(self) -> None:
        n, agents = self.n, self._agents
        # Padded: with a power of two of rows all metrics of a row would share one cache set (measured:
        # 80 ns a row instead of 5).
        shape = self._shapes[0]
        self.metrics = lined_up(shape, np.empty) if n >= MANY_ROWS else np.empty(shape)
        self.m = self.metrics[:, :n].T
        self._allocate_columns()
        self.reward = np.zeros((n, agents))
        self.terminated = np.zeros((n, agents), dtype=np.bool_)
        if self._pictured:
            self._allocate_pictures()

    def _allocate_columns(self) -> None:
        self.o = self.seen = np.empty(self._shapes[1], dtype=np.float32)
        if self._own is not None:
            self.seen = np.empty((self.n, self._own[1] * self._own[2]), dtype=np.float32)

    def _allocate_pictures(self) -> None:
        setup = self.setup
        self.pictures = {i.name: i.allocate(self.n, setup.agent_count) for i in setup.images}

    def _capture(self, mask: np.ndarray) -> None:
        if self.engine is not None and self.pictures:
            self.engine.capture(self, mask)

    def reset(self, mask: np.ndarray, keys: np.ndarray, *, fresh: bool = True) -> None:
        """Start the masked rows anew.

        Args:
            mask: Which rows, bool (n,).
            keys: The new keys of the masked rows in order, uint64 (mask.sum(),).
            fresh: Whether to give observations and metrics new memory; the rows not masked are then observed again.
        """
        setup = self.setup
        count = self._rekey(mask, keys)
        if fresh:
            self._fresh()
        if self._cold:
            with announce_slow_compile(setup.family, setup.id):
                self._call_reset(0, ~mask)
            self._cold = self.engine is None  # the compiled step is still to come
        elif self._crew is not None and count >= MANY_RESETS:
            self._crew.share(self._call_reset, ~mask)
        else:
            self._call_reset(0, ~mask)
        if self.engine is not None:
            self.engine.reset(self, mask)
        self._show_start(mask)
        if fresh and not mask.all():
            self.observe(~mask)

    def _show_start(self, mask: np.ndarray) -> None:
        """Do what is left for the masked rows after kernels and engine have started them."""
        self._owe_nothing(mask)
        self._add_noise(mask)
        self._show(mask)
        self._capture(mask)

    def _rekey(self, mask: np.ndarray, keys: np.ndarray) -> int:
        """Give the masked rows new keys, and what follows from these before a kernel starts them; return how many."""
        setup = self.setup
        rows = np.flatnonzero(mask)  # few of many: a mask would be gone through for each array
        self.key[rows] = keys
        self.step[rows] = 0
        if len(setup.mismatch):
            _draw_mismatch(self.p, setup.plant_row, setup.mismatch, self.key, mask)
        if setup.delay:
            self.queue[rows] = setup.idle_actions
        return len(rows)

    def _call_reset(self, thread: int, skip: np.ndarray) -> None:
        """Start the rows not skipped anew."""
        setup, work = self.setup, self._scratch[thread] if thread else self.work
        setup.kernels.reset(
            self.x, self.key, self.p, setup.tables, work, self.metrics, self.o, ~skip
        )

    def whole(self, columns: slice) -> np.ndarray:
        """Return columns of the states as whole numbers, int32 (n, columns).

        Args:
            columns: From where to where.
        """
        out = np.empty((self.n, columns.stop - columns.start), dtype=np.int32)

        def take(first: int, stop: int) -> None:
            take_whole(self.x[first:stop], columns.start, out[first:stop])

        if self._crew is not None and out.size >= MANY_NUMBERS:
            self._crew.split(take)
        else:
            take(0, self.n)
        return out

    def observe(self, mask: np.ndarray) -> None:
        """Fill observations and metrics of the masked rows from their states."""
        setup = self.setup
        setup.kernels.observe(
            self.x, self.key, self.step, self.p, setup.tables, self.work, self.metrics, self.o, mask
        )
        self._owe_nothing(mask)
        self._show_issued(mask & (self.step > 0))
        self._add_noise(mask)
        self._show(mask)
        self._capture(mask)

    def _owe_nothing(self, mask: np.ndarray) -> None:
        """Make a user's own reward terms 0: nothing has been earned at a reset."""
        if self.setup.own_terms:
            self.m[mask, -len(self.setup.own_terms) :] = 0.0

    def advance(
        self,
        skip: np.ndarray | None = None,
        *,
        still: bool = False,
        draw: Callable[[], np.ndarray] | None = None,
    ) -> None:
        """Move all rows that are not skipped by one control period with the actions in ``u``.

        Args:
            skip: Which rows stay where they are, bool (n,); none by default.
            still: Whether their observations and metrics stay what they were. By default whoever skips them fills
                these.
            draw: Gives new keys, as for :meth:`reset`, to the rows that are skipped, which start anew in this step.

        Raises:
            ValueError: If an action is not finite; nothing has moved then.
        """
        setup = self.setup
        skip = self._none if skip is None else skip
        if setup.delay:
            wrong = first_not_finite(self.u, skip)
            self._refuse(wrong)
            self._issue(~skip)
        before = (
            self.metrics,
            self.m,
            self.o,
            self.seen,
            self.pictures,
            self.reward,
            self.terminated,
        )
        self._fresh()
        # Threads are sent off once for both where there are any.
        started = draw is not None and self._crew is not None and not self._cold
        if self.engine is not None:
            wrong = self.engine.step(self, skip)
        else:
            wrong = self._step(skip, draw)
        if wrong >= 0:
            self.metrics, self.m, self.o, self.seen, self.pictures, self.reward, self.terminated = (
                before
            )
            self._refuse(wrong)
        if setup.delay:
            self._count_excess(~skip)
            self._show_issued(~skip)
        if setup.own_terms:
            self._pay(skip)
        if setup.noise is not None:
            self._add_noise(~skip)
        if self._own is not None:
            self._show(
                slice(None) if skip is self._none else ~skip
            )  # all are copied in half the time
        if self.pictures:
            self._capture(~skip)
        if started:
            self._show_start(skip)
        elif draw is not None:
            self.reset(skip, draw(), fresh=False)
        if still:
            _, m, o, seen, pictures, *_ = before
            self.m[skip], self.o[skip], self.seen[skip] = m[skip], o[skip], seen[skip]
            for name, picture in pictures.items():
                self.pictures[name][skip] = picture[skip]

    def _pay(self, skip: np.ndarray) -> None:
        """Add a user's own reward terms to what the rows not skipped have earned."""
        if skip is self._none:
            pay(self.setup, self.m, self.u, self.x, self.reward)
            return
        rows = ~skip
        m, reward = self.m[rows], self.reward[rows]
        pay(self.setup, m, self.u[rows], self.x[rows], reward)
        self.m[rows], self.reward[rows] = m, reward

    def _show(self, mask: np.ndarray | slice) -> None:
        """Put a user's own quantities behind what each agent of some rows observes."""
        if self._own is None:
            return
        seen = self.seen.reshape(self._own)
        width = self.setup.filled_size
        seen[mask, :, :width] = self.o.reshape(self.n, self._agents, width)[mask]
        seen[mask, :, width:] = show(self.setup, self.m[mask], self.x[mask])[:, None]

    def _issue(self, mask: np.ndarray) -> None:
        """Put the actions of the masked rows into the queue and take those out that arrive now."""
        if self.setup.actions is None:
            self._excess[mask] = (np.abs(self.u[mask]) > 1.0).sum(axis=1)
            np.clip(self.u, -1.0, 1.0, out=self.u)
        issued = self.u[mask]
        self.u[mask] = self.queue[mask, 0]
        self.queue[mask, :-1] = self.queue[mask, 1:]
        self.queue[mask, -1] = issued

    def _count_excess(self, mask: np.ndarray) -> None:
        """Count what was clipped of the action issued, for nothing is left to clip of the one that has arrived."""
        for array, column in zip((self.m, self.x), self._clipped, strict=True):
            if column is not None and self.setup.actions is None:
                array[mask, column] = self._excess[mask]

    def _show_issued(self, mask: np.ndarray) -> None:
        """Show the action that was issued last as the last one, not the one that has arrived.

        What an agent has done it knows; with the delay it could otherwise not tell what is under way.
        """
        if not self.setup.delay:
            return
        if not len(self._echo):
            return
        n, agents = self.n, self.setup.agent_count
        issued = self.queue[:, -1].reshape(n, agents, -1)
        issued = self.setup.shown_actions(issued)
        seen = self.o.reshape(n, agents, -1)
        for k, column in enumerate(self._echo):
            seen[mask, :, column] = issued[mask, :, k]

    def _step(self, skip: np.ndarray, draw: Callable[[], np.ndarray] | None = None) -> int:
        """Move the rows not skipped; threads start the others anew beside that where ``draw`` gives them keys."""
        if self._cold:
            self._cold = False
            with announce_slow_compile(self.setup.family, self.setup.id):
                wrong = self._step(skip)
            # What the first call has compiled is called at once from now on.
            self._step_batch = compiled_for(self._step_batch, self._arguments(skip))
            return wrong
        if self._crew is not None:
            wrong = first_not_finite(self.u, skip)
            if wrong >= 0:
                return wrong
            if draw is None:
                self._crew(self._call_step, skip)
            else:
                self._rekey(skip, draw())
                self._crew(self._call_step_and_reset, skip, skip)
            return wrong
        return self._step_batch(*self._arguments(skip))

    def _call_step(self, thread: int, skip: np.ndarray) -> int:
        return self._step_batch(*self._arguments(skip, thread))

    def _call_step_and_reset(self, thread: int, skip: np.ndarray, mask: np.ndarray) -> None:
        """Move the rows not skipped and start the masked ones anew."""
        self._call_step(thread, skip)
        self._call_reset(thread, ~mask)

    def _arguments(self, skip: np.ndarray, thread: int = 0) -> tuple[Any, ...]:
        return (
            self.x,
            self.key,
            self.step,
            self.u,
            self.p,
            self._tables,
            self._scratch[thread] if thread else self.work,
            self.metrics,
            self.o,
            self.reward,
            self.terminated,
            skip,
        )

    def _refuse(self, wrong: int) -> None:
        if wrong < 0:
            return
        row, element = divmod(wrong, self.u.shape[1])
        value = self.u[row, element]
        where = f"action[{element}]" if self.n == 1 else f"actions[{row}, {element}]"
        raise ValueError(f"{where} is {value}; every element must be finite")

    def _add_noise(self, mask: np.ndarray) -> None:
        sigma = self.setup.noise
        if sigma is not None:
            _add_noise(self.o, self.key, self.step, sigma, self._low, self._high, mask)

    def close(self) -> None:
        """Free engine and threads; may be called twice."""
        if self._crew is not None:
            self._crew.close()
        if self.engine is not None:
            self.engine.close()

    def get_state(self) -> dict[str, Any]:
        """Return copies of everything that the future of the rows depends on, besides their generators."""
        state: dict[str, Any] = {name: getattr(self, name).copy() for name in KEPT}
        state["id"] = self.setup.id
        if self.engine is not None:
            state["engine"] = self.engine.get_state()
        return state

    def check_state(self, state: Any) -> dict[str, np.ndarray]:
        """Return the arrays of a snapshot of these rows, before anything moves.

        Args:
            state: What :meth:`get_state` of the same setup returned.

        Raises:
            ValueError: If something is missing, or it comes from another id, setup or number of rows.
        """
        names, engine = (*KEPT, "id"), ("engine",)
        if self.engine is None:  # of another engine's snapshot the columns alone are needed
            check_entries(state, names, "the snapshot's rows", engine)
        else:
            check_entries(state, (*names, *engine), "the snapshot's rows")
        if state["id"] != self.setup.id:
            raise ValueError(
                f"the snapshot is of {state['id']}, this environment is {self.setup.id}"
            )
        arrays = {name: as_kept(name, state[name], getattr(self, name)) for name in KEPT}
        if (arrays["step"] < 0).any():
            raise ValueError(f"the snapshot's step must be 0 or more, got {arrays['step'].min()}")
        if not np.isfinite(arrays["x"]).all():
            broken = np.flatnonzero(~np.isfinite(arrays["x"]).all(axis=0))
            column = self.setup.state_columns[int(broken[0])]
            raise ValueError(f"the snapshot's {column.name} must be finite")
        for column, values in zip(self.setup.state_columns, arrays["x"].T, strict=True):
            if column.whole and not column.allows(values):
                raise ValueError(
                    f"the snapshot's {column.name} is from another setup, got {values}"
                )
        return arrays

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`get_state` returned, exactly.

        Raises:
            ValueError: If it comes from another id, setup or number of rows.
        """
        arrays = self.check_state(state)
        for name in ("x", "key", "step", "queue"):
            getattr(self, name)[:] = arrays[name]
        # Without mismatch the plant is what this setup says, whatever the snapshot's was.
        if len(self.setup.mismatch):
            self.p[:] = arrays["p"]
        if self.engine is not None:
            self.engine.set_state(self, state["engine"])
        self._fresh()
        self.observe(self._all)


@kernel
def _draw_mismatch(p, nominal, mismatch, key, mask):
    for i in range(p.shape[0]):
        if mask[i]:
            for j in range(nominal.shape[0]):  # p[i] = nominal would allocate
                p[i, j] = nominal[j]
            for k in range(mismatch.shape[0]):
                low, high = mismatch[k, 1], mismatch[k, 2]
                part = uniform(key[i], 0, STREAM_MISMATCH + k)
                p[i, int(mismatch[k, 0])] *= low + (high - low) * part


@kernel
def _add_noise(o, key, step, sigma, low, high, mask):
    columns = sigma.shape[0]
    for i in range(o.shape[0]):
        if mask[i]:
            for j in range(o.shape[1]):
                c = j % columns
                if sigma[c] > 0.0:
                    value = o[i, j] + sigma[c] * normal2(key[i], step[i], STREAM_NOISE + j)[0]
                    o[i, j] = min(max(value, low[c]), high[c])
