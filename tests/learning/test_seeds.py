"""Nothing is judged on the episodes that it was made with."""

from itertools import pairwise

import gymnasium
import pytest

from gym_suite.learning import make_sb3_vec
from gym_suite.learning.randomised import side_by_side
from gym_suite.learning.seeds import (
    EVALUATION_SEED,
    SEARCHES,
    purpose_of,
    training_seed,
    tuning_seeds,
)

stable_baselines3 = pytest.importorskip("stable_baselines3")


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
    rows.close()
    assert not trained & compared()


def compared():
    """What the first episodes of a comparison start with."""
    episodes = gymnasium.make_vec("gem/PMSM-v0", 32)
    first, _ = episodes.reset(seed=0)
    episodes.close()
    return {tuple(row) for row in first.tolist()}


@pytest.mark.parametrize("seed", [0, 3, 999_999])
def test_a_model_of_stable_baselines3_learns_on_no_episode_of_a_comparison(seed):
    """It seeds its rows with its own seed, as a training of ours is seeded."""
    rows, theirs = (make_sb3_vec("gem/PMSM-v0", 16) for _ in range(2))
    stable_baselines3.PPO("MlpPolicy", rows, n_steps=8, batch_size=128, device="cpu", seed=seed)
    assert rows._seeds == [training_seed(seed) + i for i in range(16)]
    started = {tuple(row) for row in rows.reset().tolist()}
    assert len(started) == 16 and not started & compared()
    theirs.seed(training_seed(seed))  # what a training of ours does once more
    assert theirs._seeds == [training_seed(seed) + i for i in range(16)]
    assert {tuple(row) for row in theirs.reset().tolist()} == started
    rows.close()
    theirs.close()


def test_blocks_of_plants_are_seeded_alike():
    blocks = side_by_side([make_sb3_vec("gem/PMSM-v0", n) for n in (3, 2)])
    blocks.seed(4)
    assert blocks._seeds == [training_seed(4) + i for i in range(5)]
    assert {purpose_of(seed) for seed in make_sb3_vec("gem/PMSM-v0", 2).seed()} == {"training"}
    blocks.close()
