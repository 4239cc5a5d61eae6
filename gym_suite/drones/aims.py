"""Aims: targets that follow from what a drone has done, or that it is not to be near to; no physics.

Waypoints and gates come one after the other as they are passed, a velocity is commanded, a pad is driven over the
floor, a place is to be risen to, a goal lies behind a field of pillars. Such a drone is alone; its state ends with
:data:`gym_suite.drones.columns.AIM_STATE`. What is common to all tasks, costs, start and observed motion, is in
:mod:`gym_suite.drones.tasks`, what pillars do in :mod:`gym_suite.drones.obstacles`.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform, uniform4
from gym_suite.drones.columns import (
    AIM,
    AIM_STATE,
    COURSE_METRICS,
    FIELD_METRICS,
    GATE_OBSERVATIONS,
    GATES,
    LIFT_METRICS,
    LIFT_STATE,
    METRICS,
    PAD_METRICS,
    PARAMETERS,
    ROTOR,
    STATES,
    VELOCITY_METRICS,
    WAYPOINT_OBSERVATIONS,
)
from gym_suite.drones.obstacles import clearance, enter_field, leaves_field, seek_goal
from gym_suite.drones.tasks import (
    FIRST_DRONE,
    FLOOR,
    PER_DRONE,
    costs,
    distance,
    lowest,
    reset_one,
)

X, P, S = STATES.places, PARAMETERS.places, AIM_STATE.places
A, G, M = AIM.places, GATES.places, METRICS.places
C, V, D = COURSE_METRICS.places, VELOCITY_METRICS.places, PAD_METRICS.places
L, H, F, R = LIFT_METRICS.places, LIFT_STATE.places, FIELD_METRICS.places, ROTOR.places
O = GATE_OBSERVATIONS.places  # noqa: E741
AIM_SIZE, WAYPOINT_SIZE, GATE_SIZE = (
    len(AIM_STATE),
    len(WAYPOINT_OBSERVATIONS),
    len(GATE_OBSERVATIONS),
)
#: Where the metrics of aims begin.
FIRST_AIM = FIRST_DRONE + PER_DRONE

#: Kinds of aims.
AIMS = ("waypoints", "gates", "velocity", "pad", "lift", "field")
WAYPOINT, GATE, VELOCITY, PAD, LIFT, FIELD = range(len(AIMS))
STREAM_AIM = 1 << 21
LOWEST_WAYPOINT = 0.5  # m
PAD_SPAN = 0.5  # m, from the middle, within which the pad starts along each axis
CLIMB = 0.3  # of the largest level speed, the largest vertical one that is commanded
#: Reward of a landing and of reaching a goal, in metres of progress.
LANDING = 5.0
#: Height of the lowest point, m, from which on a drone that takes off has flown.
FLOWN = 0.02
#: Squared sine of half the tilt at which a drone that has not flown has tipped over: 60 degrees.
TIPPED = 0.25
LIFT_SIZE = len(LIFT_STATE)
#: Sine of the largest tilt with which a drone may come down: 20 degrees.
MOST_TILT_SINE = math.sin(math.radians(20.0))
_METRE, _FAR = GATE_OBSERVATIONS["next_x"].scale, GATE_OBSERVATIONS["next_x"].high
_PASSED, _STRUCK = 1, 2


@kernel
def _place(stage, key, aim, gates):
    """Return where the waypoint or the gate of a number is, m."""
    if int(aim[A.kind]) == GATE:
        gate = gates[stage % gates.shape[0]]
        return gate[G.centre_x], gate[G.centre_y], gate[G.centre_z]
    x, y, z, _ = uniform4(key, stage, STREAM_AIM)
    spread = aim[A.spread]
    return spread * (2.0 * x - 1.0), spread * (2.0 * y - 1.0), LOWEST_WAYPOINT + spread * z


@kernel
def _command(a, key, t, aim):
    """Write the velocity commanded at time t: out for an interval, back in the next, so that the drone stays about.

    Out is upwards, so that nobody who does as he is told comes below where he began.
    """
    number = int(t / aim[A.interval] + 1e-9)
    heading, size, climb, _ = uniform4(key, number // 2, STREAM_AIM)
    sense = 1.0 if number % 2 == 0 else -1.0
    speed, angle = sense * aim[A.speed] * size, 2.0 * math.pi * heading
    a[X.target_velocity_x] = speed * math.cos(angle)
    a[X.target_velocity_y] = speed * math.sin(angle)
    a[X.target_velocity_z] = sense * CLIMB * aim[A.speed] * climb
    for c in range(3):
        a[X.target_x + c] = a[X.position_x + c]


@kernel
def _drive(a, key, t, p, aim):
    """Write where a drone that stands on the pad would be at time t, and its velocity: the pad drives straight on."""
    x, y, size, heading = uniform4(key, 0, STREAM_AIM)
    speed, angle = aim[A.speed] * size, 2.0 * math.pi * heading
    a[X.target_velocity_x], a[X.target_velocity_y] = (
        speed * math.cos(angle),
        speed * math.sin(angle),
    )
    a[X.target_x] = PAD_SPAN * (2.0 * x - 1.0) + a[X.target_velocity_x] * t
    a[X.target_y] = PAD_SPAN * (2.0 * y - 1.0) + a[X.target_velocity_y] * t
    a[X.target_z] = 0.5 * p[P.height]


@called_kernel
def _set_target(a, key, t, p, aim, gates):
    """Write the target at time t."""
    kind, s = int(aim[A.kind]), a.shape[0] - AIM_SIZE
    if kind == VELOCITY:
        _command(a, key, t, aim)
    elif kind == PAD:
        _drive(a, key, t, p, aim)
    elif kind == LIFT:
        a[X.target_z] = aim[A.height]
    elif kind == FIELD:
        seek_goal(a, aim)
    else:
        x, y, z = _place(int(a[s + S.stage]), key, aim, gates)
        a[X.target_x], a[X.target_y], a[X.target_z] = x, y, z


@kernel
def _remember(a, s):
    """Keep position, velocity and distance from the target for the next period."""
    for c in range(3):
        a[s + S.before_x + c] = a[X.position_x + c]
        a[s + S.velocity_before_x + c] = a[X.velocity_x + c]
    a[s + S.gap] = distance(a)


@called_kernel
def _stand(a, p, rotors):
    """Put a drone on the floor below where it is, level and at rest, with the heading that it has and still rotors."""
    a[X.position_z] = 0.5 * p[P.height]
    z, w = a[X.quaternion_z], a[X.quaternion_w]
    length = math.sqrt(z * z + w * w)
    a[X.quaternion_x] = a[X.quaternion_y] = 0.0
    a[X.quaternion_z], a[X.quaternion_w] = z / length, w / length
    for c in range(3):
        a[X.velocity_x + c] = 0.0
    for c in range(4):
        a[X.old_quaternion_x + c] = a[X.quaternion_x + c]
        a[X.rotor_0 + c] = a[X.command_0 + c] = 0.0
    if rotors.ndim == 2:
        for c in range(rotors.shape[0]):
            a[int(rotors[c, R.speed])] = a[int(rotors[c, R.command])] = 0.0


@kernel
def reset_aim_one(agents, key, p, path, rotors, aim, gates):
    """Draw the starting state of a world: as of other tasks, on a course half-way between two gates.

    A drone that is to take off stands on the floor, one that is to cross a field before the field.

    Args:
        agents: The drone.
        key: The episode's key.
        p: Parameters.
        path: The path of the kind "table".
        rotors: Table of the rotors.
        aim: Numbers of the aim.
        gates: The gates.
    """
    reset_one(agents, key, p, path, rotors)
    a, s = agents[0], agents.shape[1] - AIM_SIZE
    if int(aim[A.kind]) == GATE:
        stage = int(uniform(key, 0, STREAM_AIM) * gates.shape[0])
        a[s + S.stage] = stage
        last, here = gates[(stage - 1) % gates.shape[0]], gates[stage]
        for c in range(3):
            middle = 0.5 * (last[G.centre_x + c] + here[G.centre_x + c])
            a[X.position_x + c] += middle - a[X.target_x + c]
        a[X.position_z] = max(a[X.position_z], 2.0 * p[P.radius])
    elif int(aim[A.kind]) == LIFT:
        _stand(a, p, rotors)
    elif int(aim[A.kind]) == FIELD:
        enter_field(a, key, aim)
    _set_target(a, key, 0.0, p, aim, gates)
    _remember(a, s)


@kernel
def _met(a, s, gate, p):
    """Return whether a drone got through a gate in the last period, the right way, struck its frame, or neither."""
    nx, ny = gate[G.through_x], gate[G.through_y]
    x_0, y_0 = a[s + S.before_x] - gate[G.centre_x], a[s + S.before_y] - gate[G.centre_y]
    x_1, y_1 = a[X.position_x] - gate[G.centre_x], a[X.position_y] - gate[G.centre_y]
    before, after = nx * x_0 + ny * y_0, nx * x_1 + ny * y_1
    if (before < 0.0) == (after < 0.0):
        return 0
    share = before / (before - after)
    aside = abs((1.0 - share) * (nx * y_0 - ny * x_0) + share * (nx * y_1 - ny * x_1))
    z_0, z_1 = a[s + S.before_z] - gate[G.centre_z], a[X.position_z] - gate[G.centre_z]
    above = abs((1.0 - share) * z_0 + share * z_1)
    width, height, own = gate[G.half_width], gate[G.half_height], p[P.radius]
    if aside < width - own and above < height - own:
        return _PASSED if before < 0.0 else 0
    edge = gate[G.frame] + own
    return _STRUCK if aside < width + edge and above < height + edge else 0


@kernel
def _over_pad(a, s):
    """Return how fast a drone was over the pad a period ago, m/s: this one's may be what the floor has left of it."""
    vx = a[s + S.velocity_before_x] - a[X.target_velocity_x]
    vy = a[s + S.velocity_before_y] - a[X.target_velocity_y]
    vz = a[s + S.velocity_before_z]
    return math.sqrt(vx * vx + vy * vy + vz * vz)


