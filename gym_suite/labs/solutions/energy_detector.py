"""Answers of lab 8.

With noise of power 1 and N complex samples 2 N T is chi-square with 2 N degrees of freedom, noncentral by 2 N g with
a signal (Urkowitz 1967; Digham, Alouini and Simon 2007). Far below the noise the distance of the means is g sqrt(N)
standard deviations, so half the power takes four times the samples. With the noise in doubt by the factor rho no
signal below (rho^2 - 1) / rho is found (Tandra and Sahai 2008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_suite.labs.lessons.energy_detector import LAB


def solve(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Return the answers by the keys of the questions.

    Args:
        numbers: The student's numbers.
    """
    from scipy.stats import chi2, ncx2

    count, signal = 2.0 * numbers["samples"], 10.0 ** (numbers["snr"] / 10.0)
    threshold = chi2.isf(numbers["false_alarm"], count) / count
    rho = 10.0 ** (numbers["doubt"] / 10.0)
    return {
        "mean": 1.0 + signal,
        "threshold": float(threshold),
        "detection": float(ncx2.sf(count * threshold, count, count * signal)),
        "quarter": 4.0,
        "wall": 10.0 * math.log10(rho - 1.0 / rho),
        "who": LAB.question("who").choices[1],
    }
