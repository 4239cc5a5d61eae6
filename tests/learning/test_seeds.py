"""Nothing is judged on the episodes that it was made with."""

from itertools import pairwise

from gym_suite.learning import make_sb3_vec
from gym_suite.learning.seeds import (
    EVALUATION_SEED,
    SEARCHES,
    purpose_of,
    training_seed,
    tuning_seeds,
)


def test_every_purpose_has_seeds_of_its_own():
    assert {purpose_of(seed) for seed in range(1000)} == {"comparison"}
    assert purpose_of(EVALUATION_SEED) == purpose_of(EVALUATION_SEED + 99) == "evaluation"
    for search in (0, 1, SEARCHES - 1):
        assert {purpose_of(seed) for seed in tuning_seeds(search, 1000)} == {"tuning"}
    firsts = [training_seed(k) for k in range(10)]
    assert {purpose_of(seed) for seed in firsts} == {"training"}
    assert min(b - a for a, b in pairwise(firsts)) > 4096  # rows of a training


def test_a_training_sees_no_episode_of_a_comparison():
    """Seeded as a training is, no row starts with what a comparison's seeds start with."""
    rows = make_sb3_vec("gem/PMSM-v0", 8)
    rows.seed(training_seed(0))
    trained = {tuple(row) for row in rows.reset().tolist()}
    rows.seed(0)
    compared = {tuple(row) for row in rows.reset().tolist()}
    rows.close()
    assert not trained & compared
