"""Scales, advantages and counts against loops that go through time one number after the other."""

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

from gym_suite.learning.novelty import (
    CountBonus,
    DiscountedScale,
    Exploration,
    RunningMoments,
    Visits,
    advantages,
)

GENERATOR = np.random.default_rng(0)


def test_moments_of_batches_are_those_of_all_samples():
    samples = GENERATOR.normal(3.0, [1.0, 5.0], (1000, 2))
    moments = RunningMoments(2)
    for batch in np.split(samples, [1, 17, 400]):
        moments.update(batch)
    moments.update(np.zeros((0, 2)))
    np.testing.assert_allclose(moments.mean, samples.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, samples.var(axis=0), rtol=1e-12)


def test_the_scale_is_of_sums_that_run_through_time():
    """Not across rows, and not afresh with each rollout: each row by itself, in a plain loop."""
    rollouts = [GENERATOR.exponential(size=(7, 3)) * [1.0, 10.0, 0.1] for _ in range(4)]
    scale = DiscountedScale(3, 0.9)
    seen = []
    sums = [0.0, 0.0, 0.0]
    for rollout in rollouts:
        scale.update(rollout)
        for t in range(7):
            for row in range(3):
                sums[row] = 0.9 * sums[row] + rollout[t, row]
                seen.append(sums[row])
        assert scale.value == pytest.approx(np.std(seen), rel=1e-12)


def test_a_stream_without_spread_is_left_as_it_is():
    scale = DiscountedScale(2, 0.0)
    assert scale.value == 1.0
    scale.update(np.ones((5, 2)))
    assert scale.value == 1.0


@pytest.mark.parametrize("episodic", [False, True])
def test_advantages_are_discounted_sums_of_errors(episodic):
    """Against the definition, and past the ends of episodes where the stream runs on."""
    steps, rows, discount, decay = 9, 2, 0.9, 0.8
    rewards, values = GENERATOR.normal(size=(2, steps, rows))
    last = GENERATOR.normal(size=rows)
    ends = np.zeros((steps, rows), bool)
    ends[3, 0] = ends[8, 1] = True
    got = advantages(
        rewards, values, last, discount=discount, gae_lambda=decay, ends=ends if episodic else None
    )
    after = np.vstack([values[1:], last])
    for row in range(rows):
        for t in range(steps):
            total = 0.0
            for k in range(t, steps):
                over = episodic and ends[k, row]
                error = rewards[k, row] - values[k, row]
                error += 0.0 if over else discount * after[k, row]
                total += (discount * decay) ** (k - t) * error
                if over:
                    break
            assert got[t, row] == pytest.approx(total, rel=1e-12)


def test_visits_are_counted_one_after_the_other():
    visits = Visits([0.0, -1.0], [1.0, 1.0], 4)
    states = GENERATOR.uniform([-0.1, -1.0], [1.1, 1.0], (300, 2))
    seen, expected = {}, []
    for x, y in states:
        cell = (min(max(int(x * 4), 0), 3), min(int((y + 1.0) * 2), 3))
        seen[cell] = seen.get(cell, 0) + 1
        expected.append(seen[cell])
    got = np.concatenate([visits.add(part) for part in np.split(states, [10, 200])])
    assert got.tolist() == expected
    assert visits.coverage == len(seen)
    assert {cell: visits.counts[cell] for cell in seen} == seen


def test_the_count_bonus_falls_with_the_root_of_the_visits():
    bonus = CountBonus(Visits([0.0], [1.0], 10))
    states = np.full((4, 3, 1), 0.55)
    states[:, 2] = [[0.05], [0.15], [0.25], [0.35]]
    rewards = bonus.rewards(states)
    np.testing.assert_allclose(rewards[:, 2], 1.0)
    np.testing.assert_allclose(rewards[:, :2].ravel(), 1.0 / np.sqrt(np.arange(1, 9)))
    assert bonus.novelty(np.array([[0.55], [0.95]])).tolist() == [1.0 / 3.0, 1.0]


def test_visits_need_bounds():
    with pytest.raises(ValueError, match="finite bounds"):
        Visits([0.0], [np.inf], 4)
    with pytest.raises(ValueError, match="too many"):
        Visits(np.zeros(20), np.ones(20), 4)


def test_exploration_notes_cells_goals_and_the_first_of_them():
    space = gymnasium.spaces.Box(-1.0, 1.0, (3,))
    space.origin = {"columns": ("x", "y", "speed")}
    env = SimpleNamespace(observation_space=space)
    record = Exploration(env, visited=["x", "y"], cells=2, success="arrived")
    assert record.row() == {"successes": 0, "first_success": None, "coverage": 0}
    last = {"terminal_observation": np.array([0.5, 0.5, 0.0]), "arrived": 0.0}
    names = {
        "new_obs": np.array([[-0.5, -0.5, 0.0], [-0.5, 0.5, 0.0]]),
        "dones": np.array([False, True]),
        "infos": [{}, last],
    }
    record.note(names, 2)  # the second row ended elsewhere than its next episode began
    assert record.row() == {"successes": 0, "first_success": None, "coverage": 2}
    last["arrived"] = 1.0
    record.note(names, 4)
    record.note(names, 6)
    assert record.row() == {"successes": 2, "first_success": 4, "coverage": 2}
    assert record.visits.counts.tolist() == [[3, 0], [0, 3]]
    nothing = Exploration(env)
    nothing.note(names, 2)
    assert set(nothing.row().values()) == {None}
