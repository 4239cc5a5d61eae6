"""Tasks of the drive: where an episode starts, what it earns, what is seen. No physics here.

A task is data: which quantities follow references, what is observed and what is told stand in tables of places in
the row of quantities q, which :func:`measure_one` fills. Judging and observing gather from it.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform4
from gym_suite.core.signals import interpolate
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.converters import standing_voltage
from gym_suite.motors.electrical import axis_currents, loss_of, torque_of
from gym_suite.motors.iron import with_flux
from gym_suite.motors.loads import next_speed
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    SYNCHRONOUS,
    group_of,
)
from gym_suite.motors.observer import flux_frame
from gym_suite.motors.parameters import SPEED_PROFILE, VEHICLE
from gym_suite.motors.quantities import (
    AXES,
    CONTROL_TORQUE,
    REFERENCE_CYCLE,
    TRACKED,
    K,
    P,
    Q,
    T,
    X,
)
from gym_suite.motors.references import STREAM_START, VOLTAGE_MARGIN, holds, refer
from gym_suite.motors.transforms import SQRT3, rotate, turn

_INDUCTION = group_of(INDUCTION)

OBSERVATION_BOUND = 1.5  # normalised quantities are clipped here; a trip ends the episode at 1


# ------------------------------------------------------------------------------------------- reset


@kernel
def _start(x, key, p, tables):
    """Clear a row, set its speed, and return a uniform number in [0, 1) for the angle it starts at."""
    x[:] = 0.0
    speed, angle, start, _ = uniform4(key, 0, STREAM_START)
    x[X.omega] = p[P.speed_low] + (p[P.speed_high] - p[P.speed_low]) * speed
    if int(p[P.reference_kind]) == REFERENCE_CYCLE:
        cycle = tables[T.cycle]
        x[X.start] = p[P.window_start]
        if p[P.window_start] < 0.0:
            x[X.start] = start * (cycle[cycle.shape[0] - 1, 0] - p[P.window])
        speed = interpolate(cycle[:, 0], cycle[:, 1], x[X.start])
        x[X.omega] = speed * p[P.gear_ratio] / p[P.wheel_radius]
    elif int(p[P.load_kind]) >= SPEED_PROFILE:
        x[X.omega] = next_speed(0.0, key, -1, p, tables)
    return angle


@kernel
def reset_one(group, x, key, p, tables):
    """Put one row at the start of an episode."""
    angle = _start(x, key, p, tables)
    if len(group) != DC:
        epsilon = math.pi * (2.0 * angle - 1.0)
        x[X.epsilon] = epsilon
        x[X.cos_epsilon], x[X.sin_epsilon] = math.cos(epsilon), math.sin(epsilon)
    if len(group) == DC and p[P.dead_time] > 0.0:
        # The first command acts a period late: until then the chopper catches the turning machine without a current.
        x[X.held_0] = standing_voltage(x[X.omega], p)
    if (len(group) == SYNCHRONOUS or len(group) == SATURATED) and p[P.caught] > 0.0:
        omega_e = p[P.p] * x[X.omega]
        half = turn(0.5 * omega_e * p[P.tau])
        cosine, sine = rotate(x[X.cos_epsilon], x[X.sin_epsilon], half[0], half[1])
        x[X.held_0], x[X.held_1] = rotate(0.0, omega_e * p[P.psi_p], cosine, sine)
    if len(group) == INDUCTION:
        magnetise(x, p, tables)
    refer(group, x, key, 0, p, tables, x, X.reference_0)


@kernel
def magnetise(x, p, tables):
    """Start an induction machine as a drive in waiting holds it: with its flux, as much as the voltage allows.

    Without flux there would be no torque for some tenths of a second, nor a direction for the drive's frame.
    """
    omega_e, u_max = p[P.p] * x[X.omega], VOLTAGE_MARGIN * p[P.u_dc] / SQRT3
    current = currents_for_torque(_INDUCTION, 0.0, omega_e, u_max, tables[T.points])[0]
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    x[X.i_salpha], x[X.i_sbeta] = current * cosine, current * sine
    flux, believed = p[P.l_m] * current, tables[T.law][0][P.l_m] * current
    x[X.psi_ralpha], x[X.psi_rbeta] = flux * cosine, flux * sine
    x[X.flux_alpha], x[X.flux_beta] = believed * cosine, believed * sine
    if p[P.dead_time] > 0.0:  # what the drive has commanded before
        cosine, sine = rotate(cosine, sine, *turn(0.5 * omega_e * p[P.tau]))
        u_q = omega_e * (p[P.l_m] + p[P.l_sigs]) * current
        x[X.held_0], x[X.held_1] = rotate(p[P.r_s] * current, u_q, cosine, sine)


@kernel
def refer_one(group, x, key, step, p, tables):
    """Set the references that hold from control period ``step`` on."""
    ratio = int(p[P.ratio])
    if ratio == 1 and step > 0 and holds(step, p):
        return
    refer(group, x, key, step * ratio, p, tables, x, X.reference_0)


# ------------------------------------------------------------------------------------------- measure


@kernel
def _measure_rest(x, p, task, q):
    """Fill what all groups have alike, after what is theirs, of which there may be errors."""
    q[Q.omega], q[Q.position] = x[X.omega], x[X.position]
    if int(p[P.load_kind]) == VEHICLE:
        q[Q.v] = x[X.omega] * p[P.wheel_radius] / p[P.gear_ratio]
    q[Q.torque_load] = x[X.torque_load]
    q[Q.violation], q[Q.clipped] = x[X.tripped], x[X.clipped]
    for k in range(int(p[P.actions])):
        q[Q.action_0 + k] = x[X.action_0 + k]
    if int(p[P.control]) == CONTROL_TORQUE:
        q[Q.torque_command] = x[X.action_0] * p[P.torque_limit]
        for k in range(AXES):
            q[Q.command_0 + k] = x[X.command_0 + k]
    for k in range(int(p[P.tracked])):
        reference = x[X.reference_0 + k]
        q[Q.reference_0 + k] = reference
        q[Q.error_0 + k] = reference - q[int(task[k, K.tracked])]


@kernel
def measure_one(group, x, p, tables, q):
    """Fill the quantities (SI) of one row from its state; what a step earns is not among them."""
    kind = len(group)
    i = axis_currents(group, x, p)
    if kind == DC:
        q[Q.i_a], q[Q.i_e], q[Q.u_a], q[Q.u_e] = i[0], i[1], x[X.u_a], x[X.u_e]
    else:
        q[Q.epsilon], q[Q.cos_epsilon] = x[X.epsilon], x[X.cos_epsilon]
        q[Q.sin_epsilon] = x[X.sin_epsilon]
        q[Q.i_sd], q[Q.i_sq], q[Q.u_sd], q[Q.u_sq] = i[0], i[1], x[X.u_sd], x[X.u_sq]
    if kind == EXCITED:
        q[Q.i_e], q[Q.u_e] = i[2], x[X.u_e]
    if kind == DOUBLY_FED:
        q[Q.i_rd], q[Q.i_rq], q[Q.u_rd], q[Q.u_rq] = i[2], i[3], x[X.u_rd], x[X.u_rq]
    if kind == SIX_PHASE:
        q[Q.i_sx], q[Q.i_sy], q[Q.u_sx], q[Q.u_sy] = i[2], i[3], x[X.u_sx], x[X.u_sy]
    if kind == INDUCTION:
        q[Q.cos_rho], q[Q.sin_rho], q[Q.psi_rd] = flux_frame(x)
        q[Q.rho] = math.atan2(q[Q.sin_rho], q[Q.cos_rho])
    if kind == SATURATED:
        i = with_flux(i, p[P.flux_scale], tables[T.flux][0], 0)
    q[Q.torque] = torque_of(group, i, p)
    _measure_rest(x, p, tables[T.task], q)


@kernel
def forget_earnings(q):
    """Set what a step earns to nothing, where no step has been made."""
    for k in range(TRACKED):
        q[Q.earned_0 + k] = 0.0
    q[Q.reward_loss] = q[Q.reward_effort] = q[Q.reward_smoothness] = q[Q.reward_trip] = 0.0


@kernel
def tell_one(p, tables, q, m):
    """Gather the metrics from the quantities."""
    task = tables[T.task]
    for k in range(int(p[P.told])):
        m[k] = q[int(task[k, K.told])]


# ------------------------------------------------------------------------------------------- judge


@kernel
def earned(part, exponent):
    """Return 1 without error, falling to 0 at a normalised error of 1."""
    if not part < 1.0:
        return 0.0
    if exponent == 1.0:
        return 1.0 - part
    return 1.0 - (math.sqrt(part) if exponent == 0.5 else part**exponent)


@kernel
def judge_one(group, x, p, tables, q):
    """Fill what the step earns and return (reward, terminated) of one row.

    Every tracked quantity earns its weight times 1 - (abs(error) / scale)^exponent, which is never
    negative: an early end forfeits what the rest of the episode would earn. A current beyond the
    limit, or a constraint of the user's that is violated at the end of the step, ends the episode and
    costs the penalty on top. The reward is the sum in the order of ``info``.
    """
    reward = 0.0
    task = tables[T.task]
    for k in range(int(p[P.tracked])):
        part = abs(q[Q.error_0 + k]) * task[k, K.tracked_factor]
        gain = task[k, K.tracked_weight] * earned(part, p[P.error_exponent])
        q[Q.earned_0 + k] = gain
        reward += gain
    tripped = x[X.tripped] > 0.0
    squares, constraint = 0.0, -1.0
    for k in range(int(p[P.constrained])):
        if task[k, K.constraint] != constraint:
            squares, constraint = 0.0, task[k, K.constraint]
        part = q[int(task[k, K.constrained])] * task[k, K.constrained_factor]
        squares += part * part
        tripped = tripped or not squares <= 1.0
    if tripped:
        x[X.tripped] = q[Q.violation] = 1.0
    loss = effort = 0.0
    if p[P.weight_loss] > 0.0:
        loss = -p[P.weight_loss] * loss_of(group, axis_currents(group, x, p), p)
    if p[P.weight_effort] > 0.0:
        for k in range(int(p[P.actions])):
            effort += x[X.action_0 + k] * x[X.action_0 + k]
        effort = -p[P.weight_effort] * effort / p[P.actions]
    smoothness = -p[P.weight_smoothness] * x[X.change]
    trip = -p[P.penalty_trip] if tripped else 0.0
    q[Q.reward_loss], q[Q.reward_effort] = loss, effort
    q[Q.reward_smoothness], q[Q.reward_trip] = smoothness, trip
    return reward + loss + effort + smoothness + trip, tripped


# ----------------------------------------------------------------------------------------- observe


@kernel
def bounded(value, bound):
    """Return a value within [-bound, bound]; what is no number, after an integration that diverged, is -bound."""
    if not value >= -bound:
        value = -bound
    return min(value, bound)


@kernel
def _gather(task, first, last, q, o, j):
    """Fill o from the place j on with the observed quantities from ``first`` to before ``last``."""
    for k in range(first, last):
        value = q[int(task[k, K.observed])] * task[k, K.observed_factor]
        o[j + k - first] = bounded(value, task[k, K.observed_bound])


@kernel
def observe_one(group, x, key, step, p, tables, q, o):
    """Fill the observation of one row at control period ``step`` from its quantities.

    A preview repeats the references, which are the last columns, at later times; q does not outlive the call.

    Args:
        group: The group.
        x: State row.
        key: The row's key.
        step: Control periods since reset.
        p: Parameter row.
        tables: The family's tables.
        q: Row of quantities.
        o: Row of observations, filled.
    """
    task, size = tables[T.task], int(p[P.observed])
    _gather(task, 0, size, q, o, 0)
    if p[P.preview] > 0.0:
        tick, interval, tracked = step * int(p[P.ratio]), int(p[P.preview_ticks]), int(p[P.tracked])
        for k in range(int(p[P.preview])):
            refer(group, x, key, tick + (k + 1) * interval, p, tables, q, Q.reference_0)
            _gather(task, size - tracked, size, q, o, size + k * tracked)
