"""Deadbeat control of currents, torque and speed of any drive whose action is a voltage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.dc_cascade import DcSpeedControl, DcTorqueControl
from gym_suite.motors.controllers.deadbeat_laws import (
    DEADBEAT,
    RECALLED,
    N,
    deadbeat_current_rows,
    deadbeat_speed_rows,
    deadbeat_torque_rows,
)
from gym_suite.motors.controllers.field_oriented import CurrentControl, TorqueControl, machine_of
from gym_suite.motors.controllers.prediction import MOST_DELAYS
from gym_suite.motors.controllers.speed_control import SpeedControl
from gym_suite.motors.machines import DC
from gym_suite.motors.quantities import CONTROL_TORQUE

Rows = NDArray[np.float64]


class DeadbeatControl(Controller):
    """The voltages that bring all currents to their references in one period, by the exact model of any machine.

    The dead time is compensated by prediction with the last command. What the model does not explain is learned by an
    observer, as an offset of the prediction: a part ``observer`` of each error of the prediction is added to it. A
    voltage beyond what the converters give is replaced by one that moves the currents in the same direction from where
    they are; the choppers of a DC machine's windings are limited each by itself, and in a doubly fed machine the
    movement of the leakage fluxes has the first claim on the voltage. Sources as
    :class:`gym_suite.motors.controllers.predictive.Deadbeat` has them: T. Kawabata, T. Miyashita and Y. Yamamoto, "Dead
    beat control of three phase PWM inverter", IEEE Trans. Power Electronics 5(1), 1990; with observer H. T. Moon, H. S.
    Kim and M. J. Youn, "A discrete-time predictive current control for PMSM", IEEE Trans. Power Electronics 18(1),
    2003, doi:10.1109/TPEL.2002.807131.

    A coarsely sampled DC machine, which a few periods of full voltage bring to its limit, is led so that its armature's
    current stays within it even if it moves by half more than the model has it in the periods not yet seen.

    Above the currents stand the laws that stand above them under ``pi``: operating points of least loss, and a PI law
    of the speed with its gains.

    Args:
        step: Part of the way to the references that a period is to bring; 1 is deadbeat, less stands more noise,
            mismatch and delay.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected; 1 trusts
            the measurement, less trusts the model, within 2 % of the currents' limits.
        delays: Further periods of delay that it can find, at most 2.
        above: Keyword arguments of the law that stands above the currents, such as ``{"voltage_margin": 1.0}``; those
            of the class that controls the same quantity under ``pi``.
    """

    name: ClassVar[str] = "deadbeat"
    information: Information = "model"
    state_size = len(RECALLED)
    hyperparameters = (
        Hyperparameter(name="step", low=0.05, high=1.0, meaning="part of the way in one period"),
        Hyperparameter(name="observer", low=1e-3, high=1.0, meaning="gain of the observer"),
        Hyperparameter(name="filter", low=0.1, high=1.0, meaning="trust in the measurement"),
    )

    def __init__(
        self,
        *,
        step: float = 1.0,
        observer: float = 0.05,
        filter: float = 0.5,
        delays: int = 2,
        above: Mapping[str, Any] | None = None,
    ) -> None:
        self.step = step
        self.observer = observer
        self.filter = filter
        self.delays = delays
        self.above = dict(above or {})

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine = machine_of(values, setup.keywords["machine"])
        if setup.choices or int(values["control"]) == CONTROL_TORQUE:
            raise ValueError(
                f"{type(self).__name__} chooses voltages, but the actions of {setup.id} are switching states or "
                "torques, which the drive itself makes currents of"
            )
        if machine.commutated:
            raise ValueError(
                f"{type(self).__name__} knows no commutation, which a {machine.words} has"
            )
        dc = machine.group == DC
        kinds: dict[str, tuple[Any, Any]] = {
            "torque": (deadbeat_torque_rows, DcTorqueControl if dc else TorqueControl),
            "omega": (deadbeat_speed_rows, DcSpeedControl if dc else SpeedControl),
        }
        tracked = setup.tracking[0].value
        self._follow, cascade = kinds.get(tracked, (deadbeat_current_rows, CurrentControl))
        # The currents have no gains: their voltages are solved for.
        given = {name: value for name, value in self._given.items() if name.startswith("omega")}
        self._above: Any = cascade.for_env(nominal, gains=given, **self.above)
        if "omega" in self._above.gains_:
            self.gains_["omega"] = self._above.gains_["omega"]
        self._choice = np.zeros(len(DEADBEAT))
        self._choice[N.step] = check_number("step", self.step, above=0.0, high=1.0)
        self._choice[N.observer] = check_number("observer", self.observer, low=0.0, high=1.0)
        self._choice[N.filter] = check_number("filter", self.filter, above=0.0, high=1.0)
        most = check_number("delays", self.delays, low=0, high=MOST_DELAYS, integer=True)
        self._choice[N.delays] = most
        self._actions = len(setup.action_columns)

    def _law(self, observation: Rows, state: Rows) -> Rows:
        above, action = self._above, np.empty((len(observation), self._actions))
        seen, numbers = above._seen(observation), (self._choice, above._constants)
        if self._follow is not deadbeat_current_rows:
            numbers = *numbers, above._points
        self._follow(above._group, seen, state, *numbers, action)
        return action