@kernel
def _lands(a, s, p, aim):
    """Return whether a drone that touches the floor has come down on the pad, upright and slowly."""
    dx, dy = a[X.target_x] - a[X.position_x], a[X.target_y] - a[X.position_y]
    qx, qy = a[X.quaternion_x], a[X.quaternion_y]
    # the body's axis is off the vertical by an angle with sin(angle / 2)^2 = qx^2 + qy^2
    level = 2.0 * math.sqrt(qx * qx + qy * qy) * math.sqrt(max(1.0 - qx * qx - qy * qy, 0.0))
    upright = level < MOST_TILT_SINE and qx * qx + qy * qy < 0.5
    near = dx * dx + dy * dy < aim[A.pad_radius] ** 2
    return upright and near and _over_pad(a, s) < aim[A.touch_speed]


@called_kernel
def _fails_to_lift(a, s, p):
    """Note whether a drone has flown; return whether it came down then, or tipped over before."""
    h, height = s - LIFT_SIZE, lowest(a, p)
    if height > FLOWN:
        a[h + H.flown] = 1.0
    if a[h + H.flown] > 0.0:
        return height < FLOOR
    return a[X.quaternion_x] ** 2 + a[X.quaternion_y] ** 2 > TIPPED


@kernel
def _holds(a, s, gap, period, aim):
    """Note for how long a drone has held its place; return whether that is long enough."""
    h = s - LIFT_SIZE
    a[h + H.held] = a[h + H.held] + period if gap < aim[A.reach] else 0.0
    return a[h + H.held] > aim[A.hold] - 1e-9


