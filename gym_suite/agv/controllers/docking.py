"""Docking: move to a pose by Astolfi's law, behind a point in front of the dock."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.agv.controllers.seen import check_twist, dock_turn_of, pose_of
from gym_suite.agv.geometry import wrap
from gym_suite.agv.parameters import P
from gym_suite.controllers.protocol import Controller
from gym_suite.core.kernel import kernel


@kernel
def move_to_pose(along, across, turn, k_rho, k_alpha, k_beta):
    """Return speed and yaw rate that drive a unicycle to a pose, forwards.

    v = k_rho rho, omega = k_alpha alpha + k_beta beta with alpha the bearing of the target and beta = turn - alpha;
    stable about the target for k_rho > 0, k_beta < 0, k_alpha > k_rho: Astolfi, "Exponential stabilization of a
    wheeled mobile robot via discontinuous control", J. Dyn. Sys. Meas. Control 121(1), 1999.

    Args:
        along: Target in the vehicle's frame, m.
        across: Target in the vehicle's frame, m.
        turn: Target's heading in the vehicle's frame, rad.
        k_rho: Gain, 1/s.
        k_alpha: Gain, 1/s.
        k_beta: Gain, 1/s.
    """
    rho, alpha = math.hypot(along, across), math.atan2(across, along)
    return k_rho * rho, k_alpha * alpha + k_beta * wrap(turn - alpha)


@kernel
def dock_rows(o, p, k_rho, k_alpha, k_beta, apart, slow, action):
    """Fill the actions (n, 2) of all rows."""
    for i in range(o.shape[0]):
        x, y, theta, goal_x, goal_y = pose_of(o[i], p)
        turn = dock_turn_of(o[i], p)
        c, s = math.cos(theta), math.sin(theta)
        dx, dy = goal_x - x, goal_y - y
        along, across = dx * c + dy * s, dy * c - dx * s
        # The target seen from the dock: how far in front of it, and how far to its side.
        before = along * math.cos(turn) + across * math.sin(turn)
        beside = across * math.cos(turn) - along * math.sin(turn)
        rho = math.hypot(along, across)
        if rho < min(0.02, 0.5 * p[P.goal_radius]):  # there: only the heading is left
            v, omega = 0.0, 2.0 * turn
        elif before > 0.0 and abs(beside) < 0.15 * before + 0.02 and abs(turn) < 0.5:
            v, omega = move_to_pose(along, across, turn, k_rho, k_alpha, k_beta)
            v = min(v, math.sqrt(2.0 * slow * p[P.deceleration] * rho))
            if abs(math.atan2(across, along)) > 1.2:
                v = 0.0
        else:  # first to the approach point, turning on the spot where need be
            along -= apart * math.cos(turn)
            across -= apart * math.sin(turn)
            gap, bearing = math.hypot(along, across), math.atan2(across, along)
            if gap < 0.1:
                v, omega = 0.0, 2.0 * turn
            else:
                v = 0.0 if abs(bearing) > 0.5 else min(gap, 1.0) * p[P.v_limit] * 0.8
                omega = 2.0 * bearing
        limit = p[P.omega_limit]
        action[i, 0] = min(v / p[P.v_limit], 1.0)
        action[i, 1] = min(max(omega, -limit), limit) / limit


class MoveToPose(Controller):
    """Drives to an approach point in front of the dock, turns, and docks by Astolfi's law.

    Args:
        k_rho: Gain of the distance, 1/s.
        k_alpha: Gain of the bearing, 1/s.
        k_beta: Gain of the heading, 1/s, below 0.
        approach: Distance of the approach point from the dock, m.
        brake: Part of the deceleration that it plans with.
    """

    name: ClassVar[str] = "move_to_pose"
    information = "model"

    def __init__(
        self,
        *,
        k_rho: float = 0.6,
        k_alpha: float = 1.8,
        k_beta: float = -0.6,
        approach: float = 1.6,
        brake: float = 0.1,
    ) -> None:
        self.k_rho = k_rho
        self.k_alpha = k_alpha
        self.k_beta = k_beta
        self.approach = approach
        self.brake = brake

    def _tune(self, nominal: Any) -> None:
        check_twist(nominal, "MoveToPose")
        if not nominal.parameters["dock"]:
            raise ValueError(f"{nominal.setup.id} has no dock; make it with dock=True")
        if not (self.k_rho > 0.0 > self.k_beta and self.k_alpha > self.k_rho):
            raise ValueError(
                "move to pose is stable for k_rho > 0, k_beta < 0 and k_alpha > k_rho, got "
                f"{self.k_rho:g}, {self.k_beta:g}, {self.k_alpha:g}"
            )
        self._row = nominal.row.copy()
        self.gains_ = {"k_rho": self.k_rho, "k_alpha": self.k_alpha, "k_beta": self.k_beta}
        self.gain_units_ = dict.fromkeys(self.gains_, "1/s")

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.zeros((len(observation), 2))
        dock_rows(
            observation, self._row, self.k_rho, self.k_alpha, self.k_beta, self.approach,
            self.brake, action,
        )  # fmt: skip
        return action
