"""Headings that drones are to keep besides their references: reference, reward and observation; no physics.

Where an id is given ``yaw=`` each drone's state has :data:`gym_suite.drones.columns.YAW_STATE`, and nearness or
progress is worth the share of it that faces the right way. Nobody else computes anything of this.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform
from gym_suite.drones.columns import METRICS, PARAMETERS, STATES, YAW, YAW_OBSERVATIONS, YAW_STATE
from gym_suite.drones.tasks import costs, crashed, distance
from gym_suite.drones.transforms import rotation

X, P, M = STATES.places, PARAMETERS.places, METRICS.places
Y, H = YAW.places, YAW_STATE.places

#: Kinds of headings: one that stays, along the target's velocity, by a table of times, along the way to the target.
YAWS = ("fixed", "velocity", "table", "way")
FIXED, ALONG, ROWS, WAY = range(len(YAWS))
STREAM_YAW = 1 << 25
#: m/s of a target, level, below which it has no direction and the last one stays.
SLOWEST = 0.05
#: m of level way to a target, below which it has no direction and the last one stays.
NEAREST = 0.3
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
    at, kind = int(yaw[Y.place]), int(yaw[Y.kind])
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
    elif kind == WAY:
        dx, dy = a[X.target_x] - a[X.position_x], a[X.target_y] - a[X.position_y]
        square = dx * dx + dy * dy
        if square > NEAREST * NEAREST:
            turning = dy * a[X.velocity_x] - dx * a[X.velocity_y]  # of a target that stays
            a[at + H.target_yaw] = math.atan2(dy, dx)
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
def yaw_error(a, at):
    """Return by what angle a drone has to turn about the vertical until its nose points where it is to, rad.

    Args:
        a: The drone.
        at: Where in its row its heading stands.
    """
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    target = a[at + H.target_yaw]
    c, s = math.cos(target), math.sin(target)
    return math.atan2(s * r[0] - c * r[3], c * r[0] + s * r[3])


@kernel
def _share(a, at):
    """Return the share of what a drone earns that its heading leaves it."""
    return 0.5 * (1.0 + math.cos(yaw_error(a, at)))


@kernel
def judge_heading_one(agents, at, size, p, m, reward):
    """Pay nearness by the heading, after :func:`gym_suite.drones.tasks.judge_one` has judged all else.

    Args:
        agents: The drones after the step.
        at: Where in a drone's row its heading stands.
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
        near *= _share(a, at)
        rates, effort, change = costs(a, size, p)
        crash = -p[P.penalty_crash] if crashed(agents, j, p) else 0.0
        reward[j] = near + rates + effort + change + crash
        m[M.reward_position] += near / count


@kernel
def judge_earning_one(agents, at, size, p, m, reward):
    """Pay by the heading what drones with an aim, or pursuers, have earned, after all else has been judged.

    What is lost by moving away is lost whatever the heading: otherwise a drone would earn by going to with the right
    heading and fro with a wrong one.

    Args:
        agents: The drones after the step.
        at: Where in a drone's row its heading stands.
        size: Numbers in one drone's action.
        p: Parameters.
        m: Metrics.
        reward: (drones,).
    """
    count, total = agents.shape[0], 0.0
    for j in range(count):
        a = agents[j]
        rates, effort, change = costs(a, size, p)
        earned, crash = m[M.reward_position], m[M.reward_crash]
        if count > 1:  # the metrics are means
            crash = -p[P.penalty_crash] if crashed(agents, j, p) else 0.0
            earned = reward[j] - (rates + effort + change + crash)
        if earned > 0.0:
            earned *= _share(a, at)
        reward[j] = earned + rates + effort + change + crash
        total += earned / count
    m[M.reward_position] = total


@kernel
def show_heading_one(agents, yaw, at, m, o):
    """Fill what is observed of the headings, and their errors.

    Args:
        agents: The drones.
        yaw: Numbers of :data:`gym_suite.drones.columns.YAW`.
        at: Where that stands in a drone's observation.
        m: Metrics.
        o: Observations of all drones one after the other.
    """
    count, h, shown = agents.shape[0], int(yaw[Y.place]), int(yaw[Y.shown])
    columns = o.shape[0] // count
    for j in range(count):
        a, k = agents[j], j * columns + at
        m[shown + j] = yaw_error(a, h)
        o[k] = math.cos(a[h + H.target_yaw])
        o[k + 1] = math.sin(a[h + H.target_yaw])
        o[k + 2] = min(max(a[h + H.target_yaw_rate] / _RATE, -_MOST), _MOST)
