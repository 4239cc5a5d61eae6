"""Drones in a PyBullet world: one merged body each, one force and one torque per drone and step."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.extras import install_line
from gym_suite.core.family import Setup
from gym_suite.core.observations import Image
from gym_suite.core.rows import Rows
from gym_suite.drones import loops
from gym_suite.drones.camera import Camera
from gym_suite.drones.columns import BODY, PARAMETERS, RIGID

X, P = BODY.places, PARAMETERS.places

#: Worlds in one process; each takes some 30 MB.
MOST_WORLDS = 64


def has_bullet() -> bool:
    """Whether PyBullet is installed."""
    if "pybullet" in sys.modules:
        return sys.modules["pybullet"] is not None
    return find_spec("pybullet") is not None


def load_pybullet() -> Any:
    """Return the module pybullet.

    Raises:
        ImportError: If it is not installed; says how to get it and what needs nothing.
    """
    try:
        with _quiet_import():
            return importlib.import_module("pybullet")
    except ImportError as error:
        raise ImportError(
            f"engine='bullet' needs PyBullet: {install_line('bullet')}. "
            "engine='compiled' flies the same drones and needs nothing."
        ) from error


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Keep from stderr the line with its build time that PyBullet prints from C; pass on all else."""
    if "pybullet" in sys.modules or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # closed: there is nothing to keep clean
        yield
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            for line in caught:
                if not line.startswith(b"pybullet build time"):
                    os.write(2, line)


