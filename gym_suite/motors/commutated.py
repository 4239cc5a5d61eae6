"""Physics of a brushless DC machine in six-step commutation, and the loops over its rows.

Hall sensors tell in which sixth of an electrical turn the rotor is. Of the three legs two conduct, those at whose
windings the magnets induce the highest and the lowest voltage, and share the voltage that is commanded as the two legs
of a chopper of four quadrants do, with exact pulses in the middle of each period. The third leg has both switches off:
its diodes carry what is left of its current, and none after that. The sensors are read at the beginning of a period.
T. J. E. Miller, "Brushless Permanent-Magnet and Reluctance Motor Drives", Oxford 1989, chapter 4.

To a drive this is a DC machine, and its task, references and inner controller are those of the group DC. What is
compiled here is compiled for such machines alone.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from gym_suite.core.family import Kernels, clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform4
from gym_suite.motors.carrier import next_edge
from gym_suite.motors.converters import chopper_voltage
from gym_suite.motors.dynamics import (
    carried,
    command_currents,
    disturbance_of,
    inner_voltages,
    remember_action,
)
from gym_suite.motors.idle_leg import idle_coefficients, pulsed_with_idle_leg
from gym_suite.motors.link import (
    FED_LINK,
    IDEAL_LINK,
    keep_link,
    link_of,
    mains_phase,
    measure_link,
    measured_voltage,
    start_link,
)
from gym_suite.motors.machines.base import DC, TRAPEZOIDAL, group_of
from gym_suite.motors.quantities import CONTROL_TORQUE, SIGNAL_DISTURBANCE, P, Q, T, X
from gym_suite.motors.references import STREAM_START
from gym_suite.motors.rows import electrical_state, finish
from gym_suite.motors.switches import winding_voltages
from gym_suite.motors.switching import NOTHING, plus, through
from gym_suite.motors.tasks import (
    forget_earnings,
    judge_one,
    measure_one,
    observe_one,
    refer_one,
    reset_one,
    tell_one,
)
from gym_suite.motors.transforms import clarke, inverse_clarke, rotate, turn
from gym_suite.motors.trapezoid import trapezoidal_coefficients, trapezoidal_torque

_DC, _TRAPEZOIDAL = group_of(DC), group_of(TRAPEZOIDAL)
_FOUR_QUADRANTS = 4
_UNUSED = -1.0  # position of a leg that there is not


@kernel
def sector_of(epsilon):
    """Return in which sixth of an electrical turn the rotor is, 0 to 5, as three Hall sensors tell it.

    In the sectors from 0 on the current flows from a to b, a to c, b to c, b to a, c to a and c to b.
    """
    return math.floor((epsilon + 5.0 * math.pi / 6.0) / (math.pi / 3.0)) % 6


@kernel
def conducting(sector):
    """Return the phases through which the current flows in and out: 0, 1 and 2 for a, b and c."""
    return sector // 2, (sector + 3) // 2 % 3


@kernel
def phase_currents(x):
    """Return the currents of the phases a, b, c of a row, A."""
    alpha, beta = rotate(x[X.i_sd], x[X.i_sq], x[X.cos_epsilon], x[X.sin_epsilon])
    return inverse_clarke(alpha, beta)


@kernel
def read_current(x):
    """Write into a row the current that the drive measures: of the phase that carries most, signed by its sense.

    While one phase takes the current over from another, it is that of the third, which does not commutate.
    """
    i = phase_currents(x)
    first, second = conducting(sector_of(x[X.epsilon]))
    size = max(abs(i[0]), abs(i[1]), abs(i[2]))
    x[X.i_a] = size if i[first] >= i[second] else -size


@kernel
def _position(leg, ends, first, second):
    """Return the position of a leg: of the first or second one that conducts, or 0 for both switches off."""
    if leg == ends[0]:
        return first
    return second if leg == ends[1] else 0.0


@kernel
def _pulse(duty, at, tau):
    """Return 1 within a pulse in the middle of a period, -1 beside it."""
    return 1.0 if abs(at - 0.5 * tau) < 0.5 * duty * tau else -1.0


@called_kernel
def _pulsed(s, w, ends, part, cosine, sine, k, load, phase, t, p, tables):
    """Move machine and link by a period in which a part of the link's voltage is asked of two legs.

    Returns:
        Both states, and the integrals of the legs' levels, s.
    """
    tau, at, total = p[P.tau], 0.0, NOTHING
    d, high, low = (0.0, 0.0, 0.0, 0.0), 0.5 + 0.5 * part, 0.5 - 0.5 * part
    duties = high, low, 0.0, 0.0, 0.0, 0.0
    while at < tau:
        after = next_edge(duties, at, tau)
        middle = 0.5 * (at + after)
        first, second = _pulse(high, middle, tau), _pulse(low, middle, tau)
        legs = (
            _position(0, ends, first, second),
            _position(1, ends, first, second),
            _position(2, ends, first, second),
            _UNUSED,
            _UNUSED,
            _UNUSED,
        )
        s, w, own = through(
            _TRAPEZOIDAL, s, w, legs, d, cosine, sine, k, load, phase, t + at, after - at, p, tables
        )
        total, at = plus(total, 1.0, own), after
    return s, w, total


@kernel
def _of(ends, k, one, two, three):
    """Return what belongs to phase k of three values, those of the phases that conduct first."""
    if k == ends[0]:
        return one
    return two if k == ends[1] else three


@kernel
def _pulsed_ideal(x, ends, part, cosine, sine, load, p):
    """Do as :func:`_pulsed` with an ideal supply; return the machine's state and the integrals of the levels."""
    i = phase_currents(x)
    k = idle_coefficients(ends[0], ends[1], x[X.epsilon], p)
    s = x[X.omega], i[ends[0]], i[ends[1]], 0.0, 0.0
    s, up_in, up_out = pulsed_with_idle_leg(s, part, k, load, p)
    rest, idle = -s[1] - s[2], s[4] / p[P.u_dc]
    alpha, beta = clarke(
        _of(ends, 0, s[1], s[2], rest),
        _of(ends, 1, s[1], s[2], rest),
        _of(ends, 2, s[1], s[2], rest),
    )
    cosine, sine = rotate(cosine, sine, *turn(s[3]))
    i_d, i_q = rotate(alpha, beta, cosine, -sine)
    total = (
        _of(ends, 0, up_in, up_out, idle),
        _of(ends, 1, up_in, up_out, idle),
        _of(ends, 2, up_in, up_out, idle),
        0.0,
        0.0,
        0.0,
    )
    return (s[0], i_d, i_q, 0.0, 0.0, s[3]), total


