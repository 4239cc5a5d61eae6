"""Tasks of the drive: where an episode starts, what is to be followed, what it earns, what is seen.

No physics here: the state's columns come from :mod:`gym_suite.motors.dynamics`.
"""

from __future__ import annotations

import math

from gym_suite.core.family import clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform, uniform4
from gym_suite.core.signals import interpolate, signal_value
from gym_suite.motors.dynamics import (
    SIGNAL_REFERENCE,
    T_CYCLE,
    T_SIGNAL_TABLES,
    T_SIGNALS,
    VOLTAGE_MARGIN,
    X_ACTION,
    X_CHANGE,
    X_CLIPPED,
    X_COMMAND_D,
    X_COMMAND_Q,
    X_EPSILON,
    X_I_SD,
    X_I_SQ,
    X_OMEGA,
    X_REFERENCE,
    X_START,
    X_TORQUE_LOAD,
    X_TRIPPED,
    X_U_SD,
    X_U_SQ,
    advance_one,
    is_plain,
)
from gym_suite.motors.parameters import (
    CONTROL_TORQUE,
    FRAME_ABC,
    P_CONTROL,
    P_ERROR_EXPONENT,
    P_ERROR_SCALE,
    P_FRAME,
    P_GEAR_RATIO,
    P_I_LIMIT,
    P_L_D,
    P_L_Q,
    P_OMEGA_LIMIT,
    P_P,
    P_PENALTY_TRIP,
    P_PREVIEW,
    P_PREVIEW_INTERVAL,
    P_PSI_P,
    P_R_S,
    P_RATIO,
    P_REFERENCE_KIND,
    P_REFERENCE_RANGE,
    P_REFERENCE_TICKS,
    P_SPEED_HIGH,
    P_SPEED_LOW,
    P_TASK,
    P_TAU,
    P_TORQUE_LIMIT,
    P_U_DC,
    P_WEIGHT_1,
    P_WEIGHT_2,
    P_WEIGHT_EFFORT,
    P_WEIGHT_SMOOTHNESS,
    P_WHEEL_RADIUS,
    P_WINDOW,
    P_WINDOW_START,
    REFERENCE_CYCLE,
    REFERENCE_SIGNALS,
    TASK_CURRENT,
    TASK_CYCLE,
)
from gym_suite.motors.transforms import SQRT3, reachable, torque_of

OBSERVATION_BOUND = 1.5  # normalised quantities are clipped here; a trip ends the episode at 1

# Streams of random numbers.
_START, _CURRENTS = 0, 1

_TRIES = 32
_SHRINKS = 30

# Metric columns: the five reward terms, what every task has, then the task's own.
(
    M_REWARD_1,
    M_REWARD_2,
    M_REWARD_EFFORT,
    M_REWARD_SMOOTHNESS,
    M_REWARD_TRIP,
    M_OMEGA,
    M_I_SD,
    M_I_SQ,
    M_EPSILON,
    M_TORQUE,
    M_TORQUE_LOAD,
    M_U_SD,
    M_U_SQ,
    M_VIOLATION,
    M_CLIPPED,
    M_OWN,
) = range(16)


# -------------------------------------------------------------------------------------- references


@kernel
def _model_limits(p):
    return p[P_REFERENCE_RANGE], VOLTAGE_MARGIN * p[P_U_DC] / SQRT3


@kernel
def _random_currents(key, segment, omega, p):
    """Return currents uniform in the circle that the voltage can hold at this speed.

    Rejection sampling; should no try hit, the last one is drawn towards the current of least flux
    until the voltage suffices.
    """
    i_max, u_max = _model_limits(p)
    r_s, l_d, l_q, psi_p = p[P_R_S], p[P_L_D], p[P_L_Q], p[P_PSI_P]
    omega_e = p[P_P] * omega
    i_d, i_q = 0.0, 0.0
    for k in range(_TRIES):
        a, b, _, _ = uniform4(key, segment * _TRIES + k, _CURRENTS)
        radius = i_max * math.sqrt(a)
        i_d = radius * math.cos(2.0 * math.pi * b)
        i_q = radius * math.sin(2.0 * math.pi * b)
        if reachable(i_d, i_q, omega_e, i_max, u_max, r_s, l_d, l_q, psi_p):
            return i_d, i_q
    least = max(-psi_p / l_d, -i_max)
    for _ in range(_SHRINKS):
        i_d, i_q = 0.8 * i_d + 0.2 * least, 0.8 * i_q
        if reachable(i_d, i_q, omega_e, i_max, u_max, r_s, l_d, l_q, psi_p):
            break
    return i_d, i_q


