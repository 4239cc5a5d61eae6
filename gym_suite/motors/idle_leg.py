"""A brushless machine at two switched legs and one whose diodes alone conduct, in the currents of its own phases.

Where a phase's current is zero its terminal floats: it has the voltage of the star point and what the magnets induce in
it, so that v = (v_in + v_out - e_in - e_out) / 2 + e, and nothing has to be searched for. The phase stays idle while
that is within the link's range; beyond it a diode holds the terminal at a rail until the phase's current is zero again.
P. Pillay and R. Krishnan, "Modeling, simulation, and analysis of permanent-magnet motor drives, part II: the brushless
DC motor drive", IEEE Trans. Ind. Appl. 25(2), 1989, doi:10.1109/28.25542. Phases need no sine and no cosine. Here the
supply is ideal; where its voltage moves, :func:`gym_suite.motors.switching.drift` does this.

A state is (speed in rad/s, current into the phase "in" and into the phase "out" in A, electrical angle that has passed
in rad, integral of the third terminal's voltage in V s); what is idle or carried by diodes is the third.
"""

from __future__ import annotations

import math

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.loads import acceleration
from gym_suite.motors.quantities import P
from gym_suite.motors.transforms import wrap

_THIRD = 2.0 * math.pi / 3.0  # of a turn
_PART = 1.0 / 3.0  # of the star point's voltage that each terminal has
#: Current of the third phase below which its diodes carry none, as a part of the current limit.
_NO_CURRENT = 1e-9
#: Stands for the voltage of a third terminal that floats.
_FLOATS = -1.0
#: Steps of a search for the moment in which a current is zero, and of one along a cubic.
_SEARCH, _NEWTON = 60, 4
#: Events in a piece of a period, beyond its Runge-Kutta steps, that are looked for at most.
_EVENTS = 64
#: Runge-Kutta steps of a period, at most, that the rotor's speed asks for.
_MOST_STEPS = 1000.0
#: Length of a trapezoid's edge that counts as vertical, rad.
_VERTICAL = 1e-200


@kernel
def idle_coefficients(first, second, epsilon, p):
    """Return (pairs, r_s, 1 / l_s, psi_p, slope of a trapezoid's edge, angles of the three phases at the beginning).

    Args:
        first: The phase into which the current flows, 0 to 2.
        second: That out of which it flows.
        epsilon: Electrical angle of the rotor, rad.
        p: Parameter row.
    """
    steep = 2.0 / max(math.pi - p[P.flat], _VERTICAL)
    third = 3 - first - second
    angles = epsilon - _THIRD * first, epsilon - _THIRD * second, epsilon - _THIRD * third
    return p[P.p], p[P.r_s], 1.0 / p[P.l_s], p[P.psi_p], steep, angles[0], angles[1], angles[2]


@kernel
def _folded(passed, k):
    """Return the coefficients of a step that begins when an angle has passed, by which :func:`_slopes` then counts.

    Within a step the rotor turns by less than a quarter of an electrical turn, so that angles are folded once.
    """
    pairs, r_s, inverse, psi_p, steep, one, two, three = k
    one, two, three = wrap(one + passed), wrap(two + passed), wrap(three + passed)
    return pairs, r_s, inverse, psi_p, steep, one, two, three


@kernel
def _edge(angle, steep):
    """Return :func:`gym_suite.motors.trapezoid.trapezoid` of an angle within (-3 pi / 2, 3 pi / 2)."""
    return min(max(steep * max(min(angle, math.pi - angle), -math.pi - angle), -1.0), 1.0)


@kernel
def _induced(s, k):
    """Return what the magnets induce in the three phases, V, and its parts of omega_e psi_p."""
    pairs, _, _, psi_p, steep, one, two, three = k
    angle, largest = s[3], pairs * s[0] * psi_p
    f_1, f_2, f_3 = (
        -_edge(one + angle, steep),
        -_edge(two + angle, steep),
        -_edge(three + angle, steep),
    )
    return largest * f_1, largest * f_2, largest * f_3, f_1, f_2, f_3


