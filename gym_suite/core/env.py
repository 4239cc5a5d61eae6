"""One world as a :class:`gymnasium.Env`, and what all faces of the rows share."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from gym_suite.core.family import Nominal, Setup
from gym_suite.core.observations import joint_observations, observation_space, row_of
from gym_suite.core.parameters import check_keywords, limits_text, unknown_error
from gym_suite.core.rows import Rows
from gym_suite.core.snapshots import check_entries, restore_generator

RENDER_MODES = ("human", "rgb_array", "ansi")
RENDER_FPS = 30
#: Control rates, Hz, at which a video with a frame a step plays at its own speed; others play at RENDER_FPS.
PLAYABLE = (1.0, 120.0)
#: The largest number with which a state may begin: what the equations make of it is finite.
LARGEST = 1e12


def action_space(setup: Setup) -> spaces.Space:
    """Return the action space of one agent."""
    if setup.actions is not None:
        if isinstance(setup.actions, tuple):
            return spaces.MultiDiscrete(list(setup.actions))
        return spaces.Discrete(setup.actions)
    return spaces.Box(-1.0, 1.0, (setup.action_size,), np.float32)


def joint_action_space(setup: Setup) -> spaces.Space:
    """Return the action space of all agents of a setup: their boxes side by side, their choices as a list."""
    space, count = action_space(setup), setup.agent_count
    if count == 1:
        return space
    if isinstance(space, spaces.Box):
        low, high = np.tile(space.low, count), np.tile(space.high, count)
        return spaces.Box(low, high, dtype=space.dtype)  # type: ignore[arg-type]
    return spaces.MultiDiscrete(list(setup.choices * count))


def read_action(
    action: Any,
    shape: tuple[int, ...],
    discrete: int | tuple[int, ...] | None,
    what: str = "action",
) -> np.ndarray:
    """Return an action as an array of the expected shape.

    Args:
        action: What the user gave; any real dtype.
        shape: The expected shape.
        discrete: Number of choices for discrete actions, one for each element along the last axis where they differ.
        what: Name for errors.

    Raises:
        ValueError: For a wrong shape, a dtype that is not a real number, or a choice that does not exist.
    """
    # One choice of one world is read at once: what follows takes ten times as long.
    if (
        isinstance(discrete, int)
        and shape == ()
        and isinstance(action, int | np.integer)
        and 0 <= action < discrete
    ):
        return action  # type: ignore[return-value]
    try:
        values = np.asarray(action)
    except ValueError as error:
        raise ValueError(f"{what} is not an array of numbers: {error}") from None
    if values.shape != shape:
        raise ValueError(f"{what} has shape {values.shape}, expected {shape}")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{what} has dtype {values.dtype}, expected real numbers")
    if discrete is not None:
        whole = values.dtype.kind in "iub" or bool(np.all(values == np.floor(values)))
        if not whole or (values.size and (values.min() < 0 or (values >= discrete).any())):
            wanted = "whole numbers below " + ", ".join(map(str, np.ravel(discrete)))
            if isinstance(discrete, int):
                wanted = f"a whole number in [0, {discrete - 1}]"
            raise ValueError(f"{what} must be {wanted}, got {action}")
    return values


def episode_limit(setup: Setup, steps: Any) -> int | None:
    """Return the steps after which an episode is truncated, None where nothing says it.

    Args:
        setup: What the id and its keywords decide; it may have a horizon of its own, and the shorter one counts.
        steps: A user's ``max_episode_steps``, or None.

    Raises:
        ValueError: For steps that are no whole number of at least 1.
    """
    whole = isinstance(steps, int | np.integer) and not isinstance(steps, bool)
    if steps is not None and not (whole and steps >= 1):
        raise ValueError(f"max_episode_steps must be a whole number of at least 1, got {steps!r}")
    return min((int(limit) for limit in (setup.horizon, steps) if limit), default=None)


def read_options(options: Any) -> dict[str, Any]:
    """Return what ``reset(options=...)`` was given, empty for None.

    Args:
        options: As given.

    Raises:
        ValueError: If it is no mapping.
    """
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"reset options must be a mapping by name, got {options!r}")
    return dict(options or {})


def frame_rate(dt: float) -> int:
    """Return the frames a second at which a video of one frame a control period is played: as fast as it happened.

    Where the control rate is no rate for a video (10 kHz drives) it is :data:`RENDER_FPS`, and slower than it happened.

    Args:
        dt: Control period, s.
    """
    rate = round(min(1.0 / dt, 1e9))  # the inverse of the smallest numbers is infinite
    return rate if PLAYABLE[0] <= rate <= PLAYABLE[1] else RENDER_FPS


def plain(value: Any) -> Any:
    """Return a keyword's value as plain data where it is an array, a NumPy number or a path, else as it is."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else value
    return value