class World:
    """One Bullet world with a floor and equal drones; no file is read, ever.

    Bullet looks for contacts once a step: nothing gets through the floor, but two drones that approach at
    more than a diameter a step (29 m/s at 240 Hz; flat ones that meet askew from some 20 m/s on) may miss
    each other. The compiled engine takes 16 steps where something may touch.

    Args:
        count: Number of drones.
        row: Physical parameters, (at least :data:`gym_suite.drones.parameters.PHYSICS`,).
        pictures: What the cameras see; nothing is furnished where that is nothing.
        field_of_view: Vertical angle of view of the cameras, rad.

    Raises:
        ImportError: Without PyBullet.
        RuntimeError: If Bullet gives no client.
    """

    def __init__(
        self,
        count: int,
        row: NDArray[np.float64],
        *,
        pictures: tuple[Image, ...] = (),
        field_of_view: float = 1.0,
    ) -> None:
        self.bullet = bullet = load_pybullet()
        self.count = count
        self.client = bullet.connect(bullet.DIRECT)
        if self.client < 0:
            raise RuntimeError("Bullet gave no client: too many worlds are open; close some")
        c = self.client
        bullet.setGravity(0.0, 0.0, -float(row[P.gravity]), physicsClientId=c)
        bullet.setTimeStep(float(row[P.dt]), physicsClientId=c)
        plane = bullet.createCollisionShape(
            bullet.GEOM_PLANE, planeNormal=(0, 0, 1), physicsClientId=c
        )
        # Without a visual shape of its own Bullet would draw the plane; the camera has a better floor.
        hidden = bullet.createVisualShape(
            bullet.GEOM_BOX,
            halfExtents=(1e-3,) * 3,
            visualFramePosition=(0, 0, -1),
            physicsClientId=c,
        )
        floor = bullet.createMultiBody(0.0, plane, hidden, physicsClientId=c)
        self.floor = floor
        radius, height = float(row[P.radius]), float(row[P.height])
        cylinder = bullet.createCollisionShape(
            bullet.GEOM_CYLINDER, radius=radius, height=height, physicsClientId=c
        )
        self.bodies: list[int] = []
        for i in range(count):
            body = bullet.createMultiBody(
                float(row[P.mass]), cylinder, basePosition=(0, 0, i + 1.0), physicsClientId=c
            )
            bullet.changeDynamics(
                body,
                -1,
                linearDamping=float(row[P.damping]),
                angularDamping=float(row[P.damping]),
                lateralFriction=float(row[P.friction]),
                rollingFriction=float(row[P.rolling_friction]),
                spinningFriction=float(row[P.spinning_friction]),
                maxJointVelocity=1e4,
                physicsClientId=c,
            )
            self.bodies.append(body)
        # Bullet multiplies the friction of two bodies, and adds each one's rolling friction times the other's
        # friction: with these the drone's own numbers hold.
        bullet.changeDynamics(
            floor,
            -1,
            lateralFriction=1.0,
            rollingFriction=0.0,
            spinningFriction=0.0,
            physicsClientId=c,
        )

        self.set_body(row)
        self.camera: Camera | None = None
        if pictures:
            self.camera = Camera(
                bullet,
                c,
                self.bodies,
                pictures=pictures,
                field_of_view=field_of_view,
                forward=radius,
            )

    def set_body(self, row: NDArray[np.float64]) -> None:
        """Give all drones the mass and inertia of a parameter row."""
        for body in self.bodies:
            self.bullet.changeDynamics(
                body,
                -1,
                mass=float(row[P.mass]),
                localInertiaDiagonal=row[[P.i_xx, P.i_yy, P.i_zz]].tolist(),
                physicsClientId=self.client,
            )

    def set_step(self, dt: float) -> None:
        """Let a step take dt, s."""
        self.bullet.setTimeStep(dt, physicsClientId=self.client)

    def set_poses(self, x: NDArray[np.float64]) -> None:
        """Put all drones where (drones, >= 13) says: position, quaternion, velocity, angular velocity."""
        bullet, c = self.bullet, self.client
        q, v, w = X.quaternion_x, X.velocity_x, X.angular_velocity_x
        for body, row in zip(self.bodies, x[:, :RIGID].tolist(), strict=True):
            bullet.resetBasePositionAndOrientation(body, row[:q], row[q:v], physicsClientId=c)
            bullet.resetBaseVelocity(body, row[v:w], row[w:], physicsClientId=c)

    def step(self, wrenches: Sequence[Sequence[float]], poses: Sequence[Sequence[float]]) -> None:
        """Apply force and torque (world frame) at the drones' positions and step once."""
        bullet, c = self.bullet, self.client
        push, twist, world = (
            bullet.applyExternalForce,
            bullet.applyExternalTorque,
            bullet.WORLD_FRAME,
        )
        for body, w, pose in zip(self.bodies, wrenches, poses, strict=True):
            push(body, -1, w[:3], pose[:3], world, c)
            twist(body, -1, w[3:], world, c)
        bullet.stepSimulation(c)

    def read(self) -> list[float]:
        """Return position, quaternion, velocity and angular velocity of all drones, flat."""
        bullet, c = self.bullet, self.client
        pose, rate = bullet.getBasePositionAndOrientation, bullet.getBaseVelocity
        flat: list[float] = []
        for body in self.bodies:
            position, quaternion = pose(body, c)
            velocity, angular = rate(body, c)
            flat += (*position, *quaternion, *velocity, *angular)
        return flat

    def close(self) -> None:
        """Free the client; may be called twice."""
        if self.client >= 0:
            client, self.client = self.client, -1
            if self.bullet.isConnected(client):
                self.bullet.disconnect(client)


class Saved:
    """Bullet's own memory of a world, freed with the last reference; it does not outlive its process."""

    def __init__(self, world: World) -> None:
        self.world: World | None = world
        self.handle = world.bullet.saveState(physicsClientId=world.client)

    def restore(self, world: World) -> None:
        """Put the world back where it was, if this is of that world."""
        if self.world is world:
            world.bullet.restoreState(stateId=self.handle, physicsClientId=world.client)

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        world = self.world
        if ending() or world is None:
            return
        if world.client >= 0 and world.bullet.isConnected(world.client):
            world.bullet.removeState(self.handle, physicsClientId=world.client)

    def __eq__(self, other: object) -> bool:
        # What differs between two memories of one world is in the rows saved beside them.
        return isinstance(other, Saved) and self.world is other.world

    def __hash__(self) -> int:
        return id(self.world)

    def __copy__(self) -> Saved:
        return self

    def __deepcopy__(self, memo: Any) -> Saved:
        return self

    def __reduce__(self) -> Any:
        return _forgotten, ()


def _forgotten() -> Saved:
    saved = Saved.__new__(Saved)
    saved.world = None
    return saved