@kernel
def _move(supply, x, key, tick, v, p, tables):
    """Move machine and link by one period of the legs.

    Args:
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        x: State row.
        key: The row's key.
        tick: Periods since reset.
        v: Voltage between the legs that conduct, at the link's nominal voltage, V.
        p: Parameter row.
        tables: The family's tables.
    """
    tau, u_dc, extra = p[P.tau], p[P.u_dc], 0.0
    t = tick * tau
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, t)
        v += disturbance_of(tables, 1, key, t)
    v = min(max(v, -u_dc), u_dc)
    load, ends = carried(x, key, tick, extra, p, tables), conducting(sector_of(x[X.epsilon]))
    cosine, sine, w = x[X.cos_epsilon], x[X.sin_epsilon], link_of(supply, x)
    if len(supply) == 0:
        s, total = _pulsed_ideal(x, ends, v / u_dc, cosine, sine, load, p)
    else:
        k, phase = trapezoidal_coefficients(x[X.epsilon], p), mains_phase(supply, key, p)
        s = electrical_state(_TRAPEZOIDAL, x)
        s, w, total = _pulsed(s, w, ends, v / u_dc, cosine, sine, k, load, phase, t, p, tables)
    means = winding_voltages(_TRAPEZOIDAL, total, p)
    means = means[0] / tau, means[1] / tau, 0.0, 0.0
    finish(_TRAPEZOIDAL, x, s, means, load, p, tables)
    x[X.u_a] = u_dc * (total[ends[0]] - total[ends[1]]) / tau
    read_current(x)
    if not abs(x[X.i_a]) <= p[P.i_limit]:
        x[X.tripped] = 1.0
    keep_link(x, w, p)


@kernel
def advance_commutated_one(supply, x, key, step, u, p, tables):
    """Move one row by one control period.

    Args:
        supply: The link, :data:`gym_suite.motors.link.IDEAL_LINK` or :data:`gym_suite.motors.link.FED_LINK`.
        x: State row, changed in place.
        key: The row's key.
        step: Control periods since reset.
        u: Action row within [-1, 1].
        p: Parameter row.
        tables: The family's tables.
    """
    remember_action(x, u)
    x[X.tripped] = 0.0
    torque_control = int(p[P.control]) == CONTROL_TORQUE
    ratio, u_dc, law = int(p[P.ratio]), p[P.u_dc], tables[T.law][0]
    if torque_control:
        command_currents(_DC, x, u, measured_voltage(supply, x, p), p, tables)
    for k in range(ratio):
        tick = step * ratio + k
        if torque_control:
            measured = measured_voltage(supply, x, p)
            v = inner_voltages(_DC, x, key, tick, measured, p, law)[0] * u_dc / measured
        else:
            v = chopper_voltage(u[0], _FOUR_QUADRANTS, u_dc)
        if p[P.dead_time] > 0.0:
            v, x[X.held_0] = x[X.held_0], v
        _move(supply, x, key, tick, v, p, tables)


