"""Physics of the drive: converter, machine and load, moved by one control period at a time; it knows no task.

The converter holds its voltages over each of its periods, so in a turning frame they turn backwards by the electrical
angle that passes; the integrator sees that. A command becomes effective one period late (``dead_time``), as in real
drives, and is turned ahead by the angle that the frame moves until the middle of the period in which it is effective.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2
from gym_suite.core.signals import interpolate, signal_value
from gym_suite.motors.controllers.laws import L, current_control_one, currents_for
from gym_suite.motors.converters import commanded
from gym_suite.motors.electrical import (
    axis_currents,
    coefficients,
    over_limit,
    period,
)
from gym_suite.motors.iron import saturated_coefficients
from gym_suite.motors.loads import load_torque, next_speed, shaft
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
)
from gym_suite.motors.machines.dc import SEPARATE, SHUNT
from gym_suite.motors.observer import flux_frame, follow_flux, slip
from gym_suite.motors.overmodulation import HEXAGON
from gym_suite.motors.parameters import CONSTANT_SPEED, SPEED_PROFILE
from gym_suite.motors.quantities import CONTROL_TORQUE, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.transforms import rotate, star_axes, turn, turned_on, wrap

# Streams of random numbers; those below 16 belong to the references.
STREAM_SENSOR = 16
_STREAM_DISTURBANCE = 34


# ------------------------------------------------------------------------------------------ what is commanded


@kernel
def remember_action(x, u):
    """Keep an action in a row, and the mean square of its change."""
    size = u.shape[0]
    change = 0.0
    for j in range(size):
        difference = u[j] - x[X.action_0 + j]
        change += difference * difference
        x[X.action_0 + j] = u[j]
    x[X.change] = change / size


@kernel
def _flux(group, x):
    """Return the flux that the drive estimates, 0 where it estimates none."""
    kind = len(group)
    if kind == INDUCTION:
        return flux_frame(x)[2]
    return 0.0


@kernel
def frame_speed(group, x, p, tables):
    """Return the electrical speed of the frame of the drive's voltages, rad/s, as the drive knows it."""
    kind = len(group)
    omega_e = p[P.p] * x[X.omega]
    if kind == INDUCTION:
        cosine, sine, flux = flux_frame(x)
        i_q = rotate(x[X.i_salpha], x[X.i_sbeta], cosine, -sine)[1]
        omega_e += slip(i_q, flux, tables[T.law][0])
    return omega_e


@called_kernel
def command_currents(group, x, u, u_dc, p, tables):
    """Turn a torque command into the references of the inner current controller at a voltage of the DC link."""
    law = tables[T.law][0]
    u_max = law[L.u_max] * u_dc / law[P.u_dc]
    torque, i = u[0] * p[P.torque_limit], axis_currents(group, x, p)
    x[X.command_0], x[X.command_1], x[X.command_2], x[X.command_3] = currents_for(
        group, torque, x[X.omega], i, _flux(group, x), u_max, law, tables[T.points]
    )


@called_kernel
def inner_voltages(group, x, key, tick, u_dc, p, law):
    """Run the inner current controller once; return the voltages to hold, update its integrals."""
    i = axis_currents(group, x, p)
    if p[P.noise_0] > 0.0 or p[P.noise_2] > 0.0:
        first, second = normal2(key, tick, STREAM_SENSOR)
        third, fourth = 0.0, 0.0
        if p[P.noise_2] > 0.0 or p[P.noise_3] > 0.0:
            third, fourth = normal2(key, tick, STREAM_SENSOR + 1)
        i = (
            i[0] + p[P.noise_0] * first,
            i[1] + p[P.noise_1] * second,
            i[2] + p[P.noise_2] * third,
            i[3] + p[P.noise_3] * fourth,
        )
    references = x[X.command_0], x[X.command_1], x[X.command_2], x[X.command_3]
    kind = len(group)
    if kind == INDUCTION:
        cosine, sine, flux = flux_frame(x)
        seen = x[X.omega], cosine, sine, flux
    else:
        seen = x[X.omega], x[X.cos_epsilon], x[X.sin_epsilon], 0.0
    return current_control_one(group, i, references, seen, x, X.integral_0, law, u_dc)[1]


# ------------------------------------------------------------------------------------- one inverter period


@called_kernel
def _disturbance(signals, own, channel, key, t):
    row, stream = SIGNAL_DISTURBANCE + channel, _STREAM_DISTURBANCE + channel
    return signal_value(signals, row, own, key, stream, t)


@kernel
def disturbance_of(tables, channel, key, t):
    """Return what disturbs the plant on a channel at a time: the shaft is the first, then come the axes."""
    return _disturbance(tables[T.signals], tables[T.signal_tables], channel, key, t)


