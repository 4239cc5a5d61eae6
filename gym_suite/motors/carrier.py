"""Pulse-width modulation with a triangular carrier: when the legs of a converter are switched within a period.

In each period the carrier falls from 1 to 0 and rises to 1 again; a leg is at the upper rail while its duty cycle is
above it, so that each pulse lies in the middle of the period. Duty cycles are taken once a period (symmetrical regular
sampling). Holmes and Lipo, "Pulse Width Modulation for Power Converters", Wiley 2003, chapters 3, 5 and 6.
"""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.machines.base import DC, EXCITED, INDUCTION, SYNCHRONOUS
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.quantities import P
from gym_suite.motors.switches import LEGS
from gym_suite.motors.transforms import inverse_clarke

#: What kernels take for an averaged converter and for one with a carrier; told apart by their lengths.
AVERAGED: tuple[int, ...] = ()
CARRIER: tuple[int, ...] = (0,)


@kernel
def _within(duty):
    """Return a duty cycle that a leg can have."""
    return min(max(duty, 0.0), 1.0)


@kernel
def bridge_duties(alpha, beta, p):
    """Return the duty cycles of three legs for a voltage vector at the link's nominal voltage.

    With the zero sequence of space-vector modulation the legs' largest and smallest voltages are of one size, so that
    the hexagon is reached; Holmes and Lipo, chapter 6. Without, duty cycles are cut off above u_dc / 2.
    """
    a, b, c = inverse_clarke(alpha, beta)
    common = p[P.zero_sequence] * 0.5 * (max(a, b, c) + min(a, b, c))
    inverse = 1.0 / p[P.u_dc]
    return (
        _within(0.5 + (a - common) * inverse),
        _within(0.5 + (b - common) * inverse),
        _within(0.5 + (c - common) * inverse),
    )


@kernel
def chopper_duties(u, quadrants, p):
    """Return the duty cycles of a chopper's two legs; those of four quadrants share the voltage."""
    part = u / p[P.u_dc]
    if int(quadrants) == 4:
        return _within(0.5 + 0.5 * part), _within(0.5 - 0.5 * part)
    return _within(part), 0.0


@kernel
def duty_cycles(group, v, p):
    """Return the duty cycles of all legs, six of which some are unused.

    Args:
        group: The group.
        v: Voltages at the link's nominal voltage as :func:`gym_suite.motors.converters.commanded` returns them, V.
        p: Parameter row.
    """
    kind = len(group)
    if kind == DC:
        a_1, a_2 = chopper_duties(v[0], p[P.quadrants_a], p)
        if int(p[P.excitation]) == SEPARATE:
            e_1, e_2 = chopper_duties(v[1], p[P.quadrants_e], p)
            return a_1, a_2, e_1, e_2, 0.0, 0.0
        return a_1, a_2, 0.0, 0.0, 0.0, 0.0
    a, b, c = bridge_duties(v[0], v[1], p)
    if kind == EXCITED:
        e_1, e_2 = chopper_duties(v[2], 4, p)
        return a, b, c, e_1, e_2, 0.0
    if kind == SYNCHRONOUS or kind == INDUCTION:  # noqa: SIM109 - the compiler drops no branch on `in`
        return a, b, c, 0.0, 0.0, 0.0
    d, e, f = bridge_duties(v[2], v[3], p)
    return a, b, c, d, e, f


@kernel
def next_edge(duties, at, tau):
    """Return the first moment after another one in which a leg is switched, the period's end if none is, s."""
    first = tau
    for k in range(LEGS):
        rise, fall = 0.5 * (1.0 - duties[k]) * tau, 0.5 * (1.0 + duties[k]) * tau
        if at < rise < first:
            first = rise
        if at < fall < first:
            first = fall
    return first


@kernel
def _leg_at(duty, at, tau, off):
    """Return the position of a leg at a moment: 1 within its pulse, otherwise ``off``."""
    return 1.0 if abs(at - 0.5 * tau) < 0.5 * duty * tau else off


@kernel
def legs_at(group, duties, at, tau, p):
    """Return the positions of all legs at a moment of a period, between two edges.

    A chopper of one quadrant has one switch: while that is off its diode conducts, or nothing does.
    """
    first = third = -1.0
    if len(group) == DC:
        if int(p[P.quadrants_a]) == 1:
            first = 0.0
        if int(p[P.excitation]) == SEPARATE and int(p[P.quadrants_e]) == 1:
            third = 0.0
    return (
        _leg_at(duties[0], at, tau, first),
        _leg_at(duties[1], at, tau, -1.0),
        _leg_at(duties[2], at, tau, third),
        _leg_at(duties[3], at, tau, -1.0),
        _leg_at(duties[4], at, tau, -1.0),
        _leg_at(duties[5], at, tau, -1.0),
    )
