"""What each number of a row is: state, parameters, quantities, metrics, scratch; and nothing else.

A world is (drones, columns): a drone's row holds :data:`BODY`, which physics moves, then :data:`TASK_STATE`, then its
last actions, the newest first, as many as are observed and one more. Positions, velocities and forces are in world
coordinates, z up; the quaternion is (x, y, z, w) and turns body coordinates into world coordinates.
"""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.drones import tables
from gym_suite.drones.parameters import CONTROL, PHYSICS
from gym_suite.drones.vehicles import FEWEST, MOST

# -------------------------------------------------------------------------------------------------------------- state

BODY = Columns(
    *(Column(f"position_{a}", "m", meaning=f"position {a}") for a in "xyz"),
    *(Column(f"quaternion_{a}", "1", -1, 1, f"attitude, {a} part") for a in "xyzw"),
    *(Column(f"velocity_{a}", "m/s", meaning=f"velocity {a}") for a in "xyz"),
    *(Column(f"angular_velocity_{a}", "rad/s", meaning=f"world angular rate {a}") for a in "xyz"),
    *(Column(f"rotor_{i}", "rpm", 0, meaning=f"speed of rotor {i}") for i in range(4)),
    *(Column(f"old_quaternion_{a}", "1", -1, 1, f"one step ago, {a} part") for a in "xyzw"),
    *(Column(f"command_{i}", "rpm", 0, meaning=f"command of rotor {i}") for i in range(4)),
    *(Column(f"force_{a}", "N", meaning=f"disturbing force {a}") for a in "xyz"),
    *(Column(f"torque_{a}", "N m", meaning=f"disturbing torque {a}") for a in "xyz"),
    *(Column(f"turbulence_{i}", "1", meaning=f"state {i} of the turbulence") for i in range(5)),
    Column("charge", "A s", 0, meaning="charge taken from the battery, where the model has one"),
    # What is held within a control period; environments name its elements by their kind of action.
    *(Column(f"setpoint_{i}", "*", meaning=f"element {i} of what is to be held") for i in range(4)),
)


def further_rotors(count: int) -> Columns:
    """Return the columns of a drone's row for rotors beyond the four of :data:`BODY`: their speeds, their commands."""
    further = range(FEWEST, count)
    return Columns(
        *(Column(f"rotor_{i}", "rpm", 0, meaning=f"speed of rotor {i}") for i in further),
        *(Column(f"command_{i}", "rpm", 0, meaning=f"command of rotor {i}") for i in further),
    )


#: Numbers of position, quaternion, velocity and angular velocity, which stand first: the state of a rigid body.
RIGID = BODY.index("rotor_0")

TASK_STATE = Columns(
    *(Column(f"target_{a}", "m", meaning=f"target {a}") for a in "xyz"),
    *(Column(f"target_velocity_{a}", "m/s", meaning=f"target velocity {a}") for a in "xyz"),
    *(
        Column(f"target_acceleration_{a}", "m/s^2", meaning=f"target acceleration {a}")
        for a in "xyz"
    ),
    Column("clipped", "1", 0, MOST, "elements of the action outside [-1, 1]"),
)
STATES = BODY + TASK_STATE

#: What tasks with aims remember besides, behind the last actions; see :mod:`gym_suite.drones.aims`.
AIM_STATE = Columns(
    Column("stage", "1", 0, meaning="number of the aim that is next", whole=True),
    Column("passed", "1", 0, meaning="aims passed since reset", whole=True),
    Column("gap", "m", 0, meaning="distance from the aim"),
    Column("since", "s", 0, meaning="time since the last aim was passed"),
    Column("split", "s", 0, meaning="time between the last two passed, or from reset"),
    Column("round", "s", 0, meaning="time of the last whole lap; 0 before"),
    Column("begun", "s", 0, meaning="time at which this lap began"),
    Column(
        "landed", "1", 0, 1, "whether the drone has come down on the pad, or done what it was to"
    ),
    Column("touch", "m/s", 0, meaning="speed over the pad, a period before the drone came down"),
    *(Column(f"before_{a}", "m", meaning=f"position {a} a period ago") for a in "xyz"),
    *(Column(f"velocity_before_{a}", "m/s", meaning=f"velocity {a} a period ago") for a in "xyz"),
)

