"""PI control of currents and torque with the dead time predicted: gains by a rule, or linear-quadratic ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.gains import Gains
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Information
from gym_suite.controllers.state_feedback import lqr
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.compensation import (
    compensated_current_rows,
    compensated_torque_rows,
)
from gym_suite.motors.controllers.field_oriented import CurrentControl, TorqueControl
from gym_suite.motors.controllers.predictive import Watch
from gym_suite.motors.transforms import SQRT3

Rows = NDArray[np.float64]


class _Compensated:
    """What PI control with the delay predicted changes: it learns of the last action, and stands less delay."""

    _machine: Any

    def _delay(self, values: Mapping[str, float]) -> float:
        # The dead time is predicted; half a period of hold remains.
        return 0.5 * values["tau"]

    def _tune(self, nominal: Any) -> None:
        law: Any = super()
        law._tune(nominal)
        self._watch = Watch(nominal.setup, self._machine)


class CompensatedCurrentControl(_Compensated, CurrentControl):
    """PI control of the currents that the nominal model predicts for the end of the dead time.

    The voltage of the last action, which is observed, still acts while the next one waits; the model predicts what it
    does to the currents, so that the loop has half a period of delay to stand in place of one and a half, and three
    times the gains. That is a Smith predictor in its form for a sampled plant, with the state predicted from what is
    measured (O. J. M. Smith, "Closer control of loops with dead time", Chem. Eng. Progress 53(5), 1957; for drives
    S.-M. Yang and C.-H. Lee, "A deadbeat current controller for field oriented induction motor drives", IEEE Trans.
    Power Electronics 17(5), 2002). The integral part takes what the model does not know.

    Args:
        rule: "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation induces.
    """

    name: ClassVar[str] = "pi-predicted"
    information: Information = "model"

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
    ) -> None:
        # It predicts with its last action, in which a compensation of interlocking would be mistaken for voltage.
        super().__init__(
            rule=rule, symmetry=symmetry, anti_windup=anti_windup, decoupling=decoupling
        )

    def _law(self, observation: Rows, state: Rows) -> Rows:
        action = np.empty((len(observation), self._actions))
        watched = self._watch(observation)
        compensated_current_rows(self._group, watched, state, self._constants, action)
        return action


class CompensatedTorqueControl(_Compensated, TorqueControl):
    """The currents of least loss for a torque, above PI control of the currents with the dead time predicted.

    As :class:`CompensatedCurrentControl`, whose sources it has.

    Args:
        rule: Rule of the current loops, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation induces.
        voltage_margin: Part of the converter's voltage that operating points may use; None: the machine's share.
        current_margin: Part of the current limits that operating points may use; None: the machine's share.
    """

    name: ClassVar[str] = "pi-predicted"
    information: Information = "model"

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        voltage_margin: float | None = None,
        current_margin: float | None = None,
    ) -> None:
        # Feedback of the voltage would trip this law under a period of delay that it does not predict.
        super().__init__(
            rule=rule,
            symmetry=symmetry,
            anti_windup=anti_windup,
            decoupling=decoupling,
            voltage_margin=voltage_margin,
            current_margin=current_margin,
            voltage_feedback=0.0,
        )

    def _law(self, observation: Rows, state: Rows) -> Rows:
        action = np.empty((len(observation), self._actions))
        watched = self._watch(observation)
        compensated_torque_rows(self._group, watched, state, self._constants, self._points, action)
        return action


_WEIGHTS = (
    Hyperparameter(name="effort", low=0.01, high=100.0, meaning="weight of the voltage"),
    Hyperparameter(name="integral", low=1e-3, high=1.0, meaning="weight of the integral"),
)


class _Optimal:
    """What linear-quadratic gains change: they follow from weights of error, its integral and voltage."""

    effort: float
    integral: float

    def _axis_gains(
        self, inductance: float, resistance: float, delay: float, values: Mapping[str, float]
    ) -> Gains:
        # An exact step of an axis whose coupling is cancelled. Feedback of what is predicted is optimal with dead time.
        effort = check_number("effort", self.effort, above=0.0)
        integral = check_number("integral", self.integral, above=0.0)
        tau = values["tau"]
        share = math.exp(-tau * resistance / inductance)
        gain = (1.0 - share) / resistance if resistance > 0.0 else tau / inductance
        current, voltage = values["i_limit"], values["u_dc"] / SQRT3
        found = lqr(
            [[share]],
            [[gain]],
            [1.0 / current**2, (integral / (tau * current)) ** 2],
            [(effort / voltage) ** 2],
            dt=tau,
            integral=[[1.0]],
        )
        return Gains(
            kp=float(found.k[0, 0]),
            ki=float(found.k_i[0, 0]),
            unit="V/A",
            rule="LQR with integral action",
            source=found.source,
        )


class OptimalCurrentControl(_Optimal, CompensatedCurrentControl):
    """Linear-quadratic control of the currents with integral action, on the currents at the end of the dead time.

    Each axis, its coupling cancelled, is a first-order plant; the gains minimise the sum of the squared error, of its
    integral and of the voltage's departure from the one that holds the currents. With dead time the optimal feedback is
    that of the state at its end, predicted from the last action (B. D. O. Anderson and J. B. Moore, Optimal Control:
    Linear Quadratic Methods, Prentice Hall 1990).

    Args:
        effort: Weight of the full voltage beside an error of the current limit.
        integral: Weight of an error that lasts one period beside the error itself.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation induces.
    """

    name: ClassVar[str] = "lqr"
    hyperparameters = _WEIGHTS

    def __init__(
        self,
        *,
        effort: float = 0.2,
        integral: float = 0.1,
        anti_windup: str = "clamping",
        decoupling: bool = True,
    ) -> None:
        super().__init__(anti_windup=anti_windup, decoupling=decoupling)
        self.effort = effort
        self.integral = integral


class OptimalTorqueControl(_Optimal, CompensatedTorqueControl):
    """The currents of least loss for a torque, above linear-quadratic control of the currents.

    As :class:`OptimalCurrentControl`, whose sources it has.

    Args:
        effort: Weight of the full voltage beside an error of the current limit.
        integral: Weight of an error that lasts one period beside the error itself.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation induces.
        voltage_margin: Part of the converter's voltage that operating points may use; None: the machine's share.
        current_margin: Part of the current limits that operating points may use; None: the machine's share.
    """

    name: ClassVar[str] = "lqr"
    hyperparameters = _WEIGHTS

    def __init__(
        self,
        *,
        effort: float = 0.2,
        integral: float = 0.1,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        voltage_margin: float | None = None,
        current_margin: float | None = None,
    ) -> None:
        super().__init__(
            anti_windup=anti_windup,
            decoupling=decoupling,
            voltage_margin=voltage_margin,
            current_margin=current_margin,
        )
        self.effort = effort
        self.integral = integral
