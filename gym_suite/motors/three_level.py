"""Physics of the drive under a switched bridge of three levels, moved by one period of switching at a time.

A leg joins its terminal to the upper rail, to the lower one, or to the neutral point between two equal capacitors
across the link. Neutral-point-clamped bridges (A. Nabae, I. Takahashi and H. Akagi, "A new neutral-point-clamped PWM
inverter", IEEE Trans. Ind. Appl. 17(5), 1981) and T-type ones differ in what their switches bear and lose, not in this.

With u_n the neutral point's voltage against the middle of the link the capacitors hold u_dc/2 - u_n and u_dc/2 + u_n;
the current i_n that legs draw from between them charges the upper one and discharges the lower one:
2 c du_n/dt = -i_n.
"""

from __future__ import annotations

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.dynamics import carried, disturbance_of
from gym_suite.motors.electrical import coefficients, derivative, over_limit
from gym_suite.motors.quantities import SIGNAL_DISTURBANCE, P, Q, T, X
from gym_suite.motors.rows import disturbing_voltages, electrical_state, finish
from gym_suite.motors.switches import (
    ALL_NEUTRAL,
    at_neutral,
    leg_currents,
    levels_of,
    three_level_legs,
    under,
    winding_voltages,
)
from gym_suite.motors.transforms import clarke

#: What kernels take for bridges of two levels and of three; told apart by their lengths.
TWO_LEVEL: tuple[int, ...] = ()
THREE_LEVEL: tuple[int, ...] = (0,)
#: Part of the link's voltage that the neutral point may be off its middle: a capacitor and the switches beside it are
#: made for three quarters of the link, a design value.
NEUTRAL_LIMIT = 0.25


@kernel
def _slopes(group, s, w, v, legs, cosine, sine, k, load, p):
    """Return ds/dt of a machine and dw/dt of the neutral point's voltage and its integral.

    Args:
        group: The group.
        s: The machine's state.
        w: The neutral point's voltage, V, and its integral, V s.
        v: Voltages of the windings with the neutral point in the middle of the link, V.
        legs: Positions of the legs.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        p: Parameter row.
    """
    at = at_neutral(legs)
    alpha, beta = clarke(at[0], at[1], at[2])
    held = v[0] + w[0] * alpha, v[1] + w[0] * beta, v[2], v[3]
    i = leg_currents(group, s, cosine, sine, p)
    drawn = at[0] * i[0] + at[1] * i[1] + at[2] * i[2]
    slope = derivative(group, under(group, s, held, cosine, sine), k, load, 0.0)
    return slope, (-0.5 * drawn / p[P.c_neutral], w[0])


@called_kernel
def neutral_period(group, s, w, v, legs, cosine, sine, k, load, h, steps, p):
    """Return machine and neutral point after the time h, by Runge-Kutta steps of fourth order.

    Args:
        group: The group.
        s: The machine's state.
        w: The neutral point's voltage, V, and its integral, V s.
        v: Voltages of the windings with the neutral point in the middle of the link, V.
        legs: Positions of the legs.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        h: The time, s.
        steps: Runge-Kutta steps.
        p: Parameter row.
    """
    d = h / steps
    for _ in range(steps):
        s1, w1 = _slopes(group, s, w, v, legs, cosine, sine, k, load, p)
        s2, w2 = combine(s, 0.5 * d, s1), combine(w, 0.5 * d, w1)
        s2, w2 = _slopes(group, s2, w2, v, legs, cosine, sine, k, load, p)
        s3, w3 = combine(s, 0.5 * d, s2), combine(w, 0.5 * d, w2)
        s3, w3 = _slopes(group, s3, w3, v, legs, cosine, sine, k, load, p)
        s4, w4 = combine(s, d, s3), combine(w, d, w3)
        s4, w4 = _slopes(group, s4, w4, v, legs, cosine, sine, k, load, p)
        s, w = combine_rk4(s, d, s1, s2, s3, s4), combine_rk4(w, d, w1, w2, w3, w4)
    return s, w


@kernel
def _command(x, u, p):
    """Take a switching state as the last action; return the one that acts now."""
    code, change = u[0], 0.0
    legs = three_level_legs(code)
    for k in range(3):
        difference = legs[k] - x[X.action_0 + k]
        change += difference * difference
        x[X.action_0 + k] = legs[k]
    x[X.change] = change / 3.0
    if p[P.dead_time] > 0.0:
        code, x[X.waiting_0] = x[X.waiting_0], code
    x[X.switched_0] = code
    return code


@kernel
def start_at_neutral(levels, x):
    """Begin an episode with all legs of a bridge of three levels at the neutral point, until the first command acts."""
    if len(levels) > 0:
        x[X.waiting_0] = x[X.switched_0] = ALL_NEUTRAL


@kernel
def measure_neutral(levels, x, q):
    """Fill the neutral point's voltage and, of legs that follow carriers, their mean positions."""
    if len(levels) > 0:
        q[Q.u_n] = x[X.u_n]
        q[Q.leg_a], q[Q.leg_b], q[Q.leg_c] = x[X.leg_a], x[X.leg_b], x[X.leg_c]


@kernel
def advance_three_level_one(group, x, key, step, u, p, tables):
    """Move one row by one period of switching.

    Args:
        group: The group, of a machine with one bridge.
        x: State row, changed in place.
        key: The row's key.
        step: Periods since reset.
        u: Action row: the switching state.
        p: Parameter row.
        tables: The family's tables.
    """
    tau, t, extra = p[P.tau], step * p[P.tau], 0.0
    legs = three_level_legs(_command(x, u, p))
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, t)
    d = disturbing_voltages(group, x, key, t, p, tables)
    load, k = carried(x, key, step, extra, p, tables), coefficients(group, p)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    v = winding_voltages(group, levels_of((legs[0], legs[1], legs[2], -1.0, -1.0, -1.0)), p)
    v = v[0] + d[0], v[1] + d[1], v[2] + d[2], v[3] + d[3]
    s, w = electrical_state(group, x), (x[X.u_n], 0.0)
    s, w = neutral_period(group, s, w, v, legs, cosine, sine, k, load, tau, int(p[P.substeps]), p)
    at = at_neutral(legs)
    alpha, beta = clarke(at[0], at[1], at[2])
    mean = w[1] / tau
    v = v[0] + mean * alpha, v[1] + mean * beta, v[2], v[3]
    finish(group, x, s, v, load, p, tables)
    x[X.u_n] = w[0]
    beyond = not abs(w[0]) <= NEUTRAL_LIMIT * p[P.u_dc]
    x[X.tripped] = 1.0 if beyond or over_limit(group, x, p) else 0.0