@kernel
def reference_at(x, key, tick, p, tables):
    """Return both references (SI) at an inverter period since reset; the second may be unused.

    A pure function of its arguments, so that a preview is a look at a later tick.
    """
    t = tick * p[P_TAU]
    kind = int(p[P_REFERENCE_KIND])
    if kind == REFERENCE_CYCLE:
        cycle = tables[T_CYCLE]
        return interpolate(cycle[:, 0], cycle[:, 1], x[X_START] + t), 0.0
    if kind == REFERENCE_SIGNALS:
        signals, own = tables[T_SIGNALS], tables[T_SIGNAL_TABLES]
        first = signal_value(signals, SIGNAL_REFERENCE, own, key, 2, t)
        return first, signal_value(signals, SIGNAL_REFERENCE + 1, own, key, 3, t)
    segment = tick // int(p[P_REFERENCE_TICKS])
    if int(p[P_TASK]) == TASK_CURRENT:
        return _random_currents(key, segment, x[X_OMEGA], p)
    part = uniform(key, segment, _CURRENTS)
    return p[P_REFERENCE_RANGE] * (2.0 * part - 1.0), 0.0


@kernel
def _reference_holds(tick, p):
    """Return whether the reference at this tick is the one before's."""
    kind = int(p[P_REFERENCE_KIND])
    if kind in (REFERENCE_CYCLE, REFERENCE_SIGNALS):
        return False
    return tick % int(p[P_REFERENCE_TICKS]) != 0


