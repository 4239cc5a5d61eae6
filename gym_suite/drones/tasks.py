"""What drones are to do: reference, starting state, reward, end and observation; no physics.

One row is one world: after the physical columns of each drone come its target, its last actions and a count.
Hover holds a place; track follows a path that the time since reset and the episode's key decide.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform4
from gym_suite.core.signals import signal_value
from gym_suite.drones import parameters as pm
from gym_suite.drones.contacts import WORK_SIZE, WORLD_SIZE
from gym_suite.drones.controllers.laws import (
    attitude_rotors,
    led,
    rate_rotors,
    wanted_force,
)
from gym_suite.drones.dynamics import (
    BODY_SIZE,
    COMMAND,
    FORCE,
    OLD,
    POSITION,
    QUATERNION,
    RATE,
    ROTOR,
    VELOCITY,
    attitude,
    fly,
    integration_step,
    inverses,
    rotor_memory,
    wrenches,
)
from gym_suite.drones.transforms import turn_back

TASK_HOVER, TASK_TRACK = range(2)
TASKS = ("hover", "track")
ACTION_ROTORS, ACTION_RATES, ACTION_VELOCITY, ACTION_POSITION = range(4)
ACTIONS = ("rotors", "rates", "velocity", "position")
PATH_CIRCLE, PATH_LEMNISCATE, PATH_HELIX, PATH_TABLE = range(4)
PATHS = ("circle", "lemniscate", "helix", "table")

TASK_PARAMETERS = Columns(
    Column("ratio", "1", 1, math.inf, "physics steps per control period"),
    Column("task", "1", 0, 1, "0 hover, 1 track"),
    Column("action", "1", 0, 3, "0 rotor speeds, 1 thrust and body rates, 2 velocity, 3 position"),
    Column("action_range", "*", 0, math.inf, "what an action of 1 stands for"),
    Column("yaw_range", "rad/s", 0, math.inf, "yaw rate of an action of 1"),
    Column("path", "1", 0, 3, "0 circle, 1 lemniscate, 2 helix, 3 table"),
    Column("path_size", "m", 0, math.inf, "radius or half-width"),
    Column("path_period", "s", 0, math.inf, "time of one round"),
    Column("path_rise", "m", 0, math.inf, "helix: height of one round; else vertical amplitude"),
    Column("spacing", "m", 0, math.inf, "distance of several drones' targets from the centre"),
    Column("start_position", "m", 0, math.inf, "largest offset at reset, each axis"),
    Column("start_velocity", "m/s", 0, math.inf, "largest velocity at reset, each axis"),
    Column("start_tilt", "rad", 0, math.inf, "largest tilt at reset, each axis"),
    Column("bound", "m", 0, math.inf, "distance from the target at which an episode ends"),
    Column("neighbour_radius", "m", 0, math.inf, "distance within which neighbours are seen"),
    Column("history", "1", 1, math.inf, "last actions observed"),
    Column("error_scale", "m", 0, math.inf, "distance that earns nothing"),
    Column("weight_position", "1", 0, math.inf, "weight of nearness"),
    Column("weight_rates", "1", 0, math.inf, "weight of squared body rates"),
    Column("weight_effort", "1", 0, math.inf, "weight of the squared action"),
    Column("weight_smoothness", "1", 0, math.inf, "weight of the squared change of the action"),
    Column("penalty_crash", "1", 0, math.inf, "penalty of a crash or of leaving"),
    Column("gain_position", "1/s^2", 0, math.inf, "inner loop: position"),
    Column("gain_velocity", "1/s", 0, math.inf, "inner loop: velocity"),
    Column("gain_attitude", "1/s^2", 0, math.inf, "inner loop: attitude"),
    Column("gain_rate", "1/s", 0, math.inf, "inner loop: body rate"),
    Column("gain_lag", "s", 0, math.inf, "inner loop: lag left of the rotors"),
    Column("drones", "1", 1, math.inf, "drones in a world"),
)
(
    P_RATIO,
    P_TASK,
    P_ACTION,
    P_ACTION_RANGE,
    P_YAW_RANGE,
    P_PATH,
    P_PATH_SIZE,
    P_PATH_PERIOD,
    P_PATH_RISE,
    P_SPACING,
    P_START_POSITION,
    P_START_VELOCITY,
    P_START_TILT,
    P_BOUND,
    P_NEIGHBOUR_RADIUS,
    P_HISTORY,
    P_ERROR_SCALE,
    P_W_POSITION,
    P_W_RATES,
    P_W_EFFORT,
    P_W_SMOOTHNESS,
    P_PENALTY,
    P_GAINS,
) = range(len(pm.PHYSICS), len(pm.PHYSICS) + len(TASK_PARAMETERS) - 5)

#: Columns of a drone after the physical ones: target position, velocity, acceleration; clipped; last actions.
TARGET, TARGET_VELOCITY, TARGET_ACCELERATION = BODY_SIZE, BODY_SIZE + 3, BODY_SIZE + 6
CLIPPED, HISTORY = BODY_SIZE + 9, BODY_SIZE + 10
HEIGHT = 1.0  # m, of targets and of paths' centres
#: Full scale of observed distances (m), speeds (m/s), accelerations (m/s^2) and body rates (rad/s).
SCALES = (1.0, 2.0, 10.0, 10.0)
OBSERVATION_BOUND = 5.0
STREAM_START, STREAM_PATH, STREAM_FORCE = 0, 1 << 16, 1 << 17
#: Metrics: the reward terms, what all share, then some for each drone.
TERMS, SHARED, PER_DRONE = 5, 3, 12


@kernel
def _start_of_path(key, p):
    return uniform4(key, 0, STREAM_PATH)[0] * p[P_PATH_PERIOD]


@kernel
def _table_reference(t, table):
    """Return position and velocity at time t of (rows of time, x, y, z), held after its end."""
    last = table.shape[0] - 1
    if t >= table[last, 0]:
        return table[last, 1], table[last, 2], table[last, 3], 0.0, 0.0, 0.0
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, 0] <= t:
            low = middle
        else:
            high = middle
    span = table[high, 0] - table[low, 0]
    part = max(t - table[low, 0], 0.0) / span
    vx = (table[high, 1] - table[low, 1]) / span
    vy = (table[high, 2] - table[low, 2]) / span
    vz = (table[high, 3] - table[low, 3]) / span
    s = part * span
    return table[low, 1] + s * vx, table[low, 2] + s * vy, table[low, 3] + s * vz, vx, vy, vz


@kernel
def refer(a, j, count, key, step, p, tables):
    """Write the reference of drone j at control period ``step`` into its columns."""
    for c in range(9):
        a[TARGET + c] = 0.0
    a[TARGET + 2] = HEIGHT
    if int(p[P_TASK]) == TASK_HOVER:
        if count > 1:
            angle = 2.0 * math.pi * j / count
            a[TARGET] = p[P_SPACING] * math.cos(angle)
            a[TARGET + 1] = p[P_SPACING] * math.sin(angle)
        return
    t = step * p[P_RATIO] * p[pm.P_DT]
    path = int(p[P_PATH])
    if path == PATH_TABLE:
        values = _table_reference(t, tables[0])
        for c in range(6):
            a[TARGET + c] = values[c]
        return
    size, w = p[P_PATH_SIZE], 2.0 * math.pi / p[P_PATH_PERIOD]
    angle = w * (t + _start_of_path(key, p))
    sine, cosine = math.sin(angle), math.cos(angle)
    rise = p[P_PATH_RISE]
    if path == PATH_HELIX:
        a[TARGET + 2] += rise * t / p[P_PATH_PERIOD]
        a[TARGET + 5] = rise / p[P_PATH_PERIOD]
    else:
        a[TARGET + 2] += rise * sine
        a[TARGET + 5] = rise * w * cosine
        a[TARGET + 8] = -rise * w * w * sine
    if path == PATH_LEMNISCATE:  # of Gerono
        double_sine, double_cosine = 2.0 * sine * cosine, cosine * cosine - sine * sine
        a[TARGET], a[TARGET + 1] = size * sine, 0.5 * size * double_sine
        a[TARGET + 3], a[TARGET + 4] = size * w * cosine, size * w * double_cosine
        a[TARGET + 6] = -size * w * w * sine
        a[TARGET + 7] = -2.0 * size * w * w * double_sine
        return
    a[TARGET], a[TARGET + 1] = size * cosine, size * sine
    a[TARGET + 3], a[TARGET + 4] = -size * w * sine, size * w * cosine
    a[TARGET + 6], a[TARGET + 7] = -size * w * w * cosine, -size * w * w * sine


@kernel
def reset_one(agents, key, p, tables, work):
    """Draw the starting state of a world."""
    count = agents.shape[0]
    for k in range(WORLD_SIZE):
        work[count * WORK_SIZE + k] = 0.0
    for j in range(count):
        a = agents[j]
        a[:] = 0.0
        refer(a, j, count, key, 0, p, tables)
        first = uniform4(key, 0, STREAM_START + 4 * j)
        second = uniform4(key, 0, STREAM_START + 4 * j + 1)
        third = uniform4(key, 0, STREAM_START + 4 * j + 2)
        for c in range(3):
            offset = p[P_START_POSITION] * (2.0 * first[c] - 1.0)
            a[POSITION + c] = a[TARGET + c] + offset
            speed = p[P_START_VELOCITY] * (2.0 * second[c] - 1.0)
            a[VELOCITY + c] = a[TARGET_VELOCITY + c] + speed
        # never started in the floor, however low a path of the user's is
        a[POSITION + 2] = max(a[POSITION + 2], 2.0 * p[pm.P_RADIUS])
        roll = 0.5 * p[P_START_TILT] * (2.0 * third[0] - 1.0)
        pitch = 0.5 * p[P_START_TILT] * (2.0 * third[1] - 1.0)
        yaw = 0.5 * p[P_START_TILT] * (2.0 * third[2] - 1.0)
        length = math.sqrt(1.0 + roll * roll + pitch * pitch + yaw * yaw)
        a[QUATERNION], a[QUATERNION + 1] = roll / length, pitch / length
        a[QUATERNION + 2], a[QUATERNION + 3] = yaw / length, 1.0 / length
        for c in range(4):
            a[OLD + c] = a[QUATERNION + c]
            a[ROTOR + c] = a[COMMAND + c] = hover_speed(tables[1])


@kernel
def hover_speed(nominal):
    """Return the rotor speed, rpm, at which the nominal drone hovers."""
    return math.sqrt(0.25 * nominal[pm.P_MASS] * nominal[pm.P_GRAVITY] / nominal[pm.P_K_F])


# -------------------------------------------------------------------------------------------- from action to rotors


@kernel
def keep_action(a, u, p):
    """Clip one drone's action, count what was outside and put it in front of its history."""
    a[CLIPPED] = clip_action(u)
    size = u.shape[0]
    for k in range(int(p[P_HISTORY]) * size - 1, size - 1, -1):
        a[HISTORY + k] = a[HISTORY + k - size]
    for k in range(size):
        a[HISTORY + k] = u[k]


