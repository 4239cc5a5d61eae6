"""The on-board camera of the Bullet engine, and what there is to see besides the drones.

TinyRenderer draws on the CPU and needs no display. Nothing here is ever touched: the checkered floor and the posts
have no collision shape, so that they change no flight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.observations import Image
from gym_suite.drones.columns import BODY
from gym_suite.drones.obstacles import PILLAR_HEIGHT
from gym_suite.drones.transforms import rotation

X = BODY.places

#: Kinds of pictures, in the order in which they are observed.
PICTURES = ("rgb", "depth", "segmentation")
#: Distances between which something is seen, m.
NEAR, FAR = 0.01, 20.0
#: Segmentation: nothing, the floor, a post; drone j has FIRST_DRONE + j.
NOTHING, FLOOR, POST, FIRST_DRONE = 0, 1, 2, 3

_TILE, _HALF = 1.0, 8  # m; tiles from the middle to each edge
_TILES = ((0.80, 0.81, 0.83, 1.0), (0.36, 0.40, 0.47, 1.0))
_POSTS = (
    ((3.0, 0.0), (0.85, 0.22, 0.20, 1.0)),
    ((0.0, 3.0), (0.20, 0.62, 0.28, 1.0)),
    ((-3.0, 0.0), (0.18, 0.38, 0.80, 1.0)),
    ((0.0, -3.0), (0.93, 0.70, 0.15, 1.0)),
)
_POST = (0.12, 0.12, 0.75)  # half its sides, m
_COLOURS = (
    (0.90, 0.45, 0.10, 1.0),
    (0.10, 0.60, 0.65, 1.0),
    (0.60, 0.30, 0.70, 1.0),
    (0.45, 0.65, 0.15, 1.0),
    (0.85, 0.35, 0.55, 1.0),
)
_PILLAR_COLOUR = (0.62, 0.44, 0.30, 1.0)
_SIDES = 48  # of the prism that a pillar is drawn as
#: Where the light comes from.
LIGHT = (2.0, 3.0, 6.0)


def images(kinds: tuple[str, ...], width: int, height: int) -> tuple[Image, ...]:
    """Return the pictures of some kinds."""
    known = {
        "rgb": Image("rgb", (height, width, 3), meaning="what the camera sees"),
        "depth": Image(
            "depth",
            (height, width, 1),
            "float32",
            0.0,
            FAR,
            "m",
            "distance ahead, along the camera's axis",
        ),
        "segmentation": Image(
            "segmentation",
            (height, width, 1),
            meaning="0 nothing, 1 the floor, 2 a post or a pillar, 3 + j drone j",
        ),
    }
    return tuple(known[kind] for kind in PICTURES if kind in kinds)


def furnish(bullet: Any, client: int, drones: list[int], *, posts: bool = True) -> dict[int, int]:
    """Put floor and posts into a world, paint the drones; return segmentation ids by Bullet's body number.

    Args:
        bullet: The module pybullet.
        client: The world's client.
        drones: Body numbers.
        posts: Whether there are posts; among pillars, which are in the way, they would mislead.
    """
    ids = {body: FIRST_DRONE + j for j, body in enumerate(drones)}
    for j, body in enumerate(drones):
        colour = _COLOURS[j % len(_COLOURS)]
        bullet.changeVisualShape(body, -1, rgbaColor=colour, physicsClientId=client)
    for parity, colour in enumerate(_TILES):
        corners, triangles = _tiles(parity)
        shape = bullet.createVisualShape(
            bullet.GEOM_MESH,
            vertices=corners,
            indices=triangles,
            normals=[(0.0, 0.0, 1.0)] * len(corners),
            rgbaColor=colour,
            physicsClientId=client,
        )
        ids[bullet.createMultiBody(0.0, -1, shape, physicsClientId=client)] = FLOOR
    for (x, y), colour in _POSTS if posts else ():
        shape = bullet.createVisualShape(
            bullet.GEOM_BOX, halfExtents=_POST, rgbaColor=colour, physicsClientId=client
        )
        body = bullet.createMultiBody(
            0.0, -1, shape, basePosition=(x, y, _POST[2]), physicsClientId=client
        )
        ids[body] = POST
    return ids


class Pillars:
    """Pillars that only the camera sees, in a world of Bullet; kernels judge who strikes them.

    Args:
        bullet: The module pybullet.
        client: The world's client.
    """

    def __init__(self, bullet: Any, client: int) -> None:
        self._bullet, self._client = bullet, client
        self._placed = np.zeros((0, 3))
        self.bodies: list[int] = []

    def place(self, pillars: NDArray[np.float64]) -> None:
        """Let those stand that an episode has, (n, 3): place and radius, m; those of before are taken away."""
        standing = pillars[pillars[:, 2] > 0.0]
        if np.array_equal(standing, self._placed):
            return
        bullet, c = self._bullet, self._client
        for body in self.bodies:
            bullet.removeBody(body, physicsClientId=c)
        self.bodies = []
        for x, y, radius in standing.tolist():
            corners, triangles, normals = _prism(radius)
            shape = bullet.createVisualShape(
                bullet.GEOM_MESH,
                vertices=corners,
                indices=triangles,
                normals=normals,
                rgbaColor=_PILLAR_COLOUR,
                physicsClientId=c,
            )
            body = bullet.createMultiBody(
                0.0, -1, shape, basePosition=(x, y, 0.0), physicsClientId=c
            )
            self.bodies.append(body)
        self._placed = standing.copy()


def _prism(radius: float) -> tuple[list[Any], list[int], list[Any]]:
    """Return corners, triangles and normals of an upright prism about a circle, without its ends."""
    angles = np.linspace(0.0, 2.0 * np.pi, _SIDES + 1)
    # as far outside of the circle at the edges as inside of it at the middles of the sides
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    reach = radius * 2.0 / (1.0 + np.cos(np.pi / _SIDES))
    corners: list[Any] = []
    normals: list[Any] = []
    triangles: list[int] = []
    for k, (x, y) in enumerate(around.tolist()):
        for z in (0.0, PILLAR_HEIGHT):
            corners.append((reach * x, reach * y, z))
            normals.append((x, y, 0.0))
        if k < _SIDES:
            j = 2 * k
            triangles += [j, j + 2, j + 3, j, j + 3, j + 1]
    return corners, triangles, normals


def _tiles(parity: int) -> tuple[list[tuple[float, float, float]], list[int]]:
    """Return corners and triangles of every second tile of the floor."""
    corners: list[tuple[float, float, float]] = []
    triangles: list[int] = []
    for i in range(-_HALF, _HALF):
        for j in range(-_HALF, _HALF):
            if (i + j) % 2 == parity:
                x, y, k = i * _TILE, j * _TILE, len(corners)
                corners += [(x, y, 0.0), (x + _TILE, y, 0.0)]
                corners += [(x + _TILE, y + _TILE, 0.0), (x, y + _TILE, 0.0)]
                triangles += [k, k + 1, k + 2, k, k + 2, k + 3]
    return corners, triangles


class Camera:
    """A camera at the front edge of each drone of a world, looking ahead; it rolls and pitches with it.

    Args:
        bullet: The module pybullet.
        client: The world's client.
        drones: Body numbers.
        pictures: What is to be seen.
        field_of_view: Vertical angle of view, rad.
        forward: How far the camera is before the drone's centre, m.
        pillars: Whether pillars stand there, see :meth:`place`, in place of the posts.
    """

    def __init__(
        self,
        bullet: Any,
        client: int,
        drones: list[int],
        *,
        pictures: tuple[Image, ...],
        field_of_view: float,
        forward: float,
        pillars: bool = False,
    ) -> None:
        self._bullet, self._client, self._forward = bullet, client, forward
        self._kinds = [picture.name for picture in pictures]
        self._height, self._width, _ = pictures[0].shape
        self._ids = np.zeros(max(drones) + 64, dtype=np.uint8)
        for body, number in furnish(bullet, client, drones, posts=not pillars).items():
            self._ids[body] = number
        self._pillars = Pillars(bullet, client) if pillars else None
        self._projection = bullet.computeProjectionMatrixFOV(
            float(np.degrees(field_of_view)), self._width / self._height, NEAR, FAR
        )
        self._flags = 0 if "segmentation" in self._kinds else bullet.ER_NO_SEGMENTATION_MASK

    def place(self, pillars: NDArray[np.float64]) -> None:
        """Let the pillars of an episode stand there, (n, 3): place and radius, m."""
        if self._pillars is None:
            return
        self._pillars.place(pillars)
        missing = max(self._pillars.bodies, default=0) + 1 - len(self._ids)
        self._ids = np.pad(self._ids, (0, max(missing, 0)))
        self._ids[self._pillars.bodies] = POST

    def shoot(self, drone: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """Return the pictures from a drone, whose row begins with position and quaternion."""
        attitude = drone[X.quaternion_x : X.quaternion_x + 4]
        r = np.array(rotation(*attitude.tolist())).reshape(3, 3)
        eye = drone[X.position_x : X.position_x + 3] + self._forward * r[:, 0]
        view = self._bullet.computeViewMatrix(
            eye.tolist(), (eye + r[:, 0]).tolist(), r[:, 2].tolist()
        )
        _, _, colours, depth, bodies = self._bullet.getCameraImage(
            self._width,
            self._height,
            view,
            self._projection,
            lightDirection=LIGHT,
            shadow=0,
            renderer=self._bullet.ER_TINY_RENDERER,
            flags=self._flags,
            physicsClientId=self._client,
        )
        size = (self._height, self._width)
        seen: dict[str, NDArray[Any]] = {}
        if "rgb" in self._kinds:
            seen["rgb"] = np.reshape(colours, (*size, 4))[:, :, :3]
        if "depth" in self._kinds:
            # from the depth buffer of a perspective projection
            buffer = np.reshape(depth, (*size, 1)).astype(np.float64)
            seen["depth"] = FAR * NEAR / (FAR - (FAR - NEAR) * buffer)
        if "segmentation" in self._kinds:
            numbers = np.reshape(bodies, (*size, 1))
            seen["segmentation"] = np.where(numbers < 0, NOTHING, self._ids[numbers])
        return seen