@kernel
def _refer(x, key, step, p, tables, plain):
    """Set the references that hold from control period ``step`` on."""
    if plain:
        ticks = int(p[P_REFERENCE_TICKS])
        if step % ticks == 0:
            drawn = _random_currents(key, step // ticks, x[X_OMEGA], p)
            x[X_REFERENCE], x[X_REFERENCE + 1] = drawn
        return
    ratio = int(p[P_RATIO])
    if ratio == 1 and step > 0 and _reference_holds(step, p):
        return
    x[X_REFERENCE], x[X_REFERENCE + 1] = reference_at(x, key, step * ratio, p, tables)


# ------------------------------------------------------------------------------------------- reset


@kernel
def reset_one(x, key, p, tables, work):
    """Put one row at the start of an episode."""
    x[:] = 0.0
    speed, angle, start, _ = uniform4(key, 0, _START)
    x[X_EPSILON] = math.pi * (2.0 * angle - 1.0)
    x[X_OMEGA] = p[P_SPEED_LOW] + (p[P_SPEED_HIGH] - p[P_SPEED_LOW]) * speed
    if int(p[P_TASK]) == TASK_CYCLE:
        x[X_START] = p[P_WINDOW_START]
        if p[P_WINDOW_START] < 0.0:
            cycle = tables[T_CYCLE]
            x[X_START] = start * (cycle[cycle.shape[0] - 1, 0] - p[P_WINDOW])
    _refer(x, key, 0, p, tables, False)
    if int(p[P_TASK]) == TASK_CYCLE:
        x[X_OMEGA] = x[X_REFERENCE] * p[P_GEAR_RATIO] / p[P_WHEEL_RADIUS]


# ------------------------------------------------------------------------------------------- judge


@kernel
def _earned(error, p):
    """Return 1 without error, falling to 0 at the error scale."""
    part = abs(error) / p[P_ERROR_SCALE]
    if not part < 1.0:
        return 0.0
    exponent = p[P_ERROR_EXPONENT]
    if exponent == 1.0:
        return 1.0 - part
    return 1.0 - (math.sqrt(part) if exponent == 0.5 else part**exponent)


@kernel
def _effort(x, p):
    size = _action_size(p)
    total = 0.0
    for j in range(size):
        total += x[X_ACTION + j] * x[X_ACTION + j]
    return total / size


@kernel
def _action_size(p):
    if int(p[P_CONTROL]) == CONTROL_TORQUE:
        return 1
    return 3 if int(p[P_FRAME]) == FRAME_ABC else 2


@kernel
def judge_one(x, key, step, u, p, tables, work, m, plain):
    """Fill the reward terms and return (reward, terminated) of one row.

    Every tracked quantity earns its weight times 1 - (abs(error) / scale)^exponent, which is never
    negative: an early end forfeits what the rest of the episode would earn. A current beyond the
    limit ends the episode and costs the penalty on top.
    """
    square = x[X_I_SD] * x[X_I_SD] + x[X_I_SQ] * x[X_I_SQ]
    limit = p[P_I_LIMIT] * p[P_I_LIMIT]
    tripped = x[X_TRIPPED] > 0.0
    task = TASK_CURRENT if plain else int(p[P_TASK])
    if task == TASK_CURRENT:
        m[M_REWARD_1] = p[P_WEIGHT_1] * _earned(x[X_REFERENCE] - x[X_I_SD], p)
        m[M_REWARD_2] = p[P_WEIGHT_2] * _earned(x[X_REFERENCE + 1] - x[X_I_SQ], p)
    else:
        value = x[X_OMEGA]
        if task == TASK_CYCLE:
            value *= p[P_WHEEL_RADIUS] / p[P_GEAR_RATIO]
        m[M_REWARD_1] = p[P_WEIGHT_1] * _earned(x[X_REFERENCE] - value, p)
        m[M_REWARD_2] = -p[P_WEIGHT_2] * square / limit
    m[M_REWARD_EFFORT] = 0.0
    if p[P_WEIGHT_EFFORT] > 0.0:
        m[M_REWARD_EFFORT] = -p[P_WEIGHT_EFFORT] * _effort(x, p)
    m[M_REWARD_SMOOTHNESS] = -p[P_WEIGHT_SMOOTHNESS] * x[X_CHANGE]
    m[M_REWARD_TRIP] = -p[P_PENALTY_TRIP] if tripped else 0.0
    m[M_VIOLATION] = 1.0 if tripped else 0.0
    reward = (
        m[M_REWARD_1]
        + m[M_REWARD_2]
        + m[M_REWARD_EFFORT]
        + m[M_REWARD_SMOOTHNESS]
        + m[M_REWARD_TRIP]
    )
    return reward, tripped


@kernel
def measure_one(x, p, m, plain):
    """Fill the metrics that are no reward terms from the state (SI)."""
    m[M_OMEGA] = x[X_OMEGA]
    m[M_I_SD] = x[X_I_SD]
    m[M_I_SQ] = x[X_I_SQ]
    m[M_EPSILON] = x[X_EPSILON]
    m[M_TORQUE] = torque_of(x[X_I_SD], x[X_I_SQ], p[P_P], p[P_L_D], p[P_L_Q], p[P_PSI_P])
    m[M_TORQUE_LOAD] = x[X_TORQUE_LOAD]
    m[M_U_SD] = x[X_U_SD]
    m[M_U_SQ] = x[X_U_SQ]
    m[M_CLIPPED] = x[X_CLIPPED]
    m[M_OWN] = x[X_REFERENCE]
    own = M_OWN + 1
    task = TASK_CURRENT if plain else int(p[P_TASK])
    if task == TASK_CURRENT:
        m[own] = x[X_REFERENCE + 1]
        own += 1
    elif task == TASK_CYCLE:
        m[own] = x[X_OMEGA] * p[P_WHEEL_RADIUS] / p[P_GEAR_RATIO]
        own += 1
    if not plain and int(p[P_CONTROL]) == CONTROL_TORQUE:
        m[own] = x[X_ACTION] * p[P_TORQUE_LIMIT]
        m[own + 1] = x[X_COMMAND_D]
        m[own + 2] = x[X_COMMAND_Q]


# ----------------------------------------------------------------------------------------- observe


@kernel
def _bounded(value):
    if not value >= -OBSERVATION_BOUND:  # below, or no number after an integration that diverged
        return -OBSERVATION_BOUND
    return min(value, OBSERVATION_BOUND)


@kernel
def _see_references(first, second, task, p, o, j):
    if task == TASK_CURRENT:
        o[j] = _bounded(first / p[P_I_LIMIT])
        o[j + 1] = _bounded(second / p[P_I_LIMIT])
        return j + 2
    scale = p[P_OMEGA_LIMIT]
    if task == TASK_CYCLE:
        scale *= p[P_WHEEL_RADIUS] / p[P_GEAR_RATIO]
    o[j] = _bounded(first / scale)
    return j + 1


@kernel
def observe_one(x, key, step, p, tables, work, o, plain):
    """Fill the observation of one row at control period ``step``."""
    task = TASK_CURRENT if plain else int(p[P_TASK])
    o[0] = _bounded(x[X_I_SD] / p[P_I_LIMIT])
    o[1] = _bounded(x[X_I_SQ] / p[P_I_LIMIT])
    o[2] = _bounded(x[X_OMEGA] / p[P_OMEGA_LIMIT])
    j = 3
    if plain or int(p[P_CONTROL]) != CONTROL_TORQUE:
        o[3] = _bounded(math.sin(x[X_EPSILON]))
        o[4] = _bounded(math.cos(x[X_EPSILON]))
        j = 5
    for k in range(_action_size(p)):
        o[j] = x[X_ACTION + k]
        j += 1
    if task != TASK_CURRENT:
        value = x[X_OMEGA]
        if task == TASK_CYCLE:
            value *= p[P_WHEEL_RADIUS] / p[P_GEAR_RATIO]
        o[j] = _bounded((x[X_REFERENCE] - value) / p[P_ERROR_SCALE])
        j += 1
    j = _see_references(x[X_REFERENCE], x[X_REFERENCE + 1], task, p, o, j)
    ahead = 0 if plain else int(p[P_PREVIEW])
    if ahead > 0:
        tick = step * int(p[P_RATIO])
        interval = round(p[P_PREVIEW_INTERVAL] / p[P_TAU])
        for k in range(ahead):
            first, second = reference_at(x, key, tick + (k + 1) * interval, p, tables)
            j = _see_references(first, second, task, p, o, j)


# ------------------------------------------------------------------------------- loops over the rows


@kernel
def step_one(x, key, step, u, p, tables, work, m, plain):
    """Advance and judge one row; return (reward, terminated).

    State, reference, metrics and observation after the step all belong to the same instant.
    """
    advance_one(x, key, step, u, p, tables, work, plain)
    _refer(x, key, step + 1, p, tables, plain)
    reward, terminated = judge_one(x, key, step, u, p, tables, work, m, plain)
    measure_one(x, p, m, plain)
    return reward, terminated


@kernel
def _step_row(i, x, key, step, u, p, tables, work, m, o, reward, terminated, plain):
    own = p[parameter_row(p, i)]
    x[i, X_CLIPPED] = clip_action(u[i])
    reward[i, 0], terminated[i, 0] = step_one(
        x[i], key[i], step[i], u[i], own, tables, work[i], m[:, i], plain
    )
    step[i] += 1
    observe_one(x[i], key[i], step[i], own, tables, work[i], o[i], plain)


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    if is_plain(p[0], tables):
        for i in range(x.shape[0]):
            if not skip[i]:
                _step_row(i, x, key, step, u, p, tables, work, m, o, reward, terminated, True)
        return -1
    for i in range(x.shape[0]):
        if not skip[i]:
            _step_row(i, x, key, step, u, p, tables, work, m, o, reward, terminated, False)
    return -1


@kernel
def _look(i, x, key, step, p, tables, work, m, o):
    own = p[parameter_row(p, i)]
    m[:, i] = 0.0
    measure_one(x[i], own, m[:, i], False)
    observe_one(x[i], key[i], step, own, tables, work[i], o[i], False)


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        if mask[i]:
            reset_one(x[i], key[i], p[parameter_row(p, i)], tables, work[i])
            _look(i, x, key, 0, p, tables, work, m, o)


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    for i in range(x.shape[0]):
        if mask[i]:
            _look(i, x, key, step[i], p, tables, work, m, o)