@kernel
def prepare(agents, key, step, tick, p, tables):
    """Set disturbing forces and rotor commands of a world for physics step ``tick`` of a control period."""
    disturbed = tables[2].shape[0] > 0
    t = (step * int(p[P_RATIO]) + tick) * p[pm.P_DT]
    # Rotor speeds hold as they are for the period; inner loops act anew at each physics step.
    held = tick > 0 and int(p[P_ACTION]) == ACTION_ROTORS
    for j in range(agents.shape[0]):
        for c in range(3 if disturbed else 0):
            agents[j, FORCE + c] = signal_value(tables[2], c, tables[3], key, STREAM_FORCE + c, t)
        if not held:
            command_rotors(agents[j], p, tables[1])


@kernel
def command_rotors(a, p, nominal):
    """Turn the last action of one drone into rotor commands, by the inner loops where it is none itself."""
    kind, span = int(p[P_ACTION]), p[P_ACTION_RANGE]
    if kind == ACTION_ROTORS:
        hover, top = hover_speed(nominal), nominal[pm.P_MAX_RPM]
        for c in range(4):
            a[COMMAND + c] = min(max(hover * (1.0 + span * a[HISTORY + c]), 0.0), top)
        return
    gains = (p[P_GAINS], p[P_GAINS + 1], p[P_GAINS + 2], p[P_GAINS + 3], p[P_GAINS + 4])
    r = attitude(a)
    if kind == ACTION_RATES:
        weight = nominal[pm.P_MASS] * nominal[pm.P_GRAVITY]
        thrust = weight * (1.0 + 0.8 * a[HISTORY])
        wanted = rate_rotors(
            nominal,
            gains,
            thrust,
            r,
            span * a[HISTORY + 1],
            span * a[HISTORY + 2],
            p[P_YAW_RANGE] * a[HISTORY + 3],
            a[RATE],
            a[RATE + 1],
            a[RATE + 2],
        )
    else:
        ex, ey, ez = 0.0, 0.0, 0.0
        vx, vy, vz = -a[VELOCITY], -a[VELOCITY + 1], -a[VELOCITY + 2]
        if kind == ACTION_VELOCITY:
            vx += span * a[HISTORY]
            vy += span * a[HISTORY + 1]
            vz += span * a[HISTORY + 2]
        else:
            ex = a[TARGET] + span * a[HISTORY] - a[POSITION]
            ey = a[TARGET + 1] + span * a[HISTORY + 1] - a[POSITION + 1]
            ez = a[TARGET + 2] + span * a[HISTORY + 2] - a[POSITION + 2]
        fx, fy, fz = wanted_force(nominal, gains, ex, ey, ez, vx, vy, vz, 0.0, 0.0, 0.0)
        wx, wy, wz = turn_back(r, a[RATE], a[RATE + 1], a[RATE + 2])
        wanted = attitude_rotors(nominal, gains, r, wx, wy, wz, fx, fy, fz)
    for c in range(4):
        a[COMMAND + c] = led(nominal, gains, wanted[c], a[ROTOR + c])


