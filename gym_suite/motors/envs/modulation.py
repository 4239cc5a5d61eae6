"""How converters of commanded voltages are modulated, as a user names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.carrier import AVERAGED, CARRIER, DISPOSED, INTERLOCKED
from gym_suite.motors.envs.options import Options
from gym_suite.motors.envs.switched import BRIDGES
from gym_suite.motors.machines import SYNCHRONOUS, Machine
from gym_suite.motors.overmodulation import HEXAGON, SIX_STEP
from gym_suite.motors.quantities import (
    BALANCING,
    MODULATIONS,
    OVERMODULATIONS,
    SPACE_VECTOR,
    ZERO_SEQUENCES,
)
from gym_suite.motors.switches import parts_of


@dataclass(frozen=True, slots=True)
class Modulation:
    """What becomes of commanded voltages in a period of the converter.

    Attributes:
        carrier: One of :data:`gym_suite.motors.carrier.AVERAGED` and those beside it.
        reach: :data:`gym_suite.motors.overmodulation.HEXAGON` or :data:`gym_suite.motors.overmodulation.SIX_STEP`.
        zero_sequence: What the duty cycles of a carrier have in common, by its place; 0 without a carrier.
        interlocking: Time for which both switches of a leg are off when it is switched, s.
    """

    carrier: tuple[int, ...]
    reach: tuple[int, ...]
    zero_sequence: int
    interlocking: float = 0.0

    @property
    def shaped(self) -> bool:
        """Whether voltages are more than means of a period within the hexagon."""
        return (self.carrier, self.reach) != (AVERAGED, HEXAGON)

    @property
    def numbers(self) -> dict[str, float]:
        """The parameters that kernels read of it."""
        return {
            "zero_sequence": float(self.zero_sequence),
            "interlocking": self.interlocking,
        }

    def remembered(self, machine: Machine, values: Mapping[str, Any]) -> int:
        """Return how many legs' duty cycles the state keeps, counted up to the last leg of the converter.

        Args:
            machine: The machine.
            values: Parameters, of which those of choppers are read.
        """
        if not self.interlocking:
            return 0
        return max(first + len(names) for names, _, first in parts_of(machine, values))


def read_modulation(options: Options, machine: Machine) -> Modulation:
    """Return the modulation of commanded voltages.

    Args:
        options: The keyword arguments.
        machine: The machine, of which those with d and q windings alone take a bridge of three levels.

    Raises:
        ValueError: For an unknown name, naming the nearest; a zero sequence without a carrier; over-modulation where an
            action is no voltage in the rotor's frame, or where a carrier's legs have nothing in common; interlocking
            without a carrier, or too long for its pulses; three levels without a carrier, or their zero sequence
            without them.
    """
    modulation = check_option("modulation", options.modulation, MODULATIONS)
    over = check_option("overmodulation", options.overmodulation, OVERMODULATIONS)
    reach, given = HEXAGON if over == "hexagon" else SIX_STEP, options.zero_sequence
    disposed = False
    if machine.group == SYNCHRONOUS:
        disposed = check_option("converter", options.converter, BRIDGES) != BRIDGES[0]
    if reach == SIX_STEP:
        _check_command(options)
    if modulation == "averaged":
        if disposed:
            raise ValueError(
                f"converter={options.converter!r} is for modulation='carrier': the mean of a period within the hexagon "
                "is the same for two levels and for three"
            )
        if given is not None:
            raise ValueError(
                "zero_sequence is for modulation='carrier'; the mean of a period has none"
            )
        off = check_number("interlocking", options.interlocking, low=0.0)
        if off != 0.0:
            raise ValueError(
                f"interlocking = {off:g} s is for modulation='carrier'; the mean of a period has no "
                "edges"
            )
        return Modulation(AVERAGED, reach, 0)
    zero_sequence = BALANCING if disposed else SPACE_VECTOR
    if given is not None:
        zero_sequence = ZERO_SEQUENCES.index(check_option("zero_sequence", given, ZERO_SEQUENCES))
        if zero_sequence == BALANCING and not disposed:
            raise ValueError(
                f"zero_sequence={given!r} is for converter='npc' and 't-type'; a bridge of two levels has no neutral "
                "point"
            )
    if reach == SIX_STEP and ZERO_SEQUENCES[zero_sequence] == "none":
        raise ValueError(
            "overmodulation='six-step' needs legs that reach the hexagon, which sines against a triangle do not: take "
            "another zero_sequence than 'none', such as 'space-vector'"
        )
    interlocking = read_interlocking(options, edges=2)
    carrier = DISPOSED if disposed else INTERLOCKED if interlocking > 0.0 else CARRIER
    return Modulation(carrier, reach, zero_sequence, interlocking)


def _check_command(options: Options) -> None:
    """Refuse over-modulation of what is no voltage in the rotor's frame."""
    if options.control == "torque":
        raise ValueError(
            "overmodulation='six-step' is for voltage actions: under control='torque' the drive's own current "
            "controller stays within the hexagon"
        )
    if options.frame == "abc":
        raise ValueError(
            "overmodulation='six-step' is for frame='dq': phase voltages of frame='abc' reach six-step operation by "
            "themselves, as square waves"
        )


def read_interlocking(options: Options, edges: int = 1) -> float:
    """Return the time for which a leg that is switched has no switch closed, s.

    Args:
        options: The keyword arguments.
        edges: How often a leg may be switched in a period.

    Raises:
        ValueError: If so many of it do not fit into a period, with both.
    """
    given = check_number("interlocking", options.interlocking, low=0.0)
    if edges * given >= options.tau:
        part = "half the period" if edges == 2 else "the period"
        raise ValueError(
            f"interlocking = {given:g} s must be shorter than {part}, tau = {options.tau:g} s"
        )
    return given
