"""The family contract: columns plus compiled functions over rows.

A family gives four module-level kernels (see :class:`Kernels`) and, for each way an id can be set up, one
:class:`Setup`: everything that follows from keyword arguments. :class:`gym_suite.core.rows.Rows` holds n worlds of
a setup and moves them; the single, vector and parallel environments are thin faces of it, so they compute the same
numbers.

A row ``x`` holds the world's own columns, then one block of columns per agent, so that a snapshot is one copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gym_suite.core.columns import Columns, Term
from gym_suite.core.kernel import kernel
from gym_suite.core.marks import Mark, Total, Tracked
from gym_suite.core.observations import Image

if TYPE_CHECKING:
    from gym_suite.core.own_terms import OwnQuantity, OwnTerm
    from gym_suite.core.rows import Rows


#: Keywords of every environment that touch the plant and not what controllers see.
PLANT_KEYWORDS = ("noise", "mismatch", "delay", "disturbance")


class Advance(Protocol):
    """Somebody who moves rows in place of the compiled step (another physics engine)."""

    def reset(self, rows: Rows, mask: np.ndarray) -> None:
        """Start the masked rows from the states that the compiled reset has drawn."""

    def step(self, rows: Rows, skip: np.ndarray) -> int:
        """Move, judge and observe the rows not skipped; return as :attr:`Kernels.step` does."""
        ...

    def capture(self, rows: Rows, mask: np.ndarray) -> None:
        """Draw ``rows.pictures`` of the masked rows from their states; asked only where a setup has images."""

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
        images: Pictures that an agent observes besides the columns; the engine draws them.
        flat: Whether the columns are observed; False for pictures alone.
        metric_columns: Columns of ``info``; the weighted reward terms come first and their names begin "reward_".
        terms: What the reward terms are, in their order, for the id's page.
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
        totals: Figures of a whole episode besides the return, by which agents can be told apart.
        success: Metric column that is above 0 in the step in which an episode ends because its goal is reached; empty
            where an early end is always a failure.
        follow: Makes columns of the state that were not named follow those that
            ``reset(options={"state": ...})`` has written: called with all rows' states, which rows, and the names.
        horizon: Steps after which an episode is truncated by the setup itself (None: by the registered limit).
        agents: Agent names; empty for one agent.
        actions: Number of discrete actions, those of each element where an action makes several choices, or None for a
            Box in [-1, 1].
        echo: What the observation columns ``last_action_*`` show of each choice, (choices, columns) for each element of
            an action that makes choices; empty: a column per choice, 1 at the last one.
        idle_action: The action of doing nothing, in the action space.
        work_size: Number of float64 of scratch per row.
        work_rows: Rows of scratch at least, where a step takes several rows together.
        mismatch: (k, 3): parameter column, lowest and highest factor drawn at each reset.
        noise: (observation columns,): standard deviation added to each, in observation units; None without noise.
        delay: Control periods by which actions are late on top of the plant's own.
        plant: For linear analysis, where the plant is an ODE.
        renderer: ``"module:Class"`` of the family's renderer; charts of the metrics by default.
        info_arrays: What ``info`` holds besides the metrics: (name, first, stop) of state columns, as
            whole numbers (int32) of shape (stop - first,).
        keywords: The resolved keyword arguments.
        engine: Builds another engine for n rows; None for the compiled one.
        marks: Computes the figures that the return of an episode of so many steps is put beside; None where
            there are none. Called only when somebody asks, for it may take seconds.
        own_terms: A user's own reward terms, whose metrics are the last columns.
        own_columns: What these may name, see :func:`gym_suite.core.own_terms.places_by_name`.
        own_observed: A user's own quantities, which are the last of the observation columns; kernels fill those before.
        seen_columns: What these may name, as :attr:`own_columns`.
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
    terms: tuple[Term, ...] = ()
    images: tuple[Image, ...] = ()
    flat: bool = True
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
    totals: tuple[Total, ...] = ()
    success: str = ""
    follow: Callable[[np.ndarray, np.ndarray, set[str]], None] | None = None
    horizon: int | None = None
    agents: tuple[str, ...] = ()
    actions: int | tuple[int, ...] | None = None
    echo: tuple[np.ndarray, ...] = ()
    idle_action: np.ndarray | int = 0
    work_size: int = 1
    work_rows: int = 1
    mismatch: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    noise: np.ndarray | None = None
    delay: int = 0
    plant: Plant | None = None
    renderer: str = "gym_suite.rendering.plain:PlainRenderer"
    info_arrays: tuple[tuple[str, int, int], ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    engine: Callable[[Setup, int], Advance] | None = None
    marks: Callable[[int], tuple[Mark, ...]] | None = None
    own_terms: tuple[OwnTerm, ...] = ()
    own_columns: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    own_observed: tuple[OwnQuantity, ...] = ()
    seen_columns: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images and self.engine is None:
            raise ValueError(f"{self.id} has images and no engine that draws them")
        if not (self.images or self.flat):
            raise ValueError(f"{self.id} observes nothing")
        if self.terms and tuple(term.name for term in self.terms) != self.reward_terms:
            raise ValueError(
                f"{self.id}: reward terms {[term.name for term in self.terms]} are not its columns {self.reward_terms}"
            )
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

    def nominal(self) -> Setup:
        """Return the setup without what noise, mismatch, delay and disturbance do: nothing in it tells of them."""
        shown = {k: v for k, v in self.keywords.items() if k not in PLANT_KEYWORDS}
        return replace(
            self,
            plant_row=None,
            tables=self.nominal_tables,
            mismatch=np.zeros((0, 3)),
            noise=None,
            delay=0,
            keywords=shown,
        )

    @property
    def agent_count(self) -> int:
        """Number of agents in a world."""
        return max(1, len(self.agents))

    @property
    def filled_size(self) -> int:
        """Number of an agent's observation columns that kernels fill: all but a user's own."""
        return len(self.observation_columns) - len(self.own_observed)

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
        if self.actions is None:
            return len(self.action_columns)
        return len(self.choices)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the numbers of one agent's action; choices have no columns and are ``action`` or numbered."""
        if self.action_columns.names:
            return self.action_columns.names
        count = len(self.choices)
        return ("action",) if count == 1 else tuple(f"action_{k}" for k in range(count))

    @property
    def choices(self) -> tuple[int, ...]:
        """Choices of each element of one agent's action; empty where an action is no choice."""
        if self.actions is None:
            return ()
        return self.actions if isinstance(self.actions, tuple) else (self.actions,)

    def shown_actions(self, actions: np.ndarray) -> np.ndarray:
        """Return what ``last_action_*`` shows of actions, (..., columns).

        Args:
            actions: (..., action_size).
        """
        if not self.choices:
            return actions
        echo = self.echo or tuple(np.eye(count, dtype=np.float32) for count in self.choices)
        parts = [table[actions[..., k].astype(np.intp)] for k, table in enumerate(echo)]
        return np.concatenate(parts, axis=-1)

    @property
    def echoed(self) -> tuple[int, ...]:
        """Places of the observation columns that show the last action; empty where they do not show all of it."""
        names = self.observation_columns.names
        places = tuple(j for j, name in enumerate(names) if name.startswith("last_action_"))
        size = self.shown_actions(np.zeros(self.action_size)).shape[-1]
        return places if len(places) == size else ()

    def joint_reward(self, m: np.ndarray) -> np.ndarray:
        """Return the mean of the agents' rewards, (n,), as the sum of the reward terms of m, (n, nm), in order."""
        total = m[:, 0].copy()
        for k in range(1, len(self.reward_terms) - len(self.own_terms)):
            total += m[:, k]
        for k in range(len(self.own_terms), 0, -1):
            total += m[:, -k]
        return total

    @property
    def reward_terms(self) -> tuple[str, ...]:
        """Names of the reward terms; the reward is exactly their sum."""
        return tuple(name for name in self.metric_columns.names if name.startswith("reward_"))


