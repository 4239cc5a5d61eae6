"""What the checks share: how a subject is made, how it is driven, and what "exactly the same" means.

A subject is an id (a string, made through Gymnasium's registry) or a :class:`~gym_suite.core.family.Setup`
(for families that are not registered).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import TimeLimit

from gym_suite.core.env import KernelEnv
from gym_suite.core.family import Setup
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.vector_env import KernelVectorEnv
from gym_suite.registration import card, catalogue, parallel_env

Subject = str | Setup

ACTION_RANGE = 1.3  # drawn beyond [-1, 1], so that clipping is part of every comparison
HOLD = 12  # steps for which a random action is held, so that random actions move slow plants


def make_single(
    subject: Subject,
    *,
    max_episode_steps: int | None = None,
    render_mode: str | None = None,
    **keywords: Any,
) -> gymnasium.Env:
    """Return the single environment of a subject.

    Args:
        subject: An id or a setup; a setup takes no further keywords.
        max_episode_steps: Time limit; the registered one by default.
        render_mode: As in ``gymnasium.make``.
        **keywords: The id's own keyword arguments.
    """
    if isinstance(subject, str) and not card(subject).entry_point:
        limit = max_episode_steps or card(subject).max_episode_steps
        env = KernelEnv(setup_of(subject, **keywords), render_mode=render_mode)
        return TimeLimit(env, limit) if limit else env
    if isinstance(subject, str):
        return gymnasium.make(
            subject,
            max_episode_steps=max_episode_steps,
            render_mode=render_mode,
            disable_env_checker=True,
            **keywords,
        )
    _refuse(subject, keywords)
    env = KernelEnv(subject, render_mode=render_mode)
    return TimeLimit(env, max_episode_steps) if max_episode_steps else env


def make_native(
    subject: Subject,
    num_envs: int,
    *,
    autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    max_episode_steps: int | None = None,
    **keywords: Any,
) -> VectorEnv:
    """Return the native vector environment of a subject; arguments as :func:`make_single`."""
    if isinstance(subject, str):
        if max_episode_steps is not None:
            keywords["max_episode_steps"] = max_episode_steps
        return gymnasium.make_vec(
            subject, num_envs=num_envs, autoreset_mode=autoreset_mode.value, **keywords
        )
    _refuse(subject, keywords)
    return KernelVectorEnv(
        subject,
        num_envs=num_envs,
        autoreset_mode=autoreset_mode,
        max_episode_steps=max_episode_steps,
    )


def make_sync(
    subject: Subject,
    num_envs: int,
    *,
    autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    **keywords: Any,
) -> SyncVectorEnv:
    """Return as many single environments in Gymnasium's :class:`~gymnasium.vector.SyncVectorEnv`."""
    return SyncVectorEnv(
        [lambda: make_single(subject, **keywords)] * num_envs, autoreset_mode=autoreset_mode
    )


def make_parallel(subject: Subject, **keywords: Any) -> KernelParallelEnv:
    """Return the PettingZoo environment of a subject with several agents."""
    if isinstance(subject, str):
        return parallel_env(subject, **keywords)
    return KernelParallelEnv(subject, **keywords)


def setup_of(subject: Subject, **keywords: Any) -> Setup:
    """Return the setup of a subject."""
    if isinstance(subject, Setup):
        return subject
    if catalogue()[subject].entry_point:
        env: Any = make_single(subject, **keywords).unwrapped
    else:
        env = make_parallel(subject, **keywords)
    env.close()
    return env.setup


def _refuse(subject: Setup, keywords: Mapping[str, Any]) -> None:
    if keywords:
        raise ValueError(f"{subject.id} is given as a setup, which takes no {sorted(keywords)}")


# ------------------------------------------------------------------------------------------- driving


