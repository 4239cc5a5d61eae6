"""Pulse-width modulation with a triangular carrier: when the legs of a converter are switched within a period.

In each period the carrier falls from 1 to 0 and rises to 1 again; a leg is at the upper rail while its duty cycle is
above it, so that each pulse lies in the middle of the period. Duty cycles are taken once a period (symmetrical regular
sampling). Holmes and Lipo, "Pulse Width Modulation for Power Converters", Wiley 2003, chapters 3, 5 and 6.
"""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.machines.base import DC, EXCITED, INDUCTION, SYNCHRONOUS
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.quantities import (
    DPWM0,
    DPWM2,
    DPWM3,
    DPWM_MAX,
    DPWM_MIN,
    LEGS,
    SPACE_VECTOR,
    P,
)
from gym_suite.motors.transforms import SQRT3, inverse_clarke, rotate

#: What kernels take for an averaged converter, for one with a carrier, for one whose legs are interlocked besides, and
#: for a bridge of three levels with two carriers, one above the other; told apart by their lengths.
AVERAGED: tuple[int, ...] = ()
CARRIER: tuple[int, ...] = (0,)
INTERLOCKED: tuple[int, ...] = (0, 0)
DISPOSED: tuple[int, ...] = (0, 0, 0)


@kernel
def _within(duty):
    """Return a duty cycle that a leg can have."""
    return min(max(duty, 0.0), 1.0)


@kernel
def _at_upper_rail(kind, alpha, beta):
    """Return whether discontinuous modulation holds a leg at the upper rail, otherwise at the lower one.

    DPWM1 holds the leg whose phase has the voltage of largest size, 60 degrees about each of its peaks; DPWM0 does so
    30 degrees earlier and DPWM2 30 degrees later, as suits a current that leads or lags; DPWM3 holds the other outer
    leg. A. M. Hava, R. J. Kerkman and T. A. Lipo, "A high-performance generalized discontinuous PWM algorithm", IEEE
    Trans. Ind. Appl. 34(5), 1998, doi:10.1109/28.720446; Holmes and Lipo, section 6.5.
    """
    if kind == DPWM_MIN:
        return False
    if kind == DPWM_MAX:
        return True
    if kind == DPWM0:
        alpha, beta = rotate(alpha, beta, 0.5 * SQRT3, 0.5)
    elif kind == DPWM2:
        alpha, beta = rotate(alpha, beta, 0.5 * SQRT3, -0.5)
    a, b, c = inverse_clarke(alpha, beta)
    above = max(a, b, c) + min(a, b, c) >= 0.0
    return not above if kind == DPWM3 else above


@kernel
def bridge_duties(alpha, beta, p):
    """Return the duty cycles of three legs for a voltage vector at the link's nominal voltage.

    With the zero sequence of space-vector modulation the legs' largest and smallest voltages are of one size, so that
    the hexagon is reached; Holmes and Lipo, chapter 6. Discontinuous modulation reaches it too: the leg of the largest
    voltage stays at the upper rail for a period, or that of the smallest at the lower one. Without a zero sequence duty
    cycles are cut off above u_dc / 2.
    """
    a, b, c = inverse_clarke(alpha, beta)
    kind, inverse = int(p[P.zero_sequence]), 1.0 / p[P.u_dc]
    high, low = max(a, b, c), min(a, b, c)
    if kind > SPACE_VECTOR:
        # Counted from the rail of the leg that is held, whose duty cycle is then 0 or 1 without rounding.
        if _at_upper_rail(kind, alpha, beta):
            return (
                _within(1.0 - (high - a) * inverse),
                _within(1.0 - (high - b) * inverse),
                _within(1.0 - (high - c) * inverse),
            )
        return (
            _within((a - low) * inverse),
            _within((b - low) * inverse),
            _within((c - low) * inverse),
        )
    common = 0.5 * (high + low) if kind == SPACE_VECTOR else 0.0
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