@kernel
def _pass_on(a, s, key, t, p, aim, gates):
    """Note that an aim has been passed and set the next one."""
    if int(a[s + S.passed]) % max(gates.shape[0], 1) == 0:
        if a[s + S.passed] > 0.0:
            a[s + S.round] = t - a[s + S.begun]
        a[s + S.begun] = t
    a[s + S.passed] += 1.0
    a[s + S.stage] += 1.0
    a[s + S.split], a[s + S.since] = a[s + S.since], 0.0
    _set_target(a, key, t, p, aim, gates)


@kernel
def judge_aim_one(agents, size, key, step, p, aim, gates, m, reward, terminated):
    """Fill reward and end of a drone, and set its next target.

    Args:
        agents: The drone after the step.
        size: Numbers in its action.
        key: The episode's key.
        step: Control periods since reset.
        p: Parameters.
        aim: Numbers of the aim.
        gates: The gates.
        m: Metrics.
        reward: (1,).
        terminated: (1,).
    """
    a, s = agents[0], agents.shape[1] - AIM_SIZE
    kind, period = int(aim[A.kind]), p[P.ratio] * p[P.dt]
    t = step * period
    _set_target(a, key, t, p, aim, gates)
    a[s + S.since] += period
    gap = distance(a)
    down = lowest(a, p) < FLOOR
    failed, passed, landed = down or not gap < p[P.bound], False, False
    earned = a[s + S.gap] - gap
    if kind == WAYPOINT:
        passed = gap < aim[A.reach]
    elif kind == GATE:
        for k in range(gates.shape[0]):
            met = _met(a, s, gates[k], p)
            failed |= met == _STRUCK
            passed |= met == _PASSED and k == int(a[s + S.stage]) % gates.shape[0]
    elif kind == VELOCITY:
        square = 0.0
        for c in range(3):
            square += (a[X.target_velocity_x + c] - a[X.velocity_x + c]) ** 2
        earned = max(1.0 - math.sqrt(square) / p[P.error_scale], 0.0)
    elif kind == LIFT:
        earned = max(1.0 - gap / p[P.error_scale], 0.0)
        failed = _fails_to_lift(a, s, p) or not gap < p[P.bound]
        if _holds(a, s, gap, period, aim) and not failed:
            landed = True
            earned += max(aim[A.periods] - step, 0.0)
    elif kind == FIELD:
        failed |= leaves_field(a, p, aim)
        if gap < aim[A.reach] and not failed:
            landed = True
            earned += LANDING
    elif down and _lands(a, s, p, aim):
        failed, landed = False, True
        earned += LANDING
    a[s + S.landed] = 1.0 if landed else 0.0
    a[s + S.touch] = _over_pad(a, s) if landed and kind == PAD else 0.0
    rates, effort, change = costs(a, size, p)
    earned *= p[P.weight_position]
    crash = -p[P.penalty_crash] if failed else 0.0
    reward[0] = earned + rates + effort + change + crash
    terminated[0] = failed or landed
    m[M.reward_position], m[M.reward_rates] = earned, rates
    m[M.reward_effort], m[M.reward_smoothness], m[M.reward_crash] = effort, change, crash
    m[M.violation] = 1.0 if failed else 0.0
    if passed:
        _pass_on(a, s, key, t, p, aim, gates)
    _remember(a, s)


