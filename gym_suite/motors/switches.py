"""The switches of a converter: what a switching state closes, and what windings and legs have to do with each other.

A leg joins a terminal to the upper rail of the DC link or to the lower one. Its position is 1 (upper switch), -1 (lower
switch) or 0 (both are off, so that a diode conducts, or none); its level is its voltage against the lower rail as a
part of that of the link. Terminals of three phases stand side by side, then those of the excitation, the rotor or the
second star; Mohan, Undeland and Robbins, "Power Electronics", 3rd ed., Wiley 2003, chapters 7 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gym_suite.core.kernel import kernel
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SIX_PHASE, Machine
from gym_suite.motors.machines.dc import SEPARATE, SHUNT
from gym_suite.motors.quantities import P
from gym_suite.motors.transforms import clarke, inverse_clarke, rotate, star_axes, stars_of, turn

#: The switching state in which no switch is closed: a drive before its first command.
ALL_OFF = -1.0
#: The switching state of a bridge of three levels in which all legs are at the neutral point.
ALL_NEUTRAL = 13.0
#: Switching states of a bridge of three legs, of one of three levels, and of choppers by their quadrants.
BRIDGE_STATES = 8
THREE_LEVEL_STATES = 27
CHOPPER_STATES = {1: 2, 2: 3, 4: 4}


_BRIDGE = ("a", "b", "c")


def parts_of(machine: Machine, values: Mapping[str, Any]) -> list[tuple[tuple[str, ...], int, int]]:
    """Return each part of a machine's converter: its legs' names, its quadrants (0: a bridge), its first leg's place.

    Args:
        machine: The machine.
        values: Parameters, of which those of choppers are read.
    """

    def chopper(axis: str, quadrants: int, first: int) -> tuple[tuple[str, ...], int, int]:
        return (f"{axis}1", f"{axis}2") if quadrants == 4 else (axis,), quadrants, first

    if machine.group == DC:
        return [
            chopper(axis, int(values[f"quadrants_{place}"]), 2 * k)
            for k, (axis, place) in enumerate(zip(machine.voltages.values(), "ae", strict=False))
        ]
    if machine.group == EXCITED:
        return [(_BRIDGE, 0, 0), chopper("e", 4, 3)]
    if machine.group == DOUBLY_FED:
        return [(_BRIDGE, 0, 0), (("ra", "rb", "rc"), 0, 3)]
    if machine.group == SIX_PHASE:
        return [(machine.phases[:3], 0, 0), (machine.phases[3:], 0, 3)]
    return [(_BRIDGE, 0, 0)]


@kernel
def _position(code, bit):
    """Return the position of a leg by a bit of a switching state, a power of two."""
    return 1.0 if int(code) & bit else -1.0


@kernel
def bridge_legs(code):
    """Return the positions of the legs a, b, c in a switching state 4 a + 2 b + c of a three-phase bridge."""
    if code < 0.0:
        return 0.0, 0.0, 0.0
    return _position(code, 4), _position(code, 2), _position(code, 1)


@kernel
def three_level_legs(code):
    """Return the positions of the legs a, b, c in a switching state 9 a + 3 b + c of a bridge of three levels.

    A leg's digit is 0 at the lower rail, 1 at the neutral point and 2 at the upper rail, its position -1, 0 and 1.
    """
    number = int(code)
    return number // 9 - 1.0, number // 3 % 3 - 1.0, number % 3 - 1.0


@kernel
def at_neutral(legs):
    """Return 1 for each of three legs that is at the neutral point, 0 for the others."""
    return 1.0 - abs(legs[0]), 1.0 - abs(legs[1]), 1.0 - abs(legs[2])


@kernel
def chopper_legs(code, quadrants):
    """Return the positions of a chopper's two legs.

    Of four quadrants the states are 0: both lower, 1: +u_dc, 2: -u_dc, 3: both upper. Of two there is one leg: 0: both
    switches off, 1: upper, 2: lower. Of one there is one switch: 0: off, 1: on.
    """
    kind = int(quadrants)
    if kind == 4:
        if code < 0.0:
            return 0.0, 0.0
        return _position(code, 1), _position(code, 2)
    if code == 1.0:
        return 1.0, -1.0
    if code == 2.0:
        return -1.0, -1.0
    return 0.0, -1.0


@kernel
def legs_of(group, first, second, p):
    """Return the positions of all legs in a switching state, six of which some are unused.

    Args:
        group: The group.
        first: State of the converter of the stator or of the armature.
        second: State of that of the excitation, the rotor or the second star.
        p: Parameter row.
    """
    kind = len(group)
    if kind == DC:
        a_1, a_2 = chopper_legs(first, p[P.quadrants_a])
        if int(p[P.excitation]) == SEPARATE:
            e_1, e_2 = chopper_legs(second, p[P.quadrants_e])
            return a_1, a_2, e_1, e_2, -1.0, -1.0
        return a_1, a_2, -1.0, -1.0, -1.0, -1.0
    a, b, c = bridge_legs(first)
    if kind == EXCITED:
        e_1, e_2 = chopper_legs(second, 4)
        return a, b, c, e_1, e_2, -1.0
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
        d, e, f = bridge_legs(second)
        return a, b, c, d, e, f
    return a, b, c, -1.0, -1.0, -1.0


@kernel
def level_of(position):
    """Return the level of a leg one of whose switches is closed; of one without, the middle."""
    return 0.5 + 0.5 * position


@kernel
def levels_of(legs):
    """Return the levels of all legs."""
    return (
        level_of(legs[0]),
        level_of(legs[1]),
        level_of(legs[2]),
        level_of(legs[3]),
        level_of(legs[4]),
        level_of(legs[5]),
    )


@kernel
def winding_voltages(group, levels, p):
    """Return the voltages that legs put on the windings, as converters hold them: four of which some are unused, V.

    They are (u_a, u_e) of a DC machine, (alpha, beta) of a stator, then the excitation's voltage, (alpha, beta) of
    the rotor in its own frame, or those of the second star.
    """
    kind, u_dc = len(group), p[P.u_dc]
    if kind == DC:
        u_a = u_dc * (levels[0] - levels[1])
        if int(p[P.excitation]) == SEPARATE:
            return u_a, u_dc * (levels[2] - levels[3]), 0.0, 0.0
        return u_a, u_a if int(p[P.excitation]) == SHUNT else 0.0, 0.0, 0.0
    alpha, beta = clarke(u_dc * levels[0], u_dc * levels[1], u_dc * levels[2])
    if kind == EXCITED:
        return alpha, beta, u_dc * (levels[3] - levels[4]), 0.0
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109
        other = clarke(u_dc * levels[3], u_dc * levels[4], u_dc * levels[5])
        return alpha, beta, other[0], other[1]
    return alpha, beta, 0.0, 0.0


@kernel
def under(group, s, v, cosine, sine):
    """Return a state with the voltages of its windings put in the place of those that it holds.

    Args:
        group: The group.
        s: The state as :mod:`gym_suite.motors.electrical` lays it out; its last element is the angle passed.
        v: Of :func:`winding_voltages`.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
    """
    kind = len(group)
    if kind == DC:
        return s[0], s[1], s[2], v[0], v[1], s[5]
    if kind == INDUCTION:
        return s[0], s[1], s[2], s[3], s[4], v[0], v[1], s[7]
    cosine, sine = rotate(cosine, sine, *turn(s[len(s) - 1]))
    if kind == DOUBLY_FED:
        v_a, v_b = rotate(v[2], v[3], cosine, sine)
        return s[0], s[1], s[2], s[3], s[4], v[0], v[1], v_a, v_b, s[9]
    if kind == SIX_PHASE:
        u = star_axes(v, cosine, sine)
        return s[0], s[1], s[2], s[3], s[4], u[0], u[1], u[2], u[3], s[9]
    u_d, u_q = rotate(v[0], v[1], cosine, -sine)
    if kind == EXCITED:
        return s[0], s[1], s[2], s[3], u_d, u_q, v[2], s[7]
    return s[0], s[1], s[2], u_d, u_q, s[5]


@kernel
def leg_currents(group, s, cosine, sine, p):
    """Return the currents out of all legs into the machine, six of which some are unused, A.

    Those of two stars are by a constant factor from what flows in a phase; of leg currents only the sign matters.

    Arguments as :func:`under` and :func:`winding_voltages`.
    """
    kind = len(group)
    if kind == DC:
        i = s[1] + s[2] if int(p[P.excitation]) == SHUNT else s[1]
        return i, -i, s[2], -s[2], 0.0, 0.0
    if kind == INDUCTION:
        a, b, c = inverse_clarke(s[1], s[2])
        return a, b, c, 0.0, 0.0, 0.0
    cosine, sine = rotate(cosine, sine, *turn(s[len(s) - 1]))
    if kind == DOUBLY_FED:
        a, b, c = inverse_clarke(s[1], s[2])
        l_m, inverse = p[P.l_m], 1.0 / (p[P.l_m] + p[P.l_sigr])
        alpha, beta = (s[3] - l_m * s[1]) * inverse, (s[4] - l_m * s[2]) * inverse
        alpha, beta = rotate(alpha, beta, cosine, -sine)
        d, e, f = inverse_clarke(alpha, beta)
        return a, b, c, d, e, f
    if kind == SIX_PHASE:
        stars = stars_of((s[1], s[2], s[3], s[4]), cosine, sine)
        a, b, c = inverse_clarke(stars[0], stars[1])
        d, e, f = inverse_clarke(stars[2], stars[3])
        return a, b, c, d, e, f
    alpha, beta = rotate(s[1], s[2], cosine, sine)
    a, b, c = inverse_clarke(alpha, beta)
    if kind == EXCITED:
        return a, b, c, s[3], -s[3], 0.0
    return a, b, c, 0.0, 0.0, 0.0
