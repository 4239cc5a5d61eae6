"""Switched converters as a setup knows them: how many states each part has, and what its legs are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_suite.core.columns import Column
from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.envs.options import Options
from gym_suite.motors.machines import Machine
from gym_suite.motors.switches import (
    ALL_NEUTRAL,
    BRIDGE_STATES,
    CHOPPER_STATES,
    THREE_LEVEL_STATES,
    bridge_legs,
    chopper_legs,
    parts_of,
    three_level_legs,
)
from gym_suite.motors.three_level import NEUTRAL_LIMIT

#: Bridges whose switching states are actions, by the name that a user gives.
BRIDGES = ("two-level", "npc", "t-type")
#: Capacitors about a neutral point that nobody has chosen: the nominal current moves it by this part of the link's
#: voltage in this time, s; a design value.
_USUAL_PART, _USUAL_TIME = 0.01, 1e-3


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
        if self.choices == (THREE_LEVEL_STATES,):
            return int(ALL_NEUTRAL)
        return 0 if len(self.choices) == 1 else np.zeros(len(self.choices))

    @property
    def places(self) -> int:
        """Legs up to the last one that is switched."""
        return self.legs[-1][1] + 1


def check_jump(machine: Machine, tau: float) -> None:
    """Refuse periods in which any switching state but those without a voltage drives the current beyond its limit.

    Args:
        machine: The machine; only synchronous ones are looked at, whose inductances do not depend on a rotor's winding.
        tau: Length of a period, s.

    Raises:
        ValueError: With the longest period that is allowed.
    """
    inductances = [
        float(getattr(machine, name)) for name in ("l_d", "l_q") if hasattr(machine, name)
    ]
    if not inductances:
        return
    largest = max(inductances)
    voltage = 2.0 / 3.0 * machine.u_dc
    jump = voltage * tau / largest
    if jump > machine.i_limit:
        raise ValueError(
            f"a switching state moves the current by at least {jump:.4g} A in a period of tau = {tau:g} s, and its "
            f"limit is {machine.i_limit:g} A; take a tau of at most {machine.i_limit * largest / voltage:.3g} s, or "
            "larger l_d or l_q"
        )


def read_neutral(options: Options, machine: Machine, fed: bool) -> float:
    """Return the capacitance of each capacitor about the neutral point, F; 0 of a bridge of two levels.

    Args:
        options: The keyword arguments.
        machine: The machine, of one bridge.
        fed: Whether the supply's voltage moves.

    Raises:
        ValueError: For an unknown converter, naming the nearest, a capacitance without a bridge of three levels or one
            that is too small for the currents, with the least that is not, or what such a bridge does not take.
    """
    kind = check_option("converter", options.converter, BRIDGES)
    if kind == "two-level":
        if options.c_neutral is not None:
            raise ValueError(
                "c_neutral is for converter='npc' and 't-type'; 'two-level' has no neutral point"
            )
        return 0.0
    if fed:
        raise ValueError(f"converter={kind!r} is for the ideal supply, whose voltage stands still")
    off = check_number("interlocking", options.interlocking, low=0.0)
    if off != 0.0:
        raise ValueError(
            f"interlocking = {off:g} s is for converter='two-level'; the legs of {kind!r} switch at "
            "once"
        )
    moved = 0.5 * machine.i_nominal * _USUAL_TIME / machine.u_dc
    given = moved / _USUAL_PART
    if options.c_neutral is not None:
        given = check_number("c_neutral", options.c_neutral, above=0.0)
    least = 0.5 * machine.i_limit * options.tau / (NEUTRAL_LIMIT * machine.u_dc)
    if given < least:
        raise ValueError(
            f"c_neutral = {given:g} F: a current of {machine.i_limit:g} A moves the neutral point beyond its limit "
            f"within a period of {options.tau:g} s; take at least {least:.3g} F"
        )
    return given


def read_switches(machine: Machine, values: Mapping[str, Any]) -> Switches:
    """Return the switches of a machine's converter.

    Args:
        machine: The machine.
        values: Parameters, of which those of choppers and the neutral point's capacitance are read.
    """
    choices, legs, tables = [], [], []
    neutral = values.get("c_neutral", 0.0) > 0.0
    for names, quadrants, first in parts_of(machine, values):
        if quadrants:
            count = CHOPPER_STATES[quadrants]
            positions = [chopper_legs(float(code), float(quadrants)) for code in range(count)]
        elif neutral:
            count = THREE_LEVEL_STATES
            positions = [three_level_legs(float(code)) for code in range(count)]
        else:
            count = BRIDGE_STATES
            positions = [bridge_legs(float(code)) for code in range(count)]
        choices.append(count)
        tables.append(np.array(positions, dtype=np.float32)[:, : len(names)])
        legs += [
            (
                Column(
                    f"action_{name}",
                    "1",
                    -1,
                    1,
                    f"leg {name}: 1 upper switch, -1 lower switch, 0 {'neutral point' if neutral else 'none'}",
                ),
                first + k,
            )
            for k, name in enumerate(names)
        ]
    return Switches(tuple(choices), tuple(legs), tuple(tables))
