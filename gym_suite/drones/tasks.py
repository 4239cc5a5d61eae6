"""What drones are to do: starting state, setpoint of an action, reward, end and observation; no physics.

One row is one world: after the physical columns of each drone come its target, a count and its last actions. Which
quantities are observed, which reference holds and what anything is worth stands in tables and parameters.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform4
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import (
    DRONE_METRICS,
    METRICS,
    PARAMETERS,
    QUANTITIES,
    ROTOR,
    STATES,
)
from gym_suite.drones.references import refer_one
from gym_suite.drones.sticks import meant
from gym_suite.drones.transforms import rotation, turn_back

X, P, Q = STATES.places, PARAMETERS.places, QUANTITIES.places
M, D, R = METRICS.places, DRONE_METRICS.places, ROTOR.places
#: Where a drone's last actions begin, and the metrics of the first drone; how many metrics each has.
LAST, FIRST_DRONE, PER_DRONE = len(STATES), len(METRICS), len(DRONE_METRICS)

STREAM_START = 0
FLOOR = 1e-3  # m, height below which a drone touches the floor
_METRE, _SPEED = QUANTITIES["error_x"].scale, QUANTITIES["velocity_x"].scale
_FAR = QUANTITIES["error_x"].high
_RATE_SQUARE = QUANTITIES["body_rate_x"].scale ** 2
_MOST_RATES = 10.0  # of that square, beyond which turning costs no more


@kernel
def _attitude(a):
    return rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])


@kernel
def reset_one(agents, key, p, path, rotors):
    """Draw the starting state of a world.

    Args:
        agents: The drones.
        key: The episode's key.
        p: Parameters.
        path: The path of the kind "table".
        rotors: Table of the rotors.
    """
    for j in range(agents.shape[0]):
        for c in range(agents.shape[1]):
            agents[j, c] = 0.0
    refer_one(agents, key, 0, p, path)
    for j in range(agents.shape[0]):
        a = agents[j]
        for block in range(3):
            draw = uniform4(key, 0, STREAM_START + 4 * j + block)
            x, y, z = 2.0 * draw[0] - 1.0, 2.0 * draw[1] - 1.0, 2.0 * draw[2] - 1.0
            if block == 0:
                span = p[P.start_position]
                a[X.position_x] = a[X.target_x] + span * x
                a[X.position_y] = a[X.target_y] + span * y
                # never started in the floor, however low a path of the user's is
                a[X.position_z] = max(a[X.target_z] + span * z, 2.0 * p[P.radius])
            elif block == 1:
                span = p[P.start_velocity]
                a[X.velocity_x] = a[X.target_velocity_x] + span * x
                a[X.velocity_y] = a[X.target_velocity_y] + span * y
                a[X.velocity_z] = a[X.target_velocity_z] + span * z
            else:
                half = 0.5 * p[P.start_tilt]
                roll, pitch, yaw = half * x, half * y, half * z
                length = math.sqrt(1.0 + roll * roll + pitch * pitch + yaw * yaw)
                a[X.quaternion_x], a[X.quaternion_y] = roll / length, pitch / length
                a[X.quaternion_z], a[X.quaternion_w] = yaw / length, 1.0 / length
        for c in range(4):
            a[X.old_quaternion_x + c] = a[X.quaternion_x + c]
            a[X.rotor_0 + c] = a[X.command_0 + c] = p[P.hover_rpm]
        if rotors.ndim == 2:
            for c in range(rotors.shape[0]):
                speed = rotors[c, R.hover]
                a[int(rotors[c, R.speed])] = a[int(rotors[c, R.command])] = speed


@kernel
def act_one(agents, size, u, p, nominal, rotors):
    """Clip a world's action, put it in front of the last ones and turn it into the drones' setpoints.

    Args:
        agents: The drones.
        size: Numbers in one drone's action.
        u: All drones' actions one after the other; clipped to [-1, 1] in place.
        p: Parameters.
        nominal: Parameters that inner loops know.
        rotors: Table of the rotors.
    """
    for j in range(agents.shape[0]):
        a, clipped = agents[j], 0.0
        for k in range(LAST + int(p[P.history]) * size - 1, LAST - 1, -1):
            a[k + size] = a[k]
        for k in range(size):
            given = u[j * size + k]
            action = min(max(given, -1.0), 1.0)
            clipped += 1.0 if action != given else 0.0
            u[j * size + k] = a[LAST + k] = action
        a[X.clipped] = clipped
        _set_setpoint(a, p, nominal, rotors)


@kernel
def _set_setpoint(a, p, nominal, rotors):
    """Say in SI units what the last action of a drone asks for: rotor speeds, or what an inner loop is to hold."""
    kind, span = int(p[P.action]), p[P.action_range]
    if kind == pm.ROTORS:
        if rotors.ndim == 1:
            for c in range(4):
                speed = p[P.hover_rpm] * (1.0 + span * a[LAST + c])
                a[X.command_0 + c] = min(max(speed, 0.0), p[P.max_rpm])
        else:
            for c in range(rotors.shape[0]):
                speed = rotors[c, R.hover] * (1.0 + span * a[LAST + c])
                a[int(rotors[c, R.command])] = min(max(speed, 0.0), p[P.max_rpm])
    elif kind == pm.RATES:
        weight = nominal[P.mass] * nominal[P.gravity]
        a[X.setpoint_0] = weight * (1.0 + p[P.thrust_range] * a[LAST])
        a[X.setpoint_1] = span * a[LAST + 1]
        a[X.setpoint_2] = span * a[LAST + 2]
        a[X.setpoint_3] = p[P.yaw_range] * a[LAST + 3]
    elif kind == pm.STICKS:
        roll, pitch, yaw, output = meant(a[LAST], a[LAST + 1], a[LAST + 2], a[LAST + 3])
        a[X.setpoint_0], a[X.setpoint_1] = roll, pitch
        a[X.setpoint_2], a[X.setpoint_3] = yaw, output
    else:
        for c in range(3):
            origin = a[X.target_x + c] if kind == pm.POSITION else 0.0
            a[X.setpoint_0 + c] = origin + span * a[LAST + c]


@kernel
def distance(a):
    """Return how far a drone is from its target, m."""
    dx = a[X.target_x] - a[X.position_x]
    dy = a[X.target_y] - a[X.position_y]
    dz = a[X.target_z] - a[X.position_z]
    return math.sqrt(dx * dx + dy * dy + dz * dz)


@kernel
def _apart(a, b):
    """Return the squared distance of two drones, m^2."""
    dx, dy = b[X.position_x] - a[X.position_x], b[X.position_y] - a[X.position_y]
    dz = b[X.position_z] - a[X.position_z]
    return dx * dx + dy * dy + dz * dz


@kernel
def lowest(a, p):
    """Return the height of a drone's lowest point, m."""
    r = _attitude(a)
    tilt_sine = math.sqrt(max(1.0 - r[8] * r[8], 0.0))
    return a[X.position_z] - p[P.radius] * tilt_sine - 0.5 * p[P.height] * abs(r[8])


