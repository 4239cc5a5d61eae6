"""A field of pillars: where they stand, what a row of a depth camera sees of them, and what strikes them; no physics.

Pillars are upright cylinders from the floor to :data:`PILLAR_HEIGHT`. They are drawn when an episode begins and then
stand in the state, :data:`gym_suite.drones.columns.PILLAR` of each, so that a state that is restored has its field.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform, uniform4
from gym_suite.drones.columns import AIM, AIM_STATE, PARAMETERS, PILLAR, STATES, TABLES
from gym_suite.drones.references import HEIGHT
from gym_suite.drones.transforms import rotation

X, P, S = STATES.places, PARAMETERS.places, AIM_STATE.places
A, K, T = AIM.places, PILLAR.places, TABLES.places
AIM_SIZE, PILLAR_SIZE = len(AIM_STATE), len(PILLAR)

STREAM_START_SIDE, STREAM_PILLARS = 1 << 26, 1 << 27
PILLAR_HEIGHT = 2.5  # m; what is above has left the field
#: From the ends of the field to the middle of where drones start and to the goal, m.
STAND_OFF = 0.5
#: Places at which a pillar is tried; one that finds none of them free is left out.
TRIES = 64
#: Part of the field's width from within which drones start.
SIDE = 0.5


@kernel
def first_pillar(columns, aim):
    """Return where in a drone's row of so many columns the first pillar stands."""
    return columns - AIM_SIZE - PILLAR_SIZE * int(aim[A.pillars])


@kernel
def _is_free(a, first, k, x, y, radius, gap):
    """Return whether there is a gap between a pillar and the first k ones."""
    for i in range(k):
        at = first + PILLAR_SIZE * i
        apart = a[at + K.radius] + radius + gap
        dx, dy = a[at + K.x] - x, a[at + K.y] - y
        if a[at + K.radius] > 0.0 and dx * dx + dy * dy < apart * apart:
            return False
    return True


@called_kernel
def enter_field(a, key, aim):
    """Draw the pillars of an episode, and move a drone from the place where others start to where it enters.

    Discs are put one after the other where they keep a gap from all before (random sequential addition). Blown up by
    half of that gap they do not overlap, so that no two of them close a way; nor does one alone, where the field is as
    wide as the widest and two gaps.

    Args:
        a: The drone, about (0, 0, 1) m.
        key: The episode's key.
        aim: Numbers of the aim.
    """
    a[X.position_x] -= 0.5 * aim[A.length] + STAND_OFF
    side = SIDE * aim[A.width] * (uniform(key, 0, STREAM_START_SIDE) - 0.5)
    a[X.position_y] += side
    first, least, most = first_pillar(a.shape[0], aim), aim[A.least_radius], aim[A.most_radius]
    for k in range(int(aim[A.pillars])):
        at = first + PILLAR_SIZE * k
        for attempt in range(TRIES):
            u, v, size, _ = uniform4(key, k * TRIES + attempt, STREAM_PILLARS)
            radius = least + (most - least) * size
            x = (0.5 * aim[A.length] - radius) * (2.0 * u - 1.0)
            y = 0.5 * aim[A.width] * (2.0 * v - 1.0)
            if _is_free(a, first, k, x, y, radius, aim[A.gap]):
                a[at + K.x], a[at + K.y], a[at + K.radius] = x, y, radius
                break


@kernel
def seek_goal(a, aim):
    """Write where the goal is: beyond the middle of the field's other end."""
    a[X.target_x], a[X.target_y] = 0.5 * aim[A.length] + STAND_OFF, 0.0
    a[X.target_z] = HEIGHT


