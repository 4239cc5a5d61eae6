"""Headings that drones are to keep besides their references: reference, reward and observation; no physics.

Where an id is given ``yaw=`` each drone's state ends with :data:`gym_suite.drones.columns.YAW_STATE`, and nearness is
worth the share of it that faces the right way. Nobody else computes anything of this.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform
from gym_suite.drones.columns import METRICS, PARAMETERS, STATES, YAW, YAW_OBSERVATIONS, YAW_STATE
from gym_suite.drones.tasks import FIRST_DRONE, PER_DRONE, costs, crashed, distance
from gym_suite.drones.transforms import rotation

X, P, M = STATES.places, PARAMETERS.places, METRICS.places
Y, H = YAW.places, YAW_STATE.places
SIZE = len(YAW_STATE)

#: Kinds of headings: one that stays, along the target's velocity, by a table of times.
YAWS = ("fixed", "velocity", "table")
FIXED, ALONG, ROWS = range(len(YAWS))
STREAM_YAW = 1 << 25
#: m/s of a target, level, below which it has no direction and the last one stays.
SLOWEST = 0.05
_RATE = YAW_OBSERVATIONS["target_yaw_rate"].scale
_MOST = YAW_OBSERVATIONS["target_yaw_rate"].high


@kernel
def point(a, key, t, yaw, rows):
    """Write the heading that a drone is to have at time t, and its rate.

    Args:
        a: The drone, with its target of now.
        key: The episode's key.
        t: Time since reset, s.
        yaw: Numbers of :data:`gym_suite.drones.columns.YAW`.
        rows: Times and headings of the kind "table", s and rad, (n, 2): linear between them, held after the last.
    """
    at, kind = a.shape[0] - SIZE, int(yaw[Y.kind])
    a[at + H.target_yaw_rate] = 0.0
    if kind == FIXED:
        part = uniform(key, 0, STREAM_YAW) if yaw[Y.low] < yaw[Y.high] else 0.0
        a[at + H.target_yaw] = yaw[Y.low] + (yaw[Y.high] - yaw[Y.low]) * part
    elif kind == ALONG:
        vx, vy = a[X.target_velocity_x], a[X.target_velocity_y]
        square = vx * vx + vy * vy
        if square > SLOWEST * SLOWEST:
            turning = vx * a[X.target_acceleration_y] - vy * a[X.target_acceleration_x]
            a[at + H.target_yaw] = math.atan2(vy, vx)
            a[at + H.target_yaw_rate] = turning / square
    else:
        last = rows.shape[0] - 1
        a[at + H.target_yaw] = rows[0, 1] if t < rows[0, 0] else rows[last, 1]
        for k in range(last):
            if rows[k, 0] <= t < rows[k + 1, 0]:
                slope = (rows[k + 1, 1] - rows[k, 1]) / (rows[k + 1, 0] - rows[k, 0])
                a[at + H.target_yaw] = rows[k, 1] + slope * (t - rows[k, 0])
                a[at + H.target_yaw_rate] = slope


@kernel
def yaw_error(a):
    """Return by what angle a drone has to turn about the vertical until its nose points where it is to, rad."""
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    target = a[a.shape[0] - SIZE + H.target_yaw]
    c, s = math.cos(target), math.sin(target)
    return math.atan2(s * r[0] - c * r[3], c * r[0] + s * r[3])


@kernel
def judge_heading_one(agents, size, p, m, reward):
    """Pay nearness by the heading, after :func:`gym_suite.drones.tasks.judge_one` has judged all else.

    Args:
        agents: The drones after the step.
        size: Numbers in one drone's action.
        p: Parameters.
        m: Metrics.
        reward: (drones,).
    """
    count = agents.shape[0]
    m[M.reward_position] = 0.0
    for j in range(count):
        a = agents[j]
        near = p[P.weight_position] * max(1.0 - distance(a) / p[P.error_scale], 0.0)
        near *= 0.5 * (1.0 + math.cos(yaw_error(a)))
        rates, effort, change = costs(a, size, p)
        crash = -p[P.penalty_crash] if crashed(agents, j, p) else 0.0
        reward[j] = near + rates + effort + change + crash
        m[M.reward_position] += near / count


@kernel
def show_heading_one(agents, at, m, o):
    """Fill what is observed of the headings, and their errors.

    Args:
        agents: The drones.
        at: Where that stands in a drone's observation.
        m: Metrics; the errors are the last.
        o: Observations of all drones one after the other.
    """
    count = agents.shape[0]
    columns = o.shape[0] // count
    for j in range(count):
        a = agents[j]
        k, h = j * columns + at, a.shape[0] - SIZE
        m[FIRST_DRONE + count * PER_DRONE + j] = yaw_error(a)
        o[k] = math.cos(a[h + H.target_yaw])
        o[k + 1] = math.sin(a[h + H.target_yaw])
        o[k + 2] = min(max(a[h + H.target_yaw_rate] / _RATE, -_MOST), _MOST)
