"""Sensors: from the keyword argument to bounds of an episode's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords, check_number
from gym_suite.drones.columns import SENSORS
from gym_suite.drones.envs.adversity import bounds_of

#: Largest numbers, in the units of the columns: m, m/s, control periods, rad, rad/s.
LARGEST: Mapping[str, float] = MappingProxyType(
    {
        "position_noise": 10.0,
        "velocity_noise": 10.0,
        "latency": 100,
        "attitude_noise": 0.1,
        "attitude_bias": 0.3,
        "rate_noise": 10.0,
        "rate_bias": 10.0,
    }
)


def read_sensors(given: Any) -> np.ndarray:
    """Return the table ``sensors``: lowest and highest numbers of an episode, or no row where nothing was asked for.

    Args:
        given: None, or numbers by name, pairs of bounds where they are drawn at each reset; the latency is one number.

    Raises:
        ValueError: For an unknown name, naming the nearest, or a number out of bounds.
    """
    if given is None:
        return np.zeros((0, len(SENSORS)))
    if not isinstance(given, Mapping):
        raise ValueError(f"sensors takes a mapping with {', '.join(SENSORS.names)}, got {given!r}")
    check_keywords(given, SENSORS.names, "number of sensors")
    bounds = {
        name: bounds_of(f"sensors {name}", value, low=0.0, high=LARGEST[name])
        for name, value in given.items()
        if name != "latency"
    }
    late = check_number(
        "sensors latency", given.get("latency", 0), low=0, high=LARGEST["latency"], integer=True
    )
    bounds["latency"] = (late, late)
    return np.array([bounds.get(name, (0.0, 0.0)) for name in SENSORS.names]).T.copy()
