"""Drones in a PyBullet world: one merged body each, one force and one torque per drone and step."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.extras import import_extra, install_line
from gym_suite.core.family import Setup
from gym_suite.core.observations import Image
from gym_suite.core.rows import Rows
from gym_suite.drones import loops
from gym_suite.drones.aims import LIFT
from gym_suite.drones.camera import Camera
from gym_suite.drones.columns import AIM, BODY, PARAMETERS, RIGID, TABLES
from gym_suite.drones.obstacles import pillars_of

X, P = BODY.places, PARAMETERS.places
A, T = AIM.places, TABLES.places

#: Worlds in one process. A client of Bullet takes some 35 MB; lone drones share one.
MOST_WORLDS = 64
#: Where drones forget their contacts: nothing is near. Height, m.
ASIDE = 1000.0
#: Drones as Bullet knows them: numbers of body and client.
_Placed = Sequence[tuple[int, int]]
#: Who touches whom within a client that lone drones share: they touch the floor and do not see each other. Bits.
FLOOR, DRONES = 1, 2


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
    with _quiet_import():
        return import_extra(
            "pybullet",
            f"engine='bullet' needs PyBullet: {install_line('bullet')}. "
            "engine='compiled' flies the same drones and needs nothing",
        )


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


class Client:
    """A place of Bullet with gravity and a floor, in which worlds of drones lie; no file is read, ever.

    Bullet solves the contacts of bodies that touch each other together and of others apart, so that to the last bit a
    drone moves alike whatever else the client holds, as long as it touches the floor only.

    Args:
        row: Physical parameters, (at least :data:`gym_suite.drones.parameters.PHYSICS`,).

    Raises:
        ImportError: Without PyBullet.
        RuntimeError: If Bullet gives no client.
    """

    def __init__(self, row: NDArray[np.float64]) -> None:
        self.bullet = bullet = load_pybullet()
        self.number = bullet.connect(bullet.DIRECT)
        if self.number < 0:
            raise RuntimeError("Bullet gave no client: too many worlds are open; close some")
        c = self.number
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
        self.floor = bullet.createMultiBody(0.0, plane, hidden, physicsClientId=c)
        # Bullet multiplies the friction of two bodies, and adds each one's rolling friction times the other's
        # friction: with these the drone's own numbers hold.
        bullet.changeDynamics(
            self.floor,
            -1,
            lateralFriction=1.0,
            rollingFriction=0.0,
            spinningFriction=0.0,
            physicsClientId=c,
        )
        self.cylinder = bullet.createCollisionShape(
            bullet.GEOM_CYLINDER,
            radius=float(row[P.radius]),
            height=float(row[P.height]),
            physicsClientId=c,
        )

    def add(self, row: NDArray[np.float64], height: float) -> int:
        """Add a drone.

        Args:
            row: Physical parameters.
            height: Where it is at first, m.

        Returns:
            Bullet's number of its body.
        """
        bullet, c = self.bullet, self.number
        body = bullet.createMultiBody(
            float(row[P.mass]), self.cylinder, basePosition=(0, 0, height), physicsClientId=c
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
        return body

    def separate(self, bodies: Sequence[int]) -> None:
        """Let drones touch nothing but the floor."""
        for body, group, touched in (
            (self.floor, FLOOR, DRONES),
            *((b, DRONES, FLOOR) for b in bodies),
        ):
            self.bullet.setCollisionFilterGroupMask(
                body, -1, group, touched, physicsClientId=self.number
            )

    def step(self) -> None:
        """Step all worlds once."""
        self.bullet.stepSimulation(self.number)

    def look(self) -> None:
        """Look for contacts where everything is now; what has moved away is forgotten."""
        self.bullet.performCollisionDetection(physicsClientId=self.number)

    def close(self) -> None:
        """Free it; may be called twice."""
        if self.number >= 0:
            number, self.number = self.number, -1
            if self.bullet.isConnected(number):
                self.bullet.disconnect(number)


class World:
    """One Bullet world with a floor and equal drones.

    Bullet looks for contacts once a step: nothing gets through the floor, but two drones that approach at
    more than a diameter a step (29 m/s at 240 Hz; flat ones that meet askew from some 20 m/s on) may miss
    each other. The compiled engine takes 16 steps where something may touch.

    Args:
        count: Number of drones.
        row: Physical parameters, (at least :data:`gym_suite.drones.parameters.PHYSICS`,).
        pictures: What the cameras see; nothing is furnished where that is nothing.
        field_of_view: Vertical angle of view of the cameras, rad.
        pillars: Whether cameras see pillars.
        place: Client in which it lies beside others; by default it has one of its own.

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
        pillars: bool = False,
        place: Client | None = None,
    ) -> None:
        self.count = count
        self.place = place or Client(row)
        self.bullet = self.place.bullet
        self.bodies = [self.place.add(row, i + 1.0) for i in range(count)]
        if place is not None:
            place.separate(self.bodies)
        self.set_body(row)
        self.camera: Camera | None = None
        if pictures:
            self.camera = Camera(
                self.bullet,
                self.client,
                self.bodies,
                pictures=pictures,
                field_of_view=field_of_view,
                forward=float(row[P.radius]),
                pillars=pillars,
            )

    @property
    def client(self) -> int:
        """Bullet's number of the client; -1 after it was freed."""
        return self.place.number

    @property
    def placed(self) -> list[tuple[int, int]]:
        """Its drones as Bullet knows them: numbers of body and client."""
        return [(body, self.place.number) for body in self.bodies]

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
        _place(self.bullet, self.placed, x)

    def step(self, wrenches: NDArray[np.float64], places: NDArray[np.float64]) -> None:
        """Apply force and torque (world frame), (drones, 6), at the drones' places, (drones, 3), and step once."""
        self.push(wrenches, places)
        self.place.step()

    def push(self, wrenches: NDArray[np.float64], places: NDArray[np.float64]) -> None:
        """Apply force and torque (world frame), (drones, 6), at the drones' places, (drones, 3), for the next step."""
        _push(self.bullet, self.placed, wrenches, places)

    def put_aside(self) -> None:
        """Put all drones where they touch nothing, at rest."""
        bullet, c = self.bullet, self.client
        for i, body in enumerate(self.bodies):
            away = (0.0, 0.0, ASIDE * (1 + i))
            bullet.resetBasePositionAndOrientation(body, away, (0, 0, 0, 1), physicsClientId=c)
            bullet.resetBaseVelocity(body, (0, 0, 0), (0, 0, 0), physicsClientId=c)

    def read(self) -> list[float]:
        """Return position, quaternion, velocity and angular velocity of all drones, flat."""
        return _read(self.bullet, self.placed)

    def close(self) -> None:
        """Free the client; may be called twice."""
        self.place.close()


