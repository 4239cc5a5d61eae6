"""What runs behind the loops of a setup whose sensors are not ideal; it is compiled for those alone.

The rows are moved, judged and told as ever; then they are observed anew, with the quantities that sensors show in the
place of those that are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gym_suite.core.family import Kernels, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.motors.flexible import measure_shaft
from gym_suite.motors.machines.base import group_of
from gym_suite.motors.quantities import QUANTITIES, SENSORS, P, T
from gym_suite.motors.sensors import remember_shaft, sense
from gym_suite.motors.tasks import measure_one, observe_one
from gym_suite.motors.three_level import THREE_LEVEL, measure_neutral

#: When rows are observed anew: they have moved by one control period, begun, or are only looked at.
MOVED, BEGUN, SHOWN = range(3)

_QUANTITIES = len(QUANTITIES)
#: Numbers of scratch of a row: its quantities, and those of its sensors.
SENSING_SIZE = _QUANTITIES + len(SENSORS)


@cache
def sensing_of_group(number: int) -> Callable[..., None]:
    """Return the loop that observes rows of a group through their sensors.

    It is compiled when it is first called, as :func:`gym_suite.motors.loops.loops_of_group`'s are.

    Args:
        number: The group's.
    """
    group = group_of(number)

    @kernel
    def sense_batch(x, key, step, p, tables, work, o, mask, when):
        """Observe the masked rows anew as their sensors show them.

        The loops may have used one row of scratch for all, so whatever an id observes is measured again.
        """
        if tables[T.sensors].shape[0] == 0:
            return
        for i in range(x.shape[0]):
            if mask[i]:
                own, q = p[parameter_row(p, i)], work[i, :_QUANTITIES]
                if when != SHOWN:
                    remember_shaft(x[i], own[P.tau] * own[P.ratio], when == BEGUN)
                measure_shaft(x[i], own, q)
                measure_one(group, x[i], own, tables, q)
                measure_neutral(THREE_LEVEL, x[i], q)  # 0 of a bridge of two levels
                sense(group, x[i], key[i], step[i], own, tables, work[i, _QUANTITIES:], q)
                observe_one(group, x[i], key[i], step[i], own, tables, q, o[i])

    return sense_batch


@dataclass(frozen=True)
class Sensed:
    """The loops of a setup with its sensors behind them.

    Attributes:
        loops: The loops.
        sensing: What observes rows anew.
    """

    loops: Kernels
    sensing: Callable[..., None]

    @property
    def kernels(self) -> Kernels:
        """The functions of a setup."""
        return Kernels(
            step=self.step, reset=self.reset, observe=self.observe, advance=self.loops.advance
        )

    def step(self, *given: Any) -> int:
        """Do as :attr:`gym_suite.core.family.Kernels.step`."""
        x, key, step, _, p, tables, work, _, o, _, _, skip = given
        wrong = self.loops.step(*given)
        if wrong < 0:
            self.sensing(x, key, step, p, tables, work, o, ~skip, MOVED)
        return wrong

    def reset(self, *given: Any) -> None:
        """Do as :attr:`gym_suite.core.family.Kernels.reset`."""
        x, key, p, tables, work, _, o, mask = given
        self.loops.reset(*given)
        step = np.zeros(len(x), np.int64)
        self.sensing(x, key, step, p, tables, work, o, mask, BEGUN)

    def observe(self, *given: Any) -> None:
        """Do as :attr:`gym_suite.core.family.Kernels.observe`."""
        x, key, step, p, tables, work, _, o, mask = given
        self.loops.observe(*given)
        self.sensing(x, key, step, p, tables, work, o, mask, SHOWN)


@cache
def sensed_kernels(loops: Kernels, number: int) -> Kernels:
    """Return loops with the sensors of a group behind them.

    Args:
        loops: The loops.
        number: The group's.
    """
    return Sensed(loops, sensing_of_group(number)).kernels