@kernel
def _slopes(s, v_in, v_out, v_third, k, load):
    """Return d/dt of a state; the third terminal floats where its voltage is below zero."""
    e_in, e_out, e_third, f_in, f_out, f_third = _induced(s, k)
    omega, i_in, i_out = s[0], s[1], s[2]
    pairs, r_s, inverse, psi_p = k[0], k[1], k[2], k[3]
    both = v_in + v_out - e_in - e_out
    if v_third < 0.0:
        star = 0.5 * both
        v_third = star + e_third
    else:
        star = _PART * (both + v_third - e_third)
    torque = pairs * psi_p * (f_in * i_in + f_out * i_out - f_third * (i_in + i_out))
    return (
        acceleration(omega, torque, load),
        (v_in - star - e_in - r_s * i_in) * inverse,
        (v_out - star - e_out - r_s * i_out) * inverse,
        pairs * omega,
        v_third,
    )


@called_kernel
def _attempt(s, v_in, v_out, v_third, k, load, h):
    """Return a state after one Runge-Kutta step over the time h, and d/dt of it at the beginning."""
    passed, own = s[3], _folded(s[3], k)
    y = s[0], s[1], s[2], 0.0, s[4]
    k1 = _slopes(y, v_in, v_out, v_third, own, load)
    k2 = _slopes(combine(y, 0.5 * h, k1), v_in, v_out, v_third, own, load)
    k3 = _slopes(combine(y, 0.5 * h, k2), v_in, v_out, v_third, own, load)
    k4 = _slopes(combine(y, h, k3), v_in, v_out, v_third, own, load)
    y = combine_rk4(y, h, k1, k2, k3, k4)
    return (y[0], y[1], y[2], passed + y[3], y[4]), k1


@kernel
def _floating(s, v_in, v_out, k):
    """Return the voltage of a third terminal without current, V."""
    e = _induced((s[0], s[1], s[2], 0.0, s[4]), _folded(s[3], k))
    return 0.5 * (v_in + v_out - e[0] - e[1]) + e[2]


@kernel
def _without(s):
    """Return a state whose third phase has no current."""
    i = 0.5 * (s[1] - s[2])
    return s[0], i, -i, s[3], s[4]


@kernel
def _zero_of_cubic(y_0, y_1, d_0, d_1):
    """Return where a cubic with these ends and slopes over (0, 1) is zero, near where its chord is."""
    bend, twist = 3.0 * (y_1 - y_0) - 2.0 * d_0 - d_1, d_0 + d_1 - 2.0 * (y_1 - y_0)
    chord = y_0 / (y_0 - y_1)
    at = chord
    for _ in range(_NEWTON):
        value = y_0 + at * (d_0 + at * (bend + at * twist))
        slope = d_0 + at * (2.0 * bend + 3.0 * at * twist)
        if slope * (y_1 - y_0) <= 0.0:
            return chord
        at -= value / slope
    return at if 0.0 < at < 1.0 else chord


@called_kernel
def _until_zero(s, end, k1, v_in, v_out, v_third, k, load, h, least):
    """Return the state in which the third phase's current becomes zero within a step, and the time until then.

    The first guess is the zero of a cubic through both ends, the others those of the Illinois method (Dowell and
    Jarratt, BIT 11, 1971, doi:10.1007/BF01934364).

    Args:
        s: State at the beginning.
        end: State at the end.
        k1: d/dt of the state at the beginning.
        v_in: Voltage of the terminal "in", V.
        v_out: Of the terminal "out".
        v_third: Of the third.
        k: Of :func:`idle_coefficients`.
        load: The shaft.
        h: The step, s.
        least: Current that counts as none, A.
    """
    before, late, side = 0.0, h, 0
    y_before, y_late = -s[1] - s[2], -end[1] - end[2]
    there = end[0], end[1], end[2], 0.0, end[4]
    last = _slopes(there, v_in, v_out, v_third, _folded(end[3], k), load)
    at = h * _zero_of_cubic(y_before, y_late, -h * (k1[1] + k1[2]), -h * (last[1] + last[2]))
    for _ in range(_SEARCH):
        end, _ = _attempt(s, v_in, v_out, v_third, k, load, at)
        value = -end[1] - end[2]
        if abs(value) <= 0.5 * least:
            break
        if value * y_before > 0.0:
            before, y_before = at, value
            if side > 0:
                y_late *= 0.5
            side = 1
        else:
            late, y_late = at, value
            if side < 0:
                y_before *= 0.5
            side = -1
        at = before + (late - before) * y_before / (y_before - y_late)
    return _without(end), at