@kernel
def crashed(agents, j, p):
    """Return whether a drone touches the floor or another one, or is too far from its target."""
    a = agents[j]
    lost = lowest(a, p) < FLOOR or not distance(a) < p[P.bound]
    for i in range(agents.shape[0]):
        if i != j:
            lost |= _apart(a, agents[i]) < (2.0 * p[P.radius]) ** 2
    return lost


@kernel
def costs(a, size, p):
    """Return the reward terms of turning, of effort and of its change, none above 0."""
    wx, wy, wz = a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    square = (wx**2 + wy**2 + wz**2) / _RATE_SQUARE
    effort, change = 0.0, 0.0
    for k in range(LAST, LAST + size):
        effort += a[k] ** 2 / size
        change += (a[k] - a[k + size]) ** 2 / size
    rates = -p[P.weight_rates] * min(square, _MOST_RATES)
    return rates, -p[P.weight_effort] * effort, -p[P.weight_smoothness] * change


@kernel
def judge_one(agents, size, p, m, reward, terminated):
    """Fill reward and end of each drone, and their mean terms in the metrics.

    Args:
        agents: The drones after the step.
        size: Numbers in one drone's action.
        p: Parameters.
        m: Metrics.
        reward: (drones,).
        terminated: (drones,).
    """
    count = agents.shape[0]
    for k in range(M.violation + 1):
        m[k] = 0.0
    for j in range(count):
        a = agents[j]
        near = p[P.weight_position] * max(1.0 - distance(a) / p[P.error_scale], 0.0)
        ended = crashed(agents, j, p)
        rates, effort, change = costs(a, size, p)
        crash = -p[P.penalty_crash] if ended else 0.0
        reward[j] = near + rates + effort + change + crash
        terminated[j] = ended
        m[M.reward_position] += near / count
        m[M.reward_rates] += rates / count
        m[M.reward_effort] += effort / count
        m[M.reward_smoothness] += change / count
        m[M.reward_crash] += crash / count
        if ended:
            m[M.violation] = 1.0