@kernel
def carried(x, key, tick, extra, p, tables):
    """Return the shaft of a period as the derivatives read it; a load that dictates a new speed leads there evenly."""
    if int(p[P.load_kind]) >= SPEED_PROFILE:
        slope = (next_speed(x[X.omega], key, tick, p, tables) - x[X.omega]) / p[P.tau]
        return 0.0, 0.0, 0.0, 0.0, slope, 0.0
    cycle = tables[T.cycle]
    if cycle.shape[1] > 2:
        # The road's grade where the cycle says that the car should be in the middle of the period: the weight along the
        # road, m g sin, and the rolling resistance that is missing under the smaller normal force.
        grade = interpolate(cycle[:, 0], cycle[:, 2], x[X.start] + (tick + 0.5) * p[P.tau])
        cosine = 1.0 / math.sqrt(1.0 + grade * grade)
        lever = p[P.wheel_radius] / p[P.gear_ratio]
        force = p[P.mass] * p[P.gravity] * (grade * cosine - p[P.c_r] * (1.0 - cosine))
        extra += lever * force
    return shaft(p, extra)


@kernel
def _move_dc(group, x, key, tick, v, p, tables):
    """Move a DC machine by one period of its choppers; arguments and what it returns as :func:`_move`."""
    excitation = int(p[P.excitation])
    u_a, u_e, extra = v[0], v[1], 0.0
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        t = tick * p[P.tau]
        extra = disturbance_of(tables, 0, key, t)
        u_a += disturbance_of(tables, 1, key, t)
        if excitation == SEPARATE:
            u_e += disturbance_of(tables, 2, key, t)
    x[X.u_a] = u_a
    if excitation == SEPARATE:
        x[X.u_e] = u_e
    elif excitation == SHUNT:
        u_e = u_a
    load, k = carried(x, key, tick, extra, p, tables), coefficients(group, p)
    state = x[X.omega], x[X.i_a], x[X.i_e], u_a, u_e, 0.0
    omega, i_a, i_e, _, _, turned = period(group, state, k, load, 0.0, p[P.tau], int(p[P.substeps]))
    # A current at which a diode has begun to block in the period ends it at zero.
    if int(p[P.quadrants_e]) == 1:
        i_e = max(i_e, 0.0)
    if int(p[P.quadrants_a]) == 1:
        i_a = max(i_a, -i_e if excitation == SHUNT else 0.0)
    x[X.i_a], x[X.i_e] = i_a, i_e
    x[X.position] += turned
    return omega, load


@kernel
def _disturbed(tables, key, t, u):
    """Return the voltages of four axes with their disturbances."""
    return (
        u[0] + disturbance_of(tables, 1, key, t),
        u[1] + disturbance_of(tables, 2, key, t),
        u[2] + disturbance_of(tables, 3, key, t),
        u[3] + disturbance_of(tables, 4, key, t),
    )