@kernel
def _piece(s, v_in, v_out, k, load, h, longest, least, u_dc):
    """Move a state over a time h in which no leg is switched."""
    left, event = h, 0
    while left > 0.0:
        event += 1
        step = min(left, longest)
        if left - step < 1e-6 * h:  # what is left over is no step of its own
            step = left
        third = -s[1] - s[2]
        if abs(third) <= least:
            s = _without(s)
            v = _floating(s, v_in, v_out, k)
            if v < 0.0 or v > u_dc:
                v = 0.0 if v < 0.0 else u_dc
                end, _ = _attempt(s, v_in, v_out, v, k, load, step)
                conducts = -end[1] - end[2] > 0.0 if v == 0.0 else end[1] + end[2] > 0.0
                if not conducts:
                    end, _ = _attempt(s, v_in, v_out, _FLOATS, k, load, step)
                    end = _without(end)
            else:
                end, _ = _attempt(s, v_in, v_out, _FLOATS, k, load, step)
                mean = (end[4] - s[4]) / step
                if mean < 0.0 or mean > u_dc:
                    v = 0.0 if mean < 0.0 else u_dc
                    end, _ = _attempt(s, v_in, v_out, v, k, load, step)
                else:
                    end = _without(end)
        else:
            v = 0.0 if third > 0.0 else u_dc
            end, k1 = _attempt(s, v_in, v_out, v, k, load, step)
            then = -end[1] - end[2]
            if event < _EVENTS + h / longest and abs(then) > least and third * then < 0.0:
                end, step = _until_zero(s, end, k1, v_in, v_out, v, k, load, step, least)
        s, left = end, left - step
    return s


@called_kernel
def pulsed_with_idle_leg(s, part, k, load, p):
    """Move a state by a period in which a part of the link's voltage is asked of two legs, with centred pulses.

    Args:
        s: The state at the beginning.
        part: What is asked for as a part of the link's voltage, -1 to 1.
        k: Of :func:`idle_coefficients`.
        load: Of :func:`gym_suite.motors.loads.shaft`.
        p: Parameter row.

    Returns:
        The state at the end, and how long the upper switches of the legs "in" and "out" have been closed, s.
    """
    tau, u_dc = p[P.tau], p[P.u_dc]
    least = _NO_CURRENT * p[P.i_limit]
    turning = min(abs(k[0] * s[0]) * tau, _MOST_STEPS)
    longest = tau / max(p[P.substeps], turning)  # no step turns the rotor by more than 1 rad
    most, least_duty = 0.5 + 0.5 * abs(part), 0.5 - 0.5 * abs(part)
    edges = (
        0.0,
        0.5 * (1.0 - most) * tau,
        0.5 * (1.0 - least_duty) * tau,
        0.5 * (1.0 + least_duty) * tau,
        0.5 * (1.0 + most) * tau,
        tau,
    )
    up_in = up_out = 0.0
    for j in range(5):
        h = edges[j + 1] - edges[j]
        if h > 0.0:
            wide, narrow = 1 <= j <= 3, j == 2
            v_in = u_dc if (wide if part >= 0.0 else narrow) else 0.0
            v_out = u_dc if (narrow if part >= 0.0 else wide) else 0.0
            s = _piece(s, v_in, v_out, k, load, h, longest, least, u_dc)
            up_in += h * v_in / u_dc
            up_out += h * v_out / u_dc
    return s, up_in, up_out
