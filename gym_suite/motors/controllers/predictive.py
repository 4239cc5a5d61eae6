"""Current and torque control with the nominal model: PI with the delay predicted, deadbeat, and predictive control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.field_oriented import (
    CurrentControl,
    TorqueControl,
    machine_of,
    reading,
)
from gym_suite.motors.controllers.laws import SEEN
from gym_suite.motors.controllers.operating_points import operating_points
from gym_suite.motors.controllers.prediction import (
    MOST_DELAYS,
    PREDICTIVE,
    RECALLED,
    WATCHED,
    N,
    W,
    compensated_current_rows,
    compensated_torque_rows,
    predictive_current_rows,
    predictive_torque_rows,
)
from gym_suite.motors.machines import SYNCHRONOUS, group_of
from gym_suite.motors.transforms import SQRT3

Rows = NDArray[np.float64]


def _last_action(setup: Any) -> tuple[list[int], Rows]:
    """Return which columns of an observation are the last action, and the voltage of 1 in each."""
    columns = setup.observation_columns
    places = [columns.index(f"last_{column.name}") for column in setup.action_columns]
    return places, np.array([columns[j].scale for j in places])


def _watched(seen: Rows, observation: Rows, places: list[int], scale: Rows) -> Rows:
    """Return rows of WATCHED from rows of SEEN and observations."""
    watched = np.zeros((len(seen), len(WATCHED)))
    watched[:, : len(SEEN)] = seen
    watched[:, W.last_0 : W.last_0 + len(places)] = observation[:, places] * scale
    return watched


# ------------------------------------------------------------------------------------------ PI with the delay predicted


class _Compensated:
    """What PI control with the delay predicted changes: it learns of the last action, and stands less delay."""

    def _delay(self, values: Mapping[str, float]) -> float:
        # The dead time is predicted; half a period of hold remains.
        return 0.5 * values["tau"]


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

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        self._last = _last_action(nominal.setup)

    def _law(self, observation: Rows, state: Rows) -> Rows:
        action = np.empty((len(observation), self._actions))
        watched = _watched(self._seen(observation), observation, *self._last)
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
        voltage_margin: Part of the converter's voltage that operating points may use.
        current_margin: Part of the current limits that operating points may use.
    """

    name: ClassVar[str] = "pi-predicted"
    information: Information = "model"

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        self._last = _last_action(nominal.setup)

    def _law(self, observation: Rows, state: Rows) -> Rows:
        action = np.empty((len(observation), self._actions))
        watched = _watched(self._seen(observation), observation, *self._last)
        compensated_torque_rows(self._group, watched, state, self._constants, self._points, action)
        return action


# ------------------------------------------------------------------------------------------------- predictive control

#: Part of the voltage and of the current limits that operating points may use under torque control.
VOLTAGE_MARGIN, CURRENT_MARGIN = 0.95, 0.9