class Face:
    """What the single, vector and parallel environments share: a setup, its rows and their pictures."""

    setup: Setup
    nominal: Nominal
    # make() reads it on the class; every instance gets its own copy.
    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
    }

    def _prepare(
        self,
        setup: Setup,
        rows: int,
        render_mode: str | None,
        *,
        handed_out: bool = False,
        threads: int | str = 1,
        engine: Callable[[Setup, int], Any] | None = None,
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise unknown_error("render_mode", render_mode, RENDER_MODES)
        self.setup = setup
        self.nominal = Nominal(setup)
        self.render_mode = render_mode
        self.metadata = {"render_modes": list(RENDER_MODES), "render_fps": frame_rate(setup.dt)}  # type: ignore[misc]
        self._closed, self._spec = False, None
        self._rows = Rows(setup, rows, handed_out=handed_out, threads=threads, engine=engine)
        self._names = setup.metric_columns.names
        # All arrays of info are taken out of the state at once; what each is of that.
        places = [place for _, *pair in setup.info_arrays for place in pair]
        self._arrays = slice(min(places, default=0), max(places, default=0))
        begin = self._arrays.start
        self._places = tuple(
            (name, slice(first - begin, stop - begin)) for name, first, stop in setup.info_arrays
        )
        self._pictured = bool(setup.images)
        self._started = False
        self._renderer: Any = None

    @property
    def spec(self) -> Any:
        """The specification; it says the length of an id that ends by itself, and its keywords are plain data."""
        return self._spec

    @spec.setter
    def spec(self, value: Any) -> None:
        if value is not None:
            steps = value.max_episode_steps or self.setup.horizon
            value = dataclasses.replace(
                value, max_episode_steps=steps, kwargs=plain(dict(value.kwargs))
            )
        self._spec = value

    @property
    def dt(self) -> float:
        """Control period, s."""
        return self.setup.dt

    def metrics(self) -> dict[str, np.ndarray]:
        """Return the metrics of the last step by name, each of shape (n,)."""
        return {name: self._rows.m[:, j].copy() for j, name in enumerate(self._names)}

    def state(self, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Return state columns by name, each of shape (n,).

        Args:
            names: Which; by default all but the spare ones.

        Raises:
            ValueError: There is no such column; the nearest is named.
        """
        columns = self.setup.state_columns
        wanted = [about.name for about in columns if not about.spare] if names is None else names
        return {name: self._rows.x[:, columns.index(name)].copy() for name in wanted}

    def _state_options(self, options: Mapping[str, Any] | None) -> dict[int, np.ndarray]:
        """Return the state columns that ``reset(options={"state": ...})`` names, before anything moves."""
        if not options:
            return {}
        options = read_options(options)
        check_keywords(options, ("state", "reset_mask"), "reset option")
        given = options.get("state")
        if given is not None and not isinstance(given, Mapping):
            raise ValueError(
                f"reset option 'state' must map state columns to numbers, got {given!r}"
            )
        wanted = {}
        for name, value in (given or {}).items():
            self.setup.state_columns.used.index(name)  # refuses what is spare, too
            column = self.setup.state_columns.index(name)
            try:
                values = np.asarray(value, dtype=np.float64)
            except (TypeError, ValueError):
                raise ValueError(
                    f"reset option 'state': {name!r} must be a number, got {value!r}"
                ) from None
            if values.shape not in ((), (self._rows.n,)):
                raise ValueError(
                    f"reset option 'state': {name!r} must be a number or have shape ({self._rows.n},), "
                    f"got {values.shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"reset option 'state': {name!r} must be finite, got {value!r}")
            if (np.abs(values) > LARGEST).any():
                raise ValueError(
                    f"reset option 'state': {name!r} must be at most {LARGEST:g} in size, for products of larger "
                    f"numbers are not finite, got {value!r}"
                )
            about = self.setup.state_columns[column]
            if not about.allows(values):
                whole = "be a whole number and " if about.whole else ""
                raise ValueError(
                    f"reset option 'state': {name!r} must {whole}"
                    f"{limits_text(about.low, about.high)} ({about.unit}), got {value!r}"
                )
            wanted[column] = values
        return wanted

    def _inject(self, wanted: Mapping[int, np.ndarray], mask: np.ndarray) -> None:
        """Write the columns that :meth:`_state_options` returned into the masked rows."""
        for column, values in wanted.items():
            self._rows.x[mask, column] = values[mask] if values.ndim else values
        if wanted:
            if self.setup.follow is not None:
                names = {self.setup.state_columns.names[column] for column in wanted}
                self.setup.follow(self._rows.x, mask, names)
            self._rows.observe(mask)

    def _require_start(self) -> None:
        if self._closed:
            raise gymnasium.error.ClosedEnvironmentError(f"{self.setup.id} has been closed")
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before step()")

    # --------------------------------------------------------------------------------------------------------- copies

    #: Attributes with the spaces, whose generators a copy takes along.
    _spaces: ClassVar[tuple[str, ...]] = ("action_space", "observation_space")

    def _carried(self) -> dict[str, Any]:
        """Return what a copy takes along besides keywords and state: spaces, and what somebody has hung on it."""
        extra = {name: value for name, value in vars(self).items() if name not in self._made}
        return extra | {name: getattr(self, name) for name in self._spaces}

    def _finish(self) -> None:
        """Remember which attributes construction has made; to be called at its end.

        A subclass that makes more calls it again.
        """
        self._made = frozenset((*vars(self), "_made"))

    # ------------------------------------------------------------------------------------------------------ pictures

    def _record(self, rows: Sequence[int] | np.ndarray) -> None:
        """Hand the last step of some rows to the renderer."""
        if self.render_mode is None:
            return
        if self._renderer is None:
            module, _, name = self.setup.renderer.partition(":")
            if not name:
                raise ValueError(f"{self.setup.id} has nothing to draw")
            self._renderer = getattr(importlib.import_module(module), name)(self.setup)
        state = self._rows
        for row in rows:
            parameters = state.p[int(row) if len(state.p) > 1 else 0]
            self._renderer.note(int(row), int(state.key[row]), parameters)
            self._renderer.append(int(row), int(state.step[row]), state.m[row], state.x[row])
        if self.render_mode == "human":
            self._renderer.show(0)

    def _picture(self, row: int) -> Any:
        """Return what the render mode asks for of a row: a frame, or a text."""
        if self._renderer is None:
            self._record(range(self._rows.n))
        renderer: Any = self._renderer
        return renderer.text(row) if self.render_mode == "ansi" else renderer.frame(row)

    def _close_renderer(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        self._rows.close()
        self._started, self._closed = False, True


class KernelEnv(Face, gymnasium.Env[np.ndarray, np.ndarray]):  # type: ignore[misc]
    """One world of a setup.

    With several agents this is the joint form: actions and observations of all agents side by side, the reward is
    their mean, and the episode ends when an agent's does.

    Args:
        setup: What the id and its keywords decide.
        render_mode: None, "rgb_array", "ansi" or "human".
        rebuild: Keyword arguments that construct the same environment again; used by pickle.
    """

    #: The entries of a snapshot.
    _kept: ClassVar[tuple[str, ...]] = ("rows", "generators", "started")

    def __init__(
        self,
        setup: Setup,
        *,
        render_mode: str | None = None,
        rebuild: Mapping[str, Any] | None = None,
    ) -> None:
        self._prepare(setup, 1, render_mode)
        self._rebuild = dict(rebuild or {})
        count = setup.agent_count
        self.action_space = joint_action_space(setup)
        self.observation_space = observation_space(setup, count)
        self._shape = self.action_space.shape
        self._choices, self._joint = setup.actions, count > 1
        self._horizon = setup.horizon or int(np.iinfo(np.int64).max)
        self._everything = np.ones(1, dtype=np.bool_)
        self._finish()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Seeds the generator from which this and the following episodes draw their keys.
            options: ``{"state": {column: value}}`` overwrites columns of the drawn initial state (SI).

        Returns:
            Observation, float32 of shape (no,), a picture or a Dict of them, and the metrics by name.
        """
        wanted = self._state_options(options)
        super().reset(seed=seed)
        key = np.array([self.np_random.bit_generator.random_raw()], dtype=np.uint64)
        self._rows.reset(self._everything, key)
        self._inject(wanted, self._everything)
        self._started = True
        self._record((0,))
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move by one control period.

        Args:
            action: Within the action space; finite values outside are clipped and counted in ``info``.

        Returns:
            Observation, reward, terminated, truncated, metrics by name.

        Raises:
            ValueError: For a wrong shape or dtype, NaN or infinity; the environment is then as it was.
        """
        rows = self._rows
        if not self._started:
            self._require_start()
        rows.u[0] = read_action(action, self._shape, self._choices)  # type: ignore[arg-type]
        rows.advance()
        if self._joint:
            reward = float(self.setup.joint_reward(rows.m)[0])
            terminated = bool(rows.terminated[0].any())
        else:
            # One number each, which item() hands out in a third of the time of an index.
            reward = rows.reward.item()
            terminated = rows.terminated.item()
        truncated = rows.step.item() >= self._horizon
        if self.render_mode is not None:
            self._record((0,))
        observation = self._observation() if self._pictured else rows.seen[0]
        return observation, reward, terminated, truncated, self._info()

    def _observation(self) -> Any:
        if self.setup.images:
            return row_of(joint_observations(self._rows), 0)
        return self._rows.seen[0]

    def _info(self) -> dict[str, Any]:
        info = dict(zip(self._names, self._rows.m[0].tolist(), strict=True))
        if self._places:
            values = self._rows.x[0, self._arrays].astype(np.int32)
            for name, place in self._places:
                info[name] = values[place]
        return info

    def render(self) -> np.ndarray | str | None:
        """Return a frame, uint8 of shape (height, width, 3), a text ("ansi"), or None in the other modes."""
        if self.render_mode is None:
            gymnasium.logger.warn(
                "render() was called without a render_mode; pass render_mode='rgb_array' to make()"
            )
            return None
        if self.render_mode == "human":
            return None
        self._require_start()
        return self._picture(0)

    def close(self) -> None:
        """Free pictures and engines; may be called twice."""
        self._close_renderer()

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores this world exactly, random stream included."""
        return {
            "rows": self._rows.get_state(),
            "generators": [self.np_random.bit_generator.state],
            "started": self._started,
        }

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id and keywords.

        Raises:
            ValueError: If something is missing, or it is of another id, other keywords or another face; the world is
                then as it was.
        """
        check_entries(snapshot, self._kept)
        self._rows.check_state(snapshot["rows"])
        restore_generator(self.np_random, snapshot["generators"])
        self._rows.set_state(snapshot["rows"])
        self._started = snapshot["started"]
        if self._started:
            self._record((0,))

    def __reduce__(self) -> Any:
        keywords = {"render_mode": self.render_mode, **self._rebuild}
        return rebuilt, (type(self), keywords, self.spec, self.get_state(), self._carried())


def rebuilt(
    cls: type, keywords: dict[str, Any], spec: Any, snapshot: Any, carried: Mapping[str, Any]
) -> Any:
    """Construct an environment again and put it where it was (pickle, deepcopy)."""
    env = cls(**keywords)
    if spec is not None:
        env.spec = spec
    env.set_state(snapshot)
    for name, value in carried.items():
        setattr(env, name, value)
    return env
