"""What the intervals and verdicts of a page are worth, by simulation: run this module to measure it anew.

    python -m gym_suite.comparison.coverage

An interval at 95 % is right in 95 of 100 cases only if it can know how trainings scatter. The cases are those of a
critic (trainings that are now and then much worse, or of which one in five comes to nothing) beside well-behaved ones;
each draws its own truth from half a million episodes.

The second table is of pages that compare nothing but equals: as good in the interquartile mean. A method most of whose
trainings are better and some so much worse that the means are equal is no equal here: what is said of it is said of its
typical episode.

The third is of pages that compare equals whose trainings do not scatter normally, which the claims take them to do:
spread evenly, or of two kinds. There five trainings can all be of one kind by chance, and nothing tells that others
would have been of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.samples import Sample, iqm
from gym_suite.comparison.statistics import contrast
from gym_suite.comparison.verdicts import LEVEL, holm, p_value

__all__ = [
    "CASES",
    "COVERAGE",
    "FALSE_PAGES",
    "NULLS",
    "SCATTERED",
    "TRAININGS",
    "Coverage",
    "false_pages",
    "measure_coverage",
]

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]
NullDraw = Callable[[np.random.Generator], tuple[Array, Array]]

EPISODES = 20
TRAININGS = (5, 10, 20)


def _normal(rng: np.random.Generator, n: int) -> Array:
    shared = rng.normal(size=(1, EPISODES))
    return rng.normal(size=(n, 1)) + shared + 0.5 * rng.normal(size=(n, EPISODES))


def _skewed_episodes(rng: np.random.Generator, n: int) -> Array:
    shared = rng.lognormal(size=(1, EPISODES))
    return 0.5 * rng.normal(size=(n, 1)) + shared + 0.5 * rng.normal(size=(n, EPISODES))


def _skewed_trainings(rng: np.random.Generator, n: int) -> Array:
    shared = 0.3 * rng.normal(size=(1, EPISODES))
    return -rng.lognormal(size=(n, 1)) + shared + 0.3 * rng.normal(size=(n, EPISODES))


def _bimodal(noise: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Array:
        learned = (rng.random((n, 1)) > 0.2).astype(np.float64)
        shared = noise * rng.normal(size=(1, EPISODES))
        return learned + shared + noise * rng.normal(size=(n, EPISODES))

    return draw


CASES: Mapping[str, Draw] = MappingProxyType(
    {
        "trainings scatter normally": _normal,
        "episodes are skewed": _skewed_episodes,
        "a few trainings are much worse (lognormal)": _skewed_trainings,
        "one training in five is worse by three times the scatter": _bimodal(0.3),
        "one training in five is worse by twenty times the scatter": _bimodal(0.05),
    }
)
"""Name to a function of generator and number of trainings that draws (trainings, episodes)."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often a 95 % interval held the truth, by number of trainings as in :data:`TRAININGS`.

    Attributes:
        trimmed: of the interquartile mean.
        full: where every episode counts in full, as failures do.
    """

    trimmed: tuple[float, ...]
    full: tuple[float, ...]


def measure_coverage(
    draw: Draw, trainings: int, *, full: bool, trials: int, seed: int = 0, resamples: int = 600
) -> float:
    """Share of trials in which the interval holds the statistic of the whole population.

    Args:
        draw: one of :data:`CASES`.
        trainings: number of trainings.
        full: whether every episode counts in full (the mean), instead of the interquartile mean.
        trials: number of simulated comparisons; their standard error is at most ``0.5 / sqrt(trials)``.
        seed: of the simulation.
        resamples: of each bootstrap.
    """
    rng = np.random.default_rng(seed)
    population = np.concatenate([draw(rng, 25).ravel() for _ in range(1000)])
    truth = float(population.mean() if full else iqm(population))
    hits = 0
    for _ in range(trials):
        sample = Sample.of(draw(rng, trainings), full)
        interval, _ = contrast([sample], lambda a: a, resamples=resamples, seed=rng)
        hits += interval.low <= truth <= interval.high
    return hits / trials


def _pair(spread: float, own: float, noise: float, n: int, tail: str = "normal") -> NullDraw:
    """An agent of n trainings and a reference that is as good; spreads of trainings, own difficulty and noise."""

    def draw(rng: np.random.Generator) -> tuple[Array, Array]:
        shared = rng.normal(size=(1, EPISODES))
        scatter = {
            "normal": lambda size: rng.normal(size=size),
            "heavy": lambda size: rng.standard_t(2, size=size),
        }[tail]
        agent = (
            spread * scatter((n, 1))
            + own * rng.normal(size=(1, EPISODES))
            + noise * scatter((n, EPISODES))
        )
        reference = own * rng.normal(size=(1, EPISODES)) + noise * scatter((1, EPISODES))
        return shared + agent, shared + reference

    return draw


def _crashing(rng: np.random.Generator) -> tuple[Array, Array]:
    """Both crash in a tenth of their episodes, and lose all then."""
    a, b = rng.normal(size=(2, 1, EPISODES)) - 20.0 * (rng.random((2, 1, EPISODES)) < 0.1)
    return a, b


def _arriving(rng: np.random.Generator) -> tuple[Array, Array]:
    """Both reach a goal in 85 % of their episodes: returns of 0 and 1."""
    a, b = (rng.random((2, 1, EPISODES)) < 0.85).astype(np.float64)
    return a, b


def _no_better(draw: Draw, n: int) -> NullDraw:
    """Trainings of a case against a reference that stands at the interquartile mean of its population."""
    rng = np.random.default_rng(0)
    level = float(iqm(np.concatenate([draw(rng, 25).ravel() for _ in range(1000)])))

    def pair(rng: np.random.Generator) -> tuple[Array, Array]:
        return draw(rng, n), level + 0.3 * rng.normal(size=(1, EPISODES))

    return pair


NULLS: Mapping[str, NullDraw] = MappingProxyType(
    {
        "not trained": _pair(0.0, 0.0, 1.0, 1),
        "not trained, heavy tails": _pair(0.0, 0.0, 1.0, 1, "heavy"),
        "not trained, episodes hard for one only": _pair(0.0, 1.0, 0.3, 1),
        "crashes in a tenth of the episodes": _crashing,
        "goal reached or not": _arriving,
        "five trainings": _pair(1.0, 0.0, 0.3, 5),
        "five trainings, heavy tails": _pair(1.0, 0.0, 0.3, 5, "heavy"),
        "five trainings much alike": _pair(0.1, 0.0, 1.0, 5),
        "five trainings, episodes hard for one only": _pair(0.1, 1.0, 0.3, 5),
        "five trainings, a few much worse": _no_better(_skewed_trainings, 5),
        "five trainings, one in five worse": _no_better(_bimodal(0.3), 5),
    }
)
"""Name to a function that draws an agent and a reference between which there is no difference."""


@dataclass(frozen=True, slots=True)
class Scattered:
    """Trainings that are as good as a reference on average, and do not scatter normally.

    Attributes:
        draw: from generator and number of trainings, what each training is above or below the reference, (n, 1).
        full: whether every episode counts in full, as failures do.
    """

    draw: Draw
    full: bool

    def null(self, trainings: int) -> NullDraw:
        """A function that draws a comparison of so many trainings."""

        def pair(rng: np.random.Generator) -> tuple[Array, Array]:
            shared = rng.normal(size=(1, EPISODES))
            own = self.draw(rng, trainings) + 0.05 * rng.normal(size=(trainings, EPISODES))
            return shared + own, shared + 0.05 * rng.normal(size=(1, EPISODES))

        return pair


SCATTERED: Mapping[str, Scattered] = MappingProxyType(
    {
        "trainings spread evenly": Scattered(lambda rng, n: rng.uniform(-1.0, 1.0, (n, 1)), False),
        "half of the trainings above, half below": Scattered(
            lambda rng, n: rng.choice([-1.0, 1.0], size=(n, 1)), False
        ),
        "one training in five fails": Scattered(
            lambda rng, n: np.where(rng.random((n, 1)) < 0.2, -0.8, 0.2), True
        ),
    }
)
"""Name to trainings between which and the reference there is no difference on average."""

FALSE_PAGES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    dict(zip(SCATTERED, ((0.14, 0.105, 0.03), (0.98, 0.11, 0.11), (1.0, 1.0, 0.49)), strict=True))
)
"""Share of pages of 60 such comparisons that say something false, by :data:`TRAININGS`; of 200 pages each, standard
error 0.01 to 0.04."""


def false_pages(
    draws: list[NullDraw],
    *,
    pages: int,
    full: bool = False,
    comparisons: int = 60,
    seed: int = 0,
    resamples: int = 300,
) -> float:
    """Share of pages of null comparisons on which at least one verdict is false.

    Args:
        draws: what the comparisons of a page are drawn by, in turn.
        pages: number of simulated pages.
        full: whether every episode counts in full, instead of the interquartile mean.
        comparisons: on each of them.
        seed: of the simulation.
        resamples: of each bootstrap.
    """
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(pages):
        found = []
        for i in range(comparisons):
            agent, reference = draws[i % len(draws)](rng)
            pair = Sample.of(agent, full), Sample.of(reference, full)
            found.append(p_value(*pair, resamples=resamples))
        wrong += min(holm(found)) < LEVEL
    return wrong / pages


COVERAGE: Mapping[str, Coverage] = MappingProxyType(
    dict(
        zip(
            CASES,
            (
                Coverage((0.978, 0.978, 0.960), (0.976, 0.971, 0.954)),
                Coverage((0.990, 0.979, 0.957), (0.973, 0.940, 0.898)),
                Coverage((0.950, 0.971, 0.957), (0.831, 0.867, 0.878)),
                Coverage((0.975, 0.960, 0.956), (0.907, 0.927, 0.950)),
                Coverage((0.966, 0.961, 0.968), (0.685, 0.887, 0.927)),
            ),
            strict=True,
        )
    )
)
"""Measured by this module with 2,000 trials each, standard error 0.005 to 0.01."""


def main(trials: int = 2000, pages: int = 1000) -> None:
    """Measure and print everything."""
    for name, draw in CASES.items():
        for full in (False, True):
            found = [measure_coverage(draw, n, full=full, trials=trials) for n in TRAININGS]
            told = ", ".join(f"{value:.3f}" for value in found)
            print(f"{name}, {'every episode in full' if full else 'interquartile'}: {told}")
    for name, null in NULLS.items():
        print(f"{name}: {false_pages([null], pages=pages):.3f} of the pages say something false")
    mixed = false_pages(list(NULLS.values()), pages=pages)
    print(f"all kinds together: {mixed:.3f}")
    for name, scattered in SCATTERED.items():
        found = [
            false_pages([scattered.null(n)], pages=200, full=scattered.full) for n in TRAININGS
        ]
        print(f"{name}: {', '.join(f'{value:.3f}' for value in found)}")


if __name__ == "__main__":
    main()