def _frozen(array: np.ndarray) -> np.ndarray:
    if array.base is None and not array.flags.writeable and array.flags.c_contiguous:
        return array
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy


class Nominal:
    """What controllers may know: nominal parameters, tables and the nominal model.

    None of it is touched by noise, mismatch, delay or disturbance, nor does anything lead to them: its setup is the
    nominal one.
    """

    __slots__ = ("parameters", "row", "setup")

    def __init__(self, setup: Setup) -> None:
        self.setup = setup.nominal()
        self.row = setup.row
        self.parameters = MappingProxyType(
            dict(zip(setup.parameter_columns.names, self.row.tolist(), strict=True))
        )

    def __reduce__(self) -> Any:
        return Nominal, (self.setup,)  # the read-only view of the parameters cannot be pickled

    @property
    def tables(self) -> tuple[np.ndarray, ...]:
        """The read-only tables shared by all rows, without disturbances."""
        return self.setup.tables

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
def take_whole(x, first, out):
    """Fill out, whole numbers (n, k), with the columns of x, (n, nx), from the first on.

    Twice as fast as NumPy, which does it row by row.
    """
    for i in range(out.shape[0]):
        row, taken = x[i, first : first + out.shape[1]], out[i]
        for j in range(out.shape[1]):
            taken[j] = np.int32(row[j])


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