def _located(worlds: Sequence[World]) -> tuple[_Placed, list[Client]]:
    """Return where the drones of worlds are, and the clients in which these lie."""
    placed = [pair for world in worlds for pair in world.placed]
    return placed, list(dict.fromkeys(world.place for world in worlds))


def _place(bullet: Any, placed: _Placed, x: NDArray[np.float64]) -> None:
    """Put drones, of whatever worlds, where (drones, >= 13) says."""
    q, v, w = X.quaternion_x, X.velocity_x, X.angular_velocity_x
    put, move = bullet.resetBasePositionAndOrientation, bullet.resetBaseVelocity
    for (body, c), row in zip(placed, x[:, :RIGID].tolist(), strict=True):
        put(body, row[:q], row[q:v], c)
        move(body, row[v:w], row[w:], c)


def _push(
    bullet: Any, placed: _Placed, wrenches: NDArray[np.float64], places: NDArray[np.float64]
) -> None:
    """Apply force and torque to drones of whatever worlds; both as :meth:`World.push` takes them."""
    push, twist, world = bullet.applyExternalForce, bullet.applyExternalTorque, bullet.WORLD_FRAME
    forces, torques = wrenches[:, :3].tolist(), wrenches[:, 3:].tolist()
    rows = zip(placed, forces, torques, places.tolist(), strict=True)
    for (body, c), force, torque, at in rows:
        push(body, -1, force, at, world, c)
        twist(body, -1, torque, world, c)


