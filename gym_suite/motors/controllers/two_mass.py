"""Speed control of a load behind an elastic shaft with backlash: PI, notch filter, state feedback, prediction.

They command torques, which the drive's own current loop follows as a lag, and see the speeds of rotor and load.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.controllers.tuning import symmetrical_optimum
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.field_oriented import sampled_delay
from gym_suite.motors.parameters import TWO_MASS
from gym_suite.motors.quantities import CONTROL_TORQUE, K, T

#: Standard deviations that the observer reckons with of what, besides the model, moves in a period the speeds (rad/s),
#: the twist (rad), the torque (N m) and the load's torque (N m). Design values: the load's torque is what is not known.
_MOVED = 0.1, 0.1, 0.01, 1.0, 5.0


def _times(rows: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return matrix @ row of each row, (n, outputs), to the same bit whatever n: BLAS would sum in another order."""
    total = rows[:, :1] * matrix[:, 0]
    for j in range(1, matrix.shape[1]):
        total += rows[:, j : j + 1] * matrix[:, j]
    return total


class _TwoMass(Controller):
    """What the controllers share: the numbers of the shaft, and what they see."""

    def _prepare(self, nominal: Any) -> None:
        """Read the nominal shaft and the places of what is observed.

        Raises:
            ValueError: If the load hangs on no elastic shaft, or actions are no torques.
        """
        values, setup = nominal.parameters, nominal.setup
        if int(values["load_kind"]) != TWO_MASS or int(values["control"]) != CONTROL_TORQUE:
            raise ValueError(
                f"{type(self).__name__} commands torques to a load behind an elastic shaft: it needs load='two_mass' "
                "and control='torque'"
            )
        columns = setup.observation_columns
        self._read = [
            (columns.index(name), columns[name].scale)
            for name in ("omega", "omega_load", "omega_load_ref")
        ]
        self._dt, self._limit = float(nominal.dt), float(values["torque_limit"])
        self._rotor, self._load = float(values["j_rotor"]), float(values["j_load"])
        self._stiffness, self._damping = float(values["stiffness"]), float(values["damping"])
        self._gap, self._viscous = float(values["backlash"]), float(values["b"])
        mobility = 1.0 / self._rotor + 1.0 / self._load
        self._resonance = math.sqrt(self._stiffness * mobility)
        self._ratio = 0.5 * self._damping * mobility / self._resonance
        #: Lag of the drive's own current loop, which is tuned by the magnitude optimum.
        self._lag = 2.0 * sampled_delay(values)

    def _speeds(self, observation: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the speeds of rotor and load and the reference, rad/s, each (n,)."""
        return [scale * observation[:, place] for place, scale in self._read]


class TwoMassControl(_TwoMass):
    """PI control of the load's speed by the symmetrical optimum, which takes the shaft for a lag.

    The plant is both inertias as one behind the sum of the small delays: the lag of the current loop, a period and a
    half of sampling, and 1 / resonance for the shaft. With a ``symmetry`` of 5 the shaft as such is stable and damped.
    A gap makes it softer for small motions than the rule knows, so that the loop swings through it for ever: a limit
    cycle (Nordin and Gutman 2002, doi:10.1016/S0005-1098(02)00047-X).

    Args:
        symmetry: Parameter a of the symmetrical optimum, above 1; larger is slower and better damped.
    """

    name: ClassVar[str] = "pi"
    #: Filtered reference and integral term.
    state_size = 2

    def __init__(self, *, symmetry: float = 5.0) -> None:
        self.symmetry = symmetry

    def _shaft_delay(self) -> float:
        """Return the lag that stands for the shaft, s."""
        return 1.0 / self._resonance

    def _tune(self, nominal: Any) -> None:
        self._prepare(nominal)
        check_number("symmetry", self.symmetry, above=1.0)
        delay = self._lag + 1.5 * self._dt + self._shaft_delay()
        rule = symmetrical_optimum(1.0 / (self._rotor + self._load), delay=delay, a=self.symmetry)
        self.gains_["omega_load"] = replace(rule, unit="N m s/rad")

    def _restart(
        self,
        state: NDArray[np.float64],
        rows: NDArray[np.bool_],
        observation: NDArray[np.float64],
    ) -> None:
        state[rows] = 0.0
        state[rows, 0] = self._speeds(observation[rows])[1]

    def _filtered(
        self, torque: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the torque to command for the one that the PI law asks for, N m."""
        return torque

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        _, load, reference = self._speeds(observation)
        gains, limit = self.gains_["omega_load"], self._limit
        share = 1.0 - math.exp(-self._dt / gains.prefilter) if gains.prefilter > 0.0 else 1.0
        state[:, 0] += share * (reference - state[:, 0])
        error = state[:, 0] - load
        asked = gains.kp * error + state[:, 1]
        # The integral stands still while it would drive a torque that is at its limit further.
        free = (np.abs(asked) < limit) | (asked * error < 0.0)
        state[:, 1] += np.where(free, gains.ki * error * self._dt, 0.0)
        command = self._filtered(np.clip(asked, -limit, limit), state)
        return (np.clip(command, -limit, limit) / limit)[:, None]


class NotchControl(TwoMassControl):
    """PI control of the load's speed behind a notch filter at the shaft's resonance.

    The filter (s^2 + 2 z w s + w^2) / (s^2 + 2 width w s + w^2) takes the swinging pair of poles out of the loop and
    puts a damped one in its place; G. Ellis, "Control System Design Guide", 4th ed., Butterworth-Heinemann 2012,
    chapter 9. It is made discrete by the bilinear transform with the notch at its frequency; its lag 2 (width - z) / w
    stands for the shaft's in the symmetrical optimum.

    Args:
        symmetry: Parameter a of the symmetrical optimum, above 1.
        width: Damping ratio of the filter's poles.
    """

    name: ClassVar[str] = "notch"
    #: Filtered reference, integral term, and the filter's two.
    state_size = 4

    def __init__(self, *, symmetry: float = 4.0, width: float = 0.5) -> None:
        super().__init__(symmetry=symmetry)
        self.width = width

    def _shaft_delay(self) -> float:
        width = check_number("width", self.width, above=0.0, high=10.0)
        return 2.0 * max(width - self._ratio, 0.0) / self._resonance

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        w = self._resonance
        c = w / math.tan(min(0.5 * w * self._dt, 1.5))
        above, below = ([c * c + 2.0 * z * w * c + w * w, 2.0 * (w * w - c * c), c * c - 2.0 * z * w * c + w * w]
                        for z in (self._ratio, self.width))  # fmt: skip
        self._above, self._below = np.array(above) / below[0], np.array(below) / below[0]

    def _filtered(
        self, torque: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        shown = self._above[0] * torque + state[:, 2]
        state[:, 2] = self._above[1] * torque - self._below[1] * shown + state[:, 3]
        state[:, 3] = self._above[2] * torque - self._below[2] * shown
        return shown


class StateFeedbackControl(_TwoMass):
    """State feedback with an observer that knows the gap; it damps the shaft where PI control swings.

    The observer predicts both speeds, twist, torque and the load's torque with the nominal model, in which the shaft
    transmits nothing within the gap, and corrects them by the stationary Kalman filter of both measured speeds. The
    feedback is linear-quadratic: it weighs the load's speed and the commanded torque, and takes what is bent of the
    shaft, not the twist, so that it does not push through the gap. Its target is the steady state at the reference
    under the observed torque of the load, which leaves no error without an integral. B. D. O. Anderson and J. B. Moore,
    "Optimal Control: Linear Quadratic Methods", Prentice Hall 1990; for the gap Nordin and Gutman 2002,
    doi:10.1016/S0005-1098(02)00047-X.

    Args:
        torque_weight: Weight of a squared N m of torque beside a squared rad/s of the load's speed.
        sample: Standard deviation that the observer reckons with of a sample of a speed, rad/s.
        torque_share: Part of the largest torque that it commands: from one limit to the other the currents overshoot.
    """

    name: ClassVar[str] = "state-feedback"
    information: Information = "model"
    #: Predicted speeds (2), twist, torque, the load's torque, and 1 if there is a prediction.
    state_size = 6
    hyperparameters = (
        Hyperparameter(
            name="torque_weight", low=1e-4, high=10.0, meaning="weight of the squared torque"
        ),
        Hyperparameter(
            name="sample", low=0.01, high=10.0, meaning="noise that the observer reckons with"
        ),
    )

    def __init__(
        self, *, torque_weight: float = 0.01, sample: float = 1.0, torque_share: float = 0.8
    ) -> None:
        self.torque_weight = torque_weight
        self.sample = sample
        self.torque_share = torque_share

    def _tune(self, nominal: Any) -> None:
        from scipy.linalg import expm, solve_discrete_are

        from gym_suite.controllers.state_feedback import lqr

        self._prepare(nominal)
        weight = check_number("torque_weight", self.torque_weight, above=0.0, high=1e3)
        deviation = check_number("sample", self.sample, above=0.0, high=1e3)
        self._most = self._limit * check_number(
            "torque_share", self.torque_share, above=0.0, high=1.0
        )
        rotor, load, k, d = self._rotor, self._load, self._stiffness, self._damping
        a = np.zeros((5, 5))
        a[0] = -d / rotor, d / rotor, -k / rotor, 1.0 / rotor, 0.0
        a[1] = d / load, -(d + self._viscous) / load, k / load, 0.0, -1.0 / load
        a[2, :2] = 1.0, -1.0
        a[3, 3] = -1.0 / self._lag
        # The commanded torque, and what of the shaft's a gap leaves out.
        b = np.zeros((5, 2))
        b[3, 0], b[0, 1], b[1, 1] = 1.0 / self._lag, -1.0 / rotor, 1.0 / load
        exact = np.asarray(
            expm(np.block([[a, b], [np.zeros((2, 7))]]) * self._dt), dtype=np.float64
        )
        self._a, self._b = exact[:5, :5], exact[:5, 5:]
        feedback = lqr(
            self._a[:4, :4],
            self._b[:4, :1],
            np.array([0.0, 1.0, 0.0, 0.0]),
            np.array([weight]),
            dt=self._dt,
        )
        self.gains_["feedback"] = feedback.k[0]
        self._k = np.asarray(self.gains_["feedback"])
        seen, moved = np.eye(2, 5), np.diag(np.square(_MOVED))
        sample = deviation**2 * np.eye(2)
        spread = solve_discrete_are(self._a.T, seen.T, moved, sample)
        self._correct = spread @ seen.T @ np.linalg.inv(seen @ spread @ seen.T + sample)

    def _observed(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the observed speeds, twist, torque and torque of the load, (n, 5), and the reference, (n,)."""
        rotor, load, reference = self._speeds(observation)
        fresh = state[:, 5] == 0.0
        state[fresh, 0], state[fresh, 1], state[:, 5] = rotor[fresh], load[fresh], 1.0
        x = state[:, :5]
        measured = np.column_stack([rotor - x[:, 0], load - x[:, 1]])
        return x + _times(measured, self._correct), reference

    def _bent(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is bent of the shaft, rad, the twist beyond the gap."""
        return np.sign(x[:, 2]) * np.maximum(np.abs(x[:, 2]) - 0.5 * self._gap, 0.0)

    def _asked(self, x: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the torque that the feedback commands, N m, (n,), for observed states and references."""
        held = self._viscous * reference + x[:, 4]
        target = np.column_stack([reference, reference, held / self._stiffness, held])
        now = np.column_stack([x[:, 0], x[:, 1], self._bent(x), x[:, 3]])
        asked = held - _times(now - target, self._k[None])[:, 0]
        return np.clip(asked, -self._most, self._most)

    def _after(self, x: NDArray[np.float64], torque: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the states one period later under commanded torques, (n, 5)."""
        missing = self._stiffness * (self._bent(x) - x[:, 2])
        return _times(x, self._a) + _times(np.column_stack([torque, missing]), self._b)

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        x, reference = self._observed(observation, state)
        torque = self._asked(x, reference)
        state[:, :5] = self._after(x, torque)
        return (torque / self._limit)[:, None]


class PredictiveTwoMassControl(StateFeedbackControl):
    """Predictive control of the load's speed: the cheapest of first torques beside that of the state feedback.

    The feedback is linear and its weights are squares; the reward takes a root of the error, and the shaft has a gap.
    So torques near that of the feedback are tried, and each is finished by the feedback over a horizon, with the
    nominal shaft and its gap; the one whose course costs least, by what the reward takes for the error, is commanded,
    in the next period anew (rollout; D. P. Bertsekas, Dynamic Programming and Optimal Control, vol. 1, 4th ed., Athena
    Scientific 2017, section 6.4). Torques further away earn no more, and under noise they trip the drive.

    Args:
        torque_weight: Weight of a squared N m of torque beside a squared rad/s of the load's speed.
        sample: Standard deviation that the observer reckons with of a sample of a speed, rad/s.
        torque_share: Part of the largest torque that it commands.
        moves: Torques that are tried beside that of the feedback.
        stride: How far they lie from it at most, as a part of the largest torque.
        horizon: Periods that are predicted.
    """

    name: ClassVar[str] = "mpc"

    def __init__(
        self,
        *,
        torque_weight: float = 0.01,
        sample: float = 1.0,
        torque_share: float = 0.8,
        moves: int = 9,
        stride: float = 0.1,
        horizon: int = 40,
    ) -> None:
        super().__init__(torque_weight=torque_weight, sample=sample, torque_share=torque_share)
        self.moves = moves
        self.stride = stride
        self.horizon = horizon

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        moves = check_number("moves", self.moves, low=1, high=1000, integer=True)
        stride = check_number("stride", self.stride, low=0.0, high=2.0)
        self._periods = int(check_number("horizon", self.horizon, low=1, high=10_000, integer=True))
        self._beside = np.concatenate(
            [[0.0], stride * self._limit * np.linspace(-1.0, 1.0, int(moves))]
        )
        self._factor = float(nominal.tables[T.task][0, K.tracked_factor])
        self._exponent = float(nominal.parameters["error_exponent"])

    def _costs(
        self,
        x: NDArray[np.float64],
        torques: NDArray[np.float64],
        reference: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return what courses cost that begin with torques, (n, torques), N m, of states (n, 5)."""
        rows, tried = torques.shape
        x, reference = np.repeat(x, tried, axis=0), np.repeat(reference, tried)
        x, cost = self._after(x, torques.ravel()), np.zeros(rows * tried)
        for _ in range(self._periods):
            error = np.minimum(np.abs(x[:, 1] - reference) * self._factor, 1.0)
            cost += error**self._exponent
            x = self._after(x, self._asked(x, reference))
        return cost.reshape(rows, tried)

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        x, reference = self._observed(observation, state)
        usual = self._asked(x, reference)
        tried = np.clip(usual[:, None] + self._beside, -self._most, self._most)
        # Of equally cheap ones the first, which is the feedback's own.
        best = np.argmin(self._costs(x, tried, reference), axis=1)
        torque = tried[np.arange(len(tried)), best]
        state[:, :5] = self._after(x, torque)
        return (torque / self._limit)[:, None]
