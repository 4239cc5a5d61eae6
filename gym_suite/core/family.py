"""The family contract: columns plus compiled functions over rows.

A family gives four module-level kernels (see :class:`Kernels`) and, for each way an id can be set up, one
:class:`Setup`: everything that follows from keyword arguments. :class:`Rows` holds n worlds of a setup and moves
them; the single, vector and parallel environments are thin faces of it, so they compute the same numbers.

A row ``x`` holds the world's own columns, then one block of columns per agent, so that a snapshot is one copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.kernel import announce_slow_compile, kernel
from gym_suite.core.random import normal2, uniform

# Streams of random numbers from here on are the core's: families use streams below.
STREAM_MISMATCH = 1 << 32
STREAM_NOISE = 1 << 33


class Advance(Protocol):
    """Somebody who moves rows in place of the compiled step (another physics engine)."""

    def reset(self, rows: Rows, mask: np.ndarray) -> None:
        """Start the masked rows from the states that the compiled reset has drawn."""

    def step(self, rows: Rows, skip: np.ndarray) -> int:
        """Move, judge and observe the rows not skipped; return as :attr:`Kernels.step` does."""
        ...

    def get_state(self) -> Any:
        """Return what a snapshot has to hold besides the rows."""

    def set_state(self, rows: Rows, state: Any) -> None:
        """Restore what :meth:`get_state` returned."""

    def close(self) -> None:
        """Free what lies outside of Python."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """The compiled functions of a family, each an explicit loop over rows.

    All arrays have one row per world, with two exceptions. The metrics m are (nm, n), so that each
    metric of all worlds lies together: a world's metrics are ``m[:, i]``. The parameters p have one row
    where all worlds share them, which then stays in the cache: a world's are
    ``p[parameter_row(p, i)]``.

    Attributes:
        step: ``step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip) -> int``: for rows
            not skipped clips u in place, advances, judges, counts ``step`` up and observes. Returns -1, or, before
            anything has changed, the flat index of the first element of u that is not finite.
        reset: ``reset_batch(x, key, p, tables, work, m, o, mask)``: starts the masked rows at step 0 and observes.
        observe: ``observe_batch(x, key, step, p, tables, work, m, o, mask)``: fills o and m of the masked rows from x.
        advance: ``advance_batch(x, key, step, u, p, tables, work)``: physics alone, for planners and benchmarks.
    """

    step: Callable[..., int]
    reset: Callable[..., None]
    observe: Callable[..., None]
    advance: Callable[..., None]


@dataclass(frozen=True, slots=True)
class Tracked:
    """A metric column that is to follow another one.

    Attributes:
        value: Metric column of the value.
        reference: Metric column of its reference.
        scale: What counts as full scale (the limit), in the unit.
        unit: SI unit.
        label: For plots and tables.
    """

    value: str
    reference: str
    scale: float
    unit: str
    label: str


@dataclass(frozen=True, slots=True)
class Plant:
    """The continuous-time plant of a setup in SI units, for linear analysis.

    Attributes:
        states: Columns of the state, (ns,).
        inputs: Columns of the inputs, (ni,).
        outputs: Columns of the outputs, (no,).
        derivative: Kernel ``derivative(x, v, p, dx)`` that fills dx, (ns,), from state, inputs and parameter row.
        output: Kernel ``output(x, v, p, y)`` that fills y, (no,).
        guess: A state from which an operating point is looked for, (ns,); inputs may follow it, (ns + ni,).
    """

    states: Columns
    inputs: Columns
    outputs: Columns
    derivative: Callable[..., None]
    output: Callable[..., None]
    guess: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure that the return of an episode is put beside.

    Attributes:
        name: For tables, such as "clairvoyant bound".
        value: Return of an episode; None: not computed.
        kind: "ceiling" (best of a class of agents), "optimum", "bound" (nobody can do better) or
            "published" (somebody else's result, which bounds nothing).
        meaning: How it was computed, or where it was published.
    """

    name: str
    value: float | None
    kind: Literal["ceiling", "optimum", "bound", "published"]
    meaning: str

    @property
    def bounds(self) -> bool:
        """Whether falling short of it is a regret."""
        return self.kind != "published" and self.value is not None


