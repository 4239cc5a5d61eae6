"""References on which our controllers and those of gym-electric-motor are judged: its process with our draws.

This module needs NumPy alone, so that both sides read it, each in its own Python: ``peer_runs.py`` beside
gym-electric-motor, ``peer_errors.py`` beside ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Control periods of an episode, and episodes that are recorded of its controllers.
STEPS, EPISODES = 5000, 10
#: Seeds of the episodes that are judged. On those of the first three our settings were chosen.
JUDGED = tuple(range(3, EPISODES))
#: Steps for which a standard deviation is kept.
KEPT = (500, 2000)
#: Part of the current limit within which the currents of two axes are asked for together. Where the nominal currents of
#: both axes are beyond the limit of their amplitude, who followed exactly would trip.
CIRCLE = 0.95

#: Its ids that are compared: those for which its release 3.0.3 builds a controller that runs, the unstable EESM apart.
NAMES = (
    *(f"Cont-CC-{machine}-v0" for machine in ("PermExDc", "SeriesDc", "ShuntDc", "ExtExDc")),
    *(f"Cont-CC-{machine}-v0" for machine in ("PMSM", "SynRM", "SCIM")),
    *(f"Cont-TC-{machine}-v0" for machine in ("PermExDc", "SeriesDc", "ShuntDc", "ExtExDc")),
    *(f"Cont-SC-{machine}-v0" for machine in ("PermExDc", "SeriesDc", "ShuntDc", "ExtExDc")),
)


def walk(
    bounds: Sequence[float], sigma: Sequence[float], steps: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return a Wiener process clipped at its bounds, (steps,), as parts of a limit.

    The standard deviation of a step is drawn evenly in its logarithm, for 500 to 2000 steps each.

    Args:
        bounds: Least and largest value.
        sigma: Least and largest standard deviation of a step.
        steps: Number of values.
        generator: What draws them.
    """
    low, high = bounds
    values, value = np.empty(steps), generator.uniform(low, high)
    left, deviation = 0, 0.0
    for k in range(steps):
        if left == 0:
            left = int(generator.integers(*KEPT))
            deviation = 10.0 ** generator.uniform(*np.log10(sigma))
        value = min(max(value + deviation * generator.normal(), low), high)
        values[k] = value
        left -= 1
    return values


def courses(
    bounds: Sequence[Sequence[float]], sigma: Sequence[Sequence[float]], circle: bool, seed: int
) -> NDArray[np.float64]:
    """Return the references of an episode, (quantities, STEPS + 1), as parts of their limits.

    Args:
        bounds: Least and largest value of each quantity.
        sigma: Least and largest standard deviation of a step of each.
        circle: Whether the first two are currents with one limit of their amplitude, see :data:`CIRCLE`.
        seed: Of the episode.
    """
    generator = np.random.default_rng(seed)
    drawn = [walk(*both, STEPS + 1, generator) for both in zip(bounds, sigma, strict=True)]
    found = np.array(drawn)
    if circle:
        found[:2] *= np.minimum(1.0, CIRCLE / np.maximum(np.hypot(*found[:2]), CIRCLE))
    return found
