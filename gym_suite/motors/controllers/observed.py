"""Speed control with an observer of the load, above predictive current control or the drive's own current loop."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.field_oriented import machine_of
from gym_suite.motors.controllers.load_observer import (
    ESTIMATED,
    FORESEEN,
    OBSERVED,
    B,
    F,
    observed_speed_rows,
    observed_torque_rows,
)
from gym_suite.motors.controllers.operating_points import operating_points
from gym_suite.motors.controllers.predictive import (
    CURRENT_MARGIN,
    SoftPredictiveControl,
    Watch,
    set_up,
)
from gym_suite.motors.parameters import VEHICLE
from gym_suite.motors.quantities import CONTROL_TORQUE

_DEAD_PERIODS = (
    2.0  # of the inverter, from the sample to the middle of what a voltage has done to the torque
)


class ObservedSpeedControl(Controller):
    """Speed control that feeds forward what it knows of shaft, load and reference, and observes the rest of the load.

    An observer runs the nominal shaft beside the real one; what they differ by it takes for a torque of the load. The
    law demands the torque with which the speed comes a part ``pull`` of the way to its reference in a control period,
    reckoned for the time at which the torque will be there, and moves with the reference where that moves: as the
    preview says where there is one of a period, else, on a drive cycle, as it moved last. K. Ohnishi, M. Shibata and T.
    Murakami, "Motion control for advanced mechatronics", IEEE/ASME Trans. Mechatronics 1(1), 1996,
    doi:10.1109/3516.491410.

    Under voltage control the currents of least loss for the torque are controlled as ``mpc-soft`` controls them; under
    torque control the drive's own current loop does.

    Args:
        pull: Part of the error of the speed that a control period takes away.
        pole: Place of both poles of the observer's error; 0 believes every sample, nearer to 1 is slower and quieter.
            None: 0.9, under torque control, where a sample tells less of the torque, 0.95.
    """

    name: ClassVar[str] = "load-observer"
    information: Information = "model"
    state_size = len(ESTIMATED)
    hyperparameters = (
        Hyperparameter(name="pull", low=0.005, high=1.0, meaning="part of the error in a period"),
        Hyperparameter(
            name="pole", low=0.0, high=0.99, scale="linear", meaning="poles of the observer"
        ),
    )

    def __init__(self, *, pull: float = 0.1, pole: float | None = None) -> None:
        self.pull = pull
        self.pole = pole

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine = machine_of(values)
        self._commands = int(values["control"]) == CONTROL_TORQUE
        cycle = "v_ref" in setup.observation_columns
        self._watch = Watch(setup, machine, FORESEEN, last=not self._commands)
        law = set_up(SoftPredictiveControl(), OBSERVED, nominal)
        usual = 0.95 if self._commands else 0.9
        pole = usual if self.pole is None else self.pole
        law[B.pull] = check_number("pull", self.pull, above=0.0, high=1.0)
        law[B.pole] = check_number("pole", pole, low=0.0, high=0.999)
        law[B.dt] = nominal.dt
        law[B.lag] = 0.0 if self._commands else _DEAD_PERIODS * values["tau"]
        law[B.settled] = 1.0 if self._commands else 0.5
        law[B.moving] = float(cycle)
        (tracked,) = setup.tracking
        ahead = f"{tracked.reference}_1"
        if values["preview"] > 0.0 and values["preview_ticks"] == values["ratio"]:
            law[B.foresight] = 1.0
            self._watch.take(F.ahead, ahead)
        if int(values["load_kind"]) == VEHICLE:
            ratio = values["gear_ratio"] / values["wheel_radius"]
            self._watch.scale[[F.reference_0, F.ahead]] *= ratio
        self._points = operating_points(machine, CURRENT_MARGIN)
        self._constants, self._actions = law, len(setup.action_columns)

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.empty((len(observation), self._actions))
        seen, group = self._watch(observation), self._watch.group
        if self._commands:
            observed_torque_rows(group, seen, state, self._constants, action)
        else:
            observed_speed_rows(group, seen, state, self._constants, self._points, action)
        return action