class Engine:
    """Moves the rows of an environment in Bullet, one world each; see :class:`gym_suite.core.family.Advance`.

    Args:
        setup: What the id and its keywords decide.
        n: Number of worlds.

    Raises:
        ImportError: Without PyBullet.
        ValueError: For more than :data:`MOST_WORLDS` worlds.
    """

    def __init__(self, setup: Setup, n: int) -> None:
        if n > MOST_WORLDS:
            raise ValueError(
                f"engine='bullet' holds at most {MOST_WORLDS} worlds in a process (30 MB each), got {n}; "
                "engine='compiled' has no such bound"
            )
        self._count = setup.agent_count
        self._ratio = int(setup.row[P.ratio])
        self._mismatch = len(setup.mismatch) > 0
        self._kernels = cast("loops.DroneKernels", setup.kernels)
        self._plant = setup.row if setup.plant_row is None else setup.plant_row
        view = float(setup.keywords["field_of_view"])
        self._worlds = [
            World(self._count, self._plant, pictures=setup.images, field_of_view=view)
            for _ in range(n)
        ]
        self._wrench = np.zeros((n, self._count, 6))

    def _drones(self, rows: Rows) -> NDArray[np.float64]:
        return rows.x.reshape(rows.n, self._count, -1)

    def reset(self, rows: Rows, mask: NDArray[np.bool_]) -> None:
        """Take over the masked rows as they are."""
        if self._mismatch:
            for i in np.flatnonzero(mask):
                self._worlds[i].set_body(rows.p[i])

    def step(self, rows: Rows, skip: NDArray[np.bool_]) -> int:
        """Move all rows not skipped by one control period; return -1 or the index of a non-finite action."""
        setup, drones = rows.setup, self._drones(rows)
        wrong = self._kernels.begin(rows.x, rows.u, rows.p, setup.tables, skip)
        if wrong >= 0:
            return wrong
        moving = np.flatnonzero(~skip).tolist()
        for i in moving:
            # The rows are the truth: a restored or edited world then flies on as any other, bit for bit.
            self._worlds[i].set_poses(drones[i])
        for tick in range(self._ratio):
            loops.forces_batch(
                rows.x,
                rows.key,
                rows.step,
                tick,
                rows.p,
                setup.tables,
                rows.work,
                self._wrench,
                skip,
            )
            for i in moving:
                world = self._worlds[i]
                places = drones[i, :, X.position_x : X.position_x + 3]
                world.step(self._wrench[i].tolist(), places.tolist())
                drones[i, :, :RIGID] = np.reshape(world.read(), (self._count, RIGID))
        self._kernels.finish(
            rows.x,
            rows.key,
            rows.step,
            rows.p,
            setup.tables,
            rows.work,
            rows.metrics,
            rows.o,
            rows.reward,
            rows.terminated,
            skip,
        )
        return -1

    def capture(self, rows: Rows, mask: NDArray[np.bool_]) -> None:
        """Take the masked rows' pictures from where their drones are."""
        drones = self._drones(rows)
        for i in np.flatnonzero(mask).tolist():
            world = self._worlds[i]
            world.set_poses(drones[i])
            camera: Any = world.camera
            for j in range(self._count):
                for name, picture in camera.shoot(drones[i, j]).items():
                    rows.pictures[name][i, j] = picture

    def get_state(self) -> list[Saved]:
        """Return Bullet's memory of each world, which restores contacts exactly."""
        return [Saved(world) for world in self._worlds]

    def set_state(self, rows: Rows, state: Any) -> None:
        """Restore :meth:`get_state`; in other worlds than those it came from, contacts begin anew."""
        for i, (world, saved) in enumerate(zip(self._worlds, state, strict=True)):
            if self._mismatch:
                world.set_body(rows.p[i])
            saved.restore(world)

    def close(self) -> None:
        """Free all clients; may be called twice."""
        for world in self._worlds:
            world.close()

    # As the interpreter ends, PyBullet is taken down first, its clients with it, then the names of this module.
    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if not ending():
            for world in getattr(self, "_worlds", ()):
                world.close()
