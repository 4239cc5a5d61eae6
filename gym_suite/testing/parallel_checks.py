"""Checks of worlds with several agents: PettingZoo's contract, and the joint form as the same world."""

from __future__ import annotations

import contextlib
import copy
import io
from typing import Any

import numpy as np

from gym_suite.testing.subjects import (
    Subject,
    assert_same,
    make_parallel,
    make_single,
    raises_value_error,
    random_actions,
    warnings_are_errors,
)

STEPS = 60


def check_pettingzoo_contract(subject: Subject, **keywords: Any) -> None:
    """PettingZoo's ``parallel_api_test`` and ``parallel_seed_test`` pass without a warning."""
    from pettingzoo.test import parallel_api_test, parallel_seed_test

    # They report success by printing.
    with warnings_are_errors(), contextlib.redirect_stdout(io.StringIO()):
        parallel_api_test(make_parallel(subject, **keywords), num_cycles=500)
        parallel_seed_test(lambda: make_parallel(subject, **keywords))


def _side_by_side(observations: list[Any]) -> Any:
    """Return the agents' observations as the joint form has them: columns and pictures from left to right."""
    first = observations[0]
    if isinstance(first, dict):
        return {name: _side_by_side([part[name] for part in observations]) for name in first}
    return np.concatenate(observations, axis=0 if first.ndim == 1 else 1)


def check_joint_equals_parallel(subject: Subject, **keywords: Any) -> None:
    """The Gymnasium form is the parallel world: actions and observations side by side, rewards averaged.

    Compared until an agent ends, with which the joint episode ends, or the time limit.
    """
    joint: Any = make_single(subject, max_episode_steps=STEPS, **keywords)
    parallel: Any = make_parallel(subject, max_episode_steps=STEPS, **keywords)
    count, ends = len(parallel.possible_agents), 0
    for seed in range(10):
        observation, info = joint.reset(seed=seed)
        observations, infos = parallel.reset(seed=seed)
        for action in random_actions(joint.action_space, STEPS, seed=seed):
            assert_same(_side_by_side(list(observations.values())), observation, "observations")
            for agent in parallel.agents:
                assert_same(infos[agent], info, f"info of {agent}")
            blocks = action.reshape(count, *parallel.action_space(parallel.agents[0]).shape)
            observation, reward, terminated, truncated, info = joint.step(action)
            given = dict(zip(parallel.agents, blocks, strict=True))
            observations, rewards, terminations, truncations, infos = parallel.step(given)
            # The joint reward is the sum of the mean terms, so the mean of the sums is it but for rounding.
            mean = float(np.mean(list(rewards.values())))
            assert abs(mean - reward) <= 1e-12 * max(1.0, abs(mean)), (
                f"the mean reward is {mean!r}, the joint one {reward!r}"
            )
            assert any(terminations.values()) == terminated, "terminations differ"
            assert any(truncations.values()) == truncated, "truncations differ"
            if terminated or truncated:
                ends += 1
                break
    assert ends, "no episode ended"


def check_agents_leave(subject: Subject, **keywords: Any) -> None:
    """An agent that has ended leaves; the others go on until none is left, within the time limit."""
    env: Any = make_parallel(subject, max_episode_steps=STEPS, **keywords)
    shape = env.action_space(env.possible_agents[0])
    env.reset(seed=0)
    for step in range(1, STEPS + 1):
        live = list(env.agents)
        action = random_actions(shape, len(live), seed=step)
        results = env.step(dict(zip(live, action, strict=True)))
        assert all(list(part) == live for part in results), f"results are not for {live}"
        _, _, terminated, truncated, _ = results
        left = [agent for agent in live if not (terminated[agent] or truncated[agent])]
        assert env.agents == left, f"agents are {env.agents}, expected {left}"
        if not left:
            return
    raise AssertionError(f"agents {env.agents} outlive the time limit of {STEPS} steps")


def check_parallel_snapshots(subject: Subject, **keywords: Any) -> None:
    """``set_state`` restores the world and who is left in it, exactly."""
    env: Any = make_parallel(subject, **keywords)
    space = env.action_space(env.possible_agents[0])
    actions = random_actions(space, STEPS * len(env.possible_agents))

    def play(first: int, last: int) -> list:
        steps = []
        for k in range(first, last):
            given = {a: actions[k + i] for i, a in enumerate(env.possible_agents)}
            steps.append(env.step({a: given[a] for a in env.agents}) if env.agents else env.reset())
        return steps

    env.reset(seed=3)
    play(0, 10)
    snapshot = copy.deepcopy(env.get_state())
    future = play(10, STEPS)
    env.set_state(snapshot)
    assert_same(play(10, STEPS), future, "the future of a snapshot")


def check_bad_joint_actions(subject: Subject, **keywords: Any) -> None:
    """A missing or wrong action is a ValueError that names the agent, and moves nothing."""
    env: Any = make_parallel(subject, **keywords)
    env.reset(seed=0)
    first, *_, last = env.possible_agents
    good = {a: np.zeros(env.action_space(a).shape) for a in env.possible_agents}
    before = env.get_state()
    with raises_value_error("a missing action", last):
        env.step({first: good[first]})
    with raises_value_error("a wrong shape", last, "shape"):
        env.step(good | {last: np.zeros(99)})
    with raises_value_error("no mapping", "action"):
        env.step(list(good.values()))
    with raises_value_error("NaN", last):
        env.step(good | {last: np.full_like(good[last], np.nan)})
    assert_same(env.get_state(), before, "the world after refused actions")


PARALLEL = (
    check_pettingzoo_contract,
    check_joint_equals_parallel,
    check_agents_leave,
    check_parallel_snapshots,
    check_bad_joint_actions,
)