# ------------------------------------------------------------------------------------------------- reward and metrics


@kernel
def _crashed(agents, j, p):
    """Return whether a drone touches the floor or another one, or is too far from its target."""
    a = agents[j]
    r = attitude(a)
    tilt_sine = math.sqrt(max(1.0 - r[8] * r[8], 0.0))
    lowest = a[POSITION + 2] - p[pm.P_RADIUS] * tilt_sine - 0.5 * p[pm.P_HEIGHT] * abs(r[8])
    if lowest < 1e-3:
        return True
    far = 0.0
    for c in range(3):
        far += (a[POSITION + c] - a[TARGET + c]) ** 2
    if not far < p[P_BOUND] ** 2:
        return True
    for i in range(agents.shape[0]):
        if i != j:
            apart = 0.0
            for c in range(3):
                apart += (a[POSITION + c] - agents[i, POSITION + c]) ** 2
            if apart < (2.0 * p[pm.P_RADIUS]) ** 2:
                return True
    return False


@kernel
def distance(a):
    """Return how far a drone is from its target, m."""
    dx = a[TARGET] - a[POSITION]
    dy = a[TARGET + 1] - a[POSITION + 1]
    dz = a[TARGET + 2] - a[POSITION + 2]
    return math.sqrt(dx * dx + dy * dy + dz * dz)