@kernel
def show_one(agents, size, p, observed, rotors, work, m, o):
    """Fill the metrics that follow from the state, and the observations.

    Args:
        agents: The drones.
        size: Numbers in one drone's action.
        p: Parameters.
        observed: Which quantities are observed: place, inverse of the full scale and bound of each, (k, 3).
        rotors: Table of the rotors.
        work: Scratch for the quantities.
        m: Metrics.
        o: Observations of all drones one after the other.
    """
    count = agents.shape[0]
    columns = o.shape[0] // count
    kept = int(p[P.history]) * size
    clipped, farthest = 0.0, 0.0
    for j in range(count):
        a, at = agents[j], FIRST_DRONE + j * PER_DRONE
        gap = distance(a)
        clipped += a[X.clipped]
        farthest = max(farthest, gap)
        for c in range(3):
            m[at + D.x + c] = a[X.position_x + c]
            m[at + D.target_x + c] = a[X.target_x + c]
        m[at + D.target_distance] = gap
        vx, vy, vz = a[X.velocity_x], a[X.velocity_y], a[X.velocity_z]
        m[at + D.speed] = math.sqrt(vx**2 + vy**2 + vz**2)
        for c in range(4):
            m[at + D.command_0 + c] = a[X.command_0 + c]
        if rotors.ndim == 2:
            further = rotors.shape[0] - 4
            for c in range(4, rotors.shape[0]):
                k = int(rotors[c, R.shown]) + j * further
                m[k] = a[int(rotors[c, R.command])]
        _fill_quantities(a, work)
        at = j * columns
        for k in range(observed.shape[0]):
            value = work[int(observed[k, 0])] * observed[k, 1]
            o[at + k] = min(max(value, -observed[k, 2]), observed[k, 2])
        at += observed.shape[0]
        for k in range(kept):
            o[at + k] = a[LAST + k]
    m[M.clipped] = clipped
    m[M.distance] = farthest


@kernel
def _fill_quantities(a, q):
    """Fill the quantities of one drone of which some are observed, in SI units."""
    r = _attitude(a)
    wx, wy, wz = turn_back(
        r, a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
    )
    for c in range(3):
        q[Q.error_x + c] = a[X.target_x + c] - a[X.position_x + c]
        q[Q.velocity_x + c] = a[X.velocity_x + c]
        q[Q.target_velocity_x + c] = a[X.target_velocity_x + c]
        q[Q.target_acceleration_x + c] = a[X.target_acceleration_x + c]
    for c in range(9):
        q[Q.rotation_xx + c] = r[c]
    q[Q.body_rate_x], q[Q.body_rate_y], q[Q.body_rate_z] = wx, wy, wz
    q[Q.height] = a[X.position_z]


@kernel
def _bounded(value):
    return min(max(value, -_FAR), _FAR)


@called_kernel
def see_neighbours(agents, p, o):
    """Fill what every drone observes of others, behind all else that :func:`show_one` has filled."""
    count = agents.shape[0]
    seen = 6 * int(p[P.neighbours])
    if seen > 0:
        for j in range(count):
            _see_nearest(agents, j, p, o, (j + 1) * (o.shape[0] // count) - seen)


@kernel
def _see_nearest(agents, j, p, o, at):
    """Fill relative position and velocity of the nearest drones, nearest first; zeros where none is in reach."""
    count = agents.shape[0]
    last, last_at = -1.0, 0
    for _ in range(int(p[P.neighbours])):
        # The next one in the order of (distance, drones counted on from j), without memory.
        nearest, found = math.inf, 0
        for k in range(1, count):
            apart = _apart(agents[j], agents[(j + k) % count])
            later = apart > last or (apart == last and k > last_at)
            if later and apart < nearest:
                nearest, found = apart, k
        last, last_at = nearest, found
        b, a = agents[(j + found) % count], agents[j]
        seen = 1.0 if found > 0 and nearest < p[P.neighbour_radius] ** 2 else 0.0
        for c in range(3):
            x, v = X.position_x + c, X.velocity_x + c
            o[at + c] = seen * _bounded((b[x] - a[x]) / _METRE)
            o[at + 3 + c] = seen * _bounded((b[v] - a[v]) / _SPEED)
        at += 6
