"""Which episode seeds are for what, all in one place, so that nothing is judged on what it was made with.

==========================  ==============================================================================
0 to 99,999                 comparisons: ``compare``, reports, leaderboards
100,000 to 199,999          evaluations along a training or a search, from which learning curves are drawn
200,000 to 999,999          searches of a controller's hyper-parameters, 1,000 for each seed of a search
1,000,000 and above         trainings, a million for each training seed
==========================  ==============================================================================

A training's rows start from its first seeds and go on with the generators that they give. Stable-Baselines3 seeds an
environment with the seed of the training: the environments of this package take that as said here.
"""

from __future__ import annotations

from typing import Any

EVALUATION_SEED = 100_000
TUNING_SEED = 200_000
TUNING_STRIDE = 1_000
TRAINING_SEEDS = 1_000_000
#: Seeds of searches that there is room for.
SEARCHES = (TRAINING_SEEDS - TUNING_SEED) // TUNING_STRIDE


def first_and_last(given: Any) -> tuple[int, int]:
    """Return the first and the last of some episode seeds, as a file of JSON tells them.

    Args:
        given: What stands there.

    Raises:
        ValueError: If these are not two whole numbers from 0 on, the second not below the first.
    """
    whole = isinstance(given, list) and all(type(seed) is int for seed in given)
    if not whole or len(given) != 2 or not 0 <= given[0] <= given[1]:
        raise ValueError(
            f"the first and the last seed of episodes are two whole numbers, such as [0, 9999], got {given!r:.80}"
        )
    return given[0], given[1]


def purpose_of(seed: int) -> str:
    """Return what an episode seed is for: "comparison", "evaluation", "tuning" or "training"."""
    if seed < EVALUATION_SEED:
        return "comparison"
    if seed < TUNING_SEED:
        return "evaluation"
    return "tuning" if seed < TRAINING_SEEDS else "training"


def tuning_seeds(seed: int, episodes: int) -> range:
    """Return the episode seeds of a search.

    Args:
        seed: Of the search.
        episodes: How many.

    Raises:
        ValueError: If there are no seeds for such a search, or not as many.
    """
    if not 0 <= seed < SEARCHES:
        raise ValueError(f"seed: expected 0 to {SEARCHES - 1} for a search, got {seed}")
    if not 0 < episodes <= TUNING_STRIDE:
        raise ValueError(f"a search has 1 to {TUNING_STRIDE} episodes, got {episodes}")
    first = TUNING_SEED + TUNING_STRIDE * seed
    return range(first, first + episodes)


def training_seed(seed: int) -> int:
    """Return the episode seed of a training's first row; the others follow.

    Args:
        seed: Of the training.
    """
    return TRAINING_SEEDS * (seed + 1)


def first_row_seed(seed: int) -> int:
    """Return the episode seed of the first row of an environment that a training has seeded with a number.

    Args:
        seed: Of the training, or an episode seed for trainings, which stays.
    """
    return seed if purpose_of(seed) == "training" else training_seed(seed)