@kernel
def measure_one(agents, p, m):
    """Fill the metrics that follow from the state."""
    clipped, farthest = 0.0, 0.0
    for j in range(agents.shape[0]):
        a, at = agents[j], TERMS + SHARED + j * PER_DRONE
        clipped += a[CLIPPED]
        for c in range(3):
            m[at + c] = a[POSITION + c]
            m[at + 3 + c] = a[TARGET + c]
        gap = distance(a)
        farthest = max(farthest, gap)
        m[at + 6] = gap
        m[at + 7] = math.sqrt(a[VELOCITY] ** 2 + a[VELOCITY + 1] ** 2 + a[VELOCITY + 2] ** 2)
        for c in range(4):
            m[at + 8 + c] = a[COMMAND + c]
    m[TERMS + 1] = clipped
    m[TERMS + 2] = farthest


@kernel
def judge_one(agents, before, size, p, m, reward, terminated):
    """Fill reward and end of each drone, and their mean terms in the metrics.

    Args:
        agents: The drones after the step.
        before: Work row; ``before[j, k]`` is the action before this one.
        size: Numbers in an action.
        p: Parameters.
        m: Metrics.
        reward: (drones,).
        terminated: (drones,).
    """
    count = agents.shape[0]
    for k in range(TERMS + 1):
        m[k] = 0.0
    for j in range(count):
        a = agents[j]
        near = p[P_W_POSITION] * max(1.0 - distance(a) / p[P_ERROR_SCALE], 0.0)
        square = (a[RATE] ** 2 + a[RATE + 1] ** 2 + a[RATE + 2] ** 2) / SCALES[3] ** 2
        effort, change = 0.0, 0.0
        for k in range(size):
            effort += a[HISTORY + k] ** 2 / size
            change += (a[HISTORY + k] - before[j * size + k]) ** 2 / size
        ended = _crashed(agents, j, p)
        rates = -p[P_W_RATES] * min(square, 10.0)
        crash = -p[P_PENALTY] if ended else 0.0
        effort *= -p[P_W_EFFORT]
        change *= -p[P_W_SMOOTHNESS]
        reward[j] = near + rates + effort + change + crash
        terminated[j] = ended
        m[0] += near / count
        m[1] += rates / count
        m[2] += effort / count
        m[3] += change / count
        m[4] += crash / count
        if ended:
            m[TERMS] = 1.0