def tightest(marks: Iterable[Mark]) -> Mark | None:
    """Return the figure to which regret is reckoned first: the lowest bound, without one the highest ceiling."""
    bounding = [mark for mark in marks if mark.bounds]
    bounds = [mark for mark in bounding if mark.kind != "ceiling"]
    if bounds:
        return min(bounds, key=lambda mark: mark.value or 0.0)
    return max(bounding, key=lambda mark: mark.value or 0.0, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that an id and its keyword arguments decide; shared by all rows and never changed.

    Attributes:
        id: The environment's id.
        family: The family's name.
        kernels: The family's compiled functions.
        dt: Control period, s.
        state_columns: Columns of a row x.
        action_columns: Columns of one agent's action (empty for Discrete actions).
        observation_columns: Columns of one agent's observation.
        metric_columns: Columns of ``info``; the weighted reward terms come first and their names begin "reward_".
        parameter_columns: Columns of p.
        row: Nominal parameters, which controllers see, (np,).
        tables: Read-only arrays shared by all rows.
        plant_row: Parameters of the plant, from which a mismatch departs, (np,); None: ``row``. They differ
            where noise or a disturbance is a parameter.
        nominal_tables: The tables as controllers see them, without disturbances, shaped alike in number and
            dimensions; None: ``tables``.
        plant_parameters: Names of the parameters that ``mismatch=`` may touch.
        measured: Names of the observation columns that ``noise=`` may touch.
        disturbances: Names of the channels that ``disturbance=`` may drive.
        tracking: What is to follow what.
        effort: Metric columns of the actuating quantities, with :attr:`effort_scale` as full scale.
        violation: Metric column that is 1 in a step in which a limit is violated.
        avoidable: Whether a good agent violates nothing; False where chance brings violations, of which a
            good agent has only few (collisions with users that come unannounced).
        success: Metric column that is above 0 in the step in which an episode ends because its goal is reached; empty
            where an early end is always a failure.
        horizon: Steps after which an episode is truncated by the setup itself (None: by the registered limit).
        agents: Agent names; empty for one agent.
        actions: Number of discrete actions, or None for a Box in [-1, 1].
        idle_action: The action of doing nothing, in the action space.
        work_size: Number of float64 of scratch per row.
        mismatch: (k, 3): parameter column, lowest and highest factor drawn at each reset.
        noise: (observation columns,): standard deviation added to each, in observation units; None without noise.
        delay: Control periods by which actions are late on top of the plant's own.
        plant: For linear analysis, where the plant is an ODE.
        renderer: ``"module:Class"`` of the family's renderer.
        info_arrays: What ``info`` holds besides the metrics: (name, first, stop) of state columns, as
            whole numbers (int32) of shape (stop - first,).
        keywords: The resolved keyword arguments.
        engine: Builds another engine for n rows; None for the compiled one.
        marks: Computes the figures that the return of an episode of so many steps is put beside; None where
            there are none. Called only when somebody asks, for it may take seconds.
    """

    id: str
    family: str
    kernels: Kernels
    dt: float
    state_columns: Columns
    action_columns: Columns
    observation_columns: Columns
    metric_columns: Columns
    parameter_columns: Columns
    row: np.ndarray
    tables: tuple[np.ndarray, ...]
    plant_row: np.ndarray | None = None
    nominal_tables: tuple[np.ndarray, ...] | None = None
    plant_parameters: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    disturbances: tuple[str, ...] = ()
    tracking: tuple[Tracked, ...] = ()
    effort: tuple[str, ...] = ()
    effort_scale: tuple[float, ...] = ()
    violation: str = ""
    avoidable: bool = True
    success: str = ""
    horizon: int | None = None
    agents: tuple[str, ...] = ()
    actions: int | None = None
    idle_action: np.ndarray | int = 0
    work_size: int = 1
    mismatch: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    noise: np.ndarray | None = None
    delay: int = 0
    plant: Plant | None = None
    renderer: str = ""
    info_arrays: tuple[tuple[str, int, int], ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    engine: Callable[[Setup, int], Advance] | None = None
    marks: Callable[[int], tuple[Mark, ...]] | None = None

    def __post_init__(self) -> None:
        # One memory layout and one mutability for all setups: the kernels are compiled once.
        tables = tuple(map(_frozen, self.tables))
        nominal = self.nominal_tables
        object.__setattr__(self, "tables", tables)
        object.__setattr__(
            self, "nominal_tables", tables if nominal is None else tuple(map(_frozen, nominal))
        )
        row = _frozen(self.row)
        object.__setattr__(self, "row", row)
        object.__setattr__(
            self, "plant_row", row if self.plant_row is None else _frozen(self.plant_row)
        )

    @property
    def agent_count(self) -> int:
        """Number of agents in a world."""
        return max(1, len(self.agents))

    @property
    def idle_actions(self) -> np.ndarray:
        """The idle actions of all agents side by side, (agents * action_size,)."""
        one = np.broadcast_to(self.idle_action, self.action_size)
        return np.tile(one, self.agent_count)

    def joint_names(self, columns: Columns) -> tuple[str, ...]:
        """Names of one agent's columns for all agents side by side: "drone_0/x" where there are several."""
        if not self.agents:
            return columns.names
        return tuple(f"{agent}/{name}" for agent in self.agents for name in columns.names)

    @property
    def action_size(self) -> int:
        """Numbers in one agent's action."""
        return 1 if self.actions is not None else len(self.action_columns)

    def joint_reward(self, m: np.ndarray) -> np.ndarray:
        """Return the mean of the agents' rewards, (n,), as the sum of the reward terms of m, (n, nm), in order."""
        total = m[:, 0].copy()
        for k in range(1, len(self.reward_terms)):
            total += m[:, k]
        return total

    @property
    def reward_terms(self) -> tuple[str, ...]:
        """Names of the reward terms; the reward is exactly their sum."""
        return tuple(name for name in self.metric_columns.names if name.startswith("reward_"))


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy


class Nominal:
    """What controllers may know: nominal parameters, tables and the nominal model.

    None of it is touched by noise, mismatch, delay or disturbance.
    """

    __slots__ = ("parameters", "row", "setup")

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.row = setup.row
        self.parameters = MappingProxyType(
            dict(zip(setup.parameter_columns.names, self.row.tolist(), strict=True))
        )

    def __reduce__(self) -> Any:
        return Nominal, (self.setup,)  # the read-only view of the parameters cannot be pickled

    @property
    def tables(self) -> tuple[np.ndarray, ...]:
        """The read-only tables shared by all rows, without disturbances."""
        return self.setup.nominal_tables  # type: ignore[return-value]

    @property
    def dt(self) -> float:
        """Control period, s."""
        return self.setup.dt

    @property
    def plant(self) -> Plant | None:
        """The continuous-time plant, where there is one."""
        return self.setup.plant

    def advance(self, x: np.ndarray, u: np.ndarray, *, step: int = 0) -> np.ndarray:
        """Move copies of rows by one control period with the nominal model.

        Args:
            x: States, (n, nx).
            u: Actions, (n, nu), within the action space.
            step: Step count of the rows.

        Returns:
            The next states, (n, nx).
        """
        result = np.array(x, dtype=np.float64, ndmin=2)
        n = len(result)
        action = np.array(np.broadcast_to(u, (n, np.shape(u)[-1])), dtype=np.float64)
        parameters = self.row.copy()[None]
        work = np.zeros((n, self.setup.work_size))
        steps = np.full(n, step, dtype=np.int64)
        keys = np.zeros(n, dtype=np.uint64)
        self.setup.kernels.advance(result, keys, steps, action, parameters, self.tables, work)
        return result


# ---------------------------------------------------------------------------------------------- shared row functions


@kernel
def parameter_row(p, i):
    """Return which row of p holds the parameters of world i: its own, or the one that all share."""
    return i if p.shape[0] > 1 else 0


@kernel
def first_not_finite(values, skip):
    """Return the flat index of the first NaN or infinity in the rows not skipped of (n, k), or -1."""
    for i in range(values.shape[0]):
        if skip[i]:
            continue
        for j in range(values.shape[1]):
            if not np.isfinite(values[i, j]):
                return i * values.shape[1] + j
    return -1


@kernel
def clip_action(u):
    """Clip one row to [-1, 1] in place and return how many elements were outside."""
    count = 0
    for j in range(u.shape[0]):
        if u[j] > 1.0:
            u[j] = 1.0
            count += 1
        elif u[j] < -1.0:
            u[j] = -1.0
            count += 1
    return count


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


# ------------------------------------------------------------------------------------------------------------- rows


class Rows:
    """The state of n worlds of one setup, and the only code that moves them.

    Args:
        setup: What the id and its keywords decide.
        n: Number of worlds.
        handed_out: Whether the caller hands out metrics, rewards and flags as arrays, so that each step
            must give them memory of its own. Where they leave as Python numbers it is used again, which
            saves a single environment a fifth of its step; observations are always fresh.

    Attributes:
        x: State, float64 (n, nx).
        key: Episode keys, uint64 (n,).
        step: Control periods since reset, int64 (n,).
        p: Parameters of each row's plant, float64 (n, np), or (1, np) where all rows share them.
        metrics: Metrics of the last step as kernels fill them, float64 (nm, n and some padding), fresh
            at each step; each metric of all rows lies together, as ``info`` hands it out.
        m: The same memory row by row, (n, nm).
        o: Observations of the last step, float32 (n, agents * no); a fresh array at each step.
        reward: float64 (n, agents), fresh at each step.
        terminated: bool (n, agents), fresh at each step.
    """

    __slots__ = (
        "_all",
        "_cold",
        "_handed_out",
        "_high",
        "_low",
        "_none",
        "engine",
        "key",
        "m",
        "metrics",
        "n",
        "o",
        "p",
        "queue",
        "reward",
        "setup",
        "step",
        "terminated",
        "u",
        "work",
        "x",
    )

    def __init__(self, setup: Setup, n: int, *, handed_out: bool = True) -> None:
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
        self.work = np.zeros((n, setup.work_size))
        self.queue = np.zeros((n, setup.delay, agents * setup.action_size))
        self._none = np.zeros(n, dtype=np.bool_)
        self._all = np.ones(n, dtype=np.bool_)
        self._low = setup.observation_columns.low
        self._high = setup.observation_columns.high
        self._cold = True
        self.engine = setup.engine(setup, n) if setup.engine else None
        self._allocate()

    def _fresh(self) -> None:
        """Give this step memory of its own: what was handed out before stays as it is."""
        if self._handed_out:
            self._allocate()
        else:
            self.o = np.empty_like(self.o)

    def _allocate(self) -> None:
        n, agents = self.n, self.setup.agent_count
        # Padded: with a power of two of rows all metrics of a row would share one cache set (measured:
        # 80 ns a row instead of 5).
        self.metrics = np.empty((len(self.setup.metric_columns), n + 8))
        self.m = self.metrics[:, :n].T
        self.o = np.empty((n, agents * len(self.setup.observation_columns)), dtype=np.float32)
        self.reward = np.zeros((n, agents))
        self.terminated = np.zeros((n, agents), dtype=np.bool_)

    def reset(self, mask: np.ndarray, keys: np.ndarray, *, fresh: bool = True) -> None:
        """Start the masked rows anew.

        Args:
            mask: Which rows, bool (n,).
            keys: The new keys of the masked rows in order, uint64 (mask.sum(),).
            fresh: Whether to give observations and metrics new memory; the rows not masked are then observed again.
        """
        setup = self.setup
        self.key[mask] = keys
        self.step[mask] = 0
        if len(setup.mismatch):
            _draw_mismatch(self.p, setup.plant_row, setup.mismatch, self.key, mask)
        if setup.delay:
            self.queue[mask] = setup.idle_actions
        if fresh:
            self._fresh()
        arguments = (self.x, self.key, self.p, setup.tables, self.work, self.metrics, self.o, mask)
        if self._cold:
            with announce_slow_compile(f"the {setup.family} kernels"):
                setup.kernels.reset(*arguments)
            self._cold = self.engine is None  # the compiled step is still to come
        else:
            setup.kernels.reset(*arguments)
        if self.engine is not None:
            self.engine.reset(self, mask)
        self._add_noise(mask)
        if fresh and not mask.all():
            self.observe(~mask)

    def observe(self, mask: np.ndarray) -> None:
        """Fill observations and metrics of the masked rows from their states."""
        setup = self.setup
        setup.kernels.observe(
            self.x, self.key, self.step, self.p, setup.tables, self.work, self.metrics, self.o, mask
        )
        self._add_noise(mask)

    def advance(self, skip: np.ndarray | None = None) -> None:
        """Move all rows that are not skipped by one control period with the actions in ``u``.

        Raises:
            ValueError: If an action is not finite; nothing has moved then.
        """
        setup = self.setup
        skip = self._none if skip is None else skip
        if setup.delay:
            wrong = first_not_finite(self.u, skip)
            self._refuse(wrong)
            late = self.queue[:, 0].copy()
            self.queue[:, :-1] = self.queue[:, 1:]
            self.queue[:, -1] = self.u
            self.u[:] = late
        before = self.metrics, self.m, self.o, self.reward, self.terminated
        self._fresh()
        if self.engine is not None:
            wrong = self.engine.step(self, skip)
        else:
            wrong = self._step(skip)
        if wrong >= 0:
            self.metrics, self.m, self.o, self.reward, self.terminated = before
            self._refuse(wrong)
        if setup.noise is not None:
            self._add_noise(~skip)

    def _step(self, skip: np.ndarray) -> int:
        arguments = (
            self.x,
            self.key,
            self.step,
            self.u,
            self.p,
            self.setup.tables,
            self.work,
            self.metrics,
            self.o,
            self.reward,
            self.terminated,
            skip,
        )
        if self._cold:
            with announce_slow_compile(f"the {self.setup.family} kernels"):
                wrong = self.setup.kernels.step(*arguments)
            self._cold = False
            return wrong
        return self.setup.kernels.step(*arguments)

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

    def get_state(self) -> dict[str, Any]:
        """Return copies of everything that the future of the rows depends on, besides their generators."""
        state = {
            name: getattr(self, name).copy() for name in ("x", "key", "step", "p", "queue", "work")
        }
        if self.engine is not None:
            state["engine"] = self.engine.get_state()
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`get_state` returned, exactly.

        Raises:
            ValueError: If it comes from another setup or number of rows.
        """
        for name in ("x", "key", "step", "p", "queue", "work"):
            if np.shape(state[name]) != getattr(self, name).shape:
                raise ValueError(
                    f"the snapshot's {name} has shape {np.shape(state[name])}, "
                    f"this environment's {getattr(self, name).shape}"
                )
        for name in ("x", "key", "step", "p", "queue", "work"):
            getattr(self, name)[:] = state[name]
        if self.engine is not None:
            self.engine.set_state(self, state["engine"])
        self._fresh()
        self.observe(self._all)
