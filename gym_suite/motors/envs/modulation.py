"""How converters of commanded voltages are modulated, as a user names it."""

from __future__ import annotations

from dataclasses import dataclass

from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.carrier import AVERAGED, CARRIER
from gym_suite.motors.envs.options import Options
from gym_suite.motors.overmodulation import HEXAGON, SIX_STEP
from gym_suite.motors.quantities import (
    MODULATIONS,
    OVERMODULATIONS,
    SPACE_VECTOR,
    ZERO_SEQUENCES,
)


@dataclass(frozen=True, slots=True)
class Modulation:
    """What becomes of commanded voltages in a period of the converter.

    Attributes:
        carrier: :data:`gym_suite.motors.carrier.AVERAGED` or :data:`gym_suite.motors.carrier.CARRIER`.
        reach: :data:`gym_suite.motors.overmodulation.HEXAGON` or :data:`gym_suite.motors.overmodulation.SIX_STEP`.
        zero_sequence: What the duty cycles of a carrier have in common, by its place; 0 without a carrier.
    """

    carrier: tuple[int, ...]
    reach: tuple[int, ...]
    zero_sequence: int

    @property
    def numbers(self) -> dict[str, float]:
        """The parameters that kernels read of it."""
        return {"zero_sequence": float(self.zero_sequence)}


def read_modulation(options: Options) -> Modulation:
    """Return the modulation of commanded voltages.

    Raises:
        ValueError: For an unknown name, naming the nearest; a zero sequence without a carrier; over-modulation where an
            action is no voltage in the rotor's frame, or where a carrier's legs have nothing in common.
    """
    modulation = check_option("modulation", options.modulation, MODULATIONS)
    over = check_option("overmodulation", options.overmodulation, OVERMODULATIONS)
    reach, given = HEXAGON if over == "hexagon" else SIX_STEP, options.zero_sequence
    if reach == SIX_STEP:
        _check_command(options)
    if modulation == "averaged":
        if given is not None:
            raise ValueError(
                "zero_sequence is for modulation='carrier'; the mean of a period has none"
            )
        return Modulation(AVERAGED, reach, 0)
    zero_sequence = SPACE_VECTOR
    if given is not None:
        zero_sequence = ZERO_SEQUENCES.index(check_option("zero_sequence", given, ZERO_SEQUENCES))
    if reach == SIX_STEP and ZERO_SEQUENCES[zero_sequence] == "none":
        raise ValueError(
            "overmodulation='six-step' needs legs that reach the hexagon, which sines against a triangle do not: take "
            "another zero_sequence than 'none', such as 'space-vector'"
        )
    return Modulation(CARRIER, reach, zero_sequence)


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


def read_interlocking(options: Options) -> float:
    """Return the time for which a leg that is switched has no switch closed, s.

    Raises:
        ValueError: If it is not shorter than a period, with both.
    """
    given = check_number("interlocking", options.interlocking, low=0.0)
    if given >= options.tau:
        raise ValueError(
            f"interlocking = {given:g} s must be shorter than the period, tau = {options.tau:g} s"
        )
    return given
