"""What an agent is and what a controller adds.

An agent has one method that matters, with the signature of a Stable-Baselines3 policy:

    action, state = agent.predict(observation, state, episode_start, deterministic)

over one row or a batch of rows. ``state=None`` always means a fresh start. ``predict`` never
changes the state it is given, so a caller may keep, copy or rewind states at will.

A controller is built by scikit-learn's rules: the constructor stores its keyword arguments and does
nothing; :meth:`Controller.tune` computes everything else from the nominal plant and names it with a
trailing underscore (``gains_``). What a user gives as ``gains=`` stands in for what a rule would have given, while the
controller is tuned: the law acts on it and the description shows it. Afterwards gains cannot be changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.controllers.gains import Gains
from gym_suite.controllers.hyperparameters import GainTable, Hyperparameter, found_in
from gym_suite.core.parameters import unknown_error

#: What an agent may look at: the observation; that and the nominal model; the plant's true state.
Information = Literal["observation", "model", "state"]


@runtime_checkable
class Agent(Protocol):
    """Anything that can be run, compared and explained."""

    information: Information

    def predict(
        self,
        observation: ArrayLike,
        state: Any = None,
        episode_start: ArrayLike | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return the actions for the observations, and the state to pass to the next call.

        Args:
            observation: (no,) or (n, no).
            state: What the previous call returned, or None for a fresh start.
            episode_start: bool or (n,) bool; rows that begin a new episode forget their state.
            deterministic: Whether to take the most likely action; a control law always does.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return what the agent is and where its numbers come from, as plain data."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One open loop of a controller with its nominal plant, for Bode plots and margins.

    ``L(s) = numerator(s) / denominator(s) * exp(-delay s)``, coefficients from the highest power.

    Attributes:
        label: Name of the loop, such as "i_sd".
        numerator: Coefficients of the numerator in s.
        denominator: Coefficients of the denominator in s.
        delay: Dead time in s (1.5 dt for a sampled loop: computation and half a hold).
        dt: Sampling period in s; the response is meaningful below ``pi / dt``. 0: continuous.
    """

    label: str
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]
    delay: float = 0.0
    dt: float = 0.0

    def __post_init__(self) -> None:
        for name in ("numerator", "denominator"):
            values = tuple(float(value) for value in getattr(self, name))
            if not values or not np.isfinite(values).all() or not any(values):
                raise ValueError(f"{name} of loop {self.label!r} must be finite and not zero")
            object.__setattr__(self, name, values)
        for name in ("delay", "dt"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be a time in s, got {getattr(self, name)!r}")

    @classmethod
    def from_gains(
        cls,
        label: str,
        gains: Gains,
        *,
        numerator: ArrayLike,
        denominator: ArrayLike,
        delay: float = 0.0,
        dt: float = 0.0,
    ) -> Loop:
        """Return the loop of a P, PI, PD or PID law with the plant ``numerator / denominator``.

        Args:
            label: Name of the loop, for plots.
            gains: Gains of the law.
            numerator: The plant's numerator, highest power of s first.
            denominator: The plant's denominator.
            delay: Dead time in the loop, s.
            dt: Sampling period of the law, s; 0 for a continuous one.
        """
        law = [gains.kd, gains.kp, gains.ki] if gains.ki != 0.0 else [gains.kd, gains.kp]
        integrator = [1.0, 0.0] if gains.ki != 0.0 else [1.0]
        return cls(
            label=label,
            numerator=tuple(np.polymul(np.trim_zeros(law, "f"), np.atleast_1d(numerator))),
            denominator=tuple(np.polymul(integrator, np.atleast_1d(denominator))),
            delay=delay,
            dt=dt,
        )


def columns_of(observation: Any) -> Any:
    """Return the flat columns of a Dict observation (its first part where it has none), or what was given.

    Works for the spaces of such observations too.
    """
    parts = getattr(observation, "spaces", observation)
    if not isinstance(parts, Mapping):
        return observation
    return parts["state"] if "state" in parts else next(iter(parts.values()))


def nominal_of(env: Any) -> Any:
    """Return the nominal model that controllers may see.

    Args:
        env: An env (wrapped or not, single or vector), or already its ``unwrapped.nominal``.

    Raises:
        TypeError: If the object offers no nominal model.
    """
    bare = getattr(env, "unwrapped", env)
    nominal = getattr(bare, "nominal", bare)
    if not hasattr(nominal, "setup") and not hasattr(nominal, "plant"):
        raise TypeError(
            "expected an env of this package or its env.unwrapped.nominal, "
            f"got {type(env).__name__}"
        )
    return nominal


class Controller:
    """Base class of controllers: storing, tuning, describing, and the batching of ``predict``.

    A subclass declares keyword-only hyper-parameters in ``__init__`` and stores them unchanged,
    computes everything else in ``_tune``, and writes its law in ``_law``. It sets ``name``,
    ``information`` and, in ``_tune`` or as a class attribute, the number of columns of its state.
    A method ``loops() -> list[Loop]`` makes its open loops available to
    :func:`gym_suite.analysis.open_loop`.
    """

    #: Short name in tables.
    name: ClassVar[str] = "controller"
    information: Information = "observation"
    #: Columns of the state row; a row of zeros is a fresh start.
    state_size: int = 0
    #: Whether it draws random numbers: rows that begin alike are then told apart by their order.
    randomized: ClassVar[bool] = False
    #: What is worth a search on the reward; empty: the gains, within factors of the rule's.
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = ()
    #: Units of the entries of ``gains_`` that are no :class:`Gains`.
    gain_units_: Mapping[str, str]
    #: Length of an observation row; None until tuned.
    observation_size_: int | None = None

    _given: Mapping[str, Any] = MappingProxyType({})
    _table: GainTable | None = None
    _sealed: bool = False

    def __new__(cls, *args: Any, **keywords: Any) -> Self:
        """Refuse unknown keywords with the nearest valid name, before ``__init__`` sees them."""
        cls._check_names(keywords)
        return super().__new__(cls)

    # --- hyper-parameters, by scikit-learn's rules -------------------------------------------

    @classmethod
    def _parameter_names(cls) -> tuple[str, ...]:
        if cls.__init__ is object.__init__:
            return ()
        signature = inspect.signature(cls.__init__)
        return tuple(name for name in signature.parameters if name != "self")

    @classmethod
    def _check_names(cls, keywords: Mapping[str, Any]) -> None:
        valid = cls._parameter_names()
        for name in keywords:
            if name not in valid:
                unknown = unknown_error(f"parameter of {cls.__name__}", name, valid)
                raise ValueError(
                    f"{unknown}. Gains are given by the names that describe() tells, as gains={{...}}"
                )

    @classmethod
    def _numbers(cls) -> set[str]:
        """Return the names of keyword arguments that are numbers, or declared as hyper-parameters."""
        if cls.__init__ is object.__init__:
            return set()
        defaults = inspect.signature(cls.__init__).parameters
        declared = {one.name for one in cls.hyperparameters}
        return {
            name
            for name in cls._parameter_names()
            if name in declared or type(defaults[name].default) in (int, float)
        }

    @classmethod
    def split(cls, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tell keyword arguments of the constructor, which come first, from gains, by their names.

        Args:
            values: Both, by name.
        """
        own = cls._parameter_names()
        parameters = {name: value for name, value in values.items() if name in own}
        return parameters, {name: value for name, value in values.items() if name not in own}

    def get_params(self) -> dict[str, Any]:
        """Return the hyper-parameters by name, as they were given."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Change hyper-parameters; tune again for them to take effect.

        Args:
            **params: Hyper-parameters by name.

        Raises:
            ValueError: For an unknown name; names the nearest. Nothing is changed then.
        """
        self._check_names(params)
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def clone(self) -> Self:
        """Return a new, untuned controller with the same hyper-parameters and the same gains given."""
        twin = type(self)(**self.get_params())
        twin._given = self._given
        return twin

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({inside})"

    # --- tuning ------------------------------------------------------------------------------

    @classmethod
    def for_env(cls, env: Any, *, gains: Mapping[str, Any] | None = None, **overrides: Any) -> Self:
        """Build and tune the controller for an env.

        Args:
            env: The env, or ``env.unwrapped.nominal``.
            gains: Values by the names of ``hyperparameters_`` or of the gains in :meth:`describe`, such as "i_sd.kp",
                in place of those that the rule gives; ``{"i_sd": {"kp": 0.3}}`` says the same. A number of that name
                among the keyword arguments is meant first.
            **overrides: Hyper-parameters that differ from the defaults.

        Raises:
            ValueError: For an unknown hyper-parameter or gain; names the nearest. Or for a gain that is not finite or
                of another shape.
            TypeError: If the gains are no mapping.
        """
        if gains is not None and not isinstance(gains, Mapping):
            raise TypeError(f"gains must be a mapping by name, got {type(gains).__name__}")
        given: dict[str, Any] = {}
        for name, value in (gains or {}).items():
            within = value.items() if isinstance(value, Mapping) else ()
            given |= {f"{name}.{part}": one for part, one in within} if within else {name: value}
        own = {name: given.pop(name) for name in cls._numbers() & given.keys()}
        controller = cls(**overrides | own)
        controller._given = given
        return controller.tune(env)

    def tune(self, env: Any) -> Self:
        """Compute the gains from the nominal plant of an env; return self.

        Raises:
            ValueError: For a gain that was given and that there is none of; names the nearest.
        """
        nominal = nominal_of(env)
        self.observation_size_ = len(nominal.setup.observation_columns)
        self._open_gains()
        self._tune(nominal)
        self._seal_gains()
        return self

    def _open_gains(self) -> None:
        """Begin to tune: ``gains_`` can be written until :meth:`_seal_gains`."""
        self._sealed = False
        self.gains_ = {}
        self.gain_units_ = {}

    def _seal_gains(self) -> None:
        """End tuning: whatever was given must have been put in somewhere, and nothing changes any more."""
        assert self._table is not None
        for name in self._given:
            if name not in self._table.used:
                known = [*self._table.units({}), *self._parameter_names()]
                raise unknown_error(f"gain of {type(self).__name__}", name, dict.fromkeys(known))
        self._sealed = True

    @property
    def gains_(self) -> Any:
        """Tuned gains by name: :class:`Gains`, numbers or arrays; read-only once the controller is tuned.

        While it is tuned, an entry is written with the rule's gain and read back as the one that counts, which is a
        user's own where he gave one.
        """
        if self._table is None:
            raise AttributeError(f"{type(self).__name__} is not tuned: it has no gains_ yet")
        if not self._sealed:
            return self._table
        return MappingProxyType({name: _read_only(gain) for name, gain in self._table.items()})

    @gains_.setter
    def gains_(self, gains: Mapping[str, Any]) -> None:
        if self._sealed:
            raise AttributeError(
                "gains_ is read-only; build the controller with gains={...}, so that they reach the law"
            )
        self._table = GainTable(self._given)
        self._table.update(gains)

    @property
    def hyperparameters_(self) -> dict[str, Hyperparameter]:
        """What a search may change, by name: what the class declares, else the gains within factors of the rule's.

        Raises:
            ValueError: If the controller is not tuned, or declares something that it does not have.
        """
        self._check_tuned()
        assert self._table is not None
        if not self.hyperparameters:
            return found_in(self._table, self.gain_units_)
        entries = self._table.units(self.gain_units_)
        found = {}
        for one in self.hyperparameters:
            if one.name in self._parameter_names():
                value = getattr(self, one.name)
            elif one.name in entries:
                value = entries[one.name]["value"]
            else:
                known = [*self._parameter_names(), *entries]
                raise unknown_error(f"hyper-parameter of {type(self).__name__}", one.name, known)
            found[one.name] = one if value is None else replace(one, default=value)
        return found

    def _tune(self, nominal: Any) -> None:
        """Set ``gains_`` and whatever the law needs, from the nominal model."""

    def describe(self) -> dict[str, Any]:
        """Return name, rule, source, gains with units, hyper-parameters and information.

        ``gains`` maps names such as "i_sd.kp" to ``{"value": ..., "unit": ...}``, with ``"given": True`` where a user
        gave the value.

        Raises:
            ValueError: If the controller is not tuned.
        """
        self._check_tuned()
        assert self._table is not None
        tuned = [gains for gains in self._table.values() if isinstance(gains, Gains)]
        return {
            "name": self.name,
            "class": type(self).__name__,
            "summary": inspect.cleandoc(type(self).__doc__ or "").partition("\n")[0],
            "information": self.information,
            "rule": "; ".join(dict.fromkeys(gains.rule for gains in tuned)),
            "source": "; ".join(dict.fromkeys(gains.source for gains in tuned)),
            "gains": self._table.units(self.gain_units_),
            "parameters": self.get_params(),
        }

    def watch(self, env: Any) -> None:
        """Show it the worlds that it is to act in.

        Whoever runs an agent calls this before the first action. Only those that declare
        ``information = "state"`` look at more than they observe.

        Args:
            env: Single or vector environment whose observations it will be given, row by row.
        """

    # --- acting ------------------------------------------------------------------------------

    def predict(
        self,
        observation: ArrayLike,
        state: ArrayLike | None = None,
        episode_start: ArrayLike | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the action and the next state, for one row or a batch.

        Args:
            observation: (no,) or (n, no); of a Dict the part "state".
            state: What the previous call returned, or None for a fresh start. Not changed.
            episode_start: bool or (n,) bool; rows that begin a new episode forget their state.
            deterministic: Accepted for the policies' signature; a control law always is.

        Returns:
            Action (nu,) or (n, nu) and state (ns,) or (n, ns). A Discrete action is a number or
            an (n,) array.

        Raises:
            ValueError: For a wrong shape or a controller that is not tuned.
        """
        self._check_tuned()
        rows, single = self._rows(columns_of(observation))
        n = rows.shape[0]
        states = np.zeros((n, self.state_size)) if state is None else self._states(state, n, single)
        start = np.ones(n, dtype=bool) if state is None else _start_mask(episode_start, n)
        if start.any():
            self._restart(states, start, rows)
        action = self._cast(self._law(rows, states))
        return (action[0], states[0]) if single else (action, states)

    def overruled(self, state: ArrayLike, answer: ArrayLike, action: ArrayLike) -> Any:
        """Return the state to go on with where something else was done than a call of :meth:`predict` answered.

        A law that believes what its commands have brought about would otherwise believe in what nobody commanded. By
        default the state itself, which is right for laws that remember no commands of theirs.

        Args:
            state: What that call returned, (ns,) or (n, ns). Not changed.
            answer: The action that it returned, (nu,) or (n, nu).
            action: The action that was taken, of the same shape.
        """
        return state

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the actions (n, nu) for observations (n, no); update ``state`` (n, ns) in place.

        Both arrays are contiguous float64, and ``state`` is this call's own copy.
        """
        raise NotImplementedError(f"{type(self).__name__} has no control law (_law)")

    def _restart(
        self,
        state: NDArray[np.float64],
        rows: NDArray[np.bool_],
        observation: NDArray[np.float64],
    ) -> None:
        """Put the given rows of ``state`` to a fresh start, in place."""
        state[rows] = 0.0

    def _cast(self, action: NDArray[np.float64]) -> NDArray[Any]:
        """Return the actions in the dtype and shape of the action space; here a float32 Box."""
        return action.astype(np.float32)

    def _check_tuned(self) -> None:
        if self._table is None:
            raise ValueError(
                f"{type(self).__name__} is not tuned; build it with {type(self).__name__}"
                ".for_env(env) or call tune(env) first"
            )

    def _rows(self, observation: ArrayLike) -> tuple[NDArray[np.float64], bool]:
        """Return observations as contiguous rows, and whether a single row was given."""
        array = np.asarray(observation, dtype=np.float64)
        single = array.ndim <= 1
        rows = np.ascontiguousarray(np.atleast_1d(array)[None] if single else array)
        size = self.observation_size_
        if rows.ndim != 2 or (size is not None and rows.shape[1] != size):
            wanted = "no" if size is None else size
            raise ValueError(
                f"observation must have shape ({wanted},) or (n, {wanted}), got {array.shape}"
            )
        return rows, single

    def _states(self, state: ArrayLike, n: int, single: bool) -> NDArray[np.float64]:
        """Return a contiguous copy of the states, (n, ns)."""
        states = np.array(state, dtype=np.float64, order="C")
        wanted = (self.state_size,) if single else (n, self.state_size)
        if states.shape != wanted:
            raise ValueError(
                f"state must have shape {wanted} for these observations, got {states.shape}; "
                "pass what the previous predict returned, or None for a fresh start"
            )
        return states[None] if single else states


def _start_mask(episode_start: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return the mask of rows that start anew."""
    if episode_start is None:
        return np.zeros(n, dtype=bool)
    mask = np.asarray(episode_start, dtype=bool)
    if mask.shape not in ((), (n,), (1,)):
        raise ValueError(f"episode_start must be a bool or have shape ({n},), got {mask.shape}")
    return mask if mask.shape == (n,) else np.broadcast_to(mask, (n,))


def _read_only(gain: Any) -> Any:
    """Return an array that cannot be written; anything else as it is."""
    if not isinstance(gain, np.ndarray):
        return gain
    view = gain.view()
    view.setflags(write=False)
    return view


def keeps_to_its_rows(agent: Any) -> bool:
    """Return whether an agent decides by what is observed alone, row by row.

    Others may then act beside it, and rows that nobody looks at any more need not be shown to it.

    Args:
        agent: An agent; only controllers of this package promise so.
    """
    if not isinstance(agent, Controller) or agent.information == "state":
        return False
    return type(agent).watch is Controller.watch and not getattr(agent, "couples_rows", False)
