"""Current and torque control on the exact nominal model: deadbeat, and predictive control within the hexagon."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.columns import Columns
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.field_oriented import machine_of, reading
from gym_suite.motors.controllers.laws import SEEN
from gym_suite.motors.controllers.operating_points import operating_points
from gym_suite.motors.controllers.prediction import (
    MOST_DELAYS,
    PREDICTIVE,
    RECALLED,
    WATCHED,
    N,
    W,
    predictive_current_rows,
    predictive_torque_rows,
)
from gym_suite.motors.machines import SYNCHRONOUS, Machine, group_of
from gym_suite.motors.transforms import SQRT3

Rows = NDArray[np.float64]


class Watch:
    """What the laws see of an observation, in SI, by the names of its columns.

    Args:
        setup: Of the environment.
        machine: The machine.
        columns: What the law sees: :data:`WATCHED`, and columns behind it.
        last: Whether the last action is a voltage, which the laws then see.

    Attributes:
        group: The machine's group.
        scale: Factor of each column, (columns,).

    Raises:
        ValueError: If the machine has other currents than the laws are written for.
    """

    def __init__(
        self, setup: Any, machine: Machine, columns: Columns = WATCHED, *, last: bool = True
    ) -> None:
        if machine.group != SYNCHRONOUS:
            raise ValueError(
                "control with the model is written for synchronous machines with two currents, not for "
                f"a machine with {', '.join(machine.currents)}"
            )
        self.group = group_of(machine.group)
        self._columns = setup.observation_columns
        self._taken, scale = reading(setup, machine)
        self.scale = np.zeros(len(columns))
        self.scale[: len(SEEN)] = scale
        for k, column in enumerate(setup.action_columns if last else ()):
            self.take(W.last_0 + k, f"last_{column.name}")

    def take(self, place: int, name: str) -> None:
        """Let a column of an observation stand at a place.

        Args:
            place: Among what the law sees.
            name: Of the observation's column.
        """
        j = self._columns.index(name)
        self._taken.append((place, j))
        self.scale[place] = self._columns[j].scale

    def __call__(self, observation: Rows) -> Rows:
        """Return what the law sees, (n, columns), of observations (n, no)."""
        seen = np.zeros((len(observation), len(self.scale)))
        for k, j in self._taken:
            seen[:, k] = observation[:, j]
        return seen * self.scale


#: Part of the voltage and of the current limits that operating points may use under torque control.
VOLTAGE_MARGIN, CURRENT_MARGIN = 0.95, 0.9
#: Part of the current limit that a course to a torque may use. A plant whose inductances are smaller than nominal goes
#: beyond it before that is seen; of 200 plants 30 % off 3 tripped with 0.9, 1 with 0.8 or 0.7, 5 with 0.6.
COURSE_MARGIN = 0.8


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
        machine, setup = machine_of(nominal.parameters), nominal.setup
        self._watch = Watch(setup, machine)
        self._actions = len(setup.action_columns)
        law = set_up(self, PREDICTIVE, nominal)
        self._points = None
        if [item.value for item in setup.tracking] == ["torque"]:
            law[N.by_torque], law[N.margin] = 1.0, COURSE_MARGIN
            self._points = operating_points(machine, CURRENT_MARGIN)
        self._constants = law

    def _law(self, observation: Rows, state: Rows) -> Rows:
        action = np.empty((len(observation), self._actions))
        seen, group, law = self._watch(observation), self._watch.group, self._constants
        if self._points is None:
            predictive_current_rows(group, seen, state, law, action)
        else:
            predictive_torque_rows(group, seen, state, law, self._points, action)
        return action


def set_up(currents: Deadbeat, columns: Columns, nominal: Any) -> Rows:
    """Return the row of a law that controls currents, for a nominal plant.

    Args:
        currents: Whose numbers the currents' control has.
        columns: Of the row: :data:`PREDICTIVE`, and columns behind it, which stay zero.
        nominal: The nominal model.

    Raises:
        ValueError: If a number is out of bounds.
    """
    values = nominal.parameters
    law = np.zeros(len(columns))
    law[: len(nominal.row)] = nominal.row
    law[N.step] = check_number("step", currents.step, above=0.0, high=1.0)
    law[N.observer] = check_number("observer", currents.observer, low=0.0, high=1.0)
    law[N.filter] = check_number("filter", currents.filter, above=0.0, high=1.0)
    for name, most in (("moves", 1000), ("horizon", 1000), ("delays", MOST_DELAYS)):
        whole = check_number(name, getattr(currents, name), low=0, high=most, integer=True)
        law[PREDICTIVE.index(name)] = whole
    law[N.margin], law[N.exponent] = CURRENT_MARGIN, values["error_exponent"]
    law[N.u_max] = VOLTAGE_MARGIN * values["u_dc"] / SQRT3
    return law


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
