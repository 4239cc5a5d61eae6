"""By which measures agents can be ranked, and of which statistic each metric of an episode is summarised."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.samples import iqm
from gym_suite.comparison.statistics import Interval, bootstrap, share, within

SHARES = ("terminated", "success", "failed")
"""Metrics that are 0 or 1 in an episode, of which the share is given."""

MEANS = ("violations", "completed", "Saturation", "TimeToGoal")
"""Metrics of which the mean is given: an interquartile mean would hide what happens in less than a quarter of the
episodes."""

PARTS = ("completed", "Saturation")
"""Metrics that are at most 1."""

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "return": "return",
        "IAE": "IAE",
        "ISE": "ISE",
        "ITAE": "ITAE",
        "RMSE": "RMSE",
        "TimeToGoal": "time to the goal",
        "success": "goals reached",
    }
)
"""Measures by which agents may be ranked: metric to its name."""

MORE_IS_BETTER = ("return", "success")
"""Those of which more is better."""


def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means along the last axis."""
    return np.mean(values, axis=-1)


def interval_of(metric: str, values: NDArray[np.float64]) -> Interval | None:
    """Return the interval of a metric over the episodes to which it applies, None if it applies to none.

    Args:
        metric: Its name.
        values: One per training and episode, (trainings, episodes); NaN where it does not apply.
    """
    applies = ~np.isnan(values).any(axis=0)
    if not applies.any():
        return None
    if metric in SHARES:
        return share(values[:, applies])
    interval = bootstrap(values[:, applies], statistic=mean if metric in MEANS else iqm)
    lowest = 0.0 if metric != "return" and (values[:, applies] >= 0.0).all() else -math.inf
    return within(interval, lowest, 1.0 if metric in PARTS else math.inf)