# --------------------------------------------------------------------------------------------------------- observation


@kernel
def _bounded(value):
    return min(max(value, -OBSERVATION_BOUND), OBSERVATION_BOUND)


@kernel
def observe_one(agents, j, size, p, o):
    """Fill the observation of drone j."""
    a = agents[j]
    r = attitude(a)
    wx, wy, wz = turn_back(r, a[RATE], a[RATE + 1], a[RATE + 2])
    for c in range(3):
        o[c] = _bounded((a[TARGET + c] - a[POSITION + c]) / SCALES[0])
        o[3 + c] = _bounded(a[VELOCITY + c] / SCALES[1])
    for c in range(9):
        o[6 + c] = min(max(r[c], -1.0), 1.0)
    o[15] = _bounded(wx / SCALES[3])
    o[16] = _bounded(wy / SCALES[3])
    o[17] = _bounded(wz / SCALES[3])
    o[18] = _bounded(a[POSITION + 2] / SCALES[0])
    at = 19
    if int(p[P_TASK]) == TASK_TRACK:
        for c in range(3):
            o[at + c] = _bounded(a[TARGET_VELOCITY + c] / SCALES[1])
            o[at + 3 + c] = _bounded(a[TARGET_ACCELERATION + c] / SCALES[2])
        at += 6
    for k in range(int(p[P_HISTORY]) * size):
        o[at + k] = a[HISTORY + k]
    at += int(p[P_HISTORY]) * size
    count = agents.shape[0]
    for k in range(1, count):
        b = agents[(j + k) % count]
        apart = 0.0
        for c in range(3):
            apart += (b[POSITION + c] - a[POSITION + c]) ** 2
        seen = 1.0 if apart < p[P_NEIGHBOUR_RADIUS] ** 2 else 0.0
        for c in range(3):
            o[at + c] = seen * _bounded((b[POSITION + c] - a[POSITION + c]) / SCALES[0])
            o[at + 3 + c] = seen * _bounded((b[VELOCITY + c] - a[VELOCITY + c]) / SCALES[1])
        at += 6


# ---------------------------------------------------------------------------------------------- loops over the rows


