"""Worlds that rest after their end: until then they are what they are otherwise, afterwards nothing changes."""

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.registration import catalogue

SINGLE = {
    card.id: dict(card.settings.get("compiled", {}))
    for card in catalogue().values()
    if card.entry_point
}
CASES = [
    *SINGLE.items(),
    ("drones/Hover-v0", {"engine": "bullet"}),
    ("agv/SimpleDynamic-v0", {"noise": 0.01, "delay": 2}),
    ("gem/PMSM-v0", {"noise": 0.01, "mismatch": 0.2, "delay": 1}),
]
N = 5


def rows_of(observation, rows):
    if isinstance(observation, dict):
        return [part[rows] for part in observation.values()]
    return [observation[rows]]


def assert_rows(found, expected, rows, what):
    for a, b in zip(rows_of(found, rows), rows_of(expected, rows), strict=True):
        assert np.array_equal(a, b), what


@pytest.mark.parametrize(("id", "keywords"), CASES)
def test_worlds_are_as_ever_until_they_end_and_rest_then(id, keywords):
    usual, resting = (gymnasium.make_vec(id, N, max_episode_steps=8, **keywords) for _ in range(2))
    resting.unwrapped.resting = True
    for envs in (usual, resting):
        envs.reset(seed=4)
        envs.action_space.seed(1)
    over, last = np.zeros(N, np.bool_), None
    for step in range(12):
        if step == 3:  # from here on the worlds are at different times
            late = np.array([True, False, True, False, False]) & ~over
            for envs in (usual, resting):
                envs.reset(options={"reset_mask": late}) if late.any() else None
        action = usual.action_space.sample()
        expected, found = usual.step(action), resting.step(action)
        for k in range(4):
            assert_rows(found[k], expected[k], ~over, f"step {step}, {k}")
        for name, values in usual.metrics().items():
            assert np.array_equal(resting.metrics()[name][~over], values[~over]), name
        if over.any():
            assert_rows(found[0], last[0], over, "what is seen of a world that rests")
            assert_rows(resting.metrics(), last[1], over, "its metrics")
            assert not found[1][over].any() and not (found[2] | found[3])[over].any()
        over |= found[2] | found[3]
        last = found[0], resting.metrics()
    assert over.all()
    wake = np.arange(N) < 2
    resting.reset(options={"reset_mask": wake})
    before = resting.state()
    resting.step(resting.action_space.sample())
    moved = [values != before[name] for name, values in resting.state().items()]
    assert np.any(moved, axis=0)[wake].all() and not np.any(moved, axis=0)[~wake].any()
    for envs in (usual, resting):
        envs.close()


def test_a_snapshot_of_worlds_that_rest_is_taken_and_restored():
    envs = gymnasium.make_vec("gem/PMSM-v0", 2, max_episode_steps=2)
    envs.unwrapped.resting = True
    envs.reset(seed=0)
    action = np.zeros(envs.action_space.shape)
    for _ in range(3):
        envs.step(action)
    kept = envs.unwrapped.get_state()
    envs.reset(options={"reset_mask": np.array([True, False])})
    envs.unwrapped.set_state(kept)
    before = envs.unwrapped.state()
    envs.step(action)
    assert all(np.array_equal(before[name], v) for name, v in envs.unwrapped.state().items())


def test_only_the_states_that_are_asked_for():
    envs = gymnasium.make_vec("gem/PMSM-v0", 2)
    envs.reset(seed=0)
    whole = envs.unwrapped.state()
    some = list(whole)[2:0:-1]
    asked = envs.unwrapped.state(some)
    assert list(asked) == some
    assert all(np.array_equal(asked[name], whole[name]) for name in some)
    with pytest.raises(ValueError, match="Did you mean"):
        envs.unwrapped.state([some[0] + "x"])
