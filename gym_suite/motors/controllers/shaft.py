"""Deadbeat and predictive control of the shaft of drives that take torques."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.dc_cascade import DcPositionControl, DcSpeedControl
from gym_suite.motors.controllers.field_oriented import machine_of, rise_time, sampled_delay
from gym_suite.motors.controllers.prediction import MOST_DELAYS
from gym_suite.motors.controllers.shaft_laws import (
    KNOWN,
    SHAFT,
    N,
    course_rows,
    deadbeat_shaft_rows,
)
from gym_suite.motors.controllers.speed_control import SpeedControl
from gym_suite.motors.machines import DC, SYNCHRONOUS
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.quantities import CONTROL_TORQUE, K, P, T

Rows = NDArray[np.float64]

#: Part of the error of the speed that a period takes away, and size of the observer's errors that is believed at first,
#: as a part of the largest speed, on a drive cycle: a car is so heavy that in one period it would go from torque to
#: torque by steps that trip a drive which is not quite the nominal one, and that the first noise would ask for its
#: largest torques. Elsewhere they are 1 and 0.
CYCLE_STEP, CYCLE_DOUBT = 0.3, 0.01
#: Part of the largest torque that noise may ask for. A design value: more trips a car, less gains nothing elsewhere.
QUIET = 0.1
#: Part of the largest torque that braking to a position reckons with: usually, and where the field of the machine has a
#: converter of its own, and has to be there before the torque is.
BRAKING, FIELD_BRAKING = 0.9, 0.6


class DeadbeatShaftControl(Controller):
    """The torque that brings a speed to its reference in one period, by the nominal shaft.

    The shaft's model, solved for the torque, is that of :mod:`gym_suite.motors.controllers.shaft_laws`. What it does
    not explain an observer takes for a torque of the load, as K. Ohnishi, M. Shibata and T. Murakami, "Motion control
    for advanced mechatronics", IEEE/ASME Trans. Mechatronics 1(1), 1996, doi:10.1109/3516.491410, do; it sees the
    torque by the currents, and believes samples the sooner the more its errors point one way (Trigg and Leach 1967). A
    step to a speed is made smaller as long as the errors by chance would ask for more than a part ``quiet`` of the
    largest torque. By the currents it also finds by how many periods commands are late, and begins at where the shaft
    will be then.

    Where the torque is at its limit, that is the fastest course, and no predictive control of a speed gains more: a
    shaft of first order leaves it nothing to choose.

    Args:
        step: Part of the error of a speed that a period is to take away; None: 1, on a drive cycle 0.3.
        pole: Place of both poles of the observer while it errs by chance.
        quick: The same while it errs one way.
        delays: Further periods of delay that it can find, at most 2.
        quiet: Part of the largest torque that noise may ask for.
    """

    name: ClassVar[str] = "deadbeat"
    information: Information = "model"
    state_size = len(KNOWN)
    hyperparameters = (
        Hyperparameter(name="step", low=0.01, high=1.0, meaning="part of the error in a period"),
        Hyperparameter(
            name="pole", low=0.5, high=0.995, scale="linear", meaning="poles of the slow observer"
        ),
        Hyperparameter(
            name="quick", low=0.0, high=0.9, scale="linear", meaning="poles of the quick observer"
        ),
    )

    def __init__(
        self,
        *,
        step: float | None = None,
        pole: float = 0.97,
        quick: float = 0.5,
        delays: int = 2,
        quiet: float = QUIET,
    ) -> None:
        self.step = step
        self.pole = pole
        self.quick = quick
        self.delays = delays
        self.quiet = quiet

    @classmethod
    def _numbers(cls) -> set[str]:
        return super()._numbers() | {"step"}  # whose default depends on the task

    #: What is followed, by the names of columns, that the law is written for.
    _followed: ClassVar[tuple[str, ...]] = ("omega", "v")

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine: Any = machine_of(values, setup.keywords["machine"])
        tracked = setup.tracking[0].value
        if int(values["control"]) != CONTROL_TORQUE or tracked not in self._followed:
            raise ValueError(
                f"{type(self).__name__} commands torques for {' or '.join(self._followed)}: it needs control='torque' "
                f"and a task that follows one of these, but {setup.id} follows {tracked} by "
                f"{setup.action_columns.names[0]}"
            )
        if machine.group not in (DC, SYNCHRONOUS):
            raise ValueError(
                f"{type(self).__name__} takes the torque from measured currents, which a {machine.words} does not show "
                "alone: its flux has a part in it"
            )
        cycle = tracked == "v"
        # What is seen, the drive's operating points and its limits are those of the cascade of the same id.
        self._above = self._cascade(machine).for_env(nominal)
        choice = np.zeros(len(SHAFT))
        usual = CYCLE_STEP if cycle else 1.0
        step = usual if self.step is None else self.step
        choice[N.step] = check_number("step", step, above=0.0, high=1.0)
        choice[N.pole] = check_number("pole", self.pole, low=0.0, high=0.999)
        choice[N.quick] = check_number("quick", self.quick, low=0.0, high=0.999)
        choice[N.quiet] = check_number("quiet", self.quiet, above=0.0, high=100.0)
        choice[N.delays] = check_number(
            "delays", self.delays, low=0, high=MOST_DELAYS, integer=True
        )
        # The drive's own current loop, tuned by the magnitude optimum, acts as a lag of twice its delay.
        lag, dt = 2.0 * sampled_delay(values) + rise_time(machine), nominal.dt
        choice[N.left] = math.exp(-dt / lag)
        choice[N.rise] = lag / dt * (1.0 - choice[N.left])
        choice[N.doubt] = CYCLE_DOUBT * machine.omega_limit if cycle else 0.0
        choice[N.moving] = float(cycle)
        self._choice = choice

    def _cascade(self, machine: Any) -> Any:
        """Return the class of the cascade of the same id."""
        return DcSpeedControl if machine.group == DC else SpeedControl

    def _law(self, observation: Rows, state: Rows) -> Rows:
        above, action = self._above, np.empty((len(observation), 1))
        seen, law, points = above._seen(observation), above._constants, above._points
        deadbeat_shaft_rows(above._group, seen, state, self._choice, law, points, action)
        return action


class DeadbeatPositionControl(DeadbeatShaftControl):
    """The torque that has a shaft rest at its position in the fewest periods, by the nominal shaft.

    Observer and delay are those of :class:`DeadbeatShaftControl`. The shaft goes by the torque that has it rest at its
    reference in the fewest periods of a deceleration by a part ``braking`` of the largest torque (C. A. Desoer and J.
    Wing, "An optimal strategy for a saturating sampled-data system", IRE Trans. Automatic Control 6(1), 1961): in two
    where that suffices.

    Args:
        pole: Place of both poles of the observer while it errs by chance.
        quick: The same while it errs one way.
        delays: Further periods of delay that it can find, at most 2.
        braking: Part of the largest torque that braking reckons with; None: 0.9, for machines with a converter for
            their excitation 0.6.
    """

    hyperparameters = DeadbeatShaftControl.hyperparameters[1:]
    _followed: ClassVar[tuple[str, ...]] = ("position",)

    def __init__(
        self,
        *,
        pole: float = 0.97,
        quick: float = 0.5,
        delays: int = 2,
        braking: float | None = None,
    ) -> None:
        super().__init__(pole=pole, quick=quick, delays=delays)
        self.braking = braking

    @classmethod
    def _numbers(cls) -> set[str]:
        return super()._numbers() - {"step"}

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        machine: Any = machine_of(nominal.parameters, nominal.setup.keywords["machine"])
        follows = machine.group == DC and int(nominal.row[P.excitation]) == SEPARATE
        usual = FIELD_BRAKING if follows else BRAKING
        braking = usual if self.braking is None else self.braking
        self._choice[N.braking] = check_number("braking", braking, above=0.0, high=1.0)
        self._choice[N.position] = 1.0

    def _cascade(self, machine: Any) -> Any:
        return DcPositionControl


class CourseControl(DeadbeatPositionControl):
    """Model predictive control of a position: the cheapest of the courses that brake the sooner or later.

    The torque of ``deadbeat`` reckons with a deceleration that the machine must be able to give at every speed. Here a
    course is predicted for each of several parts of the largest torque, with the limits of the currents and, of a
    machine with a converter for its excitation, with the field that follows its own voltage; the first torque of the
    course that costs least, by what the reward takes for the error, is commanded, in the next period anew. Rollout: D.
    P. Bertsekas, Dynamic Programming and Optimal Control, vol. 1, 4th ed., Athena Scientific 2017, section 6.4.

    Courses lead nearer to the limits than a cascade does: an ExtExDc that is 30 % off trips in single episodes, where
    it brakes from its highest speed in a weak field, and under ``deadbeat`` too, but less often.

    Args:
        pole: Place of both poles of the observer while it errs by chance.
        quick: The same while it errs one way.
        delays: Further periods of delay that it can find, at most 2.
        moves: Parts of the largest torque that are tried for braking, evenly from ``least`` to 1.
        least: The least of them.
        horizon: Periods that are predicted at most.
    """

    name: ClassVar[str] = "mpc"
    hyperparameters = DeadbeatPositionControl.hyperparameters

    def __init__(
        self,
        *,
        pole: float = 0.97,
        quick: float = 0.5,
        delays: int = 2,
        moves: int = 8,
        least: float = 0.3,
        horizon: int = 500,
    ) -> None:
        super().__init__(pole=pole, quick=quick, delays=delays)
        self.moves = moves
        self.least = least
        self.horizon = horizon

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        moves = check_number("moves", self.moves, low=1, high=1000, integer=True)
        least = check_number("least", self.least, above=0.0, high=1.0)
        horizon = check_number("horizon", self.horizon, low=1, high=100_000, integer=True)
        task, values = nominal.tables[T.task], nominal.parameters
        self._parts = np.linspace(1.0, least, int(moves))
        self._judged = int(horizon), task[0, K.tracked_factor], values["error_exponent"]

    def _law(self, observation: Rows, state: Rows) -> Rows:
        above, action = self._above, np.empty((len(observation), 1))
        seen, law, points = above._seen(observation), above._constants, above._points
        course_rows(
            above._group,
            seen,
            state,
            self._choice,
            law,
            points,
            self._parts,
            self._judged,
            action,
        )
        return action
