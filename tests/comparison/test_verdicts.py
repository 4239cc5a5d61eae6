"""Claims are rare where there is nothing to claim, and made where there is."""

import numpy as np
import pytest
from scipy import stats

from gym_suite.comparison.coverage import (
    FALSE_PAGES,
    NULLS,
    SCATTERED,
    TRAININGS,
    false_pages,
)
from gym_suite.comparison.samples import Sample
from gym_suite.comparison.verdicts import holm, p_value


def test_holm_known_values():
    """The worked example of Holm's procedure: each p times the number of those not yet rejected."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("name", NULLS)
def test_a_page_of_sixty_null_comparisons_seldom_says_anything(name):
    assert false_pages([NULLS[name]], pages=30, seed=3) <= 0.05


def test_a_page_of_all_kinds_of_nulls_seldom_says_anything():
    assert false_pages(list(NULLS.values()), pages=60, seed=4) <= 0.05


@pytest.mark.parametrize("name", SCATTERED)
@pytest.mark.parametrize("trainings", TRAININGS)
def test_what_a_page_says_of_trainings_that_do_not_scatter_normally_is_what_it_is(name, trainings):
    """Within four standard errors of both; and no difference on average is one, by many draws."""
    scattered = SCATTERED[name]
    assert abs(scattered.draw(np.random.default_rng(1), 1_000_000).mean()) < 0.005
    told, pages = FALSE_PAGES[name][TRAININGS.index(trainings)], 40
    found = false_pages([scattered.null(trainings)], pages=pages, full=scattered.full, seed=5)
    middle = min(max(told, 0.02), 0.98)
    assert abs(found - told) < 4.0 * (middle * (1.0 - middle) * (1 / 200 + 1 / pages)) ** 0.5


def test_twenty_wins_of_twenty_stand_on_a_page_of_sixty():
    rng = np.random.default_rng(0)
    hard = 10.0 * rng.normal(size=20)
    better, reference = Sample.of(hard + 1.0 + 0.1 * rng.normal(size=20)), Sample.of(hard)
    p = p_value(better, reference)
    assert p == pytest.approx(2 * 0.5**20)
    assert p_value(reference, better) == p
    assert min(holm([p] + [1.0] * 59)) < 0.001


def test_five_trainings_that_agree_are_enough_and_five_that_do_not_are_not():
    rng = np.random.default_rng(1)
    reference = Sample.of(rng.normal(size=20))
    agree = reference.values + 1.0 + 0.05 * rng.normal(size=(5, 1))
    assert p_value(Sample.of(agree), reference) < 0.05 / 60
    differ = reference.values + 1.0 + 1.0 * np.array([[-1.5], [-1.0], [0.0], [1.0], [1.5]])
    assert p_value(Sample.of(differ), reference) > 0.05


@pytest.mark.parametrize("trainings", [1, 3])
def test_the_test_of_the_mean_is_students(trainings):
    """Nine episodes of ten are won, the mean is dim: the paired t-test has the larger p and is what is told.

    With several trainings the variance is that over the episodes' means plus that over the trainings', and the degrees
    of freedom are those of the fewer.
    """
    rng = np.random.default_rng(2)
    reference = rng.normal(size=10)
    gain = np.array([0.2, 0.3, 0.25, 0.4, 0.1, 0.3, 6.0, 5.0, 0.2, -0.1])
    shift = 0.02 * np.arange(trainings)[:, None]
    p = p_value(Sample.of(reference + gain + shift), Sample.of(reference), level=0.0)
    if trainings == 1:
        expected = stats.ttest_rel(reference + gain, reference).pvalue
    else:
        variance = np.var(gain, ddof=1) / gain.size + np.var(shift, ddof=1) / trainings
        t = (gain.mean() + shift.mean()) / np.sqrt(variance)
        expected = 2.0 * stats.t.sf(t, df=trainings - 1)
    assert p == pytest.approx(expected, rel=1e-9)
    assert p > 2.0 * stats.binom.cdf(1, 10, 0.5)


def test_tests_that_disagree_make_no_claim():
    """Many small wins, few large losses: more episodes won, less earned."""
    reference = Sample.of(np.zeros(40))
    agent = np.full(40, 0.1)
    agent[:4] = -10.0
    assert p_value(Sample.of(agent), reference) == 1.0


def test_a_single_episode_makes_no_claim():
    assert p_value(Sample.of([2.0]), Sample.of([1.0])) == 1.0


def test_equal_agents_make_no_claim():
    same = Sample.of(np.arange(20.0))
    assert p_value(same, same) == 1.0