@called_kernel
def leaves_field(a, p, aim):
    """Return whether a drone strikes a pillar on its way from where it was a period ago, or is out of the field.

    The way is the straight line between the two places, and the drone is as wide as it is when level.
    """
    own = p[P.radius]
    if abs(a[X.position_y]) > 0.5 * aim[A.width] - own or a[X.position_z] > PILLAR_HEIGHT:
        return True
    s, first = a.shape[0] - AIM_SIZE, first_pillar(a.shape[0], aim)
    x, y = a[s + S.before_x], a[s + S.before_y]
    dx, dy = a[X.position_x] - x, a[X.position_y] - y
    square = dx * dx + dy * dy
    for k in range(int(aim[A.pillars])):
        at = first + PILLAR_SIZE * k
        cx, cy, reach = a[at + K.x] - x, a[at + K.y] - y, a[at + K.radius] + own
        share = min(max((cx * dx + cy * dy) / square, 0.0), 1.0) if square > 0.0 else 0.0
        ex, ey = cx - share * dx, cy - share * dy
        if a[at + K.radius] > 0.0 and ex * ex + ey * ey < reach * reach:
            return True
    return False


@called_kernel
def clearance(a, p, aim):
    """Return the way from a drone's rim to the nearest pillar, m; the field's length where there is none."""
    first, nearest = first_pillar(a.shape[0], aim), aim[A.length]
    for k in range(int(aim[A.pillars])):
        at = first + PILLAR_SIZE * k
        dx, dy = a[at + K.x] - a[X.position_x], a[at + K.y] - a[X.position_y]
        if a[at + K.radius] > 0.0:
            away = math.sqrt(dx * dx + dy * dy) - a[at + K.radius] - p[P.radius]
            nearest = min(nearest, away)
    return nearest


@called_kernel
def look(a, p, aim, o, at):
    """Fill the ways, m, along the rays of a drone's depth camera, from left to right, to pillars or the floor.

    The camera is that of the pictures: at the drone's front edge, along its x axis; rays are in the plane of its x and
    y axes and turn, roll and pitch with it. What is farther than it sees is as far as it sees.

    Args:
        a: The drone.
        p: Parameters.
        aim: Numbers of the aim.
        o: Observation.
        at: Where the first ray stands in it.
    """
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    x, y = a[X.position_x] + p[P.radius] * r[0], a[X.position_y] + p[P.radius] * r[3]
    z = a[X.position_z] + p[P.radius] * r[6]
    beams, first = int(aim[A.beams]), first_pillar(a.shape[0], aim)
    for b in range(beams):
        angle = aim[A.beam_angle] * (0.5 - b / (beams - 1.0)) if beams > 1 else 0.0
        ahead, left = math.cos(angle), math.sin(angle)
        ux, uy = ahead * r[0] + left * r[1], ahead * r[3] + left * r[4]
        uz = ahead * r[6] + left * r[7]
        way, level = aim[A.sight], ux * ux + uy * uy
        if uz < 0.0:
            way = max(min(way, -z / uz), 0.0)
        for k in range(int(aim[A.pillars])):
            j = first + PILLAR_SIZE * k
            cx, cy, radius = a[j + K.x] - x, a[j + K.y] - y, a[j + K.radius]
            along, outside = cx * ux + cy * uy, cx * cx + cy * cy - radius * radius
            root = along * along - level * outside
            if radius == 0.0 or level < 1e-12 or root < 0.0:
                continue
            hit = (along - math.sqrt(root)) / level if outside > 0.0 else 0.0
            if 0.0 <= hit < way and 0.0 <= z + hit * uz <= PILLAR_HEIGHT:
                way = hit
        o[at + b] = way


def pillars_of(tables: Any, drones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pillars of some states of a lone drone, (..., columns), as (..., pillars, 3): x, y, radius, m.

    Args:
        tables: Of the setup; without pillars the answer is empty.
        drones: States.
    """
    count = int(tables[T.aim][0, A.pillars]) if len(tables[T.aim]) else 0
    end = drones.shape[-1] - AIM_SIZE
    numbers = drones[..., end - count * PILLAR_SIZE : end] if count else drones[..., :0]
    return numbers.reshape(*drones.shape[:-1], count, PILLAR_SIZE)
