"""The plant keywords that every environment takes: noise, mismatch, delay, disturbance.

They change what happens and what is measured, never the nominal parameters that controllers see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gym_suite.core.columns import Columns
from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.core.signals import Signal, as_signal


def read_noise(value: object, columns: Columns, measured: Sequence[str]) -> np.ndarray | None:
    """Return the standard deviation of each observation column, in observation units.

    Args:
        value: None, a fraction of full scale for all measured columns, or a mapping from observation
            column to standard deviation (SI).
        columns: The observation columns.
        measured: Names of those that are measurements.

    Raises:
        ValueError: For an unknown column (naming the nearest) or a negative number.
        TypeError: For anything else.
    """
    if value is None:
        return None
    sigma = np.zeros(len(columns))
    if isinstance(value, Mapping):
        for name, deviation in value.items():
            if name not in measured:
                raise unknown_error("measured quantity in noise", name, measured)
            number = check_number(f"noise of {name!r}", deviation, low=0.0)
            sigma[columns.index(name)] = number / columns[name].scale
    elif isinstance(value, int | float):
        fraction = check_number("noise", value, low=0.0)
        for name in measured:
            sigma[columns.index(name)] = fraction
    else:
        raise TypeError(f"noise must be a number or a mapping, got {type(value).__name__}")
    return sigma if sigma.any() else None


def read_mismatch(value: object, columns: Columns, allowed: Sequence[str]) -> np.ndarray:
    """Return which parameters of the plant depart from nominal, as (k, 3): column, lowest, highest factor.

    Args:
        value: None, a fraction s (every allowed parameter is drawn in [1 - s, 1 + s] at each reset),
            or a mapping from parameter to a factor or to a (lowest, highest) pair of factors.
        columns: The parameter columns.
        allowed: Names of the plant's physical parameters.

    Raises:
        ValueError: For an unknown parameter (naming the nearest) or factors not above 0.
        TypeError: For anything else.
    """
    if value is None:
        return np.zeros((0, 3))
    if isinstance(value, int | float):
        part = check_number("mismatch", value, low=0.0, high=0.99)
        value = dict.fromkeys(allowed, (1.0 - part, 1.0 + part)) if part else {}
    if not isinstance(value, Mapping):
        raise TypeError(f"mismatch must be a number or a mapping, got {type(value).__name__}")
    rows = []
    for name, factor in value.items():
        if name not in allowed:
            raise unknown_error("plant parameter in mismatch", name, allowed)
        pair = tuple(factor) if isinstance(factor, Sequence) else (factor, factor)
        if len(pair) != 2:
            raise ValueError(f"mismatch of {name!r} takes one factor or two, got {factor!r}")
        low, high = (check_number(f"mismatch of {name!r}", f, above=0.0) for f in pair)
        if low > high:
            raise ValueError(f"mismatch of {name!r}: lowest factor {low:g} above highest {high:g}")
        rows.append((columns.index(name), low, high))
    return np.array(rows, dtype=np.float64).reshape(len(rows), 3)


def read_delay(value: object) -> int:
    """Return the number of control periods by which actions are late.

    Raises:
        ValueError: If it is not a whole number in [0, 1000].
    """
    return int(check_number("delay", value, low=0, high=1000, integer=True))


def read_disturbance(value: object, channels: Sequence[str]) -> list[Signal]:
    """Return one signal per channel ("none" where it is not disturbed), or an empty list without any.

    Args:
        value: None or a mapping from channel to a number, a mapping or a :class:`Signal` (SI).
        channels: The family's channels.

    Raises:
        ValueError: For an unknown channel or signal, naming the nearest.
        TypeError: If it is no mapping.
    """
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise TypeError(
            f"disturbance must map channels ({', '.join(channels)}) to signals, "
            f"got {type(value).__name__}"
        )
    given: dict[str, Any] = dict(value)
    for name in given:
        if name not in channels:
            raise unknown_error("disturbance channel", name, channels)
    if not given:
        return []
    none = Signal(kind="none")
    return [
        as_signal(given[name], f"disturbance {name!r}") if name in given else none
        for name in channels
    ]