#: What a drone that takes off remembers besides, before :data:`AIM_STATE`.
LIFT_STATE = Columns(
    Column("flown", "1", 0, 1, "whether the drone has been off the floor"),
    Column("held", "s", 0, meaning="time for which it has held the place"),
)
#: Numbers of a pillar.
PILLAR = Columns(
    Column("x", "m", meaning="place of the axis, x"),
    Column("y", "m", meaning="place of the axis, y"),
    Column("radius", "m", 0, meaning="radius; 0: there is none"),
)


def pillar_columns(count: int) -> Columns:
    """Return what a drone among pillars remembers of them, before :data:`AIM_STATE`."""
    return Columns(
        *(
            Column(f"pillar_{k}_{c.name}", c.unit, c.low, meaning=f"pillar {k}, {c.meaning}")
            for k in range(count)
            for c in PILLAR
        )
    )


#: What each of several pursuers remembers besides, at the end of its row; see :mod:`gym_suite.drones.groups`.
CHASE_STATE = Columns(
    Column("gap", "m", 0, meaning="distance from the evader"),
    Column("caught", "1", 0, 1, "whether the evader has been caught"),
    Column("catch_time", "s", 0, meaning="time at which it was; 0 before"),
)

#: What motion capture has seen of a drone, once for each control period that it is late and once for now.
CAPTURED = Columns(
    *(Column(f"position_{a}", "m", meaning=f"position {a}") for a in "xyz"),
    *(Column(f"velocity_{a}", "m/s", meaning=f"velocity {a}") for a in "xyz"),
)


def captured_columns(latency: int) -> Columns:
    """Return what capture remembers, the newest first; nothing where it is not late."""
    return Columns(
        *(
            Column(f"{c.name}_{k}_ago", c.unit, meaning=f"{c.meaning} {k} periods ago")
            for k in range(latency + 1 if latency else 0)
            for c in CAPTURED
        )
    )


#: What a drone that is given ``yaw=`` remembers besides, before what its task remembers of its own; the table ``yaw``
#: says where. See :mod:`gym_suite.drones.headings`.
YAW_STATE = Columns(
    Column("target_yaw", "rad", meaning="heading that is wanted, about the vertical from x"),
    Column("target_yaw_rate", "rad/s", meaning="its rate"),
)

#: Channels of ``disturbance=``: forces on every drone, world frame, N.
DISTURBANCES = ("force_x", "force_y", "force_z")

# --------------------------------------------------------------------------------------------------------- parameters

TASK_PARAMETERS = Columns(
    Column("drones", "1", 1, math.inf, "drones in a world", whole=True),
    Column("history", "1", 1, math.inf, "last actions observed", whole=True),
    Column("action_range", "*", 0, math.inf, "what an action of 1 stands for"),
    Column(
        "thrust_range", "1", 0, 1, "thrust of an action of 1, over the weight and as a share of it"
    ),
    Column("yaw_range", "rad/s", 0, math.inf, "yaw rate of an action of 1"),
    Column("reference", "1", 0, 4, "0 a place, 1 circle, 2 lemniscate, 3 helix, 4 table"),
    Column("path_size", "m", 0, math.inf, "radius or half-width"),
    Column("path_period", "s", 0, math.inf, "time of one round"),
    Column("path_rise", "m", 0, math.inf, "helix: height of one round; else vertical amplitude"),
    Column("spacing", "m", 0, math.inf, "distance of several drones' targets from the centre"),
    Column("swap_period", "s", 0, math.inf, "time between two swaps; 0: never"),
    Column("start_position", "m", 0, math.inf, "largest offset at reset, each axis"),
    Column("start_velocity", "m/s", 0, math.inf, "largest velocity at reset, each axis"),
    Column("start_tilt", "rad", 0, math.inf, "largest tilt at reset, each axis"),
    Column("bound", "m", 0, math.inf, "distance from the target at which an episode ends"),
    Column("neighbour_radius", "m", 0, math.inf, "distance within which neighbours are seen"),
    Column("neighbours", "1", 0, math.inf, "nearest drones that are seen", whole=True),
    Column("error_scale", "m", 0, math.inf, "distance that earns nothing"),
    Column("weight_position", "1", 0, math.inf, "weight of nearness"),
    Column("weight_rates", "1", 0, math.inf, "weight of squared body rates"),
    Column("weight_effort", "1", 0, math.inf, "weight of the squared action"),
    Column("weight_smoothness", "1", 0, math.inf, "weight of the squared change of the action"),
    Column("penalty_crash", "1", 0, math.inf, "penalty of a crash or of leaving"),
    Column("action_size", "1", 1, MOST, "numbers in a drone's action", whole=True),
)
PARAMETERS = PHYSICS + CONTROL + TASK_PARAMETERS