# ------------------------------------------------------------------------------------------------ interlocked legs

#: Part of a period below which a pulse or a notch is none, but what rounding leaves of a leg at its rail.
_NO_PULSE = 1e-9


@kernel
def _at_rail(duty):
    """Return a duty cycle, 0 or 1 where it is that but for rounding: what is not switched is not interlocked."""
    if duty < _NO_PULSE:
        return 0.0
    return 1.0 if duty > 1.0 - _NO_PULSE else duty


@kernel
def interlocked_duties(group, v, p):
    """Return the duty cycles of all legs as :func:`duty_cycles` does, of a rail exactly where a leg stays at it."""
    duties = duty_cycles(group, v, p)
    return (
        _at_rail(duties[0]),
        _at_rail(duties[1]),
        _at_rail(duties[2]),
        _at_rail(duties[3]),
        _at_rail(duties[4]),
        _at_rail(duties[5]),
    )


@kernel
def _open_until(before, duty, tau, off):
    """Return the time from a period's beginning until which both switches of a leg are off from before, s.

    A leg that has pulsed is open for the time ``off`` from the pulse's end. One that has been at the upper rail all
    through a period and is not in the next one, or the other way round, is switched where the two meet.

    Args:
        before: Duty cycle of the leg in the period before.
        duty: Its duty cycle.
        tau: Period, s.
        off: Time for which both switches are off, s.
    """
    if (before >= 1.0) != (duty >= 1.0):
        return off
    if before <= 0.0 or before >= 1.0:
        return 0.0
    return max(off - 0.5 * (1.0 - before) * tau, 0.0)


@kernel
def next_gating(duties, before, at, tau, off):
    """Return the first moment after another one in which a switch is turned on or off, the period's end if none is, s.

    Args:
        duties: Duty cycles of the legs.
        before: Those of the period before.
        at: The other moment, s.
        tau: Period, s.
        off: Time for which both switches of a leg are off when it is switched, s.
    """
    first = next_edge(duties, at, tau)
    for k in range(LEGS):
        if 0.0 < duties[k] < 1.0:
            rise, fall = 0.5 * (1.0 - duties[k]) * tau + off, 0.5 * (1.0 + duties[k]) * tau + off
            if at < rise < first:
                first = rise
            if at < fall < first:
                first = fall
        rest = _open_until(before[k], duties[k], tau, off)
        if at < rest < first:
            first = rest
    return first


@kernel
def _gated(position, duty, before, at, tau, off):
    """Return a leg's position at a moment: the one by its duty cycle, or 0 while both its switches are off."""
    if at < _open_until(before, duty, tau, off):
        return 0.0
    if 0.0 < duty < 1.0:
        rise, fall = 0.5 * (1.0 - duty) * tau, 0.5 * (1.0 + duty) * tau
        if rise < at < rise + off or fall < at < fall + off:
            return 0.0
    return position


@kernel
def gated_legs_at(group, duties, before, at, tau, p):
    """Return the positions of interlocked legs at a moment of a period, between two moments of :func:`next_gating`.

    A leg whose lower switch is turned off waits before its upper one is turned on, and the other way round. Pulses and
    notches that are shorter than that are left out. The one switch of a chopper of one quadrant waits for no other.
    """
    legs, off = legs_at(group, duties, at, tau, p), p[P.interlocking]
    first = _gated(legs[0], duties[0], before[0], at, tau, off)
    third = _gated(legs[2], duties[2], before[2], at, tau, off)
    if len(group) == DC:
        if int(p[P.quadrants_a]) == 1:
            first = legs[0]
        if int(p[P.quadrants_e]) == 1:
            third = legs[2]
    return (
        first,
        _gated(legs[1], duties[1], before[1], at, tau, off),
        third,
        _gated(legs[3], duties[3], before[3], at, tau, off),
        _gated(legs[4], duties[4], before[4], at, tau, off),
        _gated(legs[5], duties[5], before[5], at, tau, off),
    )