class Deadbeat(Controller):
    """The voltage that brings the currents to their references in one period, by the exact model.

    The dead time is compensated by prediction with the last action. What the model does not explain is learned by
    an observer, as an offset of the prediction: a part ``observer`` of each error of the prediction is added to it. A
    voltage beyond the inverter's hexagon is replaced by one on its edge that moves the currents in the same direction.
    T. Kawabata, T. Miyashita and Y. Yamamoto, "Dead beat control of three phase PWM inverter", IEEE Trans. Power
    Electronics 5(1), 1990; with observer H. T. Moon, H. S. Kim and M. J. Youn, "A discrete-time predictive current
    control for PMSM", IEEE Trans. Power Electronics 18(1), 2003, doi:10.1109/TPEL.2002.807131.

    Under torque control the references are the currents of least loss.

    Args:
        step: Part of the way to the references that a period is to bring; 1 is deadbeat, less stands more noise,
            mismatch and delay.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected; 1 trusts
            the measurement, less trusts the model.
    """

    name: ClassVar[str] = "deadbeat"
    information: Information = "model"
    state_size = len(RECALLED)
    hyperparameters = (
        Hyperparameter(name="step", low=0.05, high=1.0, meaning="part of the way in one period"),
        Hyperparameter(name="observer", low=1e-3, high=1.0, meaning="gain of the observer"),
        Hyperparameter(name="filter", low=0.1, high=1.0, meaning="trust in the measurement"),
    )

    #: First voltages that the search tries, and the periods that it predicts.
    moves: int = 0
    horizon: int = 0
    #: Further periods of delay that are reckoned with.
    delays: int = 0

    def __init__(self, *, step: float = 1.0, observer: float = 0.1, filter: float = 1.0) -> None:
        self.step = step
        self.observer = observer
        self.filter = filter

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine = machine_of(values)
        if machine.group != SYNCHRONOUS:
            raise ValueError(
                f"{type(self).__name__} is written for synchronous machines with two currents, "
                f"not for a machine with {', '.join(machine.currents)}"
            )
        self._group = group_of(machine.group)
        self._take, self._scale = reading(setup, machine)
        self._last = _last_action(setup)
        self._actions = len(setup.action_columns)
        law = np.zeros(len(PREDICTIVE))
        law[: len(nominal.row)] = nominal.row
        law[N.step] = check_number("step", self.step, above=0.0, high=1.0)
        law[N.observer] = check_number("observer", self.observer, low=0.0, high=1.0)
        law[N.filter] = check_number("filter", self.filter, above=0.0, high=1.0)
        law[N.moves] = check_number("moves", self.moves, low=0, high=1000, integer=True)
        law[N.horizon] = check_number("horizon", self.horizon, low=0, high=1000, integer=True)
        law[N.margin] = CURRENT_MARGIN
        law[N.delays] = check_number("delays", self.delays, low=0, high=MOST_DELAYS, integer=True)
        law[N.exponent] = values["error_exponent"]
        law[N.u_max] = VOLTAGE_MARGIN * values["u_dc"] / SQRT3
        self._points = None
        if [item.value for item in setup.tracking] == ["torque"]:
            law[N.by_torque] = 1.0
            self._points = operating_points(machine, CURRENT_MARGIN)
        self._constants = law

    def _law(self, observation: Rows, state: Rows) -> Rows:
        action = np.empty((len(observation), self._actions))
        seen = np.zeros((len(observation), len(SEEN)))
        for k, j in self._take:
            seen[:, k] = observation[:, j]
        watched = _watched(seen * self._scale, observation, *self._last)
        law = self._constants
        if self._points is None:
            predictive_current_rows(self._group, watched, state, law, action)
        else:
            predictive_torque_rows(self._group, watched, state, law, self._points, action)
        return action


class PredictiveControl(Deadbeat):
    """Model predictive control on the exact model, with the inverter's hexagon as a constraint.

    Where one period suffices the voltage is that of deadbeat control. Where the hexagon does not allow it, many first
    voltages are tried, on the hexagon's edge and those that shrink both errors in proportion or one before the other;
    each is finished over the horizon by these three rules, and the first of the cheapest course is applied, in the
    next period anew. What a course costs is what the id's reward takes for the error, so a root where the reward has
    one. Courses that come near to a trip are left out. Rollout: D. P. Bertsekas, Dynamic Programming and Optimal
    Control, vol. 1, 4th ed., Athena Scientific 2017, section 6.4; predictive control of drives: P. Cortes, M. P.
    Kazmierkowski, R. M. Kennel, D. E. Quevedo and J. Rodriguez, "Predictive control in power electronics and drives",
    IEEE Trans. Industrial Electronics 55(12), 2008, doi:10.1109/TIE.2008.2007480.

    Args:
        step: Part of the way to the references that a period is to bring.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected.
        moves: First voltages on the hexagon's edge that are tried.
        horizon: Periods that are predicted.
    """

    name: ClassVar[str] = "mpc"

    def __init__(
        self,
        *,
        step: float = 1.0,
        observer: float = 0.0,
        filter: float = 1.0,
        moves: int = 48,
        horizon: int = 30,
    ) -> None:
        super().__init__(step=step, observer=observer, filter=filter)
        self.moves = moves
        self.horizon = horizon


class SoftPredictiveControl(PredictiveControl):
    """Predictive control that goes a part of the way in a period and learns what the model does not explain.

    As :class:`PredictiveControl`; but where one period would suffice for the references it goes only ``step`` of the
    way, which makes of a deadbeat response a first-order one that stands noise, parameters that are off and a further
    period of delay. In large steps it is as fast.

    Args:
        step: Part of the way to the references that a period is to bring.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected.
        moves: First voltages on the hexagon's edge that are tried.
        horizon: Periods that are predicted.
        delays: Further periods of delay that it can find, at most 2.
    """

    name: ClassVar[str] = "mpc-soft"

    def __init__(
        self,
        *,
        step: float = 0.4,
        observer: float = 0.07,
        filter: float = 0.7,
        moves: int = 48,
        horizon: int = 30,
        delays: int = 2,
    ) -> None:
        super().__init__(step=step, observer=observer, filter=filter, moves=moves, horizon=horizon)
        self.delays = delays
