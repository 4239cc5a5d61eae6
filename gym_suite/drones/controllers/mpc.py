"""Linear model predictive control: the regulator about hovering with the rotors' limits as constraints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.lqr import HoverLQR

_ITERATIONS = 120  # of the solver; a test holds what they leave of the solution
_SOURCE = (
    "J. B. Rawlings, D. Q. Mayne and M. M. Diehl, Model Predictive Control, 2nd ed., Nob Hill 2017, section 2.5; "
    "solver: S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, Distributed optimization and statistical learning "
    "via the alternating direction method of multipliers, Foundations and Trends in Machine Learning 3(1), 2011, "
    "section 5.2"
)


class LinearMPC(HoverLQR):
    """The linear-quadratic regulator about hovering, with the rotors' limits as constraints over a horizon.

    Model, weights and what is fed forward are those of :class:`HoverLQR`; behind the horizon stands the cost of the
    regulator without limits, so that the two are one law where no limit is met within it. Where one is, the commands of
    the horizon solve a quadratic program with bounds, by alternating directions, from the regulator's commands on.
    J. B. Rawlings, D. Q. Mayne and M. M. Diehl, Model Predictive Control, 2nd ed., 2017, section 2.5.

    Args:
        horizon: Control periods over which the limits are kept.
        position: Acceptable deviation of each coordinate, m.
        velocity: Of each velocity, m/s.
        tilt: Of roll and pitch, rad.
        yaw: Of yaw, rad.
        rate: Of each body rate, rad/s.
        integral: Of the integral of each coordinate, m s.
        command: Of a rotor's command, as a share of the hover speed.
        reach: Position errors beyond this many times ``position`` count as that much.
        feed_forward: Whether the target's velocity, acceleration and jerk are used, and drag is made up for.
    """

    name = "mpc"
    information = "model"
    hyperparameters = (
        *HoverLQR.hyperparameters,
        Hyperparameter(name="horizon", low=2, high=40, whole=True),
    )

    def __init__(
        self,
        *,
        horizon: int = 15,
        position: float = 0.05,
        velocity: float = 0.2,
        tilt: float = 0.15,
        yaw: float = 0.3,
        rate: float = 1.5,
        integral: float = 0.08,
        command: float = 0.15,
        reach: float = 8.0,
        feed_forward: bool = True,
    ) -> None:
        super().__init__(
            position=position,
            velocity=velocity,
            tilt=tilt,
            yaw=yaw,
            rate=rate,
            integral=integral,
            command=command,
            reach=reach,
            feed_forward=feed_forward,
        )
        self.horizon = horizon

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        for name in tuple(
            self.gains_
        ):  # the commands follow from the weights, not from the regulator's gains
            del self.gains_[name]
        count = int(check_number("horizon", self.horizon, low=1, high=200, integer=True))
        model, states = self._model, len(self._point.x)
        a = np.zeros((states + 3, states + 3))
        a[:states, :states] = model.Ad
        a[states:, :3], a[states:, states:] = self._dt * np.eye(3), np.eye(3)
        b = np.vstack([model.Bd, np.zeros((3, self._count))])
        weight = np.full(self._count, 1.0 / (self.command * self._hover) ** 2)
        hessian, gradient = _condensed(
            a,
            b,
            np.diag(self._state_weights(states)),
            np.diag(weight),
            self.feedback_.riccati,
            count,
        )
        # In units of the weight the Hessian is near to one, and so is the best step of the solver.
        self._penalty = float(np.sqrt(np.prod(np.linalg.eigvalsh(hessian)[[0, -1]])))
        self._inverse = np.linalg.inv(hessian + self._penalty * np.eye(len(hessian)))
        self._gradient = gradient
        self._free = -np.linalg.solve(hessian, gradient)
        self._bounds = self._even * (1.0 - self._range), self._even * (1.0 + self._range)
        self.rule_ += ", the rotors' limits as constraints"
        self.source_ += f"; constraints: {_SOURCE}"

    def _feedback(
        self, deviation: NDArray[np.float64], kept: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        low, high = (np.ascontiguousarray(bound - kept) for bound in self._bounds)
        command = np.empty((len(deviation), self._count))
        size = len(self._free)
        scratch = np.empty((4, size))
        _solve(
            np.ascontiguousarray(deviation),
            low,
            high,
            self._free,
            self._gradient,
            self._inverse,
            self._penalty,
            scratch,
            command,
        )
        return command


def _condensed(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    q: NDArray[np.float64],
    r: NDArray[np.float64],
    last: NDArray[np.float64],
    count: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Hessian (commands, commands) and gradient (commands, states) of the cost over a horizon, by its commands.

    The cost is the sum of x'Qx + u'Ru over the horizon and x'Px behind it; half of it is u'Hu / 2 + u'Gx and a rest.

    Args:
        a: System matrix.
        b: Input matrix.
        q: State weight.
        r: Input weight.
        last: P.
        count: Periods.
    """
    states, inputs = b.shape
    free, forced = np.eye(states), np.zeros((states, count * inputs))
    hessian: NDArray[np.float64] = np.kron(np.eye(count), r).astype(np.float64)
    gradient = np.zeros((count * inputs, states))
    for k in range(count):
        free, forced = a @ free, a @ forced
        forced[:, k * inputs : (k + 1) * inputs] += b
        weight = q if k + 1 < count else last
        hessian += forced.T @ weight @ forced
        gradient += forced.T @ weight @ free
    return hessian, gradient


@kernel
def _solve(deviation, low, high, free, gradient, inverse, penalty, scratch, command):
    """Fill the first commands (n, rotors) of quadratic programs with bounds, each by alternating directions.

    Args:
        deviation: Where each row starts, (n, states).
        low: Lower bounds of a period's commands, (n, rotors).
        high: Upper bounds.
        free: Commands without bounds by the state, (commands, states).
        gradient: Of the cost by the state, (commands, states).
        inverse: Of the Hessian and the penalty, (commands, commands).
        penalty: Of the solver.
        scratch: (4, commands).
        command: Filled.
    """
    (size, states), rotors = free.shape, low.shape[1]
    u, z, y, g = scratch[0], scratch[1], scratch[2], scratch[3]
    for row in range(deviation.shape[0]):
        bounded = False
        for i in range(size):
            total = pull = 0.0
            for j in range(states):
                total += free[i, j] * deviation[row, j]
                pull += gradient[i, j] * deviation[row, j]
            u[i], g[i], y[i] = total, pull, 0.0
            z[i] = min(max(total, low[row, i % rotors]), high[row, i % rotors])
            bounded = bounded or z[i] != total
        if bounded:
            for _ in range(_ITERATIONS):
                for i in range(size):
                    total = 0.0
                    for j in range(size):
                        total += inverse[i, j] * (penalty * (z[j] - y[j]) - g[j])
                    u[i] = total
                for i in range(size):
                    wanted = u[i] + y[i]
                    z[i] = min(max(wanted, low[row, i % rotors]), high[row, i % rotors])
                    y[i] = wanted - z[i]
        for k in range(rotors):
            command[row, k] = z[k] if bounded else u[k]