@kernel
def _bounded(value):
    return min(max(value / _METRE, -_FAR), _FAR)


@kernel
def show_aim_one(agents, key, p, aim, gates, m, o):
    """Fill the metrics that follow from the state of an aim, and what is observed of it behind all else.

    Args:
        agents: The drone.
        key: The episode's key.
        p: Parameters.
        aim: Numbers of the aim.
        gates: The gates.
        m: Metrics.
        o: Observation.
    """
    a, s, kind = agents[0], agents.shape[1] - AIM_SIZE, int(aim[A.kind])
    if kind == VELOCITY:
        for c in range(3):
            m[FIRST_AIM + V.velocity_x + c] = a[X.velocity_x + c]
            m[FIRST_AIM + V.target_velocity_x + c] = a[X.target_velocity_x + c]
        return
    if kind == PAD:
        m[FIRST_AIM + D.landed], m[FIRST_AIM + D.touch_speed] = a[s + S.landed], a[s + S.touch]
        return
    if kind == LIFT:
        m[FIRST_AIM + L.held] = a[s - LIFT_SIZE + H.held]
        m[FIRST_AIM + L.reached] = a[s + S.landed]
        return
    if kind == FIELD:
        m[FIRST_AIM + F.reached], m[FIRST_AIM + F.clearance] = a[s + S.landed], clearance(a, p, aim)
        return
    m[FIRST_AIM + C.passed], m[FIRST_AIM + C.split_time] = a[s + S.passed], a[s + S.split]
    stage, at = int(a[s + S.stage]), o.shape[0] - WAYPOINT_SIZE
    if kind == GATE:
        m[FIRST_AIM + C.lap_time], at = a[s + S.round], o.shape[0] - GATE_SIZE
        for k in range(2):
            gate = gates[(stage + k) % gates.shape[0]]
            o[at + O.gate_x + 2 * k] = gate[G.through_x]
            o[at + O.gate_y + 2 * k] = gate[G.through_y]
    x, y, z = _place(stage + 1, key, aim, gates)
    o[at] = _bounded(x - a[X.position_x])
    o[at + 1] = _bounded(y - a[X.position_y])
    o[at + 2] = _bounded(z - a[X.position_z])