# ------------------------------------------------------------------------------------------------ loops over the rows


@kernel
def start_commutated(x, key):
    """Begin an episode at a random electrical angle, without currents."""
    epsilon = math.pi * (2.0 * uniform4(key, 0, STREAM_START)[1] - 1.0)
    x[X.epsilon] = epsilon
    x[X.cos_epsilon], x[X.sin_epsilon] = math.cos(epsilon), math.sin(epsilon)


@kernel
def measure_commutated(supply, x, p, tables, q):
    """Fill the quantities of a row as those of a DC machine, and what its windings have besides."""
    measure_one(_DC, x, p, tables, q)
    q[Q.epsilon] = x[X.epsilon]
    q[Q.cos_epsilon], q[Q.sin_epsilon] = x[X.cos_epsilon], x[X.sin_epsilon]
    alpha, beta = rotate(x[X.i_sd], x[X.i_sq], x[X.cos_epsilon], x[X.sin_epsilon])
    q[Q.i_salpha], q[Q.i_sbeta] = alpha, beta
    q[Q.torque] = trapezoidal_torque(x[X.epsilon], x[X.i_sd], x[X.i_sq], p)
    measure_link(supply, x, q)


@kernel
def _look(supply, i, x, key, step, p, tables, q, m, o):
    """Observe row i where no step has been made."""
    own = p[parameter_row(p, i)]
    measure_commutated(supply, x[i], own, tables, q)
    forget_earnings(q)
    tell_one(own, tables, q, m[:, i])
    observe_one(_DC, x[i], key[i], step, own, tables, q, o[i])


def follow_commutated(follow: Any, x: np.ndarray, mask: np.ndarray, names: Any) -> None:
    """Make the measured current that of the windings where a user has written states.

    Args:
        follow: What makes cosine and sine follow the angle.
        x: States, (n, nx).
        mask: Which rows.
        names: The columns that were written.
    """
    follow(x, mask, names)
    for i in np.flatnonzero(mask):
        read_current(x[i])


@cache
def commutated_kernels(fed: bool) -> Kernels:
    """Return the loops of six-step commutation, made when somebody first asks for them.

    Args:
        fed: Whether the supply's voltage moves.
    """
    supply = FED_LINK if fed else IDEAL_LINK

    @kernel
    def step_commutated(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
        """Move all rows not skipped by one control period."""
        wrong = first_not_finite(u, skip)
        for i in range(x.shape[0] if wrong < 0 else 0):
            if not skip[i]:
                own, row, q = p[parameter_row(p, i)], x[i], work[i]
                row[X.clipped] = clip_action(u[i])
                advance_commutated_one(supply, row, key[i], step[i], u[i], own, tables)
                step[i] += 1
                refer_one(_DC, row, key[i], step[i], own, tables)
                measure_commutated(supply, row, own, tables, q)
                reward[i, 0], terminated[i, 0] = judge_one(_DC, row, own, tables, q)
                tell_one(own, tables, q, m[:, i])
                observe_one(_DC, row, key[i], step[i], own, tables, q, o[i])
        return wrong

    @kernel
    def reset_commutated(x, key, p, tables, work, m, o, mask):
        """Start the masked rows."""
        for i in range(x.shape[0]):
            if mask[i]:
                own = p[parameter_row(p, i)]
                reset_one(_DC, x[i], key[i], own, tables)
                start_commutated(x[i], key[i])
                start_link(supply, x[i], key[i], own, tables)
                _look(supply, i, x, key, 0, p, tables, work[i], m, o)

    @kernel
    def observe_commutated(x, key, step, p, tables, work, m, o, mask):
        """Fill observations and metrics of the masked rows from their states."""
        for i in range(x.shape[0]):
            if mask[i]:
                _look(supply, i, x, key, step[i], p, tables, work[i], m, o)

    @kernel
    def advance_commutated(x, key, step, u, p, tables, work):
        """Move rows by one control period: the physics alone."""
        for i in range(x.shape[0]):
            own = p[parameter_row(p, i)]
            advance_commutated_one(supply, x[i], key[i], step[i], u[i], own, tables)
            step[i] += 1

    return Kernels(
        step=step_commutated,
        reset=reset_commutated,
        observe=observe_commutated,
        advance=advance_commutated,
    )
