"""Tasks of the drive: where an episode starts, what it earns, what is seen. No physics here.

A task is data: which quantities follow references, what is observed and what is told stand in tables of places in
the row of quantities q, which :func:`measure_one` fills. Judging and observing gather from it.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform4
from gym_suite.core.signals import interpolate
from gym_suite.motors.parameters import VEHICLE
from gym_suite.motors.quantities import ACTIONS, AXES, REFERENCE_CYCLE, TRACKED, K, P, Q, T, X
from gym_suite.motors.references import STREAM_START, holds, random_currents, refer
from gym_suite.motors.transforms import torque_of

OBSERVATION_BOUND = 1.5  # normalised quantities are clipped here; a trip ends the episode at 1


# ------------------------------------------------------------------------------------------- reset


@kernel
def reset_one(x, key, p, tables):
    """Put one row at the start of an episode."""
    x[:] = 0.0
    speed, angle, start, _ = uniform4(key, 0, STREAM_START)
    epsilon = math.pi * (2.0 * angle - 1.0)
    x[X.epsilon], x[X.cos_epsilon], x[X.sin_epsilon] = epsilon, math.cos(epsilon), math.sin(epsilon)
    x[X.omega] = p[P.speed_low] + (p[P.speed_high] - p[P.speed_low]) * speed
    if int(p[P.reference_kind]) == REFERENCE_CYCLE:
        cycle = tables[T.cycle]
        x[X.start] = p[P.window_start]
        if p[P.window_start] < 0.0:
            x[X.start] = start * (cycle[cycle.shape[0] - 1, 0] - p[P.window])
        speed = interpolate(cycle[:, 0], cycle[:, 1], x[X.start])
        x[X.omega] = speed * p[P.gear_ratio] / p[P.wheel_radius]
    refer(x, key, 0, p, tables, x, X.reference_0)


@kernel
def refer_one(x, key, step, p, tables, plain):
    """Set the references that hold from control period ``step`` on.

    Args:
        x: State row.
        key: The row's key.
        step: Control periods since reset.
        p: Parameter row.
        tables: The family's tables.
        plain: Whether it is known that they are random currents, drawn in steps.
    """
    if plain:
        ticks = int(p[P.reference_ticks])
        if step % ticks == 0:
            random_currents(key, step // ticks, x[X.omega], p, x, X.reference_0)
        return
    ratio = int(p[P.ratio])
    if ratio == 1 and step > 0 and holds(step, p):
        return
    refer(x, key, step * ratio, p, tables, x, X.reference_0)


# ------------------------------------------------------------------------------------------- measure


@kernel
def measure_one(x, p, tables, q):
    """Fill the quantities (SI) of one row from its state; what a step earns is not among them."""
    q[Q.omega] = x[X.omega]
    q[Q.v] = 0.0
    if int(p[P.load_kind]) == VEHICLE:
        q[Q.v] = x[X.omega] * p[P.wheel_radius] / p[P.gear_ratio]
    q[Q.epsilon], q[Q.cos_epsilon] = x[X.epsilon], x[X.cos_epsilon]
    q[Q.sin_epsilon] = x[X.sin_epsilon]
    q[Q.i_sd], q[Q.i_sq] = x[X.i_sd], x[X.i_sq]
    q[Q.u_sd], q[Q.u_sq] = x[X.u_sd], x[X.u_sq]
    q[Q.torque] = torque_of(x[X.i_sd], x[X.i_sq], p[P.p], p[P.l_d], p[P.l_q], p[P.psi_p])
    q[Q.torque_load] = x[X.torque_load]
    q[Q.torque_ref] = x[X.action_0] * p[P.torque_limit]
    q[Q.violation], q[Q.clipped] = x[X.tripped], x[X.clipped]
    for k in range(ACTIONS):
        q[Q.action_0 + k] = x[X.action_0 + k]
    for k in range(AXES):
        q[Q.command_0 + k] = x[X.command_0 + k]
    task = tables[T.task]
    for k in range(int(p[P.tracked])):
        reference = x[X.reference_0 + k]
        q[Q.reference_0 + k] = reference
        q[Q.error_0 + k] = reference - q[int(task[k, K.tracked])]


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
def _earned(part, exponent):
    """Return 1 without error, falling to 0 at a normalised error of 1."""
    if not part < 1.0:
        return 0.0
    if exponent == 1.0:
        return 1.0 - part
    return 1.0 - (math.sqrt(part) if exponent == 0.5 else part**exponent)


@kernel
def judge_one(x, p, tables, q):
    """Fill what the step earns and return (reward, terminated) of one row.

    Every tracked quantity earns its weight times 1 - (abs(error) / scale)^exponent, which is never
    negative: an early end forfeits what the rest of the episode would earn. A current beyond the
    limit ends the episode and costs the penalty on top. The reward is the sum in the order of ``info``.
    """
    reward = 0.0
    task = tables[T.task]
    for k in range(int(p[P.tracked])):
        part = abs(q[Q.error_0 + k]) * task[k, K.tracked_factor]
        earned = task[k, K.tracked_weight] * _earned(part, p[P.error_exponent])
        q[Q.earned_0 + k] = earned
        reward += earned
    tripped = x[X.tripped] > 0.0
    square = x[X.i_sd] * x[X.i_sd] + x[X.i_sq] * x[X.i_sq]
    loss = effort = 0.0
    if p[P.weight_loss] > 0.0:
        loss = -p[P.weight_loss] * square / (p[P.i_limit] * p[P.i_limit])
    if p[P.weight_effort] > 0.0:
        for k in range(ACTIONS):
            effort += x[X.action_0 + k] * x[X.action_0 + k]
        effort = -p[P.weight_effort] * effort / p[P.actions]
    smoothness = -p[P.weight_smoothness] * x[X.change]
    trip = -p[P.penalty_trip] if tripped else 0.0
    q[Q.reward_loss], q[Q.reward_effort] = loss, effort
    q[Q.reward_smoothness], q[Q.reward_trip] = smoothness, trip
    return reward + loss + effort + smoothness + trip, tripped


# ----------------------------------------------------------------------------------------- observe


@kernel
def _gather(task, first, last, q, o, j):
    """Fill o from the place j on with the observed quantities from ``first`` to before ``last``."""
    for k in range(first, last):
        value = q[int(task[k, K.observed])] * task[k, K.observed_factor]
        if (
            not value >= -OBSERVATION_BOUND
        ):  # below, or no number after an integration that diverged
            value = -OBSERVATION_BOUND
        o[j + k - first] = min(value, OBSERVATION_BOUND)


@kernel
def observe_one(x, key, step, p, tables, q, o, plain):
    """Fill the observation of one row at control period ``step`` from its quantities.

    A preview repeats the references, which are the last columns, at later times; q does not outlive the call.

    Args:
        x: State row.
        key: The row's key.
        step: Control periods since reset.
        p: Parameter row.
        tables: The family's tables.
        q: Row of quantities.
        o: Row of observations, filled.
        plain: Whether it is known that there is no preview.
    """
    task, size = tables[T.task], int(p[P.observed])
    _gather(task, 0, size, q, o, 0)
    ahead = 0 if plain else int(p[P.preview])
    if ahead > 0:
        tick, interval, tracked = step * int(p[P.ratio]), int(p[P.preview_ticks]), int(p[P.tracked])
        for k in range(ahead):
            refer(x, key, tick + (k + 1) * interval, p, tables, q, Q.reference_0)
            _gather(task, size - tracked, size, q, o, size + k * tracked)