def random_actions(space: spaces.Space, steps: int, *, seed: int = 0) -> np.ndarray:
    """Return random actions, ``(steps, *shape)``; numbers beyond a Box included, each held for a while.

    Args:
        space: The action space, single or batched.
        steps: How many.
        seed: Seed of the draw.
    """
    generator = np.random.default_rng(seed)
    blocks = -(-steps // HOLD)
    if isinstance(space, spaces.Box) and space.dtype.kind == "f":
        shape = (blocks, *space.shape)
        held = generator.uniform(-ACTION_RANGE, ACTION_RANGE, shape).repeat(HOLD, axis=0)[:steps]
        noise = generator.uniform(-ACTION_RANGE, ACTION_RANGE, (steps, *space.shape))
        return (0.7 * held + 0.3 * noise).astype(np.float32)
    high, shape = discrete_bounds(space)
    return generator.integers(0, high, size=(steps, *shape))


def discrete_bounds(space: spaces.Space) -> tuple[Any, tuple[int, ...]]:
    """Return the number of choices and the shape of a discrete space, single or batched."""
    if isinstance(space, spaces.Discrete):
        return space.n, ()
    if isinstance(space, spaces.Box):  # rows of several choices each, as Gymnasium batches them
        return space.high + 1, space.shape
    assert isinstance(space, spaces.MultiDiscrete), f"no actions are known for {space}"
    return space.nvec, space.nvec.shape


def rollout(env: Any, actions: np.ndarray) -> list[tuple]:
    """Return what each step returned, restarting single environments whose episode ended."""
    steps = []
    for action in actions:
        steps.append(env.step(action))
        if not isinstance(env, VectorEnv) and (steps[-1][2] or steps[-1][3]):
            steps.append(env.reset())
    return steps


# ----------------------------------------------------------------------------------------- comparing


def assert_same(got: Any, expected: Any, what: str) -> None:
    """Assert that two values have the same structure, dtypes and numbers, bit for bit (NaN equals NaN).

    Args:
        got: What came out.
        expected: What should have.
        what: Name of the value, for the error.

    Raises:
        AssertionError: Naming the first place where they differ.
    """
    if isinstance(expected, Mapping):
        assert isinstance(got, Mapping), f"{what} is {type(got).__name__}, expected a mapping"
        missing, extra = set(expected) - set(got), set(got) - set(expected)
        assert not missing | extra, f"{what} lacks {sorted(missing)}, has besides {sorted(extra)}"
        for key in expected:
            assert_same(got[key], expected[key], f"{what}[{key!r}]")
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected), f"{what} has length {len(got)}, not {len(expected)}"
        for i, (one, other) in enumerate(zip(got, expected, strict=True)):
            assert_same(one, other, f"{what}[{i}]")
    elif isinstance(expected, np.ndarray):
        _assert_same_array(got, expected, what)
    elif isinstance(expected, float):
        same = got == expected or (got != got and expected != expected)
        assert same, f"{what} is {got!r}, expected {expected!r}"
    else:
        assert got == expected, f"{what} is {got!r}, expected {expected!r}"


def _assert_same_array(got: Any, expected: np.ndarray, what: str) -> None:
    assert isinstance(got, np.ndarray), f"{what} is {type(got).__name__}, expected an array"
    assert got.dtype == expected.dtype, f"{what} has dtype {got.dtype}, expected {expected.dtype}"
    assert got.shape == expected.shape, f"{what} has shape {got.shape}, expected {expected.shape}"
    if expected.dtype == object:
        assert_same(list(got), list(expected), what)
        return
    equal_nan = expected.dtype.kind == "f"
    if not np.array_equal(got, expected, equal_nan=equal_nan):
        where = tuple(np.argwhere(got != expected)[0].tolist())
        raise AssertionError(f"{what}{list(where)} is {got[where]!r}, expected {expected[where]!r}")


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """Yield every array inside nested tuples, lists, mappings and object arrays."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            yield from arrays_in(list(value))
        yield value
    elif isinstance(value, Mapping):
        yield from arrays_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from arrays_in(inner)


@contextmanager
def warnings_are_errors(*allowed: str) -> Iterator[None]:
    """Raise warnings as errors, except those whose message begins with one of the allowed patterns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pattern in allowed:
            warnings.filterwarnings("ignore", message=pattern)
        yield


@contextmanager
def raises_value_error(what: str, *mentions: str) -> Iterator[None]:
    """Assert that the body raises ValueError and that its message mentions all the given words.

    Raises:
        AssertionError: If it raises nothing, something else, or a message that leaves a word out.
    """
    try:
        yield
    except ValueError as error:
        lacking = [word for word in mentions if word not in str(error)]
        assert not lacking, f"{what}: the error does not mention {lacking}: {error}"
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}, not ValueError") from error
    else:
        raise AssertionError(f"{what} was accepted")