@kernel
def begin_one(agents, u, p, work):
    """Take the action of one world; keep the one before in ``work`` behind the physics' scratch."""
    count = agents.shape[0]
    size = u.shape[0] // count
    at = count * WORK_SIZE + WORLD_SIZE
    for j in range(count):
        for k in range(size):
            work[at + j * size + k] = agents[j, HISTORY + k]
        keep_action(agents[j], u[j * size : (j + 1) * size], p)


@kernel
def finish_one(agents, size, key, step, p, tables, work, m, o, reward, terminated):
    """Refer, judge, measure and observe one world at control period ``step``."""
    count = agents.shape[0]
    for j in range(count):
        refer(agents[j], j, count, key, step, p, tables)
    judge_one(agents, work[count * WORK_SIZE + WORLD_SIZE :], size, p, m, reward, terminated)
    measure_one(agents, p, m)
    _observe_all(agents, size, p, o)


@kernel
def _observe_all(agents, size, p, o):
    count = agents.shape[0]
    columns = o.shape[0] // count
    for j in range(count):
        observe_one(agents, j, size, p, o[j * columns : (j + 1) * columns])


@kernel
def advance_one(agents, key, step, u, p, tables, work):
    """Move one world by one control period."""
    begin_one(agents, u, p, work)
    inverse, kept = inverses(p), rotor_memory(p, integration_step(p))
    for k in range(int(p[P_RATIO])):
        prepare(agents, key, step, k, p, tables)
        fly(agents, p, inverse, kept, work)


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Move all rows not skipped by one control period; see :class:`gym_suite.core.family.Kernels`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    count = reward.shape[1]
    size = u.shape[1] // count
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row = p[parameter_row(p, i)]
        agents = drones[i]
        advance_one(agents, key[i], step[i], u[i], row, tables, work[i])
        step[i] += 1
        finish_one(
            agents,
            size,
            key[i],
            step[i],
            row,
            tables,
            work[i],
            m[:, i],
            o[i],
            reward[i],
            terminated[i],
        )
    return -1


@kernel
def begin_batch(x, u, p, work, skip, count):
    """Take the actions of all rows not skipped, for another engine; return as :func:`step_batch`."""
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            begin_one(drones[i], u[i], row, work[i])
    return -1


@kernel
def finish_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    """Count, judge and observe all rows not skipped after another engine has moved them."""
    count = reward.shape[1]
    size = u.shape[1] // count
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            step[i] += 1
            finish_one(
                drones[i],
                size,
                key[i],
                step[i],
                row,
                tables,
                work[i],
                m[:, i],
                o[i],
                reward[i],
                terminated[i],
            )


@kernel
def _count(p):
    return int(p[0, p.shape[1] - 1])


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    """Start the masked rows; see :class:`gym_suite.core.family.Kernels`."""
    count = _count(p)
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            agents = drones[i]
            reset_one(agents, key[i], row, tables, work[i])
            _show(agents, row, m[:, i], o[i])


@kernel
def _show(agents, p, m, o):
    m[:] = 0.0
    measure_one(agents, p, m)
    width = agents.shape[1] - HISTORY
    _observe_all(agents, width // int(p[P_HISTORY]), p, o)


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    """Fill observations and metrics of the masked rows from their states; reward terms are 0."""
    count = _count(p)
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            _show(drones[i], row, m[:, i], o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Physics alone; see :class:`gym_suite.core.family.Kernels`."""
    count = _count(p)
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        row = p[parameter_row(p, i)]
        advance_one(drones[i], key[i], step[i], u[i], row, tables, work[i])


@kernel
def forces_batch(x, key, step, tick, p, tables, work, out, skip):
    """Fill force and torque of every drone, (worlds, drones, 6), for another engine, of all rows not skipped.

    ``tick`` counts the physics steps within the control period.
    """
    count = out.shape[1]
    drones = x.reshape(x.shape[0], count, x.shape[1] // count)
    for i in range(x.shape[0]):
        if not skip[i]:
            row = p[parameter_row(p, i)]
            prepare(drones[i], key[i], step[i], tick, row, tables)
            wrenches(drones[i], row, work[i], out[i])
