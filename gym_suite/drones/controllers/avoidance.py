"""Geometric control that keeps several drones apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.geometric import Geometric

#: Share of the distance between neighbouring places on the ring at which drones begin to give way.
_SHARE = 0.9


class Avoiding(Geometric):
    """Geometric control on SE(3) that flies to its place at a limited speed and gives way to the right.

    Near another drone a velocity away from it and one to the right of it are added to the wanted velocity, as
    with an artificial potential (Khatib, 1986, doi:10.1177/027836498600500106) and a gyroscopic force beside it,
    which turns head-on meetings into a roundabout (Chang et al., CDC 2003, doi:10.1109/CDC.2003.1272619).

    Args:
        position_scale: Factor on the position's bandwidth.
        attitude_scale: Factor on the attitude's bandwidth.
        feed_forward: Whether the target's velocity and acceleration are used.
        speed: Speed of approach to a place far away, m/s.
        reach: Distance within which another drone is given way, m; None: 0.63 m, or less where the places
            on the ring are nearer than that.
        push: Added velocity where two drones would touch, m/s.
        swirl: Share of it to the right, over that away.
        brake: Share of the speed at which two drones approach that is taken away where they would touch.
    """

    name = "avoiding"
    longest_way = math.inf  # bounded below, by the speed

    def __init__(
        self,
        *,
        position_scale: float = 1.0,
        attitude_scale: float = 1.0,
        feed_forward: bool = True,
        speed: float = 0.65,
        reach: float | None = None,
        push: float = 0.5,
        swirl: float = 1.5,
        brake: float = 0.5,
    ) -> None:
        super().__init__(
            position_scale=position_scale,
            attitude_scale=attitude_scale,
            feed_forward=feed_forward,
            integral=False,  # it would wind up on the long ways of a swap
        )
        self.speed = speed
        self.reach = reach
        self.push = push
        self.swirl = swirl
        self.brake = brake

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        values = nominal.parameters
        self._touch = 2.0 * values["radius"]
        places = 2.0 * values["spacing"] * math.sin(math.pi / max(values["drones"], 2.0))
        given = max(min(0.63, _SHARE * places), 1.2 * self._touch)
        if self.reach is not None:
            given = check_number("reach", self.reach, above=self._touch)
        speed = check_number("speed", self.speed, above=0.0)
        self.gains_ |= {
            "reach": given,
            "push": check_number("push", self.push, low=0.0),
            "brake": check_number("brake", self.brake, low=0.0),
            "swirl": check_number("swirl", self.swirl, low=0.0),
            # The error whose pull is balanced by the damping at that speed.
            "longest_error": speed * self.gains_["velocity"] / self.gains_["position"],
        }
        self.gain_units_ = dict(self.gain_units_) | {
            "reach": "m",
            "push": "m/s",
            "swirl": "1",
            "brake": "1",
            "longest_error": "m",
        }
        names = self._columns.names
        self._neighbours = sum(n.startswith("neighbour_") and n.endswith("_x") for n in names) // 2

    def _targets(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], ...]:
        error, velocity, acceleration = super()._targets(o, memory)
        longest = self.gains_["longest_error"]
        # The way is flown slowly; height, which a weak plant has to fight for, is pulled at in full.
        level = np.linalg.norm(error[:, :2], axis=1, keepdims=True)
        error[:, :2] *= longest / np.maximum(level, longest)
        for k in range(1, self._neighbours + 1):
            velocity = velocity + self._give_way(
                self._seen(o, f"neighbour_{k}"), self._seen(o, f"neighbour_{k}_velocity")
            )
        return error, velocity, acceleration

    def _give_way(
        self, to: NDArray[np.float64], moving: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the velocity added for a neighbour at relative positions and velocities, each (n, 3).

        Zeros stand for nobody.
        """
        gap = np.linalg.norm(to, axis=1)
        reach, swirl = self.gains_["reach"], self.gains_["swirl"]
        near = np.where(gap > 0.0, (reach - gap) / (reach - self._touch), 0.0)
        near = np.clip(near, 0.0, 1.0)
        gap = np.maximum(gap, 1e-9)
        closing = np.maximum(-(to * moving).sum(axis=1) / gap, 0.0)
        back = near * self.gains_["brake"] * closing / gap
        size = near * self.gains_["push"] / gap
        x, y = to[:, 0], to[:, 1]
        # Away from it and to the right of the way to it, on the level: nobody is pressed to the floor.
        level = [size * (swirl * y - x) - back * x, -size * (swirl * x + y) - back * y]
        return np.stack([*level, np.zeros(len(to))], axis=1)