# -------------------------------------------------------------------------------------- what is observed and measured

_FAR = 5.0  # of full scale, beyond which an observation stays
_METRE, _SPEED, _ACCELERATION, _RATE = 1.0, 2.0, 10.0, 10.0  # full scale, in SI units
_TURNING = 2.0  # rad/s, of a heading

#: Quantities of a drone of which each task observes some, by a table.
QUANTITIES = Columns(
    *(Column(f"error_{a}", "m", -_FAR, _FAR, f"target minus position {a}", _METRE) for a in "xyz"),
    *(Column(f"velocity_{a}", "m/s", -_FAR, _FAR, f"velocity {a}", _SPEED) for a in "xyz"),
    *(
        Column(f"rotation_{row}{column}", "1", -1, 1, "element of the rotation matrix")
        for row in "xyz"
        for column in "xyz"
    ),
    *(Column(f"body_rate_{a}", "rad/s", -_FAR, _FAR, f"body rate {a}", _RATE) for a in "xyz"),
    Column("height", "m", -_FAR, _FAR, "height", _METRE),
    *(
        Column(f"target_velocity_{a}", "m/s", -_FAR, _FAR, f"target velocity {a}", _SPEED)
        for a in "xyz"
    ),
    *(
        Column(
            f"target_acceleration_{a}",
            "m/s^2",
            -_FAR,
            _FAR,
            f"target acceleration {a}",
            _ACCELERATION,
        )
        for a in "xyz"
    ),
)


def neighbour_columns(k: int) -> Columns:
    """Return what is observed of the k-th nearest drone, k >= 1."""
    near = "the nearest neighbour" if k == 1 else f"neighbour {k} by distance"
    return Columns(
        *(
            Column(f"neighbour_{k}_{a}", "m", -_FAR, _FAR, f"{near}, relative {a}", _METRE)
            for a in "xyz"
        ),
        *(
            Column(
                f"neighbour_{k}_velocity_{a}", "m/s", -_FAR, _FAR, "its relative velocity", _SPEED
            )
            for a in "xyz"
        ),
    )


#: Metrics of a world; then each drone's follow.
METRICS = Columns(
    Column("reward_position", "1", 0, math.inf, "nearness to the target"),
    Column("reward_rates", "1", -math.inf, 0, "squared body rates"),
    Column("reward_effort", "1", -math.inf, 0, "squared action"),
    Column("reward_smoothness", "1", -math.inf, 0, "squared change of the action"),
    Column("reward_crash", "1", -math.inf, 0, "penalty of a crash or of leaving"),
    Column("violation", "1", 0, 1, "1 if a drone crashed or left"),
    Column("clipped", "1", 0, math.inf, "elements of the action that were outside [-1, 1]"),
    Column("distance", "m", 0, math.inf, "of the drone farthest from its target"),
)
DRONE_METRICS = Columns(
    *(Column(a, "m", meaning=f"position {a}") for a in "xyz"),
    *(Column(f"target_{a}", "m", meaning=f"target {a}") for a in "xyz"),
    Column("target_distance", "m", 0, math.inf, "distance from the target"),
    Column("speed", "m/s", 0, math.inf, "speed"),
    *(Column(f"command_{i}", "rpm", 0, math.inf, "rotor command") for i in range(4)),
)


def further_commands(count: int) -> Columns:
    """Return the metrics of a drone's rotors beyond the first four, behind all others of a world."""
    return Columns(
        *(Column(f"command_{i}", "rpm", 0, math.inf, "rotor command") for i in range(FEWEST, count))
    )