@kernel
def _move(group, x, key, tick, v, half_cosine, half_sine, p, tables):
    """Move the machine by one inverter period under held voltages; return the speed at its end and the shaft.

    Args:
        group: The group.
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        v: The voltages that the converters hold, V.
        half_cosine: Cosine of half the angle that the frame turns by at the present speed.
        half_sine: Its sine.
        p: Parameter row.
        tables: The family's tables.
    """
    kind = len(group)
    if kind == DC:
        return _move_dc(group, x, key, tick, v, p, tables)
    tau, steps = p[P.tau], int(p[P.substeps])
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    own_cosine, own_sine = cosine, sine  # of the frame of the voltages
    if kind == INDUCTION:
        own_cosine, own_sine, _ = flux_frame(x)
    u_d, u_q = rotate(v[0], v[1], own_cosine, -own_sine)
    u_e, extra = v[2], 0.0
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        t = tick * tau
        extra = disturbance_of(tables, 0, key, t)
        u_d += disturbance_of(tables, 1, key, t)
        u_q += disturbance_of(tables, 2, key, t)
        if kind == EXCITED:
            u_e += disturbance_of(tables, 3, key, t)
    x[X.u_sd], x[X.u_sq] = rotate(u_d, u_q, half_cosine, -half_sine)
    load, k = carried(x, key, tick, extra, p, tables), coefficients(group, p)
    if kind == SIX_PHASE:
        u = star_axes(v, cosine, sine)
        if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
            u = _disturbed(tables, key, tick * tau, u)
        x[X.u_sd], x[X.u_sq] = rotate(u[0], u[1], half_cosine, -half_sine)
        x[X.u_sx], x[X.u_sy] = rotate(u[2], u[3], half_cosine, half_sine)
        i = x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy]
        state = x[X.omega], i[0], i[1], i[2], i[3], u[0], u[1], u[2], u[3], 0.0
        after = period(group, state, k, load, 1.0, tau, steps)
        omega, turned = after[0], after[9]
        x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy] = after[1:5]
    elif kind == DOUBLY_FED:
        u = u_d, u_q, v[2], v[3]
        if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
            # Those of the stator are in u_d and u_q already.
            fed = _disturbed(tables, key, tick * tau, (0.0, 0.0, v[2], v[3]))
            u = u_d, u_q, fed[2], fed[3]
        x[X.u_rd], x[X.u_rq] = u[2], u[3]
        u_a, u_b = rotate(u[0], u[1], cosine, sine)
        v_a, v_b = rotate(u[2], u[3], cosine, sine)
        i_a, i_b, psi_a, psi_b = x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta]
        state = x[X.omega], i_a, i_b, psi_a, psi_b, u_a, u_b, v_a, v_b, 0.0
        after = period(group, state, k, load, 1.0, tau, steps)
        omega, turned = after[0], after[9]
        x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta] = after[1:5]
    elif kind == EXCITED:
        x[X.u_e] = u_e
        state = x[X.omega], x[X.i_sd], x[X.i_sq], x[X.i_e], u_d, u_q, u_e, 0.0
        after = period(group, state, k, load, 1.0, tau, steps)
        omega, x[X.i_sd], x[X.i_sq], x[X.i_e], turned = (
            after[0],
            after[1],
            after[2],
            after[3],
            after[7],
        )
    elif kind == INDUCTION:
        before = x[X.i_salpha], x[X.i_sbeta]
        u_a, u_b = rotate(u_d, u_q, own_cosine, own_sine)
        flux = x[X.psi_ralpha], x[X.psi_rbeta]
        state = x[X.omega], before[0], before[1], flux[0], flux[1], u_a, u_b, 0.0
        after = period(group, state, k, load, 1.0, tau, steps)
        omega, turned = after[0], after[7]
        x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta] = after[1:5]
        follow_flux(x, before, tables[T.law][0])
    elif kind == SATURATED:
        state = x[X.omega], x[X.i_sd], x[X.i_sq], u_d, u_q, 0.0
        with_map = saturated_coefficients(p, tables[T.flux][0])
        after = period(group, state, with_map, load, 1.0, tau, steps)
        omega, x[X.i_sd], x[X.i_sq], turned = after[0], after[1], after[2], after[5]
    else:
        state = x[X.omega], x[X.i_sd], x[X.i_sq], u_d, u_q, 0.0
        omega, x[X.i_sd], x[X.i_sq], _, _, turned = period(group, state, k, load, 1.0, tau, steps)
    x[X.epsilon] = wrap(x[X.epsilon] + turned)
    x[X.position] += turned / p[P.p]
    x[X.cos_epsilon], x[X.sin_epsilon] = turned_on(cosine, sine, *turn(turned))
    return omega, load


@kernel
def wait(group, x, v):
    """Put voltages in the place of those that have waited a period, and return these."""
    kind = len(group)
    first, second, third = x[X.held_0], x[X.held_1], 0.0
    x[X.held_0], x[X.held_1] = v[0], v[1]
    if kind == EXCITED:
        third, x[X.held_2] = x[X.held_2], v[2]
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
        third, fourth = x[X.held_2], x[X.held_3]
        x[X.held_2], x[X.held_3] = v[2], v[3]
        return first, second, third, fourth
    return first, second, third, 0.0


@kernel
def advance_one(group, x, key, step, u, p, tables):
    """Move one row by one control period.

    Args:
        group: The group.
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
    ratio, law = int(p[P.ratio]), tables[T.law][0]
    if torque_control:
        command_currents(group, x, u, p[P.u_dc], p, tables)
    for k in range(ratio):
        tick = step * ratio + k
        half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
        if torque_control:
            v = inner_voltages(group, x, key, tick, p[P.u_dc], p, law)
        else:
            v = commanded(group, HEXAGON, x, u, half_cosine, half_sine, p)
        if p[P.dead_time] > 0.0:
            v = wait(group, x, v)
        omega, load = _move(group, x, key, tick, v, half_cosine, half_sine, p, tables)
        if int(p[P.load_kind]) != CONSTANT_SPEED:
            x[X.omega] = omega
            if int(p[P.load_kind]) < SPEED_PROFILE:
                a, b, c, linear, extra, _ = load
                x[X.torque_load] = load_torque(omega, a, b, c, linear) + extra
        if over_limit(group, x, p):
            x[X.tripped] = 1.0


def follow_angle(x, mask, names):
    """Make cosine and sine of the angle follow the angle, where a user has written it into states.

    Args:
        x: States, (n, nx).
        mask: Which rows.
        names: The columns that were written.
    """
    if "epsilon" in names:
        angles = x[mask, X.epsilon]
        x[mask, X.cos_epsilon] = [math.cos(angle) for angle in angles]
        x[mask, X.sin_epsilon] = [math.sin(angle) for angle in angles]
