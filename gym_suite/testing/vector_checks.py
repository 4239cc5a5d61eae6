"""Checks that one function moves all forms: single, native vector and SyncVectorEnv agree bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from gym_suite.core.observations import row_of
from gym_suite.testing.subjects import (
    Subject,
    assert_same,
    make_native,
    make_single,
    make_sync,
    raises_value_error,
    random_actions,
)

SIZES = (1, 3, 8)
STEPS = 200
LIMIT = 17  # steps, of the runs in which every episode is truncated


def check_single_equals_native(subject: Subject, **keywords: Any) -> None:
    """Row i of a vector seeded with s is the single environment seeded with s + i, info included."""
    for n in SIZES:
        envs = make_native(subject, n, **keywords)
        actions = random_actions(envs.action_space, STEPS, seed=n)
        observations, infos = envs.reset(seed=11)
        # Until the first end of any row: what follows is the autoreset mode's business.
        steps: list[tuple] = [(observations, infos)]
        for action in actions:
            steps.append(envs.step(action))
            if steps[-1][2].any() or steps[-1][3].any():
                break
        for i in range(n):
            env = make_single(subject, **keywords)
            single = env.reset(seed=11 + i)
            for k, step in enumerate(steps):
                if k:
                    single = env.step(actions[k - 1][i])
                _assert_row(step, single, i, f"row {i} of {n} at step {k}")


def _assert_row(step: tuple, single: tuple, i: int, what: str) -> None:
    for values, expected in zip(step[:-1], single[:-1], strict=True):
        assert_same(row_of(values, i), expected, what)
    for name, value in single[-1].items():
        assert_same(
            np.asarray(step[-1][name][i]).tolist(),
            np.asarray(value).tolist(),
            f"{what}: info[{name!r}]",
        )


def check_native_equals_sync(subject: Subject, **keywords: Any) -> None:
    """The native vector environment equals Gymnasium's SyncVectorEnv exactly.

    Observations, rewards, flags, infos with their masks, ``final_obs`` and ``final_info``, keys and
    dtypes; for 1, 3 and 8 worlds, in all three autoreset modes, with the id's own episode ends and
    with truncation after a few steps; in the DISABLED mode with resets by ``reset_mask``.
    """
    for mode in AutoresetMode:
        for n in SIZES:
            for limit in (None, LIMIT):
                _compare(subject, n, mode, limit, keywords)


def _compare(
    subject: Subject, n: int, mode: AutoresetMode, limit: int | None, keywords: dict[str, Any]
) -> None:
    more: dict[str, Any] = {"autoreset_mode": mode, "max_episode_steps": limit, **keywords}
    native, sync = make_native(subject, n, **more), make_sync(subject, n, **more)
    assert native.metadata["autoreset_mode"] is mode, "metadata does not tell the autoreset mode"
    for name in ("observation_space", "action_space", "num_envs", "single_action_space"):
        assert getattr(native, name) == getattr(sync, name), f"{name} differs from SyncVectorEnv"
    what = f"{n} worlds, {mode.name}, limit {limit}"
    steps = STEPS if limit is None else 3 * LIMIT
    assert_same(native.reset(seed=n), sync.reset(seed=n), f"{what}: reset")
    ends = 0
    for k, action in enumerate(random_actions(native.action_space, steps, seed=n)):
        got = native.step(action)
        assert_same(got, sync.step(action), f"{what}: step {k}")
        done = got[2] | got[3]
        ends += int(done.sum())
        if mode is AutoresetMode.DISABLED and done.any():
            assert_same(
                native.reset(options={"reset_mask": done}),
                sync.reset(options={"reset_mask": done.copy()}),
                f"{what}: reset_mask at step {k}",
            )
    assert limit is None or ends > 0, f"{what}: no episode ended"
    assert_same(native.np_random_seed, sync.np_random_seed, f"{what}: np_random_seed")
    native.close()
    sync.close()


def check_partial_reset(subject: Subject, **keywords: Any) -> None:
    """``reset_mask`` starts the masked rows only, with or without seeds, as SyncVectorEnv does."""
    mask = np.array([True, False, True])
    seeds: tuple[Any, ...] = (None, 100, [5, 6, None])
    for seed in seeds:
        native: Any = make_native(subject, 3, **keywords)
        sync: Any = make_sync(subject, 3, **keywords)
        actions = random_actions(native.action_space, 20, seed=1)
        assert_same(native.reset(seed=0), sync.reset(seed=0), "reset")
        for part in (actions[:10], actions[10:]):
            for action in part:
                assert_same(native.step(action), sync.step(action), "step")
            assert_same(
                native.reset(seed=seed, options={"reset_mask": mask}),
                sync.reset(seed=seed, options={"reset_mask": mask}),
                f"reset_mask with seed {seed}",
            )
        # What an unseeded reset gives shows that the other rows' generators were left alone.
        assert_same(native.reset(), sync.reset(), f"the reset after reset_mask with seed {seed}")


def check_bad_reset_mask(subject: Subject, **keywords: Any) -> None:
    """A mask of another type, shape, or with no True element is refused and changes nothing."""
    envs: Any = make_native(subject, 3, **keywords)
    envs.reset(seed=0)
    before = envs.get_state()
    for wrong in (np.ones(3), [True, False, True], np.ones(3, dtype=np.int64)):
        try:
            envs.reset(seed=8, options={"reset_mask": wrong})
        except TypeError:
            pass
        else:
            raise AssertionError(f"reset_mask {wrong!r} was accepted")
    for wrong in (np.ones(2, dtype=bool), np.zeros(3, dtype=bool), np.ones((3, 1), dtype=bool)):
        with raises_value_error(f"reset_mask {wrong!r}", "reset_mask"):
            envs.reset(seed=8, options={"reset_mask": wrong})
    assert_same(envs.get_state(), before, "the worlds after refused masks")


def check_ended_worlds_need_reset(subject: Subject, **keywords: Any) -> None:
    """With autoreset disabled, stepping an ended world is an error that names it."""
    envs: Any = make_native(
        subject, 3, autoreset_mode=AutoresetMode.DISABLED, max_episode_steps=2, **keywords
    )
    action = np.zeros(envs.action_space.shape, dtype=envs.action_space.dtype)
    envs.reset(seed=0)
    envs.step(action)
    envs.reset(options={"reset_mask": np.array([True, False, True])})
    envs.step(action)
    with raises_value_error("stepping an ended world", "[1]", "reset_mask"):
        envs.step(action)
    envs.reset(options={"reset_mask": np.array([False, True, False])})
    envs.step(action)


GENERAL = (
    check_single_equals_native,
    check_native_equals_sync,
    check_partial_reset,
    check_bad_reset_mask,
    check_ended_worlds_need_reset,
)