#: Metrics of tasks with aims, behind the drone's: of waypoints and gates, of a commanded velocity, of a pad.
COURSE_METRICS = Columns(
    Column("passed", "1", 0, math.inf, "waypoints or gates passed since reset"),
    Column("split_time", "s", 0, math.inf, "time between the last two passed, or from reset"),
    Column("lap_time", "s", 0, math.inf, "time of the last lap from gate to gate; 0 before"),
)
VELOCITY_METRICS = Columns(
    *(Column(f"velocity_{a}", "m/s", meaning=f"velocity {a}") for a in "xyz"),
    *(Column(f"target_velocity_{a}", "m/s", meaning=f"commanded velocity {a}") for a in "xyz"),
)
PAD_METRICS = Columns(
    Column("landed", "1", 0, 1, "1 in the step in which the drone lands on the pad"),
    Column(
        "touch_speed", "m/s", 0, math.inf, "speed over the pad with which it came down; 0 before"
    ),
)
LIFT_METRICS = Columns(
    Column("held", "s", 0, math.inf, "time for which the drone has held the place"),
    Column("reached", "1", 0, 1, "1 in the step in which it has held the place for long enough"),
)
FIELD_METRICS = Columns(
    Column("reached", "1", 0, 1, "1 in the step in which the drone reaches the goal"),
    Column("clearance", "m", meaning="from the drone's rim to the nearest pillar"),
)

#: Metrics of several drones with something to do together, behind those of all drones.
LEAD_METRICS = Columns(
    Column("leader_distance", "m", 0, math.inf, "of the leader from its path"),
    Column("follower_distance", "m", 0, math.inf, "of followers from their places, on average"),
)
CHASE_METRICS = Columns(
    Column("caught", "1", 0, 1, "1 in the step in which the evader is caught"),
    Column("catch_time", "s", 0, math.inf, "time at which it was caught; 0 before"),
    Column("nearest", "m", 0, math.inf, "distance of the nearest pursuer from the evader"),
    Column("evader_speed", "m/s", 0, math.inf, "speed of the evader"),
)
#: The same, of each drone.
CROSS_METRICS = Columns(
    Column("downwash", "1", 0, math.inf, "force of the air from drones above, over the weight"),
)

#: What is observed of a pursuer's place in the arena, behind the last actions.
CHASE_OBSERVATIONS = Columns(
    *(
        Column(f"centre_{a}", "m", -_FAR, _FAR, f"way to the arena's axis, {a}", _METRE)
        for a in "xy"
    ),
)

#: Full scale of what is observed of aims behind the last actions: the next but one, and which way gates face.
WAYPOINT_OBSERVATIONS = Columns(
    *(
        Column(f"next_{a}", "m", -_FAR, _FAR, f"the aim after this one minus position {a}", _METRE)
        for a in "xyz"
    ),
)
GATE_OBSERVATIONS = WAYPOINT_OBSERVATIONS + Columns(
    Column("gate_x", "1", -1, 1, "direction through the gate, x"),
    Column("gate_y", "1", -1, 1, "direction through the gate, y"),
    Column("next_gate_x", "1", -1, 1, "direction through the gate after it, x"),
    Column("next_gate_y", "1", -1, 1, "direction through the gate after it, y"),
)

#: What is observed of a heading that is wanted, behind the last actions, and the metric behind those of the task.
YAW_OBSERVATIONS = Columns(
    Column("target_heading_x", "1", -1, 1, "direction in which the nose is to point, x"),
    Column("target_heading_y", "1", -1, 1, "direction in which the nose is to point, y"),
    Column("target_yaw_rate", "rad/s", -_FAR, _FAR, "rate at which it turns", _TURNING),
)
YAW_METRICS = Columns(
    Column("yaw_error", "rad", -math.pi, math.pi, "angle by which the nose has to turn"),
)


def beam_columns(count: int, sight: float) -> Columns:
    """Return what a row of a depth camera shows, from left to right, behind the last actions."""
    meaning = "way from the camera to what is seen"
    return Columns(
        *(Column(f"beam_{k}", "m", 0.0, sight / _METRE, meaning, _METRE) for k in range(count))
    )


def health_observations(count: int) -> Columns:
    """Return what is observed of the rotors' health behind the last actions, where an id tells it."""
    return Columns(
        *(
            Column(f"health_{i}", "1", 0, 1, f"part of its thrust that rotor {i} has")
            for i in range(count)
        )
    )


# -------------------------------------------------------------------------------------------------- tables and scratch

#: Tables that all rows share, in the order of :mod:`gym_suite.drones.tables`, which says what they are.
TABLES = Columns(
    *map(
        Column,
        sorted(
            (n for n, at in vars(tables).items() if type(at) is int), key=lambda n: vars(tables)[n]
        ),
    )
)