def _read(bullet: Any, placed: _Placed) -> list[float]:
    """Return position, quaternion, velocity and angular velocity of drones of whatever worlds, flat."""
    pose, rate = bullet.getBasePositionAndOrientation, bullet.getBaseVelocity
    flat: list[float] = []
    for body, c in placed:
        position, quaternion = pose(body, c)
        velocity, angular = rate(body, c)
        flat += position
        flat += quaternion
        flat += velocity
        flat += angular
    return flat


class Saved:
    """Bullet's own memory of a client, freed with the last reference; it does not outlive its process."""

    def __init__(self, place: Client) -> None:
        self.place: Client | None = place
        self.handle = place.bullet.saveState(physicsClientId=place.number)

    def restore(self, place: Client) -> None:
        """Put the client back where it was, if this is of that client."""
        if self.place is place:
            place.bullet.restoreState(stateId=self.handle, physicsClientId=place.number)

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        place = self.place
        if ending() or place is None:
            return
        if place.number >= 0 and place.bullet.isConnected(place.number):
            place.bullet.removeState(self.handle, physicsClientId=place.number)

    def __eq__(self, other: object) -> bool:
        # What differs between two memories of one client is in the rows saved beside them.
        return isinstance(other, Saved) and self.place is other.place

    def __hash__(self) -> int:
        return id(self.place)

    def __copy__(self) -> Saved:
        return self

    def __deepcopy__(self, memo: Any) -> Saved:
        return self

    def __reduce__(self) -> Any:
        return _forgotten, ()


def _forgotten() -> Saved:
    saved = Saved.__new__(Saved)
    saved.place = None
    return saved


