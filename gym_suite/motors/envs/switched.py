"""Switched converters as a setup knows them: how many states each part has, and what its legs are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_suite.core.columns import Column
from gym_suite.motors.machines import Machine
from gym_suite.motors.switches import (
    BRIDGE_STATES,
    CHOPPER_STATES,
    bridge_legs,
    chopper_legs,
    parts_of,
)


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of a drive's converter.

    Attributes:
        choices: Switching states of each part of the converter.
        legs: The legs as an observation shows them, with their places among all.
        shown: Positions of these legs in each switching state, a table (choices, legs) for each part.
    """

    choices: tuple[int, ...]
    legs: tuple[tuple[Column, int], ...]
    shown: tuple[np.ndarray, ...]

    @property
    def actions(self) -> int | tuple[int, ...]:
        """What :class:`gym_suite.core.family.Setup` takes for its actions."""
        return self.choices[0] if len(self.choices) == 1 else self.choices

    @property
    def idle(self) -> np.ndarray | int:
        """The action of doing nothing: a state without a voltage of each part."""
        return 0 if len(self.choices) == 1 else np.zeros(len(self.choices))

    @property
    def places(self) -> int:
        """Legs up to the last one that is switched."""
        return self.legs[-1][1] + 1


def read_switches(machine: Machine, values: Mapping[str, Any]) -> Switches:
    """Return the switches of a machine's converter.

    Args:
        machine: The machine.
        values: Parameters, of which those of choppers are read.
    """
    choices, legs, tables = [], [], []
    for names, quadrants, first in parts_of(machine, values):
        count = CHOPPER_STATES[quadrants] if quadrants else BRIDGE_STATES
        positions = [
            chopper_legs(float(code), float(quadrants)) if quadrants else bridge_legs(float(code))
            for code in range(count)
        ]
        choices.append(count)
        tables.append(np.array(positions, dtype=np.float32)[:, : len(names)])
        legs += [
            (
                Column(
                    f"action_{name}",
                    "1",
                    -1,
                    1,
                    f"leg {name}: 1 upper switch, -1 lower switch, 0 none",
                ),
                first + k,
            )
            for k, name in enumerate(names)
        ]
    return Switches(tuple(choices), tuple(legs), tuple(tables))