#: Numbers of a rotor of a vehicle that has not four in a usual layout; see :mod:`gym_suite.drones.rotors`.
ROTOR = Columns(
    Column("x", "m", meaning="place in the body, x"),
    Column("y", "m", meaning="place in the body, y"),
    Column("turn", "1", -1, 1, "sign of its drag torque about z"),
    Column("speed", "1", 0, meaning="where in a drone's row its speed stands", whole=True),
    Column("command", "1", 0, meaning="where in a drone's row its command stands", whole=True),
    Column("shown", "1", 0, meaning="where its command stands among the metrics", whole=True),
    Column("hover", "rpm", 0, meaning="speed with which it does its part in carrying the weight"),
    Column("per_thrust", "rpm^2/N", meaning="squared speed for thrust"),
    Column("per_roll", "rpm^2/(N m)", meaning="squared speed for torque about x"),
    Column("per_pitch", "rpm^2/(N m)", meaning="squared speed for torque about y"),
    Column("per_yaw", "rpm^2/(N m)", meaning="squared speed for torque about z"),
)
#: The table "rotors" of a vehicle with four in a usual layout. It has one dimension, where others have two: by that
#: kernels are compiled without what only others need.
USUAL = np.zeros(0)
USUAL.setflags(write=False)

#: Numbers of a task with aims.
AIM = Columns(
    Column("kind", "1", 0, 5, "the aim's place in `gym_suite.drones.aims.AIMS`", whole=True),
    Column("spread", "m", 0, meaning="half the width of the box of waypoints, and its height"),
    Column("reach", "m", 0, meaning="distance at which a waypoint or a goal is reached"),
    Column("speed", "m/s", 0, meaning="largest level speed commanded, or of the pad"),
    Column("interval", "s", 0, meaning="time for which a velocity is commanded"),
    Column("pad_radius", "m", 0, meaning="radius of the pad"),
    Column("touch_speed", "m/s", 0, meaning="speed over the pad from which coming down is a crash"),
    Column("extent", "m", 0, meaning="half the width of all this, for pictures"),
    Column("height", "m", 0, meaning="height of the place to which a drone takes off"),
    Column("hold", "s", 0, meaning="time for which it is to be held"),
    Column("periods", "1", 0, meaning="control periods of an episode", whole=True),
    Column("pillars", "1", 0, meaning="how many there are at most", whole=True),
    Column("least_radius", "m", 0, meaning="least radius of a pillar"),
    Column("most_radius", "m", 0, meaning="largest radius of a pillar"),
    Column("length", "m", 0, meaning="length of the field, along x"),
    Column("width", "m", 0, meaning="width of the field, along y"),
    Column("gap", "m", 0, meaning="least free way between two pillars"),
    Column("beams", "1", 0, meaning="rays of the depth camera", whole=True),
    Column("beam_angle", "rad", 0, meaning="angle between the first and the last"),
    Column("sight", "m", 0, meaning="how far it sees"),
)
#: Numbers of a gate.
GATES = Columns(
    *(Column(f"centre_{a}", "m", meaning=f"centre of the opening {a}") for a in "xyz"),
    Column("through_x", "1", -1, 1, "direction through the gate, x"),
    Column("through_y", "1", -1, 1, "direction through the gate, y"),
    Column("half_width", "m", 0, meaning="half the width of the opening"),
    Column("half_height", "m", 0, meaning="half the height of the opening"),
    Column("frame", "m", 0, meaning="width of the frame about the opening"),
)

#: Numbers of what several drones do together.
GROUP = Columns(
    Column("kind", "1", 0, 2, "0 follow a leader, 1 cross, 2 pursue", whole=True),
    Column("way", "m", 0, meaning="half the length of the lines on which drones cross"),
    Column("period", "s", 0, meaning="time in which they fly to and fro"),
    Column("arena", "m", 0, meaning="radius of the evader's arena, and its height"),
    Column("speed", "m/s", 0, meaning="largest speed of the evader"),
    Column("acceleration", "m/s^2", 0, meaning="its largest acceleration"),
    Column("catch", "m", 0, meaning="distance at which it is caught"),
    Column("extent", "m", 0, meaning="half the width of all this, for pictures"),
)
#: Three numbers of each drone: its place beside the leader, or the direction of its line and its height.
PLACES = Columns(*(Column(a, "*", meaning=f"component {a}") for a in "xyz"))

