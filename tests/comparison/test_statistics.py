"""Known values, reproducibility, and coverage on synthetic data whose truth is known."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu, trim_mean

from gym_suite.comparison import coverage
from gym_suite.comparison.samples import Sample, iqm, location
from gym_suite.comparison.statistics import (
    bootstrap,
    contrast,
    paired_difference,
    performance_profile,
    probability_of_improvement,
    score,
    share,
    t_factor,
)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 19, 20, 21, 100])
def test_iqm_is_scipys_trimmed_mean(count):
    values = np.random.default_rng(count).standard_t(2, size=(3, count))
    np.testing.assert_allclose(iqm(values), trim_mean(values, 0.25, axis=-1), rtol=1e-12)


def test_iqm_known_value():
    assert iqm([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1000.0]) == 3.5


def test_same_seed_same_interval_and_global_state_untouched():
    scores = np.random.default_rng(3).normal(size=(5, 20))
    np.random.seed(11)  # noqa: NPY002 - the point is that this state is left alone
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert bootstrap(scores, seed=7) == bootstrap(scores, seed=7)
    assert bootstrap(scores, seed=7) != bootstrap(scores, seed=8)
    assert paired_difference(scores, scores[0], seed=7) == paired_difference(
        scores, scores[0], seed=7
    )
    assert probability_of_improvement(scores, scores[0], seed=7) == probability_of_improvement(
        scores, scores[0], seed=7
    )
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_interval_holds_the_estimate_and_shrinks_with_the_confidence():
    scores = np.random.default_rng(4).normal(size=40)
    wide, narrow = bootstrap(scores, confidence=0.99), bootstrap(scores, confidence=0.5)
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    assert narrow.estimate == pytest.approx(trim_mean(scores, 0.25))


# 500 trials have a standard error of 0.010, so the band below is nominal -0.035 / +0.03.
COVERAGE = (0.915, 0.98)
TRIALS = 500


def _population_iqm(sample):
    values = np.sort(sample(2_000_000))
    return values[500_000:1_500_000].mean()


@pytest.mark.parametrize("count", [20, 50])
@pytest.mark.parametrize("kind", ["normal", "exponential"])
def test_coverage_of_the_iqm(count, kind):
    rng = np.random.default_rng(12)
    sample = {"normal": rng.standard_normal, "exponential": rng.standard_exponential}[kind]
    truth = _population_iqm(sample)
    intervals = [bootstrap(sample(count), seed=rng, resamples=600) for _ in range(TRIALS)]
    covered = np.mean([i.low <= truth <= i.high for i in intervals])
    assert COVERAGE[0] <= covered <= COVERAGE[1]


@pytest.mark.parametrize("count", [20, 50])
def test_coverage_of_paired_quantities(count):
    rng = np.random.default_rng(13)
    probability = 0.5 * (1 + math.erf(0.3 / math.sqrt(0.5) / math.sqrt(2)))
    difference_hits = probability_hits = 0
    for _ in range(TRIALS):
        episode = rng.normal(size=count)  # what both methods share on one episode seed
        a = episode + 0.3 + 0.5 * rng.normal(size=count)
        b = episode + 0.5 * rng.normal(size=count)
        i = paired_difference(a, b, seed=rng, resamples=600)
        difference_hits += i.low <= 0.3 <= i.high
        i = probability_of_improvement(a, b, seed=rng, resamples=600)
        probability_hits += i.low <= probability <= i.high
    assert COVERAGE[0] <= difference_hits / TRIALS <= COVERAGE[1]
    assert COVERAGE[0] <= probability_hits / TRIALS <= COVERAGE[1]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", coverage.CASES)
def test_coverage_with_five_trainings_is_what_the_page_prints(name, full):
    """Interquartile means cover in at least 92 of 100 cases, whatever the trainings. 300 trials."""
    measured = coverage.measure_coverage(
        coverage.CASES[name], 5, full=full, trials=300, seed=5, resamples=300
    )
    told = coverage.COVERAGE[name]
    printed = (told.full if full else told.trimmed)[0]
    assert measured == pytest.approx(printed, abs=3 * math.sqrt(0.25 * 0.9 / 300) + 0.005)
    assert full or min(told.trimmed) >= 0.92


def test_resampling_episodes_alone_would_hide_a_lucky_training():
    """With a large spread between trainings, it would cover almost never."""
    rng = np.random.default_rng(14)
    draw = coverage.CASES["trainings scatter normally"]
    intervals = [bootstrap(draw(rng, 10).ravel(), seed=rng, resamples=300) for _ in range(200)]
    assert np.mean([i.low <= 0.0 <= i.high for i in intervals]) < 0.75


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(5)
    episode = 10 * rng.normal(size=20)
    a, b = episode + 0.1 * rng.normal(size=20) + 1.0, episode + 0.1 * rng.normal(size=20)
    difference = paired_difference(a, b)
    assert difference.low > 0.8 and difference.high < 1.2
    assert probability_of_improvement(a, b).estimate == 1.0
    assert probability_of_improvement(a, b, paired=False).low < 0.5


def test_probability_of_improvement_known_values():
    assert probability_of_improvement([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).estimate == 0.5
    assert probability_of_improvement([1.0, 5.0], [1.0, 2.0]).estimate == 0.75
    assert probability_of_improvement([[2.0, 2.0], [0.0, 0.0]], [1.0, 1.0]).estimate == 0.5
    rng = np.random.default_rng(6)
    a, b = rng.integers(0, 5, 15).astype(float), rng.integers(0, 6, 25).astype(float)
    oracle = mannwhitneyu(a, b).statistic / (15 * 25)
    assert probability_of_improvement(a, b, paired=False).estimate == pytest.approx(oracle)


def test_few_trainings_of_either_side_widen_the_probability_of_improvement():
    """Three trainings beside forty episodes of a law: the interval is as wide whichever of the two is named first."""
    rng = np.random.default_rng(4)
    law, trained = rng.normal(size=40), rng.normal(size=(3, 40))
    one = probability_of_improvement(law, trained)
    other = probability_of_improvement(trained, law)
    assert one.estimate == pytest.approx(1.0 - other.estimate)
    assert one.low == pytest.approx(1.0 - other.high, abs=0.02)
    assert one.high == pytest.approx(1.0 - other.low, abs=0.02)


def test_twenty_wins_of_twenty_are_not_certainty():
    won = probability_of_improvement(np.ones(20), np.zeros(20))
    exact = binomtest(20, 20).proportion_ci(0.95, method="exact")
    assert (won.estimate, won.high) == (1.0, 1.0)
    assert won.low == pytest.approx(exact.low)
    lost = probability_of_improvement(np.zeros(20), np.ones(20), paired=False)
    assert lost.high == pytest.approx(1 - exact.low)


def test_probability_matches_an_explicit_resampling():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(6, 12)) + 0.2, rng.normal(size=(6, 12))
    fast = probability_of_improvement(a, b, resamples=20_000)
    drawn = []
    for _ in range(4000):
        i, j, k = rng.integers(6, size=6), rng.integers(6, size=6), rng.integers(12, size=12)
        drawn.append(np.mean(a[i][:, None, k] > b[j][None, :, k]))
    ends = np.percentile(drawn, [2.5, 97.5])
    expected = fast.estimate + t_factor(6, 12) * (ends - fast.estimate)
    np.testing.assert_allclose([fast.low, fast.high], expected, atol=0.03)


def test_location_trims_no_failure():
    sound = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1000.0])
    assert location(sound, np.zeros(8, bool)) == 3.5
    values, failed = np.append(sound, [-100.0, -300.0]), np.arange(10) >= 8
    assert location(values, failed) == pytest.approx((8 * 3.5 - 400.0) / 10)
    outcomes = np.array([1.0] * 18 + [0.0] * 2)
    assert location(outcomes, outcomes == 0.0) == outcomes.mean() < iqm(outcomes)
    assert location(-sound, np.ones(8, bool)) == (-sound).mean()


def test_location_is_taken_row_by_row():
    rng = np.random.default_rng(9)
    values, full = rng.normal(size=(4, 3, 21)), rng.uniform(size=(4, 3, 21)) < 0.3
    full[0] = False
    full[1] = True
    together = location(values, full)
    for i, j in np.ndindex(4, 3):
        failed = full[i, j]
        alone = np.sum(values[i, j, failed])
        if not failed.all():
            alone += np.count_nonzero(~failed) * trim_mean(values[i, j, ~failed], 0.25)
        assert together[i, j] == pytest.approx(alone / 21, rel=1e-12)


def test_score_draws_its_anchors_with_the_agent():
    rng = np.random.default_rng(10)
    hard = 10.0 * rng.normal(size=20)  # what the episodes have in common
    zero, reference = Sample.of(hard), Sample.of(hard + 4.0 + rng.normal(size=20))
    assert score(zero, zero, reference) == score(zero, zero, reference, seed=1)
    assert (score(reference, zero, reference).low, score(reference, zero, reference).high) == (1, 1)
    agent = Sample.of(hard + 2.0 + rng.normal(size=20))
    paired, fixed = score(agent, zero, reference), score(agent, zero.location, reference.location)
    assert paired.low <= 0.5 <= paired.high
    assert paired.high - paired.low < 0.5 * (fixed.high - fixed.low)


def test_an_anchor_that_hardly_wins_leaves_the_score_open():
    rng = np.random.default_rng(11)
    zero, reference = Sample.of(rng.normal(size=20)), Sample.of(rng.normal(size=20) + 0.1)
    interval = score(Sample.of(rng.normal(size=20) + 1.0), zero, reference)
    assert interval.high == math.inf


def test_a_single_episode_tells_no_spread():
    assert bootstrap([3.0]).low == -math.inf and bootstrap([3.0]).high == math.inf
    assert t_factor(1, 1) == math.inf
    assert t_factor(5, 20) == pytest.approx(2.7764 / 1.9600 * math.sqrt(5 / 4), rel=1e-4)


def test_a_single_episode_tells_nothing_of_others_however_many_trainings_there_are():
    rng = np.random.default_rng(2)
    own, other = rng.normal(size=(5, 1)), rng.normal(size=(1, 1)) - 9.0
    found = [
        bootstrap(own),
        paired_difference(own, other),
        score(Sample.of(own), Sample.of(other), 9.0),
    ]
    assert all((one.low, one.high) == (-math.inf, math.inf) for one in found)
    assert (probability_of_improvement(own, other).low, share(own > -9.0).low) == (
        pytest.approx(0.025),
        pytest.approx(0.025),
    )
    profile = performance_profile(own, [0.0])
    assert (profile.low[0], profile.high[0]) == (0.0, 1.0)


def test_a_share_of_nothing_is_no_certainty():
    never = share(np.zeros((1, 20)))
    assert (never.estimate, never.low) == (0.0, 0.0)
    assert never.high == pytest.approx(binomtest(0, 20).proportion_ci(0.95, method="exact").high)
    some = share(np.repeat([0.0, 1.0], 10))
    assert 0.2 < some.low < 0.5 < some.high < 0.8


def test_performance_profile_known_values():
    profile = performance_profile([0.0, 0.5, 1.0, 1.5], [-1.0, 0.0, 0.75, 2.0])
    np.testing.assert_allclose(profile.share, [1.0, 0.75, 0.5, 0.0])
    assert np.all(profile.low <= profile.share) and np.all(profile.share <= profile.high)
    assert profile.low[0] == 1.0 == profile.high[0]


def test_strata_are_resampled_each_by_itself():
    """Between tasks of different levels the spread must not enter the interval."""
    easy, hard = np.full(20, 1.0), np.zeros(20)
    interval = bootstrap([easy, hard], statistic=lambda values: values.mean(axis=-1))
    assert interval.low == interval.high == interval.estimate == 0.5


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], np.zeros((2, 2, 2))])
def test_bad_scores_are_refused(bad):
    with pytest.raises(ValueError, match="scores"):
        bootstrap(bad)


def test_different_episode_seeds_cannot_be_paired():
    with pytest.raises(ValueError, match="3 and 2 episodes"):
        paired_difference([1.0, 2.0, 3.0], [1.0, 2.0])


def test_confidence_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="confidence is 95"):
        bootstrap([1.0, 2.0], confidence=95)


def test_the_spread_of_few_episodes_is_the_standard_error_of_their_mean():
    """Of three values nothing is trimmed; s / sqrt(n) with the n - 1 of the sample's deviation."""
    values = np.array([0.0, 3.0, 6.0])
    _, spread = contrast([Sample.of(values)], lambda mean: mean, resamples=20_000)
    assert spread == pytest.approx(values.std(ddof=1) / math.sqrt(3), rel=0.03)


def test_what_never_happened_is_as_doubtful_as_its_episodes_are_few_whatever_the_trainings():
    """Trainings on the same episodes are no new outcomes of these."""
    assert share(np.zeros((5, 20))).high == share(np.zeros((1, 20))).high
    assert share(np.ones((5, 20))).low == share(np.ones((1, 20))).low
