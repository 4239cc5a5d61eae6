"""Search along a line for many problems at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

STEPS = 40  # of bisections and golden sections
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


def golden(value: Callable[[Values], Values], left: Any, right: Any, steps: int = STEPS) -> Values:
    """Return where functions are largest, each unimodal between left and right; golden section."""
    left, right = np.broadcast_arrays(left, right)
    for _ in range(steps):
        span = _GOLDEN * (right - left)
        one, two = right - span, left + span
        up = value(one) < value(two)
        left, right = np.where(up, one, left), np.where(up, right, two)
    return 0.5 * (left + right)
