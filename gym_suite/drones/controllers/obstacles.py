"""Flight through a field of pillars by a row of a depth camera."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_number
from gym_suite.drones.columns import AIM, TABLES
from gym_suite.drones.controllers.base import parts, sizes
from gym_suite.drones.controllers.indi import INDI
from gym_suite.drones.parameters import PHYSICS

A, P, T = AIM.places, PHYSICS.places, TABLES.places

#: Headings that are weighed to either side of the goal, and the angle between two of them, rad.
SIDES, STEP = 18, math.radians(4.0)
#: Height below which what is seen is the floor, m, and part of the sight from which on nothing is.
FLOOR, NOTHING = 0.1, 0.95
#: Points that are remembered, the distance within which two of them are one, m, and for how long they count, s.
POINTS, SAME, LASTS = 100, 0.06, 1.0
#: Numbers before the points, and of each of them: its place and its age.
HEAD, EACH = 3, 3
#: Speed from which on a drone has a direction of its own, m/s.
MOVES = 0.3
#: Speed at which one who stands too near is driven away, per m, 1/s.
AWAY = 4.0
_SOURCE = (
    "J. Borenstein and Y. Koren, The vector field histogram - fast obstacle avoidance for mobile robots, IEEE Trans. "
    "Robotics and Automation 7(3), 1991, doi:10.1109/70.88137; V. Sezer and M. Gokasan, A novel obstacle avoidance "
    "algorithm: follow the gap method, Robotics and Autonomous Systems 60(9), 2012, doi:10.1016/j.robot.2012.05.021"
)


class Way(NamedTuple):
    """Numbers by which a way is chosen.

    Attributes:
        own: Radius of the vehicle, which is how far its camera is before its centre, m.
        apart: Least distance from what is seen, m.
        half: Half the width of the field, m.
        angle: Between the first and the last ray, rad.
        sight: How far they see, m.
        ahead: How far a free way counts, m.
        turning: What a change of heading costs, m/rad.
        fastest: Largest speed, m/s.
        deceleration: m/s^2.
        dt: Control period, s.
    """

    own: float
    apart: float
    half: float
    angle: float
    sight: float
    ahead: float
    turning: float
    fastest: float
    deceleration: float
    dt: float


class GapFollower(INDI):
    """Flight along the heading whose free way brings the drone nearest to the goal, as fast as that way is free.

    Each control period the rays of the depth camera give points about the drone; what lies on the floor is left out.
    A heading is free as far as a disc, the vehicle and a margin about it, can go along it before it touches a point or
    the field's edge. Of headings to both sides of the goal that one is taken which, followed for its free way but at
    most ``ahead``, ends nearest to the goal, a change of heading being charged. Its speed is what ``deceleration``
    stops within the free way, along this heading and along that in which the drone still moves. (Gaps that are wide
    enough are looked for among directions as by Borenstein and Koren 1991 and by Sezer and Gokasan 2012.) The nose
    stays along x, to where the goal lies. Below is incremental nonlinear dynamic inversion.

    Args:
        position_scale: Factor on the position's bandwidth, by which velocities are held too.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: As :class:`gym_suite.drones.controllers.indi.INDI` has it.
        torque_filter: The same.
        margin: About the vehicle, m.
        ahead: How far a free way counts, m.
        turning: What a change of heading costs, m/rad.
        fastest: Largest speed, m/s.
        deceleration: m/s^2.
    """

    name = "gaps"
    #: How many points the law remembers that rays have seen before; 0: it knows what it sees.
    points: ClassVar[int] = 0
    # behind the target's motion: the last heading, whether there is one, how many points were noted, and those
    memory = parts(**(sizes(INDI.memory) | {"motion": 4 + HEAD}))
    hyperparameters = (
        *INDI.hyperparameters,
        Hyperparameter(name="margin", low=0.02, high=0.3),
        Hyperparameter(name="ahead", low=0.3, high=3.0),
        Hyperparameter(name="turning", low=0.01, high=1.0),
        Hyperparameter(name="fastest", low=0.3, high=5.0),
        Hyperparameter(name="deceleration", low=0.3, high=5.0),
    )

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        margin: float = 0.12,
        ahead: float = 1.2,
        turning: float = 0.1,
        fastest: float = 1.2,
        deceleration: float = 1.0,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
        )
        self.margin = margin
        self.ahead = ahead
        self.turning = turning
        self.fastest = fastest
        self.deceleration = deceleration

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        for name in ("margin", "ahead", "turning", "fastest", "deceleration"):
            check_number(name, getattr(self, name), above=0.0)
        if "beam_0" not in self._columns:
            raise ValueError(
                f"{self.name} control needs the rays of a depth camera; it flies drones/Obstacles-v0"
            )
        aim, own = nominal.tables[T.aim][0], float(self._row[P.radius])
        first = self._columns.index("beam_0")
        self._beams = slice(first, first + int(aim[A.beams]))
        self._height = self._columns["height"].scale, self._columns.index("height")
        self._metre = self._columns["beam_0"].scale
        self._way = Way(
            own,
            own + self.margin,
            0.5 * float(aim[A.width]),
            float(aim[A.beam_angle]),
            float(aim[A.sight]),
            self.ahead,
            self.turning,
            self.fastest,
            self.deceleration,
            self._dt,
        )
        self.source_ += f"; way: {_SOURCE}"

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        error, velocity = self._seen(o, "error"), np.zeros((len(o), 3))
        scale, at = self._height
        rays = self._metre * o[:, self._beams]
        own = memory[:, 4:]
        if not self.points:  # a list of what is seen now, behind the last heading
            seen = np.zeros((len(o), EACH * rays.shape[1]))
            own = np.concatenate([memory[:, 4 : 4 + HEAD], seen], axis=1)
            own[:, 2] = 0.0
        find_way(
            rays,
            self._rotation(o),
            error,
            self._seen(o, "velocity"),
            scale * o[:, at],
            self._way,
            own,
            velocity,
        )
        memory[:, 4:6] = own[:, 0:2]
        error[:, 0:2] = 0.0
        return error, velocity, self._drag * velocity


class Remembering(GapFollower):
    """Flight as :class:`GapFollower` has it, by what the rays have seen in the last second, not only by what they see.

    Points stay where they were seen: about the drone they are moved by the measured velocity. So a pillar beside the
    drone is known although the camera looks ahead, and it can fly faster.

    Args:
        position_scale: As :class:`GapFollower` has it.
        attitude_scale: The same.
        force_filter: The same.
        torque_filter: The same.
        margin: The same.
        ahead: The same.
        turning: The same.
        fastest: The same.
        deceleration: The same.
    """

    name = "remembering"
    points = POINTS
    memory = parts(**(sizes(INDI.memory) | {"motion": 4 + HEAD + EACH * POINTS}))

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        margin: float = 0.12,
        ahead: float = 1.8,
        turning: float = 0.1,
        fastest: float = 1.5,
        deceleration: float = 1.0,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
            margin=margin,
            ahead=ahead,
            turning=turning,
            fastest=fastest,
            deceleration=deceleration,
        )


@kernel
def _note(own, x, y):
    """Put a point into a drone's list, in place of one that is near or else of the one that was put there first."""
    most, count = (own.shape[0] - HEAD) // EACH, int(own[2])
    at = HEAD + EACH * (count % most)
    for j in range(min(count, most)):
        k = HEAD + EACH * j
        dx, dy = own[k] - x, own[k + 1] - y
        if dx * dx + dy * dy < SAME * SAME:
            own[k], own[k + 1], own[k + 2] = x, y, 0.0
            return
    own[at], own[at + 1], own[at + 2] = x, y, 0.0
    own[2] = count + 1.0


