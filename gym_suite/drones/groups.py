"""What several quadcopters do together: follow a leader, cross above one another, pursue an evader; no physics.

A leader flies along a path and the others keep their places beside it, wherever it is. Drones that cross fly to and fro
on straight lines through one vertical axis, each at its own height, all in the middle at the same time. An evader is a
point whose law is here; it is the target of all pursuers, whose states end with
:data:`gym_suite.drones.columns.CHASE_STATE`. What is common to all tasks, costs, start and observed motion, is in
:mod:`gym_suite.drones.tasks`.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform4
from gym_suite.drones.aerodynamics import downwash
from gym_suite.drones.columns import (
    CHASE_METRICS,
    CHASE_OBSERVATIONS,
    CHASE_STATE,
    CROSS_METRICS,
    GROUP,
    LEAD_METRICS,
    METRICS,
    PARAMETERS,
    PLACES,
    QUANTITIES,
    STATES,
)
from gym_suite.drones.references import refer_one
from gym_suite.drones.tasks import (
    costs,
    crashed,
    distance,
    judge_one,
    reset_one,
)

X, P, M = STATES.places, PARAMETERS.places, METRICS.places
G, S, A = GROUP.places, CHASE_STATE.places, PLACES.places
L, C, W = LEAD_METRICS.places, CHASE_METRICS.places, CROSS_METRICS.places
O = CHASE_OBSERVATIONS.places  # noqa: E741
SIZE, PER_GROUP_DRONE = len(CHASE_STATE), len(CROSS_METRICS)

#: What groups do.
GROUPS = ("lead", "cross", "chase")
LEAD, CROSS, CHASE = range(len(GROUPS))
STREAM_GROUP = 1 << 26
#: m, height of the lowest line on which drones cross, and of the arena's floor.
LOWEST_LINE, ARENA_FLOOR = 0.7, 0.5
#: Reward of a catch, in metres of progress.
CATCH = 5.0
#: Push of a wall on the evader over that of a pursuer where the wall is nearest.
WALL = 0.1
#: m, nearer than which nothing pushes the evader more.
NEAREST = 0.05
#: Shares of the arena's radius at which the evader starts.
START_LOW, START_HIGH = 0.8, 0.95
_METRE, _FAR = QUANTITIES["error_x"].scale, QUANTITIES["error_x"].high


# ------------------------------------------------------------------------------------------------------- the targets


@kernel
def follow_leader(agents, places):
    """Write the targets of all drones but the first: its place and their offset, its velocity.

    Args:
        agents: The drones.
        places: Offsets from the leader, m, (drones, 3).
    """
    for j in range(1, agents.shape[0]):
        for c in range(3):
            agents[j, X.target_x + c] = agents[0, X.position_x + c] + places[j, A.x + c]
            agents[j, X.target_velocity_x + c] = agents[0, X.velocity_x + c]
            agents[j, X.target_acceleration_x + c] = 0.0


@kernel
def _cross(agents, key, t, group, places):
    """Write where drones on their lines are to be at time t: way times the cosine of the time, turned by the key."""
    turned = 2.0 * math.pi * uniform4(key, 0, STREAM_GROUP)[0]
    sine, cosine = math.sin(turned), math.cos(turned)
    w = 2.0 * math.pi / group[G.period]
    along, speed = group[G.way] * math.cos(w * t), -group[G.way] * w * math.sin(w * t)
    gain = -group[G.way] * w * w * math.cos(w * t)
    for j in range(agents.shape[0]):
        a = agents[j]
        x = cosine * places[j, A.x] - sine * places[j, A.y]
        y = sine * places[j, A.x] + cosine * places[j, A.y]
        a[X.target_x], a[X.target_y], a[X.target_z] = along * x, along * y, places[j, A.z]
        a[X.target_velocity_x], a[X.target_velocity_y] = speed * x, speed * y
        a[X.target_velocity_z] = 0.0
        a[X.target_acceleration_x], a[X.target_acceleration_y] = gain * x, gain * y
        a[X.target_acceleration_z] = 0.0


@kernel
def _appear(agents, key, group):
    """Put the evader where it starts, at rest: far out in its arena."""
    far, heading, height, _ = uniform4(key, 0, STREAM_GROUP)
    radius = group[G.arena] * (START_LOW + (START_HIGH - START_LOW) * far)
    angle = 2.0 * math.pi * heading
    for j in range(agents.shape[0]):
        a = agents[j]
        a[X.target_x], a[X.target_y] = radius * math.cos(angle), radius * math.sin(angle)
        a[X.target_z] = ARENA_FLOOR + group[G.arena] * (0.2 + 0.6 * height)
        for c in range(3):
            a[X.target_velocity_x + c] = a[X.target_acceleration_x + c] = 0.0


@kernel
def _inverse_square(length):
    return 1.0 / max(length, NEAREST) ** 2


@called_kernel
def flee(agents, period, group):
    """Move the evader by one control period, away from the pursuers as they are now.

    It wants to fly along the sum of what pushes it: each pursuer away from itself by the inverse square of its
    distance, mantle, floor and ceiling of the arena inwards by :data:`WALL` times the inverse square of theirs, at its
    full speed where that sum is at least 1 / arena^2 and in proportion below. Its velocity approaches that as fast as
    its largest acceleration lets it.

    Args:
        agents: The pursuers, whose target is the evader.
        period: s.
        group: Numbers of :data:`gym_suite.drones.columns.GROUP`.
    """
    first = agents[0]
    x, y, z = first[X.target_x], first[X.target_y], first[X.target_z]
    px, py, pz = 0.0, 0.0, 0.0
    for j in range(agents.shape[0]):
        dx, dy, dz = (
            x - agents[j, X.position_x],
            y - agents[j, X.position_y],
            z - agents[j, X.position_z],
        )
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        push = _inverse_square(length) / max(length, NEAREST)
        px += push * dx
        py += push * dy
        pz += push * dz
    radius, arena = math.sqrt(x * x + y * y), group[G.arena]
    inwards = WALL * _inverse_square(arena - radius) / max(radius, NEAREST)
    px -= inwards * x
    py -= inwards * y
    pz += WALL * (_inverse_square(z - ARENA_FLOOR) - _inverse_square(ARENA_FLOOR + arena - z))
    scale = group[G.speed] / max(math.sqrt(px * px + py * py + pz * pz), 1.0 / arena**2)
    vx = scale * px - first[X.target_velocity_x]
    vy = scale * py - first[X.target_velocity_y]
    vz = scale * pz - first[X.target_velocity_z]
    change = math.sqrt(vx * vx + vy * vy + vz * vz)
    share = min(1.0, group[G.acceleration] * period / max(change, 1e-12))
    vx = first[X.target_velocity_x] + share * vx
    vy = first[X.target_velocity_y] + share * vy
    vz = first[X.target_velocity_z] + share * vz
    for j in range(agents.shape[0]):
        a = agents[j]
        a[X.target_x], a[X.target_y], a[X.target_z] = (
            x + period * vx,
            y + period * vy,
            z + period * vz,
        )
        a[X.target_velocity_x], a[X.target_velocity_y], a[X.target_velocity_z] = vx, vy, vz


# ------------------------------------------------------------------------------------------------- start and judgement


@kernel
def reset_group_one(agents, key, p, path, rotors, group, places):
    """Draw the starting state of a world: about the targets, pursuers about their ring.

    Args:
        agents: The drones.
        key: The episode's key.
        p: Parameters.
        path: The path of the kind "table".
        rotors: Table of the rotors.
        group: Numbers of the group.
        places: Three numbers of each drone.
    """
    reset_one(agents, key, p, path, rotors)
    kind = int(group[G.kind])
    if kind == CHASE:
        _appear(agents, key, group)
        for j in range(agents.shape[0]):
            agents[j, agents.shape[1] - SIZE + S.gap] = distance(agents[j])
        return
    # starts were drawn about a ring; from there they go along with their targets, the leader's first
    for j in range(agents.shape[0]):
        for c in range(3):
            agents[j, X.position_x + c] -= agents[j, X.target_x + c]
            agents[j, X.velocity_x + c] -= agents[j, X.target_velocity_x + c]
    if kind == CROSS:
        _cross(agents, key, 0.0, group, places)
    else:
        refer_one(agents[:1], key, 0, p, path)
    for j in range(agents.shape[0]):
        for c in range(3):
            agents[j, X.position_x + c] += agents[j, X.target_x + c]
            agents[j, X.velocity_x + c] += agents[j, X.target_velocity_x + c]
        agents[j, X.position_z] = max(agents[j, X.position_z], 2.0 * p[P.radius])
        if kind == LEAD and j == 0:
            follow_leader(agents, places)


@kernel
def _judge_chase(agents, size, t, p, group, m, reward, terminated):
    """Do as :func:`gym_suite.drones.tasks.judge_one` does for pursuers, which earn what they come nearer."""
    count, s = agents.shape[0], agents.shape[1] - SIZE
    for k in range(M.violation + 1):
        m[k] = 0.0
    caught = False
    for j in range(count):
        caught |= distance(agents[j]) < group[G.catch] and not crashed(agents, j, p)
    for j in range(count):
        a = agents[j]
        gap = distance(a)
        earned = p[P.weight_position] * (a[s + S.gap] - gap + (CATCH if caught else 0.0))
        ended = crashed(agents, j, p)
        rates, effort, change = costs(a, size, p)
        crash = -p[P.penalty_crash] if ended else 0.0
        reward[j] = earned + rates + effort + change + crash
        terminated[j] = ended or caught
        m[M.reward_position] += earned / count
        m[M.reward_rates] += rates / count
        m[M.reward_effort] += effort / count
        m[M.reward_smoothness] += change / count
        m[M.reward_crash] += crash / count
        if ended:
            m[M.violation] = 1.0
        a[s + S.gap] = gap
        a[s + S.caught], a[s + S.catch_time] = (1.0, t) if caught else (0.0, 0.0)


@kernel
def judge_group_one(agents, size, key, step, p, path, group, places, m, reward, terminated):
    """Set the targets of drones that have moved, and fill reward and end of each.

    Args:
        agents: The drones after the step.
        size: Numbers in one drone's action.
        key: The episode's key.
        step: Control periods since reset.
        p: Parameters.
        path: The path of the kind "table".
        group: Numbers of the group.
        places: Three numbers of each drone.
        m: Metrics.
        reward: (drones,).
        terminated: (drones,).
    """
    kind, period = int(group[G.kind]), p[P.ratio] * p[P.dt]
    if kind == CHASE:
        flee(agents, period, group)
        _judge_chase(agents, size, step * period, p, group, m, reward, terminated)
        return
    if kind == CROSS:
        _cross(agents, key, step * period, group, places)
    else:
        refer_one(agents[:1], key, step, p, path)
        follow_leader(agents, places)
    judge_one(agents, size, p, m, reward, terminated)
    if kind == LEAD and terminated[0]:  # nobody is there to be followed
        for j in range(agents.shape[0]):
            terminated[j] = True


# -------------------------------------------------------------------------------------------------------- what is seen


@kernel
def _bounded(value):
    return min(max(value / _METRE, -_FAR), _FAR)


@kernel
def show_group_one(agents, at, p, group, rotors, first, m, o):
    """Fill the metrics of a group, and what its drones observe besides.

    Args:
        agents: The drones.
        at: Where the latter stands in a drone's observation.
        p: Parameters.
        group: Numbers of the group.
        rotors: Table of the rotors.
        first: Where the former begin.
        m: Metrics.
        o: Observations of all drones one after the other.
    """
    kind, count = int(group[G.kind]), agents.shape[0]
    if kind == CROSS:
        blown, weight = p[P.downwash_1] > 0.0, p[P.mass] * p[P.gravity]
        for j in range(count):
            push = downwash(agents, j, p, rotors) if blown else 0.0
            m[first + PER_GROUP_DRONE * j + W.downwash] = push / weight
    elif kind == LEAD:
        total = 0.0
        for j in range(1, count):
            total += distance(agents[j])
        m[first + L.leader_distance] = distance(agents[0])
        m[first + L.follower_distance] = total / (count - 1)
    else:
        a, s, nearest = agents[0], agents.shape[1] - SIZE, math.inf
        columns = o.shape[0] // count
        for j in range(count):
            nearest = min(nearest, distance(agents[j]))
            for c in range(2):
                o[j * columns + at + O.centre_x + c] = _bounded(-agents[j, X.position_x + c])
        vx, vy, vz = a[X.target_velocity_x], a[X.target_velocity_y], a[X.target_velocity_z]
        m[first + C.caught], m[first + C.catch_time] = a[s + S.caught], a[s + S.catch_time]
        m[first + C.nearest] = nearest
        m[first + C.evader_speed] = math.sqrt(vx * vx + vy * vy + vz * vz)