class Engine:
    """Moves the rows of an environment in Bullet, one world each; see :class:`gym_suite.core.family.Advance`.

    Worlds of a lone drone lie in one client, which takes the memory of one and moves them with the numbers of worlds
    alone. Several drones have a client a world: their contacts among each other are solved in an order that depends on
    what else the client holds. Pictures of all worlds are taken on one stage, a client of its own with one world's
    drones in it, which are put where a row says: nobody sees the neighbours, and a world alone is its own stage.

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
                f"engine='bullet' holds at most {MOST_WORLDS} worlds in a process, got {n}; "
                "engine='compiled' (on the shell --set engine=compiled) has no such bound"
            )
        self._count = setup.agent_count
        self._ratio = int(setup.row[P.ratio])
        self._mismatch = len(setup.mismatch) > 0
        self._kernels = cast("loops.DroneKernels", setup.kernels)
        self._plant = setup.row if setup.plant_row is None else setup.plant_row
        view = float(setup.keywords["field_of_view"])
        shared = self._count == 1 and n > 1
        place = Client(self._plant) if shared else None

        alone = setup.images if n == 1 else ()

        aim = setup.tables[T.aim]
        pillars = len(aim) > 0 and aim[0, A.pillars] > 0.0
        #: Height, m, below which contacts are forgotten between control periods, so that a copy of a world that
        #: stands on the floor goes on as the world does; other tasks end there.
        self._low = 0.0
        if len(aim) and aim[0, A.kind] == LIFT:
            self._low = 2.0 * float(self._plant[P.radius])

        def world(pictures: tuple[Image, ...], place: Client | None) -> World:
            return World(
                self._count,
                self._plant,
                pictures=pictures,
                field_of_view=view,
                pillars=pillars,
                place=place,
            )

        self._worlds = [world(alone, place) for _ in range(n)]
        self._stage: World | None = self._worlds[0] if alone else None
        if setup.images and self._stage is None:
            self._stage = world(setup.images, None)
        self._wrench = np.zeros((n, self._count, 6))
        self._located: tuple[_Placed, list[Client]] | None = None

    def _drones(self, rows: Rows) -> NDArray[np.float64]:
        return rows.x.reshape(rows.n, self._count, -1)

    def reset(self, rows: Rows, mask: NDArray[np.bool_]) -> None:
        """Take over the masked rows as they are; nothing is left of the contacts of the episodes before.

        Those are not those of worlds alone where a client has gone on for its other rows.
        """
        begun = np.flatnonzero(mask)
        if self._mismatch:
            for i in begun:
                self._worlds[i].set_body(rows.p[i])
        self._forget_contacts(begun)

    def _forget_contacts(self, indices: NDArray[np.intp]) -> None:
        """Put the drones of some worlds where they touch nothing, and let Bullet see that they do."""
        worlds = [self._worlds[i] for i in indices]
        for world in worlds:
            world.put_aside()
        for place in dict.fromkeys(world.place for world in worlds):
            place.look()

    def step(self, rows: Rows, skip: NDArray[np.bool_]) -> int:
        """Move all rows not skipped by one control period; return -1 or the index of a non-finite action."""
        setup, drones = rows.setup, self._drones(rows)
        wrong = self._kernels.begin(rows.x, rows.u, rows.p, setup.tables, skip)
        if wrong >= 0:
            return wrong
        bullet = self._worlds[0].bullet
        if np.count_nonzero(skip):
            moving = np.flatnonzero(~skip)
            placed, places = _located([self._worlds[i] for i in moving])
        else:
            self._located = self._located or _located(self._worlds)
            moving, (placed, places) = slice(None), self._located
        if self._low:
            low = drones[:, 0, X.position_z] < self._low
            self._forget_contacts(np.flatnonzero(low & ~skip))
        # The rows are the truth: a restored or edited world then flies on as any other, bit for bit.
        _place(bullet, placed, drones[moving].reshape(-1, drones.shape[-1]))
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
            at = drones[moving, :, X.position_x : X.position_x + 3].reshape(-1, 3)
            _push(bullet, placed, self._wrench[moving].reshape(-1, 6), at)
            for place in places:
                place.step()
            drones[moving, :, :RIGID] = np.reshape(_read(bullet, placed), (-1, self._count, RIGID))
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
        stage: Any = self._stage
        camera: Any = stage.camera
        for i in np.flatnonzero(mask).tolist():
            stage.set_poses(drones[i])
            camera.place(pillars_of(rows.setup.tables, drones[i, 0]))
            for j in range(self._count):
                for name, picture in camera.shoot(drones[i, j]).items():
                    rows.pictures[name][i, j] = picture

    def get_state(self) -> list[Saved]:
        """Return Bullet's memory of each row's client, which restores contacts exactly."""
        kept = {place: Saved(place) for place in dict.fromkeys(w.place for w in self._worlds)}
        return [kept[world.place] for world in self._worlds]

    def set_state(self, rows: Rows, state: Any) -> None:
        """Restore :meth:`get_state`; in other clients than those it came from, contacts stay as they are."""
        for i, world in enumerate(self._worlds):
            if self._mismatch:
                world.set_body(rows.p[i])
        pairs = zip((world.place for world in self._worlds), state, strict=True)
        for place, saved in dict(pairs).items():
            saved.restore(place)

    def close(self) -> None:
        """Free all clients; may be called twice."""
        self._located = None
        for world in self._everything():
            world.close()

    def _everything(self) -> list[World]:
        """Return what has clients; an engine that could not be built has only some of it."""
        stage = getattr(self, "_stage", None)
        return [*getattr(self, "_worlds", ()), *([] if stage is None else [stage])]

    # As the interpreter ends, PyBullet is taken down first, its clients with it, then the names of this module.
    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if not ending():
            for world in self._everything():
                world.close()
