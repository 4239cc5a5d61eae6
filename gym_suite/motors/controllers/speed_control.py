"""PI control of the speed above operating points of least loss, field weakening and current control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.protocol import Loop
from gym_suite.controllers.tuning import symmetrical_optimum
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.cascade import speed_control_rows, torque_command_rows
from gym_suite.motors.controllers.field_oriented import FieldOriented, rise_time, sampled_delay
from gym_suite.motors.controllers.laws import L, S
from gym_suite.motors.loads import load_coefficients
from gym_suite.motors.parameters import VEHICLE
from gym_suite.motors.quantities import CONTROL_TORQUE

#: Of the voltage for operating points: speed control accelerates beyond where it has looked.
SPEED_VOLTAGE_SHARE = 0.9
#: Parameter a of the symmetrical optimum, and lag of the speed's error, s, on a drive cycle. A car is so heavy that
#: without the lag 1 % of noise asks for more than the machine's torque at every sample, and such steps trip the drive.
CYCLE_SYMMETRY, CYCLE_LAG = 2.0, 0.05


class SpeedControl(FieldOriented):
    """A PI speed controller above operating points of least loss, field weakening and current control.

    The currents are tuned as below torque control, but for one more period of delay: a step of the speed asks for the
    largest current at once, and where the drive answered a period later than believed its overshoot would trip. For
    the same reason the current across the field keeps to what the measured one along it leaves of the current limits,
    and in synchronous machines without saturation the one along it does not grow while the other still fills them.
    Neither is done for machines with an excitation winding or two stars, which are sampled much faster than their
    voltage makes a torque, and a doubly fed machine has no such circle.

    The shaft is an integrator 1 / (J s); the current loop, tuned by the magnitude optimum, acts as a
    lag of twice its delay, to which machines with an excitation winding or two stars add the time in
    which the voltage makes a torque. The speed loop follows from that by the symmetrical optimum. Under
    torque control the drive's own current loop is used and only the torque is commanded.

    Args:
        rule: Rule of the current loops, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1; None: 4, on a drive cycle 2.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation and other windings induce.
        prefilter: Whether steps of the reference are smoothed as the symmetrical optimum asks for;
            None: where the reference has steps (not on a drive cycle).
        feedforward: Whether the torque that the nominal shaft and load need for the reference's own
            acceleration and speed is added; None: on a drive cycle.
        error_lag: Time constant of the filter of the speed's error, s, with which the loop is tuned; None: 0.05 on a
            drive cycle, else 0.
        voltage_margin: Part of the converter's voltage that operating points may use; None: 0.9, or the
            machine's ``voltage_share`` if that is less.
        current_margin: Part of the current limits that operating points may use; None: the machine's
            ``current_share``.
        voltage_feedback: Gain with which a voltage that is demanded but not there weakens the field; 0 turns the
            feedback off. None: the machine's ``voltage_feedback``.
        aim: "current", operating points of the least current, or "loss", of all that the drive loses at its speed, for
            the nominal voltage; without ``losses=`` that is its copper, and they are the same.
    """

    name: ClassVar[str] = "pi"
    #: Periods of delay more than the nominal ones that the current loops are tuned for.
    spare_periods: ClassVar[float] = 1.0

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float | None = None,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        prefilter: bool | None = None,
        feedforward: bool | None = None,
        error_lag: float | None = None,
        voltage_margin: float | None = None,
        current_margin: float | None = None,
        voltage_feedback: float | None = None,
        aim: str = "current",
    ) -> None:
        super().__init__(
            rule=rule, symmetry=symmetry, anti_windup=anti_windup, decoupling=decoupling
        )
        self.prefilter = prefilter
        self.feedforward = feedforward
        self.error_lag = error_lag
        self.voltage_margin = voltage_margin
        self.current_margin = current_margin
        self.voltage_feedback = voltage_feedback
        self.aim = aim

    @classmethod
    def _numbers(cls) -> set[str]:
        return super()._numbers() | {"symmetry"}  # whose default depends on the task

    def _tune(self, nominal: Any) -> None:
        self._prepare(nominal)
        law, values, setup = self._constants, nominal.parameters, nominal.setup
        cycle = "v_ref" in setup.observation_columns
        self._commands = int(values["control"]) == CONTROL_TORQUE
        if self._commands and self.aim != "current":
            raise ValueError(
                f"aim = {self.aim!r} chooses currents, which under control='torque' the drive itself does; leave it out"
            )
        if self._commands:  # the drive's own current loop acts, with gains of its own
            for name in self._machine.followed:
                del self.gains_[name]
        if int(values["load_kind"]) == VEHICLE:
            self._scale[S.reference_0] *= values["gear_ratio"] / values["wheel_radius"]
        friction, viscous, drag, inertia, _ = load_coefficients(nominal.row)
        if cycle if self.feedforward is None else self.feedforward:
            law[L.inertia], law[L.friction] = inertia, friction
            law[L.viscous], law[L.drag] = viscous, drag
        lag = (CYCLE_LAG if cycle else 0.0) if self.error_lag is None else self.error_lag
        law[L.error_lag] = check_number("error_lag", lag, low=0.0)
        symmetry = CYCLE_SYMMETRY if cycle and self.symmetry is None else self._symmetry
        delay = self._torque_delay(nominal)
        gains = symmetrical_optimum(1.0 / inertia, delay=delay + lag, a=symmetry)
        filtered = not cycle if self.prefilter is None else self.prefilter
        gains = replace(gains, unit="N m s/rad", prefilter=gains.prefilter if filtered else 0.0)
        self.gains_["omega"] = gains
        gains = self.gains_["omega"]
        shaft = [inertia * lag, inertia, 0.0] if lag > 0.0 else [inertia, 0.0]
        self._loops.append(
            Loop.from_gains(
                "omega", gains, numerator=[1.0], denominator=shaft, delay=delay, dt=nominal.dt,
            )
        )  # fmt: skip
        law[L.kp_speed], law[L.ki_speed] = gains.kp, gains.ki
        law[L.prefilter] = gains.prefilter
        law[L.back_gain_speed] = gains.ki / gains.kp
        own = self.voltage_margin
        if own is None:
            own = min(SPEED_VOLTAGE_SHARE, self._machine.voltage_share)
        self._use_operating_points(values, own, self.current_margin)
        self._feed_back(self.voltage_feedback, self._machine.voltage_feedback)
        self._aim_at(self.aim, nominal)

    def _spare_periods(self) -> float:
        return 0.0 if rise_time(self._machine) > 0.0 else self.spare_periods

    def _torque_delay(self, nominal: Any) -> float:
        """Return the lag from a command of the speed controller to the torque, s."""
        values, rise = nominal.parameters, rise_time(self._machine)
        if self._commands:  # the drive's own current loop is tuned for the nominal delay
            return 2.0 * sampled_delay(values) + rise + 1.5 * nominal.dt
        return 2.0 * (self._delay(values) + self._spare_periods() * values["tau"]) + rise

    def _over_rows(self) -> tuple[Callable[..., None], tuple[NDArray[np.float64], ...]]:
        rows = torque_command_rows if self._commands else speed_control_rows
        return rows, (self._constants, self._points)
