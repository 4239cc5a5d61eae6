"""What a comparison has to know of an environment: its clock, what is to follow what, when an episode has failed.

Environments of this package say all of it in their setup. Of any other Gymnasium environment only rewards and ends of
episodes are known; its clock counts steps, and no end is taken for a failure.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from gym_suite.core.marks import Mark, Total, Tracked
from gym_suite.registration import card, catalogue
from gym_suite.rendering import overviewer
from gym_suite.teams import least_success, team_id

__all__ = [
    "World",
    "changes",
    "channels_of",
    "known_id",
    "make",
    "make_many",
    "marks_of",
    "name_of",
    "source_of",
    "spec_of",
]

PROBED_ROWS = 3
PROBED_STEPS = 400


@dataclass(frozen=True, slots=True)
class World:
    """One environment under one setting.

    Attributes:
        id: of the environment.
        dt: control period, s; 1 where the clock counts steps.
        timed: whether the clock shows seconds.
        limit: control periods after which an episode is cut.
        tracking: what is to follow what.
        effort: columns of the actuating quantities.
        effort_scale: full scale of each.
        violation: column that is 1 in a period in which a limit is violated, or empty.
        success: column that is above :attr:`least_success` where an episode ends because its goal is reached, or
            empty.
        least_success: 0; of several agents all have to arrive.
        judged: whether an early end without success is a failure.
        units: SI units of recorded columns.
        watched: columns, metrics or states, of which a picture of a whole episode is made.
        totals: figures of a whole episode besides the return.
    """

    id: str
    dt: float
    timed: bool
    limit: int
    tracking: tuple[Tracked, ...] = ()
    effort: tuple[str, ...] = ()
    effort_scale: tuple[float, ...] = ()
    violation: str = ""
    success: str = ""
    least_success: float = 0.0
    judged: bool = False
    units: Mapping[str, str] = ()  # type: ignore[assignment]
    watched: tuple[str, ...] = ()
    totals: tuple[Total, ...] = ()

    @classmethod
    def of(cls, env: Any, horizon: int | None = None) -> World:
        """Read an environment.

        Args:
            env: as made by :func:`make`.
            horizon: control periods after which an episode is cut; None for the id's own limit.

        Raises:
            ValueError: there is no limit.
        """
        setup = getattr(env.unwrapped, "setup", None)
        id = name_of(env)
        own = (getattr(setup, "horizon", None), horizon or env.spec.max_episode_steps)
        limits = [limit for limit in own if limit]
        if not limits:
            raise ValueError(f"{id} has no time limit; give horizon= (on the shell --steps)")
        if setup is None:
            return cls(id=id, dt=1.0, timed=False, limit=min(limits), units={})
        shown = overviewer(setup)
        watched = shown.watched() if shown is not None else ()
        states = (
            [column for column in setup.state_columns if column.name in watched] if watched else []
        )
        # Where a name is a state's and a metric's, the metric is meant.
        columns = (*states, *setup.metric_columns)
        return cls(
            id=id,
            dt=setup.dt,
            timed=True,
            limit=min(limits),
            tracking=tuple(setup.tracking),
            effort=tuple(setup.effort),
            effort_scale=tuple(setup.effort_scale),
            violation=setup.violation,
            success=setup.success,
            least_success=least_success(env),
            judged=True,
            units={column.name: column.unit for column in columns},
            watched=watched,
            totals=tuple(getattr(setup, "totals", ())),
        )

    @property
    def recorded(self) -> tuple[str, ...]:
        """Columns of ``info`` that the metrics need."""
        names = [name for t in self.tracking for name in (t.value, t.reference)]
        names += [*self.effort, *([self.violation] if self.violation else [])]
        names += [name for total in self.totals for name in total.columns]
        return tuple(dict.fromkeys(names))


def make(id: str, keywords: Mapping[str, Any], horizon: int | None = None) -> Any:
    """Make a single environment; of an id for several agents only, that of their team.

    Args:
        id: of the environment.
        keywords: of the environment.
        horizon: control periods after which an episode is cut; None for the id's own limit.
    """
    import gym_suite  # noqa: F401 - registers the ids, also in a worker process

    limit: dict[str, Any] = {} if horizon is None else {"max_episode_steps": horizon}
    return gymnasium.make(team_id(id), **dict(keywords), **limit)


def make_many(
    id: str,
    count: int,
    keywords: Mapping[str, Any],
    horizon: int | None = None,
    *,
    resting: bool = False,
) -> Any:
    """Make a vector environment, the native one of an id of this package.

    Args:
        id: of the environment.
        count: number of rows.
        keywords: of the environment.
        horizon: control periods after which an episode is cut; None for the id's own limit.
        resting: whether rows that have ended stay as they are, if the environment knows how, instead of going on with
            other episodes.
    """
    import gym_suite  # noqa: F401 - registers the ids, also in a worker process

    limit: dict[str, Any] = {} if horizon is None else {"max_episode_steps": horizon}
    # Vector environments of others need not take a seed per row, nor equal the single ones.
    mode: dict[str, Any] = {} if id in catalogue() else {"vectorization_mode": "sync"}
    envs: Any = gymnasium.make_vec(team_id(id), num_envs=count, **mode, **dict(keywords), **limit)
    if resting and hasattr(envs.unwrapped, "resting"):
        envs.unwrapped.resting = True
    return envs


def spec_of(id: str) -> Any:
    """Gymnasium's specification of an id, which may be "module:id" for one that a module registers.

    Raises:
        gymnasium.error.Error: there is no such id.
    """
    module, _, name = id.rpartition(":")
    if module:
        importlib.import_module(module)
    return gymnasium.spec(name)


def known_id(id: str) -> str:
    """An id as the registries spell it.

    Raises:
        ValueError: nobody knows it; the nearest of this package is told.
    """
    name = id.removeprefix("gym_suite:") if isinstance(id, str) else id
    if name in catalogue():
        return name
    try:
        spec_of(id)
    except (gymnasium.error.Error, ImportError, AttributeError, ValueError):
        card(id)  # refuses, and tells the nearest
    return id


def name_of(env: Any) -> str:
    """Id of an environment."""
    setup = getattr(env.unwrapped, "setup", None)
    return setup.id if setup is not None else env.spec.id


def channels_of(env: Any) -> tuple[str, ...] | None:
    """Names of what ``disturbance=`` may drive; None for an environment that is not of this package."""
    setup = getattr(env.unwrapped, "setup", None)
    return None if setup is None else tuple(getattr(setup, "disturbances", ()))


def marks_of(env: Any, horizon: int | None = None) -> tuple[Mark, ...]:
    """The figures that returns are put beside; none for most ids. May take seconds.

    Args:
        env: as made by :func:`make`.
        horizon: control periods after which an episode is cut; None for the id's own limit.
    """
    marks = getattr(getattr(env.unwrapped, "setup", None), "marks", None)
    return tuple(marks(World.of(env, horizon).limit)) if marks else ()


def source_of(id: str) -> str:
    """Whose sources decide the physics of an id: a family, or the module of another's environment."""
    if id in catalogue():
        return catalogue()[id].family
    entry = spec_of(id).entry_point
    return entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "")


def changes(id: str, keywords: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether two sets of keywords make environments that behave differently under the same random actions.

    Args:
        id: of the environment.
        keywords: of one of them.
        others: of the other.
    """
    first, second = make_many(id, PROBED_ROWS, keywords), make_many(id, PROBED_ROWS, others)
    try:
        seeds = list(range(PROBED_ROWS))
        seen = [envs.reset(seed=seeds)[0] for envs in (first, second)]
        if not _alike(*seen):
            return True
        first.action_space.seed(0)
        for _ in range(PROBED_STEPS):
            action = first.action_space.sample()
            # What an environment does to the array that it is given must not reach the other one.
            steps = [envs.step(np.array(action))[:4] for envs in (first, second)]
            if not all(_alike(a, b) for a, b in zip(*steps, strict=True)):
                return True
        return False
    finally:
        first.close()
        second.close()


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping):
        return all(_alike(a[name], b[name]) for name in a)
    return np.array_equal(a, b, equal_nan=np.issubdtype(np.asarray(a).dtype, np.inexact))
