"""Ranks with intervals: known cases, and how often an interval misses the true place."""

import numpy as np

from gym_suite.comparison.ranks import Rank, ranking
from gym_suite.comparison.samples import Sample


def test_agents_that_are_far_apart_have_one_place_each():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=20)
    found = ranking({name: Sample.of(10.0 * k + noise) for k, name in enumerate("cba")})
    assert found.ranks == {"a": Rank(1, 1, 1), "b": Rank(2, 2, 2), "c": Rank(3, 3, 3)}
    assert len(found.p) == 3 and max(found.p.values()) < 1e-4
    assert found.between("a", "c") == found.between("c", "a") == found.p["c", "a"]


def test_agents_that_came_to_the_same_share_a_place_and_the_interval():
    values = np.arange(20.0)
    samples = {"one": Sample.of(values), "two": Sample.of(values), "low": Sample.of(values - 50.0)}
    ranks = ranking(samples).ranks
    assert ranks["one"] == ranks["two"] == Rank(1, 1, 2)
    assert ranks["low"] == Rank(3, 3, 3)


def test_one_agent_alone_is_first():
    assert ranking({"only": Sample.of([1.0, 2.0])}).ranks == {"only": Rank(1, 1, 1)}
    assert ranking({}).ranks == {}


def test_single_episodes_tell_nothing_apart():
    ranks = ranking({"a": Sample.of([5.0]), "b": Sample.of([1.0])}).ranks
    assert ranks == {"a": Rank(1, 1, 2), "b": Rank(2, 1, 2)}


def test_the_true_places_lie_in_all_intervals_as_often_as_promised():
    """Five agents, two of them with the same mean (either order is true), episodes shared; 200 tables."""
    means = np.array([0.0, 0.0, 0.6, 1.2, 1.3])
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(200):
        shared = rng.normal(size=25)
        values = means[:, None] + shared + rng.normal(size=(5, 25))
        ranks = ranking({str(k): Sample.of(v) for k, v in enumerate(values)}).ranks
        for k, mean in enumerate(means):
            best, worst = 1 + np.sum(means > mean), np.sum(means >= mean)
            if ranks[str(k)].best > best or ranks[str(k)].worst < worst:
                missed += 1
                break
    assert missed <= 17  # of 200 at 5 %: 10 expected at most, 17 is the 98th percentile