#: Numbers of an episode that wind, payload, a failing rotor and the battery have, drawn between the two rows of the
#: table ``adversity``; the table has no rows where nothing of it was asked for.
ADVERSITY = Columns(
    *(Column(f"wind_{a}", "m/s", meaning=f"mean wind {a}") for a in "xyz"),
    Column("turbulence", "m/s", 0, meaning="wind at 20 feet whose turbulence there is"),
    Column("gust", "m/s", 0, meaning="largest speed of a gust"),
    Column("gust_lasts", "s", 0, meaning="length of a gust"),
    Column("gust_every", "s", 0, meaning="interval in which there is one"),
    *(Column(f"payload_{a}", "m", meaning=f"place of the payload {a}") for a in "xy"),
    *(Column(f"centre_{a}", "m", meaning=f"centre of mass {a}, without the payload") for a in "xy"),
    Column("failed_rotor", "1", -1, MOST, "rotor that fails, rounded down; -1 none"),
    Column("effectiveness", "1", 0, 1, "part of its thrust and torque that is left"),
    Column("failure_time", "s", 0, meaning="time at which it fails"),
    Column("taken", "A s", 0, meaning="charge taken from the battery at the start"),
    Column("yaw_drag", "N m s/rad", 0, meaning="torque of the air against turning about body z"),
)

#: Numbers of an episode that sensors have, drawn between the two rows of the table ``sensors``; no rows: none.
SENSORS = Columns(
    Column("position_noise", "m", 0, meaning="standard deviation of each coordinate"),
    Column("velocity_noise", "m/s", 0, meaning="standard deviation of each velocity"),
    Column("latency", "1", 0, meaning="control periods by which these are late", whole=True),
    Column("attitude_noise", "rad", 0, meaning="standard deviation about each body axis"),
    Column("attitude_bias", "rad", 0, meaning="largest bias about each body axis"),
    Column("rate_noise", "rad/s", 0, meaning="standard deviation of each body rate"),
    Column("rate_bias", "rad/s", 0, meaning="largest bias of each body rate"),
)

#: Numbers of headings; no row where none are asked for.
YAW = Columns(
    Column("kind", "1", 0, 3, "its place in `gym_suite.drones.headings.YAWS`", whole=True),
    Column("low", "rad", meaning="least angle of one that stays, drawn at each reset"),
    Column("high", "rad", meaning="largest angle of one that stays"),
    Column("place", "1", 0, meaning="where in a drone's row its heading stands", whole=True),
    Column("shown", "1", 0, meaning="where the errors stand among the metrics", whole=True),
)

#: Drones after it along x that a drone may have within reach; more are not looked at.
NEIGHBOURS = 16


def _row(name: str, size: int) -> tuple[Column, ...]:
    return tuple(Column(f"{name}_{i}") for i in range(size))


#: Scratch of the physics for each drone: who may touch it, see :mod:`gym_suite.drones.contacts`; forces and torques of
#: flight, the same with contacts; Runge-Kutta's beginning, slope and weighted sum. What steps need stands together.
SCRATCH = Columns(
    Column("touching", "1", -1, 2, "-1 lies still, 0 free, 1 near the floor, 2 near another drone"),
    Column("order", meaning="which drone stands there along x", whole=True),
    Column("found", meaning="how many neighbours are listed", whole=True),
    *_row("wrench", 6),
    *_row("pushed", 6),
    *_row("near", NEIGHBOURS),
    *_row("start", RIGID),
    *_row("slope", RIGID),
    *_row("sum", RIGID),
)
#: Scratch of a world, which stands after all drones'; last the episode's numbers of :data:`ADVERSITY`.
WORLD_SCRATCH = Columns(
    Column("left", "m", meaning="way until the neighbours have to be listed anew"),
    Column("pairs", meaning="neighbours listed", whole=True),
    Column("sorted", "1", 0, 1, "whether there is an order along x to begin with"),
    *_row("drawn", len(ADVERSITY)),
)


def scratch_size(drones: int) -> int:
    """Return how many numbers of scratch a world takes."""
    return max(drones * len(SCRATCH) + len(WORLD_SCRATCH), len(QUANTITIES))
