"""Pursuit of an evader by several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.indi import INDI

#: s, beyond which nobody knows where an evader that turns will be.
_HORIZON = 1.0
#: m beyond touching, within which two pursuers make room for each other, as they will be after so many s.
_ROOM, _AHEAD = 0.5, 0.2


class Pursuing(INDI):
    """Lead pursuit by velocities above incremental nonlinear dynamic inversion, by pursuers that spread.

    Each flies at its full speed to where it would meet an evader that keeps its velocity, |r + v t| = s t (lead, or
    constant-bearing, pursuit: R. Isaacs, Differential Games, Wiley, 1965; N. A. Shneydor, Missile Guidance and Pursuit,
    Horwood, 1998, chapter 4), a second ahead at most. Who sees another one nearer to the evader than itself aims
    beside that point, away from the middle of the others that it sees, by a share of its distance from the evader, so
    that they come from several sides. From others that a fifth of a second later will be less than half a metre from
    touching each flies away as well.

    Args:
        position_scale: Factor on the position's bandwidth, by which velocities are held too.
        attitude_scale: Factor on the attitude's bandwidth.
        force_filter: As :class:`gym_suite.drones.controllers.indi.INDI` has it.
        torque_filter: The same.
        fastest: Wanted speed, m/s.
        spread: Way beside the meeting point over the distance from the evader.
        push: Velocity away from another pursuer where the two would touch, m/s.
    """

    name = "pursuing"
    hyperparameters = (
        *INDI.hyperparameters,
        Hyperparameter(name="fastest", low=0.5, high=5.0),
        Hyperparameter(name="spread", low=0.01, high=2.0),
        Hyperparameter(name="push", low=0.1, high=5.0),
    )

    def __init__(
        self,
        *,
        position_scale: float = 1.15,
        attitude_scale: float = 0.9,
        force_filter: float = 0.1,
        torque_filter: float = 0.02,
        fastest: float = 2.0,
        spread: float = 0.4,
        push: float = 2.0,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            force_filter=force_filter,
            torque_filter=torque_filter,
        )
        self.fastest = fastest
        self.spread = spread
        self.push = push

    def _tune(self, nominal: object) -> None:
        super()._tune(nominal)
        check_number("fastest", self.fastest, above=0.0)
        check_number("spread", self.spread, low=0.0)
        check_number("push", self.push, low=0.0)
        names = self._columns.names
        if "centre_x" not in names:
            raise ValueError("pursuit needs an evader; it flies drones/Pursuit-v0")
        self._neighbours = sum(n.startswith("neighbour_") and n.endswith("_x") for n in names) // 2
        self._touch = 2.0 * nominal.parameters["radius"]  # type: ignore[attr-defined]

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        way, moving = self._seen(o, "error"), self._seen(o, "target_velocity")
        distance = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        others, away, nearer = self._others(o, way)
        aim = way + self._time_to_meet(way, moving) * moving
        # only what of it stands across the way to the evader
        across = -others + (others * way).sum(axis=1, keepdims=True) / distance**2 * way
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        aim += self.spread * distance * across * nearer
        aim /= np.maximum(np.linalg.norm(aim, axis=1, keepdims=True), 1e-9)
        velocity = self.fastest * aim + away
        return np.zeros_like(way), velocity, self._drag * velocity

    def _time_to_meet(
        self, way: NDArray[np.float64], moving: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the time, s, (n, 1), after which a pursuer at full speed meets an evader that keeps its velocity."""
        faster = self.fastest**2 - np.square(moving).sum(axis=1, keepdims=True)
        along = (way * moving).sum(axis=1, keepdims=True)
        square = np.square(way).sum(axis=1, keepdims=True)
        root = np.sqrt(np.maximum(along**2 + faster * square, 0.0))
        time = np.where(faster > 0.0, (along + root) / np.maximum(faster, 1e-9), _HORIZON)
        return np.clip(time, 0.0, _HORIZON)

    def _others(
        self, o: NDArray[np.float64], way: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return the mean of the ways to other pursuers, the velocity away from them, and whether one is nearer.

        Args:
            o: Observations, of which zeros stand for nobody.
            way: To the evader, m, (n, 3).
        """
        total, away = np.zeros((len(o), 3)), np.zeros((len(o), 3))
        nearer = np.zeros((len(o), 1), np.bool_)
        mine = np.linalg.norm(way, axis=1, keepdims=True)
        for k in range(1, self._neighbours + 1):
            to = self._seen(o, f"neighbour_{k}")
            there = (to != 0.0).any(axis=1, keepdims=True)
            nearer |= there & (np.linalg.norm(way - to, axis=1, keepdims=True) < mine)
            total += to
            # where it will be: what is begun now acts then
            to = to + _AHEAD * self._seen(o, f"neighbour_{k}_velocity")
            gap = np.linalg.norm(to, axis=1, keepdims=True)
            near = 1.0 - (gap - self._touch) / _ROOM
            away -= self.push * np.clip(near, 0.0, 1.0) * to / np.maximum(gap, 1e-9) * there
        return total / max(self._neighbours, 1), away, nearer