@kernel
def _observe(rays, r, height, way, own):
    """Note what the rays of a drone see, level from its centre, without the floor."""
    count = rays.shape[0]
    for b in range(count):
        if rays[b] > NOTHING * way.sight:
            continue
        angle = way.angle * (0.5 - b / (count - 1.0)) if count > 1 else 0.0
        ahead, left = way.own + rays[b] * math.cos(angle), rays[b] * math.sin(angle)
        if height + ahead * r[6] + left * r[7] > FLOOR:
            _note(own, ahead * r[0] + left * r[1], ahead * r[3] + left * r[4])


@kernel
def _free(own, ux, uy, side, way, longest):
    """Return how far a drone may go along a level direction, m, at most so far, ``side`` being how far left it is."""
    free, room = longest, way.half - way.apart
    if uy > 1e-9:
        free = min(free, max(room - side, 0.0) / uy)
    elif uy < -1e-9:
        free = min(free, max(room + side, 0.0) / -uy)
    for j in range(min(int(own[2]), (own.shape[0] - HEAD) // EACH)):
        k = HEAD + EACH * j
        x, y = own[k], own[k + 1]
        if own[k + 2] > LASTS:
            continue
        along, across = ux * x + uy * y, ux * y - uy * x
        left = way.apart * way.apart - across * across
        if along > 0.0 and left > 0.0:
            free = min(free, max(along - math.sqrt(left), 0.0))
    return free


@kernel
def find_way(rays, rotation, error, velocity, height, way, own, out):
    """Fill the velocities at which drones are to fly, (n, 3), level.

    Args:
        rays: m, (n, rays).
        rotation: Row by row, (n, 9).
        error: Goal minus position, m, (n, 3).
        velocity: m/s, (n, 3).
        height: m, (n,).
        way: Numbers of the law.
        own: Last heading, whether there is one, how many points were noted, and of each its place about the drone
            and its age, (n, 3 + 3 points); updated in place.
        out: m/s, (n, 3).
    """
    for i in range(rays.shape[0]):
        mine = own[i]
        for j in range(min(int(mine[2]), (own.shape[1] - HEAD) // EACH)):
            k = HEAD + EACH * j
            mine[k] -= way.dt * velocity[i, 0]
            mine[k + 1] -= way.dt * velocity[i, 1]
            mine[k + 2] += way.dt
        _observe(rays[i], rotation[i], height[i], way, mine)
        gx, gy = error[i, 0], error[i, 1]
        gap, straight = math.sqrt(gx * gx + gy * gy), math.atan2(gy, gx)
        longest = min(way.ahead, gap)
        best, heading, length = math.inf, straight, 0.0
        for k in range(-SIDES, SIDES + 1):
            angle = straight + k * STEP
            ux, uy = math.cos(angle), math.sin(angle)
            free = _free(mine, ux, uy, -gy, way, longest)
            ax, ay = gx - free * ux, gy - free * uy
            turn = abs(angle - mine[0]) if mine[1] > 0.0 else 0.0
            cost = math.sqrt(ax * ax + ay * ay) + way.turning * turn
            if cost < best:
                best, heading, length = cost, angle, free
        mine[0], mine[1] = heading, 1.0
        # how far it may go on, beyond what counts for the choice
        ux, uy = math.cos(heading), math.sin(heading)
        length = _free(mine, ux, uy, -gy, way, max(way.sight, longest))
        # nor may it run on, while it turns, into what is ahead of it now
        vx, vy = velocity[i, 0], velocity[i, 1]
        pace = math.sqrt(vx * vx + vy * vy)
        if pace > MOVES:
            length = min(length, _free(mine, vx / pace, vy / pace, -gy, way, way.sight))
        speed = min(math.sqrt(2.0 * way.deceleration * length), way.fastest)
        out[i, 0], out[i, 1] = speed * ux, speed * uy
        for j in range(min(int(mine[2]), (own.shape[1] - HEAD) // EACH)):
            k = HEAD + EACH * j
            x, y = mine[k], mine[k + 1]
            away = math.sqrt(x * x + y * y)
            if 1e-9 < away < way.apart and mine[k + 2] <= LASTS:
                out[i, 0] -= AWAY * (way.apart - away) * x / away
                out[i, 1] -= AWAY * (way.apart - away) * y / away
