"""When one agent may be said to beat another: tests that must agree, corrected for their number.

A claim about a pair of agents needs three things to agree in direction, and is only as sure as the least sure of them
(an intersection-union test: Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24(4),
1982):

* the number of episodes won, by an exact sign test over the episode seeds, in each of which the majority of the
  trainings decides. It assumes nothing of how returns scatter;
* the mean difference on the same episode seeds, by a t-test in which trainings and episodes both count as drawn;
* the difference of the two :func:`~gym_suite.comparison.samples.location`, by its bootstrap standard deviation.

The last two take trainings as scattering roughly normally about their mean, with one degree of freedom less than there
are trainings: with five of them no test could do without. A page makes many comparisons; Holm ("A simple sequentially
rejective multiple test procedure", Scandinavian Journal of Statistics 6(2), 1979) corrects for all of them together.
:mod:`gym_suite.comparison.coverage` measures how often a page of null comparisons still says something false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtr

from gym_suite.comparison.samples import Sample
from gym_suite.comparison.statistics import RESAMPLES, contrast

__all__ = ["LEVEL", "Claim", "Overall", "Verdict", "holm", "judge", "over_settings", "p_value"]

LEVEL = 0.05
"""Corrected probability of error below which a claim is made."""

Claim = Literal["beats", "loses", "fails more", "cannot tell"]
Overall = Literal["beats", "loses", "fails more", "cannot tell", "depends on the setting"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of an agent beside the reference in one setting.

    Attributes:
        claim: "beats" and "loses"; "fails more" where it earns more but more of its episodes fail; "cannot tell".
        p: of the tests, not corrected.
        corrected: for all comparisons of the page.
    """

    claim: Claim
    p: float
    corrected: float


def judge(
    agent: Sample, reference: Sample, p: float, corrected: float, *, fails_more: bool
) -> Verdict:
    """Put a pair of agents into words.

    Args:
        agent: what it came to.
        reference: the same of the reference.
        fails_more: whether more of the agent's episodes failed.
        p: from :func:`p_value`.
        corrected: from :func:`holm`.
    """
    if corrected >= LEVEL:
        return Verdict("cannot tell", p, corrected)
    if agent.location < reference.location:
        return Verdict("loses", p, corrected)
    return Verdict("fails more" if fails_more else "beats", p, corrected)


def over_settings(claims: Sequence[Claim], *, fails_more: bool) -> Overall:
    """Put what is claimed in each of several settings into one verdict.

    Args:
        claims: one per setting.
        fails_more: whether more of the agent's episodes than of the reference's failed in any of them, told apart there
            or not.

    Returns:
        "beats" where it beats in at least one, loses in none and fails more often in none; "fails more" where only
        failures stand against that; "loses" where it loses in at least one and earns more in none; "depends on the
        setting" where it earns more in one and loses in another; "cannot tell" where no episodes tell them apart.
    """
    earns_more = "beats" in claims or "fails more" in claims
    if "loses" in claims:
        return "depends on the setting" if earns_more else "loses"
    if not earns_more:
        return "cannot tell"
    return "fails more" if fails_more else "beats"


def p_value(
    first: Sample, second: Sample, *, level: float = LEVEL, resamples: int = RESAMPLES
) -> float:
    """Probability of a difference at least as clear if there were none, on the same episode seeds.

    Args:
        first: what one agent came to.
        second: what the other came to.
        level: above which the cheap tests settle it: the bootstrap is not asked where they leave no claim.
        resamples: number of bootstrap resamples.

    Returns:
        The largest p of the tests; 1 where they do not agree in direction.
    """
    difference = first.values[:, None, :] - second.values[None, :, :]
    direction = np.sign(difference.mean())
    won = np.sign(difference).mean(axis=(0, 1))
    wins, losses = int(np.sum(won > 0)), int(np.sum(won < 0))
    if direction == 0.0 or direction != np.sign(wins - losses):
        return 1.0
    p = max(_sign_test(wins, losses), _mean_test(difference))
    if p >= level:
        return p
    interval, spread = contrast((first, second), lambda a, b: a - b, resamples=resamples)
    if np.sign(interval.estimate) != direction:
        return 1.0
    return max(p, _t_test(interval.estimate, spread, _freedom(difference)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values: claims at a level hold together with at most that probability of a false one.

    Args:
        p_values: of all comparisons made, in any order.

    Returns:
        As many, in the same order.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (p.size - np.arange(p.size)))
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected.tolist()


def _sign_test(wins: int, losses: int) -> float:
    """Exact two-sided binomial test of as many wins as losses; ties are left out."""
    return min(1.0, 2.0 * float(bdtr(min(wins, losses), wins + losses, 0.5)))


def _mean_test(difference: NDArray[np.float64]) -> float:
    """t-test of the mean of (trainings, other trainings, episodes), each of which was drawn."""
    variance = 0.0
    for axis in range(3):
        count = difference.shape[axis]
        if count > 1:
            others = tuple(a for a in range(3) if a != axis)
            variance += float(np.var(difference.mean(axis=others), ddof=1)) / count
    return _t_test(float(difference.mean()), variance**0.5, _freedom(difference))


def _freedom(difference: NDArray[np.float64]) -> int:
    """One less than the smallest number that was drawn; 0 where nothing was."""
    return min((count for count in difference.shape if count > 1), default=1) - 1


def _t_test(estimate: float, spread: float, freedom: int) -> float:
    """Two-sided p of an estimate with its standard deviation."""
    if freedom < 1 or not np.isfinite(spread):
        return 1.0
    if spread == 0.0:
        return 0.0 if estimate else 1.0
    return float(2.0 * stdtr(freedom, -abs(estimate) / spread))
