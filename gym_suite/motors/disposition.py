"""Pulse-width modulation of a bridge of three levels, by two triangular carriers one above the other.

Both carriers fall and rise together (phase disposition): one between the upper rail and the neutral point, one between
that and the lower rail. A leg whose reference is above 0 is at the upper rail while its reference is above the upper
carrier and at the neutral point otherwise, one below 0 between the neutral point and the lower rail alike, so that each
leg has one pulse of half the link's voltage in the middle of a period. G. Carrara, S. Gardella, M. Marchesoni, R.
Salutari and G. Sciutto, "A new multilevel PWM method: a theoretical analysis", IEEE Trans. Power Electron. 7(3), 1992,
doi:10.1109/63.145137; Holmes and Lipo, "Pulse Width Modulation for Power Converters", Wiley 2003, chapter 11.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.carrier import bridge_duties, next_edge
from gym_suite.motors.quantities import BALANCING, P, X
from gym_suite.motors.switches import at_neutral, leg_currents, levels_of, winding_voltages
from gym_suite.motors.three_level import NEUTRAL_LIMIT, neutral_period
from gym_suite.motors.transforms import clarke, inverse_clarke


@kernel
def _later(references, shift, currents, u_n, p):
    """Return the neutral point's voltage at a period's end if all references are shifted alike, V.

    A leg is at the neutral point for the part 1 - abs(r) of a period. The currents of the legs sum to zero, so that the
    mean current out of that point is -sum(abs(r) i), if the currents stay what they are.
    """
    drawn = 0.0
    for leg in range(3):
        drawn -= abs(references[leg] + shift) * currents[leg]
    return u_n - 0.5 * p[P.tau] * drawn / p[P.c_neutral]


@kernel
def balancing_shift(references, currents, u_n, p):
    """Return what is to be added to all references, so that the neutral point comes to the middle of the link.

    The voltages between the terminals do not change. The neutral point's voltage at the period's end is piecewise
    linear in the shift, with kinks where a reference passes 0: of those shifts that bring it nearest to 0 the smallest
    is taken. C. Wang and Y. Li, "Analysis and calculation of zero-sequence voltage considering neutral-point potential
    balancing in three-level NPC converters", IEEE Trans. Ind. Electron. 57(7), 2010, doi:10.1109/TIE.2009.2024093.

    Args:
        references: Mean positions that are asked of the three legs, the largest as far from 1 as the smallest from -1.
        currents: Out of the legs, A.
        u_n: The neutral point's voltage, V.
        p: Parameter row.
    """
    a, b, c = references
    high, low = max(a, b, c), min(a, b, c)
    room = max(1.0 - high, 0.0)
    # The kinks in their order, within what the rails leave.
    first, third = min(max(-high, -room), room), min(max(-low, -room), room)
    second = min(max(high + low - (a + b + c), -room), room)
    begin, best = -room, 0.0
    before = _later(references, begin, currents, u_n, p)
    least = abs(_later(references, 0.0, currents, u_n, p))
    if abs(before) < least:
        least, best = abs(before), begin
    for end in (first, second, third, room):
        after = _later(references, end, currents, u_n, p)
        if abs(after) < least:
            least, best = abs(after), end
        if before * after < 0.0:
            root = begin + (end - begin) * before / (before - after)
            if least > 0.0 or abs(root) < abs(best):
                least, best = 0.0, root
        begin, before = end, after
    return best


@kernel
def leg_references(v, currents, u_n, p):
    """Return the mean positions of three legs in a period, from -1 at the lower rail to 1 at the upper one.

    Args:
        v: Voltages (alpha, beta) with the neutral point in the middle of the link, V.
        currents: Out of the legs at the period's beginning, A.
        u_n: The neutral point's voltage then, V.
        p: Parameter row.
    """
    if int(p[P.zero_sequence]) != BALANCING:
        a, b, c = bridge_duties(v[0], v[1], p)
        return 2.0 * a - 1.0, 2.0 * b - 1.0, 2.0 * c - 1.0
    a, b, c = inverse_clarke(v[0], v[1])
    middle, inverse = 0.5 * (max(a, b, c) + min(a, b, c)), 2.0 / p[P.u_dc]
    a, b, c = (a - middle) * inverse, (b - middle) * inverse, (c - middle) * inverse
    shift = balancing_shift((a, b, c), currents, u_n, p)
    return (
        min(max(a + shift, -1.0), 1.0),
        min(max(b + shift, -1.0), 1.0),
        min(max(c + shift, -1.0), 1.0),
    )


@kernel
def _base(reference):
    """Return the position of a leg outside its pulse."""
    return 0.0 if reference >= 0.0 else -1.0


@kernel
def pulse_widths(references):
    """Return which part of a period the pulses of three legs last, as duty cycles of six legs."""
    a, b, c = references
    return a - _base(a), b - _base(b), c - _base(c), 0.0, 0.0, 0.0


@kernel
def _disposed_leg(reference, width, at, tau):
    """Return the position of a leg at a moment of a period."""
    return _base(reference) + (1.0 if abs(at - 0.5 * tau) < 0.5 * width * tau else 0.0)


@kernel
def disposed_legs(references, at, tau):
    """Return the positions of three legs at a moment of a period, between two edges."""
    widths = pulse_widths(references)
    return (
        _disposed_leg(references[0], widths[0], at, tau),
        _disposed_leg(references[1], widths[1], at, tau),
        _disposed_leg(references[2], widths[2], at, tau),
    )


@called_kernel
def disposed(group, x, s, v, d, cosine, sine, k, load, p):
    """Move a machine and the neutral point by one period of the carriers, from edge to edge.

    The modulator reads the currents of the legs and the neutral point's voltage at the period's beginning.

    Args:
        group: The group, of a machine with one bridge.
        x: State row, which keeps the neutral point's voltage, the legs' mean positions, and whether that trips.
        s: The machine's state.
        v: Voltages that the bridge is asked for, V.
        d: Voltages that disturb the windings, V.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        p: Parameter row.

    Returns:
        The machine's state at the end, and the mean voltages of the windings, V.
    """
    tau, at, w = p[P.tau], 0.0, (x[X.u_n], 0.0)
    currents = leg_currents(group, s, cosine, sine, p)
    references = leg_references(v, currents, w[0], p)
    x[X.leg_a], x[X.leg_b], x[X.leg_c] = references
    widths = pulse_widths(references)
    sum_alpha = sum_beta = 0.0
    while at < tau:
        after = next_edge(widths, at, tau)
        h, before = after - at, w[1]
        legs = disposed_legs(references, 0.5 * (at + after), tau)
        own = winding_voltages(group, levels_of((legs[0], legs[1], legs[2], -1.0, -1.0, -1.0)), p)
        held = own[0] + d[0], own[1] + d[1], own[2] + d[2], own[3] + d[3]
        steps = max(1, math.ceil(h / (tau / p[P.substeps]) - 1e-9))
        s, w = neutral_period(group, s, w, held, legs, cosine, sine, k, load, h, steps, p)
        resting = at_neutral(legs)
        alpha, beta = clarke(resting[0], resting[1], resting[2])
        sum_alpha += h * held[0] + (w[1] - before) * alpha
        sum_beta += h * held[1] + (w[1] - before) * beta
        at = after
    x[X.u_n] = w[0]
    if not abs(w[0]) <= NEUTRAL_LIMIT * p[P.u_dc]:
        x[X.tripped] = 1.0
    return s, (sum_alpha / tau, sum_beta / tau, 0.0, 0.0)
