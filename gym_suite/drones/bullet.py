"""Drones in a PyBullet world: one merged body each, one force and one torque per drone and step."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones import parameters as pm

FLOOR_COLOUR = (0.82, 0.84, 0.86, 1.0)
DRONE_COLOUR = (0.16, 0.38, 0.62, 1.0)


def load_pybullet() -> Any:
    """Return the module pybullet.

    Raises:
        ImportError: If it is not installed; says how to get it and what needs nothing.
    """
    try:
        return importlib.import_module("pybullet")
    except ImportError as error:
        raise ImportError(
            "engine='bullet' needs PyBullet: pip install 'gym-suite[bullet]'. "
            "engine='compiled' flies the same drones and needs nothing."
        ) from error


class World:
    """One Bullet world with a floor and equal drones; no file is read, ever.

    Args:
        count: Number of drones.
        row: Physical parameters, (at least :data:`gym_suite.drones.parameters.PHYSICS`,).

    Raises:
        ImportError: Without PyBullet.
        RuntimeError: If Bullet gives no client.
    """

    def __init__(self, count: int, row: NDArray[np.float64]) -> None:
        self.bullet = bullet = load_pybullet()
        self.count = count
        self.client = bullet.connect(bullet.DIRECT)
        if self.client < 0:
            raise RuntimeError("Bullet gave no client: too many worlds are open; close some")
        self._identity = (0.0, 0.0, 0.0, 1.0)
        c = self.client
        bullet.setGravity(0.0, 0.0, -float(row[pm.P_GRAVITY]), physicsClientId=c)
        bullet.setTimeStep(float(row[pm.P_DT]), physicsClientId=c)
        plane = bullet.createCollisionShape(
            bullet.GEOM_PLANE, planeNormal=(0, 0, 1), physicsClientId=c
        )
        floor = bullet.createMultiBody(0.0, plane, physicsClientId=c)
        self.floor = floor
        radius, height = float(row[pm.P_RADIUS]), float(row[pm.P_HEIGHT])
        cylinder = bullet.createCollisionShape(
            bullet.GEOM_CYLINDER, radius=radius, height=height, physicsClientId=c
        )
        self.bodies: list[int] = []
        for i in range(count):
            body = bullet.createMultiBody(
                float(row[pm.P_MASS]), cylinder, basePosition=(0, 0, i + 1.0), physicsClientId=c
            )
            bullet.changeDynamics(
                body,
                -1,
                localInertiaDiagonal=row[[pm.P_I_XX, pm.P_I_YY, pm.P_I_ZZ]].tolist(),
                linearDamping=float(row[pm.P_DAMPING]),
                angularDamping=float(row[pm.P_DAMPING]),
                lateralFriction=float(row[pm.P_FRICTION]),
                rollingFriction=float(row[pm.P_ROLLING]),
                spinningFriction=float(row[pm.P_SPINNING]),
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

    def set_poses(self, x: NDArray[np.float64]) -> None:
        """Put all drones where (drones, >= 13) says: position, quaternion, velocity, angular velocity."""
        bullet, c = self.bullet, self.client
        for body, row in zip(self.bodies, x[:, :13].tolist(), strict=True):
            bullet.resetBasePositionAndOrientation(body, row[:3], row[3:7], physicsClientId=c)
            bullet.resetBaseVelocity(body, row[7:10], row[10:13], physicsClientId=c)

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
